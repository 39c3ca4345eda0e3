/* SPDX-License-Identifier: Apache-2.0
 * An exchange, answer side: bytes from the upstream are read, judged, held or released, recorded, and only then ended.
 *
 *   upstream ─▶ on_body ─▶ reader (transcript) ─▶ scan ─▶ held ─▶ release ─▶ connection
 *
 * Where no answer rule acts, bytes go on at once. Where one does, an event is released when all its text is settled: it can take part
 * in no match to come. Either way the last piece (what completes the length, or what holds the API's own end mark) waits in
 * `held` for the commit of the record, if the route's records are durable: promise 2. */
#include "proxy/worker.h"
#include "base/must.h"
#include <stdlib.h>

static void conclude(struct exchange *x);
static void finish(struct exchange *x);

static bool is_durable(const struct exchange *x)
{
    return x->route->record == RECORD_DURABLE;
}

/* ---- towards the client ---- */

void answer_send_head(struct exchange *x, enum http_framing framing, uint64_t length)
{
    struct client_head h = { .status = x->upstream_status, .reason = x->answer_reason, .fields = x->answer_fields, .nfields = x->nanswer_fields,
                             .framing = framing == HTTP_UNTIL_CLOSE ? HTTP_CHUNKED : framing, .length = length, .exchange_id = { x->id, RECORD_ID_BYTES } };
    x->is_head_sent = true;
    x->status = x->upstream_status;
    if (!x->is_body_done)
        x->keeps_alive = false; /* answered before the request is in: its rest must never be read as another one */
    x->is_open_ended = h.framing == HTTP_CHUNKED && x->head.minor > 0;
    x->client->ops->head(x->client, &h);
}
static void write_out(struct exchange *x, struct span s)
{
    if (!s.len || !x->client)
        return;
    if (!x->first_byte_ns)
        x->first_byte_ns = clock_ns();
    x->client->ops->body(x->client, s);
}

/* What the record keeps of the answer: as it came, but redacted where that was done, and with what a block kept back. */
static void keep(struct exchange *x, struct span data)
{
    if (x->route->record == RECORD_OFF || x->is_recorded)
        return;
    size_t most = (size_t)x->route->limits.keep, room = most > x->kept.len ? most - x->kept.len : 0;
    if (data.len > room || x->answer_hash)
        digest_more(x, &x->answer_hash, buf_span(&x->kept), data);
    buf_add(&x->kept, span_cut(data, 0, data.len < room ? data.len : room));
    x->is_kept_cut |= data.len > room;
}

/* ---- holding and releasing ---- */

static bool must_wait(const struct exchange *x)
{
    return is_durable(x) && !x->is_committed && x->is_end_marked;
}
static bool is_settled(struct exchange *x, const struct pending *e)
{
    if (!x->scan || x->is_answer_judged)
        return true;
    for (uint32_t i = 0; i < e->n; i++) {
        const struct touch *t = &x->touches[e->first + i];
        if (stream_scan_settled(x->scan, t->part) < t->to)
            return false;
    }
    return true;
}
static bool is_touched(struct exchange *x, const struct pending *e)
{
    for (uint32_t i = 0; i < e->n; i++) {
        const struct touch *t = &x->touches[e->first + i];
        if (redactions_touch(&x->v, ON_ANSWER, t->part, t->from, t->to))
            return true;
    }
    return false;
}
/* Moves what is settled from held to out. false: a redaction could not be placed. */
static bool release(struct exchange *x, struct buf *out)
{
    size_t at = 0, plain_from = 0; /* in held */
    bool ok = true;
    for (; x->pending_at < x->npending; x->pending_at++) {
        struct pending *e = &x->pending[x->pending_at];
        size_t end = (size_t)(e->raw_end - x->held_from);
        if (!is_settled(x, e)) {
            /* Bytes that are text themselves can be let go up to the very letter. */
            if (answer_reader_framing(x->reader) == FRAMING_BYTES && !answer_reader_is_coded(x->reader) && e->n == 1 && !x->v.nredactions) {
                size_t settled = stream_scan_settled(x->scan, x->touches[e->first].part);
                if (settled > x->touches[e->first].from) {
                    size_t to = end - (x->touches[e->first].to - settled);
                    x->touches[e->first].from = (uint32_t)settled;
                    if (to > at)
                        at = to;
                }
            }
            break;
        }
        if (x->v.nredactions && is_touched(x, e)) {
            buf_add(out, span_cut(buf_span(&x->held), plain_from, at));
            x->is_altered = true;
            if (answer_reader_is_coded(x->reader) || !redact_event(x, span_cut(buf_span(&x->held), at, end), x->touches + e->first, e->n, out)) {
                ok = false;
                break;
            }
            plain_from = end;
        }
        at = end;
    }
    buf_add(out, span_cut(buf_span(&x->held), plain_from, at));
    buf_drop(&x->held, at);
    x->held_from += at;
    if (x->pending_at == x->npending)
        x->pending_at = x->npending = x->ntouches = 0;
    return ok;
}
static void block(struct exchange *x, const char *message)
{
    const struct rule *rule = x->v.rule;
    const char *text = message ? message : rule && rule->message[0] ? rule->message : "blocked by policy";
    if (x->up) {
        upstream_cancel(x->up);
        x->up = NULL;
    }
    x->is_upstream_ended = true;
    x->v.action = ACTION_BLOCK;
    if (x->is_head_sent && x->scan && !x->is_answer_judged && !x->v.unread) {
        struct buf out = { .cap = 0 }; /* what came before the match in the same piece */
        if (release(x, &out)) {
            keep(x, buf_span(&out));
            write_out(x, buf_span(&out));
        }
        buf_free(&out);
    }
    keep(x, buf_span(&x->held));
    buf_clear(&x->held);
    x->npending = x->pending_at = 0;
    if (!x->is_head_sent) {
        exchange_refuse(x, 403, "policy_blocked", text, rule ? rule->id : "", true);
        return;
    }
    /* In mid-stream: the API's own error event at an event boundary and a clean end; where that cannot be said, a cut. */
    struct refusal r = { .status = 403, .message = text, .code = "policy_blocked", .rule = rule ? rule->id : NULL, .request_id = { x->id, RECORD_ID_BYTES } };
    x->is_refused = true;
    if (!x->is_open_ended || answer_reader_is_coded(x->reader) || !x->api->refuse_stream
        || !x->api->refuse_stream(&x->held, answer_reader_framing(x->reader), &r)) {
        buf_clear(&x->held);
        x->is_up_cut = true;
    }
    x->is_answer_judged = true;
    exchange_commit(x);
}
static void too_large(struct exchange *x)
{
    count(&x->m->troubles[TROUBLE_TOO_LARGE], 1);
    if (x->up) {
        upstream_cancel(x->up);
        x->up = NULL;
    }
    x->error = "answer_too_large_to_check";
    x->is_upstream_ended = true;
    keep(x, buf_span(&x->held));
    if (!x->is_head_sent) {
        exchange_refuse(x, 502, "answer_too_large_to_check", "the answer is longer than a blocking rule may hold (limits.hold)", NULL, true);
        return;
    }
    x->is_up_cut = x->is_refused = x->is_answer_judged = true;
    buf_clear(&x->held);
    exchange_commit(x);
}
/* Takes the reader's new events, scans what they said, lets go what may go. false: the exchange took another turn (blocked). */
static bool pump(struct exchange *x, bool is_end)
{
    size_t n;
    const struct answer_event *events = answer_reader_take(x->reader, &n);
    const struct touch *touches = answer_reader_touches(x->reader);
    uint32_t scanned = UINT32_MAX;
    for (size_t i = 0; i < n; i++) {
        if (x->npending == x->pending_cap) {
            x->pending_cap = x->pending_cap ? 2 * x->pending_cap : 16;
            x->pending = realloc(x->pending, x->pending_cap * sizeof *x->pending);
            must(x->pending != NULL);
        }
        x->pending[x->npending++] = (struct pending){ events[i].raw_end, (uint32_t)x->ntouches, events[i].ntouches };
        for (uint32_t k = 0; k < events[i].ntouches; k++) {
            if (x->ntouches == x->touches_cap) {
                x->touches_cap = x->touches_cap ? 2 * x->touches_cap : 16;
                x->touches = realloc(x->touches, x->touches_cap * sizeof *x->touches);
                must(x->touches != NULL);
            }
            x->touches[x->ntouches++] = touches[events[i].first_touch + k];
        }
    }
    for (size_t i = 0; i < n && x->scan && !x->is_answer_judged; i++)
        for (uint32_t k = 0; k < events[i].ntouches; k++) {
            uint32_t part = touches[events[i].first_touch + k].part;
            if (part != scanned)
                stream_scan_feed(x->scan, part, false);
            scanned = part;
        }
    for (uint32_t part = 0; is_end && x->scan && !x->is_answer_judged && part < x->t->nanswer; part++)
        stream_scan_feed(x->scan, part, true);
    if (x->v.action == ACTION_BLOCK && !x->is_answer_judged) {
        block(x, NULL);
        return false;
    }
    if (x->held.failed || x->held.len > x->route->limits.hold || arena_over(x->arena)) {
        too_large(x);
        return false;
    }
    return true;
}
static bool let_go(struct exchange *x)
{
    if (!x->is_head_sent || must_wait(x) || !x->client)
        return true;
    if (!x->v.nredactions && x->pending_at == x->npending && x->held.len == 0)
        return true;
    struct buf out = { .cap = 0 };
    bool ok = release(x, &out);
    keep(x, buf_span(&out));
    write_out(x, buf_span(&out));
    buf_free(&out);
    if (!ok)
        block(x, "the answer holds something that must be redacted, and could not be");
    return ok;
}

/* ---- what the upstream says ---- */

static bool is_dropped(const struct http_head *h, struct span name)
{
    return http_is_hop_by_hop(h, name) || (name.len > 8 && strncasecmp(name.at, "x-vigie-", 8) == 0);
}
static void copy_fields(struct exchange *x, const struct http_head *h, struct http_field **out, size_t *n)
{
    *n = 0;
    *out = arena_alloc_raw(x->arena, (h->nfields + 1) * sizeof **out);
    for (size_t i = 0; i < h->nfields; i++)
        if (!is_dropped(h, h->fields[i].name))
            (*out)[(*n)++] = (struct http_field){ arena_copy(x->arena, h->fields[i].name), arena_copy(x->arena, h->fields[i].value) };
}
static void on_interim(void *context, const struct http_head *h)
{
    struct exchange *x = context;
    struct http_field *fields;
    size_t n;
    if (!x->client || x->head.minor == 0 || x->is_head_sent || h->status == 101)
        return;
    copy_fields(x, h, &fields, &n);
    x->client->ops->interim(x->client, h->status, h->reason, fields, n);
}
static void on_head(void *context, const struct http_head *h)
{
    struct exchange *x = context;
    uint64_t began = clock_ns();
    x->state = X_ANSWER;
    x->upstream_status = h->status;
    x->answer_framing = h->framing;
    x->answer_length = h->length;
    x->answer_reason = arena_copy(x->arena, h->reason);
    x->answer_type = arena_copy(x->arena, http_field_value(h, "content-type"));
    x->answer_coding = arena_copy(x->arena, http_field_value(h, "content-encoding"));
    x->has_no_body = h->framing == HTTP_NO_BODY;
    copy_fields(x, h, &x->answer_fields, &x->nanswer_fields);
    if (x->has_no_body && h->status != 204) {
        struct span length = http_field_value(h, "content-length"); /* of HEAD and 304: what a body would have had */
        if (length.at)
            x->answer_fields[x->nanswer_fields++] = (struct http_field){ SPAN("content-length"), arena_copy(x->arena, length) };
    }
    bool is_success = h->status >= 200 && h->status < 300; /* else it is no model's answer, but rules on texts hold: errors leak too */
    const struct ruleset_needs *needs = &x->route->needs;
    x->acts = needs->acts_on_answer && !x->has_no_body;
    x->held.cap = 0;
    if (!x->has_no_body && (x->acts || needs->reads_answer || (is_success && (x->route->rates_wait_for_prompt || x->route->record != RECORD_OFF)))) {
        if (!x->t)
            x->t = api_transcript(x->arena, x->api);
        x->t->is_error = !is_success;
        struct answer_reader_options o = { .api = is_success ? x->api : api_find(SPAN("raw"), x->head.method, x->rest), .t = x->t, .status = is_success ? h->status : 200, .content_type = x->answer_type, .content_encoding = x->answer_coding,
                                           .whole_most = x->acts ? (size_t)x->route->limits.hold : READ_MOST };
        x->reader = answer_reader_new(x->arena, &o);
    }
    if (x->acts) {
        struct facts facts;
        exchange_facts(x, &facts);
        x->scan = stream_scan_new(x->route->rules, &x->route->env, x->t, &facts, &x->v);
    }
    /* A head that is the whole answer waits for the record like any last piece. */
    bool is_all = x->has_no_body || (h->framing == HTTP_LENGTH && h->length == 0);
    if (!x->acts && !(is_all && is_durable(x)))
        answer_send_head(x, h->framing, h->length);
    x->busy_ns += clock_ns() - began;
}
static void on_body(void *context, struct span data)
{
    struct exchange *x = context;
    uint64_t began = clock_ns();
    x->answer_bytes += data.len;
    if (!x->acts)
        keep(x, data);
    if (x->reader && !x->is_recorded) {
        answer_reader_feed(x->reader, data);
        x->is_end_marked |= x->t->is_answer_whole && answer_reader_framing(x->reader) != FRAMING_WHOLE;
        if (!x->acts && arena_over(x->arena))
            x->reader = NULL; /* nothing acts on it: it passes, and the transcript says that it was not read whole */
    }
    x->is_end_marked |= x->answer_framing == HTTP_LENGTH && x->answer_bytes == x->answer_length;
    if (x->is_end_marked && !x->end_mark_ms)
        x->end_mark_ms = x->w->now_ms;
    if (x->acts) {
        buf_add(&x->held, data);
        if (!x->is_recorded) {
            if (!x->is_head_sent && answer_reader_framing(x->reader) != FRAMING_WHOLE && !x->has_no_body && !x->t->is_error) /* errors are short, and held whole */
                answer_send_head(x, HTTP_CHUNKED, 0);
            if (!pump(x, false) || !let_go(x))
                return;
        } else if (x->state == X_TAIL) {
            write_out(x, buf_span(&x->held));
            buf_clear(&x->held);
        }
    } else {
        size_t n;
        if (x->reader)
            answer_reader_take(x->reader, &n);
        if (must_wait(x))
            buf_add(&x->held, data);
        else
            write_out(x, data);
    }
    if (x->client && x->up && !x->is_up_paused
        && x->client->ops->unsent(x->client) + (x->state == X_COMMIT || !x->acts ? x->held.len : 0) > x->client->unsent_most) {
        x->is_up_paused = true;
        upstream_pause(x->up, true);
    }
    x->busy_ns += clock_ns() - began;
}
static void on_end(void *context, enum upstream_end end, struct span trailers, const char *why)
{
    struct exchange *x = context;
    uint64_t began = clock_ns();
    x->up = NULL;
    x->is_upstream_ended = true;
    if (end != UPSTREAM_WHOLE) {
        bool is_unsent = end == UPSTREAM_UNRESOLVED || end == UPSTREAM_UNREACHABLE || end == UPSTREAM_CONNECT_TIMEOUT;
        count(&x->m->troubles[TROUBLE_UPSTREAM_UNRESOLVED + (int)end - (int)UPSTREAM_UNRESOLVED], 1);
        LOG(LOG_WARN, "upstream_failed", L_SPAN("route", x->route->name), L_SPAN("upstream", x->to->url), L_TEXT("what", upstream_end_names[end]),
            L_TEXT("why", why), L_TEXT("exchange", x->id));
        if (is_unsent) {
            size_t i = (size_t)(x->to - x->route->upstreams);
            if (i < UPSTREAMS_MOST)
                x->hold->down_until[x->route->index][i] = x->w->now_ms + UPSTREAM_DOWN_MS;
            if (!x->streams_body && __builtin_popcount(x->tried) < (int)x->route->nupstreams) {
                x->is_upstream_ended = false;
                exchange_start_upstream(x);
                return;
            }
        }
        x->error = upstream_end_names[end];
        if (!x->is_head_sent) {
            int status = end == UPSTREAM_TIMEOUT || end == UPSTREAM_CONNECT_TIMEOUT ? 504 : 502;
            struct span text = arena_printf(x->arena, "the upstream %s: %s", end == UPSTREAM_TIMEOUT ? "did not answer in time" : is_unsent ? "could not be reached" : "broke off its answer", why);
            exchange_refuse(x, status, upstream_end_names[end], text.at, NULL, true);
            return;
        }
        x->is_up_cut = true;
    } else if (trailers.len) {
        buf_add(&x->trailers, trailers);
    }
    if (x->state == X_COMMIT)
        return; /* answer_committed goes on */
    if (x->state == X_TAIL) {
        finish(x);
        return;
    }
    if (x->reader && !x->is_recorded)
        answer_reader_end(x->reader, x->is_up_cut);
    conclude(x);
    x->busy_ns += clock_ns() - began;
}
static void on_writable(void *context)
{
    struct exchange *x = context;
    if (x->spill.len) {
        size_t n = x->up ? upstream_write(x->up, buf_span(&x->spill)) : x->spill.len;
        buf_drop(&x->spill, n);
        if (x->spill.len)
            return;
        buf_free(&x->spill);
        if (x->is_body_done) {
            if (x->up)
                upstream_write_end(x->up);
        } else if (x->client) {
            x->client->ops->body_wanted(x->client);
        }
    }
}
const struct upstream_callbacks answer_callbacks = { on_interim, on_head, on_body, on_end, on_writable };

/* ---- the end ---- */

/* The answer is whole (or cut): judge it, record it. */
static void conclude(struct exchange *x)
{
    if (x->acts && x->reader && !pump(x, true))
        return;
    usage_estimate(x);
    if (x->t && !x->is_answer_judged && x->route->needs.reads_answer && x->upstream_status >= 200) {
        struct facts facts;
        exchange_facts(x, &facts);
        judge_answer(x->route->rules, &x->route->env, x->t, &facts, &x->v);
        for (size_t i = 0; i < CHECKS; i++)
            if (x->v.scores[1][i].not_run)
                count(&x->m->not_run[i], 1);
        if (x->acts && x->v.action == ACTION_BLOCK) {
            block(x, NULL);
            return;
        }
    }
    if (x->acts && x->t && x->t->answer_reading == READING_UNREAD) {
        /* A rule that cannot look does not let pass. */
        x->v.unread = true;
        count(&x->m->troubles[TROUBLE_UNREAD], 1);
        block(x, "the answer could not be read, and a rule must look at it");
        return;
    }
    x->is_answer_judged = true;
    if (x->acts) { /* apply what remains of redactions now, so that the record holds what will be sent */
        struct buf out = { .cap = 0 };
        bool ok = release(x, &out);
        if (!ok) {
            buf_free(&out);
            block(x, "the answer holds something that must be redacted, and could not be");
            return;
        }
        buf_add(&out, buf_span(&x->held)); /* bytes after the last event */
        buf_free(&x->held);
        x->held = out;
        keep(x, buf_span(&x->held));
    }
    exchange_commit(x);
}
static void release_all(struct exchange *x)
{
    if (!x->is_head_sent) {
        enum http_framing f = x->answer_framing == HTTP_LENGTH || x->is_altered ? HTTP_LENGTH : x->answer_framing;
        answer_send_head(x, f, x->is_altered || x->acts ? x->held.len : x->answer_length);
    }
    write_out(x, buf_span(&x->held));
    buf_free(&x->held);
}
static void finish(struct exchange *x)
{
    struct client *c = x->client;
    if (c && x->is_up_cut) {
        x->keeps_alive = false;
        c->ops->cut(c);
    } else if (c) {
        c->ops->end(c, buf_span(&x->trailers));
    }
    x->client = NULL;
    exchange_end(x);
}
void answer_committed(struct exchange *x, bool is_safe)
{
    x->is_committed = true;
    if (!x->client) {
        exchange_end(x);
        return;
    }
    if (!is_safe) {
        count(&x->m->troubles[TROUBLE_STORE], 1);
        if (x->route->on_store_failure == FAILURE_PASS) {
            store_lost(server_store(x->w->server), 1);
        } else if (!x->is_head_sent) {
            buf_clear(&x->held);
            exchange_refuse(x, 503, "store_unavailable", "this exchange could not be recorded, and the route's policy is to refuse it then", NULL, false);
            return;
        } else if (!x->is_refused && x->client->ops->unsay && x->client->ops->unsay(x->client)) {
            buf_clear(&x->held);
            x->is_head_sent = false;
            x->is_committed = false;
            exchange_refuse(x, 503, "store_unavailable", "this exchange could not be recorded, and the route's policy is to refuse it then", NULL, false);
            return;
        } else if (!x->is_refused) {
            x->is_up_cut = true; /* begun already: it must not look whole */
            buf_clear(&x->held);
        }
    }
    if (x->is_own) {
        struct client_head h = { .status = x->status, .reason = span_of(http_reason(x->status)), .fields = x->answer_fields, .nfields = x->nanswer_fields,
                                 .framing = HTTP_LENGTH, .length = x->held.len, .exchange_id = { x->id, x->route ? RECORD_ID_BYTES : 0 } };
        x->client->ops->head(x->client, &h);
        if (!x->is_head_request)
            x->client->ops->body(x->client, buf_span(&x->held));
        finish(x);
        return;
    }
    release_all(x);
    if (x->is_upstream_ended) {
        finish(x);
    } else {
        x->state = X_TAIL;
        exchange_room(x);
    }
}
void answer_left(struct exchange *x)
{
    if (x->acts && !x->is_refused)
        keep(x, buf_span(&x->held));
}
void answer_tick(struct exchange *x)
{
    uint64_t now = x->w->now_ms;
    if (x->state != X_ANSWER || !x->client)
        return;
    if (x->is_end_marked && !x->is_recorded && now >= x->end_mark_ms + END_MARK_WAIT_MS) {
        /* The API's own end has come, the connection's has not: the record need not wait for it. */
        if (x->reader)
            answer_reader_end(x->reader, false);
        conclude(x);
        return;
    }
    if (x->scan && x->is_head_sent && x->held.len && x->is_open_ended && answer_reader_framing(x->reader) == FRAMING_SSE
        && !answer_reader_is_coded(x->reader) && now >= x->client->sent_ms + KEEPALIVE_COMMENT_MS) {
        write_out(x, SPAN(": still being checked\n\n"));
        x->client->sent_ms = now;
    }
}
