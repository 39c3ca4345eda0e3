/* SPDX-License-Identifier: Apache-2.0
 *
 * language: which language is a text in? A guess from the script, and for Latin letters from the small words that every
 * sentence has. Good from a sentence on; of few words it says nothing rather than something wrong. O(text), no memory.
 */
#ifndef CHECKS_TEXT_LANGUAGE_H
#define CHECKS_TEXT_LANGUAGE_H
#include "checks/text/ngrams.h"

/* "en" "fr" "de" "es" "it" "nl" "pt"; by script "ru" "el" "ar" "he" "hi" "th" "zh" "ja" "ko"; "" when it cannot be told.
 * t: of text folded by FOLD_PLAIN. */
const char *language_guess(const struct tokens *t);
#endif
