/* SPDX-License-Identifier: Apache-2.0
 *
 * segment: one file of the journal, as it lies on disk, and a reader that distrusts every byte of it. DIR/journal/NNNNNNNNNN.seg:
 *
 *     segment head, 128 bytes                          entry, 96 bytes and its payload, padded with zeros to 8
 *       0  "VIGIEJ1\n"                                   0  "VENT"
 *       8  u32 version 1, u32 128                        4  u32 bytes of payload
 *      16  u64 number of this segment, from 1            8  u64 sequence number, from 1, without holes
 *      24  u64 sequence number of its first entry       16  u64 safe: everything before this offset was synced when this was written
 *      32  u64 end of the segment before (0: none)      24  u32 flags: 1 = its client did not wait for the sync
 *      40  i64 made at (us)                             28  digest of the payload (store/seal.h)
 *      48  16 random bytes: this chain's name           60  head = SHA-256(head before || digest)
 *      64  32 bytes: the chain's head before it         92  u32 CRC-32 of bytes 0 to 92
 *      96  28 zeros, u32 CRC-32 of bytes 0 to 124
 *
 * A segment that has a successor ends exactly where the successor says; what is behind that is not part of the journal (left over from a
 * group that failed). The last one ends at the first place where no entry stands. If an entry behind that place claims a `safe` past it, then synced bytes were
 * damaged; if not, it is the torn tail of a group that nobody was told of.
 * The head before the first entry of all is SHA-256("vigie journal" || chain's name).
 */
#ifndef STORE_SEGMENT_H
#define STORE_SEGMENT_H
#include "store/seal.h"
#include <limits.h>

enum { SEGMENT_HEAD = 128, ENTRY_HEAD = 96, CHAIN_NAME = 16, ENTRY_FLAG_ASYNC = 1, READ_AHEAD = 256 << 10 };

struct segment_head {
    uint64_t number, first_seq, previous_end;
    int64_t made_us;
    uint8_t chain[CHAIN_NAME], head[DIGEST_BYTES];
};
void segment_head_put(char out[SEGMENT_HEAD], const struct segment_head *h);
/* NULL, or why it is none. */
const char *segment_head_get(const char in[SEGMENT_HEAD], struct segment_head *h);

struct entry {
    uint64_t seq, at, end, safe;   /* at: offset of its head; end: of the next entry */
    uint32_t length, flags;
    uint8_t digest[DIGEST_BYTES], head[DIGEST_BYTES];
};
void entry_head_put(char out[ENTRY_HEAD], const struct entry *e);
static inline uint64_t entry_padded(uint32_t length) { return ENTRY_HEAD + (((uint64_t)length + 7) & ~7ull); }
void chain_begin(const uint8_t chain[CHAIN_NAME], uint8_t head[DIGEST_BYTES]);
void chain_next(const uint8_t before[DIGEST_BYTES], const uint8_t digest[DIGEST_BYTES], uint8_t head[DIGEST_BYTES]);

/* The segments of DIR/journal, ascending. -1: errno says why. *numbers is malloced. */
long segment_list(const char *dir, uint64_t **numbers);
void segment_path(const char *dir, uint64_t number, char out[PATH_MAX]);

struct segment {                   /* a segment being read; one thread at a time */
    int fd;
    uint64_t number, size, at;     /* at: where the next entry is read */
    uint64_t end;                  /* where its successor says that it ends; UINT64_MAX: it is the last */
    struct segment_head head;
    char path[PATH_MAX];
    char *ahead;                   /* bytes [ahead_at, ahead_at + ahead_len) of the file */
    size_t ahead_room, ahead_len;
    uint64_t ahead_at;
};
/* false: *why (static text or strerror). */
bool segment_open(struct segment *s, const char *dir, uint64_t number, const char **why);
void segment_close(struct segment *s);
/* Looks at the successor, if there is one by now, for s->end. */
void segment_look_for_end(struct segment *s, const char *dir);

enum scan {
    SCAN_ENTRY,    /* *e and *payload (valid until the next call) */
    SCAN_END,      /* the segment ends here: where its successor says, or nothing but zeros */
    SCAN_BAD,      /* no valid entry stands here: *why */
};
/* Reads the entry at s->at and steps past it. The digest is not computed here (sealed_check) nor the chain. */
enum scan segment_next(struct segment *s, struct entry *e, struct span *payload, const char **why);
/* The same without reading the payload. */
enum scan segment_next_head(struct segment *s, struct entry *e, const char **why);
struct tail {
    bool is_damage;                /* synced bytes at or behind `from` are bad */
    uint64_t after_at;             /* the entry that proves it */
    uint64_t last_byte;            /* offset past the last byte that is not zero */
};
/* What lies from `from` on in a last segment. false: could not be read. */
bool segment_tail(struct segment *s, uint64_t from, struct tail *out);
#endif
