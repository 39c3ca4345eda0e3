/* SPDX-License-Identifier: Apache-2.0
 *
 * index: DIR/index.sqlite, what makes the journal searchable. It follows the journal and holds nothing that cannot be made again from it. Its place in the
 * journal is moved in the same transaction as the rows, so it never misses or doubles one.
 *
 * exchanges   one row an exchange: seq, segment and offset of its entry, every member of struct record but the bodies, and `words`:
 *             texts and messages of its findings. What is empty is NULL.
 * search      full text (FTS5) over question, answer_start and words
 * notes       gaps, recoveries, dropped segments
 * place       one row: which chain, how far
 */
#ifndef STORE_INDEX_H
#define STORE_INDEX_H
#include "store/fields.h"
#include "store/journal.h"
#include <sqlite3.h>

enum { INDEX_VERSION = 2, INDEX_BATCH = 1000 };

struct index {                     /* owner: the indexer thread, or whoever holds the store's lock */
    sqlite3 *db;
    sqlite3_stmt *add, *add_words, *add_note, *move;
    char dir[PATH_MAX];
    struct position at;            /* indexed up to here; at.segment 0: nothing yet */
    struct segment open;           /* the segment being followed; open.fd < 0: none */
    struct arena *arena;
    uint64_t unreadable;           /* entries passed over */
    char why[256];
};
/* Opens or makes it. One that is damaged, of another chain, or older than the schema is set aside as index.sqlite.bad and made anew. */
bool index_open(struct index *x, const char *dir, const uint8_t chain[CHAIN_NAME], uint64_t journal_seq);
void index_close(struct index *x);
/* Takes in at most INDEX_BATCH entries, none past upto_seq, in one transaction. Returns how many; -1: x->why. */
int index_follow(struct index *x, uint64_t upto_seq);

/* Columns of a row as index_columns lists them, in the order seq, segment, offset, fields, words. */
void index_columns(struct buf *out);
enum { COLUMN_SEQ, COLUMN_SEGMENT, COLUMN_OFFSET, COLUMN_FIELDS };
/* Spans point into the statement: valid until its next step. */
void index_row_read(sqlite3_stmt *row, struct record *out);
/* The name of the first column in which the row is not what the journal says, or NULL. */
const char *index_row_differs(sqlite3_stmt *row, uint64_t segment, uint64_t at, const struct record *rec, struct arena *scratch);
/* A connection for reading only. NULL: *why; empty: there is none yet. */
sqlite3 *index_read_only(const char *dir, char why[256]);
/* Where the index stands. false: there is none (why "") or it cannot be read. */
bool index_place(sqlite3 *db, uint8_t chain[CHAIN_NAME], struct position *p, char why[256]);
#endif
