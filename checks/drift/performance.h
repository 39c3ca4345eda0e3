/* SPDX-License-Identifier: Apache-2.0
 *
 * performance: how well does a classifier do, before its labels come? The first `warmup` lines have labels and say how scores and truth go together; from then on the
 * expected confusion matrix of each chunk follows from its scores alone (confidence-based performance estimation; NannyML's CBPE, after Guerrero-Curieses et al.).
 *
 * Scores that are chances as they are stay so (likelihood ratio); others are calibrated by logistic regression on their log-odds (Platt 1999, with his smoothed targets), averaged with isotonic regression (Zadrozny and Elkan 2002) once
 * the warm-up holds at least ISOTONIC_LEAST lines. Intervals are for what will be realised: the chance of each label, and how sure the calibration is.
 *
 * Assumed: P(label | score) is what it was in the warm-up. Covariate shift is seen; concept drift, where labels no longer follow the scores as they did, is not, by
 * construction: only labels tell. So where labels are there, the realised figures stand beside, and a chunk whose realised accuracy lies outside the interval says so.
 * O(lines log lines).
 */
#ifndef CHECKS_DRIFT_PERFORMANCE_H
#define CHECKS_DRIFT_PERFORMANCE_H
#include "base/buf.h"
#include "checks/drift/read.h"

enum { PERFORMANCE_LEAST = 50 /* labelled lines of the warm-up, at least 5 of either label */, ISOTONIC_LEAST = 200, PERFORMANCE_GROUPS_MOST = 16 };
struct performance_figures { double accuracy, roc_auc, positive_rate; };   /* NaN: cannot be told. positive_rate: of predictions */
struct performance_part {
    struct span group;                            /* empty: the whole chunk */
    size_t n, labelled;
    struct performance_figures estimated, realised;
    double accuracy[2], roc_auc[2];               /* 95 % intervals of what will be realised */
};
struct performance_chunk {
    size_t start, end;                            /* lines, from 0; end: the first after it */
    struct performance_part whole, *groups;
    size_t ngroups;
    bool is_outside;                              /* realised accuracy outside its interval, adjusted for the number of chunks */
};
struct performance_report {
    size_t n, warmup;
    struct performance_figures before;            /* realised in the warm-up */
    struct performance_chunk *chunks;
    size_t nchunks, outside;
};
/* NULL, or why it cannot be done (static). */
const char *performance(struct arena *a, const struct drift_lines *lines, size_t warmup, size_t chunk, struct performance_report *out);
void performance_json(const struct performance_report *r, struct buf *out);
void performance_text(const struct performance_report *r, struct buf *out);
#endif
