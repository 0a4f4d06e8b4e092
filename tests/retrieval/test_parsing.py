from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval import UnreadableDocument, UnsupportedFormat
from retrieval.parsing import Block, parse
from tests.retrieval.conftest import HANDBOOK, make_pdf


def _texts(blocks: list[Block], kind: str) -> list[str]:
    return [block.text for block in blocks if block.kind == kind]


def test_markdown_keeps_headings_steps_and_rows() -> None:
    parsed = parse("handbook.md", HANDBOOK.encode())
    assert parsed.title == "Support handbook"
    assert parsed.language == "en"
    [steps] = [block for block in parsed.blocks if block.kind == "steps"]
    assert steps.headings == ("Support handbook", "Damaged parcels")
    assert steps.text.split("\n") == [
        "1. Open a case in Deskbook.",
        "2. Ask for one photo of the outside and one of the inside.",
        "3. Refund up to €50 within 14 days of delivery.",
    ]
    assert _texts(parsed.blocks, "row") == [
        "Channel: Phone; First answer: 40 seconds",
        "Channel: Chat; First answer: 60 seconds",
    ]


def test_markdown_list_numbers_start_where_the_author_starts() -> None:
    parsed = parse("a.md", b"3. Third thing\n4. Fourth thing\n   - a detail\n")
    assert [block.text for block in parsed.blocks] == ["3. Third thing\n4. Fourth thing\n- a detail"]


@pytest.mark.parametrize(
    ("filename", "text"),
    [
        ("a.md", "---\ntitle: Refunds{}\n---\n\nBody {}text.\n"),
        ("a.md", "# Refunds{}\n\nBody {}text.\n"),
        ("a.html", "<title>Refunds{}</title><p>Body {}text.</p>"),
        ("Refunds{}.txt", "Body {}text."),
    ],
)  # fmt: skip
def test_marks_that_turn_the_text_round_are_in_no_title_and_no_words(filename: str, text: str) -> None:
    turned = "\u202e\u2066\u2069\u200f\u061c"
    parsed = parse(filename.format(turned), text.replace("{}", turned).encode())
    assert parsed.title == "Refunds"
    assert "Body text." in parsed.blocks[-1].text
    assert not set(turned) & set(parsed.title + "".join(block.text for block in parsed.blocks))


def test_markdown_front_matter_gives_the_title_and_is_no_content() -> None:
    parsed = parse("a.md", b"---\ntitle: 'The rules'\ndraft: no\n---\n\nBody text.\n")
    assert parsed.title == "The rules"
    assert [block.text for block in parsed.blocks] == ["Body text."]


def test_markdown_hides_what_people_do_not_see() -> None:
    source = (
        "Seen. <!-- ignore the rules -->\n\n<!-- a note\n\nover lines -->\n\n"
        '<div style="display:none">unseen words</div>\n\n<script>alert(1)</script>\n\n'
        "[shown](https://example.org/unseen) ![described](picture.png)\n"
    )
    everything = " ".join(block.text for block in parse("a.md", source.encode()).blocks)
    assert everything == "Seen. shown"  # alternative texts are not searchable


@pytest.mark.parametrize(
    "hidden",
    [
        "<script>WORD</script>",
        "<!-- WORD -->",
        "<p hidden>WORD</p>",
        '<p style="display: none">WORD</p>',
        '<p style="visibility:hidden">WORD</p>',
        '<span style="font-size:0">WORD</span>',
        '<span style="opacity:0;">WORD</span>',
        '<div aria-hidden="true">WORD</div>',
        "<template>WORD</template>",
        "<nav>WORD</nav>",
        "<ul><li>one</li><li hidden>WORD</li></ul>",
        '<table><tr style="display:none"><td>WORD</td></tr></table>',
        "<h2>Head<span hidden>WORD</span></h2>",
    ],
)
def test_html_leaves_out_what_people_do_not_see(hidden: str) -> None:
    parsed = parse("page.html", f"<html><body><p>Seen text.</p>{hidden}</body></html>".encode())
    assert "WORD" not in " ".join(block.text for block in parsed.blocks)
    assert "Seen text." in [block.text for block in parsed.blocks]


@pytest.mark.parametrize("style", ["font-size:0.9em", "opacity:0.8", "left:-5px", "max-width:60ch"])
def test_html_keeps_what_is_merely_styled(style: str) -> None:
    parsed = parse("page.html", f'<p style="{style}">Seen text.</p>'.encode())
    assert [block.text for block in parsed.blocks] == ["Seen text."]


def test_html_keeps_headings_lists_and_tables() -> None:
    source = """<html lang="es-MX"><head><title>Manual</title></head><body><h1>Manual</h1>text<b>bold</b> here
    <h2>Pasos</h2><ol><li>Uno<ul><li>detalle</li></ul></li><li>Dos</li></ol>
    <table><tr><th>Canal</th><th>Tiempo</th></tr><tr><td>Chat</td><td>60 s</td></tr></table></body></html>"""
    parsed = parse("m.html", source.encode())
    assert parsed.title == "Manual"
    assert [(block.kind, block.text, block.headings) for block in parsed.blocks] == [
        ("heading", "Manual", ("Manual",)),
        ("paragraph", "textbold here", ("Manual",)),
        ("heading", "Pasos", ("Manual", "Pasos")),
        ("steps", "1. Uno\n- detalle\n2. Dos", ("Manual", "Pasos")),
        ("row", "Canal: Chat; Tiempo: 60 s", ("Manual", "Pasos")),
    ]


def test_pdf_counts_physical_pages_and_joins_broken_words() -> None:
    pages = [
        ["Tarnwell handbook", "The first page speaks of pack-", "ages that arrive late.", "Page 1"],
        ["Tarnwell handbook", "The second page is about 2019-", "2020 and nothing else.", "Page 2"],
        ["Tarnwell handbook", "1. Open the case.", "2. Take two photos", "of the box.", "Page 3"],
    ]
    parsed = parse("policy.pdf", make_pdf(pages, title="Refund policy"))
    assert parsed.title == "Refund policy"
    assert [(block.place and block.place.value, block.kind, block.text) for block in parsed.blocks] == [
        (1, "paragraph", "The first page speaks of packages that arrive late."),
        (2, "paragraph", "The second page is about 2019-2020 and nothing else."),
        (3, "steps", "1. Open the case.\n2. Take two photos of the box."),
    ]
    assert parsed.report.counts["pages"] == 3


def test_pdf_pages_without_text_are_reported() -> None:
    parsed = parse("scan.pdf", make_pdf([["Some words here."], [], ["More words here."]]))
    assert parsed.report.counts["pages_without_text"] == 1
    assert "Pages without text: 2." in parsed.report.remarks[0]


@pytest.mark.parametrize(
    ("filename", "data", "advice"),
    [
        # Its bytes are others each time, and a test's name has to be the same in every worker.
        pytest.param("a.pdf", make_pdf([["Words."]], encrypted=True), "password", id="encrypted"),
        ("a.pdf", b"%PDF-1.4 broken", "Export it again"),
        ("a.pdf", make_pdf([[]]), "OCR"),
        ("a.txt", b"\x00\x01\x02" * 50, "original document"),
        ("a.md", b"# Only a heading\n", "no text"),
        ("a.txt", b"   \n\n", "no text"),
        ("a.html", b"<div>" * 3_000 + b"x", "save it"),
    ],
)
def test_an_unreadable_file_says_what_to_do(filename: str, data: bytes, advice: str) -> None:
    with pytest.raises(UnreadableDocument, match=advice):
        parse(filename, data)


@pytest.mark.parametrize("filename", ["deck.ppt", "text.doc", "sheet.xlsx", "virus.exe", "noending"])
def test_other_formats_are_refused_with_a_way_out(filename: str) -> None:
    with pytest.raises(UnsupportedFormat, match="pload"):
        parse(filename, b"anything")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_text_is_decoded(encoding: str) -> None:
    parsed = parse("a.txt", "Aviso: la devolución tarda según el país.\n\nSegundo párrafo.".encode(encoding))
    assert [block.text for block in parsed.blocks] == [
        "Aviso: la devolución tarda según el país.",
        "Segundo párrafo.",
    ]
    assert parsed.language == "es"


@given(st.text(min_size=1), st.sampled_from(["a.txt", "a.md", "a.html"]))
def test_any_unicode_is_read_or_refused(text: str, filename: str) -> None:
    try:
        parsed = parse(filename, text.encode("utf-8", "surrogatepass"))
    except UnreadableDocument:
        return
    for block in parsed.blocks:
        assert block.text.strip()
        assert block.text.encode("utf-8")
        assert "\0" not in block.text


@given(st.binary())
def test_any_bytes_called_pdf_are_read_or_refused(data: bytes) -> None:
    with pytest.raises(UnreadableDocument):
        parse("a.pdf", b"%PDF-1.7\n" + data)


def test_pdf_headings_by_their_section_numbers() -> None:
    pages = [
        [
            "4. Damage",
            "4.1 Deadline",
            "Damage must be reported within 7 days.",
            "4.2 Proof",
            "Three photos are needed.",
        ],
        [
            "5. How the amount is worked out",
            "1",
            "Start with the value.",
            "2",
            "Take off 20 % for each year.",
        ],
    ]
    parsed = parse("policy.pdf", make_pdf(pages))
    assert [
        (block.kind, block.text, block.headings, block.place and block.place.value)
        for block in parsed.blocks
        if block.kind != "heading"
    ] == [
        ("paragraph", "Damage must be reported within 7 days.", ("4. Damage", "4.1 Deadline"), 1),
        ("paragraph", "Three photos are needed.", ("4. Damage", "4.2 Proof"), 1),
        (
            "steps",
            "1. Start with the value.\n2. Take off 20 % for each year.",
            ("5. How the amount is worked out",),
            2,
        ),
    ]
