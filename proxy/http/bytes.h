/* SPDX-License-Identifier: Apache-2.0
 *
 * What each byte may be in HTTP (RFC 9110 5.6.2, 5.5; RFC 9112 3): one table, shared by the files of this folder.
 */
#ifndef PROXY_HTTP_BYTES_H
#define PROXY_HTTP_BYTES_H
#include "base/span.h"

enum { BYTE_TOKEN = 1, BYTE_VALUE = 2, BYTE_TARGET = 4, BYTE_DIGIT = 8, BYTE_HEX = 16, BYTE_HOST = 32 };
extern const unsigned char http_bytes[256];

static inline bool byte_is(char c, unsigned what) { return (http_bytes[(unsigned char)c] & what) != 0; }
static inline bool bytes_are(const char *p, size_t n, unsigned what)
{
    unsigned all = what;
    for (size_t i = 0; i < n; i++)
        all &= http_bytes[(unsigned char)p[i]];
    return (all & what) == what;
}
static inline unsigned hex_value(char c) { return c <= '9' ? (unsigned)(c - '0') : (unsigned)((c | 32) - 'a') + 10; }
static inline char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c | 32) : c; }
/* name is in lower case and exactly s.len long */
static inline bool same_nocase(struct span s, const char *name)
{
    for (size_t i = 0; i < s.len; i++)
        if (lower(s.at[i]) != name[i])
            return false;
    return true;
}
static inline struct span trim_blanks(struct span s)
{
    while (s.len && (s.at[0] == ' ' || s.at[0] == '\t'))
        s.at++, s.len--;
    while (s.len && (s.at[s.len - 1] == ' ' || s.at[s.len - 1] == '\t'))
        s.len--;
    return s;
}
/* Takes the next member of a comma list (blanks trimmed, empty members skipped) off the front of *list. */
static inline bool next_member(struct span *list, struct span *member)
{
    while (list->len) {
        const char *comma = memchr(list->at, ',', list->len);
        size_t n = comma ? (size_t)(comma - list->at) : list->len, step = comma ? n + 1 : n;
        *member = trim_blanks((struct span){ list->at, n });
        list->at += step, list->len -= step;
        if (member->len)
            return true;
    }
    return false;
}
/* Field values, eight bytes at a time: none below 0x20 (but tab) and no 0x7f. */
bool http_value_bytes(const char *p, size_t n);
#endif
