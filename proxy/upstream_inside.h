/* SPDX-License-Identifier: Apache-2.0
 *
 * upstream, inside: the clients behind the door proxy/upstream.h. Each keeps the promises made there; upstream.c chooses one for each call.
 */
#ifndef PROXY_UPSTREAM_INSIDE_H
#define PROXY_UPSTREAM_INSIDE_H
#include "proxy/upstream.h"

struct upstream_client {
    void *(*pool_new)(struct event_base *base, void (*after_turn)(void *context), void *context);
    void (*pool_free)(void *pool);
    struct upstream_call *(*start)(void *pool, const struct upstream_request *r, const struct upstream_callbacks *cb, void *context);
    size_t (*write)(struct upstream_call *u, struct span data);
    void (*write_end)(struct upstream_call *u);
    void (*pause)(struct upstream_call *u, bool is_paused);
    void (*cancel)(struct upstream_call *u);
    void (*tick)(void *pool, uint64_t now_ms);   /* does not end the turn: upstream_tick does */
};
struct upstream_call {            /* first in each client's own */
    const struct upstream_client *client;
};
extern const struct upstream_client upstream_curl, upstream_http;

enum { UPSTREAM_HEAD_MOST = 256 * 1024, UPSTREAM_FIELDS_MOST = 512, UPSTREAM_INTERIM_MOST = 32, UPSTREAM_TRAILERS_MOST = 64 * 1024 };
/* May it be sent twice: RFC 9110 9.2.2. */
bool upstream_is_idempotent(struct span method);
#endif
