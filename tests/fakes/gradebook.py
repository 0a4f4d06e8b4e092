"""The gradebook of a fake platform: columns, and one learner's grade in each."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass
class Cell:
    """One learner's grade in one column. `modified` is what stamps are compared with; a person's edit moves it too."""

    score: float | None = None
    maximum: float | None = None
    modified: datetime | None = None
    comments: list[str] = field(default_factory=list)
    overridden: bool = False
    submissions: int = 0
    posts: int = 0
    history: list[float | None] = field(default_factory=list)

    def set(self, score: float | None, maximum: float | None) -> None:
        self.score, self.maximum = score, maximum
        self.history.append(score)


@dataclass
class Column:
    """A line item as stored. `is_the_tools`: it belongs to this tool; `is_coupled`: it came with an activity of the course
    (a teacher's or a deep link's), and not by the line item service."""

    item: dict[str, Any]
    is_the_tools: bool = True
    is_coupled: bool = True
    locked: bool = False
    can_exceed: bool = False
    cells: dict[str, Cell] = field(default_factory=dict)

    def cell(self, user: str) -> Cell:
        return self.cells.setdefault(user, Cell())

    def take(self, cell: Cell, score: dict[str, Any], stamp: datetime, *, appends: bool = False) -> None:
        """Stores a score scaled to the column and clipped. One that is not FullyGraded erases the grade."""
        cell.modified = stamp
        if score.get("comment"):
            cell.comments = [*cell.comments, score["comment"]] if appends else [score["comment"]]
        maximum = self.item["scoreMaximum"]
        if score["gradingProgress"] != "FullyGraded" or "scoreGiven" not in score:
            cell.set(None, None)
            return
        fraction = score["scoreGiven"] / score["scoreMaximum"]
        cell.set(round((fraction if self.can_exceed else min(fraction, 1.0)) * maximum, 5), maximum)
