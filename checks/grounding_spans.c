/* SPDX-License-Identifier: Apache-2.0
 * From tokens and facts to pieces. A fact is a piece by itself, widened to the phrase it stands in. Loose words make a piece only
 * where many together are doubtful: over the tokens of the answer, the best way to be inside or outside a piece is found
 * (two states, a price for each piece begun), which is linear and gives pieces their right size: a clause, a sentence, or two.
 * Where the context is structured data, wording is always the answer's own, and words alone say nothing. */
#include "checks/grounding_parts.h"
#include <math.h>

enum { WIDER = 4, NAMED_WORDS = 3 };
/* Chosen with tools/eval_grounding: what a piece of words costs to begin, and how doubtful its tokens must be on average. */
#define PIECE_PRICE 8.0
#define PIECE_DOUBT (-2.5)

static double token_score(const struct ground_token *t, const float *weights)
{
    double sum = weights[TOKEN_FEATURES];
    for (int k = 0; k < TOKEN_FEATURES; k++)
        sum += weights[k] * t->x[k];
    return sum;
}
/* Does a phrase end here? */
static bool is_edge(const struct words *w, size_t i)
{
    return w->list[i].kind == WORD_MARK || word_in(w, i, "and or but with is are was were it they which while as a an the et ou mais avec est sont il elle ils elles qui que un une le la les");
}
static void widen(const struct words *w, struct ground_piece *p)
{
    uint32_t sentence = w->list[p->first].sentence;
    for (unsigned k = 0; k < WIDER && p->first > 0 && w->list[p->first - 1].sentence == sentence && !is_edge(w, p->first - 1); k++)
        p->first--;
    for (unsigned k = 0; k < WIDER && p->past < w->n && w->list[p->past].sentence == sentence && !is_edge(w, p->past); k++)
        p->past++;
}
/* How often each kind was right on labelled answers (docs/checks/grounding.md). */
static double kind_score(enum fact_kind kind)
{
    switch (kind) {
    case FACT_ATTRIBUTE:
        return 0.8;
    case FACT_URL:
        return 0.8;
    case FACT_SCHEDULE:
    case FACT_FIGURE:
    case FACT_QUOTE:
    case FACT_OPPOSITE:
        return 0.6;
    default:
        return 0.55;
    }
}
static struct span words_of(const struct words *w, uint32_t first, uint32_t past)
{
    return span_cut(w->fold->original, w->list[first].start, w->list[past - 1].end);
}
static const char *words_why(const struct ground *g, const struct words *w, const struct ground_token *t, size_t n)
{
    struct span named = { 0 };
    unsigned k = 0;
    for (int alien = 1; alien >= 0 && !k; alien--)
        for (size_t q = 0; q < n && k < NAMED_WORDS; q++)
            if (t[q].is_absent && (t[q].x[TOKEN_ALIEN] > 0 || !alien)) {
                struct span word = words_of(w, t[q].word, t[q].word + 1);
                named = k ? arena_printf(g->a, SPAN_FMT ", \"" SPAN_FMT "\"", SPAN_ARG(named), SPAN_ARG(word)) : arena_printf(g->a, "\"" SPAN_FMT "\"", SPAN_ARG(word));
                k++;
            }
    if (!k)
        return arena_printf(g->a, "the context holds these words, but nowhere together; closest is its sentence %u", t[0].best + 1).at;
    return arena_printf(g->a, "the context says nothing of " SPAN_FMT "; closest is its sentence %u", SPAN_ARG(named), t[0].best + 1).at;
}
/* Marks in `inside` the tokens that are in a piece of words. */
static void words_choose(const struct ground *g, const struct ground_result *r, const float *weights, uint8_t *inside)
{
    size_t n = r->ntokens;
    uint8_t *from = arena_alloc_raw(g->a, n + 1); /* bit 0: outside came from inside; bit 1: inside came from inside */
    double out = 0, in = -INFINITY;
    for (size_t q = 0; q < n; q++) {
        double begin = out - PIECE_PRICE;
        from[q] = (uint8_t)((in > out) | (in > begin) << 1);
        double now = (in > begin ? in : begin) + token_score(&r->tokens[q], weights) - PIECE_DOUBT;
        out = in > out ? in : out;
        in = now;
    }
    bool is_in = in > out;
    for (size_t q = n; q > 0; q--) {
        inside[q - 1] = is_in;
        is_in = from[q - 1] >> is_in & 1;
    }
}
struct ground_piece *ground_pieces(const struct ground *g, const struct words *w, struct ground_result *r, const float *weights, size_t *n)
{
    struct ground_piece *list = arena_alloc_raw(g->a, PIECES_MOST * sizeof *list);
    *n = 0;
    for (size_t q = 0; q < r->ntokens; q++) {
        const struct ground_token *t = &r->tokens[q];
        if (!t->is_figure || !t->is_absent)
            continue;
        const struct number *x = &w->numbers[w->list[t->word].number - 1];
        double near = ground_nearest_value(g, x->value);
        struct span said = words_of(w, x->word, x->past);
        fact_add(r, g, FACT_FIGURE, x->word, x->past,
                 isnan(near) ? arena_printf(g->a, "the figure " SPAN_FMT " does not occur in the context, which gives none", SPAN_ARG(said))
                             : arena_printf(g->a, "the figure " SPAN_FMT " does not occur in the context; nearest: %.10g", SPAN_ARG(said), near));
    }
    for (size_t k = 0; k < r->nfacts && *n < PIECES_MOST; k++) {
        const struct ground_fact *f = &r->facts[k];
        struct ground_piece *p = &list[*n];
        *p = (struct ground_piece){ .kind = f->kind, .first = f->first, .past = f->past, .score = kind_score((enum fact_kind)f->kind), .why = f->why };
        if (f->kind == FACT_ATTRIBUTE || f->kind == FACT_OPEN || f->kind == FACT_SCHEDULE || f->kind == FACT_DENIED)
            widen(w, p);
        if (*n && p[-1].kind == p->kind && p[-1].first <= p->first && p[-1].past >= p->past)
            continue; /* said already */
        ++*n;
    }
    if (2 * g->structured_words >= g->nwords)
        return list;
    uint8_t *inside = arena_alloc_raw(g->a, r->ntokens + 1);
    words_choose(g, r, weights, inside);
    for (size_t q = 0; q < r->ntokens && *n < PIECES_MOST;) {
        if (!inside[q]) {
            q++;
            continue;
        }
        size_t end = q;
        double sum = 0;
        for (; end < r->ntokens && inside[end]; end++)
            sum += 1 / (1 + exp(-token_score(&r->tokens[end], weights)));
        double score = sum / (double)(end - q);
        list[(*n)++] = (struct ground_piece){ .kind = FACT_WORDS, .first = r->tokens[q].word, .past = r->tokens[end - 1].word + 1, .score = score, .why = words_why(g, w, &r->tokens[q], end - q) };
        q = end;
    }
    return list;
}
