/* SPDX-License-Identifier: Apache-2.0
 *
 * read: one pass over the bytes. The kind is told from the first character: `{` begins JSON Lines, anything else a CSV
 * header. A bad line is said with its place and reading goes on, so that all troubles come at once.
 */
#include "checks/drift/read.h"
#include "base/json.h"
#include "base/parse.h"
#include <math.h>

static struct feature *push_feature(struct arena *a, struct drift_line *line, size_t *cap)
{
    struct feature *f = ARENA_PUSH(a, line->features, line->nfeatures, *cap);
    *f = (struct feature){ .type = FEATURE_MISSING, .number = NAN };
    return f;
}

static void put_cell(struct feature *f, struct span cell)
{
    struct span t = span_trim(cell);
    if (!t.len)
        return;
    if (parse_double(t, &f->number))
        f->type = FEATURE_NUMBER;
    else if (span_is_nocase(t, "nan") || span_is_nocase(t, "inf") || span_is_nocase(t, "-inf") || span_is_nocase(t, "null"))
        f->number = NAN;
    else {
        f->type = FEATURE_CATEGORY;
        f->number = NAN;
        f->category = cell;
    }
}

static double number_of(struct jv v)
{
    double d = NAN;
    if (jv_type(v) == JSON_TRUE || jv_type(v) == JSON_FALSE)
        return jv_true(v);
    jv_number(v, &d);
    return d;
}

static struct span text_of(struct arena *a, struct jv v)
{
    if (jv_type(v) == JSON_STRING) {
        struct span t = jv_text(v, a);
        return t.at ? t : SPAN("");
    }
    struct span all = { 0 };
    if (jv_type(v) == JSON_ARRAY)
        for (struct jv_walk w = jv_walk(v); jv_next(&w);)
            if (jv_type(w.value) == JSON_STRING) {
                struct span t = jv_text(w.value, a);
                all = all.at ? arena_printf(a, SPAN_FMT "\n" SPAN_FMT, SPAN_ARG(all), SPAN_ARG(t)) : t;
            }
    return all;
}

static bool read_object(struct arena *a, const char *file, unsigned line_number, struct span text, struct drift_line *line, struct troubles *t)
{
    struct json *doc = arena_alloc(a, sizeof *doc);
    if (!json_read(doc, a, text)) {
        trouble_add(t, file, line_number, (unsigned)doc->bad_at + 1, "one JSON object a line", "%s", doc->bad);
        return false;
    }
    struct jv root = json_root(doc);
    if (jv_type(root) != JSON_OBJECT || span_trim(span_cut(text, doc->end, text.len)).len) {
        trouble_add(t, file, line_number, (unsigned)(jv_type(root) == JSON_OBJECT ? doc->end + 1 : 1), "one JSON object a line", "not a JSON object");
        return false;
    }
    size_t cap = 0;
    line->score = line->prediction = line->label = NAN;
    line->at_us = line->label_at_us = INT64_MIN;
    for (struct jv_walk w = jv_walk(root); jv_next(&w);) {
        if (jv_text_is(w.key, "prompt"))
            line->prompt = text_of(a, w.value);
        else if (jv_text_is(w.key, "response"))
            line->response = text_of(a, w.value);
        else if (jv_text_is(w.key, "score"))
            line->score = number_of(w.value);
        else if (jv_text_is(w.key, "prediction"))
            line->prediction = number_of(w.value);
        else if (jv_text_is(w.key, "label"))
            line->label = number_of(w.value);
        else if (jv_text_is(w.key, "group"))
            line->group = text_of(a, w.value);
        else if (jv_text_is(w.key, "at"))
            parse_time_us(jv_type(w.value) == JSON_STRING ? text_of(a, w.value) : jv_source(w.value), &line->at_us);
        else if (jv_text_is(w.key, "label_at"))
            parse_time_us(jv_type(w.value) == JSON_STRING ? text_of(a, w.value) : jv_source(w.value), &line->label_at_us);
        else if (jv_text_is(w.key, "features") && jv_type(w.value) == JSON_OBJECT)
            for (struct jv_walk f = jv_walk(w.value); jv_next(&f) && line->nfeatures < DRIFT_COLUMNS_MOST;) {
                struct feature *to = push_feature(a, line, &cap);
                to->name = jv_text(f.key, a);
                enum json_type type = jv_type(f.value);
                if (type == JSON_NUMBER && jv_number(f.value, &to->number))
                    to->type = FEATURE_NUMBER;
                else if (type == JSON_TRUE || type == JSON_FALSE)
                    *to = (struct feature){ to->name, FEATURE_CATEGORY, NAN, type == JSON_TRUE ? SPAN("true") : SPAN("false") };
                else if (type == JSON_STRING && jv_text(f.value, a).len)
                    *to = (struct feature){ to->name, FEATURE_CATEGORY, NAN, jv_text(f.value, a) };
                else if (type == JSON_OBJECT || type == JSON_ARRAY)
                    *to = (struct feature){ to->name, FEATURE_CATEGORY, NAN, jv_source(f.value) };
            }
    }
    if (!line->prompt.at && !line->response.at && !line->nfeatures && isnan(line->score) && isnan(line->prediction) && isnan(line->label)) {
        trouble_add(t, file, line_number, 1, "give \"prompt\", \"response\" or \"features\" (label streams: \"score\", \"prediction\", \"label\")",
                    "nothing to compare in this line");
        return false;
    }
    return true;
}

static void read_lines(struct arena *a, const char *file, struct span content, struct drift_lines *out, struct troubles *t)
{
    unsigned number = 0;
    while (content.len) {
        number++;
        const char *end = memchr(content.at, '\n', content.len);
        size_t n = end ? (size_t)(end - content.at) : content.len;
        struct span text = span_cut(content, 0, n);
        content = span_cut(content, end ? n + 1 : n, content.len);
        if (!span_trim(text).len)
            continue;
        if (out->n >= DRIFT_ROWS_MOST) {
            trouble_add(t, file, number, 1, "compare a part of it", "more than %d observations", DRIFT_ROWS_MOST);
            return;
        }
        struct drift_line line = { 0 };
        if (!read_object(a, file, number, text, &line, t))
            continue;
        out->has_outcomes |= !isnan(line.score) || !isnan(line.prediction) || !isnan(line.label);
        *ARENA_PUSH(a, out->list, out->n, out->cap) = line;
    }
}

struct csv {
    struct arena *a;
    const char *file;
    struct span rest;
    unsigned line, column;
    struct troubles *troubles;
};
enum after { AFTER_CELL, AFTER_RECORD, AFTER_ALL, AFTER_TROUBLE };

/* One cell; what follows it is returned. */
static enum after read_cell(struct csv *c, struct span *cell)
{
    unsigned line = c->line, column = c->column;
    const char *p = c->rest.at, *end = p + c->rest.len, *from = p;
    if (p < end && *p == '"') {
        size_t quotes = 0;
        unsigned lines = 0;
        for (from = ++p;; p++) {
            if (p == end) {
                trouble_add(c->troubles, c->file, line, column, "close the quote", "a quoted cell that does not end");
                return AFTER_TROUBLE;
            }
            if (*p == '"') {
                if (p + 1 < end && p[1] == '"') {
                    quotes++;
                    p++;
                    continue;
                }
                break;
            }
            lines += *p == '\n';
        }
        *cell = (struct span){ from, (size_t)(p - from) };
        if (quotes) {
            char *plain = arena_alloc_raw(c->a, cell->len + 1);
            size_t n = 0;
            for (size_t i = 0; i < cell->len; i++) {
                plain[n++] = cell->at[i];
                i += cell->at[i] == '"';
            }
            *cell = (struct span){ plain, n };
        }
        p++;
        c->line += lines;
        if (p < end && *p != ',' && *p != '\n' && !(*p == '\r' && (p + 1 == end || p[1] == '\n'))) {
            trouble_add(c->troubles, c->file, c->line, 0, "double a quote that belongs to the cell", "text after a closing quote");
            return AFTER_TROUBLE;
        }
    } else {
        while (p < end && *p != ',' && *p != '\n')
            p++;
        size_t n = (size_t)(p - from);
        *cell = (struct span){ from, n && from[n - 1] == '\r' && (p == end || *p == '\n') ? n - 1 : n };
    }
    while (p < end && *p == '\r')
        p++;
    enum after after = p == end ? AFTER_ALL : *p == ',' ? AFTER_CELL : AFTER_RECORD;
    c->column += (unsigned)(p - c->rest.at) + 1;
    if (after == AFTER_RECORD) {
        c->line++;
        c->column = 1;
    }
    p += p < end;
    c->rest = (struct span){ p, (size_t)(end - p) };
    return after;
}

static void read_csv(struct arena *a, const char *file, struct span content, struct drift_lines *out, struct troubles *t)
{
    struct csv c = { .a = a, .file = file, .rest = content, .line = 1, .column = 1, .troubles = t };
    struct span *names = NULL;
    size_t n = 0, cap = 0;
    enum after after;
    do {
        struct span cell;
        after = read_cell(&c, &cell);
        if (after == AFTER_TROUBLE)
            return;
        cell = span_trim(cell);
        for (size_t i = 0; i < n; i++)
            if (span_same(names[i], cell))
                trouble_add(t, file, 1, 0, "give each column its own name", "column '" SPAN_FMT "' twice in the header", SPAN_ARG(cell));
        if (n >= DRIFT_COLUMNS_MOST) {
            trouble_add(t, file, 1, 0, "leave some out", "more than %d columns", DRIFT_COLUMNS_MOST);
            return;
        }
        *ARENA_PUSH(a, names, n, cap) = cell;
    } while (after == AFTER_CELL);
    while (after == AFTER_RECORD && c.rest.len) {
        unsigned line = c.line;
        struct drift_line row = { .score = NAN, .prediction = NAN, .label = NAN, .at_us = INT64_MIN, .label_at_us = INT64_MIN };
        row.features = arena_alloc(a, n * sizeof *row.features);
        size_t i = 0;
        bool is_blank = true;
        do {
            struct span cell;
            after = read_cell(&c, &cell);
            if (after == AFTER_TROUBLE)
                return;
            is_blank &= cell.len == 0;
            if (i < n) {
                row.features[i].name = names[i];
                row.features[i].number = NAN;
                row.features[i].type = FEATURE_MISSING;
                put_cell(&row.features[i], cell);
            }
            i++;
        } while (after == AFTER_CELL);
        if (i == 1 && is_blank && n != 1)
            continue;
        if (i != n) {
            trouble_add(t, file, line, 1, "as many cells as the header has", "%zu cells where the header has %zu", i, n);
            continue;
        }
        if (out->n >= DRIFT_ROWS_MOST) {
            trouble_add(t, file, line, 1, "compare a part of it", "more than %d observations", DRIFT_ROWS_MOST);
            return;
        }
        row.nfeatures = n;
        *ARENA_PUSH(a, out->list, out->n, out->cap) = row;
    }
}

bool drift_read(struct arena *a, const char *file, struct span content, struct drift_lines *out, struct troubles *t)
{
    unsigned before = t->errors;
    *out = (struct drift_lines){ 0 };
    if (span_starts(content, "\xef\xbb\xbf"))
        content = span_cut(content, 3, content.len);
    struct span begin = span_trim(content);
    if (!begin.len) {
        trouble_add(t, file, 1, 1, "give JSON Lines or CSV with a header", "the file is empty");
        return false;
    }
    if (begin.at[0] == '{' || begin.at[0] == '[')
        read_lines(a, file, content, out, t);
    else
        read_csv(a, file, content, out, t);
    if (t->errors == before && !out->n)
        trouble_add(t, file, 1, 1, "put rows below it", "a header and nothing else");
    return t->errors == before;
}

bool drift_sample_line(struct drift_sample *s, const struct drift_line *line)
{
    if (!drift_sample_row(s))
        return false;
    for (size_t i = 0; i < line->nfeatures; i++) {
        const struct feature *f = &line->features[i];
        if (f->type == FEATURE_NUMBER)
            drift_sample_number(s, f->name, f->number);
        else if (f->type == FEATURE_CATEGORY)
            drift_sample_category(s, f->name, f->category);
        else
            drift_sample_missing(s, f->name);
    }
    if (line->prompt.at)
        drift_sample_text(s, ON_PROMPT, line->prompt);
    if (line->response.at)
        drift_sample_text(s, ON_ANSWER, line->response);
    return true;
}
