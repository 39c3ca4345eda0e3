/* SPDX-License-Identifier: Apache-2.0
 *
 * permute: scores every statistic of a pool under the true division and under random ones. For this room only.
 */
#ifndef CHECKS_DRIFT_PERMUTE_H
#define CHECKS_DRIFT_PERMUTE_H
#include "checks/drift/pool.h"
#include "checks/drift/random.h"

enum { LINKED_MOST = 24 };
enum { SUB_DISTRIBUTION, SUB_WEIGHTED, SUB_RANK, SUB_SPREAD, SUB_MEAN, SUB_TAILS, SUB_SIZE, SUB_VALUE, SUB_MISSING, SUB_NUMBER };
enum { SUBC_SHARES, SUBC_VALUE, SUBC_MISSING, SUB_CATEGORY };
enum { SUBT_MOST, SUBT_SUM, SUBT_SUM_2, SUBT_SUM_4, SUB_TERMS };

struct watched {      /* one feature of the report: one or more statistics */
    enum { OF_COLUMN, OF_TERMS, OF_LINK, OF_ALL } of;
    uint32_t index, other;
    uint32_t first, n;/* its statistics */
    bool is_of_words; /* a column that tells how unusual words or spelling are */
    double log_weight;
    float *score;     /* by division, 0 is the true one; -log p within the feature + log_weight */
    double p_adjusted;
};
struct permuter {
    struct pool *pool;
    struct random_state random;
    uint32_t small;          /* rows drawn: the smaller sample */
    bool small_is_current;
    uint32_t *order;
    struct watched *watched;
    uint32_t nwatched, nstatistics, divisions, divisions_most;
    float *statistics;       /* [statistic][division] */
    uint32_t *counts;        /* of terms */
    float *linked;           /* [row][column]: standardised ranks */
    uint32_t linked_columns[LINKED_MOST], nlinked;
    double linked_total[LINKED_MOST * (LINKED_MOST + 3) / 2];
    double p, p_random;
    uint32_t best;           /* the most surprising feature */
};
/* Elementary steps one division costs, about a nanosecond each. */
uint64_t permuter_cost(const struct permuter *m);
struct permuter *permuter_new(struct pool *p, uint32_t seed);
/* Makes room for `most` divisions (dropping those made). */
void permuter_begin(struct permuter *m, uint32_t most);
/* Divides until there are `divisions` (the true one included), then judges: p and each feature's p_adjusted. */
void permuter_run(struct permuter *m, uint32_t divisions);
/* -log p of a statistic's or score's true value among the divisions made so far. */
float permuter_statistic(const struct permuter *m, uint32_t statistic);
#endif
