/* SPDX-License-Identifier: Apache-2.0 */
#include "report/words.h"
#include "base/parse.h"

static const char *const table[WORDS_N][2] = {
#define W(name, en, fr) { en, fr },
    WORDS(W)
#undef W
};
const char *word(enum language l, enum word w)
{
    return table[w][l];
}
enum language language_of(struct span accept)
{
    double liked[2] = { -1, -1 };
    if (accept.len > 1000)
        accept.len = 1000;
    while (accept.len) {
        const char *comma = memchr(accept.at, ',', accept.len);
        size_t n = comma ? (size_t)(comma - accept.at) : accept.len;
        struct span item = span_trim(span_cut(accept, 0, n));
        double q = 1;
        const char *semicolon = item.len ? memchr(item.at, ';', item.len) : NULL;
        if (semicolon) {
            struct span rest = span_trim((struct span){ semicolon + 1, (size_t)(item.at + item.len - semicolon - 1) });
            if (!span_starts(rest, "q=") || !parse_double(span_cut(rest, 2, rest.len), &q))
                q = 0;
        }
        for (int l = 0; l < 2 && item.len >= 2; l++)
            if (strncasecmp(item.at, l == ENGLISH ? "en" : "fr", 2) == 0 && (item.len == 2 || item.at[2] == '-' || item.at[2] == ';' || item.at[2] == ' ') && q > liked[l])
                liked[l] = q;
        accept = span_cut(accept, comma ? n + 1 : n, accept.len);
    }
    return liked[FRENCH] > 0 && liked[FRENCH] > liked[ENGLISH] ? FRENCH : ENGLISH;
}
