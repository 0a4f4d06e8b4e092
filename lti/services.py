"""Calls to a platform's services: with a token, only to hosts that the platform's signed claims named, never redirected."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from lti.errors import (
    ScopeNotGranted,
    ServiceAddressRefused,
    ServiceRefused,
    ServiceUnavailable,
)
from lti.ports import AccessToken, Clock, Egress, EgressFailed, EgressRefused, EgressResponse
from lti.registration import Registration, origin_of
from lti.replies import is_throttled, next_link, retry_after, words_of
from lti.settings import USER_AGENT
from lti.tokens import ServiceTokens

_MOST_PAGES = 100


@dataclass(frozen=True)
class Services:
    """What a service call needs: the way out, the tokens, the clock. One for the whole process."""

    egress: Egress
    tokens: ServiceTokens
    now: Clock

    def call(
        self,
        registration: Registration,
        method: str,
        url: str,
        *,
        scopes: Collection[str],
        needs: str,
        origins: Collection[str],
        accept: str = "*/*",
        content_type: str | None = None,
        content: bytes | None = None,
    ) -> EgressResponse:
        """Sends one authorised request and returns whatever the service answers, after renewing a refused token once.

        `scopes` are those to ask a token for (all that the launch's claim lists: one token serves every call), `needs` is
        the one this call cannot do without, `origins` those that signed claims named. Raises ServiceAddressRefused,
        ScopeNotGranted, TokenDenied, TokenUnavailable, and ServiceUnavailable where no whole answer came.
        """
        self._check_address(registration, url, origins)
        token = self._token(registration, scopes, needs)
        answer = self._send(registration, token, method, url, accept, content_type, content)
        expired = answer.status == 401 or (
            answer.status == 403 and registration.quirks.renews_token_on_403 and not is_throttled(answer)
        )
        if expired:
            # Once: what a service says to a fresh token is its answer (case 85).
            self.tokens.drop(registration, scopes, token)
            token = self._token(registration, scopes, needs)
            answer = self._send(registration, token, method, url, accept, content_type, content)
        return answer

    def pages(
        self,
        registration: Registration,
        url: str,
        *,
        scopes: Collection[str],
        needs: str,
        origins: Collection[str],
        accept: str,
    ) -> Iterator[list[dict[str, Any]]]:
        """The objects of a container, page by page, until there is no next page.

        Ends at a page of another origin, at a page seen before and after 100 pages; asks for no page size (Moodle's next
        links break with one). Raises ServiceRefused or ServiceUnavailable beside what `call` raises.
        """
        seen: set[str] = set()
        following: str | None = url
        while following is not None and following not in seen and len(seen) < _MOST_PAGES:
            seen.add(following)
            answer = self.call(
                registration, "GET", following, scopes=scopes, needs=needs, origins=origins, accept=accept
            )
            yield [item for item in _list_of(self.read(registration, answer)) if isinstance(item, dict)]
            page = next_link(answer, following)
            following = page if page is not None and origin_of(page) == origin_of(url) else None

    def read(self, registration: Registration, answer: EgressResponse) -> Any:
        """The JSON of a good answer. Raises ServiceUnavailable for 429, 5xx and throttling, ServiceRefused for other noes."""
        throttled = answer.status == 403 and registration.quirks.throttles_with_403 and is_throttled(answer)
        if answer.status == 429 or answer.status >= 500 or throttled:
            raise ServiceUnavailable(f"status {answer.status}", retry_after(answer, self.now()))
        if not 200 <= answer.status < 300:
            raise ServiceRefused(answer.status, words_of(answer))
        try:
            return json.loads(answer.body) if answer.body.strip() else None
        except (ValueError, RecursionError) as error:
            raise ServiceUnavailable("the answer is not JSON") from error

    def _check_address(self, registration: Registration, url: str, origins: Collection[str]) -> None:
        origin = origin_of(url)
        if not origin or not (origin.startswith("https://") or registration.allow_private):
            raise ServiceAddressRefused("not an https address")
        if origin not in origins and origin not in registration.own_origins:
            raise ServiceAddressRefused("the host was in no signed claim")

    def _token(self, registration: Registration, scopes: Collection[str], needs: str) -> AccessToken:
        token = self.tokens.token(registration, scopes)
        # The writing scope reads too.
        if not token.scopes & {needs, needs.removesuffix(".readonly")}:
            raise ScopeNotGranted(needs)
        return token

    def _send(
        self,
        registration: Registration,
        token: AccessToken,
        method: str,
        url: str,
        accept: str,
        content_type: str | None,
        content: bytes | None,
    ) -> EgressResponse:
        headers = {"Authorization": f"Bearer {token.value}", "Accept": accept, "User-Agent": USER_AGENT}
        if content_type is not None:
            headers["Content-Type"] = content_type
        try:
            return self.egress.request(
                method, url, headers=headers, content=content, allow_private=registration.allow_private
            )
        except EgressFailed as error:
            raise ServiceUnavailable(str(error)) from error
        except EgressRefused as error:
            raise ServiceAddressRefused(str(error)) from error


def _list_of(document: object) -> list[Any]:
    """A container's members. Some platforms wrap the list in an object, or answer a single member without a list."""
    if isinstance(document, dict):
        return next((value for value in document.values() if isinstance(value, list)), [document])
    return document if isinstance(document, list) else []
