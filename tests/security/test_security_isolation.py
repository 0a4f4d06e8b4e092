"""No read and no write crosses a person, a context, a role or an organisation: every route, for every stranger."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest
from httpx import Response
from sqlalchemy import select

from app.coach.models import CoachSettings, ExpertAnswer, HandOff, ModeChoice, OwnPrompt
from app.coach.plan_models import ActionPlan, CheckIn, CheckInAnswer, PlanVersion, Rehearsal, RehearsalTurn
from app.course.content import Expert, PracticeTask, TaskDraft
from app.course.loading import organisation_named
from app.course.scenarios import record_scenario
from app.evidence.claims import ApplicationClaim
from app.evidence.models import (
    AnswerFile,
    Attempt,
    Confirmation,
    Contest,
    Evidence,
    PracticeEnd,
    Recheck,
    ScoreRow,
    SelfAssessment,
)
from app.kit.clock import now
from app.kit.ids import new_id
from app.kit.settings import Settings
from app.rooms.ask.models import Conversation, Turn
from app.rooms.simulation.models import OwnSituation, SimulationRun, SimulationTurn
from lti.claims import DATA_PRIVACY_REQUEST, DEEP_LINKING_REQUEST
from tests.app.rooms.campus import GOOD_ANSWER, TOOL, Campus, Visit, canary
from tests.app.rooms.placing import asks_for_content, picker
from tests.app.rooms.simulation.conftest import SCENARIOS, WARDROBE
from tests.security.routes import Route, routes_of

QUESTION = "How do I refund a damaged parcel? zebraquestion"
RESPONSE = f"{GOOD_ANSWER} zebraresponse"
COMMENT = "zebracomment"
SECRETS = (
    "zebraquestion",
    "zebraresponse",
    "zebracomment",
    "zebrahanded",
    "zebraprompt",
    canary("north", "parcels"),
    "Zebraname",
    "zebraplan",
    "zebracheck",
    "zebracontest",
    "zebrafile",
    "zebradraft",
    "zebrarun",
    "zebrasituation",
)
# What a route does to a row that somebody owns; the others show or make the visitor's own.
OWNED = {
    "turn_id",
    "conversation_id",
    "prompt_id",
    "attempt_id",
    "evidence_id",
    "recheck_id",
    "contest_id",
    "hand_off_id",
    "question_id",
    "expert_id",
    "answer_id",
    "plan_id",
    "check_in_id",
    "rehearsal_id",
    "claim_id",
    "draft_id",
    "run_id",
    "situation_id",
}

# A task as the form of a draft says it, and another as a file.
DRAFTED = {
    "title": "A zebradraft",
    "situation": "It broke.",
    "ask": "Say what you do.",
    "c0_text": "Asks",
    "c0_weight": "1",
}
TASK_FILE = b"""id = "sent"
title = "Sent"
situation = "It broke."
ask = "Say what you do."

[[criteria]]
id = "asks"
text = "Asks"
"""

STRANGERS: dict[str, tuple[str, str, str, str]] = {
    "another learner of the course": ("ben", "learner", "parcels", "north"),
    "the same person in another course": ("ana", "learner", "depot", "north"),
    "an instructor of another course": ("ivo", "instructor", "depot", "north"),
    "an administrator of another course": ("ada", "administrator", "depot", "north"),
    "a learner of another organisation": ("ana", "learner", "parcels", "south"),
    "an instructor of another organisation": ("ivo", "instructor", "parcels", "south"),
}


@dataclass
class World:
    """What Ana wrote and Ivo decided, and the values that lead there."""

    campus: Campus
    ana: Visit
    ivo: Visit
    values: Mapping[str, str]

    def send(self, route: Route, headers: Mapping[str, str], *, more: str = "") -> Response:
        """The route's request on Ana's rows. A new path parameter has to be named in `values`."""
        path = route.path.format(**self.values) + more
        form = {
            "question": "How do I greet a caller?",
            "title": "A title of one's own",
            "response": "I say the name of the company.",
            "attempt_key": "matrix",
            "met_photos": "yes",
            "met_refund": "no",
            "comment": "x",
            "after": self.values["confirmation_id"],
            "choice": "practice/lamp-parcels",
            "text": "An answer.",
            "name": "Olu",
            "mode": "help",
            "version": "1",
            "answer": "yes",
            "reply": "I ask for two photos first.",
            "key": "matrix",
            "cue": "a customer calls",
            "action": "ask for two photos",
            "obstacle": "there is no time",
            "criterion": "photos",
            "about": "suggestion",
            "words": "I do ask for them.",
            "contest_key": "matrix",
            "agrees": "yes",
            "happened": "I asked.",
            "day": now().date().isoformat(),
            "done": "I asked.",
            "number": "1",
            "said": "I ask for two photos.",
            "seen_by": "me",
            "email": "ana@example.org",
            "agreed": "yes",
            "turn_key": "matrix",
            "position": "2",
            "run_key": "matrix",
            "situation_key": "matrix",
            "who": "my lead",
            "opening": "No.",
            "hard": "Never.",
            "wants": "a swap",
            **DRAFTED,
            "form_key": "matrix",
            "section": self.values["passage_id"],
            "how": "words",
            "to": "archive",
        }
        data = form if route.method not in {"GET", "HEAD"} else None
        files = {"file": ("task.toml", TASK_FILE)} if path.endswith("/from-file") else None
        return self.campus.client.request(route.method, path, data=data, files=files, headers=dict(headers))

    def made_for(self, route: Route) -> Visit:
        """A visit that the route is there for: reviewers', a deep linking request's, an activity's without content, or Ana's."""
        if route.path.startswith(("/review", "/experts", "/studio", "/tasks", "/plan/shared")):
            return self.ivo
        if route.path.startswith("/picker"):
            return picker(self.campus)
        if route.path.startswith("/placement"):
            return self.campus.visit("ivo", "instructor", link="bare", custom={"placement": "elsewhere"})
        return self.ana

    def rows(self) -> list[Any]:
        """Everything that Ana and Ivo wrote, as it stands."""
        with self.campus.services.database.read() as session:
            return [
                (row.id, {column.name: getattr(row, column.name) for column in model.__table__.columns})
                for model in (
                    Conversation,
                    Turn,
                    Attempt,
                    AnswerFile,
                    Evidence,
                    Confirmation,
                    Recheck,
                    Contest,
                    SelfAssessment,
                    PracticeEnd,
                    ScoreRow,
                    HandOff,
                    ExpertAnswer,
                    CoachSettings,
                    OwnPrompt,
                    ModeChoice,
                    ActionPlan,
                    PlanVersion,
                    CheckIn,
                    CheckInAnswer,
                    Rehearsal,
                    RehearsalTurn,
                    ApplicationClaim,
                    OwnSituation,
                    SimulationRun,
                    SimulationTurn,
                )
                for row in session.scalars(select(model).order_by(model.id))
                if getattr(row, "user_id", None) in {None, self.values["user_id"]}
            ]


@pytest.fixture
def world(campus: Campus) -> World:
    ana = campus.visit("ana", name="Zebraname")
    ivo = campus.visit("ivo", "instructor")
    events = ana.ask(QUESTION)
    opened = next(data for name, data in events if name == "opened")
    with campus.services.database.write() as session:
        for task in session.scalars(select(PracticeTask)):
            criteria = [{"id": "photo", "text": "Asks for one photo"}]
            variant = {"situation": "A bowl broke.", "ask": "Say what you do.", "criteria": criteria}
            task.definition = {**task.definition, "recheck": variant}
    attempt = ana.attempt("lamp-parcels", RESPONSE)
    ana.hand_in(attempt)
    said = {"criterion": "refund", "about": "suggestion", "words": "zebracontest", "contest_key": "z"}
    assert ana.post(f"/practice/attempts/{attempt}/contests", said).status_code == 303
    evidence = ivo.waiting()[0]
    ivo.decide(evidence, comment=COMMENT)
    # One that is not handed in yet, for the routes that are for such ones.
    open_attempt = ana.attempt("lamp-parcels", RESPONSE)
    handed = {"question": "What is a zebrahanded?", "situation": "", "expert": ""}
    assert ana.post(f"/ask/turns/{opened['turn_id']}/hand-off", handed).status_code == 303
    ivo.post("/experts/people", {"name": "Olu", "topics": "roofs"})
    ivo.post("/studio", {"mode": "help", "version": "0", "learner_may_choose": "yes"})
    ana.post("/ask/mode", {"mode": "help"})
    ana.post("/ask/prompts", {"text": "May I refund [zebraprompt]?"})
    with campus.services.database.write() as session:
        kept = AnswerFile(attempt_id=open_attempt, user_id=session.get_one(Attempt, open_attempt).user_id)
        kept.filename, kept.size, kept.sha256, kept.data = "zebrafile.txt", 5, "0" * 64, b"zebra"
        session.add(kept)
        confirmation = session.scalars(select(Confirmation)).one()
        user_id = session.scalars(select(Evidence.user_id)).one()
        hand_off = session.scalars(select(HandOff)).one()
        prompt_id = session.scalars(select(OwnPrompt.id)).one()
        contest_id = session.scalars(select(Contest.id)).one()
        recheck = session.scalars(select(Recheck)).one()
        recheck.due_at = now()
        expert = session.scalars(select(Expert).where(Expert.name == "Olu")).one()
        # A second one, since the first is taken back on the way through the routes.
        columns = {column.name: getattr(hand_off, column.name) for column in HandOff.__table__.columns}
        question = HandOff(**columns | {"id": new_id(), "turn_id": new_id(), "expert_id": expert.id})
        session.add(question)
        # A third one, answered by a link: what waits for a confirmation.
        linked = HandOff(
            **columns | {"id": new_id(), "turn_id": new_id(), "state": "answered", "step_at": None}
        )
        session.add(linked)
        session.flush()
        waiting = ExpertAnswer(
            id=new_id(),
            organisation_id=linked.organisation_id,
            hand_off_id=linked.id,
            version=1,
            expert_id=expert.id,
            author=expert.name,
            via="link",
            question="What is a zebrahanded?",
            text="An answer.",
            reviewed_on=now().date(),
            review_due_on=now().date(),
            collection_id=linked.collection_id,
            filename="expert-answers/matrix.md",
        )
        session.add(waiting)
    values = {
        "turn_id": opened["turn_id"],
        "hand_off_id": hand_off.id,
        "question_id": question.id,
        "expert_id": expert.id,
        "answer_id": waiting.id,
        "conversation_id": opened["conversation_id"],
        "prompt_id": prompt_id,
        "mark": "1",
        "key": "lamp-parcels",
        "attempt_id": open_attempt,
        "evidence_id": evidence,
        "recheck_id": recheck.id,
        "contest_id": contest_id,
        "confirmation_id": confirmation.id,
        "user_id": user_id,
        **plan_of(campus, ana),
        **simulation_of(campus, ana),
        "passage_id": passage_of(campus, opened["turn_id"]),
        "kind": "practice",
        "option": "lamp-parcels",
        "draft_id": draft_of(campus, ivo),
        "ending": "toml",
    }
    return World(campus, ana, ivo, values)


def draft_of(campus: Campus, ivo: Visit) -> str:
    """A draft of Ivo's that is complete; saving the same words again leaves its version."""
    draft_id = ivo.post("/tasks/new", {"form_key": "z"}).headers["location"].rpartition("/")[2]
    saved = ivo.post(f"/tasks/drafts/{draft_id}", {**DRAFTED, "version": "1"})
    assert saved.status_code == 303, saved.text
    with campus.services.database.write() as session:
        session.get_one(TaskDraft, draft_id).version = 1
    return draft_id


def simulation_of(campus: Campus, ana: Visit) -> dict[str, str]:
    """A role-play in which Ana has said something, and a situation of her own."""
    definition = tomllib.loads((SCENARIOS / f"{WARDROBE}.toml").read_text(encoding="utf-8"))
    with campus.services.database.write() as session:
        north = organisation_named(session, "north").id
        collection = campus.services.retrieval.collection(north, "parcels")
        record_scenario(session, north, collection.id, definition, {})
    run = ana.post(f"/simulation/scenarios/{WARDROBE}/runs", {"run_key": "z"}).headers["location"]
    said = {"said": "You took two days off, zebrarun, and nobody rang", "turn_key": "z"}
    assert ana.post(f"{run}/turns", said).status_code == 303
    own = {"who": "a zebrasituation", "opening": "No.", "hard": "Never.", "wants": "a swap"}
    ana.post("/simulation/own", own | {"situation_key": "z"})
    with campus.services.database.read() as session:
        situation = session.scalars(select(OwnSituation)).one()
    return {"scenario": WARDROBE, "run_id": run.rpartition("/")[2], "situation_id": situation.id}


def plan_of(campus: Campus, ana: Visit) -> dict[str, str]:
    """A plan of Ana's with a rehearsal, a check-in that is due and a claim that was begun at it."""
    # Mail is on, so that every route of a plan has something to do.
    mail = Settings(
        _env_file=None, smtp_url="smtp://localhost:9", smtp_from="Workside <workside@example.org>"
    )
    campus.services.settings = campus.services.settings.model_copy(
        update={"smtp_url": mail.smtp_url, "smtp_from": mail.smtp_from}
    )
    plan = {
        "key": "z",
        "cue": "a zebraplan calls",
        "action": "ask for two photos",
        "day": now().date().isoformat(),
    }
    plan_id = ana.post("/plan", plan).headers["location"].rpartition("/")[2]
    rehearsal = ana.post(f"/plan/{plan_id}/rehearsals", {"key": "z"}).headers["location"]
    with campus.services.database.write() as session:
        row = session.scalars(select(CheckIn).where(CheckIn.slot == 1)).one()
        row.due_on = now().date()
    said = {"key": "z", "answer": "yes", "happened": "zebracheck"}
    claim = ana.post(f"/plan/check-ins/{row.id}", said).headers["location"]
    return {
        "plan_id": plan_id,
        "rehearsal_id": rehearsal.rpartition("/")[2],
        "check_in_id": row.id,
        "claim_id": claim.rpartition("/")[2],
    }


def passage_of(campus: Campus, turn_id: str) -> str:
    """The passage that an answer cites."""
    with campus.services.database.read() as session:
        return str(session.get_one(Turn, turn_id).answer["citations"][0]["passage_id"])


# What deletes, puts away or hands in comes last: the others want to find something that is still open.
LAST = ("/delete", "/put-away", "/submit", "/archive")


def closed_routes(world: World) -> list[Route]:
    """The routes of people from a course; the operator's have a matrix of their own (test_security_admin.py)."""
    closed = [route for route in routes_of(world.campus.app) if not route.is_public and not route.is_admin]
    return sorted(closed, key=lambda route: route.path.endswith(LAST))


def leaks(answer: Response) -> list[str]:
    return [secret for secret in SECRETS if secret in answer.text or secret in str(answer.headers)]


def test_the_matrix_can_see_a_leak_and_every_route_works_for_whom_it_is_made(world: World) -> None:
    seen: set[str] = set()
    for route in closed_routes(world):
        answer = world.send(route, world.made_for(route).headers | {"Origin": TOOL})
        assert answer.status_code in {200, 204, 303}, f"{route}: {answer.status_code}"
        seen |= set(leaks(answer))
    assert seen >= {
        "zebraquestion",
        "zebraresponse",
        "zebracomment",
        "zebrahanded",
        "zebraprompt",
        "Zebraname",
        "zebraplan",
        "zebracheck",
        "zebracontest",
        "zebrafile",
        "zebradraft",
        "zebrarun",
        "zebrasituation",
    }


@pytest.mark.parametrize("stranger", STRANGERS)
def test_no_route_shows_or_changes_what_is_anothers(world: World, stranger: str) -> None:
    other = world.campus.visit(*STRANGERS[stranger])
    before = world.rows()
    for route in closed_routes(world):
        for more in (
            "",
            f"?attempt={world.values['attempt_id']}&conversation_id=x&user_id=x&organisation_id=x",
        ):
            answer = world.send(route, other.headers | {"Origin": TOOL}, more=more)
            assert answer.status_code < 500, f"{route}: {answer.status_code}"
            if any(f"{{{name}}}" in route.path for name in OWNED):
                assert answer.status_code in {403, 404}, f"{route} for {stranger}: {answer.status_code}"
            # The course's own document is for everybody of the course.
            shared = {canary("north", "parcels")} if stranger == "another learner of the course" else set()
            assert set(leaks(answer)) <= shared, f"{route} for {stranger} shows {leaks(answer)}"
    ids = {row_id for row_id, _ in before}
    assert [row for row in world.rows() if row[0] in ids] == before


@pytest.mark.parametrize("message", [DEEP_LINKING_REQUEST, DATA_PRIVACY_REQUEST])
def test_a_visit_outside_an_activity_reaches_nobodys_rows(world: World, message: str) -> None:
    launch = asks_for_content(world.campus)
    if message == DATA_PRIVACY_REQUEST:
        launch = replace(launch, message_type=message, deep_linking=None, context=None, for_user="north-ana")
    other = world.campus.enter(launch)
    before = world.rows()
    for route in closed_routes(world):
        answer = world.send(route, other.headers | {"Origin": TOOL})
        assert answer.status_code < 500, f"{route}: {answer.status_code}"
        if any(f"{{{name}}}" in route.path for name in OWNED):
            assert answer.status_code in {403, 404}, f"{route}: {answer.status_code}"
        assert not leaks(answer), f"{route} shows {leaks(answer)}"
    assert world.rows() == before


def test_a_learner_reaches_no_route_of_reviewers(world: World) -> None:
    before = world.rows()
    for visit in (world.ana, world.campus.visit("ben")):
        for route in closed_routes(world):
            if {"as_reviewer", "as_keeper"} & route.guards:
                answer = world.send(route, visit.headers | {"Origin": TOOL})
                assert answer.status_code == 403, f"{route}: {answer.status_code}"
                assert not leaks(answer)
    assert world.rows() == before


def test_an_instructor_sees_no_conversation_and_no_attempt_that_was_not_handed_in(world: World) -> None:
    world.ana.attempt("vase-parcels", "zebraunhanded")
    for route in closed_routes(world):
        answer = world.send(route, world.ivo.headers | {"Origin": TOOL})
        assert "zebraquestion" not in answer.text and "zebraunhanded" not in answer.text, str(route)


@pytest.mark.parametrize("bearer", [None, "", "x", "null", "../../etc/passwd", "' OR '1'='1"])
def test_nobody_in_particular_reaches_nothing(world: World, bearer: str | None) -> None:
    before = world.rows()
    for route in closed_routes(world):
        headers = {"Accept": "text/html", "Origin": TOOL}
        if bearer is not None:
            headers["Authorization"] = f"Bearer {bearer}"
        answer = world.send(route, headers)
        assert answer.status_code == 401, f"{route}: {answer.status_code}"
        assert not leaks(answer)
    assert world.rows() == before


def test_public_routes_show_nothing_of_anybody(world: World) -> None:
    values = {"code": "guessed", "token": "guessed"}
    for route in routes_of(world.campus.app):
        if route.is_public:
            path = route.path.format(**values)
            for headers in ({}, world.ana.headers):
                answer = world.campus.client.request(route.method, path, headers={"Origin": TOOL, **headers})
                assert not leaks(answer), str(route)


@pytest.mark.parametrize("form", ["upper", "blank", "quote", "dots"])
def test_an_id_written_otherwise_leads_nowhere(world: World, form: str) -> None:
    def written(value: str) -> str:
        ways = {
            "upper": value.upper(),
            "blank": f"%20{value}",
            "quote": f"{value}%27--",
            "dots": f"..%2f{value}",
        }
        return ways[form]

    other = world.campus.visit("ben")
    for route in closed_routes(world):
        if any(f"{{{name}}}" in route.path for name in OWNED) and not route.guards & {
            "as_reviewer",
            "as_author",
        }:
            path = route.path.format(**{name: written(value) for name, value in world.values.items()})
            for visit in (other, world.ana):
                answer = world.campus.client.request(
                    route.method, path, headers=visit.headers | {"Origin": TOOL}
                )
                assert answer.status_code in {404, 405}, f"{route}: {answer.status_code}"
