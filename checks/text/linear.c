/* SPDX-License-Identifier: Apache-2.0 */
#include "checks/text/linear.h"
#include <math.h>

static uint32_t u32_at(const char *p)
{
    const unsigned char *u = (const unsigned char *)p;
    return (uint32_t)u[0] | (uint32_t)u[1] << 8 | (uint32_t)u[2] << 16 | (uint32_t)u[3] << 24;
}
static float f32_at(const char *p)
{
    uint32_t u = u32_at(p);
    float f;
    memcpy(&f, &u, sizeof f);
    return f;
}

bool linear_open(struct linear *m, struct span b)
{
    *m = (struct linear){ 0 };
    if (b.len < LINEAR_HEADER || memcmp(b.at, "vigl", 4) || u32_at(b.at + 4) != LINEAR_VERSION || (uintptr_t)b.at % 4)
        return false;
    uint32_t bits = u32_at(b.at + 8), named = u32_at(b.at + 12);
    if (bits < NGRAMS_BITS_LEAST || bits > NGRAMS_BITS_MOST || named > LINEAR_NAMED_MOST
        || b.len != LINEAR_HEADER + 4 * (size_t)named + ((size_t)1 << bits) || b.at[LINEAR_HEADER - 1])
        return false;
    *m = (struct linear){ .bits = bits, .named = named, .kinds = u32_at(b.at + 16), .bias = f32_at(b.at + 20), .scale = f32_at(b.at + 24),
                          .slope = f32_at(b.at + 28), .shift = f32_at(b.at + 32), .about = b.at + 40,
                          .named_weights = (const float *)(const void *)(b.at + LINEAR_HEADER),
                          .weights = (const int8_t *)b.at + LINEAR_HEADER + 4 * (size_t)named };
    return isfinite(m->bias) && isfinite(m->scale) && isfinite(m->slope) && isfinite(m->shift);
}

bool linear_is_whole(struct span b)
{
    struct linear m;
    if (!linear_open(&m, b))
        return false;
    uint32_t h = 2166136261u;
    for (size_t i = 40; i < b.len; i++)
        h = (h ^ (unsigned char)b.at[i]) * 16777619u;
    return h == u32_at(b.at + 36);
}

static double sum_of(const struct linear *m, const uint16_t *list, size_t nlist, int32_t grams, size_t ngrams)
{
    double sum = (double)m->bias, named = 0;
    for (size_t i = 0; i < nlist; i++)
        if (list[i] < m->named)
            named += (double)m->named_weights[list[i]];
    if (nlist)
        sum += named / sqrt((double)nlist);
    return ngrams ? sum + (double)m->scale * grams / sqrt((double)ngrams) : sum;
}
double linear_sum(const struct linear *m, const struct features *f)
{
    int32_t grams = 0; /* at most 2^22 features of 127 */
    for (size_t i = 0; i < f->grams.n; i++)
        grams += m->weights[f->grams.id[i]];
    return sum_of(m, f->named, f->nnamed, grams, f->grams.n);
}
double linear_sum_tokens(const struct linear *m, const struct tokens *t, size_t from, size_t to, const uint16_t *named, size_t nnamed)
{
    size_t n;
    int32_t grams = ngrams_weigh(t, from, to, m->kinds, m->bits, m->weights, &n);
    return sum_of(m, named, nnamed, grams, n);
}

double linear_chance(const struct linear *m, double sum)
{
    return 1 / (1 + exp(-((double)m->slope * sum + (double)m->shift)));
}

static bool overlaps(const struct term *a, const struct term *b)
{
    return a->start < b->end && b->start < a->end;
}
size_t linear_terms(const struct linear *m, struct arena *a, const struct tokens *t, size_t from, size_t to, struct term out[TERMS_MOST])
{
    struct arena_mark mark = arena_mark(a);
    struct ngram_seen *seen;
    size_t nseen = ngrams_seen(a, t, from, to, m->kinds & (NGRAM_CHARS | NGRAM_WORDS), m->bits, &seen), n = 0;
    float pieces = 0;
    uint32_t last = UINT32_MAX;
    for (size_t i = 0; i < nseen; i++) {
        float w = m->scale * m->weights[seen[i].id];
        if (!seen[i].is_word) {
            pieces = seen[i].start == last ? pieces + w : w;
            last = seen[i].start;
            continue;
        }
        struct term term = { seen[i].start, seen[i].end, w };
        if (last != UINT32_MAX && last >= term.start && last < term.end)
            term.adds += pieces / 3; /* a piece is seen by each of its overlapping neighbours */
        if (term.adds <= 0)
            continue;
        /* insert by strength; a weaker one that overlaps gives way */
        bool is_weaker = false;
        for (size_t k = 0; k < n && !is_weaker; k++)
            is_weaker = overlaps(&out[k], &term) && out[k].adds >= term.adds;
        if (is_weaker)
            continue;
        size_t kept = 0;
        for (size_t k = 0; k < n; k++)
            if (!overlaps(&out[k], &term))
                out[kept++] = out[k];
        n = kept;
        size_t k = n < TERMS_MOST ? n++ : TERMS_MOST - 1;
        if (k == TERMS_MOST - 1 && n == TERMS_MOST && kept == TERMS_MOST && out[k].adds >= term.adds)
            continue;
        for (; k > 0 && out[k - 1].adds < term.adds; k--)
            out[k] = out[k - 1];
        out[k] = term;
    }
    arena_rewind(a, mark);
    return n;
}
