"""The one question that a vague plan gets back. Rules decide whether it is asked and about what; a chat model may only word it."""

from __future__ import annotations

from pydantic import BaseModel, Field

from app.coach.budget import BudgetSpent
from app.coach.chat import ModelFailed, Payer
from app.coach.chat_models import ChatModels
from app.coach.guard import new_mark, refused_outright, without_addresses
from app.coach.plan_words import QUESTIONS, PlanWords, Wanting
from app.coach.prompts import prompt_named
from app.coach.simulation.role_play import LANGUAGES
from app.kit.i18n import Translator
from retrieval import looks_like_instruction
from retrieval.languages import detect_language, words

LONGEST = 200
_PARTS: dict[str, str] = {
    "doing": "what exactly they will say or do, so that somebody beside them would see it",
    "moment": "what happens just before, and where: the moment that they will notice",
}


class _Question(BaseModel):
    question: str = Field(max_length=400)


async def question_for(
    models: ChatModels, payer: Payer, plan: PlanWords, wanting: Wanting, translate: Translator
) -> tuple[str, bool]:
    """The question in the learner's language, and whether a model worded it. It always asks: without a model, in our own words.

    A missing day is always asked for in our own words: no wording makes that clearer.
    """
    own = translate(QUESTIONS[wanting])
    said = f"{plan.cue}\n{plan.action}"
    if wanting == "day" or not models.is_on("feedback") or looks_like_instruction(said) is not None:
        return own, False
    fence, canary = new_mark(), new_mark()
    messages = prompt_named("plan_question").messages(
        language=LANGUAGES.get(translate.locale, "English"),
        wanting=_PARTS[wanting],
        fence=fence,
        canary=canary,
        cue=without_addresses(plan.cue),
        action=without_addresses(plan.action),
    )
    try:
        worded = await models.complete_as(_Question, "feedback", messages, payer, most_tokens=120)
    except (ModelFailed, BudgetSpent):
        return own, False
    text = " ".join(worded.question.split())
    return (text, True) if _may_be_asked(text, said, (fence, canary), translate.locale) else (own, False)


def _may_be_asked(text: str, said: str, marks: tuple[str, ...], locale: str) -> bool:
    """One question in the learner's language, without a number that is not theirs and without anything that is no question."""
    figures = {word for word in words(text) if any(c.isdigit() for c in word)}
    language = locale[:2]
    return (
        len(text) <= LONGEST
        and text.endswith("?")
        and text.count("?") == 1
        and not any(mark in text[:-1] for mark in ".!:;\n")
        and figures <= set(words(said))
        and not refused_outright(text, marks, (said,))
        and detect_language(text, default=language) == language
    )
