/* SPDX-License-Identifier: Apache-2.0
 *
 * scope, inside: what scope_train makes and the check reads. A prompt becomes a vector of words, word pairs and character
 * n-grams weighed by how rare they are in the scope; four signals look at it, each calibrated on in-scope examples that the
 * model had not seen, and their weighted mean is the score (0.5: the wanted share of in-scope prompts lies above).
 *
 *   near        how far from the nearest examples (cosine through an inverted index)
 *   intents     how sure no intent claims it (multinomial logistic regression)
 *   novelty     how unexpected its words are here (counts, backing off to character n-grams)
 *   background  how much more it looks like a general prompt (logistic regression against scope_background)
 *
 * Immutable after training; read by all threads at once.
 */
#ifndef CHECKS_SCOPE_PARTS_H
#define CHECKS_SCOPE_PARTS_H
#include "checks/scope.h"
#include "checks/text/words.h"

enum { SCOPE_FEATURES_MOST = 1536, SCOPE_INDEX_MOST = 20000, SCOPE_NEAREST = 5, SCOPE_WORDS_MOST = 400 };
enum scope_signal { SIGNAL_NEAR, SIGNAL_INTENTS, SIGNAL_NOVELTY, SIGNAL_BACKGROUND, SIGNALS };
extern const char *const scope_signal_names[SIGNALS];

/* to += value × row, four at a time; width is a multiple of four. */
typedef float scope_four __attribute__((vector_size(16), aligned(4), may_alias));
static inline void scope_row_add(float *to, const float *row, float value, uint32_t width)
{
    for (uint32_t k = 0; k < width; k += 4)
        *(scope_four *)(to + k) += value * *(const scope_four *)(row + k);
}

/* What is in a prompt; ids are filled against a scope's dictionary. */
struct scope_feature {
    uint32_t key;
    uint32_t id;           /* in the dictionary; SCOPE_UNKNOWN: not there */
    float value;
    bool is_word;          /* words and pairs; else characters */
};
#define SCOPE_UNKNOWN UINT32_MAX
struct scope_vector {
    struct scope_feature *list;
    uint32_t n;
    uint32_t *words;       /* keys of its words in order */
    uint32_t nwords, content;
};
struct scope_posting {
    uint32_t example;
    float value;
};
struct scope_calibration {
    double middle, spread; /* median, and from there to the 95th percentile, of unseen in-scope examples */
};
struct scope {
    struct arena *arena;
    struct span name;
    uint32_t nintents, width;      /* width: nintents rounded up to whole vectors */
    struct span *intent_names;
    uint32_t nexamples, nindexed;
    uint32_t *example_intent;      /* by indexed example */
    /* dictionary: open addressing */
    uint32_t slots, *slot_key, *slot_id;
    uint32_t nfeatures, *df;
    float *idf;
    float idf_unknown;
    uint32_t *posting_from;        /* nfeatures + 1 */
    struct scope_posting *postings;
    /* models: a row per feature */
    uint32_t nrows;                /* the first features have a row in weights */
    float *weights, *bias;         /* nrows × width; NULL with fewer than two intents */
    float *background, background_bias;
    bool has_background;
    struct scope_calibration calibration[SIGNALS];
    double weight[SIGNALS];
    double threshold, scale;       /* of the weighted mean */
};

/* Reads a folded text's words [first, past) into a vector in a. */
void scope_vector_read(struct arena *a, const struct words *w, size_t first, size_t past, struct scope_vector *out);
uint32_t scope_find(const struct scope *s, uint32_t key);
/* Fills ids and values; unknown features count in the norm, so that strangeness shrinks what is known.
 * own: the prompt is one of the examples: its own count is taken back (words that only it holds are unknown). */
void scope_vector_weigh(const struct scope *s, struct scope_vector *v, bool own);
struct scope_nearest {
    uint32_t example[SCOPE_NEAREST];
    float likeness[SCOPE_NEAREST];
    uint32_t n;
};
/* without: an example to leave out, or SCOPE_UNKNOWN. Raw signals, larger is further outside. */
void scope_signals(const struct scope *s, struct arena *a, const struct scope_vector *v, uint32_t without, double out[SIGNALS], struct scope_nearest *nearest);
double scope_signal_near(const struct scope *s, struct arena *a, const struct scope_vector *v, uint32_t without, struct scope_nearest *nearest);
double scope_signal_novelty(const struct scope *s, const struct scope_vector *v, bool own);
double scope_signal_intents(const struct scope *s, const float *weights, const float *bias, const struct scope_vector *v, float *scratch, uint32_t *best);
double scope_signal_background(const float *weights, float bias, const struct scope_vector *v);
/* The weighted mean of calibrated signals, and that as a score in [0, 1]. */
double scope_mean(const struct scope *s, const double signals[SIGNALS]);
double scope_score(const struct scope *s, double mean);

/* General prompts, English and French, our own writing: one a line. checks/scope_background.c */
extern const char *const scope_background[];
extern const size_t scope_nbackground;
#endif
