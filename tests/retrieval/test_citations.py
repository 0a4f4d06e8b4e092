from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval import check_citation, find_quote

PASSAGE = (
    "Customers may return a damaged parcel within 14 days. Ask for two photos first.\n"
    "Do not promise a refund before the Claims Desk has answered. The limit is €50 per case."
)


@pytest.mark.parametrize(
    "sentence",
    [
        "Ask for two photos first.",
        "ask for  two photos\nfirst",
        "“Ask for two photos first.”",
        "The limit is €50 per case.",
    ],
)
def test_a_quotation_is_supported_where_it_stands(sentence: str) -> None:
    support = check_citation(sentence, PASSAGE)
    assert support.status == "supported"
    assert PASSAGE[support.start : support.end] == support.quote
    assert support.quote.lower().strip(".“”") in PASSAGE.lower()


def test_typography_makes_no_difference() -> None:
    passage = "Don’t send the form – call\u00a0the “Duty” line; it’s quick\u00adest."
    support = check_citation("Don't send the form - call the \"Duty\" line; it's quickest.", passage)
    assert support.status == "supported"
    assert support.quote.startswith("Don’t send")


@pytest.mark.parametrize(
    "sentence",
    [
        "Customers may return a damaged parcel within 30 days.",
        "Promise a refund before the Claims Desk has answered.",
        "The limit is €500 per case.",
        "Parcels to islands take three weeks.",
        "",
        "…",
    ],
)
def test_what_the_passage_does_not_say_is_not_supported(sentence: str) -> None:
    assert check_citation(sentence, PASSAGE).status == "not"


def test_near_wording_is_supported_and_thin_wording_partly() -> None:
    assert (
        check_citation("A customer may return the damaged parcel within 14 days.", PASSAGE).status
        == "supported"
    )
    partly = check_citation(
        "A damaged parcel may be returned by shop within 14 days, customers say.", PASSAGE
    )
    assert partly.status == "partly"


def test_another_name_is_not_supported() -> None:
    assert (
        check_citation("Wait until the Duty Desk has answered, no refund promise.", PASSAGE).status
        != "supported"
    )


@pytest.mark.parametrize(
    ("sentence", "passage"),
    [
        ("No se reembolsan los alimentos.", "Los alimentos se reembolsan."),
        ("Os alimentos são reembolsados.", "Os alimentos não são reembolsados."),
    ],
)
def test_negation_counts_in_other_languages(sentence: str, passage: str) -> None:
    assert check_citation(sentence, passage).status == "not"


def test_no_is_a_little_word_in_portuguese() -> None:
    passage = "O reembolso é pago no prazo de 14 dias."
    assert check_citation("O reembolso é pago em 14 dias, no prazo.", passage).status != "not"


def test_a_quotation_is_not_found_inside_a_word() -> None:
    assert find_quote("art", "The party starts.") is None
    assert find_quote("art", "The party is art.") == (13, 16)


@given(st.text(max_size=60), st.data())
def test_any_stretch_of_words_of_a_text_is_quoted_exactly(text: str, data: st.DataObject) -> None:
    words = text.split()
    if not words:
        return
    first = data.draw(st.integers(0, len(words) - 1))
    last = data.draw(st.integers(first, len(words) - 1))
    quote = " ".join(words[first : last + 1])
    found = find_quote(quote, text)
    core = quote.strip(" \"'.“”„«»‘’‚`…")
    if any(letter.isalnum() for letter in core):
        assert found is not None
        start, end = found
        assert find_quote(text[start:end], quote) is not None


@given(st.text(), st.text())
def test_any_two_texts_can_be_checked(sentence: str, passage: str) -> None:
    support = check_citation(sentence, passage)
    assert passage[support.start : support.end] == support.quote
    assert (support.quote == "") == (support.status == "not")
