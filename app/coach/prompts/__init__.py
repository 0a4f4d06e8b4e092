"""Prompts: one TOML file each (`version`, `system`, `user`), filled once, so that what is filled in is never read as a placeholder.

A change of a prompt's words is a change of its version: answers keep which one they were written with.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Template

from app.coach.chat import Message

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Prompt:
    name: str
    version: int
    system: Template
    user: Template

    def messages(self, **filled: str) -> list[Message]:
        """The system's and the user's message; KeyError where a placeholder has no value."""
        return [
            Message("system", self.system.substitute(filled).strip()),
            Message("user", self.user.substitute(filled).strip()),
        ]


@cache
def prompt_named(name: str) -> Prompt:
    """The prompt of `<name>.toml` beside this file."""
    read = tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    return Prompt(name, int(read["version"]), Template(read["system"]), Template(read["user"]))
