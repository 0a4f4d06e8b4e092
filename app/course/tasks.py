"""A practice task's texts in the visitor's language; where a translation lacks one, the original stands in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.course.content import PracticeTask
from app.course.task_definitions import DEFAULT_TRIES


def localised(definition: Mapping[str, Any], locale: str) -> dict[str, Any]:
    """The definition with the locale's texts laid over it; criteria are matched by id, steps and options by their order."""
    own = definition.get(locale) or {}
    apart = {"criteria", "recheck", "steps", "choices"}
    merged = {**definition, **{key: value for key, value in own.items() if key not in apart}}
    merged["criteria"] = _criteria(definition, own)
    if definition.get("recheck"):
        texts = own.get("recheck") or {}
        recheck = {**definition["recheck"], **{k: v for k, v in texts.items() if k != "criteria"}}
        merged["recheck"] = {**recheck, "criteria": _criteria(definition["recheck"], texts)}
    for name in ("steps", "choices"):
        items, said = definition.get(name) or [], own.get(name) or []
        if items and len(said) == len(items):
            merged[name] = [{**item, "text": text} for item, text in zip(items, said, strict=True)]
    return merged


def _criteria(owner: Mapping[str, Any], own: Mapping[str, Any]) -> list[dict[str, Any]]:
    texts = own.get("criteria") or {}
    return [{**item, **texts.get(item["id"], {})} for item in owner["criteria"]]


def task_title(task: PracticeTask, locale: str) -> str:
    return str(localised(task.definition, locale)["title"])


def tries_of(definition: Mapping[str, Any]) -> int:
    """How many attempts there are before the worked answers may be seen."""
    return int(definition.get("tries", DEFAULT_TRIES))


def is_complete_when_submitted(definition: Mapping[str, Any]) -> bool:
    """Whether handing in is all that is asked, so that no person decides."""
    return bool(definition.get("completion", "reviewed") == "submitted")


def task_view(task: PracticeTask, locale: str, skill_name: str) -> dict[str, Any]:
    """What the practice and review pages show of a task; the solution is the review page's to add."""
    return definition_view(localised(task.definition, locale), task.key, skill_name)


def definition_view(definition: Mapping[str, Any], key: str, skill_name: str) -> dict[str, Any]:
    """What a learner sees of a definition in their language; nothing of the author's solution."""
    return {
        "key": key,
        "title": definition["title"],
        "minutes": definition.get("minutes", 10),
        "skill": skill_name,
        "situation": definition["situation"],
        "ask": definition["ask"],
        "answer_kind": definition.get("answer_kind", "text"),
        "tries": tries_of(definition),
        "criteria": [
            {"id": item["id"], "text": item["text"], "must": bool(item.get("must", False))}
            for item in definition["criteria"]
        ],
        "sources": [
            {"document": s.get("title") or s["document"], "place": s.get("heading", "")}
            for s in definition.get("sources", ())
        ],
    }


def feedback_lines(task: PracticeTask, feedback: list[dict[str, Any]], locale: str) -> list[dict[str, Any]]:
    """Stored feedback with the words of its criteria."""
    criteria = {item["id"]: item for item in localised(task.definition, locale)["criteria"]}
    return [
        {
            **line,
            "text": criteria[line["criterion"]]["text"],
            "must": bool(criteria[line["criterion"]].get("must", False)),
            "try_next": criteria[line["criterion"]].get("next_try", "") if line["next_try"] else "",
        }
        for line in feedback
        if line["criterion"] in criteria
    ]
