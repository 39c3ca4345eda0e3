/* SPDX-License-Identifier: Apache-2.0
 *
 * Addresses to listen on and URLs to send to. An address has one spelling here: what only inet_aton would take (127.1,
 * 0x7f.1, 2130706433) is refused, so that "is this loopback?" cannot be asked around.
 */
#include "base/parse.h"
#include "proxy/config_read.h"
#include "proxy/http/http.h"
#include <arpa/inet.h>

static bool parse_v4(struct span s, struct in_addr *out)
{
    char text[INET_ADDRSTRLEN];
    if (!s.len || s.len >= sizeof text)
        return false;
    memcpy(text, s.at, s.len);
    text[s.len] = 0;
    return inet_pton(AF_INET, text, out) == 1;
}
static bool parse_v6(struct span s, struct in6_addr *out)
{
    char text[INET6_ADDRSTRLEN];
    if (!s.len || s.len >= sizeof text)
        return false;
    memcpy(text, s.at, s.len);
    text[s.len] = 0;
    return inet_pton(AF_INET6, text, out) == 1;
}
static bool is_alnum(char c) { return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z'); }

/* A name or an IPv4 address. */
static bool name_is_valid(struct span s)
{
    struct in_addr v4;
    size_t label = 0;
    if (!s.len || s.len > 253)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.at[i];
        if (c == '.' ? i == label || i + 1 == s.len : !is_alnum(c) && c != '-' && c != '_')
            return false;
        if (c == '.')
            label = i + 1;
    }
    struct span last = span_cut(s, label, s.len);
    uint64_t n;
    if (parse_u64(last, UINT64_MAX, &n) || (last.at[0] >= '0' && last.at[0] <= '9' && (label == 0 || (last.len > 1 && (last.at[1] | 32) == 'x'))))
        return parse_v4(s, &v4); /* ends in a number: an IPv4 address or nothing */
    return s.len - label <= 63;
}

/* Splits "host:port" where the port is needed, or "host[:port]" where it is not (*port is then left). */
static const char *split(struct span s, bool needs_port, unsigned least, struct span *host, unsigned *port)
{
    struct in6_addr v6;
    struct span rest;
    if (s.len && s.at[0] == '[') {
        const char *close = memchr(s.at, ']', s.len);
        if (!close)
            return "[ without ]";
        *host = span_cut(s, 1, (size_t)(close - s.at));
        if (!parse_v6(*host, &v6))
            return "no IPv6 address between the brackets";
        rest = span_cut(s, host->len + 2, s.len);
    } else {
        const char *colon = memchr(s.at, ':', s.len);
        size_t n = colon ? (size_t)(colon - s.at) : s.len;
        *host = span_cut(s, 0, n);
        rest = span_cut(s, n, s.len);
        if (needs_port && !rest.len && parse_u64(s, 65535, &(uint64_t){ 0 }))
            return "the host and the colon are missing";
        if (rest.len > 1 && memchr(rest.at + 1, ':', rest.len - 1))
            return "an IPv6 address stands in brackets: [::1]:8080";
        if (host->len && !name_is_valid(*host))
            return "the host is neither a name nor an address in its usual form";
    }
    if (!rest.len)
        return needs_port ? "the port is missing" : NULL;
    uint32_t n;
    if (rest.at[0] != ':' || !parse_u32(span_cut(rest, 1, rest.len), 65535, &n) || n < least || rest.len > 6)
        return "the port is not a number from 1 to 65535";
    *port = n;
    return NULL;
}

bool address_read(struct config_reader *r, const struct yaml *y, const char *name, struct span *host, unsigned *port)
{
    struct span text;
    if (!config_text(r, y, name, &text))
        return false;
    const char *why = split(text, true, 0, host, port);
    if (why) {
        yaml_trouble(r->t, y, "write host:port, like 127.0.0.1:8080, [::1]:8080 or :8080", "%s is no address: %s", name, why);
        return false;
    }
    if (!host->len)
        *host = SPAN("0.0.0.0");
    return true;
}

bool address_is_loopback(struct span host)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (parse_v4(host, &v4))
        return (ntohl(v4.s_addr) >> 24) == 127;
    if (parse_v6(host, &v6))
        return IN6_IS_ADDR_LOOPBACK(&v6) || (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == 127);
    return span_is_nocase(host, "localhost"); /* any other name may lead anywhere */
}
bool address_is_any(struct span host)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (parse_v4(host, &v4))
        return v4.s_addr == 0;
    return parse_v6(host, &v6) && (IN6_IS_ADDR_UNSPECIFIED(&v6) || (IN6_IS_ADDR_V4MAPPED(&v6) && !v6.s6_addr[12] && !v6.s6_addr[13] && !v6.s6_addr[14] && !v6.s6_addr[15]));
}
bool address_clash(struct span host_a, unsigned port_a, struct span host_b, unsigned port_b)
{
    struct in6_addr a, b;
    if (port_a != port_b || !port_a)
        return false;
    if (address_is_any(host_a) || address_is_any(host_b))
        return true;
    if (parse_v6(host_a, &a) && parse_v6(host_b, &b))
        return memcmp(&a, &b, sizeof a) == 0;
    return host_a.len == host_b.len && strncasecmp(host_a.at, host_b.at, host_a.len) == 0;
}

bool upstream_read(struct config_reader *r, const struct yaml *y, struct upstream_url *u)
{
    struct span s;
    const char *hint = "write http://host:port or https://host, with a path prefix if need be", *why = NULL;
    if (!config_text(r, y, "upstream", &s))
        return false;
    size_t skip = span_starts(s, "http://") ? 7 : span_starts(s, "https://") ? 8 : 0;
    if (!skip) {
        yaml_trouble(r->t, y, hint, "upstream is no http or https address");
        return false;
    }
    u->scheme = span_cut(s, 0, skip - 3);
    u->port = skip == 7 ? 80 : 443;
    if (memchr(s.at, '@', s.len)) {
        yaml_trouble(r->t, y, "give keys in headers.set, from ${ENVIRONMENT}", "upstream holds user information");
        return false;
    }
    if (memchr(s.at, '?', s.len) || memchr(s.at, '#', s.len)) {
        yaml_trouble(r->t, y, "the caller's query is passed on as it comes", "upstream holds a query or a fragment");
        return false;
    }
    const char *slash = memchr(s.at + skip, '/', s.len - skip);
    size_t end = slash ? (size_t)(slash - s.at) : s.len;
    struct span path = span_cut(s, end, s.len);
    if (path.len && path.at[path.len - 1] == '/')
        path.len--;
    why = split(span_cut(s, skip, end), false, 1, &u->host, &u->port);
    if (!why && !u->host.len)
        why = "the host is missing";
    if (!why && path.len && !http_path_is_plain(path, &why))
        hint = "the prefix must be readable in one way only";
    if (!why && span_find(path, SPAN("//")))
        why = "the path holds two slashes in a row";
    if (why) {
        yaml_trouble(r->t, y, hint, "upstream is no address: %s", why);
        return false;
    }
    u->path = path;
    u->url = span_cut(s, 0, end + path.len);
    return true;
}
