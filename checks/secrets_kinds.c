/* SPDX-License-Identifier: Apache-2.0
 * secrets_kinds: the table of forms and its matcher; see secrets_kinds.h. Matching is greedy without backtracking, so a
 * try costs no more than the bytes it reads. Prefixes and lengths: the vendors' documentation and the public rule sets
 * of secret scanners. A start is looked up by its first three bytes; ordinary words pass at the cost of one bit. */
#include "checks/secrets_kinds.h"
#include "base/must.h"
#include "checks/text/digits.h"
#include <pthread.h>
#include <stdlib.h>

enum { KINDS_MOST = 512 };
static const struct kind *kinds;
static size_t nkinds;

/* A bit for each first three bytes, hashed: a Bloom filter of one function; it lets a word in fifty through. */
uint64_t kind_starts[1024];
static struct { uint16_t key, index; } order[KINDS_MOST];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static int by_key(const void *a, const void *b)
{
    const uint16_t *x = a, *y = b;
    return x[0] != y[0] ? (x[0] < y[0] ? -1 : 1) : x[1] < y[1] ? -1 : x[1] > y[1];
}
static void build(void)
{
    kinds = kind_table(&nkinds);
    must(nkinds <= KINDS_MOST);
    for (size_t k = 0; k < nkinds; k++) {
        const unsigned char *s = (const unsigned char *)kinds[k].shape;
        uint16_t key = (uint16_t)(s[0] << 8 | s[1]);
        order[k].key = key;
        order[k].index = (uint16_t)k;
        /* a class right behind two bytes: anything may follow */
        for (unsigned c = s[2] == '%' ? 0 : s[2]; c <= (s[2] == '%' ? 255u : s[2]); c++) {
            uint16_t at = kind_start_hash(s[0], s[1], c);
            kind_starts[at >> 6] |= UINT64_C(1) << (at & 63);
        }
    }
    qsort(order, nkinds, sizeof *order, by_key);
}
void kind_prepare(void)
{
    pthread_once(&once, build);
}
static bool in_class(char class, unsigned char c)
{
    switch (class) {
    case 'a': return is_alnum(c);
    case 'w': return is_alnum(c) || c == '_' || c == '-';
    case 'e': return is_alnum(c) || c == '_' || c == '-' || c == '=' || c == '.';
    case 'b': return is_alnum(c) || c == '+' || c == '/';
    case 'B': return is_alnum(c) || c == '+' || c == '/' || c == '_' || c == '-';
    case 'd': return is_digit(c);
    case 'h': return is_digit(c) || (c >= 'a' && c <= 'f');
    case 'H': return is_digit(c) || ((c | 32) >= 'a' && (c | 32) <= 'f');
    case 'U': return is_digit(c) || (c >= 'A' && c <= 'Z');
    case 'l': return is_digit(c) || (c >= 'a' && c <= 'z');
    case 'L': return is_alpha(c);
    case '2': return (c >= 'A' && c <= 'Z') || (c >= '2' && c <= '7');
    case 'q': return c && strchr("QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", c);
    default: return c > ' ' && c < 0x7f && c != '"' && c != '\'' && c != '`' && c != '<' && c != '>' && c != ',' && c != ';' && c != ')' && c != ']' && c != '}';
    }
}
static unsigned count_of(const char **at)
{
    unsigned n = 0;
    while (is_digit((unsigned char)**at))
        n = n * 10 + (unsigned)(*(*at)++ - '0');
    return n;
}
/* Does the shape stand at i? Its end, or 0. body: where its first class began. A literal that was begun is what makes
 * the start of a kind: literal bytes are asked for through hunt_at as long as they agree. */
static size_t shape_match(struct hunt *h, size_t i, const char *shape, size_t *body, size_t *literal_end)
{
    size_t at = i;
    char last = 0;
    *body = 0;
    *literal_end = 0;
    for (const char *s = shape; *s;) {
        if (*s != '%') {
            if (hunt_at(h, at) != (unsigned char)*s++)
                return 0;
            at++;
            last = 0;
            continue;
        }
        char class = s[1];
        s += 2;
        if (!*body)
            *body = *literal_end = at;
        if (class == 'u') {
            for (size_t k = 0; k < 36; k++) {
                unsigned char c = hunt_at(h, at + k);
                if (k == 8 || k == 13 || k == 18 || k == 23 ? c != '-' : !in_class('H', c))
                    return 0;
            }
            at += 36;
            last = 'H';
            continue;
        }
        if (class == '=') {
            for (size_t k = 0; k < 3 && hunt_at(h, at) == '='; k++)
                at++;
            last = 'a';
            continue;
        }
        unsigned least = 1, most = 1;
        if (*s == '{') {
            s++;
            least = most = count_of(&s);
            if (*s == ',') {
                s++;
                most = count_of(&s);
            }
            s++;
        }
        /* The shape's own next literal ends a run that could swallow it. */
        unsigned n = 0;
        while (n < most && in_class(class, hunt_at(h, at + n)))
            n++;
        if (n < least)
            return 0;
        if (*s && *s != '%' && n > least && in_class(class, (unsigned char)*s) && hunt_at(h, at + n) != (unsigned char)*s) {
            /* give back to the last place where the literal stands */
            size_t rest = strcspn(s, "%");
            while (n > least && !(at + n + rest <= h->text.len && memcmp(h->text.at + at + n, s, rest) == 0))
                n--;
        }
        at += n;
        last = class;
    }
    if (last && last != '.') {
        unsigned char next = hunt_at(h, at);
        if (is_alnum(next) || next == '_' || (in_class(last, next) && next != '-' && next != '/' && next != '.' && next != '=' && next != '+'))
            return 0;
        if (next == '-' && in_class(last, '-') && is_alnum(hunt_at(h, at + 1)))
            return 0;
    }
    return at;
}

static bool has_nocase(struct span s, const char *word)
{
    size_t n = strlen(word);
    for (size_t i = 0; i + n <= s.len; i++)
        if (strncasecmp(s.at + i, word, n) == 0)
            return true;
    return false;
}
bool looks_made_up(struct span b)
{
    if (!b.len)
        return true;
    static const char *const words[] = {
        "example", "exemple", "your_", "your-", "yourkey", "yourtoken", "yourapi", "votre", "placeholder", "changeme", "change_me", "change-me", "replace", "redacted", "dummy", "insert",
        "notreal", "not-a-real", "not_a_real", "fake", "sample", "xxxx", "....", "****", "____", "-----", "abcdefgh", "abcd1234", "qwerty", "deadbeef", "todo", "secret-here",
        "key-here", "token-here", "_here", "-here", "foobar",
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (has_nocase(b, words[i]))
            return true;
    if (b.len < 24 && (has_nocase(b, "1234567890") || has_nocase(b, "0123456789")))
        return true;
    if (b.at[0] == '<' || b.at[0] == '$' || b.at[0] == '{' || b.at[0] == '%' || b.at[0] == '[')
        return true;
    struct makeup m = makeup_of(b);
    return b.len >= 8 && m.distinct <= 3;
}
bool looks_random(struct span s, size_t least)
{
    if (s.len < least || looks_made_up(s))
        return false;
    struct makeup m = makeup_of(s);
    size_t letters = m.lower + m.upper;
    if (!letters)
        return false;
    double bits = entropy_bits(s);
    if (m.is_hex)
        return m.digits >= 1 && letters >= 1 && s.len >= 16 && bits >= 2.8;
    if (m.digits == 0)      /* letters alone: only both cases mixed like no words are */
        return s.len >= 24 && m.upper >= s.len / 5 && m.lower >= s.len / 5 && m.run < 3.4 && bits >= 3.6;
    if (bits < (s.len < 20 ? 2.6 : 3.2))
        return false;
    return m.run <= (m.upper && m.lower ? 2.9 : 3.6) && m.other * 5 <= s.len * 2;
}

size_t kind_match(struct hunt *h, size_t i, const char **name, double *score)
{
    unsigned char a = (unsigned char)h->text.at[i], b = hunt_at(h, i + 1);
    uint16_t key = (uint16_t)(a << 8 | b);
    size_t low = 0, high = nkinds;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (order[mid].key < key)
            low = mid + 1;
        else
            high = mid;
    }
    size_t best = 0;
    for (size_t k = low; k < nkinds && order[k].key == key; k++) {
        const struct kind *kind = &kinds[order[k].index];
        size_t body, literal_end, end = shape_match(h, i, kind->shape, &body, &literal_end);
        double sure = 0.97;
        if (end) {
            struct span inner = span_cut(h->text, body, end);
            if (!(kind->flags & KIND_PLAIN)) {
                struct makeup m = makeup_of(inner);
                size_t prefix = body - i;
                if (looks_made_up(inner) || (m.distinct < 6 && inner.len >= 10) || entropy_bits(inner) < (m.is_hex ? 2.2 : 2.5))
                    continue;
                /* A short prefix says little: then the rest must show that it is no word. */
                if (!(kind->flags & KIND_LOOSE) && ((prefix < 5 && !(prefix == 4 && m.lower == 0 && inner.len == 16)) || memchr(inner.at, '_', inner.len) || memchr(inner.at, '-', inner.len)) && !looks_random(inner, 8))
                    continue;
                if (prefix < 4)
                    sure = 0.8;
            } else if (looks_made_up(inner)) {
                continue;
            }
        } else if (kind->flags & KIND_LOOSE && literal_end) {
            end = literal_end;
            while (in_class('w', hunt_at(h, end)) || (hunt_at(h, end) == '.' && is_alnum(hunt_at(h, end + 1))))
                end++;
            if (end - literal_end < 16 || end - literal_end > 400 || !looks_random(span_cut(h->text, literal_end, end), 16))
                continue;
            sure = 0.75;
        } else {
            continue;
        }
        if (!best || sure > *score + 0.001 || (sure >= *score && end > best)) {
            best = end;
            *name = kind->name;
            *score = sure;
        }
    }
    return best;
}
