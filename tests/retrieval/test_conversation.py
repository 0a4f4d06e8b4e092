"""Which questions go on from the one before, by their own words, in five languages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval import leans_on_earlier


@pytest.mark.parametrize(
    ("language", "question"),
    [
        ("en", "And for part-time staff?"),
        ("en", "What about bicycles?"),
        ("en", "How long does it take?"),
        ("en", "Who may approve this?"),
        ("en", "Do those people need a helmet?"),
        ("en", "Which one is cheaper?"),
        ("en", "What do I put in the form there?"),
        ("en", "Why?"),
        ("es", "¿Y cuánto tarda?"),
        ("es", "¿Quién aprueba eso?"),
        ("es", "¿Qué pasa con los fines de semana?"),
        ("pt", "E quanto tempo leva?"),
        ("pt", "Quem aprova isso?"),
        ("de", "Und wie lange dauert es?"),
        ("de", "Was brauche ich dafür?"),
        ("fr", "Et pour les bénévoles ?"),
        ("fr", "Qui décide cela ?"),
    ],
)
def test_a_follow_up_is_known_by_its_words(language: str, question: str) -> None:
    assert leans_on_earlier(question, language)


@pytest.mark.parametrize(
    ("language", "question"),
    [
        ("en", "Can I work from home on Fridays?"),
        ("en", "What do I say when a caller shouts at me?"),
        ("en", "Who has to approve a refund over 50 euros?"),
        ("en", "What is profit?"),
        ("en", "The parcel is broken and the customer wants it replaced. Who pays?"),
        ("en", "How many working days are there in March?"),
        ("es", "¿Cuánto tarda un reembolso?"),
        ("es", "¿Qué imágenes tengo que pedir cuando algo llega roto?"),
        ("pt", "O que os profissionais da área fazem?"),
        ("pt", "Posso trabalhar de casa dois dias por semana?"),
        ("de", "Wo befindet sich das Lager für Gefahrgut?"),
        ("fr", "Combien de jours de congé ai-je la première année ?"),
        ("xx", "And it?"),
        ("en", ""),
    ],
)
def test_a_question_that_stands_alone_is_left_alone(language: str, question: str) -> None:
    assert not leans_on_earlier(question, language)


@given(st.text(max_size=200), st.sampled_from(["en", "es", "pt", "de", "fr", "und"]))
def test_any_text_gets_an_answer_and_case_does_not_matter(question: str, language: str) -> None:
    assert leans_on_earlier(question, language) is leans_on_earlier(question.strip(), language)
