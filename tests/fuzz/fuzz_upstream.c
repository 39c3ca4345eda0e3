/* SPDX-License-Identifier: Apache-2.0
 * Any bytes as what an upstream says on one connection, through the real client and a real socket: byte 0 says how it is cut, the method and
 * whether a callback pauses; what is told must be the same whole and cut, and on_end comes exactly once. */
#include "base/buf.h"
#include "proxy/upstream.h"
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
    if (!ok)
        abort();
}
struct told {
    struct upstream_call *u;
    bool pauses, is_paused;
    int status, interims, ends;
    enum upstream_end end;
    struct buf body, trailers;
};
static void on_interim(void *context, const struct http_head *h)
{
    struct told *t = context;
    check(h->status >= 102 && h->status < 200 && !t->status && !t->ends);
    t->interims++;
}
static void on_head(void *context, const struct http_head *h)
{
    struct told *t = context;
    check(h->status >= 200 && !t->status && !t->ends);
    t->status = h->status;
}
static void on_body(void *context, struct span data)
{
    struct told *t = context;
    check(t->status && data.len && !t->ends);
    buf_add(&t->body, data);
    if (t->pauses && !t->is_paused) {
        t->is_paused = true;
        upstream_pause(t->u, true);
    }
}
static void on_end(void *context, enum upstream_end end, struct span trailers, const char *why)
{
    struct told *t = context;
    check(!t->ends++ && why && (end == UPSTREAM_WHOLE || end == UPSTREAM_CUT || end == UPSTREAM_BAD_ANSWER));
    check(end != UPSTREAM_WHOLE || t->status);
    t->end = end;
    if (end == UPSTREAM_WHOLE)
        buf_add(&t->trailers, trailers);
}
static void on_writable(void *context) { (void)context; }
static void after_turn(void *context) { (void)context; }
static const struct upstream_callbacks callbacks = { on_interim, on_head, on_body, on_end, on_writable };

static struct event_base *base;
static struct upstream_pool *pool;
static int listener;
static struct upstream_url to = { .url = { "http://127.0.0.1", 16 }, .scheme = { "http", 4 }, .host = { "127.0.0.1", 9 }, .weight = 1 };
static struct route route;

static void begin(void)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t n = sizeof a;
    unsetenv("http_proxy");
    unsetenv("all_proxy");
    unsetenv("ALL_PROXY");
    base = event_base_new();
    pool = upstream_pool_new(base, after_turn, NULL);
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(bind(listener, (struct sockaddr *)&a, sizeof a) == 0 && listen(listener, 8) == 0 && getsockname(listener, (struct sockaddr *)&a, &n) == 0);
    to.port = ntohs(a.sin_port);
}
static void turn(struct told *t)
{
    event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
    if (t->is_paused && !t->ends) {
        t->is_paused = false;
        upstream_pause(t->u, false);
    }
}
static void run(struct told *t, struct span all, size_t step, bool is_head, bool pauses)
{
    struct upstream_request r = { .route = &route, .to = &to, .method = is_head ? SPAN("HEAD") : SPAN("POST"), .target = SPAN("/") };
    char request[4096];
    *t = (struct told){ .pauses = pauses };
    t->u = upstream_start(pool, &r, &callbacks, t);
    check(t->u && !t->ends);
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    check(fd >= 0);
    while (recv(fd, request, sizeof request, MSG_DONTWAIT) <= 0 && !t->ends)
        turn(t);
    while (all.len && !t->ends) {
        size_t n = all.len < step ? all.len : step;
        ssize_t sent = send(fd, all.at, n, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0)
            all = span_cut(all, (size_t)sent, all.len);
        turn(t);
    }
    shutdown(fd, SHUT_WR);
    while (!t->ends)
        turn(t);
    /* Closed by now, or kept; if kept, its end is seen before the next call begins. */
    close(fd);
    for (int i = 0; i < 3; i++)
        turn(t);
}
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!base)
        begin();
    if (!size || size > 4096)
        return 0;
    struct span all = { (const char *)data + 1, size - 1 };
    struct told whole, cut;
    bool is_head = (data[0] & 16) != 0, pauses = (data[0] & 32) != 0;
    run(&whole, all, all.len + 1, is_head, false);
    run(&cut, all, 1 + (data[0] & 15), is_head, pauses);
    check(whole.end == cut.end && whole.status == cut.status && whole.interims == cut.interims);
    check(span_same(buf_span(&whole.body), buf_span(&cut.body)) && span_same(buf_span(&whole.trailers), buf_span(&cut.trailers)));
    buf_free(&whole.body);
    buf_free(&whole.trailers);
    buf_free(&cut.body);
    buf_free(&cut.trailers);
    return 0;
}
