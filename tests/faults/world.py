"""A platform on a real socket, workers in processes of their own, and a course between them."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import runpy
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from app.course.services import Services
from app.evidence.models import Delivery, ScoreRow
from app.kit.settings import Settings
from lti.ports import EgressFailed, EgressResponse
from tests.app.evidence.course import Course
from tests.fakes.platform import FakePlatform, kind_of

ROOT = Path(__file__).parents[2]
# Workers are forked off a server process that has the libraries, which take most of a start; our own code each imports itself,
# and with it the number and the life of its process.
STARTS = multiprocessing.get_context("forkserver")
STARTS.set_forkserver_preload(
    [
        "alembic.command", "babel.dates", "cryptography.hazmat.primitives.asymmetric.rsa", "fastapi", "httpcore", "jinja2",
        "jwt", "markdown_it", "nh3", "numpy", "opentelemetry.sdk.trace", "orjson", "prometheus_client", "psycopg",
        "pydantic_settings", "requests", "rich.pretty", "sqlalchemy.orm", "sqlalchemy.dialects.postgresql.psycopg",
        "sqlalchemy.dialects.sqlite", "sse_starlette", "structlog", "typer", "uvicorn",
    ]
)  # fmt: skip
# Processes share two cores with the rest of the run; what is waited for comes in a second or two on an idle machine.
PATIENCE_SECONDS = 90


def wall_clock() -> datetime:
    return datetime.now(UTC)


@dataclass
class Hold:
    """Requests of a kind stop here, `when` "before" or "after" they are carried out, until released or thrown away."""

    kind: str
    when: str
    reached: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)
    is_lost: bool = False


class ServedPlatform:
    """The hostile fake platform behind a socket that can be opened, closed and held."""

    def __init__(self, personality: str) -> None:
        self.server: ThreadingHTTPServer | None = None
        self.start(0)
        assert self.server is not None
        self.port = self.server.server_port
        learners = [str(number) for number in range(101, 161)]
        self.fake = FakePlatform(
            wall_clock,
            personality,
            base=f"http://127.0.0.1:{self.port}",
            learners=learners,
            allow_private=True,
        )
        self.hold: Hold | None = None

    def start(self, port: int | None = None) -> None:
        """Listens (again)."""
        serve = self._serve

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                answer = serve(self.command, self.path, headers, body)
                if answer is None:
                    self.close_connection = True
                    return
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

            do_POST = do_PUT = do_DELETE = do_GET

            def log_message(self, *_arguments: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

            def handle_error(self, *_arguments: Any) -> None:
                pass  # the caller was killed and took its socket along

        self.server = Server(("127.0.0.1", self.port if port is None else port), Handler)
        threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        ).start()

    def stop(self) -> None:
        """Listens no more."""
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()
            self.server = None

    def _serve(self, method: str, path: str, headers: dict[str, str], body: bytes) -> EgressResponse | None:
        url = f"{self.fake.base}{path}"
        hold = self.hold if self.hold is not None and self.hold.kind == kind_of(url) else None
        if hold is not None and hold.when == "before":
            hold.reached.set()
            hold.released.wait(PATIENCE_SECONDS)
            if hold.is_lost:
                return None
        try:
            answer = self.fake.handle(method, url, headers, body)
        except EgressFailed:
            return None
        if hold is not None and hold.when == "after":
            hold.reached.set()
            hold.released.wait(PATIENCE_SECONDS)
            if hold.is_lost:
                return None
        return answer


def run_worker(environment: dict[str, str], log: Path, constants: dict[str, float]) -> None:
    """What a worker's process does from its first moment to its last."""
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(ROOT)
    lines = os.open(log, os.O_WRONLY | os.O_CREAT)
    os.dup2(lines, 1)
    os.dup2(lines, 2)
    if constants:
        vars(importlib.import_module("app.kit.jobs")).update(constants)
    sys.argv = ["workside", "worker"]
    runpy.run_module("app.cli", run_name="__main__")


class Worker:
    """A running worker."""

    def __init__(self, environment: dict[str, str], log: Path, constants: dict[str, float]) -> None:
        self._process = STARTS.Process(target=run_worker, args=(environment, log, constants))
        self._process.start()

    def kill(self) -> None:
        """kill -9."""
        self._process.kill()
        self._process.join()

    def terminate(self) -> None:
        """SIGTERM."""
        self._process.terminate()

    @property
    def is_alive(self) -> bool:
        return self._process.is_alive()

    def ended(self, seconds: float) -> int | None:
        """Its exit code, or None where it is still there after so long."""
        self._process.join(seconds)
        return self._process.exitcode


@dataclass
class World:
    """One course, its platform, and the database that everybody shares."""

    settings: Settings
    services: Services
    course: Course
    served: ServedPlatform
    logs: Path

    def start_worker(self, **constants: float) -> Worker:
        """`workside worker`, in a process of its own; `constants` of app.kit.jobs that are other than in life."""
        return Worker(self.environment(), self.logs / f"worker-{time.monotonic_ns()}.log", constants)

    @contextmanager
    def working(self, count: int = 1) -> Iterator[list[Worker]]:
        """So many workers for the length of the block."""
        workers = [self.start_worker() for _ in range(count)]
        try:
            yield workers
        finally:
            for worker in workers:
                worker.terminate()
            for worker in workers:
                if worker.ended(40) is None:
                    worker.kill()

    def environment(self, **more: str) -> dict[str, str]:
        """What a command of this world needs to know, and nothing of the caller's own settings."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("WORKSIDE_")}
        return {
            **inherited,
            "WORKSIDE_DATA_DIR": str(self.settings.data_dir),
            "WORKSIDE_DATABASE_URL": self.settings.database_url,
            "WORKSIDE_DEMO": "1",
            "WORKSIDE_WORKER": "separate",
            **more,
        }

    def score(self, sub: str = "101") -> ScoreRow:
        row = self.course.score_of(sub)
        assert row is not None
        return row

    def deliveries(self) -> list[Delivery]:
        return self.course.all_of(Delivery)

    def until(self, condition: Callable[[], Any], seconds: float = PATIENCE_SECONDS) -> float:
        """Waits for it and returns how long that took; fails with the workers' last words."""
        start = time.monotonic()
        while not condition():
            if time.monotonic() - start > seconds:
                words = "\n".join(path.read_text()[-1500:] for path in sorted(self.logs.glob("*.log")))
                raise AssertionError(f"it did not happen within {seconds} s\n{words}")
            time.sleep(0.05)
        return time.monotonic() - start

    def until_delivered(self, *subs: str) -> float:
        return self.until(lambda: all(self.score(sub).state == "delivered" for sub in subs or ("101",)))
