/* SPDX-License-Identifier: Apache-2.0
 * The automaton finds what a search for each literal finds, whether it runs over all of a text or only around what is rare. */
#include "checks/ruleset/automaton.h"
#include <setjmp.h>
#include <cmocka.h>

static uint64_t roll(uint64_t *state)
{
    *state = *state * 6364136223846793005ull + 1442695040888963407ull;
    return *state >> 33;
}
static bool stands_in(struct span text, struct span literal)
{
    for (size_t i = 0; i + literal.len <= text.len; i++) {
        size_t k = 0;
        while (k < literal.len && (text.at[i + k] >= 'A' && text.at[i + k] <= 'Z' ? (text.at[i + k] | 32) : text.at[i + k]) == literal.at[k])
            k++;
        if (k == literal.len)
            return true;
    }
    return false;
}
static void every_literal_is_found(void **state)
{
    (void)state;
    static const char *const stems[] = { "secret project-", "internal projet-", "jj", "xq", "the end", "zz top zz", "a-", "k9\xc3\xa9", "e", "qqqq" };
    uint64_t seed = 3;
    unsigned with_pairs = 0, without = 0, found = 0;
    for (int round = 0; round < 400; round++) {
        struct arena *a = arena_new(16 << 20);
        struct automaton_literal literals[70];
        size_t n = 1 + roll(&seed) % 70, kinds = round % 4 ? 1 + roll(&seed) % 10 : 10, skip = round % 2 ? 2 : 0; /* half of the sets are of long literals */
        for (size_t i = 0; i < n; i++) {
            const char *stem = stems[(skip ? roll(&seed) % 2 : roll(&seed) % kinds)];
            literals[i] = (struct automaton_literal){ roll(&seed) % 3 && !skip ? span_of(stem) : arena_printf(a, "%s%u", stem, (unsigned)(roll(&seed) % 50)), (uint32_t)i };
        }
        const struct automaton *m = automaton_new(a, literals, n);
        assert_non_null(m);
        *(m->npairs ? &with_pairs : &without) += 1;
        for (int t = 0; t < 20; t++) {
            char text[700];
            size_t len = 0, most = roll(&seed) % 500;
            while (len < most)
                if (roll(&seed) % 30 == 0) {
                    struct span s = literals[roll(&seed) % n].text;
                    size_t part = roll(&seed) % 4 ? s.len : roll(&seed) % (s.len + 1);
                    for (size_t k = 0; k < part; k++)
                        text[len++] = (char)(s.at[k] >= 'a' && s.at[k] <= 'z' && roll(&seed) % 3 == 0 ? s.at[k] - 32 : s.at[k]);
                } else {
                    text[len++] = roll(&seed) % 2 ? (char)roll(&seed) : "ojeJqxz -9"[roll(&seed) % 10];
                }
            uint64_t seen[2] = { 0 };
            automaton_mark(m, (struct span){ text, len }, seen);
            for (size_t i = 0; i < n; i++) {
                bool is = stands_in((struct span){ text, len }, literals[i].text);
                assert_int_equal(seen[i / 64] >> (i % 64) & 1, is);
                found += is;
            }
        }
        arena_free(a);
    }
    assert_true(with_pairs > 50 && without > 50 && found > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_literal_is_found) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
