/* SPDX-License-Identifier: Apache-2.0
 *
 * links: a worker's connections to plain upstreams: dialled, used by one call at a time, kept for the next.
 *
 *     links_place ─▶ link_take ──────────────▶ [ready …] ─▶ link_keep   (clean: the next call takes it)
 *                 └▶ dial_begin ─▶ dialled ─┘            └▶ link_close
 *
 * A link watches its socket from its first byte to its end with one and the same event, so a call costs no epoll_ctl. While a link is
 * kept the same watch tells of an end or of bytes that nobody asked for: either closes it, and no call ever sees them.
 * owner: worker (one event loop). Callbacks come from the loop only, never from within a function here.
 */
#ifndef PROXY_LINKS_H
#define PROXY_LINKS_H
#include "proxy/upstream.h"
#include <event2/event_struct.h>

enum {
    LINKS_KEPT = 1024,            /* in all; the one that rests longest goes */
    LINK_REST_MS = 60000,         /* kept so long without use, or for the upstream's own `Keep-Alive: timeout`, less a second */
    LINK_LIFE_MS = 300000,        /* by name, not address: then a new one, so that a name that moved is followed under load, too */
    ADDRESSES_FRESH_MS = 30000,   /* a name is looked up anew after this */
    NEXT_ADDRESS_MS = 250,        /* the next address is tried beside one that is silent so long (RFC 8305 5) */
};
struct links;
struct dial;
struct place {                    /* a host and port; owned by links */
    struct span authority;        /* what Host says */
    struct place_inside *inside;
};
struct link {
    struct place *place;
    int fd;
    void *user;                   /* NULL: kept, or being dialled */
    bool is_used;                 /* it has carried a call before this one */
    /* inside */
    bool is_watched;
    struct event read_ev, write_ev;
    struct links *links;
    struct dial *dial;
    struct link *next, *previous; /* kept: of the same place, the newest first; else of the same dial */
    struct link *older, *newer;   /* kept: of all */
    uint64_t born_ms, until_ms;
};
struct links_callbacks {
    void (*ready)(struct link *l, short what);  /* EV_READ, EV_WRITE on a link in use */
    /* l: yours now (user is set); NULL: end and why say what went wrong, and nothing was sent. */
    void (*dialled)(void *user, struct link *l, enum upstream_end end, const char *why);
    void (*after_turn)(void *context);
};
struct links *links_new(struct event_base *base, const struct links_callbacks *cb, void *context);
void links_free(struct links *l);                /* dials must be cancelled, links in use closed before */
/* Never NULL; lives until links_tick finds that nothing of it has been used for minutes: hold it (place_hold) for longer than a turn. */
struct place *links_place(struct links *l, const struct upstream_url *to);
void place_hold(struct place *p);
void place_drop(struct place *p);
void links_tick(struct links *l, uint64_t now_ms);

/* A kept link that is clean as far as the loop knows, or NULL. */
struct link *link_take(struct place *p, void *user, uint64_t now_ms);
/* rest_ms: how long the upstream said that it keeps it; 0: it did not say. */
void link_keep(struct link *l, uint64_t rest_ms, uint64_t now_ms);
void link_close(struct link *l);
/* Reading stops and goes on; nothing happens when it is so already. */
void link_watch(struct link *l, bool is_wanted);
void link_want_write(struct link *l);            /* EV_WRITE, once */

/* Connects, with a lookup before where the place is a name. dialled comes once, later; unless dial_cancel came first. */
struct dial *dial_begin(struct place *p, void *user);
void dial_cancel(struct dial *d);

uint64_t coarse_ms(void);                        /* monotonic, to some milliseconds, without a system call */
#endif
