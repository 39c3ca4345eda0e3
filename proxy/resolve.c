/* SPDX-License-Identifier: Apache-2.0
 * A lookup is handed from the loop to its thread and back as a whole: no field of it is ever touched by both at once. What they share is
 * the desk, where done lookups are laid down under a mutex; it lives until the resolver and the last thread have left it, since a
 * thread inside getaddrinfo cannot be called back. */
#include "proxy/resolve.h"
#include "base/must.h"
#include <arpa/inet.h>
#include <event2/event_struct.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct lookup {
    struct lookup *next;
    struct desk *desk;
    void *asker;
    char host[256], port[8];
    struct addresses found;
    int error; /* of getaddrinfo */
};
struct desk {
    pthread_mutex_t lock;
    struct lookup *done;
    unsigned users;  /* threads, and the resolver */
    bool is_left;    /* nobody waits any more */
    int wake_fd;
};
struct resolver {
    struct desk *desk;
    struct event wake;
    struct lookup *waiting, **waiting_end;
    unsigned running;
    void (*done)(void *, const struct addresses *, const char *);
    void (*after_turn)(void *);
    void *context;
};

bool address_literal(struct span host, unsigned port, struct addresses *out)
{
    char text[INET6_ADDRSTRLEN];
    struct address *a = &out->at[0];
    if (!host.len || host.len >= sizeof text)
        return false;
    if (span_is_nocase(host, "localhost")) { /* RFC 6761 6.3: without asking, since a small machine may have no /etc/hosts */
        *out = (struct addresses){ .n = 2 };
        a[0].to.v6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port), .sin6_addr = IN6ADDR_LOOPBACK_INIT };
        a[0].len = sizeof a->to.v6;
        a[1].to.v4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = { htonl(INADDR_LOOPBACK) } };
        a[1].len = sizeof a->to.v4;
        return true;
    }
    memcpy(text, host.at, host.len);
    text[host.len] = 0;
    memset(a, 0, sizeof *a);
    out->n = 1;
    if (inet_pton(AF_INET, text, &a->to.v4.sin_addr) == 1) {
        a->to.v4.sin_family = AF_INET;
        a->to.v4.sin_port = htons((uint16_t)port);
        a->len = sizeof a->to.v4;
        return true;
    }
    memset(a, 0, sizeof *a);
    if (inet_pton(AF_INET6, text, &a->to.v6.sin6_addr) == 1) {
        a->to.v6.sin6_family = AF_INET6;
        a->to.v6.sin6_port = htons((uint16_t)port);
        a->len = sizeof a->to.v6;
        return true;
    }
    out->n = 0;
    return false;
}

/* The families in turn, beginning with the one that the system prefers; else ten dead addresses of one would come before the other. */
static void interleave(const struct addrinfo *list, struct addresses *out)
{
    const struct addrinfo *of[2] = { list, list };
    int first = list ? list->ai_family : AF_INET, family[2] = { first, first == AF_INET6 ? AF_INET : AF_INET6 };
    for (unsigned turn = 0; out->n < ADDRESSES_MOST && (of[0] || of[1]); turn ^= 1) {
        const struct addrinfo *a = of[turn];
        while (a && (a->ai_family != family[turn] || a->ai_addrlen > sizeof out->at[0].to))
            a = a->ai_next;
        of[turn] = a ? a->ai_next : NULL;
        if (!a)
            continue;
        struct address *to = &out->at[out->n++];
        memset(to, 0, sizeof *to);
        memcpy(&to->to, a->ai_addr, a->ai_addrlen);
        to->len = a->ai_addrlen;
    }
}

static void desk_leave(struct desk *d, bool is_resolver)
{
    d->is_left |= is_resolver;
    bool is_last = --d->users == 0;
    pthread_mutex_unlock(&d->lock);
    if (!is_last)
        return;
    for (struct lookup *l = d->done, *next; l; l = next) {
        next = l->next;
        free(l);
    }
    close(d->wake_fd);
    pthread_mutex_destroy(&d->lock);
    free(d);
}
static void *look_up(void *p)
{
    struct lookup *l = p;
    struct desk *d = l->desk;
    struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV }, *list = NULL;
    l->error = getaddrinfo(l->host, l->port, &hints, &list);
    if (!l->error) {
        interleave(list, &l->found);
        freeaddrinfo(list);
    }
    pthread_mutex_lock(&d->lock);
    l->next = d->done;
    d->done = l;
    if (!d->is_left) {
        uint64_t one = 1;
        ssize_t n = write(d->wake_fd, &one, sizeof one);
        (void)n;
    }
    desk_leave(d, false);
    return NULL;
}

static void begin(struct resolver *r)
{
    while (r->waiting && r->running < LOOKUPS_MOST) {
        struct lookup *l = r->waiting;
        r->waiting = l->next;
        if (!r->waiting)
            r->waiting_end = &r->waiting;
        pthread_t thread;
        pthread_attr_t detached;
        sigset_t all, before;
        pthread_attr_init(&detached);
        pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
        sigfillset(&all);
        pthread_sigmask(SIG_BLOCK, &all, &before); /* signals are the control thread's */
        pthread_mutex_lock(&r->desk->lock);
        r->desk->users++;
        bool ok = pthread_create(&thread, &detached, look_up, l) == 0;
        if (!ok) { /* no thread to be had: done already, without an answer */
            uint64_t one = 1;
            l->error = EAI_SYSTEM;
            l->next = r->desk->done;
            r->desk->done = l;
            r->desk->users--;
            ssize_t n = write(r->desk->wake_fd, &one, sizeof one);
            (void)n;
        }
        pthread_mutex_unlock(&r->desk->lock);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        pthread_attr_destroy(&detached);
        r->running++;
    }
}
static void on_wake(evutil_socket_t fd, short what, void *context)
{
    struct resolver *r = context;
    uint64_t n;
    (void)what;
    ssize_t got = read(fd, &n, sizeof n);
    (void)got;
    pthread_mutex_lock(&r->desk->lock);
    struct lookup *done = r->desk->done;
    r->desk->done = NULL;
    pthread_mutex_unlock(&r->desk->lock);
    for (struct lookup *l = done, *next; l; l = next) {
        next = l->next;
        r->running--;
        r->done(l->asker, &l->found, l->error ? gai_strerror(l->error) : l->found.n ? "" : "it has no address");
        free(l);
    }
    begin(r);
    r->after_turn(r->context);
}

struct resolver *resolver_new(struct event_base *base, void (*done)(void *asker, const struct addresses *a, const char *why), void (*after_turn)(void *), void *context)
{
    struct resolver *r = calloc(1, sizeof *r);
    must(r != NULL);
    r->desk = calloc(1, sizeof *r->desk);
    must(r->desk != NULL);
    pthread_mutex_init(&r->desk->lock, NULL);
    r->desk->users = 1;
    r->desk->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    must(r->desk->wake_fd >= 0);
    r->waiting_end = &r->waiting;
    r->done = done;
    r->after_turn = after_turn;
    r->context = context;
    event_assign(&r->wake, base, r->desk->wake_fd, EV_READ | EV_PERSIST, on_wake, r);
    event_add(&r->wake, NULL);
    return r;
}
void resolver_free(struct resolver *r)
{
    if (!r)
        return;
    event_del(&r->wake);
    for (struct lookup *l = r->waiting, *next; l; l = next) {
        next = l->next;
        free(l);
    }
    pthread_mutex_lock(&r->desk->lock);
    desk_leave(r->desk, true);
    free(r);
}
void resolver_ask(struct resolver *r, struct span host, unsigned port, void *asker)
{
    struct lookup *l = calloc(1, sizeof *l);
    must(l != NULL && host.len < sizeof l->host);
    memcpy(l->host, host.at, host.len);
    snprintf(l->port, sizeof l->port, "%u", port & 0xffff);
    l->desk = r->desk;
    l->asker = asker;
    *r->waiting_end = l;
    r->waiting_end = &l->next;
    begin(r);
}
