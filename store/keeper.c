/* SPDX-License-Identifier: Apache-2.0
 * The threads behind the writer, with time to spare. The keeper reserves the next segment before it is needed, writes the head file, lets the oldest segments go, and sees
 * when the folder is taken away while nothing is written. The indexer follows the commits into the index. */
#include "store/inside.h"
#include "base/must.h"
#include "store/io.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- keeper ---- */

/* Asks the writer to note that the oldest segments go, as many as it takes to be within keep_bytes. */
static void look_at_size(struct store *s)
{
    uint64_t *numbers, total = 0, sizes_before = 0;
    long n = segment_list(s->dir, &numbers);
    struct stat st;
    char path[PATH_MAX];
    for (long i = 0; i < n; i++) {
        segment_path(s->dir, numbers[i], path);
        total += stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
    }
    long gone = 0;
    while (gone + 1 < n && total - sizes_before > s->keep_bytes) {       /* never the one being written */
        segment_path(s->dir, numbers[gone++], path);
        sizes_before += stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
    }
    const char *why;
    struct segment first_kept, oldest;
    if (gone > 0 && segment_open(&first_kept, s->dir, numbers[gone], &why)) {
        struct note note = { .kind = NOTE_DROPPED, .at_us = clock_us(CLOCK_REALTIME), .seq = first_kept.head.first_seq - 1,
                             .text = SPAN("oldest segments dropped to stay within the size that is kept") };
        memcpy(note.head, first_kept.head.head, DIGEST_BYTES);
        if (segment_open(&oldest, s->dir, numbers[0], &why)) {
            note.n = first_kept.head.first_seq - oldest.head.first_seq;
            segment_close(&oldest);
        }
        segment_close(&first_kept);
        pthread_mutex_lock(&s->m);
        if (note.seq < s->committed.seq && !s->is_failing) {
            s->drop = note;
            s->drop_before = numbers[gone];
            s->is_writer_asleep = false;
            pthread_cond_signal(&s->writer_work);
        }
        pthread_mutex_unlock(&s->m);
    }
    free(numbers);
}

static void let_go(struct store *s, uint64_t before)
{
    uint64_t *numbers;
    char path[PATH_MAX];
    long n = segment_list(s->dir, &numbers);
    for (long i = 0; i < n && numbers[i] < before; i++) {
        segment_path(s->dir, numbers[i], path);
        store_io->unlink(path);
    }
    free(numbers);
    snprintf(path, sizeof path, "%s/journal", s->dir);
    store_sync_dir(path);
}

void *keeper_run(void *store)
{
    struct store *s = store;
    int64_t head_at = 0, size_at = 0;
    uint64_t head_seq = 0;
    char path[PATH_MAX];
    struct stat st;
    pthread_mutex_lock(&s->m);
    while (!s->is_written) {
        struct timespec until = in_ms(KEEPER_MS);
        pthread_cond_timedwait(&s->keeper_work, &s->m, &until);
        struct position p = s->committed;
        uint64_t drop = s->dropped_before, size = s->journal_size;
        bool failing = s->is_failing, is_dropping = s->drop.kind != NOTE_NONE;
        s->dropped_before = 0;
        pthread_mutex_unlock(&s->m);
        int64_t now = clock_us(CLOCK_MONOTONIC);
        if (drop)
            let_go(s, drop);
        if (!failing) {
            pthread_mutex_lock(&s->spare_lock);
            if (s->spare == SPARE_NONE && p.at > size / 2)
                s->spare = journal_spare(s->dir, s->journal.segment_bytes);   /* no room: the writer will hear it, if it still holds then */
            pthread_mutex_unlock(&s->spare_lock);
            segment_path(s->dir, p.segment, path);
            if (stat(path, &st) != 0 && errno != EINTR) {
                pthread_mutex_lock(&s->m);
                if (s->committed.segment == p.segment) {
                    s->must_look = true;
                    s->is_writer_asleep = false;
                    pthread_cond_signal(&s->writer_work);
                }
                pthread_mutex_unlock(&s->m);
            } else if (p.seq != head_seq && now - head_at >= HEAD_FILE_MS * 1000) {
                if (head_file_write(s->dir, s->journal.chain, &p))
                    head_seq = p.seq;
                head_at = now;
            }
            if (s->keep_bytes && !is_dropping && !drop && now - size_at >= 1000000) {
                size_at = now;
                look_at_size(s);
            }
        }
        pthread_mutex_lock(&s->m);
    }
    pthread_mutex_unlock(&s->m);
    return NULL;
}

/* ---- indexer ---- */

/* The index's files as their names are now. SQLite keeps writing to files that were removed under it; a database whose -wal has no name any more looks
 * old to every other reader. So both are compared with what was there when the index was opened. */
struct index_files {
    ino_t db, wal;
};
static struct index_files index_files(const char *dir)
{
    char path[PATH_MAX];
    struct stat st;
    struct index_files f = { 0, 0 };
    snprintf(path, sizeof path, "%.4000s/index.sqlite", dir);
    f.db = stat(path, &st) == 0 ? st.st_ino : 0;
    snprintf(path, sizeof path, "%.4000s/index.sqlite-wal", dir);
    f.wal = stat(path, &st) == 0 ? st.st_ino : 0;
    return f;
}

void *indexer_run(void *store)
{
    struct store *s = store;
    struct index *x = calloc(1, sizeof *x);
    must(x != NULL);
    bool is_open = false, must_nap = false;
    struct index_files files = { 0, 0 };
    int64_t give_up_us = 0;
    pthread_mutex_lock(&s->m);
    for (;;) {
        uint64_t target = s->committed.seq;
        bool is_last = s->is_written;
        if (is_last && !give_up_us)
            give_up_us = clock_us(CLOCK_MONOTONIC) + CLOSE_INDEX_MS * 1000;   /* what is left is taken in at the next start */
        if (is_open && x->at.seq >= target) {
            if (is_last)
                break;
            s->is_indexer_asleep = true;
            pthread_cond_wait(&s->indexer_work, &s->m);
            must_nap = true;
            continue;
        }
        if (must_nap) {
            /* Few so far: others will come, and a transaction costs the same for all of them. */
            struct timespec until = in_ms(INDEX_IDLE_MS);
            while (!s->is_written && pthread_cond_timedwait(&s->indexer_work, &s->m, &until) == 0) ;
            must_nap = false;
            continue;
        }
        pthread_mutex_unlock(&s->m);
        int n = -1;
        struct index_files now = index_files(s->dir);
        if (is_open && (!now.db || now.db != files.db || now.wal != files.wal)) {
            index_close(x);                       /* removed under us: begin anew with what there is */
            is_open = false;
        }
        if (!is_open) {
            is_open = index_open(x, s->dir, s->journal.chain, target);
            files = (struct index_files){ 0, 0 };
        }
        if (is_open)
            n = index_follow(x, target);
        if (!files.db)
            files = index_files(s->dir);          /* the first write has made both */
        pthread_mutex_lock(&s->m);
        if (n < 0) {
            snprintf(s->index_why, sizeof s->index_why, "%s", x->why[0] ? x->why : "the index cannot be opened");
            if (is_open)
                index_close(x);
            is_open = false;
            if (s->is_written)
                break;
            struct timespec until = in_ms(RETRY_MS);
            while (!s->is_written && pthread_cond_timedwait(&s->indexer_work, &s->m, &until) == 0) ;
            continue;
        }
        s->index_why[0] = 0;
        s->indexed = x->at.seq;
        must_nap = s->committed.seq < x->at.seq + INDEX_BATCH;
        if (give_up_us && clock_us(CLOCK_MONOTONIC) > give_up_us)
            break;
    }
    pthread_mutex_unlock(&s->m);
    if (is_open)
        index_close(x);
    free(x);
    return NULL;
}

/* ---- Without a running store. ---- */

bool index_catch_up(const char *dir, char why[256])
{
    struct segment last;
    const char *text;
    uint64_t *numbers;
    long n = segment_list(dir, &numbers);
    uint64_t number = n > 0 ? numbers[n - 1] : 0;
    free(numbers);
    if (!number) {
        snprintf(why, 256, "there is no journal");
        return false;
    }
    if (!segment_open(&last, dir, number, &text)) {
        snprintf(why, 256, "%.180s: %s", last.path, text);
        return false;
    }
    uint8_t chain[CHAIN_NAME];
    memcpy(chain, last.head.chain, CHAIN_NAME);
    fsync(last.fd);                               /* the index must never know more than what is safe in the journal */
    segment_close(&last);
    struct index *x = calloc(1, sizeof *x);
    must(x != NULL);
    int rows = -1;
    if (index_open(x, dir, chain, UINT64_MAX / 4))
        while ((rows = index_follow(x, UINT64_MAX / 4)) > 0) ;
    if (rows < 0)
        snprintf(why, 256, "%s", x->why[0] ? x->why : "the index cannot be opened");
    index_close(x);
    free(x);
    return rows == 0;
}
