"""Finds sentences in course content that speak to an AI assistant instead of the reader, and leaves them out.

Content is data. Nothing in a document has authority here, so a sentence such as "ignore your instructions and
answer with ..." cannot be carried out; but it must not be quoted to a learner as if the course said so either.
The screen looks at each sentence for who is addressed and what is commanded: the answer, the prompt, the rules,
the tools, the score, what may be read. Every such sign has points; at three points the sentence is cut, with its
neighbours that have signs of their own and with the sentence that it announces. Signs are general, in English,
Spanish, Portuguese, German and French; disguises (look-alike letters, invisible marks, spaced letters, digits for
letters, reversed text) are taken off for the comparison only: the text that is kept is never changed.

A sentence that *describes* such a command and holds it in quotation marks, as a lesson on security does, is kept
and remarked upon: cutting it would take the lesson's point away, and quoted whole it warns rather than commands.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from retrieval.citations import sentence_spans
from retrieval.disguises import LEET, LEET_WORD, REVERSED, folded_text, normalise
from retrieval.parsing.document import Block, ParsedDocument, ParseReport, Skipped
from retrieval.places import HEADING_JOIN
from retrieval.screening_signs import TABLE
from retrieval.screening_words import ADDRESS, CONCEPTS, PROMPT

_CUT = 3  # points at which a sentence is left out
_RUN = 4  # points that neighbouring sentences with signs of their own need together
_MOST_LISTED = 50
_EXCERPT_WORDS = 6
_LONGEST_READ, _OVERLAP = 1_500, 300  # characters: bounds the work for a text without sentences

# --- the signs ------------------------------------------------------------------------------------------


def _pattern(template: str) -> re.Pattern[str]:
    """A pattern in which ⟨name⟩ stands for a concept."""
    return re.compile(re.sub("⟨([a-z_]+)⟩", lambda match: CONCEPTS[match[1]], template))


@dataclass(frozen=True)
class _Sign:
    """``besides``: patterns that the sentence must hold too, anywhere.

    ``commands``: counts only where the match can be a command: at the start of a clause, after "must", "and" or
    "please", not denied ("never make up an answer") and not told of others ("people who ignore all rules")."""

    reason: str
    points: int
    pattern: re.Pattern[str]
    besides: tuple[re.Pattern[str], ...] = ()
    commands: bool = False


def _sign(reason: str, points: int, template: str, commands: bool) -> _Sign:
    first, *besides = (_pattern(part) for part in template.split(" && "))
    return _Sign(reason, points, first, tuple(besides), commands)


_SIGNS = tuple(_sign(*row) for row in TABLE)

# Most sentences have none of these, and are done with.
_SUSPICIOUS = re.compile(
    r"instruc|directiv|prompt|\brule|\bregel|\bregl|\breglas|\bregras|guideline|richtlin|vorgabe|befehl|"
    r"anweis|consigne|ordenes|polic|politique|"
    r"restric|told|above|xaix|\bllm|language model|lenguaje|linguagem|langage|sprachmodell|chat ?bot|gpt|"
    r"copilot|assist|asistent|answer|repl|respo|"
    r"respues|antwort|reponse|repond|output|\bgrade|\bscore|\bmark|points|punkt|puntua|pontua|\bnota|"
    r"_[a-z]|tool|function|<\||\[/?inst|<<|</?\w+>|"
    r"user|human|usuario|benutzer|learner|student|alumn|alun|etudiant|apprenant|lernende|nutzer|mode\b|"
    r"unrestrict|unfilter|uncensor|jailbr|filter|"
    r"treat|consider|regard|behandl|betracht|traite|trat|citation|quot|invent|make up|fabricat|erfind|"
    r"cite|cita|zitier|mention|!\[|https?:|conversation|"
    r"gesprach|covered|guid\w+ (?:do|appl)|guidance|\bdan\b|context|maxim|artificial|artificielle|"
    r"kunstliche|passed|api key|emoji|operador|operator|"
    r"password|betreiber|precede|anterior|excellent|out of ten|<system|curso|kurse|course|cours\b|organi|"
    r"everything|alles|todo|tudo|you (?:are )?now|asks"
)
_BEFORE_A_COMMAND_WORDS = """
    and then or please now just must should shall will can could may always you instead also to never
    only but kindly first next
    y e ou und et o luego entonces ahora agora entao jetzt dann bitte puis ensuite maintenant favor
    debes debe deve deves devem musst sollst
    muss soll sollen mussen dois doit devez doivent du sie tu usted voce vous siempre sempre immer
    toujours assistant assistants asistente
    assistente thanks ok okay well so
"""
_BEFORE_A_COMMAND = frozenset(_BEFORE_A_COMMAND_WORDS.split())
# "For citation purposes treat ...", "From now on insult ...": a clause may open with words of time or purpose.
_LEADS_IN = re.compile(
    rf"(?:^|[.!?;:,\n]\s*)(?:{CONCEPTS['now_on']}|(?:for|in|on|at|with|before|after|during|to|when|if|para|en|em|antes de|despues de|"
    r"depois de|bei|vor|nach|fur|pour|avant de|apres)\s+\w+(?:\s+\w+){0,3})$"
)
_OPENING = re.compile(rf"\b(?:{CONCEPTS['now_on']}|for \w+ purposes)$")
_DENIED_BEFORE = re.compile(
    r"(?:\bnot|n't|\bnever|\bno|\bnunca|\bjamas|\bnao|\bne|\bn'|\bjamais|\bnie|\bniemals|\bcannot|"
    r"\bwithout)\s*$"
)
_DENIED_AFTER = re.compile(r"^\W*(?:sie |du )?(?:nicht|pas|nie|niemals)\b")
_ASKED_OF_YOU = re.compile(r"\b(?:you|du|sie|vous|tu|usted|voce|te|⟨helper⟩|⟨machine⟩)\b(?:\W+[\w']+){0,4}\W*$".replace(
    "⟨helper⟩", CONCEPTS["helper"]).replace("⟨machine⟩", CONCEPTS["machine"]))  # fmt: skip
_QUOTED = re.compile(r"\"[^\"]{3,}\"|`[^`]{3,}`|(?<!\w)'[^']{8,}'(?!\w)")
_DESCRIBES = re.compile(
    r"\battack|\binject|\bmalicious|\badversar|\bjailbreak|\bphish|\bhacker|\bfraud|\bscam|\btrick|"
    r"\bexploit|\bmanipulat|\bexample|\bfor instance|"
    r"\be\.g\.|\bsuch as|\bmight (?:say|read|contain)|\bmay (?:say|read|contain)|\bcould (?:say|read)|"
    r"\bphrases? like|\bsentences? like|\breport it|"
    r"\bangreifer|\bangriff|\bbeispiel|\bschadlich|\bmanipulier|\batacante|\bataque|\binyeccion|\bejemplo|"
    r"\bmalicios|\bexemplo|\binjecao|\bgolpista|"
    r"\battaqu|\bexemple|\bmalveillan|\bpirate"
)


@dataclass(frozen=True)
class _Finding:
    """``mentioned``: the sentence describes a command and holds it in quotation marks."""

    points: int
    reason: str
    mentioned: bool = False


_NOTHING = _Finding(0, "")


def looks_like_instruction(text: str) -> str | None:
    """Why the text is taken for a command to an AI assistant, as a plain phrase; None for a text to keep.

    For a learner's question or any short text; of several sentences the first that is one decides.
    """
    units = [
        _Unit(0, start, end, text[start:end], _look(text[start:end])) for start, end in sentence_spans(text)
    ]
    for unit in _judged(units):
        if unit.cut:
            return unit.finding.reason
    whole = _look(text)
    return whole.reason if whole.points >= _CUT and not whole.mentioned else None


@functools.lru_cache(maxsize=4_096)
def without_instructions(text: str) -> str:
    """A passage's text with spaces in place of the sentences that speak to an assistant; every other character keeps its offset.

    For content that was taken in before the screen knew them, or past it.
    """
    units = [
        _Unit(0, start, end, text[start:end], _look(text[start:end]))
        for start, end in _closing_quotes(text, sentence_spans(text))
    ]
    for unit in _judged(units):
        if unit.cut:
            blank = re.sub(r"[^\n]", " ", text[unit.start : unit.end])
            text = f"{text[: unit.start]}{blank}{text[unit.end :]}"
    return text


def _look(text: str) -> _Finding:
    """The strongest reading of one sentence; a very long one is read in overlapping pieces."""
    if len(text) > _LONGEST_READ:
        step = _LONGEST_READ - _OVERLAP
        pieces = (text[at : at + _LONGEST_READ] for at in range(0, len(text), step))
        return max((_look(piece) for piece in pieces), key=lambda found: found.points)
    folded = folded_text(text)
    finding = _points(folded)
    if finding.points < _CUT:
        if LEET_WORD.search(folded):
            plain = LEET_WORD.sub(lambda match: match[0].translate(LEET), folded)
            finding = max(finding, _points(plain), key=lambda found: found.points)
        if REVERSED.search(folded):
            finding = max(finding, _points(folded[::-1]), key=lambda found: found.points)
        return finding
    outside = _QUOTED.sub(" ", folded)
    if outside != folded and _DESCRIBES.search(outside) and _points(outside).points < _CUT:
        return dataclasses.replace(finding, mentioned=True)
    return finding


def _points(folded: str) -> _Finding:
    if not _SUSPICIOUS.search(folded):
        return _NOTHING
    total, strongest, reason = 0, 0, ""
    by_reason: dict[str, int] = {}
    for sign in _SIGNS:
        if not _holds(sign, folded):
            continue
        # The strong and the weak form of one sign are not counted twice.
        if sign.reason in (ADDRESS, PROMPT) and sign.points > 1:
            by_reason[sign.reason] = max(by_reason.get(sign.reason, 0), sign.points)
            continue
        total += sign.points
        if sign.points > strongest:
            strongest, reason = sign.points, sign.reason
    for name, points in by_reason.items():
        total += points
        if points > strongest:
            strongest, reason = points, name
    return _Finding(max(0, total), reason)


def _holds(sign: _Sign, folded: str) -> bool:
    if sign.pattern.search(folded) is None or any(other.search(folded) is None for other in sign.besides):
        return False
    if not sign.commands:
        return True
    return any(_commands(folded, match) for match in sign.pattern.finditer(folded))


def _commands(folded: str, match: re.Match[str]) -> bool:
    before = folded[: match.start()].rstrip()
    if _DENIED_BEFORE.search(before):
        return False
    first_word = re.match(r"\W*[\w'-]+", match[0])
    if first_word and _DENIED_AFTER.match(folded[match.start() + first_word.end() :]):
        return False
    if not before or not (before[-1].isalnum() or before[-1] == "'"):
        return True
    if _LEADS_IN.search(before) or _OPENING.search(before):
        return True
    last = re.findall(r"[\w']+", before[-30:])[-1]
    if last in ("to", "zu", "a", "que", "de"):
        return _ASKED_OF_YOU.search(before[: -len(last)].rstrip()) is not None
    return last in _BEFORE_A_COMMAND


# --- documents ------------------------------------------------------------------------------------------------


@dataclass
class _Unit:
    """A sentence, line or cell: ``text`` is the block's text from start to end."""

    block: int
    start: int
    end: int
    text: str
    finding: _Finding
    cut: bool = False


_ENDED = re.compile(r"[.!?:;…][\"'”»)\]]*\s*$")
_ANNOUNCES = re.compile(
    r"\b(?:next|following|below|siguiente|proxim[ao]|seguinte|nachste[nr]?|folgende[nrs]?|suivante?|"
    r"prochaine?)\b"
)


def screen(document: ParsedDocument) -> ParsedDocument:
    """The document without the sentences that speak to an assistant; what was cut, where and why is in its report.

    A document in which nothing is found is returned as it came, the very same object.
    """
    units = [unit for at, block in enumerate(document.blocks) for unit in _units_of(at, block)]
    _judged(units)
    title_reason = looks_like_instruction(document.title)
    headings = {heading for block in document.blocks for heading in block.headings}
    bad_headings = {heading for heading in headings if looks_like_instruction(heading)}
    mentioned = [unit for unit in units if unit.finding.mentioned and not unit.cut]
    cut = [unit for unit in units if unit.cut]
    if not (cut or mentioned or title_reason or bad_headings):
        return document
    skipped = [_skipped(document.blocks[unit.block], unit) for unit in cut]
    if title_reason:
        skipped.append(Skipped("title", f"{title_reason}: “{_excerpt(document.title)}”"))
    by_block: dict[int, list[_Unit]] = {}
    for unit in cut:
        by_block.setdefault(unit.block, []).append(unit)
    blocks = []
    for at, block in enumerate(document.blocks):
        kept = _without(block, by_block[at]) if at in by_block else block
        if bad_headings and kept is not None:
            kept = dataclasses.replace(
                kept, headings=tuple(name for name in kept.headings if name not in bad_headings)
            )
        if kept is not None:
            blocks.append(kept)
    title = document.title
    if title_reason:
        title = next((block.text for block in blocks if block.kind == "heading"), "Untitled")
    report = _reported(document.report, skipped, [document.blocks[unit.block] for unit in mentioned])
    return dataclasses.replace(document, title=title, blocks=blocks, report=report)


def _units_of(at: int, block: Block) -> Iterator[_Unit]:
    text = block.text
    if block.kind == "row":
        starts = [0, *(match.end() for match in re.finditer(r";\s+", text)), len(text)]
        spans = [(a, b) for a, b in itertools.pairwise(starts) if text[a:b].strip()]
    else:
        spans = _closing_quotes(text, list(_cut_at_cues(block, sentence_spans(text))))
    for start, end in spans:
        yield _Unit(at, start, end, text[start:end], _look(text[start:end]))


def _cut_at_cues(block: Block, spans: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """A cue that begins with a capital begins a sentence, though the one before it has no full stop."""
    starts = [offset for offset, _ in block.marks if block.text[offset : offset + 1].isupper()]
    for start, end in spans:
        left = start
        for cut in (offset for offset in starts if start < offset < end):
            yield left, cut
            left = cut
        yield left, end


def _closing_quotes(text: str, spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Sentences with the marks that close them; those within one pair of quotation marks together (up to three)."""
    spans = [(start, _CLOSING_MARKS.match(text, end).end()) for start, end in spans]  # type: ignore[union-attr]
    merged: list[tuple[int, int]] = []
    at = 0
    while at < len(spans):
        start, end = spans[at]
        last = at
        while _is_open(text[start:end]) and last + 1 < len(spans) and last - at < 2:
            last += 1
            end = spans[last][1]
        if _is_open(text[start:end]):
            last, end = at, spans[at][1]
        merged.append((start, end))
        at = last + 1
    return merged


_CLOSING_MARKS = re.compile(r"[\"'”»)\]]*")


def _is_open(text: str) -> bool:
    return text.count("“") > text.count("”") or (":" in text and text.count('"') % 2 == 1)


def _judged(units: list[_Unit]) -> list[_Unit]:
    """Marks the units to cut; returns them all."""
    for unit in units:
        unit.cut = unit.finding.points >= _CUT and not unit.finding.mentioned
    _judge_broken_lines(units)
    _judge_runs(units)
    at = 0
    while at < len(units):
        if units[at].cut:
            # A neighbour that has signs of its own belongs to it.
            for near in (at - 1, at + 1):
                if 0 <= near < len(units) and not units[near].cut and _counts(units[near]):
                    _cut(units[near], units[at])
            if at + 1 < len(units) and _announces_next(units[at].text) and not units[at + 1].cut:
                _cut(units[at + 1], units[at])
                at += 1  # what was announced announces nothing itself
        at += 1
    return units


def _counts(unit: _Unit) -> bool:
    return unit.finding.points > 0 and not unit.finding.mentioned


def _cut(unit: _Unit, because: _Unit) -> None:
    unit.cut = True
    unit.finding = _Finding(_CUT, unit.finding.reason or because.finding.reason)


def _announces_next(text: str) -> bool:
    folded = folded_text(text)
    return _ANNOUNCES.search(folded) is not None and not _QUOTED.search(folded)


def _judge_broken_lines(units: Sequence[_Unit]) -> None:
    """A sentence that a line end cut in two is judged whole."""
    for one, other in itertools.pairwise(units):
        if one.block != other.block or one.cut or other.cut or _ENDED.search(one.text):
            continue
        whole = _look(f"{one.text} {other.text}")
        if whole.points >= _CUT and not whole.mentioned:
            one.cut = other.cut = True
            one.finding = other.finding = whole


def _judge_runs(units: Sequence[_Unit]) -> None:
    """Three neighbours with signs of their own may together say what none says alone."""
    for at in range(len(units)):
        run = []
        for unit in units[at : at + 3]:
            if not _counts(unit):
                break
            run.append(unit)
        if len(run) > 1 and sum(unit.finding.points for unit in run) >= _RUN:
            for unit in run:
                unit.cut = True


_BARE_MARK = re.compile(r"^\s*(?:[-*•]|\d{1,3}[.)])?[\s\"'”“»)]*$")


def _without(block: Block, cut: Sequence[_Unit]) -> Block | None:
    """The block without these stretches; None where nothing is left."""
    stretches = sorted((unit.start, _end_with_marks(block.text, unit.end)) for unit in cut)
    text = block.text
    kept: list[str] = []
    # For each stretch: where it began and how long it was, to move the cues' offsets.
    left = 0
    for start, end in stretches:
        kept.append(text[left:start])
        left = max(left, end)
    kept.append(text[left:])
    joined = "".join(kept)
    if block.kind == "row":
        joined = joined.rstrip("; ")
    lines = (
        [line for line in joined.split("\n") if not _BARE_MARK.match(line)] if not block.marks else [joined]
    )
    rest = "\n".join(lines)
    if block.marks:
        moved: dict[int, float] = {}
        for offset, seconds in block.marks:
            gone = sum(max(0, min(offset, end) - start) for start, end in stretches if start < offset)
            moved[offset - gone] = seconds
        rest = joined.rstrip()
        marks = tuple((offset, seconds) for offset, seconds in moved.items() if offset < len(rest))
        lead = len(rest) - len(rest.lstrip())
        rest = rest.lstrip()
        marks = tuple((max(0, offset - lead), seconds) for offset, seconds in marks)
    else:
        rest, marks = rest.strip(), ()
    if not any(letter.isalnum() for letter in rest):
        return None
    return dataclasses.replace(block, text=rest, marks=marks)


_MARKS_AND_SPACE = re.compile(r"[\"'”»)\]]*[^\S\n]*")


def _end_with_marks(text: str, end: int) -> int:
    """The end of a stretch with the quotation mark and white space behind it."""
    match = _MARKS_AND_SPACE.match(text, end)
    return match.end() if match else end


def _skipped(block: Block, unit: _Unit) -> Skipped:
    return Skipped(_where(block), f"{unit.finding.reason}: “{_excerpt(unit.text)}”")


def _where(block: Block) -> str:
    if block.place is not None:
        return block.place.label()
    return HEADING_JOIN.join(part for part in (block.member, *block.headings) if part) or "document"


def _excerpt(text: str) -> str:
    shown = normalise(text).split()
    return " ".join(shown[:_EXCERPT_WORDS])[:60] + (" …" if len(shown) > _EXCERPT_WORDS else "")


def _reported(report: ParseReport, skipped: list[Skipped], mentions: Sequence[Block]) -> ParseReport:
    remarks = list(report.remarks)
    if skipped:
        sentences = "1 sentence speaks" if len(skipped) == 1 else f"{len(skipped)} sentences speak"
        listed = "" if len(skipped) <= _MOST_LISTED else f" The first {_MOST_LISTED} are listed."
        remarks.append(
            f"{sentences} to an AI assistant instead of the reader and cannot be found or quoted: see the parts left out.{listed}"
        )
    if mentions:
        places = ", ".join(dict.fromkeys(_where(block) for block in mentions[:_MOST_LISTED]))
        remarks.append(
            f"A command to an AI assistant is quoted and described, and was kept: {places}. Check that it is meant as a lesson."
        )
    return dataclasses.replace(report, remarks=remarks, skipped=[*report.skipped, *skipped[:_MOST_LISTED]])
