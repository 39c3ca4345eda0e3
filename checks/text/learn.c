/* SPDX-License-Identifier: Apache-2.0 */
#include "checks/text/learn.h"
#include <math.h>

static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15ull); /* splitmix64 */
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}
static double root(size_t n)
{
    return n ? 1 / sqrt((double)n) : 0;
}
static double sum_of(const struct learned *m, const struct features *f, double shrink)
{
    double named = 0, grams = 0;
    for (size_t i = 0; i < f->nnamed; i++)
        named += (double)m->named[f->named[i]];
    for (size_t i = 0; i < f->grams.n; i++)
        grams += (double)m->weights[f->grams.id[i]];
    return (double)m->bias + shrink * (grams * root(f->grams.n) + named * root(f->nnamed));
}
double learned_sum(const struct learned *m, const struct example *e)
{
    double best = -INFINITY;
    for (size_t w = 0; w < e->nwindows; w++)
        best = fmax(best, sum_of(m, &e->windows[w], 1));
    return best;
}
struct learned *learn(struct arena *a, const struct example *list, size_t n, struct learn_settings s, uint32_t left_out, uint32_t kept_back)
{
    size_t size = (size_t)1 << s.bits;
    struct learned *m = arena_alloc(a, sizeof *m);
    *m = (struct learned){ .settings = s, .slope = 1, .bias = s.bias, .weights = arena_alloc(a, size * sizeof(float)), .named = arena_alloc(a, (s.named + 1) * sizeof(float)) };
    struct arena_mark mark = arena_mark(a);
    uint32_t *order = arena_alloc(a, n * sizeof *order);
    size_t k = 0;
    for (size_t i = 0; i < n; i++)
        if (list[i].group != left_out && list[i].nwindows && (list[i].is_so || list[i].fold != kept_back))
            order[k++] = (uint32_t)i;
    uint64_t random = s.seed;
    size_t room = 1 << 12;
    uint32_t *shown = arena_alloc_raw(a, room * sizeof *shown);
    unsigned hidden = s.hide > 0 && s.hide < 1 ? (unsigned)(s.hide * 65536) : 0; /* of 65536 */
    /* The weights are shrink × what is stored, so that L2 costs one multiplication a step (Bottou, Pegasos). */
    double shrink = 1, steps = 0;
    for (unsigned epoch = 0; epoch < s.epochs; epoch++) {
        for (size_t i = k; i > 1; i--) {
            size_t j = next_random(&random) % i;
            uint32_t o = order[i - 1];
            order[i - 1] = order[j];
            order[j] = o;
        }
        for (size_t i = 0; i < k; i++) {
            const struct example *e = &list[order[i]];
            /* the window that speaks loudest stands for the text; while nothing is known yet, any may */
            size_t w = epoch ? 0 : next_random(&random) % e->nwindows;
            double sum = sum_of(m, &e->windows[w], shrink);
            if (epoch)
                for (size_t v = 1; v < e->nwindows; v++) {
                    double other = sum_of(m, &e->windows[v], shrink);
                    if (other > sum) {
                        sum = other;
                        w = v;
                    }
                }
            const struct features *f = &e->windows[w];
            double rate = (double)s.rate / (1 + (double)s.rate * (double)s.keep_small * steps++);
            /* what is hidden of the n-grams (dropout, Srivastava et al. 2014): the rest speaks for it, that much louder */
            double grams = root(f->grams.n);
            size_t nshown = 0;
            if (hidden) {
                uint64_t bits = 0;
                double seen = 0, whole = 0;
                for (size_t g = 0; g < f->grams.n; g++) {
                    bits = g % 4 ? bits >> 16 : next_random(&random);
                    double weight = (double)m->weights[f->grams.id[g]];
                    whole += weight;
                    if ((bits & 65535) >= hidden) {
                        seen += weight;
                        if (nshown == room) {
                            shown = arena_grow(a, shown, room * sizeof *shown, 2 * room * sizeof *shown);
                            room *= 2;
                        }
                        shown[nshown++] = f->grams.id[g];
                    }
                }
                double louder = 65536.0 / (65536.0 - hidden);
                sum += shrink * grams * (seen * louder - whole);
                grams *= louder;
            }
            double error = (1 / (1 + exp(-sum)) - e->is_so) * (double)e->weight;
            shrink *= 1 - rate * (double)s.keep_small;
            float by = (float)(rate * error * grams / shrink);
            const uint32_t *ids = hidden ? shown : f->grams.id;
            for (size_t g = 0, n_ids = hidden ? nshown : f->grams.n; g < n_ids; g++)
                m->weights[ids[g]] -= by;
            by = (float)(rate * error * (double)(s.named_size * s.named_size) * root(f->nnamed) / shrink);
            for (size_t g = 0; g < f->nnamed; g++)
                m->named[f->named[g]] -= by;
        }
    }
    for (size_t i = 0; i < size; i++)
        m->weights[i] *= (float)shrink;
    for (size_t i = 0; i < s.named; i++)
        m->named[i] *= (float)shrink;
    arena_rewind(a, mark);
    return m;
}

void learn_calibrate(struct learned *m, const double *sums, const bool *is_so, const float *weights, size_t n)
{
    /* Newton's method with the smoothed targets of Lin, Lin and Weng (2007) */
    double yes = 0, no = 0;
    for (size_t i = 0; i < n; i++)
        *(is_so[i] ? &yes : &no) += (double)weights[i];
    double high = (yes + 1) / (yes + 2), low = 1 / (no + 2), slope = 1, shift = 0;
    for (int round = 0; round < 60; round++) {
        double g0 = 0, g1 = 0, h00 = 1e-6, h01 = 0, h11 = 1e-6;
        for (size_t i = 0; i < n; i++) {
            double p = 1 / (1 + exp(-(slope * sums[i] + shift))), w = (double)weights[i];
            double d = w * (p - (is_so[i] ? high : low)), v = w * p * (1 - p);
            g0 += d * sums[i];
            g1 += d;
            h00 += v * sums[i] * sums[i];
            h01 += v * sums[i];
            h11 += v;
        }
        double det = h00 * h11 - h01 * h01;
        if (fabs(det) < 1e-12)
            break;
        double ds = (g0 * h11 - g1 * h01) / det, dt = (g1 * h00 - g0 * h01) / det;
        slope -= fmax(-1, fmin(1, ds));
        shift -= fmax(-1, fmin(1, dt));
        if (fabs(ds) + fabs(dt) < 1e-9)
            break;
    }
    if (slope > 0.02 && isfinite(slope) && isfinite(shift)) {
        m->slope = (float)slope;
        m->shift = (float)shift;
    }
}

static void put_u32(char *p, uint32_t u)
{
    for (int i = 0; i < 4; i++)
        p[i] = (char)(u >> 8 * i);
}
static void put_f32(char *p, float f)
{
    uint32_t u;
    memcpy(&u, &f, sizeof u);
    put_u32(p, u);
}
struct span learned_file(struct arena *a, const struct learned *m, const char *about)
{
    size_t size = (size_t)1 << m->settings.bits, named = m->settings.named, len = LINEAR_HEADER + 4 * named + size;
    char *b = arena_alloc(a, len);
    float most = 1e-9f;
    for (size_t i = 0; i < size; i++)
        most = fmaxf(most, fabsf(m->weights[i]));
    float scale = most / 127;
    memcpy(b, "vigl", 4);
    put_u32(b + 4, LINEAR_VERSION);
    put_u32(b + 8, m->settings.bits);
    put_u32(b + 12, (uint32_t)named);
    put_u32(b + 16, m->settings.kinds);
    put_f32(b + 20, m->bias);
    put_f32(b + 24, scale);
    put_f32(b + 28, m->slope);
    put_f32(b + 32, m->shift);
    size_t about_len = strnlen(about, LINEAR_HEADER - 41);
    memcpy(b + 40, about, about_len);
    for (size_t i = 0; i < named; i++)
        put_f32(b + LINEAR_HEADER + 4 * i, m->named[i]);
    for (size_t i = 0; i < size; i++)
        b[LINEAR_HEADER + 4 * named + i] = (char)(int8_t)lrintf(m->weights[i] / scale);
    uint32_t h = 2166136261u;
    for (size_t i = 40; i < len; i++)
        h = (h ^ (unsigned char)b[i]) * 16777619u;
    put_u32(b + 36, h);
    return (struct span){ b, len };
}
