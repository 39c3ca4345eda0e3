/* SPDX-License-Identifier: Apache-2.0
 *
 * A scope description, {"name", "description"?, "intents": {"NAME": ["example", …]}, "out"?: ["example", …], "false_alarms"?: 0.05},
 * from a JSON file, a YAML file or a map inside the config. Both syntaxes end in the same builder, so that they cannot
 * differ in what they take.
 */
#include "base/json.h"
#include "base/parse.h"
#include "checks/scope.h"
#include "proxy/config_read.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
enum { FILE_MOST = 64 << 20, EXAMPLE_MOST = 64 << 10 };
static const char *const keys[] = { "name", "description", "intents", "out", "false_alarms" };

struct place {
    unsigned line, column;
};
struct builder {
    struct arena *a;
    struct troubles *t;
    const char *file;
    struct span json;                   /* of a JSON file, for places */
    struct scope_source s;
    size_t intents_cap, out_cap, examples, left; /* examples in all; examples of the current list's capacity */
    bool failed;
};
static void trouble(struct builder *b, struct place p, const char *hint, const char *what)
{
    b->failed = true;
    trouble_add(b->t, b->file, p.line, p.column, hint, "%s", what);
}

/* ---- what both syntaxes say ---- */

static void example_add(struct builder *b, struct place p, struct span text, struct span **list, size_t *n)
{
    if (!span_trim(text).len)
        trouble(b, p, "take it out", "an example is empty");
    else if (text.len > EXAMPLE_MOST)
        trouble(b, p, "an example is what one caller would write: shorten it", "an example is longer than 64 KB");
    else if (b->examples == SCOPE_EXAMPLES_MOST)
        trouble(b, p, "keep the most telling ones", "more than 200000 examples");
    else {
        *ARENA_PUSH(b->a, *list, *n, b->left) = text;
        b->examples++;
    }
}
static struct scope_intent *intent_add(struct builder *b, struct place p, struct span name)
{
    if (!span_trim(name).len)
        trouble(b, p, "name it", "an intent without a name");
    else if (b->s.nintents == SCOPE_INTENTS_MOST)
        trouble(b, p, "join some", "more than 1000 intents");
    else {
        struct scope_intent *i = ARENA_PUSH(b->a, b->s.intents, b->s.nintents, b->intents_cap);
        *i = (struct scope_intent){ .name = name };
        b->left = 0;
        return i;
    }
    return NULL;
}
static void false_alarms_set(struct builder *b, struct place p, bool is_number, double share)
{
    if (is_number && share >= 0.0001 && share <= 0.5)
        b->s.false_alarms = share;
    else
        trouble(b, p, "0.05 flags about one in twenty prompts that are in scope", "false_alarms must be a number from 0.0001 to 0.5");
}
static struct scope *build(struct builder *b, struct place p)
{
    const char *why = NULL;
    if (!b->failed && !span_trim(b->s.name).len)
        trouble(b, p, "add a name: what the route is for, in a few words", "the scope has no name");
    if (!b->failed && !b->s.nintents)
        trouble(b, p, "add intents: {NAME: [example, example]}", "the scope has no intents");
    if (b->failed)
        return NULL;
    struct scope *scope = scope_train(&b->s, &why);
    if (!scope)
        trouble(b, p, "", why ? why : "the scope cannot be trained");
    return scope;
}

/* ---- YAML ---- */

static struct place place_of(const struct yaml *y) { return (struct place){ y->line, y->column }; }
static bool yaml_string(struct builder *b, const struct yaml *y, const char *what, struct span *out)
{
    if (y->kind == YAML_SCALAR) {
        *out = y->text;
        return true;
    }
    trouble(b, place_of(y), "write it as a text", what);
    return false;
}
static void yaml_examples(struct builder *b, const struct yaml *y, struct span **list, size_t *n)
{
    struct span text;
    if (y->kind != YAML_LIST || !y->n) {
        trouble(b, place_of(y), "write [\"example\", \"example\"]", "examples must be a list that is not empty");
        return;
    }
    for (size_t i = 0; i < y->n; i++)
        if (yaml_string(b, y->items[i], "an example must be a text", &text))
            example_add(b, place_of(y->items[i]), text, list, n);
}
struct scope *scope_from_yaml(const struct yaml *y, struct troubles *t)
{
    if (y->kind != YAML_MAP) {
        yaml_trouble(t, y, "write {name: …, intents: {NAME: [example, …]}}", "a scope must be a map");
        return NULL;
    }
    unsigned errors = t->errors;
    struct builder b = { .a = arena_new(1 << 30), .t = t, .file = y->file };
    yaml_known_keys(y, keys, COUNT(keys), "a scope", t);
    b.failed = t->errors > errors;
    for (size_t i = 0; i < y->n; i++) {
        struct span key = y->keys[i]->text;
        const struct yaml *v = y->items[i];
        if (span_is(key, "name"))
            yaml_string(&b, v, "name must be a text", &b.s.name);
        else if (span_is(key, "description"))
            yaml_string(&b, v, "description must be a text", &b.s.description);
        else if (span_is(key, "out"))
            b.left = 0, yaml_examples(&b, v, &b.s.out, &b.s.nout);
        else if (span_is(key, "false_alarms")) {
            double share = 0;
            bool is_number = v->kind == YAML_SCALAR && parse_double(v->text, &share);
            false_alarms_set(&b, place_of(v), is_number, share);
        } else if (span_is(key, "intents")) {
            if (v->kind != YAML_MAP)
                trouble(&b, place_of(v), "write intents: {NAME: [example, …]}", "intents must be a map of lists");
            for (size_t k = 0; v->kind == YAML_MAP && k < v->n; k++) {
                struct scope_intent *intent = intent_add(&b, place_of(v->keys[k]), v->keys[k]->text);
                if (intent)
                    yaml_examples(&b, v->items[k], &intent->examples, &intent->n);
            }
        }
    }
    struct scope *scope = build(&b, place_of(y));
    arena_free(b.a);
    return scope;
}

/* ---- JSON ---- */

static struct place place_at(const struct builder *b, size_t offset)
{
    struct place p = { 1, 1 };
    for (size_t i = 0; i < offset && i < b->json.len; i++)
        if (b->json.at[i] == '\n')
            p.line++, p.column = 1;
        else
            p.column++;
    return p;
}
/* Only called where something is wrong, and after the first TROUBLES_MOST not at all: the search for the line is linear. */
static void json_trouble(struct builder *b, struct jv v, const char *hint, const char *what)
{
    b->failed = true;
    if (b->t->n < TROUBLES_MOST)
        trouble(b, place_at(b, v.doc ? jv_node(v)->start : 0), hint, what);
}
static bool json_string(struct builder *b, struct jv v, const char *what, struct span *out)
{
    if (jv_type(v) == JSON_STRING) {
        *out = jv_text(v, b->a);
        return true;
    }
    json_trouble(b, v, "write it in quotes", what);
    return false;
}
static void json_examples(struct builder *b, struct jv v, struct span **list, size_t *n)
{
    struct span text;
    if (jv_type(v) != JSON_ARRAY || !jv_node(v)->n) {
        json_trouble(b, v, "write [\"example\", \"example\"]", "examples must be a list that is not empty");
        return;
    }
    for (struct jv_walk w = jv_walk(v); jv_next(&w) && b->t->n < TROUBLES_MOST;)
        if (json_string(b, w.value, "an example must be a text", &text)) {
            if (!span_trim(text).len || text.len > EXAMPLE_MOST || b->examples == SCOPE_EXAMPLES_MOST)
                example_add(b, place_at(b, jv_node(w.value)->start), text, list, n);
            else
                example_add(b, (struct place){ 0 }, text, list, n);
            if (b->examples == SCOPE_EXAMPLES_MOST && b->failed)
                return;
        }
}
static void json_key(struct builder *b, struct span key, struct jv at, struct jv v)
{
    double share = 0;
    if (span_is(key, "name"))
        json_string(b, v, "name must be a text", &b->s.name);
    else if (span_is(key, "description"))
        json_string(b, v, "description must be a text", &b->s.description);
    else if (span_is(key, "out"))
        b->left = 0, json_examples(b, v, &b->s.out, &b->s.nout);
    else if (span_is(key, "false_alarms")) {
        bool is_number = jv_number(v, &share);
        false_alarms_set(b, place_at(b, jv_node(v)->start), is_number, share);
    } else if (!span_is(key, "intents")) {
        const char *near = nearest_word(key, keys, COUNT(keys));
        json_trouble(b, at, near ? arena_printf(b->a, "did you mean '%s'?", near).at : "known here: name, description, intents, out, false_alarms", arena_printf(b->a, "unknown key '" SPAN_FMT "' in a scope", SPAN_ARG(key)).at);
    } else if (jv_type(v) != JSON_OBJECT)
        json_trouble(b, v, "write \"intents\": {\"NAME\": [\"example\"]}", "intents must be an object of lists");
    else
        for (struct jv_walk w = jv_walk(v); jv_next(&w) && b->t->n < TROUBLES_MOST;) {
            struct span name = jv_text(w.key, b->a);
            bool is_bad = !span_trim(name).len || b->s.nintents == SCOPE_INTENTS_MOST;
            struct scope_intent *intent = intent_add(b, is_bad ? place_at(b, jv_node(w.key)->start) : (struct place){ 0 }, name);
            if (!intent)
                return;
            json_examples(b, w.value, &intent->examples, &intent->n);
        }
}
static struct scope *from_json(const char *file, struct span content, struct troubles *t)
{
    struct builder b = { .a = arena_new(1 << 30), .t = t, .file = file, .json = content };
    struct json doc = { 0 };
    struct scope *scope = NULL;
    if (content.len >= 3 && memcmp(content.at, "\xef\xbb\xbf", 3) == 0)
        b.json = content = span_cut(content, 3, content.len);
    if (!json_read(&doc, b.a, content))
        trouble(&b, place_at(&b, doc.bad_at), "check the commas and quotes before this place", arena_printf(b.a, "not valid JSON: %s", doc.bad).at);
    else if (doc.end < content.len && span_trim(span_cut(content, doc.end, content.len)).len)
        trouble(&b, place_at(&b, doc.end), "keep one object", "something follows the JSON object");
    else if (jv_type(json_root(&doc)) != JSON_OBJECT)
        json_trouble(&b, json_root(&doc), "write {\"name\": …, \"intents\": {…}}", "a scope must be an object");
    else {
        for (struct jv_walk w = jv_walk(json_root(&doc)); jv_next(&w);) {
            struct span key = jv_text(w.key, b.a);
            bool is_twice = false;
            for (struct jv_walk v = jv_walk(json_root(&doc)); jv_next(&v) && v.key.i < w.key.i;)
                is_twice = is_twice || span_same(jv_text(v.key, b.a), key);
            if (is_twice || b.t->n >= TROUBLES_MOST) {
                json_trouble(&b, w.key, "keep one", "a key stands twice");
                break;
            }
            json_key(&b, key, w.key, w.value);
        }
        scope = build(&b, (struct place){ 1, 1 });
    }
    arena_free(b.a);
    return scope;
}

/* ---- files ---- */

static bool read_all(struct arena *a, const char *file, struct troubles *t, struct span *out)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    const char *what = NULL, *hint = "";
    if (fd < 0 || fstat(fd, &st) != 0)
        what = strerror(errno), hint = "check the path and its permissions";
    else if (!S_ISREG(st.st_mode))
        what = "not a regular file", hint = "name a file";
    else if (st.st_size > FILE_MOST)
        what = "too large", hint = "64 MB is the most: keep the most telling examples";
    if (what)
        trouble_add(t, file, 0, 0, hint, "cannot be read: %s", what);
    else {
        char *bytes = arena_alloc_raw(a, (size_t)st.st_size + 1);
        size_t len = 0;
        for (ssize_t n; len < (size_t)st.st_size && (n = read(fd, bytes + len, (size_t)st.st_size - len)) > 0;)
            len += (size_t)n;
        *out = (struct span){ bytes, len };
    }
    if (fd >= 0)
        close(fd);
    return !what;
}
/* By its name, and where that says nothing by its first character. */
static bool is_json(struct span file, struct span content)
{
    if (span_ends(file, ".json") || span_ends(file, ".yaml") || span_ends(file, ".yml"))
        return span_ends(file, ".json");
    struct span s = span_trim(content);
    return s.len && s.at[0] == '{';
}
struct scope *scope_from_file(const char *file, struct troubles *t)
{
    struct arena *a = arena_new(1 << 30);
    struct span content = { 0 };
    struct scope *scope = NULL;
    if (read_all(a, file, t, &content)) {
        if (is_json(span_of(file), content))
            scope = from_json(file, content, t);
        else if (content.len > YAML_FILE_MOST)
            trouble_add(t, file, 0, 0, "write it as JSON: then 64 MB is the most", "too large: 4 MB is the most in YAML");
        else {
            unsigned errors = t->errors;
            struct yaml *y = yaml_read(a, file, content, false, t);
            if (y && t->errors == errors)
                scope = scope_from_yaml(y, t);
        }
    }
    arena_free(a);
    return scope;
}
