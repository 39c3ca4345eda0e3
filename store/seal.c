/* SPDX-License-Identifier: Apache-2.0
 * Records to bytes and back (the form is drawn in seal.h). Sealing runs on the workers, between the end of an answer and its last byte,
 * so it makes one pass over the members into a scratch of the thread's own, one zstd call, three short hashes and one allocation. */
#include "store/seal.h"
#include "base/must.h"
#include "base/utf8.h"
#include "store/fields.h"
#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>
#include <zstd.h>

enum { TEXT_MOST = 64 << 10, JSON_MOST = 8 << 20, PACK_FROM = 256, PACK_WELL_FROM = 32 << 10 /* below, half the time is worth a third more bytes */, SCRATCH_KEPT = 1 << 20 };

/* ---- What a thread keeps from one record to the next; goes with the thread. ---- */
struct tools {
    ZSTD_CCtx *pack;
    ZSTD_DCtx *unpack;
    EVP_MD_CTX *sha;
    char *scratch;
    size_t room;
};
static EVP_MD *sha256_method;
static pthread_key_t tools_key;
static pthread_once_t tools_once = PTHREAD_ONCE_INIT;

static void tools_free(void *p)
{
    struct tools *t = p;
    ZSTD_freeCCtx(t->pack);
    ZSTD_freeDCtx(t->unpack);
    EVP_MD_CTX_free(t->sha);
    free(t->scratch);
    free(t);
}
static void main_thread_done(void)
{
    struct tools *t = pthread_getspecific(tools_key);   /* key destructors do not run for the thread that calls exit */
    if (t) {
        pthread_setspecific(tools_key, NULL);
        tools_free(t);
    }
    EVP_MD_free(sha256_method);
    sha256_method = NULL;
}
static void tools_begin(void)
{
    must(pthread_key_create(&tools_key, tools_free) == 0);
    sha256_method = EVP_MD_fetch(NULL, "SHA256", NULL);
    must(sha256_method != NULL);
    atexit(main_thread_done);
}
static struct tools *tools(void)
{
    static _Thread_local struct tools *mine;
    if (mine)
        return mine;
    pthread_once(&tools_once, tools_begin);
    struct tools *t = calloc(1, sizeof *t);
    must(t != NULL);
    t->pack = ZSTD_createCCtx();
    t->unpack = ZSTD_createDCtx();
    t->sha = EVP_MD_CTX_new();
    must(t->pack && t->unpack && t->sha);
    must(EVP_DigestInit_ex(t->sha, sha256_method, NULL) == 1);
    pthread_setspecific(tools_key, t);
    return mine = t;
}

void sha256(const struct sha_part *parts, size_t n, uint8_t out[DIGEST_BYTES])
{
    EVP_MD_CTX *c = tools()->sha;
    unsigned len = DIGEST_BYTES;
    must(EVP_DigestInit_ex(c, NULL, NULL) == 1);
    for (size_t i = 0; i < n; i++)
        if (parts[i].len)
            must(EVP_DigestUpdate(c, parts[i].at, parts[i].len) == 1);
    must(EVP_DigestFinal_ex(c, out, &len) == 1);
}

/* ---- Writing. ---- */

/* What would not fit is cut here, at the one door, and says so: texts at a character, bodies with their is_…_cut. */
static struct span bounded(const struct record_field *f, struct span s)
{
    if (f->kind == FIELD_TEXT && s.len > TEXT_MOST) {
        s.len = TEXT_MOST;
        while (s.len && ((unsigned char)s.at[s.len] & 0xc0) == 0x80)
            s.len--;
    } else if (f->kind == FIELD_JSON && s.len > JSON_MOST) {
        s = SPAN("{\"not_kept\":\"too long\"}");
    } else if (f->kind == FIELD_BODY && s.len > SEALED_BODY_MOST) {
        s.len = SEALED_BODY_MOST;
    }
    return s;
}

static char *put_member(char *p, unsigned char tag, const void *bytes, size_t n)
{
    *p++ = (char)tag;
    size_t left = n;
    for (; left >= 0x80; left >>= 7)
        *p++ = (char)(left | 0x80);
    *p++ = (char)left;
    memcpy(p, bytes, n);
    return p + n;
}

static char *put_field(char *p, const struct record_field *f, const struct record *r)
{
    static const uint8_t zeros[DIGEST_BYTES];
    if (field_is_span(f)) {
        struct span s = bounded(f, *field_span(f, r));
        return s.len ? put_member(p, f->tag, s.at, s.len) : p;
    }
    const char *at = (const char *)r + f->offset;
    if (f->kind == FIELD_ID)
        return at[0] ? put_member(p, f->tag, at, strnlen(at, RECORD_ID_BYTES)) : p;
    if (f->kind == FIELD_HASH)
        return memcmp(at, zeros, DIGEST_BYTES) ? put_member(p, f->tag, at, DIGEST_BYTES) : p;
    uint64_t v = field_number(f, r);
    unsigned char le[8];
    size_t n = 0;
    for (; v; v >>= 8)
        le[n++] = (unsigned char)v;
    return n ? put_member(p, f->tag, le, n) : p;
}

struct sealed *record_seal(const struct record *given)
{
    struct record cut;
    const struct record *r = given;
    if (r->request.len > SEALED_BODY_MOST || r->answer.len > SEALED_BODY_MOST) {
        cut = *given;
        cut.is_request_cut |= r->request.len > SEALED_BODY_MOST;
        cut.is_answer_cut |= r->answer.len > SEALED_BODY_MOST;
        r = &cut;
    }
    size_t need = 3 * SALT_BYTES;
    for (unsigned i = 0; i < record_fields_n; i++)
        need += 6 + (field_is_span(&record_fields[i]) ? bounded(&record_fields[i], *field_span(&record_fields[i], r)).len : DIGEST_BYTES);
    struct tools *t = tools();
    if (t->room < need) {
        free(t->scratch);
        t->room = need < 16 << 10 ? 16 << 10 : need;
        t->scratch = malloc(t->room);
        must(t->scratch != NULL);
    }
    /* All three parts one after the other, each of the last two with its salt before it. */
    char *p = t->scratch, *part[4] = { p, NULL, NULL, NULL }, *bodies = NULL;
    unsigned now = PART_FACTS;
    for (unsigned i = 0; i < record_fields_n; i++) {
        const struct record_field *f = &record_fields[i];
        for (; now < f->part; now++, p += SALT_BYTES)
            part[now + 1] = p;
        if (f->kind == FIELD_BODY && !bodies)
            bodies = p;
        p = put_field(p, f, r);
    }
    part[3] = p;
    size_t facts = (size_t)(part[1] - part[0]), who = (size_t)(part[2] - part[1]), content = (size_t)(part[3] - part[2]);
    who = who == SALT_BYTES ? 0 : who;
    content = content == SALT_BYTES ? 0 : content;
    if (who)
        store_random(part[1], SALT_BYTES);
    if (content)
        store_random(part[2], SALT_BYTES);

    /* Texts stay as they are: the index and every list want them alone, and unpacking the bodies for that would be half of their cost. */
    size_t texts = content ? (size_t)(bodies - part[2]) - SALT_BYTES : 0, raw = content ? content - SALT_BYTES - texts : 0;
    size_t room = raw >= PACK_FROM ? ZSTD_compressBound(raw) : raw;
    struct sealed *s = malloc(sizeof *s + SEALED_HEAD + facts + who + SALT_BYTES + texts + room + 8);
    must(s != NULL);
    char *out = s->bytes + SEALED_HEAD;
    memcpy(out, part[0], facts + who);
    out += facts + who;
    size_t packed = 0;
    if (content) {
        char *to = out + SALT_BYTES + texts;
        memcpy(out, part[2], SALT_BYTES + texts);
        if (raw >= PACK_FROM) {
            packed = ZSTD_compressCCtx(t->pack, to, room, bodies, raw, raw > PACK_WELL_FROM ? 1 : -1);
            if (ZSTD_isError(packed) || packed >= raw)
                packed = 0;
        }
        if (!packed)
            memcpy(to, bodies, raw);
    }
    size_t stored = content ? SALT_BYTES + texts + (packed ? packed : raw) : 0;
    char *head = s->bytes;
    memset(head, 0, SEALED_HEAD);
    memcpy(head, "VR\2", 3);
    put32(head + 4, (uint32_t)facts);
    put32(head + 8, (uint32_t)who);
    put32(head + 12, (uint32_t)stored);
    put32(head + 16, packed ? (uint32_t)raw : 0);
    put32(head + 20, (uint32_t)texts);
    if (who)
        sha256(&(struct sha_part){ s->bytes + SEALED_HEAD + facts, who }, 1, (uint8_t *)head + 24);
    if (stored)
        sha256(&(struct sha_part){ out, stored }, 1, (uint8_t *)head + 56);
    sha256(&(struct sha_part){ head, SEALED_HEAD + facts }, 1, s->digest);
    s->length = (uint32_t)(SEALED_HEAD + facts + who + stored);
    s->next = NULL;
    s->client = NULL;
    s->context = NULL;
    s->is_durable = false;
    s->policy = STORE_DURABLE;
    if (room > 2 * (stored + 512)) {     /* the bound was far above what came out: give the rest back, the queue counts lengths */
        struct sealed *less = realloc(s, sizeof *s + s->length + 8);
        s = less ? less : s;
    }
    if (t->room > SCRATCH_KEPT) {
        free(t->scratch);
        t->scratch = NULL;
        t->room = 0;
    }
    return s;
}

void sealed_free(struct sealed *s)
{
    free(s);
}

struct sealed *note_seal(const struct note *n)
{
    size_t text = n->text.len > NOTE_TEXT_MOST ? NOTE_TEXT_MOST : n->text.len, length = 64 + text;
    struct sealed *s = calloc(1, sizeof *s + length + 8);
    must(s != NULL);
    memcpy(s->bytes, "VN\1", 3);
    s->bytes[3] = (char)n->kind;
    put64(s->bytes + 4, (uint64_t)n->at_us);
    put64(s->bytes + 12, n->n);
    put64(s->bytes + 20, n->seq);
    memcpy(s->bytes + 28, n->head, DIGEST_BYTES);
    put32(s->bytes + 60, (uint32_t)text);
    if (text)
        memcpy(s->bytes + 64, n->text.at, text);
    s->length = (uint32_t)length;
    sha256(&(struct sha_part){ s->bytes, length }, 1, s->digest);
    return s;
}

/* ---- Reading. Everything is distrusted: lengths, order, numbers. ---- */

static const char *layout_wrong(struct span p)
{
    if (p.len < SEALED_HEAD)
        return "shorter than a record's head";
    if (memcmp(p.at, "VR", 2) != 0 || p.at[3] != 0)
        return "not a record";
    if (p.at[2] != 2)
        return p.at[2] == 1 ? "written by a vigie before the first release (record version 1)" : "written by a newer vigie (record version)";
    uint64_t sum = SEALED_HEAD + (uint64_t)get32(p.at + 4) + get32(p.at + 8) + get32(p.at + 12);
    if (sum != p.len)
        return "the lengths of its parts do not add up";
    if ((get32(p.at + 8) && get32(p.at + 8) <= SALT_BYTES) || (get32(p.at + 12) && get32(p.at + 12) <= SALT_BYTES))
        return "a part is shorter than its salt";
    if (get32(p.at + 16) > SEALED_MOST)
        return "its content claims to be too long";
    if (get32(p.at + 20) > (get32(p.at + 12) ? get32(p.at + 12) - SALT_BYTES : 0))
        return "its texts are longer than its content";
    return NULL;
}

static bool part_is(struct span part, const char *hash)
{
    static const uint8_t zeros[DIGEST_BYTES];
    uint8_t got[DIGEST_BYTES];
    if (!part.len)
        return memcmp(hash, zeros, DIGEST_BYTES) == 0;
    sha256(&(struct sha_part){ part.at, part.len }, 1, got);
    return memcmp(got, hash, DIGEST_BYTES) == 0;
}

enum note_kind sealed_note_kind(struct span p)
{
    if (p.len < 64 || memcmp(p.at, "VN\1", 3) != 0 || p.at[3] < NOTE_GAP || p.at[3] > NOTE_DROPPED)
        return NOTE_NONE;
    return (enum note_kind)p.at[3];
}

const char *sealed_check(struct span p, const uint8_t digest[DIGEST_BYTES])
{
    uint8_t got[DIGEST_BYTES];
    if (sealed_note_kind(p) != NOTE_NONE) {
        sha256(&(struct sha_part){ p.at, p.len }, 1, got);
        return memcmp(got, digest, DIGEST_BYTES) ? "its bytes do not match its digest" : get32(p.at + 60) != p.len - 64 ? "a note of the wrong length" : NULL;
    }
    const char *why = layout_wrong(p);
    if (why)
        return why;
    size_t facts = get32(p.at + 4), who = get32(p.at + 8);
    sha256(&(struct sha_part){ p.at, SEALED_HEAD + facts }, 1, got);
    if (memcmp(got, digest, DIGEST_BYTES))
        return "its facts do not match its digest";
    if (!part_is(span_cut(p, SEALED_HEAD + facts, SEALED_HEAD + facts + who), p.at + 24))
        return "its caller, session, join or tags do not match their hash";
    if (!part_is(span_cut(p, SEALED_HEAD + facts + who, p.len), p.at + 56))
        return "its content (bodies, texts, findings) does not match its hash";
    return NULL;
}

static bool set_field(const struct record_field *f, struct record *out, const char *at, size_t n)
{
    if (field_is_span(f)) {
        *field_span(f, out) = (struct span){ at, n };
        return true;
    }
    if (f->kind == FIELD_ID) {
        if (n > RECORD_ID_BYTES || memchr(at, 0, n))
            return false;
        memcpy(out->id, at, n);
        out->id[n] = 0;
        return true;
    }
    if (f->kind == FIELD_HASH) {
        if (n != DIGEST_BYTES)
            return false;
        memcpy((char *)out + f->offset, at, n);
        return true;
    }
    if (n > 8 || !at[n - 1])
        return false;
    uint64_t v = 0;
    for (size_t i = n; i-- > 0;)
        v = v << 8 | (unsigned char)at[i];
    return field_set_number(f, out, v);
}

static bool read_members(struct span s, enum field_part part, unsigned *row, struct record *out, const char **why)
{
    for (size_t i = 0; i < s.len;) {
        unsigned char tag = (unsigned char)s.at[i++];
        while (*row < record_fields_n && record_fields[*row].part == part && record_fields[*row].tag != tag)
            ++*row;
        if (*row == record_fields_n || record_fields[*row].part != part) {
            *why = "a member out of place or of a newer vigie";
            return false;
        }
        uint64_t n = 0;
        unsigned shift = 0;
        for (; i < s.len && shift < 35; shift += 7) {
            unsigned char c = (unsigned char)s.at[i++];
            n |= (uint64_t)(c & 0x7f) << shift;
            if (c < 0x80) {
                shift = c == 0 && shift ? 99 : 77;        /* 99: a longer spelling than needed */
                break;
            }
        }
        if (shift != 77 || !n || n > s.len - i || !set_field(&record_fields[*row], out, s.at + i, (size_t)n)) {
            *why = "a member of the wrong length or value";
            return false;
        }
        i += (size_t)n;
        ++*row;
    }
    return true;
}

static bool unpack(struct span stored, size_t whole, struct arena *a, struct span *out)
{
    /* The frame must say its size and be all there is; so a short frame cannot ask for much memory. */
    unsigned long long said = ZSTD_getFrameContentSize(stored.at, stored.len);
    if (said != whole || ZSTD_findFrameCompressedSize(stored.at, stored.len) != stored.len)
        return false;
    char *bytes = arena_alloc_raw(a, whole);
    *out = (struct span){ bytes, whole };
    return ZSTD_decompressDCtx(tools()->unpack, bytes, whole, stored.at, stored.len) == whole;
}

bool sealed_read(struct span p, struct arena *a, bool with_bodies, struct record *out, const char **why)
{
    memset(out, 0, sizeof *out);
    if ((*why = layout_wrong(p)) != NULL)
        return false;
    size_t facts = get32(p.at + 4), who = get32(p.at + 8), stored = get32(p.at + 12);
    unsigned row = 0;
    if (!read_members(span_cut(p, SEALED_HEAD, SEALED_HEAD + facts), PART_FACTS, &row, out, why))
        return false;
    while (row < record_fields_n && record_fields[row].part < PART_WHO)
        row++;
    if (who && !read_members(span_cut(p, SEALED_HEAD + facts + SALT_BYTES, SEALED_HEAD + facts + who), PART_WHO, &row, out, why))
        return false;
    while (row < record_fields_n && record_fields[row].part < PART_CONTENT)
        row++;
    if (!stored) {
        *why = NULL;
        return true;
    }
    struct span content = span_cut(p, SEALED_HEAD + facts + who + SALT_BYTES, p.len), bodies = span_cut(content, get32(p.at + 20), content.len);
    unsigned first_body = row;
    while (first_body < record_fields_n && record_fields[first_body].kind != FIELD_BODY)
        first_body++;
    if (!read_members(span_cut(content, 0, get32(p.at + 20)), PART_CONTENT, &row, out, why))
        return false;
    if (row > first_body) {
        *why = "a body among its texts";
        return false;
    }
    row = first_body;
    if (with_bodies) {
        *why = "its content cannot be unpacked";
        if (get32(p.at + 16) && !unpack(bodies, get32(p.at + 16), a, &bodies))
            return false;
        if (!read_members(bodies, PART_CONTENT, &row, out, why))
            return false;
    }
    *why = NULL;
    return true;
}

bool note_read(struct span p, struct note *out, const char **why)
{
    memset(out, 0, sizeof *out);
    out->kind = sealed_note_kind(p);
    if (out->kind == NOTE_NONE || get32(p.at + 60) != p.len - 64) {
        *why = "not a note";
        return false;
    }
    out->at_us = (int64_t)get64(p.at + 4);
    out->n = get64(p.at + 12);
    out->seq = get64(p.at + 20);
    memcpy(out->head, p.at + 28, DIGEST_BYTES);
    out->text = span_cut(p, 64, p.len);
    *why = NULL;
    return true;
}
