/* SPDX-License-Identifier: Apache-2.0
 *
 * words: a text as words, marks, numbers, dates and sentences. Made once per part from its FOLD_PLAIN text and kept in
 * part->words; every position also leads back to the original bytes, so that findings can point there.
 *
 *   word      a run of letters and digits ("effectif", "a320", "don't"); a URL or e-mail address; a number; or one mark
 *             (every other visible character). Apostrophes and hyphens part words: "l'offre" is l ' offre.
 *   number    a word of digits in English or French spelling (1,234.5 · 1 234,5 · 1.234,5), with the scale, per cent
 *             or currency around it; "1,234" and "1.234" can be read in two ways and keep both (value, other). Also "twelve".
 *   date      a day, month and year as far as given, with the weekday when one stands before it
 *   sentence  from its first to one past its last word
 *
 * key and stem are hashes of folded bytes: no text is compared and nothing is allocated per word. O(text).
 */
#ifndef CHECKS_TEXT_WORDS_H
#define CHECKS_TEXT_WORDS_H
#include "checks/text/fold.h"
#include <stdatomic.h>

enum word_kind { WORD_TEXT, WORD_NUMBER, WORD_URL, WORD_EMAIL, WORD_MARK };
enum word_flag {
    WORD_CAPITAL = 1,      /* begins with a capital in the original */
    WORD_CAPITALS = 2,     /* all capitals, two letters or more */
    WORD_FIRST = 4,        /* the first word of its sentence */
    WORD_STOP = 8,         /* a function word of English or French */
    WORD_NOT = 16,         /* not, never, no, n't, ne, pas, jamais, aucun … */
    WORD_GLUED = 32,       /* nothing between it and the word before */
    WORD_LINE = 64,        /* first on its line */
    WORD_HAS_DIGIT = 128,
};
struct word {
    uint32_t at, to;       /* in fold->text */
    uint32_t start, end;   /* in the original */
    uint32_t key, stem;
    uint32_t sentence;
    uint32_t number;       /* index + 1 into numbers, 0: none */
    uint8_t kind, flags;
    uint8_t month, weekday;/* 1 to 12; 1 (Monday) to 7; else 0 */
    int16_t pole;          /* one of two opposites ("open": n, "closed": -n), else 0 */
    char mark;             /* the ASCII character of a WORD_MARK, else 0 */
    uint8_t means;         /* private to checks/text: what a WORD_TEXT means in itself */
};
struct number {
    uint32_t word, past;   /* words [first, past) that belong to it, currency before and unit behind included */
    uint32_t digits;       /* the word that holds the digits (or the spelled count) */
    double value, other;   /* scaled; other: the second reading, or NaN */
    double step;           /* the worth of one in the last digit given: 0.1 for 4.2, 1e5 for 1.2 million */
    uint8_t ndigits;       /* digits as written */
    bool is_percent, is_money, is_ordinal, is_spelled, is_year;
};
struct date {
    uint32_t word, past;   /* words, the weekday included */
    uint32_t core;         /* first word without the weekday */
    int year, month, day;  /* 0: not given */
    int weekday;           /* 1 (Monday) to 7 as written, 0: none */
};
struct sentence {
    uint32_t word, past;
};
struct words {
    const struct fold *fold;
    struct word *list;
    size_t n;
    struct number *numbers;
    size_t nnumbers;
    struct date *dates;
    size_t ndates;
    struct sentence *sentences;
    size_t nsentences;
};

/* The part's words, made on first use. Never NULL. */
const struct words *part_words(struct arena *a, struct part *p);
/* Words of a fold that belongs to no part. */
const struct words *words_make(struct arena *a, const struct fold *f);

uint32_t words_key(const char *folded, size_t n);
static inline uint32_t words_key_of(const char *folded) { return words_key(folded, strlen(folded)); }
/* The folded text of word i. */
static inline struct span word_text(const struct words *w, size_t i)
{
    return (struct span){ w->fold->text.at + w->list[i].at, w->list[i].to - w->list[i].at };
}
static inline bool word_is(const struct words *w, size_t i, const char *folded)
{
    return i < w->n && span_is(word_text(w, i), folded);
}
static inline bool word_is_mark(const struct words *w, size_t i, char mark)
{
    return i < w->n && w->list[i].kind == WORD_MARK && w->list[i].mark == mark;
}
/* Days since 1970-01-01 of a date of the Gregorian calendar, and its weekday (1 Monday … 7 Sunday). */
long calendar_days(int year, int month, int day);
int calendar_weekday(int year, int month, int day);
bool calendar_valid(int year, int month, int day);

/* Lists of words, asked about word after word: a hash table each, made when it is first asked. */
struct word_set {
    const char *list;
    uint64_t bits[4];      /* of its keys' upper bytes: most words are in no list, and no slot is looked at */
    uint32_t mask;
    struct {
        uint32_t key;      /* 0: free */
        uint16_t at, len;  /* in list */
    } slots[];
};
const struct word_set *word_set_make(_Atomic(struct word_set *) *place, const char *list);
bool word_set_holds(const struct word_set *s, uint32_t key, struct span text);
static inline const struct word_set *word_set_of(_Atomic(struct word_set *) *place, const char *list)
{
    const struct word_set *s = atomic_load_explicit(place, memory_order_acquire);
    return s ? s : word_set_make(place, list);
}
static inline bool word_in_set(const struct words *w, size_t i, const struct word_set *s)
{
    if (i >= w->n)
        return false;
    uint32_t key = w->list[i].key;
    return (s->bits[key >> 30] >> (key >> 24 & 63) & 1) && word_set_holds(s, key, word_text(w, i));
}
/* The set of these folded, blank-separated words, a literal. */
#define WORD_SET(list) ({ static _Atomic(struct word_set *) word_set_place; word_set_of(&word_set_place, "" list); })
/* Is word i one of these? */
#define word_in(w, i, list) word_in_set((w), (i), WORD_SET(list))
#endif
