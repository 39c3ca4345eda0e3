/* SPDX-License-Identifier: Apache-2.0
 * The first byte chooses a cut; the rest is folded whole and as a stream cut there, which must agree. */
#include <stdlib.h>
#include "base/must.h"
#include "base/utf8.h"
#include "checks/text/fold.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n < 1 || n > 1 << 16)
        return 0;
    struct arena *a = arena_new(64 << 20);
    struct span text = { (const char *)data + 1, n - 1 };
    size_t cut = text.len * data[0] / 255;
    const struct fold *whole = fold_text(a, text, FOLD_PATTERN), *plain = fold_text(a, text, FOLD_PLAIN);
    struct fold_stream s;
    fold_stream_begin(&s);
    fold_stream_feed(a, &s, span_cut(text, 0, cut), false);
    fold_stream_feed(a, &s, text, true);
    must(span_same(s.so_far.text, whole->text) && utf8_valid(whole->text) && utf8_valid(plain->text));
    for (size_t i = 0; i <= whole->text.len; i++)
        must((whole->map ? whole->map[i] : i) == (s.so_far.map ? s.so_far.map[i] : i));
    for (size_t i = 0; i < plain->text.len; i++) {
        size_t from, to;
        fold_origin(plain, i, i + 1, &from, &to);
        must(from < to && to <= text.len);
    }
    arena_free(a);
    return 0;
}
