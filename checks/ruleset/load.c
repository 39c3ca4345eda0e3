/* SPDX-License-Identifier: Apache-2.0
 *
 * load: rule files into a ruleset. Reading goes on past each problem, so that all are said at once; a ruleset with an
 * error is never handed out. What is warned of is legal but surely not meant: rules that cannot fire or act, rules
 * without a test that shows what they leave alone.
 */
#include "checks/ruleset/inside.h"
#include "base/parse.h"
#include <dirent.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

const char *const action_names[ACTION_BLOCK + 1] = { "allow", "flag", "redact", "block" };
const char *const severity_names[SEVERITY_CRITICAL + 1] = { "low", "medium", "high", "critical" };

enum { RULESET_ARENA = 512 << 20, FILES_MOST = 1000, TESTS_MOST = 200, UNFOLDED_MOST = 10000, REFERENCES_DEEP = 64 };

/* ---- one test ---- */

static bool test_text(struct building *b, const struct yaml *map, const char *key, struct span *out, bool *has)
{
    const struct yaml *y = yaml_get(map, key);
    if (!y)
        return true;
    if (has)
        *has = true;
    if (y->kind == YAML_NOTHING) {
        *out = (struct span){ "", 0 };
        return true;
    }
    return yaml_text(y, key, out, b->t);
}
static void test_read(struct building *b, const struct compiled *c, const struct yaml *y, struct rule_test *test)
{
    static const char *const known[] = { "prompt", "answer", "instructions", "context", "tool_result", "model", "route", "caller", "json", "headers", "features",
                                         "predictions", "times", "expect" };
    *test = (struct rule_test){ .at = y, .times = 1 };
    if (y->kind != YAML_MAP) {
        yaml_trouble(b->t, y, "{answer: \"…\", expect: block}", "a test must be a map");
        return;
    }
    yaml_known_keys(y, known, sizeof known / sizeof *known, "a test", b->t);
    const struct yaml *answer = yaml_get(y, "answer"), *expect = yaml_get(y, "expect"), *times = yaml_get(y, "times");
    bool has_json = false;
    test_text(b, y, "prompt", &test->prompt, &test->has_prompt);
    test_text(b, y, "instructions", &test->instructions, NULL);
    test_text(b, y, "context", &test->context, NULL);
    test_text(b, y, "tool_result", &test->tool_result, NULL);
    test_text(b, y, "model", &test->model, NULL);
    test_text(b, y, "route", &test->route, NULL);
    test_text(b, y, "caller", &test->caller, NULL);
    test_text(b, y, "json", &test->json, &has_json);
    if (answer && answer->kind == YAML_LIST) {
        test->answers = arena_alloc(b->a, (answer->n + 1) * sizeof *test->answers);
        for (size_t i = 0; i < answer->n; i++)
            if (yaml_text(answer->items[i], "answer", &test->answers[test->nanswers], b->t))
                test->nanswers++;
        test->has_answer = true;
    } else {
        test_text(b, y, "answer", &test->answer, &test->has_answer);
    }
    static const char *const maps[] = { "headers", "features", "predictions" };
    const struct yaml **places[] = { &test->headers, &test->features, &test->predictions };
    for (size_t i = 0; i < 3; i++) {
        const struct yaml *map = yaml_get(y, maps[i]);
        if (map && map->kind != YAML_MAP)
            yaml_trouble(b->t, map, "{NAME: value}", "%s must be a map", maps[i]);
        else
            *places[i] = map;
    }
    uint64_t n = 1;
    if (times && yaml_u64(times, "times", 1, 10000, &n, b->t))
        test->times = (unsigned)n;
    size_t action = 0;
    if (!expect)
        yaml_trouble(b->t, y, "expect: allow, flag, redact or block", "a test must say what it expects");
    else if (yaml_word(expect, "expect", action_names, ACTION_BLOCK + 1, &action, b->t)) {
        test->expect = (enum action)action;
        if (action != ACTION_ALLOW && test->expect != c->public->action)
            yaml_trouble(b->t, expect, "a test judges by its own rule alone", "this rule's action is %s, so %s can never come", action_names[c->public->action],
                         action_names[action]);
    }
}

/* ---- warnings ---- */

static bool has_place(const struct condition *c, unsigned room)
{
    if (!room)
        return true;
    switch (c->kind) {
    case CONDITION_PATTERN: case CONDITION_WORDS: case CONDITION_CHECK: return true;
    case CONDITION_RULE: return !c->rule || has_place(c->rule->when, room - 1);
    case CONDITION_ALL: case CONDITION_ANY:
        for (size_t i = 0; i < c->n; i++)
            if (has_place(c->of[i], room - 1))
                return true;
        return false;
    default: return false;
    }
}
static void warn_of(struct building *b, const struct compiled *r, const struct condition *c)
{
    const unsigned answer_kinds = 1u << PART_TEXT | 1u << PART_TOOL_CALL | 1u << PART_REASONING | 1u << PART_REFUSAL | 1u << PART_OTHER;
    for (size_t i = 0; i < c->n; i++)
        warn_of(b, r, c->of[i]);
    if (c->on == ON_ANSWER && (c->roles || c->kinds) && !(c->roles & 1u << ROLE_ASSISTANT) && !(c->kinds & answer_kinds))
        trouble_warn(b->t, c->at->file, c->at->line, c->at->column, "answers have the role assistant and the kinds text, tool_call, reasoning, refusal",
                     "no part of an answer is of these: this can never hold");
    if (c->kind == CONDITION_FIELD && r->public->on == ON_PROMPT && !field_is_early(c->field) && c->field->kind != FIELD_UNREAD)
        trouble_warn(b->t, c->at->file, c->at->line, c->at->column, "use on: answer or on: exchange", "%s is not known before the answer: this can never hold for a prompt",
                     c->field->name);
}

/* ---- one rule ---- */

static bool id_is_fine(struct span id)
{
    if (!id.len || id.len > 64)
        return false;
    for (size_t i = 0; i < id.len; i++)
        if (!((id.at[i] >= '0' && id.at[i] <= '9') || ((id.at[i] | 32) >= 'a' && (id.at[i] | 32) <= 'z') || memchr("-_.", id.at[i], 3)))
            return false;
    return true;
}
static void message_read(struct building *b, struct compiled *c, const struct yaml *y)
{
    struct span s = { "", 0 };
    if (y->kind == YAML_MAP && y->n) {
        c->messages = y;
        for (size_t i = y->n; i > 0; i--) /* the first is the one that is shown */
            if (y->keys[i - 1]->text.len < 2 || y->keys[i - 1]->text.len > 8)
                yaml_trouble(b->t, y->keys[i - 1], "message: {fr: \"…\", en: \"…\"}", "'" SPAN_FMT "' is not a language", SPAN_ARG(y->keys[i - 1]->text));
            else if (!yaml_text(y->items[i - 1], "message", &s, b->t))
                return;
    } else if (!yaml_text(y, "message", &s, b->t)) {
        return;
    }
    if (s.len > 2000)
        yaml_trouble(b->t, y, "shorten it", "a message of more than 2000 bytes");
    else
        c->public->message = arena_text(b->a, s);
}
static bool list_is_texts(struct building *b, const struct yaml *y, const char *name)
{
    struct span s;
    if (y && y->kind == YAML_SCALAR)
        return true;
    if (y && y->kind != YAML_LIST) {
        yaml_trouble(b->t, y, "[one, another]", "%s must be a list of texts", name);
        return false;
    }
    for (size_t i = 0; y && i < y->n; i++)
        if (!yaml_text(y->items[i], name, &s, b->t))
            return false;
    return true;
}
/* when, but not where an exception holds */
static struct condition *exceptions_read(struct building *b, struct compiled *c, const struct yaml *y, struct condition *when)
{
    static const char *const known[] = { "when", "reason" };
    if (y->kind != YAML_LIST) {
        yaml_trouble(b->t, y, "exceptions: [{when: {…}, reason: \"…\"}]", "exceptions must be a list");
        return NULL;
    }
    struct condition *all = arena_alloc(b->a, sizeof *all);
    *all = (struct condition){ .kind = CONDITION_ALL, .at = y, .of = arena_alloc(b->a, (y->n + 1) * sizeof *all->of) };
    for (size_t i = 0; i < y->n; i++) {
        const struct yaml *item = y->items[i], *cond = yaml_get(item, "when"), *reason = yaml_get(item, "reason");
        if (item->kind != YAML_MAP || !cond || !reason || reason->kind != YAML_SCALAR) {
            yaml_trouble(b->t, item, "{when: {field: caller, is: tester}, reason: \"…\"}", "an exception needs when and reason");
            continue;
        }
        yaml_known_keys(item, known, 2, "an exception", b->t);
        struct condition *not = arena_alloc(b->a, sizeof *not);
        *not = (struct condition){ .kind = CONDITION_NOT, .at = item, .of = arena_alloc(b->a, sizeof *not->of), .n = 1 };
        if ((not->of[0] = condition_read(b, cond, c->public->on, false))) {
            not->on = not->of[0]->on;
            all->of[all->n++] = not;
            c->nexceptions++;
        }
    }
    if (!when)
        return NULL;
    all->of[all->n++] = when;
    all->on = when->on;
    for (size_t i = 0; i < all->n; i++)
        all->on |= all->of[i]->on;
    c->exceptions = y;
    return all;
}

static void rule_read(struct building *b, const struct yaml *y, const char *pack, unsigned version)
{
    static const char *const known[] = { "id", "on", "when", "action", "message", "severity", "description", "tests", "status", "tags", "references",
                                         "false_positives", "enabled", "exceptions" };
    static const char *const ons[] = { "prompt", "answer", "exchange" };
    static const char *const statuses[] = { "stable", "testing", "deprecated" };
    static const unsigned on_of[] = { ON_PROMPT, ON_ANSWER, ON_PROMPT | ON_ANSWER };
    if (y->kind != YAML_MAP) {
        yaml_trouble(b->t, y, "{id: …, on: …, when: …, action: …}", "a rule must be a map");
        return;
    }
    yaml_known_keys(y, known, sizeof known / sizeof *known, "a rule", b->t);
    struct rule *r = &b->rs->rules[b->rs->n];
    struct compiled *c = &b->rs->compiled[b->rs->n];
    *r = (struct rule){ .id = "", .pack = pack, .message = "", .description = "", .file = y->file, .when_text = "", .version = version, .line = y->line,
                        .column = y->column, .on = ON_ANSWER, .action = ACTION_FLAG, .severity = SEVERITY_MEDIUM };
    *c = (struct compiled){ .public = r, .at = y, .enabled = true, .status = "stable" };

    const struct yaml *id = yaml_get(y, "id"), *on = yaml_get(y, "on"), *when = yaml_get(y, "when"), *action = yaml_get(y, "action"), *v;
    struct span s;
    size_t w = 0;
    if (!id) {
        yaml_trouble(b->t, y, "id: no-promises", "a rule without an id");
    } else if (yaml_text(id, "id", &s, b->t)) {
        if (!id_is_fine(s))
            yaml_trouble(b->t, id, "letters, digits, - _ . and at most 64 of them", "'" SPAN_FMT "' cannot be an id", SPAN_ARG(s));
        r->id = arena_text(b->a, s);
    }
    if (!on)
        yaml_trouble(b->t, y, "on: prompt, answer or exchange", "the rule '%s' does not say what it looks at", r->id);
    else if (yaml_word(on, "on", ons, 3, &w, b->t))
        r->on = on_of[w];
    if (!action)
        yaml_trouble(b->t, y, "action: flag, redact or block", "the rule '%s' does not say what to do", r->id);
    else if (yaml_word(action, "action", action_names + 1, ACTION_BLOCK, &w, b->t))
        r->action = (enum action)(w + 1);
    if ((v = yaml_get(y, "message")))
        message_read(b, c, v);
    if ((v = yaml_get(y, "severity")) && yaml_word(v, "severity", severity_names, SEVERITY_CRITICAL + 1, &w, b->t))
        r->severity = (enum severity)w;
    if ((v = yaml_get(y, "status")) && yaml_word(v, "status", statuses, 3, &w, b->t))
        c->status = statuses[w];
    if ((v = yaml_get(y, "description")) && yaml_text(v, "description", &s, b->t))
        r->description = s.at;
    if ((v = yaml_get(y, "enabled")))
        yaml_bool(v, "enabled", &c->enabled, b->t);
    c->references = yaml_get(y, "references");
    c->tags = yaml_get(y, "tags");
    c->false_positives = yaml_get(y, "false_positives");
    list_is_texts(b, c->references, "references");
    list_is_texts(b, c->tags, "tags");
    list_is_texts(b, c->false_positives, "false_positives");

    if (!when)
        yaml_trouble(b->t, y, "when: {pattern: '…'}", "the rule '%s' does not say when", r->id);
    else
        c->when = condition_read(b, when, r->on, r->action >= ACTION_REDACT && (r->on & ON_ANSWER));
    if ((v = yaml_get(y, "exceptions")))
        c->when = exceptions_read(b, c, v, c->when);

    if ((v = yaml_get(y, "tests"))) {
        if (v->kind != YAML_LIST || v->n > TESTS_MOST) {
            yaml_trouble(b->t, v, "tests: [{answer: \"…\", expect: block}]", v->kind == YAML_LIST ? "too many tests" : "tests must be a list");
        } else {
            c->tests = arena_alloc(b->a, (v->n + 1) * sizeof *c->tests);
            for (size_t i = 0; i < v->n; i++)
                test_read(b, c, v->items[i], &c->tests[r->ntests++]);
        }
    }
    b->rs->n++;
}

/* ---- the whole ---- */

static struct compiled *find(const struct ruleset *rs, const char *id)
{
    for (size_t i = 0; i < rs->n; i++)
        if (strcmp(rs->rules[i].id, id) == 0)
            return &rs->compiled[i];
    return NULL;
}
static const char *nearest_id(const struct ruleset *rs, const char *id)
{
    static _Thread_local const char *ids[RULES_MOST];
    for (size_t i = 0; i < rs->n; i++)
        ids[i] = rs->rules[i].id;
    return nearest_word(span_of(id), ids, rs->n);
}
static void link_condition(struct building *b, struct condition *c)
{
    for (size_t i = 0; i < c->n; i++)
        link_condition(b, c->of[i]);
    const char *id = c->kind == CONDITION_RULE ? c->rule_id : c->kind == CONDITION_RATE ? c->rate->rule_id : NULL;
    if (!id)
        return;
    struct compiled *found = find(b->rs, id);
    if (!found) {
        const char *near = nearest_id(b->rs, id);
        char hint[120] = "";
        if (near)
            snprintf(hint, sizeof hint, "did you mean '%s'?", near);
        yaml_trouble(b->t, c->at, hint, "there is no rule '%.64s'", id);
    }
    if (c->kind == CONDITION_RULE)
        c->rule = found;
}
/* Depth first; a rule met again while it is open closes a circle. Rules that refer to rules twice each double at every step: everything that walks a
 * condition afterwards (judging too) walks it unfolded, so how far it unfolds is bounded here. */
static bool visit(struct building *b, struct compiled *r);
static bool visit_condition(struct building *b, struct compiled *of, struct condition *c)
{
    bool fine = true;
    unsigned on = c->n ? 0 : c->on;
    of->unfolded++;
    for (size_t i = 0; i < c->n; i++) {
        fine &= visit_condition(b, of, c->of[i]);
        on |= c->of[i]->on;
    }
    if (c->kind == CONDITION_RULE && c->rule) {
        if (c->rule->visiting == 1) {
            yaml_trouble(b->t, c->at, "let one of them stand on its own", "rules refer to each other in a circle");
            return false;
        }
        fine &= visit(b, c->rule);
        of->unfolded += c->rule->unfolded;
        of->height = c->rule->height >= of->height ? c->rule->height + 1 : of->height;
        if (fine && (of->unfolded > UNFOLDED_MOST || of->height > REFERENCES_DEEP)) {
            yaml_trouble(b->t, c->at, "let some of them stand on their own",
                         of->height > REFERENCES_DEEP ? "rules refer to each other too deeply" : "rules refer to rules so often that this one asks more than %d conditions", UNFOLDED_MOST);
            fine = false;
        }
        on = fine && c->rule->when ? c->rule->when->on : 0;
    }
    c->on = on;
    return fine;
}
static bool visit(struct building *b, struct compiled *r)
{
    if (r->visiting == 2 || !r->when)
        return !r->is_endless;
    r->visiting = 1;
    r->is_endless = !visit_condition(b, r, r->when);
    r->visiting = 2;
    return !r->is_endless;
}

static void checks_of(const struct condition *c, unsigned sides[3], bool with_rules)
{
    for (size_t i = 0; i < c->n; i++)
        checks_of(c->of[i], sides, with_rules);
    if (c->kind == CONDITION_RULE && c->rule && with_rules)
        checks_of(c->rule->when, sides, true);
    if (c->kind == CONDITION_CHECK) {
        if (c->on & ON_PROMPT)
            sides[ON_PROMPT] |= 1u << c->check;
        if (c->on & ON_ANSWER)
            sides[ON_ANSWER] |= 1u << c->check;
    }
}

static void text_set_finish(struct arena *a, struct text_set *s)
{
    size_t nrequired = 0, nbegins = 0;
    s->bits_words = (s->n + 63) / 64;
    for (size_t i = 0; i < s->n; i++) {
        nrequired += s->patterns[i]->required.n;
        nbegins += s->patterns[i]->begins.n;
    }
    struct automaton_literal *required = arena_alloc(a, (nrequired + 1) * sizeof *required), *begins = arena_alloc(a, (nbegins + 1) * sizeof *begins);
    nrequired = nbegins = 0;
    s->unconditional = arena_alloc(a, (s->bits_words + 1) * sizeof *s->unconditional);
    for (size_t i = 0; i < s->n; i++) {
        struct pattern *p = s->patterns[i];
        for (size_t k = 0; k < p->required.n; k++)
            required[nrequired++] = (struct automaton_literal){ p->required.list[k], p->id };
        for (size_t k = 0; k < p->begins.n; k++)
            begins[nbegins++] = (struct automaton_literal){ p->begins.list[k], p->id };
        if (!p->required.n)
            s->unconditional[i / 64] |= 1ull << i % 64;
    }
    s->required = automaton_new(a, required, nrequired);
    s->begins = automaton_new(a, begins, nbegins);
    for (size_t i = 0; i < s->n; i++) { /* where the table would be too large, patterns are tried everywhere */
        if (!s->required)
            s->unconditional[i / 64] |= 1ull << i % 64;
        if (!s->begins)
            s->patterns[i]->begins.n = 0;
    }
}

static void hash_tree(EVP_MD_CTX *h, const struct yaml *y)
{
    uint64_t head[2] = { (uint64_t)y->kind << 1 | y->quoted, y->kind == YAML_SCALAR ? y->text.len : y->n };
    EVP_DigestUpdate(h, head, sizeof head);
    if (y->kind == YAML_SCALAR)
        EVP_DigestUpdate(h, y->text.at, y->text.len);
    for (size_t i = 0; i < y->n; i++) {
        if (y->kind == YAML_MAP)
            hash_tree(h, y->keys[i]);
        hash_tree(h, y->items[i]);
    }
}

static void finish(struct building *b)
{
    struct ruleset *rs = b->rs;
    bool acyclic = true;
    for (size_t i = 0; i < rs->n; i++)
        if (rs->compiled[i].when)
            link_condition(b, rs->compiled[i].when);
    for (size_t i = 0; i < rs->n; i++)
        acyclic &= visit(b, &rs->compiled[i]);
    if (b->t->errors || !acyclic)
        return;
    text_set_finish(b->a, &rs->sets[FOLD_PATTERN]);
    text_set_finish(b->a, &rs->sets[FOLD_PLAIN]);
    struct buf told = { .cap = 4096 };
    for (size_t i = 0; i < rs->n; i++) {
        struct compiled *c = &rs->compiled[i];
        struct rule *r = c->public;
        buf_clear(&told);
        condition_tell(c->when, &told, 8);
        r->when_text = arena_text(b->a, buf_span(&told));
        warn_of(b, c, c->when);
        if (r->action == ACTION_REDACT && !has_place(c->when, 64))
            trouble_warn(b->t, r->file, r->line, r->column, "use flag or block, or add a pattern, words or check", "the rule '%s' has no text to redact: it can never act", r->id);
        unsigned allowed = 0;
        for (size_t k = 0; k < r->ntests; k++)
            allowed += c->tests[k].expect == ACTION_ALLOW;
        if (c->enabled && !allowed)
            trouble_warn(b->t, r->file, r->line, r->column, "add one with expect: allow", "the rule '%s' has no test that shows what it leaves alone", r->id);
        if (!c->enabled)
            continue;
        unsigned sides[3] = { 0 };
        checks_of(c->when, sides, true);
        rs->needs.checks |= sides[ON_PROMPT] | sides[ON_ANSWER];
        if (r->on == ON_PROMPT) {
            rs->checks[0] |= sides[ON_PROMPT];
            rs->needs.reads_prompt = true;
            rs->needs.acts_on_prompt |= r->action >= ACTION_REDACT;
            continue;
        }
        rs->exchange_checks |= sides[ON_PROMPT];
        rs->checks[1] |= sides[ON_ANSWER];
        rs->needs.reads_answer = true;
        rs->needs.reads_prompt |= r->on == (ON_PROMPT | ON_ANSWER) || (c->when->on & ON_PROMPT);
        if (r->action >= ACTION_REDACT) {
            rs->needs.acts_on_answer = true;
            c->streams = condition_streams(c->when);
            c->holds = !c->streams;
            rs->needs.holds_answer |= c->holds;
        }
    }
    buf_free(&told);
    for (size_t i = 0; i < rs->nrates; i++) {
        rs->counts_refusals |= rs->rates[i]->of == RATE_REFUSALS;
        rs->needs.reads_answer |= rs->rates[i]->of == RATE_REFUSALS;
    }
    if (rs->counts_refusals) /* a refusal in words counts like one that the API marks */
        if (check_index("refusal") < CHECKS) {
            rs->checks[1] |= 1u << check_index("refusal");
            rs->needs.checks |= 1u << check_index("refusal");
        }
}

static void file_read(struct building *b, const struct yaml *y)
{
    static const char *const known[] = { "pack", "version", "description", "rules" };
    if (y->kind == YAML_NOTHING) {
        trouble_warn(b->t, y->file, y->line, y->column, "write them below rules:", "there is no rule in this file");
        return;
    }
    if (y->kind != YAML_MAP) {
        yaml_trouble(b->t, y, "pack:, version:, rules:", "a rules file must be a map");
        return;
    }
    yaml_known_keys(y, known, 4, "a rules file", b->t);
    const struct yaml *pack = yaml_get(y, "pack"), *version = yaml_get(y, "version"), *rules = yaml_get(y, "rules"), *description = yaml_get(y, "description");
    struct span name = { "", 0 }, s;
    uint64_t n = 1;
    if (pack)
        yaml_text(pack, "pack", &name, b->t);
    if (version)
        yaml_u64(version, "version", 0, 1000000, &n, b->t);
    if (description)
        yaml_text(description, "description", &s, b->t);
    if (!rules || rules->kind == YAML_NOTHING || (rules->kind == YAML_LIST && !rules->n)) {
        trouble_warn(b->t, y->file, y->line, y->column, "write them below rules:", "there is no rule in this file");
        return;
    }
    if (rules->kind != YAML_LIST) {
        yaml_trouble(b->t, rules, "write - before each rule", "rules must be a list");
        return;
    }
    for (size_t i = 0; i < rules->n; i++)
        rule_read(b, rules->items[i], arena_text(b->a, name), (unsigned)n);
}

static struct ruleset *load(struct ruleset *rs, struct yaml **files, size_t nfiles, struct troubles *t, unsigned errors_before)
{
    struct building b = { .rs = rs, .a = rs->arena, .t = t };
    size_t n = 0;
    for (size_t i = 0; i < nfiles; i++) {
        const struct yaml *rules = yaml_get(files[i], "rules");
        n += rules ? rules->n : 0;
    }
    if (n > RULES_MOST) {
        trouble_add(t, NULL, 0, 0, "give routes rules of their own", "%zu rules; 4096 is the most", n);
        arena_free(rs->arena);
        return NULL;
    }
    rs->rules = arena_alloc(rs->arena, (n + 1) * sizeof *rs->rules);
    rs->compiled = arena_alloc(rs->arena, (n + 1) * sizeof *rs->compiled);
    EVP_MD_CTX *h = EVP_MD_CTX_new();
    unsigned char digest[32];
    if (!h || !EVP_DigestInit_ex(h, EVP_sha256(), NULL))
        abort();
    for (size_t i = 0; i < nfiles; i++) {
        file_read(&b, files[i]);
        hash_tree(h, files[i]);
    }
    EVP_DigestFinal_ex(h, digest, NULL);
    EVP_MD_CTX_free(h);
    for (size_t i = 0; i < sizeof digest; i++)
        snprintf(rs->hash + 2 * i, 3, "%02x", digest[i]);
    for (size_t i = 0; i < rs->n; i++)
        for (size_t k = 0; k < i && rs->rules[i].id[0]; k++)
            if (strcmp(rs->rules[i].id, rs->rules[k].id) == 0) {
                char hint[512];
                snprintf(hint, sizeof hint, "it stands already at %s:%u: rename one", rs->rules[k].file, rs->rules[k].line);
                trouble_add(t, rs->rules[i].file, rs->rules[i].line, rs->rules[i].column, hint, "the id '%s' is there twice", rs->rules[i].id);
                break;
            }
    b.t = t;
    if (t->errors == errors_before) {
        unsigned had = t->errors;
        t->errors = 0;
        finish(&b);
        t->errors += had;
    }
    if (t->errors != errors_before) {
        arena_free(rs->arena);
        return NULL;
    }
    return rs;
}
static struct ruleset *ruleset_new(void)
{
    struct arena *a = arena_new(RULESET_ARENA);
    struct ruleset *rs = arena_alloc(a, sizeof *rs);
    rs->arena = a;
    atomic_init(&rs->references, 1);
    return rs;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}
/* A folder's *.yaml files, sorted; or the file itself. */
static void expand(struct arena *a, const char *path, const char ***files, size_t *n, size_t *cap, struct troubles *t)
{
    struct stat st;
    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode)) {
        *ARENA_PUSH(a, *files, *n, *cap) = path; /* yaml_read says what is wrong with it */
        return;
    }
    DIR *d = opendir(path);
    if (!d) {
        trouble_add(t, path, 0, 0, "check its permissions", "cannot be opened: %s", strerror(errno));
        return;
    }
    size_t from = *n, len;
    for (struct dirent *e; (e = readdir(d));) {
        len = strlen(e->d_name);
        if (e->d_name[0] == '.' || len < 6 || !span_ends(span_of(e->d_name), ".yaml"))
            continue;
        if (*n >= FILES_MOST) {
            trouble_add(t, path, 0, 0, "join some", "more than 1000 rule files");
            break;
        }
        *ARENA_PUSH(a, *files, *n, *cap) = arena_printf(a, "%s%s%s", path, span_ends(span_of(path), "/") ? "" : "/", e->d_name).at;
    }
    closedir(d);
    if (*n > from)
        qsort(*files + from, *n - from, sizeof **files, by_name);
    else
        trouble_warn(t, path, 0, 0, "rule files end in .yaml", "there is no rule file in this folder");
}

struct ruleset *ruleset_load(const char *const *paths, size_t n, struct troubles *t)
{
    struct ruleset *rs = ruleset_new();
    const char **files = NULL;
    size_t nfiles = 0, cap = 0, nread = 0;
    unsigned errors = t->errors;
    for (size_t i = 0; i < n; i++)
        expand(rs->arena, paths[i], &files, &nfiles, &cap, t);
    struct yaml **trees = arena_alloc(rs->arena, (nfiles + 1) * sizeof *trees);
    for (size_t i = 0; i < nfiles; i++) {
        struct yaml *y = yaml_read(rs->arena, files[i], (struct span){ 0 }, false, t);
        if (y)
            trees[nread++] = y;
    }
    return load(rs, trees, nread, t, errors);
}
struct ruleset *ruleset_load_text(const char *name, struct span yaml, struct troubles *t)
{
    struct ruleset *rs = ruleset_new();
    unsigned errors = t->errors;
    struct yaml *y = yaml_read(rs->arena, name, yaml.at ? yaml : SPAN(""), false, t);
    return load(rs, &y, y ? 1 : 0, t, errors);
}
struct ruleset *ruleset_hold(struct ruleset *rs)
{
    atomic_fetch_add_explicit(&rs->references, 1, memory_order_relaxed);
    return rs;
}
void ruleset_release(struct ruleset *rs)
{
    if (rs && atomic_fetch_sub_explicit(&rs->references, 1, memory_order_acq_rel) == 1)
        arena_free(rs->arena);
}
size_t ruleset_rules(const struct ruleset *rs, const struct rule **rules)
{
    *rules = rs->rules;
    return rs->n;
}
const struct rule *ruleset_rule(const struct ruleset *rs, struct span id)
{
    for (size_t i = 0; i < rs->n; i++)
        if (span_is(id, rs->rules[i].id))
            return &rs->rules[i];
    return NULL;
}
const char *ruleset_hash(const struct ruleset *rs)
{
    return rs->hash;
}
struct ruleset_needs ruleset_needs(const struct ruleset *rs)
{
    return rs->needs;
}
