/* SPDX-License-Identifier: Apache-2.0
 *
 * base: what every room stands on and that knows nothing of vigie's trade: spans, arenas, buffers, trouble,
 * numbers from outside, JSON with positions, YAML with positions, hashes. base includes nothing but base.
 *
 * span: bytes that somebody else owns. Never NUL-terminated by promise; an empty span may have at == NULL.
 */
#ifndef BASE_SPAN_H
#define BASE_SPAN_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

struct span {
    const char *at;
    size_t len;
};

#define SPAN(literal) ((struct span){ (literal), sizeof(literal) - 1 })
#define SPAN_FMT "%.*s"
#define SPAN_ARG(s) (int)((s).len > 4096 ? 4096 : (s).len), (s).at ? (s).at : ""

static inline struct span span_of(const char *text)
{
    return (struct span){ text, text ? strlen(text) : 0 };
}
static inline struct span span_cut(struct span s, size_t from, size_t to)
{
    return (struct span){ from ? s.at + from : s.at, to - from }; /* nothing is added to NULL */
}
static inline bool span_same(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}
static inline bool span_is(struct span s, const char *text)
{
    return span_same(s, span_of(text));
}
/* ASCII case only: for protocol tokens, never for people's words. */
static inline bool span_is_nocase(struct span s, const char *text)
{
    size_t n = strlen(text);
    return s.len == n && (n == 0 || strncasecmp(s.at, text, n) == 0);
}
static inline bool span_starts(struct span s, const char *text)
{
    size_t n = strlen(text);
    return s.len >= n && (n == 0 || memcmp(s.at, text, n) == 0);
}
static inline bool span_ends(struct span s, const char *text)
{
    size_t n = strlen(text);
    return s.len >= n && (n == 0 || memcmp(s.at + s.len - n, text, n) == 0);
}
/* The first place of needle in s, or NULL. */
const char *span_find(struct span s, struct span needle);
static inline struct span span_trim(struct span s)
{
    while (s.len && (s.at[0] == ' ' || s.at[0] == '\t' || s.at[0] == '\r' || s.at[0] == '\n'))
        s.at++, s.len--;
    while (s.len && (s.at[s.len - 1] == ' ' || s.at[s.len - 1] == '\t' || s.at[s.len - 1] == '\r' || s.at[s.len - 1] == '\n'))
        s.len--;
    return s;
}
#endif
