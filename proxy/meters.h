/* SPDX-License-Identifier: Apache-2.0
 *
 * meters: how much traffic a route, a caller, a key, an address or a model may bring (a route's `rate:`). One table for all workers, without a lock: a slot is a key
 * and the time at which its bucket will be empty again (GCRA, ITU-T I.371: one number a bucket, moved by compare-and-swap), and how many exchanges are open.
 *
 * Bounds: METER_SLOTS slots of 32 bytes, whatever callers invent. A bucket that is empty and has nothing open can be forgotten without loss, so its slot goes
 * to the next key; when all slots a key may have are in use, the one nearest to empty gives way (counted in `forgotten`: its owner starts afresh).
 * Lost with the process: a budget for a day begins anew after a restart.
 */
#ifndef PROXY_METERS_H
#define PROXY_METERS_H
#include "base/span.h"
#include <stdatomic.h>
#include <stdint.h>

enum rate_kind { RATE_REQUESTS, RATE_TOKENS, RATE_CONCURRENT };
enum rate_per { PER_CALLER = 1, PER_KEY = 2, PER_ADDRESS = 4, PER_MODEL = 8 };   /* 0: the route as a whole */
enum { RATES_MOST = 16, METER_SLOTS = 1 << 17 };

struct rate {                       /* one limit of a route */
    enum rate_kind kind;
    unsigned per;                   /* enum rate_per, or'ed */
    uint64_t amount, burst;         /* burst: what an idle bucket holds; concurrent: amount alone */
    uint64_t period_ns;
    const char *text;               /* as written, for messages: "60/m" */
};
struct rate_who { struct span route, caller, key, address, model; };

struct meters;
struct meters *meters_new(void);
void meters_free(struct meters *m);
uint64_t meters_forgotten(const struct meters *m);

/* What an exchange holds; zeroed at its beginning. owner: its worker */
struct admission {
    uint32_t open[RATES_MOST], bucket[RATES_MOST];   /* slots + 1 */
    const struct rate *rate[RATES_MOST];             /* of bucket[], RATE_TOKENS */
    unsigned nopen, nbuckets;
    uint64_t tokens;                                 /* already charged */
};
/* May it come in? All limits or none are charged: requests by one, tokens by the estimate (what it really takes is settled at its end). `from` and `to`: which of
 * rates[n] are asked, those per model only when the model is known. NULL: yes; else the limit that says no, and in how many ms to come again (at least 1). */
const struct rate *meters_admit(struct meters *m, const struct rate *rates, size_t n, bool (*asks)(const struct rate *), const struct rate_who *who, uint64_t tokens,
                                uint64_t now_ns, struct admission *a, uint64_t *retry_ms);
/* At the end: what it took in tokens, known or best estimate. */
void meters_settle(struct meters *m, struct admission *a, uint64_t tokens, uint64_t now_ns);
#endif
