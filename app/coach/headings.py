"""A heading as a question that a person would ask, in the language of who asks. No model: forms of three languages."""

from __future__ import annotations

import re
from dataclasses import dataclass

from retrieval.languages import is_stop_word, words

_NUMBERING = re.compile(r"^(?:\d+(?:\.\d+)*[.)]?|[A-Z][.)])\s+")


@dataclass(frozen=True)
class _Forms:
    """How one language asks. `%s` is the heading, with a small letter first where it is not a name.

    `asks` are beginnings that make a question by themselves, `when` those of a case; `deed` recognises a heading that names
    something to do, and `vague` one that names nothing to ask about.
    """

    question: str
    asks: re.Pattern[str]
    when: re.Pattern[str]
    deed: re.Pattern[str]
    vague: re.Pattern[str]
    in_case: str
    deed_steps: str
    deed_other: str
    steps: str
    other: str
    foreign: str
    quoted: str


_FORMS = {
    "en": _Forms(
        "%s?",
        re.compile(r"(?:who \w+|what \w+s (?!we|you)\w+)", re.I),
        re.compile(r"(?:when|if) ", re.I),
        re.compile(r"\w{3,}ing ", re.I),
        re.compile(r"(?:about|your|my|our|how|what|where|why|which|introduction|overview|glossary)\b", re.I),
        "What do I do %s?",
        "What are the steps for %s?",
        "How do I go about %s?",
        "What are the steps for %s?",
        "What should I know about %s?",
        "What does “%s” say?",
        "“%s”",
    ),
    "es": _Forms(
        "¿%s?",
        re.compile(r"(?:quién|quiénes|qué|cómo|cuándo|cuánto|cuánta|dónde|por qué|cuál)\b", re.I),
        re.compile(r"(?:cuando|si) ", re.I),
        re.compile(r"\w+(?:ar|er|ir|arse|erse|irse) ", re.I),
        re.compile(r"(?:sobre|acerca|su|sus|tu|tus|introducción|resumen|glosario)\b", re.I),
        "¿Qué hago %s?",
        "¿Cuáles son los pasos para %s?",
        "¿Cómo puedo %s?",
        "¿Qué pasos hay que seguir con %s?",
        "¿Qué debo saber sobre %s?",
        "¿Qué dice «%s»?",
        "«%s»",
    ),
    "pt": _Forms(
        "%s?",
        re.compile(r"(?:quem|o que|que|como|quando é|quanto|quanta|onde|por que|qual)\b", re.I),
        re.compile(r"(?:quando|se) ", re.I),
        re.compile(r"\w+(?:ar|er|ir|or|ar-se|er-se|ir-se) ", re.I),
        re.compile(r"(?:sobre|acerca|seu|sua|seus|suas|introdução|resumo|glossário)\b", re.I),
        "O que faço %s?",
        "Quais são os passos para %s?",
        "Como posso %s?",
        "Que passos devo seguir com %s?",
        "O que devo saber sobre %s?",
        "O que diz “%s”?",
        "“%s”",
    ),
}


def question_about(heading: str, text: str, *, language: str, asked_in: str, is_procedure: bool) -> str:
    """The question that the section under a heading answers; "" where the heading makes none.

    `text` is the section's, which tells names from common words; `language` the content's and `asked_in` the person's. A
    heading of another language is quoted as it is: its words are what the person will read there.
    """
    heading = " ".join(_NUMBERING.sub("", heading).split()).rstrip(" .:")
    forms = _FORMS.get(asked_in)
    if forms is None or not heading:
        return ""
    if language != asked_in:
        return forms.foreign % heading
    if heading.endswith("?"):
        return heading
    if forms.asks.match(heading):
        return forms.question % heading
    lowered = _with_small_letter(heading, text, language)
    if forms.when.match(heading):
        return forms.in_case % lowered
    if forms.vague.match(heading) or "," in heading:
        return ""  # "Two screens, one rule" promises nothing that could be asked for
    if forms.deed.match(f"{heading} "):
        return (forms.deed_steps if is_procedure else forms.deed_other) % lowered
    # Where nobody can tell a name from a common word, the heading is quoted as it stands.
    named = lowered if lowered[0].islower() else forms.quoted % heading
    return (forms.steps if is_procedure else forms.other) % named


def _with_small_letter(heading: str, text: str, language: str) -> str:
    """The heading as it stands within a sentence: its first word keeps its capital where the text never writes it small."""
    first = words(heading)[:1]
    if not first:
        return heading
    is_small = is_stop_word(first[0], language) or re.search(rf"(?<!\w){re.escape(first[0])}(?!\w)", text)
    is_form = _FORMS[language].deed.match(f"{heading} ") or _FORMS[language].when.match(heading)
    return heading[0].lower() + heading[1:] if is_small or is_form else heading
