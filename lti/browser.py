"""The browser's side of a launch: the cookie that binds it, the headers of the pages it sees, the limit on its logins.

Third-party cookies are blocked by most browsers, so three independent secrets are left with the browser at login: a
partitioned cookie, a value in the platform's storage (LTI postMessage storage 1.0), a value in this frame's session
storage. Any one of them, and at least one, proves at launch that this browser asked for it.
"""

from __future__ import annotations

import ipaddress
import threading
from collections import OrderedDict
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from lti.errors import LoginsTooMany
from lti.login import Login
from lti.ports import Clock, LaunchState
from lti.registration import Registration
from lti.secret import secret_matches
from lti.settings import LtiSettings


def cookie_name(login_id: str) -> str:
    """One cookie for each login, so that two tabs never mix. `__Host-`: no other host of the site can set it."""
    return f"__Host-lti_b_{login_id}"


def _plain_cookie_name(login_id: str) -> str:
    return f"lti_b_{login_id}"


def set_binding_cookie(response: Response, login: Login, settings: LtiSettings) -> None:
    """Leaves the cookie. `Partitioned` is appended by hand: Starlette refuses it before Python 3.14.

    On plain http (the demo) a twin without Secure is left too, for browsers that do not count this host as secure.
    """
    _append(response, cookie_name(login.id), login.secrets.cookie, settings.state_seconds)
    if settings.is_plain_http:
        _append_plain(response, _plain_cookie_name(login.id), login.secrets.cookie, settings.state_seconds)


def clear_binding_cookie(response: Response, login_id: str, settings: LtiSettings) -> None:
    """Takes it back once it has done its work."""
    _append(response, cookie_name(login_id), "", 0)
    if settings.is_plain_http:
        _append_plain(response, _plain_cookie_name(login_id), "", 0)


def cookie_binds(request: Request, state: LaunchState, settings: LtiSettings) -> bool:
    """Whether the request carries the cookie that this login left."""
    names = [cookie_name(state.id)]
    if settings.is_plain_http:
        names.append(_plain_cookie_name(state.id))
    return any(secret_matches(request.cookies.get(name), state.cookie_hash) for name in names)


def value_binds(value: str | None, state: LaunchState) -> bool:
    """Whether a value from the platform's or the frame's storage is one that this login left."""
    return secret_matches(value, state.storage_hash) or secret_matches(value, state.session_hash)


def _append(response: Response, name: str, value: str, seconds: int) -> None:
    response.headers.append(
        "Set-Cookie",
        f"{name}={value}; Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=None; Partitioned",
    )


def _append_plain(response: Response, name: str, value: str, seconds: int) -> None:
    response.headers.append(
        "Set-Cookie", f"{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax"
    )


def page_headers(registration: Registration | None, settings: LtiSettings) -> dict[str, str]:
    """Headers of every login and launch page (case 18): nothing kept, no referrer, framed by the registered platform only.

    Before the platform is known any https page may frame the refusal. Never X-Frame-Options: it knows no list.
    """
    ancestors = set(registration.frame_origins) if registration is not None else {"https:"}
    if settings.is_plain_http and "https:" in ancestors:
        ancestors.add("http:")
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
        f"base-uri 'none'; frame-ancestors {_sources(ancestors)}"
    )
    return {
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
    }


def _sources(origins: Iterable[str]) -> str:
    return " ".join(sorted(origins)) or "'none'"


def auth_origin(registration: Registration) -> str:
    """The only origin that our values are handed to: that of the registered authentication URL, never "*"."""
    parts = urlsplit(registration.auth_url)
    return f"{parts.scheme}://{parts.netloc}"


class LoginLimit:
    """At most `per_minute` logins from one address in a minute; remembers at most `most` addresses.

    One IPv6 customer has a whole /64, so that counts as one address. The number is generous: a class behind one address
    opens an activity at once.
    """

    def __init__(self, per_minute: int, now: Clock, most: int = 10_000) -> None:
        self._per_minute = per_minute
        self._now = now
        self._most = most
        self._counts: OrderedDict[str, tuple[float, int]] = OrderedDict()
        self._lock = threading.Lock()

    def count(self, address: str | None) -> None:
        """Counts one login. Raises LoginsTooMany where it is one too many."""
        key, moment = _network(address or ""), self._now().timestamp()
        with self._lock:
            began, count = self._counts.pop(key, (moment, 0))
            if moment - began >= 60:
                began, count = moment, 0
            self._counts[key] = (began, count + 1)
            while len(self._counts) > self._most:
                self._counts.popitem(last=False)
        if count >= self._per_minute:
            raise LoginsTooMany("logins of one address")


def _network(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network((parsed, 64), strict=False)) if parsed.version == 6 else address
