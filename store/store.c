/* SPDX-License-Identifier: Apache-2.0
 * The store's doors for writers: clients, the queue, opening and closing. What the threads do is in writer.c and keeper.c. */
#include "store/inside.h"
#include "base/must.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- The lock: one process owns a data folder. ---- */

int store_lock(const char *dir, unsigned wait_ms)
{
    char path[PATH_MAX], pid[32];
    snprintf(path, sizeof path, "%s/lock", dir);
    for (unsigned waited = 0;; waited += 20) {
        int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
            return -1;
        if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
            int n = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
            if (ftruncate(fd, 0) != 0 || pwrite(fd, pid, (size_t)n, 0) != n)
                errno = 0;                                     /* the number is for people; the lock is what counts */
            return fd;
        }
        int e = errno;
        close(fd);
        errno = e;
        if (e != EWOULDBLOCK || waited >= wait_ms)
            return -1;
        usleep(20000);
    }
}

static bool lock_or_say(struct store *s, struct troubles *t)
{
    /* A moment's patience: `vigie records` holds the lock while it catches an index up that no writer minds. */
    s->lock_fd = store_lock(s->dir, 2000);
    if (s->lock_fd >= 0)
        return true;
    if (errno == EWOULDBLOCK) {
        char path[PATH_MAX], pid[32] = "";
        snprintf(path, sizeof path, "%s/lock", s->dir);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd >= 0 ? read(fd, pid, sizeof pid - 1) : 0;
        if (fd >= 0)
            close(fd);
        pid[n > 0 ? strspn(pid, "0123456789") : 0] = 0;
        trouble_add(t, s->dir, 0, 0, "stop it, or give this one a data folder of its own", "another vigie%s%s uses this data folder", pid[0] ? ", process " : "", pid);
    } else {
        trouble_add(t, s->dir, 0, 0, "see that the folder exists and can be written", "cannot be locked: %s", strerror(errno));
    }
    return false;
}

/* The index is written after the journal's sync, so it can never know more. */
static bool index_agrees(struct store *s, struct troubles *t)
{
    char why[256];
    uint8_t chain[CHAIN_NAME];
    struct position p;
    sqlite3 *db = index_read_only(s->dir, why);
    bool knows_more = db && index_place(db, chain, &p, why) && memcmp(chain, s->journal.chain, CHAIN_NAME) == 0 && p.seq > s->journal.synced.seq;
    sqlite3_close(db);
    if (knows_more)
        trouble_add(t, s->dir, 0, 0, "keep this folder as evidence (vigie verify tells more), and start with a new one: move it aside or change data:",
                    "the journal ends at record %llu, but its index knows record %llu", (unsigned long long)s->journal.synced.seq, (unsigned long long)p.seq);
    return !knows_more;
}

struct store *store_open(const struct store_options *o, struct troubles *t)
{
    signal(SIGXFSZ, SIG_IGN);                    /* a file-size limit is a failed write (EFBIG), not the process's end */
    if (!o->dir || !o->dir[0] || strlen(o->dir) >= sizeof ((struct store *)0)->dir) {
        trouble_add(t, NULL, 0, 0, "give a shorter path", "the data folder's path is empty or too long");
        return NULL;
    }
    if (mkdir(o->dir, 0700) != 0 && errno != EEXIST) {
        trouble_add(t, o->dir, 0, 0, "make its parent, or change data:", "the data folder cannot be made: %s", strerror(errno));
        return NULL;
    }
    struct store *s = calloc(1, sizeof *s);
    must(s != NULL);
    snprintf(s->dir, sizeof s->dir, "%s", o->dir);
    s->queue_most = o->queue_bytes ? o->queue_bytes : 64 << 20;
    s->keep_bytes = o->keep_bytes;
    s->spare = SPARE_NONE;
    s->lock_fd = s->journal.fd = -1;
    if (!lock_or_say(s, t) || !journal_open(&s->journal, o->dir, o->segment_bytes ? o->segment_bytes : 64 << 20, t) || !index_agrees(s, t)) {
        journal_close(&s->journal);
        if (s->lock_fd >= 0)
            close(s->lock_fd);
        free(s);
        return NULL;
    }
    pthread_condattr_t clock;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_mutex_init(&s->m, NULL);
    pthread_mutex_init(&s->spare_lock, NULL);
    pthread_cond_init(&s->writer_work, &clock);
    pthread_cond_init(&s->keeper_work, &clock);
    pthread_cond_init(&s->indexer_work, &clock);
    pthread_condattr_destroy(&clock);
    s->last = &s->first;
    s->committed = s->journal.synced;
    s->journal_size = s->journal.size;
    s->cut_bytes = s->journal.cut_bytes;
    /* Signals are for the process's own threads, never for these. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    must(pthread_create(&s->writer, NULL, writer_run, s) == 0);
    must(pthread_create(&s->keeper, NULL, keeper_run, s) == 0);
    must(pthread_create(&s->indexer, NULL, indexer_run, s) == 0);
    pthread_setname_np(s->writer, "writer");
    pthread_setname_np(s->keeper, "keeper");
    pthread_setname_np(s->indexer, "indexer");
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return s;
}

void store_close(struct store *s)
{
    if (!s)
        return;
    pthread_mutex_lock(&s->m);
    s->is_stopping = true;
    pthread_cond_signal(&s->writer_work);
    pthread_mutex_unlock(&s->m);
    pthread_join(s->writer, NULL);
    pthread_mutex_lock(&s->m);
    s->is_written = true;                        /* no more will be committed: the others finish what there is */
    pthread_cond_signal(&s->keeper_work);
    pthread_cond_signal(&s->indexer_work);
    pthread_mutex_unlock(&s->m);
    pthread_join(s->keeper, NULL);
    pthread_join(s->indexer, NULL);
    head_file_write(s->dir, s->journal.chain, &s->committed);
    if (s->spare != SPARE_NONE)
        close(s->spare);
    journal_close(&s->journal);
    close(s->lock_fd);
    pthread_mutex_destroy(&s->m);
    pthread_mutex_destroy(&s->spare_lock);
    pthread_cond_destroy(&s->writer_work);
    pthread_cond_destroy(&s->keeper_work);
    pthread_cond_destroy(&s->indexer_work);
    free(s);
}

/* ---- Clients. ---- */

struct store_client *store_client_new(struct store *s, void (*wake)(void *context), void *context)
{
    struct store_client *c = calloc(1, sizeof *c);
    must(c != NULL);
    c->store = s;
    c->wake = wake;
    c->context = context;
    c->last = &c->done;
    pthread_mutex_init(&c->m, NULL);
    pthread_cond_init(&c->idle, NULL);
    return c;
}

void store_client_free(struct store_client *c)
{
    if (!c)
        return;
    pthread_mutex_lock(&c->m);
    c->is_leaving = true;
    while (atomic_load(&c->outstanding))         /* bounded: a failing store answers "no" to all that waits */
        pthread_cond_wait(&c->idle, &c->m);
    pthread_mutex_unlock(&c->m);
    while (c->done) {
        struct sealed *d = c->done;
        c->done = d->next;
        sealed_free(d);
    }
    pthread_mutex_destroy(&c->m);
    pthread_cond_destroy(&c->idle);
    free(c);
}

bool store_submit(struct store_client *c, struct sealed *sealed, enum store_policy p, void *context)
{
    struct store *s = c->store;
    sealed->client = c;
    sealed->context = context;
    sealed->policy = p;
    sealed->next = NULL;
    pthread_mutex_lock(&s->m);
    /* An empty queue takes whatever comes, else a record larger than the bound could never be kept. */
    bool ok = !s->is_failing && !s->is_stopping && (!s->queued_bytes || s->queued_bytes + sealed->length <= s->queue_most);
    bool wake = false;
    if (ok) {
        atomic_fetch_add(&c->outstanding, 1);
        *s->last = sealed;
        s->last = &sealed->next;
        s->queued_bytes += sealed->length;
        s->waiting++;
        wake = s->is_writer_asleep;
        s->is_writer_asleep = false;             /* one wake-up call is enough */
    }
    pthread_mutex_unlock(&s->m);
    if (wake)
        pthread_cond_signal(&s->writer_work);
    return ok;
}

size_t store_client_take(struct store_client *c, struct store_done *out, size_t most)
{
    size_t n = 0;
    struct sealed *taken = NULL;
    pthread_mutex_lock(&c->m);
    while (n < most && c->done) {
        struct sealed *d = c->done;
        out[n++] = (struct store_done){ .context = d->context, .is_durable = d->is_durable };
        c->done = d->next;
        d->next = taken;
        taken = d;
    }
    if (!c->done)
        c->last = &c->done;
    pthread_mutex_unlock(&c->m);
    while (taken) {                              /* given back outside of the lock, on the thread that allocated it */
        struct sealed *d = taken;
        taken = d->next;
        sealed_free(d);
    }
    return n;
}

void store_lost(struct store *s, uint64_t n)
{
    pthread_mutex_lock(&s->m);
    s->lost += n;
    s->lost_pending += n;
    bool wake = s->is_writer_asleep;
    s->is_writer_asleep = false;
    pthread_mutex_unlock(&s->m);
    if (wake)
        pthread_cond_signal(&s->writer_work);
}

void store_health(struct store *s, struct store_health *out)
{
    memset(out, 0, sizeof *out);
    pthread_mutex_lock(&s->m);
    out->is_failing = s->is_failing;
    snprintf(out->why, sizeof out->why, "%s", s->is_failing ? s->why : s->index_why);
    out->records = s->records;
    out->bytes = s->bytes;
    out->groups = s->groups;
    out->lost = s->lost;
    out->waiting = s->waiting;
    out->indexed = s->indexed;
    out->sync_us_last = s->sync_us_last;
    hex_of(s->committed.head, DIGEST_BYTES, out->head);
    pthread_mutex_unlock(&s->m);
}
