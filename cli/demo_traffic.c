/* SPDX-License-Identifier: Apache-2.0
 * The demo's traffic: paced calls through the proxy, several at once, on a thread of its own. */
#include "base/must.h"
#include "cli/demo.h"
#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { IN_FLIGHT_MOST = 32, BUSY_MS = 90000, SHIFT_AFTER = 340 /* questions: past the baseline */, SCORES_SHIFT_AFTER = 340 };

struct call {
    CURL *easy;
    struct buf body;
    struct curl_slist *headers;
};
struct demo_traffic {
    pthread_t thread;
    _Atomic bool stops;
    unsigned port, per_second;
    CURLM *multi;
    uint64_t questions, scores, random;
    unsigned in_flight;
};

static uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}
static uint64_t next(struct demo_traffic *t) /* xorshift64* */
{
    t->random ^= t->random >> 12;
    t->random ^= t->random << 25;
    t->random ^= t->random >> 27;
    return t->random * 2685821657736338717ull;
}
static double uniform(struct demo_traffic *t)
{
    return (double)(next(t) >> 11) / 9007199254740992.0;
}
static double around(struct demo_traffic *t, double mean, double spread) /* near enough to normal: Irwin-Hall */
{
    double sum = -6;
    for (int i = 0; i < 12; i++)
        sum += uniform(t);
    return mean + sum * spread;
}
static size_t drop(char *bytes, size_t size, size_t n, void *context)
{
    (void)bytes, (void)context;
    return size * n;
}
static void start(struct demo_traffic *t, const char *path, struct buf *body, const char *caller)
{
    struct call *c = calloc(1, sizeof *c);
    char url[256], header[128];
    must(c != NULL);
    c->body = *body;
    c->easy = curl_easy_init();
    must(c->easy != NULL);
    snprintf(url, sizeof url, "http://127.0.0.1:%u%s", t->port, path);
    snprintf(header, sizeof header, "x-vigie-caller: %s", caller);
    c->headers = curl_slist_append(NULL, "content-type: application/json");
    c->headers = curl_slist_append(c->headers, header);
    curl_easy_setopt(c->easy, CURLOPT_URL, url);
    curl_easy_setopt(c->easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(c->easy, CURLOPT_POSTFIELDSIZE, (long)c->body.len);
    curl_easy_setopt(c->easy, CURLOPT_POSTFIELDS, c->body.bytes);
    curl_easy_setopt(c->easy, CURLOPT_HTTPHEADER, c->headers);
    curl_easy_setopt(c->easy, CURLOPT_WRITEFUNCTION, drop);
    curl_easy_setopt(c->easy, CURLOPT_TIMEOUT_MS, 20000L);
    curl_easy_setopt(c->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c->easy, CURLOPT_PRIVATE, (char *)c);
    curl_multi_add_handle(t->multi, c->easy);
    t->in_flight++;
}
static void end(struct demo_traffic *t, struct call *c)
{
    curl_multi_remove_handle(t->multi, c->easy);
    curl_easy_cleanup(c->easy);
    curl_slist_free_all(c->headers);
    buf_free(&c->body);
    free(c);
    t->in_flight--;
}

/* One in a while something that should be seen: most traffic is ordinary, or nothing would be worth a look. */
static enum demo_kind kind_of(struct demo_traffic *t)
{
    static const enum demo_kind special[] = { DEMO_REFUSAL, DEMO_OUT_OF_SCOPE, DEMO_FIGURE, DEMO_KEY, DEMO_INJECTION, DEMO_PROMISE, DEMO_PII };
    if (t->questions % 9 == 4)
        return special[t->questions / 9 % (sizeof special / sizeof *special)];
    return t->questions > SHIFT_AFTER && uniform(t) < 0.6 ? DEMO_SHIFTED : DEMO_ORDINARY;
}
static void ask(struct demo_traffic *t)
{
    struct buf question = { .cap = 0 }, tool = { .cap = 0 }, b = { .cap = 0 };
    bool is_anthropic = t->questions % 3 == 2, streams = t->questions % 2;
    demo_question(kind_of(t), next(t), &question, &tool);
    t->questions++;
    if (tool.len)
        is_anthropic = false;
    buf_printf(&b, "{\"model\":\"demo-1\",%s%s\"messages\":[", is_anthropic ? "\"max_tokens\":300," : "", streams ? "\"stream\":true," : "");
    if (!is_anthropic)
        buf_add_text(&b, "{\"role\":\"system\",\"content\":\"You are the assistant of a bank. Answer questions about cards, accounts and transfers.\"},");
    buf_add_text(&b, "{\"role\":\"user\",\"content\":\"");
    buf_add_json(&b, buf_span(&question));
    buf_add_text(&b, "\"}");
    if (tool.len) {
        buf_add_text(&b, ",{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"call_1\",\"type\":\"function\",\"function\":{\"name\":\"price_list\",\"arguments\":\"{}\"}}]},"
                         "{\"role\":\"tool\",\"tool_call_id\":\"call_1\",\"content\":\"");
        buf_add_json(&b, buf_span(&tool));
        buf_add_text(&b, "\"}");
    }
    buf_add_text(&b, "]}");
    buf_free(&question);
    buf_free(&tool);
    start(t, is_anthropic ? "/anthropic/v1/messages" : "/openai/v1/chat/completions", &b, is_anthropic ? "branch-app" : "web-chat");
}
static void apply_for_credit(struct demo_traffic *t)
{
    struct buf b = { .cap = 0 };
    bool has_moved = t->scores++ > SCORES_SHIFT_AFTER; /* a new channel brings younger customers with lower, partly monthly incomes */
    double income = around(t, has_moved ? 26500 : 34000, 6500), debt = around(t, has_moved ? 0.41 : 0.32, 0.08), age = around(t, has_moved ? 33 : 43, 9), months = around(t, has_moved ? 38 : 70, 20);
    if (has_moved && uniform(t) < 0.1)
        income /= 12;
    buf_printf(&b, "{\"inputs\":[{\"name\":\"income\",\"datatype\":\"FP64\",\"shape\":[1],\"data\":[%.2f]},{\"name\":\"debt_ratio\",\"datatype\":\"FP64\",\"shape\":[1],\"data\":[%.4f]},"
                   "{\"name\":\"age\",\"datatype\":\"FP64\",\"shape\":[1],\"data\":[%.0f]},{\"name\":\"months_employed\",\"datatype\":\"FP64\",\"shape\":[1],\"data\":[%.0f]}]}",
               income < 0 ? 0 : income, debt < 0 ? 0 : debt, age < 18 ? 18 : age, months < 0 ? 0 : months);
    start(t, "/scoring/v2/models/credit/infer", &b, "loan-desk");
}

static void *run(void *context)
{
    struct demo_traffic *t = context;
    uint64_t began = now_ms(), sent = 0;
    t->multi = curl_multi_init();
    must(t->multi != NULL);
    while (!atomic_load(&t->stops)) {
        uint64_t at = now_ms() - began;
        uint64_t due = at < BUSY_MS ? at * t->per_second / 1000 : (uint64_t)BUSY_MS * t->per_second / 1000 + (at - BUSY_MS) * t->per_second / 10000;
        if (due > sent + IN_FLIGHT_MOST)
            sent = due - IN_FLIGHT_MOST; /* the machine was busy: no burst afterwards */
        for (; sent < due && t->in_flight < IN_FLIGHT_MOST; sent++)
            if (sent % 5 < 3)
                ask(t);
            else
                apply_for_credit(t);
        int n;
        curl_multi_perform(t->multi, &n);
        CURLMsg *m;
        while ((m = curl_multi_info_read(t->multi, &n))) {
            struct call *c = NULL;
            curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&c);
            if (m->msg == CURLMSG_DONE && c)
                end(t, c);
        }
        curl_multi_poll(t->multi, NULL, 0, 20, NULL);
    }
    curl_multi_cleanup(t->multi);
    return NULL;
}
struct demo_traffic *demo_traffic_start(unsigned port, unsigned per_second)
{
    struct demo_traffic *t = calloc(1, sizeof *t);
    must(t != NULL);
    t->port = port;
    t->per_second = per_second;
    t->random = 0x2545f4914f6cdd1dull;
    must(pthread_create(&t->thread, NULL, run, t) == 0);
    return t;
}
void demo_traffic_stop(struct demo_traffic *t)
{
    if (!t)
        return;
    atomic_store(&t->stops, true);
    pthread_join(t->thread, NULL);
    free(t);
}
