"""The form in which instructors write a task: from a draft's content to fields, and from fields to content.

A draft's content has the shape of a definition (app/course/task_definitions.py) and may be incomplete: nothing is refused here but
what is no form at all. Fields: plain names for the task, `c0_...` for lines of the checklist, `r_...` and `r0_...` for the re-check,
`s0_...` for places to look. What the form has no field for (places of a draft's lines, translations) stays as it was.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.datastructures import FormData

from app.course.task_definitions import (
    DEFAULT_RECHECK_DAYS,
    DEFAULT_TRIES,
    MOST_CRITERIA,
    opaque_id,
    with_criterion_ids,
)
from app.rooms.practice.answers import FILE_FORMATS, LARGEST_FILE_MB

LONGEST_FIELD = 8_000
SOURCE_ROWS = 3
LEAST_ROWS = 3
RECHECK_ROWS = 2
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def form_values(content: Mapping[str, Any], *, more_rows: int = 0) -> dict[str, Any]:
    """What templates/practice/edit.html shows of a draft; `more_rows` are further empty lines of the checklist."""
    criteria = list(content.get("criteria", ()))
    rows = min(MOST_CRITERIA, max(LEAST_ROWS, len(criteria) + more_rows))
    recheck = content.get("recheck") or {}
    lines = list(recheck.get("criteria", ()))
    sources = list(content.get("sources", ()))
    return {
        **{
            name: content.get(name, "")
            for name in ("title", "situation", "ask", "worked_strong", "worked_weak")
        },
        "skill": content.get("skill", ""),
        "minutes": content.get("minutes", 10),
        "tries": content.get("tries", DEFAULT_TRIES),
        "completion": content.get("completion", "reviewed"),
        "answer_kind": content.get("answer_kind", "text"),
        "starter_questions": "\n".join(content.get("starter_questions", ())),
        "solution_steps": "\n".join(content.get("solution_steps", ())),
        "steps": _said_steps(content.get("steps", ())),
        "choices": "\n".join(
            f"{'* ' if one.get('is_best') else ''}{one['text']}" for one in content.get("choices", ())
        ),
        "file": {
            "accepts": (content.get("file") or {}).get("accepts") or list(FILE_FORMATS),
            "most_mb": (content.get("file") or {}).get("most_mb", LARGEST_FILE_MB),
        },
        "criteria": [_criterion_values(one) for one in [*criteria, *[{}] * (rows - len(criteria))]],
        "recheck": {
            "after_days": recheck.get("after_days", DEFAULT_RECHECK_DAYS),
            "situation": recheck.get("situation", ""),
            "ask": recheck.get("ask", ""),
            "criteria": [
                _criterion_values(one) for one in [*lines, *[{}] * max(0, RECHECK_ROWS - len(lines))]
            ],
        },
        "sources": [
            {"document": one.get("document", ""), "heading": one.get("heading", "")}
            for one in [*sources, *[{}] * max(0, SOURCE_ROWS - len(sources))]
        ],
    }


def read_content(form: FormData, before: Mapping[str, Any], titles: Mapping[str, str]) -> dict[str, Any]:
    """The content that the form says. `before` is what the draft held, `titles` documents' file names and their titles."""
    content: dict[str, Any] = {
        name: _text(form, name)
        for name in ("title", "situation", "ask", "worked_strong", "worked_weak", "skill")
    }
    content["minutes"] = _number(form, "minutes", 10)
    content["tries"] = _number(form, "tries", DEFAULT_TRIES)
    content["completion"] = "submitted" if form.get("completion") == "submitted" else "reviewed"
    kind = str(form.get("answer_kind", "text"))
    content["answer_kind"] = kind if kind in {"text", "order", "choice", "file"} else "text"
    content["starter_questions"] = _lines(form, "starter_questions")
    content["solution_steps"] = _lines(form, "solution_steps")
    content["steps"] = read_steps(_lines(form, "steps"))
    content["choices"] = _read_choices(_lines(form, "choices"))
    if content["answer_kind"] == "file":
        accepts = [str(one) for one in form.getlist("file_accepts") if one in FILE_FORMATS]
        content["file"] = {"accepts": accepts, "most_mb": _number(form, "file_most_mb", LARGEST_FILE_MB)}
    best = [number for number, one in enumerate(content["choices"], 1) if one.get("is_best")]
    known = {one.get("id"): one for one in before.get("criteria", ())}
    content["criteria"] = _read_criteria(form, "c", known, content["answer_kind"], best)
    recheck = before.get("recheck") or {}
    lines = _read_criteria(form, "r", {one.get("id"): one for one in recheck.get("criteria", ())}, "text", [])
    words = {name: _text(form, f"r_{name}") for name in ("situation", "ask")}
    if lines or any(words.values()):
        content["recheck"] = {
            "after_days": _number(form, "r_after_days", DEFAULT_RECHECK_DAYS),
            **words,
            "criteria": [
                {k: v for k, v in one.items() if k in {"id", "text", "weight", "must", "look_for"}}
                for one in lines
            ],
        }
    content["sources"] = _read_sources(form, before, titles)
    kept = {"id", "level", "pt-BR", "es"}
    content |= {name: value for name, value in before.items() if name in kept}
    return with_criterion_ids({name: value for name, value in content.items() if value not in ("", [], None)})


def read_steps(lines: Sequence[str]) -> list[dict[str, Any]]:
    """Steps, one a line; a line that begins with + may stand before or after the line above it."""
    steps: list[dict[str, Any]] = []
    for line in lines:
        is_with_last = line.startswith("+") and bool(steps)
        text = line.lstrip("+ ").strip()
        if text:
            place = steps[-1]["place"] if is_with_last else (steps[-1]["place"] + 1 if steps else 1)
            steps.append({"id": opaque_id(text), "text": text, "place": place})
    return steps


def _said_steps(steps: Sequence[Mapping[str, Any]]) -> str:
    lines, last = [], 0
    for step in steps:
        lines.append(f"+ {step['text']}" if step["place"] == last else str(step["text"]))
        last = step["place"]
    return "\n".join(lines)


def _read_choices(lines: Sequence[str]) -> list[dict[str, Any]]:
    choices = []
    for line in lines:
        text = line.lstrip("* ").strip()
        if text:
            best = {"is_best": True} if line.startswith("*") else {}
            choices.append({"id": opaque_id(text), "text": text, **best})
    return choices


def _read_criteria(
    form: FormData, mark: str, known: Mapping[Any, Mapping[str, Any]], kind: str, best: list[int]
) -> list[dict[str, Any]]:
    """The lines of a checklist that say something, in the form's order."""
    criteria = []
    for at in range(MOST_CRITERIA):
        name = f"{mark}{at}_"
        if f"{name}text" not in form:
            break
        earlier = known.get(str(form.get(f"{name}id", "")), {})
        item: dict[str, Any] = {
            "id": earlier.get("id", ""),
            "text": " ".join(_text(form, f"{name}text").split()),
            "weight": _number(form, f"{name}weight", 1),
            "must": form.get(f"{name}must") == "yes",
            "look_for": _lines(form, f"{name}look_for"),
            **{
                field: " ".join(_text(form, f"{name}{field}").split())
                for field in ("weak_example", "strong_example", "next_try")
            },
        }
        if kind == "order":
            item["steps"] = [int(one) for one in re.findall(r"[0-9]{1,2}", _text(form, f"{name}steps"))]
        if kind == "choice" and form.get(f"{name}by_choice") == "yes":
            item["choices"] = best
        if earlier.get("source"):
            item["source"] = earlier["source"]
        says_something = any(item[field] for field in ("text", "look_for", "weak_example", "strong_example"))
        if says_something and form.get("remove") != f"{mark}{at}":
            criteria.append({name: value for name, value in item.items() if value not in ("", [])})
    return criteria


def _read_sources(
    form: FormData, before: Mapping[str, Any], titles: Mapping[str, str]
) -> list[dict[str, Any]]:
    known = {(one.get("document"), one.get("heading", "")): one for one in before.get("sources", ())}
    sources = []
    for at in range(12):
        document = _text(form, f"s{at}_document")
        if not document:
            continue
        heading = " ".join(_text(form, f"s{at}_heading").split())
        if earlier := known.get((document, heading)):
            sources.append(dict(earlier))
        elif document in titles:
            source = {"document": document, "title": titles[document], "heading": heading}
            sources.append({name: value for name, value in source.items() if value})
    return sources


def _criterion_values(item: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **{name: item.get(name, "") for name in ("id", "text", "weak_example", "strong_example", "next_try")},
        "weight": item.get("weight", 1),
        "must": bool(item.get("must")),
        "look_for": "\n".join(item.get("look_for", ())),
        "steps": ", ".join(map(str, item.get("steps", ()))),
        "by_choice": bool(item.get("choices")),
        "source": item.get("source"),
    }


def _text(form: FormData, name: str) -> str:
    value = form.get(name, "")
    text = value if isinstance(value, str) else ""
    return _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()[:LONGEST_FIELD]


def _lines(form: FormData, name: str) -> list[str]:
    lines = (" ".join(line.split()) for line in _text(form, name).split("\n"))
    return list(dict.fromkeys(line for line in lines if line))


def _number(form: FormData, name: str, usual: int) -> int:
    """The number of a field; what is none is the usual one. Whether it fits is the check's to say."""
    text = _text(form, name)
    return int(text) if re.fullmatch(r"[0-9]{1,4}", text) else usual
