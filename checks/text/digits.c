/* SPDX-License-Identifier: Apache-2.0
 * digits: check digits and randomness; see digits.h. All linear in the input. */
#include "checks/text/digits.h"
#include <math.h>

bool luhn_ok(const uint8_t *digits, size_t n)
{
    unsigned sum = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned d = digits[n - 1 - i];
        if (i & 1)
            d = d > 4 ? 2 * d - 9 : 2 * d;
        sum += d;
    }
    return n > 0 && sum % 10 == 0;
}
uint32_t digits_mod(const uint8_t *digits, size_t n, uint32_t m)
{
    uint32_t r = 0;
    for (size_t i = 0; i < n; i++)
        r = (r * 10 + digits[i]) % m;
    return r;
}
static bool mod97_feed(uint32_t *r, char c)
{
    if (c >= '0' && c <= '9')
        *r = (*r * 10 + (uint32_t)(c - '0')) % 97;
    else if ((c | 32) >= 'a' && (c | 32) <= 'z')
        *r = (*r * 100 + (uint32_t)((c | 32) - 'a' + 10)) % 97;
    else
        return false;
    return true;
}
bool iban_ok(const char *chars, size_t n)
{
    uint32_t r = 0;
    if (n < 5)
        return false;
    for (size_t i = 4; i < n; i++)
        if (!mod97_feed(&r, chars[i]))
            return false;
    for (size_t i = 0; i < 4; i++)
        if (!mod97_feed(&r, chars[i]))
            return false;
    return r == 1;
}
/* The IBAN registry, release of 2024, and the countries that use the form outside it. */
static const struct { char country[3]; uint8_t length; } ibans[] = {
    { "AD", 24 }, { "AE", 23 }, { "AL", 28 }, { "AO", 25 }, { "AT", 20 }, { "AZ", 28 }, { "BA", 20 }, { "BE", 16 }, { "BF", 28 },
    { "BG", 22 }, { "BH", 22 }, { "BI", 27 }, { "BJ", 28 }, { "BR", 29 }, { "BY", 28 }, { "CF", 27 }, { "CG", 27 }, { "CH", 21 },
    { "CI", 28 }, { "CM", 27 }, { "CR", 22 }, { "CV", 25 }, { "CY", 28 }, { "CZ", 24 }, { "DE", 22 }, { "DJ", 27 }, { "DK", 18 },
    { "DO", 28 }, { "DZ", 26 }, { "EE", 20 }, { "EG", 29 }, { "ES", 24 }, { "FI", 18 }, { "FK", 18 }, { "FO", 18 }, { "FR", 27 },
    { "GA", 27 }, { "GB", 22 }, { "GE", 22 }, { "GI", 23 }, { "GL", 18 }, { "GQ", 27 }, { "GR", 27 }, { "GT", 28 }, { "GW", 25 },
    { "HN", 28 }, { "HR", 21 }, { "HU", 28 }, { "IE", 22 }, { "IL", 23 }, { "IQ", 23 }, { "IR", 26 }, { "IS", 26 }, { "IT", 27 },
    { "JO", 30 }, { "KM", 27 }, { "KW", 30 }, { "KZ", 20 }, { "LB", 28 }, { "LC", 32 }, { "LI", 21 }, { "LT", 20 }, { "LU", 20 },
    { "LV", 21 }, { "LY", 25 }, { "MA", 28 }, { "MC", 27 }, { "MD", 24 }, { "ME", 22 }, { "MG", 27 }, { "MK", 19 }, { "ML", 28 },
    { "MN", 20 }, { "MR", 27 }, { "MT", 31 }, { "MU", 30 }, { "MZ", 25 }, { "NE", 28 }, { "NI", 28 }, { "NL", 18 }, { "NO", 15 },
    { "OM", 23 }, { "PK", 24 }, { "PL", 28 }, { "PS", 29 }, { "PT", 25 }, { "QA", 29 }, { "RO", 24 }, { "RS", 22 }, { "RU", 33 },
    { "SA", 24 }, { "SC", 31 }, { "SD", 18 }, { "SE", 24 }, { "SI", 19 }, { "SK", 24 }, { "SM", 27 }, { "SN", 28 }, { "SO", 23 },
    { "ST", 25 }, { "SV", 28 }, { "TD", 27 }, { "TG", 28 }, { "TL", 23 }, { "TN", 24 }, { "TR", 26 }, { "UA", 29 }, { "VA", 22 },
    { "VG", 24 }, { "XK", 20 }, { "YE", 30 },
};
size_t iban_length(const char country[2])
{
    size_t low = 0, high = sizeof ibans / sizeof *ibans;
    while (low < high) {
        size_t mid = (low + high) / 2;
        int order = memcmp(country, ibans[mid].country, 2);
        if (order == 0)
            return ibans[mid].length;
        if (order < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return 0;
}

double entropy_bits(struct span s)
{
    uint32_t count[256] = { 0 };
    double bits = 0;
    for (size_t i = 0; i < s.len; i++)
        count[(unsigned char)s.at[i]]++;
    for (int c = 0; c < 256; c++)
        if (count[c]) {
            double p = (double)count[c] / (double)s.len;
            bits -= p * log2(p);
        }
    return bits;
}
struct makeup makeup_of(struct span s)
{
    struct makeup m = { 0 };
    bool seen[256] = { false }, low_hex = true, high_hex = true;
    int class = -1;
    bool is_first = false; /* one capital so far in this stretch */
    size_t runs = 0, lower_run = 0;
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.at[i];
        int now;
        if (c >= 'a' && c <= 'z') {
            now = 0;
            m.lower++;
            high_hex = false;
            low_hex = low_hex && c <= 'f';
        } else if (c >= 'A' && c <= 'Z') {
            now = 1;
            m.upper++;
            low_hex = false;
            high_hex = high_hex && c <= 'F';
        } else if (c >= '0' && c <= '9') {
            now = 2;
            m.digits++;
        } else {
            now = 3;
            m.other++;
            low_hex = high_hex = false;
        }
        lower_run = now == 0 ? lower_run + 1 : 0;
        if (lower_run > m.longest_lower)
            m.longest_lower = lower_run;
        if (!seen[c]) {
            seen[c] = true;
            m.distinct++;
        }
        if (now != class && !(now == 0 && class == 1 && is_first)) {
            runs++;
            is_first = now == 1;
        } else {
            is_first = false;
        }
        class = now;
    }
    m.run = runs ? (double)s.len / (double)runs : 0;
    m.is_hex = s.len > 0 && (low_hex || high_hex);
    return m;
}
bool is_uuid(struct span s)
{
    if (s.len < 36)
        return false;
    for (size_t i = 0; i < 36; i++) {
        char c = s.at[i];
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? c != '-' : !((c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'f')))
            return false;
    }
    return true;
}
