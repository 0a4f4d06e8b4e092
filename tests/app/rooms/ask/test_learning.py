"""Learning on Ask: hints that say no more than they may, on every page; what follows an answer; ready prompts."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from app.coach.hints import PART, PLACE, RUNGS, WHOLE, Said, partial
from app.coach.models import OwnPrompt
from app.course.models import LineItem, Registration
from app.evidence.under_way import GIVEN_UP_AFTER
from app.kit.audit import AuditEvent
from app.kit.i18n import LOCALES, Translator
from app.rooms.ask.ladder import hold_back
from app.rooms.ask.models import Turn
from retrieval.languages import words
from tests.app.rooms.campus import Campus, Visit, canary
from tests.app.rooms.placing import choose, launched, picker, posted

STEPS = "How do I refund a damaged parcel?"
PROSE = "How do I greet a caller?"
NOT_COVERED = "How does quantum chromodynamics explain confinement?"
SAVED = {"mode": "learn", "version": "0", "content_starters": "yes"}
# So many words in a row are somebody's sentence and no accident.
WINDOW = 4


@pytest.fixture
def ivo(campus: Campus) -> Visit:
    return campus.visit("ivo", "instructor")


@pytest.fixture
def ana(campus: Campus, ivo: Visit) -> Visit:
    """A learner whose coach helps by hints."""
    assert ivo.post("/studio", SAVED).status_code == 303
    return campus.visit()


def opened(events: list[tuple[str, dict[str, Any]]]) -> tuple[str, str]:
    (data,) = [data for name, data in events if name == "opened"]
    return data["turn_id"], data["conversation_id"]


def turn_of(campus: Campus, turn_id: str) -> Turn:
    with campus.services.database.read() as session:
        return session.get_one(Turn, turn_id)


def details(campus: Campus, action: str) -> list[dict[str, Any]]:
    with campus.services.database.read() as session:
        rows = session.scalars(select(AuditEvent).where(AuditEvent.action == action).order_by(AuditEvent.id))
        return [dict(row.detail) for row in rows]


def climb(visit: Visit, turn_id: str, seen: int) -> str:
    answer = visit.post(f"/ask/turns/{turn_id}/hint", {"seen": str(seen)})
    assert answer.status_code == 200, answer.text
    return str(answer.text)


def said_in(page: str) -> str:
    """A page's words with what its attributes hold, as one run of words."""
    return " " + " ".join(words(html.unescape(re.sub(r"</?[a-z0-9]+|[<>]|&#8288;", " ", page)))) + " "


def windows(sentence: str) -> Iterator[str]:
    said = words(sentence)
    for at in range(max(1, len(said) - WINDOW + 1)):
        yield f" {' '.join(said[at : at + WINDOW])} "


def pages_of(visit: Visit, turn_id: str, conversation_id: str) -> dict[str, str]:
    """Everything that shows something of a turn, its sources aside: those are the course's documents."""
    paths = [
        "/",
        f"/ask/conversations/{conversation_id}",
        f"/ask/conversations/{conversation_id}?all=1",
        f"/ask/conversations/{conversation_id}/export",
        "/ask/conversations",
        f"/ask/turns/{turn_id}/events",
        f"/ask/turns/{turn_id}/hand-off",
        f"/ask/prompts?turn={turn_id}",
    ]
    found = {}
    for path in paths:
        answer = visit.get(path)
        assert answer.status_code == 200, f"{path}: {answer.status_code}"
        found[path] = answer.text
    return found


# ---- The ladder


@pytest.mark.parametrize("question", [STEPS, PROSE])
def test_no_page_and_no_stream_holds_more_of_the_answer_than_its_rung(
    campus: Campus, ana: Visit, question: str
) -> None:
    stream = ana.ask(question)
    assert {name for name, _ in stream} <= {"opened", "progress", "done"}
    turn_id, conversation_id = opened(stream)
    sentences = turn_of(campus, turn_id).answer["sentences"]
    steps = [one for one in sentences if one["kind"] == "step"]
    # The heading that a list stands under is no part of what is held back: it says where to look.
    hidden = [one["text"] for one in sentences if not one["text"].endswith(":")]
    assert hidden
    may_be_seen = ""
    pages = {"the stream": str(stream), **pages_of(ana, turn_id, conversation_id)}
    for level in range(1, WHOLE):
        if level == PART and len(steps) > 1:
            hidden.remove(steps[0]["text"])
        elif level == PART:
            pieces = partial(question, [Said(one["text"], one["kind"]) for one in sentences], "")
            may_be_seen = said_in(" | ".join(run or "zebra" for piece in pieces for run in piece.runs))
        for path, page in pages.items():
            said = said_in(page)
            shown = [w for one in hidden for w in windows(one) if w in said and w not in may_be_seen]
            assert not shown, f"{path} at rung {level} shows {shown}"
        pages = {"the hint": climb(ana, turn_id, level), **pages_of(ana, turn_id, conversation_id)}
    for path in ("the hint", "/", f"/ask/conversations/{conversation_id}/export"):
        assert all(window in said_in(pages[path]) for one in hidden for window in windows(one)), path


TEXT = st.text("abcdefghij xyz", min_size=1, max_size=12)
STORED = st.fixed_dictionaries(
    {
        "sentences": st.lists(
            st.fixed_dictionaries({"kind": st.sampled_from(["sentence", "step", "row"]), "text": TEXT}),
            min_size=1,
            max_size=5,
        ),
        "note": TEXT,
        "conflicts": st.lists(st.fixed_dictionaries({"about": TEXT}), max_size=2),
        "a_part_of_later": st.one_of(TEXT, st.lists(TEXT), st.dictionaries(TEXT, TEXT), st.none()),
    }
)


@given(STORED, st.integers(1, WHOLE), st.sampled_from(LOCALES), st.booleans())
def test_whatever_an_answer_holds_its_view_says_no_more_than_the_rung(
    drawn: dict[str, Any], level: int, locale: str, is_kept: bool
) -> None:
    """Also of parts that an answer has got since: what is not known to be harmless is emptied."""

    def marked(value: Any) -> Any:
        if isinstance(value, str):
            return f"{value} zebra"
        if isinstance(value, dict):
            return {key: item if key == "kind" else marked(item) for key, item in value.items()}
        return [marked(item) for item in value] if isinstance(value, list) else value

    stored = marked(drawn)
    stored["sentences"] = [{**one, "citations": [1], "verified": True} for one in stored["sentences"]]
    stored["citations"] = [
        {"n": 1, "passage_id": "p", "document": "Handbook", "filename": "h.md", "place": "Refunds", "heading": "Refunds",
         "updated": "2026-01-01", "quote": "zebra quote", "start": 3, "end": 9}
    ]  # fmt: skip
    turn = Turn(
        id="t", conversation_id="c" if is_kept else "", question="May I?", answer=stored, hint_level=level,
        mode="learn", mode_reason="coach",
    )  # fmt: skip
    view = hold_back({**stored, "id": "t", "question": "May I?"}, turn, Translator(locale))
    if level == WHOLE:
        assert view["sentences"] == stored["sentences"] and view["hints"] is None
        return
    assert view["hints"]["left"] == RUNGS - level
    rungs = view["hints"].pop("rungs")
    assert "zebra" not in str(view)
    assert "zebra" not in str(rungs[:PLACE])
    assert "quote" not in str(rungs) and "'start'" not in str(rungs)
    if level == PART:
        steps = [one for one in stored["sentences"] if one["kind"] == "step"]
        runs = [run for piece in rungs[-1]["pieces"] for run in piece["runs"]]
        assert (None in runs) != (len(steps) > 1)


def test_each_rung_is_one_tap_counted_and_told(campus: Campus, ana: Visit) -> None:
    turn_id, _ = opened(ana.ask(STEPS))
    assert "1 of 4 shown, 3 left" in ana.get("/").text
    place = climb(ana, turn_id, 1)
    assert "2 of 4 shown, 2 left" in place and f"/sources/{turn_id}/1" in place
    part = climb(ana, turn_id, 2)
    assert (
        "3 of 4 shown, 1 left" in part
        and "The first of 3 steps" in part
        and "Open a case in Deskbook." in part
    )
    whole = climb(ana, turn_id, 3)
    assert canary("north", "parcels") in whole and "/hint" not in whole
    assert details(campus, "turn.hint_raised") == [{"level": 2}, {"level": 3}, {"level": 4}]


def test_a_partly_answer_points_at_places_once_they_are_shown_and_at_each_once(
    campus: Campus, ana: Visit
) -> None:
    turn_id, _ = opened(ana.ask(STEPS))
    with campus.services.database.write() as session:
        turn = session.get_one(Turn, turn_id)
        turn.verdict, turn.answer = "partly", {**turn.answer, "missing": ""}
    pages = [ana.get("/").text, *(climb(ana, turn_id, seen) for seen in (1, 2, 3))]
    assert ["These are the places" in page for page in pages] == [False, True, True, True]
    assert [page.count("data-source-slot") for page in pages] == [0, 1, 1, 1]
    for page in pages[1:3]:
        assert page.count(f'href="/sources/{turn_id}/1"') == 1
    assert f'href="/sources/{turn_id}/1"' not in pages[0]


def test_a_second_click_on_the_same_button_skips_no_rung(campus: Campus, ana: Visit) -> None:
    turn_id, _ = opened(ana.ask(STEPS))
    for _ in range(3):
        climb(ana, turn_id, 1)
    assert turn_of(campus, turn_id).hint_level == PLACE
    climb(ana, turn_id, 4)
    climb(ana, turn_id, 9)
    assert turn_of(campus, turn_id).hint_level == PLACE


def test_the_source_opens_from_the_second_rung_on_and_is_marked_from_the_last(
    campus: Campus, ana: Visit
) -> None:
    turn_id, _ = opened(ana.ask(STEPS))
    assert ana.get(f"/sources/{turn_id}/1").status_code == 404
    for seen in (1, 2):
        climb(ana, turn_id, seen)
        page = ana.get(f"/sources/{turn_id}/1")
        assert page.status_code == 200 and "<mark" not in page.text and "Damaged parcels" in page.text
    climb(ana, turn_id, 3)
    assert "<mark" in ana.get(f"/sources/{turn_id}/1").text


def test_a_word_that_only_the_answer_has_finds_the_conversation_once_it_is_shown(
    campus: Campus, ana: Visit
) -> None:
    turn_id, conversation_id = opened(ana.ask(STEPS))
    path = f"/ask/conversations?q={canary('north', 'parcels')}"
    assert conversation_id not in ana.get(path).text
    for seen in (1, 2, 3):
        climb(ana, turn_id, seen)
    assert conversation_id in ana.get(path).text


def test_what_is_not_covered_is_said_at_once(campus: Campus, ana: Visit) -> None:
    turn_id, _ = opened(ana.ask(NOT_COVERED))
    home = ana.get("/").text
    assert "Not covered here" in home and "/hint" not in home
    assert turn_of(campus, turn_id).hint_level == WHOLE


def test_somebody_whom_the_platform_does_not_name_reads_on_at_the_source(campus: Campus, ivo: Visit) -> None:
    ivo.post("/studio", SAVED)
    with campus.services.database.write() as session:
        session.execute(update(Registration).values(allow_anonymous=True))
    nobody = campus.enter(replace(campus.launch("nobody"), sub=None, name=None))
    stream = nobody.ask(STEPS)
    assert {name for name, _ in stream} <= {"opened", "progress", "done"}
    page = stream[-1][1]["html"]
    assert "Read on at the source" in page and canary("north", "parcels") not in page
    (source,) = set(re.findall(r'href="(/sources/passages/[^"]+)"', page))
    assert "?" not in source and "<mark" not in nobody.get(source).text


@pytest.mark.parametrize(
    "stranger", [("ben",), ("ana", "learner", "depot"), ("ana", "learner", "parcels", "south")]
)
def test_nobody_else_climbs_answers_or_explains(
    campus: Campus, ana: Visit, stranger: tuple[str, ...]
) -> None:
    turn_id, _ = opened(ana.ask(STEPS))
    other = campus.visit(*stranger)
    for path, form in (
        ("hint", {"seen": "1"}),
        ("unblocked", {"answer": "yes"}),
        ("explain-back", {"reply": "I open a case."}),
    ):
        assert other.post(f"/ask/turns/{turn_id}/{path}", form).status_code == 404
    turn = turn_of(campus, turn_id)
    assert (turn.hint_level, turn.unblocked, turn.explain_back) == (1, None, None)


# ---- Where hints come from


def test_an_activity_of_a_copied_placement_helps_as_the_original_until_it_has_settings_of_its_own(
    campus: Campus,
) -> None:
    (item,) = posted(campus, choose(picker(campus), "coach")).items
    here = launched(campus, item, "ivo", "instructor", link="first")
    assert here.post("/studio", SAVED).status_code == 303
    copy = launched(campus, item, "ivo", "instructor", link="copy")
    assert "is a copy of" in copy.get("/studio").text
    assert "your instructor chose" in launched(campus, item, "ana", link="copy").get("/").text
    copy.post("/studio", {"mode": "help", "version": "0"})
    assert "your instructor chose" not in launched(campus, item, "ana", link="copy").get("/").text
    assert "your instructor chose" in launched(campus, item, "ana", link="first").get("/").text


def test_graded_practice_under_way_brings_hints_for_what_it_is_about_and_nothing_else(campus: Campus) -> None:
    ana = campus.visit()
    assert campus.count(LineItem) == 1, "a launch with a gradebook makes the column"
    attempt = ana.attempt("lamp-parcels")
    home = ana.get("/").text
    assert "The lamp-parcels of north” is graded and under way" in home
    stream = ana.ask(STEPS)
    assert {name for name, _ in stream} <= {"opened", "progress", "done"}
    turn_id, _ = opened(stream)
    turn = turn_of(campus, turn_id)
    assert (turn.mode, turn.mode_reason, turn.hint_level) == ("learn", "practice", 1)
    assert "You have graded practice under way on this" in stream[-1][1]["html"]
    other, _ = opened(ana.ask(PROSE))
    assert (turn_of(campus, other).mode, turn_of(campus, other).hint_level) == ("help", WHOLE)
    ana.hand_in(attempt)
    later, _ = opened(ana.ask(STEPS))
    assert turn_of(campus, later).mode == "help"
    assert turn_of(campus, turn_id).hint_level == 1, "an answer that was held back is climbed as before"
    ana.attempt("lamp-parcels")
    again, _ = opened(ana.ask(STEPS))
    assert turn_of(campus, again).mode == "learn", "another attempt is under way until it is handed in too"


def test_the_learners_choice_does_not_undo_practice_under_way(campus: Campus, ivo: Visit) -> None:
    ivo.post("/studio", {"mode": "help", "version": "0", "learner_may_choose": "yes"})
    ana = campus.visit()
    ana.attempt("lamp-parcels")
    ana.post("/ask/mode", {"mode": "help"})
    turn_id, _ = opened(ana.ask(STEPS))
    assert turn_of(campus, turn_id).mode_reason == "practice"


@pytest.mark.parametrize("why", ["another person's", "an instructor's", "given up", "without a column"])
def test_practice_that_is_not_graded_and_under_way_changes_nothing(
    campus: Campus, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    ana = campus.visit(has_gradebook=why != "without a column")
    (campus.visit("ben") if why == "another person's" else ana).attempt("lamp-parcels")
    if why == "an instructor's":
        ana = campus.visit("ivo", "instructor")
        ana.attempt("lamp-parcels")
    if why == "given up":
        later = GIVEN_UP_AFTER + timedelta(minutes=1)
        monkeypatch.setenv("WORKSIDE_CLOCK_OFFSET", str(later.total_seconds()))
        ana = campus.visit()
    turn_id, _ = opened(ana.ask(STEPS))
    assert turn_of(campus, turn_id).mode == "help"


# ---- After an answer


def test_whether_it_unblocked_is_kept_with_its_time(campus: Campus) -> None:
    ana = campus.visit()
    turn_id, _ = opened(ana.ask(STEPS))
    page = ana.post(f"/ask/turns/{turn_id}/unblocked", {"answer": "not_yet"})
    assert "Not there yet" in page.text
    page = ana.post(f"/ask/turns/{turn_id}/unblocked", {"answer": "yes"})
    assert "In your own words" in page.text and "Never scored" in page.text
    turn = turn_of(campus, turn_id)
    assert turn.unblocked == "yes" and turn.unblocked_at is not None and turn.unblocked_at >= turn.asked_at
    told = details(campus, "turn.unblocked")
    assert [one["answer"] for one in told] == ["not_yet", "yes"]
    assert all(one["seconds"] >= 0 and one["level"] == WHOLE for one in told)
    ana.post(f"/ask/turns/{turn_id}/unblocked", {"answer": "yes"})
    assert len(details(campus, "turn.unblocked")) == 2, "saying it twice is saying it once"
    assert ana.post(f"/ask/turns/{turn_id}/unblocked", {"answer": "maybe"}).status_code == 422


def test_who_asks_a_person_instead_is_told_so_and_may_say_later_that_it_helped(campus: Campus) -> None:
    ana = campus.visit()
    turn_id, _ = opened(ana.ask(STEPS))
    path = f"/ask/turns/{turn_id}/hand-off"
    assert ana.get("/").text.count(path) == 1, "one way to a person below a turn"
    assert ana.post(path, {"question": STEPS, "expert": ""}).status_code == 303
    assert turn_of(campus, turn_id).unblocked == "person"
    assert "Did it unblock you meanwhile?" in ana.get("/").text
    ana.post(f"/ask/turns/{turn_id}/unblocked", {"answer": "yes"})
    assert turn_of(campus, turn_id).unblocked == "yes"


def test_explaining_back_gets_feedback_is_kept_and_may_be_tried_again(campus: Campus) -> None:
    ana = campus.visit()
    turn_id, _ = opened(ana.ask(STEPS))
    ana.post(f"/ask/turns/{turn_id}/unblocked", {"answer": "yes"})
    path = f"/ask/turns/{turn_id}/explain-back"
    reply = "I open a case in Deskbook first."
    page = ana.post(path, {"reply": reply}).text
    assert reply in page and "Try next:" in page and "Missing" in page
    kept = turn_of(campus, turn_id).explain_back
    assert kept is not None and kept["reply"] == reply and len(kept["points"]) == 3
    assert kept["points"][0]["status"] == "there"
    assert not {"score", "points_maximum"} & set(kept)
    ana.post(path, {"reply": "I ask for one photo of the outside and one of the inside."})
    again = turn_of(campus, turn_id).explain_back
    assert again is not None and again["points"][1]["status"] == "there"
    assert ana.post(path, {"reply": " "}).status_code == 422
    assert ana.get("/").text.count("Never scored") == 1


def test_explaining_back_can_be_skipped(campus: Campus) -> None:
    ana = campus.visit()
    turn_id, _ = opened(ana.ask(STEPS))
    ana.post(f"/ask/turns/{turn_id}/unblocked", {"answer": "yes"})
    page = ana.post(f"/ask/turns/{turn_id}/explain-back", {"skip": "yes"}).text
    assert "In your own words" not in page and turn_of(campus, turn_id).explain_back == {"skipped": True}


def test_feedback_on_a_hint_does_not_give_the_answer_away(campus: Campus, ana: Visit) -> None:
    turn_id, _ = opened(ana.ask(STEPS))
    ana.post(f"/ask/turns/{turn_id}/unblocked", {"answer": "yes"})
    page = ana.post(f"/ask/turns/{turn_id}/explain-back", {"reply": "I open a case first."}).text
    assert canary("north", "parcels") not in page and "one photo of the outside" not in page
    assert "points of the source" in page and "Look at the source" in page


def test_what_has_no_answer_asks_for_nothing_back(campus: Campus) -> None:
    ana = campus.visit()
    turn_id, _ = opened(ana.ask(NOT_COVERED))
    assert "Did this unblock you?" not in ana.get("/").text
    answer = ana.post(f"/ask/turns/{turn_id}/explain-back", {"reply": "I know it."})
    assert answer.status_code == 422


# ---- Ready prompts


def test_the_contents_prompts_are_offered_with_their_blanks(campus: Campus) -> None:
    home = campus.visit().get("/").text
    assert 'data-blank="my role"' in home and 'data-blank="which customer"' in home
    assert 'value="What do I do first in parcels?"' in home and "in depot" not in home
    assert 'data-blank="mi función"' in campus.visit(locale="es").get("/").text


def test_the_instructor_takes_prompts_out_and_adds_own_ones(campus: Campus, ivo: Visit) -> None:
    ivo.post(
        "/studio", {"mode": "help", "version": "0", "offered": "first", "prompts": "What about [case] today?"}
    )
    home = campus.visit().get("/").text
    assert 'data-blank="case"' in home and "What do I do first in parcels?" in home
    assert 'data-blank="my role"' not in home


def test_a_person_keeps_changes_and_deletes_own_prompts(campus: Campus) -> None:
    ana = campus.visit()
    turn_id, _ = opened(ana.ask(STEPS))
    assert STEPS in ana.get(f"/ask/prompts?turn={turn_id}").text
    ana.post("/ask/prompts", {"text": "How do I refund [what]?"})
    ana.post("/ask/prompts", {"text": "How do I refund [what]?"})
    assert campus.count(OwnPrompt) == 1
    assert 'data-blank="what"' in ana.get("/").text
    with campus.services.database.read() as session:
        prompt_id = session.scalars(select(OwnPrompt.id)).one()
    ana.post(f"/ask/prompts/{prompt_id}", {"text": "How do I refund [which thing]?"})
    assert 'data-blank="which thing"' in ana.get("/").text
    assert ana.post(f"/ask/prompts/{prompt_id}", {"text": ""}).status_code == 422
    for other in (campus.visit("ben"), campus.visit("ana", "learner", "depot")):
        assert "which thing" not in other.get("/").text
        assert other.post(f"/ask/prompts/{prompt_id}", {"text": "Mine now?"}).status_code == 404
        assert other.post(f"/ask/prompts/{prompt_id}/delete").status_code == 404
    assert ana.post(f"/ask/prompts/{prompt_id}/delete").status_code == 303
    assert campus.count(OwnPrompt) == 0


@pytest.mark.parametrize("text", ["", "  ", "[what]", "a ] b", "x" * 501, "[a][b][c][d][e][f][g] are many?"])
def test_a_prompt_that_is_no_question_is_refused(campus: Campus, text: str) -> None:
    assert campus.visit().post("/ask/prompts", {"text": text}).status_code == 422
    assert campus.count(OwnPrompt) == 0
