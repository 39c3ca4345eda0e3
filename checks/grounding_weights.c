/* SPDX-License-Identifier: Apache-2.0
 * Learned by tools/eval_grounding --fit (logistic regression, no weight below zero, every source counting the same);
 * see docs/checks/grounding.md. In the order of enum ground_feature, the bias last. */
#include "checks/grounding_parts.h"

const float ground_weights[GROUND_FEATURES + 1] = {
    2, 1, 1, 1, 1, 1, 1, 0.5f, 1, 0.3f, 0.5f, 0.7f, 1, -3.5f,
};
