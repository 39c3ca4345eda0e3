/* SPDX-License-Identifier: Apache-2.0
 *
 * kserve: the Open Inference Protocol v2 as Triton, KServe and MLServer speak it: tensors with a name, a type and a shape, as JSON or, with
 * the binary extension, as bytes behind the JSON in the order of the tensors. The JSON's length travels in a header that a reader does not
 * see, so the first JSON value is the header, and the tensors are the body's last bytes, as many as they say.
 *
 * The first dimension counts the rows: one [n, k] tensor is k features NAME_0 …, several [n] or [n, 1] tensors are one feature each.
 * BYTES are texts: categories of the rows, and parts.
 */
#include "base/utf8.h"
#include "proxy/api/paths.h"
#include "proxy/api/read.h"
#include <math.h>

enum { TENSORS_MOST = 256 };
struct tensor {
    struct span name, type;
    uint64_t rows, width;    /* width: values a row */
    struct jv data;          /* JSON, or */
    struct span bytes;       /* binary */
    uint32_t *leaves;        /* places of data's values on the tape, the first ones */
    size_t nleaves, all_leaves;
    struct span *texts;      /* binary BYTES, the first ones */
    size_t ntexts, all_texts;
};

static size_t size_of(struct span type)
{
    static const struct { const char *name; size_t size; } types[] = { { "BOOL", 1 }, { "INT8", 1 }, { "UINT8", 1 }, { "INT16", 2 }, { "UINT16", 2 }, { "FP16", 2 },
        { "BF16", 2 }, { "INT32", 4 }, { "UINT32", 4 }, { "FP32", 4 }, { "INT64", 8 }, { "UINT64", 8 }, { "FP64", 8 } };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (span_is(type, types[i].name))
            return types[i].size;
    return 0;
}
static double half(uint16_t h)
{
    int e = h >> 10 & 31, m = h & 1023;
    double d = e == 0 ? ldexp(m, -24) : e == 31 ? (m ? (double)NAN : (double)INFINITY) : ldexp(m + 1024, e - 25);
    return h & 0x8000 ? -d : d;
}
static double binary_value(struct span type, const char *p)
{
    union { uint16_t u2; int16_t i2; uint32_t u4; int32_t i4; float f4; uint64_t u8; int64_t i8; double f8; } v = { .u8 = 0 };
    memcpy(&v, p, size_of(type)); /* the wire is little-endian, and so is every machine vigie is built for */
    if (span_is(type, "FP32")) return v.f4;
    if (span_is(type, "FP64")) return v.f8;
    if (span_is(type, "FP16")) return half(v.u2);
    if (span_is(type, "BF16")) { uint32_t high = (uint32_t)v.u2 << 16; v.u4 = high; return v.f4; }
    if (span_is(type, "INT64")) return (double)v.i8;
    if (span_is(type, "UINT64")) return (double)v.u8;
    if (span_is(type, "INT32")) return v.i4;
    if (span_is(type, "UINT32")) return v.u4;
    if (span_is(type, "INT16")) return v.i2;
    if (span_is(type, "UINT16")) return v.u2;
    if (span_is(type, "INT8")) return (signed char)p[0];
    return (unsigned char)p[0];
}
static void note_text(struct transcript *t, bool is_input, struct span name, struct span text)
{
    struct span inside = text;
    switch (base64_text(t->arena, text, &inside)) {
    case BASE64_BINARY: return;
    case BASE64_NOT: inside = text; break;
    case BASE64_TEXT: break;
    }
    if (!is_plain_text(inside)) {
        if (!utf8_valid(inside))
            return; /* an image as bytes */
    }
    if (!is_input)
        say_fresh(t, PART_TEXT, name, inside);
    else if (t->nprompt < PROMPT_PARTS_MOST)
        transcript_ask(t, ROLE_USER, PART_TEXT, 0, name, inside);
    else
        prompt_unread(t, "more texts than vigie reads in one request");
}
static void unread(struct transcript *t, bool is_input, const char *why)
{
    if (is_input)
        prompt_unread(t, why);
    else
        answer_unread(t, why);
}
/* Values of nested lists in order, whatever the nesting; strings are parts as well. */
static void note_data(struct transcript *t, bool is_input, struct tensor *x, struct jv data, size_t most, bool is_last)
{
    if (!data.doc)
        return;
    size_t n = 0;
    uint32_t past = jv_node(data)->past;
    if (is_last) {
        x->leaves = arena_alloc_raw(t->arena, (most < past - data.i ? most : past - data.i) * sizeof *x->leaves);
        x->nleaves = x->all_leaves = 0;
    }
    for (uint32_t i = data.i; i < past; i++) {
        struct jv v = { data.doc, i };
        if (jv_type(v) >= JSON_OBJECT)
            continue;
        if (jv_type(v) == JSON_STRING)
            note_text(t, is_input, x->name, jv_text(v, t->arena));
        if (is_last && n < most)
            x->leaves[x->nleaves++] = i;
        n++;
    }
    if (is_last)
        x->all_leaves = n;
}
static void note_bytes(struct transcript *t, bool is_input, struct tensor *x, size_t most)
{
    struct span s = x->bytes;
    size_t cap = 0;
    while (s.len) {
        uint32_t n;
        if (s.len < 4) {
            unread(t, is_input, "a BYTES tensor that is cut");
            return;
        }
        memcpy(&n, s.at, 4);
        if (n > s.len - 4) {
            unread(t, is_input, "a BYTES tensor that is cut");
            return;
        }
        struct span text = span_cut(s, 4, 4 + (size_t)n);
        note_text(t, is_input, x->name, text);
        if (x->ntexts < most)
            *ARENA_PUSH(t->arena, x->texts, x->ntexts, cap) = text;
        x->all_texts++;
        s = span_cut(s, 4 + (size_t)n, s.len);
    }
}
static void add_feature(struct transcript *t, struct row *r, const struct tensor *x, struct span name, size_t at)
{
    double d;
    if (x->bytes.at && span_is(x->type, "BYTES")) {
        if (at < x->ntexts)
            row_category(t, r, name, x->texts[at]);
        return;
    }
    if (x->bytes.at) {
        size_t size = size_of(x->type);
        if (size && at < x->bytes.len / size)
            row_number(t, r, name, binary_value(x->type, x->bytes.at + at * size));
        return;
    }
    if (at >= x->nleaves)
        return;
    struct jv v = { x->data.doc, x->leaves[at] };
    switch (jv_type(v)) {
    case JSON_NUMBER: row_number(t, r, name, jv_number(v, &d) ? d : (double)NAN); break;
    case JSON_TRUE: row_number(t, r, name, 1); break;
    case JSON_FALSE: row_number(t, r, name, 0); break;
    case JSON_STRING: row_category(t, r, name, jv_text(v, t->arena)); break;
    default: row_missing(t, r, name);
    }
}
static void rows(struct transcript *t, bool is_input, const struct tensor *x, size_t n)
{
    uint64_t most = 0;
    size_t width = 0;
    for (size_t i = 0; i < n; i++) {
        most = x[i].rows > most ? x[i].rows : most;
        width += x[i].width < ROW_FEATURES_MOST ? x[i].width : ROW_FEATURES_MOST;
    }
    if (!most || !width)
        return;
    if (width > ROW_FEATURES_MOST)
        width = ROW_FEATURES_MOST;
    struct span *names = arena_alloc(t->arena, width * sizeof *names);
    size_t at = 0;
    for (size_t i = 0; i < n; i++)
        for (uint64_t k = 0; k < x[i].width && at < width; k++)
            names[at++] = x[i].width == 1 ? x[i].name : arena_printf(t->arena, SPAN_FMT "_%llu", SPAN_ARG(x[i].name), (unsigned long long)k);
    for (uint64_t row = 0; row < most; row++) {
        struct row *r = is_input ? transcript_input_row(t) : transcript_output_row(t);
        if (!r) {
            t->rows_dropped += (size_t)(most - row - 1);
            return;
        }
        at = 0;
        for (size_t i = 0; i < n; i++)
            for (uint64_t k = 0; k < x[i].width && at < width; k++, at++)
                if (row < x[i].rows)
                    add_feature(t, r, &x[i], names[at], (size_t)(row * x[i].width + k));
    }
}
/* root's tensors under `list`; behind: the bytes after the JSON. */
static void tensors(struct transcript *t, bool is_input, struct jv root, const char *list, struct span behind)
{
    struct tensor *x = arena_alloc(t->arena, TENSORS_MOST * sizeof *x);
    size_t n = 0;
    uint64_t total = 0, size;
    struct jv all = jv_get(root, list);
    for (struct jv_walk w = jv_walk(all); jv_next(&w);)
        if (jv_u64(jv_path(w.value, "parameters.binary_data_size"), UINT32_MAX, &size))
            total += size;
    if (total > behind.len)
        unread(t, is_input, "binary tensors that are cut");
    else
        behind = span_cut(behind, behind.len - (size_t)total, behind.len);
    for (struct jv_walk m = jv_walk(root); jv_next(&m);) {
        if (!key_is(m.key, list))
            continue;
        bool is_last_list = m.value.i == all.i;
        for (struct jv_walk w = jv_walk(m.value); jv_next(&w);) {
            static const char *const known[] = { "name", "datatype", "shape", "data", NULL };
            struct tensor here = { 0 };
            here.name = jv_text(jv_get(w.value, "name"), t->arena);
            here.type = jv_text(jv_get(w.value, "datatype"), t->arena);
            here.data = jv_get(w.value, "data");
            for (struct jv_walk d = jv_walk(w.value); jv_next(&d);) {
                if (key_is(d.key, "data")) {
                    note_data(t, is_input, &here, d.value, (size_t)TRANSCRIPT_ROWS_MOST * ROW_FEATURES_MOST, d.value.i == here.data.i);
                } else {
                    const char *const *k = known;
                    while (*k && !key_is(d.key, *k))
                        k++;
                    struct span s = jv_text(d.value, t->arena);
                    if (is_input && (!*k || !is_token(s)))
                        read_prompt_other(t, d.key, d.value);
                    else if (!is_input && !*k)
                        say_unknown(t, 0, d.key, d.value, SAY_FRESH);
                }
            }
            size_t values = here.all_leaves, unit = size_of(here.type);
            if (is_last_list && jv_u64(jv_path(w.value, "parameters.binary_data_size"), UINT32_MAX, &size) && total <= behind.len && size <= behind.len) {
                here.bytes = span_cut(behind, 0, (size_t)size);
                behind = span_cut(behind, (size_t)size, behind.len);
                total -= size;
                if (span_is(here.type, "BYTES")) {
                    note_bytes(t, is_input, &here, (size_t)TRANSCRIPT_ROWS_MOST * ROW_FEATURES_MOST);
                    values = here.all_texts;
                } else if (unit && size % unit == 0) {
                    values = (size_t)size / unit;
                } else {
                    unread(t, is_input, "a binary tensor of an unknown type");
                    values = 0;
                }
            }
            uint64_t first = 0;
            if (!jv_u64(jv_item(jv_get(w.value, "shape"), 0), values, &first) || !first || values % first)
                first = values ? 1 : 0; /* no shape, or one that does not fit: one row */
            here.rows = first;
            here.width = first ? values / first : 0;
            if (is_last_list && n < TENSORS_MOST)
                x[n++] = here;
        }
    }
    rows(t, is_input, x, n);
}
static void request(struct transcript *t, struct span path, struct span content_type, struct span body)
{
    struct json *doc = arena_alloc(t->arena, sizeof *doc);
    struct span model = path_after(path, "/models/");
    if (model.len)
        t->model = arena_copy(t->arena, model);
    struct jv root;
    if (!body.len || !json_read(doc, t->arena, body) || jv_type(root = json_root(doc)) != JSON_OBJECT || jv_type(jv_get(root, "inputs")) != JSON_ARRAY) {
        read_prompt(t, content_type, body);
        return;
    }
    t->prompt_reading = READING_WHOLE;
    struct span header = span_cut(body, 0, jv_node(root)->end), behind = span_cut(body, header.len, body.len);
    t->request_json = header;
    if (!utf8_valid(header))
        prompt_unread(t, "the body is not valid UTF-8");
    bool is_binary = false;
    for (struct jv_walk w = jv_walk(jv_get(root, "inputs")); jv_next(&w);)
        is_binary |= jv_type(jv_path(w.value, "parameters.binary_data_size")) == JSON_NUMBER;
    if (!is_binary && span_trim(behind).len)
        prompt_unread(t, "something follows the JSON value");
    tensors(t, true, root, "inputs", behind);
    for (struct jv_walk w = jv_walk(root); jv_next(&w);)
        if (!key_is(w.key, "inputs") && !key_is(w.key, "id") && !key_is(w.key, "outputs"))
            read_prompt_other(t, w.key, w.value);
        else if (key_is(w.key, "id") && !is_token(jv_text(w.value, t->arena)))
            read_prompt_other(t, w.key, w.value);
}
static void said(struct transcript *t, struct jv root, bool is_stream)
{
    static const char *const known[] = { "outputs", "model_name", "model_version", "id", "text_output", NULL };
    for (struct jv_walk w = jv_walk(root); jv_next(&w);) {
        if (key_is(w.key, "text_output"))
            say_string(t, 0, PART_TEXT, 0, (struct span){ 0 }, w.value);
        else if (key_is(w.key, "model_name") && !t->answer_model.len)
            t->answer_model = arena_copy(t->arena, jv_text(w.value, api_state(t)->scratch));
    }
    say_rest(t, 0, root, known, !is_stream);
}
static bool event(struct transcript *t, struct span name, struct span data) /* Triton's generate_stream */
{
    struct json doc;
    struct arena_mark mark;
    (void)name;
    if (!event_json(t, &doc, data, &mark))
        return false;
    said(t, json_root(&doc), true);
    event_done(t, mark);
    return true;
}
static void answer(struct transcript *t, struct span content_type, struct span body)
{
    struct json *doc = arena_alloc(t->arena, sizeof *doc);
    (void)content_type;
    if (!body.len)
        return;
    if (!json_read(doc, t->arena, body)) {
        answer_json(t, doc, body, NULL);
        return;
    }
    if (t->answer_reading == READING_NONE)
        t->answer_reading = READING_WHOLE;
    struct jv root = json_root(doc);
    struct span behind = span_cut(body, jv_node(root)->end, body.len);
    bool is_binary = false;
    for (struct jv_walk w = jv_walk(jv_get(root, "outputs")); jv_next(&w);)
        is_binary |= jv_type(jv_path(w.value, "parameters.binary_data_size")) == JSON_NUMBER;
    if (!is_binary && span_trim(behind).len)
        answer_unread(t, "something follows the JSON value");
    if (jv_type(root) == JSON_OBJECT)
        tensors(t, false, root, "outputs", behind);
    said(t, root, false);
    t->is_answer_whole = true;
}
static bool matches(struct span method, struct span path)
{
    (void)method;
    return path_has(path, "/v2/models/") && (path_ends(path, "/infer") || path_ends(path, "/generate") || path_ends(path, "/generate_stream"));
}
const struct api api_kserve = { .name = "kserve-v2", .family = "kserve", .doc = "Open Inference Protocol v2, JSON and binary tensors", .matches = matches, .request = request,
    .answer = answer, .event = event, .refuse = refuse_text, .refuse_stream = refuse_text_stream };
