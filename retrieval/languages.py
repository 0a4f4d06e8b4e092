"""Which language a text is in, and how its words are cut to stems.

Small on purpose: five languages, told apart by their most frequent words and a few letters that only they
use. Enough to choose a stemmer, and to prefer a page in the language of the question.
"""

from __future__ import annotations

import functools
import re
import threading
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence

UNKNOWN = "und"
_WORD = re.compile(r"[^\W_]+", re.UNICODE)

# The words that make up most of any text: they tell a language, and carry no meaning in a search.
_FREQUENT = {
    "en": """
        the a an of to and in is are was were be been for on with as by at from that this these it its or
        not you your we our they their he she his her i my me what which who when where why how do does did
        can could should would will must may have has had if than then there about into no up out so any but
        all am someone something because before after while during more most some such only own same too
        very just each few other over under again once here both them us him myself yourself being having
        doing
    """,
    "es": """
        el la los las un una unos unas de del al a y e o u en es son era eran ser por para con sin sobre que
        qué como cómo cuando cuándo donde dónde quien quién cual cuál cuáles cuánto cuántos cuánta cuántas
        no se su sus mi mis tu tus nuestro nuestra yo tú él ella ellos ellas nos les le lo me te si sí más
        muy pero este esta estos estas ese esa eso esto hay ha han he fue fueron está están puede pueden
        debe debo puedo tengo tiene hacer hago porqué porque entre hasta desde también ya todo todos toda
        todas otro otra usted ustedes según durante
    """,
    "pt": """
        o a os as um uma uns umas de do da dos das ao à aos às e ou em no na nos nas num numa é são era eram
        ser por pelo pela pelos pelas para pra com sem sobre que quê como quando onde quem qual quais quanto
        quantos quanta quantas não se seu sua seus suas meu minha meus minhas teu tua nosso nossa eu tu ele
        ela eles elas nós lhe lhes me te sim mais muito mas este esta estes estas esse essa isso isto há foi
        foram está estão pode podem deve devo posso tenho tem fazer faço porque entre até desde também já
        todo todos toda todas outro outra você vocês
    """,
    "de": """
        der die das ein eine einer eines einem einen den dem des und oder in im ist sind war waren sein von
        vom zu zum zur mit ohne auf aus bei nach für über unter vor durch um an am als wie was wer wen wem
        wann wo warum welche welcher welches nicht kein keine sich es er sie wir ihr ich du mein meine dein
        deine seine unser ihre auch noch nur aber wenn dass daß kann können muss müssen soll sollte darf hat
        haben habe hatte wird werden wurde wurden man mir mich dir dich uns euch dieser diese dieses
    """,
    "fr": """
        le la les un une des du de d l et ou en dans est sont était étaient être par pour avec sans sur sous
        que qu quoi comme comment quand où qui quel quelle quels quelles ne pas n se s son sa ses mon ma mes
        ton ta tes notre nos votre vos je tu il elle ils elles nous vous lui leur leurs me te si oui plus
        très mais ce cet cette ces c a ont ai as avez avons fut été peut peuvent doit dois puis faire fait
        pourquoi entre depuis aussi déjà tout tous toute toutes autre au aux y
    """,
}
_LETTERS = {
    "es": "ñ¿¡",
    "pt": "ãõ",
    "de": "ßäöü",
    "fr": "èêëœùûî",
}
_STEMMERS = {
    "en": "english",
    "es": "spanish",
    "pt": "portuguese",
    "de": "german",
    "fr": "french",
}

_STOP: dict[str, frozenset[str]] = {
    language: frozenset(words.split()) for language, words in _FREQUENT.items()
}


def words(text: str) -> list[str]:
    """The words of a text in lower case, letters and digits only."""
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def detect_language(text: str, *, default: str = UNKNOWN) -> str:
    """ "en", "es", "pt", "de", "fr", or ``default`` where nothing speaks for one of them."""
    sample = text[:20_000]
    counts = Counter(words(sample))
    scores = dict.fromkeys(_STOP, 0.0)
    for language, stop in _STOP.items():
        for word, count in counts.items():
            if word in stop:
                shared = sum(word in other for other in _STOP.values())
                scores[language] += min(count, 50) / shared
    lowered = sample.casefold()
    for language, letters in _LETTERS.items():
        scores[language] += sum(min(lowered.count(letter), 20) for letter in letters)
    best = max(scores, key=lambda language: scores[language])
    if scores[best] < 0.5 or scores[best] < 0.02 * sum(counts.values()):
        return default
    return best


def is_stop_word(word: str, language: str) -> bool:
    """True for the little words of ``language`` (lower case expected)."""
    return word in _STOP.get(language, frozenset())


def stems(text: str, language: str) -> list[str]:
    """The words that carry meaning, stemmed by Snowball where the language has a stemmer; accents folded.

    Accents go before stemming: people on phones leave them out, and both sides must meet.
    """
    return _stemmed([word for word in words(text) if not is_stop_word(word, language)], language)


def stems_of_words(chosen: Sequence[str], language: str) -> list[str]:
    """The stem of each word, none left out."""
    return _stemmed(chosen, language)


def _stemmed(chosen: Iterable[str], language: str) -> list[str]:
    folded = [fold_accents(word) for word in chosen]
    name = _STEMMERS.get(language)
    if name is None:
        return folded
    return _local_stems(name, folded)


_local = threading.local()


def _local_stems(name: str, chosen: list[str]) -> list[str]:
    # PyStemmer's objects are not safe to share between threads.
    cache: dict[str, object] = _local.__dict__.setdefault("stemmers", {})
    stemmer = cache.get(name)
    if stemmer is None:
        import Stemmer  # type: ignore[import-not-found,unused-ignore]

        stemmer = Stemmer.Stemmer(name)
        cache[name] = stemmer
    stemmed: list[str] = stemmer.stemWords(chosen)  # type: ignore[attr-defined]
    return stemmed


@functools.lru_cache(maxsize=65_536)
def fold_accents(word: str) -> str:
    """ "devolución" -> "devolucion"."""
    if word.isascii():
        return word
    decomposed = unicodedata.normalize("NFD", word)
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter)) or word
