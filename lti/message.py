"""A verified launch: what the platform said, reduced to what may be believed and stored."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from lti.claims import LINEITEM_READ_SCOPE, LINEITEM_SCOPE, RESULT_SCOPE, SCORE_SCOPE
from lti.registration import origin_of
from lti.roles import Role, is_learner


@dataclass(frozen=True)
class CourseContext:
    """The context claim: the course. `types` are as sent (full or short names)."""

    id: str
    title: str | None = None
    label: str | None = None
    types: tuple[str, ...] = ()


@dataclass(frozen=True)
class ResourceLink:
    """The resource link claim: the activity in the course."""

    id: str
    title: str | None = None
    description: str | None = None


@dataclass(frozen=True)
class AgsEndpoint:
    """The gradebook services that a launch offers (AGS 2.0, 3.1.1): the line item, the container, the scopes allowed.

    It is also the permission to send our token there: services are called at these URLs' origins (case 86). A line item's
    row may keep it as `AgsEndpoint(lineitem=url, lineitems=container, scopes=scopes)`.
    """

    lineitem: str | None
    lineitems: str | None
    scopes: frozenset[str]

    @property
    def can_send_scores(self) -> bool:
        return SCORE_SCOPE in self.scopes

    @property
    def can_read_results(self) -> bool:
        return RESULT_SCOPE in self.scopes

    @property
    def can_read_line_items(self) -> bool:
        return bool(self.scopes & {LINEITEM_SCOPE, LINEITEM_READ_SCOPE})

    @property
    def can_create_line_items(self) -> bool:
        return LINEITEM_SCOPE in self.scopes

    @property
    def origins(self) -> frozenset[str]:
        return frozenset(origin_of(url) for url in (self.lineitem, self.lineitems) if url) - {""}


@dataclass(frozen=True)
class DeepLinkingSettings:
    """What a deep linking request asks for (Deep Linking 2.0, 4.4.1). `data` goes back as it came, and only where it came.

    `accept_lineitem` None: the platform does not say whether it makes gradebook columns. `title` and `text` are its own words
    for what is chosen.
    """

    return_url: str
    accept_types: tuple[str, ...]
    accept_targets: tuple[str, ...]
    accept_multiple: bool = False
    accept_lineitem: bool | None = None
    auto_create: bool = False
    title: str | None = None
    text: str | None = None
    data: str | None = None

    @property
    def takes_links(self) -> bool:
        """Whether activities of ours can be placed at all: they are LTI resource links and nothing else."""
        return "ltiResourceLink" in self.accept_types

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready copy; `from_dict` reads it back."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> DeepLinkingSettings:
        lists = {name: tuple(data[name]) for name in ("accept_types", "accept_targets")}
        return cls(**{**data, **lists})


@dataclass(frozen=True)
class NoticeService:
    """Where the platform takes our notice handlers, and the types of notice that it sends (PNS 1.0)."""

    url: str
    types: tuple[str, ...]


@dataclass(frozen=True)
class Notice:
    """A verified notice. `id` is the platform's own, the same each time it is sent; of a replayed one, too.

    `context` and `origins` (ids of the courses that it was copied from, nearest first) are those of a context copy.
    """

    registration_id: str
    deployment_id: str
    id: str
    type: str
    context: CourseContext | None = None
    origins: tuple[str, ...] = ()


@dataclass(frozen=True)
class Migration:
    """The signed lti1p1 claim: who this was under LTI 1.1. Present only where its signature held (case 69)."""

    consumer_key: str
    user_id: str | None = None
    context_id: str | None = None
    resource_link_id: str | None = None
    platform_guid: str | None = None


@dataclass(frozen=True)
class Launch:
    """One verified message; `message_type` is one of `lti.claims.MESSAGE_TYPES`, and each has claims of its own: a resource link
    launch its link, a deep linking request its settings, a submission review `for_user` (a sub) and a line item.

    `sub` is None only where the registration allows anonymous launches: then nothing of the person may be stored and no score
    is sent. Texts come from the platform and are escaped wherever they are shown.
    """

    id: str
    registration_id: str
    issuer: str
    client_id: str
    deployment_id: str
    message_type: str
    target_link_uri: str
    sub: str | None
    roles: tuple[str, ...]
    role: Role
    resource_link: ResourceLink | None = None
    context: CourseContext | None = None
    ags: AgsEndpoint | None = None
    memberships_url: str | None = None
    custom: Mapping[str, str] = field(default_factory=dict)
    locale: str | None = None
    return_url: str | None = None
    name: str | None = None
    given_name: str | None = None
    family_name: str | None = None
    email: str | None = None
    platform_family: str = "generic"
    platform_guid: str | None = None
    migration: Migration | None = None
    deep_linking: DeepLinkingSettings | None = None
    for_user: str | None = None
    notices: NoticeService | None = None
    registered_frame_origins: frozenset[str] = frozenset()

    @property
    def identity(self) -> tuple[str, str, str] | None:
        """Who this is: (issuer, client_id, sub), never an e-mail address. None for an anonymous launch."""
        return None if self.sub is None else (self.issuer, self.client_id, self.sub)

    @property
    def short_id(self) -> str:
        """Four hex digits to tell nameless people apart on a page; says nothing about the person."""
        return hashlib.sha256(repr(self.identity or self.id).encode()).hexdigest()[:4]

    @property
    def display_name(self) -> str:
        """The best name that was sent, or "Learner <short id>": no personal data is needed to take part (case 63)."""
        parts = " ".join(part for part in (self.given_name, self.family_name) if part)
        return self.name or parts or f"Learner {self.short_id}"

    @property
    def is_gradable(self) -> bool:
        """Whether a score may be sent for this person: known, and a learner by the platform's own word (case 92)."""
        return self.sub is not None and is_learner(self.roles)

    @property
    def frame_origins(self) -> frozenset[str]:
        """Origins that may frame this launch's pages: the registration's, and those the signed claims show to be the site."""
        pages = (self.return_url, self.deep_linking.return_url if self.deep_linking else None)
        seen = {origin_of(url) for url in pages if url} | (self.ags.origins if self.ags else frozenset())
        named = self.registered_frame_origins - {"https:"}
        return frozenset(origin for origin in seen | named if origin) or self.registered_frame_origins

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready copy; `from_dict` reads it back."""
        data = asdict(self)
        data["registered_frame_origins"] = sorted(self.registered_frame_origins)
        if self.ags is not None:
            data["ags"]["scopes"] = sorted(self.ags.scopes)
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Launch:
        kinds = {
            "resource_link": ResourceLink,
            "context": CourseContext,
            "ags": AgsEndpoint,
            "migration": Migration,
        }
        values = dict(data)
        if values.get("deep_linking") is not None:
            values["deep_linking"] = DeepLinkingSettings.from_dict(values["deep_linking"])
        if values.get("notices") is not None:
            values["notices"] = NoticeService(values["notices"]["url"], tuple(values["notices"]["types"]))
        for name, kind in kinds.items():
            if values.get(name) is not None:
                values[name] = kind(**values[name])
        if values["ags"] is not None:
            values["ags"] = AgsEndpoint(
                values["ags"].lineitem, values["ags"].lineitems, frozenset(values["ags"].scopes)
            )
        if values["context"] is not None:
            context = values["context"]
            values["context"] = CourseContext(context.id, context.title, context.label, tuple(context.types))
        values["roles"] = tuple(values["roles"])
        values["registered_frame_origins"] = frozenset(values["registered_frame_origins"])
        return cls(**values)


def return_link(return_url: str, *, message: str | None = None, error: str | None = None) -> str:
    """The platform's return URL with `lti_msg` and `lti_errormsg` appended to whatever query it has (core 5.4.4)."""
    parts = urlsplit(return_url)
    query = parse_qsl(parts.query, keep_blank_values=True)
    query += [(name, text) for name, text in (("lti_msg", message), ("lti_errormsg", error)) if text]
    return urlunsplit(parts._replace(query=urlencode(query, quote_via=quote)))
