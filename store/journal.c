/* SPDX-License-Identifier: Apache-2.0
 * Appending to the chain, turning to a new segment, and finding the end again after a crash. */
#include "store/journal.h"
#include "base/must.h"
#include "base/parse.h"
#include "store/fields.h"
#include "store/io.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096, LEAST_SEGMENT = 1 << 20, AHEAD = 16 << 20 /* reserved at once where somebody waits for it; whole segments are the keeper's, who has time */ };

void hex_of(const uint8_t *bytes, size_t n, char *out)
{
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
        out[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
    }
    out[2 * n] = 0;
}

bool hex_read(struct span s, uint8_t *out, size_t n)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    if (s.len != 2 * n)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        const char *d = s.at[i] ? strchr(digits, s.at[i]) : NULL;
        if (!d)
            return false;
        out[i / 2] = (uint8_t)(out[i / 2] << 4 | ((d - digits) & 15));
    }
    return true;
}

static int64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* Back to what is known to be safe. */
static bool fail(struct journal *j, const char *doing, const char *path)
{
    int e = errno;
    snprintf(j->why, sizeof j->why, "%s: %s %.120s", strerror(e), doing, path);
    if (j->fd >= 0)
        close(j->fd);
    j->fd = -1;
    j->written = j->synced;
    return false;
}

/* ---- The head file: plain text, one word and its value a line. ---- */

bool head_file_write(const char *dir, const uint8_t chain[CHAIN_NAME], const struct position *p)
{
    char text[512], head[65], name[33], at[32];
    hex_of(p->head, DIGEST_BYTES, head);
    hex_of(chain, CHAIN_NAME, name);
    format_time(now_us(), at);
    int n = snprintf(text, sizeof text, "vigie-head 1\nchain %s\nseq %llu\nhead %s\nsegment %llu\noffset %llu\nat %s\n", name, (unsigned long long)p->seq, head,
                     (unsigned long long)p->segment, (unsigned long long)p->at, at);
    return store_write_file(dir, "head", (struct span){ text, (size_t)n });
}

int head_file_read(const char *dir, uint8_t chain[CHAIN_NAME], struct position *p)
{
    char path[PATH_MAX], text[1024];
    snprintf(path, sizeof path, "%s/head", dir);
    memset(p, 0, sizeof *p);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR ? 0 : -1;
    ssize_t n = read(fd, text, sizeof text);
    close(fd);
    if (n <= 0 || n == sizeof text)
        return -1;
    struct span rest = { text, (size_t)n };
    unsigned seen = 0;
    if (!span_starts(rest, "vigie-head 1\n"))
        return -1;
    while (rest.len) {
        const char *nl = memchr(rest.at, '\n', rest.len);
        struct span line = { rest.at, nl ? (size_t)(nl - rest.at) : rest.len };
        rest = span_cut(rest, line.len + (nl ? 1 : 0), rest.len);
        const char *sp = line.len ? memchr(line.at, ' ', line.len) : NULL;
        if (!sp)
            continue;
        struct span word = { line.at, (size_t)(sp - line.at) }, value = span_cut(line, word.len + 1, line.len);
        if (span_is(word, "chain"))
            seen |= hex_read(value, chain, CHAIN_NAME) ? 1 : 0;
        else if (span_is(word, "seq"))
            seen |= parse_u64(value, UINT64_MAX / 2, &p->seq) ? 2 : 0;
        else if (span_is(word, "head"))
            seen |= hex_read(value, p->head, DIGEST_BYTES) ? 4 : 0;
        else if (span_is(word, "segment"))
            seen |= parse_u64(value, UINT64_MAX / 2, &p->segment) ? 8 : 0;
        else if (span_is(word, "offset"))
            seen |= parse_u64(value, UINT64_MAX / 2, &p->at) ? 16 : 0;
    }
    return seen == 31 ? 1 : -1;
}

/* ---- Turning to a new segment. ---- */

int journal_spare(const char *dir, uint64_t bytes)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/journal/spare", dir);
    int fd = store_io->open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return SPARE_NONE;
    int e = store_io->reserve(fd, (off_t)bytes);
    if (e == 0 && store_io->fsync(fd) != 0)
        e = errno;
    if (e == 0)
        return fd;
    close(fd);
    store_io->unlink(path);
    errno = e;
    return SPARE_NONE;
}

bool journal_restart(struct journal *j, uint64_t need, int *spare)
{
    char from[PATH_MAX], to[PATH_MAX], folder[PATH_MAX];
    struct stat st, there;
    snprintf(folder, sizeof folder, "%s/journal", j->dir);
    snprintf(from, sizeof from, "%s/journal/spare", j->dir);
    /* What is gone is made anew: the chain goes on, and verify will say which records went with the folder. */
    mkdir(j->dir, 0700);
    if (mkdir(folder, 0700) == 0)
        store_sync_dir(j->dir);
    if (j->fd >= 0)
        close(j->fd);
    j->fd = -1;
    need += SEGMENT_HEAD;
    if (*spare != SPARE_NONE && (fstat(*spare, &st) != 0 || (uint64_t)st.st_size < need || stat(from, &there) != 0 || there.st_ino != st.st_ino)) {
        close(*spare);
        *spare = SPARE_NONE;
    }
    /* A disk that is nearly full still has room for a smaller one. */
    uint64_t bytes = j->segment_bytes < AHEAD ? j->segment_bytes : AHEAD;
    bytes = bytes > need ? bytes : need;
    while (*spare == SPARE_NONE && (*spare = journal_spare(j->dir, bytes)) == SPARE_NONE) {
        if (errno != ENOSPC && errno != EDQUOT && errno != EFBIG)
            break;
        uint64_t least = need > LEAST_SEGMENT ? need : LEAST_SEGMENT;
        if (bytes <= least)
            break;
        bytes = bytes / 4 > least ? bytes / 4 : least;
    }
    if (*spare == SPARE_NONE)
        return fail(j, "reserving", from);
    j->fd = *spare;
    *spare = SPARE_NONE;
    if (fstat(j->fd, &st) != 0)
        return fail(j, "looking at", from);
    j->size = (uint64_t)st.st_size;
    char bytes_of_head[SEGMENT_HEAD];
    struct segment_head h = { .number = j->newest + 1, .first_seq = j->synced.seq + 1, .previous_end = j->synced.segment ? j->synced.at : 0, .made_us = now_us() };
    memcpy(h.chain, j->chain, CHAIN_NAME);
    memcpy(h.head, j->synced.head, DIGEST_BYTES);
    segment_head_put(bytes_of_head, &h);
    segment_path(j->dir, h.number, to);
    struct iovec iov = { bytes_of_head, SEGMENT_HEAD };
    /* Its head is safe before its name exists: a segment with a name always has a whole head. */
    if (!store_write_all(j->fd, &iov, 1, 0) || store_io->fdatasync(j->fd) != 0)
        return fail(j, "beginning", to);
    if (store_io->rename(from, to) != 0 || !store_sync_dir(folder))
        return fail(j, "naming", to);
    j->newest = h.number;
    j->synced.segment = h.number;
    j->synced.at = SEGMENT_HEAD;
    j->written = j->synced;
    return true;
}

/* ---- Writing. ---- */

static bool write_group(struct journal *j, struct sealed *const *list, size_t n)
{
    size_t v = 0;
    uint64_t from = j->written.at;
    struct position p = j->written;
    for (size_t i = 0; i < n; i++) {
        struct sealed *s = list[i];
        struct entry e = { .seq = p.seq + 1, .safe = j->synced.segment == p.segment ? j->synced.at : SEGMENT_HEAD, .length = s->length,
                           .flags = s->policy == STORE_ASYNC ? ENTRY_FLAG_ASYNC : 0 };
        memcpy(e.digest, s->digest, DIGEST_BYTES);
        chain_next(p.head, s->digest, e.head);
        entry_head_put(j->encoded[i], &e);
        size_t padded = (size_t)entry_padded(s->length) - ENTRY_HEAD;
        memset(s->bytes + s->length, 0, padded - s->length);   /* sealed bytes have room for their padding */
        j->iov[v++] = (struct iovec){ j->encoded[i], ENTRY_HEAD };
        j->iov[v++] = (struct iovec){ s->bytes, padded };
        memcpy(p.head, e.head, DIGEST_BYTES);
        p.seq++;
        p.at += ENTRY_HEAD + padded;
    }
    /* Up to the end of a page, with the zeros that stand there: a page that is written whole need not be read first. */
    static const char zeros[PAGE];
    if (p.at % PAGE && p.at / PAGE * PAGE + PAGE <= j->size)
        j->iov[v++] = (struct iovec){ (char *)(uintptr_t)zeros, PAGE - p.at % PAGE };
    if (!store_write_all(j->fd, j->iov, v, from)) {
        char path[PATH_MAX];
        int e = errno;
        segment_path(j->dir, j->written.segment, path);
        errno = e;
        return fail(j, "writing", path);
    }
    j->written = p;
    return true;
}

bool journal_write(struct journal *j, struct sealed *const *list, size_t n, int *spare)
{
    must(n && n <= GROUP_MOST);
    size_t done = 0;
    while (done < n) {
        uint64_t at = j->written.at;
        size_t fit = done;
        while (j->fd >= 0 && fit < n && at + entry_padded(list[fit]->length) <= j->size)
            at += entry_padded(list[fit++]->length);
        if (fit == done) {
            /* Full. The old segment must be safe before a new one points at its end. */
            if (j->fd >= 0 && j->written.seq != j->synced.seq && !journal_sync(j))
                return false;
            if (!journal_restart(j, entry_padded(list[done]->length), spare))
                return false;
            continue;
        }
        if (!write_group(j, list + done, fit - done))
            return false;
        done = fit;
    }
    return true;
}

bool journal_sync(struct journal *j)
{
    struct stat there;
    if (j->named != j->written.segment) {          /* a group has no time to name its file and to look at its own number again */
        struct stat ours;
        segment_path(j->dir, j->written.segment, j->path);
        if (fstat(j->fd, &ours) != 0)
            return fail(j, "looking at", j->path);
        j->ino = ours.st_ino;
        j->dev = ours.st_dev;
        j->named = j->written.segment;
    }
    const char *path = j->path;
    if (store_io->fdatasync(j->fd) != 0)
        return fail(j, "syncing", path);
    if (stat(path, &there) != 0)
        return fail(j, "looking for", path);
    if (j->ino != there.st_ino || j->dev != there.st_dev) {
        errno = ESTALE;
        return fail(j, "another file stands in place of", path);
    }
    j->synced = j->written;
    return true;
}

/* ---- Opening. ---- */

/* Walks the last segment to its end. */
static bool recover(struct journal *j, struct segment *s, const char *dir, struct troubles *t)
{
    static const char damaged[] = "keep this folder as evidence (vigie verify tells more), and start with a new one: move it aside or change data:";
    struct position p = { .seq = s->head.first_seq - 1, .segment = s->number, .at = SEGMENT_HEAD };
    memcpy(p.head, s->head.head, DIGEST_BYTES);
    const char *why = NULL;
    struct entry e;
    struct span payload;
    enum scan r;
    while ((r = segment_next(s, &e, &payload, &why)) == SCAN_ENTRY) {
        uint8_t head[DIGEST_BYTES];
        chain_next(p.head, e.digest, head);
        if (e.seq != p.seq + 1)
            why = "an entry out of order";
        else if (memcmp(head, e.head, DIGEST_BYTES) != 0)
            why = "an entry that does not follow the one before it";
        else
            why = sealed_check(payload, e.digest);
        if (why)
            break;
        memcpy(p.head, head, DIGEST_BYTES);
        p.seq++;
        p.at = e.end;
    }
    struct tail tail;
    if (!segment_tail(s, p.at, &tail)) {
        trouble_add(t, s->path, 0, 0, "", "cannot be read: %s", strerror(errno));
        return false;
    }
    if (tail.is_damage) {
        trouble_add(t, s->path, 0, 0, damaged, "the journal is damaged at byte %llu (%s), though what stands behind it (byte %llu) was written later",
                    (unsigned long long)p.at, why ? why : "no entry there", (unsigned long long)tail.after_at);
        return false;
    }
    struct position known;
    uint8_t chain[CHAIN_NAME];
    int has_head = head_file_read(dir, chain, &known);
    if (has_head < 0) {
        char path[PATH_MAX];
        snprintf(path, sizeof path, "%s/head", dir);
        trouble_add(t, path, 0, 0, damaged, "the checkpoint of the journal's end cannot be read");
        return false;
    }
    if (has_head && memcmp(chain, s->head.chain, CHAIN_NAME) != 0) {
        trouble_add(t, s->path, 0, 0, damaged, "this journal is not the one that the file 'head' knows: one of the two was put in from elsewhere");
        return false;
    }
    if (has_head && known.seq > p.seq) {
        trouble_add(t, s->path, 0, 0, damaged, "the journal ends at record %llu, byte %llu (%s), but the file 'head' knows that record %llu was written",
                    (unsigned long long)p.seq, (unsigned long long)p.at, why ? why : "nothing behind it", (unsigned long long)known.seq);
        return false;
    }
    memcpy(j->chain, s->head.chain, CHAIN_NAME);
    j->written = j->synced = p;
    j->newest = s->number;
    j->cut_bytes = tail.last_byte - p.at;
    return true;
}

bool journal_open(struct journal *j, const char *dir, uint64_t segment_bytes, struct troubles *t)
{
    char folder[PATH_MAX];
    memset(j, 0, sizeof *j);
    j->fd = -1;
    j->segment_bytes = segment_bytes;
    int spare = SPARE_NONE;
    if (snprintf(j->dir, sizeof j->dir, "%s", dir) >= (int)sizeof j->dir) {
        trouble_add(t, NULL, 0, 0, "use a shorter one", "the path of the data folder is too long");
        return false;
    }
    snprintf(folder, sizeof folder, "%s/journal", dir);
    if (mkdir(folder, 0700) != 0 && errno != EEXIST) {
        trouble_add(t, folder, 0, 0, "", "cannot be made: %s", strerror(errno));
        return false;
    }
    uint64_t *numbers;
    long n = segment_list(dir, &numbers);
    if (n < 0) {
        trouble_add(t, folder, 0, 0, "", "cannot be read: %s", strerror(errno));
        return false;
    }
    uint64_t last = n ? numbers[n - 1] : 0;
    free(numbers);
    if (!last) {
        struct position known;
        int has_head = head_file_read(dir, j->chain, &known);
        if (has_head != 0) {
            trouble_add(t, folder, 0, 0, "put the journal back, or move the data folder aside and start with a new one",
                        "there is no journal, but the file 'head' knows of one that reached record %llu", (unsigned long long)known.seq);
            return false;
        }
        store_random(j->chain, CHAIN_NAME);
        chain_begin(j->chain, j->synced.head);
        j->written = j->synced;
        if (!journal_restart(j, 0, &spare)) {
            trouble_add(t, folder, 0, 0, "", "the journal cannot be begun: %s", j->why);
            return false;
        }
        return true;
    }
    struct segment s;
    const char *why;
    if (!segment_open(&s, dir, last, &why)) {
        char path[PATH_MAX];
        segment_path(dir, last, path);
        trouble_add(t, path, 0, 0, "keep the folder as evidence and start with a new one (vigie verify tells more)", "%s", why);
        return false;
    }
    bool ok = recover(j, &s, dir, t);
    segment_close(&s);
    if (!ok)
        return false;
    char path[PATH_MAX];
    segment_path(dir, last, path);
    j->fd = store_io->open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0);
    /* Cut and reserve again: behind the end there are zeros once more. A disk too full to reserve still has a whole journal; the next write tells. */
    if (j->fd < 0 || ftruncate(j->fd, (off_t)j->synced.at) != 0) {
        trouble_add(t, path, 0, 0, "", "cannot be written: %s", strerror(errno));
        journal_close(j);
        return false;
    }
    j->size = j->synced.at;
    uint64_t room = j->synced.at + AHEAD < segment_bytes ? j->synced.at + AHEAD : segment_bytes;
    if (j->synced.at < room && store_io->reserve(j->fd, (off_t)room) == 0)
        j->size = room;
    if (store_io->fsync(j->fd) != 0) {
        trouble_add(t, path, 0, 0, "", "cannot be synced: %s", strerror(errno));
        journal_close(j);
        return false;
    }
    return true;
}

void journal_close(struct journal *j)
{
    /* The reserved room goes back to the disk: a folder at rest is as large as what is in it. */
    if (j->fd >= 0) {
        if (ftruncate(j->fd, (off_t)j->synced.at) == 0)
            store_io->fsync(j->fd);
        close(j->fd);
        j->fd = -1;
    }
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/journal/spare", j->dir);
    if (j->dir[0])
        store_io->unlink(path);
}
