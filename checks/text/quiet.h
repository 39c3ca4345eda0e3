/* SPDX-License-Identifier: Apache-2.0
 *
 * quiet: prompt texts in which a check found nothing, remembered. A conversation is sent again whole with each of its turns, and so are the documents it is about;
 * without this a turn costs as much as all turns before it. Only what was quiet is remembered, with its exact score, so no result changes: what is
 * found is found again each time, with its finding.
 *
 * A text is known by a hash of 128 bits (SipHash-2-4, Aumasson and Bernstein 2012, with a key that is drawn at start), so nobody can make a text that passes for another.
 * Owner: one worker; not shared. Bounded: QUIET_SLOTS entries of 24 bytes, older ones give way.
 */
#ifndef CHECKS_TEXT_QUIET_H
#define CHECKS_TEXT_QUIET_H
#include "checks/transcript.h"

enum quiet_kind { QUIET_INJECTION, QUIET_INJECTION_SURE, QUIET_SECRETS, QUIET_PII };   /* _SURE: where more is asked for before it counts */
enum { QUIET_SLOTS = 1 << 14, QUIET_LEAST = 48 /* bytes: below, looking costs as much as asking */ };

struct quiet;
struct quiet *quiet_new(const uint8_t key[16]);
void quiet_free(struct quiet *q);
/* Was this part's text quiet before? Then *value is the score it had. q NULL: no. */
bool quiet_knows(struct quiet *q, struct part *p, enum quiet_kind kind, double *value);
void quiet_remember(struct quiet *q, struct part *p, enum quiet_kind kind, double value);
void siphash128(const uint8_t key[16], struct span s, uint64_t out[2]);
#endif
