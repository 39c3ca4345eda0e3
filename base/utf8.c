/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"

bool utf8_valid(struct span s)
{
    for (size_t i = 0; i < s.len;) {
        if (s.len - i >= 8) { /* eight ASCII bytes at a time: most text is */
            uint64_t w;
            memcpy(&w, s.at + i, 8);
            if (!(w & 0x8080808080808080ull)) {
                i += 8;
                continue;
            }
        }
        size_t n = utf8_length(s.at + i, s.len - i);
        if (!n)
            return false;
        i += n;
    }
    return true;
}
