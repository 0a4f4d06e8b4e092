"""Deep linking (LTI Deep Linking 2.0): what a platform asks for, and the signed answer that places activities in a course.

The items are pylti1p3's `DeepLinkResource`, without the members that it emits empty: Moodle fails on `custom: {}`, Open edX on
a title of null (case 74). The answer itself is ours: the library's always carries `data`, lives ten minutes and names the
platform in a list.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import jwt
from pylti1p3.deep_link_resource import DeepLinkResource
from pylti1p3.lineitem import LineItem as LibraryLineItem

from lti import claims as names
from lti.errors import DeepLinkingInvalid
from lti.keys import load_signing_key
from lti.message import DeepLinkingSettings
from lti.ports import SigningKey
from lti.registration import Registration, origin_of

RESPONSE_SECONDS = 300
# Where a platform shows us in a frame: room for a task beside its checklist.
FRAME = {"width": 1000, "height": 720}
# The states of a learner's work that a person can look at (Submission Review 1.0, 3.1).
REVIEWABLE = ("Submitted", "Completed")


@dataclass(frozen=True)
class PlacedColumn:
    """The gradebook column that the platform is asked to make with an activity. `review_url` opens one learner's work."""

    label: str
    score_maximum: float
    resource_id: str
    tag: str
    review_url: str | None = None
    review_label: str | None = None

    def __post_init__(self) -> None:
        if not self.label or not self.resource_id or not 0 < self.score_maximum < math.inf:
            raise ValueError("a line item has a label, a resource id and a maximum above 0")


@dataclass(frozen=True)
class ContentItem:
    """One activity to be placed: an LTI resource link to `url`, which is ours. `custom` comes back with each of its launches."""

    title: str
    url: str
    custom: Mapping[str, str] = field(default_factory=dict)
    text: str | None = None
    column: PlacedColumn | None = None


def content_items(settings: DeepLinkingSettings, items: Sequence[ContentItem]) -> list[dict[str, Any]]:
    """The items as the platform takes them: no null and no empty member, a column only where it is not refused (case 72).

    Raises ValueError for items that the request does not take: the picker offers none.
    """
    if items and not settings.takes_links:
        raise ValueError("the platform takes no LTI resource links here")
    if len(items) > 1 and not settings.accept_multiple:
        raise ValueError("the platform takes one item")
    return [_item(settings, item) for item in items]


def _item(settings: DeepLinkingSettings, item: ContentItem) -> dict[str, Any]:
    resource = DeepLinkResource().set_title(item.title).set_url(item.url).set_custom_params(dict(item.custom))
    if item.column is not None and settings.accept_lineitem is not False:
        column = LibraryLineItem().set_label(item.column.label).set_score_maximum(item.column.score_maximum)
        column.set_resource_id(item.column.resource_id).set_tag(item.column.tag)
        if item.column.review_url:
            column.set_submission_review(
                list(REVIEWABLE), label=item.column.review_label, url=item.column.review_url
            )
        resource.set_lineitem(column)
    made: dict[str, Any] = {**resource.to_dict(), "text": item.text}
    if "iframe" in settings.accept_targets:
        made["iframe"] = FRAME
    elif "window" in settings.accept_targets:
        made["window"] = {"targetName": "_blank"}
    return {name: value for name, value in made.items() if value not in (None, "", {})}


def sign_response(
    registration: Registration,
    deployment_id: str,
    settings: DeepLinkingSettings,
    items: Sequence[Mapping[str, Any]],
    key: SigningKey,
    now: datetime,
    **texts: str,
) -> str:
    """The signed LtiDeepLinkingResponse (Deep Linking 2.0, 4.5); no item at all is a valid "cancelled".

    `texts` are any of msg and errormsg, which the platform may show, and log and errorlog, which it may keep.
    """
    moment = int(now.timestamp())
    payload: dict[str, Any] = {
        "iss": registration.client_id,
        "aud": registration.quirks.response_audience or registration.issuer,
        "iat": moment,
        "exp": moment + RESPONSE_SECONDS,
        "nonce": secrets.token_urlsafe(24),
        names.DEPLOYMENT_ID: deployment_id,
        names.MESSAGE_TYPE: names.DEEP_LINKING_RESPONSE,
        names.VERSION: "1.3.0",
        names.CONTENT_ITEMS: list(items),
        **{names.DEEP_LINKING_TEXTS[name]: text for name, text in texts.items() if text},
    }
    if settings.data is not None:
        payload[names.DEEP_LINKING_DATA] = settings.data
    return jwt.encode(payload, load_signing_key(key), algorithm="RS256", headers={"kid": key.kid})


def response_policy(return_url: str, frame_ancestors: Sequence[str]) -> str:
    """The Content-Security-Policy of the page that posts the response: its form goes to the platform's return URL and nowhere
    else (case 75)."""
    ancestors = " ".join(sorted(frame_ancestors)) or "'none'"
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        f"form-action {origin_of(return_url)}; base-uri 'none'; frame-ancestors {ancestors}"
    )


def read_settings(claim: object, *, allow_http: bool = False) -> DeepLinkingSettings:
    """The deep linking settings claim, strictly; a plain http return URL only with `allow_http` (a demo on one's own machine).

    Raises DeepLinkingInvalid where the return URL, accept_types or accept_presentation_document_targets is missing or no use,
    and where `data` could not be given back exactly.
    """
    settings = names.optional_mapping(claim)
    return_url = names.optional_url(settings.get("deep_link_return_url"))
    schemes = {"https", "http"} if allow_http else {"https"}
    if return_url is None or urlsplit(return_url).scheme not in schemes:
        raise DeepLinkingInvalid("return URL")
    types = names.optional_texts(settings.get("accept_types"))
    targets = names.optional_texts(settings.get("accept_presentation_document_targets"))
    if not types or not targets:
        raise DeepLinkingInvalid("accept_types or accept_presentation_document_targets")
    data = settings.get("data")
    if isinstance(data, str) and data and not names.required_text(data, len(data)):
        raise DeepLinkingInvalid("data")
    return DeepLinkingSettings(
        return_url=return_url,
        accept_types=types,
        accept_targets=targets,
        accept_multiple=names.switch(settings.get("accept_multiple")) is True,
        accept_lineitem=names.switch(settings.get("accept_lineitem")),
        auto_create=names.switch(settings.get("auto_create")) is True,
        title=names.optional_text(settings.get("title"), 500),
        text=names.optional_text(settings.get("text")),
        data=data if isinstance(data, str) else None,
    )
