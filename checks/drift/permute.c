/* SPDX-License-Identifier: Apache-2.0
 *
 * permute: one permutation test over everything tried.
 *
 * Every statistic is computed for the true division of the pooled rows and for B random ones of the same sizes. Each is
 * turned into -log p by its own place among all B + 1 (above the 90th percentile by an exponential tail fitted there, so
 * that ranks do not run out); a feature takes the largest of its statistics and is ranked again; the whole question takes
 * the largest feature. All of that treats the true division like any other, so under exchangeability the place of the true
 * one is uniform: p is exact whatever was tried (Westfall and Young 1993; Phipson and Smyth 2010 on counting the true one).
 * Single features get step-down p-values from the same divisions.
 *
 * Cost of a division: rows of the smaller sample times (columns + terms a row), plus bins and vocabulary.
 */
#include "checks/drift/permute.h"
#include <math.h>
#include <stdlib.h>

static bool is_varied(const struct pooled_column *c)
{
    uint32_t filled = 0;
    for (uint32_t b = 0; b < c->nbins; b++)
        filled += c->bins[b].total > 0;
    return filled > 1;
}

/* How much of the chance of a false alarm a feature gets; what real traffic moves most gets most. Fixed in advance. */
static double weight_of(const struct pooled_column *c)
{
    static const struct {
        const char *kind;
        double weight;
    } kinds[] = { { "length", 0.4 }, { "writing", 0.4 }, { "format", 0.3 }, { "refusal", 0.7 }, { "repetition", 0.3 }, { "language", 0.7 },
                  { "repeats", 0.7 }, { "terms", 0.7 }, { "characters", 0.7 }, { "rows", 0.3 } };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].kind, c->kind) == 0)
            return kinds[i].weight;
    return 1;
}
/* The same among the statistics of a number or category; logarithms. */
static const float within_number[SUB_NUMBER] = { -1.5f, 0, 0, -0.7f, -0.5f, -0.5f, -1, -0.3f, -0.3f };
static const float within_category[SUB_CATEGORY] = { 0, 0, 0 };
static const float within_terms[SUB_TERMS] = { 0, -1, 0, 0 };

static void watch(struct permuter *m, int of, uint32_t index, uint32_t other, uint32_t n, double weight)
{
    const struct pooled_column *c = of == OF_COLUMN ? &m->pool->columns[index] : NULL;
    m->watched[m->nwatched++] = (struct watched){ .is_of_words = c && c->on && (strcmp(c->kind, "terms") == 0 || strcmp(c->kind, "characters") == 0), .of = of, .index = index, .other = other, .first = m->nstatistics, .n = n, .log_weight = log(weight) };
    m->nstatistics += n;
}

/* Columns whose links are watched: numbers, and categories of two values. */
static void link_columns(struct permuter *m)
{
    struct pool *p = m->pool;
    for (uint32_t i = 0; i < p->ncolumns && m->nlinked < LINKED_MOST; i++) {
        struct pooled_column *c = &p->columns[i];
        if (c->on || !is_varied(c) || strcmp(c->kind, "rows") == 0 || c->bins[0].total > p->n / 4)
            continue;
        if (!c->rank) {
            if (c->nbins != 5 || c->bins[3].total || c->bins[4].total)
                continue;
            c->rank = arena_alloc(p->arena, p->n * sizeof *c->rank);
            double n = (double)c->bins[1].total + c->bins[2].total, share = c->bins[1].total / n, deviation = sqrt(share * (1 - share));
            for (uint32_t r = 0; r < p->n; r++)
                c->rank[r] = c->codes[r] ? (float)(((c->codes[r] == 1) - share) / (deviation > 0 ? deviation : 1)) : 0;
        }
        m->linked_columns[m->nlinked++] = i;
    }
    if (m->nlinked < 2)
        m->nlinked = 0;
    m->linked = arena_alloc(p->arena, (size_t)p->n * m->nlinked * sizeof *m->linked);
    for (uint32_t r = 0; r < p->n; r++)
        for (uint32_t j = 0; j < m->nlinked; j++)
            m->linked[(size_t)r * m->nlinked + j] = p->columns[m->linked_columns[j]].rank[r];
}

struct permuter *permuter_new(struct pool *p, uint32_t seed)
{
    struct permuter *m = arena_alloc(p->arena, sizeof *m);
    m->pool = p;
    m->random.s = seed * 0x9e3779b97f4a7c15u + 0x1234567;
    m->small_is_current = p->ncurrent <= p->nreference;
    m->small = m->small_is_current ? p->ncurrent : p->nreference;
    m->order = arena_alloc(p->arena, p->n * sizeof *m->order);
    /* The true division first: the smaller sample's rows stand in front. */
    uint32_t shift = m->small_is_current ? p->nreference : 0;
    for (uint32_t i = 0; i < p->n; i++)
        m->order[i] = i + shift < p->n ? i + shift : i + shift - p->n;
    link_columns(m);
    m->watched = arena_alloc(p->arena, (p->ncolumns + p->nterms + LINKED_MOST * LINKED_MOST / 2 + 3) * sizeof *m->watched);
    uint32_t vocabulary = 1;
    for (uint32_t i = 0; i < p->ncolumns; i++)
        if (is_varied(&p->columns[i]))
            watch(m, OF_COLUMN, i, 0, p->columns[i].is_number ? SUB_NUMBER : SUB_CATEGORY, weight_of(&p->columns[i]));
    for (uint32_t i = 0; i < p->nterms; i++)
        if (p->terms[i].n) {
            watch(m, OF_TERMS, i, 0, SUB_TERMS, p->terms[i].family == WORD_TERMS ? 3 : 3);
            vocabulary = p->terms[i].n > vocabulary ? p->terms[i].n : vocabulary;
        }
    for (int on = ON_PROMPT; on <= ON_ANSWER; on++)
        if (p->reference->has_text[on] || p->current->has_text[on])
            watch(m, OF_ALL, (uint32_t)on, 0, 0, 6);
    for (uint32_t i = 0; i < m->nlinked; i++)
        for (uint32_t j = i + 1; j < m->nlinked; j++)
            watch(m, OF_LINK, i, j, 1, 1.0 / (m->nlinked + 1));
    m->counts = arena_alloc(p->arena, vocabulary * sizeof *m->counts);
    return m;
}

uint64_t permuter_cost(const struct permuter *m)
{
    const struct pool *p = m->pool;
    uint64_t cost = 1000 + 4 * (uint64_t)m->small;
    for (uint32_t i = 0; i < p->ncolumns; i++)
        cost += m->small * (uint64_t)3 / 2 + 12 * p->columns[i].nbins;
    for (uint32_t i = 0; i < p->nterms; i++)
        cost += (uint64_t)(p->terms[i].start[p->n] * ((double)m->small / p->n)) * 5 / 4 + 3 * (uint64_t)p->terms[i].n;
    return cost + (uint64_t)m->small * m->nlinked * (m->nlinked + 3) / 4;
}

void permuter_begin(struct permuter *m, uint32_t most)
{
    m->divisions_most = most;
    m->divisions = 0;
    m->statistics = arena_alloc_raw(m->pool->arena, (size_t)m->nstatistics * most * sizeof *m->statistics);
    for (uint32_t i = 0; i < m->nwatched; i++)
        m->watched[i].score = arena_alloc_raw(m->pool->arena, most * sizeof(float));
}

static float half_square(double z) { return (float)(z * z / 2); }

static float value_surprise(struct pool *p, const struct pooled_column *c, const uint32_t *current)
{
    float most = 0;
    for (uint32_t b = 1; b < c->nbins; b++)
        if (c->bins[b].is_single) {
            float s = pool_surprise_at(p, c->bins[b].total, current[b]);
            most = s > most ? s : most;
        }
    return most;
}

static void score_number(struct pool *p, const struct pooled_column *c, const uint32_t *current, float *out, size_t step)
{
    double m = p->ncurrent - current[0], n = (double)p->nreference - (c->bins[0].total - current[0]), all = m + n;
    double cur = 0, both = 0, most = 0, weighted = 0, sum[COLUMN_WEIGHTS] = { 0 };
    if (m > 0 && n > 0)
        for (uint32_t b = 1; b < c->nbins; b++) {
            cur += current[b];
            both += c->bins[b].total;
            double gap = cur / m - (both - cur) / n, share = both / all;
            most = fabs(gap) > most ? fabs(gap) : most;
            if (share < 1)
                weighted += gap * gap / (share * (1 - share)) * c->bins[b].total / all;
            for (int w = 0; w < COLUMN_WEIGHTS; w++)
                sum[w] += (double)c->weights[w][b] * current[b];
        }
    double size = all > 0 ? m * n / all : 0;
    out[SUB_DISTRIBUTION * step] = (float)(2 * most * most * size);
    out[SUB_WEIGHTED * step] = (float)(weighted * size);
    for (int w = 0; w < COLUMN_WEIGHTS; w++)
        out[(SUB_RANK + (size_t)w) * step] = c->deviation[w] > 0 ? half_square(sum[w] / c->deviation[w]) : 0;
    out[SUB_VALUE * step] = value_surprise(p, c, current);
    out[SUB_MISSING * step] = c->bins[0].total ? pool_surprise_at(p, c->bins[0].total, current[0]) : 0;
}

static void score_category(struct pool *p, const struct pooled_column *c, const uint32_t *current, float *out, size_t step)
{
    double m = p->ncurrent - current[0], n = (double)p->nreference - (c->bins[0].total - current[0]), all = m + n, square = 0;
    if (m > 0 && n > 0)
        for (uint32_t b = 1; b < c->nbins; b++)
            if (c->bins[b].total) {
                double expected = c->bins[b].total * m / all, gap = current[b] - expected;
                square += gap * gap / (expected * (n / all));
            }
    out[SUBC_SHARES * step] = (float)(square / 2);
    out[SUBC_VALUE * step] = value_surprise(p, c, current);
    out[SUBC_MISSING * step] = c->bins[0].total ? pool_surprise_at(p, c->bins[0].total, current[0]) : 0;
}

static void score_terms(struct permuter *m, const struct pooled_terms *t, float *out, size_t step)
{
    struct pool *p = m->pool;
    memset(m->counts, 0, t->n * sizeof *m->counts);
    for (uint32_t i = 0; i < m->small; i++)
        for (uint32_t k = t->start[m->order[i]]; k < t->start[m->order[i] + 1]; k++)
            m->counts[t->ids[k]]++;
    float most = 0, sum = 0, sum_2 = 0, sum_4 = 0;
    for (uint32_t i = 0; i < t->n; i++) {
        uint32_t k = m->small_is_current ? m->counts[i] : t->df[i] - m->counts[i];
        float s = t->df[i] <= SURPRISE_MOST && p->surprise[t->df[i]] ? p->surprise[t->df[i]][k] : pool_surprise_at(p, t->df[i], k);
        most = s > most ? s : most;
        sum += s;
        sum_2 += s > 2 ? s - 2 : 0;
        sum_4 += s > 4 ? s - 4 : 0;
    }
    out[SUBT_MOST * step] = most;
    out[SUBT_SUM * step] = sum;
    out[SUBT_SUM_2 * step] = sum_2;
    out[SUBT_SUM_4 * step] = sum_4;
}

/* sums: per column x, then per pair i <= j x*y. */
static void link_sums(struct permuter *m, uint32_t rows, double *sums)
{
    uint32_t n = m->nlinked;
    memset(sums, 0, n * (n + 3) / 2 * sizeof *sums);
    for (uint32_t i = 0; i < rows; i++) {
        const float *x = &m->linked[(size_t)m->order[i] * n];
        double *pair = sums + n;
        for (uint32_t j = 0; j < n; j++) {
            sums[j] += x[j];
            for (uint32_t k = j; k < n; k++)
                *pair++ += (double)x[j] * x[k];
        }
    }
}
static uint32_t pair_at(uint32_t n, uint32_t j, uint32_t k) { return n + j * n - j * (j + 1) / 2 + k; }
static double link_of(const double *sums, uint32_t n, uint32_t j, uint32_t k, double rows)
{
    double x = sums[j] / rows, y = sums[k] / rows, xx = sums[pair_at(n, j, j)] / rows - x * x, yy = sums[pair_at(n, k, k)] / rows - y * y;
    double xy = sums[pair_at(n, j, k)] / rows - x * y;
    return xx > 1e-9 && yy > 1e-9 ? fmax(-1, fmin(1, xy / sqrt(xx * yy))) : 0;
}

static void divide(struct permuter *m, uint32_t division)
{
    struct pool *p = m->pool;
    size_t step = m->divisions_most;
    if (division)
        for (uint32_t i = 0; i < m->small; i++) {
            uint32_t j = i + random_below(&m->random, p->n - i), swap = m->order[i];
            m->order[i] = m->order[j];
            m->order[j] = swap;
        }
    double sums[LINKED_MOST * (LINKED_MOST + 3) / 2], others[LINKED_MOST * (LINKED_MOST + 3) / 2];
    if (m->nlinked) {
        if (!division)
            link_sums(m, p->n, m->linked_total);
        link_sums(m, m->small, sums);
        for (uint32_t i = 0; i < m->nlinked * (m->nlinked + 3) / 2; i++)
            others[i] = m->linked_total[i] - sums[i];
    }
    for (uint32_t w = 0; w < m->nwatched; w++) {
        struct watched *f = &m->watched[w];
        float *out = &m->statistics[f->first * step + division];
        if (f->of == OF_COLUMN) {
            const struct pooled_column *c = &p->columns[f->index];
            uint32_t counts[BINS_MOST + 1] = { 0 };
            for (uint32_t i = 0; i < m->small; i++)
                counts[c->codes[m->order[i]]]++;
            if (!m->small_is_current)
                for (uint32_t b = 0; b < c->nbins; b++)
                    counts[b] = c->bins[b].total - counts[b];
            if (c->is_number)
                score_number(p, c, counts, out, step);
            else
                score_category(p, c, counts, out, step);
        } else if (f->of == OF_TERMS) {
            score_terms(m, &p->terms[f->index], out, step);
        } else if (f->of == OF_LINK) {
            double a = link_of(sums, m->nlinked, f->index, f->other, m->small), b = link_of(others, m->nlinked, f->index, f->other, p->n - m->small);
            double z = atanh(0.99 * a) - atanh(0.99 * b);
            out[0] = half_square(z * sqrt((double)m->small * (p->n - m->small) / p->n));
        }
    }
}

static int compare_float(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return x < y ? -1 : x > y;
}

struct tail {
    const float *sorted;
    uint32_t n, ntail;
    float from, scale;
};
static struct tail tail_of(const float *values, uint32_t n, float *sorted)
{
    memcpy(sorted, values, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, compare_float);
    struct tail t = { .sorted = sorted, .n = n, .ntail = n / 10 > 10 ? n / 10 : n < 10 ? n : 10 };
    t.from = sorted[n - t.ntail];
    t.scale = (sorted[n - t.ntail / 2 - 1] - t.from) / 0.6931472f;
    return t;
}
static float surprise_in(const struct tail *t, float v)
{
    if (v > t->from && t->scale > 0)
        return logf((float)t->n / (float)t->ntail) + (v - t->from) / t->scale;
    uint32_t low = 0, high = t->n; /* first place with sorted >= v */
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (t->sorted[middle] < v)
            low = middle + 1;
        else
            high = middle;
    }
    return logf((float)t->n / (float)(t->n - low));
}

float permuter_statistic(const struct permuter *m, uint32_t statistic)
{
    float *sorted = malloc(m->divisions * sizeof *sorted);
    if (!sorted)
        abort();
    const float *values = &m->statistics[(size_t)statistic * m->divisions_most];
    struct tail t = tail_of(values, m->divisions, sorted);
    float s = surprise_in(&t, values[0]);
    free(sorted);
    return s;
}

/* Several weak signs of one thing: words, spelling and unusualness of a side, added up (Fisher 1925). */
static void add_up(const struct permuter *m, struct watched *all)
{
    memset(all->score, 0, m->divisions * sizeof *all->score);
    for (uint32_t w = 0; w < m->nwatched; w++) {
        const struct watched *f = &m->watched[w];
        bool is_part = f->of == OF_TERMS ? (uint32_t)m->pool->terms[f->index].on == all->index
                                         : f->of == OF_COLUMN && (uint32_t)m->pool->columns[f->index].on == all->index && f->is_of_words;
        for (uint32_t i = 0; i < m->divisions && is_part; i++)
            all->score[i] += f->of == OF_TERMS ? f->score[i] - (float)f->log_weight : 0.5f * (f->score[i] - (float)f->log_weight);
    }
}

static int strongest_first(const void *a, const void *b, void *of)
{
    const struct permuter *m = of;
    float x = m->watched[*(const uint32_t *)a].score[0], y = m->watched[*(const uint32_t *)b].score[0];
    return x > y ? -1 : x < y ? 1 : *(const uint32_t *)a < *(const uint32_t *)b ? -1 : 1;
}

void permuter_run(struct permuter *m, uint32_t divisions)
{
    while (m->divisions < divisions && m->divisions < m->divisions_most)
        divide(m, m->divisions++);
    uint32_t n = m->divisions;
    float *sorted = malloc(n * sizeof *sorted), *most = malloc(n * sizeof *most);
    uint32_t *order = malloc((m->nwatched + 1) * sizeof *order);
    if (!sorted || !most || !order)
        abort();
    for (uint32_t w = 0; w < m->nwatched; w++) {
        struct watched *f = &m->watched[w];
        if (f->of == OF_ALL)
            add_up(m, f);
        const float *within = f->of == OF_TERMS ? within_terms : f->n == SUB_NUMBER ? within_number : within_category;
        for (uint32_t s = 0; s < f->n; s++) {
            const float *values = &m->statistics[(size_t)(f->first + s) * m->divisions_most];
            struct tail t = tail_of(values, n, sorted);
            for (uint32_t i = 0; i < n; i++) {
                float here = surprise_in(&t, values[i]) + within[s];
                f->score[i] = s && f->score[i] > here ? f->score[i] : here;
            }
        }
        struct tail t = tail_of(f->score, n, sorted);
        for (uint32_t i = 0; i < n; i++)
            f->score[i] = surprise_in(&t, f->score[i]) + (float)f->log_weight;
        order[w] = w;
    }
    qsort_r(order, m->nwatched, sizeof *order, strongest_first, m);
    for (uint32_t i = 0; i < n; i++)
        most[i] = -INFINITY;
    for (uint32_t w = m->nwatched; w-- > 0;) { /* step down: the weakest is compared with itself, the strongest with all */
        struct watched *f = &m->watched[order[w]];
        uint32_t as_large = 0, larger = 0;
        for (uint32_t i = 0; i < n; i++) {
            most[i] = f->score[i] > most[i] ? f->score[i] : most[i];
            as_large += most[i] >= f->score[0];
            larger += most[i] > f->score[0];
        }
        f->p_adjusted = (double)as_large / n;
        m->p_random = (larger + (as_large - larger) * ((double)(random_next(&m->random) >> 11) + 0.5) / 9007199254740992.0) / n;
    }
    for (uint32_t w = 1; w < m->nwatched; w++) {
        double before = m->watched[order[w - 1]].p_adjusted;
        if (m->watched[order[w]].p_adjusted < before)
            m->watched[order[w]].p_adjusted = before;
    }
    m->best = m->nwatched ? order[0] : 0;
    if (!m->nwatched)
        m->p_random = 1;
    m->p = m->nwatched ? m->watched[order[0]].p_adjusted : 1;
    free(sorted);
    free(most);
    free(order);
}
