/* SPDX-License-Identifier: Apache-2.0
 * Any bytes as JSON: every node lies within its parent, every look-up agrees with the walk; what RFC 8259 allows, word for word, is read and is
 * not called odd, what it forbids is refused or called odd; and what was read, written out and read again, is the same. */
#include "base/buf.h"
#include "base/json.h"
#include "base/must.h"
#include "base/utf8.h"
#include <math.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LOOK_UPS_MOST = 64 };    /* of the members of one object: each is a walk */

static void look_at(struct jv v, struct arena *a)
{
    const struct json_node *x = jv_node(v);
    struct span source = v.doc->source, text = jv_text(v, a);
    must(x->start <= x->end && x->end <= source.len && x->past > v.i && x->past <= v.doc->n);
    must((text.at != NULL) == (x->type == JSON_STRING));
    if (x->type == JSON_STRING) {
        must(source.at[x->start - 1] == '"' && source.at[x->end] == '"' && text.len <= x->end - x->start + 2u);
        must(x->escaped == (span_find(jv_source(v), SPAN("\\")) != NULL));
        must(jv_text_is(v, arena_text(a, text)) == !(text.len && memchr(text.at, 0, text.len)));
        if (utf8_valid(source))
            must(utf8_valid(text));
    }
    double number;
    uint64_t whole;
    if (jv_number(v, &number))
        must(isfinite(number));
    if (jv_u64(v, 1000, &whole))
        must(whole <= 1000);
    uint32_t n = 0, at = v.i + 1;
    for (struct jv_walk w = jv_walk(v); jv_next(&w); n++) {
        if (x->type == JSON_OBJECT) {
            must(w.key.i == at && jv_type(w.key) == JSON_STRING && jv_node(w.key)->past == at + 1);
            at++;
        }
        must(w.value.i == at && jv_node(w.value)->start >= x->start && jv_node(w.value)->end <= x->end);
        at = jv_node(w.value)->past;
        if (n < LOOK_UPS_MOST && x->type == JSON_ARRAY)
            must(jv_item(v, n).i == w.value.i);
        if (n < LOOK_UPS_MOST && x->n <= LOOK_UPS_MOST && x->type == JSON_OBJECT) {
            struct jv last = jv_get(v, arena_text(a, jv_text(w.key, a)));
            must(!last.doc || last.i >= w.value.i);     /* of duplicates the last; none where the key holds a NUL */
        }
    }
    must(n == x->n && at == x->past);
}

/* The grammar of RFC 8259, as slowly as it reads: the place behind a value at p, or NULL. */
static const char *blank(const char *p, const char *end)
{
    while (p < end && memchr(" \t\r\n", *p, 4))
        p++;
    return p;
}
static const char *digits(const char *p, const char *end)
{
    const char *from = p;
    while (p < end && *p >= '0' && *p <= '9')
        p++;
    return p > from ? p : NULL;
}
static const char *strict_string(const char *p, const char *end)
{
    if (p >= end || *p++ != '"')
        return NULL;
    while (p < end && *p != '"') {
        if ((unsigned char)*p < 0x20)
            return NULL;
        if (*p++ != '\\')
            continue;
        if (p >= end || !memchr("\"\\/bfnrtu", *p, 9))
            return NULL;
        if (*p++ == 'u')
            for (int i = 0; i < 4; i++, p++)
                if (p >= end || !memchr("0123456789abcdefABCDEF", *p, 22))
                    return NULL;
    }
    return p < end ? p + 1 : NULL;
}
static const char *strict_number(const char *p, const char *end)
{
    p += p < end && *p == '-';
    if (p < end && *p == '0')
        p++;
    else if (!(p = digits(p, end)))
        return NULL;
    if (p < end && *p == '.' && !(p = digits(p + 1, end)))
        return NULL;
    if (p < end && (*p | 32) == 'e') {
        p++;
        p += p < end && (*p == '+' || *p == '-');
        p = digits(p, end);
    }
    return p;
}
static const char *strict_value(const char *p, const char *end, unsigned depth)
{
    static const char *const words[] = { "true", "false", "null" };
    p = blank(p, end);
    if (p >= end)
        return NULL;
    if (*p == '"')
        return strict_string(p, end);
    for (int i = 0; i < 3; i++)
        if (span_starts((struct span){ p, (size_t)(end - p) }, words[i]))
            return p + strlen(words[i]);
    if (*p != '{' && *p != '[')
        return strict_number(p, end);
    char close = *p == '{' ? '}' : ']';
    if (depth == JSON_DEPTH)
        return NULL;
    p = blank(p + 1, end);
    if (p < end && *p == close)
        return p + 1;
    for (;;) {
        if (close == '}') {
            if (!(p = strict_string(blank(p, end), end)))
                return NULL;
            p = blank(p, end);
            if (p >= end || *p++ != ':')
                return NULL;
        }
        if (!(p = strict_value(p, end, depth + 1)))
            return NULL;
        p = blank(p, end);
        if (p >= end || (*p != ',' && *p != close))
            return NULL;
        if (*p++ == close)
            return p;
    }
}

static void write_out(struct buf *out, struct jv v, struct arena *a)
{
    if (jv_type(v) == JSON_STRING) {
        buf_add_char(out, '"');
        buf_add_json(out, jv_text(v, a));
        buf_add_char(out, '"');
    } else if (jv_type(v) != JSON_OBJECT && jv_type(v) != JSON_ARRAY) {
        buf_add(out, jv_source(v));
    } else {
        bool is_object = jv_type(v) == JSON_OBJECT;
        const char *between = is_object ? "{" : "[";
        if (!jv_node(v)->n)
            buf_add_text(out, between);
        for (struct jv_walk w = jv_walk(v); jv_next(&w); between = ",") {
            buf_add_text(out, between);
            if (is_object) {
                write_out(out, w.key, a);
                buf_add_char(out, ':');
            }
            write_out(out, w.value, a);
        }
        buf_add_char(out, is_object ? '}' : ']');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new((size_t)256 << 20);
    struct json doc, again;
    struct span source = { (const char *)data, size };
    const char *end = source.at ? strict_value(source.at, source.at + size, 0) : NULL;
    if (!json_read(&doc, a, source)) {
        must(doc.bad && doc.bad_at <= size && (!end || end < source.at + doc.bad_at)); /* "01e": the grammar stops behind the 0 */
        must(jv_type(json_root(&doc)) == JSON_NONE && !jv_text(jv_path(json_root(&doc), "a.0.b"), a).at);
        arena_free(a);
        return 0;
    }
    must(doc.n && doc.nodes[0].past == doc.n && doc.end <= size);
    size_t strict_end = end ? (size_t)(blank(end, source.at + size) - source.at) : 0;
    must(doc.odd ? !end || strict_end < doc.end : end && strict_end == doc.end);
    for (uint32_t i = 0; i < doc.n; i++)
        look_at((struct jv){ &doc, i }, a);
    jv_path(json_root(&doc), "a.0.b.12.");
    struct buf out = { .cap = 64 << 20 };
    write_out(&out, json_root(&doc), a);
    must(!out.failed && json_read(&again, a, buf_span(&out)) && again.n == doc.n && again.end == out.len);
    for (uint32_t i = 0; i < doc.n; i++) {
        struct jv one = { &doc, i }, other = { &again, i };
        must(jv_type(one) == jv_type(other) && jv_node(one)->past == jv_node(other)->past && jv_node(one)->n == jv_node(other)->n);
        if (utf8_valid(source) && jv_type(one) == JSON_STRING)
            must(span_same(jv_text(one, a), jv_text(other, a)));
    }
    buf_free(&out);
    arena_free(a);
    return 0;
}
