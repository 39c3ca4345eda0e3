/* SPDX-License-Identifier: Apache-2.0
 * words: does the full-text table hold exactly the words of the rows? Its own structure cannot be read row by row, so both sides are added up: a keyed hash of each
 * (word, row) pair, summed in any order. A word too many, too few or under another row changes the sum. The key is new each time, so nobody can aim at it. */
#ifndef STORE_WORDS_H
#define STORE_WORDS_H
#include "base/span.h"
#include <sqlite3.h>

struct words;
/* NULL: SQLite lacks the full-text module. */
struct words *words_new(sqlite3 *db);
void words_free(struct words *w);
/* A row's three columns. */
void words_add(struct words *w, int64_t seq, const struct span columns[3]);
/* 1: the table `search` says the same as all that was added; 0: it does not; -1: it cannot be read. */
int words_agree(struct words *w);
#endif
