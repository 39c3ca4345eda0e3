/* SPDX-License-Identifier: Apache-2.0
 *
 * fields: struct record as a table. One row a member: its tag in the sealed form, its part, its name in JSON, CSV and SQL. Sealing,
 * reading, indexing, verifying and printing all walk this table, so a member that is in it is stored, hashed, indexed, compared and shown,
 * and one that is not is none of these (a unit test counts the struct's bytes against it).
 *
 * Tags are part of the file format: never reuse or renumber one.
 */
#ifndef STORE_FIELDS_H
#define STORE_FIELDS_H
#include "base/buf.h"
#include "store/record.h"

enum field_kind { FIELD_ID, FIELD_TEXT, FIELD_JSON, FIELD_BODY, FIELD_TIME, FIELD_INT, FIELD_COUNT, FIELD_BOOL, FIELD_HASH };
/* facts stay for ever; who and content can be erased without breaking the chain, so all that is about a person is in these. */
enum field_part { PART_FACTS, PART_WHO, PART_CONTENT };

struct record_field {
    const char *name;
    unsigned char tag, kind, part;
    unsigned short offset;
};
extern const struct record_field record_fields[];     /* in order of tags within each part */
extern const unsigned record_fields_n;

static inline bool field_is_span(const struct record_field *f)
{
    return f->kind == FIELD_TEXT || f->kind == FIELD_JSON || f->kind == FIELD_BODY;
}
static inline struct span *field_span(const struct record_field *f, const struct record *r)
{
    return (struct span *)(uintptr_t)((const char *)r + f->offset);
}
/* A number's value whatever its width (bools 0 or 1, times as they are). */
uint64_t field_number(const struct record_field *f, const struct record *r);
/* false: does not fit. */
bool field_set_number(const struct record_field *f, struct record *r, uint64_t v);

enum record_bodies { BODIES_NONE, BODIES_TEXT_OR_BASE64 };
/* A record as one JSON object on one line, every member by its name in the table. A body that is not valid UTF-8 is given in base64 as
 * request_base64 / answer_base64. */
void record_add_json(struct buf *out, const struct record *r, enum record_bodies bodies);

/* n random bytes (n <= 2048) from the kernel, pooled per thread. Not across fork. */
void store_random(void *out, size_t n);
#endif
