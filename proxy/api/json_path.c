/* SPDX-License-Identifier: Apache-2.0
 * See json_path.h. */
#include "proxy/api/json_path.h"
#include "base/utf8.h"

static bool is_key_byte(char c)
{
    return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '_' || c == '-' || (unsigned char)c >= 0x80;
}
/* A key between quotes, at[0] being the first: its text into *key; the bytes used, 0: it does not end or holds an unknown escape. */
static size_t quoted(struct arena *a, struct span s, struct span *key)
{
    char *text = arena_alloc_raw(a, s.len + 1);
    size_t n = 0;
    for (size_t i = 1; i < s.len; i++) {
        char c = s.at[i];
        if (c == s.at[0]) {
            *key = (struct span){ text, n };
            return i + 1;
        }
        if (c == '\\') {
            if (++i == s.len || !strchr("\\'\"/", s.at[i]) || !s.at[i])
                return 0;
            c = s.at[i];
        }
        text[n++] = c;
    }
    return 0;
}
/* What stands between brackets, from behind the opening one: the bytes used with the closing one, 0 with *why. */
static size_t bracket(struct arena *a, struct span s, struct json_step *step, const char **why)
{
    size_t n = 0;
    if (s.len && s.at[0] == '*') {
        step->kind = STEP_ALL;
        n = 1;
    } else if (s.len && (s.at[0] == '\'' || s.at[0] == '"')) {
        step->kind = STEP_KEY;
        if (!(n = quoted(a, s, &step->key))) {
            *why = "a quoted key that does not end, or an escape other than \\\\ \\' \\\" \\/";
            return 0;
        }
    } else {
        bool is_negative = s.len && s.at[0] == '-';
        size_t first = is_negative;
        step->kind = STEP_INDEX;
        for (n = first; n < s.len && s.at[n] >= '0' && s.at[n] <= '9' && n < first + 10; n++)
            step->index = step->index * 10 + (s.at[n] - '0');
        if (n == first || (s.at[first] == '0' && (n > first + 1 || is_negative))) {
            *why = s.len && s.at[0] == '?' ? "filters are not part of what is understood" : "between brackets stands a number, * or a quoted key";
            return 0;
        }
        if (is_negative)
            step->index = -step->index;
    }
    if (n >= s.len || s.at[n] != ']') {
        *why = n < s.len && (s.at[n] == ':' || s.at[n] == ',') ? "slices and unions are not part of what is understood: name several paths in a list" : "a bracket that is not closed";
        return 0;
    }
    return n + 1;
}
bool json_path_read(struct arena *a, struct span text, struct json_path *out, const char **why, size_t *at)
{
    size_t i = 1, cap = 0;
    *out = (struct json_path){ .text = text };
    *at = 0;
    if (!text.len || text.at[0] != '$') {
        *why = "a path begins with $, the whole body";
        return false;
    }
    if (text.len > JSON_PATH_BYTES_MOST || !utf8_valid(text)) {
        *why = text.len > JSON_PATH_BYTES_MOST ? "the path is longer than 1024 bytes" : "the path is not UTF-8";
        return false;
    }
    while (i < text.len) {
        struct json_step step = { 0 };
        struct span rest = span_cut(text, i + 1, text.len);
        size_t used = 0;
        *at = i;
        if (out->n == JSON_PATH_STEPS_MOST) {
            *why = "more than 64 steps";
            return false;
        }
        if (text.at[i] == '[') {
            if (!(used = bracket(a, rest, &step, why)))
                return false;
        } else if (text.at[i] == '.') {
            while (used < rest.len && is_key_byte(rest.at[used]))
                used++;
            step = (struct json_step){ .kind = STEP_KEY, .key = span_cut(rest, 0, used) };
            if (!used && rest.len && rest.at[0] == '*')
                step.kind = STEP_ALL, used = 1;
            if (!used) {
                *why = rest.len && rest.at[0] == '.' ? "descents with .. are not part of what is understood" : "a dot without a key behind it: odd keys stand in brackets and quotes";
                return false;
            }
        } else {
            *why = "after a key comes a dot, a bracket or the end: odd keys stand in brackets and quotes";
            return false;
        }
        i += 1 + used;
        *ARENA_PUSH(a, out->steps, out->n, cap) = step;
    }
    return true;
}

static bool is_key(struct jv key, struct span wanted)
{
    if (!jv_node(key)->escaped)
        return span_same(jv_source(key), wanted);
    struct arena_mark m = arena_mark(key.doc->arena);
    bool same = span_same(jv_text(key, key.doc->arena), wanted);
    arena_rewind(key.doc->arena, m);
    return same;
}
/* Recursion is as deep as the path, at most JSON_PATH_STEPS_MOST. */
static void follow(const struct json_step *s, size_t n, struct jv v, json_path_found *found, void *to)
{
    enum json_type type = jv_type(v);
    if (!n) {
        if (type != JSON_NONE)
            found(to, v);
        return;
    }
    int64_t at = 0, wanted = s->index;
    if (s->kind == STEP_INDEX && type == JSON_ARRAY && wanted < 0)
        wanted += jv_node(v)->n;
    if ((s->kind == STEP_INDEX && (type != JSON_ARRAY || wanted < 0 || wanted >= jv_node(v)->n)) || (s->kind == STEP_KEY && type != JSON_OBJECT))
        return;
    for (struct jv_walk w = jv_walk(v); jv_next(&w); at++) {
        if (s->kind == STEP_ALL || (s->kind == STEP_INDEX && at == wanted) || (s->kind == STEP_KEY && is_key(w.key, s->key)))
            follow(s + 1, n - 1, w.value, found, to);
        if (s->kind == STEP_INDEX && at == wanted)
            return;
    }
}
void json_path_follow(const struct json_path *p, struct jv root, json_path_found *found, void *to)
{
    follow(p->steps, p->n, root, found, to);
}
