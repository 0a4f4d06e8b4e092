"""A task that begins from a section of a document: by a chat model that has to name its places, or in the section's own words.

What comes out is a draft's content and nothing more: an instructor reads it, changes it, and publishes it part by part. A line
whose quotation does not stand in the section, or whose figures don't, is left out here, before anybody reads it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, Field

from app.coach.budget import BudgetSpent
from app.coach.chat import ModelFailed, Payer
from app.coach.chat_models import ChatModels
from app.coach.guard import fenced, new_mark, refused_outright, without_addresses
from app.coach.prompts import prompt_named
from app.coach.units import units_of
from app.course.task_definitions import opaque_id, with_criterion_ids
from retrieval import Passage, find_quote, without_instructions
from retrieval.quantities import numbers_in

MOST_CHARACTERS = 8_000  # of a section that a model is shown: some five pages
MOST_LINES = 8
_LANGUAGES = {"en": "English", "pt-BR": "Brazilian Portuguese", "es": "Spanish"}


@dataclass(frozen=True)
class Drafted:
    """A draft's content and how it was made: "model" or "document". `left_out` are lines of the model's that had no place."""

    content: dict[str, Any]
    origin: str
    left_out: int = 0


class _Line(BaseModel):
    """A statement with its place: the number of a passage and words of it, letter for letter."""

    text: Annotated[str, Field(max_length=400)]
    passage: int
    quote: Annotated[str, Field(max_length=600)]


class _Criterion(_Line):
    must: bool = False
    weight: Annotated[int, Field(ge=1, le=5)] = 1
    look_for: Annotated[list[str], Field(max_length=6)] = []
    strong_example: Annotated[str, Field(max_length=600)] = ""
    weak_example: Annotated[str, Field(max_length=600)] = ""
    hint: Annotated[str, Field(max_length=300)] = ""


class _Task(BaseModel):
    """What a model is asked for."""

    title: Annotated[str, Field(max_length=120)]
    situation: Annotated[str, Field(max_length=2_000)]
    ask: Annotated[str, Field(max_length=600)]
    minutes: Annotated[int, Field(ge=3, le=30)] = 10
    solution_steps: Annotated[list[_Line], Field(max_length=MOST_LINES)]
    criteria: Annotated[list[_Criterion], Field(max_length=MOST_LINES)]
    worked_strong: Annotated[str, Field(max_length=3_000)] = ""
    worked_weak: Annotated[str, Field(max_length=1_500)] = ""


def section_of(passages: Sequence[Passage], passage_id: str) -> list[Passage]:
    """The passages under the heading of one of them, without what speaks to a machine; empty where it is none of them."""
    chosen = next((one for one in passages if one.id == passage_id), None)
    if chosen is None:
        return []
    section = [one for one in passages if one.heading_path == chosen.heading_path]
    kept: list[Passage] = []
    length = 0
    for passage in section:
        text = without_instructions(passage.text).strip()
        length += len(text)
        if text and length <= MOST_CHARACTERS:
            kept.append(passage)
    return kept


def from_document(section: Sequence[Passage], filename: str) -> Drafted:
    """The section's own procedure, or its sentences, as solution and checklist, word for word.

    The situation and what to produce are left for the instructor: no document says them.
    """
    steps = [
        (unit.text, passage)
        for passage in section
        for unit in _said(passage)
        if unit.kind in {"step", "item"}
    ]
    lines = steps or [
        (unit.text, passage)
        for passage in section
        for unit in _said(passage)
        if unit.kind == "sentence"
        and len(unit.text.split()) >= 4
        and not unit.text.rstrip().endswith((":", "?"))
    ]
    lines = list({text: (text, passage) for text, passage in lines if len(text) <= 400}.values())[:MOST_LINES]
    content: dict[str, Any] = {
        "title": section[0].heading_path[-1] if section[0].heading_path else section[0].document_title,
        "solution_steps": [text for text, _ in lines],
        "criteria": [
            {
                "text": text,
                "weight": 1,
                "must": False,
                "look_for": [text],
                "strong_example": text,
                "source": _place(passage, filename, text),
            }
            for text, passage in lines
        ],
        "sources": _places(section, filename),
    }
    if len(steps) > 2:
        content["steps"] = [
            {"id": opaque_id(text), "text": text, "place": place} for place, (text, _) in enumerate(lines, 1)
        ]
    return Drafted(with_criterion_ids(content), "document")


async def draft_task(
    models: ChatModels, payer: Payer, section: Sequence[Passage], filename: str, goal: str, locale: str
) -> Drafted:
    """A draft by the chat model, each line tied to the section; in the section's own words where no model is on, or it fails, the
    cap is reached, or fewer than two of its lines have a place."""
    plain = from_document(section, filename)
    if not models.is_on("answer"):
        return plain
    mark = new_mark()
    messages = prompt_named("draft_task").messages(
        fence=mark,
        language=_LANGUAGES.get(locale, "English"),
        goal=without_addresses(goal) or "what this section says to do",
        passages=fenced(section, mark),
    )
    try:
        drafted = await models.complete_as(_Task, "answer", messages, payer, most_tokens=3_000)
    except (ModelFailed, BudgetSpent):
        return plain
    grounded = grounded_content(drafted, section, filename, mark)
    return grounded or plain


def grounded_content(drafted: _Task, section: Sequence[Passage], filename: str, mark: str) -> Drafted | None:
    """What may be kept of a model's draft; None where that is no task any more."""
    sources = [passage.text for passage in section]

    def is_fine(text: str) -> bool:
        return bool(text.strip()) and not refused_outright(text, [mark], sources)

    def tied(line: _Line) -> dict[str, Any] | None:
        """The place of a line, with the document's own words; None where it names none or says another figure."""
        if not 1 <= line.passage <= len(section) or not is_fine(line.text):
            return None
        passage = section[line.passage - 1]
        found = find_quote(line.quote, passage.text)
        if found is None or len(line.quote.split()) < 2:
            return None
        if not _has_figures(line.text, "\n".join(sources), passage.language):
            return None
        return _place(passage, filename, passage.text[found[0] : found[1]])

    criteria = []
    for item in drafted.criteria:
        place = tied(item)
        if place is None:
            continue
        criteria.append(
            {
                "text": item.text,
                "weight": item.weight,
                "must": item.must,
                "look_for": [one for one in item.look_for if is_fine(one)],
                "strong_example": item.strong_example if is_fine(item.strong_example) else "",
                "weak_example": item.weak_example if is_fine(item.weak_example) else "",
                "next_try": item.hint if is_fine(item.hint) else "",
                "source": place,
            }
        )
    steps = [line.text for line in drafted.solution_steps if tied(line) is not None]
    parts = (drafted.title, drafted.situation, drafted.ask)
    if len(criteria) < 2 or not all(map(is_fine, parts)):
        return None
    content = {
        "title": drafted.title,
        "situation": drafted.situation,
        "ask": drafted.ask,
        "minutes": drafted.minutes,
        "solution_steps": steps,
        "criteria": criteria,
        "worked_strong": drafted.worked_strong if is_fine(drafted.worked_strong) else "",
        "worked_weak": drafted.worked_weak if is_fine(drafted.worked_weak) else "",
        "sources": _places(section, filename),
    }
    left_out = len(drafted.criteria) - len(criteria) + len(drafted.solution_steps) - len(steps)
    return Drafted(with_criterion_ids(content), "model", left_out)


def _said(passage: Passage) -> Sequence[Any]:
    return units_of(without_instructions(passage.text))


def _has_figures(text: str, source: str, language: str) -> bool:
    """Whether every figure of a text stands in the source."""
    there = numbers_in(source, language)
    return all(any(number.agrees(other) for other in there) for number in numbers_in(text, language))


def _place(passage: Passage, filename: str, quote: str) -> dict[str, Any]:
    """A place as tasks keep it. A passage of a page or slide has both its number and its heading."""
    place: dict[str, Any] = {"document": filename, "title": passage.document_title, "quote": quote[:1_200]}
    if passage.heading_path:
        place["heading"] = passage.heading_path[-1][:400]
    if passage.place.kind in {"page", "slide"}:
        place[passage.place.kind] = int(passage.place.value)
    elif passage.place.kind == "cue":
        place["at"] = float(passage.place.value)
    return place


def _places(section: Sequence[Passage], filename: str) -> list[dict[str, Any]]:
    place = _place(section[0], filename, "")
    return [{name: value for name, value in place.items() if value != ""}]
