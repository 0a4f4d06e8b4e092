"""Each page in each state renders, in each language, and keeps the promises that every page makes."""

from __future__ import annotations

import re

import pytest
from bs4 import BeautifulSoup

from app.kit.i18n import LOCALES
from tests.accessibility.states import STATES, State, render_state
from tests.accessibility.states.ask import COVERED, NOT_COVERED, PARTLY, home, sentence, turn
from tests.accessibility.states.practice import GRADEBOOK, LINES, practice

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)> \"quoted\" & 'single'"


def page_of(name: str, locale: str = "en") -> BeautifulSoup:
    return BeautifulSoup(render_state(STATES[name], locale), "html.parser")


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("name", STATES)
def test_every_state_renders_in_every_language(name: str, locale: str) -> None:
    page = page_of(name, locale)
    assert page.html["lang"] == locale
    assert page.title.string.strip()
    assert len(page.select("main")) == 1
    assert not page.select("[style], style, [onclick], script:not([src]):not([type='application/json'])")


@pytest.mark.parametrize("name", [name for name in STATES if not name.startswith("shell")])
def test_every_page_has_one_first_heading_and_at_most_one_primary_action(name: str) -> None:
    main = page_of(name).select_one("main")
    for hidden in main.select("template, details:not([open])"):
        hidden.extract()
    assert len(main.select("h1")) == 1
    primary = [
        button for button in main.select(".button") if not {"is-quiet", "is-plain"} & set(button["class"])
    ]
    assert len(primary) <= 1, [button.get_text(strip=True) for button in primary]


@pytest.mark.parametrize("name", STATES)
def test_ids_are_unique_and_references_lead_somewhere(name: str) -> None:
    page = page_of(name)
    for template in page.select("template"):
        template.extract()
    ids = [element["id"] for element in page.select("[id]")]
    assert len(ids) == len(set(ids))
    for attribute in ("for", "aria-labelledby", "aria-describedby"):
        for element in page.select(f"[{attribute}]"):
            assert set(element[attribute].split()) <= set(ids), f"{attribute}={element[attribute]}"


def test_nothing_of_a_learner_or_a_model_becomes_markup() -> None:
    hostile = turn(
        "t9",
        HOSTILE,
        "partly",
        sentences=[sentence(HOSTILE, 1), sentence(HOSTILE, 1, kind="step"), sentence(HOSTILE, kind="row")],
        citations=[
            {
                "n": 1,
                "document": HOSTILE,
                "place": HOSTILE,
                "quote": HOSTILE,
                "href": "/sources/t9/1",
                "updated": "2026-10-12",
            }
        ],
        missing=HOSTILE,
        closest=[{"document": HOSTILE, "place": HOSTILE, "href": "/sources/t9/2"}],
        experts=[{"name": HOSTILE, "role": HOSTILE, "topics": [HOSTILE], "reach": HOSTILE}],
        practice={"title": HOSTILE, "href": "/practice/x"},
    )
    task = {**practice()["task"], "situation": HOSTILE, "ask": HOSTILE, "title": HOSTILE}
    states = [
        State(
            "ask/home.html",
            home(turns=[hostile], starters=[{"text": HOSTILE}], due=[{"text": HOSTILE, "href": "/practice"}]),
        ),
        State("practice/task.html", practice(task=task, draft=HOSTILE), path="/practice/x"),
    ]
    for state in states:
        page = BeautifulSoup(render_state(state), "html.parser")
        assert not page.select("img, script:not([src])")
        assert "alert(1)" in page.get_text() or page.select("textarea")


def test_a_turn_shows_each_sentence_with_its_citations() -> None:
    page = page_of("ask-covered")
    answer = page.select_one("#turn-t1 .answer")
    assert [chip["href"] for chip in answer.select("p a.cite")] == [f"/sources/t1/{n}" for n in (1, 1, 2, 3)]
    steps = answer.select("ol.steps > li.step input[type=checkbox]")
    assert len(steps) == 4
    assert all(page.select_one(f"label[for='{step['id']}']") for step in steps)
    assert answer.select_one(".is-unverified").get_text() == "Most cases are decided on the same day."
    assert "not confirmed by the source" in answer.get_text()


def test_sentences_of_one_kind_stand_together() -> None:
    mixed = turn(
        "t8",
        "q",
        sentences=[
            sentence("a"),
            sentence("b", kind="step"),
            sentence("c"),
            sentence("d", kind="row"),
            sentence("e", kind="step"),
        ],
    )
    page = BeautifulSoup(render_state(State("ask/turn.html", {"turn": mixed})), "html.parser")
    assert [child.name for child in page.select(".answer > :not(.voice)")] == [
        "p",
        "ol",
        "p",
        "ul",
        "ol",
    ]
    assert [box["id"] for box in page.select("input")] == ["step-t8-1", "step-t8-2"]


def test_what_is_not_covered_is_said_with_who_to_ask() -> None:
    page = page_of("ask-not-covered")
    words = page.select_one("#turn-t3").get_text(" ", strip=True)
    assert (
        "Not covered here" in words
        and "Closest sections" in words
        and NOT_COVERED["experts"][0]["name"] in words
    )
    partly = page_of("ask-partly").select_one("#turn-t2").get_text(" ", strip=True)
    assert "Part of this is not covered" in partly and PARTLY["missing"] in partly


def test_a_part_carries_its_kind_and_opens_nothing_yet() -> None:
    for kind, tag in (("sentence", "span"), ("step", "li"), ("row", "li")):
        state = State("ask/part.html", {"sentence": sentence("Words.", 1, kind=kind), "turn": COVERED})
        (part,) = BeautifulSoup(render_state(state), "html.parser").find_all(recursive=False)
        assert (part.name, part["data-kind"]) == (tag, kind)
        assert part.select(".cite") and not part.select("a, input")


def test_the_shell_holds_the_session_and_nothing_of_a_person() -> None:
    html = render_state(STATES["shell"])
    assert '{"bearer": "b", "first": "/"}' in html
    assert "null" in render_state(STATES["shell-signed-out"])


def test_a_session_cannot_end_its_script() -> None:
    state = State(
        "shell.html", {"session": {"bearer": "</script><script>alert(1)</script>", "first": "/"}}, role=None
    )
    assert "<script>alert" not in render_state(state)


def test_the_menu_shows_what_the_role_may_open() -> None:
    assert [item.get_text() for item in page_of("ask-empty").select("nav a")] == [
        "Ask",
        "Practise",
        "Role-play",
        "Plan",
    ]
    assert [item.get_text() for item in page_of("review-queue").select("nav a")] == [
        "Ask",
        "Practise",
        "Role-play",
        "Plan",
        "Review",
        "Experts",
        "Coach settings",
    ]
    assert page_of("source").select_one("nav [aria-current=page]").get_text() == "Ask"


def test_feedback_quotes_the_learner_and_is_no_grade() -> None:
    feedback = page_of("practice-feedback").select_one("#feedback")
    words = feedback.get_text(" ", strip=True)
    assert "suggestion made by a machine, not a grade" in words
    assert LINES[0]["quote"] in words and LINES[1]["try_next"] in words
    assert [pill.get_text(strip=True) for pill in feedback.select(".line .pill")] == [
        "Met",
        "Not yet",
        "Can't tell",
        "Not yet",
    ]


def test_only_learners_are_offered_to_hand_in() -> None:
    hand_in = "form[action='/practice/attempts/a1/submit']"
    assert page_of("practice-feedback").select(hand_in)
    assert not page_of("practice-handed-in").select(hand_in)
    assert not page_of("practice-as-instructor").select(hand_in)


def test_the_reviewer_decides_every_criterion_and_nothing_is_chosen_for_them() -> None:
    form = page_of("review-open").select_one("form[action='/review/e1/decision']")
    radios = form.select("input[type=radio]")
    assert len(radios) == 8 and not form.select("[checked]")
    assert all(radio.has_attr("required") for radio in radios)
    assert form.select_one("[name=after]")["value"] == ""
    assert not form.find_parent(class_="is-aside"), "the proposal stands apart from the decision"


def test_a_changed_decision_names_the_one_it_replaces() -> None:
    assert page_of("review-decided-delivered").select_one("[name=after]")["value"] == "d1"


def test_nobody_decides_on_their_own_or_on_a_superseded_answer() -> None:
    for name in ("review-own", "review-superseded"):
        assert not page_of(name).select("form[action$='/decision']")


@pytest.mark.parametrize("kind", ["waiting", "delivered", "superseded", "refused"])
def test_the_gradebook_state_is_told_to_both_sides(kind: str) -> None:
    assert GRADEBOOK[kind]["text"] in page_of(f"practice-decided-{kind}").get_text()
    page = page_of(f"review-decided-{kind}")
    assert GRADEBOOK[kind]["text"] in page.get_text()
    assert bool(page.select("form[action$='/resend']")) == (kind == "refused")


def test_an_error_page_prints_its_words_and_reference_only() -> None:
    page = page_of("error-not-found")
    assert re.sub(r"\s+", " ", page.select_one("main").get_text(" ", strip=True)) == (
        "We can't find that page It may have moved, or it belongs to another course. Reference: 0192f3c1a7"
    )
