"""Our own time to the first word of a streamed answer beside the model's, and many open streams in one process.

    python -m bench.streams                          50 streams for a minute, then 500 open ones
    python -m bench.streams --seconds 20 --open 0    a quick look at the first word
    python -m bench.streams --data /tmp/streams      keeps the course that was taken in for the next time
    python -m bench.streams --profile /tmp/s.prof    where the service's time goes

Three processes share the machine: `workside serve` as it is installed (SQLite, the packaged embedder, the sample course in English),
a model, and the client. The model speaks OpenAI's interface and waits a set time to its first word and between words; it answers in
the sample documents' own words, with their numbers, so that every sentence is searched for, checked and shown as in life. It is not
the tests' fake model: that one has a thread for each stream, which all look fifty times a second whether the caller is there.

First word: 50 learners ask, each the next question as soon as an answer is whole. Ours is the time from sending POST /ask/turns on a
new connection to the first event with words of the answer. The model's own is what a bare client measures in the same minute: it
sends the same question straight to the model, and takes the time to the first whole word: a word is whole when the next one begins.
Ours less the median of that is what Workside adds: search, gate, prompt, the provider's client, the check of the words, database,
rendering. The learners begin one after the other over the length of an answer, so that they don't all ask in the same second.

Open streams: 500 learners ask within half a minute, and the model writes slowly, so that all answers are under way at once. Told are
how many end whole, the resident memory for each, and how long a page without work (GET /healthz) takes meanwhile: what the event
loop makes everything wait.

CPU: what the service's process takes of the processors for one answer, from the question to the whole turn.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

from sqlalchemy import select

from app.coach.answering import look_up, passages_for_a_model
from app.coach.units import units_of
from app.course.launches import admit_launch
from app.course.loading import load_course, organisation_named
from app.course.models import Registration
from app.course.platforms import add_platform
from app.course.services import Services, make_services
from app.kit.migrate import migrate
from app.kit.settings import Settings
from bench.footprint import resident_megabytes
from bench.launches import free_port, processor_seconds, wait_for
from lti.message import CourseContext, Launch, ResourceLink
from lti.roles import role_of
from retrieval import Scope

ROOT = Path(__file__).parents[1]
PLATFORM = "http://platform.localhost"
LEARNER = "http://purl.imsglobal.org/vocab/lis/v2/membership#Learner"
COLLECTION = "support-onboarding"
MODEL, KEY = "bench-model", "bench-key"
WORDS_IN_AN_ANSWER = 70
WORD = re.compile(rb'"content": ?"[^"]')
"""A delta of the model with words in it."""


# ---- the model ---------------------------------------------------------------------------------------------------------


async def serve_model(
    port: int, answers: dict[str, str], first_seconds: float, between_seconds: float
) -> None:
    """Answers each request whose text holds one of the questions with its answer, word by word."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
                body = json.loads(await reader.readexactly(int(length[1]) if length else 0))
                asked = body["messages"][-1]["content"]
                text = next((answers[question] for question in answers if question in asked), "NOT COVERED")
                await speak(writer, text, bool(body.get("stream_options", {}).get("include_usage")))
        writer.close()

    async def speak(writer: asyncio.StreamWriter, text: str, counts: bool) -> None:
        def tell(**parts: object) -> None:
            frame = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": MODEL, **parts}
            data = b"data: " + json.dumps(frame).encode() + b"\n\n"
            writer.write(b"%x\r\n%s\r\n" % (len(data), data))

        def choose(delta: dict[str, str], reason: str | None = None) -> None:
            tell(choices=[{"index": 0, "delta": delta, "finish_reason": reason}])

        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        choose({"role": "assistant", "content": ""})
        due = time.monotonic() + first_seconds
        for word in re.findall(r"\s*\S+", text):
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            due += between_seconds
            choose({"content": word})
            await writer.drain()
        choose({}, "stop")
        if counts:
            tell(choices=[], usage={"prompt_tokens": 1500, "completion_tokens": 100, "total_tokens": 1600})
        writer.write(b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n")
        await writer.drain()

    server = await asyncio.start_server(answer, "127.0.0.1", port, backlog=1000)
    await server.serve_forever()


@contextmanager
def model(answers: dict[str, str], first_seconds: float, between_seconds: float) -> Iterator[int]:
    """The model's port, while it runs in a process of its own."""
    port = free_port()
    command = [sys.executable, "-m", "bench.streams", "--serve-model", str(port)]
    command += ["--first-word", str(first_seconds), "--between", str(between_seconds)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.write(json.dumps(answers).encode())
        process.stdin.close()
        try:
            wait_for(port, process)
            yield port
        finally:
            process.terminate()


# ---- the service -------------------------------------------------------------------------------------------------------


def settings_for(folder: Path, port: int) -> Settings:
    return Settings(
        _env_file=None, data_dir=folder, port=port, base_url=f"http://localhost:{port}", demo=True,
        worker="separate", log_level="error",
    )  # fmt: skip


def prepare(services: Services) -> dict[str, str]:
    """Takes the sample course in, where it is not there yet. Returns the questions for which a model is asked, each with an answer
    in the course's own words."""
    add_platform(
        services, name="bench", issuer=PLATFORM, client_id="bench", deployment_id="1", auth_url=f"{PLATFORM}/auth",
        token_url=f"{PLATFORM}/token", jwks_url=f"{PLATFORM}/jwks", audience=None, allow_private=True,
        organisation="bench",
    )  # fmt: skip
    with services.database.read() as session:
        organisation_id = organisation_named(session, "bench").id
    scope, _ = load_course(services, ROOT / "content", organisation_id)
    while services.retrieval.ingest_next("bench"):
        pass
    answers = {}
    for question in questions():
        if text := answer_in_the_contents_words(services, question, scope):
            answers[question] = text
    return answers


def questions() -> list[str]:
    """The sample course's golden questions."""
    golden = tomllib.loads((ROOT / "content" / "golden" / "questions.toml").read_text(encoding="utf-8"))
    return [question["text"] for question in golden["questions"]]


def answer_in_the_contents_words(services: Services, question: str, scope: Scope) -> str:
    """Sentences of the passages that the model would be given, each with its number; "" where no model is asked."""
    found = look_up(services.retrieval, question, scope)
    if found.sufficiency.verdict == "not_covered":
        return ""
    lines: list[str] = []
    for number, passage in enumerate(passages_for_a_model(found.hits)[:3], start=1):
        sentences = [unit.text for unit in units_of(passage.text) if len(unit.text.split()) > 4]
        lines += [f"{sentence} [{number}]" for sentence in sentences[:2]]
    while sum(len(line.split()) for line in lines) > WORDS_IN_AN_ANSWER and len(lines) > 1:
        lines.pop()
    return "\n".join(lines)


def visits(services: Services, count: int) -> list[str]:
    """The paths by which so many learners of one course enter."""
    with services.database.read() as session:
        registration_id = session.scalars(
            select(Registration.id).where(Registration.issuer == PLATFORM)
        ).one()
    return [
        admit_launch(
            services,
            Launch(
                id=secrets.token_hex(16), registration_id=registration_id, issuer=PLATFORM, client_id="bench",
                deployment_id="1", message_type="LtiResourceLinkRequest", target_link_uri=f"{PLATFORM}/lti/launch",
                sub=f"learner-{number}", roles=(LEARNER,), role=role_of((LEARNER,)),
                resource_link=ResourceLink("link", "Ask"), context=CourseContext("course", "Parcel service"),
                custom={"collection": COLLECTION}, locale="en", name=f"Learner {number}",
            ),
        )
        for number in range(count)
    ]  # fmt: skip


@contextmanager
def workside(folder: Path, port: int, model_port: int, profile: str) -> Iterator[int]:
    """`workside serve` with the model: its process id."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("WORKSIDE_")},
        "WORKSIDE_DATA_DIR": str(folder),
        "WORKSIDE_PORT": str(port),
        "WORKSIDE_BASE_URL": f"http://localhost:{port}",
        "WORKSIDE_DEMO": "1",
        "WORKSIDE_WORKER": "separate",
        "WORKSIDE_LOG_LEVEL": "error",
        "WORKSIDE_MODEL": f"openai:{MODEL}",
        "WORKSIDE_MODEL_URL": f"http://127.0.0.1:{model_port}/v1",
        "WORKSIDE_MODEL_KEY": KEY,
        **{f"WORKSIDE_CAP_{whose}_TOKENS": "0" for whose in ("LEARNER", "COURSE", "ORGANISATION")},
    }
    command = [sys.executable, "-m", "app.cli", "serve"]
    if profile:
        command = [sys.executable, "-m", "bench.launches", "--serve-profiled", profile]
    with subprocess.Popen(command, cwd=ROOT, env=environment) as process:
        try:
            wait_for(port, process)
            yield process.pid
        finally:
            process.terminate()


# ---- the client --------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def sent(
    port: int, method: str, path: str, body: bytes = b"", **headers: str
) -> AsyncIterator[asyncio.StreamReader]:
    """The answer to a request on a connection of its own."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 22)
    lines = [
        f"{method} {path} HTTP/1.1",
        f"Host: localhost:{port}",
        f"Content-Length: {len(body)}",
        "Connection: close",
    ]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    writer.write("\r\n".join([*lines, "", ""]).encode() + body)
    try:
        yield reader
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


@dataclass
class Asked:
    """One question's times in seconds after it was sent, and how it ended ("" where the stream broke)."""

    first_word: float = 0.0
    whole: float = 0.0
    ended: str = ""


async def ask(port: int, bearer: str, question: str) -> Asked:
    """Asks, and reads the stream to its end."""
    asked, began = Asked(), time.perf_counter()
    form = urlencode({"question": question, "conversation_id": ""}).encode()
    headers = {
        "Authorization": f"Bearer {bearer}", "Origin": f"http://localhost:{port}", "Accept": "text/event-stream",
        "Content_Type": "application/x-www-form-urlencoded",
    }  # fmt: skip
    with suppress(ConnectionError):
        async with sent(port, "POST", "/ask/turns", form, **headers) as reader:
            while line := await reader.readline():
                if not line.startswith(b"event: "):
                    continue
                name = line.removeprefix(b"event: ").strip().decode()
                if not asked.first_word and name in {"draft", "part"}:
                    asked.first_word = time.perf_counter() - began
                if name in {"done", "failed"}:
                    asked.ended, asked.whole = name, time.perf_counter() - began
    return asked


async def ask_the_model(port: int, question: str) -> float:
    """Seconds to the first whole word of the model itself: to the beginning of its second."""
    body = {
        "model": MODEL,
        "stream": True,
        "messages": [{"role": "user", "content": f"Question: {question}"}],
    }
    words, began = 0, time.perf_counter()
    async with sent(port, "POST", "/v1/chat/completions", json.dumps(body).encode()) as reader:
        while line := await reader.readline():
            words += len(WORD.findall(line))
            if words == 2:
                return time.perf_counter() - began
    raise SystemExit("the model said nothing")


async def enter(port: int, path: str) -> str:
    """Follows a start code; the visit's bearer."""
    async with sent(port, "GET", path, Accept="text/html") as reader:
        page = (await reader.read()).decode()
    found = re.search(r'"bearer": ?"([^"]+)"', page)
    if not found:
        raise SystemExit(f"no visit began: {page[:300]}")
    return found[1]


def percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


@dataclass
class Waits:
    """Milliseconds that a page without work took, asked for ten times a second."""

    times: list[float] = field(default_factory=list)

    async def watch(self, port: int) -> None:
        while True:
            began = time.perf_counter()
            async with sent(port, "GET", "/healthz") as reader:
                await reader.read()
            self.times.append(1000 * (time.perf_counter() - began))
            await asyncio.sleep(0.1)

    def __str__(self) -> str:
        p50, p95 = percentile(self.times, 0.5), percentile(self.times, 0.95)
        return f"a page without work p50 {p50:.0f}, p95 {p95:.0f}, most {max(self.times):.0f} ms"


# ---- the measures ------------------------------------------------------------------------------------------------------


async def measure_first_word(
    port: int,
    model_port: int,
    pid: int,
    bearers: Sequence[str],
    asking: Sequence[str],
    seconds: float,
    answer_seconds: float,
) -> None:
    """Every bearer asks one question after the other; the first of each are spread over `answer_seconds`."""
    await asyncio.gather(
        *(ask(port, bearer, asking[n % len(asking)]) for n, bearer in enumerate(bearers[:2]))
    )
    done: list[Asked] = []
    own: list[float] = []
    began, spent = time.perf_counter(), processor_seconds(pid)

    async def person(number: int, bearer: str) -> None:
        await asyncio.sleep(number * answer_seconds / len(bearers))
        turn = number
        while time.perf_counter() - began < seconds:
            asked = await ask(port, bearer, asking[turn % len(asking)])
            done.append(asked)
            turn += 1

    async def bare() -> None:
        turn = 0
        while True:
            own.append(await ask_the_model(model_port, asking[turn % len(asking)]))
            turn += 1

    beside = [asyncio.create_task(bare()) for _ in range(2)]
    waits = Waits()
    beside.append(asyncio.create_task(waits.watch(port)))
    await asyncio.gather(*(person(number, bearer) for number, bearer in enumerate(bearers)))
    passed, spent = time.perf_counter() - began, processor_seconds(pid) - spent
    for task in beside:
        task.cancel()
    whole = [asked for asked in done if asked.ended == "done"]
    model_own = statistics.median(own)
    added = [1000 * (asked.first_word - model_own) for asked in whole if asked.first_word]
    print(
        f"  {len(bearers)} at once, {len(whole) / passed:.1f} answers/s, {len(done) - len(whole)} not whole"
    )
    print(
        f"  first word: the model's own p50 {1000 * model_own:.0f}, p95 {1000 * percentile(own, 0.95):.0f} ms ({len(own)} times); "
        f"ours is more by p50 {percentile(added, 0.5):.0f}, p95 {percentile(added, 0.95):.0f}, most {max(added):.0f} ms "
        f"({len(added)} times)"
    )
    print(
        f"  an answer: {statistics.median(asked.whole for asked in whole):.1f} s in all, {1000 * spent / len(done):.0f} ms of a "
        f"core; the service uses {100 * spent / passed:.0f} % of one and has {resident_megabytes(pid):.0f} MB; {waits}"
    )


async def measure_open_streams(port: int, pid: int, bearers: Sequence[str], asking: Sequence[str]) -> None:
    """All bearers' answers under way at once."""
    await ask(port, bearers[0], asking[0])
    before, spent = resident_megabytes(pid), processor_seconds(pid)
    waits, open_now, most_open = Waits(), 0, 0
    watch = asyncio.create_task(waits.watch(port))
    most_memory = before

    async def person(number: int, bearer: str) -> Asked:
        nonlocal open_now, most_open, most_memory
        await asyncio.sleep(number * 30 / len(bearers))
        open_now += 1
        most_open = max(most_open, open_now)
        asked = await ask(port, bearer, asking[number % len(asking)])
        most_memory = max(most_memory, resident_megabytes(pid))
        open_now -= 1
        return asked

    asked = await asyncio.gather(*(person(number, bearer) for number, bearer in enumerate(bearers)))
    watch.cancel()
    spent = processor_seconds(pid) - spent
    whole = sum(one.ended == "done" for one in asked)
    each = 1024 * (most_memory - before) / most_open
    print(
        f"  {most_open} open at once, {whole} of {len(asked)} whole; {before:.0f} MB before, {most_memory:.0f} MB with them: "
        f"{each:.0f} kB each; {1000 * spent / len(asked):.0f} ms of a core each; {waits}"
    )


def run(options: argparse.Namespace, folder: Path) -> None:
    port = free_port()
    settings = settings_for(folder, port)
    folder.mkdir(parents=True, exist_ok=True)
    migrate(settings.sqlalchemy_url)
    services = make_services(settings)
    answers = prepare(services)
    asking = list(answers)
    words = statistics.mean(len(text.split()) for text in answers.values())
    print(f"{len(asking)} questions; answers of {words:.0f} words")

    def measured(
        between: float, count: int, measure: Callable[[int, int, Sequence[str]], Awaitable[None]]
    ) -> None:
        """Starts the model and the service, lets so many learners enter, and measures."""
        print(f"Model: first word after {options.first_word:g} s, then {1 / between:.1f} words/s", flush=True)
        paths = visits(services, count)
        with (
            model(answers, options.first_word, between) as model_port,
            workside(folder, port, model_port, options.profile) as pid,
        ):

            async def everything() -> None:
                bearers = [await enter(port, path) for path in paths]
                await measure(model_port, pid, bearers)

            asyncio.run(everything())

    if options.streams:
        measured(
            options.between,
            options.streams,
            lambda model_port, pid, bearers: measure_first_word(
                port,
                model_port,
                pid,
                bearers,
                asking,
                options.seconds,
                options.first_word + words * options.between,
            ),
        )
    if options.open:
        # Slowly enough that the first is not whole when the last begins.
        measured(
            45 / words,
            options.open,
            lambda _, pid, bearers: measure_open_streams(port, pid, bearers, asking),
        )
    services.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--streams", type=int, default=50, help="learners that ask one question after the other"
    )
    parser.add_argument("--seconds", type=float, default=60, help="how long they ask")
    parser.add_argument(
        "--open", type=int, default=500, help="answers that are under way at once; 0: not measured"
    )
    parser.add_argument("--first-word", type=float, default=0.7, help="seconds to the model's first word")
    parser.add_argument("--between", type=float, default=0.05, help="seconds between its words")
    parser.add_argument("--data", type=Path, help="a data folder to use, and to use again")
    parser.add_argument("--profile", default="", help="a file for the service's profile")
    parser.add_argument("--serve-model", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve_model:
        answers = json.load(sys.stdin)
        asyncio.run(serve_model(options.serve_model, answers, options.first_word, options.between))
    elif options.data:
        run(options, options.data)
    else:
        with tempfile.TemporaryDirectory(prefix="workside-bench-") as folder:
            run(options, Path(folder))


if __name__ == "__main__":
    main()
