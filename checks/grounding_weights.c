/* SPDX-License-Identifier: Apache-2.0
 * Learned by tools/eval_grounding --fit; see docs/checks/grounding.md. In the order of enum ground_feature and enum
 * token_feature, the bias last. */
#include "checks/grounding_parts.h"
#include <math.h>

const float ground_weights[GROUND_FEATURES + 1] = {
    0.573f, /* missing */
    0.596f, /* alien */
    0.338f, /* outside */
    0.933f, /* words */
    0.585f, /* triples */
    0.482f, /* clauses */
    1.413f, /* figures */
    0.645f, /* figures-share */
    0.691f, /* figures-moved */
    1.064f, /* names */
    1.046f, /* names-share */
    0.296f, /* names-moved */
    5.675f, /* attributes */
    6.782f, /* schedule */
    1.789f, /* open */
    0.493f, /* negation */
    2.446f, /* opposite */
    0.000f, /* mass */
    0.347f, /* pairs */
    0.000f, /* pair-mass */
    -1.494f, /* bias */
};
const float token_weights[TOKEN_FEATURES + 1] = {
    0.000f, /* absent */
    0.533f, /* alien */
    0.000f, /* outside */
    0.254f, /* left */
    0.086f, /* right */
    0.598f, /* around */
    0.082f, /* clause */
    0.290f, /* clause-triples */
    0.139f, /* sentence */
    1.936f, /* sentence-out */
    0.396f, /* figure */
    0.623f, /* name */
    0.424f, /* rare */
    -4.899f, /* bias */
};
double ground_score(const struct ground_result *r, const float *weights)
{
    double sum = weights[GROUND_FEATURES];
    for (int k = 0; k < GROUND_FEATURES; k++)
        sum += weights[k] * r->x[k];
    return 1 / (1 + exp(-sum));
}
