"""What people add to the demo LMS while it runs: activities, copies of courses, tools, notice handlers. SQLite, in the data folder."""

from __future__ import annotations

import dataclasses
import json
import secrets
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo.catalogue import Activity, Catalogue, Course, Organisation
from demo.store import Store

_SCHEMA = """
CREATE TABLE IF NOT EXISTS added_activity (
    organisation TEXT NOT NULL, course TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (organisation, id));
CREATE TABLE IF NOT EXISTS added_course (
    organisation TEXT NOT NULL, id TEXT NOT NULL, title TEXT NOT NULL, label TEXT NOT NULL, history TEXT NOT NULL,
    PRIMARY KEY (organisation, id));
CREATE TABLE IF NOT EXISTS added_tool (
    organisation TEXT NOT NULL, client_id TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (organisation, client_id));
CREATE TABLE IF NOT EXISTS invitation (
    token TEXT PRIMARY KEY, organisation TEXT NOT NULL, expires INTEGER NOT NULL, is_used INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS notice_handler (
    organisation TEXT NOT NULL, client_id TEXT NOT NULL, notice_type TEXT NOT NULL, handler TEXT NOT NULL,
    PRIMARY KEY (organisation, client_id, notice_type));
"""


@dataclass(frozen=True)
class AddedTool:
    """A tool that registered itself. `custom` are its custom parameters, with variables that the LMS fills in."""

    client_id: str
    deployment_id: str
    name: str
    login_url: str
    launch_url: str
    keys_url: str
    target_url: str
    custom: dict[str, str]
    messages: tuple[str, ...]


class Additions(Store):
    """Everything added, over the fixed catalogue."""

    def __init__(self, path: Path, fixed: Catalogue) -> None:
        super().__init__(path, _SCHEMA)
        self._fixed = fixed

    # The catalogue with what was added to it

    def catalogue(self) -> Catalogue:
        """Everything that the LMS offers at this moment."""
        return Catalogue(tuple(self._grown(organisation) for organisation in self._fixed.organisations))

    def _grown(self, organisation: Organisation) -> Organisation:
        added: dict[str, list[Activity]] = {}
        for row in self._rows(
            "SELECT * FROM added_activity WHERE organisation = ? ORDER BY rowid", organisation.slug
        ):
            added.setdefault(row["course"], []).append(_activity(row))
        copies = [
            Course(row["id"], row["title"], row["label"], (), tuple(json.loads(row["history"])))
            for row in self._rows(
                "SELECT * FROM added_course WHERE organisation = ? ORDER BY rowid", organisation.slug
            )
        ]
        return dataclasses.replace(
            organisation,
            courses=tuple(
                dataclasses.replace(course, activities=(*course.activities, *added.get(course.id, ())))
                for course in (*organisation.courses, *copies)
            ),
        )

    # Activities and courses

    def add_activity(self, organisation: str, course: str, activity: Activity) -> None:
        with self._transaction() as db:
            db.execute(
                "INSERT INTO added_activity (organisation, course, id, body) VALUES (?, ?, ?, ?)",
                (organisation, course, activity.id, json.dumps(dataclasses.asdict(activity))),
            )

    def remove_activity(self, organisation: str, activity_id: str) -> None:
        with self._transaction() as db:
            db.execute(
                "DELETE FROM added_activity WHERE organisation = ? AND id = ?", (organisation, activity_id)
            )

    def copy_course(self, organisation: Organisation, course: Course) -> Course:
        """A copy of a course with all its activities under ids of their own; nobody's work is copied."""
        number = 1 + sum(other.history[:1] == (course.id,) for other in organisation.courses)
        copy = Course(
            id=f"{course.id}-copy-{secrets.token_hex(3)}",
            title=f"{course.title} (copy{f' {number}' if number > 1 else ''})",
            label=course.label,
            activities=tuple(
                dataclasses.replace(
                    activity,
                    id=f"{activity.id.partition('~')[0]}~{secrets.token_hex(3)}",
                    history=(activity.id, *activity.history),
                    is_added=True,
                )
                for activity in course.activities
            ),
            history=(course.id, *course.history),
        )
        with self._transaction() as db:
            db.execute(
                "INSERT INTO added_course (organisation, id, title, label, history) VALUES (?, ?, ?, ?, ?)",
                (organisation.slug, copy.id, copy.title, copy.label, json.dumps(copy.history)),
            )
            for activity in copy.activities:
                db.execute(
                    "INSERT INTO added_activity (organisation, course, id, body) VALUES (?, ?, ?, ?)",
                    (organisation.slug, copy.id, activity.id, json.dumps(dataclasses.asdict(activity))),
                )
        return copy

    def remove_course(self, organisation: str, course_id: str) -> None:
        with self._transaction() as db:
            db.execute(
                "DELETE FROM added_activity WHERE organisation = ? AND course = ?", (organisation, course_id)
            )
            db.execute(
                "DELETE FROM added_course WHERE organisation = ? AND id = ?", (organisation, course_id)
            )

    # Tools

    def invite(self, organisation: str, expires: int) -> str:
        """A registration token, good once and until `expires` (Unix time)."""
        token = secrets.token_urlsafe(24)
        with self._transaction() as db:
            db.execute("DELETE FROM invitation WHERE expires < ?", (expires - 7 * 86_400,))
            db.execute(
                "INSERT INTO invitation (token, organisation, expires) VALUES (?, ?, ?)",
                (token, organisation, expires),
            )
        return token

    def is_invited(self, token: str, organisation: str, now: int) -> bool:
        """Whether the token is good; changes nothing."""
        return bool(
            self._rows(
                "SELECT 1 FROM invitation WHERE token = ? AND organisation = ? AND expires > ? AND NOT is_used",
                token,
                organisation,
                now,
            )
        )

    def accept(self, token: str, organisation: str, tool: AddedTool, now: int) -> bool:
        """Takes the tool in and uses the token up. False where another one has used it meanwhile."""
        with self._transaction() as db:
            used = db.execute(
                "UPDATE invitation SET is_used = 1 WHERE token = ? AND organisation = ? AND expires > ? AND NOT is_used",
                (token, organisation, now),
            )
            if used.rowcount != 1:
                return False
            db.execute(
                "INSERT INTO added_tool (organisation, client_id, body) VALUES (?, ?, ?)",
                (organisation, tool.client_id, json.dumps(dataclasses.asdict(tool))),
            )
        return True

    def tools(self, organisation: str) -> list[AddedTool]:
        rows = self._rows("SELECT * FROM added_tool WHERE organisation = ? ORDER BY rowid", organisation)
        return [_tool(json.loads(row["body"])) for row in rows]

    def remove_tool(self, organisation: str, client_id: str) -> None:
        """The tool and its activities are gone."""
        with self._transaction() as db:
            db.execute(
                "DELETE FROM added_tool WHERE organisation = ? AND client_id = ?", (organisation, client_id)
            )
            db.execute(
                "DELETE FROM notice_handler WHERE organisation = ? AND client_id = ?",
                (organisation, client_id),
            )
            db.execute(
                "DELETE FROM added_activity WHERE organisation = ? AND json_extract(body, '$.tool') = ?",
                (organisation, client_id),
            )

    # Notice handlers

    def set_handler(self, organisation: str, client_id: str, notice_type: str, handler: str) -> None:
        """Where notices of a type go; an empty handler ends it (Platform Notification Service 1.0)."""
        with self._transaction() as db:
            db.execute(
                "DELETE FROM notice_handler WHERE organisation = ? AND client_id = ? AND notice_type = ?",
                (organisation, client_id, notice_type),
            )
            if handler:
                db.execute(
                    "INSERT INTO notice_handler (organisation, client_id, notice_type, handler) VALUES (?, ?, ?, ?)",
                    (organisation, client_id, notice_type, handler),
                )

    def handlers(self, organisation: str, client_id: str) -> dict[str, str]:
        """Handlers by notice type."""
        rows = self._rows(
            "SELECT * FROM notice_handler WHERE organisation = ? AND client_id = ?", organisation, client_id
        )
        return {row["notice_type"]: row["handler"] for row in rows}


def _activity(row: sqlite3.Row) -> Activity:
    body = json.loads(row["body"])
    return Activity(**{**body, "history": tuple(body["history"]), "is_added": True})


def _tool(body: dict[str, Any]) -> AddedTool:
    return AddedTool(**{**body, "messages": tuple(body["messages"])})
