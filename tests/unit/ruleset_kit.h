/* SPDX-License-Identifier: Apache-2.0
 * For the tests of checks/ruleset: a list of checks of their own stands in for checks/all.c, so that what is tested is the
 * ruleset and not what a real check happens to find. */
#ifndef TESTS_RULESET_KIT_H
#define TESTS_RULESET_KIT_H
#include "base/buf.h"
#include "checks/ruleset/ruleset.h"
#include <setjmp.h>
#include <time.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

/* ---- checks ---- */

/* digits: finds runs of exactly 4 digits, can settle. */
static bool kit_digit(char c)
{
    return c >= '0' && c <= '9';
}
static struct score digits_score(const struct check_env *env, struct transcript *t, enum side on, struct findings *out);
static size_t digits_settled(struct span text)
{
    size_t n = text.len;
    while (n > 0 && kit_digit(text.at[n - 1]))
        n--;
    return n;
}
static const struct check check_digits = { "digits", "four digits", ON_PROMPT | ON_ANSWER, digits_score, digits_settled };
static struct score digits_score(const struct check_env *env, struct transcript *t, enum side on, struct findings *out)
{
    size_t n;
    const struct part *parts = transcript_parts(t, on, &n);
    struct score s = { 0, NULL };
    (void)env;
    for (size_t p = 0; p < n; p++)
        for (size_t i = 0; i < parts[p].text.len;) {
            size_t from = i;
            while (i < parts[p].text.len && kit_digit(parts[p].text.at[i]))
                i++;
            if (i - from == 4) {
                finding_add(out, t, &check_digits, "pin", on, p, from, i, 0.9, "four digits");
                s.value = 0.9;
            }
            i += i == from;
        }
    return s;
}
/* refusal: whole answers only; "sorry" scores 0.8 and lists nothing. */
static struct score sorry_score(const struct check_env *env, struct transcript *t, enum side on, struct findings *out)
{
    size_t n;
    const struct part *parts = transcript_parts(t, on, &n);
    (void)env;
    (void)out;
    for (size_t p = 0; p < n; p++)
        if (span_find(parts[p].text, SPAN("sorry")))
            return (struct score){ 0.8, NULL };
    return (struct score){ 0.1, NULL };
}
static const struct check kit_refusal = { "refusal", "says sorry", ON_ANSWER, sorry_score, NULL };
static struct score scope_score(const struct check_env *env, struct transcript *t, enum side on, struct findings *out)
{
    (void)env;
    (void)t;
    (void)on;
    (void)out;
    return (struct score){ 0, "no scope" };
}
static const struct check kit_scope = { "scope", "never runs", ON_PROMPT, scope_score, NULL };

const struct check *const all_checks[] = { &kit_refusal, &kit_scope, &check_digits, NULL };
const struct check *check_by_name(struct span name)
{
    for (size_t i = 0; all_checks[i]; i++)
        if (span_is(name, all_checks[i]->name))
            return all_checks[i];
    return NULL;
}
void finding_add(struct findings *out, struct transcript *t, const struct check *c, const char *kind, enum side on, size_t part, size_t start, size_t end, double score,
                 const char *why, ...)
{
    if (out->n >= FINDINGS_MOST) {
        out->dropped++;
        return;
    }
    *ARENA_PUSH(t->arena, out->list, out->n, out->cap) = (struct finding){ c->name, kind, on, (uint32_t)part, (uint32_t)start, (uint32_t)end, score, why };
}

/* ---- rulesets and exchanges ---- */

struct kit {
    struct arena *a;
    struct troubles t;
    struct transcript *x;
    struct verdict v;
    struct facts facts;
    struct check_env env;
};
static inline struct kit *kit_new(void)
{
    struct kit *k = calloc(1, sizeof *k);
    k->a = arena_new(256 << 20);
    k->t.arena = k->a;
    k->x = transcript_new(k->a, "plain");
    k->x->prompt_reading = k->x->answer_reading = READING_WHOLE;
    verdict_begin(&k->v);
    return k;
}
static inline void kit_free(struct kit *k)
{
    arena_free(k->a);
    free(k);
}
static inline struct ruleset *kit_load(struct kit *k, const char *yaml)
{
    struct ruleset *rs = ruleset_load_text("rules.yaml", span_of(yaml), &k->t);
    if (!rs)
        troubles_print(&k->t, stderr);
    return rs;
}
/* Judges one exchange of one user turn and one answer; NULL: none. */
static inline enum action kit_judge(struct kit *k, const struct ruleset *rs, const char *prompt, const char *answer)
{
    k->x = transcript_new(k->a, "plain");
    k->x->prompt_reading = k->x->answer_reading = READING_WHOLE;
    verdict_begin(&k->v);
    if (prompt)
        transcript_ask(k->x, ROLE_USER, PART_TEXT, 0, (struct span){ 0 }, arena_copy(k->a, span_of(prompt)));
    judge_prompt(rs, &k->env, k->x, &k->facts, &k->v);
    if (answer)
        transcript_say(k->x, 0, PART_TEXT, 0, (struct span){ 0 }, span_of(answer));
    judge_answer(rs, &k->env, k->x, &k->facts, &k->v);
    return k->v.action;
}
#endif
