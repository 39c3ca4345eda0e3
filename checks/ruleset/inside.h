/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of checks/ruleset share and nobody else sees.
 *
 *   pattern.c, literal.c, automaton.c   one pattern; what it must contain; all literals in one pass
 *   field.c                             `field` conditions: what of an exchange has a name
 *   rates.c                             counters over windows
 *   condition.c, load.c                 YAML into conditions and rules, all problems at once
 *   judge.c, stream.c                   a whole exchange judged; an answer judged while it grows
 *   tests.c, explain.c                  the tests inside rules; a rule told in words
 */
#ifndef CHECKS_RULESET_INSIDE_H
#define CHECKS_RULESET_INSIDE_H
#include "base/buf.h"
#include "base/yaml.h"
#include "checks/ruleset/automaton.h"
#include "checks/ruleset/pattern.h"
#include "checks/ruleset/ruleset.h"
#include "checks/text/fold.h"
#include <stdatomic.h>

/* ---- conditions ---- */

/* What a judgement of a condition can be. `not` turns the first two and keeps the others; where several are unknown the
 * last of this order speaks for them. */
enum truth {
    TRUTH_NO,
    TRUTH_YES,
    TRUTH_NOT_RUN,  /* a check could not judge it (no scope, no context): counted, and the rule does not speak */
    TRUTH_UNREAD,   /* the body could not be read, so what was not found may be there: a rule that acts blocks */
    TRUTH_COSTLY,   /* a pattern passed its bounds on this text: a rule that acts blocks */
};

enum field_kind {
    FIELD_MODEL, FIELD_ANSWER_MODEL, FIELD_API, FIELD_ROUTE, FIELD_CALLER, FIELD_SESSION, FIELD_METHOD, FIELD_PATH, FIELD_STREAM,
    FIELD_TOOL, FIELD_TOOL_CALL, FIELD_FINISH_REASON, FIELD_PROVIDER_REFUSED, FIELD_UNREAD, FIELD_TURNS, FIELD_PROMPT_BYTES,
    FIELD_ANSWER_BYTES, FIELD_USAGE_INPUT, FIELD_USAGE_OUTPUT, FIELD_USAGE_CACHE_READ, FIELD_USAGE_REASONING, FIELD_HEADER,
    FIELD_JSON, FIELD_FEATURE, FIELD_PREDICTION, FIELDS,
};
enum comparison { COMPARE_IS, COMPARE_IS_NOT, COMPARE_IN, COMPARE_NOT_IN, COMPARE_AT_LEAST, COMPARE_AT_MOST, COMPARE_MORE_THAN, COMPARE_LESS_THAN,
                  COMPARE_MATCHES, COMPARE_EXISTS, COMPARISONS };
extern const char *const comparison_names[COMPARISONS];
struct field {
    enum field_kind kind;
    const char *name;           /* as written */
    const char *of;             /* header: its name; json, feature, prediction: the path or name behind the first dot */
    enum comparison comparison;
    struct span *values;        /* is, is_not, in, not_in */
    size_t nvalues;
    double number;
    bool exists;
    struct pattern pattern;     /* matches */
};

enum rate_of { RATE_REQUESTS, RATE_FLAGS, RATE_REFUSALS, RATE_RULE };
enum rate_by { RATE_BY_ALL, RATE_BY_CALLER, RATE_BY_ROUTE, RATE_BY_SESSION, RATE_BY_MODEL, RATE_BYS };
extern const char *const rate_by_names[RATE_BYS];
struct rate {
    enum rate_of of;
    const char *rule_id;        /* RATE_RULE */
    enum rate_by by;
    uint64_t over_ms;
    uint64_t more_than;
};

enum condition_kind { CONDITION_PATTERN, CONDITION_WORDS, CONDITION_CHECK, CONDITION_FIELD, CONDITION_RATE, CONDITION_RULE, CONDITION_ALL,
                      CONDITION_ANY, CONDITION_NOT };
struct condition {
    enum condition_kind kind;
    unsigned on;                /* the sides it looks at; fields and rates: 0 */
    unsigned roles, kinds;      /* `in:`: bits of enum role and enum part_kind; both 0: every part */
    struct condition **of;      /* all, any, not */
    size_t n;
    struct pattern *pattern;    /* pattern, words */
    struct span *words;
    size_t nwords;
    unsigned check;             /* index in all_checks */
    double at_least;
    const char **findings_of;   /* check: only findings of these kinds */
    size_t nfindings_of;
    struct field *field;
    struct rate *rate;
    const char *rule_id;        /* rule, until linked */
    struct compiled *rule;
    const struct yaml *at;
};

/* ---- rules ---- */

struct rule_test {
    const struct yaml *at;
    struct span prompt, answer, instructions, context, tool_result, model, route, caller, json;
    bool has_prompt, has_answer;
    struct span *answers;       /* choices */
    size_t nanswers;
    const struct yaml *headers, *features, *predictions;
    unsigned times;
    enum action expect;
};
struct compiled {
    struct rule *public;        /* what others see; in ruleset.rules */
    const struct yaml *at;
    struct condition *when;
    bool enabled, is_endless; /* is_endless: its references go round, too deep or too far */
    unsigned visiting;          /* while cycles are looked for */
    size_t unfolded;            /* conditions, those of the rules it refers to counted as often as it does */
    unsigned height;            /* of the references below it */
    const char *status;
    struct rule_test *tests;
    bool streams;               /* acts on the answer and can judge it while it grows */
    bool holds;                 /* acts on the answer and cannot */
    const struct yaml *references, *tags, *false_positives, *exceptions, *messages;
    unsigned nexceptions;
};
/* Patterns that look at the same folding, and all their literals. */
struct text_set {
    struct pattern **patterns;
    size_t n, cap, bits_words;  /* bits_words: uint64_t a set of them takes */
    struct automaton *required, *begins;
    uint64_t *unconditional;    /* patterns without a required literal */
};
struct ruleset {
    struct arena *arena;
    atomic_uint references;
    struct rule *rules;
    struct compiled *compiled;
    size_t n;
    struct text_set sets[2];    /* by enum fold_strength: patterns, words */
    struct ruleset_needs needs;
    unsigned checks[2];         /* asked for by rules of the prompt, of the answer (exchange rules too) */
    unsigned exchange_checks;   /* on the prompt, for exchange rules */
    struct rate **rates;        /* all that are in use, to be counted */
    size_t nrates, rates_cap;
    bool counts_refusals;
    char hash[65];
};

/* ---- between the files ---- */

/* condition.c */
struct building {
    struct ruleset *rs;
    struct arena *a;
    struct troubles *t;
    unsigned depth;
    size_t nconditions;
};
struct condition *condition_read(struct building *b, const struct yaml *y, unsigned on, bool for_streams);
void condition_tell(const struct condition *c, struct buf *out, unsigned room);
/* Is it known before the answer's first byte? */
bool condition_is_early(const struct condition *c);
/* Can it be judged while the answer grows? */
bool condition_streams(const struct condition *c);

/* field.c */
struct field *field_read(struct building *b, const struct yaml *condition);
bool field_is_early(const struct field *f);
/* The sides whose body it is read from. */
unsigned field_body(const struct field *f);
enum truth field_judge(const struct field *f, struct transcript *t, const struct facts *facts);
const char *const *field_words(size_t *n);

/* rates.c */
struct span rate_key(const struct rate *r, const struct facts *facts);
void rate_count(struct rates *table, const struct rate *r, const struct facts *facts);
/* How many in the window now. */
uint64_t rate_now(struct rates *table, const struct rate *r, const struct facts *facts);

/* judge.c */
unsigned check_index(const char *name);  /* CHECKS: there is none */
struct place {                  /* something to replace */
    enum side on;
    uint32_t part, start, end;
    struct span with;
};
struct part_text {              /* a part's folded text and which patterns may match it; filled on first look */
    const struct fold *fold;
    uint64_t *seen;
    bool is_ascii;
};
struct judging {
    const struct ruleset *rs;
    const struct check_env *env;
    struct transcript *t;
    const struct facts *facts;
    struct verdict *v;
    struct arena *a;
    struct part_text *texts[2][2];  /* [side][strength] */
    size_t ntexts[2];
    bool ran[2][CHECKS];
    struct findings found[2][CHECKS];
    /* of the rule under judgement */
    enum action action;
    struct findings *findings;
    struct place *places;           /* of all rules so far, the rule's own last */
    size_t nplaces, places_cap;
};
enum { PLACES_MOST = 200000, STREAM_PLACES_MOST = 20000, LEAF_FINDINGS_MOST = 16, VERDICT_FINDINGS_MOST = 4 * FINDINGS_MOST };
void judging_begin(struct judging *j, const struct ruleset *rs, const struct check_env *env, struct transcript *t, const struct facts *facts, struct verdict *v);
enum truth condition_judge(struct judging *j, const struct condition *c);
bool condition_wants_part(const struct condition *c, const struct part *p);
bool condition_wants_finding(const struct condition *c, const struct finding *f);
/* Adds places to what must be replaced, sorts and merges. */
void verdict_redact(struct arena *a, struct verdict *v, const struct place *places, size_t n);
/* A rule that acts could not look: it does not let pass. */
void verdict_block_blind(struct arena *a, struct verdict *v, const struct rule *rule, const struct transcript *t, enum side side, enum truth why);
/* A rule spoke with the findings in list. */
void verdict_hit(struct arena *a, struct verdict *v, const struct rule *rule, const struct finding *list, size_t n);
void verdict_hit_more(struct arena *a, struct verdict *v, const struct rule *rule, const struct finding *f);
struct span replacement(struct arena *a, const char *kind);
/* Only one rule (tests), or NULL: all. */
void judge_side(const struct ruleset *rs, const struct check_env *env, struct transcript *t, const struct facts *facts, struct verdict *v, enum side side,
                const struct compiled *only);
#endif
