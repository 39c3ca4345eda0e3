/* SPDX-License-Identifier: Apache-2.0
 * The pages. Each query behind them is bounded: the newest of an index, counts that stop. */
#include "report/pages.h"
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

enum { HOUR_MOST = 5000, PAGE_ROWS = 50, RECENT = 8, ROUTES_MOST = 64 };

/* ---- rows ---- */

struct listing {
    struct page *p;
    const struct reviews *reviews;
    unsigned n, most;
    char last[RECORD_ID_BYTES + 1];
    bool is_flags;
};
static bool put_row(void *context, const struct record *r)
{
    struct listing *l = context;
    struct page *p = l->p;
    if (l->n++ >= l->most)
        return false;
    memcpy(l->last, r->id, sizeof l->last);
    buf_printf(p->out, "<tr><td><a href=\"/exchange/%s\">", r->id);
    put_time(p, r->at_us);
    html(p, "</a><br><span class=\"soft small\">");
    put(p, r->route);
    if (r->caller.len) {
        html(p, " · <bdi>");
        put(p, r->caller);
        html(p, "</bdi>");
    }
    html(p, "</span></td><td>");
    put_verdict(p, r->verdict);
    if (r->status >= 400 || !r->status)
        buf_printf(p->out, " <span class=\"soft small\">%d</span>", r->status);
    html(p, "</td><td>");
    if (r->rule.len) {
        html(p, "<code>");
        put(p, r->rule);
        html(p, "</code><br>");
    }
    put_reason(p, r);
    const struct review *seen = reviews_find(l->reviews, span_of(r->id));
    if (seen)
        buf_printf(p->out, "<br><span class=\"badge\">%s</span>", seen->is_confirmed ? T(p, CONFIRM) : T(p, FALSE_ALARM));
    html(p, "</td>");
    put_label(p, NULL, WORD_QUESTION);
    html(p, "<div class=\"clip\" dir=\"auto\">");
    put(p, r->question.len ? r->question : r->path);
    html(p, "</div></td>");
    if (r->answer_start.len)
        put_label(p, NULL, WORD_ANSWER);
    else
        html(p, "<td>");
    html(p, "<div class=\"clip\" dir=\"auto\">");
    put(p, r->answer_start);
    html(p, "</div></td></tr>");
    arena_reset(p->arena);
    return true;
}
static void table_begin(struct page *p)
{
    buf_printf(p->out, "<div class=\"scroll\"><table class=\"stack\"><thead><tr><th>%s</th><th>%s</th><th>%s</th><th>%s</th><th>%s</th></tr></thead><tbody>", T(p, WHEN), T(p, VERDICT), T(p, REASON),
               T(p, QUESTION), T(p, ANSWER));
}

/* ---- overview ---- */

struct tally {
    struct span route;
    char name[128];
    uint64_t n, verdicts[4], failed, tokens_in, tokens_out;
};
struct hour {
    struct tally all, routes[ROUTES_MOST];
    size_t nroutes;
    uint32_t *us;
    size_t nus;
};
static bool tally_one(void *context, const struct record *r)
{
    struct hour *h = context;
    struct tally *t = NULL;
    for (size_t i = 0; i < h->nroutes && !t; i++)
        if (span_is(r->route, h->routes[i].name))
            t = &h->routes[i];
    if (!t && h->nroutes < ROUTES_MOST) {
        t = &h->routes[h->nroutes++];
        snprintf(t->name, sizeof t->name, "%.*s", (int)(r->route.len < 127 ? r->route.len : 127), r->route.at ? r->route.at : "");
    }
    struct tally *both[2] = { &h->all, t };
    static const char *const names[] = { "allow", "flag", "redact", "block" };
    for (int k = 0; k < 2 && both[k]; k++) {
        both[k]->n++;
        for (int v = 0; v < 4; v++)
            both[k]->verdicts[v] += span_is(r->verdict, names[v]);
        both[k]->failed += r->error.len > 0 || r->status >= 500 || !r->status;
        both[k]->tokens_in += r->input_tokens;
        both[k]->tokens_out += r->output_tokens;
    }
    h->us[h->nus++] = (uint32_t)(r->total_us < UINT32_MAX ? r->total_us : UINT32_MAX);
    return h->nus < HOUR_MOST;
}
static int by_us(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}
static void tile(struct page *p, uint64_t n, const char *what)
{
    html(p, "<div class=\"tile\"><b>");
    put_number(p, n);
    html(p, "</b><span class=\"soft small\">");
    html(p, what);
    html(p, "</span></div>");
}
static int64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}
/* A watch that has not compared anything yet has not found that nothing moved. */
static const char *state_word(struct page *p, struct jv watch)
{
    if (jv_text_is(jv_get(watch, "state"), "drift"))
        return T(p, DRIFTING);
    if (jv_text_is(jv_get(watch, "state"), "watching"))
        return jv_type(jv_get(watch, "report")) == JSON_OBJECT ? T(p, WATCHING) : T(p, TOO_EARLY);
    return T(p, LEARNING);
}
static const char *state_class(struct jv watch)
{
    return jv_text_is(jv_get(watch, "state"), "drift") ? "drift" : jv_text_is(jv_get(watch, "state"), "watching") && jv_type(jv_get(watch, "report")) == JSON_OBJECT ? "still" : "";
}
static void put_drift_states(struct page *p, const struct admin_source *s)
{
    struct buf b = { .cap = 8 << 20 };
    struct json doc;
    s->drift(s->context, &b);
    if (json_read(&doc, p->arena, buf_span(&b))) {
        struct jv_walk w = jv_walk(jv_get(json_root(&doc), "routes"));
        html(p, "<dl>");
        while (jv_next(&w)) {
            struct jv watch = jv_get(w.value, "watch");
            html(p, "<dt>");
            put(p, jv_text(jv_get(w.value, "route"), p->arena));
            buf_printf(p->out, "</dt><dd><a href=\"/drift\" class=\"badge %s\">%s</a></dd>", state_class(watch), state_word(p, watch));
        }
        html(p, "</dl>");
    }
    buf_free(&b);
}
void page_overview(struct page *p, const struct admin_source *s, struct store_reader *r)
{
    struct arena *a = arena_new(8 << 20);
    struct troubles *t = arena_alloc(a, sizeof *t);
    t->arena = a;
    page_begin(p, WORD_OVERVIEW, (struct span){ 0 });
    buf_printf(p->out, "<h1>%s</h1>", T(p, LAST_HOUR));
    if (!r) {
        buf_printf(p->out, "<p class=\"lead\">%s</p>", T(p, NO_STORE));
    } else {
        struct hour *h = arena_alloc(a, sizeof *h);
        h->us = arena_alloc(a, HOUR_MOST * sizeof *h->us);
        struct record_filter f = { .since_us = now_us() - 3600000000ll, .limit = HOUR_MOST };
        bool is_cut = !store_reader_list(r, &f, tally_one, h, t) && h->nus; /* as far as the time given to a query went */
        is_cut |= h->nus == HOUR_MOST;
        qsort(h->us, h->nus, sizeof *h->us, by_us);
        html(p, "<div class=\"tiles\">");
        char more[96];
        snprintf(more, sizeof more, "%s%s%s", is_cut ? T(p, MORE_THAN) : "", is_cut ? " … " : "", T(p, EXCHANGES_SEEN));
        tile(p, h->all.n, more);
        tile(p, h->all.verdicts[1], T(p, FLAGGED));
        tile(p, h->all.verdicts[2], T(p, REDACTED));
        tile(p, h->all.verdicts[3], T(p, BLOCKED));
        tile(p, h->all.failed, T(p, FAILED));
        if (h->nus) {
            html(p, "<div class=\"tile\"><b>");
            put_ms(p, h->us[h->nus / 2]);
            buf_printf(p->out, "</b><span class=\"soft small\">%s · %s ", T(p, MEDIAN), T(p, SLOWEST));
            put_ms(p, h->us[h->nus * 95 / 100]);
            html(p, "</span></div>");
        }
        html(p, "</div>");
        if (!h->all.n)
            buf_printf(p->out, "<p class=\"lead\">%s</p>", T(p, NOTHING_HERE));
        if (h->nroutes) {
            buf_printf(p->out, "<h2>%s</h2><div class=\"scroll\"><table class=\"stack\"><thead><tr><th>%s</th><th class=\"n\">%s</th><th class=\"n\">%s</th><th class=\"n\">%s</th><th class=\"n\">%s</th><th class=\"n\">%s</th><th class=\"n\">%s</th></tr></thead><tbody>",
                       T(p, BY_ROUTE), T(p, ROUTE), T(p, EXCHANGES_SEEN), T(p, FLAGGED), T(p, REDACTED), T(p, BLOCKED), T(p, FAILED), T(p, TOKENS));
            for (size_t i = 0; i < h->nroutes; i++) {
                const struct tally *x = &h->routes[i];
                html(p, "<tr><td><a href=\"/exchanges?route=");
                put_url(p, span_of(x->name));
                html(p, "\">");
                put_text(p, x->name);
                html(p, "</a></td>");
                const struct { uint64_t n; enum word word; } cells[] = { { x->n, WORD_EXCHANGES_SEEN }, { x->verdicts[1], WORD_FLAGGED }, { x->verdicts[2], WORD_REDACTED }, { x->verdicts[3], WORD_BLOCKED }, { x->failed, WORD_FAILED } };
                for (size_t k = 0; k < 5; k++) {
                    put_label(p, "n", cells[k].word);
                    put_number(p, cells[k].n);
                    html(p, "</td>");
                }
                put_label(p, "n", WORD_TOKENS);
                if (x->tokens_in || x->tokens_out) {
                    put_number(p, x->tokens_in);
                    html(p, " / ");
                    put_number(p, x->tokens_out);
                } else {
                    html(p, "–");
                }
                html(p, "</td></tr>");
            }
            html(p, "</tbody></table></div>");
        }
        buf_printf(p->out, "<h2>%s</h2>", T(p, RECENT_FLAGS));
        struct listing l = { .p = p, .most = RECENT };
        struct record_filter flags = { .verdict = SPAN("flag,redact,block"), .limit = RECENT };
        size_t before = p->out->len;
        table_begin(p);
        store_reader_list(r, &flags, put_row, &l, t);
        if (l.n) {
            buf_printf(p->out, "</tbody></table></div><p class=\"pager\"><a href=\"/flags\">%s</a></p>", T(p, ALL_FLAGS));
        } else {
            p->out->len = before;
            buf_printf(p->out, "<p class=\"soft\">%s</p>", T(p, NOTHING_FLAGGED));
        }
    }
    buf_printf(p->out, "<div class=\"two\"><section><h2>%s</h2><div class=\"card\">", T(p, DRIFT));
    put_drift_states(p, s);
    buf_printf(p->out, "</div></section><section><h2>%s</h2><div class=\"card\"><dl><dt>vigie</dt><dd>", T(p, STATE));
    const char *why = "";
    html(p, s->is_ready(s->context, &why) ? T(p, READY) : "");
    put_text(p, why);
    buf_printf(p->out, "</dd><dt>%s</dt><dd>%u</dd><dt>%s</dt><dd>", T(p, CONFIG_GENERATION), s->generation(s->context), T(p, UP_SINCE));
    put_time(p, s->started_us);
    html(p, "</dd></dl></div></section></div>");
    page_end(p);
    arena_free(a);
}

/* ---- lists ---- */

static void input(struct page *p, const char *name, const char *label, struct span value, const char *like)
{
    buf_printf(p->out, "<div><label for=\"f-%s\">%s</label><input id=\"f-%s\" name=\"%s\" maxlength=\"200\" placeholder=\"%s\" value=\"", name, label, name, name, like);
    put(p, value);
    html(p, "\"></div>");
}
static void query_part(struct page *p, bool *first, const char *name, struct span value)
{
    if (!value.len)
        return;
    html(p, *first ? "?" : "&amp;");
    *first = false;
    html(p, name);
    html(p, "=");
    put_url(p, value);
}
static void put_link(struct page *p, const char *path, const struct record_filter *f, struct span since, struct span until, const char *before, const char *label)
{
    bool first = true;
    buf_printf(p->out, "<a href=\"%s", path);
    query_part(p, &first, "verdict", f->verdict);
    query_part(p, &first, "rule", f->rule);
    query_part(p, &first, "route", f->route);
    query_part(p, &first, "caller", f->caller);
    query_part(p, &first, "model", f->model);
    query_part(p, &first, "text", f->text);
    query_part(p, &first, "session", f->session);
    query_part(p, &first, "join", f->join);
    query_part(p, &first, "since", since);
    query_part(p, &first, "until", until);
    if (before)
        query_part(p, &first, "before", span_of(before));
    buf_printf(p->out, "\">%s</a>", label);
}
bool page_list(struct page *p, struct store_reader *r, const struct record_filter *given, bool only_flagged, struct span since, struct span until, const struct reviews *reviews)
{
    static const char *const verdicts[] = { "", "flag", "redact", "block", "allow" };
    static const enum word names[] = { WORD_ANY, WORD_SAYS_FLAG, WORD_SAYS_REDACT, WORD_SAYS_BLOCK, WORD_SAYS_ALLOW };
    struct arena *a = arena_new(8 << 20);
    struct troubles *t = arena_alloc(a, sizeof *t);
    struct record_filter f = *given;
    const char *path = only_flagged ? "/flags" : "/exchanges";
    t->arena = a;
    page_begin(p, only_flagged ? WORD_FLAGS : WORD_EXCHANGES, (struct span){ 0 });
    buf_printf(p->out, "<h1>%s</h1><form class=\"filter\" method=\"get\" action=\"%s\"><div><label for=\"f-verdict\">%s</label><select id=\"f-verdict\" name=\"verdict\">",
               only_flagged ? T(p, FLAGS_TITLE) : T(p, EXCHANGES), path, T(p, VERDICT));
    for (int i = 0; i < (only_flagged ? 4 : 5); i++)
        buf_printf(p->out, "<option value=\"%s\"%s>%s</option>", verdicts[i], span_is(f.verdict, verdicts[i]) ? " selected" : "", i ? word(p->language, names[i]) : T(p, ANY));
    html(p, "</select></div>");
    input(p, "rule", T(p, RULE), f.rule, "");
    input(p, "route", T(p, ROUTE), f.route, "");
    input(p, "caller", T(p, CALLER), f.caller, "");
    input(p, "text", T(p, TEXT), f.text, "");
    input(p, "since", T(p, SINCE), since, T(p, SINCE_LIKE));
    buf_printf(p->out, "<button>%s</button></form>", T(p, FILTER));
    if (!r) {
        buf_printf(p->out, "<p class=\"lead\">%s</p>", T(p, NO_STORE));
        page_end(p);
        arena_free(a);
        return true;
    }
    if (only_flagged && !f.verdict.len)
        f.verdict = SPAN("flag,redact,block");
    bool is_narrowed = given->verdict.len || given->rule.len || given->route.len || given->caller.len || given->model.len || given->text.len || given->session.len || given->join.len || since.len || until.len || given->id_before.len;
    f.limit = PAGE_ROWS;
    uint64_t total = 0;
    bool is_more = false;
    struct record_filter all = f;
    all.id_before = (struct span){ 0 };
    bool is_counted = store_reader_count(r, &all, &total, &is_more);
    struct listing l = { .p = p, .reviews = reviews, .most = PAGE_ROWS, .is_flags = only_flagged };
    size_t before = p->out->len;
    table_begin(p);
    bool ok = store_reader_list(r, &f, put_row, &l, t);
    if (!l.n) {
        p->out->len = before;
        if (ok || !t->n)
            buf_printf(p->out, "<p class=\"lead\">%s</p>", is_narrowed ? T(p, NOTHING_MATCHES) : only_flagged ? T(p, NOTHING_FLAGGED) : T(p, NOTHING_HERE));
    } else {
        html(p, "</tbody></table></div><p class=\"pager\"><span class=\"soft\">");
        put_number(p, l.n);
        if (is_counted) {
            buf_printf(p->out, " %s %s%s", T(p, OF), is_more ? T(p, MORE_THAN) : "", is_more ? " " : "");
            put_number(p, total);
        }
        html(p, "</span>");
        if (given->id_before.len)
            put_link(p, path, given, since, until, NULL, T(p, NEWEST));
        if (l.n == PAGE_ROWS)
            put_link(p, path, given, since, until, l.last, T(p, OLDER));
        html(p, "</p>");
    }
    for (unsigned i = 0; i < t->n && !ok; i++) {
        html(p, "<p class=\"notice\" role=\"alert\">");
        put_text(p, t->list[i].what);
        html(p, ": ");
        put_text(p, t->list[i].hint);
        html(p, "</p>");
    }
    page_end(p);
    arena_free(a);
    return ok;
}

bool page_exchange(struct page *p, struct store_reader *r, struct span id, const struct reviews *reviews)
{
    struct record rec;
    if (!r || !store_reader_get(r, p->arena, id, &rec))
        return false;
    page_begin(p, WORD_EXCHANGE, (struct span){ 0 });
    buf_printf(p->out, "<h1>%s</h1><p class=\"lead\">", T(p, EXCHANGE));
    put_time(p, rec.at_us);
    html(p, " · ");
    put(p, rec.route);
    buf_printf(p->out, " · <a href=\"/api/v1/exchanges/%s\">%s</a></p>", rec.id, T(p, RAW_JSON));
    show_exchange(p, &rec, false);
    if (!span_is(rec.verdict, "allow")) {
        const struct review *seen = reviews_find(reviews, id);
        buf_printf(p->out, "<h2>%s</h2><div class=\"card\"><p class=\"soft\">%s</p>", T(p, REVIEW), T(p, REVIEW_HINT));
        if (seen) {
            buf_printf(p->out, "<p>%s <b>%s</b> ", T(p, REVIEWED_AS), seen->is_confirmed ? T(p, CONFIRM) : T(p, FALSE_ALARM));
            put_time(p, seen->at_us);
            html(p, " ");
            put(p, seen->note);
            html(p, "</p>");
        }
        buf_printf(p->out, "<form method=\"post\" action=\"/exchange/%s/review\"><label for=\"note\">%s</label><input id=\"note\" name=\"note\" maxlength=\"500\" class=\"wide\"> "
                           "<button name=\"review\" value=\"confirmed\">%s</button> <button class=\"quiet\" name=\"review\" value=\"false_alarm\">%s</button></form></div>",
                   rec.id, T(p, NOTE), T(p, CONFIRM), T(p, FALSE_ALARM));
    }
    page_end(p);
    return true;
}

/* ---- drift ---- */

static double number_of(struct jv v)
{
    double d = 0;
    jv_number(v, &d);
    return d;
}
static void put_examples(struct page *p, struct jv list, const char *title)
{
    struct jv_walk w = jv_walk(list);
    bool any = false;
    while (jv_next(&w)) {
        struct span id = jv_text(jv_get(w.value, "id"), p->arena), text = jv_text(jv_get(w.value, "text"), p->arena);
        if (!text.len)
            continue;
        if (!any)
            buf_printf(p->out, "<div><h3>%s</h3>", title);
        any = true;
        html(p, "<div class=\"turn\"><div class=\"text\" dir=\"auto\">");
        put(p, text);
        html(p, "</div>");
        if (id.len == RECORD_ID_BYTES) {
            html(p, "<a class=\"small\" href=\"/exchange/");
            put_url(p, id);
            buf_printf(p->out, "\">%s</a>", T(p, EXCHANGE));
        }
        html(p, "</div>");
    }
    if (any)
        html(p, "</div>");
}
static void put_watch(struct page *p, struct jv route)
{
    static const struct { const char *key; enum word word; } sides[] = {
        { "prompt", WORD_SIDE_PROMPT }, { "answer", WORD_SIDE_ANSWER }, { "features", WORD_SIDE_FEATURES }, { "predictions", WORD_SIDE_PREDICTIONS }, { "behaviour", WORD_SIDE_BEHAVIOUR },
    };
    struct jv watch = jv_get(route, "watch"), report = jv_get(watch, "report");
    struct span state = jv_text(jv_get(watch, "state"), p->arena);
    html(p, "<section class=\"card\"><h2>");
    put(p, jv_text(jv_get(route, "route"), p->arena));
    buf_printf(p->out, " <span class=\"badge %s\">%s</span></h2><p>", state_class(watch), state_word(p, watch));
    put(p, jv_text(jv_get(watch, "what"), p->arena));
    html(p, "</p><p class=\"soft small\">");
    buf_printf(p->out, "%s %.0f / %.0f · %s %.0f / %.0f", T(p, BASELINE_HAS), number_of(jv_path(watch, "baseline.have")), number_of(jv_path(watch, "baseline.want")), T(p, WINDOW_HAS),
               number_of(jv_path(watch, "window.have")), number_of(jv_path(watch, "window.want")));
    bool any_side = false;
    for (size_t i = 0; i < 5; i++) {
        struct jv side = jv_get(jv_get(watch, "sides"), sides[i].key);
        if (jv_true(jv_get(side, "seen")) && jv_type(report) == JSON_OBJECT) {
            buf_printf(p->out, "%s%s: %sp = %.3g%s", any_side ? " · " : "<br>", word(p->language, sides[i].word), jv_true(jv_get(side, "drift")) ? "<b>" : "", number_of(jv_get(side, "p")),
                       jv_true(jv_get(side, "drift")) ? "</b>" : "");
            any_side = true;
        }
    }
    html(p, "</p>");
    double alpha = number_of(jv_get(watch, "alpha_of_look"));
    struct jv_walk w = jv_walk(jv_get(report, "features"));
    unsigned n = 0;
    while (jv_next(&w) && n < 12) {
        if (number_of(jv_get(w.value, "p_adjusted")) > alpha)
            continue;
        if (!n++)
            buf_printf(p->out, "<h3>%s</h3><div class=\"scroll\"><table class=\"stack\"><thead><tr><th>%s</th><th>%s</th><th class=\"n\">p</th><th>%s</th></tr></thead><tbody>", T(p, WHAT_MOVED), T(p, FEATURE), T(p, EFFECT), T(p, DETAIL));
        html(p, "<tr><td><code>");
        put(p, jv_text(jv_get(w.value, "name"), p->arena));
        html(p, "</code></td><td class=\"nowrap\">");
        put_bar(p, number_of(jv_get(w.value, "effect")));
        buf_printf(p->out, " %.2f</td><td class=\"n\" data-label=\"p\">%.2g</td><td>", number_of(jv_get(w.value, "effect")), number_of(jv_get(w.value, "p_adjusted")));
        put(p, jv_text(jv_get(w.value, "what"), p->arena));
        html(p, "</td></tr>");
    }
    if (n)
        html(p, "</tbody></table></div>");
    w = jv_walk(jv_get(report, "schema"));
    while (jv_next(&w)) {
        html(p, "<p><code>");
        put(p, jv_text(jv_get(w.value, "feature"), p->arena));
        html(p, "</code> ");
        put(p, jv_text(jv_get(w.value, "change"), p->arena));
        html(p, "</p>");
    }
    if (span_is(state, "drift")) {
        w = jv_walk(jv_get(report, "terms"));
        n = 0;
        while (jv_next(&w) && n < 15) {
            double effect = number_of(jv_get(w.value, "effect"));
            if (!n++)
                buf_printf(p->out, "<h3>%s</h3><div class=\"scroll\"><table class=\"stack\"><thead><tr><th>%s</th><th>%s</th><th class=\"n\">%s</th><th class=\"n\">%s</th><th>%s</th></tr></thead><tbody>", T(p, TERMS_MOVED), T(p, TEXT), T(p, SIDE), T(p, BEFORE), T(p, AFTER), T(p, CHANGE));
            html(p, "<tr><td>");
            put(p, jv_text(jv_get(w.value, "term"), p->arena));
            html(p, "</td><td class=\"soft small\">");
            struct span on = jv_text(jv_get(w.value, "on"), p->arena);
            put(p, span_is(on, "prompt") ? span_of(T(p, QUESTION)) : span_is(on, "answer") ? span_of(T(p, ANSWER)) : on);
            buf_printf(p->out, "</td><td class=\"n\" data-label=\"%s\">%.1f %%</td><td class=\"n\" data-label=\"%s\">%.1f %%</td><td class=\"nowrap\">%s ", T(p, BEFORE), 100 * number_of(jv_get(w.value, "before")), T(p, AFTER), 100 * number_of(jv_get(w.value, "after")), effect > 0 ? "▲" : "▼");
            put_bar(p, effect);
            html(p, "</td></tr>");
        }
        if (n)
            html(p, "</tbody></table></div>");
        html(p, "<div class=\"two\">");
        put_examples(p, jv_get(watch, "before"), T(p, EXAMPLES_BEFORE));
        put_examples(p, jv_get(watch, "after"), T(p, EXAMPLES_AFTER));
        html(p, "</div>");
    }
    html(p, "</section>");
}
void page_drift(struct page *p, const struct admin_source *s)
{
    struct buf b = { .cap = 16 << 20 };
    struct json doc;
    page_begin(p, WORD_DRIFT, (struct span){ 0 });
    buf_printf(p->out, "<h1>%s</h1><p class=\"lead\">%s</p>", T(p, DRIFT), T(p, DRIFT_HOW));
    s->drift(s->context, &b);
    bool any = false;
    if (json_read(&doc, p->arena, buf_span(&b))) {
        /* What has moved stands first. */
        for (int pass = 0; pass < 2; pass++) {
            struct jv_walk w = jv_walk(jv_get(json_root(&doc), "routes"));
            while (jv_next(&w))
                if (jv_text_is(jv_path(w.value, "watch.state"), "drift") == (pass == 0)) {
                    any = true;
                    put_watch(p, w.value);
                }
        }
    }
    if (!any)
        buf_printf(p->out, "<p>%s</p>", T(p, NO_ROUTES));
    buf_free(&b);
    page_end(p);
}

/* ---- rules ---- */

struct rules_to { struct page *p; const struct reviews *reviews; unsigned n; };
static void put_rule(void *to, const struct rule *r, const char *routes, uint64_t hits)
{
    struct rules_to *x = to;
    struct page *p = x->p;
    uint64_t confirmed, alarms;
    x->n++;
    html(p, "<tr><td><code>");
    put_text(p, r->id);
    html(p, "</code><br><span class=\"soft small\">");
    put_text(p, r->pack);
    buf_printf(p->out, " v%u · ", r->version);
    const char *file = strrchr(r->file ? r->file : "", '/');
    put_text(p, file ? file + 1 : r->file ? r->file : "");
    buf_printf(p->out, ":%u</span></td><td>", r->line);
    put_verdict(p, span_of(action_names[r->action]));
    html(p, "<br><span class=\"soft small\">");
    put_severity(p, span_of(severity_names[r->severity]));
    html(p, "</span></td><td>");
    put_text(p, r->message);
    html(p, "<br><span class=\"soft small\">");
    put_text(p, r->when_text ? r->when_text : "");
    html(p, "</span></td>");
    put_label(p, NULL, WORD_ROUTE);
    put_text(p, routes);
    html(p, "</td>");
    put_label(p, "n", WORD_HITS);
    html(p, "<a href=\"/flags?rule=");
    put_url(p, span_of(r->id));
    html(p, "\">");
    put_number(p, hits);
    html(p, "</a></td>");
    put_label(p, "n", WORD_PRECISION);
    reviews_of_rule(x->reviews, span_of(r->id), &confirmed, &alarms);
    if (confirmed + alarms)
        buf_printf(p->out, "%.0f %% <span class=\"soft small\">(%" PRIu64 ")</span>", 100.0 * (double)confirmed / (double)(confirmed + alarms), confirmed + alarms);
    else
        html(p, "–");
    html(p, "</td></tr>");
}
void page_rules(struct page *p, const struct admin_source *s, const struct reviews *reviews)
{
    struct rules_to x = { .p = p, .reviews = reviews };
    page_begin(p, WORD_RULES, (struct span){ 0 });
    buf_printf(p->out, "<h1>%s</h1>", T(p, RULES));
    size_t before = p->out->len;
    buf_printf(p->out, "<div class=\"scroll\"><table class=\"stack\"><thead><tr><th>%s</th><th>%s</th><th>%s</th><th>%s</th><th class=\"n\">%s</th><th class=\"n\">%s</th></tr></thead><tbody>", T(p, RULE), T(p, ACTION), T(p, MESSAGE), T(p, ROUTE),
               T(p, HITS), T(p, PRECISION));
    s->rules(s->context, put_rule, &x);
    if (x.n) {
        html(p, "</tbody></table></div>");
    } else {
        p->out->len = before;
        buf_printf(p->out, "<p class=\"lead\">%s</p>", T(p, NO_RULES));
    }
    page_end(p);
}

void page_login(struct page *p, bool is_wrong)
{
    page_begin(p, WORD_LOGIN, (struct span){ 0 });
    buf_printf(p->out, "<h1>%s</h1>%s%s%s<form class=\"filter\" method=\"post\" action=\"/login\"><div><label for=\"token\">%s</label><input id=\"token\" name=\"token\" type=\"password\" autocomplete=\"current-password\" required></div><button>%s</button></form>",
               T(p, LOGIN), is_wrong ? "<p>" : "", is_wrong ? T(p, TOKEN_WRONG) : "", is_wrong ? "</p>" : "", T(p, TOKEN), T(p, LOGIN));
    page_end(p);
}
void page_bad_filter(struct page *p, const char *what)
{
    page_begin(p, WORD_BAD_FILTER, (struct span){ 0 });
    buf_printf(p->out, "<h1>%s</h1><p class=\"notice\" role=\"alert\">", T(p, BAD_FILTER));
    put_text(p, what);
    buf_printf(p->out, "</p><p>%s</p><p><a href=\"/flags\">%s</a></p>", T(p, BAD_FILTER_HOW), T(p, ALL_FLAGS));
    page_end(p);
}
void page_message(struct page *p, enum word title, const char *text)
{
    page_begin(p, title, (struct span){ 0 });
    html(p, "<h1>");
    put_text(p, text);
    buf_printf(p->out, "</h1><p><a href=\"/\">%s</a></p>", T(p, OVERVIEW));
    page_end(p);
}
