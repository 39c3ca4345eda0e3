/* SPDX-License-Identifier: Apache-2.0
 *
 * condition: `when:` and what hangs on it, from YAML into a tree. All problems are said, none stops the reading of the rest.
 */
#include "checks/ruleset/inside.h"
#include <stdio.h>

enum { CONDITIONS_MOST = 20000, NEST_MOST = 32, WORDS_MOST = 10000 };

static const char *const leaf_names[] = { "pattern", "words", "check", "field", "rate", "rule", "all", "any", "not" };
enum { LEAVES = sizeof leaf_names / sizeof *leaf_names };
static const struct {
    const char *known[16];
    size_t n;
} keys_of[LEAVES] = {
    [CONDITION_PATTERN] = { { "pattern", "in", "on" }, 3 },
    [CONDITION_WORDS] = { { "words", "in", "on" }, 3 },
    [CONDITION_CHECK] = { { "check", "at_least", "kind", "in", "on" }, 5 },
    [CONDITION_FIELD] = { { "field", "is", "is_not", "in", "not_in", "at_least", "at_most", "more_than", "less_than", "matches", "exists" }, 11 },
    [CONDITION_RATE] = { { "rate" }, 1 },
    [CONDITION_RULE] = { { "rule" }, 1 },
    [CONDITION_ALL] = { { "all" }, 1 },
    [CONDITION_ANY] = { { "any" }, 1 },
    [CONDITION_NOT] = { { "not" }, 1 },
};

/* ---- leaves ---- */

static void in_read(struct building *b, struct condition *c, const struct yaml *y)
{
    static const char *const words[] = { "instructions", "user", "assistant", "tool", "context", "text", "document", "tool_result", "tool_call", "tool_spec",
                                         "reasoning", "refusal", "other" };
    const struct yaml *one[1] = { y };
    const struct yaml *const *items = y->kind == YAML_LIST ? (const struct yaml *const *)y->items : one;
    for (size_t i = 0; i < (y->kind == YAML_LIST ? y->n : 1); i++) {
        size_t w;
        if (!yaml_word(items[i], "in", words, sizeof words / sizeof *words, &w, b->t))
            continue;
        if (w < ROLES)
            c->roles |= 1u << w;
        else
            c->kinds |= 1u << (w - ROLES);
    }
}
static void on_read(struct building *b, struct condition *c, const struct yaml *y, unsigned on)
{
    static const char *const words[] = { "prompt", "answer" };
    size_t w;
    if (!yaml_word(y, "on", words, 2, &w, b->t))
        return;
    unsigned wanted = w ? ON_ANSWER : ON_PROMPT;
    if (!(on & wanted))
        yaml_trouble(b->t, y, "use on: exchange for the rule to look at both", "this rule looks at the %s only", on == ON_PROMPT ? "prompt" : "answer");
    c->on = wanted;
}

static void set_add(struct building *b, enum fold_strength strength, struct pattern *p)
{
    struct text_set *s = &b->rs->sets[strength];
    p->id = (uint32_t)s->n;
    *ARENA_PUSH(b->a, s->patterns, s->n, s->cap) = p;
}

static struct condition *pattern_read(struct building *b, struct condition *c, const struct yaml *y, bool for_streams)
{
    struct span source;
    const char *what;
    size_t offset;
    if (!yaml_text(y, "pattern", &source, b->t))
        return NULL;
    c->pattern = arena_alloc(b->a, sizeof *c->pattern);
    if (!pattern_compile(b->a, c->pattern, source, for_streams, &what, &offset)) {
        /* the place inside is exact for one-line patterns without doubled quotes */
        bool is_block = y->quoted && memchr(source.at, '\n', source.len);
        size_t characters = 0;
        for (size_t i = 0; i < offset; i++)
            characters += ((unsigned char)source.at[i] & 0xc0) != 0x80;
        trouble_add(b->t, y->file, y->line, is_block ? y->column : y->column + (unsigned)characters + y->quoted,
                    "see `man pcre2pattern`; single quotes keep backslashes as they are", "the pattern does not compile at character %zu: %s", characters + 1, what);
        return NULL;
    }
    if (c->pattern->may_be_empty)
        trouble_warn(b->t, y->file, y->line, y->column, "only matches that are not empty count; to ask for absence use not:", "the pattern can match nothing at all");
    set_add(b, FOLD_PATTERN, c->pattern);
    return c;
}

static bool is_word_byte(unsigned char c)
{
    return c >= 0x80 || c == '_' || (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');
}
/* One alternation over all words, on the plain folding; a blank in a phrase is any white space. */
static struct condition *words_read(struct building *b, struct condition *c, const struct yaml *y, bool for_streams)
{
    if (y->kind != YAML_LIST || !y->n || y->n > WORDS_MOST) {
        yaml_trouble(b->t, y, "words: [one, another, a whole phrase]", y->kind == YAML_LIST && y->n ? "too many words in one list" : "words must be a list of texts");
        return NULL;
    }
    struct buf out = { .cap = 1 << 20 };
    struct literals required = { arena_alloc(b->a, y->n * sizeof *required.list), 0 }, begins = { arena_alloc(b->a, y->n * sizeof *begins.list), 0 };
    bool failed = false;
    c->words = arena_alloc(b->a, y->n * sizeof *c->words);
    buf_add_text(&out, "(?<![\\p{L}\\p{N}_])(?:");
    for (size_t i = 0; i < y->n; i++) {
        struct span word;
        if (!yaml_text(y->items[i], "words", &word, b->t)) {
            failed = true;
            continue;
        }
        c->words[c->nwords++] = word;
        struct span plain = span_trim(fold_text(b->a, word, FOLD_PLAIN)->text);
        if (!plain.len || plain.len > 1000) {
            yaml_trouble(b->t, y->items[i], "remove it", plain.len ? "a word of more than 1000 bytes" : "a word without a letter");
            failed = true;
            continue;
        }
        if (required.n)
            buf_add_char(&out, '|');
        struct span longest = { 0 }, first = { 0 }, piece = { plain.at, 0 };
        for (size_t k = 0; k <= plain.len; k++) {
            bool blank = k == plain.len || plain.at[k] == ' ' || plain.at[k] == '\n' || plain.at[k] == '\t';
            if (!blank) {
                if (!is_word_byte((unsigned char)plain.at[k]))
                    buf_add_char(&out, '\\');
                buf_add_char(&out, plain.at[k]);
                piece.len++;
                continue;
            }
            if (piece.len) {
                if (piece.len > LITERAL_LENGTH_MOST)
                    piece.len = LITERAL_LENGTH_MOST;
                longest = piece.len > longest.len ? piece : longest;
                first = first.len ? first : piece;
                if (k < plain.len)
                    buf_add_text(&out, "\\s+");
            }
            piece = (struct span){ plain.at + k + 1, 0 };
        }
        required.list[required.n++] = longest;
        begins.list[begins.n++] = first;
    }
    buf_add_text(&out, ")(?![\\p{L}\\p{N}_])");
    if (out.failed) {
        yaml_trouble(b->t, y, "split it", "the list of words is longer than 1 MB");
        failed = true;
    }
    const char *what;
    size_t offset;
    c->pattern = arena_alloc(b->a, sizeof *c->pattern);
    if (!failed) {
        struct span source = arena_copy(b->a, buf_span(&out));
        struct pattern *p = c->pattern;
        if (source.len > PATTERN_LENGTH_MOST) {
            yaml_trouble(b->t, y, "split the list into several under any:", "the list of words is longer than 64 KB");
            failed = true;
        } else if (!pattern_compile(b->a, p, source, for_streams, &what, &offset)) {
            yaml_trouble(b->t, y, "say which word it is", "the words do not compile: %s", what);
            failed = true;
        } else {
            p->required = required;
            p->begins = begins;
            p->begins_beyond_ascii = false;
            for (size_t i = 0; i < begins.n; i++)
                p->begins_beyond_ascii |= (unsigned char)begins.list[i].at[0] >= 0x80;
            set_add(b, FOLD_PLAIN, p);
        }
    }
    buf_free(&out);
    return failed ? NULL : c;
}

static struct condition *check_read(struct building *b, struct condition *c, const struct yaml *y, const struct yaml *whole)
{
    const char *names[CHECKS];
    size_t n = 0, i = 0;
    for (; all_checks[n] && n < CHECKS; n++)
        names[n] = all_checks[n]->name;
    if (!yaml_word(y, "check", names, n, &i, b->t))
        return NULL;
    c->check = (unsigned)i;
    c->at_least = 0.5;
    if (!(c->on & all_checks[i]->on)) {
        yaml_trouble(b->t, y, "change the rule's on:", "the check '%s' does not look at the %s: this could never fire", names[i], c->on == ON_PROMPT ? "prompt" : "answer");
        return NULL;
    }
    c->on &= all_checks[i]->on;
    const struct yaml *least = yaml_get(whole, "at_least"), *kind = yaml_get(whole, "kind");
    if (least && !yaml_double(least, "at_least", 0, 1, &c->at_least, b->t))
        return NULL;
    if (least && c->at_least == 0)
        trouble_warn(b->t, least->file, least->line, least->column, "scores run from 0 to 1, 0.5 is where a check speaks", "every score is at least 0: this always holds");
    if (kind) {
        const struct yaml *one[1] = { kind };
        const struct yaml *const *items = kind->kind == YAML_LIST ? (const struct yaml *const *)kind->items : one;
        size_t nkinds = kind->kind == YAML_LIST ? kind->n : 1;
        c->findings_of = arena_alloc(b->a, nkinds * sizeof *c->findings_of);
        for (size_t k = 0; k < nkinds; k++) {
            struct span s;
            if (!yaml_text(items[k], "kind", &s, b->t))
                return NULL;
            c->findings_of[c->nfindings_of++] = s.at;
        }
        if (least && c->at_least < 0.5)
            trouble_warn(b->t, least->file, least->line, least->column, "", "findings of a kind are only made at scores from 0.5");
    }
    return c;
}

static struct condition *rate_read(struct building *b, struct condition *c, const struct yaml *y)
{
    static const char *const known[] = { "of", "by", "over", "more_than" };
    static const char *const ofs[] = { "requests", "flags", "refusals" };
    struct rate *r = arena_alloc(b->a, sizeof *r);
    if (y->kind != YAML_MAP) {
        yaml_trouble(b->t, y, "rate: {of: requests, by: caller, over: 1m, more_than: 60}", "rate must be a map");
        return NULL;
    }
    yaml_known_keys(y, known, 4, "rate", b->t);
    const struct yaml *of = yaml_get(y, "of"), *by = yaml_get(y, "by"), *over = yaml_get(y, "over"), *more = yaml_get(y, "more_than");
    if (!of || !over || !more) {
        yaml_trouble(b->t, y, "rate: {of: requests, by: caller, over: 1m, more_than: 60}", "rate needs of, over and more_than");
        return NULL;
    }
    struct span word;
    size_t w = 0;
    if (!yaml_text(of, "of", &word, b->t))
        return NULL;
    r->of = RATE_RULE;
    for (size_t i = 0; i < 3; i++)
        if (span_is(word, ofs[i]))
            r->of = (enum rate_of)i;
    if (r->of == RATE_RULE)
        r->rule_id = word.at;
    if (by && !yaml_word(by, "by", rate_by_names, RATE_BYS, &w, b->t))
        return NULL;
    r->by = (enum rate_by)w;
    if (!yaml_duration_ms(over, "over", 1000, 31ull * 86400 * 1000, &r->over_ms, b->t) || !yaml_u64(more, "more_than", 0, UINT32_MAX, &r->more_than, b->t))
        return NULL;
    c->rate = r;
    *ARENA_PUSH(b->a, b->rs->rates, b->rs->nrates, b->rs->rates_cap) = r;
    return c;
}

/* ---- the tree ---- */

/* What is cheap to judge goes first: it spares the rest. */
static unsigned cost(const struct condition *c)
{
    switch (c->kind) {
    case CONDITION_FIELD: return c->field->kind == FIELD_JSON ? 1 : 0;
    case CONDITION_RATE: return 1;
    case CONDITION_PATTERN: case CONDITION_WORDS: return 2;
    case CONDITION_CHECK: return 3;
    case CONDITION_RULE: return 4;
    default: {
        unsigned most = 0;
        for (size_t i = 0; i < c->n; i++)
            most = cost(c->of[i]) > most ? cost(c->of[i]) : most;
        return most;
    }
    }
}
static struct condition *nest_read(struct building *b, struct condition *c, const struct yaml *y, unsigned on, bool for_streams)
{
    bool is_not = c->kind == CONDITION_NOT, failed = false;
    if (!is_not && (y->kind != YAML_LIST || !y->n)) {
        yaml_trouble(b->t, y, "write - before each condition", "%s wants a list of conditions", leaf_names[c->kind]);
        return NULL;
    }
    size_t n = is_not ? 1 : y->n;
    c->of = arena_alloc(b->a, n * sizeof *c->of);
    for (size_t i = 0; i < n; i++) {
        struct condition *child = condition_read(b, is_not ? y : y->items[i], on, for_streams);
        if (child)
            c->of[c->n++] = child;
        else
            failed = true;
    }
    if (failed)
        return NULL;
    c->on = 0;
    for (size_t i = 0; i < c->n; i++)
        c->on |= c->of[i]->on;
    if (c->kind == CONDITION_ALL)
        for (size_t i = 1; i < c->n; i++) /* insertion: stable, lists are short */
            for (size_t k = i; k > 0 && cost(c->of[k - 1]) > cost(c->of[k]); k--) {
                struct condition *swap = c->of[k];
                c->of[k] = c->of[k - 1];
                c->of[k - 1] = swap;
            }
    return c;
}

struct condition *condition_read(struct building *b, const struct yaml *y, unsigned on, bool for_streams)
{
    if (++b->nconditions > CONDITIONS_MOST || b->depth >= NEST_MOST) {
        yaml_trouble(b->t, y, "split the rules", b->depth >= NEST_MOST ? "conditions nested too deeply" : "too many conditions");
        return NULL;
    }
    struct condition *c = arena_alloc(b->a, sizeof *c);
    c->at = y;
    c->on = on;
    if (y->kind == YAML_SCALAR) { /* another rule's id */
        c->kind = CONDITION_RULE;
        c->rule_id = y->text.at;
        return c;
    }
    if (y->kind != YAML_MAP || !y->n) {
        yaml_trouble(b->t, y, "for example {pattern: '…'} or {all: [ … ]}", "a condition must be a map");
        return NULL;
    }
    const struct yaml *value = NULL;
    unsigned found = 0;
    for (size_t i = 0; i < LEAVES; i++)
        if (yaml_get(y, leaf_names[i])) {
            c->kind = (enum condition_kind)i;
            value = yaml_get(y, leaf_names[i]);
            found++;
        }
    if (found == 0) {
        yaml_known_keys(y, leaf_names, LEAVES, "a condition", b->t);
        return NULL;
    }
    if (found > 1) {
        yaml_trouble(b->t, y, "join them with all: or any:", "a condition is one of pattern, words, check, field, rate, rule, all, any, not; here are %u", found);
        return NULL;
    }
    yaml_known_keys(y, keys_of[c->kind].known, keys_of[c->kind].n, "a condition", b->t);
    if (c->kind == CONDITION_PATTERN || c->kind == CONDITION_WORDS || c->kind == CONDITION_CHECK) {
        const struct yaml *in = yaml_get(y, "in"), *side = yaml_get(y, "on");
        if (side)
            on_read(b, c, side, on);
        if (in)
            in_read(b, c, in);
    }
    b->depth++;
    switch (c->kind) {
    case CONDITION_PATTERN:
        if (value->kind == YAML_LIST && value->n) { /* several: any of them */
            struct condition *any = arena_alloc(b->a, sizeof *any);
            *any = *c;
            any->kind = CONDITION_ANY;
            any->of = arena_alloc(b->a, value->n * sizeof *any->of);
            for (size_t i = 0; i < value->n; i++) {
                struct condition *one = arena_alloc(b->a, sizeof *one);
                *one = *c;
                one->at = value->items[i];
                if (pattern_read(b, one, value->items[i], for_streams))
                    any->of[any->n++] = one;
            }
            c = any->n == value->n ? any : NULL;
        } else {
            c = pattern_read(b, c, value, for_streams);
        }
        break;
    case CONDITION_WORDS: c = words_read(b, c, value, for_streams); break;
    case CONDITION_CHECK: c = check_read(b, c, value, y); break;
    case CONDITION_FIELD:
        c->on = 0;
        c->field = field_read(b, y);
        c = c->field ? c : NULL;
        break;
    case CONDITION_RATE:
        c->on = 0;
        c = rate_read(b, c, value);
        break;
    case CONDITION_RULE: {
        struct span id;
        bool is_text = yaml_text(value, "rule", &id, b->t);
        c->rule_id = is_text ? id.at : NULL;
        c = is_text ? c : NULL;
        break;
    }
    case CONDITION_ALL: case CONDITION_ANY: case CONDITION_NOT: c = nest_read(b, c, value, on, for_streams); break;
    }
    b->depth--;
    return c;
}

/* ---- questions about a tree ---- */

bool condition_is_early(const struct condition *c)
{
    switch (c->kind) {
    case CONDITION_FIELD: return field_is_early(c->field);
    case CONDITION_RATE: return true;
    case CONDITION_RULE: return condition_is_early(c->rule->when);
    case CONDITION_ALL: case CONDITION_ANY: case CONDITION_NOT:
        for (size_t i = 0; i < c->n; i++)
            if (!condition_is_early(c->of[i]))
                return false;
        return true;
    default: return !(c->on & ON_ANSWER);
    }
}
bool condition_streams(const struct condition *c)
{
    unsigned late = 0;
    if (condition_is_early(c))
        return true;
    switch (c->kind) {
    case CONDITION_PATTERN: case CONDITION_WORDS: return c->on == ON_ANSWER && !c->pattern->moves_start;
    case CONDITION_CHECK: return c->on == ON_ANSWER && all_checks[c->check]->settled && c->at_least >= 0.5;
    case CONDITION_RULE: return condition_streams(c->rule->when);
    case CONDITION_ANY:
        for (size_t i = 0; i < c->n; i++)
            if (!condition_streams(c->of[i]))
                return false;
        return true;
    case CONDITION_ALL:
        for (size_t i = 0; i < c->n; i++)
            if (!condition_is_early(c->of[i]) && (++late > 1 || !condition_streams(c->of[i])))
                return false;
        return true;
    default: return false;
    }
}

/* In one line, as one would write it. */
static void tell_text(struct buf *out, struct span s)
{
    buf_add_char(out, '\'');
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.at[i];
        if (c < 0x20 || c == 0x7f)
            buf_printf(out, "\\x%02x", c);
        else
            buf_add_char(out, s.at[i]);
    }
    buf_add_char(out, '\'');
}
void condition_tell(const struct condition *c, struct buf *out, unsigned room)
{
    if (!room--) {
        buf_add_text(out, "…");
        return;
    }
    switch (c->kind) {
    case CONDITION_PATTERN:
        buf_add_text(out, "pattern ");
        tell_text(out, c->pattern->source);
        break;
    case CONDITION_WORDS:
        buf_add_text(out, "words ");
        for (size_t i = 0; i < c->nwords && i < 12; i++) {
            buf_add_text(out, i ? ", " : "");
            tell_text(out, c->words[i]);
        }
        if (c->nwords > 12)
            buf_printf(out, " and %zu more", c->nwords - 12);
        break;
    case CONDITION_CHECK:
        buf_printf(out, "check %s at least %g", all_checks[c->check]->name, c->at_least);
        for (size_t i = 0; i < c->nfindings_of; i++)
            buf_printf(out, "%s%s", i ? ", " : " of ", c->findings_of[i]);
        break;
    case CONDITION_FIELD:
        buf_printf(out, "field %s %s ", c->field->name, comparison_names[c->field->comparison]);
        if (c->field->comparison == COMPARE_EXISTS)
            buf_add_text(out, c->field->exists ? "true" : "false");
        else if (c->field->comparison == COMPARE_MATCHES)
            tell_text(out, c->field->pattern.source);
        else if (c->field->nvalues)
            for (size_t i = 0; i < c->field->nvalues; i++) {
                buf_add_text(out, i ? ", " : "");
                tell_text(out, c->field->values[i]);
            }
        else
            buf_printf(out, "%g", c->field->number);
        break;
    case CONDITION_RATE: {
        static const char *const of[] = { "requests", "flags", "refusals" };
        buf_printf(out, "more than %llu %s by %s over %llu s", (unsigned long long)c->rate->more_than, c->rate->of == RATE_RULE ? c->rate->rule_id : of[c->rate->of],
                   rate_by_names[c->rate->by], (unsigned long long)c->rate->over_ms / 1000);
        break;
    }
    case CONDITION_RULE: buf_printf(out, "rule %s", c->rule_id); break;
    case CONDITION_NOT:
        buf_add_text(out, "not (");
        condition_tell(c->of[0], out, room);
        buf_add_char(out, ')');
        break;
    case CONDITION_ALL: case CONDITION_ANY:
        for (size_t i = 0; i < c->n; i++) {
            bool nested = c->of[i]->kind == CONDITION_ALL || c->of[i]->kind == CONDITION_ANY;
            if (i)
                buf_add_text(out, c->kind == CONDITION_ALL ? " and " : " or ");
            buf_add_text(out, nested ? "(" : "");
            condition_tell(c->of[i], out, room);
            buf_add_text(out, nested ? ")" : "");
        }
        break;
    }
    if (c->roles || c->kinds) {
        bool more = false;
        buf_add_text(out, " in ");
        for (unsigned i = 0; i < ROLES; i++)
            if (c->roles & 1u << i) {
                buf_printf(out, "%s%s", more ? ", " : "", role_names[i]);
                more = true;
            }
        for (unsigned i = 0; i <= PART_OTHER; i++)
            if (c->kinds & 1u << i) {
                buf_printf(out, "%s%s", more ? ", " : "", part_kind_names[i]);
                more = true;
            }
    }
}
