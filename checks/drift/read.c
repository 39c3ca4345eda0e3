/* SPDX-License-Identifier: Apache-2.0
 *
 * read: one pass over the bytes. The kind is told from the first character: `{` begins JSON Lines, anything else a CSV
 * header. A bad line is said with its place and reading goes on, so that all troubles come at once.
 */
#include "checks/drift/read.h"
#include "base/format.h"
#include "base/json.h"
#include "base/parse.h"
#include <math.h>

static struct feature *push_feature(struct arena *a, struct drift_line *line, size_t *cap)
{
    struct feature *f = ARENA_PUSH(a, line->features, line->nfeatures, *cap);
    *f = (struct feature){ .type = FEATURE_MISSING, .number = NAN };
    return f;
}

/* What programs write where there is no number. */
static bool is_no_number(struct span t)
{
    struct span word = t.len && (t.at[0] == '-' || t.at[0] == '+') ? span_cut(t, 1, t.len) : t;
    return span_is_nocase(word, "nan") || span_is_nocase(word, "inf") || span_is_nocase(word, "infinity") || span_is_nocase(t, "null");
}
static void put_cell(struct feature *f, struct span cell, bool has_decimal_comma)
{
    struct span t = span_trim(cell);
    char point[64];
    if (!t.len)
        return;
    char *comma = has_decimal_comma && t.len < sizeof point ? memchr(memcpy(point, t.at, t.len), ',', t.len) : NULL;
    if (comma)
        *comma = '.';
    if (parse_double(comma ? (struct span){ point, t.len } : t, &f->number))
        f->type = FEATURE_NUMBER;
    else if (is_no_number(t))
        f->number = NAN;
    else {
        f->type = FEATURE_CATEGORY;
        f->number = NAN;
        f->category = cell;
    }
}

/* A line of JSON Lines while it is read. */
struct line_reading {
    struct arena *a;
    const char *file;
    unsigned line;
    struct troubles *t;
    bool is_bad, *has_odd_times;
};
static void field_trouble(struct line_reading *r, struct jv at, const char *field, const char *wanted, const char *hint)
{
    const struct json_node *node = jv_node(at);
    trouble_add(r->t, r->file, r->line, node->start + (node->type == JSON_STRING ? 0 : 1), hint, "%s must be %s", field, wanted);
    r->is_bad = true;
}
/* A number, true (1), false (0) or null (NaN: not there); JSON's NaN and Infinity are not there either. */
static double number_of(struct line_reading *r, struct jv v, const char *field)
{
    double d = NAN;
    enum json_type type = jv_type(v);
    if (type == JSON_TRUE || type == JSON_FALSE)
        return jv_true(v);
    if (type == JSON_NUMBER)
        return jv_number(v, &d) ? d : NAN;
    if (type != JSON_NULL)
        field_trouble(r, v, field, "a number, true, false or null", "classes by name go into \"features\"");
    return d;
}
/* A text, or an array of texts (the choices), joined by newlines; null: not there. */
static struct span text_of(struct line_reading *r, struct jv v, const char *field)
{
    struct span all = { 0 };
    size_t bytes = 0;
    if (jv_type(v) == JSON_STRING) {
        struct span t = jv_text(v, r->a);
        return t.at ? t : SPAN("");
    }
    if (jv_type(v) == JSON_NULL)
        return all;
    if (jv_type(v) != JSON_ARRAY) {
        field_trouble(r, v, field, "a text, or a list of texts", "put it between quotes, or leave it out");
        return all;
    }
    for (struct jv_walk w = jv_walk(v); jv_next(&w);) {
        if (jv_type(w.value) == JSON_NULL)
            continue;
        if (jv_type(w.value) != JSON_STRING) {
            field_trouble(r, w.value, field, "a list of texts alone", "put each between quotes");
            return all;
        }
        bytes += jv_source(w.value).len + 1;
    }
    char *joined = arena_alloc_raw(r->a, bytes + 1);
    for (struct jv_walk w = jv_walk(v); jv_next(&w);)
        if (jv_type(w.value) == JSON_STRING) {
            struct span t = jv_text(w.value, r->a); /* never longer than its source */
            if (all.at)
                joined[all.len++] = '\n';
            if (t.len)
                memcpy(joined + all.len, t.at, t.len);
            all = (struct span){ joined, all.len + t.len };
        }
    return all;
}
/* A 13th month or a 30 February, as made-up series have them: what matters is the order, so they are taken as the days that many further on. */
static bool time_beyond(struct span s, int64_t *out)
{
    char text[64];
    unsigned digit[8] = { 0 };
    static const unsigned char at[] = { 0, 1, 2, 3, 5, 6, 8, 9 };
    if (s.len < 10 || s.len >= sizeof text || s.at[4] != '-' || s.at[7] != '-')
        return false;
    for (size_t i = 0; i < 8; i++) {
        digit[i] = (unsigned)(s.at[at[i]] - '0');
        if (digit[i] > 9)
            return false;
    }
    unsigned year = digit[0] * 1000 + digit[1] * 100 + digit[2] * 10 + digit[3], month = digit[4] * 10 + digit[5], day = digit[6] * 10 + digit[7];
    if (!month || !day)
        return false;
    snprintf(text, sizeof text, "%04u-%02u-01%.*s", year + (month - 1) / 12, (month - 1) % 12 + 1, (int)(s.len - 10), s.at + 10);
    if (!parse_time_us(span_of(text), out))
        return false;
    *out += (int64_t)(day - 1) * 86400 * 1000000;
    return true;
}
static void time_of(struct line_reading *r, struct jv v, const char *field, int64_t *out)
{
    struct span s = jv_type(v) == JSON_STRING ? jv_text(v, r->a) : jv_source(v);
    if (jv_type(v) == JSON_NULL || (jv_type(v) <= JSON_STRING && parse_time_us(s, out)))
        return;
    if (jv_type(v) == JSON_STRING && time_beyond(s, out)) {
        if (!*r->has_odd_times)
            trouble_warn(r->t, r->file, r->line, jv_node(v)->start, "only their order matters here; said once", "%s: '" SPAN_FMT "' is no date of the calendar, and is taken as that many days further on", field, SPAN_ARG(s));
        *r->has_odd_times = true;
        return;
    }
    field_trouble(r, v, field, "a time", "write 2026-11-24T07:51:11Z, or seconds since 1970");
}
static void features_of(struct line_reading *r, struct jv v, struct drift_line *line)
{
    size_t cap = 0;
    if (jv_type(v) != JSON_OBJECT) {
        if (jv_type(v) != JSON_NULL)
            field_trouble(r, v, "features", "an object", "write {\"features\": {\"NAME\": value}}");
        return;
    }
    for (struct jv_walk f = jv_walk(v); jv_next(&f) && line->nfeatures < DRIFT_COLUMNS_MOST;) {
        struct feature *to = push_feature(r->a, line, &cap);
        to->name = jv_text(f.key, r->a);
        enum json_type type = jv_type(f.value);
        if (type == JSON_NUMBER && jv_number(f.value, &to->number))
            to->type = FEATURE_NUMBER;
        else if (type == JSON_TRUE || type == JSON_FALSE)
            *to = (struct feature){ to->name, FEATURE_CATEGORY, NAN, type == JSON_TRUE ? SPAN("true") : SPAN("false") };
        else if (type == JSON_STRING && jv_text(f.value, r->a).len)
            *to = (struct feature){ to->name, FEATURE_CATEGORY, NAN, jv_text(f.value, r->a) };
        else if (type == JSON_OBJECT || type == JSON_ARRAY)
            *to = (struct feature){ to->name, FEATURE_CATEGORY, NAN, jv_source(f.value) };
    }
}

static bool read_object(struct line_reading *r, struct span text, struct drift_line *line)
{
    struct json *doc = arena_alloc(r->a, sizeof *doc);
    if (!json_read(doc, r->a, text)) {
        trouble_add(r->t, r->file, r->line, (unsigned)doc->bad_at + 1, "one JSON object a line", "%s", doc->bad);
        return false;
    }
    struct jv root = json_root(doc);
    if (jv_type(root) != JSON_OBJECT || span_trim(span_cut(text, doc->end, text.len)).len) {
        trouble_add(r->t, r->file, r->line, (unsigned)(jv_type(root) == JSON_OBJECT ? doc->end + 1 : 1), "one JSON object a line",
                    jv_type(root) == JSON_OBJECT ? "something follows the object" : "not a JSON object");
        return false;
    }
    line->score = line->prediction = line->label = NAN;
    line->at_us = line->label_at_us = INT64_MIN;
    for (struct jv_walk w = jv_walk(root); jv_next(&w);) {
        if (jv_text_is(w.key, "prompt"))
            line->prompt = text_of(r, w.value, "prompt");
        else if (jv_text_is(w.key, "response"))
            line->response = text_of(r, w.value, "response");
        else if (jv_text_is(w.key, "score"))
            line->score = number_of(r, w.value, "score");
        else if (jv_text_is(w.key, "prediction"))
            line->prediction = number_of(r, w.value, "prediction");
        else if (jv_text_is(w.key, "label"))
            line->label = number_of(r, w.value, "label");
        else if (jv_text_is(w.key, "group"))
            line->group = jv_type(w.value) == JSON_NUMBER || jv_type(w.value) == JSON_TRUE || jv_type(w.value) == JSON_FALSE ? jv_source(w.value) : text_of(r, w.value, "group");
        else if (jv_text_is(w.key, "at"))
            time_of(r, w.value, "at", &line->at_us);
        else if (jv_text_is(w.key, "label_at"))
            time_of(r, w.value, "label_at", &line->label_at_us);
        else if (jv_text_is(w.key, "features"))
            line->nfeatures = 0, features_of(r, w.value, line);
    }
    if (r->is_bad)
        return false;
    if (!line->prompt.at && !line->response.at && !line->nfeatures && isnan(line->score) && isnan(line->prediction) && isnan(line->label)) {
        trouble_add(r->t, r->file, r->line, 1, "give \"prompt\", \"response\" or \"features\" (label streams: \"score\", \"prediction\", \"label\")",
                    "nothing to compare in this line");
        return false;
    }
    return true;
}

static void read_lines(struct arena *a, const char *file, struct span content, struct drift_lines *out, struct troubles *t)
{
    unsigned number = 0;
    bool has_odd_times = false;
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
        if (!read_object(&(struct line_reading){ .a = a, .file = file, .line = number, .t = t, .has_odd_times = &has_odd_times }, text, &line))
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
    char between;          /* the delimiter */
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
        if (p < end && *p != c->between && *p != '\n' && !(*p == '\r' && (p + 1 == end || p[1] == '\n'))) {
            trouble_add(c->troubles, c->file, c->line, 0, "double a quote that belongs to the cell", "text after a closing quote");
            return AFTER_TROUBLE;
        }
    } else {
        while (p < end && *p != c->between && *p != '\n')
            p++;
        size_t n = (size_t)(p - from);
        *cell = (struct span){ from, n && from[n - 1] == '\r' && (p == end || *p == '\n') ? n - 1 : n };
    }
    while (p < end && *p == '\r')
        p++;
    enum after after = p == end ? AFTER_ALL : *p == c->between ? AFTER_CELL : AFTER_RECORD;
    c->column += (unsigned)(p - c->rest.at) + 1;
    if (after == AFTER_RECORD) {
        c->line++;
        c->column = 1;
    }
    p += p < end;
    c->rest = (struct span){ p, (size_t)(end - p) };
    return after;
}

/* The header's most frequent one of , ; tab and | outside quotes; a comma where there is none (one column). */
static char delimiter_of(struct span content)
{
    static const char known[] = ",;\t|";
    size_t counts[4] = { 0 }, best = 0;
    bool quoted = false;
    for (size_t i = 0; i < content.len && (quoted || content.at[i] != '\n'); i++) {
        const char *at = quoted || !content.at[i] ? NULL : strchr(known, content.at[i]);
        quoted ^= content.at[i] == '"';
        if (at)
            counts[at - known]++;
    }
    for (size_t i = 1; i < 4; i++)
        best = counts[i] > counts[best] ? i : best;
    return known[best];
}
static void read_csv(struct arena *a, const char *file, struct span content, struct drift_lines *out, struct troubles *t)
{
    struct csv c = { .a = a, .file = file, .rest = content, .line = 1, .column = 1, .between = delimiter_of(content), .troubles = t };
    struct span *names = NULL;
    size_t n = 0, cap = 0, named = 0;
    enum after after;
    do {
        struct span cell;
        after = read_cell(&c, &cell);
        if (after == AFTER_TROUBLE)
            return;
        cell = span_trim(cell);
        named += cell.len > 0;
        if (!cell.len) /* often a row number that a program put there */
            trouble_warn(t, file, 1, 0, "give it a name in the header if it matters", "column %zu has no name: it is left out", n + 1);
        for (size_t i = 0; i < n && cell.len; i++)
            if (span_same(names[i], cell))
                trouble_add(t, file, 1, 0, "give each column its own name", "column '" SPAN_FMT "' twice in the header", SPAN_ARG(cell));
        if (n >= DRIFT_COLUMNS_MOST) {
            trouble_add(t, file, 1, 0, "leave some out", "more than %d columns", DRIFT_COLUMNS_MOST);
            return;
        }
        *ARENA_PUSH(a, names, n, cap) = cell;
    } while (after == AFTER_CELL);
    if (!named) {
        trouble_add(t, file, 1, 1, "begin with a line of names", "no column has a name");
        return;
    }
    while (after == AFTER_RECORD && c.rest.len) {
        unsigned line = c.line;
        struct drift_line row = { .score = NAN, .prediction = NAN, .label = NAN, .at_us = INT64_MIN, .label_at_us = INT64_MIN };
        row.features = arena_alloc(a, named * sizeof *row.features);
        size_t i = 0;
        bool is_blank = true;
        do {
            struct span cell;
            after = read_cell(&c, &cell);
            if (after == AFTER_TROUBLE)
                return;
            is_blank &= cell.len == 0;
            if (i < n && names[i].len) {
                struct feature *f = &row.features[row.nfeatures++];
                *f = (struct feature){ .name = names[i], .type = FEATURE_MISSING, .number = NAN };
                put_cell(f, cell, c.between == ';');
            }
            i++;
        } while (after == AFTER_CELL);
        if (i == 1 && is_blank && n != 1)
            continue;
        if (i != n) {
            trouble_add(t, file, line, 1, c.between == ',' ? "as many cells as the header has; quote a cell that holds a comma" : "as many cells as the header has",
                        "%zu cells where the header has %zu", i, n);
            continue;
        }
        if (out->n >= DRIFT_ROWS_MOST) {
            trouble_add(t, file, line, 1, "compare a part of it", "more than %d observations", DRIFT_ROWS_MOST);
            return;
        }
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
    const char *format = file_format(content);
    if (format || memchr(begin.at, 0, begin.len < 4096 ? begin.len : 4096)) {
        trouble_add(t, file, 1, 1, "give JSON Lines or CSV with a header", format ? "this is %s" : "binary bytes, no text%s", format ? format : "");
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
