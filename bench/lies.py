"""How many lying citations are caught, and how many honest sentences are doubted for it.

    python -m bench.lies PACK                 # PACK: an evaluation pack as `workside eval` takes it
    python -m bench.lies PACK --most 40 --examples 3 --half tuning

Sentences of the pack's passages, reworded or falsified by the rules of bench/planted, go through `Grounding` as a model's
sentences do: with the number of the passage that they cite, which stands in a list with four others (two of its own document).
A falsified sentence is *caught* where it is withheld or shown as not confirmed; an honest one is *kept* where it is verified and
cites the passage that it comes from. The rules are mechanical: a model rewords more freely, and lies less clumsily.
"""

from __future__ import annotations

import json
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from app.coach.grounding import Grounding
from app.coach.units import units_of
from app.coach.written import Written
from bench.planted import HELD_OUT, SUPPORTED, UNSUPPORTED, Source, chance, is_held_out, sentences_of
from retrieval import PackagedE5, Passage, Place
from retrieval.evaluation.vectors import CachedEmbedder

# Folders of the pack with a corpus, and its language.
CORPORA = {
    "a_retrieval/handbook_18f": "en",
    "a_retrieval/course_introbiz": "en",
    "a_retrieval/course_ethics": "en",
    "a_retrieval/wiki_en": "en",
    "d_multilingual/xquad_es": "es",
    "d_multilingual/xquad_de": "de",
    "d_multilingual/faquad_pt": "pt",
    "d_multilingual/pira_pt": "pt",
}
# Passages of these are the same, one by one, as those of wiki_en.
PARALLEL = {
    "d_multilingual/xquad_es": "a_retrieval/wiki_en",
    "d_multilingual/xquad_de": "a_retrieval/wiki_en",
}
# What changes little words of the sentence's own language shows as well where the passage is in another one.
ACROSS = (
    "number",
    "negation added",
    "negation removed",
    "must and may",
    "name",
    "condition dropped",
    "bound",
    "invented",
)
OTHERS = 4


@dataclass(frozen=True)
class Case:
    """`cited`: the place of the cited passage in `passages`; `truly`: of the one that says it, None where none does."""

    kind: str
    language: str
    corpus: str
    text: str
    original: str
    passages: tuple[Passage, ...]
    cited: int
    truly: int | None
    held_out: bool


@dataclass
class Shelf:
    passages: list[Passage]
    by_document: dict[str, list[int]]

    def with_others(
        self, at: int, salt: str, without: frozenset[int] = frozenset()
    ) -> tuple[tuple[Passage, ...], int]:
        """The passage among four others, two of them of its own document where it has as many; and its place."""
        taken = {at, *without}
        near = [i for i in self.by_document[self.passages[at].document_id] if i not in taken]
        near.sort(key=lambda i: chance("near", salt, i))
        taken |= set(near[:2])
        chosen = near[:2]
        n = 0
        while len(chosen) < OTHERS:
            i = int(chance("far", salt, n) * len(self.passages))
            n += 1
            if i not in taken:
                taken.add(i)
                chosen.append(i)
        place = int(chance("place", salt) * (OTHERS + 1))
        chosen.insert(place, at)
        return tuple(self.passages[i] for i in chosen), place


class Quota:
    """At most so many cases of each kind and half."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._taken: Counter[tuple[str, bool]] = Counter()

    def is_full(self, kind: str, held_out: bool) -> bool:
        return self._taken[kind, held_out] >= self.most

    def take(self, kind: str, held_out: bool) -> None:
        self._taken[kind, held_out] += 1


def read(pack: Path, corpus: str, language: str) -> Shelf:
    passages: list[Passage] = []
    by_document: dict[str, list[int]] = defaultdict(list)
    for line in (pack / corpus / "corpus.jsonl").read_text("utf-8").split("\n"):
        if not line:
            continue
        row = json.loads(line)
        headings = tuple(part for part in row.get("section", "").split(" > ") if part)
        by_document[row["doc_id"]].append(len(passages))
        passages.append(
            Passage(
                id=row["passage_id"],
                document_id=row["doc_id"],
                document_title=row.get("doc_title", ""),
                collection_id=corpus,
                ordinal=len(by_document[row["doc_id"]]),
                kind="paragraph",
                heading_path=headings,
                text=row["text"],
                language=language,
                place=Place("document", ""),
                start=0,
                end=len(row["text"]),
            )
        )
    return Shelf(passages, by_document)


def cases(pack: Path, most: int) -> Iterator[Case]:
    """`most` cases of each kind and corpus, the same ones each time."""
    shelves = {corpus: read(pack, corpus, language) for corpus, language in CORPORA.items()}
    for corpus, language in CORPORA.items():
        shelf = shelves[corpus]
        sources = []
        for at, passage in enumerate(shelf.passages):
            units = tuple(unit.text for unit in units_of(passage.text))
            sources += [(at, Source(units, i, language)) for i in sentences_of(units)]
        sources.sort(key=lambda one: chance("sentence", corpus, one[0], one[1].at))
        quota = Quota(most)
        across = shelves.get(PARALLEL.get(corpus, ""))
        places = (
            {passage.id.partition("/")[2]: i for i, passage in enumerate(across.passages)} if across else {}
        )
        for at, source in sources:
            passage = shelf.passages[at]
            held_out = is_held_out(passage.document_id)
            salt = f"{passage.id}|{source.at}"

            for kinds, is_true in ((SUPPORTED, True), (UNSUPPORTED, False)):
                for kind, rule in kinds.items():
                    if quota.is_full(kind, held_out) or (text := rule(source)) is None:
                        continue
                    if text == source.text and kind != "verbatim":
                        continue
                    quota.take(kind, held_out)
                    passages, place = shelf.with_others(at, salt)
                    yield Case(
                        kind,
                        language,
                        corpus,
                        text,
                        source.text,
                        passages,
                        place,
                        place if is_true else None,
                        held_out,
                    )
            siblings = [i for i in shelf.by_document[passage.document_id] if i != at]
            if siblings and not quota.is_full("cited elsewhere", held_out):
                # The sentence cites a sibling of its passage: once with its own passage at hand, once without.
                other = siblings[int(chance("sibling", salt) * len(siblings))]
                if source.text not in shelf.passages[other].text:
                    passages, place = shelf.with_others(other, salt, without=frozenset({at}))
                    quota.take("cited elsewhere", held_out)
                    yield Case(
                        "cited elsewhere",
                        language,
                        corpus,
                        source.text,
                        source.text,
                        passages,
                        place,
                        None,
                        held_out,
                    )
                    last = (place + 1) % len(passages)
                    given = tuple(passage if i == last else one for i, one in enumerate(passages))
                    yield Case(
                        "cited wrongly",
                        language,
                        corpus,
                        source.text,
                        source.text,
                        given,
                        place,
                        last,
                        held_out,
                    )
            if across and (parallel := places.get(passage.id.partition("/")[2])) is not None:
                passages, place = across.with_others(parallel, salt)
                where = f"{language} to en"
                if not quota.is_full("translated", held_out):
                    quota.take("translated", held_out)
                    yield Case(
                        "translated",
                        where,
                        corpus,
                        source.text,
                        source.text,
                        passages,
                        place,
                        place,
                        held_out,
                    )
                for kind in ACROSS:
                    name = f"{kind} (translated)"
                    if quota.is_full(name, held_out) or (text := UNSUPPORTED[kind](source)) in (
                        None,
                        source.text,
                    ):
                        continue
                    quota.take(name, held_out)
                    yield Case(name, where, corpus, text, source.text, passages, place, None, held_out)


def verdict(case: Case, embedder: CachedEmbedder) -> tuple[bool, str]:
    """(whether the right thing happened, what happened in a word)."""
    language = case.language.partition(" ")[0]
    grounding = Grounding("", case.passages, embedder, (), language)
    sentence = grounding.check(Written(case.text, "sentence", (case.cited + 1,)))
    happened = "withheld" if sentence is None else "verified" if sentence.is_verified else "not confirmed"
    if sentence is not None and sentence.is_verified:
        where = {grounding.citations[n - 1].passage.id for n in sentence.citations}
        right = case.truly is not None and where == {case.passages[case.truly].id}
        return right, happened
    return case.truly is None, happened


def main(
    pack: Path,
    most: Annotated[int, typer.Option(help="Cases of a kind, corpus and half.")] = 30,
    half: Annotated[str, typer.Option(help="tuning, held-out or both.")] = "both",
    kinds: Annotated[str, typer.Option(help="Kinds, comma-separated; tuning: those not held out.")] = "",
    examples: Annotated[int, typer.Option(help="Wrong verdicts of each kind to print.")] = 0,
    cache: Annotated[Path | None, typer.Option(help="Folder of vectors kept between runs.")] = None,
) -> None:
    chosen = set(kinds.split(",")) - {""}
    with tempfile.TemporaryDirectory() as scratch:
        folder = cache or Path(scratch)
        embedder = CachedEmbedder(PackagedE5(folder / "models"), folder)
        right: dict[tuple[str, str], list[bool]] = defaultdict(list)
        shown: dict[str, int] = Counter()
        told = []
        for case in cases(pack, most):
            if half != "both" and case.held_out != (half == "held-out"):
                continue
            if (
                chosen
                and case.kind not in chosen
                and not (chosen == {"tuning"} and case.kind not in HELD_OUT)
            ):
                continue
            is_right, happened = verdict(case, embedder)
            right[case.kind, case.language].append(is_right)
            if not is_right and shown[case.kind] < examples:
                shown[case.kind] += 1
                told.append(f"{case.kind} ({case.corpus}): {happened}\n    {case.original}\n    {case.text}")
        embedder.close()
    print("\n".join(told))
    _tables(right)


def _tables(right: dict[tuple[str, str], list[bool]]) -> None:
    honest = [*SUPPORTED, "cited wrongly", "translated"]
    kinds = list(dict.fromkeys(kind for kind, _ in right))
    for title, of_kind in (
        ("kept", [k for k in kinds if k in honest]),
        ("caught", [k for k in kinds if k not in honest]),
    ):
        languages = sorted({language for kind, language in right if kind in of_kind})
        print(f"\n| {title} | all | {' | '.join(languages)} |")
        print("|---|---|" + "---|" * len(languages))
        for kind in [*of_kind, "*"]:
            name = f"{kind} (held out)" if kind in HELD_OUT else kind
            cells = []
            for language in ("", *languages):
                counted = [one for (k, where), list_ in right.items() for one in list_
                           if (k == kind or (kind == "*" and k in of_kind)) and language in ("", where)]  # fmt: skip
                cells.append(
                    f"{sum(counted)} of {len(counted)}, {sum(counted) / len(counted):.1%}" if counted else "-"
                )
            print(f"| {'all together' if kind == '*' else name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    typer.run(main)
