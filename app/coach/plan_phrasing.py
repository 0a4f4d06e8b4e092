"""A plan's words as they stand in its sentence: without the words that the labels say already, and with the time that they name."""

from __future__ import annotations

import re
from datetime import time

from retrieval.languages import fold_accents

# What people write again after "When ..." and "If ...". "Se" and "si" only in the language where they mean "if".
_WHEN = r"when(?:ever)?|if|quando|cuando"
_IF = {"pt": "|se", "es": "|si"}
# An infinitive, with or without a pronoun: "vou ao depósito" and "voy a la oficina" are whole verbs, and stay.
_TO_DO = r"(?=(?:(?:me|nos|te|lhe|não|no)\s+)?\w+(?:(?:[aei]r|ôr|por|[áéí]r|[áéêíô](?=-l))(?:(?:me|nos|se|te|les?|l[oa]s?)+|-\w+)?)\b)"
_DEED = re.compile(
    r"(?:(?:then|and then|entonces|então)\s+)?"
    r"(?:i\s+will|i['’]ll|i\s+shall|i['’]m\s+going\s+to|i\s+am\s+going\s+to"
    rf"|(?:eu\s+)?(?:vou|irei)(?=\s)(?=\s+{_TO_DO})|(?:yo\s+)?voy\s+a(?=\s+{_TO_DO}))"
    r"(?=[\s,:…])[\s,:…]+(?=\w)",
    re.IGNORECASE,
)

_HOUR = r"(?P<hour>[01]?\d|2[0-3])"
_AT = r"(?P<at>(?:@|a las?|a la|at)\s+)?"
_HALF = r"(?:\s*(?P<half>[ap])\.?\s?m\b\.?)?"
_PART = (
    r"(?:,?\s+(?:in the|da|de la|por la|pela)\s+"
    r"(?P<part>morning|afternoon|evening|manha|manana|tarde|noite|noche))?"
)
_TIME = re.compile(
    rf"(?<![\w:.,]){_AT}{_HOUR}(?:\s?(?P<h>hs?|horas?)\s?(?P<m1>[0-5]\d)?|:(?P<m2>[0-5]\d))?(?![\w:%]|[.,]\d){_HALF}{_PART}"
)
# "in 9h", "within 8h": how long, and not when.
_HOW_LONG = re.compile(
    r"\b(?:in|within|for|every|during|by|em|cada|dentro de|daqui a|por|en|durante|a cada|mais|mas|de)\s+$"
)
# What may stand behind "at 9" alone: "às 9 caixas" names no time.
_ENDS = re.compile(
    r"\s*(?:$|[,.;:!?)]|(?:o'?clock|em ponto|en punto|on|in|en|em|na|no|with|com|con|when|quando|cuando)\b)"
)
_AFTERNOON = {"afternoon", "evening", "tarde", "noite", "noche"}
# Who says "at 3" may mean either half of the day.
_CLEAR_FROM = 7


def cue_in_sentence(cue: str, locale: str) -> str:
    """A cue or an obstacle without a leading "when" or "if"; as it is where nothing would be left."""
    opening = rf"(?:{_WHEN}{_IF.get(locale[:2], '')})(?=[\s,:…])[\s,:…]+(?=\w)"
    return re.sub(rf"^{opening}", "", cue, count=1, flags=re.IGNORECASE)


def deed_in_sentence(action: str) -> str:
    """An action without a leading "I will", "vou" or "voy a" before its verb."""
    found = _DEED.match(action)
    return action[found.end() :] if found else action


def ends_a_sentence(cue: str) -> bool:
    """Whether no comma can follow a cue."""
    return cue.rstrip(" \"”'’»)").endswith(("?", "!", "…"))


def time_named(cue: str) -> time | None:
    """The time of day that a cue names clearly ("9h30", "at 9 am", "a las 9"); None where it names none or several."""
    said = fold_accents(re.sub(r"\b[àÀ]s(?=\s+\d)", "@", cue).lower())
    found = {clear for one in _TIME.finditer(said) if (clear := _clear(one, said)) is not None}
    return found.pop() if len(found) == 1 else None


def _clear(one: re.Match[str], said: str) -> time | None:
    hour, minutes = int(one["hour"]), one["m1"] or one["m2"]
    half, part = one["half"], one["part"]
    is_written = bool(one["h"] or minutes or half)
    if not is_written and not (one["at"] and (part or _ENDS.match(said, one.end()))):
        return None
    is_long = (one["h"] or "").startswith("hora")
    if is_long and not one["at"]:
        return None
    if one["h"] and not one["at"] and not minutes and _HOW_LONG.search(said, 0, one.start()):
        return None
    if (half or part) and not 1 <= hour <= 12 and (half or (part in _AFTERNOON and hour < 12)):
        return None
    if half == "p" or part in _AFTERNOON:
        hour += 12 if hour < 12 else 0
    elif half == "a":
        hour %= 12
    elif not part and hour < _CLEAR_FROM and not (minutes and one["hour"].startswith("0")):
        return None
    return time(hour, int(minutes or 0))
