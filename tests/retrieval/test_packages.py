"""Course packages: what is read, under which titles, from which member; and what a hostile package cannot do."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.parsing import ParsedDocument, UnreadableDocument, UnsupportedFormat, parse
from retrieval.parsing import archive as archives
from retrieval.parsing.formats import FORMATS
from retrieval.places import Place
from tests.retrieval.conftest import make_pdf
from tests.retrieval.packages import (
    CARTRIDGE_NAMESPACES,
    Files,
    Moodle,
    cartridge,
    h5p,
    item,
    make_tar,
    make_tar_gz,
    make_zip,
    olx,
    page,
    resource,
    sco,
    scorm,
)


def content(document: ParsedDocument) -> list[tuple[str, tuple[str, ...], str]]:
    return [
        (block.member, block.headings, block.text) for block in document.blocks if block.kind != "heading"
    ]


def everything(document: ParsedDocument) -> str:
    return "\n".join(
        [document.title, *(text for block in document.blocks for text in (block.text, *block.headings))]
    )


# Common Cartridge


@pytest.mark.parametrize("version", CARTRIDGE_NAMESPACES)
def test_a_cartridge_is_read_along_its_table_of_contents(version: str) -> None:
    files = cartridge(
        item("m1", "Module 1", inside=item("i2", "Claims", "r2") + item("i1", "Deadlines", "r1"))
        + item("m2", "Module 2", inside=item("i3", "Price list", "r3") + item("i4", "Talk about it", "r4")),
        resource("r1", "wiki_content/deadlines.html")
        + resource("r2", "wiki_content/claims.html")
        + resource("r3", "web_resources/prices.pdf")
        + resource("r4", "topic.xml", f"imsdt_xmlv{version.replace('.', 'p')}")
        + resource("r5", "wiki_content/extra.html")
        + resource("r6", "link.xml", "imswl_xmlv1p1"),
        {
            "wiki_content/deadlines.html": page("Deadlines", "<h2>Deadlines</h2><p>Seven days.</p>"),
            "wiki_content/claims.html": page(
                "Claims", "<p>Write to us.</p><h2>Proof</h2><p>Three photos.</p>"
            ),
            "wiki_content/extra.html": page("Extra page", "<p>Not in a module.</p>"),
            "web_resources/prices.pdf": make_pdf([["First page."], ["Eight euros."]]),
            "topic.xml": '<topic xmlns="http://www.imsglobal.org/xsd/imsccv1p1/imsdt_v1p1"><title>Talk</title>'
            '<text texttype="text/html">&lt;p&gt;Share a case.&lt;/p&gt;</text></topic>',
            "link.xml": '<webLink xmlns="http://www.imsglobal.org/xsd/imsccv1p1/imswl_v1p1"><title>Tariffs</title>'
            '<url href="https://example.org/tariffs"/></webLink>',
        },
        version=version,
    )
    document = parse("course.imscc", make_zip(files))
    assert content(document) == [
        ("wiki_content/claims.html", ("Module 1", "Claims"), "Write to us."),
        ("wiki_content/claims.html", ("Module 1", "Claims", "Proof"), "Three photos."),
        ("wiki_content/deadlines.html", ("Module 1", "Deadlines"), "Seven days."),
        ("web_resources/prices.pdf", ("Module 2", "Price list"), "First page."),
        ("web_resources/prices.pdf", ("Module 2", "Price list"), "Eight euros."),
        ("topic.xml", ("Module 2", "Talk about it"), "Share a case."),
        ("wiki_content/extra.html", ("Extra page",), "Not in a module."),
        ("link.xml", ("Tariffs",), "Tariffs: https://example.org/tariffs"),
    ]
    prices = [block for block in document.blocks if block.text == "Eight euros."]
    assert prices[0].place == Place("page", 2)
    assert document.title == "Parcel course"
    assert document.report.counts["items"] == 6 and document.report.counts["pages"] == 2


def test_a_cartridge_is_known_whatever_its_name() -> None:
    files = cartridge(item("i", "One", "r"), resource("r", "a.html"), {"a.html": "<p>Hello.</p>"})
    for name in ("course.zip", "course.imscc", "course.mbz"):
        assert content(parse(name, make_zip(files))) == [("a.html", ("One",), "Hello.")]
    assert content(parse("course.tgz", make_tar_gz(files))) == [("a.html", ("One",), "Hello.")]
    inside = {f"export/{name}": text for name, text in files.items()}
    assert content(parse("course.zip", make_zip(inside))) == [("export/a.html", ("One",), "Hello.")]


def test_an_assignment_is_read_once_and_without_its_notes_for_instructors() -> None:
    files = cartridge(
        item("i", "Essay", "r"),
        '<resource identifier="f" type="webcontent"><cpx:variant xmlns:cpx="c" identifier="v" identifierref="r"/>'
        '<file href="r/essay.html"/></resource>' + resource("r", "r/assignment.xml", "assignment_xmlv1p0"),
        {
            "r/assignment.xml": '<assignment xmlns="http://www.imsglobal.org/xsd/imscc_extensions/assignment"><title>Essay</title>'
            '<text texttype="text/html">&lt;p&gt;Write a page.&lt;/p&gt;</text>'
            '<instructor_text texttype="text/html">MARK-HIGH</instructor_text></assignment>',
            "r/essay.html": page("Essay", "<p>Write a page.</p>"),
        },
        version="1.3",
    )
    assert content(parse("c.imscc", make_zip(files))) == [("r/assignment.xml", ("Essay",), "Write a page.")]


# SCORM


@pytest.mark.parametrize("edition", ["1.2", "2004"])
def test_scorm_pages_stand_under_the_items_that_launch_them(edition: str) -> None:
    attribute = "scormtype" if edition == "1.2" else "scormType"
    files = scorm(
        item("a", "Lifting", inside=item("b", "Your back", "r1") + item("c", "The trolley", "r2")),
        sco(
            "r1",
            "one/index.html?start=1#top",
            ["one/index.html", "one/more.html", "one/app.js"],
            attribute=attribute,
        )
        + sco("r2", "page.html", ["page.html"], base="two/", attribute=attribute),
        {
            "content/one/index.html": page("x", "<p>Bend your knees.</p><a href='linked.html'>go on</a>"),
            "content/one/more.html": page("Stretching", "<p>Stretch first.</p>"),
            "content/one/linked.html": page("Linked", "<p>Rest after.</p>"),
            "content/one/app.js": "var text = 'SCRIPT-TEXT';",
            "content/two/page.html": page("y", "<h1>The trolley</h1><p>Push, never pull.</p>"),
        },
        edition=edition,
        bases='xml:base="content/"',
    )
    document = parse("lifting.zip", make_zip(files))
    assert content(document) == [
        ("content/one/index.html", ("Lifting", "Your back"), "Bend your knees."),
        ("content/one/index.html", ("Lifting", "Your back"), "go on"),
        ("content/one/linked.html", ("Lifting", "Your back", "Linked"), "Rest after."),
        ("content/one/more.html", ("Lifting", "Your back", "Stretching"), "Stretch first."),
        ("content/two/page.html", ("Lifting", "The trolley"), "Push, never pull."),
    ]
    assert "SCRIPT-TEXT" not in everything(document)
    assert document.title == "Safe lifting"


def test_a_scorm_package_that_keeps_its_text_in_scripts_says_what_to_do() -> None:
    files = scorm(
        item("a", "Course", "r"),
        sco("r", "story.html", ["story.html", "data.js"]),
        {
            "story.html": "<html><body><div id=app></div><script src=data.js></script></body></html>",
            "data.js": "x",
        },
    )
    with pytest.raises(UnreadableDocument, match="only scripts"):
        parse("story.zip", make_zip(files))


# Moodle


def moodle_course() -> Moodle:
    backup = Moodle()
    first = backup.section(1, "Arrival")
    second = backup.section(2, "The shift")
    backup.page(5, second, "Breaks", "<p>Fifteen minutes.</p>")
    backup.page(3, second, "Lockers", "<h3>Keys</h3><p>At the desk.</p>")
    backup.activity("label", 1, first, "Welcome to…", "<intro>&lt;p&gt;Welcome to us.&lt;/p&gt;</intro>")
    backup.activity(
        "book",
        4,
        first,
        "Tour",
        "<intro></intro><chapters>"
        '<chapter id="2"><pagenum>2</pagenum><subchapter>1</subchapter><title>Dock 2</title>'
        "<content>Cold goods.</content><hidden>0</hidden></chapter>"
        '<chapter id="1"><pagenum>1</pagenum><subchapter>0</subchapter><title>Docks</title>'
        "<content>Five docks.</content><hidden>0</hidden></chapter>"
        "</chapters>",
    )
    backup.activity(
        "glossary",
        6,
        second,
        "Words",
        '<entries><entry id="1"><concept>Pallet</concept>'
        "<definition>&lt;p&gt;A flat frame.&lt;/p&gt;</definition><approved>1</approved></entry></entries>",
    )
    backup.activity("url", 7, second, "Timetable", "<externalurl>https://example.org/times</externalurl>")
    backup.activity("resource", 8, second, "Safety rules", "<intro></intro>")
    backup.stored(8, "resource", "rules.pdf", make_pdf([["Wear a vest."], ["No phones."]]))
    backup.activity("folder", 9, second, "Forms", "<intro></intro>")
    backup.stored(9, "folder", "leave.txt", b"Ask a week before.")
    return backup


@pytest.mark.parametrize("pack", [make_zip, make_tar_gz])
def test_a_moodle_backup_reads_like_the_course_page(pack: Callable[[Files], bytes]) -> None:
    document = parse("backup.mbz", pack(moodle_course().build()))
    assert content(document) == [
        ("activities/label_1/label.xml", ("Arrival",), "Welcome to us."),
        ("activities/book_4/book.xml", ("Arrival", "Tour", "Docks"), "Five docks."),
        ("activities/book_4/book.xml", ("Arrival", "Tour", "Docks", "Dock 2"), "Cold goods."),
        ("activities/page_5/page.xml", ("The shift", "Breaks"), "Fifteen minutes."),
        ("activities/page_3/page.xml", ("The shift", "Lockers", "Keys"), "At the desk."),
        ("activities/glossary_6/glossary.xml", ("The shift", "Words", "Pallet"), "A flat frame."),
        ("activities/url_7/url.xml", ("The shift", "Timetable"), "Timetable: https://example.org/times"),
        ("activities/resource_8/rules.pdf", ("The shift", "Safety rules"), "Wear a vest."),
        ("activities/resource_8/rules.pdf", ("The shift", "Safety rules"), "No phones."),
        ("activities/folder_9/leave.txt", ("The shift", "Forms", "leave"), "Ask a week before."),
    ]
    pages = [
        block.place
        for block in document.blocks
        if block.member.endswith("rules.pdf") and block.kind != "heading"
    ]
    assert pages == [Place("page", 1), Place("page", 2)]
    assert document.title == "Warehouse basics"


def test_a_scorm_package_in_a_moodle_backup_is_read() -> None:
    backup = Moodle()
    section = backup.section(1, "Safety")
    backup.activity("scorm", 2, section, "Ladders", "<intro></intro>")
    inner = scorm(item("a", "Footing", "r"), sco("r", "p.html"), {"p.html": "<p>Check the feet.</p>"})
    backup.stored(2, "scorm", "ladders.zip", make_zip(inner), area="package")
    document = parse("b.mbz", make_zip(backup.build()))
    assert content(document) == [
        ("activities/scorm_2/ladders.zip/p.html", ("Safety", "Ladders", "Footing"), "Check the feet.")
    ]


def test_a_subsection_is_shown_in_its_section() -> None:
    backup = Moodle()
    outer = backup.section(1, "Week 1")
    inner = backup.section(9, "Details", more="<component>mod_subsection</component><itemid>7</itemid>")
    backup.activity("subsection", 7, outer, "Details", "")
    backup.page(8, inner, "Fine print", "<p>Small letters.</p>")
    assert content(parse("b.mbz", make_zip(backup.build()))) == [
        ("activities/page_8/page.xml", ("Week 1", "Details", "Fine print"), "Small letters.")
    ]


# Open edX


def test_an_open_edx_course_reads_like_its_outline() -> None:
    files = olx(
        {
            "chapter/c1.xml": '<chapter display_name="Week 1"><sequential url_name="s1"/></chapter>',
            "sequential/s1.xml": '<sequential display_name="Basics"><vertical url_name="v1"/><vertical url_name="v2"/></sequential>',
            "vertical/v1.xml": '<vertical display_name="Strong words"><html url_name="h1"/><problem url_name="p1"/></vertical>',
            "vertical/v2.xml": '<vertical display_name="Video"><video url_name="w1"/><html url_name="h2"/></vertical>',
            "html/h1.xml": '<html filename="h1" display_name="Strong words"/>',
            "html/h1.html": '<p>Four words or more.</p><a href="/static/Rules_of_thumb.txt">rules</a>',
            "html/h2.xml": '<html display_name="Inline"><p>Written <b>inline</b>.</p></html>',
            "video/w1.xml": '<video display_name="Why" transcripts="{&quot;en&quot;: &quot;why.srt&quot;}" sub="old">'
            '<transcript language="en" src="why.srt"/></video>',
            "problem/p1.xml": "<problem><label>Which?</label><choice correct='true'>KEY-CHOICE</choice></problem>",
            "static/why.srt": "1\n00:00:04,000 --> 00:00:05,000\nBecause people guess.\n",
            "static/subs_old.srt.sjson": '{"start": [61000], "end": [62000], "text": ["An older transcript."]}',
            "static/Rules of thumb.txt": "Never the same twice.",
            "static/teacher-material.txt": "UNLINKED",
            "about/overview.html": "<p>A short course.</p>",
            "tabs/faq.html": "<p>Asked often.</p>",
        },
        policy={"course/run": {"tabs": [{"type": "static_tab", "url_slug": "faq", "name": "Questions"}]}},
    )
    document = parse("course.tar.gz", make_tar_gz(files))
    assert content(document) == [
        ("course/about/overview.html", ("About the course",), "A short course."),
        ("course/html/h1.html", ("Week 1", "Basics", "Strong words"), "Four words or more."),
        ("course/html/h1.html", ("Week 1", "Basics", "Strong words"), "rules"),
        (
            "course/static/Rules of thumb.txt",
            ("Week 1", "Basics", "Strong words", "Rules of thumb"),
            "Never the same twice.",
        ),
        ("course/static/why.srt", ("Week 1", "Basics", "Video", "Why"), "Because people guess."),
        ("course/static/subs_old.srt.sjson", ("Week 1", "Basics", "Video", "Why"), "An older transcript."),
        ("course/html/h2.xml", ("Week 1", "Basics", "Video", "Inline"), "Written inline."),
        ("course/tabs/faq.html", ("Questions",), "Asked often."),
    ]
    cues = [block.place for block in document.blocks if block.place is not None]
    assert cues == [Place("cue", 4.0), Place("cue", 61.0)]
    assert not any(word in everything(document) for word in ("KEY-CHOICE", "UNLINKED", "Which?"))


def test_archives_of_other_kinds_say_what_to_do() -> None:
    blackboard = cartridge(
        "", resource("r", "res1.dat", "resource/x-bb-document"), {"res1.dat": "<CONTENT/>"}
    )
    with pytest.raises(UnreadableDocument, match="export the course as a Common Cartridge"):
        parse("b.zip", make_zip(blackboard))
    with pytest.raises(UnreadableDocument, match="Moodle 1"):
        parse("b.zip", make_zip({"moodle.xml": "<MOODLE_BACKUP/>", "course_files/a.txt": "Text."}))


def test_one_sco_with_many_pages_reads_each_under_its_own_title() -> None:
    files = scorm(
        item("a", "The whole course", "r"),
        sco(
            "r",
            "shared/launch.html",
            ["shared/launch.html", "one/first.html", "two/second.html", "shared/check.html"],
        ),
        {
            "shared/launch.html": "<title>Launch</title><script>var pages = ['one/first.html']</script>"
            "<iframe src='../one/first.html'></iframe>",
            "one/first.html": page("First steps", "<p>Look around.</p>"),
            "two/second.html": page("Second steps", "<p>Call for help.</p>"),
            "shared/check.html": "<title>Check</title><p>QUESTION</p><script>new Question('q', null, correctAnswer = 'a')</script>",
        },
        title="First aid",
    )
    document = parse("aid.zip", make_zip(files))
    assert content(document) == [
        ("one/first.html", ("The whole course", "First steps"), "Look around."),
        ("two/second.html", ("The whole course", "Second steps"), "Call for help."),
    ]


# H5P


def test_h5p_that_teaches_is_read_with_its_titles() -> None:
    text = {
        "library": "H5P.AdvancedText 1.1",
        "params": {"text": "<p>Three bins.</p>"},
        "metadata": {"title": "Untitled Text"},
    }
    book = {
        "chapters": [
            {
                "library": "H5P.Column 1.16",
                "metadata": {"title": "Waste"},
                "params": {
                    "content": [
                        {"content": text},
                        {
                            "content": {
                                "library": "H5P.Accordion 1.0",
                                "metadata": {"title": "Kinds"},
                                "params": {
                                    "panels": [
                                        {
                                            "title": "Paper",
                                            "content": {
                                                "library": "H5P.AdvancedText 1.1",
                                                "params": {"text": "<p>The blue bin.</p>"},
                                            },
                                        }
                                    ]
                                },
                            }
                        },
                    ]
                },
            }
        ],
        "read": "Read",
        "l10n": {"text": "PLAYER-WORD"},
    }
    document = parse("book.h5p", make_zip(h5p("H5P.InteractiveBook", book, title="Recycling")))
    assert content(document) == [
        ("content/content.json", ("Recycling", "Waste"), "Three bins."),
        ("content/content.json", ("Recycling", "Waste", "Kinds", "Paper"), "The blue bin."),
    ]
    assert "PLAYER-WORD" not in everything(document)


def test_an_interactive_video_gives_its_captions() -> None:
    params = {
        "interactiveVideo": {
            "video": {
                "startScreenOptions": {"title": "Loading"},
                "textTracks": {"videoTrack": [{"track": {"path": "text/en.vtt"}}]},
            },
            "assets": {
                "interactions": [{"action": {"library": "H5P.Text 1.1", "params": {"text": "Mind the gap."}}}]
            },
        }
    }
    files = h5p("H5P.InteractiveVideo", params) | {
        "content/text/en.vtt": "WEBVTT\n\n00:03.000 --> 00:04.000\nHold the rail.\n"
    }
    document = parse("v.h5p", make_zip(files))
    assert {block.text for block in document.blocks if block.kind != "heading"} == {
        "Mind the gap.",
        "Hold the rail.",
    }
    assert Place("cue", 3.0) in [block.place for block in document.blocks]


# Plain archives


def test_a_zip_of_files_and_packages() -> None:
    inner = make_zip(
        cartridge(item("i", "One", "r"), resource("r", "a.html"), {"a.html": "<p>In the cartridge.</p>"})
    )
    backup = {f"moodle/{name}": text for name, text in moodle_course().build().items()}
    document = parse(
        "all.zip",
        make_zip(
            {
                "Week 10/notes.md": "# Later\n\nLater notes.",
                "Week 2/notes.txt": "Early notes.",
                "courses/parcels.imscc": inner,
                "logo.png": b"\x89PNG",
                "sheet.xlsx": b"no",
                **backup,
            }
        ),
    )
    found = {text: (member, headings) for member, headings, text in content(document)}
    assert found["Early notes."] == ("Week 2/notes.txt", ("Week 2", "notes"))
    assert (
        found["Later notes."] == ("Week 10/notes.md", ("Week 10", "notes", "Later"))
        or found["Later notes."][0] == "Week 10/notes.md"
    )
    assert found["In the cartridge."] == ("courses/parcels.imscc/a.html", ("courses", "Parcel course", "One"))
    assert found["Fifteen minutes."] == (
        "moodle/activities/page_5/page.xml",
        ("Warehouse basics", "The shift", "Breaks"),
    )
    texts = [text for _, _, text in content(document)]
    assert texts.index("Early notes.") < texts.index("Later notes.")
    assert any(one.where == "sheet.xlsx" and "not read" in one.why for one in document.report.skipped)
    assert any("pictures: 1" in remark for remark in document.report.remarks)


def test_one_damaged_member_does_not_lose_the_others() -> None:
    data = make_zip(
        {
            "a.txt": "Alpha stays. " * 20,
            "b.pdf": b"%PDF-1.7 broken",
            "c.html": "<p>Gamma stays.</p>",
            "d.imscc": b"PK\x03\x04",
        }
    )
    document = parse("all.zip", data)
    assert "Gamma stays." in everything(document) and "Alpha stays." in everything(document)
    assert {one.where for one in document.report.skipped} == {"b.pdf", "d.imscc"}
    broken = bytearray(data)
    at = data.index(b"a.txt") + len(b"a.txt") + 3
    broken[at] ^= 0xFF
    document = parse("all.zip", bytes(broken))
    assert "Gamma stays." in everything(document)
    assert "a.txt" in {one.where for one in document.report.skipped}


# Hostile archives


def test_paths_that_lead_out_links_and_devices_are_passed_over() -> None:
    document = parse(
        "a.zip",
        make_zip(
            {
                "../up.txt": "UP",
                "/root.txt": "ROOT",
                "C:\\drive.txt": "DRIVE",
                "a/../../b.txt": "B",
                "ok.txt": "Fine.",
            }
        ),
    )
    assert [block.text for block in document.blocks if block.kind != "heading"] == ["Fine."]
    assert len(document.report.skipped) == 4 and all(
        "leads out" in one.why for one in document.report.skipped
    )
    tarred = make_tar({"ok.txt": "Fine.", "../../etc/x.txt": "OUT"}, links={"passwd.txt": "/etc/passwd"})
    document = parse("a.tar", tarred)
    assert [block.text for block in document.blocks if block.kind != "heading"] == ["Fine."]
    assert {one.why.split(",")[0] for one in document.report.skipped} == {
        "its path leads out of the package",
        "it is a link or a device",
    }
    linked = io.BytesIO()
    with zipfile.ZipFile(linked, "w") as archive:
        entry = zipfile.ZipInfo("link.txt")
        entry.external_attr = 0o120777 << 16
        archive.writestr(entry, "/etc/passwd")
        archive.writestr("ok.txt", "Fine.")
    assert "passwd" not in everything(parse("a.zip", linked.getvalue()))


def test_a_name_with_nul_is_passed_over() -> None:
    data = make_zip({"good.txt": "Fine.", "bad@name.txt": "HIDDEN"}).replace(
        b"bad@name.txt", b"bad\0name.txt"
    )
    document = parse("a.zip", data)
    assert "HIDDEN" not in everything(document)


def test_bombs_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "RATIO_COUNTS_FROM", 100_000)
    document = parse("a.zip", make_zip({"zeros.txt": b"0" * 3_000_000, "ok.txt": "Fine."}))
    assert [one.where for one in document.report.skipped] == ["zeros.txt"]
    assert "bomb" in document.report.skipped[0].why
    with pytest.raises(UnreadableDocument, match="more than 20000 files"):
        parse("a.zip", make_zip({f"{number}.txt": "" for number in range(20_001)}))


@pytest.mark.parametrize("pack", [make_zip, make_tar_gz])
def test_an_archive_that_unpacks_to_too_much_is_refused(pack: Callable[[Files], bytes]) -> None:
    big = b"0" * 100_000_000
    data = pack({f"{number}.bin": big for number in range(5)})
    assert len(data) < 5_000_000
    with pytest.raises(UnreadableDocument, match="unpacks to more than 400 MB"):
        parse("a.zip", data)


def test_a_declared_size_that_lies_does_not_help_a_bomb() -> None:
    data = bytearray(make_zip({"zeros.txt": b"0" * 20_000_000}))
    central = data.rindex(b"PK\x01\x02")
    data[central + 24 : central + 28] = struct.pack("<I", 10)
    try:
        document = parse("a.zip", bytes(data))
    except UnreadableDocument:
        return
    assert len(everything(document)) < 10_000


def test_archives_are_opened_two_deep_at_most() -> None:
    innermost = make_zip({"deep.txt": "DEEP"})
    third = make_zip({"3.zip": innermost, "third.txt": "Third level."})
    second = make_zip({"2.zip": third})
    document = parse("1.zip", make_zip({"1.zip": second}))
    assert "Third level." in everything(document)
    assert "DEEP" not in everything(document)
    assert any("2 deep" in one.why for one in document.report.skipped)


def test_entities_and_document_types_are_refused() -> None:
    bomb = '<!DOCTYPE m [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">]>'
    files = cartridge(item("i", "One", "r"), resource("r", "a.html"), {"a.html": "<p>Hello.</p>"})
    manifest = str(files["imsmanifest.xml"]).replace("<manifest", f"{bomb}<manifest", 1).replace("One", "&b;")
    with pytest.raises(UnreadableDocument, match=r"imsmanifest\.xml"):
        parse("c.imscc", make_zip(files | {"imsmanifest.xml": manifest}))
    external = '<!DOCTYPE m [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    manifest = (
        str(files["imsmanifest.xml"]).replace("<manifest", f"{external}<manifest", 1).replace("One", "&x;")
    )
    with pytest.raises(UnreadableDocument, match=r"imsmanifest\.xml"):
        parse("c.imscc", make_zip(files | {"imsmanifest.xml": manifest}))


# Any bytes

SAMPLES: dict[str, bytes] = {
    "c.imscc": make_zip(
        cartridge(
            item("i", "One", "r"), resource("r", "a.html"), {"a.html": page("One", "<p>Hello there.</p>")}
        )
    ),
    "s.zip": make_zip(scorm(item("i", "One", "r"), sco("r", "a.html"), {"a.html": "<p>Hello there.</p>"})),
    "m.mbz": make_zip(moodle_course().build()),
    "m2.mbz": make_tar(moodle_course().build()),
    "o.tar": make_tar(
        olx(
            {
                "chapter/c1.xml": '<chapter display_name="W"><sequential><vertical><html>Hi there</html>'
                "</vertical></sequential></chapter>"
            }
        )
    ),
    "h.h5p": make_zip(
        h5p("H5P.Column", {"content": [{"content": {"library": "H5P.Text 1.1", "params": {"text": "Hi"}}}]})
    ),
}


@given(
    st.sampled_from(sorted(SAMPLES)),
    st.lists(st.tuples(st.integers(0), st.integers(0, 255)), max_size=8),
    st.floats(0, 1),
)
def test_mutated_packages_are_read_or_refused(name: str, changes: list[tuple[int, int]], keep: float) -> None:
    data = bytearray(SAMPLES[name])
    for at, value in changes:
        data[at % len(data)] = value
    if keep < 0.3:
        data = data[: int(len(data) * keep * 3)]
    _read_or_refused(name, bytes(data))


@given(
    st.sampled_from(sorted({e for one in FORMATS for e in one.endings})),
    st.binary(max_size=400),
    st.sampled_from([b"", b"PK\x03\x04", b"\x1f\x8b\x08", b"WEBVTT\n\n"]),
)
def test_random_bytes_are_read_or_refused(ending: str, data: bytes, head: bytes) -> None:
    _read_or_refused(f"a{ending}", head + data)


TEXT_CHANGES = [
    ("<title>", "<title><b>"),
    ("identifierref", "identifier"),
    ("visible", "x"),
    ('"r"', '"nope"'),
    ("{", "["),
    (":", ","),
    ("course", "\ud800"),
    ("1", "-1"),
    ("1", "99999999999999999999"),
    ("html", "../html"),
    ("<", "&lt;"),
    ("</", "<"),
]


@given(
    st.sampled_from(["c", "s", "m", "o", "h"]),
    st.lists(st.sampled_from(TEXT_CHANGES), min_size=1, max_size=3),
)
def test_odd_texts_in_packages_are_read_or_refused(kind: str, changes: list[tuple[str, str]]) -> None:
    files: Files = {
        "c": cartridge(item("i", "One", "r"), resource("r", "a.html"), {"a.html": "<p>Hello there.</p>"}),
        "s": scorm(item("i", "One", "r"), sco("r", "a.html"), {"a.html": "<p>Hello there.</p>"}),
        "m": moodle_course().build(),
        "o": olx(
            {
                "chapter/c1.xml": "<chapter><sequential><vertical><html>Hi</html></vertical></sequential></chapter>"
            }
        ),
        "h": h5p(
            "H5P.Column", {"content": [{"content": {"library": "H5P.Text 1.1", "params": {"text": "Hi"}}}]}
        ),
    }[kind]
    changed = {}
    for name, text in files.items():
        if isinstance(text, str):
            for old, new in changes:
                text = text.replace(old, new)
            changed[name] = text.encode("utf-8", "surrogatepass")
        else:
            changed[name] = text
    _read_or_refused("a.zip", make_zip(changed))


def _read_or_refused(name: str, data: bytes) -> None:
    try:
        document = parse(name, data)
    except (UnreadableDocument, UnsupportedFormat) as problem:
        assert len(str(problem)) > 20
        return
    for block in document.blocks:
        assert block.text.strip() and "\0" not in block.text
        "".join((block.text, *block.headings)).encode("utf-8")


def test_every_ending_stands_in_the_table_for_people() -> None:
    table = (Path(__file__).parents[2] / "docs/formats.md").read_text("utf-8")
    missing = [ending for one in FORMATS for ending in one.endings if f"`{ending}`" not in table]
    assert not missing
