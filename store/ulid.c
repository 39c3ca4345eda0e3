/* SPDX-License-Identifier: Apache-2.0
 * Record ids (ULID): 48 bits of milliseconds and 80 of randomness in Crockford's base32, so that they sort by time as text.
 * Randomness comes from the kernel in blocks kept per thread: one system call serves dozens of ids and salts. */
#include "base/must.h"
#include "store/fields.h"
#include "store/store.h"
#include <errno.h>
#include <sys/random.h>

void store_random(void *out, size_t n)
{
    static _Thread_local unsigned char pool[2048];
    static _Thread_local size_t left;
    must(n <= sizeof pool);
    if (left < n) {
        size_t got = 0;
        while (got < sizeof pool) {
            ssize_t r = getrandom(pool + got, sizeof pool - got, 0);
            must(r > 0 || errno == EINTR);
            got += r > 0 ? (size_t)r : 0;
        }
        left = sizeof pool;
    }
    left -= n;
    memcpy(out, pool + left, n);
    memset(pool + left, 0, n);
}

void record_id_new(char id[RECORD_ID_BYTES + 1], int64_t now_us)
{
    static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    uint64_t ms = now_us > 0 ? (uint64_t)now_us / 1000 & 0xffffffffffffull : 0;
    unsigned char dice[16];
    store_random(dice, sizeof dice);
    for (int i = 9; i >= 0; i--, ms >>= 5)
        id[i] = digits[ms & 31];
    for (int i = 0; i < 16; i++)
        id[10 + i] = digits[dice[i] & 31];
    id[RECORD_ID_BYTES] = 0;
}
