/* SPDX-License-Identifier: Apache-2.0
 *
 * checks/text: text for the checks: folding with a map back to the original, words, n-grams, language, linear models.
 *
 * fold: the text that patterns and words are matched on. Two strengths:
 *   FOLD_PATTERN  NFKC; format characters (Cf: zero width, bidi, tags, soft hyphen), variation selectors and
 *                 default-ignorables dropped; every Unicode space a plain one (newlines stay). Case and accents kept.
 *                 Invalid bytes become U+FFFD.
 *   FOLD_PLAIN    the same, then case-folded, accents (combining marks after NFKD) removed, typographic quotes and
 *                 dashes made ASCII, look-alike letters (Cyrillic, Greek, … inside otherwise Latin words) made Latin.
 * Positions lead back: fold_origin gives the original bytes of a folded range, always whole characters.
 * ASCII text costs one copy (FOLD_PLAIN) or none (FOLD_PATTERN: bytes points at the original and map is NULL).
 * Source: UAX #15 (normalization), UTS #39 (confusables; our own short list), utf8proc.
 */
#ifndef CHECKS_TEXT_FOLD_H
#define CHECKS_TEXT_FOLD_H
#include "checks/transcript.h"

enum fold_strength { FOLD_PATTERN, FOLD_PLAIN };
struct fold {
    struct span text;           /* folded; valid UTF-8 */
    const uint32_t *map;        /* NULL: the identity. Else map[i] is the original offset of the character that gave folded
                                 * byte i; map[text.len] is the original's length */
    struct span original;
    bool has_disguise;          /* format characters, confusables or full-width letters were folded away */
};
/* Folds a whole text into the arena. */
struct fold *fold_text(struct arena *a, struct span original, enum fold_strength strength);
/* The part's folded text, made once and kept in the part. */
const struct fold *part_fold(struct arena *a, struct part *p, enum fold_strength strength);
/* The original range of folded [start, end): from the first byte of its first character to the end of its last
 * (with whatever was dropped between them, but not what was dropped after the last). */
struct span fold_origin(const struct fold *f, size_t start, size_t end, size_t *orig_start, size_t *orig_end);

/* For streams: folds text piece by piece. What may still change when more comes (a cut UTF-8 sequence, a character that
 * combining marks could join) stays pending and is not in `text` yet. FOLD_PATTERN only. */
struct fold_stream {
    struct fold so_far;         /* .map is never NULL here unless everything so far is ASCII (identity) */
    size_t original_len;        /* bytes of the original folded so far */
    size_t room, map_room;
    bool is_identity;
};
void fold_stream_begin(struct fold_stream *s);
/* original: the whole text so far (it may have moved and grown since the last call); is_end: nothing more comes. */
void fold_stream_feed(struct arena *a, struct fold_stream *s, struct span original, bool is_end);
#endif
