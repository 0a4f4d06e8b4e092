"""The kinds of answer that a task asks for: what a form sent, as words for people and as data for code.

* `text`: words.
* `order`: the author's steps, shuffled, put in order. Code compares the order; that is a proposal like any other.
* `choice`: one of the author's options, and why.
* `file`: a document. Its text is read in the sandbox; the bytes are kept by `app.rooms.practice.answer_files`.

Nothing here touches the database. A definition is that of a task's version in the reader's language (`app.course.tasks.localised`).
"""

from __future__ import annotations

import random
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from fastapi import Depends, Request
from starlette.datastructures import FormData, UploadFile

from app.kit.errors import N_, InputRefused
from retrieval import UnreadableDocument, UnsupportedFormat
from retrieval.parsing import ParsedDocument
from retrieval.parsing.sandbox import Limits, read_safely

AnswerKind = Literal["text", "order", "choice", "file"]

LONGEST_TEXT = 8_000
LONGEST_REASON = 3_000
LONGEST_FILE_TEXT = 12_000  # some four pages; the whole file is what reviewers read
LARGEST_FILE_MB = 5
# Ending -> name for people. What has text to give feedback on; `retrieval.parsing` reads each of them.
FILE_FORMATS = {"pdf": "PDF", "docx": "Word", "pptx": "PowerPoint", "txt": N_("text"), "md": "Markdown"}
_READING = threading.BoundedSemaphore(2)  # each is a process of its own for some seconds
_LIMITS = Limits(seconds=40, processor_seconds=30, memory=1_000_000_000, answer=20_000_000)
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


@dataclass(frozen=True)
class Upload:
    """A file as the browser sent it. `filename` is the last part of what it was called, in 120 characters at most."""

    filename: str
    data: bytes = field(repr=False)

    @property
    def ending(self) -> str:
        return PurePosixPath(self.filename).suffix.lower().lstrip(".")


@dataclass(frozen=True)
class GivenAnswer:
    """One answer. `text` is what people read of it, `own_words` the part that the learner wrote and that may be quoted as theirs.

    `data` by kind: text {}; order {"order": ids}; choice {"choice": id, "reason": words}; file {"filename", "size", "is_cut"}.
    `upload` is the file to keep, of kind `file` only.
    """

    kind: AnswerKind
    text: str
    data: dict[str, Any]
    own_words: str
    upload: Upload | None = None

    def as_json(self) -> dict[str, Any]:
        """What `attempt.answer` keeps; the text is `attempt.response`."""
        return {"kind": self.kind, "data": self.data}


@dataclass(frozen=True)
class CodeJudgement:
    """What code can say of one criterion from the answer's data. `line`: the line of `GivenAnswer.text` that it is about, or None."""

    is_met: bool
    line: str | None


@dataclass(frozen=True)
class Posted:
    """An answer's form as it came, with its file where there is one."""

    form: FormData
    upload: Upload | None

    def text(self, name: str) -> str:
        value = self.form.get(name, "")
        return value if isinstance(value, str) else ""


async def posted_answer(request: Request) -> Posted:
    """The form of this request, plain or with a file in the field `file`."""
    form = await request.form(max_files=1, max_fields=50)
    sent = form.get("file")
    if not isinstance(sent, UploadFile) or not sent.filename:
        return Posted(form, None)
    data = await sent.read(LARGEST_FILE_MB * 1_000_000 + 1)
    name = re.split(r"[\\/]", _CONTROLS.sub("", sent.filename))[-1].strip()
    stem, dot, ending = name.rpartition(".")
    return Posted(form, Upload(f"{stem[:100]}{dot}{ending[:19]}" if dot else name[:120], data))


PostedAnswer = Annotated[Posted, Depends(posted_answer)]


def kind_of(definition: Mapping[str, Any]) -> AnswerKind:
    """The kind of answer that a definition asks for."""
    kind: AnswerKind = definition.get("answer_kind", "text")
    return kind


def read_answer(
    definition: Mapping[str, Any], form: Mapping[str, Any], upload: Upload | None = None
) -> GivenAnswer:
    """The answer that a form brings; InputRefused says what is missing. A file takes seconds: call it outside of a transaction."""
    kind = kind_of(definition)
    if kind == "order":
        return _read_order(definition, form)
    if kind == "choice":
        return _read_choice(definition, form)
    if kind == "file":
        return _read_file(definition, upload)
    text = _clean(form.get("response"))
    if not text:
        raise InputRefused(N_("Write your answer first, then check it."))
    if len(text) > LONGEST_TEXT:
        raise InputRefused(N_("The answer is too long: 8,000 characters at most."))
    return GivenAnswer("text", text, {}, text)


def answer_view(
    definition: Mapping[str, Any], attempt_key: str, earlier: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """What practice/answer.html shows. `earlier` is an attempt's {"text", "kind", "data"} to begin from, or None.

    Steps and options are shuffled by `attempt_key`: the same for one attempt. An earlier answer to other steps is not used.
    """
    kind = kind_of(definition)
    same = earlier if earlier and earlier.get("kind", "text") == kind else None
    data: Mapping[str, Any] = (same or {}).get("data") or {}
    view: dict[str, Any] = {
        "kind": kind,
        "enctype": "multipart/form-data" if kind == "file" else "application/x-www-form-urlencoded",
        "draft": str(same.get("text", "")) if same and kind == "text" else "",
    }
    if kind == "order":
        texts = {step["id"]: step["text"] for step in definition["steps"]}
        order = data.get("order") or []
        if sorted(order) != sorted(texts):
            order = shuffled_steps(definition["steps"], attempt_key)
        view["steps"] = [{"id": key, "text": texts[key]} for key in order]
    elif kind == "choice":
        options = list(definition["choices"])
        random.Random(attempt_key).shuffle(options)  # noqa: S311 - an order, not a secret
        view["choices"] = [
            {"id": one["id"], "text": one["text"], "is_chosen": one["id"] == data.get("choice")}
            for one in options
        ]
        view["draft"] = str(data.get("reason", ""))
    elif kind == "file":
        rules = file_rules(definition)
        view["accept"] = ",".join(f".{ending}" for ending in rules["accepts"])
        view["formats"] = [FILE_FORMATS[ending] for ending in rules["accepts"]]
        view["most_mb"] = rules["most_mb"]
        view["earlier_file"] = str(data.get("filename", ""))
    return view


def judge_by_code(definition: Mapping[str, Any], given: GivenAnswer) -> dict[str, CodeJudgement]:
    """What code can say of the criteria, by their ids: of an order or a choice. Criteria that need words are not among them.

    Order: a criterion with `steps` (numbers of the author's steps) is met where those stand in the author's order; one without
    is about the whole. Choice: one with `choices` (numbers of options) is met where one of them was chosen.
    """
    if given.kind == "order":
        return {item["id"]: _judge_order(definition, item, given) for item in definition["criteria"]}
    if given.kind == "choice":
        first = given.text.split("\n", 1)[0]
        numbers = {option["id"]: number for number, option in enumerate(definition["choices"], 1)}
        return {
            item["id"]: CodeJudgement(numbers[given.data["choice"]] in item["choices"], first)
            for item in definition["criteria"]
            if item.get("choices")
        }
    return {}


def order_share(definition: Mapping[str, Any], order: Sequence[str]) -> float:
    """The share of pairs of steps that stand in the author's order, from 0 to 1; pairs in either order don't count."""
    place = {step["id"]: step["place"] for step in definition["steps"]}
    pairs = [(a, b) for at, a in enumerate(order) for b in order[at + 1 :] if place[a] != place[b]]
    return sum(place[a] < place[b] for a, b in pairs) / len(pairs) if pairs else 1.0


def shuffled_steps(steps: Sequence[Mapping[str, Any]], attempt_key: str) -> list[str]:
    """The ids of the steps in an order that `attempt_key` decides and that is not yet right."""
    ids = sorted(step["id"] for step in steps)
    random.Random(attempt_key).shuffle(ids)  # noqa: S311 - an order, not a secret
    place = {step["id"]: step["place"] for step in steps}
    for _ in ids:
        if any(place[a] > place[b] for a, b in pairwise(ids)):
            break
        ids = [*ids[1:], ids[0]]
    return ids


def file_rules(definition: Mapping[str, Any]) -> dict[str, Any]:
    """`accepts` (endings) and `most_mb` of a task whose answer is a file."""
    own = definition.get("file") or {}
    accepts = [ending for ending in own.get("accepts") or FILE_FORMATS if ending in FILE_FORMATS]
    return {"accepts": accepts, "most_mb": min(int(own.get("most_mb") or LARGEST_FILE_MB), LARGEST_FILE_MB)}


def _clean(value: Any) -> str:
    text = value if isinstance(value, str) else ""
    return _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()


def _read_order(definition: Mapping[str, Any], form: Mapping[str, Any]) -> GivenAnswer:
    texts = {step["id"]: step["text"] for step in definition["steps"]}
    order = str(form.get("order", "")).split()
    if sorted(order) != sorted(texts):
        raise InputRefused(
            N_("The steps have changed since you opened this page. Reload it and order them again.")
        )
    lines = [f"{number}. {texts[key]}" for number, key in enumerate(order, 1)]
    return GivenAnswer("order", "\n".join(lines), {"order": order}, "")


def _read_choice(definition: Mapping[str, Any], form: Mapping[str, Any]) -> GivenAnswer:
    texts = {option["id"]: option["text"] for option in definition["choices"]}
    chosen = str(form.get("choice", ""))
    if chosen not in texts:
        raise InputRefused(N_("Choose one of the options first."))
    reason = _clean(form.get("response"))
    if not reason:
        raise InputRefused(N_("Write why you choose it. One sentence is enough."))
    if len(reason) > LONGEST_REASON:
        raise InputRefused(N_("The reason is too long: 3,000 characters at most."))
    first = " ".join(texts[chosen].split())
    return GivenAnswer("choice", f"{first}\n\n{reason}", {"choice": chosen, "reason": reason}, reason)


def _read_file(definition: Mapping[str, Any], upload: Upload | None) -> GivenAnswer:
    rules = file_rules(definition)
    if upload is None or not upload.data:
        raise InputRefused(N_("Choose a file first."))
    if upload.ending not in rules["accepts"]:
        raise InputRefused(
            N_("This task does not take that kind of file. The kinds that it takes stand above the field.")
        )
    if len(upload.data) > rules["most_mb"] * 1_000_000:
        raise InputRefused(N_("The file is too large. The limit stands above the field."))
    text = _words_of(upload)
    if not text:
        raise InputRefused(_UNREADABLE)
    is_cut = len(text) > LONGEST_FILE_TEXT
    kept = text[:LONGEST_FILE_TEXT]
    data = {"filename": upload.filename, "size": len(upload.data), "is_cut": is_cut}
    return GivenAnswer("file", kept, data, kept, upload)


_UNREADABLE = N_(
    "There is no text in this file that can be read. Save it anew as PDF or Word, without a password, and choose it again."
)


def _words_of(upload: Upload) -> str:
    """The file's text, read in a process that can do nothing else."""
    with _READING:
        try:
            parsed: ParsedDocument = read_safely(upload.filename, upload.data, limits=_LIMITS)
        except (UnreadableDocument, UnsupportedFormat):
            raise InputRefused(_UNREADABLE) from None
    return _clean("\n".join(block.text for block in parsed.blocks))


def _judge_order(
    definition: Mapping[str, Any], criterion: Mapping[str, Any], given: GivenAnswer
) -> CodeJudgement:
    """Whether the criterion's steps stand in order; the line is the first step that stands before one that it should follow."""
    steps = definition["steps"]
    numbers = criterion.get("steps") or range(1, len(steps) + 1)
    place = {steps[n - 1]["id"]: steps[n - 1]["place"] for n in numbers if 0 < n <= len(steps)}
    lines = dict(zip(given.data["order"], given.text.split("\n"), strict=False))
    order = [key for key in given.data["order"] if key in place]
    if len(order) == 1:
        # One step by itself: it stands where the author has it, counted with those that may change places with it.
        at = given.data["order"].index(order[0])
        ranks = sorted(step["place"] for step in steps)
        return CodeJudgement(ranks[at] == place[order[0]], lines[order[0]])
    for at, key in enumerate(order):
        if any(place[key] > place[later] for later in order[at + 1 :]):
            return CodeJudgement(False, lines[key])
    return CodeJudgement(True, lines[order[0]] if order else None)
