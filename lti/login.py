"""OIDC third-party initiated login: from the platform's knock to the address that the browser is sent to.

Security Framework 1.0, 5.1.1: the platform says who it is and for whom (a hint); we answer with an authentication request
that carries a state and a nonce of our own, and the platform posts the token back to our one launch address.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import parse_qsl, quote, urlencode

from lti.claims import required_text
from lti.errors import (
    LoginMalformed,
    LoginParameterMissing,
    RegistrationAmbiguous,
    RegistrationUnknown,
    TargetForeign,
)
from lti.ports import Clock, LaunchState, LaunchStates, Registrations
from lti.registration import Registration, origin_of
from lti.secret import new_secret, secret_hash
from lti.settings import LtiSettings

# What a login consists of, and so what a restart in a new window repeats. Canvas says deployment_id, the others
# lti_deployment_id (case 11); lti_storage_target is left out, since a new window has no such frame.
RESTARTED = (
    "iss",
    "login_hint",
    "target_link_uri",
    "lti_message_hint",
    "client_id",
    "lti_deployment_id",
    "deployment_id",
)
_MOST_FIELDS = 100
_log = logging.getLogger("workside.lti")


@dataclass(frozen=True)
class BindingSecrets:
    """Three independent secrets that only the browser of this login gets; any one of them proves it later."""

    cookie: str
    storage: str
    session: str

    def __repr__(self) -> str:
        return "BindingSecrets(...)"


@dataclass(frozen=True)
class Login:
    """A login under way: where to send the browser, and what to leave with it. `id` is public, the secrets are not."""

    id: str
    registration: Registration
    auth_url: str
    secrets: BindingSecrets
    storage_target: str | None
    restart: str


def form_fields(encoded: bytes) -> dict[str, str]:
    """The fields of a form or a query string. Raises LoginMalformed where a field is doubled (case 16) or it is no form.

    A doubled field is refused because two readers may each believe another one of the two.
    """
    try:
        pairs = parse_qsl(
            encoded.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS
        )
    except ValueError as error:
        raise LoginMalformed("not a form") from error
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise LoginMalformed("a parameter comes twice")
    return fields


def begin_login(
    fields: Mapping[str, str],
    registrations: Registrations,
    states: LaunchStates,
    settings: LtiSettings,
    now: Clock,
) -> Login:
    """Answers one login initiation: checks it, keeps a state, and gives the authentication request's address.

    Raises LoginParameterMissing, LoginMalformed, RegistrationUnknown, RegistrationAmbiguous, TargetForeign, LoginsTooMany.
    Nothing is asked of any other machine.
    """
    for name in ("iss", "login_hint", "target_link_uri"):
        if not fields.get(name):
            raise LoginParameterMissing(name)
    if not all(required_text(value, settings.form_bytes) for value in fields.values() if value):
        raise LoginMalformed("a text that cannot be stored")
    registration = _registration(fields, registrations)
    target = fields["target_link_uri"]
    if origin_of(target) != settings.origin:
        raise TargetForeign("target_link_uri of the login")
    storage_target = fields.get("lti_storage_target") or None
    if storage_target is not None and not required_text(storage_target):
        storage_target = None

    state, nonce = new_secret(), new_secret()
    secret = BindingSecrets(new_secret(), new_secret(), new_secret())
    restart = urlencode([(name, fields[name]) for name in RESTARTED if fields.get(name)], quote_via=quote)
    login = Login(
        id=secrets.token_hex(8),
        registration=registration,
        auth_url=_auth_url(registration, fields, settings.launch_url, state, nonce),
        secrets=secret,
        storage_target=storage_target,
        restart=restart,
    )
    states.put(
        secret_hash(state),
        LaunchState(
            id=login.id,
            registration_id=registration.id,
            nonce_hash=secret_hash(nonce),
            target_link_uri=target,
            storage_target=storage_target,
            restart=restart,
            cookie_hash=secret_hash(secret.cookie),
            storage_hash=secret_hash(secret.storage),
            session_hash=secret_hash(secret.session),
            expires_at=now() + timedelta(seconds=settings.state_seconds),
        ),
    )
    return login


def _registration(fields: Mapping[str, str], registrations: Registrations) -> Registration:
    """The registration that the login names. A deployment that is not known yet decides nothing here (cases 10 and 11): the
    signed token will say which it is."""
    issuer, client_id = fields["iss"], fields.get("client_id") or None
    deployment_id = fields.get("lti_deployment_id") or fields.get("deployment_id") or None
    if deployment_id is not None:
        found = registrations.find(issuer, client_id, deployment_id)
        if len(found) == 1:
            return found[0]
    found = registrations.find(issuer, client_id)
    if not found:
        raise RegistrationUnknown("issuer or client id")
    if len(found) > 1:
        raise RegistrationAmbiguous(f"{len(found)} client ids fit")
    if deployment_id is not None:
        _log.info(
            "lti login names a deployment that is not known yet",
            extra={"registration_id": found[0].id, "deployment_id": deployment_id[:255]},
        )
    return found[0]


def _auth_url(
    registration: Registration, fields: Mapping[str, str], launch_url: str, state: str, nonce: str
) -> str:
    """The authentication request (Security Framework 5.1.1.2). Both hints go back as they came, percent-encoded.

    redirect_uri is always our one launch address, never what the login asked for: Moodle demands equality, and an open
    redirect would hand out tokens.
    """
    query = {
        "scope": "openid",
        "response_type": "id_token",
        "response_mode": "form_post",
        "prompt": "none",
        "client_id": registration.client_id,
        "redirect_uri": launch_url,
        "login_hint": fields["login_hint"],
        "state": state,
        "nonce": nonce,
    }
    # Sakai sends none; an empty one is not made up for it.
    if "lti_message_hint" in fields:
        query["lti_message_hint"] = fields["lti_message_hint"]
    base = registration.auth_url.partition("#")[0]
    joint = "" if base.endswith(("?", "&")) else "&" if "?" in base else "?"
    return base + joint + urlencode(query, quote_via=quote)
