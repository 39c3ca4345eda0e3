/* SPDX-License-Identifier: Apache-2.0
 * The `vigie` command: finds the verb and runs it. */
#include "base/trouble.h"
#include "cli/verb.h"
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#ifndef VIGIE_VERSION
#define VIGIE_VERSION "0.1.0"
#endif
#ifndef VIGIE_COMMIT
#define VIGIE_COMMIT "unknown"
#endif

const struct verb *const all_verbs[] = {
    &verb_serve, &verb_demo, &verb_check, &verb_rules, &verb_scan, &verb_drift, &verb_performance, &verb_records, &verb_report, &verb_verify, &verb_doctor, NULL,
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

static void usage(FILE *out)
{
    fputs("vigie: a reverse proxy that records, checks and blocks model traffic, and sees it drift\n\nusage: vigie VERB [options]\n\n", out);
    for (size_t i = 0; all_verbs[i]; i++)
        fprintf(out, "  %-10s %s\n", all_verbs[i]->name, all_verbs[i]->doc);
    fputs("\n`vigie VERB --help` tells more, with examples. `vigie --version` tells what this is.\n", out);
}

/* A file opened while 0, 1 or 2 is closed would take that number, and what is said would be written into it. */
static bool standard_files_are_open(bool *has_stdout)
{
    *has_stdout = fcntl(STDOUT_FILENO, F_GETFD) != -1;
    for (int fd = 0; fd < 3; fd++)
        if (fcntl(fd, F_GETFD) == -1 && open("/dev/null", fd ? O_WRONLY : O_RDONLY) != fd)
            return false;
    return true;
}
/* A reader that has gone has seen enough; anything else kept from stdout is trouble, whatever the verb's own status. */
static int stdout_end(const char *name, int status)
{
    bool failed = ferror(stdout);
    errno = 0;
    failed = fflush(stdout) != 0 || failed;
    struct pollfd reader = { .fd = STDOUT_FILENO, .events = POLLOUT };
    if (!failed || errno == EPIPE || (poll(&reader, 1, 0) > 0 && (reader.revents & POLLERR)))
        return status;
    return trouble_say("is the disk full?", errno ? "%s: standard output cannot be written: %s" : "%s: standard output cannot be written%s", name, errno ? strerror(errno) : "");
}
static const struct verb *verb_find(const char *name)
{
    const char *names[32];
    size_t n = 0;
    for (; all_verbs[n]; n++) {
        names[n] = all_verbs[n]->name;
        if (strcmp(name, names[n]) == 0)
            return all_verbs[n];
    }
    const char *near = nearest_word(span_of(name), names, n);
    char hint[96] = "see vigie --help";
    if (near)
        snprintf(hint, sizeof hint, "did you mean '%s'?", near);
    trouble_say(hint, name[0] == '-' ? "there is no option '%s' before a verb" : "there is no verb '%s'", name);
    return NULL;
}

static int run(int argc, char **argv, bool has_stdout)
{
    struct span word = span_of(argv[1]);
    if (!has_stdout && !span_is(word, "serve")) /* a service may well run without one */
        return trouble_say("redirect it, to /dev/null if need be", "%s: standard output is closed", argv[1]);
    bool is_help = span_is(word, "--help") || span_is(word, "-h") || span_is(word, "help");
    if (is_help && argc == 2) {
        usage(stdout);
        return EXIT_DONE;
    }
    if (span_is(word, "--version") || span_is(word, "-V") || span_is(word, "version")) {
        if (argc > 2)
            return trouble_say("vigie --version", "%s: '%s' is one too many", argv[1], argv[2]);
        printf("vigie %s (%s)\n", VIGIE_VERSION, VIGIE_COMMIT);
        return EXIT_DONE;
    }
    const struct verb *verb = verb_find(argv[is_help ? 2 : 1]);
    if (!verb)
        return EXIT_TROUBLE;
    for (int i = 2; i < argc && strcmp(argv[i], "--") != 0; i++)
        is_help |= strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0;
    if (is_help) {
        puts(verb->help);
        return EXIT_DONE;
    }
    opterr = 0;
    return verb->run(argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
    bool has_stdout;
    signal(SIGPIPE, SIG_IGN);
    if (!standard_files_are_open(&has_stdout))
        return EXIT_TROUBLE;
    if (argc < 2) {
        usage(stderr);
        return EXIT_TROUBLE;
    }
    return stdout_end(argv[1], run(argc, argv, has_stdout));
}
