"""How each family of platforms refuses, and what its launches look like: ../shared/lti/platforms.md as code.

A `Personality` is the specification; a family's class overrides what that family does otherwise. Where the papers say
nothing about a family (whether Sakai, Blackboard, Brightspace and Schoology compare stamps by the second, say), it does what
the specification says, in the stricter reading.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from lti.claims import AGS, CONTEXT, CUSTOM, ROLES
from lti.ports import EgressFailed, EgressResponse
from tests.fakes.gradebook import Cell, Column
from tests.fakes.wire import ABSENT, Request, json_answer, plain_answer

if TYPE_CHECKING:
    from tests.fakes.platform import FakePlatform

Score = dict[str, Any]
GRADING_PROGRESS = {"NotReady", "Failed", "Pending", "PendingManual", "FullyGraded"}
CANVAS_SUBMISSION = "https://canvas.instructure.com/lti/submission"
TOOL_PLATFORM = "https://purl.imsglobal.org/spec/lti/claim/tool_platform"
INSTITUTION = "http://purl.imsglobal.org/vocab/lis/v2/institution/person#"
SYSTEM = "http://purl.imsglobal.org/vocab/lis/v2/system/person#"
# Moodle's own pattern for a timestamp: the zone may be missing.
_MOODLE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?")


class Personality:
    """A platform by the book."""

    family: ClassVar[str] = "generic"
    product_code: ClassVar[str] = "generic"
    deployment_id: ClassVar[str] = "deployment-1"
    jwk_members: ClassVar[Mapping[str, Any]] = {}
    bad_proof: ClassVar[tuple[int, str]] = (401, "invalid_client")
    bad_token: ClassVar[int] = 401
    missing_scope: ClassVar[int] = 403
    one_bad_scope_fails_all: ClassVar[bool] = False
    sees_own_columns_only: ClassVar[bool] = False
    deletes_columns: ClassVar[bool] = True

    def __init__(self, platform: FakePlatform) -> None:
        self.platform = platform

    # --- launches ----------------------------------------------------------------------------------------------------

    @property
    def audience(self) -> str:
        """What aud of a client assertion has to be."""
        return self.platform.token_url

    def login_changes(self) -> dict[str, Any]:
        """What this family's logins send otherwise than `FakePlatform.login_fields`."""
        return {}

    def claim_changes(self) -> dict[str, Any]:
        """What this family's tokens say otherwise than `FakePlatform.claims`."""
        return {}

    # --- tokens ------------------------------------------------------------------------------------------------------

    def believes(self, proof: Mapping[str, Any]) -> bool:
        """Whether a client assertion with a good signature holds: iss = sub = client, aud, a jti never seen, at most 600 s."""
        moment = self.platform.now().timestamp()
        return (
            proof.get("iss") == proof.get("sub") == self.platform.client_id
            and proof.get("aud") == self.platform.audience
            and proof.get("jti") not in {None, *self.platform.seen_jtis}
            and proof["iat"] <= moment < proof["exp"]
            and proof["exp"] - proof["iat"] <= 600
        )

    # --- services ----------------------------------------------------------------------------------------------------

    def refused(self, request: Request) -> EgressResponse | None:
        """What this family refuses of any service request, before its own rules are asked."""
        return None

    def page_size(self, request: Request) -> int | None:
        """How many items a page has; None for all at once."""
        return self.platform.page_size

    def created(self, wanted: dict[str, Any]) -> EgressResponse:
        """Makes a column for a line item that is whole."""
        members = {
            name: value for name, value in wanted.items() if name not in {"id", "label", "scoreMaximum"}
        }
        url = self.platform.add_column(wanted["label"], wanted["scoreMaximum"], is_coupled=False, **members)
        return json_answer(201, self.platform.column_at(url).item)

    def deleted(self, column: Column) -> EgressResponse:
        """Deletes a column."""
        self.platform.forget_column(column)
        return EgressResponse(204, {}, b"")

    def result_members(self, cell: Cell, *, is_filtered: bool) -> dict[str, Any]:
        """The members of a result beside its user and its grade."""
        return {"comment": cell.comments[-1]} if cell.comments else {}

    # --- scores ------------------------------------------------------------------------------------------------------

    def scored(self, score: Score, column: Column, cell: Cell) -> EgressResponse:
        """Takes or refuses one score."""
        stamp = self.stamp(score)
        if stamp is None or not self.is_plausible(score) or score["userId"] not in self.platform.learners:
            return plain_answer(400, "Incorrect score received")
        if cell.modified is not None and stamp <= cell.modified:
            return plain_answer(409, "not newer")
        column.take(cell, score, stamp)
        return EgressResponse(200, {}, b"")

    def stamp(self, score: Score) -> datetime | None:
        """The score's time, None where it is none or has no zone."""
        text = score.get("timestamp")
        if not isinstance(text, str):
            return None
        try:
            stamp = datetime.fromisoformat(text)
        except ValueError:
            return None
        return stamp if stamp.tzinfo is not None else None

    def is_plausible(self, score: Score) -> bool:
        """Whether the members that a score must have are there and fit."""
        given, maximum = score.get("scoreGiven"), score.get("scoreMaximum")
        numbers = (given is None) == (maximum is None) and (given is None or (given >= 0 and maximum > 0))
        return bool(
            score.get("userId") and score.get("activityProgress") and score.get("gradingProgress") and numbers
        )


class Moodle(Personality):
    """Moodle 5.1, as run."""

    family = "moodle"
    product_code = "moodle"
    bad_proof = (400, "invalid_client")
    missing_scope = 401

    def login_changes(self) -> dict[str, Any]:
        return {"lti_message_hint": json.dumps({"cmid": 41, "launchid": "ltilaunch_41_7"})}

    def claim_changes(self) -> dict[str, Any]:
        # The column of the activity's link is named only while it is the only one.
        bound = [
            column.item["id"]
            for column in self.platform.columns.values()
            if column.item.get("resourceLinkId") == "link-1"
        ]
        endpoint = self.platform.claims("")[AGS]
        return {
            CONTEXT: {"id": "7", "title": "Parcel service", "label": "PS", "type": ["CourseSection"]},
            AGS: {**endpoint, "lineitem": bound[0] if len(bound) == 1 else ""},
            CUSTOM: {
                "collection": "parcels",
                "context_history": "",
                "resource_link_history": "$ResourceLink.id.history",
                "due": "$ResourceLink.submission.endDateTime",
            },
            "https://purl.imsglobal.org/spec/lti-bo/claim/basicoutcome": {"lis_result_sourcedid": "{}"},
            TOOL_PLATFORM: {"product_family_code": "moodle", "guid": "moodle.example", "version": "2026"},
        }

    def believes(self, proof: Mapping[str, Any]) -> bool:
        """By sub alone; iat may not be in the future, without a second of leeway."""
        moment = self.platform.now().timestamp()
        return proof.get("sub") == self.platform.client_id and proof["iat"] <= moment < proof["exp"]

    def refused(self, request: Request) -> EgressResponse | None:
        if (
            request.kind in {"lineitems", "results", "scores"}
            and request.headers.get("accept") == "application/json"
        ):
            return plain_answer(400, "No handler found")
        return None

    def page_size(self, request: Request) -> int | None:
        # Everything comes at once, unless one asks for pages; then the link to the next one is broken.
        if "limit" in request.query:
            self.platform.link_style = "moodle"
            return int(request.query["limit"])
        return self.platform.page_size

    def scored(self, score: Score, column: Column, cell: Cell) -> EgressResponse:
        if column.locked:
            return plain_answer(500, "grade item is locked")
        if not str(score.get("userId", "")).isdecimal():
            raise EgressFailed("malformed status line")
        stamp = self.stamp(score)
        if stamp is None or not self.is_plausible(score) or score["userId"] not in self.platform.learners:
            return plain_answer(400, "Incorrect score received")
        if cell.modified is not None and int(stamp.timestamp()) <= int(cell.modified.timestamp()):
            return plain_answer(409, "Refusing score with an earlier timestamp for item 1 and user")
        if cell.overridden:
            cell.modified = stamp
            return EgressResponse(200, {}, b"")
        column.take(cell, score, stamp)
        return EgressResponse(200, {}, b"")

    def stamp(self, score: Score) -> datetime | None:
        """A time without a zone is taken; a number is not. One in the future is taken too, and then nothing before it."""
        text = score.get("timestamp")
        if not isinstance(text, str) or not _MOODLE_TIME.fullmatch(text):
            return None
        stamp = datetime.fromisoformat(text)
        return stamp if stamp.tzinfo else stamp.replace(tzinfo=self.platform.now().tzinfo)


class Canvas(Personality):
    """Canvas, by its source and documentation."""

    family = "canvas"
    product_code = "canvas"
    sees_own_columns_only = True

    def login_changes(self) -> dict[str, Any]:
        return {
            "deployment_id": self.platform.deployment_id,
            "canvas_region": "us-east-1",
            "canvas_environment": "prod",
            "lti_storage_target": "post_message_forwarding",
            "lti_message_hint": "eyJ2ZXJpZmllciI6ImEtcGxhY2Vob2xkZXIifQ",
        }

    def claim_changes(self) -> dict[str, Any]:
        return {
            CUSTOM: {
                "collection": "parcels",
                # What it cannot fill in it sends as it stands.
                "assignment": "$Canvas.assignment.id",
                "context_history": "$Context.id.history",
            },
            TOOL_PLATFORM: {"product_family_code": "canvas", "guid": "canvas-school-1"},
            "https://www.instructure.com/placement": "assignment_selection",
        }

    def refused(self, request: Request) -> EgressResponse | None:
        if not request.headers.get("user-agent"):
            return plain_answer(403, "User-Agent required")
        if self.platform.is_concluded and request.kind != "token":
            return json_answer(404, {"errors": [{"message": "The specified resource does not exist."}]})
        return None

    def created(self, wanted: dict[str, Any]) -> EgressResponse:
        links = {column.item.get("resourceLinkId") for column in self.platform.columns.values()}
        if wanted.get("resourceLinkId") not in {None, *links}:
            return json_answer(404, {"errors": [{"message": "The specified resource does not exist."}]})
        return super().created(wanted)

    def deleted(self, column: Column) -> EgressResponse:
        if column.is_coupled:
            return json_answer(401, {"errors": [{"message": "coupled to an assignment"}]})
        return super().deleted(column)

    def scored(self, score: Score, column: Column, cell: Cell) -> EgressResponse:
        stamp = self.stamp(score)
        if score.get("userId") not in self.platform.learners:
            return self._error(422, "User not found in course or is not a student")
        if "scoreGiven" in score and "scoreMaximum" not in score:
            return self._error(422, "ScoreMaximum must be greater than 0")
        if stamp is None or not self.is_plausible(score):
            return self._error(400, "invalid")
        if cell.modified is not None and stamp < cell.modified:
            return self._error(400, "Provided timestamp before last updated timestamp")
        extension = score.get(CANVAS_SUBMISSION, {})
        submitted = extension.get("submitted_at") or score.get("submission", {}).get("submittedAt")
        if submitted and datetime.fromisoformat(submitted) > self.platform.now() + timedelta(minutes=1):
            return self._error(400, "Provided submitted_at timestamp is in the future")
        if extension.get("new_submission", True):
            if score["userId"] in self.platform.out_of_attempts:
                return self._error(422, "The maximum number of allowed attempts has been reached")
            cell.submissions += 1
        if extension.get("preserve_score") and score["gradingProgress"] != "FullyGraded":
            cell.modified = stamp
        elif not (extension.get("prioritize_non_tool_grade") and cell.overridden):
            column.take(cell, score, stamp, appends=True)
        return json_answer(200, {"resultUrl": f"{column.item['id'].partition('?')[0]}/results/1"})

    def _error(self, status: int, message: str) -> EgressResponse:
        return json_answer(status, {"errors": {"type": "unprocessable_entity", "message": message}})


class OpenEdx(Personality):
    """Open edX's consumer 11.4.4, as run."""

    family = "openedx"
    product_code = "openedx"
    deployment_id = "1"
    jwk_members: ClassVar[Mapping[str, Any]] = {"alg": ABSENT, "use": ABSENT}
    bad_token = 403
    deletes_columns = False

    def claim_changes(self) -> dict[str, Any]:
        # In its programmatic mode the tool is to make its own column.
        endpoint = self.platform.claims("")[AGS]
        return {
            AGS: {name: value for name, value in endpoint.items() if name != "lineitem"},
            CONTEXT: {
                "id": "course-v1:Parcels+PS+2026",
                "title": "Parcel service",
                "label": "PS",
                "type": ["http://purl.imsglobal.org/vocab/lis/v2/course#CourseOffering"],
            },
        }

    def page_size(self, request: Request) -> int | None:
        return None  # line items come all at once, whatever one asks for

    def scored(self, score: Score, column: Column, cell: Cell) -> EgressResponse:
        stamp = self.stamp(score)
        if score.get("scoreGiven", 0) < 0 or score.get("gradingProgress") not in GRADING_PROGRESS:
            return plain_answer(500, "server error")
        if stamp is None or not self.is_plausible(score) or score["userId"] not in self.platform.learners:
            return json_answer(400, {"error": "invalid"})
        if cell.modified is not None and stamp <= cell.modified:
            return json_answer(400, {"error": "Score timestamp is not newer"})
        cell.modified = stamp
        if score["gradingProgress"] == "FullyGraded":
            # The consumer publishes whatever it has: no score becomes 0.
            cell.set(score.get("scoreGiven") or 0.0, score.get("scoreMaximum") or column.item["scoreMaximum"])
        if score.get("comment"):
            cell.comments = [score["comment"]]
        return json_answer(201, dict(score))


class Sakai(Personality):
    """Sakai, by its source."""

    family = "sakai"
    product_code = "sakai"
    bad_proof = (400, "invalid_client")
    bad_token = 403
    one_bad_scope_fails_all = True

    def login_changes(self) -> dict[str, Any]:
        return {"lti_message_hint": ABSENT, "lti_storage_target": "_parent"}

    def claim_changes(self) -> dict[str, Any]:
        return {TOOL_PLATFORM: {"product_family_code": "sakai", "guid": "sakai.example"}}

    def created(self, wanted: dict[str, Any]) -> EgressResponse:
        """A column of that label becomes the tool's own, whoever made it."""
        for name in ("resourceId", "tag"):
            wanted[name] = wanted.get(name, "").replace("|", "")
        for column in self.platform.columns.values():
            if column.item["label"] == wanted["label"]:
                column.item.update({name: value for name, value in wanted.items() if name != "id"})
                return json_answer(201, column.item)
        return super().created(wanted)


class Blackboard(Personality):
    """Blackboard, by its documentation and what hypothesis/lms met."""

    family = "blackboard"
    product_code = "BlackboardLearn"
    sees_own_columns_only = True

    def claim_changes(self) -> dict[str, Any]:
        return {TOOL_PLATFORM: {"product_family_code": "BlackboardLearn", "guid": "blackboard.example"}}

    def page_size(self, request: Request) -> int | None:
        return int(request.query.get("limit", self.platform.page_size or 100))

    def result_members(self, cell: Cell, *, is_filtered: bool) -> dict[str, Any]:
        return {} if is_filtered else super().result_members(cell, is_filtered=is_filtered)

    def scored(self, score: Score, column: Column, cell: Cell) -> EgressResponse:
        if score.get("userId") not in self.platform.learners:
            return json_answer(400, {"status": 400, "message": "User could not be found"})
        if "\n" in score.get("comment", ""):
            # Shown as HTML: what was two lines is one.
            score["comment"] = score["comment"].replace("\n", " ")
        return super().scored(score, column, cell)


class Brightspace(Personality):
    """Brightspace (D2L), by its documentation and issues."""

    family = "brightspace"
    product_code = "desire2learn"
    bad_proof = (400, "invalid_grant")

    @property
    def audience(self) -> str:
        return "https://api.brightspace.com/auth/token"

    def login_changes(self) -> dict[str, Any]:
        return {"lti_storage_target": "_parent"}

    def claim_changes(self) -> dict[str, Any]:
        return {
            TOOL_PLATFORM: {"product_family_code": "desire2learn", "guid": "brightspace.example"},
            "http://www.brightspace.com": {"org_defined_id": "A-1041", "user_id": 4711},
        }

    def scored(self, score: Score, column: Column, cell: Cell) -> EgressResponse:
        user = score.get("userId")
        if user in self.platform.not_enrolled:
            return json_answer(403, {"detail": f"User {user} is not enrolled in the org unit"})
        if user not in self.platform.learners:
            return json_answer(404, {"detail": f"User {user} does not exist"})
        if user in self.platform.not_gradable:
            # The role has no grades here: the answer is polite, and nothing is stored.
            return EgressResponse(200, {}, b"")
        return super().scored(score, column, cell)


class Schoology(Personality):
    """Schoology, by its documentation and issues."""

    family = "schoology"
    product_code = "schoology"

    def claim_changes(self) -> dict[str, Any]:
        self.platform.learners.add("7::0d4f0c6f1f5e7f0a")
        return {"aud": [self.platform.client_id], "sub": "7::0d4f0c6f1f5e7f0a"}


PERSONALITIES: dict[str, type[Personality]] = {
    kind.family: kind
    for kind in (Personality, Moodle, Canvas, OpenEdx, Sakai, Blackboard, Brightspace, Schoology)
}
ADMINISTRATOR_ON_MOODLE = {
    ROLES: [
        f"{INSTITUTION}Administrator",
        f"{SYSTEM}Administrator",
        "http://purl.imsglobal.org/vocab/lis/v2/membership#Instructor",
    ]
}
