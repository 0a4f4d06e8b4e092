"""Finding a given string in read text, and comparing the place where it stands with the one a pack gives."""

from __future__ import annotations

import fnmatch
import re
import unicodedata
from collections.abc import Iterator

from retrieval.nouns import Passage
from retrieval.places import Place

_ALIKE = str.maketrans(
    {
        "“": '"', "”": '"', "„": '"', "‟": '"', "«": '"', "»": '"', "‘": "'", "’": "'", "‚": "'", "‛": "'",
        "–": "-", "—": "-", "‐": "-", "‑": "-", "−": "-",
    }
)  # fmt: skip
_SECONDS_APART = 0.01  # cues are given in milliseconds
_CLOCK = re.compile(r"(?:(\d+):)?(\d{1,2}):(\d{2}(?:[.,]\d+)?)")
_TABLE = re.compile(r"table\s*\d*", re.IGNORECASE)


def plain(text: str) -> str:
    """One form for white space, quotes and dashes; invisible characters are dropped."""
    return "".join(letter for letter, _ in _letters(text)).strip()


def occurrences(wanted: str, text: str) -> list[int]:
    """Offsets in ``text`` at which ``wanted`` begins, however both write white space, quotes and dashes."""
    sought = plain(wanted)
    if not sought:
        return []
    letters = list(_letters(text))
    flat = "".join(letter for letter, _ in letters)
    found = []
    at = flat.find(sought)
    while at >= 0:
        found.append(letters[at][1])
        at = flat.find(sought, at + 1)
    return found


def holds(text: str, wanted: str) -> bool:
    """Whether the text holds the string in any letter case; for what must not appear, so rather too often."""
    sought = _folded(wanted)
    return bool(sought) and sought in _folded(text)


def _folded(text: str) -> str:
    return plain(unicodedata.normalize("NFKC", text)).casefold()


def _letters(text: str) -> Iterator[tuple[str, int]]:
    space = True
    for at, letter in enumerate(text):
        if letter.isspace():
            if not space:
                yield " ", at
            space = True
            continue
        if unicodedata.category(letter) == "Cf":
            continue
        space = False
        for one in letter.translate(_ALIKE):
            yield one, at


def whole_text(passage: Passage) -> str:
    """Everything of a passage that a person may get to see."""
    return "\n".join((passage.document_title, *passage.heading_path, passage.text))


def places_of(answer: str, passage: Passage) -> list[Place]:
    """Where in the passage the answer stands; its headings count, at the passage's place."""
    found = [passage.place_at(at) for at in occurrences(answer, passage.text)]
    if not found and any(occurrences(answer, heading) for heading in passage.heading_path):
        found = [passage.place]
    return found


def is_at(place: Place, passage: Passage, kind: str, locator: object) -> bool:
    """Whether a place is the one that the pack names.

    ``kind``: page, slide, cue_start, section, item or document, with ``locator`` as the pack gives it; "" where a
    person wrote "page 3", "12:05" or a heading without saying which it is.
    """
    said = str(locator if locator is not None else "").strip()
    if kind == "document":
        return True
    if kind in ("page", "slide"):
        return _is_numbered(place, (kind,), said)
    if kind == "cue_start":
        return _is_spoken(place, said)
    if kind == "section":
        return _is_under(passage, said)
    if kind == "item":
        return _is_member(place.member, said)
    return (
        not said
        or _is_numbered(place, ("page", "slide"), re.sub(r"^\D+(?=\d+$)", "", said))
        or _is_spoken(place, said)
        or _is_under(passage, said)
        or _is_member(place.member, said)
    )


def _is_numbered(place: Place, kinds: tuple[str, ...], said: str) -> bool:
    number, _, part = said.partition(":")
    if part.strip().lower() == "notes":
        return place.kind == "notes" and str(place.value) == number.strip()
    return not part and place.kind in kinds and str(place.value) == number.strip()


def _is_spoken(place: Place, said: str) -> bool:
    seconds = seconds_of(said)
    return place.kind == "cue" and seconds is not None and abs(float(place.value) - seconds) < _SECONDS_APART


def seconds_of(clock: str) -> float | None:
    """ "00:02:53.550", "2:53" or "02:44,633" in seconds; None where it is no time."""
    matched = _CLOCK.fullmatch(clock.strip())
    if matched is None:
        return None
    hours, minutes, seconds = matched.groups()
    return int(hours or 0) * 3600 + int(minutes) * 60 + float(seconds.replace(",", "."))


def _is_under(passage: Passage, said: str) -> bool:
    if not said:
        return False
    if any(holds(heading, said) for heading in (*passage.heading_path, passage.document_title)):
        return True
    # Passages do not number tables: a row of any table will do, the answer's text tells which.
    return passage.kind == "row" and _TABLE.fullmatch(said) is not None


def _is_member(member: str, said: str) -> bool:
    wanted = said.strip("/")
    return bool(wanted) and (member == wanted or member.endswith("/" + wanted))


def members_named(where: str, members: set[str]) -> set[str]:
    """Members of a package that a free description names by a path or a pattern: "*/questions.js (the key)"."""
    named = [word.strip("()[]{},;\"'") for word in where.split()]
    patterns = [word for word in named if re.search(r"\.\w+$|/", word)]
    return {
        member
        for member in members
        for pattern in patterns
        if fnmatch.fnmatch(member, pattern)
        or fnmatch.fnmatch(member, f"*/{pattern}")
        or fnmatch.fnmatch(member, f"*{pattern.rstrip('/')}/*")
    }
