/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files that make words share and nobody else sees.
 *
 *   words.c          one pass over the folded text: words, marks, sentences
 *   words_number.c   numbers as written; their scales and units; dates
 *   words_lexeme.c   what a word means in itself; lists of words
 */
#ifndef CHECKS_TEXT_WORDS_INSIDE_H
#define CHECKS_TEXT_WORDS_INSIDE_H
#include "checks/text/words.h"

/* ---- words_lexeme.c ---- */

enum meaning { MEANS_STOP = 1, MEANS_NOT = 2, MEANS_MONTH = 4, MEANS_DAY = 8, MEANS_COUNT = 16, MEANS_SCALE = 32 };
struct lexeme {
    uint32_t key;
    uint8_t means, month, weekday;
    int16_t pole;
    double number;
};
enum { LEXEMES = 2048, LEXEME_BITS = 8192 };
extern struct lexeme lexemes[LEXEMES];
extern uint64_t lexeme_bits[LEXEME_BITS / 64]; /* of the keys that are there: most words are none of them, and no table is asked */
struct lexeme *lexeme_place(uint32_t key);
static inline const struct lexeme *lexeme_find(uint32_t key)
{
    unsigned bit = key >> 8 & (LEXEME_BITS - 1);
    if (!(lexeme_bits[bit >> 6] >> (bit & 63) & 1))
        return NULL;
    const struct lexeme *l = lexeme_place(key);
    return l->key ? l : NULL;
}
static inline uint32_t words_key_inline(const char *folded, size_t n)
{
    uint64_t h = 0x9e3779b97f4a7c15u ^ n;
    for (size_t i = 0; i < n; i++)
        h = (h ^ (unsigned char)folded[i]) * 0x100000001b3u;
    h ^= h >> 32;
    h *= 0xd6e8feb86659fd93u;
    return (uint32_t)(h >> 32) | 1u;
}

/* ---- bytes ---- */

enum byte_class { BYTE_LOW = 1, BYTE_DIGIT = 2, BYTE_LINE = 4 /* _ */, BYTE_LETTER = BYTE_LOW | BYTE_DIGIT | BYTE_LINE };
extern const uint8_t words_class[256];
static inline bool is_digit(unsigned char c) { return (unsigned)c - '0' < 10; }
static inline bool is_low(unsigned char c) { return words_class[c] & BYTE_LOW; }
/* strchr takes a NUL for a member of every set */
static inline bool is_in(const char *set, char c) { return c && strchr(set, c); }

/* ---- words under way ---- */

struct maker {
    struct arena *a;
    const struct fold *f;
    struct words *w;
    size_t cap, numbers_cap, dates_cap, sentences_cap;
    bool breaks;          /* the next word begins a sentence */
    bool line;            /* and a line */
    uint32_t prior_end;
};
/* words_number.c */
/* Reads the digits at `at` (folded). Fills value, other, decimals; returns the end, or `at` when this is no number but a
 * code such as 1.2.3. */
size_t number_read(struct span s, size_t at, struct number *n);
/* Spelled counts become numbers, and every number takes its scale and unit in. */
void numbers_join(struct maker *m);
void dates_find(struct maker *m);
#endif
