/* SPDX-License-Identifier: Apache-2.0
 * eval_pattern DATA_DIR [-v]: the pattern check on DATA_DIR/patterns/dev.jsonl (located recall and false alarms, by kind) and, where there, on
 * ordinary answers in DATA_DIR/refusal and DATA_DIR/grounding (how many are flagged, by kind). Nothing here is trained. */
#include "tools/eval.h"

struct tally {
    char kind[48];
    unsigned bad, found, located, clean, alarms;
};
static struct tally rows[64];
static size_t nrows;
static struct tally *tally_of(const char *kind)
{
    for (size_t i = 0; i < nrows; i++)
        if (strcmp(rows[i].kind, kind) == 0)
            return &rows[i];
    struct tally *r = &rows[nrows < 63 ? nrows++ : 63];
    snprintf(r->kind, sizeof r->kind, "%s", kind);
    return r;
}
static bool located(struct jv spans, const struct findings *f, size_t len)
{
    if (jv_node(spans)->n == 0) { /* the end of the answer */
        for (size_t i = 0; i < f->n; i++)
            if (f->list[i].end + 2 >= len)
                return true;
        return false;
    }
    struct jv_walk w = jv_walk(spans);
    while (jv_next(&w)) {
        double a, b;
        if (!jv_number(jv_item(w.value, 0), &a) || !jv_number(jv_item(w.value, 1), &b))
            continue;
        for (size_t i = 0; i < f->n; i++)
            if (f->list[i].start < b && f->list[i].end > a)
                return true;
    }
    return false;
}
static void ordinary(const char *folder, const char *name, bool verbose)
{
    struct eval_file f;
    if (!eval_open(&f, folder, name))
        return;
    struct { const char *kind; unsigned n; } kinds[32];
    size_t nkinds = 0;
    unsigned n = 0, flagged = 0;
    double bytes = 0, spent = 0;
    struct arena *a = arena_new(64 << 20);
    for (struct span line; eval_line(&f, &line);) {
        struct json doc = { 0 };
        if (json_read(&doc, a, line)) {
            struct transcript *t = eval_transcript(a, json_root(&doc));
            struct findings out = { 0 };
            double start = eval_now();
            struct score s = check_pattern.score(&(struct check_env){ 0 }, t, ON_ANSWER, &out);
            spent += eval_now() - start;
            if (t->nanswer)
                bytes += (double)t->answer[0].text.len;
            n++;
            flagged += s.value >= 0.5;
            const char *last = NULL;
            for (size_t i = 0; i < out.n; i++) {
                if (verbose && t->answer[out.list[i].part].text.len)
                    printf("%s\t%.2f\t%.*s\t...%.*s\n", out.list[i].kind, out.list[i].score, (int)(out.list[i].end - out.list[i].start > 200 ? 200 : out.list[i].end - out.list[i].start),
                           t->answer[out.list[i].part].text.at + out.list[i].start,
                           (int)(out.list[i].start > 60 ? 60 : out.list[i].start), t->answer[out.list[i].part].text.at + out.list[i].start - (out.list[i].start > 60 ? 60 : out.list[i].start));
                if (out.list[i].kind == last)
                    continue;
                last = out.list[i].kind;
                size_t k = 0;
                while (k < nkinds && kinds[k].kind != last)
                    k++;
                if (k == nkinds && nkinds < 32)
                    kinds[nkinds].kind = last, kinds[nkinds++].n = 0;
                if (k < nkinds)
                    kinds[k].n++;
            }
        }
        arena_reset(a);
    }
    arena_free(a);
    printf("| %s | %u | %u (%.2f %%) | ", name, n, flagged, n ? 100.0 * flagged / n : 0);
    for (size_t k = 0; k < nkinds; k++)
        printf("%s%s %u", k ? ", " : "", kinds[k].kind, kinds[k].n);
    printf(" | %.1f |\n", bytes > 0 ? 1e6 * spent / (bytes / 1024) : 0);
    free(f.bytes);
}
int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: eval_pattern DATA_DIR [-v]\n");
        return 2;
    }
    bool verbose = argc > 2 && strcmp(argv[2], "-v") == 0;
    struct eval_file f;
    if (!eval_open(&f, argv[1], "patterns/dev.jsonl"))
        eval_missing("eval_pattern", argv[1], "patterns/dev.jsonl");
    struct arena *a = arena_new(64 << 20);
    struct eval_point points[4096];
    size_t npoints = 0;
    struct tally all = { 0 };
    for (struct span line; eval_line(&f, &line);) {
        struct json doc = { 0 };
        if (!json_read(&doc, a, line)) {
            fprintf(stderr, "eval_pattern: a line is not JSON: %s\n", doc.bad);
            return 2;
        }
        struct jv row = json_root(&doc);
        struct transcript *t = eval_transcript(a, row);
        struct findings out = { 0 };
        struct score s = check_pattern.score(&(struct check_env){ 0 }, t, ON_ANSWER, &out);
        bool bad = jv_text_is(jv_get(row, "label"), "bad");
        struct tally *r = tally_of(arena_text(a, jv_text(jv_get(row, "kind"), a)));
        bool flagged = s.value >= 0.5, at = flagged && bad && located(jv_get(row, "spans"), &out, t->answer[0].text.len);
        if (bad)
            r->bad++, r->found += flagged, r->located += at, all.bad++, all.found += flagged, all.located += at;
        else
            r->clean++, r->alarms += flagged, all.clean++, all.alarms += flagged;
        if (npoints < 4096)
            points[npoints++] = (struct eval_point){ s.value, bad };
        if (verbose && (bad ? !at : flagged)) {
            printf("%s %s\n", bad ? "MISSED" : "ALARM", arena_text(a, jv_text(jv_get(row, "id"), a)));
            for (size_t i = 0; i < out.n; i++)
                printf("   %s %u-%u %s\n", out.list[i].kind, out.list[i].start, out.list[i].end, out.list[i].why);
        }
        arena_reset(a);
    }
    arena_free(a);
    free(f.bytes);
    printf("| kind | bad | found | located | clean | alarms |\n| --- | ---: | ---: | ---: | ---: | ---: |\n");
    for (size_t i = 0; i < nrows; i++)
        printf("| %s | %u | %u | %u | %u | %u |\n", rows[i].kind, rows[i].bad, rows[i].found, rows[i].located, rows[i].clean, rows[i].alarms);
    printf("| all | %u | %u | %u | %u | %u |\n\nLocated recall %.3f, false alarms %.3f, ROC %.3f\n\n", all.bad, all.found, all.located, all.clean, all.alarms,
           all.bad ? (double)all.located / all.bad : 0, all.clean ? (double)all.alarms / all.clean : 0, eval_roc(points, npoints));
    printf("| ordinary answers | n | flagged | kinds | us/KB |\n| --- | ---: | ---: | --- | ---: |\n");
    static const char *const files[] = { "refusal/dev.jsonl", "refusal/weak.jsonl", "refusal/fr-dev.jsonl", "grounding/general.jsonl", "grounding/ragtruth.jsonl", "grounding/attribution.jsonl",
                                         "grounding/factcheck-bench.jsonl", "grounding/halueval-qa.jsonl", "grounding/begin-wow.jsonl", "grounding/summedits.jsonl", "grounding/bump.jsonl" };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        ordinary(argv[1], files[i], verbose);
    return 0;
}
