"""What the demo LMS remembers: columns, results, every score that arrived, used assertions. SQLite, in the data folder.

The rules for a score are those that real platforms apply (Moodle 5.1's unless said otherwise), because a gradebook that
accepts everything would hide the tool's mistakes.
"""

from __future__ import annotations

import dataclasses
import math
import re
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from demo.catalogue import Catalogue, Course, Organisation
from demo.store import Store

# AGS 2.0, section 3.4: the only values that a platform must understand.
ACTIVITY_PROGRESS = frozenset({"Initialized", "Started", "InProgress", "Submitted", "Completed"})
GRADING_PROGRESS = frozenset({"NotReady", "Failed", "Pending", "PendingManual", "FullyGraded"})

# A clock that runs ahead would lock the learner's column until that moment, so the LMS refuses it instead.
FUTURE_TOLERANCE = timedelta(seconds=60)

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS line_item (
    organisation TEXT NOT NULL, course TEXT NOT NULL, id TEXT NOT NULL, label TEXT NOT NULL, maximum REAL NOT NULL,
    resource_link_id TEXT, resource_id TEXT, tag TEXT, is_deleted INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (organisation, id));
CREATE TABLE IF NOT EXISTS result (
    organisation TEXT NOT NULL, line_item TEXT NOT NULL, person TEXT NOT NULL, score REAL, comment TEXT,
    last_second INTEGER NOT NULL, is_by_hand INTEGER NOT NULL DEFAULT 0, version INTEGER NOT NULL,
    PRIMARY KEY (organisation, line_item, person));
CREATE TABLE IF NOT EXISTS arrival (
    id INTEGER PRIMARY KEY AUTOINCREMENT, organisation TEXT NOT NULL, course TEXT NOT NULL, line_item TEXT NOT NULL,
    person TEXT NOT NULL, received_at TEXT NOT NULL, timestamp TEXT, score REAL, maximum REAL, comment TEXT,
    activity_progress TEXT, grading_progress TEXT, outcome TEXT NOT NULL, reason TEXT NOT NULL, status INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS assertion (
    organisation TEXT NOT NULL, jti TEXT NOT NULL, expires INTEGER NOT NULL, PRIMARY KEY (organisation, jti));
CREATE TABLE IF NOT EXISTS counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
"""


class LineItemNotFound(LookupError):
    """No such column in this course, or it was deleted."""


class ScoreRefused(Exception):
    """A score that the gradebook does not take; carries the HTTP status and one plain sentence."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


@dataclass(frozen=True)
class LineItem:
    """One column of a gradebook. `maximum` is in points."""

    id: str
    label: str
    maximum: float
    resource_link_id: str | None
    resource_id: str | None
    tag: str | None


@dataclass(frozen=True)
class Result:
    """What stands in one cell. `score` is in points of the column, None when the cell was cleared."""

    line_item: str
    person: str
    score: float | None
    comment: str | None
    is_by_hand: bool
    version: int


@dataclass(frozen=True)
class Arrival:
    """One score that the tool sent, whatever became of it.

    `outcome` is recorded, kept (a person had edited the grade), cleared (not a final score) or refused.
    """

    id: int
    course: str
    line_item: str
    person: str
    received_at: datetime
    timestamp: str | None
    score: float | None
    maximum: float | None
    comment: str | None
    activity_progress: str | None
    grading_progress: str | None
    outcome: str
    reason: str
    status: int


def _now() -> datetime:
    return datetime.now(UTC)


class Gradebook(Store):
    """The gradebooks of all courses."""

    def __init__(self, path: Path, catalogue: Catalogue, now: Callable[[], datetime] = _now) -> None:
        super().__init__(path, _SCHEMA)
        self._now = now
        with self._transaction() as db:
            for organisation in catalogue.organisations:
                for course in organisation.courses:
                    for activity in course.activities:
                        if activity.maximum is not None:
                            # A column that the tool deleted stays deleted; one whose title changed here follows.
                            db.execute(
                                "INSERT INTO line_item (organisation, course, id, label, maximum, resource_link_id)"
                                " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (organisation, id) DO UPDATE SET"
                                " label = excluded.label",
                                (
                                    organisation.slug,
                                    course.id,
                                    activity.id,
                                    activity.title,
                                    activity.maximum,
                                    activity.id,
                                ),
                            )

    @staticmethod
    def _next_version(db: sqlite3.Connection) -> int:
        row = db.execute(
            "INSERT INTO counter (name, value) VALUES ('version', 1)"
            " ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value"
        ).fetchone()
        return int(row[0])

    def version(self) -> int:
        """A number that grows with every change; 0 for an untouched gradebook."""
        rows = self._rows("SELECT value FROM counter WHERE name = 'version'")
        return int(rows[0][0]) if rows else 0

    # Columns

    def line_items(self, organisation: str, course: str) -> list[LineItem]:
        rows = self._rows(
            "SELECT * FROM line_item WHERE organisation = ? AND course = ? AND NOT is_deleted ORDER BY rowid",
            organisation,
            course,
        )
        return [_line_item(row) for row in rows]

    def line_item(self, organisation: str, course: str, line_item_id: str) -> LineItem:
        """Raises LineItemNotFound."""
        rows = self._rows(
            "SELECT * FROM line_item WHERE organisation = ? AND course = ? AND id = ? AND NOT is_deleted",
            organisation,
            course,
            line_item_id,
        )
        if not rows:
            raise LineItemNotFound(line_item_id)
        return _line_item(rows[0])

    def add_line_item(self, organisation: str, course: str, item: LineItem) -> None:
        with self._transaction() as db:
            db.execute(
                "INSERT INTO line_item (organisation, course, id, label, maximum, resource_link_id, resource_id, tag)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (organisation, course, *dataclasses.astuple(item)),
            )
            self._next_version(db)

    def change_line_item(self, organisation: str, course: str, item: LineItem) -> None:
        self.line_item(organisation, course, item.id)
        with self._transaction() as db:
            db.execute(
                "UPDATE line_item SET label = ?, maximum = ?, resource_link_id = ?, resource_id = ?, tag = ?"
                " WHERE organisation = ? AND id = ?",
                (
                    item.label,
                    item.maximum,
                    item.resource_link_id,
                    item.resource_id,
                    item.tag,
                    organisation,
                    item.id,
                ),
            )
            self._next_version(db)

    def delete_line_item(self, organisation: str, course: str, line_item_id: str) -> None:
        self.line_item(organisation, course, line_item_id)
        with self._transaction() as db:
            db.execute(
                "UPDATE line_item SET is_deleted = 1 WHERE organisation = ? AND id = ?",
                (organisation, line_item_id),
            )
            self._next_version(db)

    # Scores

    def record_score(
        self, organisation: Organisation, course: Course, line_item_id: str, body: Any
    ) -> Arrival:
        """Take one score as the AGS score service does, and write it into the history whatever happens.

        `body` is the decoded JSON. Raises LineItemNotFound, or ScoreRefused with 400 (malformed, nobody to grade) or
        409 (not newer than what the cell already holds).
        """
        item = self.line_item(organisation.slug, course.id, line_item_id)
        with self._transaction() as db:
            refusal: ScoreRefused | None = None
            outcome, reason = "refused", ""
            try:
                second = self._check(organisation, item, body, db)
                outcome, reason = self._apply(organisation.slug, item, body, second, db)
            except ScoreRefused as refused:
                refusal, reason = refused, refused.reason
            fields = body if isinstance(body, dict) else {}
            row = db.execute(
                "INSERT INTO arrival (organisation, course, line_item, person, received_at, timestamp, score, maximum,"
                " comment, activity_progress, grading_progress, outcome, reason, status)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING *",
                (
                    organisation.slug,
                    course.id,
                    item.id,
                    _text(fields.get("userId")) or "",
                    self._now().isoformat(timespec="milliseconds"),
                    _text(fields.get("timestamp")),
                    _number(fields.get("scoreGiven")),
                    _number(fields.get("scoreMaximum")),
                    _text(fields.get("comment")),
                    _text(fields.get("activityProgress")),
                    _text(fields.get("gradingProgress")),
                    outcome,
                    reason,
                    refusal.status if refusal else 200,
                ),
            ).fetchone()
            self._next_version(db)
        if refusal:
            raise refusal
        return _arrival(row)

    def _check(self, organisation: Organisation, item: LineItem, body: Any, db: sqlite3.Connection) -> int:
        """The whole second of the score's timestamp (Unix time). Raises ScoreRefused."""
        if not isinstance(body, dict):
            raise ScoreRefused(400, "A score is a JSON object.")
        person = body.get("userId")
        if person not in {learner.id for learner in organisation.with_role("learner")}:
            raise ScoreRefused(400, "The user cannot be graded in this course.")
        if body.get("activityProgress") not in ACTIVITY_PROGRESS:
            raise ScoreRefused(400, "activityProgress is missing or not a value of the specification.")
        if body.get("gradingProgress") not in GRADING_PROGRESS:
            raise ScoreRefused(400, "gradingProgress is missing or not a value of the specification.")
        if "scoreGiven" in body:
            given, maximum = _number(body["scoreGiven"]), _number(body.get("scoreMaximum"))
            if given is None or given < 0:
                raise ScoreRefused(400, "scoreGiven is not a number of zero or more.")
            if maximum is None or maximum <= 0:
                raise ScoreRefused(400, "scoreMaximum must be a positive number when scoreGiven is present.")
        moment = _moment(body.get("timestamp"))
        if moment is None:
            raise ScoreRefused(400, "timestamp is missing or not ISO 8601 with an offset.")
        if moment > self._now() + FUTURE_TOLERANCE:
            raise ScoreRefused(400, "timestamp lies in the future.")
        second = math.floor(moment.timestamp())
        # Moodle compares whole seconds, and an equal one is refused as well as an older one.
        last = db.execute(
            "SELECT last_second FROM result WHERE organisation = ? AND line_item = ? AND person = ?",
            (organisation.slug, item.id, person),
        ).fetchone()
        if last and second <= last[0]:
            raise ScoreRefused(409, "Refusing a score that is not newer than the one recorded.")
        return second

    def _apply(
        self, organisation: str, item: LineItem, body: dict[str, Any], second: int, db: sqlite3.Connection
    ) -> tuple[str, str]:
        """Write the result; (outcome, reason) for the history."""
        person, comment = str(body["userId"]), _text(body.get("comment"))
        held = db.execute(
            "SELECT is_by_hand FROM result WHERE organisation = ? AND line_item = ? AND person = ?",
            (organisation, item.id, person),
        ).fetchone()
        if held and held[0]:
            # A grade that a person edited stays; the platform still answers 200.
            db.execute(
                "UPDATE result SET last_second = ? WHERE organisation = ? AND line_item = ? AND person = ?",
                (second, organisation, item.id, person),
            )
            return "kept", "An instructor edited this grade, so it was kept."
        score: float | None = None
        outcome, reason = "cleared", "The score is not final, so the grade was cleared."
        if body["gradingProgress"] == "FullyGraded" and "scoreGiven" in body:
            share = min(float(body["scoreGiven"]) / float(body["scoreMaximum"]), 1.0)
            score = round(share * item.maximum, 4)
            outcome, reason = "recorded", ""
        db.execute(
            "INSERT INTO result (organisation, line_item, person, score, comment, last_second, version)"
            " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (organisation, line_item, person) DO UPDATE SET"
            " score = excluded.score, comment = excluded.comment, last_second = excluded.last_second,"
            " version = excluded.version",
            (organisation, item.id, person, score, comment, second, self._next_version(db)),
        )
        return outcome, reason

    def edit_by_hand(
        self, organisation: Organisation, course: Course, line_item_id: str, person: str, score: float | None
    ) -> None:
        """An instructor sets the grade (points of the column), or with None gives the cell back to the tool.

        Raises LineItemNotFound, and ScoreRefused for somebody without a grade or a number outside the column.
        """
        item = self.line_item(organisation.slug, course.id, line_item_id)
        if person not in {learner.id for learner in organisation.with_role("learner")}:
            raise ScoreRefused(400, "Only learners have grades.")
        if score is not None and not 0 <= score <= item.maximum:
            raise ScoreRefused(400, f"A grade in this column lies between 0 and {item.maximum:g}.")
        with self._transaction() as db:
            # The edit's own time counts as the cell's last change: Canvas and Moodle refuse a score older than that.
            db.execute(
                "INSERT INTO result (organisation, line_item, person, score, comment, last_second, is_by_hand, version)"
                " VALUES (?, ?, ?, ?, NULL, ?, ?, ?) ON CONFLICT (organisation, line_item, person) DO UPDATE SET"
                " score = excluded.score, last_second = max(last_second, excluded.last_second),"
                " is_by_hand = excluded.is_by_hand, version = excluded.version",
                (
                    organisation.slug,
                    item.id,
                    person,
                    score,
                    math.floor(self._now().timestamp()),
                    int(score is not None),
                    self._next_version(db),
                ),
            )

    def results(self, organisation: str, line_item_ids: list[str]) -> list[Result]:
        rows = self._rows("SELECT * FROM result WHERE organisation = ? ORDER BY person", organisation)
        return [
            Result(
                row["line_item"],
                row["person"],
                row["score"],
                row["comment"],
                bool(row["is_by_hand"]),
                row["version"],
            )
            for row in rows
            if row["line_item"] in line_item_ids
        ]

    def arrivals(self, organisation: str, course: str, limit: int = 1000) -> list[Arrival]:
        """Scores that arrived, the newest first."""
        rows = self._rows(
            "SELECT * FROM arrival WHERE organisation = ? AND course = ? ORDER BY id DESC LIMIT ?",
            organisation,
            course,
            limit,
        )
        return [_arrival(row) for row in rows]

    def forget(self) -> None:
        """Empty every gradebook and its history, and bring deleted columns back."""
        with self._transaction() as db:
            db.execute("DELETE FROM result")
            db.execute("DELETE FROM arrival")
            db.execute("DELETE FROM line_item WHERE resource_link_id IS NULL OR resource_link_id != id")
            db.execute("UPDATE line_item SET is_deleted = 0")
            self._next_version(db)

    # Assertions

    def use_assertion(self, organisation: str, jti: str, expires: int) -> bool:
        """False when this client assertion was used before (RFC 7523, section 3, item 7)."""
        with self._transaction() as db:
            db.execute("DELETE FROM assertion WHERE expires < ?", (int(self._now().timestamp()) - 60,))
            used = db.execute(
                "INSERT INTO assertion (organisation, jti, expires) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                (organisation, jti, expires),
            )
            return used.rowcount == 1


def _line_item(row: sqlite3.Row) -> LineItem:
    return LineItem(
        row["id"], row["label"], row["maximum"], row["resource_link_id"], row["resource_id"], row["tag"]
    )


def _arrival(row: sqlite3.Row) -> Arrival:
    fields = dict(row) | {"received_at": datetime.fromisoformat(row["received_at"])}
    del fields["organisation"]
    return Arrival(**fields)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: Any) -> float | None:
    """A JSON number as float; None for anything else, booleans and non-finite numbers included."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _moment(value: Any) -> datetime | None:
    if not isinstance(value, str) or not _RFC3339.fullmatch(value):
        return None
    try:
        # Python reads at most six decimals.
        return datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", value))
    except ValueError:
        return None
