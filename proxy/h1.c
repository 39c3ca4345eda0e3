/* SPDX-License-Identifier: Apache-2.0
 * HTTP/1.1 towards a client: one exchange at a time on a connection.
 *
 *   HEAD ──head──▶ BODY ──body whole──▶ ANSWER ──answer out──▶ HEAD (keep-alive)
 *     └──────── refused ───────────────────┴──▶ LINGER ──▶ DEAD
 *
 * The state is the connection's; it moves on when the exchange calls end or cut. */
#include "proxy/worker.h"

/* RFC 9457, for requests that never got as far as an API. */
void h1_refuse(struct conn *c, int status, const char *code, const char *why)
{
    struct buf body = { .cap = 4096 };
    buf_printf(&body, "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%d,\"detail\":\"", http_reason(status), status);
    buf_add_json(&body, span_of(why));
    buf_add_text(&body, "\"}\n");
    buf_printf(&c->out, "HTTP/1.1 %d %s\r\ncontent-type: application/problem+json\r\ncontent-length: %zu\r\nconnection: close\r\nx-vigie-error: %s\r\n\r\n",
               status, http_reason(status), body.len, code);
    buf_add(&c->out, buf_span(&body));
    buf_free(&body);
    c->closes_after = true;
    c->has_answered = true;
    c->state = CONN_ANSWER;
    conn_dirty(c);
}

/* ---- requests ---- */

/* Who does not take his answers is not read either, or answers to a long row of requests would gather. */
bool h1_wants_more(const struct conn *c)
{
    return c->in.len < IN_MOST && !(c->one.x && exchange_is_full(c->one.x)) && (c->state == CONN_BODY || conn_unsent(c) < OUT_HIGH);
}
/* false: more bytes are needed, or nothing may be taken now. */
static bool read_head(struct conn *c, struct span *in)
{
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"; /* HTTP/2 with prior knowledge, on a connection's first bytes (RFC 9113 3.3) */
    size_t n = in->len < sizeof preface - 1 ? in->len : sizeof preface - 1;
    if (!c->tls && !c->has_answered && memcmp(in->at, preface, n) == 0) {
        if (n < sizeof preface - 1)
            return false;
        h2_begin(c);
        h2_read(c, *in);
        in->len = 0;
        return false;
    }
    struct http_head head;
    struct http_problem problem = { 0 };
    struct http_limits limits = { .head_bytes = conn_limits(c)->header };
    size_t used = 0;
    if (conn_unsent(c) >= OUT_HIGH)
        return false; /* conn_flush goes on when there is room */
    if (!c->arena)
        c->arena = worker_arena(c->w);
    enum http_read r = http_read_request(&head, c->arena, *in, &limits, &c->scanned, &used, &problem);
    if (r == HTTP_MORE) {
        arena_reset(c->arena);
        if (c->has_answered && c->in.len == 0)
            c->deadline_ms = conn_in_ms(c, conn_limits(c)->head_ms); /* no longer idle: a head is on its way */
        return false;
    }
    c->scanned = 0;
    if (r == HTTP_BAD) {
        arena_reset(c->arena);
        count(&c->w->metrics->refused_heads, 1);
        h1_refuse(c, problem.status ? problem.status : 400, "bad_request", problem.why ? problem.why : "the request cannot be read");
        in->len = 0;
        return false;
    }
    struct arena *arena = c->arena;
    struct span bytes = span_cut(*in, 0, used);
    bool has_body = head.framing == HTTP_CHUNKED || (head.framing == HTTP_LENGTH && head.length);
    c->arena = NULL;
    c->state = has_body ? CONN_BODY : CONN_ANSWER;
    c->deadline_ms = has_body ? conn_in_ms(c, conn_limits(c)->head_ms) : 0;
    c->pace.since_ms = 0;
    c->request_chunks = (struct http_chunks){ 0 };
    c->request_left = head.framing == HTTP_LENGTH ? head.length : 0;
    in->at += used;
    in->len -= used;
    exchange_begin(&c->one, &head, bytes, arena);
    return true;
}
static void read_body(struct conn *c, struct span *in)
{
    struct exchange *x = c->one.x;
    struct http_problem problem = { 0 };
    size_t before = in->len;
    while (c->state == CONN_BODY && x && x == c->one.x && !exchange_is_full(x)) {
        struct span data = { 0 };
        bool is_last;
        if (x->is_refused) {
            c->state = CONN_ANSWER;
            break;
        }
        if (x->head.framing == HTTP_LENGTH) {
            data = span_cut(*in, 0, in->len < c->request_left ? in->len : (size_t)c->request_left);
            in->at += data.len;
            in->len -= data.len;
            c->request_left -= data.len;
            is_last = c->request_left == 0;
        } else {
            enum http_read r = http_chunks_read(&c->request_chunks, in, &data, &problem);
            if (r == HTTP_BAD) {
                exchange_refuse(x, problem.status ? problem.status : 400, "bad_request", problem.why ? problem.why : "the body's chunks cannot be read", NULL, false);
                break;
            }
            is_last = r == HTTP_DONE;
        }
        if (data.len && !exchange_body(x, data))
            break;
        if (is_last) {
            c->state = CONN_ANSWER;
            c->deadline_ms = 0;
            exchange_body_end(x);
        } else if (!data.len) {
            break;
        }
    }
    if (c->state == CONN_BODY && in->len != before) {
        c->deadline_ms = conn_pace(c, &c->pace, before - in->len);
        if (c->one.x && exchange_is_full(c->one.x))
            c->pace.since_ms = 0; /* time in which the upstream does not take what came is not the client's */
    }
}
void h1_read(struct conn *c, struct span *in)
{
    while (in->len)
        switch (c->state) {
        case CONN_HEAD:
            if (!read_head(c, in))
                return;
            break;
        case CONN_BODY:
            read_body(c, in);
            if (c->state == CONN_BODY)
                return; /* all used, or the upstream has no room */
            break;
        case CONN_ANSWER:
            return;
        case CONN_H2:
        case CONN_LINGER:
        case CONN_DEAD:
            in->len = 0;
            return;
        }
}

/* ---- answers ---- */

static void put_fields(struct buf *o, const struct http_field *f, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        buf_add(o, f[i].name);
        buf_add_text(o, ": ");
        buf_add(o, f[i].value);
        buf_add_text(o, "\r\n");
    }
}
static void put_interim(struct client *client, int status, struct span reason, const struct http_field *fields, size_t n)
{
    struct buf *o = &client->conn->out;
    buf_printf(o, "HTTP/1.1 %d %.*s\r\n", status, (int)reason.len, reason.at ? reason.at : "");
    put_fields(o, fields, n);
    buf_add_text(o, "\r\n");
    conn_dirty(client->conn);
}
static void put_head(struct client *client, const struct client_head *h)
{
    struct conn *c = client->conn;
    struct exchange *x = client->x;
    struct buf *o = &c->out;
    bool is_chunked = h->framing == HTTP_CHUNKED && x->head.minor > 0;
    /* Of a stream no earlier byte waits for the record, however fast the whole of it came; the front of a whole answer is of use to nobody. */
    c->is_answer_unsent = conn_unsent(c) == 0 && h->framing == HTTP_LENGTH && !(x->t && x->t->is_stream);
    if (x->is_refused)
        c->state = CONN_ANSWER; /* the rest of its body is nobody's */
    if (h->framing == HTTP_CHUNKED && !is_chunked)
        x->keeps_alive = false; /* HTTP/1.0: the connection's end is the answer's */
    c->is_chunked = is_chunked;
    buf_printf(o, "HTTP/1.1 %d %.*s\r\n", h->status, (int)h->reason.len, h->reason.at ? h->reason.at : "");
    put_fields(o, h->fields, h->nfields);
    if (h->framing == HTTP_LENGTH)
        buf_printf(o, "content-length: %llu\r\n", (unsigned long long)h->length);
    else if (is_chunked)
        buf_add_text(o, "transfer-encoding: chunked\r\n");
    if (h->exchange_id.len)
        put_fields(o, &(struct http_field){ SPAN("x-vigie-exchange"), h->exchange_id }, 1);
    if (!x->keeps_alive)
        buf_add_text(o, "connection: close\r\n");
    else if (x->head.minor == 0)
        buf_add_text(o, "connection: keep-alive\r\n");
    buf_add_text(o, "\r\n");
    conn_dirty(c);
}
static void put_body(struct client *client, struct span s)
{
    struct conn *c = client->conn;
    if (c->is_chunked)
        buf_printf(&c->out, "%zx\r\n", s.len);
    buf_add(&c->out, s);
    if (c->is_chunked)
        buf_add(&c->out, SPAN("\r\n"));
    conn_dirty(c);
}
static bool unsay(struct client *client)
{
    struct conn *c = client->conn;
    if (!c->is_answer_unsent)
        return false;
    buf_clear(&c->out);
    c->out_at = 0;
    c->is_chunked = false;
    return true;
}
static void put_end(struct client *client, struct span trailers)
{
    struct conn *c = client->conn;
    struct exchange *x = client->x;
    if (c->is_chunked) {
        buf_add_text(&c->out, "0\r\n");
        buf_add(&c->out, trailers);
        buf_add_text(&c->out, "\r\n");
    }
    client->x = NULL;
    c->is_chunked = false;
    c->has_answered = true;
    if (x->keeps_alive && c->on->l && !c->w->is_stopping) {
        c->state = CONN_HEAD;
        c->deadline_ms = conn_in_ms(c, c->in.len ? conn_limits(c)->head_ms : conn_limits(c)->idle_ms);
        conn_reading(c, c->in.len < IN_MOST && conn_unsent(c) < OUT_HIGH);
    } else {
        c->closes_after = true;
    }
    conn_dirty(c);
}
/* A length or chunks left open say it by themselves; without either only a reset does. */
static void put_cut(struct client *client)
{
    client->x = NULL;
    conn_reset(client->conn);
}
static size_t unsent(const struct client *client)
{
    return conn_unsent(client->conn);
}
static void body_wanted(struct client *client)
{
    struct conn *c = client->conn;
    conn_reading(c, true);
    if (c->in.len)
        conn_process(c);
}
const struct client_ops h1_client = { put_interim, put_head, put_body, put_end, put_cut, unsent, body_wanted, unsay };
