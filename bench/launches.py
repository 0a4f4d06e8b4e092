"""Launches a second in one process, beside ltijs doing the same on this machine in the same run.

    python -m bench.launches                                  all ways, three repetitions
    python -m bench.launches --repetitions 1 --seconds 3      a quick look
    python -m bench.launches --ways workside-sqlite --profile /tmp/launches.prof

A launch here is a login (GET /lti/login, answered by a redirect with a state and a nonce) and a launch (POST /lti/launch with a token
signed by RS256, 2048 bits, answered by a redirect into a session that then stands in the database). The same client, the same
platform and key, the same people and activities for everyone: 500 learners, 20 activities in 5 courses. Each way is started anew
for each repetition, warmed up with 300 launches, and measured alone, one way after the other, at 1, 8 and 32 connections; before the
measure the client follows one launch to its end and checks that the session opens a page.

* workside-sqlite, workside-postgresql: one process of `workside serve` (uvicorn, one worker), as it is installed, without the
  background's work. The demo's setting allows plain http, so each login leaves a second cookie. Logins come with X-Forwarded-For of
  changing addresses, since one address may start only 300 logins a minute.
* ltijs-keyset: ltijs with the address of the platform's key set, as its documentation has it. It fetches the set for each launch.
* ltijs-key: ltijs with the platform's public key given, so that it fetches nothing: its best case, which no platform with rotating
  keys allows.

ltijs stands on Node.js in production mode with ltijs-sequelize on the same PostgreSQL, since there is no SQLite for it. PostgreSQL
keeps its defaults (fsync on) and runs in processes of its own, not counted in anyone's memory; SQLite runs with synchronous=FULL.
The client signs each token (about a millisecond, in a process of its own) between the two requests; a launch's time is that of
the two requests alone. Launches a second are those of the wall clock, signing included. "CPU ms" is the processor time of the tool's
process for one launch, PostgreSQL's not included: unlike the others it says something on a machine that is busy.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import os
import secrets
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
import psycopg
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from app.course.platforms import add_platform
from app.course.services import make_services
from app.kit.migrate import migrate
from app.kit.settings import Settings
from bench.footprint import resident_megabytes
from lti.claims import (
    AGS,
    CONTEXT,
    CUSTOM,
    DEPLOYMENT_ID,
    LAUNCH_PRESENTATION,
    MESSAGE_TYPE,
    NRPS,
    RESOURCE_LINK,
    ROLES,
    TARGET_LINK_URI,
    TOOL_PLATFORM,
    VERSION,
)
from tests.faults.cluster import programs, run, stop

ROOT = Path(__file__).parents[1]
PEER = ROOT / "bench" / "ltijs"
WAYS = ("workside-sqlite", "workside-postgresql", "ltijs-keyset", "ltijs-key")
LEVELS = (1, 8, 32)
WARM_UP = 300
PLATFORM, CLIENT_ID = "http://platform.localhost", "bench-client"
LEARNER = "http://purl.imsglobal.org/vocab/lis/v2/membership#Learner"


@dataclass(frozen=True)
class Signer:
    """The platform's key, and what it publishes."""

    key: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))

    def sign(self, claims: dict[str, object]) -> str:
        return jwt.encode(claims, self.key, "RS256", {"kid": "bench-key"})

    def key_set(self) -> bytes:
        numbers = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
        return json.dumps({"keys": [{**numbers, "kid": "bench-key", "alg": "RS256", "use": "sig"}]}).encode()

    def public_pem(self) -> str:
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return self.key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()


@dataclass(frozen=True)
class Measure:
    """Of one way at one level of concurrency: launches a second, times of each launch in ms, processor time of the tool's
    process in ms a launch, MB after it."""

    rate: float
    times: list[float]
    processor: float
    megabytes: float

    def percentile(self, share: float) -> float:
        ordered = sorted(self.times)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# ---- the platform ------------------------------------------------------------------------------------------------------


def serve_keys(port: int, document: bytes) -> None:
    """Answers every request with the key set: as little work as possible, in a process of its own."""
    head = (
        f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(document)}\r\n\r\n"
    ).encode()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(head + document)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def forever() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", port)
        await server.serve_forever()

    asyncio.run(forever())


@contextmanager
def keys_at(signer: Signer) -> Iterator[str]:
    """The key set's address, while it is served."""
    port = free_port()
    command = [sys.executable, "-m", "bench.launches", "--serve-keys", str(port)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.write(signer.key_set())
        process.stdin.close()
        try:
            wait_for(port, process)
            yield f"http://127.0.0.1:{port}/jwks"
        finally:
            process.terminate()


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise SystemExit(f"a process of the measurement ended early: {process.args}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise SystemExit(f"not ready in two minutes: {process.args}")


def claims_of(number: int, nonce: str, tool: str) -> dict[str, object]:
    """The launch of one of 500 learners into one of 20 activities of 5 courses, as an LMS with all services sends it."""
    moment, learner, link = int(time.time()), number % 500, number % 20
    course = f"{PLATFORM}/course/{link % 5}"
    return {
        "iss": PLATFORM,
        "aud": CLIENT_ID,
        "sub": f"learner-{learner}",
        "iat": moment,
        "exp": moment + 60,
        "nonce": nonce,
        VERSION: "1.3.0",
        MESSAGE_TYPE: "LtiResourceLinkRequest",
        DEPLOYMENT_ID: "1",
        TARGET_LINK_URI: f"{tool}/lti/launch",
        RESOURCE_LINK: {"id": f"link-{link}", "title": f"Activity {link}"},
        ROLES: [LEARNER],
        CONTEXT: {"id": f"course-{link % 5}", "title": "Parcel service", "type": ["CourseSection"]},
        TOOL_PLATFORM: {"guid": "bench", "product_family_code": "bench", "version": "1"},
        LAUNCH_PRESENTATION: {"document_target": "iframe", "locale": "en", "return_url": f"{course}/return"},
        AGS: {
            "lineitem": f"{course}/items/{link}",
            "lineitems": f"{course}/items",
            "scope": ["https://purl.imsglobal.org/spec/lti-ags/scope/score"],
        },
        NRPS: {"context_memberships_url": f"{course}/members", "service_versions": ["2.0"]},
        CUSTOM: {"collection": "parcels"},
        "name": f"Learner {learner}",
        "given_name": "Learner",
        "family_name": str(learner),
        "email": f"learner{learner}@example.org",
    }


# ---- the client --------------------------------------------------------------------------------------------------------


class Visitor:
    """One connection that launches again and again, as a browser with cookies would."""

    def __init__(self, port: int, signer: Signer) -> None:
        self.tool = f"http://localhost:{port}"
        self.signer = signer
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.connection.connect()
        self.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def launch(self, number: int) -> tuple[float, str, str]:
        """One launch: the seconds of its two requests, where it leads, and the cookies then."""
        address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        login = urlencode(
            {
                "iss": PLATFORM,
                "client_id": CLIENT_ID,
                "login_hint": f"learner-{number % 500}",
                "target_link_uri": f"{self.tool}/lti/launch",
                "lti_message_hint": f"hint-{number}",
                "lti_deployment_id": "1",
            }
        )
        host = {"Host": urlsplit(self.tool).netloc, "X-Forwarded-For": address}
        began = time.perf_counter()
        status, headers = self._ask("GET", f"/lti/login?{login}", None, host)
        half = time.perf_counter() - began
        if status != 302:
            raise SystemExit(f"a login was answered with {status}")
        cookies = _cookies(headers)
        query = parse_qs(urlsplit(_one(headers, "location")).query)
        token = self.signer.sign(claims_of(number, query["nonce"][0], self.tool))
        form = urlencode({"id_token": token, "state": query["state"][0]})
        sent = {**host, "Cookie": cookies, "Content-Type": "application/x-www-form-urlencoded"}
        began = time.perf_counter()
        status, headers = self._ask("POST", "/lti/launch", form, sent)
        whole = half + time.perf_counter() - began
        if status not in {302, 303}:
            raise SystemExit(f"a launch was answered with {status}")
        return whole, _one(headers, "location"), _cookies(headers)

    def check(self) -> None:
        """Follows a launch to the page behind it: there is a session."""
        _, location, cookies = self.launch(0)
        status, _ = self._ask("GET", location, None, {"Cookie": cookies, "Host": urlsplit(self.tool).netloc})
        if status != 200:
            raise SystemExit(f"the session's first page was answered with {status}")

    def _ask(
        self, method: str, path: str, body: str | None, headers: dict[str, str]
    ) -> tuple[int, list[tuple[str, str]]]:
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        answer.read()
        return answer.status, answer.getheaders()


def _one(headers: Sequence[tuple[str, str]], name: str) -> str:
    return next(value for key, value in headers if key.lower() == name)


def _cookies(headers: Sequence[tuple[str, str]]) -> str:
    set_cookies = (value for key, value in headers if key.lower() == "set-cookie")
    return "; ".join(cookie.partition(";")[0] for cookie in set_cookies)


def measure(port: int, pid: int, signer: Signer, connections: int, seconds: float, first: int) -> Measure:
    """Launches from so many connections at once for so long."""
    visitors = [Visitor(port, signer) for _ in range(connections)]
    times: list[list[float]] = [[] for _ in visitors]
    failures: list[BaseException] = []
    began, spent = time.perf_counter(), processor_seconds(pid)

    def work(index: int) -> None:
        number = first + index
        try:
            while time.perf_counter() - began < seconds:
                times[index].append(visitors[index].launch(number)[0] * 1000)
                number += connections
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(index,)) for index in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    passed = time.perf_counter() - began
    flat = [one for several in times for one in several]
    spent = (processor_seconds(pid) - spent) * 1000 / len(flat)
    return Measure(len(flat) / passed, flat, spent, resident_megabytes(pid))


def processor_seconds(pid: int) -> float:
    """What a process has used of the processors so far, in its own code and in the kernel's."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# ---- the ways ----------------------------------------------------------------------------------------------------------


@contextmanager
def postgresql() -> Iterator[Path]:
    """A cluster of our own with PostgreSQL's defaults, with the database `bench`; yields its socket's folder."""
    bin_folder = programs()
    folder = Path(tempfile.mkdtemp(prefix=f"workside-bench-pg-{os.getpid()}-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
    data, pg_ctl = str(folder / "data"), str(bin_folder / "pg_ctl")
    options = f"-c listen_addresses='' -c unix_socket_directories={folder}"
    try:
        run(folder, str(bin_folder / "initdb"), "-D", data, "-A", "trust", "-U", "postgres", "-E", "UTF8")
        run(folder, pg_ctl, "-D", data, "-w", "-l", str(folder / "server.log"), "-o", options, "start")
        with psycopg.connect(f"host={folder} user=postgres dbname=postgres", autocommit=True) as connection:
            connection.execute("CREATE DATABASE bench")
        yield folder
    finally:
        stop(bin_folder, folder)


@contextmanager
def workside(database_url: str, jwks_url: str, profile: str | None) -> Iterator[tuple[int, int]]:
    """`workside serve` with the platform registered: its port and process id."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="workside-bench-") as folder:
        settings = Settings(
            _env_file=None,
            data_dir=Path(folder),
            port=port,
            base_url=f"http://localhost:{port}",
            demo=True,
            worker="separate",
            database_url=database_url,
            log_level="warning",
        )
        migrate(settings.sqlalchemy_url)
        services = make_services(settings)
        add_platform(
            services,
            name="bench",
            issuer=PLATFORM,
            client_id=CLIENT_ID,
            deployment_id="1",
            auth_url=f"{PLATFORM}/auth",
            token_url=f"{PLATFORM}/token",
            jwks_url=jwks_url,
            audience=None,
            allow_private=True,
            organisation="bench",
        )
        services.close()
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("WORKSIDE_")},
            "WORKSIDE_DATA_DIR": folder,
            "WORKSIDE_PORT": str(port),
            "WORKSIDE_BASE_URL": f"http://localhost:{port}",
            "WORKSIDE_DEMO": "1",
            "WORKSIDE_WORKER": "separate",
            "WORKSIDE_DATABASE_URL": database_url,
            "WORKSIDE_LOG_LEVEL": "warning",
        }
        command = [sys.executable, "-m", "app.cli", "serve"]
        if profile:
            command = [sys.executable, "-m", "bench.launches", "--serve-profiled", profile]
        with subprocess.Popen(command, cwd=ROOT, env=environment) as process:
            try:
                wait_for(port, process)
                yield port, process.pid
            finally:
                process.terminate()


@contextmanager
def ltijs(folder: Path, method: str, key: str) -> Iterator[tuple[int, int]]:
    """The peer: its port and process id."""
    node = shutil.which("node")
    if node is None or not (PEER / "node_modules").exists():
        raise SystemExit("ltijs is not installed. Run: npm ci --prefix bench/ltijs")
    port = free_port()
    environment = {
        **os.environ,
        "NODE_ENV": "production",
        "PORT": str(port),
        "DATABASE": "bench",
        "DATABASE_HOST": str(folder),
        "DATABASE_USER": "postgres",
        "PLATFORM": PLATFORM,
        "CLIENT_ID": CLIENT_ID,
        "AUTH_URL": f"{PLATFORM}/auth",
        "TOKEN_URL": f"{PLATFORM}/token",
        "KEY_METHOD": method,
        "KEY": key,
    }
    with subprocess.Popen(
        [node, "server.js"], cwd=PEER, env=environment, stdout=subprocess.DEVNULL
    ) as process:
        try:
            wait_for(port, process)
            yield port, process.pid
        finally:
            process.kill()


@contextmanager
def started(way: str, signer: Signer, jwks_url: str, profile: str | None) -> Iterator[tuple[int, int]]:
    """One way on a database of its own: its port and process id."""
    with ExitStack() as running:
        if way == "workside-sqlite":
            yield running.enter_context(workside("", jwks_url, profile))
            return
        folder = running.enter_context(postgresql())
        if way == "workside-postgresql":
            url = f"postgresql+psycopg://postgres@/bench?host={folder}"
            yield running.enter_context(workside(url, jwks_url, profile))
        else:
            method, key = ("JWK_SET", jwks_url) if way == "ltijs-keyset" else ("RSA_KEY", signer.public_pem())
            yield running.enter_context(ltijs(folder, method, key))


def serve_profiled(target: str) -> None:
    """`workside serve` with cProfile in each thread that answers requests; the figures go to `target` at the end."""
    import cProfile
    import pstats

    from anyio._backends._asyncio import WorkerThread

    from app.kit.settings import load_settings
    from app.server import run_server

    profiles: list[cProfile.Profile] = []
    plain_run = WorkerThread.run

    def profiled_run(thread: WorkerThread) -> None:
        profiles.append(cProfile.Profile(time.thread_time))
        profiles[-1].runcall(plain_run, thread)

    WorkerThread.run = profiled_run  # type: ignore[method-assign]
    # uvicorn raises the signal once more when it has ended, and the figures are still to be written.
    signal.signal(signal.SIGTERM, lambda *_: None)
    loop = cProfile.Profile(time.thread_time)
    loop.runcall(run_server, load_settings())
    stats = pstats.Stats(loop)
    for profile in profiles:
        stats.add(profile)
    stats.dump_stats(target)


# ---- the table ---------------------------------------------------------------------------------------------------------


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=WAYS)
    parser.add_argument("--levels", nargs="+", type=int, default=LEVELS)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--profile", help="write cProfile figures of Workside's process to this file")
    parser.add_argument("--serve-keys", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--serve-profiled", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.serve_keys:
        serve_keys(asked.serve_keys, sys.stdin.buffer.read())
        return
    if asked.serve_profiled:
        serve_profiled(asked.serve_profiled)
        return
    print(f"load before: {os.getloadavg()[0]:.2f}", flush=True)
    signer = Signer()
    found: dict[tuple[str, int], list[Measure]] = {}
    with keys_at(signer) as jwks_url:
        for repetition in range(asked.repetitions):
            # In turns, and each repetition in another order, so that what else the machine does falls on everybody.
            turn = repetition % len(asked.ways)
            for way in [*asked.ways[turn:], *asked.ways[:turn]]:
                with started(way, signer, jwks_url, asked.profile) as (port, pid):
                    visitor = Visitor(port, signer)
                    visitor.check()
                    for number in range(WARM_UP):
                        visitor.launch(number)
                    for level in asked.levels:
                        one = measure(port, pid, signer, level, asked.seconds, secrets.randbelow(1 << 20))
                        found.setdefault((way, level), []).append(one)
                        print(
                            f"  {repetition + 1} {way} x{level}: {one.rate:.0f}/s",
                            file=sys.stderr,
                            flush=True,
                        )
    print_tables(found, asked.ways, asked.levels)


def print_tables(
    found: dict[tuple[str, int], list[Measure]], ways: Sequence[str], levels: Sequence[int]
) -> None:
    """The medians of the repetitions, and how many times each peer's rate ours is, from the least to the most."""
    print("| connections | way | launches/s | p50 ms | p95 ms | p99 ms | CPU ms | MB |")
    print("|---|---|---|---|---|---|---|---|")
    for level in levels:
        for way in ways:
            runs = found[way, level]
            rate = statistics.median(one.rate for one in runs)
            shares = [statistics.median(one.percentile(share) for one in runs) for share in (0.5, 0.95, 0.99)]
            megabytes = statistics.median(one.megabytes for one in runs)
            cells = " | ".join(f"{share:.1f}" for share in shares)
            spent = statistics.median(one.processor for one in runs)
            print(f"| {level} | {way} | {rate:.0f} | {cells} | {spent:.1f} | {megabytes:.0f} |")
    print()
    print("| connections | ours | beside | times its launches/s, least to most |")
    print("|---|---|---|---|")
    for level in levels:
        for ours in (way for way in ways if way.startswith("workside")):
            for peer in (way for way in ways if way.startswith("ltijs")):
                ratios = [
                    mine.rate / theirs.rate
                    for mine, theirs in zip(found[ours, level], found[peer, level], strict=True)
                ]
                print(
                    f"| {level} | {ours} | {peer} | {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}) |"
                )


if __name__ == "__main__":
    main()
