/* SPDX-License-Identifier: Apache-2.0
 *
 * checks: what is wrong with this exchange? A check is C code that looks at a transcript and yields a score in [0, 1]
 * and findings: what it saw, where, how sure, and why. Checks are pure: no sockets, no clock, no disk, no state between
 * exchanges (but what `quiet` remembers, which changes no result); the same transcript gives the same result, on every thread at once. Memory comes from the transcript's
 * arena. A check that cannot run says so (`not_run`), and that never looks like a pass.
 *
 * To add a check: one file checks/NAME.c with one `const struct check`, one line in checks/all.c, docs/checks.md, tests.
 */
#ifndef CHECKS_CHECK_H
#define CHECKS_CHECK_H
#include "checks/transcript.h"

enum { FINDINGS_MOST = 256 };   /* a side; further ones are counted */

struct finding {
    const char *check;      /* the check's name, or "pattern-rule"/"words" for a rule's own condition; static */
    const char *kind;       /* what was seen: "iban", "fabricated-doi", "aws-access-key", "number" …; static or arena */
    enum side on;
    uint32_t part;          /* index into that side's parts */
    uint32_t start, end;    /* bytes of the part's text; start == end: the whole part */
    double score;           /* how sure, in [0, 1] */
    const char *why;        /* one sentence for a person, English, in the arena; never the secret itself */
};
struct findings {
    struct finding *list;
    size_t n, cap, dropped;
};

/* What a check is given besides the transcript. */
struct quiet;               /* checks/text/quiet.h */
struct scope;               /* checks/scope.h: a route's compiled scope */
struct check_env {
    const struct scope *scope;  /* NULL: this route declares none; immutable, shared by threads */
    struct quiet *quiet;        /* this thread's; NULL: nothing is remembered */
};

struct score {
    double value;               /* in [0, 1]; 0.5 is where the check would speak */
    const char *not_run;        /* NULL, or why it could not (static): then value is 0 and means nothing */
};

struct check {
    const char *name, *doc;     /* doc: one line for help and docs */
    unsigned on;                /* ON_PROMPT | ON_ANSWER: the sides it can judge */
    /* Judges one side. Adds findings with finding_add (only those at or above 0.5 need be added). O(text). */
    struct score (*score)(const struct check_env *env, struct transcript *t, enum side on, struct findings *out);
    /* For streams: how many bytes at the front of text are certain to take part in no finding that is still to come,
     * whatever follows (a finding that lies wholly before that point may be reported by score as usual). text is
     * one part's text so far. NULL: only the whole answer can be judged, a blocking rule holds it all. */
    size_t (*settled)(struct span text);
};

/* A finding and its sentence. Past FINDINGS_MOST only counted. */
void finding_add(struct findings *out, struct transcript *t, const struct check *c, const char *kind, enum side on, size_t part,
                 size_t start, size_t end, double score, const char *why, ...) __attribute__((format(printf, 10, 11)));

extern const struct check check_refusal, check_scope, check_grounding, check_pattern, check_injection, check_secrets, check_pii;
/* The explicit list, NULL-terminated: the order of docs, scores and metrics. */
extern const struct check *const all_checks[];
enum { CHECKS = 7 };
const struct check *check_by_name(struct span name); /* NULL: none */
#endif
