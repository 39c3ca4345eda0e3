/* SPDX-License-Identifier: Apache-2.0
 * `vigie check`: do the configuration and its rules compile? All problems at once; optionally what came of it. */
#include "base/buf.h"
#include "cli/verb.h"
#include "proxy/config.h"
#include <getopt.h>
#include <stdlib.h>

static void print_json(const struct troubles *t, bool fine)
{
    struct buf out = { 0 };
    buf_printf(&out, "{\"fine\": %s, \"errors\": %u, \"problems\": [", fine ? "true" : "false", t->errors);
    for (unsigned i = 0; i < t->n; i++) {
        const struct trouble *x = &t->list[i];
        buf_printf(&out, "%s{\"file\": ", i ? ", " : "");
        if (x->file) {
            buf_add_char(&out, '"');
            buf_add_json(&out, span_of(x->file));
            buf_add_char(&out, '"');
        } else
            buf_add_text(&out, "null");
        buf_printf(&out, ", \"line\": %u, \"column\": %u, \"warning\": %s, \"what\": \"", x->line, x->column, x->is_warning ? "true" : "false");
        buf_add_json(&out, span_of(x->what));
        buf_add_text(&out, "\", \"hint\": \"");
        buf_add_json(&out, span_of(x->hint));
        buf_add_text(&out, "\"}");
    }
    buf_printf(&out, "], \"not_shown\": %u}\n", t->dropped);
    fwrite(out.bytes, 1, out.len, stdout);
    buf_free(&out);
}

static int run(int argc, char **argv)
{
    enum { PRINT = 256, JSON };
    static const struct option known[] = {
        { "config", required_argument, NULL, 'c' }, { "print", no_argument, NULL, PRINT }, { "json", no_argument, NULL, JSON }, { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    const char *file = "vigie.yaml";
    bool print = false, json = false;
    int o;
    while ((o = option_next(argc, argv, ":hc:", known, 0)) != -1) {
        switch (o) {
        case 'c': file = optarg; break;
        case PRINT: print = true; break;
        case JSON: json = true; break;
        case 'h': puts(verb_check.help); return EXIT_DONE;
        default: return EXIT_TROUBLE;
        }
    }
    if (optind < argc)
        file = argv[optind++];
    if (optind < argc)
        return trouble_say("one file: vigie check -c vigie.yaml", "check: '%s' is one too many", argv[optind]);
    struct arena *a = arena_new(16 << 20);
    struct troubles t = { .arena = a };
    struct config *config = config_load(file, (struct span){ 0 }, &t);
    bool fine = config && !t.errors;
    troubles_sort(&t);
    if (json)
        print_json(&t, fine);
    else
        troubles_print(&t, stderr);
    if (fine && print)
        config_print(config, stdout);
    else if (fine && !json) {
        size_t rules = 0;
        for (size_t i = 0; i < config->nroutes; i++) {
            const struct rule *list;
            bool shared = false;
            for (size_t k = 0; k < i; k++)
                shared |= config->routes[k].rules == config->routes[i].rules;
            if (config->routes[i].rules && !shared)
                rules += ruleset_rules(config->routes[i].rules, &list);
        }
        printf("%s: %zu %s, %zu %s: fine\n", file, config->nroutes, config->nroutes == 1 ? "route" : "routes", rules, rules == 1 ? "rule" : "rules");
    }
    config_release(config);
    arena_free(a);
    return fine ? EXIT_DONE : EXIT_TROUBLE;
}

const struct verb verb_check = {
    .name = "check",
    .doc = "do the configuration and its rules compile? all problems at once",
    .help =
        "vigie check: do the configuration and its rules compile?\n\n"
        "usage: vigie check [-c FILE] [--print] [--json]\n\n"
        "  -c FILE   the configuration (vigie.yaml)\n"
        "  --print   the whole effective configuration, defaults marked, secrets masked\n"
        "  --json    the problems as JSON on stdout\n\n"
        "All problems are said at once, each as vigie: file:line:col: what: what to do. Warnings do not fail.\n\n"
        "examples:\n"
        "  vigie check\n"
        "  vigie check -c /etc/vigie/vigie.yaml --print | less\n\n"
        "exit status: 0 it compiles · 2 it does not",
    .run = run,
};
