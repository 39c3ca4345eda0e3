/* SPDX-License-Identifier: Apache-2.0 */
#include "checks/text/confusable.h"
#include "base/utf8.h"
#include <utf8proc.h>

struct look {
    uint16_t code;
    char latin;
};
/* Sorted by code. Capitals are taken by the look of the capital: Greek Eta is an H, eta an n. */
static const struct look looks[] = {
    { 0x0251, 'a' }, { 0x0261, 'g' }, { 0x0262, 'G' }, { 0x026a, 'I' }, { 0x0274, 'N' }, { 0x0280, 'R' }, { 0x028f, 'Y' }, { 0x0299, 'B' },
    { 0x029c, 'H' }, { 0x029f, 'L' },
    /* Greek */
    { 0x0391, 'A' }, { 0x0392, 'B' }, { 0x0395, 'E' }, { 0x0396, 'Z' }, { 0x0397, 'H' }, { 0x0399, 'I' }, { 0x039a, 'K' }, { 0x039c, 'M' },
    { 0x039d, 'N' }, { 0x039f, 'O' }, { 0x03a1, 'P' }, { 0x03a4, 'T' }, { 0x03a5, 'Y' }, { 0x03a7, 'X' }, { 0x03b1, 'a' }, { 0x03b2, 'b' },
    { 0x03b3, 'y' }, { 0x03b5, 'e' }, { 0x03b7, 'n' }, { 0x03b9, 'i' }, { 0x03ba, 'k' }, { 0x03bc, 'u' }, { 0x03bd, 'v' }, { 0x03bf, 'o' },
    { 0x03c1, 'p' }, { 0x03c3, 'o' }, { 0x03c4, 't' }, { 0x03c5, 'u' }, { 0x03c7, 'x' }, { 0x03c9, 'w' }, { 0x03f2, 'c' }, { 0x03f3, 'j' },
    { 0x03f9, 'C' },
    /* Cyrillic */
    { 0x0405, 'S' }, { 0x0406, 'I' }, { 0x0408, 'J' }, { 0x0410, 'A' }, { 0x0412, 'B' }, { 0x0415, 'E' }, { 0x041a, 'K' }, { 0x041c, 'M' },
    { 0x041d, 'H' }, { 0x041e, 'O' }, { 0x0420, 'P' }, { 0x0421, 'C' }, { 0x0422, 'T' }, { 0x0423, 'Y' }, { 0x0425, 'X' }, { 0x042c, 'b' },
    { 0x0430, 'a' }, { 0x0432, 'b' }, { 0x0433, 'r' }, { 0x0435, 'e' }, { 0x043a, 'k' }, { 0x043c, 'm' }, { 0x043d, 'h' }, { 0x043e, 'o' },
    { 0x043f, 'n' }, { 0x0440, 'p' }, { 0x0441, 'c' }, { 0x0442, 't' }, { 0x0443, 'y' }, { 0x0445, 'x' }, { 0x044c, 'b' }, { 0x0455, 's' },
    { 0x0456, 'i' }, { 0x0457, 'i' }, { 0x0458, 'j' }, { 0x0474, 'V' }, { 0x0475, 'v' }, { 0x04ae, 'Y' }, { 0x04af, 'y' }, { 0x04bb, 'h' },
    { 0x04c0, 'I' }, { 0x04cf, 'l' }, { 0x0501, 'd' }, { 0x050c, 'G' }, { 0x051a, 'Q' }, { 0x051b, 'q' }, { 0x051c, 'W' }, { 0x051d, 'w' },
    /* Armenian */
    { 0x054d, 'U' }, { 0x054f, 'S' }, { 0x0555, 'O' }, { 0x0561, 'w' }, { 0x0563, 'q' }, { 0x0566, 'q' }, { 0x0570, 'h' }, { 0x0578, 'n' },
    { 0x057d, 'u' }, { 0x0581, 'g' }, { 0x0582, 'i' }, { 0x0584, 'f' }, { 0x0585, 'o' },
    /* Georgian, Cherokee capitals, Lisu, letters that only look */
    { 0x10ff, 'o' }, { 0x13a0, 'D' }, { 0x13a1, 'R' }, { 0x13a2, 'T' }, { 0x13a5, 'i' }, { 0x13a9, 'Y' }, { 0x13aa, 'A' }, { 0x13ab, 'J' },
    { 0x13ac, 'E' }, { 0x13b3, 'W' }, { 0x13b7, 'M' }, { 0x13bb, 'H' }, { 0x13c0, 'G' }, { 0x13c2, 'h' }, { 0x13c3, 'Z' }, { 0x13cf, 'b' },
    { 0x13d2, 'R' }, { 0x13d4, 'W' }, { 0x13d5, 'S' }, { 0x13d9, 'V' }, { 0x13da, 'S' }, { 0x13de, 'L' }, { 0x13df, 'C' }, { 0x13e2, 'P' },
    { 0x13e6, 'K' }, { 0x13e7, 'd' }, { 0x13f4, 'B' }, { 0x1d00, 'A' }, { 0x1d04, 'C' }, { 0x1d05, 'D' }, { 0x1d07, 'E' }, { 0x1d0a, 'J' },
    { 0x1d0b, 'K' }, { 0x1d0d, 'M' }, { 0x1d0f, 'O' }, { 0x1d18, 'P' }, { 0x1d1b, 'T' }, { 0x1d1c, 'U' }, { 0x1d20, 'V' }, { 0x1d21, 'W' },
    { 0x1d22, 'Z' }, { 0xa4d0, 'B' }, { 0xa4d1, 'P' }, { 0xa4d3, 'D' }, { 0xa4d4, 'T' }, { 0xa4d6, 'G' }, { 0xa4d7, 'K' }, { 0xa4d9, 'J' },
    { 0xa4da, 'C' }, { 0xa4dc, 'Z' }, { 0xa4dd, 'F' }, { 0xa4df, 'M' }, { 0xa4e0, 'N' }, { 0xa4e1, 'L' }, { 0xa4e2, 'S' }, { 0xa4e3, 'R' },
    { 0xa4e6, 'V' }, { 0xa4e7, 'H' }, { 0xa4ea, 'W' }, { 0xa4eb, 'X' }, { 0xa4ec, 'Y' }, { 0xa4ee, 'A' }, { 0xa4f0, 'E' }, { 0xa4f2, 'I' },
    { 0xa4f3, 'O' }, { 0xa4f4, 'U' }, { 0xa731, 's' },
};

char confusable_latin(uint32_t code)
{
    size_t low = 0, high = sizeof looks / sizeof *looks;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (looks[mid].code < code)
            low = mid + 1;
        else
            high = mid;
    }
    return low < sizeof looks / sizeof *looks && looks[low].code == code ? looks[low].latin : 0;
}

enum script { LATIN, GREEK, CYRILLIC, ARMENIAN, OTHER_LOOKS, FOREIGN, SCRIPTS };
static enum script script_of(uint32_t c)
{
    if (c >= 0x370 && c < 0x400)
        return GREEK;
    if (c >= 0x400 && c < 0x530)
        return CYRILLIC;
    if (c >= 0x531 && c < 0x588)
        return ARMENIAN;
    if (confusable_latin(c))
        return OTHER_LOOKS;
    if (c < 0x250 || (c >= 0x1e00 && c < 0x1f00) || (c >= 0xff21 && c <= 0xff5a) || (c >= 0x1d400 && c < 0x1d6a8))
        return LATIN;
    return FOREIGN;
}

/* Lead bytes of the table's codes: most texts, accented ones too, have none of them. */
static bool may_have_looks(struct span text)
{
    bool any = false;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char b = (unsigned char)text.at[i];
        any |= (b >= 0xc9 && b <= 0xd6) || b == 0xe1 || b == 0xea;
    }
    return any;
}

size_t confusables_find(struct arena *a, struct span text, struct confusable **out)
{
    if (!may_have_looks(text))
        return 0;
    struct confusable *list = NULL;
    size_t n = 0, cap = 0, word_from = 0;
    /* Looks of words without a Latin letter wait until the whole text is known; they are marked and dropped if not wanted. */
    bool has_latin_word = false, spells_own[SCRIPTS] = { false };
    unsigned in_word = 0;      /* a bit a script */
    bool is_strange = false;   /* the word has a letter that is neither Latin nor a look-alike */
    uint8_t *waits = NULL;     /* per listed letter: its script + 1 when it waits */
    size_t waits_cap = 0;
    bool any = false;
    for (size_t i = 0; i <= text.len;) {
        uint32_t c = ' ';
        size_t length = 1;
        if (i < text.len) {
            unsigned char b = (unsigned char)text.at[i];
            if (b < 0x80) {
                c = b;
            } else if ((length = utf8_length(text.at + i, text.len - i))) {
                c = utf8_code(text.at + i, length);
            } else {
                length = 1;
            }
        }
        bool is_letter = false, is_within = false;
        if (c < 0x80) {
            is_letter = (c | 32) >= 'a' && (c | 32) <= 'z';
        } else {
            const utf8proc_property_t *p = utf8proc_get_property((utf8proc_int32_t)c);
            is_letter = (p->category >= UTF8PROC_CATEGORY_LU && p->category <= UTF8PROC_CATEGORY_LO) || confusable_latin(c);
            is_within = p->category == UTF8PROC_CATEGORY_MN || p->category == UTF8PROC_CATEGORY_CF || p->ignorable;
        }
        if (is_letter) {
            enum script s = c < 0x80 ? LATIN : script_of(c);
            in_word |= 1u << s;
            if (s != LATIN) {
                char latin = confusable_latin(c);
                if (!latin) {
                    is_strange = true;
                    spells_own[s] = true;
                } else if (!arena_over(a)) {
                    if (n >= waits_cap) {
                        size_t more = waits_cap ? waits_cap * 2 : 64;
                        waits = arena_grow(a, waits, waits_cap, more);
                        waits_cap = more;
                    }
                    waits[n] = (uint8_t)(s + 1);
                    *ARENA_PUSH(a, list, n, cap) = (struct confusable){ (uint32_t)i, latin };
                    any = true;
                }
            }
        } else if (!is_within && in_word) {
            if (in_word & 1u << LATIN) {
                has_latin_word |= in_word == 1u << LATIN;
                /* a mixed word: its looks are Latin, whatever the rest of the text does; but a word with letters of
                 * its own (a Cyrillic stem after a Latin brand) stays as it is */
                for (size_t k = word_from; k < n; k++)
                    waits[k] = is_strange ? UINT8_MAX : 0;
            } else if (is_strange) {
                for (size_t k = word_from; k < n; k++)
                    waits[k] = UINT8_MAX;
            }
            in_word = 0;
            is_strange = false;
            word_from = n;
        }
        i += length;
    }
    if (!any)
        return 0;
    size_t kept = 0;
    for (size_t k = 0; k < n; k++)
        if (!waits[k] || (waits[k] != UINT8_MAX && has_latin_word && !spells_own[waits[k] - 1]))
            list[kept++] = list[k];
    *out = list;
    return kept;
}
