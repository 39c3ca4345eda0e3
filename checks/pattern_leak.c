/* SPDX-License-Identifier: Apache-2.0
 * The instructions given away: a code or password that stands in them and that the user never said, or a run of words
 * copied from them. A fact of the instructions may be told (opening hours), a directive may not: short runs count only
 * when they command or forbid. Windows of four words in one table; linear. */
#include "checks/pattern.h"

enum { WINDOW = 4, LONG_RUN = 16, RUN = 8 };

static bool is_directive(const struct words *w, size_t i)
{
    if (word_in(w, i, "never always jamais toujours must dois doivent devez interdit forbidden confidential confidentiel confidentielle secret secrete secrets reveal revele revelez divulgue "
                      "vouvoie tutoie reponds repondez refuse internal interne internes politely strictly"))
        return true;
    return (word_is(w, i, "you") && word_in(w, i + 1, "are must should")) || (word_is(w, i, "tu") && word_in(w, i + 1, "es dois")) || (word_is(w, i, "do") && word_is(w, i + 1, "not"))
           || (word_is(w, i, "don't")) || (word_is(w, i, "vous") && word_in(w, i + 1, "etes devez")) || (word_is(w, i, "ne") && (word_in(w, i + 2, "pas jamais") || word_in(w, i + 3, "pas jamais")));
}
static bool is_secret_word(const struct words *w, size_t i)
{
    return word_in(w, i, "password passphrase code codes key secret secrets token tag pin internal interne confidential confidentiel mot passe cle never jamais reveal coupon discount "
                         "remise approval do override codename nom mentionne mention disclose share donne divulgue acces access credential identifiant");
}
/* A code: letters with digits, or capitals joined by hyphens, or four digits and more. From word i: one past it, else 0. */
static size_t code_past(const struct words *w, size_t i)
{
    const struct word *x = &w->list[i];
    if (x->kind == WORD_MARK || x->kind == WORD_URL || x->kind == WORD_EMAIL || (i > 0 && (x->flags & WORD_GLUED) && word_is_mark(w, i - 1, '-')))
        return 0;
    size_t past = i + 1, digits = (x->flags & WORD_HAS_DIGIT) != 0, letters = x->kind == WORD_TEXT, capitals = (x->flags & WORD_CAPITALS) != 0;
    size_t parts = 1;
    while (past + 1 < w->n && w->list[past].kind == WORD_MARK && (w->list[past].mark == '-' || w->list[past].mark == '/' || w->list[past].mark == '!' || w->list[past].mark == '#' || w->list[past].mark == '@')
           && (w->list[past].flags & WORD_GLUED) && (w->list[past + 1].flags & WORD_GLUED) && w->list[past + 1].kind != WORD_MARK) {
        const struct word *y = &w->list[past + 1];
        digits += (y->flags & WORD_HAS_DIGIT) != 0;
        letters += y->kind == WORD_TEXT;
        capitals += (y->flags & WORD_CAPITALS) != 0;
        parts++;
        past += 2;
    }
    size_t len = w->list[past - 1].to - x->at;
    if (len < 4)
        return 0;
    if (digits && letters)
        return past;
    if (parts >= 2 && capitals == parts)
        return past;
    if (x->kind == WORD_NUMBER && parts == 1 && x->number && w->numbers[x->number - 1].step == 1 && !w->numbers[x->number - 1].is_year && len >= 4 && !w->numbers[x->number - 1].is_money)
        return past;
    if (parts == 1 && letters && capitals && len >= 5)
        return past;
    /* mixed case inside one word: "TangoLima" */
    if (parts == 1 && letters && !capitals && (x->flags & WORD_CAPITAL))
        for (uint32_t k = x->start + 1; k < x->end; k++)
            if (w->fold->original.at[k] >= 'A' && w->fold->original.at[k] <= 'Z')
                return past;
    return 0;
}
static bool user_said(const struct pattern_view *v, struct span folded)
{
    for (size_t i = 0; i < v->t->nprompt; i++)
        if (v->t->prompt[i].role != ROLE_INSTRUCTIONS && span_find(part_fold(v->t->arena, &v->t->prompt[i], FOLD_PLAIN)->text, folded))
            return true;
    return false;
}
static uint32_t window_hash(const uint32_t *keys)
{
    uint32_t h = 0;
    for (int k = 0; k < WINDOW; k++)
        h = h * 0x9e3779b1u ^ keys[k];
    return h | 1u;
}
/* Where a word stands among those that count (no marks). */
struct run_words {
    uint32_t *at, *keys;
    size_t n;
};
static struct run_words run_words(struct arena *a, const struct words *w)
{
    struct run_words r = { arena_alloc_raw(a, w->n * sizeof(uint32_t)), arena_alloc_raw(a, w->n * sizeof(uint32_t)), 0 };
    for (size_t i = 0; i < w->n; i++)
        if (w->list[i].kind != WORD_MARK) {
            r.keys[r.n] = w->list[i].key;
            r.at[r.n++] = (uint32_t)i;
        }
    return r;
}
static void secrets_of(struct pattern_view *v, const struct words *in)
{
    unsigned looked = 0;
    for (size_t i = 0; i < in->n && looked < 32; i++) {
        size_t past = code_past(in, i);
        const struct sentence *s = &in->sentences[in->list[i].sentence];
        bool guarded = false;
        size_t quoted = 0;
        for (size_t k = s->word; (past || word_is_mark(in, i, '"')) && k < s->past && !guarded; k++)
            guarded = is_secret_word(in, k);
        if (!past && guarded && word_is_mark(in, i, '"')) { /* the password is "blue heron" */
            for (size_t k = i + 1; k < s->past && k < i + 6; k++)
                if (word_is_mark(in, k, '"') && k > i + 1) {
                    quoted = past = k;
                    break;
                }
        }
        if (!past)
            continue;
        size_t first = quoted ? i + 1 : i;
        struct span code = span_cut(in->fold->text, in->list[first].at, in->list[past - 1].to);
        i = past - 1;
        /* a number is a code only where the instructions guard it */
        bool plain = in->list[first].kind == WORD_NUMBER && past == first + 1;
        bool capitals = in->list[first].kind == WORD_TEXT && past == first + 1 && !(in->list[first].flags & WORD_HAS_DIGIT);
        if (!guarded || ((plain || capitals) && !guarded) || code.len < 4)
            continue;
        if (word_in(in, first, "json html https faq iban bic siret only never always must not todo important"))
            continue;
        looked++;
        const char *p = span_find(v->w->fold->text, code);
        if (!p || user_said(v, code))
            continue;
        size_t at = (size_t)(p - v->w->fold->text.at), start, end;
        fold_origin(v->w->fold, at, at + code.len, &start, &end);
        pattern_seen_at(v, "leaked-system-prompt", start, end, 0.9, "a code that stands in the instructions and that the user did not give");
    }
}
void pattern_leak(struct pattern_view *v)
{
    struct arena *a = v->t->arena;
    for (size_t p = 0; p < v->t->nprompt; p++) {
        struct part *part = &v->t->prompt[p];
        if (part->role != ROLE_INSTRUCTIONS || part->kind != PART_TEXT || part->text.len < 16)
            continue;
        const struct words *in = part_words(a, part), *w = v->w;
        secrets_of(v, in);
        struct arena_mark mark = arena_mark(a);
        struct run_words from = run_words(a, in), to = run_words(a, w);
        struct { size_t first, past; bool directs; } runs[16];
        size_t nruns = 0;
        if (from.n >= WINDOW && to.n >= WINDOW) {
            size_t size = 64;
            while (size < 2 * from.n)
                size *= 2;
            uint32_t *table = arena_alloc(a, size * sizeof *table);
            for (size_t i = 0; i + WINDOW <= from.n; i++) {
                uint32_t h = window_hash(from.keys + i);
                size_t slot = (h ^ h >> 16) & (size - 1);
                for (unsigned probes = 0; table[slot] && probes < 16; probes++)
                    slot = (slot + 1) & (size - 1);
                if (!table[slot])
                    table[slot] = (uint32_t)i + 1;
            }
            for (size_t i = 0; i + WINDOW <= to.n && nruns < 16;) {
                uint32_t h = window_hash(to.keys + i);
                size_t slot = (h ^ h >> 16) & (size - 1), best = 0, best_at = 0;
                for (unsigned probes = 0; table[slot] && probes < 16; probes++, slot = (slot + 1) & (size - 1)) {
                    size_t j = table[slot] - 1, n = 0;
                    while (i + n < to.n && j + n < from.n && to.keys[i + n] == from.keys[j + n])
                        n++;
                    if (n > best)
                        best = n, best_at = j;
                }
                if (best < WINDOW) {
                    i++;
                    continue;
                }
                bool directs = false;
                size_t stops = 0;
                for (size_t k = 0; k < best; k++) {
                    directs |= is_directive(in, from.at[best_at + k]);
                    stops += (in->list[from.at[best_at + k]].flags & WORD_STOP) != 0;
                }
                if ((best >= LONG_RUN || (best >= RUN && directs) || (directs && best - stops >= 1)) && best - stops >= 1) {
                    runs[nruns].first = to.at[i];
                    runs[nruns].past = to.at[i + best - 1] + 1;
                    runs[nruns++].directs = directs && best < RUN;
                }
                i += best;
            }
        }
        arena_rewind(a, mark);
        for (size_t k = 0; k < nruns; k++) {
            struct span copied = span_cut(w->fold->text, w->list[runs[k].first].at, w->list[runs[k].past - 1].to);
            if (!user_said(v, copied))
                pattern_seen(v, "leaked-system-prompt", runs[k].first, runs[k].past, runs[k].directs ? 0.75 : 0.92, "these words are copied from the instructions");
        }
    }
}
