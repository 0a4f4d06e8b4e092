"""Units: what an answer may quote, and exactly where it stands."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.coach.units import units_of

PIECES = st.sampled_from(
    [
        "Ask for two photos.",
        "Refund up to €50!",
        "1. Open a case.",
        "2) Call back",
        "- Chat",
        "• Phone",
        "Service: Standard; Cover: €100",
        "Mr. Adeyemi waits.",
        "e.g. a lamp",
        "“Why?” she asked.",
        "¿Qué hago?",
        "\n",
        "\n\n",
        " \n \n",
        " ",
        "\t",
        ".",
        "…",
    ]
)
TEXTS = st.one_of(st.lists(PIECES, max_size=25).map(" ".join), st.text(max_size=200))


@given(TEXTS)
@example("")
@example("1. ")
@example("\n\n\n")
def test_every_unit_is_a_verbatim_stretch_in_reading_order(text: str) -> None:
    last = 0
    for unit in units_of(text):
        assert text[unit.start : unit.end] == unit.text
        assert unit.text == unit.text.strip() != ""
        assert unit.start >= last
        last = unit.end


@given(TEXTS)
def test_nothing_but_marks_lies_between_units(text: str) -> None:
    """A word that is in no unit could never be quoted."""
    left = list(text)
    for unit in units_of(text):
        left[unit.start : unit.end] = " " * len(unit.text)
    rest = "".join(left)
    assert not [character for character in rest if character.isalpha()]


def test_a_procedure_is_its_steps_with_their_own_numbers() -> None:
    units = units_of("Do this:\n\n1. Open a case.\n2. Ask for\na photo.\n10) Refund.")
    assert [(unit.kind, unit.label, unit.text) for unit in units] == [
        ("sentence", "", "Do this:"),
        ("step", "1.", "Open a case."),
        ("step", "2.", "Ask for\na photo."),
        ("step", "10)", "Refund."),
    ]
    assert [unit.block for unit in units] == [0, 1, 1, 1]


@pytest.mark.parametrize("mark", ["-", "*", "•", "–"])
def test_a_list_is_its_items(mark: str) -> None:
    units = units_of(f"{mark} Chat\n{mark} Phone, for urgent cases")
    assert [(unit.kind, unit.text) for unit in units] == [
        ("item", "Chat"),
        ("item", "Phone, for urgent cases"),
    ]


def test_a_table_row_in_words_is_one_unit() -> None:
    (unit,) = units_of("Service: Standard; Cover: €100. No more; Days: 14")
    assert unit.kind == "row"
    assert [unit.kind for unit in units_of("Note: this is a sentence. And another.")] == [
        "sentence",
        "sentence",
    ]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Ask first. Then refund.", ["Ask first.", "Then refund."]),
        ("Really? Yes! Good…  Then go.", ["Really?", "Yes!", "Good…", "Then go."]),
        ("Mr. Adeyemi waits. Dr. Ferro too.", ["Mr. Adeyemi waits.", "Dr. Ferro too."]),
        ("Up to 3.5 kg, e.g. A lamp. Not more.", ["Up to 3.5 kg, e.g. A lamp.", "Not more."]),
        ("Diga seu nome. Às 8h ligue.", ["Diga seu nome.", "Às 8h ligue."]),
        ("Llame hoy. ¿Quién llama? Usted.", ["Llame hoy.", "¿Quién llama?", "Usted."]),
        ("She said “Stop.” Then she left.", ["She said “Stop.”", "Then she left."]),
        ("One line\nruns on. Next.", ["One line\nruns on.", "Next."]),
        ("no capital. follows here", ["no capital. follows here"]),
    ],
)
def test_sentences_end_where_people_end_them(text: str, sentences: list[str]) -> None:
    assert [unit.text for unit in units_of(text)] == sentences


def test_paragraphs_are_blocks() -> None:
    assert [unit.block for unit in units_of("One. Two.\n\nThree.\n \t\nFour.")] == [0, 0, 1, 2]
