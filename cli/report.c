/* SPDX-License-Identifier: Apache-2.0
 * `vigie report`: flagged responses and figures of a period, to read, print or take elsewhere. */
#include "base/parse.h"
#include "cli/verb.h"
#include "proxy/config.h"
#include "report/flagged.h"
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static bool time_of(const char *text, int64_t *us)
{
    uint64_t ms;
    if (parse_duration_ms(span_of(text), 366ull * 100 * 86400000, &ms)) {
        *us = ((int64_t)time(NULL) - (int64_t)(ms / 1000)) * 1000000;
        return true;
    }
    return parse_time_us(span_of(text), us);
}
/* Beside it first: what stood there goes only when the new one is whole. */
static int write_file(struct report_options *ro, const char *data, const char *path, struct troubles *t)
{
    struct stat st;
    bool is_file = stat(path, &st) != 0 || S_ISREG(st.st_mode); /* else a pipe or device, written as it is */
    const char *beside = is_file ? arena_printf(t->arena, "%s.part", path).at : path;
    int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600); /* it holds prompts */
    FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (!out) {
        trouble_add(t, path, 0, 0, "name a file that may be written", "cannot be written: %s", strerror(errno));
        return EXIT_TROUBLE;
    }
    ro->data = data;
    errno = 0;
    bool is_written = report_write(ro, out, t), is_bad = ferror(out);
    if (fclose(out) != 0 || is_bad) {
        trouble_add(t, path, 0, 0, "is the disk full?", "cannot be written whole: %s", errno ? strerror(errno) : "it ended early");
        is_written = false;
    } else if (!is_written && !t->n) {
        trouble_add(t, path, 0, 0, "vigie verify tells more", "the report could not be written whole");
    }
    if (is_file && is_written && rename(beside, path) != 0) {
        trouble_add(t, path, 0, 0, "name a file that may be written", "cannot be written: %s", strerror(errno));
        is_written = false;
    }
    if (is_file && !is_written)
        unlink(beside);
    return is_written ? EXIT_DONE : EXIT_TROUBLE;
}
static int run(int argc, char **argv)
{
    enum { DATA = 256, HTML, JSON, CSV, OUT, SINCE, UNTIL, ROUTE, LIMIT, LANG, NO_VERIFY };
    static const struct option options[] = {
        { "config", required_argument, NULL, 'c' }, { "data", required_argument, NULL, DATA }, { "html", no_argument, NULL, HTML }, { "json", no_argument, NULL, JSON }, { "csv", no_argument, NULL, CSV },
        { "out", required_argument, NULL, OUT }, { "since", required_argument, NULL, SINCE }, { "until", required_argument, NULL, UNTIL }, { "route", required_argument, NULL, ROUTE },
        { "limit", required_argument, NULL, LIMIT }, { "lang", required_argument, NULL, LANG }, { "no-verify", no_argument, NULL, NO_VERIFY }, { 0 },
    };
    const char *config_file = "vigie.yaml", *data = NULL, *out_file = NULL, *language = getenv("LANG");
    uint32_t limit = 0;
    unsigned forms = 0;
    struct report_options ro = { .form = REPORT_HTML, .verifies = true };
    int o;
    while ((o = option_next(argc, argv, ":c:", options, 0)) != -1)
        switch (o) {
        case 'c': config_file = optarg; break;
        case DATA: data = optarg; break;
        case HTML:
        case JSON:
        case CSV:
            if (forms & ~(1u << (o - HTML)))
                return trouble_say("keep one", "report: --html, --json and --csv");
            forms |= 1u << (o - HTML);
            ro.form = o == HTML ? REPORT_HTML : o == JSON ? REPORT_JSON : REPORT_CSV;
            break;
        case OUT: out_file = optarg; break;
        case ROUTE: ro.filter.route = span_of(optarg); break;
        case LANG:
            if (strcmp(optarg, "en") != 0 && strcmp(optarg, "fr") != 0)
                return trouble_say("fr or en", "report: --lang %s is not there", optarg);
            language = optarg;
            break;
        case NO_VERIFY: ro.verifies = false; break;
        case SINCE:
        case UNTIL:
            if (!time_of(optarg, o == SINCE ? &ro.filter.since_us : &ro.filter.until_us))
                return trouble_say("write 24h, 7d, 2026-11-24 or 2026-11-24T08:00:00Z", "report: --%s %s is no time", o == SINCE ? "since" : "until", optarg);
            break;
        case LIMIT:
            if (!parse_u32(span_of(optarg), 100000, &limit) || !limit)
                return trouble_say("from 1 to 100000", "report: --limit %s", optarg);
            break;
        default: return EXIT_TROUBLE;
        }
    if (ro.filter.since_us && ro.filter.until_us && ro.filter.since_us > ro.filter.until_us)
        return trouble_say("swap them", "report: --since is behind --until");
    if (optind < argc)
        return trouble_say("see vigie report --help", "report: it takes no argument '%s'", argv[optind]);
    ro.language = language && strncmp(language, "fr", 2) == 0 ? FRENCH : ENGLISH;
    ro.filter.limit = limit ? limit : ro.form == REPORT_HTML ? 50 : 100000000;
    struct arena *a = arena_new(64 << 20);
    struct troubles *t = arena_alloc(a, sizeof *t);
    t->arena = a;
    int status = EXIT_TROUBLE;
    if (!data)
        data = config_data(a, config_file, t);
    if (data && out_file)
        status = write_file(&ro, data, out_file, t);
    else if (data) {
        ro.data = data;
        if (report_write(&ro, stdout, t))
            status = EXIT_DONE;
        else if (!t->n && !ferror(stdout))
            trouble_add(t, NULL, 0, 0, "vigie verify tells more", "the report could not be written whole");
    }
    troubles_print(t, stderr);
    arena_free(a);
    return status;
}
const struct verb verb_report = {
    .name = "report", .doc = "flagged responses and figures of a period: HTML, JSON or CSV", .run = run,
    .help = "usage: vigie report [-c vigie.yaml | --data DIR] [--html | --json | --csv] [--since T] [--until T] [--route NAME] [--out FILE]\n"
            "\n"
            "What passed in a period, by route and rule, and the flagged, redacted and blocked exchanges with the reason for each; and whether the chain of\n"
            "records is whole. The HTML is one file with nothing from elsewhere, and prints on A4. Works beside a running vigie or without one.\n"
            "\n"
            "      --html         for reading (default), with --limit examples (50)\n"
            "      --json         figures, rules and flagged exchanges as one object\n"
            "      --csv          one flagged exchange a line\n"
            "      --since T      from then on: 24h, 7d, 2026-11-24, 2026-11-24T08:00:00Z\n"
            "      --until T      up to then\n"
            "      --route NAME   of one route\n"
            "      --lang fr|en   language of the HTML (else from LANG)\n"
            "      --limit N      at most so many exchanges shown\n"
            "      --no-verify    do not look at the whole chain\n"
            "      --out FILE     there instead of on standard output\n"
            "  -c, --config FILE  whose data folder to read; or name it with --data DIR\n"
            "\n"
            "examples:\n"
            "  vigie report --html --since 7d --out week.html\n"
            "  vigie report --csv --route assistant > flagged.csv\n"
            "\n"
            "exit status: 0 done, 2 trouble",
};
