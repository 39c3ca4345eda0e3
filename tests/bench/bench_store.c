/* SPDX-License-Identifier: Apache-2.0
 * What a record costs: CPU µs to seal it (worker), to write it (writer), to index it (indexer), and records a second with W clients that each keep up to 32 in flight.
 * usage: bench_store [RECORDS [WORKERS [DIR]]]. A record is a chat exchange of about 4 KB of words, different in each. */
#include "base/must.h"
#include "store/inside.h"
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

static uint64_t records = 20000;
static unsigned workers = 2;
static char dir[PATH_MAX] = "/tmp/vigie-bench-XXXXXX";

static struct span words(struct arena *a, unsigned *seed, size_t n)
{
    static const char *const some[] = { "the", "rate", "of", "account", "interest", "please", "tell", "me", "how", "a", "transfer", "works", "when", "card", "is", "lost", "and", "support",
                                        "cannot", "answer", "because", "market", "closed", "yesterday", "customer", "identity", "must", "confirm", "before", "any", "payment", "leaves" };
    char *out = arena_alloc(a, n + 32);
    size_t len = 0;
    while (len < n)
        len += (size_t)snprintf(out + len, 24, "%s%s ", some[rand_r(seed) % 32], rand_r(seed) % 9 ? "" : "-x");
    return (struct span){ out, len };
}
static void fill(struct record *r, struct arena *a, unsigned *seed)
{
    memset(r, 0, sizeof *r);
    r->at_us = clock_us(CLOCK_REALTIME);
    record_id_new(r->id, r->at_us);
    r->route = rand_r(seed) % 2 ? SPAN("openai") : SPAN("anthropic");
    r->api = SPAN("openai-chat");
    r->model = r->answer_model = SPAN("gpt-4o-mini-2024-07-18");
    r->caller = arena_printf(a, "key:%08x", rand_r(seed) % 50);
    r->method = SPAN("POST");
    r->path = SPAN("/openai/v1/chat/completions");
    r->upstream = SPAN("api.example.com:443");
    r->status = r->upstream_status = 200;
    bool flagged = rand_r(seed) % 20 == 0;
    r->verdict = flagged ? SPAN("flag") : SPAN("allow");
    r->rule = flagged ? SPAN("no-promises") : (struct span){ NULL, 0 };
    r->findings = flagged ? SPAN("[{\"rule\":\"no-promises\",\"on\":\"answer\",\"start\":3,\"end\":20,\"score\":1,\"text\":\"guaranteed return\",\"message\":\"Promises are not allowed.\"}]") : SPAN("[]");
    r->rules = flagged ? SPAN("[{\"id\":\"no-promises\",\"version\":1,\"action\":\"flag\",\"severity\":\"high\",\"message\":\"Promises are not allowed.\"}]") : SPAN("[]");
    r->scores = SPAN("{\"refusal\":0.02,\"grounding\":0.1,\"pattern\":0,\"injection\":0.01,\"secrets\":0,\"pii\":0}");
    r->ruleset = SPAN("3f786850e387550fdab836ed7e6dc881de23001b3f786850e387550fdab836ed");
    r->usage_origin = SPAN("reported");
    r->input_tokens = 300, r->output_tokens = 250, r->first_byte_us = 240000, r->total_us = 900000;
    r->request_type = r->answer_type = SPAN("application/json");
    r->request = words(a, seed, 2200);
    r->answer = words(a, seed, 1700);
    r->request_bytes = r->request.len, r->answer_bytes = r->answer.len;
    r->question = span_cut(r->request, 200, 480);
    r->answer_start = span_cut(r->answer, 0, 280);
}

static void wake(void *context)
{
    uint64_t one = 1;
    must(write(*(int *)context, &one, 8) == 8);
}
static void *work(void *store)
{
    static atomic_uint number;
    unsigned seed = atomic_fetch_add(&number, 1) + 1;
    int event = eventfd(0, EFD_NONBLOCK);
    struct store_client *c = store_client_new(store, wake, &event);
    struct arena *a = arena_new(1 << 20);
    struct store_done d[64];
    size_t out = 0;
    for (uint64_t i = 0; i < records / workers || out;) {
        while (i < records / workers && out < 32) {
            struct record r;
            arena_reset(a);
            fill(&r, a, &seed);
            struct sealed *s = record_seal(&r);
            if (!store_submit(c, s, STORE_DURABLE, NULL)) {
                sealed_free(s);
                break;
            }
            i++, out++;
        }
        struct pollfd p = { .fd = event, .events = POLLIN };
        uint64_t v;
        if (poll(&p, 1, 100) == 1)
            must(read(event, &v, 8) == 8);
        out -= store_client_take(c, d, 64);
    }
    store_client_free(c);
    close(event);
    arena_free(a);
    return NULL;
}
static double cpu_of(pthread_t t)
{
    clockid_t id;
    return pthread_getcpuclockid(t, &id) == 0 ? (double)clock_us(id) : 0;
}

int main(int argc, char **argv)
{
    records = argc > 1 ? strtoull(argv[1], NULL, 10) : records;
    workers = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : workers;
    if (argc > 3)
        snprintf(dir, sizeof dir, "%s", argv[3]);
    must(argc > 3 || mkdtemp(dir) != NULL);
    must(records && workers && workers <= 64);
    struct arena *a = arena_new(1 << 20);
    unsigned seed = 42;
    double seal = 0;
    size_t bytes = 0, plain = 0;
    for (int i = 0; i < 4000; i++) {
        struct record r;
        arena_reset(a);
        fill(&r, a, &seed);
        int64_t from = clock_us(CLOCK_THREAD_CPUTIME_ID);
        struct sealed *s = record_seal(&r);
        seal += (double)(clock_us(CLOCK_THREAD_CPUTIME_ID) - from);
        bytes += s->length;
        plain += r.request.len + r.answer.len;
        sealed_free(s);
    }
    printf("seal    %6.1f µs CPU a record (%zu bytes of bodies, %zu sealed; zstd and SHA-256 included)\n", seal / 4000, plain / 4000, bytes / 4000);
    struct troubles *t = calloc(1, sizeof *t);
    t->arena = a;
    struct store *s = store_open(&(struct store_options){ .dir = dir }, t);
    if (!s) {
        troubles_print(t, stderr);
        return 2;
    }
    pthread_t threads[64];
    int64_t from = clock_us(CLOCK_MONOTONIC);
    for (unsigned i = 0; i < workers; i++)
        pthread_create(&threads[i], NULL, work, s);
    for (unsigned i = 0; i < workers; i++)
        pthread_join(threads[i], NULL);
    double seconds = (double)(clock_us(CLOCK_MONOTONIC) - from) / 1e6;
    struct store_health h;
    store_health(s, &h);
    printf("commit  %6.0f records/s durable, %u workers, %.1f records a group\n", (double)h.records / seconds, workers, (double)h.records / (double)h.groups);
    printf("write   %6.1f µs CPU a record (writer thread), last sync %llu µs\n", cpu_of(s->writer) / (double)h.records, (unsigned long long)h.sync_us_last);
    while (store_health(s, &h), h.indexed < s->committed.seq)
        usleep(10000);
    printf("index   %6.1f µs CPU a record (indexer thread), caught up after %.1f s\n", cpu_of(s->indexer) / (double)h.records, (double)(clock_us(CLOCK_MONOTONIC) - from) / 1e6);
    printf("keeper  %6.1f µs CPU a record\n", cpu_of(s->keeper) / (double)h.records);
    store_close(s);
    struct verify_result v;
    from = clock_us(CLOCK_MONOTONIC);
    bool ok = store_verify(dir, 0, 0, &v, t);
    printf("verify  %6.1f µs a record: %s, %llu records\n", (double)(clock_us(CLOCK_MONOTONIC) - from) / (double)(v.records ? v.records : 1), ok && v.is_good ? "good" : "BAD",
           (unsigned long long)v.records);
    struct store_reader *r = store_reader_open(dir, t);
    struct record_filter f = { .limit = 50, .verdict = SPAN("flag,block"), .route = SPAN("openai") };
    uint64_t n;
    bool more;
    from = clock_us(CLOCK_MONOTONIC);
    store_reader_count(r, &f, &n, &more);
    printf("count   %6.1f ms for %llu of them\n", (double)(clock_us(CLOCK_MONOTONIC) - from) / 1e3, (unsigned long long)n);
    store_reader_close(r);
    free(t);
    arena_free(a);
    return ok && v.is_good ? 0 : 1;
}
