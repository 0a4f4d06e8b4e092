"""HTML and Markdown: what style sheets hide, what is no content, and structures of real pages."""

from __future__ import annotations

import html as escaping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.parsing.document import ParsedDocument, UnreadableDocument, tidy
from retrieval.parsing.html import blocks_of_html, read_html
from retrieval.parsing.markdown import read_markdown
from retrieval.parsing.plain import read_plain
from retrieval.parsing.stylesheets import css_colour


def read(body: str, css: str = "") -> ParsedDocument:
    return read_html(
        f"<html><head><style>{css}</style></head><body><p>Seen.</p>{body}</body></html>".encode()
    )


def everything(parsed: ParsedDocument) -> str:
    return " ".join(block.text for block in parsed.blocks)


def told(source: str) -> list[tuple[str, str]]:
    return [(block.kind, block.text) for block in blocks_of_html(source)]


@pytest.mark.parametrize(
    "style",
    [
        "display:none", "display : NONE !important", "visibility:hidden", "opacity:0", "opacity: .01", "opacity:0%",
        "font-size:0", "font-size:0.5px", "font-size:1%", "font:0/0 a", "color:#fff", "color:white", "color:rgb(255,255,255)",
        "color:rgba(0,0,0,0)", "color:transparent", "color:#fefefe", "color:hsl(0, 0%, 100%)", "color:#ffffff00",
        "position:absolute;left:-9999px", "position:fixed;top:-200em", "position:absolute;right:-100%", "text-indent:-9999px",
        "margin-left:-1000px", "transform:translateX(-9999px)", "transform:scale(0)", "clip:rect(0,0,0,0)",
        "position:absolute;clip:rect(1px,1px,1px,1px)", "clip-path:inset(50%)", "clip-path:circle(0)",
        "width:1px;height:1px;overflow:hidden", "max-height:0;overflow:hidden", "max-height:0", "background:#000;color:#000",
        "background-color:navy;color:#000080", "filter:opacity(0)", "content-visibility:hidden", "d\\69splay:none",
        "color:var(--nothing, #fff)", "display:/* a comment */none",
    ],
)  # fmt: skip
def test_hidden_by_style_inline_and_in_a_style_sheet(style: str) -> None:
    inline = read(f'<div style="{style}">WORD <b>WORD</b></div>')
    assert everything(inline) == "Seen."
    assert inline.report.counts["hidden"] >= 1
    assert "Hidden text was left out" in inline.report.remarks[0]
    for body, css in (
        ('<p class="a odd">WORD</p>', f".odd{{{style}}}"),
        ('<p id="odd">WORD</p>', f"#odd{{{style}}}"),
        ("<ul><li>WORD</li></ul>", f"li{{{style}}}"),
        ('<div class="box"><i>WORD</i></div>', f"section, .box > i {{ {style} }}"),
        ('<p data-x="1">WORD</p>', f"@media screen {{ [data-x] {{ {style} }} }}"),
    ):
        assert everything(read(body, css)) == "Seen."


@pytest.mark.parametrize(
    ("body", "css"),
    [
        ("<p>Word</p>", ".other{display:none}"),
        ('<p class="tab open">Word</p>', ".tab{display:none} .tab.open{display:block}"),
        (
            '<p class="a">Word</p>',
            "@media print{.a{display:none}} @media (max-width:600px){.a{display:none}}",
        ),
        ('<p class="a">Word</p>', ".a:hover{display:none} .a::before{display:none}"),
        ('<div style="background:#123;color:#fff">Word</div>', ""),
        ('<div style="background:url(sky.jpg);color:#fff">Word</div>', ""),
        ('<div style="background:#123"><p style="color:#fff">Word</p></div>', ""),
        ('<div style="visibility:hidden"><p style="visibility:visible">Word</p></div>', ""),
        ('<div style="font-size:0"><p style="font-size:16px">Word</p></div>', ""),
        (
            '<p style="left:-5px;opacity:.8;max-width:60ch;text-indent:-2em;font:400 12px/1.4 serif">Word</p>',
            "",
        ),
        ('<p style="color:#999">Word</p>', ""),
        ('<p style="height:1px">Word</p>', ""),
        ('<p style="margin-left:-20px">Word</p>', ""),
        ("<p>Word</p>", "p{color:#333"),
        ("<form><h2>Head</h2><p>Word</p></form>", ""),
    ],
)
def test_merely_styled_text_is_kept(body: str, css: str) -> None:
    assert "Word" in everything(read(body, css))


@pytest.mark.parametrize(
    "body",
    [
        '<img src="a.png" alt="WORD">', '<a title="WORD" href="#">link</a>', "<!-- WORD -->", "<![CDATA[ WORD ]]>",
        '<meta name="description" content="WORD">', "<noscript>WORD</noscript>", "<template><p>WORD</p></template>",
        "<svg><text>WORD</text></svg>", '<input value="WORD">', "<p hidden>WORD</p>", '<p hidden="until-found">WORD</p>',
        '<span aria-hidden=" True ">WORD</span>', '<div role="navigation">WORD</div>', "<nav>WORD</nav>",
        '<div class="cookie-banner">We use cookies. WORD</div>', "<h2>Head <i hidden>WORD</i></h2>",
        '<ol><li>a<ul style="display:none"><li>WORD</li></ul></li></ol>', "<dl><dt hidden>WORD</dt><dd>x</dd></dl>",
        "<table><tr hidden><td>WORD</td></tr><tr><td>a</td><td>b</td></tr></table>",
        '<pre>code <span style="display:none">WORD</span></pre>', '<font color="white">WORD</font>',
        '<table><tr><td bgcolor="#102040"><font color="#102040">WORD</font></td></tr></table>',
    ],
)  # fmt: skip
def test_what_is_no_content(body: str) -> None:
    filler = "<p>" + "A page has more than this. " * 20 + "</p>"
    assert "WORD" not in everything(read(filler + body))


def test_alternative_texts_are_counted() -> None:
    parsed = read('<img src="a.png" alt="A lamp in a box">')
    assert parsed.report.counts["alternative_texts"] == 1
    assert "not searchable" in parsed.report.remarks[0]


def test_the_furniture_of_a_page_goes_its_content_stays() -> None:
    links = "".join(f'<li><a href="/{at}">Place {at}</a></li>' for at in range(9))
    text = "<p>" + "The refund is paid within fourteen days. " * 12 + "</p>"
    page = f"""<body><header><div class="logo">Shop</div><ul>{links}</ul></header>
    <div class="breadcrumb"><a href="/">Home</a> / <a href="/a">Help</a></div>
    <article><header><h1>Refunds</h1><p>By Ada.</p></header>{text}<footer>Reviewed in May.</footer></article>
    <div id="site-footer"><ul>{links}</ul></div><footer>Imprint</footer></body>"""
    text = everything(read_html(page.encode()))
    assert "Place" not in text and "Home" not in text and "Imprint" not in text
    for words in ("Refunds", "By Ada.", "fourteen days", "Reviewed in May."):
        assert words in text


def test_a_main_part_that_holds_little_is_not_believed() -> None:
    page = "<body><main><p>Loading</p></main><div>" + "The text stands elsewhere. " * 20 + "</div></body>"
    assert "elsewhere" in everything(read_html(page.encode()))


def test_definitions_details_and_captions() -> None:
    assert told(
        "<dl><dt>SLA</dt><dt>Target</dt><dd>Forty seconds</dd><dt>Queue</dt><dd>Those who wait</dd></dl>"
    ) == [("list", "- SLA, Target: Forty seconds\n- Queue: Those who wait")]
    assert told("<dl><dt>SLA</dt><dd><p>One.</p><p>Two.</p></dd></dl>") == [
        ("paragraph", "SLA:"),
        ("paragraph", "One."),
        ("paragraph", "Two."),
    ]
    source = (
        "<h2>FAQ</h2><details><summary>Who pays?</summary><p>We do.</p></details><p>After.</p>"
        "<figure><img alt='x'><figcaption>A lamp.</figcaption></figure>"
    )
    assert [(block.text, block.headings) for block in blocks_of_html(source)] == [
        ("FAQ", ("FAQ",)),
        ("Who pays?", ("FAQ", "Who pays?")),
        ("We do.", ("FAQ", "Who pays?")),
        ("After.", ("FAQ",)),
        ("A lamp.", ("FAQ",)),
    ]


def test_tables_with_spans_side_heads_and_layout() -> None:
    assert told(
        "<table><tr><th rowspan=2>Place</th><th colspan=2>Price</th></tr><tr><th>now</th><th>then</th></tr>"
        "<tr><td rowspan=2>Lima</td><td>1</td><td>2</td></tr><tr><td>3</td><td>4</td></tr></table>"
    ) == [
        ("row", "Place: Lima; Price now: 1; Price then: 2"),
        ("row", "Place: Lima; Price now: 3; Price then: 4"),
    ]
    assert told(
        "<table><tr><th>Deadline</th><td>14 days</td></tr><tr><th>Limit</th><td>50</td></tr></table>"
    ) == [
        ("row", "Deadline: 14 days"),
        ("row", "Limit: 50"),
    ]
    assert told(
        "<table><caption>Times</caption><tr><td></td><th>Chat</th></tr><tr><th>Monday</th><td>60 s</td></tr></table>"
    ) == [("paragraph", "Times"), ("row", "Monday; Chat: 60 s")]
    assert told("<table><tr><td><h2>Left</h2><p>One.</p></td><td><p>Two.</p></td></tr></table>") == [
        ("heading", "Left"),
        ("paragraph", "One."),
        ("paragraph", "Two."),
    ]


def test_lists_nest_count_and_hold_headings() -> None:
    assert told("<ol start=3><li>a<div><ul><li>b</li></ul></div></li><li value=9>c</li><li>d</li></ol>") == [
        ("steps", "3. a\n- b\n9. c\n10. d")
    ]
    assert told("<ol reversed><li>a</li><li>b</li></ol>") == [("steps", "2. a\n1. b")]
    assert told("<ul><li><h3>Card</h3><p>Words.</p></li></ul>") == [
        ("heading", "Card"),
        ("paragraph", "Words."),
    ]


def test_the_page_says_its_own_encoding() -> None:
    source = '<html><head><meta charset="shift_jis"></head><body><p>返金は十四日以内です。</p></body></html>'
    assert everything(read_html(source.encode("shift_jis"))) == "返金は十四日以内です。"


def test_markdown_hides_across_paragraphs_and_keeps_blanks() -> None:
    source = (
        "---\ntitle: Rules\nlang: pt\nsecret: WORD\n---\n\n# Head\n\nUse <your name> and `<b>`. <!-- WORD -->\n\n"
        '<div style="display:none">\n\nWORD in a *paragraph*.\n\n</div>\n\nA <span hidden>WORD</span>B ![WORD](a.png "WORD")\n\n'
        "[//]: # (WORD)\n\n1. one\n\n   more of it\n2. two\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```\n<code> & all\n```\n"
    )
    parsed = read_markdown(source.encode())
    assert (parsed.title, parsed.language) == ("Rules", "pt")
    assert [(block.kind, block.text) for block in parsed.blocks] == [
        ("heading", "Head"),
        ("paragraph", "Use <your name> and <b>."),
        ("paragraph", "A B"),
        ("steps", "1. one more of it\n2. two"),
        ("row", "a: 1; b: 2"),
        ("code", "<code> & all"),
    ]
    assert parsed.report.counts["hidden"] == 2


def test_letters_that_nobody_sees_are_no_text() -> None:
    tags = "".join(chr(0xE0000 + ord(letter)) for letter in "WORD")
    smuggled = "".join(chr(0xE0100 + at) for at in range(9))
    source = f"A\u200bb\u00adc{tags}{smuggled} \u202ed\u2066e\u2069 f\u3164g می\u200cخواهم"
    for read_text in (read_plain, read_markdown, read_html):
        assert everything(read_text(source.encode())) == "Abc de fg می\u200cخواهم"


def test_colours_of_css() -> None:
    assert css_colour("#fff") == ((1.0, 1.0, 1.0), 1.0)
    assert css_colour("rgb(0 0 0 / 50%)") == ((0.0, 0.0, 0.0), 0.5)
    assert css_colour("transparent")[1] == 0.0
    assert css_colour("no-colour") == (None, 1.0)


def test_a_page_that_nests_absurdly_deep_is_refused() -> None:
    for mark in ("<div>", "<ul><li>", "<b>", "<dl><dd>", "<table><tr><td>", "<blockquote>"):
        with pytest.raises(UnreadableDocument):
            read_html((mark * 5_000 + "x").encode())


_TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30)
_HIDES = st.sampled_from(
    [
        "hidden",
        'style="display:none"',
        'style="color:#fff"',
        'class="no"',
        'aria-hidden="true"',
        'style="font-size:0"',
    ]
)


@given(
    st.lists(
        st.tuples(_TEXT, st.sampled_from(["p", "div", "span", "li", "td", "h2", "b"]), st.none() | _HIDES),
        max_size=8,
    )
)
def test_any_unicode_survives_and_nothing_hidden_does(parts: list[tuple[str, str, str | None]]) -> None:
    body = "".join(
        f"<{tag} {hides or ''}>{'QQQ' if hides else 'p'}{escaping.escape(words)}</{tag}> "
        for words, tag, hides in parts
    )
    text = everything(read(body, ".no{visibility:hidden}"))
    assert "QQQ" not in text
    for words, _, hides in parts:
        if not hides:
            assert " ".join(tidy(f"p{words}").split()) in text


@given(st.text(st.sampled_from("<>/=\"'!-{};:#. abdpulitrhescyo\n\\&"), max_size=200))
def test_broken_markup_is_read_or_refused(source: str) -> None:
    for read_text in (read_html, read_markdown):
        try:
            parsed = read_text(f"<style>{source}</style><p>x{source}".encode())
        except UnreadableDocument:
            continue
        assert all(block.text.strip() for block in parsed.blocks)
