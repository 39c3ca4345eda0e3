/* SPDX-License-Identifier: Apache-2.0
 * What a model says about itself and not about the question: where its training ends, that it sees nothing live, what its
 * instructions say. Phrases are word sequences: a|b is either, ~n up to n words of any kind (within the sentence).
 * Compiled to keys before main; a word that begins no phrase costs one probe. */
#include "checks/pattern.h"

struct phrase {
    const char *kind, *words;
    double score;
};
static const struct phrase phrases[] = {
    { "knowledge-cutoff-claim", "my ~2 knowledge|training|data|information|dataset ~4 cutoff|cut|ends|ended|stops|stopped|updated|extends|goes|covers|until|limited|current|date|runs|up", 0.9 },
    { "knowledge-cutoff-claim", "my ~1 knowledge|training ~1 cutoff|cut|ends|stops", 0.9 },
    { "knowledge-cutoff-claim", "my ~1 last|latest|most ~1 update|training|knowledge", 0.9 },
    { "knowledge-cutoff-claim", "knowledge|training ~1 cutoff|cut ~1 date|is|was|of|in|off", 0.85 },
    { "knowledge-cutoff-claim", "i ~2 trained ~3 until|up|through|in|before|data|information", 0.8 },
    { "knowledge-cutoff-claim", "i was last|only ~1 trained|updated", 0.9 },
    { "knowledge-cutoff-claim", "the data i was trained on", 0.85 },
    { "knowledge-cutoff-claim", "i|model ~2 last|not been updated ~2 since|in|on", 0.85 },
    { "knowledge-cutoff-claim", "i|i'm ~4 not|don't|cannot|can't|unable|lack|without|no ~3 access|browse|see|check|retrieve|search|look|get|fetch|provide|have ~3 real|live|internet|web|online|current|realtime ~1 time|data|access|information|prices|updates|events|news|sources|feeds|feed|rates|status|internet|web|online", 0.85 },
    { "knowledge-cutoff-claim", "i|i'm ~4 not|don't|cannot|can't|unable|without|no ~3 access|browse|search ~2 internet|web|online|live|realtime", 0.85 },
    { "knowledge-cutoff-claim", "i ~3 not|don't|cannot|can't|no|any ~4 know|aware|information|knowledge|data ~4 events|developments|anything|happened|occurred ~4 after|since|beyond", 0.85 },
    { "knowledge-cutoff-claim", "i can not|cannot|can't ~1 browse", 0.9 },
    { "knowledge-cutoff-claim", "my training|knowledge ~3 does|doesn't|did|didn't|do|don't ~2 include|cover|extend|go", 0.85 },
    { "knowledge-cutoff-claim", "as of my ~3 update|training|knowledge|cutoff|data", 0.95 },
    { "knowledge-cutoff-claim", "when i was ~1 trained", 0.85 },
    { "knowledge-cutoff-claim", "events|developments|changes|anything ~3 after|since|beyond my|the ~2 training|knowledge|cutoff|last", 0.85 },
    { "knowledge-cutoff-claim", "mes|ma|mon ~1 donnees|connaissances|formation|entrainement|informations|savoir|base ~4 arretent|arrete|arretees|datent|date|limitent|limitees|vont|jusqu|jour|remonte|"
                               "remontent|s|fin|coupure|limite|couvrent|figees|couvre|termine|terminent", 0.9 },
    { "knowledge-cutoff-claim", "ma|mon ~1 date ~2 coupure|limite|connaissance|connaissances|entrainement", 0.9 },
    { "knowledge-cutoff-claim", "date ~1 limite|coupure ~2 connaissances|mes|entrainement", 0.85 },
    { "knowledge-cutoff-claim", "ma|mon derniere ~1 mise|actualisation", 0.9 },
    { "knowledge-cutoff-claim", "je n|ne ~1 ai|dispose|possede|peux|suis|connais ~2 pas|aucun ~6 temps|internet|direct|ligne|web|actualite|recents|recentes|actualisees", 0.85 },
    { "knowledge-cutoff-claim", "je ~2 ai|suis ~2 ete|etais ~2 entraine|entrainee|forme|formee ~4 jusqu|sur|en|avant|jusque", 0.85 },
    { "knowledge-cutoff-claim", "j ai ete entraine|entrainee|mis|mise|forme|formee|actualise|actualisee ~2 jusqu|sur|avec|en|jour|avant|pour", 0.85 },
    { "knowledge-cutoff-claim", "mon|ma ~2 entrainement|apprentissage ~3 arrete|jusqu|termine|date|fin|remonte|s|ne", 0.9 },
    { "knowledge-cutoff-claim", "je n|ne ~1 ai ~1 acces ~2 internet|web|informations|donnees|actualites", 0.8 },
    { "knowledge-cutoff-claim", "je n|ne ~2 connais|sais|ai ~3 apres|posterieur|posterieurs|depuis ~2 mon|ma|entrainement|20", 0.7 },
    { "knowledge-cutoff-claim", "sans acces ~3 internet|reel|direct|web", 0.7 },
    { "leaked-system-prompt", "my ~1 system prompt|instructions|guidelines ~1 say|says|state|states|are|read|reads|tell|tells|is|require", 0.7 },
    { "leaked-system-prompt", "i was|am|have ~1 told|instructed|programmed ~1 to|not|never", 0.6 },
    { "leaked-system-prompt", "mes instructions ~2 disent|sont|precisent|indiquent|demandent|stipulent", 0.7 },
    { "leaked-system-prompt", "mon prompt ~2 systeme|est|dit", 0.7 },
};
enum { PHRASES = sizeof phrases / sizeof *phrases, ELEMENTS_MOST = 12, ALTERNATIVES_MOST = 40, FIRST = 512 };
struct element {
    uint8_t gap;               /* words that may stand before it */
    uint8_t n;
    uint32_t keys[ALTERNATIVES_MOST];
};
static struct element elements[PHRASES][ELEMENTS_MOST];
static uint8_t lengths[PHRASES];
static uint64_t first_words[FIRST]; /* by key: the phrases that may begin so */

__attribute__((constructor)) static void phrases_compile(void)
{
    for (size_t p = 0; p < PHRASES; p++) {
        const char *s = phrases[p].words;
        uint8_t gap = 0;
        while (*s) {
            const char *end = strchrnul(s, ' ');
            if (*s == '~')
                gap = (uint8_t)(s[1] - '0');
            else if (lengths[p] < ELEMENTS_MOST) {
                struct element *e = &elements[p][lengths[p]++];
                e->gap = gap;
                gap = 0;
                for (const char *a = s; a < end;) {
                    const char *bar = memchr(a, '|', (size_t)(end - a));
                    bar = bar ? bar : end;
                    if (e->n < ALTERNATIVES_MOST)
                        e->keys[e->n++] = words_key(a, (size_t)(bar - a));
                    a = bar + 1;
                }
            }
            s = *end ? end + 1 : end;
        }
        for (size_t k = 0; k < elements[p][0].n; k++)
            first_words[elements[p][0].keys[k] % FIRST] |= 1ull << p;
    }
    _Static_assert(PHRASES <= 64, "one bit a phrase");
}
static bool is_one(const struct element *e, uint32_t key)
{
    for (size_t i = 0; i < e->n; i++)
        if (e->keys[i] == key)
            return true;
    return false;
}
/* One past the phrase's last word, or 0. Greedy to the nearest: gaps are short, no backtracking is needed for these. */
static size_t phrase_past(const struct words *w, size_t i, size_t p)
{
    if (!is_one(&elements[p][0], w->list[i].key))
        return 0;
    size_t at = i + 1;
    uint32_t sentence = w->list[i].sentence;
    for (size_t k = 1; k < lengths[p]; k++) {
        size_t gap = elements[p][k].gap;
        bool found = false;
        for (size_t seen = 0; at < w->n && w->list[at].sentence == sentence; at++) {
            if (w->list[at].kind == WORD_MARK)
                continue; /* apostrophes, commas and dashes do not count */
            if (is_one(&elements[p][k], w->list[at].key)) {
                found = true;
                at++;
                break;
            }
            if (seen++ >= gap)
                break;
        }
        if (!found)
            return 0;
    }
    return at;
}
void pattern_phrases(struct pattern_view *v)
{
    const struct words *w = v->w;
    uint32_t done[2] = { UINT32_MAX, UINT32_MAX }; /* one finding a sentence and kind */
    for (size_t i = 0; i < w->n; i++) {
        uint64_t maybe = first_words[w->list[i].key % FIRST];
        while (maybe) {
            size_t p = (size_t)__builtin_ctzll(maybe);
            maybe &= maybe - 1;
            size_t past = phrase_past(w, i, p);
            bool cutoff = phrases[p].kind[0] == 'k';
            if (!past || done[cutoff] == w->list[i].sentence)
                continue;
            if (!cutoff) {
                bool instructed = false;
                for (size_t k = 0; k < v->t->nprompt; k++)
                    instructed |= v->t->prompt[k].role == ROLE_INSTRUCTIONS;
                if (!instructed)
                    continue;
            }
            done[cutoff] = w->list[i].sentence;
            /* the claim runs from its clause's beginning to the clause's end */
            size_t first = i, stop = past;
            const struct sentence *s = &w->sentences[w->list[i].sentence];
            while (first > s->word && !word_is_mark(w, first - 1, ';') && !word_is_mark(w, first - 1, ':') && i - first < 10)
                first--;
            while (stop < s->past && w->list[stop].kind != WORD_MARK && stop - past < 8)
                stop++;
            pattern_seen(v, phrases[p].kind, first, stop, phrases[p].score,
                         cutoff ? "the model speaks of its training or of what it cannot see, not of the question" : "the model speaks of its instructions");
            /* a verb in mid-phrase belongs to the claim, "I cannot answer" behind it does not */
        }
    }
}
