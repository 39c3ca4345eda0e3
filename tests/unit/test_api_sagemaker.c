/* SPDX-License-Identifier: Apache-2.0
 *
 * SageMaker: bodies of any container, CSV and lines of JSON as rows, and streams in frames that are cut anywhere: nothing of an event is let go
 * before the whole event is known. */
#include "tests/unit/test_api.h"
#include <zlib.h>

static void put32(struct buf *b, uint32_t n)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        buf_add_char(b, (char)(n >> shift));
}
static void frame(struct buf *out, const char *event, struct span payload)
{
    struct buf h = { 0 };
    size_t at = out->len;
    buf_add_char(&h, 11);
    buf_add_text(&h, ":event-type");
    buf_add_char(&h, 7);
    buf_add_char(&h, 0);
    buf_add_char(&h, (char)strlen(event));
    buf_add_text(&h, event);
    put32(out, (uint32_t)(16 + h.len + payload.len));
    put32(out, (uint32_t)h.len);
    put32(out, (uint32_t)crc32(0, (const unsigned char *)out->bytes + at, 8));
    buf_add(out, buf_span(&h));
    buf_add(out, payload);
    put32(out, (uint32_t)crc32(0, (const unsigned char *)out->bytes + at, (unsigned)(out->len - at)));
    buf_free(&h);
}
/* body in frames of `step` bytes. */
static void framed(struct buf *out, struct span body, size_t step)
{
    for (size_t at = 0; at < body.len; at += step)
        frame(out, "PayloadPart", span_cut(body, at, at + step < body.len ? at + step : body.len));
}
static const struct { const char *body; const char *wants[3]; } streams[] = {
    { "data:{\"token\":{\"text\":\"Hel\",\"special\":false},\"generated_text\":null}\n\ndata:{\"token\":{\"text\":\"lo\"},\"generated_text\":\"Hello\",\"details\":{\"finish_reason\":\"length\"}}\n\n",
      { "assistant text turn=0 choice=0 name=: Hello\n", "finish 0 length", "reading=1 refused=0 whole=1" } },
    { "{\"token\":{\"text\":\"Hel\"}}\n{\"token\":{\"text\":\"lo\"},\"generated_text\":\"Hello\"}\n", { "assistant text turn=0 choice=0 name=: Hello\n", "reading=1 refused=0 whole=1" } },
    { "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hel\"}}]}\n\ndata: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"lo\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n",
      { "assistant text turn=0 choice=0 name=: Hello\n", "finish 0 stop", "reading=1 refused=0 whole=1" } },
    { "Hello, as plain text", { "assistant text turn=0 choice=0 name=: Hello, as plain text\n", "reading=1" } },
    { "{\"generated_text\":\"Hello\"}", { "assistant text turn=0 choice=0 name=: Hello\n", "whole=1" } },
};
static void test_frames(void **state)
{
    (void)state;
    const struct api *api = api_find(SPAN("sagemaker"), SPAN("POST"), SPAN("/endpoints/e/invocations-response-stream"));
    for (size_t i = 0; i < sizeof streams / sizeof *streams; i++)
        for (size_t part = 1; part < 64; part += 7)
            for (size_t step = 0; step < 60; step += 13) {
                struct buf body = { 0 }, out = { 0 };
                framed(&body, span_of(streams[i].body), part);
                answer_it(&out, api, true, "application/vnd.amazon.eventstream", "", buf_span(&body), step, false);
                for (size_t k = 0; k < 3 && streams[i].wants[k]; k++)
                    assert_has(buf_span(&out), streams[i].wants[k]);
                buf_free(&body);
                buf_free(&out);
            }
    struct buf body = { 0 }, out = { 0 };
    frame(&body, "PayloadPart", SPAN("data: {\"token\":{\"text\":\"a\"}}\n\n"));
    frame(&body, "ModelStreamError", SPAN("{\"Message\":\"it fell over\"}"));
    answer_it(&out, api, true, "application/vnd.amazon.eventstream", "", buf_span(&body), 0, false);
    assert_has(buf_span(&out), "it fell over");
    buf_clear(&out);
    answer_it(&out, api, true, "application/vnd.amazon.eventstream", "", span_cut(buf_span(&body), 0, body.len - 3), 5, false);
    assert_has(buf_span(&out), "ends within a frame");
    buf_clear(&out);
    body.bytes[body.len - 20]++;
    answer_it(&out, api, true, "application/vnd.amazon.eventstream", "", buf_span(&body), 5, false);
    assert_has(buf_span(&out), "a broken AWS event stream");
    buf_free(&body);
    buf_free(&out);
}
/* The end up to which bytes are told of, after each piece. */
static uint64_t told(struct answer_reader *r, struct span piece)
{
    size_t n;
    answer_reader_feed(r, piece);
    const struct answer_event *e = answer_reader_take(r, &n);
    return n ? e[n - 1].raw_end : 0;
}
static void test_no_half_event(void **state)
{
    (void)state;
    static const char *const pieces[] = { "data: {\"token\":{\"text\":\"fine\"}}\n\ndata: {\"token\":{\"text\":\"sec", "ret\"}}\n\n" };
    for (int is_gzip = 0; is_gzip < 2; is_gzip++) {
        struct arena *a = arena_new((size_t)16 << 20);
        const struct api *api = api_find(SPAN("sagemaker"), SPAN("POST"), SPAN("/endpoints/e/invocations-response-stream"));
        struct buf raw[2] = { { 0 }, { 0 } };
        if (is_gzip) {
            z_stream z = { 0 };
            assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
            for (int i = 0; i < 2; i++) {
                char *room = buf_reserve(&raw[i], 4096);
                z.next_in = (unsigned char *)(uintptr_t)pieces[i];
                z.avail_in = (unsigned)strlen(pieces[i]);
                z.next_out = (unsigned char *)room;
                z.avail_out = 4096;
                assert_int_equal(deflate(&z, i ? Z_FINISH : Z_SYNC_FLUSH), i ? Z_STREAM_END : Z_OK);
                raw[i].len += 4096 - z.avail_out;
            }
            deflateEnd(&z);
        } else {
            for (int i = 0; i < 2; i++)
                frame(&raw[i], "PayloadPart", span_of(pieces[i]));
        }
        struct transcript *t = api_transcript(a, api);
        struct answer_reader_options o = { .api = api, .t = t, .status = 200, .content_type = is_gzip ? SPAN("text/event-stream") : SPAN("application/vnd.amazon.eventstream"),
            .content_encoding = is_gzip ? SPAN("gzip") : SPAN(""), .whole_most = 1 << 20 };
        struct answer_reader *r = answer_reader_new(a, &o);
        assert_true(answer_reader_is_coded(r));
        assert_int_equal(told(r, buf_span(&raw[0])), 0); /* the first event is known, but its piece holds half of the second */
        assert_int_equal(told(r, buf_span(&raw[1])), raw[0].len + raw[1].len);
        size_t n;
        const struct answer_event *e = answer_reader_take(r, &n);
        const struct touch *x = answer_reader_touches(r);
        assert_int_equal(n, 1);
        assert_true(e[0].ntouches == 1 && x[e[0].first_touch].from == 0 && x[e[0].first_touch].to == 10); /* both texts */
        buf_free(&raw[0]);
        buf_free(&raw[1]);
        arena_free(a);
    }
}
static struct span asked(struct buf *b, const char *path, const char *type, const char *body)
{
    struct arena *a = arena_new((size_t)64 << 20);
    struct transcript *t = ask_it(a, "sagemaker", path, type, span_of(body));
    buf_clear(b);
    dump_parts(b, t, ON_PROMPT);
    dump_rows(b, "in", t->inputs, t->ninputs);
    buf_printf(b, "model=" SPAN_FMT " stream=%d reading=%d dropped=%zu\n", SPAN_ARG(t->model), t->is_stream, (int)t->prompt_reading, t->rows_dropped);
    arena_free(a);
    return buf_span(b);
}
static void test_requests(void **state)
{
    (void)state;
    struct buf b = { 0 };
    static const char at[] = "/endpoints/my-model/invocations", stream_at[] = "/endpoints/my-model/invocations-response-stream";
    struct span s = asked(&b, at, "text/csv", "1.5,\"a, \"\"b\"\"\",\r\n-2,x,3\n");
    assert_has(s, "in column_0=1.5 column_1='a, \"b\"' column_2=missing\nin column_0=-2 column_1='x' column_2=3\n");
    assert_has(s, "model=my-model stream=0 reading=1");
    s = asked(&b, "/invocations", "text/csv; charset=utf-8", "age,job\n41,cook\n");
    assert_has(s, "in age=41 job='cook'\n");
    s = asked(&b, at, "application/jsonlines", "{\"inputs\":\"one question\"}\n\n{\"features\":[1]}\r\n{\"instances\":[{\"a\":1}]}");
    assert_has(s, ": one question\n");
    assert_has(s, "in a=1\n");
    assert_has(s, "reading=1");
    assert_has(asked(&b, at, "application/jsonlines", "{\"inputs\":\"x\"}],[\n{\"inputs\":\"HARM\"}"), "reading=2");
    assert_has(asked(&b, at, "application/jsonlines", "{\"inputs\":\"HARM\"}\nno JSON"), "HARM");
    s = asked(&b, stream_at, "application/json", "{\"inputs\":\"a question\",\"parameters\":{}}");
    assert_has(s, ": a question\n");
    assert_has(s, "stream=1 reading=1");
    assert_has(asked(&b, at, "text/csv", "\x01\x02"), "reading=2");
    struct buf many = { 0 };
    for (int i = 0; i < TRANSCRIPT_ROWS_MOST + 44; i++)
        buf_printf(&many, "%d,\"q\"\n", i);
    buf_add_char(&many, 0);
    assert_has(asked(&b, at, "text/csv", many.bytes), "dropped=44");
    buf_clear(&many);
    for (int i = 0; i < 3000; i++)
        buf_add_text(&many, "1,");
    buf_add_text(&many, "2\n7");
    buf_add_char(&many, 0);
    assert_has(asked(&b, at, "text/csv", many.bytes), "in column_0=7\n");
    buf_free(&many);
    buf_clear(&b);
    answer_it(&b, api_find(SPAN("sagemaker"), SPAN("POST"), SPAN("/")), false, "text/csv", "", SPAN("0.25,yes\n0.5,no\n"), 0, false);
    assert_has(buf_span(&b), "out prediction_0=0.25 prediction_1='yes'\nout prediction_0=0.5 prediction_1='no'\n");
    buf_clear(&b);
    answer_it(&b, api_find(SPAN("sagemaker"), SPAN("POST"), SPAN("/")), false, "application/json", "", SPAN("[{\"generated_text\":\"so it is\"}]"), 0, false);
    assert_has(buf_span(&b), "assistant text turn=0 choice=0 name=: so it is\n");
    buf_clear(&b);
    answer_it(&b, api_find(SPAN("sagemaker"), SPAN("POST"), SPAN("/")), false, "application/json", "", SPAN("{\"predictions\":[{\"score\":0.5}]}"), 0, false);
    assert_has(buf_span(&b), "out score=0.5\n");
    buf_free(&b);
}
int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_frames), cmocka_unit_test(test_no_half_event), cmocka_unit_test(test_requests) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
