"""Answers under way: connections drop, people stop, processes end, and the turn is whole or waits for whoever is asked for it."""

from __future__ import annotations

import asyncio
import socket
import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from starlette.requests import Request

from app.coach.answers import Answer, Checked, Draft, Progress, Void
from app.course.access import Visitor, as_visitor, signed_in
from app.kit.clock import now
from app.rooms.ask import live as live_module
from app.rooms.ask.asking import MOST_TRIES, open_turn, release_lease
from app.rooms.ask.live import LiveAnswers, live_answers_of
from app.rooms.ask.models import ANSWERED, ASKED, FAILED, STOPPED, Conversation, Turn
from tests.app.rooms.ask.streaming import (
    Script,
    answer_to,
    ask,
    play,
    post,
    resume,
    run,
    turn_of,
    until,
)
from tests.app.rooms.campus import Campus, Visit

QUESTION = "How do I refund a damaged parcel?"


@pytest.fixture
def ana(campus: Campus) -> Visit:
    return campus.visit()


@pytest.fixture
def visitor(campus: Campus, ana: Visit) -> Visitor:
    """Ana as the rooms see her."""
    return visitor_of(campus, ana)


def visitor_of(campus: Campus, visit: Visit) -> Visitor:
    request = Request(
        {
            "type": "http",
            "headers": [(b"authorization", f"Bearer {visit.bearer}".encode())],
            "app": campus.app,
            "state": {},
        }
    )
    return as_visitor(request, signed_in(request))


@pytest.fixture
def answer(campus: Campus, visitor: Visitor) -> Answer:
    """A whole answer of three sentences or more."""
    found = answer_to(campus, visitor, QUESTION)
    assert len(found.sentences) >= 3
    return found


def pieces(answer: Answer) -> list[Checked]:
    return [Checked(sentence, answer.citations) for sentence in answer.sentences]


def names(events: list[tuple[str, dict[str, Any]]]) -> list[str]:
    return [name for name, _ in events]


def test_a_stream_that_drops_goes_on_where_it_was(
    campus: Campus, ana: Visit, answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        gate = asyncio.Event()
        first, *others = pieces(answer)
        play(monkeypatch, [Progress("searching"), first, gate, *others, answer])
        async with ask(campus, ana, QUESTION) as connection:
            before = await connection.read(until="part")
        turn_id = before[0][1]["turn_id"]
        assert names(before) == ["opened", "progress", "part"]
        assert turn_of(campus, turn_id).state == ASKED
        gate.set()
        async with resume(campus, ana, turn_id, connection.last_id) as again:
            after = await again.read()
        assert names(after) == ["part"] * len(others) + ["done"], "what was seen is not told again"
        assert all(sentence.text in after[-1][1]["html"] for sentence in answer.sentences)
        turn = turn_of(campus, turn_id)
        assert (turn.state, turn.lease_owner, turn.verdict) == (ANSWERED, None, "covered")
        assert turn.answered_at is not None and turn.answered_at >= turn.asked_at

    run(scenario)


def test_a_stream_that_nobody_takes_up_leaves_the_whole_turn(
    campus: Campus, ana: Visit, answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        gate = asyncio.Event()
        play(monkeypatch, [gate, *pieces(answer), answer])
        async with ask(campus, ana, QUESTION) as connection:
            (opened,) = await connection.read(until="opened")
        gate.set()
        turn_id = opened[1]["turn_id"]
        await until(lambda: turn_of(campus, turn_id).state == ANSWERED)
        assert len(turn_of(campus, turn_id).answer["sentences"]) == len(answer.sentences)

    run(scenario)


def test_a_stop_keeps_what_was_whole(
    campus: Campus, ana: Visit, answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        first, *_ = pieces(answer)
        play(monkeypatch, [first, Draft("half a sent"), asyncio.Event()])
        async with ask(campus, ana, QUESTION) as connection:
            events = await connection.read(until="draft")
            turn_id = events[0][1]["turn_id"]
            assert await post(campus, ana, f"/ask/turns/{turn_id}/stop") == 204
            ((name, data),) = await connection.read()
        assert name == "done" and data["announce"] == "You stopped this answer"
        assert "You stopped this answer" in data["html"] and first.sentence.text in data["html"]
        assert "half a sent" not in data["html"]
        turn = turn_of(campus, turn_id)
        assert turn.state == STOPPED
        assert [one["text"] for one in turn.answer["sentences"]] == [first.sentence.text]
        assert [one["n"] for one in turn.answer["citations"]] == list(first.sentence.citations)
        assert await post(campus, ana, f"/ask/turns/{turn_id}/stop") == 204, "twice is once"

    run(scenario)
    assert "You stopped this answer" in ana.get("/").text


def test_a_stop_before_the_first_words_keeps_the_question(
    campus: Campus, ana: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        play(monkeypatch, [Progress("searching"), asyncio.Event()])
        async with ask(campus, ana, QUESTION) as connection:
            events = await connection.read(until="progress")
            turn_id = events[0][1]["turn_id"]
            await post(campus, ana, f"/ask/turns/{turn_id}/stop")
            await connection.read(until="done")
        turn = turn_of(campus, turn_id)
        assert (turn.state, turn.question, turn.answer) == (STOPPED, QUESTION, {})

    run(scenario)


def test_a_stop_reaches_the_process_that_answers(
    campus: Campus, ana: Visit, visitor: Visitor, answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another replica takes the click: it writes it down, and whoever answers looks for that."""
    monkeypatch.setattr(live_module, "BEAT_SECONDS", 0.02)

    async def scenario() -> None:
        play(monkeypatch, [pieces(answer)[0], asyncio.Event()])
        async with ask(campus, ana, QUESTION) as connection:
            events = await connection.read(until="part")
            turn_id = events[0][1]["turn_id"]
            other = LiveAnswers(campus.services)
            await other.stop(visitor, turn_id)
            await connection.read(until="done")
        assert turn_of(campus, turn_id).state == STOPPED

    run(scenario)


def test_a_late_stop_changes_nothing(campus: Campus, ana: Visit) -> None:
    events = ana.ask(QUESTION)
    turn_id = events[0][1]["turn_id"]
    assert ana.post(f"/ask/turns/{turn_id}/stop").status_code == 204
    turn = turn_of(campus, turn_id)
    assert (turn.state, turn.stop_at) == (ANSWERED, None)


def test_drafts_are_text_and_gone_with_their_sentence(
    campus: Campus, ana: Visit, answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        gate, end = asyncio.Event(), asyncio.Event()
        first, second, *_ = pieces(answer)
        play(
            monkeypatch,
            [Draft("<b>one"), Draft(" two"), gate, first, Draft("three"), Checked(None, answer.citations), second, end, answer],
        )  # fmt: skip
        async with ask(campus, ana, QUESTION) as connection:
            events = await connection.read(until="draft")
            while "".join(data["text"] for name, data in events if name == "draft") != "<b>one two":
                events += await connection.read(until="draft")
            gate.set()
            events = await connection.read(until="part")
            turn_id = connection.seen[0][1]["turn_id"]
            while len([1 for name, data in connection.seen if name == "part" and data["html"]]) < 2:
                await connection.read(until="part")
            async with resume(campus, ana, turn_id) as late:
                told = await late.read(until="part") + await late.read(until="part")
                assert "draft" not in names(told), "who comes later is told no words that were replaced"
                end.set()
                await late.read(until="done")

    run(scenario)


def test_a_void_takes_away_what_was_shown(
    campus: Campus, ana: Visit, answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        gate, end = asyncio.Event(), asyncio.Event()
        first, second, *_ = pieces(answer)
        play(monkeypatch, [first, gate, Void(), second, end, answer])
        async with ask(campus, ana, QUESTION) as connection:
            await connection.read(until="part")
            gate.set()
            assert names(await connection.read(until="part")) == ["void", "part"]
            turn_id = connection.seen[0][1]["turn_id"]
            async with resume(campus, ana, turn_id) as late:
                assert names(await late.read(until="part")) == ["opened", "void", "part"]
            await post(campus, ana, f"/ask/turns/{turn_id}/stop")
            await connection.read(until="done")
        kept = [one["text"] for one in turn_of(campus, turn_id).answer["sentences"]]
        assert kept == [second.sentence.text], "what was taken away is not kept"

    run(scenario)


def test_an_id_of_another_life_begins_again(
    campus: Campus, ana: Visit, answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        gate = asyncio.Event()
        play(monkeypatch, [pieces(answer)[0], gate, answer])
        async with ask(campus, ana, QUESTION) as connection:
            await connection.read(until="part")
            turn_id = connection.seen[0][1]["turn_id"]
            for last_id in ("0badcafe.7", "nonsense", "..", "9" * 40):
                async with resume(campus, ana, turn_id, last_id) as again:
                    assert names(await again.read(until="part")) == ["void", "opened", "part"]
            gate.set()
            await connection.read(until="done")

    run(scenario)


def test_an_answer_that_fails_says_so_and_can_be_asked_again(
    campus: Campus, ana: Visit, answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        play(monkeypatch, [pieces(answer)[0], RuntimeError("broken")], [*pieces(answer), answer])
        async with ask(campus, ana, QUESTION) as connection:
            events = await connection.read()
        turn_id, conversation_id = events[0][1]["turn_id"], events[0][1]["conversation_id"]
        assert names(events)[-1] == "done" and "The answer did not arrive" in events[-1][1]["html"]
        assert turn_of(campus, turn_id).state == FAILED
        async with ask(campus, ana, QUESTION, replaces=turn_id) as connection:
            events = await connection.read()
        again = turn_of(campus, events[0][1]["turn_id"])
        assert (again.state, again.conversation_id) == (ANSWERED, conversation_id)
        assert turn_of(campus, turn_id).replaced_by == again.id

    run(scenario)


def test_a_turn_whose_process_is_gone_is_answered_anew(
    campus: Campus, ana: Visit, visitor: Visitor, answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    turn_id = left_behind(campus, visitor, f"{socket.gethostname()}:4194305:gone")

    async def scenario() -> None:
        asked = play(monkeypatch, [*pieces(answer), answer])
        async with resume(campus, ana, turn_id, "0badcafe.3") as one, resume(campus, ana, turn_id) as other:
            assert names(await one.read())[-1] == names(await other.read())[-1] == "done"
        assert asked == [QUESTION], "of two who come one answers"
        turn = turn_of(campus, turn_id)
        assert (turn.state, turn.tries) == (ANSWERED, 2)

    run(scenario)


def test_a_page_with_such_a_turn_takes_it_up(campus: Campus, ana: Visit, visitor: Visitor) -> None:
    turn_id = left_behind(campus, visitor, f"{socket.gethostname()}:4194305:gone")
    assert f'data-turn="{turn_id}" data-waiting-turn' in ana.get("/").text


def test_a_turn_that_ends_every_process_is_given_up(campus: Campus, ana: Visit, visitor: Visitor) -> None:
    turn_id = left_behind(campus, visitor, f"{socket.gethostname()}:4194305:gone", tries=MOST_TRIES)
    events = ana.get(f"/ask/turns/{turn_id}/events").text
    assert "The answer did not arrive" in events
    assert turn_of(campus, turn_id).state == FAILED


def test_another_replicas_answer_is_waited_for(
    campus: Campus, ana: Visit, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_module, "POLL_SECONDS", 0.02)
    turn_id = left_behind(campus, visitor, "elsewhere:1:alive")

    async def scenario() -> None:
        async with resume(campus, ana, turn_id) as connection:
            await asyncio.sleep(0.1)
            with campus.services.database.write() as session:
                turn = session.get_one(Turn, turn_id)
                turn.state, turn.verdict, turn.answered_at = ANSWERED, "not_covered", now()
            assert names(await connection.read()) == ["done"]

    run(scenario)


def test_a_lease_that_ran_out_belongs_to_whoever_comes(campus: Campus, ana: Visit, visitor: Visitor) -> None:
    turn_id = left_behind(campus, visitor, "elsewhere:1:stalled", until=now() - timedelta(seconds=1))
    assert "event: done" in ana.get(f"/ask/turns/{turn_id}/events").text
    assert turn_of(campus, turn_id).state == ANSWERED


def test_whoever_lost_the_lease_does_not_write(
    campus: Campus, ana: Visit, answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_module, "POLL_SECONDS", 0.02)

    async def scenario() -> None:
        gate = asyncio.Event()
        play(monkeypatch, [gate, *pieces(answer), answer])
        async with ask(campus, ana, QUESTION) as connection:
            await connection.read(until="opened")
            turn_id = connection.seen[0][1]["turn_id"]
            with campus.services.database.write() as session:
                turn = session.get_one(Turn, turn_id)
                turn.state, turn.verdict, turn.lease_owner = ANSWERED, "not_covered", None
            gate.set()
            events = await connection.read()
        assert "Not covered here" in events[-1][1]["html"], "the other's answer is the one that is shown"
        assert turn_of(campus, turn_id).verdict == "not_covered"

    run(scenario)


@pytest.mark.parametrize("is_quick", [True, False])
def test_the_end_of_the_process_finishes_or_gives_back(
    campus: Campus, ana: Visit, answer: Answer, monkeypatch: pytest.MonkeyPatch, is_quick: bool
) -> None:
    async def scenario() -> None:
        gate = asyncio.Event()
        script: Script = [pieces(answer)[0], gate, answer]
        play(monkeypatch, script)
        async with ask(campus, ana, QUESTION) as connection:
            await connection.read(until="part")
        turn_id = connection.seen[0][1]["turn_id"]
        if is_quick:
            asyncio.get_running_loop().call_later(0.05, gate.set)
        await live_answers_of(campus.services).close(20 if is_quick else 0.05)
        turn = turn_of(campus, turn_id)
        assert turn.lease_owner is None
        assert (turn.state, turn.tries) == ((ANSWERED, 1) if is_quick else (ASKED, 0))

    run(scenario)


def test_a_renewed_lease_outlasts_a_long_answer(
    campus: Campus, ana: Visit, answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_module, "BEAT_SECONDS", 0.02)
    monkeypatch.setattr(live_module, "BEATS_PER_RENEWAL", 1)

    async def scenario() -> None:
        gate = asyncio.Event()
        play(monkeypatch, [gate, answer])
        async with ask(campus, ana, QUESTION) as connection:
            await connection.read(until="opened")
            turn_id = connection.seen[0][1]["turn_id"]
            first = turn_of(campus, turn_id).lease_until
            await until(lambda: turn_of(campus, turn_id).lease_until > first)
            gate.set()
            await connection.read(until="done")
        turn = turn_of(campus, turn_id)
        assert (turn.state, turn.tries) == (ANSWERED, 1), "nobody else took it up"

    run(scenario)


def test_of_somebody_without_a_name_nothing_is_kept(
    campus: Campus, answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody, other = (campus.enter(replace(campus.launch(), sub=None, name=None)) for _ in range(2))
    before = campus.count(Turn), campus.count(Conversation)

    async def scenario() -> None:
        gate = asyncio.Event()
        play(monkeypatch, [pieces(answer)[0], gate, answer])
        async with ask(campus, nobody, QUESTION) as connection:
            await connection.read(until="part")
        turn_id = connection.seen[0][1]["turn_id"]
        assert connection.seen[0][1]["conversation_id"] == ""
        async with resume(campus, other, turn_id) as stranger:
            await stranger.read()
            assert stranger.status == 404
        assert await post(campus, other, f"/ask/turns/{turn_id}/stop") == 404
        gate.set()
        async with resume(campus, nobody, turn_id, connection.last_id) as again:
            events = await again.read()
        assert names(events) == ["done"] and f"/ask/turns/{turn_id}/hand-off" not in events[0][1]["html"]

    run(scenario)
    assert (campus.count(Turn), campus.count(Conversation)) == before
    refused = nobody.post("/ask/turns", {"question": QUESTION, "conversation_id": "0" * 32})
    assert refused.status_code == 404


def test_open_streams_cost_no_threads(
    campus: Campus, ana: Visit, visitor: Visitor, answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        gate = asyncio.Event()
        play(monkeypatch, [pieces(answer)[0], gate, answer])
        answers = live_answers_of(campus.services)
        turns = [await answers.ask(visitor, QUESTION) for _ in range(5)]
        seen: list[str] = []
        before = threading.active_count()

        async def follow(turn_id: str) -> None:
            async for event in answers.follow(visitor, turn_id):
                seen.append(event.name)

        async with asyncio.TaskGroup() as group:
            for n in range(500):
                group.create_task(follow(turns[n % len(turns)].id))
            await until(lambda: seen.count("part") == 500)
            assert threading.active_count() - before < 40
            gate.set()
        assert seen.count("done") == 500

    run(scenario)


def test_finished_answers_are_forgotten(
    campus: Campus, ana: Visit, visitor: Visitor, answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_module, "KEPT_SECONDS", 0.01)

    async def scenario() -> None:
        play(monkeypatch, [answer])
        answers = live_answers_of(campus.services)
        turn = await answers.ask(visitor, QUESTION)
        await until(lambda: not answers.is_followed_by(visitor, turn.id))
        events = [event.name async for event in answers.follow(visitor, turn.id)]
        assert events == ["done"], "the row has it"

    run(scenario)


def left_behind(campus: Campus, visitor: Visitor, owner: str, *, tries: int = 1, until: object = None) -> str:
    """A question whose answer some process had begun."""
    turn = open_turn(campus.services, visitor, QUESTION).turn
    with campus.services.database.write() as session:
        row = session.get_one(Turn, turn.id)
        row.lease_owner, row.tries = owner, tries
        if until is not None:
            row.lease_until = until  # type: ignore[assignment]
    return turn.id


def test_a_release_does_not_take_what_is_anothers(campus: Campus, visitor: Visitor) -> None:
    turn_id = left_behind(campus, visitor, "elsewhere:1:alive")
    release_lease(campus.services, turn_id)
    assert turn_of(campus, turn_id).lease_owner == "elsewhere:1:alive"
