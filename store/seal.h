/* SPDX-License-Identifier: Apache-2.0
 *
 * seal: a record's canonical bytes and their digest, and the way back. The same record has one serialisation (but for its salts), and bytes that are not
 * exactly what sealing would have made are refused on reading, so nothing can hide between two readings of the same bytes.
 *
 * Payload of an exchange (little-endian):
 *     0  "VR" 2 0      88 bytes of head: magic, version, zero
 *     4  u32 facts     bytes of the facts
 *     8  u32 who       bytes of the who part, 0: nothing in it
 *    12  u32 content   bytes of the content part as stored, 0: nothing in it
 *    16  u32 unpacked  bytes of the bodies' members before zstd; 0: stored as they are
 *    20  u32 texts     bytes of the content's other members, never packed: lists and the index need no more
 *    24  SHA-256 of the who part as stored (zeros when empty)
 *    56  SHA-256 of the content part as stored
 *    88  facts, who (16 bytes of salt, members), content (16 bytes of salt, texts, bodies' members or a zstd frame of them)
 * digest = SHA-256(bytes 0 to 88 + facts). who and content are under it through their own hashes, salted so that an erased part's hash tells nothing.
 * A member: tag (1 byte), length (LEB128), bytes; tags ascend; what is empty, zero or false is left out; numbers are little-endian without trailing zeros.
 *
 * A note (gap, recovery, dropped segments) is "VN" 1 kind, i64 at_us, u64 n, u64 seq, 32 bytes head, u32 length, text; digest = SHA-256 of all.
 */
#ifndef STORE_SEAL_H
#define STORE_SEAL_H
#include "store/store.h"

enum { DIGEST_BYTES = 32, SALT_BYTES = 16, SEALED_HEAD = 88, SEALED_MOST = 256 << 20, SEALED_BODY_MOST = 96 << 20, NOTE_TEXT_MOST = 400 };
enum note_kind { NOTE_NONE, NOTE_GAP, NOTE_RECOVERED, NOTE_DROPPED };

struct sealed {
    struct sealed *next;           /* owner: whichever list it is on */
    struct store_client *client;
    void *context;
    enum store_policy policy;
    bool is_durable;
    uint8_t digest[DIGEST_BYTES];
    uint32_t length;
    char bytes[];
};
struct note {
    enum note_kind kind;
    int64_t at_us;
    uint64_t n;                    /* gap: exchanges lost; recovered: bytes cut; dropped: records dropped */
    uint64_t seq;                  /* dropped: the last one gone */
    uint8_t head[DIGEST_BYTES];    /* dropped: the chain's head after it */
    struct span text;
};
struct sealed *note_seal(const struct note *n);

struct sha_part { const void *at; size_t len; };
void sha256(const struct sha_part *parts, size_t n, uint8_t out[DIGEST_BYTES]);

/* NULL: payload is whole and its digest is this one; else why not. */
const char *sealed_check(struct span payload, const uint8_t digest[DIGEST_BYTES]);
/* Which note, NOTE_NONE: an exchange (or garbage). */
enum note_kind sealed_note_kind(struct span payload);
/* false: *why. Texts point into the arena or the payload, which must stay. with_bodies false: bodies stay empty and are not even unpacked. */
bool sealed_read(struct span payload, struct arena *a, bool with_bodies, struct record *out, const char **why);
bool note_read(struct span payload, struct note *out, const char **why);

static inline uint32_t get32(const void *p)
{
    const unsigned char *u = p;
    return u[0] | (uint32_t)u[1] << 8 | (uint32_t)u[2] << 16 | (uint32_t)u[3] << 24;
}
static inline uint64_t get64(const void *p)
{
    return get32(p) | (uint64_t)get32((const char *)p + 4) << 32;
}
static inline void put32(void *p, uint32_t v)
{
    unsigned char *u = p;
    u[0] = (unsigned char)v, u[1] = (unsigned char)(v >> 8), u[2] = (unsigned char)(v >> 16), u[3] = (unsigned char)(v >> 24);
}
static inline void put64(void *p, uint64_t v)
{
    put32(p, (uint32_t)v);
    put32((char *)p + 4, (uint32_t)(v >> 32));
}
#endif
