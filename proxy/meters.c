/* SPDX-License-Identifier: Apache-2.0
 * GCRA: a bucket's slot holds `full_at`, the time until which what was taken will have been paid back. A request of cost c moves it by c × period / amount and
 * is refused when that would put it more than burst × period / amount ahead of now. Costs are computed in 128 bits, so no amount overflows. */
#include "proxy/meters.h"
#include "base/must.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

enum { WAYS = 16 };      /* slots a key may have */
struct slot {
    _Atomic uint64_t key;            /* 0: never used */
    _Atomic uint64_t full_at;
    _Atomic uint32_t open;
    uint32_t unused;
    uint64_t unused_2;
};
struct meters {
    struct slot *slots;              /* mapped: pages that no key ever touched cost nothing */
    uint64_t seed[2];
    _Atomic uint64_t forgotten;
};

struct meters *meters_new(void)
{
    struct meters *m = calloc(1, sizeof *m);
    must(m != NULL);
    m->slots = mmap(NULL, METER_SLOTS * sizeof *m->slots, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    must(m->slots != MAP_FAILED);
    must(getrandom(m->seed, sizeof m->seed, 0) == sizeof m->seed);   /* so that nobody can aim at a slot */
    return m;
}
void meters_free(struct meters *m)
{
    if (!m)
        return;
    munmap(m->slots, METER_SLOTS * sizeof *m->slots);
    free(m);
}
uint64_t meters_forgotten(const struct meters *m)
{
    return atomic_load_explicit(&((struct meters *)(uintptr_t)m)->forgotten, memory_order_relaxed);
}

static uint64_t mix(uint64_t h)
{
    h ^= h >> 32;
    h *= 0xd6e8feb86659fd93u;
    h ^= h >> 32;
    h *= 0xd6e8feb86659fd93u;
    return h ^ h >> 32;
}
static uint64_t add(uint64_t h, struct span s)
{
    uint64_t w;
    h = mix(h ^ s.len);
    for (; s.len >= 8; s.at += 8, s.len -= 8) {
        memcpy(&w, s.at, 8);
        h = mix(h ^ w);
    }
    w = 0;
    if (s.len)
        memcpy(&w, s.at, s.len);
    return mix(h ^ w);
}
static uint64_t key_of(const struct meters *m, const struct rate *r, const struct rate_who *w)
{
    uint64_t h = mix(m->seed[0] ^ ((uint64_t)r->kind << 8 | r->per)) ^ m->seed[1];
    /* The limit is part of the key: the same caller has a bucket for each limit, and a changed limit begins with a fresh one. */
    h = mix(h ^ r->amount);
    h = mix(h ^ r->period_ns);
    h = mix(h ^ r->burst);
    h = add(h, w->route);
    if (r->per & PER_CALLER)
        h = add(h, w->caller);
    if (r->per & PER_KEY)
        h = add(h, w->key);
    if (r->per & PER_ADDRESS)
        h = add(h, w->address);
    if (r->per & PER_MODEL)
        h = add(h, w->model);
    return h ? h : 1;
}

static bool is_idle(struct slot *s, uint64_t now)
{
    return atomic_load(&s->full_at) <= now && !atomic_load(&s->open);
}
static uint32_t find(struct meters *m, uint64_t key, uint64_t now)
{
    uint32_t first = (uint32_t)(key >> 32) & (METER_SLOTS - 1) & ~(uint32_t)(WAYS - 1);
    for (unsigned i = 0; i < WAYS; i++)
        if (atomic_load(&m->slots[first + i].key) == key)
            return first + i;
    /* Two workers that claim for the same key at once try the slots in the same order, so the loser finds the winner's. */
    for (unsigned i = 0; i < WAYS; i++) {
        struct slot *s = &m->slots[first + i];
        uint64_t was = atomic_load(&s->key);
        if (was == key)
            return first + i;
        if ((!was || is_idle(s, now)) && (atomic_compare_exchange_strong(&s->key, &was, key) || was == key))
            return first + i;
    }
    uint32_t least = first;
    uint64_t soonest = UINT64_MAX;
    for (unsigned i = 0; i < WAYS; i++) {
        uint64_t at = atomic_load(&m->slots[first + i].full_at);
        if (at < soonest && !atomic_load(&m->slots[first + i].open)) {
            soonest = at;
            least = first + i;
        }
    }
    if (soonest == UINT64_MAX)
        return first + (uint32_t)(key & (WAYS - 1));     /* all have exchanges open: shared, which errs towards refusing */
    atomic_store(&m->slots[least].full_at, 0);
    atomic_store(&m->slots[least].key, key);
    atomic_fetch_add_explicit(&m->forgotten, 1, memory_order_relaxed);
    return least;
}

/* Time that n units take to be paid back; saturates at some 146 years. */
static uint64_t time_of(const struct rate *r, uint64_t n)
{
    unsigned __int128 t = (unsigned __int128)n * r->period_ns / (r->amount ? r->amount : 1);
    return t > UINT64_MAX / 4 ? UINT64_MAX / 4 : (uint64_t)t;
}
/* false: *wait_ns until it would be taken. */
static bool charge(struct slot *s, const struct rate *r, uint64_t n, bool is_debt_allowed, uint64_t now, uint64_t *wait_ns)
{
    uint64_t most = time_of(r, r->burst), cost = time_of(r, n), was = atomic_load(&s->full_at);
    for (;;) {
        uint64_t from = was > now ? was : now, to = from + cost;
        if (!is_debt_allowed && to - now > most) {
            /* What is more than a whole bucket waits for an empty one. */
            *wait_ns = cost > most ? from - now : to - now - most;
            if (cost <= most || from > now)
                return false;
        }
        if (atomic_compare_exchange_weak(&s->full_at, &was, to))
            return true;
    }
}
static void give_back(struct slot *s, const struct rate *r, uint64_t n)
{
    uint64_t cost = time_of(r, n), was = atomic_load(&s->full_at);
    while (!atomic_compare_exchange_weak(&s->full_at, &was, was > cost ? was - cost : 0)) ;
}

const struct rate *meters_admit(struct meters *m, const struct rate *rates, size_t n, bool (*asks)(const struct rate *), const struct rate_who *who, uint64_t tokens,
                                uint64_t now, struct admission *a, uint64_t *retry_ms)
{
    struct { struct slot *s; const struct rate *r; uint64_t n; } charged[RATES_MOST];
    unsigned ncharged = 0, open_before = a->nopen, buckets_before = a->nbuckets;
    const struct rate *no = NULL;
    uint64_t wait_ns = 0;
    for (size_t i = 0; i < n && i < RATES_MOST && !no; i++) {
        const struct rate *r = &rates[i];
        if (!asks(r))
            continue;
        uint32_t at = find(m, key_of(m, r, who), now);
        struct slot *s = &m->slots[at];
        if (r->kind == RATE_CONCURRENT) {
            if (atomic_fetch_add(&s->open, 1) >= r->amount) {
                atomic_fetch_sub(&s->open, 1);
                no = r;
                wait_ns = 1000000000;      /* nobody knows when one ends */
            } else {
                a->open[a->nopen++] = at + 1;
            }
            continue;
        }
        uint64_t cost = r->kind == RATE_TOKENS ? tokens : 1;
        if (!charge(s, r, cost, false, now, &wait_ns)) {
            no = r;
            continue;
        }
        charged[ncharged].s = s;
        charged[ncharged].r = r;
        charged[ncharged++].n = cost;
        if (r->kind == RATE_TOKENS) {
            a->rate[a->nbuckets] = r;
            a->bucket[a->nbuckets++] = at + 1;
        }
    }
    if (!no) {
        a->tokens = tokens;
        return NULL;
    }
    while (ncharged--)
        give_back(charged[ncharged].s, charged[ncharged].r, charged[ncharged].n);
    while (a->nopen > open_before)
        atomic_fetch_sub(&m->slots[a->open[--a->nopen] - 1].open, 1);
    a->nbuckets = buckets_before;
    *retry_ms = wait_ns / 1000000 + 1;
    return no;
}

void meters_settle(struct meters *m, struct admission *a, uint64_t tokens, uint64_t now)
{
    for (unsigned i = 0; i < a->nbuckets; i++) {
        struct slot *s = &m->slots[a->bucket[i] - 1];
        uint64_t unused;
        if (tokens > a->tokens)
            charge(s, a->rate[i], tokens - a->tokens, true, now, &unused);
        else
            give_back(s, a->rate[i], a->tokens - tokens);
    }
    for (unsigned i = 0; i < a->nopen; i++)
        atomic_fetch_sub(&m->slots[a->open[i] - 1].open, 1);
    a->nbuckets = a->nopen = 0;
}
