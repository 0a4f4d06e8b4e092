"""The reasons that a sentence is cut for, and the concepts that the patterns of its signs are made of."""

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
