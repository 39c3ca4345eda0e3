/* SPDX-License-Identifier: Apache-2.0
 *
 * disguise: what a text says when it is read as its writer asks a model to read it: base64, hexadecimal and other codes of
 * bytes, shifted alphabets, reversed letters, leet, letters set apart, and characters that nobody sees. What comes out is
 * only another text to be judged like any other: a harmless text stays harmless in whatever dress. Zero-width characters,
 * look-alikes, wide and mathematical letters are folding's work already (fold.h).
 * O(text), no guess is made twice; a decoded text may itself hold one more layer.
 */
#ifndef CHECKS_TEXT_DISGUISE_H
#define CHECKS_TEXT_DISGUISE_H
#include "checks/text/fold.h"
#include "checks/text/ngrams.h"

enum { DISGUISES_MOST = 24, DISGUISE_BYTES_LEAST = 10, DISGUISE_READ_MOST = 1 << 16 };
struct disguised {
    const char *how;          /* "base64", "hex", "rot13" … */
    struct span text;         /* what it says; not folded yet */
    size_t at, past;          /* where, in the original */
};
size_t disguises_find(struct arena *a, const struct fold *plain, const struct tokens *t, struct disguised out[DISGUISES_MOST]);
#endif
