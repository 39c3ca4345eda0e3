/* SPDX-License-Identifier: Apache-2.0
 * What is written down of an exchange, and what the drift watch is told of it. Credentials never come this far: of headers only
 * content types and vigie's own are kept, callers are named or fingerprinted with a key of this installation, queries are masked. */
#include "proxy/worker.h"
#include "base/must.h"
#include "base/utf8.h"
#include "proxy/observations.h"

enum { EXCERPT = 280, FINDING_TEXT = 200 };

static struct span shorten(struct span s, size_t most)
{
    if (s.len <= most)
        return s;
    while (most && ((unsigned char)s.at[most] & 0xc0) == 0x80)
        most--;
    s.len = most;
    return s;
}

/* ---- callers and queries ---- */

struct span caller_of(struct exchange *x)
{
    struct span named = http_field_value(&x->head, "x-vigie-caller");
    if (x->client && x->client->conn->client_name.len)
        return arena_copy(x->arena, x->client->conn->client_name); /* proven, where a header only says so */
    return named.len ? shorten(named, 200) : fingerprint_of(x);
}
struct span fingerprint_of(struct exchange *x)
{
    static const char *const credentials[] = { "authorization", "x-api-key", "api-key", "x-goog-api-key" };
    struct span secret = { 0 };
    for (size_t i = 0; i < 4 && !secret.len; i++)
        secret = http_field_value(&x->head, credentials[i]);
    if (!secret.len)
        return secret;
    uint8_t digest[32];
    EVP_MD_CTX *c = x->w->scratch_digest;
    struct span message = secret;
    for (int side = 0; side < 2; side++) {
        if (!EVP_MD_CTX_copy_ex(c, x->w->keyed[side]) || !EVP_DigestUpdate(c, message.at, message.len) || !EVP_DigestFinal_ex(c, digest, NULL))
            return (struct span){ 0 };
        message = (struct span){ (char *)digest, sizeof digest };
    }
    return arena_printf(x->arena, "key:%02x%02x%02x%02x%02x%02x", digest[0], digest[1], digest[2], digest[3], digest[4], digest[5]);
}
static bool is_secret_name(struct span name)
{
    static const char *const parts[] = { "key", "token", "secret", "password", "passwd", "signature", "credential", "auth", "code" };
    char lower[64];
    size_t n = name.len < sizeof lower - 1 ? name.len : sizeof lower - 1;
    for (size_t i = 0; i < n; i++)
        lower[i] = (char)(name.at[i] >= 'A' && name.at[i] <= 'Z' ? name.at[i] + 32 : name.at[i]);
    struct span s = { lower, n };
    if (span_is(s, "sig") || memchr(name.at, '%', name.len))
        return true; /* an encoded name may be any of them */
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (span_find(s, span_of(parts[i])))
            return true;
    return false;
}
struct span mask_query(struct arena *a, struct span target)
{
    const char *q = target.len ? memchr(target.at, '?', target.len) : NULL;
    if (!q)
        return target;
    struct buf out = { .cap = target.len * 2 + 64 };
    size_t at = (size_t)(q - target.at) + 1;
    buf_add(&out, span_cut(target, 0, at));
    while (at < target.len) {
        size_t end = at;
        while (end < target.len && target.at[end] != '&' && target.at[end] != ';')
            end++;
        struct span pair = span_cut(target, at, end);
        const char *eq = pair.len ? memchr(pair.at, '=', pair.len) : NULL;
        struct span name = eq ? span_cut(pair, 0, (size_t)(eq - pair.at)) : pair;
        if (eq && name.len && is_secret_name(name)) {
            buf_add(&out, name);
            buf_add_text(&out, "=***");
        } else {
            buf_add(&out, pair);
        }
        if (end < target.len)
            buf_add_char(&out, target.at[end++]);
        at = end;
    }
    struct span s = arena_copy(a, buf_span(&out));
    buf_free(&out);
    return s;
}

/* ---- JSON under the hash ---- */

static void put_text(struct buf *b, const char *key, struct span s)
{
    buf_printf(b, "\"%s\":\"", key);
    buf_add_json(b, s);
    buf_add_char(b, '"');
}
static struct span rules_json(struct exchange *x, struct buf *b)
{
    size_t from = b->len;
    buf_add_char(b, '[');
    for (size_t i = 0; i < x->v.nhits; i++) {
        const struct rule *r = x->v.hits[i].rule;
        buf_add_text(b, i ? ",{" : "{");
        put_text(b, "id", span_of(r->id));
        buf_printf(b, ",\"version\":%u,\"action\":\"%s\",\"severity\":\"%s\",", r->version, action_names[r->action], severity_names[r->severity]);
        put_text(b, "message", span_of(r->message));
        buf_add_char(b, '}');
    }
    buf_add_char(b, ']');
    return (struct span){ NULL, b->len - from };
}
static void findings_json(struct exchange *x, struct buf *b)
{
    bool first = true;
    buf_add_char(b, '[');
    for (size_t h = 0; h < x->v.nhits; h++) {
        const struct hit *hit = &x->v.hits[h];
        for (uint32_t k = 0; k < hit->findings; k++) {
            const struct finding *f = &x->v.findings.list[hit->first_finding + k];
            size_t nparts = 0;
            const struct part *parts = x->t ? transcript_parts(x->t, f->on, &nparts) : NULL;
            struct span text = { 0 };
            if (f->part < nparts && f->end <= parts[f->part].text.len && f->start < f->end)
                text = shorten(span_cut(parts[f->part].text, f->start, f->end), FINDING_TEXT);
            bool is_secret = strcmp(f->check, "secrets") == 0 || hit->rule->action == ACTION_REDACT;
            buf_add_text(b, first ? "{" : ",{");
            first = false;
            put_text(b, "rule", span_of(hit->rule->id));
            buf_add_char(b, ',');
            put_text(b, "check", span_of(f->check));
            buf_add_char(b, ',');
            put_text(b, "kind", span_of(f->kind));
            buf_printf(b, ",\"on\":\"%s\",\"part\":%u,\"start\":%u,\"end\":%u,\"score\":%.3f,", f->on == ON_PROMPT ? "prompt" : "answer", f->part, f->start, f->end, f->score);
            if (is_secret && text.len)
                buf_printf(b, "\"text\":\"*** (%zu bytes)\",", text.len); /* what must not leave must not be in tables either */
            else
                put_text(b, "text", text), buf_add_char(b, ',');
            put_text(b, "message", span_of(f->why));
            buf_add_char(b, '}');
        }
    }
    buf_add_char(b, ']');
}
/* A score of 0 to 1 as 0.0123: seven of them in each record, and printf takes 0.6 µs for one. */
static void put_score(struct buf *b, double score)
{
    unsigned v = score >= 1 ? 10000 : score > 0 ? (unsigned)(score * 10000 + 0.5) : 0;
    char text[6] = { (char)('0' + v / 10000), '.', (char)('0' + v / 1000 % 10), (char)('0' + v / 100 % 10), (char)('0' + v / 10 % 10), (char)('0' + v % 10) };
    buf_add(b, (struct span){ text, sizeof text });
}
static void scores_json(struct exchange *x, struct buf *b)
{
    bool first = true;
    buf_add_char(b, '{');
    for (size_t i = 0; i < CHECKS; i++) {
        const char *not_run = NULL;
        double score = verdict_score(&x->v, i, &not_run);
        /* In a stream a check may have spoken of a part before it judged the whole. */
        for (size_t k = 0; k < x->v.findings.n; k++)
            if (strcmp(x->v.findings.list[k].check, all_checks[i]->name) == 0 && x->v.findings.list[k].score > score) {
                score = x->v.findings.list[k].score;
                not_run = NULL;
            }
        if (score < 0 && !not_run)
            continue;
        buf_add_text(b, first ? "\"" : ",\"");
        buf_add_text(b, all_checks[i]->name);
        buf_add_text(b, "\":");
        first = false;
        if (not_run) {
            buf_add_char(b, '{');
            put_text(b, "not_run", span_of(not_run));
            buf_add_char(b, '}');
        } else {
            put_score(b, score);
        }
    }
    buf_add_char(b, '}');
}
static struct span tags_json(struct exchange *x)
{
    struct buf b = { .cap = 16 * 1024 };
    for (size_t i = 0; i < x->head.nfields; i++) {
        struct span name = x->head.fields[i].name;
        if (name.len <= 12 || strncasecmp(name.at, "x-vigie-tag-", 12) != 0)
            continue;
        buf_add_text(&b, b.len ? ",\"" : "{\"");
        buf_add_json(&b, span_cut(name, 12, name.len));
        buf_add_text(&b, "\":\"");
        buf_add_json(&b, x->head.fields[i].value);
        buf_add_char(&b, '"');
    }
    if (b.len)
        buf_add_char(&b, '}');
    struct span s = arena_copy(x->arena, buf_span(&b));
    buf_free(&b);
    return s;
}

/* ---- the record ---- */

/* Credentials that were found do not stand in tables. (Where the text was redacted they are gone, and places have moved.) */
static struct span masked(struct exchange *x, enum side on, size_t part, struct span excerpt)
{
    char *copy = NULL;
    for (size_t i = 0; i < x->v.findings.n; i++) {
        const struct finding *f = &x->v.findings.list[i];
        if (f->on != on || f->part != part || strcmp(f->check, "secrets") != 0 || f->start >= excerpt.len || redactions_touch(&x->v, on, (uint32_t)part, 0, UINT32_MAX))
            continue;
        if (!copy)
            copy = arena_text(x->arena, excerpt);
        memset(copy + f->start, '*', (f->end < excerpt.len ? f->end : excerpt.len) - f->start);
    }
    return copy ? (struct span){ copy, excerpt.len } : excerpt;
}
static struct span excerpt_of(struct exchange *x, enum side on)
{
    if (!x->t)
        return (struct span){ 0 };
    size_t n;
    const struct part *parts = transcript_parts(x->t, on, &n), *question = on == ON_PROMPT ? transcript_question(x->t) : NULL;
    for (size_t i = 0; i < n; i++)
        if (on == ON_PROMPT ? (question ? &parts[i] == question : parts[i].text.len > 0) : parts[i].kind != PART_REASONING && parts[i].text.len > 0)
            return masked(x, on, i, shorten(redacted_text(x, on, i), EXCERPT));
    return (struct span){ 0 };
}
/* What is kept whole is under the record's own hash; only a body that was cut needs one of its whole. */
static void digest_of(EVP_MD_CTX *running, uint8_t out[32])
{
    unsigned n = 32;
    if (running)
        EVP_DigestFinal_ex(running, out, &n);
}
void digest_more(struct exchange *x, EVP_MD_CTX **running, struct span kept, struct span data)
{
    if (!*running) {
        *running = EVP_MD_CTX_new();
        if (!*running || !EVP_MD_CTX_copy_ex(*running, x->w->digest))
            return;
        EVP_DigestUpdate(*running, kept.at, kept.len);
    }
    EVP_DigestUpdate(*running, data.at, data.len);
}
/* Looking a method up and keying it costs more than hashing a header, so it is done once a worker. */
void worker_digests(struct worker *w)
{
    const uint8_t *key = server_secret(w->server);
    w->digest = EVP_MD_CTX_new();
    w->scratch_digest = EVP_MD_CTX_new();
    must(w->digest && w->scratch_digest && EVP_DigestInit_ex(w->digest, EVP_sha256(), NULL));
    for (int side = 0; side < 2; side++) { /* RFC 2104 */
        uint8_t pad[64];
        for (int i = 0; i < 64; i++)
            pad[i] = (uint8_t)((i < 32 ? key[i] : 0) ^ (side ? 0x5c : 0x36));
        w->keyed[side] = EVP_MD_CTX_new();
        must(w->keyed[side] && EVP_MD_CTX_copy_ex(w->keyed[side], w->digest) && EVP_DigestUpdate(w->keyed[side], pad, sizeof pad));
    }
}
void worker_digests_free(struct worker *w)
{
    EVP_MD_CTX_free(w->digest);
    EVP_MD_CTX_free(w->scratch_digest);
    EVP_MD_CTX_free(w->keyed[0]);
    EVP_MD_CTX_free(w->keyed[1]);
}
static struct sealed *seal(struct exchange *x)
{
    static const char *const origins[] = { "absent", "reported", "estimated" };
    struct buf b = { .cap = 0 };
    size_t keep = (size_t)x->route->limits.keep;
    struct record r = { .at_us = x->at_us };
    memcpy(r.id, x->id, sizeof r.id);
    r.route = x->route->name;
    r.api = span_of(x->api ? x->api->name : "raw");
    r.caller = x->caller;
    r.session = http_field_value(&x->head, "x-vigie-session");
    r.join = http_field_value(&x->head, "x-vigie-join");
    r.tags = tags_json(x);
    r.method = x->head.method;
    r.path = mask_query(x->arena, x->head.target);
    if (x->to && x->upstream_status)
        r.upstream = arena_printf(x->arena, "%.*s:%u", (int)x->to->host.len, x->to->host.at, x->to->port);
    r.status = x->is_refused && x->status ? x->status : x->client ? (x->is_head_sent ? x->status : x->upstream_status) : x->status;
    r.upstream_status = x->upstream_status;
    r.error = x->error ? span_of(x->error) : (struct span){ 0 };
    if (x->t) {
        r.model = x->t->model;
        r.answer_model = x->t->answer_model;
        r.is_stream = x->t->is_stream;
        r.input_tokens = x->t->usage.input;
        r.output_tokens = x->t->usage.output;
        r.cache_read_tokens = x->t->usage.cache_read;
        r.cache_write_tokens = x->t->usage.cache_write;
        r.usage_origin = span_of(origins[x->t->usage.origin]);
    }
    r.is_answer_whole = x->upstream_status && !x->is_up_cut && x->is_upstream_ended + (x->t ? x->t->is_answer_whole : 0) > 0;
    r.verdict = span_of(action_names[x->v.action]);
    r.rule = x->v.rule ? span_of(x->v.rule->id) : (struct span){ 0 };
    if (x->v.nhits || x->v.unread) {
        size_t a0 = 0, a1, a2;
        rules_json(x, &b);
        a1 = b.len;
        findings_json(x, &b);
        a2 = b.len;
        scores_json(x, &b);
        struct span all = arena_copy(x->arena, buf_span(&b));
        r.rules = span_cut(all, a0, a1);
        r.findings = span_cut(all, a1, a2);
        r.scores = span_cut(all, a2, all.len);
    } else {
        scores_json(x, &b);
        r.scores = arena_copy(x->arena, buf_span(&b));
    }
    buf_free(&b);
    r.ruleset = span_of(ruleset_hash(x->route->rules));
    r.question = excerpt_of(x, ON_PROMPT);
    r.answer_start = excerpt_of(x, ON_ANSWER);
    /* What was held until now leaves right after this. */
    r.first_byte_us = x->status ? ((x->first_byte_ns ? x->first_byte_ns : clock_ns()) - x->start_ns) / 1000 : 0;
    r.total_us = (clock_ns() - x->start_ns) / 1000;
    r.request_bytes = x->request_bytes;
    r.answer_bytes = x->answer_bytes;
    r.request_type = http_field_value(&x->head, "content-type");
    r.request_coding = x->is_body_redacted ? (struct span){ 0 } : http_field_value(&x->head, "content-encoding");
    r.answer_type = x->answer_type;
    r.answer_coding = x->answer_coding;
    r.request = span_cut(buf_span(&x->body), 0, x->body.len < keep ? x->body.len : keep);
    r.is_request_cut = x->is_body_cut || x->body.len > keep;
    r.answer = buf_span(&x->kept);
    r.is_answer_cut = x->is_kept_cut;
    if (r.is_request_cut && !x->request_hash) /* it was held whole, and only its beginning is kept */
        digest_more(x, &x->request_hash, (struct span){ 0 }, buf_span(&x->body));
    digest_of(x->request_hash, r.request_sha256);
    digest_of(x->answer_hash, r.answer_sha256);
    return record_seal(&r);
}

void exchange_observe(struct exchange *x)
{
    struct transcript *t = x->t;
    if (!t || (!t->nprompt && !t->nanswer && !t->ninputs))
        return;
    struct sampling *s = &x->hold->sampling[x->route->index];
    uint64_t earned = (x->w->now_ms - s->at_ms) * OBSERVED_EACH_S / 1000;
    if (earned || !s->at_ms) {
        s->left = !s->at_ms || s->left + earned > OBSERVED_BURST ? OBSERVED_BURST : s->left + (unsigned)earned;
        s->at_ms = x->w->now_ms;
    }
    if (!s->left)
        return;
    s->left--;
    struct arena *a = arena_new(1 << 20);
    struct observed *o = arena_alloc(a, sizeof *o);
    o->arena = a;
    o->route = arena_copy(a, x->route->name);
    memcpy(o->id, x->id, sizeof o->id);
    o->at_us = x->at_us;
    const struct part *q = transcript_question(t);
    if (q)
        o->prompt = arena_copy(a, shorten(redacted_text(x, ON_PROMPT, (size_t)(q - t->prompt)), OBSERVED_TEXT));
    for (size_t i = 0; i < t->nanswer && !o->answer.len; i++)
        if (t->answer[i].kind == PART_TEXT)
            o->answer = arena_copy(a, shorten(redacted_text(x, ON_ANSWER, i), OBSERVED_TEXT));
    size_t refusal = 0;
    while (all_checks[refusal] && all_checks[refusal] != &check_refusal)
        refusal++;
    o->is_refused = t->is_refused_by_provider || verdict_score(&x->v, refusal, NULL) >= 0.5;
    o->is_flagged = x->v.action >= ACTION_FLAG;
    o->is_blocked = x->v.action == ACTION_BLOCK;
    o->latency_us = (clock_ns() - x->start_ns) / 1000;
    o->output_tokens = t->usage.output;
    struct { struct row *from; size_t n; struct row **to; size_t *nto; } rows[2] = { { t->inputs, t->ninputs, &o->inputs, &o->ninputs }, { t->outputs, t->noutputs, &o->outputs, &o->noutputs } };
    for (int side = 0; side < 2; side++) {
        size_t n = rows[side].n < 16 ? rows[side].n : 16;
        *rows[side].to = arena_alloc(a, (n + 1) * sizeof(struct row));
        *rows[side].nto = n;
        for (size_t i = 0; i < n; i++) {
            const struct row *from = &rows[side].from[i];
            struct row *to = &(*rows[side].to)[i];
            to->features = arena_alloc(a, (from->n + 1) * sizeof *to->features);
            to->n = from->n;
            for (size_t k = 0; k < from->n; k++) {
                to->features[k] = from->features[k];
                to->features[k].name = arena_copy(a, from->features[k].name);
                to->features[k].category = arena_copy(a, shorten(from->features[k].category, 200));
            }
        }
    }
    if (!observations_put(x->w->observations, o)) {
        count(&x->w->metrics->drift_dropped, 1);
        observed_free(o);
    }
}

void exchange_commit(struct exchange *x)
{
    bool is_durable = x->route->record == RECORD_DURABLE, waits = is_durable && x->client;
    x->is_recorded = true;
    if (x->client)
        x->state = X_COMMIT;
    exchange_observe(x);
    if (x->route->record == RECORD_OFF || !x->w->store) {
        if (x->client)
            answer_committed(x, true);
        return;
    }
    struct sealed *s = seal(x);
    if (store_submit(x->w->store, s, is_durable ? STORE_DURABLE : STORE_ASYNC, waits ? x : NULL)) {
        if (!waits && x->client)
            answer_committed(x, true);
        return;
    }
    sealed_free(s);
    if (x->client && is_durable)
        answer_committed(x, false);
    else
        store_lost(server_store(x->w->server), 1);
    if (x->client && !is_durable)
        answer_committed(x, true);
}
