"""How long a search takes, what it finds and what it keeps in memory, beside other ways over the same vectors.

    python -m bench.search                          10,000 and 100,000 passages
    python -m bench.search --sizes 10000 --large    10,000 and 1,000,000
    python -m bench.search --skip langchain-chroma  without that peer

The library is made up: N passages over min(1,000, N / 10) courses, three sentences of twenty made-up words each (words drawn by
Zipf's law). Vectors are drawn to lie like those of multilingual-e5-small: the centres of questions and of passages are real, computed
by the model from retrieval/background.json; around them stands a mixture of 200 topics, an offset for each course and noise for each
passage, whose variance falls over the directions with the power -0.9 and adds up to 0.24 (both measured on real English texts).
A question is near one passage of its course and has three of its words.

Every search is for one course. Four ways, each in a process of its own:

* workside: ``Retrieval.search`` over our own tables in SQLite: keywords, passages, documents, sentences, folding, and the
  passages read from the database. The model is replaced by prepared vectors; the time of a real query embedding is told apart.
* langchain-chroma: one collection with ``filter={"course": ...}``, everything else as langchain_chroma has it (extra ``bench``).
* brute force: numpy over all vectors, then the course's.
* exact: numpy over the course's vectors only: the reference of recall.

recall@10: of the ten passages of the course that are nearest by cosine, the share that is found; for workside by the cosines
of its hits (its own order also weighs words and sentences, so it is not the order that is measured). "First" is the first search of
a course in a process that has searched before: workside then reads the course's shelf. "Opening" is the first search of the process.
Memory is the resident set after all searches, in MB; for numpy it includes the vectors.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib.resources import files
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import create_engine, insert
from sqlalchemy.orm import sessionmaker

from bench.footprint import resident_megabytes
from retrieval import PackagedE5, Retrieval, Scope
from retrieval.models import CollectionRow, DocumentRow, PassageRow, RetrievalBase
from retrieval.shelves import pack_sentences, pack_vector

FloatMatrix = npt.NDArray[np.float32]

DIMENSIONS = 384
COURSES_ASKED, QUESTIONS_EACH = 40, 6  # the first of each course is told apart
SENTENCES, WORDS_EACH = 3, 20
TOPICS, SPREAD, FALL = 200, 0.24, 0.9
BATCH = 5_000
K = 10


@dataclass(frozen=True)
class Library:
    """A made-up library in ``folder``: (N, 384) vectors, the course of each (ascending), texts, and questions by course."""

    folder: Path

    @property
    def vectors(self) -> FloatMatrix:
        rows: FloatMatrix = np.load(self.folder / "vectors.npy")
        return rows

    @property
    def courses(self) -> npt.NDArray[np.int32]:
        numbers: npt.NDArray[np.int32] = np.load(self.folder / "courses.npy")
        return numbers

    @property
    def texts(self) -> list[str]:
        return (self.folder / "texts.txt").read_text().split("\n")

    @property
    def questions(self) -> list[tuple[int, str]]:
        """(course, text), the questions of a course one after the other."""
        return [(course, text) for course, text in json.loads((self.folder / "questions.json").read_text())]

    @property
    def question_vectors(self) -> FloatMatrix:
        rows: FloatMatrix = np.load(self.folder / "questions.npy")
        return rows


class PreparedEmbedder:
    """Looks vectors up by text: those of the library's questions, and the real ones of retrieval/background.json."""

    identity = f"prepared/{DIMENSIONS}"
    dimensions = DIMENSIONS

    def __init__(self, folder: Path) -> None:
        library = Library(folder)
        with np.load(folder / "background.npz") as kept:
            questions, passages = kept["questions"], kept["passages"]
        texts = background_texts()
        self._questions = dict(zip(texts[0], questions, strict=True))
        self._passages = dict(zip(texts[1], passages, strict=True))
        asked = (text for _, text in library.questions)
        self._questions |= zip(asked, library.question_vectors, strict=True)

    def embed_queries(self, texts: Sequence[str]) -> FloatMatrix:
        return np.stack([self._questions[text] for text in texts])

    def embed_passages(self, texts: Sequence[str]) -> FloatMatrix:
        return np.stack([self._passages[text] for text in texts])

    def embed_parts(self, headers: object, texts: object, spans: object) -> Any:
        raise NotImplementedError("the passages of this library have their vectors already")

    def count_tokens(self, text: str) -> int:
        return len(text.split())

    # What langchain calls the same things.

    def embed_query(self, text: str) -> list[float]:
        return [float(value) for value in self._questions[text]]

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        raise NotImplementedError("the passages of this library have their vectors already")


def background_texts() -> tuple[list[str], list[str]]:
    """Everyday questions and passages, all languages."""
    texts = json.loads(files("retrieval").joinpath("background.json").read_bytes())
    return [one for some in texts["questions"].values() for one in some], [
        one for some in texts["passages"].values() for one in some
    ]


def make_background(folder: Path, model: PackagedE5) -> None:
    questions, passages = background_texts()
    np.savez(
        folder / "background.npz",
        questions=model.embed_queries(questions),
        passages=model.embed_passages(passages),
    )


def unit(rows: npt.NDArray[Any]) -> FloatMatrix:
    scaled: FloatMatrix = (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)
    return scaled


def make_library(folder: Path, size: int) -> Library:
    """Writes the library's arrays and texts; ``folder`` holds background.npz already."""
    chance = np.random.default_rng(size)
    with np.load(folder / "background.npz") as kept:
        question_centre, passage_centre = kept["questions"].mean(axis=0), kept["passages"].mean(axis=0)
    basis = np.linalg.qr(chance.normal(size=(DIMENSIONS, DIMENSIONS)))[0].astype(np.float32)
    deviation = np.arange(1, DIMENSIONS + 1) ** (-FALL / 2)
    shape = (basis * (deviation / np.sqrt((deviation**2).sum())).astype(np.float32)) * np.float32(
        np.sqrt(SPREAD)
    )

    def residual(count: int) -> FloatMatrix:
        rows: FloatMatrix = chance.standard_normal((count, DIMENSIONS), np.float32) @ shape.T
        return rows

    count = min(1_000, size // 10)
    courses = np.sort(chance.integers(0, count, size)).astype(np.int32)
    topics, offsets = residual(TOPICS), residual(count)
    topic_of_course = chance.integers(0, TOPICS, (count, 4))
    words = made_up_words(chance)
    vectors = np.empty((size, DIMENSIONS), np.float32)
    lines = []
    for start in range(0, size, BATCH):
        own = courses[start : start + BATCH]
        topic = topics[topic_of_course[own, chance.integers(0, 4, len(own))]]
        rest = 0.4 * topic + 0.3 * offsets[own] + 0.866 * residual(len(own))
        vectors[start : start + BATCH] = unit(passage_centre + rest)
        # Zipf's law by the inverse of its distribution: rank = size ** chance.
        ranks = (len(words) ** chance.random((len(own), SENTENCES, WORDS_EACH))).astype(int) - 1
        lines += [" ".join(" ".join(words[at] for at in part) + "." for part in row) for row in ranks]
    asked = chance.choice(np.unique(courses), min(COURSES_ASKED, count), replace=False)
    questions, near = [], []
    for course in asked:
        first, last = np.searchsorted(courses, [course, course + 1])
        for target in chance.integers(first, last, QUESTIONS_EACH):
            said = chance.choice(lines[target].replace(".", "").split(), 3)
            questions.append((int(course), f"What should I know about the {' and the '.join(said)}?"))
            near.append(vectors[target] - passage_centre)
    asking = unit(question_centre + 0.7 * np.stack(near) + 0.7 * residual(len(near)))
    np.save(folder / "vectors.npy", vectors)
    np.save(folder / "courses.npy", courses)
    np.save(folder / "questions.npy", asking)
    (folder / "questions.json").write_text(json.dumps(questions))
    (folder / "texts.txt").write_text("\n".join(lines))
    return Library(folder)


def made_up_words(chance: np.random.Generator) -> list[str]:
    """20,000 words, most used first; the shortest are the most used."""
    syllables = [consonant + vowel for consonant in "bdfgklmnprstvz" for vowel in "aeiou"]
    words: dict[str, None] = {}
    while len(words) < 20_000:
        words["".join(chance.choice(syllables, int(chance.integers(2, 5))))] = None
    return sorted(words, key=len)


# The four ways. Each gives {"build": s, "opening": s, "first": [s], "warm": [s], "found": [[row]], "memory": MB}.

Way = dict[str, Any]


def timed(library: Library, search: Callable[[int, str], list[int]]) -> Way:
    """Asks every question; a course's first question apart."""
    first: list[float] = []
    warm: list[float] = []
    found: list[list[int]] = []
    seen: set[int] = set()
    for course, text in library.questions:
        began = time.perf_counter()
        found.append(search(course, text))
        (warm if course in seen else first).append(time.perf_counter() - began)
        seen.add(course)
    memory = resident_megabytes(os.getpid())
    return {"opening": first[0], "first": first[1:], "warm": warm, "found": found, "memory": memory}


def build_workside(folder: Path) -> float:
    """Fills our tables; seconds. Rows as ingest stores them, one document for each course."""
    library = Library(folder)
    vectors, courses, texts = library.vectors, library.courses, library.texts
    chance = np.random.default_rng(1)
    began = time.perf_counter()
    engine = create_engine(f"sqlite:///{folder}/workside.db")
    RetrievalBase.metadata.create_all(engine)
    now = datetime.now(UTC)
    identity = PreparedEmbedder.identity
    with engine.begin() as connection:
        for course in np.unique(courses).tolist():
            connection.execute(
                insert(CollectionRow).values(
                    id=f"c{course}", organisation_id="o", name=f"Course {course}", version=1, indexed_version=1, created_at=now
                )
            )  # fmt: skip
            connection.execute(
                insert(DocumentRow).values(
                    id=f"d{course}", collection_id=f"c{course}", filename="handbook.md", title="Handbook",
                    media_type="text/markdown", language="en", content_hash="0", file_key="0", ready_hash="0",
                    status="ready", embedder=identity, created_at=now, updated_at=now,
                )
            )  # fmt: skip
        for start in range(0, len(vectors), BATCH):
            part = range(start, min(start + BATCH, len(vectors)))
            noise = chance.standard_normal((len(part), SENTENCES, DIMENSIONS), np.float32) * 0.02
            sentences = unit(vectors[start : part.stop, None] + noise)
            connection.execute(
                insert(PassageRow),
                [
                    passage_row(at, int(courses[at]), texts[at], vectors[at], sentences[at - start])
                    for at in part
                ],
            )
    engine.dispose()
    return time.perf_counter() - began


def passage_row(at: int, course: int, text: str, vector: FloatMatrix, sentences: FloatMatrix) -> Way:
    ends = [index + 1 for index, letter in enumerate(text) if letter == "."]
    return {
        "id": f"{at:08d}", "document_id": f"d{course}", "collection_id": f"c{course}", "ordinal": at, "kind": "paragraph",
        "heading_path": [], "text": text, "language": "en", "place_kind": "document", "place_value": "", "place_member": "",
        "marks": [], "start": 0, "end": len(text), "vector": pack_vector(vector), "embedder": PreparedEmbedder.identity,
        "sentences": list(zip([0, *(end + 1 for end in ends[:-1])], ends, strict=True)),
        "sentence_vectors": pack_sentences(sentences),
    }  # fmt: skip


def workside(folder: Path) -> Way:
    engine = create_engine(f"sqlite:///{folder}/workside.db")
    retrieval = Retrieval(sessionmaker(engine), folder / "data", embedder=PreparedEmbedder(folder))

    def search(course: int, text: str) -> list[int]:
        hits = retrieval.search(text, Scope("o", frozenset({f"c{course}"})), limit=K)
        return [int(hit.passage.id) for hit in hits]

    result = timed(Library(folder), search)
    # Recall is of the nearest by cosine, so all candidates are asked for, untimed.
    result["found"] = [
        [
            int(hit.passage.id)
            for hit in sorted(
                retrieval.search(text, Scope("o", frozenset({f"c{course}"})), limit=200),
                key=lambda hit: -hit.vector_score,
            )[:K]
        ]
        for course, text in Library(folder).questions
    ]
    return result


def build_langchain_chroma(folder: Path) -> float:
    library = Library(folder)
    vectors, courses, texts = library.vectors, library.courses.tolist(), library.texts
    began = time.perf_counter()
    collection = chroma_store(folder)._collection
    for start in range(0, len(vectors), BATCH):
        part = slice(start, start + BATCH)
        collection.add(
            ids=[f"{at:08d}" for at in range(len(vectors))[part]],
            embeddings=vectors[part],
            documents=texts[part],
            metadatas=[{"course": course} for course in courses[part]],
        )
    return time.perf_counter() - began


def chroma_store(folder: Path) -> Any:
    from chromadb.config import Settings
    from langchain_chroma import Chroma  # type: ignore[import-not-found,unused-ignore]

    return Chroma(
        "courses",
        embedding_function=PreparedEmbedder(folder),
        persist_directory=str(folder / "chroma"),
        client_settings=Settings(is_persistent=True, anonymized_telemetry=False),
    )


def langchain_chroma(folder: Path) -> Way:
    store = chroma_store(folder)

    def search(course: int, text: str) -> list[int]:
        return [int(found.id) for found in store.similarity_search(text, k=K, filter={"course": course})]

    return timed(Library(folder), search)


def brute_force(folder: Path) -> Way:
    library = Library(folder)
    vectors, courses, embedder = library.vectors, library.courses, PreparedEmbedder(folder)

    def search(course: int, text: str) -> list[int]:
        scores = vectors @ embedder.embed_queries([text])[0]
        scores[courses != course] = -2
        best = np.argpartition(-scores, K)[:K]
        return [int(at) for at in best[np.argsort(-scores[best])] if scores[at] > -2]

    return timed(library, search)


def exact(folder: Path) -> Way:
    library = Library(folder)
    vectors, courses, embedder = library.vectors, library.courses, PreparedEmbedder(folder)

    def search(course: int, text: str) -> list[int]:
        first, last = np.searchsorted(courses, [course, course + 1])
        scores = vectors[first:last] @ embedder.embed_queries([text])[0]
        return [int(at) for at in first + np.argsort(-scores)[:K]]

    return timed(library, search)


WAYS: dict[str, tuple[Callable[[Path], float] | None, Callable[[Path], Way]]] = {
    "workside": (build_workside, workside),
    "langchain-chroma": (build_langchain_chroma, langchain_chroma),
    "brute force": (None, brute_force),
    "exact": (None, exact),
}


def in_new_process(call: Callable[[], Any]) -> Any:
    # A second thread of numpy's waits 8 ms for its turn where other work holds the other core; a product of 10,000 rows takes 1 ms.
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(call).result()


def recall(found: list[list[int]], right: list[list[int]]) -> float:
    return float(
        np.mean([len({*some} & {*best}) / len(best) for some, best in zip(found, right, strict=True)])
    )


def measure(size: int, names: Sequence[str], folder: Path) -> list[str]:
    """Table rows, one for each way."""
    in_new_process(partial(make_library, folder, size))
    results: dict[str, Way] = {}
    for name in names:
        build, search = WAYS[name]
        built = in_new_process(partial(build, folder)) if build else None
        results[name] = in_new_process(partial(search, folder)) | {"build": built}
        print(f"{size:,} {name}: done", file=sys.stderr)
    right = results["exact"]["found"]
    ours = float(np.median(results["workside"]["warm"]))
    rows = []
    for name in names:
        one = results[name]
        p50, p95 = np.percentile(one["warm"], [50, 95])
        first50, first95 = np.percentile(one["first"], [50, 95])
        built = "-" if one["build"] is None else f"{one['build']:.0f} s"
        cells = [
            f"{size:,}", name, milliseconds(p50), milliseconds(p95), milliseconds(first50), milliseconds(first95),
            milliseconds(one["opening"]), f"{p50 / ours:.2f}", f"{recall(one['found'], right):.3f}", built,
            f"{one['memory']:.0f}",
        ]  # fmt: skip
        rows.append(f"| {' | '.join(cells)} |")
    return rows


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.1f}"


def query_embedding(model: PackagedE5) -> str:
    times = []
    for number in range(25):
        began = time.perf_counter()
        model.embed_queries([f"What should I know about parcel number {number} and its damaged label?"])
        times.append(time.perf_counter() - began)
    p50, p95 = np.percentile(times[5:], [50, 95])
    return f"One query embedded by {model.identity}: p50 {milliseconds(p50)} ms, p95 {milliseconds(p95)} ms."


def cold_start(folder: Path) -> str:
    """A library of 1,000 passages with the real model's vectors would take minutes to make; the vectors are made up,
    stored under the real model's name, and everything that happens at the first search is real."""
    in_new_process(partial(make_library, folder, 1_000))
    PreparedEmbedder.identity, kept = PackagedE5().identity, PreparedEmbedder.identity
    build_workside(folder)
    PreparedEmbedder.identity = kept
    # Once to fill the caches on disk (graph, background means), as any installation has them after its first search.
    once, again = (in_new_process(partial(first_search, folder)) for _ in range(2))
    return (
        f"First search in a new process, 1,000 passages in 100 courses, all in scope, real model: {again[0]:.2f} s after the import "
        f"of retrieval ({again[1]:.2f} s); {once[0]:.1f} s the very first time (model's graph and background means made)."
    )


def first_search(folder: Path) -> tuple[float, float]:
    """(seconds from making Retrieval to the hits, seconds that a new Python needs to import retrieval)."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import retrieval"], check=True)
    imported = time.perf_counter() - began
    engine = create_engine(f"sqlite:///{folder}/workside.db")
    began = time.perf_counter()
    retrieval = Retrieval(sessionmaker(engine), folder / "data")
    scope = Scope("o", frozenset(f"c{course}" for course in range(100)))
    if not retrieval.search("What should I know about damaged parcels?", scope):
        raise RuntimeError("the search found nothing")
    return time.perf_counter() - began, imported


def main() -> None:
    arguments = argparse.ArgumentParser(description="Search beside other ways over the same vectors.")
    arguments.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000])
    arguments.add_argument("--large", action="store_true", help="1,000,000 passages as well")
    arguments.add_argument("--skip", nargs="*", default=[], choices=sorted(set(WAYS) - {"workside", "exact"}))
    chosen = arguments.parse_args()
    names = [name for name in WAYS if name not in chosen.skip]
    if "langchain-chroma" in names and find_spec("langchain_chroma") is None:
        print("langchain-chroma is not installed (pip install -e '.[bench]'); going on without it.")
        names.remove("langchain-chroma")
    model = PackagedE5()
    with tempfile.TemporaryDirectory() as base:
        background = Path(base) / "background.npz"
        make_background(Path(base), model)
        print(query_embedding(model), flush=True)
        with tempfile.TemporaryDirectory(dir=base) as folder:
            (Path(folder) / background.name).hardlink_to(background)
            print(cold_start(Path(folder)), flush=True)
        print(
            "\n| passages | way | p50 ms | p95 ms | first p50 ms | first p95 ms | opening ms "
            "| x workside's p50 | recall@10 | build | MB |"
            "\n|---|---|---|---|---|---|---|---|---|---|---|"
        )
        for size in [*chosen.sizes, *([1_000_000] if chosen.large else [])]:
            with tempfile.TemporaryDirectory(dir=base) as folder:
                (Path(folder) / background.name).hardlink_to(background)
                print("\n".join(measure(size, names, Path(folder))), flush=True)


if __name__ == "__main__":
    main()
