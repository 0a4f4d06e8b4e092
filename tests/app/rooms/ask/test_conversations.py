"""A person's conversations: listed, found, named, taken along, deleted, and gone on with from two tabs."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from bs4 import BeautifulSoup
from markdown_it import MarkdownIt
from sqlalchemy import select

from app.coach.models import ContentGap
from app.kit.audit import AuditEvent
from app.kit.i18n import Translator
from app.rooms.ask.after import learning_view
from app.rooms.ask.conversations import LISTED, SHOWN_TURNS, title_from
from app.rooms.ask.export import markdown_of, plain
from app.rooms.ask.finding import folded
from app.rooms.ask.models import Conversation, Turn
from app.rooms.ask.turns import turn_view
from tests.app.rooms.ask.streaming import turn_of
from tests.app.rooms.campus import Campus, Visit

COVERED = "How do I refund a damaged parcel?"
NOT_COVERED = "How does quantum chromodynamics explain confinement?"


def asked(visit: Visit, question: str, conversation_id: str = "", replaces: str = "") -> tuple[str, str]:
    """Asks to the end; returns the turn's id and the conversation's."""
    form = {"question": question, "conversation_id": conversation_id, "replaces": replaces}
    answer = visit.post("/ask/turns", form)
    assert answer.status_code == 200 and "event: done" in answer.text, answer.text
    found = re.search(r'"turn_id": "(\w+)", "conversation_id": "(\w+)"', answer.text)
    assert found
    return found[1], found[2]


def listed(visit: Visit, query: str = "") -> list[str]:
    """The titles that the list shows, in its order."""
    page = visit.get("/ask/conversations", params={"q": query})
    assert page.status_code == 200
    return re.findall(r"<strong>(.*?)</strong><span class=\"soft", page.text)


def shown(page: str) -> list[str]:
    """The ids of the turns that a page shows."""
    return re.findall(r'<article class="turn" id="turn-(\w+)"', page)


@pytest.fixture
def ana(campus: Campus) -> Visit:
    return campus.visit()


def made(campus: Campus, title: str, question: str = "", said: str = "") -> str:
    """A conversation of Ana's with one answered turn, written without asking."""
    with campus.services.database.write() as session:
        first = session.scalars(select(Conversation)).first()
        assert first is not None, "ask once, so that it is known who Ana is"
        names = ("organisation_id", "context_id", "resource_link_id", "user_id")
        row = Conversation(
            **{name: getattr(first, name) for name in names}, title=title, folded=folded(title)
        )
        session.add(row)
        session.flush()
        answer = {"sentences": [{"text": said, "kind": "sentence", "citations": [], "verified": True}]}
        session.add(
            Turn(
                conversation_id=row.id, number=1, question=question, verdict="covered", state="answered",
                answer=answer, folded=folded(f"{question} {said}"),
            )
        )  # fmt: skip
        return row.id


# ---- Listing and finding


def test_conversations_stand_in_the_list_the_last_one_first(campus: Campus, ana: Visit) -> None:
    assert listed(ana) == []
    _, first = asked(ana, COVERED)
    asked(ana, "How do I greet a caller?")
    assert listed(ana) == ["How do I greet a caller?", COVERED]
    asked(ana, "And then?", first)
    assert listed(ana) == [COVERED, "How do I greet a caller?"]
    assert "2 questions" in ana.get("/ask/conversations").text
    assert listed(campus.visit("ben")) == []


def test_a_long_list_comes_in_pages(campus: Campus, ana: Visit) -> None:
    asked(ana, COVERED)
    for number in range(LISTED + 1):
        made(campus, f"Number {number:02}")
    pages = [ana.get(f"/ask/conversations?page={page}").text for page in (1, 2, 3)]
    found = [re.findall(r"<strong>(.*?)</strong><span", page) for page in pages]
    assert [len(page) for page in found] == [LISTED, 2, 0]
    assert len({*found[0], *found[1]}) == LISTED + 2
    assert 'page=2">Older' in pages[0] and "Older" not in pages[1] and 'page=1">Newer' in pages[1]


FOUND = {
    "cafe": ["Café São João"],
    "SÃO joao": ["Café São João"],
    "são cafe": ["Café São João"],
    "strasse": ["Straße"],
    "50%": ["Rabatt 50%"],
    "%": ["Rabatt 50%"],
    "_": ["snake_case"],
    "e_c": ["snake_case"],
    "/": ["and/or"],
    "\\": [],
    "ﬁne": ["The fine"],
    "zwei lampen": ["Straße"],
    "glow": ["Straße"],
    "glow strasse zwei": ["Straße"],
    "glow cafe": [],
    "' OR 1=1 --": [],
}


def test_words_are_found_in_titles_questions_and_answers(campus: Campus, ana: Visit) -> None:
    asked(ana, "How do I greet a caller?")
    for title, question, said in [
        ("Café São João", "", ""),
        ("Rabatt 50%", "", ""),
        ("snake_case", "", ""),
        ("and/or", "", ""),
        ("The fine", "", ""),
        ("Straße", "Zwei Lampen?", "They glow."),
    ]:
        made(campus, title, question, said)
    assert {query: listed(ana, query) for query in FOUND} == FOUND
    ben = campus.visit("ben")
    assert not any(listed(ben, query) for query in FOUND)


def test_what_was_asked_otherwise_is_found_no_more(campus: Campus, ana: Visit) -> None:
    turn_id, _ = asked(ana, "Where is the zeppelin?")
    assert listed(ana, "zeppelin")
    asked(ana, COVERED, replaces=turn_id)
    assert listed(ana, "zeppelin") == [] and listed(ana, "refund damaged")


def test_nothing_found_says_so(campus: Campus, ana: Visit) -> None:
    asked(ana, COVERED)
    page = ana.get("/ask/conversations?q=zeppelin").text
    assert "No conversation has all of these words" in page and 'value="zeppelin"' in page


# ---- Titles


def test_a_title_is_the_first_question_until_somebody_says_otherwise(campus: Campus, ana: Visit) -> None:
    turn_id, conversation_id = asked(ana, COVERED)
    asked(ana, "How do I greet a caller?", replaces=turn_id)
    assert listed(ana) == ["How do I greet a caller?"], "the question asked in other words names it"
    renamed = ana.post(f"/ask/conversations/{conversation_id}/title", {"title": "  Mine \n own\x00 "})
    assert (renamed.status_code, renamed.headers["location"]) == (
        303,
        f"/ask/conversations/{conversation_id}",
    )
    assert listed(ana) == ["Mine own"] == listed(ana, "MINE")
    (newest,) = shown(ana.get(f"/ask/conversations/{conversation_id}").text)
    asked(ana, COVERED, replaces=newest)
    assert listed(ana) == ["Mine own"], "a title of one's own stays"


def test_a_title_that_is_none_is_refused(campus: Campus, ana: Visit) -> None:
    _, conversation_id = asked(ana, COVERED)
    for title, advice in ((" \n", "Write a title"), ("x" * 121, "120 characters at most")):
        refused = ana.post(f"/ask/conversations/{conversation_id}/title", {"title": title})
        assert refused.status_code == 422 and advice in refused.text
    assert listed(ana) == [COVERED]


def test_a_long_question_makes_a_title_that_ends_at_a_word() -> None:
    title = title_from("What do I do " * 30)
    assert len(title) <= 120 and title.endswith(" do…")
    assert title_from("x" * 500) == "x" * 119 + "…"
    assert title_from("two\nlines") == "two lines"


# ---- Taking along


def test_the_file_has_questions_answers_places_and_days(campus: Campus, ana: Visit) -> None:
    turn_id, conversation_id = asked(ana, COVERED)
    asked(ana, NOT_COVERED, conversation_id)
    file = ana.get(f"/ask/conversations/{conversation_id}/export")
    assert file.headers["content-type"] == "text/markdown; charset=utf-8"
    assert file.headers["content-disposition"].endswith("how-do-i-refund-a-damaged-parcel.md")
    answer = turn_of(campus, turn_id).answer
    for sentence in answer["sentences"]:
        assert plain(sentence["text"]) in file.text
    for citation in answer["citations"]:
        assert f"[{citation['n']}] {citation['document']}, {citation['place']}, as of" in file.text
        assert citation["updated"] in file.text and plain(citation["quote"]) in file.text
    assert f"## {COVERED}" in file.text and f"## {NOT_COVERED}" in file.text
    assert "Not covered here" in file.text and "In the documents' own words" in file.text
    assert file.text.startswith(f"# {COVERED}\n")


@pytest.mark.parametrize(
    "words",
    [
        "# not a heading",
        "- no item",
        "12. no step",
        "[link](javascript:alert(1))",
        "<img src=x onerror=alert(1)>",
        "**bold** _and_ `code` ~~gone~~",
        "| a | b |",
        "> quoted",
        "line\nbreak\n===\n---",
        "\\* backslash",
        "![x](http://example.org/x.png)",
    ],
)
def test_what_people_write_is_no_markup_in_the_file(words: str) -> None:
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(plain(words))
    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    (inline,) = (token for token in tokens if token.type == "inline")
    assert {token.type for token in inline.children or ()} <= {"text", "text_special"}
    text = "".join(token.content for token in inline.children or ())
    assert text == " ".join(words.split())


def test_the_file_holds_only_what_the_page_shows(campus: Campus, ana: Visit) -> None:
    turn_id, conversation_id = asked(ana, "Where is the zeppelin?")
    asked(ana, COVERED, replaces=turn_id)
    file = ana.get(f"/ask/conversations/{conversation_id}/export").text
    assert "zeppelin" not in file and COVERED in file


DOUBT = "This may not be the whole answer"
NOTES = {
    "budget": "Today's budget for the model is used up",
    "model": "The model did not answer this time",
    "unsupported": "What the model wrote was mostly not in your documents",
}


def stored(campus: Campus, turn_id: str, **parts: Any) -> None:
    """Gives a turn another answer than it got."""
    with campus.services.database.write() as session:
        turn = session.get_one(Turn, turn_id)
        for name in ("verdict", "voice", "hint_level"):
            setattr(turn, name, parts.pop(name, getattr(turn, name)))
        turn.answer = {**turn.answer, **parts}


@pytest.mark.parametrize(("note", "words"), NOTES.items())
def test_the_file_says_what_the_page_says_to_doubt(campus: Campus, ana: Visit, note: str, words: str) -> None:
    turn_id, conversation_id = asked(ana, COVERED)
    path = f"/ask/conversations/{conversation_id}/export"
    assert DOUBT not in ana.get(path).text
    stored(
        campus, turn_id, verdict="partly", missing="", note=note, conflicts=[{"about": "the *limit*", "citations": [1]}]
    )  # fmt: skip
    file = ana.get(path).text
    quote = plain(turn_of(campus, turn_id).answer["citations"][0]["quote"])
    assert DOUBT in file and words in file and "Your documents don't agree here" in file
    assert plain("They say different things about the *limit*.") in file
    assert file.count(quote) == 2, "as a side of what they disagree on, and as a source"
    stored(campus, turn_id, voice="model", is_translated=True)
    assert "from documents in another language" in ana.get(path).text
    stored(campus, turn_id, hint_level=1)
    file = ana.get(path).text
    assert "hints to this question" in file
    assert not [said for said in (DOUBT, words, "don't agree", quote) if said in file]


def test_a_place_is_one_source_however_often_it_is_cited(campus: Campus, ana: Visit) -> None:
    turn_id, conversation_id = asked(ana, COVERED)
    first = turn_of(campus, turn_id).answer["citations"][0]
    further = [
        {**first, "n": n, "quote": quote} for n, quote in ((3, "the third words"), (4, "the fourth words"))
    ]
    elsewhere = {**first, "n": 2, "place": "another place", "quote": "the second words"}
    stored(campus, turn_id, citations=[first, elsewhere, *further])
    page = BeautifulSoup(ana.get("/").text, "html.parser").select_one(f"#turn-{turn_id} .turn-side")
    assert page is not None and page.select_one(".label").get_text() == "2 sources"
    lines = [
        [one["href"].rpartition("/")[2] for one in line.select("a")] for line in page.select(".sources li")
    ]
    assert lines == [["1", "3", "4"], ["2"]], "each number stays, and opens its own words"
    assert ana.get(f"/sources/{turn_id}/4").status_code == 200
    file = ana.get(f"/ask/conversations/{conversation_id}/export").text
    assert "- [1][3][4] " in file and "“the third words” … “the fourth words”" in file and "- [2] " in file


def test_the_file_has_the_experts_answer_as_text(campus: Campus, ana: Visit) -> None:
    turn_id, conversation_id = asked(ana, COVERED)
    stored(campus, turn_id, hint_level=1)
    said = "Ask **both**:\n\n- the desk <img src=x>\n- [the depot](javascript:alert(1))\n# Then wait"
    answer = {"author": "Ivo *Berg*", "text": said, "reviewed": "23 November 2026", "is_review_due": True}
    with campus.services.database.read() as session:
        conversation = session.get_one(Conversation, conversation_id)
        turn = session.get_one(Turn, turn_id)
        view = {**learning_view(turn_view(turn), turn, Translator("en")), "hand_off": {"answer": answer}}
    file = markdown_of(conversation, [view], Translator("en"))
    assert "Reviewed 23 November 2026" in file and "Review due" in file
    tokens = MarkdownIt("commonmark").parse(file)
    inline = [child for token in tokens for child in token.children or ()]
    assert not {token.type for token in [*tokens, *inline]} & {
        "html_block",
        "html_inline",
        "link_open",
        "image",
    }
    assert [token.type for token in tokens].count("list_item_open") == 2
    shown_text = "".join(child.content for child in inline)
    assert "Ivo *Berg* answered" in shown_text and "<img src=x>" in shown_text and "**both**" in shown_text
    assert [token.tag for token in tokens if token.type == "heading_open"] == ["h1", "h2"]


# ---- Deleting


def test_delete_leaves_nothing_but_that_it_was_done(campus: Campus, ana: Visit) -> None:
    turn_id, conversation_id = asked(ana, f"{NOT_COVERED} zebradeleted")
    asked(ana, "zebradeleted again?", replaces=turn_id)
    _, other = asked(ana, COVERED)
    assert campus.count(ContentGap) > 0
    gone = ana.post(f"/ask/conversations/{conversation_id}/delete")
    assert (gone.status_code, gone.headers["location"]) == (303, "/ask/conversations")
    assert listed(ana) == [COVERED]
    assert ana.get(f"/ask/conversations/{conversation_id}").status_code == 404
    assert ana.get(f"/sources/{turn_id}/1").status_code == 404
    assert ana.get(f"/ask/turns/{turn_id}/events").status_code == 404
    with campus.services.database.read() as session:
        assert {turn.conversation_id for turn in session.scalars(select(Turn))} == {other}
        assert not session.scalars(select(ContentGap).where(ContentGap.turn_id == turn_id)).all()
        events = session.scalars(select(AuditEvent).where(AuditEvent.subject_id == conversation_id)).all()
        assert [(event.action, event.detail) for event in events] == [("conversation.deleted", {"turns": 2})]
        assert "zebra" not in str([event.detail for event in session.scalars(select(AuditEvent))])


def test_a_question_to_a_deleted_conversation_is_not_lost_silently(campus: Campus, ana: Visit) -> None:
    turn_id, conversation_id = asked(ana, COVERED)
    ana.post(f"/ask/conversations/{conversation_id}/delete")
    for form in ({"conversation_id": conversation_id}, {"replaces": turn_id}):
        assert ana.post("/ask/turns", {"question": COVERED, **form}).status_code == 404
    assert campus.count(Turn) == 0


# ---- Asking in other words


def test_a_question_asked_in_other_words_takes_the_place_of_the_old_line(campus: Campus, ana: Visit) -> None:
    first, conversation_id = asked(ana, "How do I greet a caller?")
    second, _ = asked(ana, "How do I refund?", conversation_id)
    third, _ = asked(ana, "And how many photos?", conversation_id)
    again, same = asked(ana, COVERED, replaces=second)
    assert same == conversation_id
    assert shown(ana.get(f"/ask/conversations/{conversation_id}").text) == [first, again]
    assert [turn_of(campus, turn).replaced_by for turn in (first, second, third, again)] == [
        None,
        again,
        again,
        None,
    ], "the old line stays in the record"
    assert turn_of(campus, again).number == 4


def test_a_tab_that_stayed_behind_does_not_hide_what_another_has_done(campus: Campus, ana: Visit) -> None:
    first, conversation_id = asked(ana, "How do I refund?")
    second, _ = asked(ana, "How do I greet a caller?", conversation_id)
    again, _ = asked(ana, COVERED, replaces=first)
    further, _ = asked(ana, "And how many photos?", conversation_id)
    for stale in (first, second):
        late = ana.post("/ask/turns", {"question": "Refunds, please?", "replaces": stale})
        assert late.status_code == 409 and "This question was changed in another tab." in late.text
    assert shown(ana.get(f"/ask/conversations/{conversation_id}").text) == [again, further]
    assert campus.count(Turn) == 4


def test_of_two_tabs_that_change_a_question_at_once_one_is_told(campus: Campus, ana: Visit) -> None:
    first, conversation_id = asked(ana, "How do I refund?")
    forms = [{"question": f"How do I greet caller {n}?", "replaces": first} for n in range(2)]
    with ThreadPoolExecutor(2) as tabs:
        codes = sorted(tabs.map(lambda form: ana.post("/ask/turns", form).status_code, forms))
    assert codes == [200, 409]
    assert len(shown(ana.get(f"/ask/conversations/{conversation_id}").text)) == 1


def test_another_persons_turn_cannot_be_replaced(campus: Campus, ana: Visit) -> None:
    turn_id, _ = asked(ana, COVERED)
    refused = campus.visit("ben").post("/ask/turns", {"question": "x", "replaces": turn_id})
    assert refused.status_code == 404
    assert turn_of(campus, turn_id).replaced_by is None and campus.count(Turn) == 1


# ---- Pages


def test_home_goes_on_and_begins_anew(campus: Campus, ana: Visit) -> None:
    turn_id, conversation_id = asked(ana, COVERED)
    assert shown(ana.get("/").text) == [turn_id]
    fresh = ana.get("/?new=1").text
    assert shown(fresh) == [] and 'name="conversation_id" value=""' in fresh
    assert 'href="/ask/conversations"' in fresh
    page = ana.get(f"/ask/conversations/{conversation_id}").text
    assert shown(page) == [turn_id] and f'value="{conversation_id}"' in page


def test_a_long_conversation_shows_its_end_first(campus: Campus, ana: Visit) -> None:
    _, conversation_id = asked(ana, COVERED)
    with campus.services.database.write() as session:
        for number in range(2, SHOWN_TURNS + 4):
            session.add(
                Turn(conversation_id=conversation_id, number=number, question=f"q{number}", state="answered")
            )
    page = ana.get(f"/ask/conversations/{conversation_id}").text
    assert len(shown(page)) == SHOWN_TURNS and "Show 3 earlier questions" in page
    assert len(shown(ana.get(f"/ask/conversations/{conversation_id}?all=1").text)) == SHOWN_TURNS + 3


def test_somebody_without_a_name_has_no_list(campus: Campus) -> None:
    nobody = campus.enter(replace(campus.launch(), sub=None, name=None))
    assert "data-conversation" not in nobody.get("/").text
    assert listed(nobody) == []


# ---- Two tabs


def test_two_tabs_at_once_neither_lose_nor_mix_turns(campus: Campus, ana: Visit) -> None:
    _, conversation_id = asked(ana, COVERED)
    questions = [f"How do I greet caller number {n}?" for n in range(6)]
    with ThreadPoolExecutor(6) as tabs:
        found: list[Any] = list(tabs.map(lambda question: asked(ana, question, conversation_id), questions))
    assert {same for _, same in found} == {conversation_id}
    with campus.services.database.read() as session:
        rows = session.scalars(
            select(Turn).where(Turn.conversation_id == conversation_id).order_by(Turn.number)
        ).all()
    assert [row.number for row in rows] == list(range(1, 8))
    assert sorted(row.question for row in rows[1:]) == questions
    assert {row.id: row.question for row in rows[1:]} == {
        turn_id: question for (turn_id, _), question in zip(found, questions, strict=True)
    }
    assert len(shown(ana.get("/").text)) == 7
