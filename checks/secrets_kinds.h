/* SPDX-License-Identifier: Apache-2.0
 *
 * secrets_kinds: the kinds of secret that show what they are by their own form, as one table of shapes.
 *
 * A shape is literal bytes and classes: % and a letter, then {n} or {least,most} (1 when left out), matched greedily:
 *   a letters and digits      w those and _ -          e w and = .            b a and + /        B b and _ -
 *   d digits   h 0-9a-f   H 0-9a-fA-F   U A-Z0-9   l a-z0-9   L a-zA-Z   2 A-Z2-7   q the alphabet of Bech32, capitals
 *   u a UUID (takes no count)   = padding, none to three   . anything printable but quotes and white space
 * A match must end where the token ends: what follows may not belong to the last class.
 */
#ifndef CHECKS_SECRETS_KINDS_H
#define CHECKS_SECRETS_KINDS_H
#include "checks/text/hunt.h"

enum {
    KIND_EXACT = 0,
    KIND_LOOSE = 1,     /* the prefix alone says enough: other lengths are taken too, if what follows looks random */
    KIND_PLAIN = 2,     /* the body need not look random (UUIDs, bodies with structure) */
};
struct kind {
    const char *name, *shape;
    uint8_t flags;
};
/* If a kind's form stands at i (the start of a word): the end of its match, its name and how sure. 0: none does. */
size_t kind_match(struct hunt *h, size_t i, const char **name, double *score);
/* Once before the walk; any thread, any number of times. */
void kind_prepare(void);
/* Could a kind begin with these bytes? */
extern uint64_t kind_starts[1024];     /* written by kind_prepare alone */
static inline uint16_t kind_start_hash(unsigned a, unsigned b, unsigned c)
{
    return (uint16_t)((a << 8 | b) * 251u + c * 7919u);
}
static inline bool kind_may_start(unsigned char a, unsigned char b, unsigned char c)
{
    uint16_t at = kind_start_hash(a, b, c);
    return kind_starts[at >> 6] >> (at & 63) & 1;
}
/* The table, for docs and tests. */
const struct kind *kind_table(size_t *n);

/* Is this no secret but what stands for one: EXAMPLE, your-key-here, xxxx, <…>, ${…}, abcdef… */
bool looks_made_up(struct span body);
/* Does it look like a key drawn at random (and not like words, a name, a path, a number)? */
bool looks_random(struct span s, size_t least);
#endif
