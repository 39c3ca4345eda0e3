/* SPDX-License-Identifier: Apache-2.0
 * random: a small seeded generator (splitmix64, Steele, Lea and Flood 2014) for permutations that must repeat. */
#ifndef CHECKS_DRIFT_RANDOM_H
#define CHECKS_DRIFT_RANDOM_H
#include <stddef.h>
#include <stdint.h>

struct random_state {
    uint64_t s;
};
static inline uint64_t random_next(struct random_state *r)
{
    uint64_t z = (r->s += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}
/* 0 … below-1; the bias of the multiply-shift is below 2^-32 and does not matter here. */
static inline uint32_t random_below(struct random_state *r, uint32_t below)
{
    return (uint32_t)(((random_next(r) >> 32) * (uint64_t)below) >> 32);
}
static inline uint64_t hash_bytes(const char *p, size_t n, uint64_t h)
{
    for (size_t i = 0; i < n; i++)
        h = (h ^ (unsigned char)p[i]) * 0x100000001b3u;
    h ^= h >> 32;
    h *= 0xd6e8feb86659fd93u;
    return h ^ (h >> 32);
}
#endif
