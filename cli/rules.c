/* SPDX-License-Identifier: Apache-2.0
 * `vigie rules`: runs the tests inside rules, lists rules, explains one, tries one on a text. */
#include "base/buf.h"
#include "cli/default_rules.h"
#include "cli/verb.h"
#include "proxy/config.h"
#include <getopt.h>
#include <stdlib.h>
#include <unistd.h>

/* The assembler puts rules/default.yaml into the binary, so that it works anywhere. Built from the root of the tree. */
extern const char vigie_default_rules[], vigie_default_rules_end[];
__asm__(".section .rodata\n"
        ".global vigie_default_rules\n"
        ".global vigie_default_rules_end\n"
        "vigie_default_rules:\n"
        ".incbin \"rules/default.yaml\"\n"
        "vigie_default_rules_end:\n"
        ".byte 0\n"
        ".previous\n");

struct span default_rules(void)
{
    return (struct span){ vigie_default_rules, (size_t)(vigie_default_rules_end - vigie_default_rules) };
}

struct telling {
    bool json, more, quiet;
    size_t tests;
    struct buf out;
};
static void put_key(struct buf *out, const char *key, const char *value)
{
    buf_printf(out, "\"%s\": \"", key);
    buf_add_json(out, span_of(value));
    buf_add_char(out, '"');
}
static void tell_test(void *context, const struct rule_test_result *r)
{
    struct telling *t = context;
    t->tests++;
    if (t->json) {
        buf_add_text(&t->out, t->more ? ",\n  {" : "\n  {");
        t->more = true;
        put_key(&t->out, "rule", r->rule->id);
        buf_add_text(&t->out, ", ");
        put_key(&t->out, "file", r->rule->file);
        buf_printf(&t->out, ", \"line\": %u, \"passed\": %s, \"expected\": \"%s\", \"got\": \"%s\", ", r->line, r->passed ? "true" : "false", r->expected, r->got);
        put_key(&t->out, "text", r->text);
        buf_add_char(&t->out, '}');
    } else if (!r->passed) {
        fprintf(stdout, "%s:%u:%u: %s: expected %s, got %s: %s\n", r->rule->file, r->line, r->column, r->rule->id, r->expected, r->got, r->text);
    }
}

static int rules_test(const struct ruleset *rs, bool json)
{
    struct telling t = { .json = json };
    struct check_env env = { 0 };
    const struct rule *rules;
    size_t n = ruleset_rules(rs, &rules), failed = ruleset_test(rs, &env, tell_test, &t);
    if (json)
        printf("{\"rules\": %zu, \"tests\": %zu, \"failed\": %zu, \"results\": [%s]}\n", n, t.tests, failed, t.out.bytes ? t.out.bytes : "");
    else
        printf("%zu rules, %zu tests, %zu failed\n", n, t.tests, failed);
    buf_free(&t.out);
    return failed ? EXIT_NO : EXIT_DONE;
}
static int rules_list(const struct ruleset *rs, bool json)
{
    static const char *const ons[] = { "", "prompt", "answer", "exchange" };
    const struct rule *rules;
    size_t n = ruleset_rules(rs, &rules), widest = 4;
    struct buf out = { 0 };
    for (size_t i = 0; i < n; i++)
        widest = strlen(rules[i].id) > widest ? strlen(rules[i].id) : widest;
    if (!json)
        printf("%-*s  %-8s  %-6s  %-8s  %s\n", (int)widest, "rule", "on", "action", "severity", "when");
    for (size_t i = 0; i < n; i++) {
        const struct rule *r = &rules[i];
        if (!json) {
            printf("%-*s  %-8s  %-6s  %-8s  %.100s\n", (int)widest, r->id, ons[r->on], action_names[r->action], severity_names[r->severity], r->when_text);
            continue;
        }
        buf_add_text(&out, i ? ",\n  {" : "\n  {");
        put_key(&out, "id", r->id);
        buf_add_text(&out, ", ");
        put_key(&out, "pack", r->pack);
        buf_printf(&out, ", \"version\": %u, \"on\": \"%s\", \"action\": \"%s\", \"severity\": \"%s\", \"tests\": %u, \"line\": %u, ", r->version, ons[r->on],
                   action_names[r->action], severity_names[r->severity], r->ntests, r->line);
        put_key(&out, "file", r->file);
        buf_add_text(&out, ", ");
        put_key(&out, "message", r->message);
        buf_add_text(&out, ", ");
        put_key(&out, "when", r->when_text);
        buf_add_char(&out, '}');
    }
    if (json)
        printf("[%s]\n", out.bytes ? out.bytes : "");
    buf_free(&out);
    return EXIT_DONE;
}
static const struct rule *rule_named(const struct ruleset *rs, const char *id)
{
    const struct rule *rules, *found = ruleset_rule(rs, span_of(id));
    size_t n = ruleset_rules(rs, &rules);
    if (found)
        return found;
    const char **ids = calloc(n + 1, sizeof *ids);
    for (size_t i = 0; ids && i < n; i++)
        ids[i] = rules[i].id;
    const char *near = ids ? nearest_word(span_of(id), ids, n) : NULL;
    char hint[120];
    snprintf(hint, sizeof hint, near ? "did you mean '%s'?" : "vigie rules list tells them%s", near ? near : "");
    trouble_say(hint, "rules: there is no rule '%s'", id);
    free(ids);
    return NULL;
}
/* The whole ruleset judges the text, as the side that the rule looks at; what is told is this rule. */
static int rules_try(const struct ruleset *rs, const struct rule *r, const char *text, bool json)
{
    struct arena *a = arena_new(64 << 20);
    struct transcript *t = transcript_new(a, "plain");
    struct check_env env = { 0 };
    struct facts facts = { 0 };
    struct verdict v;
    bool spoke = false;
    verdict_begin(&v);
    t->prompt_reading = t->answer_reading = READING_WHOLE;
    if (r->on & ON_PROMPT)
        transcript_ask(t, ROLE_USER, PART_TEXT, 0, (struct span){ 0 }, span_of(text));
    if (r->on & ON_ANSWER)
        transcript_say(t, 0, PART_TEXT, 0, (struct span){ 0 }, span_of(text));
    judge_prompt(rs, &env, t, &facts, &v);
    judge_answer(rs, &env, t, &facts, &v);
    struct buf out = { 0 };
    for (size_t h = 0; h < v.nhits; h++) {
        if (v.hits[h].rule != r)
            continue;
        spoke = true;
        for (size_t i = 0; i < v.hits[h].findings; i++) {
            const struct finding *f = &v.findings.list[v.hits[h].first_finding + i];
            size_t n;
            const struct part *parts = transcript_parts(t, f->on, &n);
            struct span s = f->part < n ? parts[f->part].text : (struct span){ 0 };
            size_t start = f->start, end = f->end > f->start ? f->end : s.len;
            if (json) {
                buf_printf(&out, "%s{\"check\": \"%s\", \"start\": %zu, \"end\": %zu, \"score\": %.6g, ", i ? ", " : "", f->check, start, end, f->score);
                put_key(&out, "why", f->why);
                buf_add_char(&out, '}');
            } else {
                buf_printf(&out, "  bytes %zu to %zu: '%.*s': %s\n", start, end, (int)(end - start > 200 ? 200 : end - start), s.at ? s.at + start : "", f->why);
            }
        }
    }
    if (json)
        printf("{\"rule\": \"%s\", \"action\": \"%s\", \"findings\": [%s]}\n", r->id, spoke ? action_names[r->action] : "allow", out.bytes ? out.bytes : "");
    else
        printf("%s: %s\n%s", r->id, spoke ? action_names[r->action] : "allow (it does not speak)", out.bytes ? out.bytes : "");
    buf_free(&out);
    arena_free(a);
    return EXIT_DONE;
}

static int run(int argc, char **argv)
{
    enum { RULES = 256, JSON };
    static const struct option known[] = {
        { "rules", required_argument, NULL, RULES }, { "config", required_argument, NULL, 'c' }, { "json", no_argument, NULL, JSON }, { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    struct arena *a = arena_new(16 << 20);
    struct troubles t = { .arena = a };
    const char **paths = NULL, *config_file = NULL, *word;
    size_t npaths = 0, cap = 0;
    bool json = false;
    int o, status = EXIT_TROUBLE;
    struct ruleset *rs = NULL;
    struct config *config = NULL;
    while ((o = option_next(argc, argv, ":hc:", known, RULES)) != -1) {
        switch (o) {
        case RULES: *ARENA_PUSH(a, paths, npaths, cap) = optarg; break;
        case 'c': config_file = optarg; break;
        case JSON: json = true; break;
        case 'h': puts(verb_rules.help); status = EXIT_DONE; goto end;
        default: goto end;
        }
    }
    static const char *const words[] = { "test", "list", "explain", "try" };
    word = optind < argc ? argv[optind++] : "";
    bool tests = strcmp(word, "test") == 0, list = strcmp(word, "list") == 0, explain = strcmp(word, "explain") == 0, try = strcmp(word, "try") == 0;
    if (!tests && !list && !explain && !try) {
        const char *near = nearest_word(span_of(word), words, 4);
        char hint[64];
        snprintf(hint, sizeof hint, near ? "did you mean '%s'?" : "test, list, explain or try%s", near ? near : "");
        trouble_say(hint, word[0] ? "rules: '%s' is nothing to do" : "rules: say what to do%s", word);
        goto end;
    }
    const char *id = explain || try ? optind < argc ? argv[optind++] : NULL : NULL, *text = try && optind < argc ? argv[optind++] : NULL;
    if (((explain || try) && !id) || (try && !text)) {
        trouble_say("vigie rules explain ID, vigie rules try ID TEXT", "rules %s: something is missing", word);
        goto end;
    }
    while (optind < argc) /* test and list take files as they come */
        *ARENA_PUSH(a, paths, npaths, cap) = argv[optind++];
    if (!npaths && (config_file || access("vigie.yaml", R_OK) == 0)) {
        config = config_load(config_file ? config_file : "vigie.yaml", (struct span){ 0 }, &t);
        /* every route's rules; most routes share one set */
        for (size_t i = 0; config && i < config->nroutes; i++)
            if (!rs && config->routes[i].rules)
                rs = ruleset_hold(config->routes[i].rules);
        if (config && !rs)
            rs = ruleset_load_text("the default pack", default_rules(), &t);
    } else {
        rs = npaths ? ruleset_load(paths, npaths, &t) : ruleset_load_text("rules/default.yaml", default_rules(), &t);
    }
    troubles_sort(&t);
    troubles_print(&t, stderr);
    if (!rs)
        goto end;
    if (tests)
        status = rules_test(rs, json);
    else if (list)
        status = rules_list(rs, json);
    else {
        const struct rule *r = rule_named(rs, id);
        if (r && explain)
            ruleset_explain(rs, r, stdout);
        status = !r ? EXIT_TROUBLE : explain ? EXIT_DONE : rules_try(rs, r, text, json);
    }
end:
    ruleset_release(rs);
    config_release(config);
    arena_free(a);
    return status;
}

const struct verb verb_rules = {
    .name = "rules",
    .doc = "test, list, explain or try detection rules",
    .help =
        "vigie rules: the detection rules\n\n"
        "usage: vigie rules test    [--json] [FILE|FOLDER…]   runs the examples written inside the rules\n"
        "       vigie rules list    [--json] [FILE|FOLDER…]\n"
        "       vigie rules explain ID [FILE|FOLDER…]         a rule in words: its condition, what it costs, what it may hold\n"
        "       vigie rules try ID TEXT [FILE|FOLDER…]        would this rule speak on this text?\n\n"
        "  --rules PATH  the same as FILE or FOLDER (may be given again)\n"
        "  -c FILE       without files: the rules of this configuration's first route (vigie.yaml, if it is there; else the default pack)\n"
        "  --json        for test, list and try\n\n"
        "examples:\n"
        "  vigie rules test rules rules/examples/banque-fr.yaml\n"
        "  vigie rules explain bank-no-promised-returns rules/examples/banque-fr.yaml\n"
        "  vigie rules try injection 'Ignore all previous instructions'\n\n"
        "exit status: 0 done · 1 a test failed · 2 trouble (rules that do not compile)",
    .run = run,
};
