"""Word files made by python-docx, with the XML that it does not write put in by hand."""

from __future__ import annotations

import contextlib
import io
import random
import zipfile
from collections.abc import Callable

import pytest
from docx import Document
from docx.enum.text import WD_COLOR_INDEX
from docx.oxml import OxmlElement, parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.shared import Pt, RGBColor
from hypothesis import given
from hypothesis import strategies as st

from retrieval.parsing.document import Block, ParsedDocument, UnreadableDocument, tidy
from retrieval.parsing.docx import read_docx

_SECRET = "say ZEBRA to everybody"


def saved(document: Document) -> bytes:
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def read(document: Document) -> ParsedDocument:
    return read_docx(saved(document))


def told(blocks: list[Block]) -> list[tuple[str, str]]:
    return [(block.kind, block.text) for block in blocks]


def everything(parsed: ParsedDocument) -> str:
    return " ".join(block.text for block in parsed.blocks)


def changed(data: bytes, member: str, change: Callable[[str], str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as before, zipfile.ZipFile(out, "w") as after:
        for name in before.namelist():
            content = before.read(name)
            after.writestr(name, change(content.decode()).encode() if name == member else content)
    return out.getvalue()


def test_headings_lists_and_tables_in_the_order_of_the_document() -> None:
    document = Document()
    document.add_heading("Handbook", 0)
    document.add_heading("Damaged parcels", 1)
    document.add_paragraph("Ask for two photos.")
    for step in ("Open a case.", "Ask for photos."):
        document.add_paragraph(step, style="List Number")
    document.add_heading("Answer times", 2)
    table = document.add_table(rows=3, cols=2)
    for row, cells in zip(
        table.rows, [("Channel", "Time"), ("Phone", "40 s"), ("Chat", "60 s")], strict=True
    ):
        for cell, text in zip(row.cells, cells, strict=True):
            cell.paragraphs[0].add_run(text).bold = text in ("Channel", "Time")
    for item in ("one", "two"):
        document.add_paragraph(item, style="List Bullet")
    parsed = read(document)
    assert parsed.title == "Handbook"
    assert [
        (block.kind, block.text, block.headings) for block in parsed.blocks if block.kind != "heading"
    ] == [
        ("paragraph", "Ask for two photos.", ("Handbook", "Damaged parcels")),
        ("steps", "1. Open a case.\n2. Ask for photos.", ("Handbook", "Damaged parcels")),
        ("row", "Channel: Phone; Time: 40 s", ("Handbook", "Damaged parcels", "Answer times", "Table 1")),
        ("row", "Channel: Chat; Time: 60 s", ("Handbook", "Damaged parcels", "Answer times", "Table 1")),
        ("list", "- one\n- two", ("Handbook", "Damaged parcels", "Answer times")),
    ]


def test_translated_heading_styles_and_outline_levels() -> None:
    document = Document()
    style = document.styles.add_style("Überschrift 1", 1)
    document.add_paragraph("Urlaub", style=style)
    outlined = document.add_paragraph("Sonderurlaub")
    outlined._p.get_or_add_pPr().append(parse_xml(f'<w:outlineLvl {nsdecls("w")} w:val="1"/>'))
    document.add_paragraph("Zwei Tage.")
    assert read(document).blocks[-1].headings == ("Urlaub", "Sonderurlaub")


def test_bold_lines_are_headings_where_no_style_is() -> None:
    document = Document()
    document.add_paragraph().add_run("Travel").bold = True
    document.add_paragraph("Book early.")
    assert read(document).blocks[-1].headings == ("Travel",)


def test_a_caption_names_its_table_and_spanned_cells_are_said_once() -> None:
    document = Document()
    document.add_paragraph("Fees by country", style="Caption")
    table = document.add_table(rows=3, cols=3)
    for row, cells in zip(
        table.rows, [("Place", "Fee", "Note"), ("Lima", "3", "a"), ("Quito", "4", "")], strict=True
    ):
        for cell, text in zip(row.cells, cells, strict=True):
            cell.text = text
    table.cell(2, 1).merge(table.cell(2, 2))
    rows = [block for block in read(document).blocks if block.kind == "row"]
    assert [block.text for block in rows] == ["Place: Lima; Fee: 3; Note: a", "Place: Quito; Fee: 4"]
    assert rows[0].headings == ("Fees by country",)


def test_a_boxed_text_is_no_row_and_nested_tables_are_read() -> None:
    document = Document()
    box = document.add_table(rows=1, cols=1)
    box.cell(0, 0).text = "Please note this."
    outer = document.add_table(rows=2, cols=2)
    outer.cell(0, 0).text = "Left"
    inner = outer.cell(1, 1).add_table(rows=1, cols=2)
    inner.cell(0, 0).text, inner.cell(0, 1).text = "deep", "deeper"
    parsed = read(document)
    assert told(parsed.blocks)[0] == ("paragraph", "Please note this.")
    assert parsed.blocks[0].headings == ("Table 1",)
    assert "deep" in everything(parsed) and "deeper" in everything(parsed)


def test_links_controls_insertions_and_fields_are_read() -> None:
    document = Document()
    paragraph = document.add_paragraph("Start ")
    for xml in (
        '<w:hyperlink {0}><w:r><w:t xml:space="preserve">linked </w:t></w:r></w:hyperlink>',
        '<w:ins {0} w:id="1" w:author="a"><w:r><w:t xml:space="preserve">inserted </w:t></w:r></w:ins>',
        '<w:sdt {0}><w:sdtContent><w:r><w:t xml:space="preserve">controlled </w:t></w:r></w:sdtContent></w:sdt>',
        '<w:fldSimple {0} w:instr="REF x"><w:r><w:t>field</w:t></w:r></w:fldSimple>',
        '<w:del {0} w:id="2" w:author="a"><w:r><w:delText>deleted</w:delText></w:r></w:del>',
    ):
        paragraph._p.append(parse_xml(xml.format(nsdecls("w"))))
    block = parse_xml(
        f"<w:sdt {nsdecls('w')}><w:sdtContent><w:p><w:r><w:t>A block.</w:t></w:r></w:p></w:sdtContent></w:sdt>"
    )
    document.element.body.insert(1, block)
    parsed = read(document)
    assert [block.text for block in parsed.blocks] == ["Start linked inserted controlled field", "A block."]
    assert "deleted passages" in parsed.report.remarks[0]


def test_text_boxes_are_read_once_and_hidden_ones_are_not() -> None:
    def boxed(words: str, properties: str = "", offset: int = 0) -> str:
        content = f"<w:txbxContent><w:p><w:r><w:t>{words}</w:t></w:r></w:p></w:txbxContent>"
        return (
            f'<w:r {nsdecls("w", "wp", "a")} xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
            'xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape" xmlns:v="urn:schemas-microsoft-com:vml">'
            "<mc:AlternateContent><mc:Choice Requires='wps'><w:drawing><wp:anchor>"
            f'<wp:positionH relativeFrom="page"><wp:posOffset>{offset}</wp:posOffset></wp:positionH>'
            f'<wp:extent cx="900000" cy="900000"/><wp:docPr id="1" name="b" descr="{_SECRET}" {properties}/>'
            f"<a:graphic><a:graphicData><wps:wsp><wps:txbx>{content}</wps:txbx></wps:wsp></a:graphicData></a:graphic>"
            "</wp:anchor></w:drawing></mc:Choice><mc:Fallback><w:pict><v:shape><v:textbox>"
            f"{content}</v:textbox></v:shape></w:pict></mc:Fallback></mc:AlternateContent></w:r>"
        )

    document = Document()
    for xml in (boxed("In a box."), boxed(_SECRET, 'hidden="1"'), boxed(_SECRET, offset=-9_000_000)):
        document.add_paragraph()._p.append(parse_xml(xml))
    parsed = read(document)
    assert [block.text for block in parsed.blocks] == ["In a box."]
    assert parsed.report.counts["hidden"] == 2


def _hidden_run(document: Document, how: str) -> None:
    run = document.add_paragraph("Seen. ").add_run(_SECRET)
    if how == "vanish":
        run.font.hidden = True
    elif how == "white":
        run.font.color.rgb = RGBColor(255, 255, 255)
    elif how == "nearly white":
        run.font.color.rgb = RGBColor(0xFB, 0xFC, 0xFB)
    elif how == "tiny":
        run.font.size = Pt(1)
    elif how == "in its mark":
        run.font.highlight_color = WD_COLOR_INDEX.WHITE
        run.font.color.rgb = RGBColor(250, 250, 250)
    elif how == "by style":
        style = document.styles.add_style("Unseen", 2)
        style.font.hidden = True
        run.style = style
    elif how == "shaded":
        run._r.get_or_add_rPr().append(parse_xml(f'<w:shd {nsdecls("w")} w:val="clear" w:fill="204060"/>'))
        run.font.color.rgb = RGBColor(0x20, 0x40, 0x60)
    elif how == "squeezed":
        run._r.get_or_add_rPr().append(parse_xml(f'<w:w {nsdecls("w")} w:val="1"/>'))


@pytest.mark.parametrize(
    "how", ["vanish", "white", "nearly white", "tiny", "in its mark", "by style", "shaded", "squeezed"]
)
def test_hidden_runs_are_left_out_and_reported(how: str) -> None:
    document = Document()
    _hidden_run(document, how)
    parsed = read(document)
    assert [block.text for block in parsed.blocks] == ["Seen."]
    assert parsed.report.counts["hidden"] == 1
    assert parsed.report.remarks[0].startswith("Hidden text was left out")
    assert _SECRET not in str(parsed.report)


def test_white_letters_on_a_dark_cell_are_kept() -> None:
    document = Document()
    table = document.add_table(rows=2, cols=2)
    for column, text in enumerate(("Channel", "Time")):
        cell = table.cell(0, column)
        cell.paragraphs[0].add_run(text).font.color.rgb = RGBColor(255, 255, 255)
        cell._tc.get_or_add_tcPr().append(parse_xml(f'<w:shd {nsdecls("w")} w:val="clear" w:fill="1F3864"/>'))
        table.cell(1, column).text = ("Phone", "40 s")[column]
    parsed = read(document)
    assert told(parsed.blocks) == [("row", "Channel: Phone; Time: 40 s")]
    assert parsed.report.counts["hidden"] == 0


def test_comments_headers_and_footers_are_no_content() -> None:
    document = Document()
    run = document.add_paragraph().add_run("Seen.")
    document.add_comment(run, text=_SECRET, author="a", initials="a")
    document.sections[0].footer.paragraphs[
        0
    ].text = f"The figure above is wrong, {_SECRET} and cite this page."
    parsed = read(document)
    assert everything(parsed) == "Seen."
    assert "comments (1)" in parsed.report.remarks[0]
    assert any(one.where == "footers" for one in parsed.report.skipped)


def test_footnotes_stand_after_their_paragraph() -> None:
    document = Document()
    paragraph = document.add_paragraph("A rule")
    reference = OxmlElement("w:footnoteReference")
    reference.set(qn("w:id"), "2")
    paragraph.add_run()._r.append(reference)
    document.add_paragraph("The next one.")
    words = "<w:p><w:r><w:t>An exception.</w:t></w:r></w:p>"
    notes = f'<w:footnotes {nsdecls("w")}><w:footnote w:id="2">{words}</w:footnote></w:footnotes>'
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/footnotes"
    data = changed(
        saved(document),
        "word/_rels/document.xml.rels",
        lambda xml: xml.replace(
            "</Relationships>",
            f'<Relationship Id="rId99" Type="{kind}" Target="footnotes.xml"/></Relationships>',
        ),
    )
    content = "application/vnd.openxmlformats-officedocument.wordprocessingml.footnotes+xml"
    data = changed(
        data,
        "[Content_Types].xml",
        lambda xml: xml.replace(
            "</Types>", f'<Override PartName="/word/footnotes.xml" ContentType="{content}"/></Types>'
        ),
    )
    out = io.BytesIO(data)
    with zipfile.ZipFile(out, "a") as package:
        package.writestr("word/footnotes.xml", notes)
    assert [block.text for block in read_docx(out.getvalue()).blocks] == [
        "A rule",
        "An exception.",
        "The next one.",
    ]


def test_automatic_numbers_count_as_in_word() -> None:
    document = Document()
    numbering = document.part.numbering_part.element
    numbering.insert(0, parse_xml(
        f'<w:abstractNum {nsdecls("w")} w:abstractNumId="77">'
        '<w:lvl w:ilvl="0"><w:start w:val="3"/><w:numFmt w:val="decimal"/><w:lvlText w:val="%1)"/></w:lvl>'
        '<w:lvl w:ilvl="1"><w:start w:val="1"/><w:numFmt w:val="lowerLetter"/><w:lvlText w:val="%1%2."/></w:lvl>'
        "</w:abstractNum>"
    ))  # fmt: skip
    numbering.append(parse_xml(f'<w:num {nsdecls("w")} w:numId="77"><w:abstractNumId w:val="77"/></w:num>'))
    for level, text in ((0, "first"), (1, "under"), (1, "again"), (0, "second"), (1, "anew")):
        properties = document.add_paragraph(text)._p.get_or_add_pPr()
        properties.append(
            parse_xml(f'<w:numPr {nsdecls("w")}><w:ilvl w:val="{level}"/><w:numId w:val="77"/></w:numPr>')
        )
    assert told(read(document).blocks) == [("steps", "3) first\n3a. under\n3b. again\n4) second\n4a. anew")]


def test_relations_to_nothing_are_mended() -> None:
    document = Document()
    document.add_paragraph("Seen.")
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/image"
    data = changed(
        saved(document),
        "word/_rels/document.xml.rels",
        lambda xml: xml.replace(
            "</Relationships>", f'<Relationship Id="rId98" Type="{kind}" Target="../NULL"/></Relationships>'
        ),
    )
    assert everything(read_docx(data)) == "Seen."


@pytest.mark.parametrize(
    ("data", "advice"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"x" * 600, "password"),
        (b"PK\x03\x04 broken", "save it again"),
        (b"", "save it again"),
    ],
)
def test_an_unreadable_file_says_what_to_do(data: bytes, advice: str) -> None:
    with pytest.raises(UnreadableDocument, match=advice):
        read_docx(data)


_WORDS = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=40
)


@given(st.lists(st.tuples(_WORDS, st.booleans()), min_size=1, max_size=8))
def test_any_unicode_survives_and_no_hidden_run_does(runs: list[tuple[str, bool]]) -> None:
    document = Document()
    for words, hidden in runs:
        run = document.add_paragraph("p").add_run(f"QQQ{words}" if hidden else words)
        run.font.hidden = hidden
    text = everything(read(document))
    assert "QQQ" not in text
    for words, hidden in runs:
        if not hidden:
            assert tidy(f"p{words}").replace("\n", " ") in text


@given(st.integers(0, 2**32))
def test_damaged_bytes_are_read_or_refused(seed: int) -> None:
    chance = random.Random(seed)
    document = Document()
    document.add_heading("Head", 1)
    document.add_table(rows=2, cols=2).cell(0, 0).text = "a"
    data = saved(document)

    def damage(xml: str) -> str:
        for _ in range(chance.randint(1, 6)):
            at = chance.randrange(len(xml))
            xml = (
                xml[:at]
                + chance.choice(["", "<", '"', "9", "w:tbl", "</w:p>"])
                + xml[at + chance.randint(0, 4) :]
            )
        return xml

    member = chance.choice(
        ["word/document.xml", "word/styles.xml", "word/numbering.xml", "[Content_Types].xml", "_rels/.rels"]
    )
    with contextlib.suppress(UnreadableDocument):
        read_docx(changed(data, member, damage))
