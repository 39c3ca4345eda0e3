/* SPDX-License-Identifier: Apache-2.0
 *
 * scope: what a route is for, compiled from what its owner wrote: a description and example prompts per intent. Trained
 * when the route loads (below a second for 15,000 examples); immutable afterwards and shared by threads.
 */
#ifndef CHECKS_SCOPE_H
#define CHECKS_SCOPE_H
#include "base/arena.h"

enum { SCOPE_INTENTS_MOST = 1000, SCOPE_EXAMPLES_MOST = 200000 };
struct scope_intent {
    struct span name;
    struct span *examples;
    size_t n;
};
struct scope_source {          /* what was written; only needed during scope_train */
    struct span name, description;
    struct scope_intent *intents;
    size_t nintents;
    struct span *out;          /* optional examples of what is outside */
    size_t nout;
    double false_alarms;       /* share of in-scope prompts that may be flagged; 0: 0.05 */
};
struct scope;
/* Copies what it needs. NULL: *why says what is missing (static). Freed by scope_free. */
struct scope *scope_train(const struct scope_source *s, const char **why);
void scope_free(struct scope *s);
struct span scope_name(const struct scope *s);
#endif
