/* SPDX-License-Identifier: Apache-2.0
 * utf8: strict UTF-8 (RFC 3629: no surrogates, no overlong forms, nothing past U+10FFFF). */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H
#include "base/span.h"

/* Bytes of the valid sequence at p (1 to 4), or 0: invalid or cut. */
static inline size_t utf8_length(const char *p, size_t n)
{
    const unsigned char *u = (const unsigned char *)p;
    if (!n)
        return 0;
    if (u[0] < 0x80)
        return 1;
    if (u[0] < 0xc2)
        return 0;
    if (u[0] < 0xe0)
        return n >= 2 && (u[1] & 0xc0) == 0x80 ? 2 : 0;
    if (u[0] < 0xf0)
        return n >= 3 && (u[1] & 0xc0) == 0x80 && (u[2] & 0xc0) == 0x80 && !(u[0] == 0xe0 && u[1] < 0xa0)
                       && !(u[0] == 0xed && u[1] > 0x9f) ? 3 : 0;
    if (u[0] < 0xf5)
        return n >= 4 && (u[1] & 0xc0) == 0x80 && (u[2] & 0xc0) == 0x80 && (u[3] & 0xc0) == 0x80
                       && !(u[0] == 0xf0 && u[1] < 0x90) && !(u[0] == 0xf4 && u[1] > 0x8f) ? 4 : 0;
    return 0;
}
/* The code point of a sequence whose length utf8_length gave. */
static inline uint32_t utf8_code(const char *p, size_t length)
{
    const unsigned char *u = (const unsigned char *)p;
    switch (length) {
    case 1: return u[0];
    case 2: return (uint32_t)(u[0] & 0x1f) << 6 | (u[1] & 0x3f);
    case 3: return (uint32_t)(u[0] & 0x0f) << 12 | (uint32_t)(u[1] & 0x3f) << 6 | (u[2] & 0x3f);
    default: return (uint32_t)(u[0] & 0x07) << 18 | (uint32_t)(u[1] & 0x3f) << 12 | (uint32_t)(u[2] & 0x3f) << 6 | (u[3] & 0x3f);
    }
}
/* Writes code as UTF-8 (surrogates and numbers past the end become U+FFFD); returns 1 to 4. */
static inline size_t utf8_put(char *out, uint32_t c)
{
    if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
        c = 0xfffd;
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xc0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xe0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3f));
        out[2] = (char)(0x80 | (c & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3f));
    out[2] = (char)(0x80 | (c >> 6 & 0x3f));
    out[3] = (char)(0x80 | (c & 0x3f));
    return 4;
}
bool utf8_valid(struct span s);
#endif
