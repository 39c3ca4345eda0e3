/* SPDX-License-Identifier: Apache-2.0
 * pii: does this text hold what leads to a person? One walk over the folded text: digits, '@', '+', '(' and a few words
 * are looked at, everything else costs one look. Numbers are believed by form and check digits (pii_numbers), addresses by
 * form (pii_places), names and birthdays only where a word says so. Score: 1 - prod(1 - confidence). */
#include "checks/pii_parts.h"
#include "checks/text/digits.h"
#include "checks/text/quiet.h"

static bool in_local(unsigned char c) { return is_alnum(c) || (c && strchr("._%+-'&", c)); }

/* name@host.tld: at the '@'. */
static size_t email_match(struct hunt *h, size_t sign)
{
    size_t s = sign, e = sign + 1, dot = 0;
    while (s && sign - s < 65 && (in_local((unsigned char)h->text.at[s - 1]) || ((unsigned char)h->text.at[s - 1] >= 0x80 && hunt_word_before(h, s))))
        do
            s--;
        while (s && ((unsigned char)h->text.at[s] & 0xc0) == 0x80);
    while (s < sign && (strchr(".-'&%", h->text.at[s]) || ((unsigned char)h->text.at[s] >= 0x80 && (unsigned char)h->text.at[s] != 0xc3)))
        s++;
    if (s == sign || h->text.at[sign - 1] == '.')
        return 0;
    /* an escape's letter is not part of it: \nname@… */
    if (s > 0 && h->text.at[s - 1] == '\\' && strchr("nrt", h->text.at[s]) && s + 1 < sign)
        s++;
    /* user:password@host is a URL's */
    if (s > 2 && h->text.at[s - 1] == ':' && hunt_at(h, sign + 1) && memchr(h->text.at + (s > 64 ? s - 64 : 0), '/', s - (s > 64 ? s - 64 : 0))) {
        size_t b = s - 1;
        while (b && s - b < 64 && !is_space((unsigned char)h->text.at[b - 1]) && h->text.at[b - 1] != '/')
            b--;
        if (b > 1 && h->text.at[b - 1] == '/' && h->text.at[b - 2] == '/')
            return 0;
    }
    while (e - sign < 255) {
        unsigned char c = hunt_at(h, e);
        if (c == '.') {
            if (!is_letter(hunt_at(h, e + 1)) && !is_digit(hunt_at(h, e + 1)))
                break;
            dot = e;
        } else if (!(is_alnum(c) || c == '-' || c >= 0x80)) {
            break;
        } else if (c >= 0x80 && c != 0xc3) {
            break;
        } else if (c >= 0x80) {
            e++;
        }
        e++;
    }
    while (e > sign + 1 && h->text.at[e - 1] == '-')
        e--;
    if (!dot || e - dot < 3 || is_digit((unsigned char)h->text.at[dot + 1]) || dot == sign + 1)
        return 0;
    /* npm install express@4.19.2, git@host:path */
    hunt_hit(h, s, e, "email", 0.95, "an e-mail address");
    return e;
}
/* "arobase", "[at]", "(at)", " at " with "dot" or "point": said, so that machines do not see it. at: the sign's start. */
static size_t skip_dot(struct hunt *h, size_t i)
{
    static const char *const forms[] = { " point ", " dot ", "[dot]", "(dot)", "[point]", "(point)", " [dot] ", " (dot) ", " [point] ", " (point) ", "[.]", "(.)" };
    if (hunt_at(h, i) == '.')
        return i + 1;
    for (size_t k = 0; k < sizeof forms / sizeof *forms; k++) {
        size_t n = 0;
        while (forms[k][n] && (hunt_at(h, i + n) | (is_alpha((unsigned char)forms[k][n]) ? 32 : 0)) == (unsigned char)forms[k][n])
            n++;
        if (!forms[k][n])
            return i + n;
    }
    return 0;
}
static size_t said_email_match(struct hunt *h, size_t sign, size_t sign_end, bool needs_dot_word)
{
    size_t e = sign_end;
    while (is_blank(hunt_at(h, e)))
        e++;
    size_t dots = 0, part = e;
    bool has_word = false;
    for (;;) {
        while (is_alnum(hunt_at(h, e)) || hunt_at(h, e) == '-' || hunt_at(h, e) == '_')
            e++;
        if (e == part)
            return 0;
        if (hunt_at(h, e) == '.' && !is_alnum(hunt_at(h, e + 1)))
            break;
        size_t next = skip_dot(h, e);
        if (!next || !is_alnum(hunt_at(h, next)))
            break;
        has_word |= next > e + 1;
        dots++;
        part = e = next;
        if (dots > 4)
            return 0;
    }
    if (!dots || e - part < 2 || e - part > 12 || (needs_dot_word && !has_word))
        return 0;
    static const char *const tops[] = { "at", "be", "biz", "br", "ca", "ch", "co", "com", "cz", "de", "dev", "dk", "es", "eu", "example", "fi", "fr", "gouv", "gov", "edu", "ie", "in", "info", "io", "it", "jp", "lu", "me", "net", "nl", "no", "org", "pl", "pro", "pt", "ru", "se", "test", "uk", "us" };
    char top[16];
    word_plain(h->text, part, e, top, sizeof top);
    bool is_top = false;
    for (size_t k = 0; k < sizeof tops / sizeof *tops; k++)
        is_top |= strcmp(tops[k], top) == 0;
    if (!is_top || (needs_dot_word && strcmp(top, "in") == 0))
        return 0;
    /* back: the name, itself perhaps with " point " and " tiret " */
    size_t s = sign;
    while (s && is_blank((unsigned char)h->text.at[s - 1]))
        s--;
    size_t s_end = s;
    while (s && s_end - s < 64 && in_local((unsigned char)h->text.at[s - 1]))
        s--;
    if (s == s_end)
        return 0;
    for (unsigned k = 0; k < 3; k++) {
        static const char *const joints[] = { " point ", " dot ", " tiret ", " underscore ", "[dot]", "(dot)", " [dot] ", " [point] ", "[point]" };
        size_t found = 0;
        for (size_t j = 0; j < sizeof joints / sizeof *joints; j++) {
            size_t n = strlen(joints[j]);
            if (s > n && strncasecmp(h->text.at + s - n, joints[j], n) == 0)
                found = n;
        }
        if (!found)
            break;
        size_t t = s - found;
        size_t t_end = t;
        while (t && t_end - t < 64 && in_local((unsigned char)h->text.at[t - 1]))
            t--;
        if (t == t_end)
            break;
        s = t;
    }
    hunt_hit(h, s, e, "email", 0.85, "an e-mail address spelled out");
    return e;
}

/* 2001:db8::1: at its first digit or letter. */
static size_t ipv6_match(struct hunt *h, size_t at)
{
    size_t i = at, groups = 0, digits = 0;
    bool has_gap = false;
    unsigned char before = hunt_before(h, at);
    if (hunt_word_before(h, at) || before == ':' || before == '.')
        return 0;
    while (i - at < 46) {
        size_t g = i;
        while (i - g < 5 && (is_digit(hunt_at(h, i)) || ((hunt_at(h, i) | 32) >= 'a' && (hunt_at(h, i) | 32) <= 'f' && is_alpha(hunt_at(h, i))))) {
            digits += is_digit(hunt_at(h, i));
            i++;
        }
        if (i - g > 4)
            return 0;
        if (i == g)
            break;
        groups++;
        if (hunt_at(h, i) != ':')
            break;
        if (hunt_at(h, i + 1) == ':') {
            if (has_gap)
                return 0;
            has_gap = true;
            i += 2;
        } else {
            unsigned char next = hunt_at(h, i + 1);
            if (!is_digit(next) && !((next | 32) >= 'a' && (next | 32) <= 'f' && is_alpha(next)))
                break;
            i++;
        }
    }
    if (hunt_word_at(h, i) || groups > 8 || digits < 2 || !(groups == 8 || (has_gap && groups >= 3 && groups < 8)))
        return 0;
    hunt_hit(h, at, i, "ip", 0.85, "an IPv6 address");
    return i;
}

/* A date at i: its end, or 0. */
static size_t date_at(struct hunt *h, size_t i)
{
    size_t s = i;
    static const char *const months[] = { "jan", "fev", "feb", "mar", "avr", "apr", "mai", "may", "jui", "jun", "jul", "aou", "aug", "sep", "oct", "nov", "dec" };
    size_t n = 0;
    while (n < 4 && is_digit(hunt_at(h, i + n)))
        n++;
    if (n) {
        i += n;
        if (n == 1 && hunt_at(h, i) == 'e' && hunt_at(h, i + 1) == 'r')
            i += 2;
        unsigned char sign = hunt_at(h, i);
        if (sign == '/' || sign == '-' || sign == '.') {
            size_t m = 0, k = i + 1;
            while (m < 2 && is_digit(hunt_at(h, k + m)))
                m++;
            if (!m || hunt_at(h, k + m) != sign)
                return 0;
            k += m + 1;
            m = 0;
            while (m < 4 && is_digit(hunt_at(h, k + m)))
                m++;
            return m && !is_digit(hunt_at(h, k + m)) ? k + m : 0;
        }
        while (is_blank(hunt_at(h, i)))
            i++;
    }
    char word[16];
    size_t w = i;
    while (is_letter(hunt_at(h, w)) && w - i < 16)
        w++;
    if (word_plain(h->text, i, w < h->text.len ? w : h->text.len, word, sizeof word) < 3)
        return 0;
    bool is_month = false;
    for (size_t k = 0; k < sizeof months / sizeof *months; k++)
        is_month |= strncmp(word, months[k], 3) == 0;
    if (!is_month)
        return 0;
    i = w;
    while (is_blank(hunt_at(h, i)) || hunt_at(h, i) == ',' || hunt_at(h, i) == '.')
        i++;
    size_t d = i;
    while (d - i < 4 && is_digit(hunt_at(h, d)))
        d++;
    if (d - i <= 2 && d > i) {      /* March 3, 1980 */
        size_t k = d;
        while (hunt_at(h, k) == ',' || is_blank(hunt_at(h, k)))
            k++;
        size_t y = k;
        while (y - k < 4 && is_digit(hunt_at(h, y)))
            y++;
        if (y - k == 4)
            d = y;
    }
    return d > i && d > s ? d : 0;
}
/* Does this phrase stand at i (small letters, accents ignored, a blank for any blanks)? Its end, or 0. */
static size_t says(struct hunt *h, size_t i, const char *phrase)
{
    for (const char *p = phrase; *p; p++) {
        unsigned char c = hunt_at(h, i);
        if (*p == ' ') {
            if (!is_blank(c))
                return 0;
            while (is_blank(hunt_at(h, i)))
                i++;
            continue;
        }
        if (*p == '\'' && c == 0xe2 && hunt_at(h, i + 1) == 0x80 && hunt_at(h, i + 2) == 0x99) {
            i += 3;
            continue;
        }
        if (c == 0xc3) {
            char two[2] = { (char)c, (char)hunt_at(h, i + 1) }, plain[4];
            if (word_plain((struct span){ two, 2 }, 0, 2, plain, sizeof plain) != 1 || plain[0] != *p)
                return 0;
            i += 2;
            continue;
        }
        if ((hunt_class[c] & IS_UPPER ? c | 32 : c) != (unsigned char)*p)
            return 0;
        i++;
    }
    return is_letter(hunt_at(h, i)) ? 0 : i;
}
/* One to four words with capitals: a name. Its end, or 0. */
static size_t name_at(struct hunt *h, size_t i, size_t least)
{
    size_t end = 0, words = 0;
    while (words < 4) {
        unsigned char c = hunt_at(h, i);
        bool is_capital = hunt_class[c] & IS_UPPER || (c == 0xc3 && hunt_at(h, i + 1) < 0x9f) || (c >= 0xc4 && c <= 0xd4);
        if (!is_capital) {
            size_t p = 0;
            static const char *const between[] = { "de ", "van ", "von ", "di ", "del ", "da ", "le ", "la ", "du ", "der ", "den ", "ben ", "al-", "d'" };
            for (size_t k = 0; words && k < sizeof between / sizeof *between && !p; k++) {
                size_t n = 0;
                while (between[k][n] && hunt_at(h, i + n) == (unsigned char)between[k][n])
                    n++;
                p = between[k][n] ? 0 : n;
            }
            if (!p)
                break;
            i += p;
            words--;        /* a particle counts for nothing, and a name of particles cannot go on: a capital must follow */
            c = hunt_at(h, i);
            if (!(hunt_class[c] & IS_UPPER) && c != 0xc3)
                break;
            words++;
            continue;
        }
        size_t e = i;
        while (is_letter(hunt_at(h, e)) || ((hunt_at(h, e) == '-' || hunt_at(h, e) == '\'') && is_letter(hunt_at(h, e + 1)) && e - i < 40))
            e++;
        if (e - i > 40)
            break;
        if (e - i == 1 && hunt_at(h, e) == '.')
            e++;
        end = e;
        words++;
        if (hunt_at(h, e) != ' ')
            break;
        i = e + 1;
    }
    return words >= least ? end : 0;
}
static size_t cue_match(struct hunt *h, size_t at, size_t word_end)
{
    static const struct { const char *phrase; char what; uint8_t least; } phrases[] = { /* by their first letter */
        { "bien a vous", 's', 1 }, { "best regards", 's', 1 }, { "born on", 'd', 0 }, { "born", 'd', 0 }, { "birthdate", 'd', 0 }, { "birthday", 'd', 0 },
        { "cordialement", 's', 1 },
        { "date de naissance", 'd', 0 }, { "date of birth", 'd', 0 }, { "dob", 'd', 0 },
        { "full name:", 'n', 2 },
        { "je m'appelle", 'n', 1 }, { "je me nomme", 'n', 1 },
        { "kind regards", 's', 1 },
        { "my name is", 'n', 1 }, { "mon nom est", 'n', 1 }, { "mon nom complet est", 'n', 1 }, { "mr.", 'n', 2 }, { "mr", 'n', 2 }, { "mrs.", 'n', 2 }, { "mrs", 'n', 2 }, { "ms.", 'n', 2 },
        { "mme", 'n', 2 }, { "mlle", 'n', 2 }, { "monsieur", 'n', 2 }, { "madame", 'n', 2 },
        { "nom et prenom :", 'n', 1 }, { "ne le", 'd', 0 }, { "nee le", 'd', 0 }, { "ne(e) le", 'd', 0 },
        { "salutations", 's', 1 }, { "sincerely", 's', 1 },
    };
    (void)word_end;
    unsigned char first = (unsigned char)h->text.at[at];
    first = hunt_class[first] & IS_UPPER ? first | 32 : first;
    unsigned char second = hunt_at(h, at + 1);
    second = hunt_class[second] & IS_UPPER ? second | 32 : second;
    /* most words begin no phrase: their second letter tells */
#define LETTER(c) (1u << ((c) - 'a'))
    static const uint32_t seconds[26] = {
        ['m' - 'a'] = LETTER('y') | LETTER('o') | LETTER('r') | LETTER('s') | LETTER('m') | LETTER('l') | LETTER('a'), ['b' - 'a'] = LETTER('i') | LETTER('e') | LETTER('o'),
        ['n' - 'a'] = LETTER('o') | LETTER('e'), ['d' - 'a'] = LETTER('a') | LETTER('o'), ['s' - 'a'] = LETTER('a') | LETTER('i'), ['j' - 'a'] = LETTER('e'),
        ['f' - 'a'] = LETTER('u'), ['k' - 'a'] = LETTER('i'), ['c' - 'a'] = LETTER('o'),
    };
#undef LETTER
    if (second < 0x80 && second && !(first >= 'a' && first <= 'z' && second >= 'a' && second <= 'z' && seconds[first - 'a'] >> (second - 'a') & 1))
        return 0;
    size_t begin = 0;
    while (begin < sizeof phrases / sizeof *phrases && (unsigned char)phrases[begin].phrase[0] < first)
        begin++;
    for (size_t k = begin; k < sizeof phrases / sizeof *phrases && (unsigned char)phrases[k].phrase[0] == first; k++) {
        if ((second < 0x80 && second && (unsigned char)phrases[k].phrase[1] != second))
            continue;
        size_t i = says(h, at, phrases[k].phrase);
        if (!i)
            continue;
        if (phrases[k].what == 's') {       /* the line after the closing words */
            if (hunt_at(h, i) == ',')
                i++;
            while (is_blank(hunt_at(h, i)))
                i++;
            size_t lines = 0;
            while (is_space(hunt_at(h, i)) && lines < 3) {
                lines += hunt_at(h, i) == '\n';
                i++;
            }
            size_t e = lines ? name_at(h, i, 1) : 0;
            unsigned char c = e ? hunt_at(h, e) : 1;
            if (e && (!c || hunt_class[c] & IS_LINE)) {
                hunt_hit(h, i, e, "name", 0.6, "a name under closing words");
                return e;
            }
            return 0;
        }
        while (is_blank(hunt_at(h, i)) || hunt_at(h, i) == ':' || (phrases[k].what == 'd' && hunt_at(h, i) == '\n'))
            i++;
        if (phrases[k].what == 'd') {
            size_t e = says(h, i, "is");
            if (e)
                i = e + (is_blank(hunt_at(h, e)) ? 1 : 0);
            e = says(h, i, "le");
            if (e)
                i = e + 1;
            e = date_at(h, i);
            if (!e)
                return 0;
            hunt_hit(h, i, e, "birth-date", 0.85, "a date said to be a date of birth");
            return e;
        }
        size_t e = name_at(h, i, phrases[k].least);
        if (!e)
            continue;
        hunt_hit(h, i, e, "name", phrases[k].least > 1 ? 0.5 : 0.7, "a name, as the words before it say");
        return e;
    }
    return 0;
}

static size_t past_blank(const struct hunt *h, size_t i)
{
    while (i < h->text.len && is_blank((unsigned char)h->text.at[i]))
        i++;
    return i;
}
/* May place_word_match find something in the word at i? Its second letter tells, unless the text ends within the matcher's look: then it
 * must look, so that a stream knows. */
static bool may_be_place(const struct hunt *h, size_t i)
{
    unsigned char first = (unsigned char)h->text.at[i] | 32, second;
    if (h->text.len - i < 80)
        return true;
    second = (unsigned char)h->text.at[i + 1] | 32;
    if (second < 'a' || second > 'z')
        return true;
    return first == 'a' ? second == 'p' : first == 's' ? second == 'u' : first == 'u' ? second == 'n' : second == 's' || second == 'o';
}
static void walk(struct hunt *h)
{
    const char *s = h->text.at;
    size_t n = h->text.len, i = h->from;
    while (i < n) {
        unsigned char c = (unsigned char)s[i];
        size_t e = 0;
        uint8_t class = hunt_class[c];
        if (class & (IS_LOWER | IS_UPPER | IS_HIGH)) {
            if (class & IS_HIGH && i + 1 < n && hunt_is_apart(c, (unsigned char)s[i + 1])) {
                for (i++; i < n && ((unsigned char)s[i] & 0xc0) == 0x80; i++) ;
                continue;
            }
            size_t j = hunt_word_end(h->text, i + 1, IS_LOWER | IS_UPPER | IS_HIGH);
            if (!hunt_word_before(h, i)) {
                size_t length = j - i;
                unsigned char next = j < n ? (unsigned char)s[j] : 0;
                if (j == n || (length <= 3 && (is_digit(next) || next == '-' || is_blank(next)))) {
                    /* IBAN, VAT, plates: two or three letters, then digits */
                    size_t d = j;
                    while (d < n && d - j < 2 && (s[d] == ' ' || s[d] == '-'))
                        d++;
                    if (length <= 3 && (d >= n || is_digit((unsigned char)s[d])) && (d == j || class & IS_UPPER)) {
                        hunt_try(h);
                        e = lettered_match(h, i);
                        hunt_tried(h, i);
                    }
                }
                if (!e && next == ':' && length <= 4) {
                    hunt_try(h);
                    e = ipv6_match(h, i);
                    hunt_tried(h, i);
                }
                if (!e && (next == ':' || is_digit(next)) && length <= 4 && (c | 32) <= 'f' && c < 0x80) {
                    hunt_try(h);
                    e = ipv6_match(h, i);
                    hunt_tried(h, i);
                }
                if (!e && class & (IS_LOWER | IS_UPPER)) {
                    switch (c | 32) {
                    case 'j': case 'm': case 'n': case 'c': case 'b': case 'd': case 'k': case 'f':
                        hunt_try(h);
                        e = cue_match(h, i, j);
                        hunt_tried(h, past_blank(h, j));    /* what is told comes behind the word */
                        break;
                    case 'a': case 'p': case 'u':
                        if (length == 7 && (c | 32) == 'a' && strncasecmp(s + i, "arobase", 7) == 0) {
                            hunt_try(h);
                            e = said_email_match(h, i, j, false);
                            hunt_tried(h, i ? i - 1 : 0);
                        } else if (length == 2 && (s[i + 1] | 32) == 't' && i && is_blank((unsigned char)s[i - 1])) {
                            hunt_try(h);
                            e = said_email_match(h, i, j, true);
                            hunt_tried(h, i);
                        }
                        if (e)
                            break;
                        /* fall through */
                    case 's':
                        if (length <= 8 || j == n) {
                            hunt_try(h);
                            e = c == 's' || c == 'S' ? cue_match(h, i, j) : 0;
                            hunt_tried(h, past_blank(h, j));
                            if (!e && may_be_place(h, i))
                                e = place_word_match(h, i, j);
                            hunt_tried(h, i);
                        }
                        break;
                    default:
                        break;
                    }
                }
            }
            i = e > i ? e : j;
            continue;
        }
        if (class & IS_DIGIT) {
            size_t j = i + 1;
            while (j < n && is_digit((unsigned char)s[j]))
                j++;
            hunt_try(h);
            if (!hunt_word_before(h, i)) {
                e = number_match(h, i);
                hunt_tried(h, i);
                if (!e) {
                    hunt_try(h);
                    e = lettered_match(h, i);
                    hunt_tried(h, i);
                }
                if (!e && j < n && (s[j] == ':' || (is_alpha((unsigned char)s[j]) && j - i < 4))) {
                    hunt_try(h);
                    e = ipv6_match(h, i);
                    hunt_tried(h, i);
                }
                if (!e && j - i <= 5) {
                    hunt_try(h);
                    e = place_match(h, i);
                    /* the names before the number belong to it: at most the words that the matcher looks back */
                    hunt_tried(h, i);
                }
            }
            i = e > i ? e : j;
            continue;
        }
        switch (c) {
        case '@':
            hunt_try(h);
            e = email_match(h, i);
            hunt_tried(h, i > 66 ? i - 66 : 0);
            break;
        case '+':
            hunt_try(h);
            e = number_match(h, i);
            hunt_tried(h, i);
            break;
        case '(':
        case '[':
            if (i + 3 < n && (s[i + 1] | 32) == 'a' && ((s[i + 2] | 32) == 't' || strncasecmp(s + i + 1, "arobase", 7) == 0)) {
                size_t k = i + 1;
                while (k < n && is_alpha((unsigned char)s[k]))
                    k++;
                hunt_try(h);
                if (k < n && (s[k] == ']' || s[k] == ')'))
                    e = said_email_match(h, i, k + 1, false);
                hunt_tried(h, i > 66 ? i - 66 : 0);
            } else if (c == '(') {
                hunt_try(h);
                e = number_match(h, i);
                hunt_tried(h, i);
            }
            break;
        default:
            break;
        }
        i = e > i ? e : i + 1;
    }
}

static struct score pii_score(const struct check_env *env, struct transcript *t, enum side on, struct findings *out)
{
    return hunt_score(&check_pii, t, on, out, env ? env->quiet : NULL, QUIET_PII, walk);
}
static size_t pii_settled(struct span text)
{
    return hunt_settled(text, walk, NULL);
}
const struct check check_pii = {
    .name = "pii", .doc = "what leads to a person: accounts, cards, numbers, addresses, mail, telephones",
    .on = ON_PROMPT | ON_ANSWER, .score = pii_score, .settled = pii_settled,
};
