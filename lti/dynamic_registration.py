"""Dynamic registration (LTI Dynamic Registration 1.0): a platform's own page opens ours with the address of its
configuration; we read that, send our registration, and learn our client id.

Three steps, each of which refuses with an `LtiError` whose words say what to do: `read_configuration`,
`registration_document` (no request), `send_registration`. Who may start them is the application's business.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from lti.claims import (
    LINEITEM_READ_SCOPE,
    LINEITEM_SCOPE,
    RESULT_SCOPE,
    SCORE_SCOPE,
    optional_text,
    required_text,
)
from lti.errors import N_, LtiError
from lti.platforms import Quirks, family_of, quirks_of
from lti.ports import Egress, EgressFailed, EgressRefused, EgressResponse
from lti.registration import origin_of
from lti.replies import shortened
from lti.settings import USER_AGENT

PLATFORM_CONFIGURATION = "https://purl.imsglobal.org/spec/lti-platform-configuration"
TOOL_CONFIGURATION = "https://purl.imsglobal.org/spec/lti-tool-configuration"

# Everything that we can use, in the order of the specifications; a platform is asked for what it offers of it.
SCOPES = (
    LINEITEM_SCOPE,
    LINEITEM_READ_SCOPE,
    RESULT_SCOPE,
    SCORE_SCOPE,
    "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly",
    "https://purl.imsglobal.org/spec/lti/scope/noticehandlers",
)
# The newest of them: a platform that lists no scopes is not asked for it, since one scope too many may fail the whole.
_ONLY_WHERE_LISTED = frozenset({"https://purl.imsglobal.org/spec/lti/scope/noticehandlers"})
CLAIMS = ("iss", "sub", "name", "given_name", "family_name", "locale")
# Substituted by the platform in each launch: which courses and links this one was copied from (Core 1.3, appendix C).
CUSTOM_PARAMETERS = {
    "context_history": "$Context.id.history",
    "resource_link_history": "$ResourceLink.id.history",
}
# Known under two names: see `lti.claims.MESSAGE_ALIASES`.
_DATA_PRIVACY = frozenset({"DataPrivacyLaunchRequest", "LtiDataPrivacyLaunchRequest"})
MESSAGES = frozenset(
    {"LtiResourceLinkRequest", "LtiDeepLinkingRequest", "LtiSubmissionReviewRequest", *_DATA_PRIVACY}
)

_MOST_BYTES = 256 * 1024
_LONGEST_TOKEN = 8_000
_LONGEST_URL = 1_000
_MOST_NAMES = 500
_AGAIN_IN_LMS = N_(
    "Start the registration again in your learning platform: paste the same Workside link there once more."
)
_BY_HAND = N_(
    "Ask the people who run your learning platform, or register it by hand on Workside's administration pages."
)


class ConfigurationAddressRefused(LtiError):
    """openid_configuration is missing, not https, or leads into a private network."""

    title = N_("The address of your platform's configuration can't be used")
    advice = N_(
        "Open this link from your learning platform's page for adding tools; it adds the address of its configuration. "
        "It must begin with https:// and be reachable from the internet."
    )


class ConfigurationUnreachable(LtiError):
    """No answer, or not one with status 200: a redirect is not followed."""

    title = N_("Your platform's configuration can't be read")
    advice = _AGAIN_IN_LMS


class ConfigurationInvalid(LtiError):
    """What answers is no configuration of a learning platform: not JSON, or members that registration needs are missing."""

    title = N_("Your platform's configuration can't be understood")
    advice = _BY_HAND


class ConfigurationForeign(LtiError):
    """The configuration speaks for an issuer on another host, or names endpoints there (Dynamic Registration 1.0, 3.5.1)."""

    title = N_("Your platform's configuration names another platform's addresses")
    advice = _BY_HAND


class RegistrationTokenRefused(LtiError):
    """The platform does not take the token that it gave for this registration: used before, or expired."""

    title = N_("Your platform doesn't accept its own registration link any more")
    advice = _AGAIN_IN_LMS


class RegistrationDeclined(LtiError):
    """The platform refused our registration; its words are among the details."""

    title = N_("Your platform refused the registration")
    advice = _BY_HAND


class RegistrationUnanswered(LtiError):
    """The registration was sent and nothing, or an error of the platform's own, came back: it may have taken it."""

    title = N_("Your platform gave no clear answer to the registration")
    advice = N_(
        "Look among its tools first: if Workside is there, remove it. Then start the registration again there."
    )


@dataclass(frozen=True)
class PlatformConfiguration:
    """A platform's configuration, checked. `scopes`, `claims` and `variables` are None where it lists none.

    `messages` maps each supported message type to the placements it offers. `family` is a key of `lti.platforms`.
    """

    issuer: str
    auth_url: str
    token_url: str
    jwks_url: str
    registration_url: str
    family: str
    product: str = ""
    scopes: frozenset[str] | None = None
    claims: frozenset[str] | None = None
    messages: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def quirks(self) -> Quirks:
        return quirks_of(self.family)


@dataclass(frozen=True)
class ToolDescription:
    """Who we are. `base_url` has no trailing slash; `messages` are those that are answered here."""

    base_url: str
    name: str = "Workside"
    description: str = "A coach for work: answers with sources, practice, and feedback."
    messages: frozenset[str] = MESSAGES

    @property
    def launch_url(self) -> str:
        return self.base_url + "/lti/launch"

    @property
    def domain(self) -> str:
        """Host (and port, where it is not the usual one) of our addresses: Moodle wants it equal to target_link_uri's."""
        return urlsplit(origin_of(self.base_url)).netloc


@dataclass(frozen=True)
class Registered:
    """What the platform made of our registration. `deployment_id` is None where it names none (Canvas).

    `scopes` and `messages` may be fewer than we asked for.
    """

    client_id: str
    deployment_id: str | None
    scopes: tuple[str, ...]
    messages: tuple[str, ...]


def read_configuration(
    egress: Egress,
    url: str,
    token: str | None,
    *,
    family: str = "generic",
    allow_private: bool = False,
) -> PlatformConfiguration:
    """Fetches and checks the configuration at `url` (Dynamic Registration 1.0, 3.2).

    The token goes along as Bearer where there is one: Canvas demands it; Brightspace sends none. `family` is what the
    administrator said the platform is; it decides which hosts beside the issuer's are believed.
    """
    if len(url) > _LONGEST_URL or not _is_usable(url, allow_private):
        raise ConfigurationAddressRefused("not a usable address")
    try:
        answer = egress.request(
            "GET",
            url,
            headers=_headers(token),
            read_seconds=10,
            max_bytes=_MOST_BYTES,
            allow_private=allow_private,
        )
    except EgressRefused as error:
        raise ConfigurationAddressRefused(str(error)) from error
    except EgressFailed as error:
        raise ConfigurationUnreachable(str(error)) from error
    if answer.status in {401, 403}:
        raise RegistrationTokenRefused(f"configuration: status {answer.status}", _their_words(answer))
    if answer.status != 200:
        raise ConfigurationUnreachable(f"configuration: status {answer.status}")
    document = _json_object(answer.body)
    if document is None:
        raise ConfigurationInvalid("not a JSON object")
    return _checked(document, url, family, allow_private)


def registration_document(configuration: PlatformConfiguration, tool: ToolDescription) -> dict[str, Any]:
    """The registration to send (Dynamic Registration 1.0, 3.5.2): only scopes, claims and messages that the platform offers."""
    facts = configuration.quirks.registering
    messages = [
        _message(type_, configuration, tool)
        for type_ in configuration.messages
        if type_ in MESSAGES and (type_ in tool.messages or type_ in _DATA_PRIVACY)
    ]
    return {
        "application_type": "web",
        "response_types": ["id_token"],
        "grant_types": ["implicit", "client_credentials"],
        "initiate_login_uri": tool.base_url + "/lti/login",
        "redirect_uris": [tool.launch_url],
        "client_name": tool.name,
        "jwks_uri": tool.base_url + "/lti/jwks.json",
        "logo_uri": tool.base_url + "/static/favicon.svg",
        "token_endpoint_auth_method": "private_key_jwt",
        "scope": " ".join(_scopes(configuration)),
        TOOL_CONFIGURATION: {
            "domain": tool.domain,
            "description": tool.description,
            "target_link_uri": tool.launch_url,
            "custom_parameters": dict(CUSTOM_PARAMETERS),
            "claims": _offered(CLAIMS, configuration.claims),
            "messages": messages,
            **facts.tool_members,
        },
    }


def send_registration(
    egress: Egress,
    configuration: PlatformConfiguration,
    document: Mapping[str, Any],
    token: str | None,
    *,
    allow_private: bool = False,
) -> Registered:
    """Posts the registration; 200 and 201 are both yes. Raises RegistrationTokenRefused, RegistrationDeclined or
    RegistrationUnanswered; after the last one the platform may know us all the same."""
    try:
        answer = egress.request(
            "POST",
            configuration.registration_url,
            headers={**_headers(token), "Content-Type": "application/json"},
            content=json.dumps(document).encode(),
            read_seconds=20,
            max_bytes=_MOST_BYTES,
            allow_private=allow_private,
        )
    except EgressRefused as error:
        raise RegistrationDeclined(str(error)) from error
    except EgressFailed as error:
        raise RegistrationUnanswered(str(error)) from error
    if answer.status == 401:
        raise RegistrationTokenRefused("registration: status 401", _their_words(answer))
    if 300 <= answer.status < 500:
        raise RegistrationDeclined(f"registration: status {answer.status}", _their_words(answer))
    reply = _json_object(answer.body)
    client_id = (reply or {}).get("client_id")
    if isinstance(client_id, int) and not isinstance(client_id, bool):
        client_id = str(client_id)  # Canvas's developer keys are numbers
    if answer.status not in {200, 201} or reply is None or not required_text(client_id):
        raise RegistrationUnanswered(f"registration: status {answer.status} without a client id")
    tool = reply.get(TOOL_CONFIGURATION)
    tool = tool if isinstance(tool, dict) else {}
    deployment_id = tool.get("deployment_id", reply.get("deployment_id"))
    if isinstance(deployment_id, int) and not isinstance(deployment_id, bool):
        deployment_id = str(deployment_id)
    return Registered(
        str(client_id),
        str(deployment_id) if required_text(deployment_id) else None,
        tuple(_words(reply.get("scope"))) or tuple(str(document["scope"]).split()),
        tuple(_types(tool.get("messages"))),
    )


# --- the configuration -----------------------------------------------------------------------------------------------


def _checked(
    document: Mapping[str, Any], url: str, family: str, allow_private: bool
) -> PlatformConfiguration:
    names = ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri", "registration_endpoint")
    addresses = {name: document.get(name) for name in names}
    for name, value in addresses.items():
        if not isinstance(value, str) or len(value) > _LONGEST_URL or not _is_usable(value, allow_private):
            raise ConfigurationInvalid(f"{name} is missing or no https address")
    issuer, auth_url, token_url, jwks_url, registration_url = (str(addresses[name]) for name in names)
    lti = document.get(PLATFORM_CONFIGURATION)
    lti = lti if isinstance(lti, dict) else {}
    product = optional_text(lti.get("product_family_code"), 100) or ""
    # The issuer's own host or the administrator says whose hosts are believed; the document's word is only a label.
    believed = family_of(issuer) if family == "generic" else family
    facts = quirks_of(believed).registering
    own = {origin_of(url), origin_of(issuer)}
    if origin_of(url) != origin_of(issuer) and not (facts.owns(_host(url)) and facts.owns(_host(issuer))):
        raise ConfigurationForeign(f"the configuration lies on {_host(url)}, its issuer on {_host(issuer)}")
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
        if origin_of(str(addresses[name])) not in own and not facts.owns(_host(str(addresses[name]))):
            raise ConfigurationForeign(f"{name} lies on {_host(str(addresses[name]))}")
    if facts.domain_member and facts.owns(_host(url)):
        own |= {f"https://{str(lti.get(facts.domain_member) or '').lower()}"}
    if origin_of(registration_url) not in own and not facts.owns(_host(registration_url)):
        raise ConfigurationForeign(f"registration_endpoint lies on {_host(registration_url)}")
    messages = {
        type_: tuple(_words((entry if isinstance(entry, dict) else {}).get("placements")))
        for entry in _list(lti.get("messages_supported"))
        if (type_ := _type_of(entry))
    }
    return PlatformConfiguration(
        issuer=issuer,
        auth_url=auth_url,
        token_url=token_url,
        jwks_url=jwks_url,
        registration_url=registration_url,
        family=believed if believed != "generic" else family_of(issuer, product),
        product=f"{product} {optional_text(lti.get('version'), 100) or ''}".strip(),
        scopes=_set_of(document.get("scopes_supported")),
        claims=_set_of(document.get("claims_supported")),
        # A platform that lists no message still launches resource links: there is no LTI without them.
        messages=messages or {"LtiResourceLinkRequest": ()},
    )


def _message(type_: str, configuration: PlatformConfiguration, tool: ToolDescription) -> dict[str, Any]:
    facts = configuration.quirks.registering
    offered = configuration.messages[type_]
    placements = [name for name in facts.placements.get(type_, ()) if name in offered]
    message: dict[str, Any] = {"type": type_, "target_link_uri": tool.launch_url, "label": tool.name}
    if placements:
        message["placements"] = placements
        message |= facts.message_members.get(type_, {})
    return message


def _is_usable(url: str, allow_private: bool) -> bool:
    origin = origin_of(url)
    return origin.startswith("https://") or (allow_private and origin.startswith("http://"))


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""


def _scopes(configuration: PlatformConfiguration) -> list[str]:
    if configuration.scopes is None:
        return [scope for scope in SCOPES if scope not in _ONLY_WHERE_LISTED]
    return _offered(SCOPES, configuration.scopes)


def _offered(wanted: Iterable[str], offered: frozenset[str] | None) -> list[str]:
    return [name for name in wanted if offered is None or name in offered]


# --- reading what others write ---------------------------------------------------------------------------------------


def _headers(token: str | None) -> dict[str, str]:
    headers = {"Accept": "application/json", "User-Agent": USER_AGENT}
    if token:
        if len(token) > _LONGEST_TOKEN or not token.isascii() or not token.isprintable() or " " in token:
            raise RegistrationTokenRefused("the registration token can't be sent")
        headers["Authorization"] = f"Bearer {token}"
    return headers


def _json_object(body: bytes) -> dict[str, Any] | None:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _their_words(answer: EgressResponse) -> tuple[tuple[str, str], ...]:
    """The platform's own words about a refusal, as a detail to show: from JSON the usual members, else the text."""
    document = _json_object(answer.body)
    found: object = answer.body[:2_000].decode("utf-8", "replace")
    if document is not None:
        names = ("error_description", "message", "error", "errors", "detail")
        found = next((document[name] for name in names if document.get(name)), document)
    text = shortened("; ".join(_texts_in(found))[:2_000])
    return ((N_("Your learning platform says"), text),) if text else ()


def _texts_in(value: object, depth: int = 5) -> list[str]:
    """The texts in what a platform says of a refusal: a text, or lists and objects of them."""
    if isinstance(value, str) or not depth:
        return [value] if isinstance(value, str) else []
    inner = list(value.values())[:_MOST_NAMES] if isinstance(value, dict) else _list(value)
    return [text for one in inner for text in _texts_in(one, depth - 1)]


def _list(value: object) -> list[Any]:
    return value[:_MOST_NAMES] if isinstance(value, list) else []


def _words(value: object) -> list[str]:
    """The texts of a list, or of one text with spaces between: scopes and placements are written either way."""
    listed = value.split()[:_MOST_NAMES] if isinstance(value, str) else _list(value)
    return [word for word in listed if isinstance(word, str) and required_text(word)]


def _set_of(value: object) -> frozenset[str] | None:
    return frozenset(_words(value)) if isinstance(value, (list, str)) and value else None


def _type_of(entry: object) -> str:
    type_ = entry.get("type") if isinstance(entry, dict) else entry
    return type_ if isinstance(type_, str) and required_text(type_) else ""


def _types(value: object) -> list[str]:
    return [type_ for entry in _list(value) if (type_ := _type_of(entry))]
