"""The one door for outbound HTTP: vetted addresses, no redirects, small and quick answers.

The host is resolved here, every address is judged, and the connection goes to the judged address itself, so that a name
which resolves differently a moment later (DNS rebinding) gains nothing.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import httpcore

USER_AGENT = "Workside/0.1 (+LTI 1.3 tool)"

_NAT64 = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052, 2.1
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")  # all that is given out for global unicast (RFC 4291, 2.4)

# Until when the request of this thread must be done. Kept beside the connection, since a connection outlives requests.
_deadline: ContextVar[float] = ContextVar("egress_deadline")


class EgressRefused(Exception):
    """The address may not be reached from here: private, not https, or not an address at all. Trying again won't help."""


class EgressFailed(Exception):
    """The other side did not answer in time, or not in HTTP. Trying again may help."""


@dataclass(frozen=True)
class EgressResponse:
    """A whole response: status, headers with lower-case names, and at most `max_bytes` of body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class _TimedStream(httpcore.NetworkStream):
    """A stream whose reads and writes end with the request's deadline: the limits for one read never add up to an hour, as
    they would for a server that sends its headers a byte at a time."""

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _within_deadline(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, _within_deadline(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = _within_deadline(timeout, httpcore.ConnectTimeout)
        return _TimedStream(self._inner.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def _within_deadline(timeout: float | None, ended: type[httpcore.TimeoutException]) -> float:
    left = _deadline.get() - time.monotonic()
    if left <= 0:
        raise ended("the request's time is over")
    return left if timeout is None else min(timeout, left)


class _VettedBackend(httpcore.NetworkBackend):
    """Connects to an address that was judged, never to a name."""

    def __init__(self, allow_private: bool) -> None:
        self.allow_private = allow_private
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        failure: Exception | None = None
        for address in vetted_addresses(host, port, self.allow_private):
            try:
                left = _within_deadline(timeout, httpcore.ConnectTimeout)
                stream = self._inner.connect_tcp(address, port, left, local_address, socket_options)
                return _TimedStream(stream)
            except httpcore.ConnectError as error:
                failure = error
        raise failure or httpcore.ConnectError(f"no address for {host}")


def vetted_addresses(host: str, port: int, allow_private: bool) -> list[str]:
    """The addresses of `host` if every one of them may be reached; EgressRefused where one may not.

    One bad address refuses the host: a name with a public and a private address is how a filter is walked around.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise EgressFailed(f"the name {host} does not resolve") from error
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    for text in addresses:
        if not allow_private and not _is_public(text):
            raise EgressRefused(
                f"{host} leads to a private or local address ({text}). If this is your own LMS on a private network, "
                "register the platform with --allow-private."
            )
    return addresses


def _is_public(text: str) -> bool:
    address = ipaddress.ip_address(text.split("%", maxsplit=1)[0])
    if isinstance(address, ipaddress.IPv4Address):
        return address.is_global and not address.is_multicast
    # An IPv4 address may travel inside an IPv6 one (mapped, 6to4, NAT64); then what it carries is judged.
    inner = address.ipv4_mapped or address.sixtofour
    if inner is None and address in _NAT64:
        inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if inner is not None:
        return _is_public(str(inner))
    # `is_global` alone takes retired forms that still lead inside: IPv4-compatible (::7f00:1) and site-local (fec0::/10).
    return address in _GLOBAL_UNICAST and address.is_global


@cache
def _trusted() -> ssl.SSLContext:
    """The system's certificates, read once for the process: there are some hundred, and reading them takes 30 ms."""
    return ssl.create_default_context()


class EgressClient:
    """One connection pool for public addresses, one for platforms that an operator registered as private."""

    def __init__(self, *, allow_http: bool = False) -> None:
        self.allow_http = allow_http
        context = _trusted()
        self._pools = {
            private: httpcore.ConnectionPool(
                ssl_context=context,
                max_connections=50,
                keepalive_expiry=20,
                network_backend=_VettedBackend(private),
            )
            for private in (False, True)
        }

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
        """Sends one request and reads the whole answer; a redirect is an answer like any other.

        Raises EgressRefused for an address that may not be reached, EgressFailed for no, slow, cut or oversized answers.
        """
        try:
            parts = urlsplit(url)
        except ValueError as error:
            raise EgressRefused("the address is not a plain http(s) address") from error
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username is not None:
            raise EgressRefused("the address is not a plain http(s) address")
        if parts.scheme == "http" and not (self.allow_http and allow_private):
            raise EgressRefused(f"{parts.hostname} is not reached over plain http; use https")
        _deadline.set(time.monotonic() + connect_seconds + read_seconds)
        all_headers: dict[bytes | str, bytes | str] = {
            "User-Agent": USER_AGENT,
            "Host": parts.netloc,
            **dict((headers or {}).items()),
        }
        timeout = {
            "connect": connect_seconds,
            "read": read_seconds,
            "write": read_seconds,
            "pool": connect_seconds,
        }
        try:
            with self._pools[allow_private].stream(
                method, url, headers=all_headers, content=content, extensions={"timeout": timeout}
            ) as answer:
                body = bytearray()
                for chunk in answer.iter_stream():
                    body += chunk
                    if len(body) > max_bytes:
                        raise EgressFailed(f"{parts.hostname} sent more than {max_bytes} bytes")
                names = {
                    name.decode("latin-1").lower(): value.decode("latin-1") for name, value in answer.headers
                }
                return EgressResponse(answer.status, names, bytes(body))
        except (
            httpcore.NetworkError,
            httpcore.TimeoutException,
            httpcore.ProtocolError,
            ssl.SSLError,
            OSError,
        ) as error:
            raise EgressFailed(f"{parts.hostname} did not answer: {type(error).__name__}") from error
        except (TypeError, UnicodeError, ValueError) as error:  # httpcore: TypeError for what is not ASCII
            raise EgressRefused("the address or a header cannot be sent") from error

    def close(self) -> None:
        for pool in self._pools.values():
            pool.close()
