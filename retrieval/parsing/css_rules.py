"""The rules of CSS style sheets: read, matched to elements, and which of their values win."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import soupsieve
from bs4.element import Tag

_PROPERTIES = {
    "display", "visibility", "opacity", "font-size", "font", "color", "-webkit-text-fill-color", "background",
    "background-color", "background-image", "position", "left", "right", "top", "bottom", "text-indent", "margin-left",
    "margin-top", "transform", "clip", "clip-path", "width", "height", "max-width", "max-height", "overflow",
    "overflow-x", "overflow-y", "content-visibility", "filter", "zoom", "scale", "inset",
}  # fmt: skip
_MOST_RULES = 8_000
_MOST_CSS = 2_000_000  # characters
_SCREEN = 1280.0  # the width in CSS pixels for which media queries are answered
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_SIMPLE = re.compile(r"([a-z][\w-]*|\*)?((?:[.#][A-Za-z_-][\w-]*)*)", re.IGNORECASE)
_LAST = re.compile(r"[^\s>+~]+$")
_VARIABLE = re.compile(r"var\(\s*(--[\w-]+)\s*(?:,\s*([^()]*))?\)")


@dataclass(frozen=True)
class _Rule:
    selector: str
    specificity: tuple[int, int, int]
    order: int
    said: dict[str, tuple[str, bool]]  # property -> (value, important)


class Rules:
    def __init__(self, sheets: Iterable[str]) -> None:
        self._by_key: dict[str, list[_Rule]] = {}
        self._variables: dict[str, str] = {}
        self._matchers: dict[str, Any] = {}
        count = 0
        for sheet in sheets:
            for selectors, body in _rules_of(_COMMENT.sub(" ", sheet[:_MOST_CSS])):
                said = self._declarations(body)
                if not said:
                    continue
                for selector in _split(selectors, ","):
                    chosen = selector.strip()
                    last = _LAST.search(chosen)
                    if not chosen or last is None or count >= _MOST_RULES:
                        continue
                    count += 1
                    rule = _Rule(chosen, _specificity(chosen), count, said)
                    self._by_key.setdefault(_key(last.group()), []).append(rule)

    def style_of(self, tag: Tag) -> dict[str, str]:
        """The declared values that win on this element, those of its style attribute included."""
        found: list[_Rule] = list(self._candidates(tag))
        found.sort(key=lambda rule: (rule.specificity, rule.order))
        style: dict[str, str] = {}
        important: set[str] = set()
        inline = self._declarations(str(tag.get("style") or ""))
        for said in [*(rule.said for rule in found), inline]:
            for name, (value, is_important) in said.items():
                if is_important or name not in important:
                    style[name] = value
                    if is_important:
                        important.add(name)
        return {name: self._resolved(value) for name, value in style.items()}

    def _candidates(self, tag: Tag) -> Iterator[_Rule]:
        if not self._by_key:
            return
        names = [tag.name.lower(), "*"]
        identity = tag.get("id")
        if identity:
            names.append(f"#{identity}")
        names += [f".{one}" for one in _classes(tag)]
        for name in names:
            for rule in self._by_key.get(name, ()):
                if self._matches(rule.selector, tag):
                    yield rule

    def _matches(self, selector: str, tag: Tag) -> bool:
        simple = _SIMPLE.fullmatch(selector)
        if simple:
            name, marks = simple.groups()
            if name and name != "*" and name.lower() != tag.name.lower():
                return False
            classes = _classes(tag)
            return all(
                (mark[1:] == tag.get("id")) if mark[0] == "#" else mark[1:] in classes
                for mark in re.findall(r"[.#][\w-]+", marks)
            )
        if selector not in self._matchers:
            try:
                self._matchers[selector] = soupsieve.compile(selector)
            except Exception:  # pseudo elements and selectors of the future select nothing here
                self._matchers[selector] = None
        matcher = self._matchers[selector]
        try:
            return matcher is not None and bool(matcher.match(tag))
        except Exception:  # a selector that cannot be answered on this tree
            return False

    def _declarations(self, body: str) -> dict[str, tuple[str, bool]]:
        said: dict[str, tuple[str, bool]] = {}
        if ":" not in body:
            return said
        for part in _split(_COMMENT.sub(" ", body), ";"):
            name, colon, value = part.partition(":")
            name = _unescaped(name).strip().lower()
            if not colon:
                continue
            if name.startswith("--"):
                self._variables[name] = value.strip()
            elif name in _PROPERTIES:
                text = " ".join(_unescaped(value).lower().split())
                important = bool(re.search(r"!\s*important$", text))
                text = re.sub(r"!\s*important$", "", text).strip()
                # Browsers ignore a declaration that they do not understand; an empty one is one of those.
                if text:
                    said[name] = (text, important)
        return said

    def _resolved(self, value: str) -> str:
        for _ in range(4):
            if "var(" not in value:
                return value
            value = _VARIABLE.sub(
                lambda match: self._variables.get(match.group(1), match.group(2) or "").lower(), value
            )
        return value


def _classes(tag: Tag) -> list[str]:
    said = tag.get("class")
    if isinstance(said, str):
        return said.split()
    return [str(one) for one in said] if said else []


def is_for_screens(style: Tag) -> bool:
    media = str(style.get("media") or "")
    return not media or _applies(media)


def _rules_of(css: str, depth: int = 0) -> Iterator[tuple[str, str]]:
    """(selectors, declarations) of each rule; blocks of media queries that do not apply are left out."""
    at = 0
    while depth < 8:
        brace = css.find("{", at)
        if brace < 0:
            return
        head = css[at:brace]
        # "@import ...;" and the like stand before the next rule without braces of their own.
        head = head.rpartition(";")[2].strip()
        end = _closing_brace(css, brace)
        body = css[brace + 1 : end]
        if head.startswith("@"):
            name, _, condition = head[1:].partition(" ")
            name = name.lower()
            if name in ("supports", "layer", "container", "document", "scope") or (
                name.startswith("media") and _applies(condition or head[6:])
            ):
                yield from _rules_of(body, depth + 1)
        elif "{" in body:
            # Nested rules: what stands before the first of them belongs to the outer one.
            yield head, body[: body.find("{")].rpartition(";")[0]
        else:
            yield head, body
        at = end + 1


def _closing_brace(css: str, opening: int) -> int:
    depth = 0
    for match in re.compile(r"[{}]").finditer(css, opening):
        depth += 1 if match.group() == "{" else -1
        if depth == 0:
            return match.start()
    return len(css)


def _applies(condition: str) -> bool:
    """Whether a media query holds on a wide screen in light colours."""
    return any(_holds(query.strip().lower()) for query in condition.split(","))


def _holds(query: str) -> bool:
    if re.match(r"(?:only\s+)?(?:print|speech|aural|braille|tty)\b", query) or query.startswith("not screen"):
        return False
    for kind, number, unit in re.findall(r"(max|min)-(?:device-)?width\s*:\s*([\d.]+)\s*(px|em|rem)?", query):
        try:
            width = float(number) * (16 if unit in ("em", "rem") else 1)
        except ValueError:
            continue
        if (kind == "max" and width < _SCREEN) or (kind == "min" and width > _SCREEN):
            return False
    return not re.search(
        r"prefers-color-scheme\s*:\s*dark|prefers-reduced-motion\s*:\s*reduce|orientation\s*:\s*portrait",
        query,
    )


def _split(text: str, mark: str) -> Iterator[str]:
    """Parts between marks that stand outside brackets and quotes."""
    start = depth = 0
    quote = ""
    for at, letter in enumerate(text):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'":
            quote = letter
        elif letter in "([":
            depth += 1
        elif letter in ")]":
            depth -= 1
        elif letter == mark and depth <= 0:
            yield text[start:at]
            start = at + 1
    yield text[start:]


def _key(compound: str) -> str:
    """By what an element is looked up for a selector: its id, else its class, else its name."""
    bare = re.sub(r"\[[^\]]*\]|::?[\w-]+(?:\([^()]*\))?", "", compound)
    if found := re.search(r"#[\w-]+", bare):
        return found.group()
    if found := re.search(r"\.[\w-]+", bare):
        return found.group()
    name = re.match(r"[a-zA-Z][\w-]*", bare)
    return name.group().lower() if name else "*"


def _specificity(selector: str) -> tuple[int, int, int]:
    return (
        len(re.findall(r"#[\w-]+", selector)),
        len(re.findall(r"\.[\w-]+|\[|:(?!:)", selector)),
        len(re.findall(r"(?:^|[\s>+~])[a-zA-Z]", selector)),
    )


def _unescaped(text: str) -> str:
    """CSS escapes: "\\64 isplay" is "display"."""
    if "\\" not in text:
        return text

    def letter(match: re.Match[str]) -> str:
        number = int(match.group(1), 16)
        return chr(number) if 0 < number < 0x110000 and not 0xD800 <= number < 0xE000 else ""

    return re.sub(r"\\(.)", r"\1", re.sub(r"\\([0-9a-fA-F]{1,6})\s?", letter, text))
