"""What sort of answer a question asks for, and whether a text could hold one: a number, a time, a person, a reason.

By cue words of five languages (en, es, pt, de, fr). A near miss is about the right thing and lacks what is asked of
it: "How many people may join?" beside a passage on joining that holds no number.
"""

from __future__ import annotations

import re
from collections.abc import Set
from typing import Literal

from retrieval.languages import fold_accents

Kind = Literal[
    "count", "amount", "duration", "frequency", "measure", "time", "person", "place",
    "reason", "definition", "manner", "permission", "thing", "none",
]  # fmt: skip
QUANTITIES: frozenset[Kind] = frozenset({"count", "amount", "duration", "frequency", "measure"})

# In order: the first that matches counts.
_QUESTIONS: tuple[tuple[Kind, str], ...] = (
    (
        "count",
        r"\bhow many\b|\bcu[aá]nt[oa]s\b|\bquant[oa]s\b|\bwie ?viele\b|\bcombien de\b|\bnumber of\b"
        r"|\bwhat (?:number|percentage|percent|proportion|share)\b|\bqu[eé] (?:porcentaje|n[uú]mero)\b",
    ),
    (
        "amount",
        r"\bhow much\b|\bcu[aá]nto\b|\bquanto\b|\bwie ?viel\b|\bcombien\b|\bin (?:dollars|euros)\b"
        r"|\b(?:what|how).{0,25}\b(?:price|cost|salary|fee|payment|budget|amount|cap|rate|maximum|minimum|average)\b",
    ),
    (
        "duration",
        r"\bhow (?:long|soon|quickly|fast|late|early)\b|\bcu[aá]nto tiempo\b|\bquanto tempo\b"
        r"|\bwie (?:lange|schnell)\b|\bcombien de temps\b|\bdeadline\b|\blongest\b",
    ),
    (
        "frequency",
        r"\bhow (?:often|frequently|regularly)\b|\bhow many times\b|\bcada cu[aá]nto\b"
        r"|\bcom que frequ[eê]ncia\b|\bwie oft\b|\bà quelle fréquence\b",
    ),
    (
        "measure",
        r"\bhow (?:old|far|tall|large|big|high|deep|wide|hot|heavy|small|low|close|great|strong)\b"
        r"|\bwie (?:alt|weit|hoch|groß|tief)\b",
    ),
    (
        "time",
        r"\bwhen\b|\b(?:what|which) (?:year|date|day|time|month|century|decade)\b|\bin what year\b"
        r"|\bcu[aá]ndo\b|\bqu[eé] (?:a[nñ]o|fecha|d[ií]a|siglo)\b|\bquando\b|\b(?:em )?que (?:ano|data)\b"
        r"|\bwann\b|\bwelche[mns]? jahr\b|\bquand\b|\bquelle (?:année|date)\b",
    ),
    ("person", r"\bwho(?:m|se)?\b|\bqui[eé]n(?:es)?\b|\bquem\b|\bwe[rmn]\b|\bqui\b"),
    (
        "place",
        r"\bwhere\b|\bd[oó]nde\b|\bonde\b|\bwo(?:hin)?\b|\boù\b|\bwhat (?:city|country|state|place|location)\b"
        r"|\bwhich (?:city|country|state)\b",
    ),
    (
        "reason",
        r"\bwhy\b|\bpor qu[eé]\b|\bwarum\b|\bwieso\b|\bpourquoi\b|\bwhat (?:is the )?(?:reason|causes?)\b",
    ),
    (
        "definition",
        r"\bdefine\b|\bdefinition\b|\bwhat (?:is|are|does .{2,60} mean)\b|\bwho is\b"
        r"|^(?:was ist|was sind|o que [eé]|qu[eé] es|qu[eé] son|qu'est)\b",
    ),
    ("manner", r"\bhow\b|\bc[oó]mo\b|\bwie\b|\bcomment\b|\bsteps?\b"),
    (
        "permission",
        r"(?:^|[.!?;:,–—-]\s+)(?:(?:and|so|but|hi|hello|if [^,]{3,60}),? )?"
        r"(?:can|may|must|should|shall|do|does|did|is|are|was|were|will|would|am|has|have|could|puedo|puede|debo|hay"
        r"|es|est[aá]|tengo|posso|pode|devo|h[aá]|[eé]|kann|darf|muss|soll|ist|sind|gibt|hat|habe|werden|wird|puis"
        r"|peut|dois|est|y a)\b",
    ),
    (
        "thing",
        r"\bwhat\b|\bwhich\b|\bqu[eé]\b|\bcu[aá]l(?:es)?\b|\bqual\b|\bquais\b|\bwas\b|\bwelche[rmns]?\b"
        r"|\bquel(?:le)?s?\b",
    ),
)
_KINDS = tuple((kind, re.compile(pattern, re.IGNORECASE)) for kind, pattern in _QUESTIONS)

_SAID_NUMBER_WORDS = """
one two three four five six seven eight nine ten eleven twelve twenty thirty forty fifty hundred thousand million
billion dozen half quarter third once twice
uno dos tres cuatro cinco seis siete ocho nueve diez doce veinte treinta cien mil millon millones mitad
um dois duas quatro sete oito nove dez doze vinte cem milhao milhoes metade
zwei drei vier funf sechs sieben acht neun zehn zwolf zwanzig hundert tausend millionen halfte
deux trois quatre cinq huit neuf dix douze vingt cent mille moitie
"""
_NUMBER_WORDS = frozenset(_SAID_NUMBER_WORDS.split())
_SAID_UNITS = """
second seconds minute minutes hour hours day days week weeks month months year years decade decades century
centuries overnight segundo segundos minuto minutos hora horas dia dias semana semanas mes meses ano anos siglo
siglos decada decadas seculo seculos sekunde sekunden minuten stunde stunden tag tage tagen woche wochen monat
monate monaten jahr jahre jahren jahrhundert seconde secondes heure heures jour jours semaine semaines mois an ans
annee annees siecle
"""
_UNITS = frozenset(_SAID_UNITS.split())
_SAID_FREQUENCIES = """
every each daily weekly monthly yearly annually annual quarterly per once twice times always regularly
cada diario diaria semanal mensual anual anualmente vez veces por siempre todo toda diariamente semanalmente
mensalmente vezes sempre mensal jede jeder jedes taglich wochentlich monatlich jahrlich pro einmal zweimal immer
chaque quotidien hebdomadaire mensuel annuel fois toujours par
"""
_FREQUENCIES = frozenset(_SAID_FREQUENCIES.split())
_SAID_TIMES = """
january february march april may june july august september october november december monday tuesday wednesday
thursday friday saturday sunday before after until since during when century
enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre lunes martes miercoles
jueves viernes cuando antes despues durante siglo janeiro fevereiro marco maio junho julho setembro outubro
novembro dezembro segunda quando depois januar februar marz mai juni juli oktober dezember montag dienstag mittwoch
donnerstag freitag wenn vor nach wahrend seit bis janvier fevrier mars avril juin juillet aout septembre octobre
decembre lundi mardi mercredi jeudi vendredi quand avant apres pendant depuis
"""
_TIMES = frozenset(_SAID_TIMES.split())
_MONEY = re.compile(
    r"[$€£¥]|\b(?:usd|eur|dollars?|euros?|cents?|pounds?|reais|dólares|pesos|percent|per cent|prozent"
    r"|por ciento|por cento)\b|%",
    re.IGNORECASE,
)
_REASON = re.compile(
    r"\b(?:because|since|due to|so that|in order to|as a result|reasons?|therefore|caused?|leads? to|thus"
    r"|to (?:help|ensure|avoid|prevent|protect|make)|porque|debido|ya que|para que|raz[oó]n|causa|devido|pois|portanto"
    r"|weil|denn|wegen|damit|grund|deshalb|daher|car|parce|afin|raison|donc|grâce)\b",
    re.IGNORECASE,
)
_PERMISSION = re.compile(
    r"\b(?:can|cannot|may|must|should|shall|allowed|permitted|eligible|required?|need(?:s|ed)?|not|never|only|unless|if"
    r"|puede[ns]?|debe[ns]?|permitid[oa]s?|solo|podem?|devem?|kann|können|darf|dürfen|muss|müssen|soll|erlaubt|nur"
    r"|peut|peuvent|doit|doivent|permis)\b|n['’]t\b",
    re.IGNORECASE,
)
_MANNER = re.compile(
    r"^\s*(?:[-*•]|\d{1,3}[.)])\s|\b(?:click|select|open|go to|fill|submit|send|contact|ask|use|enter|create|step|first"
    r"|then|next|by \w+ing|haga|seleccione|abra|env[ií]e|clique|selecione|klicken|öffnen|wählen|cliquez)\b",
    re.IGNORECASE | re.MULTILINE,
)
_PLACE = re.compile(
    r"\b(?:in|at|on|from|near|to|en|em|na|no|im|am|bei|aus|à|au|dans)\s+(?:(?:the|el|la|o|a|der|dem)\s+)?[A-ZÀ-Þ]"
    r"|https?:|www\.|@|\b(?:page|folder|stored|located)\b"
)
_NAME = re.compile(r"[A-ZÀ-Þ][\w’'-]+")
_YEAR = re.compile(r"\b[12]\d{3}\b")
_DIGIT = re.compile(r"\d")


def kind_of(question: str) -> Kind:
    """The sort of answer that is asked for; "none" where no cue says so ("duty lead does not answer")."""
    return next((kind for kind, pattern in _KINDS if pattern.search(question)), "none")


def is_number(word: str) -> bool:
    """A figure, or a number in words (lower case, accents folded)."""
    return bool(_DIGIT.search(word)) or word in _NUMBER_WORDS


def fit(kind: Kind, text: str, spoken: Set[str], asked: Set[str]) -> float:
    """How well a stretch of text could hold an answer of that kind: 0 not at all, 1 well, 0.5 where nobody can tell.

    ``spoken``: the words of the stretch, ``asked``: those of the question, both in lower case, accents folded.
    """
    number = bool(_DIGIT.search(text)) or bool(_NUMBER_WORDS & spoken)
    match kind:
        case "count" | "measure":
            return float(number)
        case "amount":
            return 1.0 if _MONEY.search(text) else 0.5 * number
        case "duration":
            return float(bool(_UNITS & spoken)) * (1.0 if number else 0.4)
        case "frequency":
            return float(bool(_FREQUENCIES & spoken)) * (1.0 if _UNITS & spoken else 0.6)
        case "time":
            if _YEAR.search(text):
                return 1.0
            dated = bool((_UNITS | _TIMES) & spoken)
            return 0.7 if dated and number else 0.5 * dated
        case "person":
            names = (found.group() for found in _NAME.finditer(text) if found.start() > 0)
            return float(any(fold_accents(name.casefold()) not in asked for name in names))
        case "place":
            return float(bool(_PLACE.search(text)))
        case "reason":
            return float(bool(_REASON.search(text)))
        case "manner":
            return float(bool(_MANNER.search(text)))
        case "permission":
            return float(bool(_PERMISSION.search(text)))
        case _:
            return 0.5
