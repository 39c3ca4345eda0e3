/* SPDX-License-Identifier: Apache-2.0
 * Pieces of words are hashed straight from memory: eight bytes are loaded, cut to length and multiplied. */
#include "checks/text/ngrams.h"
#include "base/must.h"
#include "base/utf8.h"

static inline uint64_t load8(const char *p)
{
    uint64_t w;
    memcpy(&w, p, sizeof w);
    return w;
}
static inline uint64_t mix(uint64_t h)
{
    h *= 0x9e3779b97f4a7c15ull;
    return h ^ h >> 29;
}

enum { SIGN_BYTES = 3, WORD_BYTES = 48 /* longer words are cut: they are data, not words */ };
enum letter { BLANK, SIGN, LETTER, LEAD /* a letter of three bytes or four: it may be a word of its own */ };
static const uint8_t letter_of[256] = {
    ['0' ... '9'] = LETTER, ['a' ... 'z'] = LETTER, ['A' ... 'Z'] = LETTER, [0x80 ... 0xdf] = LETTER, [0xe0 ... 0xff] = LEAD,
    ['!' ... '&'] = SIGN, ['(' ... '/'] = SIGN, [':' ... '@'] = SIGN, ['[' ... '`'] = SIGN, ['{' ... '~'] = SIGN, /* the apostrophe is a blank */
};
/* Letters that are words of their own: scripts written without spaces. */
static inline bool stands_alone(uint32_t c)
{
    return (c >= 0x2e80 && c < 0xa4d0) || (c >= 0xf900 && c < 0xfb00) || (c >= 0xff66 && c < 0xffa0) || (c >= 0x20000 && c < 0x32000)
           || (c >= 0x0e00 && c < 0x0f00);
}
static inline size_t alone_length(const char *p, size_t n)
{
    if ((unsigned char)*p < 0xe0)
        return 0;
    size_t length = utf8_length(p, n);
    return length && stands_alone(utf8_code(p, length)) ? length : 0;
}

void tokens_cut(struct arena *a, struct span text, struct tokens *out)
{
    if (text.len > NGRAMS_READ_MOST)
        text.len = NGRAMS_READ_MOST;
    const unsigned char *u = (const unsigned char *)text.at;
    /* a token takes a byte at least, and a blank in `spaced`; it is copied in whole words of eight */
    char *spaced = arena_alloc_raw(a, 2 * text.len + 32);
    size_t n = 0, len = 0, room = text.len / 4 + 16;
    struct token *list = arena_alloc_raw(a, room * sizeof *list);
    spaced[len++] = ' ';
    for (size_t i = 0; i < text.len;) {
        enum letter kind = (enum letter)letter_of[u[i]];
        if (kind == BLANK) {
            i++;
            continue;
        }
        size_t start = i, end;
        if (kind == SIGN) {
            while (++i < text.len && letter_of[u[i]] == SIGN)
                ;
            end = i - start > SIGN_BYTES ? start + SIGN_BYTES : i;
        } else {
            size_t alone = kind == LEAD ? alone_length(text.at + i, text.len - i) : 0;
            if (alone) {
                i += alone;
            } else {
                i++;
                while (i < text.len && (letter_of[u[i]] == LETTER || (letter_of[u[i]] == LEAD && !alone_length(text.at + i, text.len - i))))
                    i++;
            }
            end = i - start > WORD_BYTES ? start + WORD_BYTES : i;
        }
        if (n + 1 >= room) {
            list = arena_grow(a, list, room * sizeof *list, 2 * room * sizeof *list);
            room *= 2;
        }
        struct token *t = &list[n++];
        uint64_t h = (uint64_t)(end - start) << 8 | (kind == SIGN), w;
        *t = (struct token){ .start = (uint32_t)start, .end = (uint32_t)i, .at = (uint32_t)len, .is_sign = kind == SIGN };
        size_t k = start;
        char *to = spaced + len;
        for (; k + 8 <= end; k += 8, to += 8) {
            w = load8(text.at + k);
            memcpy(to, &w, sizeof w);
            h = mix(h ^ w);
        }
        if (k < end) {
            if (k + 8 <= text.len) {
                w = load8(text.at + k) & (~0ull >> (64 - 8 * (end - k)));
            } else {
                w = 0;
                memcpy(&w, text.at + k, end - k);
            }
            memcpy(to, &w, sizeof w);
            h = mix(h ^ w);
        }
        t->hash = (uint32_t)(mix(h) >> 32);
        len += end - start;
        spaced[len++] = ' ';
    }
    memset(spaced + len, 0, 8);
    list[n] = (struct token){ .start = (uint32_t)text.len, .end = (uint32_t)text.len, .at = (uint32_t)len };
    *out = (struct tokens){ .text = text, .spaced = spaced, .list = list, .n = n };
}

size_t tokens_find(const struct tokens *t, size_t byte)
{
    size_t low = 0, high = t->n;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (t->list[mid].end <= byte)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

enum way { LIST, WEIGH, WEIGH_PAIRS /* what single words give was weighed already */, EXPLAIN };
struct sink {
    uint64_t *seen_bits;
    unsigned shift;
    uint32_t *id;                 /* LIST */
    size_t n;
    const int8_t *weights;        /* WEIGH */
    int32_t sum;
    struct ngram_seen *seen;      /* EXPLAIN */
    uint32_t start, end;
    bool is_word;
};
static inline __attribute__((always_inline)) void sink_add(struct sink *s, uint64_t h, enum way way)
{
    uint32_t id = (uint32_t)(h >> s->shift);
    if (way == EXPLAIN) {
        s->seen[s->n++] = (struct ngram_seen){ id, s->start, s->end, s->is_word };
        return;
    }
    uint64_t *word = &s->seen_bits[id >> 6], had = *word >> (id & 63) & 1;
    *word |= 1ull << (id & 63);
    if (way == LIST)
        s->id[s->n] = id;
    else
        s->sum += s->weights[id] & (int32_t)(had - 1);
    s->n += had ^ 1;
}

#define CHAR_SALT 0x9e3779b97f4a7c15ull
#define WORD_SALT 0xd6e8feb86659fd93ull
#define PAIR_SALT 0xa0761d6478bd642full
#define HEAD_SALT 0xe7037ed1a0b428dbull

static inline uint64_t word_feature(const struct token *k)
{
    uint64_t h = k->hash + 1;
    return mix(h * WORD_SALT) * WORD_SALT;
}
static inline __attribute__((always_inline)) void walk(struct sink *s, const struct tokens *t, size_t from, size_t to, unsigned kinds, enum way way)
{
    bool explain = way == EXPLAIN;
    uint64_t last = 0;
    uint32_t last_start = 0;
    size_t words = 0;
    for (size_t i = from; i < to; i++) {
        const struct token *k = &t->list[i];
        if (explain) {
            s->start = k->start;
            s->end = k->end;
            s->is_word = false;
        }
        if ((way == LIST || explain) && kinds & NGRAM_CHARS && !k->is_sign) {
            const char *p = t->spaced + k->at - 1, *past = t->spaced + k[1].at;
            for (; p + 3 <= past; p++) {
                uint64_t w = load8(p);
                sink_add(s, (w & 0xffffff) * CHAR_SALT, way);
                if (p + 4 <= past)
                    sink_add(s, (w & 0xffffffff) * CHAR_SALT, way);
                if (p + 5 <= past)
                    sink_add(s, (w & 0xffffffffff) * CHAR_SALT, way);
            }
        }
        if (explain)
            s->is_word = true;
        uint64_t h = k->hash + 1;
        if (kinds & NGRAM_WORDS) {
            if (way != WEIGH_PAIRS)
                sink_add(s, word_feature(k), way);
            if (!k->is_sign) {
                if (last) {
                    if (explain)
                        s->start = last_start;
                    sink_add(s, mix(last * PAIR_SALT + h) * WORD_SALT, way);
                }
            }
        }
        if (kinds & NGRAM_HEAD && !k->is_sign && words < NGRAM_HEAD_WORDS) {
            sink_add(s, mix(h * HEAD_SALT) * WORD_SALT, way);
            if (last)
                sink_add(s, mix((last * PAIR_SALT + h) ^ HEAD_SALT) * WORD_SALT, way);
        }
        if (!k->is_sign) {
            last = h;
            last_start = k->start;
            words++;
        }
    }
}
/* The most features these tokens can have: three a byte of `spaced`, and a few a word. */
static size_t features_most(const struct tokens *t, size_t from, size_t to)
{
    return from < to ? 3 * (size_t)(t->list[to].at - t->list[from].at + 1) + 4 * (to - from) + 8 : 8;
}

void ngrams_of(struct arena *a, const struct tokens *t, size_t from, size_t to, unsigned kinds, unsigned bits, struct ngrams *out)
{
    struct sink s = { .shift = 64 - bits };
    s.id = arena_alloc_raw(a, features_most(t, from, to) * sizeof *s.id);
    struct arena_mark mark = arena_mark(a);
    s.seen_bits = arena_alloc(a, ((size_t)1 << bits) / 8 + 8);
    walk(&s, t, from, to, kinds, LIST);
    arena_rewind(a, mark);
    *out = (struct ngrams){ s.id, s.n };
}

static inline void weigh(struct sink *s, uint64_t h, uint64_t is_gram)
{
    uint32_t id = (uint32_t)(h >> s->shift);
    uint64_t *word = &s->seen_bits[id >> 6], is_new = ~(*word >> (id & 63)) & is_gram;
    *word |= is_gram << (id & 63);
    s->sum += s->weights[id] & -(int32_t)is_new;
    s->n += is_new;
}
/* The pieces of all words at once, straight over `spaced` and without a branch on where words end: a piece lies within a
 * word when all that is between its first and last byte are letters. */
static void weigh_pieces(struct sink *s, const char *p, const char *past)
{
    uint64_t inner = 0; /* bit k: byte k + 1 of the piece is a letter */
    for (int k = 1; k < 3; k++)
        inner |= (uint64_t)(letter_of[(unsigned char)p[k]] >= LETTER) << k;
    struct sink here = *s;
    for (; p + 3 <= past; p++) {
        uint64_t w = load8(p);
        inner = inner >> 1 | (uint64_t)(letter_of[w >> 24 & 255] >= LETTER) << 2;
        uint64_t three = inner & 1, four = three & inner >> 1, five = four & inner >> 2;
        weigh(&here, (w & 0xffffff) * CHAR_SALT, three);
        weigh(&here, (w & 0xffffffff) * CHAR_SALT, four);
        weigh(&here, (w & 0xffffffffff) * CHAR_SALT, five);
    }
    *s = here;
}
/* A word that stands again brings nothing new but its neighbours, and texts repeat themselves: half of their words and more. So each
 * different token is weighed once, and the words are written down once, " word word … ", to be cut into pieces. Returns the length, 0 when
 * there are too many tokens for it. */
enum { DISTINCT_TOKENS = 512, DISTINCT_SLOTS = 1024, DISTINCT_BYTES = DISTINCT_TOKENS * (WORD_BYTES + 1) };
static inline bool is_same_word(const char *x, const char *y, size_t len)
{
    for (; len > 8; len -= 8, x += 8, y += 8)
        if (load8(x) != load8(y))
            return false;
    uint64_t differ = load8(x) ^ load8(y);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return !(differ << (64 - 8 * len));
#else
    return !(differ >> (64 - 8 * len));
#endif
}
static size_t weigh_distinct(struct sink *s, const struct tokens *t, size_t from, size_t to, unsigned kinds, char *out)
{
    uint16_t first[DISTINCT_SLOTS]; /* 1 + the token, counted from `from` */
    size_t n = 0;
    if (to - from > DISTINCT_TOKENS)
        return 0;
    memset(first, 0, sizeof first);
    out[n++] = ' ';
    for (size_t i = from; i < to; i++) {
        const struct token *k = &t->list[i];
        const char *word = t->spaced + k->at;
        size_t len = k[1].at - k->at; /* the blank behind it included */
        size_t slot = k->hash % DISTINCT_SLOTS;
        bool is_known = false;
        for (; first[slot] && !is_known; slot = (slot + 1) % DISTINCT_SLOTS) {
            const struct token *other = &t->list[from + first[slot] - 1];
            is_known = other->hash == k->hash && other[1].at - other->at == len && is_same_word(t->spaced + other->at, word, len);
        }
        if (is_known)
            continue;
        first[slot] = (uint16_t)(i - from + 1);
        if (kinds & NGRAM_WORDS)
            weigh(s, word_feature(k), 1);
        if (k->is_sign)
            continue;
        for (size_t at = 0; at < len; at += 8)
            memcpy(out + n + at, word + at, 8);
        n += len;
    }
    return n;
}
int32_t ngrams_weigh(const struct tokens *t, size_t from, size_t to, unsigned kinds, unsigned bits, const int8_t *weights, size_t *n)
{
    uint64_t seen_bits[1 << (NGRAMS_WEIGH_BITS - 6)];
    char words[DISTINCT_BYTES + 16];
    must(bits >= NGRAMS_BITS_LEAST && bits <= NGRAMS_WEIGH_BITS);
    memset(seen_bits, 0, ((size_t)1 << bits) / 8);
    struct sink s = { .seen_bits = seen_bits, .shift = 64 - bits, .weights = weights };
    size_t len = from < to ? weigh_distinct(&s, t, from, to, kinds, words) : 0;
    memset(words + len, 0, 8);
    if (kinds & NGRAM_CHARS && len)
        weigh_pieces(&s, words, words + len);
    else if (kinds & NGRAM_CHARS && from < to)
        weigh_pieces(&s, t->spaced + t->list[from].at - 1, t->spaced + t->list[to].at);
    if (len)
        walk(&s, t, from, to, kinds, WEIGH_PAIRS);
    else
        walk(&s, t, from, to, kinds, WEIGH);
    *n = s.n;
    return s.sum;
}

size_t ngrams_seen(struct arena *a, const struct tokens *t, size_t from, size_t to, unsigned kinds, unsigned bits, struct ngram_seen **out)
{
    struct sink s = { .shift = 64 - bits };
    s.seen = arena_alloc_raw(a, features_most(t, from, to) * sizeof *s.seen);
    walk(&s, t, from, to, kinds, EXPLAIN);
    *out = s.seen;
    return s.n;
}
