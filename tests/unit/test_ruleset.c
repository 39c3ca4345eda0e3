/* SPDX-License-Identifier: Apache-2.0 */
#include "ruleset_kit.h"
#include "checks/ruleset/pattern.h"

static bool says(const struct troubles *t, unsigned line, unsigned column, const char *what)
{
    for (unsigned i = 0; i < t->n; i++)
        if (t->list[i].line == line && (!column || t->list[i].column == column) && (strstr(t->list[i].what, what) || strstr(t->list[i].hint, what)))
            return true;
    fprintf(stderr, "nothing says '%s' at %u:%u\n", what, line, column);
    troubles_print(t, stderr);
    return false;
}

static void all_problems_at_once(void **state)
{
    (void)state;
    struct kit *k = kit_new();
    assert_null(ruleset_load_text("r.yaml", SPAN("pack: p\n"
                                                 "rules:\n"
                                                 "  - id: one\n"
                                                 "    on: answer\n"
                                                 "    wen: {pattern: 'a'}\n"
                                                 "    action: blok\n"
                                                 "  - id: two\n"
                                                 "    on: prompt\n"
                                                 "    when: {pattern: 'ab(c'}\n"
                                                 "    action: flag\n"
                                                 "  - id: two\n"
                                                 "    on: prompt\n"
                                                 "    when: {all: [{rule: on}, {field: modle, is: x}, {check: digitz}, {check: refusal}]}\n"
                                                 "    action: flag\n"
                                                 "  - id: 'bad id'\n"
                                                 "    on: prompt\n"
                                                 "    when: {pattern: 'x', words: [y]}\n"
                                                 "    action: flag\n"
                                                 "    tests: [{prompt: x, expect: block}]\n"),
                                  &k->t));
    assert_true(says(&k->t, 5, 5, "did you mean 'when'?"));
    assert_true(says(&k->t, 6, 13, "block"));
    assert_true(says(&k->t, 9, 26, "does not compile")); /* where the parenthesis is missed: behind the last character */
    assert_true(says(&k->t, 11, 5, "there twice"));
    assert_true(says(&k->t, 11, 5, "r.yaml:7"));
    assert_true(says(&k->t, 13, 0, "did you mean 'model'?"));
    assert_true(says(&k->t, 13, 0, "digits"));
    assert_true(says(&k->t, 13, 0, "does not look at the prompt"));
    assert_true(says(&k->t, 15, 0, "cannot be an id"));
    assert_true(says(&k->t, 17, 0, "here are 2"));
    assert_true(says(&k->t, 19, 0, "can never come"));
    kit_free(k);
}

static void circles_and_unknown_rules(void **state)
{
    (void)state;
    struct kit *k = kit_new();
    assert_null(ruleset_load_text("r.yaml", SPAN("rules:\n"
                                                 "- {id: a, on: prompt, when: {rule: b}, action: flag}\n"
                                                 "- {id: b, on: prompt, when: {not: {rule: a}}, action: flag}\n"
                                                 "- {id: c, on: prompt, when: {rule: bb}, action: flag}\n"),
                                  &k->t));
    assert_true(says(&k->t, 3, 0, "circle"));
    assert_true(says(&k->t, 4, 0, "did you mean 'b'?"));
    kit_free(k);
}

static void warnings_of_rules_that_cannot_work(void **state)
{
    (void)state;
    struct kit *k = kit_new();
    struct ruleset *rs = kit_load(k, "rules:\n"
                                     "- {id: a, on: prompt, when: {field: finish_reason, is: stop}, action: flag}\n"
                                     "- {id: b, on: answer, when: {field: model, is: x}, action: redact}\n"
                                     "- {id: c, on: answer, when: {pattern: 'x*', in: [user]}, action: flag}\n");
    assert_non_null(rs);
    assert_true(says(&k->t, 2, 0, "can never hold"));
    assert_true(says(&k->t, 3, 0, "can never act"));
    assert_true(says(&k->t, 4, 0, "nothing at all"));
    assert_true(says(&k->t, 4, 0, "no part of an answer"));
    assert_true(says(&k->t, 2, 0, "what it leaves alone"));
    assert_int_equal(k->t.errors, 0);
    ruleset_release(rs);
    kit_free(k);
}

static void patterns_see_the_folded_text_and_point_into_the_original(void **state)
{
    (void)state;
    struct kit *k = kit_new();
    struct ruleset *rs = kit_load(k, "rules:\n- {id: a, on: answer, when: {pattern: '(?i)\\bguaranteed returns?\\b'}, action: block}\n");
    assert_int_equal(kit_judge(k, rs, NULL, "These are Guaranteed Returns."), ACTION_BLOCK);
    assert_int_equal(k->v.findings.list[0].start, 10);
    assert_int_equal(k->v.findings.list[0].end, 28);
    assert_string_equal(k->v.rule->id, "a");
    const char *disguised = "so: gua\xe2\x80\x8branteed\xc2\xa0return now";
    assert_int_equal(kit_judge(k, rs, NULL, disguised), ACTION_BLOCK);
    assert_int_equal(k->v.findings.list[0].start, 4);
    assert_int_equal(k->v.findings.list[0].end, strlen(disguised) - 4);
    assert_int_equal(kit_judge(k, rs, NULL, "unguaranteed returnees"), ACTION_ALLOW);
    assert_int_equal(kit_judge(k, rs, "guaranteed returns", "no"), ACTION_ALLOW);
    assert_int_equal(kit_judge(k, rs, NULL, "\xc3\xa9guaranteed return"), ACTION_ALLOW); /* \b knows é for a letter */
    ruleset_release(rs);
    kit_free(k);
}

static void words_know_neither_case_nor_accents_but_boundaries(void **state)
{
    (void)state;
    struct kit *k = kit_new();
    struct ruleset *rs = kit_load(k, "rules:\n- {id: a, on: prompt, when: {words: [exec, 'mot de passe', C++, \xc3\xa9t\xc3\xa9]}, action: flag}\n");
    assert_int_equal(kit_judge(k, rs, "please EXEC this", NULL), ACTION_FLAG);
    assert_int_equal(kit_judge(k, rs, "an executive", NULL), ACTION_ALLOW);
    assert_int_equal(kit_judge(k, rs, "le MOT  de\npasse", NULL), ACTION_FLAG);
    assert_int_equal(kit_judge(k, rs, "in c++, say", NULL), ACTION_FLAG);
    assert_int_equal(kit_judge(k, rs, "cet ete", NULL), ACTION_FLAG);
    assert_int_equal(kit_judge(k, rs, "cet \xc3\x89T\xc3\x89!", NULL), ACTION_FLAG);
    assert_int_equal(kit_judge(k, rs, "\xc3\xa9t\xc3\xa9s", NULL), ACTION_ALLOW);
    assert_int_equal(kit_judge(k, rs, "\xd0\xb5xec it", NULL), ACTION_FLAG); /* a Cyrillic e */
    assert_string_equal(k->v.findings.list[0].check, "words");
    assert_int_equal(k->v.findings.list[0].start, 0);
    assert_int_equal(k->v.findings.list[0].end, 5);
    ruleset_release(rs);
    kit_free(k);
}

static void nests_negation_and_unknown(void **state)
{
    (void)state;
    struct kit *k = kit_new();
    struct ruleset *rs = kit_load(k, "rules:\n"
                                     "- id: a\n  on: answer\n  action: flag\n"
                                     "  when: {all: [{pattern: 'x'}, {not: {any: [{pattern: 'y'}, {words: [z]}]}}]}\n"
                                     "- {id: unknown, on: prompt, action: block, when: {check: scope}}\n"
                                     "- {id: not-unknown, on: prompt, action: block, when: {not: {check: scope}}}\n"
                                     "- {id: decided, on: prompt, action: flag, when: {any: [{check: scope}, {pattern: 'yes'}]}}\n");
    assert_int_equal(kit_judge(k, rs, "p", "x"), ACTION_FLAG);
    assert_int_equal(k->v.findings.n, 1);
    assert_int_equal(kit_judge(k, rs, "p", "x y"), ACTION_ALLOW);
    assert_int_equal(kit_judge(k, rs, "p", "x z"), ACTION_ALLOW);
    assert_int_equal(kit_judge(k, rs, "p", "w"), ACTION_ALLOW);
    assert_true(k->v.not_run >= 2);
    const char *why;
    assert_true(verdict_score(&k->v, 1, &why) == 0 && strcmp(why, "no scope") == 0);
    assert_int_equal(kit_judge(k, rs, "yes", NULL), ACTION_FLAG);
    ruleset_release(rs);
    kit_free(k);
}

static void checks_kinds_and_scores(void **state)
{
    (void)state;
    struct kit *k = kit_new();
    struct ruleset *rs = kit_load(k, "rules:\n"
                                     "- {id: pin, on: answer, action: redact, when: {check: digits, kind: [pin]}}\n"
                                     "- {id: other, on: answer, action: block, when: {check: digits, kind: [iban]}}\n"
                                     "- {id: sure, on: answer, action: block, when: {check: digits, at_least: 0.95}}\n"
                                     "- {id: sorry, on: answer, action: flag, when: {check: refusal, at_least: 0.7}}\n");
    assert_int_equal(kit_judge(k, rs, NULL, "code 1234 and 5678, not 123"), ACTION_REDACT);
    assert_int_equal(k->v.nredactions, 2);
    assert_int_equal(k->v.redactions[1].start, 14);
    assert_int_equal(k->v.redactions[1].end, 18);
    assert_true(span_is(k->v.redactions[1].with, "[PIN]"));
    assert_int_equal(kit_judge(k, rs, NULL, "so sorry"), ACTION_FLAG);
    assert_int_equal(k->v.nhits, 1);
    assert_int_equal(k->v.hits[0].findings, 1);
    assert_true(verdict_score(&k->v, 0, NULL) == 0.8);
    assert_true(verdict_score(&k->v, 1, NULL) == -1);
    ruleset_release(rs);
    kit_free(k);
}

static void redactions_merge(void **state)
{
    (void)state;
    struct kit *k = kit_new();
    struct ruleset *rs = kit_load(k, "rules:\n"
                                     "- {id: a, on: prompt, action: redact, when: {any: [{pattern: 'abc'}, {pattern: 'cde'}, {words: [zz]}]}}\n"
                                     "- {id: b, on: prompt, action: redact, when: {pattern: 'bcd'}}\n");
    assert_int_equal(kit_judge(k, rs, "xx abcde zz abc bcd", NULL), ACTION_REDACT);
    assert_int_equal(k->v.nredactions, 4);
    static const unsigned want[4][2] = { { 3, 8 }, { 9, 11 }, { 12, 15 }, { 16, 19 } };
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(k->v.redactions[i].start, want[i][0]);
        assert_int_equal(k->v.redactions[i].end, want[i][1]);
    }
    ruleset_release(rs);
    kit_free(k);
}

static struct span header(void *context, const char *name)
{
    (void)context;
    return strcasecmp(name, "User-Agent") == 0 ? SPAN("curl/8") : (struct span){ 0 };
}
static void fields(void **state)
{
    (void)state;
    static const struct {
        const char *condition;
        bool holds;
    } cases[] = {
        { "field: model, is: gpt-x", true }, { "field: model, in: [a, b]", false }, { "field: model, matches: '^gpt-'", true },
        { "field: temperature, more_than: 1", true }, { "field: temperature, at_most: 1", false }, { "field: json.a.b.1, is: two", true },
        { "field: json.a.b.*, is: one", true }, { "field: json.a.c, exists: false", true }, { "field: json.dup, is: 1", true }, { "field: json.dup, is: 2", true },
        { "field: header.user-agent, matches: 'curl'", true }, { "field: header.x-none, exists: true", false }, { "field: header.x-none, is_not: a", true },
        { "field: route, is: bank", true }, { "field: caller, not_in: [bob]", false }, { "field: feature.age, less_than: 18", true },
        { "field: feature.GENDER, exists: true", true }, { "field: feature.income, exists: false", true }, { "field: feature.income, exists: true", false },
        { "field: feature.age, is: 17", true }, { "field: stream, is: false", true }, { "field: max_tokens, exists: false", true },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct kit *k = kit_new();
        char yaml[256];
        snprintf(yaml, sizeof yaml, "rules:\n- {id: a, on: prompt, action: flag, when: {%s}}\n", cases[i].condition);
        struct ruleset *rs = kit_load(k, yaml);
        assert_non_null(rs);
        k->facts = (struct facts){ .route = SPAN("bank"), .caller = SPAN("bob"), .header = header };
        k->x->model = SPAN("gpt-x");
        k->x->request_json = SPAN("{\"temperature\": 1.5, \"a\": {\"b\": [\"one\", \"two\"]}, \"dup\": 1, \"dup\": 2}");
        struct row *r = transcript_input_row(k->x);
        row_number(k->x, r, SPAN("age"), 17);
        row_category(k->x, r, SPAN("gender"), SPAN("f"));
        row_missing(k->x, r, SPAN("income"));
        judge_prompt(rs, &k->env, k->x, &k->facts, &k->v);
        if ((k->v.action == ACTION_FLAG) != cases[i].holds)
            fprintf(stderr, "%s\n", cases[i].condition);
        assert_int_equal(k->v.action == ACTION_FLAG, cases[i].holds);
        ruleset_release(rs);
        kit_free(k);
    }
}

static void parts_are_chosen(void **state)
{
    (void)state;
    struct kit *k = kit_new();
    struct ruleset *rs = kit_load(k, "rules:\n- {id: a, on: prompt, action: flag, when: {pattern: 'evil', in: [tool_result, context]}}\n");
    transcript_ask(k->x, ROLE_USER, PART_TEXT, 0, (struct span){ 0 }, SPAN("evil"));
    judge_prompt(rs, &k->env, k->x, &k->facts, &k->v);
    assert_int_equal(k->v.action, ACTION_ALLOW);
    transcript_ask(k->x, ROLE_CONTEXT, PART_DOCUMENT, 0, (struct span){ 0 }, SPAN("so evil"));
    verdict_begin(&k->v);
    judge_prompt(rs, &k->env, k->x, &k->facts, &k->v);
    assert_int_equal(k->v.action, ACTION_FLAG);
    assert_int_equal(k->v.findings.list[0].part, 1);
    ruleset_release(rs);
    kit_free(k);
}

static void unread_bodies_do_not_pass_a_rule_that_acts(void **state)
{
    (void)state;
    struct kit *k = kit_new();
    struct ruleset *acts = kit_load(k, "rules:\n- {id: f, on: prompt, action: flag, when: {pattern: 'q'}}\n- {id: a, on: prompt, action: block, when: {pattern: 'evil'}}\n");
    struct ruleset *flags = kit_load(k, "rules:\n- {id: a, on: prompt, action: flag, when: {pattern: 'evil'}}\n");
    struct ruleset *elsewhere = kit_load(k, "rules:\n- {id: a, on: prompt, action: block, when: {all: [{field: route, is: other}, {pattern: 'evil'}]}}\n");
    k->x->prompt_reading = READING_UNREAD;
    k->x->unread_why = "not JSON";
    judge_prompt(acts, &k->env, k->x, &k->facts, &k->v);
    assert_int_equal(k->v.action, ACTION_BLOCK);
    assert_string_equal(k->v.rule->id, "a");
    assert_true(k->v.unread);
    verdict_begin(&k->v);
    judge_prompt(flags, &k->env, k->x, &k->facts, &k->v);
    assert_int_equal(k->v.action, ACTION_FLAG);
    assert_true(k->v.unread);
    verdict_begin(&k->v);
    judge_prompt(elsewhere, &k->env, k->x, &k->facts, &k->v);
    assert_int_equal(k->v.action, ACTION_ALLOW);
    ruleset_release(acts);
    ruleset_release(flags);
    ruleset_release(elsewhere);
    kit_free(k);
}

static void a_costly_pattern_blocks_or_is_counted(void **state)
{
    (void)state;
    struct kit *k = kit_new();
    struct ruleset *blocks = kit_load(k, "rules:\n- {id: a, on: prompt, action: block, when: {pattern: '(?:a|aa|a+)+$'}}\n");
    struct ruleset *flags = kit_load(k, "rules:\n- {id: a, on: prompt, action: flag, when: {pattern: '(?:a|aa|a+)+$'}}\n");
    char text[5001];
    memset(text, 'a', 5000);
    text[4999] = 'b';
    text[5000] = 0;
    assert_int_equal(kit_judge(k, blocks, text, NULL), ACTION_BLOCK);
    assert_string_equal(k->v.findings.list[0].kind, "costly");
    assert_int_equal(kit_judge(k, flags, text, NULL), ACTION_ALLOW);
    assert_true(k->v.not_run > 0);
    ruleset_release(blocks);
    ruleset_release(flags);
    /* each try is cheap, but there are as many as the text is long */
    struct ruleset *quadratic = kit_load(k, "rules:\n- {id: a, on: prompt, action: flag, when: {pattern: '[a-y]+@z'}}\n");
    char *large = malloc(2000001);
    memset(large, 'a', 2000000);
    memcpy(large + 1999998, "@y", 3);
    assert_int_equal(kit_judge(k, quadratic, large, NULL), ACTION_ALLOW);
    assert_true(k->v.not_run > 0);
    free(large);
    ruleset_release(quadratic);
    kit_free(k);
}

static void rates_count_by_key_and_forget(void **state)
{
    (void)state;
    struct kit *k = kit_new();
    struct ruleset *rs = kit_load(k, "rules:\n"
                                     "- {id: many, on: prompt, action: block, when: {rate: {of: requests, by: caller, over: 1m, more_than: 3}}}\n"
                                     "- {id: bad, on: prompt, action: flag, when: {pattern: 'bad'}}\n"
                                     "- {id: often-bad, on: prompt, action: block, when: {rate: {of: bad, by: caller, over: 1m, more_than: 1}}}\n"
                                     "- {id: refuses, on: prompt, action: block, when: {rate: {of: refusals, by: caller, over: 1m, more_than: 1}}}\n");
    k->facts = (struct facts){ .caller = SPAN("ann"), .now_us = 1000000000, .rates = rates_new() };
    for (int i = 0; i < 3; i++)
        assert_int_equal(kit_judge(k, rs, "p", "fine"), ACTION_ALLOW);
    assert_int_equal(kit_judge(k, rs, "p", "fine"), ACTION_BLOCK);
    k->facts.caller = SPAN("bob");
    assert_int_equal(kit_judge(k, rs, "bad", "fine"), ACTION_FLAG);
    assert_int_equal(kit_judge(k, rs, "bad", "fine"), ACTION_FLAG);
    assert_int_equal(kit_judge(k, rs, "good", "fine"), ACTION_BLOCK);
    assert_string_equal(k->v.rule->id, "often-bad");
    k->facts.caller = SPAN("cid");
    assert_int_equal(kit_judge(k, rs, "p", "sorry"), ACTION_ALLOW);
    assert_int_equal(kit_judge(k, rs, "p", "sorry"), ACTION_ALLOW);
    assert_int_equal(kit_judge(k, rs, "p", "x"), ACTION_BLOCK);
    assert_string_equal(k->v.rule->id, "refuses");
    k->facts.now_us += 61000000;
    assert_int_equal(kit_judge(k, rs, "p", "x"), ACTION_ALLOW);
    rates_free(k->facts.rates);
    k->facts.rates = NULL;
    assert_int_equal(kit_judge(k, rs, "p", "x"), ACTION_ALLOW);
    assert_true(k->v.not_run > 0);
    ruleset_release(rs);
    kit_free(k);
}

static void count_failed(void *context, const struct rule_test_result *r)
{
    *(unsigned *)context += !r->passed;
}
static void tests_inside_rules_run(void **state)
{
    (void)state;
    struct kit *k = kit_new();
    struct ruleset *rs = kit_load(k, "rules:\n"
                                     "- id: a\n  on: answer\n  action: block\n  when: {pattern: 'x'}\n"
                                     "  tests: [{answer: x, expect: block}, {answer: y, expect: allow}, {answer: y, expect: block}, {answer: [y, x], expect: block}]\n"
                                     "- id: b\n  on: prompt\n  action: flag\n  when: {rate: {of: requests, over: 1m, more_than: 2}}\n"
                                     "  tests: [{prompt: p, times: 3, expect: flag}, {prompt: p, times: 2, expect: allow}]\n");
    unsigned failed = 0;
    assert_int_equal(ruleset_test(rs, &k->env, count_failed, &failed), 1);
    assert_int_equal(failed, 1);
    ruleset_release(rs);
    kit_free(k);
}

static void needs_tell_what_is_looked_at(void **state)
{
    (void)state;
    struct kit *k = kit_new();
    struct ruleset *rs = kit_load(k, "rules:\n- {id: a, on: answer, action: block, when: {all: [{field: model, is: x}, {pattern: 'b'}]}}\n");
    assert_true(ruleset_needs(rs).acts_on_answer);
    assert_false(ruleset_needs(rs).holds_answer);
    assert_false(ruleset_needs(rs).acts_on_prompt);
    ruleset_release(rs);
    static const char *const holds[] = { "{all: [{pattern: 'x'}, {pattern: 'b'}]}", "{not: {pattern: 'b'}}", "{check: refusal}", "{field: finish_reason, is: stop}" };
    for (size_t i = 0; i < 4; i++) {
        char yaml[256];
        snprintf(yaml, sizeof yaml, "rules:\n- {id: a, on: answer, action: block, when: %s}\n", holds[i]);
        rs = kit_load(k, yaml);
        assert_true(ruleset_needs(rs).holds_answer);
        ruleset_release(rs);
    }
    rs = kit_load(k, "");
    assert_int_equal(ruleset_needs(rs).checks, 0);
    assert_int_equal(kit_judge(k, rs, "p", "a"), ACTION_ALLOW);
    ruleset_release(rs);
    kit_free(k);
}

/* With and without the prefilter: the same matches. */
static uint64_t seed = 88172645463325252ull;
static unsigned below(unsigned n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)(seed >> 33) % n;
}
static void random_pattern(struct buf *out, unsigned depth)
{
    static const char *const atoms[] = { "a", "b", "c", "ab", "B", "[ab]", "[^a]", ".", "\\b", "\\w", "\\d", "1", "-", "\\.", "(?=a)", "(?!b)", "(?<=c)", "^", "$", "\\x61",
                                         "\\s", " ", "\xc3\xa9", "[b-d]", "(?<!a)" };
    static const char *const repeats[] = { "", "", "", "?", "*", "+", "{2}", "{1,3}", "{0,2}?", "++", "*?" };
    unsigned n = 1 + below(4);
    for (unsigned i = 0; i < n; i++) {
        unsigned kind = below(depth ? 8 : 6);
        if (kind >= 6) {
            buf_add_text(out, kind == 6 ? "(?:" : "(");
            random_pattern(out, depth - 1);
            if (below(2)) {
                buf_add_char(out, '|');
                random_pattern(out, depth - 1);
            }
            buf_add_char(out, ')');
            buf_add_text(out, repeats[below(11)]);
        } else {
            const char *atom = atoms[below(25)];
            buf_add_text(out, atom);
            if (atom[0] != '^' && atom[0] != '$' && strcmp(atom, "\\b") != 0 && strncmp(atom, "(?", 2) != 0)
                buf_add_text(out, repeats[below(11)]);
        }
    }
}
static void the_prefilter_changes_nothing(void **state)
{
    (void)state;
    unsigned matches = 0, with_literal = 0;
    for (unsigned round = 0; round < 4000; round++) {
        struct kit *k = kit_new();
        struct buf source = { .cap = 4096 }, yaml = { .cap = 8192 };
        if (below(3) == 0)
            buf_add_text(&source, "(?i)");
        random_pattern(&source, 2);
        buf_add_text(&yaml, "rules:\n- {id: a, on: prompt, action: redact, when: {pattern: '");
        buf_add(&yaml, buf_span(&source));
        buf_add_text(&yaml, "'}}\n");
        struct ruleset *rs = ruleset_load_text("r", buf_span(&yaml), &k->t);
        struct pattern p;
        const char *what;
        size_t offset;
        bool fine = pattern_compile(k->a, &p, buf_span(&source), false, &what, &offset);
        assert_int_equal(fine, rs != NULL);
        with_literal += fine && p.required.n;
        for (unsigned n = 0; n < 6 && fine; n++) {
            char text[40];
            size_t len = 0;
            for (unsigned i = 0; i < 24; i++) {
                static const char *const pieces[] = { "a", "b", "c", "ab", "A", "B", "1", "-", ".", " ", "d", "aa", "\xc3\xa9", "\n" };
                const char *piece = pieces[below(n < 3 ? 12 : 14)];
                memcpy(text + len, piece, strlen(piece));
                len += strlen(piece);
                if (len > 36)
                    break;
            }
            text[len] = 0;
            kit_judge(k, rs, text, NULL);
            if (k->v.not_run) { /* too costly: blocked, nothing to compare */
                assert_int_equal(k->v.action, ACTION_BLOCK);
                continue;
            }
            size_t from = 0, start, end, i = 0;
            while (from < len && pattern_search(&p, (struct span){ text, len }, false, from, false, &start, &end) == SEARCH_MATCH) {
                if (i >= k->v.nredactions || k->v.redactions[i].start != start || k->v.redactions[i].end != end)
                    fprintf(stderr, "pattern %s text %s: [%zu, %zu)\n", source.bytes, text, start, end);
                assert_true(i < k->v.nredactions);
                assert_int_equal(k->v.redactions[i].start, start);
                assert_int_equal(k->v.redactions[i].end, end);
                from = end;
                i++;
                matches++;
            }
            if (i != k->v.nredactions)
                fprintf(stderr, "pattern %s text %s\n", source.bytes, text);
            assert_int_equal(i, k->v.nredactions);
        }
        ruleset_release(rs);
        buf_free(&source);
        buf_free(&yaml);
        kit_free(k);
    }
    assert_true(matches > 5000 && with_literal > 1000); /* or it proves nothing */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_problems_at_once),
        cmocka_unit_test(circles_and_unknown_rules),
        cmocka_unit_test(warnings_of_rules_that_cannot_work),
        cmocka_unit_test(patterns_see_the_folded_text_and_point_into_the_original),
        cmocka_unit_test(words_know_neither_case_nor_accents_but_boundaries),
        cmocka_unit_test(nests_negation_and_unknown),
        cmocka_unit_test(checks_kinds_and_scores),
        cmocka_unit_test(redactions_merge),
        cmocka_unit_test(fields),
        cmocka_unit_test(parts_are_chosen),
        cmocka_unit_test(unread_bodies_do_not_pass_a_rule_that_acts),
        cmocka_unit_test(a_costly_pattern_blocks_or_is_counted),
        cmocka_unit_test(rates_count_by_key_and_forget),
        cmocka_unit_test(tests_inside_rules_run),
        cmocka_unit_test(needs_tell_what_is_looked_at),
        cmocka_unit_test(the_prefilter_changes_nothing),
    };
    return cmocka_run_group_tests_name("ruleset", tests, NULL, NULL);
}
