"""What a plan says, and what it leaves vague: rules in English, Spanish and Portuguese that need no model.

A vague plan gets one question back and may be kept as it is, so a rule that is wrong costs a tap and never a plan.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Literal

from app.kit.errors import N_
from retrieval.languages import detect_language, fold_accents, is_stop_word, words

Wanting = Literal["", "day", "doing", "moment"]
LANGUAGES = ("en", "es", "pt")

QUESTIONS: dict[str, str] = {
    "day": N_("On which day will this come up next? Pick the first one that you can think of."),
    "doing": N_("What exactly will you say or do? Write it so that somebody beside you would see it."),
    "moment": N_("What happens just before? Name what you will see or hear, and where you are then."),
}


@dataclass(frozen=True)
class PlanWords:
    """What the learner wrote. `cue_on` and `cue_time` are of the clock on their wall in `zone`, `days` the three check-ins."""

    cue: str
    action: str
    zone: str
    cue_on: date | None = None
    cue_time: time | None = None
    obstacle: str = ""
    answer: str = ""
    known_by: str = ""
    days: tuple[date | None, date | None, date | None] = (None, None, None)


_WEEKDAYS = {
    "en": "monday tuesday wednesday thursday friday saturday sunday",
    "es": "lunes martes miercoles jueves viernes sabado domingo",
    "pt": "segunda terca quarta quinta sexta sabado domingo",
}
# In Portuguese the days from Monday to Friday are ordinal numbers too ("a segunda caixa"): only these make a day of them.
_MAKES_A_DAY = {"na", "nesta", "proxima", "cada", "toda", "ate", "desta"}
_TODAY = {"en": {"today", "tonight"}, "es": {"hoy"}, "pt": {"hoje"}}
_TOMORROW = {"en": {"tomorrow"}, "es": {"manana"}, "pt": {"amanha"}}

# Words of a cue that name no moment. Accents are folded.
_NO_MOMENT = {
    "en": """
        soon sometime sometimes often always usually generally whenever someday later time times next week weeks month months day
        days daily possible chance opportunity needed necessary work job office i'll get morning afternoon evening occasionally
        regularly ever future situation appropriate come comes
    """,
    "es": """
        pronto vez veces siempre normalmente generalmente cuando algun dia dias luego despues tiempo proxima proximo semana semanas
        mes meses diario posible oportunidad necesario trabajo oficina manana tarde noche ocasionalmente regularmente futuro
        situacion adecuado pueda sea surja haga falta tenga tengo
    """,
    "pt": """
        logo breve vez vezes sempre normalmente geralmente quando algum dia dias depois tempo proxima proximo semana semanas mes
        meses diario possivel oportunidade necessario trabalho escritorio manha tarde noite ocasionalmente regularmente futuro
        situacao adequado puder for surgir precisar preciso tiver
    """,
}
# First words of an action that say a wish and no deed.
_WISHES = {
    "en": """
        try be become stay get improve focus think consider understand know learn care hope want aim strive attempt seek
        better more work
    """,
    "es": """
        intentar intentare intento tratar tratare trato procurar procurare ser estar mejorar mejorare enfocarme concentrarme pensar
        considerar entender saber aprender cuidar querer esperar buscar mejor mas trabajar trabajare
    """,
    "pt": """
        tentar tentarei tento procurar procurarei ser estar ficar melhorar melhorarei focar concentrar pensar considerar entender
        saber aprender cuidar querer esperar buscar melhor mais trabalhar trabalharei
    """,
}
_MORE = {"en": {"better", "more", "less"}, "es": {"mejor", "mas", "menos"}, "pt": {"melhor", "mais", "menos"}}
_ONE = {"one", "two", "three", "a", "an", "un", "una", "uno", "dos", "tres", "um", "uma", "dois", "duas"}
# What people write before the verb: "I will ...", "voy a ...", "vou ...".
_BEFORE_THE_VERB = {
    "en": {"i", "ill", "will", "ll", "to", "then", "shall", "am", "going", "m", "just", "always", "please"},
    "es": {"yo", "voy", "a", "entonces", "siempre", "debo", "tengo", "que"},
    "pt": {"eu", "vou", "a", "entao", "sempre", "devo", "tenho", "que", "irei"},
}


def wanting_in(plan: PlanWords, locale: str) -> Wanting:
    """What is missing most for the plan to happen: something to do that can be seen, a moment, a real day; "" where nothing is.

    Only one thing is asked about. Where a day is missing as well, the page of the question has its field, and no second question.
    """
    if not names_a_deed(plan.action, locale):
        return "doing"
    if not names_a_moment(plan.cue, locale):
        return "moment"
    return "day" if plan.cue_on is None else ""


def names_a_deed(action: str, locale: str) -> bool:
    """Whether an action says what is done and not only that one tries, improves, or is better or more of something."""
    said = _folded(action)
    languages = _languages(action, locale)
    while said and any(said[0] in _BEFORE_THE_VERB[language] for language in languages):
        said = said[1:]
    if len(said) < 2 or any(said[0] in _WISHES[language].split() for language in languages):
        return False
    if len(said) > 5 or any(c.isdigit() for c in action):
        return True
    # "Listen more" is a wish, "one more photo" is not.
    return not any(
        word in _MORE[language] and not set(said[max(0, n - 2) : n + 2]) & _ONE
        for language in languages
        for n, word in enumerate(said)
    )


def names_a_moment(cue: str, locale: str) -> bool:
    """Whether a cue has a word for what happens or where, beside days and words such as "soon" or "when I have time"."""
    languages = _languages(cue, locale)
    vague = {"feira"}.union(
        *(
            {*_NO_MOMENT[one].split(), *_WEEKDAYS[one].split(), *_TODAY[one], *_TOMORROW[one]}
            for one in languages
        )
    )
    return any(
        fold_accents(word) not in vague
        and not any(is_stop_word(word, language) for language in languages)
        and not word.isdecimal()
        for word in words(cue)
        if len(word) > 1
    )


def day_named(cue: str, today: date, locale: str) -> date | None:
    """The day that a cue names: today, tomorrow, or the next one of that weekday (never today itself); None where it names none."""
    said = _folded(cue)
    found = (_day_named(said, today, language) for language in _languages(cue, locale))
    return next((day for day in found if day is not None), None)


def _day_named(said: list[str], today: date, language: str) -> date | None:
    names = _WEEKDAYS[language].split()
    for n, word in enumerate(said):
        before = said[n - 1] if n else ""
        after = said[n + 1] if n + 1 < len(said) else ""
        if word in _TODAY[language]:
            return today
        if word in _TOMORROW[language] and not (language == "es" and before in {"la", "esta", "cada"}):
            return today + timedelta(days=1)
        singular = word.removesuffix("s") if language == "en" else word
        if singular in names:
            weekday = names.index(singular)
            if language == "pt" and weekday < 5 and after != "feira" and before not in _MAKES_A_DAY:
                continue
            return today + timedelta(days=(weekday - today.weekday() - 1) % 7 + 1)
    return None


def _languages(text: str, locale: str) -> tuple[str, ...]:
    """The page's language and, where it is another, the one that the text seems to be in: a line is often too short to tell."""
    own = locale[:2] if locale[:2] in LANGUAGES else "en"
    found = detect_language(text, default=own)
    return (own, found) if found in LANGUAGES and found != own else (own,)


def _folded(text: str) -> list[str]:
    return [fold_accents(word) for word in words(re.sub(r"['’]", " ", text))]
