/* SPDX-License-Identifier: Apache-2.0
 *
 * checks/drift: what is changing? Two samples, one question, one answer that can be trusted.
 *
 * A sample is n observations, each with texts (a prompt, an answer, or both) and named columns (numbers, categories,
 * missing values). Texts become sets of hashed terms (word 1- and 2-grams, character 3-grams) and descriptors (length,
 * capitals, language …), which are columns like any other. A comparison pools the two samples, codes everything without
 * looking at which sample an observation came from, and asks of every statistic at once: does the true division stand
 * out among random ones? Hence p is exact for the whole question, whatever the data look like (ties, heavy tails, rare
 * categories), as long as observations are exchangeable when nothing changed.
 *
 * Pure: no socket, clock or disk; the same input and seed give the same report. One thread at a time per sample; all
 * memory comes from the arena given and stays until it goes.
 */
#ifndef CHECKS_DRIFT_DRIFT_H
#define CHECKS_DRIFT_DRIFT_H
#include "base/buf.h"
#include "checks/transcript.h"

enum {
    DRIFT_ROWS_MOST = 200000,     /* observations in a sample; more are refused by drift_sample_row */
    DRIFT_COLUMNS_MOST = 1024,    /* further columns are counted and left out */
    DRIFT_TEXT_MOST = 8192,       /* bytes of a text that are looked at */
    DRIFT_TERMS_MOST = 512,       /* distinct word terms, and as many 3-grams, kept of a text */
    DRIFT_NAMES_MOST = 200000,    /* terms whose spelling is remembered */
    DRIFT_LEAST = 10,             /* observations in each sample below which it is too early to tell */
    DRIFT_REPORT_TERMS = 30,
};

struct drift_sample;
struct drift_sample *drift_sample_new(struct arena *a);
/* Begins the next observation. false: the sample is full. */
bool drift_sample_row(struct drift_sample *s);
/* Of the current observation; each name at most once an observation (the last counts). Names and texts are copied. */
void drift_sample_text(struct drift_sample *s, enum side on, struct span text);
void drift_sample_number(struct drift_sample *s, struct span name, double number); /* not finite: missing */
void drift_sample_category(struct drift_sample *s, struct span name, struct span category);
void drift_sample_missing(struct drift_sample *s, struct span name);
uint32_t drift_sample_size(const struct drift_sample *s);

struct drift_feature {
    const char *name;    /* the column, "prompt.length", "prompt.terms", "a ~ b" */
    const char *kind;    /* number category terms characters length language … link rows */
    enum side on;        /* 0: a column of the data, no text */
    double p_adjusted;   /* Westfall-Young step-down over all features */
    double effect;       /* 0 … 1: greatest difference of shares (see docs/drift.md) */
    const char *what;    /* a sentence: from what to what */
};
struct drift_term {
    const char *term;
    enum side on;
    double effect;       /* share of texts with it, current minus reference */
    double before, after;
};
struct drift_change {
    const char *feature, *change;
};
struct drift_report {
    bool is_drift, is_too_little;
    double alpha, p;
    double p_random;     /* p with ties broken at random: never more than p, and uniform when nothing changed */
    uint32_t n_reference, n_current, permutations, seed;
    const char *what;               /* the verdict in a sentence */
    struct drift_feature *features; /* strongest first */
    size_t nfeatures;
    struct drift_term *terms;       /* strongest first, at most DRIFT_REPORT_TERMS a side */
    size_t nterms;
    struct drift_change *schema;
    size_t nschema;
};
struct drift_options {
    double alpha;               /* 0 < alpha < 1 */
    uint32_t seed;
    double least_effect;        /* drift only if a feature that moved has this effect too; 0: any */
    uint32_t permutations_most; /* 0: chosen from alpha and the sizes */
    uint32_t permutations_least;/* 0: the same */
    double early;               /* a first, short run ends the matter when its p is above this; 0: 0.3 */
};
/* Whatever it reports lives in `a` (names in the samples' arenas). Ends the samples' last rows, else leaves them alone. Never fails: too little data gives p = 1 and is_too_little. */
void drift_compare(struct arena *a, struct drift_sample *reference, struct drift_sample *current,
                   const struct drift_options *options, struct drift_report *out);
/* The report in the contract's form, one JSON object without a newline. */
void drift_report_json(const struct drift_report *r, struct buf *out);
/* For reading at a terminal. */
void drift_report_text(const struct drift_report *r, struct buf *out);
#endif
