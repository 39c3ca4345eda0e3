/* SPDX-License-Identifier: Apache-2.0
 *
 * linear: a linear model of a text: a weight for each hashed n-gram (8 bits, one common scale) and for each named feature
 * (32-bit floats). What it says is a logistic function of
 *     bias + sum of the named features' weights / sqrt(their number) + sum of the n-grams' weights / sqrt(their number).
 * Every feature is there or not; the roots keep long texts from being louder than short ones.
 *
 * The file, little-endian, all fields aligned: "vigl", u32 version, u32 bits, u32 named, u32 kinds (of n-grams), f32 bias,
 * f32 scale, f32 slope, f32 shift (calibration: p = 1 / (1 + exp(-(slope * sum + shift)))), u32 checksum (FNV-1a of all that
 * follows), char about[88], f32 named weights, i8 2^bits n-gram weights.
 */
#ifndef CHECKS_TEXT_LINEAR_H
#define CHECKS_TEXT_LINEAR_H
#include "checks/text/ngrams.h"

enum { LINEAR_VERSION = 1, LINEAR_HEADER = 128, LINEAR_NAMED_MOST = 4096 };
struct linear {
    unsigned bits, named, kinds;
    float bias, scale, slope, shift;
    const char *about;            /* NUL-terminated: what it was trained on, when */
    const float *named_weights;
    const int8_t *weights;
};
struct features {
    struct ngrams grams;
    uint16_t *named;
    size_t nnamed;
};
/* Opens a model over bytes that stay where they are (aligned to 4). false: not a model of this version. O(1). */
bool linear_open(struct linear *m, struct span bytes);
/* The checksum holds: for tests and doctor, not for every exchange. */
bool linear_is_whole(struct span bytes);
double linear_sum(const struct linear *m, const struct features *f);
/* The same of tokens [from, to) without a list of their n-grams; of a model of at most NGRAMS_WEIGH_BITS bits. */
double linear_sum_tokens(const struct linear *m, const struct tokens *t, size_t from, size_t to, const uint16_t *named, size_t nnamed);
double linear_chance(const struct linear *m, double sum);

/* The terms that spoke most for it: words and pairs of words with what they and the pieces within them add to the sum. */
struct term {
    uint32_t start, end;          /* in the folded text */
    float adds;
};
enum { TERMS_MOST = 4 };
/* Up to TERMS_MOST terms of tokens [from, to), strongest first, none overlapping a stronger one. */
size_t linear_terms(const struct linear *m, struct arena *a, const struct tokens *t, size_t from, size_t to, struct term out[TERMS_MOST]);
#endif
