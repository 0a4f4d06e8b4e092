from __future__ import annotations

import pytest

from retrieval.languages import detect_language, stems


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("How do I refund a damaged parcel?", "en"),
        ("refund damaged parcel", "und"),
        ("¿Cómo devuelvo un paquete dañado?", "es"),
        ("Que hago si el cliente no tiene el recibo", "es"),
        ("O que faço se o cliente não tem o recibo?", "pt"),
        ("Quando devo ligar para o cliente", "pt"),
        ("Wann muss ich den Kunden anrufen?", "de"),
        ("Quand dois-je appeler le client ?", "fr"),
        ("日本語のテキスト", "und"),
        ("", "und"),
    ],
)
def test_the_language_of_a_question(text: str, language: str) -> None:
    assert detect_language(text) == language


def test_stems_meet_with_and_without_accents() -> None:
    assert stems("devolución", "es") == stems("devolucion", "es")
    assert stems("as devoluções", "pt") == stems("devolucoes", "pt")


def test_little_words_are_left_out() -> None:
    assert stems("What is the refund of the parcels?", "en") == ["refund", "parcel"]
