/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as a request. The first byte chooses where the input is cut and how small the limits are. Whole and cut must
 * agree; what is taken must hold the promises that the rest of vigie builds on; the path's readers must not fall over.
 */
#include "proxy/http/bytes.h"
#include "proxy/http/http.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
    if (!ok)
        abort();
}
static bool is_inside(struct span s, struct span all)
{
    return !s.len || (s.at >= all.at && s.at + s.len <= all.at + all.len);
}
static enum http_read read_pieces(struct span all, size_t step, const struct http_limits *l, struct arena *a, struct http_head *h, size_t *used, struct http_problem *p)
{
    size_t scanned = 0;
    enum http_read got = HTTP_MORE;
    for (size_t n = step; got == HTTP_MORE; n += step) {
        struct span piece = { all.at, n < all.len ? n : all.len };
        got = http_read_request(h, a, piece, l, &scanned, used, p);
        if (n >= all.len)
            break;
    }
    return got;
}
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    struct span all = { (const char *)data + 1, size - 1 };
    size_t step = 1 + (data[0] & 15), used = 0, used_whole = 0;
    struct http_limits l = { .head_bytes = data[0] & 16 ? 200 : 0, .fields = data[0] & 32 ? 4 : 0 };
    struct arena *a = arena_new(1 << 20);
    struct http_head h, whole;
    struct http_problem p = { 0 }, p_whole = { 0 };
    enum http_read got = read_pieces(all, all.len ? all.len : 1, &l, a, &whole, &used_whole, &p_whole);
    check(got == read_pieces(all, step, &l, a, &h, &used, &p));
    if (got == HTTP_BAD)
        check(p.status == p_whole.status && p.why == p_whole.why && p.why && p.status >= 400);
    if (got == HTTP_DONE) {
        check(used == used_whole && used <= all.len && h.nfields == whole.nfields && h.framing == whole.framing && h.length == whole.length && h.minor == whole.minor);
        check(used >= 4 && memcmp(all.at + used - 4, "\r\n\r\n", 4) == 0);
        check(is_inside(h.method, all) && is_inside(h.target, all) && is_inside(h.query, all) && is_inside(h.host, all));
        check(http_field_count(&h, "host") <= 1 && http_field_count(&h, "content-length") + http_field_count(&h, "transfer-encoding") <= 1);
        check(h.framing != HTTP_UNTIL_CLOSE && (h.framing == HTTP_CHUNKED) == (http_field_count(&h, "transfer-encoding") == 1));
        for (size_t i = 0; i < h.nfields; i++) {
            check(is_inside(h.fields[i].name, all) && is_inside(h.fields[i].value, all) && http_is_token(h.fields[i].name) && http_is_field_value(h.fields[i].value));
            check(!memchr(h.fields[i].value.at, '\n', h.fields[i].value.len) && !memchr(h.fields[i].value.at, '\r', h.fields[i].value.len));
            http_is_hop_by_hop(&h, h.fields[i].name);
        }
        const char *why = NULL;
        bool is_plain = http_path_is_plain(h.path, &why);
        check(is_plain == !why);
        http_path_may_mean(h.path, SPAN("/openai/v1"));
        if (is_plain) /* what is plain holds no dot segment in its own bytes */
            check(!span_find(h.path, SPAN("/../")) && !span_find(h.path, SPAN("/./")) && !span_find(h.path, SPAN("\\")) && !span_ends(h.path, "/.."));
    }
    arena_free(a);
    return 0;
}
