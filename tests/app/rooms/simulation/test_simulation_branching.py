"""A role-play by the author's lines: understood or asked for again, corrected where it was not meant, and gone back in."""

from __future__ import annotations

import tomllib

import pytest

from app.coach.simulation.debrief import PlayedTurn, look_back
from app.course.scenarios import localised_scenario
from app.kit.audit import AuditEvent
from app.rooms.simulation.models import SimulationDebrief, SimulationRun, SimulationTurn
from retrieval import PackagedE5
from tests.app.rooms.campus import Campus
from tests.app.rooms.simulation.conftest import KIND, SCENARIOS, SMELL, WARDROBE, Player, rows


@pytest.fixture
def ana(stage: Campus) -> Player:
    return Player(stage.visit())


def test_a_whole_conversation_and_the_look_back(stage: Campus, ana: Player) -> None:
    assert "The wardrobe and the third call" in ana.visit.get("/simulation").text
    ana.begin()
    assert "two days off" in ana.page
    ana.say("You took two days off and nobody rang.")
    assert "Exactly. Two days." in ana.page
    assert "Your words were taken as: Give the problem back in her words" in ana.page
    ana.say("Does your doorbell work?")
    ana.say("The driver will phone you and I ring tomorrow before ten.")
    assert "That worked" in ana.page and "She was heard, the cause is known" in ana.page
    assert "“You took two days off and nobody rang.”" in ana.page
    assert "Did not come up" in ana.page, "nobody spoke of money"
    assert stage.count(SimulationDebrief) == 1
    assert "Played 1 time" in ana.visit.get("/simulation").text


def test_what_is_unclear_is_asked_for_again_and_then_offered(ana: Player) -> None:
    ana.begin().say("Banana bread")
    assert "It is not clear what you want to say" in ana.page
    assert "Banana bread" in ana.page, "the words stay in the field"
    assert "Apologise and ask for patience" not in ana.page
    assert "Turn 1 of 8" in ana.page
    ana.say("Bananas, then")
    assert "Apologise and ask for patience" in ana.page
    ana.say("Bananas, then", choice="name")
    assert "Exactly. Two days." in ana.page and "Bananas, then" in ana.page


def test_words_that_are_never_understood_end_the_run_kindly_and_count_in_the_look_back(ana: Player) -> None:
    ana.begin().say("Banana bread").say("Bananas, then")
    assert "Choose what comes nearest, or say it another way" in ana.page
    ana.say("I will call you back tomorrow before ten")
    assert "say it once more: after that you look back" in ana.page
    ana.say("Apples")
    assert "could not make out what you meant" in ana.page and "That is its limit, not yours" in ana.page
    assert "You said nothing yet" not in ana.page
    assert "“I will call you back tomorrow before ten”" in ana.page, (
        "the criterion has the words that were said"
    )
    assert ana.page.count("Not understood") == 4
    assert ana.retry(1).position == "1" and "The conversation begins again." in ana.page
    assert "You are back at turn" not in ana.page


@pytest.mark.parametrize(("locale", "words"), [("en", "Goodbye"), ("pt-BR", "Adeus, tenha um bom dia.")])
def test_a_goodbye_ends_the_run_where_it_stands(stage: Campus, locale: str, words: str) -> None:
    ana = Player(stage.visit(locale=locale)).begin()
    ana.say(words)
    assert 'id="say-form"' not in ana.page and words in ana.page
    assert [(turn.kind, turn.said, turn.is_end) for turn in rows(stage)[1]] == [("stopped", words, True)]


def test_words_that_are_not_understood_are_an_unsure_sign_only_of_what_they_came_nearest_to() -> None:
    raw = tomllib.loads((SCENARIOS / f"{KIND}.toml").read_text(encoding="utf-8"))
    definition = localised_scenario(raw, "pt-BR")
    start = definition["start"]
    said = PlayedTurn(1, "Diga-me o código postal", "", "", start, near="you-say")
    lines = look_back(PackagedE5(), definition, [said], start).lines
    quoted = [bool(line.quote) for line in lines]
    assert quoted == [True, True, False, False], "of the sent code and of the last scan it says nothing"


def test_what_is_said_before_a_goodbye_is_answered(ana: Player) -> None:
    ana.begin().say("I'm very sorry for the inconvenience. Goodbye.")
    assert 'id="say-form"' not in ana.page and "what the last one called it" in ana.page


def test_who_does_not_know_what_to_say_is_offered_choices(ana: Player) -> None:
    ana.begin().show("?choices=1")
    assert "Give the problem back in her words" in ana.page
    ana.say(choice="defend")
    assert "So I&#39;m lying." in ana.page or "So I'm lying." in ana.page
    ana.say(choice="refuse-step")
    assert "That did not work this time" in ana.page
    assert "Where it turned" in ana.page and "her word against the driver" in ana.page
    assert "You took two days off and nobody rang" in ana.page, "a stronger line for that turn"


def test_what_was_understood_can_be_corrected_or_taken_back(stage: Campus, ana: Player) -> None:
    ana.begin().say("I'm very sorry for the inconvenience")
    assert "That&#39;s what the last one called it" in ana.page or "what the last one called it" in ana.page
    ana.correct("name")
    assert "Exactly. Two days." in ana.page and "what the last one called it" not in ana.page
    assert "very sorry for the inconvenience" in ana.page
    ana.correct("")
    assert "Taken back. Say it in other words." in ana.page and ana.position == "1"
    ana.say("You were at home twice and nobody came")
    assert "Exactly. Two days." in ana.page
    kinds = [(turn.position, turn.revision, turn.kind) for turn in rows(stage)[1]]
    assert kinds == [(1, 1, "said"), (1, 2, "chosen"), (1, 3, "taken_back"), (1, 4, "said")]


def test_a_retry_is_a_run_of_its_own_from_that_turn(stage: Campus, ana: Player) -> None:
    ana.begin().say("You took two days off and nobody rang.").say("Would a credit of ten euros help")
    ana.say("You will get your money back")
    first = ana.run_id
    assert "That did not work this time" in ana.page
    before = rows(stage)
    ana.retry(2)
    assert ana.run_id != first and ana.position == "2"
    assert "You are back at turn 2" in ana.page and "Exactly. Two days." in ana.page
    ana.say("Does your doorbell work?")
    assert "The bell?" in ana.page
    runs, turns = rows(stage)
    assert [(run.parent_id, run.from_position) for run in runs] == [(None, 1), (first, 2)]
    assert [turn.id for turn in turns[: len(before[1])]] == [turn.id for turn in before[1]]
    for now, then in zip(turns, before[1], strict=False):
        assert (now.said, now.reply, now.kind, now.node) == (then.said, then.reply, then.kind, then.node)


def test_stopping_looks_back_at_what_there_is(ana: Player) -> None:
    ana.begin().stop()
    assert "You said nothing yet" in ana.page
    ana.begin().say("You took two days off and nobody rang.").stop()
    assert "You stopped here" in ana.page and "“You took two days off and nobody rang.”" in ana.page


def test_forms_that_are_sent_twice_count_once(stage: Campus, ana: Player) -> None:
    form = {"run_key": "k", "engine": "branching"}
    where = {
        ana.visit.post(f"/simulation/scenarios/{WARDROBE}/runs", form).headers["location"] for _ in range(3)
    }
    (ana.path,) = where
    said = {"said": "You took two days off and nobody rang.", "position": "1", "turn_key": "t"}
    for _ in range(3):
        assert ana.visit.post(f"{ana.path}/turns", said).status_code == 303
    assert stage.count(SimulationRun) == 1 and stage.count(SimulationTurn) == 1
    late = ana.visit.post(f"{ana.path}/turns", {**said, "turn_key": "u"})
    assert late.status_code == 409 and "gone on meanwhile" in late.text
    for form in (
        {"said": "", "position": "2", "turn_key": "v"},
        {"said": "x" * 1001, "position": "2", "turn_key": "v"},
    ):
        assert ana.visit.post(f"{ana.path}/turns", form).status_code == 422
    wrong = {"said": "x", "pick": "no-such-choice", "position": "2", "turn_key": "v"}
    assert ana.visit.post(f"{ana.path}/turns", wrong).status_code == 422
    assert ana.visit.post(f"{ana.path}/retry", {"position": "9", "run_key": "r"}).status_code == 422


def test_nobody_else_reaches_a_run(stage: Campus, ana: Player) -> None:
    ana.begin().say("You took two days off and nobody rang.")
    others = [
        stage.visit("ben"),
        stage.visit("ivo", "instructor"),
        stage.visit("ana", "learner", "depot"),
        stage.visit("ana", "learner", "parcels", "south"),
    ]
    for other in others:
        assert other.get(ana.path).status_code == 404
        for action in ("turns", "correct", "stop", "retry"):
            form = {"said": "x", "position": "2", "turn_key": "z", "run_key": "z"}
            assert other.post(f"{ana.path}/{action}", form).status_code == 404
    assert len(rows(stage)[1]) == 1


@pytest.mark.parametrize("key", ["nowhere", "..%2freview", "%00"])
def test_a_scenario_outside_the_scope_is_not_found(stage: Campus, ana: Player, key: str) -> None:
    assert ana.visit.get(f"/simulation/scenarios/{key}").status_code == 404
    assert stage.visit("ana", "learner", "depot").get(f"/simulation/scenarios/{WARDROBE}").status_code == 404


def test_the_menu_shows_role_plays_only_where_there_is_one(stage: Campus, ana: Player) -> None:
    assert ">Role-play<" in ana.visit.get("/practice").text
    assert ">Role-play<" not in stage.visit("ana", "learner", "depot").get("/practice").text
    assert (
        ">Role-play<" not in stage.visit(custom={"task": "vase-parcels"}).get("/practice/vase-parcels").text
    )


@pytest.mark.parametrize(
    ("locale", "words", "reply"),
    [
        ("pt-BR", "A senhora tirou dois dias e ninguém tocou", "Exatamente. Dois dias."),
        ("es", "Usted pidió dos días y nadie llamó al timbre", "Exacto. Dos días."),
    ],
)
def test_it_is_played_in_the_learners_language(stage: Campus, locale: str, words: str, reply: str) -> None:
    ana = Player(stage.visit(locale=locale)).begin()
    ana.say(words)
    assert reply in ana.page


@pytest.mark.parametrize(
    ("key", "path"),
    [
        (SMELL, ["away", "hurt", "flag-then-line", "duty-lead"]),
        (KIND, ["you-say", "order-number"]),
    ],
)
def test_the_other_scenarios_play(ana: Player, key: str, path: list[str]) -> None:
    ana.begin(key)
    for choice in path:
        ana.say(choice=choice)
    ana.stop() if "say-form" in ana.page else None
    assert "What you did" in ana.page


def test_events_hold_nobodys_words(stage: Campus, ana: Player) -> None:
    ana.begin().say("You took two days off and nobody rang, zebra.").stop()
    with stage.services.database.read() as session:
        events = list(session.query(AuditEvent).filter(AuditEvent.action.startswith("simulation.")))
    assert [event.action for event in events] == ["simulation.begun", "simulation.turn", "simulation.turn"]
    assert "zebra" not in str([event.detail for event in events])


def test_a_plan_can_begin_with_what_was_said_well(stage: Campus, ana: Player) -> None:
    ana.begin().say("You took two days off and nobody rang.").stop()
    assert f'href="/plan/new?from=run:{ana.run_id}"' in ana.page
    begun = ana.visit.get(f"/plan/new?from=run:{ana.run_id}").text
    assert "I have a conversation like “The wardrobe and the third call”" in begun
    assert "say: “You took two days off and nobody rang.”" in begun
    bo = stage.visit("bo").get(f"/plan/new?from=run:{ana.run_id}").text
    assert "two days off" not in bo and "I have a conversation like" not in bo
