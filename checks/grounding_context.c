/* SPDX-License-Identifier: Apache-2.0
 * The context as tables: where each word stem stands, which words are neighbours, which figures there are, and what
 * structured data (JSON) says yes or no to. Documents, tool results and context parts count; the question does too (an
 * answer may repeat it), and where nothing else was given, the whole prompt is the context. */
#include "checks/grounding_parts.h"
#include <math.h>
#include <stdlib.h>

uint32_t ground_pair(uint32_t a, uint32_t b)
{
    uint64_t h = ((uint64_t)a << 32 | b) * 0x9e3779b97f4a7c15u;
    return (uint32_t)(h >> 32) | 1u;
}
const struct ground_entry *ground_find(const struct ground *g, uint32_t stem)
{
    uint32_t slot = (stem ^ stem >> 15) & (g->slots - 1);
    while (g->table[slot].key) {
        if (g->table[slot].key == stem)
            return &g->table[slot];
        slot = (slot + 1) & (g->slots - 1);
    }
    return NULL;
}
static struct ground_entry *entry_of(struct ground *g, uint32_t stem)
{
    uint32_t slot = (stem ^ stem >> 15) & (g->slots - 1);
    while (g->table[slot].key && g->table[slot].key != stem)
        slot = (slot + 1) & (g->slots - 1);
    g->table[slot].key = stem;
    return &g->table[slot];
}
static void pair_add(struct ground *g, uint32_t hash)
{
    uint32_t slot = (hash ^ hash >> 15) & (g->pair_slots - 1);
    while (g->pairs[slot] && g->pairs[slot] != hash)
        slot = (slot + 1) & (g->pair_slots - 1);
    g->pairs[slot] = hash;
}
bool ground_has_pair(const struct ground *g, uint32_t hash)
{
    uint32_t slot = (hash ^ hash >> 15) & (g->pair_slots - 1);
    while (g->pairs[slot]) {
        if (g->pairs[slot] == hash)
            return true;
        slot = (slot + 1) & (g->pair_slots - 1);
    }
    return false;
}
static int compare_values(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}
/* The first value not below x. */
static uint32_t value_from(const struct ground *g, double x)
{
    uint32_t low = 0, high = g->nvalues;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (g->values[mid] < x)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}
bool ground_has_value(const struct ground *g, double value, double tolerance)
{
    uint32_t i = value_from(g, value - tolerance);
    return i < g->nvalues && g->values[i] <= value + tolerance;
}
double ground_nearest_value(const struct ground *g, double value)
{
    uint32_t i = value_from(g, value);
    if (!g->nvalues)
        return NAN;
    if (i == g->nvalues || (i > 0 && fabs(g->values[i - 1] - value) < fabs(g->values[i] - value)))
        i--;
    return g->values[i];
}
bool ground_has_text(const struct ground *g, struct span folded)
{
    for (uint32_t i = 0; i < g->ntexts; i++)
        if (span_find(g->texts[i], folded))
            return true;
    return false;
}

struct builder {
    struct transcript *t;
    struct ground *g;
    const struct words *texts[GROUND_TEXTS_MOST];
    uint32_t n;
};
static void text_add(struct builder *b, const struct words *w)
{
    if (b->n < GROUND_TEXTS_MOST && w->n) {
        b->texts[b->n++] = w;
        b->g->texts[b->g->ntexts++] = w->fold->text;
    }
}
/* The beginnings of a longer word: what is left when endings differ more than a stem allows ("decide", "decision"). */
static uint32_t beginning(struct span word, size_t n)
{
    return ground_pair(words_key(word.at, n), 0xb5ad4eceu);
}
bool ground_has_kin(const struct ground *g, struct span word)
{
    return word.len >= 5 && ground_has_pair(g, beginning(word, word.len >= 8 ? 6 : 5));
}
static void words_index(struct builder *b)
{
    struct ground *g = b->g;
    uint32_t words = 0, sentences = 0, numbers = 0;
    for (uint32_t k = 0; k < b->n; k++) {
        words += (uint32_t)b->texts[k]->n;
        sentences += (uint32_t)b->texts[k]->nsentences;
        numbers += (uint32_t)b->texts[k]->nnumbers;
    }
    g->slots = 256;
    while (g->slots < 2 * words)
        g->slots *= 2;
    g->pair_slots = 256;
    while (g->pair_slots < 5 * words)
        g->pair_slots *= 2;
    g->table = arena_alloc(g->a, g->slots * sizeof *g->table);
    g->pairs = arena_alloc(g->a, g->pair_slots * sizeof *g->pairs);
    g->sentences = arena_alloc(g->a, (sentences + 1) * sizeof *g->sentences);
    g->values = arena_alloc(g->a, (2 * numbers + 8) * sizeof *g->values);
    for (uint32_t k = 0; k < b->n; k++) {
        const struct words *w = b->texts[k];
        uint32_t before = 0, one = 0, two = 0;
        for (size_t s = 0; s < w->nsentences; s++) {
            struct ground_sentence *x = &g->sentences[g->nsentences++];
            *x = (struct ground_sentence){ .w = w, .word = w->sentences[s].word, .past = w->sentences[s].past };
            for (uint32_t i = x->word; i < x->past; i++) {
                const struct word *y = &w->list[i];
                if (y->kind == WORD_MARK)
                    continue;
                g->nwords++;
                x->nots += (y->flags & WORD_NOT) != 0;
                entry_of(g, y->stem)->all++;
                pair_add(g, ground_triple(two, one, y->stem));
                two = one;
                one = y->stem;
                if (y->flags & WORD_STOP)
                    continue;
                pair_add(g, ground_pair(before, y->stem));
                before = y->stem;
                struct span t = word_text(w, i);
                if (y->kind == WORD_TEXT && t.len >= 5) {
                    pair_add(g, beginning(t, 5));
                    if (t.len >= 6)
                        pair_add(g, beginning(t, 6));
                }
            }
        }
        for (size_t i = 0; i < w->nnumbers; i++) {
            g->values[g->nvalues++] = w->numbers[i].value;
            if (!isnan(w->numbers[i].other))
                g->values[g->nvalues++] = w->numbers[i].other;
        }
    }
    qsort(g->values, g->nvalues, sizeof *g->values, compare_values);
    uint32_t at = 0;
    for (uint32_t i = 0; i < g->slots; i++)
        if (g->table[i].key) {
            g->table[i].from = at;
            at += g->table[i].all < POSTINGS_MOST ? g->table[i].all : POSTINGS_MOST;
        }
    g->postings = arena_alloc_raw(g->a, (at + 1) * sizeof *g->postings);
    g->sentence_of = arena_alloc_raw(g->a, (g->nwords + 1) * sizeof *g->sentence_of);
    uint32_t place = 0;
    for (uint32_t s = 0; s < g->nsentences; s++)
        for (uint32_t i = g->sentences[s].word; i < g->sentences[s].past; i++) {
            const struct word *y = &g->sentences[s].w->list[i];
            if (y->kind == WORD_MARK)
                continue;
            struct ground_entry *e = entry_of(g, y->stem);
            if (e->n < POSTINGS_MOST)
                g->postings[e->from + e->n++] = place;
            g->sentence_of[place++] = s;
        }
}
enum { PASTED_LEAST = 200 };
struct ground *ground_read(struct transcript *t)
{
    struct ground *g = arena_alloc(t->arena, sizeof *g);
    struct builder b = { .t = t, .g = g };
    g->a = t->arena;
    g->attributes = arena_alloc_raw(t->arena, ATTRIBUTES_MOST * sizeof *g->attributes);
    g->schedules = arena_alloc_raw(t->arena, SCHEDULES_MOST * sizeof *g->schedules);
    bool given = false;
    uint32_t words = 0;
    for (size_t i = 0; i < t->nprompt && words < CONTEXT_WORDS_MOST; i++) {
        struct part *p = &t->prompt[i];
        if ((p->kind == PART_DOCUMENT || p->kind == PART_TOOL_RESULT || p->role == ROLE_CONTEXT) && p->text.len) {
            const struct words *w = part_words(t->arena, p);
            text_add(&b, w);
            words += (uint32_t)w->n;
            struct span keys = structure_read(g, p->text);
            if (keys.len) {
                g->structured_words += (uint32_t)w->n;
                text_add(&b, words_make(g->a, fold_text(g->a, keys, FOLD_PLAIN)));
            }
            given = true;
        }
    }
    /* Without documents a prompt may still hold what the answer is to keep to, pasted in: then it is long and has lines. A question
     * alone is no context, and an answer to it would say nothing but what "is not in the context". */
    bool is_pasted = false;
    for (size_t i = 0; i < t->nprompt && !given && !is_pasted; i++)
        is_pasted = t->prompt[i].kind == PART_TEXT && t->prompt[i].text.len >= PASTED_LEAST && memchr(t->prompt[i].text.at, '\n', t->prompt[i].text.len);
    if (!given && !is_pasted)
        return NULL;
    /* the last question, and without documents every text that the model read */
    for (size_t i = 0; i < t->nprompt && words < CONTEXT_WORDS_MOST; i++) {
        struct part *p = &t->prompt[i];
        if (p->kind != PART_TEXT || p->role == ROLE_CONTEXT || !p->text.len)
            continue;
        const struct words *w = part_words(t->arena, p);
        text_add(&b, w);
        words += (uint32_t)w->n;
    }
    if (!given && words < 40) /* a bare question is no context */
        return NULL;
    words_index(&b);
    return g;
}
