/* SPDX-License-Identifier: Apache-2.0
 * Upstreams by plain HTTP/1.1 on sockets of our own (RFC 9112): a call costs one send and as many reads as its answer comes in.
 *
 *   start ─▶ kept link ────────────────▶ head and body in one sendmsg ─▶ take_head ─▶ take_body ─▶ whole: the link is kept
 *         └▶ dial (lookup, connect) ─┘                                     └──────────┴─▶ cut, bad: the link is closed
 *
 * Answers are read into the pool's one buffer and handed on from there; a call keeps bytes only of a head that came in pieces. The request
 * is not copied but for what the socket did not take. Limits by the clock are the tick's: no timer a call.
 *
 * When a link ends before the first byte of an answer, the call goes on a fresh one if nothing of the request had left or if the link had
 * served before and the method is idempotent (RFC 9112 9.3.1), once; anything else may have been done already, and is cut. */
#include "proxy/links.h"
#include "proxy/upstream_inside.h"
#include "base/must.h"
#include "base/parse.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/uio.h>

enum { READ_ROOM = 64 * 1024, CALLS_SPARE = 256, FRAME_ROOM = 24 /* of a chunk: size, two line ends */ };

struct http_pool {
    struct links *links;
    void (*after_turn)(void *);
    void *context;
    struct call *calls, *spare;
    unsigned nspare;
    struct call *tick_next;          /* the tick's place in calls, safe from what callbacks free */
    struct arena *arena;             /* the head being read */
    struct buf request;              /* the head being said */
    char *bytes;                     /* READ_ROOM: what was read last */
};
struct call {
    struct upstream_call door;
    struct http_pool *pool;
    struct call *next, *previous;
    const struct upstream_callbacks *cb;
    void *context;
    struct upstream_request request; /* said again on a fresh link */
    struct place *place;
    struct link *link;               /* NULL: dialling, or over */
    struct dial *dial;
    uint64_t connect_ms, first_byte_ms, between_ms, connect_deadline_ms, deadline_ms; /* deadlines: 0 none */
    bool is_inside;                  /* a callback may be on the stack: what is over is freed behind it */
    bool is_over, is_head_request, is_paused;
    /* the request */
    bool has_sent;                   /* bytes of it left */
    bool is_out_ended;               /* all of it is in out and rest, or gone */
    bool is_deaf;                    /* the upstream takes no more; it may still answer */
    bool is_again;                   /* this is the second link: no third */
    bool owes_room;                  /* upstream_write took less than it was given */
    struct buf out;                  /* what the socket did not take of the head and of a streaming body */
    size_t out_at;
    struct span rest;                /* … and of a body that is held */
    /* the answer */
    bool has_head, is_keep_alive, is_body_done;
    enum http_framing framing;
    uint64_t left, rest_ms;
    unsigned interims;
    struct buf head;                 /* a head that came in pieces */
    size_t scanned;
    struct http_chunks chunks;
    struct buf trailers;
};

static struct call *call_of(struct upstream_call *u)
{
    return (struct call *)u;
}
static uint64_t in_ms(uint64_t ms)
{
    return ms ? coarse_ms() + ms : 0;
}
/* What follows n bytes of s; s may be nothing at all. */
static struct span after(struct span s, size_t n)
{
    return n ? span_cut(s, n, s.len) : s;
}
static size_t unsent(const struct call *u)
{
    return u->out.len - u->out_at + u->rest.len;
}

/* ---- life of a call ---- */

static struct call *call_new(struct http_pool *p)
{
    struct call *u = p->spare;
    if (u) {
        p->spare = u->next;
        p->nspare--;
    } else {
        u = malloc(sizeof *u);
        must(u != NULL);
    }
    memset(u, 0, sizeof *u);
    u->door.client = &upstream_http;
    u->pool = p;
    u->out.cap = UPSTREAM_WRITE_ROOM + UPSTREAM_HEAD_MOST;
    u->head.cap = UPSTREAM_HEAD_MOST + READ_ROOM;
    u->trailers.cap = UPSTREAM_TRAILERS_MOST;
    u->chunks.trailers = &u->trailers;
    u->next = p->calls;
    if (p->calls)
        p->calls->previous = u;
    p->calls = u;
    return u;
}
static void call_free(struct call *u)
{
    struct http_pool *p = u->pool;
    if (p->tick_next == u)
        p->tick_next = u->next;
    if (u->previous)
        u->previous->next = u->next;
    else
        p->calls = u->next;
    if (u->next)
        u->next->previous = u->previous;
    buf_free(&u->out);
    buf_free(&u->head);
    buf_free(&u->trailers);
    place_drop(u->place);
    if (p->nspare == CALLS_SPARE) {
        free(u);
        return;
    }
    u->next = p->spare;
    p->spare = u;
    p->nspare++;
}
static void let_go(struct call *u)
{
    if (u->link)
        link_close(u->link);
    if (u->dial)
        dial_cancel(u->dial);
    u->link = NULL;
    u->dial = NULL;
}
/* Work on a call from the loop stands between these two. */
static void enter(struct call *u)
{
    u->is_inside = true;
}
static void leave(struct call *u)
{
    u->is_inside = false;
    if (u->is_over)
        call_free(u);
}
static void end(struct call *u, enum upstream_end how, const char *why)
{
    let_go(u);
    u->is_over = true;
    u->cb->on_end(u->context, how, buf_span(&u->trailers), why);
}
static void end_whole(struct call *u, size_t strays)
{
    struct link *l = u->link;
    /* What stands behind an answer belongs to nobody; and a request that is not out would go on inside the next one. */
    if (u->is_keep_alive && !strays && u->is_out_ended && !u->is_deaf && !unsent(u)) {
        u->link = NULL;
        link_keep(l, u->rest_ms, coarse_ms());
    }
    end(u, UPSTREAM_WHOLE, "");
}

/* ---- the request ---- */

static char *put(char *to, struct span s)
{
    if (s.len)
        memcpy(to, s.at, s.len);
    return to + s.len;
}
/* The head into the pool's buffer. false: longer than can be said. */
static bool say_head(struct call *u)
{
    const struct upstream_request *r = &u->request;
    struct buf *b = &u->pool->request;
    char framing[64];
    int n = 0;
    if (r->streams_body && !r->is_length_known)
        n = snprintf(framing, sizeof framing, "transfer-encoding: chunked\r\n");
    else if (r->streams_body || r->has_body)
        n = snprintf(framing, sizeof framing, "content-length: %llu\r\n", (unsigned long long)(r->streams_body ? r->length : r->body.len));
    size_t room = r->method.len + r->target.len + u->place->authority.len + (size_t)n + 32;
    for (size_t i = 0; i < r->nfields; i++)
        room += r->fields[i].name.len + r->fields[i].value.len + 4;
    buf_clear(b);
    char *to = buf_reserve(b, room);
    if (!to)
        return false;
    to = put(to, r->method);
    *to++ = ' ';
    to = put(to, r->target);
    to = put(to, SPAN(" HTTP/1.1\r\nHost: "));
    to = put(to, u->place->authority);
    to = put(to, SPAN("\r\n"));
    for (size_t i = 0; i < r->nfields; i++) {
        to = put(to, r->fields[i].name);
        to = put(to, r->fields[i].value.len ? SPAN(": ") : SPAN(":"));
        to = put(to, r->fields[i].value);
        to = put(to, SPAN("\r\n"));
    }
    to = put(to, (struct span){ framing, (size_t)n });
    to = put(to, SPAN("\r\n"));
    b->len = (size_t)(to - b->bytes);
    return true;
}
/* What of the parts the socket took: 0 when it has no room. -1: it takes no more. */
static ssize_t send_parts(struct call *u, const struct span *parts, size_t n)
{
    struct iovec v[3];
    struct msghdr m = { .msg_iov = v };
    for (size_t i = 0; i < n; i++)
        if (parts[i].len)
            v[m.msg_iovlen++] = (struct iovec){ (void *)(uintptr_t)parts[i].at, parts[i].len };
    if (!m.msg_iovlen)
        return 0;
    ssize_t sent;
    do
        sent = m.msg_iovlen == 1 ? send(u->link->fd, v[0].iov_base, v[0].iov_len, MSG_NOSIGNAL) : sendmsg(u->link->fd, &m, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS))
        return 0;
    u->has_sent |= sent > 0;
    return sent;
}
static void keep_unsent(struct call *u, struct span part, size_t *sent)
{
    size_t n = *sent < part.len ? *sent : part.len;
    *sent -= n;
    if (n < part.len)
        buf_add(&u->out, span_cut(part, n, part.len));
}
/* The upstream takes no more. It may have answered all the same, before it closed: the reader will find out. */
static void go_deaf(struct call *u)
{
    u->is_deaf = true;
    buf_free(&u->out);
    u->out_at = 0;
    u->rest = (struct span){ 0 };
}
/* The first send on a link: head and what there is of the body. false: nothing left, the link is useless. */
static bool begin(struct call *u)
{
    struct span early = after(buf_span(&u->out), u->out_at); /* of a streaming body, written while we dialled */
    must(say_head(u)); /* start saw that it can be said */
    struct span parts[3] = { buf_span(&u->pool->request), early, u->rest };
    ssize_t n = send_parts(u, parts, 3);
    if (n < 0)
        return false;
    size_t sent = (size_t)n;
    if (sent >= parts[0].len) {
        size_t more = sent - parts[0].len, of_early = more < early.len ? more : early.len;
        u->out_at += of_early;
        u->rest = after(u->rest, more - of_early);
    } else {
        struct buf all = { .cap = u->out.cap };
        buf_add(&all, span_cut(parts[0], sent, parts[0].len));
        buf_add(&all, early);
        must(!all.failed);
        buf_free(&u->out);
        u->out = all;
        u->out_at = 0;
    }
    if (unsent(u)) {
        link_want_write(u->link);
    } else {
        buf_free(&u->out);
        u->out_at = 0;
    }
    return true;
}
/* All that a streaming body gave so far is gone: it is the client's turn. */
static void drained(struct call *u)
{
    if (!u->has_head)
        u->deadline_ms = 0;
    if (u->owes_room) {
        u->owes_room = false;
        u->cb->on_writable(u->context);
    }
}
/* There is room again. */
static void push(struct call *u)
{
    if (u->is_deaf)
        return;
    struct span parts[2] = { after(buf_span(&u->out), u->out_at), u->rest };
    ssize_t n = send_parts(u, parts, 2);
    if (n < 0) {
        go_deaf(u);
    } else {
        size_t of_out = (size_t)n < parts[0].len ? (size_t)n : parts[0].len;
        u->out_at += of_out;
        u->rest = after(u->rest, (size_t)n - of_out);
        if (n && !u->has_head && u->request.streams_body)
            u->deadline_ms = in_ms(u->first_byte_ms); /* it takes its time, but it takes */
    }
    if (unsent(u))
        link_want_write(u->link);
    if (u->out_at == u->out.len) {
        buf_clear(&u->out);
        u->out_at = 0;
    }
    if (!unsent(u) && !u->is_out_ended)
        drained(u);
}
/* Sends parts behind what waits, and keeps what does not leave. */
static void write_parts(struct call *u, const struct span *parts, size_t n)
{
    size_t sent = 0;
    bool waits = unsent(u) != 0;
    if (u->link && !waits) {
        ssize_t got = send_parts(u, parts, n);
        if (got < 0) {
            go_deaf(u);
            return;
        }
        sent = (size_t)got;
    }
    if (u->out_at) {
        buf_drop(&u->out, u->out_at);
        u->out_at = 0;
    }
    for (size_t i = 0; i < n; i++)
        keep_unsent(u, parts[i], &sent);
    if (u->link && !waits && unsent(u))
        link_want_write(u->link);
    if (!u->has_head && !waits)
        u->deadline_ms = unsent(u) || u->is_out_ended ? in_ms(u->first_byte_ms) : 0;
}
static size_t write_some(struct upstream_call *door, struct span data)
{
    struct call *u = call_of(door);
    size_t taken = 0;
    while (taken < data.len && !u->is_over && !u->is_deaf) {
        size_t waits = unsent(u), room = waits < UPSTREAM_WRITE_ROOM ? UPSTREAM_WRITE_ROOM - waits : 0, n = data.len - taken < room ? data.len - taken : room;
        if (!n) {
            u->owes_room = true; /* something waits, so push will come to it */
            return taken;
        }
        struct span part = span_cut(data, taken, taken + n);
        if (u->request.is_length_known) {
            write_parts(u, &part, 1);
        } else {
            char size[FRAME_ROOM];
            int digits = snprintf(size, sizeof size, "%zx\r\n", n);
            struct span parts[3] = { { size, (size_t)digits }, part, SPAN("\r\n") };
            write_parts(u, parts, 3);
        }
        taken += n;
    }
    return data.len; /* what nobody hears is taken, too */
}
static void write_end(struct upstream_call *door)
{
    struct call *u = call_of(door);
    if (u->is_out_ended)
        return;
    u->is_out_ended = true;
    if (u->is_over)
        return;
    if (!u->request.is_length_known && !u->is_deaf)
        write_parts(u, &SPAN("0\r\n\r\n"), 1);
    if (!u->has_head)
        u->deadline_ms = in_ms(u->first_byte_ms);
}

/* ---- the answer ---- */

static void bad(struct call *u, const char *why)
{
    end(u, UPSTREAM_BAD_ANSWER, why);
}
/* `Keep-Alive: timeout=5`: seconds after which the upstream closes what rests. No standard, but said by many (RFC 9112 C.2.2). */
static uint64_t rest_of(const struct http_head *h)
{
    struct span v = http_field_value(h, "keep-alive");
    const char *at = v.len ? span_find(v, SPAN("timeout=")) : NULL;
    if (!at)
        return 0;
    size_t from = (size_t)(at - v.at) + 8, to = from;
    uint32_t seconds;
    while (to < v.len && v.at[to] >= '0' && v.at[to] <= '9')
        to++;
    return parse_u32(span_cut(v, from, to), 86400, &seconds) ? seconds ? (uint64_t)seconds * 1000 : 1 : 0;
}
/* Reads heads off the front of *in. false: there is none yet, or the call is over. */
static bool take_head(struct call *u, struct span *in)
{
    struct http_pool *p = u->pool;
    static const struct http_limits limits = { .head_bytes = UPSTREAM_HEAD_MOST, .fields = UPSTREAM_FIELDS_MOST };
    bool is_kept = u->head.len > 0;
    if (is_kept) {
        if (!buf_add(&u->head, *in)) {
            bad(u, "its head is too long");
            return false;
        }
        *in = buf_span(&u->head);
    }
    while (in->len) {
        struct http_head h;
        struct http_problem problem = { 0 };
        size_t used = 0;
        arena_reset(p->arena);
        enum http_read r = http_read_answer(&h, p->arena, *in, &limits, u->is_head_request, &u->scanned, &used, &problem);
        if (r == HTTP_BAD) {
            bad(u, problem.why ? problem.why : "its head cannot be read");
            return false;
        }
        if (r == HTTP_MORE)
            break;
        u->scanned = 0;
        *in = span_cut(*in, used, in->len);
        if (h.status == 101) {
            bad(u, "it switched protocols unasked");
            return false;
        }
        if (h.status < 200) {
            if (++u->interims > UPSTREAM_INTERIM_MOST) {
                bad(u, "interim answers without end");
                return false;
            }
            if (h.status != 100 && u->cb->on_interim)
                u->cb->on_interim(u->context, &h);
            if (u->is_over)
                return false;
            continue;
        }
        u->has_head = true;
        u->framing = h.framing;
        u->left = h.length;
        u->is_keep_alive = h.is_keep_alive;
        u->rest_ms = h.is_keep_alive ? rest_of(&h) : 0;
        u->is_body_done = h.framing == HTTP_NO_BODY || (h.framing == HTTP_LENGTH && h.length == 0);
        u->deadline_ms = in_ms(u->between_ms);
        u->cb->on_head(u->context, &h);
        return !u->is_over;
    }
    if (is_kept)
        buf_drop(&u->head, u->head.len - in->len);
    else
        buf_add(&u->head, *in); /* a read of a head that is not whole: within the cap */
    return false;
}
static void take_body(struct call *u, struct span in)
{
    struct http_problem problem = { 0 };
    if (in.len && !u->is_paused)
        u->deadline_ms = in_ms(u->between_ms);
    switch (u->framing) {
    case HTTP_NO_BODY:
        break;
    case HTTP_LENGTH: {
        struct span data = span_cut(in, 0, in.len < u->left ? in.len : (size_t)u->left);
        in = span_cut(in, data.len, in.len);
        u->left -= data.len;
        u->is_body_done = u->left == 0;
        if (data.len)
            u->cb->on_body(u->context, data);
        break;
    }
    case HTTP_UNTIL_CLOSE:
        if (in.len)
            u->cb->on_body(u->context, in);
        return;
    case HTTP_CHUNKED:
        while (in.len && !u->is_body_done && !u->is_over) {
            struct span data = { 0 };
            enum http_read r = http_chunks_read(&u->chunks, &in, &data, &problem);
            if (r == HTTP_BAD) {
                bad(u, problem.why ? problem.why : "its chunks cannot be read");
                return;
            }
            u->is_body_done = r == HTTP_DONE;
            if (data.len)
                u->cb->on_body(u->context, data);
        }
        break;
    }
    if (u->is_body_done && !u->is_over)
        end_whole(u, in.len);
}

/* ---- links ---- */

static void talk(struct call *u)
{
    u->rest = !u->request.streams_body && u->request.has_body ? u->request.body : (struct span){ 0 };
    struct link *l;
    if (!u->is_again) {
        while ((l = link_take(u->place, u, coarse_ms()))) {
            u->link = l;
            if (begin(u))
                return;
            link_close(l);
            u->link = NULL;
        }
    }
    u->dial = dial_begin(u->place, u);
    u->connect_deadline_ms = in_ms(u->connect_ms);
}
/* The link has ended, in one way or another. */
static void lost(struct call *u, bool is_orderly)
{
    bool is_silent = !u->has_head && !u->interims && !u->head.len;
    if (u->has_head && u->framing == HTTP_UNTIL_CLOSE && is_orderly) {
        u->is_keep_alive = false;
        end_whole(u, 0);
        return;
    }
    bool can_repeat = !u->has_sent || (u->link->is_used && !u->request.streams_body && upstream_is_idempotent(u->request.method));
    if (is_silent && can_repeat && !u->is_again) {
        let_go(u);
        u->is_again = true;
        u->is_deaf = u->has_sent = false;
        buf_free(&u->out);
        u->out_at = 0;
        talk(u);
        return;
    }
    end(u, UPSTREAM_CUT, is_orderly ? u->has_head ? "it closed in the middle of its answer" : "it closed before it answered" : u->has_head ? "it broke the connection in the middle of its answer" : "it broke the connection before it answered");
}
static void pull(struct call *u)
{
    struct http_pool *p = u->pool;
    ssize_t n = recv(u->link->fd, p->bytes, READ_ROOM, 0);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return;
    if (n <= 0) {
        lost(u, n == 0);
        return;
    }
    struct span in = { p->bytes, (size_t)n };
    if (!u->has_head && !take_head(u, &in))
        return;
    take_body(u, in);
    if (u->head.len)
        buf_free(&u->head);
}
static void on_ready(struct link *l, short what)
{
    struct call *u = l->user;
    struct http_pool *p = u->pool;
    enter(u);
    if (what & EV_WRITE)
        push(u);
    if ((what & EV_READ) && !u->is_over && !u->is_paused)
        pull(u);
    leave(u);
    p->after_turn(p->context);
}
static void on_dialled(void *user, struct link *l, enum upstream_end how, const char *why)
{
    struct call *u = user;
    u->dial = NULL;
    u->link = l;
    u->connect_deadline_ms = 0;
    enter(u);
    if (!l)
        end(u, how, why);
    else if (!begin(u))
        end(u, UPSTREAM_UNREACHABLE, strerror(errno)); /* nothing of it left */
    else if (!u->is_out_ended && !unsent(u))
        drained(u);
    leave(u);
}

/* ---- the door ---- */

static struct upstream_call *start(void *pool, const struct upstream_request *r, const struct upstream_callbacks *cb, void *context)
{
    struct call *u = call_new(pool);
    u->cb = cb;
    u->context = context;
    u->request = *r;
    u->place = links_place(u->pool->links, r->to);
    place_hold(u->place);
    u->is_head_request = span_is(r->method, "HEAD");
    u->is_out_ended = !r->streams_body;
    u->connect_ms = r->route->limits.connect_ms;
    u->first_byte_ms = r->route->limits.first_byte_ms;
    u->between_ms = r->route->limits.between_bytes_ms;
    if (!r->streams_body)
        u->deadline_ms = in_ms(u->first_byte_ms);
    if (!say_head(u)) {
        call_free(u);
        return NULL;
    }
    talk(u);
    return &u->door;
}
static void set_paused(struct upstream_call *door, bool is_paused)
{
    struct call *u = call_of(door);
    if (u->is_paused == is_paused || u->is_over)
        return;
    u->is_paused = is_paused;
    if (u->link)
        link_watch(u->link, !is_paused);
    u->deadline_ms = is_paused ? 0 : in_ms(u->between_ms); /* while paused the silence is ours */
}
static void cancel(struct upstream_call *door)
{
    struct call *u = call_of(door);
    if (u->is_over)
        return;
    let_go(u);
    u->is_over = true;
    if (!u->is_inside)
        call_free(u);
}
static void tick(void *pool, uint64_t now_ms)
{
    struct http_pool *p = pool;
    for (struct call *u = p->calls; u; u = p->tick_next) {
        p->tick_next = u->next;
        bool is_late = u->deadline_ms && now_ms > u->deadline_ms, is_unmet = u->connect_deadline_ms && now_ms > u->connect_deadline_ms;
        if (u->is_over || (!is_late && !is_unmet))
            continue;
        enter(u);
        end(u, is_unmet ? UPSTREAM_CONNECT_TIMEOUT : UPSTREAM_TIMEOUT, is_unmet ? "no connection in time" : "it kept silent too long");
        leave(u);
    }
    p->tick_next = NULL;
    links_tick(p->links, now_ms);
}
static void *pool_new(struct event_base *base, void (*after_turn)(void *context), void *context)
{
    struct http_pool *p = calloc(1, sizeof *p);
    must(p != NULL);
    p->after_turn = after_turn;
    p->context = context;
    p->arena = arena_new(8 << 20);
    p->request.cap = UPSTREAM_HEAD_MOST;
    p->bytes = malloc(READ_ROOM);
    must(p->bytes != NULL);
    p->links = links_new(base, &(struct links_callbacks){ on_ready, on_dialled, after_turn }, context);
    return p;
}
static void pool_free(void *pool)
{
    struct http_pool *p = pool;
    while (p->calls)
        cancel(&p->calls->door);
    while (p->spare) {
        struct call *u = p->spare;
        p->spare = u->next;
        free(u);
    }
    links_free(p->links);
    arena_free(p->arena);
    buf_free(&p->request);
    free(p->bytes);
    free(p);
}

const struct upstream_client upstream_http = { pool_new, pool_free, start, write_some, write_end, set_paused, cancel, tick };
