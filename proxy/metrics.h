/* SPDX-License-Identifier: Apache-2.0
 *
 * metrics: counters of what passes. Each worker writes a shard of its own without locks (one writer, so a relaxed load and
 * store is enough); /metrics sums all shards. Series are bounded: labels are routes, outcomes and rules of the config, never
 * anything a client sends.
 */
#ifndef PROXY_METRICS_H
#define PROXY_METRICS_H
#include "base/buf.h"
#include "checks/check.h"
#include <stdatomic.h>

enum { METRIC_ROUTES_MOST = 512, METRIC_RULES_MOST = 8192, HISTOGRAM_MOST = 18 };

typedef _Atomic uint64_t counter;
static inline void count(counter *c, uint64_t n)
{
    atomic_store_explicit(c, atomic_load_explicit(c, memory_order_relaxed) + n, memory_order_relaxed);
}
static inline uint64_t counted(const counter *c)
{
    return atomic_load_explicit(c, memory_order_relaxed);
}

struct histogram {
    counter buckets[HISTOGRAM_MOST + 1]; /* the last: beyond all bounds */
    counter sum_us, n;
};
enum histogram_kind { HISTOGRAM_DURATION, HISTOGRAM_FIRST_BYTE, HISTOGRAM_PER_TOKEN, HISTOGRAM_OVERHEAD, HISTOGRAM_KINDS };

enum trouble_kind {
    TROUBLE_UPSTREAM_UNRESOLVED, TROUBLE_UPSTREAM_UNREACHABLE, TROUBLE_UPSTREAM_CONNECT_TIMEOUT, TROUBLE_UPSTREAM_CUT, TROUBLE_UPSTREAM_TIMEOUT, TROUBLE_UPSTREAM_BAD_ANSWER,
    TROUBLE_CLIENT_GONE, TROUBLE_BAD_REQUEST, TROUBLE_TOO_LARGE, TROUBLE_STORE, TROUBLE_UNREAD, TROUBLE_OVERLOAD, TROUBLE_LIMITED, TROUBLES
};
extern const char *const trouble_names[TROUBLES];

struct route_metrics {
    counter answers[6];                  /* by status class; [0]: the client left */
    counter verdicts[4];
    counter troubles[TROUBLES];
    counter not_run[CHECKS];
    counter request_bytes, answer_bytes;
    counter tokens_in, tokens_out, tokens_cache_read, tokens_cache_write, usage[3]; /* by enum usage_origin */
    counter streams;
    struct histogram histograms[HISTOGRAM_KINDS];
};
struct metrics {                         /* one worker's */
    struct route_metrics routes[METRIC_ROUTES_MOST];
    counter connections_accepted, connections_open, exchanges_open;
    counter unrouted, refused_heads;
    counter h2_connections, h2_broken;
    counter tls_greeted, tls_resumed, tls_failed;
    counter drift_dropped;
};
void histogram_add(struct histogram *h, enum histogram_kind kind, uint64_t us);

/* Names live for the process: a slot once given is kept through reloads. Control thread only; -1: full. */
int metrics_route_slot(struct span name);
/* A rule's counter, shared by all workers (hits are rare). NULL: full. Control thread makes it, any thread counts. */
_Atomic uint64_t *metrics_rule_counter(struct span id);

/* Prometheus text (version 0.0.4) over all shards; the server adds store, drift and config series of its own. */
void metrics_render(struct buf *out, struct metrics *const *shards, size_t nshards);
void metrics_label(struct buf *out, struct span value);   /* escaped, quoted */
#endif
