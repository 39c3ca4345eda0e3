/* SPDX-License-Identifier: Apache-2.0
 * pii_parts: the parts of the pii check: cue words, numbers, places. Each matcher takes where the walk stands and returns
 * where it goes on, or 0: nothing found. */
#ifndef CHECKS_PII_PARTS_H
#define CHECKS_PII_PARTS_H
#include "checks/text/hunt.h"

/* What the words before (or behind) a number say it is. */
enum {
    CUE_CARD = 1, CUE_IBAN = 2, CUE_NIR = 4, CUE_SIREN = 8, CUE_SIRET = 16, CUE_PHONE = 32, CUE_PASSPORT = 64, CUE_ID = 128,
    CUE_SSN = 256, CUE_VAT = 512, CUE_RIB = 1024, CUE_PLATE = 2048, CUE_BIRTH = 4096, CUE_ADDRESS = 8192, CUE_LICENCE = 16384,
    CUE_OTHER = 1 << 20,    /* the number of something that is nobody: an order, a parcel, an amount, a version */
    CUE_VERSION = 1 << 21,
};
/* The nearest telling word within 64 bytes before at, on its line or the line above (a table's head): its cues, or 0.
 * all: the cues of all words there, or NULL. */
unsigned cue_before(const struct hunt *h, size_t at, unsigned *all);
/* The same within 32 bytes behind, on the same line. */
unsigned cue_behind(struct hunt *h, size_t end);

/* At the first digit of a run (or the '+' or '(' before it): identifiers, cards, telephones, addresses of machines. */
size_t number_match(struct hunt *h, size_t at);
/* At two letters before digits: IBAN, VAT, plates, passports. */
size_t lettered_match(struct hunt *h, size_t at);
/* At a number or at a word that can open an address: number to town. */
size_t place_match(struct hunt *h, size_t at);
size_t place_word_match(struct hunt *h, size_t at, size_t end);
#endif
