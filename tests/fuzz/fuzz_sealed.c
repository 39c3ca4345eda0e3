/* SPDX-License-Identifier: Apache-2.0
 * Any bytes as a sealed record: read or refused, with bounded memory. What is read, sealed again and read again, is the same; so no two readings of the same bytes exist. */
#include "base/must.h"
#include "store/fields.h"
#include "store/seal.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span bytes = { (const char *)data, size };
    struct arena *a = arena_new(64 << 20);
    struct record r, again;
    struct note n;
    uint8_t digest[DIGEST_BYTES] = { 0 };
    const char *why = NULL;
    must(sealed_check(bytes, digest) != NULL);    /* nothing hashes to zeros */
    if (!sealed_read(bytes, a, true, &r, &why)) {
        must(why != NULL);
    } else {
        struct sealed *s = record_seal(&r);
        struct span sealed = { s->bytes, s->length };
        must(sealed_check(sealed, s->digest) == NULL);
        must(sealed_read(sealed, a, true, &again, &why));
        for (unsigned i = 0; i < record_fields_n; i++) {
            const struct record_field *f = &record_fields[i];
            if (field_is_span(f) && field_span(f, &r)->len <= 64 << 10)
                must(span_same(*field_span(f, &r), *field_span(f, &again)));
            else if (f->kind == FIELD_HASH)
                must(memcmp((char *)&r + f->offset, (char *)&again + f->offset, DIGEST_BYTES) == 0);
            else if (!field_is_span(f) && f->kind != FIELD_ID)
                must(field_number(f, &r) == field_number(f, &again));
        }
        struct buf json = { .cap = 64 << 20 };
        record_add_json(&json, &r, BODIES_TEXT_OR_BASE64);
        must(json.failed || memchr(json.bytes, '\n', json.len) == NULL);
        buf_free(&json);
        sealed_free(s);
    }
    if (!sealed_read(bytes, a, false, &r, &why))
        must(why != NULL);
    if (sealed_note_kind(bytes) != NOTE_NONE && !note_read(bytes, &n, &why))
        must(why != NULL);
    arena_free(a);
    return 0;
}
