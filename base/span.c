/* SPDX-License-Identifier: Apache-2.0
 * A short text is sought 16 places at once: where its first byte stands and its last one as far behind, the rest is compared. */
#include "base/span.h"
#ifdef __SSE2__
#include <emmintrin.h>
#endif

const char *span_find(struct span s, struct span needle)
{
    if (s.len < needle.len || !needle.len)
        return NULL;
#ifdef __SSE2__
    enum { SHORT = 16 }; /* more would be quadratic in texts that are made for it; the C library is not */
    if (needle.len >= 2 && needle.len <= SHORT) {
        const __m128i first = _mm_set1_epi8(needle.at[0]), last = _mm_set1_epi8(needle.at[needle.len - 1]);
        size_t i = 0;
        for (; i + needle.len - 1 + 16 <= s.len; i += 16) {
            __m128i x = _mm_loadu_si128((const __m128i *)(const void *)(s.at + i)), y = _mm_loadu_si128((const __m128i *)(const void *)(s.at + i + needle.len - 1));
            unsigned places = (unsigned)_mm_movemask_epi8(_mm_and_si128(_mm_cmpeq_epi8(x, first), _mm_cmpeq_epi8(y, last)));
            for (; places; places &= places - 1) {
                const char *at = s.at + i + (size_t)__builtin_ctz(places);
                if (memcmp(at + 1, needle.at + 1, needle.len - 1) == 0)
                    return at;
            }
        }
        s = span_cut(s, i, s.len);
        if (s.len < needle.len)
            return NULL;
    }
#endif
    return memmem(s.at, s.len, needle.at, needle.len);
}
