/* SPDX-License-Identifier: Apache-2.0
 *
 * ngrams: a folded text as a set of hashed features, for linear models: character 3- to 5-grams within words (with the
 * word's edges) and words and pairs of neighbouring words. Each feature is in the set once, however often it occurs.
 * Words are runs of letters and digits; an apostrophe parts them (can t, l instruction); letters of scripts that put no
 * spaces between words (Han, kana, Thai …) are words each. Runs of other signs are features too, up to three bytes.
 * O(text), about 3 ns a byte. Source: Weinberger et al. 2009 (feature hashing).
 */
#ifndef CHECKS_TEXT_NGRAMS_H
#define CHECKS_TEXT_NGRAMS_H
#include "base/arena.h"

enum { NGRAMS_BITS_LEAST = 8, NGRAMS_BITS_MOST = 22, NGRAMS_WEIGH_BITS = 16, NGRAMS_READ_MOST = 1 << 16 };

struct token {
    uint32_t start, end;  /* in the folded text */
    uint32_t at;          /* of the token in `spaced` */
    uint32_t hash;
    bool is_sign;         /* a run of other signs, not a word */
};
/* A text cut into tokens: made once, read by ngrams and lexicons. */
struct tokens {
    struct span text;     /* the folded text */
    const char *spaced;   /* " word word … " with eight more bytes behind it (zeros) */
    struct token *list;
    size_t n;
};
/* Cuts text (at most NGRAMS_READ_MOST bytes of it are looked at). */
void tokens_cut(struct arena *a, struct span text, struct tokens *out);
/* The token at or after this byte of the text: an index into list, n at the end. O(log n). */
size_t tokens_find(const struct tokens *t, size_t byte);

enum ngram_kinds { NGRAM_CHARS = 1, NGRAM_WORDS = 2, NGRAM_HEAD = 4 /* the first words once more, as such */ };
enum { NGRAM_HEAD_WORDS = 14 };
struct ngrams {
    uint32_t *id;         /* below 1 << bits, each once */
    size_t n;
};
/* The features of tokens [from, to). */
void ngrams_of(struct arena *a, const struct tokens *t, size_t from, size_t to, unsigned kinds, unsigned bits, struct ngrams *out);
/* The sum of these features' weights, and how many they are: as of ngrams_of's set, without making it. At most
 * NGRAMS_WEIGH_BITS bits; allocates nothing. */
int32_t ngrams_weigh(const struct tokens *t, size_t from, size_t to, unsigned kinds, unsigned bits, const int8_t *weights, size_t *n);

/* The same features with their places, each occurrence once, for explanations. */
struct ngram_seen {
    uint32_t id;
    uint32_t start, end;  /* in the folded text: the words it is in */
    bool is_word;         /* a word or a pair, not a piece of a word */
};
size_t ngrams_seen(struct arena *a, const struct tokens *t, size_t from, size_t to, unsigned kinds, unsigned bits, struct ngram_seen **out);
#endif
