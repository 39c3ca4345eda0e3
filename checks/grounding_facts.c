/* SPDX-License-Identifier: Apache-2.0
 * What can be looked up by itself: figures (in any spelling, rounded as written), quotes and addresses. */
#include "checks/grounding_parts.h"
#include <math.h>

void fact_add(struct ground_result *r, const struct ground *g, enum fact_kind kind, size_t first, size_t past, struct span why)
{
    struct ground_fact *f = ARENA_PUSH(g->a, r->facts, r->nfacts, r->facts_cap);
    *f = (struct ground_fact){ .kind = (uint8_t)kind, .first = (uint32_t)first, .past = (uint32_t)past, .why = why.at };
}
static bool is_hedged(const struct words *w, const struct number *n)
{
    for (size_t i = n->word > 2 ? n->word - 2 : 0; i < n->word; i++) {
        struct span t = word_text(w, i);
        if (span_is(t, "about") || span_is(t, "around") || span_is(t, "nearly") || span_is(t, "almost") || span_is(t, "over") || span_is(t, "approximately") || span_is(t, "roughly")
            || span_is(t, "than") || span_is(t, "environ") || span_is(t, "presque") || span_is(t, "pres") || span_is(t, "plus") || span_is(t, "some") || span_is(t, "least") || span_is(t, "quelque"))
            return true;
    }
    return false;
}
/* Is the figure in the context, in any spelling, rounded as written, as a share or as a time of the afternoon? */
bool figure_stands(const struct ground *g, const struct words *w, const struct number *n)
{
    double tolerance = n->step == 1 ? 1e-9 : n->step / 2 * 1.0001;
    double readings[2] = { n->value, n->other };
    for (int k = 0; k < 2; k++) {
        double x = readings[k];
        if (isnan(x))
            continue;
        double wide = is_hedged(w, n) ? fabs(x) * 0.06 : 0;
        wide = wide > tolerance ? wide : tolerance;
        if (ground_has_value(g, x, wide + fabs(x) * 1e-9))
            return true;
        if (n->is_percent && (ground_has_value(g, x / 100, wide / 100)))
            return true;
        if (n->past < w->n && x >= 1 && x < 12) {
            size_t after = n->past + 2 < w->n && word_is_mark(w, n->past, ':') && w->list[n->past + 1].number ? n->past + 2 : n->past; /* 6:30 pm */
            bool pm = word_is(w, after, "pm") || (word_is(w, after, "p") && word_is(w, after + 2, "m"));
            if (pm && ground_has_value(g, x + 12, 0))
                return true;
        }
        if (n->past < w->n && x == 12 && span_is(word_text(w, n->past), "am") && ground_has_value(g, 0, 0))
            return true;
        if (n->past < w->n && x > 12 && x <= 24 && (span_is(word_text(w, n->past), "h") || span_is(word_text(w, n->past), "heures")) && ground_has_value(g, x - 12, 0))
            return true;
    }
    return false;
}
bool is_figure(const struct words *w, size_t i)
{
    if (!w->list[i].number)
        return false;
    const struct number *n = &w->numbers[w->list[i].number - 1];
    if (n->digits != i || (n->is_spelled && n->value < 4))
        return false;
    bool numbering = (w->list[i].flags & WORD_LINE) && i + 1 < w->n && w->list[i + 1].kind == WORD_MARK && (w->list[i + 1].mark == '.' || w->list[i + 1].mark == ')');
    bool marker = i > 0 && w->list[i - 1].kind == WORD_MARK && w->list[i - 1].mark == '[' && i + 1 < w->n && word_is_mark(w, i + 1, ']');
    bool passage = i > 0 && (word_is(w, i - 1, "passage") || word_is(w, i - 1, "document") || word_is(w, i - 1, "source") || word_is(w, i - 1, "step"));
    bool minutes = i > 0 && word_is_mark(w, i - 1, ':') && (w->list[i].flags & WORD_GLUED) && n->value == 0;
    bool scale = i > 1 && ((word_is(w, i - 1, "of") && word_is(w, i - 2, "out")) || word_is_mark(w, i - 1, '/')) && (n->value == 5 || n->value == 10); /* 4 out of 5 */
    bool week = n->value == 7 && word_in(w, i + 1, "days jours");
    return !scale && !week && !numbering && !marker && !passage && !minutes;
}
/* Quotes and addresses. asked: how many there were. */
void facts_look_up(const struct ground *g, const struct words *w, struct ground_result *r, double *asked)
{
    for (size_t i = 0; i < w->n; i++) {
        if (w->list[i].kind == WORD_URL || w->list[i].kind == WORD_EMAIL) {
            struct span t = word_text(w, i);
            const char *p = span_find(t, SPAN("://"));
            if (p)
                t = span_cut(t, (size_t)(p - t.at) + 3, t.len);
            ++*asked;
            if (!ground_has_text(g, t)) {
                fact_add(r, g, FACT_URL, i, i + 1, SPAN("this address does not occur in the context"));
            }
        } else if (word_is_mark(w, i, '"')) {
            size_t k = i + 1;
            while (k < w->n && k < i + 60 && !word_is_mark(w, k, '"'))
                k++;
            if (!word_is_mark(w, k, '"'))
                continue;
            if (k - i > 5) {
                size_t end = k;
                while (end > i + 1 && w->list[end - 1].kind == WORD_MARK)
                    end--;
                if (end > i + 4 && !ground_has_text(g, span_cut(w->fold->text, w->list[i + 1].at, w->list[end - 1].to))) {
                    /* word for word? differences of marks and blanks do not count */
                    size_t n = 0, lost = 0;
                    uint32_t one = 0, two = 0;
                    for (size_t q = i + 1; q < end; q++) {
                        if (w->list[q].kind == WORD_MARK)
                            continue;
                        if (two) {
                            n++;
                            lost += !ground_has_pair(g, ground_triple(two, one, w->list[q].stem));
                        }
                        two = one;
                        one = w->list[q].stem;
                    }
                    if (n && lost * 3 > n) {
                        ++*asked;
                        fact_add(r, g, FACT_QUOTE, i, k + 1, SPAN("these words in quotes do not stand so in the context"));
                    }
                }
            }
            i = k;
        }
    }
}
