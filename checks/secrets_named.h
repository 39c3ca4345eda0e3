/* SPDX-License-Identifier: Apache-2.0
 * secrets_named: secrets that are known by what stands beside them: a name and a sign (API_KEY=…, "password": "…",
 * --token …, setPassword("…")), a vendor's name, a sentence (my password is …). Each takes the place of the sign or
 * cue and returns where the walk goes on, or 0: nothing found. */
#ifndef CHECKS_SECRETS_NAMED_H
#define CHECKS_SECRETS_NAMED_H
#include "checks/text/hunt.h"

/* At '=', ':', '(' , ',' or '>' : does a name before it call what follows a secret? */
size_t named_match(struct hunt *h, size_t sign);
/* At "--": a command's option that takes a secret. */
size_t option_match(struct hunt *h, size_t at);
/* Could a cue begin with these two letters? */
static inline bool prose_may_start(unsigned char a, unsigned char b)
{
    b |= 32;
    switch (a | 32) {
    case 'a': return b == 'c';
    case 'c': return b == 'o' || b == 'r';
    case 'i': return b == 'd';
    case 'l': return b == 'o';
    case 'm': return b == 'd' || b == 'o';
    case 'p': return b == 'a' || b == 'w';
    case 'u': return b == 's' || b == 't';
    default: return false;
    }
}
/* At the start of the word [at, end): a cue for a password told in prose. */
size_t prose_match(struct hunt *h, size_t at, size_t end);
/* Is there a word for a secret within reach of [start, end): 80 bytes before, 48 behind on the same line? */
bool cue_near(struct hunt *h, size_t start, size_t end);
/* user:password in base64? */
bool is_basic_pair(struct span b64);
/* Does base64 decode to text that people read? */
bool is_base64_text(struct span b64);
#endif
