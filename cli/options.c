/* SPDX-License-Identifier: Apache-2.0
 * Options: getopt_long, and a word about each way of getting them wrong. What a shell makes of a forgotten variable (an empty value, the next
 * option taken for the value) is trouble too: a filter that silently filters nothing misleads more than an error. */
#include "base/trouble.h"
#include "cli/verb.h"
#include <getopt.h>

enum { OPTIONS_MOST = 64 };

static const struct option *by_value(const struct option *known, int value)
{
    for (size_t i = 0; known[i].name; i++)
        if (known[i].val == value)
            return &known[i];
    return NULL;
}
static int bad(char **argv, const struct option *known, bool lacks_value)
{
    const char *names[OPTIONS_MOST], *last = argv[optind - 1]; /* a lone short option may be followed by its cluster: argv[optind] */
    size_t n = 0, dashes = strspn(last, "-"), begins = 0;
    char hint[128];
    snprintf(hint, sizeof hint, "see vigie %s --help", argv[0]);
    struct span word = { last + dashes, strcspn(last + dashes, "=") };
    const struct option *of = optopt ? by_value(known, optopt) : NULL;
    bool is_long = dashes >= 2 && (!optopt || lacks_value || (of && of->has_arg == no_argument && last[dashes + word.len] == '='));
    if (lacks_value)
        return is_long ? trouble_say(hint, "%s: option --%s wants a value", argv[0], of ? of->name : "") : trouble_say(hint, "%s: option -%c wants a value", argv[0], optopt);
    if (is_long && of)
        return trouble_say(hint, "%s: option --%s takes no value", argv[0], of->name);
    if (!is_long)
        return trouble_say(hint, "%s: unknown option '-%c'", argv[0], optopt > 0x20 && optopt < 0x7f ? optopt : '?');
    for (; known[n].name && n < OPTIONS_MOST; n++) {
        names[n] = known[n].name;
        begins += word.len && strncmp(known[n].name, word.at, word.len) == 0;
    }
    const char *near = nearest_word(word, names, n);
    if (begins > 1)
        return trouble_say(hint, "%s: option '%s' may mean several: write it out", argv[0], last);
    if (near)
        snprintf(hint, sizeof hint, "did you mean --%s?", near);
    return trouble_say(hint, "%s: unknown option '%s'", argv[0], last);
}

int option_next(int argc, char **argv, const char *shorts, const struct option *known, int again)
{
    static uint64_t seen; /* one verb runs in a process */
    int index = -1, o = getopt_long(argc, argv, shorts, known, &index);
    if (o == -1)
        return -1;
    if (o == '?' || o == ':') {
        bad(argv, known, o == ':');
        return OPTION_BAD;
    }
    const struct option *of = index >= 0 ? &known[index] : by_value(known, o);
    size_t i = of ? (size_t)(of - known) : OPTIONS_MOST;
    if (!of || i >= OPTIONS_MOST)
        return o;
    if (optarg && !optarg[0]) {
        trouble_say("leave the option out, or give it one", "%s: option --%s has an empty value", argv[0], of->name);
        return OPTION_BAD;
    }
    if (optarg && optarg == argv[optind - 1] && strncmp(optarg, "--", 2) == 0)
        for (size_t k = 0; known[k].name; k++)
            if (strcmp(optarg + 2, known[k].name) == 0) {
                trouble_say("give it one; if that is the value, write it behind a =", "%s: option --%s wants a value, and %s follows", argv[0], of->name, optarg);
                return OPTION_BAD;
            }
    if ((seen >> i & 1) && o != again && optarg) {
        trouble_say("keep one", "%s: option --%s is there twice", argv[0], of->name);
        return OPTION_BAD;
    }
    seen |= (uint64_t)1 << i;
    return o;
}
