"""A fake notification service: takes handlers, and signs notices as a platform would."""

from __future__ import annotations

import json
import secrets
from typing import Any

from lti.claims import (
    CONTEXT,
    DEPLOYMENT_ID,
    NOTICE,
    NOTICE_SCOPE,
    NOTICE_SERVICE,
    ORIGIN_CONTEXTS,
    VERSION,
)
from lti.ports import EgressResponse
from tests.fakes.platform import FakePlatform
from tests.fakes.wire import Request, json_answer, plain_answer, without_absent

TYPES = ("LtiHelloWorldNotice", "LtiContextCopyNotice", "LtiAssetProcessorSubmissionNotice")


class Notices:
    """The notification service of a platform, answered through its `further`. `refuses`: types that it does not take."""

    def __init__(self, platform: FakePlatform) -> None:
        self.platform = platform
        self.url = f"{platform.base}/api/lti/notice-handlers/106"
        self.handlers: dict[str, str] = {}
        self.refuses: dict[str, int] = {}
        self.seen: list[Request] = []
        platform.granted_scopes.add(NOTICE_SCOPE)
        platform.further.append(self.answer)

    @property
    def claim(self) -> dict[str, Any]:
        """The launch's claim."""
        service = {
            "platform_notification_service_url": self.url,
            "service_versions": ["1.0"],
            "scope": [NOTICE_SCOPE],
            "notice_types_supported": list(TYPES),
        }
        return {NOTICE_SERVICE: service}

    def answer(self, request: Request) -> EgressResponse | None:
        if request.url != self.url:
            return None
        self.seen.append(request)
        _, _, token = request.headers.get("authorization", "").partition(" ")
        scopes, _ = self.platform.tokens.get(token, (frozenset(), None))
        if NOTICE_SCOPE not in scopes:
            return plain_answer(401, "scope missing")
        if request.method != "PUT" or request.headers.get("content-type") != "application/json":
            return plain_answer(400, "PUT application/json")
        body = request.json
        if body["notice_type"] in self.refuses:
            return plain_answer(self.refuses[body["notice_type"]], "not this type")
        if not body["handler"]:
            self.handlers.pop(body["notice_type"], None)
            return json_answer(200, body)
        if not body["handler"].startswith(f"{self.platform.tool_url}/"):
            return plain_answer(400, "the handler is not on the tool's domain")
        self.handlers[body["notice_type"]] = body["handler"]
        return json_answer(200, body)

    def claims(self, kind: str = "LtiHelloWorldNotice", **changes: Any) -> dict[str, Any]:
        """A valid notice; keys of `changes` may be claim names, ABSENT leaves one out."""
        moment = int(self.platform.now().timestamp())
        body = {
            "iss": self.platform.issuer,
            "aud": self.platform.client_id,
            "iat": moment,
            "exp": moment + 3600,
            "nonce": secrets.token_hex(8),
            VERSION: "1.3.0",
            DEPLOYMENT_ID: self.platform.deployment_id,
            NOTICE: {"id": secrets.token_hex(8), "timestamp": "2026-11-23T09:00:00Z", "type": kind},
        }
        return without_absent({**body, **changes})

    def token(self, kind: str = "LtiHelloWorldNotice", **changes: Any) -> str:
        return self.platform.sign(self.claims(kind, **changes))

    def copied(self, context: str, *origins: str, **changes: Any) -> str:
        """The notice that `context` was made as a copy of `origins`."""
        about = {CONTEXT: {"id": context, "title": "The copy"}, ORIGIN_CONTEXTS: list(origins)}
        return self.token("LtiContextCopyNotice", **{**about, **changes})


def delivery(*tokens: str) -> bytes:
    """The body of a POST to our handler."""
    return json.dumps({"notices": [{"jwt": token} for token in tokens]}).encode()
