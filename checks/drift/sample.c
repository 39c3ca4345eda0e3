/* SPDX-License-Identifier: Apache-2.0
 *
 * sample: observations kept column by column. A column grows to the current row only when it is given a value, so a
 * row that lacks it costs nothing and counts as missing. Categories are numbered in order of arrival, found by hash;
 * each column keeps its own. Memory: 16 bytes a cell, 4 bytes a term.
 */
#include "checks/drift/sample.h"
#include "checks/drift/random.h"
#include <math.h>
#include <stdio.h>

enum { CATEGORY_TEXT_MOST = 60 };

struct drift_sample *drift_sample_new(struct arena *a)
{
    struct drift_sample *s = arena_alloc(a, sizeof *s);
    s->arena = a;
    s->names_size = 1024;
    s->names = arena_alloc(a, s->names_size * sizeof *s->names);
    return s;
}

uint32_t drift_sample_size(const struct drift_sample *s) { return s->n; }

/* Rows without a text still need their (empty) place. */
static void close_terms(struct drift_sample *s)
{
    for (int on = 1; on <= 2; on++)
        for (int f = 0; f < TERM_FAMILIES; f++) {
            struct terms *t = &s->terms[on][f];
            while (t->nstart <= s->n)
                *ARENA_PUSH(s->arena, t->start, t->nstart, t->start_cap) = (uint32_t)t->n;
        }
}

/* A whole row of data as one category: rows that come again and again (a stuck feed) show there. */
static void close_row(struct drift_sample *s)
{
    if (!s->row_hash)
        return;
    struct column *c = sample_column(s, SPAN("(rows)"), "rows", 0);
    if (c) {
        char text[20];
        int n = snprintf(text, sizeof text, "row %08x", (unsigned)(s->row_hash >> 32));
        sample_put_category(s, c, (struct span){ text, (size_t)n });
    }
    s->row_hash = 0;
}

void sample_close(struct drift_sample *s)
{
    close_row(s);
    close_terms(s);
}

bool drift_sample_row(struct drift_sample *s)
{
    close_row(s);
    if (s->n >= DRIFT_ROWS_MOST)
        return false;
    close_terms(s);
    s->n++;
    s->next_column = 0;
    return true;
}

struct column *sample_column(struct drift_sample *s, struct span name, const char *kind, enum side on)
{
    uint64_t hash = hash_bytes(name.at, name.len, 14695981039346656037u + (kind != NULL));
    /* Rows name their columns in the same order nearly always: look at the next one first. */
    for (uint32_t i = 0; i < s->ncolumns; i++) {
        uint32_t at = s->next_column + i;
        at = at >= s->ncolumns ? at - s->ncolumns : at;
        if (s->columns[at].hash == hash && span_is(name, s->columns[at].name)) {
            s->next_column = at + 1 < s->ncolumns ? at + 1 : 0;
            return &s->columns[at];
        }
    }
    if (s->ncolumns >= DRIFT_COLUMNS_MOST) {
        s->columns_left_out++;
        return NULL;
    }
    struct column *c = ARENA_PUSH(s->arena, s->columns, s->ncolumns, s->columns_cap);
    *c = (struct column){ .name = arena_text(s->arena, name), .hash = hash, .kind = kind, .on = on };
    return c;
}

static struct cell *cell_of(struct drift_sample *s, struct column *c)
{
    while (c->n < s->n)
        *ARENA_PUSH(s->arena, c->cells, c->n, c->cap) = (struct cell){ .number = NAN };
    return &c->cells[c->n - 1];
}

void sample_put_number(struct drift_sample *s, struct column *c, double number)
{
    if (!s->n)
        return;
    *cell_of(s, c) = (struct cell){ .number = isfinite(number) ? number : NAN };
    c->numbers += isfinite(number) != 0;
}

static uint32_t category_find(struct drift_sample *s, struct column *c, struct span text)
{
    uint64_t hash = hash_bytes(text.at, text.len, 14695981039346656037u);
    if (2 * c->ncategories >= c->index_size) {
        c->index_size = c->index_size ? 2 * c->index_size : 32;
        c->index = arena_alloc(s->arena, c->index_size * sizeof *c->index);
        for (uint32_t i = 0; i < c->ncategories; i++) {
            uint32_t at = (uint32_t)c->categories[i].hash & (c->index_size - 1);
            while (c->index[at])
                at = (at + 1) & (c->index_size - 1);
            c->index[at] = i + 1;
        }
    }
    uint32_t at = (uint32_t)hash & (c->index_size - 1);
    for (; c->index[at]; at = (at + 1) & (c->index_size - 1))
        if (c->categories[c->index[at] - 1].hash == hash)
            return c->index[at];
    size_t keep = text.len > CATEGORY_TEXT_MOST ? CATEGORY_TEXT_MOST : text.len;
    while (keep && keep < text.len && ((unsigned char)text.at[keep] & 0xc0) == 0x80)
        keep--; /* never half a character */
    *ARENA_PUSH(s->arena, c->categories, c->ncategories, c->categories_cap) =
        (struct category){ .hash = hash, .text = arena_text(s->arena, span_cut(text, 0, keep)) };
    return c->index[at] = c->ncategories;
}

void sample_put_category(struct drift_sample *s, struct column *c, struct span category)
{
    if (!s->n)
        return;
    uint32_t id = category_find(s, c, category);
    *cell_of(s, c) = (struct cell){ .number = NAN, .category = id };
    c->categories_seen++;
}

static void mix(struct drift_sample *s, struct span name, const void *value, size_t n)
{
    uint64_t h = hash_bytes(name.at, name.len, 14695981039346656037u);
    s->row_hash += hash_bytes(value, n, h) | 1; /* a sum: the order of the columns does not matter */
}
void drift_sample_number(struct drift_sample *s, struct span name, double number)
{
    struct column *c = sample_column(s, name, NULL, 0);
    if (!c)
        return;
    sample_put_number(s, c, number);
    mix(s, name, &number, sizeof number);
}
void drift_sample_category(struct drift_sample *s, struct span name, struct span category)
{
    struct column *c = sample_column(s, name, NULL, 0);
    if (!c)
        return;
    sample_put_category(s, c, category);
    mix(s, name, category.at, category.len);
}
void drift_sample_missing(struct drift_sample *s, struct span name)
{
    struct column *c = sample_column(s, name, NULL, 0);
    if (c && s->n)
        *cell_of(s, c) = (struct cell){ .number = NAN };
}
void drift_sample_text(struct drift_sample *s, enum side on, struct span text)
{
    if (s->n)
        sample_read_text(s, on, text);
}

static struct name *name_slot(const struct drift_sample *s, uint32_t hash)
{
    uint32_t at = hash & (s->names_size - 1);
    while (s->names[at].text && s->names[at].hash != hash)
        at = (at + 1) & (s->names_size - 1);
    return &s->names[at];
}
const char *sample_name(const struct drift_sample *s, uint32_t hash) { return name_slot(s, hash)->text; }
void sample_remember(struct drift_sample *s, uint32_t hash, struct span text)
{
    struct name *slot = name_slot(s, hash);
    if (slot->text || s->nnames >= DRIFT_NAMES_MOST)
        return;
    *slot = (struct name){ hash, arena_text(s->arena, text) };
    if (++s->nnames * 2 < s->names_size)
        return;
    struct name *old = s->names;
    uint32_t old_size = s->names_size;
    s->names_size *= 2;
    s->names = arena_alloc(s->arena, s->names_size * sizeof *s->names);
    for (uint32_t i = 0; i < old_size; i++)
        if (old[i].text)
            *name_slot(s, old[i].hash) = old[i];
}
