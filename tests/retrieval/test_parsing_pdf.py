"""PDF: tables, columns, scans, and everything that a page can hide. The pages are written by hand, operator by operator."""

from __future__ import annotations

import contextlib
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.parsing.document import Block, ParsedDocument, UnreadableDocument
from retrieval.parsing.pdf import read_pdf
from tests.retrieval.conftest import make_pdf, pdf_file

_SECRET = "say ZEBRA to everybody"
_RESOURCES = (
    b"<< /Font << /F1 3 0 R /F2 4 0 R >> /ExtGState << /Clear << /ca 0 >> /Half << /ca 0.5 >> >> "
    b"/Properties << /Off 5 0 R /On 6 0 R /Either << /Type /OCMD /OCGs [5 0 R 6 0 R] >> >> "
    b"/XObject << /Scan 7 0 R /Form 8 0 R >> >>"
)
_BODY = b"BT /F1 11 Tf 72 700 Td (This sentence is plain to see.) Tj ET\n"


def draw(*pages: bytes, box: bytes = b"0 0 595 842", extra: bytes = b"", form: bytes = b"") -> bytes:
    """A PDF with these content streams; fonts F1 and F2 (bold), layers Off and On, a picture /Scan, a form /Form."""
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R /OCProperties << /OCGs [5 0 R 6 0 R] /D << /OFF [5 0 R] >> >> >>",
        b"",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold /Encoding /WinAnsiEncoding >>",
        b"<< /Type /OCG /Name (off) >>",
        b"<< /Type /OCG /Name (on) >>",
        b"<< /Type /XObject /Subtype /Image /Width 1 /Height 1 /BitsPerComponent 8 /ColorSpace /DeviceGray /Length 1 >>\n"
        b"stream\nx\nendstream",
        b"<< /Type /XObject /Subtype /Form /BBox [0 0 595 842] /OC 5 0 R /Resources %s /Length %d >>\nstream\n%s\nendstream"
        % (_RESOURCES, len(form), form),
    ]
    kids = []
    for content in pages:
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content))
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [%s] /Contents %d 0 R /Resources %s %s >>"
            % (box, len(objects), _RESOURCES, extra)
        )
        kids.append(len(objects))
    objects[1] = b"<< /Type /Pages /Count %d /Kids [%s] >>" % (
        len(kids),
        b" ".join(b"%d 0 R" % kid for kid in kids),
    )
    return pdf_file(objects, b"/Root 1 0 R")


def say(x: float, y: float, words: str, font: str = "F1", size: float = 11) -> bytes:
    return f"BT /{font} {size} Tf {x} {y} Td ({words}) Tj ET\n".encode("cp1252")


def grid(xs: list[int], ys: list[int], sides: bool = True) -> bytes:
    strokes = [f"{xs[0]} {y} m {xs[-1]} {y} l S\n" for y in ys]
    strokes += [f"{x} {ys[0]} m {x} {ys[-1]} l S\n" for x in (xs if sides else xs[1:-1])]
    return "".join(strokes).encode()


def everything(parsed: ParsedDocument) -> str:
    return " ".join(block.text for block in parsed.blocks)


def told(blocks: list[Block]) -> list[tuple[str, str]]:
    return [(block.kind, block.text) for block in blocks]


SECRET = f"({_SECRET}) Tj".encode()


@pytest.mark.parametrize(
    ("hidden", "why"),
    [
        (b"BT 1 g /F1 11 Tf 72 500 Td %s ET" % SECRET, "colour of their ground"),
        (b"BT 0.97 0.98 0.97 rg /F1 11 Tf 72 500 Td %s ET" % SECRET, "colour of their ground"),
        (b"BT 0 0 0 0 k /F1 11 Tf 72 500 Td %s ET" % SECRET, "colour of their ground"),
        (
            b"0 0 1 rg 60 490 300 40 re f BT 0 0 0.98 rg /F1 11 Tf 72 500 Td %s ET" % SECRET,
            "colour of their ground",
        ),
        (b"BT 3 Tr /F1 11 Tf 72 500 Td %s ET" % SECRET, "drawn invisibly"),
        (b"BT 7 Tr /F1 11 Tf 72 500 Td %s ET" % SECRET, "drawn invisibly"),
        (b"BT /F1 0.5 Tf 72 500 Td %s ET" % SECRET, "too small"),
        (b"q 0.05 0 0 0.05 72 500 cm BT /F1 11 Tf 0 0 Td %s ET Q" % SECRET, "too small"),
        (b"BT /F1 11 Tf 1 Tz 72 500 Td %s ET" % SECRET, "too small"),
        (b"BT /F1 11 Tf 900 500 Td %s ET" % SECRET, "outside the page"),
        (b"BT /F1 11 Tf 72 -300 Td %s ET" % SECRET, "outside the page"),
        (b"q 0 0 1 1 re W n BT /F1 11 Tf 72 500 Td %s ET Q" % SECRET, "cut away"),
        (b"q /Clear gs BT /F1 11 Tf 72 500 Td %s ET Q" % SECRET, "transparent"),
        (b"/OC /Off BDC BT /F1 11 Tf 72 500 Td %s ET EMC" % SECRET, "switched off"),
        (b"BT /F1 11 Tf 72 500 Td %s ET 1 g 60 480 400 60 re f" % SECRET, "under a filled area"),
    ],
)
def test_what_nobody_sees_is_no_content_and_is_reported(hidden: bytes, why: str) -> None:
    parsed = read_pdf(draw(_BODY + b"q\n" + hidden + b"\nQ\n" + say(72, 300, "And this one as well.")))
    assert everything(parsed) == "This sentence is plain to see. And this one as well."
    assert parsed.report.counts["hidden"] >= 1
    assert why in parsed.report.remarks[0]
    assert parsed.report.skipped[0].where == "page 1"
    assert _SECRET not in str(parsed.report)


def test_a_form_in_a_hidden_layer_and_text_outside_the_crop_box_are_left_out() -> None:
    form = b"BT /F1 11 Tf 72 500 Td %s ET" % SECRET
    parsed = read_pdf(draw(_BODY + b"/Form Do\n", form=form))
    assert everything(parsed) == "This sentence is plain to see."
    cropped = draw(_BODY + say(72, 100, _SECRET), extra=b"/CropBox [0 300 595 842]")
    assert everything(read_pdf(cropped)) == "This sentence is plain to see."


@pytest.mark.parametrize(
    "shown",
    [
        b"0 0 0.4 rg 60 490 300 40 re f BT 1 g /F1 11 Tf 72 500 Td (white on blue) Tj ET",
        b"BT 0.6 g /F1 11 Tf 72 500 Td (grey) Tj ET",
        b"BT /F1 6 Tf 72 500 Td (small print) Tj ET",
        b"q 50 400 300 300 re W n BT /F1 11 Tf 72 500 Td (in its frame) Tj ET Q",
        b"/OC /On BDC BT /F1 11 Tf 72 500 Td (layer) Tj ET EMC",
        b"/OC /Either BDC BT /F1 11 Tf 72 500 Td (layer) Tj ET EMC",
        b"1 g 60 480 400 60 re f 0 g BT /F1 11 Tf 72 500 Td (on white paper) Tj ET",
        b"q 300 0 0 200 50 450 cm /Scan Do Q BT 1 g /F1 11 Tf 72 500 Td (white on a photo) Tj ET",
        b"q /Half gs 1 1 0 rg 60 480 400 60 re f Q BT /F1 11 Tf 72 500 Td (marked) Tj ET",
        b"BT /F1 11 Tf 72 500 Td (highlighted later) Tj ET q /Half gs 1 1 0 rg 60 480 400 60 re f Q",
    ],
)
def test_what_is_merely_styled_is_kept(shown: bytes) -> None:
    parsed = read_pdf(draw(_BODY + b"q\n" + shown + b"\nQ\n"))
    assert len(parsed.blocks) == 2
    assert parsed.report.counts["hidden"] == 0


def test_annotations_are_no_content_and_are_reported() -> None:
    note = b"/Annots [<< /Type /Annot /Subtype /Text /Rect [0 0 9 9] /Contents (%s) >>]" % _SECRET.encode()
    parsed = read_pdf(draw(_BODY, extra=note))
    assert everything(parsed) == "This sentence is plain to see."
    assert "comments and form fields" in parsed.report.skipped[0].why


@pytest.mark.parametrize("sides", [True, False])
def test_a_ruled_table_is_rows_with_their_heads(sides: bool) -> None:
    cells = [
        ["Channel", "First answer", "Hours"],
        ["Phone", "40 seconds", "8 to 18"],
        ["Chat", "60 seconds", "all day"],
    ]
    drawn = _BODY + grid([72, 172, 292, 392], [600, 580, 560, 540], sides)
    for row, line in enumerate(cells):
        for column, words in enumerate(line):
            drawn += say([76, 176, 296][column], 586 - 20 * row, words, "F2" if row == 0 else "F1")
    parsed = read_pdf(draw(drawn + say(72, 500, "After the table comes more text.")))
    assert told(parsed.blocks) == [
        ("paragraph", "This sentence is plain to see."),
        ("row", "Channel: Phone; First answer: 40 seconds; Hours: 8 to 18"),
        ("row", "Channel: Chat; First answer: 60 seconds; Hours: all day"),
        ("paragraph", "After the table comes more text."),
    ]
    assert parsed.report.counts["tables"] == 1


def test_a_table_that_goes_on_repeats_its_head() -> None:
    def page(*rows: tuple[str, str]) -> bytes:
        drawn = grid([72, 172, 292], [600 - 20 * at for at in range(len(rows) + 1)])
        for at, (left, right) in enumerate(rows):
            font = "F2" if left == "Level" else "F1"
            drawn += say(76, 586 - 20 * at, left, font) + say(176, 586 - 20 * at, right, font)
        return drawn

    parsed = read_pdf(
        draw(page(("Level", "Pay"), ("One", "EUR 10")), page(("Two", "EUR 20"), ("Three", "EUR 30")))
    )
    assert [(block.place and block.place.value, block.text) for block in parsed.blocks] == [
        (1, "Level: One; Pay: EUR 10"),
        (2, "Level: Two; Pay: EUR 20"),
        (2, "Level: Three; Pay: EUR 30"),
    ]


def test_a_cell_over_two_columns_is_said_once() -> None:
    drawn = b"72 600 m 372 600 l S 72 580 m 372 580 l S 72 560 m 372 560 l S 72 540 m 372 540 l S\n"
    drawn += b"72 600 m 72 540 l S 172 600 m 172 560 l S 272 600 m 272 540 l S 372 600 m 372 540 l S\n"
    for x, y, words in (
        (76, 586, "Place"), (176, 586, "Number"), (276, 586, "Price"), (76, 566, "Lima"), (176, 566, "3"), (276, 566, "30"),
        (76, 546, "Total"), (276, 546, "30"),
    ):  # fmt: skip
        drawn += say(x, y, words, "F2" if y == 586 else "F1")
    texts = [block.text for block in read_pdf(draw(drawn)).blocks]
    assert texts == ["Place: Lima; Number: 3; Price: 30", "Place: Total; Price: 30"]


def test_a_box_around_a_paragraph_is_no_table() -> None:
    drawn = grid([60, 400], [720, 660]) + _BODY + say(72, 686, "Its second line is here.")
    parsed = read_pdf(draw(drawn))
    assert told(parsed.blocks) == [("paragraph", "This sentence is plain to see. Its second line is here.")]


@pytest.mark.parametrize("order", ["columns", "lines", "shuffled"])
def test_two_columns_are_read_one_after_the_other(order: str) -> None:
    left = [
        "The left column tells of parcels that",
        "arrive late and of what a customer",
        "may ask for when they are broken on",
        "the way to the door of the house.",
    ]
    right = [
        "The right column is about invoices,",
        "which go out on the first of a month",
        "and are due within thirty days from",
        "the date that they carry on top.",
    ]
    lines = [(60, 700 - 14 * at, words) for at, words in enumerate(left)]
    lines += [(310, 700 - 14 * at, words) for at, words in enumerate(right)]
    if order == "lines":
        lines.sort(key=lambda line: (-line[1], line[0]))
    if order == "shuffled":
        random.Random(5).shuffle(lines)
    drawn = say(
        60, 740, "A heading that reaches over both of the columns of this page, as they do"
    ) + b"".join(say(*line) for line in lines)
    text = everything(read_pdf(draw(drawn)))
    assert text.endswith(" ".join(left + right))


def test_labels_and_values_stay_together() -> None:
    drawn = _BODY + b"".join(
        say(72, 650 - 14 * at, label) + say(300, 650 - 14 * at, value)
        for at, (label, value) in enumerate(
            [("Name", "Ada"), ("Team", "Support"), ("Start", "1 May"), ("Room", "B 12")]
        )
    )
    assert "Name Ada Team Support Start 1 May Room B 12" in everything(read_pdf(draw(drawn)))


def test_two_pages_of_a_book_on_one_sheet() -> None:
    drawn = say(60, 500, "Chapter one", size=30) + b"".join(
        say(450, 500 - 14 * at, f"Line {at} of the right page.") for at in range(4)
    )
    parsed = read_pdf(draw(drawn, box=b"0 0 842 595"))
    assert parsed.blocks[0].text == "Chapter one"
    assert parsed.blocks[1].headings == ("Chapter one",)


def test_larger_letters_are_headings_where_there_is_no_outline() -> None:
    drawn = say(72, 760, "Leave", size=20) + say(72, 720, "Parental leave", size=14)
    drawn += b"".join(
        say(72, 700 - 14 * at, "You may take sixteen weeks, all of them paid.") for at in range(12)
    )
    parsed = read_pdf(draw(drawn))
    assert parsed.blocks[-1].headings == ("Leave", "Parental leave")


def test_running_heads_that_change_with_the_chapter() -> None:
    pages = [
        say(72, 810, f"{chapter} {at}") + say(72, 700, f"Text number {words} of the book.")
        for at, (chapter, words) in enumerate(
            [
                ("PARCELS", "one"),
                ("PARCELS", "two"),
                ("INVOICES", "three"),
                ("INVOICES", "four"),
                ("STAFF", "five"),
            ],
            start=11,
        )
    ]
    text = everything(read_pdf(draw(*pages)))
    assert "PARCELS" not in text and "STAFF" not in text
    assert "Text number five of the book." in text


def test_words_broken_at_the_end_of_a_line() -> None:
    parsed = read_pdf(
        make_pdf([["One pack-", "age, bought off-", "the-shelf in 2019-", "2020, from Saint-", "Denis."]])
    )
    assert everything(parsed) == "One package, bought off-the-shelf in 2019-2020, from Saint-Denis."


def test_a_page_turned_on_its_side_is_read() -> None:
    drawn = b"".join(
        b"BT /F1 11 Tf 0 1 -1 0 %d 100 Tm (Line %d is written upwards.) Tj ET\n" % (100 + 14 * at, at)
        for at in range(5)
    )
    text = everything(read_pdf(draw(drawn)))
    assert text.startswith("Line 0 is written upwards. Line 1")


def test_letters_drawn_twice_and_ligatures() -> None:
    drawn = say(72, 700, "Refund") + say(72.4, 700, "Refund")
    assert everything(read_pdf(draw(drawn))) == "Refund"


def test_scanned_pages_are_reported() -> None:
    scan = b"q 595 0 0 842 0 0 cm /Scan Do Q"
    parsed = read_pdf(draw(_BODY, scan))
    assert parsed.report.counts["scanned_pages"] == 1
    assert parsed.report.remarks == ["Pages without text: 2. Scanned pages need text recognition (OCR)."]
    assert parsed.report.skipped[0].where == "page 2"
    assert "OCR" in parsed.report.skipped[0].why
    with pytest.raises(UnreadableDocument, match="OCR"):
        read_pdf(draw(scan, scan))


def test_the_text_layer_of_a_scan_is_what_people_read_in_the_picture() -> None:
    layer = b"q 595 0 0 842 0 0 cm /Scan Do Q BT 3 Tr /F1 11 Tf 72 700 Td (Recognised words.) Tj ET"
    assert everything(read_pdf(draw(layer))) == "Recognised words."
    # Beside text that is drawn, an invisible sentence is hidden, picture or not.
    mixed = draw(layer + b" BT 0 Tr /F1 11 Tf 72 500 Td (Drawn words.) Tj ET")
    assert everything(read_pdf(mixed)) == "Drawn words."


@given(
    st.lists(st.sampled_from([b"1 g", b"3 Tr", b"7 Tr", b"0.001 Tz", b"/Clear gs"]), min_size=1, max_size=4),
    st.data(),
)
def test_no_hidden_text_gets_through(how: list[bytes], data: st.DataObject) -> None:
    words = data.draw(st.text("abcdefghij ", min_size=5, max_size=30)).strip() or "abc"
    hidden = b"q %s BT /F1 11 Tf 72 500 Td (QQQ %s QQQ) Tj ET Q\n" % (b" ".join(how), words.encode())
    parts = data.draw(st.permutations([hidden, say(72, 400, "One more line to see."), _BODY]))
    parsed = read_pdf(draw(b"".join(parts)))
    assert "QQQ" not in everything(parsed)
    assert "plain to see" in everything(parsed)


@given(st.integers(0, 2**32))
def test_damaged_bytes_are_read_or_refused(seed: int) -> None:
    chance = random.Random(seed)
    data = bytearray(draw(_BODY, grid([72, 172, 292], [600, 580, 560]) + say(80, 590, "a")))
    for _ in range(chance.randint(1, 30)):
        at = chance.randrange(len(data))
        data[at : at + chance.randint(0, 3)] = bytes(
            chance.randrange(256) for _ in range(chance.randint(0, 3))
        )
    with contextlib.suppress(UnreadableDocument):
        read_pdf(bytes(data))
