/* SPDX-License-Identifier: Apache-2.0
 * reviews: what people said of flagged exchanges, one JSON line each in DATA/reviews.jsonl, appended and synced. It lies beside the chain
 * of records, not in it: a later opinion about a record, not part of it. The last word on an exchange counts. */
#ifndef REPORT_REVIEWS_H
#define REPORT_REVIEWS_H
#include "base/trouble.h"
#include "store/record.h"

enum { REVIEWS_MOST = 200000, REVIEW_NOTE_MOST = 2000 };
struct review {
    char id[RECORD_ID_BYTES + 1];
    bool is_confirmed;             /* else a false alarm */
    int64_t at_us;
    struct span rule, note;
};
struct reviews;
struct reviews *reviews_open(const char *data);      /* reads what is there; damaged lines are left out */
void reviews_free(struct reviews *r);                /* NULL is fine */
/* false: it could not be written; *why says so. */
bool reviews_add(struct reviews *r, const struct review *x, const char **why);
const struct review *reviews_find(const struct reviews *r, struct span id);   /* NULL: none */
void reviews_of_rule(const struct reviews *r, struct span rule, uint64_t *confirmed, uint64_t *false_alarms);
#endif
