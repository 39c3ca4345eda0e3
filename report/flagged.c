/* SPDX-License-Identifier: Apache-2.0 */
#include "report/flagged.h"
#include "base/must.h"
#include "base/parse.h"
#include "base/utf8.h"
#include "report/page.h"
#include "store/fields.h"
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

enum { RULES_MOST = 512, ROUTES_MOST = 256, PAGE = 20000, RECORDS_MOST = 5000000, NAME = 128, BUCKETS = 400 };

struct rule_sum { char id[NAME], action[16], severity[16], message[300]; uint64_t n; };
struct route_sum { char name[NAME]; uint64_t n, verdicts[4], failed, tokens_in, tokens_out, reported; uint32_t ms[BUCKETS]; };
struct sums {
    struct arena *scratch;
    uint64_t n;
    int64_t from_us, to_us;
    struct rule_sum *rules;
    size_t nrules;
    struct route_sum all, *routes;
    size_t nroutes;
    bool is_cut;
    char last[RECORD_ID_BYTES + 1];
    unsigned page;
};
static const char *const verdict_names[] = { "allow", "flag", "redact", "block" };

static void keep(char *out, size_t room, struct span s)
{
    size_t n = s.len < room - 1 ? s.len : room - 1;
    while (n < s.len && n && ((unsigned char)s.at[n] & 0xc0) == 0x80)
        n--;
    if (n)
        memcpy(out, s.at, n);
    out[n] = 0;
}
/* Latencies in buckets of 4 % each from 1 ms on: quantiles within 4 %, in bounded memory. */
static unsigned bucket_of(uint64_t us)
{
    unsigned b = 0;
    for (double edge = 1000; edge < (double)us && b < BUCKETS - 1; edge *= 1.04)
        b++;
    return b;
}
static uint64_t quantile(const struct route_sum *r, double share)
{
    uint64_t want = (uint64_t)((double)r->n * share), seen = 0;
    double edge = 1000;
    for (unsigned b = 0; b < BUCKETS; b++, edge *= 1.04)
        if ((seen += r->ms[b]) > want)
            return (uint64_t)edge;
    return 0;
}
static void add_route(struct route_sum *s, const struct record *r, unsigned bucket)
{
    s->n++;
    for (int v = 0; v < 4; v++)
        s->verdicts[v] += span_is(r->verdict, verdict_names[v]);
    s->failed += r->error.len > 0 || r->status >= 500 || !r->status;
    s->tokens_in += r->input_tokens;
    s->tokens_out += r->output_tokens;
    s->reported += span_is(r->usage_origin, "reported");
    s->ms[bucket]++;
}
static bool sum_one(void *context, const struct record *r)
{
    struct sums *s = context;
    struct route_sum *route = NULL;
    unsigned bucket = bucket_of(r->total_us);
    memcpy(s->last, r->id, sizeof s->last);
    s->page++;
    s->n++;
    s->from_us = r->at_us;
    if (!s->to_us)
        s->to_us = r->at_us;
    for (size_t i = 0; i < s->nroutes && !route; i++)
        if (span_is(r->route, s->routes[i].name))
            route = &s->routes[i];
    if (!route && s->nroutes < ROUTES_MOST) {
        route = &s->routes[s->nroutes++];
        keep(route->name, NAME, r->route);
    }
    add_route(&s->all, r, bucket);
    if (route)
        add_route(route, r, bucket);
    struct json doc;
    if (!r->rules.len)
        return true;
    arena_reset(s->scratch);
    if (!json_read(&doc, s->scratch, r->rules))
        return true;
    struct jv_walk w = jv_walk(json_root(&doc));
    while (jv_next(&w)) {
        struct span id = jv_text(jv_get(w.value, "id"), s->scratch);
        struct rule_sum *x = NULL;
        for (size_t i = 0; i < s->nrules && !x; i++)
            if (span_is(id, s->rules[i].id))
                x = &s->rules[i];
        if (!x && s->nrules < RULES_MOST) {
            x = &s->rules[s->nrules++];
            keep(x->id, sizeof x->id, id);
            keep(x->action, sizeof x->action, jv_text(jv_get(w.value, "action"), s->scratch));
            keep(x->severity, sizeof x->severity, jv_text(jv_get(w.value, "severity"), s->scratch));
            keep(x->message, sizeof x->message, jv_text(jv_get(w.value, "message"), s->scratch));
        }
        if (x)
            x->n++;
    }
    return true;
}
static int by_count(const void *a, const void *b)
{
    const struct rule_sum *x = a, *y = b;
    return x->n < y->n ? 1 : -(x->n > y->n);
}

struct example_to { struct page *p; struct store_reader *reader; FILE *out; unsigned n, page; char last[RECORD_ID_BYTES + 1]; };
static bool flush(struct page *p, FILE *out)
{
    bool ok = fwrite(p->out->bytes, 1, p->out->len, out) == p->out->len;
    buf_clear(p->out);
    arena_reset(p->arena);
    return ok;
}
static bool put_example(void *context, const struct record *row)
{
    struct example_to *x = context;
    struct page *p = x->p;
    struct record r;
    struct arena *whole = arena_new(256 << 20);
    if (store_reader_get(x->reader, whole, span_of(row->id), &r)) {
        html(p, "<article><h3>");
        put_time(p, r.at_us);
        html(p, " · ");
        put(p, r.route);
        html(p, " · <span class=\"id\">");
        put_text(p, r.id);
        html(p, "</span></h3>");
        show_exchange(p, &r, true);
        html(p, "</article>");
        x->n++;
    }
    bool ok = flush(p, x->out);
    arena_free(whole);
    return ok;
}
static void cell(struct page *p, uint64_t n)
{
    html(p, "<td class=\"n\">");
    put_number(p, n);
    html(p, "</td>");
}
static void write_html(const struct report_options *o, struct sums *s, const struct verify_result *v, struct store_reader *reader, FILE *out, struct troubles *t)
{
    struct buf b = { .cap = 256 << 20 };
    struct page page = { .out = &b, .arena = arena_new(256 << 20), .language = o->language, .is_alone = true }, *p = &page;
    page_begin(p, WORD_REPORT_TITLE, (struct span){ 0 });
    buf_printf(&b, "<h1>%s</h1><p class=\"lead\">%s</p><p>%s: ", T(p, REPORT_TITLE), T(p, REPORT_INTRO), T(p, PERIOD));
    if (s->n) {
        put_time(p, s->from_us);
        html(p, " – ");
        put_time(p, s->to_us);
    }
    html(p, "</p><div class=\"tiles\">");
    struct { uint64_t n; const char *what; } tiles[] = { { s->n, T(p, EXCHANGES_SEEN) }, { s->all.verdicts[1], T(p, FLAGGED) }, { s->all.verdicts[2], T(p, REDACTED) }, { s->all.verdicts[3], T(p, BLOCKED) }, { s->all.failed, T(p, FAILED) } };
    for (size_t i = 0; i < 5; i++) {
        html(p, "<div class=\"tile\"><b>");
        put_number(p, tiles[i].n);
        buf_printf(&b, "</b><span class=\"soft small\">%s</span></div>", tiles[i].what);
    }
    html(p, "</div>");
    if (o->verifies) {
        buf_printf(&b, "<h2>%s</h2><div class=\"card\"><p>%s", T(p, CHAIN), v->is_good ? T(p, CHAIN_GOOD) : T(p, CHAIN_BAD));
        if (!v->is_good) {
            html(p, ": ");
            put_text(p, v->what);
            html(p, " ");
            put_text(p, v->where);
        }
        html(p, "</p><p class=\"id\">");
        put_text(p, v->head);
        html(p, "</p></div>");
    }
    buf_printf(&b, "<h2>%s</h2><div class=\"scroll\"><table><thead><tr><th>%s</th><th class=\"n\">%s</th><th class=\"n\">%s</th><th class=\"n\">%s</th><th class=\"n\">%s</th><th class=\"n\">%s</th><th class=\"n\">%s</th><th class=\"n\">%s</th><th class=\"n\">%s</th></tr></thead><tbody>",
               T(p, BY_ROUTE), T(p, ROUTE), T(p, EXCHANGES_SEEN), T(p, FLAGGED), T(p, REDACTED), T(p, BLOCKED), T(p, FAILED), T(p, MEDIAN), T(p, SLOWEST), T(p, TOKENS));
    for (size_t i = 0; i < s->nroutes; i++) {
        const struct route_sum *r = &s->routes[i];
        html(p, "<tr><td>");
        put_text(p, r->name);
        html(p, "</td>");
        cell(p, r->n);
        for (int k = 1; k < 4; k++)
            cell(p, r->verdicts[k]);
        cell(p, r->failed);
        html(p, "<td class=\"n\">");
        put_ms(p, quantile(r, 0.5));
        html(p, "</td><td class=\"n\">");
        put_ms(p, quantile(r, 0.95));
        html(p, "</td><td class=\"n\">");
        if (r->reported) {
            put_number(p, r->tokens_in);
            html(p, " / ");
            put_number(p, r->tokens_out);
        } else {
            html(p, "–");
        }
        html(p, "</td></tr>");
    }
    buf_printf(&b, "</tbody></table></div><h2>%s</h2>", T(p, BY_RULE));
    if (!s->nrules) {
        buf_printf(&b, "<p class=\"soft\">%s</p>", T(p, NOTHING_FLAGGED));
    } else {
        buf_printf(&b, "<div class=\"scroll\"><table><thead><tr><th>%s</th><th>%s</th><th>%s</th><th>%s</th><th class=\"n\">%s</th></tr></thead><tbody>", T(p, RULE), T(p, ACTION), T(p, SEVERITY), T(p, MESSAGE), T(p, COUNT));
        for (size_t i = 0; i < s->nrules; i++) {
            html(p, "<tr><td><code>");
            put_text(p, s->rules[i].id);
            html(p, "</code></td><td>");
            put_verdict(p, span_of(s->rules[i].action));
            html(p, "</td><td>");
            put_severity(p, span_of(s->rules[i].severity));
            html(p, "</td><td>");
            put_text(p, s->rules[i].message);
            html(p, "</td>");
            cell(p, s->rules[i].n);
            html(p, "</tr>");
        }
        html(p, "</tbody></table></div>");
        buf_printf(&b, "<h2>%s</h2>", T(p, EXAMPLES));
    }
    flush(p, out);
    struct record_filter f = o->filter;
    f.verdict = SPAN("flag,redact,block");
    struct example_to x = { .p = p, .reader = reader, .out = out };
    if (s->nrules)
        store_reader_list(reader, &f, put_example, &x, t);
    page_end(p);
    flush(p, out);
    buf_free(&b);
    arena_free(page.arena);
}

/* All that was flagged, page by page, up to the filter's limit. */
static bool each_flagged(struct example_to *x, const struct record_filter *filter, bool (*each)(void *, const struct record *), struct troubles *t)
{
    struct record_filter f = *filter;
    bool ok;
    f.verdict = SPAN("flag,redact,block");
    do {
        f.limit = filter->limit - x->n < PAGE ? filter->limit - x->n : PAGE;
        x->page = 0;
        ok = store_reader_list(x->reader, &f, each, x, t);
        f.id_before = span_of(x->last);
    } while (ok && x->page == PAGE && x->n < filter->limit);
    return ok;
}
static bool json_example(void *context, const struct record *r)
{
    struct example_to *x = context;
    x->page++;
    memcpy(x->last, r->id, sizeof x->last);
    struct buf b = { .cap = 0 };
    buf_add_text(&b, x->n++ ? ",\n" : "\n");
    record_add_json(&b, r, BODIES_NONE);
    bool ok = fwrite(b.bytes, 1, b.len, x->out) == b.len;
    buf_free(&b);
    return ok;
}
static void write_json(const struct report_options *o, struct sums *s, const struct verify_result *v, struct store_reader *reader, FILE *out, struct troubles *t)
{
    struct buf b = { .cap = 16 << 20 };
    char from[32] = "", to[32] = "";
    if (s->n) {
        format_time(s->from_us, from);
        format_time(s->to_us, to);
    }
    buf_printf(&b, "{\"from\":\"%s\",\"to\":\"%s\",\"exchanges\":%" PRIu64 ",\"cut\":%s,", from, to, s->n, s->is_cut ? "true" : "false");
    if (o->verifies)
        buf_printf(&b, "\"chain\":{\"good\":%s,\"records\":%" PRIu64 ",\"gaps\":%" PRIu64 ",\"lost\":%" PRIu64 ",\"head\":\"%s\"},", v->is_good ? "true" : "false", v->records, v->gaps, v->lost, v->head);
    buf_add_text(&b, "\"routes\":[");
    for (size_t i = 0; i < s->nroutes; i++) {
        const struct route_sum *r = &s->routes[i];
        buf_add_text(&b, i ? ",{\"route\":\"" : "{\"route\":\"");
        buf_add_json(&b, span_of(r->name));
        buf_printf(&b, "\",\"exchanges\":%" PRIu64 ",\"allow\":%" PRIu64 ",\"flag\":%" PRIu64 ",\"redact\":%" PRIu64 ",\"block\":%" PRIu64 ",\"failed\":%" PRIu64 ",\"p50_us\":%" PRIu64 ",\"p95_us\":%" PRIu64 ",\"p99_us\":%" PRIu64 ",\"input_tokens\":%" PRIu64
                       ",\"output_tokens\":%" PRIu64 ",\"usage_reported\":%" PRIu64 "}",
                   r->n, r->verdicts[0], r->verdicts[1], r->verdicts[2], r->verdicts[3], r->failed, quantile(r, 0.5), quantile(r, 0.95), quantile(r, 0.99), r->tokens_in, r->tokens_out, r->reported);
    }
    buf_add_text(&b, "],\"rules\":[");
    for (size_t i = 0; i < s->nrules; i++) {
        buf_add_text(&b, i ? ",{\"id\":\"" : "{\"id\":\"");
        buf_add_json(&b, span_of(s->rules[i].id));
        buf_printf(&b, "\",\"action\":\"%s\",\"severity\":\"%s\",\"exchanges\":%" PRIu64 ",\"message\":\"", s->rules[i].action, s->rules[i].severity, s->rules[i].n);
        buf_add_json(&b, span_of(s->rules[i].message));
        buf_add_text(&b, "\"}");
    }
    buf_add_text(&b, "],\"flagged\":[");
    fwrite(b.bytes, 1, b.len, out);
    buf_free(&b);
    struct example_to x = { .reader = reader, .out = out };
    each_flagged(&x, &o->filter, json_example, t);
    fputs("]}\n", out);
}

/* RFC 4180; a cell that a spreadsheet would take for a formula gets a quote mark before it. */
static void csv(struct buf *b, struct span s, bool is_last)
{
    buf_add_char(b, '"');
    if (s.len && strchr("=+-@\t\r", s.at[0]))
        buf_add_char(b, '\'');
    for (size_t i = 0; i < s.len;) {
        size_t n = utf8_length(s.at + i, s.len - i);
        if (s.at[i] == '"')
            buf_add_text(b, "\"\"");
        else if (!n || !s.at[i])
            buf_add_text(b, "\xef\xbf\xbd");
        else
            buf_add(b, span_cut(s, i, i + n));
        i += n ? n : 1;
    }
    buf_add_text(b, is_last ? "\"\r\n" : "\",");
}
static bool csv_example(void *context, const struct record *r)
{
    struct example_to *x = context;
    struct buf b = { .cap = 0 };
    struct arena *a = arena_new(8 << 20);
    struct seen *list;
    size_t n = findings_read(a, r->findings, &list), best = 0;
    char at[32], status[16];
    for (size_t i = 1; i < n; i++)
        if (list[i].score > list[best].score)
            best = i;
    format_time(r->at_us, at);
    snprintf(status, sizeof status, "%d", r->status);
    csv(&b, span_of(r->id), false);
    csv(&b, span_of(at), false);
    csv(&b, r->route, false);
    csv(&b, r->caller, false);
    csv(&b, r->model, false);
    csv(&b, span_of(status), false);
    csv(&b, r->verdict, false);
    csv(&b, r->rule, false);
    csv(&b, n ? list[best].message : (struct span){ 0 }, false);
    csv(&b, r->question, false);
    csv(&b, r->answer_start, true);
    x->page++;
    memcpy(x->last, r->id, sizeof x->last);
    bool ok = fwrite(b.bytes, 1, b.len, x->out) == b.len;
    x->n++;
    buf_free(&b);
    arena_free(a);
    return ok;
}

bool report_write(const struct report_options *o, FILE *out, struct troubles *t)
{
    struct store_reader *reader = store_reader_open(o->data, t);
    if (!reader)
        return false;
    store_reader_settle(reader, 10000);
    struct verify_result v = { 0 };
    if (o->verifies && !store_verify(o->data, 0, UINT64_MAX, &v, t)) {
        store_reader_close(reader);
        return false;
    }
    struct sums *s = calloc(1, sizeof *s);
    must(s != NULL);
    s->scratch = arena_new(8 << 20);
    s->rules = calloc(RULES_MOST, sizeof *s->rules);
    s->routes = calloc(ROUTES_MOST, sizeof *s->routes);
    must(s->rules && s->routes);
    bool ok = true;
    if (o->form == REPORT_CSV) {
        struct example_to x = { .reader = reader, .out = out };
        fputs("id,at,route,caller,model,status,verdict,rule,reason,question,answer\r\n", out);
        ok = each_flagged(&x, &o->filter, csv_example, t);
    } else {
        struct record_filter f = o->filter;
        f.limit = PAGE;
        do { /* page by page, so that no query runs for long */
            s->page = 0;
            ok = store_reader_list(reader, &f, sum_one, s, t);
            f.id_before = span_of(s->last);
            s->is_cut = s->n >= RECORDS_MOST;
        } while (ok && s->page == PAGE && !s->is_cut);
        qsort(s->rules, s->nrules, sizeof *s->rules, by_count);
        if (ok)
            (o->form == REPORT_HTML ? write_html : write_json)(o, s, &v, reader, out, t);
    }
    arena_free(s->scratch);
    free(s->rules);
    free(s->routes);
    free(s);
    store_reader_close(reader);
    return ok && fflush(out) == 0 && !ferror(out);
}
