"""The words of a plan in its sentence: nothing twice, no comma after a question, and the time that they name."""

from __future__ import annotations

from datetime import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.coach.plan_phrasing import cue_in_sentence, deed_in_sentence, ends_a_sentence, time_named


@pytest.mark.parametrize(
    ("locale", "cue", "kept"),
    [
        ("en", "When the phone rings", "the phone rings"), ("en", "if they object", "they object"),
        ("en", "Whenever a call comes", "a call comes"), ("en", "when", "when"), ("en", "Whenua calls", "Whenua calls"),
        ("pt-BR", "Quando o telefone tocar", "o telefone tocar"), ("pt-BR", "Se o cliente reclamar", "o cliente reclamar"),
        ("es", "Cuando llama un cliente", "llama un cliente"), ("es", "si el cliente insiste", "el cliente insiste"),
        ("es", "Se cae un paquete", "Se cae un paquete"), ("es", "Sin tiempo", "Sin tiempo"),
    ],
)  # fmt: skip
def test_the_labels_word_stands_once(locale: str, cue: str, kept: str) -> None:
    assert cue_in_sentence(cue, locale) == kept


@pytest.mark.parametrize(
    ("action", "kept"),
    [
        ("I will say the day", "say the day"), ("I'll ask", "ask"), ("then I’ll ask", "ask"), ("I willingly go", "I willingly go"),
        ("I will", "I will"), ("eu vou pedir duas fotos", "pedir duas fotos"), ("Vou ligá-lo amanhã", "ligá-lo amanhã"),
        ("vou ao depósito", "vou ao depósito"), ("vou para o depósito", "vou para o depósito"),
        ("Voy a decirle el día", "decirle el día"), ("voy a la oficina", "voy a la oficina"),
    ],
)  # fmt: skip
def test_i_will_stands_once_and_a_whole_verb_stays(action: str, kept: str) -> None:
    assert deed_in_sentence(action) == kept


@pytest.mark.parametrize(
    ("cue", "named"),
    [
        ("na sexta-feira às 9h", time(9)), ("na sexta às 9", time(9)), ("amanhã às 9h30 na loja", time(9, 30)),
        ("on Friday at 9 am", time(9)), ("tomorrow at 3 p.m.", time(15)), ("9:30 in the meeting", time(9, 30)),
        ("at 9 on Friday", time(9)), ("el viernes a las 9", time(9)), ("a las 3 de la tarde", time(15)), ("12 am", time(0)),
        ("às 19 horas", time(19)), ("at 3", None), ("às 9 caixas", None), ("as 9 caixas", None), ("em 9h", None), ("48h", None),
        ("within 8h", None), ("das 9h às 10h", None), ("it costs 9.30", None), ("depois de 9 horas", None), ("at 25:00", None),
    ],
)  # fmt: skip
def test_a_time_is_taken_where_it_is_clear(cue: str, named: time | None) -> None:
    assert time_named(cue) == named


@given(st.text(max_size=120), st.sampled_from(("en", "es", "pt-BR")))
def test_any_words_are_taken_and_none_get_lost(text: str, locale: str) -> None:
    assert text.endswith(cue_in_sentence(text, locale)) and text.endswith(deed_in_sentence(text))
    assert bool(text) == bool(cue_in_sentence(text, locale)) == bool(deed_in_sentence(text))
    time_named(text), ends_a_sentence(text)
