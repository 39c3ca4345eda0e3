/* SPDX-License-Identifier: Apache-2.0
 *
 * grounding, inside: the context as tables (grounding_context.c), the answer held against them sentence by sentence
 * (grounding_align.c), and the weights that join what was seen into one score (grounding_weights.c, learned by
 * tools/eval_grounding --fit). Every feature is a share of the answer that the context does not bear out, or a sign of
 * conflict; none looks at length or style, and no weight is negative, so that adding an unsupported piece never lowers
 * the score. Cost: linear in context + answer (postings of a word are capped at POSTINGS_MOST).
 */
#ifndef CHECKS_GROUNDING_PARTS_H
#define CHECKS_GROUNDING_PARTS_H
#include "checks/check.h"
#include "checks/text/words.h"

enum { POSTINGS_MOST = 24, CONTEXT_WORDS_MOST = 200000, ATTRIBUTES_MOST = 512, ATTRIBUTE_WORDS = 4 };
enum ground_feature {
    GROUND_MISSING,        /* share of the answer's content, weighed by rarity, that stands nowhere in the context */
    GROUND_SENTENCES,      /* mean over sentences: share not in the best window of three context sentences */
    GROUND_WORST,          /* the worst sentence's share not in its window */
    GROUND_WORST_MISSING,  /* the worst sentence's share that stands nowhere */
    GROUND_PAIRS,          /* share of neighbouring content words never neighbours in the context */
    GROUND_TRIPLES,        /* share of word triples that the context does not hold */
    GROUND_NUMBERS,        /* share of figures unsupported */
    GROUND_A_NUMBER,       /* how many figures are unsupported, saturating */
    GROUND_NAMES,          /* share of names unsupported */
    GROUND_A_NAME,         /* how many names are unsupported, saturating */
    GROUND_ELSEWHERE,      /* figures and names that stand in the context, but not where the sentence does */
    GROUND_FLIP,           /* negation or an opposite against a context sentence that else agrees */
    GROUND_ATTRIBUTE,      /* a statement against a yes or no of structured data */
    GROUND_MASS,           /* how much content stands nowhere, in all, saturating */
    GROUND_PAIR_MASS,      /* how many neighbours are new, saturating */
    GROUND_FEATURES
};
extern const char *const ground_feature_names[GROUND_FEATURES];
/* checks/grounding_weights.c; the last one is the bias. */
extern const float ground_weights[GROUND_FEATURES + 1];

struct ground_entry {
    uint32_t key;              /* stem; 0: free */
    uint32_t from, n, all;     /* postings [from, from + n): sentences; all: how many sentences in truth */
};
struct ground_sentence {
    const struct words *w;
    uint32_t word, past;
    uint16_t nots;             /* negations in it */
};
struct ground_attribute {
    uint32_t stems[ATTRIBUTE_WORDS];
    uint8_t n;
    bool is_true;
    struct span name;
};
struct ground {
    struct arena *a;
    struct ground_sentence *sentences;
    uint32_t nsentences;
    struct ground_entry *table;
    uint32_t slots;
    uint32_t *postings;
    uint32_t *pairs, pair_slots;   /* a set of hashes of neighbouring content stems and of word triples */
    double *values;                /* numbers, sorted */
    uint32_t nvalues;
    struct ground_attribute *attributes;
    uint32_t nattributes;
    struct span texts[64];         /* folded, for URLs and quotes */
    uint32_t ntexts;
    uint32_t nwords;
};
/* How rare a stem is in general, from 0 (everywhere) to 1 (not among the common ones). checks/grounding_words.c */
float ground_rarity(uint32_t stem);
/* The tables of what the answer may rest on, or NULL: nothing to compare with. */
struct ground *ground_read(struct transcript *t);
const struct ground_entry *ground_find(const struct ground *g, uint32_t stem);
bool ground_has_pair(const struct ground *g, uint32_t hash);
uint32_t ground_pair(uint32_t a, uint32_t b);
bool ground_has_value(const struct ground *g, double value, double tolerance);
double ground_nearest_value(const struct ground *g, double value);
bool ground_has_text(const struct ground *g, struct span folded);

enum piece_kind { PIECE_NUMBER, PIECE_NAME, PIECE_URL, PIECE_QUOTE, PIECE_FLIP, PIECE_ATTRIBUTE, PIECE_WORDS, PIECE_SENTENCE };
struct ground_piece {
    uint8_t kind;
    uint32_t first, past;      /* words of the answer */
    double score;
    const char *why;
};
struct ground_result {
    double x[GROUND_FEATURES];
    struct ground_piece *pieces;
    size_t npieces, cap;
    bool empty;                /* nothing in the answer to hold against anything */
};
void ground_align(const struct ground *g, const struct words *w, struct ground_result *out);
double ground_score(const struct ground_result *r);
#endif
