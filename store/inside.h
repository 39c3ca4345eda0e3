/* SPDX-License-Identifier: Apache-2.0
 *
 * inside: a running store, as its own threads see it. One mutex guards the queue and the counters; it is never held over a system call that waits
 * for the disk. The journal belongs to the writer, the index to the indexer.
 */
#ifndef STORE_INSIDE_H
#define STORE_INSIDE_H
#include "store/index.h"
#include "store/journal.h"
#include <pthread.h>
#include <stdatomic.h>

enum { GROUP_BYTES = 8 << 20, ASYNC_SYNC_MS = 200, RETRY_MS = 1000, HEAD_FILE_MS = 1000, KEEPER_MS = 250, INDEX_IDLE_MS = 50, CLOSE_INDEX_MS = 10000 };

struct store_client {
    struct store *store;
    void (*wake)(void *context);
    void *context;
    atomic_size_t outstanding;       /* submitted and not yet in done */
    pthread_mutex_t m;               /* guards what follows; held while wake is called, so that a client cannot be freed under it */
    pthread_cond_t idle;
    struct sealed *done, **last;
    bool is_leaving;
    /* writer only, while a group is given out */
    struct store_client *next_touched;
    struct sealed *group, **group_last;
    size_t group_n;
};

struct store {
    char dir[PATH_MAX - 128];
    size_t queue_most;
    uint64_t keep_bytes;
    int lock_fd;
    pthread_t writer, keeper, indexer;
    struct journal journal;          /* owner: writer */
    uint64_t cut_bytes;              /* by recovery at open; the writer notes it first thing */

    pthread_mutex_t spare_lock;      /* held by the keeper while it reserves, by the writer while it may take */
    int spare;

    pthread_mutex_t m;               /* guards all that follows */
    pthread_cond_t writer_work, keeper_work, indexer_work;
    struct sealed *first, **last;    /* the queue */
    size_t queued_bytes;
    bool is_writer_asleep, is_indexer_asleep, is_stopping, is_written;
    bool is_failing, must_look;      /* must_look: the keeper misses the segment's file */
    char why[256], index_why[256];
    uint64_t records, bytes, groups, lost, lost_pending, waiting, indexed, sync_us_last;
    struct position committed;
    uint64_t journal_size;           /* reserved bytes of the current segment */
    struct note drop;                /* keeper to writer: kind NOTE_DROPPED asks for it */
    uint64_t drop_before;            /* segments below this one go once the note is safe */
    uint64_t dropped_before;         /* writer to keeper: they may go now */
};

void *writer_run(void *store);
void *keeper_run(void *store);
void *indexer_run(void *store);
/* The lock on DIR/lock, waiting at most wait_ms; -1: errno EWOULDBLOCK when another holds it. */
int store_lock(const char *dir, unsigned wait_ms);
/* Brings the index up to the journal's end while the lock is held and no writer runs. false: why. */
bool index_catch_up(const char *dir, char why[256]);
struct timespec in_ms(unsigned ms);
int64_t clock_us(clockid_t id);
#endif
