/* SPDX-License-Identifier: Apache-2.0
 * A client's connection: bytes in go to its protocol (h1.c or h2.c), what that says goes out with one write a turn.
 *
 * An empty connection holds no buffers: reads go into the worker's shared buffer and only what is left over is kept.
 * In clear the socket is used as it is; with TLS each read and write goes through the session, and the greeting (handshake) has the time
 * of a head. LINGER reads and drops what the client still sends, so that a reset does not destroy the refusal on its way.
 * A client that closes (or half-closes: no SDK does) is taken as gone. */
#include "proxy/worker.h"
#include "base/must.h"
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static void on_read(evutil_socket_t fd, short what, void *context);
static void on_write(evutil_socket_t fd, short what, void *context);

static void conn_new(struct listening *l, int fd)
{
    struct worker *w = l->w;
    struct conn *c = calloc(1, sizeof *c);
    must(c != NULL);
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (l->l && l->l->tls) {
        c->tls = tls_hold(l->l->tls);
        c->ssl = tls_accept(c->tls, fd);
        c->is_tls_broken = !c->ssl; /* no memory: closed at its first byte */
    }
    c->w = w;
    c->on = l;
    c->fd = fd;
    c->is_reading = true;
    c->one = (struct client){ .ops = &h1_client, .conn = c, .unsent_most = OUT_HIGH };
    c->next = w->conns;
    if (w->conns)
        w->conns->previous = c;
    w->conns = c;
    w->nconns++;
    event_assign(&c->read_ev, w->base, fd, EV_READ | EV_PERSIST, on_read, c);
    event_assign(&c->write_ev, w->base, fd, EV_WRITE, on_write, c);
    event_add(&c->read_ev, NULL);
    c->deadline_ms = conn_in_ms(c, conn_limits(c)->head_ms);
    count(&w->metrics->connections_accepted, 1);
    count(&w->metrics->connections_open, 1);
}

static void turn_away(struct listening *l, int fd)
{
    static const char full[] = "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\nconnection: close\r\nx-vigie-error: overload\r\n"
                               "content-length: 84\r\n\r\n{\"type\":\"about:blank\",\"title\":\"vigie has no more connections to give\",\"status\":503}\n";
    if (!l->l || !l->l->tls) { /* over TLS it would be no word, but noise */
        ssize_t n = send(fd, full, sizeof full - 1, MSG_NOSIGNAL);
        (void)n;
    }
    close(fd);
}
void conn_accept(struct listening *l)
{
    struct worker *w = l->w;
    for (int i = 0; i < 64; i++) {
        int fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            if (w->nconns >= w->conns_most) {
                turn_away(l, fd);
                continue;
            }
            conn_new(l, fd);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE) {
            /* No descriptors: take one client off the queue with the reserve and turn it away, then rest until the next tick,
             * since a level-triggered listener would spin. */
            if (w->reserve_fd >= 0) {
                close(w->reserve_fd);
                fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
                if (fd >= 0)
                    turn_away(l, fd);
                w->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
            }
            if (!w->is_listening_paused) {
                w->is_listening_paused = true;
                for (struct listening *x = w->listening; x; x = x->next)
                    if (x->fd >= 0)
                        event_del(&x->ev);
                LOG(LOG_WARN, "descriptors_exhausted", L_NUM("worker", w->index), L_NUM("connections", w->nconns));
            }
        }
        return;
    }
}

void conn_dirty(struct conn *c)
{
    if (c->is_dirty)
        return;
    c->is_dirty = true;
    c->next_dirty = c->w->dirty;
    c->w->dirty = c;
}

void conn_reading(struct conn *c, bool wanted)
{
    if (c->is_reading == wanted || c->state == CONN_DEAD)
        return;
    c->is_reading = wanted;
    event_del(&c->read_ev);
    event_assign(&c->read_ev, c->w->base, c->fd, (short)((wanted ? EV_READ : EV_CLOSED) | EV_PERSIST), on_read, c);
    event_add(&c->read_ev, NULL);
    if (wanted && c->ssl && (SSL_has_pending(c->ssl) || SSL_get_shutdown(c->ssl) & SSL_RECEIVED_SHUTDOWN))
        event_active(&c->read_ev, EV_READ, 1); /* read from the socket already: it will not say so again */
}

void conn_close(struct conn *c)
{
    if (c->state == CONN_DEAD)
        return;
    struct exchange *x = c->one.x;
    c->state = CONN_DEAD;
    c->one.x = NULL;
    event_del(&c->read_ev);
    event_del(&c->write_ev);
    if (c->ssl) {
        /* A goodbye says that all was said: never after a cut. */
        if (!c->is_tls_broken && !x && !conn_unsent(c))
            tls_goodbye(c->ssl);
        SSL_free(c->ssl);
        c->ssl = NULL;
    }
    close(c->fd);
    c->fd = -1;
    if (c->previous)
        c->previous->next = c->next;
    else
        c->w->conns = c->next;
    if (c->next)
        c->next->previous = c->previous;
    c->previous = NULL;
    c->next = c->w->dead;
    c->w->dead = c;
    c->w->nconns--;
    count(&c->w->metrics->connections_open, (uint64_t)-1);
    if (x)
        exchange_client_gone(x);
    if (c->h2)
        h2_gone(c);
}
void conn_reset(struct conn *c)
{
    struct linger hard = { 1, 0 };
    if (c->state == CONN_DEAD)
        return;
    conn_flush(c);
    if (c->state == CONN_DEAD)
        return;
    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    c->is_tls_broken = true;
    conn_close(c);
}
void conn_reap(struct conn *c)
{
    h2_free(c);
    buf_free(&c->in);
    buf_free(&c->out);
    arena_free(c->arena);
    tls_release(c->tls);
    free((char *)(uintptr_t)c->client_name.at);
    free(c);
}

static void when_writable(struct conn *c)
{
    if (!event_pending(&c->write_ev, EV_WRITE, NULL))
        event_add(&c->write_ev, NULL);
}
/* As send: -1 and errno. */
static ssize_t tls_send(struct conn *c)
{
    ssize_t n = c->is_greeted && !c->is_tls_broken ? tls_write(c->ssl, c->out.bytes + c->out_at, conn_unsent(c)) : c->is_tls_broken ? TLS_BROKEN : TLS_AGAIN;
    if (n > 0)
        return n;
    c->is_tls_broken |= n == TLS_BROKEN;
    errno = n == TLS_BROKEN ? EPIPE : EAGAIN;
    return -1;
}
bool conn_flush(struct conn *c)
{
    struct worker *w = c->w;
    /* An answer that came whole before any of it left goes out whole when its record is safe: one send instead of two, and until then it can still be refused. */
    if (c->is_answer_unsent && c->one.x && c->one.x->state == X_COMMIT && !c->one.x->is_committed)
        return true;
    if (c->h2)
        h2_fill(c);
    while (c->state != CONN_DEAD && conn_unsent(c)) {
        ssize_t n = c->tls ? tls_send(c) : send(c->fd, c->out.bytes + c->out_at, conn_unsent(c), MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            when_writable(c);
            if (c->out_at > OUT_LOW) {
                buf_drop(&c->out, c->out_at);
                c->out_at = 0;
            }
            return false;
        }
        if (n < 0) {
            conn_close(c);
            return false;
        }
        c->out_at += (size_t)n;
        c->is_answer_unsent = false;
        c->one.sent_ms = w->now_ms;
        if (c->state == CONN_ANSWER || (c->state == CONN_H2 && !c->closes_after))
            c->deadline_ms = conn_in_ms(c, conn_limits(c)->idle_ms);
        if (c->h2 && !conn_unsent(c)) {
            buf_clear(&c->out);
            c->out_at = 0;
            h2_fill(c); /* windows and room may allow more */
        }
    }
    if (c->state == CONN_DEAD)
        return false;
    c->out_at = 0;
    if (c->out.room > 16 * 1024)
        buf_free(&c->out);
    else
        buf_clear(&c->out);
    if (c->closes_after && !c->one.x && c->state != CONN_LINGER) {
        if (c->ssl && tls_goodbye(c->ssl) == TLS_WRITE) {
            when_writable(c);
            return false;
        }
        shutdown(c->fd, SHUT_WR);
        c->state = CONN_LINGER;
        c->deadline_ms = conn_in_ms(c, LINGER_MS);
        buf_free(&c->in);
        conn_reading(c, true);
    }
    if (c->one.x && conn_unsent(c) < OUT_LOW)
        exchange_room(c->one.x);
    if ((c->state == CONN_HEAD && !c->in.len) || c->state == CONN_H2)
        conn_reading(c, true);
    return true;
}

void conn_process(struct conn *c)
{
    struct span in = buf_span(&c->in);
    size_t had = in.len;
    h1_read(c, &in);
    if (c->state == CONN_DEAD)
        return;
    buf_drop(&c->in, had - in.len);
    if (!c->in.len)
        buf_free(&c->in);
    conn_reading(c, h1_wants_more(c));
}

static void greeted(struct conn *c)
{
    struct arena *a = worker_arena(c->w);
    struct span name = tls_client_name(c->ssl, a);
    if (name.len)
        c->client_name = (struct span){ strndup(name.at, name.len), name.len };
    must(!name.len || c->client_name.at);
    arena_free(a);
    c->is_greeted = true;
    if (tls_speaks_h2(c->ssl))
        h2_begin(c);
    count(SSL_session_reused(c->ssl) ? &c->w->metrics->tls_resumed : &c->w->metrics->tls_greeted, 1);
}
/* As recv: 0 when it is over, -1 and EAGAIN when there is nothing yet. */
static ssize_t tls_receive(struct conn *c)
{
    ssize_t n = TLS_BROKEN;
    c->reads_when_writable = false;
    if (!c->is_tls_broken && !c->is_greeted && (n = tls_handshake(c->ssl)) == 1)
        greeted(c);
    else if (!c->is_greeted && n == TLS_BROKEN)
        count(&c->w->metrics->tls_failed, 1);
    if (c->is_greeted && !c->is_tls_broken)
        n = tls_read(c->ssl, c->w->read_buffer, READ_BYTES);
    if (n == TLS_WRITE) {
        c->reads_when_writable = true;
        when_writable(c);
    } else if (n == TLS_BROKEN) {
        c->is_tls_broken = true;
    } else if (n > 0 && ((n == READ_BYTES && SSL_has_pending(c->ssl)) || SSL_get_shutdown(c->ssl) & SSL_RECEIVED_SHUTDOWN)) {
        event_active(&c->read_ev, EV_READ, 1); /* more of it is here, and the socket will not say so */
    }
    if (n == TLS_WRITE || n == TLS_AGAIN) {
        errno = EAGAIN;
        return -1;
    }
    return n < 0 ? 0 : n;
}

static void on_read(evutil_socket_t fd, short what, void *context)
{
    struct conn *c = context;
    struct worker *w = c->w;
    (void)fd;
    if (what & EV_CLOSED) {
        conn_close(c);
        worker_turn_end(w);
        return;
    }
    ssize_t n = c->tls ? tls_receive(c) : recv(c->fd, w->read_buffer, READ_BYTES, 0);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
        if (c->is_dirty) /* the greeting is done, and HTTP/2 begins with our settings */
            worker_turn_end(w);
        return;
    }
    if (n <= 0) {
        conn_close(c);
    } else if (c->state == CONN_H2) {
        h2_read(c, (struct span){ w->read_buffer, (size_t)n });
        conn_reading(c, conn_unsent(c) < H2_FILL);
    } else if (c->in.len) {
        buf_add(&c->in, (struct span){ w->read_buffer, (size_t)n });
        conn_process(c);
    } else {
        struct span in = { w->read_buffer, (size_t)n };
        h1_read(c, &in);
        if (c->state != CONN_DEAD && in.len) {
            buf_add(&c->in, in);
            conn_reading(c, h1_wants_more(c));
        }
    }
    worker_turn_end(w);
}
static void on_write(evutil_socket_t fd, short what, void *context)
{
    struct conn *c = context;
    (void)fd, (void)what;
    if (c->tls && (!c->is_greeted || c->reads_when_writable)) {
        on_read(c->fd, EV_READ, c);
        return;
    }
    conn_dirty(c);
    worker_turn_end(c->w);
}

/* A byte now and then must not hold a connection for as long as a body may be: the pause is bounded, and the pace over all. */
uint64_t conn_pace(const struct conn *c, struct pace *p, size_t n)
{
    const struct limits *l = conn_limits(c);
    if (!p->since_ms)
        *p = (struct pace){ .since_ms = c->w->now_ms };
    p->bytes += n;
    uint64_t pause = c->w->now_ms + l->head_ms, due = pause;
    if (l->body_rate)
        due = p->since_ms + l->head_ms + p->bytes / l->body_rate * 1000 + p->bytes % l->body_rate * 1000 / l->body_rate;
    return due < pause ? due : pause;
}

void conn_tick(struct conn *c)
{
    struct exchange *x = c->one.x;
    if (c->state == CONN_H2) {
        h2_tick(c);
        return;
    }
    if (x)
        exchange_tick(x);
    if (c->state == CONN_DEAD || !c->deadline_ms || c->w->now_ms < c->deadline_ms)
        return;
    x = c->one.x;
    if ((c->state == CONN_ANSWER && !conn_unsent(c)) || (c->state == CONN_BODY && x && exchange_is_full(x))) {
        c->deadline_ms = 0; /* it is the upstream's turn; its own limits hold */
    } else if ((c->state == CONN_HEAD && c->in.len) || (c->state == CONN_BODY && x && !x->is_head_sent)) {
        if (x)
            exchange_refuse(x, 408, "request_timeout", "the request did not arrive in time", NULL, false);
        else
            h1_refuse(c, 408, "request_timeout", "the request did not arrive in time");
    } else {
        conn_close(c);
    }
}
