/* SPDX-License-Identifier: Apache-2.0
 * Connections to plain upstreams: a stack of kept ones for each place (the newest is taken first, so that what load no longer needs can
 * grow old), and dials after RFC 8305: addresses in the resolver's order, the next one when one fails or is silent for a quarter of a
 * second, the first to connect wins and is asked first while the lookup is fresh. */
#include "proxy/links.h"
#include "base/must.h"
#include "proxy/resolve.h"
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { BUCKETS = 256, PLACE_REST_MS = 300000, SWEEP_MS = 1000 };

struct place_inside {
    struct place place;
    struct links *links;
    struct place_inside *next;    /* of its bucket */
    struct span host;
    unsigned port;
    bool is_literal, is_asked;
    struct addresses addresses;
    uint64_t found_ms, used_ms;
    unsigned holders;
    struct link *kept;
    struct dial *waiting;         /* for the lookup */
};
struct links {
    struct event_base *base;
    struct links_callbacks cb;
    void *context;
    struct resolver *resolver;
    struct place_inside *buckets[BUCKETS];
    struct link *oldest, *newest; /* kept */
    unsigned nkept;
    uint64_t swept_ms;
};
struct dial {
    struct place_inside *place;
    void *user;
    struct dial *next, **at;      /* of those that wait for the lookup */
    struct addresses addresses;
    unsigned tried;
    struct link *open;            /* connecting */
    struct event timer;           /* the next address; or the failure that is told from the loop */
    int error;
    enum upstream_end end;
    const char *why;
};

uint64_t coarse_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* ---- links ---- */

static void kept_remove(struct link *l)
{
    struct links *all = l->links;
    struct place_inside *p = l->place->inside;
    if (l->previous)
        l->previous->next = l->next;
    else
        p->kept = l->next;
    if (l->next)
        l->next->previous = l->previous;
    if (l->older)
        l->older->newer = l->newer;
    else
        all->oldest = l->newer;
    if (l->newer)
        l->newer->older = l->older;
    else
        all->newest = l->older;
    l->next = l->previous = l->older = l->newer = NULL;
    all->nkept--;
}
static void link_free(struct link *l)
{
    event_del(&l->read_ev);
    event_del(&l->write_ev);
    close(l->fd);
    place_drop(l->place);
    free(l);
}
void link_close(struct link *l)
{
    l->user = NULL;
    link_free(l);
}
static void kept_close(struct link *l)
{
    kept_remove(l);
    link_free(l);
}
struct link *link_take(struct place *place, void *user, uint64_t now_ms)
{
    struct link *l;
    place->inside->used_ms = now_ms;
    while ((l = place->inside->kept)) {
        /* What the loop has seen in this turn and not told yet counts: an end, or bytes of nobody's. */
        bool is_spent = now_ms > l->until_ms || (l->read_ev.ev_evcallback.evcb_flags & EVLIST_ACTIVE);
        kept_remove(l);
        if (!is_spent) {
            l->user = user;
            return l;
        }
        link_free(l);
    }
    return NULL;
}
void link_keep(struct link *l, uint64_t rest_ms, uint64_t now_ms)
{
    struct links *all = l->links;
    struct place_inside *p = l->place->inside;
    uint64_t rest = !rest_ms || rest_ms > LINK_REST_MS ? LINK_REST_MS : rest_ms > 2000 ? rest_ms - 1000 : rest_ms / 2;
    p->used_ms = now_ms;
    if (!p->is_literal && now_ms - l->born_ms > LINK_LIFE_MS) {
        link_close(l);
        return;
    }
    l->user = NULL;
    l->is_used = true;
    l->until_ms = now_ms + rest;
    link_watch(l, true);
    l->previous = NULL;
    l->next = p->kept;
    if (p->kept)
        p->kept->previous = l;
    p->kept = l;
    l->newer = NULL;
    l->older = all->newest;
    if (all->newest)
        all->newest->newer = l;
    else
        all->oldest = l;
    all->newest = l;
    if (++all->nkept > LINKS_KEPT)
        kept_close(all->oldest);
}
void link_watch(struct link *l, bool is_wanted)
{
    if (l->is_watched == is_wanted)
        return;
    l->is_watched = is_wanted;
    if (is_wanted)
        event_add(&l->read_ev, NULL);
    else
        event_del(&l->read_ev);
}
void link_want_write(struct link *l)
{
    event_add(&l->write_ev, NULL);
}

/* ---- dials ---- */

static void on_link(evutil_socket_t fd, short what, void *context);

static void waiting_remove(struct dial *d)
{
    if (!d->at)
        return;
    *d->at = d->next;
    if (d->next)
        d->next->at = d->at;
    d->at = NULL;
}
static void opened_remove(struct dial *d, struct link *l)
{
    if (l->previous)
        l->previous->next = l->next;
    else
        d->open = l->next;
    if (l->next)
        l->next->previous = l->previous;
    l->next = l->previous = NULL;
    l->dial = NULL;
}
static void dial_free(struct dial *d)
{
    event_del(&d->timer);
    waiting_remove(d);
    while (d->open) {
        struct link *l = d->open;
        opened_remove(d, l);
        link_free(l);
    }
    place_drop(&d->place->place);
    free(d);
}
void dial_cancel(struct dial *d)
{
    dial_free(d);
}
static void dial_tell(struct dial *d, struct link *won)
{
    const struct links_callbacks *cb = &d->place->links->cb;
    void *user = d->user;
    enum upstream_end end = d->end;
    char why[160];
    snprintf(why, sizeof why, "%s", d->why ? d->why : "");
    dial_free(d);
    cb->dialled(user, won, end, why);
}
/* Told from the loop, at once. */
static void dial_fail(struct dial *d, enum upstream_end end, const char *why)
{
    d->end = end;
    d->why = why;
    event_active(&d->timer, EV_TIMEOUT, 0);
}
static bool connect_to(struct dial *d, const struct address *to)
{
    struct place_inside *p = d->place;
    int on = 1, fd = -1;
    for (int again = 0; again < 2 && fd < 0; again++) {
        fd = socket(to->to.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0 && (errno == EMFILE || errno == ENFILE) && p->links->oldest)
            kept_close(p->links->oldest);
        else
            break;
    }
    if (fd < 0) {
        d->error = errno;
        return false;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(fd, &to->to.any, to->len) != 0 && errno != EINPROGRESS && errno != EINTR) {
        d->error = errno;
        close(fd);
        return false;
    }
    struct link *l = calloc(1, sizeof *l);
    must(l != NULL);
    l->place = &p->place;
    place_hold(l->place);
    l->links = p->links;
    l->fd = fd;
    l->dial = d;
    l->next = d->open;
    if (d->open)
        d->open->previous = l;
    d->open = l;
    event_assign(&l->read_ev, p->links->base, fd, EV_READ | EV_PERSIST, on_link, l);
    event_assign(&l->write_ev, p->links->base, fd, EV_WRITE, on_link, l);
    event_add(&l->write_ev, NULL);
    return true;
}
static void dial_next(struct dial *d)
{
    static const struct timeval stagger = { 0, NEXT_ADDRESS_MS * 1000 };
    while (d->tried < d->addresses.n)
        if (connect_to(d, &d->addresses.at[d->tried++])) {
            if (d->tried < d->addresses.n)
                event_add(&d->timer, &stagger);
            return;
        }
    if (!d->open)
        dial_fail(d, UPSTREAM_UNREACHABLE, strerror(d->error));
}
static void on_timer(evutil_socket_t fd, short what, void *context)
{
    struct dial *d = context;
    struct links *all = d->place->links;
    (void)fd, (void)what;
    if (d->why)
        dial_tell(d, NULL);
    else
        dial_next(d);
    all->cb.after_turn(all->context);
}
static bool is_same(const struct address *a, const struct sockaddr *b)
{
    if (a->to.any.sa_family != b->sa_family)
        return false;
    if (b->sa_family == AF_INET)
        return a->to.v4.sin_addr.s_addr == ((const struct sockaddr_in *)(const void *)b)->sin_addr.s_addr;
    return memcmp(&a->to.v6.sin6_addr, &((const struct sockaddr_in6 *)(const void *)b)->sin6_addr, sizeof a->to.v6.sin6_addr) == 0;
}
/* The winner is asked first from now on; else each new connection would wait for the silent one before it. */
static void prefer(struct place_inside *p, const struct link *l)
{
    struct sockaddr_storage peer;
    socklen_t n = sizeof peer;
    if (p->addresses.n < 2 || getpeername(l->fd, (struct sockaddr *)&peer, &n) != 0)
        return;
    for (unsigned i = 1; i < p->addresses.n; i++)
        if (is_same(&p->addresses.at[i], (struct sockaddr *)&peer)) {
            struct address won = p->addresses.at[i];
            memmove(&p->addresses.at[1], &p->addresses.at[0], i * sizeof won);
            p->addresses.at[0] = won;
            return;
        }
}
static void on_connected(struct link *l)
{
    struct dial *d = l->dial;
    int error = 0;
    socklen_t n = sizeof error;
    if (getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &error, &n) != 0)
        error = errno;
    opened_remove(d, l);
    if (!error) {
        prefer(d->place, l);
        l->born_ms = coarse_ms();
        l->user = d->user;
        link_watch(l, true);
        dial_tell(d, l);
        return;
    }
    d->error = error;
    link_free(l);
    event_del(&d->timer);
    dial_next(d);
}
static void on_link(evutil_socket_t fd, short what, void *context)
{
    struct link *l = context;
    struct links *all = l->links;
    (void)fd;
    if (l->user) {
        all->cb.ready(l, what);
    } else if (l->dial) {
        on_connected(l);
        all->cb.after_turn(all->context);
    } else if (what & EV_READ) {
        kept_close(l); /* it ended, or sent what nobody asked for */
    }
}

static void dial_on(struct dial *d)
{
    d->addresses = d->place->addresses;
    dial_next(d);
}
static void on_found(void *asker, const struct addresses *a, const char *why)
{
    struct place_inside *p = asker;
    struct dial *waiting = p->waiting; /* those that come meanwhile ask anew */
    p->waiting = NULL;
    if (waiting)
        waiting->at = &waiting;
    p->is_asked = false;
    if (a->n) {
        p->addresses = *a;
        p->found_ms = coarse_ms();
    }
    while (waiting) {
        struct dial *d = waiting;
        waiting_remove(d);
        if (a->n) {
            dial_on(d);
        } else {
            d->end = UPSTREAM_UNRESOLVED;
            d->why = why;
            dial_tell(d, NULL);
        }
    }
    place_drop(&p->place);
}
struct dial *dial_begin(struct place *place, void *user)
{
    struct place_inside *p = place->inside;
    struct dial *d = calloc(1, sizeof *d);
    must(d != NULL);
    d->place = p;
    d->user = user;
    place_hold(place);
    event_assign(&d->timer, p->links->base, -1, 0, on_timer, d);
    if (p->is_literal || (p->addresses.n && coarse_ms() - p->found_ms < ADDRESSES_FRESH_MS)) {
        dial_on(d);
        return d;
    }
    d->next = p->waiting;
    d->at = &p->waiting;
    if (d->next)
        d->next->at = &d->next;
    p->waiting = d;
    if (!p->is_asked) {
        p->is_asked = true;
        place_hold(place);
        resolver_ask(p->links->resolver, p->host, p->port, p);
    }
    return d;
}

/* ---- places ---- */

void place_hold(struct place *p)
{
    p->inside->holders++;
}
void place_drop(struct place *p)
{
    must(p->inside->holders > 0);
    p->inside->holders--;
}
static unsigned bucket_of(struct span host, unsigned port)
{
    uint32_t h = port * 2654435761u;
    for (size_t i = 0; i < host.len; i++)
        h = (h ^ (unsigned char)host.at[i]) * 16777619u;
    return (h ^ h >> 16) % BUCKETS;
}
struct place *links_place(struct links *l, const struct upstream_url *to)
{
    unsigned b = bucket_of(to->host, to->port);
    for (struct place_inside *p = l->buckets[b]; p; p = p->next)
        if (p->port == to->port && span_same(p->host, to->host))
            return &p->place;
    struct place_inside *p = calloc(1, sizeof *p);
    must(p != NULL);
    size_t room = to->host.len + 16; /* "[host]:65535" */
    char *host = calloc(1, to->host.len + 1), *authority = calloc(1, room);
    must(host != NULL && authority != NULL);
    memcpy(host, to->host.at, to->host.len);
    bool is_v6 = memchr(host, ':', to->host.len) != NULL;
    int n = to->port == 80 ? snprintf(authority, room, "%s%s%s", is_v6 ? "[" : "", host, is_v6 ? "]" : "")
                           : snprintf(authority, room, "%s%s%s:%u", is_v6 ? "[" : "", host, is_v6 ? "]" : "", to->port);
    p->place.authority = (struct span){ authority, (size_t)n };
    p->place.inside = p;
    p->links = l;
    p->host = (struct span){ host, to->host.len };
    p->port = to->port;
    p->is_literal = address_literal(p->host, p->port, &p->addresses);
    p->used_ms = coarse_ms();
    p->next = l->buckets[b];
    l->buckets[b] = p;
    return &p->place;
}
static void place_free(struct place_inside *p)
{
    free((char *)(uintptr_t)p->host.at);
    free((char *)(uintptr_t)p->place.authority.at);
    free(p);
}
void links_tick(struct links *l, uint64_t now_ms)
{
    if (now_ms - l->swept_ms < SWEEP_MS)
        return;
    l->swept_ms = now_ms;
    for (struct link *k = l->oldest, *newer; k; k = newer) {
        newer = k->newer;
        if (now_ms > k->until_ms)
            kept_close(k);
    }
    for (unsigned b = 0; b < BUCKETS; b++)
        for (struct place_inside **at = &l->buckets[b]; *at;) {
            struct place_inside *p = *at;
            if (p->holders || now_ms - p->used_ms < PLACE_REST_MS) {
                at = &p->next;
                continue;
            }
            *at = p->next;
            place_free(p);
        }
}

struct links *links_new(struct event_base *base, const struct links_callbacks *cb, void *context)
{
    struct links *l = calloc(1, sizeof *l);
    must(l != NULL);
    l->base = base;
    l->cb = *cb;
    l->context = context;
    l->resolver = resolver_new(base, on_found, cb->after_turn, context);
    return l;
}
void links_free(struct links *l)
{
    if (!l)
        return;
    while (l->oldest)
        kept_close(l->oldest);
    resolver_free(l->resolver);
    for (unsigned b = 0; b < BUCKETS; b++)
        for (struct place_inside *p = l->buckets[b], *next; p; p = next) {
            next = p->next;
            must(!p->waiting);
            place_free(p);
        }
    free(l);
}
