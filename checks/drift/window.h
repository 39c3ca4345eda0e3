/* SPDX-License-Identifier: Apache-2.0
 *
 * window: a route under watch. The first baseline_n observations become its baseline (or a saved one is loaded); the last
 * window_n are its window; drift_watch_judge compares the two.
 *
 * Looking again and again: a look is taken only when at least half the window is new, whoever asks; in between the last
 * report is returned. Each look spends alpha / DRIFT_PERIOD_LOOKS, so that over any DRIFT_PERIOD_LOOKS looks in a row the chance of
 * any alarm at all without drift is at most alpha (a union bound: it needs no independence of looks). With the defaults
 * that is 20 looks, at least 2,000 observations. A quiet look costs some 10 to 50 ms of CPU, one that sees something up to
 * 4,200 divisions (alpha / 20 needs them): a second with long texts on both sides.
 *
 * Bounded: an observation keeps at most 2 × DRIFT_EXCERPT_MOST bytes of text and DRIFT_WATCH_FEATURES features; with the
 * defaults (300 + 200) a watch stays under about 1.1 MB for text, 2.5 MB with as many features as it takes.
 * The excerpts are content: erase them with the records (drift_watch_forget), redact before drift_watch_add.
 * Owner: the control thread alone; nothing here locks.
 */
#ifndef CHECKS_DRIFT_WINDOW_H
#define CHECKS_DRIFT_WINDOW_H
#include "checks/drift/drift.h"

enum {
    DRIFT_EXCERPT_MOST = 1024,
    DRIFT_WATCH_FEATURES = 64,     /* of a row, inputs and outputs together; further ones are left out and counted */
    DRIFT_WATCH_MOST = 5000,       /* baseline_n and window_n each */
    DRIFT_PERIOD_LOOKS = 20,
    DRIFT_EXAMPLES = 3,
};
struct drift_watch;
struct drift_watch_options {
    uint32_t baseline_n, window_n; /* 0: 300 and 200 */
    double least_effect;           /* 0: any */
};
struct drift_observation {
    char id[40];                   /* of the exchange, NUL-terminated; "" if none */
    int64_t at_us;
    struct span prompt, answer;    /* at == NULL: none; cut to DRIFT_EXCERPT_MOST at a character */
    bool is_refused, is_flagged, is_blocked;
    double latency_ms, output_tokens; /* NaN: not known */
    const struct row *inputs, *outputs; /* NULL: none; the first of several rows is enough, or call once a row */
};
enum drift_state { DRIFT_LEARNING, DRIFT_WATCHING, DRIFT_DRIFTING };
extern const char *const drift_state_names[3]; /* "learning" "watching" "drift" */
enum drift_side { DRIFT_PROMPT, DRIFT_ANSWER, DRIFT_FEATURES, DRIFT_PREDICTIONS, DRIFT_BEHAVIOUR, DRIFT_SIDES };
extern const char *const drift_side_names[DRIFT_SIDES]; /* "prompt" "answer" "features" "predictions" "behaviour" */

struct drift_verdict {             /* of one side */
    bool is_seen;                  /* there is anything of this side at all */
    bool is_drift;
    double p;                      /* least adjusted p of its features, at the level of the look */
    const struct drift_feature *strongest; /* or NULL */
};
struct drift_example {
    char id[40];
    const char *text;              /* excerpt, at most 200 bytes */
    enum side on;
};
struct drift_watch_report {
    enum drift_state state;
    const char *what;              /* a sentence for people */
    uint32_t baseline_have, baseline_want, window_have, window_want;
    uint64_t seen, looks;
    int64_t baseline_from_us, baseline_to_us, window_from_us, window_to_us;
    double alpha, alpha_of_look;
    struct drift_verdict sides[DRIFT_SIDES];
    const struct drift_report *report; /* the comparison of the last look; NULL: none yet */
    struct drift_example before[DRIFT_EXAMPLES], after[DRIFT_EXAMPLES]; /* with the strongest terms; id "" and text NULL: none */
    uint32_t nbefore, nafter;
};

struct drift_watch *drift_watch_new(const struct drift_watch_options *options);
void drift_watch_free(struct drift_watch *w);
/* Copies what it needs. */
void drift_watch_add(struct drift_watch *w, const struct drift_observation *o);
/* What out points to stays until the next judge, load, forget or free. True: a new look was taken. */
bool drift_watch_judge(struct drift_watch *w, double alpha, struct drift_watch_report *out);
/* The window becomes the baseline (an operator says: this is normal now). false: the window is not full. */
bool drift_watch_promote(struct drift_watch *w);
/* Forgets everything and learns anew. */
void drift_watch_forget(struct drift_watch *w);
/* The baseline as bytes, and back (version 1). load: false if the bytes are not ours or damaged; the watch is unchanged. */
bool drift_watch_save(const struct drift_watch *w, struct buf *out);
bool drift_watch_load(struct drift_watch *w, struct span bytes);
/* The report as a JSON object: state, sides, and the comparison under "report". */
void drift_watch_json(const struct drift_watch_report *r, struct buf *out);
/* Bytes it holds now. */
size_t drift_watch_bytes(const struct drift_watch *w);
#endif
