/* SPDX-License-Identifier: Apache-2.0
 * Tool calls against what was declared: an unknown tool, JSON that does not parse, arguments that break the schema.
 * JSON Schema as far as tool declarations use it (type, enum, const, required, properties, additionalProperties, items,
 * prefixItems, lengths, bounds, multipleOf, uniqueItems, format of dates and e-mail, anyOf oneOf allOf not, local $ref);
 * unknown keywords are ignored, as the standard asks. Depth and steps are bounded. A call comes as a part of its own, or
 * as the JSON text of the answer ({"name", "arguments"}, in a fence, in an array, in "tool_calls"). */
#include "checks/pattern.h"
#include "base/json.h"
#include "base/parse.h"
#include <math.h>

enum { DEPTH_MOST = 24, STEPS_MOST = 20000, TOOLS_MOST = 256 };
struct validator {
    struct pattern_view *v;
    struct arena *a;
    const struct json *schema;   /* the document that $ref points into */
    size_t base, span_start, span_end; /* original offset of the arguments' text; where the text is not verbatim, one span for all */
    bool verbatim, quiet;
    unsigned steps, found;
};

static void blame(struct validator *x, struct jv value, const char *format, struct span what)
{
    x->found++;
    if (x->quiet || x->found > 8)
        return;
    size_t start = x->span_start, end = x->span_end;
    if (x->verbatim) {
        const struct json_node *n = jv_node(value);
        start = x->base + n->start;
        end = x->base + n->end;
        if (n->type == JSON_STRING)
            start--, end++;
        if (n->type == JSON_OBJECT && strstr(format, "missing")) {
            struct span inside = span_trim(span_cut(value.doc->source, n->start + 1, n->end - 1));
            if (inside.len) {
                start = x->base + (size_t)(inside.at - value.doc->source.at);
                end = start + inside.len;
            }
        }
    }
    struct span sentence = arena_printf(x->a, "%s%s" SPAN_FMT "%s", format, what.len ? " \"" : "", SPAN_ARG(what), what.len ? "\"" : "");
    pattern_seen_at(x->v, "tool-call-schema-violation", start, end, 0.95, SPAN_FMT, SPAN_ARG(sentence));
}
static bool type_is(struct jv value, struct span type)
{
    double d;
    switch (jv_type(value)) {
    case JSON_STRING: return span_is(type, "string");
    case JSON_NUMBER: return span_is(type, "number") || (span_is(type, "integer") && jv_number(value, &d) && d == floor(d));
    case JSON_TRUE: case JSON_FALSE: return span_is(type, "boolean");
    case JSON_NULL: return span_is(type, "null");
    case JSON_OBJECT: return span_is(type, "object");
    case JSON_ARRAY: return span_is(type, "array");
    default: return false;
    }
}
static bool known_type(struct span type)
{
    static const char *const known[] = { "string", "number", "integer", "boolean", "null", "object", "array" };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (span_is(type, known[i]))
            return true;
    return false;
}
/* Gemini writes types in capitals. */
static struct span lower(struct arena *a, struct span s)
{
    char *t = arena_text(a, s);
    for (size_t i = 0; i < s.len; i++)
        if (t[i] >= 'A' && t[i] <= 'Z')
            t[i] += 32;
    return (struct span){ t, s.len };
}
static bool same_value(struct arena *a, struct jv x, struct jv y, unsigned depth)
{
    double dx, dy;
    if (jv_type(x) == JSON_NUMBER && jv_type(y) == JSON_NUMBER)
        return jv_number(x, &dx) && jv_number(y, &dy) && dx == dy;
    if (jv_type(x) != jv_type(y))
        return false;
    if (jv_type(x) == JSON_STRING)
        return span_same(jv_text(x, a), jv_text(y, a));
    if (jv_type(x) == JSON_OBJECT || jv_type(x) == JSON_ARRAY) {
        struct jv_walk p = jv_walk(x), q = jv_walk(y);
        if (depth > 8 || jv_node(x)->n != jv_node(y)->n)
            return false;
        while (jv_next(&p) && jv_next(&q))
            if ((jv_type(x) == JSON_OBJECT && !span_same(jv_text(p.key, a), jv_text(q.key, a))) || !same_value(a, p.value, q.value, depth + 1))
                return false;
    }
    return true;
}
static size_t characters(struct span s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++)
        n += ((unsigned char)s.at[i] & 0xc0) != 0x80;
    return n;
}
static bool digits_at(struct span s, size_t at, size_t n)
{
    if (s.len < at + n)
        return false;
    for (size_t i = at; i < at + n; i++)
        if (s.at[i] < '0' || s.at[i] > '9')
            return false;
    return true;
}
static bool is_date(struct span s)
{
    if (!digits_at(s, 0, 4) || !digits_at(s, 5, 2) || !digits_at(s, 8, 2) || s.at[4] != '-' || s.at[7] != '-')
        return false;
    return calendar_valid((s.at[0] - '0') * 1000 + (s.at[1] - '0') * 100 + (s.at[2] - '0') * 10 + s.at[3] - '0', (s.at[5] - '0') * 10 + s.at[6] - '0',
                          (s.at[8] - '0') * 10 + s.at[9] - '0');
}
static bool has_format(struct span text, struct span format)
{
    int64_t us;
    if (span_is(format, "date"))
        return text.len == 10 && is_date(text);
    if (span_is(format, "date-time"))
        return text.len > 16 && is_date(text) && (text.at[10] == 'T' || text.at[10] == 't' || text.at[10] == ' ') && parse_time_us(text, &us);
    if (span_is(format, "time"))
        return text.len >= 5 && digits_at(text, 0, 2) && text.at[2] == ':' && digits_at(text, 3, 2) && text.at[0] <= '2' && text.at[3] < '6';
    if (span_is(format, "email")) {
        const char *at = memchr(text.at, '@', text.len);
        return at && at > text.at && memchr(at, '.', text.len - (size_t)(at - text.at)) && !memchr(text.at, ' ', text.len);
    }
    if (span_is(format, "uuid")) {
        if (text.len != 36)
            return false;
        for (size_t i = 0; i < 36; i++)
            if (i == 8 || i == 13 || i == 18 || i == 23 ? text.at[i] != '-' : !strchr("0123456789abcdefABCDEF", text.at[i]))
                return false;
        return true;
    }
    if (span_is(format, "uri"))
        return span_find(text, SPAN(":")) && !memchr(text.at, ' ', text.len);
    return true;
}

static void validate(struct validator *x, struct jv schema, struct jv value, struct span name, unsigned depth);
static unsigned tries(struct validator *x, struct jv schema, struct jv value, struct span name, unsigned depth)
{
    struct validator quiet = *x;
    quiet.quiet = true;
    quiet.found = 0;
    validate(&quiet, schema, value, name, depth);
    x->steps = quiet.steps;
    return quiet.found;
}
static void validate_object(struct validator *x, struct jv schema, struct jv value, unsigned depth)
{
    struct jv properties = jv_get(schema, "properties"), extra = jv_get(schema, "additionalProperties");
    struct jv_walk w = jv_walk(value);
    while (jv_next(&w)) {
        struct span key = jv_text(w.key, x->a);
        struct jv property = { 0 };
        struct jv_walk p = jv_walk(properties);
        bool declared = false;
        while (jv_type(properties) == JSON_OBJECT && jv_next(&p) && x->steps++ < STEPS_MOST)
            if (span_same(jv_text(p.key, x->a), key)) {
                property = p.value;
                declared = true;
            }
        if (declared)
            validate(x, property, w.value, key, depth + 1);
        else if (jv_type(extra) == JSON_FALSE || (jv_type(extra) == JSON_NONE && jv_type(properties) == JSON_OBJECT && depth == 0 && !jv_path(schema, "patternProperties").doc)) {
            x->found++;
            if (!x->quiet && x->found <= 8) {
                size_t start = x->span_start, end = x->span_end;
                if (x->verbatim) {
                    start = x->base + jv_node(w.key)->start - 1;
                    end = x->base + jv_node(w.value)->end + (jv_type(w.value) == JSON_STRING);
                }
                pattern_seen_at(x->v, "tool-call-schema-violation", start, end, jv_type(extra) == JSON_FALSE ? 0.95 : 0.7, "the tool declares no argument \"" SPAN_FMT "\"", SPAN_ARG(key));
            }
        } else if (jv_type(extra) == JSON_OBJECT)
            validate(x, extra, w.value, key, depth + 1);
    }
    struct jv required = jv_get(schema, "required");
    struct jv_walk r = jv_walk(required);
    while (jv_type(required) == JSON_ARRAY && jv_next(&r) && x->steps++ < STEPS_MOST) {
        struct span want = jv_text(r.value, x->a);
        bool there = false;
        struct jv_walk have = jv_walk(value);
        while (jv_next(&have) && !there && x->steps++ < STEPS_MOST)
            there = span_same(jv_text(have.key, x->a), want);
        if (want.at && !there)
            blame(x, value, "a required argument is missing:", want);
    }
    double d;
    if (jv_number(jv_get(schema, "minProperties"), &d) && jv_node(value)->n < d)
        blame(x, value, "too few arguments", SPAN(""));
}
static void validate(struct validator *x, struct jv schema, struct jv value, struct span name, unsigned depth)
{
    if (x->steps++ > STEPS_MOST || depth > DEPTH_MOST)
        return;
    if (jv_type(schema) == JSON_FALSE)
        blame(x, value, "nothing is allowed here", SPAN(""));
    if (jv_type(schema) != JSON_OBJECT)
        return;
    struct span ref = jv_text(jv_get(schema, "$ref"), x->a);
    if (ref.len > 2 && ref.at[0] == '#' && ref.at[1] == '/') {
        struct jv at = json_root(x->schema);
        struct jv inside = jv_get(at, "parameters");
        for (int attempt = 0; attempt < 2; attempt++) {
            struct jv node = attempt && inside.doc ? inside : at;
            size_t from = 2;
            for (size_t i = 2; i <= ref.len; i++)
                if (i == ref.len || ref.at[i] == '/') {
                    node = jv_get(node, arena_text(x->a, span_cut(ref, from, i)));
                    from = i + 1;
                }
            if (jv_type(node) == JSON_OBJECT) {
                validate(x, node, value, name, depth + 1);
                break;
            }
        }
    }
    struct jv type = jv_get(schema, "type");
    bool nullable = jv_true(jv_get(schema, "nullable")) && jv_type(value) == JSON_NULL;
    if (nullable)
        return;
    if (jv_type(type) == JSON_STRING) {
        struct span t = lower(x->a, jv_text(type, x->a));
        if (known_type(t) && !type_is(value, t)) {
            blame(x, value, arena_printf(x->a, "argument \"" SPAN_FMT "\" must be of type " SPAN_FMT, SPAN_ARG(name), SPAN_ARG(t)).at, SPAN(""));
            return;
        }
    } else if (jv_type(type) == JSON_ARRAY) {
        bool any = false;
        struct jv_walk t = jv_walk(type);
        while (jv_next(&t))
            any |= type_is(value, lower(x->a, jv_text(t.value, x->a))) || !known_type(lower(x->a, jv_text(t.value, x->a)));
        if (!any) {
            blame(x, value, "no type that this argument may have:", name);
            return;
        }
    }
    struct jv list = jv_get(schema, "enum");
    if (jv_type(list) == JSON_ARRAY) {
        bool any = false;
        struct jv_walk e = jv_walk(list);
        while (jv_next(&e) && !any && x->steps++ < STEPS_MOST)
            any = same_value(x->a, e.value, value, 0);
        if (!any)
            blame(x, value, "not one of the values allowed for", name);
    }
    struct jv constant = jv_get(schema, "const");
    if (jv_type(constant) != JSON_NONE && !same_value(x->a, constant, value, 0))
        blame(x, value, "not the one value allowed for", name);
    double d, number;
    if (jv_type(value) == JSON_NUMBER && jv_number(value, &number)) {
        if (jv_number(jv_get(schema, "minimum"), &d) && number < d)
            blame(x, value, "below the least allowed for", name);
        if (jv_number(jv_get(schema, "maximum"), &d) && number > d)
            blame(x, value, "above the most allowed for", name);
        if (jv_number(jv_get(schema, "exclusiveMinimum"), &d) && number <= d)
            blame(x, value, "not above the bound for", name);
        if (jv_number(jv_get(schema, "exclusiveMaximum"), &d) && number >= d)
            blame(x, value, "not below the bound for", name);
        if (jv_number(jv_get(schema, "multipleOf"), &d) && d > 0 && fabs(number / d - round(number / d)) > 1e-9)
            blame(x, value, "not a multiple of what is asked for", name);
    }
    if (jv_type(value) == JSON_STRING) {
        struct span text = jv_text(value, x->a);
        size_t n = characters(text);
        if (jv_number(jv_get(schema, "minLength"), &d) && (double)n < d)
            blame(x, value, "too short for", name);
        if (jv_number(jv_get(schema, "maxLength"), &d) && (double)n > d)
            blame(x, value, "too long for", name);
        struct span format = jv_text(jv_get(schema, "format"), x->a);
        if (format.len && !has_format(text, format))
            blame(x, value, arena_printf(x->a, "not of the format " SPAN_FMT ":", SPAN_ARG(format)).at, name);
    }
    if (jv_type(value) == JSON_ARRAY) {
        double n = jv_node(value)->n;
        if (jv_number(jv_get(schema, "minItems"), &d) && n < d)
            blame(x, value, "too few items in", name);
        if (jv_number(jv_get(schema, "maxItems"), &d) && n > d)
            blame(x, value, "too many items in", name);
        struct jv items = jv_get(schema, "items");
        struct jv_walk i = jv_walk(value);
        while (jv_type(items) == JSON_OBJECT && jv_next(&i) && x->steps < STEPS_MOST)
            validate(x, items, i.value, name, depth + 1);
        if (jv_true(jv_get(schema, "uniqueItems")) && n < 64)
            for (uint32_t p = 0; p < (uint32_t)n; p++)
                for (uint32_t q = 0; q < p; q++)
                    if (same_value(x->a, jv_item(value, p), jv_item(value, q), 0)) {
                        blame(x, jv_item(value, p), "items must differ in", name);
                        p = (uint32_t)n;
                        break;
                    }
    }
    if (jv_type(value) == JSON_OBJECT)
        validate_object(x, schema, value, depth);
    struct jv all = jv_get(schema, "allOf"), one = jv_get(schema, "oneOf"), any = jv_get(schema, "anyOf"), no = jv_get(schema, "not");
    struct jv_walk w = jv_walk(all);
    while (jv_type(all) == JSON_ARRAY && jv_next(&w))
        validate(x, w.value, value, name, depth + 1);
    struct jv choice = jv_type(any) == JSON_ARRAY ? any : one;
    if (jv_type(choice) == JSON_ARRAY) {
        unsigned hold = 0;
        w = jv_walk(choice);
        while (jv_next(&w) && !hold)
            hold += tries(x, w.value, value, name, depth + 1) == 0;
        if (!hold)
            blame(x, value, "none of the forms allowed for", name);
    }
    if (jv_type(no) == JSON_OBJECT && tries(x, no, value, name, depth + 1) == 0)
        blame(x, value, "a form that is excluded for", name);
}

struct tool {
    struct span name;
    struct json *doc;
    struct jv schema;
};
/* The schema inside a tool's declaration, whichever API wrote it. */
static struct jv schema_in(struct jv root)
{
    static const char *const paths[] = { "function.parameters", "parameters", "input_schema", "inputSchema", "inputSchema.json", "toolSpec.inputSchema.json", "parametersJsonSchema",
                                         "function.input_schema" };
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct jv s = jv_path(root, paths[i]);
        if (jv_type(s) == JSON_OBJECT)
            return s;
    }
    return jv_type(jv_get(root, "properties")) == JSON_OBJECT || jv_type(jv_get(root, "type")) == JSON_STRING ? root : (struct jv){ 0 };
}
static size_t tools_of(struct pattern_view *v, struct tool *list)
{
    size_t n = 0;
    struct arena *a = v->t->arena;
    for (size_t i = 0; i < v->t->nprompt && n < TOOLS_MOST; i++) {
        const struct part *p = &v->t->prompt[i];
        if (p->kind != PART_TOOL_SPEC)
            continue;
        struct tool *t = &list[n];
        *t = (struct tool){ .name = p->name };
        const char *brace = memchr(p->text.at, '{', p->text.len);
        t->doc = arena_alloc(a, sizeof *t->doc);
        /* the declaration may be JSON, or a description with the schema behind it */
        for (unsigned attempts = 0; brace && attempts < 8; attempts++) {
            struct span rest = span_cut(p->text, (size_t)(brace - p->text.at), p->text.len);
            *t->doc = (struct json){ 0 };
            if (json_read(t->doc, a, rest) && (schema_in(json_root(t->doc)).doc || t->doc->end > 2)) {
                t->schema = schema_in(json_root(t->doc));
                if (!t->name.len)
                    t->name = jv_text(jv_get(json_root(t->doc), "name"), a);
                if (!t->name.len)
                    t->name = jv_text(jv_path(json_root(t->doc), "function.name"), a);
                break;
            }
            brace = memchr(brace + 1, '{', rest.len - 1);
        }
        if (t->name.len)
            n++;
    }
    return n;
}
static void call_judge(struct pattern_view *v, const struct tool *tools, size_t n, struct span name, struct jv name_at, size_t base, struct jv args, bool verbatim, size_t start, size_t end)
{
    const struct tool *t = NULL;
    for (size_t i = 0; i < n && !t; i++)
        if (span_same(tools[i].name, name))
            t = &tools[i];
    if (!t) {
        if (jv_type(name_at) == JSON_STRING)
            pattern_seen_at(v, "tool-call-schema-violation", base + jv_node(name_at)->start - 1, base + jv_node(name_at)->end + 1, 0.95, "no tool \"" SPAN_FMT "\" was declared", SPAN_ARG(name));
        else
            pattern_seen_at(v, "tool-call-schema-violation", start, end, 0.95, "no tool \"" SPAN_FMT "\" was declared", SPAN_ARG(name));
        return;
    }
    if (!t->schema.doc)
        return;
    struct validator x = { .v = v, .a = v->t->arena, .schema = t->doc, .base = base, .span_start = start, .span_end = end, .verbatim = verbatim };
    if (jv_type(args) == JSON_NONE)
        return;
    if (jv_type(args) != JSON_OBJECT) {
        blame(&x, args, "the arguments must be an object", SPAN(""));
        return;
    }
    validate(&x, t->schema, args, SPAN("arguments"), 0);
}
/* One call as JSON in the answer's text. */
static bool call_in_text(struct pattern_view *v, const struct tool *tools, size_t n, struct jv call, size_t base)
{
    struct arena *a = v->t->arena;
    struct jv f = jv_get(call, "function");
    if (jv_type(f) == JSON_OBJECT)
        call = f;
    struct jv name = jv_get(call, "name");
    if (jv_type(name) != JSON_STRING)
        name = jv_get(call, "tool");
    if (jv_type(name) != JSON_STRING)
        name = jv_get(call, "function");
    static const char *const keys[] = { "arguments", "parameters", "input", "args" };
    struct jv args = { 0 };
    for (size_t i = 0; i < sizeof keys / sizeof *keys && jv_type(args) == JSON_NONE; i++)
        args = jv_get(call, keys[i]);
    if (jv_type(name) != JSON_STRING || jv_type(args) == JSON_NONE)
        return false;
    if (jv_type(args) == JSON_STRING) {
        const struct json_node *node = jv_node(args);
        struct span text = jv_text(args, a);
        struct json *inner = arena_alloc(a, sizeof *inner);
        if (!json_read(inner, a, text) || inner->end < span_trim(text).len)
            pattern_seen_at(v, "tool-call-schema-violation", base + node->start - 1, base + node->end + 1, 0.95, "the arguments are not JSON");
        else
            call_judge(v, tools, n, jv_text(name, a), name, base, json_root(inner), false, base + node->start - 1, base + node->end + 1);
    } else
        call_judge(v, tools, n, jv_text(name, a), name, base, args, true, 0, 0);
    return true;
}
void pattern_calls(struct pattern_view *v)
{
    bool any = false;
    for (size_t i = 0; i < v->t->nprompt && !any; i++)
        any = v->t->prompt[i].kind == PART_TOOL_SPEC;
    if (!any)
        return;
    struct arena *a = v->t->arena;
    const struct part *p = &v->t->answer[v->part];
    struct span text = p->text;
    if (p->kind == PART_TEXT && !memchr(text.at, '{', text.len))
        return;
    struct tool *tools = arena_alloc(a, TOOLS_MOST * sizeof *tools);
    size_t n = tools_of(v, tools);
    if (!n)
        return;
    if (p->kind == PART_TOOL_CALL) {
        struct json doc = { 0 };
        if (span_trim(text).len && (!json_read(&doc, a, text))) {
            pattern_seen_at(v, "tool-call-schema-violation", 0, text.len, 0.95, "the arguments are not JSON");
            return;
        }
        struct json *empty = arena_alloc(a, sizeof *empty);
        if (!span_trim(text).len && !json_read(empty, a, SPAN("{}")))
            return;
        bool whole = span_trim(text).len != 0;
        call_judge(v, tools, n, p->name, (struct jv){ 0 }, 0, whole ? json_root(&doc) : json_root(empty), whole, 0, text.len);
        return;
    }
    /* the first brace that opens a JSON value with a name in it; a fence around it does not matter */
    const char *at = memchr(text.at, '{', text.len);
    size_t base = (size_t)(at - text.at);
    size_t lead = base;
    while (lead && strchr(" \t\r\n", text.at[lead - 1]))
        lead--;
    if (lead && text.at[lead - 1] == '[')
        base = lead - 1;
    struct span rest = span_cut(text, base, text.len);
    bool named = span_find(rest, SPAN("\"name\"")) || span_find(rest, SPAN("\"tool\"")) || span_find(rest, SPAN("\"tool_calls\"")) || span_find(rest, SPAN("\"function\""))
                 || span_find(rest, SPAN("'name'"));
    bool carries = span_find(rest, SPAN("arguments")) || span_find(rest, SPAN("parameters")) || span_find(rest, SPAN("\"input\"")) || span_find(rest, SPAN("\"args\""));
    if (!named || !carries)
        return;
    struct json doc = { 0 };
    bool alone = span_trim(span_cut(text, 0, base)).len == 0 || v->ncode;
    if (!json_read(&doc, a, rest) || doc.odd) {
        if (alone) {
            size_t end = text.len;
            const char *fence = span_find(rest, SPAN("```"));
            if (fence)
                end = (size_t)(fence - text.at);
            while (end > base && strchr(" \t\r\n", text.at[end - 1]))
                end--;
            pattern_seen_at(v, "tool-call-schema-violation", base, end, 0.9, "the call is not valid JSON");
        }
        return;
    }
    struct jv root = json_root(&doc), calls = jv_get(root, "tool_calls");
    if (jv_type(calls) == JSON_ARRAY)
        root = calls;
    if (jv_type(root) == JSON_ARRAY) {
        struct jv_walk w = jv_walk(root);
        for (unsigned k = 0; k < 64 && jv_next(&w); k++)
            call_in_text(v, tools, n, w.value, base);
    } else
        call_in_text(v, tools, n, root, base);
}
