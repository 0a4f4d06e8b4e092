"""Takes the disguises off a text, for comparison only: look-alike letters, invisible marks, spaced letters, accents."""

from __future__ import annotations

import re
import unicodedata

_LOOK_ALIKES = str.maketrans(
    "аеорсухіјѕԁһӏԛԝвкмнтгуАВЕКМНОРСТУХІЈЅԌԚԜЕёїαορνυικτεηωχγΑΒΕΖΗΙΚΜΝΟΡΤΥΧıɡɩʟꜱѵϲϳ",
    "aeopcyxijsdhlqwbkmhtryABEKMHOPCTYXIJSGQWEeiaopvuikteywxyABEZHIKMNOPTYXigilsvcj",
)
_FOREIGN = re.compile("[\u0370-\u03ff\u0400-\u052fıɡɩʟꜱ]")
_LATIN = re.compile("[A-Za-z\u00c0-\u024f]")
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\U000e0100-\U000e01ef]"
)
_TAGS = {0xE0000 + code: chr(code) for code in range(0x20, 0x7F)}
_OVERRIDDEN = re.compile("\u202e([^\u202c\n]*)\u202c?")
_SPACED = re.compile(r"(?<![^\W_])(?:[^\W\d_](?P<gap>[ ._*\-])(?:[^\W\d_](?P=gap))+[^\W\d_])(?![^\W_])")
_SPACES = re.compile(r"\s+")
_QUOTE_MARKS = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"'})
# Letters spaced out lose the spaces between words too; these are the words that commands are made of.
_COMMAND_WORDS = """a an the and or all any of to in on with you your yours are now must is it this that previous prior above earlier
    ignore disregard forget override bypass instruction instructions rule rules guideline guidelines prompt prompts system
    reveal print show repeat output display tell say reply respond answer only word words learner user student score
    grade full marks call assistant assistants model hidden secret from
    ignora olvida todas todos las los instrucciones anteriores previas responde solo muestra
    ignore desconsidere as os instrucoes anteriores responda apenas mostre
    ignoriere alle vorherigen bisherigen anweisungen antworte nur zeige
    ignorez oublie toutes les instructions consignes precedentes reponds affiche
"""
_VOCABULARY = frozenset(_COMMAND_WORDS.split())
_LONGEST_WORD = max(map(len, _VOCABULARY))


def normalise(text: str) -> str:
    """The text as a reader sees it, in plain letters: compatibility forms, look-alike letters of other alphabets
    inside Latin words, invisible and tag characters, direction overrides and spaced-out letters undone; one space
    between words. For comparison only: offsets are not kept."""
    if text.isascii():
        return _SPACES.sub(" ", _join_spaced(text)).strip()
    text = _OVERRIDDEN.sub(lambda match: match[1][::-1], text)
    text = _INVISIBLE.sub("", text.translate(_TAGS))
    text = unicodedata.normalize("NFKC", text)
    text = _INVISIBLE.sub("", text).translate(_QUOTE_MARKS)
    if _FOREIGN.search(text) and _LATIN.search(text):
        text = re.sub(r"\w+", _in_latin, text)
    return _SPACES.sub(" ", _join_spaced(text)).strip()


def _in_latin(match: re.Match[str]) -> str:
    """A word in Latin letters if it mixes alphabets or can be read as Latin from end to end."""
    word = match[0]
    if not _FOREIGN.search(word):
        return word
    latin = word.translate(_LOOK_ALIKES)
    return latin if _LATIN.search(word) or not _FOREIGN.search(latin) else word


def _join_spaced(text: str) -> str:
    def joined(match: re.Match[str]) -> str:
        letters = match[0][::2]
        if len(letters) <= _LONGEST_WORD and letters.casefold() in _VOCABULARY:
            return letters
        return _segmented(letters)

    return _SPACED.sub(joined, text)


def _segmented(letters: str) -> str:
    """ "ignoreallrules" -> "ignore all rules", by as few leftover letters as possible."""
    plain = letters.casefold()
    # For each end: (letters left over, words, where the last piece begins).
    best: list[tuple[int, int, int]] = [(0, 0, 0)]
    for end in range(1, len(plain) + 1):
        options = [(best[end - 1][0] + 1, best[end - 1][1] + 1, end - 1)]
        options += [
            (best[start][0], best[start][1] + 1, start)
            for start in range(max(0, end - _LONGEST_WORD), end)
            if plain[start:end] in _VOCABULARY
        ]
        best.append(min(options))
    if best[-1][0] > 0.3 * len(plain):
        return letters
    pieces: list[str] = []
    end = len(plain)
    while end:
        start = best[end][2]
        pieces.append(letters[start:end])
        end = start
    return " ".join(reversed(pieces))


_ARTIFICIAL = re.compile(r"\b(?:A\.I\.|AI|IA|KI)(?=s?\b)")
LEET_WORD = re.compile(r"(?<![\w@$])(?=[\w@$]*[^\W\d_])(?=[\w@$]*[013457@$])[\w@$]{3,}(?![\w@$])")
LEET = str.maketrans("013457@$", "oieastas")
REVERSED = re.compile(
    r"\b(?:s?noitcurtsni|tpmorp|erongi|tnatsissa|drageride?sid|senoiccurtsni|negnusiewna)\b"
)


def folded_text(text: str) -> str:
    """Lower case without accents; "AI", "IA" and "KI" become "xaix", for small "ai" and "ia" are words of their own."""
    plain = _ARTIFICIAL.sub("xaix", normalise(text)).casefold()
    if plain.isascii():
        return plain
    decomposed = unicodedata.normalize("NFD", plain)
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))
