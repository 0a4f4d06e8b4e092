"""`workside budget`: what was spent, and caps of an organisation's own."""

from __future__ import annotations

import json

import pytest

from app.course.loading import organisation_named
from app.kit.db import Database
from tests.app.test_cli import Workside, workside

__all__ = ["workside"]


@pytest.fixture
def north(workside: Workside) -> Workside:
    workside.run("migrate")
    database = Database(f"sqlite:///{workside.folder / 'workside.db'}")
    with database.write() as session:
        organisation_named(session, "north", create=True)
    database.dispose()
    return workside


def test_an_organisation_gets_caps_of_its_own_and_the_settings_again(north: Workside) -> None:
    (usual,) = north.json("budget", "show")
    assert (usual["organisation"], usual["tokens"], usual["percent"]) == ("north", 0, 0)
    assert usual["caps"]["learner"] == {"tokens": 200_000, "money": "0"} and not usual["has_own_caps"]

    changes = ("--learner-tokens", "50,000", "--course-tokens", "0", "--organisation-money", "12.50")
    changed = north.json("budget", "set", "--organisation", "north", *changes)
    assert changed["changed"]["organisation_money"] == "12.50"
    (own,) = north.json("budget", "show")
    assert own["has_own_caps"] and own["caps"] == {
        "learner": {"tokens": 50_000, "money": "0"},
        "course": {"tokens": 0, "money": "0"},
        "organisation": {"tokens": 20_000_000, "money": "12.5"},
    }
    shown = north.run("budget", "show").output
    assert "a learner: 50,000 tokens" in shown and "no cap of tokens" in shown and "12.50 USD" in shown

    again = [part for name in changes[::2] for part in (name, "default")]
    north.json("budget", "set", "--organisation", "north", *again)
    assert north.json("budget", "show") == [usual]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "at least one cap"),
        (("--learner-tokens", "many"), "--learner-tokens is a whole number"),
        (("--learner-tokens", "-5"), "whole number"),
        (("--course-money", "-1"), "--course-money is an amount"),
        (("--course-money", "NaN"), "an amount such as"),
        (("--course-tokens", "5", "--organisation", "nowhere"), "no organisation 'nowhere'"),
    ],
)
def test_what_cannot_be_a_cap_is_said_with_what_can(
    workside: Workside, arguments: tuple[str, ...], says: str
) -> None:
    refused = workside.run("budget", "set", *arguments)
    assert refused.exit_code == 2 and says in refused.output


def test_the_doctor_says_where_money_is_not_counted(north: Workside) -> None:
    def findings(**environment: str) -> dict[str, tuple[bool, str]]:
        result = north.run("doctor", "--json", WORKSIDE_MODEL="openai:gpt-4o-mini", **environment)
        return {
            finding["subject"]: (finding["well"], finding["says"])
            for finding in json.loads(result.stdout)["findings"]
        }

    well, says = findings()["prices"]
    assert well and "openai:gpt-4o-mini" in says and "WORKSIDE_MODEL_PRICES" in says
    assert not findings(WORKSIDE_CAP_COURSE_MONEY="5")["prices"][0], (
        "a cap that somebody relies on does not hold"
    )
    priced = findings(WORKSIDE_MODEL_PRICES="openai:gpt-4o-mini=0.15/0.60", WORKSIDE_CAP_COURSE_MONEY="5")
    assert "prices" not in priced and priced["spending"][0]
