/* SPDX-License-Identifier: Apache-2.0
 * explain: a rule told in words, with what it costs and what it may hold. */
#include "checks/ruleset/inside.h"

static void indent(FILE *out, unsigned depth)
{
    fprintf(out, "  %*s", (int)(2 * depth), "");
}
static void put(FILE *out, struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.at[i] < 0x20 || s.at[i] == 0x7f)
            fprintf(out, "\\x%02x", (unsigned char)s.at[i]);
        else
            fputc(s.at[i], out);
}
static void tell_literals(FILE *out, const char *what, const struct literals *l)
{
    if (!l->n)
        return;
    fprintf(out, "%s ", what);
    for (size_t i = 0; i < l->n && i < 6; i++) {
        fputs(i ? ", '" : "'", out);
        put(out, l->list[i]);
        fputc('\'', out);
    }
    fputs(l->n > 6 ? ", …\n" : "\n", out);
}
/* Bytes a match can have, or 0: no bound. PCRE2 has no such answer; an unbounded quantifier in the source tells. */
static bool is_bounded(const struct pattern *p)
{
    for (size_t i = 0; i < p->source.len; i++) {
        if (p->source.at[i] == '\\') {
            i++;
            continue;
        }
        if (p->source.at[i] == '*' || p->source.at[i] == '+' || (p->source.at[i] == ',' && i + 1 < p->source.len && p->source.at[i + 1] == '}'))
            return i > 0 && p->source.at[i - 1] == '('; /* a verb, not a quantifier */
    }
    return true;
}
static void tell_pattern(FILE *out, const struct condition *c, const struct rule *rule, unsigned depth)
{
    const struct pattern *p = c->pattern;
    indent(out, depth + 1);
    if (p->required.n)
        tell_literals(out, "runs only where the text holds", &p->required);
    else
        fputs("no required literal: runs on every text (dearer)\n", out);
    if (rule->action >= ACTION_REDACT && (rule->on & ON_ANSWER) && (c->on & ON_ANSWER)) {
        indent(out, depth + 1);
        if (p->moves_start)
            fputs("in streams: \\K or a verb, so the whole answer is held\n", out);
        else if (p->begins.n)
            tell_literals(out, "in streams: tried only where a match can begin:", &p->begins);
        else
            fputs(p->has_first ? "in streams: tried at its possible first characters\n" : "in streams: tried at every delta (dearer)\n", out);
        if (!p->moves_start && c->kind == CONDITION_PATTERN) {
            indent(out, depth + 1);
            fputs(is_bounded(p) ? "holds back at most what one match can be long\n"
                                : "holds back from where a match may have begun until it ends or fails: an open * or + may hold long; bound it, {0,80}, to hold less\n", out);
        }
    }
    if (!p->has_jit) {
        indent(out, depth + 1);
        fputs("interpreted: this system lets no code be made at run time (slower)\n", out);
    }
}
static void tell(FILE *out, const struct condition *c, const struct rule *rule, unsigned depth)
{
    if (depth > 16)
        return;
    indent(out, depth);
    if (c->n) {
        fprintf(out, "%s:\n", c->kind == CONDITION_ALL ? "all of" : c->kind == CONDITION_ANY ? "any of" : "not");
        for (size_t i = 0; i < c->n; i++)
            tell(out, c->of[i], rule, depth + 1);
        return;
    }
    struct buf line = { .cap = 8192 };
    condition_tell(c, &line, 2);
    put(out, buf_span(&line));
    buf_free(&line);
    fprintf(out, "%s\n", c->on == ON_PROMPT ? "  (in the prompt)" : c->on == ON_ANSWER ? "  (in the answer)" : c->on ? "  (in both)" : "");
    if (c->pattern)
        tell_pattern(out, c, rule, depth);
    if (c->kind == CONDITION_CHECK && rule->action >= ACTION_REDACT && (c->on & ON_ANSWER) && (rule->on & ON_ANSWER)) {
        indent(out, depth + 1);
        fputs(condition_streams(c) ? "in streams: holds back what the check says may still become a finding\n" : "in streams: needs the whole answer, which is held\n", out);
    }
    if (c->kind == CONDITION_RULE && c->rule)
        tell(out, c->rule->when, rule, depth + 1);
}
static void tell_list(FILE *out, const char *what, const struct yaml *y)
{
    if (!y)
        return;
    fprintf(out, "%s", what);
    for (size_t i = 0; i < (y->kind == YAML_LIST ? y->n : 1); i++) {
        fputs(i ? ", " : " ", out);
        put(out, y->kind == YAML_LIST ? y->items[i]->text : y->text);
    }
    fputc('\n', out);
}

/* Patterns in common and an action at least as strong: the other speaks wherever this one does. */
static bool shadows(const struct compiled *other, const struct compiled *c)
{
    const struct condition *x = other->when, *y = c->when;
    bool same_place = other->enabled && (other->public->on & c->public->on) == c->public->on && other->public->action >= c->public->action;
    if (!same_place || x->kind != y->kind || (x->roles | x->kinds) != (y->roles | y->kinds))
        return false;
    switch (x->kind) {
    case CONDITION_PATTERN: return span_same(x->pattern->source, y->pattern->source);
    case CONDITION_WORDS:
        for (size_t i = 0; i < y->nwords; i++) {
            bool found = false;
            for (size_t k = 0; k < x->nwords && !found; k++)
                found = span_same(x->words[k], y->words[i]);
            if (!found)
                return false;
        }
        return true;
    case CONDITION_CHECK: return x->check == y->check && x->at_least <= y->at_least && !x->nfindings_of;
    default: return false;
    }
}

void ruleset_explain(const struct ruleset *rs, const struct rule *rule, FILE *out)
{
    const struct compiled *c = &rs->compiled[rule - rs->rules];
    static const char *const ons[] = { "", "prompt", "answer", "exchange (both)" };
    fprintf(out, "%s (pack %s, version %u, %s:%u)\n", rule->id, rule->pack[0] ? rule->pack : "none", rule->version, rule->file, rule->line);
    if (rule->description[0]) {
        fputs("  ", out);
        put(out, span_of(rule->description));
        fputc('\n', out);
    }
    fprintf(out, "on: %s   action: %s   severity: %s   status: %s%s\n", ons[rule->on], action_names[rule->action], severity_names[rule->severity], c->status,
            c->enabled ? "" : "   NOT ENABLED");
    if (rule->message[0]) {
        fputs("message: ", out);
        put(out, span_of(rule->message));
        fputc('\n', out);
    }
    for (size_t i = 1; c->messages && i < c->messages->n; i++) {
        fprintf(out, "message (%s): ", c->messages->keys[i]->text.at);
        put(out, c->messages->items[i]->text);
        fputc('\n', out);
    }
    tell_list(out, "tags:", c->tags);
    tell_list(out, "references:", c->references);
    tell_list(out, "known false positives:", c->false_positives);
    fputs("when:\n", out);
    tell(out, c->when, rule, 0);
    if (c->nexceptions)
        fprintf(out, "exceptions: %u\n", c->nexceptions);
    for (size_t i = 0; c->exceptions && i < c->exceptions->n; i++) {
        const struct yaml *reason = yaml_get(c->exceptions->items[i], "reason");
        fputs("  because ", out);
        put(out, reason ? reason->text : SPAN(""));
        fputc('\n', out);
    }
    if (rule->action >= ACTION_REDACT && (rule->on & ON_ANSWER))
        fprintf(out, "streams: %s\n", c->holds ? "this can only be judged on the whole answer: all of it is held until the end"
                                                : "judged while the answer grows: only what may still become a match is held");
    else if (rule->action >= ACTION_REDACT)
        fputs("prompts: judged before anything goes upstream\n", out);
    for (size_t i = 0; i < rs->n; i++)
        if (&rs->compiled[i] != c && shadows(&rs->compiled[i], c))
            fprintf(out, "shadowed by: %s, which speaks wherever this one does\n", rs->rules[i].id);
    fprintf(out, "tests: %u\n", rule->ntests);
}
