/* SPDX-License-Identifier: Apache-2.0
 *
 * automaton: many literals found in one pass over a text (Aho and Corasick 1975), so that a pattern need only be tried
 * where one of its literals stands. Works on ASCII-lowered bytes; literals must be lowered already. Immutable once made.
 *
 * A table of nstates × nclasses next states; bytes that no literal holds share one class. About one table look-up a byte. Where a few
 * pairs of bytes that are rare in texts ("oj") stand in all literals, the automaton runs only around those (about 16 bytes a look).
 */
#ifndef CHECKS_RULESET_AUTOMATON_H
#define CHECKS_RULESET_AUTOMATON_H
#include "base/arena.h"

enum { AUTOMATON_STATES_MOST = 200000, AUTOMATON_PAIRS_MOST = 8 };

struct automaton_entry {
    uint32_t owner;      /* whose literal */
    uint32_t next;       /* index of the next entry of this state; 0: none */
};
struct automaton {
    uint8_t class_of[256];
    unsigned nclasses;
    uint32_t nstates;
    uint32_t *next;      /* [state * nclasses + class] */
    uint32_t *fail;      /* the longest proper suffix that is a state */
    uint32_t *end_list;  /* entries whose literal ends here; 0: none (those of suffixes: follow `ends_at`) */
    uint32_t *ends_at;   /* nearest state on the fail chain, this one included, that ends a literal; 0: none */
    uint32_t *through;   /* entries whose literal begins with this state's text and goes on */
    uint16_t *depth;
    unsigned npairs;     /* 0: no such pairs */
    uint8_t pairs[AUTOMATON_PAIRS_MOST][2]; /* with bit 5 set in each */
    size_t back, ahead;  /* a literal with a pair at i lies within [i - back, i + ahead) */
    struct automaton_entry *entries;
    size_t nentries, entries_cap;
};
struct automaton_literal {
    struct span text;    /* not empty, lowered */
    uint32_t owner;
};

/* NULL when n is 0 or the table would pass AUTOMATON_STATES_MOST. */
struct automaton *automaton_new(struct arena *a, const struct automaton_literal *literals, size_t n);
static inline uint32_t automaton_step(const struct automaton *m, uint32_t state, unsigned char byte)
{
    return m->next[(size_t)state * m->nclasses + m->class_of[byte]];
}
/* Where one of the pairs stands from i on, or the text's length. */
size_t automaton_pair(const struct automaton *m, struct span text, size_t i);
/* From state 0 at i: the place to go on at, still in state 0. What ends in the text or is under way at its end does not begin before.
 * *pair: from automaton_pair at the place where the run began, kept between calls. */
static inline size_t automaton_skip(const struct automaton *m, struct span text, size_t i, size_t *pair)
{
    if (!m->npairs)
        return i;
    if (*pair < i)
        *pair = automaton_pair(m, text, i);
    size_t reach = m->back + m->ahead, tail = text.len > reach ? text.len - reach : 0, to = *pair > m->back ? *pair - m->back : 0;
    to = to < tail ? to : tail;
    return to > i ? to : i;
}
/* Sets bit `owner` for every literal that occurs. */
void automaton_mark(const struct automaton *m, struct span text, uint64_t *seen);
#endif
