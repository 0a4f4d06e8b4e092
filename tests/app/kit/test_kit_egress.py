"""Outbound HTTP: which addresses are reached, and what a slow, huge, cut or redirecting answer costs."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit.egress import EgressClient, EgressFailed, EgressRefused, vetted_addresses

INSIDE = [
    "127.0.0.1",
    "127.8.8.8",
    "0.0.0.0",
    "10.1.2.3",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "169.254.169.254",  # the metadata service of the large clouds
    "100.64.0.1",  # carriers' own NAT, RFC 6598
    "192.0.0.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "2130706433",  # 127.0.0.1 as one number
    "0x7f000001",
    "0x7f.1",
    "0177.0.0.1",
    "017700000001",
    "127.1",
    "::",
    "::1",
    "::7f00:1",  # IPv4-compatible, retired
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:a9fe:a9fe",
    "2002:7f00:1::",  # 6to4 around 127.0.0.1
    "2002:a00:1::",
    "64:ff9b::7f00:1",  # NAT64 around 127.0.0.1
    "64:ff9b::a00:1",
    "64:ff9b:1::a00:1",  # local-use NAT64, RFC 8215
    "2001:0:4136:e378::1",  # Teredo
    "2001:db8::1",
    "fe80::1",
    "fe80::1%lo",
    "fc00::1",
    "fd12:3456::1",
    "fec0::1",
    "ff02::1",
]
OUTSIDE = ["9.9.9.9", "151.101.1.69", "2620:fe::fe", "::ffff:9.9.9.9", "64:ff9b::909:909", "2002:909:909::"]


@pytest.fixture
def client() -> Iterator[EgressClient]:
    made = EgressClient(allow_http=True)
    yield made
    made.close()


@pytest.mark.parametrize("host", INSIDE)
def test_an_address_inside_is_refused_however_it_is_written(host: str) -> None:
    with pytest.raises((EgressRefused, EgressFailed)) as caught:
        vetted_addresses(host, 443, allow_private=False)
    if isinstance(caught.value, EgressRefused):
        assert "--allow-private" in str(caught.value)
    else:  # not an address for this machine's resolver: then nothing is connected to either
        assert "does not resolve" in str(caught.value)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "::1", "localhost"]
)
def test_the_resolver_reads_these_as_loopback_and_they_are_refused_as_such(host: str) -> None:
    with pytest.raises(EgressRefused):
        vetted_addresses(host, 443, allow_private=False)


@pytest.mark.parametrize("host", OUTSIDE)
def test_a_public_address_is_taken(host: str) -> None:
    assert vetted_addresses(host, 443, allow_private=False)


@pytest.mark.parametrize("host", ["127.0.0.1", "10.1.2.3", "fd12:3456::1"])
def test_an_operator_may_allow_a_private_lms(host: str) -> None:
    assert vetted_addresses(host, 443, allow_private=True) == [host]


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_judged_alike_in_every_ipv6_coat(address: Any) -> None:
    number = int(address)
    coats = [
        f"::ffff:{address}",
        f"2002:{number >> 16:x}:{number & 0xFFFF:x}::",
        f"64:ff9b::{number >> 16:x}:{number & 0xFFFF:x}",
    ]

    def is_taken(host: str) -> bool:
        try:
            return bool(vetted_addresses(host, 443, allow_private=False))
        except EgressRefused:
            return False

    assert {is_taken(coat) for coat in coats} == {is_taken(str(address))}


def resolver(*answers: list[str]) -> Callable[..., Any]:
    """A name service whose answers change from one question to the next; the last one stays."""
    left = list(answers)

    def getaddrinfo(host: str, port: int, *_args: Any, **_options: Any) -> Any:
        found = left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    return getaddrinfo


def test_one_private_address_among_public_ones_refuses_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", resolver(["9.9.9.9", "10.0.0.1"]))
    with pytest.raises(EgressRefused):
        vetted_addresses("lms.example", 443, allow_private=False)


def test_the_connection_goes_to_the_address_that_was_judged(
    client: EgressClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that is public when it is judged and loopback a moment later (DNS rebinding) leads nowhere new."""
    monkeypatch.setattr(socket, "getaddrinfo", resolver(["9.9.9.9"], ["127.0.0.1"]))
    asked: list[str] = []

    def connect(address: tuple[str, int], *_args: Any, **_options: Any) -> socket.socket:
        asked.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(EgressFailed):
        client.request("GET", "https://rebinding.example/")
    assert asked == ["9.9.9.9"]


@pytest.mark.parametrize(
    "url",
    [
        "ftp://lms.example/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/_FLUSHALL",
        "//lms.example/",
        "lms.example",
        "https:///path",
        "https://user@lms.example/",
        "https://user:password@lms.example/",
        "https://good.example\\@127.0.0.1/",
        "https://[::1/",
        "https://lms.example:port/",
        "https://ünïcode.example/",
        "",
    ],
)
def test_what_is_no_plain_address_is_refused(client: EgressClient, url: str) -> None:
    with pytest.raises(EgressRefused):
        client.request("GET", url, allow_private=True)


def test_plain_http_needs_both_the_demo_and_a_private_platform() -> None:
    for allow_http, allow_private in ((False, False), (False, True), (True, False)):
        client = EgressClient(allow_http=allow_http)
        with pytest.raises(EgressRefused, match="https"):
            client.request("GET", "http://127.0.0.1:9/", allow_private=allow_private)
        client.close()


class Pages(BaseHTTPRequestHandler):
    """The pages that a bad (or a good) server sends."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.asked.append((self.command, self.path, dict(self.headers)))  # type: ignore[attr-defined]
        getattr(self, f"send_{self.path.strip('/')}")()

    do_POST = do_GET

    def send_fine(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        body = b"got " + self.rfile.read(length)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Page", "1")
        self.end_headers()
        self.wfile.write(body)

    def send_away(self) -> None:
        self.send_response(302)
        self.send_header("Location", "/fine")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def send_huge(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(1 << 30))
        self.end_headers()
        sent = 0
        try:
            while sent < 1 << 30:
                sent += self.wfile.write(b"x" * 65536)
        except OSError:
            pass
        self.server.sent = sent  # type: ignore[attr-defined]
        self.close_connection = True

    def send_cut(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b"only this")
        self.close_connection = True

    def _drip(self, piece: bytes) -> None:
        try:
            for _ in range(200):
                self.wfile.write(piece)
                self.wfile.flush()
                time.sleep(0.05)
        except OSError:
            pass
        self.close_connection = True

    def send_slow_body(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000000")
        self.end_headers()
        self._drip(b"x")

    def send_slow_headers(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        self._drip(b"X-A: b\r\n")

    def send_nothing(self) -> None:
        self.close_connection = True

    def log_message(self, *_args: Any) -> None:
        pass


@contextmanager
def serving() -> Iterator[Any]:
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    server.asked, server.sent = [], 0
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def server() -> Iterator[Any]:
    with serving() as made:
        yield made


def test_a_request_goes_out_and_its_answer_comes_back_whole(client: EgressClient, server: Any) -> None:
    answer = client.request(
        "POST", f"{server.url}/fine", headers={"X-Own": "yes"}, content=b"words", allow_private=True
    )
    assert (answer.status, answer.body, answer.headers["x-page"]) == (200, b"got words", "1")
    (method, _, headers) = server.asked[0]
    assert method == "POST"
    assert headers["X-Own"] == "yes"
    assert headers["Host"] == server.url.removeprefix("http://")
    assert headers["User-Agent"].startswith("Workside")


def test_the_local_server_is_out_of_reach_unless_it_is_allowed(client: EgressClient, server: Any) -> None:
    with pytest.raises(EgressRefused):
        client.request("GET", f"{server.url}/fine")
    with pytest.raises(EgressRefused):
        client.request("GET", server.url.replace("http://", "https://"))
    assert server.asked == []


def test_a_connection_made_for_a_private_platform_is_not_lent_to_a_public_one(
    client: EgressClient, server: Any
) -> None:
    client.request("GET", f"{server.url}/fine", allow_private=True)
    with pytest.raises(EgressRefused):
        client.request("GET", f"{server.url}/fine", allow_private=False)
    assert len(server.asked) == 1


def test_a_redirect_is_an_answer_and_is_not_followed(client: EgressClient, server: Any) -> None:
    answer = client.request("GET", f"{server.url}/away", allow_private=True)
    assert (answer.status, answer.headers["location"]) == (302, "/fine")
    assert [path for _, path, _ in server.asked] == ["/away"]


def test_a_huge_body_ends_at_the_limit(client: EgressClient, server: Any) -> None:
    with pytest.raises(EgressFailed, match="more than 100000 bytes"):
        client.request("GET", f"{server.url}/huge", max_bytes=100_000, allow_private=True)
    deadline = time.monotonic() + 5
    while not server.sent and time.monotonic() < deadline:
        time.sleep(0.02)
    assert 0 < server.sent < 1 << 26, "the rest was still read, or sent into the void"


@pytest.mark.parametrize("page", ["slow_body", "slow_headers"])
def test_an_answer_in_drips_ends_at_the_deadline(client: EgressClient, server: Any, page: str) -> None:
    began = time.monotonic()
    with pytest.raises(EgressFailed):
        client.request(
            "GET", f"{server.url}/{page}", connect_seconds=0.2, read_seconds=0.4, allow_private=True
        )
    assert time.monotonic() - began < 3


@pytest.mark.parametrize("page", ["cut", "nothing"])
def test_a_cut_answer_is_no_answer(client: EgressClient, server: Any, page: str) -> None:
    with pytest.raises(EgressFailed):
        client.request("GET", f"{server.url}/{page}", allow_private=True)


def test_nobody_listening_is_a_failure_that_may_pass(client: EgressClient) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(EgressFailed):
            client.request("GET", f"http://127.0.0.1:{port}/", allow_private=True)


def test_a_later_request_has_its_own_deadline_on_a_kept_connection(client: EgressClient, server: Any) -> None:
    for _ in range(3):
        answer = client.request(
            "GET", f"{server.url}/fine", connect_seconds=0.2, read_seconds=0.5, allow_private=True
        )
        assert answer.status == 200
        time.sleep(0.4)


def test_a_header_cannot_carry_a_second_one(client: EgressClient, server: Any) -> None:
    with pytest.raises((EgressRefused, EgressFailed)):
        client.request("GET", f"{server.url}/fine", headers={"X-Own": "a\r\nX-Evil: 1"}, allow_private=True)
    assert server.asked == []
