"""PowerPoint files: one place per slide, its title as heading, its text from top to bottom, the speaker notes marked.

Hidden slides, and text that nobody sees when the slide is shown, are left out and reported.
"""

from __future__ import annotations

from typing import Any

from retrieval.parsing.document import (
    Block,
    ParsedDocument,
    UnreadableDocument,
    tidy,
)
from retrieval.parsing.office import opened_package
from retrieval.parsing.pptx_shapes import P, R, is_hidden_shape, number_or, placeholder_of, related_part
from retrieval.parsing.pptx_slide import DAMAGED, Slide
from retrieval.parsing.pptx_text import Look, paragraphs_of
from retrieval.parsing.unseen import (
    WHITE,
    LeftOut,
)
from retrieval.places import Place

_MAX_SLIDES = 5_000


def read_pptx(data: bytes) -> ParsedDocument:
    """Blocks with Place("slide", n), speaker notes with Place("notes", n); n counts all slides from 1, hidden ones too.

    Raises UnreadableDocument for a damaged or protected file.
    """
    package = opened_package(data, "PowerPoint")
    try:
        from pptx.package import Package

        opened = Package.open(package)
        return _Deck(opened.main_document_part).read()
    except UnreadableDocument:
        raise
    except (
        Exception
    ) as broken:  # the libraries raise anything from KeyError to XMLSyntaxError on a damaged package
        raise UnreadableDocument(DAMAGED) from broken


class _Deck:
    def __init__(self, part: Any) -> None:
        self._part = part
        self._root = part._element
        self._left_out = LeftOut()
        self._blocks: list[Block] = []
        size = self._root.find(f"{P}sldSz")
        self._width = number_or(size.get("cx"), 9_144_000) if size is not None else 9_144_000.0
        self._height = number_or(size.get("cy"), 6_858_000) if size is not None else 6_858_000.0

    def read(self) -> ParsedDocument:
        listed = self._root.find(f"{P}sldIdLst")
        slides = list(listed) if listed is not None else []
        if len(slides) > _MAX_SLIDES:
            raise UnreadableDocument(
                f"The file has more than {_MAX_SLIDES} slides. Split it and upload the parts."
            )
        hidden = notes = 0
        empty: list[int] = []
        for number, entry in enumerate(slides, start=1):
            try:
                slide = self._part.related_part(entry.get(f"{R}id"))
            except KeyError:
                self._left_out.skipped(f"slide {number}", "the slide is missing in the file")
                continue
            if (slide._element.get("show") or "1").lower() in ("0", "false"):
                self._left_out.hidden(f"slide {number}", "hidden slides")
                hidden += 1
                continue
            before = len(self._blocks)
            title = Slide(slide, number, self._left_out, (self._width, self._height)).read_into(self._blocks)
            if len(self._blocks) == before:
                empty.append(number)
            notes += self._notes(slide, number, title)
        counts = {
            "slides": len(slides),
            "hidden_slides": hidden,
            "slides_with_notes": notes,
            "slides_without_text": len(empty),
            "blocks": sum(block.kind != "heading" for block in self._blocks),
        }
        remarks = []
        if empty:
            shown = ", ".join(map(str, empty[:10])) + ("…" if len(empty) > 10 else "")
            remarks.append(f"Slides without text: {shown}. Pictures of text need text recognition (OCR).")
            for number in empty:
                self._left_out.skipped(f"slide {number}", "no text on the slide")
        title = next((block.text for block in self._blocks if block.kind == "heading"), "")
        first = self._blocks[0] if self._blocks else None
        on_first = (
            first.text if first and first.kind == "heading" and first.place == Place("slide", 1) else ""
        )
        # The properties often keep the title of the deck that this one was made from; what people see comes first.
        title = on_first or self._core_title() or title
        return ParsedDocument(title, "und", self._blocks, self._left_out.report(counts, remarks))

    def _core_title(self) -> str:
        title = str(getattr(self._part.package.core_properties, "title", "") or "")
        # What PowerPoint writes by itself names nothing.
        return (
            "" if title.lower() in ("powerpoint presentation", "slide 1") else tidy(title).replace("\n", " ")
        )

    def _notes(self, slide: Any, number: int, title: str) -> int:
        page = related_part(slide, "notesSlide")
        if page is None:
            return 0
        before = len(self._blocks)
        headings = (title,) if title else ()
        for shape in page._element.iter(f"{P}sp"):
            if placeholder_of(shape) != "body" or is_hidden_shape(shape):
                continue
            body = shape.find(f"{P}txBody")
            if body is None:
                continue
            look = Look(page, (WHITE,))
            for kind, text in paragraphs_of(body, look, is_body=False):
                self._blocks.append(Block(kind, text, headings, Place("notes", number)))
            for why in look.hidden:
                self._left_out.hidden(f"notes of slide {number}", why)
        return int(len(self._blocks) > before)
