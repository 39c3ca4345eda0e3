/* SPDX-License-Identifier: Apache-2.0
 * A list of blocks, the newest first; each half of what there is, up to 256 KiB (thousands of open streams pay for what is
 * reserved and not used), larger wishes get a block of their own. */
#include "base/arena.h"
#include "base/must.h"
#include <stdio.h>
#include <stdlib.h>

enum { FIRST_BLOCK = 4096 - 64, LARGEST_STEP = 256 * 1024, LARGEST_KEPT = 128 * 1024, ALIGN = 16 };

struct block {
    struct block *older;
    size_t size, used;
    char pad[8];
    char bytes[];
};
struct deferred {
    struct deferred *older;
    void (*fn)(void *);
    void *p;
};
struct arena {
    struct block *newest;
    struct deferred *deferred;
    size_t ceiling, total;
};

static struct block *block_new(struct arena *a, size_t size)
{
    struct block *b = malloc(sizeof *b + size);
    must(b != NULL);
    b->older = a->newest;
    b->size = size;
    b->used = 0;
    a->newest = b;
    a->total += size;
    return b;
}

struct arena *arena_new(size_t ceiling_bytes)
{
    struct arena *a = calloc(1, sizeof *a);
    must(a != NULL);
    a->ceiling = ceiling_bytes;
    block_new(a, FIRST_BLOCK);
    return a;
}

static void run_deferred(struct arena *a)
{
    while (a->deferred) {
        struct deferred *d = a->deferred;
        a->deferred = d->older;
        d->fn(d->p);
    }
}

void arena_free(struct arena *a)
{
    if (!a)
        return;
    run_deferred(a);
    for (struct block *b = a->newest; b;) {
        struct block *older = b->older;
        free(b);
        b = older;
    }
    free(a);
}

void arena_reset(struct arena *a)
{
    run_deferred(a);
    if (a->newest->older) { /* one block of what was needed this time, so that the next time needs no other */
        size_t total = a->total < LARGEST_KEPT ? a->total : LARGEST_KEPT;
        while (a->newest) {
            struct block *b = a->newest;
            a->newest = b->older;
            free(b);
        }
        a->total = 0;
        block_new(a, total);
    }
    a->newest->used = 0;
}

bool arena_over(const struct arena *a)
{
    return a->total > a->ceiling;
}
size_t arena_bytes(const struct arena *a)
{
    return a->total;
}

void *arena_alloc_raw(struct arena *a, size_t n)
{
    must(n < SIZE_MAX / 4);
    n = (n + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    struct block *b = a->newest;
    if (b->size - b->used < n) {
        size_t step = a->total / 2 < FIRST_BLOCK ? FIRST_BLOCK : a->total / 2 > LARGEST_STEP ? LARGEST_STEP : a->total / 2;
        b = block_new(a, n > step ? n : step);
    }
    void *p = b->bytes + b->used;
    b->used += n;
    return p;
}
void *arena_alloc(struct arena *a, size_t n)
{
    void *p = arena_alloc_raw(a, n);
    memset(p, 0, n);
    return p;
}

void *arena_grow(struct arena *a, void *old, size_t old_bytes, size_t new_bytes)
{
    if (old && old_bytes) {
        struct block *b = a->newest;
        size_t had = (old_bytes + ALIGN - 1) & ~(size_t)(ALIGN - 1), want = (new_bytes + ALIGN - 1) & ~(size_t)(ALIGN - 1);
        if ((char *)old + had == b->bytes + b->used && want >= had && b->size - b->used >= want - had) {
            b->used += want - had;
            return old;
        }
    }
    void *p = arena_alloc_raw(a, new_bytes);
    if (old && old_bytes)
        memcpy(p, old, old_bytes < new_bytes ? old_bytes : new_bytes);
    return p;
}

char *arena_text(struct arena *a, struct span s)
{
    char *p = arena_alloc_raw(a, s.len + 1);
    if (s.len)
        memcpy(p, s.at, s.len);
    p[s.len] = 0;
    return p;
}
struct span arena_copy(struct arena *a, struct span s)
{
    return (struct span){ arena_text(a, s), s.len };
}
struct span arena_vprintf(struct arena *a, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (n < 0)
        return (struct span){ 0 };
    char *p = arena_alloc_raw(a, (size_t)n + 1);
    vsnprintf(p, (size_t)n + 1, format, args);
    return (struct span){ p, (size_t)n };
}
struct span arena_printf(struct arena *a, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct span s = arena_vprintf(a, format, args);
    va_end(args);
    return s;
}
void arena_defer(struct arena *a, void (*fn)(void *), void *p)
{
    struct deferred *d = arena_alloc_raw(a, sizeof *d);
    *d = (struct deferred){ a->deferred, fn, p };
    a->deferred = d;
}

struct arena_mark arena_mark(struct arena *a)
{
    return (struct arena_mark){ a->newest, a->newest->used };
}
void arena_rewind(struct arena *a, struct arena_mark m)
{
    while (a->newest != m.block) {
        struct block *b = a->newest;
        a->newest = b->older;
        a->total -= b->size;
        free(b);
    }
    a->newest->used = m.used;
}
