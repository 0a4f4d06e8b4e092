"""What a practice task consists of: one shape and one set of rules for course folders, uploaded files, the form and drafts.

`check_definition` takes what somebody wrote and returns the canonical dictionary that `practice_task.definition` keeps, or raises
TaskInvalid with every field that needs another look. docs/content.md says the same in words.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from app.kit.errors import N_
from app.kit.i18n import LOCALES

MOST_CRITERIA = 12
MOST_STEPS = 12
MOST_CHOICES = 8
MOST_TRIES = 10
DEFAULT_TRIES = 3
DEFAULT_RECHECK_DAYS = 7
TRANSLATIONS = tuple(locale for locale in LOCALES if locale != "en")


def _one_line(value: Any) -> Any:
    return " ".join(value.split()) if isinstance(value, str) else value


Line = Annotated[str, Field(max_length=400), BeforeValidator(_one_line)]
Phrase = Annotated[str, Field(min_length=1, max_length=400), BeforeValidator(_one_line)]
Sentences = Annotated[str, Field(max_length=2_000), BeforeValidator(_one_line)]
Words = Annotated[str, Field(max_length=8_000)]
Key = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$")]
Number = Annotated[int, Field(ge=1)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class Source(_Part):
    """A place in a document that says why. `quote` are its words, verbatim, where a draft was made from them."""

    document: Phrase
    title: Line = ""
    heading: Line = ""
    page: Number | None = None
    slide: Number | None = None
    at: Annotated[float, Field(ge=0)] | None = None
    cue_words: Line = ""
    quote: Annotated[str, Field(max_length=1_200)] = ""


class RecheckCriterion(_Part):
    """One line of a checklist: a behaviour that is there or not."""

    id: Key
    text: Phrase
    weight: Annotated[int, Field(ge=1, le=10)] = 1
    must: bool = False
    look_for: Annotated[list[Phrase], Field(max_length=20)] = []


class CriterionText(_Part):
    """A criterion's words in another language."""

    text: Line = ""
    look_for: Annotated[list[Phrase], Field(max_length=20)] = []
    weak_example: Sentences = ""
    strong_example: Sentences = ""
    next_try: Line = ""


class TaskCriterion(RecheckCriterion):
    """`steps`: numbers of the author's steps that must stand in order; `choices`: numbers of options, one of which must be
    chosen. With either, code proposes yes or no. `source` is the place that asks for it."""

    weak_example: Sentences = ""
    strong_example: Sentences = ""
    next_try: Line = ""
    steps: Annotated[list[Number], Field(max_length=MOST_STEPS)] = []
    choices: Annotated[list[Number], Field(max_length=MOST_CHOICES)] = []
    source: Source | None = None


class Recheck(_Part):
    """The short variant that is done later without help."""

    after_days: Annotated[int, Field(ge=1, le=365)] = DEFAULT_RECHECK_DAYS
    situation: Annotated[str, Field(min_length=1, max_length=8_000)]
    ask: Annotated[str, Field(min_length=1, max_length=4_000)]
    criteria: Annotated[list[RecheckCriterion], Field(min_length=1, max_length=MOST_CRITERIA)]


class RecheckText(_Part):
    situation: Words = ""
    ask: Words = ""
    criteria: dict[Key, CriterionText] = {}


class TaskText(_Part):
    """What a learner reads in another language. `steps` and `choices` are in the order of the original's."""

    title: Line = ""
    situation: Words = ""
    ask: Words = ""
    starter_questions: list[Phrase] = []
    solution_steps: list[Phrase] = []
    worked_strong: Words = ""
    worked_weak: Words = ""
    steps: list[Phrase] = []
    choices: list[Phrase] = []
    criteria: dict[Key, CriterionText] = {}
    recheck: RecheckText | None = None


class Step(_Part):
    """A step to put in order. Steps with the same `place` may stand in either order. `id` says nothing of the order."""

    id: str
    text: Phrase
    place: Number


class Choice(_Part):
    """An option; `id` says nothing of whether it is one of the best."""

    id: str
    text: Phrase
    is_best: bool = False


class FileRules(_Part):
    """Which endings a file may have (none given: all that can be read) and how large it may be."""

    accepts: list[Literal["pdf", "docx", "pptx", "txt", "md"]] = []
    most_mb: Annotated[int, Field(ge=1, le=5)] = 5


class TaskDefinition(_Part):
    """One version of a practice task."""

    id: Key
    title: Annotated[str, Field(min_length=1, max_length=200), BeforeValidator(_one_line)]
    skill: Annotated[str, Field(max_length=100)] = ""
    level: Annotated[int, Field(ge=1, le=9)] = 1
    minutes: Annotated[int, Field(ge=1, le=240)] = 10
    answer_kind: Literal["text", "order", "choice", "file"] = "text"
    tries: Annotated[int, Field(ge=1, le=MOST_TRIES)] = DEFAULT_TRIES
    completion: Literal["reviewed", "submitted"] = "reviewed"
    situation: Annotated[str, Field(min_length=1, max_length=8_000)]
    ask: Annotated[str, Field(min_length=1, max_length=4_000)]
    starter_questions: Annotated[list[Phrase], Field(max_length=8)] = []
    steps: Annotated[list[Step], Field(max_length=MOST_STEPS)] = []
    choices: Annotated[list[Choice], Field(max_length=MOST_CHOICES)] = []
    file: FileRules | None = None
    solution_steps: Annotated[list[Phrase], Field(max_length=20)] = []
    worked_strong: Words = ""
    worked_weak: Words = ""
    sources: Annotated[list[Source], Field(max_length=12)] = []
    criteria: Annotated[list[TaskCriterion], Field(min_length=1, max_length=MOST_CRITERIA)]
    recheck: Recheck | None = None
    translations: dict[str, TaskText] = {}

    @field_validator("steps", mode="before")
    @classmethod
    def _steps(cls, value: Any) -> Any:
        """From a list of texts; a list within it holds steps that may stand in either order."""
        if not isinstance(value, list) or any(isinstance(one, dict) for one in value):
            return value
        steps = []
        for place, texts in enumerate(value, 1):
            for text in texts if isinstance(texts, list) else [texts]:
                steps.append({"id": opaque_id(text), "text": text, "place": place})
        return steps

    @field_validator("choices", mode="before")
    @classmethod
    def _choices(cls, value: Any) -> Any:
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            return value
        return [{**one, "id": opaque_id(one.get("text", ""))} for one in value]

    @model_validator(mode="after")
    def _agree(self) -> TaskDefinition:
        """What no field can tell alone."""
        _all_different([item.id for item in self.criteria], "criteria", _SAME_CRITERION)
        if self.recheck is not None:
            _all_different([item.id for item in self.recheck.criteria], "recheck.criteria", _SAME_CRITERION)
        if self.answer_kind == "order":
            if len({step.place for step in self.steps}) < 2:
                raise _problem("steps", _FEW_STEPS)
            _all_different([step.id for step in self.steps], "steps", _SAME_STEP)
        if self.answer_kind == "choice":
            if len(self.choices) < 2:
                raise _problem("choices", _FEW_CHOICES)
            _all_different([choice.id for choice in self.choices], "choices", _SAME_CHOICE)
            if not any(choice.is_best for choice in self.choices):
                raise _problem("choices", _NO_BEST)
        for at, item in enumerate(self.criteria):
            if any(number > len(self.steps) for number in item.steps):
                raise _problem(f"criteria.{at}.steps", _NO_SUCH_STEP)
            if any(number > len(self.choices) for number in item.choices):
                raise _problem(f"criteria.{at}.choices", _NO_SUCH_CHOICE)
        return self


_SAME_CRITERION = N_("Two lines of the checklist have the same id. Give each its own.")
_FEW_STEPS = N_("Write at least two steps that have an order, one on each line.")
_SAME_STEP = N_("Two steps have the same words. Say what tells them apart.")
_FEW_CHOICES = N_("Write at least two options, one on each line.")
_SAME_CHOICE = N_("Two options have the same words. Say what tells them apart.")
_NO_BEST = N_("Mark the best option, or the best ones.")
_NO_SUCH_STEP = N_("This names a step by a number that no step has.")
_NO_SUCH_CHOICE = N_("This names an option by a number that no option has.")
# The library's own sentences are for programmers. These are for whoever wrote the task.
_SAID = {
    "missing": N_("This is missing. Add it."),
    "string_too_short": N_("This is empty. Write something here."),
    "string_too_long": N_("This is too long. Shorten it."),
    "too_short": N_("At least one is needed. Add one."),
    "too_long": N_("There are too many. Take some out, or make two tasks of it."),
    "extra_forbidden": N_("There is no such field. Check its spelling, or take it out."),
    "string_type": N_("This has to be a text."),
    "string_pattern_mismatch": N_("Use letters without accents, digits, and hyphens."),
    "int_type": N_("This has to be a whole number."),
    "int_parsing": N_("This has to be a whole number."),
    "int_from_float": N_("This has to be a whole number."),
    "bool_type": N_("This has to be true or false."),
    "bool_parsing": N_("This has to be true or false."),
    "list_type": N_("This has to be a list."),
    "greater_than_equal": N_("This number is too small."),
    "less_than_equal": N_("This number is too large."),
    "literal_error": N_("This is none of the words that may stand here. See docs/content.md."),
}
_OTHERWISE = N_("This can't be read as it stands. See docs/content.md for its form.")


@dataclass(frozen=True)
class Problem:
    """One thing to change: the field's path ("criteria.2.text", counted from 0) and what to do (a message key)."""

    field: str
    message: str

    @property
    def where(self) -> str:
        """The field as an author counts, from 1."""
        parts = [str(int(part) + 1) if part.isdecimal() else part for part in self.field.split(".")]
        return " ".join(part.replace("_", " ") for part in parts)


class TaskInvalid(ValueError):
    """A task that cannot be taken; `problems` are all that is known to be wrong."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{one.field}: {one.message}" for one in self.problems))


def check_definition(written: Mapping[str, Any]) -> dict[str, Any]:
    """The canonical definition of what was written (docs/content.md); raises TaskInvalid.

    Canonical: defaults left out, texts stripped, translations at the top level by their locale as in files.
    """
    raw = deepcopy(dict(written))
    raw["translations"] = {locale: raw.pop(locale) for locale in TRANSLATIONS if locale in raw}
    try:
        task = TaskDefinition.model_validate(raw)
    except ValidationError as error:
        raise TaskInvalid(_problems(error)) from None
    checked = task.model_dump(exclude_defaults=True)
    translations = checked.pop("translations", {})
    # What readers ask for without a default, or that says what the task is.
    checked |= {"skill": task.skill, "minutes": task.minutes, "answer_kind": task.answer_kind}
    for given, item in zip(task.criteria, checked["criteria"], strict=True):
        item["weight"], item["must"], item["look_for"] = given.weight, given.must, list(given.look_for)
    if task.recheck is not None:
        checked["recheck"]["after_days"] = task.recheck.after_days
        for line, item in zip(task.recheck.criteria, checked["recheck"]["criteria"], strict=True):
            item["weight"], item["must"], item["look_for"] = line.weight, line.must, list(line.look_for)
    if task.file is not None:
        checked["file"] = task.file.model_dump()
    return {**checked, **translations}


def is_same_task(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two definitions say the same; one that was kept before there were rules may have any shape."""
    try:
        return check_definition(one) == check_definition(other)
    except TaskInvalid:
        return dict(one) == dict(other)


def opaque_id(text: Any) -> str:
    """An id that is the same for the same words and says nothing else."""
    words = " ".join(str(text).split())
    return hashlib.sha256(words.encode()).hexdigest()[:8]


def slug(title: str, taken: Iterable[str] = ()) -> str:
    """An id made from a title that nobody has yet: "The lamp, broken" gives the-lamp-broken."""
    words = re.findall(r"[a-z0-9]+", title.casefold())
    base = "-".join(words)[:60].strip("-") or "task"
    known, number, made = set(taken), 1, base
    while made in known:
        number += 1
        made = f"{base}-{number}"
    return made


def with_criterion_ids(definition: dict[str, Any]) -> dict[str, Any]:
    """The definition with an id for each line of its checklists that has none, made from its words."""
    for owner in (definition, definition.get("recheck") or {}):
        taken = {item["id"] for item in owner.get("criteria", ()) if item.get("id")}
        for item in owner.get("criteria", ()):
            if not item.get("id"):
                words = " ".join(str(item.get("text", "")).split()[:5])
                item["id"] = slug(words, taken)
                taken.add(item["id"])
    return definition


def carry_translations(base: Mapping[str, Any], changed: dict[str, Any]) -> tuple[dict[str, Any], int]:
    """`changed` with the translations of `base` whose original did not change, and how many were left behind.

    A translation of what a text said before would tell learners in that language another task.
    """
    result, lost = deepcopy(changed), 0
    for locale in TRANSLATIONS:
        own = base.get(locale)
        if not own:
            continue
        kept: dict[str, Any] = {}
        for name, value in own.items():
            if name == "criteria":
                kept[name], more = _carried_criteria(base, changed, value)
            elif name == "recheck":
                before, after = base.get("recheck") or {}, changed.get("recheck") or {}
                texts = {k: v for k, v in value.items() if k != "criteria" and before.get(k) == after.get(k)}
                criteria, more = _carried_criteria(before, after, value.get("criteria", {}))
                more += len([k for k in value if k != "criteria"]) - len(texts)
                kept[name] = {**texts, **({"criteria": criteria} if criteria else {})}
            elif base.get(name) == changed.get(name):
                kept[name], more = value, 0
            else:
                more = 1
            lost += more
        kept = {name: value for name, value in kept.items() if value}
        if kept:
            result[locale] = kept
    return result, lost


def _carried_criteria(
    base: Mapping[str, Any], changed: Mapping[str, Any], texts: Mapping[str, Any]
) -> tuple[dict[str, Any], int]:
    before = {item["id"]: item for item in base.get("criteria", ())}
    after = {item["id"]: item for item in changed.get("criteria", ())}
    kept: dict[str, Any] = {}
    lost = 0
    for key, own in texts.items():
        same = {
            name: value
            for name, value in own.items()
            if key in before and key in after and before[key].get(name) == after[key].get(name)
        }
        lost += len(own) - len(same)
        if same:
            kept[key] = same
    return kept, lost


def _all_different(ids: list[str], field: str, message: str) -> None:
    if len(set(ids)) < len(ids):
        raise _problem(field, message)


def _problem(field: str, message: str) -> PydanticCustomError:
    return PydanticCustomError("task", "{message}", {"message": message, "field": field})


def _problems(error: ValidationError) -> list[Problem]:
    found = []
    for one in error.errors(include_url=False, include_input=False):
        where = [str(part) for part in one["loc"] if part != "translations"]
        if one["type"] == "task":
            context = one.get("ctx", {})
            found.append(Problem(str(context["field"]), str(context["message"])))
        else:
            found.append(Problem(".".join(where), _SAID.get(one["type"], _OTHERWISE)))
    return found
