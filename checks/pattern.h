/* SPDX-License-Identifier: Apache-2.0
 *
 * pattern: signs of a bad answer that can be seen without knowing the truth. Each finder (checks/pattern_*.c) looks at one
 * answer part through a view and reports words or bytes with pattern_seen; the check's score is its surest finding. The
 * finders reason from what must hold of any text (a check digit, a sum, a weekday, a slot, a period); none knows examples.
 */
#ifndef CHECKS_PATTERN_H
#define CHECKS_PATTERN_H
#include "checks/check.h"
#include "checks/text/words.h"

enum { PATTERN_CODE_MOST = 64 };
struct pattern_view {
    struct transcript *t;
    struct findings *out;
    size_t part;                  /* index of the answer part */
    struct span text;             /* its original text */
    const struct words *w;
    struct {
        uint32_t at, to;          /* folded ranges of code: fences and `inline` */
        bool fence;
    } code[PATTERN_CODE_MOST];
    size_t ncode;
    bool open_fence;              /* the last fence never closes */
    bool has_context;             /* documents or tool results were given */
    enum { NOT_ASKED, ASKED_NO, ASKED_YES } template; /* was a template wanted? Looked up when it first matters */
    const struct part *question;  /* the last user text, or NULL */
    double score;
};

/* Words [first, past) show `kind`. */
void pattern_seen(struct pattern_view *v, const char *kind, size_t first, size_t past, double score, const char *why, ...)
    __attribute__((format(printf, 6, 7)));
/* Original bytes [start, end) do. */
void pattern_seen_at(struct pattern_view *v, const char *kind, size_t start, size_t end, double score, const char *why, ...)
    __attribute__((format(printf, 6, 7)));
bool pattern_in_code(const struct pattern_view *v, size_t word);
bool pattern_in_fence(const struct pattern_view *v, size_t word);
/* Does folded text occur anywhere on the prompt side? */
bool pattern_given(const struct pattern_view *v, struct span folded);
/* Does the last user text hold one of these folded, blank-separated words? */
bool pattern_asked_set(const struct pattern_view *v, const struct word_set *set);
#define pattern_asked(v, list) pattern_asked_set((v), WORD_SET(list))

void pattern_sources(struct pattern_view *v);      /* URLs, DOIs, ISBNs and their like, citation marks */
void pattern_arithmetic(struct pattern_view *v);   /* computations, shares of a whole */
void pattern_calendar(struct pattern_view *v);     /* weekdays and dates that do not exist */
void pattern_slots(struct pattern_view *v);        /* placeholders */
void pattern_shape(struct pattern_view *v);        /* loops, cut ends */
void pattern_phrases(struct pattern_view *v);      /* what the model says about itself */
void pattern_leak(struct pattern_view *v);         /* the instructions repeated */
void pattern_contradiction(struct pattern_view *v);/* statements of one answer that exclude each other */
void pattern_calls(struct pattern_view *v);        /* tool calls against their schema */
double pattern_choices(struct transcript *t, struct findings *out); /* several choices that disagree */
#endif
