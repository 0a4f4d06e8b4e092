"""Links lead somewhere, decision records are whole, and what the README tells people to type exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lti.platforms import FAMILIES

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


def test_every_platform_family_with_a_page_says_what_was_tried() -> None:
    pages = {page.stem: page for page in (ROOT / "docs" / "lms").glob("*.md")}
    assert set(pages) == set(FAMILIES) - {"generic", "schoology"} | {"README"}
    for name, page in pages.items():
        assert name == "README" or "## What has been tried" in page.read_text(encoding="utf-8"), name
