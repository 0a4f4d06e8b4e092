"""A conversation as Markdown, for its person to take along: questions, answers, and where each sentence stands."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from app.kit.i18n import Translator
from app.rooms.ask.models import ASKED, FAILED, STOPPED, Conversation
from app.rooms.ask.turns import by_place

# What Markdown reads as markup anywhere in a line, and what it reads so at its beginning.
_SIGNS = re.compile(r"([\\`*_{}\[\]<>|~])")
_LIST_LINE = re.compile(r"(?P<mark> {0,3}(?:[-*+]|\d{1,9}[.)]) )?(?P<words>.*)")
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
        parts.append(translate("The answer did not arrive"))
    elif view["hints"]:
        parts.append(translate("You have seen hints to this question, not the answer yet."))
    else:
        parts += _answer(view, translate)
    if view["missing"] and view["verdict"] == "partly":
        said = translate("The documents say nothing about %(words)s.", words=view["missing"])
        parts.append(f"**{translate('Part of this is not covered')}.** {plain(said)}")
    handed = view.get("hand_off")
    if handed and handed["answer"]:
        parts += _expert_answer(handed["answer"], translate)
    return parts


def _answer(view: dict[str, Any], translate: Translator) -> list[str]:
    """What the coach answered, with what stands above and below it on the page."""
    parts: list[str] = []
    if view["verdict"] == "not_covered":
        parts.append(
            f"**{translate('Not covered here')}.** "
            + translate("Your course's documents don't answer this, so there is no answer to show you.")
        )
    if view["verdict"] == "partly" and not view["missing"]:
        parts.append(
            f"**{translate('This may not be the whole answer')}.** "
            + translate(
                "These are the places in your documents that come closest. Check them before you rely on them."
            )
        )
    parts += _sentences(view["sentences"], translate)
    if view["state"] == STOPPED:
        parts.append(f"*{translate('You stopped this answer')}.*")
    for conflict in view["conflicts"]:
        parts += _conflict(conflict, view["citations"], translate)
    if view["citations"]:
        parts.append(_sources(translate("Sources"), by_place(view["citations"]), translate))
    if view["closest"]:
        parts.append(_sources(translate("Closest sections"), view["closest"], translate))
    if view["sentences"]:
        parts.append(f"*{translate(_writer(view))}*")
        if view["note"] in _NOTES:
            parts.append(f"*{translate(_NOTES[view['note']])}*")
    return parts


# The same words as below a turn (ask/turn.html).
_NOTES = {
    "budget": "Today's budget for the model is used up, so the documents speak for themselves.",
    "model": "The model did not answer this time, so the documents speak for themselves.",
    "unsupported": "What the model wrote was mostly not in your documents, so they speak for themselves.",
}


def _writer(view: dict[str, Any]) -> str:
    if view["voice"] != "model":
        return "In the documents' own words"
    if view["is_translated"]:
        return (
            "Written by a model from documents in another language. Its sentences were only compared by meaning: "
            "check numbers and names in the source."
        )
    return "Written by a model from your documents, each sentence checked"


def _conflict(
    conflict: dict[str, Any], citations: Sequence[dict[str, Any]], translate: Translator
) -> list[str]:
    """That documents disagree, and each side in its own words."""
    if conflict["about"]:
        said = translate(
            "They say different things about %(subject)s. Ask which one holds before you rely on it.",
            subject=conflict["about"],
        )
    else:
        said = translate("They say different things. Ask which one holds before you rely on it.")
    about = f"**{plain(translate(_DISAGREE))}.** {plain(said)}"
    sides = [cited for cited in citations if cited["n"] in conflict["citations"]]
    return [about, _entries(sides, translate)] if sides else [about]


_DISAGREE = "Your documents don't agree here"


def _expert_answer(answer: dict[str, Any], translate: Translator) -> list[str]:
    """What an expert answered, as a quotation: its lists stay lists, any other markup in it is text."""
    title = translate("%(name)s answered", name=answer["author"])
    lines = (_LIST_LINE.match(line) for line in answer["text"].splitlines())
    said = [f"> {line['mark']}{plain(line['words'])}".rstrip() for line in lines if line]
    reviewed = translate("Reviewed %(day)s", day=answer["reviewed"])
    due = f" ({translate('Review due')})" if answer["is_review_due"] else ""
    return [f"**{plain(title)}**", "\n".join(said), f"*{plain(reviewed)}{due}*"]


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
    return f"{title}:\n\n" + _entries(entries, translate)


def _entries(entries: Sequence[dict[str, Any]], translate: Translator) -> str:
    """One line for each place: its numbers, what it is, where in it, from when, and the cited words."""
    lines = []
    for entry in entries:
        cited = [entry, *entry.get("others", ())]
        number = "".join(f"[{one['n']}]" for one in cited if "n" in one)
        parts = [f"{number} {plain(entry['document'])}".strip(), plain(entry["place"])]
        if expert := entry.get("expert"):
            parts.append(plain(translate("expert answer by %(name)s", name=expert["name"])))
            if expert.get("reviewed"):
                parts.append(translate("reviewed on %(day)s", day=expert["reviewed"]))
        elif entry.get("updated"):
            parts.append(translate("as of %(day)s", day=entry["updated"]))
        quotes = " … ".join(f"“{plain(one['quote'])}”" for one in cited if one.get("quote"))
        lines.append(f"- {', '.join(part for part in parts if part)}{f': {quotes}' if quotes else ''}")
    return "\n".join(lines)


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def filename_of(conversation: Conversation) -> str:
    """A file name of letters, digits and hyphens: "refund-a-damaged-parcel.md"."""
    words = re.findall(r"[a-z0-9]+", conversation.folded)
    return f"{'-'.join(words)[:60].strip('-') or 'conversation'}.md"
