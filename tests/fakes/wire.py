"""What goes over the wire to and from a fake platform: a request as it was seen, its kind, planned faults, answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

from lti.ports import EgressResponse

Kind = Literal["jwks", "token", "lineitems", "lineitem", "scores", "results", "other"]


class _Absent:
    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Any = _Absent()
"""As the value of a claim, field or JWK member: it is left out."""


@dataclass(frozen=True)
class Request:
    """One request as the platform saw it."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    kind: Kind

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode()))

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.url).query))


@dataclass
class Fault:
    """What happens to the next request of a kind. `reply_lost`: it is carried out first, and nothing is answered."""

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    reply_lost: bool = False
    dropped: bool = False


def kind_of(url: str) -> Kind:
    """What a request is about, by its path."""
    path = urlsplit(url).path.rstrip("/")
    if path.endswith("/jwks"):
        return "jwks"
    if path.endswith("/token"):
        return "token"
    if path.endswith("/scores"):
        return "scores"
    if "/results" in path:
        return "results"
    if path.endswith("/lineitem"):
        return "lineitem"
    return "lineitems" if path.endswith("/lineitems") else "other"


def column_of(url: str) -> str:
    """The number of the column that a URL is about, "" for none."""
    return urlsplit(url).path.partition("/lineitems/")[2].partition("/")[0]


def without_absent(members: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not ABSENT}


def json_answer(status: int, document: Any, headers: Mapping[str, str] | None = None) -> EgressResponse:
    return EgressResponse(
        status, {"content-type": "application/json", **(headers or {})}, json.dumps(document).encode()
    )


def plain_answer(status: int, words: str) -> EgressResponse:
    return EgressResponse(status, {"content-type": "text/plain"}, words.encode())
