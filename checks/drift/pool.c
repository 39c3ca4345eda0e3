/* SPDX-License-Identifier: Apache-2.0
 *
 * pool: codes rows label-blind. A number's bins: every value that comes often keeps a bin of its own (so a value stuck
 * or a new spike shows), as do the few smallest and largest; the rest is cut at quantiles. A category's bins: the 250
 * most frequent, one for those seen once, one for the rest. Terms in fewer than three rows say nothing and are dropped,
 * but the share of such words is a column, and so is how unusual a text is among all (leaving itself out).
 */
#include "checks/drift/pool.h"
#include "checks/drift/random.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { QUANTILE_BINS = 100, TAIL_BINS = 6, VOCABULARY_MOST = 60000, KEEP_DF = 3 };

static float lean(double surprise, bool is_more)
{
    return (float)(is_more ? surprise + (surprise > 0 ? SURPRISE_UP : 0) : surprise > SURPRISE_DOWN ? surprise - SURPRISE_DOWN : 0);
}

const float *pool_surprise(struct pool *p, uint32_t df)
{
    if (p->surprise[df])
        return p->surprise[df];
    float *s = p->surprise[df] = arena_alloc(p->arena, (df + 1) * sizeof *s);
    double *mass = arena_alloc(p->arena, (df + 1) * sizeof *mass);
    const double *lf = p->log_factorial;
    uint32_t m = p->ncurrent, n = p->nreference;
    double whole = lf[p->n] - lf[m] - lf[n];
    for (uint32_t k = 0; k <= df; k++)
        mass[k] = k <= m && df - k <= n
                      ? exp(lf[df] - lf[k] - lf[df - k] + lf[p->n - df] - lf[m - k] - lf[p->n - df - (m - k)] - whole) : 0;
    double below = 0;
    for (uint32_t k = 0; k <= df; k++) { /* lower tails summed from below, upper ones from above: no cancellation */
        s[k] = (float)(below + mass[k] / 2);
        below += mass[k];
    }
    double above = 0;
    for (uint32_t k = df + 1; k-- > 0;) {
        double tail = above + mass[k] / 2, two = 2 * (tail < s[k] ? tail : s[k]);
        bool is_more = tail < s[k];
        above += mass[k];
        s[k] = lean(two >= 1 ? 0 : two > 1e-300 ? -log(two) : 690, is_more);
    }
    return s;
}

float pool_surprise_at(struct pool *p, uint32_t df, uint32_t k)
{
    if (df <= SURPRISE_MOST)
        return pool_surprise(p, df)[k];
    double share = (double)p->ncurrent / p->n, mean = df * share;
    double variance = mean * (1 - share) * (p->n - df) / (p->n - 1.0);
    if (variance <= 0)
        return 0;
    double z = fabs(k - mean) / sqrt(variance);
    return lean(z < 30 ? -log(erfc(z * 0.70710678118654752)) : z * z / 2, k > mean);
}

static int compare_double(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void centre(struct pool *p, struct pooled_column *c, int which)
{
    float *w = c->weights[which];
    double sum = 0, squares = 0, present = p->n - c->bins[0].total;
    for (uint32_t b = 1; b < c->nbins; b++)
        sum += (double)w[b] * c->bins[b].total;
    double mean = present ? sum / present : 0;
    w[0] = 0;
    for (uint32_t b = 1; b < c->nbins; b++) {
        w[b] = (float)(w[b] - mean);
        squares += (double)w[b] * w[b] * c->bins[b].total;
    }
    double m = p->ncurrent, n = p->n;
    c->deviation[which] = sqrt(m * (n - m) / (n * (n - 1)) * squares);
}

struct pooled_column *pool_numbers(struct pool *p, const char *name, const char *kind, enum side on, double *values)
{
    struct pooled_column *c = ARENA_PUSH(p->arena, p->columns, p->ncolumns, p->columns_cap);
    *c = (struct pooled_column){ .name = name, .kind = kind, .on = on, .is_number = true, .values = values };
    c->codes = arena_alloc(p->arena, p->n);
    c->bins = arena_alloc(p->arena, (BINS_MOST + 1) * sizeof *c->bins);
    c->rank = arena_alloc(p->arena, p->n * sizeof *c->rank);
    double *sorted = arena_alloc_raw(p->arena, (p->n + 1) * sizeof *sorted);
    uint32_t n = 0, ndistinct = 0;
    for (uint32_t i = 0; i < p->n; i++)
        if (!isnan(values[i]))
            sorted[n++] = values[i];
    qsort(sorted, n, sizeof *sorted, compare_double);
    for (uint32_t i = 0; i < n; i++)
        ndistinct += !i || sorted[i] != sorted[i - 1];
    c->bins[0] = (struct bin){ .total = p->n - n };
    c->nbins = 1;
    uint32_t often = n / 100 > 4 ? n / 100 : 4, fill = n / QUANTILE_BINS + 1, seen = 0;
    bool is_open = false; /* the last bin may take more values */
    for (uint32_t i = 0, j; i < n; i = j) {
        for (j = i + 1; j < n && sorted[j] == sorted[i]; j++)
            ;
        uint32_t here = j - i;
        bool is_tail = seen < TAIL_BINS || seen + TAIL_BINS >= ndistinct, is_own = ndistinct <= BINS_MOST - 2 || here >= often || is_tail;
        seen++;
        struct bin *last = &c->bins[c->nbins - 1];
        /* At most 100 frequent values, 100 quantile bins split by them, 12 at the ends: the bound holds, but hold it. */
        if ((is_own || !is_open || last->total >= fill) && c->nbins < BINS_MOST) {
            c->bins[c->nbins++] = (struct bin){ .total = here, .low = sorted[i], .high = sorted[i], .is_single = is_own && here >= 4 };
            is_open = !is_own;
        } else {
            last->total += here;
            last->high = sorted[i];
            last->is_single = false;
        }
    }
    double median = n ? sorted[n / 2] : 0, spread = n ? sorted[n - 1 - n / 4] - sorted[n / 4] : 0;
    if (spread <= 0 && n)
        spread = sorted[n - 1 - n / 50] - sorted[n / 50];
    if (spread <= 0)
        spread = fabs(median) > 0 ? fabs(median) / 10 : 1;
    for (int w = 0; w < COLUMN_WEIGHTS; w++)
        c->weights[w] = arena_alloc(p->arena, c->nbins * sizeof(float));
    double *sum = arena_alloc(p->arena, c->nbins * sizeof *sum), *size = arena_alloc(p->arena, c->nbins * sizeof *size);
    for (uint32_t i = 0, b = 1; i < n; i++) {
        while (sorted[i] > c->bins[b].high)
            b++;
        sum[b] += sorted[i];
        size[b] += log(fabs(sorted[i]) / spread + 0.01);
    }
    uint32_t before = 0;
    for (uint32_t b = 1; b < c->nbins; b++) {
        double rank = (before + c->bins[b].total / 2.0) / n - 0.5, mean = sum[b] / c->bins[b].total, z = (mean - median) / spread;
        before += c->bins[b].total;
        c->weights[WEIGHT_RANK][b] = (float)rank;
        c->weights[WEIGHT_SPREAD][b] = (float)(rank * rank);
        c->weights[WEIGHT_MEAN][b] = (float)z;
        c->weights[WEIGHT_TAILS][b] = (float)(fabs(z) > 1.5 ? log1p(fabs(z) - 1.5) : 0);
        c->weights[WEIGHT_SIZE][b] = (float)pow(size[b] / c->bins[b].total, 2);
    }
    for (int w = 0; w < COLUMN_WEIGHTS; w++)
        centre(p, c, w);
    double scale = 0;
    for (uint32_t b = 1; b < c->nbins; b++)
        scale += (double)c->weights[WEIGHT_RANK][b] * c->weights[WEIGHT_RANK][b] * c->bins[b].total;
    scale = scale > 0 ? sqrt(n / scale) : 0;
    for (uint32_t i = 0; i < p->n; i++) {
        uint32_t low = 0, high = c->nbins - 1;
        if (!isnan(values[i])) {
            low = 1;
            while (low < high) {
                uint32_t middle = (low + high) / 2;
                if (values[i] > c->bins[middle].high)
                    low = middle + 1;
                else
                    high = middle;
            }
        }
        c->codes[i] = (uint8_t)low;
        c->rank[i] = (float)(c->weights[WEIGHT_RANK][low] * scale);
    }
    return c;
}

struct counted {
    uint64_t hash;
    uint32_t count, id;
    const char *text;
};
static int most_counted(const void *a, const void *b)
{
    const struct counted *x = a, *y = b;
    return x->count != y->count ? (x->count < y->count ? 1 : -1) : x->hash < y->hash ? -1 : x->hash > y->hash;
}
static int by_hash(const void *a, const void *b)
{
    const struct counted *x = a, *y = b;
    return x->hash < y->hash ? -1 : x->hash > y->hash;
}

static struct counted cell_value(const struct column *c, uint32_t row)
{
    struct counted v = { 0 };
    if (!c || row >= c->n)
        return v;
    const struct cell *cell = &c->cells[row];
    if (cell->category) {
        v.hash = c->categories[cell->category - 1].hash;
        v.text = c->categories[cell->category - 1].text;
    } else if (!isnan(cell->number)) {
        v.hash = hash_bytes((const char *)&cell->number, sizeof cell->number, 1);
        v.text = "";
    }
    if (v.text)
        v.hash |= 1;
    return v;
}

static void pool_categories(struct pool *p, const struct column *r, const struct column *q)
{
    const struct column *any = r ? r : q;
    struct pooled_column *c = ARENA_PUSH(p->arena, p->columns, p->ncolumns, p->columns_cap);
    *c = (struct pooled_column){ .name = any->name, .kind = any->kind ? any->kind : "category", .on = any->on };
    c->codes = arena_alloc(p->arena, p->n);
    c->bins = arena_alloc(p->arena, (BINS_MOST + 1) * sizeof *c->bins);
    struct counted *all = arena_alloc(p->arena, (p->n + 1) * sizeof *all);
    uint32_t n = 0, distinct = 0;
    for (uint32_t i = 0; i < p->n; i++) {
        struct counted v = i < p->nreference ? cell_value(r, i) : cell_value(q, i - p->nreference);
        v.count = 1;
        if (v.text && !*v.text && (v.hash & 1)) { /* a number among categories */
            const struct column *of = i < p->nreference ? r : q;
            v.text = arena_printf(p->arena, "%g", of->cells[i < p->nreference ? i : i - p->nreference].number).at;
        }
        if (v.text)
            all[n++] = v;
    }
    qsort(all, n, sizeof *all, by_hash);
    for (uint32_t i = 0; i < n; i++)
        if (distinct && all[distinct - 1].hash == all[i].hash)
            all[distinct - 1].count++;
        else
            all[distinct++] = all[i];
    qsort(all, distinct, sizeof *all, most_counted);
    c->bins[0].total = p->n - n;
    uint32_t own = 0;
    while (own < distinct && own < BINS_MOST - 4 && all[own].count > 1)
        own++;
    for (uint32_t i = 0; i < own; i++)
        c->bins[i + 1] = (struct bin){ .total = all[i].count, .is_single = true, .label = all[i].text };
    uint32_t once = own + 1, rest = own + 2;
    c->bins[once].label = "values seen once";
    c->bins[rest].label = "other values";
    c->nbins = own + 3;
    for (uint32_t i = own; i < distinct; i++)
        c->bins[all[i].count > 1 ? rest : once].total += all[i].count;
    struct counted *order = arena_alloc(p->arena, (distinct + 1) * sizeof *order);
    for (uint32_t i = 0; i < distinct; i++) {
        order[i] = all[i];
        order[i].id = i < own ? i + 1 : all[i].count > 1 ? rest : once;
    }
    qsort(order, distinct, sizeof *order, by_hash);
    for (uint32_t i = 0; i < p->n; i++) {
        struct counted v = i < p->nreference ? cell_value(r, i) : cell_value(q, i - p->nreference);
        if (!v.text)
            continue;
        struct counted *found = bsearch(&v, order, distinct, sizeof *order, by_hash);
        c->codes[i] = (uint8_t)(found ? found->id : rest);
    }
}

static bool all_numbers(const struct column *c) { return !c || (!c->categories_seen); }

static void pool_column(struct pool *p, const struct column *r, const struct column *q)
{
    const struct column *any = r ? r : q;
    if (all_numbers(r) && all_numbers(q)) {
        double *values = arena_alloc_raw(p->arena, p->n * sizeof *values);
        for (uint32_t i = 0; i < p->n; i++) {
            const struct column *c = i < p->nreference ? r : q;
            uint32_t row = i < p->nreference ? i : i - p->nreference;
            values[i] = c && row < c->n ? c->cells[row].number : NAN;
        }
        pool_numbers(p, any->name, any->kind ? any->kind : "number", any->on, values);
    } else {
        pool_categories(p, r, q);
    }
    struct pooled_column *c = &p->columns[p->ncolumns - 1];
    if (any->kind)
        return;
    bool r_empty = !r || (!r->numbers && !r->categories_seen), q_empty = !q || (!q->numbers && !q->categories_seen);
    if (!r)
        c->schema = q_empty ? NULL : "new: the reference does not have it";
    else if (!q)
        c->schema = r_empty ? NULL : "missing: the current sample does not have it";
    else if (q_empty && !r_empty)
        c->schema = "now always empty";
    else if (!r_empty && !r->categories_seen && 2 * q->categories_seen > q->numbers + q->categories_seen)
        c->schema = "retyped: numbers became text";
    else if (!r_empty && !q_empty && !q->categories_seen && 2 * r->categories_seen > r->numbers + r->categories_seen)
        c->schema = "retyped: text became numbers";
}

static const struct column *find(const struct drift_sample *s, const struct column *like, uint32_t hint)
{
    for (uint32_t i = 0; i < s->ncolumns; i++) {
        const struct column *c = &s->columns[(hint + i) % s->ncolumns];
        if (c->hash == like->hash && strcmp(c->name, like->name) == 0)
            return c;
    }
    return NULL;
}

struct slot {
    uint32_t hash, df, id;
};
static struct slot *slot_of(struct slot *table, uint32_t mask, uint32_t hash)
{
    uint32_t at = (hash * 0x9e3779b1u) >> 7 & mask;
    while (table[at].df && table[at].hash != hash)
        at = (at + 1) & mask;
    return &table[at];
}

static void pool_terms(struct pool *p, enum side on, int family)
{
    const struct terms *from[2] = { &p->reference->terms[on][family], &p->current->terms[on][family] };
    uint32_t rows[2] = { p->nreference, p->ncurrent };
    size_t tokens = from[0]->n + from[1]->n;
    uint32_t size = 1024;
    while (size < 2 * tokens && size < 1u << 30)
        size *= 2;
    struct slot *table = malloc(size * sizeof *table); /* too large to leave in the arena, gone before we return */
    if (!table)
        abort();
    memset(table, 0, size * sizeof *table);
    for (int s = 0; s < 2; s++)
        for (size_t i = 0; i < from[s]->n; i++) {
            struct slot *t = slot_of(table, size - 1, from[s]->hashes[i]);
            t->hash = from[s]->hashes[i];
            t->df++;
        }
    uint32_t least = KEEP_DF, kept;
    for (;; least++) { /* a huge vocabulary keeps its more frequent terms */
        kept = 0;
        for (uint32_t i = 0; i < size; i++)
            kept += table[i].df >= least && table[i].df < p->n;   /* what is in every row cannot move, whatever the division */
        if (kept <= VOCABULARY_MOST)
            break;
    }
    struct pooled_terms *t = &p->terms[p->nterms++];
    *t = (struct pooled_terms){ .on = on, .family = family, .n = kept };
    t->df = arena_alloc(p->arena, kept * sizeof *t->df);
    t->hash = arena_alloc(p->arena, kept * sizeof *t->hash);
    uint32_t id = 0;
    size_t ids = 0;
    for (uint32_t i = 0; i < size; i++)
        if (table[i].df >= least && table[i].df < p->n) {
            t->df[id] = table[i].df;
            t->hash[id] = table[i].hash;
            ids += table[i].df;
            table[i].id = id++;
        }
    t->start = arena_alloc(p->arena, (p->n + 1) * sizeof *t->start);
    t->ids = arena_alloc(p->arena, (ids + 1) * sizeof *t->ids);
    double *unusual = arena_alloc(p->arena, p->n * sizeof *unusual), *rare = arena_alloc(p->arena, p->n * sizeof *rare);
    uint32_t at = 0, row = 0;
    for (int s = 0; s < 2; s++)
        for (uint32_t r = 0; r < rows[s]; r++, row++) {
            uint32_t counted = 0, seldom = 0;
            double sum = 0;
            t->start[row] = at;
            bool has = r + 1 < from[s]->nstart;
            for (uint32_t i = has ? from[s]->start[r] : 0; has && i < from[s]->start[r + 1]; i++) {
                struct slot *term = slot_of(table, size - 1, from[s]->hashes[i]);
                if (term->df >= least && term->df < p->n)
                    t->ids[at++] = term->id;
                if (family == WORD_TERMS && (term->hash & 1))
                    continue;
                counted++;
                seldom += term->df == 1;
                sum -= log((term->df - 0.5) / p->n);
            }
            unusual[row] = counted ? sum / counted : NAN;
            rare[row] = counted ? (double)seldom / counted : NAN;
        }
    t->start[row] = at;
    free(table);
    const char *side = on == ON_PROMPT ? "prompt" : "response";
    if (family == WORD_TERMS) {
        pool_numbers(p, arena_printf(p->arena, "%s.unknown words", side).at, "terms", on, rare);
        pool_numbers(p, arena_printf(p->arena, "%s.unusual words", side).at, "terms", on, unusual);
    } else {
        pool_numbers(p, arena_printf(p->arena, "%s.unusual spelling", side).at, "characters", on, unusual);
    }
}

struct pool *pool_make(struct arena *a, struct drift_sample *reference, struct drift_sample *current)
{
    struct pool *p = arena_alloc(a, sizeof *p);
    sample_close(reference);
    sample_close(current);
    *p = (struct pool){ .arena = a, .reference = reference, .current = current, .nreference = reference->n, .ncurrent = current->n,
                        .n = reference->n + current->n };
    p->log_factorial = arena_alloc(a, (p->n + 1) * sizeof *p->log_factorial);
    for (uint32_t i = 2; i <= p->n; i++)
        p->log_factorial[i] = p->log_factorial[i - 1] + log(i);
    p->surprise = arena_alloc(a, (SURPRISE_MOST + 1) * sizeof *p->surprise);
    for (uint32_t i = 0; i < reference->ncolumns; i++)
        pool_column(p, &reference->columns[i], find(current, &reference->columns[i], i));
    for (uint32_t i = 0; i < current->ncolumns; i++)
        if (!find(reference, &current->columns[i], i))
            pool_column(p, NULL, &current->columns[i]);
    for (int on = ON_PROMPT; on <= ON_ANSWER; on++)
        for (int f = 0; f < TERM_FAMILIES; f++)
            if (reference->has_text[on] || current->has_text[on])
                pool_terms(p, (enum side)on, f);
    return p;
}
