/* SPDX-License-Identifier: Apache-2.0
 * Learned by tools/eval_grounding --fit (logistic regression, no weight below zero, every source counting the same);
 * see docs/checks/grounding.md. In the order of enum ground_feature, the bias last. */
#include "checks/grounding_parts.h"

const float ground_weights[GROUND_FEATURES + 1] = {
    1.892f, /* missing */
    0.000f, /* sentences */
    0.000f, /* worst */
    0.000f, /* worst-missing */
    0.082f, /* pairs */
    1.143f, /* triples */
    0.852f, /* numbers */
    0.196f, /* a-number */
    0.740f, /* names */
    1.317f, /* a-name */
    0.270f, /* elsewhere */
    0.478f, /* flip */
    1.217f, /* attribute */
    0.000f, /* mass */
    0.000f, /* pair-mass */
    -1.467f, /* bias */
};
