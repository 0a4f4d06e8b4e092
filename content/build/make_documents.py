"""Build the PDF, the slides, the Word sheet and the captions of the sample course from their source texts in this folder.

Only needed when a source text changes: the results are checked in. reportlab, python-pptx and python-docx are
not dependencies of Workside; docs/content.md tells how to install them in a throw-away environment.

Usage: python content/build/make_documents.py

The output does not depend on the day or the machine: dates are fixed, zip entries are stamped alike.
"""

import re
import tomllib
import zipfile
from datetime import UTC, datetime
from pathlib import Path

from docx import Document
from docx.shared import Pt as DocxPt
from docx.shared import RGBColor as DocxColor
from pptx import Presentation
from pptx.dml.color import RGBColor
from pptx.util import Inches, Pt
from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_LEFT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    Flowable,
    ListFlowable,
    ListItem,
    PageBreak,
    Paragraph,
    SimpleDocTemplate,
    Spacer,
    Table,
)

HERE = Path(__file__).resolve().parent
OUT = HERE.parent / "documents"
INK, QUIET, ACCENT, LINE, WASH = "#1d2733", "#5b6775", "#0b5d66", "#c9d2d9", "#eef4f5"
FIXED = datetime(2026, 9, 1, 9, 0, 0, tzinfo=UTC)

Block = tuple[str, str | list[str] | list[list[str]]]


def blocks(text: str) -> list[Block]:
    """Split the small Markdown that the sources use into (kind, content).

    Kinds: h1, h2, h3, p, break (text); bullets, ticks, steps (list of text); table (rows of cells, first row is the head).
    """
    found: list[Block] = []
    for part in re.split(r"\n\s*\n", text.strip()):
        lines = part.strip().splitlines()
        head = re.match(r"(#{1,3}) (.+)", lines[0])
        if head:
            found.append((f"h{len(head[1])}", head[2]))
        elif lines[0] == "---":
            found.append(("break", ""))
        elif lines[0].startswith("|"):
            rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
            found.append(("table", [rows[0], *rows[2:]]))
        elif lines[0].startswith("- [ ] "):
            found.append(("ticks", [line[6:] for line in lines]))
        elif lines[0].startswith("- "):
            found.append(("bullets", [line[2:] for line in lines]))
        elif re.match(r"\d+\. ", lines[0]):
            found.append(("steps", [line.split(". ", 1)[1] for line in lines]))
        else:
            found.append(("p", " ".join(lines)))
    return found


def make_pdf(source: Path, target: Path, *, title: str) -> None:
    """Write an A4 PDF with real text, one outline entry per heading, and page numbers."""
    style = {
        name: ParagraphStyle(
            name,
            fontName=font,
            fontSize=size,
            leading=size * 1.42,
            textColor=HexColor(colour),
            spaceBefore=before,
            spaceAfter=after,
            alignment=TA_LEFT,
            keepWithNext=name.startswith("h"),
        )
        for name, font, size, colour, before, after in [
            ("h1", "Helvetica-Bold", 25, ACCENT, 0, 4),
            ("h2", "Helvetica-Bold", 14.5, ACCENT, 15, 5),
            ("h3", "Helvetica-Bold", 11.5, INK, 10, 3),
            ("p", "Helvetica", 10.5, INK, 0, 7),
            ("cell", "Helvetica", 9.6, INK, 0, 0),
            ("head", "Helvetica-Bold", 9.6, INK, 0, 0),
        ]
    }

    class Outline(Flowable):
        """A bookmark at the heading that follows; draws nothing."""

        def __init__(self, text: str, level: int) -> None:
            super().__init__()
            self.text, self.level = text, level
            self.keepWithNext = True

        def wrap(self, *_: float) -> tuple[float, float]:
            return 0, 0

        def draw(self) -> None:
            self.canv.bookmarkPage(self.text)
            self.canv.addOutlineEntry(self.text, self.text, self.level)

    story: list[Flowable] = []
    for kind, content in blocks(source.read_text("utf-8")):
        if kind == "break":
            story.append(PageBreak())
        elif kind in ("h1", "h2", "h3"):
            if kind != "h1":
                story.append(Outline(str(content), int(kind[1]) - 2))
            story.append(Paragraph(str(content), style[kind]))
        elif kind in ("bullets", "steps"):
            items = [
                ListItem(Paragraph(text, style["p"]), leftIndent=16)
                for text in content
                if isinstance(text, str)
            ]
            story.append(
                ListFlowable(
                    items,
                    bulletType="1" if kind == "steps" else "bullet",
                    leftIndent=16,
                    bulletFontName="Helvetica",
                    bulletFontSize=10,
                    bulletColor=HexColor(ACCENT),
                )
            )
        elif kind == "table":
            rows = [
                [Paragraph(cell, style["head" if at == 0 else "cell"]) for cell in row]
                for at, row in enumerate(content)
            ]
            story.append(
                Table(
                    rows,
                    colWidths=[174 * mm / len(rows[0])] * len(rows[0]),
                    style=[
                        ("BACKGROUND", (0, 0), (-1, 0), HexColor(WASH)),
                        ("LINEBELOW", (0, 0), (-1, -1), 0.6, HexColor(LINE)),
                        ("VALIGN", (0, 0), (-1, -1), "TOP"),
                        ("TOPPADDING", (0, 0), (-1, -1), 5),
                        ("BOTTOMPADDING", (0, 0), (-1, -1), 6),
                    ],
                )
            )
            story.append(Spacer(1, 8))
        else:
            story.append(Paragraph(str(content), style["p"]))

    def edges(canvas: Canvas, doc: SimpleDocTemplate) -> None:
        canvas.setFont("Helvetica", 8.5)
        canvas.setFillColor(HexColor(QUIET))
        canvas.drawString(18 * mm, 11 * mm, f"Tarnwell Parcel · {title}")
        canvas.drawRightString(A4[0] - 18 * mm, 11 * mm, f"Page {doc.page}")

    SimpleDocTemplate(
        str(target),
        pagesize=A4,
        title=f"{title}, Tarnwell Parcel",
        author="Tarnwell Parcel",
        lang="en",
        invariant=1,
        leftMargin=18 * mm,
        rightMargin=18 * mm,
        topMargin=18 * mm,
        bottomMargin=20 * mm,
    ).build(story, onFirstPage=edges, onLaterPages=edges)


def make_slides(source: Path, target: Path) -> None:
    """Write a 16:9 deck: title, points or one table, and speaker notes on every slide."""
    data = tomllib.loads(source.read_text("utf-8"))
    deck = Presentation()
    deck.slide_width, deck.slide_height = Inches(13.333), Inches(7.5)
    for number, slide_data in enumerate(data["slides"]):
        slide = deck.slides.add_slide(deck.slide_layouts[5])
        title = slide.shapes.title
        title.left, title.top, title.width, title.height = Inches(0.8), Inches(0.6), Inches(11.7), Inches(1.1)
        title.text_frame.text = slide_data["title"]
        first = title.text_frame.paragraphs[0]
        first.alignment = 1
        first.font.size, first.font.bold = Pt(40 if number == 0 else 34), True
        first.font.color.rgb = RGBColor.from_string(ACCENT[1:])
        if "table" in slide_data:
            rows = slide_data["table"]
            grid = slide.shapes.add_table(
                len(rows), len(rows[0]), Inches(0.8), Inches(2.0), Inches(11.7), Inches(0.75 * len(rows))
            ).table
            for r, row in enumerate(rows):
                for c, cell in enumerate(row):
                    grid.cell(r, c).text = cell
                    paragraph = grid.cell(r, c).text_frame.paragraphs[0]
                    paragraph.font.size = Pt(20)
                    fill = grid.cell(r, c).fill
                    fill.solid()
                    fill.fore_color.rgb = RGBColor.from_string(ACCENT[1:] if r == 0 else WASH[1:])
                    paragraph.font.color.rgb = RGBColor.from_string("FFFFFF" if r == 0 else INK[1:])
        else:
            frame = slide.shapes.add_textbox(Inches(0.8), Inches(2.0), Inches(11.7), Inches(4.6)).text_frame
            frame.word_wrap = True
            for at, point in enumerate(slide_data["points"]):
                paragraph = frame.paragraphs[0] if at == 0 else frame.add_paragraph()
                paragraph.text = point
                paragraph.font.size, paragraph.space_after = Pt(26), Pt(14)
                paragraph.font.color.rgb = RGBColor.from_string(INK[1:])
        slide.notes_slide.notes_text_frame.text = slide_data["notes"]
    stamp(deck.core_properties, data["title"])
    deck.save(str(target))
    settle(target)


def make_sheet(source: Path, target: Path, *, title: str) -> None:
    """Write the Word sheet with real heading styles, ticks as boxes and one table."""
    sheet = Document()
    normal = sheet.styles["Normal"]
    normal.font.name, normal.font.size = "Calibri", DocxPt(11)
    for level in (1, 2):
        sheet.styles[f"Heading {level}"].font.color.rgb = DocxColor.from_string(ACCENT[1:])
    for kind, content in blocks(source.read_text("utf-8")):
        if kind in ("h1", "h2", "h3"):
            sheet.add_heading(str(content), int(kind[1]))
        elif kind == "table":
            grid = sheet.add_table(rows=0, cols=len(content[0]), style="Light Grid Accent 1")
            for row in content:
                for cell, text in zip(grid.add_row().cells, row, strict=True):
                    cell.text = text
        elif kind in ("bullets", "steps", "ticks"):
            for text in content:
                if kind == "ticks":
                    sheet.add_paragraph(f"\u2610 {text}")
                else:
                    sheet.add_paragraph(
                        str(text), style="List Bullet" if kind == "bullets" else "List Number"
                    )
        else:
            sheet.add_paragraph(str(content))
    stamp(sheet.core_properties, title)
    sheet.save(str(target))
    settle(target)


def make_captions(source: Path, target: Path) -> None:
    """Write WebVTT captions: one cue per sentence group of at most 16 words, timed at 2.45 words a second.

    A short breath follows each cue, a longer one each paragraph. Times are computed so that they always ascend.
    """
    now, cues = 2.4, []
    for paragraph in source.read_text("utf-8").strip().split("\n\n"):
        for line in paragraph.splitlines():
            for part in portions(line):
                length = max(1.3, len(part.split()) / 2.45)
                cues.append((now, now + length, part))
                now += length + 0.35
        now += 1.9

    def clock(seconds: float) -> str:
        return f"{int(seconds // 3600):02}:{int(seconds // 60) % 60:02}:{seconds % 60:06.3f}"

    lines = ["WEBVTT", "", "NOTE Recorded talk: the first thirty seconds. Marta Oyelaran, 24 June 2026.", ""]
    for number, (start, end, text) in enumerate(cues, 1):
        lines += [str(number), f"{clock(start)} --> {clock(end)}", f"<v Marta Oyelaran>{text}</v>", ""]
    target.write_text("\n".join(lines), "utf-8")


def portions(line: str, most: int = 16) -> list[str]:
    """Cut one spoken line into caption-sized parts, at sentence ends first and at commas next; `most` is in words."""
    parts: list[str] = []
    for piece in re.split(r"(?<=[.?!:,])\s", line):
        if parts and len(parts[-1].split()) + len(piece.split()) <= most:
            parts[-1] += " " + piece
        else:
            parts.append(piece)
    return parts


def stamp(properties: object, title: str) -> None:
    """Give an Office file fixed properties, so that a rebuild changes nothing but the text."""
    for name, value in {
        "title": title,
        "author": "Tarnwell Parcel",
        "last_modified_by": "Tarnwell Parcel",
        "comments": "",
        "created": FIXED,
        "modified": FIXED,
        "revision": 1,
    }.items():
        setattr(properties, name, value)


def settle(path: Path) -> None:
    """Rewrite a zip file with one fixed time stamp per entry."""
    with zipfile.ZipFile(path) as old:
        entries = [(info.filename, old.read(info.filename)) for info in old.infolist()]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name, data in entries:
            new.writestr(zipfile.ZipInfo(name, FIXED.timetuple()[:6]), data, zipfile.ZIP_DEFLATED)


if __name__ == "__main__":
    OUT.mkdir(exist_ok=True)
    make_pdf(HERE / "refund-policy.md", OUT / "refund-policy.pdf", title="Refund policy")
    make_slides(HERE / "product-deck.toml", OUT / "product-deck.pptx")
    make_sheet(HERE / "call-checklist.md", OUT / "call-checklist.docx", title="Call checklist")
    make_captions(HERE / "recorded-talk.txt", OUT / "recorded-talk.vtt")
    print(*sorted(path.name for path in OUT.iterdir()), sep="\n")
