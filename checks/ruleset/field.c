/* SPDX-License-Identifier: Apache-2.0
 *
 * field: the parts of an exchange that have a name, for `field` conditions, and how they are compared. A field may have
 * several values (the tools of a request, the rows of a classic model's batch, a JSON key said twice): a comparison holds
 * when it holds for one of them; is_not and not_in hold when it holds for none. A field that is absent is equal to nothing.
 */
#include "checks/ruleset/inside.h"
#include "base/json.h"
#include "base/parse.h"
#include <math.h>
#include <stdio.h>

const char *const comparison_names[COMPARISONS] = { "is", "is_not", "in", "not_in", "at_least", "at_most", "more_than", "less_than", "matches", "exists" };

static const struct {
    const char *name;
    bool has_more;      /* NAME.something */
    bool early;         /* known before the answer */
} fields[FIELDS] = {
    [FIELD_MODEL] = { "model", false, true },
    [FIELD_ANSWER_MODEL] = { "answer_model", false, false },
    [FIELD_API] = { "api", false, true },
    [FIELD_ROUTE] = { "route", false, true },
    [FIELD_CALLER] = { "caller", false, true },
    [FIELD_SESSION] = { "session", false, true },
    [FIELD_METHOD] = { "method", false, true },
    [FIELD_PATH] = { "path", false, true },
    [FIELD_STREAM] = { "stream", false, true },
    [FIELD_TOOL] = { "tool", false, true },
    [FIELD_TOOL_CALL] = { "tool_call", false, false },
    [FIELD_FINISH_REASON] = { "finish_reason", false, false },
    [FIELD_PROVIDER_REFUSED] = { "provider_refused", false, false },
    [FIELD_UNREAD] = { "unread", false, false },
    [FIELD_TURNS] = { "turns", false, true },
    [FIELD_PROMPT_BYTES] = { "prompt_bytes", false, true },
    [FIELD_ANSWER_BYTES] = { "answer_bytes", false, false },
    [FIELD_USAGE_INPUT] = { "usage.input", false, false },
    [FIELD_USAGE_OUTPUT] = { "usage.output", false, false },
    [FIELD_USAGE_CACHE_READ] = { "usage.cache_read", false, false },
    [FIELD_USAGE_REASONING] = { "usage.reasoning", false, false },
    [FIELD_HEADER] = { "header", true, true },
    [FIELD_JSON] = { "json", true, true },
    [FIELD_FEATURE] = { "feature", true, true },
    [FIELD_PREDICTION] = { "prediction", true, false },
};
/* Request parameters that have the same name in most APIs: short for json.NAME. */
static const char *const shorthands[] = { "temperature", "top_p", "top_k", "max_tokens", "n", "seed", "user", "tool_choice", "frequency_penalty",
                                          "presence_penalty", "logprobs", "store", "service_tier" };

const char *const *field_words(size_t *n)
{
    static _Thread_local const char *words[FIELDS + sizeof shorthands / sizeof *shorthands];
    size_t k = 0;
    for (size_t i = 0; i < FIELDS; i++)
        words[k++] = fields[i].name;
    for (size_t i = 0; i < sizeof shorthands / sizeof *shorthands; i++)
        words[k++] = shorthands[i];
    *n = k;
    return words;
}
bool field_is_early(const struct field *f)
{
    return fields[f->kind].early;
}
unsigned field_body(const struct field *f)
{
    switch (f->kind) {
    case FIELD_MODEL: case FIELD_STREAM: case FIELD_TOOL: case FIELD_TURNS: case FIELD_PROMPT_BYTES: case FIELD_JSON: case FIELD_FEATURE:
        return ON_PROMPT;
    case FIELD_ANSWER_MODEL: case FIELD_TOOL_CALL: case FIELD_FINISH_REASON: case FIELD_PROVIDER_REFUSED: case FIELD_ANSWER_BYTES:
    case FIELD_PREDICTION:
        return ON_ANSWER;
    default:
        return 0;
    }
}

static bool field_named(struct building *b, struct field *f, const struct yaml *y)
{
    struct span name = y->text;
    f->name = name.at;
    for (size_t i = 0; i < FIELDS; i++) {
        size_t n = strlen(fields[i].name);
        if (fields[i].has_more ? span_starts(name, fields[i].name) && name.len > n + 1 && name.at[n] == '.' : span_is(name, fields[i].name)) {
            f->kind = (enum field_kind)i;
            f->of = fields[i].has_more ? name.at + n + 1 : NULL;
            return true;
        }
    }
    for (size_t i = 0; i < sizeof shorthands / sizeof *shorthands; i++)
        if (span_is(name, shorthands[i])) {
            f->kind = FIELD_JSON;
            f->of = name.at;
            return true;
        }
    size_t n;
    const char *const *words = field_words(&n), *near = nearest_word(name, words, n);
    char hint[160];
    snprintf(hint, sizeof hint, near ? "did you mean '%s'?" : "for a value of the request's JSON write json.a.b; also header.NAME, feature.NAME%s", near ? near : "");
    yaml_trouble(b->t, y, hint, "there is no field '" SPAN_FMT "'", SPAN_ARG(name));
    return false;
}

struct field *field_read(struct building *b, const struct yaml *condition)
{
    struct field *f = arena_alloc(b->a, sizeof *f);
    const struct yaml *name = yaml_get(condition, "field"), *value = NULL;
    struct span ignored;
    unsigned found = 0;
    if (!yaml_text(name, "field", &ignored, b->t) || !field_named(b, f, name))
        return NULL;
    for (size_t i = 0; i < COMPARISONS; i++) {
        const struct yaml *y = yaml_get(condition, comparison_names[i]);
        if (!y)
            continue;
        found++;
        value = y;
        f->comparison = (enum comparison)i;
    }
    if (found != 1) {
        yaml_trouble(b->t, condition, "one of is, is_not, in, not_in, at_least, at_most, more_than, less_than, matches, exists (join two with all:)",
                     found ? "a field takes one comparison, here are %u" : "a field needs a comparison", found);
        return NULL;
    }
    const char *word = comparison_names[f->comparison];
    switch (f->comparison) {
    case COMPARE_IS: case COMPARE_IS_NOT:
        f->values = arena_alloc(b->a, sizeof *f->values);
        f->nvalues = 1;
        return yaml_text(value, word, f->values, b->t) ? f : NULL;
    case COMPARE_IN: case COMPARE_NOT_IN:
        if (value->kind != YAML_LIST || !value->n) {
            yaml_trouble(b->t, value, "[a, b, c]", "%s wants a list", word);
            return NULL;
        }
        f->values = arena_alloc(b->a, value->n * sizeof *f->values);
        f->nvalues = value->n;
        for (size_t i = 0; i < value->n; i++)
            if (!yaml_text(value->items[i], word, &f->values[i], b->t))
                return NULL;
        return f;
    case COMPARE_MATCHES: {
        const char *what;
        size_t offset;
        struct span source;
        if (!yaml_text(value, word, &source, b->t))
            return NULL;
        if (!pattern_compile(b->a, &f->pattern, source, false, &what, &offset)) {
            trouble_add(b->t, value->file, value->line, value->column + (unsigned)offset + value->quoted, "see `man pcre2pattern`", "the pattern does not compile: %s", what);
            return NULL;
        }
        return f;
    }
    case COMPARE_EXISTS:
        return yaml_bool(value, word, &f->exists, b->t) ? f : NULL;
    default:
        return yaml_double(value, word, -1e300, 1e300, &f->number, b->t) ? f : NULL;
    }
}

/* ---- judging ---- */

struct asking {
    const struct field *f;
    struct arena *a;
    bool any;          /* the field has a value */
    bool held;         /* the comparison holds for one */
    bool costly;
};
static bool same_number(double a, struct span text)
{
    double b;
    return parse_double(text, &b) && a == b;
}
static void compare_text(struct asking *q, struct span s)
{
    const struct field *f = q->f;
    double number;
    q->any = true;
    switch (f->comparison) {
    case COMPARE_IS: case COMPARE_IS_NOT: case COMPARE_IN: case COMPARE_NOT_IN:
        for (size_t i = 0; i < f->nvalues; i++)
            q->held |= span_same(s, f->values[i]) || (parse_double(s, &number) && same_number(number, f->values[i]));
        break;
    case COMPARE_MATCHES: {
        size_t start, end;
        struct fold *fold = fold_text(q->a, s, FOLD_PATTERN);
        enum search found = pattern_search(&f->pattern, fold->text, fold->map == NULL, 0, false, &start, &end);
        q->held |= found == SEARCH_MATCH;
        q->costly |= found == SEARCH_COSTLY;
        break;
    }
    case COMPARE_EXISTS:
        break;
    default:
        if (!parse_double(s, &number))
            break;
        q->held |= (f->comparison == COMPARE_AT_LEAST && number >= f->number) || (f->comparison == COMPARE_AT_MOST && number <= f->number)
                   || (f->comparison == COMPARE_MORE_THAN && number > f->number) || (f->comparison == COMPARE_LESS_THAN && number < f->number);
    }
}
static void compare_number(struct asking *q, double n)
{
    const struct field *f = q->f;
    q->any = true;
    switch (f->comparison) {
    case COMPARE_AT_LEAST: q->held |= n >= f->number; return;
    case COMPARE_AT_MOST: q->held |= n <= f->number; return;
    case COMPARE_MORE_THAN: q->held |= n > f->number; return;
    case COMPARE_LESS_THAN: q->held |= n < f->number; return;
    case COMPARE_EXISTS: return;
    default: {
        char text[40];
        int len = snprintf(text, sizeof text, "%.17g", n);
        for (size_t i = 0; i < f->nvalues; i++)
            q->held |= same_number(n, f->values[i]);
        if (f->comparison == COMPARE_MATCHES && len > 0) {
            len = snprintf(text, sizeof text, "%g", n);
            compare_text(q, (struct span){ text, (size_t)len });
        }
    }
    }
}
static void compare_if(struct asking *q, struct span s)
{
    if (s.len)
        compare_text(q, s);
}

/* Follows "a.b.0.c" over every duplicate of a key. Depth is bounded by the path. */
static void compare_json(struct asking *q, struct jv v, const char *path)
{
    if (!*path) {
        switch (jv_type(v)) {
        case JSON_NONE: return;
        case JSON_STRING: compare_text(q, jv_text(v, q->a)); return;
        default: compare_text(q, jv_source(v)); return;
        }
    }
    struct span key = { path, strcspn(path, ".") };
    const char *rest = path + key.len + (path[key.len] == '.');
    struct jv_walk w = jv_walk(v);
    if (jv_type(v) == JSON_OBJECT) {
        while (jv_next(&w))
            if (span_same(jv_text(w.key, q->a), key))
                compare_json(q, w.value, rest);
    } else if (jv_type(v) == JSON_ARRAY) {
        uint32_t index;
        if (span_is(key, "*")) {
            while (jv_next(&w))
                compare_json(q, w.value, rest);
        } else if (parse_u32(key, UINT32_MAX - 1, &index)) {
            compare_json(q, jv_item(v, index), rest);
        }
    }
}
static void compare_rows(struct asking *q, const struct row *rows, size_t n, const char *name)
{
    size_t rows_with = 0;
    for (size_t i = 0; i < n; i++) {
        bool has = false;
        for (size_t k = 0; k < rows[i].n; k++) {
            const struct feature *f = &rows[i].features[k];
            if (!span_is_nocase(f->name, name) && strcmp(name, "*") != 0)
                continue;
            has |= f->type == FEATURE_CATEGORY || (f->type == FEATURE_NUMBER && !isnan(f->number));
            if (f->type == FEATURE_NUMBER && !isnan(f->number))
                compare_number(q, f->number);
            else if (f->type == FEATURE_CATEGORY)
                compare_text(q, f->category);
        }
        rows_with += has;
    }
    /* `exists: false` asks whether a row lacks it, `exists: true` whether a row has it */
    if (q->f->comparison == COMPARE_EXISTS && !q->f->exists && rows_with < n)
        q->any = false;
}
static void compare_parts(struct asking *q, const struct part *parts, size_t n, enum part_kind kind)
{
    for (size_t i = 0; i < n; i++)
        if (parts[i].kind == kind)
            compare_if(q, parts[i].name);
}

enum truth field_judge(const struct field *f, struct transcript *t, const struct facts *facts)
{
    struct asking q = { .f = f, .a = t->arena };
    double bytes = 0;
    switch (f->kind) {
    case FIELD_MODEL: compare_if(&q, t->model.len ? t->model : facts->model); break;
    case FIELD_ANSWER_MODEL: compare_if(&q, t->answer_model); break;
    case FIELD_API: compare_if(&q, span_of(t->api)); break;
    case FIELD_ROUTE: compare_if(&q, facts->route); break;
    case FIELD_CALLER: compare_if(&q, facts->caller); break;
    case FIELD_SESSION: compare_if(&q, facts->session); break;
    case FIELD_METHOD: compare_if(&q, facts->method); break;
    case FIELD_PATH: compare_if(&q, facts->path); break;
    case FIELD_STREAM: compare_text(&q, t->is_stream ? SPAN("true") : SPAN("false")); break;
    case FIELD_TOOL: compare_parts(&q, t->prompt, t->nprompt, PART_TOOL_SPEC); break;
    case FIELD_TOOL_CALL: compare_parts(&q, t->answer, t->nanswer, PART_TOOL_CALL); break;
    case FIELD_FINISH_REASON:
        for (size_t i = 0; i < t->nfinishes; i++)
            compare_if(&q, t->finishes[i].reason);
        break;
    case FIELD_PROVIDER_REFUSED: compare_text(&q, t->is_refused_by_provider ? SPAN("true") : SPAN("false")); break;
    case FIELD_UNREAD:
        compare_text(&q, t->prompt_reading == READING_UNREAD || t->answer_reading == READING_UNREAD ? SPAN("true") : SPAN("false"));
        break;
    case FIELD_TURNS:
        for (size_t i = 0; i < t->nprompt; i++)
            bytes = t->prompt[i].role == ROLE_USER && t->prompt[i].turn + 1.0 > bytes ? t->prompt[i].turn + 1.0 : bytes;
        compare_number(&q, bytes);
        break;
    case FIELD_PROMPT_BYTES:
        for (size_t i = 0; i < t->nprompt; i++)
            bytes += (double)t->prompt[i].text.len;
        compare_number(&q, bytes);
        break;
    case FIELD_ANSWER_BYTES:
        for (size_t i = 0; i < t->nanswer; i++)
            bytes += (double)t->answer[i].text.len;
        compare_number(&q, bytes);
        break;
    case FIELD_USAGE_INPUT: case FIELD_USAGE_OUTPUT: case FIELD_USAGE_CACHE_READ: case FIELD_USAGE_REASONING:
        if (t->usage.origin == USAGE_ABSENT)
            break; /* absent is not 0 */
        compare_number(&q, (double)(f->kind == FIELD_USAGE_INPUT ? t->usage.input : f->kind == FIELD_USAGE_OUTPUT ? t->usage.output
                                    : f->kind == FIELD_USAGE_CACHE_READ ? t->usage.cache_read : t->usage.reasoning));
        break;
    case FIELD_HEADER:
        if (facts->header)
            compare_if(&q, facts->header(facts->context, f->of));
        break;
    case FIELD_JSON: {
        struct json doc;
        if (t->request_json.len && json_read(&doc, t->arena, t->request_json))
            compare_json(&q, json_root(&doc), f->of);
        break;
    }
    case FIELD_FEATURE: compare_rows(&q, t->inputs, t->ninputs, f->of); break;
    case FIELD_PREDICTION: compare_rows(&q, t->outputs, t->noutputs, f->of); break;
    case FIELDS: break;
    }
    if (q.costly && !q.held)
        return TRUTH_COSTLY;
    switch (f->comparison) {
    case COMPARE_EXISTS: return q.any == f->exists ? TRUTH_YES : TRUTH_NO;
    case COMPARE_IS_NOT: case COMPARE_NOT_IN: return q.held ? TRUTH_NO : TRUTH_YES;
    default: return q.held ? TRUTH_YES : TRUTH_NO;
    }
}
