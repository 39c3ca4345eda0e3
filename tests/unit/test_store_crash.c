/* SPDX-License-Identifier: Apache-2.0
 * Promise 2 and 5 at the disk: kill -9 at any moment loses no record that somebody was told of; whatever call fails, and whenever, the store says so, comes back, and what it
 * said was durable is there, once. */
#include "tests/unit/store_kit.h"

/* ---- kill -9 ---- */

/* Commits records for ever and tells each durable id over the pipe. Never returns. */
static void child_writes(const char *dir, int out, uint64_t from)
{
    struct store *s = kit_open(dir);
    if (!s)
        _exit(9);
    struct kit_client k;
    kit_client(&k, s);
    struct store_done d[32];
    char *ids[64];
    size_t waiting = 0;
    for (uint64_t n = from;; n++) {
        struct kit_record *r = kit_record(n);
        struct sealed *sealed = record_seal(&r->r);
        char *id = strdup(r->r.id);
        free(r);
        while (!store_submit(k.c, sealed, STORE_DURABLE, id))
            usleep(100);
        waiting++;
        (void)ids;
        if (waiting < 1 + n % 20)
            continue;
        size_t got = kit_wait(&k, d, 32);
        waiting -= got;
        for (size_t i = 0; i < got; i++) {
            if (!d[i].is_durable || write(out, d[i].context, RECORD_ID_BYTES) != RECORD_ID_BYTES)
                _exit(8);
            free(d[i].context);
        }
    }
}

struct seen {
    uint64_t n;
    char (*ids)[RECORD_ID_BYTES];
    size_t cap;
};
static bool keep_id(void *context, uint64_t seq, const struct record *r)
{
    struct seen *s = context;
    (void)seq;
    if (s->n == s->cap)
        s->ids = realloc(s->ids, (s->cap = s->cap ? 2 * s->cap : 1024) * sizeof *s->ids);
    memcpy(s->ids[s->n++], r->id, RECORD_ID_BYTES);
    return true;
}
static int by_id(const void *a, const void *b)
{
    return memcmp(a, b, RECORD_ID_BYTES);
}

static void test_kill(void **state)
{
    (void)state;
    char dir[64];
    kit_dir(dir);
    struct seen told = { 0 };
    unsigned seed = 12345;
    enum { ROUNDS = 25 };
    for (unsigned round = 0; round < ROUNDS; round++) {
        int fds[2];
        assert_int_equal(pipe(fds), 0);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            close(fds[0]);
            child_writes(dir, fds[1], 1 + round * 100000ull);
        }
        close(fds[1]);
        /* Mostly once it works (a busy machine may need long for that), sometimes while it still opens. */
        struct pollfd p = { .fd = fds[0], .events = POLLIN };
        if (round % 5)
            poll(&p, 1, 20000);
        usleep((unsigned)(rand_r(&seed) % 100000));
        kill(pid, SIGKILL);
        int status;
        waitpid(pid, &status, 0);
        assert_true(WIFSIGNALED(status));
        char id[RECORD_ID_BYTES];
        ssize_t n;
        struct record r = { .status = 0 };
        while ((n = read(fds[0], id, sizeof id)) == (ssize_t)sizeof id) {
            memcpy(r.id, id, sizeof id);
            keep_id(&told, 0, &r);
        }
        close(fds[0]);
        /* Looked at without a writer in between, too. */
        struct verify_result v;
        if (told.n && !kit_verify(dir, &v))
            fail_msg("after kill %u: %s: %s", round, v.where, v.what);
    }
    struct troubles *t = kit_troubles();
    struct store_reader *r = store_reader_open(dir, t);
    struct seen there = { 0 };
    assert_non_null(r);
    assert_true(store_reader_settle(r, 1000));    /* nobody else will: the writer is dead */
    assert_true(store_reader_walk(r, 0, keep_id, &there, t));
    assert_true(told.n > 50);
    assert_true(there.n >= told.n);
    qsort(told.ids, told.n, sizeof *told.ids, by_id);
    qsort(there.ids, there.n, sizeof *there.ids, by_id);
    for (uint64_t i = 1; i < there.n; i++)
        assert_memory_not_equal(there.ids[i - 1], there.ids[i], RECORD_ID_BYTES);
    struct arena *a = arena_new(1u << 30);
    for (uint64_t i = 0; i < told.n; i++) {
        assert_non_null(bsearch(told.ids[i], there.ids, there.n, sizeof *there.ids, by_id));
        struct record whole;
        if (i % 37 == 0)
            assert_true(store_reader_get(r, a, (struct span){ told.ids[i], RECORD_ID_BYTES }, &whole));
    }
    uint64_t found;
    bool more;
    assert_true(store_reader_count(r, &(struct record_filter){ .limit = 1 }, &found, &more));
    assert_true(more || found == there.n);
    arena_free(a);
    free(told.ids);
    free(there.ids);
    store_reader_close(r);
    kit_troubles_free(t);
    kit_remove(dir);
}

/* ---- the n-th call fails ---- */

enum fault { FAULT_WRITE, FAULT_SHORT, FAULT_SYNC, FAULT_FSYNC, FAULT_OPEN, FAULT_RESERVE, FAULT_RENAME, FAULTS };
static atomic_int calls[FAULTS], fail_at, fail_kind, fail_for;
static int fail_errno;

static bool must_fail(enum fault kind)
{
    int n = atomic_fetch_add(&calls[kind], 1) + 1, at = atomic_load(&fail_at);
    if (atomic_load(&fail_kind) != (int)kind || n < at || n >= at + atomic_load(&fail_for))
        return false;
    errno = fail_errno;
    return true;
}
static int f_open(const char *p, int flags, mode_t mode)
{
    return must_fail(FAULT_OPEN) ? -1 : store_io_real.open(p, flags, mode);
}
static ssize_t f_pwritev(int fd, const struct iovec *iov, int n, off_t at)
{
    if (must_fail(FAULT_SHORT)) {                 /* part of it, then nothing more: a torn group stays on the disk */
        atomic_store(&fail_kind, FAULT_WRITE);
        atomic_store(&fail_at, atomic_load(&calls[FAULT_WRITE]) + 1);
        struct iovec half = { iov[0].iov_base, iov[0].iov_len / 2 + 1 };
        return store_io_real.pwritev(fd, n > 1 ? iov : &half, 1, at);
    }
    return must_fail(FAULT_WRITE) ? -1 : store_io_real.pwritev(fd, iov, n, at);
}
static int f_fdatasync(int fd)
{
    return must_fail(FAULT_SYNC) ? -1 : store_io_real.fdatasync(fd);
}
static int f_fsync(int fd)
{
    return must_fail(FAULT_FSYNC) ? -1 : store_io_real.fsync(fd);
}
static int f_reserve(int fd, off_t bytes)
{
    return must_fail(FAULT_RESERVE) ? fail_errno : store_io_real.reserve(fd, bytes);
}
static int f_rename(const char *a, const char *b)
{
    return must_fail(FAULT_RENAME) ? -1 : store_io_real.rename(a, b);
}
static int f_unlink(const char *p)
{
    return store_io_real.unlink(p);
}
static const struct store_io faulty = { f_open, f_pwritev, f_fdatasync, f_fsync, f_reserve, f_rename, f_unlink };

enum { SCENARIO = 24 };
/* Commits SCENARIO records over several segments; returns the ids that were durable. Never hangs, never crashes, recovers. */
static unsigned scenario(const char *dir, struct seen *told)
{
    struct store *s = kit_open_options(&(struct store_options){ .dir = dir, .segment_bytes = 16 << 10 });
    if (!s)
        return 0;
    struct kit_client k;
    kit_client(&k, s);
    unsigned refused = 0;
    for (uint64_t n = 1; n <= SCENARIO; n++) {
        struct kit_record *r = kit_record(n);
        if (kit_commit_record(&k, &r->r, STORE_DURABLE)) {
            keep_id(told, n, &r->r);
        } else {
            refused++;
            struct store_health h;
            store_health(s, &h);
            if (h.is_failing)
                assert_true(h.why[0] != 0);
            store_lost(s, 1);
            for (int wait = 0; wait < 400 && h.is_failing; wait++) {
                usleep(10000);
                store_health(s, &h);
            }
            assert_false(h.is_failing);           /* it comes back by itself when the cause is gone */
        }
        free(r);
    }
    kit_client_free(&k);
    store_close(s);
    return refused;
}

static void check_scenario(const char *dir, struct seen *told, unsigned refused, const char *what, int at)
{
    struct verify_result v;
    store_io = &store_io_real;
    if (!kit_verify(dir, &v))
        fail_msg("%s %d: %s: %s", what, at, v.where, v.what);
    assert_int_equal(v.lost, refused);            /* what was let pass is a gap in the chain */
    struct troubles *t = kit_troubles();
    struct store_reader *r = store_reader_open(dir, t);
    struct seen there = { 0 };
    assert_true(store_reader_settle(r, 1000));
    assert_true(store_reader_walk(r, 0, keep_id, &there, t));
    qsort(there.ids, there.n, sizeof *there.ids, by_id);
    for (uint64_t i = 1; i < there.n; i++)
        assert_memory_not_equal(there.ids[i - 1], there.ids[i], RECORD_ID_BYTES);
    for (uint64_t i = 0; i < told->n; i++)
        if (!bsearch(told->ids[i], there.ids, there.n, sizeof *there.ids, by_id))
            fail_msg("%s %d: durable record %" PRIu64 " is missing", what, at, i);
    store_reader_close(r);
    kit_troubles_free(t);
    free(there.ids);
    /* And it goes on from there. */
    struct store *s = kit_open(dir);
    assert_non_null(s);
    struct kit_client k;
    kit_client(&k, s);
    assert_true(kit_commit(&k, 999));
    kit_client_free(&k);
    store_close(s);
    assert_true(kit_verify(dir, &v));
}

static void faults(enum fault kind, const char *what, int error, int step)
{
    for (int at = 1, last = 1000000; at <= last; at += step) {
        char dir[64];
        kit_dir(dir);
        struct seen told = { 0 };
        for (int i = 0; i < FAULTS; i++)
            atomic_store(&calls[i], 0);
        atomic_store(&fail_for, 1);
        atomic_store(&fail_at, at);
        atomic_store(&fail_kind, (int)kind);
        fail_errno = error;
        store_io = &faulty;
        unsigned refused = scenario(dir, &told);
        store_io = &store_io_real;
        if (told.n || refused)
            check_scenario(dir, &told, refused, what, at);
        last = atomic_load(&calls[kind]) + 1;     /* beyond the last call: nothing failed, and that works too */
        if (last > 60)
            last = 60;
        free(told.ids);
        kit_remove(dir);
    }
}
static void test_write_fails(void **state) { (void)state; faults(FAULT_WRITE, "pwritev", ENOSPC, 3); }
static void test_short_write(void **state) { (void)state; faults(FAULT_SHORT, "short pwritev", EIO, 3); }
static void test_sync_fails(void **state) { (void)state; faults(FAULT_SYNC, "fdatasync", EIO, 3); }
static void test_fsync_fails(void **state) { (void)state; faults(FAULT_FSYNC, "fsync", EIO, 2); }
static void test_open_fails(void **state) { (void)state; faults(FAULT_OPEN, "open", EROFS, 2); }
static void test_reserve_fails(void **state) { (void)state; faults(FAULT_RESERVE, "fallocate", EDQUOT, 1); }
static void test_rename_fails(void **state) { (void)state; faults(FAULT_RENAME, "rename", EACCES, 1); }

/* The folder is taken away while the store runs: said, made anew, and the chain goes on. */
static void test_folder_gone(void **state)
{
    (void)state;
    char dir[64];
    kit_dir(dir);
    struct store *s = kit_open(dir);
    struct kit_client k;
    kit_client(&k, s);
    for (uint64_t n = 1; n <= 10; n++)
        assert_true(kit_commit(&k, n));
    kit_remove(dir);
    assert_false(kit_commit(&k, 11));             /* not "durable" in a file that has no name any more */
    store_lost(s, 1);
    struct store_health h;
    for (int i = 0; i < 500; i++) {
        store_health(s, &h);
        if (!h.is_failing)
            break;
        assert_true(h.why[0] != 0);
        usleep(10000);
    }
    assert_false(h.is_failing);
    for (uint64_t n = 12; n <= 20; n++)
        assert_true(kit_commit(&k, n));
    struct troubles *t = kit_troubles();
    struct store_reader *r = store_reader_open(dir, t);
    assert_non_null(r);
    if (!store_reader_settle(r, 8000)) {
        store_health(s, &h);
        fail_msg("the index is at %d and not further: %s", (int)h.indexed, h.why);
    }
    uint64_t found;
    bool more;
    assert_true(store_reader_count(r, &(struct record_filter){ .limit = 1 }, &found, &more));
    assert_int_equal(found, 9);
    kit_client_free(&k);
    store_close(s);
    struct verify_result v;
    assert_false(kit_verify(dir, &v));            /* and verify does not hide that the first ten are gone */
    assert_int_equal(v.bad_seq, 1);
    store_reader_close(r);
    kit_troubles_free(t);
    kit_remove(dir);
}

/* A file-size limit is a failed write, not a signal. */
static void test_size_limit(void **state)
{
    (void)state;
    char dir[64];
    kit_dir(dir);
    pid_t pid = fork();
    if (pid == 0) {
        struct store *s = kit_open_options(&(struct store_options){ .dir = dir, .segment_bytes = 64 << 10 });
        struct kit_client k;
        kit_client(&k, s);
        bool first = kit_commit(&k, 1);
        char command[128];
        snprintf(command, sizeof command, "prlimit --pid %d --fsize=4096:unlimited", (int)getpid());
        if (system(command) != 0)
            _exit(77);
        bool any_no = false;
        for (uint64_t n = 2; n < 60 && !any_no; n++)
            any_no = !kit_commit(&k, n);
        struct store_health h;
        store_health(s, &h);
        bool said = h.is_failing && h.why[0];
        snprintf(command, sizeof command, "prlimit --pid %d --fsize=unlimited", (int)getpid());
        if (system(command) != 0)
            _exit(77);
        for (int i = 0; i < 300 && h.is_failing; i++) {
            usleep(10000);
            store_health(s, &h);
        }
        bool back = !h.is_failing && kit_commit(&k, 100);
        kit_client_free(&k);
        store_close(s);
        if (!(first && any_no && said && back))
            fprintf(stderr, "first %d any_no %d said %d back %d: %s\n", first, any_no, said, back, h.why);
        _exit(first && any_no && said && back ? 0 : 1);
    }
    int status;
    waitpid(pid, &status, 0);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) != 77) {
        assert_int_equal(WEXITSTATUS(status), 0);
        struct verify_result v;
        if (!kit_verify(dir, &v))
            fail_msg("%s: %s", v.where, v.what);
    }
    kit_remove(dir);
}

/* What recovery cuts, and what it refuses. */
static void test_torn_tail(void **state)
{
    (void)state;
    char dir[64], path[PATH_MAX];
    struct verify_result v;
    kit_dir(dir);
    kit_filled(dir, 5);
    segment_path(dir, 1, path);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    FILE *f = fopen(path, "ab");
    assert_non_null(f);
    fwrite("VENT torn in the midst", 1, 22, f);
    fclose(f);
    assert_true(kit_verify(dir, &v));
    assert_true(v.what[0] != 0);                  /* good, with a remark */
    struct store *s = kit_open(dir);
    assert_non_null(s);
    struct kit_client k;
    kit_client(&k, s);
    assert_true(kit_commit(&k, 6));
    kit_client_free(&k);
    store_close(s);
    assert_true(kit_verify(dir, &v));
    assert_int_equal(v.records, 6);
    /* A byte in the midst: refused, with what and where. */
    int fd = open(path, O_RDWR);
    char c;
    assert_int_equal(pread(fd, &c, 1, st.st_size / 2), 1);
    c = (char)(c ^ 4);
    assert_int_equal(pwrite(fd, &c, 1, st.st_size / 2), 1);
    struct troubles *t = kit_troubles();
    assert_null(store_open(&(struct store_options){ .dir = dir }, t));
    assert_int_equal(t->n, 1);
    assert_non_null(strstr(t->list[0].what, "damaged"));
    assert_true(t->list[0].hint[0] != 0);
    /* The end cut off, checkpoint and index untouched: refused too. */
    c = (char)(c ^ 4);
    assert_int_equal(pwrite(fd, &c, 1, st.st_size / 2), 1);
    assert_int_equal(ftruncate(fd, st.st_size / 2), 0);
    close(fd);
    assert_null(store_open(&(struct store_options){ .dir = dir }, t));
    assert_int_equal(t->n, 2);
    assert_false(kit_verify(dir, &v));
    kit_troubles_free(t);
    kit_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kill), cmocka_unit_test(test_write_fails), cmocka_unit_test(test_short_write), cmocka_unit_test(test_sync_fails), cmocka_unit_test(test_fsync_fails),
        cmocka_unit_test(test_open_fails), cmocka_unit_test(test_reserve_fails), cmocka_unit_test(test_rename_fails), cmocka_unit_test(test_folder_gone), cmocka_unit_test(test_size_limit),
        cmocka_unit_test(test_torn_tail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
