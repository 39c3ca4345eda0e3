/* SPDX-License-Identifier: Apache-2.0
 * Learned by tools/eval_grounding --fit; see docs/checks/grounding.md. In the order of enum ground_feature and enum
 * token_feature, the bias last. */
#include "checks/grounding_parts.h"
#include <math.h>

const float ground_weights[GROUND_FEATURES + 1] = {
    0.582f, /* missing */
    0.608f, /* alien */
    0.392f, /* outside */
    0.916f, /* words */
    0.525f, /* triples */
    0.604f, /* clauses */
    2.033f, /* figures */
    0.684f, /* figures-share */
    0.843f, /* figures-moved */
    1.058f, /* names */
    1.033f, /* names-share */
    0.477f, /* names-moved */
    5.733f, /* attributes */
    6.885f, /* schedule */
    2.318f, /* open */
    0.581f, /* negation */
    3.020f, /* opposite */
    0.000f, /* mass */
    0.404f, /* pairs */
    0.079f, /* pair-mass */
    -1.594f, /* bias */
};
const float token_weights[TOKEN_FEATURES + 1] = {
    0.000f, /* absent */
    0.527f, /* alien */
    0.000f, /* outside */
    0.256f, /* left */
    0.088f, /* right */
    0.586f, /* around */
    0.094f, /* clause */
    0.297f, /* clause-triples */
    0.105f, /* sentence */
    1.971f, /* sentence-out */
    0.525f, /* figure */
    0.640f, /* name */
    0.433f, /* rare */
    -4.914f, /* bias */
};
double ground_score(const struct ground_result *r, const float *weights)
{
    double sum = weights[GROUND_FEATURES];
    for (int k = 0; k < GROUND_FEATURES; k++)
        sum += weights[k] * r->x[k];
    return 1 / (1 + exp(-sum));
}
