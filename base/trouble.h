/* SPDX-License-Identifier: Apache-2.0
 *
 * trouble: the one error type for what came from outside: what is wrong, where, and what to do. Filled where it is
 * seen; a list of them lets `vigie check` show all at once. Printed for people as
 *     vigie: file:line:col: what: what to do
 * Owned by the list's arena. A list holds at most TROUBLES_MOST and then only counts.
 */
#ifndef BASE_TROUBLE_H
#define BASE_TROUBLE_H
#include "base/arena.h"
#include <stdio.h>

enum { TROUBLES_MOST = 200 };

struct trouble {
    const char *file;       /* NULL: no file (an argument, the environment) */
    unsigned line, column;  /* from 1; 0: not known */
    const char *what, *hint;/* hint may be "" */
    bool is_warning;        /* said, but does not fail */
};
struct troubles {
    struct arena *arena;    /* set by whoever makes the list */
    struct trouble list[TROUBLES_MOST];
    unsigned n, errors, dropped;
};

/* what and hint are copied; hint may be NULL. */
void trouble_add(struct troubles *t, const char *file, unsigned line, unsigned column, const char *hint, const char *what, ...)
    __attribute__((format(printf, 6, 7)));
void trouble_warn(struct troubles *t, const char *file, unsigned line, unsigned column, const char *hint, const char *what, ...)
    __attribute__((format(printf, 6, 7)));
void troubles_print(const struct troubles *t, FILE *out);
/* A stranger's text for a terminal: nothing in it can steer one. */
void text_print(struct span s, FILE *out);
/* Sorted by file, line, column (stable). */
void troubles_sort(struct troubles *t);
/* The known word nearest to `word` within a third of its length (Levenshtein), or NULL: for "did you mean". */
const char *nearest_word(struct span word, const char *const *known, size_t n);
#endif
