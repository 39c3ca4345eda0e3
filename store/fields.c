/* SPDX-License-Identifier: Apache-2.0
 * The table of a record's members, and the record as JSON made from it. */
#include "store/fields.h"
#include "base/json.h"
#include "base/must.h"
#include "base/parse.h"
#include "base/utf8.h"
#include <inttypes.h>
#include <limits.h>

#define F(tag, kind, part, member) { #member, tag, FIELD_##kind, PART_##part, offsetof(struct record, member) }
const struct record_field record_fields[] = {
    F(1, ID, FACTS, id), F(2, TIME, FACTS, at_us),
    F(3, TEXT, FACTS, route), F(4, TEXT, FACTS, api), F(5, TEXT, FACTS, model), F(6, TEXT, FACTS, answer_model),
    F(7, TEXT, FACTS, method), F(8, TEXT, FACTS, upstream),
    F(9, INT, FACTS, status), F(10, INT, FACTS, upstream_status), F(11, TEXT, FACTS, error),
    F(12, BOOL, FACTS, is_stream), F(13, BOOL, FACTS, is_answer_whole),
    F(14, TEXT, FACTS, verdict), F(15, TEXT, FACTS, rule), F(16, JSON, FACTS, rules), F(17, JSON, FACTS, scores), F(18, TEXT, FACTS, ruleset),
    F(19, COUNT, FACTS, input_tokens), F(20, COUNT, FACTS, output_tokens), F(21, COUNT, FACTS, cache_read_tokens), F(22, COUNT, FACTS, cache_write_tokens),
    F(23, TEXT, FACTS, usage_origin), F(24, COUNT, FACTS, first_byte_us), F(25, COUNT, FACTS, total_us),
    F(26, COUNT, FACTS, request_bytes), F(27, COUNT, FACTS, answer_bytes),
    F(28, TEXT, FACTS, request_type), F(29, TEXT, FACTS, request_coding), F(30, TEXT, FACTS, answer_type), F(31, TEXT, FACTS, answer_coding),
    F(32, BOOL, FACTS, is_request_cut), F(33, BOOL, FACTS, is_answer_cut),
    F(64, TEXT, WHO, caller), F(65, TEXT, WHO, session), F(66, TEXT, WHO, join), F(67, JSON, WHO, tags),
    F(96, TEXT, CONTENT, path), F(97, JSON, CONTENT, findings), F(98, TEXT, CONTENT, question), F(99, TEXT, CONTENT, answer_start),
    /* Hashes of the bodies are content: the hash of a short text tells the text to whoever can guess it. */
    F(100, HASH, CONTENT, request_sha256), F(101, HASH, CONTENT, answer_sha256),
    F(102, BODY, CONTENT, request), F(103, BODY, CONTENT, answer),
};
const unsigned record_fields_n = sizeof record_fields / sizeof record_fields[0];

uint64_t field_number(const struct record_field *f, const struct record *r)
{
    const char *at = (const char *)r + f->offset;
    switch (f->kind) {
    case FIELD_TIME: return (uint64_t)*(const int64_t *)(const void *)at;
    case FIELD_INT: return (uint64_t)(int64_t)*(const int *)(const void *)at;
    case FIELD_COUNT: return *(const uint64_t *)(const void *)at;
    case FIELD_BOOL: return *(const bool *)(const void *)at ? 1 : 0;
    default: must(!"a number"); return 0;
    }
}

bool field_set_number(const struct record_field *f, struct record *r, uint64_t v)
{
    char *at = (char *)r + f->offset;
    switch (f->kind) {
    case FIELD_TIME: *(int64_t *)(void *)at = (int64_t)v; return true;
    case FIELD_COUNT: *(uint64_t *)(void *)at = v; return true;
    case FIELD_INT:
        if ((int64_t)v < INT_MIN || (int64_t)v > INT_MAX)
            return false;
        *(int *)(void *)at = (int)(int64_t)v;
        return true;
    case FIELD_BOOL:
        if (v > 1)
            return false;
        *(bool *)(void *)at = v != 0;
        return true;
    default: must(!"a number"); return false;
    }
}

static void add_base64(struct buf *out, struct span s)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *u = (const unsigned char *)s.at;
    for (size_t i = 0; i < s.len; i += 3) {
        char *p = buf_reserve(out, 4);
        if (!p)
            return;
        uint32_t v = (uint32_t)u[i] << 16 | (i + 1 < s.len ? (uint32_t)u[i + 1] << 8 : 0) | (i + 2 < s.len ? u[i + 2] : 0);
        p[0] = digits[v >> 18];
        p[1] = digits[v >> 12 & 63];
        p[2] = i + 1 < s.len ? digits[v >> 6 & 63] : '=';
        p[3] = i + 2 < s.len ? digits[v & 63] : '=';
        out->len += 4;
    }
}

/* A member that holds JSON goes in as JSON, on one line; what is not strict JSON (it should be, but a record outlives the code that
 * wrote it) goes in as a string, so that the line stays readable. */
static void add_embedded(struct buf *out, struct span s)
{
    struct arena *a = arena_new(16 << 20);
    struct json doc;
    bool ok = s.len <= 4 << 20 && json_read(&doc, a, s) && !doc.odd && span_trim(span_cut(s, doc.end, s.len)).len == 0 && utf8_valid(s);
    arena_free(a);
    if (!ok) {
        buf_add_char(out, '"');
        buf_add_json(out, s);
        buf_add_char(out, '"');
        return;
    }
    size_t from = out->len;
    if (buf_add(out, s))
        for (size_t i = from; i < out->len; i++)      /* raw line ends stand between values only: strict strings hold none */
            if ((unsigned char)out->bytes[i] < 0x20)
                out->bytes[i] = ' ';
}

void record_add_json(struct buf *out, const struct record *r, enum record_bodies bodies)
{
    char comma = '{', time[32];
    for (unsigned i = 0; i < record_fields_n; i++) {
        const struct record_field *f = &record_fields[i];
        if (f->kind == FIELD_BODY && bodies == BODIES_NONE)
            continue;
        buf_add_char(out, comma);
        comma = ',';
        bool as_text = f->kind != FIELD_BODY || utf8_valid(*field_span(f, r));
        if (f->kind == FIELD_TIME) {
            format_time(r->at_us, time);
            buf_printf(out, "\"at\":\"%s\",", time);
        }
        buf_printf(out, "\"%s%s\":", f->name, as_text ? "" : "_base64");
        switch (f->kind) {
        case FIELD_ID:
            buf_add_char(out, '"');
            buf_add_json(out, span_of(r->id));
            buf_add_char(out, '"');
            break;
        case FIELD_TIME: case FIELD_INT: buf_printf(out, "%" PRId64, (int64_t)field_number(f, r)); break;
        case FIELD_COUNT: buf_printf(out, "%" PRIu64, field_number(f, r)); break;
        case FIELD_BOOL: buf_add_text(out, field_number(f, r) ? "true" : "false"); break;
        case FIELD_HASH:
            buf_add_char(out, '"');
            for (int b = 0; b < 32; b++)
                buf_printf(out, "%02x", ((const unsigned char *)r + f->offset)[b]);
            buf_add_char(out, '"');
            break;
        case FIELD_JSON:
            if (field_span(f, r)->len)
                add_embedded(out, *field_span(f, r));
            else
                buf_add_text(out, "null");
            break;
        default:
            buf_add_char(out, '"');
            if (as_text)
                buf_add_json(out, *field_span(f, r));
            else
                add_base64(out, *field_span(f, r));
            buf_add_char(out, '"');
        }
    }
    buf_add_char(out, '}');
}
