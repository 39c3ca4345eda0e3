/* SPDX-License-Identifier: Apache-2.0
 * libyaml's event stream into our tree: events, not its document API, since that one resolves aliases and drops end marks. */
#include "base/yaml.h"
#include "base/buf.h"
#include "base/format.h"
#include "base/parse.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml.h>

struct loader {
    struct arena *a;
    const char *file;
    struct troubles *t;
    yaml_parser_t parser;
    struct span content;
    bool with_environment, failed;
    size_t nodes;
};

void yaml_trouble(struct troubles *t, const struct yaml *at, const char *hint, const char *what, ...)
{
    char text[1024];
    va_list args;
    va_start(args, what);
    vsnprintf(text, sizeof text, what, args);
    va_end(args);
    trouble_add(t, at->file, at->line, at->column, hint, "%s", text);
}
static bool fail(struct loader *l, const yaml_mark_t *m, const char *hint, const char *what)
{
    if (!l->failed)
        trouble_add(l->t, l->file, (unsigned)m->line + 1, (unsigned)m->column + 1, hint, "%s", what);
    l->failed = true;
    return false;
}

static struct span expand(struct loader *l, struct span s, const yaml_mark_t *m)
{
    if (!l->with_environment || !span_find(s, SPAN("${")))
        return s;
    struct buf out = { .cap = YAML_FILE_MOST };
    for (size_t i = 0; i < s.len;) {
        const char *open = span_find(span_cut(s, i, s.len), SPAN("${"));
        if (!open) {
            buf_add(&out, span_cut(s, i, s.len));
            break;
        }
        size_t from = (size_t)(open - s.at);
        const char *close = memchr(open, '}', s.len - from);
        if (!close) {
            fail(l, m, "write ${NAME} or ${NAME:-default}", "${ without }");
            break;
        }
        struct span inside = { open + 2, (size_t)(close - open - 2) }, fallback = { 0 };
        const char *colon = span_find(inside, SPAN(":-"));
        if (colon) {
            fallback = (struct span){ colon + 2, (size_t)(inside.at + inside.len - colon - 2) };
            inside.len = (size_t)(colon - inside.at);
        }
        bool valid = inside.len > 0;
        for (size_t k = 0; k < inside.len; k++)
            valid = valid && (inside.at[k] == '_' || (inside.at[k] >= '0' && inside.at[k] <= '9' && k) || ((inside.at[k] | 32) >= 'a' && (inside.at[k] | 32) <= 'z'));
        if (!valid) {
            fail(l, m, "a name is letters, digits and _", "${…} does not hold a name of an environment variable");
            break;
        }
        const char *value = getenv(arena_text(l->a, inside));
        if (!value && !colon) {
            struct span what = arena_printf(l->a, "the environment variable " SPAN_FMT " is not set", SPAN_ARG(inside));
            fail(l, m, "set it, or give a default: ${NAME:-default}", what.at);
            break;
        }
        struct span v = value && (value[0] || !colon) ? span_of(value) : fallback;
        buf_add(&out, span_cut(s, i, from));
        buf_add(&out, v);
        i = (size_t)(close - s.at) + 1;
    }
    if (out.failed)
        fail(l, m, "shorten it", "the environment makes a value longer than 4 MB");
    struct span whole = arena_copy(l->a, buf_span(&out));
    buf_free(&out);
    return whole;
}

static struct yaml *node_new(struct loader *l, enum yaml_kind kind, const yaml_event_t *e)
{
    struct yaml *y = arena_alloc(l->a, sizeof *y);
    y->kind = kind;
    y->file = l->file;
    y->line = (unsigned)e->start_mark.line + 1;
    y->column = (unsigned)e->start_mark.column + 1;
    if (++l->nodes > YAML_NODES_MOST)
        fail(l, &e->start_mark, "split it into several files", "too many values in one file");
    return y;
}

/* What the reader stumbles over it tells by its byte alone. */
static void reader_trouble(struct loader *l)
{
    const char *format = file_format(l->content);
    size_t at = l->parser.problem_offset < l->content.len ? l->parser.problem_offset : l->content.len;
    yaml_mark_t m = { 0 };
    for (size_t i = span_starts(l->content, "\xef\xbb\xbf") ? 3 : 0; i < at; i++) {
        m.column += ((unsigned char)l->content.at[i] & 0xc0) != 0x80;
        if (l->content.at[i] == '\n')
            m.line++, m.column = 0;
    }
    const char *problem = l->parser.problem ? l->parser.problem : "cannot be read";
    bool is_text = strstr(problem, "UTF-8") != NULL, is_control = strstr(problem, "control") != NULL;
    if (format)
        fail(l, &(yaml_mark_t){ 0 }, "give the text itself", arena_printf(l->a, "not YAML: this is %s", format).at);
    else
        fail(l, &m, is_text ? "save the file as UTF-8" : is_control ? "take the byte out, or write it as \\x.. between double quotes" : "save the file as UTF-8",
             arena_printf(l->a, "not valid YAML: %s", problem).at);
}
static bool next(struct loader *l, yaml_event_t *e)
{
    if (yaml_parser_parse(&l->parser, e))
        return true;
    if (l->parser.error == YAML_READER_ERROR) {
        reader_trouble(l);
        return false;
    }
    yaml_mark_t m = l->parser.problem_mark;
    struct span what = arena_printf(l->a, "not valid YAML: %s%s%s", l->parser.problem ? l->parser.problem : "cannot be read",
                                    l->parser.context ? " " : "", l->parser.context ? l->parser.context : "");
    fail(l, &m, "check indentation and quotes around this place", what.at);
    return false;
}

/* A map's keys by hash (FNV-1a, seeded by nothing: YAML_KEYS_MOST bounds what colliding keys may cost). */
struct key_table {
    const struct yaml **slots;
    size_t size, n;
};
static size_t key_slot(const struct key_table *k, struct span key)
{
    uint64_t h = 0xcbf29ce484222325ull;
    for (size_t i = 0; i < key.len; i++)
        h = (h ^ (unsigned char)key.at[i]) * 0x100000001b3ull;
    size_t i = (size_t)(h ^ h >> 32) & (k->size - 1);
    while (k->slots[i] && !span_same(k->slots[i]->text, key))
        i = (i + 1) & (k->size - 1);
    return i;
}
/* The same key, if it stands already; else NULL, and it does now. */
static const struct yaml *key_add(struct arena *a, struct key_table *k, const struct yaml *key)
{
    if (2 * (k->n + 1) > k->size) {
        struct key_table larger = { NULL, k->size ? 2 * k->size : 16, k->n };
        larger.slots = arena_alloc(a, larger.size * sizeof *larger.slots);
        for (size_t i = 0; i < k->size; i++)
            if (k->slots[i])
                larger.slots[key_slot(&larger, k->slots[i]->text)] = k->slots[i];
        *k = larger;
    }
    size_t i = key_slot(k, key->text);
    if (k->slots[i])
        return k->slots[i];
    k->slots[i] = key;
    k->n++;
    return NULL;
}

static struct yaml *read_node(struct loader *l, yaml_event_t *e, unsigned depth, bool is_key);

static struct yaml *read_collection(struct loader *l, yaml_event_t *first, unsigned depth)
{
    bool is_map = first->type == YAML_MAPPING_START_EVENT;
    struct yaml *y = node_new(l, is_map ? YAML_MAP : YAML_LIST, first);
    struct key_table table = { 0 };
    size_t cap = 0, key_cap = 0, nkeys = 0;
    yaml_event_t e;
    if (depth >= YAML_DEPTH) {
        fail(l, &first->start_mark, "64 levels are the most", "nested too deeply");
        return y;
    }
    while (!l->failed && next(l, &e)) {
        if (e.type == YAML_MAPPING_END_EVENT || e.type == YAML_SEQUENCE_END_EVENT) {
            yaml_event_delete(&e);
            break;
        }
        bool is_key = is_map && nkeys == y->n;
        struct yaml *child = read_node(l, &e, depth + 1, is_key);
        yaml_event_delete(&e);
        if (!child)
            break;
        if (is_key) {
            if (child->kind != YAML_SCALAR) {
                yaml_trouble(l->t, child, "write key: value", "a key must be a plain word");
                l->failed = true;
                break;
            }
            if (nkeys >= YAML_KEYS_MOST) {
                fail(l, &first->start_mark, "split it", "too many keys in one map");
                break;
            }
            const struct yaml *before = key_add(l->a, &table, child);
            if (before)
                yaml_trouble(l->t, child, arena_printf(l->a, "it stands already on line %u: keep one", before->line).at, "the key '" SPAN_FMT "' is there twice", SPAN_ARG(child->text));
            *ARENA_PUSH(l->a, y->keys, nkeys, key_cap) = child;
        } else {
            *ARENA_PUSH(l->a, y->items, y->n, cap) = child;
        }
    }
    return y;
}
/* A tag of YAML itself says what would be read anyway; any other asks for something that nobody here does. */
static void check_tag(struct loader *l, const yaml_event_t *e)
{
    const yaml_char_t *t = e->type == YAML_SCALAR_EVENT ? e->data.scalar.tag : e->type == YAML_MAPPING_START_EVENT ? e->data.mapping_start.tag
                         : e->type == YAML_SEQUENCE_START_EVENT ? e->data.sequence_start.tag : NULL;
    if (t && strncmp((const char *)t, "tag:yaml.org,2002:", 18) != 0 && strcmp((const char *)t, "!") != 0)
        fail(l, &e->start_mark, "take it out", arena_printf(l->a, "the tag '%s' means nothing here", (const char *)t).at);
}
static struct yaml *read_node(struct loader *l, yaml_event_t *e, unsigned depth, bool is_key)
{
    check_tag(l, e);
    switch (e->type) {
    case YAML_SCALAR_EVENT: {
        struct span s = { (const char *)e->data.scalar.value, e->data.scalar.length };
        bool plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
        bool nothing = plain && !is_key && (s.len == 0 || span_is(s, "~") || span_is(s, "null"));
        struct yaml *y = node_new(l, nothing ? YAML_NOTHING : YAML_SCALAR, e);
        y->quoted = !plain;
        y->text = arena_copy(l->a, s);
        if (memchr(y->text.at, 0, y->text.len))
            fail(l, &e->start_mark, "take it out", "a NUL byte in a value");
        else if (!is_key)
            y->text = expand(l, y->text, &e->start_mark);
        return y;
    }
    case YAML_MAPPING_START_EVENT:
    case YAML_SEQUENCE_START_EVENT:
        return read_collection(l, e, depth);
    case YAML_ALIAS_EVENT:
        fail(l, &e->start_mark, "write the value out", "aliases (*name) are not taken");
        return NULL;
    default:
        fail(l, &e->start_mark, "write key: value, or - value in a list", "a value was expected here");
        return NULL;
    }
}

static struct span read_file(struct arena *a, const char *file, struct troubles *t)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0) {
        trouble_add(t, file, 0, 0, "check the path and its permissions", "cannot be opened: %s", strerror(errno));
        if (fd >= 0)
            close(fd);
        return (struct span){ 0 };
    }
    if (!S_ISREG(st.st_mode) || st.st_size > YAML_FILE_MOST) {
        trouble_add(t, file, 0, 0, S_ISREG(st.st_mode) ? "split it: 4 MB is the most" : "name a file", S_ISREG(st.st_mode) ? "too large" : S_ISDIR(st.st_mode) ? "it is a folder" : "not a regular file");
        close(fd);
        return (struct span){ 0 };
    }
    char *bytes = arena_alloc_raw(a, (size_t)st.st_size + 1);
    size_t len = 0;
    ssize_t n;
    while (len < (size_t)st.st_size && (n = read(fd, bytes + len, (size_t)st.st_size - len)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            trouble_add(t, file, 0, 0, "check the disk", "cannot be read: %s", strerror(errno));
            close(fd);
            return (struct span){ 0 };
        }
        len += (size_t)n;
    }
    close(fd);
    return (struct span){ bytes, len };
}

struct yaml *yaml_read(struct arena *a, const char *file, struct span content, bool with_environment, struct troubles *t)
{
    struct loader l = { .a = a, .file = arena_text(a, span_of(file)), .t = t, .with_environment = with_environment };
    if (!content.at && !(content = read_file(a, file, t)).at)
        return NULL;
    struct yaml *root = NULL;
    yaml_event_t e;
    if (!yaml_parser_initialize(&l.parser))
        return NULL;
    l.content = content;
    yaml_parser_set_input_string(&l.parser, (const unsigned char *)content.at, content.len);
    unsigned documents = 0;
    for (bool more = true; more && !l.failed && next(&l, &e);) {
        switch (e.type) {
        case YAML_STREAM_END_EVENT: more = false; break;
        case YAML_DOCUMENT_START_EVENT:
            if (documents++)
                fail(&l, &e.start_mark, "keep one", "more than one document (---) in the file");
            break;
        case YAML_STREAM_START_EVENT:
        case YAML_DOCUMENT_END_EVENT: break;
        default: root = read_node(&l, &e, 0, false);
        }
        yaml_event_delete(&e);
    }
    yaml_parser_delete(&l.parser);
    if (l.failed)
        return NULL;
    if (!root) {
        root = arena_alloc(a, sizeof *root);
        *root = (struct yaml){ .kind = YAML_NOTHING, .file = l.file, .line = 1, .column = 1 };
    }
    return root;
}

struct yaml *yaml_get(const struct yaml *map, const char *key)
{
    if (map && map->kind == YAML_MAP)
        for (size_t i = 0; i < map->n; i++)
            if (span_is(map->keys[i]->text, key))
                return map->items[i];
    return NULL;
}
void yaml_known_keys(const struct yaml *map, const char *const *known, size_t n, const char *what, struct troubles *t)
{
    if (map->kind != YAML_MAP)
        return;
    for (size_t i = 0; i < map->n; i++) {
        bool is_known = false;
        for (size_t k = 0; k < n && !is_known; k++)
            is_known = span_is(map->keys[i]->text, known[k]);
        if (is_known)
            continue;
        const char *near = t->n < TROUBLES_MOST ? nearest_word(map->keys[i]->text, known, n) : NULL;
        char hint[160];
        if (near)
            snprintf(hint, sizeof hint, "did you mean '%s'?", near);
        else
            snprintf(hint, sizeof hint, "known here: %s%s%s%s%s%s…", n > 0 ? known[0] : "", n > 1 ? ", " : "", n > 1 ? known[1] : "", n > 2 ? ", " : "", n > 2 ? known[2] : "", n > 3 ? ", " : "");
        yaml_trouble(t, map->keys[i], hint, "unknown key '" SPAN_FMT "' in %s", SPAN_ARG(map->keys[i]->text), what);
    }
}

bool yaml_text(const struct yaml *y, const char *name, struct span *out, struct troubles *t)
{
    if (y->kind != YAML_SCALAR) {
        yaml_trouble(t, y, "write one value; quote what is not to be a list or a map", "%s must be a text", name);
        return false;
    }
    *out = y->text;
    return true;
}
bool yaml_bool(const struct yaml *y, const char *name, bool *out, struct troubles *t)
{
    if (y->kind == YAML_SCALAR && !y->quoted && (span_is(y->text, "true") || span_is(y->text, "false"))) {
        *out = span_is(y->text, "true");
        return true;
    }
    yaml_trouble(t, y, "write it without quotes", "%s must be true or false", name);
    return false;
}
bool yaml_u64(const struct yaml *y, const char *name, uint64_t least, uint64_t most, uint64_t *out, struct troubles *t)
{
    uint64_t v;
    if (y->kind == YAML_SCALAR && parse_u64(y->text, UINT64_MAX, &v) && v >= least && v <= most) {
        *out = v;
        return true;
    }
    yaml_trouble(t, y, "write digits alone", "%s must be a whole number from %llu to %llu", name, (unsigned long long)least, (unsigned long long)most);
    return false;
}
bool yaml_double(const struct yaml *y, const char *name, double least, double most, double *out, struct troubles *t)
{
    double v;
    if (y->kind == YAML_SCALAR && parse_double(y->text, &v) && v >= least && v <= most) {
        *out = v;
        return true;
    }
    yaml_trouble(t, y, "write it with a point, like 0.5", "%s must be a number from %g to %g", name, least, most);
    return false;
}
bool yaml_bytes(const struct yaml *y, const char *name, uint64_t least, uint64_t most, uint64_t *out, struct troubles *t)
{
    uint64_t v;
    if (y->kind == YAML_SCALAR && parse_bytes(y->text, UINT64_MAX, &v) && v >= least && v <= most) {
        *out = v;
        return true;
    }
    yaml_trouble(t, y, "write it as 512k, 64m or 1g", "%s must be a size from %llu to %llu bytes", name, (unsigned long long)least, (unsigned long long)most);
    return false;
}
bool yaml_duration_ms(const struct yaml *y, const char *name, uint64_t least_ms, uint64_t most_ms, uint64_t *out, struct troubles *t)
{
    uint64_t v;
    if (y->kind == YAML_SCALAR && parse_duration_ms(y->text, UINT64_MAX, &v) && v >= least_ms && v <= most_ms) {
        *out = v;
        return true;
    }
    yaml_trouble(t, y, "write it as 250ms, 30s, 10m, 2h or 7d", "%s must be a duration from %llu ms to %llu ms", name, (unsigned long long)least_ms, (unsigned long long)most_ms);
    return false;
}
bool yaml_word(const struct yaml *y, const char *name, const char *const *words, size_t n, size_t *out, struct troubles *t)
{
    if (y->kind == YAML_SCALAR)
        for (size_t i = 0; i < n; i++)
            if (span_is(y->text, words[i])) {
                *out = i;
                return true;
            }
    char list[256] = "";
    for (size_t i = 0; i < n; i++)
        snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s", i ? ", " : "", words[i]);
    const char *near = y->kind == YAML_SCALAR ? nearest_word(y->text, words, n) : NULL;
    char hint[96] = "";
    if (near)
        snprintf(hint, sizeof hint, "did you mean '%s'?", near);
    yaml_trouble(t, y, hint, "%s must be one of: %s", name, list);
    return false;
}
