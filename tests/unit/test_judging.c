/* SPDX-License-Identifier: Apache-2.0
 * pattern, scope and grounding: each says what is wrong, where, and stays silent on the sound twin. Own sentences. */
#include "checks/check.h"
#include "checks/scope.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static struct transcript *ask(struct arena *a, const char *context, const char *prompt, const char *answer)
{
    struct transcript *t = transcript_new(a, "plain");
    struct span none = { 0 };
    if (context)
        transcript_ask(t, ROLE_CONTEXT, PART_DOCUMENT, 0, none, span_of(context));
    transcript_ask(t, ROLE_USER, PART_TEXT, 0, none, span_of(prompt));
    if (answer)
        transcript_say(t, 0, PART_TEXT, 0, none, span_of(answer));
    return t;
}
static void pattern_case(const char *prompt, const char *answer, const char *kind, const char *where)
{
    struct arena *a = arena_new(1 << 24);
    struct transcript *t = ask(a, NULL, prompt, answer);
    struct findings f = { 0 };
    struct score s = check_pattern.score(&(struct check_env){ 0 }, t, ON_ANSWER, &f);
    assert_null(s.not_run);
    if (!kind)
        assert_true(s.value < 0.5);
    else {
        assert_true(s.value >= 0.5);
        bool found = false;
        for (size_t i = 0; i < f.n; i++)
            found |= strcmp(f.list[i].kind, kind) == 0
                     && span_same(span_cut(t->answer[0].text, f.list[i].start, f.list[i].end), span_of(where));
        assert_true(found);
    }
    arena_free(a);
}
static void test_pattern(void **state)
{
    (void)state;
    pattern_case("Sum?", "The bill: 12 + 30 = 52 in all.", "wrong-arithmetic", "12 + 30 = 52");
    pattern_case("Sum?", "The bill: 12 + 30 = 42 in all.", NULL, NULL);
    pattern_case("Quand ?", "Rendez-vous le lundi 2 janvier 2024.", "wrong-weekday", "lundi 2 janvier 2024");
    pattern_case("Quand ?", "Rendez-vous le mardi 2 janvier 2024.", NULL, NULL);
    pattern_case("Reply to Ann.", "Dear Ann, it ships on [DATE].", "placeholder", "[DATE]");
    pattern_case("Write a template.", "Dear [name], it ships on [date].", NULL, NULL);
}
/* What the API says of the end counts more than how the last sentence looks; an open fence or JSON is proof in any case. */
static void test_cut(void **state)
{
    (void)state;
    static const struct {
        const char *answer, *reason; /* NULL: not said */
        bool is_cut;
    } cases[] = {
        { "The tax is due at each stage. It is paid by the shop, and the last buyer of the", NULL, true },
        { "The tax is due at each stage. It is paid by the shop, and the last buyer of the", "length", true },
        { "The tax is due at each stage. It is paid by the shop, and the last buyer of the", "stop", false },
        { "The tax is due at each stage. It is paid by the shop and the buyer.", "max_tokens", true },
        { "The tax is due at each stage. It is paid by the shop and the buyer.", NULL, false },
        { "```sql\nSELECT name FROM orders GROUP", "stop", true },
        { "{\"name\": \"Ann\", \"items\": [\"tea\"", "end_turn", true },
        { "that is fun . i like the sea and all the small boats", NULL, false },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena *a = arena_new(1 << 24);
        struct transcript *t = ask(a, NULL, "Explain.", cases[i].answer);
        if (cases[i].reason)
            transcript_finish(t, 0, span_of(cases[i].reason));
        struct findings f = { 0 };
        double value = check_pattern.score(&(struct check_env){ 0 }, t, ON_ANSWER, &f).value;
        if ((value >= 0.5) != cases[i].is_cut)
            fail_msg("%.2f: %s (%s)", value, cases[i].answer, cases[i].reason ? cases[i].reason : "not said");
        arena_free(a);
    }
}
static void test_grounding(void **state)
{
    (void)state;
    struct arena *a = arena_new(1 << 24);
    const char *context = "The harbour of Brill handled 3.8 million tonnes of grain in 2021. Its director is Ada Holm.";
    struct findings f = { 0 }, g = { 0 };
    struct check_env env = { 0 };
    struct score good = check_grounding.score(&env, ask(a, context, "How much?", "Brill handled 3,800,000 tonnes of grain in 2021."), ON_ANSWER, &f);
    struct score bad = check_grounding.score(&env, ask(a, context, "How much?", "Quarx Vond sold 9.4 million barrels of cider in 1987."), ON_ANSWER, &g);
    assert_true(good.value < 0.5 && bad.value >= 0.5 && g.n > 0);
    assert_string_equal(check_grounding.score(&env, ask(a, NULL, "How much?", "Nine."), ON_ANSWER, &f).not_run, "no context");
    arena_free(a);
}
static void test_scope(void **state)
{
    (void)state;
    struct span open[] = { SPAN("when do you open"), SPAN("what are your opening hours"), SPAN("are you open on sunday"), SPAN("when do you close today"), SPAN("opening times on monday") };
    struct span fine[] = { SPAN("i have a fine for a late book"), SPAN("how much is the fine"), SPAN("pay my late fee"), SPAN("why was i fined for this book"), SPAN("late book fee") };
    struct scope_intent intents[] = { { SPAN("hours"), open, 5 }, { SPAN("fines"), fine, 5 } };
    struct scope_source source = { .name = SPAN("library"), .intents = intents, .nintents = 2 };
    const char *why;
    struct scope *s = scope_train(&source, &why);
    assert_non_null(s);
    struct arena *a = arena_new(1 << 24);
    struct findings f = { 0 };
    struct check_env env = { .scope = s }, none = { 0 };
    double in = check_scope.score(&env, ask(a, NULL, "when do you open on monday", NULL), ON_PROMPT, &f).value;
    double out = check_scope.score(&env, ask(a, NULL, "write a python program that sorts integers", NULL), ON_PROMPT, &f).value;
    assert_true(in < out && out >= 0.5);
    assert_non_null(check_scope.score(&none, ask(a, NULL, "hello", NULL), ON_PROMPT, &f).not_run);
    source.nintents = 0;
    assert_null(scope_train(&source, &why));
    assert_non_null(why);
    scope_free(s);
    arena_free(a);
}
int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_pattern), cmocka_unit_test(test_cut), cmocka_unit_test(test_grounding), cmocka_unit_test(test_scope) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
