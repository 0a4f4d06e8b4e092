"""Languages and identifiers."""

from __future__ import annotations

import threading
import time
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit.i18n import LOCALES, Translator, catalogue, choose_locale
from app.kit.ids import new_id, new_secret, secret_hash

ONE, MANY = "%(n)d answer waits for your review", "%(n)d answers wait for your review"


@pytest.mark.parametrize("locale", LOCALES)
def test_a_number_chooses_its_form_in_every_language(locale: str) -> None:
    translate = Translator(locale)
    one, many, none = (translate.plural(ONE, MANY, n) for n in (1, 7, 0))
    assert "1" in one and "7" in many and "0" in none
    assert one.replace("1", "7") != many
    assert many.replace("7", "0") == none


def test_translations_differ_from_english() -> None:
    shown = {Translator(locale)("Hand in attempt %(number)s", number=3) for locale in LOCALES}
    assert len(shown) == len(LOCALES)
    assert all("3" in text for text in shown)


@pytest.mark.parametrize("locale", [*LOCALES, "de", "", "xx-YY"])
def test_a_text_without_a_translation_is_shown_in_english(locale: str) -> None:
    assert Translator(locale)("No catalogue has this: %(what)s", what="x") == "No catalogue has this: x"
    assert Translator(locale).plural("%(n)s untold", "%(n)s untolds", 2) == "2 untolds"


def test_an_unknown_language_is_english_throughout() -> None:
    assert Translator("de").locale == "en"
    assert catalogue("en") == {}


@pytest.mark.parametrize("message", ["100 % sure", "%(open", "%s"])
def test_a_text_without_values_may_hold_a_percent_sign(message: str) -> None:
    assert Translator("en")(message) == message


@pytest.mark.parametrize(
    ("wishes", "chosen"),
    [
        (("pt-BR",), "pt-BR"),
        (("pt_BR",), "pt-BR"),
        (("pt",), "pt-BR"),
        (("PT-pt",), "pt-BR"),
        (("es-MX",), "es"),
        (("en-GB",), "en"),
        (("de", "es"), "es"),
        ((None, "es"), "es"),
        (("de-DE,de;q=0.9,pt;q=0.8,en;q=0.7",), "pt-BR"),
        (("es", "pt"), "es"),
        (("",), "en"),
        ((None, None), "en"),
        ((), "en"),
        (("*",), "en"),
        (("spanish",), "en"),
    ],
)
def test_the_first_wish_that_we_speak_is_chosen(wishes: tuple[str | None, ...], chosen: str) -> None:
    assert choose_locale(*wishes) == chosen


@given(st.lists(st.text(max_size=40) | st.none(), max_size=4))
def test_any_wish_gives_a_language_that_we_have(wishes: list[str | None]) -> None:
    assert choose_locale(*wishes) in LOCALES


def test_ids_sort_by_the_time_they_were_made() -> None:
    made = []
    for _ in range(20):
        made.append(new_id())
        time.sleep(0.002)
    assert made == sorted(made)


def test_ids_are_version_7_and_never_the_same_twice() -> None:
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.extend(new_id() for _ in range(2000))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 8000
    read = [uuid.UUID(hex=each) for each in found[:100]]
    assert {each.version for each in read} == {7}
    assert {each.variant for each in read} == {uuid.RFC_4122}
    assert all(len(each) == 32 for each in found)


def test_a_secret_is_long_and_only_its_hash_is_like_it() -> None:
    secrets = {new_secret() for _ in range(100)}
    assert len(secrets) == 100
    assert all(len(secret) >= 43 for secret in secrets)
    first = secrets.pop()
    assert secret_hash(first) == secret_hash(first)
    assert first not in secret_hash(first)
    assert len({secret_hash(secret) for secret in secrets}) == len(secrets)
