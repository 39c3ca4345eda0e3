/* SPDX-License-Identifier: Apache-2.0
 * One exchange as people read it: the verdict in a sentence, the turns with findings marked in the text, scores, facts. The texts are read
 * again from the recorded bodies by the API's own reader, so the parts are those that were judged. */
#include "proxy/api/api.h"
#include "report/page.h"
#include <inttypes.h>

enum { TEXT_SHOWN = 20000, PARTS_SHOWN = 200 };

static struct transcript *transcript_of(struct page *p, const struct record *r)
{
    const struct api *api = api_find(r->api, r->method, r->path);
    struct transcript *t = transcript_new(p->arena, api->name);
    struct span body = r->request;
    const char *why = NULL;
    if (r->request.len && !r->is_request_cut && content_decode(p->arena, r->request_coding, r->request, 64 << 20, &body, &why)) {
        const char *q = memchr(r->path.at, '?', r->path.len);
        api->request(t, q ? span_cut(r->path, 0, (size_t)(q - r->path.at)) : r->path, r->request_type, body);
    }
    if (r->answer.len && r->upstream_status >= 200) {
        t->is_error = r->upstream_status > 299;
        struct answer_reader_options o = { .api = t->is_error ? api_find(SPAN("raw"), r->method, r->path) : api, .t = t, .status = t->is_error ? 200 : r->upstream_status, .content_type = r->answer_type, .content_encoding = r->answer_coding, .whole_most = 64 << 20 };
        struct answer_reader *reader = answer_reader_new(p->arena, &o);
        answer_reader_feed(reader, r->answer);
        answer_reader_end(reader, r->is_answer_cut);
    }
    return t;
}
static bool is_found(const struct seen *list, size_t n, enum side_of on, uint32_t part)
{
    for (size_t i = 0; i < n; i++)
        if (list[i].on == on && list[i].part == part)
            return true;
    return false;
}
static void put_parts(struct page *p, const struct part *parts, size_t nparts, const struct seen *list, size_t n, enum side_of on, bool is_short, bool is_moved, bool shows_other)
{
    size_t shown = 0;
    for (size_t i = 0; i < nparts && shown < PARTS_SHOWN; i++) {
        const struct part *x = &parts[i];
        bool found = is_found(list, n, on, (uint32_t)i);
        /* Descriptions of tools and odd strings are only of interest where something was found in them. */
        if ((!x->text.len && !x->name.len) || ((x->kind == PART_TOOL_SPEC || (x->kind == PART_OTHER && !shows_other) || (is_short && x->role != ROLE_USER && on == SEEN_PROMPT)) && !found))
            continue;
        shown++;
        buf_printf(p->out, "<div class=\"turn %s\"><div class=\"role\">%s", role_names[x->role], role_names[x->role]);
        if (x->kind != PART_TEXT)
            buf_printf(p->out, " · %s", part_kind_names[x->kind]);
        if (x->name.len) {
            html(p, " · ");
            put(p, x->name);
        }
        if (on == SEEN_ANSWER && x->choice)
            buf_printf(p->out, " · %u", x->choice + 1);
        html(p, "</div><div class=\"text\" dir=\"auto\">");
        size_t most = is_short ? 1500 : TEXT_SHOWN;
        struct span text = x->text;
        if (text.len > most) {
            while (most && ((unsigned char)text.at[most] & 0xc0) == 0x80)
                most--;
            text.len = most;
        }
        put_marked(p, text, list, n, on, (uint32_t)i, is_moved);
        html(p, text.len < x->text.len ? "…</div></div>" : "</div></div>");
    }
}
static void put_rows(struct page *p, const struct row *rows, size_t n)
{
    if (!n)
        return;
    html(p, "<dl>");
    for (size_t i = 0; i < n && i < 3; i++)
        for (size_t k = 0; k < rows[i].n && k < 64; k++) {
            const struct feature *f = &rows[i].features[k];
            html(p, "<dt>");
            put(p, f->name);
            html(p, "</dt><dd>");
            if (f->type == FEATURE_NUMBER)
                buf_printf(p->out, "%.6g", f->number);
            else if (f->type == FEATURE_CATEGORY)
                put(p, f->category);
            else
                html(p, "–");
            html(p, "</dd>");
        }
    html(p, "</dl>");
}
static void put_findings(struct page *p, const struct seen *list, size_t n)
{
    html(p, "<ol class=\"notes\">");
    for (size_t i = 0; i < n && i < 100; i++) {
        html(p, "<li><code>");
        put(p, list[i].rule);
        html(p, "</code> ");
        put(p, list[i].message);
        if (list[i].text.len) {
            html(p, " <span class=\"soft\">“<bdi>");
            put(p, list[i].text);
            html(p, "</bdi>”</span>");
        }
        buf_printf(p->out, " <span class=\"soft small\">%.2f · ", list[i].score);
        put(p, list[i].check);
        if (list[i].kind.len) {
            html(p, "/");
            put(p, list[i].kind);
        }
        html(p, "</span></li>");
    }
    html(p, "</ol>");
}
static void put_scores(struct page *p, struct span scores)
{
    struct json doc;
    if (!scores.len || !json_read(&doc, p->arena, scores))
        return;
    struct jv_walk w = jv_walk(json_root(&doc));
    html(p, "<dl>");
    while (jv_next(&w)) {
        double v;
        html(p, "<dt>");
        put(p, jv_text(w.key, p->arena));
        html(p, "</dt><dd>");
        if (jv_number(w.value, &v)) {
            put_bar(p, v);
            buf_printf(p->out, " %.2f", v);
        } else {
            buf_printf(p->out, "<span class=\"soft\">%s: ", T(p, NOT_RUN));
            put(p, jv_text(jv_get(w.value, "not_run"), p->arena));
            html(p, "</span>");
        }
        html(p, "</dd>");
    }
    html(p, "</dl>");
}
static void fact(struct page *p, const char *name, struct span value)
{
    if (!value.len)
        return;
    html(p, "<dt>");
    html(p, name);
    html(p, "</dt><dd>");
    put(p, value);
    html(p, "</dd>");
}
void show_exchange(struct page *p, const struct record *r, bool is_short)
{
    struct seen *list;
    size_t n = findings_read(p->arena, r->findings, &list);
    struct transcript *t = transcript_of(p, r);
    html(p, "<div class=\"card\"><p>");
    put_verdict(p, r->verdict);
    buf_printf(p->out, " %s %s ", T(p, THIS_EXCHANGE), span_is(r->verdict, "block") ? T(p, SENTENCE_BLOCK) : span_is(r->verdict, "redact") ? T(p, SENTENCE_REDACT)
                                                       : span_is(r->verdict, "flag") ? T(p, SENTENCE_FLAG) : T(p, SENTENCE_ALLOW));
    html(p, "</p>");
    struct json doc;
    if (r->rules.len && json_read(&doc, p->arena, r->rules)) {
        struct jv_walk w = jv_walk(json_root(&doc));
        html(p, "<ul class=\"notes\">");
        while (jv_next(&w)) {
            html(p, "<li><code>");
            put(p, jv_text(jv_get(w.value, "id"), p->arena));
            html(p, "</code> ");
            put(p, jv_text(jv_get(w.value, "message"), p->arena));
            html(p, " <span class=\"soft small\">");
            put_severity(p, jv_text(jv_get(w.value, "severity"), p->arena));
            html(p, ", v");
            put(p, jv_source(jv_get(w.value, "version")));
            html(p, "</span></li>");
        }
        html(p, "</ul>");
    }
    if (r->error.len) {
        html(p, "<p class=\"soft\">");
        put(p, r->error);
        html(p, "</p>");
    }
    html(p, "</div>");
    if (n) {
        buf_printf(p->out, "<h2>%s</h2><div class=\"card\">", T(p, FINDINGS));
        put_findings(p, list, n);
        html(p, "</div>");
    }
    html(p, "<div class=\"two\"><section>");
    buf_printf(p->out, "<h2>%s</h2>", T(p, PROMPT));
    if (r->is_request_cut)
        buf_printf(p->out, "<p class=\"soft\">%s</p>", T(p, NOT_KEPT));
    else if (t->prompt_reading == READING_UNREAD)
        buf_printf(p->out, "<p class=\"soft\">%s</p>", T(p, UNREADABLE));
    put_parts(p, t->prompt, t->nprompt, list, n, SEEN_PROMPT, is_short, span_is(r->verdict, "redact"), false);
    put_rows(p, t->inputs, t->ninputs);
    buf_printf(p->out, "</section><section><h2>%s</h2>", T(p, ANSWERED));
    if (r->is_answer_cut)
        buf_printf(p->out, "<p class=\"soft\">%s</p>", T(p, NOT_KEPT));
    put_parts(p, t->answer, t->nanswer, list, n, SEEN_ANSWER, is_short, span_is(r->verdict, "redact"), t->is_error);
    put_rows(p, t->outputs, t->noutputs);
    html(p, "</section></div>");
    if (is_short)
        return;
    buf_printf(p->out, "<div class=\"two\"><section><h2>%s</h2><div class=\"card\">", T(p, SCORES));
    put_scores(p, r->scores);
    buf_printf(p->out, "</div></section><section><h2>%s</h2><div class=\"card\"><dl>", T(p, FACTS));
    fact(p, "id", span_of(r->id));
    buf_printf(p->out, "<dt>%s</dt><dd>", T(p, WHEN));
    put_time(p, r->at_us);
    html(p, "</dd>");
    fact(p, T(p, ROUTE), r->route);
    fact(p, "API", r->api);
    fact(p, T(p, MODEL), r->model);
    fact(p, T(p, CALLER), r->caller);
    fact(p, "session", r->session);
    fact(p, "join", r->join);
    fact(p, "tags", r->tags);
    fact(p, "upstream", r->upstream);
    html(p, "<dt>HTTP</dt><dd>");
    put(p, r->method);
    html(p, " <code>");
    put(p, r->path);
    buf_printf(p->out, "</code> %d</dd><dt>%s</dt><dd>", r->status, T(p, TIME_TAKEN));
    put_ms(p, r->total_us);
    if (r->first_byte_us) {
        buf_printf(p->out, ", %s ", T(p, FIRST_BYTE));
        put_ms(p, r->first_byte_us);
    }
    buf_printf(p->out, "</dd><dt>%s</dt><dd>", T(p, TOKENS));
    if (span_is(r->usage_origin, "absent") || !r->usage_origin.len) {
        html(p, "–");
    } else {
        put_number(p, r->input_tokens);
        html(p, " / ");
        put_number(p, r->output_tokens);
        html(p, " (");
        put(p, r->usage_origin);
        html(p, ")");
    }
    html(p, "</dd>");
    fact(p, "ruleset", span_cut(r->ruleset, 0, r->ruleset.len < 16 ? r->ruleset.len : 16));
    html(p, "</dl></div></section></div>");
}
