/* SPDX-License-Identifier: Apache-2.0
 *
 * hunt: what the checks that look for exact spans share (secrets, pii): one walk over the folded text, hits, and the
 * promise for streams. Every read ahead goes through hunt_at. One that meets the end of the text while more may come
 * leaves a mark, and the candidate that was being tried stays live from its first byte: so `settled` follows from the
 * matchers themselves and cannot drift apart from them. Reads behind are free, what is behind never changes.
 *
 * Reach of a candidate: at most HUNT_REACH bytes, except for one run without white space and for a block between BEGIN
 * and END, which are looked back for as a whole, HUNT_HOLD bytes at most.
 */
#ifndef CHECKS_TEXT_HUNT_H
#define CHECKS_TEXT_HUNT_H
#include "checks/check.h"
#include "checks/text/fold.h"

enum { HUNT_REACH = 512, HUNT_HOLD = 8192 };

struct hit {
    size_t start, end;      /* in the folded text */
    const char *kind;       /* static */
    const char *why;        /* static, the end of a sentence that begins with the kind */
    double score;
};
struct hunt {
    struct span text;       /* folded */
    struct arena *arena;    /* NULL: hits are not kept (settled) */
    struct hit *hits;
    size_t n, cap;
    bool touched;           /* the candidate under way read past the end */
    size_t live;            /* the first byte of any candidate that did */
    size_t from;            /* where the walk begins */
};

static inline unsigned char hunt_at(struct hunt *h, size_t i)
{
    if (i < h->text.len)
        return (unsigned char)h->text.at[i];
    h->touched = true;
    return 0;
}
/* The byte before i, or 0. */
static inline unsigned char hunt_before(const struct hunt *h, size_t i)
{
    return i ? (unsigned char)h->text.at[i - 1] : 0;
}
/* Around each candidate: begin, try, end with the earliest byte that its finding could have. */
static inline void hunt_try(struct hunt *h) { h->touched = false; }
static inline void hunt_tried(struct hunt *h, size_t start)
{
    if (h->touched && start < h->live)
        h->live = start;
    h->touched = false;
}
void hunt_hit(struct hunt *h, size_t start, size_t end, const char *kind, double score, const char *why);

/* Judges a whole side: walks each part's folded text, resolves overlaps (the surer, then the longer one stays), leads
 * spans back to the original and adds the findings. quiet: may be NULL. */
struct score hunt_score(const struct check *c, struct transcript *t, enum side on, struct findings *out,
                        struct quiet *quiet, unsigned quiet_kind, void (*walk)(struct hunt *h));
/* The promise for streams: see check.h. block: a text that opens what only its own end closes ("-----BEGIN"), or NULL. */
size_t hunt_settled(struct span text, void (*walk)(struct hunt *h), const char *block);

/* Character classes, ASCII; bytes from 0x80 on are letters of some word. */
enum { IS_LOWER = 1, IS_UPPER = 2, IS_DIGIT = 4, IS_HIGH = 8, IS_BLANK = 16, IS_LINE = 32, IS_JOIN = 64 /* _ */ };
extern const uint8_t hunt_class[256];
static inline bool is_digit(unsigned char c) { return c >= '0' && c <= '9'; }
static inline bool is_alnum(unsigned char c) { return hunt_class[c] & (IS_LOWER | IS_UPPER | IS_DIGIT); }
static inline bool is_alpha(unsigned char c) { return hunt_class[c] & (IS_LOWER | IS_UPPER); }
static inline bool is_letter(unsigned char c) { return hunt_class[c] & (IS_LOWER | IS_UPPER | IS_HIGH); }
static inline bool is_blank(unsigned char c) { return hunt_class[c] & IS_BLANK; }
static inline bool is_space(unsigned char c) { return hunt_class[c] & (IS_BLANK | IS_LINE); }
static inline bool is_word(unsigned char c) { return hunt_class[c] & (IS_LOWER | IS_UPPER | IS_DIGIT | IS_HIGH | IS_JOIN); }

/* A character beyond ASCII that no word goes on through: quotes, dashes and other signs, emoji, and the scripts that are written without
 * spaces (a key between curly quotes, a number right behind a kana). By its first two bytes, which in valid UTF-8 are enough. */
static inline bool hunt_is_apart(unsigned char lead, unsigned char second)
{
    switch (lead) {
    case 0xc2: return second != 0xaa && second != 0xb5 && second != 0xba;     /* the ordinals and micro are letters */
    case 0xc3: return second == 0x97 || second == 0xb7;                       /* times, divided by */
    case 0xe0: return second >= 0xb8 && second <= 0xbb;                       /* Thai, Lao */
    case 0xe1: return second <= 0x82 || second == 0x9e || second == 0x9f;     /* Myanmar, Khmer */
    case 0xe2: return second < 0xb0 || second >= 0xb8;                        /* signs; not Glagolitic to Ethiopic */
    case 0xea: return second < 0x94 || second >= 0xb0;                        /* Yi, Hangul */
    case 0xef: return second <= 0xab || second >= 0xb8;                       /* private, ideographs; not Arabic's forms */
    default: return (lead >= 0xe3 && lead <= 0xee) || lead >= 0xf0;
    }
}
/* Is the character at i, or the one that ends before i, part of a word? Whole characters, where is_word knows bytes. */
static inline bool hunt_word_at(struct hunt *h, size_t i)
{
    unsigned char c = hunt_at(h, i);
    return c < 0x80 ? is_word(c) : !hunt_is_apart(c, hunt_at(h, i + 1));
}
static inline bool hunt_word_before(const struct hunt *h, size_t i)
{
    unsigned char c = hunt_before(h, i);
    if (c < 0x80)
        return is_word(c);
    for (size_t lead = i - 1; lead-- > 0 && i - lead <= 4;)
        if ((unsigned char)h->text.at[lead] >= 0xc0)
            return !hunt_is_apart((unsigned char)h->text.at[lead], (unsigned char)h->text.at[lead + 1]);
    return false;
}
/* Where the word under way at i ends, digits and joins too or letters alone. */
static inline size_t hunt_word_end(struct span text, size_t i, unsigned among)
{
    while (i < text.len) {
        unsigned char c = (unsigned char)text.at[i];
        if (!(hunt_class[c] & among) || (c >= 0xc0 && i + 1 < text.len && hunt_is_apart(c, (unsigned char)text.at[i + 1])))
            break;
        i++;
    }
    return i;
}

/* Copies the word [from, to) of text into out as small ASCII letters and digits, Latin accents dropped, anything else
 * left out; at most room-1 bytes, 0-terminated. Returns the length. */
size_t word_plain(struct span text, size_t from, size_t to, char *out, size_t room);
/* Is this word in a sorted list of words? */
bool hunt_word_in(const char *word, const char *const *sorted, size_t n);
#define WORD_IN(word, list) hunt_word_in((word), (list), sizeof(list) / sizeof *(list))
#endif
