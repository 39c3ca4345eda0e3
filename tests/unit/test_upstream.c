/* SPDX-License-Identifier: Apache-2.0
 * The direct client before upstreams that do as the test says, byte by byte if need be: a listener on the loopback, both sides on one event loop.
 * No clock is waited for: limits are tried by a tick from the future. getaddrinfo is the test's own, so names lead where it likes. */
#include "base/buf.h"
#include "proxy/links.h"
#include "proxy/resolve.h"
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

/* ---- names ---- */

static struct { const char *name; struct addrinfo list[4]; struct address at[4]; unsigned n; } named;
static _Atomic unsigned lookups;

int getaddrinfo(const char *name, const char *port, const struct addrinfo *hints, struct addrinfo **out)
{
    (void)port, (void)hints;
    lookups++;
    if (!named.name || strcmp(name, named.name) != 0)
        return EAI_NONAME;
    for (unsigned i = 0; i < named.n; i++)
        named.list[i] = (struct addrinfo){ .ai_family = named.at[i].to.any.sa_family, .ai_addr = &named.at[i].to.any, .ai_addrlen = named.at[i].len,
                                           .ai_next = i + 1 < named.n ? &named.list[i + 1] : NULL };
    *out = named.list;
    return 0;
}
void freeaddrinfo(struct addrinfo *list)
{
    (void)list;
}

/* ---- the stage ---- */

struct stage {
    struct event_base *base;
    struct upstream_pool *pool;
    int listener;
    struct route route;
    struct upstream_url to;
    char host[64], url[128];
};
struct seen { /* what a call has told */
    struct stage *s;
    struct upstream_call *u;
    int status, interims, ends, writables;
    enum upstream_end end;
    struct buf body, trailers, fields;
    char why[160];
    char cancel_at;                       /* i h b e w: cancel, or for e: another call, in that callback */
    struct upstream_request next;
    struct seen *next_seen;
    bool is_started;
};
static void cancel_in(struct seen *x, char where)
{
    if (x->cancel_at != where)
        return;
    struct upstream_call *u = x->u;
    x->u = NULL;
    upstream_cancel(u);
}
static void on_interim(void *context, const struct http_head *h)
{
    struct seen *x = context;
    assert_true(x->is_started && x->u);
    x->interims = x->interims % 1000 * 1000 + h->status; /* the last two */
    cancel_in(x, 'i');
}
static void on_head(void *context, const struct http_head *h)
{
    struct seen *x = context;
    assert_true(x->is_started && x->u && !x->status);
    x->status = h->status;
    for (size_t i = 0; i < h->nfields; i++)
        buf_printf(&x->fields, SPAN_FMT "=" SPAN_FMT ";", SPAN_ARG(h->fields[i].name), SPAN_ARG(h->fields[i].value));
    cancel_in(x, 'h');
}
static void on_body(void *context, struct span data)
{
    struct seen *x = context;
    assert_true(x->u && x->status && data.len);
    buf_add(&x->body, data);
    cancel_in(x, 'b');
}
static const struct upstream_callbacks callbacks;
static void on_end(void *context, enum upstream_end end, struct span trailers, const char *why)
{
    struct seen *x = context;
    assert_true(x->is_started && x->u);
    x->u = NULL;
    x->ends++;
    x->end = end;
    buf_add(&x->trailers, trailers);
    snprintf(x->why, sizeof x->why, "%s", why);
    if (x->cancel_at == 'e') {
        x->next_seen->s = x->s;
        x->next_seen->u = upstream_start(x->s->pool, &x->next, &callbacks, x->next_seen);
        x->next_seen->is_started = true;
    }
}
static void on_writable(void *context)
{
    struct seen *x = context;
    assert_true(x->is_started && x->u);
    x->writables++;
    cancel_in(x, 'w');
}
static const struct upstream_callbacks callbacks = { on_interim, on_head, on_body, on_end, on_writable };
static void seen_free(struct seen *x)
{
    buf_free(&x->body);
    buf_free(&x->trailers);
    buf_free(&x->fields);
    *x = (struct seen){ 0 };
}

static void after_turn(void *context) { (void)context; }
static int listen_on(int backlog, unsigned *port)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t n = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(fd, backlog), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
    *port = ntohs(a.sin_port);
    return fd;
}
static void lead_to(struct stage *s, const char *host, unsigned port)
{
    snprintf(s->host, sizeof s->host, "%s", host);
    snprintf(s->url, sizeof s->url, "http://%s:%u", host, port);
    s->to = (struct upstream_url){ .url = span_of(s->url), .scheme = SPAN("http"), .host = span_of(s->host), .port = port, .weight = 1 };
}
static struct stage *stage_new(void)
{
    struct stage *s = calloc(1, sizeof *s);
    unsigned port;
    assert_non_null(s);
    s->base = event_base_new();
    s->pool = upstream_pool_new(s->base, after_turn, NULL);
    s->listener = listen_on(64, &port);
    s->route.limits = (struct limits){ .connect_ms = 5000, .first_byte_ms = 60000, .between_bytes_ms = 60000 };
    lead_to(s, "127.0.0.1", port);
    return s;
}
static void stage_free(struct stage *s)
{
    upstream_pool_free(s->pool);
    event_base_free(s->base);
    close(s->listener);
    free(s);
}
static void turn(struct stage *s)
{
    event_base_loop(s->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
}
static uint64_t patience(void)
{
    return coarse_ms() + 30000;
}
#define UNTIL(s, condition) \
    do { \
        uint64_t give_up_ = patience(); \
        while (!(condition)) { \
            turn(s); \
            if (coarse_ms() > give_up_) \
                fail_msg("waited in vain until %s", #condition); \
        } \
    } while (0)
/* Long enough for what would come to come: the loop sees all that the kernel has. */
static void settle(struct stage *s)
{
    for (int i = 0; i < 20; i++) {
        poll(NULL, 0, 1);
        turn(s);
    }
}
static struct upstream_request request_of(struct stage *s, const char *method, const char *target, const char *body)
{
    return (struct upstream_request){ .route = &s->route, .to = &s->to, .method = span_of(method), .target = span_of(target), .has_body = body != NULL, .body = span_of(body) };
}
static void start(struct stage *s, struct seen *x, const struct upstream_request *r)
{
    x->s = s;
    x->u = upstream_start(s->pool, r, &callbacks, x);
    assert_non_null(x->u);
    assert_int_equal(x->ends + x->status, 0); /* nothing from within */
    x->is_started = true;
}
static int accepted(struct stage *s)
{
    int fd = -1;
    UNTIL(s, (fd = accept4(s->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0);
    return fd;
}
static bool nobody_comes(struct stage *s)
{
    settle(s);
    int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0)
        close(fd);
    return fd < 0;
}
/* Reads until what came ends with `end`. */
static void hear(struct stage *s, int fd, struct buf *got, const char *end)
{
    uint64_t give_up = patience();
    buf_clear(got);
    while (!span_ends(buf_span(got), end)) {
        char *to = buf_reserve(got, 65536);
        ssize_t n = recv(fd, to, 65536, 0);
        if (n > 0)
            got->len += (size_t)n;
        else if (n == 0 || errno != EAGAIN)
            fail_msg("it ended: %.*s", (int)got->len, got->bytes ? got->bytes : "");
        turn(s);
        if (coarse_ms() > give_up)
            fail_msg("heard in vain: %.*s", (int)got->len, got->bytes ? got->bytes : "");
    }
}
static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}
static void reset(int fd)
{
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){ 1, 0 }, sizeof(struct linger));
    close(fd);
}
/* A whole exchange, so that there is a kept link: its upstream end is returned. */
static int warm(struct stage *s)
{
    struct seen x = { 0 };
    struct buf got = { 0 };
    struct upstream_request r = request_of(s, "GET", "/warm", NULL);
    start(s, &x, &r);
    int fd = accepted(s);
    hear(s, fd, &got, "\r\n\r\n");
    say(fd, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    UNTIL(s, x.ends);
    assert_int_equal(x.end, UPSTREAM_WHOLE);
    seen_free(&x);
    buf_free(&got);
    return fd;
}

/* ---- messages ---- */

static void test_a_call_as_it_stands_on_the_wire(void **state)
{
    (void)state;
    struct stage *s = stage_new();
    struct buf got = { 0 };
    char expected[512];
    const struct http_field fields[] = { { SPAN("X-B"), SPAN("1") }, { SPAN("x-empty"), { 0 } }, { SPAN("X-B"), SPAN("two words") } };
    struct upstream_request r = request_of(s, "POST", "/a//b%2F?q=%20", "hello");
    r.fields = fields;
    r.nfields = 3;
    int fd = -1;
    for (int i = 0; i < 3; i++) { /* one connection for all */
        struct seen x = { 0 };
        start(s, &x, &r);
        if (fd < 0)
            fd = accepted(s);
        hear(s, fd, &got, "hello");
        snprintf(expected, sizeof expected, "POST /a//b%%2F?q=%%20 HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nX-B: 1\r\nx-empty:\r\nX-B: two words\r\ncontent-length: 5\r\n\r\nhello", s->to.port);
        assert_true(span_is(buf_span(&got), expected));
        say(fd, "HTTP/1.1 201 Yes\r\nA: b\r\ncontent-length: 3\r\n\r\nabc");
        UNTIL(s, x.ends);
        assert_int_equal(x.status, 201);
        assert_int_equal(x.end, UPSTREAM_WHOLE);
        assert_true(span_is(buf_span(&x.body), "abc"));
        assert_true(span_is(buf_span(&x.fields), "A=b;content-length=3;"));
        seen_free(&x);
    }
    assert_true(nobody_comes(s));
    /* no body and no length; a body of nothing */
    for (int has = 0; has < 2; has++) {
        struct seen x = { 0 };
        r = request_of(s, "POST", "/", has ? "" : NULL);
        start(s, &x, &r);
        hear(s, fd, &got, "\r\n\r\n");
        assert_int_equal(span_find(buf_span(&got), SPAN("content-length: 0\r\n")) != NULL, has);
        say(fd, "HTTP/1.1 204 No\r\n\r\n");
        UNTIL(s, x.ends);
        assert_int_equal(x.end, UPSTREAM_WHOLE);
        seen_free(&x);
    }
    close(fd);
    buf_free(&got);
    stage_free(s);
}

/* Every answer whole and byte by byte: the same is told. */
static void test_answers_at_every_cut(void **state)
{
    (void)state;
    static const struct { const char *method, *answer; bool closes; enum upstream_end end; int status, interims; const char *body, *trailers; bool is_kept; } cases[] = {
        { "GET", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello", 0, UPSTREAM_WHOLE, 200, 0, "hello", "", true },
        { "GET", "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", 0, UPSTREAM_WHOLE, 200, 0, "", "", true },
        { "GET", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3;x=y\r\nhel\r\n2\r\nlo\r\n0\r\nx-sum: abc\r\nX-More: d\r\n\r\n", 0, UPSTREAM_WHOLE, 200, 0, "hello", "x-sum: abc\r\nX-More: d\r\n", true },
        { "GET", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nlink: a\r\n\r\nHTTP/1.1 102 P\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx", 0, UPSTREAM_WHOLE, 200, 103102, "x", "", true },
        { "HEAD", "HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n", 0, UPSTREAM_WHOLE, 200, 0, "", "", true },
        { "GET", "HTTP/1.1 304 Not\r\ncontent-length: 500\r\n\r\n", 0, UPSTREAM_WHOLE, 304, 0, "", "", true },
        { "GET", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok", 0, UPSTREAM_WHOLE, 200, 0, "ok", "", false },
        { "GET", "HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok", 0, UPSTREAM_WHOLE, 200, 0, "ok", "", false },
        { "GET", "HTTP/1.0 200 OK\r\ncontent-length: 2\r\nconnection: keep-alive\r\n\r\nok", 0, UPSTREAM_WHOLE, 200, 0, "ok", "", true },
        { "GET", "HTTP/1.1 200 OK\r\n\r\nall of it", 1, UPSTREAM_WHOLE, 200, 0, "all of it", "", false },
        { "GET", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhel", 1, UPSTREAM_CUT, 200, 0, "hel", "", false },
        { "GET", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n", 1, UPSTREAM_CUT, 200, 0, "hello", "", false },
        { "GET", "HTTP/1.1 200 OK\r\ncontent-le", 1, UPSTREAM_CUT, 0, 0, "", "", false },
        { "GET", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 5\r\n\r\nhello", 0, UPSTREAM_BAD_ANSWER, 0, 0, "", "", false },
        { "GET", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", 0, UPSTREAM_BAD_ANSWER, 200, 0, "", "", false },
        { "GET", "HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n", 0, UPSTREAM_BAD_ANSWER, 0, 0, "", "", false },
        { "GET", "SSH-2.0-x\r\n", 0, UPSTREAM_BAD_ANSWER, 0, 0, "", "", false },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int piecewise = 0; piecewise < 2; piecewise++) {
            struct stage *s = stage_new();
            struct seen x = { 0 };
            struct buf got = { 0 };
            struct upstream_request r = request_of(s, cases[i].method, "/", NULL);
            start(s, &x, &r);
            int fd = accepted(s);
            hear(s, fd, &got, "\r\n\r\n");
            struct span rest = span_of(cases[i].answer);
            while (rest.len && !x.ends) {
                size_t n = piecewise ? 1 : rest.len;
                int unread = 1;
                assert_int_equal(send(fd, rest.at, n, MSG_NOSIGNAL), (ssize_t)n);
                rest = span_cut(rest, n, rest.len);
                for (int k = 0; piecewise && unread && k < 3; k++)
                    turn(s);
            }
            if (cases[i].closes)
                shutdown(fd, SHUT_WR);
            UNTIL(s, x.ends);
            if (x.end != cases[i].end || x.status != cases[i].status || x.interims != cases[i].interims || !span_is(buf_span(&x.body), cases[i].body) || !span_is(buf_span(&x.trailers), cases[i].trailers))
                fail_msg("case %zu (%d): end %d status %d interims %d body %.*s why %s", i, piecewise, x.end, x.status, x.interims, (int)x.body.len, x.body.len ? x.body.bytes : "", x.why);
            char byte;
            settle(s);
            assert_int_equal(recv(fd, &byte, 1, 0) == 0, !cases[i].is_kept); /* closed, or kept open */
            seen_free(&x);
            buf_free(&got);
            close(fd);
            stage_free(s);
        }
}

static void test_a_head_without_end_is_refused(void **state)
{
    (void)state;
    struct stage *s = stage_new();
    for (int kind = 0; kind < 2; kind++) {
        struct seen x = { 0 };
        struct buf got = { 0 };
        struct upstream_request r = request_of(s, "GET", "/", NULL);
        start(s, &x, &r);
        int fd = accepted(s);
        hear(s, fd, &got, "\r\n\r\n");
        if (kind == 0)
            say(fd, "HTTP/1.1 200 OK\r\nx: ");
        for (int i = 0; i < 100000 && !x.ends; i++) {
            const char *piece = kind == 0 ? "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy" : "HTTP/1.1 102 P\r\n\r\n";
            if (send(fd, piece, strlen(piece), MSG_NOSIGNAL) < 0)
                assert_true(errno == EAGAIN || errno == EPIPE || errno == ECONNRESET);
            turn(s);
        }
        UNTIL(s, x.ends);
        assert_int_equal(x.end, UPSTREAM_BAD_ANSWER);
        assert_int_equal(x.status, 0);
        seen_free(&x);
        buf_free(&got);
        close(fd);
    }
    stage_free(s);
}

/* ---- links ---- */

static void test_bytes_of_nobody_end_the_link(void **state)
{
    (void)state;
    const char *evil = "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nstolen";
    static const char *const answers[] = { "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", "HTTP/1.1 204 No\r\n\r\n" };
    for (size_t i = 0; i < 3; i++)
        for (int later = 0; later < 2; later++) {
            struct stage *s = stage_new();
            struct seen x = { 0 }, y = { 0 };
            struct buf got = { 0 };
            char all[256];
            struct upstream_request r = request_of(s, "POST", "/", "x");
            start(s, &x, &r);
            int fd = accepted(s);
            hear(s, fd, &got, "\r\n\r\nx");
            snprintf(all, sizeof all, "%s%s", answers[i], later ? "" : evil);
            say(fd, all);
            UNTIL(s, x.ends);
            assert_int_equal(x.end, UPSTREAM_WHOLE);
            assert_true(span_is(buf_span(&x.body), i == 2 ? "" : "ok"));
            if (later) {
                say(fd, evil);
                settle(s);
            }
            start(s, &y, &r);
            int other = accepted(s);
            hear(s, other, &got, "\r\n\r\nx");
            say(other, "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nmine");
            UNTIL(s, y.ends);
            assert_true(span_is(buf_span(&y.body), "mine"));
            seen_free(&x);
            seen_free(&y);
            buf_free(&got);
            close(fd);
            close(other);
            stage_free(s);
        }
}

static void test_a_kept_link_that_ended_is_not_taken(void **state)
{
    (void)state;
    struct stage *s = stage_new();
    for (int how = 0; how < 3; how++) { /* a close, a half-close, a reset, while nobody used it: even a POST comes through */
        int fd = warm(s);
        how == 0 ? (void)close(fd) : how == 1 ? (void)shutdown(fd, SHUT_WR) : reset(fd);
        settle(s);
        struct seen x = { 0 };
        struct buf got = { 0 };
        struct upstream_request r = request_of(s, "POST", "/", "x");
        start(s, &x, &r);
        int other = accepted(s);
        hear(s, other, &got, "\r\n\r\nx");
        say(other, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        UNTIL(s, x.ends);
        assert_int_equal(x.end, UPSTREAM_WHOLE);
        seen_free(&x);
        buf_free(&got);
        close(other);
        if (how == 1)
            close(fd);
    }
    stage_free(s);
}

static void test_a_kept_link_that_dies_under_a_call(void **state)
{
    (void)state;
    struct stage *s = stage_new();
    static const struct { const char *method; bool resets, again; } cases[] = { { "POST", false, false }, { "POST", true, false }, { "GET", false, true }, { "GET", true, true }, { "HEAD", false, true } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int fd = warm(s);
        struct seen x = { 0 };
        struct buf got = { 0 };
        struct upstream_request r = request_of(s, cases[i].method, "/trap", cases[i].method[0] == 'P' ? "x" : NULL);
        start(s, &x, &r);
        hear(s, fd, &got, cases[i].method[0] == 'P' ? "\r\n\r\nx" : "\r\n\r\n");
        cases[i].resets ? reset(fd) : (void)close(fd);
        if (cases[i].again) { /* once more, and not a third time */
            fd = accepted(s);
            hear(s, fd, &got, "\r\n\r\n");
            close(fd);
        }
        UNTIL(s, x.ends);
        assert_int_equal(x.end, UPSTREAM_CUT);
        assert_int_equal(x.status, 0);
        assert_true(nobody_comes(s));
        seen_free(&x);
        buf_free(&got);
    }
    /* and the second one's answer is the call's */
    int fd = warm(s);
    struct seen x = { 0 };
    struct buf got = { 0 };
    struct upstream_request r = request_of(s, "GET", "/trap", NULL);
    start(s, &x, &r);
    hear(s, fd, &got, "\r\n\r\n");
    close(fd);
    fd = accepted(s);
    hear(s, fd, &got, "\r\n\r\n");
    say(fd, "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nagain");
    UNTIL(s, x.ends);
    assert_int_equal(x.end, UPSTREAM_WHOLE);
    assert_true(span_is(buf_span(&x.body), "again"));
    seen_free(&x);
    close(fd);
    /* a new link that dies is no reason to ask again; nor is one that had begun to answer */
    settle(s);
    start(s, &x, &r);
    fd = accepted(s);
    hear(s, fd, &got, "\r\n\r\n");
    close(fd);
    UNTIL(s, x.ends);
    assert_int_equal(x.end, UPSTREAM_CUT);
    seen_free(&x);
    fd = warm(s);
    start(s, &x, &r);
    hear(s, fd, &got, "\r\n\r\n");
    say(fd, "HTTP/1.1 20");
    settle(s);
    close(fd);
    UNTIL(s, x.ends);
    assert_int_equal(x.end, UPSTREAM_CUT);
    assert_true(nobody_comes(s));
    seen_free(&x);
    buf_free(&got);
    stage_free(s);
}

static void test_a_link_rests_as_long_as_the_upstream_says(void **state)
{
    (void)state;
    static const struct { const char *field; uint64_t after_ms; bool is_kept; } cases[] = {
        { "keep-alive: timeout=5\r\n", 3500, true }, { "keep-alive: timeout=5\r\n", 4500, false }, { "Keep-Alive: max=9, timeout=1\r\n", 900, false }, { "keep-alive: timeout=0\r\n", 100, false },
        { "", 50000, true }, { "", 70000, false }, { "keep-alive: timeout=9999\r\n", 70000, false }, { "keep-alive: timeout=x\r\n", 50000, true },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct stage *s = stage_new();
        struct seen x = { 0 };
        struct buf got = { 0 };
        char answer[256], byte;
        struct upstream_request r = request_of(s, "GET", "/", NULL);
        start(s, &x, &r);
        int fd = accepted(s);
        hear(s, fd, &got, "\r\n\r\n");
        snprintf(answer, sizeof answer, "HTTP/1.1 200 OK\r\n%scontent-length: 0\r\n\r\n", cases[i].field);
        say(fd, answer);
        UNTIL(s, x.ends);
        upstream_tick(s->pool, coarse_ms() + cases[i].after_ms);
        settle(s);
        if ((recv(fd, &byte, 1, 0) != 0) != cases[i].is_kept)
            fail_msg("%s after %llu ms", cases[i].field, (unsigned long long)cases[i].after_ms);
        seen_free(&x);
        buf_free(&got);
        close(fd);
        stage_free(s);
    }
}

static void test_breaks_in_the_body(void **state)
{
    (void)state;
    struct stage *s = stage_new();
    static const char *const heads[] = { "content-length: 100\r\n", "transfer-encoding: chunked\r\n", "" };
    for (int i = 0; i < 3; i++) {
        struct seen x = { 0 };
        struct buf got = { 0 };
        char head[128];
        struct upstream_request r = request_of(s, "GET", "/", NULL);
        start(s, &x, &r);
        int fd = accepted(s);
        hear(s, fd, &got, "\r\n\r\n");
        snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\n%s\r\n4\r\nhalf\r\n", heads[i]);
        say(fd, head);
        UNTIL(s, x.body.len);
        reset(fd);
        UNTIL(s, x.ends);
        assert_int_equal(x.end, UPSTREAM_CUT); /* without any framing, too: a reset is no end */
        seen_free(&x);
        buf_free(&got);
    }
    stage_free(s);
}

/* ---- bodies on their way ---- */

enum { MUCH = 100 << 20 };
static char pattern_at(size_t i)
{
    return (char)('a' + i % 23);
}
static void test_a_paused_call_is_not_read(void **state)
{
    (void)state;
    struct stage *s = stage_new();
    struct seen x = { 0 };
    struct buf got = { 0 };
    char head[128], piece[23 * 2048];
    for (size_t i = 0; i < sizeof piece; i++)
        piece[i] = pattern_at(i);
    struct upstream_request r = request_of(s, "GET", "/", NULL);
    start(s, &x, &r);
    int fd = accepted(s);
    hear(s, fd, &got, "\r\n\r\n");
    snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n", MUCH);
    say(fd, head);
    size_t sent = 0, taken = 0, checked = 0, most_paused = 0;
    bool is_paused = false;
    unsigned pauses = 0;
    while (!x.ends) {
        size_t at = sent % sizeof piece, n = sizeof piece - at < MUCH - sent ? sizeof piece - at : MUCH - sent;
        ssize_t k = n ? send(fd, piece + at, n, MSG_NOSIGNAL) : 0;
        sent += k > 0 ? (size_t)k : 0;
        turn(s);
        for (size_t i = 0; i < x.body.len; i++, checked++)
            if (x.body.bytes[i] != pattern_at(checked))
                fail_msg("byte %zu", checked);
        taken += x.body.len;
        if (is_paused)
            most_paused += x.body.len;
        buf_clear(&x.body);
        if (!is_paused && x.u && taken / (8 << 20) > pauses) { /* each 8 MB: a rest, until the upstream is stuck */
            is_paused = true;
            pauses++;
            upstream_pause(x.u, true);
        } else if (is_paused && (k < 0 || sent == MUCH)) {
            size_t before = taken;
            settle(s);
            assert_int_equal(x.body.len, 0);
            assert_int_equal(taken, before);
            is_paused = false;
            upstream_pause(x.u, false);
        }
    }
    assert_int_equal(x.end, UPSTREAM_WHOLE);
    assert_int_equal(taken, MUCH);
    assert_int_equal(most_paused, 0);
    assert_true(pauses > 5);
    close(fd);
    seen_free(&x);
    buf_free(&got);
    stage_free(s);
}

static void test_a_body_that_streams(void **state)
{
    (void)state;
    for (int chunked = 0; chunked < 2; chunked++) {
        struct stage *s = stage_new();
        struct seen x = { 0 };
        struct buf got = { 0 };
        struct http_chunks chunks = { 0 };
        enum { LONG = 20 << 20, PIECE = 23 * 3000 };
        char *piece = malloc(PIECE), *in = malloc(65536);
        assert_true(piece && in);
        for (size_t i = 0; i < PIECE; i++)
            piece[i] = pattern_at(i);
        struct upstream_request r = request_of(s, "POST", "/", NULL);
        r.has_body = r.streams_body = true;
        r.is_length_known = !chunked;
        r.length = LONG;
        start(s, &x, &r);
        size_t written = 0, heard = 0;
        /* before there is a connection: as much as there is room for */
        written = upstream_write(x.u, (struct span){ piece, PIECE });
        assert_int_equal(written, UPSTREAM_WRITE_ROOM);
        assert_int_equal(upstream_write(x.u, (struct span){ piece + written, PIECE - written }), 0);
        assert_int_equal(x.writables, 0);
        int fd = accepted(s), waits = 1, done = 0;
        uint64_t give_up = patience();
        bool has_head = false;
        while (!done) {
            if (x.writables) {
                waits = x.writables = 0;
                while (written < LONG && !waits) {
                    size_t at = written % PIECE, n = PIECE - at < LONG - written ? PIECE - at : LONG - written;
                    size_t took = upstream_write(x.u, (struct span){ piece + at, n });
                    written += took;
                    waits = took < n;
                }
                if (written == LONG && !waits)
                    upstream_write_end(x.u);
            }
            ssize_t n = recv(fd, in, 65536, 0);
            turn(s);
            if (coarse_ms() > give_up)
                fail_msg("stands at %zu written, %zu heard", written, heard);
            if (n <= 0)
                continue;
            struct span part = { in, (size_t)n };
            if (!has_head) {
                const char *blank = span_find(part, SPAN("\r\n\r\n"));
                assert_non_null(blank);
                has_head = true;
                assert_int_equal(span_find(part, chunked ? SPAN("transfer-encoding: chunked\r\n") : SPAN("content-length: 20971520\r\n")) != NULL, 1);
                part = span_cut(part, (size_t)(blank + 4 - part.at), part.len);
            }
            while (part.len) {
                struct span data = part;
                struct http_problem problem;
                if (chunked) {
                    enum http_read got_chunk = http_chunks_read(&chunks, &part, &data, &problem);
                    assert_true(got_chunk != HTTP_BAD);
                    done = got_chunk == HTTP_DONE;
                    if (done)
                        assert_int_equal(part.len, 0);
                } else {
                    part.len = 0;
                }
                for (size_t i = 0; i < data.len; i++, heard++)
                    if (data.at[i] != pattern_at(heard % PIECE))
                        fail_msg("byte %zu", heard);
            }
            done |= !chunked && heard == LONG;
        }
        assert_int_equal(heard, LONG);
        say(fd, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
        UNTIL(s, x.ends);
        assert_int_equal(x.end, UPSTREAM_WHOLE);
        close(fd);
        free(piece);
        free(in);
        seen_free(&x);
        buf_free(&got);
        stage_free(s);
    }
}

/* The answer comes while the body is on its way, and the upstream will hear no more of it. */
static void test_an_early_answer(void **state)
{
    (void)state;
    for (int streams = 0; streams < 2; streams++)
        for (int how = 0; how < 3; how++) { /* the upstream stays, closes, resets (it closes with bytes unread) */
            struct stage *s = stage_new();
            struct seen x = { 0 }, y = { 0 };
            enum { LONG = 32 << 20 };
            char *body = malloc(LONG + 1), byte;
            assert_non_null(body);
            memset(body, 'x', LONG);
            body[LONG] = 0;
            struct upstream_request r = request_of(s, "POST", "/", streams ? NULL : body);
            if (streams) {
                r.has_body = r.streams_body = r.is_length_known = true;
                r.length = LONG;
            }
            start(s, &x, &r);
            int fd = accepted(s);
            size_t written = 0;
            for (int i = 0; i < 200; i++) {
                if (streams && x.u)
                    written += upstream_write(x.u, (struct span){ body, LONG - written < 65536 ? LONG - written : 65536 });
                turn(s);
            }
            assert_true(written < LONG); /* it is stuck */
            say(fd, "HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\n\r\nbig");
            if (how)
                close(fd);
            UNTIL(s, x.ends);
            if (x.end != UPSTREAM_WHOLE || x.status != 413 || !span_is(buf_span(&x.body), "big"))
                fail_msg("streams %d how %d: end %d status %d why %s", streams, how, x.end, x.status, x.why);
            /* never again on that link */
            r = request_of(s, "GET", "/", NULL);
            start(s, &y, &r);
            int other = accepted(s);
            if (!how) {
                UNTIL(s, recv(fd, body, LONG, 0) == 0 || errno == ECONNRESET);
                close(fd);
            }
            say(other, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
            UNTIL(s, y.ends);
            assert_int_equal(y.end, UPSTREAM_WHOLE);
            (void)byte;
            close(other);
            free(body);
            seen_free(&x);
            seen_free(&y);
            stage_free(s);
        }
}

/* ---- limits, cancels ---- */

static void test_limits_by_the_clock(void **state)
{
    (void)state;
    struct stage *s = stage_new();
    struct seen x = { 0 };
    struct buf got = { 0 };
    s->route.limits = (struct limits){ .connect_ms = 1000, .first_byte_ms = 7000, .between_bytes_ms = 3000 };
    struct upstream_request r = request_of(s, "GET", "/", NULL);
    start(s, &x, &r);
    int fd = accepted(s);
    hear(s, fd, &got, "\r\n\r\n");
    upstream_tick(s->pool, coarse_ms() + 6900);
    assert_int_equal(x.ends, 0);
    upstream_tick(s->pool, coarse_ms() + 7100);
    assert_int_equal(x.ends, 1);
    assert_int_equal(x.end, UPSTREAM_TIMEOUT);
    seen_free(&x);
    close(fd);
    /* silence in the body; while paused it is ours */
    start(s, &x, &r);
    fd = accepted(s);
    hear(s, fd, &got, "\r\n\r\n");
    say(fd, "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx");
    UNTIL(s, x.body.len);
    upstream_pause(x.u, true);
    upstream_tick(s->pool, coarse_ms() + 60000);
    assert_int_equal(x.ends, 0);
    upstream_pause(x.u, false);
    upstream_tick(s->pool, coarse_ms() + 2900);
    assert_int_equal(x.ends, 0);
    upstream_tick(s->pool, coarse_ms() + 3100);
    assert_int_equal(x.end, UPSTREAM_TIMEOUT);
    seen_free(&x);
    close(fd);
    /* a streaming body that waits for the client has no limit; one that waits for the upstream has */
    r = request_of(s, "POST", "/", NULL);
    r.has_body = r.streams_body = r.is_length_known = true;
    r.length = 10;
    start(s, &x, &r);
    fd = accepted(s);
    upstream_write(x.u, SPAN("hello"));
    hear(s, fd, &got, "hello");
    upstream_tick(s->pool, coarse_ms() + 600000);
    assert_int_equal(x.ends, 0);
    upstream_write(x.u, SPAN("world"));
    upstream_write_end(x.u);
    upstream_tick(s->pool, coarse_ms() + 7100);
    assert_int_equal(x.end, UPSTREAM_TIMEOUT);
    seen_free(&x);
    close(fd);
    /* no connection: a listener whose queue is full answers no SYN */
    unsigned port;
    int deaf = listen_on(0, &port), fill[8];
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)port) };
    for (int i = 0; i < 8; i++) {
        fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        connect(fill[i], (struct sockaddr *)&a, sizeof a);
    }
    lead_to(s, "127.0.0.1", port);
    r = request_of(s, "GET", "/", NULL);
    start(s, &x, &r);
    settle(s);
    upstream_tick(s->pool, coarse_ms() + 900);
    assert_int_equal(x.ends, 0);
    upstream_tick(s->pool, coarse_ms() + 1100);
    assert_int_equal(x.end, UPSTREAM_CONNECT_TIMEOUT);
    seen_free(&x);
    /* … and the next address is tried beside it */
    memset(&named, 0, sizeof named);
    unsigned open_port;
    close(s->listener);
    s->listener = listen_on(64, &open_port);
    named.name = "two.test";
    named.n = 2;
    for (unsigned i = 0; i < 2; i++) {
        named.at[i].len = sizeof(struct sockaddr_in);
        named.at[i].to.v4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)(i ? open_port : port)) };
    }
    lead_to(s, "two.test", open_port);
    start(s, &x, &r);
    fd = accepted(s);
    hear(s, fd, &got, "\r\n\r\n");
    say(fd, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    UNTIL(s, x.ends);
    assert_int_equal(x.end, UPSTREAM_WHOLE);
    seen_free(&x);
    close(fd);
    for (int i = 0; i < 8; i++)
        close(fill[i]);
    close(deaf);
    buf_free(&got);
    stage_free(s);
}

static void test_names(void **state)
{
    (void)state;
    struct stage *s = stage_new();
    struct seen x = { 0 }, y = { 0 };
    struct buf got = { 0 };
    unsigned port = s->to.port, before = lookups;
    memset(&named, 0, sizeof named);
    named.name = "model.test";
    lead_to(s, "elsewhere.test", port);
    struct upstream_request r = request_of(s, "GET", "/", NULL);
    start(s, &x, &r);
    start(s, &y, &r); /* both wait for the one lookup */
    UNTIL(s, x.ends && y.ends);
    assert_int_equal(x.end, UPSTREAM_UNRESOLVED);
    assert_int_equal(y.end, UPSTREAM_UNRESOLVED);
    assert_true(x.why[0]);
    assert_int_equal(lookups, before + 1);
    seen_free(&x);
    seen_free(&y);
    /* nothing listens on ::1 (or there is no IPv6 at all): the IPv4 address serves, and is asked first the next time */
    named.n = 2;
    named.at[0].len = sizeof(struct sockaddr_in6);
    named.at[0].to.v6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT, .sin6_port = htons((uint16_t)port) };
    named.at[1].len = sizeof(struct sockaddr_in);
    named.at[1].to.v4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)port) };
    lead_to(s, "model.test", port);
    before = lookups;
    for (int i = 0; i < 3; i++) {
        start(s, &x, &r);
        int fd = accepted(s);
        hear(s, fd, &got, "\r\n\r\n");
        assert_non_null(span_find(buf_span(&got), SPAN("\r\nHost: model.test:")));
        say(fd, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        UNTIL(s, x.ends);
        assert_int_equal(x.end, UPSTREAM_WHOLE);
        seen_free(&x);
        close(fd);
    }
    assert_int_equal(lookups, before + 1); /* fresh for a while */
    /* all dead */
    lead_to(s, "127.0.0.1", port);
    close(s->listener);
    start(s, &x, &r);
    UNTIL(s, x.ends);
    assert_int_equal(x.end, UPSTREAM_UNREACHABLE);
    assert_string_equal(x.why, strerror(ECONNREFUSED));
    seen_free(&x);
    lead_to(s, "model.test", port);
    start(s, &x, &r);
    UNTIL(s, x.ends);
    assert_int_equal(x.end, UPSTREAM_UNREACHABLE);
    seen_free(&x);
    s->listener = listen_on(1, &port);
    /* cancelled while it is being looked up, and the pool freed meanwhile */
    lead_to(s, "gone.test", port);
    start(s, &x, &r);
    upstream_cancel(x.u);
    start(s, &x, &r);
    buf_free(&got);
    stage_free(s);
    assert_int_equal(x.ends, 0);
}

static void test_cancel_in_every_callback(void **state)
{
    (void)state;
    for (const char *where = "ihbw"; *where; where++) {
        struct stage *s = stage_new();
        struct seen x = { .cancel_at = *where };
        struct buf got = { 0 };
        char byte;
        struct upstream_request r = request_of(s, "POST", "/", NULL);
        r.has_body = r.streams_body = r.is_length_known = true;
        r.length = 1 << 20;
        start(s, &x, &r);
        char big[UPSTREAM_WRITE_ROOM + 1] = { 0 };
        assert_int_equal(upstream_write(x.u, (struct span){ big, sizeof big }), UPSTREAM_WRITE_ROOM);
        int fd = accepted(s);
        if (*where != 'w') {
            UNTIL(s, x.writables);
            say(fd, "HTTP/1.1 103 Hints\r\n\r\nHTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n");
        }
        UNTIL(s, !x.u);
        settle(s);
        assert_int_equal(x.ends, 0);
        assert_true(x.body.len < 2);
        while (recv(fd, big, sizeof big, 0) > 0)
            ;
        assert_true(recv(fd, &byte, 1, 0) == 0 || errno == ECONNRESET); /* closed at once */
        seen_free(&x);
        buf_free(&got);
        close(fd);
        stage_free(s);
    }
    /* from on_end on to another upstream, as an exchange does */
    struct stage *s = stage_new();
    struct upstream_url good = s->to;
    struct stage dead = *s;
    lead_to(&dead, "127.0.0.1", 1);
    struct seen y = { 0 }, x = { .cancel_at = 'e', .next_seen = &y, .next = request_of(s, "GET", "/", NULL) };
    x.next.to = &good;
    struct upstream_request r = request_of(&dead, "GET", "/", NULL);
    start(s, &x, &r);
    UNTIL(s, x.ends);
    assert_int_equal(x.end, UPSTREAM_UNREACHABLE);
    int fd = accepted(s);
    say(fd, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    UNTIL(s, y.ends);
    assert_int_equal(y.end, UPSTREAM_WHOLE);
    seen_free(&x);
    seen_free(&y);
    close(fd);
    stage_free(s);
}

/* A proxy of the environment is libcurl's to speak to; what no_proxy names goes direct. */
static void test_proxies_of_the_environment(void **state)
{
    (void)state;
    struct buf got = { 0 };
    for (int excepted = 0; excepted < 2; excepted++) {
        unsigned port;
        int proxy = listen_on(8, &port), direct;
        char url[64], expected[128];
        snprintf(url, sizeof url, "http://127.0.0.1:%u", port);
        setenv("http_proxy", url, 1);
        setenv("no_proxy", excepted ? "other.test, 127.0.0.1" : "0.0.1,27.0.0.1,127.0.0.1.test", 1);
        struct stage *s = stage_new();
        direct = s->listener;
        struct seen x = { 0 };
        struct upstream_request r = request_of(s, "GET", "/x?y", NULL);
        start(s, &x, &r);
        s->listener = excepted ? direct : proxy;
        int fd = accepted(s);
        hear(s, fd, &got, "\r\n\r\n");
        snprintf(expected, sizeof expected, excepted ? "GET /x?y HTTP/1.1\r\n" : "GET http://127.0.0.1:%u/x?y HTTP/1.1\r\n", s->to.port);
        assert_true(span_starts(buf_span(&got), expected));
        say(fd, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
        UNTIL(s, x.ends);
        assert_int_equal(x.end, UPSTREAM_WHOLE);
        assert_true(span_is(buf_span(&x.body), "ok"));
        seen_free(&x);
        close(fd);
        close(proxy);
        s->listener = direct;
        stage_free(s);
    }
    unsetenv("http_proxy");
    unsetenv("no_proxy");
    buf_free(&got);
}

int main(void)
{
    unsetenv("http_proxy");
    unsetenv("all_proxy");
    unsetenv("ALL_PROXY");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_call_as_it_stands_on_the_wire), cmocka_unit_test(test_answers_at_every_cut), cmocka_unit_test(test_a_head_without_end_is_refused),
        cmocka_unit_test(test_bytes_of_nobody_end_the_link), cmocka_unit_test(test_a_kept_link_that_ended_is_not_taken), cmocka_unit_test(test_a_kept_link_that_dies_under_a_call),
        cmocka_unit_test(test_a_link_rests_as_long_as_the_upstream_says), cmocka_unit_test(test_breaks_in_the_body), cmocka_unit_test(test_a_paused_call_is_not_read),
        cmocka_unit_test(test_a_body_that_streams), cmocka_unit_test(test_an_early_answer), cmocka_unit_test(test_limits_by_the_clock), cmocka_unit_test(test_names),
        cmocka_unit_test(test_cancel_in_every_callback), cmocka_unit_test(test_proxies_of_the_environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
