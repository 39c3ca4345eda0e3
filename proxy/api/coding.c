/* SPDX-License-Identifier: Apache-2.0
 *
 * coding: content codings undone piece by piece: gzip (members in a row too), deflate (with or without zlib's head, as servers differ), br, zstd,
 * and several on top of each other. Each coding is a stage; a stage inflates into 16 KB on the stack and hands that to the next, so memory does
 * not grow with what comes out. Who takes the result says when it is enough.
 */
#include "proxy/api/read.h"
#include <brotli/decode.h>
#include <zlib.h>
#include <zstd.h>

enum coding_kind { CODING_GZIP, CODING_DEFLATE, CODING_BR, CODING_ZSTD };
struct stage {
    enum coding_kind kind;
    bool is_done, is_begun, has_first;
    char first;              /* deflate: the first byte waits for the second */
    z_stream z;
    BrotliDecoderState *br;
    ZSTD_DStream *zstd;
};
struct coding {
    struct stage stages[CODINGS_MOST]; /* in the order of undoing */
    size_t n;
    coding_sink *sink;
    void *to;
    const char *why;
};
enum { STEP = 16 * 1024 };

static void stages_free(void *p)
{
    struct coding *c = p;
    for (size_t i = 0; i < c->n; i++) {
        struct stage *s = &c->stages[i];
        if (s->is_begun && s->kind <= CODING_DEFLATE)
            inflateEnd(&s->z);
        if (s->br)
            BrotliDecoderDestroyInstance(s->br);
        if (s->zstd)
            ZSTD_freeDStream(s->zstd);
    }
}
struct coding *coding_new(struct arena *a, struct span encoding, const char **why)
{
    *why = NULL;
    enum coding_kind kinds[CODINGS_MOST];
    size_t n = 0;
    while (encoding.len) {
        const char *comma = memchr(encoding.at, ',', encoding.len);
        size_t len = comma ? (size_t)(comma - encoding.at) : encoding.len;
        struct span word = span_trim(span_cut(encoding, 0, len));
        encoding = span_cut(encoding, comma ? len + 1 : len, encoding.len);
        if (!word.len || span_is_nocase(word, "identity"))
            continue;
        if (n == CODINGS_MOST) {
            *why = "more content codings than vigie undoes";
            return NULL;
        }
        if (span_is_nocase(word, "gzip") || span_is_nocase(word, "x-gzip"))
            kinds[n++] = CODING_GZIP;
        else if (span_is_nocase(word, "deflate"))
            kinds[n++] = CODING_DEFLATE;
        else if (span_is_nocase(word, "br"))
            kinds[n++] = CODING_BR;
        else if (span_is_nocase(word, "zstd"))
            kinds[n++] = CODING_ZSTD;
        else {
            *why = "a content coding that vigie does not know";
            return NULL;
        }
    }
    if (!n)
        return NULL;
    struct coding *c = arena_alloc(a, sizeof *c);
    c->n = n;
    for (size_t i = 0; i < n; i++)
        c->stages[i].kind = kinds[n - 1 - i]; /* the last applied is the first undone */
    arena_defer(a, stages_free, c);
    return c;
}
static bool broken(struct coding *c, const char *why)
{
    c->why = why;
    return false;
}
static bool stage_feed(struct coding *c, size_t i, struct span in);

static bool begin_zlib(struct coding *c, struct stage *s, int window)
{
    if (inflateInit2(&s->z, window) != Z_OK)
        return broken(c, "no memory to undo the content coding");
    s->is_begun = true;
    return true;
}
static bool feed_zlib(struct coding *c, size_t i, struct span in)
{
    struct stage *s = &c->stages[i];
    char out[STEP];
    if (s->is_done) { /* another member? zeros are padding */
        while (in.len && in.at[0] == 0)
            in = span_cut(in, 1, in.len);
        if (!in.len)
            return true;
        if (s->kind != CODING_GZIP || (unsigned char)in.at[0] != 0x1f)
            return broken(c, "something follows the compressed body");
        inflateReset(&s->z);
        s->is_done = false;
    }
    s->z.next_in = (unsigned char *)(uintptr_t)in.at;
    s->z.avail_in = (unsigned)in.len;
    for (;;) {
        s->z.next_out = (unsigned char *)out;
        s->z.avail_out = sizeof out;
        int rc = inflate(&s->z, Z_NO_FLUSH);
        size_t n = sizeof out - s->z.avail_out; /* what came out before it broke is heard, as a client may have read it */
        if (n && !stage_feed(c, i + 1, (struct span){ out, n }))
            return false;
        if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR)
            return broken(c, "the compressed body is broken");
        if (rc == Z_STREAM_END) {
            s->is_done = true;
            struct span rest = { (const char *)s->z.next_in, s->z.avail_in };
            return rest.len ? feed_zlib(c, i, rest) : true;
        }
        if (s->z.avail_out)
            return true;
    }
}
static bool feed_deflate(struct coding *c, size_t i, struct span in)
{
    struct stage *s = &c->stages[i];
    if (s->is_begun)
        return feed_zlib(c, i, in);
    char head[2];
    if (!s->has_first) {
        s->first = in.at[0];
        s->has_first = true;
        in = span_cut(in, 1, in.len);
    }
    if (!in.len)
        return true;
    head[0] = s->first;
    head[1] = in.at[0];
    unsigned cmf = (unsigned char)head[0], flg = (unsigned char)head[1];
    bool is_zlib = (cmf & 15) == 8 && cmf >> 4 <= 7 && (cmf * 256 + flg) % 31 == 0;
    if (!begin_zlib(c, s, is_zlib ? 15 : -15))
        return false;
    return feed_zlib(c, i, (struct span){ head, 1 }) && feed_zlib(c, i, in);
}
static bool feed_br(struct coding *c, size_t i, struct span in)
{
    struct stage *s = &c->stages[i];
    char out[STEP];
    if (!s->br && !(s->br = BrotliDecoderCreateInstance(NULL, NULL, NULL)))
        return broken(c, "no memory to undo the content coding");
    if (s->is_done)
        return broken(c, "something follows the compressed body");
    const uint8_t *next_in = (const uint8_t *)in.at;
    size_t have = in.len;
    for (;;) {
        uint8_t *next_out = (uint8_t *)out;
        size_t room = sizeof out;
        BrotliDecoderResult rc = BrotliDecoderDecompressStream(s->br, &have, &next_in, &room, &next_out, NULL);
        if (room < sizeof out && !stage_feed(c, i + 1, (struct span){ out, sizeof out - room }))
            return false;
        if (rc == BROTLI_DECODER_RESULT_ERROR)
            return broken(c, "the compressed body is broken");
        if (rc == BROTLI_DECODER_RESULT_SUCCESS) {
            s->is_done = true;
            return have ? broken(c, "something follows the compressed body") : true;
        }
        if (rc == BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT)
            return true;
    }
}
static bool feed_zstd(struct coding *c, size_t i, struct span in)
{
    struct stage *s = &c->stages[i];
    char out[STEP];
    if (!s->zstd) {
        s->zstd = ZSTD_createDStream();
        if (!s->zstd || ZSTD_isError(ZSTD_initDStream(s->zstd)) || ZSTD_isError(ZSTD_DCtx_setParameter(s->zstd, ZSTD_d_windowLogMax, 23)))
            return broken(c, "no memory to undo the content coding"); /* 8 MB windows: RFC 9659 */
    }
    ZSTD_inBuffer from = { in.at, in.len, 0 };
    for (;;) {
        ZSTD_outBuffer to = { out, sizeof out, 0 };
        size_t rc = ZSTD_decompressStream(s->zstd, &to, &from);
        if (ZSTD_isError(rc))
            return broken(c, "the compressed body is broken");
        s->is_done = rc == 0;
        if (to.pos && !stage_feed(c, i + 1, (struct span){ out, to.pos }))
            return false;
        if (from.pos == from.size && to.pos < to.size)
            return true;
    }
}
static bool stage_feed(struct coding *c, size_t i, struct span in)
{
    if (i == c->n)
        return c->sink(c->to, in);
    if (!in.len)
        return true;
    struct stage *s = &c->stages[i];
    switch (s->kind) {
    case CODING_GZIP:
        if (!s->is_begun && !begin_zlib(c, s, 15 + 16))
            return false;
        return feed_zlib(c, i, in);
    case CODING_DEFLATE: return feed_deflate(c, i, in);
    case CODING_BR: return feed_br(c, i, in);
    case CODING_ZSTD: return feed_zstd(c, i, in);
    }
    return false;
}
bool coding_feed(struct coding *c, struct span raw, coding_sink *sink, void *to, const char **why)
{
    c->sink = sink;
    c->to = to;
    c->why = NULL;
    bool ok = true;
    while (ok && raw.len) { /* zlib counts in 32 bits */
        size_t n = raw.len < (1u << 30) ? raw.len : (1u << 30);
        ok = stage_feed(c, 0, span_cut(raw, 0, n));
        raw = span_cut(raw, n, raw.len);
    }
    *why = c->why;
    return ok;
}
bool coding_is_complete(const struct coding *c)
{
    for (size_t i = 0; i < c->n; i++)
        if (!c->stages[i].is_done)
            return false;
    return true;
}

struct growing {
    struct arena *a;
    char *bytes;
    size_t len, room, most;
    bool is_over;
};
static bool grow(void *p, struct span s)
{
    struct growing *g = p;
    if (s.len > g->most - g->len || arena_over(g->a)) {
        g->is_over = true;
        return false;
    }
    if (s.len > g->room - g->len) {
        size_t room = g->room ? g->room : 8192;
        while (room < g->len + s.len)
            room *= 2;
        g->bytes = arena_grow(g->a, g->bytes, g->room, room);
        g->room = room;
    }
    memcpy(g->bytes + g->len, s.at, s.len);
    g->len += s.len;
    return true;
}
bool content_decode(struct arena *a, struct span encoding, struct span body, size_t most, struct span *out, const char **why)
{
    const char *ignored;
    why = why ? why : &ignored;
    *out = (struct span){ 0 };
    struct coding *c = coding_new(a, encoding, why);
    if (!c) {
        if (*why)
            return false;
        *out = body;
        return true;
    }
    struct growing g = { .a = a, .most = most };
    if (!coding_feed(c, body, grow, &g, why)) {
        if (g.is_over)
            *why = "the body inflates to more than the limit";
        return false;
    }
    if (body.len && !coding_is_complete(c)) {
        *why = "the compressed body is cut";
        return false;
    }
    *out = (struct span){ g.bytes ? g.bytes : "", g.len };
    return true;
}
