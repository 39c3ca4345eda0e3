/* SPDX-License-Identifier: Apache-2.0
 * The trie is built with one row a state, then turned into a full table breadth first, failure links before their children. */
#include "checks/ruleset/automaton.h"
#ifdef __SSE2__
#include <emmintrin.h>
#endif

static unsigned char lower(unsigned char c)
{
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c | 32) : c;
}
static uint32_t entry_add(struct arena *a, struct automaton *m, uint32_t owner, uint32_t next)
{
    *ARENA_PUSH(a, m->entries, m->nentries, m->entries_cap) = (struct automaton_entry){ owner, next };
    return (uint32_t)m->nentries - 1;
}

static void choose_pairs(struct automaton *m, const struct automaton_literal *literals, size_t n);
struct automaton *automaton_new(struct arena *a, const struct automaton_literal *literals, size_t n)
{
    size_t most = 1;
    for (size_t i = 0; i < n; i++)
        most += literals[i].text.len;
    if (n == 0 || most > AUTOMATON_STATES_MOST)
        return NULL;
    struct automaton *m = arena_alloc(a, sizeof *m);
    m->nclasses = 1;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < literals[i].text.len; k++) {
            unsigned char c = (unsigned char)literals[i].text.at[k];
            if (!m->class_of[c] && m->nclasses < 256)
                m->class_of[c] = (uint8_t)m->nclasses++;
        }
    for (unsigned c = 'A'; c <= 'Z'; c++)
        m->class_of[c] = m->class_of[lower((unsigned char)c)];
    m->next = arena_alloc(a, most * m->nclasses * sizeof *m->next);
    m->fail = arena_alloc(a, most * sizeof *m->fail);
    m->end_list = arena_alloc(a, most * sizeof *m->end_list);
    m->ends_at = arena_alloc(a, most * sizeof *m->ends_at);
    m->through = arena_alloc(a, most * sizeof *m->through);
    m->depth = arena_alloc(a, most * sizeof *m->depth);
    entry_add(a, m, 0, 0); /* entry 0 means none */
    m->nstates = 1;
    for (size_t i = 0; i < n; i++) {
        uint32_t at = 0;
        for (size_t k = 0; k < literals[i].text.len; k++) {
            uint32_t *next = &m->next[(size_t)at * m->nclasses + m->class_of[(unsigned char)literals[i].text.at[k]]];
            if (!*next) {
                *next = m->nstates++;
                m->depth[*next] = (uint16_t)(m->depth[at] + 1);
            }
            at = *next;
            if (k + 1 < literals[i].text.len)
                m->through[at] = entry_add(a, m, literals[i].owner, m->through[at]);
        }
        m->end_list[at] = entry_add(a, m, literals[i].owner, m->end_list[at]);
    }
    uint32_t *queue = arena_alloc_raw(a, most * sizeof *queue);
    size_t head = 0, tail = 0;
    for (unsigned c = 0; c < m->nclasses; c++)
        if (m->next[c])
            queue[tail++] = m->next[c];
    while (head < tail) {
        uint32_t s = queue[head++], *row = &m->next[(size_t)s * m->nclasses];
        const uint32_t *fallback = &m->next[(size_t)m->fail[s] * m->nclasses];
        m->ends_at[s] = m->end_list[s] ? s : m->ends_at[m->fail[s]];
        for (unsigned c = 0; c < m->nclasses; c++) {
            if (row[c]) {
                m->fail[row[c]] = fallback[c];
                queue[tail++] = row[c];
            } else {
                row[c] = fallback[c];
            }
        }
    }
    choose_pairs(m, literals, n);
    return m;
}

/* ---- only where something rare stands ---- */

/* Per mille of bytes in English and French prose and in code, roughly; letters count for both cases. */
static unsigned commonness(unsigned char c)
{
    static const uint8_t letters[26] = { 70, 12, 28, 33, 110, 18, 16, 30, 65, 3, 6, 40, 26, 62, 62, 23, 4, 58, 62, 72, 30, 12, 13, 4, 14, 3 };
    c = lower(c);
    return c >= 'a' && c <= 'z' ? letters[c - 'a'] : c == ' ' || c == '\n' ? 160 : c >= '0' && c <= '9' ? 8 : strchr(".,'-\"", c) && c ? 12 : c >= 0x80 ? 20 : 4;
}
static bool has_pair(struct span s, const uint8_t pair[2], size_t *at)
{
    for (size_t i = 0; i + 1 < s.len; i++)
        if (((unsigned char)s.at[i] | 0x20) == pair[0] && ((unsigned char)s.at[i + 1] | 0x20) == pair[1]) {
            *at = i;
            return true;
        }
    return false;
}
/* Pairs until every literal has one: each time of the first literal that has none, the pair that is rarest for how many it serves. Given
 * up where that takes too many, or where they are so common that the automaton would run everywhere. */
static void choose_pairs(struct automaton *m, const struct automaton_literal *literals, size_t n)
{
    enum { TOO_COMMON = 12000 /* of a million places */, LITERAL_MOST = 64, LOOKED_AT = 512 /* of the literals, for how many */ };
    size_t at, total = 0;
    for (size_t i = 0; i < n; i++) {
        struct span s = literals[i].text;
        bool has = false;
        for (unsigned k = 0; k < m->npairs && !has; k++)
            has = has_pair(s, m->pairs[k], &at);
        if (has)
            continue;
        size_t served = 0, common = 0;
        uint8_t best[2] = { 0 };
        for (size_t k = 0; k + 1 < s.len && s.len <= LITERAL_MOST; k++) {
            uint8_t pair[2] = { (unsigned char)s.at[k] | 0x20, (unsigned char)s.at[k + 1] | 0x20 };
            size_t serves = 0, here = (size_t)commonness((unsigned char)s.at[k]) * commonness((unsigned char)s.at[k + 1]);
            for (size_t o = i; o < n && o < i + LOOKED_AT; o++)
                serves += has_pair(literals[o].text, pair, &at);
            if (!served || here * served < common * serves) {
                served = serves;
                common = here;
                memcpy(best, pair, 2);
            }
        }
        total += common;
        if (!served || m->npairs == AUTOMATON_PAIRS_MOST || total > TOO_COMMON) {
            m->npairs = 0;
            return;
        }
        memcpy(m->pairs[m->npairs++], best, 2);
    }
    for (size_t i = 0; i < n; i++)
        for (unsigned k = 0; k < m->npairs; k++)
            if (has_pair(literals[i].text, m->pairs[k], &at)) {
                m->back = at > m->back ? at : m->back;
                m->ahead = literals[i].text.len - at > m->ahead ? literals[i].text.len - at : m->ahead;
                break;
            }
}
size_t automaton_pair(const struct automaton *m, struct span text, size_t i)
{
#ifdef __SSE2__
    const __m128i bit5 = _mm_set1_epi8(0x20);
    for (; i + 17 <= text.len; i += 16) {
        __m128i first = _mm_or_si128(_mm_loadu_si128((const __m128i *)(const void *)(text.at + i)), bit5);
        __m128i second = _mm_or_si128(_mm_loadu_si128((const __m128i *)(const void *)(text.at + i + 1)), bit5), any = _mm_setzero_si128();
        for (unsigned k = 0; k < m->npairs; k++)
            any = _mm_or_si128(any, _mm_and_si128(_mm_cmpeq_epi8(first, _mm_set1_epi8((char)m->pairs[k][0])), _mm_cmpeq_epi8(second, _mm_set1_epi8((char)m->pairs[k][1]))));
        unsigned places = (unsigned)_mm_movemask_epi8(any);
        if (places)
            return i + (size_t)__builtin_ctz(places);
    }
#endif
    for (; i + 1 < text.len; i++)
        for (unsigned k = 0; k < m->npairs; k++)
            if (((unsigned char)text.at[i] | 0x20) == m->pairs[k][0] && ((unsigned char)text.at[i + 1] | 0x20) == m->pairs[k][1])
                return i;
    return text.len;
}

void automaton_mark(const struct automaton *m, struct span text, uint64_t *seen)
{
    uint32_t s = 0, told = 0;
    size_t pair = m->npairs ? automaton_pair(m, text, 0) : 0;
    if (m->npairs && pair == text.len)
        return; /* none in the whole text */
    for (size_t i = 0; i < text.len; i++) {
        if (!s)
            i = automaton_skip(m, text, i, &pair);
        s = automaton_step(m, s, (unsigned char)text.at[i]);
        if (m->ends_at[s] && m->ends_at[s] != told) {
            told = m->ends_at[s];
            for (uint32_t e = told; e; e = m->ends_at[m->fail[e]])
                for (uint32_t k = m->end_list[e]; k; k = m->entries[k].next)
                    seen[m->entries[k].owner / 64] |= 1ull << (m->entries[k].owner % 64);
        }
    }
}
