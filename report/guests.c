/* SPDX-License-Identifier: Apache-2.0
 * Connections of the admin surface, bounded. A bufferevent is kept alive by a reference of ours; evhttp has let go of it once its callbacks are gone,
 * and closes the socket itself (so it must not be made with BEV_OPT_CLOSE_ON_FREE: ours would hold it open). */
#include "report/guests.h"
#include "base/must.h"
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

enum doing { ARRIVES, TAKES, IDLES, LISTENS };
struct guest {
    struct bufferevent *bev;           /* NULL: a free place */
    enum doing doing;
    bool is_seated;                    /* evhttp has put its callbacks on it */
    bool is_shown_out;
    int64_t since_ms;
};
/* More than GUESTS_MOST: all that wait at the listener may come in one turn of the loop, before those shown out for them have left. */
enum { SEATS = GUESTS_MOST + 130 };
struct guests {
    struct evhttp_bound_socket *socket;
    struct guest list[SEATS];
    bool is_closed;                    /* the door: full of those who are being answered */
};

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}
static unsigned sweep(struct guests *g)
{
    unsigned n = 0;
    for (int i = 0; i < SEATS; i++) {
        struct guest *x = &g->list[i];
        bufferevent_data_cb read = NULL, write = NULL;
        bufferevent_event_cb event = NULL;
        void *context;
        if (!x->bev)
            continue;
        bufferevent_getcb(x->bev, &read, &write, &event, &context);
        bool is_held = read || write || event;
        x->is_seated |= is_held;
        if (x->is_seated && !is_held) {
            bufferevent_decref(x->bev);
            *x = (struct guest){ 0 };
            continue;
        }
        n++;
    }
    return n;
}
/* evhttp sees an end of file and closes. */
static void show_out(struct guest *x)
{
    int fd = bufferevent_getfd(x->bev);
    x->is_shown_out = true;
    if (fd >= 0)
        shutdown(fd, SHUT_RDWR);
}
static struct bufferevent *arrive(struct event_base *base, void *context)
{
    struct guests *g = context;
    unsigned n = sweep(g);
    struct guest *seat = NULL, *oldest = NULL;
    for (int i = 0; i < SEATS; i++) {
        struct guest *x = &g->list[i];
        if (!x->bev)
            seat = seat ? seat : x;
        else if (!x->is_shown_out && (x->doing == ARRIVES || x->doing == IDLES) && (!oldest || x->since_ms < oldest->since_ms))
            oldest = x;
    }
    if (!seat)
        return NULL; /* evhttp makes one of its own; the door is closed */
    if (n + 1 > GUESTS_MOST && oldest)
        show_out(oldest);
    struct bufferevent *bev = bufferevent_socket_new(base, -1, 0);
    must(bev != NULL);
    bufferevent_incref(bev);
    *seat = (struct guest){ .bev = bev, .since_ms = now_ms() };
    if ((n + 1 > GUESTS_MOST && !oldest) || n + 1 == SEATS) {
        g->is_closed = true;
        evconnlistener_disable(evhttp_bound_socket_get_listener(g->socket));
    }
    return bev;
}
static struct guest *find(struct guests *g, struct evhttp_request *r)
{
    struct bufferevent *bev = evhttp_connection_get_bufferevent(evhttp_request_get_connection(r));
    for (int i = 0; i < SEATS; i++)
        if (bev && g->list[i].bev == bev)
            return &g->list[i];
    return NULL;
}
static void set(struct guest *x, enum doing doing)
{
    if (x)
        x->doing = doing, x->since_ms = now_ms();
}
static void answered(struct evhttp_request *r, void *context)
{
    set(find(context, r), IDLES);
}
bool guests_asks(struct guests *g, struct evhttp_request *r)
{
    size_t unsent = 0;
    set(find(g, r), TAKES);
    evhttp_request_set_on_complete_cb(r, answered, g);
    for (int i = 0; i < SEATS; i++)
        unsent += g->list[i].bev ? evbuffer_get_length(bufferevent_get_output(g->list[i].bev)) : 0;
    return unsent <= GUESTS_UNSENT_MOST;
}
void guests_stays(struct guests *g, struct evhttp_request *r)
{
    set(find(g, r), LISTENS);
}
void guests_pulse(struct guests *g)
{
    int64_t now = now_ms();
    unsigned n = sweep(g);
    for (int i = 0; i < SEATS; i++) {
        struct guest *x = &g->list[i];
        if (!x->bev || x->doing == LISTENS)
            continue;
        /* Who idles may be sending the next request a byte at a time: it is asked to arrive in the time an idle one has. */
        int64_t most = x->doing == ARRIVES ? GUEST_ARRIVE_S : x->doing == IDLES ? 2 * GUEST_ARRIVE_S : GUEST_TAKE_S;
        if (now - x->since_ms > most * 1000)
            show_out(x);
    }
    if (g->is_closed && n < GUESTS_MOST) {
        g->is_closed = false;
        evconnlistener_enable(evhttp_bound_socket_get_listener(g->socket));
    }
}
struct guests *guests_new(struct evhttp *http, struct evhttp_bound_socket *socket)
{
    struct guests *g = calloc(1, sizeof *g);
    must(g != NULL);
    g->socket = socket;
    evhttp_set_bevcb(http, arrive, g);
    return g;
}
void guests_free(struct guests *g)
{
    if (!g)
        return;
    for (int i = 0; i < SEATS; i++)
        if (g->list[i].bev)
            bufferevent_decref(g->list[i].bev);
    free(g);
}
