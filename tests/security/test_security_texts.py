"""Nothing that anybody wrote becomes script: hostile texts through every way in, looked for in every page."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from app.course.loading import load_course, organisation_named
from tests.app.rooms.campus import Campus, work_off, write_course
from tests.security.corpus import HOSTILE_TEXTS

SCRIPTS = {"/static/js/frame.js"}
# A course's files are TOML, in which these two characters end a text.
FOR_FILES = [text for text in HOSTILE_TEXTS if '"' not in text and "\\" not in text]
# What the pages of ours are made of. Nothing of this list fetches from another origin or runs.
TAGS = {
    "html", "head", "meta", "title", "link", "script", "body", "div", "main", "header", "nav", "section", "article", "aside",
    "footer", "h1", "h2", "h3", "h4", "h5", "h6", "p", "span", "strong", "em", "small", "br", "hr", "ul", "ol", "li", "dl", "dt",
    "dd", "a", "button", "form", "label", "input", "textarea", "fieldset", "legend", "select", "option", "details", "summary",
    "blockquote", "code", "pre", "mark", "table", "thead", "tbody", "tr", "th", "td", "caption", "time", "template", "noscript",
    "svg", "path", "circle", "rect", "g", "figure", "figcaption", "progress", "output", "bdi",
}  # fmt: skip


class Page(HTMLParser):
    """What a browser would do with a page: problems found on the way."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.problems: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag not in TAGS:
            self.problems.append(f"<{tag}>")
        for name, value in values.items():
            if name.startswith("on") or name in {
                "style",
                "srcdoc",
                "formaction",
                "background",
                "xlink:href",
                "http-equiv",
            }:
                self.problems.append(f"{tag} {name}={value}")
            if name in {"href", "src", "action"} and not (value or "").startswith(("/", "#")):
                self.problems.append(f"{tag} {name}={value}")
            if name in {"href", "src", "action"} and (value or "").startswith("//"):
                self.problems.append(f"{tag} {name}={value}")
        if tag == "script" and values.get("type") != "application/json" and values.get("src") not in SCRIPTS:
            self.problems.append(f"script {values}")
        if tag == "link" and values.get("rel") not in {"icon", "stylesheet", "modulepreload"}:
            self.problems.append(f"link {values}")


def problems_of(html: str) -> list[str]:
    found = Page(html).problems
    # One of a question's own words may be quoted alone ("the documents say nothing about pwned"): what ran says both together.
    if "49pwned" in html or ">49<" in html:
        found.append("a template ran")
    return found


def test_the_eye_of_these_tests_is_open() -> None:
    for text in (
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<a href='javascript:alert(1)'>x</a>",
        "49pwned",
    ):
        assert problems_of(f"<p>{text}</p>")
    assert problems_of("<p>fine</p>") == []


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_a_hostile_text_is_shown_as_text_wherever_it_came_in(campus: Campus, text: str) -> None:
    custom = {"note": text, text: text}
    ana = campus.visit(name=text, title=text, custom=custom, link="hostile")
    ivo = campus.visit("ivo", "instructor", name=text, title=text, custom=custom, link="hostile")
    question = f"How do I refund a damaged parcel? {text}"
    events = ana.ask(question)
    ana.hand_in(ana.attempt("lamp-parcels", f"I ask for two photos of the parcel. {text}"))
    evidence = ivo.waiting()[0]
    ivo.decide(evidence, comment=text)
    opened = next(data for name, data in events if name == "opened")
    pages = [
        ana.get("/"),
        ana.get("/practice"),
        ana.get("/practice/lamp-parcels"),
        ana.get(f"/sources/{opened['turn_id']}/1"),
        ana.get(f"/sources/{opened['turn_id']}/{text.replace('/', ' ')}"),
        ivo.get("/"),
        ivo.get("/review"),
        ivo.get(f"/review/{evidence}"),
        ana.post("/ask/turns", {"question": text * 100}),
    ]
    for page in pages:
        assert problems_of(page.text) == [], page.request.url
    for name, data in events:
        assert problems_of(data.get("html", "")) == [], name


@pytest.mark.parametrize("text", [" ".join(FOR_FILES[start::5]) for start in range(5)])
def test_a_hostile_course_is_shown_as_text(campus: Campus, text: str) -> None:
    """The words of documents, tasks, experts and starters."""
    folder = write_course(campus.services.settings.data_dir / "hostile", "north", "parcels")
    document = folder / "documents/handbook.md"
    document.write_text(
        document.read_text()
        .replace("before you decide", f"{text} before you decide")
        .replace("14 days", f"14 {text} days")
        + f"\n## {text}\n\nThe glue gun belongs to {text}.\n"
    )
    for path in (folder / "tasks/lamp-parcels.toml", folder / "course.toml"):
        words = path.read_text()
        for known in (
            "A customer",
            "Write what",
            "The lamp-parcels",
            "Hanne of",
            "belts",
            "How do I refund",
            "Handbook of",
        ):
            # A title has 200 characters at most.
            words = words.replace(known, f"{text[:150] if known == 'The lamp-parcels' else text} {known}")
        path.write_text(words)
    with campus.services.database.read() as session:
        north = organisation_named(session, "north").id
    load_course(campus.services, folder, north)
    work_off(campus.services)
    ana = campus.visit()
    for question in (
        "How do I refund a damaged parcel?",
        "Whose is the glue gun?",
        "Quantum chromodynamics?",
    ):
        events = ana.ask(question)
        for name, data in events:
            assert problems_of(data.get("html", "")) == [], name
        turn_id = next(data for name, data in events if name == "opened")["turn_id"]
        for mark in ("1", "2", "closest-1", "closest-2"):
            assert problems_of(ana.get(f"/sources/{turn_id}/{mark}").text) == []
    for path in ("/", "/practice", "/practice/lamp-parcels"):
        assert problems_of(ana.get(path).text) == [], path


def test_an_error_repeats_nothing_of_the_request(campus: Campus) -> None:
    ana = campus.visit()
    for path in (
        "/practice/zebraword",
        "/sources/zebraword/1",
        "/zebraword",
        "/practice/zebraword?x=zebraword",
    ):
        assert "zebraword" not in ana.get(path).text, path
    long = ana.post("/ask/turns", {"question": "x", "conversation_id": "zebraword" * 10})
    assert long.status_code == 422 and "zebraword" not in long.text
    assert "zebraword" not in campus.client.get("/lti/login?iss=zebraword").text
