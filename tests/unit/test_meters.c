/* SPDX-License-Identifier: Apache-2.0
 * Meters: a bucket gives what it holds and then its pace, whoever asks and however many workers do; what is refused takes nothing. */
#include "proxy/meters.h"
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#define S 1000000000ull
static bool all(const struct rate *r) { (void)r; return true; }
static const struct rate *ask(struct meters *m, const struct rate *r, size_t n, const char *caller, uint64_t tokens, uint64_t now, struct admission *a, uint64_t *retry)
{
    struct rate_who w = { .route = SPAN("r"), .caller = span_of(caller), .model = SPAN("m") };
    *a = (struct admission){ 0 };
    return meters_admit(m, r, n, all, &w, tokens, now, a, retry);
}

static void test_pace(void **state)
{
    (void)state;
    struct meters *m = meters_new();
    struct rate r = { .kind = RATE_REQUESTS, .per = PER_CALLER, .amount = 60, .burst = 5, .period_ns = 60 * S };
    struct admission a;
    uint64_t retry = 0, t = 1000 * S;
    for (int i = 0; i < 5; i++)
        assert_null(ask(m, &r, 1, "ann", 0, t, &a, &retry));
    assert_ptr_equal(ask(m, &r, 1, "ann", 0, t, &a, &retry), &r);
    assert_in_range(retry, 1000, 1001);
    assert_ptr_equal(ask(m, &r, 1, "ann", 0, t + S / 2, &a, &retry), &r);     /* being refused did not put it further off */
    assert_in_range(retry, 500, 501);
    assert_null(ask(m, &r, 1, "bob", 0, t, &a, &retry));                      /* another's bucket */
    assert_null(ask(m, &r, 1, "ann", 0, t + S, &a, &retry));
    assert_non_null(ask(m, &r, 1, "ann", 0, t + S, &a, &retry));
    for (int i = 0; i < 5; i++)                                               /* idle: full again, and no fuller */
        assert_null(ask(m, &r, 1, "ann", 0, t + 3600 * S, &a, &retry));
    assert_non_null(ask(m, &r, 1, "ann", 0, t + 3600 * S, &a, &retry));
    meters_free(m);
}
static void test_all_or_none(void **state)
{
    (void)state;
    struct meters *m = meters_new();
    struct rate r[3] = { { .kind = RATE_REQUESTS, .amount = 10, .burst = 10, .period_ns = S }, { .kind = RATE_CONCURRENT, .amount = 2 },
                         { .kind = RATE_REQUESTS, .per = PER_CALLER, .amount = 1, .burst = 1, .period_ns = S } };
    struct admission a, b, c;
    uint64_t retry;
    assert_null(ask(m, r, 3, "x", 0, S, &a, &retry));
    for (int i = 0; i < 50; i++)
        assert_ptr_equal(ask(m, r, 3, "x", 0, S, &b, &retry), &r[2]);         /* gives back what the first two took */
    assert_null(ask(m, r, 3, "y", 0, S, &b, &retry));
    assert_ptr_equal(ask(m, r, 3, "z", 0, S, &c, &retry), &r[1]);
    meters_settle(m, &a, 0, S);
    assert_null(ask(m, r, 3, "z", 0, S, &c, &retry));
    meters_settle(m, &b, 0, S);
    meters_settle(m, &c, 0, S);
    meters_settle(m, &c, 0, S);                                               /* twice is once */
    meters_free(m);
}
static void test_tokens(void **state)
{
    (void)state;
    struct meters *m = meters_new();
    struct rate r = { .kind = RATE_TOKENS, .amount = 1000, .burst = 1000, .period_ns = 60 * S };
    struct admission a;
    uint64_t retry;
    assert_null(ask(m, &r, 1, "x", 100, S, &a, &retry));
    meters_settle(m, &a, 700, S);                                             /* it took more than was guessed */
    assert_non_null(ask(m, &r, 1, "x", 400, S, &a, &retry));
    assert_in_range(retry, 6000, 6001);
    assert_null(ask(m, &r, 1, "x", 300, S, &a, &retry));
    meters_settle(m, &a, 0, S);                                               /* it failed: nothing is kept */
    assert_null(ask(m, &r, 1, "x", 300, S, &a, &retry));
    meters_settle(m, &a, 5000, S);
    assert_non_null(ask(m, &r, 1, "x", 1, S + 200 * S, &a, &retry));          /* in debt for what it took beyond */
    assert_null(ask(m, &r, 1, "x", 50000, S + 1000 * S, &a, &retry));         /* more than a bucket: when that is full */
    assert_non_null(ask(m, &r, 1, "x", 50000, S + 1001 * S, &a, &retry));
    meters_settle(m, &a, UINT64_MAX / 2, S);
    meters_free(m);
}
static void test_many_callers(void **state)
{
    (void)state;
    struct meters *m = meters_new();
    struct rate r = { .kind = RATE_REQUESTS, .per = PER_CALLER, .amount = 1, .burst = 1, .period_ns = 86400 * S };
    struct admission a;
    uint64_t retry;
    char name[32];
    for (int i = 0; i < 400000; i++) {                                        /* three times what there is room for */
        snprintf(name, sizeof name, "caller-%d", i);
        assert_null(ask(m, &r, 1, name, 0, S, &a, &retry));
    }
    assert_true(meters_forgotten(m) > 0);
    meters_free(m);
    m = meters_new();
    for (int i = 0; i < 20000; i++) {
        snprintf(name, sizeof name, "caller-%d", i);
        assert_null(ask(m, &r, 1, name, 0, S, &a, &retry));
    }
    for (int i = 0; i < 20000; i++) {
        snprintf(name, sizeof name, "caller-%d", i);
        assert_non_null(ask(m, &r, 1, name, 0, S, &a, &retry));
    }
    assert_int_equal(meters_forgotten(m), 0);
    meters_free(m);
}
struct many { struct meters *m; const struct rate *r; unsigned taken; };
static void *worker(void *p)
{
    struct many *w = p;
    struct admission a;
    uint64_t retry;
    for (int i = 0; i < 20000; i++)
        w->taken += !ask(w->m, w->r, 1, "all", 0, S, &a, &retry);
    return NULL;
}
static void test_threads(void **state)
{
    (void)state;
    struct meters *m = meters_new();
    struct rate r = { .kind = RATE_REQUESTS, .per = PER_CALLER, .amount = 7000, .burst = 7000, .period_ns = S };
    struct many w[4];
    pthread_t t[4];
    unsigned sum = 0;
    for (int i = 0; i < 4; i++) {
        w[i] = (struct many){ m, &r, 0 };
        pthread_create(&t[i], NULL, worker, &w[i]);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(t[i], NULL);
        sum += w[i].taken;
    }
    assert_int_equal(sum, 7000);
    meters_free(m);
}
int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_pace), cmocka_unit_test(test_all_or_none), cmocka_unit_test(test_tokens), cmocka_unit_test(test_many_callers), cmocka_unit_test(test_threads) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
