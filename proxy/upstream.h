/* SPDX-License-Identifier: Apache-2.0
 *
 * upstream: one call to an upstream, behind a door narrow enough that two clients stand behind it: our own for plain http, libcurl for
 * https and for proxies (upstream.c chooses).
 *
 * owner: worker (everything here belongs to one worker's event loop). Life of a call:
 *
 *     upstream_start ─▶ [on_interim …] ─▶ on_head ─▶ [on_body …] ─▶ on_end        (or straight to on_end: it failed)
 *
 * on_end comes exactly once, unless upstream_cancel came first: after cancel nothing comes any more. The call is gone after
 * on_end returns. Callbacks never come from within upstream_start, _write or _cancel; resuming (_pause false) may bring
 * on_body at once.
 *
 * The bytes of a body are those the upstream sent, with the transfer coding (chunks) undone and the content coding not.
 * What the upstream says is read by our own strict reader, whatever a library let pass.
 */
#ifndef PROXY_UPSTREAM_H
#define PROXY_UPSTREAM_H
#include "base/buf.h"
#include "proxy/config.h"
#include "proxy/http/http.h"
#include <event2/event.h>

enum upstream_end {
    UPSTREAM_WHOLE,         /* the body came whole by its framing */
    UPSTREAM_UNRESOLVED,    /* nothing was sent: another upstream may be tried */
    UPSTREAM_UNREACHABLE,   /* nothing was sent: refused, no route, TLS failed */
    UPSTREAM_CONNECT_TIMEOUT, /* nothing was sent: no connection in limits.connect */
    UPSTREAM_CUT,           /* it closed or reset after we began to send */
    UPSTREAM_TIMEOUT,       /* no head in limits.first_byte, or silence in the body past limits.between_bytes */
    UPSTREAM_BAD_ANSWER,    /* what it said is not HTTP by a strict reading */
};
extern const char *const upstream_end_names[UPSTREAM_BAD_ANSWER + 1];

struct upstream_callbacks {
    void (*on_interim)(void *context, const struct http_head *head);   /* 1xx but 101 and 100 */
    void (*on_head)(void *context, const struct http_head *head);      /* spans live during the call only */
    void (*on_body)(void *context, struct span data);                  /* never empty */
    /* trailers: "name: value\r\n"…, only with UPSTREAM_WHOLE. why: one line for logs. */
    void (*on_end)(void *context, enum upstream_end end, struct span trailers, const char *why);
    void (*on_writable)(void *context);                                /* room for more of the request's body */
};
struct upstream_request {                 /* the struct is copied; all that it points to must live as long as the call */
    const struct route *route;
    const struct upstream_url *to;
    struct span method, target;           /* target: byte for byte what stands in the request line */
    const struct http_field *fields;      /* without Host and framing; in order */
    size_t nfields;
    struct span body;                     /* the whole body, if it is held */
    bool has_body;                        /* false: no body and no content-length */
    bool streams_body;                    /* the body comes by upstream_write */
    bool is_length_known;                 /* streams_body: content-length `length`, else chunked */
    uint64_t length;
};

struct upstream_pool;                     /* a worker's connections to all upstreams */
struct upstream_call;

/* after_turn(context) is called whenever the pool was worked from the event loop, after all callbacks of that turn. */
struct upstream_pool *upstream_pool_new(struct event_base *base, void (*after_turn)(void *context), void *context);
void upstream_pool_free(struct upstream_pool *p);

/* NULL: out of memory or a request that cannot be said. */
struct upstream_call *upstream_start(struct upstream_pool *p, const struct upstream_request *r, const struct upstream_callbacks *cb, void *context);
/* Takes as much as there is room for (UPSTREAM_WRITE_ROOM in all); returns how much. on_writable says when to go on. */
enum { UPSTREAM_WRITE_ROOM = 64 * 1024 };
size_t upstream_write(struct upstream_call *u, struct span data);
void upstream_write_end(struct upstream_call *u);
/* Stops and resumes on_body: the socket is not read while paused. From within on_body: what was read with it (64 KiB at most) still comes. */
void upstream_pause(struct upstream_call *u, bool is_paused);
/* Ends the call and closes its connection unless the answer was whole. */
void upstream_cancel(struct upstream_call *u);
/* Called by the worker's tick: limits by the clock. */
void upstream_tick(struct upstream_pool *p, uint64_t now_ms);
#endif
