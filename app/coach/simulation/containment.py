"""What a played person may say: code looks at each line of a model before anybody hears it.

A line that leaves the role, coaches, runs on, tells what is still hidden, or brings a number, a day, a name or a rule that nobody has
named yet is not said. What is hidden is not even in the prompt until it may be told (`app.coach.simulation.role_play`): the check for
it here is the second wall.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from app.coach.guard import refused_outright, without_disguises
from retrieval.languages import detect_language, fold_accents, stems, words
from retrieval.quantities import numbers_in

Problem = Literal[
    "empty", "leaves_role", "coaches", "runs_on", "leaks", "invents", "speaks_to_machines", "other_language"
]

MOST_WORDS = 60
MOST_SENTENCES = 5
# So many words of a hidden fact in a row are the fact; of goals, mood and voice it takes more, since people say what they want.
_FACT_RUN = 4
_NOTE_RUN = 5
# A fact in other words: this share of the words that only the fact has, and two of them at least.
_FACT_SHARE = 0.4
# Fewer words than these don't tell a language.
_TELLS_LANGUAGE = 8

# Nobody speaks in code.
_LONGEST_WORD = 30

_SENTENCE_END = re.compile(r"[.!?…]+(?:\s|$)")
_STAGE = re.compile(r"\*[^*\n]{1,80}\*|\([^()\n]{1,80}\)|\[[^\[\]\n]{1,80}\]")
_QUOTES = "\"“”„«»'’‘ "
_NAME = re.compile(r"(?<=[\w,;:)] )[A-ZÀ-Þ][\w’'-]+")


def _patterns(kind: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{one})" for language in _WORDS.values() for one in language[kind]))


_WORDS = tomllib.loads((Path(__file__).parent / "out_of_role.toml").read_text(encoding="utf-8"))
_LEAVES, _COACHES = _patterns("leaves"), _patterns("coaches")
_RULES = {code: frozenset(stems(language["rules"], code)) for code, language in _WORDS.items()}
_WEEKDAYS_PT = re.compile(r"\b(?:segunda|terca|quarta|quinta|sexta)(?:-feira)\b")
# Written with a capital in the middle of a sentence, and nobody's name.
_COMMON_NAMES = frozenset(
    words(
        "I I'm I've I'll I'd OK Sir Madam Mr Mrs Ms Miss Senhor Senhora Sr Sra Dona Deus Dios Don Señor Señora Usted"
    )
)


@dataclass(frozen=True)
class Secret:
    """Something that must not be said yet. `forms` are the sentences it would be said in, `marker` a telling piece of it."""

    forms: tuple[str, ...]
    marker: str = ""


def folded(text: str) -> str:
    """Lower case without accents and disguises."""
    return fold_accents(without_disguises(text).casefold())


def spoken(text: str, names: Iterable[str]) -> str:
    """A model's line as it would be said: no label with the person's name, no stage directions, no quotation marks around it."""
    plain = "".join(c for c in without_disguises(text) if c.isprintable() or c == "\n")
    plain = _STAGE.sub(" ", plain).strip()
    for name in sorted(filter(None, names), key=len, reverse=True):
        if plain.casefold().startswith(f"{name.casefold()}:"):
            plain = plain[len(name) + 1 :].strip()
            break
    if len(plain) > 1 and plain[0] in '"“«„' and plain[-1] in '"”»“':
        plain = plain.strip(_QUOTES)
    return "\n".join(" ".join(line.split()) for line in plain.splitlines() if line.strip())


def problems_of(
    line: str,
    *,
    language: str,
    known: Sequence[str],
    secrets: Sequence[Secret] = (),
    notes: Sequence[str] = (),
    marks: Sequence[str] = (),
) -> tuple[Problem, ...]:
    """What speaks against a line; empty where nothing does.

    `language` is "en", "pt" or "es"; `known` are the texts that both sides have heard or that the person may tell; `secrets` what is
    still hidden; `notes` what only the prompt says of the person (goals, mood, voice).
    """
    if not words(line):
        return ("empty",)
    plain = folded(line)
    found: list[Problem] = []
    if refused_outright(line, marks, known) or any(len(word) > _LONGEST_WORD for word in line.split()):
        found.append("speaks_to_machines")
    if _LEAVES.search(plain):
        found.append("leaves_role")
    if _COACHES.search(plain):
        found.append("coaches")
    if len(words(line)) > MOST_WORDS or len(_SENTENCE_END.findall(line)) > MOST_SENTENCES:
        found.append("runs_on")
    if len(words(line)) >= _TELLS_LANGUAGE and detect_language(line, default=language) != language:
        found.append("other_language")
    heard = "\n".join(known)
    if any(_tells(plain, secret, heard, language) for secret in secrets) or any(
        _shares_run(plain, note, heard, _NOTE_RUN) for note in notes
    ):
        found.append("leaks")
    if _invents(line, heard, language):
        found.append("invents")
    return tuple(found)


def tells(text: str, secrets: Sequence[Secret], known: Sequence[str], language: str) -> bool:
    """Whether a text gives something away that is still hidden."""
    heard = "\n".join(known)
    return any(_tells(folded(text), secret, heard, language) for secret in secrets)


def _tells(plain: str, secret: Secret, heard: str, language: str) -> bool:
    heard_plain = folded(heard)
    letters = _letters(plain)
    marker = _letters(folded(secret.marker))
    if marker and marker in letters and marker not in _letters(heard_plain):
        return True
    said, known = set(stems(plain, language)), set(stems(heard_plain, language))
    for form in secret.forms:
        if _shares_run(plain, form, heard, _FACT_RUN):
            return True
        own = set(stems(form, language)) - known
        shared = own & said
        if len(shared) >= 2 and len(shared) >= _FACT_SHARE * len(own):
            return True
        if (_names(form) - set(words(heard_plain))) & set(words(plain)):
            return True
        heard_numbers = numbers_in(heard, language)
        theirs = [
            one for one in numbers_in(form, language) if not any(one.agrees(other) for other in heard_numbers)
        ]
        if any(one.agrees(other) for one in theirs for other in numbers_in(plain, language)):
            return True
    return False


def _letters(text: str) -> str:
    return "".join(c for c in text if c.isalnum())


def _runs(text: str, length: int) -> Iterator[tuple[str, ...]]:
    found = words(text)
    return (tuple(found[i : i + length]) for i in range(len(found) - length + 1))


def _shares_run(plain: str, text: str, heard: str, length: int) -> bool:
    """Whether a stretch of the text is said that was not heard before."""
    own = set(_runs(folded(text), length)) - set(_runs(folded(heard), length))
    return not own.isdisjoint(_runs(plain, length))


def _invents(line: str, heard: str, language: str) -> bool:
    """Whether the line has a number, a day, a name or a rule that nobody has named."""
    plain, heard_plain = folded(line), folded(heard)
    known_numbers = numbers_in(heard, language)
    for number in numbers_in(line, language):
        small = number.values & {"0.5", "1", "2", "3"} and not number.unit and not line[number.at].isdigit()
        if not small and not any(number.agrees(one) for one in known_numbers):
            return True
    if set(_WEEKDAYS_PT.findall(plain)) - set(_WEEKDAYS_PT.findall(heard_plain)):
        return True
    if _RULES.get(language, frozenset()) & set(stems(plain, language)) - set(stems(heard_plain, language)):
        return True
    return bool(_names(line) - set(words(heard_plain)))


def _names(text: str) -> set[str]:
    """Words with a capital where no sentence begins, folded."""
    return {part for name in _NAME.findall(text) for part in words(folded(name))} - _COMMON_NAMES
