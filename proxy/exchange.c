/* SPDX-License-Identifier: Apache-2.0
 * An exchange, request side: from the head to the call of the upstream. answer.c has the other half.
 *
 * The body is read whole before the upstream hears of it when some prompt rule acts (not a byte of a blocked prompt leaks), and anyway
 * when it is short; else it streams through with back-pressure while a bounded copy is kept for readers and record. */
#include "proxy/worker.h"
#include "base/must.h"
#include <stdlib.h>
#include <time.h>

/* ---- beginning ---- */

static void move(struct span *s, struct span from, const char *to)
{
    if (s->at && s->at >= from.at && s->at <= from.at + from.len)
        s->at = to + (s->at - from.at);
}
static bool is_for_vigie(struct span name)
{
    return name.len > 8 && strncasecmp(name.at, "x-vigie-", 8) == 0;
}
static struct span header_of(void *context, const char *name)
{
    return http_field_value(&((struct exchange *)context)->head, name);
}
void exchange_facts(struct exchange *x, struct facts *f)
{
    *f = (struct facts){
        .route = x->route->name, .model = x->t ? x->t->model : (struct span){ 0 }, .caller = x->caller,
        .session = http_field_value(&x->head, "x-vigie-session"), .method = x->head.method, .path = x->rest,
        .header = header_of, .context = x, .now_us = x->at_us, .rates = x->w->rates,
    };
}
static void request_done(struct exchange *x);

void exchange_begin(struct client *c, const struct http_head *head, struct span head_bytes, struct arena *arena)
{
    struct worker *w = c->conn->w;
    const struct listener *on = c->conn->on->l;
    struct exchange *x = arena_alloc(arena, sizeof *x);
    struct span kept = arena_copy(arena, head_bytes);
    struct timespec wall;
    x->w = w;
    x->client = c;
    x->arena = arena;
    x->head = *head;
    struct span *spans[] = { &x->head.method, &x->head.target, &x->head.path, &x->head.query, &x->head.host, &x->head.reason };
    for (size_t i = 0; i < sizeof spans / sizeof *spans; i++)
        move(spans[i], head_bytes, kept.at);
    for (size_t i = 0; i < x->head.nfields; i++) {
        move(&x->head.fields[i].name, head_bytes, kept.at);
        move(&x->head.fields[i].value, head_bytes, kept.at);
    }
    x->start_ns = x->turn_ns = clock_ns();
    clock_gettime(CLOCK_REALTIME, &wall);
    x->at_us = (int64_t)wall.tv_sec * 1000000 + wall.tv_nsec / 1000;
    record_id_new(x->id, x->at_us);
    x->hold = w->now;
    x->hold->users++;
    x->keeps_alive = x->head.is_keep_alive && !w->is_stopping;
    x->is_head_request = span_is(x->head.method, "HEAD");
    x->is_body_done = x->head.framing == HTTP_NO_BODY || (x->head.framing == HTTP_LENGTH && x->head.length == 0);
    verdict_begin(&x->v);
    c->x = x;
    count(&w->metrics->exchanges_open, 1);

    const char *why = NULL;
    if (!on) {
        exchange_refuse(x, 503, "listener_closed", "this address is no longer served", NULL, false);
        return;
    }
    if (!http_path_is_plain(x->head.path, &why)) {
        exchange_refuse(x, 400, "bad_request", why, NULL, false);
        return;
    }
    x->route = config_route(x->hold->g->config, on, x->head.path, &x->rest);
    if (!x->route) {
        count(&w->metrics->unrouted, 1);
        exchange_refuse(x, 404, "no_route", "no route of vigie takes this path: see `routes` in its configuration", NULL, false);
        return;
    }
    int slot = x->hold->g->route_slots[x->route->index];
    x->m = &w->metrics->routes[slot < 0 ? METRIC_ROUTES_MOST - 1 : slot];
    x->api = x->route->own_api ? x->route->own_api : api_find(x->route->api, x->head.method, x->rest);
    x->caller = caller_of(x);
    const struct limits *l = &x->route->limits;
    if (x->head.framing == HTTP_LENGTH && x->head.length > l->body) {
        exchange_refuse(x, 413, "request_too_large", "the request's body is larger than this route takes", NULL, true);
        return;
    }
    if (x->route->record == RECORD_DURABLE && x->route->on_store_failure == FAILURE_REFUSE && atomic_load_explicit(&w->is_store_failing, memory_order_relaxed)) {
        count(&x->m->troubles[TROUBLE_STORE], 1);
        exchange_refuse(x, 503, "store_unavailable", "this exchange could not be recorded, and the route's policy is to refuse it then", NULL, false);
        return;
    }
    if (!exchange_admit_head(x))
        return;
    const struct ruleset_needs *n = &x->route->needs;
    bool has_body = x->head.framing != HTTP_NO_BODY;
    x->body.cap = l->body;
    x->streams_body = has_body && !n->acts_on_prompt && !x->route->rates_wait_for_prompt && (x->head.framing == HTTP_CHUNKED || x->head.length > WHOLE_BODY);
    if (has_body && x->head.expects_continue)
        c->ops->interim(c, 100, SPAN("Continue"), NULL, 0);
    if (x->streams_body) {
        exchange_start_upstream(x);
        if (x->is_refused)
            return;
    }
    if (x->is_body_done)
        request_done(x);
}

/* ---- the body ---- */

/* How much of a streaming body is worth keeping: what readers look at, or what the record keeps. */
static size_t keep_most(const struct exchange *x)
{
    size_t most = x->route->record != RECORD_OFF ? x->route->limits.keep : 0;
    if ((x->route->needs.reads_prompt || x->route->record != RECORD_OFF) && most < READ_MOST)
        most = READ_MOST;
    return most;
}
bool exchange_body(struct exchange *x, struct span data)
{
    if (x->is_refused)
        return false;
    x->request_bytes += data.len;
    if (x->request_bytes > x->route->limits.body) {
        count(&x->m->troubles[TROUBLE_TOO_LARGE], 1);
        exchange_refuse(x, 413, "request_too_large", "the request's body is larger than this route takes", NULL, true);
        return false;
    }
    if (!x->streams_body) {
        buf_add(&x->body, data);
        return true;
    }
    size_t most = keep_most(x), room = most > x->body.len ? most - x->body.len : 0;
    if ((data.len > room || x->request_hash) && x->route->record != RECORD_OFF)
        digest_more(x, &x->request_hash, buf_span(&x->body), data);
    buf_add(&x->body, span_cut(data, 0, data.len < room ? data.len : room));
    x->is_body_cut |= data.len > room;
    size_t n = x->up && !x->spill.len ? upstream_write(x->up, data) : 0;
    if (n < data.len && x->up)
        buf_add(&x->spill, span_cut(data, n, data.len));
    return true;
}
static void spill_on(struct exchange *x)
{
    if (x->spill.len && x->up) {
        size_t n = upstream_write(x->up, buf_span(&x->spill));
        buf_drop(&x->spill, n);
    }
    if (!x->spill.len) {
        buf_free(&x->spill);
        if (x->is_body_done && x->up)
            upstream_write_end(x->up);
    }
}
bool exchange_is_full(const struct exchange *x)
{
    return x->spill.len > 0;
}
void exchange_body_end(struct exchange *x)
{
    x->is_body_done = true;
    if (!x->is_refused)
        request_done(x);
}

static void count_not_run(struct exchange *x)
{
    for (size_t i = 0; i < CHECKS; i++)
        if (x->v.scores[0][i].not_run)
            count(&x->m->not_run[i], 1);
}
/* Reads the prompt into a transcript. */
static void read_prompt(struct exchange *x)
{
    const struct ruleset_needs *n = &x->route->needs;
    const char *why = NULL;
    if (x->is_prompt_read || (!n->reads_prompt && !n->reads_answer && !x->route->rates_wait_for_prompt && x->route->record == RECORD_OFF))
        return;
    x->is_prompt_read = true;
    if (!x->t) /* an early answer may have made it */
        x->t = api_transcript(x->arena, x->api);
    if (x->is_body_cut || !content_decode(x->arena, http_field_value(&x->head, "content-encoding"), buf_span(&x->body), x->route->limits.body, &x->plain_body, &why)) {
        x->t->prompt_reading = READING_UNREAD;
        x->t->unread_why = why ? why : "longer than is read";
    } else {
        x->api->request(x->t, x->rest, http_field_value(&x->head, "content-type"), x->plain_body);
    }
    if (x->t->prompt_reading == READING_UNREAD)
        count(&x->m->troubles[TROUBLE_UNREAD], 1);
}
static void judge(struct exchange *x)
{
    struct facts facts;
    read_prompt(x);
    x->is_prompt_judged = x->is_prompt_read;
    if (x->route->needs.reads_prompt) {
        exchange_facts(x, &facts);
        struct check_env env = x->route->env;
        env.quiet = x->w->quiet;
        judge_prompt(x->route->rules, &env, x->t, &facts, &x->v);
        count_not_run(x);
    }
}
static void request_done(struct exchange *x)
{
    if (x->streams_body) {
        spill_on(x);
        judge(x);
        x->busy_ns += clock_ns() - x->turn_ns;
        return;
    }
    if (x->route->rates_wait_for_prompt) {
        read_prompt(x);
        if (!exchange_admit_prompt(x))
            return;
    }
    if (x->route->needs.acts_on_prompt) {
        judge(x);
        if (x->v.action == ACTION_BLOCK) {
            exchange_refuse(x, 403, "policy_blocked", x->v.rule && x->v.rule->message[0] ? x->v.rule->message : "blocked by policy",
                            x->v.rule ? x->v.rule->id : NULL, true);
            return;
        }
        if (x->v.nredactions) {
            struct buf redacted = { .cap = x->route->limits.body * 2 };
            if (!redact_prompt(x, &redacted)) {
                buf_free(&redacted);
                exchange_refuse(x, 403, "policy_blocked", "the request holds something that must be redacted, and could not be", x->v.rule ? x->v.rule->id : NULL, true);
                return;
            }
            x->replaced = x->body;
            x->body = redacted;
            x->is_body_redacted = true;
        }
        exchange_start_upstream(x);
    } else {
        /* Nothing waits for this judgement, so the upstream is called first. */
        exchange_start_upstream(x);
        if (!x->is_refused)
            judge(x);
    }
    x->busy_ns += clock_ns() - x->turn_ns;
}

/* ---- the upstream ---- */

static bool is_removed(const struct exchange *x, struct span name)
{
    const struct route *r = x->route;
    for (size_t i = 0; i < r->nremoved; i++)
        if (name.len == r->removed[i].len && strncasecmp(name.at, r->removed[i].at, name.len) == 0)
            return true;
    for (size_t i = 0; i < r->nset; i++)
        if (name.len == r->set[i].name.len && strncasecmp(name.at, r->set[i].name.at, name.len) == 0)
            return true;
    return x->is_body_redacted && span_is_nocase(name, "content-encoding");
}
static void make_fields(struct exchange *x)
{
    const struct route *r = x->route;
    x->fields = arena_alloc_raw(x->arena, (x->head.nfields + r->nset) * sizeof *x->fields);
    for (size_t i = 0; i < x->head.nfields; i++) {
        struct span name = x->head.fields[i].name;
        if (!http_is_hop_by_hop(&x->head, name) && !is_for_vigie(name) && !span_is_nocase(name, "expect") && !is_removed(x, name))
            x->fields[x->nfields++] = x->head.fields[i];
    }
    for (size_t i = 0; i < r->nset; i++)
        x->fields[x->nfields++] = (struct http_field){ r->set[i].name, r->set[i].value };
}
/* The next upstream to try: by weight in turn, those that were down lately last; each at most once an exchange. */
static const struct upstream_url *choose(struct exchange *x)
{
    const struct route *r = x->route;
    unsigned n = r->nupstreams < UPSTREAMS_MOST ? (unsigned)r->nupstreams : UPSTREAMS_MOST, total = 0;
    uint64_t *down = x->hold->down_until[r->index];
    for (unsigned i = 0; i < n; i++)
        total += r->upstreams[i].weight;
    if (!total)
        return NULL;
    unsigned at = n > 1 ? x->hold->turn[r->index]++ % total : 0, first = 0;
    while (first < n - 1 && at >= r->upstreams[first].weight)
        at -= r->upstreams[first++].weight;
    for (int take_down = 0; take_down < 2; take_down++)
        for (unsigned k = 0; k < n; k++) {
            unsigned i = (first + k) % n;
            if (x->tried >> i & 1 || (!take_down && down[i] > x->w->now_ms))
                continue;
            x->tried |= 1u << i;
            return &r->upstreams[i];
        }
    return NULL;
}
void exchange_start_upstream(struct exchange *x)
{
    x->to = choose(x);
    if (!x->to) {
        exchange_refuse(x, 502, "upstream_unreachable", "no upstream of this route could be reached", NULL, true);
        return;
    }
    if (!x->fields)
        make_fields(x);
    if (x->to->path.len || x->head.has_query)
        x->target = arena_printf(x->arena, "%.*s%.*s%s%.*s", (int)x->to->path.len, x->to->path.at ? x->to->path.at : "", (int)x->rest.len, x->rest.at,
                                 x->head.has_query ? "?" : "", (int)x->head.query.len, x->head.query.at ? x->head.query.at : "");
    else
        x->target = x->rest;
    struct upstream_request r = {
        .route = x->route, .to = x->to, .method = x->head.method, .target = x->target, .fields = x->fields, .nfields = x->nfields,
        .body = buf_span(&x->body), .has_body = x->head.framing != HTTP_NO_BODY,
        .streams_body = x->streams_body, .is_length_known = x->head.framing == HTTP_LENGTH, .length = x->head.length,
    };
    x->state = X_WAIT;
    x->up = upstream_start(x->w->pool, &r, &answer_callbacks, x);
    if (!x->up)
        exchange_refuse(x, 502, "upstream_unreachable", "the upstream could not be called", NULL, true);
}

/* ---- answers of vigie's own ---- */

void exchange_refuse(struct exchange *x, int status, const char *code, const char *message, const char *rule, bool records)
{
    struct client *c = x->client;
    x->is_refused = true;
    if (x->up) {
        upstream_cancel(x->up);
        x->up = NULL;
    }
    if (!c) {
        exchange_client_gone(x);
        return;
    }
    if (x->is_head_sent) { /* another answer has begun: a second head would stand in its body, so a cut says it */
        if (!x->error)
            x->error = code;
        c->ops->cut(c);
        exchange_client_gone(x);
        return;
    }
    bool is_policy = status == 403 && rule, is_known = x->api != NULL;
    const char *type = "application/problem+json";
    struct span extra_name = { 0 }, extra_value = { 0 };
    struct refusal r = { .status = status, .message = message, .code = code, .rule = rule, .request_id = { x->id, RECORD_ID_BYTES } };
    if (!is_known)
        x->api = api_find(SPAN("raw"), x->head.method, x->rest.at ? x->rest : x->head.path);
    buf_free(&x->held);
    x->held.cap = 64 * 1024;
    x->api->refuse(&x->held, &r, &type, &extra_name, &extra_value);
    /* What is left of the request is not read: after a refusal in its middle the connection ends. */
    if (!x->is_body_done || status == 400)
        x->keeps_alive = false;
    x->status = status;
    if (!is_policy && !x->error)
        x->error = code;
    struct http_field *f = x->answer_fields = arena_alloc(x->arena, 7 * sizeof *f);
    *f++ = (struct http_field){ SPAN("content-type"), span_of(type) };
    if (extra_name.len)
        *f++ = (struct http_field){ arena_copy(x->arena, extra_name), arena_copy(x->arena, extra_value) };
    if (status == 403 && (rule || x->v.action == ACTION_BLOCK)) {
        *f++ = (struct http_field){ SPAN("x-vigie-verdict"), SPAN("block") };
        *f++ = (struct http_field){ SPAN("x-vigie-rule"), arena_copy(x->arena, span_of(rule ? rule : "")) };
        *f++ = (struct http_field){ SPAN("x-should-retry"), SPAN("false") };
    } else {
        *f++ = (struct http_field){ SPAN("x-vigie-error"), span_of(code) };
    }
    if (status == 429) {
        *f++ = (struct http_field){ SPAN("retry-after"), arena_printf(x->arena, "%llu", (unsigned long long)((x->retry_ms + 999) / 1000)) };
        *f++ = (struct http_field){ SPAN("retry-after-ms"), arena_printf(x->arena, "%llu", (unsigned long long)x->retry_ms) };
    }
    x->nanswer_fields = (size_t)(f - x->answer_fields);
    x->is_head_sent = x->is_own = true;
    x->is_open_ended = false;
    if (!x->route || !records || x->route->record == RECORD_OFF) {
        x->is_recorded = true;
        answer_committed(x, true);
        return;
    }
    exchange_commit(x);
}

/* ---- ends ---- */

void exchange_room(struct exchange *x)
{
    if (x->up && x->is_up_paused && x->state != X_COMMIT) {
        x->is_up_paused = false;
        upstream_pause(x->up, false);
    }
}
void exchange_tick(struct exchange *x)
{
    answer_tick(x);
}
void exchange_client_gone(struct exchange *x)
{
    x->client = NULL;
    if (x->up) {
        upstream_cancel(x->up);
        x->up = NULL;
    }
    if (x->state == X_COMMIT && !x->is_committed)
        return; /* its record is under way; answer_committed frees it */
    if (x->route && x->m && !x->is_recorded) {
        if (!x->error)
            answer_left(x);
        x->error = "client_gone";
        count(&x->m->troubles[TROUBLE_CLIENT_GONE], 1);
        if (!x->is_prompt_judged && x->is_body_done && !x->is_refused)
            judge(x);
        exchange_commit(x);
    }
    exchange_end(x);
}

void exchange_end(struct exchange *x)
{
    struct worker *w = x->w;
    exchange_settle(x);
    x->state = X_DONE;
    x->next_ended = w->ended;
    w->ended = x;
    if (x->route && x->m) {
        uint64_t total_us = (clock_ns() - x->start_ns) / 1000;
        count(&x->m->answers[x->status >= 100 && x->status < 600 ? x->status / 100 : 0], 1);
        count(&x->m->verdicts[x->v.action], 1);
        count(&x->m->request_bytes, x->request_bytes);
        count(&x->m->answer_bytes, x->answer_bytes);
        histogram_add(&x->m->histograms[HISTOGRAM_DURATION], HISTOGRAM_DURATION, total_us);
        histogram_add(&x->m->histograms[HISTOGRAM_OVERHEAD], HISTOGRAM_OVERHEAD, x->busy_ns / 1000);
        if (x->first_byte_ns)
            histogram_add(&x->m->histograms[HISTOGRAM_FIRST_BYTE], HISTOGRAM_FIRST_BYTE, (x->first_byte_ns - x->start_ns) / 1000);
        if (x->t && x->t->is_stream) {
            count(&x->m->streams, 1);
            if (x->first_byte_ns && x->t->usage.output > 1)
                histogram_add(&x->m->histograms[HISTOGRAM_PER_TOKEN], HISTOGRAM_PER_TOKEN, (clock_ns() - x->first_byte_ns) / 1000 / x->t->usage.output);
        }
        if (x->t) {
            count(&x->m->usage[x->t->usage.origin], 1);
            count(&x->m->tokens_in, x->t->usage.input);
            count(&x->m->tokens_out, x->t->usage.output);
            count(&x->m->tokens_cache_read, x->t->usage.cache_read);
            count(&x->m->tokens_cache_write, x->t->usage.cache_write);
        }
        for (size_t i = 0; i < x->v.nhits; i++) {
            const struct rule *rules;
            size_t n = ruleset_rules(x->route->rules, &rules);
            size_t k = (size_t)(x->v.hits[i].rule - rules);
            _Atomic uint64_t *counter_of = k < n ? x->hold->g->rule_counters[x->route->index][k] : NULL;
            if (counter_of)
                atomic_fetch_add_explicit(counter_of, 1, memory_order_relaxed);
        }
    }
    count(&w->metrics->exchanges_open, (uint64_t)-1);
}
void exchange_free(struct exchange *x)
{
    struct worker *w = x->w;
    struct arena *a = x->arena;
    buf_free(&x->body);
    buf_free(&x->replaced);
    buf_free(&x->spill);
    buf_free(&x->held);
    buf_free(&x->kept);
    buf_free(&x->trailers);
    free(x->pending);
    free(x->touches);
    EVP_MD_CTX_free(x->request_hash);
    EVP_MD_CTX_free(x->answer_hash);
    hold_drop(w, x->hold);
    if (w->narenas < ARENAS_KEPT) {
        arena_reset(a); /* x is gone with this */
        w->arenas[w->narenas++] = a;
    } else {
        arena_free(a);
    }
}
struct arena *worker_arena(struct worker *w)
{
    return w->narenas ? w->arenas[--w->narenas] : arena_new(ARENA_MOST);
}
