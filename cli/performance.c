/* SPDX-License-Identifier: Apache-2.0
 * `vigie performance`: how well a classifier does, chunk by chunk, before its labels come. Reads the file; checks/drift does the work. */
#include "base/parse.h"
#include "checks/drift/performance.h"
#include "cli/drift_file.h"
#include "cli/verb.h"
#include <getopt.h>
#include <stdio.h>

static int run(int argc, char **argv)
{
    static const struct option options[] = {
        { "stream", required_argument, NULL, 'f' }, { "warmup", required_argument, NULL, 'w' }, { "chunk", required_argument, NULL, 'n' },
        { "text", no_argument, NULL, 't' }, { "json", no_argument, NULL, 'j' }, { NULL, 0, NULL, 0 },
    };
    const char *path = NULL;
    uint32_t warmup = 0, chunk = 0;
    bool is_text = false, is_json = false;
    for (int c; (c = option_next(argc, argv, ":", options, 0)) != -1;)
        switch (c) {
        case 'f': path = optarg; break;
        case 'w':
            if (!parse_u32(span_of(optarg), DRIFT_ROWS_MOST, &warmup) || !warmup)
                return trouble_say("give a number of lines", "performance: --warmup '%s' is not one", optarg);
            break;
        case 'n':
            if (!parse_u32(span_of(optarg), DRIFT_ROWS_MOST, &chunk) || chunk < 10)
                return trouble_say("give a number of lines, 10 at least", "performance: --chunk '%s' is not one", optarg);
            break;
        case 't': is_text = true; break;
        case 'j': is_json = true; break;
        default: return EXIT_TROUBLE;
        }
    if (optind < argc)
        return trouble_say("vigie performance --stream FILE --warmup N --chunk N", "performance: '%s' is one too many", argv[optind]);
    if (!path || !warmup || !chunk)
        return trouble_say("vigie performance --stream FILE --warmup N --chunk N", "performance: %s is missing", !path ? "--stream" : !warmup ? "--warmup" : "--chunk");
    if (is_text && is_json)
        return trouble_say("keep one", "performance: --text and --json");
    struct arena *a = arena_new((size_t)8 << 30);
    struct drift_lines lines;
    struct performance_report report;
    int status = EXIT_TROUBLE;
    if (read_lines(a, path, &lines)) {
        const char *why = performance(a, &lines, warmup, chunk, &report);
        if (why) {
            trouble_say("lines are {\"score\", \"prediction\", \"label\", \"group\"?}, in order of time", "%s: %s", path, why);
        } else {
            struct buf out = { 0 };
            if (is_text)
                performance_text(&report, &out);
            else
                performance_json(&report, &out);
            fwrite(out.bytes, 1, out.len, stdout);
            buf_free(&out);
            status = EXIT_DONE;
        }
    }
    arena_free(a);
    return status;
}

const struct verb verb_performance = {
    .name = "performance",
    .doc = "how well a classifier does, estimated before its labels come",
    .help = "usage: vigie performance --stream FILE --warmup N --chunk N [options]\n\n"
            "The stream is JSON Lines in order of time: {\"score\", \"prediction\", \"label\", \"group\"?}; - is standard input. The first N lines of the warm-up have labels and say how scores\n"
            "and truth go together. Each chunk after it gets an estimate of accuracy and ROC AUC from its scores alone, with an interval for what will be realised;\n"
            "where labels are there, what was realised stands beside it, for each group too. Labels after the warm-up are never used by the estimate.\n\n"
            "Assumed: labels follow the scores as they did in the warm-up. When they no longer do (concept drift) the estimate does not see it.\n\n"
            "  --text    a table for people; --json is the default\n\n"
            "exit status: 0 done, 2 trouble\n\n"
            "examples:\n"
            "  vigie performance --stream outcomes.jsonl --warmup 500 --chunk 300 --text",
    .run = run,
};
