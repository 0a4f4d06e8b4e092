"""What people see of the demo LMS: the course page, the gradebook on it, the switches."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from fastapi import FastAPI
from fastapi.responses import HTMLResponse, JSONResponse, Response
from pydantic import BaseModel, ConfigDict

from demo.catalogue import Course, Organisation, Person
from demo.gradebook import LineItemNotFound, ScoreRefused
from demo.launches import launch_address
from demo.lms import Lms
from demo.switches import SwitchChange, Switches

# Moodle's frame gives the tool these, and no more.
FRAME_FEATURES = ("microphone", "camera", "geolocation", "midi", "encrypted-media", "autoplay", "fullscreen")


class GradeEdit(BaseModel):
    """One grade set by hand; `score` None gives the cell back to the tool. `person` is the instructor who edits."""

    model_config = ConfigDict(extra="forbid")

    organisation: str
    course: str
    line_item: str
    learner: str
    person: str
    score: float | None


def add_pages(app: FastAPI, lms: Lms) -> None:
    @app.get("/healthz")
    def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/", response_class=HTMLResponse)
    def page(
        org: str | None = None,
        course: str | None = None,
        activity: str | None = None,
        person: str | None = None,
        review: str | None = None,
    ) -> str:
        organisation = lms.catalogue.organisation(org) if org else lms.catalogue.organisations[0]
        shown_course = organisation.course(course) if course else organisation.courses[0]
        shown_activity = shown_course.activity(activity) if activity else shown_course.activities[0]
        signed_in = organisation.person(person) if person else None
        reviewed = organisation.person(review) if review and signed_in else None

        def address(**changes: str | None) -> str:
            chosen: dict[str, str | None] = {
                "org": organisation.slug,
                "course": shown_course.id,
                "activity": shown_activity.id,
                "person": person,
            }
            return "/?" + urlencode({key: value for key, value in (chosen | changes).items() if value})

        launch = (
            ""
            if signed_in is None
            else launch_address(organisation, shown_course, shown_activity, signed_in, reviewed)
        )
        return lms.pages.get_template("page.html").render(
            catalogue=lms.catalogue,
            activity=shown_activity,
            address=address,
            launch=launch,
            reviewed=reviewed,
            switches=lms.switches,
            tool_origin=lms.tool.origin,
            allow="; ".join(f"{feature} {lms.tool.origin}" for feature in FRAME_FEATURES),
            **_gradebook_view(lms, organisation, shown_course, signed_in),
        )

    @app.get("/gradebook", response_class=HTMLResponse)
    def gradebook(org: str, course: str, person: str | None = None, seen: int = -1) -> Response:
        """The gradebook's part of the page, or 204 when nothing changed since version `seen`."""
        if lms.gradebook.version() == seen:
            return Response(status_code=204)
        organisation = lms.catalogue.organisation(org)
        view = _gradebook_view(
            lms, organisation, organisation.course(course), organisation.person(person) if person else None
        )
        return HTMLResponse(lms.pages.get_template("gradebook.html").render(**view))

    @app.get("/gradebook.json")
    def gradebook_json(org: str | None = None, course: str | None = None) -> dict[str, Any]:
        """Columns, results and every arrived score, optionally of one organisation or course."""
        return {
            "version": lms.gradebook.version(),
            "courses": [
                _gradebook_data(lms, organisation, entry)
                for organisation in lms.catalogue.organisations
                if org in (None, organisation.slug)
                for entry in organisation.courses
                if course in (None, entry.id)
            ],
        }

    @app.post("/grades")
    def edit(change: GradeEdit) -> Response:
        """An instructor sets a grade by hand, or gives the cell back to the tool."""
        organisation = lms.catalogue.organisation(change.organisation)
        if organisation.person(change.person).role != "instructor":
            return JSONResponse({"error": "Only an instructor of the course edits grades."}, 403)
        try:
            lms.gradebook.edit_by_hand(
                organisation,
                organisation.course(change.course),
                change.line_item,
                change.learner,
                change.score,
            )
        except LineItemNotFound:
            return JSONResponse({"error": "That column is gone."}, 404)
        except ScoreRefused as refused:
            return JSONResponse({"error": refused.reason}, refused.status)
        return JSONResponse({"version": lms.gradebook.version()})

    @app.post("/gradebook/forget")
    def forget() -> dict[str, int]:
        """Empty all gradebooks, for a fresh demonstration."""
        lms.gradebook.forget()
        return {"version": lms.gradebook.version()}

    @app.get("/switches")
    def show_switches() -> Switches:
        return lms.switches

    @app.post("/switches")
    def set_switches(change: SwitchChange) -> Switches:
        lms.switches = change.applied_to(lms.switches)
        return lms.switches

    @app.get("/registrations.json")
    def show_registrations() -> list[dict[str, str]]:
        return [
            platform.facts
            for entry in lms.catalogue.organisations
            for platform in lms.platforms(entry.slug)[:1]
        ]


def _gradebook_view(
    lms: Lms, organisation: Organisation, course: Course, person: Person | None
) -> dict[str, Any]:
    version = lms.gradebook.version()
    items = lms.gradebook.line_items(organisation.slug, course.id)
    results = lms.gradebook.results(organisation.slug, [item.id for item in items])
    return {
        "version": version,
        "organisation": organisation,
        "course": course,
        "person": person,
        "learners": organisation.with_role("learner"),
        "line_items": items,
        "cells": {(result.line_item, result.person): result for result in results},
        "arrivals": lms.gradebook.arrivals(organisation.slug, course.id, limit=20),
        "names": {entry.id: entry.name for entry in organisation.people},
        "labels": {item.id: item.label for item in items},
        "links": {activity.id for activity in course.activities},
        "may_edit": person is not None and person.role == "instructor",
    }


def _gradebook_data(lms: Lms, organisation: Organisation, course: Course) -> dict[str, Any]:
    items = lms.gradebook.line_items(organisation.slug, course.id)
    maxima = {item.id: item.maximum for item in items}
    return {
        "organisation": organisation.slug,
        "course": course.id,
        "title": course.title,
        "line_items": [
            {
                "id": item.id,
                "url": lms.addresses.line_item(organisation, course, item.id),
                "label": item.label,
                "maximum": item.maximum,
                "resource_link_id": item.resource_link_id,
                "resource_id": item.resource_id,
                "tag": item.tag,
            }
            for item in items
        ],
        "results": [
            {
                "line_item": result.line_item,
                "person": result.person,
                "score": result.score,
                "maximum": maxima[result.line_item],
                "comment": result.comment,
                "is_by_hand": result.is_by_hand,
            }
            for result in lms.gradebook.results(organisation.slug, list(maxima))
        ],
        "arrivals": [
            {
                "id": arrival.id,
                "line_item": arrival.line_item,
                "person": arrival.person,
                "received_at": _iso(arrival.received_at),
                "timestamp": arrival.timestamp,
                "score": arrival.score,
                "maximum": arrival.maximum,
                "comment": arrival.comment,
                "activity_progress": arrival.activity_progress,
                "grading_progress": arrival.grading_progress,
                "outcome": arrival.outcome,
                "reason": arrival.reason,
                "status": arrival.status,
            }
            for arrival in lms.gradebook.arrivals(organisation.slug, course.id)
        ],
    }


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
