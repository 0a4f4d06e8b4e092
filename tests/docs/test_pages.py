"""Links lead somewhere, decision records are whole, and what the README tells people to type exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lti.platforms import FAMILIES
from tests.docs.generated import routes_of_the_application

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
RECORDS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
LINK = re.compile(r"\]\(([^)\s]+)\)|<img [^>]*src=\"([^\"]+)\"")


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def anchors_of(page: Path) -> set[str]:
    """The anchors that GitHub and most renderers make of headings."""
    text = re.sub(r"(?s)```.*?```", "", page.read_text(encoding="utf-8"))
    headings = re.findall(r"(?m)^#+ (.+)$", text)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"(?s)```.*?```", "", page.read_text(encoding="utf-8"))
    dead = []
    for found in LINK.finditer(text):
        target = found[1] or found[2]
        if re.match(r"https?:|mailto:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (anchor and file.suffix == ".md" and anchor not in anchors_of(file)):
            dead.append(target)
    assert not dead, f"{named(page)} links to what isn't there: {dead}"


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_pages_that_are_named_exist(page: Path) -> None:
    mentioned = set(re.findall(r"`?(docs/[\w/-]+\.md)", page.read_text(encoding="utf-8")))
    assert not [name for name in mentioned if not (ROOT / name).exists()]


@pytest.mark.parametrize("record", RECORDS, ids=named)
def test_a_decision_record_has_its_three_headings(record: Path) -> None:
    text = record.read_text(encoding="utf-8")
    number = record.name[:4]
    assert re.match(rf"# (ADR )?{number}[.:]? .+", text), "the title begins with the number"
    order = re.findall(r"(?m)^## (Context|Decision|Consequences)\b", text)
    assert order == ["Context", "Decision", "Consequences"]


def test_decision_records_have_numbers_of_their_own() -> None:
    numbers = [record.name[:4] for record in RECORDS]
    assert len(numbers) == len(set(numbers))


def test_commands_of_the_readme_are_in_the_makefile() -> None:
    told = set(re.findall(r"\bmake ([a-z][a-z-]*)\b", (ROOT / "README.md").read_text(encoding="utf-8")))
    targets = set(re.findall(r"(?m)^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8")))
    assert {"run", "test"} <= told <= targets


LMS_HEADINGS = [
    "Register by itself",
    "Register by hand",
    "Put it into a course",
    "Course copies",
    "Grades",
    "Roster",
    "Submission review",
    "Notices",
    "Known faults",
    "What has been tried",
]


def test_every_platform_family_has_its_page() -> None:
    pages = {page.stem for page in (ROOT / "docs" / "lms").glob("*.md")}
    assert pages == set(FAMILIES) - {"generic"} | {"README"}
    readme = (ROOT / "docs" / "lms" / "README.md").read_text(encoding="utf-8")
    assert not [name for name in pages - {"README"} if f"]({name}.md)" not in readme]


@pytest.mark.parametrize("family", sorted(set(FAMILIES) - {"generic"}))
def test_a_platforms_page_says_the_same_things_in_the_same_order(family: str) -> None:
    text = (ROOT / "docs" / "lms" / f"{family}.md").read_text(encoding="utf-8")
    assert re.findall(r"(?m)^## (.+)$", text) == LMS_HEADINGS
    parts = re.split(r"(?m)^## .+\n", text)[1:]
    assert all(part.strip() for part in parts), "a heading with nothing under it"
    for address in ("lti/launch", "lti/login", "lti/jwks.json"):
        assert f"https://YOUR-WORKSIDE/{address}" in text


def test_addresses_of_ours_that_the_pages_name_are_there() -> None:
    routes = {path for _, path in routes_of_the_application()}
    told = {
        path
        for page in (ROOT / "docs" / "lms").glob("*.md")
        for path in re.findall(r"https://YOUR-WORKSIDE(/[\w./-]*[\w])", page.read_text(encoding="utf-8"))
    }
    known = {path.partition("/{")[0] for path in routes}
    assert told <= known, told - known
