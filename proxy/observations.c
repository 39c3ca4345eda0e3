/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/observations.h"
#include "base/must.h"
#include <stdatomic.h>
#include <stdlib.h>

struct observations {
    _Atomic(struct observed *) ring[OBSERVATIONS_ROOM];
    _Alignas(64) _Atomic unsigned head; /* written by the producer */
    _Alignas(64) _Atomic unsigned tail; /* written by the consumer */
};
struct observations *observations_new(void)
{
    struct observations *o = aligned_alloc(64, (sizeof *o + 63) / 64 * 64);
    must(o != NULL);
    memset(o, 0, sizeof *o);
    return o;
}
void observations_free(struct observations *o)
{
    struct observed *x;
    if (!o)
        return;
    while ((x = observations_take(o)))
        observed_free(x);
    free(o);
}
bool observations_put(struct observations *o, struct observed *x)
{
    unsigned head = atomic_load_explicit(&o->head, memory_order_relaxed);
    if (head - atomic_load_explicit(&o->tail, memory_order_acquire) == OBSERVATIONS_ROOM)
        return false;
    atomic_store_explicit(&o->ring[head % OBSERVATIONS_ROOM], x, memory_order_relaxed);
    atomic_store_explicit(&o->head, head + 1, memory_order_release);
    return true;
}
struct observed *observations_take(struct observations *o)
{
    unsigned tail = atomic_load_explicit(&o->tail, memory_order_relaxed);
    if (tail == atomic_load_explicit(&o->head, memory_order_acquire))
        return NULL;
    struct observed *x = atomic_load_explicit(&o->ring[tail % OBSERVATIONS_ROOM], memory_order_relaxed);
    atomic_store_explicit(&o->tail, tail + 1, memory_order_release);
    return x;
}
void observed_free(struct observed *x)
{
    if (x)
        arena_free(x->arena); /* x itself lives there */
}
