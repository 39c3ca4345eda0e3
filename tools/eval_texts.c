/* SPDX-License-Identifier: Apache-2.0
 *
 * eval_texts DATA_DIR [refusal|injection]: how well the text models do on sources that they did not see, as Markdown.
 * Every source is left out once: a model is trained on the others and judges it. What is printed is about those
 * judgements; the built-in weights are trained on all sources and cannot be measured on them.
 */
#include "tools/texts.h"

struct judged {
    double p;
    bool is_so;
};
static int by_p(const void *x, const void *y)
{
    const struct judged *a = x, *b = y;
    return a->p < b->p ? -1 : a->p > b->p;
}
struct figures {
    double roc, f1, precision, recall, recall_1;
    size_t yes, no;
};
/* ROC area with ties halved; the rest at 0.5; recall_1 at the threshold that 1 % of the noes pass. */
static struct figures measure(struct arena *a, const struct judged *in, size_t n)
{
    struct judged *j = arena_alloc(a, (n + 1) * sizeof *j);
    memcpy(j, in, n * sizeof *j);
    qsort(j, n, sizeof *j, by_p);
    struct figures f = { 0 };
    double rank = 0, area = 0;
    size_t hit = 0, wrong = 0;
    for (size_t i = 0; i < n; i++) {
        f.yes += j[i].is_so;
        f.no += !j[i].is_so;
        hit += j[i].is_so && j[i].p >= 0.5;
        wrong += !j[i].is_so && j[i].p >= 0.5;
    }
    for (size_t i = 0; i < n;) {
        size_t k = i, yes = 0, no = 0;
        while (k < n && j[k].p == j[i].p) {
            yes += j[k].is_so;
            no += !j[k].is_so;
            k++;
        }
        area += (double)yes * (rank + (double)no / 2);
        rank += (double)no;
        i = k;
    }
    f.roc = f.yes && f.no ? area / ((double)f.yes * (double)f.no) : NAN;
    f.precision = hit + wrong ? (double)hit / (double)(hit + wrong) : NAN;
    f.recall = f.yes ? (double)hit / (double)f.yes : NAN;
    f.f1 = hit ? 2 * (double)hit / (double)(2 * hit + wrong + (f.yes - hit)) : 0;
    size_t allowed = f.no / 100, passed = 0, caught = 0;
    for (size_t i = n; i-- > 0;) {
        passed += !j[i].is_so;
        if (passed > allowed)
            break;
        caught += j[i].is_so;
    }
    f.recall_1 = f.yes ? (double)caught / (double)f.yes : NAN;
    return f;
}
static void cell(double x)
{
    if (isnan(x))
        printf(" – |");
    else
        printf(" %.3f |", x);
}

static bool report(enum model which, const char *folder)
{
    struct arena *a = arena_new((size_t)8 << 30);
    struct texts t = { .a = a };
    if (!texts_read(&t, which, folder)) {
        arena_free(a);
        return false;
    }
    texts_prepare(&t);
    struct learn_settings s = texts_settings(which);
    struct judgements j;
    texts_leave_out(&t, s, &j);
    struct learned scale = { .slope = 1 };
    texts_calibrate(&t, &j, &scale);

    struct judged *some = arena_alloc(a, (j.n + 1) * sizeof *some);
    printf("## %s\n\n%zu texts, 2^%u weights, %u named; calibration %.3f × sum %+.3f\n\n", model_names[which], t.n, s.bits, s.named, (double)scale.slope, (double)scale.shift);
    printf("| source left out | yes | no | ROC within | ROC against kept-back noes | recall at 1 %% of them | recall at 0.5 | its noes flagged at 0.5 | F1 at 0.5 within |\n"
           "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n");
    double roc = 0, recall_1 = 0, within = 0, recall = 0;
    size_t sources = 0, within_n = 0;
    for (uint32_t g = 0; g < t.ngroups; g++) {
        if (t.is_ours[g])
            continue;
        size_t k = 0, m = 0, flagged = 0;
        for (size_t i = 0; i < j.n; i++) {
            const struct text *x = &t.list[j.list[i].text];
            if (j.list[i].left_out == g && x->group == g) {
                some[k++] = (struct judged){ j.list[i].p, x->is_so };
                flagged += !x->is_so && j.list[i].p >= 0.5;
            }
        }
        struct figures own = measure(a, some, k);
        for (size_t i = 0; i < j.n; i++)
            if (j.list[i].left_out == g && (t.list[j.list[i].text].is_so || t.list[j.list[i].text].group != g))
                some[m++] = (struct judged){ j.list[i].p, t.list[j.list[i].text].is_so };
        struct figures wide = measure(a, some, m);
        printf("| %s | %zu | %zu |", t.group[g], own.yes, own.no);
        cell(own.roc);
        cell(own.yes ? wide.roc : NAN);
        cell(own.yes ? wide.recall_1 : NAN);
        cell(own.recall);
        cell(own.no ? (double)flagged / (double)own.no : NAN);
        cell(own.yes && own.no ? own.f1 : NAN);
        printf("\n");
        if (own.yes) {
            roc += wide.roc;
            recall_1 += wide.recall_1;
            recall += own.recall;
            sources++;
        }
        if (own.yes && own.no) {
            within += own.roc;
            within_n++;
        }
    }
    size_t n = 0, kept = 0, kept_flagged = 0;
    for (size_t i = 0; i < j.n; i++) { /* each "yes" once, and the noes of known sources that were kept back */
        const struct text *x = &t.list[j.list[i].text];
        if (x->is_so || x->group != j.list[i].left_out)
            some[n++] = (struct judged){ j.list[i].p, x->is_so };
        if (!x->is_so && x->group != j.list[i].left_out) {
            kept++;
            kept_flagged += j.list[i].p >= 0.5;
        }
    }
    struct figures f = measure(a, some, n);
    printf("\nMean over sources with both: ROC within %.3f. Mean over sources with yes: ROC %.3f, recall at 1 %% %.3f, recall at 0.5 %.3f. "
           "Kept-back noes of known sources flagged at 0.5: %.4f.\n",
           within_n ? within / (double)within_n : NAN, roc / (double)sources, recall_1 / (double)sources, recall / (double)sources, (double)kept_flagged / (double)kept);
    printf("All together: ROC %.3f, recall at 1 %% %.3f, recall at 0.5 %.3f.\n\n", f.roc, f.recall_1, f.recall);
    const char *file = getenv("VIGIE_JUDGED"); /* every judgement, for reading what went wrong */
    if (file) {
        char path[512];
        snprintf(path, sizeof path, "%s-%s.tsv", file, model_names[which]);
        FILE *out = fopen(path, "w");
        for (size_t i = 0; out && i < j.n; i++) {
            const struct text *x = &t.list[j.list[i].text];
            fprintf(out, "%.4f\t%d\t%s\t%d\t", j.list[i].p, x->is_so, t.group[x->group], x->group == j.list[i].left_out);
            for (size_t k = 0; k < x->text.len && k < 400; k++)
                fputc(x->text.at[k] == '\n' || x->text.at[k] == '\t' ? ' ' : x->text.at[k], out);
            fputc('\n', out);
        }
        if (out)
            fclose(out);
    }
    arena_free(a);
    return true;
}

int main(int argc, char **argv)
{
    if (argc < 2 || argc > 3) {
        fprintf(stderr, "usage: eval_texts DATA_DIR [refusal|injection]\n");
        return 2;
    }
    for (int which = 0; which < MODELS; which++)
        if (argc < 3 || !strcmp(argv[2], model_names[which]))
            if (!report((enum model)which, argv[1]))
                return 2;
    return 0;
}
