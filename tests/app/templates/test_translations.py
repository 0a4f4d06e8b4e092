"""Every text that a person may read exists in Brazilian Portuguese and Spanish, with the same places for values."""

from __future__ import annotations

import re

import pytest

from app.kit.i18n import LOCALES, Translator, catalogue
from tests.app.templates.texts import all_texts

TEXTS = all_texts()
OTHERS = [locale for locale in LOCALES if locale != "en"]
VALUE = re.compile(r"%\(\w+\)[sd]|%%")


@pytest.mark.parametrize("locale", OTHERS)
def test_every_text_is_translated(locale: str) -> None:
    known = catalogue(locale)
    missing = sorted(f"{where}: {text}" for text, where in TEXTS.items() if text not in known)
    assert not missing, f"{len(missing)} texts have no {locale} translation in app/locale:\n" + "\n".join(
        missing
    )


@pytest.mark.parametrize("locale", OTHERS)
def test_no_translation_is_left_behind(locale: str) -> None:
    unused = sorted(set(catalogue(locale)) - set(TEXTS))
    assert not unused, (
        f"app/locale has {locale} translations of texts that nobody shows any more:\n" + "\n".join(unused)
    )


@pytest.mark.parametrize("locale", OTHERS)
def test_translations_keep_the_values(locale: str) -> None:
    wrong = []
    for text, translation in catalogue(locale).items():
        forms = (translation,) if isinstance(translation, str) else translation
        wrong += [
            f"{text} -> {form}"
            for form in forms
            if sorted(VALUE.findall(form)) != sorted(VALUE.findall(text))
        ]
    assert not wrong, "values differ:\n" + "\n".join(wrong)


@pytest.mark.parametrize("locale", OTHERS)
def test_plurals_have_two_forms(locale: str) -> None:
    one, many = "%(n)s minute", "%(n)s minutes"
    translate = Translator(locale)
    assert translate.plural(one, many, 1) != translate.plural(one, many, 2).replace("2", "1")


def test_no_text_shouts_or_sells() -> None:
    for text, where in TEXTS.items():
        assert "!" not in text and "AI-powered" not in text, where
