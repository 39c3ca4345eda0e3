/* SPDX-License-Identifier: Apache-2.0
 *
 * buf: a growing byte buffer on the heap, born with its cap. { 0 } with a cap set is a valid empty one.
 * Failure sticks: once an append would pass the cap nothing more is added and failed stays true, so that a writer of
 * many pieces asks once at the end. bytes[len] is always 0 once anything was added.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H
#include "base/span.h"
#include <stdarg.h>

struct buf {
    char *bytes;
    size_t len, room, cap; /* cap 0: no cap (only for what vigie itself bounds) */
    bool failed;
};

void buf_free(struct buf *b);          /* back to empty; keeps the cap */
static inline void buf_clear(struct buf *b) { b->len = 0; b->failed = false; }
bool buf_add(struct buf *b, struct span s);
bool buf_add_text(struct buf *b, const char *text);
bool buf_add_char(struct buf *b, char c);
bool buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool buf_vprintf(struct buf *b, const char *format, va_list args) __attribute__((format(printf, 2, 0)));
/* Room for n more bytes; they become part of the buffer with b->len += written. NULL past the cap. */
char *buf_reserve(struct buf *b, size_t n);
/* Drops the first n bytes (moves the rest). */
void buf_drop(struct buf *b, size_t n);
/* s as the inside of a JSON string, without the quotes; invalid UTF-8 becomes U+FFFD. */
bool buf_add_json(struct buf *b, struct span s);
/* s for HTML text and quoted attributes. */
bool buf_add_html(struct buf *b, struct span s);
static inline struct span buf_span(const struct buf *b) { return (struct span){ b->bytes, b->len }; }
#endif
