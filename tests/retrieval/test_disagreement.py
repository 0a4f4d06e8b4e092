"""Two documents on one thing: what cannot both hold is noticed, and what speaks of two things is left alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval import disagree

APART = [
    (
        "en",
        "Refund a damaged parcel within 14 days of delivery.",
        "A damaged parcel is refunded within 30 days of delivery.",
    ),
    ("en", "Open the parcel before the customer signs.", "Open the parcel after the customer signs."),
    ("en", "Drivers may leave parcels with a neighbour.", "Drivers may not leave parcels with a neighbour."),
    ("en", "You must ask the manager for a refund.", "You may ask the manager for a refund."),
    ("es", "El reembolso se paga en 14 días al cliente.", "El reembolso se paga al cliente en 30 días."),
    ("pt", "O reembolso é pago ao cliente em 14 dias.", "O reembolso não é pago ao cliente em 14 dias."),
]
TOGETHER = [
    ("en", "Standard parcels arrive within 3 days.", "Express parcels arrive within 1 day."),
    ("en", "Refund a damaged parcel within 14 days.", "Refund a damaged parcel within fourteen days."),
    ("en", "Refund a damaged parcel within 14 days.", "Refund a damaged parcel up to 50 euros."),
    ("en", "Ask for two photos.", "Lunch is at noon in the yellow room."),
    ("en", "The gate in Lisbon opens at 7 hours.", "The gate in Porto opens at 9 hours."),
    ("es", "Los paquetes estándar llegan en 3 días.", "Los paquetes urgentes llegan en 1 día."),
    ("en", "Wait two days.", "Wait three days."),
]


@pytest.mark.parametrize(("language", "one", "other"), APART)
def test_what_cannot_both_hold_is_noticed(language: str, one: str, other: str) -> None:
    assert disagree(one, other, language) and disagree(other, one, language)


@pytest.mark.parametrize(("language", "one", "other"), TOGETHER)
def test_what_speaks_of_two_things_is_left_alone(language: str, one: str, other: str) -> None:
    assert not disagree(one, other, language) and not disagree(other, one, language)


@given(
    st.sampled_from([text for _, *pair in APART + TOGETHER for text in pair]),
    st.sampled_from(["en", "es", "pt"]),
)
def test_nothing_disagrees_with_itself(text: str, language: str) -> None:
    assert not disagree(text, text, language)
