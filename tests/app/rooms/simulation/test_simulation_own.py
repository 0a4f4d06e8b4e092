"""A situation of one's own: three questions, a conversation, a look back, and nobody else ever sees it."""

from __future__ import annotations

import pytest

from app.rooms.simulation.models import OwnSituation, SimulationDebrief, SimulationRun, SimulationTurn
from tests.app.rooms.campus import Campus
from tests.app.rooms.simulation.conftest import Player

HARD = "We tried that last year and it did not work."


@pytest.fixture
def ana(stage: Campus) -> Player:
    return Player(stage.visit())


def test_without_a_model_the_other_says_what_was_written_step_by_step(ana: Player) -> None:
    ana.own()
    assert "I have no time for this today." in ana.page
    ana.say("You have no time today, I see. What would make Friday possible for you?")
    assert "Why should it be different this time?" in ana.page
    ana.say("Ben is free on Friday.")
    assert HARD in ana.page
    ana.say("It did not work last year. What was missing then?")
    assert "what exactly do you want from me" in ana.page
    ana.say("I want to swap my Friday shift with Ben. I will send you the plan by tomorrow at ten.")
    assert "The conversation is over" in ana.page and "The hard part" in ana.page
    assert "It did not work last year." in ana.page
    assert "“I will send you the plan by tomorrow at ten.”" in ana.page
    assert ana.page.count("Met</span>") == 4


def test_what_is_missing_gets_a_line_to_try(ana: Player) -> None:
    ana.own()
    for words in ("Please.", "Come on.", "That is not fair.", "Then not."):
        ana.say(words)
    assert ana.page.count("A line to try:") == 5
    assert "What I want is this: to swap my Friday shift with Ben" in ana.page
    ana.retry(3)
    assert HARD in ana.page and ana.position == "3"


def test_nobody_else_sees_it(stage: Campus, ana: Player) -> None:
    ana.own(who="my zebra keeper")
    situation = ana.visit.get("/simulation").text.split("/simulation/own/")[1].split('"')[0]
    path = f"/simulation/own/{situation}"
    assert "zebra" in ana.visit.get(path).text
    others = [
        stage.visit("ben"),
        stage.visit("ivo", "instructor"),
        stage.visit("ana", "learner", "depot"),
        stage.visit("ana", "learner", "parcels", "south"),
    ]
    for other in others:
        assert other.get(path).status_code == 404
        assert other.post(f"{path}/runs", {"run_key": "k"}).status_code == 404
        assert other.post(f"{path}/delete").status_code == 404
        assert "zebra" not in other.get("/simulation").text
    assert stage.count(OwnSituation) == 1


def test_it_is_played_again_and_deleted_with_all_of_it(stage: Campus, ana: Player) -> None:
    ana.own()
    first = ana.path
    ana.say("Please.").stop()
    ana.retry(1)
    with stage.services.database.read() as session:
        situation = session.query(OwnSituation).one().id
    ana.take(ana.visit.post(f"/simulation/own/{situation}/runs", {"run_key": "again"}))
    assert stage.count(SimulationRun) == 3
    Player(ana.visit).begin()
    deleted = ana.visit.post(f"/simulation/own/{situation}/delete")
    assert deleted.headers["location"] == "/simulation"
    assert stage.count(SimulationRun) == 1, "the other conversation stays"
    assert [stage.count(each) for each in (OwnSituation, SimulationTurn, SimulationDebrief)] == [0, 0, 0]
    assert ana.visit.get(first).status_code == 404


@pytest.mark.parametrize(
    ("answers", "advice"),
    [
        ({"who": " "}, "who you are talking to"),
        ({"opening": "..."}, "the first thing that they say"),
        ({"hard": ""}, "what they say that makes it hard"),
        ({"wants": ""}, "what you want from the talk"),
        ({"wants": "x" * 301}, "too long"),
    ],
)
def test_what_is_missing_is_named(stage: Campus, ana: Player, answers: dict[str, str], advice: str) -> None:
    form = {"who": "my lead", "opening": "No.", "hard": "Never.", "wants": "A day off", "situation_key": "k"}
    refused = ana.visit.post("/simulation/own", form | answers)
    assert refused.status_code == 422 and advice in refused.text
    assert stage.count(OwnSituation) == 0


def test_in_portuguese_it_speaks_portuguese(stage: Campus) -> None:
    ana = Player(stage.visit(locale="pt-BR")).own(
        who="minha líder", opening="Não tenho tempo.", hard="Já tentamos isso.", wants="trocar meu turno"
    )
    ana.say("Entendo que a senhora não tem tempo. Como podemos fazer?")
    assert "por que desta vez seria diferente" in ana.page.casefold()
    ana.stop()
    assert "Faz uma pergunta aberta" in ana.page
