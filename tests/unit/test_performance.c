/* SPDX-License-Identifier: Apache-2.0
 * Performance before labels: right where labels follow the scores, with intervals that hold; scores that are no chances are calibrated; a broken promise is said where labels are;
 * no label after the warm-up moves an estimate. */
#include "checks/drift/performance.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

enum { N = 4000, WARM = 1000, CHUNK = 300 };
static double uniform(unsigned *seed) { return ((double)rand_r(seed) + 0.5) / ((double)RAND_MAX + 1); }
static double normal(unsigned *seed) { return sqrt(-2 * log(uniform(seed))) * cos(2 * M_PI * uniform(seed)); }

/* shift: harder rows from the warm-up on; flip: labels turned with this chance after it; bend: scores are not chances. */
static void make(struct arena *a, struct drift_lines *out, unsigned seed, double shift, double flip, bool bend)
{
    out->list = arena_alloc(a, N * sizeof *out->list);
    out->n = N;
    for (int i = 0; i < N; i++) {
        double odds = (i < WARM ? 2.5 : 2.5 - shift) * normal(&seed), chance = 1 / (1 + exp(-odds));
        int label = uniform(&seed) < chance;
        if (i >= WARM && uniform(&seed) < flip)
            label = !label;
        out->list[i] = (struct drift_line){ .score = bend ? 7 + 3 * odds : chance, .prediction = chance >= 0.5, .label = label, .group = i % 3 ? SPAN("a") : SPAN("b"), .at_us = i, .label_at_us = i };
    }
}
static void errors(const struct performance_report *r, double *accuracy, double *area, unsigned *covered)
{
    *accuracy = *area = 0;
    *covered = 0;
    for (size_t i = 0; i < r->nchunks; i++) {
        const struct performance_part *p = &r->chunks[i].whole;
        *accuracy += fabs(p->estimated.accuracy - p->realised.accuracy) / (double)r->nchunks;
        *area += fabs(p->estimated.roc_auc - p->realised.roc_auc) / (double)r->nchunks;
        *covered += p->accuracy[0] <= p->realised.accuracy && p->realised.accuracy <= p->accuracy[1];
        assert_true(p->accuracy[0] <= p->estimated.accuracy && p->estimated.accuracy <= p->accuracy[1]);
    }
}
static void test_covariate_shift(void **state)
{
    (void)state;
    for (int bend = 0; bend < 2; bend++) {
        unsigned covered = 0, chunks = 0, outside = 0;
        double accuracy = 0, area = 0;
        for (unsigned seed = 1; seed <= 10; seed++) {
            struct arena *a = arena_new(256 << 20);
            struct drift_lines lines;
            struct performance_report r;
            double x, y;
            unsigned k;
            make(a, &lines, seed, 1.5, 0, bend);
            assert_null(performance(a, &lines, WARM, CHUNK, &r));
            assert_int_equal(r.nchunks, (N - WARM + CHUNK - 1) / CHUNK);
            errors(&r, &x, &y, &k);
            accuracy += x / 10, area += y / 10;
            covered += k, chunks += (unsigned)r.nchunks, outside += r.outside > 0;
            assert_true(fabs(r.before.accuracy - r.chunks[3].whole.realised.accuracy) > 0.05);   /* it did get harder */
            arena_free(a);
        }
        assert_true(accuracy < 0.03 && area < 0.03);
        assert_true(covered * 100 >= chunks * 88);
        assert_true(outside <= 2);
    }
}
static void test_concept_drift_is_said(void **state)
{
    (void)state;
    struct arena *a = arena_new(256 << 20);
    struct drift_lines lines;
    struct performance_report r;
    make(a, &lines, 3, 0, 0.25, false);
    assert_null(performance(a, &lines, WARM, CHUNK, &r));
    assert_true(r.outside >= 5);
    struct buf out = { 0 };
    performance_json(&r, &out);
    assert_non_null(span_find(buf_span(&out), SPAN("no longer follow the scores")));
    buf_free(&out);
    /* The estimate itself saw none of the labels. */
    struct performance_report blind;
    for (int i = WARM; i < N; i++)
        lines.list[i].label = NAN;
    assert_null(performance(a, &lines, WARM, CHUNK, &blind));
    for (size_t i = 0; i < r.nchunks; i++) {
        assert_true(fabs(blind.chunks[i].whole.estimated.accuracy - r.chunks[i].whole.estimated.accuracy) < 1e-12);
        assert_int_equal(blind.chunks[i].whole.labelled, 0);
        assert_int_equal(blind.chunks[i].ngroups, 2);
    }
    arena_free(a);
}
static void test_refused(void **state)
{
    (void)state;
    struct arena *a = arena_new(256 << 20);
    struct drift_lines lines;
    struct performance_report r;
    make(a, &lines, 5, 0, 0, false);
    assert_non_null(performance(a, &lines, N, CHUNK, &r));
    assert_non_null(performance(a, &lines, 20, CHUNK, &r));
    lines.list[7].score = NAN;
    assert_non_null(performance(a, &lines, WARM, CHUNK, &r));
    lines.list[7].score = 0.5;
    lines.list[9].label = 2;
    assert_non_null(performance(a, &lines, WARM, CHUNK, &r));
    lines.list[9].label = 1;
    assert_null(performance(a, &lines, WARM, 1000000, &r));
    assert_int_equal(r.nchunks, 1);
    /* one score for all: nothing to rank */
    for (int i = 0; i < N; i++)
        lines.list[i].score = 0.5;
    assert_null(performance(a, &lines, WARM, CHUNK, &r));
    assert_true(fabs(r.chunks[0].whole.estimated.roc_auc - 0.5) < 1e-9);
    arena_free(a);
}
int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_covariate_shift), cmocka_unit_test(test_concept_drift_is_said), cmocka_unit_test(test_refused) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
