/* SPDX-License-Identifier: Apache-2.0
 * A route's watch: it learns, watches, sees what moves, looks no more often than it may, and survives its saved form. */
#include "checks/drift/random.h"
#include "checks/drift/window.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static void feed(struct drift_watch *w, struct random_state *r, unsigned n, const char *extra, double shift)
{
    static const char *const about[] = { "billing", "shipping", "the manual", "a login", "two orders", "opening hours" };
    for (unsigned i = 0; i < n; i++) {
        char prompt[120], answer[120];
        snprintf(prompt, sizeof prompt, "a question about %s number %u%s", about[random_below(r, 6)], random_below(r, 30), extra);
        snprintf(answer, sizeof answer, "here is what we know of %s and %u", about[random_below(r, 6)], random_below(r, 30));
        struct feature f[2] = { { SPAN("age"), FEATURE_NUMBER, random_below(r, 50) + shift, { 0 } },
                                { SPAN("town"), FEATURE_CATEGORY, NAN, random_below(r, 2) ? SPAN("Lyon") : SPAN("Nice") } };
        struct row row = { f, 2, 2 };
        struct drift_observation o = { .at_us = i, .prompt = span_of(prompt), .answer = span_of(answer), .latency_ms = 10 + random_below(r, 9),
                                       .output_tokens = NAN, .inputs = &row };
        snprintf(o.id, sizeof o.id, "x-%u%s", i, extra);
        drift_watch_add(w, &o);
    }
}

static void learns_watches_and_sees(void **state)
{
    (void)state;
    struct drift_watch *w = drift_watch_new(NULL);
    struct random_state r = { 4 };
    struct drift_watch_report report;
    assert_false(drift_watch_judge(w, 0.01, &report));
    assert_int_equal(report.state, DRIFT_LEARNING);
    feed(w, &r, 500, "", 0);
    assert_true(drift_watch_judge(w, 0.01, &report));
    assert_int_equal(report.state, DRIFT_WATCHING);
    assert_true(report.sides[DRIFT_PROMPT].is_seen && report.sides[DRIFT_FEATURES].is_seen && !report.sides[DRIFT_PREDICTIONS].is_seen);
    feed(w, &r, 99, " and my boat", 0);
    assert_false(drift_watch_judge(w, 0.01, &report)); /* not enough that is new */
    assert_int_equal(report.looks, 1);
    feed(w, &r, 1, " and my boat", 0);
    assert_true(drift_watch_judge(w, 0.01, &report));
    assert_int_equal(report.state, DRIFT_DRIFTING);
    assert_true(report.sides[DRIFT_PROMPT].is_drift && !report.sides[DRIFT_FEATURES].is_drift);
    assert_true(report.nafter >= 1 && strstr(report.after[0].text, "boat"));
    struct buf out = { 0 };
    drift_watch_json(&report, &out);
    assert_non_null(strstr(out.bytes, "\"state\": \"drift\""));
    assert_non_null(strstr(out.bytes, "\"boat\""));
    buf_free(&out);
    assert_true(drift_watch_bytes(w) < (size_t)1 << 20);
    assert_true(drift_watch_promote(w)); /* this is normal now … */
    feed(w, &r, 100, " and my boat", 0);
    assert_false(drift_watch_judge(w, 0.01, &report));
    assert_int_equal(report.state, DRIFT_WATCHING);
    drift_watch_free(w);
}

static void a_saved_baseline_comes_back(void **state)
{
    (void)state;
    struct drift_watch *w = drift_watch_new(NULL), *again = drift_watch_new(NULL);
    struct random_state r = { 6 };
    struct drift_watch_report report;
    feed(w, &r, 320, "", 0);
    struct buf saved = { 0 }, twice = { 0 };
    assert_true(drift_watch_save(w, &saved));
    assert_true(drift_watch_load(again, buf_span(&saved)));
    assert_true(drift_watch_save(again, &twice));
    assert_true(span_same(buf_span(&saved), buf_span(&twice)));
    feed(again, &r, 200, "", 15);
    assert_true(drift_watch_judge(again, 0.01, &report));
    assert_int_equal(report.state, DRIFT_DRIFTING);
    assert_string_equal(report.sides[DRIFT_FEATURES].strongest->name, "age");
    for (size_t cut = 0; cut < saved.len; cut += 97) /* cut or changed anywhere: refused, nothing lost */
        assert_false(drift_watch_load(again, (struct span){ saved.bytes, cut }));
    for (size_t at = 0; at < saved.len; at += 997) {
        saved.bytes[at] ^= 0x41;
        assert_false(drift_watch_load(again, buf_span(&saved)));
        saved.bytes[at] ^= 0x41;
    }
    drift_watch_judge(again, 0.01, &report);
    assert_int_equal(report.state, DRIFT_DRIFTING);
    buf_free(&saved);
    buf_free(&twice);
    drift_watch_free(w);
    drift_watch_free(again);
}

/* 6 quiet routes, 20 looks each: a period's chance of any alarm is alpha. At 0.05 more than two of six would be
 * a one in five hundred event. */
static void quiet_routes_stay_quiet(void **state)
{
    (void)state;
    unsigned rang = 0;
    for (unsigned k = 0; k < 6; k++) {
        struct drift_watch *w = drift_watch_new(&(struct drift_watch_options){ .baseline_n = 60, .window_n = 40 });
        struct random_state r = { 100 + k };
        bool is_ringing = false;
        feed(w, &r, 80, "", 0);
        for (int look = 0; look < 20; look++) {
            struct drift_watch_report report;
            feed(w, &r, 20, "", 0);
            drift_watch_judge(w, 0.05, &report);
            is_ringing |= report.state == DRIFT_DRIFTING;
        }
        rang += is_ringing;
        drift_watch_free(w);
    }
    assert_in_range(rang, 0, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(learns_watches_and_sees), cmocka_unit_test(a_saved_baseline_comes_back),
                                        cmocka_unit_test(quiet_routes_stay_quiet) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
