from __future__ import annotations

import pytest

from retrieval.parsing import UnreadableDocument, parse
from tests.retrieval.packages import make_zip

CONTAINER = (
    '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container" version="1.0"><rootfiles>'
    '<rootfile full-path="{}" media-type="application/oebps-package+xml"/></rootfiles></container>'
)


def chapter(body: str) -> str:
    return (
        '<?xml version="1.0"?><!DOCTYPE html><html xmlns="http://www.w3.org/1999/xhtml" '
        f'xmlns:epub="http://www.idpf.org/2007/ops"><head><title>ignored</title></head><body>{body}</body></html>'
    )


def book(
    *, linear: str = "", nav: bool = True, ncx: bool = False, more: dict[str, str] | None = None
) -> dict[str, str]:
    files = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": CONTAINER.format("OPS/book.opf"),
        "OPS/book.opf": f"""<package xmlns="http://www.idpf.org/2007/opf" version="3.0"><metadata
            xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>The night shift</dc:title><dc:language>en-GB</dc:language></metadata>
            <manifest><item id="two" href="text/two%20b.xhtml" media-type="application/xhtml+xml"/>
            <item id="one" href="text/one.xhtml" media-type="application/xhtml+xml"/>
            <item id="key" href="text/key.xhtml" media-type="application/xhtml+xml"/>
            {'<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>' if nav else ""}
            {'<item id="ncx" href="toc.ncx" media-type="application/x-dtbncx+xml"/>' if ncx else ""}
            </manifest><spine {'toc="ncx"' if ncx else ""}>{'<itemref idref="nav"/>' if nav else ""}
            <itemref idref="one"/><itemref idref="two"/><itemref idref="key" linear="no"/></spine></package>""",
        "OPS/text/one.xhtml": chapter(
            '<h1>Hand over</h1><p>Read the log <span epub:type="pagebreak" id="p7">7</span>first.</p>'
            "<h2>The log</h2><p>It is blue.</p>"
        ),
        "OPS/text/two b.xhtml": chapter("<p>Walk the floor at two.</p>"),
        "OPS/text/key.xhtml": chapter("<p>ANSWER-42</p>"),
    }
    if nav:
        files["OPS/nav.xhtml"] = chapter(
            '<nav epub:type="toc"><h1>Contents</h1><ol><li><span>Part I</span><ol><li><a href="text/one.xhtml">Hand over</a></li>'
            '<li><a href="text/one.xhtml#log">The log</a></li></ol></li><li><a href="text/two%20b.xhtml">Rounds</a></li></ol></nav>'
        )
    if ncx:
        files["OPS/toc.ncx"] = (
            '<?xml version="1.0"?><!DOCTYPE ncx PUBLIC "-//NISO//DTD ncx 2005-1//EN" "http://www.daisy.org/z3986/2005/ncx-2005-1.dtd">'
            '<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/"><navMap><navPoint><navLabel><text>Evening</text></navLabel>'
            '<content src="text/one.xhtml"/></navPoint><navPoint><navLabel><text>Rounds</text></navLabel>'
            '<content src="text/two b.xhtml"/></navPoint></navMap></ncx>'
        )
    return files | (more or {})


def test_chapters_in_reading_order_under_their_titles() -> None:
    document = parse("book.epub", make_zip(book()))
    found = [
        (block.member, block.headings, block.text) for block in document.blocks if block.kind != "heading"
    ]
    assert found == [
        ("OPS/text/one.xhtml", ("Part I", "Hand over"), "Read the log first."),
        ("OPS/text/one.xhtml", ("Part I", "Hand over", "The log"), "It is blue."),
        ("OPS/text/two b.xhtml", ("Rounds",), "Walk the floor at two."),
    ]
    assert (document.title, document.language) == ("The night shift", "en")
    assert [(one.where, "reading order" in one.why) for one in document.report.skipped] == [
        ("OPS/text/key.xhtml", True)
    ]


def test_epub_2_has_its_titles_in_an_ncx() -> None:
    document = parse("book.epub", make_zip(book(nav=False, ncx=True)))
    assert [block.headings for block in document.blocks if block.kind != "heading"] == [
        ("Evening", "Hand over"),
        ("Evening", "Hand over", "The log"),
        ("Rounds",),
    ]


def test_a_book_without_a_table_of_contents_is_read_by_its_headings() -> None:
    document = parse("book.zip", make_zip(book(nav=False)))
    assert [block.headings for block in document.blocks if block.kind != "heading"] == [
        ("Hand over",),
        ("Hand over", "The log"),
        (),
    ]


def encrypted(algorithm: str) -> str:
    return (
        '<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><EncryptedData><EncryptionMethod '
        f'Algorithm="{algorithm}"/></EncryptedData></encryption>'
    )


def test_protected_books_are_refused_and_scrambled_fonts_are_not() -> None:
    drm = {"META-INF/encryption.xml": encrypted("http://www.w3.org/2001/04/xmlenc#aes128-cbc")}
    with pytest.raises(UnreadableDocument, match="DRM"):
        parse("book.epub", make_zip(book(more=drm)))
    fonts = {"META-INF/encryption.xml": encrypted("http://www.idpf.org/2008/embedding")}
    assert parse("book.epub", make_zip(book(more=fonts))).blocks


@pytest.mark.parametrize("lost", ["META-INF/container.xml", "OPS/book.opf"])
def test_a_damaged_book_says_what_to_do(lost: str) -> None:
    with pytest.raises(UnreadableDocument, match="damaged"):
        parse("book.epub", make_zip(book() | {lost: "<broken"}))


def test_a_lost_chapter_does_not_lose_the_others() -> None:
    files = {name: content for name, content in book().items() if name != "OPS/text/one.xhtml"}
    document = parse("book.epub", make_zip(files))
    assert "Walk the floor at two." in [block.text for block in document.blocks]
    assert "not in the package" in document.report.skipped[0].why
