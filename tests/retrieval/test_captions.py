from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.parsing import ParsedDocument, UnreadableDocument, parse
from retrieval.parsing.captions import LONGEST_PARAGRAPH, read_captions


def texts(document: ParsedDocument) -> list[str]:
    return [block.text for block in document.blocks]


def at_mark(document: ParsedDocument, words: str) -> float:
    """The second of the cue in which the words begin."""
    for block in document.blocks:
        if words in block.text:
            offset = block.text.index(words)
            return [seconds for start, seconds in block.marks if start <= offset][-1]
    raise AssertionError(words)


def test_webvtt_cues_become_paragraphs_with_marks() -> None:
    document = parse(
        "talk.vtt",
        b"""WEBVTT - Team talk
Language: en

NOTE recorded on Monday,
not for sale

STYLE
::cue { color: red }

REGION
id:fred

intro
00:01.000 --> 00:02.500 align:start position:10%
We greet <i>every</i> caller
by <00:00:01.500>name.

01:00:03,000 --> 01:00:05.000
Then we <c.loud>listen</c> &amp; note.
""",
    )
    assert texts(document) == ["We greet every caller by name. Then we listen & note."] or texts(
        document
    ) == [
        "We greet every caller by name.",
        "Then we listen & note.",
    ]
    assert document.blocks[0].place is not None
    assert (document.blocks[0].place.kind, document.blocks[0].place.value) == ("cue", 1.0)
    assert at_mark(document, "Then we listen") == 3603.0
    everything = " ".join(texts(document))
    assert not any(word in everything for word in ("recorded", "color", "fred", "intro", "align"))
    assert {one.where for one in document.report.skipped} == {
        "1 comments",
        "1 style blocks",
        "1 region blocks",
    }
    assert document.report.counts["cues"] == 2


def test_srt_with_points_numbers_and_without_empty_lines() -> None:
    document = parse(
        "talk.srt",
        "\ufeff1\r\n00:00:01,200 --> 00:00:02,000\r\n<font color='red'>Guten</font> Tag\r\n2\r\n"
        "00:00:02.5 --> 00:00:04,000\r\n{\\an8}zusammen.\r\n\r\n".encode(),
    )
    assert texts(document) == ["Guten Tag zusammen."]
    assert document.blocks[0].marks == ((0, 1.2), (10, 2.5))


def test_a_voice_is_named_where_it_changes() -> None:
    document = read_captions(
        b"WEBVTT\n\n00:01.000 --> 00:02.000\n<v Ana Ruiz>Hello.\n\n00:02.000 --> 00:03.000\n<v.loud Ana Ruiz>Welcome.</v>\n\n"
        b"00:03.000 --> 00:04.000\n<v Ben>Thanks.</v> <v Ana Ruiz>Well.</v>\n"
    )
    assert texts(document) == ["Ana Ruiz: Hello. Welcome.", "Ben: Thanks.", "Ana Ruiz: Well."]
    assert document.report.counts["speakers"] == 2


def test_rolled_up_captions_are_kept_once() -> None:
    rolling = b"""WEBVTT

00:00.000 --> 00:02.000
lift with your legs

00:02.000 --> 00:04.000
lift with your legs
and keep your back straight

00:04.000 --> 00:06.000
and keep your back straight
then set the box down

00:06.000 --> 00:06.500
then set the box down
"""
    document = read_captions(rolling)
    assert texts(document) == ["lift with your legs and keep your back straight then set the box down"]
    assert at_mark(document, "and keep") == 2.0
    assert at_mark(document, "then set") == 4.0


def test_a_line_that_grows_counts_from_where_it_began() -> None:
    document = read_captions(
        b"1\n00:00:05,000 --> 00:00:06,000\nNever leave\n\n2\n00:00:06,000 --> 00:00:07,000\nNever leave parcels\n\n"
        b"3\n00:00:07,000 --> 00:00:08,000\nNever leave parcels outside.\n"
    )
    assert texts(document) == ["Never leave parcels outside."]
    assert document.blocks[0].marks == ((0, 5.0),)


def test_what_is_said_twice_on_purpose_stays() -> None:
    document = read_captions(
        b"1\n00:00:05,000 --> 00:00:06,000\nNo.\n\n2\n00:00:06,000 --> 00:00:07,000\nNo.\n\n3\n00:00:07,000 --> 00:00:08,000\nStop.\n"
    )
    assert texts(document) == ["No. No. Stop."]


def test_paragraphs_end_at_sentences_pauses_and_length() -> None:
    cues = []
    for number in range(60):
        start = number * 4
        cues.append(
            f"{number + 1}\n00:{start // 60:02d}:{start % 60:02d},000 --> 00:{start // 60:02d}:{start % 60 + 3:02d},500\n"
            f"This is sentence number {number} of the talk.\n"
        )
    document = read_captions("\n".join(cues).encode())
    assert all(len(block.text) <= LONGEST_PARAGRAPH for block in document.blocks)
    assert all(block.text.endswith(".") for block in document.blocks)
    assert len(document.blocks) >= 4
    paused = read_captions(
        b"1\n00:00:01,000 --> 00:00:02,000\nFirst part.\n\n2\n00:01:00,000 --> 00:01:02,000\nSecond part.\n"
    )
    assert texts(paused) == ["First part.", "Second part."]


def test_captions_that_are_named_text_are_known_by_their_content() -> None:
    document = parse("talk.txt", b"WEBVTT\n\n00:01.000 --> 00:02.000\nHello there.\n")
    assert document.blocks[0].marks == ((0, 1.0),)


@pytest.mark.parametrize("data", [b"WEBVTT\n\nNOTE nothing\n", b"", b"just words\n"])
def test_without_cues_it_says_what_to_do(data: bytes) -> None:
    with pytest.raises(UnreadableDocument, match="Export the captions again"):
        parse("talk.vtt", data)


@given(
    st.lists(
        st.tuples(
            st.floats(0, 50_000),
            st.floats(0, 9),
            st.text(max_size=80),
            st.sampled_from(["", "<v Ana>", "<v B>"]),
        ),
        max_size=12,
    )
)
def test_marks_point_into_the_text(cues: list[tuple[float, float, str, str]]) -> None:
    def clock(seconds: float) -> str:
        return f"{int(seconds // 3600):02d}:{int(seconds // 60 % 60):02d}:{seconds % 60:06.3f}"

    source = "WEBVTT\n\n" + "\n\n".join(
        f"{clock(min(start, 59_000))} --> {clock(start + length)}\n{voice}{text}"
        for start, length, text, voice in cues
    )
    try:
        document = read_captions(source.encode("utf-8", "replace"))
    except UnreadableDocument:
        return
    for block in document.blocks:
        assert block.marks and block.marks[0][0] == 0 and block.place is not None
        assert block.place.value == block.marks[0][1]
        offsets = [offset for offset, _ in block.marks]
        assert offsets == sorted(set(offsets)) and offsets[-1] < len(block.text)
        assert "\n" not in block.text
