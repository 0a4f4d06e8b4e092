"""The four messages that a platform sends: a valid one of each, as claims that may be changed."""

from __future__ import annotations

from typing import Any

from lti.claims import (
    AGS,
    CONTEXT,
    DATA_PRIVACY_REQUEST,
    DEEP_LINKING_REQUEST,
    DEEP_LINKING_SETTINGS,
    FOR_USER,
    MESSAGE_TYPE,
    RESOURCE_LINK,
    RESOURCE_LINK_REQUEST,
    ROLES,
    SUBMISSION_REVIEW_REQUEST,
)
from tests.fakes.platform import ABSENT, INSTRUCTOR, FakePlatform

MESSAGES = (RESOURCE_LINK_REQUEST, DEEP_LINKING_REQUEST, SUBMISSION_REVIEW_REQUEST, DATA_PRIVACY_REQUEST)


def message(platform: FakePlatform, message_type: str, nonce: str = "", /, **changes: Any) -> dict[str, Any]:
    """The claims of a valid message of that type."""
    special: dict[str, dict[str, Any]] = {
        RESOURCE_LINK_REQUEST: {},
        DEEP_LINKING_REQUEST: {
            RESOURCE_LINK: ABSENT,
            ROLES: [INSTRUCTOR],
            DEEP_LINKING_SETTINGS: {
                "deep_link_return_url": f"{platform.base}/deep?course=7",
                "accept_types": ["ltiResourceLink", "link"],
                "accept_presentation_document_targets": ["iframe", "window"],
                "accept_multiple": True,
                "accept_lineitem": True,
                "auto_create": False,
                "data": "csrf=7&course=é",
            },
        },
        SUBMISSION_REVIEW_REQUEST: {ROLES: [INSTRUCTOR], FOR_USER: {"user_id": "102", "name": "Bo Lind"}},
        DATA_PRIVACY_REQUEST: {
            # It is about a person, and so about no course.
            RESOURCE_LINK: ABSENT,
            CONTEXT: ABSENT,
            AGS: ABSENT,
            ROLES: ["http://purl.imsglobal.org/vocab/lis/v2/institution/person#Administrator"],
            FOR_USER: {"user_id": "102"},
        },
    }
    return platform.claims(nonce, **{MESSAGE_TYPE: message_type, **special[message_type], **changes})
