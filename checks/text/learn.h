/* SPDX-License-Identifier: Apache-2.0
 *
 * learn: trains linear models: logistic regression with L2, by stochastic gradients, the same for
 * the same seed. An example may be
 * read in several windows: for a text that has the trait, only its most telling window need show it; for one that has
 * not, none may (multiple-instance learning). Memory is the caller's arena.
 */
#ifndef CHECKS_TEXT_LEARN_H
#define CHECKS_TEXT_LEARN_H
#include "checks/text/linear.h"

struct example {
    struct features *windows;
    size_t nwindows;
    bool is_so;           /* has the trait */
    float weight;
    uint32_t group;       /* source: what is left out together */
    uint32_t fold;        /* of those without the trait: so that some can be kept back while a source is left out */
};
struct learn_settings {
    unsigned bits, named, kinds;
    unsigned epochs;
    float rate, keep_small, named_size; /* step; L2; how large a named feature counts while learning */
    float hide;           /* this part of an example's n-grams is hidden at each step, so that no text is known by a few of them alone */
    float bias;           /* what a text without a known feature sums to: fixed, so that the unknown stays a "no" */
    uint32_t seed;
};
struct learned {
    struct learn_settings settings;
    float *weights, *named;
    float bias, slope, shift;
};
/* Learns from the examples whose group is not left_out, but for those without the trait of fold kept_back (UINT32_MAX: from all). */
struct learned *learn(struct arena *a, const struct example *list, size_t n, struct learn_settings settings, uint32_t left_out, uint32_t kept_back);
double learned_sum(const struct learned *m, const struct example *e);      /* of its strongest window */
/* Platt: fits slope and shift to sums and truths. */
void learn_calibrate(struct learned *m, const double *sums, const bool *is_so, const float *weights, size_t n);
/* The model's file (linear.h), quantised. */
struct span learned_file(struct arena *a, const struct learned *m, const char *about);
#endif
