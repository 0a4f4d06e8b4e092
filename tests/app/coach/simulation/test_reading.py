"""Free words find the choice that they mean; what is not clear stays open."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from app.coach.simulation.reading import means, read_choice
from app.course.scenarios import localised_scenario
from retrieval import Embedder, HashingEmbedder, PackagedE5
from tests.app.coach.simulation.lines import LINES

CONTENT = Path(__file__).parents[4] / "content" / "scenarios"


@cache
def definition(key: str) -> dict[str, Any]:
    return tomllib.loads((CONTENT / f"{key}.toml").read_text(encoding="utf-8"))


def node(key: str, locale: str, node_id: str) -> dict[str, Any]:
    nodes = localised_scenario(definition(key), locale)["nodes"]
    found: dict[str, Any] = next(node for node in nodes if node["id"] == node_id)
    return found


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return PackagedE5()


def test_lines_that_people_could_say(embedder: Embedder) -> None:
    wrong, clear = [], 0
    for key, node_id, locale, text, wanted in LINES:
        reading = read_choice(embedder, text, node(key, locale, node_id)["choices"], locale[:2])
        clear += reading.choice == (wanted or "") and wanted is not None
        if reading.is_clear and reading.choice != wanted:
            wrong.append((text, reading.choice, wanted))
    assert wrong == []
    assert clear >= 57, f"{clear} of {sum(line[4] is not None for line in LINES)} are understood"


@pytest.mark.parametrize("key", ["wardrobe-third-call", "kind-caller", "smell-at-the-point"])
@pytest.mark.parametrize("locale", ["en", "pt-BR", "es"])
def test_the_authors_own_phrases_are_understood_whatever_the_embedder(key: str, locale: str) -> None:
    for one in localised_scenario(definition(key), locale)["nodes"]:
        for choice in one["choices"]:
            for phrase in choice["like"]:
                reading = read_choice(HashingEmbedder(), phrase, one["choices"], locale[:2])
                assert reading.order[0] == choice["id"], phrase


def test_a_greeting_before_it_does_not_hide_what_is_meant() -> None:
    choices = node("wardrobe-third-call", "en", "opening")["choices"]
    text = "Good evening, this is the support floor. You took two days off and nobody rang. My name is Ana."
    assert read_choice(HashingEmbedder(), text, choices, "en").choice == "name"


@pytest.mark.parametrize("text", ["", " ", "...", "\n"])
def test_nothing_said_means_nothing(text: str) -> None:
    choices = node("wardrobe-third-call", "en", "opening")["choices"]
    assert not read_choice(HashingEmbedder(), text, choices, "en").is_clear
    assert not means(HashingEmbedder(), text, ["Does your bell work"], "en")
    assert not means(HashingEmbedder(), "Does your bell work", [], "en")
