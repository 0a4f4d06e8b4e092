"""The hint ladder: a nudge says where to think, a part leaves out what decides, and no rung says more than it may."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.coach.hints import Partial, Said, nudge, own_words, partial, sort_of
from app.kit.i18n import LOCALES, Translator
from retrieval.languages import words

STEPS = [
    Said("This is how it goes.", "sentence"),
    Said("Open a case in Deskbook.", "step"),
    Said("Ask for two photos.", "step"),
    Said("Write the note.", "step"),
]
LIMIT = [
    Said("You may approve up to €50 per case.", "sentence"),
    Said("Above that, up to €250, a shift lead approves.", "sentence"),
]
QUESTION = "How much may I refund without asking?"


def shown(pieces: list[Partial]) -> str:
    return " ".join(run for piece in pieces for run in piece.runs if run is not None)


@pytest.mark.parametrize(
    ("question", "said", "sort"),
    [
        ("What do I do with a damaged parcel?", STEPS, "steps"),
        (QUESTION, LIMIT, "figure"),
        ("¿Cuánto puedo reembolsar?", LIMIT, "figure"),
        ("Quanto posso reembolsar?", LIMIT, "figure"),
        ("When must damage be reported?", LIMIT, "figure"),
        ("What is a goodwill credit?", LIMIT, "definition"),
        ("May I refund the lamp?", LIMIT, "condition"),
        ("Who approves it?", LIMIT, "person"),
        ("Why do we check the code?", LIMIT, "reason"),
        ("Where is the form?", LIMIT, "place"),
        ("Which cover?", [Said("Basic: €25", "row"), Said("Secure: €500", "row")], "cases"),
        ("lamp broken", LIMIT, "fact"),
    ],
)
def test_the_sort_of_an_answer_is_told_by_its_form_and_by_what_was_asked(
    question: str, said: list[Said], sort: str
) -> None:
    assert sort_of(question, said) == sort


@pytest.mark.parametrize("locale", LOCALES)
def test_a_nudge_names_the_subject_and_the_askers_words_and_nothing_of_the_answer(locale: str) -> None:
    said = nudge(QUESTION, LIMIT, "Who approves", Translator(locale))
    assert "Who approves" in said and "refund" in said
    assert "50" not in said and "shift lead" not in said


def test_nudges_differ_between_languages_and_sorts() -> None:
    told = {
        (locale, question): nudge(question, LIMIT, "", Translator(locale))
        for locale in LOCALES
        for question in (QUESTION, "Who approves it?", "May I refund the lamp?")
    }
    assert len(set(told.values())) == len(told)


def test_the_askers_words_are_those_that_carry_the_question() -> None:
    assert own_words("How do I refund a damaged parcel?") == ["refund", "damaged", "parcel"]
    assert own_words("¿Cómo reembolso un paquete dañado?") == ["reembolso", "paquete", "dañado"]
    assert own_words("?? 12") == []


def test_of_a_procedure_the_first_step_is_shown_whole_and_no_other() -> None:
    assert partial("How do I refund a damaged parcel?", STEPS, "") == [
        Partial("step", ("Open a case in Deskbook.",))
    ]


def test_figures_are_left_out_with_their_sign() -> None:
    (piece,) = partial(QUESTION, LIMIT, "Who approves")
    assert "50" not in shown([piece]) and "€" not in shown([piece])
    assert None in piece.runs


@pytest.mark.parametrize(
    ("text", "left_out"),
    [
        ("Puede reembolsar hasta cincuenta euros.", "cincuenta"),
        ("A cobertura é de 100 reais por caso.", "100"),
        ("Report it within 7 days.", "7"),
        ("The discount is 15 % of the price.", "15"),
    ],
)
def test_figures_in_words_and_signs_are_figures(text: str, left_out: str) -> None:
    assert left_out not in words(shown(partial("?", [Said(text, "sentence")], "")))


def test_an_answer_of_one_sentence_still_leaves_something_to_find() -> None:
    for text in ("Refund the parcel.", "Yes.", "Ask Marta."):
        (piece,) = partial("Do I refund the parcel?", [Said(text, "sentence")], "Refund")
        assert None in piece.runs


def test_what_is_left_out_of_one_sentence_is_left_out_of_the_next() -> None:
    said = [
        Said("Photographs decide the matter.", "sentence"),
        Said("Photographs are kept.", "sentence"),
        Said("x.", "sentence"),
    ]
    assert "photographs" not in words(shown(partial("What counts?", said, "")))


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=60)
SENTENCES = st.lists(
    st.builds(Said, TEXT, st.sampled_from(["sentence", "row", "step"])), min_size=1, max_size=6
)


@given(TEXT, SENTENCES, TEXT)
def test_no_part_says_more_than_half(question: str, said: list[Said], topic: str) -> None:
    """Any texts at all: a part is one step, or at most half of the pieces, each with a blank where it has a word."""
    pieces = partial(question, said, topic)
    steps = [one for one in said if one.kind == "step"]
    if len(steps) > 1:
        assert pieces == [Partial("step", (steps[0].text,))]
        return
    assert len(pieces) == (len(said) + 1) // 2
    for piece, one in zip(pieces, said, strict=False):
        if any(c.isalnum() for c in one.text):
            assert None in piece.runs
            assert shown([piece]) != one.text
        # What is shown is the sentence's own words in their order.
        at = 0
        for run in piece.runs:
            if run is not None:
                at = one.text.index(run, at) + len(run)


@given(TEXT, SENTENCES, TEXT, st.sampled_from(LOCALES))
def test_a_nudge_is_made_of_the_question_the_topic_and_our_own_words(
    question: str, said: list[Said], topic: str, locale: str
) -> None:
    """The same question over another answer of the same sort gets the same nudge: so nothing of the answer is in it."""
    translate = Translator(locale)
    others = [Said("zebra", one.kind) for one in said]
    assert nudge(question, said, topic, translate) == nudge(question, others, topic, translate)
