/* SPDX-License-Identifier: Apache-2.0
 * Any bytes as an upstream's answer; the first byte says where it is cut and whether HEAD was asked. Whole and cut must agree. */
#include "proxy/http/http.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
    if (!ok)
        abort();
}
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    struct span all = { (const char *)data + 1, size - 1 };
    size_t step = 1 + (data[0] & 15), used = 0, used_whole = 0, scanned = 0;
    bool is_head = (data[0] & 16) != 0;
    struct arena *a = arena_new(1 << 20);
    struct http_head h, whole;
    struct http_problem p = { 0 }, p_whole = { 0 };
    enum http_read expected = http_read_answer(&whole, a, all, NULL, is_head, &scanned, &used_whole, &p_whole), got = HTTP_MORE;
    scanned = 0;
    for (size_t n = step; got == HTTP_MORE; n += step) {
        got = http_read_answer(&h, a, (struct span){ all.at, n < all.len ? n : all.len }, NULL, is_head, &scanned, &used, &p);
        if (n >= all.len)
            break;
    }
    check(got == expected);
    if (got == HTTP_BAD)
        check(p.status == 502 && p.why && p.why == p_whole.why);
    if (got == HTTP_DONE) {
        check(used == used_whole && used <= all.len && h.status == whole.status && h.framing == whole.framing && h.length == whole.length && h.nfields == whole.nfields);
        check(h.status >= 100 && h.status <= 599 && !(is_head && h.framing != HTTP_NO_BODY));
        check(!(h.framing == HTTP_UNTIL_CLOSE && h.is_keep_alive));
        for (size_t i = 0; i < h.nfields; i++)
            check(http_is_token(h.fields[i].name) && http_is_field_value(h.fields[i].value));
    }
    arena_free(a);
    return 0;
}
