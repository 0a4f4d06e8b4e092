"""What an evaluation found: rows of named numbers, what failed and why, and how that is printed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

Number = float | int | None


@dataclass(frozen=True)
class Row:
    """The numbers of one set, or of one group of it. ``set`` is "" for the whole part. A number is None where it
    cannot be told (no unanswerable question, say)."""

    part: str
    set: str
    numbers: dict[str, Number]

    @property
    def name(self) -> str:
        return f"{self.part}/{self.set}" if self.set else self.part

    def keyed(self) -> dict[str, Number]:
        """The numbers by the keys that a floors file uses: "a_retrieval/faq.ndcg10"."""
        return {f"{self.name}.{number}": value for number, value in self.numbers.items()}


@dataclass(frozen=True)
class Failure:
    """One case that went wrong, for whoever mends it."""

    part: str
    case: str
    file: str
    why: str


@dataclass
class Report:
    """``remarks``: what was left out or could not be told, in words."""

    pack: str
    embedder: str
    rows: list[Row] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    computed_vectors: int = 0

    def numbers(self) -> dict[str, Number]:
        """Every number by its key."""
        return {key: value for row in self.rows for key, value in row.keyed().items()}

    def as_json(self) -> dict[str, Any]:
        return {
            "pack": self.pack,
            "embedder": self.embedder,
            "rows": [
                {
                    "part": row.part,
                    "set": row.set,
                    "numbers": {k: _rounded(v) for k, v in row.numbers.items()},
                }
                for row in self.rows
            ],
            "failures": [
                {"part": one.part, "case": one.case, "file": one.file, "why": one.why}
                for one in self.failures
            ],
            "remarks": list(self.remarks),
            "seconds": {part: round(seconds, 1) for part, seconds in self.seconds.items()},
            "computed_vectors": self.computed_vectors,
        }

    def as_text(self) -> str:
        """Tables, one for each part (rows with other columns in a table of their own), and the lists below."""
        blocks = []
        for part in dict.fromkeys(row.part for row in self.rows):
            tables: dict[tuple[str, ...], list[Row]] = {}
            for row in (row for row in self.rows if row.part == part):
                tables.setdefault(tuple(row.numbers), []).append(row)
            blocks += [_table(part, list(columns), rows) for columns, rows in tables.items()]
        if self.failures:
            lines = [
                f"  {'  '.join(name for name in (one.part, one.case, one.file) if name)}: {one.why}"
                for one in self.failures
            ]
            blocks.append("\n".join(["failed", *lines]))
        if self.remarks:
            blocks.append("remarks\n" + "\n".join(f"  {remark}" for remark in self.remarks))
        total = sum(self.seconds.values())
        blocks.append(f"{self.embedder}; {total:.0f} s, {self.computed_vectors} vectors computed.")
        return "\n\n".join(blocks)


def _table(part: str, columns: Sequence[str], rows: Sequence[Row]) -> str:
    lines = [[part, *columns]]
    lines += [[row.set or "(all)", *(_shown(row.numbers[name]) for name in columns)] for row in rows]
    widths = [max(len(line[at]) for line in lines) for at in range(len(lines[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) if not at else cell.rjust(width) for at, (cell, width) in enumerate(
            zip(line, widths, strict=True)
        )).rstrip()
        for line in lines
    )  # fmt: skip


def _shown(value: Number) -> str:
    if value is None:
        return "-"
    return str(value) if isinstance(value, int) else f"{value:.3f}"


def _rounded(value: Number) -> Number:
    return round(value, 4) if isinstance(value, float) else value
