/* SPDX-License-Identifier: Apache-2.0
 *
 * grounding, inside:
 *
 *   grounding_context.c    the context as tables: where each stem stands, neighbours, figures
 *   grounding_structure.c  structured data (JSON): what it says yes, no or nothing to, opening times; and the answer against them
 *   grounding_align.c      the answer held against the tables, word by word (tokens), then summed up (features)
 *   grounding_spans.c      tokens and facts become pieces: what is unsupported, from where to where, and why
 *   grounding_weights.c    two monotone logistic models (learned by tools/eval_grounding --fit): one of a token, one of an answer
 *
 * Every feature says how much the context lacks or contradicts; none looks at length or style, and no weight is negative,
 * so that adding an unsupported piece never lowers the score. Cost: linear in context + answer (the postings of a word and
 * the attributes of a stem are capped).
 */
#ifndef CHECKS_GROUNDING_PARTS_H
#define CHECKS_GROUNDING_PARTS_H
#include "checks/check.h"
#include "checks/text/words.h"

enum { POSTINGS_MOST = 32, CONTEXT_WORDS_MOST = 200000, ATTRIBUTES_MOST = 512, ATTRIBUTE_WORDS = 4, ATTRIBUTE_HEADS = 1024, SCHEDULES_MOST = 64, GROUND_TEXTS_MOST = 64, PIECES_MOST = 64 };
/* Of one content word of the answer, each in [0, 1]. */
enum token_feature {
    TOKEN_ABSENT,          /* stands nowhere in the context: how rare it is in general */
    TOKEN_ALIEN,           /* the same, and nothing there begins like it */
    TOKEN_OUTSIDE,         /* not in the context sentence that agrees best with its sentence */
    TOKEN_LEFT,            /* never beside the content word before it */
    TOKEN_RIGHT,           /* nor the one after it */
    TOKEN_AROUND,          /* share of its neighbours (four each side) that is absent */
    TOKEN_CLAUSE,          /* share of its clause that is absent */
    TOKEN_CLAUSE_TRIPLES,  /* share of its clause's word triples that the context does not hold */
    TOKEN_SENTENCE,        /* share of its sentence that is absent */
    TOKEN_SENTENCE_OUT,    /* share of its sentence outside the best window of three context sentences */
    TOKEN_FIGURE,          /* a figure that the context does not hold */
    TOKEN_NAME,            /* a name that it does not hold */
    TOKEN_RARE,            /* how rare the word is in general */
    TOKEN_FEATURES
};
/* Of a whole answer, each in [0, 1]; counts saturate. */
enum ground_feature {
    GROUND_MISSING,        /* share of the content, weighed by rarity, that stands nowhere in the context */
    GROUND_ALIEN,          /* the same, where nothing begins alike either */
    GROUND_OUTSIDE,        /* share outside the context sentence that agrees best */
    GROUND_WORDS,          /* share of all words, small ones too, that stand nowhere */
    GROUND_TRIPLES,        /* share of word triples that the context does not hold */
    GROUND_CLAUSES,        /* mean over clauses of the squared share that is missing: one empty clause says more than many thin ones */
    GROUND_FIGURES,        /* how many figures are unsupported */
    GROUND_FIGURES_SHARE,  /* share of the figures */
    GROUND_FIGURES_MOVED,  /* how many figures stand in the context, but not where the sentence does */
    GROUND_NAMES,          /* how many names are unsupported */
    GROUND_NAMES_SHARE,    /* share of the names */
    GROUND_NAMES_MOVED,    /* how many names stand in the context, but not where the sentence does */
    GROUND_ATTRIBUTES,     /* statements against a yes or no of structured data */
    GROUND_SCHEDULE,       /* opening times against those of structured data */
    GROUND_OPEN,           /* statements on what structured data leave open */
    GROUND_NEGATION,       /* a negation against a context sentence that else agrees */
    GROUND_OPPOSITE,       /* an opposite against a context sentence that else agrees */
    GROUND_MASS,           /* how much content stands nowhere, in all */
    GROUND_PAIRS,          /* share of neighbouring content words never neighbours in the context */
    GROUND_PAIR_MASS,      /* how many neighbours are new */
    GROUND_FEATURES
};
extern const char *const ground_feature_names[GROUND_FEATURES];
extern const char *const token_feature_names[TOKEN_FEATURES];
/* checks/grounding_weights.c; the last one is the bias. */
extern const float ground_weights[GROUND_FEATURES + 1], token_weights[TOKEN_FEATURES + 1];

enum ground_says { SAYS_NO, SAYS_YES, SAYS_NOTHING, SAYS_BOTH };
struct ground_entry {
    uint32_t key;              /* stem; 0: free */
    uint32_t from, n, all;     /* postings [from, from + n): places; all: how often in truth */
};
struct ground_sentence {
    const struct words *w;
    uint32_t word, past;
    uint16_t nots;             /* negations in it */
};
struct ground_attribute {
    uint32_t stems[ATTRIBUTE_WORDS];
    uint32_t parent;           /* stem of the heading of a key of one word; 0: none */
    uint32_t next;             /* in the chain of its first stem, index + 1 */
    uint8_t n, says;
    struct span name;
};
/* Opening times by weekday (Monday first), minutes from midnight. */
struct ground_schedule {
    uint8_t days;              /* a bit for each day that has times */
    int16_t open[7], close[7];
};
enum fact_kind { FACT_FIGURE, FACT_NAME, FACT_URL, FACT_QUOTE, FACT_OPPOSITE, FACT_ATTRIBUTE, FACT_DENIED, FACT_OPEN, FACT_SCHEDULE, FACT_WORDS };
struct ground {
    struct arena *a;
    struct ground_sentence *sentences;
    uint32_t nsentences;
    struct ground_entry *table;
    uint32_t slots;
    uint32_t *postings;
    uint32_t *sentence_of;         /* by place: a place counts the words of all texts, marks left out */
    uint32_t *pairs, pair_slots;   /* a set of hashes of neighbouring content stems, of word triples and of beginnings */
    double *values;                /* numbers, sorted */
    uint32_t nvalues;
    struct ground_attribute *attributes;
    uint32_t nattributes;
    uint32_t heads[ATTRIBUTE_HEADS];
    struct ground_schedule *schedules;
    uint32_t nschedules;
    struct span texts[GROUND_TEXTS_MOST]; /* folded, for URLs and quotes */
    uint32_t ntexts;
    uint32_t nwords, structured_words; /* how many words of them are structured data */
};
/* How rare a stem is in general, from 0 (everywhere) to 1 (not among the common ones). checks/grounding_words.c */
float ground_rarity(uint32_t stem);
/* The tables of what the answer may rest on, or NULL: nothing to compare with. */
struct ground *ground_read(struct transcript *t);
const struct ground_entry *ground_find(const struct ground *g, uint32_t stem);
bool ground_has_pair(const struct ground *g, uint32_t hash);
bool ground_has_kin(const struct ground *g, struct span word);
uint32_t ground_pair(uint32_t a, uint32_t b);
static inline uint32_t ground_triple(uint32_t a, uint32_t b, uint32_t c) { return ground_pair(ground_pair(a, b), c) ^ 0x5bd1e994u; }
bool ground_has_value(const struct ground *g, double value, double tolerance);
double ground_nearest_value(const struct ground *g, double value);
bool ground_has_text(const struct ground *g, struct span folded);

/* Something that is wrong by itself, whatever its words weigh. */
struct ground_fact {
    uint8_t kind;
    uint32_t first, past;      /* words of the answer */
    const char *why;
};
struct ground_token {
    uint32_t word, sentence, clause;
    uint32_t best;             /* the context sentence that agrees best with its sentence */
    const struct ground_entry *e;
    float x[TOKEN_FEATURES];
    float weight;              /* how much it says */
    bool is_absent, is_figure, is_name, is_moved;
};
struct ground_result {
    double x[GROUND_FEATURES];
    struct ground_token *tokens;
    size_t ntokens;
    struct ground_fact *facts;
    size_t nfacts, facts_cap;
    bool is_empty;             /* nothing in the answer to hold against anything */
};
struct ground_piece {
    uint8_t kind;
    uint32_t first, past;      /* words of the answer */
    double score;              /* how likely it is unsupported */
    const char *why;
};
/* The keys of a JSON text as words (an answer speaks of "outdoor seating"); empty: it is none. */
struct span structure_read(struct ground *g, struct span text);
/* A sentence of the answer (words [first, past)) against the structured data; adds facts. */
void structure_judge(const struct ground *g, const struct words *w, size_t first, size_t past, struct ground_result *r);
void fact_add(struct ground_result *r, const struct ground *g, enum fact_kind kind, size_t first, size_t past, struct span why);
/* Is word i the digits of a figure that a source would have to hold (no list number, no citation mark)? */
bool is_figure(const struct words *w, size_t i);
bool figure_stands(const struct ground *g, const struct words *w, const struct number *n);
void facts_look_up(const struct ground *g, const struct words *w, struct ground_result *r, double *asked);
void ground_align(const struct ground *g, const struct words *w, struct ground_result *out);
/* How likely the answer is not borne out, by these weights (ground_weights; tools try others). */
double ground_score(const struct ground_result *r, const float *weights);
/* The pieces of the answer that are not borne out: facts, then words by these weights (token_weights). At most PIECES_MOST. */
struct ground_piece *ground_pieces(const struct ground *g, const struct words *w, struct ground_result *r, const float *weights, size_t *n);
#endif
