/* SPDX-License-Identifier: Apache-2.0
 * words: what pages say, in English and French. One table; a page never holds a sentence of its own. */
#ifndef REPORT_WORDS_H
#define REPORT_WORDS_H
#include "base/span.h"

enum language { ENGLISH, FRENCH };
#define WORDS(W) \
    W(OVERVIEW, "Overview", "Vue d’ensemble") \
    W(FLAGS, "Flagged", "Signalés") \
    W(FLAGS_TITLE, "Flagged exchanges", "Échanges signalés") \
    W(EXCHANGES, "All exchanges", "Tous les échanges") \
    W(EXCHANGE, "Exchange", "Échange") \
    W(DRIFT, "Drift", "Dérive") \
    W(RULES, "Rules", "Règles") \
    W(LOGIN, "Sign in", "Se connecter") \
    W(LOGOUT, "Sign out", "Se déconnecter") \
    W(TOKEN, "Admin token", "Jeton d’administration") \
    W(TOKEN_WRONG, "That is not the token.", "Ce n’est pas le jeton.") \
    W(LAST_HOUR, "The last hour", "La dernière heure") \
    W(EXCHANGES_SEEN, "exchanges", "échanges") \
    W(FLAGGED, "flagged", "signalés") \
    W(BLOCKED, "blocked", "bloqués") \
    W(REDACTED, "redacted", "caviardés") \
    W(FAILED, "failed", "en erreur") \
    W(MEDIAN, "median", "médiane") \
    W(SLOWEST, "95 of 100 within", "95 sur 100 en moins de") \
    W(BY_ROUTE, "By route", "Par route") \
    W(ROUTE, "Route", "Route") \
    W(WHEN, "When", "Quand") \
    W(VERDICT, "Verdict", "Verdict") \
    W(RULE, "Rule", "Règle") \
    W(REASON, "Why", "Pourquoi") \
    W(QUESTION, "Question", "Question") \
    W(ANSWER, "Answer", "Réponse") \
    W(CALLER, "Caller", "Appelant") \
    W(MODEL, "Model", "Modèle") \
    W(TEXT, "Words", "Mots") \
    W(SINCE, "Since", "Depuis") \
    W(ANY, "any", "tous") \
    W(FILTER, "Filter", "Filtrer") \
    W(OLDER, "Older", "Plus anciens") \
    W(NEWEST, "Newest", "Plus récents") \
    W(OF, "of", "sur") \
    W(MORE_THAN, "more than", "plus de") \
    W(NOTHING_FLAGGED, "Nothing was flagged here. Exchanges that a rule speaks on appear on this page as they happen.", "Rien n’a été signalé. Les échanges sur lesquels une règle se prononce apparaissent ici dès qu’ils ont lieu.") \
    W(NOTHING_HERE, "No exchange yet. Send traffic through vigie, and it is on this page a moment later.", "Aucun échange pour l’instant. Envoyez du trafic à travers vigie : il apparaît ici l’instant d’après.") \
    W(NOTHING_MATCHES, "No exchange matches these filters.", "Aucun échange ne correspond à ces filtres.") \
    W(NO_STORE, "No route records exchanges, so there is nothing to show: set `record` in the configuration.", "Aucune route n’enregistre les échanges : réglez `record` dans la configuration.") \
    W(RECENT_FLAGS, "Latest flags", "Derniers signalements") \
    W(STATE, "State", "État") \
    W(STORE_STATE, "Records", "Enregistrements") \
    W(READY, "ready", "prêt") \
    W(CONFIG_GENERATION, "configuration", "configuration") \
    W(UP_SINCE, "running since", "en marche depuis") \
    W(PROMPT, "What the model was given", "Ce que le modèle a reçu") \
    W(ANSWERED, "What it answered", "Ce qu’il a répondu") \
    W(FINDINGS, "Findings", "Constats") \
    W(SCORES, "Scores", "Scores") \
    W(NOT_RUN, "not run", "non exécuté") \
    W(FACTS, "Facts", "Faits") \
    W(TIME_TAKEN, "took", "durée") \
    W(FIRST_BYTE, "first byte after", "premier octet après") \
    W(TOKENS, "tokens in / out", "jetons entrée / sortie") \
    W(RAW_JSON, "as JSON", "en JSON") \
    W(NOT_KEPT, "The body was not kept whole, so its text cannot be shown.", "Le corps n’a pas été conservé en entier : son texte ne peut pas être montré.") \
    W(UNREADABLE, "The body could not be read as this API’s.", "Le corps n’a pas pu être lu selon cette API.") \
    W(REVIEW, "Your judgement", "Votre avis") \
    W(REVIEW_HINT, "Was this rightly flagged? Reviews show how precise each rule is.", "Ce signalement est-il juste ? Les avis montrent la précision de chaque règle.") \
    W(CONFIRM, "Rightly flagged", "Justifié") \
    W(FALSE_ALARM, "False alarm", "Fausse alerte") \
    W(NOTE, "Note", "Note") \
    W(REVIEWED_AS, "Reviewed as", "Avis rendu :") \
    W(PRECISION, "Precision", "Précision") \
    W(HITS, "Spoke since the start", "Occurrences depuis le démarrage") \
    W(ACTION, "Action", "Action") \
    W(SEVERITY, "Severity", "Gravité") \
    W(CONDITION, "When", "Condition") \
    W(MESSAGE, "Message", "Message") \
    W(NO_RULES, "No rule is loaded. Name files or folders under `rules` in the configuration.", "Aucune règle n’est chargée. Nommez des fichiers ou dossiers sous `rules` dans la configuration.") \
    W(LEARNING, "Learning what is normal", "Apprend ce qui est normal") \
    W(WATCHING, "Nothing has moved", "Rien n’a bougé") \
    W(TOO_EARLY, "Too early to tell", "Trop tôt pour le dire") \
    W(DRIFTING, "It has moved", "Cela a bougé") \
    W(WHAT_MOVED, "What moved", "Ce qui a bougé") \
    W(TERMS_MOVED, "Words that came and went", "Mots apparus et disparus") \
    W(BEFORE, "Before", "Avant") \
    W(AFTER, "Now", "Maintenant") \
    W(FEATURE, "What", "Quoi") \
    W(EFFECT, "How far", "Ampleur") \
    W(EXAMPLES_BEFORE, "Typical before", "Typique avant") \
    W(EXAMPLES_AFTER, "Typical now", "Typique maintenant") \
    W(DRIFT_HOW, "The first exchanges of a route are its baseline; the latest are compared with it, all words and columns under one test. p is the chance of seeing this much movement if nothing had changed, adjusted for everything that was tried and for looking again and again.", "Les premiers échanges d’une route forment sa référence ; les derniers lui sont comparés, tous les mots et colonnes sous un seul test. p est la probabilité de voir autant de mouvement si rien n’avait changé, corrigée de tout ce qui a été essayé et du nombre de regards.") \
    W(BASELINE_HAS, "baseline", "référence") \
    W(WINDOW_HAS, "window", "fenêtre") \
    W(NO_ROUTES, "No route has traffic yet.", "Aucune route n’a encore de trafic.") \
    W(SIDE_PROMPT, "Questions", "Questions") \
    W(SIDE_ANSWER, "Answers", "Réponses") \
    W(SIDE_FEATURES, "Features", "Variables") \
    W(SIDE_PREDICTIONS, "Predictions", "Prédictions") \
    W(SIDE_BEHAVIOUR, "Behaviour", "Comportement") \
    W(NOT_FOUND, "There is no such page.", "Cette page n’existe pas.") \
    W(NO_EXCHANGE, "There is no exchange with this id.", "Aucun échange ne porte cet identifiant.") \
    W(SENTENCE_BLOCK, "was blocked: not one byte of what matched left.", "a été bloqué : pas un octet de ce qui correspondait n’est sorti.") \
    W(SENTENCE_REDACT, "was let through with parts replaced.", "est passé, certaines parties étant remplacées.") \
    W(SENTENCE_FLAG, "was let through and flagged.", "est passé et a été signalé.") \
    W(SENTENCE_ALLOW, "was let through; no rule spoke.", "est passé ; aucune règle ne s’est prononcée.") \
    W(THIS_EXCHANGE, "This exchange", "Cet échange") \
    W(ALSO_SPOKE, "also spoke", "s’est aussi prononcée") \
    W(CHAIN, "Chain of records", "Chaîne des enregistrements") \
    W(CHAIN_GOOD, "whole and unchanged", "entière et inchangée") \
    W(CHAIN_BAD, "broken", "rompue") \
    W(REPORT_TITLE, "Report on monitored model traffic", "Rapport sur le trafic surveillé") \
    W(REPORT_INTRO, "vigie stands between applications and their models. It records every exchange, judges it by the rules listed here, and flags, redacts or blocks what they name.", "vigie se tient entre les applications et leurs modèles. Il enregistre chaque échange, le juge selon les règles listées ici, et signale, caviarde ou bloque ce qu’elles nomment.") \
    W(BY_RULE, "By rule", "Par règle") \
    W(COUNT, "Exchanges", "Échanges") \
    W(PERIOD, "Period", "Période") \
    W(SAYS_ALLOW, "allow", "admis") \
    W(SAYS_FLAG, "flag", "signalé") \
    W(SAYS_REDACT, "redact", "caviardé") \
    W(SAYS_BLOCK, "block", "bloqué") \
    W(LOW, "low", "faible") \
    W(MEDIUM, "medium", "moyenne") \
    W(HIGH, "high", "élevée") \
    W(CRITICAL, "critical", "critique") \
    W(DETAIL, "In words", "En clair") \
    W(SIDE, "Where", "Où") \
    W(CHANGE, "Change", "Évolution") \
    W(ALL_FLAGS, "All flagged exchanges", "Tous les échanges signalés") \
    W(SINCE_LIKE, "7d, 2026-11-24", "7d, 2026-11-24") \
    W(BAD_FILTER, "This filter cannot be understood", "Ce filtre ne peut pas être compris") \
    W(BAD_FILTER_HOW, "A time is written 2026-11-24 or 2026-11-24T08:00:00Z, or as how long ago: 90m, 12h, 7d. A verdict is flag, redact, block or allow.", "Une date s’écrit 2026-11-24 ou 2026-11-24T08:00:00Z, ou comme une durée écoulée : 90m, 12h, 7d. Un verdict est flag, redact, block ou allow.") \
    W(EXAMPLES, "Examples, the latest first", "Exemples, les derniers d’abord")
enum word {
#define W(name, en, fr) WORD_##name,
    WORDS(W)
#undef W
    WORDS_N
};
const char *word(enum language l, enum word w);
/* From an Accept-Language value (RFC 9110 12.5.4): the better liked of the two, English when neither is named. */
enum language language_of(struct span accept);
#endif
