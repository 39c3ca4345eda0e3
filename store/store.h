/* SPDX-License-Identifier: Apache-2.0
 *
 * store: records. A chained journal in preallocated segments is the truth; a SQLite index behind it makes it searchable and
 * can be rebuilt from it at any time. store knows nothing of HTTP, checks or pages: only struct record.
 *
 * Threads: workers seal records (serialise, compress, digest) and submit them; ONE writer thread appends all that waits as one group with one
 * fdatasync, then wakes the workers whose records are now safe; one indexer thread follows the journal into SQLite. Readers (records, verify,
 * pages) use connections and files of their own, work beside the writer, and never block it.
 *
 * Chain: digest_i = SHA-256(sealed bytes of record i); head_i = SHA-256(head_{i-1} || digest_i). docs/records.md has the file format.
 */
#ifndef STORE_H
#define STORE_H
#include "base/trouble.h"
#include "store/record.h"

enum store_policy { STORE_DURABLE, STORE_ASYNC };
struct store;
struct store_options {
    const char *dir;                  /* created 0700; locked: a second process is refused */
    size_t segment_bytes;             /* 0: 64 MiB */
    size_t queue_bytes;               /* sealed bytes that may wait; 0: 64 MiB. Past it submit says no */
    uint64_t keep_bytes;              /* drop oldest whole segments beyond; 0: never */
};
/* NULL: what and why in t. Recovers after a crash: cuts the torn tail (records that nobody was told of), continues the chain. */
struct store *store_open(const struct store_options *o, struct troubles *t);
/* Writes all that waits, joins the threads, closes. */
void store_close(struct store *s);

/* One for each worker. wake is called on the writer thread, at most once a group, when something is done for this client; it must only
 * poke the worker's loop (eventfd). */
struct store_client;
struct store_client *store_client_new(struct store *s, void (*wake)(void *context), void *context);
void store_client_free(struct store_client *c);

struct sealed;                        /* a record ready to be written: heap-owned bytes */
/* On the worker: canonical bytes, zstd, digest. The record may go afterwards. */
struct sealed *record_seal(const struct record *r);
void sealed_free(struct sealed *s);
/* Hands it to the writer. false: the queue is full or the store is failing (store_health says why); the caller keeps it. `context` comes back. */
bool store_submit(struct store_client *c, struct sealed *s, enum store_policy p, void *context);
struct store_done {
    void *context;
    bool is_durable;                  /* false: it could not be written; store_health says why */
};
/* On the worker, after wake: takes up to most results. Returns how many. */
size_t store_client_take(struct store_client *c, struct store_done *out, size_t most);

struct store_health {
    bool is_failing;                  /* the last write failed; it is tried again each second */
    char why[256];                    /* "No space left on device: …" */
    uint64_t records, bytes, groups, lost, waiting, indexed; /* lost: not written and let pass (policy `pass`), made a gap record later */
    uint64_t sync_us_last;
    char head[65];                    /* of the chain, hex */
};
void store_health(struct store *s, struct store_health *out);   /* any thread */
/* An exchange passed unrecorded (policy `pass`): counted, and written into the chain as a gap when the store is back. */
void store_lost(struct store *s, uint64_t n);

/* ---- Reading: by path, beside a running writer or without one. ---- */
struct record_filter {
    int64_t since_us, until_us;       /* 0: open */
    struct span route, api, model, verdict, rule, caller, text, session, join, id_before; /* empty: any. verdict: one word or a comma list. text: words found in
                                       * question, answer_start or findings (FTS5; hostile syntax is quoted, never an error) */
    unsigned limit;                   /* 1 to 100,000 */
};
struct store_reader;
struct store_reader *store_reader_open(const char *dir, struct troubles *t);
void store_reader_close(struct store_reader *r);
/* From now on each list and each count may take this long as a whole, what `each` does included; then it stops with a word. 0 (at first): no bound on the whole. */
void store_reader_patience(struct store_reader *r, unsigned ms);
/* Newest first. Bodies are not filled in (use reader_get). false from `each` stops. Returns false with trouble said. */
bool store_reader_list(struct store_reader *r, const struct record_filter *f, bool (*each)(void *context, const struct record *rec), void *context, struct troubles *t);
/* How many match, and how many of each verdict; bounded work (stops counting at 100,000: *is_more). */
bool store_reader_count(struct store_reader *r, const struct record_filter *f, uint64_t *n, bool *is_more);
/* One record, whole, into the arena. false: there is none. */
bool store_reader_get(struct store_reader *r, struct arena *a, struct span id, struct record *out);
/* Every record in order of the journal, whole, from sequence number `from`. */
bool store_reader_walk(struct store_reader *r, uint64_t from, bool (*each)(void *context, uint64_t seq, const struct record *rec), void *context, struct troubles *t);
/* The sequence number of a record by its id, or (id empty) of the first record at or after at_us in order of time. false: there is none. */
bool store_reader_seq(struct store_reader *r, struct span id, int64_t at_us, uint64_t *seq);
/* Has the indexer caught up with everything that was committed when this was called? Waits at most wait_ms. */
bool store_reader_settle(struct store_reader *r, unsigned wait_ms);

struct verify_result {
    bool is_good;
    uint64_t records, gaps, lost;     /* looked at; gap records; exchanges these stand for */
    uint64_t bad_seq;                 /* first bad record */
    char bad_id[RECORD_ID_BYTES + 1];
    char where[512];                  /* file and byte */
    char what[512];                   /* is_good: a remark (torn tail), or empty */
    char head[65];                    /* hash of the last good record */
};
/* Checks journal, chain and index (every column of every row) against each other. false with t: could not be looked at at all. */
bool store_verify(const char *dir, uint64_t from, uint64_t to, struct verify_result *out, struct troubles *t);
/* The same, and whether `wanted` (hex: a head that was kept elsewhere) is the chain's head after some record looked at. */
bool store_verify_head(const char *dir, uint64_t from, uint64_t to, const char *wanted, bool *has_wanted, struct verify_result *out, struct troubles *t);
/* Makes the index anew from the journal (not while a writer runs). */
bool store_rebuild(const char *dir, uint64_t *records, struct troubles *t);

void record_id_new(char id[RECORD_ID_BYTES + 1], int64_t now_us);   /* any thread */
#endif
