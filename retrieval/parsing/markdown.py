"""Markdown as people see it rendered: it becomes HTML first, and is then read by the rules of HTML.

So raw HTML inside Markdown hides what it hides in a browser, across paragraphs too, and comments are no content.
"""

from __future__ import annotations

import re

from markdown_it import MarkdownIt

from retrieval.parsing.document import ParsedDocument, UnreadableDocument, decode_text
from retrieval.parsing.html import read_html_text

_FRONT_MATTER = re.compile(
    r"\A(---|\+\+\+)[ \t]*\n(.*?)(?:\n|(?<=\n))(?:\1|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL
)
_TITLE_LINE = re.compile(r"^title[ \t]*[:=][ \t]*(.+)$", re.MULTILINE)
_LANGUAGE_LINE = re.compile(r"^lang(?:uage)?[ \t]*[:=][ \t]*[\"']?([A-Za-z]{2,3})\b", re.MULTILINE)
# Elements that HTML knows begin with a letter and are one of these; "<your name>" is a blank that people fill in.
_TAG_LIKE = re.compile(r"<(?=[A-Za-z])([A-Za-z][\w-]*)((?:[ \t]+[\w-]+){0,6})[ \t]*>")
_CODE_SPAN = re.compile(r"(`[^`]*`)")
_TAG_NAMES = (
    "a abbr address area article aside audio b base bdi bdo blockquote body br button canvas caption "
    "center cite code col colgroup data datalist dd del details dfn dialog div dl dt em embed "
    "fieldset figcaption figure font footer form frame frameset h1 h2 h3 h4 h5 h6 head header hgroup "
    "hr html i iframe img input ins kbd label legend li link main map mark marquee math menu meta "
    "meter nav noscript object ol optgroup option output p param picture plaintext pre progress q rp "
    "rt ruby s samp script search section select slot small source span strike strong style sub "
    "summary sup svg table tbody td template textarea tfoot th thead time title tr track tt u ul var "
    "video wbr xmp"
)
_KNOWN_TAGS = frozenset(_TAG_NAMES.split())


def read_markdown(data: bytes) -> ParsedDocument:
    """CommonMark with tables. Front matter gives the title and is not content. Raises UnreadableDocument."""
    source = decode_text(data).replace("\r\n", "\n").replace("\r", "\n")
    title = language = ""
    if front := _FRONT_MATTER.match(source):
        source = source[front.end() :]
        if line := _TITLE_LINE.search(front.group(2)):
            title = line.group(1).strip().strip("\"'")
        if line := _LANGUAGE_LINE.search(front.group(2)):
            language = line.group(1).lower()
    try:
        rendered = MarkdownIt("commonmark").enable("table").render(_blanks_kept(source))
    except Exception as broken:  # a page made to break the renderer
        raise UnreadableDocument(
            "The Markdown nests too deeply. Simplify its lists and quotes and upload it again."
        ) from broken
    parsed = read_html_text(rendered)
    first = next((block.text for block in parsed.blocks if block.kind == "heading"), "")
    return ParsedDocument(title or first, language or "und", parsed.blocks, parsed.report)


def _blanks_kept(source: str) -> str:
    """ "<your name>" is no element of HTML: renderers drop it, writers mean it to be read."""

    def kept(match: re.Match[str]) -> str:
        name = match.group(1).lower()
        if name in _KNOWN_TAGS or "-" in name:
            return match.group()
        return f"&lt;{match.group(0)[1:-1]}&gt;"

    out: list[str] = []
    fence = ""
    for line in source.split("\n"):
        mark = re.match(r"[ ]{0,3}(`{3,}|~{3,})", line)
        if mark and (not fence or (line.strip().startswith(fence) and not line.strip().strip(fence[0]))):
            fence = "" if fence else mark.group(1)
            out.append(line)
        elif fence or line.startswith(("    ", "\t")):
            out.append(line)
        else:
            # In code the letters stand for themselves.
            parts = _CODE_SPAN.split(line)
            out.append(
                "".join(part if at % 2 else _TAG_LIKE.sub(kept, part) for at, part in enumerate(parts))
            )
    return "\n".join(out)
