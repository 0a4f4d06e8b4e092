"""The services that a platform offers to the tool's server, for one request each: lti1p3platform's classes over our gradebook."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

import jwt
from lti1p3platform.exceptions import LineItemNotFoundException, LtiException, LtiServiceException
from lti1p3platform.membership import Context
from lti1p3platform.response import Response
from lti1p3platform.score import UpdateScoreStatus
from lti1p3platform.service_connector import AssignmentsGradesService, NamesRoleProvisioningService

from demo.catalogue import Course
from demo.gradebook import LineItem, LineItemNotFound, ScoreRefused
from demo.platform import IncomingRequest, Platform


class GradeService(AssignmentsGradesService):  # type: ignore[misc]
    """Line items, scores and results of one course, for one request."""

    def __init__(
        self, request: IncomingRequest, platform: Platform, course: Course, scopes: list[str]
    ) -> None:
        super().__init__(request, platform, platform.addresses.line_items(platform.organisation, course))
        self._platform = platform
        self._course = course
        self._scopes = scopes

    @property
    def allowed_scopes(self) -> list[str]:
        return self._scopes

    def answer(self, handler: Callable[..., Response], **kwargs: Any) -> Response:
        """The handler's response, with every refusal as a status; never an exception."""
        try:
            return self.handle_resp(handler, **kwargs)
        except ScoreRefused as refused:
            return Response(None, refused.status, refused.reason)
        except (LtiException, jwt.PyJWTError) as problem:
            return Response(None, 401, f"Invalid access token: {problem}")

    def _public(self, item: LineItem) -> dict[str, Any]:
        shown = {
            "id": self._platform.addresses.line_item(self._platform.organisation, self._course, item.id),
            "label": item.label,
            "scoreMaximum": item.maximum,
            "resourceLinkId": item.resource_link_id,
            "resourceId": item.resource_id,
            "tag": item.tag,
        }
        return {name: value for name, value in shown.items() if value is not None}

    def find_lineitems(
        self,
        page: int = 1,
        limit: int | None = None,
        line_item_id: str | None = None,
        resource_link_id: str | None = None,
        resource_id: str | None = None,
        tag: str | None = None,
    ) -> dict[str, Any]:
        wanted = {"resource_link_id": resource_link_id, "resource_id": resource_id, "tag": tag}
        found = [
            self._public(item)
            for item in self._platform.gradebook.line_items(self._platform.organisation.slug, self._course.id)
            if all(value is None or getattr(item, name) == value for name, value in wanted.items())
        ]
        shown = found if limit is None else found[(page - 1) * limit : page * limit]
        return {"content": shown, "has_next": limit is not None and page * limit < len(found)}

    def find_lineitem(self, line_item_id: str) -> dict[str, Any]:
        try:
            return self._public(
                self._platform.gradebook.line_item(
                    self._platform.organisation.slug, self._course.id, line_item_id
                )
            )
        except LineItemNotFound as problem:
            raise LineItemNotFoundException from problem

    def _parse(self, data: Any, line_item_id: str) -> LineItem:
        if not isinstance(data, dict):
            raise LtiServiceException("A line item is a JSON object.", 400)
        label, maximum = data.get("label"), data.get("scoreMaximum")
        if not isinstance(label, str) or not label.strip():
            raise LtiServiceException("label is missing.", 400)
        if isinstance(maximum, bool) or not isinstance(maximum, int | float) or not maximum > 0:
            raise LtiServiceException("scoreMaximum must be a positive number.", 400)
        link = data.get("resourceLinkId")
        if link is not None and link not in {activity.id for activity in self._course.activities}:
            raise LtiServiceException("resourceLinkId is not an activity of this course.", 404)
        return LineItem(line_item_id, label, float(maximum), link, data.get("resourceId"), data.get("tag"))

    def create_lineitem(self, creation_data: Any) -> dict[str, Any]:
        item = self._parse(creation_data, secrets.token_hex(6))
        self._platform.gradebook.add_line_item(self._platform.organisation.slug, self._course.id, item)
        return self._public(item)

    def update_lineitem(self, update_data: Any) -> dict[str, Any]:
        item = self._parse(update_data, update_data["id"])
        try:
            self._platform.gradebook.change_line_item(self._platform.organisation.slug, self._course.id, item)
        except LineItemNotFound as problem:
            raise LineItemNotFoundException from problem
        return self._public(item)

    def delete_lineitem(self, line_item_id: str) -> None:
        try:
            self._platform.gradebook.delete_line_item(
                self._platform.organisation.slug, self._course.id, line_item_id
            )
        except LineItemNotFound as problem:
            raise LineItemNotFoundException from problem

    def update_score(self, line_item_id: str, score: Any) -> UpdateScoreStatus:
        try:
            self._platform.gradebook.record_score(
                self._platform.organisation, self._course, line_item_id, score
            )
        except LineItemNotFound as problem:
            raise LineItemNotFoundException from problem
        return UpdateScoreStatus.SUCCESS

    def get_results(
        self, line_item_id: str, page: int = 1, limit: int | None = None, user_id: str | None = None
    ) -> dict[str, Any]:
        item = self.find_lineitem(line_item_id)
        path, _, query = item["id"].partition("?")
        found = [
            {
                "id": f"{path}/results/{result.person}?{query}",
                "scoreOf": item["id"],
                "userId": result.person,
                "resultMaximum": item["scoreMaximum"],
            }
            | ({} if result.score is None else {"resultScore": result.score})
            | ({} if result.comment is None else {"comment": result.comment})
            for result in self._platform.gradebook.results(self._platform.organisation.slug, [line_item_id])
            if user_id in (None, result.person)
        ]
        shown = found if limit is None else found[(page - 1) * limit : page * limit]
        return {"content": shown, "has_next": limit is not None and page * limit < len(found)}


class MemberService(NamesRoleProvisioningService):  # type: ignore[misc]
    """The people of one course."""

    def __init__(self, request: IncomingRequest, platform: Platform, course: Course) -> None:
        super().__init__(request, platform, platform.addresses.members(platform.organisation, course))
        self._platform = platform
        self._course = course

    def answer(self) -> Response:
        try:
            return self.handle_resp(self.handle_get_members)
        except (LtiException, jwt.PyJWTError) as problem:
            return Response(None, 401, f"Invalid access token: {problem}")

    def get_context_by_id(self) -> Context:
        return Context(self._course.id, self._course.label, self._course.title)

    def is_resource_link_valid(self, context_id: str, resource_link_id: str) -> bool:
        return resource_link_id in {activity.id for activity in self._course.activities}

    def get_member_data_page(
        self,
        page: int = 1,
        limit: int | None = None,
        role: str | None = None,
        since: str | None = None,
        rlid: str | None = None,
    ) -> dict[str, Any]:
        former = self._platform.organisation.former
        found = [
            {
                "user_id": person.id,
                "status": "Inactive" if person in former else "Active",
                "name": person.name,
                "given_name": person.given_name,
                "family_name": person.family_name,
                "email": person.email,
                # Short names, as Moodle sends them.
                "roles": [person.role.capitalize()],
            }
            for person in (*self._platform.organisation.people, *former)
            if role is None or role.rpartition("#")[2] == person.role.capitalize()
        ]
        shown = found if limit is None else found[(page - 1) * limit : page * limit]
        return {"content": shown, "has_next": limit is not None and page * limit < len(found)}
