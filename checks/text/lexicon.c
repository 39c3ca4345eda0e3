/* SPDX-License-Identifier: Apache-2.0
 * Stems are sorted by their first bytes; bits for the beginnings that any stem has turn away most words at once. */
#include "checks/text/lexicon.h"
#include <stdlib.h>

struct stem {
    uint64_t first;         /* its first eight bytes, zeros behind */
    const char *at;
    uint8_t len, class;
    bool is_whole;
};
struct lexicon {
    struct arena *arena;    /* whose it is: so that one made for the life of the process stays within reach */
    const struct lexicon_class *classes;
    size_t nclasses;
    struct stem *stems;
    size_t nstems;
    uint32_t first[4097];   /* of each bucket of the first bytes */
    bool has_short;         /* some beginning is of two bytes */
    uint64_t begin2[64], begin3[128], begin4[128]; /* a bit for each beginning of stems of two bytes, of three, of more */
};

/* Two bytes: every stem has at least two. */
static inline unsigned bucket_of(const char *p)
{
    return ((unsigned)(unsigned char)p[0] * 61u + (unsigned)(unsigned char)p[1] * 7u) & 4095u;
}
/* Beginnings of three and four bytes, hashed; what is no letter there counts as a blank, so that "no " asks for an end. */
static const uint8_t letters[256] = { ['0' ... '9'] = 255, ['a' ... 'z'] = 255, [0x80 ... 0xff] = 255 };
static inline bool is_letter(unsigned char b)
{
    return letters[b];
}
static inline uint32_t letter_or_blank(unsigned char b)
{
    return (b & letters[b]) | (' ' & ~(unsigned)letters[b]);
}
static inline uint32_t beginning_of(const unsigned char w[4])
{
    return w[0] | (uint32_t)w[1] << 8 | letter_or_blank(w[2]) << 16 | letter_or_blank(w[3]) << 24;
}
static inline unsigned third_of(uint32_t beginning)
{
    return (beginning & 0xffffff) * 0x9e3779b1u >> 19;
}
static inline unsigned fourth_of(uint32_t beginning)
{
    return beginning * 0x85ebca6bu >> 19;
}
static inline bool bit_of(const uint64_t *bits, unsigned at)
{
    return bits[at >> 6] >> (at & 63) & 1;
}
static int by_bucket(const void *x, const void *y)
{
    const struct stem *a = x, *b = y;
    unsigned i = bucket_of(a->at), j = bucket_of(b->at);
    if (i != j)
        return i < j ? -1 : 1;
    if (a->class != b->class)
        return a->class < b->class ? -1 : 1;
    return a->len != b->len ? (a->len > b->len ? -1 : 1) : memcmp(a->at, b->at, a->len); /* longest first */
}

static uint64_t first_bytes(const char *p, size_t len)
{
    uint64_t w = 0;
    if (len >= 8)
        memcpy(&w, p, 8);
    else
        memcpy(&w, p, len);
    return w;
}
/* The first n bytes of a word in memory, in either order of bytes. */
static const unsigned char masks[16] = { 255, 255, 255, 255, 255, 255, 255, 255 };
static inline uint64_t mask_of(size_t n)
{
    uint64_t w;
    memcpy(&w, masks + (n < 8 ? 8 - n : 0), sizeof w);
    return w;
}

const struct lexicon *lexicon_make(struct arena *a, const struct lexicon_class *classes, size_t n)
{
    struct lexicon *l = arena_alloc(a, sizeof *l);
    l->arena = a;
    l->classes = classes;
    l->nclasses = n;
    size_t cap = 0;
    for (size_t c = 0; c < n && c < LEXICON_CLASSES_MOST; c++)
        for (const char *p = classes[c].stems; *p;) {
            size_t len = strcspn(p, "|");
            bool is_whole = len && p[len - 1] == ' ';
            if (len - is_whole >= 2 && len < 250)
                *ARENA_PUSH(a, l->stems, l->nstems, cap) = (struct stem){ first_bytes(p, len - is_whole), p, (uint8_t)(len - is_whole), (uint8_t)c, is_whole };
            p += len + (p[len] == '|');
        }
    for (size_t k = 0; k < l->nstems; k++) {
        const struct stem *m = &l->stems[k];
        unsigned char w[4] = { 0 };
        memcpy(w, m->at, m->len < 4 ? m->len : 4);
        size_t len = m->len + (size_t)m->is_whole; /* with the end that it asks for */
        uint64_t *bits = len < 3 ? l->begin2 : len < 4 ? l->begin3 : l->begin4;
        unsigned at = len < 3 ? bucket_of(m->at) : len < 4 ? third_of(beginning_of(w)) : fourth_of(beginning_of(w));
        l->has_short |= len < 3;
        bits[at >> 6] |= 1ull << (at & 63);
    }
    if (l->nstems)
        qsort(l->stems, l->nstems, sizeof *l->stems, by_bucket);
    size_t k = 0;
    for (unsigned b = 0; b < 4096; b++) {
        while (k < l->nstems && bucket_of(l->stems[k].at) < b)
            k++;
        l->first[b] = (uint32_t)k;
    }
    l->first[4096] = (uint32_t)l->nstems;
    return l;
}

size_t lexicon_hits(const struct lexicon *l, struct arena *a, const struct tokens *t, size_t from, size_t to, struct lexicon_hit **out)
{
    struct lexicon_hit *list = NULL;
    size_t n = 0, cap = 0;
    for (size_t i = from; i < to; i++) {
        const struct token *k = &t->list[i];
        const char *p = t->text.at + k->start;
        size_t left = t->text.len - k->start;
        if (left < 2)
            break;
        int done = -1;
        uint64_t word = first_bytes(p, left);
        unsigned char w[4];
        memcpy(w, &word, sizeof w);
        uint32_t beginning = beginning_of(w);
        if (!bit_of(l->begin4, fourth_of(beginning)) && !bit_of(l->begin3, third_of(beginning)) && !(l->has_short && bit_of(l->begin2, bucket_of(p))))
            continue;
        unsigned b = bucket_of(p);
        for (uint32_t s = l->first[b]; s < l->first[b + 1]; s++) {
            const struct stem *m = &l->stems[s];
            if ((word ^ m->first) & mask_of(m->len))
                continue;
            if (m->class == done || m->len > left || (m->len > 8 && memcmp(p + 8, m->at + 8, m->len - 8u))
                || (m->is_whole && m->len < left && is_letter((unsigned char)p[m->len])))
                continue;
            /* to the end of the word it ends in */
            size_t end = k->start + m->len;
            if (!m->is_whole && (unsigned char)t->text.at[end - 1] < 0x80)
                while (end < t->text.len && is_letter((unsigned char)t->text.at[end]) && end - k->start < 64)
                    end++;
            *ARENA_PUSH(a, list, n, cap) = (struct lexicon_hit){ (uint32_t)i, k->start, (uint32_t)end, m->class };
            done = m->class;
        }
    }
    *out = list;
    return n;
}
