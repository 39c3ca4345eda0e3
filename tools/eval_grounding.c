/* SPDX-License-Identifier: Apache-2.0
 * eval_grounding DATA_DIR [--fit | --words | -v]: the grounding check on DATA_DIR/grounding. "as shipped" uses the weights in
 * checks/grounding_weights.c; "left out" fits the weights on all other families and judges the one left out, which is the
 * honest figure for data never seen. --fit prints the table for checks/grounding_weights.c, fitted on all.
 * Span F1 counts bytes of the human spans of RAGTruth. */
#include "tools/eval.h"
#include "checks/grounding_parts.h"

enum { ROWS = 8000, SOURCES = 40 };
struct sample {
    float x[GROUND_FEATURES];
    uint8_t source, family;
    bool bad, judged;
};
static struct sample *samples;
static size_t nsamples;
static char sources[SOURCES][64];
static uint8_t family_of[SOURCES];
static size_t nsources;
static const char *const families[] = { "ragtruth", "summedits", "bump", "halueval-qa", "factcheck-bench", "begin-wow", "attribution" };
enum { FAMILIES = sizeof families / sizeof *families };

/* Logistic regression, weights kept from going below zero; families and classes weigh the same. out: a family not to learn from. */
static void fit(int without, float w[GROUND_FEATURES + 1])
{
    double counts[FAMILIES][2] = { { 0 } };
    for (size_t i = 0; i < nsamples; i++)
        if (samples[i].judged && samples[i].family != without)
            counts[samples[i].family][samples[i].bad]++;
    memset(w, 0, (GROUND_FEATURES + 1) * sizeof *w);
    double v[GROUND_FEATURES + 1] = { 0 };
    for (int step = 0; step < 1500; step++) {
        double g[GROUND_FEATURES + 1] = { 0 }, all = 0;
        for (size_t i = 0; i < nsamples; i++) {
            const struct sample *s = &samples[i];
            if (!s->judged || s->family == without)
                continue;
            double sum = w[GROUND_FEATURES], weight = 1 / counts[s->family][s->bad];
            for (int k = 0; k < GROUND_FEATURES; k++)
                sum += w[k] * s->x[k];
            double e = weight * (1 / (1 + exp(-sum)) - s->bad);
            for (int k = 0; k < GROUND_FEATURES; k++)
                g[k] += e * s->x[k];
            g[GROUND_FEATURES] += e;
            all += weight;
        }
        for (int k = 0; k <= GROUND_FEATURES; k++) {
            double d = g[k] / all + (k < GROUND_FEATURES ? 0.0005 * w[k] : 0);
            v[k] = 0.9 * v[k] - 0.8 * d;
            w[k] += (float)v[k];
            if (k < GROUND_FEATURES && w[k] < 0)
                w[k] = 0, v[k] = 0;
        }
    }
}
static double dot(const float w[GROUND_FEATURES + 1], const struct sample *s)
{
    double sum = w[GROUND_FEATURES];
    for (int k = 0; k < GROUND_FEATURES; k++)
        sum += w[k] * s->x[k];
    return s->judged ? 1 / (1 + exp(-sum)) : 0;
}
/* --words: how common each stem is in contexts and answers (at most once a row), the WORDS commonest, for
 * checks/grounding_words.c. */
struct count {
    uint32_t key, n, row;
};
static int by_count(const void *a, const void *b)
{
    uint32_t x = ((const struct count *)a)->n, y = ((const struct count *)b)->n;
    return (x < y) - (x > y);
}
static int by_key(const void *a, const void *b)
{
    uint32_t x = ((const struct count *)a)->key, y = ((const struct count *)b)->key;
    return (x > y) - (x < y);
}
enum { TABLE = 1 << 18, WORDS = 3000 };
static int words_print(const char *folder)
{
    static const char *const files[] = { "grounding/ragtruth.jsonl", "grounding/summedits.jsonl", "grounding/bump.jsonl", "grounding/halueval-qa.jsonl", "grounding/factcheck-bench.jsonl",
                                         "grounding/begin-wow.jsonl", "grounding/attribution.jsonl", "grounding/general.jsonl", "refusal/dev.jsonl", "refusal/weak.jsonl", "refusal/fr-dev.jsonl",
                                         "scope/banque-fr.jsonl" };
    struct count *table = calloc(TABLE, sizeof *table);
    if (!table)
        return 2;
    struct arena *a = arena_new(256 << 20);
    uint32_t rows = 0;
    for (size_t f = 0; f < sizeof files / sizeof *files; f++) {
        struct eval_file file;
        if (!eval_open(&file, folder, files[f]))
            eval_missing("eval_grounding", folder, files[f]);
        for (struct span line; eval_line(&file, &line);) {
            struct json doc = { 0 };
            if (json_read(&doc, a, line)) {
                struct transcript *t = eval_transcript(a, json_root(&doc));
                rows++;
                for (size_t k = 0; k < t->nprompt + (t->nanswer > 0); k++) {
                    const struct words *w = part_words(a, k < t->nprompt ? &t->prompt[k] : &t->answer[0]);
                    for (size_t i = 0; i < w->n; i++) {
                        if (w->list[i].kind != WORD_TEXT || w->list[i].flags & WORD_STOP)
                            continue;
                        uint32_t key = w->list[i].stem, slot = key & (TABLE - 1);
                        for (unsigned probes = 0; table[slot].key && table[slot].key != key && probes < 64; probes++)
                            slot = (slot + 1) & (TABLE - 1);
                        if (table[slot].key && table[slot].key != key)
                            continue;
                        table[slot].key = key;
                        if (table[slot].row != rows)
                            table[slot].n++, table[slot].row = rows;
                    }
                }
            }
            arena_reset(a);
        }
        free(file.bytes);
    }
    qsort(table, TABLE, sizeof *table, by_count);
    qsort(table, WORDS, sizeof *table, by_key);
    for (size_t i = 0; i < WORDS; i++) {
        double level = 15 * log((double)rows / table[i].n) / log((double)rows);
        printf("{0x%08x,%d},%s", table[i].key, (int)(level + 0.5), i % 10 == 9 ? "\n" : " ");
    }
    return 0;
}
int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: eval_grounding DATA_DIR [--fit | --words | -v]\n");
        return 2;
    }
    if (argc > 2 && strcmp(argv[2], "--words") == 0)
        return words_print(argv[1]);
    bool fits = argc > 2 && strcmp(argv[2], "--fit") == 0, verbose = argc > 2 && strcmp(argv[2], "-v") == 0;
    samples = calloc(ROWS, sizeof *samples);
    if (!samples)
        return 2;
    double spent = 0, bytes = 0, hit = 0, said = 0, gold = 0;
    struct { const char *kind; double n, said, hit; } kinds[16] = { { 0 } };
    size_t nkinds = 0;
    struct arena *a = arena_new(256 << 20);
    for (size_t f = 0; f < FAMILIES; f++) {
        struct eval_file file;
        char name[100];
        snprintf(name, sizeof name, "grounding/%s.jsonl", families[f]);
        if (!eval_open(&file, argv[1], name))
            eval_missing("eval_grounding", argv[1], name);
        for (struct span line; eval_line(&file, &line) && nsamples < ROWS;) {
            struct json doc = { 0 };
            if (!json_read(&doc, a, line)) {
                arena_reset(a);
                continue;
            }
            struct jv row = json_root(&doc);
            struct transcript *t = eval_transcript(a, row);
            struct sample *s = &samples[nsamples++];
            s->family = (uint8_t)f;
            s->bad = jv_text_is(jv_get(row, "label"), "hallucinated");
            const char *source = arena_text(a, jv_text(jv_get(row, "source"), a));
            size_t k = 0;
            while (k < nsources && strcmp(sources[k], source) != 0)
                k++;
            if (k == nsources && nsources < SOURCES - 1) {
                snprintf(sources[nsources], sizeof sources[0], "%s", source);
                family_of[nsources++] = (uint8_t)f;
            }
            s->source = (uint8_t)k;
            double start = eval_now();
            struct ground *g = ground_read(t);
            struct ground_result r = { .empty = true };
            if (g)
                ground_align(g, part_words(a, &t->answer[0]), &r);
            spent += eval_now() - start;
            for (size_t p = 0; p < t->nprompt; p++)
                bytes += (double)t->prompt[p].text.len;
            bytes += (double)t->answer[0].text.len;
            s->judged = g && !r.empty;
            for (int q = 0; q < GROUND_FEATURES; q++)
                s->x[q] = (float)r.x[q];
            struct jv spans = jv_get(row, "spans");
            if (f == 0 && jv_type(spans) == JSON_ARRAY) {
                size_t len = t->answer[0].text.len;
                char *mark = arena_alloc(a, len + 1);
                struct findings out = { 0 };
                check_grounding.score(&(struct check_env){ 0 }, t, ON_ANSWER, &out);
                struct jv_walk w = jv_walk(spans);
                while (jv_next(&w)) {
                    double from, to;
                    if (jv_number(jv_item(w.value, 0), &from) && jv_number(jv_item(w.value, 1), &to))
                        for (size_t b = (size_t)from; b < (size_t)to && b < len; b++)
                            mark[b] |= 1;
                }
                for (size_t q = 0; q < out.n; q++) {
                    size_t kind = 0;
                    while (kind < nkinds && kinds[kind].kind != out.list[q].kind)
                        kind++;
                    if (kind == nkinds && nkinds < 15)
                        kinds[nkinds++].kind = out.list[q].kind;
                    kinds[kind].n++;
                    for (size_t b = out.list[q].start; b < out.list[q].end && b < len; b++)
                        kinds[kind].said++, kinds[kind].hit += mark[b] & 1;
                }
                for (size_t q = 0; q < out.n; q++)
                    for (size_t b = out.list[q].start; b < out.list[q].end && b < len; b++)
                        mark[b] |= 2;
                for (size_t b = 0; b < len; b++)
                    gold += mark[b] & 1, said += (mark[b] & 2) != 0, hit += mark[b] == 3;
            }
            if (verbose) {
                printf("%s %s %d", source, arena_text(a, jv_text(jv_get(row, "id"), a)), s->bad);
                for (int q = 0; q < GROUND_FEATURES; q++)
                    printf(" %.2f", s->x[q]);
                printf("\n");
            }
            arena_reset(a);
        }
        free(file.bytes);
    }
    arena_free(a);
    static float left[FAMILIES][GROUND_FEATURES + 1];
    for (int f = 0; f < (int)FAMILIES; f++)
        fit(f, left[f]);
    if (fits) {
        float w[GROUND_FEATURES + 1];
        fit(-1, w);
        for (int k = 0; k <= GROUND_FEATURES; k++)
            printf("    %.3ff, /* %s */\n", (double)w[k], k < GROUND_FEATURES ? ground_feature_names[k] : "bias");
        return 0;
    }
    printf("| source | n | bad | ROC left out | ROC as shipped | F1 at 0.5 | best single feature |\n| --- | ---: | ---: | ---: | ---: | ---: | --- |\n");
    static struct eval_point p[ROWS];
    double family_sum[FAMILIES] = { 0 }, family_left[FAMILIES] = { 0 }, family_n[FAMILIES] = { 0 }, mean = 0, mean_left = 0;
    for (size_t k = 0; k < nsources; k++) {
        size_t n = 0, bad = 0;
        double best = 0;
        int which = 0;
        for (int q = 0; q < GROUND_FEATURES; q++) {
            n = 0;
            for (size_t i = 0; i < nsamples; i++)
                if (samples[i].source == k)
                    p[n++] = (struct eval_point){ samples[i].x[q], samples[i].bad };
            double roc = eval_roc(p, n);
            if (roc > best)
                best = roc, which = q;
        }
        n = 0;
        for (size_t i = 0; i < nsamples; i++)
            if (samples[i].source == k)
                p[n++] = (struct eval_point){ dot(left[samples[i].family], &samples[i]), samples[i].bad };
        double out = eval_roc(p, n);
        n = 0;
        for (size_t i = 0; i < nsamples; i++)
            if (samples[i].source == k)
                bad += samples[i].bad, p[n++] = (struct eval_point){ dot(ground_weights, &samples[i]), samples[i].bad };
        double f1 = eval_f1(p, n, 0.5), shipped = eval_roc(p, n);
        printf("| %s | %zu | %zu | %.3f | %.3f | %.3f | %s %.3f |\n", sources[k], n, bad, out, shipped, f1, ground_feature_names[which], best);
        family_sum[family_of[k]] += shipped;
        family_left[family_of[k]] += out;
        family_n[family_of[k]]++;
        mean += shipped;
        mean_left += out;
    }
    printf("| **mean of sources** | | | **%.3f** | **%.3f** | | |\n\n| family | ROC left out | ROC as shipped |\n| --- | ---: | ---: |\n", mean_left / (double)nsources, mean / (double)nsources);
    mean = mean_left = 0;
    for (size_t f = 0; f < FAMILIES; f++) {
        printf("| %s | %.3f | %.3f |\n", families[f], family_left[f] / family_n[f], family_sum[f] / family_n[f]);
        mean += family_sum[f] / family_n[f];
        mean_left += family_left[f] / family_n[f];
    }
    printf("| **mean of families** | **%.3f** | **%.3f** |\n\n", mean_left / FAMILIES, mean / FAMILIES);
    size_t n = 0;
    for (size_t i = 0; i < nsamples; i++)
        if (samples[i].family == 0)
            p[n++] = (struct eval_point){ dot(ground_weights, &samples[i]), samples[i].bad };
    double f1 = eval_f1(p, n, 0.5);
    printf("RAGTruth, three tasks at once: ROC %.3f, F1 at 0.5 %.3f. Spans: precision %.3f, recall %.3f, F1 %.3f.\nCost: %.1f us per KB of context and answer.\n", eval_roc(p, n), f1,
           said ? hit / said : 0, gold ? hit / gold : 0, said + gold > 0 ? 2 * hit / (said + gold) : 0, 1e6 * spent / (bytes / 1024));
    printf("\n| kind of finding (RAGTruth) | findings | bytes | precision |\n| --- | ---: | ---: | ---: |\n");
    for (size_t k = 0; k < nkinds; k++)
        printf("| %s | %.0f | %.0f | %.3f |\n", kinds[k].kind, kinds[k].n, kinds[k].said, kinds[k].said > 0 ? kinds[k].hit / kinds[k].said : 0);
    return 0;
}
