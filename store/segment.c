/* SPDX-License-Identifier: Apache-2.0
 * The journal's files, read and spelled (drawn in segment.h). Reading goes through one window per segment, so that entries cost no system call each; it never
 * maps the file, for a mapped file that someone truncates is a signal. */
#include "store/segment.h"
#include "base/must.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

static uint32_t crc_of(const void *p, size_t n)
{
    return (uint32_t)crc32(0, p, (unsigned)n);
}

void segment_head_put(char out[SEGMENT_HEAD], const struct segment_head *h)
{
    memset(out, 0, SEGMENT_HEAD);
    memcpy(out, "VIGIEJ1\n", 8);
    put32(out + 8, 1);
    put32(out + 12, SEGMENT_HEAD);
    put64(out + 16, h->number);
    put64(out + 24, h->first_seq);
    put64(out + 32, h->previous_end);
    put64(out + 40, (uint64_t)h->made_us);
    memcpy(out + 48, h->chain, CHAIN_NAME);
    memcpy(out + 64, h->head, DIGEST_BYTES);
    put32(out + 124, crc_of(out, 124));
}

const char *segment_head_get(const char in[SEGMENT_HEAD], struct segment_head *h)
{
    static const char zeros[28];
    if (memcmp(in, "VIGIEJ1\n", 8) != 0)
        return "not a segment of a journal (no magic at its start)";
    if (get32(in + 124) != crc_of(in, 124))
        return "the segment's head is damaged (its checksum does not match)";
    if (get32(in + 8) != 1 || get32(in + 12) != SEGMENT_HEAD)
        return "written by a newer vigie (segment version)";
    if (memcmp(in + 96, zeros, 28) != 0)
        return "the segment's head is damaged (bytes that must be zero are not)";
    h->number = get64(in + 16);
    h->first_seq = get64(in + 24);
    h->previous_end = get64(in + 32);
    h->made_us = (int64_t)get64(in + 40);
    memcpy(h->chain, in + 48, CHAIN_NAME);
    memcpy(h->head, in + 64, DIGEST_BYTES);
    return h->number && h->first_seq ? NULL : "the segment's head has a zero where a number must be";
}

void entry_head_put(char out[ENTRY_HEAD], const struct entry *e)
{
    memcpy(out, "VENT", 4);
    put32(out + 4, e->length);
    put64(out + 8, e->seq);
    put64(out + 16, e->safe);
    put32(out + 24, e->flags);
    memcpy(out + 28, e->digest, DIGEST_BYTES);
    memcpy(out + 60, e->head, DIGEST_BYTES);
    put32(out + 92, crc_of(out, 92));
}

static bool entry_head_get(const char *in, struct entry *e)
{
    if (memcmp(in, "VENT", 4) != 0 || get32(in + 92) != crc_of(in, 92))
        return false;
    e->length = get32(in + 4);
    e->seq = get64(in + 8);
    e->safe = get64(in + 16);
    e->flags = get32(in + 24);
    memcpy(e->digest, in + 28, DIGEST_BYTES);
    memcpy(e->head, in + 60, DIGEST_BYTES);
    return true;
}

void chain_begin(const uint8_t chain[CHAIN_NAME], uint8_t head[DIGEST_BYTES])
{
    sha256((struct sha_part[]){ { "vigie journal", 13 }, { chain, CHAIN_NAME } }, 2, head);
}

void chain_next(const uint8_t before[DIGEST_BYTES], const uint8_t digest[DIGEST_BYTES], uint8_t head[DIGEST_BYTES])
{
    sha256((struct sha_part[]){ { before, DIGEST_BYTES }, { digest, DIGEST_BYTES } }, 2, head);
}

void segment_path(const char *dir, uint64_t number, char out[PATH_MAX])
{
    snprintf(out, PATH_MAX, "%s/journal/%010llu.seg", dir, (unsigned long long)number);
}

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

long segment_list(const char *dir, uint64_t **numbers)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/journal", dir);
    DIR *d = opendir(path);
    *numbers = NULL;
    if (!d)
        return -1;
    size_t n = 0, cap = 0;
    struct dirent *e;
    while ((e = readdir(d)) != NULL) {
        size_t digits = strspn(e->d_name, "0123456789");
        if (digits < 10 || digits > 19 || strcmp(e->d_name + digits, ".seg") != 0)
            continue;
        uint64_t v = strtoull(e->d_name, NULL, 10);
        char again[32];
        snprintf(again, sizeof again, "%010llu.seg", (unsigned long long)v);
        if (!v || strcmp(again, e->d_name) != 0)     /* one name a number, so that two files cannot claim it */
            continue;
        if (n == cap) {
            cap = cap ? 2 * cap : 64;
            uint64_t *more = realloc(*numbers, cap * sizeof **numbers);
            must(more != NULL);
            *numbers = more;
        }
        (*numbers)[n++] = v;
    }
    closedir(d);
    if (n)
        qsort(*numbers, n, sizeof **numbers, by_number);
    return (long)n;
}

/* n bytes at `at`, or NULL: the file ends before or cannot be read (errno then, else 0). */
static const char *window(struct segment *s, uint64_t at, size_t n)
{
    if (at >= s->ahead_at && at - s->ahead_at <= s->ahead_len && s->ahead_len - (at - s->ahead_at) >= n)
        return s->ahead + (at - s->ahead_at);
    size_t want = n > READ_AHEAD ? n : READ_AHEAD;
    if (s->ahead_room < want) {
        free(s->ahead);
        s->ahead = malloc(want);
        must(s->ahead != NULL);
        s->ahead_room = want;
    }
    s->ahead_at = at;
    s->ahead_len = 0;
    errno = 0;
    while (s->ahead_len < want) {
        ssize_t r = pread(s->fd, s->ahead + s->ahead_len, want - s->ahead_len, (off_t)(at + s->ahead_len));
        if (r < 0 && errno == EINTR)
            continue;
        if (r <= 0)
            break;
        s->ahead_len += (size_t)r;
    }
    return s->ahead_len >= n ? s->ahead : NULL;
}

bool segment_open(struct segment *s, const char *dir, uint64_t number, const char **why)
{
    memset(s, 0, sizeof *s);
    s->number = number;
    s->end = UINT64_MAX;
    segment_path(dir, number, s->path);
    struct stat st;
    s->fd = open(s->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);   /* a fifo of that name must not hang us */
    *why = "";
    if (s->fd < 0 || fstat(s->fd, &st) < 0) {
        *why = strerror(errno);
    } else if (!S_ISREG(st.st_mode)) {
        *why = "not a file";
    } else {
        s->size = (uint64_t)st.st_size;
        const char *head = window(s, 0, SEGMENT_HEAD);
        *why = head ? segment_head_get(head, &s->head) : errno ? strerror(errno) : "shorter than a segment's head";
        if (!*why && s->head.number != number)
            *why = "its head bears another number than its name";
    }
    if (*why) {
        segment_close(s);
        return false;
    }
    s->at = SEGMENT_HEAD;
    return true;
}

void segment_close(struct segment *s)
{
    if (s->fd >= 0)
        close(s->fd);
    free(s->ahead);
    s->ahead = NULL;
    s->ahead_room = s->ahead_len = 0;
    s->fd = -1;
}

void segment_look_for_end(struct segment *s, const char *dir)
{
    struct segment after;
    const char *why;
    if (s->end == UINT64_MAX && segment_open(&after, dir, s->number + 1, &why)) {
        s->end = after.head.previous_end;
        segment_close(&after);
    }
}

static bool all_zero(const char *p, size_t n)
{
    return n == 0 || (p[0] == 0 && memcmp(p, p + 1, n - 1) == 0);
}

enum scan segment_next_head(struct segment *s, struct entry *e, const char **why)
{
    *why = NULL;
    if (s->at >= s->end) {
        if (s->at == s->end)
            return SCAN_END;
        *why = "its last entry reaches past the end that the next segment names";
        return SCAN_BAD;
    }
    const char *head = window(s, s->at, ENTRY_HEAD);
    if (!head) {
        if (errno) {
            *why = strerror(errno);
            return SCAN_BAD;
        }
        if (s->end == UINT64_MAX && (s->ahead_len == 0 || all_zero(s->ahead, s->ahead_len)))
            return SCAN_END;
        *why = "the file ends in the midst of an entry";
        return SCAN_BAD;
    }
    if (s->end == UINT64_MAX && all_zero(head, ENTRY_HEAD))
        return SCAN_END;
    if (!entry_head_get(head, e)) {
        *why = all_zero(head, ENTRY_HEAD) ? "zeros where an entry must be" : "an entry's head is damaged (its checksum does not match)";
        return SCAN_BAD;
    }
    if (e->length > SEALED_MOST || e->safe > s->at) {
        *why = "an entry's head holds impossible numbers";
        return SCAN_BAD;
    }
    e->at = s->at;
    e->end = s->at + entry_padded(e->length);
    if (e->end > s->end) {
        *why = "an entry reaches past the end that the next segment names";
        return SCAN_BAD;
    }
    if (e->end > s->size) {        /* grown since it was opened? */
        struct stat st;
        if (fstat(s->fd, &st) == 0)
            s->size = (uint64_t)st.st_size;
    }
    if (e->end > s->size) {
        *why = "the file ends in the midst of an entry";
        return SCAN_BAD;
    }
    s->at = e->end;
    return SCAN_ENTRY;
}

enum scan segment_next(struct segment *s, struct entry *e, struct span *payload, const char **why)
{
    enum scan r = segment_next_head(s, e, why);
    if (r != SCAN_ENTRY)
        return r;
    size_t padded = (size_t)(e->end - e->at) - ENTRY_HEAD;
    const char *bytes = window(s, e->at + ENTRY_HEAD, padded);
    if (!bytes) {
        *why = errno ? strerror(errno) : "the file ends in the midst of an entry";
    } else if (!all_zero(bytes + e->length, padded - e->length)) {
        *why = "the padding behind an entry is not zero";
    } else {
        *payload = (struct span){ bytes, e->length };
        return SCAN_ENTRY;
    }
    s->at = e->at;
    return SCAN_BAD;
}

bool segment_tail(struct segment *s, uint64_t from, struct tail *out)
{
    *out = (struct tail){ .last_byte = from };
    struct entry e;
    s->ahead_len = 0;              /* what the window holds may be older than the file */
    for (uint64_t at = from; ; at += READ_AHEAD) {
        /* Windows overlap by one entry's head, so that none is missed at a border. */
        if (!window(s, at, 1))
            return errno == 0;
        const char *w = s->ahead;
        size_t n = s->ahead_len;
        if (all_zero(w, n))
            continue;
        size_t last = n;
        while (last && !w[last - 1])
            last--;
        out->last_byte = at + last;
        struct span rest = { w, n };
        const char *hit;
        while ((hit = span_find(rest, SPAN("VENT"))) != NULL) {
            uint64_t here = at + (uint64_t)(hit - w);
            const char *head = here > from && here % 8 == 0 ? hit : NULL;
            char whole[ENTRY_HEAD];
            if (head && (size_t)(w + n - hit) < ENTRY_HEAD) {
                ssize_t r = pread(s->fd, whole, sizeof whole, (off_t)here);
                head = r == ENTRY_HEAD ? whole : NULL;
            }
            if (head && entry_head_get(head, &e) && e.safe > from && e.safe <= here) {
                out->is_damage = true;
                out->after_at = here;
                return true;
            }
            rest = span_cut(rest, (size_t)(hit - rest.at) + 1, rest.len);
        }
    }
}
