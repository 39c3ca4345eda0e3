/* SPDX-License-Identifier: Apache-2.0
 * The writer thread. There is no timer between an exchange and its commit: whatever waits when the last group is safe is the next group, so a lone record costs one sync
 * and a crowd shares one.
 *
 * When the disk refuses, all that waits is told so at once, the store says that it is failing (submit refuses, the route's policy decides), and once
 * a second the journal tries to begin a new segment. What was let pass meanwhile becomes a gap note in the chain. */
#include "store/inside.h"
#include "base/must.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct timespec in_ms(unsigned ms)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += ms / 1000;
    t.tv_nsec += (long)(ms % 1000) * 1000000;
    if (t.tv_nsec >= 1000000000)
        t.tv_sec++, t.tv_nsec -= 1000000000;
    return t;
}
int64_t clock_us(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

struct group {
    struct sealed *list[GROUP_MOST];
    size_t n, bytes, records;
    bool must_sync;                    /* a durable record or a note is in it */
    uint64_t gap, dropped_before;      /* what its notes stand for */
    bool cut;
};
struct writer {
    struct store *s;
    struct group g;
    uint64_t async_unsynced;           /* told done, not yet safe */
    int64_t sync_at_us;                /* when these must be synced even if nothing else comes; 0: none */
    int64_t retry_at_us;
};

/* Puts records into their clients' hands: one lock and one wake a client. is_durable is set. */
static void give_out(struct store *s, struct sealed **list, size_t n)
{
    struct store_client *touched = NULL;
    for (size_t i = 0; i < n; i++) {
        struct sealed *d = list[i];
        struct store_client *c = d->client;
        if (!c) {
            sealed_free(d);
            continue;
        }
        if (!c->group_n) {
            c->group_last = &c->group;
            c->next_touched = touched;
            touched = c;
        }
        d->next = NULL;
        *c->group_last = d;
        c->group_last = &d->next;
        c->group_n++;
    }
    pthread_mutex_lock(&s->m);
    for (struct store_client *c = touched; c; c = c->next_touched)
        s->waiting -= c->group_n;
    pthread_mutex_unlock(&s->m);
    while (touched) {
        struct store_client *c = touched;
        touched = c->next_touched;
        pthread_mutex_lock(&c->m);
        *c->last = c->group;
        c->last = c->group_last;
        size_t left = atomic_fetch_sub(&c->outstanding, c->group_n) - c->group_n;
        c->group = NULL;
        c->group_n = 0;
        if (c->is_leaving && !left)
            pthread_cond_signal(&c->idle);
        else if (!c->is_leaving && c->wake)
            c->wake(c->context);
        pthread_mutex_unlock(&c->m);   /* from here on the client may be gone */
    }
}

static void add_note(struct group *g, const struct note *note)
{
    g->list[g->n] = note_seal(note);
    g->bytes += g->list[g->n++]->length;
    g->must_sync = true;
}

/* Under the lock. Notes first, then as much of the queue as a group holds. */
static void take_group(struct writer *w)
{
    struct store *s = w->s;
    struct group *g = &w->g;
    *g = (struct group){ 0 };
    if (s->cut_bytes) {
        add_note(g, &(struct note){ .kind = NOTE_RECOVERED, .at_us = clock_us(CLOCK_REALTIME), .n = s->cut_bytes,
                                    .text = SPAN("bytes of a torn tail, which no client was told of, were cut when the store was opened") });
        g->cut = true;
    }
    if (s->lost_pending) {
        g->gap = s->lost_pending;
        add_note(g, &(struct note){ .kind = NOTE_GAP, .at_us = clock_us(CLOCK_REALTIME), .n = g->gap, .text = span_of(s->why) });
    }
    if (s->drop.kind == NOTE_DROPPED) {
        add_note(g, &s->drop);
        g->dropped_before = s->drop_before;
    }
    while (s->first && g->n < GROUP_MOST && (g->bytes < GROUP_BYTES || !g->n)) {
        struct sealed *d = s->first;
        s->first = d->next;
        s->queued_bytes -= d->length;
        g->bytes += d->length;
        g->must_sync |= d->policy == STORE_DURABLE;
        g->list[g->n++] = d;
        g->records++;
    }
    if (!s->first)
        s->last = &s->first;
}

/* Under the lock: the group is in the chain (and safe, if it had to be). */
static void took_place(struct store *s, const struct group *g)
{
    s->records += g->records;
    s->bytes += g->bytes;
    s->groups++;
    s->lost_pending -= g->gap;
    if (g->cut)
        s->cut_bytes = 0;
    if (g->dropped_before) {
        s->drop.kind = NOTE_NONE;
        s->dropped_before = g->dropped_before;   /* only now may the files go */
        pthread_cond_signal(&s->keeper_work);
    }
}

/* Under the lock: what is safe now is everybody's to see. */
static void publish(struct store *s)
{
    s->committed = s->journal.synced;
    s->journal_size = s->journal.size;
    if (s->is_indexer_asleep) {
        s->is_indexer_asleep = false;
        pthread_cond_signal(&s->indexer_work);
    }
}

/* All that waits hears "no" now; better a clear refusal than a client that hangs. */
static void start_failing(struct writer *w)
{
    struct store *s = w->s;
    pthread_mutex_lock(&s->m);
    s->is_failing = true;
    snprintf(s->why, sizeof s->why, "%s", s->journal.why);
    s->lost += w->async_unsynced;              /* they were told "done": that is what async risks, and it is owned up to */
    s->lost_pending += w->async_unsynced;
    w->async_unsynced = 0;
    w->sync_at_us = 0;
    struct sealed *waiting = s->first;
    s->first = NULL;
    s->last = &s->first;
    s->queued_bytes = 0;
    publish(s);
    pthread_mutex_unlock(&s->m);
    w->retry_at_us = clock_us(CLOCK_MONOTONIC) + RETRY_MS * 1000;
    while (waiting) {
        struct sealed *list[GROUP_MOST];
        size_t n = 0;
        for (; waiting && n < GROUP_MOST; waiting = waiting->next)
            list[n++] = waiting;
        give_out(s, list, n);
    }
}

static bool sync_now(struct writer *w)
{
    struct store *s = w->s;
    int64_t from = clock_us(CLOCK_MONOTONIC);
    bool ok = journal_sync(&s->journal);
    pthread_mutex_lock(&s->m);
    s->sync_us_last = (uint64_t)(clock_us(CLOCK_MONOTONIC) - from);
    pthread_mutex_unlock(&s->m);
    if (!ok)
        return false;
    w->async_unsynced = 0;
    w->sync_at_us = 0;
    return true;
}

static void give_group(struct writer *w, bool is_durable)
{
    struct group *g = &w->g;
    for (size_t i = 0; i < g->n; i++)
        g->list[i]->is_durable = is_durable;
    give_out(w->s, g->list, g->n);
    g->n = 0;
}

/* async records of the group are done once they are written: told before the sync, out of the list. */
static void give_async(struct writer *w)
{
    struct group *g = &w->g;
    struct sealed *done[GROUP_MOST];
    size_t n = 0, kept = 0;
    for (size_t i = 0; i < g->n; i++) {
        struct sealed *d = g->list[i];
        if (d->client && d->policy == STORE_ASYNC) {
            d->is_durable = true;
            done[n++] = d;
        } else {
            g->list[kept++] = d;
        }
    }
    g->n = kept;
    w->async_unsynced += n;
    if (n)
        give_out(w->s, done, n);
}

static void write_group(struct writer *w)
{
    struct store *s = w->s;
    struct group *g = &w->g;
    struct journal *j = &s->journal;
    /* Only when this group may need a new segment is the keeper's lock taken; it may be reserving one right now. */
    bool may_turn = j->fd < 0 || j->written.at + g->bytes + g->n * (ENTRY_HEAD + 8) > j->size;
    uint64_t before = j->synced.seq;
    if (may_turn)
        pthread_mutex_lock(&s->spare_lock);
    bool ok = journal_write(j, g->list, g->n, &s->spare);
    if (may_turn)
        pthread_mutex_unlock(&s->spare_lock);
    if (j->synced.seq != before)
        w->async_unsynced = 0;                   /* turning synced what was before */
    if (ok) {
        give_async(w);
        if (g->must_sync || may_turn)
            ok = sync_now(w);
        else if (!w->sync_at_us)
            w->sync_at_us = clock_us(CLOCK_MONOTONIC) + ASYNC_SYNC_MS * 1000;
    }
    if (!ok) {
        start_failing(w);                        /* first, so that whoever hears "no" finds in health why */
        give_group(w, false);
        return;
    }
    pthread_mutex_lock(&s->m);
    took_place(s, g);
    publish(s);
    pthread_mutex_unlock(&s->m);
    give_group(w, true);
}

/* Once a second while failing: can a new segment be begun? */
static void try_again(struct writer *w)
{
    struct store *s = w->s;
    struct stat ours, there;
    char path[PATH_MAX];
    pthread_mutex_lock(&s->spare_lock);
    bool ok = journal_restart(&s->journal, 0, &s->spare);
    pthread_mutex_unlock(&s->spare_lock);
    if (ok) {
        /* A folder made anew has no lock of ours in it. */
        snprintf(path, sizeof path, "%s/lock", s->dir);
        if (fstat(s->lock_fd, &ours) != 0 || stat(path, &there) != 0 || ours.st_ino != there.st_ino || ours.st_dev != there.st_dev) {
            int fd = store_lock(s->dir, 0);
            if (fd >= 0) {
                close(s->lock_fd);
                s->lock_fd = fd;
            } else {
                ok = false;
                snprintf(s->journal.why, sizeof s->journal.why, "the data folder was replaced, and its lock cannot be taken: %s", strerror(errno));
            }
        }
    }
    pthread_mutex_lock(&s->m);
    s->must_look = false;
    if (ok) {
        s->is_failing = false;                   /* why stays: a gap note tells it */
        publish(s);
    } else {
        snprintf(s->why, sizeof s->why, "%s", s->journal.why);
    }
    pthread_mutex_unlock(&s->m);
    w->retry_at_us = clock_us(CLOCK_MONOTONIC) + RETRY_MS * 1000;
}

void *writer_run(void *store)
{
    struct store *s = store;
    struct writer *w = calloc(1, sizeof *w);
    must(w != NULL);
    w->s = s;
    for (;;) {
        pthread_mutex_lock(&s->m);
        for (;;) {
            int64_t now = clock_us(CLOCK_MONOTONIC);
            if (s->is_failing ? now >= w->retry_at_us || s->is_stopping
                              : s->first || s->lost_pending || s->cut_bytes || s->drop.kind || s->must_look || s->is_stopping || (w->sync_at_us && now >= w->sync_at_us))
                break;
            int64_t until = s->is_failing ? w->retry_at_us : w->sync_at_us;
            s->is_writer_asleep = !s->is_failing;
            if (until) {
                struct timespec at = { .tv_sec = until / 1000000, .tv_nsec = until % 1000000 * 1000 };
                pthread_cond_timedwait(&s->writer_work, &s->m, &at);
            } else {
                pthread_cond_wait(&s->writer_work, &s->m);
            }
        }
        s->is_writer_asleep = false;
        bool failing = s->is_failing, look = s->must_look;
        s->must_look = false;
        if (!failing)
            take_group(w);
        bool stopping = s->is_stopping;
        pthread_mutex_unlock(&s->m);
        if (failing) {
            try_again(w);
            pthread_mutex_lock(&s->m);
            failing = s->is_failing;
            pthread_mutex_unlock(&s->m);
            if (stopping && failing)
                break;
        } else if (w->g.n) {
            write_group(w);
        } else if (w->sync_at_us || look || (stopping && s->journal.written.seq != s->journal.synced.seq)) {
            if (!sync_now(w))
                start_failing(w);
            pthread_mutex_lock(&s->m);
            publish(s);
            pthread_mutex_unlock(&s->m);
        } else if (stopping) {
            break;
        }
    }
    free(w);
    return NULL;
}
