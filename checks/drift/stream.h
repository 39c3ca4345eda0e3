/* SPDX-License-Identifier: Apache-2.0
 *
 * stream: observations in order; when did it start to move?
 *
 * Lines after the warm-up come in blocks. Each block is compared with everything before it, in one permutation test over
 * all that is watched. When nothing changes these p-values are independent and uniform, for the same reason that conformal
 * ones are: which of the rows so far came last says nothing about how the earlier ones were ordered. Betting against that
 * (Vovk, Nouretdinov and Gammerman 2003; bets mixed over powers of p) makes a martingale for each block at which the
 * change could begin, and their weighted sum is one martingale, for everything watched and all onsets together. Ville:
 * it passes 1 / alpha with a chance of at most alpha, however long the stream. There is one test per block and one
 * martingale for all that is watched. Two run side by side, with short blocks and long ones, at half of alpha each.
 *
 * A block is BLOCK_LEAST (BLOCK_WIDE) lines, or a BLOCK_SHARE-th of what came before when that is more, so that a stream costs
 * O(lines × log) and the delay stays in proportion. Streams of outcomes are two such streams with half of alpha each:
 * scores and predictions line by line, and outcomes in the order in which their labels became known. Groups are columns
 * of their own ("error | group"). The first alarm of a stream ends its watch: what is normal must be said anew.
 */
#ifndef CHECKS_DRIFT_STREAM_H
#define CHECKS_DRIFT_STREAM_H
#include "checks/drift/read.h"

enum { BLOCK_LEAST = 100, BLOCK_WIDE = 300, BLOCK_SHARE = 16, STREAM_GROUPS_MOST = 8, ALARM_FEATURES_MOST = 5 };
struct drift_stream_options {
    uint32_t warmup;
    double alpha;
    uint32_t seed;
};
struct drift_alarm {
    size_t line;         /* from 0: the line at which it is raised */
    size_t onset;        /* where the change seems to begin */
    const char *feature;
    double e;            /* evidence: the martingale's value; alarms at 2 / alpha (4 / alpha for either half of outcomes) */
    double p_adjusted;   /* of the feature in the block that raised it */
    double effect;
    const char *what;
};
struct drift_stream_report {
    double alpha;
    size_t n, warmup, blocks;
    struct drift_alarm *alarms;
    size_t nalarms;
};
/* One alarm for each feature that moved in the block that raised it, strongest first. */
void drift_stream(struct arena *a, const struct drift_lines *lines, const struct drift_stream_options *o, struct drift_stream_report *out);
void drift_stream_json(const struct drift_stream_report *r, struct buf *out);
void drift_stream_text(const struct drift_stream_report *r, struct buf *out);
#endif
