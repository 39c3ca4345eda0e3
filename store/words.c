/* SPDX-License-Identifier: Apache-2.0
 * Sums of words: see words.h. Words are cut by the tokenizer that the table itself uses; the table's side comes from fts5vocab. */
#include "store/words.h"
#include "base/must.h"
#include "store/fields.h"
#include <stdlib.h>

enum { TOKEN_MOST = 32768 };     /* FTS5 cuts longer ones */

struct words {
    sqlite3 *db;
    fts5_tokenizer tokenizer;
    Fts5Tokenizer *cutter;
    uint64_t key[2], sum, *row;  /* row: hashes of the words of the row at hand */
    size_t n, cap;
    int64_t seq;
};

static uint64_t mix(uint64_t h)
{
    h ^= h >> 33;
    h *= 0xff51afd7ed558ccdull;
    h ^= h >> 33;
    h *= 0xc4ceb9fe1a85ec53ull;
    return h ^ h >> 33;
}
static uint64_t pair_hash(const struct words *w, const char *word, size_t n, int64_t seq)
{
    uint64_t h = w->key[0];
    for (size_t i = 0; i < n; i++)
        h = (h ^ (unsigned char)word[i]) * 0x100000001b3ull;
    return mix(mix(h ^ w->key[1]) + (uint64_t)seq * 0x9e3779b97f4a7c15ull);
}

struct words *words_new(sqlite3 *db)
{
    fts5_api *api = NULL;
    sqlite3_stmt *q = NULL;
    if (sqlite3_prepare_v2(db, "SELECT fts5(?1)", -1, &q, NULL) == SQLITE_OK) {
        sqlite3_bind_pointer(q, 1, &api, "fts5_api_ptr", NULL);
        sqlite3_step(q);
    }
    sqlite3_finalize(q);
    struct words *w = calloc(1, sizeof *w);
    must(w != NULL);
    const char *options[] = { "remove_diacritics", "2" };
    void *user;
    w->db = db;
    store_random(w->key, sizeof w->key);
    if (api && api->xFindTokenizer(api, "unicode61", &user, &w->tokenizer) == SQLITE_OK && w->tokenizer.xCreate(user, options, 2, &w->cutter) == SQLITE_OK)
        return w;
    free(w);
    return NULL;
}

void words_free(struct words *w)
{
    if (!w)
        return;
    w->tokenizer.xDelete(w->cutter);
    free(w->row);
    free(w);
}

static int on_word(void *words, int flags, const char *word, int n, int start, int end)
{
    struct words *w = words;
    (void)flags, (void)start, (void)end;
    if (w->n == w->cap) {
        w->cap = w->cap ? 2 * w->cap : 256;
        w->row = realloc(w->row, w->cap * sizeof *w->row);
        must(w->row != NULL);
    }
    w->row[w->n++] = pair_hash(w, word, n > TOKEN_MOST ? TOKEN_MOST : (size_t)n, w->seq);
    return SQLITE_OK;
}
static int by_hash(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

void words_add(struct words *w, int64_t seq, const struct span columns[3])
{
    w->seq = seq;
    w->n = 0;
    for (int i = 0; i < 3; i++)
        if (columns[i].len)
            w->tokenizer.xTokenize(w->cutter, w, FTS5_TOKENIZE_DOCUMENT, columns[i].at, (int)columns[i].len, on_word);
    if (w->n)
        qsort(w->row, w->n, sizeof *w->row, by_hash);
    for (size_t i = 0; i < w->n; i++)            /* the table keeps which words a row has, not how often */
        if (!i || w->row[i] != w->row[i - 1])
            w->sum += w->row[i];
}

int words_agree(struct words *w)
{
    sqlite3_stmt *q = NULL;
    uint64_t sum = 0;
    int r = sqlite3_exec(w->db, "CREATE VIRTUAL TABLE temp.search_words USING fts5vocab('main', 'search', 'instance')", NULL, NULL, NULL);
    if (r == SQLITE_OK)
        r = sqlite3_prepare_v2(w->db, "SELECT term, doc FROM temp.search_words", -1, &q, NULL);
    if (r == SQLITE_OK)
        while ((r = sqlite3_step(q)) == SQLITE_ROW)
            sum += pair_hash(w, (const char *)sqlite3_column_text(q, 0), (size_t)sqlite3_column_bytes(q, 0), sqlite3_column_int64(q, 1));
    sqlite3_finalize(q);
    return r != SQLITE_DONE ? -1 : sum == w->sum;
}
