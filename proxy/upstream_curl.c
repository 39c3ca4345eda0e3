/* SPDX-License-Identifier: Apache-2.0
 * Upstreams by libcurl's multi interface, its sockets on the worker's event loop.
 *
 * libcurl connects, resolves, does TLS and keeps the pool; the message itself is ours: the request line's target and the fields
 * go out as they came (CURLOPT_REQUEST_TARGET, our own header list), answers come raw (transfer and content decoding off) and
 * are read by proxy/http. What libcurl would add by itself (Accept, Content-Type, Expect) is taken away by empty headers. */
#include "proxy/upstream_inside.h"
#include "base/must.h"
#include <curl/curl.h>
#include <event2/event_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CURL_BUFFER = 8 * 1024, KEPT_CONNECTIONS = 1024 };

struct watched { /* one socket of libcurl's */
    struct event ev;
    curl_socket_t fd;
    short what;
    struct curl_pool *pool;
};
struct curl_pool {
    CURLM *multi;
    struct event_base *base;
    struct event timer;
    int socket_of_port[65536];       /* by local port: libcurl tells no socket before a request, only its port */
    struct { int local, remote; } ports[65536]; /* by descriptor, from its first use to its close: two system calls a connection, not a request */
    void (*after_turn)(void *);
    void *context;
    struct curl_call *calls;     /* all, for the tick */
    bool is_inside;                  /* libcurl is on the stack: cancels wait */
    struct curl_call *cancelled; /* to be taken away when it is not */
};
struct curl_call {
    struct upstream_call call;       /* what the door sees; first */
    struct curl_pool *pool;
    struct curl_call *next, *previous, *next_cancelled;
    const struct upstream_callbacks *cb;
    void *context;
    CURL *easy;
    struct arena *arena;
    struct buf head;
    size_t scanned;
    unsigned interims;
    bool is_head_request, has_head, is_cancelled, is_paused, is_body_done;
    bool is_tls, is_stale;           /* is_stale: the pool's connection held bytes of nobody's; a fresh one is made */
    bool has_sent, is_idempotent;    /* the request began to leave; it may leave twice */
    enum http_framing framing;
    uint64_t left;
    struct http_chunks chunks;
    struct buf trailers;
    const char *bad;
    /* a body that comes by upstream_write */
    struct buf out;
    size_t out_at;
    bool is_out_ended, is_out_waiting;
    uint64_t first_byte_ms, between_ms, deadline_ms;
    bool timed_out;
    char error[CURL_ERROR_SIZE];
};

static uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void call_free(struct curl_call *u)
{
    struct curl_pool *p = u->pool;
    if (u->previous)
        u->previous->next = u->next;
    else
        p->calls = u->next;
    if (u->next)
        u->next->previous = u->previous;
    curl_multi_remove_handle(p->multi, u->easy);
    curl_easy_cleanup(u->easy);
    buf_free(&u->head);
    buf_free(&u->out);
    buf_free(&u->trailers);
    arena_free(u->arena);
    free(u);
}

/* ---- what libcurl calls ---- */

static bool refuse(struct curl_call *u, const char *why)
{
    u->bad = why;
    return false;
}
static bool on_head_bytes(struct curl_call *u, struct span line)
{
    if (u->has_head)
        return true; /* trailers, which libcurl gives here too; ours are read from the raw chunks */
    if (!buf_add(&u->head, line))
        return refuse(u, "its head is too long");
    if (!(line.len == 2 && line.at[0] == '\r' && line.at[1] == '\n'))
        return line.len == 1 && line.at[0] == '\n' ? refuse(u, "its head ends with a bare LF") : true;
    struct http_head h;
    struct http_problem problem;
    struct http_limits limits = { .head_bytes = UPSTREAM_HEAD_MOST, .fields = UPSTREAM_FIELDS_MOST };
    size_t used = 0;
    u->scanned = 0;
    arena_reset(u->arena);
    if (http_read_answer(&h, u->arena, buf_span(&u->head), &limits, u->is_head_request, &u->scanned, &used, &problem) != HTTP_DONE || used != u->head.len)
        return refuse(u, problem.why ? problem.why : "its head cannot be read");
    if (h.status == 101)
        return refuse(u, "it switched protocols unasked");
    if (h.status < 200) {
        if (++u->interims > UPSTREAM_INTERIM_MOST)
            return refuse(u, "interim answers without end");
        if (h.status != 100 && u->cb->on_interim)
            u->cb->on_interim(u->context, &h);
        buf_clear(&u->head);
        return true;
    }
    u->has_head = true;
    u->framing = h.framing;
    u->left = h.length;
    u->is_body_done = h.framing == HTTP_NO_BODY || (h.framing == HTTP_LENGTH && h.length == 0);
    u->deadline_ms = u->between_ms ? now_ms() + u->between_ms : 0;
    u->cb->on_head(u->context, &h);
    buf_free(&u->head);
    return true;
}
static size_t header_callback(char *bytes, size_t size, size_t n, void *p)
{
    struct curl_call *u = p;
    if (u->is_cancelled)
        return 0;
    return on_head_bytes(u, (struct span){ bytes, size * n }) ? size * n : 0;
}
static size_t write_callback(char *bytes, size_t size, size_t n, void *p)
{
    struct curl_call *u = p;
    struct span in = { bytes, size * n };
    if (u->is_cancelled || !u->has_head)
        return 0;
    if (u->between_ms)
        u->deadline_ms = now_ms() + u->between_ms;
    switch (u->framing) {
    case HTTP_NO_BODY:
        return refuse(u, "a body where none may be") ? size * n : 0;
    case HTTP_LENGTH:
        if (in.len > u->left)
            return refuse(u, "more bytes than it announced") ? size * n : 0;
        u->left -= in.len;
        u->is_body_done = u->left == 0;
        u->cb->on_body(u->context, in);
        break;
    case HTTP_UNTIL_CLOSE:
        u->cb->on_body(u->context, in);
        break;
    case HTTP_CHUNKED:
        for (;;) {
            struct span data = { 0 };
            struct http_problem problem = { 0 };
            enum http_read r = u->is_body_done ? HTTP_BAD : http_chunks_read(&u->chunks, &in, &data, &problem);
            if (r == HTTP_BAD)
                return refuse(u, problem.why ? problem.why : "bytes after the last chunk") ? size * n : 0;
            if (data.len)
                u->cb->on_body(u->context, data);
            if (u->is_cancelled)
                return 0;
            if (r == HTTP_DONE)
                u->is_body_done = true;
            if (r == HTTP_DONE ? in.len == 0 : data.len == 0)
                break;
        }
        break;
    }
    return u->is_cancelled ? 0 : size * n;
}
static size_t read_callback(char *to, size_t size, size_t n, void *p)
{
    struct curl_call *u = p;
    size_t most = size * n, have = u->out.len - u->out_at;
    if (u->is_cancelled)
        return CURL_READFUNC_ABORT;
    if (!have) {
        if (u->is_out_ended)
            return 0;
        u->is_out_waiting = true;
        return CURL_READFUNC_PAUSE;
    }
    if (have > most)
        have = most;
    memcpy(to, u->out.bytes + u->out_at, have);
    u->out_at += have;
    if (u->out_at == u->out.len) {
        buf_clear(&u->out);
        u->out_at = 0;
        if (!u->has_head && !u->is_out_ended)
            u->deadline_ms = 0; /* it is the client's turn */
        if (!u->is_out_ended && u->cb->on_writable)
            u->cb->on_writable(u->context);
    }
    return have;
}

static int port_of(int fd, int (*name)(int, struct sockaddr *, socklen_t *))
{
    union { struct sockaddr any; struct sockaddr_in v4; struct sockaddr_in6 v6; } a = { 0 };
    socklen_t n = sizeof a;
    if (name(fd, &a.any, &n) != 0)
        return 0;
    return a.any.sa_family == AF_INET ? ntohs(a.v4.sin_port) : a.any.sa_family == AF_INET6 ? ntohs(a.v6.sin6_port) : 0;
}
/* libcurl sends again by itself when a reused connection ends without a byte. What is not idempotent may have been done already: a
 * gateway must not do it twice (RFC 9110 9.2.2), unless nothing of it had left. */
static int before_request(void *p, char *remote, char *local, int remote_port, int local_port)
{
    struct curl_call *u = p;
    long sent = 0;
    (void)remote, (void)local;
    curl_easy_getinfo(u->easy, CURLINFO_REQUEST_SIZE, &sent);
    if (u->has_sent && !u->is_idempotent && sent > 0)
        return CURL_PREREQFUNC_ABORT;
    /* Bytes that came while nobody was asked for them would be read as this request's answer: another connection, then.
     * Over TLS they may be the protocol's own (session tickets), so nothing is looked at there. */
    int fd = u->pool->socket_of_port[local_port & 0xffff];
    char byte;
    if (fd > 0 && u->pool->ports[fd].local == local_port && !u->pool->ports[fd].remote)
        u->pool->ports[fd].remote = port_of(fd, getpeername); /* it was not connected yet when it was first watched */
    if (!u->is_tls && !u->has_sent && !u->is_stale && fd > 0 && u->pool->ports[fd].local == local_port && u->pool->ports[fd].remote == remote_port
        && recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0) {
        u->is_stale = true;
        return CURL_PREREQFUNC_ABORT;
    }
    u->has_sent = true;
    return CURL_PREREQFUNC_OK;
}

/* ---- the event loop ---- */

static void finish(struct curl_call *u, CURLcode code)
{
    enum upstream_end end = UPSTREAM_WHOLE;
    if (u->is_stale && !u->has_sent && code == CURLE_ABORTED_BY_CALLBACK) {
        curl_multi_remove_handle(u->pool->multi, u->easy);
        curl_easy_setopt(u->easy, CURLOPT_FRESH_CONNECT, 1L);
        if (curl_multi_add_handle(u->pool->multi, u->easy) == CURLM_OK)
            return;
    }
    const char *why = u->error[0] ? u->error : curl_easy_strerror(code);
    double pretransfer = 0; /* > 0 once the request could leave */
    curl_easy_getinfo(u->easy, CURLINFO_PRETRANSFER_TIME, &pretransfer);
    if (u->bad) {
        end = UPSTREAM_BAD_ANSWER;
        why = u->bad;
    } else if (u->timed_out) {
        end = UPSTREAM_TIMEOUT;
        why = "it kept silent too long";
    } else if (code == CURLE_OK && u->has_head && (u->is_body_done || u->framing == HTTP_UNTIL_CLOSE)) {
        why = "";
    } else if (code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_RESOLVE_PROXY) {
        end = UPSTREAM_UNRESOLVED;
    } else if (code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_WEIRD_SERVER_REPLY) {
        end = UPSTREAM_BAD_ANSWER;
    } else if (!u->has_head && pretransfer <= 0) {
        end = code == CURLE_OPERATION_TIMEDOUT ? UPSTREAM_CONNECT_TIMEOUT : UPSTREAM_UNREACHABLE;
    } else {
        end = UPSTREAM_CUT;
    }
    if (!u->is_cancelled)
        u->cb->on_end(u->context, end, buf_span(&u->trailers), why);
    call_free(u);
}
static void reap(struct curl_pool *p)
{
    CURLMsg *m;
    int more;
    while ((m = curl_multi_info_read(p->multi, &more))) {
        struct curl_call *u = NULL;
        if (m->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&u);
        CURLcode code = m->data.result;
        if (u && !u->is_cancelled)
            finish(u, code);
    }
    while (p->cancelled) {
        struct curl_call *u = p->cancelled;
        p->cancelled = u->next_cancelled;
        call_free(u);
    }
}
static void work(struct curl_pool *p, curl_socket_t fd, int what)
{
    int running;
    p->is_inside = true;
    curl_multi_socket_action(p->multi, fd, what, &running);
    p->is_inside = false;
    reap(p);
    p->after_turn(p->context);
}
static void on_socket(evutil_socket_t fd, short what, void *context)
{
    struct watched *w = context;
    work(w->pool, fd, (what & EV_READ ? CURL_CSELECT_IN : 0) | (what & EV_WRITE ? CURL_CSELECT_OUT : 0));
}
static void on_timer(evutil_socket_t fd, short what, void *context)
{
    (void)fd, (void)what;
    work(context, CURL_SOCKET_TIMEOUT, 0);
}
static int close_callback(void *context, curl_socket_t fd)
{
    struct curl_pool *p = context;
    if (fd >= 0 && fd < 65536)
        p->ports[fd].local = p->ports[fd].remote = 0;
    return close(fd);
}
static int socket_callback(CURL *easy, curl_socket_t fd, int what, void *context, void *watched)
{
    struct curl_pool *p = context;
    struct watched *w = watched;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (w) {
            event_del(&w->ev);
            free(w);
            curl_multi_assign(p->multi, fd, NULL);
        }
        return 0;
    }
    short wanted = (short)(EV_PERSIST | (what & CURL_POLL_IN ? EV_READ : 0) | (what & CURL_POLL_OUT ? EV_WRITE : 0));
    if (!w) {
        w = calloc(1, sizeof *w);
        must(w != NULL);
        w->fd = fd;
        w->pool = p;
        if (fd >= 0 && fd < 65536 && !p->ports[fd].local) {
            p->ports[fd].local = port_of(fd, getsockname);
            p->ports[fd].remote = port_of(fd, getpeername);
            p->socket_of_port[p->ports[fd].local & 0xffff] = fd;
        }
        curl_multi_assign(p->multi, fd, w);
    } else {
        if (w->what == wanted)
            return 0;
        event_del(&w->ev);
    }
    w->what = wanted;
    event_assign(&w->ev, p->base, fd, wanted, on_socket, w);
    event_add(&w->ev, NULL);
    return 0;
}
static int timer_callback(CURLM *multi, long wait_ms, void *context)
{
    struct curl_pool *p = context;
    (void)multi;
    if (wait_ms < 0) {
        event_del(&p->timer);
    } else {
        struct timeval t = { wait_ms / 1000, (wait_ms % 1000) * 1000 };
        event_add(&p->timer, &t);
    }
    return 0;
}

static void *pool_new(struct event_base *base, void (*after_turn)(void *context), void *context)
{
    struct curl_pool *p = calloc(1, sizeof *p);
    must(p != NULL);
    p->base = base;
    p->after_turn = after_turn;
    p->context = context;
    p->multi = curl_multi_init();
    must(p->multi != NULL);
    event_assign(&p->timer, base, -1, 0, on_timer, p);
    curl_multi_setopt(p->multi, CURLMOPT_SOCKETFUNCTION, socket_callback);
    curl_multi_setopt(p->multi, CURLMOPT_SOCKETDATA, p);
    curl_multi_setopt(p->multi, CURLMOPT_TIMERFUNCTION, timer_callback);
    curl_multi_setopt(p->multi, CURLMOPT_TIMERDATA, p);
    curl_multi_setopt(p->multi, CURLMOPT_MAXCONNECTS, (long)KEPT_CONNECTIONS);
    curl_multi_setopt(p->multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
    return p;
}
static void pool_free(void *pool)
{
    struct curl_pool *p = pool;
    reap(p);
    while (p->calls)
        call_free(p->calls);
    curl_multi_cleanup(p->multi);
    event_del(&p->timer);
    free(p);
}

/* ---- a call ---- */

/* A node of the header list, built in the call's arena: libcurl only reads it. */
static void header_line(struct curl_call *u, struct curl_slist ***end, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void header_line(struct curl_call *u, struct curl_slist ***end, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct curl_slist *node = arena_alloc(u->arena, sizeof *node);
    node->data = (char *)(uintptr_t)arena_vprintf(u->arena, format, args).at;
    va_end(args);
    **end = node;
    *end = &node->next;
}

static struct upstream_call *start(void *pool, const struct upstream_request *r, const struct upstream_callbacks *cb, void *context)
{
    struct curl_pool *p = pool;
    struct curl_call *u = calloc(1, sizeof *u);
    must(u != NULL);
    u->call.client = &upstream_curl;
    u->pool = p;
    u->cb = cb;
    u->context = context;
    u->easy = curl_easy_init();
    must(u->easy != NULL);
    u->arena = arena_new(1 << 20);
    u->head.cap = UPSTREAM_HEAD_MOST;
    u->trailers.cap = UPSTREAM_TRAILERS_MOST;
    u->chunks.trailers = &u->trailers;
    u->out.cap = UPSTREAM_WRITE_ROOM;
    u->is_head_request = span_is(r->method, "HEAD");
    u->is_tls = span_is(r->to->scheme, "https");
    u->is_idempotent = upstream_is_idempotent(r->method);
    u->next = p->calls;
    if (p->calls)
        p->calls->previous = u;
    p->calls = u;

    CURL *e = u->easy;
    bool is_v6 = memchr(r->to->host.at, ':', r->to->host.len) != NULL;
    struct span url = arena_printf(u->arena, SPAN_FMT "://%s" SPAN_FMT "%s:%u/", SPAN_ARG(r->to->scheme), is_v6 ? "[" : "", SPAN_ARG(r->to->host),
                                   is_v6 ? "]" : "", r->to->port);
    curl_easy_setopt(e, CURLOPT_URL, url.at);
    curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
    /* Plain http comes here for the proxy's sake only (upstream.c), and proxies want the target in absolute form (RFC 9112 3.2.2). */
    url.len--; /* the last slash is the target's */
    curl_easy_setopt(e, CURLOPT_REQUEST_TARGET, u->is_tls || !r->target.len || r->target.at[0] != '/' ? arena_text(u->arena, r->target)
                     : arena_printf(u->arena, SPAN_FMT "%.*s", SPAN_ARG(url), (int)r->target.len, r->target.at).at);
    curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(e, CURLOPT_HTTP_TRANSFER_DECODING, 0L);
    curl_easy_setopt(e, CURLOPT_HTTP_CONTENT_DECODING, 0L);
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(e, CURLOPT_BUFFERSIZE, (long)CURL_BUFFER);
    curl_easy_setopt(e, CURLOPT_NOPROGRESS, 1L);
    curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L); /* leaving a call must not wait for a name server: the loop would stand still */
    curl_easy_setopt(e, CURLOPT_PREREQFUNCTION, before_request);
    curl_easy_setopt(e, CURLOPT_CLOSESOCKETFUNCTION, close_callback);
    curl_easy_setopt(e, CURLOPT_CLOSESOCKETDATA, p);
    curl_easy_setopt(e, CURLOPT_PREREQDATA, u);
    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, u->error);
    curl_easy_setopt(e, CURLOPT_PRIVATE, (char *)u);
    curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, header_callback);
    curl_easy_setopt(e, CURLOPT_HEADERDATA, u);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, write_callback);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, u);
    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)r->route->limits.connect_ms);
    curl_easy_setopt(e, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    if (r->route->ca_file)
        curl_easy_setopt(e, CURLOPT_CAINFO, r->route->ca_file);
    if (r->route->client_certificate)
        curl_easy_setopt(e, CURLOPT_SSLCERT, r->route->client_certificate);
    if (r->route->client_key)
        curl_easy_setopt(e, CURLOPT_SSLKEY, r->route->client_key);

    if (u->is_head_request) {
        curl_easy_setopt(e, CURLOPT_NOBODY, 1L);
    } else if (r->streams_body) {
        curl_easy_setopt(e, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(e, CURLOPT_READFUNCTION, read_callback);
        curl_easy_setopt(e, CURLOPT_READDATA, u);
        if (r->is_length_known)
            curl_easy_setopt(e, CURLOPT_INFILESIZE_LARGE, (curl_off_t)r->length);
    } else if (r->has_body) {
        curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body.len);
        curl_easy_setopt(e, CURLOPT_POSTFIELDS, r->body.at ? r->body.at : "");
    }
    if (!u->is_head_request)
        curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, arena_text(u->arena, r->method));

    struct curl_slist *list = NULL, **end = &list;
    bool has_accept = false, has_type = false, is_default_port = r->to->port == (span_is(r->to->scheme, "https") ? 443u : 80u);
    if (is_default_port)
        header_line(u, &end, "Host: %s" SPAN_FMT "%s", is_v6 ? "[" : "", SPAN_ARG(r->to->host), is_v6 ? "]" : "");
    else
        header_line(u, &end, "Host: %s" SPAN_FMT "%s:%u", is_v6 ? "[" : "", SPAN_ARG(r->to->host), is_v6 ? "]" : "", r->to->port);
    for (size_t i = 0; i < r->nfields; i++) {
        const struct http_field *f = &r->fields[i];
        has_accept |= span_is_nocase(f->name, "accept");
        has_type |= span_is_nocase(f->name, "content-type");
        if (f->value.len)
            header_line(u, &end, "%.*s: %.*s", (int)f->name.len, f->name.at, (int)f->value.len, f->value.at);
        else
            header_line(u, &end, "%.*s;", (int)f->name.len, f->name.at); /* libcurl's way of an empty value */
    }
    if (!has_accept)
        header_line(u, &end, "Accept:");
    if (!has_type && (r->has_body || r->streams_body))
        header_line(u, &end, "Content-Type:");
    header_line(u, &end, "Expect:");
    if (r->streams_body && !r->is_length_known)
        header_line(u, &end, "Transfer-Encoding: chunked");
    curl_easy_setopt(e, CURLOPT_HTTPHEADER, list);

    u->first_byte_ms = r->route->limits.first_byte_ms;
    u->between_ms = r->route->limits.between_bytes_ms;
    if (!r->streams_body && u->first_byte_ms)
        u->deadline_ms = now_ms() + u->first_byte_ms;
    if (curl_multi_add_handle(p->multi, e) != CURLM_OK) {
        call_free(u);
        return NULL;
    }
    return &u->call;
}

/* libcurl may hand over what it kept while paused from within curl_easy_pause: then cancels must wait as well. */
static void curl_pause(struct curl_call *u, int bits)
{
    bool was_inside = u->pool->is_inside;
    u->pool->is_inside = true;
    curl_easy_pause(u->easy, bits);
    u->pool->is_inside = was_inside;
}

static size_t write_some(struct upstream_call *call, struct span data)
{
    struct curl_call *u = (struct curl_call *)call;
    size_t room = u->out.cap - (u->out.len - u->out_at);
    if (u->out_at) {
        buf_drop(&u->out, u->out_at);
        u->out_at = 0;
    }
    if (data.len > room)
        data.len = room;
    if (data.len) {
        if (!u->out.len && !u->has_head && u->first_byte_ms)
            u->deadline_ms = now_ms() + u->first_byte_ms; /* to take this */
        buf_add(&u->out, data);
    }
    if (data.len && u->is_out_waiting && !u->pool->is_inside) {
        u->is_out_waiting = false;
        curl_pause(u, u->is_paused ? CURLPAUSE_RECV : CURLPAUSE_CONT);
    }
    return data.len;
}
static void write_end(struct upstream_call *call)
{
    struct curl_call *u = (struct curl_call *)call;
    u->is_out_ended = true;
    if (u->first_byte_ms && !u->has_head)
        u->deadline_ms = now_ms() + u->first_byte_ms;
    if (u->is_out_waiting && !u->pool->is_inside) {
        u->is_out_waiting = false;
        curl_pause(u, u->is_paused ? CURLPAUSE_RECV : CURLPAUSE_CONT);
    }
}
static void set_paused(struct upstream_call *call, bool is_paused)
{
    struct curl_call *u = (struct curl_call *)call;
    if (u->is_paused == is_paused || u->is_cancelled)
        return;
    u->is_paused = is_paused;
    curl_pause(u, (is_paused ? CURLPAUSE_RECV : 0) | (u->is_out_waiting ? CURLPAUSE_SEND : 0));
    if (is_paused)
        u->deadline_ms = 0; /* the silence is ours */
    else if (u->between_ms)
        u->deadline_ms = now_ms() + u->between_ms;
}
static void cancel(struct upstream_call *call)
{
    struct curl_call *u = (struct curl_call *)call;
    if (u->is_cancelled)
        return;
    u->is_cancelled = true;
    if (u->pool->is_inside) {
        u->next_cancelled = u->pool->cancelled;
        u->pool->cancelled = u;
    } else {
        call_free(u);
    }
}
static void tick(void *pool, uint64_t now)
{
    struct curl_pool *p = pool;
    for (struct curl_call *u = p->calls, *next; u; u = next) {
        next = u->next;
        if (u->deadline_ms && now > u->deadline_ms && !u->is_cancelled) {
            u->timed_out = true;
            finish(u, CURLE_OPERATION_TIMEDOUT);
        }
    }
}

const struct upstream_client upstream_curl = { pool_new, pool_free, start, write_some, write_end, set_paused, cancel, tick };
