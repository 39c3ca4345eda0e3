/* SPDX-License-Identifier: Apache-2.0
 * The answer against the context: each sentence finds the window of three context sentences that shares most with it
 * (words weighed by how few context sentences hold them), and what is left over is unsupported. Figures, names, quotes
 * and addresses are looked up by themselves; negations and opposites are compared with the sentence that agrees best. */
#include "checks/grounding_parts.h"
#include <math.h>

const char *const ground_feature_names[GROUND_FEATURES] = { "missing", "alien", "outside", "words", "triples", "clauses", "figures", "figures-share", "figures-moved", "names", "names-share",
                                                            "names-moved", "attributes", "schedule", "open", "negation", "opposite", "mass", "pairs", "pair-mass" };
const char *const token_feature_names[TOKEN_FEATURES] = { "absent", "alien", "outside", "left", "right", "around", "clause", "clause-triples", "sentence", "sentence-out", "figure", "name", "rare" };

/* Words that bind or hedge and say nothing that a source could bear out. */
static bool is_binding(const struct words *w, size_t i)
{
    return word_in(w, i, "according additionally also although answer based because context document documents finally following furthermore given however includes "
                         "including information mention mentioned mentions moreover note overall passage passages please provide provided provides question related "
                         "reported said says specific specifically state stated states summary text therefore thus various well within article discusses describes "
                         "explains highlights like make made use used using several different important first second third addition conclusion meanwhile despite selon "
                         "egalement ainsi cependant toutefois enfin ensuite texte contexte informations reponse notamment effet outre indique precise mentionne afin "
                         "lors");
}
static double weight_of(const struct ground *g, double rare, bool binds, const struct ground_entry *e)
{
    double n = g->nsentences + 1.0;
    double x = rare * rare;
    if (e) /* in the context: the fewer sentences hold it, the more it says */
        x *= 0.4 + 0.6 * log(1 + n / (e->n + 0.5)) / log(1 + n / 0.5);
    return binds ? 0.2 * x : x;
}
static bool is_name(const struct words *w, size_t i, bool binds)
{
    const struct word *x = &w->list[i];
    return x->kind == WORD_TEXT && (x->flags & WORD_CAPITAL) && !(x->flags & (WORD_STOP | WORD_FIRST)) && x->to - x->at > 1 && !x->weekday && !binds;
}

enum { AROUND = 4, COUNT_FULL = 8, MASS_FULL = 12, PAIR_MASS_FULL = 60 };
struct aligner {
    const struct ground *g;
    const struct words *w;
    struct ground_result *r;
    float *shared;              /* by context sentence */
    uint32_t *touched, ntouched;
    double clauses;             /* sum over words of the squared share missing of their clause */
    double negation, opposite;
};
static bool in_window(const struct ground *g, const struct ground_entry *e, uint32_t from, uint32_t past)
{
    if (!e)
        return false;
    for (uint32_t k = 0; k < e->n; k++) {
        uint32_t s = g->sentence_of[g->postings[e->from + k]];
        if (s >= from && s < past)
            return true;
    }
    return e->all > POSTINGS_MOST; /* so common that it stands everywhere */
}
struct agreement {
    uint32_t window, single;    /* first of the best three context sentences; the best one */
    double shared;              /* weight that the best one has in common with the sentence */
};
static struct agreement agree(struct aligner *z, const struct ground_token *t, size_t n)
{
    const struct ground *g = z->g;
    struct agreement a = { 0 };
    z->ntouched = 0;
    for (size_t q = 0; q < n; q++) {
        const struct ground_entry *e = t[q].e;
        uint32_t last = UINT32_MAX;
        for (uint32_t k = 0; e && k < e->n; k++) {
            uint32_t s = g->sentence_of[g->postings[e->from + k]];
            if (s == last)
                continue;
            last = s;
            if (z->shared[s] == 0)
                z->touched[z->ntouched++] = s;
            z->shared[s] += t[q].weight + 1e-6f;
        }
    }
    double best = 0;
    for (uint32_t k = 0; k < z->ntouched; k++) {
        uint32_t s = z->touched[k];
        for (uint32_t from = s >= 2 ? s - 2 : 0; from <= s; from++) {
            double sum = z->shared[from] + (from + 1 < g->nsentences ? z->shared[from + 1] : 0) + (from + 2 < g->nsentences ? z->shared[from + 2] : 0);
            if (sum > best)
                best = sum, a.window = from;
        }
        if (z->shared[s] > a.shared)
            a.shared = z->shared[s], a.single = s;
    }
    for (uint32_t k = 0; k < z->ntouched; k++)
        z->shared[z->touched[k]] = 0;
    return a;
}
/* The word of the context sentence on this side of a pair of opposites, SIZE_MAX: none. */
static size_t pole_find(const struct ground_sentence *s, int pole)
{
    for (size_t k = s->word; k < s->past; k++)
        if (s->w->list[k].pole == pole)
            return k;
    return SIZE_MAX;
}
/* Negations and opposites against the sentence that agrees best. */
static void flips_judge(struct aligner *z, size_t first, size_t past, uint32_t single, double strength)
{
    const struct ground_sentence *s = &z->g->sentences[single];
    const struct words *w = z->w;
    unsigned nots = 0;
    for (size_t i = first; i < past; i++)
        nots += (w->list[i].flags & WORD_NOT) != 0;
    if ((nots > 0) != (s->nots > 0)) /* weak evidence, and no piece of its own: a summary drops what it does not need denied */
        z->negation = strength > z->negation ? strength : z->negation;
    for (size_t i = first; i < past; i++) { /* small words too: before, after */
        int pole = w->list[i].pole;
        if (!pole)
            continue;
        size_t other = pole_find(s, -pole);
        if (other == SIZE_MAX || pole_find(s, pole) != SIZE_MAX)
            continue;
        z->opposite = strength > z->opposite ? strength : z->opposite;
        if (strength < 0.4)
            continue;
        fact_add(z->r, z->g, FACT_OPPOSITE, i, i + 1,
                 arena_printf(z->g->a, "the context says the opposite: \"" SPAN_FMT "\" (sentence %u of it)", SPAN_ARG(word_text(s->w, other)), single + 1));
    }
}
static void sentence_align(struct aligner *z, size_t first, size_t past, struct ground_token *t, size_t n)
{
    const struct ground *g = z->g;
    const struct words *w = z->w;
    if (!n)
        return;
    struct agreement a = agree(z, t, n);
    double all = 0, missing = 0, outside = 0;
    for (size_t q = 0; q < n; q++) {
        struct ground_token *x = &t[q];
        bool out = x->is_absent || !in_window(g, x->e, a.window, a.window + 3);
        all += x->weight;
        missing += x->is_absent ? x->weight : 0;
        outside += out ? x->weight : 0;
        x->best = a.single;
        x->x[TOKEN_OUTSIDE] = x->is_absent || !in_window(g, x->e, a.single, a.single + 1);
        uint32_t stem = w->list[x->word].stem;
        if (q)
            x->x[TOKEN_LEFT] = !ground_has_pair(g, ground_pair(w->list[t[q - 1].word].stem, stem));
        if (q + 1 < n)
            x->x[TOKEN_RIGHT] = !ground_has_pair(g, ground_pair(stem, w->list[t[q + 1].word].stem));
        x->is_moved = out && !x->is_absent;
    }
    if (n >= 3 && all > 0 && a.shared / all > 0.5)
        flips_judge(z, first, past, a.single, (a.shared / all - 0.5) * 2 < 1 ? (a.shared / all - 0.5) * 2 : 1);
    for (size_t q = 0; q < n;) { /* clause by clause */
        size_t end = q;
        double clause_all = 0, clause_missing = 0, triples = 0, ntriples = 0;
        for (; end < n && t[end].clause == t[q].clause; end++) {
            clause_all += t[end].weight;
            clause_missing += t[end].is_absent ? t[end].weight : 0;
        }
        uint32_t one = 0, two = 0;
        for (size_t i = t[q].word > first + 2 ? t[q].word - 2 : first; i <= t[end - 1].word; i++) {
            if (w->list[i].kind == WORD_MARK)
                continue;
            if (two) {
                ntriples++;
                triples += !ground_has_pair(g, ground_triple(two, one, w->list[i].stem));
            }
            two = one;
            one = w->list[i].stem;
        }
        double share = clause_all > 0 ? clause_missing / clause_all : 0;
        z->clauses += share * share * clause_all;
        for (size_t k = q; k < end; k++) {
            t[k].x[TOKEN_CLAUSE] = (float)share;
            t[k].x[TOKEN_CLAUSE_TRIPLES] = ntriples > 0 ? (float)(triples / ntriples) : 0;
            t[k].x[TOKEN_SENTENCE] = all > 0 ? (float)(missing / all) : 0;
            t[k].x[TOKEN_SENTENCE_OUT] = all > 0 ? (float)(outside / all) : 0;
            double near = 0, near_all = 0;
            for (size_t m = k >= AROUND ? k - AROUND : 0; m < n && m <= k + AROUND; m++)
                if (m != k) {
                    near_all += t[m].weight;
                    near += t[m].is_absent ? t[m].weight : 0;
                }
            t[k].x[TOKEN_AROUND] = near_all > 0 ? (float)(near / near_all) : 0;
        }
        q = end;
    }
    structure_judge(g, w, first, past, z->r);
}
static double saturate(double n, double full)
{
    double x = log1p(n) / log1p(full);
    return x > 1 ? 1 : x;
}
static void token_make(const struct ground *g, const struct words *w, size_t i, const struct ground_entry *e, bool is_figure, bool stands, struct ground_token *t)
{
    const struct word *x = &w->list[i];
    bool binds = is_binding(w, i);
    float rare = ground_rarity(x->stem);
    *t = (struct ground_token){ .word = (uint32_t)i, .e = e, .weight = (float)weight_of(g, rare, binds, e), .is_absent = !stands, .is_figure = is_figure, .is_name = is_name(w, i, binds) };
    t->x[TOKEN_RARE] = rare;
    if (stands || binds)
        return;
    t->x[TOKEN_ABSENT] = rare;
    if (!ground_has_kin(g, word_text(w, i)))
        t->x[TOKEN_ALIEN] = rare;
    t->x[TOKEN_FIGURE] = is_figure;
    t->x[TOKEN_NAME] = t->is_name;
}
void ground_align(const struct ground *g, const struct words *w, struct ground_result *out)
{
    *out = (struct ground_result){ 0 };
    struct aligner z = { .g = g, .w = w, .r = out };
    z.shared = arena_alloc(g->a, (g->nsentences + 4) * sizeof *z.shared);
    z.touched = arena_alloc_raw(g->a, (g->nsentences + 4) * sizeof *z.touched);
    out->tokens = arena_alloc_raw(g->a, (w->n + 1) * sizeof *out->tokens);
    uint32_t clause = 0;
    double words = 0, words_missing = 0, triples = 0, ntriples = 0;
    for (size_t s = 0; s < w->nsentences; s++) {
        size_t first = w->sentences[s].word, past = w->sentences[s].past, from = out->ntokens;
        uint32_t one = 0, two = 0;
        clause++;
        for (size_t i = first; i < past; i++) {
            const struct word *x = &w->list[i];
            if (x->kind == WORD_MARK) {
                clause += x->mark == ',' || x->mark == ';' || x->mark == '(' || x->mark == ')' || x->mark == ':';
                continue;
            }
            const struct ground_entry *e = ground_find(g, x->stem);
            bool figure = x->number && is_figure(w, i);
            bool stands = e || (figure && figure_stands(g, w, &w->numbers[x->number - 1])) || (x->number && !figure);
            words++;
            words_missing += !stands;
            if (two) {
                ntriples++;
                triples += !ground_has_pair(g, ground_triple(two, one, x->stem));
            }
            two = one;
            one = x->stem;
            if (x->flags & WORD_STOP || x->kind == WORD_URL || x->kind == WORD_EMAIL)
                continue;
            struct ground_token *t = &out->tokens[out->ntokens++];
            token_make(g, w, i, e, figure, stands, t);
            t->sentence = (uint32_t)s;
            t->clause = clause;
        }
        sentence_align(&z, first, past, out->tokens + from, out->ntokens - from);
    }
    double all = 0, missing = 0, alien = 0, outside = 0, figures = 0, nfigures = 0, names = 0, nnames = 0, figures_moved = 0, names_moved = 0, pairs = 0, npairs = 0;
    for (size_t q = 0; q < out->ntokens; q++) {
        const struct ground_token *t = &out->tokens[q];
        all += t->weight;
        missing += t->is_absent ? t->weight : 0;
        alien += t->x[TOKEN_ALIEN] > 0 ? t->weight : 0;
        outside += t->x[TOKEN_OUTSIDE] * t->weight;
        nfigures += t->is_figure;
        figures += t->is_figure && t->is_absent;
        nnames += t->is_name;
        names += t->is_name && t->is_absent;
        figures_moved += t->is_figure && t->is_moved;
        names_moved += t->is_name && t->is_moved;
        if (q && t[-1].sentence == t->sentence)
            npairs++, pairs += t->x[TOKEN_LEFT];
    }
    facts_look_up(g, w, out, &nnames);
    double attributes = 0, schedule = 0, open = 0;
    for (size_t k = 0; k < out->nfacts; k++) {
        attributes += out->facts[k].kind == FACT_ATTRIBUTE;
        schedule += out->facts[k].kind == FACT_SCHEDULE;
        open += out->facts[k].kind == FACT_OPEN || out->facts[k].kind == FACT_DENIED;
        names += out->facts[k].kind == FACT_URL || out->facts[k].kind == FACT_QUOTE;
    }
    out->is_empty = all <= 0;
    if (out->is_empty)
        return;
    double *x = out->x;
    x[GROUND_MISSING] = missing / all;
    x[GROUND_ALIEN] = alien / all;
    x[GROUND_OUTSIDE] = outside / all;
    x[GROUND_WORDS] = words_missing / words;
    x[GROUND_TRIPLES] = ntriples > 0 ? triples / ntriples : x[GROUND_MISSING];
    x[GROUND_CLAUSES] = z.clauses / all;
    x[GROUND_FIGURES] = saturate(figures, COUNT_FULL);
    x[GROUND_FIGURES_SHARE] = nfigures > 0 ? figures / nfigures : 0;
    x[GROUND_FIGURES_MOVED] = saturate(figures_moved, COUNT_FULL);
    x[GROUND_NAMES] = saturate(names, COUNT_FULL);
    x[GROUND_NAMES_SHARE] = nnames > 0 ? names / nnames : 0;
    x[GROUND_NAMES_MOVED] = saturate(names_moved, COUNT_FULL);
    x[GROUND_ATTRIBUTES] = saturate(attributes, COUNT_FULL);
    x[GROUND_SCHEDULE] = saturate(schedule, COUNT_FULL);
    x[GROUND_OPEN] = saturate(open, COUNT_FULL);
    x[GROUND_NEGATION] = z.negation;
    x[GROUND_OPPOSITE] = z.opposite;
    x[GROUND_MASS] = saturate(missing, MASS_FULL);
    x[GROUND_PAIRS] = npairs > 0 ? pairs / npairs : x[GROUND_MISSING];
    x[GROUND_PAIR_MASS] = saturate(pairs, PAIR_MASS_FULL);
}
