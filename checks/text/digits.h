/* SPDX-License-Identifier: Apache-2.0
 *
 * digits: the arithmetic of identifiers: check digits, and how random a string looks. Pure, no allocation.
 * Sources: ISO/IEC 7812-1 annex B (Luhn), ISO 7064 (mod 97), Shannon 1948.
 */
#ifndef CHECKS_TEXT_DIGITS_H
#define CHECKS_TEXT_DIGITS_H
#include "base/span.h"

/* digits: n values 0 to 9. */
bool luhn_ok(const uint8_t *digits, size_t n);
/* The value of n decimal digits modulo m (m below 2^28). */
uint32_t digits_mod(const uint8_t *digits, size_t n, uint32_t m);
/* ISO 7064 mod 97 over an IBAN's letters and digits (no separators), the first four characters moved to the end:
 * right when the rest is 1. Anything but ASCII letters and digits: false. */
bool iban_ok(const char *chars, size_t n);
/* The length that an IBAN of this country has (two capitals), or 0: no such country. */
size_t iban_length(const char country[2]);

/* Bits per byte of the bytes' own distribution; 0 for nothing. */
double entropy_bits(struct span s);
/* What a string is made of. run: the mean length of stretches of one class (lower, upper, digit, other), where a
 * capital before small letters belongs to their stretch: 1.5 to 2.5 in random keys, 4 and more in names made of words. */
struct makeup {
    size_t lower, upper, digits, other, distinct, longest_lower;
    double run;
    bool is_hex;          /* digits and a-f of one case only */
};
struct makeup makeup_of(struct span s);
/* 8-4-4-4-12 hexadecimal digits at the front of s. */
bool is_uuid(struct span s);
#endif
