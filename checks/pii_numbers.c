/* SPDX-License-Identifier: Apache-2.0
 * pii_numbers: numbers that are somebody's. A number is read as people write it: groups of digits with one or two signs
 * between them (blanks of any kind, dots, dashes, slashes, a line's end). From the first group on, the longest run of
 * groups that fits a kind wins: form, then check digits, then what the words around say. What carries check digits is
 * believed without a word, unless the word says that it is something else; what carries none needs form or word.
 * Sources: ISO 13616 and 7812, INSEE (NIR, SIREN, SIRET), ITU-T E.164, ARCEP's numbering plan, NANPA. */
#include "checks/pii_parts.h"
#include "checks/text/digits.h"

enum { GROUPS_MOST = 16, DIGITS_MOST = 40 };

struct group {
    size_t start, end;          /* in the text */
    uint8_t digits, first;      /* how many, and the index of the first in number.digit */
    char before;                /* the kind of sign before it: ' ' . - / n(line) o(other), 0 at the front */
};
struct number {
    uint8_t digit[DIGITS_MOST];
    char chars[DIGITS_MOST];
    struct group group[GROUPS_MOST];
    size_t n, digits;
};

/* What stands between two groups at i: its length, its kind in *sign. 0: no separator. */
static size_t separator_at(struct hunt *h, size_t i, char *sign)
{
    size_t at = i, blanks = 0;
    *sign = 0;
    while (at - i < 6) {
        unsigned char c = hunt_at(h, at);
        if (c == ' ' || c == '\t') {
            if (++blanks > 2)
                return 0;
            if (!*sign)
                *sign = ' ';
            at++;
        } else if (c == '\n' || c == '\r') {
            if (*sign == 'n' && c == '\n' && h->text.at[at - 1] == '\n')
                return 0;
            *sign = 'n';
            at++;
        } else if (c == '.' || c == '-' || c == '/' || c == '_') {
            if (*sign && *sign != ' ' && *sign != 'n')
                return 0;
            *sign = c == '_' ? 'o' : (char)c;
            at++;
        } else if (c == 0xe2 && (hunt_at(h, at + 1) == 0x80 || hunt_at(h, at + 1) == 0x88)) {
            unsigned char d = hunt_at(h, at + 2), e = hunt_at(h, at + 1);
            if (e == 0x80 && ((d >= 0x90 && d <= 0x95) || d == 0xa2 || d == 0xa7)) {
                *sign = d <= 0x95 ? '-' : 'o';
                at += 3;
            } else if (e == 0x88 && d == 0x92) {
                *sign = '-';
                at += 3;
            } else {
                break;
            }
        } else if (c == 0xc2 && hunt_at(h, at + 1) == 0xb7) {
            *sign = 'o';
            at += 2;
        } else {
            break;
        }
    }
    return at - i;
}
static void number_read(struct hunt *h, size_t at, struct number *out)
{
    out->n = out->digits = 0;
    char sign = 0;
    while (out->n < GROUPS_MOST) {
        size_t e = at;
        while (is_digit(hunt_at(h, e)) && e - at <= DIGITS_MOST)
            e++;
        if (e == at || out->digits + (e - at) > DIGITS_MOST)
            break;
        struct group *g = &out->group[out->n++];
        *g = (struct group){ at, e, (uint8_t)(e - at), (uint8_t)out->digits, sign };
        for (size_t k = at; k < e; k++) {
            out->digit[out->digits] = (uint8_t)(h->text.at[k] - '0');
            out->chars[out->digits++] = h->text.at[k];
        }
        if (is_alpha(hunt_at(h, e)))
            break;
        size_t gap = separator_at(h, e, &sign);
        if (!gap || !is_digit(hunt_at(h, e + gap)))
            break;
        at = e + gap;
    }
}
/* The first k groups hold this many digits. */
static size_t digits_in(const struct number *n, size_t k)
{
    return k ? (size_t)n->group[k - 1].first + n->group[k - 1].digits : 0;
}
static bool is_grouped(const struct number *n, size_t k, const char *sizes)
{
    if (strlen(sizes) != k)
        return false;
    for (size_t i = 0; i < k; i++)
        if (n->group[i].digits != (uint8_t)(sizes[i] - '0'))
            return false;
    return true;
}
/* Groups go on behind the k-th as they were before: then the k were only the front of something longer. What follows a
 * whole card (a date, a code) or a pair-wise telephone (a postcode) is of another size. */
static bool goes_on(struct hunt *h, const struct number *n, size_t k)
{
    if (k < n->n) {
        const struct group *next = &n->group[k];
        char sign = next->before;
        if (sign == 'n' || k == 1)
            return false;
        if (n->group[k - 1].before != sign)
            return false;
        if (is_grouped(n, k, "4444") || is_grouped(n, k, "465") || is_grouped(n, k, "464"))
            return next->digits == 4 && !(k + 1 < n->n && n->group[k + 1].before == '/');
        if (is_grouped(n, k, "22222"))
            return next->digits < 4;
        return true;
    }
    unsigned char c = hunt_at(h, n->group[k - 1].end);
    return is_letter(c) && c < 0x80;
}
/* A digit, one sign and then this number, whose own groups are set apart by the same sign: it is the tail of a longer one. */
static bool is_tail(const struct hunt *h, size_t at, const struct number *n)
{
    if (at < 2 || n->n < 2 || !is_alnum((unsigned char)h->text.at[at - 2]))
        return false;
    unsigned char sign = (unsigned char)h->text.at[at - 1];
    if (sign != (unsigned char)n->group[1].before)
        return false;
    size_t s = at - 1, digits = 0;
    while (s && is_alnum((unsigned char)h->text.at[s - 1]) && at - s < 8) {
        s--;
        digits += is_digit((unsigned char)h->text.at[s]);
    }
    return digits > 0 && is_digit((unsigned char)h->text.at[at - 2]);
}

static bool is_card(const struct number *n, size_t k, size_t d, bool has_cue)
{
    if (d < (has_cue ? 12 : 13) || d > 19 || !luhn_ok(n->digit, d))
        return false;
    unsigned two = n->digit[0] * 10u + n->digit[1], four = two * 100 + n->digit[2] * 10u + n->digit[3];
    bool is_visa = n->digit[0] == 4 && (d == 16 || (has_cue && (d == 13 || d == 19)));
    bool is_master = d == 16 && ((two >= 51 && two <= 55) || (four >= 2221 && four <= 2720));
    bool is_amex = d == 15 && (two == 34 || two == 37);
    bool is_discover = (d == 16 || (d == 19 && has_cue)) && (four == 6011 || two == 65 || (four >= 6440 && four <= 6599));
    bool is_jcb = d == 16 && four >= (has_cue ? 3500 : 3528) && four <= (has_cue ? 3599 : 3589);
    bool is_old_jcb = d == 15 && (four == 2131 || four == 1800);
    bool is_diners = (d == 14 && (two == 36 || two == 38 || two == 39 || (four >= 3000 && four <= 3059) || four / 10 == 309)) && (has_cue || k > 1);
    bool is_other = has_cue && (two == 62 || two == 50 || (two >= 56 && two <= 69) || two == 81 || two == 22);
    if (!(is_visa || is_master || is_amex || is_discover || is_jcb || (is_old_jcb && has_cue) || is_diners || is_other))
        return false;
    /* no group of a card is shorter than two digits, and equal digits throughout are a pattern */
    bool all_same = true;
    for (size_t i = 1; i < d; i++)
        all_same &= n->digit[i] == n->digit[0];
    for (size_t i = 0; i < k; i++)
        if (n->group[i].digits < 3 && !has_cue)
            return false;
    return !all_same;
}
/* 15 digits (Corsica's letter handled by its own matcher): sex, year, month, department, commune, rank, key. */
static bool is_nir_body(const uint8_t *d)
{
    unsigned month = d[3] * 10u + d[4], dept = d[5] * 10u + d[6];
    bool is_month = (month >= 1 && month <= 12) || (month >= 20 && month <= 42) || month >= 50;
    return (d[0] == 1 || d[0] == 2 || d[0] == 3 || d[0] == 4 || d[0] == 7 || d[0] == 8) && is_month && dept != 0;
}
static bool is_nir(const struct number *n, size_t d)
{
    if (d != 15 || !is_nir_body(n->digit))
        return false;
    unsigned key = n->digit[13] * 10u + n->digit[14];
    uint64_t body = 0;
    for (size_t i = 0; i < 13; i++)
        body = body * 10 + n->digit[i];
    return key == 97 - body % 97;
}
static bool is_rib(const struct number *n, size_t d)
{
    if (d != 23)
        return false;
    uint64_t bank = 0, desk = 0, account = 0;
    for (size_t i = 0; i < 5; i++)
        bank = bank * 10 + n->digit[i];
    for (size_t i = 5; i < 10; i++)
        desk = desk * 10 + n->digit[i];
    for (size_t i = 10; i < 21; i++)
        account = account * 10 + n->digit[i];
    unsigned key = n->digit[21] * 10u + n->digit[22];
    return key >= 1 && key == 97 - (89 * (bank % 97) + 15 * (desk % 97) + 3 * (account % 97)) % 97;
}
static bool is_siren(const uint8_t *d)
{
    bool all_same = true;
    for (size_t i = 1; i < 9; i++)
        all_same &= d[i] == d[0];
    return !all_same && luhn_ok(d, 9);
}
static bool is_siret(const uint8_t *d)
{
    static const uint8_t la_poste[9] = { 3, 5, 6, 0, 0, 0, 0, 0, 0 };
    if (memcmp(d, la_poste, 9) == 0) {
        unsigned sum = 0;
        for (size_t i = 0; i < 14; i++)
            sum += d[i];
        return sum % 5 == 0 || luhn_ok(d, 14);
    }
    return luhn_ok(d, 14);
}
/* A moment written as digits: 20240115103000 */
static bool is_moment(const uint8_t *d, size_t n)
{
    unsigned year = d[0] * 1000u + d[1] * 100u + d[2] * 10u + d[3];
    return n >= 8 && year >= 1900 && year < 2100 && d[4] * 10u + d[5] <= 12 && d[6] * 10u + d[7] <= 31 && d[4] * 10u + d[5] >= 1;
}

/* Telephones. plus: a '+' (or 00) stood before; the country's number is part of the digits. */
static bool is_french_grouping(const struct number *n, size_t k)
{
    return is_grouped(n, k, "22222") || is_grouped(n, k, "433") || is_grouped(n, k, "4222") || is_grouped(n, k, "2422") || is_grouped(n, k, "334") || is_grouped(n, k, "244") || is_grouped(n, k, "3322") || is_grouped(n, k, "2233") || is_grouped(n, k, "442") || is_grouped(n, k, "46");
}
static double phone_score(struct hunt *h, const struct number *n, size_t k, bool has_plus, bool has_paren, unsigned cue, unsigned behind)
{
    size_t d = digits_in(n, k);
    bool says_phone = cue & CUE_PHONE || behind & CUE_PHONE, says_other = cue && !(cue & CUE_PHONE);
    if (d < 6 || d > 15)
        return 0;
    for (size_t i = 1; i < k; i++)
        if (n->group[i].before == 'n' && !says_phone && !(n->digit[0] == 0 && d == 10) && !has_plus)
            return 0;
    if (has_plus) {
        if (n->digit[0] == 0 || d < 8)
            return 0;
        if (n->digit[0] == 1 && d != 11)
            return 0;
        if (n->digit[0] == 3 && n->digit[1] == 3) {     /* +33 6…, +33 06…, +33 (0)6… */
            size_t zero = n->digit[2] == 0;
            return d == 11 + zero && n->digit[2 + zero] != 0 ? 0.97 : 0;
        }
        return says_other && !says_phone ? 0.6 : 0.93;
    }
    /* 00 33 … */
    if (n->digit[0] == 0 && n->digit[1] == 0) {
        if (d >= 13 && n->digit[2] == 3 && n->digit[3] == 3) {
            size_t zero = n->digit[4] == 0;
            return d == 13 + zero && n->digit[4 + zero] ? 0.95 : 0;
        }
        return d >= 11 && n->digit[2] != 0 && !says_other && (k > 1 || says_phone) ? 0.85 : 0;
    }
    bool has_dot_pairs = true;
    for (size_t i = 0; i < k; i++)
        has_dot_pairs &= n->group[i].digits == 2;
    /* France: ten digits from 01 to 09 */
    if (d == 10 && n->digit[0] == 0 && n->digit[1] != 0) {
        if (has_dot_pairs || is_french_grouping(n, k))
            return says_other && !says_phone && !(cue & (CUE_IBAN | CUE_SIREN | CUE_NIR | CUE_CARD)) && k == 1 ? 0 : 0.93;
        if (k == 1)
            return says_other && !says_phone ? 0 : says_phone ? 0.95 : 0.8;
        if (says_phone)
            return 0.9;
    }
    /* North America: NXX NXX XXXX */
    bool is_nanp = d == 10 && n->digit[0] >= 2 && n->digit[3] >= 2;
    if (is_nanp && is_grouped(n, k, "334")) {
        char a = n->group[1].before, b = n->group[2].before;
        bool is_usual = has_paren || (a == '-' && b == '-') || (a == '.' && b == '.');
        if (is_usual && !(says_other && !says_phone && !has_paren))
            return 0.9;
        if (says_phone || (a == ' ' && b == '-'))
            return 0.85;
    }
    if (d == 11 && n->digit[0] == 1 && n->digit[1] >= 2 && n->digit[4] >= 2 && is_grouped(n, k, "1334") && !says_other)
        return 0.88;
    if (says_other && !says_phone)
        return 0;
    if (says_phone && d >= 7 && d <= 13 && !(k == 1 && is_moment(n->digit, d) && d == 8))
        return k > 1 || n->digit[0] == 0 || d >= 8 ? 0.85 : 0.7;
    /* elsewhere in Europe: 0… in three groups and more */
    if (n->digit[0] == 0 && n->digit[1] != 0 && k >= 3 && d >= 9 && d <= 11) {
        for (size_t i = 0; i < k; i++)
            if (n->group[i].digits < 2 || n->group[i].digits > 4)
                return 0;
        return 0.8;
    }
    if (n->digit[0] == 0 && n->digit[1] != 0 && k == 2 && n->group[0].digits >= 3 && n->group[0].digits <= 5 && d >= 9 && d <= 11 && n->group[1].before != '.')
        return 0.7;
    if (has_paren && d >= 7 && k >= 2)
        return 0.75;
    (void)h;
    return 0;
}

static bool is_ipv4(struct hunt *h, size_t at, size_t *end, unsigned cue)
{
    size_t i = at;
    unsigned octet[4];
    for (unsigned k = 0; k < 4; k++) {
        unsigned v = 0;
        size_t s = i;
        while (is_digit(hunt_at(h, i)) && i - s < 4)
            v = v * 10 + (unsigned)(h->text.at[i++] - '0');
        if (i == s || i - s > 3 || v > 255 || (i - s > 1 && h->text.at[s] == '0'))
            return false;
        octet[k] = v;
        if (k < 3 && hunt_at(h, i++) != '.')
            return false;
    }
    unsigned char next = hunt_at(h, i), before = hunt_before(h, at);
    if ((next != '_' && !is_digit(next) && hunt_word_at(h, i)) || (next == '.' && is_digit(hunt_at(h, i + 1))) || next == '-' || before == '.' || before == '-' || hunt_word_before(h, at))
        return false;
    if (cue & CUE_VERSION || octet[0] == 127 || octet[0] == 255 || (octet[0] == 0) || octet[0] >= 240)
        return false;
    /* 1.2.3.4, 2.0.0.1: a version or a section, unless something says otherwise */
    if (octet[0] < 10 && octet[1] < 10 && octet[2] < 10 && octet[3] < 10)
        return false;
    *end = i;
    return true;
}

size_t number_match(struct hunt *h, size_t at)
{
    size_t start = at, first = at;
    bool has_plus = false, has_paren = false;
    unsigned char c = (unsigned char)h->text.at[at];
    unsigned char before = hunt_before(h, at);
    if (c == '(' || c == '+') {
        /* +33 …, (+33) …, (0)1 …, (555) … */
        if (is_alnum(before))
            return 0;
        size_t i = at;
        if (c == '(') {
            i++;
            has_paren = true;
        }
        if (hunt_at(h, i) == '+') {
            i++;
            has_plus = true;
        }
        while (hunt_at(h, i) == ' ' && i - at < 3)
            i++;
        if (!is_digit(hunt_at(h, i)))
            return 0;
        first = i;
    } else if (hunt_word_before(h, at) || (before == '.' && at > 1 && is_digit((unsigned char)h->text.at[at - 2])) || (before == ',' && at > 1 && is_digit((unsigned char)h->text.at[at - 2]))) {
        return 0;
    }
    struct number n;
    if (has_paren || has_plus) {
        /* the digits and closing parenthesis by hand: (555) 123-4567, +33 (0)6 12 …, +44 (0)20 … */
        n.n = n.digits = 0;
        size_t i = first;
        char sign = 0;
        bool is_closed = false;
        while (n.n < GROUPS_MOST) {
            size_t e = i;
            while (is_digit(hunt_at(h, e)) && e - i <= 15)
                e++;
            if (e == i || n.digits + (e - i) > 20)
                break;
            n.group[n.n++] = (struct group){ i, e, (uint8_t)(e - i), (uint8_t)n.digits, sign };
            for (size_t k = i; k < e; k++) {
                n.digit[n.digits] = (uint8_t)(h->text.at[k] - '0');
                n.chars[n.digits++] = h->text.at[k];
            }
            size_t next = e;
            char ignore = ' ';
            if (hunt_at(h, next) == ')') {
                next++;
                is_closed = true;
            }
            size_t gap = separator_at(h, next, &ignore);
            next += gap;
            if (hunt_at(h, next) == '(')
                next++;
            sign = ignore ? ignore : ' ';
            if (next == e || !is_digit(hunt_at(h, next)))
                break;
            i = next;
        }
        if (n.n && n.digits < 6)
            return 0;
        if (c == '(' && !is_closed)     /* an aside: the digits speak for themselves */
            return 0;
    } else {
        number_read(h, at, &n);
    }
    if (!n.n)
        return 0;
    unsigned all = 0, cue = 0;
    bool asked = false;
    /* machines' addresses first: four groups with dots */
    if (!has_plus && !has_paren && n.n >= 4 && n.group[1].before == '.' && n.group[0].digits <= 3) {
        size_t end;
        cue = cue_before(h, at, &all);
        asked = true;
        if (is_ipv4(h, at, &end, cue)) {
            hunt_hit(h, at, end, "ip", 0.85, "an IPv4 address");
            return end;
        }
    }
    if (n.digits < 6)
        return 0;
    if (!asked)
        cue = cue_before(h, start, &all);
    bool tail = !has_plus && !has_paren && is_tail(h, at, &n);
    for (size_t k = n.n; k > 0; k--) {
        size_t d = digits_in(&n, k), end = n.group[k - 1].end;
        if (d < 7)
            break;
        bool more = goes_on(h, &n, k) || (tail && !is_grouped(&n, k, "4444"));
        bool says_other = cue & CUE_OTHER && !(cue & ~(unsigned)(CUE_OTHER | CUE_VERSION));
        if (!has_plus && !has_paren && !more) {
            /* the forms with check digits */
            if (d == 15 && is_nir(&n, d) && !(says_other && !(all & CUE_NIR)) && (n.digit[0] < 3 || cue & CUE_NIR)) {
                hunt_hit(h, start, end, "nir", cue & CUE_NIR ? 0.99 : 0.93, "a French social security number with its right key");
                return end;
            }
            if (d == 13 && is_nir_body(n.digit) && cue & CUE_NIR && n.digit[0] < 3 && k != 1 + (size_t)(n.n > 1 && k < n.n)) {
                if (k == n.n) {
                    hunt_hit(h, start, end, "nir", 0.7, "a French social security number without its key");
                    return end;
                }
            }
            bool card_cue = cue & CUE_CARD || (all & CUE_CARD && !(cue & CUE_OTHER));
            if (!(says_other && !card_cue) && is_card(&n, k, d, card_cue) && !(cue & (CUE_SIRET | CUE_SIREN | CUE_NIR) && !card_cue)) {
                hunt_hit(h, start, end, "card", card_cue ? 0.99 : 0.9, "a payment card's number with its right check digit");
                return end;
            }
            if (d == 23 && is_rib(&n, d) && !says_other) {
                hunt_hit(h, start, end, "rib", 0.95, "a French bank account with its right key");
                return end;
            }
            if (d == 14 && is_siret(n.digit)) {
                bool says_it = cue & (CUE_SIRET | CUE_SIREN) || all & CUE_SIRET;
                bool is_shaped = is_siren(n.digit) && !is_moment(n.digit, 14);
                if (says_it || (is_shaped && !says_other)) {
                    hunt_hit(h, start, end, "siret", says_it ? 0.98 : 0.85, "a French establishment's number with its right check digits");
                    return end;
                }
            }
            if (d == 9 && is_siren(n.digit) && (cue & (CUE_SIREN | CUE_SIRET) || (all & CUE_SIREN && !(cue & CUE_OTHER)))) {
                hunt_hit(h, start, end, "siren", 0.95, "a French company's number with its right check digit");
                return end;
            }
            if (d == 9 && is_grouped(&n, k, "324") && n.group[1].before == n.group[2].before && (n.group[1].before == '-' || cue & CUE_SSN)) {
                unsigned area = n.digit[0] * 100u + n.digit[1] * 10u + n.digit[2];
                if (area && area != 666 && area < 900 && (n.digit[3] || n.digit[4]) && !says_other) {
                    hunt_hit(h, start, end, "us-ssn", cue & CUE_SSN ? 0.97 : 0.85, "a US social security number");
                    return end;
                }
            }
            if (d == 9 && k == 1 && cue & CUE_SSN) {
                unsigned area = n.digit[0] * 100u + n.digit[1] * 10u + n.digit[2];
                if (area && area != 666 && area < 900) {
                    hunt_hit(h, start, end, "us-ssn", 0.85, "a US social security number");
                    return end;
                }
            }
            if (cue & CUE_PASSPORT && k == 1 && d >= 7 && d <= 9) {
                hunt_hit(h, start, end, "passport", 0.85, "a passport's number");
                return end;
            }
            if (cue & (CUE_ID | CUE_LICENCE) && k == 1 && (d == 12 || (d == 13 && cue & CUE_ID) || (cue & CUE_LICENCE && d >= 8 && d <= 13))) {
                hunt_hit(h, start, end, cue & CUE_LICENCE ? "driving-licence" : "national-id", 0.75, "an identity document's number");
                return end;
            }
        }
        /* 1-800-555-HELP */
        if (hunt_at(h, end) == '-' && hunt_class[hunt_at(h, end + 1)] & IS_UPPER && hunt_class[hunt_at(h, end + 2)] & IS_UPPER)
            more = true;
        if (!more && d <= 15 && !(cue & (CUE_SIREN | CUE_SIRET | CUE_NIR | CUE_CARD | CUE_IBAN | CUE_RIB) && !(cue & CUE_PHONE) && k == 1 && d != 10)) {
            hunt_at(h, end);
            unsigned behind = cue_behind(h, end) & CUE_PHONE;
            double score = phone_score(h, &n, k, has_plus, has_paren, cue, behind);
            /* extensions belong to the number */
            if (score > 0) {
                size_t e = end;
                while (hunt_at(h, e) == ' ')
                    e++;
                size_t x = e;
                if ((hunt_at(h, x) | 32) == 'x' && is_digit(hunt_at(h, x + 1)))
                    x++;
                else if ((hunt_at(h, x) | 32) == 'e' && (hunt_at(h, x + 1) | 32) == 'x' && (hunt_at(h, x + 2) | 32) == 't')
                    for (x += 3; hunt_at(h, x) == '.' || hunt_at(h, x) == ' ';)
                        x++;
                if (x > e && is_digit(hunt_at(h, x))) {
                    size_t y = x;
                    while (is_digit(hunt_at(h, y)) && y - x < 6)
                        y++;
                    end = y;
                }
                size_t from = start;
                hunt_hit(h, from, end, "phone", score, cue & CUE_PHONE ? "a telephone number, as the words around say" : "has the form of a telephone number");
                return end;
            }
        }
    }
    return 0;
}

/* IBAN from its two letters; also VAT, plates and passports, which begin alike. */
static size_t iban_match(struct hunt *h, size_t at)
{
    char chars[40], country[3] = { 0 };
    for (size_t k = 0; k < 2; k++) {
        unsigned char c = hunt_at(h, at + k);
        country[k] = (char)(c & ~32);
    }
    size_t want = iban_length(country);
    if (!want)
        return 0;
    size_t n = 0, i = at, end = at;
    bool was_gap = false;
    while (n < want) {
        unsigned char c = hunt_at(h, i);
        if (is_alnum(c) && (n < 2 ? is_alpha(c) : n < 4 ? is_digit(c) : true)) {
            chars[n++] = (char)c;
            i++;
            end = i;
            was_gap = false;
            continue;
        }
        char sign;
        size_t gap = separator_at(h, i, &sign);
        if (!gap || was_gap || n < 2)
            return 0;
        was_gap = true;
        i += gap;
    }
    if (is_alnum(hunt_at(h, end)) || !iban_ok(chars, want))
        return 0;
    /* letters alone behind the country are words */
    size_t digits = 0;
    for (size_t k = 0; k < want; k++)
        digits += is_digit((unsigned char)chars[k]);
    if (digits < want / 3)
        return 0;
    hunt_hit(h, at, end, "iban", 0.99, "a bank account's number, right in country, length and check digits");
    return end;
}
static size_t vat_match(struct hunt *h, size_t at)
{
    /* FR + key + SIREN */
    if ((hunt_at(h, at) & ~32) != 'F' || (hunt_at(h, at + 1) & ~32) != 'R')
        return 0;
    uint8_t d[11];
    size_t n = 0, i = at + 2, end = i;
    while (n < 11) {
        unsigned char c = hunt_at(h, i);
        if (is_digit(c)) {
            d[n++] = (uint8_t)(c - '0');
            end = ++i;
            continue;
        }
        char sign;
        size_t gap = separator_at(h, i, &sign);
        if (!gap || !is_digit(hunt_at(h, i + gap)))
            return 0;
        i += gap;
    }
    if (is_alnum(hunt_at(h, end)) || !is_siren(d + 2))
        return 0;
    if (d[0] * 10u + d[1] != (12 + 3 * digits_mod(d + 2, 9, 97)) % 97)
        return 0;
    hunt_hit(h, at, end, "vat", 0.95, "a French VAT number with its right key");
    return end;
}
/* Corsica: the department's letter within a NIR, the digits before it already read: at is the first digit. */
static size_t corsica_match(struct hunt *h, size_t at)
{
    uint8_t d[15];
    char letter = 0;
    size_t n = 0, i = at, end = at;
    while (n < 15) {
        unsigned char c = hunt_at(h, i);
        if (is_digit(c) && !(n == 6 && !letter)) {
            d[n++] = (uint8_t)(c - '0');
            end = ++i;
            continue;
        }
        if (n == 6 && !letter && ((c & ~32) == 'A' || (c & ~32) == 'B') && d[5] == 2) {
            letter = (char)(c & ~32);
            d[n++] = letter == 'A' ? 9 : 8;
            d[5] = 1;
            end = ++i;
            continue;
        }
        char sign;
        size_t gap = separator_at(h, i, &sign);
        if (!gap || !n || !is_alnum(hunt_at(h, i + gap)))
            return 0;
        i += gap;
    }
    if (!letter || is_alnum(hunt_at(h, end)) || !is_nir_body(d))
        return 0;
    uint64_t body = 0;
    for (size_t k = 0; k < 13; k++)
        body = body * 10 + d[k];
    if (d[13] * 10u + d[14] != 97 - body % 97)
        return 0;
    hunt_hit(h, at, end, "nir", 0.97, "a French social security number with its right key");
    return end;
}
/* Letters and digits in a fixed order: A capital, 9 digit, others themselves. */
static size_t form_at(struct hunt *h, size_t at, const char *form)
{
    size_t i = at;
    for (const char *f = form; *f; f++, i++) {
        unsigned char c = hunt_at(h, i);
        if (*f == 'A' ? !(hunt_class[c] & IS_UPPER) : *f == '9' ? !is_digit(c) : c != (unsigned char)*f)
            return 0;
    }
    return hunt_word_at(h, i) ? 0 : i;
}
size_t lettered_match(struct hunt *h, size_t at)
{
    unsigned char c = (unsigned char)h->text.at[at];
    size_t e;
    if (is_alpha(c)) {
        if ((e = iban_match(h, at)) || (e = vat_match(h, at)))
            return e;
        static const struct { const char *form; unsigned cue; const char *kind; } forms[] = {
            { "AA-999-AA", 0, "plate" }, { "AA 999 AA", CUE_PLATE, "plate" }, { "AA999AA", CUE_PLATE, "plate" },
            { "A99999999", CUE_PASSPORT, "passport" }, { "AA9999999", CUE_PASSPORT, "passport" }, { "AA999999", CUE_PASSPORT, "passport" }, { "AAA999999", CUE_PASSPORT, "passport" }, { "A9999999", CUE_PASSPORT, "passport" },
            { "AA999999A", 0, "uk-nino" }, { "AA 99 99 99 A", 0, "uk-nino" },
        };
        for (size_t k = 0; k < sizeof forms / sizeof *forms; k++) {
            e = form_at(h, at, forms[k].form);
            if (!e)
                continue;
            unsigned cue = cue_before(h, at, NULL);
            if (forms[k].cue ? !(cue & forms[k].cue) : cue & CUE_OTHER && !(cue & CUE_PLATE))
                continue;
            if (forms[k].kind[0] == 'u' && (strchr("DFIQUV", c) || strchr("DFIQUVO", h->text.at[at + 1]) || strchr("ABCD", h->text.at[e - 1]) == NULL))
                continue;
            if (forms[k].kind[1] == 'l' && forms[k].cue == 0 && (strpbrk("IOU", (char[]){ h->text.at[at], h->text.at[at + 1], h->text.at[e - 2], h->text.at[e - 1], 0 }) || (h->text.at[at] == 'S' && h->text.at[at + 1] == 'S')))
                continue;
            hunt_hit(h, at, e, forms[k].kind, forms[k].cue ? 0.85 : 0.7, "the form of a document's or a vehicle's number");
            return e;
        }
        /* a document's number of letters and digits beside its word */
        unsigned cue = cue_before(h, at, NULL);
        if (cue & (CUE_PASSPORT | CUE_ID | CUE_LICENCE) && hunt_class[c] & IS_UPPER) {
            size_t i = at, digits = 0;
            while (is_alnum(hunt_at(h, i)) && !(hunt_class[hunt_at(h, i)] & IS_LOWER)) {
                digits += is_digit(hunt_at(h, i));
                i++;
            }
            if (i - at >= 7 && i - at <= 16 && digits >= 5 && !hunt_word_at(h, i)) {
                hunt_hit(h, at, i, cue & CUE_PASSPORT ? "passport" : cue & CUE_LICENCE ? "driving-licence" : "national-id", 0.75, "an identity document's number");
                return i;
            }
        }
        return 0;
    }
    if ((e = corsica_match(h, at)))
        return e;
    /* French passports: 12AB34567 */
    if ((e = form_at(h, at, "99AA99999"))) {
        unsigned cue = cue_before(h, at, NULL);
        if (!(cue & CUE_OTHER)) {
            hunt_hit(h, at, e, "passport", cue & CUE_PASSPORT ? 0.95 : 0.6, "the form of a French passport's number");
            return e;
        }
    }
    return 0;
}
