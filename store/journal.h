/* SPDX-License-Identifier: Apache-2.0
 *
 * journal: the writing end of the chain. Owner: the writer thread (and store_open before it, store_close after it). All or nothing: journal_write puts a
 * group behind the last, journal_sync makes all written safe. When either fails the journal goes back to what was synced last and is broken;
 * journal_restart begins a new segment there, for after a failed fdatasync nobody knows which of the old segment's pages are on the disk (the kernel
 * may have dropped them and called them clean, so that a second fdatasync would lie).
 */
#ifndef STORE_JOURNAL_H
#define STORE_JOURNAL_H
#include "store/segment.h"
#include <sys/types.h>
#include <sys/uio.h>

enum { GROUP_MOST = 256, SPARE_NONE = -1 };

struct position {                  /* a place in the chain: after entry `seq` */
    uint64_t seq, segment, at;
    uint8_t head[DIGEST_BYTES];
};
struct journal {
    char dir[PATH_MAX - 64];
    uint8_t chain[CHAIN_NAME];
    int fd;                        /* of the current segment; -1 when broken */
    uint64_t size;                 /* reserved bytes of the current segment */
    uint64_t segment_bytes;
    uint64_t named;                /* of which segment `path` and the file's number are; 0: none */
    char path[PATH_MAX];
    dev_t dev;
    ino_t ino;
    struct position written, synced;
    uint64_t newest;               /* the highest segment number ever used */
    uint64_t cut_bytes;            /* torn tail cut by journal_open */
    char why[192];                 /* why the last call failed */
    char encoded[GROUP_MOST][ENTRY_HEAD];
    struct iovec iov[GROUP_MOST * 2 + 1];
};
/* Makes or recovers it. false: t says why and what to do. */
bool journal_open(struct journal *j, const char *dir, uint64_t segment_bytes, struct troubles *t);
void journal_close(struct journal *j);
/* Appends list[n] (n <= GROUP_MOST). A spare segment file (an open descriptor at DIR/journal/spare) is used when one more is needed: *spare becomes SPARE_NONE. */
bool journal_write(struct journal *j, struct sealed *const *list, size_t n, int *spare);
/* fdatasync; also sees that the file still is where it should be (a folder removed under us would take records silently). */
bool journal_sync(struct journal *j);
bool journal_restart(struct journal *j, uint64_t need, int *spare);
/* Reserves DIR/journal/spare: its descriptor, or SPARE_NONE. Any thread. */
int journal_spare(const char *dir, uint64_t bytes);

/* DIR/head: how far the chain was synced for certain. Verify and recovery see by it that a tail is missing. */
bool head_file_write(const char *dir, const uint8_t chain[CHAIN_NAME], const struct position *p);
/* 1, 0: there is none, -1: damaged. */
int head_file_read(const char *dir, uint8_t chain[CHAIN_NAME], struct position *p);
void hex_of(const uint8_t *bytes, size_t n, char *out);
bool hex_read(struct span s, uint8_t *out, size_t n);
#endif
