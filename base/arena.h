/* SPDX-License-Identifier: Apache-2.0
 *
 * arena: memory that belongs to one exchange (or one job) and goes with it.
 *
 * Allocation never returns NULL: a malloc that fails ends the process at once (there is nothing sane to do, and the
 * journal is safe). What keeps memory bounded is that everything that grows from outside is bounded where it enters;
 * besides, each arena has a ceiling. Passing it does not fail the allocation, it makes arena_over() true for good, and
 * whoever reads outside input into the arena asks it in his loop and stops: that exchange's trouble, not the process's.
 * One thread at a time.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H
#include "base/span.h"
#include <stdarg.h>

struct arena;
struct arena_mark {
    void *block;
    size_t used;
};

struct arena *arena_new(size_t ceiling_bytes);
/* Runs the deferred calls, last first, and gives everything back. NULL is fine. */
void arena_free(struct arena *a);
/* Empties the arena but keeps a block (up to 128 KiB) for the next use; runs the deferred calls. */
void arena_reset(struct arena *a);
bool arena_over(const struct arena *a);
size_t arena_bytes(const struct arena *a);

/* Zeroed, aligned for any type; n == 0 gives a valid pointer to nothing. arena_alloc_raw does not zero. */
void *arena_alloc(struct arena *a, size_t n) __attribute__((malloc, returns_nonnull, alloc_size(2)));
void *arena_alloc_raw(struct arena *a, size_t n) __attribute__((malloc, returns_nonnull, alloc_size(2)));
/* Grows an array in place where it is the arena's last allocation, else copies it. New bytes are not zeroed. */
void *arena_grow(struct arena *a, void *old, size_t old_bytes, size_t new_bytes) __attribute__((returns_nonnull));
/* Copies, NUL-terminated one past the end for the libraries that need it. */
char *arena_text(struct arena *a, struct span s) __attribute__((returns_nonnull));
struct span arena_copy(struct arena *a, struct span s);
struct span arena_printf(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
struct span arena_vprintf(struct arena *a, const char *format, va_list args) __attribute__((format(printf, 2, 0)));
/* fn(p) when the arena is freed or reset: for what libraries own (json_decref, pcre2_match_data_free). */
void arena_defer(struct arena *a, void (*fn)(void *), void *p);

/* Scratch: take a mark, allocate, rewind. Deferred calls made since are NOT run by a rewind; do not defer in scratch. */
struct arena_mark arena_mark(struct arena *a);
void arena_rewind(struct arena *a, struct arena_mark m);

/* A growing array of T in an arena: ARENA_PUSH(a, array, n, cap) makes room for one more and yields its place. */
#define ARENA_PUSH(a, array, n, cap) \
    ((n) == (cap) ? ((array) = arena_grow((a), (array), (cap) * sizeof *(array), ((cap) ? 2 * (cap) : 8) * sizeof *(array)), \
                     (cap) = (cap) ? 2 * (cap) : 8) \
                  : 0, \
     &(array)[(n)++])
#endif
