/* SPDX-License-Identifier: Apache-2.0
 * The `vigie` command: finds the verb and runs it. */
#include "base/trouble.h"
#include "cli/verb.h"
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>

#ifndef VIGIE_VERSION
#define VIGIE_VERSION "0.1.0"
#endif
#ifndef VIGIE_COMMIT
#define VIGIE_COMMIT "unknown"
#endif

const struct verb *const all_verbs[] = {
    &verb_serve, &verb_demo, &verb_check, &verb_rules, &verb_scan, &verb_drift, &verb_records, &verb_report, &verb_verify, NULL,
};

int trouble_say(const char *hint, const char *what, ...)
{
    struct arena *a = arena_new(1 << 16);
    struct troubles t = { .arena = a };
    va_list args;
    va_start(args, what);
    struct span text = arena_vprintf(a, what, args);
    va_end(args);
    trouble_add(&t, NULL, 0, 0, hint, "%s", text.at ? text.at : "");
    troubles_print(&t, stderr);
    arena_free(a);
    return EXIT_TROUBLE;
}

int option_trouble(char **argv, const struct option *known)
{
    const char *names[64];
    size_t n = 0;
    for (; known[n].name && n < 64; n++)
        names[n] = known[n].name;
    const char *given = argv[optind - 1] ? argv[optind - 1] : "";
    if (optopt && given[0] == '-' && given[1] != '-')
        return trouble_say("see --help", "%s: option -%c is not known or lacks its value", argv[0], optopt);
    size_t dashes = strspn(given, "-");
    struct span word = { given + dashes, strcspn(given + dashes, "=") };
    char hint[96] = "see --help";
    for (size_t i = 0; i < n; i++)
        if (span_is(word, names[i]))
            return trouble_say("see --help", known[i].has_arg == required_argument ? "%s: option %s wants a value" : "%s: option %s takes no value", argv[0], given);
    const char *near = nearest_word(word, names, n);
    if (near)
        snprintf(hint, sizeof hint, "did you mean --%s?", near);
    return trouble_say(hint, "%s: unknown option '%s'", argv[0], given);
}

static void usage(FILE *out)
{
    fputs("vigie: a reverse proxy that records, checks and blocks model traffic, and sees it drift\n\nusage: vigie VERB [options]\n\n", out);
    for (size_t i = 0; all_verbs[i]; i++)
        fprintf(out, "  %-10s %s\n", all_verbs[i]->name, all_verbs[i]->doc);
    fputs("\n`vigie VERB --help` tells more, with examples. `vigie --version` tells what this is.\n", out);
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    if (argc < 2) {
        usage(stderr);
        return EXIT_TROUBLE;
    }
    struct span word = span_of(argv[1]);
    if (span_is(word, "--help") || span_is(word, "-h") || span_is(word, "help")) {
        usage(stdout);
        return EXIT_DONE;
    }
    if (span_is(word, "--version") || span_is(word, "-V") || span_is(word, "version")) {
        printf("vigie %s (%s)\n", VIGIE_VERSION, VIGIE_COMMIT);
        return EXIT_DONE;
    }
    const char *names[32];
    size_t n = 0;
    for (; all_verbs[n]; n++) {
        names[n] = all_verbs[n]->name;
        if (!span_is(word, all_verbs[n]->name))
            continue;
        for (int i = 2; i < argc && strcmp(argv[i], "--") != 0; i++)
            if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
                puts(all_verbs[n]->help);
                return EXIT_DONE;
            }
        opterr = 0;
        return all_verbs[n]->run(argc - 1, argv + 1);
    }
    const char *near = nearest_word(word, names, n);
    char hint[96] = "see vigie --help";
    if (near)
        snprintf(hint, sizeof hint, "did you mean '%s'?", near);
    return trouble_say(hint, "there is no verb '%s'", argv[1]);
}
