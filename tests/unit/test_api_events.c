/* SPDX-License-Identifier: Apache-2.0
 *
 * Framing and content codings: line ends of every kind, types that lie, codings alone and stacked, bombs, limits, quiet errors. */
#include "tests/unit/test_api.h"
#include <brotli/encode.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

static const struct api *chat(void)
{
    return api_find(SPAN("openai-chat"), SPAN("POST"), SPAN("/"));
}
static void sse(struct buf *b, const char *type, struct span body, size_t step)
{
    buf_clear(b);
    answer_it(b, chat(), true, type, "", body, step, true);
}
#define D(text) "{\"choices\":[{\"delta\":{\"content\":\"" text "\"}}]}"

static void test_line_ends(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "data: " D("a") "\n\ndata: " D("b") "\n\n",
        "data: " D("a") "\r\n\r\ndata: " D("b") "\r\n\r\n",
        "data: " D("a") "\r\rdata: " D("b") "\r\r",
        "data: " D("a") "\r\n\ndata: " D("b") "\n\r\n",
        "data: " D("a") "\n\rdata: " D("b") "\r\r\n",
        "\xef\xbb\xbf" "data:" D("a") "\n\n\n\n:c\r\n\r\ndata:" D("b") "\n\n",
        "id: 1\nretry: 5\nevent: x\ndata: {\"choices\":[{\"delta\":\ndata: {\"content\":\"a\"}}]}\n\ndata\n\n: only\n: comments\n\ndata: " D("b"),
        "unknown: field\ndata: " D("a") "\n\nevent: nothing\n\n\r\r\ndata: " D("b") "\r\n\r\n",
    };
    struct buf whole = { 0 }, cut = { 0 };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        sse(&whole, "text/event-stream; charset=utf-8", span_of(bodies[i]), 0);
        assert_has(buf_span(&whole), "text turn=0 choice=0 name=: ab\n");
        assert_has(buf_span(&whole), "reading=1");
        for (size_t step = 1; step < 30; step++) {
            sse(&cut, "text/event-stream; charset=utf-8", span_of(bodies[i]), step);
            if (!span_same(buf_span(&whole), buf_span(&cut)))
                print_error("body %zu in steps of %zu:\n%s\nwhole:\n%s\n", i, step, cut.bytes, whole.bytes);
            assert_true(span_same(buf_span(&whole), buf_span(&cut)));
        }
    }
    buf_free(&whole);
    buf_free(&cut);
}
/* An event is told as soon as its last byte is there, a comment at its line's end. */
static void test_at_once(void **state)
{
    (void)state;
    static const struct { const char *body; size_t ends[4]; } streams[] = {
        { "data: " D("a") "\n\n: ping\ndata: " D("b") "\n\n", { 47, 54, 101 } },
        { "data: " D("a") "\r\n\r\ndata: " D("b") "\r\n\r\n", { 49, 98 } },
        { "data: " D("a") "\r\rdata: " D("b") "\r\r", { 47, 94 } },
    };
    for (size_t i = 0; i < sizeof streams / sizeof *streams; i++) {
        struct arena *a = arena_new(1 << 20);
        struct transcript *t = transcript_new(a, "openai-chat");
        struct answer_reader_options o = { .api = chat(), .t = t, .status = 200, .content_type = SPAN("text/event-stream"), .whole_most = 1 << 20 };
        struct answer_reader *r = answer_reader_new(a, &o);
        assert_int_equal(answer_reader_framing(r), FRAMING_SSE);
        size_t seen = 0, n;
        for (size_t at = 0; streams[i].body[at]; at++) {
            answer_reader_feed(r, (struct span){ streams[i].body + at, 1 });
            const struct answer_event *e = answer_reader_take(r, &n);
            for (size_t k = 0; k < n; k++) {
                assert_int_equal(e[k].raw_end, streams[i].ends[seen]);
                assert_int_equal(at + 1, streams[i].ends[seen]);
                seen++;
            }
        }
        assert_int_equal(streams[i].ends[seen], 0);
        arena_free(a);
    }
}
static void test_wrong_types(void **state)
{
    (void)state;
    static const char whole[] = "{\"choices\":[{\"message\":{\"content\":\"ab\"}}]}", stream[] = "event: x\ndata: " D("ab") "\n\n";
    static const char *const types[] = { "text/event-stream", "application/json", "text/plain", "", "application/octet-stream", "nonsense" };
    struct buf b = { 0 };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        sse(&b, types[i], span_of(whole), 3);
        assert_has(buf_span(&b), "text turn=0 choice=0 name=: ab\n");
        sse(&b, types[i], span_of(stream), 3);
        assert_has(buf_span(&b), "text turn=0 choice=0 name=: ab\n");
    }
    sse(&b, "text/html", SPAN("<p>words</p>"), 5);
    assert_has(buf_span(&b), ": <p>words</p>\n");
    sse(&b, "audio/mpeg", SPAN("ID3\x04\x00\x01 bytes"), 0);
    assert_has(buf_span(&b), "reading=2");
    buf_free(&b);
}

static struct span pack(const char *how, struct span s)
{
    static char out[2][1 << 16];
    static unsigned turn;
    char *to = out[turn++ & 1];
    size_t n = sizeof out[0];
    if (strcmp(how, "br") == 0) {
        assert_true(BrotliEncoderCompress(5, 18, BROTLI_MODE_TEXT, s.len, (const uint8_t *)s.at, &n, (uint8_t *)to));
    } else if (strcmp(how, "zstd") == 0) {
        n = ZSTD_compress(to, n, s.at, s.len, 3);
        assert_false(ZSTD_isError(n));
    } else {
        z_stream z = { 0 };
        assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, strcmp(how, "gzip") == 0 ? 31 : strcmp(how, "raw") == 0 ? -15 : 15, 8, Z_DEFAULT_STRATEGY), Z_OK);
        z.next_in = (unsigned char *)(uintptr_t)s.at;
        z.avail_in = (unsigned)s.len;
        z.next_out = (unsigned char *)to;
        z.avail_out = (unsigned)n;
        assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
        n -= z.avail_out;
        deflateEnd(&z);
    }
    return (struct span){ to, n };
}
static void test_codings(void **state)
{
    (void)state;
    static const char stream[] = "data: " D("a coded ") "\n\ndata: " D("stream") "\n\ndata: [DONE]\n\n";
    static const struct { const char *how, *encoding; } codings[] = { { "gzip", "gzip" }, { "gzip", "X-GZIP" }, { "zlib", "deflate" }, { "raw", "deflate" }, { "br", "br" }, { "zstd", "zstd" } };
    struct buf b = { 0 };
    for (size_t i = 0; i < sizeof codings / sizeof *codings; i++)
        for (size_t step = 0; step < 9; step++) {
            struct span body = pack(codings[i].how, span_of(stream)), plain;
            buf_clear(&b);
            answer_it(&b, chat(), true, "text/event-stream", codings[i].encoding, body, step, false);
            assert_has(buf_span(&b), ": a coded stream\n");
            assert_has(buf_span(&b), "reading=1 refused=0 whole=1");
            struct arena *a = arena_new(1 << 20);
            const char *why;
            assert_true(content_decode(a, span_of(codings[i].encoding), body, 1 << 16, &plain, &why));
            assert_true(span_is(plain, stream));
            assert_false(content_decode(a, span_of(codings[i].encoding), body, 10, &plain, &why));
            assert_non_null(why);
            assert_false(content_decode(a, span_of(codings[i].encoding), span_cut(body, 0, body.len - 3), 1 << 16, &plain, &why));
            arena_free(a);
        }
    struct span twice = pack("br", pack("gzip", span_of(stream)));
    buf_clear(&b);
    answer_it(&b, chat(), true, "text/event-stream", "gzip, br", twice, 2, false);
    assert_has(buf_span(&b), ": a coded stream\n");
    /* two members in a row are one body */
    struct buf members = { 0 };
    buf_add(&members, pack("gzip", span_cut(span_of(stream), 0, 30)));
    buf_add(&members, pack("gzip", span_cut(span_of(stream), 30, sizeof stream - 1)));
    buf_clear(&b);
    answer_it(&b, chat(), true, "text/event-stream", "gzip", buf_span(&members), 1, false);
    assert_has(buf_span(&b), ": a coded stream\n");
    buf_free(&members);
    /* wrongly claimed, unknown, not claimed */
    static const char *const lies[] = { "gzip", "br", "zstd", "deflate", "compress", "gzip,gzip,gzip,gzip,gzip" };
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        buf_clear(&b);
        answer_it(&b, chat(), true, "text/event-stream", lies[i], span_of(stream), 7, false);
        assert_has(buf_span(&b), "reading=2");
    }
    buf_clear(&b);
    answer_it(&b, chat(), true, "", "", pack("gzip", span_of(stream)), 7, false);
    assert_has(buf_span(&b), "reading=2");
    buf_free(&b);
}
static void test_bomb(void **state)
{
    (void)state;
    size_t n = (size_t)40 << 20;
    char *zeros = malloc(n);
    memset(zeros, ' ', n);
    memcpy(zeros, "data: ", 6);
    size_t room = compressBound(n);
    char *packed = malloc(room);
    uLongf len = room;
    assert_int_equal(compress2((unsigned char *)packed, &len, (unsigned char *)zeros, n, 9), Z_OK);
    struct buf b = { 0 };
    answer_it(&b, chat(), true, "text/event-stream", "deflate", (struct span){ packed, len }, 4096, false);
    assert_has(buf_span(&b), "reading=2");
    buf_clear(&b);
    answer_it(&b, chat(), true, "text/event-stream", "", (struct span){ zeros, n }, 65536, false); /* an event without end */
    assert_has(buf_span(&b), "reading=2 refused=0 whole=0 why=an event of more than 16 MiB");
    buf_free(&b);
    free(zeros);
    free(packed);
}
static void test_limits_and_errors(void **state)
{
    (void)state;
    static const char body[] = "{\"choices\":[{\"message\":{\"content\":\"an error or too long\"}}]}";
    for (int i = 0; i < 2; i++) {
        struct arena *a = arena_new(1 << 20);
        struct transcript *t = transcript_new(a, "openai-chat");
        struct answer_reader_options o = { .api = chat(), .t = t, .status = i ? 200 : 500, .content_type = SPAN("application/json"), .whole_most = i ? 16 : 1 << 20 };
        struct answer_reader *r = answer_reader_new(a, &o);
        size_t n;
        answer_reader_feed(r, span_of(body));
        answer_reader_end(r, false);
        const struct answer_event *e = answer_reader_take(r, &n);
        assert_int_equal(n, 1);
        assert_int_equal(e[0].raw_end, sizeof body - 1);
        assert_int_equal(e[0].ntouches, 0);
        assert_int_equal(t->nanswer, 0);
        assert_int_equal(t->answer_reading, i ? READING_UNREAD : READING_NONE);
        arena_free(a);
    }
}
static void test_replace(void **state)
{
    (void)state;
    struct arena *a = arena_new(1 << 20);
    struct buf out = { 0 };
    static const char json[] = " {\"text\" :\"my n\\u0061me\", \"n\": 1.50,\"x\":[\"my name\",\"other\",\"text\"],\"my name\":1}\n";
    struct span olds[] = { SPAN("my name"), SPAN("text") }, withs[] = { SPAN("[\"name\"]"), SPAN("t\n") };
    assert_int_equal(json_replace_strings(&out, a, span_of(json), olds, withs, 2), 3);
    assert_string_equal(out.bytes, " {\"text\" :\"[\\\"name\\\"]\", \"n\": 1.50,\"x\":[\"[\\\"name\\\"]\",\"other\",\"t\\n\"],\"my name\":1}\n");
    assert_int_equal(json_replace_strings(&out, a, SPAN("{\"a\":"), olds, withs, 2), -1);
    buf_free(&out);
    arena_free(a);
}
int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_line_ends), cmocka_unit_test(test_at_once), cmocka_unit_test(test_wrong_types), cmocka_unit_test(test_codings),
        cmocka_unit_test(test_bomb), cmocka_unit_test(test_limits_and_errors), cmocka_unit_test(test_replace) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
