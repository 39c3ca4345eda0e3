/* SPDX-License-Identifier: Apache-2.0
 * `vigie drift`: compares two samples, or watches a stream in order. Reads the files; checks/drift does the work. */
#include "base/parse.h"
#include "cli/drift_file.h"
#include "checks/drift/stream.h"
#include "cli/verb.h"
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

enum { FILE_MOST = 1 << 30 };

static bool read_whole(struct arena *a, const char *path, struct span *out)
{
    bool is_stdin = strcmp(path, "-") == 0;
    FILE *f = is_stdin ? stdin : fopen(path, "rb");
    if (!f) {
        trouble_say("give a file of JSON Lines, or CSV with a header", "%s: %s", path, strerror(errno));
        return false;
    }
    struct buf *b = arena_alloc(a, sizeof *b);
    b->cap = FILE_MOST;
    arena_defer(a, (void (*)(void *))buf_free, b);
    size_t n = 1;
    while (n && !b->failed) {
        char *to = buf_reserve(b, 1 << 16);
        n = to ? fread(to, 1, 1 << 16, f) : 0;
        b->len += n;
    }
    bool is_bad = ferror(f);
    int why = errno;
    if (!is_stdin)
        fclose(f);
    if (is_bad || b->failed) {
        trouble_say(is_bad ? "give a file of JSON Lines, or CSV with a header" : "compare a part of it", "%s: %s", path,
                    is_bad ? strerror(why) : "larger than 1 GiB");
        return false;
    }
    *out = buf_span(b);
    return true;
}

bool read_lines(struct arena *a, const char *path, struct drift_lines *out)
{
    struct span content;
    struct troubles t = { .arena = a };
    if (!read_whole(a, path, &content))
        return false;
    bool is_read = drift_read(a, strcmp(path, "-") == 0 ? "(standard input)" : path, content, out, &t);
    troubles_print(&t, stderr); /* warnings too */
    return is_read;
}

static int compare(struct arena *a, const char *reference, const char *current, const struct drift_options *o, bool is_text)
{
    struct drift_lines before, after;
    bool is_read = read_lines(a, reference, &before);
    if (!read_lines(a, current, &after) || !is_read) /* the second one's troubles too */
        return EXIT_TROUBLE;
    struct drift_sample *r = drift_sample_new(a), *c = drift_sample_new(a);
    for (size_t i = 0; i < before.n; i++)
        drift_sample_line(r, &before.list[i]);
    for (size_t i = 0; i < after.n; i++)
        drift_sample_line(c, &after.list[i]);
    struct drift_report report;
    drift_compare(a, r, c, o, &report);
    struct buf out = { 0 };
    if (is_text)
        drift_report_text(&report, &out);
    else
        drift_report_json(&report, &out), buf_add_char(&out, '\n');
    fwrite(out.bytes, 1, out.len, stdout);
    buf_free(&out);
    return report.is_drift ? EXIT_NO : EXIT_DONE;
}

static int stream(struct arena *a, const char *path, uint32_t warmup, double alpha, uint32_t seed, bool is_text)
{
    struct drift_lines lines;
    if (!read_lines(a, path, &lines))
        return EXIT_TROUBLE;
    if (warmup < DRIFT_LEAST || warmup >= lines.n)
        return trouble_say("the first lines are the baseline: leave some to watch", "--warmup must be at least %d and less than the %zu lines of %s",
                           DRIFT_LEAST, lines.n, path);
    struct drift_stream_report report;
    drift_stream(a, &lines, &(struct drift_stream_options){ .warmup = warmup, .alpha = alpha, .seed = seed }, &report);
    struct buf out = { 0 };
    if (is_text)
        drift_stream_text(&report, &out);
    else
        drift_stream_json(&report, &out), buf_add_char(&out, '\n');
    fwrite(out.bytes, 1, out.len, stdout);
    buf_free(&out);
    return report.nalarms ? EXIT_NO : EXIT_DONE;
}

static int run(int argc, char **argv)
{
    static const struct option options[] = {
        { "alpha", required_argument, NULL, 'a' }, { "seed", required_argument, NULL, 's' }, { "least-effect", required_argument, NULL, 'e' },
        { "stream", required_argument, NULL, 'f' }, { "warmup", required_argument, NULL, 'w' }, { "text", no_argument, NULL, 't' },
        { "json", no_argument, NULL, 'j' }, { NULL, 0, NULL, 0 },
    };
    double alpha = 0, effect = 0;
    uint32_t seed = 1, warmup = 0;
    const char *path = NULL;
    bool is_text = false, is_json = false, has_warmup = false;
    for (int c; (c = option_next(argc, argv, ":", options, 0)) != -1;)
        switch (c) {
        case 'a':
            if (!parse_double(span_of(optarg), &alpha) || alpha <= 0 || alpha >= 1)
                return trouble_say("0.05 is usual", "drift: --alpha must lie between 0 and 1, not '%s'", optarg);
            break;
        case 'e':
            if (!parse_double(span_of(optarg), &effect) || effect < 0 || effect > 1)
                return trouble_say("0.05 asks for a difference of five in a hundred", "drift: --least-effect must lie in 0 to 1, not '%s'", optarg);
            break;
        case 's':
            if (!parse_u32(span_of(optarg), UINT32_MAX, &seed))
                return trouble_say("give a whole number", "drift: --seed '%s' is not one", optarg);
            break;
        case 'w':
            if (!parse_u32(span_of(optarg), DRIFT_ROWS_MOST, &warmup))
                return trouble_say("give a number of lines", "drift: --warmup '%s' is not one", optarg);
            has_warmup = true;
            break;
        case 'f':
            path = optarg;
            break;
        case 't':
            is_text = true;
            break;
        case 'j':
            is_json = true;
            break;
        default:
            return EXIT_TROUBLE;
        }
    int given = argc - optind;
    if (path ? given != 0 : given != 2)
        return trouble_say("vigie drift REFERENCE CURRENT, or vigie drift --stream FILE --warmup N",
                           path ? "drift: --stream takes one file and no others" : "drift: two samples are needed, %d given", given);
    if (!path && has_warmup)
        return trouble_say("the first N lines of one file: vigie drift --stream FILE --warmup N", "drift: --warmup goes with --stream");
    if (!path && alpha > 0 && alpha < 0.0001)
        return trouble_say("from 0.0001 on", "drift: --alpha %g is finer than the divisions of two samples can tell", alpha);
    if (path && effect > 0)
        return trouble_say("leave it out", "drift: --least-effect is for two samples, not for --stream");
    if (is_text && is_json)
        return trouble_say("keep one", "drift: --text and --json");
    if (!path && strcmp(argv[optind], "-") == 0 && strcmp(argv[optind + 1], "-") == 0)
        return trouble_say("put one of them into a file", "drift: both samples are standard input");
    if (path && !warmup)
        return trouble_say("say how many lines at the start are the baseline: --warmup N", "drift: --stream needs --warmup");
    struct arena *a = arena_new((size_t)8 << 30);
    int status = path ? stream(a, path, warmup, alpha > 0 ? alpha : 0.01, seed, is_text)
                      : compare(a, argv[optind], argv[optind + 1], &(struct drift_options){ .alpha = alpha > 0 ? alpha : 0.05, .seed = seed, .least_effect = effect }, is_text);
    arena_free(a);
    return status;
}

const struct verb verb_drift = {
    .name = "drift",
    .doc = "compares two samples, or watches a stream in order",
    .help = "usage: vigie drift REFERENCE CURRENT [options]\n"
            "       vigie drift --stream FILE --warmup N [options]\n\n"
            "Has CURRENT moved away from REFERENCE? Each is JSON Lines with \"prompt\" and/or \"response\" (or \"features\"), or CSV\n"
            "with a header; - is standard input. p is the p-value of the whole question, adjusted for everything tried.\n"
            "A stream is read in its order: its first N lines are the baseline; without drift it raises any alarm at all with a\n"
            "chance of at most alpha, however long it is.\n\n"
            "  --alpha A         chance of a false alarm (0.05; streams 0.01)\n"
            "  --least-effect E  drift only if something moved by this much, 0 to 1 (0: however little)\n"
            "  --seed N          of the random divisions; the same seed gives the same answer (1)\n"
            "  --text            a table for people; --json is the default\n\n"
            "exit status: 0 no drift, 1 drift, 2 trouble\n\n"
            "  vigie drift last-month.jsonl today.jsonl --text\n"
            "  vigie drift training.csv today.csv --alpha 0.01 --least-effect 0.05\n"
            "  vigie drift --stream traffic.jsonl --warmup 500",
    .run = run,
};
