/* SPDX-License-Identifier: Apache-2.0
 * One pass, one explicit stack. The state between tokens is what may come next (RFC 8259 grammar). */
#include "base/json.h"
#include "base/parse.h"
#include "base/utf8.h"

static struct json_node *push(struct json *d, enum json_type type, size_t start, size_t end)
{
    if (d->n == d->cap) {
        uint32_t cap = d->cap ? d->cap * 2 : (d->source.len < 4096 ? 64 : (uint32_t)(d->source.len / 64));
        d->nodes = arena_grow(d->arena, d->nodes, d->cap * sizeof *d->nodes, cap * sizeof *d->nodes);
        d->cap = cap;
    }
    struct json_node *x = &d->nodes[d->n++];
    *x = (struct json_node){ .start = (uint32_t)start, .end = (uint32_t)end, .past = d->n, .type = (uint8_t)type };
    return x;
}
static bool bad(struct json *d, size_t at, const char *why)
{
    d->bad = why;
    d->bad_at = at;
    return false;
}
static size_t skip_space(struct span s, size_t i)
{
    while (i < s.len && (s.at[i] == ' ' || s.at[i] == '\n' || s.at[i] == '\r' || s.at[i] == '\t'))
        i++;
    return i;
}
/* s.at[i] is the opening quote; returns the place after the closing one, 0 on failure. */
static size_t read_string(struct json *d, size_t i)
{
    const char *p = d->source.at;
    size_t n = d->source.len, start = ++i;
    bool escaped = false;
    for (;;) {
        while (i + 8 <= n) { /* eight bytes without quote, backslash and control characters at a time */
            uint64_t w, q, b;
            memcpy(&w, p + i, 8);
            q = w ^ 0x2222222222222222ull;
            b = w ^ 0x5c5c5c5c5c5c5c5cull;
            uint64_t hit = ((q - 0x0101010101010101ull) & ~q) | ((b - 0x0101010101010101ull) & ~b)
                         | ((w - 0x2020202020202020ull) & ~w);
            if (hit & 0x8080808080808080ull)
                break;
            i += 8;
        }
        if (i >= n) {
            bad(d, i, "the text ends within a string");
            return 0;
        }
        unsigned char c = (unsigned char)p[i];
        if (c == '"') {
            push(d, JSON_STRING, start, i)->escaped = escaped;
            return i + 1;
        }
        if (c == '\\') {
            escaped = true;
            if (i + 1 >= n) {
                bad(d, i, "the text ends within a string");
                return 0;
            }
            if (p[i + 1] == 'u') {
                for (size_t k = 2; k < 6; k++)
                    if (i + k >= n || !strchr("0123456789abcdefABCDEF", p[i + k]) || !p[i + k]) {
                        bad(d, i, "\\u wants four hexadecimal digits");
                        return 0;
                    }
                i += 6;
                continue;
            }
            if (!p[i + 1] || !strchr("\"\\/bfnrt", p[i + 1]))
                d->odd = true;
            i += 2;
            continue;
        }
        if (c < 0x20)
            d->odd = true;
        i++;
    }
}
static size_t read_number(struct json *d, size_t i)
{
    const char *p = d->source.at;
    size_t n = d->source.len, start = i;
    if (p[i] == '-')
        i++;
    size_t first = i;
    while (i < n && p[i] >= '0' && p[i] <= '9')
        i++;
    if (i == first) {
        bad(d, start, "not a JSON value");
        return 0;
    }
    if (p[first] == '0' && i - first > 1)
        d->odd = true;
    if (i < n && p[i] == '.') {
        size_t f = ++i;
        while (i < n && p[i] >= '0' && p[i] <= '9')
            i++;
        if (i == f)
            d->odd = true;
    }
    if (i < n && (p[i] == 'e' || p[i] == 'E')) {
        i++;
        if (i < n && (p[i] == '+' || p[i] == '-'))
            i++;
        size_t e = i;
        while (i < n && p[i] >= '0' && p[i] <= '9')
            i++;
        if (i == e) {
            bad(d, i, "an exponent without digits");
            return 0;
        }
    }
    push(d, JSON_NUMBER, start, i);
    return i;
}
static size_t read_scalar(struct json *d, size_t i)
{
    static const struct { const char *text; enum json_type type; bool odd; } words[] = {
        { "true", JSON_TRUE, false }, { "false", JSON_FALSE, false }, { "null", JSON_NULL, false }, { "NaN", JSON_NUMBER, true },
        { "Infinity", JSON_NUMBER, true }, { "-Infinity", JSON_NUMBER, true }, { "nan", JSON_NUMBER, true },
    };
    struct span rest = span_cut(d->source, i, d->source.len);
    if (rest.at[0] == '"')
        return read_string(d, i);
    for (size_t k = 0; k < sizeof words / sizeof *words; k++)
        if (span_starts(rest, words[k].text)) {
            size_t len = strlen(words[k].text);
            d->odd |= words[k].odd;
            push(d, words[k].type, i, i + len);
            return i + len;
        }
    return read_number(d, i);
}

bool json_read(struct json *d, struct arena *a, struct span source)
{
    *d = (struct json){ .source = source, .arena = a };
    if (source.len >= UINT32_MAX - 1)
        return bad(d, 0, "more than 4 GB");
    uint32_t stack[JSON_DEPTH], depth = 0;
    size_t i = 0;
    if (span_starts(source, "\xef\xbb\xbf")) {
        d->odd = true;
        i = 3;
    }
    enum { VALUE, FIRST, KEY, AFTER } want = VALUE; /* FIRST: a value, a key or the closing bracket */
    for (;;) {
        if (arena_over(a))
            return bad(d, i, "more than this exchange may hold in memory");
        i = skip_space(source, i);
        if (i >= source.len)
            return bad(d, i, depth ? "the text ends within a value" : "nothing here");
        char c = source.at[i];
        if (want == AFTER) {
            struct json_node *open = &d->nodes[stack[depth - 1]];
            char close = open->type == JSON_OBJECT ? '}' : ']';
            if (c == ',') {
                want = open->type == JSON_OBJECT ? KEY : VALUE;
                i++;
                continue;
            }
            if (c != close)
                return bad(d, i, open->type == JSON_OBJECT ? "a comma or } is missing" : "a comma or ] is missing");
        }
        if (want == AFTER || (want == FIRST && (c == '}' || c == ']'))) {
            struct json_node *open = &d->nodes[stack[depth - 1]];
            if (c != (open->type == JSON_OBJECT ? '}' : ']'))
                return bad(d, i, "a bracket of the other kind");
            open->end = (uint32_t)++i;
            open->past = d->n;
            depth--;
        } else {
            if (depth && d->nodes[stack[depth - 1]].type == JSON_OBJECT && (want == FIRST || want == KEY)) {
                if (c != '"')
                    return bad(d, i, "a key must be a string");
                if (!(i = read_string(d, i)))
                    return false;
                i = skip_space(source, i);
                if (i >= source.len || source.at[i] != ':')
                    return bad(d, i, "a colon is missing after the key");
                i++;
                want = VALUE;
                continue;
            }
            if (depth)
                d->nodes[stack[depth - 1]].n++;
            if (c == '{' || c == '[') {
                if (depth == JSON_DEPTH)
                    return bad(d, i, "nested too deeply");
                stack[depth++] = d->n;
                push(d, c == '{' ? JSON_OBJECT : JSON_ARRAY, i, i);
                i++;
                want = FIRST;
                continue;
            }
            if (!(i = read_scalar(d, i)))
                return false;
        }
        if (!depth)
            break;
        want = AFTER;
    }
    d->end = skip_space(source, i);
    return true;
}

struct span jv_source(struct jv v)
{
    if (!v.doc)
        return (struct span){ 0 };
    const struct json_node *x = jv_node(v);
    return span_cut(v.doc->source, x->start, x->end);
}
struct jv_walk jv_walk(struct jv of)
{
    enum json_type t = jv_type(of);
    if (t != JSON_OBJECT && t != JSON_ARRAY)
        return (struct jv_walk){ 0 };
    return (struct jv_walk){ .of = of, .at = of.i + 1, .past = jv_node(of)->past };
}
bool jv_next(struct jv_walk *w)
{
    if (!w->of.doc || w->at >= w->past)
        return false;
    if (jv_node(w->of)->type == JSON_OBJECT) {
        w->key = (struct jv){ w->of.doc, w->at };
        w->value = (struct jv){ w->of.doc, w->at + 1 };
    } else {
        w->value = (struct jv){ w->of.doc, w->at };
    }
    w->at = jv_node(w->value)->past;
    return true;
}

/* Decodes one step of an escaped string at p; returns bytes eaten, writes *put bytes to out (at most 4). */
static size_t unescape(const char *p, size_t n, char *out, size_t *put)
{
    *put = 1;
    if (p[0] != '\\' || n < 2) {
        out[0] = p[0];
        return 1;
    }
    switch (p[1]) {
    case 'b': out[0] = '\b'; return 2;
    case 'f': out[0] = '\f'; return 2;
    case 'n': out[0] = '\n'; return 2;
    case 'r': out[0] = '\r'; return 2;
    case 't': out[0] = '\t'; return 2;
    case 'u': break;
    default: out[0] = p[1]; return 2;
    }
    uint32_t unit[2] = { 0, 0 };
    size_t eaten = 0;
    for (int u = 0; u < 2; u++) {
        if (n < eaten + 6 || p[eaten] != '\\' || p[eaten + 1] != 'u')
            break;
        for (size_t k = 2; k < 6; k++) {
            char c = p[eaten + k];
            unit[u] = unit[u] << 4 | (uint32_t)(c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
        }
        if (u == 0) {
            eaten = 6;
            if (unit[0] < 0xd800 || unit[0] > 0xdbff)
                break;
        } else if (unit[1] >= 0xdc00 && unit[1] <= 0xdfff) {
            *put = utf8_put(out, 0x10000 + ((unit[0] - 0xd800) << 10) + (unit[1] - 0xdc00));
            return 12;
        }
    }
    *put = utf8_put(out, unit[0]);
    return eaten ? eaten : 1;
}
struct span jv_text(struct jv v, struct arena *a)
{
    if (jv_type(v) != JSON_STRING)
        return (struct span){ 0 };
    struct span s = jv_source(v);
    if (!jv_node(v)->escaped)
        return s;
    char *out = arena_alloc_raw(a, s.len + 4);
    size_t len = 0;
    for (size_t i = 0; i < s.len;) {
        size_t put;
        i += unescape(s.at + i, s.len - i, out + len, &put);
        len += put;
    }
    return (struct span){ out, len };
}
bool jv_text_is(struct jv v, const char *text)
{
    if (jv_type(v) != JSON_STRING)
        return false;
    struct span s = jv_source(v);
    if (!jv_node(v)->escaped)
        return span_is(s, text);
    size_t want = strlen(text), at = 0;
    for (size_t i = 0; i < s.len;) {
        char step[4];
        size_t put;
        i += unescape(s.at + i, s.len - i, step, &put);
        if (put > want - at || memcmp(step, text + at, put) != 0)
            return false;
        at += put;
    }
    return at == want;
}
struct jv jv_get(struct jv object, const char *key)
{
    struct jv found = { 0 };
    if (jv_type(object) != JSON_OBJECT)
        return found;
    struct jv_walk w = jv_walk(object);
    while (jv_next(&w))
        if (jv_text_is(w.key, key))
            found = w.value;
    return found;
}
struct jv jv_item(struct jv array, uint32_t index)
{
    if (jv_type(array) != JSON_ARRAY || index >= jv_node(array)->n)
        return (struct jv){ 0 };
    struct jv_walk w = jv_walk(array);
    while (jv_next(&w))
        if (index-- == 0)
            return w.value;
    return (struct jv){ 0 };
}
struct jv jv_path(struct jv v, const char *path)
{
    char key[128];
    while (*path && v.doc) {
        size_t n = strcspn(path, ".");
        if (n >= sizeof key)
            return (struct jv){ 0 };
        memcpy(key, path, n);
        key[n] = 0;
        uint32_t index;
        if (jv_type(v) == JSON_ARRAY)
            v = parse_u32((struct span){ key, n }, UINT32_MAX, &index) ? jv_item(v, index) : (struct jv){ 0 };
        else
            v = jv_get(v, key);
        path += n + (path[n] == '.');
    }
    return v;
}
bool jv_number(struct jv v, double *out)
{
    return jv_type(v) == JSON_NUMBER && parse_double(jv_source(v), out);
}
bool jv_u64(struct jv v, uint64_t most, uint64_t *out)
{
    return jv_type(v) == JSON_NUMBER && parse_u64(jv_source(v), most, out);
}
