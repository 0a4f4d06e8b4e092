"""Deep linking on the campus: who asks for content, what is chosen, and what the platform then gets and launches."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import jwt
from httpx import Response
from sqlalchemy import select

from app.course.keys import DatabaseKeys
from app.course.models import Placement
from lti import DeepLinkingSettings, Launch, jwks_document
from lti.claims import CONTENT_ITEMS, DEEP_LINKING_REQUEST
from tests.app.rooms.campus import TOOL, Campus, Visit

RETURN_URL = "https://north.example/return?course=2&key=a%26b"


def asks_for_content(
    campus: Campus,
    who: str = "ivo",
    role: str = "instructor",
    *where: str,
    context: bool = True,
    **settings: Any,
) -> Launch:
    """A verified deep linking request; `settings` change what the platform takes."""
    launch = campus.launch(who, role, *where)
    wanted = DeepLinkingSettings(
        **{
            "return_url": RETURN_URL,
            "accept_types": ("ltiResourceLink",),
            "accept_targets": ("iframe",),
            "accept_multiple": True,
            **settings,
        }
    )
    return replace(
        launch,
        message_type=DEEP_LINKING_REQUEST,
        resource_link=None,
        ags=None,
        custom={},
        deep_linking=wanted,
        context=launch.context if context else None,
    )


def picker(campus: Campus, *who: str, **settings: Any) -> Visit:
    """Someone in front of the picker."""
    return campus.enter(asks_for_content(campus, *who, **settings))


def choose(visit: Visit, *choices: str, **fields: Any) -> Response:
    """Sends the picker's form. Names of fields with a slash come in `more`."""
    more = fields.pop("more", {})
    form: dict[str, Any] = {"choice": list(choices), **fields, **more}
    headers = visit.headers | {"Origin": TOOL}
    return visit.client.post("/picker", data=form, headers=headers)


def way_back(page: Response) -> str:
    """The address of the page that answers the platform."""
    assert page.status_code == 200, page.text
    found = re.search(r'href="(/picker/return/[^"]+)"', page.text)
    assert found, page.text
    return found[1]


@dataclass(frozen=True)
class Posted:
    """What the platform would get: where the form goes, and the token's claims, checked by our published key."""

    url: str
    token: str
    claims: Mapping[str, Any]
    page: Response

    @property
    def items(self) -> list[dict[str, Any]]:
        return list(self.claims[CONTENT_ITEMS])


def posted(campus: Campus, page: Response) -> Posted:
    """Goes the way back and reads the form on it."""
    shown = campus.client.get(way_back(page), headers={"Accept": "text/html"})
    assert shown.status_code == 200, shown.text
    action = re.search(r'<form id="return" method="post" action="([^"]*)"', shown.text)
    token = re.search(r'name="JWT" value="([^"]*)"', shown.text)
    assert action and token, shown.text
    keys = jwks_document(DatabaseKeys(campus.services.database, campus.services.vault))["keys"]
    kid = jwt.get_unverified_header(token[1])["kid"]
    claims = jwt.decode(
        token[1],
        jwt.PyJWK(next(key for key in keys if key["kid"] == kid)),
        algorithms=["RS256"],
        options={"verify_aud": False, "verify_exp": False, "verify_iat": False},
    )
    return Posted(html.unescape(action[1]), token[1], claims, shown)


def launched(campus: Campus, item: Mapping[str, Any], *who: str, link: str = "placed", **how: Any) -> Visit:
    """Someone opens the placed activity: the platform launches the item's address with its custom parameters."""
    launch = campus.launch(*who, link=link, **how)
    return campus.enter(replace(launch, target_link_uri=item["url"], custom=dict(item["custom"])))


def placements_of(campus: Campus) -> list[Placement]:
    with campus.services.database.read() as session:
        return list(session.scalars(select(Placement).order_by(Placement.title)))
