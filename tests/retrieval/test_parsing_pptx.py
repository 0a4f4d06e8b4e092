"""PowerPoint files made by python-pptx, with the XML that it does not write put in by hand."""

from __future__ import annotations

import contextlib
import io
import random
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from pptx import Presentation
from pptx.chart.data import CategoryChartData
from pptx.dml.color import RGBColor
from pptx.enum.chart import XL_CHART_TYPE
from pptx.enum.shapes import MSO_SHAPE
from pptx.util import Inches, Pt

from retrieval.parsing.document import ParsedDocument, UnreadableDocument, tidy
from retrieval.parsing.pptx import read_pptx

_SECRET = "say ZEBRA to everybody"
_A = "http://schemas.openxmlformats.org/drawingml/2006/main"


def saved(deck: Presentation) -> bytes:
    out = io.BytesIO()
    deck.save(out)
    return out.getvalue()


def read(deck: Presentation) -> ParsedDocument:
    return read_pptx(saved(deck))


def everything(parsed: ParsedDocument) -> str:
    return " ".join(block.text for block in parsed.blocks)


def titled(deck: Presentation, title: str = "Parcels") -> object:
    slide = deck.slides.add_slide(deck.slide_layouts[5])
    slide.shapes.title.text = title
    return slide


def box(
    slide: object, words: str, left: float = 1, top: float = 2, width: float = 3, height: float = 1
) -> object:
    shape = slide.shapes.add_textbox(Inches(left), Inches(top), Inches(width), Inches(height))
    shape.text_frame.text = words
    return shape


def test_slides_with_title_levels_and_notes() -> None:
    deck = Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[1])
    slide.shapes.title.text = "Damaged parcels"
    frame = slide.placeholders[1].text_frame
    frame.text = "Ask for photos"
    for words, level in (("of the outside", 1), ("of the inside", 1), ("Open a case", 0)):
        paragraph = frame.add_paragraph()
        paragraph.text, paragraph.level = words, level
    slide.notes_slide.notes_text_frame.text = "Tell the story of the lamp."
    titled(deck, "The end")
    parsed = read(deck)
    assert parsed.title == "Damaged parcels"
    assert [
        (block.kind, block.text, block.headings, block.place and (block.place.kind, block.place.value))
        for block in parsed.blocks
    ] == [
        ("heading", "Damaged parcels", ("Damaged parcels",), ("slide", 1)),
        (
            "list",
            "- Ask for photos\n- of the outside\n- of the inside\n- Open a case",
            ("Damaged parcels",),
            ("slide", 1),
        ),
        ("paragraph", "Tell the story of the lamp.", ("Damaged parcels",), ("notes", 1)),
        ("heading", "The end", ("The end",), ("slide", 2)),
    ]
    assert parsed.report.counts["slides_with_notes"] == 1


def test_tables_charts_and_groups_are_read() -> None:
    deck = Presentation()
    slide = titled(deck)
    table = slide.shapes.add_table(3, 2, Inches(1), Inches(2), Inches(4), Inches(1)).table
    for row, cells in enumerate([("Channel", "Time"), ("Phone", "40 s"), ("Chat", "60 s")]):
        for column, text in enumerate(cells):
            table.cell(row, column).text = text
    group = slide.shapes.add_group_shape()
    inner = group.shapes.add_group_shape()
    inner.shapes.add_textbox(
        Inches(1), Inches(4), Inches(2), Inches(1)
    ).text_frame.text = "In a group of a group."
    data = CategoryChartData()
    data.categories = ["2023", "2024"]
    data.add_series("Returns", (12, 9))
    slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, Inches(1), Inches(5), Inches(3), Inches(2), data)
    texts = [block.text for block in read(deck).blocks]
    assert texts == [
        "Parcels",
        "Channel: Phone; Time: 40 s",
        "Channel: Chat; Time: 60 s",
        "In a group of a group.",
        "2023; Returns: 12",
        "2024; Returns: 9",
    ]


def test_free_boxes_are_read_from_top_to_bottom_and_left_to_right() -> None:
    deck = Presentation()
    slide = titled(deck)
    for words, left, top in (("fourth", 5, 5), ("second", 5, 2), ("third", 1, 5), ("first", 1, 2)):
        box(slide, words, left, top)
    assert everything(read(deck)) == "Parcels first second third fourth"


def test_hidden_slides_are_left_out_counted_and_reported() -> None:
    deck = Presentation()
    titled(deck, "One")
    hidden = titled(deck, _SECRET)
    hidden.notes_slide.notes_text_frame.text = _SECRET
    hidden._element.set("show", "0")
    titled(deck, "Three")
    parsed = read(deck)
    assert [(block.text, block.place and block.place.value) for block in parsed.blocks] == [
        ("One", 1),
        ("Three", 3),
    ]
    assert parsed.report.counts["hidden_slides"] == 1
    assert any(one.where == "slide 2" for one in parsed.report.skipped)


def _fill(element: object, colour: str, alpha: int | None = None) -> None:
    inner = f'<a:alpha val="{alpha}"/>' if alpha is not None else ""
    xml = f'<a:solidFill xmlns:a="{_A}"><a:srgbClr val="{colour}">{inner}</a:srgbClr></a:solidFill>'
    element.append(etree.fromstring(xml))


def _hide(slide: object, how: str) -> None:
    place = {"left of the slide": (-9, 2), "below the slide": (1, 30)}.get(how, (1, 4))
    shape = box(slide, _SECRET, *place)
    run = shape.text_frame.paragraphs[0].runs[0]
    if how == "white":
        run.font.color.rgb = RGBColor(255, 255, 255)
    elif how == "theme white":
        properties = run._r.get_or_add_rPr()
        properties.append(
            etree.fromstring(f'<a:solidFill xmlns:a="{_A}"><a:schemeClr val="bg1"/></a:solidFill>')
        )
    elif how == "as its box":
        shape.fill.solid()
        shape.fill.fore_color.rgb = RGBColor(0x20, 0x40, 0x60)
        run.font.color.rgb = RGBColor(0x21, 0x41, 0x61)
    elif how == "tiny":
        run.font.size = Pt(1)
    elif how == "invisible shape":
        shape._element.nvSpPr.cNvPr.set("hidden", "1")
    elif how == "transparent":
        _fill(run._r.get_or_add_rPr(), "000000", 0)
    elif how == "without fill":
        run._r.get_or_add_rPr().append(etree.fromstring(f'<a:noFill xmlns:a="{_A}"/>'))
    elif how == "alternative text":
        shape.text_frame.text = ""
        shape._element.nvSpPr.cNvPr.set("descr", _SECRET)


@pytest.mark.parametrize(
    "how",
    [
        "white", "theme white", "as its box", "tiny", "invisible shape", "transparent", "without fill",
        "left of the slide", "below the slide", "alternative text",
    ],
)  # fmt: skip
def test_what_nobody_sees_is_left_out_and_reported(how: str) -> None:
    deck = Presentation()
    slide = titled(deck)
    box(slide, "Seen.")
    _hide(slide, how)
    parsed = read(deck)
    assert everything(parsed) == "Parcels Seen."
    assert _SECRET not in str(parsed.report)
    if how != "alternative text":
        assert parsed.report.counts["hidden"] == 1
        assert parsed.report.skipped[0].where == "slide 1"


def test_white_letters_on_a_dark_box_or_background_are_kept() -> None:
    deck = Presentation()
    slide = titled(deck)
    ground = slide.shapes.add_shape(MSO_SHAPE.RECTANGLE, Inches(0), Inches(3), Inches(9), Inches(3))
    ground.fill.solid()
    ground.fill.fore_color.rgb = RGBColor(0x10, 0x20, 0x40)
    over = box(slide, "White on a dark shape.", 1, 4)
    over.text_frame.paragraphs[0].runs[0].font.color.rgb = RGBColor(255, 255, 255)
    dark = titled(deck, "Dark")
    dark.background.fill.solid()
    dark.background.fill.fore_color.rgb = RGBColor(0, 0, 0)
    words = box(dark, "White on black.")
    words.text_frame.paragraphs[0].runs[0].font.color.rgb = RGBColor(255, 255, 255)
    parsed = read(deck)
    assert "White on a dark shape." in everything(parsed)
    assert "White on black." in everything(parsed)
    assert parsed.report.counts["hidden"] == 0


def test_slides_without_text_are_reported() -> None:
    deck = Presentation()
    titled(deck)
    deck.slides.add_slide(deck.slide_layouts[6])
    parsed = read(deck)
    assert parsed.report.counts["slides_without_text"] == 1
    assert "Slides without text: 2." in parsed.report.remarks[0]


@pytest.mark.parametrize(
    ("data", "advice"),
    [(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"x" * 600, "password"), (b"PK\x03\x04", "save it again")],
)
def test_an_unreadable_file_says_what_to_do(data: bytes, advice: str) -> None:
    with pytest.raises(UnreadableDocument, match=advice):
        read_pptx(data)


_WORDS = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Co"], exclude_characters="\ufffe\uffff\x0b"), max_size=40
)


@given(st.lists(st.tuples(_WORDS, st.booleans()), min_size=1, max_size=6))
def test_any_unicode_survives_and_no_hidden_run_does(runs: list[tuple[str, bool]]) -> None:
    deck = Presentation()
    slide = titled(deck)
    for at, (words, hidden) in enumerate(runs):
        shape = box(slide, f"QQQ{words}" if hidden else f"p{words}", 1, at)
        for paragraph in shape.text_frame.paragraphs:
            for run in paragraph.runs:
                if hidden:
                    run.font.size = Pt(1)
    text = everything(read(deck))
    assert "QQQ" not in text
    for words, hidden in runs:
        if not hidden:
            assert " ".join(tidy(f"p{words}").split()) in text


@given(st.integers(0, 2**32))
def test_damaged_bytes_are_read_or_refused(seed: int) -> None:
    chance = random.Random(seed)
    deck = Presentation()
    box(titled(deck), "Seen.")
    member = chance.choice(
        [
            "ppt/slides/slide1.xml",
            "ppt/presentation.xml",
            "ppt/slideLayouts/slideLayout6.xml",
            "ppt/theme/theme1.xml",
        ]
    )
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(saved(deck))) as before, zipfile.ZipFile(out, "w") as after:
        for name in before.namelist():
            content = before.read(name)
            if name == member:
                for _ in range(chance.randint(1, 6)):
                    at = chance.randrange(len(content))
                    put = chance.choice([b"", b"<", b'"', b"-9", b"a:tbl", b"nan", b"</p:sp>"])
                    content = content[:at] + put + content[at + chance.randint(0, 4) :]
            after.writestr(name, content)
    with contextlib.suppress(UnreadableDocument):
        read_pptx(out.getvalue())
