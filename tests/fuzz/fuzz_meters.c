/* SPDX-License-Identifier: Apache-2.0
 * Random admissions, ends and clock steps, read from the input: no more comes in than burst and pace allow, no more is open than may be, who
 * waits as long as he was told comes in, and when all is over nothing is held. */
#include "base/must.h"
#include "proxy/meters.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { CALLERS = 3, OPEN_MOST = 64 };
static const uint64_t second = 1000000000;
static bool all(const struct rate *r) { (void)r; return true; }
struct reader { const uint8_t *at, *end; };
static uint64_t take(struct reader *in, int bytes)
{
    uint64_t v = 0;
    while (bytes-- && in->at < in->end)
        v = v << 8 | *in->at++;
    return v;
}
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const char *const names[CALLERS] = { "ann", "bob", "" };
    struct reader in = { data, data + n };
    struct rate r[3];
    uint64_t period = second * (1 + take(&in, 1) % 100);
    r[0] = (struct rate){ .kind = RATE_REQUESTS, .per = PER_CALLER, .amount = 1 + take(&in, 2) % 1000, .burst = 1 + take(&in, 1) % 40, .period_ns = period };
    r[1] = (struct rate){ .kind = RATE_CONCURRENT, .per = take(&in, 1) & 1 ? PER_CALLER : 0, .amount = 1 + take(&in, 1) % 8 };
    r[2] = (struct rate){ .kind = RATE_TOKENS, .per = PER_CALLER, .amount = 1 + take(&in, 4), .burst = 1 + take(&in, 4), .period_ns = period };
    size_t nrates = 1 + take(&in, 1) % 3;
    struct meters *m = meters_new();
    struct { struct admission a; unsigned caller; } open[OPEN_MOST];
    unsigned nopen = 0, open_of[CALLERS] = { 0 };
    uint64_t now = 1000 * second, first[CALLERS] = { 0 }, came[CALLERS] = { 0 };
    while (in.at < in.end) {
        unsigned what = (unsigned)take(&in, 1), caller = what % CALLERS;
        struct rate_who who = { .route = SPAN("route"), .caller = span_of(names[caller]) };
        if (what < 160 && nopen < OPEN_MOST) {
            struct admission *a = &open[nopen].a;
            uint64_t retry = 0, tokens = what & 1 ? take(&in, 4) : take(&in, 1);
            *a = (struct admission){ 0 };
            const struct rate *no = meters_admit(m, r, nrates, all, &who, tokens, now, a, &retry);
            unsigned opened = r[1].per ? open_of[caller] : nopen;
            if (!no) {
                must(nrates < 2 || opened < r[1].amount);
                must(nrates < 3 || tokens <= UINT32_MAX);
                first[caller] = first[caller] ? first[caller] : now;
                came[caller]++;
                open[nopen].caller = caller;
                nopen++;
                open_of[caller]++;
                /* GCRA: burst at once, then the pace (to the nanosecond: what the bucket holds is rounded) */
                must((unsigned __int128)(came[caller] - r[0].burst) * period <= (unsigned __int128)(now - first[caller]) * r[0].amount || came[caller] <= r[0].burst
                     || (unsigned __int128)(came[caller] - r[0].burst) * (period / r[0].amount) <= now - first[caller] + 64);
                continue;
            }
            must(no >= r && no < r + nrates && retry >= 1);
            must(a->nopen == 0 && a->nbuckets == 0);
            if (no == &r[1])
                must(opened >= r[1].amount);
            if (no == &r[1] || (no == &r[2] && retry > UINT64_MAX / 4000000))
                continue;
            /* Come again, as told: it is not this limit that says no. What comes in is given its end at once. */
            struct admission again = { 0 };
            uint64_t later = now + retry * 1000000, unused;
            if (no == &r[0] && nrates == 1) {
                must(!meters_admit(m, r, nrates, all, &who, tokens, later, &again, &unused));
                first[caller] = first[caller] ? first[caller] : now;
                came[caller]++;
                meters_settle(m, &again, tokens, later);
                now = later;
            } else {
                const struct rate *other = meters_admit(m, r, nrates, all, &who, tokens, later, &again, &unused);
                must(other != no);
                if (!other) {
                    first[caller] = first[caller] ? first[caller] : now;
                    came[caller]++;
                    meters_settle(m, &again, tokens, later);
                }
                now = later;
            }
        } else if (what < 220 && nopen) {
            unsigned i = (unsigned)take(&in, 1) % nopen;
            meters_settle(m, &open[i].a, take(&in, what & 1 ? 4 : 1), now);
            open_of[open[i].caller]--;
            open[i] = open[--nopen];
        } else {
            now += take(&in, 2) * 1000000;
        }
    }
    while (nopen)
        meters_settle(m, &open[--nopen].a, 0, now);
    /* Nothing is held any more: as many as may be open can be, whoever they are. */
    if (nrates >= 2) {
        struct rate only = r[1];
        struct admission a[8] = { { .nopen = 0 } }, more = { 0 };
        uint64_t retry;
        struct rate_who who = { .route = SPAN("route"), .caller = SPAN("ann") };
        for (uint64_t i = 0; i < only.amount; i++)
            must(!meters_admit(m, &only, 1, all, &who, 0, now, &a[i], &retry));
        must(meters_admit(m, &only, 1, all, &who, 0, now, &more, &retry) == &only);
    }
    meters_free(m);
    return 0;
}
