/* SPDX-License-Identifier: Apache-2.0
 * Folding: what comes out, where it came from, and that a stream cut anywhere gives what the whole gives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>
#include <utf8proc.h>
#include "base/utf8.h"
#include "checks/text/fold.h"

static struct arena *arena;
static int setup(void **state) { (void)state; arena = arena_new(1 << 28); return 0; }
static int teardown(void **state) { (void)state; arena_free(arena); return 0; }

static void folds(enum fold_strength strength, const char *original, const char *wanted)
{
    const struct fold *f = fold_text(arena, span_of(original), strength);
    if (!span_is(f->text, wanted))
        fail_msg("\"%s\" gave \"%.*s\", not \"%s\"", original, (int)f->text.len, f->text.at, wanted);
    assert_true(utf8_valid(f->text));
}
static void pattern_form(void **state)
{
    (void)state;
    folds(FOLD_PATTERN, "", "");
    folds(FOLD_PATTERN, "Plain ASCII, Kept.\t\n", "Plain ASCII, Kept.\t\n");
    folds(FOLD_PATTERN, "\xef\xbc\xa1\xef\xbc\xa2\xef\xbd\x83", "ABc");                       /* full width */
    folds(FOLD_PATTERN, "\xf0\x9d\x90\x80\xf0\x9d\x91\x8f", "Ab");                              /* mathematical */
    folds(FOLD_PATTERN, "e\xcc\x81t\xc3\xa9", "\xc3\xa9t\xc3\xa9");                             /* e + acute, é */
    folds(FOLD_PATTERN, "pa\xe2\x80\x8bss\xc2\xadword\xef\xbb\xbf", "password");                /* ZWSP, SHY, BOM */
    folds(FOLD_PATTERN, "a\xe2\x80\x8d\xcc\x81", "\xc3\xa1");                                   /* joiner between letter and mark */
    folds(FOLD_PATTERN, "x\xc2\xa0y\xe3\x80\x80z\xe2\x80\x83.", "x y z .");
    folds(FOLD_PATTERN, "a\xe2\x80\xa8" "b\xc2\x85" "c", "a\nb\nc");
    folds(FOLD_PATTERN, "\xf3\xa0\x81\x8bi\xf3\xa0\x81\xa9", "i");                              /* tag characters */
    folds(FOLD_PATTERN, "\xe2\x9c\x93\xef\xb8\x8f", "\xe2\x9c\x93");                            /* variation selector */
    folds(FOLD_PATTERN, "\xef\xac\x81n \xc2\xbd", "fin 1\xe2\x81\x84" "2");
    folds(FOLD_PATTERN, "\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab", "\xed\x95\x9c");                /* jamo to a syllable */
    folds(FOLD_PATTERN, "a\xff" "b\xe2\x82", "a\xef\xbf\xbd" "b\xef\xbf\xbd\xef\xbf\xbd");
    folds(FOLD_PATTERN, "\xd0\xb0", "\xd0\xb0");                                                /* Cyrillic stays */
}
static void plain_form(void **state)
{
    (void)state;
    folds(FOLD_PLAIN, "HELLO World [@`{", "hello world [@`{");
    folds(FOLD_PLAIN, "J\xe2\x80\x99" "ai \xc3\x89t\xc3\xa9 d\xc3\xa9\xc3\xa7u \xe2\x80\x94 \xc2\xab oui \xc2\xbb", "j'ai ete decu - \" oui \"");
    folds(FOLD_PLAIN, "\xc5\x93uvre Stra\xc3\x9f" "e \xc3\x98re", "oeuvre strasse ore");
    folds(FOLD_PLAIN, "e\xcc\x81\xcc\xa3Z\xcc\xb6", "ez");
    folds(FOLD_PLAIN, "\xc4\xb0I", "ii");
    folds(FOLD_PLAIN, "\xe2\x80\xa6", "...");
    /* look-alikes in Latin words, and words of look-alikes alone in a Latin text */
    folds(FOLD_PLAIN, "\xd0\x86gn\xd0\xbe" "r\xd0\xb5 p\xd0\xb0ss", "ignore pass");
    folds(FOLD_PLAIN, "I saw \xd0\xb0 cat", "i saw a cat");
    folds(FOLD_PLAIN, "\xce\x97\xce\x95LLO", "hello");
    /* but words of their own stay */
    folds(FOLD_PLAIN, "vigie \xd0\xbd\xd0\xb5 \xd1\x81\xd0\xbf\xd0\xb8\xd1\x82", "vigie \xd0\xbd\xd0\xb5 \xd1\x81\xd0\xbf\xd0\xb8\xd1\x82");
    folds(FOLD_PLAIN, "\xd0\xbd\xd0\xb5\xd1\x82", "\xd0\xbd\xd0\xb5\xd1\x82");
    /* marks that spell stay: Devanagari, Thai, voiced kana */
    folds(FOLD_PLAIN, "\xe0\xa4\x95\xe0\xa5\x8d\xe0\xa4\xb7", "\xe0\xa4\x95\xe0\xa5\x8d\xe0\xa4\xb7");
    folds(FOLD_PLAIN, "\xe3\x81\x8c", "\xe3\x81\x8c");
}
static void disguise(void **state)
{
    (void)state;
    static const struct { const char *text; bool is; } cases[] = {
        { "pa\xe2\x80\x8bss", true }, { "\xef\xbd\x81" "bc", true }, { "p\xd0\xb0ss", true }, { "\xc3\xa9t\xc3\xa9", false },
        { "hi \xe2\x80\x8b there", false }, { "\xe2\x9c\x93\xef\xb8\x8f ok", false }, { "plain", false }, { "\xef\xbb\xbf" "bom", false },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (fold_text(arena, span_of(cases[i].text), FOLD_PLAIN)->has_disguise != cases[i].is)
            fail_msg("case %zu", i);
}
static void origin_of(enum fold_strength strength, const char *original, const char *folded, const char *wanted)
{
    const struct fold *f = fold_text(arena, span_of(original), strength);
    const char *at = span_find(f->text, span_of(folded));
    assert_non_null(at);
    size_t from, to, start = (size_t)(at - f->text.at);
    struct span o = fold_origin(f, start, start + strlen(folded), &from, &to);
    if (!span_is(o, wanted))
        fail_msg("\"%s\" in \"%s\" led to \"%.*s\"", folded, original, (int)o.len, o.at);
    assert_ptr_equal(o.at, f->original.at + from);
    assert_int_equal(to - from, o.len);
}
static void origins(void **state)
{
    (void)state;
    origin_of(FOLD_PATTERN, "say hello", "hell", "hell");
    origin_of(FOLD_PATTERN, "x pa\xe2\x80\x8bss\xe2\x80\x8b y", "pass", "pa\xe2\x80\x8bss");      /* dropped within, not behind */
    origin_of(FOLD_PATTERN, "\xef\xac\x81n", "f", "\xef\xac\x81");                                /* whole characters */
    origin_of(FOLD_PATTERN, "cafe\xcc\x81!", "caf\xc3\xa9", "cafe\xcc\x81");
    origin_of(FOLD_PLAIN, "cafe\xcc\x81\xe2\x80\x8b!", "cafe", "cafe\xcc\x81");
    origin_of(FOLD_PLAIN, "\xc5\x92uvre", "o", "\xc5\x92");
    origin_of(FOLD_PLAIN, "IGN\xd0\x9eRE it", "ignore", "IGN\xd0\x9eRE");
    origin_of(FOLD_PATTERN, "\xff\xff" "ab", "\xef\xbf\xbd" "ab", "\xff" "ab");
    const struct fold *f = fold_text(arena, span_of("a\xc3\xa9"), FOLD_PATTERN);
    size_t from, to;
    fold_origin(f, 3, 3, &from, &to);
    assert_int_equal(from, 3);
    assert_int_equal(to, 3);
    fold_origin(f, 90, 99, &from, &to); /* out of range is the end */
    assert_int_equal(to, 3);
}

static void check_map(const struct fold *f)
{
    assert_true(utf8_valid(f->text));
    if (!f->map)
        return;
    for (size_t i = 0; i < f->text.len; i++) {
        assert_true(f->map[i] <= f->map[i + 1]);
        assert_true(f->map[i] < f->original.len);
    }
    assert_int_equal(f->map[f->text.len], f->original.len);
}
static void same(const struct fold *a, const struct fold *b)
{
    check_map(a);
    check_map(b);
    assert_true(span_same(a->text, b->text));
    assert_int_equal(a->original.len, b->original.len);
    for (size_t i = 0; i <= a->text.len; i++)
        assert_int_equal(a->map ? a->map[i] : i, b->map ? b->map[i] : i);
    assert_int_equal(a->has_disguise, b->has_disguise);
}
static const char *const pieces[] = {
    "a", "e", "Z", " ", "5", "<", "\n", "hello", "\xcc\x81", "\xcc\xa3", "\xcc\xb8", "\xc3\xa9", "\xe2\x80\x8b", "\xe2\x80\x8d", "\xef\xb8\x8f",
    "\xf3\xa0\x81\xa1", "\xe1\x84\x80", "\xe1\x85\xa1", "\xe1\x86\xa8", "\xea\xb0\x80", "\xef\xac\x81", "\xef\xb7\xba", "\xc2\xa0", "\xd0\xb0",
    "\xff", "\xe2\x82", "\xf0\x9f", "\xf0\x9f\x98\x80", "\xe0\xa7\x87", "\xe0\xa6\xbe", "\xcd\x8f", "\xc2\xb4", "\xe2\x80\x99", "\xc2\xad", "\xef\xbc\xa1",
    "\xe0\xbe\xb2", "\xe0\xbe\x80", "\xe0\xbd\xb1", "\xed\xa0\x80", "\xc0\x80",
};
static size_t make_text(unsigned *seed, char *out, size_t room, size_t npieces)
{
    size_t n = 0;
    for (size_t i = 0; i < npieces; i++) {
        const char *p = pieces[(size_t)rand_r(seed) % (sizeof pieces / sizeof *pieces)];
        size_t len = strlen(p);
        if (n + len > room)
            break;
        memcpy(out + n, p, len);
        n += len;
    }
    return n;
}
static void stream_at_every_cut(void **state)
{
    (void)state;
    unsigned seed = 1;
    for (int round = 0; round < 400; round++) {
        char text[256];
        size_t n = make_text(&seed, text, sizeof text, (size_t)(1 + round % 40));
        struct span whole = { text, n };
        const struct fold *wanted = fold_text(arena, whole, FOLD_PATTERN);
        for (size_t cut = 0; cut <= n; cut++) {
            struct fold_stream s;
            fold_stream_begin(&s);
            char *first = malloc(cut + 1), *all = malloc(n + 1);
            memcpy(first, text, cut);
            fold_stream_feed(arena, &s, (struct span){ first, cut }, false);
            check_map(&s.so_far);
            /* what is out already must be how the whole begins */
            assert_true(s.so_far.text.len <= wanted->text.len);
            assert_true(!s.so_far.text.len || !memcmp(s.so_far.text.at, wanted->text.at, s.so_far.text.len));
            memcpy(all, text, n);
            free(first); /* the text may have moved */
            fold_stream_feed(arena, &s, (struct span){ all, n }, true);
            same(&s.so_far, wanted);
            free(all);
        }
        struct fold_stream s; /* and byte by byte */
        fold_stream_begin(&s);
        for (size_t i = 0; i <= n; i++)
            fold_stream_feed(arena, &s, (struct span){ text, i }, i == n);
        same(&s.so_far, wanted);
        arena_reset(arena);
    }
}
/* Where nothing is dropped or mapped, the pattern form is the library's NFKC. */
static void is_nfkc(void **state)
{
    (void)state;
    unsigned seed = 5;
    static const char *const few[] = { "a", "e", "o", "5", " ", "\xcc\x81", "\xcc\x82", "\xcc\xa3", "\xcc\x9b", "\xc3\xa9", "\xe1\x84\x80", "\xe1\x85\xa1",
                                       "\xe1\x86\xa8", "\xea\xb0\x80", "\xef\xac\x81", "\xef\xb7\xba", "\xe0\xa7\x87", "\xe0\xa6\xbe", "\xe0\xa7\x8d", "\xe3\x81\x8b",
                                       "\xe3\x82\x99", "\xe1\xbb\x87", "<", "\xcc\xb8", "\xe2\x84\xab", "\xf0\x9d\x90\x80", "\xc2\xb4" };
    for (int round = 0; round < 20000; round++) {
        char text[128] = "";
        size_t n = 0;
        for (int i = 0; i < 1 + round % 12; i++) {
            const char *p = few[(size_t)rand_r(&seed) % (sizeof few / sizeof *few)];
            memcpy(text + n, p, strlen(p));
            n += strlen(p);
        }
        text[n] = 0;
        utf8proc_uint8_t *wanted = utf8proc_NFKC((const utf8proc_uint8_t *)text);
        folds(FOLD_PATTERN, text, (const char *)wanted);
        free(wanted);
        arena_reset(arena);
    }
}
static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
/* Heaps of marks and of invisible characters cost time in proportion, whole and in a stream fed piece by piece. */
static void heaps_are_linear(void **state)
{
    (void)state;
    static const char *const heaps[] = { "\xcc\x81", "\xcc\xa3\xcc\x81", "\xe2\x80\x8b", "\xef\xb7\xba" };
    for (size_t h = 0; h < sizeof heaps / sizeof *heaps; h++) {
        size_t each = strlen(heaps[h]), n = 300000 / each;
        char *text = malloc(1 + n * each);
        text[0] = 'a';
        for (size_t i = 0; i < n; i++)
            memcpy(text + 1 + i * each, heaps[h], each);
        double began = seconds();
        const struct fold *wanted = fold_text(arena, (struct span){ text, 1 + n * each }, FOLD_PATTERN);
        struct fold_stream s;
        fold_stream_begin(&s);
        for (size_t i = 0; i <= n; i++)
            fold_stream_feed(arena, &s, (struct span){ text, 1 + i * each }, i == n);
        same(&s.so_far, wanted);
        fold_text(arena, (struct span){ text, 1 + n * each }, FOLD_PLAIN);
        assert_true(seconds() - began < 10);
        free(text);
        arena_reset(arena);
    }
}
static void small_arena_stops(void **state)
{
    (void)state;
    struct arena *small = arena_new(4096);
    char *text = malloc(300000);
    for (size_t i = 0; i < 100000; i++)
        memcpy(text + 3 * i, "\xef\xb7\xba", 3);
    const struct fold *f = fold_text(small, (struct span){ text, 300000 }, FOLD_PLAIN);
    assert_true(arena_over(small));
    check_map(f);
    assert_true(arena_bytes(small) < 8u << 20);
    free(text);
    arena_free(small);
}
static void part_keeps_it(void **state)
{
    (void)state;
    struct part p = { .text = SPAN("\xc3\x89t\xc3\xa9") };
    const struct fold *f = part_fold(arena, &p, FOLD_PLAIN), *g = part_fold(arena, &p, FOLD_PATTERN);
    assert_true(span_is(f->text, "ete"));
    assert_ptr_equal(part_fold(arena, &p, FOLD_PLAIN), f);
    assert_ptr_equal(part_fold(arena, &p, FOLD_PATTERN), g);
    assert_ptr_not_equal(f, g);
}
int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(pattern_form, setup, teardown), cmocka_unit_test_setup_teardown(plain_form, setup, teardown),
        cmocka_unit_test_setup_teardown(disguise, setup, teardown), cmocka_unit_test_setup_teardown(origins, setup, teardown),
        cmocka_unit_test_setup_teardown(stream_at_every_cut, setup, teardown), cmocka_unit_test_setup_teardown(is_nfkc, setup, teardown),
        cmocka_unit_test_setup_teardown(heaps_are_linear, setup, teardown), cmocka_unit_test_setup_teardown(small_arena_stops, setup, teardown),
        cmocka_unit_test_setup_teardown(part_keeps_it, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
