/* SPDX-License-Identifier: Apache-2.0
 * eval_spans: how well do secrets and pii find exact spans? eval_spans DATA_DIR [secrets.jsonl] prints Markdown tables:
 * precision, recall and F1 per kind of span (a finding counts when it shares a byte, and again when both ends agree),
 * false alarms on rows without any span and on ordinary texts, and the cost. -v also prints what was missed and what
 * was found wrongly, -m only one of the checks. Without the second argument the rows of secrets are made by
 * DATA_DIR/secrets/gen_secrets.py. Exit 2: data missing. */
#include "base/json.h"
#include "checks/check.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { KINDS_MOST = 64, LINE_MOST = 1 << 20 };
struct tally {
    char name[48];
    unsigned spans, overlap, strict, rows, alarms;
};
struct table {
    struct tally kinds[KINDS_MOST];
    size_t n;
    unsigned findings, right, exact;    /* all findings; sharing a byte with a span; with both ends */
};
static bool is_loud;

static struct tally *tally_of(struct table *t, struct span name)
{
    for (size_t i = 0; i < t->n; i++)
        if (span_is(name, t->kinds[i].name))
            return &t->kinds[i];
    if (t->n == KINDS_MOST)
        return &t->kinds[KINDS_MOST - 1];
    struct tally *fresh = &t->kinds[t->n++];
    memset(fresh, 0, sizeof *fresh);
    memcpy(fresh->name, name.at, name.len < sizeof fresh->name ? name.len : sizeof fresh->name - 1);
    return fresh;
}
struct range {
    size_t start, end;
    struct span kind;
};
static size_t ranges_read(struct jv list, struct arena *a, struct range *out, size_t most)
{
    size_t n = 0;
    for (struct jv_walk w = jv_walk(list); jv_next(&w) && n < most;) {
        uint64_t start, end;
        if (jv_u64(jv_item(w.value, 0), UINT32_MAX, &start) && jv_u64(jv_item(w.value, 1), UINT32_MAX, &end))
            out[n++] = (struct range){ start, end, jv_text(jv_item(w.value, 2), a) };
    }
    return n;
}
static struct findings look(const struct check *c, struct transcript *t, struct span text)
{
    struct findings f = { 0 };
    struct check_env env = { 0 };
    transcript_ask(t, ROLE_USER, PART_TEXT, 0, (struct span){ 0 }, text);
    c->score(&env, t, ON_PROMPT, &f);
    return f;
}

static bool eval_file(const struct check *c, FILE *in, struct table *by_kind, struct table *by_source)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t got;
    struct arena *a = arena_new(64 << 20);
    while ((got = getline(&line, &room, in)) > 0) {
        arena_reset(a);
        struct json doc;
        if (!json_read(&doc, a, (struct span){ line, (size_t)got }))
            return false;
        struct jv row = json_root(&doc);
        struct span text = jv_text(jv_get(row, "prompt"), a), source = jv_text(jv_get(row, "source"), a), id = jv_text(jv_get(row, "id"), a);
        struct range spans[128], ignore[128];
        size_t nspans = ranges_read(jv_get(row, "spans"), a, spans, 128), nignore = ranges_read(jv_get(row, "ignore"), a, ignore, 128);
        struct findings f = look(c, transcript_new(a, "plain"), text);
        unsigned wrong = 0;
        for (size_t i = 0; i < f.n; i++) {
            bool right = false, exact = false, ignored = false;
            for (size_t k = 0; k < nspans; k++) {
                right |= f.list[i].start < spans[k].end && f.list[i].end > spans[k].start;
                exact |= f.list[i].start == spans[k].start && f.list[i].end == spans[k].end;
            }
            for (size_t k = 0; k < nignore; k++)
                ignored |= f.list[i].start < ignore[k].end && f.list[i].end > ignore[k].start;
            if (!right && ignored)
                continue;
            by_kind->findings++;
            by_kind->right += right;
            by_kind->exact += exact;
            wrong += !right;
            if (is_loud && !right)
                printf("WRONG " SPAN_FMT " [%s] " SPAN_FMT "   IN %.*s\n", SPAN_ARG(id), f.list[i].kind, SPAN_ARG(span_cut(text, f.list[i].start, f.list[i].end)), (int)(text.len > 300 ? 300 : text.len), text.at);
        }
        struct tally *from = tally_of(by_source, source);
        from->rows++;
        from->alarms += wrong > 0;
        for (size_t k = 0; k < nspans; k++) {
            bool overlap = false, strict = false;
            for (size_t i = 0; i < f.n; i++) {
                overlap |= f.list[i].start < spans[k].end && f.list[i].end > spans[k].start;
                strict |= f.list[i].start == spans[k].start && f.list[i].end == spans[k].end;
            }
            struct tally *kind = tally_of(by_kind, spans[k].kind);
            kind->spans++;
            kind->overlap += overlap;
            kind->strict += strict;
            from->spans++;
            from->overlap += overlap;
            from->strict += strict;
            if (is_loud && !strict) {
                printf("%s " SPAN_FMT " <" SPAN_FMT "> " SPAN_FMT "   IN %.*s\n", overlap ? "INEXACT" : "MISSED", SPAN_ARG(id), SPAN_ARG(spans[k].kind), SPAN_ARG(span_cut(text, spans[k].start, spans[k].end)),
                       (int)(text.len > 300 ? 300 : text.len), text.at);
                if (overlap)
                    for (size_t i = 0; i < f.n; i++)
                        printf("    found [%s] " SPAN_FMT "\n", f.list[i].kind, SPAN_ARG(span_cut(text, f.list[i].start, f.list[i].end)));
            }
        }
    }
    free(line);
    arena_free(a);
    return true;
}
static double f1(double p, double r) { return p + r > 0 ? 2 * p * r / (p + r) : 0; }
static void print_table(const char *title, const struct table *by_kind, const struct table *by_source)
{
    unsigned spans = 0, overlap = 0, strict = 0;
    printf("\n### %s\n\n| kind | spans | recall, overlap | recall, strict |\n| --- | ---: | ---: | ---: |\n", title);
    for (size_t i = 0; i < by_kind->n; i++) {
        const struct tally *k = &by_kind->kinds[i];
        printf("| %s | %u | %.3f | %.3f |\n", k->name, k->spans, (double)k->overlap / k->spans, (double)k->strict / k->spans);
        spans += k->spans;
        overlap += k->overlap;
        strict += k->strict;
    }
    double n = by_kind->findings ? by_kind->findings : 1, m = spans ? spans : 1;
    printf("\n| all | P | R | F1 |\n| --- | ---: | ---: | ---: |\n| overlap | %.3f | %.3f | %.3f |\n| strict | %.3f | %.3f | %.3f |\n", by_kind->right / n, overlap / m, f1(by_kind->right / n, overlap / m), by_kind->exact / n,
           strict / m, f1(by_kind->exact / n, strict / m));
    printf("\n| source | rows | spans | recall | strict | rows with a wrong finding |\n| --- | ---: | ---: | ---: | ---: | ---: |\n");
    for (size_t i = 0; i < by_source->n; i++) {
        const struct tally *k = &by_source->kinds[i];
        printf("| %s | %u | %u | %.3f | %.3f | %u (%.1f %%) |\n", k->name, k->rows, k->spans, k->spans ? (double)k->overlap / k->spans : 0, k->spans ? (double)k->strict / k->spans : 0, k->alarms, 100.0 * k->alarms / k->rows);
    }
}
/* Ordinary texts: every string under these keys. */
static bool eval_ordinary(const struct check *c, const char *dir, const char *name)
{
    static const char *const keys[] = { "prompt", "response", "context", NULL };
    struct arena *a = arena_new(64 << 20);
    struct span path = arena_printf(a, "%s/%s", dir, name);
    FILE *in = fopen(arena_text(a, path), "r");
    if (!in) {
        arena_free(a);
        return false;
    }
    char *line = NULL;
    size_t room = 0;
    ssize_t got;
    unsigned texts = 0, alarms = 0, timed = 0;
    uint64_t bytes = 0, ns = 0;
    while ((got = getline(&line, &room, in)) > 0) {
        arena_reset(a);
        struct json doc;
        if (!json_read(&doc, a, (struct span){ line, (size_t)got }))
            continue;
        for (size_t k = 0; keys[k]; k++) {
            struct span text = jv_text(jv_get(json_root(&doc), keys[k]), a);
            if (!text.len)
                continue;
            struct timespec before, after;
            struct findings f = look(c, transcript_new(a, "plain"), text);
            /* as one text of 2 KB and more, so that neither the clock nor setting up is what is measured */
            if (text.len >= 2048 && timed < 400) {
                timed++;
                clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
                for (int again = 0; again < 8; again++)
                    look(c, transcript_new(a, "plain"), text);
                clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
                ns += (uint64_t)((after.tv_sec - before.tv_sec) * 1000000000L + after.tv_nsec - before.tv_nsec) / 8;
                bytes += text.len;
            }
            texts++;
            alarms += f.n > 0;
            if (is_loud)
                for (size_t i = 0; i < f.n; i++) {
                    size_t s = f.list[i].start, e = f.list[i].end, from = s > 60 ? s - 60 : 0, to = e + 40 < text.len ? e + 40 : text.len;
                    printf("ORDINARY [%s %.2f] %.*s>>>%.*s<<<%.*s\n", f.list[i].kind, f.list[i].score, (int)(s - from), text.at + from, (int)(e - s), text.at + s, (int)(to - e), text.at + e);
                }
        }
    }
    printf("| %s | %u | %u (%.2f %%) | %.2f |\n", name, texts, alarms, texts ? 100.0 * alarms / texts : 0, bytes ? (double)ns / 1000 / ((double)bytes / 1024) : 0);
    free(line);
    fclose(in);
    arena_free(a);
    return true;
}
int main(int argc, char **argv)
{
    const char *dir = NULL, *rows = NULL, *only = NULL;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-v") == 0)
            is_loud = true;
        else if (strcmp(argv[i], "-m") == 0 && i + 1 < argc)
            only = argv[++i];
        else if (!dir)
            dir = argv[i];
        else
            rows = argv[i];
    }
    if (!dir) {
        fprintf(stderr, "eval_spans: which data? eval_spans [-v] [-m secrets|pii] DATA_DIR [secrets.jsonl]\n");
        return 2;
    }
    struct arena *a = arena_new(1 << 20);
    static const char *const ordinary[] = { "refusal/dev.jsonl", "refusal/weak.jsonl", "injection/benign.jsonl", "grounding/general.jsonl", "grounding/ragtruth.jsonl", "scope/banking77-oos.jsonl", "scope/clinc150.jsonl", "scope/banque-fr.jsonl" };
    for (int pass = 0; pass < 2; pass++) {
        const struct check *c = pass ? &check_pii : &check_secrets;
        if (only && strcmp(only, c->name) != 0)
            continue;
        static struct table by_kind, by_source;
        memset(&by_kind, 0, sizeof by_kind);
        memset(&by_source, 0, sizeof by_source);
        if (pass == 0) {
            FILE *in;
            if (rows) {
                in = fopen(rows, "r");
            } else {
                const char *command = arena_printf(a, "exec python3 '%s/secrets/gen_secrets.py'", dir).at;
                in = strchr(dir, '\'') ? NULL : popen(command, "r");
            }
            if (!in || !eval_file(c, in, &by_kind, &by_source) || !by_source.n) {
                fprintf(stderr, "eval_spans: no rows of secrets: give a file, or a DATA_DIR with secrets/gen_secrets.py\n");
                return 2;
            }
            rows ? fclose(in) : pclose(in);
            print_table("secrets", &by_kind, &by_source);
        } else {
            static const char *const files[] = { "pii/pii.jsonl", "pii/fr.jsonl" };
            for (size_t i = 0; i < 2; i++) {
                memset(&by_kind, 0, sizeof by_kind);
                memset(&by_source, 0, sizeof by_source);
                FILE *in = fopen(arena_printf(a, "%s/%s", dir, files[i]).at, "r");
                if (!in || !eval_file(c, in, &by_kind, &by_source)) {
                    fprintf(stderr, "eval_spans: %s/%s: not there or not JSON Lines\n", dir, files[i]);
                    return 2;
                }
                fclose(in);
                print_table(files[i], &by_kind, &by_source);
            }
        }
        printf("\n| ordinary texts (%s) | texts | with a finding | µs/KB (texts of 2 KB and more) |\n| --- | ---: | ---: | ---: |\n", c->name);
        for (size_t i = 0; i < sizeof ordinary / sizeof *ordinary; i++)
            if (!eval_ordinary(c, dir, ordinary[i])) {
                fprintf(stderr, "eval_spans: %s/%s: not there\n", dir, ordinary[i]);
                return 2;
            }
    }
    arena_free(a);
    return 0;
}
