/* SPDX-License-Identifier: Apache-2.0
 * Codes of bytes are told by their alphabet and by giving readable text. Shifted and reversed words are told by a set of
 * common words in every such form, looked up by the hash that each token has anyway. */
#include "checks/text/disguise.h"
#include "base/utf8.h"
#include <ctype.h>
#include <pthread.h>
#include <stdlib.h>

struct finder {
    struct arena *a;
    struct span original;
    struct disguised *out;
    size_t n;
};

static void found(struct finder *f, const char *how, struct span text, size_t at, size_t past)
{
    if (f->n < DISGUISES_MOST && text.len >= DISGUISE_BYTES_LEAST)
        f->out[f->n++] = (struct disguised){ how, text, at, past };
}
/* Is this what a person would write? Valid UTF-8, hardly any control bytes, mostly letters and blanks. */
static bool is_readable(struct span s)
{
    if (s.len < DISGUISE_BYTES_LEAST || !utf8_valid(s))
        return false;
    size_t letters = 0, blanks = 0;
    for (size_t i = 0; i < s.len; i++) {
        unsigned char b = (unsigned char)s.at[i];
        if (b < 32 && b != '\n' && b != '\r' && b != '\t')
            return false;
        letters += b >= 0x80 || isalpha(b);
        blanks += b == ' ' || b == '\n' || b == '_' || b == '-' || b == '+';
    }
    return letters * 10 >= s.len * 6 && (blanks || letters * 10 >= s.len * 9 || s.len < 24);
}

/* ---- codes of bytes, in the original ---- */

/* What a byte may be in a code: looked up for every byte of every prompt. */
enum { IS_64 = 1, IS_HEX = 2, IS_DECIMAL = 4, IS_CUE = 8 /* escapes, morse, what nobody sees */ };
static const uint8_t code_class[256] = {
    ['0' ... '9'] = IS_64 | IS_HEX | IS_DECIMAL, ['A' ... 'F'] = IS_64 | IS_HEX, ['G' ... 'Z'] = IS_64, ['a' ... 'f'] = IS_64 | IS_HEX, ['g' ... 'z'] = IS_64,
    ['+'] = IS_64, ['/'] = IS_64, ['_'] = IS_64, ['-'] = IS_64 | IS_CUE, ['.'] = IS_CUE, ['%'] = IS_CUE, ['&'] = IS_CUE, ['\\'] = IS_CUE,
    [0xf3] = IS_CUE, [0xef] = IS_CUE,
};
static inline int base64_digit(unsigned char b)
{
    if (!(code_class[b] & IS_64))
        return -1;
    if (b >= 'A' && b <= 'Z')
        return b - 'A';
    if (b >= 'a' && b <= 'z')
        return b - 'a' + 26;
    if (b >= '0' && b <= '9')
        return b - '0' + 52;
    return b == '+' || b == '-' ? 62 : 63;
}
static inline int hex_digit(unsigned char b)
{
    return !(code_class[b] & IS_HEX) ? -1 : b <= '9' ? b - '0' : (b | 32) - 'a' + 10;
}

/* A run of base64 digits from i; long lines may be folded. Returns where it ends. */
static size_t try_base64(struct finder *f, size_t i)
{
    struct span s = f->original;
    size_t end = i, line = i, ndigits = 0;
    while (end < s.len && end - i < DISGUISE_READ_MOST) {
        if (base64_digit((unsigned char)s.at[end]) >= 0) {
            end++;
            ndigits++;
            continue;
        }
        size_t next = end + (s.at[end] == '\r');
        if (end - line < 32 || next + 1 >= s.len || s.at[next] != '\n' || base64_digit((unsigned char)s.at[next + 1]) < 0)
            break;
        end = line = next + 1;
    }
    if (ndigits < 16)
        return end;
    char *bytes = arena_alloc_raw(f->a, ndigits);
    size_t n = 0;
    uint32_t bits = 0;
    unsigned nbits = 0;
    for (size_t k = i; k < end; k++) {
        int d = base64_digit((unsigned char)s.at[k]);
        if (d < 0)
            continue;
        bits = bits << 6 | (uint32_t)d;
        nbits += 6;
        if (nbits >= 8) {
            nbits -= 8;
            bytes[n++] = (char)(bits >> nbits);
        }
    }
    while (n && !bytes[n - 1])
        n--;
    /* a cut last character is no reason to miss the rest */
    struct span text = { bytes, n };
    for (int k = 0; k < 3 && text.len && !utf8_valid(text); k++)
        text.len--;
    if (is_readable(text))
        found(f, "base64", text, i, end);
    return end;
}
/* Pairs of hex digits, run together or parted by blanks, commas, \x or 0x. */
static size_t try_hex(struct finder *f, size_t i)
{
    struct span s = f->original;
    char *bytes = NULL;
    size_t n = 0, cap = 0, k = i, end = i;
    while (k + 1 < s.len && n < DISGUISE_READ_MOST) {
        int high = hex_digit((unsigned char)s.at[k]), low = hex_digit((unsigned char)s.at[k + 1]);
        if (high < 0 || low < 0)
            break;
        *ARENA_PUSH(f->a, bytes, n, cap) = (char)(high << 4 | low);
        end = k += 2;
        size_t gap = 0;
        while (k < s.len && gap < 3 && (s.at[k] == ' ' || s.at[k] == ',' || s.at[k] == ':' || s.at[k] == '\n'))
            k++, gap++;
        if (k + 1 < s.len && ((s.at[k] == '\\' || s.at[k] == '0') && (s.at[k + 1] | 32) == 'x'))
            k += 2;
        else if (k < s.len && s.at[k] == '%')
            k++;
    }
    if (n >= DISGUISE_BYTES_LEAST && is_readable((struct span){ bytes, n }))
        found(f, "hex", (struct span){ bytes, n }, i, end);
    return end > i ? end : i + 1;
}
/* Numbers from 32 to 126 (decimal), or groups of eight bits. */
static size_t try_numbers(struct finder *f, size_t i)
{
    struct span s = f->original;
    char *bytes = NULL;
    size_t n = 0, cap = 0, k = i, end = i, width = 0;
    while (k < s.len && n < DISGUISE_READ_MOST) {
        size_t d = k;
        unsigned decimal = 0, binary = 0;
        bool is_binary = true;
        while (d < s.len && isdigit((unsigned char)s.at[d]) && d - k < 9) {
            decimal = decimal * 10 + (unsigned)(s.at[d] - '0');
            binary = binary << 1 | (unsigned)(s.at[d] - '0');
            is_binary &= s.at[d] <= '1';
            d++;
        }
        size_t digits = d - k;
        is_binary &= digits == 8 || (digits == 7 && width == 7);
        if (!digits || digits > 8 || (!is_binary && digits > 3) || (n && (width > 6) != is_binary))
            break;
        unsigned byte = is_binary ? binary : decimal;
        if (byte < 9 || byte > (is_binary ? 255u : 126u))
            break;
        width = is_binary ? digits : 3;
        *ARENA_PUSH(f->a, bytes, n, cap) = (char)byte;
        end = k = d;
        size_t gap = 0;
        while (k < s.len && gap < 3 && (s.at[k] == ' ' || s.at[k] == ',' || s.at[k] == '-' || s.at[k] == '\n'))
            k++, gap++;
        if (!gap)
            break;
    }
    if (n >= DISGUISE_BYTES_LEAST && is_readable((struct span){ bytes, n }))
        found(f, width > 6 ? "binary" : "decimal", (struct span){ bytes, n }, i, end);
    return end > i ? end : i + 1;
}
static size_t try_morse(struct finder *f, size_t i)
{
    static const char *const letters[26] = { ".-", "-...", "-.-.", "-..", ".", "..-.", "--.", "....", "..", ".---", "-.-", ".-..", "--", "-.", "---", ".--.",
                                             "--.-", ".-.", "...", "-", "..-", "...-", ".--", "-..-", "-.--", "--.." };
    struct span s = f->original;
    char *text = NULL;
    size_t n = 0, cap = 0, k = i, end = i, letters_seen = 0;
    while (k < s.len && n < DISGUISE_READ_MOST) {
        size_t d = k;
        while (d < s.len && (s.at[d] == '.' || s.at[d] == '-') && d - k < 6)
            d++;
        if (d == k)
            break;
        for (size_t c = 0; c < 26; c++)
            if (span_is(span_cut(s, k, d), letters[c])) {
                *ARENA_PUSH(f->a, text, n, cap) = (char)('a' + c);
                letters_seen++;
            }
        end = k = d;
        size_t gap = 0, slash = 0;
        while (k < s.len && gap < 6 && (s.at[k] == ' ' || s.at[k] == '/' || s.at[k] == '|' || s.at[k] == '\n'))
            slash += s.at[k] != ' ', k++, gap++;
        if (!gap)
            break;
        if (slash || gap > 2)
            *ARENA_PUSH(f->a, text, n, cap) = ' ';
    }
    if (letters_seen >= 12)
        found(f, "morse", (struct span){ text, n }, i, end);
    return end > i ? end : i + 1;
}
/* Escapes strewn over the text: percent, HTML entities, \u and \x. All of the text is decoded if there are enough. */
static void try_escapes(struct finder *f, size_t nescapes)
{
    struct span s = f->original;
    if (nescapes < 5)
        return;
    char *text = arena_alloc_raw(f->a, s.len + 4);
    size_t n = 0, decoded = 0, first = s.len, last = 0;
    for (size_t i = 0; i < s.len;) {
        uint32_t code = 0;
        size_t used = 0;
        const char *p = s.at + i;
        size_t left = s.len - i;
        if (*p == '%' && left >= 3 && hex_digit((unsigned char)p[1]) >= 0 && hex_digit((unsigned char)p[2]) >= 0) {
            code = (uint32_t)(hex_digit((unsigned char)p[1]) << 4 | hex_digit((unsigned char)p[2]));
            used = 3;
        } else if (*p == '\\' && left >= 4 && (p[1] == 'u' || p[1] == 'x' || p[1] == 'U')) {
            size_t want = p[1] == 'x' ? 2 : 4, k = 2;
            for (; k < 2 + want && k < left && hex_digit((unsigned char)p[k]) >= 0; k++)
                code = code << 4 | (uint32_t)hex_digit((unsigned char)p[k]);
            used = k == 2 + want ? k : 0;
        } else if (*p == '&' && left >= 4 && p[1] == '#') {
            bool is_hex = (p[2] | 32) == 'x';
            size_t k = 2 + is_hex, from = k;
            for (; k < left && k - from < 6 && (is_hex ? hex_digit((unsigned char)p[k]) >= 0 : isdigit((unsigned char)p[k]) != 0); k++)
                code = code * (is_hex ? 16 : 10) + (uint32_t)hex_digit((unsigned char)p[k]);
            used = k > from ? k + (k < left && p[k] == ';') : 0;
        }
        if (!used) {
            text[n++] = *p;
            i++;
            continue;
        }
        char bytes[4];
        size_t len = *p == '%' ? 1 : utf8_put(bytes, code);
        if (*p == '%')
            bytes[0] = (char)code;
        if (len > used) /* cannot be: an escape is longer than what it says */
            len = used;
        memcpy(text + n, bytes, len);
        n += len;
        decoded++;
        if (first > i)
            first = i;
        last = i += used;
    }
    if (decoded >= 5)
        found(f, "escapes", (struct span){ text, n }, first, last);
}
/* What nobody sees: tag characters that mirror ASCII, and variation selectors that carry bytes. */
static void try_unseen(struct finder *f)
{
    struct span s = f->original;
    char *tags = NULL, *bytes = NULL;
    size_t ntags = 0, tags_cap = 0, nbytes = 0, bytes_cap = 0, first = s.len, last = 0;
    for (size_t i = 0; i < s.len;) {
        const char *p = memchr(s.at + i, 0xf3, s.len - i), *q = memmem(s.at + i, s.len - i, "\xef\xb8", 2);
        if (!p || (q && q < p))
            p = q;
        if (!p)
            break;
        i = (size_t)(p - s.at);
        size_t length = utf8_length(p, s.len - i);
        if (!length) {
            i++;
            continue;
        }
        uint32_t c = utf8_code(p, length);
        bool is_tag = c >= 0xe0020 && c <= 0xe007e, is_byte = (c >= 0xfe00 && c <= 0xfe0f) || (c >= 0xe0100 && c <= 0xe01ef);
        if (is_tag)
            *ARENA_PUSH(f->a, tags, ntags, tags_cap) = (char)(c - 0xe0000);
        else if (is_byte)
            *ARENA_PUSH(f->a, bytes, nbytes, bytes_cap) = (char)(c < 0x10000 ? c - 0xfe00 : c - 0xe0100 + 16);
        if (is_tag || is_byte) {
            if (first > i)
                first = i;
            last = i + length;
        }
        i += length;
    }
    if (ntags >= DISGUISE_BYTES_LEAST)
        found(f, "tag characters", (struct span){ tags, ntags }, first, last);
    if (nbytes >= DISGUISE_BYTES_LEAST && is_readable((struct span){ bytes, nbytes }))
        found(f, "variation selectors", (struct span){ bytes, nbytes }, first, last);
}

static void find_codes(struct finder *f)
{
    struct span s = f->original;
    size_t escapes = 0;
    bool high = false;
    for (size_t i = 0; i < s.len;) {
        unsigned char b = (unsigned char)s.at[i];
        if (!code_class[b]) {
            i++;
            continue;
        }
        high |= b >= 0x80;
        if (b == '%' || b == '&' || b == '\\') {
            escapes++;
            if (b == '\\' && i + 3 < s.len && s.at[i + 1] == 'x' && hex_digit((unsigned char)s.at[i + 2]) >= 0)
                i = try_hex(f, i + 2);
            else
                i++;
            continue;
        }
        if ((b == '.' || b == '-') && i + 2 < s.len && strchr(".- ", s.at[i + 1]) && s.at[i + 1]) {
            i = try_morse(f, i);
            continue;
        }
        if (!(code_class[b] & IS_64)) {
            i++;
            continue;
        }
        /* a run of letters and digits: short ones are words; look closer at the long, the hexadecimal, the numbers */
        size_t end = i;
        while (end < s.len && code_class[(unsigned char)s.at[end]] & IS_64)
            end++;
        size_t run = end - i, before = f->n;
        size_t past = end;
        bool hex = run == 2 || run >= 2 * DISGUISE_BYTES_LEAST, digits = run <= 8 && code_class[b] & IS_DECIMAL;
        if (!hex && !digits && run < 16) {
            i = end;
            continue;
        }
        for (size_t k = i; k < end && (hex || digits); k++) {
            hex &= (code_class[(unsigned char)s.at[k]] & IS_HEX) != 0;
            digits &= (code_class[(unsigned char)s.at[k]] & IS_DECIMAL) != 0;
        }
        if (digits) {
            size_t p = try_numbers(f, i);
            past = p > past ? p : past;
        }
        if (f->n == before && hex) {
            size_t p = try_hex(f, i);
            past = p > past ? p : past;
        }
        if (f->n == before && run >= 16) {
            size_t p = try_base64(f, i);
            past = p > past ? p : past;
        }
        i = past;
    }
    try_escapes(f, escapes);
    if (high)
        try_unseen(f);
}

/* ---- shifted, reversed, leet, set apart: in the folded text ---- */

static const char common_words[] =
    "the and you your for are with this that not all from have what will can now ignore disregard forget previous prior above earlier instructions instruction "
    "system prompt rules reveal show print tell repeat password secret say please how who was but they only respond answer write message text user "
    "would should about which there their when where make like time just know people into good some could them other than then its also after use work "
    "first well way even want because any these give most new without safety guidelines developer mode "
    "les des une est que qui dans pour pas vous sur avec tout tous par plus son ses mais instructions precedentes ignore ignorez oublie oubliez consignes regles "
    "mot passe montre affiche reponds "
    "die der das und ist nicht ein eine ich sie mit auf fur alle anweisungen vorherigen ignoriere vergiss regeln "
    "los las una por con para como pero todas anteriores instrucciones olvida contrasena";

enum { SHIFTS = 25, FORM_ATBASH = 26, FORM_REVERSED, FORM_PLAIN, FORMS, SET_SIZE = 16384 };
struct form_word {
    uint32_t hash;
    uint8_t form; /* 1 to 25: shifted by so much */
};
static struct form_word *form_set;
static uint64_t form_bits[1 << 10], changed_bits[1 << 10]; /* of a hash's upper 16 bits: most words are in no form; and in no form but their own */
static char shift_back(char c, unsigned form)
{
    if (c < 'a' || c > 'z')
        return c;
    return form == FORM_ATBASH ? (char)('a' + 'z' - c) : (char)('a' + (c - 'a' + 26 - (int)form) % 26);
}
static void form_add(struct arena *a, const char *word, size_t len, unsigned form)
{
    char changed[64];
    for (size_t i = 0; i < len; i++)
        changed[i] = form == FORM_REVERSED ? word[len - 1 - i] : form == FORM_PLAIN ? word[i] : form == FORM_ATBASH ? shift_back(word[i], FORM_ATBASH)
                                                                                             : (char)('a' + (word[i] - 'a' + (int)form) % 26);
    if (form == FORM_REVERSED && !memcmp(changed, word, len))
        return; /* a palindrome tells nothing */
    struct tokens t;
    tokens_cut(a, (struct span){ changed, len }, &t);
    uint32_t h = t.list[0].hash, at = h % SET_SIZE;
    for (unsigned k = 0; k < 64 && form_set[at].form; k++) {
        if (form_set[at].hash == h && form_set[at].form >= form)
            return;
        at = (at + 1) % SET_SIZE;
    }
    form_set[at] = (struct form_word){ h, (uint8_t)form };
    form_bits[h >> 22] |= 1ull << (h >> 16 & 63);
    if (form != FORM_PLAIN)
        changed_bits[h >> 22] |= 1ull << (h >> 16 & 63);
}
static void make_forms(void)
{
    form_set = calloc(SET_SIZE, sizeof *form_set); /* for the life of the process */
    struct arena *a = arena_new(1 << 22);
    for (int round = 0; form_set && round < 2; round++)
        for (const char *p = common_words; *p;) {
            size_t len = strcspn(p, " ");
            /* plain words first, so that a shift that happens to spell one does not count */
            if (len < 60) {
                if (!round)
                    form_add(a, p, len, FORM_PLAIN);
                else if (len > 2)
                    for (unsigned form = 1; form <= FORM_REVERSED; form++)
                        form_add(a, p, len, form);
            }
            p += len + (p[len] == ' ');
        }
    arena_free(a);
}
static unsigned form_of(uint32_t hash)
{
    if (!(form_bits[hash >> 22] >> (hash >> 16 & 63) & 1))
        return 0;
    uint32_t at = hash % SET_SIZE;
    for (unsigned k = 0; k < 64 && form_set[at].form; k++) {
        if (form_set[at].hash == hash)
            return form_set[at].form;
        at = (at + 1) % SET_SIZE;
    }
    return 0;
}
/* How well a run of letters can be cut into common words: fills text with blanks between them. */
static size_t part_words(struct arena *a, struct span run, char *out)
{
    enum { LONGEST = 14 };
    struct arena_mark mark = arena_mark(a);
    /* cost[i]: letters of run[0, i) outside known words */
    uint32_t *cost = arena_alloc(a, (run.len + 1) * sizeof *cost);
    uint8_t *step = arena_alloc(a, run.len + 1);
    for (size_t i = 1; i <= run.len; i++) {
        cost[i] = cost[i - 1] + 4;
        step[i] = 0;
        for (size_t len = 2; len <= LONGEST && len <= i; len++) {
            struct arena_mark inner = arena_mark(a);
            struct tokens t;
            tokens_cut(a, span_cut(run, i - len, i), &t);
            bool known = t.n == 1 && form_of(t.list[0].hash) == FORM_PLAIN;
            arena_rewind(a, inner);
            if (known && cost[i - len] + 3 < cost[i]) {
                cost[i] = cost[i - len] + 3;
                step[i] = (uint8_t)len;
            }
        }
    }
    bool *breaks = arena_alloc(a, run.len + 1);
    for (size_t i = run.len; i > 0;) {
        size_t len = step[i] ? step[i] : 1;
        if (step[i])
            breaks[i] = breaks[i - len] = true;
        i -= len;
    }
    size_t n = 0;
    for (size_t i = 0; i < run.len; i++) {
        if (i && breaks[i])
            out[n++] = ' ';
        out[n++] = run.at[i];
    }
    arena_rewind(a, mark);
    return n;
}

static void in_original(const struct fold *plain, size_t start, size_t end, size_t *at, size_t *past)
{
    fold_origin(plain, start, end, at, past);
}

/* Words of every language are by chance common ones in some shifted alphabet, and a text may repeat them: so it takes different
 * ones, close to each other. */
enum { FORM_WITHIN = 8 /* tokens a word of them */, FORM_AROUND = 48, FORM_LEAST_MOST = 3 };
struct sighting {
    uint32_t hash[FORM_LEAST_MOST], token[FORM_LEAST_MOST]; /* the last different ones, latest first */
    uint32_t first, last;                                   /* tokens, once it is sure */
    bool is_sure;
};
static void sight(struct sighting *s, uint32_t hash, uint32_t token, unsigned least)
{
    unsigned k = 0;
    while (k + 1 < least && s->hash[k] && s->hash[k] != hash)
        k++;
    for (; k > 0; k--) { /* to the front; the same word leaves its old place */
        s->hash[k] = s->hash[k - 1];
        s->token[k] = s->token[k - 1];
    }
    s->hash[0] = hash;
    s->token[0] = token;
    if (!s->hash[least - 1] || token - s->token[least - 1] > least * FORM_WITHIN)
        return;
    if (!s->is_sure)
        s->first = s->token[least - 1];
    s->is_sure = true;
    s->last = token;
}
static void find_forms(struct finder *f, const struct fold *plain, const struct tokens *t)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_forms);
    if (!form_set)
        return;
    struct sighting seen[FORMS];
    memset(seen, 0, sizeof seen);
    for (size_t i = 0; i < t->n; i++) {
        uint32_t hash = t->list[i].hash;
        if (!(changed_bits[hash >> 22] >> (hash >> 16 & 63) & 1))
            continue;
        unsigned form = form_of(hash);
        if (form && form != FORM_PLAIN)
            sight(&seen[form], hash, (uint32_t)i, form == 13 || form == FORM_REVERSED ? 2 : 3);
    }
    for (unsigned form = 1; form <= FORM_REVERSED; form++) {
        if (!seen[form].is_sure)
            continue;
        size_t at, past;
        in_original(plain, t->list[seen[form].first].start, t->list[seen[form].last].end, &at, &past);
        /* what is around it as well: not every word is a common one */
        size_t from = seen[form].first > FORM_AROUND ? seen[form].first - FORM_AROUND : 0;
        size_t to = seen[form].last + FORM_AROUND < t->n ? seen[form].last + FORM_AROUND : t->n - 1;
        struct span s = span_cut(t->text, t->list[from].start, t->list[to].end);
        char *text = arena_alloc_raw(f->a, s.len + 1);
        if (form != FORM_REVERSED) {
            char back[256];
            for (unsigned c = 0; c < 256; c++)
                back[c] = shift_back((char)c, form);
            for (size_t i = 0; i < s.len; i++)
                text[i] = back[(unsigned char)s.at[i]];
            found(f, form == 13 ? "rot13" : form == FORM_ATBASH ? "atbash" : "a shifted alphabet", (struct span){ text, s.len }, at, past);
            continue;
        }
        char *words = arena_alloc_raw(f->a, s.len + 1); /* and word by word */
        for (size_t i = 0; i < s.len;) {
            size_t end = i;
            while (end < s.len && s.at[end] != ' ' && s.at[end] != '\n')
                end++;
            for (size_t k = i; k < end; k++)
                words[k] = (unsigned char)s.at[end - 1 - (k - i)] < 0x80 ? s.at[end - 1 - (k - i)] : '?';
            if (end < s.len)
                words[end] = s.at[end];
            i = end + 1;
        }
        for (size_t i = 0; i < s.len; i++)
            text[i] = (unsigned char)s.at[s.len - 1 - i] < 0x80 ? s.at[s.len - 1 - i] : '?';
        found(f, "reversed", (struct span){ text, s.len }, at, past);
        found(f, "reversed words", (struct span){ words, s.len }, at, past);
    }
}

static const char leet_letters[256] = {
    ['0'] = 'o', ['1'] = 'i', ['!'] = 'i', ['|'] = 'i', ['3'] = 'e', ['4'] = 'a', ['@'] = 'a', ['5'] = 's', ['$'] = 's', ['7'] = 't', ['+'] = 't', ['8'] = 'b',
    ['9'] = 'g', ['6'] = 'g',
};
static inline char leet_letter(char c)
{
    return leet_letters[(unsigned char)c];
}
enum { LEET_BLANK = 1, LEET_SIGN = 2, LEET_WORD = 32 /* the longest that is one */ };
static const uint8_t leet_class[256] = {
    [' '] = LEET_BLANK, ['\n'] = LEET_BLANK, ['0'] = LEET_SIGN, ['1'] = LEET_SIGN, ['!'] = LEET_SIGN, ['|'] = LEET_SIGN, ['3' ... '9'] = LEET_SIGN,
    ['@'] = LEET_SIGN, ['$'] = LEET_SIGN, ['+'] = LEET_SIGN,
};
/* At least a letter beside the signs, or two signs alone ("70" is a number: not). */
static bool is_leet(struct span s, size_t at, size_t end)
{
    size_t letters = 0, signs = 0;
    for (size_t i = at; i < end; i++) {
        letters += s.at[i] >= 'a' && s.at[i] <= 'z';
        signs += leet_letter(s.at[i]) && !(s.at[i] == '!' && (i + 1 == s.len || s.at[i + 1] == ' ' || s.at[i + 1] == '!'));
    }
    return signs && letters && letters + signs >= 2;
}
/* Words with digits and signs for letters inside them. Version numbers, product names and mail addresses have some too:
 * it takes several, and the text is only read once more. */
static void find_leet(struct finder *f, const struct fold *plain, struct span s)
{
    size_t words = 0, leet = 0, first = 0, last = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (!(leet_class[(unsigned char)s.at[i]] & LEET_SIGN))
            continue;
        size_t at = i, end = i + 1;
        while (at > 0 && i - at < LEET_WORD && !(leet_class[(unsigned char)s.at[at - 1]] & LEET_BLANK))
            at--;
        while (end < s.len && !(leet_class[(unsigned char)s.at[end]] & LEET_BLANK))
            end++;
        if (end - at <= LEET_WORD && is_leet(s, at, end)) {
            if (!leet++)
                first = at;
            last = end;
        }
        i = end;
    }
    if (leet < 2)
        return;
    for (size_t i = 0; i < s.len; i++)
        words += !(leet_class[(unsigned char)s.at[i]] & LEET_BLANK) && (i + 1 == s.len || leet_class[(unsigned char)s.at[i + 1]] & LEET_BLANK);
    if (leet * 6 < words)
        return;
    char *text = arena_alloc_raw(f->a, s.len + 1);
    for (size_t i = 0; i < s.len;) {
        size_t end = i;
        bool has_letter = false;
        while (end < s.len && s.at[end] != ' ' && s.at[end] != '\n') {
            has_letter |= s.at[end] >= 'a' && s.at[end] <= 'z';
            end++;
        }
        for (size_t k = i; k < end; k++) {
            char letter = has_letter || end - i <= 2 ? leet_letter(s.at[k]) : 0;
            text[k] = letter && !(s.at[k] == '!' && k + 1 == end) ? letter : s.at[k];
        }
        if (end < s.len)
            text[end] = s.at[end];
        i = end + 1;
    }
    size_t at, past;
    in_original(plain, first, last, &at, &past);
    found(f, "leet", (struct span){ text, s.len }, at, past);
}
/* Letters set apart: i g n o r e, i.g.n.o.r.e; a wider gap parts the words. */
static void find_set_apart(struct finder *f, const struct fold *plain, const struct tokens *t)
{
    struct span s = t->text;
    for (size_t i = 0; i < t->n;) {
        size_t end = i, letters = 0;
        char *text = NULL;
        size_t n = 0, cap = 0, last = 0;
        bool parted_by_sign = false;
        while (end < t->n) {
            const struct token *k = &t->list[end];
            if (k->is_sign) {
                if (!letters || k->end - k->start > 2)
                    break;
                end++;
                continue;
            }
            if (k->end - k->start != 1 || (unsigned char)s.at[k->start] >= 0x80)
                break;
            size_t gap = letters ? k->start - last : 1;
            if (gap > 6)
                break;
            /* two blanks between words of letters parted by one; or a blank between words of letters parted by a sign */
            bool blank_within = last < k->start && memchr(s.at + last, ' ', k->start - last);
            if (letters && blank_within && (gap > 1 || (letters > 1 && parted_by_sign)))
                *ARENA_PUSH(f->a, text, n, cap) = ' ';
            else if (letters && gap == 1 && !blank_within)
                parted_by_sign = true;
            *ARENA_PUSH(f->a, text, n, cap) = s.at[k->start];
            letters++;
            last = k->end;
            end++;
        }
        if (letters >= 8 && letters < 4096) {
            size_t at, past;
            in_original(plain, t->list[i].start, last, &at, &past);
            char *parted = arena_alloc_raw(f->a, 2 * n + 1);
            size_t len = 0;
            for (size_t k = 0; k < n;) { /* word by word: long ones are cut into common words */
                size_t stop = k;
                while (stop < n && text[stop] != ' ')
                    stop++;
                if (len)
                    parted[len++] = ' ';
                len += part_words(f->a, (struct span){ text + k, stop - k }, parted + len);
                k = stop + 1;
            }
            found(f, "letters set apart", (struct span){ parted, len }, at, past);
        }
        i = end > i ? end : i + 1;
    }
}

size_t disguises_find(struct arena *a, const struct fold *plain, const struct tokens *t, struct disguised out[DISGUISES_MOST])
{
    struct finder f = { .a = a, .original = plain->original, .out = out };
    if (f.original.len > DISGUISE_READ_MOST)
        f.original.len = DISGUISE_READ_MOST;
    find_codes(&f);
    find_forms(&f, plain, t);
    find_leet(&f, plain, t->text);
    find_set_apart(&f, plain, t);
    return f.n;
}
