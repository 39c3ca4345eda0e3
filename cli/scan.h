/* SPDX-License-Identifier: Apache-2.0
 *
 * What the two files of `vigie scan` share: scan_read.c turns a line into a transcript, scan.c judges it and prints.
 */
#ifndef CLI_SCAN_H
#define CLI_SCAN_H
#include "base/buf.h"
#include "base/json.h"
#include "proxy/config.h"

enum { SCAN_LINE_MOST = 64 << 20, SCAN_LINE_ARENA = 1 << 30, SCAN_TROUBLES_MOST = 200 };

struct field_name {            /* what a part was called in the line */
    const char *name;
    int item;                  /* of an array: which; -1: no array */
};
struct scan {
    struct ruleset *rules;
    struct check_env env;
    struct rates *rates;
    unsigned checks;           /* to be scored */
    bool only_checks;          /* --checks without --rules: the checks speak for themselves */
    enum action fail_on;       /* ACTION_ALLOW: never */
    bool failed, trouble, is_closed;
    unsigned said, unsaid;     /* troubles of lines; past SCAN_TROUBLES_MOST of a file they are only counted */
    struct arena *a;
    struct buf out;
    const char *file;
    unsigned line, looked_at;  /* looked_at: lines of the file that are not blank */
    /* of the line at hand */
    struct json doc;
    struct transcript *t;
    struct facts facts;
    struct field_name *names[2];
    size_t nnames[2], names_cap[2];
    bool is_plain;
};

/* Says what is wrong at byte `at` of the line. */
void scan_say(struct scan *s, size_t at, const char *hint, const char *what, ...) __attribute__((format(printf, 4, 5)));
/* Fills the transcript and the facts from a line that is an object. false: trouble said. */
bool scan_read(struct scan *s, struct jv line);
#endif
