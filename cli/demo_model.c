/* SPDX-License-Identifier: Apache-2.0
 * The demo's model server, on libevent's evhttp: whole answers, and streams word by word. */
#include "base/arena.h"
#include "base/json.h"
#include "base/must.h"
#include "cli/demo.h"
#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>

enum { WORD_MS = 12, BODY_MOST = 1 << 20 };
struct demo_model {
    struct event_base *base;
    struct evhttp *http;
    struct event *poll;
    pthread_t thread;
    unsigned port;
    uint64_t calls;
    _Atomic bool stops;
};
enum dialect { OPENAI, ANTHROPIC };
struct stream {                       /* one answer on its way, a word a tick */
    struct evhttp_request *request;
    struct event *tick;
    struct buf answer;
    size_t at;
    enum dialect dialect;
    unsigned tokens;
    uint64_t number;
    bool is_gone;
};

static void reply(struct evhttp_request *r, int status, struct buf *body)
{
    struct evbuffer *b = evbuffer_new();
    must(b != NULL);
    evhttp_add_header(evhttp_request_get_output_headers(r), "Content-Type", "application/json");
    evbuffer_add(b, body->bytes, body->len);
    evhttp_send_reply(r, status, NULL, b);
    evbuffer_free(b);
    buf_free(body);
}
static void chunk(struct stream *s, struct buf *text)
{
    struct evbuffer *b = evbuffer_new();
    must(b != NULL);
    evbuffer_add(b, text->bytes, text->len);
    evhttp_send_reply_chunk(s->request, b);
    evbuffer_free(b);
    buf_free(text);
}
static unsigned words_in(struct span s)
{
    unsigned n = 0;
    for (size_t i = 0; i < s.len; i++)
        n += s.at[i] == ' ';
    return n + 1;
}

static void say(struct stream *s, struct span word, bool is_last)
{
    struct buf b = { .cap = 0 };
    if (s->dialect == OPENAI) {
        buf_printf(&b, "data: {\"id\":\"chatcmpl-%llu\",\"object\":\"chat.completion.chunk\",\"created\":1795500000,\"model\":\"demo-1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"",
                   (unsigned long long)s->number);
        buf_add_json(&b, word);
        buf_add_text(&b, "\"},\"finish_reason\":null}]}\n\n");
        if (is_last)
            buf_printf(&b, "data: {\"id\":\"chatcmpl-%llu\",\"object\":\"chat.completion.chunk\",\"created\":1795500000,\"model\":\"demo-1\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}],"
                           "\"usage\":{\"prompt_tokens\":24,\"completion_tokens\":%u,\"total_tokens\":%u}}\n\ndata: [DONE]\n\n", (unsigned long long)s->number, s->tokens, 24 + s->tokens);
    } else {
        buf_add_text(&b, "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"");
        buf_add_json(&b, word);
        buf_add_text(&b, "\"}}\n\n");
        if (is_last)
            buf_printf(&b, "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\nevent: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},"
                           "\"usage\":{\"output_tokens\":%u}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n", s->tokens);
    }
    chunk(s, &b);
}
static void stream_free(struct stream *s)
{
    event_free(s->tick);
    buf_free(&s->answer);
    free(s);
}
static void on_gone(struct evhttp_connection *c, void *context)
{
    (void)c;
    ((struct stream *)context)->is_gone = true;
}
static void on_tick(evutil_socket_t fd, short what, void *context)
{
    struct stream *s = context;
    (void)fd, (void)what;
    if (s->is_gone) {
        stream_free(s);
        return;
    }
    size_t end = s->at;
    while (end < s->answer.len && s->answer.bytes[end] != ' ')
        end++;
    while (end < s->answer.len && s->answer.bytes[end] == ' ')
        end++;
    bool is_last = end == s->answer.len;
    s->tokens++;
    say(s, span_cut(buf_span(&s->answer), s->at, end), is_last);
    s->at = end;
    if (is_last) {
        evhttp_connection_set_closecb(evhttp_request_get_connection(s->request), NULL, NULL);
        evhttp_send_reply_end(s->request);
        stream_free(s);
        return;
    }
    struct timeval wait = { 0, WORD_MS * 1000 };
    evtimer_add(s->tick, &wait);
}
static void stream(struct demo_model *m, struct evhttp_request *r, enum dialect dialect, struct buf *answer)
{
    struct stream *s = calloc(1, sizeof *s);
    must(s != NULL);
    *s = (struct stream){ .request = r, .answer = *answer, .dialect = dialect, .number = m->calls };
    s->tick = evtimer_new(m->base, on_tick, s);
    evhttp_add_header(evhttp_request_get_output_headers(r), "Content-Type", "text/event-stream; charset=utf-8");
    evhttp_connection_set_closecb(evhttp_request_get_connection(r), on_gone, s);
    evhttp_send_reply_start(r, 200, "OK");
    struct buf b = { .cap = 0 };
    if (dialect == OPENAI)
        buf_printf(&b, "data: {\"id\":\"chatcmpl-%llu\",\"object\":\"chat.completion.chunk\",\"created\":1795500000,\"model\":\"demo-1\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\n\n",
                   (unsigned long long)m->calls);
    else
        buf_printf(&b, "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_%llu\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"demo-1\",\"content\":[],\"stop_reason\":null,"
                       "\"usage\":{\"input_tokens\":24,\"output_tokens\":1}}}\n\nevent: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
                   (unsigned long long)m->calls);
    chunk(s, &b);
    struct timeval wait = { 0, WORD_MS * 1000 };
    evtimer_add(s->tick, &wait);
}

/* The last text of a user in `messages`. */
static struct span question_of(struct jv root, struct arena *a)
{
    struct span question = { "", 0 };
    struct jv_walk w = jv_walk(jv_get(root, "messages"));
    while (jv_next(&w)) {
        if (!jv_text_is(jv_get(w.value, "role"), "user"))
            continue;
        struct jv content = jv_get(w.value, "content");
        if (jv_type(content) == JSON_STRING)
            question = jv_text(content, a);
        struct jv_walk parts = jv_walk(content);
        while (jv_next(&parts))
            if (jv_type(jv_get(parts.value, "text")) == JSON_STRING)
                question = jv_text(jv_get(parts.value, "text"), a);
    }
    return question;
}
static void chat(struct demo_model *m, struct evhttp_request *r, enum dialect dialect, struct jv root, struct arena *a)
{
    struct buf answer = { .cap = 0 }, b = { .cap = 0 };
    demo_answer(question_of(root, a), m->calls, &answer);
    if (jv_true(jv_get(root, "stream"))) {
        stream(m, r, dialect, &answer);
        return;
    }
    unsigned n = words_in(buf_span(&answer));
    buf_printf(&b, dialect == OPENAI ? "{\"id\":\"chatcmpl-%llu\",\"object\":\"chat.completion\",\"created\":1795500000,\"model\":\"demo-1\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\""
                                     : "{\"id\":\"msg_%llu\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"demo-1\",\"content\":[{\"type\":\"text\",\"text\":\"", (unsigned long long)m->calls);
    buf_add_json(&b, buf_span(&answer));
    if (dialect == OPENAI)
        buf_printf(&b, "\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":24,\"completion_tokens\":%u,\"total_tokens\":%u}}", n, n + 24);
    else
        buf_printf(&b, "\"}],\"stop_reason\":\"end_turn\",\"usage\":{\"input_tokens\":24,\"output_tokens\":%u}}", n);
    buf_free(&answer);
    reply(r, 200, &b);
}
static void score(struct evhttp_request *r, struct jv root, struct arena *a)
{
    double v[4] = { 30000, 0.3, 40, 60 };
    static const char *const names[] = { "income", "debt_ratio", "age", "months_employed" };
    struct jv_walk w = jv_walk(jv_get(root, "inputs"));
    struct buf b = { .cap = 0 };
    while (jv_next(&w)) {
        struct span name = jv_text(jv_get(w.value, "name"), a);
        for (int i = 0; i < 4; i++)
            if (span_is(name, names[i]))
                jv_number(jv_path(w.value, "data.0"), &v[i]);
    }
    double p = demo_score(v[0], v[1], v[2], v[3]);
    buf_printf(&b, "{\"model_name\":\"credit\",\"model_version\":\"3\",\"outputs\":[{\"name\":\"probability\",\"datatype\":\"FP64\",\"shape\":[1],\"data\":[%.6f]},"
                   "{\"name\":\"granted\",\"datatype\":\"BOOL\",\"shape\":[1],\"data\":[%s]}]}", p, p >= 0.5 ? "true" : "false");
    reply(r, 200, &b);
}
static void on_request(struct evhttp_request *r, void *context)
{
    struct demo_model *m = context;
    struct arena *a = arena_new(8 << 20);
    struct evbuffer *in = evhttp_request_get_input_buffer(r);
    size_t n = evbuffer_get_length(in);
    struct span body = { (const char *)evbuffer_pullup(in, -1), n }, path = span_of(evhttp_request_get_uri(r));
    struct json doc;
    struct buf b = { .cap = 0 };
    m->calls++;
    if (span_starts(path, "/v1/models") || span_starts(path, "/v2/health")) {
        buf_add_text(&b, "{\"object\":\"list\",\"data\":[{\"id\":\"demo-1\",\"object\":\"model\",\"created\":1795500000,\"owned_by\":\"vigie\"}]}");
        reply(r, 200, &b);
    } else if (!body.at || !json_read(&doc, a, body)) {
        buf_add_text(&b, "{\"error\":{\"message\":\"the demo model wants JSON\",\"type\":\"invalid_request_error\"}}");
        reply(r, 400, &b);
    } else if (span_starts(path, "/v1/chat/completions")) {
        chat(m, r, OPENAI, json_root(&doc), a);
    } else if (span_starts(path, "/v1/messages")) {
        chat(m, r, ANTHROPIC, json_root(&doc), a);
    } else if (span_starts(path, "/v2/models/")) {
        score(r, json_root(&doc), a);
    } else {
        buf_add_text(&b, "{\"error\":{\"message\":\"the demo model has no such path\",\"type\":\"invalid_request_error\"}}");
        reply(r, 404, &b);
    }
    arena_free(a);
}
static void on_poll(evutil_socket_t fd, short what, void *context)
{
    struct demo_model *m = context;
    (void)fd, (void)what;
    if (atomic_load(&m->stops))
        event_base_loopbreak(m->base);
}
static void *run(void *context)
{
    struct demo_model *m = context;
    event_base_dispatch(m->base);
    return NULL;
}
struct demo_model *demo_model_start(void)
{
    struct demo_model *m = calloc(1, sizeof *m);
    must(m != NULL);
    m->base = event_base_new();
    m->http = evhttp_new(m->base);
    must(m->base && m->http);
    struct evhttp_bound_socket *socket = evhttp_bind_socket_with_handle(m->http, "127.0.0.1", 0);
    struct sockaddr_in address;
    socklen_t n = sizeof address;
    if (!socket || getsockname(evhttp_bound_socket_get_fd(socket), (struct sockaddr *)&address, &n) != 0) {
        evhttp_free(m->http);
        event_base_free(m->base);
        free(m);
        return NULL;
    }
    m->port = ntohs(address.sin_port);
    evhttp_set_max_body_size(m->http, BODY_MOST);
    evhttp_set_gencb(m->http, on_request, m);
    m->poll = event_new(m->base, -1, EV_PERSIST, on_poll, m);
    struct timeval every = { 0, 100000 };
    event_add(m->poll, &every);
    must(pthread_create(&m->thread, NULL, run, m) == 0);
    return m;
}
unsigned demo_model_port(const struct demo_model *m)
{
    return m->port;
}
void demo_model_stop(struct demo_model *m)
{
    if (!m)
        return;
    atomic_store(&m->stops, true);
    pthread_join(m->thread, NULL);
    event_free(m->poll);
    evhttp_free(m->http);
    event_base_free(m->base);
    free(m);
}
