/* SPDX-License-Identifier: Apache-2.0
 *
 * test_api: what the tests of proxy/api share: a transcript written out as text, so that two readings can be compared and a test
 * can ask for a line of it. */
#ifndef TESTS_UNIT_TEST_API_H
#define TESTS_UNIT_TEST_API_H
#include "proxy/api/api.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static inline void dump_parts(struct buf *b, const struct transcript *t, enum side on)
{
    size_t n;
    const struct part *p = transcript_parts(t, on, &n);
    for (size_t i = 0; i < n; i++)
        buf_printf(b, "%s %s turn=%u choice=%u name=" SPAN_FMT ": " SPAN_FMT "\n", role_names[p[i].role], part_kind_names[p[i].kind], p[i].turn, p[i].choice,
                   SPAN_ARG(p[i].name), SPAN_ARG(p[i].text));
}
static inline void dump_rows(struct buf *b, const char *what, const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        buf_printf(b, "%s", what);
        for (size_t k = 0; k < rows[i].n; k++) {
            const struct feature *f = &rows[i].features[k];
            buf_printf(b, " " SPAN_FMT "=", SPAN_ARG(f->name));
            if (f->type == FEATURE_NUMBER)
                buf_printf(b, "%g", f->number);
            else if (f->type == FEATURE_CATEGORY)
                buf_printf(b, "'" SPAN_FMT "'", SPAN_ARG(f->category));
            else
                buf_add_text(b, "missing");
        }
        buf_add_text(b, "\n");
    }
}
static inline void dump_answer(struct buf *b, const struct transcript *t)
{
    dump_parts(b, t, ON_ANSWER);
    for (size_t i = 0; i < t->nfinishes; i++)
        buf_printf(b, "finish %u " SPAN_FMT "\n", t->finishes[i].choice, SPAN_ARG(t->finishes[i].reason));
    buf_printf(b, "usage %d in=%llu out=%llu read=%llu write=%llu reasoning=%llu\n", (int)t->usage.origin, (unsigned long long)t->usage.input,
               (unsigned long long)t->usage.output, (unsigned long long)t->usage.cache_read, (unsigned long long)t->usage.cache_write,
               (unsigned long long)t->usage.reasoning);
    buf_printf(b, "model=" SPAN_FMT " reading=%d refused=%d whole=%d why=%s\n", SPAN_ARG(t->answer_model), (int)t->answer_reading, t->is_refused_by_provider,
               t->is_answer_whole, t->unread_why ? t->unread_why : "");
    dump_rows(b, "out", t->outputs, t->noutputs);
}
/* The request of a named API. */
static inline struct transcript *ask_it(struct arena *a, const char *api, const char *path, const char *type, struct span body)
{
    struct transcript *t = transcript_new(a, api);
    api_find(span_of(api), SPAN("POST"), span_of(path))->request(t, span_of(path), span_of(type), body);
    return t;
}
/* Feeds an answer in pieces of `step` bytes (0: whole) and writes out what was understood, events and touches too. */
static inline void answer_it(struct buf *out, const struct api *api, bool is_stream, const char *type, const char *encoding, struct span body, size_t step, bool with_events)
{
    struct arena *a = arena_new((size_t)256 << 20);
    struct transcript *t = api_transcript(a, api);
    t->is_stream = is_stream;
    struct answer_reader_options o = { .api = api, .t = t, .status = 200, .content_type = span_of(type), .content_encoding = span_of(encoding), .whole_most = (size_t)64 << 20 };
    struct answer_reader *r = answer_reader_new(a, &o);
    uint64_t last = 0;
    for (size_t at = 0; at <= body.len;) {
        size_t n = step && step < body.len - at ? step : body.len - at, nevents;
        bool is_end = at == body.len;
        if (is_end)
            answer_reader_end(r, false);
        else
            answer_reader_feed(r, span_cut(body, at, at + n));
        const struct answer_event *e = answer_reader_take(r, &nevents);
        const struct touch *touches = answer_reader_touches(r);
        for (size_t i = 0; i < nevents; i++) {
            assert_true(e[i].raw_end >= last && e[i].raw_end <= (is_end ? body.len : at + n));
            last = e[i].raw_end;
            if (with_events)
                buf_printf(out, "event %llu", (unsigned long long)e[i].raw_end);
            for (uint32_t k = 0; k < e[i].ntouches; k++) {
                struct touch x = touches[e[i].first_touch + k];
                assert_true(x.part < t->nanswer && x.from < x.to && x.to <= t->answer[x.part].text.len);
                if (with_events)
                    buf_printf(out, " %u[%u,%u)", x.part, x.from, x.to);
            }
            if (with_events)
                buf_add_text(out, "\n");
        }
        if (is_end)
            break;
        at += n;
    }
    assert_int_equal(last, body.len);
    dump_answer(out, t);
    arena_free(a);
}
static inline void assert_has(struct span text, const char *line)
{
    if (!span_find(text, span_of(line)))
        print_error("missing: %s\nin:\n%.*s\n", line, (int)text.len, text.at);
    assert_non_null(span_find(text, span_of(line)));
}
static inline void assert_has_not(struct span text, const char *line)
{
    if (span_find(text, span_of(line)))
        print_error("unwanted: %s\nin:\n%.*s\n", line, (int)text.len, text.at);
    assert_null(span_find(text, span_of(line)));
}
#endif
