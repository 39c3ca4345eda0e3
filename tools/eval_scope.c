/* SPDX-License-Identifier: Apache-2.0
 * eval_scope DATA_DIR: the scope check on every task in DATA_DIR/scope (TASK.json, TASK.jsonl): ROC by kind, PR, F1 and false alarms at 0.5,
 * training and judging time; once more with 10 examples an intent (at least 80 in all), and each signal alone. Tasks are disjoint from one
 * another and examples from prompts, but the check's constants were chosen looking at these tasks' judged prompts: the figures flatter it. */
#include "tools/eval.h"
#include "checks/scope_parts.h"

static struct scope *train(const char *folder, const char *task, uint32_t most_each, double *seconds, uint32_t *n)
{
    char name[300];
    struct eval_file f;
    snprintf(name, sizeof name, "scope/%s.json", task);
    if (!eval_open(&f, folder, name))
        eval_missing("eval_scope", folder, name);
    struct arena *a = arena_new(SIZE_MAX / 2);
    struct json doc = { 0 };
    if (!json_read(&doc, a, (struct span){ f.bytes, f.len })) {
        fprintf(stderr, "eval_scope: %s is not JSON: %s\n", name, doc.bad);
        exit(2);
    }
    struct jv root = json_root(&doc);
    struct scope_source s = { .name = jv_text(jv_get(root, "name"), a), .description = jv_text(jv_get(root, "description"), a) };
    struct jv intents = jv_get(root, "intents");
    s.intents = arena_alloc(a, (jv_node(intents)->n + 1) * sizeof *s.intents);
    struct jv_walk w = jv_walk(intents);
    *n = 0;
    uint32_t each = most_each && most_each * jv_node(intents)->n < 80 ? 80 / jv_node(intents)->n : most_each;
    while (jv_next(&w)) {
        struct scope_intent *i = &s.intents[s.nintents++];
        i->name = jv_text(w.key, a);
        i->examples = arena_alloc(a, (jv_node(w.value)->n + 1) * sizeof *i->examples);
        struct jv_walk e = jv_walk(w.value);
        uint32_t all = jv_node(w.value)->n, at = 0, step = each && all > each ? all / each : 1;
        while (jv_next(&e))
            if (at++ % step == 0 && (!each || i->n < each))
                i->examples[i->n++] = jv_text(e.value, a), ++*n;
    }
    const char *why;
    double start = eval_now();
    struct scope *scope = scope_train(&s, &why);
    *seconds = eval_now() - start;
    if (!scope) {
        fprintf(stderr, "eval_scope: %s: %s\n", task, why);
        exit(2);
    }
    arena_free(a);
    free(f.bytes);
    return scope;
}
enum { MOST = 20000 };
static struct eval_point points[MOST], part[MOST];
static char kinds[MOST];
static double signals[MOST][SIGNALS];
static int compare_time(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}
static double roc_of(size_t n, char kind)
{
    size_t m = 0;
    for (size_t i = 0; i < n; i++)
        if (kinds[i] == 'i' || !kind || kinds[i] == kind)
            part[m++] = points[i];
    return eval_roc(part, m);
}
int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: eval_scope DATA_DIR [-v]\n");
        return 2;
    }
    static const char *const tasks[] = { "clinc150", "clinc-banking", "banking77-oos", "banque-fr" };
    bool verbose = argc > 2;
    for (int few = 0; few < 2; few++) {
        printf("%s\n\n| task | examples | ROC | near | far | PR | F1 at 0.5 | false alarms | train s | judge us (median) | near alone | intents | novelty | background |\n"
               "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n", few ? "\nTen examples an intent (80 at least)" : "All examples");
        double mean_roc = 0, mean_f1 = 0;
        for (size_t k = 0; k < sizeof tasks / sizeof *tasks; k++) {
            double seconds;
            uint32_t examples;
            struct scope *s = train(argv[1], tasks[k], few ? 10 : 0, &seconds, &examples);
            char name[300];
            snprintf(name, sizeof name, "scope/%s.jsonl", tasks[k]);
            struct eval_file f;
            if (!eval_open(&f, argv[1], name))
                eval_missing("eval_scope", argv[1], name);
            struct arena *a = arena_new(64 << 20);
            size_t n = 0;
            static double times[MOST];
            double alarms = 0, in = 0;
            for (struct span line; eval_line(&f, &line) && n < MOST;) {
                struct json doc = { 0 };
                if (!json_read(&doc, a, line))
                    continue;
                struct jv row = json_root(&doc);
                struct transcript *t = eval_transcript(a, row);
                struct findings out = { 0 };
                double start = eval_now();
                struct score x = check_scope.score(&(struct check_env){ .scope = s }, t, ON_PROMPT, &out);
                times[n] = eval_now() - start;
                bool bad = jv_text_is(jv_get(row, "label"), "out");
                points[n] = (struct eval_point){ x.value, bad };
                kinds[n] = jv_text(jv_get(row, "kind"), a).at[0];
                alarms += !bad && x.value >= 0.5;
                in += !bad;
                struct scope_vector v;
                const struct words *w = part_words(a, &t->prompt[0]);
                scope_vector_read(a, w, 0, w->n, &v);
                scope_vector_weigh(s, &v, false);
                scope_signals(s, a, &v, SCOPE_UNKNOWN, signals[n], NULL);
                if (verbose && (bad ? x.value < 0.3 : x.value > 0.9))
                    printf("%s %.2f %.2f %.2f %.2f %.2f %s\n", bad ? "OUT" : "IN", x.value, signals[n][0], signals[n][1], signals[n][2], signals[n][3], arena_text(a, t->prompt[0].text));
                n++;
                arena_reset(a);
            }
            qsort(times, n, sizeof *times, compare_time);
            double f1 = eval_f1(points, n, 0.5);
            double roc = roc_of(n, 0), near = roc_of(n, 'n'), far = roc_of(n, 'f');
            memcpy(part, points, n * sizeof *part);
            double pr = eval_pr(part, n);
            printf("| %s | %u | %.3f | %.3f | %.3f | %.3f | %.3f | %.1f %% | %.2f | %.0f |", tasks[k], examples, roc, near, far, pr, f1, 100 * alarms / in, seconds, 1e6 * times[n / 2]);
            for (int q = 0; q < SIGNALS; q++) {
                for (size_t i = 0; i < n; i++)
                    part[i] = (struct eval_point){ signals[i][q], points[i].bad };
                printf(" %.3f |", eval_roc(part, n));
            }
            printf("\n");
            mean_roc += roc;
            mean_f1 += f1;
            arena_free(a);
            free(f.bytes);
            scope_free(s);
        }
        printf("| mean | | %.3f | | | | %.3f | | | | | | | |\n", mean_roc / 4, mean_f1 / 4);
    }
    return 0;
}
