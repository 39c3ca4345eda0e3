/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/worker.h"
#include "base/must.h"
#include "checks/text/quiet.h"
#include "proxy/observations.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { TICK_MS = 100, DONE_AT_ONCE = 256 };

uint64_t clock_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}
static void set_now(struct worker *w)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    w->now_ms = (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* ---- generations ---- */

static struct hold *hold_new(struct generation *g)
{
    struct hold *h = calloc(1, sizeof *h);
    must(h != NULL);
    size_t n = g->config->nroutes;
    h->g = g;
    h->down_until = calloc(n ? n : 1, sizeof *h->down_until);
    h->turn = calloc(n ? n : 1, sizeof *h->turn);
    h->sampling = calloc(n ? n : 1, sizeof *h->sampling);
    must(h->down_until && h->turn && h->sampling);
    return h;
}
static void hold_end(struct hold *h)
{
    generation_release(h->g);
    free(h->down_until);
    free(h->turn);
    free(h->sampling);
    free(h);
}
void hold_drop(struct worker *w, struct hold *h)
{
    (void)w;
    if (--h->users == 0 && h->is_old)
        hold_end(h);
}

static void on_acceptable(evutil_socket_t fd, short what, void *context)
{
    struct listening *l = context;
    (void)fd, (void)what;
    set_now(l->w);
    conn_accept(l);
    worker_turn_end(l->w);
}
static void listening_close(struct listening *l)
{
    if (l->fd < 0)
        return;
    event_del(&l->ev);
    close(l->fd);
    l->fd = -1;
    l->l = NULL;
}
/* Takes over a generation: listeners that stay keep their socket, those that went are closed, new ones come with theirs. */
static void adopt(struct worker *w, struct generation *g)
{
    struct hold *old = w->now;
    w->now = hold_new(g);
    if (old) {
        old->is_old = true;
        if (!old->users)
            hold_end(old);
    }
    unsigned share = g->config->limits.connections / g->config->workers;
    w->conns_most = share ? share : 1;
    for (struct listening *l = w->listening; l; l = l->next)
        l->l = NULL;
    for (size_t i = 0; i < g->config->nlisteners; i++) {
        const struct listener *c = &g->config->listeners[i];
        struct listening *l = w->listening;
        int fd = g->listen_fds[w->index][i];
        if (fd < 0) {
            while (l && !(l->fd >= 0 && span_same(l->host, c->host) && l->port == c->port))
                l = l->next;
            if (l)
                l->l = c;
            continue;
        }
        l = calloc(1, sizeof *l);
        must(l != NULL);
        l->w = w;
        l->fd = fd;
        l->host = (struct span){ strndup(c->host.at ? c->host.at : "", c->host.len), c->host.len };
        l->port = c->port;
        l->l = c;
        l->next = w->listening;
        w->listening = l;
        event_assign(&l->ev, w->base, fd, EV_READ | EV_PERSIST, on_acceptable, l);
        event_add(&l->ev, NULL);
        g->listen_fds[w->index][i] = -1;
    }
    for (struct listening *l = w->listening; l; l = l->next)
        if (!l->l)
            listening_close(l);
}

/* ---- turns ---- */

void worker_turn_end(struct worker *w)
{
    while (w->dirty) {
        struct conn *c = w->dirty;
        w->dirty = c->next_dirty;
        c->is_dirty = false;
        if (c->state == CONN_DEAD)
            continue;
        conn_flush(c);
        if (c->state == CONN_HEAD && !c->one.x && c->in.len)
            conn_process(c);
        else if (c->state == CONN_HEAD && !c->one.x && w->is_stopping && !conn_unsent(c))
            conn_close(c);
    }
    while (w->dead) {
        struct conn *c = w->dead;
        w->dead = c->next;
        conn_reap(c);
    }
    while (w->ended) {
        struct exchange *x = w->ended;
        w->ended = x->next_ended;
        exchange_free(x);
    }
    if (w->is_stopping && !w->conns && counted(&w->metrics->exchanges_open) == 0)
        event_base_loopbreak(w->base);
}
static void after_upstreams(void *context)
{
    worker_turn_end(context);
}

static void stop(struct worker *w)
{
    w->is_stopping = true;
    w->stop_ms = w->now_ms + w->now->g->config->limits.drain_ms;
    for (struct listening *l = w->listening; l; l = l->next)
        listening_close(l);
    for (struct conn *c = w->conns, *next; c; c = next) {
        next = c->next;
        if (c->state == CONN_H2)
            h2_drain(c);
        else if (!c->one.x && !c->in.len && !conn_unsent(c) && c->state == CONN_HEAD)
            conn_close(c);
    }
}
static void take_results(struct worker *w)
{
    struct store_done done[DONE_AT_ONCE];
    size_t n;
    if (!w->store)
        return;
    do {
        n = store_client_take(w->store, done, DONE_AT_ONCE);
        for (size_t i = 0; i < n; i++)
            if (done[i].context)
                answer_committed(done[i].context, done[i].is_durable);
    } while (n == DONE_AT_ONCE);
}
static void look_around(struct worker *w)
{
    struct generation *g = atomic_exchange(&w->next, NULL);
    if (g)
        adopt(w, g);
    if (!w->is_stopping && atomic_load(&w->stop_asked))
        stop(w);
}
static void on_wake(evutil_socket_t fd, short what, void *context)
{
    struct worker *w = context;
    uint64_t n;
    (void)what;
    ssize_t got = read(fd, &n, sizeof n);
    (void)got;
    set_now(w);
    take_results(w);
    look_around(w);
    worker_turn_end(w);
}
static void on_tick(evutil_socket_t fd, short what, void *context)
{
    struct worker *w = context;
    (void)fd, (void)what;
    set_now(w);
    look_around(w);
    if (w->is_listening_paused) {
        w->is_listening_paused = false;
        for (struct listening *l = w->listening; l; l = l->next)
            if (l->fd >= 0)
                event_add(&l->ev, NULL);
    }
    for (struct conn *c = w->conns, *next; c; c = next) {
        next = c->next;
        conn_tick(c);
    }
    if (w->is_stopping && w->now_ms > w->stop_ms)
        while (w->conns)
            conn_reset(w->conns);
    upstream_tick(w->pool, w->now_ms); /* ends the turn */
}

void worker_wake(struct worker *w)
{
    uint64_t one = 1;
    ssize_t n = write(w->wake_fd, &one, sizeof one);
    (void)n;
}
static void wake_from_store(void *context)
{
    worker_wake(context);
}

struct worker *worker_new(struct server *s, unsigned index, struct generation *g)
{
    struct worker *w = calloc(1, sizeof *w);
    must(w != NULL);
    w->server = s;
    w->index = index;
    struct event_config *c = event_config_new();
    must(c != NULL);
    /* No changelist: it would take a descriptor out of epoll after its close, when another thread may have it; and registrations here last as long as connections. */
    event_config_set_flag(c, EVENT_BASE_FLAG_NOLOCK);
    w->base = event_base_new_with_config(c);
    event_config_free(c);
    must(w->base != NULL);
    w->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    must(w->wake_fd >= 0);
    w->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    w->metrics = calloc(1, sizeof *w->metrics);
    w->read_buffer = malloc(READ_BYTES);
    must(w->metrics && w->read_buffer);
    w->observations = observations_new();
    worker_digests(w);
    uint8_t key[16];
    must(getrandom(key, sizeof key, 0) == sizeof key);
    w->quiet = quiet_new(key);
    w->pool = upstream_pool_new(w->base, after_upstreams, w);
    if (server_store(s))
        w->store = store_client_new(server_store(s), wake_from_store, w);
    set_now(w);
    event_assign(&w->wake_ev, w->base, w->wake_fd, EV_READ | EV_PERSIST, on_wake, w);
    event_add(&w->wake_ev, NULL);
    event_assign(&w->tick_ev, w->base, -1, EV_PERSIST, on_tick, w);
    struct timeval every = { 0, TICK_MS * 1000 };
    event_add(&w->tick_ev, &every);
    adopt(w, g);
    return w;
}
void *worker_run(void *worker)
{
    struct worker *w = worker;
    pthread_setname_np(pthread_self(), "worker");
    event_base_dispatch(w->base);
    atomic_store(&w->is_done, true);
    return NULL;
}
void worker_free(struct worker *w)
{
    while (w->conns)
        conn_close(w->conns);
    while (w->dead) {
        struct conn *c = w->dead;
        w->dead = c->next;
        conn_reap(c);
    }
    while (w->ended) {
        struct exchange *x = w->ended;
        w->ended = x->next_ended;
        exchange_free(x);
    }
    while (w->narenas)
        arena_free(w->arenas[--w->narenas]);
    upstream_pool_free(w->pool);
    quiet_free(w->quiet);
    for (struct listening *l = w->listening, *next; l; l = next) {
        next = l->next;
        listening_close(l);
        free((char *)(uintptr_t)l->host.at);
        free(l);
    }
    struct generation *g = atomic_exchange(&w->next, NULL);
    if (g)
        generation_release(g);
    if (w->now) {
        w->now->users = 0;
        hold_end(w->now);
    }
    if (w->store)
        store_client_free(w->store);
    observations_free(w->observations);
    worker_digests_free(w);
    event_del(&w->wake_ev);
    event_del(&w->tick_ev);
    event_base_free(w->base);
    close(w->wake_fd);
    if (w->reserve_fd >= 0)
        close(w->reserve_fd);
    free(w->metrics);
    free(w->read_buffer);
    free(w);
}
