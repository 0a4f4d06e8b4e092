"""The campus with the sample course's three scenarios in one course of the north, and players of them."""

from __future__ import annotations

import re
import secrets
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from httpx import Response
from sqlalchemy import select

from app.course.loading import organisation_named
from app.course.scenarios import check_scenario, record_scenario
from app.rooms.simulation.models import SimulationRun, SimulationTurn
from tests.app.rooms.campus import Campus, Visit

SCENARIOS = Path(__file__).parents[4] / "content" / "scenarios"
WARDROBE, SMELL, KIND = "wardrobe-third-call", "smell-at-the-point", "kind-caller"


@pytest.fixture
def stage(campus: Campus) -> Campus:
    """The campus; "parcels" of the north has the scenarios."""
    with campus.services.database.write() as session:
        north = organisation_named(session, "north").id
        collection = campus.services.retrieval.collection(north, "parcels")
        for path in sorted(SCENARIOS.glob("*.toml")):
            raw = tomllib.loads(path.read_text(encoding="utf-8"))
            check_scenario(raw)
            record_scenario(session, north, collection.id, raw, {})
    return campus


@dataclass
class Player:
    """Somebody in a conversation, as a browser would be: forms are those of the page. `pages` is everything that was served."""

    visit: Visit
    path: str = ""
    pages: list[str] = field(default_factory=list)

    def begin(self, key: str = WARDROBE, engine: str = "branching") -> Player:
        return self.take(
            self.visit.post(
                f"/simulation/scenarios/{key}/runs", {"run_key": secrets.token_hex(8), "engine": engine}
            )
        )

    def own(self, **answers: str) -> Player:
        form = {
            "who": "my shift lead",
            "opening": "I have no time for this today.",
            "hard": "We tried that last year and it did not work.",
            "wants": "to swap my Friday shift with Ben",
        }
        return self.take(
            self.visit.post("/simulation/own", {**form, **answers, "situation_key": secrets.token_hex(8)})
        )

    def take(self, answer: Response) -> Player:
        self.pages.append(answer.text + str(answer.headers))
        assert answer.status_code == 303, answer.text
        self.path = answer.headers["location"]
        self.show()
        return self

    def show(self, query: str = "") -> str:
        page = self.visit.get(self.path + query)
        assert page.status_code == 200, page.text
        self.pages.append(page.text)
        return self.page

    @property
    def page(self) -> str:
        return self.pages[-1]

    @property
    def run_id(self) -> str:
        return self.path.rsplit("/", 1)[1]

    @property
    def position(self) -> str:
        found = re.search(r'id="say-form".*?name="position" value="(\d+)"', self.page, re.DOTALL)
        assert found, "the conversation goes on"
        return found[1]

    def say(self, words: str = "", choice: str = "") -> Player:
        form = {
            "said": words,
            "pick": choice,
            "position": self.position,
            "turn_key": secrets.token_hex(8),
        }
        return self.take(self.visit.post(f"{self.path}/turns", form))

    def correct(self, choice: str) -> Player:
        form = {
            "pick": choice,
            "position": str(int(self.position) - 1),
            "turn_key": secrets.token_hex(8),
        }
        return self.take(self.visit.post(f"{self.path}/correct", form))

    def stop(self) -> Player:
        return self.take(self.visit.post(f"{self.path}/stop", {"turn_key": secrets.token_hex(8)}))

    def retry(self, position: int) -> Player:
        form = {"position": str(position), "run_key": secrets.token_hex(8)}
        return self.take(self.visit.post(f"{self.path}/retry", form))


def rows(campus: Campus) -> tuple[list[SimulationRun], list[SimulationTurn]]:
    """All runs and turns, in the order in which they were written."""
    with campus.services.database.read() as session:
        return (
            list(session.scalars(select(SimulationRun).order_by(SimulationRun.id))),
            list(session.scalars(select(SimulationTurn).order_by(SimulationTurn.id))),
        )
