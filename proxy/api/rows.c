/* SPDX-License-Identifier: Apache-2.0
 *
 * rows: tables of classic models, whatever their JSON: lists of records, lists of lists with or without columns, columns of values.
 * Nested values are flattened (`name_0`, `name.key`). NaN, Infinity and numbers past a double are numbers of no value (NaN).
 * At most TRANSCRIPT_ROWS_MOST rows of ROW_FEATURES_MOST features; the rest is counted.
 */
#include "proxy/api/read.h"
#include <math.h>

enum { FLATTEN_DEPTH = 8 };

static void add(struct transcript *t, struct row *r, struct span name, struct jv v, unsigned depth)
{
    double d;
    if (r->n >= ROW_FEATURES_MOST)
        return;
    switch (jv_type(v)) {
    case JSON_NUMBER: row_number(t, r, name, jv_number(v, &d) ? d : (double)NAN); break;
    case JSON_TRUE: row_number(t, r, name, 1); break;
    case JSON_FALSE: row_number(t, r, name, 0); break;
    case JSON_STRING: row_category(t, r, name, jv_text(v, t->arena)); break;
    case JSON_NULL: row_missing(t, r, name); break;
    case JSON_ARRAY: {
        uint32_t i = 0;
        if (depth == FLATTEN_DEPTH)
            break;
        for (struct jv_walk w = jv_walk(v); r->n < ROW_FEATURES_MOST && jv_next(&w); i++)
            add(t, r, arena_printf(t->arena, SPAN_FMT "_%u", SPAN_ARG(name), i), w.value, depth + 1);
        break;
    }
    case JSON_OBJECT:
        if (depth == FLATTEN_DEPTH)
            break;
        for (struct jv_walk w = jv_walk(v); r->n < ROW_FEATURES_MOST && jv_next(&w);) {
            struct span key = jv_text(w.key, t->arena);
            add(t, r, name.len ? arena_printf(t->arena, SPAN_FMT "." SPAN_FMT, SPAN_ARG(name), SPAN_ARG(key)) : key, w.value, depth + 1);
        }
        break;
    default: break;
    }
}
static struct row *next_row(struct transcript *t, bool is_input)
{
    return is_input ? transcript_input_row(t) : transcript_output_row(t);
}
void rows_of_items(struct transcript *t, bool is_input, struct jv items, struct jv columns, const char *base)
{
    struct span names[ROW_FEATURES_MOST];
    size_t nnames = 0, wanted = 0;
    struct jv_walk c = jv_walk(columns);
    while (nnames < ROW_FEATURES_MOST && jv_next(&c)) {
        struct span s = jv_text(c.value, t->arena);
        names[nnames++] = jv_type(c.value) == JSON_STRING ? s : jv_source(c.value);
    }
    for (struct jv_walk w = jv_walk(items); jv_next(&w);) {
        struct row *r = next_row(t, is_input);
        if (!r)
            continue;
        if (jv_type(w.value) == JSON_ARRAY) {
            wanted = 0;
            for (struct jv_walk f = jv_walk(w.value); wanted < ROW_FEATURES_MOST && jv_next(&f); wanted++) {
                if (wanted >= nnames)
                    names[nnames++] = arena_printf(t->arena, "%s_%zu", base, wanted);
                add(t, r, names[wanted], f.value, 0);
            }
        } else if (jv_type(w.value) == JSON_OBJECT) {
            add(t, r, (struct span){ 0 }, w.value, 0);
        } else {
            add(t, r, nnames ? names[0] : span_of(base), w.value, 0);
        }
    }
}
void row_of_value(struct transcript *t, bool is_input, struct jv v, const char *base)
{
    struct row *r = next_row(t, is_input);
    if (r)
        add(t, r, jv_type(v) == JSON_OBJECT ? (struct span){ 0 } : span_of(base), v, 0);
}
void rows_of_columns(struct transcript *t, bool is_input, struct jv columns)
{
    struct jv_walk at[ROW_FEATURES_MOST];
    struct span names[ROW_FEATURES_MOST];
    size_t n = 0;
    bool any = true;
    for (struct jv_walk w = jv_walk(columns); n < ROW_FEATURES_MOST && jv_next(&w);)
        if (jv_type(w.value) == JSON_ARRAY) {
            names[n] = jv_text(w.key, t->arena);
            at[n++] = jv_walk(w.value);
        }
    if (!n) { /* scalars: one row */
        struct row *r = jv_type(columns) == JSON_OBJECT && jv_node(columns)->n ? next_row(t, is_input) : NULL;
        if (r)
            add(t, r, (struct span){ 0 }, columns, 0);
        return;
    }
    while (any) {
        struct row *r = NULL;
        bool is_asked = false;
        any = false;
        for (size_t k = 0; k < n; k++)
            if (jv_next(&at[k])) {
                any = true;
                if (!is_asked)
                    r = next_row(t, is_input), is_asked = true;
                if (r)
                    add(t, r, names[k], at[k].value, 0);
            }
    }
}
