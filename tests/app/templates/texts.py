"""Finds every text that a person may read: in the templates by Jinja's own parser, in the code by Python's."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from jinja2 import nodes

from app.kit.pages import TEMPLATES, environment

ROOT = Path(__file__).parents[3]
CODE = ("app", "lti")
# Functions whose first argument is a message key. `plural` has two, the one and the many.
MARKS = {"_", "N_", "translate", "translator"}
# Class attributes of errors that are shown translated, with or without a mark around them.
SHOWN = {"title", "advice"}


def template_texts() -> Iterator[tuple[str, str]]:
    """(message key, where) of every `_("...")` and `plural("...", ...)` in templates/."""
    env = environment()
    for path in sorted(TEMPLATES.rglob("*.html")):
        name = path.relative_to(TEMPLATES).as_posix()
        for call in env.parse(path.read_text(encoding="utf-8")).find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name in {"_", "plural"} and call.args:
                for text in _constants(call.args[0]):
                    yield text, f"templates/{name}:{call.lineno}"


def _constants(node: nodes.Node) -> Iterator[str]:
    if isinstance(node, nodes.Const) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, nodes.CondExpr):
        yield from _constants(node.expr1)
        if node.expr2 is not None:
            yield from _constants(node.expr2)


def code_texts() -> Iterator[tuple[str, str]]:
    """(message key, where) of every marked text in our Python code, and of every error's title and advice."""
    for folder in CODE:
        for path in sorted((ROOT / folder).rglob("*.py")):
            where = path.relative_to(ROOT).as_posix()
            tree = ast.parse(path.read_text(encoding="utf-8"))
            for node in ast.walk(tree):
                for text in _marked(node):
                    yield text.value, f"{where}:{text.lineno}"


def _marked(node: ast.AST) -> Iterator[ast.Constant]:
    if isinstance(node, ast.Call) and node.args:
        called = node.func
        name = (
            called.id
            if isinstance(called, ast.Name)
            else called.attr
            if isinstance(called, ast.Attribute)
            else ""
        )
        first = node.args[0]
        if (
            (name in MARKS or name == "plural")
            and isinstance(first, ast.Constant)
            and isinstance(first.value, str)
        ):
            yield first
        elif name == "PersonalData":
            # What is kept and who sees it, which the page on it shows.
            yield from (
                text
                for text in node.args[2:4]
                if isinstance(text, ast.Constant) and isinstance(text.value, str)
            )
    elif isinstance(node, ast.ClassDef):
        for line in node.body:
            if not isinstance(line, ast.Assign) or not isinstance(line.value, ast.Constant):
                continue
            names = {target.id for target in line.targets if isinstance(target, ast.Name)}
            if names & SHOWN and isinstance(line.value.value, str):
                yield line.value


def all_texts() -> dict[str, str]:
    """Every message key with the first place where it stands."""
    found: dict[str, str] = {}
    for text, where in (*template_texts(), *code_texts()):
        found.setdefault(text, where)
    return found
