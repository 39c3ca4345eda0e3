/* SPDX-License-Identifier: Apache-2.0
 * The admin surface on evhttp: who may ask, what is there, and how it is answered.
 *
 * Who may: without a token only loopback is served (the config sees to that) and only under loopback names, so that a page of another site cannot
 * reach it by a name that resolves here. With a token everything but health wants it: as `Authorization: Bearer`, or, for browsers, as a session
 * that POST /login opened (a random cookie, not the token). What changes something is POST, from this origin alone. */
#include "report/admin.h"
#include "base/must.h"
#include "base/parse.h"
#include "report/guests.h"
#include "report/pages.h"
#include "store/fields.h"
#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <time.h>

enum { SESSIONS = 64, SESSION_S = 12 * 3600, LISTENERS = 16, BODY_MOST = 64 * 1024, HEAD_MOST = 32 * 1024, LIMIT_MOST = 1000, SETTLE_MS = 300, SETTLE_AGAIN_S = 2, QUERY_MS = 1000, VALUE_MOST = 500 };

struct session { char id[65]; time_t until; };
struct listener_of { struct evhttp_request *request; struct admin *admin; unsigned idle; };
struct admin {
    const struct admin_source *source;
    struct event_base *base;
    struct evhttp *http;
    struct evhttp_bound_socket *socket;
    unsigned port;
    struct guests *guests;
    struct store_reader *reader;
    time_t unsettled;               /* when the index was last waited for in vain */
    struct reviews *reviews;
    struct session sessions[SESSIONS];
    struct listener_of listeners[LISTENERS];
    struct event *pulse;
    int64_t told_us;
    char told_id[RECORD_ID_BYTES + 1];
    struct buf states;             /* of the routes' watches, as they were told last */
};
struct ask {                        /* one request under way */
    struct admin *admin;
    struct evhttp_request *r;
    struct arena *arena;
    struct evkeyvalq query;
    const char *path;
    struct buf out;
    bool is_post;
};

/* ---- answering ---- */

static const char *header(struct ask *q, const char *name)
{
    return evhttp_find_header(evhttp_request_get_input_headers(q->r), name);
}
static void add(struct ask *q, const char *name, const char *value)
{
    evhttp_add_header(evhttp_request_get_output_headers(q->r), name, value);
}
static void answer(struct ask *q, int status, const char *type)
{
    struct evbuffer *b = evbuffer_new();
    must(b != NULL);
    add(q, "Content-Type", type);
    add(q, "X-Content-Type-Options", "nosniff");
    add(q, "Referrer-Policy", "same-origin"); /* with no-referrer browsers send forms with `Origin: null` */
    add(q, "X-Frame-Options", "DENY");
    add(q, "Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'");
    if (!evhttp_find_header(evhttp_request_get_output_headers(q->r), "Cache-Control"))
        add(q, "Cache-Control", "no-store");
    if (evhttp_request_get_command(q->r) == EVHTTP_REQ_HEAD) { /* evhttp would send the body after it */
        char length[32];
        snprintf(length, sizeof length, "%zu", q->out.len);
        add(q, "Content-Length", length);
    } else if (q->out.len) {
        evbuffer_add(b, q->out.bytes, q->out.len);
    }
    evhttp_send_reply(q->r, status, NULL, b);
    evbuffer_free(b);
}
/* RFC 9457. */
static void problem(struct ask *q, int status, const char *title, const char *detail)
{
    buf_clear(&q->out);
    buf_printf(&q->out, "{\"type\":\"about:blank\",\"status\":%d,\"title\":\"", status);
    buf_add_json(&q->out, span_of(title));
    buf_add_text(&q->out, "\",\"detail\":\"");
    buf_add_json(&q->out, span_of(detail));
    buf_add_text(&q->out, "\"}\n");
    if (status == 401)
        add(q, "WWW-Authenticate", "Bearer realm=\"vigie\"");
    answer(q, status, "application/problem+json");
}
static void redirect(struct ask *q, const char *where)
{
    add(q, "Location", where);
    answer(q, 303, "text/plain; charset=utf-8");
}
static enum language language(struct ask *q)
{
    const char *asked = evhttp_find_header(&q->query, "lang"), *cookie = header(q, "Cookie"), *accept = header(q, "Accept-Language");
    const char *kept = cookie ? strstr(cookie, "vigie_lang=") : NULL;
    if (asked && (strcmp(asked, "fr") == 0 || strcmp(asked, "en") == 0)) {
        add(q, "Set-Cookie", asked[0] == 'f' ? "vigie_lang=fr; Path=/; SameSite=Strict; Max-Age=31536000" : "vigie_lang=en; Path=/; SameSite=Strict; Max-Age=31536000");
        return asked[0] == 'f' ? FRENCH : ENGLISH;
    }
    if (kept)
        return kept[11] == 'f' ? FRENCH : ENGLISH;
    return language_of(span_of(accept));
}

/* ---- who may ---- */

static bool same_secret(struct span a, struct span b)
{
    /* Compared by digests of equal length, so neither length nor content shows in the time taken. */
    uint8_t x[32], y[32];
    unsigned n = sizeof x;
    return EVP_Digest(a.at ? a.at : "", a.len, x, &n, EVP_sha256(), NULL) && EVP_Digest(b.at ? b.at : "", b.len, y, &n, EVP_sha256(), NULL) && CRYPTO_memcmp(x, y, sizeof x) == 0;
}
static struct session *session_of(struct ask *q)
{
    const char *cookie = header(q, "Cookie");
    const char *at = cookie ? strstr(cookie, "vigie_session=") : NULL;
    time_t now = time(NULL);
    if (!at || strcspn(at + 14, "; ") != 64)
        return NULL;
    for (int i = 0; i < SESSIONS; i++)
        if (q->admin->sessions[i].until > now && same_secret((struct span){ at + 14, 64 }, span_of(q->admin->sessions[i].id)))
            return &q->admin->sessions[i];
    return NULL;
}
static bool has_bearer(struct ask *q)
{
    const char *authorization = header(q, "Authorization");
    return authorization && strncasecmp(authorization, "Bearer ", 7) == 0 && same_secret(span_trim(span_of(authorization + 7)), q->admin->source->token);
}
static bool is_allowed(struct ask *q)
{
    return !q->admin->source->token.len || has_bearer(q) || session_of(q);
}
static bool is_loopback_name(struct span host)
{
    char name[128];
    struct in_addr v4;
    struct in6_addr v6;
    if (host.len >= sizeof name)
        return false;
    if (host.len && host.at[0] == '[') {
        const char *close = memchr(host.at, ']', host.len);
        if (!close)
            return false;
        snprintf(name, sizeof name, "%.*s", (int)(close - host.at - 1), host.at + 1);
        return inet_pton(AF_INET6, name, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
    }
    const char *colon = memchr(host.at, ':', host.len);
    snprintf(name, sizeof name, "%.*s", (int)(colon ? (size_t)(colon - host.at) : host.len), host.at);
    return strcasecmp(name, "localhost") == 0 || (inet_pton(AF_INET, name, &v4) == 1 && (ntohl(v4.s_addr) >> 24) == 127);
}
static bool is_own_origin(struct ask *q)
{
    const char *origin = header(q, "Origin"), *site = header(q, "Sec-Fetch-Site"), *host = header(q, "Host");
    if (site && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0)
        return false;
    if (!origin)
        return true; /* browsers send one with every POST; programs need none */
    const char *at = strncmp(origin, "http://", 7) == 0 ? origin + 7 : strncmp(origin, "https://", 8) == 0 ? origin + 8 : NULL;
    return at && host && strcasecmp(at, host) == 0;
}

/* ---- what was asked ---- */

static struct span value(struct evkeyvalq *from, const char *name)
{
    return span_of(evhttp_find_header(from, name));
}
static bool parse_since(struct span s, int64_t *us)
{
    uint64_t ms;
    if (parse_duration_ms(s, 366ull * 100 * 86400000, &ms)) {
        struct timespec t;
        clock_gettime(CLOCK_REALTIME, &t);
        *us = ((int64_t)t.tv_sec - (int64_t)(ms / 1000)) * 1000000;
        return true;
    }
    return parse_time_us(s, us);
}
static const char *const filters[] = { "since", "until", "route", "model", "verdict", "rule", "caller", "text", "session", "join", "limit", "before", "lang" };
/* false: *bad names the parameter that cannot be. */
static bool read_filter(struct ask *q, struct record_filter *f, unsigned limit, const char **bad)
{
    struct evkeyval *x;
    uint32_t n = limit;
    *f = (struct record_filter){ 0 };
    TAILQ_FOREACH(x, &q->query, next) {
        bool known = false;
        for (size_t i = 0; i < sizeof filters / sizeof *filters; i++)
            if (strcmp(x->key, filters[i]) == 0) {
                known = true;
                *bad = filters[i];
            }
        if (!known || strlen(x->value) > VALUE_MOST) {
            *bad = known ? *bad : arena_printf(q->arena, "there is no parameter %.60s", x->key).at;
            return false;
        }
    }
    struct span since = value(&q->query, "since"), until = value(&q->query, "until"), most = value(&q->query, "limit");
    if ((*bad = "since", since.len && !parse_since(since, &f->since_us)) || (*bad = "until", until.len && !parse_since(until, &f->until_us))
        || (*bad = "limit", most.len && (!parse_u32(most, LIMIT_MOST, &n) || !n)))
        return false;
    f->limit = n;
    f->route = value(&q->query, "route");
    f->model = value(&q->query, "model");
    f->verdict = value(&q->query, "verdict");
    f->rule = value(&q->query, "rule");
    f->caller = value(&q->query, "caller");
    f->text = value(&q->query, "text");
    f->session = value(&q->query, "session");
    f->join = value(&q->query, "join");
    f->id_before = value(&q->query, "before");
    for (struct span rest = f->verdict; rest.len;) {
        const char *comma = memchr(rest.at, ',', rest.len);
        size_t len = comma ? (size_t)(comma - rest.at) : rest.len;
        struct span one = span_trim(span_cut(rest, 0, len));
        *bad = "verdict: allow, flag, redact or block";
        if (!span_is(one, "allow") && !span_is(one, "flag") && !span_is(one, "redact") && !span_is(one, "block"))
            return false;
        rest = span_cut(rest, comma ? len + 1 : len, rest.len);
    }
    *bad = "before: the id of a record";
    return !f->id_before.len || f->id_before.len == RECORD_ID_BYTES;
}
static struct store_reader *reader(struct ask *q)
{
    struct admin *a = q->admin;
    struct troubles *t = arena_alloc(q->arena, sizeof *t);
    t->arena = q->arena;
    if (!a->reader && a->source->data)
        a->reader = store_reader_open(a->source->data, t);
    if (a->reader) {
        /* Alarms, reload and other readers wait for this thread: no query may keep it, nor an index that lags be waited for by each request in turn. */
        store_reader_patience(a->reader, QUERY_MS);
        if (time(NULL) - a->unsettled > SETTLE_AGAIN_S && !store_reader_settle(a->reader, SETTLE_MS))
            a->unsettled = time(NULL);
    }
    return a->reader;
}

/* ---- JSON ---- */

struct json_list { struct buf *out; unsigned n; char last[RECORD_ID_BYTES + 1]; };
static bool add_one(void *context, const struct record *r)
{
    struct json_list *l = context;
    buf_add_text(l->out, l->n++ ? ",\n" : "\n");
    record_add_json(l->out, r, BODIES_NONE);
    memcpy(l->last, r->id, sizeof l->last);
    return true;
}
static void json_exchanges(struct ask *q, const char *verdicts)
{
    struct record_filter f;
    const char *bad = "";
    struct troubles *t = arena_alloc(q->arena, sizeof *t);
    t->arena = q->arena;
    if (!read_filter(q, &f, 50, &bad)) {
        problem(q, 400, "a parameter cannot be understood", bad);
        return;
    }
    if (verdicts && !f.verdict.len)
        f.verdict = span_of(verdicts);
    struct json_list l = { .out = &q->out };
    buf_add_text(&q->out, "{\"exchanges\":[");
    if (reader(q) && !store_reader_list(q->admin->reader, &f, add_one, &l, t) && t->n) {
        bool is_unknown = f.id_before.len && span_starts(span_of(t->list[0].what), "there is no record");
        problem(q, is_unknown ? 400 : 503, t->list[0].what, is_unknown ? "before: the id of a record" : t->list[0].hint);
        return;
    }
    buf_printf(&q->out, "],\"next\":%s%s%s}\n", l.n == f.limit ? "\"" : "", l.n == f.limit ? l.last : "null", l.n == f.limit ? "\"" : "");
    answer(q, 200, "application/json");
}
static bool is_id(struct span id)
{
    for (size_t i = 0; i < id.len; i++)
        if (!((id.at[i] >= '0' && id.at[i] <= '9') || (id.at[i] >= 'A' && id.at[i] <= 'Z')))
            return false;
    return id.len == RECORD_ID_BYTES;
}
static void json_exchange(struct ask *q, struct span id)
{
    struct record r;
    if (!is_id(id) || !reader(q) || !store_reader_get(q->admin->reader, q->arena, id, &r)) {
        problem(q, 404, "there is no such exchange", "give the id of a record");
        return;
    }
    record_add_json(&q->out, &r, BODIES_TEXT_OR_BASE64);
    const struct review *seen = reviews_find(q->admin->reviews, id);
    if (seen && q->out.len && q->out.bytes[q->out.len - 1] == '}') {
        q->out.len--;
        buf_printf(&q->out, ",\"review\":\"%s\",\"review_note\":\"", seen->is_confirmed ? "confirmed" : "false_alarm");
        buf_add_json(&q->out, seen->note);
        buf_add_text(&q->out, "\"}");
    }
    answer(q, 200, "application/json");
}
static void put_pair(struct buf *b, const char *key, const char *text)
{
    buf_printf(b, "\"%s\":\"", key);
    buf_add_json(b, span_of(text));
    buf_add_text(b, "\",");
}
struct rules_json { struct ask *q; unsigned n; };
static void add_rule(void *to, const struct rule *r, const char *routes, uint64_t hits)
{
    struct rules_json *x = to;
    struct buf *b = &x->q->out;
    uint64_t confirmed, alarms;
    buf_add_text(b, x->n++ ? ",{" : "{");
    put_pair(b, "id", r->id);
    put_pair(b, "pack", r->pack);
    put_pair(b, "action", action_names[r->action]);
    put_pair(b, "severity", severity_names[r->severity]);
    put_pair(b, "message", r->message);
    put_pair(b, "when", r->when_text ? r->when_text : "");
    put_pair(b, "routes", routes);
    reviews_of_rule(x->q->admin->reviews, span_of(r->id), &confirmed, &alarms);
    buf_printf(b, "\"version\":%u,\"hits\":%llu,\"confirmed\":%llu,\"false_alarms\":%llu}", r->version, (unsigned long long)hits, (unsigned long long)confirmed, (unsigned long long)alarms);
}
static void json_alarms(struct ask *q)
{
    struct buf d = { .cap = 16 << 20 };
    struct json doc;
    const char *why = "";
    unsigned n = 0;
    buf_add_text(&q->out, "{\"alarms\":[");
    if (!q->admin->source->is_ready(q->admin->source->context, &why)) {
        buf_printf(&q->out, "{\"kind\":\"not_ready\",\"severity\":\"critical\",\"what\":\"");
        buf_add_json(&q->out, span_of(why));
        buf_add_text(&q->out, "\"}");
        n++;
    }
    q->admin->source->drift(q->admin->source->context, &d);
    if (json_read(&doc, q->arena, buf_span(&d))) {
        struct jv_walk w = jv_walk(jv_get(json_root(&doc), "routes"));
        while (jv_next(&w))
            if (jv_text_is(jv_path(w.value, "watch.state"), "drift")) {
                buf_printf(&q->out, "%s{\"kind\":\"drift\",\"severity\":\"high\",\"route\":\"", n++ ? "," : "");
                buf_add_json(&q->out, jv_text(jv_get(w.value, "route"), q->arena));
                buf_add_text(&q->out, "\",\"what\":\"");
                buf_add_json(&q->out, jv_text(jv_path(w.value, "watch.what"), q->arena));
                buf_add_text(&q->out, "\"}");
            }
    }
    buf_free(&d);
    buf_add_text(&q->out, "]}\n");
    answer(q, 200, "application/json");
}
static void json_baselines(struct ask *q)
{
    struct buf d = { .cap = 16 << 20 };
    struct json doc;
    unsigned n = 0;
    buf_add_text(&q->out, "{\"baselines\":[");
    q->admin->source->drift(q->admin->source->context, &d);
    if (json_read(&doc, q->arena, buf_span(&d))) {
        struct jv_walk w = jv_walk(jv_get(json_root(&doc), "routes"));
        while (jv_next(&w)) {
            buf_printf(&q->out, "%s{\"route\":\"", n++ ? "," : "");
            buf_add_json(&q->out, jv_text(jv_get(w.value, "route"), q->arena));
            buf_add_text(&q->out, "\",\"state\":\"");
            buf_add_json(&q->out, jv_text(jv_path(w.value, "watch.state"), q->arena));
            buf_add_text(&q->out, "\",\"observations\":");
            buf_add(&q->out, jv_source(jv_path(w.value, "watch.baseline")));
            buf_add_char(&q->out, '}');
        }
    }
    buf_free(&d);
    buf_add_text(&q->out, "]}\n");
    answer(q, 200, "application/json");
}

/* ---- changes ---- */

static void post_reload(struct ask *q)
{
    struct troubles *t = arena_alloc(q->arena, sizeof *t);
    char what[512] = "";
    t->arena = q->arena;
    bool ok = q->admin->source->reload(q->admin->source->context, t, what);
    buf_printf(&q->out, "{\"reloaded\":%s,\"what\":\"", ok ? "true" : "false");
    buf_add_json(&q->out, span_of(what));
    buf_add_text(&q->out, "\",\"problems\":[");
    for (unsigned i = 0; i < t->n; i++) {
        buf_add_text(&q->out, i ? ",{" : "{");
        put_pair(&q->out, "file", t->list[i].file ? t->list[i].file : "");
        put_pair(&q->out, "what", t->list[i].what);
        put_pair(&q->out, "hint", t->list[i].hint);
        buf_printf(&q->out, "\"line\":%u,\"column\":%u,\"warning\":%s}", t->list[i].line, t->list[i].column, t->list[i].is_warning ? "true" : "false");
    }
    buf_add_text(&q->out, "]}\n");
    answer(q, ok ? 200 : 422, "application/json");
}
static struct span body_of(struct ask *q)
{
    struct evbuffer *in = evhttp_request_get_input_buffer(q->r);
    size_t n = evbuffer_get_length(in);
    return (struct span){ n ? (const char *)evbuffer_pullup(in, -1) : "", n };
}
/* Form fields or a JSON object: a program's or a page's way. */
static struct span field_of(struct ask *q, struct evkeyvalq *form, struct json *doc, const char *name)
{
    struct span s = value(form, name);
    return s.len || doc->bad || !doc->nodes ? s : jv_text(jv_get(json_root(doc), name), q->arena);
}
static void post_review(struct ask *q, struct span id, bool is_page)
{
    struct evkeyvalq form = { 0 };
    struct json doc = { .bad = "none" };
    struct record rec;
    struct review x = { 0 };
    const char *why = "";
    struct span body = body_of(q);
    TAILQ_INIT(&form);
    if (body.len && body.at[0] == '{')
        json_read(&doc, q->arena, body);
    else
        evhttp_parse_query_str(arena_text(q->arena, body), &form);
    struct span said = field_of(q, &form, &doc, "review"), note = field_of(q, &form, &doc, "note");
    bool is_confirmed = span_is(said, "confirmed"), is_false = span_is(said, "false_alarm") || span_is(said, "false alarm");
    if (!is_id(id) || !reader(q) || !store_reader_get(q->admin->reader, q->arena, id, &rec)) {
        problem(q, 404, "there is no such exchange", "give the id of a record");
    } else if ((!is_confirmed && !is_false) || note.len > REVIEW_NOTE_MOST) {
        problem(q, 400, note.len > REVIEW_NOTE_MOST ? "note is too long" : "review must be confirmed or false_alarm", "review");
    } else {
        struct timespec t;
        clock_gettime(CLOCK_REALTIME, &t);
        memcpy(x.id, rec.id, sizeof x.id);
        x.is_confirmed = is_confirmed;
        x.at_us = (int64_t)t.tv_sec * 1000000;
        x.rule = rec.rule;
        x.note = note;
        if (!reviews_add(q->admin->reviews, &x, &why))
            problem(q, 503, "the review could not be kept", why);
        else if (is_page)
            redirect(q, arena_printf(q->arena, "/exchange/%s", rec.id).at);
        else {
            buf_printf(&q->out, "{\"id\":\"%s\",\"review\":\"%s\"}\n", rec.id, is_confirmed ? "confirmed" : "false_alarm");
            answer(q, 200, "application/json");
        }
    }
    evhttp_clear_headers(&form);
}
static void post_login(struct ask *q, struct page *p)
{
    struct evkeyvalq form = { 0 };
    TAILQ_INIT(&form);
    evhttp_parse_query_str(arena_text(q->arena, body_of(q)), &form);
    struct span token = span_trim(value(&form, "token"));
    if (q->admin->source->token.len && same_secret(token, q->admin->source->token)) {
        struct session *s = &q->admin->sessions[0];
        unsigned char random[32];
        for (int i = 1; i < SESSIONS; i++) /* the one that ends first gives way */
            if (q->admin->sessions[i].until < s->until)
                s = &q->admin->sessions[i];
        must(RAND_bytes(random, sizeof random) == 1);
        for (int i = 0; i < 32; i++)
            snprintf(s->id + 2 * i, 3, "%02x", random[i]);
        s->until = time(NULL) + SESSION_S;
        add(q, "Set-Cookie", arena_printf(q->arena, "vigie_session=%s; Path=/; HttpOnly; SameSite=Strict; Max-Age=%d", s->id, SESSION_S).at);
        redirect(q, "/");
    } else {
        page_login(p, true);
        answer(q, 403, "text/html; charset=utf-8");
    }
    evhttp_clear_headers(&form);
}

/* ---- events ---- */

static void listener_gone(struct evhttp_connection *c, void *context)
{
    struct listener_of *l = context;
    (void)c;
    /* A request that is still being answered when its client leaves is taken off its connection and left to us. */
    if (!evhttp_request_get_connection(l->request))
        evhttp_request_free(l->request);
    l->request = NULL;
}
static void get_events(struct ask *q)
{
    bool is_alone = true;
    for (int i = 0; i < LISTENERS; i++)
        is_alone &= !q->admin->listeners[i].request;
    reader(q);
    if (is_alone) { /* from now on */
        struct timespec t;
        clock_gettime(CLOCK_REALTIME, &t);
        q->admin->told_us = (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
        q->admin->told_id[0] = 0;
        buf_clear(&q->admin->states);
    }
    for (int i = 0; i < LISTENERS; i++) {
        struct listener_of *l = &q->admin->listeners[i];
        if (l->request)
            continue;
        l->request = q->r;
        l->admin = q->admin;
        l->idle = 0;
        guests_stays(q->admin->guests, q->r);
        add(q, "Content-Type", "text/event-stream");
        add(q, "Cache-Control", "no-store");
        evhttp_connection_set_closecb(evhttp_request_get_connection(q->r), listener_gone, l);
        evhttp_send_reply_start(q->r, 200, "OK");
        struct evbuffer *b = evbuffer_new();
        must(b != NULL);
        evbuffer_add_printf(b, "retry: 5000\n\n");
        evhttp_send_reply_chunk(q->r, b);
        evbuffer_free(b);
        return;
    }
    problem(q, 503, "too many listen already", "close a page");
}
struct fresh { struct buf *out; const char *until; char first[RECORD_ID_BYTES + 1]; unsigned n; };
static bool add_fresh(void *context, const struct record *r)
{
    struct fresh *f = context;
    if (strcmp(r->id, f->until) == 0)
        return false;
    if (!f->n++)
        memcpy(f->first, r->id, sizeof f->first);
    buf_printf(f->out, "event: flag\nid: %s\ndata: {\"id\":\"%s\",\"verdict\":\"%.*s\",\"rule\":\"", r->id, r->id, (int)r->verdict.len, r->verdict.at);
    buf_add_json(f->out, r->rule);
    buf_add_text(f->out, "\"}\n\n");
    return true;
}
static void on_pulse(evutil_socket_t fd, short what, void *context)
{
    struct admin *a = context;
    bool any = false;
    (void)fd, (void)what;
    guests_pulse(a->guests);
    for (int i = 0; i < LISTENERS; i++)
        any |= a->listeners[i].request != NULL;
    if (!any || !a->reader)
        return;
    struct buf out = { .cap = 256 * 1024 };
    struct arena *arena = arena_new(1 << 20);
    struct troubles *t = arena_alloc(arena, sizeof *t);
    t->arena = arena;
    struct record_filter f = { .verdict = SPAN("flag,redact,block"), .limit = 20, .since_us = a->told_us };
    struct fresh fresh = { .out = &out, .until = a->told_id };
    store_reader_list(a->reader, &f, add_fresh, &fresh, t);
    struct buf drift = { .cap = 16 << 20 }, states = { .cap = 64 * 1024 };
    struct json doc;
    a->source->drift(a->source->context, &drift);
    if (json_read(&doc, arena, buf_span(&drift))) {
        struct jv_walk w = jv_walk(jv_get(json_root(&doc), "routes"));
        while (jv_next(&w)) {
            buf_add_text(&states, states.len ? ",{\"route\":\"" : "{\"route\":\"");
            buf_add_json(&states, jv_text(jv_get(w.value, "route"), arena));
            buf_printf(&states, "\",\"state\":\"" SPAN_FMT "\"}", SPAN_ARG(jv_text(jv_path(w.value, "watch.state"), arena)));
        }
    }
    if (a->states.len && !span_same(buf_span(&a->states), buf_span(&states)))
        buf_printf(&out, "event: drift\ndata: {\"routes\":[%s]}\n\n", states.bytes ? states.bytes : "");
    buf_clear(&a->states);
    buf_add(&a->states, buf_span(&states));
    buf_free(&drift);
    buf_free(&states);
    if (fresh.n)
        memcpy(a->told_id, fresh.first, sizeof a->told_id);
    for (int i = 0; i < LISTENERS; i++) {
        struct listener_of *l = &a->listeners[i];
        if (!l->request)
            continue;
        struct evbuffer *b = evbuffer_new();
        must(b != NULL);
        if (out.len)
            evbuffer_add(b, out.bytes, out.len);
        else if (++l->idle % 15 == 0)
            evbuffer_add_printf(b, ": still here\n\n");
        /* A listener that does not read is not waited for. */
        struct bufferevent *bev = evhttp_connection_get_bufferevent(evhttp_request_get_connection(l->request));
        if (evbuffer_get_length(b) && (!bev || evbuffer_get_length(bufferevent_get_output(bev)) < 1 << 20))
            evhttp_send_reply_chunk(l->request, b);
        evbuffer_free(b);
    }
    buf_free(&out);
    arena_free(arena);
}

/* ---- which answer ---- */

enum { READS = 1, CHANGES = 2 };
static bool is_review(struct span path, const char *prefix)
{
    size_t n = strlen(prefix);
    return span_starts(path, prefix) && span_ends(path, "/review") && path.len == n + RECORD_ID_BYTES + 7;
}
/* What may be done with a path; 0: there is no such path. */
static unsigned methods_of(struct span path)
{
    static const char *const read[] = { "/", "/flags", "/exchanges", "/drift", "/rules", "/metrics", "/healthz", "/readyz", "/assets/vigie.css", "/assets/vigie.js", "/assets/vigie.svg",
                                        "/api/v1/exchanges", "/api/v1/flags", "/api/v1/alarms", "/api/v1/drift", "/api/v1/baselines", "/api/v1/rules", "/api/v1/routes", "/api/v1/events" };
    for (size_t i = 0; i < sizeof read / sizeof *read; i++)
        if (span_is(path, read[i]))
            return READS;
    if (span_is(path, "/login"))
        return READS | CHANGES;
    if (span_is(path, "/logout") || span_is(path, "/api/v1/reload") || is_review(path, "/api/v1/exchanges/") || is_review(path, "/exchange/"))
        return CHANGES;
    return span_starts(path, "/exchange/") || span_starts(path, "/api/v1/exchanges/") ? READS : 0;
}
static bool is_method_right(struct ask *q, unsigned may)
{
    enum evhttp_cmd_type asked = evhttp_request_get_command(q->r);
    if (!may || (asked == EVHTTP_REQ_POST ? may & CHANGES : (asked == EVHTTP_REQ_GET || asked == EVHTTP_REQ_HEAD) && may & READS))
        return true;
    const char *allow = may == READS ? "GET, HEAD" : may == CHANGES ? "POST" : "GET, HEAD, POST";
    add(q, "Allow", allow);
    problem(q, 405, "this path does not take this method", arena_printf(q->arena, "it takes %s", allow).at);
    return false;
}

static void asset(struct ask *q, const char *text, const char *type)
{
    buf_add_text(&q->out, text);
    add(q, "Cache-Control", "max-age=300");
    answer(q, 200, type);
}
static void page(struct ask *q)
{
    struct admin *a = q->admin;
    const struct admin_source *s = a->source;
    struct page p = { .out = &q->out, .arena = arena_new(256 << 20), .language = language(q), .has_login = s->token.len > 0 };
    struct span path = span_of(q->path), rest;
    const char *bad = "";
    struct record_filter f;
    int status = 200;
    if (span_is(path, "/login") && q->is_post) {
        post_login(q, &p);
        arena_free(p.arena);
        return;
    }
    if (span_is(path, "/login")) {
        page_login(&p, false);
    } else if (span_is(path, "/")) {
        page_overview(&p, s, reader(q));
    } else if (span_is(path, "/flags") || span_is(path, "/exchanges")) {
        if (read_filter(q, &f, 50, &bad)) {
            if (!page_list(&p, reader(q), &f, path.at[1] == 'f', value(&q->query, "since"), value(&q->query, "until"), a->reviews))
                status = 503;
        } else {
            page_bad_filter(&p, bad);
            status = 400;
        }
    } else if (span_starts(path, "/exchange/") && (rest = span_cut(path, 10, path.len), true)) {
        if (!is_id(rest) || !page_exchange(&p, reader(q), rest, a->reviews)) {
            page_message(&p, WORD_EXCHANGE, T(&p, NO_EXCHANGE));
            status = 404;
        }
    } else if (span_is(path, "/drift")) {
        page_drift(&p, s);
    } else if (span_is(path, "/rules")) {
        page_rules(&p, s, a->reviews);
    } else {
        page_message(&p, WORD_OVERVIEW, T(&p, NOT_FOUND));
        status = 404;
    }
    answer(q, status, "text/html; charset=utf-8");
    arena_free(p.arena);
}
static void api(struct ask *q, struct span rest)
{
    const struct admin_source *s = q->admin->source;
    if (q->is_post) {
        if (span_is(rest, "reload"))
            post_reload(q);
        else if (is_review(rest, "exchanges/"))
            post_review(q, span_cut(rest, 10, 10 + RECORD_ID_BYTES), false);
        else
            problem(q, 404, "there is nothing to POST to here", q->path);
        return;
    }
    if (span_is(rest, "exchanges"))
        json_exchanges(q, NULL);
    else if (span_is(rest, "flags"))
        json_exchanges(q, "flag,redact,block");
    else if (span_starts(rest, "exchanges/"))
        json_exchange(q, span_cut(rest, 10, rest.len));
    else if (span_is(rest, "alarms"))
        json_alarms(q);
    else if (span_is(rest, "baselines"))
        json_baselines(q);
    else if (span_is(rest, "events"))
        get_events(q);
    else if (span_is(rest, "drift") || span_is(rest, "routes")) {
        (span_is(rest, "drift") ? s->drift : s->routes)(s->context, &q->out);
        buf_add_char(&q->out, '\n');
        answer(q, 200, "application/json");
    } else if (span_is(rest, "rules")) {
        struct rules_json x = { .q = q };
        buf_add_text(&q->out, "{\"rules\":[");
        s->rules(s->context, add_rule, &x);
        buf_add_text(&q->out, "]}\n");
        answer(q, 200, "application/json");
    } else {
        problem(q, 404, "there is no such resource", q->path);
    }
}
static void route(struct ask *q)
{
    struct admin *a = q->admin;
    struct span path = span_of(q->path);
    const char *why = "";
    unsigned may = methods_of(path);
    bool is_open = span_is(path, "/healthz") || span_is(path, "/readyz") || span_is(path, "/login") || span_starts(path, "/assets/");
    if (is_open && !is_method_right(q, may))
        return;
    if (span_is(path, "/healthz")) {
        buf_add_text(&q->out, "ok\n");
        answer(q, 200, "text/plain; charset=utf-8");
        return;
    }
    if (span_is(path, "/readyz")) {
        bool ready = a->source->is_ready(a->source->context, &why);
        buf_printf(&q->out, "%s\n", ready ? "ready" : why);
        answer(q, ready ? 200 : 503, "text/plain; charset=utf-8");
        return;
    }
    if (!a->source->token.len && !is_loopback_name(span_of(header(q, "Host")))) {
        problem(q, 421, "this name is not ours", "ask for 127.0.0.1 or localhost, or set admin.token");
        return;
    }
    if (q->is_post && !is_own_origin(q)) {
        problem(q, 403, "a change may only be asked for from these pages or by a program", "Origin");
        return;
    }
    if (span_is(path, "/assets/vigie.css"))
        asset(q, page_style, "text/css; charset=utf-8");
    else if (span_is(path, "/assets/vigie.js"))
        asset(q, page_script, "text/javascript; charset=utf-8");
    else if (span_is(path, "/assets/vigie.svg"))
        asset(q, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 32 32\"><rect width=\"32\" height=\"32\" rx=\"7\" fill=\"#0f5c7a\"/><path d=\"M16 6v20M10 14h12l-2 6h-8zM16 6l6 3-6 3z\" fill=\"none\" stroke=\"#fff\" stroke-width=\"2\" stroke-linejoin=\"round\"/></svg>", "image/svg+xml");
    else if (span_is(path, "/login"))
        page(q);
    else if (!is_allowed(q)) {
        const char *accept = header(q, "Accept");
        if (!q->is_post && accept && strstr(accept, "text/html"))
            redirect(q, "/login");
        else
            problem(q, 401, "a token is wanted", "send Authorization: Bearer with the admin token");
    } else if (!is_method_right(q, may)) {
        return;
    } else if (span_is(path, "/logout")) {
        struct session *s = session_of(q);
        if (s)
            s->until = 0;
        add(q, "Set-Cookie", "vigie_session=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0");
        redirect(q, "/login");
    } else if (span_is(path, "/metrics")) {
        a->source->metrics(a->source->context, &q->out);
        answer(q, 200, "text/plain; version=0.0.4; charset=utf-8");
    } else if (span_starts(path, "/api/v1/")) {
        api(q, span_cut(path, 8, path.len));
    } else if (is_review(path, "/exchange/")) {
        post_review(q, span_cut(path, 10, 10 + RECORD_ID_BYTES), true);
    } else if (q->is_post) {
        problem(q, 404, "there is nothing to POST to here", q->path);
    } else {
        page(q);
    }
}
static void on_request(struct evhttp_request *r, void *context)
{
    struct ask q = { .admin = context, .r = r, .arena = arena_new(256 << 20), .out = { .cap = 256 << 20 } };
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(r);
    const char *query = uri ? evhttp_uri_get_query(uri) : NULL;
    q.path = uri && evhttp_uri_get_path(uri) ? evhttp_uri_get_path(uri) : "/";
    q.is_post = evhttp_request_get_command(r) == EVHTTP_REQ_POST;
    TAILQ_INIT(&q.query);
    unsigned hosts = 0;
    struct evkeyval *h;
    TAILQ_FOREACH(h, evhttp_request_get_input_headers(r), next)
        hosts += strcasecmp(h->key, "host") == 0;
    if (!guests_asks(q.admin->guests, r))
        problem(&q, 503, "too many answers are under way", "ask again when others have been taken");
    else if (hosts > 1 || (uri && evhttp_uri_get_host(uri)))
        problem(&q, 400, "a request for one host in origin-form is wanted", "Host");
    else if (query && (strlen(query) > 8192 || evhttp_parse_query_str(query, &q.query) != 0))
        problem(&q, 400, "the query cannot be read", "query");
    else
        route(&q);
    evhttp_clear_headers(&q.query);
    buf_free(&q.out);
    arena_free(q.arena);
}

struct admin *admin_new(const struct admin_source *source, struct event_base *base, struct troubles *t)
{
    struct admin *a = calloc(1, sizeof *a);
    char host[256];
    must(a != NULL);
    a->source = source;
    a->base = base;
    a->http = evhttp_new(base);
    must(a->http != NULL);
    /* All that evhttp knows, so that a path can say what it takes. */
    evhttp_set_allowed_methods(a->http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST | EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE | EVHTTP_REQ_PATCH | EVHTTP_REQ_OPTIONS | EVHTTP_REQ_TRACE);
    evhttp_set_max_body_size(a->http, BODY_MOST);
    evhttp_set_max_headers_size(a->http, HEAD_MOST);
    evhttp_set_timeout(a->http, 60);
    evhttp_set_gencb(a->http, on_request, a);
    snprintf(host, sizeof host, "%.*s", (int)(source->host.len < 255 ? source->host.len : 255), source->host.at);
    a->socket = evhttp_bind_socket_with_handle(a->http, host, (uint16_t)source->port);
    if (!a->socket) {
        trouble_add(t, NULL, 0, 0, "is another process using it? name another address under admin.listen", "the admin surface cannot listen on %s:%u: %s", host, source->port, strerror(errno));
        evhttp_free(a->http);
        free(a);
        return NULL;
    }
    struct sockaddr_storage address;
    socklen_t n = sizeof address;
    if (getsockname(evhttp_bound_socket_get_fd(a->socket), (struct sockaddr *)&address, &n) == 0)
        a->port = ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port : ((struct sockaddr_in *)&address)->sin_port);
    a->guests = guests_new(a->http, a->socket);
    if (source->data)
        a->reviews = reviews_open(source->data);
    a->told_us = source->started_us;
    a->pulse = event_new(base, -1, EV_PERSIST, on_pulse, a);
    struct timeval every = { 1, 0 };
    event_add(a->pulse, &every);
    return a;
}
void admin_free(struct admin *a)
{
    if (!a)
        return;
    event_free(a->pulse);
    for (int i = 0; i < LISTENERS; i++)
        if (a->listeners[i].request)
            evhttp_connection_set_closecb(evhttp_request_get_connection(a->listeners[i].request), NULL, NULL);
    evhttp_free(a->http);
    guests_free(a->guests);
    store_reader_close(a->reader);
    reviews_free(a->reviews);
    buf_free(&a->states);
    free(a);
}
unsigned admin_port(const struct admin *a)
{
    return a->port;
}
