"""The signs of a sentence that tells an assistant what to do: scores, tools, turns, reach, roles, forgeries, secrets."""

from __future__ import annotations

from retrieval.screening_words import ABUSE, FORGE, HIDE, PERSONA, REACH, SCORE, SEND, TOOL, TURN

DEEDS: tuple[tuple[str, int, str, bool], ...] = (
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
