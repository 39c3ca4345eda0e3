/* SPDX-License-Identifier: Apache-2.0 */
#include "base/parse.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { NUMBER_BYTES_MOST = 512 }; /* a decimal written out in full has 40 digits or 400, never more */

bool parse_u64(struct span s, uint64_t most, uint64_t *out)
{
    uint64_t n = 0;
    if (!s.len)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        unsigned d = (unsigned)(unsigned char)s.at[i] - '0';
        if (d > 9 || n > (UINT64_MAX - d) / 10)
            return false;
        n = n * 10 + d;
    }
    if (n > most)
        return false;
    *out = n;
    return true;
}
bool parse_u32(struct span s, uint32_t most, uint32_t *out)
{
    uint64_t n;
    if (!parse_u64(s, most, &n))
        return false;
    *out = (uint32_t)n;
    return true;
}
bool parse_double(struct span s, double *out)
{
    char copy[NUMBER_BYTES_MOST], *end;
    if (!s.len || s.len >= sizeof copy)
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (!strchr("0123456789+-.eE", s.at[i]) || !s.at[i])
            return false;
    memcpy(copy, s.at, s.len);
    copy[s.len] = 0;
    double d = strtod(copy, &end); /* vigie never calls setlocale, so the point is a point */
    if (*end || !isfinite(d))
        return false;
    *out = d;
    return true;
}
static bool with_unit(struct span s, const char *const *names, const uint64_t *factors, size_t n, uint64_t most, uint64_t *out)
{
    size_t digits = 0;
    while (digits < s.len && s.at[digits] >= '0' && s.at[digits] <= '9')
        digits++;
    uint64_t value;
    if (!parse_u64(span_cut(s, 0, digits), UINT64_MAX, &value))
        return false;
    struct span unit = span_cut(s, digits, s.len);
    for (size_t i = 0; i < n; i++)
        if (span_is_nocase(unit, names[i])) {
            if (value > most / factors[i])
                return false;
            *out = value * factors[i];
            return true;
        }
    return value == 0 && unit.len == 0 ? (*out = 0, true) : false;
}
bool parse_bytes(struct span s, uint64_t most, uint64_t *out)
{
    static const char *const names[] = { "", "k", "m", "g" };
    static const uint64_t factors[] = { 1, 1u << 10, 1u << 20, 1u << 30 };
    return with_unit(s, names, factors, 4, most, out);
}
bool parse_duration_ms(struct span s, uint64_t most_ms, uint64_t *out)
{
    static const char *const names[] = { "ms", "s", "m", "h", "d" };
    static const uint64_t factors[] = { 1, 1000, 60000, 3600000, 86400000 };
    return with_unit(s, names, factors, 5, most_ms, out);
}

/* Days since 1970 of a proleptic Gregorian date (H. Hinnant, "chrono-compatible low-level date algorithms"). */
static int64_t days_of(int64_t y, unsigned m, unsigned d)
{
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    unsigned yoe = (unsigned)(y - era * 400), doy = (153 * (m + (m > 2 ? -3u : 9u)) + 2) / 5 + d - 1;
    return era * 146097 + (int64_t)(yoe * 365 + yoe / 4 - yoe / 100 + doy) - 719468;
}
static bool digits(struct span s, size_t at, size_t n, unsigned *out)
{
    uint32_t v;
    if (at + n > s.len || !parse_u32(span_cut(s, at, at + n), 9999, &v))
        return false;
    *out = v;
    return true;
}
bool parse_time_us(struct span s, int64_t *out)
{
    unsigned y, mo, d, h = 0, mi = 0, sec = 0;
    double number;
    if (s.len && s.len <= 17 && parse_double(s, &number) && !(s.len == 10 && s.at[4] == '-')) {
        if (!(number >= 0 && number < 1e14))
            return false;
        *out = (int64_t)(number > 1e11 ? number * 1e3 : number * 1e6);
        return true;
    }
    if (!(s.len >= 10 && digits(s, 0, 4, &y) && s.at[4] == '-' && digits(s, 5, 2, &mo) && s.at[7] == '-' && digits(s, 8, 2, &d)))
        return false;
    static const unsigned char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool is_leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
    if (mo < 1 || mo > 12 || d < 1 || d > days[mo - 1] + (mo == 2 && is_leap ? 1u : 0u))
        return false;
    int64_t us = 0, offset = 0;
    if (s.len > 10) {
        if (!((s.at[10] == 'T' || s.at[10] == 't' || s.at[10] == ' ') && digits(s, 11, 2, &h) && s.len > 15 && s.at[13] == ':'
              && digits(s, 14, 2, &mi)) || h > 23 || mi > 59)
            return false;
        size_t at = 16;
        if (at < s.len && s.at[at] == ':') {
            if (!digits(s, 17, 2, &sec) || sec > 60)
                return false;
            at = 19;
            if (at < s.len && s.at[at] == '.') {
                int64_t unit = 100000;
                for (at++; at < s.len && s.at[at] >= '0' && s.at[at] <= '9'; at++, unit /= 10)
                    us += (s.at[at] - '0') * unit;
            }
        }
        if (at < s.len && (s.at[at] == '+' || s.at[at] == '-')) {
            unsigned oh, om = 0;
            bool west = s.at[at] == '-';
            if (!digits(s, at + 1, 2, &oh) || oh > 23)
                return false;
            size_t rest = at + 3 < s.len && s.at[at + 3] == ':' ? at + 4 : at + 3;
            if (rest < s.len && (!digits(s, rest, 2, &om) || rest + 2 != s.len || om > 59))
                return false;
            offset = (int64_t)(oh * 60 + om) * (west ? 60 : -60);
        } else if (at < s.len && !(at + 1 == s.len && (s.at[at] == 'Z' || s.at[at] == 'z'))) {
            return false;
        }
    }
    *out = (days_of(y, mo, d) * 86400 + (int64_t)h * 3600 + (int64_t)mi * 60 + sec + offset) * 1000000 + us;
    return true;
}
void format_time(int64_t us, char out[32])
{
    int64_t seconds = us / 1000000, rest = us % 1000000;
    if (rest < 0)
        rest += 1000000, seconds--;
    int64_t days = seconds / 86400, in_day = seconds % 86400;
    if (in_day < 0)
        in_day += 86400, days--;
    int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097;
    unsigned doe = (unsigned)(z - era * 146097), yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153, d = doy - (153 * mp + 2) / 5 + 1;
    unsigned m = mp < 10 ? mp + 3 : mp - 9;
    long long y = (long long)yoe + era * 400 + (m <= 2);
    if (y < 0 || y > 9999)
        y = 9999;
    snprintf(out, 32, "%04lld-%02u-%02uT%02u:%02u:%02u.%03uZ", y, m, d, (unsigned)(in_day / 3600), (unsigned)(in_day / 60 % 60),
             (unsigned)(in_day % 60), (unsigned)(rest / 1000));
}
