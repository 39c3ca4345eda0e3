/* SPDX-License-Identifier: Apache-2.0
 *
 * read: JSON Lines and CSV become observations. Takes bytes, not files: whoever calls reads those.
 *
 * JSON Lines: "prompt", "response" (a string, or an array of them), "features": {name: number, string, bool or null}; in
 * label streams "score", "prediction", "label", "group", "at", "label_at". Other keys are passed over; empty lines too.
 * CSV: RFC 4180 with a header; a cell that is a number is one, an empty one is missing; quoted cells may hold newlines. Cells may stand
 * between semicolons (then 3,5 is a number), tabs or bars too: the header tells. A column without a name is left out, and said.
 */
#ifndef CHECKS_DRIFT_READ_H
#define CHECKS_DRIFT_READ_H
#include "base/trouble.h"
#include "checks/drift/drift.h"

struct drift_line {
    struct span prompt, response;    /* at == NULL: not there */
    struct feature *features;
    size_t nfeatures;
    double score, prediction, label; /* NaN: not there */
    struct span group;
    int64_t at_us, label_at_us;      /* INT64_MIN: not there */
};
struct drift_lines {
    struct drift_line *list;
    size_t n, cap;
    bool has_outcomes;               /* some line has a score, prediction or label */
};
/* Everything lives in `a` or points into `content`. false: what is wrong stands in troubles (all of it, up to its bound). */
bool drift_read(struct arena *a, const char *file, struct span content, struct drift_lines *out, struct troubles *troubles);
/* Adds an observation (texts and features). false: the sample is full. */
bool drift_sample_line(struct drift_sample *s, const struct drift_line *line);
#endif
