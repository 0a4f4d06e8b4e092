"""The signs of a sentence that speaks to an AI assistant: words and patterns for retrieval/screening.py.

Patterns are held against text in lower case without accents, in English, Spanish, Portuguese, German and French.
⟨name⟩ stands for a concept. " && " parts what must all be in the sentence. The table says for each sign: the
reason as a person reads it, its points, the pattern, and whether it counts only as a command (at the start of a
clause, after "must" or "please", and not denied).
"""

from __future__ import annotations

from retrieval.screening_deeds import DEEDS
from retrieval.screening_words import ADDRESS, ANSWER, ORDERS, PROMPT

TABLE: tuple[tuple[str, int, str, bool], ...] = (
    (
        ORDERS,
        3,
        r"\b⟨override⟩\b(?:\W+[\w']+){0,3}?\W+⟨prior⟩\W+(?:(?!and\b|or\b|the\b)[\w']+\W+){0,2}?⟨orders⟩\b",
        True,
    ),
    (
        ORDERS,
        3,
        r"\b⟨override⟩\b(?:\W+[\w']+){0,3}?\W+⟨orders⟩\W+(?:[\w']+\W+){0,1}?(?:above|previous|"
        r"anterior(?:es)?|previas?|de arriba|acima|precedente?s|ci-dessus|anterieures|oben|you "
        r"(?:were|have|got))",
        True,
    ),
    (
        ORDERS,
        3,
        r"\b⟨override⟩\W+(?:everything|anything|all|todo|tudo|alles|tout)\b(?:\W+[\w']+){0,3}?\W+(?:above|"
        r"before|told|given|learned|learnt|know|dicho|dito|oben|gesagt|precede|dit)\b",
        True,
    ),
    (
        ORDERS,
        3,
        r"\b(?:alle|deine|samtliche)\b(?:\W+\w+){0,2}\W+⟨orders⟩(?:\W+\w+){0,3}\W+(?:ignorieren|"
        r"vergessen|missachten)\b",
        False,
    ),
    (
        ORDERS,
        3,
        r"\b⟨override⟩\W+(?:the |all |el |o |den |le )(?:context|conversation|contexto|conversacion|"
        r"conversa|kontext|contexte) (?:above|before|so far|anterior|oben|acima|ci-dessus|precedente)",
        True,
    ),
    (
        ORDERS,
        -2,
        r"\b⟨override⟩\b[^.;:]*?⟨orders⟩ (?:about|on|regarding|concerning|for|from|sobre|acerca "
        r"de|para|uber|zu[mr]?|fur|sur|pour|concernant) ",
        False,
    ),
    (
        ORDERS,
        2,
        r"\b(?:previous|prior|above|earlier) (?:system )?(?:instructions|prompts?|rules)\b.{0,20}\b(?:void"
        r"|cancel\w*|no longer)",
        False,
    ),
    (
        ORDERS,
        2,
        r"\b(?:follow|obey|execute)⟨near⟩⟨orders⟩⟨near⟩⟨this⟩ ⟨page⟩\b.{0,20}\binstead\b",
        True,
    ),
    (
        ORDERS,
        2,
        r"\byour (?:new|real|actual|true|updated) (?:instructions?|orders|task|goal|objective) "
        r"(?:is|are)\b",
        False,
    ),
    (
        ORDERS,
        2,
        r"\b(?:tus|suas|deine|ihre|tes|vos) (?:nuevas|novas|neuen?|nouvelles) (?:instruc\w+|"
        r"aufgaben?|anweisungen|consignes) (?:son|sao|lauten|sind|sont)\b",
        False,
    ),
    (
        ORDERS,
        3,
        r"\b(?:new|updated|neue|nuevas|novas|nouvelles) system[ -]?(?:instructions?|prompts?)\s*:",
        False,
    ),
    (
        ORDERS,
        3,
        r"\b⟨override⟩\W+(?:to |a |al |ao )?(?:your|tu|su|seu|teu|deine[nm]?|ihre[nm]?|ton|votre) "
        r"(?:operators?|developers?|creators?|makers?|operador\w*|desarrollador\w*|desenvolvedor\w*|"
        r"betreiber\w*|entwickler\w*|operateur\w*|developpeur\w*)\b",
        True,
    ),
    (
        ORDERS,
        3,
        r"\b(?:your|tu|seu|deine[nrm]?|ton|votre) (?:system ?prompts?|system instructions|system "
        r"message|prompt (?:de|do|del) sistema|prompt systeme)\b",
        False,
    ),
    (
        ORDERS,
        2,
        r"\b(?:guid\w+|instructions|rules|restrictions|policies)\W+(?:[\w']+\W+){0,2}?(?:no "
        r"longer|not|don't|doesn't) (?:apply|bind)\b|\bnone of the ⟨close⟩(?:guid\w+|instructions|"
        r"rules) applies\b|\b(?:rules|restrictions|filters|guardrails) (?:are|were|have been) "
        r"(?:lifted|suspended|switched off)\b",
        False,
    ),
    (
        ORDERS,
        3,
        r"\b(?:⟨override⟩|no longer⟨close⟩follow|need not follow|free from)⟨near⟩⟨orders⟩ (?:of|"
        r"from|de|del|do|von|des) (?:the |your |tu |tus |su |seu |teu |deine[rsnm]? |ton |votre "
        r"|tes )(?:ai )?(?:operators?|developers?|creators?|makers?|operador\w*|desarrollador\w*|"
        r"desenvolvedor\w*|betreiber\w*|entwickler\w*|developpeur\w*)\b",
        False,
    ),
    (
        ORDERS,
        3,
        r"\b⟨override⟩\W+(?:lo anterior|o anterior|das obige|das vorherige|ce qui precede|the "
        r"above)\b && \b(?:and|y|e|und|et)\b",
        True,
    ),
    (
        ORDERS,
        1,
        r"\b(?:to you, the|apply to you|while you (?:read|process|summar\w+|answer)|your (?:safety|"
        r"ethical|content) (?:guid\w+|rules|polic\w+|filters?))\b",
        False,
    ),
    (
        ORDERS,
        2,
        r"\byou, the (?:assistant|model|bot|⟨machine⟩)\b",
        False,
    ),
    (
        ORDERS,
        3,
        r"\b(?:this|following|below)\b.{0,40}\b(?:is|are|as|contains?) an? (?:system|developer|"
        r"operator) (?:commands?|messages?|prompts?|instructions?)\b",
        False,
    ),
    (
        ORDERS,
        1,
        r"\b(?:everyone|anyone|anybody|whoever)(?: who)? asks\b",
        False,
    ),
    (
        ADDRESS,
        3,
        r"\b⟨command_before⟩[\s,:]+⟨articles⟩⟨machine⟩\b(?:\W+[\w']+){0,3}?\s*[:,!]",
        False,
    ),
    (
        ADDRESS,
        2,
        r"\b⟨command_before⟩[\s,:]+⟨articles⟩(?:⟨machine⟩|assistants)\b",
        False,
    ),
    (
        ADDRESS,
        1,
        r"\b(?:note|message|attention|reminder|nota|aviso|hinweis|note)[\s,:]+⟨articles⟩⟨helper⟩\s*[:,]",
        False,
    ),
    (
        ADDRESS,
        3,
        r"\b(?:if|wenn|falls|si|se)\W+(?:you|du|tu|sie|usted|voce|vous)?\W*(?:are|'re|eres|es|"
        r"sind|e|etes|for|fores)?\W*(?:an?|eine?|una?|uma?|une)?\W*⟨machine⟩\b(?! (?:is|are|"
        r"gives|makes|wird|ist|da|est))",
        False,
    ),
    (
        ADDRESS,
        3,
        r"\b(?:as|als|como|en tant qu[e']?)\W+(?:an? |eine? |una? |uma? |une? )?⟨machine⟩,?\W+(?:you|"
        r"du|tu|voce|vous|debes)\b",
        False,
    ),
    (
        ADDRESS,
        3,
        r"\b(?:⟨machine⟩|any assistant|all assistants)\b(?:\W+[\w']+){0,2}?\W+(?:read|process|"
        r"summar|index|visit|liest|lesen|verarbeit|zusammenfass|le[ea]|leia|lit|lis|resum|traite)\w*(?:\W+"
        r"[\w']+){0,2}?\W+⟨this⟩ ⟨page⟩\b.*?\b⟨must⟩\b",
        False,
    ),
    (
        ADDRESS,
        3,
        r"^\W*⟨articles⟩⟨machine⟩(?: \w+)?\s*[,:!]\s*(?:please|you|your|kindly|bitte|por favor|"
        r"⟨reveal⟩|⟨override⟩|drop|say|tell|rate|answer|reply|claim|give|approve|praise|recommend|"
        r"always|never|when|whenever|if|no|nunca|nao|ne|nie|cuando|quando|wenn|quand|antwort\w*|"
        r"sage?|gebt|gib|sagt|lobe|empfiehl|di|diga[mn]?|apru?eba|responde|afirme|dis|dites|"
        r"affirme|reponds)\b",
        False,
    ),
    (
        ADDRESS,
        3,
        r"^\W*(?:to|an|para|a|aux?|fur|pour) ⟨articles⟩⟨machine⟩\b[^.:]{0,40}:",
        False,
    ),
    (
        ADDRESS,
        1,
        r"^\W*⟨helper⟩\s*[,:!]\s",
        False,
    ),
    (
        ADDRESS,
        1,
        r"\b⟨helper⟩ (?:now )?⟨must⟩ ",
        False,
    ),
    (
        ADDRESS,
        3,
        r"\b(?:you are|you're|eres|voce e|tu es|vous etes|du bist|sie sind)(?: now| ahora| agora|"
        r" jetzt| ab jetzt| maintenant| desormais)?\W+(?:an? |eine? |una? |uma? |une? )?(?:(?:helpful|"
        r"large|powerful) )?(?:⟨machine⟩|dan)\b",
        False,
    ),
    (
        ADDRESS,
        1,
        r"\bassistant\s*:\s*(?:sure|of course|certainly|yes|here|i )",
        False,
    ),
    (
        PROMPT,
        3,
        r"\b⟨reveal⟩\b(?=.{0,60}\b(?:your|full|entire|whole|complete|hidden|secret|verbatim|"
        r"word for word|tu|tus|su|sus|completo|seu|suas|deine\w*|ihre\w*|vollstandig\w*|ton|"
        r"tes|votre|entier|you were given|palavra por palavra)\b)⟨near⟩⟨hidden_prompt⟩",
        True,
    ),
    (
        PROMPT,
        3,
        r"\b(?:reveal|disclose|leak|expose|revel\w+|verrate|offenbare)\b(?!\W+(?:its|their|sus|"
        r"ihre) )⟨near⟩⟨hidden_prompt⟩",
        True,
    ),
    (
        PROMPT,
        2,
        r"\b⟨reveal⟩⟨near⟩⟨hidden_prompt⟩",
        True,
    ),
    (
        PROMPT,
        2,
        r"\b⟨reveal⟩\W+(?:all |the )?(?:everything|text|words|lines|all)\W+(?:that is |written "
        r")?(?:above|before this)",
        True,
    ),
    (
        PROMPT,
        2,
        r"\b⟨reveal⟩\b⟨near⟩(?:api keys?|access tokens?)\b",
        True,
    ),
    (
        PROMPT,
        1,
        r"\b(?:verbatim|word for word)\b",
        False,
    ),
    (
        ANSWER,
        1,
        r"\b⟨your_answer⟩\b",
        False,
    ),
    (
        ANSWER,
        1,
        r"\b(?:before|when(?:ever)?|each time) (?:you )?(?:answer|respond|reply)(?:ing)?\b|\bantes "
        r"de (?:responder|contestar)\b|\bbevor du antwortest\b|\bavant de repondre\b|\bwenn "
        r"du antwortest\b|\b(?:cuando|quando) respond\w+\b",
        False,
    ),
    (
        ANSWER,
        2,
        r"\b⟨your_answer⟩ && \b(?:replac\w+|substitut?\w*|swap|exchang\w+|remov\w+|rearrang\w+|"
        r"scrambl\w+|shuffl\w+|revers\w+|introduc\w+|capitali[sz]e|write|spell|misspell|use|"
        r"insert|reemplac\w+|reemplaz\w+|sustitu\w+|cambi\w+|quit\w+|troqu\w+|troc\w+|remov\w+|"
        r"ersetz\w+|tausch\w+|entfern\w+|remplac\w+|echang\w+|supprim\w+)\b && \b(?:all |every "
        r"|the |random )?(?:letters?|vowels?|consonants?|characters?|spaces?|typos?|spelling|"
        r"misspell\w*|emojis?|anagrams?|words? backwards?|backwards|symbols|asterisks|letras?|"
        r"vocales|vogais|espacios|espacos|buchstaben|vokale|leerzeichen|lettres?|voyelles?|espaces)\b",
        False,
    ),
    (
        ANSWER,
        2,
        r"\b⟨your_answer⟩ && \b(?:replac\w+|substitut\w*|swap|ersetz\w+|reemplaz\w+|remplac\w+) "
        r"(?:every|each|all|jedes|cada|chaque) (?:nouns?|verbs?|words?|adjectives?|names?|wort|"
        r"substantiv|palabra|palavra|mot|nom)\b",
        False,
    ),
    (
        ANSWER,
        2,
        r"\b(?:respond|reply|answer|write|speak|talk|spell|escrib\w+|respond\w+|contest\w+|escrev\w+|"
        r"schreib\w*|antworte\w*|ecri\w+|repond\w*)\b.*?\b(?:reversed? text|backwards|in reverse|"
        r"al reves|de tras para frente|ruckwarts|a l'envers|rhymes?|riddles|emojis?|base ?64|"
        r"morse|rot ?13|pig latin|klingon|like a pirate)\b",
        True,
    ),
    (
        ANSWER,
        1,
        r"\b(?:respond|reply|answer) to (?:the next|every|each|all|any)\b|\bletra por letra\b|"
        r"\bletter by letter\b",
        False,
    ),
    (
        ANSWER,
        2,
        r"\b(?:when|while|before) (?:generating|producing) (?:your|an?|the) (?:answers?|repl\w+|"
        r"responses?|outputs?|summar\w+)\b",
        False,
    ),
    (
        ANSWER,
        2,
        r"\b(?:do not|don't|never) cite (?:any )?other\b|\bcite (?:only|nothing but) ⟨this⟩\b",
        False,
    ),
    (
        ANSWER,
        2,
        r"\b⟨your_answer⟩ && \b(?:base ?64|rot ?13|morse|pig latin|leetspeak|caesar cipher|cipher|"
        r"encod\w+|encrypt\w*|cifr\w+|codifi\w+|verschlussel\w+|kodier\w+|chiffre[rz]?)\b",
        False,
    ),
    (
        ANSWER,
        2,
        r"\b⟨your_answer⟩ && \b⟨insert⟩\b && (?:https?:|www\.|\w\.(?:com|net|org|xyz|example)\b|"
        r"\bheadlines?\b|\bclickbait\b|\badvert\w*|\bdownload\b|\bsubscribe\b|\bvote\b|\bcoupon|"
        r"\bsponsor\w*|!\[)",
        False,
    ),
    (
        ANSWER,
        1,
        r"\b⟨your_answer⟩ && \b(?:encourag|urg|invit|persuad|convinc|ask)\w*\W+(?:⟨learner⟩|"
        r"people|everyone|voters)\b",
        False,
    ),
    (
        ANSWER,
        1,
        r"\b⟨your_answer⟩ && \bfor (?:users|readers|learners|people) to\b",
        False,
    ),
    (
        ANSWER,
        1,
        r"\b⟨insert⟩⟨close⟩(?:sentences?|lines?|phrases?|statements?|words?|paragraphs?|frases?|"
        r"satz|satze|phrases?|oracion|enlace|lien|link)\b && ⟨your_answer⟩",
        True,
    ),
    (
        ANSWER,
        1,
        r"\b⟨insert⟩⟨close⟩(?:sentences?|lines?|phrases?|paragraphs?)\b⟨near⟩⟨your_answer⟩\W+(?:detailing|"
        r"encouraging|about|that says|saying|promoting|recommending|praising|urging)",
        True,
    ),
    (
        ANSWER,
        2,
        r"\b(?:sentence|words?|phrase|line|text|frase|satz|phrase|palabras?|palavras?)\s*[\"':] "
        r"&& \b⟨your_answer⟩ && \b⟨insert⟩\b",
        False,
    ),
    (
        ANSWER,
        1,
        r"\b(?:reply|respond|answer|say|output|contesta|responde|responda|antworte|reponds|repondez)⟨close⟩"
        r"(?:only|solely|just|nothing but|solo|solamente|unicamente|somente|apenas|nur|ausschliesslich|"
        r"seulement|uniquement)\b",
        True,
    ),
    (
        ANSWER,
        1,
        r"\b(?:only|solely|just|nothing but|solo|solamente|unicamente|somente|apenas|nur|seulement|"
        r"uniquement)\W+(?:with |con |com |mit |par |avec )?(?:the |el |la |a |o |dem |das |"
        r"le |l[ae] )*(?:words?|phrase|text|sentence|palabra|palavra|frase|wort|mot)\b",
        False,
    ),
    (
        ANSWER,
        1,
        r"\b(?:when(?:ever)?|if|every time|wenn|falls|cuando|si|se|quando|quand|lorsque|lorsqu')\W+(?:some"
        r"\w+|any\w+|a |the |un |el |o |jemand|alguien|alguem|quelqu'un)[\w ]{0,12}?(?:asks?|"
        r"wants to know|fragt|pregunt\w+|pergunt\w+|demande)\b",
        False,
    ),
    *DEEDS,
)
