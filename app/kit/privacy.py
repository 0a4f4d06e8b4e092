"""What each room keeps about a person. A test walks the tables and fails on one that points at a person and is not declared."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PersonalData:
    """One table that holds something about a person.

    `person` is the column that leads to the person (`user.id`, or a table that is declared itself); `what` says in plain
    words what stands there; `seen_by` who can read it.
    """

    table: str
    person: str
    what: str
    seen_by: str
