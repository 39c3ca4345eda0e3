/* SPDX-License-Identifier: Apache-2.0
 * eval_grounding DATA_DIR [--fit | --words | -v]: the grounding check on DATA_DIR/grounding, judged by weights that did not see what they
 * judge: "family out" learns from all other families, "source out" from all other sources, "folds" from other documents (the
 * honest figure for new data of known kinds). "shipped" uses checks/grounding_weights.c, which learned from all of it. --fit prints that file's tables,
 * --words those of checks/grounding_words.c. Span F1 counts bytes of the human spans of RAGTruth, all answers together. */
#include "tools/eval.h"
#include "checks/grounding_parts.h"

enum { ROWS = 8000, SOURCES = 40, FOLDS = 4, TOKENS_ROOM = 1 << 17 };
struct sample {
    float x[GROUND_FEATURES];
    uint8_t source, family, fold;
    bool bad, judged;
};
static struct sample *samples;
static size_t nsamples;
static char sources[SOURCES][64];
static uint8_t family_of[SOURCES];
static size_t nsources;
static const char *const families[] = { "ragtruth", "summedits", "bump", "halueval-qa", "factcheck-bench", "begin-wow", "attribution" };
enum { FAMILIES = sizeof families / sizeof *families };
/* Tokens of answers whose spans people marked word by word (RAGTruth). */
struct marked {
    float x[TOKEN_FEATURES];
    uint8_t source, fold;
    bool bad;
};
static struct marked *marked;
static size_t nmarked;
/* What a fit leaves out. */
enum split { SPLIT_NONE, SPLIT_FAMILY, SPLIT_SOURCE, SPLIT_FOLD, SPLITS };
static bool is_out(enum split split, size_t which, size_t family, size_t source, size_t fold)
{
    return (split == SPLIT_FAMILY && family == which) || (split == SPLIT_SOURCE && source == which) || (split == SPLIT_FOLD && fold == which);
}
/* Logistic regression on features made comparable (divided by their spread), no weight below zero, families and classes weighing the
 * same. Weights are drawn to a common value, not to zero: evidence that few families show (opening times, opposites) keeps a
 * say, and no family's habits outweigh the others. What is certain by itself is drawn higher. */
static void fit(enum split split, size_t which, float w[GROUND_FEATURES + 1])
{
    double counts[FAMILIES][2] = { { 0 } }, mean[GROUND_FEATURES] = { 0 }, spread[GROUND_FEATURES] = { 0 }, n = 0, drawn[GROUND_FEATURES];
    for (size_t i = 0; i < nsamples; i++) {
        const struct sample *s = &samples[i];
        if (!s->judged || is_out(split, which, s->family, s->source, s->fold))
            continue;
        counts[s->family][s->bad]++;
        n++;
        for (int k = 0; k < GROUND_FEATURES; k++)
            mean[k] += s->x[k], spread[k] += (double)s->x[k] * s->x[k];
    }
    for (int k = 0; k < GROUND_FEATURES; k++) {
        mean[k] /= n;
        spread[k] = sqrt(fmax(spread[k] / n - mean[k] * mean[k], 0));
        spread[k] = spread[k] > 0.03 ? spread[k] : 0.03;
        drawn[k] = k == GROUND_ATTRIBUTES ? 0.4 : k == GROUND_SCHEDULE || k == GROUND_FIGURES ? 0.3 : 0.2;
    }
    double b[GROUND_FEATURES + 1] = { 0 }, v[GROUND_FEATURES + 1] = { 0 };
    for (int step = 0; step < 400; step++) {
        double g[GROUND_FEATURES + 1] = { 0 }, all = 0;
        for (size_t i = 0; i < nsamples; i++) {
            const struct sample *s = &samples[i];
            if (!s->judged || is_out(split, which, s->family, s->source, s->fold))
                continue;
            double sum = b[GROUND_FEATURES], weight = 1 / counts[s->family][s->bad];
            for (int k = 0; k < GROUND_FEATURES; k++)
                sum += b[k] * s->x[k] / spread[k];
            double e = weight * (1 / (1 + exp(-sum)) - s->bad);
            for (int k = 0; k < GROUND_FEATURES; k++)
                g[k] += e * s->x[k] / spread[k];
            g[GROUND_FEATURES] += e;
            all += weight;
        }
        for (int k = 0; k <= GROUND_FEATURES; k++) {
            double d = g[k] / all + (k < GROUND_FEATURES ? 0.2 * (b[k] - drawn[k]) : 0);
            v[k] = 0.9 * v[k] - 0.05 * d;
            b[k] += v[k];
            if (k < GROUND_FEATURES && b[k] < 0)
                b[k] = v[k] = 0;
        }
    }
    for (int k = 0; k < GROUND_FEATURES; k++)
        w[k] = (float)(b[k] / spread[k]);
    w[GROUND_FEATURES] = (float)b[GROUND_FEATURES];
}
static void fit_tokens(enum split split, size_t which, float w[TOKEN_FEATURES + 1])
{
    double b[TOKEN_FEATURES + 1] = { 0 }, v[TOKEN_FEATURES + 1] = { 0 };
    b[TOKEN_FEATURES] = -3;
    for (int step = 0; step < 400; step++) {
        double g[TOKEN_FEATURES + 1] = { 0 }, n = 0;
        for (size_t i = 0; i < nmarked; i++) {
            const struct marked *s = &marked[i];
            if (is_out(split, which, 0, s->source, s->fold))
                continue;
            double sum = b[TOKEN_FEATURES];
            for (int k = 0; k < TOKEN_FEATURES; k++)
                sum += b[k] * s->x[k];
            double e = 1 / (1 + exp(-sum)) - s->bad;
            for (int k = 0; k < TOKEN_FEATURES; k++)
                g[k] += e * s->x[k];
            g[TOKEN_FEATURES] += e;
            n++;
        }
        if (n == 0)
            break;
        for (int k = 0; k <= TOKEN_FEATURES; k++) {
            double d = g[k] / n + (k < TOKEN_FEATURES ? 0.0001 * b[k] : 0);
            v[k] = 0.95 * v[k] - 1.0 * d;
            b[k] += v[k];
            if (k < TOKEN_FEATURES && b[k] < 0)
                b[k] = v[k] = 0;
        }
    }
    for (int k = 0; k <= TOKEN_FEATURES; k++)
        w[k] = (float)b[k];
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

static void weights_print(const char *name, const float *w, const char *const *names, int n)
{
    printf("const float %s = {\n", name);
    for (int k = 0; k <= n; k++)
        printf("    %.3ff, /* %s */\n", (double)w[k], k < n ? names[k] : "bias");
    printf("};\n");
}
static size_t source_find(const char *name, size_t family)
{
    size_t k = 0;
    while (k < nsources && strcmp(sources[k], name) != 0)
        k++;
    if (k == nsources && nsources < SOURCES - 1) {
        snprintf(sources[nsources], sizeof sources[0], "%s", name);
        family_of[nsources++] = (uint8_t)family;
    }
    return k;
}
/* Bytes that people marked: bit 0. */
static char *spans_mark(struct arena *a, struct jv spans, size_t len)
{
    char *mark = arena_alloc(a, len + 1);
    struct jv_walk w = jv_walk(spans);
    while (jv_type(spans) == JSON_ARRAY && jv_next(&w)) {
        double from, to;
        if (jv_number(jv_item(w.value, 0), &from) && jv_number(jv_item(w.value, 1), &to))
            for (size_t b = (size_t)from; b < (size_t)to && b < len; b++)
                mark[b] |= 1;
    }
    return mark;
}
/* Seconds of CPU: other work on the machine does not count. */
static double cpu_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}
static void rows_read(struct arena *a, const char *folder, bool verbose, bool tells_cost)
{
    double spent = 0, bytes = 0;
    for (size_t f = 0; f < FAMILIES; f++) {
        struct eval_file file;
        char name[100];
        snprintf(name, sizeof name, "grounding/%s.jsonl", families[f]);
        if (!eval_open(&file, folder, name))
            eval_missing("eval_grounding", folder, name);
        for (struct span line; eval_line(&file, &line) && nsamples < ROWS; arena_reset(a)) {
            struct json doc = { 0 };
            if (!json_read(&doc, a, line))
                continue;
            struct jv row = json_root(&doc);
            struct transcript *t = eval_transcript(a, row);
            struct sample *s = &samples[nsamples++];
            s->family = (uint8_t)f;
            s->bad = jv_text_is(jv_get(row, "label"), "hallucinated");
            s->source = (uint8_t)source_find(arena_text(a, jv_text(jv_get(row, "source"), a)), f);
            struct span context = jv_source(jv_get(row, "context"));
            s->fold = (uint8_t)(words_key(context.at, context.len) / 2 % FOLDS);
            double start = cpu_now();
            struct ground *g = ground_read(t);
            struct ground_result r = { .is_empty = true };
            if (g)
                ground_align(g, part_words(a, &t->answer[0]), &r);
            spent += cpu_now() - start;
            for (size_t p = 0; p < t->nprompt; p++)
                bytes += (double)t->prompt[p].text.len;
            bytes += (double)t->answer[0].text.len;
            s->judged = g && !r.is_empty;
            for (int q = 0; q < GROUND_FEATURES; q++)
                s->x[q] = (float)r.x[q];
            if (f == 0) {
                const char *mark = spans_mark(a, jv_get(row, "spans"), t->answer[0].text.len);
                const struct words *w = part_words(a, &t->answer[0]);
                for (size_t q = 0; q < r.ntokens && nmarked < TOKENS_ROOM; q++) {
                    struct marked *m = &marked[nmarked++];
                    memcpy(m->x, r.tokens[q].x, sizeof m->x);
                    m->source = s->source;
                    m->fold = s->fold;
                    m->bad = mark[(w->list[r.tokens[q].word].start + w->list[r.tokens[q].word].end) / 2] & 1;
                }
            }
            if (verbose) {
                printf("%s %s %d", sources[s->source], arena_text(a, jv_text(jv_get(row, "id"), a)), s->bad);
                for (int q = 0; q < GROUND_FEATURES; q++)
                    printf(" %.2f", s->x[q]);
                printf("\n");
            }
        }
        free(file.bytes);
    }
    if (tells_cost)
        printf("Cost: %.1f us per KB of context and answer.\n\n", 1e6 * spent / (bytes / 1024));
}
struct tally {
    double n, said, hit, gold;
};
static void tally_print(const char *name, const struct tally *t)
{
    printf("| %s | %.3f | %.3f | %.3f |\n", name, t->said > 0 ? t->hit / t->said : 0, t->gold > 0 ? t->hit / t->gold : 0, t->said + t->gold > 0 ? 2 * t->hit / (t->said + t->gold) : 0);
}
/* The pieces of RAGTruth's answers by weights that did not see them. */
static void spans_print(struct arena *a, const char *folder, enum split split, const float (*answers)[GROUND_FEATURES + 1], const float (*tokens)[TOKEN_FEATURES + 1], bool by_kind)
{
    static const char *const kinds[] = { "number", "name", "url", "quote", "opposite", "attribute", "attribute denied", "open", "schedule", "words" };
    static const char *const names[SPLITS] = { "shipped", "family out", "task out", "folds" };
    struct tally all = { 0 }, tasks[SOURCES] = { { 0 } }, kind[sizeof kinds / sizeof *kinds] = { { 0 } };
    struct eval_file file;
    if (!eval_open(&file, folder, "grounding/ragtruth.jsonl"))
        eval_missing("eval_grounding", folder, "grounding/ragtruth.jsonl");
    size_t at = 0;
    for (struct span line; eval_line(&file, &line); arena_reset(a)) {
        struct json doc = { 0 };
        if (!json_read(&doc, a, line))
            continue;
        const struct sample *s = &samples[at++];
        size_t k = split == SPLIT_NONE ? 0 : split == SPLIT_SOURCE ? s->source : s->fold;
        struct jv row = json_root(&doc);
        struct transcript *t = eval_transcript(a, row);
        size_t len = t->answer[0].text.len;
        char *mark = spans_mark(a, jv_get(row, "spans"), len);
        struct ground *g = ground_read(t);
        if (g) {
            const struct words *w = part_words(a, &t->answer[0]);
            struct ground_result r;
            ground_align(g, w, &r);
            size_t n = 0;
            struct ground_piece *p = r.is_empty || ground_score(&r, answers[k]) < 0.5 ? NULL : ground_pieces(g, w, &r, tokens[k], &n);
            for (size_t q = 0; q < n; q++) {
                kind[p[q].kind].n++;
                for (size_t b = w->list[p[q].first].start; b < w->list[p[q].past - 1].end && b < len; b++) {
                    kind[p[q].kind].said++;
                    kind[p[q].kind].hit += mark[b] & 1;
                    mark[b] |= 2;
                }
            }
        }
        struct tally *task = &tasks[s->source];
        for (size_t b = 0; b < len; b++) {
            task->gold += mark[b] & 1, task->said += (mark[b] & 2) != 0, task->hit += mark[b] == 3;
            all.gold += mark[b] & 1, all.said += (mark[b] & 2) != 0, all.hit += mark[b] == 3;
        }
    }
    free(file.bytes);
    if (by_kind) {
        printf("\n| kind of finding (RAGTruth, %s) | findings | bytes | precision |\n| --- | ---: | ---: | ---: |\n", names[split]);
        for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
            printf("| %s | %.0f | %.0f | %.3f |\n", kinds[k], kind[k].n, kind[k].said, kind[k].said > 0 ? kind[k].hit / kind[k].said : 0);
        return;
    }
    for (size_t k = 0; k < nsources; k++)
        if (family_of[k] == 0) {
            char name[100];
            snprintf(name, sizeof name, "%s, %s", names[split], sources[k]);
            tally_print(name, &tasks[k]);
        }
    char name[100];
    snprintf(name, sizeof name, "**%s, all**", names[split]);
    tally_print(name, &all);
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
    marked = calloc(TOKENS_ROOM, sizeof *marked);
    if (!samples || !marked)
        return 2;
    struct arena *a = arena_new(256 << 20);
    rows_read(a, argv[1], verbose, !verbose && !fits);
    static float w[SPLITS][SOURCES][GROUND_FEATURES + 1], v[SPLITS][SOURCES][TOKEN_FEATURES + 1];
    if (fits) {
        fit(SPLIT_NONE, 0, w[0][0]);
        fit_tokens(SPLIT_NONE, 0, v[0][0]);
        weights_print("ground_weights[GROUND_FEATURES + 1]", w[0][0], ground_feature_names, GROUND_FEATURES);
        weights_print("token_weights[TOKEN_FEATURES + 1]", v[0][0], token_feature_names, TOKEN_FEATURES);
        return 0;
    }
    memcpy(w[SPLIT_NONE][0], ground_weights, sizeof ground_weights);
    memcpy(v[SPLIT_NONE][0], token_weights, sizeof token_weights);
    for (size_t k = 0; k < FAMILIES; k++)
        fit(SPLIT_FAMILY, k, w[SPLIT_FAMILY][k]);
    for (size_t k = 0; k < nsources; k++) {
        fit(SPLIT_SOURCE, k, w[SPLIT_SOURCE][k]);
        if (family_of[k] == 0)
            fit_tokens(SPLIT_SOURCE, k, v[SPLIT_SOURCE][k]);
    }
    for (size_t k = 0; k < FOLDS; k++) {
        fit(SPLIT_FOLD, k, w[SPLIT_FOLD][k]);
        fit_tokens(SPLIT_FOLD, k, v[SPLIT_FOLD][k]);
    }
    static struct eval_point p[ROWS];
    static double score[SPLITS][ROWS];
    for (size_t i = 0; i < nsamples; i++)
        for (int split = 0; split < SPLITS; split++) {
            const struct sample *s = &samples[i];
            score[split][i] = dot(w[split][split == SPLIT_FAMILY ? s->family : split == SPLIT_SOURCE ? s->source : split == SPLIT_FOLD ? s->fold : 0], s);
        }
    double family_sum[FAMILIES][SPLITS] = { { 0 } }, family_n[FAMILIES] = { 0 }, mean[SPLITS] = { 0 };
    printf("| source | n | bad | ROC family out | source out | folds | F1 at 0.5, folds |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: |\n");
    for (size_t k = 0; k < nsources; k++) {
        double roc[SPLITS], f1 = 0;
        size_t n = 0, bad = 0;
        for (int split = 0; split < SPLITS; split++) {
            n = bad = 0;
            for (size_t i = 0; i < nsamples; i++)
                if (samples[i].source == k)
                    bad += samples[i].bad, p[n++] = (struct eval_point){ score[split][i], samples[i].bad };
            if (split == SPLIT_FOLD)
                f1 = eval_f1(p, n, 0.5);
            roc[split] = eval_roc(p, n);
            family_sum[family_of[k]][split] += roc[split];
            mean[split] += roc[split];
        }
        family_n[family_of[k]]++;
        printf("| %s | %zu | %zu | %.3f | %.3f | %.3f | %.3f |\n", sources[k], n, bad, roc[SPLIT_FAMILY], roc[SPLIT_SOURCE], roc[SPLIT_FOLD], f1);
    }
    printf("| **mean of sources** | | | **%.3f** | **%.3f** | **%.3f** | |\n\n", mean[SPLIT_FAMILY] / (double)nsources, mean[SPLIT_SOURCE] / (double)nsources, mean[SPLIT_FOLD] / (double)nsources);
    printf("| family | ROC family out | source out | folds |\n| --- | ---: | ---: | ---: |\n");
    memset(mean, 0, sizeof mean);
    for (size_t f = 0; f < FAMILIES; f++) {
        printf("| %s | %.3f | %.3f | %.3f |\n", families[f], family_sum[f][SPLIT_FAMILY] / family_n[f], family_sum[f][SPLIT_SOURCE] / family_n[f], family_sum[f][SPLIT_FOLD] / family_n[f]);
        for (int split = 0; split < SPLITS; split++)
            mean[split] += family_sum[f][split] / family_n[f];
    }
    printf("| **mean of families** | **%.3f** | **%.3f** | **%.3f** |\n\n", mean[SPLIT_FAMILY] / FAMILIES, mean[SPLIT_SOURCE] / FAMILIES, mean[SPLIT_FOLD] / FAMILIES);
    printf("| RAGTruth, three tasks at once | ROC | F1 at 0.5 |\n| --- | ---: | ---: |\n");
    static const char *const names[SPLITS] = { "shipped (saw it)", "family out", "task out", "folds" };
    for (int split = SPLITS - 1; split >= 0; split--) {
        size_t n = 0;
        for (size_t i = 0; i < nsamples; i++)
            if (samples[i].family == 0)
                p[n++] = (struct eval_point){ score[split][i], samples[i].bad };
        double f1 = eval_f1(p, n, 0.5);
        printf("| %s | %.3f | %.3f |\n", names[split], eval_roc(p, n), f1);
    }
    printf("\n| score (folds) | answers | not grounded |\n| --- | ---: | ---: |\n");
    for (int bin = 0; bin < 10; bin++) {
        double n = 0, bad = 0;
        for (size_t i = 0; i < nsamples; i++)
            if (samples[i].judged && score[SPLIT_FOLD][i] >= bin / 10.0 && score[SPLIT_FOLD][i] < (bin + 1) / 10.0 + (bin == 9))
                n++, bad += samples[i].bad;
        printf("| %.1f to %.1f | %.0f | %.2f |\n", bin / 10.0, (bin + 1) / 10.0, n, n > 0 ? bad / n : 0);
    }
    printf("\n| spans (RAGTruth, bytes) | precision | recall | F1 |\n| --- | ---: | ---: | ---: |\n");
    spans_print(a, argv[1], SPLIT_FOLD, w[SPLIT_FOLD], v[SPLIT_FOLD], false);
    spans_print(a, argv[1], SPLIT_SOURCE, w[SPLIT_SOURCE], v[SPLIT_SOURCE], false);
    spans_print(a, argv[1], SPLIT_NONE, w[SPLIT_NONE], v[SPLIT_NONE], false);
    spans_print(a, argv[1], SPLIT_FOLD, w[SPLIT_FOLD], v[SPLIT_FOLD], true);
    arena_free(a);
    return 0;
}
