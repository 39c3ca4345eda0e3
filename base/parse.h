/* SPDX-License-Identifier: Apache-2.0
 * parse: numbers from outside. The whole span must be the number; no sign, blank or prefix; the bound is part of the call. */
#ifndef BASE_PARSE_H
#define BASE_PARSE_H
#include "base/span.h"

bool parse_u64(struct span s, uint64_t most, uint64_t *out);
bool parse_u32(struct span s, uint32_t most, uint32_t *out);
/* A finite JSON-style number (sign, fraction, exponent allowed), whatever the locale. */
bool parse_double(struct span s, double *out);
/* "64k", "1g", "512": bytes; k m g are powers of 1024. */
bool parse_bytes(struct span s, uint64_t most, uint64_t *out);
/* "250ms", "5s", "10m", "2h", "7d": milliseconds; a bare number other than 0 is refused (which unit?). */
bool parse_duration_ms(struct span s, uint64_t most_ms, uint64_t *out);
/* RFC 3339 ("2026-11-24T07:51:11Z", fraction and offset allowed), "2026-11-24", or a number of seconds (or, past 1e11, of ms):
 * microseconds since 1970. */
bool parse_time_us(struct span s, int64_t *out);
/* Microseconds since 1970 as "2026-11-24T07:51:11.123Z" into out[32]. */
void format_time(int64_t us, char out[32]);
#endif
