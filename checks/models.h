/* SPDX-License-Identifier: Apache-2.0
 *
 * models: the trained weights that are built into the binary, and what each model reads of a text. Training
 * (tools/train.c) and judging (checks/refusal.c, checks/injection.c) read a text through the same function, so that they
 * cannot part.
 */
#ifndef CHECKS_MODELS_H
#define CHECKS_MODELS_H
#include "checks/text/fold.h"
#include "checks/text/linear.h"

enum model { MODEL_REFUSAL, MODEL_INJECTION, MODELS };
extern const char *const model_names[MODELS];
/* The built-in weights. false: there are none, or of another make than this binary's features: the check does not run. */
bool model_open(enum model which, struct linear *out);
struct span model_bytes(enum model which);

/* A window of a text (or of what a disguised piece of it decodes to), as a model sees it. */
struct window {
    struct features features;     /* grams: only after window_grams */
    const struct fold *fold;
    const struct tokens *tokens;
    size_t from, to;              /* its tokens */
    const char *disguise;         /* NULL, or how it was written: "base64" …; then [at, past) is where in the original */
    uint32_t at, past;
};
/* Where a window says it: the sentence (or the disguised piece) around its strongest term, in the folded text's original,
 * and the two strongest terms. */
struct telling {
    size_t start, end;
    struct span said[2];          /* the second may be empty */
};
struct telling window_telling(struct arena *a, const struct linear *m, const struct window *w);
/* For training: the window's n-grams as a set. */
void window_grams(struct arena *a, struct window *w, unsigned kinds);
/* What the model says of the window; needs no set of n-grams. */
double window_sum(const struct linear *m, const struct window *w);
enum { MODEL_BITS = 16 };
unsigned refusal_named(void);     /* how many named features */
unsigned injection_named(void);
extern const unsigned refusal_kinds, injection_kinds;
/* plain: the text folded by FOLD_PLAIN. */
size_t refusal_read(struct arena *a, const struct fold *plain, struct window **out);
size_t injection_read(struct arena *a, const struct fold *plain, struct window **out);
#endif
