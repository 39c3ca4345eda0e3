/* SPDX-License-Identifier: Apache-2.0
 * A table of sets of two: the one used longer ago gives way. */
#include "checks/text/quiet.h"
#include "base/must.h"
#include <stdlib.h>

struct quiet_entry { uint64_t a, b; double value; };
struct quiet {
    uint8_t key[16];
    struct quiet_entry slots[QUIET_SLOTS];   /* pairs: the first is the one used last */
};

struct quiet *quiet_new(const uint8_t key[16])
{
    struct quiet *q = calloc(1, sizeof *q);
    must(q != NULL);
    memcpy(q->key, key, sizeof q->key);
    return q;
}
void quiet_free(struct quiet *q)
{
    free(q);
}

static uint64_t turn(uint64_t x, int by) { return x << by | x >> (64 - by); }
#define ROUND(v0, v1, v2, v3) \
    (v0 += v1, v1 = turn(v1, 13), v1 ^= v0, v0 = turn(v0, 32), v2 += v3, v3 = turn(v3, 16), v3 ^= v2, \
     v0 += v3, v3 = turn(v3, 21), v3 ^= v0, v2 += v1, v1 = turn(v1, 17), v1 ^= v2, v2 = turn(v2, 32))
static uint64_t little(const void *p)
{
    const unsigned char *u = p;
    uint64_t v = 0;
    for (int i = 7; i >= 0; i--)
        v = v << 8 | u[i];
    return v;
}
void siphash128(const uint8_t key[16], struct span s, uint64_t out[2])
{
    uint64_t k0 = little(key), k1 = little(key + 8), v0 = k0 ^ 0x736f6d6570736575u, v1 = k1 ^ 0x646f72616e646f6du ^ 0xee, v2 = k0 ^ 0x6c7967656e657261u, v3 = k1 ^ 0x7465646279746573u;
    size_t i = 0;
    for (; i + 8 <= s.len; i += 8) {
        uint64_t m = little(s.at + i);
        v3 ^= m;
        ROUND(v0, v1, v2, v3);
        ROUND(v0, v1, v2, v3);
        v0 ^= m;
    }
    uint64_t m = (uint64_t)(s.len & 255) << 56;
    for (size_t k = 0; i + k < s.len; k++)
        m |= (uint64_t)(unsigned char)s.at[i + k] << 8 * k;
    v3 ^= m;
    ROUND(v0, v1, v2, v3);
    ROUND(v0, v1, v2, v3);
    v0 ^= m;
    v2 ^= 0xee;
    for (int k = 0; k < 4; k++)
        ROUND(v0, v1, v2, v3);
    out[0] = v0 ^ v1 ^ v2 ^ v3;
    v1 ^= 0xdd;
    for (int k = 0; k < 4; k++)
        ROUND(v0, v1, v2, v3);
    out[1] = v0 ^ v1 ^ v2 ^ v3;
}

/* The entry of this text and kind, or NULL; *set: where it would be. */
static struct quiet_entry *find(struct quiet *q, struct part *p, enum quiet_kind kind, struct quiet_entry **set, uint64_t *a)
{
    if (!p->is_hashed) {
        siphash128(q->key, p->text, p->hash);
        p->is_hashed = true;
    }
    *a = p->hash[0] + (uint64_t)kind * 0x9e3779b97f4a7c15u;
    *a += !*a;                               /* 0: empty */
    *set = &q->slots[(*a >> 20) % (QUIET_SLOTS / 2) * 2];
    for (int i = 0; i < 2; i++)
        if ((*set)[i].a == *a && (*set)[i].b == p->hash[1])
            return &(*set)[i];
    return NULL;
}
bool quiet_knows(struct quiet *q, struct part *p, enum quiet_kind kind, double *value)
{
    struct quiet_entry *set;
    uint64_t a;
    if (!q || p->text.len < QUIET_LEAST)
        return false;
    struct quiet_entry *e = find(q, p, kind, &set, &a);
    if (!e)
        return false;
    if (e != set) {
        struct quiet_entry first = set[0];
        set[0] = set[1];
        set[1] = first;
    }
    *value = set[0].value;
    return true;
}
void quiet_remember(struct quiet *q, struct part *p, enum quiet_kind kind, double value)
{
    struct quiet_entry *set;
    uint64_t a;
    if (!q || p->text.len < QUIET_LEAST || find(q, p, kind, &set, &a))
        return;
    set[1] = set[0];
    set[0] = (struct quiet_entry){ a, p->hash[1], value };
}
