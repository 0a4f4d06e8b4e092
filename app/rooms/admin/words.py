"""What the administration pages say about a registration: families, services, errors, in words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from app.kit.errors import N_
from lti.claims import LINEITEM_READ_SCOPE, LINEITEM_SCOPE, RESULT_SCOPE, SCORE_SCOPE
from lti.errors import LtiError

# Names of products, the same in every language; the last one is a text.
FAMILIES: Mapping[str, str] = {
    "moodle": "Moodle",
    "canvas": "Canvas",
    "brightspace": "Brightspace",
    "blackboard": "Blackboard",
    "sakai": "Sakai",
    "openedx": "Open edX",
    "schoology": "Schoology",
    "generic": N_("Another platform"),
}
# Open edX and Schoology know no dynamic registration.
INVITED = ("moodle", "canvas", "brightspace", "blackboard", "sakai", "generic")

SCOPES: Mapping[str, str] = {
    LINEITEM_SCOPE: N_("Make gradebook columns"),
    LINEITEM_READ_SCOPE: N_("Read gradebook columns"),
    RESULT_SCOPE: N_("Read grades"),
    SCORE_SCOPE: N_("Send grades"),
    "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly": N_(
        "Read the course's people"
    ),
    "https://purl.imsglobal.org/spec/lti/scope/noticehandlers": N_("Hear of copied courses"),
}
# What is wrong with a field of a form, by `PlatformRefused.problem`; "unsaid" is an organisation that is missing.
PROBLEMS: Mapping[str, str] = {
    "length": N_("Write 1 to %(longest)s characters."),
    "address": N_("Write a full address, such as https://lms.example.org/token."),
    "plain": N_("The address must begin with https://."),
    "family": N_("Choose one of the list."),
    "organisation": N_("This issuer and client id are registered for another organisation."),
    "unsaid": N_("Choose an organisation, or name a new one."),
    "known": N_("This issuer and client id are registered already."),
    "in_use": N_("People have worked in this deployment: its records stay with their organisation."),
}
_NOBODY_KNOWS = N_("Something went wrong")


def title_of(reason: str) -> str:
    """The message key of a refusal's title, from the reason that was kept of it."""
    found = next((kind for kind in _kinds(LtiError) if _reason(kind) == reason), None)
    return found.title if found is not None else _NOBODY_KNOWS


def advice_of(reason: str) -> str:
    """The message key of a refusal's advice; empty where the reason is unknown."""
    found = next((kind for kind in _kinds(LtiError) if _reason(kind) == reason), None)
    return found.advice if found is not None else ""


def _kinds(kind: type[LtiError]) -> Iterator[type[LtiError]]:
    yield kind
    for more in kind.__subclasses__():
        yield from _kinds(more)


def _reason(kind: type[LtiError]) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", kind.__name__).lower()
