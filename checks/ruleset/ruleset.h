/* SPDX-License-Identifier: Apache-2.0
 *
 * checks/ruleset: users' YAML rules compiled into an immutable ruleset, and the judgement of an exchange by it.
 *
 * In: rule files (contract: `rules:` lists, packs). Out: a verdict that explains itself. A ruleset is all const after
 * ruleset_load and shared by all threads; a worker holds it by reference count, an exchange keeps the one it began with.
 * A ruleset that does not compile never replaces one that did: ruleset_load returns NULL and says all problems at once.
 *
 * An exchange is judged in up to three steps, all adding to one struct verdict:
 *   judge_prompt   once the whole prompt is known (before anything goes upstream, if some prompt rule acts)
 *   stream_scan_*  while the answer grows, if some answer rule acts (redacts or blocks): tells what may leave
 *   judge_answer   once the answer is whole: everything else, `exchange` rules too. What stream_scan found is not found again.
 */
#ifndef CHECKS_RULESET_H
#define CHECKS_RULESET_H
#include "base/trouble.h"
#include "checks/check.h"

enum action { ACTION_ALLOW, ACTION_FLAG, ACTION_REDACT, ACTION_BLOCK };
enum severity { SEVERITY_LOW, SEVERITY_MEDIUM, SEVERITY_HIGH, SEVERITY_CRITICAL };
extern const char *const action_names[ACTION_BLOCK + 1];      /* allow flag redact block */
extern const char *const severity_names[SEVERITY_CRITICAL + 1];

enum { RULES_MOST = 4096 };

struct rule {                  /* what others may see of a compiled rule */
    const char *id, *pack, *message, *description, *file, *when_text; /* when_text: the condition in one line, for pages */
    unsigned version;          /* the pack's */
    unsigned line, column;
    unsigned on;               /* ON_PROMPT, ON_ANSWER, or both for `exchange` */
    enum action action;
    enum severity severity;
    unsigned ntests;
};

struct ruleset;

/* paths: files or folders of *.yaml (sorted by name, not recursive). NULL when t->errors grew. An empty ruleset is valid.
 * References start at one. */
struct ruleset *ruleset_load(const char *const *paths, size_t n, struct troubles *t);
/* The same from text, for tests and fuzzing; `name` stands for the file. */
struct ruleset *ruleset_load_text(const char *name, struct span yaml, struct troubles *t);
struct ruleset *ruleset_hold(struct ruleset *rs);   /* any thread */
void ruleset_release(struct ruleset *rs);           /* any thread; NULL is fine */
size_t ruleset_rules(const struct ruleset *rs, const struct rule **rules);   /* an array of n rules */
const struct rule *ruleset_rule(const struct ruleset *rs, struct span id);   /* NULL: none */
/* SHA-256 over all that was compiled, hex: which rules judged this record? */
const char *ruleset_hash(const struct ruleset *rs);

/* What this ruleset needs of an exchange, so that nothing is read or held for nothing. */
struct ruleset_needs {
    bool reads_prompt, reads_answer;     /* some rule looks there at all */
    bool acts_on_prompt;                 /* some prompt rule redacts or blocks: the whole prompt is read before the upstream hears of it */
    bool acts_on_answer;                 /* some answer rule redacts or blocks: stream_scan is needed */
    bool holds_answer;                   /* … and one of them can only judge the whole answer */
    unsigned checks;                     /* bit i: all_checks[i] is asked for by some rule */
};
struct ruleset_needs ruleset_needs(const struct ruleset *rs);

/* What conditions may ask besides the transcript. All spans may be empty. */
struct rates;                            /* counters for `rate` conditions, shared by all workers; below */
struct facts {
    struct span route, model, caller, session, method, path;
    struct span (*header)(void *context, const char *name);  /* a request header's value; empty: absent. May be NULL */
    void *context;
    int64_t now_us;
    struct rates *rates;                 /* NULL: `rate` conditions are not_run */
};

struct hit {                             /* one rule that spoke */
    const struct rule *rule;
    uint32_t first_finding, findings;    /* range in verdict.findings; 0 findings where the condition has no place */
};
struct redaction {                       /* what to replace, in original bytes of a part, non-overlapping, sorted by place */
    enum side on;
    uint32_t part, start, end;
    struct span with;                    /* "[EMAIL]", "[REDACTED]" … */
};
struct verdict {
    enum action action;                  /* the strongest that spoke */
    const struct rule *rule;             /* which decided: of that strength the most severe, of these the first; NULL: allow */
    struct hit *hits;
    size_t nhits, hits_cap;
    struct findings findings;            /* of rules that spoke */
    struct redaction *redactions;
    size_t nredactions, redactions_cap;
    struct score scores[2][CHECKS];      /* [0] prompt side, [1] answer side; value -1: not asked for */
    bool unread;                         /* a body could not be read and some rule wanted to look */
    unsigned not_run;                    /* conditions that could not be judged */
    bool is_answer_judged;               /* judge_answer has run */
};
void verdict_begin(struct verdict *v);
/* The higher of both sides, or -1. */
double verdict_score(const struct verdict *v, size_t check, const char **not_run);

void judge_prompt(const struct ruleset *rs, const struct check_env *env, struct transcript *t, const struct facts *facts, struct verdict *v);
void judge_answer(const struct ruleset *rs, const struct check_env *env, struct transcript *t, const struct facts *facts, struct verdict *v);
/* Runs checks whatever the rules say (offline scan): bit i of `checks`. Fills v->scores and adds to *findings. */
void judge_checks(unsigned checks, const struct check_env *env, struct transcript *t, struct verdict *v, struct findings *findings);

/* Streams. One stream_scan an exchange, in its arena; made after judge_prompt and only if needs.acts_on_answer. */
struct stream_scan;
struct stream_scan *stream_scan_new(const struct ruleset *rs, const struct check_env *env, struct transcript *t, const struct facts *facts, struct verdict *v);
/* Answer part i has grown, or (is_end) will not grow any more. Looks only at what is new (and at what could still become
 * a match). When a block rule matches, v->action is ACTION_BLOCK on return: nothing more may leave. When a redact rule
 * matches, v->redactions got the place before stream_scan_settled passes it. */
void stream_scan_feed(struct stream_scan *s, size_t part, bool is_end);
/* Bytes at the front of part i's text that can take part in no match to come: they may leave. Never shrinks. With a rule
 * that holds the whole answer: 0 until judge_answer has run (then all). */
size_t stream_scan_settled(const struct stream_scan *s, size_t part);

/* Counters of `rate` conditions: a fixed table of atomics, any thread. */
struct rates *rates_new(void);
void rates_free(struct rates *r);

/* The tests written inside the rules. */
struct rule_test_result {
    const struct rule *rule;
    unsigned line, column;
    bool passed;
    const char *expected, *got;          /* action words */
    const char *text;                    /* shortened, safe to print */
};
/* Calls report for each test; returns how many failed. rules restricted to file when not NULL. */
size_t ruleset_test(const struct ruleset *rs, const struct check_env *env, void (*report)(void *context, const struct rule_test_result *r), void *context);
/* For `rules explain ID`: a rule told in words: condition tree, prefilter literal, cost class, how much a stream may be held, what
 * shadows it. */
void ruleset_explain(const struct ruleset *rs, const struct rule *rule, FILE *out);
#endif
