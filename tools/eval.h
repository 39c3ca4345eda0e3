/* SPDX-License-Identifier: Apache-2.0
 * What the eval tools share: JSON Lines in the plain offline form into transcripts, ROC, one call of a check. */
#ifndef TOOLS_EVAL_H
#define TOOLS_EVAL_H
#include "base/json.h"
#include "checks/check.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct eval_file {
    char *bytes;
    size_t len, at;
};
/* false: the file is not there. */
static inline bool eval_open(struct eval_file *f, const char *folder, const char *name)
{
    char path[4096];
    if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path)
        return false;
    FILE *in = fopen(path, "rb");
    if (!in)
        return false;
    *f = (struct eval_file){ 0 };
    size_t room = 0;
    for (;;) {
        if (room - f->len < 65536) {
            room = room ? room * 2 : 1 << 20;
            f->bytes = realloc(f->bytes, room);
            if (!f->bytes)
                abort();
        }
        size_t n = fread(f->bytes + f->len, 1, room - f->len, in);
        if (!n)
            break;
        f->len += n;
    }
    fclose(in);
    return true;
}
static inline bool eval_line(struct eval_file *f, struct span *line)
{
    while (f->at < f->len) {
        char *end = memchr(f->bytes + f->at, '\n', f->len - f->at);
        size_t to = end ? (size_t)(end - f->bytes) : f->len;
        *line = (struct span){ f->bytes + f->at, to - f->at };
        f->at = to + 1;
        if (line->len)
            return true;
    }
    return false;
}
static inline void eval_missing(const char *tool, const char *folder, const char *name)
{
    fprintf(stderr, "%s: %s/%s is not there: give the folder that holds the evaluation data\n", tool, folder, name);
    exit(2);
}
static inline void eval_texts(struct transcript *t, struct jv v, enum role role, enum part_kind kind)
{
    struct span none = { 0 };
    if (jv_type(v) == JSON_STRING)
        transcript_ask(t, role, kind, 0, none, jv_text(v, t->arena));
    else if (jv_type(v) == JSON_ARRAY) {
        struct jv_walk w = jv_walk(v);
        while (jv_next(&w))
            transcript_ask(t, role, kind, 0, none, jv_type(w.value) == JSON_STRING ? jv_text(w.value, t->arena) : jv_source(w.value));
    } else if (jv_type(v) == JSON_OBJECT)
        transcript_ask(t, role, kind, 0, none, jv_source(v));
}
static inline struct transcript *eval_transcript(struct arena *a, struct jv row)
{
    struct transcript *t = transcript_new(a, "plain");
    struct span none = { 0 };
    eval_texts(t, jv_get(row, "instructions"), ROLE_INSTRUCTIONS, PART_TEXT);
    struct jv tools = jv_get(row, "tools");
    struct jv_walk w = jv_walk(tools);
    while (jv_type(tools) == JSON_ARRAY && jv_next(&w)) {
        struct span name = jv_text(jv_path(w.value, "function.name"), a);
        transcript_ask(t, ROLE_TOOL, PART_TOOL_SPEC, 0, name.len ? name : jv_text(jv_get(w.value, "name"), a), jv_source(w.value));
    }
    eval_texts(t, jv_get(row, "context"), ROLE_CONTEXT, PART_DOCUMENT);
    eval_texts(t, jv_get(row, "prompt"), ROLE_USER, PART_TEXT);
    struct jv response = jv_get(row, "response");
    if (jv_type(response) == JSON_STRING)
        transcript_say(t, 0, PART_TEXT, 0, none, jv_text(response, a));
    else if (jv_type(response) == JSON_ARRAY) {
        uint32_t choice = 0;
        w = jv_walk(response);
        while (jv_next(&w))
            transcript_say(t, choice++, PART_TEXT, 0, none, jv_text(w.value, a));
    }
    return t;
}
struct eval_point {
    double score;
    bool bad;
};
static inline int eval_compare(const void *a, const void *b)
{
    double x = ((const struct eval_point *)a)->score, y = ((const struct eval_point *)b)->score;
    return (x > y) - (x < y);
}
/* The area under the ROC curve; ties count a half. */
static inline double eval_roc(struct eval_point *p, size_t n)
{
    qsort(p, n, sizeof *p, eval_compare);
    double bad = 0, good = 0, wins = 0;
    for (size_t i = 0; i < n;) {
        size_t j = i;
        double b = 0, g = 0;
        while (j < n && p[j].score == p[i].score)
            p[j].bad ? b++ : g++, j++;
        wins += b * (good + g / 2);
        bad += b;
        good += g;
        i = j;
    }
    return bad && good ? wins / (bad * good) : NAN;
}
/* Area under precision and recall, the bad first (average precision). */
static inline double eval_pr(struct eval_point *p, size_t n)
{
    qsort(p, n, sizeof *p, eval_compare);
    double all = 0, hit = 0, area = 0;
    for (size_t i = 0; i < n; i++)
        all += p[i].bad;
    for (size_t i = n; i > 0; i--)
        if (p[i - 1].bad) {
            hit++;
            area += hit / (double)(n - i + 1);
        }
    return all ? area / all : NAN;
}
static inline double eval_f1(const struct eval_point *p, size_t n, double at)
{
    double hit = 0, said = 0, bad = 0;
    for (size_t i = 0; i < n; i++) {
        bad += p[i].bad;
        said += p[i].score >= at;
        hit += p[i].bad && p[i].score >= at;
    }
    return bad + said > 0 ? 2 * hit / (bad + said) : NAN;
}
static inline double eval_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}
#endif
