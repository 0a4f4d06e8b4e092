"""What the gate measures: how far the passages speak of what a question names, in words and in meaning."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

from retrieval.answer_kinds import QUANTITIES, Kind, fit, is_number, kind_of
from retrieval.citations import sentence_spans
from retrieval.languages import fold_accents, is_stop_word, stems, stems_of_words, words
from retrieval.nouns import Hit

LOOKED_AT = 5  # hits whose text is read

_NAME = re.compile(r"[^\W_]+(?:[.\-'’&][^\W_]+)*")
_STARTS = re.compile(r"(?:^|[.!?:;…¿¡\"“”(\[])[\s\"“”]*$")
_COUNTED = re.compile(
    r"(?:how many|cu[aá]nt[oa]s|quant[oa]s|wie ?viele|combien de|number of|percentage of)\s+(.{3,60})",
    re.IGNORECASE,
)
_DEFINED = re.compile(
    r"(?:define|definition of|what (?:is|are)|what does(?=.{2,60} mean[?.]?$)|was (?:ist|sind)"
    r"|o que (?:é|são)|qu[eé] (?:es|son)|qu'est-ce que?)"
    r"\s+(?:(?:an?|the|um|uma|una?|el|la|ein|eine|der|die|das|le|les)\s+)?(.{2,60}?)(?:\s+mean)?[?.]?$",
    re.IGNORECASE,
)
_DEFINES = re.compile(
    r"\b(?:is|are|refers? to|means?|called|known as|defined|describes?|consists?|involves?|occurs?|ist|sind|bezeichnet"
    r"|heißt|é|são|es|son|est|sont|désigne|designa|significa)\b|[:–—(]"
)
_NAMED_LATER = re.compile(r"\b(?:called|known as|genannt|llamad[oa]|chamad[oa]|appelée?)\b")
_LONGEST_TERM = 4

# Words that frame a question, in any subject: a passage answers without them.
_SAID_FRAME = """
kind kinds type types sort name named names called call term terms describe describes described define defines
defined definition mean means meaning example examples explain tell say says said know many much long often old
big far happen happens happened following list give given need want get use used using work works worked difference
different another also make made does way ways thing things someone somebody anyone people person one two first
year date time place reason word words phrase
tipo tipos clase nombre nombres llama llaman llamado llamada significa significado ejemplo ejemplos explica ano
fecha lugar persona personas nome nomes chama chamado defina definicao exemplo exemplos explique data pessoa pessoas
art namen heisst heissen genannt bedeutet bedeutung begriff beispiel beispiele jahr datum ort personen viele lange
sorte nom noms appelle appele appelee signifie exemple annee lieu personne personnes
"""
_FRAME = frozenset(_SAID_FRAME.split())


class Words(Protocol):
    """What the gate needs of the keyword index of the scope (retrieval.keywords.KeywordIndex)."""

    def question_terms(self, question: str, language: str) -> dict[str, frozenset[str]]: ...

    def scores(self, question: str, language: str) -> npt.NDArray[np.float32]: ...

    def rarity(self, term: str) -> float: ...

    def occurs(self, term: str) -> bool: ...


@dataclass(frozen=True)
class _Sentence:
    """``pair`` is the text of the sentence and the next; ``held`` says how well each word of the question stands in
    it, ``held_pair`` in the pair or the headings above it."""

    hit: int
    pair: str
    spoken: frozenset[str]
    similarity: float
    held: Mapping[str, float]
    own_pair: Mapping[str, float]
    held_pair: Mapping[str, float]


@dataclass(frozen=True)
class _Question:
    """``stems``: each content word with its stem in every language of the scope; ``weight``: its rarity, 0 to 1."""

    text: str
    kind: Kind
    stems: Mapping[str, frozenset[str]]
    weight: Mapping[str, float]
    spoken: frozenset[str]

    def share(self, held: Mapping[str, float], power: int = 1) -> float:
        """The rarity-weighted share of the words that is held."""
        whole = sum(weight**power for weight in self.weight.values())
        return sum(w**power * held[word] for word, w in self.weight.items()) / whole if whole else 0.0

    def heaviest_gap(self, held: Mapping[str, float]) -> float:
        return max((w * (1 - held[word]) for word, w in self.weight.items()), default=0.0)


def measure(
    question: str, hits: Sequence[Hit], keywords: Words, language: str, *, by_meaning: bool = True
) -> tuple[dict[str, float], tuple[str, ...]]:
    """The features, and the question's words that no hit explains.

    Features of meaning ("nearest" and others) are left out, and similarities not looked at, where the hits have none
    for their sentences or ``by_meaning`` says so.
    """
    asked = _asked(question, keywords, language)
    if not by_meaning:
        hits = [replace(hit, sentences=()) for hit in hits]
    read = hits[:LOOKED_AT]
    held_by = [_terms_of(hit) for hit in read]
    headed = [frozenset(stems(_above(hit), hit.passage.language)) for hit in read]
    sentences = [
        sentence
        for at, hit in enumerate(read)
        for sentence in _sentences(at, hit, asked, _held(asked, headed[at]))
    ]
    together = {word: max(_match(own, held) for held in held_by) for word, own in asked.stems.items()}
    # The likeliest places of an answer: near in meaning and with the question's words.
    likeliest = sorted(sentences, key=lambda one: -_promise(asked, one))
    features = {
        **_words_found(asked, sentences, held_by, together, keywords),
        **_keyword_scores(question, asked, keywords, language),
        **_names_found(question, read),
        **_kind_found(asked, likeliest, read, language),
        "phrase": _phrase(question, asked, read),
        "length": min(len(words(question)), 30) / 30,
        "terms": min(len(asked.stems), 12) / 12,
    }
    if any(hit.sentences for hit in read):
        features |= _meaning(asked, hits, sentences, likeliest)
    missing = tuple(word for word, found in together.items() if found < 0.5)
    return features, missing


def _asked(question: str, keywords: Words, language: str) -> _Question:
    terms = {
        word: stemmed
        for word, stemmed in keywords.question_terms(question, language).items()
        if len(word) > 1 or word.isdigit()
    }
    chosen = {word: stemmed for word, stemmed in terms.items() if fold_accents(word) not in _FRAME} or terms
    rarest = keywords.rarity("\0")
    weight = {
        word: max((keywords.rarity(stem) for stem in stemmed if keywords.occurs(stem)), default=rarest)
        / rarest
        for word, stemmed in chosen.items()
    }
    spoken = frozenset(fold_accents(word) for word in words(question))
    return _Question(question, kind_of(question), chosen, weight, spoken)


def _sentences(at: int, hit: Hit, asked: _Question, above: Mapping[str, float]) -> list[_Sentence]:
    text, language = hit.passage.text, hit.passage.language
    if hit.sentences:
        spans = [(one.start, one.end, one.similarity) for one in hit.sentences]
    else:
        spans = [(start, end, 0.0) for start, end in sentence_spans(text)]
    held = [_held(asked, frozenset(stems(text[start:end], language))) for start, end, _ in spans]
    found = []
    for row, (start, _, similarity) in enumerate(spans):
        after = min(row + 1, len(spans) - 1)
        pair = text[start : spans[after][1]]
        own_pair = {word: max(held[row][word], held[after][word]) for word in asked.stems}
        found.append(
            _Sentence(
                at,
                pair,
                frozenset(fold_accents(word) for word in words(pair)),
                similarity,
                held[row],
                own_pair,
                {word: max(value, above[word]) for word, value in own_pair.items()},
            )
        )
    return found


def _promise(asked: _Question, one: _Sentence) -> float:
    return one.similarity + 0.5 * asked.share(one.held_pair)


def _words_found(
    asked: _Question,
    sentences: Sequence[_Sentence],
    held_by: Sequence[frozenset[str]],
    together: Mapping[str, float],
    keywords: Words,
) -> dict[str, float]:
    unknown = {
        word: float(together[word] < 0.5 and not any(keywords.occurs(stem) for stem in stemmed))
        for word, stemmed in asked.stems.items()
    }
    return {
        "sentence": max((asked.share(one.held) for one in sentences), default=0.0),
        "pair": max((asked.share(one.own_pair) for one in sentences), default=0.0),
        "pair_headed": max((asked.share(one.held_pair) for one in sentences), default=0.0),
        "pair_rare": max((asked.share(one.held_pair, 2) for one in sentences), default=0.0),
        "passage": max((asked.share(_held(asked, own)) for own in held_by), default=0.0),
        "together": asked.share(together),
        "least_missing": min((asked.heaviest_gap(one.held_pair) for one in sentences), default=1.0),
        "most_missing": asked.heaviest_gap(together),
        "unknown": asked.share(unknown),
    }


def _keyword_scores(question: str, asked: _Question, keywords: Words, language: str) -> dict[str, float]:
    """How good the best keyword score is beside the best there could be, and how far ahead of the next."""
    best = sorted((float(score) for score in keywords.scores(question, language)), reverse=True)[:5]
    if not best or best[0] <= 0:
        return {"bm25_share": 0.0, "bm25_lead": 0.0, "bm25_first": 0.0}
    # A word counts at most 1 + k1 times its rarity.
    ideal = 2.2 * keywords.rarity("\0") * sum(asked.weight.values())
    return {
        "bm25_share": best[0] / ideal if ideal else 0.0,
        "bm25_lead": (best[0] - best[-1]) / best[0],
        "bm25_first": (best[0] - best[1]) / best[0] if len(best) > 1 else 1.0,
    }


def _names_found(question: str, hits: Sequence[Hit]) -> dict[str, float]:
    """Shares of the question's names, acronyms and numbers that a passage has; 1 where it names none."""
    named = _names_in(question)
    if not named:
        return {"names": 1.0, "every_name": 1.0}
    held = [{fold_accents(word) for word in words(f"{_above(hit)} {hit.passage.text}")} for hit in hits]
    found = [any(all(fold_accents(part) in own for part in words(name)) for own in held) for name in named]
    return {"names": sum(found) / len(found), "every_name": float(all(found))}


def _names_in(question: str) -> set[str]:
    """Words with a digit or an inner capital, or a capital where a sentence does not give it one ("I'm" is none)."""
    found = list(_NAME.finditer(question))
    capital = sum(match.group()[0].isupper() for match in found)
    titled = capital > 0.6 * len(found) and len(found) > 2  # Where Each Word Has One It Tells Nothing
    named = set()
    for match in found:
        word = match.group()
        if len(word) < 2 or word.split("'")[0].split("’")[0] == "I":
            continue
        inner = word[1:] != word[1:].lower()
        begins = _STARTS.search(question[: match.start()]) is not None
        if any(letter.isdigit() for letter in word) or (
            not titled and (inner or (word[0].isupper() and not begins))
        ):
            named.add(word)
    return named


def _kind_found(
    asked: _Question, likeliest: Sequence[_Sentence], hits: Sequence[Hit], language: str
) -> dict[str, float]:
    """Whether the sort of answer that is asked for stands in the likeliest places."""
    fits = [fit(asked.kind, one.pair, one.spoken, asked.spoken) for one in likeliest[:3]]
    first, best = (fits[0], max(fits)) if fits else (0.0, 0.0)
    quantity = float(asked.kind in QUANTITIES)
    return {
        "fits_first": first,
        "fits": best,
        "quantity_missing": quantity * (1 - best),
        "quantity_missing_first": quantity * (1 - first),
        "count_missing": _count_missing(asked.text, hits, language),
        "time_missing": float(asked.kind == "time") * (1 - best),
        "person_missing": float(asked.kind == "person") * (1 - first),
        "place_missing": float(asked.kind == "place") * (1 - best),
        "undefined": _undefined(asked.text, hits, language) if asked.kind == "definition" else 0.0,
    }


def _count_missing(question: str, hits: Sequence[Hit], language: str) -> float:
    """1 where it asks how many of something and no number stands beside that word."""
    match = _COUNTED.search(question)
    counted = (
        [word for word in words(match.group(1)) if not is_stop_word(word, language)][:1] if match else []
    )
    if not counted:
        return 0.0
    for hit in hits:
        spoken = words(hit.passage.text)
        stemmed = stems_of_words(spoken, hit.passage.language)
        sought = set(stems_of_words(counted, hit.passage.language)) | set(stems_of_words(counted, language))
        for at, stem in enumerate(stemmed):
            if stem in sought and any(
                is_number(fold_accents(word)) for word in spoken[max(0, at - 4) : at + 3]
            ):
                return 0.0
    return 1.0


def _undefined(question: str, hits: Sequence[Hit], language: str) -> float:
    """0 where the question asks for no definition, or a sentence begins with the term and goes on to say what it is."""
    match = _DEFINED.search(question.strip())
    term = stems(match.group(1), language) if match else []
    if not term or len(term) > _LONGEST_TERM:
        return 0.0
    least = 1.0
    for hit in hits:
        for start, end in sentence_spans(hit.passage.text):
            sentence = hit.passage.text[start:end]
            verb = _DEFINES.search(sentence)
            if verb is None:
                continue
            before = stems(sentence[: verb.start()], hit.passage.language)
            if before and all(stem in before for stem in term):
                least = min(least, 0.0 if len(before) <= len(term) + 2 else 0.3)
            elif _NAMED_LATER.search(sentence):
                spoken = stems(sentence, hit.passage.language)
                least = min(least, 0.2 if all(stem in spoken for stem in term) else 1.0)
    return least


def _phrase(question: str, asked: _Question, hits: Sequence[Hit]) -> float:
    """The weighted share of neighbouring words of the question that are neighbours in a passage; 0.5 without any."""
    sequence = words(question)
    pairs = [(a, b) for a, b in itertools.pairwise(sequence) if a in asked.stems and b in asked.stems]
    whole = sum(asked.weight[a] + asked.weight[b] for a, b in pairs)
    if not whole:
        return 0.5
    runs = [stems(f"{_above(hit)} . {hit.passage.text}", hit.passage.language) for hit in hits]
    neighbours = {pair for run in runs for pair in itertools.pairwise(run)}
    found = sum(
        asked.weight[a] + asked.weight[b]
        for a, b in pairs
        if any((x, y) in neighbours for x in asked.stems[a] for y in asked.stems[b])
    )
    return found / whole


def _meaning(
    asked: _Question, hits: Sequence[Hit], sentences: Sequence[_Sentence], likeliest: Sequence[_Sentence]
) -> dict[str, float]:
    """Nearness in meaning, by itself and beside the others', and the question's words where it is greatest."""
    nearest = sorted(sentences, key=lambda one: -one.similarity)
    first = nearest[0]
    elsewhere = max((one.similarity for one in nearest if one.hit != first.hit), default=0.0)
    of_hits = sorted(
        (max((one.similarity for one in hit.sentences), default=hit.similarity) for hit in hits), reverse=True
    )
    by_words = max(sentences, key=lambda one: (asked.share(one.held_pair), one.similarity))
    features = {
        "nearest": first.similarity,
        "second": nearest[min(1, len(nearest) - 1)].similarity,
        "nearest_five": sum(one.similarity for one in nearest[:5]) / len(nearest[:5]),
        "nearest_whole": max(hit.similarity for hit in hits[:LOOKED_AT]),
        "ahead_of_others": first.similarity - elsewhere,
        "ahead_of_second": of_hits[0] - of_hits[min(1, len(of_hits) - 1)],
        "ahead_of_fifth": of_hits[0] - of_hits[min(4, len(of_hits) - 1)],
        "words_at_nearest": asked.share(first.held_pair),
        "words_near": max(asked.share(one.held_pair) for one in nearest[:3]),
        "nearness_of_words": by_words.similarity,
        "promise": _promise(asked, likeliest[0]),
    }
    statistics = hits[0].statistics
    if statistics is not None and statistics.deviation > 0:
        features["above_scope"] = (features["nearest_whole"] - statistics.mean) / statistics.deviation
    return features


def _held(asked: _Question, own: AbstractSet[str]) -> dict[str, float]:
    return {word: _match(stemmed, own) for word, stemmed in asked.stems.items()}


def _match(sought: AbstractSet[str], own: AbstractSet[str]) -> float:
    """1 for the same stem; less for one that begins alike or is part of a compound; else 0."""
    if sought & own:
        return 1.0
    return max(
        (_alike(stem, own) for stem in sought if len(stem) >= 5 and not stem[0].isdigit()), default=0.0
    )


def _alike(stem: str, own: AbstractSet[str]) -> float:
    best = 0.0
    for other in own:
        if len(other) < 4 or abs(len(other) - len(stem)) > 12:
            continue
        if other[:3] == stem[:3]:
            same = next((n for n, (a, b) in enumerate(zip(stem, other, strict=False)) if a != b), -1)
            shorter, longer = sorted((len(stem), len(other)))
            same = shorter if same < 0 else same
            if same >= 5 and same / longer >= 0.6:
                best = max(best, 0.5 + 0.4 * same / longer)
            elif same >= 5 and same == shorter:
                best = max(best, 0.55)
        elif len(other) >= 5 and (other in stem or stem in other):
            best = max(best, 0.55)
    return best


def _terms_of(hit: Hit) -> frozenset[str]:
    return frozenset(stems(f"{_above(hit)} {hit.passage.text}", hit.passage.language))


def _above(hit: Hit) -> str:
    return " ".join((hit.passage.document_title, *hit.passage.heading_path))
