/* SPDX-License-Identifier: Apache-2.0
 * sample: how a sample lies in memory; for the files of this room only. */
#ifndef CHECKS_DRIFT_SAMPLE_H
#define CHECKS_DRIFT_SAMPLE_H
#include "checks/drift/drift.h"

struct cell {
    double number;      /* NaN when missing or a category */
    uint32_t category;  /* 1 + place in the column's categories; 0: none */
};
struct category {
    uint64_t hash;
    const char *text;   /* shortened for the report */
};
struct column {
    const char *name;
    uint64_t hash;
    const char *kind;   /* NULL: of the data; else a descriptor's kind */
    enum side on;
    struct cell *cells; /* rows `first` … as far as they came; rows not given are missing */
    uint32_t n, cap;
    uint32_t numbers, categories_seen;
    struct category *categories;
    uint32_t ncategories, categories_cap;
    uint32_t *index;    /* open addressing over categories, size a power of two */
    uint32_t index_size;
};
struct terms {          /* of one side and family: row r has hashes[start[r]] … hashes[start[r + 1] - 1], sorted, distinct */
    uint32_t *hashes;
    size_t n, cap;
    uint32_t *start;    /* rows + 1; rows without a text are empty */
    uint32_t nstart, start_cap;
};
enum { WORD_TERMS, GRAM_TERMS, TERM_FAMILIES };
struct name {
    uint32_t hash;
    const char *text;
};
struct drift_sample {
    struct arena *arena;
    uint32_t n;
    struct column *columns;
    uint32_t ncolumns, columns_cap, columns_left_out, next_column;
    struct terms terms[3][TERM_FAMILIES]; /* by side */
    bool has_text[3];
    uint64_t row_hash;
    struct name *names; /* open addressing by hash */
    uint32_t nnames, names_size;
};
struct column *sample_column(struct drift_sample *s, struct span name, const char *kind, enum side on);
void sample_put_number(struct drift_sample *s, struct column *c, double number);
void sample_put_category(struct drift_sample *s, struct column *c, struct span category);
const char *sample_name(const struct drift_sample *s, uint32_t hash);
void sample_remember(struct drift_sample *s, uint32_t hash, struct span text);
/* Ends the last row; once before a sample is read. More rows may follow. */
void sample_close(struct drift_sample *s);
/* Terms and descriptors of one text, into the current row. In text.c. */
void sample_read_text(struct drift_sample *s, enum side on, struct span text);
#endif
