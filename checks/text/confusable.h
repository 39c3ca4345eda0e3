/* SPDX-License-Identifier: Apache-2.0
 *
 * confusable: letters of other scripts that a reader takes for Latin ones. Our own short list, for the words that people
 * disguise; UTS #39 has thousands more, most of them no reader would be deceived by.
 */
#ifndef CHECKS_TEXT_CONFUSABLE_H
#define CHECKS_TEXT_CONFUSABLE_H
#include "base/arena.h"

/* The Latin letter that this letter of another script looks like (as itself: no case folding), or 0. */
char confusable_latin(uint32_t code);

/* Where a text's look-alikes stand: sorted by place. */
struct confusable {
    uint32_t at;    /* of the letter's first byte */
    char latin;
};
/* The letters of the text that stand in for Latin ones: those in words that also have Latin letters, and words made of
 * look-alikes alone in a text that has Latin words and in which that script spells nothing that Latin could not. */
size_t confusables_find(struct arena *a, struct span text, struct confusable **out);
#endif
