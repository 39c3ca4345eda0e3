/* SPDX-License-Identifier: Apache-2.0
 *
 * pool: two samples laid together and coded without looking at which is which, so that any division of the rows into
 * two of the same sizes can be scored fast. Rows 0 … nreference-1 are the reference. A column is a code of at most 255
 * bins a row; a family of terms a list of numbers a row. For the files of this room only.
 */
#ifndef CHECKS_DRIFT_POOL_H
#define CHECKS_DRIFT_POOL_H
#include "checks/drift/sample.h"

enum { BINS_MOST = 255, COLUMN_WEIGHTS = 5 };
enum { WEIGHT_RANK, WEIGHT_SPREAD, WEIGHT_MEAN, WEIGHT_TAILS, WEIGHT_SIZE };

struct bin {
    uint32_t total;
    double low, high;     /* numbers: the values in it */
    bool is_single;       /* one value or category, and frequent enough to be watched for itself */
    const char *label;    /* categories */
};
struct pooled_column {
    const char *name, *kind;
    enum side on;
    bool is_number;
    uint8_t *codes;       /* one a row; bin 0: missing */
    struct bin *bins;
    uint32_t nbins;
    double *values;       /* numbers, NaN where missing; for effects and sentences */
    float *weights[COLUMN_WEIGHTS]; /* numbers: per bin, centred; statistic = |sum over current| / deviation */
    double deviation[COLUMN_WEIGHTS];
    float *rank;          /* per row, standardised mid-rank, 0 when missing; NULL for categories until linked */
    const char *schema;   /* what changed about the column itself, or NULL */
};
struct pooled_terms {
    enum side on;
    int family;
    uint32_t n;           /* terms kept */
    uint32_t *start, *ids;/* row r: ids[start[r]] … */
    uint32_t *df, *hash;  /* per term: rows with it, name */
};
struct pool {
    struct arena *arena;
    struct drift_sample *reference, *current;
    uint32_t n, nreference, ncurrent;
    struct pooled_column *columns;
    uint32_t ncolumns, columns_cap;
    struct pooled_terms terms[4];
    uint32_t nterms;
    double *log_factorial; /* 0 … n */
    float **surprise;      /* by df, made when first asked for */
};
/* -log of the mid-p that k of the df rows with something are current (hypergeometric), for k = 0 … df, two-sided but not
 * evenly: more than expected counts UP more, less DOWN less. What is new is more often the trouble than what is gone.
 * df at most SURPRISE_MOST. */
enum { SURPRISE_MOST = 400 };
#define SURPRISE_UP 0.5
#define SURPRISE_DOWN 1.0
const float *pool_surprise(struct pool *p, uint32_t df);
/* The same for any df, by the normal approximation above SURPRISE_MOST. */
float pool_surprise_at(struct pool *p, uint32_t df, uint32_t k);
struct pool *pool_make(struct arena *a, struct drift_sample *reference, struct drift_sample *current);
/* Codes numbers (NaN: missing) as a further column. */
struct pooled_column *pool_numbers(struct pool *p, const char *name, const char *kind, enum side on, double *values);
#endif
