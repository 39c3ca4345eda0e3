/* SPDX-License-Identifier: Apache-2.0
 *
 * paths: how readers recognise a call. Case does not count and neither does a slash at the end, as upstreams differ in both; an
 * escaped colon (%3A) is one. Private to proxy/api. */
#ifndef PROXY_API_PATHS_H
#define PROXY_API_PATHS_H
#include "base/span.h"

static inline bool path_ends(struct span path, const char *end)
{
    size_t n = strlen(end);
    while (path.len && path.at[path.len - 1] == '/')
        path.len--;
    return path.len >= n && strncasecmp(path.at + path.len - n, end, n) == 0;
}
static inline bool path_has(struct span path, const char *what)
{
    size_t n = strlen(what);
    for (size_t i = 0; i + n <= path.len; i++)
        if (strncasecmp(path.at + i, what, n) == 0)
            return true;
    return false;
}
/* Ends in `:verb`. */
static inline bool path_verb(struct span path, const char *verb)
{
    size_t n = strlen(verb);
    if (!path_ends(path, verb))
        return false;
    while (path.len && path.at[path.len - 1] == '/')
        path.len--;
    path.len -= n;
    return span_ends(path, ":") || span_ends(path, "%3A") || span_ends(path, "%3a");
}
/* The segment after `before`, up to a slash, colon or the end: a model's name. */
static inline struct span path_after(struct span path, const char *before)
{
    const char *at = span_find(path, span_of(before));
    if (!at)
        return (struct span){ 0 };
    size_t from = (size_t)(at - path.at) + strlen(before), to = from;
    while (to < path.len && path.at[to] != '/' && path.at[to] != ':' && !span_starts(span_cut(path, to, path.len), "%3A")
           && !span_starts(span_cut(path, to, path.len), "%3a"))
        to++;
    return span_cut(path, from, to);
}
#endif
