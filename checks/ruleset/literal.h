/* SPDX-License-Identifier: Apache-2.0
 *
 * literal: what a pattern must contain, and what its matches must begin with, read conservatively from its source.
 *
 * Both answers are sets of ASCII-lowered texts of which at least one must be there; an empty set says nothing is known
 * and is always right. What this reader does not understand it takes for "anything", so a construct it does not know
 * costs speed, never a match. The property test compares matching with and without it.
 */
#ifndef CHECKS_RULESET_LITERAL_H
#define CHECKS_RULESET_LITERAL_H
#include "base/arena.h"

enum { LITERALS_MOST = 16, LITERAL_LENGTH_MOST = 24 };
struct literals {
    struct span *list;
    size_t n;
};
struct literal_facts {
    struct literals required; /* every match contains one of these */
    struct literals begins;   /* every match begins with one of these */
    bool moves_start;         /* \K, \G or a verb: where a match begins depends on more than the text */
};
/* Everything is in the arena. */
struct literal_facts literals_of(struct arena *a, struct span pattern);
#endif
