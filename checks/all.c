/* SPDX-License-Identifier: Apache-2.0 */
#include "checks/check.h"

const struct check *const all_checks[CHECKS + 1] = {
    &check_refusal, &check_scope, &check_grounding, &check_pattern, &check_injection, &check_secrets, &check_pii, NULL,
};

const struct check *check_by_name(struct span name)
{
    for (size_t i = 0; all_checks[i]; i++)
        if (span_is(name, all_checks[i]->name))
            return all_checks[i];
    return NULL;
}

void finding_add(struct findings *out, struct transcript *t, const struct check *c, const char *kind, enum side on, size_t part,
                 size_t start, size_t end, double score, const char *why, ...)
{
    if (out->n >= FINDINGS_MOST) {
        out->dropped++;
        return;
    }
    va_list args;
    va_start(args, why);
    struct span sentence = arena_vprintf(t->arena, why, args);
    va_end(args);
    *ARENA_PUSH(t->arena, out->list, out->n, out->cap) = (struct finding){
        .check = c->name, .kind = kind, .on = on, .part = (uint32_t)part, .start = (uint32_t)start, .end = (uint32_t)end,
        .score = score, .why = sentence.at ? sentence.at : "",
    };
}
