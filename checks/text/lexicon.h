/* SPDX-License-Identifier: Apache-2.0
 *
 * lexicon: classes of words, written down by hand in several languages, and which of them stand near one another. What a
 * model learns about a class in one language holds for the others.
 * A class is a list of stems, parted by '|', as FOLD_PLAIN writes them. A stem matches at a word's beginning and may go on
 * over several words ("mot de passe"); a stem that ends in a blank must end with the word, else it may be longer.
 */
#ifndef CHECKS_TEXT_LEXICON_H
#define CHECKS_TEXT_LEXICON_H
#include "checks/text/ngrams.h"

enum { LEXICON_CLASSES_MOST = 32, LEXICON_NEAR = 6 };
struct lexicon_class {
    const char *name, *stems;
};
struct lexicon;
/* Compiles the classes (static texts) into the arena; a class is its index. */
const struct lexicon *lexicon_make(struct arena *a, const struct lexicon_class *classes, size_t n);

struct lexicon_hit {
    uint32_t token;       /* its first token */
    uint32_t start, end;  /* in the folded text */
    uint8_t class;
};
/* The hits in tokens [from, to), in order; per token and class the longest. */
size_t lexicon_hits(const struct lexicon *l, struct arena *a, const struct tokens *t, size_t from, size_t to, struct lexicon_hit **out);
#endif
