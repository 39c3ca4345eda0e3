/* SPDX-License-Identifier: Apache-2.0
 * A text is found where the C library finds it: needles of every length, at every place, at the very end, and all but whole. */
#include "base/span.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static uint64_t roll(uint64_t *state)
{
    *state = *state * 6364136223846793005ull + 1442695040888963407ull;
    return *state >> 33;
}
static void found_as_by_the_library(void **state)
{
    (void)state;
    uint64_t seed = 9;
    unsigned found = 0;
    for (int round = 0; round < 60000; round++) {
        size_t n = roll(&seed) % 120, m = roll(&seed) % 20;
        char *text = malloc(n + 1), needle[20]; /* to the byte, so that a look past the end is seen */
        for (size_t i = 0; i < n; i++)
            text[i] = (char)("aab\0\xff"[roll(&seed) % 5]);
        for (size_t i = 0; i < m; i++)
            needle[i] = (char)("aab\0\xff"[roll(&seed) % 5]);
        if (roll(&seed) % 2 && n >= m && m)
            memcpy(needle, text + roll(&seed) % (n - m + 1), m);
        char *exact = realloc(text, n ? n : 1);
        assert_non_null(exact);
        const char *want = m && n >= m ? memmem(exact, n, needle, m) : NULL, *got = span_find((struct span){ exact, n }, (struct span){ needle, m });
        assert_ptr_equal(got, want);
        found += got != NULL;
        free(exact);
    }
    assert_true(found > 10000);
    assert_null(span_find((struct span){ NULL, 0 }, SPAN("ab")));
    assert_null(span_find(SPAN("ab"), (struct span){ NULL, 0 }));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(found_as_by_the_library) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
