"""What docs/ says of settings, commands, routes, metrics and personal data is what the code has."""

from __future__ import annotations

import re

import pytest

from tests.docs.generated import DOCS, PARTS, part_in, routes_of_the_application


@pytest.mark.parametrize(("file", "name"), PARTS, ids=[f"{file}: {name}" for file, name in PARTS])
def test_the_page_says_what_the_code_has(file: str, name: str) -> None:
    said = part_in((DOCS / file).read_text(encoding="utf-8"), name)[1]
    assert said == PARTS[file, name]() + "\n", f"docs/{file} is behind the code: run `make docs`"


def test_every_route_is_documented_and_every_documented_route_is_there() -> None:
    page = (DOCS / "http.md").read_text(encoding="utf-8")
    said = {
        (method, path)
        for methods, path in re.findall(r"`([A-Z/]+) (/[^` ]*)`", page)
        for method in methods.split("/")
    }
    assert said == routes_of_the_application()
