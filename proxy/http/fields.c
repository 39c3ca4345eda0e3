/* SPDX-License-Identifier: Apache-2.0
 * The table of bytes, and the few questions about fields that do not need a head's reader. */
#include "proxy/http/bytes.h"
#include "proxy/http/http.h"

/* Sums of BYTE_…; a row is 16 codes. A unit test derives it again from the grammar. */
const unsigned char http_bytes[256] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    2, 7, 6, 3, 7, 7, 7, 7, 6, 6, 7, 7, 6, 39, 39, 6,
    63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 6, 6, 6, 6, 6, 6,
    6, 55, 55, 55, 55, 55, 55, 39, 39, 39, 39, 39, 39, 39, 39, 39,
    39, 39, 39, 39, 39, 39, 39, 39, 39, 39, 39, 6, 6, 6, 7, 39,
    7, 55, 55, 55, 55, 55, 55, 39, 39, 39, 39, 39, 39, 39, 39, 39,
    39, 39, 39, 39, 39, 39, 39, 39, 39, 39, 39, 6, 7, 6, 39, 0,
    2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
    2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
    2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
    2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
    2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
    2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
    2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
    2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
};

bool http_value_bytes(const char *p, size_t n)
{
    const uint64_t ones = 0x0101010101010101u, high = 0x8080808080808080u;
    size_t i = 0;
    if (!n)
        return true; /* p may be NULL */
    for (; i + 8 <= n; i += 8) {
        uint64_t x;
        memcpy(&x, p + i, 8);
        uint64_t del = x ^ ones * 0x7f;
        /* Borrows can flag a byte too many, never one too few; then the bytes are looked at one by one. */
        if ((((x - ones * 0x20) & ~x) | ((del - ones) & ~del)) & high && !bytes_are(p + i, 8, BYTE_VALUE))
            return false;
    }
    return bytes_are(p + i, n - i, BYTE_VALUE);
}

bool http_is_token(struct span s)
{
    return s.len && bytes_are(s.at, s.len, BYTE_TOKEN);
}
bool http_is_field_value(struct span s)
{
    return http_value_bytes(s.at, s.len);
}

static bool name_is(struct span s, const char *name, size_t n)
{
    return s.len == n && n && lower(s.at[0]) == lower(name[0]) && strncasecmp(s.at, name, n) == 0;
}
struct span http_field_value(const struct http_head *h, const char *name)
{
    size_t n = strlen(name);
    for (size_t i = 0; i < h->nfields; i++)
        if (name_is(h->fields[i].name, name, n))
            return h->fields[i].value;
    return (struct span){ 0 };
}
size_t http_field_count(const struct http_head *h, const char *name)
{
    size_t n = strlen(name), count = 0;
    for (size_t i = 0; i < h->nfields; i++)
        count += name_is(h->fields[i].name, name, n);
    return count;
}

/* Fields that say what the body is: a Connection that names one does not take it away, or the checks and the upstream
 * would read two different messages. */
static bool tells_the_body(struct span name)
{
    return name_is(name, "content-type", 12) || name_is(name, "content-encoding", 16);
}
static bool is_named_in_connection(const struct http_head *h, struct span name)
{
    for (size_t i = 0; i < h->nfields; i++) {
        if (!name_is(h->fields[i].name, "connection", 10))
            continue;
        struct span list = h->fields[i].value, member;
        while (next_member(&list, &member))
            if (member.len == name.len && strncasecmp(member.at, name.at, name.len) == 0)
                return true;
    }
    return false;
}
bool http_is_hop_by_hop(const struct http_head *h, struct span name)
{
    switch (name.len) {
    case 2: if (same_nocase(name, "te")) return true; break;
    case 4: if (same_nocase(name, "host")) return true; break;
    case 7: if (same_nocase(name, "trailer") || same_nocase(name, "upgrade")) return true; break;
    case 10: if (same_nocase(name, "connection") || same_nocase(name, "keep-alive")) return true; break;
    case 14: if (same_nocase(name, "content-length") || same_nocase(name, "http2-settings")) return true; break;
    case 17: if (same_nocase(name, "transfer-encoding")) return true; break;
    default: break;
    }
    if (name.len > 6 && lower(name.at[0]) == 'p' && strncasecmp(name.at, "proxy-", 6) == 0)
        return true;
    return h && h->connection_names_fields && is_named_in_connection(h, name) && !tells_the_body(name);
}

const char *http_reason(int status)
{
    static const struct { int status; const char *reason; } reasons[] = {
        { 400, "Bad Request" }, { 403, "Forbidden" }, { 404, "Not Found" }, { 408, "Request Timeout" }, { 413, "Content Too Large" },
        { 414, "URI Too Long" }, { 417, "Expectation Failed" }, { 429, "Too Many Requests" }, { 431, "Request Header Fields Too Large" }, { 501, "Not Implemented" },
        { 502, "Bad Gateway" }, { 503, "Service Unavailable" }, { 504, "Gateway Timeout" }, { 505, "HTTP Version Not Supported" },
    };
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "Error";
}
