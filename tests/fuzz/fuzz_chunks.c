/* SPDX-License-Identifier: Apache-2.0
 * Any bytes as a chunked body; the first byte says how it is cut. Whole and cut must give the same data, trailers and end. */
#include "base/buf.h"
#include "proxy/http/http.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
    if (!ok)
        abort();
}
struct outcome {
    enum http_read got;
    int status;
    size_t used;
    struct buf body, trailers;
};
static void unchunk(struct span all, size_t step, struct outcome *o)
{
    *o = (struct outcome){ .got = HTTP_MORE, .trailers = { .cap = 1000 } };
    struct http_chunks c = { .trailers = &o->trailers };
    struct http_problem p = { 0 };
    for (size_t at = 0; at < all.len && o->got == HTTP_MORE; at += step) {
        size_t n = all.len - at < step ? all.len - at : step;
        struct span in = { all.at + at, n }, piece;
        do {
            o->got = http_chunks_read(&c, &in, &piece, &p);
            check(in.len <= n && (o->got == HTTP_MORE || !piece.len));
            buf_add(&o->body, piece);
        } while (o->got == HTTP_MORE && piece.len);
        check(o->got != HTTP_MORE || !in.len);
        o->used = at + n - in.len;
    }
    o->status = o->got == HTTP_BAD ? p.status : 0;
    check(c.is_done == (o->got == HTTP_DONE));
}
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct span all = { (const char *)data + 1, size - 1 };
    struct outcome whole, cut;
    unchunk(all, all.len, &whole);
    unchunk(all, 1 + data[0] % 16, &cut);
    check(whole.got == cut.got && whole.status == cut.status && span_same(buf_span(&whole.body), buf_span(&cut.body)));
    check(whole.body.len <= all.len);
    if (whole.got == HTTP_DONE)
        check(whole.used == cut.used && span_same(buf_span(&whole.trailers), buf_span(&cut.trailers)));
    buf_free(&whole.body), buf_free(&whole.trailers), buf_free(&cut.body), buf_free(&cut.trailers);
    return 0;
}
