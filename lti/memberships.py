"""The list of a course's people: names and roles (NRPS 2.0). Read from beginning to end, or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from lti.claims import (
    CUSTOM,
    MEMBERSHIPS_SCOPE,
    custom_parameters,
    optional_mapping,
    optional_text,
    optional_texts,
    required_text,
)
from lti.errors import ServiceRefused, ServiceUnavailable
from lti.ports import EgressResponse
from lti.registration import Registration, origin_of
from lti.replies import link_to, next_link
from lti.roles import Role, role_of
from lti.services import Services

MEMBERSHIPS_TYPE = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"
MemberStatus = Literal["active", "inactive", "deleted"]
# A platform that pages by ten still comes to the end of a course with ten thousand people.
_MOST_PAGES = 1_000
_MOST_MEMBERS = 100_000
_STATUSES: Mapping[str, MemberStatus] = {"inactive": "inactive", "deleted": "deleted"}


@dataclass(frozen=True)
class Member:
    """One person of a course, by `user_id`, which is the `sub` of their launches. Names and all else may be missing.

    `custom` are the custom parameters that a list for one resource link adds (2.4), those of all its messages together.
    """

    user_id: str
    roles: tuple[str, ...] = ()
    status: MemberStatus = "active"
    name: str | None = None
    given_name: str | None = None
    family_name: str | None = None
    custom: Mapping[str, str] = field(default_factory=dict)

    @property
    def role(self) -> Role:
        """What the person may do in the course, with the least privilege; short role names count as full ones."""
        return role_of(self.roles)

    @property
    def display_name(self) -> str | None:
        """The best name that was sent, or None."""
        parts = " ".join(part for part in (self.given_name, self.family_name) if part)
        return self.name or parts or None


@dataclass(frozen=True)
class Members:
    """A whole list, each person once. `differences_url` will later list only what has changed since (2.5), where there is one."""

    members: tuple[Member, ...]
    differences_url: str | None = None


def read_memberships(
    services: Services, registration: Registration, url: str, *, resource_link_id: str | None = None
) -> Members:
    """Everybody whom the service at `url` lists; `url` may be a differences link of an earlier list.

    `resource_link_id` asks for the list as that activity sees it; a platform that does not know the link (404) is asked again
    without it. A list that breaks off (a failed page, a page on another host, a loop) raises ServiceUnavailable: who is
    missing from half a list has not left. Raises LtiError as `Services.call` does; ServiceRefused 403 where the course's
    people are not for us.
    """
    if resource_link_id is not None:
        try:
            return _read_all(services, registration, _for_link(url, resource_link_id), url)
        except ServiceRefused as refusal:
            if refusal.answer != 404:
                raise
    return _read_all(services, registration, url, url)


def _read_all(services: Services, registration: Registration, first: str, claimed: str) -> Members:
    found: dict[str, Member] = {}
    seen: set[str] = set()
    following: str | None = first
    differences: str | None = None
    while following is not None:
        if following in seen or len(seen) >= _MOST_PAGES or len(found) > _MOST_MEMBERS:
            raise ServiceUnavailable("the list of members does not come to an end")
        if origin_of(following) != origin_of(claimed):
            raise ServiceUnavailable("the list of members goes on at another host")
        seen.add(following)
        answer = services.call(
            registration,
            "GET",
            following,
            # A token of its own: one disallowed scope would cost the gradebook's token too (Sakai).
            scopes=(MEMBERSHIPS_SCOPE,),
            needs=MEMBERSHIPS_SCOPE,
            origins=(origin_of(claimed),),
            accept=MEMBERSHIPS_TYPE,
        )
        for member in _members(services, registration, answer):
            known = found.get(member.user_id)
            found[member.user_id] = member if known is None else _merged(known, member)
        differences = _differences(answer, following, claimed) or differences
        following = next_link(answer, following)
    return Members(tuple(found.values()), differences)


def _members(services: Services, registration: Registration, answer: EgressResponse) -> list[Member]:
    document = services.read(registration, answer)
    listed = document.get("members") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        raise ServiceUnavailable("the answer is no list of members")
    return [member for item in listed if (member := _member(item)) is not None]


def _member(item: object) -> Member | None:
    """One entry; None where it does not say who is meant."""
    if not isinstance(item, dict):
        return None
    identifier = item.get("user_id")
    if isinstance(identifier, int) and not isinstance(identifier, bool):
        identifier = str(identifier)
    if not isinstance(identifier, str) or not required_text(identifier):
        return None
    messages = item.get("message")
    custom: dict[str, str] = {}
    for message in messages if isinstance(messages, list) else [messages]:
        custom.update(custom_parameters(optional_mapping(message).get(CUSTOM)))
    status = item.get("status")
    return Member(
        identifier,
        optional_texts(item.get("roles")),
        _STATUSES.get(status.strip().lower(), "active") if isinstance(status, str) else "active",
        optional_text(item.get("name"), 200),
        optional_text(item.get("given_name"), 200),
        optional_text(item.get("family_name"), 200),
        custom,
    )


def _merged(one: Member, other: Member) -> Member:
    """Somebody who is listed twice, as in two sections: of two entries the active one counts, and all its roles."""
    if one.status != "active" or other.status != "active":
        return other if other.status == "active" else one
    return replace(one, roles=tuple(dict.fromkeys((*one.roles, *other.roles))))


def _differences(answer: EgressResponse, url: str, claimed: str) -> str | None:
    found = link_to(answer, url, "differences")
    return found if found is not None and origin_of(found) == origin_of(claimed) else None


def _for_link(url: str, resource_link_id: str) -> str:
    """The list as one activity sees it (2.4.1); an address that names one already is left as it is."""
    parts = urlsplit(url)
    if any(name == "rlid" for name, _ in parse_qsl(parts.query, keep_blank_values=True)):
        return url
    added: dict[str, Any] = {"rlid": resource_link_id}
    return urlunsplit(parts._replace(query="&".join(filter(None, (parts.query, urlencode(added))))))
