"""How quickly each format becomes passages, and what is kept of it, beside markitdown + RecursiveCharacterTextSplitter.

    python -m bench.ingest                  all formats
    python -m bench.ingest --formats pdf md

Makes its own files: 50 pages (slides, chapters, pages of a course; for captions 50 minutes) of two sections with two paragraphs of 60
random English words each. Every paragraph begins with a word of its own, so that it is known where that word has to be found again:
on page 7, on slide 7, under "Page 7 > Second part", at 06:30.

Pages a second, best of three, of: reading in the child process (its start included), reading and cutting, and with the embedding
by the real model, which is measured on 16 of the passages, in turns with the peer, and counted up. The peer converts in this
process (its start not included) with markitdown, cuts at 1,000 characters with an overlap of 200, and embeds with the same model;
ours embeds the headings with each passage, and every sentence besides.

Words: share of the words of the files that come back. Places: share of paragraphs whose passage says the right place; the peer's
pieces say none. MB: peak of the process that reads (the child; for the peer a new process that imports and converts).
"""

from __future__ import annotations

import argparse
import io
import json
import random
import re
import resource
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from html import escape
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bench.search import in_new_process
from retrieval import PackagedE5
from retrieval.chunking import Chunk, chunk
from retrieval.parsing.sandbox import read_safely
from retrieval.passage_vectors import embed
from tests.retrieval import packages
from tests.retrieval.conftest import make_pdf
from tests.retrieval.test_epub import CONTAINER, chapter

PAGES, RUNS = 50, 3
EMBEDDED, AT_ONCE = 16, 4
SECTIONS = ("First part", "Second part")


@dataclass(frozen=True)
class Section:
    """``paragraphs``: each begins with its own word; ``number`` is the page's, from 1."""

    number: int
    title: str
    paragraphs: tuple[str, str]

    @property
    def html(self) -> str:
        return f"<h2>{self.title}</h2>" + "".join(f"<p>{escape(text)}</p>" for text in self.paragraphs)


Page = tuple[Section, Section]


def make_pages() -> list[Page]:
    chance = random.Random(7)
    texts = json.loads(files("retrieval").joinpath("background.json").read_bytes())["passages"]["en"]
    words = sorted({word for text in texts for word in re.findall(r"\b[a-z]{2,}\b", text)})

    def paragraph(name: str) -> str:
        sentences = [" ".join(chance.choices(words, k=12)).capitalize() + "." for _ in range(5)]
        return f"{name} {' '.join(sentences)}"

    return [
        tuple(  # type: ignore[misc]
            Section(
                number, title, (paragraph(f"Marker{number}x{part}a"), paragraph(f"Marker{number}x{part}b"))
            )
            for part, title in enumerate(SECTIONS)
        )
        for number in range(1, PAGES + 1)
    ]


def title_of(number: int) -> str:
    return f"Page {number}"


def page_html(page: Page) -> str:
    return "".join(section.html for section in page)


# Files, by format


def as_pdf(pages: Sequence[Page]) -> bytes:
    import textwrap

    return make_pdf(
        [
            [
                line
                for section in page
                for text in (section.title, *section.paragraphs)
                for line in (*textwrap.wrap(text, 80), "")
            ]
            for page in pages
        ]
    )


def as_docx(pages: Sequence[Page]) -> bytes:
    import docx

    document = docx.Document()
    for page in pages:
        document.add_heading(title_of(page[0].number), 1)
        for section in page:
            document.add_heading(section.title, 2)
            for text in section.paragraphs:
                document.add_paragraph(text)
    return saved(document)


def as_pptx(pages: Sequence[Page]) -> bytes:
    import pptx

    deck = pptx.Presentation()
    for page in pages:
        slide = deck.slides.add_slide(deck.slide_layouts[1])
        slide.shapes.title.text = title_of(page[0].number)
        slide.placeholders[1].text = "\n".join(text for section in page for text in section.paragraphs)
    return saved(deck)


def saved(document: Any) -> bytes:
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def as_html(pages: Sequence[Page]) -> bytes:
    body = "".join(f"<h1>{title_of(page[0].number)}</h1>{page_html(page)}" for page in pages)
    return packages.page("Handbook", body).encode()


def as_markdown(pages: Sequence[Page]) -> bytes:
    parts = []
    for page in pages:
        parts.append(f"# {title_of(page[0].number)}")
        for section in page:
            parts += [f"## {section.title}", *section.paragraphs]
    return "\n\n".join(parts).encode()


def as_vtt(pages: Sequence[Page]) -> bytes:
    """A minute for a page, a quarter of it for each paragraph."""
    cues = ["WEBVTT"]
    texts = [text for page in pages for section in page for text in section.paragraphs]
    for at, text in enumerate(texts):
        start, end = (f"{s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}.000" for s in (at * 15, at * 15 + 15))
        cues.append(f"{start} --> {end}\n{text}")
    return "\n\n".join(cues).encode()


def as_epub(pages: Sequence[Page]) -> bytes:
    numbers = [page[0].number for page in pages]
    listed = "".join(
        f'<item id="c{n}" href="c{n}.xhtml" media-type="application/xhtml+xml"/>' for n in numbers
    )
    spine = "".join(f'<itemref idref="c{n}"/>' for n in numbers)
    members = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": CONTAINER.format("book.opf"),
        "book.opf": '<?xml version="1.0"?><package xmlns="http://www.idpf.org/2007/opf" version="3.0"><metadata '
        'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>Handbook</dc:title><dc:language>en</dc:language></metadata>'
        f"<manifest>{listed}</manifest><spine>{spine}</spine></package>",
    }
    for page in pages:
        number = page[0].number
        members[f"c{number}.xhtml"] = chapter(f"<h1>{title_of(number)}</h1>{page_html(page)}")
    return packages.make_zip(members)


def as_cartridge(pages: Sequence[Page]) -> bytes:
    names = {page[0].number: f"wiki_content/p{page[0].number}.html" for page in pages}
    items = "".join(packages.item(f"i{n}", title_of(n), f"r{n}") for n in names)
    return packages.make_zip(
        packages.cartridge(
            packages.item("m", "Module 1", inside=items),
            "".join(packages.resource(f"r{n}", name) for n, name in names.items()),
            html_files(names, pages),
        )
    )


def as_scorm(pages: Sequence[Page]) -> bytes:
    names = {page[0].number: f"p{page[0].number}.html" for page in pages}
    return packages.make_zip(
        packages.scorm(
            "".join(packages.item(f"i{n}", title_of(n), f"r{n}") for n in names),
            "".join(packages.sco(f"r{n}", name, [name]) for n, name in names.items()),
            html_files(names, pages),
        )
    )


def html_files(names: dict[int, str], pages: Sequence[Page]) -> dict[str, str]:
    return {
        name: packages.page(title_of(n), page_html(page))
        for (n, name), page in zip(names.items(), pages, strict=True)
    }


def as_moodle(pages: Sequence[Page]) -> bytes:
    backup = packages.Moodle()
    section = backup.section(1, "Week 1")
    for page in pages:
        backup.page(page[0].number, section, title_of(page[0].number), page_html(page))
    return packages.make_tar_gz(backup.build())


def as_olx(pages: Sequence[Page]) -> bytes:
    numbers = [page[0].number for page in pages]
    members = {
        "chapter/c1.xml": '<chapter display_name="Week 1"><sequential url_name="s1"/></chapter>',
        "sequential/s1.xml": '<sequential display_name="Basics">'
        + "".join(f'<vertical url_name="v{n}"/>' for n in numbers)
        + "</sequential>",
    }
    for page in pages:
        n = page[0].number
        members[f"vertical/v{n}.xml"] = (
            f'<vertical display_name="{title_of(n)}"><html url_name="h{n}"/></vertical>'
        )
        members[f"html/h{n}.xml"] = f'<html filename="h{n}" display_name="{title_of(n)}"/>'
        members[f"html/h{n}.html"] = page_html(page)
    return packages.make_tar_gz(packages.olx(members))


# What has to be found again


def on(kind: str) -> Callable[[Chunk, Section, int], bool]:
    """The right place is a page or slide."""
    return lambda one, section, _at: (one.place.kind, one.place.value) == (kind, section.number)


def under_headings(one: Chunk, section: Section, _at: int) -> bool:
    return one.heading_path[-2:] == (title_of(section.number), section.title)


def at_second(one: Chunk, section: Section, at: int) -> bool:
    """``at`` is where the paragraph begins in the passage."""
    reached = [seconds for offset, seconds in one.marks if offset <= at]
    part, letter = SECTIONS.index(section.title), re.match(r"Marker\d+x\d([ab])", one.text[at:])
    expected = (section.number - 1) * 60 + part * 30 + (15 if letter and letter[1] == "b" else 0)
    return bool(reached) and reached[-1] == expected


@dataclass(frozen=True)
class Format:
    filename: str
    make: Callable[[Sequence[Page]], bytes]
    is_right: Callable[[Chunk, Section, int], bool] = under_headings


FORMATS = {
    "pdf": Format("handbook.pdf", as_pdf, on("page")),
    "docx": Format("handbook.docx", as_docx),
    "pptx": Format("handbook.pptx", as_pptx, on("slide")),
    "html": Format("handbook.html", as_html),
    "md": Format("handbook.md", as_markdown),
    "vtt": Format("talk.vtt", as_vtt, at_second),
    "epub": Format("handbook.epub", as_epub),
    "imscc": Format("course.imscc", as_cartridge),
    "mbz": Format("course.mbz", as_moodle),
    "scorm": Format("course.zip", as_scorm),
    "olx": Format("course.tar.gz", as_olx),
}


def places_kept(chunks: Sequence[Chunk], pages: Sequence[Page], is_right: Callable[..., bool]) -> float:
    right = total = 0
    for page in pages:
        for section in page:
            for text in section.paragraphs:
                marker = text.split(" ", 1)[0] + " "
                holding = next((one for one in chunks if marker in one.text), None)
                total += 1
                right += holding is not None and is_right(holding, section, holding.text.index(marker))
    return right / total


def words_kept(text: str, pages: Sequence[Page]) -> float:
    wanted = Counter(
        word
        for page in pages
        for section in page
        for written in section.paragraphs
        for word in re.findall(r"\w+", written)
    )
    found = Counter(re.findall(r"\w+", text))
    return (wanted & found).total() / wanted.total()


# Measuring


def best_of(call: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of the quickest run, and what the last gave."""
    times = []
    for _ in range(RUNS):
        began = time.perf_counter()
        result = call()
        times.append(time.perf_counter() - began)
    return min(times), result


@dataclass(frozen=True)
class Way:
    """One way with one file. ``read`` and ``cut`` in seconds; ``words`` and ``places`` are shares, ``places`` None where nothing
    says a place; ``memory`` in MB; ``embed`` embeds some of the ``pieces``."""

    name: str
    read: float
    cut: float
    words: float
    places: float | None
    memory: float
    pieces: Sequence[Any]
    embed: Callable[[Sequence[Any]], object]

    def row(self, embedding: float) -> list[str]:
        """``embedding``: seconds for all pieces."""
        return [
            self.name,
            f"{PAGES / self.read:.0f}",
            f"{PAGES / (self.read + self.cut):.0f}",
            f"{PAGES / (self.read + self.cut + embedding):.1f}",
            str(len(self.pieces)),
            f"{self.words:.1%}",
            "none" if self.places is None else f"{self.places:.1%}",
            f"{self.memory:.0f}",
        ]


def ours(one: Format, data: bytes, pages: Sequence[Page], model: PackagedE5) -> Way:
    with peak_of_children() as peak:
        reading, parsed = best_of(lambda: read_safely(one.filename, data))
    cutting, chunks = best_of(lambda: chunk("c", one.filename, parsed, model.count_tokens))
    return Way(
        "workside",
        reading,
        cutting,
        words_kept(" ".join(piece.text for piece in chunks), pages),
        places_kept(chunks, pages, one.is_right),
        max(peak),
        chunks,
        lambda some: embed(model, [(parsed.title, piece.heading_path, piece.text) for piece in some]),
    )


def theirs(one: Format, data: bytes, pages: Sequence[Page], model: PackagedE5) -> Way | str:
    """Or why not."""
    import langchain_text_splitters as splitters  # type: ignore[import-not-found,unused-ignore]

    try:
        reading, text = best_of(partial(convert_with_markitdown, one.filename, data))
    except Exception as problem:
        return f"not read ({type(problem).__name__})"
    splitter = splitters.RecursiveCharacterTextSplitter(chunk_size=1_000, chunk_overlap=200)
    cutting, pieces = best_of(lambda: splitter.split_text(text))
    if not pieces:
        return "no text"
    memory = in_new_process(partial(peak_of_markitdown, one.filename, data))
    return Way(
        "markitdown",
        reading,
        cutting,
        words_kept(text, pages),
        None,
        memory,
        pieces,
        model.embed_passages,
    )


def embedding_seconds(ways: Sequence[Way]) -> list[float]:
    """What embedding all pieces of each way takes, counted up from every n-th; in turns, so that other work on the machine
    hinders all ways alike."""
    some = [way.pieces[:: max(1, len(way.pieces) // EMBEDDED)][:EMBEDDED] for way in ways]
    seconds = [0.0] * len(ways)
    for start in range(0, EMBEDDED, AT_ONCE):
        for at, way in enumerate(ways):
            began = time.perf_counter()
            way.embed(some[at][start : start + AT_ONCE])
            seconds[at] += time.perf_counter() - began
    return [total * len(way.pieces) / len(own) for total, way, own in zip(seconds, ways, some, strict=True)]


def convert_with_markitdown(filename: str, data: bytes) -> str:
    from markitdown import MarkItDown, StreamInfo  # type: ignore[import-not-found,unused-ignore]

    known = StreamInfo(extension=Path(filename).suffix, filename=filename)
    return str(MarkItDown().convert_stream(io.BytesIO(data), stream_info=known).text_content)


def peak_of_markitdown(filename: str, data: bytes) -> float:
    convert_with_markitdown(filename, data)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


@contextmanager
def peak_of_children() -> Any:
    """Peak resident MB of this thread's children, looked at every 10 ms (VmHWM; a child's usage also counts the process
    that it was forked from, so the usual way would not do)."""
    peaks = [0.0]
    ended = threading.Event()
    children = Path(f"/proc/self/task/{threading.get_native_id()}/children")

    def look() -> None:
        latest: dict[str, float] = {}
        while not ended.wait(0.01):
            for pid in children.read_text().split():
                try:
                    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
                except OSError:
                    continue
                for line in lines:
                    if line.startswith("VmHWM:"):
                        latest[pid] = int(line.split()[1]) * 1024 / 1e6
        peaks.extend(latest.values())

    watching = threading.Thread(target=look)
    watching.start()
    try:
        yield peaks
    finally:
        ended.set()
        watching.join()


def main() -> None:
    arguments = argparse.ArgumentParser(description="Ingest by format, beside markitdown.")
    arguments.add_argument("--formats", nargs="+", choices=FORMATS, default=list(FORMATS))
    chosen = arguments.parse_args().formats
    with_peer = all(find_spec(name) for name in ("markitdown", "langchain_text_splitters"))
    if not with_peer:
        print(
            "markitdown or langchain-text-splitters is not installed (pip install -e '.[bench]'); going on without."
        )
    model = PackagedE5()
    model.embed_passages(["Loads the model."])
    pages = make_pages()
    rows = []
    for name in chosen:
        one = FORMATS[name]
        data = one.make(pages)
        ways = [ours(one, data, pages, model)]
        why_not = None
        if with_peer:
            other = theirs(one, data, pages, model)
            if isinstance(other, Way):
                ways.append(other)
            else:
                why_not = other
        rows += [
            [name, *way.row(seconds)] for way, seconds in zip(ways, embedding_seconds(ways), strict=True)
        ]
        if why_not:
            rows.append([name, "markitdown", why_not, *[""] * 6])
        print(f"{name}: done", flush=True)
    print("| format | way | read pages/s | and cut | and embedded | pieces | words | places | MB |")
    print("|---|---|---|---|---|---|---|---|---|")
    for row in rows:
        print(f"| {' | '.join(row)} |")


if __name__ == "__main__":
    main()
