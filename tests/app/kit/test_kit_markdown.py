"""Text to HTML: whatever is written, what comes out is a few harmless tags."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit.markdown import render_markdown
from tests.security.corpus import HOSTILE_TEXTS

HARMLESS = {
    "p", "br", "em", "strong", "ul", "ol", "li", "code", "pre", "blockquote", "table", "thead", "tbody", "tr", "th", "td",
    "h3", "h4", "h5", "h6", "hr", "mark",
}  # fmt: skip


class Elements(HTMLParser):
    """Every tag and attribute that a browser would see."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.attributes: set[tuple[str, str]] = set()
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {(tag, name) for name, _ in attrs}


def is_harmless(text: str) -> bool:
    seen = Elements(render_markdown(text))
    return seen.tags <= HARMLESS and seen.attributes <= {("ol", "start")}


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_nothing_of_the_corpus_becomes_more_than_text(text: str) -> None:
    assert is_harmless(text)


PIECES = st.sampled_from(
    [
        *"<>&\"'`=/()[]!*_#|~:\\\n\t \x00",
        "script", "img", "svg", "iframe", "style", "a", "href=", "src=", "onerror=", "onload=", "javascript:", "data:text/html,",
        "https://evil.example/", "<!--", "-->", "<![CDATA[", "]]>", "</", "/>", "```", "    ", "&#106;", "&lt;", "\\<", "1. ", "- ",
        "|a|b|\n|-|-|\n", "[x]: https://evil.example\n", "<math>", "<mtext>", "<noscript>", "<template>", "xlink:", "style=",
    ]
)  # fmt: skip


@given(st.lists(PIECES, max_size=25).map("".join))
def test_no_mixture_of_markup_becomes_more_than_text(text: str) -> None:
    assert is_harmless(text)


@given(st.text(max_size=200))
def test_no_text_at_all_becomes_more_than_text(text: str) -> None:
    assert is_harmless(text)


@pytest.mark.parametrize(
    "text",
    [
        "![a picture](https://evil.example/pixel.png?words)",
        "[a link](https://evil.example/?words)",
        "<https://evil.example/?words>",
        "[named][1]\n\n[1]: https://evil.example/?words",
        "![x](data:image/png;base64,AAAA)",
    ],
)
def test_nothing_is_fetched_and_nothing_leads_away(text: str) -> None:
    seen = Elements(render_markdown(text))
    assert not seen.tags & {"img", "a", "link", "source", "video", "audio", "object", "embed"}
    assert not {name for _, name in seen.attributes} & {"href", "src", "srcset", "action", "background"}


def test_a_links_words_stay_without_its_address() -> None:
    assert render_markdown("Read [the rules](https://evil.example/x).") == "<p>Read the rules.</p>\n"


def test_what_people_write_in_documents_is_shown_as_such() -> None:
    html = render_markdown("**Bold** and *soft*\n\n3. three\n4. four\n\n|a|b|\n|-|-|\n|1|2|\n\n`code`")
    for part in (
        "<strong>Bold</strong>",
        "<em>soft</em>",
        '<ol start="3">',
        "<td>2</td>",
        "<code>code</code>",
    ):
        assert part in html
