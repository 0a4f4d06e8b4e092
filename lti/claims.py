"""The names of LTI's claims and scopes, and careful readers for their values.

Readers come in two kinds: `required_text` says whether a value is a usable text, the `optional_*` ones turn whatever is not
usable into None: a wrong type in an optional claim is as good as no claim (case 66).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from lti.registration import origin_of

Claims = Mapping[str, Any]

_LTI = "https://purl.imsglobal.org/spec/lti/claim/"
MESSAGE_TYPE = _LTI + "message_type"
VERSION = _LTI + "version"
DEPLOYMENT_ID = _LTI + "deployment_id"
TARGET_LINK_URI = _LTI + "target_link_uri"
RESOURCE_LINK = _LTI + "resource_link"
ROLES = _LTI + "roles"
CONTEXT = _LTI + "context"
CUSTOM = _LTI + "custom"
LAUNCH_PRESENTATION = _LTI + "launch_presentation"
TOOL_PLATFORM = _LTI + "tool_platform"
MIGRATION = _LTI + "lti1p1"
AGS = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"
NRPS = "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice"
NOTICE_SERVICE = _LTI + "platformnotificationservice"
NOTICE = _LTI + "notice"
ORIGIN_CONTEXTS = _LTI + "origin_contexts"
FOR_USER = _LTI + "for_user"
_DL = "https://purl.imsglobal.org/spec/lti-dl/claim/"
DEEP_LINKING_SETTINGS = _DL + "deep_linking_settings"
CONTENT_ITEMS = _DL + "content_items"
DEEP_LINKING_DATA = _DL + "data"
# What a deep linking response says to the person and to the platform's log (Deep Linking 2.0, 4.6).
DEEP_LINKING_TEXTS = {name: _DL + name for name in ("msg", "log", "errormsg", "errorlog")}

# The messages that are answered, and the one that we send.
RESOURCE_LINK_REQUEST = "LtiResourceLinkRequest"
DEEP_LINKING_REQUEST = "LtiDeepLinkingRequest"
SUBMISSION_REVIEW_REQUEST = "LtiSubmissionReviewRequest"
DATA_PRIVACY_REQUEST = "DataPrivacyLaunchRequest"
DEEP_LINKING_RESPONSE = "LtiDeepLinkingResponse"
MESSAGE_TYPES = (RESOURCE_LINK_REQUEST, DEEP_LINKING_REQUEST, SUBMISSION_REVIEW_REQUEST, DATA_PRIVACY_REQUEST)
# By analogy with the others some write the prefix where the Data Privacy Launch specification has none.
MESSAGE_ALIASES = {"LtiDataPrivacyLaunchRequest": DATA_PRIVACY_REQUEST}

_AGS_SCOPE = "https://purl.imsglobal.org/spec/lti-ags/scope/"
LINEITEM_SCOPE = _AGS_SCOPE + "lineitem"
LINEITEM_READ_SCOPE = _AGS_SCOPE + "lineitem.readonly"
RESULT_SCOPE = _AGS_SCOPE + "result.readonly"
SCORE_SCOPE = _AGS_SCOPE + "score"
MEMBERSHIPS_SCOPE = "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"
NOTICE_SCOPE = "https://purl.imsglobal.org/spec/lti/scope/noticehandlers"

ID_LIMIT = 255
TEXT_LIMIT = 4_000
# Half an address leads elsewhere, so a longer one is no address; whoever keeps one needs this much room.
URL_LIMIT = 2_000

# A substitution variable that the platform left as it was: "$" and a dotted name. "$5.00" is data.
_VARIABLE = re.compile(r"\$[A-Za-z_][\w-]*(\.[\w<>-]+)+")


def required_text(value: object, limit: int = ID_LIMIT) -> bool:
    """Whether it is a text of 1 to `limit` characters that databases and logs can hold (no NUL, no lone surrogate)."""
    return isinstance(value, str) and 0 < len(value) <= limit and _storable(value)


def optional_text(value: object, limit: int = TEXT_LIMIT) -> str | None:
    """The text, cut at `limit` characters; None for what is not a text, is empty or blank, or cannot be stored."""
    if not isinstance(value, str) or not value.strip() or not _storable(value):
        return None
    return value[:limit]


def optional_identifier(value: object) -> str | None:
    """The text where it can name something, never cut: half an id would name something else."""
    return value if isinstance(value, str) and required_text(value) else None


def optional_mapping(value: object) -> Mapping[str, Any]:
    """The object, or an empty one."""
    return value if isinstance(value, dict) else {}


def optional_texts(value: object) -> tuple[str, ...]:
    """The usable texts of a list; () where it is no list."""
    if not isinstance(value, list):
        return ()
    return tuple(item for item in value[:100] if isinstance(item, str) and required_text(item, 1_000))


def switch(value: object) -> bool | None:
    """A boolean that may be sent as text, as "true"; None for everything else, "not said"."""
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.strip().lower())
    return value if isinstance(value, bool) else None


def optional_url(value: object) -> str | None:
    """The URL where it is absolute http(s) with a plain host; None for `javascript:` and everything else."""
    if not isinstance(value, str) or len(value) > URL_LIMIT or not _storable(value):
        return None
    return value if origin_of(value) else None


def moment(value: object) -> float | None:
    """A NumericDate as seconds since 1970; None for a missing, boolean, textual, infinite or absurd one."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return float(value) if 0 <= value < 1e11 else None


def custom_parameters(value: object) -> dict[str, str]:
    """The custom claim's texts by name; members that are no texts or were left unsubstituted are absent (case 67)."""
    return {
        name: text
        for name, text in optional_mapping(value).items()
        if required_text(name)
        and isinstance(text, str)
        and _storable(text)
        and len(text) <= 10_000
        and not is_variable(text)
    }


def is_variable(text: str) -> bool:
    """Whether the text is a substitution variable that the platform did not know, like `$Canvas.assignment.id`."""
    return _VARIABLE.fullmatch(text.strip()) is not None


def _storable(text: str) -> bool:
    # PostgreSQL holds no NUL, UTF-8 no lone surrogate; JSON can carry both.
    return "\x00" not in text and not any("\ud800" <= character <= "\udfff" for character in text)
