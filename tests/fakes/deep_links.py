"""Where a platform takes a deep linking response: what each family looks at, and what breaks it."""

from __future__ import annotations

from typing import Any

import jwt

from lti.claims import DEPLOYMENT_ID, MESSAGE_TYPE, VERSION
from lti.ports import EgressResponse
from tests.fakes.platform import FakePlatform
from tests.fakes.wire import json_answer, plain_answer

ITEMS = "https://purl.imsglobal.org/spec/lti-dl/claim/content_items"
DATA = "https://purl.imsglobal.org/spec/lti-dl/claim/data"
ERROR = "https://purl.imsglobal.org/spec/lti-dl/claim/errormsg"


def return_of(platform: FakePlatform, token: str, *, data: str | None = None) -> EgressResponse:
    """Answers the posted JWT: 200 with the items as they were placed, or the family's refusal. `data` is what the request had."""
    assert platform.tool_jwks is not None
    keys = {key["kid"]: key for key in platform.tool_jwks()["keys"]}
    try:
        body = jwt.decode(
            token,
            jwt.PyJWK(keys[jwt.get_unverified_header(token)["kid"]]),
            algorithms=["RS256"],
            options={"verify_aud": False, "verify_exp": False, "verify_iat": False},
        )
    except (jwt.PyJWTError, KeyError):
        return plain_answer(400, "signature")
    moment = platform.now().timestamp()
    if body.get("iss") != platform.client_id or not body.get("exp", 0) > moment:
        return plain_answer(400, "iss or exp")
    if platform.personality != "moodle":
        # Moodle looks at the signature, exp and iss only.
        holds = (
            body.get("aud") == platform.issuer
            and body.get("iat", moment + 1) <= moment
            and body.get("nonce")
            and body.get(DEPLOYMENT_ID) == platform.deployment_id
            and body.get(MESSAGE_TYPE) == "LtiDeepLinkingResponse"
            and body.get(VERSION) == "1.3.0"
            and body.get(DATA) == data
        )
        if not holds:
            return plain_answer(400, "claims")
    items = body.get(ITEMS, [])
    for item in items:
        refusal = _broken_by(platform.personality, item)
        if refusal is not None:
            return refusal
        column = item.get("lineItem")
        if column is not None:
            platform.add_column(
                column.get("label", item["title"]), column["scoreMaximum"], **column_ids(column)
            )
    return json_answer(200, items)


def column_ids(column: dict[str, Any]) -> dict[str, Any]:
    return {name: column[name] for name in ("resourceId", "tag") if name in column}


def _broken_by(family: str, item: dict[str, Any]) -> EgressResponse | None:
    """What an item breaks: Moodle's PHP takes `custom: {}` for a list, Open edX needs a title and knows no files."""
    if family == "moodle" and item.get("custom") == {}:
        return plain_answer(500, "Fatal error: custom")
    if family == "openedx" and ("title" in item and item["title"] is None):
        return plain_answer(500, "server error")
    if family == "openedx" and item.get("type") == "file":
        return plain_answer(400, "unsupported content type")
    return None
