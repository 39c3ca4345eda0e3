/* SPDX-License-Identifier: Apache-2.0
 * Any bytes as the only segment of a journal: verify, walk, the index and opening for writing answer and end, and where opening succeeds the store goes on working. */
#include "base/must.h"
#include "store/inside.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static bool on_record(void *n, uint64_t seq, const struct record *r)
{
    (void)seq, (void)r;
    return ++*(unsigned *)n < 1000;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char dir[64];
    char path[PATH_MAX], why[256];
    if (!dir[0]) {
        snprintf(dir, sizeof dir, "/tmp/vigie-fuzz-%ld", (long)getpid());
        mkdir(dir, 0700);
        snprintf(path, sizeof path, "%s/journal", dir);
        mkdir(path, 0700);
    }
    static const char *const others[] = { "head", "index.sqlite", "index.sqlite-wal", "index.sqlite-shm", "index.sqlite.bad", "journal/0000000002.seg" };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, others[i]);
        unlink(path);
    }
    segment_path(dir, 1, path);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    must(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    close(fd);
    struct arena *a = arena_new(1 << 20);
    struct troubles *t = calloc(1, sizeof *t);
    must(t != NULL);
    t->arena = a;
    struct verify_result v = { .is_good = false };
    bool good = store_verify(dir, 0, 0, &v, t) && v.is_good;
    must(!good || v.records + v.gaps > 0 || v.head[0]);
    struct store_reader *r = store_reader_open(dir, t);
    if (r) {
        unsigned n = 0;
        store_reader_walk(r, 0, on_record, &n, t);
        must(!good || n >= (v.records > 1000 ? 1000 : v.records));
        store_reader_close(r);
    }
    /* The index and a journal that is opened for writing, for a part of the inputs: they cost files and syncs. */
    if (good || size % 16 == 0) {
        index_catch_up(dir, why);
        struct journal *j = calloc(1, sizeof *j);
        must(j != NULL);
        j->fd = -1;
        if (journal_open(j, dir, 4096, t)) {
            int spare = SPARE_NONE;
            struct sealed *note = note_seal(&(struct note){ .kind = NOTE_GAP, .n = 1 });
            must(journal_write(j, &note, 1, &spare) && journal_sync(j));
            sealed_free(note);
            journal_close(j);
            must(store_verify(dir, 0, 0, &v, t));
        }
        free(j);
    }
    free(t);
    arena_free(a);
    return 0;
}
