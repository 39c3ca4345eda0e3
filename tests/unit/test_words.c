/* SPDX-License-Identifier: Apache-2.0
 * Words: what is fast about cutting and asking is compared with the slow way of saying the same, on texts of any bytes. */
#include "checks/text/words.h"
#include <setjmp.h>
#include <cmocka.h>

static struct arena *arena;
static int setup(void **state)
{
    (void)state;
    arena = arena_new(64 << 20);
    return 0;
}
static int teardown(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}
static uint64_t roll(uint64_t *state)
{
    *state = *state * 6364136223846793005ull + 1442695040888963407ull;
    return *state >> 33;
}
static const char *const pieces[] = { "the", "You", "can't", "shipped", "nations", "ingly", "boxes", "ee", "xx", "5", "1,234.5", "1.2.3", "4x6", "5th", "A320", "m2", ".", ". ", "!", "? ", "\n", "\n- ", " ", " ", " ",
    "\xc3\xa9t\xc3\xa9", "\xe4\xbd\xa0\xe5\xa5\xbd", "\xd0\xb0", "\xe2\x80\x99", "\xcc\x81", "\xff", "\xe2\x82\xac", "https://a.b/c", "a@b.fr", "docs.site.io/x", "Mr. ", "J. ", "$", "%", "may", "mai", "3 May 2021", "twenty", "don't", "_a_", "(", ")", "\"", "'", "-", "\t" };
static struct span random_text(uint64_t *seed, size_t most)
{
    char *text = arena_alloc(arena, most + 64);
    size_t n = 0, want = roll(seed) % most;
    while (n < want) {
        if (roll(seed) % 12 == 0) {
            text[n++] = (char)roll(seed);
            continue;
        }
        const char *piece = pieces[roll(seed) % (sizeof pieces / sizeof *pieces)];
        memcpy(text + n, piece, strlen(piece));
        n += strlen(piece);
    }
    return (struct span){ text, n };
}
static bool slow_in(struct span t, const char *list)
{
    for (const char *p = list; *p; p += *p == ' ') {
        size_t n = strcspn(p, " ");
        if (n && n == t.len && memcmp(p, t.at, n) == 0)
            return true;
        p += n;
    }
    return false;
}
/* One list of endings from the strongest to the weakest. */
static struct span slow_stem(struct span t)
{
    static const struct { const char *end; size_t least; } ends[] = {
        { "ements", 4 }, { "ations", 4 }, { "ation", 4 }, { "ement", 4 }, { "ingly", 4 }, { "ness", 4 }, { "ment", 4 }, { "ions", 4 }, { "ives", 4 }, { "ies", 3 }, { "ing", 3 }, { "ion", 4 }, { "eur", 4 },
        { "ive", 4 }, { "ees", 3 }, { "ers", 3 }, { "ed", 3 }, { "er", 3 }, { "es", 3 }, { "ly", 4 }, { "ee", 3 }, { "y", 3 }, { "s", 3 }, { "e", 3 }, { "i", 3 },
    };
    for (size_t i = 0; t.len > 3 && i < sizeof ends / sizeof *ends; i++)
        if (t.len >= strlen(ends[i].end) + ends[i].least && span_ends(t, ends[i].end)) {
            t.len -= strlen(ends[i].end);
            break;
        }
    if (t.len > 3 && t.at[t.len - 1] == t.at[t.len - 2])
        t.len--;
    return t;
}
static void texts_of_any_bytes(void **state)
{
    (void)state;
    uint64_t seed = 11;
    for (int round = 0; round < 600; round++) {
        arena_reset(arena);
        struct span text = random_text(&seed, round % 50 == 0 ? 6000 : 300);
        const struct fold *f = fold_text(arena, text, FOLD_PLAIN);
        const struct words *w = words_make(arena, f);
        size_t at = 0;
        for (size_t i = 0; i < w->n; i++) {
            const struct word *x = &w->list[i];
            struct span t = word_text(w, i);
            size_t start, end;
            assert_true(x->at >= at && x->to > x->at && x->to <= f->text.len);
            for (; at < x->at; at++) /* nothing that can be seen lies between words */
                assert_true((unsigned char)f->text.at[at] <= ' ');
            at = x->to;
            fold_origin(f, x->at, x->to, &start, &end);
            assert_true(x->start == start && x->end == end && end <= text.len);
            assert_int_equal(x->key, words_key(t.at, t.len));
            struct span stem = x->kind == WORD_TEXT ? slow_stem(t) : t;
            assert_int_equal(x->stem, words_key(stem.at, stem.len));
            assert_true(x->sentence < w->nsentences && i >= w->sentences[x->sentence].word && i < w->sentences[x->sentence].past);
            assert_int_equal(word_in(w, i, "the you  can't xx \xe2\x82\xac 5 ete may . %"), slow_in(t, "the you  can't xx \xe2\x82\xac 5 ete may . %"));
            assert_int_equal(word_in(w, i, "a"), slow_in(t, "a"));
            assert_false(word_in(w, i, ""));
        }
        for (; at < f->text.len; at++)
            assert_true((unsigned char)f->text.at[at] <= ' ');
        for (size_t k = 0, word = 0; k < w->nsentences; k++) {
            assert_int_equal(w->sentences[k].word, word);
            assert_true(w->sentences[k].past > word);
            word = w->sentences[k].past;
            assert_true(k + 1 < w->nsentences || word == w->n);
        }
        for (size_t k = 0; k < w->nnumbers; k++)
            assert_true(w->numbers[k].word < w->numbers[k].past && w->numbers[k].past <= w->n);
        for (size_t k = 0; k < w->ndates; k++)
            assert_true(w->dates[k].word <= w->dates[k].core && w->dates[k].core < w->dates[k].past && w->dates[k].past <= w->n);
        assert_false(word_in(w, w->n, "the"));
    }
}
static const struct words *words_of(const char *text)
{
    return words_make(arena, fold_text(arena, span_of(text), FOLD_PLAIN));
}
static void sentences_numbers_dates(void **state)
{
    (void)state;
    const struct words *w = words_of("Mr. Smith paid 1,200 euros on Monday 3 May 2021. It was twenty-two % of $3 million. J. Roth left!");
    assert_int_equal(w->nsentences, 3);
    assert_int_equal(w->nnumbers, 5);
    assert_true(w->numbers[0].value == 1200 && w->numbers[0].is_money);
    assert_true(w->numbers[3].value == 22 && w->numbers[3].is_percent && w->numbers[3].is_spelled);
    assert_true(w->numbers[4].value == 3e6 && w->numbers[4].is_money);
    assert_int_equal(w->ndates, 1);
    assert_true(w->dates[0].year == 2021 && w->dates[0].month == 5 && w->dates[0].day == 3 && w->dates[0].weekday == 1);
    assert_int_equal(words_of("See version 1.2.3 of docs.site.io/x now")->list[4].kind, WORD_URL);
    assert_true(words_of("It isn't so")->list[1].flags & WORD_NOT);
    assert_int_equal(words_of("")->n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(texts_of_any_bytes, setup, teardown), cmocka_unit_test_setup_teardown(sentences_numbers_dates, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
