/* SPDX-License-Identifier: Apache-2.0
 *
 * cli: one file per verb of the `vigie` command, each thin: it reads its arguments, calls the room that does the work, prints.
 *
 * Exit status: 0 done · 1 the answer is no · 2 trouble, said on stderr as `vigie: file:line:col: what: what to do`.
 * Data goes to stdout, talk to stderr; `-` is standard input; a reader that has seen enough (a closed pipe) is not worth a
 * word; a stdout that cannot be written (full, closed from the start) is trouble, and main says it for all verbs.
 */
#ifndef CLI_VERB_H
#define CLI_VERB_H

struct verb {
    const char *name;
    const char *doc;      /* one line for `vigie --help` */
    const char *help;     /* whole text of `vigie VERB --help`: usage, options, examples, exit status */
    int (*run)(int argc, char **argv);   /* argv[0] is the verb; main has already answered --help and -h */
};
enum { EXIT_DONE = 0, EXIT_NO = 1, EXIT_TROUBLE = 2 };

extern const struct verb verb_serve, verb_demo, verb_check, verb_rules, verb_scan, verb_drift, verb_records, verb_report, verb_verify, verb_doctor, verb_performance;
extern const struct verb *const all_verbs[];   /* NULL-terminated, in cli/main.c */

/* Prints `vigie: what: hint` and returns EXIT_TROUBLE. */
int trouble_say(const char *hint, const char *what, ...) __attribute__((format(printf, 2, 3)));
/* getopt_long with its errors said: an option of `known` (its val), -1 at the end, OPTION_BAD when trouble was said. Long options with a value may
 * stand once, but for `again` (a val; 0: none). shorts begins with ':'. */
struct option;
enum { OPTION_BAD = -2 };
int option_next(int argc, char **argv, const char *shorts, const struct option *known, int again);
#endif
