/* SPDX-License-Identifier: Apache-2.0
 *
 * tests: the examples inside the rules, each judged by its own rule alone. `expect` is the action that this rule brings
 * about; a condition that cannot be judged (say, a check without what it needs) brings about nothing: allow.
 */
#include "checks/ruleset/inside.h"
#include "base/parse.h"

static struct span header_of(void *context, const char *name)
{
    const struct yaml *headers = context;
    for (size_t i = 0; headers && i < headers->n; i++)
        if (span_is_nocase(headers->keys[i]->text, name))
            return headers->items[i]->text;
    return (struct span){ 0 };
}
static void rows_of(struct transcript *t, struct row *r, const struct yaml *map)
{
    double number;
    for (size_t i = 0; i < map->n; i++) {
        struct span name = map->keys[i]->text;
        const struct yaml *v = map->items[i];
        if (v->kind != YAML_SCALAR)
            row_missing(t, r, name);
        else if (!v->quoted && parse_double(v->text, &number))
            row_number(t, r, name, number);
        else
            row_category(t, r, name, v->text);
    }
}
static void fill(struct transcript *t, const struct rule_test *test)
{
    t->model = test->model;
    t->request_json = test->json;
    t->prompt_reading = t->answer_reading = READING_WHOLE;
    t->is_answer_whole = true;
    if (test->instructions.len)
        transcript_ask(t, ROLE_INSTRUCTIONS, PART_TEXT, 0, (struct span){ 0 }, test->instructions);
    if (test->context.len)
        transcript_ask(t, ROLE_CONTEXT, PART_DOCUMENT, 0, (struct span){ 0 }, test->context);
    if (test->has_prompt)
        transcript_ask(t, ROLE_USER, PART_TEXT, 0, (struct span){ 0 }, test->prompt);
    if (test->tool_result.len)
        transcript_ask(t, ROLE_TOOL, PART_TOOL_RESULT, 0, (struct span){ 0 }, test->tool_result);
    if (test->nanswers)
        for (size_t i = 0; i < test->nanswers; i++)
            transcript_say(t, (uint32_t)i, PART_TEXT, 0, (struct span){ 0 }, test->answers[i]);
    else if (test->has_answer)
        transcript_say(t, 0, PART_TEXT, 0, (struct span){ 0 }, test->answer);
    if (test->features)
        rows_of(t, transcript_input_row(t), test->features);
    if (test->predictions)
        rows_of(t, transcript_output_row(t), test->predictions);
}
/* At most 60 bytes of the text that the rule looks at, control characters shown as blanks. */
static const char *shorten(struct arena *a, const struct rule *r, const struct rule_test *test)
{
    struct span s = r->on == ON_PROMPT ? test->prompt : test->nanswers ? test->answers[0] : test->has_answer ? test->answer : test->prompt;
    if (!s.len)
        s = test->tool_result.len ? test->tool_result : test->context.len ? test->context : test->model.len ? test->model : test->json;
    bool cut = s.len > 60;
    size_t n = cut ? 57 : s.len;
    while (cut && n > 0 && ((unsigned char)s.at[n] & 0xc0) == 0x80)
        n--;
    char *text = arena_alloc_raw(a, n + 4);
    for (size_t i = 0; i < n; i++)
        text[i] = (unsigned char)s.at[i] < 0x20 || s.at[i] == 0x7f ? ' ' : s.at[i];
    memcpy(text + n, cut ? "…" : "", cut ? 4 : 1);
    return text;
}

size_t ruleset_test(const struct ruleset *rs, const struct check_env *env, void (*report)(void *context, const struct rule_test_result *r), void *context)
{
    size_t failed = 0;
    struct arena *a = arena_new(64 << 20);
    for (size_t i = 0; i < rs->n; i++) {
        const struct compiled *c = &rs->compiled[i];
        for (size_t k = 0; k < c->public->ntests; k++) {
            const struct rule_test *test = &c->tests[k];
            struct verdict v;
            struct rates *rates = rs->nrates ? rates_new() : NULL;
            for (unsigned n = 0; n < test->times; n++) {
                arena_reset(a);
                struct transcript *t = transcript_new(a, "plain");
                struct facts facts = { .route = test->route, .model = test->model, .caller = test->caller, .session = SPAN("test"), .method = SPAN("POST"),
                                       .header = header_of, .context = (void *)(uintptr_t)test->headers, .now_us = 1000000000, .rates = rates };
                fill(t, test);
                verdict_begin(&v);
                judge_side(rs, env, t, &facts, &v, ON_PROMPT, c);
                if (v.action < ACTION_BLOCK)
                    judge_side(rs, env, t, &facts, &v, ON_ANSWER, c);
            }
            rates_free(rates);
            struct rule_test_result result = { .rule = c->public, .line = test->at->line, .column = test->at->column, .passed = v.action == test->expect,
                                               .expected = action_names[test->expect], .got = action_names[v.action], .text = shorten(a, c->public, test) };
            failed += !result.passed;
            if (report)
                report(context, &result);
        }
    }
    arena_free(a);
    return failed;
}
