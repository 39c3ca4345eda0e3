/* SPDX-License-Identifier: Apache-2.0
 * Drift: what moved is found and named, what did not is left alone at the rate asked for, and too little says so. */
#include "checks/drift/random.h"
#include "checks/drift/read.h"
#include "checks/drift/stream.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static const char *const subjects[] = { "my invoice", "the contract", "an order", "her account", "the delivery", "a refund", "this address", "our meeting" };
static const char *const verbs[] = { "please check", "can you change", "where is", "tell me about", "i want to cancel", "who signed", "print" };
static struct span sentence(struct arena *a, struct random_state *r, const char *extra)
{
    return arena_printf(a, "%s %s number %u%s", verbs[random_below(r, 7)], subjects[random_below(r, 8)], random_below(r, 50), extra);
}
static double uniform(struct random_state *r) { return (double)(random_next(r) >> 11) / 9007199254740992.0; }
static struct drift_sample *texts(struct arena *a, struct random_state *r, unsigned n, double share, const char *extra)
{
    struct drift_sample *s = drift_sample_new(a);
    for (unsigned i = 0; i < n; i++) {
        drift_sample_row(s);
        drift_sample_text(s, ON_PROMPT, sentence(a, r, uniform(r) < share ? extra : ""));
    }
    return s;
}
static const struct drift_options usual = { .alpha = 0.05, .seed = 3 };

static void a_new_subject_is_found_and_named(void **state)
{
    (void)state;
    struct arena *a = arena_new(1 << 28);
    struct random_state r = { 11 };
    struct drift_report report;
    drift_compare(a, texts(a, &r, 300, 0, ""), texts(a, &r, 250, 0.15, " in the submarine"), &usual, &report);
    assert_true(report.is_drift);
    assert_true(report.p <= 0.001);
    bool is_named = false;
    for (size_t i = 0; i < report.nterms && i < 10; i++)
        is_named |= strcmp(report.terms[i].term, "submarine") == 0 && report.terms[i].effect > 0.05 && report.terms[i].before == 0;
    assert_true(is_named);
    struct drift_report again;
    struct random_state r2 = { 11 };
    drift_compare(a, texts(a, &r2, 300, 0, ""), texts(a, &r2, 250, 0.15, " in the submarine"), &usual, &again);
    assert_true(again.p == report.p && again.nfeatures == report.nfeatures); /* the same seed, the same answer */
    arena_free(a);
}

/* 400 quiet pairs, heavy tails and ties among them: each level is kept, within four standard errors. */
static void quiet_pairs_ring_at_the_rate_asked_for(void **state)
{
    (void)state;
    struct random_state r = { 5 };
    unsigned hits_5 = 0, hits_20 = 0, n = 400;
    for (unsigned k = 0; k < n; k++) {
        struct arena *a = arena_new(1 << 28);
        struct drift_sample *s[2];
        for (int side = 0; side < 2; side++) {
            s[side] = drift_sample_new(a);
            for (unsigned i = 0; i < (side ? 40u : 90u); i++) {
                drift_sample_row(s[side]);
                double u = uniform(&r), heavy = tan(3.1 * (u - 0.5));
                drift_sample_number(s[side], SPAN("heavy"), heavy);
                drift_sample_number(s[side], SPAN("linked"), heavy * uniform(&r));
                drift_sample_number(s[side], SPAN("mostly zero"), u < 0.9 ? 0 : 1000 * u);
                if (uniform(&r) < 0.95)
                    drift_sample_category(s[side], SPAN("kind"), u < 0.02 ? SPAN("rare") : u < 0.5 ? SPAN("a") : SPAN("b"));
            }
        }
        struct drift_options o = { .alpha = 0.05, .seed = k, .permutations_most = 400 };
        struct drift_report report;
        drift_compare(a, s[0], s[1], &o, &report);
        hits_5 += report.p <= 0.05;
        hits_20 += report.p <= 0.2;
        arena_free(a);
    }
    assert_in_range(hits_5, 2, 20 + 18);
    assert_in_range(hits_20, 40, 80 + 32);
}

static struct drift_sample *table(struct arena *a, struct random_state *r, unsigned n, double shift, double missing, bool is_swapped)
{
    struct drift_sample *s = drift_sample_new(a);
    for (unsigned i = 0; i < n; i++) {
        double age = 30 + 20 * uniform(r) + shift, income = 1000 + 3000 * uniform(r);
        drift_sample_row(s);
        drift_sample_number(s, SPAN("age"), is_swapped ? income : age);
        drift_sample_number(s, SPAN("income"), is_swapped ? age : income);
        if (uniform(r) < missing)
            drift_sample_missing(s, SPAN("region"));
        else
            drift_sample_category(s, SPAN("region"), uniform(r) < 0.3 ? SPAN("north") : SPAN("south"));
    }
    return s;
}
static void the_column_that_moved_comes_first(void **state)
{
    (void)state;
    struct arena *a = arena_new(1 << 28);
    struct random_state r = { 21 };
    struct drift_report report;
    drift_compare(a, table(a, &r, 300, 0, 0, false), table(a, &r, 200, 4, 0, false), &usual, &report);
    assert_true(report.is_drift);
    assert_string_equal(report.features[0].name, "age");
    assert_true(report.features[0].effect > 0.1);
    drift_compare(a, table(a, &r, 300, 0, 0, false), table(a, &r, 200, 0, 0.1, false), &usual, &report);
    assert_string_equal(report.features[0].name, "region");
    assert_non_null(strstr(report.features[0].what, "missing"));
    /* A practical margin that the change does not reach: seen, said, but no drift. */
    struct drift_options margin = { .alpha = 0.05, .seed = 3, .least_effect = 0.5 };
    drift_compare(a, table(a, &r, 300, 0, 0, false), table(a, &r, 200, 4, 0, false), &margin, &report);
    assert_true(report.p <= 0.05 && !report.is_drift);
    drift_compare(a, table(a, &r, 300, 0, 0, false), table(a, &r, 200, 0, 0, true), &usual, &report);
    assert_true(report.is_drift);
    assert_true(report.nschema >= 2);
    assert_non_null(strstr(report.schema[report.nschema - 1].change, "swapped"));
    arena_free(a);
}

static bool read(struct arena *a, const char *text, struct drift_lines *out, struct troubles *t)
{
    *t = (struct troubles){ .arena = a };
    return drift_read(a, "f", span_of(text), out, t);
}
static void csv_is_read_as_it_is_written(void **state)
{
    (void)state;
    struct arena *a = arena_new(1 << 24);
    struct drift_lines l;
    struct troubles t;
    assert_true(read(a, "a,b,c\r\n1,\"x, \"\"y\"\"\nz\",\r\n-2.5e1,,w", &l, &t));
    assert_int_equal(l.n, 2);
    assert_true(l.list[0].features[0].number == 1);
    assert_true(span_is(l.list[0].features[1].category, "x, \"y\"\nz"));
    assert_int_equal(l.list[0].features[2].type, FEATURE_MISSING);
    assert_true(l.list[1].features[0].number == -25);
    assert_true(span_is(l.list[1].features[2].name, "c") && span_is(l.list[1].features[2].category, "w"));
    assert_false(read(a, "a,b\n1,2\n1,2,3\n4,5\n6\n", &l, &t));
    assert_int_equal(t.errors, 2);
    assert_int_equal(t.list[0].line, 3);
    assert_int_equal(t.list[1].line, 5);
    assert_false(read(a, "a,b\n1,\"2\n", &l, &t));
    assert_false(read(a, "a,a\n1,2\n", &l, &t));
    assert_false(read(a, "", &l, &t));
    assert_false(read(a, "a,b\n", &l, &t));
    assert_false(read(a, "{\"prompt\": \"x\"}\n{\"prompt\": \n", &l, &t));
    assert_int_equal(t.list[0].line, 2);
    assert_false(read(a, "{\"id\": 1}\n", &l, &t));
    assert_true(read(a, "{\"prompt\": \"\", \"features\": {\"n\": 1, \"s\": \"x\", \"b\": true, \"z\": null}}\n\n", &l, &t));
    assert_int_equal(l.list[0].nfeatures, 4);
    assert_int_equal(l.list[0].features[3].type, FEATURE_MISSING);
    arena_free(a);
}

static void schema_changes_are_drift_and_listed(void **state)
{
    (void)state;
    struct arena *a = arena_new(1 << 26);
    struct buf x = { 0 }, y = { 0 };
    buf_add_text(&x, "kept,gone,typed,metres\n");
    buf_add_text(&y, "kept,typed,metres,came\n");
    struct random_state r = { 9 };
    for (int i = 0; i < 80; i++) {
        buf_printf(&x, "%u,%u,%u,%u\n", random_below(&r, 9), random_below(&r, 9), random_below(&r, 9), 100 + random_below(&r, 90));
        buf_printf(&y, "%u,n%u,%u,%u\n", random_below(&r, 9), random_below(&r, 9), 100000 + 1000 * random_below(&r, 90), random_below(&r, 9));
    }
    struct drift_lines before, after;
    struct troubles t = { .arena = a };
    assert_true(drift_read(a, "x", buf_span(&x), &before, &t) && drift_read(a, "y", buf_span(&y), &after, &t));
    struct drift_sample *s[2] = { drift_sample_new(a), drift_sample_new(a) };
    for (size_t i = 0; i < before.n; i++) {
        drift_sample_line(s[0], &before.list[i]);
        drift_sample_line(s[1], &after.list[i]);
    }
    struct drift_report report;
    drift_compare(a, s[0], s[1], &usual, &report);
    assert_true(report.is_drift);
    unsigned seen = 0;
    for (size_t i = 0; i < report.nschema; i++)
        seen |= (strcmp(report.schema[i].feature, "gone") == 0 && strstr(report.schema[i].change, "missing") ? 1u : 0) |
                (strcmp(report.schema[i].feature, "came") == 0 && strstr(report.schema[i].change, "new") ? 2u : 0) |
                (strcmp(report.schema[i].feature, "typed") == 0 && strstr(report.schema[i].change, "retyped") ? 4u : 0) |
                (strcmp(report.schema[i].feature, "metres") == 0 && strstr(report.schema[i].change, "10^3") ? 8u : 0);
    assert_int_equal(seen, 15);
    buf_free(&x);
    buf_free(&y);
    arena_free(a);
}

static void too_little_is_said_and_nothing_breaks(void **state)
{
    (void)state;
    struct arena *a = arena_new(1 << 26);
    struct random_state r = { 2 };
    struct drift_report report;
    drift_compare(a, texts(a, &r, 500, 0, ""), texts(a, &r, 8, 1, " zebra zebra"), &usual, &report);
    assert_true(report.is_too_little && report.p == 1 && !report.is_drift);
    assert_non_null(strstr(report.what, "cannot tell yet"));
    drift_compare(a, drift_sample_new(a), drift_sample_new(a), &usual, &report);
    assert_true(report.is_too_little);
    struct drift_sample *s[2];
    for (int side = 0; side < 2; side++) { /* nothing varies; bad bytes; no text at all; an endless word */
        s[side] = drift_sample_new(a);
        for (int i = 0; i < 12; i++) {
            drift_sample_row(s[side]);
            drift_sample_text(s[side], ON_ANSWER, SPAN("\xff\xfe\xc3"));
            drift_sample_number(s[side], SPAN("n"), NAN);
        }
    }
    drift_compare(a, s[0], s[1], &usual, &report);
    assert_false(report.is_drift);
    assert_true(report.p == 1);
    char *end_less = arena_alloc(a, 100000);
    memset(end_less, 'a', 100000);
    drift_sample_row(s[0]);
    drift_sample_text(s[0], ON_ANSWER, (struct span){ end_less, 100000 });
    drift_sample_text(s[0], ON_ANSWER, SPAN("a second text of the same side"));
    drift_compare(a, s[0], s[1], &usual, &report);
    assert_false(report.is_drift);
    arena_free(a);
}

static void a_stream_rings_after_its_change_and_not_before(void **state)
{
    (void)state;
    struct arena *a = arena_new(1 << 28);
    struct random_state r = { 31 };
    struct buf quiet = { 0 }, moved = { 0 };
    for (int i = 0; i < 1200; i++) {
        double x = uniform(&r) + uniform(&r) + uniform(&r);
        buf_printf(&quiet, "{\"features\": {\"x\": %.4f, \"k\": \"%c\"}}\n", x, 'a' + (char)random_below(&r, 3));
        buf_printf(&moved, "{\"features\": {\"x\": %.4f, \"k\": \"%c\"}}\n", x + (i >= 700 ? 0.6 : 0), 'a' + (char)random_below(&r, 3));
    }
    struct drift_lines l;
    struct troubles t = { .arena = a };
    struct drift_stream_report report;
    assert_true(drift_read(a, "s", buf_span(&quiet), &l, &t));
    drift_stream(a, &l, &(struct drift_stream_options){ .warmup = 300, .alpha = 0.01, .seed = 1 }, &report);
    assert_int_equal(report.nalarms, 0);
    assert_true(drift_read(a, "s", buf_span(&moved), &l, &t));
    drift_stream(a, &l, &(struct drift_stream_options){ .warmup = 300, .alpha = 0.01, .seed = 1 }, &report);
    assert_true(report.nalarms >= 1);
    assert_string_equal(report.alarms[0].feature, "x");
    assert_in_range(report.alarms[0].line, 700, 1199);
    assert_in_range(report.alarms[0].onset, 500, 900);
    assert_true(report.alarms[0].e >= 100);
    buf_free(&quiet);
    buf_free(&moved);
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_subject_is_found_and_named),   cmocka_unit_test(quiet_pairs_ring_at_the_rate_asked_for),
        cmocka_unit_test(the_column_that_moved_comes_first),  cmocka_unit_test(csv_is_read_as_it_is_written),
        cmocka_unit_test(schema_changes_are_drift_and_listed), cmocka_unit_test(too_little_is_said_and_nothing_breaks),
        cmocka_unit_test(a_stream_rings_after_its_change_and_not_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
