"""The one door from text to HTML: whatever a model, file, learner or LMS wrote comes out as a few harmless tags."""

from __future__ import annotations

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

_parser = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable("table")

_TAGS = {
    "p", "br", "em", "strong", "ul", "ol", "li", "code", "pre", "blockquote", "table", "thead", "tbody", "tr", "th", "td",
    "h3", "h4", "h5", "h6", "hr", "mark",
}  # fmt: skip


def render_markdown(text: str, *, with_headings: bool = True) -> Markup:
    """Safe HTML of a Markdown text: no script, no style, no image, no link, no attribute but a list's start.

    Links are dropped with their address, since an address is the way by which a poisoned document could carry words out; of an image
    its description stays. A heading of the two upper levels, which are the page's own, becomes a bold paragraph; without
    `with_headings` every one does.
    """
    tokens = _parser.parse(text.replace("\x00", ""))
    plain = ("h1", "h2") if with_headings else ("h1", "h2", "h3", "h4", "h5", "h6")
    for at, token in enumerate(tokens):
        if token.type == "inline":
            token.children = [_described(child) for child in token.children or ()]
        elif token.type == "heading_open" and token.tag in plain:
            words, closing = tokens[at + 1], tokens[at + 2]
            words.children = [
                Token("strong_open", "strong", 1),
                *(words.children or ()),
                Token("strong_close", "strong", -1),
            ]
            token.type, closing.type, token.tag, closing.tag = "paragraph_open", "paragraph_close", "p", "p"
    html = _parser.renderer.render(tokens, _parser.options, {})
    return Markup(nh3.clean(html, tags=_TAGS, attributes={"ol": {"start"}}, link_rel=None))  # noqa: S704 - cleaned here


def _described(token: Token) -> Token:
    """The token itself; of an image what it shows, as text."""
    return Token("text", "", 0, content=token.content) if token.type == "image" else token
