"""Somebody else's platform for the tests: Open edX's LTI consumer, in a virtual environment and a process of its own."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "requirements-interop.lock"
ENVIRONMENT = ROOT / ".venv-interop"
PLATFORM = Path(__file__).with_name("xblock_platform.py")
READY_SECONDS = 120


def interop_python() -> Path:
    """The Python of .venv-interop, which is made first when it is absent or the lock file changed (about a minute)."""
    wanted = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    stamp, python = ENVIRONMENT / "lock.sha256", ENVIRONMENT / "bin" / "python"
    with LOCK.open() as lock:
        # Two test processes must not make it at the same time.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text().strip() != wanted:
            subprocess.run([sys.executable, "-m", "venv", "--clear", ENVIRONMENT], check=True)
            (ENVIRONMENT / ".gitignore").write_text("*\n")
            install = [
                python,
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--require-hashes",
            ]
            subprocess.run([*install, "-r", LOCK], check=True)
            stamp.write_text(wanted + "\n")
    return python


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class XblockPlatform:
    """A running Open edX platform."""

    base_url: str

    def registration(self) -> dict[str, str]:
        found: dict[str, str] = (
            httpx.get(f"{self.base_url}/registration.json", timeout=60).raise_for_status().json()
        )
        return found

    def open(self, user: str, role: str = "student", **custom: str) -> str:
        """Click on the activity; the address of the tool's login to which the browser is sent."""
        return self._opened(
            {"user": user, "role": role} | {f"custom.{name}": value for name, value in custom.items()}
        )

    def open_picker(self, user: str, role: str = "staff") -> str:
        """A course author's click on "select content": a deep linking request."""
        return self._opened({"user": user, "role": role, "message": "deep_linking"})

    def open_item(self, item: int, user: str, role: str = "student") -> str:
        """Click on what deep linking has placed."""
        return self._opened({"user": user, "role": role, "item": str(item)})

    def _opened(self, query: dict[str, str]) -> str:
        answer = httpx.get(f"{self.base_url}/open", params=query, timeout=60)
        assert answer.status_code == 302, answer.text
        return answer.headers["location"]

    def content(self) -> list[dict[str, Any]]:
        """What deep linking has placed, in the platform's own words and with its ids."""
        found: list[dict[str, Any]] = httpx.get(f"{self.base_url}/content.json", timeout=60).json()["items"]
        return found

    def grades(self) -> list[dict[str, Any]]:
        """What reached the LMS's own gradebook, oldest first; `score` is a share of one."""
        found: list[dict[str, Any]] = httpx.get(f"{self.base_url}/gradebook.json", timeout=60).json()[
            "grades"
        ]
        return found


@pytest.fixture(scope="session")
def xblock_platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], XblockPlatform]]:
    """`xblock_platform(tool_url)` starts a platform that knows the tool at that address; all end with the session."""
    python = interop_python()
    processes: list[subprocess.Popen[bytes]] = []

    def start(tool_url: str) -> XblockPlatform:
        folder, port = tmp_path_factory.mktemp("openedx"), free_port()
        log = folder / "platform.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [python, PLATFORM, "--port", str(port), "--data", folder, "--tool", tool_url],
                stdout=output,
                stderr=subprocess.STDOUT,
                # Nothing of this environment's packages or settings reaches the other one.
                env={name: value for name, value in os.environ.items() if not name.startswith("PYTHON")},
                cwd=folder,
            )
        processes.append(process)
        platform = XblockPlatform(f"http://127.0.0.1:{port}")
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            try:
                if httpx.get(f"{platform.base_url}/healthz", timeout=1).status_code == 200:
                    return platform
            except httpx.TransportError:
                time.sleep(0.2)
        raise AssertionError(f"Open edX's platform did not start:\n{log.read_text()}")

    yield start
    for process in processes:
        process.terminate()
    for process in processes:
        process.wait(timeout=60)


class ToolKeys:
    """A tool reduced to its key: it signs client assertions, and serves /lti/jwks.json at `url`."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.kid = secrets.token_hex(8)
        public = jwt.algorithms.RSAAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        keys = json.dumps({"keys": [public | {"kid": self.kid, "alg": "RS256", "use": "sig"}]}).encode()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_KeyHandler, keys))
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def private_pem(self) -> str:
        """The private half, for code under test that signs by itself."""
        return self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()

    def assertion(self, client_id: str, audience: str) -> str:
        now = int(time.time())
        claims = {"iss": client_id, "sub": client_id, "aud": audience, "iat": now - 5, "exp": now + 60}
        return self.sign(claims | {"jti": secrets.token_hex(16)})

    def sign(self, claims: dict[str, Any]) -> str:
        """Any claims, signed with the tool's key."""
        return jwt.encode(claims, self._key, "RS256", {"kid": self.kid})

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _KeyHandler(BaseHTTPRequestHandler):
    def __init__(self, keys: bytes, *arguments: Any) -> None:
        self._keys = keys
        super().__init__(*arguments)

    def do_GET(self) -> None:
        found = self.path == "/lti/jwks.json"
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(self._keys if found else b"{}")

    def log_message(self, format: str, *arguments: Any) -> None:
        """Keep the test's output clean."""


@pytest.fixture(scope="session")
def tool_keys() -> Iterator[ToolKeys]:
    keys = ToolKeys()
    yield keys
    keys.close()
