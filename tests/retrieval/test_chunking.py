from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from retrieval import HashingEmbedder
from retrieval.chunking import LONGEST, chunk, document_text
from retrieval.parsing import Block, ParsedDocument, ParseReport, parse
from retrieval.places import Place
from tests.retrieval.conftest import HANDBOOK


def _document(blocks: list[Block]) -> ParsedDocument:
    return ParsedDocument("Title", "en", blocks, ParseReport())


_texts = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=3_000).filter(str.strip)
_blocks = st.lists(
    st.builds(
        Block,
        st.sampled_from(["heading", "paragraph", "list", "steps", "row"]),
        _texts,
        st.sampled_from([(), ("A",), ("A", "B")]),
        st.sampled_from([None, Place("page", 1), Place("page", 2)]),
    ),
    max_size=8,
)


@given(_blocks)
def test_offsets_always_give_back_the_text(blocks: list[Block]) -> None:
    document = _document(blocks)
    text = document_text(blocks)
    chunks = chunk("c", "f.md", document, HashingEmbedder().count_tokens)
    for one in chunks:
        assert text[one.start : one.end] == one.text
    assert [one.ordinal for one in chunks] == list(range(len(chunks)))
    assert len({one.id for one in chunks}) == len(chunks)
    ends = [0, *(one.end for one in chunks)]
    assert all(end <= one.start for end, one in zip(ends, chunks, strict=False))


@given(_blocks)
def test_nothing_but_headings_and_space_is_lost(blocks: list[Block]) -> None:
    told = "".join("".join(block.text.split()) for block in blocks if block.kind != "heading")
    kept = "".join("".join(one.text.split()) for one in chunk("c", "f.md", _document(blocks)))
    assert kept == told


@given(_blocks)
def test_the_same_document_gives_the_same_passages(blocks: list[Block]) -> None:
    assert chunk("c", "f.md", _document(blocks)) == chunk("c", "f.md", _document(blocks))


def test_ids_differ_between_collections_and_files() -> None:
    document = _document([Block("paragraph", "The same words.")])
    ids = {chunk(c, f, document)[0].id for c in ("c1", "c2") for f in ("a.md", "b.md")}
    assert len(ids) == 4


def test_passages_follow_the_structure() -> None:
    chunks = chunk("c", "handbook.md", parse("handbook.md", HANDBOOK.encode()))
    found = [(one.kind, one.heading_path[-1], one.place.label()) for one in chunks]
    assert found == [
        ("steps", "Damaged parcels", "Support handbook > Damaged parcels"),
        ("paragraph", "How do I greet a caller?", "Support handbook > How do I greet a caller?"),
        ("row", "Answer times", "Support handbook > Answer times"),
    ]
    assert chunks[0].text.startswith("Ask the customer for two photos")


def test_long_paragraphs_are_cut_between_sentences() -> None:
    sentence = "This sentence is here to be counted and to be cut at its end. "
    chunks = chunk("c", "f.txt", _document([Block("paragraph", (sentence * 80).strip())]))
    assert len(chunks) > 3
    assert all(one.text.endswith("end.") and len(one.text) <= LONGEST for one in chunks)


def test_passages_stay_within_the_token_budget() -> None:
    # Each character a word for the double: as dense as a text can be.
    dense = " ".join("x" for _ in range(4_000))
    embedder = HashingEmbedder()
    chunks = chunk("c", "f.txt", _document([Block("paragraph", dense)]), embedder.count_tokens)
    assert max(embedder.count_tokens(one.text) for one in chunks) <= 512


def test_a_place_is_the_page_where_there_are_pages() -> None:
    blocks = [
        Block("paragraph", "One.", (), Place("page", 1)),
        Block("paragraph", "Two.", (), Place("page", 2)),
    ]
    chunks = chunk("c", "f.pdf", _document(blocks))
    assert [one.place.label("pt-BR") for one in chunks] == ["página 1", "página 2"]
