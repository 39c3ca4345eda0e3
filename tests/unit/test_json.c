/* SPDX-License-Identifier: Apache-2.0
 * JSON of strangers: what is read, what is read and called odd, what is refused and where; places, escapes, duplicates, depth. */
#include "base/json.h"
#include "base/utf8.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static struct arena *arena;
static int begin(void **state)
{
    (void)state;
    arena = arena_new(64 << 20);
    return 0;
}
static int end(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}
static struct json *read_it(struct span text)
{
    struct json *d = arena_alloc(arena, sizeof *d);
    json_read(d, arena, text);
    return d;
}
/* The decoded text of "…" with this inside. */
static void decodes(const char *inside, const char *text)
{
    struct json *d = read_it(arena_printf(arena, "\"%s\"", inside));
    assert_null(d->bad);
    struct span s = jv_text(json_root(d), arena);
    if (!span_is(s, text))
        fprintf(stderr, "%s gives [" SPAN_FMT "], not [%s]\n", inside, SPAN_ARG(s), text);
    assert_true(span_is(s, text));
    assert_true(jv_text_is(json_root(d), text));
    assert_false(jv_text_is(json_root(d), "quite another"));
}
static void escapes(void **state)
{
    (void)state;
    decodes("", "");
    decodes("a\\n\\t\\\"\\\\\\/\\b\\f\\r", "a\n\t\"\\/\b\f\r");
    decodes("\\u00e9t\\u00E9 \\u20ac", "\xc3\xa9t\xc3\xa9 \xe2\x82\xac");
    decodes("\\ud83d\\ude00", "\xf0\x9f\x98\x80");
    decodes("\\udbff\\udfff", "\xf4\x8f\xbf\xbf");
    /* Halves of a pair alone, in the wrong order, twice, at the end, before another escape. */
    decodes("\\ud83d", "\xef\xbf\xbd");
    decodes("\\ude00", "\xef\xbf\xbd");
    decodes("\\ude00\\ud83d", "\xef\xbf\xbd\xef\xbf\xbd");
    decodes("\\ud83d\\ud83d\\ude00", "\xef\xbf\xbd\xf0\x9f\x98\x80");
    decodes("\\ud83dx\\ude00", "\xef\xbf\xbdx\xef\xbf\xbd");
    decodes("\\ud83d\\n", "\xef\xbf\xbd\n");
    decodes("\\ud83d\\u0041", "\xef\xbf\xbd" "A");
    decodes("\\q", "q"); /* odd, and read as most readers that take it do */
    struct json *d = read_it(SPAN("\"a\\u0000b\""));
    struct span s = jv_text(json_root(d), arena);
    assert_int_equal(s.len, 3);
    assert_memory_equal(s.at, "a\0b", 3);
    assert_false(jv_text_is(json_root(d), "a"));
}
static void places(void **state)
{
    (void)state;
    struct span text = SPAN(" { \"a\" : [ 1 , \"d\\u0065ux\" , { } ] , \"b\" : -0.5e+3 } ");
    struct json *d = read_it(text);
    struct jv root = json_root(d), two = jv_path(root, "a.1");
    assert_null(d->bad);
    assert_false(d->odd);
    assert_int_equal(d->end, text.len);
    assert_true(span_is(jv_source(two), "d\\u0065ux"));
    assert_true(span_is(jv_text(two, arena), "deux"));
    assert_true(span_is(jv_source(jv_get(root, "a")), "[ 1 , \"d\\u0065ux\" , { } ]"));
    assert_int_equal(jv_type(jv_path(root, "a.2")), JSON_OBJECT);
    assert_int_equal(jv_type(jv_path(root, "a.3")), JSON_NONE);
    assert_int_equal(jv_type(jv_path(root, "a.x")), JSON_NONE);
    assert_int_equal(jv_type(jv_path(root, "b.c.d")), JSON_NONE);
    double n;
    assert_true(jv_number(jv_get(root, "b"), &n) && n == -500);
    d = read_it(SPAN("[1] [2]"));
    assert_null(d->bad);
    assert_int_equal(d->end, 4);
}
static void duplicates(void **state)
{
    (void)state;
    struct json *d = read_it(SPAN("{\"k\": 1, \"\\u006b\": \"two\", \"K\": 3}"));
    unsigned n = 0;
    for (struct jv_walk w = jv_walk(json_root(d)); jv_next(&w);)
        n += jv_text_is(w.key, "k");
    assert_int_equal(n, 2);
    assert_true(jv_text_is(jv_get(json_root(d), "k"), "two"));
    assert_int_equal(jv_type(jv_get(json_root(d), "kk")), JSON_NONE);
}
static void numbers(void **state)
{
    (void)state;
    static const struct { const char *text; bool fits; uint64_t value; } cases[] = {
        { "0", true, 0 }, { "1000", true, 1000 }, { "1001", false, 0 }, { "-1", false, 0 }, { "1.0", false, 0 }, { "1e2", false, 0 }, { "99999999999999999999999", false, 0 }, { "\"5\"", false, 0 }, { "true", false, 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t out = 77;
        assert_int_equal(jv_u64(json_root(read_it(span_of(cases[i].text))), 1000, &out), cases[i].fits);
        if (cases[i].fits)
            assert_int_equal(out, cases[i].value);
    }
    double n;
    assert_false(jv_number(json_root(read_it(SPAN("NaN"))), &n));
    assert_false(jv_number(json_root(read_it(SPAN("-Infinity"))), &n));
    assert_false(jv_number(json_root(read_it(SPAN("1e999"))), &n));
    assert_true(jv_number(json_root(read_it(SPAN("1e-999"))), &n) && n == 0);
}
static void odd(void **state)
{
    (void)state;
    static const char *const texts[] = { "NaN", "[Infinity,-Infinity]", "\"a\nb\"", "\xef\xbb\xbf{}", "\"\\q\"", "007", "1." };
    static const char *const fine[] = { "null", "[]", "{\"\":[]}", "\"\\u00e9\"", "-0", "0.5", "\t\r\n 1", "\"\xc3\xa9\"" };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct json *d = read_it(span_of(texts[i]));
        assert_true(!d->bad && d->odd);
    }
    for (size_t i = 0; i < sizeof fine / sizeof *fine; i++) {
        struct json *d = read_it(span_of(fine[i]));
        assert_true(!d->bad && !d->odd);
    }
}
static void refused(void **state)
{
    (void)state;
    static const struct { const char *text; size_t at; } cases[] = {
        { "", 0 }, { "  ", 2 }, { "{", 1 }, { "[1,", 3 }, { "[1,]", 3 }, { "{\"a\"}", 4 }, { "{\"a\":}", 5 }, { "{a:1}", 1 }, { "{\"a\":1,}", 7 }, { "[1 2]", 3 }, { "[1}", 2 }, { "\"abc", 4 }, { "\"a\\", 2 }, { "\"\\u12g4\"", 1 },
        { "\"\\u12", 1 }, { "-", 0 }, { "+1", 0 }, { "1e", 2 }, { "tru", 0 }, { "]", 0 }, { "\xff", 0 }, { "'a'", 0 }, { ".5", 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct json *d = read_it(span_of(cases[i].text));
        if (!d->bad || d->bad_at != cases[i].at)
            fprintf(stderr, "[%s]: %s at %zu, not %zu\n", cases[i].text, d->bad ? d->bad : "read", d->bad_at, cases[i].at);
        assert_non_null(d->bad);
        assert_int_equal(d->bad_at, cases[i].at);
        assert_int_equal(jv_type(json_root(d)), JSON_NONE);
    }
}
static void depth_and_size(void **state)
{
    (void)state;
    char text[2 * (JSON_DEPTH + 1)];
    memset(text, '[', JSON_DEPTH + 1);
    memset(text + JSON_DEPTH + 1, ']', JSON_DEPTH + 1);
    assert_null(read_it((struct span){ text + 1, 2 * JSON_DEPTH })->bad);
    assert_non_null(read_it((struct span){ text, sizeof text })->bad);
    /* The tape of many small values passes the arena's ceiling: an exchange's trouble, said, and no more. */
    struct arena *small = arena_new(1 << 16);
    size_t n = 1 << 16;
    char *many = arena_alloc_raw(arena, n);
    for (size_t i = 0; i < n; i++)
        many[i] = i == 0 ? '[' : i & 1 ? '1' : ',';
    struct json d;
    assert_false(json_read(&d, small, (struct span){ many, n }));
    assert_non_null(d.bad);
    arena_free(small);
}
static void utf8(void **state)
{
    (void)state;
    static const struct { const char *bytes; size_t length; } cases[] = {
        { "a", 1 }, { "\xc3\xa9", 2 }, { "\xe2\x82\xac", 3 }, { "\xf0\x9f\x98\x80", 4 }, { "\xf4\x8f\xbf\xbf", 4 }, { "\xed\x9f\xbf", 3 }, { "\xee\x80\x80", 3 },
        { "\x80", 0 }, { "\xc0\x80", 0 }, { "\xc1\xbf", 0 }, { "\xc3", 0 }, { "\xc3z", 0 }, { "\xe0\x9f\xbf", 0 }, { "\xed\xa0\x80", 0 }, { "\xe2\x82", 0 }, { "\xf0\x8f\xbf\xbf", 0 }, { "\xf4\x90\x80\x80", 0 }, { "\xf5\x80\x80\x80", 0 }, { "\xff", 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(utf8_length(cases[i].bytes, strlen(cases[i].bytes)), cases[i].length);
    char out[4];
    for (uint32_t c = 0; c < 0x110000; c += 1 + (c >> 5)) {
        size_t n = utf8_put(out, c);
        assert_int_equal(utf8_length(out, n), n);
        assert_int_equal(utf8_code(out, n), c >= 0xd800 && c < 0xe000 ? 0xfffd : c);
    }
    assert_true(utf8_valid(SPAN("caf\xc3\xa9 \xf0\x9f\x98\x80")) && utf8_valid(SPAN("")));
    assert_false(utf8_valid(SPAN("caf\xc3")));
}
int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(escapes), cmocka_unit_test(places), cmocka_unit_test(duplicates), cmocka_unit_test(numbers), cmocka_unit_test(odd), cmocka_unit_test(refused), cmocka_unit_test(depth_and_size), cmocka_unit_test(utf8),
    };
    return cmocka_run_group_tests_name("json", tests, begin, end);
}
