/* SPDX-License-Identifier: Apache-2.0
 * The trie is built with one row a state, then turned into a full table breadth first, failure links before their children. */
#include "checks/ruleset/automaton.h"

static unsigned char lower(unsigned char c)
{
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c | 32) : c;
}
static uint32_t entry_add(struct arena *a, struct automaton *m, uint32_t owner, uint32_t next)
{
    *ARENA_PUSH(a, m->entries, m->nentries, m->entries_cap) = (struct automaton_entry){ owner, next };
    return (uint32_t)m->nentries - 1;
}

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
    return m;
}

void automaton_mark(const struct automaton *m, struct span text, uint64_t *seen)
{
    uint32_t s = 0, told = 0;
    for (size_t i = 0; i < text.len; i++) {
        s = automaton_step(m, s, (unsigned char)text.at[i]);
        if (m->ends_at[s] && m->ends_at[s] != told) {
            told = m->ends_at[s];
            for (uint32_t e = told; e; e = m->ends_at[m->fail[e]])
                for (uint32_t k = m->end_list[e]; k; k = m->entries[k].next)
                    seen[m->entries[k].owner / 64] |= 1ull << (m->entries[k].owner % 64);
        }
    }
}
