"""lti's way out without sockets: requests go to the fake platforms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from lti.ports import EgressFailed, EgressRefused, EgressResponse
from lti.registration import origin_of

if TYPE_CHECKING:
    from tests.fakes.platform import FakePlatform


class FakeNetwork:
    """lti's `Egress` without sockets: carries a request to the platform whose origin it names.

    `private` are hosts whose names lead to private addresses; they are refused unless the registration allows them, as
    the real egress refuses them. Redirects are answers. Anything else does not resolve.
    """

    def __init__(self, *platforms: FakePlatform, private: Iterable[str] = ()) -> None:
        self.platforms = {origin_of(platform.base): platform for platform in platforms}
        self.private = set(private)
        self.requested: list[str] = []

    def add(self, platform: FakePlatform) -> None:
        self.platforms[origin_of(platform.base)] = platform

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        connect_seconds: float = 5,
        read_seconds: float = 30,
        max_bytes: int = 1 << 20,
        allow_private: bool = False,
    ) -> EgressResponse:
        self.requested.append(url)
        origin = origin_of(url)
        host = urlsplit(url).hostname or ""
        if not origin or (host in self.private and not allow_private):
            raise EgressRefused("a private address")
        if origin.startswith("http://") and not allow_private:
            raise EgressRefused("plain http")
        platform = self.platforms.get(origin)
        if platform is None:
            raise EgressFailed("the name does not resolve")
        answer = platform.handle(method, url, headers or {}, content or b"")
        if len(answer.body) > max_bytes:
            raise EgressFailed("too large")
        return answer
