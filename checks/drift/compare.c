/* SPDX-License-Identifier: Apache-2.0
 *
 * compare: asks the question, decides how long to ask, and puts the answer into words.
 *
 * How many divisions: first a short run; when its p is above `early` that p is the answer, else a full run decides. This
 * keeps p valid at every level: below `early` only the full run can reject, above it the short run has rejected whenever
 * either has (the simplest case of Besag and Clifford 1991). Long runs have one more such stop. The full length is chosen from alpha and the cost of a
 * division, never from what was seen.
 */
#include "checks/drift/permute.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { FIRST_RUN = 200, SECOND_RUN = 2000, FULL_RUN = 2000, FULL_RUN_MOST = 40000, SWAP_MOST = 24 };
static const uint64_t budget = 9000000000u; /* elementary steps, about ten seconds */

struct shares {
    double n, missing, mean, deviation, median;
};
static int compare_double(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}
/* Sorted values of one sample of a number column; returns how many. */
static uint32_t values_of(const struct pool *p, const struct pooled_column *c, bool is_current, double *out)
{
    uint32_t n = 0, from = is_current ? p->nreference : 0, to = is_current ? p->n : p->nreference;
    for (uint32_t i = from; i < to; i++)
        if (!isnan(c->values[i]))
            out[n++] = c->values[i];
    qsort(out, n, sizeof *out, compare_double);
    return n;
}
static struct shares shares_of(const struct pool *p, const struct pooled_column *c, bool is_current, double *scratch)
{
    struct shares s = { 0 };
    uint32_t rows = is_current ? p->ncurrent : p->nreference, n = values_of(p, c, is_current, scratch);
    double sum = 0, squares = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += scratch[i];
    s.n = n;
    s.missing = rows ? 1 - (double)n / rows : 0;
    s.mean = n ? sum / n : NAN;
    for (uint32_t i = 0; i < n; i++)
        squares += (scratch[i] - s.mean) * (scratch[i] - s.mean);
    s.deviation = n > 1 ? sqrt(squares / (n - 1)) : 0;
    s.median = n ? scratch[n / 2] : NAN;
    return s;
}
static double distance(const double *a, uint32_t n, const double *b, uint32_t m) /* Kolmogorov-Smirnov, sorted */
{
    double most = 0;
    for (uint32_t i = 0, j = 0; i < n && j < m;) {
        double v = a[i] < b[j] ? a[i] : b[j];
        while (i < n && a[i] <= v)
            i++;
        while (j < m && b[j] <= v)
            j++;
        most = fmax(most, fabs((double)i / n - (double)j / m));
    }
    return most;
}

static void count_bins(const struct pool *p, const struct pooled_column *c, uint32_t *reference, uint32_t *current)
{
    memset(reference, 0, (BINS_MOST + 1) * sizeof *reference);
    memset(current, 0, (BINS_MOST + 1) * sizeof *current);
    for (uint32_t i = 0; i < p->n; i++)
        (i < p->nreference ? reference : current)[c->codes[i]]++;
}

static const char *percent(struct arena *a, double share)
{
    return arena_printf(a, share > 0 && share < 0.1 ? "%.1f %%" : "%.0f %%", 100 * share).at;
}

/* As a person writes it: four digits, but 33950 and not 3.395e+04. */
static const char *number(struct arena *a, double v)
{
    double size = fabs(v);
    return arena_printf(a, size >= 1e4 && size < 1e15 ? "%.0f" : "%.4g", v).at;
}

static void tell_column(struct arena *a, const struct permuter *m, const struct watched *w, struct drift_feature *f)
{
    const struct pool *p = m->pool;
    const struct pooled_column *c = &p->columns[w->index];
    uint32_t r[BINS_MOST + 1], q[BINS_MOST + 1], best = 0;
    count_bins(p, c, r, q);
    float most = -1;
    for (uint32_t s = 0; s < w->n; s++) {
        float here = permuter_statistic(m, w->first + s);
        if (here > most) {
            most = here;
            best = s;
        }
    }
    double n = p->nreference, k = p->ncurrent, lost = fabs(q[0] / k - r[0] / n);
    uint32_t bin = 0;
    double gap = -1;
    for (uint32_t b = 1; b < c->nbins; b++)
        if (c->bins[b].is_single) {
            double here = pool_surprise_at((struct pool *)p, c->bins[b].total, q[b]);
            if (here > gap) {
                gap = here;
                bin = b;
            }
        }
    bool is_missing = best == (c->is_number ? SUB_MISSING : SUBC_MISSING), is_value = best == (c->is_number ? SUB_VALUE : SUBC_VALUE);
    if (c->schema) {
        f->what = c->schema;
        f->effect = 1;
    } else if (is_missing) {
        f->what = arena_printf(a, "missing in %s of the rows, before %s", percent(a, q[0] / k), percent(a, r[0] / n)).at;
        f->effect = lost;
    } else if (is_value && bin) {
        const char *label = c->bins[bin].label ? c->bins[bin].label : arena_printf(a, "%g", c->bins[bin].low).at;
        f->what = arena_printf(a, "'%s' in %s of the rows, before %s%s", label, percent(a, q[bin] / k), percent(a, r[bin] / n),
                               !r[bin] ? ": new" : !q[bin] ? ": gone" : "").at;
        f->effect = fabs(q[bin] / k - r[bin] / n);
    }
    if (c->is_number) {
        double *x = arena_alloc_raw(a, (n + 1) * sizeof *x), *y = arena_alloc_raw(a, (k + 1) * sizeof *y);
        struct shares before = shares_of(p, c, false, x), after = shares_of(p, c, true, y);
        double d = distance(x, (uint32_t)before.n, y, (uint32_t)after.n);
        f->effect = fmax(f->effect, d);
        if (f->what)
            return;
        double times = before.deviation > 0 ? (after.mean - before.mean) / before.deviation : 0;
        if (best == SUB_SPREAD && fabs(times) < 0.1)
            f->what = arena_printf(a, "spread %s to %s (mean %s to %s)", number(a, before.deviation), number(a, after.deviation), number(a, before.mean), number(a, after.mean)).at;
        else if (best == SUB_TAILS || best == SUB_SIZE)
            f->what = arena_printf(a, "far values: largest %s to %s, smallest %s to %s (mean %s to %s)", number(a, x[(uint32_t)before.n - 1]),
                                   number(a, y[(uint32_t)after.n - 1]), number(a, x[0]), number(a, y[0]), number(a, before.mean), number(a, after.mean)).at;
        else
            f->what = arena_printf(a, "mean %s to %s (%+.2f standard deviations), median %s to %s", number(a, before.mean), number(a, after.mean), times,
                                   number(a, before.median), number(a, after.median)).at;
        return;
    }
    double moved = 0, total_r = n - r[0], total_q = k - q[0];
    uint32_t widest = 0;
    double width = -1;
    for (uint32_t b = 1; b < c->nbins && total_r > 0 && total_q > 0; b++) {
        double here = fabs(q[b] / total_q - r[b] / total_r);
        moved += here / 2;
        if (here > width) {
            width = here;
            widest = b;
        }
    }
    f->effect = fmax(f->effect, moved);
    if (!f->what)
        f->what = widest ? arena_printf(a, "shares moved, most of all '%s': %s of the rows, before %s", c->bins[widest].label, percent(a, q[widest] / k),
                                        percent(a, r[widest] / n)).at : "nothing to compare";
}

struct told {
    uint32_t term;
    float surprise;
    double before, after;
};
static int most_surprising(const void *a, const void *b)
{
    const struct told *x = a, *y = b;
    return x->surprise != y->surprise ? (x->surprise < y->surprise ? 1 : -1) : x->term < y->term ? -1 : x->term > y->term;
}

static bool holds_word(const char *pair, const char *word)
{
    size_t n = strlen(word);
    const char *blank = strchr(pair, ' ');
    return blank && !strchr(word, ' ') &&
           ((strncmp(pair, word, n) == 0 && pair[n] == ' ') || strcmp(blank + 1, word) == 0);
}

static const char *term_name(const struct pool *p, uint32_t hash)
{
    const char *name = sample_name(p->current, hash);
    return name ? name : sample_name(p->reference, hash);
}

static void tell_terms(struct arena *a, struct pool *p, const struct pooled_terms *t, struct drift_report *out)
{
    struct told *all = arena_alloc(a, (t->n + 1) * sizeof *all);
    for (uint32_t r = 0; r < p->n; r++)
        for (uint32_t i = t->start[r]; i < t->start[r + 1]; i++)
            *(r < p->nreference ? &all[t->ids[i]].before : &all[t->ids[i]].after) += 1;
    for (uint32_t i = 0; i < t->n; i++) {
        all[i].term = i;
        all[i].surprise = pool_surprise_at(p, t->df[i], (uint32_t)all[i].after);
        all[i].before /= p->nreference;
        all[i].after /= p->ncurrent;
    }
    qsort(all, t->n, sizeof *all, most_surprising);
    size_t from = out->nterms, cap = from + DRIFT_REPORT_TERMS;
    struct drift_term *list = arena_alloc(a, cap * sizeof *list);
    if (from)
        memcpy(list, out->terms, from * sizeof *list);
    out->terms = list;
    for (uint32_t i = 0; i < t->n && out->nterms < cap && all[i].surprise > 2; i++) {
        const char *name = term_name(p, t->hash[all[i].term]);
        if (!name)
            continue;
        bool is_told = false; /* a pair whose rarer word is listed adds nothing */
        for (size_t k = from; k < out->nterms && !is_told; k++)
            is_told = holds_word(name, list[k].term) && fabs(list[k].effect) >= fabs(all[i].after - all[i].before) * 0.7;
        if (!is_told)
            list[out->nterms++] = (struct drift_term){ .term = name, .on = t->on, .effect = all[i].after - all[i].before, .before = all[i].before,
                                                       .after = all[i].after };
    }
}

static void change(struct arena *a, struct drift_report *out, size_t *cap, const char *feature, const char *what)
{
    *ARENA_PUSH(a, out->schema, out->nschema, *cap) = (struct drift_change){ feature, what };
}

/* The column itself changed: gone, new, another type, another unit, constant, or taken for another. */
static void tell_schema(struct arena *a, const struct pool *p, struct drift_report *out)
{
    size_t cap = 0;
    uint32_t moved[SWAP_MOST], nmoved = 0;
    double *x[SWAP_MOST], *y[SWAP_MOST];
    uint32_t nx[SWAP_MOST], ny[SWAP_MOST];
    double *scratch = arena_alloc_raw(a, (p->n + 1) * sizeof *scratch);
    for (uint32_t i = 0; i < p->ncolumns; i++) {
        const struct pooled_column *c = &p->columns[i];
        if (c->on || strcmp(c->kind, "rows") == 0)
            continue;
        if (c->schema) {
            change(a, out, &cap, c->name, c->schema);
            continue;
        }
        uint32_t r[BINS_MOST + 1], q[BINS_MOST + 1], rs = 0, qs = 0;
        count_bins(p, c, r, q);
        for (uint32_t b = 1; b < c->nbins; b++) {
            rs += r[b] > 0;
            qs += q[b] > 0;
        }
        if (qs == 1 && rs > 1 && p->ncurrent >= 20)
            change(a, out, &cap, c->name, "now constant");
        if (!c->is_number)
            continue;
        struct shares before = shares_of(p, c, false, scratch), after = shares_of(p, c, true, scratch);
        if (before.median != 0 && after.median != 0 && before.n >= 20 && after.n >= 20) {
            double ratio = after.median / before.median, power = ratio > 0 ? log10(ratio) : 0;
            double width = before.deviation > 0 && after.deviation > 0 ? log10(after.deviation / before.deviation) : power;
            if (fabs(power) > 0.8 && fabs(power - round(power)) < 0.1 && fabs(width - round(power)) < 0.3)
                change(a, out, &cap, c->name, arena_printf(a, "values about 10^%d times what they were: another unit?", (int)round(power)).at);
        }
        if (nmoved < SWAP_MOST) {
            x[nmoved] = arena_alloc_raw(a, (p->nreference + 1) * sizeof(double));
            y[nmoved] = arena_alloc_raw(a, (p->ncurrent + 1) * sizeof(double));
            nx[nmoved] = values_of(p, c, false, x[nmoved]);
            ny[nmoved] = values_of(p, c, true, y[nmoved]);
            if (nx[nmoved] >= 20 && ny[nmoved] >= 20 && distance(x[nmoved], nx[nmoved], y[nmoved], ny[nmoved]) > 0.3)
                moved[nmoved++] = i;
        }
    }
    for (uint32_t i = 0; i < nmoved; i++)
        for (uint32_t j = i + 1; j < nmoved; j++) {
            double crossed = distance(x[i], nx[i], y[j], ny[j]) + distance(x[j], nx[j], y[i], ny[i]);
            double straight = distance(x[i], nx[i], y[i], ny[i]) + distance(x[j], nx[j], y[j], ny[j]);
            if (crossed < straight / 2 && crossed < 0.4) {
                change(a, out, &cap, p->columns[moved[i]].name, arena_printf(a, "swapped with '%s'", p->columns[moved[j]].name).at);
                change(a, out, &cap, p->columns[moved[j]].name, arena_printf(a, "swapped with '%s'", p->columns[moved[i]].name).at);
            }
        }
}

static int by_p(const void *a, const void *b, void *of)
{
    const struct watched *w = of, *x = &w[*(const uint32_t *)a], *y = &w[*(const uint32_t *)b];
    if (x->p_adjusted != y->p_adjusted)
        return x->p_adjusted < y->p_adjusted ? -1 : 1;
    if ((x->of == OF_ALL) != (y->of == OF_ALL)) /* what says more goes first */
        return x->of == OF_ALL ? 1 : -1;
    if (x->score[0] != y->score[0])
        return x->score[0] > y->score[0] ? -1 : 1;
    return *(const uint32_t *)a < *(const uint32_t *)b ? -1 : 1;
}

static void tell_features(struct arena *a, struct permuter *m, struct drift_report *out)
{
    struct pool *p = m->pool;
    uint32_t *order = arena_alloc(a, (m->nwatched + 1) * sizeof *order);
    for (uint32_t i = 0; i < m->nwatched; i++)
        order[i] = i;
    qsort_r(order, m->nwatched, sizeof *order, by_p, m->watched);
    out->features = arena_alloc(a, (m->nwatched + 1) * sizeof *out->features);
    for (uint32_t i = 0; i < m->nwatched; i++) {
        const struct watched *w = &m->watched[order[i]];
        struct drift_feature *f = &out->features[out->nfeatures++];
        f->p_adjusted = w->p_adjusted;
        if (w->of == OF_COLUMN) {
            const struct pooled_column *c = &p->columns[w->index];
            f->name = c->name;
            f->kind = c->kind;
            f->on = c->on;
            tell_column(a, m, w, f);
        } else if (w->of == OF_TERMS) {
            const struct pooled_terms *t = &p->terms[w->index];
            const char *side = t->on == ON_PROMPT ? "prompt" : "response";
            f->on = t->on;
            f->kind = t->family == WORD_TERMS ? "terms" : "characters";
            f->name = arena_printf(a, "%s.%s", side, f->kind).at;
            uint32_t *q = arena_alloc(a, (t->n + 1) * sizeof *q);
            for (uint32_t k = t->start[p->nreference]; k < t->start[p->n]; k++)
                q[t->ids[k]]++;
            const char *term = NULL;
            float most = -1;
            for (uint32_t k = 0; k < t->n; k++) {
                double gap = (double)q[k] / p->ncurrent - (double)(t->df[k] - q[k]) / p->nreference;
                f->effect = fmax(f->effect, fabs(gap));
                float here = pool_surprise_at(p, t->df[k], q[k]);
                if (here > most && t->family == WORD_TERMS && term_name(p, t->hash[k])) {
                    most = here;
                    term = arena_printf(a, "words moved, most of all '%s': in %s of the texts, before %s", term_name(p, t->hash[k]),
                                        percent(a, (double)q[k] / p->ncurrent), percent(a, (double)(t->df[k] - q[k]) / p->nreference)).at;
                }
            }
            f->what = term ? term : "sequences of three characters moved: other words, spelling or language";
        } else if (w->of == OF_ALL) {
            f->name = w->index == ON_PROMPT ? "prompt.wording" : "response.wording";
            f->kind = "wording";
            f->on = (enum side)w->index;
            f->what = "words and spelling taken together";
        } else {
            uint32_t x = m->linked_columns[w->index], y = m->linked_columns[w->other];
            f->name = arena_printf(a, "%s ~ %s", p->columns[x].name, p->columns[y].name).at;
            f->kind = "link";
            double r[2];
            for (int s = 0; s < 2; s++) {
                uint32_t from = s ? p->nreference : 0, to = s ? p->n : p->nreference;
                double sx = 0, sy = 0, sxx = 0, syy = 0, sxy = 0, n = to - from;
                for (uint32_t k = from; k < to; k++) {
                    double u = m->linked[(size_t)k * m->nlinked + w->index], v = m->linked[(size_t)k * m->nlinked + w->other];
                    sx += u, sy += v, sxx += u * u, syy += v * v, sxy += u * v;
                }
                double vx = sxx / n - sx / n * sx / n, vy = syy / n - sy / n * sy / n;
                r[s] = vx > 1e-9 && vy > 1e-9 ? (sxy / n - sx / n * sy / n) / sqrt(vx * vy) : 0;
            }
            f->effect = fabs(r[1] - r[0]) / 2;
            f->what = arena_printf(a, "rank correlation %.2f to %.2f", r[0], r[1]).at;
        }
    }
}

/* What is taken together has the effect of its strongest part. */
static void tell_wording(struct drift_report *out)
{
    for (size_t i = 0; i < out->nfeatures; i++)
        for (size_t k = 0; k < out->nfeatures && strcmp(out->features[i].kind, "wording") == 0; k++)
            if (out->features[k].on == out->features[i].on && (strcmp(out->features[k].kind, "terms") == 0 || strcmp(out->features[k].kind, "characters") == 0))
                out->features[i].effect = fmax(out->features[i].effect, out->features[k].effect);
}

static uint32_t full_run(const struct permuter *m, const struct drift_options *o)
{
    double wanted = fmax(FULL_RUN, fmin(20 / o->alpha, FULL_RUN_MOST)), afford = (double)budget / (double)permuter_cost(m);
    double least = ceil(2 / o->alpha);
    wanted = fmax(wanted, o->permutations_least);
    double n = fmax(fmin(wanted, afford), fmin(least, FULL_RUN_MOST));
    if (o->permutations_most && n > o->permutations_most)
        n = o->permutations_most;
    return n < 20 ? 20 : (uint32_t)n;
}

void drift_compare(struct arena *a, struct drift_sample *reference, struct drift_sample *current, const struct drift_options *o, struct drift_report *out)
{
    *out = (struct drift_report){ .alpha = o->alpha, .p = 1, .p_random = 1, .n_reference = reference->n, .n_current = current->n, .seed = o->seed };
    if (reference->n < DRIFT_LEAST || current->n < DRIFT_LEAST) {
        out->is_too_little = true;
        out->what = arena_printf(a, "cannot tell yet: %u and %u observations, at least %d are needed of each", reference->n, current->n, DRIFT_LEAST).at;
        return;
    }
    struct pool *p = pool_make(a, reference, current);
    struct permuter *m = permuter_new(p, o->seed);
    if (!m->nwatched) {
        out->what = "no drift: nothing varies in either sample";
        return;
    }
    uint32_t full = full_run(m, o), first = full < 2 * FIRST_RUN ? full : FIRST_RUN;
    permuter_begin(m, full);
    permuter_run(m, first);
    if (first < full && m->p <= (o->early > 0 ? o->early : 0.3)) {
        if (full > 2 * SECOND_RUN)
            permuter_run(m, SECOND_RUN);
        if (full <= 2 * SECOND_RUN || m->p <= fmax(0.01, 20 * o->alpha < 0.2 ? 20 * o->alpha : 0.2))
            permuter_run(m, full);
    }
    out->p = m->p;
    out->p_random = m->p_random;
    out->permutations = m->divisions - 1;
    tell_features(a, m, out);
    tell_wording(out);
    for (uint32_t i = 0; i < p->nterms; i++)
        if (p->terms[i].family == WORD_TERMS)
            tell_terms(a, p, &p->terms[i], out);
    tell_schema(a, p, out);
    bool is_large = false;
    uint32_t moved = 0;
    for (size_t i = 0; i < out->nfeatures; i++)
        if (out->features[i].p_adjusted <= o->alpha) {
            moved++;
            is_large |= out->features[i].effect >= o->least_effect;
        }
    out->is_drift = out->p <= o->alpha && is_large;
    if (out->is_drift)
        out->what = arena_printf(a, "drift: %u of %zu features moved, '%s' most", moved, out->nfeatures, out->features[0].name).at;
    else if (out->p <= o->alpha)
        out->what = arena_printf(a, "a change, but smaller than the %.2g that was asked for", o->least_effect).at;
    else
        out->what = arena_printf(a, "no drift seen among %zu features", out->nfeatures).at;
}
