/* SPDX-License-Identifier: Apache-2.0
 *
 * aws: frames of application/vnd.amazon.eventstream. Big-endian:
 *     total length (4) · headers length (4) · CRC-32 of those 8 (4) · headers · payload · CRC-32 of all before (4)
 *     a header: name length (1) · name · type (1; 7 is a string) · value length (2) · value
 */
#include "proxy/api/read.h"
#include <zlib.h>

static uint32_t u32(const char *p)
{
    const unsigned char *u = (const unsigned char *)p;
    return (uint32_t)u[0] << 24 | (uint32_t)u[1] << 16 | (uint32_t)u[2] << 8 | u[3];
}
static uint32_t crc(const char *p, size_t n)
{
    return (uint32_t)crc32(0, (const unsigned char *)p, (unsigned)n);
}
int aws_frame_read(struct span s, struct aws_frame *f)
{
    static const unsigned char fixed[] = { 0, 0, 1, 2, 4, 8, 0, 0, 8, 16 }; /* bytes of a value by its type; 6 and 7 say their own */
    *f = (struct aws_frame){ 0 };
    if (s.len < 12)
        return 0;
    uint32_t total = u32(s.at), headers = u32(s.at + 4);
    if (total < 16 || total > AWS_FRAME_MOST || headers > total - 16 || crc(s.at, 8) != u32(s.at + 8))
        return -1;
    if (s.len < total)
        return 0;
    if (crc(s.at, total - 4) != u32(s.at + total - 4))
        return -1;
    f->size = total;
    struct span h = span_cut(s, 12, 12 + headers);
    f->payload = span_cut(s, 12 + headers, total - 4);
    while (h.len) {
        size_t n = (unsigned char)h.at[0];
        if (h.len < n + 2)
            return -1;
        struct span name = span_cut(h, 1, 1 + n);
        unsigned type = (unsigned char)h.at[1 + n];
        size_t at = n + 2, len;
        if (type == 6 || type == 7) {
            if (h.len < at + 2)
                return -1;
            len = (size_t)(unsigned char)h.at[at] << 8 | (unsigned char)h.at[at + 1];
            at += 2;
        } else if (type < sizeof fixed) {
            len = fixed[type];
        } else {
            return -1;
        }
        if (h.len < at + len)
            return -1;
        if (type == 7 && (span_is(name, ":event-type") || span_is(name, ":exception-type")))
            f->event_type = span_cut(h, at, at + len);
        h = span_cut(h, at + len, h.len);
    }
    return 1;
}
static void put32(char *p, uint32_t n)
{
    p[0] = (char)(n >> 24), p[1] = (char)(n >> 16), p[2] = (char)(n >> 8), p[3] = (char)n;
}
static size_t put_header(char *p, const char *name, const char *value)
{
    size_t n = strlen(name), v = strlen(value);
    p[0] = (char)n;
    memcpy(p + 1, name, n);
    p[1 + n] = 7;
    p[2 + n] = (char)(v >> 8), p[3 + n] = (char)v;
    memcpy(p + 4 + n, value, v);
    return 4 + n + v;
}
bool aws_frame_add_exception(struct buf *out, const char *type, struct span payload)
{
    char headers[256];
    if (strlen(type) > 64 || payload.len > 1 << 20)
        return false;
    size_t h = put_header(headers, ":exception-type", type);
    h += put_header(headers + h, ":content-type", "application/json");
    h += put_header(headers + h, ":message-type", "exception");
    size_t total = 16 + h + payload.len;
    char *p = buf_reserve(out, total);
    if (!p)
        return false;
    put32(p, (uint32_t)total);
    put32(p + 4, (uint32_t)h);
    put32(p + 8, crc(p, 8));
    memcpy(p + 12, headers, h);
    if (payload.len)
        memcpy(p + 12 + h, payload.at, payload.len);
    put32(p + total - 4, crc(p, total - 4));
    out->len += total;
    return true;
}
