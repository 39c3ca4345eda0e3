/* SPDX-License-Identifier: Apache-2.0
 *
 * rates: how often did something happen in the last minute, by caller? A fixed table of atomics, open addressing over a few
 * neighbours, no locks and no memory that a caller's inventions could make grow.
 *
 * A window is cut into SLOTS buckets, each a word that holds its epoch and its count; a bucket of another epoch counts as
 * empty. So a count covers between window - window/SLOTS and window. When all neighbours are taken, the one longest
 * unused is given away: under a flood of keys old ones are forgotten, never new ones refused. Two keys whose 64-bit hashes
 * are equal are counted as one.
 */
#include "checks/ruleset/inside.h"
#include "base/must.h"
#include <stdlib.h>

enum { ENTRIES = 1 << 15, NEIGHBOURS = 8, SLOTS = 8 };
struct entry {
    _Atomic uint64_t key;              /* 0: free */
    _Atomic uint64_t slot[SLOTS];      /* epoch << 32 | count */
};
struct rates {
    uint64_t seed;
    struct entry entries[ENTRIES];
};
const char *const rate_by_names[RATE_BYS] = { "all", "caller", "route", "session", "model" };

struct rates *rates_new(void)
{
    struct rates *r = calloc(1, sizeof *r);
    must(r != NULL);
    r->seed = (uint64_t)(uintptr_t)r * 0x9e3779b97f4a7c15ull; /* callers cannot aim at each other's entries */
    return r;
}
void rates_free(struct rates *r)
{
    free(r);
}

static uint64_t mix(uint64_t h, const void *bytes, size_t n)
{
    const unsigned char *p = bytes;
    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * 0x100000001b3ull;
    h ^= h >> 32;
    h *= 0xd6e8feb86659fd93ull;
    return h ^ h >> 32;
}
struct span rate_key(const struct rate *r, const struct facts *facts)
{
    switch (r->by) {
    case RATE_BY_CALLER: return facts->caller;
    case RATE_BY_ROUTE: return facts->route;
    case RATE_BY_SESSION: return facts->session;
    case RATE_BY_MODEL: return facts->model;
    default: return (struct span){ "", 0 };
    }
}
static uint64_t hash(const struct rates *table, const struct rate *r, const struct facts *facts)
{
    uint64_t of[3] = { r->of, r->by, r->over_ms };
    uint64_t h = mix(table->seed ^ 0xcbf29ce484222325ull, of, sizeof of);
    if (r->rule_id)
        h = mix(h, r->rule_id, strlen(r->rule_id));
    struct span key = rate_key(r, facts);
    h = mix(h, key.at ? key.at : "", key.len);
    return h ? h : 1;
}
static uint64_t epoch_of(const struct rate *r, const struct facts *facts)
{
    uint64_t slot_us = r->over_ms * 1000 / SLOTS;
    return (facts->now_us > 0 ? (uint64_t)facts->now_us : 0) / (slot_us ? slot_us : 1) & 0xffffffffu;
}
static struct entry *find(struct rates *table, uint64_t key, bool make)
{
    size_t base = key % ENTRIES;
    struct entry *oldest = NULL;
    uint64_t oldest_epoch = UINT64_MAX;
    for (size_t i = 0; i < NEIGHBOURS; i++) {
        struct entry *e = &table->entries[(base + i) % ENTRIES];
        uint64_t k = atomic_load_explicit(&e->key, memory_order_relaxed);
        if (k == key)
            return e;
        if (!make)
            continue;
        if (k == 0) {
            if (atomic_compare_exchange_strong(&e->key, &k, key) || k == key)
                return e;
        }
        uint64_t newest = 0;
        for (size_t s = 0; s < SLOTS; s++) {
            uint64_t epoch = atomic_load_explicit(&e->slot[s], memory_order_relaxed) >> 32;
            newest = epoch > newest ? epoch : newest;
        }
        if (newest < oldest_epoch) {
            oldest_epoch = newest;
            oldest = e;
        }
    }
    if (!make || !oldest)
        return NULL;
    for (size_t s = 0; s < SLOTS; s++)
        atomic_store_explicit(&oldest->slot[s], 0, memory_order_relaxed);
    atomic_store(&oldest->key, key);
    return oldest;
}

void rate_count(struct rates *table, const struct rate *r, const struct facts *facts)
{
    struct entry *e = find(table, hash(table, r, facts), true);
    uint64_t epoch = epoch_of(r, facts);
    _Atomic uint64_t *slot = &e->slot[epoch % SLOTS];
    uint64_t had = atomic_load_explicit(slot, memory_order_relaxed), want;
    do {
        if (had >> 32 == epoch)
            want = (had & 0xffffffffu) == 0xffffffffu ? had : had + 1;
        else
            want = epoch << 32 | 1;
    } while (!atomic_compare_exchange_weak(slot, &had, want));
}
uint64_t rate_now(struct rates *table, const struct rate *r, const struct facts *facts)
{
    const struct entry *e = find(table, hash(table, r, facts), false);
    uint64_t epoch = epoch_of(r, facts), sum = 0;
    if (!e)
        return 0;
    for (size_t s = 0; s < SLOTS; s++) {
        uint64_t word = atomic_load_explicit(&e->slot[s], memory_order_relaxed), then = word >> 32;
        if (((epoch - then) & 0xffffffffu) < SLOTS)
            sum += word & 0xffffffffu;
    }
    return sum;
}
