"""The gate, mostly by words alone here; docs/decisions/0009-the-gate.md has its rates with the real model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from retrieval import Retrieval, Scope
from retrieval.answer_kinds import Kind, fit, kind_of
from retrieval.keywords import KeywordIndex
from retrieval.languages import fold_accents, stems, words
from retrieval.nouns import Hit, Passage, ScopeStatistics, SentenceMatch
from retrieval.places import Place
from retrieval.shelves import Shelf
from retrieval.sufficiency import judge, measure, weighing_for, weighings
from tests.retrieval.conftest import HANDBOOK

Upload = Callable[..., str]


@pytest.mark.parametrize(
    ("question", "verdict"),
    [
        ("How many photos do I ask the customer for?", "covered"),
        ("How do I greet a caller?", "partly"),
        ("What is the parental leave of part-time staff?", "partly"),
        ("Who won the football game yesterday?", "not_covered"),
    ],
)
def test_the_verdict(retrieval: Retrieval, scope: Scope, upload: Upload, question: str, verdict: str) -> None:
    upload("handbook.md", HANDBOOK)
    judged = retrieval.judge(question, retrieval.search(question, scope))
    assert judged.verdict == verdict, judged
    assert 0 <= judged.score <= 1


def test_nothing_found_is_not_covered(retrieval: Retrieval) -> None:
    assert retrieval.judge("Anything?", []).verdict == "not_covered"


def test_missing_words_are_told(retrieval: Retrieval, scope: Scope, upload: Upload) -> None:
    upload("handbook.md", HANDBOOK)
    question = "How many photos of a zebra?"
    judged = retrieval.judge(question, retrieval.search(question, scope))
    assert "zebra" in judged.missing
    assert "photos" not in judged.missing


def test_an_unknown_name_counts_against(retrieval: Retrieval, scope: Scope, upload: Upload) -> None:
    upload("handbook.md", HANDBOOK)

    def score(question: str) -> float:
        return retrieval.judge(question, retrieval.search(question, scope)).score

    assert score("Do I open a case in Deskbook?") > score("Do I open a case in Salesforce?")


# One passage, and others beside it so that words have a rarity.

MEETINGS = "Meetings are held on Meet. Up to 40 people may join a meeting. Ask the desk for a larger room."
OTHERS = (
    "Parcels are scanned at the gate before the van leaves.",
    "A refund is paid within five days after the form was sent.",
    "Breaks are taken in the canteen on the second floor.",
)
E5 = "multilingual-e5-small/test/384"


def hit_of(text: str, similarity: float = 0.0, language: str = "en") -> Hit:
    passage = Passage(
        text[:20],
        "d",
        "c",
        "Handbook",
        0,
        "paragraph",
        ("Meetings",),
        text,
        language,
        Place("document", ""),
        0,
        len(text),
    )
    if not similarity:
        return Hit(passage, 1.0, 1.0, 0.0, language)
    sentences = (SentenceMatch(0, len(text), similarity),)
    return Hit(
        passage, 1.0, 1.0, 0.8, language, similarity, sentences, ScopeStatistics(100, 0.0, 0.1, similarity)
    )


def index_of(*texts: str) -> KeywordIndex:
    import numpy as np

    ids = [str(at) for at in range(len(texts))]
    terms = [stems(text, "en") for text in texts]
    return KeywordIndex(
        [Shelf("c", 1, ids, ids, ["en"] * len(ids), terms, np.zeros((len(ids), 4), np.float32))]
    )


WORDS = index_of(MEETINGS, *OTHERS)


def features_of(question: str, *hits: Hit) -> dict[str, float]:
    return measure(question, hits, WORDS, "en")[0]


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("How many people may join?", "count"),
        ("¿Cuántos días tengo?", "count"),
        ("Quantos dias tenho?", "count"),
        ("Wie viele Tage habe ich?", "count"),
        ("Combien de jours ai-je ?", "count"),
        ("What is the starting salary of a driver?", "amount"),
        ("How long does approval take?", "duration"),
        ("Wie oft muss ich das Passwort ändern?", "frequency"),
        ("¿Cuándo empieza el curso?", "time"),
        ("Quem aprova o pedido?", "person"),
        ("Where is the form kept?", "place"),
        ("Warum ist das so?", "reason"),
        ("What is a chargeback?", "definition"),
        ("I broke it. Can I get another?", "permission"),
        ("How do I greet a caller?", "manner"),
        ("duty lead does not answer", "none"),
    ],
)
def test_what_is_asked_for(question: str, kind: Kind) -> None:
    assert kind_of(question) == kind


@pytest.mark.parametrize(
    ("kind", "holds", "lacks"),
    [
        ("count", "Up to 40 people may join.", "People may join."),
        ("amount", "It costs €50.", "It costs a little."),
        ("duration", "It takes five days.", "It takes a while."),
        ("time", "It was built in 1887.", "It was built by the river."),
        ("person", "The form goes to Alice.", "The form goes to the desk."),
        ("place", "Send it to desk@example.com", "Send it soon."),
        ("reason", "Do not, because evidence may be lost.", "Do not do it."),
    ],
)
def test_whether_it_could_stand_there(kind: Kind, holds: str, lacks: str) -> None:
    def fits(text: str) -> float:
        return fit(kind, text, {fold_accents(word) for word in words(text)}, set())

    assert fits(holds) > fits(lacks)


def test_a_number_that_is_asked_for_and_missing_counts_against() -> None:
    asked = "How many people may join a meeting?"
    bare = "Meetings are held on Meet. People may join a meeting. Ask the desk for a larger room."
    there, missing = hit_of(MEETINGS), hit_of(bare)
    assert features_of(asked, there)["count_missing"] == 0.0
    assert (
        features_of(asked, missing)["count_missing"] == features_of(asked, missing)["quantity_missing"] == 1.0
    )
    scores = [judge(asked, [hit], WORDS, "en", "words").score for hit in (there, missing)]
    assert scores[0] > scores[1]


def test_words_that_frame_a_question_need_not_stand_in_the_passage() -> None:
    assert features_of("What kind of larger room?", hit_of(MEETINGS))["together"] == 1.0


@pytest.mark.parametrize(
    ("text", "question"),
    [("Ask the telephone desk.", "Telephonist?"), ("Frag die Versandabteilung.", "Versand?")],
)
def test_a_word_that_begins_alike_or_is_part_of_a_compound_counts_for_part(text: str, question: str) -> None:
    features, missing = measure(question, [hit_of(text)], index_of(text, *OTHERS), "en")
    assert 0.3 < features["together"] < 1.0, features
    assert not missing


@pytest.mark.parametrize(
    ("question", "undefined"), [("What is a larger room?", 1.0), ("What is a kiosk?", 0.0)]
)
def test_a_definition_begins_with_its_term(question: str, undefined: float) -> None:
    hit = hit_of("Ask the desk for a larger room. A kiosk is a small shop by the road.")
    assert features_of(question, hit)["undefined"] == undefined


def test_without_sentence_vectors_meaning_is_left_out() -> None:
    asked = "How many people may join?"
    assert "nearest" not in features_of(asked, hit_of(MEETINGS))
    with_meaning = features_of(asked, hit_of(MEETINGS, 0.6))
    assert with_meaning["nearest"] == 0.6
    assert with_meaning["above_scope"] == pytest.approx(6.0)


def test_the_weighing_fits_what_is_at_hand() -> None:
    asked = "How many people may join?"
    plain, near, foreign = hit_of(MEETINGS), hit_of(MEETINGS, 0.6), hit_of(MEETINGS, 0.6, "de")
    for hit, name in ((plain, "words"), (near, "meaning"), (foreign, "foreign")):
        assert weighing_for(features_of(asked, hit), [hit], "en") == name


def test_the_similarities_of_another_model_are_not_looked_at() -> None:
    asked = "How many people may join?"
    near, far = (judge(asked, [hit_of(MEETINGS, value)], WORDS, "en", "another/256") for value in (0.9, 0.1))
    assert near == far


@pytest.mark.parametrize("name", ["meaning", "foreign", "words"])
def test_the_stored_weights_are_whole(name: str) -> None:
    weighing = weighings()[name]
    assert 0 < weighing.partly <= weighing.covered < 1
    known = features_of("How many people may join?", hit_of(MEETINGS, 0.6))
    assert weighing.weights.keys() <= known.keys()
    assert all(deviation > 0 for _, _, deviation in weighing.weights.values())


def test_the_nearer_the_surer() -> None:
    asked = "How many people may join?"
    near, far = (judge(asked, [hit_of(MEETINGS, value)], WORDS, "en", E5).score for value in (0.7, 0.2))
    assert near > far


# A model's opinion


def test_an_opinion_counts_for_more_than_the_measurements() -> None:
    asked, hits = "How many people may join a meeting?", [hit_of(MEETINGS)]
    alone = judge(asked, hits, WORDS, "en", "words")
    heard: list[tuple[str, Sequence[str]]] = []

    def refuse(question: str, texts: Sequence[str]) -> float:
        heard.append((question, list(texts)))
        return 0.0

    refused = judge(asked, hits, WORDS, "en", "words", opinion=refuse)
    agreed = judge(asked, hits, WORDS, "en", "words", opinion=lambda *_: 1.0)
    assert heard == [(asked, [MEETINGS])]
    assert refused.score < alone.score < agreed.score
    assert refused.verdict == "not_covered"
    assert agreed.verdict == "covered"
    assert refused.reasons["opinion"] == pytest.approx(0.02)


def test_where_the_model_fails_the_measurements_stand() -> None:
    def fail(question: str, texts: Sequence[str]) -> float:
        raise TimeoutError

    asked, hits = "How many people may join a meeting?", [hit_of(MEETINGS)]
    alone, failed = (
        judge(asked, hits, WORDS, "en", "words"),
        judge(asked, hits, WORDS, "en", "words", opinion=fail),
    )
    assert alone == failed


@pytest.mark.parametrize(
    "question", ["", "?!", "hi", "\u202e\ufdfa" * 50, "What is a " + "x" * 5000 + "?", "How many " * 200]
)
def test_any_question_is_judged(question: str) -> None:
    for hit in (hit_of(MEETINGS), hit_of(MEETINGS, 0.4), replace(hit_of(MEETINGS, 0.4), statistics=None)):
        assert 0 <= judge(question, [hit], WORDS, "en", E5).score <= 1
