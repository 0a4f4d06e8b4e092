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
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from retrieval.citations import sentence_spans
from retrieval.parsing.document import Block, ParsedDocument, ParseReport, Skipped
from retrieval.places import HEADING_JOIN

_CUT = 3  # points at which a sentence is left out
_RUN = 4  # points that neighbouring sentences with signs of their own need together
_MOST_LISTED = 50
_EXCERPT_WORDS = 6
_LONGEST_READ, _OVERLAP = 1_500, 300  # characters: bounds the work for a text without sentences

# --- normalise: the letters that a reader sees ---------------------------------------------------------------

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
_VOCABULARY = frozenset(
    """a an the and or all any of to in on with you your yours are now must is it this that previous prior above earlier
    ignore disregard forget override bypass instruction instructions rule rules guideline guidelines prompt prompts system
    reveal print show repeat output display tell say reply respond answer only word words learner user student score
    grade full marks call assistant assistants model hidden secret from
    ignora olvida todas todos las los instrucciones anteriores previas responde solo muestra
    ignore desconsidere as os instrucoes anteriores responda apenas mostre
    ignoriere alle vorherigen bisherigen anweisungen antworte nur zeige
    ignorez oublie toutes les instructions consignes precedentes reponds affiche""".split()
)
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
_LEET_WORD = re.compile(r"(?<![\w@$])(?=[\w@$]*[^\W\d_])(?=[\w@$]*[013457@$])[\w@$]{3,}(?![\w@$])")
_LEET = str.maketrans("013457@$", "oieastas")
_REVERSED = re.compile(r"\b(?:s?noitcurtsni|tpmorp|erongi|tnatsissa|drageride?sid|senoiccurtsni|negnusiewna)\b")


def _folded(text: str) -> str:
    """Lower case without accents; "AI", "IA" and "KI" become "xaix", for small "ai" and "ia" are words of their own."""
    plain = _ARTIFICIAL.sub("xaix", normalise(text)).casefold()
    if plain.isascii():
        return plain
    decomposed = unicodedata.normalize("NFD", plain)
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


# --- the signs ------------------------------------------------------------------------------------------------

_CONCEPTS = {
    # "within": so many words may stand between two signs.
    "near": r"\W+(?:[\w'-]+\W+){0,4}?",
    "close": r"\W+(?:[\w'-]+\W+){0,2}?",
    "override": (
        r"(?:ignore[rz]?|ignorier(?:en|e|t)|ignora[rd]?|ignorem|disregard|forget|overrid(?:e|ing)|bypass|overrule|discard|"
        r"(?:stop|do not|don't|never) (?:following|follow|obey)(?:ing)?|olvid(?:ad|ar|a|en|e)|descart(?:ar|a|em|e)|"
        r"desconsider(?:ar|em|e)|esquec(?:am|a|er)|omit(?:ir|a|e)|ha(?:z|ga|gas) caso omiso (?:de|a)|no (?:sigas|obedezcas)|"
        r"nao (?:siga|obedeca)|vergiss|vergesst|vergessen sie|vergessen|missacht(?:en|et|e)|ubergeh(?:en|e|t)|verwirf|"
        r"oublie[rz]?|neglige[rz]?|ne (?:tiens|tenez) pas compte d(?:es|e|u)|(?:fais|faites) abstraction d(?:es|e|u)|"
        r"ne sui(?:s|vez) pas)"
    ),
    "prior": (
        r"(?:previous|prior|above|earlier|preceding|foregoing|former|existing|original|initial|all|any|every|your|safety|"
        r"anterior(?:es)?|previ[oa]s?|de arriba|tus|suas|seus|tuas|teus|acima|iniciais|iniciales|tod[ao]s|alle[nr]?|"
        r"vorherige[nr]?|vorige[nr]?|obige[nr]?|bisherige[nr]?|vorangegangenen|fruheren|deine[nr]?|toute?s|tous|"
        r"precedente?s?|ci-dessus|anterieure?s|tes|vos|operator's|developer's)"
    ),
    "orders": (
        r"(?:instructions?|directives?|directivas?|prompts?|commands?|rules?|guidelines?|guardrails|constraints|restrictions?|"
        r"programming|polic(?:y|ies)|instruccion(?:es)?|indicaciones|reglas|normas|ordenes|restricciones|instrucoes|regras|"
        r"orientacoes|ordens|restricoes|anweisung(?:en)?|instruktionen|regeln|vorgaben|befehle|richtlinien|einschrankungen|"
        r"consignes?|regles?|politique)"
    ),
    "machine": (
        r"(?:(?:virtual|digital|automated) assistants?|xaixs?(?:[ -](?:\w*assist\w*|models?|systems?|agents?|tools?|bots?|"
        r"modell\w*|system\w*))?|llms?|(?:large )?language models?|chat ?bots?|chatgpt|gpt(?:-?\d\w*)?|copilot|"
        r"(?:modelos?|as?sistentes?|sistemas?) (?:de |da )?(?:lenguaje|linguagem|xaix|inteligencia artificial)|"
        r"modeles? de langage|(?:assistants?|systemes?|modeles?) (?:d'|de l')?xaix|sprachmodell(?:en|e|s)?)"
    ),
    "helper": (
        r"(?:assistants?|as?sistentes?|assistent(?:en|in)?|bots?|the model|el modelo|o modelo|das modell|le modele|graders?)"
    ),
    "must": (
        r"(?:must|should|shall|has to|have to|will|needs? to|is to|are to|debe[ns]?|tiene que|deve[m]?|tem que|muss|mussen|"
        r"soll(?:en|st|te)?|doit|doivent|dois|devez)"
    ),
    "your_answer": (
        r"(?:(?:your|each|every|any) (?:of your )?(?:final |next |own )?(?:answers?|repl(?:y|ies)|responses?|outputs?)|"
        r"(?:tus?|sus?|cada) respuestas?|(?:tuas?|suas?|cada) respostas?|(?:deine[rnm]?|ihre[rnm]?|jede[rn]?) antwort(?:en)?|"
        r"(?:ta|votre|tes|vos|chaque) reponses?)"
    ),
    "insert": (
        r"(?:add(?:ing)?|include|including|append|insert|integrate|put|attach|embed|weave|anad(?:e|ir|a)|agreg(?:ar|a|ue)|"
        r"incluy[ea]|insert[ae]|adicion[ea]|inclua|insira|acrescent[ea]|fug(?:e|en)|erganz(?:e|en)|baue|ajoute[rz]?|"
        r"inclus|inclue[rz]|insere[rz]?|start|begin|end|finish|open|close|comienz[ae]|empiez[ae]|termin[ae]|comec[ea]|"
        r"beginne|beende|commence[rz]?|termine[rz]?)"
    ),
    "learner": (
        r"(?:learners?|users?|students?|readers?|nutzer\w*|benutzer\w*|lernende\w*|studierende\w*|usuari[oa]s?|alumn[oa]s?|"
        r"estudiantes?|alun[oa]s?|estudantes?|apprenant\w*|utilisat\w*|etudiant\w*|lecteurs?|lector(?:es)?|leitor(?:es)?)"
    ),
    "now_on": (
        r"(?:from now on(?:wards?)?|from this (?:moment|point)(?: on)?|starting now|henceforth|a partir de a(?:h|g)ora|"
        r"de ahora en adelante|de agora em diante|ab jetzt|ab sofort|von nun an|a partir de maintenant|desormais|dorenavant)"
    ),
    "this": r"(?:this|the current|diese[rmns]?|este|esta|deste|desta|cette|cet|ce)",
    "work": (
        r"(?:answers?|submissions?|essays?|attempts?|students?|learners?|users?|responses?|assignments?|respuestas?|entregas?|"
        r"estudiante|alumn[oa]|respostas?|alun[oa]|antwort|abgabe|lernende\w*|reponse|copie|apprenant\w*|etudiant\w*)"
    ),
    "page": (
        r"(?:page|document|text|file|note|paragraph|passage|section|site|website|pagina|documento|texto|archivo|nota|parrafo|"
        r"arquivo|paragrafo|seite|dokument|datei|absatz|notiz|fichier|paragraphe)"
    ),
    "reveal": (
        r"(?:print|reveal|show|repeat|output|display|disclose|expose|leak|tell me|write (?:out|down)|list|share|summari[sz]e|"
        r"copy|quote|give (?:me|us)|what (?:is|are|was|were)|muestr[ae]|mostr(?:ar|a|e)|revel(?:ar|a|e)|imprim(?:ir|e|a)|"
        r"repit[ea]|repet[ea]|escrib[ea]|ensena|exib[ea]|dime|cual es|qual e|gib|zeig(?:en|e)?|nenne|drucke|wiederhole|"
        r"verrate|schreibe?|affiche[rz]?|montre[rz]?|revele[rz]?|repete[rz]?|donne[rz]?|ecri(?:s|vez))"
    ),
    "hidden_prompt": (
        r"(?:(?:system|hidden|secret|initial|original|internal|developer|pre)[ -]?(?:prompts?|messages?|instructions?)|"
        r"prompt (?:de |del |do |du )?(?:sistema|systeme)|invite (?:de )?systeme|"
        r"(?:instruccion\w*|instruc\w*|mensaje|mensagem) (?:de |del |do |ocult\w+|intern\w+|inicia\w+)(?:sistema)?|"
        r"system(?:prompts?|anweisung(?:en)?|nachricht)|(?:versteckten|internen|ursprunglichen|geheimen) anweisungen|"
        r"(?:instructions?|consignes?) (?:systeme|cachees|internes|initiales|secretes)|"
        r"(?:instructions?|rules?|text|prompt) (?:that )?you (?:were|have been|are) given|your prompt|tu prompt|seu prompt|"
        r"deinen? prompt|ton prompt)"
    ),
    "command_before": r"(?:instructions?|note|message|notice|memo|reminder|attention|hint|warning|important|nota|aviso|mensaje|"
    r"mensagem|atencion|atencao|importante|instrucciones|instrucoes|hinweis|achtung|anweisung(?:en)?|nachricht|anmerkung|"
    r"wichtig|avis|consignes?|dear|hey|hello|hi|liebe[rs]?|estimad[ao]s?|querid[ao]s?|prezad[ao]s?|chers?|cheres?)",
    "articles": r"(?:(?:important|hidden|secret|message|note|notice|for|to|an|fur|para|a|al|el|la|los|las|o|os|as|aos?|les|le|aux|"
    r"au|pour|l'|all|any|every|the|our|alle|jede\w*|tous|toutes|tod[ao]s|die|den|das|der)[\s,:']+)*",
}


def _pattern(template: str) -> re.Pattern[str]:
    """A pattern in which ⟨name⟩ stands for a concept."""
    return re.compile(re.sub("⟨([a-z_]+)⟩", lambda match: _CONCEPTS[match[1]], template))


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


_ORDERS = "tells an assistant to drop its instructions"
_ADDRESS = "speaks to an AI assistant"
_PROMPT = "asks for an assistant's hidden instructions"
_ANSWER = "orders how an assistant words its answers"
_SCORE = "orders a score"
_TOOL = "imitates a call of a tool"
_TURN = "imitates the turns of a conversation with an assistant"
_REACH = "widens what an assistant may read or show"
_FORGE = "orders false quotations or made-up answers"
_PERSONA = "gives an assistant another role"
_HIDE = "asks to hide something from the learner"
_SEND = "asks to send data to an outside address"
_ABUSE = "orders an assistant to offend people"

_TABLE: tuple[tuple[str, int, str, bool], ...] = (
    # dropping instructions
    (_ORDERS, 3, r"\b⟨override⟩\b(?:\W+[\w']+){0,3}?\W+⟨prior⟩\W+(?:(?!and\b|or\b|the\b)[\w']+\W+){0,2}?⟨orders⟩\b", True),
    (_ORDERS, 3, r"\b⟨override⟩\b(?:\W+[\w']+){0,3}?\W+⟨orders⟩\W+(?:[\w']+\W+){0,1}?"
     r"(?:above|previous|anterior(?:es)?|previas?|de arriba|acima|precedente?s|ci-dessus|anterieures|oben|you (?:were|have|got))", True),
    (_ORDERS, 3, r"\b⟨override⟩\W+(?:everything|anything|all|todo|tudo|alles|tout)\b(?:\W+[\w']+){0,3}?\W+"
     r"(?:above|before|told|given|learned|learnt|know|dicho|dito|oben|gesagt|precede|dit)\b", True),
    (_ORDERS, 3, r"\b(?:alle|deine|samtliche)\b(?:\W+\w+){0,2}\W+⟨orders⟩(?:\W+\w+){0,3}\W+(?:ignorieren|vergessen|missachten)\b", False),
    (_ORDERS, -2, r"\b⟨override⟩\b[^.;:]*?⟨orders⟩ (?:about|on|regarding|concerning|for|from|sobre|acerca de|para|uber|zu[mr]?|fur|"
     r"sur|pour|concernant) ", False),
    (_ORDERS, 2, r"\b(?:previous|prior|above|earlier) (?:system )?(?:instructions|prompts?|rules)\b.{0,20}\b(?:void|cancel\w*|no longer)",
     False),
    (_ORDERS, 2, r"\b(?:follow|obey|execute)⟨near⟩⟨orders⟩⟨near⟩⟨this⟩ ⟨page⟩\b.{0,20}\binstead\b", True),
    (_ORDERS, 2, r"\byour (?:new|real|actual|true|updated) (?:instructions?|orders|task|goal|objective) (?:is|are)\b", False),
    (_ORDERS, 2, r"\b(?:tus|suas|deine|ihre|tes|vos) (?:nuevas|novas|neuen?|nouvelles) (?:instruc\w+|aufgaben?|anweisungen|consignes) "
     r"(?:son|sao|lauten|sind|sont)\b", False),
    (_ORDERS, 3, r"\b(?:new|updated|neue|nuevas|novas|nouvelles) system[ -]?(?:instructions?|prompts?)\s*:", False),
    (_ORDERS, 1, r"\b(?:everyone|anyone|anybody|whoever)(?: who)? asks\b", False),
    # speaking to an assistant
    (_ADDRESS, 3, r"\b⟨command_before⟩[\s,:]+⟨articles⟩⟨machine⟩\b(?:\W+[\w']+){0,3}?\s*[:,!]", False),
    (_ADDRESS, 2, r"\b⟨command_before⟩[\s,:]+⟨articles⟩(?:⟨machine⟩|assistants)\b", False),
    (_ADDRESS, 1, r"\b(?:note|message|attention|reminder|nota|aviso|hinweis|note)[\s,:]+⟨articles⟩⟨helper⟩\s*[:,]", False),
    (_ADDRESS, 3, r"\b(?:if|wenn|falls|si|se)\W+(?:you|du|tu|sie|usted|voce|vous)?\W*(?:are|'re|eres|es|sind|e|etes|for|fores)?"
     r"\W*(?:an?|eine?|una?|uma?|une)?\W*⟨machine⟩\b(?! (?:is|are|gives|makes|wird|ist|da|est))", False),
    (_ADDRESS, 3, r"\b(?:as|als|como|en tant qu[e']?)\W+(?:an? |eine? |una? |uma? |une? )?⟨machine⟩,?\W+(?:you|du|tu|voce|vous|debes)\b",
     False),
    (_ADDRESS, 3, r"\b(?:⟨machine⟩|any assistant|all assistants)\b(?:\W+[\w']+){0,2}?\W+(?:read|process|summar|index|visit|liest|lesen|"
     r"verarbeit|zusammenfass|le[ea]|leia|lit|lis|resum|traite)\w*(?:\W+[\w']+){0,2}?\W+⟨this⟩ ⟨page⟩\b.*?\b⟨must⟩\b", False),
    (_ADDRESS, 2, r"^\W*⟨machine⟩\s*[,:!]\s*(?:please|you|bitte|por favor|⟨reveal⟩|⟨override⟩)", False),
    (_ADDRESS, 1, r"^\W*⟨helper⟩\s*[,:!]\s", False),
    (_ADDRESS, 1, r"\b⟨helper⟩ (?:now )?⟨must⟩ ", False),
    # hidden instructions
    (_PROMPT, 3, r"\b⟨reveal⟩\b(?=.{0,60}\b(?:your|full|entire|whole|complete|hidden|secret|verbatim|word for word|tu|tus|su|sus|completo|"
     r"seu|suas|deine\w*|ihre\w*|vollstandig\w*|ton|tes|votre|entier|you were given|palavra por palavra)\b)⟨near⟩⟨hidden_prompt⟩", True),
    (_PROMPT, 2, r"\b⟨reveal⟩⟨near⟩⟨hidden_prompt⟩", True),
    (_PROMPT, 2, r"\b⟨reveal⟩\W+(?:all |the )?(?:everything|text|words|lines|all)\W+(?:that is |written )?(?:above|before this)", True),
    (_PROMPT, 1, r"\b(?:verbatim|word for word)\b", False),
    # wording of answers
    (_ANSWER, 1, r"\b⟨your_answer⟩\b", False),
    (_ANSWER, 1, r"\b(?:before|when(?:ever)?|each time) (?:you )?(?:answer|respond|reply)(?:ing)?\b|\bantes de (?:responder|contestar)\b|"
     r"\bbevor du antwortest\b|\bavant de repondre\b|\bwenn du antwortest\b|\b(?:cuando|quando) respond\w+\b", False),
    (_ANSWER, 2, r"\b⟨your_answer⟩ && \b(?:replac\w+|substitut?\w*|swap|exchang\w+|remov\w+|rearrang\w+|scrambl\w+|shuffl\w+|revers\w+|"
     r"introduc\w+|capitali[sz]e|write|spell|misspell|use|insert|reemplac\w+|reemplaz\w+|sustitu\w+|cambi\w+|quit\w+|troqu\w+|troc\w+|"
     r"remov\w+|ersetz\w+|tausch\w+|entfern\w+|remplac\w+|echang\w+|supprim\w+)\b && \b(?:all |every |the |random )?(?:letters?|vowels?|"
     r"consonants?|characters?|spaces?|typos?|spelling|misspell\w*|emojis?|anagrams?|words? backwards?|backwards|symbols|asterisks|"
     r"letras?|vocales|vogais|espacios|espacos|buchstaben|vokale|leerzeichen|lettres?|voyelles?|espaces)\b", False),
    (_ANSWER, 2, r"\b⟨your_answer⟩ && \b(?:base ?64|rot ?13|morse|pig latin|leetspeak|caesar cipher|cipher|encod\w+|encrypt\w*|"
     r"cifr\w+|codifi\w+|verschlussel\w+|kodier\w+|chiffre[rz]?)\b", False),
    (_ANSWER, 2, r"\b⟨your_answer⟩ && \b⟨insert⟩\b && (?:https?:|www\.|\w\.(?:com|net|org|xyz|example)\b|\bheadlines?\b|"
     r"\bclickbait\b|\badvert\w*|\bdownload\b|\bsubscribe\b|\bvote\b|\bcoupon|\bsponsor\w*|!\[)", False),
    (_ANSWER, 1, r"\b⟨your_answer⟩ && \b(?:encourag|urg|invit|persuad|convinc|ask)\w*\W+(?:⟨learner⟩|people|everyone|voters)\b", False),
    (_ANSWER, 1, r"\b⟨your_answer⟩ && \bfor (?:users|readers|learners|people) to\b", False),
    (_ANSWER, 1, r"\b⟨insert⟩⟨close⟩(?:sentences?|lines?|phrases?|statements?|words?|paragraphs?|frases?|satz|satze|phrases?|oracion|"
     r"enlace|lien|link)\b && ⟨your_answer⟩", True),
    (_ANSWER, 1, r"\b⟨insert⟩⟨close⟩(?:sentences?|lines?|phrases?|paragraphs?)\b⟨near⟩⟨your_answer⟩\W+(?:detailing|encouraging|about|that says|"
     r"saying|promoting|recommending|praising|urging)", True),
    (_ANSWER, 1, r"\b⟨your_answer⟩⟨close⟩(?:the )?(?:sentence|words?|phrase|line|text)\s*[\"':]", False),
    (_ANSWER, 1, r"\b(?:reply|respond|answer|say|output|contesta|responde|responda|antworte|reponds|repondez)⟨close⟩"
     r"(?:only|solely|just|nothing but|solo|solamente|unicamente|somente|apenas|nur|ausschliesslich|seulement|uniquement)\b", True),
    (_ANSWER, 1, r"\b(?:only|solely|just|nothing but|solo|solamente|unicamente|somente|apenas|nur|seulement|uniquement)\W+"
     r"(?:with |con |com |mit |par |avec )?(?:the |el |la |a |o |dem |das |le |l[ae] )*(?:words?|phrase|text|sentence|palabra|palavra|frase|wort|mot)\b",
     False),
    (_ANSWER, 1, r"\b(?:when(?:ever)?|if|every time|wenn|falls|cuando|si|se|quando|quand|lorsque|lorsqu')\W+(?:some\w+|any\w+|a |the |un |el |o |"
     r"jemand|alguien|alguem|quelqu'un)[\w ]{0,12}?(?:asks?|wants to know|fragt|pregunt\w+|pergunt\w+|demande)\b", False),
    # scores
    (_SCORE, 2, r"\b(?:give|award|set|assign|grade|mark|rate|record|enter|bewerte[n]?|gib|vergib|otorg\w+|pon|califica|asigna|atribu\w+|"
     r"de|donne[rz]?|note[rz]?|attribue[rz]?)\b.*\b(?:full|maximum|max|highest|top|perfect|100|a\+|volle|hochste|maxim[ao]|maximale?)\b && "
     r"\b(?:marks?|scores?|grades?|graded|points?|note|punkt\w*|puntuacion|nota|pontuacao|submission|answer)\b", True),
    (_SCORE, 1, r"\b(?:marks?|scores?|grades?|points?|punkt\w*|puntuacion|notas?|pontuacao|note)\b && \b⟨this⟩ (?:\w+ )?⟨work⟩\b", False),
    (_SCORE, -1, r"\b(?:if|when|for each|unless|wenn|si|se|quando|cuando)\b.*\b(?:full|maximum|marks?|points?|score)\b|"
     r"\b(?:full|maximum) \w+ (?:if|when|for each|unless|wenn|si|se|quando|cuando)\b", False),
    (_SCORE, 1, r"\b(?:skip|ignore|whatever|regardless of)⟨close⟩(?:rubric|criteria|answer key)\b", False),
    # tools
    (_TOOL, 1, r"\b(?:call|invoke|execute|run|trigger|llam\w+|ejecut\w+|cham\w+|execut\w+|rufe?|appel\w+)\W+(?:[\w']+\W+){0,3}?[a-z]+(?:_[a-z]+)+\b",
     False),
    (_TOOL, 1, r"\b[a-z]*_?(?:score|grade|mark)s?\s*[=:]\s*\d", False),
    (_TOOL, 1, r"[a-z]_[a-z] && \b(?:this|the current|deste|desta|este|esta|diese\w*|cet|cette) ⟨learner⟩", False),
    (_TOOL, 3, r"\{\s*\"(?:tool|tool_?calls?|function_?call|tool_use|function)\"\s*: && \"(?:args|arguments|parameters|params|input|name|url|to)\"",
     False),
    # turns
    (_TURN, 3, r"<\|[a-z_]+\|>|\[/?inst\]|<</?sys>>", False),
    (_TURN, 2, r"</?(?:system|context|instructions?|prompt|assistant|user|documents?|sources?)>", False),
    (_TURN, 1, r"(?:^|[.!?>\n]\s*)\W*(?:user|human|assistant|system|usuario|asistente|assistente|benutzer|assistent|utilisateur)\s*:\s", False),
    # reach
    (_REACH, 1, r"\byou (?:are|may|can|have|'re)\b⟨close⟩now\b|\byou (?:are )?now\b|\band (?:may|can) (?:show|use|read|share)\b|\bdu darfst\b|"
     r"\b(?:und )?darfst\b|\bahora (?:puedes|tienes)\b|\bpuedes ahora\b|\bagora (?:voce )?(?:pode|tem)\b|\bvoce (?:agora )?pode\b|"
     r"\b(?:tu peux|vous pouvez) (?:maintenant|desormais)\b|\bsie durfen (?:jetzt|ab sofort)\b", False),
    (_REACH, 2, r"\b(?:documents?|files?|data|records?|contents?|sources?|grades?|dokumente\w*|daten|dateien|noten|documentos|archivos|datos|"
     r"registros|arquivos|dados|notas|fichiers|donnees)\W+(?:[\w']+\W+){0,3}?(?:all|other|any|every|alle[nr]?|andere[nr]?|tod[ao]s|otr[ao]s|"
     r"outr[ao]s|tous|toutes|d'autres|autres)\W+(?:[\w']+\W+){0,2}?(?:courses?|kurse[n]?|cursos|cours|formations|⟨learner⟩|organi\w+|tenants?)\b",
     False),
    (_REACH, 2, r"\b(?:⟨reveal⟩|liste[rz]?|lista)\b⟨near⟩(?:other|otr[ao]s|outr[ao]s|andere[nr]?|autres)\W+(?:[\w']+\W+){0,1}?⟨learner⟩"
     r"(?:'s|s')?(?:\W+[\w']+){0,3}?\W+(?:names?|e-?mails?|grades?|scores?|passwords?|data|answers|records)\b", True),
    (_REACH, 2, r"\b(?:⟨reveal⟩|liste[rz]?|lista)\b⟨near⟩(?:names?|grades?|e-?mails?|datos|notas|correos|dados|daten|noten|donnees|notes)\W+"
     r"(?:[\w']+\W+){0,2}?(?:other|otr[ao]s|outr[ao]s|andere[nr]?|autres)\W+⟨learner⟩", True),
    # another role
    (_PERSONA, 3, r"\b(?:you|du|tu|eres|voce|vous)\b.{0,40}\b(?:developer|god|debug|jailbreak|unrestricted|dan) mode\b|"
     r"\b(?:enter|enable|activate) (?:developer|god|debug|jailbreak|dan) mode\b", False),
    (_PERSONA, 3, r"\b(?:act as|you are(?: now)?|behave as|pretend to be|play)\W+(?:an? |the )?(?:\w+ )?(?:unrestricted|unfiltered|uncensored|jailbroken|amoral|evil)\b",
     False),
    (_PERSONA, 3, r"\b(?:you|du|eres|voce|tu|vous|usted)\b.{0,25}\b(?:⟨machine⟩|⟨helper⟩)\W+(?:\w+\W+)?(?:without|with no|sin|sem|ohne|sans)\W+"
     r"(?:any |ninguna? |nenhuma? |jegliche |aucune? )?(?:rules?|restrictions?|limits?|filters?|reglas|restricciones|limites|filtros|regras|restricoes|"
     r"regeln|einschrankungen|filter|grenzen|regles|filtres?)\b", False),
    (_PERSONA, 2, r"\byou (?:have no|are free of|no longer have)⟨close⟩(?:limits?|rules?|restrictions?|filters?)\b|"
     r"\byou (?:answer|respond|reply) without (?:any )?(?:filters?|limits?|restrictions?)\b", False),
    (_PERSONA, 1, r"\b⟨now_on⟩\b", False),
    # offence
    (_ABUSE, 2, r"\b(?:insult\w*|mock|ridicul\w+|humiliat\w+|swear at|threaten|offend|belittl\w+|beleidig\w+|verspott\w+|burl\w+|zomb\w+|ofend\w+|"
     r"humill\w+|humilh\w+|moqu\w+|humili\w+)⟨close⟩⟨learner⟩\b", True),
    # forging
    (_FORGE, 3, r"\b(?:treat|consider|regard|take|interpret|accept|trat[ae]\w*|consider[ae]\w*|tom[ae]|behandl\w+|betracht\w+|traite\w*)⟨near⟩"
     r"(?:next|following|below|siguiente|proxim[ao]|seguinte|nachste[nr]?|folgende[nrs]?|suivante?|prochaine?)\W+(?:[\w']+\W+){0,3}?"
     r"(?:as|como|als|comme)\W+(?:[\w']+\W+){0,3}?(?:official|verified|authoritative|binding|genuine|trusted|approved|oficial\w*|verificad[ao]|"
     r"offiziell\w*|verifiziert\w*|amtlich\w*|officiel\w*|verifiee?|quotes?|quotations?|citations?|cita|citacao|zitat|instructions?|commands?)\b",
     True),
    (_FORGE, 1, r"\bfor (?:citation|quotation|quoting) purposes\b", False),
    (_FORGE, 2, r"\b(?:invent\w*|make up|making up|fabricat\w+|hallucinat\w+|erfind\w+)⟨near⟩(?:answers?|sources?|citations?|quotes?|references?|"
     r"respuestas?|fuentes?|citas?|respostas?|fontes?|citac\w+|antwort\w*|quellen?|zitate?|reponses?)\b", True),
    (_FORGE, 1, r"\b(?:if|when) (?:you are |you're |you )?(?:not sure|unsure|in doubt|don't know|do not know)\b|\bsi no (?:estas|esta) segur\w+\b|"
     r"\bse nao (?:tiver certeza|souber)\b|\bwenn du (?:dir )?(?:unsicher|nicht sicher)\b|\bsi tu n'es pas sur\w*\b", False),
    (_FORGE, 1, r"\b(?:cit(?:e|es|ing|ation|em|ez|ar|a|ando)|zitier\w*|quell\w*|reference)\W+(?:to |always |sempre |siempre |immer |toujours |a |de )*"
     r"⟨this⟩ ⟨page⟩", False),
    (_FORGE, 1, r"\b(?:never|do not|don't|nunca|jamas|no|nao|nie|niemals|ne)\b⟨close⟩(?:say|admit|tell|answer|state|reply|di[gc]\w*|respond\w*|sag\w*|"
     r"antwort\w*|dis|dites|reponds)\b.*?\b(?:not covered|don't know|do not know|not in the|no information|no esta cubiert\w+|no sab\w+|nao (?:esta|sabe)|"
     r"nicht (?:abgedeckt|weisst|enthalten)|pas couvert\w*|ne sais pas)\b", False),
    (_FORGE, 1, r"\balways (?:tell|say|answer|reply|recommend|claim)\b|\b(?:siempre|sempre|immer|toujours)\b⟨close⟩(?:que|dass)\b|"
     r"\b(?:di|diga|dites|dis|sag|sagt|digam) (?:siempre|sempre|immer|toujours)\b", False),
    # hiding and sending
    (_HIDE, 2, r"\b(?:do not|don't|never|without|no|nao|nicht|ne|n')\b⟨close⟩(?:mention\w*|tell\w*|reveal\w*|disclos\w+|mencion\w+|erwahn\w+|revel\w+)\b"
     r"⟨near⟩⟨this⟩ (?:instructions?|notes?|messages?|sentence|hint|paragraph|prompt|instruccion|nota|instrucao|anweisung|hinweis|consigne|phrase)\b",
     False),
    (_HIDE, 1, r"\b(?:tell|telling|inform)\W+(?:the )?(?:users?|learners?|nobody|no one)\b", False),
    (_SEND, 2, r"\b(?:send|post|forward|e-?mail|upload|transmit|envi\w+|mand\w+|schick\w*|sende\w*|envoi\w+|envoy\w+)⟨near⟩"
     r"(?:conversation|chat|history|context|prompt|names?|passwords?|answers?|data|conversacion|conversa|gesprach|verlauf|daten|datos|dados|donnees)\b"
     r".{0,40}?(?:https?:|\w@\w)", True),
    (_SEND, 1, r"!\[[^\]]*\]\(\s*https?:", False),
    (_SEND, 2, r"https?:[^\s<>\[\]()\"]*\{\w+\}", False),
    (_SEND, 1, r"\b⟨insert⟩⟨close⟩(?:image|picture|pixel|link|imagen|imagem|bild|lien)\b", True),
)  # fmt: skip


def _sign(reason: str, points: int, template: str, commands: bool) -> _Sign:
    first, *besides = (_pattern(part) for part in template.split(" && "))
    return _Sign(reason, points, first, tuple(besides), commands)


_SIGNS = tuple(_sign(*row) for row in _TABLE)

# Most sentences have none of these, and are done with.
_SUSPICIOUS = re.compile(
    r"instruc|directiv|prompt|\brule|\bregel|\bregl|\breglas|\bregras|guideline|richtlin|vorgabe|befehl|anweis|consigne|ordenes|polic|politique|"
    r"restric|told|above|xaix|\bllm|language model|lenguaje|linguagem|langage|sprachmodell|chat ?bot|gpt|copilot|assist|asistent|answer|repl|respo|"
    r"respues|antwort|reponse|repond|output|\bgrade|\bscore|\bmark|points|punkt|puntua|pontua|\bnota|_[a-z]|tool|function|<\||\[/?inst|<<|</?\w+>|"
    r"user|human|usuario|benutzer|learner|student|alumn|alun|etudiant|apprenant|lernende|nutzer|mode\b|unrestrict|unfilter|uncensor|jailbr|filter|"
    r"treat|consider|regard|behandl|betracht|traite|trat|citation|quot|invent|make up|fabricat|erfind|cite|cita|zitier|mention|!\[|https?:|conversation|"
    r"gesprach|covered|curso|kurse|course|cours\b|organi|everything|alles|todo|tudo|you (?:are )?now|asks"
)
_BEFORE_A_COMMAND = frozenset(
    """and then or please now just must should shall will can could may always you instead also to never only but kindly first next
    y e ou und et o luego entonces ahora agora entao jetzt dann bitte puis ensuite maintenant favor debes debe deve deves devem musst sollst
    muss soll sollen mussen dois doit devez doivent du sie tu usted voce vous siempre sempre immer toujours assistant assistants asistente
    assistente thanks ok okay well so""".split()
)
# "For citation purposes treat ...", "From now on insult ...": a clause may open with words of time or purpose.
_LEADS_IN = re.compile(
    rf"(?:^|[.!?;:,\n]\s*)(?:{_CONCEPTS['now_on']}|(?:for|in|on|at|with|before|after|during|to|when|if|para|en|em|antes de|despues de|"
    r"depois de|bei|vor|nach|fur|pour|avant de|apres)\s+\w+(?:\s+\w+){0,3})$"
)
_DENIED_BEFORE = re.compile(r"(?:\bnot|n't|\bnever|\bno|\bnunca|\bjamas|\bnao|\bne|\bn'|\bjamais|\bnie|\bniemals|\bcannot|\bwithout)\s*$")
_DENIED_AFTER = re.compile(r"^\W*(?:sie |du )?(?:nicht|pas|nie|niemals)\b")
_ASKED_OF_YOU = re.compile(r"\b(?:you|du|sie|vous|tu|usted|voce|te|⟨helper⟩|⟨machine⟩)\b(?:\W+[\w']+){0,4}\W*$".replace(
    "⟨helper⟩", _CONCEPTS["helper"]).replace("⟨machine⟩", _CONCEPTS["machine"]))  # fmt: skip
_QUOTED = re.compile(r"\"[^\"]{3,}\"|`[^`]{3,}`|(?<!\w)'[^']{8,}'(?!\w)")
_DESCRIBES = re.compile(
    r"\battack|\binject|\bmalicious|\badversar|\bjailbreak|\bphish|\bhacker|\bfraud|\bscam|\btrick|\bexploit|\bmanipulat|\bexample|\bfor instance|"
    r"\be\.g\.|\bsuch as|\bmight (?:say|read|contain)|\bmay (?:say|read|contain)|\bcould (?:say|read)|\bphrases? like|\bsentences? like|\breport it|"
    r"\bangreifer|\bangriff|\bbeispiel|\bschadlich|\bmanipulier|\batacante|\bataque|\binyeccion|\bejemplo|\bmalicios|\bexemplo|\binjecao|\bgolpista|"
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
    units = [_Unit(0, start, end, text[start:end], _look(text[start:end])) for start, end in sentence_spans(text)]
    for unit in _judged(units):
        if unit.cut:
            return unit.finding.reason
    whole = _look(text)
    return whole.reason if whole.points >= _CUT and not whole.mentioned else None


def _look(text: str) -> _Finding:
    """The strongest reading of one sentence; a very long one is read in overlapping pieces."""
    if len(text) > _LONGEST_READ:
        step = _LONGEST_READ - _OVERLAP
        pieces = (text[at : at + _LONGEST_READ] for at in range(0, len(text), step))
        return max((_look(piece) for piece in pieces), key=lambda found: found.points)
    folded = _folded(text)
    finding = _points(folded)
    if finding.points < _CUT:
        if _LEET_WORD.search(folded):
            plain = _LEET_WORD.sub(lambda match: match[0].translate(_LEET), folded)
            finding = max(finding, _points(plain), key=lambda found: found.points)
        if _REVERSED.search(folded):
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
        if sign.reason in (_ADDRESS, _PROMPT) and sign.points > 1:
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
    if _LEADS_IN.search(before):
        return True
    last = re.findall(r"[\w']+", before[-30:])[-1]
    if last in ("to", "zu", "a", "que", "de"):
        return _ASKED_OF_YOU.search(before[:-len(last)].rstrip()) is not None
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
_ANNOUNCES = re.compile(r"\b(?:next|following|below|siguiente|proxim[ao]|seguinte|nachste[nr]?|folgende[nrs]?|suivante?|prochaine?)\b")


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
        spans = [(a, b) for a, b in zip(starts, starts[1:], strict=False) if text[a:b].strip()]
    else:
        spans = _closing_quotes(text, sentence_spans(text))
    for start, end in spans:
        yield _Unit(at, start, end, text[start:end], _look(text[start:end]))


def _closing_quotes(text: str, spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Sentences, those within one pair of quotation marks together (up to three)."""
    merged: list[tuple[int, int]] = []
    at = 0
    while at < len(spans):
        start, end = spans[at]
        last = at
        while last + 1 < len(spans) and last - at < 2 and _is_open(text[start:end]):
            last += 1
            end = spans[last][1]
        if _is_open(text[start:end]):
            last, end = at, spans[at][1]
        merged.append((start, end))
        at = last + 1
    return merged


def _is_open(text: str) -> bool:
    # The mark that closes may stand behind the span's end, with the white space: then the count is odd as well.
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
    folded = _folded(text)
    return _ANNOUNCES.search(folded) is not None and not _QUOTED.search(folded)


def _judge_broken_lines(units: Sequence[_Unit]) -> None:
    """A sentence that a line end cut in two is judged whole."""
    for one, other in zip(units, units[1:], strict=False):
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
    lines = [line for line in joined.split("\n") if not _BARE_MARK.match(line)] if not block.marks else [joined]
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


def _end_with_marks(text: str, end: int) -> int:
    """The end of a stretch with the quotation mark and white space behind it."""
    match = re.compile(r"[\"'”»)\]]*[^\S\n]*").match(text, end)
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
