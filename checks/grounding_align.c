/* SPDX-License-Identifier: Apache-2.0
 * The answer against the context: each sentence finds the window of three context sentences that shares most with it
 * (words weighed by how few context sentences hold them), and what is left over is unsupported. Figures, names, quotes
 * and addresses are looked up by themselves; negations and opposites are compared with the sentence that agrees best. */
#include "checks/grounding_parts.h"
#include <math.h>

const char *const ground_feature_names[GROUND_FEATURES] = { "missing", "sentences", "worst", "worst-missing", "pairs", "triples", "numbers", "a-number",
                                                            "names", "a-name", "elsewhere", "flip", "attribute", "mass", "pair-mass" };

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
static double weight_of(const struct ground *g, const struct words *w, size_t i, const struct ground_entry *e)
{
    double n = g->nsentences + 1.0;
    double rare = ground_rarity(w->list[i].stem), x = rare * rare;
    if (e) /* in the context: the fewer sentences hold it, the more it says */
        x *= 0.4 + 0.6 * log(1 + n / (e->n + 0.5)) / log(1 + n / 0.5);
    return is_binding(w, i) ? 0.2 * x : x;
}
static struct ground_piece *piece_add(const struct ground *g, struct ground_result *r, enum piece_kind kind, size_t first, size_t past, double score)
{
    struct ground_piece *p = ARENA_PUSH(g->a, r->pieces, r->npieces, r->cap);
    *p = (struct ground_piece){ .kind = (uint8_t)kind, .first = (uint32_t)first, .past = (uint32_t)past, .score = score };
    return p;
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
static bool figure_stands(const struct ground *g, const struct words *w, const struct number *n)
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
            struct span t = word_text(w, n->past);
            bool pm = span_is(t, "pm") || (span_is(t, "p") && n->past + 2 < w->n && span_is(word_text(w, n->past + 2), "m"));
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
static bool is_figure(const struct words *w, size_t i)
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
    return !numbering && !marker && !passage && !minutes;
}
static bool is_name(const struct words *w, size_t i)
{
    const struct word *x = &w->list[i];
    return x->kind == WORD_TEXT && (x->flags & WORD_CAPITAL) && !(x->flags & (WORD_STOP | WORD_FIRST)) && x->to - x->at > 1 && !x->weekday && !is_binding(w, i);
}

struct aligner {
    const struct ground *g;
    const struct words *w;
    struct ground_result *r;
    float *shared;              /* by context sentence */
    uint32_t *touched, ntouched;
    double missing, all, sentences, sentences_weight, pairs, npairs, triples, ntriples, numbers, nnumbers, names, nnames, elsewhere, nplaced;
};
static bool in_window(const struct ground *g, const struct ground_entry *e, uint32_t from, uint32_t past)
{
    for (uint32_t k = 0; e && k < e->n; k++)
        if (g->postings[e->from + k] >= from && g->postings[e->from + k] < past)
            return true;
    return e && e->n == POSTINGS_MOST; /* so common that it stands everywhere */
}
/* Negations and opposites of a sentence against the context sentence that agrees best. */
static bool flips(struct aligner *z, size_t first, size_t past, uint32_t sentence, size_t *at)
{
    const struct ground_sentence *s = &z->g->sentences[sentence];
    const struct words *w = z->w;
    unsigned nots = 0;
    *at = first;
    for (size_t i = first; i < past; i++) {
        const struct word *x = &w->list[i];
        if (x->flags & WORD_NOT)
            nots++, *at = i;
        if (!x->pole)
            continue;
        bool same = false, other = false;
        for (uint32_t k = s->word; k < s->past; k++) {
            same |= s->w->list[k].pole == x->pole;
            other |= s->w->list[k].pole == -x->pole;
        }
        if (other && !same) {
            *at = i;
            return true;
        }
    }
    return (nots > 0) != (s->nots > 0);
}
static void sentence_align(struct aligner *z, size_t first, size_t past)
{
    const struct ground *g = z->g;
    const struct words *w = z->w;
    struct ground_result *r = z->r;
    double all = 0, missing = 0;
    size_t content = 0;
    z->ntouched = 0;
    uint32_t before = 0, one = 0, two = 0;
    for (size_t i = first; i < past; i++) {
        const struct word *x = &w->list[i];
        if (x->kind == WORD_MARK)
            continue;
        const struct ground_entry *e = ground_find(g, x->stem);
        if (two) {
            z->ntriples++;
            z->triples += !ground_has_pair(g, ground_pair(ground_pair(two, one), x->stem) ^ 0x5bd1e994u);
        }
        two = one;
        one = x->stem;
        if (x->flags & WORD_STOP || x->kind == WORD_URL || x->kind == WORD_EMAIL)
            continue;
        if (before) {
            z->npairs++;
            z->pairs += !ground_has_pair(g, ground_pair(before, x->stem));
        }
        before = x->stem;
        double weight = weight_of(g, w, i, e);
        bool figure = x->number && is_figure(w, i);
        bool stands = e || (figure && figure_stands(g, w, &w->numbers[x->number - 1])) || (x->number && !figure);
        all += weight;
        content++;
        if (!stands)
            missing += weight;
        for (uint32_t k = 0; e && k < e->n; k++) {
            uint32_t s = g->postings[e->from + k];
            if (z->shared[s] == 0)
                z->touched[z->ntouched++] = s;
            z->shared[s] += (float)weight;
        }
    }
    /* the best window of three, and the best single sentence */
    double best = 0;
    uint32_t window = 0, single = 0;
    float best_single = 0;
    for (uint32_t k = 0; k < z->ntouched; k++) {
        uint32_t s = z->touched[k];
        for (uint32_t from = s >= 2 ? s - 2 : 0; from <= s; from++) {
            double sum = z->shared[from] + (from + 1 < g->nsentences ? z->shared[from + 1] : 0) + (from + 2 < g->nsentences ? z->shared[from + 2] : 0);
            if (sum > best)
                best = sum, window = from;
        }
        if (z->shared[s] > best_single)
            best_single = z->shared[s], single = s;
    }
    for (uint32_t k = 0; k < z->ntouched; k++)
        z->shared[z->touched[k]] = 0;
    double outside = 0;
    size_t run_first = 0, run_past = 0, run_missing = 0, run_words = 0;
    double run_weight = 0;
    for (size_t i = first; i <= past; i++) {
        const struct word *x = i < past ? &w->list[i] : NULL;
        if (x && (x->kind == WORD_MARK || x->flags & WORD_STOP)) {
            if (x->kind == WORD_MARK && run_words && (x->mark == ',' || x->mark == ';' || x->mark == '(' || x->mark == ':'))
                x = NULL; /* a clause ends the run */
            else
                continue;
        }
        bool stands = false, absent = false;
        double weight = 0;
        if (x && x->kind != WORD_URL && x->kind != WORD_EMAIL) {
            const struct ground_entry *e = ground_find(g, x->stem);
            bool figure = x->number && is_figure(w, i);
            bool found = figure && figure_stands(g, w, &w->numbers[x->number - 1]);
            weight = weight_of(g, w, i, e);
            stands = in_window(g, e, window, window + 3) || (found && !e) || (x->number && !figure);
            absent = !e && !found && !(x->number && !figure);
            if (!stands)
                outside += weight;
            if ((figure && x->number) || is_name(w, i)) {
                z->nplaced++;
                z->elsewhere += !stands && !absent;
            }
            if (figure) {
                z->nnumbers++;
                if (!found && !e) {
                    z->numbers++;
                    const struct number *n = &w->numbers[x->number - 1];
                    struct ground_piece *p = piece_add(g, r, PIECE_NUMBER, n->word, n->past, 0.8);
                    double close = ground_nearest_value(g, n->value);
                    struct span said = span_cut(w->fold->original, w->list[n->word].start, w->list[n->past - 1].end);
                    p->why = isnan(close) ? arena_printf(g->a, "the figure " SPAN_FMT " does not occur in the context", SPAN_ARG(said)).at
                                          : arena_printf(g->a, "the figure " SPAN_FMT " does not occur in the context; nearest: %.10g", SPAN_ARG(said), close).at;
                }
            } else if (is_name(w, i)) {
                z->nnames++;
                if (absent) {
                    z->names++;
                    struct ground_piece *p = piece_add(g, r, PIECE_NAME, i, i + 1, 0.65);
                    p->why = arena_printf(g->a, "the name " SPAN_FMT " does not occur in the context", SPAN_ARG(span_cut(w->fold->original, w->list[i].start, w->list[i].end))).at;
                }
            }
        }
        /* runs of words that stand nowhere near */
        if (x && !stands && !is_binding(w, i)) {
            if (!run_words)
                run_first = i;
            run_past = i + 1;
            run_words++;
            run_missing += absent;
            run_weight += weight;
        } else if (!x || stands) {
            if (run_words >= 2 && run_missing >= 1) {
                struct ground_piece *p = piece_add(g, r, PIECE_WORDS, run_first, run_past, 0.4 + 0.1 * (double)(run_missing < 4 ? run_missing : 4));
                p->why = "nothing near this in the context";
            } else if (run_words == 1 && run_missing) {
                struct ground_piece *p = piece_add(g, r, PIECE_WORDS, run_first, run_past, 0.3);
                p->why = "this word does not occur in the context";
            }
            run_words = run_missing = 0;
            run_weight = 0;
        }
    }
    if (content == 0 || all <= 0)
        return;
    z->missing += missing;
    z->all += all;
    double share = outside / all;
    z->sentences += share * all;
    z->sentences_weight += all;
    if (content >= 3) {
        if (share > r->x[GROUND_WORST])
            r->x[GROUND_WORST] = share;
        if (missing / all > r->x[GROUND_WORST_MISSING])
            r->x[GROUND_WORST_MISSING] = missing / all;
        if (missing / all > 0.5) {
            struct ground_piece *p = piece_add(g, r, PIECE_SENTENCE, first, past, 0.5 + (missing / all - 0.5) * 0.8);
            p->why = arena_printf(g->a, "%.0f %% of what this sentence says stands nowhere in the context", 100 * missing / all).at;
        }
    }
    if (content >= 3 && best_single / all > 0.5) {
        size_t at;
        if (flips(z, first, past, single, &at)) {
            double strength = (best_single / all - 0.5) * 2;
            if (strength > r->x[GROUND_FLIP])
                r->x[GROUND_FLIP] = strength;
            struct ground_piece *p = piece_add(g, r, PIECE_FLIP, at == first ? first : at, at == first ? past : at + 1, 0.3 + 0.4 * strength);
            p->why = "the context says the opposite of this";
        }
    }
    /* a yes or no of structured data */
    for (uint32_t k = 0; k < g->nattributes; k++) {
        const struct ground_attribute *t = &g->attributes[k];
        size_t hit = 0, from = past, to = first;
        bool no = false;
        for (size_t i = first; i < past; i++) {
            no |= (w->list[i].flags & WORD_NOT) != 0 || word_is(w, i, "lack") || word_is(w, i, "lacks") || word_is(w, i, "unavailable");
            for (size_t q = 0; q < t->n; q++)
                if (w->list[i].stem == t->stems[q]) {
                    hit |= (size_t)1 << q;
                    from = i < from ? i : from;
                    to = i + 1 > to ? i + 1 : to;
                }
        }
        if (hit == ((size_t)1 << t->n) - 1 && to - from <= (size_t)t->n + 4 && t->is_true == no) {
            if (t->is_true)
                continue; /* "no" may belong to another thing of the sentence */
            r->x[GROUND_ATTRIBUTE] = r->x[GROUND_ATTRIBUTE] > 0 ? 1 : 0.7; /* one is enough, two are sure */
            struct ground_piece *p = piece_add(g, r, PIECE_ATTRIBUTE, from, to, 0.75);
            p->why = arena_printf(g->a, "the data say that \"" SPAN_FMT "\" is %s", SPAN_ARG(t->name), t->is_true ? "so" : "not so").at;
        }
    }
}
static void quotes_and_addresses(struct aligner *z)
{
    const struct words *w = z->w;
    for (size_t i = 0; i < w->n; i++) {
        if (w->list[i].kind == WORD_URL || w->list[i].kind == WORD_EMAIL) {
            struct span t = word_text(w, i);
            const char *p = span_find(t, SPAN("://"));
            if (p)
                t = span_cut(t, (size_t)(p - t.at) + 3, t.len);
            z->nnames++;
            if (!ground_has_text(z->g, t)) {
                z->names++;
                piece_add(z->g, z->r, PIECE_URL, i, i + 1, 0.8)->why = "this address does not occur in the context";
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
                if (end > i + 4 && !ground_has_text(z->g, span_cut(w->fold->text, w->list[i + 1].at, w->list[end - 1].to))) {
                    /* word for word? differences of marks and blanks do not count */
                    size_t n = 0, lost = 0;
                    uint32_t one = 0, two = 0;
                    for (size_t q = i + 1; q < end; q++) {
                        if (w->list[q].kind == WORD_MARK)
                            continue;
                        if (two) {
                            n++;
                            lost += !ground_has_pair(z->g, ground_pair(ground_pair(two, one), w->list[q].stem) ^ 0x5bd1e994u);
                        }
                        two = one;
                        one = w->list[q].stem;
                    }
                    if (n && lost * 3 > n) {
                        z->nnames++;
                        z->names++;
                        piece_add(z->g, z->r, PIECE_QUOTE, i, k + 1, 0.7)->why = "these words in quotes do not stand so in the context";
                    }
                }
            }
            i = k;
        }
    }
}
static double saturate(double n, double full)
{
    double x = log1p(n) / log1p(full);
    return x > 1 ? 1 : x;
}
void ground_align(const struct ground *g, const struct words *w, struct ground_result *out)
{
    *out = (struct ground_result){ 0 };
    struct aligner z = { .g = g, .w = w, .r = out };
    z.shared = arena_alloc(g->a, (g->nsentences + 4) * sizeof *z.shared);
    z.touched = arena_alloc_raw(g->a, (g->nsentences + 4) * sizeof *z.touched);
    for (size_t k = 0; k < w->nsentences; k++)
        sentence_align(&z, w->sentences[k].word, w->sentences[k].past);
    quotes_and_addresses(&z);
    double *x = out->x;
    x[GROUND_MISSING] = z.all > 0 ? z.missing / z.all : 0;
    x[GROUND_SENTENCES] = z.sentences_weight > 0 ? z.sentences / z.sentences_weight : 0;
    x[GROUND_PAIRS] = z.npairs > 0 ? z.pairs / z.npairs : x[GROUND_MISSING];
    x[GROUND_TRIPLES] = z.ntriples > 0 ? z.triples / z.ntriples : x[GROUND_MISSING];
    x[GROUND_NUMBERS] = z.nnumbers > 0 ? z.numbers / z.nnumbers : 0;
    x[GROUND_A_NUMBER] = saturate(z.numbers, 4);
    x[GROUND_NAMES] = z.nnames > 0 ? z.names / z.nnames : 0;
    x[GROUND_A_NAME] = saturate(z.names, 6);
    x[GROUND_MASS] = saturate(z.missing, 12);
    x[GROUND_PAIR_MASS] = saturate(z.pairs, 60);
    x[GROUND_ELSEWHERE] = z.nplaced > 0 ? z.elsewhere / z.nplaced : 0;
    if (x[GROUND_WORST] == 0)
        x[GROUND_WORST] = x[GROUND_SENTENCES];
    if (x[GROUND_WORST_MISSING] == 0)
        x[GROUND_WORST_MISSING] = x[GROUND_MISSING];
    out->empty = z.all <= 0;
}
double ground_score(const struct ground_result *r)
{
    double sum = ground_weights[GROUND_FEATURES];
    for (int k = 0; k < GROUND_FEATURES; k++)
        sum += ground_weights[k] * r->x[k];
    return 1 / (1 + exp(-sum));
}
