"""A practice task's texts in the visitor's language; where a translation lacks one, the original stands in."""

from __future__ import annotations

from typing import Any

from app.course.content import PracticeTask


def localised(definition: dict[str, Any], locale: str) -> dict[str, Any]:
    """The definition with the locale's texts laid over it; criteria are matched by id."""
    own = definition.get(locale) or {}
    merged = {**definition, **{key: value for key, value in own.items() if key != "criteria"}}
    texts = own.get("criteria", {})
    merged["criteria"] = [{**item, **texts.get(item["id"], {})} for item in definition["criteria"]]
    return merged


def task_title(task: PracticeTask, locale: str) -> str:
    return str(localised(task.definition, locale)["title"])


def task_view(task: PracticeTask, locale: str, skill_name: str) -> dict[str, Any]:
    """What the practice and review pages show of a task; the solution is the review page's to add."""
    definition = localised(task.definition, locale)
    return {
        "key": task.key,
        "title": definition["title"],
        "minutes": definition.get("minutes", 10),
        "skill": skill_name,
        "situation": definition["situation"],
        "ask": definition["ask"],
        "criteria": [
            {"id": item["id"], "text": item["text"], "must": bool(item.get("must", False))}
            for item in definition["criteria"]
        ],
        "sources": [
            {"document": s["title"], "place": s.get("heading", "")} for s in definition.get("sources", ())
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
