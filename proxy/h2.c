/* SPDX-License-Identifier: Apache-2.0
 * HTTP/2 towards a client (RFC 9113): each stream is a client of its own, and its exchange knows no difference.
 *
 *   bytes ─▶ nghttp2 ─▶ on_header … ─▶ request_begin: the head said as HTTP/1.1 ─▶ proxy/http's strict reader ─▶ exchange_begin
 *   exchange ─▶ stream.out ─▶ DATA as windows allow ─▶ conn.out ─▶ one write a turn
 *
 * nghttp2 keeps frames, HPACK, windows and the rules of the layer (pseudo-headers, connection-specific fields, content-length against
 * DATA). That a request means one thing is asked of the same reader as for HTTP/1.1, so upstreams get the same messages.
 *
 * Back-pressure: a request's bytes are credited to the stream's window when the upstream took them; an answer's bytes beyond
 * STREAM_HIGH pause its upstream. The connection's window is credited at once, so that one stream never stops the others.
 * A cut is RST_STREAM once all that came is out, never END_STREAM.
 *
 * What a peer can make cheaply and we answer dearly (resets, settings, pings, priorities, empty frames, broken frames) draws on one
 * budget per connection; who overdraws it gets GOAWAY. nghttp2's callbacks never close the connection: they note, h2_* acts. */
#include "proxy/worker.h"
#include "base/must.h"
#include <nghttp2/nghttp2.h>
#include <stdlib.h>

enum {
    STREAMS_MOST = 128,
    STREAM_WINDOW = 256 * 1024,
    CONNECTION_WINDOW = 4 << 20,
    STREAM_HIGH = 64 * 1024, STREAM_LOW = 16 * 1024,   /* unsent bytes of one answer at which its upstream pauses and goes on */
    BUDGET = 1000, BUDGET_EACH_S = 100,                /* cheap frames at once, and a second */
    BROKEN_FRAME_COST = 10,
    ACKS_MOST = 64, SETTINGS_MOST = 16,
};

struct h2_stream {
    struct client client;                /* first */
    struct h2_stream *next, *previous;
    int32_t id;
    bool is_request_done;
    uint64_t deadline_ms;                /* of the request's body; 0: none */
    struct pace pace;
    size_t uncredited;                   /* bytes of it that the upstream has not taken */
    const nghttp2_nv *head;              /* said but not submitted: it may be the whole answer. In the exchange's arena */
    size_t nhead;
    struct buf out;
    size_t out_at;
    struct buf trailers;
    bool is_deferred, is_ended, is_cut;
};
struct h2 {
    struct conn *c;
    nghttp2_session *session;
    struct h2_stream *streams;
    unsigned nstreams;
    /* The head that is being read: blocks never interleave. */
    struct buf pseudo[4], fields, cookie, host, text;
    size_t head_bytes;
    bool is_head_too_large;
    uint64_t head_deadline_ms;           /* 0: none is being read */
    unsigned budget;
    uint64_t budget_ms;
    bool is_over;                        /* the session is not to be touched any more */
    bool is_noticed, is_going;           /* drain: announced; said */
    bool has_heads, has_room;            /* some stream has a head to submit; some paused one fell below STREAM_LOW */
};
enum { METHOD, SCHEME, AUTHORITY, PATH };
static const char *const pseudo_names[4] = { ":method", ":scheme", ":authority", ":path" };

static nghttp2_nv nv(struct span name, struct span value)
{
    return (nghttp2_nv){ (uint8_t *)(uintptr_t)name.at, (uint8_t *)(uintptr_t)(value.at ? value.at : ""), name.len, value.len, NGHTTP2_NV_FLAG_NONE };
}
static nghttp2_nv status_nv(struct arena *a, int status)
{
    return nv(SPAN(":status"), arena_printf(a, "%d", status));
}

/* ---- answers ---- */

static ssize_t on_data_wanted(nghttp2_session *session, int32_t id, uint8_t *to, size_t most, uint32_t *flags, nghttp2_data_source *source, void *context)
{
    struct h2_stream *s = source->ptr;
    size_t have = s->out.len - s->out_at, n = have < most ? have : most;
    (void)to, (void)context;
    if (!have && s->is_cut)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; /* RST_STREAM */
    if (!have && !s->is_ended) {
        s->is_deferred = true;
        return NGHTTP2_ERR_DEFERRED;
    }
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (n == have && s->is_ended) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
        if (s->trailers.len) {
            nghttp2_nv list[64];
            size_t k = 0;
            struct span rest = buf_span(&s->trailers);
            while (rest.len && k < 64) { /* "name: value\r\n"…, as the strict reader writes them */
                const char *end = memchr(rest.at, '\r', rest.len), *colon = end ? memchr(rest.at, ':', (size_t)(end - rest.at)) : NULL;
                if (!colon)
                    break;
                list[k++] = nv((struct span){ rest.at, (size_t)(colon - rest.at) }, span_trim((struct span){ colon + 1, (size_t)(end - colon - 1) }));
                size_t line = (size_t)(end - rest.at) + 2;
                rest = span_cut(rest, line < rest.len ? line : rest.len, rest.len);
            }
            if (k && nghttp2_submit_trailer(session, id, list, k) == 0)
                *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
        }
    }
    return (ssize_t)n;
}
static int on_data_send(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *head, size_t n, nghttp2_data_source *source, void *context)
{
    struct h2 *h = context;
    struct h2_stream *s = source->ptr;
    (void)session, (void)frame; /* no padding: none was asked for */
    if (conn_unsent(h->c) >= H2_FILL)
        return NGHTTP2_ERR_WOULDBLOCK;
    buf_add(&h->c->out, (struct span){ (const char *)head, 9 });
    if (n)
        buf_add(&h->c->out, (struct span){ s->out.bytes + s->out_at, n });
    s->out_at += n;
    s->client.sent_ms = h->c->w->now_ms;
    size_t left = s->out.len - s->out_at;
    if (!left) {
        s->out_at = 0;
        if (s->out.room > 16 * 1024)
            buf_free(&s->out);
        else
            buf_clear(&s->out);
    } else if (s->out_at > STREAM_HIGH) {
        buf_drop(&s->out, s->out_at);
        s->out_at = 0;
    }
    h->has_room |= left < STREAM_LOW && s->client.x && s->client.x->is_up_paused;
    return 0;
}
static ssize_t on_send(nghttp2_session *session, const uint8_t *bytes, size_t n, int flags, void *context)
{
    struct h2 *h = context;
    (void)session, (void)flags;
    if (conn_unsent(h->c) >= H2_FILL)
        return NGHTTP2_ERR_WOULDBLOCK;
    buf_add(&h->c->out, (struct span){ (const char *)bytes, n });
    return (ssize_t)n;
}

static struct h2 *h2_of(const struct client *client)
{
    return client->conn->h2;
}
/* The head goes with END_STREAM where nothing follows, else with a source of data. */
static void submit(struct h2_stream *s, const nghttp2_nv *list, size_t n)
{
    struct h2 *h = h2_of(&s->client);
    nghttp2_data_provider data = { .source.ptr = s, .read_callback = on_data_wanted };
    bool is_all = s->is_ended && s->out.len == s->out_at && !s->trailers.len;
    s->head = NULL;
    if (nghttp2_submit_response(h->session, s->id, list, n, is_all ? NULL : &data) != 0)
        nghttp2_submit_rst_stream(h->session, NGHTTP2_FLAG_NONE, s->id, NGHTTP2_INTERNAL_ERROR);
}
static void go_on(struct h2_stream *s)
{
    struct h2 *h = h2_of(&s->client);
    if (s->head && (s->is_ended || s->is_cut))
        submit(s, s->head, s->nhead); /* its exchange is about to go, and the head with it */
    if (s->is_deferred) {
        s->is_deferred = false;
        nghttp2_session_resume_data(h->session, s->id);
    }
    conn_dirty(h->c);
}
static void put_interim(struct client *client, int status, struct span reason, const struct http_field *fields, size_t n)
{
    struct h2_stream *s = (struct h2_stream *)client;
    struct arena *a = client->x->arena;
    nghttp2_nv *list = arena_alloc(a, (n + 1) * sizeof *list);
    (void)reason;
    list[0] = status_nv(a, status);
    for (size_t i = 0; i < n; i++)
        list[i + 1] = nv(fields[i].name, fields[i].value);
    nghttp2_submit_headers(h2_of(client)->session, NGHTTP2_FLAG_NONE, s->id, NULL, list, n + 1, NULL);
    conn_dirty(client->conn);
}
static void put_head(struct client *client, const struct client_head *h)
{
    struct h2_stream *s = (struct h2_stream *)client;
    struct arena *a = client->x->arena;
    nghttp2_nv *list = arena_alloc(a, (h->nfields + 3) * sizeof *list);
    size_t n = 0;
    list[n++] = status_nv(a, h->status);
    for (size_t i = 0; i < h->nfields; i++)
        list[n++] = nv(h->fields[i].name, h->fields[i].value);
    if (h->framing == HTTP_LENGTH)
        list[n++] = nv(SPAN("content-length"), arena_printf(a, "%llu", (unsigned long long)h->length));
    if (h->exchange_id.len)
        list[n++] = nv(SPAN("x-vigie-exchange"), h->exchange_id);
    client->sent_ms = client->conn->w->now_ms;
    s->head = list;
    s->nhead = n;
    client->conn->h2->has_heads = true;
    conn_dirty(client->conn); /* submitted at the turn's end */
}
static void put_body(struct client *client, struct span data)
{
    struct h2_stream *s = (struct h2_stream *)client;
    buf_add(&s->out, data);
    go_on(s);
}
static void put_end(struct client *client, struct span trailers)
{
    struct h2_stream *s = (struct h2_stream *)client;
    s->is_ended = true;
    buf_add(&s->trailers, trailers);
    go_on(s);
    client->x = NULL;
}
static void put_cut(struct client *client)
{
    struct h2_stream *s = (struct h2_stream *)client;
    s->is_cut = true;
    go_on(s);
    client->x = NULL;
}
static bool unsay(struct client *client)
{
    struct h2_stream *s = (struct h2_stream *)client;
    if (!s->head)
        return false;
    s->head = NULL;
    buf_clear(&s->out);
    return true;
}
static size_t unsent(const struct client *client)
{
    const struct h2_stream *s = (const struct h2_stream *)client;
    return s->out.len - s->out_at;
}
static void body_wanted(struct client *client)
{
    struct h2_stream *s = (struct h2_stream *)client;
    if (s->uncredited)
        nghttp2_session_consume_stream(h2_of(client)->session, s->id, s->uncredited);
    s->uncredited = 0;
    s->deadline_ms = s->is_request_done ? 0 : conn_in_ms(client->conn, conn_limits(client->conn)->head_ms);
    conn_dirty(client->conn);
}
static const struct client_ops h2_client = { put_interim, put_head, put_body, put_end, put_cut, unsent, body_wanted, unsay };

/* ---- requests ---- */

static bool spend(struct h2 *h, unsigned cost)
{
    uint64_t now = h->c->w->now_ms, earned = (now - h->budget_ms) * BUDGET_EACH_S / 1000;
    if (earned) {
        h->budget = h->budget + earned > BUDGET ? BUDGET : h->budget + (unsigned)earned;
        h->budget_ms = now;
    }
    if (h->budget >= cost) {
        h->budget -= cost;
        return true;
    }
    if (!h->is_going) {
        h->is_going = true;
        count(&h->c->w->metrics->h2_broken, 1);
        nghttp2_session_terminate_session(h->session, NGHTTP2_ENHANCE_YOUR_CALM);
    }
    return false;
}

/* RFC 9457, for a request that never became an exchange. */
static void refuse(struct h2_stream *s, int status, const char *code, const char *why)
{
    struct h2 *h = h2_of(&s->client);
    char digits[16], length[24];
    count(&h->c->w->metrics->refused_heads, 1);
    s->out.cap = 4096;
    buf_printf(&s->out, "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%d,\"detail\":\"", http_reason(status), status);
    buf_add_json(&s->out, span_of(why));
    buf_add_text(&s->out, "\"}\n");
    snprintf(digits, sizeof digits, "%d", status);
    snprintf(length, sizeof length, "%zu", s->out.len);
    nghttp2_nv list[] = { nv(SPAN(":status"), span_of(digits)), nv(SPAN("content-type"), SPAN("application/problem+json")),
                          nv(SPAN("content-length"), span_of(length)), nv(SPAN("x-vigie-error"), span_of(code)) };
    s->is_ended = true;
    submit(s, list, 4);
}

static int on_head_begins(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
    struct h2 *h = context;
    h->head_bytes = 0;
    h->is_head_too_large = false;
    h->head_deadline_ms = conn_in_ms(h->c, conn_limits(h->c)->head_ms);
    for (int i = 0; i < 4; i++)
        buf_clear(&h->pseudo[i]);
    buf_clear(&h->fields);
    buf_clear(&h->cookie);
    buf_clear(&h->host);
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    struct h2_stream *s = calloc(1, sizeof *s);
    must(s != NULL);
    s->client = (struct client){ .ops = &h2_client, .conn = h->c, .unsent_most = STREAM_HIGH, .sent_ms = h->c->w->now_ms };
    s->id = frame->hd.stream_id;
    s->next = h->streams;
    if (h->streams)
        h->streams->previous = s;
    h->streams = s;
    h->nstreams++;
    nghttp2_session_set_stream_user_data(session, s->id, s);
    /* Streams take turns: by itself the first would have the connection until it is done. */
    nghttp2_extpri turn = { .urgency = NGHTTP2_EXTPRI_DEFAULT_URGENCY, .inc = 1 };
    nghttp2_session_change_extpri_stream_priority(session, s->id, &turn, 1);
    return 0;
}
static int on_field(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name_at, size_t name_len, const uint8_t *value_at, size_t value_len, uint8_t flags, void *context)
{
    struct h2 *h = context;
    struct span name = { (const char *)name_at, name_len }, value = { (const char *)value_at, value_len };
    size_t most = conn_limits(h->c)->header;
    (void)session, (void)flags;
    h->head_bytes += name.len + value.len + 4;
    if (h->head_bytes > 4 * most)
        return NGHTTP2_ERR_CALLBACK_FAILURE; /* a few bytes of HPACK can mean megabytes: no more of that connection */
    if (h->head_bytes > most)
        h->is_head_too_large = true;
    if (h->is_head_too_large || frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0; /* trailers of requests go nowhere yet, as in HTTP/1.1 */
    if (name.len && name.at[0] == ':') {
        for (int i = 0; i < 4; i++)
            if (span_is(name, pseudo_names[i]))
                buf_add(&h->pseudo[i], value);
        return 0;
    }
    /* nghttp2 looked at these bytes; they are about to be written between line ends, so they are looked at here as well. */
    if (!http_is_token(name) || !http_is_field_value(value))
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    if (span_is(name, "cookie")) { /* may come in crumbs, RFC 9113 8.2.3 */
        if (h->cookie.len)
            buf_add_text(&h->cookie, "; ");
        buf_add(&h->cookie, value);
        return 0;
    }
    if (span_is(name, "host") && !h->host.len) {
        buf_add(&h->host, value);
        return 0;
    }
    buf_add(&h->fields, name);
    buf_add_text(&h->fields, ": ");
    buf_add(&h->fields, value);
    buf_add_text(&h->fields, "\r\n");
    return 0;
}
static int on_bad_field(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags, void *context)
{
    (void)session, (void)frame, (void)name, (void)name_len, (void)value, (void)value_len, (void)flags, (void)context;
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; /* nghttp2 would drop the field and go on */
}

/* The head as an HTTP/1.1 client would have said it. NULL, or what is wrong. */
static const char *say_as_h1(struct h2 *h, bool has_body, bool *adds_chunked)
{
    struct span method = buf_span(&h->pseudo[METHOD]), path = buf_span(&h->pseudo[PATH]), scheme = buf_span(&h->pseudo[SCHEME]);
    struct span authority = buf_span(&h->pseudo[AUTHORITY]), host = buf_span(&h->host);
    struct buf *t = &h->text;
    if (!span_is_nocase(scheme, "http") && !span_is_nocase(scheme, "https") && !span_is(method, "CONNECT"))
        return "a scheme other than http and https";
    if (!span_is(method, "CONNECT") && (!path.len || (path.at[0] != '/' && !span_is(path, "*"))))
        return "the path does not begin with a slash";
    if (memchr(method.at ? method.at : "", ' ', method.len) || !http_is_field_value(method) || memchr(path.at ? path.at : "", ' ', path.len) || !http_is_field_value(path) || !http_is_field_value(authority))
        return "a byte in method, path or authority that may not stand there";
    if (authority.len && host.len && !(authority.len == host.len && strncasecmp(authority.at, host.at, host.len) == 0))
        return "the authority is another host than the Host header";
    buf_clear(t);
    buf_add(t, method);
    buf_add_char(t, ' ');
    buf_add(t, path.len ? path : authority);
    buf_add_text(t, " HTTP/1.1\r\n");
    if (authority.len || host.len) {
        buf_add_text(t, "host: ");
        buf_add(t, authority.len ? authority : host);
        buf_add_text(t, "\r\n");
    }
    size_t fields_at = t->len;
    buf_add(t, buf_span(&h->fields));
    if (h->cookie.len) {
        buf_add_text(t, "cookie: ");
        buf_add(t, buf_span(&h->cookie));
        buf_add_text(t, "\r\n");
    }
    /* Only nghttp2's lower-case names stand here. */
    struct span all = span_cut(buf_span(t), fields_at, t->len);
    *adds_chunked = has_body && !span_starts(all, "content-length: ") && !span_find(all, SPAN("\r\ncontent-length: "));
    if (*adds_chunked)
        buf_add_text(t, "transfer-encoding: chunked\r\n");
    buf_add_text(t, "\r\n");
    return NULL;
}
static void request_begin(struct h2 *h, struct h2_stream *s, bool is_whole)
{
    struct conn *c = h->c;
    struct http_head head;
    struct http_problem problem = { 0 };
    struct http_limits limits = { .head_bytes = conn_limits(c)->header + 64 }; /* the version and a framing that were not sent */
    size_t scanned = 0, used = 0;
    bool adds_chunked = false;
    s->is_request_done = is_whole;
    s->deadline_ms = is_whole ? 0 : conn_in_ms(c, conn_limits(c)->head_ms);
    if (h->is_head_too_large) {
        refuse(s, 431, "bad_request", "the headers are too long");
        return;
    }
    const char *why = say_as_h1(h, !is_whole, &adds_chunked);
    if (why) {
        refuse(s, 400, "bad_request", why);
        return;
    }
    if (!c->arena)
        c->arena = worker_arena(c->w);
    enum http_read r = http_read_request(&head, c->arena, buf_span(&h->text), &limits, &scanned, &used, &problem);
    if (r != HTTP_DONE || used != h->text.len) {
        arena_reset(c->arena);
        refuse(s, r == HTTP_BAD && problem.status ? problem.status : 400, "bad_request", problem.why ? problem.why : "the request cannot be read");
        return;
    }
    if (adds_chunked)
        head.nfields--; /* it stood last */
    struct arena *arena = c->arena;
    c->arena = NULL;
    if (head.framing == HTTP_LENGTH && !head.length)
        s->deadline_ms = 0; /* all of it is here, though not yet its end */
    exchange_begin(&s->client, &head, buf_span(&h->text), arena);
}
static void request_end(struct h2_stream *s)
{
    s->is_request_done = true;
    s->deadline_ms = 0;
    if (s->client.x && !s->client.x->is_body_done)
        exchange_body_end(s->client.x);
}
static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *bytes, size_t n, void *context)
{
    struct h2 *h = context;
    struct h2_stream *s = nghttp2_session_get_stream_user_data(session, id);
    (void)flags;
    nghttp2_session_consume_connection(session, n);
    if (s && s->client.x && exchange_body(s->client.x, (struct span){ (const char *)bytes, n }) && s->client.x && exchange_is_full(s->client.x)) {
        s->uncredited += n;
        s->deadline_ms = s->pace.since_ms = 0; /* it is the upstream's turn */
        return 0;
    }
    if (s && s->deadline_ms)
        s->deadline_ms = conn_pace(h->c, &s->pace, n);
    nghttp2_session_consume_stream(session, id, n);
    return 0;
}
static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
    struct h2 *h = context;
    struct h2_stream *s = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    bool is_last = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
    switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
        h->head_deadline_ms = 0;
        if (s && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
            request_begin(h, s, is_last);
        else if (s && is_last)
            request_end(s);
        break;
    case NGHTTP2_DATA:
        if (s && is_last)
            request_end(s);
        else if (frame->hd.length <= frame->data.padlen + 1)
            spend(h, 1);
        break;
    case NGHTTP2_PING:
    case NGHTTP2_SETTINGS:
    case NGHTTP2_PRIORITY:
    case NGHTTP2_RST_STREAM:
    case NGHTTP2_GOAWAY:
        spend(h, 1);
        break;
    default:
        break;
    }
    return 0;
}
/* Frames that break the rules make us reset streams: as good as resets of theirs. */
static int on_bad_frame(nghttp2_session *session, const nghttp2_frame *frame, int why, void *context)
{
    (void)session, (void)frame, (void)why;
    spend(context, BROKEN_FRAME_COST);
    return 0;
}
static int on_sent(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
    (void)context;
    if ((frame->hd.type != NGHTTP2_DATA && frame->hd.type != NGHTTP2_HEADERS) || !(frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
        return 0;
    struct h2_stream *s = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    if (s && !s->is_request_done) /* answered whole before the request was: the rest of it is not wanted (RFC 9113 8.1) */
        nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, s->id, NGHTTP2_NO_ERROR);
    return 0;
}
static void stream_free(struct h2 *h, struct h2_stream *s)
{
    struct exchange *x = s->client.x;
    s->client.x = NULL;
    if (s->previous)
        s->previous->next = s->next;
    else
        h->streams = s->next;
    if (s->next)
        s->next->previous = s->previous;
    h->nstreams--;
    if (x)
        exchange_client_gone(x);
    buf_free(&s->out);
    buf_free(&s->trailers);
    free(s);
}
static int on_stream_over(nghttp2_session *session, int32_t id, uint32_t why, void *context)
{
    struct h2_stream *s = nghttp2_session_get_stream_user_data(session, id);
    struct h2 *h = context;
    (void)why;
    if (!s)
        return 0;
    nghttp2_session_set_stream_user_data(session, id, NULL);
    stream_free(h, s);
    if (!h->nstreams)
        h->c->deadline_ms = conn_in_ms(h->c, conn_limits(h->c)->idle_ms);
    return 0;
}

/* ---- the connection ---- */

void h2_begin(struct conn *c)
{
    struct h2 *h = calloc(1, sizeof *h);
    nghttp2_session_callbacks *cb = NULL;
    nghttp2_option *o = NULL;
    size_t header = conn_limits(c)->header;
    must(h && nghttp2_session_callbacks_new(&cb) == 0 && nghttp2_option_new(&o) == 0);
    nghttp2_session_callbacks_set_send_callback(cb, on_send);
    nghttp2_session_callbacks_set_send_data_callback(cb, on_data_send);
    nghttp2_session_callbacks_set_on_begin_headers_callback(cb, on_head_begins);
    nghttp2_session_callbacks_set_on_header_callback(cb, on_field);
    nghttp2_session_callbacks_set_on_invalid_header_callback(cb, on_bad_field);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(cb, on_bad_frame);
    nghttp2_session_callbacks_set_on_frame_send_callback(cb, on_sent);
    nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_stream_over);
    nghttp2_option_set_no_auto_window_update(o, 1);
    nghttp2_option_set_no_closed_streams(o, 1);
    nghttp2_option_set_max_outbound_ack(o, ACKS_MOST);
    nghttp2_option_set_max_settings(o, SETTINGS_MOST);
    nghttp2_option_set_stream_reset_rate_limit(o, BUDGET, BUDGET_EACH_S);
    nghttp2_option_set_max_continuations(o, header / 4096 + 8);
    h->c = c;
    h->budget = BUDGET;
    h->budget_ms = c->w->now_ms;
    must(nghttp2_session_server_new2(&h->session, cb, h, o) == 0);
    nghttp2_session_callbacks_del(cb);
    nghttp2_option_del(o);
    for (int i = 0; i < 4; i++)
        h->pseudo[i].cap = header;
    h->fields.cap = h->cookie.cap = h->host.cap = 2 * header;
    nghttp2_settings_entry settings[] = {
        { NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, STREAMS_MOST }, { NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, STREAM_WINDOW },
        { NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, (uint32_t)header }, { NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1 },
    };
    nghttp2_submit_settings(h->session, NGHTTP2_FLAG_NONE, settings, sizeof settings / sizeof *settings);
    nghttp2_session_set_local_window_size(h->session, NGHTTP2_FLAG_NONE, 0, CONNECTION_WINDOW);
    c->h2 = h;
    c->state = CONN_H2;
    c->deadline_ms = conn_in_ms(c, conn_limits(c)->idle_ms);
    count(&c->w->metrics->h2_connections, 1);
    conn_dirty(c);
}
/* No more of this session; what waits in conn.out still goes. */
static void over(struct h2 *h)
{
    if (h->is_over)
        return;
    h->is_over = true;
    while (h->streams)
        stream_free(h, h->streams);
    h->c->closes_after = true;
    h->c->deadline_ms = conn_in_ms(h->c, LINGER_MS);
    conn_dirty(h->c);
}
void h2_read(struct conn *c, struct span in)
{
    struct h2 *h = c->h2;
    if (h->is_over)
        return;
    ssize_t n = nghttp2_session_mem_recv(h->session, (const uint8_t *)in.at, in.len);
    if (n < 0) {
        count(&c->w->metrics->h2_broken, 1);
        /* What can still be said is: a peer that did not mean it learns why. */
        if (nghttp2_session_terminate_session(h->session, n == NGHTTP2_ERR_FLOODED || n == NGHTTP2_ERR_CALLBACK_FAILURE ? NGHTTP2_ENHANCE_YOUR_CALM : NGHTTP2_PROTOCOL_ERROR) == 0)
            nghttp2_session_send(h->session);
        over(h);
        return;
    }
    c->deadline_ms = conn_in_ms(c, conn_limits(c)->idle_ms);
    conn_dirty(c);
}
void h2_fill(struct conn *c)
{
    struct h2 *h = c->h2;
    if (h->is_over)
        return;
    bool has_heads = h->has_heads;
    h->has_heads = false;
    for (struct h2_stream *s = has_heads ? h->streams : NULL; s; s = s->next) {
        const struct exchange *x = s->client.x;
        if (s->head && x && x->state == X_COMMIT && !x->is_committed)
            h->has_heads = true; /* it came whole before any of it left: until its record is safe it can still be refused */
        else if (s->head)
            submit(s, s->head, s->nhead);
    }
    if (conn_unsent(c) < H2_FILL && nghttp2_session_want_write(h->session) && nghttp2_session_send(h->session) != 0) {
        over(h);
        return;
    }
    if (h->has_room) {
        h->has_room = false;
        for (struct h2_stream *s = h->streams; s; s = s->next)
            if (s->client.x && s->client.x->is_up_paused && s->out.len - s->out_at < STREAM_LOW)
                exchange_room(s->client.x);
    }
    if (!nghttp2_session_want_read(h->session) && !nghttp2_session_want_write(h->session))
        over(h);
    else if (h->is_going && !h->nstreams && !nghttp2_session_want_write(h->session))
        over(h);
}
/* GOAWAY in two steps, so that requests already on their way are still served: a notice now, the last stream's number at a later tick. */
void h2_drain(struct conn *c)
{
    struct h2 *h = c->h2;
    if (h->is_over || h->is_noticed)
        return;
    h->is_noticed = true;
    nghttp2_submit_shutdown_notice(h->session);
    conn_dirty(c);
}
void h2_tick(struct conn *c)
{
    struct h2 *h = c->h2;
    uint64_t now = c->w->now_ms, idle = conn_limits(c)->idle_ms;
    if (h->is_over) {
        if (now >= c->deadline_ms)
            conn_close(c);
        return;
    }
    if (h->is_noticed && !h->is_going) {
        h->is_going = true;
        nghttp2_submit_goaway(h->session, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(h->session), NGHTTP2_NO_ERROR, NULL, 0);
        conn_dirty(c);
    } else if (!c->on->l || c->w->is_stopping) {
        h2_drain(c);
    }
    for (struct h2_stream *s = h->streams, *next; s; s = next) {
        next = s->next;
        if (s->client.x)
            exchange_tick(s->client.x);
        if (s->deadline_ms && now >= s->deadline_ms) {
            s->deadline_ms = 0;
            if (s->client.x && !s->client.x->is_head_sent)
                exchange_refuse(s->client.x, 408, "request_timeout", "the request did not arrive in time", NULL, false);
            else
                nghttp2_submit_rst_stream(h->session, NGHTTP2_FLAG_NONE, s->id, NGHTTP2_CANCEL);
            conn_dirty(c);
        } else if (s->out.len > s->out_at && idle && now >= s->client.sent_ms + idle) {
            nghttp2_submit_rst_stream(h->session, NGHTTP2_FLAG_NONE, s->id, NGHTTP2_CANCEL); /* its reader gives it no window */
            conn_dirty(c);
        }
    }
    bool is_late = c->deadline_ms && now >= c->deadline_ms;
    if (is_late && conn_unsent(c)) {
        conn_close(c); /* the socket takes nothing */
    } else if ((h->head_deadline_ms && now >= h->head_deadline_ms) || (is_late && !h->nstreams)) {
        nghttp2_session_terminate_session(h->session, NGHTTP2_NO_ERROR);
        conn_dirty(c);
    }
}
void h2_gone(struct conn *c)
{
    over(c->h2);
}
void h2_free(struct conn *c)
{
    struct h2 *h = c->h2;
    if (!h)
        return;
    nghttp2_session_del(h->session);
    while (h->streams)
        stream_free(h, h->streams);
    for (int i = 0; i < 4; i++)
        buf_free(&h->pseudo[i]);
    buf_free(&h->fields);
    buf_free(&h->cookie);
    buf_free(&h->host);
    buf_free(&h->text);
    free(h);
    c->h2 = NULL;
}
