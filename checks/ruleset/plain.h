/* SPDX-License-Identifier: Apache-2.0
 *
 * plain: the plain folding (FOLD_PLAIN) of a text that grows, for words in streams.
 *
 * What ASCII and most other letters fold to does not depend on their neighbours, so they pass at once. Letters that may be
 * look-alikes depend on the word around them: from the first such letter on, a word waits for its end (white space), at
 * most PLAIN_WAIT bytes. So the folded text is that of fold_text on the whole, but for one thing: fold_text also looks at
 * which scripts the rest of the text is written in, and here that is known only of what has been seen.
 */
#ifndef CHECKS_RULESET_PLAIN_H
#define CHECKS_RULESET_PLAIN_H
#include "base/arena.h"

enum { PLAIN_WAIT = 512 };
struct plain {
    char *text;              /* folded so far */
    uint32_t *map;           /* the original place of the character of each byte; [len]: `done` */
    size_t len, room;
    size_t done;             /* bytes of the original that are in text */
    size_t word_at;          /* where the word under way began, in the original */
    bool has_latin, has_foreign, is_ascii;
};
void plain_begin(struct plain *p);
/* text and map live in a; scratch may be reset afterwards; original is the whole text so far. */
void plain_feed(struct arena *a, struct arena *scratch, struct plain *p, struct span original, bool is_end);
#endif
