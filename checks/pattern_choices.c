/* SPDX-License-Identifier: Apache-2.0
 * Several choices that disagree: what the first says and the others do not was made up more often than not (self-check:
 * Manakul et al. 2023; here with word overlap, no model). Needs two others at least to point at a sentence.
 * Every content word and number of the first choice counts once, weighed by how many of the others hold it. */
#include "checks/pattern.h"

enum { CHOICES_MOST = 64 };
static void key_add(uint32_t *table, size_t size, uint32_t key)
{
    size_t slot = key & (size - 1);
    while (table[slot] && table[slot] != key)
        slot = (slot + 1) & (size - 1);
    table[slot] = key;
}
static bool key_in(const uint32_t *table, size_t size, uint32_t key)
{
    size_t slot = key & (size - 1);
    while (table[slot] && table[slot] != key)
        slot = (slot + 1) & (size - 1);
    return table[slot] != 0;
}
double pattern_choices(struct transcript *t, struct findings *out)
{
    struct part *first = NULL, *others[CHOICES_MOST];
    size_t n = 0, part = 0;
    for (size_t i = 0; i < t->nanswer; i++) {
        struct part *p = &t->answer[i];
        if (p->kind != PART_TEXT || !p->text.len)
            continue;
        if (!first)
            first = p, part = i;
        else if (p->choice != first->choice && n < CHOICES_MOST)
            others[n++] = p;
    }
    if (!first || !n)
        return 0;
    const struct words *w = part_words(t->arena, first);
    uint32_t *tables[CHOICES_MOST];
    size_t sizes[CHOICES_MOST];
    for (size_t k = 0; k < n; k++) {
        const struct words *o = part_words(t->arena, others[k]);
        sizes[k] = 64;
        while (sizes[k] < 2 * o->n)
            sizes[k] *= 2;
        tables[k] = arena_alloc(t->arena, sizes[k] * sizeof(uint32_t));
        for (size_t i = 0; i < o->n; i++)
            if (o->list[i].kind != WORD_MARK)
                key_add(tables[k], sizes[k], o->list[i].stem);
    }
    double all = 0, all_weight = 0;
    for (size_t s = 0; s < w->nsentences; s++) {
        double missing = 0, weight = 0;
        for (size_t i = w->sentences[s].word; i < w->sentences[s].past; i++) {
            const struct word *x = &w->list[i];
            if (x->kind == WORD_MARK || (x->flags & WORD_STOP))
                continue;
            double here = x->number || x->flags & WORD_HAS_DIGIT ? 2 : x->flags & WORD_CAPITAL && !(x->flags & WORD_FIRST) ? 1.5 : 1;
            size_t hold = 0;
            for (size_t k = 0; k < n; k++)
                hold += key_in(tables[k], sizes[k], x->stem);
            missing += here * (1 - (double)hold / (double)n);
            weight += here;
        }
        if (weight < 3)
            continue;
        double share = missing / weight;
        all += missing;
        all_weight += weight;
        if (n >= 2 && share >= 0.9 && weight >= 4) {
            size_t a = w->sentences[s].word, b = w->sentences[s].past;
            finding_add(out, t, &check_pattern, "choices-disagree", ON_ANSWER, part, w->list[a].start, w->list[b - 1].end, 0.5 + (share - 0.9) * 2,
                        "the %zu other choices hold %.0f %% of what this says", n, 100 * (1 - share));
        }
    }
    if (all_weight < 2)
        return 0;
    /* choices in other words share half of theirs; 0.75 missing is where they speak of different things */
    double share = all / all_weight;
    double value = share < 0.75 ? share * 0.5 / 0.75 : 0.5 + (share - 0.75) * 2;
    if (value >= 0.5)
        finding_add(out, t, &check_pattern, "choices-disagree", ON_ANSWER, part, 0, 0, value > 1 ? 1 : value, "the choices disagree: %.0f %% of the first stands in no other", 100 * share);
    return value > 1 ? 1 : value;
}
