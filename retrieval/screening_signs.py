"""The signs of a sentence that speaks to an AI assistant: words and patterns for retrieval/screening.py.

Patterns are held against text in lower case without accents, in English, Spanish, Portuguese, German and French.
⟨name⟩ stands for a concept. " && " parts what must all be in the sentence. The table says for each sign: the
reason as a person reads it, its points, the pattern, and whether it counts only as a command (at the start of a
clause, after "must" or "please", and not denied).
"""

from __future__ import annotations

ORDERS = "tells an assistant to drop its instructions"
ADDRESS = "speaks to an AI assistant"
PROMPT = "asks for an assistant's hidden instructions"
ANSWER = "orders how an assistant words its answers"
SCORE = "orders a score"
TOOL = "imitates a call of a tool"
TURN = "imitates the turns of a conversation with an assistant"
REACH = "widens what an assistant may read or show"
FORGE = "orders false quotations or made-up answers"
PERSONA = "gives an assistant another role"
HIDE = "asks to hide something from the learner"
SEND = "asks to send data to an outside address"
ABUSE = "orders an assistant to offend people"

CONCEPTS: dict[str, str] = {
    "near": (r"\W+(?:[\w'-]+\W+){0,4}?"),
    "close": (r"\W+(?:[\w'-]+\W+){0,2}?"),
    "override": (
        r"(?:disobey|desobede[zc]\w*|desobeis\w*|ignore[rz]?|ignorier(?:en|e|t)|ignora[rd]?|"
        r"ignorem|disregard|forget|overrid(?:e|ing)|bypass|overrule|discard|(?:stop|do not|don't|"
        r"never) (?:following|follow|obey)(?:ing)?|olvid(?:ad|ar|a|en|e)|descart(?:ar|a|em|e)|"
        r"desconsider(?:ar|em|e)|esquec(?:am|a|er)|omit(?:ir|a|e)|ha(?:z|ga|gas) caso omiso "
        r"(?:de|a)|no (?:sigas|obedezcas)|nao (?:siga|obedeca)|vergiss|vergesst|vergessen sie|"
        r"vergessen|missacht(?:en|et|e)|ubergeh(?:en|e|t)|verwirf|oublie[rz]?|neglige[rz]?|ne "
        r"(?:tiens|tenez) pas compte d(?:es|e|u)|(?:fais|faites) abstraction d(?:es|e|u)|ne "
        r"sui(?:s|vez) pas)"
    ),
    "prior": (
        r"(?:previous|prior|above|earlier|preceding|foregoing|former|existing|original|initial|"
        r"all|any|every|your|safety|anterior(?:es)?|previ[oa]s?|de arriba|tus|suas|seus|tuas|"
        r"teus|acima|iniciais|iniciales|tod[ao]s|alle[nr]?|vorherige[nr]?|vorige[nr]?|obige[nr]?|"
        r"bisherige[nr]?|vorangegangenen|fruheren|deine[nr]?|toute?s|tous|precedente?s?|ci-dessus|"
        r"anterieure?s|tes|vos|operator's|developer's)"
    ),
    "orders": (
        r"(?:instructions?|directives?|directivas?|prompts?|commands?|rules?|guidelines?|guardrails|"
        r"constraints|restrictions?|programming|polic(?:y|ies)|instruccion(?:es)?|indicaciones|"
        r"reglas|normas|ordenes|restricciones|instrucoes|regras|orientacoes|ordens|restricoes|"
        r"anweisung(?:en)?|instruktionen|regeln|vorgaben|befehle|richtlinien|einschrankungen|"
        r"consignes?|regles?|politique)"
    ),
    "machine": (
        r"(?:(?:virtual|digital|automated) assistants?|xaixs?(?:[ -](?:\w*assist\w*|models?|"
        r"systems?|agents?|tools?|bots?|modell\w*|system\w*))?|llms?|(?:large )?language models?|"
        r"chat ?bots?|chatgpt|gpt(?:-?\d\w*)?|copilot|(?:modelos?|as?sistentes?|sistemas?) (?:de "
        r"|da )?(?:lenguaje|linguagem|xaix|inteligencia artificial)|modeles? de langage|inteligencia "
        r"artificial|intelligence artificielle|kunstliche intelligenz|(?:assistants?|systemes?|"
        r"modeles?) (?:d'|de l')?xaix|sprachmodell(?:en|e|s)?)"
    ),
    "helper": (
        r"(?:assistants?|as?sistentes?|assistent(?:en|in)?|bots?|the model|el modelo|o modelo|"
        r"das modell|le modele|graders?)"
    ),
    "must": (
        r"(?:must|should|shall|(?:is|are) (?:required|instructed|ordered|asked|told) to|has "
        r"to|have to|will|needs? to|is to|are to|debe[ns]?|tiene que|deve[m]?|tem que|muss|mussen|"
        r"soll(?:en|st|te)?|doit|doivent|dois|devez)"
    ),
    "your_answer": (
        r"(?:whatever you (?:answer|say|write|reply)|(?:your|each|every|any|all) (?:of your "
        r"|your )?(?:final |next |own )?(?:answers?|repl(?:y|ies)|responses?|outputs?)|(?:tus?|"
        r"sus?|cada|todas las|todas tus) respuestas?|(?:tuas?|suas?|cada|todas as) respostas?|"
        r"(?:allen|deinen) antworten|(?:deine[rnm]?|ihre[rnm]?|jede[rn]?) antwort(?:en)?|(?:ta|"
        r"votre|tes|vos|chaque) reponses?)"
    ),
    "insert": (
        r"(?:add(?:ing)?|link(?= to)|include|including|append|insert|integrate|put|attach|embed|"
        r"weave|anad(?:e|ir|a)|agreg(?:ar|a|ue)|incluy[ea]|insert[ae]|adicion[ea]|inclua|insira|"
        r"acrescent[ea]|fug(?:e|en)|erganz(?:e|en)|baue|ajoute[rz]?|inclus|inclue[rz]|insere[rz]?|"
        r"start|begin|end|finish|open|close|comienz[ae]|empiez[ae]|termin[ae]|comec[ea]|beginne|"
        r"beende|commence[rz]?|termine[rz]?)"
    ),
    "learner": (
        r"(?:learners?|users?|students?|readers?|nutzer\w*|benutzer\w*|lernende\w*|studierende\w*|"
        r"usuari[oa]s?|alumn[oa]s?|estudiantes?|alun[oa]s?|estudantes?|apprenant\w*|utilisat\w*|"
        r"etudiant\w*|lecteurs?|lector(?:es)?|leitor(?:es)?)"
    ),
    "now_on": (
        r"(?:from now on(?:wards?)?|from this (?:moment|point)(?: on)?|starting now|henceforth|"
        r"a partir de a(?:h|g)ora|de ahora en adelante|de agora em diante|ab jetzt|ab sofort|"
        r"von nun an|a partir de maintenant|desormais|dorenavant)"
    ),
    "this": (r"(?:this|the current|diese[rmns]?|este|esta|deste|desta|cette|cet|ce)"),
    "work": (
        r"(?:answers?|submissions?|essays?|attempts?|students?|learners?|users?|responses?|assignments?|"
        r"respuestas?|entregas?|estudiante|alumn[oa]|respostas?|alun[oa]|antwort|abgabe|lernende\w*|"
        r"reponse|copie|apprenant\w*|etudiant\w*)"
    ),
    "page": (
        r"(?:page|document|text|file|note|paragraph|passage|section|site|website|pagina|documento|"
        r"texto|archivo|nota|parrafo|arquivo|paragrafo|seite|dokument|datei|absatz|notiz|fichier|"
        r"paragraphe)"
    ),
    "reveal": (
        r"(?:print|reveal|show|repeat|output|display|disclose|expose|leak|tell me|write (?:out|"
        r"down)|list|share|summari[sz]e|copy|quote|give (?:me|us)|what (?:is|are|was|were)|muestr[ae]|"
        r"mostr(?:ar|a|e)|revel(?:ar|a|e)|imprim(?:ir|e|a)|repit[ea]|repet[ea]|escrib[ea]|ensena|"
        r"exib[ea]|dime|cual es|qual e|gib|zeig(?:en|e)?|nenne|drucke|wiederhole|verrate|schreibe?|"
        r"affiche[rz]?|montre[rz]?|revele[rz]?|repete[rz]?|donne[rz]?|ecri(?:s|vez))"
    ),
    "hidden_prompt": (
        r"(?:(?:system|hidden|secret|initial|original|internal|developer|pre)[ -]?(?:prompts?|"
        r"messages?|instructions?)|prompt (?:de |del |do |du )?(?:sistema|systeme)|invite (?:de "
        r")?systeme|(?:instruccion\w*|instruc\w*|mensaje|mensagem) (?:de |del |do |ocult\w+|"
        r"intern\w+|inicia\w+)(?:sistema)?|system(?:prompts?|anweisung(?:en)?|nachricht)|(?:versteckten|"
        r"internen|ursprunglichen|geheimen) anweisungen|(?:instructions?|consignes?) (?:systeme|"
        r"cachees|internes|initiales|secretes)|(?:instructions?|rules?|text|prompt) (?:that "
        r")?you (?:were|have been|are) given|your context(?: window)?|instrucciones que (?:te|"
        r"le|se te)|instrucoes que (?:te|lhe|voce)|anweisungen,? die (?:du|dir)|(?:consignes|"
        r"instructions) qu(?:e tu|e l'on|'on)|your prompt|tu prompt|seu prompt|deinen? prompt|"
        r"ton prompt|(?:consignes|instructions) que tu as|(?:regeln|anweisungen),? die du)"
    ),
    "command_before": (
        r"(?:instructions?|note|message|notice|memo|reminder|attention|hint|warning|important|"
        r"nota|aviso|mensaje|mensagem|atencion|atencao|importante|instrucciones|instrucoes|hinweis|"
        r"achtung|anweisung(?:en)?|nachricht|anmerkung|wichtig|avis|consignes?|dear|hey|hello|"
        r"hi|liebe[rs]?|estimad[ao]s?|querid[ao]s?|prezad[ao]s?|chers?|cheres?)"
    ),
    "articles": (
        r"(?:l'|d'|(?:important|hidden|secret|message|note|notice|for|to|an|fur|para|a|al|el|"
        r"la|los|las|o|os|as|aos?|les|le|aux|au|pour|l'|all|any|every|the|our|alle|jede\w*|tous|"
        r"toutes|tod[ao]s|die|den|das|der)[\s,:']+)*"
    ),
}

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
    (
        SCORE,
        2,
        r"\b(?:give|award|set|assign|grade|mark|rate|record|enter|bewerte[n]?|gib|vergib|otorg\w+|"
        r"pon|califica|asigna|atribu\w+|de|met(?:s|tez)|donne[rz]?|note[rz]?|attribue[rz]?)\b.*\b(?:full|"
        r"maximum|max|highest|top|perfect|100|a\+|volle|hochste|hochste[nr]?|maxim[ao]|maximale?|"
        r"ten out of ten|10 out of 10|excellent)\b && \b(?:marks?|scores?|grades?|graded|points?|"
        r"note|punkt\w*|puntuacion|nota|pontuacao|submission|answer|essay|\w*gibt|abgabe)\b|"
        r"\bout of (?:ten|10)\b",
        True,
    ),
    (
        SCORE,
        1,
        r"\b(?:marks?|scores?|grades?|points?|punkt\w*|puntuacion|notas?|pontuacao|note)\b && "
        r"\b⟨this⟩ (?:\w+ )?⟨work⟩\b",
        False,
    ),
    (
        SCORE,
        -1,
        r"\b(?:if|when|for each|unless|wenn|si|se|quando|cuando)\b.*\b(?:full|maximum|marks?|"
        r"points?|score)\b|\b(?:full|maximum) \w+ (?:if|when|for each|unless|wenn|si|se|quando|"
        r"cuando)\b",
        False,
    ),
    (
        SCORE,
        1,
        r"\b(?:skip|ignore|whatever|regardless of)⟨close⟩(?:rubric|criteria|answer key)\b",
        False,
    ),
    (
        SCORE,
        2,
        r"\b(?:whatever|no matter what|regardless of what) (?:the |this )?⟨learner⟩\b",
        False,
    ),
    (
        SCORE,
        1,
        r"\b(?:record|mark|grade|set|count|approve)\b⟨close⟩(?:as )?(?:passed|correct|complete|"
        r"completed)\b",
        True,
    ),
    (
        TOOL,
        1,
        r"\b(?:call|invoke|execute|run|trigger|llam\w+|ejecut\w+|cham\w+|execut\w+|rufe?|appel\w+)\W+(?:[\w"
        r"']+\W+){0,3}?[a-z]+(?:_[a-z]+)+\b",
        False,
    ),
    (
        TOOL,
        2,
        r"\b(?:use|call|invoke)\W+(?:the |your )?[a-z]+(?:_[a-z]+)+ (?:tool|function|plugin)\b "
        r"&& \b(?:send|forward|share|conversation|chat|score|grade|password)",
        False,
    ),
    (
        TOOL,
        1,
        r"\b[a-z]*_?(?:score|grade|mark)s?\s*[=:]\s*\d",
        False,
    ),
    (
        TOOL,
        1,
        r"[a-z]_[a-z] && \b(?:this|the current|deste|desta|este|esta|diese\w*|cet|cette) ⟨learner⟩",
        False,
    ),
    (
        TOOL,
        3,
        r"\{\s*\"(?:tool|tool_?calls?|function_?call|tool_use|function)\"\s*: && \"(?:args|arguments|"
        r"parameters|params|input|name|url|to)\"",
        False,
    ),
    (
        TURN,
        3,
        r"<\|[a-z_]+\|>|\[/?inst\]|<</?sys>>|#{2,}\s*(?:system|assistant|user|instructions?)\s*:",
        False,
    ),
    (
        TURN,
        2,
        r"</?(?:system|context|instructions?|prompt|assistant|user|documents?|sources?)>",
        False,
    ),
    (
        TURN,
        2,
        r"^\W*system (?:note|message|notice|update|override|prompt)\s*:",
        False,
    ),
    (
        TURN,
        1,
        r"^\W*system(?: \w+)?\s*:.*\b⟨learner⟩\b",
        False,
    ),
    (
        TURN,
        1,
        r"<system>.*\S|</?system_?prompt>",
        False,
    ),
    (
        TURN,
        1,
        r"\buser\s*:.*\bassistant\s*:",
        False,
    ),
    (
        TURN,
        1,
        r"\bassistant\s*:.*\b(?:passwords?|everyone's|everybody's|other (?:learners?|users?|"
        r"students?))",
        False,
    ),
    (
        TURN,
        1,
        r"(?:^|[.!?>\n]\s*)\W*(?:user|human|assistant|system|usuario|asistente|assistente|benutzer|"
        r"assistent|utilisateur)\s*:\s",
        False,
    ),
    (
        REACH,
        1,
        r"\byou (?:are|may|can|have|'re)\b⟨close⟩now\b|\byou (?:are )?now\b|\band (?:may|can) "
        r"(?:show|use|read|share)\b|\bdu darfst\b|\b(?:und )?darfst\b|\bahora (?:puedes|tienes)\b|"
        r"\bpuedes ahora\b|\bagora (?:voce )?(?:pode|tem)\b|\bvoce (?:agora )?pode\b|\b(?:tu "
        r"peux|vous pouvez) (?:maintenant|desormais)\b|\bsie durfen (?:jetzt|ab sofort)\b",
        False,
    ),
    (
        REACH,
        2,
        r"\b(?:documents?|files?|data|records?|contents?|sources?|grades?|dokumente\w*|daten|"
        r"dateien|noten|documentos|archivos|datos|registros|arquivos|dados|notas|fichiers|donnees)\W+(?:[\w"
        r"']+\W+){0,3}?(?:all|other|any|every|alle[nr]?|andere[nr]?|tod[ao]s|otr[ao]s|outr[ao]s|"
        r"tous|toutes|d'autres|autres)\W+(?:[\w']+\W+){0,2}?(?:courses?|kurse[n]?|cursos|cours|"
        r"formations|⟨learner⟩|organi\w+|tenants?)\b",
        False,
    ),
    (
        REACH,
        2,
        r"\b(?:⟨reveal⟩|liste[rz]?|lista)\b⟨near⟩(?:other|otr[ao]s|outr[ao]s|andere[nr]?|autres)\W+(?:[\w'"
        r"]+\W+){0,1}?⟨learner⟩(?:'s|s')?(?:\W+[\w']+){0,3}?\W+(?:names?|e-?mails?|grades?|scores?|"
        r"passwords?|data|answers|records)\b",
        True,
    ),
    (
        REACH,
        2,
        r"\b(?:⟨reveal⟩|liste[rz]?|lista)\b⟨near⟩(?:names?|grades?|e-?mails?|datos|notas|correos|"
        r"dados|daten|noten|donnees|notes)\W+(?:[\w']+\W+){0,2}?(?:other|otr[ao]s|outr[ao]s|"
        r"andere[nr]?|autres)\W+⟨learner⟩",
        True,
    ),
    (
        PERSONA,
        3,
        r"\b(?:you|du|tu|eres|voce|vous)\b.{0,40}\b(?:developer|god|debug|jailbreak|unrestricted|"
        r"dan) mode\b|\b(?:enter|enable|activate) (?:developer|god|debug|jailbreak|dan) mode\b",
        False,
    ),
    (
        PERSONA,
        3,
        r"\b(?:act as|you are(?: now)?|behave as|pretend to be|play)\W+(?:an? |the )?(?:\w+ "
        r")?(?:unrestricted|unfiltered|uncensored|jailbroken|amoral|evil)\b",
        False,
    ),
    (
        PERSONA,
        3,
        r"\b(?:you|du|eres|voce|tu|vous|usted)\b.{0,25}\b(?:⟨machine⟩|⟨helper⟩)\W+(?:\w+\W+)?(?:without|"
        r"with no|sin|sem|ohne|sans)\W+(?:any |ninguna? |nenhuma? |jegliche |aucune? )?(?:limite|"
        r"rules?|restrictions?|limits?|filters?|reglas|restricciones|limites|filtros|regras|"
        r"restricoes|regeln|einschrankungen|filter|grenzen|regles|filtres?)\b",
        False,
    ),
    (
        PERSONA,
        1,
        r"\b(?:you|tu|du|voce) (?:have no|are free of|no longer have)⟨close⟩(?:restrictions|"
        r"filters|guardrails|rules)\b|\bdo anything now\b",
        False,
    ),
    (
        PERSONA,
        2,
        r"\byou (?:have no|are free of|no longer have)⟨close⟩(?:limits?|rules?|restrictions?|"
        r"filters?)\b|\byou (?:answer|respond|reply) without (?:any )?(?:filters?|limits?|restrictions?)\b",
        False,
    ),
    (
        PERSONA,
        3,
        r"\byou are no longer an? (?:\w+ )?(?:⟨machine⟩|⟨helper⟩|coach|tutor)\b",
        False,
    ),
    (
        PERSONA,
        2,
        r"\byou are (?:now )?an? \w+ (?:who|that) (?:answers|replies|responds)\b",
        False,
    ),
    (
        PERSONA,
        1,
        r"\b⟨now_on⟩\b",
        False,
    ),
    (
        ABUSE,
        2,
        r"\b(?:insult\w*|mock|ridicul\w+|humiliat\w+|swear at|threaten|offend|belittl\w+|beleidig\w+|"
        r"verspott\w+|burl\w+|zomb\w+|ofend\w+|humill\w+|humilh\w+|moqu\w+|humili\w+)⟨close⟩⟨learner⟩\b",
        True,
    ),
    (
        FORGE,
        3,
        r"\b(?:treat|consider|regard|take|interpret|accept|trat[ae]\w*|consider[ae]\w*|tom[ae]|"
        r"behandl\w+|betracht\w+|traite\w*)⟨near⟩(?:next|following|below|siguiente|proxim[ao]|"
        r"seguinte|nachste[nr]?|folgende[nrs]?|suivante?|prochaine?)\W+(?:[\w']+\W+){0,3}?(?:as|"
        r"como|als|comme)\W+(?:[\w']+\W+){0,3}?(?:official|verified|authoritative|binding|genuine|"
        r"trusted|approved|oficial\w*|verificad[ao]|offiziell\w*|verifiziert\w*|amtlich\w*|officiel\w*|"
        r"verifiee?|quotes?|quotations?|citations?|cita|citacao|zitat|instructions?|commands?)\b",
        True,
    ),
    (
        FORGE,
        1,
        r"\bfor (?:citation|quotation|quoting) purposes\b",
        False,
    ),
    (
        FORGE,
        2,
        r"\b(?:invent\w*|make up|making up|fabricat\w+|hallucinat\w+|erfind\w+)⟨near⟩(?:answers?|"
        r"sources?|citations?|quotes?|references?|respuestas?|fuentes?|citas?|respostas?|fontes?|"
        r"citac\w+|antwort\w*|quellen?|zitate?|reponses?)\b",
        True,
    ),
    (
        FORGE,
        1,
        r"\b(?:if|when) (?:you are |you're |you )?(?:not sure|unsure|in doubt|don't know|do "
        r"not know)\b|\bsi no (?:estas|esta) segur\w+\b|\bse nao (?:tiver certeza|souber)\b|"
        r"\bwenn du (?:dir )?(?:unsicher|nicht sicher)\b|\bsi tu n'es pas sur\w*\b",
        False,
    ),
    (
        FORGE,
        1,
        r"\b(?:cit(?:e|es|ing|ation|em|ez|ar|a|ando)|zitier\w*|quell\w*|reference)\W+(?:to |"
        r"always |sempre |siempre |immer |toujours |a |de )*⟨this⟩ ⟨page⟩",
        False,
    ),
    (
        FORGE,
        1,
        r"\b(?:never|do not|don't|nunca|jamas|no|nao|nie|niemals|ne)\b⟨close⟩(?:say|admit|tell|"
        r"answer|state|reply|di[gc]\w*|respond\w*|sag\w*|antwort\w*|dis|dites|reponds)\b.*?\b(?:not "
        r"covered|don't know|do not know|not in the|no information|no esta cubiert\w+|no sab\w+|"
        r"nao (?:esta|sabe)|nicht (?:abgedeckt|weisst|enthalten)|pas couvert\w*|ne sais pas)\b",
        False,
    ),
    (
        FORGE,
        1,
        r"\balways (?:tell|say|answer|reply|recommend|claim)\b|\b(?:siempre|sempre|immer|toujours)\b⟨close⟩"
        r"(?:que|dass)\b|\b(?:di|diga|dites|dis|sag|sagt|digam) (?:siempre|sempre|immer|toujours)\b",
        False,
    ),
    (
        FORGE,
        2,
        r"\b(?:claim|pretend|insist|deny|lie and say)\b (?:that|you)\b && \b(?:asks?|answers?|"
        r"repl(?:y|ies)|response)\b",
        True,
    ),
    (
        HIDE,
        2,
        r"\b(?:do not|don't|never|without|no|nao|nicht|ne|n')\b⟨close⟩(?:mention\w*|tell\w*|"
        r"reveal\w*|disclos\w+|mencion\w+|erwahn\w+|revel\w+)\b⟨near⟩⟨this⟩ (?:instructions?|"
        r"notes?|messages?|sentence|hint|paragraph|prompt|instruccion|nota|instrucao|anweisung|"
        r"hinweis|consigne|phrase)\b",
        False,
    ),
    (
        HIDE,
        2,
        r"\b(?:erwahn\w+|verrat\w*|nenn\w*)⟨close⟩⟨this⟩ (?:anweisung|hinweis|nachricht|notiz)\b.{0,40}\bn"
        r"icht\b|\berwahn\w+⟨close⟩⟨this⟩ (?:anweisung|hinweis|nachricht|notiz) nicht\b",
        False,
    ),
    (
        HIDE,
        1,
        r"\b(?:mencion\w+|erwahn\w+|mentionn\w+|mention|reveal|revel\w+)\b.*\b⟨learner⟩\b && "
        r"⟨this⟩ (?:instructions?|notes?|hint|prompt|instruccion|nota|instrucao|anweisung|hinweis|"
        r"consigne)\b",
        False,
    ),
    (
        SEND,
        2,
        r"\bask (?:the )?⟨learner⟩ for (?:their|the|a|his|her) password\b",
        True,
    ),
    (
        HIDE,
        1,
        r"\b(?:tell|telling|inform)\W+(?:the )?(?:users?|learners?|nobody|no one)\b",
        False,
    ),
    (
        SEND,
        2,
        r"\b(?:send|post|forward|e-?mail|upload|transmit|envi\w+|mand\w+|schick\w*|sende\w*|"
        r"envoi\w+|envoy\w+)⟨near⟩(?:conversation|chat|history|context|prompt|names?|passwords?|"
        r"answers?|data|conversacion|conversa|gesprach|verlauf|daten|datos|dados|donnees)\b.{0,40}?(?:http"
        r"s?:|\w@\w)",
        False,
    ),
    (
        SEND,
        1,
        r"!\[[^\]]*\]\(\s*https?:",
        False,
    ),
    (
        SEND,
        2,
        r"https?:[^\s<>\[\]()\"]*\{\w+\}",
        False,
    ),
    (
        SEND,
        1,
        r"\b⟨insert⟩⟨close⟩(?:image|picture|pixel|link|imagen|imagem|bild|lien)\b",
        True,
    ),
)
