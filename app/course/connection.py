"""Trying a registration's connection: are its keys there to read, does it give us a token, and for which scopes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import select

import lti
from app.course.keys import DatabaseKeys
from app.course.models import Context, Deployment, LineItem, Registration
from app.course.protocol import PlatformEgress, registration_of
from app.course.services import Services
from app.kit.clock import now
from app.kit.errors import N_
from lti.claims import SCORE_SCOPE
from lti.errors import LtiError
from lti.memory import MemoryTokenCache

# What to do about a refused token, by the word that the platform's answer carries (RFC 6749, 5.2) or by what went wrong.
_TOKEN_ADVICE = {
    "invalid_client": N_(
        "The platform doesn't accept our signature. Check that its registration of Workside has our address of public keys, "
        "the client id above, and that the tool is switched on there."
    ),
    "invalid_grant": N_(
        "The platform doesn't accept the audience of our request. Set the audience of this registration to what its "
        "administrators see as the token audience."
    ),
    "invalid_scope": N_(
        "The platform allows none of the services that we asked for. Switch on grades and names for the tool there."
    ),
}
_TOKEN_ADVICE_ELSE = N_(
    "Check the token address, and that the platform's registration of Workside has our address of public keys."
)
_KEYS_ADVICE = N_("Check the address of the public keys. Without them nobody can open Workside from here.")


@dataclass(frozen=True)
class Step:
    """One step of the test. `advice` is a message key and empty where it went well; `note` the technical detail."""

    name: Literal["keys", "token"]
    is_well: bool
    found: tuple[str, ...] = ()
    advice: str = ""
    note: str = ""


def check_connection(services: Services, registration_id: str) -> list[Step]:
    """Reads the platform's keys and asks for a token, now and past every cache. Two requests, up to a minute."""
    with services.database.read() as session:
        row = session.get_one(Registration, registration_id)
        registration = registration_of(row, demo=services.settings.demo)
        known = {
            scope
            for item in session.scalars(
                select(LineItem)
                .join(Context, Context.id == LineItem.context_id)
                .join(Deployment, Deployment.id == Context.deployment_id)
                .where(Deployment.registration_id == registration_id)
                .order_by(LineItem.id.desc())
                .limit(50)
            )
            for scope in item.scopes
        }
        # Sakai refuses a request with one scope too many: ask for what it told us, else for what grades cannot do without.
        scopes = set(row.scopes) or known or {SCORE_SCOPE}
    egress = PlatformEgress(services.egress)
    return [_read_keys(services, egress, registration), _get_token(services, egress, registration, scopes)]


def _read_keys(services: Services, egress: lti.Egress, registration: lti.Registration) -> Step:
    try:
        kids = lti.PlatformKeys(egress, now, observer=services.observer).read(registration)
    except LtiError as error:
        return Step("keys", False, advice=_KEYS_ADVICE, note=str(error)[:300])
    if not kids:
        return Step("keys", False, advice=_KEYS_ADVICE, note="the list of keys is empty")
    return Step("keys", True, tuple(kids[:20]))


def _get_token(
    services: Services, egress: lti.Egress, registration: lti.Registration, scopes: set[str]
) -> Step:
    keys = DatabaseKeys(services.database, services.vault)
    tokens = lti.ServiceTokens(egress, keys, MemoryTokenCache(), now, observer=services.observer)
    try:
        token = tokens.token(registration, scopes)
    except LtiError as error:
        note = str(error)[:300]
        advice = next((text for word, text in _TOKEN_ADVICE.items() if word in note), _TOKEN_ADVICE_ELSE)
        return Step("token", False, advice=advice, note=note)
    return Step("token", True, tuple(sorted(token.scopes)))
