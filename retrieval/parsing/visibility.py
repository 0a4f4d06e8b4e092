"""Who a part of a course is for: what its title, its file name or its page says of drafts, staff and answer keys.

The flags that a platform writes into its export are read by the reader of that export. This module holds what they
share: words that mean "not for learners" in the languages we stem, the signs of a page with an answer key, and dates.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

STAFF_ONLY = "for teachers only"
ANSWER_KEY = "an answer key"
A_TEST = "a test: questions and answers are never searchable"

_PEOPLE = (
    r"(?:instructors?|teachers?|facilitators?|trainers?|tutors?|lecturers?|assessors?|graders?)"
    r"(?:['’]s?)?"
)
_STAFF_TITLE = re.compile(
    rf"""\b(?:
      {_PEOPLE}[\s_-]*(?:only\b|guides?\b|manuals?\b|notes?\b|editions?\b|copy\b|resources?\b|materials?\b|packs?\b|
        versions?\b|kits?\b|instructions?\b|use\s+only\b)
    | (?:staff|faculty)[\s_-]*(?:only|use\s+only|notes?)\b
    | (?:notes?|guide|guidance|guidelines|resources|materials|instructions)[\s_-]+(?:for|to)[\s_-]+(?:the[\s_-]+)?
        (?:instructors?|teachers?|facilitators?|trainers?|tutors?|lecturers?|assessors?|graders?)\b
    | (?:marking|grading)[\s_-]+(?:guides?|schemes?|keys?|notes?)\b
    | lesson[\s_-]?plans?\b
    | gu[ií]a[\s_-]+(?:del?|para)[\s_-]+(?:el[\s_-]+|la[\s_-]+|los[\s_-]+)?
        (?:instructor|docente|profesor|maestro|tutor|formador|facilitador)(?:a|es|as)?\b
    | notas[\s_-]+(?:del?|para)[\s_-]+(?:el[\s_-]+|la[\s_-]+|los[\s_-]+)?
        (?:instructor|docente|profesor|maestro|tutor|formador)(?:a|es|as)?\b
    | (?:guia|manual|notas)[\s_-]+d[oae]s?[\s_-]+(?:instrutor|professor|docente|tutor|formador|facilitador)(?:a|es|as)?\b
    | solo[\s_-]+(?:para[\s_-]+)?(?:docentes|profesores|instructores)\b
    | (?:só|somente|apenas)[\s_-]+(?:para[\s_-]+)?(?:docentes|professores|instrutores)\b
    | (?:lehrer|dozenten|trainer|kursleiter|ausbilder|lehrkräfte)(?:innen)?[\s_-]?(?:handbuch|leitfaden|notizen|handreichung|hinweise)
    | (?:nur[\s_-]+für[\s_-]+)(?:lehrende|lehrkräfte|dozenten|dozierende|trainer|kursleiter)
    | (?:guide|notes|manuel|livret)[\s_-]+(?:du|de[\s_-]+l['’]|pour[\s_-]+l['’]?|de[\s_-]+la|de[\s_-]+le|des)[\s_-]*
        (?:instructeur|enseignant|formateur|professeur|formatrice|enseignante)s?\b
    )""",
    re.IGNORECASE | re.VERBOSE,
)
_KEY_TITLE = re.compile(
    r"""\b(?:
      answer[\s_-]?(?:keys?|sheets?|sets?)\b | answers?[\s_-]+(?:to|for)[\s_-]+(?:the[\s_-]+)?(?:\w+[\s_-]+){0,3}
        (?:quiz(?:zes)?|tests?|exams?|exercises?|assessments?|activit(?:y|ies)|questions?|worksheets?)\b
    | (?:quiz|test|exam|assessment|exercise|worksheet)[\s_-]+(?:answers?|solutions?|keys?)\b
    | (?:model|sample|correct|suggested)[\s_-]+(?:answers?|solutions?)\b | solutions?[\s_-]+(?:manual|key|sheet)s?\b
    | solucionarios?\b | (?:clave|hoja)[\s_-]+de[\s_-]+respuestas\b | respuestas[\s_-]+correctas\b
    | gabaritos?\b | (?:folha|chave)[\s_-]+de[\s_-]+respostas\b | respostas[\s_-]+corretas\b
    | musterl(?:ö|oe)sung(?:en)?\b | l(?:ö|oe)sungs?(?:schl(?:ü|ue)ssel|blatt|heft|en[\s_-]+zum)\b
    | corrig(?:é|e)s?[\s_-](?:du|des|de|type)\b | cl(?:é|e)[\s_-]+de[\s_-]+correction\b
    )""",
    re.IGNORECASE | re.VERBOSE,
)
_TEST_NOUN = (
    r"(?:quiz(?:zes)?|exams?|knowledge[\s_-]?checks?|self[\s_-]?(?:test|check)s?|(?:pre|post)[\s_-]?tests?|final[\s_-](?:test|assessment)"
    r"|(?:unit|module|chapter|lesson|section|week)[\s_-]*\d*[\s_-]+(?:test|assessment)s?|cuestionarios?|ex[aá]men(?:es)?"
    r"|question[áa]rios?|provas?[\s_-]final|pr(?:ü|ue)fungsfragen|wissens(?:test|check)|abschlusstest|contr[ôo]le[\s_-]de[\s_-]connaissances)"
)
_TEST_TITLE = re.compile(
    rf"(?:^\W*{_TEST_NOUN}(?:\W|\d|_|$)|(?:^|[\W_]){_TEST_NOUN}[\W_]*\d*\W*$|^\W*(?:test|assessment|questions?)\W*\d*\W*$)",
    re.IGNORECASE,
)
_ABOUT_TESTS = re.compile(
    r"\b(?:how|why|when|what|writing|creating|preparing|cómo|como|wie|comment)\b", re.IGNORECASE
)
_CHOICES = re.compile(r"<input\b[^>]*\btype\s*=\s*[\"']?(?:radio|checkbox)\b", re.IGNORECASE)
_SPEAKS_OF_CORRECT = re.compile(
    r"correct[\s_-]?(?:answers?|responses?|choices?|options?)|answer[\s_-]?key|is[\s_-]?correct|right[\s_-]?answers?|data-correct",
    re.IGNORECASE,
)
_KEY_IN_SCRIPT = re.compile(
    r"(?:correct[\s_-]?(?:answers?|responses?|choices?|options?)?|is[\s_-]?correct|answer[\s_-]?key|right[\s_-]?answers?)"
    r"[\"']?\s*[:=](?!=)\s*(?:true\b|\[|[\"'{]|\d)",
    re.IGNORECASE,
)


def why_not_for_learners(*names: str) -> str:
    """Why a part with these titles or paths is left out; empty when nothing speaks against it.

    Only words that leave no doubt count ("Answer key", "Instructor guide"); "Staff handbook" is for everybody.
    """
    for name in names:
        words = _words(name)
        if _KEY_TITLE.search(words):
            return ANSWER_KEY
        if _STAFF_TITLE.search(words):
            return STAFF_ONLY
    return ""


def is_called_a_test(*names: str) -> bool:
    """True for "Module 2 quiz", "Final exam", "quiz_1.html"; not for "How to write a quiz" or "Risk assessment"."""
    return any(
        _TEST_TITLE.search(words) and not _ABOUT_TESTS.search(words)
        for name in names
        if (words := _words(name))
    )


def holds_an_answer_key(source: str) -> bool:
    """True when the HTML of a page asks questions that it can mark itself."""
    return bool(
        _KEY_IN_SCRIPT.search(source) or (_CHOICES.search(source) and _SPEAKS_OF_CORRECT.search(source))
    )


def _words(name: str) -> str:
    """A title as it is; of a path the last part, without its ending, with spaces between words."""
    last = (
        name.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1] if "/" in name and " / " not in name else name
    )
    last = re.sub(r"\.[A-Za-z0-9]{1,5}$", "", last.strip())
    last = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", last)
    return re.sub(r"[_\-\s]+", " ", last).strip()


def is_yes(value: str | None) -> bool:
    return (value or "").strip().lower() in ("1", "true", "yes", "on")


def is_no(value: str | None) -> bool:
    return (value or "").strip().lower() in ("0", "false", "no", "off")


def moment(value: object) -> datetime | None:
    """A point in time as exports write it: ISO 8601 with or without zone (then UTC), or seconds since 1970."""
    text = str(value or "").strip().strip('"')
    if not text or text in ("0", "null", "$@NULL@$"):
        return None
    if re.fullmatch(r"\d{9,11}", text):
        return datetime.fromtimestamp(int(text), UTC)
    try:
        parsed = datetime.fromisoformat(text.replace("Z", "+00:00").replace(" UTC", "+00:00"))
    except ValueError:
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
