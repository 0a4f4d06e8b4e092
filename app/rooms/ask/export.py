"""A conversation as Markdown, for its person to take along: questions, answers, and where each sentence stands."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from app.kit.i18n import Translator
from app.rooms.ask.models import ASKED, FAILED, STOPPED, Conversation

# What Markdown reads as markup anywhere in a line, and what it reads so at its beginning.
_SIGNS = re.compile(r"([\\`*_{}\[\]<>|~])")
_AT_LINE_START = re.compile(r"^(\s*)([#+\-=]|\d{1,9}(?=[.)]))", re.MULTILINE)


def plain(text: str) -> str:
    """Text that Markdown shows as it stands, on one line: whoever wrote it, it is no heading, link or HTML."""
    line = " ".join(text.split())
    return _AT_LINE_START.sub(_escape_start, _SIGNS.sub(r"\\\1", line))


def _escape_start(match: re.Match[str]) -> str:
    blank, sign = match.groups()
    # A number is escaped behind it, where its point follows.
    return f"{blank}{sign}\\" if sign.isdigit() else f"{blank}\\{sign}"


def markdown_of(conversation: Conversation, views: Sequence[dict[str, Any]], translate: Translator) -> str:
    """The conversation as its page shows it (`turn_views`): its title, and each question with what was answered and from where."""
    parts = [f"# {plain(conversation.title)}", _moment(conversation.updated_at)]
    for view in views:
        parts += _turn(view, translate)
    return "\n\n".join(parts) + "\n"


def _turn(view: dict[str, Any], translate: Translator) -> list[str]:
    parts = [f"## {plain(view['question'])}", _moment(view["asked_at"])]
    if view["state"] == ASKED:
        return [*parts, translate("This question has no answer yet.")]
    if view["state"] == FAILED:
        return [*parts, translate("The answer did not arrive")]
    if view["hints"]:
        return [*parts, translate("You have seen hints to this question, not the answer yet.")]
    if view["verdict"] == "not_covered":
        parts.append(
            f"**{translate('Not covered here')}.** "
            + translate("Your course's documents don't answer this, so there is no answer to show you.")
        )
    parts += _sentences(view["sentences"], translate)
    if view["state"] == STOPPED:
        parts.append(f"*{translate('You stopped this answer')}.*")
    if view["missing"] and view["verdict"] == "partly":
        said = translate("The documents say nothing about %(words)s.", words=view["missing"])
        parts.append(f"**{translate('Part of this is not covered')}.** {plain(said)}")
    if view["citations"]:
        parts.append(_sources(translate("Sources"), view["citations"], translate))
    if view["closest"]:
        parts.append(_sources(translate("Closest sections"), view["closest"], translate))
    if view["sentences"]:
        parts.append(f"*{translate(WRITERS.get(view['voice'], WRITERS['composer']))}*")
    return parts


# The same words as below a turn (ask/turn.html).
WRITERS = {
    "composer": "In the documents' own words",
    "model": "Written by a model from your documents, each sentence checked",
}


def _sentences(sentences: Sequence[dict[str, Any]], translate: Translator) -> list[str]:
    """Sentences run together as paragraphs, steps and rows are lists."""
    blocks: list[tuple[str, list[str]]] = []
    for sentence in sentences:
        kind = sentence["kind"]
        if not blocks or blocks[-1][0] != kind:
            blocks.append((kind, []))
        marks = "".join(f" [{n}]" for n in sentence["citations"])
        doubt = "" if sentence["verified"] else f" *({translate('not confirmed by the source')})*"
        blocks[-1][1].append(f"{plain(sentence['text'])}{marks}{doubt}")
    signs = {"step": "1. ", "row": "- "}
    return [
        "\n".join(signs[kind] + line for line in lines) if kind in signs else " ".join(lines)
        for kind, lines in blocks
    ]


def _sources(title: str, entries: Sequence[dict[str, Any]], translate: Translator) -> str:
    lines = []
    for entry in entries:
        number = f"[{entry['n']}] " if "n" in entry else ""
        parts = [f"{number}{plain(entry['document'])}", plain(entry["place"])]
        if expert := entry.get("expert"):
            parts.append(plain(translate("expert answer by %(name)s", name=expert["name"])))
            if expert.get("reviewed"):
                parts.append(translate("reviewed on %(day)s", day=expert["reviewed"]))
        elif entry.get("updated"):
            parts.append(translate("as of %(day)s", day=entry["updated"]))
        quote = f": “{plain(entry['quote'])}”" if entry.get("quote") else ""
        lines.append(f"- {', '.join(part for part in parts if part)}{quote}")
    return f"{title}:\n\n" + "\n".join(lines)


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def filename_of(conversation: Conversation) -> str:
    """A file name of letters, digits and hyphens: "refund-a-damaged-parcel.md"."""
    words = re.findall(r"[a-z0-9]+", conversation.folded)
    return f"{'-'.join(words)[:60].strip('-') or 'conversation'}.md"
