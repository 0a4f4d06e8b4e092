"""Practice tasks as files: TOML, and Markdown for people who would rather write a page. docs/content.md shows both.

Either way: `read_task` gives what the file says, `check_definition` judges it, `write_toml` and `write_markdown` write it again.
What is written and read again is the same task.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from app.course.task_definitions import Problem, TaskInvalid, check_definition
from app.kit.errors import N_

LARGEST_FILE = 200_000  # bytes; the longest sample task with two translations has 30,000

_HEADED = {
    "situation": "Situation",
    "ask": "Your turn",
    "starter_questions": "Starter questions",
    "steps": "Steps",
    "choices": "Options",
    "criteria": "Checklist",
    "solution_steps": "Solution",
    "worked_strong": "Strong answer",
    "worked_weak": "Weak answer",
    "sources": "Sources",
    "recheck": "Re-check",
}
_BY_HEADING = {heading.casefold(): name for name, heading in _HEADED.items()}
_LABELS = {
    "look_for": "Look for",
    "weak_example": "Weak",
    "strong_example": "Strong",
    "next_try": "Hint",
    "steps": "Steps",
    "choices": "Options",
    "source": "Source",
}
_BY_LABEL = {label.casefold(): name for name, label in _LABELS.items()}
_FRONT = ("id", "skill", "level", "minutes", "answer_kind", "tries", "completion")
_PLACE = re.compile(r"^(?P<name>page|slide|at) (?P<number>[0-9]+(?:\.[0-9]+)?)$")
_NO_FRONT = N_("A Markdown task begins with --- , then lines such as “minutes: 10”, then --- again.")
_NO_SECTION = N_("There is no such section. See docs/content.md for the headings of a task.")
_TOO_DEEP = N_(
    "There are too many brackets or tables within each other. See docs/content.md for what a task looks like."
)
_NOT_TEXT = N_("The file is no text in UTF-8. Save it anew as plain text.")


def read_task(filename: str, data: bytes) -> dict[str, Any]:
    """The definition in a `.toml` or `.md` file, checked; raises TaskInvalid, whose problems name fields and what to do."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise TaskInvalid([Problem("file", _NOT_TEXT)]) from None
    if filename.lower().endswith((".md", ".markdown")):
        return check_definition(_from_markdown(text.replace("\r\n", "\n")))
    try:
        return check_definition(plain(tomllib.loads(text)))
    except tomllib.TOMLDecodeError as error:
        raise TaskInvalid([Problem("file", f"TOML: {error}")]) from None
    except RecursionError:
        raise TaskInvalid([Problem("file", _TOO_DEEP)]) from None


def plain(value: Any) -> Any:
    """TOML dates as text, so that a definition can be kept as JSON."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value.isoformat() if hasattr(value, "isoformat") else value


def in_file_shape(definition: Mapping[str, Any]) -> dict[str, Any]:
    """A canonical definition as files say it: no ids of steps and options, steps in either order as a list within the list."""
    shaped = dict(definition)
    if steps := definition.get("steps"):
        places: dict[int, list[str]] = {}
        for step in steps:
            places.setdefault(step["place"], []).append(step["text"])
        shaped["steps"] = [texts if len(texts) > 1 else texts[0] for _, texts in sorted(places.items())]
    if choices := definition.get("choices"):
        shaped["choices"] = [{k: v for k, v in one.items() if k != "id"} for one in choices]
    return shaped


# ---- TOML


def write_toml(definition: Mapping[str, Any]) -> str:
    """The definition as a TOML file."""
    return "".join(_table(in_file_shape(definition), ())).lstrip("\n")


def _table(values: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    """Scalars first, then the tables: TOML has no way back up."""
    tables = {k: v for k, v in values.items() if isinstance(v, dict)}
    lists = {k: v for k, v in values.items() if isinstance(v, list) and v and isinstance(v[0], dict)}
    for key, value in values.items():
        if key not in tables and key not in lists:
            yield f"{_key(key)} = {_value(value)}\n"
    for key, rows in lists.items():
        name = ".".join((*path, _key(key)))
        for row in rows:
            yield f"\n[[{name}]]\n"
            yield from _table(row, (*path, _key(key)))
    for key, table in tables.items():
        yield f"\n[{'.'.join((*path, _key(key)))}]\n"
        yield from _table(table, (*path, _key(key)))


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _quoted(key)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, list):
        if any(isinstance(item, str) and len(item) > 30 for item in value):
            return "[\n" + "".join(f"  {_value(item)},\n" for item in value) + "]"
        return f"[{', '.join(_value(item) for item in value)}]"
    text = str(value)
    if "\n" in text:
        # Escaped as in one line, but for the line breaks, which stay to be read.
        return '"""\n' + "\n".join(_quoted(line)[1:-1] for line in text.split("\n")) + '"""'
    return _quoted(text)


def _quoted(text: str) -> str:
    """As a basic string: JSON's escapes are TOML's, save for DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")


# ---- Markdown


def write_markdown(definition: Mapping[str, Any]) -> str:
    """The definition as a Markdown file. Translations are not in it: they live in TOML."""
    task = in_file_shape(definition)
    lines = ["---", *(f"{name}: {task[name]}" for name in _FRONT if name in task)]
    if rules := task.get("file"):
        lines += [f"file_accepts: {', '.join(rules['accepts'])}", f"file_most_mb: {rules['most_mb']}"]
    lines += ["---", f"# {_one_line(task['title'])}"]
    for name, heading in _HEADED.items():
        if not task.get(name):
            continue
        lines += ["", f"## {heading}"]
        if name == "criteria":
            lines += _checklist(task["criteria"], "###")
        elif name == "recheck":
            recheck = task["recheck"]
            lines += [f"After {recheck['after_days']} days"]
            lines += ["", "### Situation", _shielded(recheck["situation"])]
            lines += ["", "### Your turn", _shielded(recheck["ask"]), "", "### Checklist"]
            lines += _checklist(recheck["criteria"], "####")
        elif name == "steps":
            for number, texts in enumerate(task["steps"], 1):
                lines += [
                    f"{number}. {_one_line(t)}" for t in (texts if isinstance(texts, list) else [texts])
                ]
        elif name == "choices":
            lines += [
                f"- [{'x' if one.get('is_best') else ' '}] {_one_line(one['text'])}"
                for one in task["choices"]
            ]
        elif name == "sources":
            lines += [f"- {_said_source(one)}" for one in task["sources"]]
        elif name == "solution_steps":
            lines += [f"{number}. {_one_line(text)}" for number, text in enumerate(task["solution_steps"], 1)]
        elif name == "starter_questions":
            lines += [f"- {_one_line(text)}" for text in task["starter_questions"]]
        else:
            lines.append(_shielded(task[name]))
    return "\n".join(lines) + "\n"


def _checklist(criteria: list[dict[str, Any]], level: str) -> Iterator[str]:
    for item in criteria:
        must = ", must" if item.get("must") else ""
        yield f"{level} {item['id']} (weight {item.get('weight', 1)}{must})"
        yield _one_line(item["text"])
        for name, label in _LABELS.items():
            value = item.get(name)
            if not value:
                continue
            if name == "look_for":
                yield from (f"- {label}: {_one_line(one)}" for one in value)
            elif name in {"steps", "choices"}:
                yield f"- {label}: {', '.join(map(str, value))}"
            else:
                yield f"- {label}: {_said_source(value) if name == 'source' else _one_line(value)}"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _shielded(text: str) -> str:
    r"""A text whose own lines don't look like headings: `\#` for `#`, and one more for what has some already."""
    return re.sub(r"^(\\*#)", r"\\\1", text, flags=re.MULTILINE)


def _unshielded(text: str) -> str:
    return re.sub(r"^\\(\\*#)", r"\1", text, flags=re.MULTILINE).strip()


def _said_source(source: Mapping[str, Any]) -> str:
    parts = [source["document"]]
    if source.get("heading"):
        parts.append(source["heading"])
    parts += [f"{name} {source[name]}" for name in ("page", "slide", "at") if source.get(name) is not None]
    return " > ".join(parts)


def _read_source(text: str) -> dict[str, Any]:
    document, *rest = (part.strip() for part in text.split(" > "))
    source: dict[str, Any] = {"document": document}
    headings = []
    for part in rest:
        if found := _PLACE.match(part):
            number = found["number"]
            source[found["name"]] = float(number) if found["name"] == "at" else int(float(number))
        else:
            headings.append(part)
    if headings:
        source["heading"] = " > ".join(headings)
    return source


def _from_markdown(text: str) -> dict[str, Any]:
    """What a Markdown task says, unchecked. Raises TaskInvalid where its outline is not that of a task."""
    found = re.match(r"\s*---\n(?P<front>.*?)\n---\n(?P<body>.*)\Z", text, re.DOTALL)
    if found is None:
        raise TaskInvalid([Problem("file", _NO_FRONT)])
    task = _front(found["front"])
    head, sections = _sections(found["body"], "## ")
    title = re.search(r"^# (.+)$", head, re.MULTILINE)
    if title:
        task["title"] = title[1].strip()
    for heading, body in sections:
        name = _BY_HEADING.get(heading.casefold())
        if name is None:
            raise TaskInvalid([Problem(heading, _NO_SECTION)])
        task[name] = _read_section(name, body)
    return task


def _front(text: str) -> dict[str, Any]:
    task: dict[str, Any] = {}
    rules: dict[str, Any] = {}
    for line in filter(None, map(str.strip, text.split("\n"))):
        name, colon, value = (part.strip() for part in line.partition(":"))
        if not colon:
            raise TaskInvalid([Problem(line[:80], _NO_FRONT)])
        word = value.strip("\"'")
        if name == "file_accepts":
            rules["accepts"] = _listed(word)
        elif name == "file_most_mb":
            rules["most_mb"] = _number(word)
        else:
            task[name] = _number(word) if name in {"level", "minutes", "tries"} else word
    return {**task, **({"file": rules} if rules else {})}


def _sections(text: str, mark: str) -> tuple[str, list[tuple[str, str]]]:
    """What stands before the first heading of this level, and (heading, body) of each."""
    head, *parts = re.split(rf"^{mark}", text, flags=re.MULTILINE)
    found = []
    for part in parts:
        heading, _, body = part.partition("\n")
        found.append((heading.strip(), body.strip("\n")))
    return head, found


def _read_section(name: str, body: str) -> Any:
    if name == "criteria":
        return _read_checklist(body, "### ")
    if name == "recheck":
        return _read_recheck(body)
    if name == "steps":
        places: dict[str, list[str]] = {}
        for number, text in re.findall(r"^\s*([0-9]+)[.)]\s+(.+)$", body, re.MULTILINE):
            places.setdefault(number, []).append(text.strip())
        return [texts if len(texts) > 1 else texts[0] for texts in places.values()]
    if name == "choices":
        options = re.findall(r"^\s*[-*]\s+\[([ xX])\]\s+(.+)$", body, re.MULTILINE)
        return [
            {"text": text.strip(), **({"is_best": True} if mark in "xX" else {})} for mark, text in options
        ]
    if name in {"solution_steps", "starter_questions", "sources"}:
        items = [one.strip() for one in re.findall(r"^\s*(?:[-*]|[0-9]+[.)])\s+(.+)$", body, re.MULTILINE)]
        return [_read_source(one) for one in items] if name == "sources" else items
    return _unshielded(body)


def _read_recheck(body: str) -> dict[str, Any]:
    head, sections = _sections(body, "### ")
    recheck: dict[str, Any] = {}
    if days := re.search(r"([0-9]+)", head):
        recheck["after_days"] = int(days[1])
    for heading, text in sections:
        name = _BY_HEADING.get(heading.casefold())
        if name == "criteria":
            recheck[name] = _read_checklist(text, "#### ")
        elif name in {"situation", "ask"}:
            recheck[str(name)] = _unshielded(text)
        else:
            raise TaskInvalid([Problem(f"Re-check: {heading}", _NO_SECTION)])
    return recheck


def _read_checklist(body: str, mark: str) -> list[dict[str, Any]]:
    criteria = []
    for heading, text in _sections(body, mark)[1]:
        found = re.fullmatch(r"(?P<id>\S+)(?:\s*\((?P<rules>[^)]*)\))?", heading)
        if found is None:
            raise TaskInvalid([Problem(f"Checklist: {heading[:80]}", _NO_SECTION)])
        item: dict[str, Any] = {"id": found["id"]}
        rules = found["rules"] or ""
        if weight := re.search(r"weight\s+([0-9]+)", rules):
            item["weight"] = int(weight[1])
        if re.search(r"\bmust\b", rules):
            item["must"] = True
        said = []
        for line in text.split("\n"):
            label = re.match(r"\s*[-*]\s+(?P<label>[A-Za-z ]+):\s*(?P<value>.+)$", line)
            name = _BY_LABEL.get(label["label"].strip().casefold()) if label else None
            if label is None or name is None:
                said.append(line.strip())
            elif name == "look_for":
                item.setdefault(name, []).append(label["value"].strip())
            elif name in {"steps", "choices"}:
                item[name] = [_number(part) for part in _listed(label["value"])]
            else:
                item[name] = _read_source(label["value"]) if name == "source" else label["value"].strip()
        item["text"] = " ".join(filter(None, said))
        criteria.append(item)
    return criteria


def _listed(text: str) -> list[str]:
    return [part.strip().lstrip(".").lower() for part in text.split(",") if part.strip()]


def _number(text: str) -> int | str:
    """The number, or the words as they are, for the check to name."""
    return int(text) if text.isdecimal() and text.isascii() else text
