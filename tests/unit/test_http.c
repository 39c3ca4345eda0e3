/* SPDX-License-Identifier: Apache-2.0
 * proxy/http: what is read, what is refused, and that no cut of the input changes either. */
#include "base/buf.h"
#include "proxy/http/bytes.h"
#include "proxy/http/http.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>

struct outcome {
    enum http_read got;
    int status;
    char why[96];
    size_t used;
    char told[4096];
};

static void tell(struct outcome *o, const struct http_head *h)
{
    int n = snprintf(o->told, sizeof o->told, "%.*s|%.*s|%.*s|%d%.*s|%.*s|%d|%.*s|1.%u|f%d|l%llu|k%d e%d u%d c%d", SPAN_ARG(h->method), SPAN_ARG(h->target), SPAN_ARG(h->path),
                     h->has_query, SPAN_ARG(h->query), SPAN_ARG(h->host), h->status, SPAN_ARG(h->reason), h->minor, h->framing, (unsigned long long)h->length,
                     h->is_keep_alive, h->expects_continue, h->has_upgrade, h->connection_names_fields);
    for (size_t i = 0; i < h->nfields && n < 4000; i++)
        n += snprintf(o->told + n, sizeof o->told - (size_t)n, "\n%.*s=%.*s", (int)(h->fields[i].name.len > 60 ? 60 : h->fields[i].name.len), h->fields[i].name.at,
                      (int)(h->fields[i].value.len > 60 ? 60 : h->fields[i].value.len), h->fields[i].value.at ? h->fields[i].value.at : "");
}

/* Feeds text up to each of the n cuts, then all; each time from a fresh copy of exactly that size, so that ASan sees a step too far. */
static struct outcome feed(struct span text, const size_t *cuts, size_t n, bool is_answer, bool is_head, const struct http_limits *l)
{
    struct outcome o = { .got = HTTP_MORE };
    struct arena *a = arena_new(1 << 20);
    size_t scanned = 0;
    for (size_t i = 0; i <= n && o.got == HTTP_MORE; i++) {
        size_t len = i < n ? cuts[i] : text.len;
        char *copy = malloc(len ? len : 1);
        assert_non_null(copy);
        if (len)
            memcpy(copy, text.at, len);
        struct http_head h;
        struct http_problem p = { 0 };
        struct span bytes = { copy, len };
        o.got = is_answer ? http_read_answer(&h, a, bytes, l, is_head, &scanned, &o.used, &p) : http_read_request(&h, a, bytes, l, &scanned, &o.used, &p);
        if (o.got == HTTP_DONE)
            tell(&o, &h);
        if (o.got == HTTP_BAD) {
            o.status = p.status;
            snprintf(o.why, sizeof o.why, "%s", p.why);
        }
        free(copy);
    }
    arena_free(a);
    return o;
}
static void same(const struct outcome *a, const struct outcome *b, struct span text, size_t cut)
{
    if (a->got != b->got || a->status != b->status || strcmp(a->why, b->why) != 0 || a->used != b->used || strcmp(a->told, b->told) != 0)
        fail_msg("cut at %zu changes the outcome of <<%.*s>>:\n%d %d %s %zu %s\n%d %d %s %zu %s", cut, (int)text.len, text.at, a->got, a->status, a->why, a->used, a->told,
                 b->got, b->status, b->why, b->used, b->told);
}
/* The outcome, after making sure that it is the same at every cut and byte by byte. */
static struct outcome any_cut(struct span text, bool is_answer, bool is_head, const struct http_limits *l)
{
    struct outcome whole = feed(text, NULL, 0, is_answer, is_head, l);
    size_t *cuts = malloc((text.len + 1) * sizeof *cuts);
    assert_non_null(cuts);
    for (size_t i = 0; i <= text.len; i++) {
        struct outcome o = feed(text, &i, 1, is_answer, is_head, l);
        same(&whole, &o, text, i);
        cuts[i] = i;
    }
    struct outcome bytewise = feed(text, cuts, text.len, is_answer, is_head, l);
    same(&whole, &bytewise, text, 0);
    free(cuts);
    return whole;
}
static struct outcome request(const char *text) { return any_cut(span_of(text), false, false, NULL); }
static struct outcome answer(const char *text) { return any_cut(span_of(text), true, false, NULL); }
static void refused_span(struct span text, int status)
{
    struct outcome o = any_cut(text, false, false, NULL);
    if (o.got != HTTP_BAD || o.status != status || !o.why[0])
        fail_msg("expected a refusal with %d, got %d %d %s for <<%.*s>>", status, o.got, o.status, o.why, (int)text.len, text.at);
}
static void refused(const char *text, int status) { refused_span(span_of(text), status); }
static void reads(const char *text, const char *told)
{
    struct outcome o = request(text);
    if (o.got != HTTP_DONE || !strstr(o.told, told))
        fail_msg("<<%s>>: wanted %s, got %d %s %s", text, told, o.got, o.why, o.told);
}

static void table_of_bytes(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        bool digit = c >= '0' && c <= '9', letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        assert_int_equal(byte_is((char)c, BYTE_TOKEN), digit || letter || (c && c < 128 && strchr("!#$%&'*+-.^_`|~", c)));
        assert_int_equal(byte_is((char)c, BYTE_VALUE), c == '\t' || (c >= 0x20 && c != 0x7f));
        assert_int_equal(byte_is((char)c, BYTE_TARGET), c > 0x20 && c < 0x7f && c != '#');
        assert_int_equal(byte_is((char)c, BYTE_DIGIT), digit);
        assert_int_equal(byte_is((char)c, BYTE_HEX), digit || (c && c < 128 && strchr("abcdefABCDEF", c)));
        assert_int_equal(byte_is((char)c, BYTE_HOST), digit || letter || (c && c < 128 && strchr("-._~", c)));
        char value[24];
        for (size_t at = 0; at < sizeof value; at++) { /* the eight-at-a-time path agrees with the table at every place */
            memset(value, 'a' + (int)at % 3, sizeof value);
            value[at] = (char)c;
            assert_int_equal(http_value_bytes(value, sizeof value), byte_is((char)c, BYTE_VALUE));
            if (at)
                value[at - 1] = ' '; /* a neighbour that borrows */
            assert_int_equal(http_value_bytes(value, sizeof value), byte_is((char)c, BYTE_VALUE));
        }
    }
}

static void ordinary_requests(void **state)
{
    (void)state;
    reads("POST /v1/chat/completions?a[]=1&b=%2F HTTP/1.1\r\nHost: h:80\r\nContent-Length: 12\r\n\r\nHello",
          "POST|/v1/chat/completions?a[]=1&b=%2F|/v1/chat/completions|1a[]=1&b=%2F|h:80|0||1.1|f1|l12|k1 e0 u0 c0\nHost=h:80\nContent-Length=12");
    reads("\r\n\r\nGET / HTTP/1.1\r\nhost:x\r\n\r\n", "GET|/|/|0|x|0||1.1|f0|l0|k1 e0 u0 c0\nhost=x");
    reads("GET / HTTP/1.0\r\n\r\n", "|1.0|f0|l0|k0");
    reads("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "|k1");
    reads("GET / HTTP/1.1\r\nHost: x\r\nConnection: x, close\r\n\r\n", "|k0 e0 u0 c1");
    reads("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Chunked\r\n\r\n", "|f2|l0|k1");
    reads("POST / HTTP/1.1\r\nHost: x\r\ncontent-length: 0\r\n\r\n", "|f1|l0|");
    reads("GET /a? HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n", "|/a|1|[::1]:8080|");
    reads("GET http://X.example/a?b HTTP/1.1\r\nHost: x.EXAMPLE\r\n\r\n", "GET|http://X.example/a?b|/a|1b|X.example|");
    reads("GET https://x HTTP/1.1\r\nHost: x\r\n\r\n", "|/|0|x|");
    reads("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", "OPTIONS|*|*|");
    reads("OPTIONS http://x HTTP/1.1\r\nHost: x\r\n\r\n", "|*|0|x");
    reads("GET /%C3%A9/a:b/%2F/%252F;p=1 HTTP/1.1\r\nHost: x\r\n\r\n", "|/%C3%A9/a:b/%2F/%252F;p=1|");
    reads("GET / HTTP/1.1\r\nHost: x\r\nA: \t caf\xc3\xa9 \t x  \t\r\nCookie:\r\n\r\n", "\nA=caf\xc3\xa9 \t x\nCookie=");
    reads("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-Continue\r\nContent-Length: 3\r\n\r\n", "e1");
    reads("GET / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\r\n", "e0");
    reads("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n", "e0");
    reads("GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", "u1 c0");
    reads("GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n\r\n", "u0 c1");
    reads("GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n", "u0");
    assert_int_equal(request("GET / HTTP/1.1\r\nHost: x\r\n").got, HTTP_MORE);
    assert_int_equal(request("").got, HTTP_MORE);
    struct outcome piped = request("GET / HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\n");
    assert_int_equal(piped.used, strlen("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    assert_int_equal(request("\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\nrest").used, strlen("\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n"));
}

static void refused_first_lines(void **state)
{
    (void)state;
    static const char *const bad[] = { "GET /\r\n", "GET / \r\n", "GET  / HTTP/1.1\r\n", "GET / HTTP/1.1 \r\n", " GET / HTTP/1.1\r\n", "GET\t/ HTTP/1.1\r\n", "GET /a b HTTP/1.1\r\n", "GET / http/1.1\r\n",
        "GET / HTTP/1.1\n", "GET / HTTP/1.1\r\r\n", "GET / HTTP/11\r\n", "GET / HTTP/1.10\r\n", "GET / HTTP/1,1\r\n", "GET / HTTP/x.1\r\n", "GET / XTTP/1.1\r\n", "G(T / HTTP/1.1\r\n", "GET /#f HTTP/1.1\r\n", "GET /\x7f HTTP/1.1\r\n",
        "GET /\xc3\xa9 HTTP/1.1\r\n", "GET x HTTP/1.1\r\n", "GET x:80 HTTP/1.1\r\n", "GET * HTTP/1.1\r\n", "GET ftp://x/ HTTP/1.1\r\n", "GET http:/x HTTP/1.1\r\n", "GET http:///x HTTP/1.1\r\n", "GET http://u@x/ HTTP/1.1\r\n", "GET http://u:p@x/ HTTP/1.1\r\n",
        "GET http://x:99999/ HTTP/1.1\r\n", "GET http://x:/ HTTP/1.1\r\n", "GET file:///etc HTTP/1.1\r\n", "\r\n\r\n\r\n", "\n", "\rGET", "\x16\x03\x01\x02", "{\"a\":1}", "GET / HTTP/1.1\rHost: x\r\n" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[256];
        snprintf(text, sizeof text, "%sHost: x\r\n\r\n", bad[i]);
        refused(text, 400);
    }
    refused_span(SPAN("GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n"), 400);
    refused("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505);
    refused("GET / HTTP/1.2\r\nHost: x\r\n\r\n", 505);
    refused("GET / HTTP/3.0\r\nHost: x\r\n\r\n", 505);
    refused("GET / HTTP/0.9\r\nHost: x\r\n\r\n", 505);
    refused("CONNECT x:443 HTTP/1.1\r\nHost: x:443\r\n\r\n", 501);
    refused("CONNECT / HTTP/1.1\r\nHost: x:443\r\n\r\n", 501);
    refused("GET http://y/ HTTP/1.1\r\nHost: x\r\n\r\n", 400);
    refused("GET http://x:80/ HTTP/1.1\r\nHost: x\r\n\r\n", 400);
    refused("AVERYLONGMETHODTHATNOBODYHASEVERSEEN / HTTP/1.1\r\nHost: x\r\n\r\n", 501);
}

static void refused_fields(void **state)
{
    (void)state;
    static const struct { const char *fields; int status; } bad[] = {
        { "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n", 400 }, { "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n", 400 }, { "Content-Length: 1\r\nContent-Length: 2\r\n", 400 },
        { "Content-Length: 1\r\nContent-Length: 1\r\n", 400 }, { "Content-Length: 1, 1\r\n", 400 }, { "Content-Length: +1\r\n", 400 }, { "Content-Length: -1\r\n", 400 }, { "Content-Length: 0x1\r\n", 400 },
        { "Content-Length: 1 1\r\n", 400 }, { "Content-Length:\r\n", 400 }, { "Content-Length: 1_0\r\n", 400 }, { "Content-Length: 01\r\n", 400 }, { "Content-Length: 18446744073709551617\r\n", 400 }, { "Content-Length: 9223372036854775808\r\n", 400 },
        { "Content-Length: \xd9\xa1\r\n", 400 }, { "Content-Length: 1.0\r\n", 400 }, { "Content-Length: 1e1\r\n", 400 }, { "Content-Length: \"1\"\r\n", 400 }, { "Content-Length : 1\r\n", 400 }, { "Content-Length\t: 1\r\n", 400 },
        { "Transfer-Encoding: gzip\r\n", 501 }, { "Transfer-Encoding: identity\r\n", 501 }, { "Transfer-Encoding: xchunked\r\n", 501 }, { "Transfer-Encoding: chunked, chunked\r\n", 400 }, { "Transfer-Encoding: gzip, chunked\r\n", 400 },
        { "Transfer-Encoding: chunked, identity\r\n", 400 }, { "Transfer-Encoding: chunked;q=1\r\n", 400 }, { "Transfer-Encoding: \"chunked\"\r\n", 400 }, { "Transfer-Encoding: ,chunked\r\n", 400 }, { "Transfer-Encoding:\r\n", 400 },
        { "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", 400 }, { "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", 400 }, { "Transfer-Encoding:\r\n chunked\r\n", 400 }, { "Transfer-Encoding: \x0b" "chunked\r\n", 400 },
        { "Transfer-Encoding : chunked\r\n", 400 }, { "Transfer\xc2\xad-Encoding: chunked\r\n", 400 }, { "Transfer-Encoding: chunked\x01\r\n", 400 },
        { "A: b\r\n c\r\n", 400 }, { " A: b\r\n", 400 }, { "\tA: b\r\n", 400 }, { "A\r\n", 400 }, { ": b\r\n", 400 }, { "A: b\n", 400 }, { "A: b\rc\r\n", 400 }, { "A: b\r\r\n", 400 }, { "A: \x01\r\n", 400 }, { "A: \x7f\r\n", 400 }, { "A b: c\r\n", 400 },
        { "\xc3\xa9: b\r\n", 400 }, { "A(: b\r\n", 400 }, { "A\x01: b\r\n", 400 }, { "Host: y\r\n", 400 }, { "Host: x\r\n", 400 }, { "Expect: 200-ok\r\n", 417 }, { "Expect:\r\n", 417 }, { "Expect: 100-continue\r\nExpect: 100-continue\r\n", 417 },
        { "Expect: 100-continue, x\r\n", 417 },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[512];
        snprintf(text, sizeof text, "POST / HTTP/1.1\r\nHost: x\r\n%s\r\n", bad[i].fields);
        refused(text, bad[i].status);
        if (strncmp(bad[i].fields, "Host", 4) == 0)
            continue;
        snprintf(text, sizeof text, "POST / HTTP/1.1\r\nA: b\r\n%sHost: x\r\n\r\n", bad[i].fields);
        refused(text, bad[i].status);
    }
    refused("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400);
    refused_span(SPAN("GET / HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n"), 400);
    refused_span(SPAN("GET / HTTP/1.1\r\nHost: x\r\nA\0: b\r\n\r\n"), 400);
}

static void hosts(void **state)
{
    (void)state;
    static const char *const bad[] = { "", "x y", "x/a", "u@x", "x:", "x:a", "x:-1", "x:65536", "x:123456", "x,y", ":80", "[::1", "[]", "::1", "[::1]a", "[g]", "x\"", "\xc3\xa9", "x%41", "x?a", "x\\a", "[::1]]:80" };
    static const char *const good[] = { "x", "x:80", "a-b.c_d~e", "127.0.0.1:8080", "[::1]", "[::ffff:1.2.3.4]:1", "x:65535", "X.Y" };
    char text[256];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", bad[i]);
        refused(text, 400);
    }
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", good[i]);
        reads(text, good[i]);
    }
    refused("GET / HTTP/1.1\r\nA: b\r\n\r\n", 400);
}

static void bounds(void **state)
{
    (void)state;
    struct http_limits l = { .head_bytes = 64, .fields = 3 };
    char text[4096];
    snprintf(text, sizeof text, "GET /%050d HTTP/1.1\r\nHost: x\r\n\r\n", 1);
    struct outcome o = any_cut(span_of(text), false, false, &l);
    assert_int_equal(o.status, 414);
    snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: x\r\nA: %050d\r\n\r\n", 1);
    o = any_cut(span_of(text), false, false, &l);
    assert_int_equal(o.status, 431);
    o = any_cut(SPAN("GET / HTTP/1.1\r\nHost: x\r\nA: 1\r\nB: 2\r\nC: 3\r\n\r\n"), false, false, &l);
    assert_int_equal(o.status, 431);
    o = any_cut(SPAN("GET / HTTP/1.1\r\nHost: x\r\nA: 1\r\nB: 2\r\n\r\n"), false, false, &l);
    assert_int_equal(o.got, HTTP_DONE);
    struct span exact = SPAN("GET / HTTP/1.1\r\nHost: x\r\nA: 12345678901234567890123456789\r\n\r\n");
    l.head_bytes = exact.len;
    assert_int_equal(any_cut(exact, false, false, &l).got, HTTP_DONE);
    l.head_bytes--;
    assert_int_equal(any_cut(exact, false, false, &l).status, 431);
    snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: x\r\n%0300d: x\r\n\r\n", 1);
    refused(text, 431);
    int n = snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: x\r\nConnection: ");
    for (int i = 0; i < 300; i++)
        n += snprintf(text + n, sizeof text - (size_t)n, "a%d,", i);
    snprintf(text + n, sizeof text - (size_t)n, "\r\n\r\n");
    assert_int_equal(feed(span_of(text), NULL, 0, false, false, NULL).status, 431);
}

/* A 64 KB head in single bytes takes as long as one would hope: no scan starts over. */
static void byte_by_byte_is_linear(void **state)
{
    (void)state;
    enum { N = 65000 };
    char *text = malloc(N);
    assert_non_null(text);
    memset(text, 'a', N);
    memcpy(text, "GET / HTTP/1.1\r\nA: ", 19);
    struct arena *a = arena_new(1 << 20);
    struct http_head h;
    struct http_problem p;
    size_t scanned = 0, used;
    clock_t before = clock();
    for (size_t i = 1; i <= N; i++)
        assert_int_equal(http_read_request(&h, a, (struct span){ text, i }, NULL, &scanned, &used, &p), HTTP_MORE);
    assert_true((double)(clock() - before) / CLOCKS_PER_SEC < 2);
    assert_true(arena_bytes(a) < 16384);
    arena_free(a);
    free(text);
}

static void answers(void **state)
{
    (void)state;
    struct outcome o = answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    assert_non_null(strstr(o.told, "|200|OK|1.1|f1|l5|k1"));
    assert_non_null(strstr(answer("HTTP/1.1 200\r\n\r\n").told, "|200||1.1|f3|l0|k0"));
    assert_non_null(strstr(answer("HTTP/1.1 404 \r\nTransfer-Encoding: chunked\r\n\r\n").told, "|404||1.1|f2|"));
    assert_non_null(strstr(answer("HTTP/1.0 200 Very well\r\nContent-Length: 1\r\n\r\n").told, "|Very well|1.0|f1|l1|k0"));
    assert_non_null(strstr(answer("HTTP/1.1 204 No\r\nContent-Length: 9\r\n\r\n").told, "|f0|l0|k1"));
    assert_non_null(strstr(answer("HTTP/1.1 304 No\r\nContent-Length: 9\r\n\r\n").told, "|f0|"));
    assert_non_null(strstr(answer("HTTP/1.1 100 Continue\r\n\r\n").told, "|100|Continue|1.1|f0|"));
    assert_non_null(strstr(answer("HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n").told, "u1"));
    o = any_cut(SPAN("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"), true, true, NULL);
    assert_non_null(strstr(o.told, "|f0|l0|k1"));
    static const char *const bad[] = { "HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1  200 OK\r\n\r\n", "HTTP/1.1 099 x\r\n\r\n", "HTTP/1.1 600 x\r\n\r\n", "HTTP/1.1 -20 x\r\n\r\n", "HTTP/2.0 200 OK\r\n\r\n", "HTTP/1.2 200 OK\r\n\r\n",
        "HTTP/2 200\r\n\r\n", "ICY 200 OK\r\n\r\n", "http/1.1 200 OK\r\n\r\n", "\r\nHTTP/1.1 200 OK\r\n\r\n", "<html>", "HTTP/1.1 200 OK\n\n", "HTTP/1.1 200 O\x01K\r\n\r\n", "HTTP/1.1 200 OK\r\nA b: c\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.1 204 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", "HTTP/1.1 200;OK\r\n\r\n", "HTTP/1.1\r\n\r\n", "HTTP/1.1 2e1 x\r\n\r\n" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        o = answer(bad[i]);
        if (o.got != HTTP_BAD || o.status != 502)
            fail_msg("taken: <<%s>> %d %d %s", bad[i], o.got, o.status, o.told);
    }
}

static void hop_by_hop(void **state)
{
    (void)state;
    struct arena *a = arena_new(1 << 16);
    struct http_head h;
    struct http_problem p;
    size_t scanned = 0, used;
    struct span text = SPAN("GET / HTTP/1.1\r\nHost: x\r\nConnection: X-One , ,host, Content-Type\r\nConnection: authorization\r\nX-One: 1\r\nx-two: a\r\nX-Two: b\r\n\r\n");
    assert_int_equal(http_read_request(&h, a, text, NULL, &scanned, &used, &p), HTTP_DONE);
    static const char *const hop[] = { "Connection", "KEEP-ALIVE", "proxy-connection", "Proxy-Authorization", "TE", "Trailer", "Transfer-Encoding", "Upgrade", "HTTP2-Settings", "Content-Length", "Host", "x-one", "Authorization" };
    static const char *const end[] = { "X-Two", "x-on", "Content-Type", "Accept", "proxy", "cookie", "tea" };
    for (size_t i = 0; i < sizeof hop / sizeof *hop; i++)
        assert_true(http_is_hop_by_hop(&h, span_of(hop[i])));
    for (size_t i = 0; i < sizeof end / sizeof *end; i++)
        assert_false(http_is_hop_by_hop(&h, span_of(end[i])));
    assert_true(span_is(http_field_value(&h, "x-two"), "a"));
    assert_int_equal(http_field_count(&h, "X-TWO"), 2);
    assert_null(http_field_value(&h, "x-three").at);
    assert_true(http_is_token(SPAN("a-b")) && !http_is_token(SPAN("")) && !http_is_token(SPAN("a b")));
    assert_true(http_is_field_value((struct span){ 0 }) && http_is_field_value(SPAN("a b\t\xff")) && !http_is_field_value(SPAN("a\r\nb")) && !http_is_field_value((struct span){ "a\0b", 3 }));
    arena_free(a);
}

/* ---- chunks ---- */

struct unchunked {
    enum http_read got;
    int status;
    size_t used;
    char data[256], trailers[256];
};
static struct unchunked unchunk(struct span text, size_t step)
{
    struct unchunked u = { .got = HTTP_MORE };
    struct buf trailers = { .cap = 200 };
    struct http_chunks c = { .trailers = &trailers };
    struct http_problem p = { 0 };
    size_t len = 0;
    for (size_t at = 0; at < text.len && u.got == HTTP_MORE; at += step) {
        size_t n = text.len - at < step ? text.len - at : step;
        char *copy = malloc(n);
        assert_non_null(copy);
        memcpy(copy, text.at + at, n);
        struct span in = { copy, n }, data;
        do {
            u.got = http_chunks_read(&c, &in, &data, &p);
            assert_true(len + data.len < sizeof u.data);
            if (data.len)
                memcpy(u.data + len, data.at, data.len);
            len += data.len;
        } while (u.got == HTTP_MORE && data.len);
        u.used = at + n - in.len;
        free(copy);
    }
    u.status = u.got == HTTP_BAD ? p.status : 0;
    snprintf(u.trailers, sizeof u.trailers, "%s", trailers.bytes && trailers.len ? trailers.bytes : "");
    if (trailers.len < sizeof u.trailers)
        u.trailers[trailers.len] = 0;
    assert_int_equal(c.is_done, u.got == HTTP_DONE);
    buf_free(&trailers);
    return u;
}
static struct unchunked chunks_span(struct span text)
{
    struct unchunked whole = unchunk(text, text.len ? text.len : 1);
    for (size_t step = 1; step < text.len; step++) {
        struct unchunked u = unchunk(text, step);
        if (u.got != whole.got || u.status != whole.status || strcmp(u.data, whole.data) != 0 || (u.got == HTTP_DONE && (strcmp(u.trailers, whole.trailers) != 0 || u.used != whole.used)))
            fail_msg("pieces of %zu change <<%.*s>>", step, (int)text.len, text.at);
    }
    return whole;
}
static struct unchunked chunks(const char *text) { return chunks_span(span_of(text)); }

static void chunked_bodies(void **state)
{
    (void)state;
    struct unchunked u = chunks("5\r\nhello\r\n000000000000000C;a=b;c=\"d e\"\r\n, big world!\r\n0\r\n\r\nGET");
    assert_int_equal(u.got, HTTP_DONE);
    assert_string_equal(u.data, "hello, big world!");
    assert_string_equal(u.trailers, "");
    assert_int_equal(u.used, strlen("5\r\nhello\r\n000000000000000C;a=b;c=\"d e\"\r\n, big world!\r\n0\r\n\r\n"));
    u = chunks("0\r\nX-Sum:  abc d \t\r\nY:\r\nX-Vigie-Caller: me\r\nAge: 3\r\nz: 1\r\n\r\n");
    assert_int_equal(u.got, HTTP_DONE);
    assert_string_equal(u.trailers, "X-Sum: abc d\r\nY: \r\nz: 1\r\n");
    assert_int_equal(chunks("5\r\nhel").got, HTTP_MORE);
    assert_int_equal(chunks("FFFFFFF\r\nhel").got, HTTP_MORE);
    assert_int_equal(chunks("7fffffffffffffff\r\nhel").got, HTTP_MORE);
    static const char *const bad[] = { "\r\n", "g\r\n", "-1\r\n", "+1\r\na\r\n", "0x1\r\na\r\n", " 1\r\na\r\n", "1 \r\na\r\n", "1 ;a\r\na\r\n", "1\t\r\na\r\n", "1\na\r\n", "1\ra\r\n", "1\r\nab\r\n", "1\r\na\n", "1\r\na\r0", "1\r\na0\r\n", "1_0\r\n", "1,0\r\n", "8000000000000000\r\n",
        "ffffffffffffffff\r\n", "10000000000000000\r\n", "00000000000000001\r\n", ";a\r\n", "1;a\nb\r\n", "1;\x01\r\n", "1;a\r\r\n", "0\r\n\n", "0\r\n\r\r", "0\r\nA\r\n\r\n", "0\r\n: a\r\n\r\n", "0\r\nA : b\r\n\r\n", "0\r\n A: b\r\n\r\n", "0\r\nA: b\r\n c\r\n\r\n", "0\r\nA: b\n\r\n", "0\r\nA: \x01\r\n\r\n",
        "0\r\nContent-Length: 5\r\n\r\n", "0\r\ntransfer-encoding: chunked\r\n\r\n", "0\r\nHost: y\r\n\r\n", "0\r\nAuthorization: b\r\n\r\n", "0\r\nProxy-Authorization: b\r\n\r\n", "0\r\nCookie: b\r\n\r\n", "0\r\nConnection: b\r\n\r\n", "0\r\nTrailer: b\r\n\r\n", "0\r\nContent-Type: b\r\n\r\n" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        u = chunks(bad[i]);
        if (u.got != HTTP_BAD || u.status != 400)
            fail_msg("taken: <<%s>> %d %d %s", bad[i], u.got, u.status, u.data);
    }
    assert_int_equal(chunks_span(SPAN("1\0\r\na\r\n")).got, HTTP_BAD);
    assert_int_equal(chunks_span(SPAN("0\r\nA: \0\r\n\r\n")).got, HTTP_BAD);
}
static void chunk_bounds(void **state)
{
    (void)state;
    struct http_problem p = { 0 };
    struct span data;
    char text[8192];
    struct http_chunks c = { 0 };
    size_t n = (size_t)snprintf(text, sizeof text, "1;%01025d", 0);
    struct span in = { text, n };
    assert_int_equal(http_chunks_read(&c, &in, &data, &p), HTTP_BAD);
    in = SPAN("\r\na\r\n"); /* what was refused stays refused */
    assert_int_equal(http_chunks_read(&c, &in, &data, &p), HTTP_BAD);
    c = (struct http_chunks){ 0 };
    enum http_read got = HTTP_MORE;
    int rounds = 0;
    for (; rounds < 100 && got == HTTP_MORE; rounds++) {
        n = (size_t)snprintf(text, sizeof text, "1;%01000d\r\na\r\n", 0);
        for (in = (struct span){ text, n }; in.len && got == HTTP_MORE;)
            got = http_chunks_read(&c, &in, &data, &p);
    }
    assert_int_equal(got, HTTP_BAD);
    assert_int_equal(rounds, 17);
    c = (struct http_chunks){ 0 };
    in = SPAN("0\r\n");
    assert_int_equal(http_chunks_read(&c, &in, &data, &p), HTTP_MORE);
    for (rounds = 0; rounds < 100; rounds++) {
        n = (size_t)snprintf(text, sizeof text, "a: %01000d\r\n", 0);
        in = (struct span){ text, n };
        if (http_chunks_read(&c, &in, &data, &p) == HTTP_BAD)
            break;
    }
    assert_int_equal(p.status, 431);
    assert_int_equal(rounds, 16);
}

/* ---- paths ---- */

static void plain_paths(void **state)
{
    (void)state;
    static const char *const good[] = { "/", "/v1/models/a:generate", "/a%2Fb", "/a%252Fb", "/a//b", "/a/...", "/.well-known/x", "/a.b/..c/c..", "/a[]", "/%C3%A9", "/model/arn%3Aaws%3Abedrock%3Aeu%2Fx.y/converse", "/a;b=../c", "/%25", "/100%25%20done", "/%25zz", "/a/%E9", "/a%20b", "/x;v=1.0" };
    static const char *const bad[] = { "", "a", "//a", "/.", "/..", "/a/./b", "/a/../b", "/a/..", "/%2e", "/%2E%2e/a", "/.%2e/", "/%2e./", "/%252e%252e/", "/%25252e./", "/a%2f..%2fb", "/a%2F%2e%2e", "/..%2f", "/..%252fa", "/%252e%252e%252fa", "/..;/a", "/..;x=1/a", "/.;/a", "/%2e%2e;a/b",
        "/a\\b", "/a%5cb", "/a%5Cb", "/..\\a", "/%255c", "/%00", "/a%00b", "/%2500", "/%0a", "/%0D%0A", "/%7f", "/%1f", "/%", "/%2", "/%zz", "/a%g1", "/%c0%ae%c0%ae/", "/%c0%af", "/%c1%9c", "/%e0%80%af", "/%f0%80%80%af", "/%ef%bc%8e%ef%bc%8e/", "/a%ef%bc%8f../b", "/%ef%bc%bc", "/%e2%80%a5/", "/%25%32%65%25%32%65/",
        "/%25%2532%65", "/a b", "/a?b", "/a#b", "/\xc3\xa9", "/a\tb" };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        const char *why = "?";
        if (!http_path_is_plain(span_of(good[i]), &why) || why)
            fail_msg("%s refused: %s", good[i], why);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *why = NULL;
        char *copy = malloc(strlen(bad[i]) + 1);
        assert_non_null(copy);
        memcpy(copy, bad[i], strlen(bad[i]));
        if (http_path_is_plain((struct span){ copy, strlen(bad[i]) }, &why) || !why)
            fail_msg("%s taken", bad[i]);
        free(copy);
    }
    assert_false(http_path_is_plain((struct span){ "/a\0b", 4 }, NULL));
}
static void other_readings_of_mounts(void **state)
{
    (void)state;
    struct span m = SPAN("/openai/v1");
    static const char *const may[] = { "/openai/v1", "/openai/v1/x", "/openai%2Fv1/x", "/openai%252fv1", "/%6fpenai/v1/", "/openai//v1/x", "//openai/v1", "/OpenAI/V1/x", "/openai;a=b/v1;c/x", "/%256fpenai/v1", "/openai%ef%bc%8fv1", "/openai/v1;x", "/openai/v1%2Fx", "/%4f%50enai///v1" };
    static const char *const never[] = { "/", "/openai", "/openai/v", "/openai/v10", "/openaix/v1", "/x/openai/v1", "/openai/v1x/y", "/openai/%76%31%30", "/openai%20/v1" };
    for (size_t i = 0; i < sizeof may / sizeof *may; i++)
        if (!http_path_may_mean(span_of(may[i]), m))
            fail_msg("%s", may[i]);
    for (size_t i = 0; i < sizeof never / sizeof *never; i++)
        if (http_path_may_mean(span_of(never[i]), m))
            fail_msg("%s", never[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_of_bytes), cmocka_unit_test(ordinary_requests), cmocka_unit_test(refused_first_lines), cmocka_unit_test(refused_fields), cmocka_unit_test(hosts), cmocka_unit_test(bounds),
        cmocka_unit_test(byte_by_byte_is_linear), cmocka_unit_test(answers), cmocka_unit_test(hop_by_hop), cmocka_unit_test(chunked_bodies), cmocka_unit_test(chunk_bounds), cmocka_unit_test(plain_paths), cmocka_unit_test(other_readings_of_mounts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
