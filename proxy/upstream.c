/* SPDX-License-Identifier: Apache-2.0
 * Which client makes a call: plain http goes by our own (upstream_http.c: no more system calls than the bytes need), https by libcurl
 * (upstream_curl.c), and so does plain http where the environment names a proxy for it (http_proxy, all_proxy), as libcurl understands
 * them. What no_proxy names goes direct; what of it we do not understand is libcurl's to judge. */
#include "proxy/upstream_inside.h"
#include "base/must.h"
#include "proxy/resolve.h"
#include <stdlib.h>

const char *const upstream_end_names[] = { "whole", "upstream_unresolved", "upstream_unreachable", "upstream_connect_timeout", "upstream_cut", "upstream_timeout", "upstream_bad_answer" };

struct upstream_pool {
    struct event_base *base;
    void (*after_turn)(void *context);
    void *context;
    void *http, *curl;               /* curl: from its first call on */
    bool has_proxy;                  /* the environment names one for plain http */
    struct span no_proxy;
};

bool upstream_is_idempotent(struct span method)
{
    return span_is(method, "GET") || span_is(method, "HEAD") || span_is(method, "OPTIONS") || span_is(method, "PUT") || span_is(method, "DELETE");
}

static struct span setting(const char *name, const char *other)
{
    struct span s = span_of(getenv(name));
    return s.len || !other ? s : span_of(getenv(other));
}
/* Surely no proxy: `*`, the host, or a domain that it is in (an address is in none). */
static bool is_excepted(struct span list, struct span host)
{
    struct addresses literal;
    bool is_name = !address_literal(host, 0, &literal);
    if (span_is(list, "*"))
        return true;
    while (list.len) {
        size_t n = 0;
        while (n < list.len && list.at[n] != ',' && list.at[n] != ' ')
            n++;
        struct span name = span_cut(list, 0, n);
        list = span_cut(list, n < list.len ? n + 1 : n, list.len);
        if (name.len && name.at[0] == '.')
            name = span_cut(name, 1, name.len);
        if (!name.len || name.len > host.len || strncasecmp(host.at + host.len - name.len, name.at, name.len) != 0)
            continue;
        if (name.len == host.len || (is_name && host.at[host.len - name.len - 1] == '.'))
            return true;
    }
    return false;
}

struct upstream_pool *upstream_pool_new(struct event_base *base, void (*after_turn)(void *context), void *context)
{
    struct upstream_pool *p = calloc(1, sizeof *p);
    must(p != NULL);
    p->base = base;
    p->after_turn = after_turn;
    p->context = context;
    p->has_proxy = setting("http_proxy", NULL).len || setting("all_proxy", "ALL_PROXY").len; /* HTTP_PROXY could be a caller's header under CGI: libcurl does not read it either */
    p->no_proxy = setting("no_proxy", "NO_PROXY");
    p->http = upstream_http.pool_new(base, after_turn, context);
    return p;
}
void upstream_pool_free(struct upstream_pool *p)
{
    if (!p)
        return;
    upstream_http.pool_free(p->http);
    if (p->curl)
        upstream_curl.pool_free(p->curl);
    free(p);
}
struct upstream_call *upstream_start(struct upstream_pool *p, const struct upstream_request *r, const struct upstream_callbacks *cb, void *context)
{
    bool is_plain = r->to->scheme.len == 4; /* http; a config has no others but https */
    if (is_plain && (!p->has_proxy || is_excepted(p->no_proxy, r->to->host)))
        return upstream_http.start(p->http, r, cb, context);
    if (!p->curl)
        p->curl = upstream_curl.pool_new(p->base, p->after_turn, p->context);
    return upstream_curl.start(p->curl, r, cb, context);
}
size_t upstream_write(struct upstream_call *u, struct span data)
{
    return u->client->write(u, data);
}
void upstream_write_end(struct upstream_call *u)
{
    u->client->write_end(u);
}
void upstream_pause(struct upstream_call *u, bool is_paused)
{
    u->client->pause(u, is_paused);
}
void upstream_cancel(struct upstream_call *u)
{
    u->client->cancel(u);
}
void upstream_tick(struct upstream_pool *p, uint64_t now_ms)
{
    upstream_http.tick(p->http, now_ms);
    if (p->curl)
        upstream_curl.tick(p->curl, now_ms);
    p->after_turn(p->context);
}
