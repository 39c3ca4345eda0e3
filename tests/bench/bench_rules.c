/* SPDX-License-Identifier: Apache-2.0
 * bench_rules [RULES-FOLDER]: CPU µs of all that judges one chat exchange, as the proxy does it: both transcripts, the default rules with
 * every check, and fifty patterns; each step, then each check in the order in which the proxy runs them (what they share is paid by the first).
 * Of CHUNKS runs the quickest counts: what else the machine does makes the others slower. */
#include "checks/ruleset/ruleset.h"
#include "proxy/api/api.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}
enum { REQUEST, PROMPT, ANSWER, STREAM, JUDGE, STEPS, ROUNDS = 200, CHUNKS = 25 };
static const char *const steps[STEPS] = { "request read", "prompt judged", "answer read", "answer scanned", "answer judged" };
static double clock_us;
static struct arena *a;

/* The exchange of tests/bench/run. */
static void write_exchange(struct buf *request, struct buf *answer)
{
    buf_add_text(request, "{\"model\":\"gpt-x\",\"messages\":[{\"role\":\"system\",\"content\":\"");
    for (int i = 1; i <= 10; i++)
        buf_add_text(request, "You are the assistant of a bank and answer in plain words. ");
    buf_add_text(request, "\"},{\"role\":\"user\",\"content\":\"");
    for (int i = 1; i <= 13; i++)
        buf_printf(request, "I moved last month, number %d, and my card still goes to the old address; how do I change it? ", i);
    buf_add_text(request, "\"}]}");
    buf_add_text(answer, "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion\",\"created\":1,\"model\":\"gpt-x\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"");
    for (int i = 1; i <= 13; i++)
        buf_printf(answer, "You can change it in the app under Profile, step %d, and it takes one working day until all know. ", i);
    buf_add_text(answer, "\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":300,\"completion_tokens\":280,\"total_tokens\":580}}");
}
static void write_fifty(struct buf *yaml)
{
    buf_add_text(yaml, "pack: bench\nversion: 1\nrules:\n");
    for (int i = 1; i <= 50; i++)
        buf_printf(yaml, "  - {id: p%d, on: %s, when: {pattern: \"(?i)\\\\b(secret|internal) project-%d[a-z]{2,8}\\\\b\"}, action: %s, message: m, tests: [{answer: a, expect: allow}, {prompt: a, expect: allow}]}\n",
                   i, i % 2 ? "prompt" : "answer", i, i % 5 ? "flag" : "block");
}
static double lap(double *from)
{
    double now = now_us(), took = now - *from - clock_us;
    *from = now_us();
    return took;
}
static void keep_least(double *least, const double *now, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (least[i] <= 0 || now[i] / ROUNDS < least[i])
            least[i] = now[i] / ROUNDS;
}
static struct transcript *read_request(const struct api *api, struct span request)
{
    struct transcript *t = transcript_new(a, api->name);
    api->request(t, SPAN("/v1/chat/completions"), SPAN("application/json"), request);
    return t;
}
static void read_answer(const struct api *api, struct transcript *t, struct span answer)
{
    struct answer_reader_options o = { .api = api, .t = t, .status = 200, .content_type = SPAN("application/json"), .whole_most = 1 << 20 };
    struct answer_reader *r = answer_reader_new(a, &o);
    answer_reader_feed(r, answer);
    answer_reader_end(r, false);
}
static void whole_path(const struct ruleset *rs, const struct api *api, struct span request, struct span answer, double least[STEPS])
{
    double into[STEPS] = { 0 };
    struct ruleset_needs needs = ruleset_needs(rs);
    struct check_env env = { 0 };
    struct facts facts = { .route = SPAN("all"), .now_us = 1 };
    for (int i = 0; i < ROUNDS; i++) {
        struct verdict v;
        arena_reset(a);
        verdict_begin(&v);
        double from = now_us();
        struct transcript *t = read_request(api, request);
        into[REQUEST] += lap(&from);
        judge_prompt(rs, &env, t, &facts, &v);
        into[PROMPT] += lap(&from);
        read_answer(api, t, answer);
        into[ANSWER] += lap(&from);
        struct stream_scan *s = needs.acts_on_answer ? stream_scan_new(rs, &env, t, &facts, &v) : NULL;
        for (size_t p = 0; s && p < t->nanswer; p++)
            stream_scan_feed(s, p, true);
        into[STREAM] += lap(&from);
        judge_answer(rs, &env, t, &facts, &v);
        into[JUDGE] += lap(&from);
    }
    keep_least(least, into, STEPS);
}
static void each_check(const struct api *api, struct span request, struct span answer, double least[2 * CHECKS])
{
    double into[2 * CHECKS] = { 0 };
    struct check_env env = { 0 };
    for (int i = 0; i < ROUNDS; i++) {
        arena_reset(a);
        struct transcript *t = read_request(api, request);
        for (unsigned side = ON_PROMPT; side <= ON_ANSWER; side++) {
            if (side == ON_ANSWER)
                read_answer(api, t, answer);
            for (int c = 0; all_checks[c]; c++) {
                struct findings found = { 0 };
                if (!(all_checks[c]->on & side))
                    continue;
                double from = now_us();
                all_checks[c]->score(&env, t, (enum side)side, &found);
                into[2 * (unsigned)c + side - 1] += lap(&from);
            }
        }
    }
    keep_least(least, into, 2 * CHECKS);
}
static void report(const char *what, const double into[STEPS])
{
    double sum = 0;
    printf("%s:", what);
    for (int i = 0; i < STEPS; i++) {
        printf(" %s %.1f%s", steps[i], into[i], i + 1 < STEPS ? "," : "");
        sum += into[i];
    }
    printf("; together %.1f us\n", sum);
}

int main(int argc, char **argv)
{
    struct buf request = { .cap = 1 << 20 }, answer = { .cap = 1 << 20 }, fifty = { .cap = 1 << 20 };
    struct troubles t = { .arena = arena_new(1 << 24) };
    write_exchange(&request, &answer);
    write_fifty(&fifty);
    a = arena_new(64 << 20);
    /* both packs as one ruleset: the pattern pack goes through a file, as it does for users */
    char path[] = "/tmp/vigie-bench-XXXXXX.yaml";
    int fd = mkstemps(path, 5);
    FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
    if (!f || fwrite(buf_span(&fifty).at, 1, fifty.len, f) != fifty.len || fclose(f)) {
        fprintf(stderr, "bench_rules: cannot write %s\n", path);
        return 2;
    }
    const char *paths[] = { argc > 1 ? argv[1] : "rules", path };
    struct ruleset *all = ruleset_load(paths, 2, &t), *checks = ruleset_load(paths, 1, &t), *patterns = ruleset_load(paths + 1, 1, &t);
    remove(path);
    if (!all || !checks || !patterns) {
        troubles_print(&t, stderr);
        return 2;
    }
    double from = now_us();
    for (int i = 0; i < 1000; i++)
        now_us();
    clock_us = (now_us() - from) / 1001;
    const struct api *api = api_find(SPAN("openai"), SPAN("POST"), SPAN("/v1/chat/completions"));
    const struct ruleset *sets[] = { all, checks, patterns };
    double steps_us[3][STEPS] = { 0 }, checks_us[2 * CHECKS] = { 0 };
    for (int chunk = 0; chunk < CHUNKS; chunk++) {
        for (int i = 0; i < 3; i++)
            whole_path(sets[i], api, buf_span(&request), buf_span(&answer), steps_us[i]);
        each_check(api, buf_span(&request), buf_span(&answer), checks_us);
    }
    printf("request %zu bytes, answer %zu\n", request.len, answer.len);
    report("default rules and fifty patterns", steps_us[0]);
    report("default rules", steps_us[1]);
    report("fifty patterns", steps_us[2]);
    for (int c = 0; all_checks[c]; c++)
        printf("%-10s prompt %6.2f answer %6.2f us\n", all_checks[c]->name, checks_us[2 * c], checks_us[2 * c + 1]);
    ruleset_release(all);
    ruleset_release(checks);
    ruleset_release(patterns);
    arena_free(t.arena);
    arena_free(a);
    buf_free(&request);
    buf_free(&answer);
    buf_free(&fifty);
    return 0;
}
