"""What the numbers must reach: a TOML file of floors and ceilings, so that a build can fail on a step back."""

from __future__ import annotations

import fnmatch
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from retrieval.evaluation.report import Number


class FloorsInvalid(ValueError):
    """The floors file cannot be used; the message says what to change."""


@dataclass(frozen=True)
class Miss:
    """``bound``: the number that was to be reached. ``says``: the whole in one line."""

    key: str
    value: Number
    bound: float
    says: str


@dataclass(frozen=True)
class Floors:
    """Bounds by key or glob pattern, in the order of the file. A bound in words is the name of another number of
    the same row: a floor of "bm25_ndcg10" for "a/faq.ndcg10" asks for no less than BM25 reaches there."""

    floors: Mapping[str, float | str]
    ceilings: Mapping[str, float | str]

    def misses(self, numbers: Mapping[str, Number]) -> list[Miss]:
        """What is below its floor or above its ceiling. A number that could not be told counts as missed."""
        found = []
        for bounds, is_floor in ((self.floors, True), (self.ceilings, False)):
            for pattern, bound in bounds.items():
                for key in self._matching(pattern, numbers):
                    limit = _limit(key, bound, numbers)
                    value = numbers[key]
                    if limit is None:
                        continue
                    if value is None or (value < limit if is_floor else value > limit):
                        found.append(Miss(key, value, limit, _said(key, value, limit, is_floor, bound)))
        return found

    def unmeasured(self, numbers: Mapping[str, Number]) -> list[str]:
        """Keys and patterns that no number has."""
        return [pattern for pattern in (*self.floors, *self.ceilings) if not self._matching(pattern, numbers)]

    @staticmethod
    def _matching(pattern: str, numbers: Mapping[str, Number]) -> list[str]:
        if pattern in numbers:
            return [pattern]
        return [key for key in numbers if fnmatch.fnmatchcase(key, pattern)]


def read_floors(path: Path) -> Floors:
    """Raises FloorsInvalid, naming the file and what is wrong in it."""
    try:
        with path.open("rb") as file:
            read = tomllib.load(file)
    except OSError as problem:
        raise FloorsInvalid(f"{path}: cannot be read ({problem.strerror}).") from problem
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise FloorsInvalid(f"{path}: is not TOML: {problem}.") from problem
    if unknown := sorted(set(read) - {"floors", "ceilings"}):
        raise FloorsInvalid(f"{path}: knows only [floors] and [ceilings], not {', '.join(unknown)}.")
    if not read:
        raise FloorsInvalid(f"{path}: has neither [floors] nor [ceilings].")
    tables: dict[str, dict[str, float | str]] = {"floors": {}, "ceilings": {}}
    for name, table in read.items():
        if not isinstance(table, dict):
            raise FloorsInvalid(f"{path}: “{name}” must be a table: [{name}].")
        for key, bound in table.items():
            if isinstance(bound, bool) or not isinstance(bound, int | float | str):
                raise FloorsInvalid(
                    f'{path}: {key} must be a number, or the name of another number such as "bm25_ndcg10". '
                    'Keys stand in quotes: "a_retrieval/faq.ndcg10" = 0.7'
                )
            tables[name][key] = bound
    return Floors(tables["floors"], tables["ceilings"])


def _limit(key: str, bound: float | str, numbers: Mapping[str, Number]) -> float | None:
    if isinstance(bound, str):
        return numbers.get(f"{key.rpartition('.')[0]}.{bound}")
    return bound


def _said(key: str, value: Number, limit: float, is_floor: bool, bound: float | str) -> str:
    measured = "could not be told" if value is None else f"is {value:.4g}"
    named = f" ({bound})" if isinstance(bound, str) else ""
    return f"{key} {measured}, {'at least' if is_floor else 'at most'} {limit:.4g}{named} was asked for"
