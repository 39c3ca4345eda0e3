/* SPDX-License-Identifier: Apache-2.0
 * hunt: the walk, the hits and the promise that exact-span checks share; see hunt.h. */
#include "checks/text/hunt.h"
#include "checks/text/quiet.h"
#include <stdlib.h>

const uint8_t hunt_class[256] = {
    ['\t'] = IS_BLANK, [' '] = IS_BLANK, ['\n'] = IS_LINE, ['\r'] = IS_LINE, ['\v'] = IS_LINE, ['\f'] = IS_LINE,
    ['_'] = IS_JOIN, ['0' ... '9'] = IS_DIGIT, ['A' ... 'Z'] = IS_UPPER, ['a' ... 'z'] = IS_LOWER, [0x80 ... 0xff] = IS_HIGH,
};

void hunt_hit(struct hunt *h, size_t start, size_t end, const char *kind, double score, const char *why)
{
    if (!h->arena || start >= end || h->n >= 8 * FINDINGS_MOST)
        return;
    *ARENA_PUSH(h->arena, h->hits, h->n, h->cap) = (struct hit){ start, end, kind, why, score };
}
static int by_start(const void *a, const void *b)
{
    const struct hit *x = a, *y = b;
    if (x->start != y->start)
        return x->start < y->start ? -1 : 1;
    return x->end > y->end ? -1 : x->end < y->end;
}
static bool is_better(const struct hit *a, const struct hit *b)
{
    if (a->score != b->score)
        return a->score > b->score;
    return a->end - a->start > b->end - b->start;
}
/* Keeps the better of any two that overlap. Sorted by start, so each needs looking at its last kept neighbour only. */
static void settle_overlaps(struct hunt *h)
{
    if (h->n > 1)
        qsort(h->hits, h->n, sizeof *h->hits, by_start);
    size_t kept = 0;
    for (size_t i = 0; i < h->n; i++) {
        struct hit now = h->hits[i];
        bool loses = false;
        while (kept && h->hits[kept - 1].end > now.start) {
            if (!is_better(&now, &h->hits[kept - 1])) {
                loses = true;
                break;
            }
            kept--;
        }
        if (!loses)
            h->hits[kept++] = now;
    }
    h->n = kept;
}

struct score hunt_score(const struct check *c, struct transcript *t, enum side on, struct findings *out,
                        struct quiet *quiet, unsigned quiet_kind, void (*walk)(struct hunt *h))
{
    size_t n = on == ON_PROMPT ? t->nprompt : t->nanswer;
    struct part *parts = on == ON_PROMPT ? t->prompt : t->answer;
    double clean = 1;
    for (size_t p = 0; p < n; p++) {
        double nothing;
        if (!parts[p].text.len || (on == ON_PROMPT && quiet_knows(quiet, &parts[p], quiet_kind, &nothing)))
            continue;
        const struct fold *f = part_fold(t->arena, &parts[p], FOLD_PATTERN);
        struct hunt h = { .text = f->text, .arena = t->arena, .live = f->text.len };
        walk(&h);
        settle_overlaps(&h);
        if (!h.n && on == ON_PROMPT && !arena_over(t->arena))
            quiet_remember(quiet, &parts[p], quiet_kind, 0);
        for (size_t i = 0; i < h.n; i++) {
            size_t start = h.hits[i].start, end = h.hits[i].end;
            if (f->map)
                fold_origin(f, h.hits[i].start, h.hits[i].end, &start, &end);
            finding_add(out, t, c, h.hits[i].kind, on, p, start, end, h.hits[i].score, "%s: %s", h.hits[i].kind, h.hits[i].why);
            clean *= 1 - h.hits[i].score;
        }
    }
    return (struct score){ .value = 1 - clean };
}

/* Where the run without white space that ends at end begins. Scripts that are written without spaces (U+3000 to U+DFFF)
 * end it too. */
static size_t run_start(struct span text, size_t end, size_t floor)
{
    while (end > floor) {
        unsigned char c = (unsigned char)text.at[end - 1];
        if (is_space(c) || (c >= 0xe3 && c <= 0xed))
            break;
        end--;
    }
    while (end < text.len && ((unsigned char)text.at[end] & 0xc0) == 0x80)
        end++;
    return end;
}
/* The same of a token: letters beyond ASCII are of it (josé@…), signs and scripts without spaces end it. */
static size_t token_start(struct span text, size_t end, size_t floor)
{
    while (end > floor && !is_space((unsigned char)text.at[end - 1])) {
        size_t lead = end - 1;
        while (lead > floor && ((unsigned char)text.at[lead] & 0xc0) == 0x80)
            lead--;
        if (lead + 1 < end && hunt_is_apart((unsigned char)text.at[lead], (unsigned char)text.at[lead + 1]))
            break;
        end = lead;
    }
    return end;
}
/* A cut UTF-8 sequence at the end could still become anything: it is left out, and held. */
static size_t whole_characters(struct span text)
{
    size_t n = text.len, back = 0;
    while (back < 3 && back < n && ((unsigned char)text.at[n - 1 - back] & 0xc0) == 0x80)
        back++;
    if (back < n) {
        unsigned char lead = (unsigned char)text.at[n - 1 - back];
        size_t want = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
        if (want > back + 1)
            return n - 1 - back;
    }
    return n;
}
size_t hunt_settled(struct span text, void (*walk)(struct hunt *h), const char *block)
{
    size_t n = whole_characters(text), floor = n > HUNT_HOLD ? n - HUNT_HOLD : 0;
    while (floor < n && floor > 0 && ((unsigned char)text.at[floor] & 0xc0) == 0x80)
        floor++;
    size_t from = run_start(text, n > HUNT_REACH ? n - HUNT_REACH : 0, floor);
    if (from < floor)
        from = floor;
    /* The walk may look behind its first byte, for context: give it some. */
    size_t context = from > 256 ? from - 256 : 0;
    while (context < from && ((unsigned char)text.at[context] & 0xc0) == 0x80)
        context++;
    struct span tail = span_cut(text, context, n);
    struct arena *a = NULL;
    const struct fold *f = NULL;
    bool is_plain = true;
    for (size_t i = 0; i < tail.len && is_plain; i++)
        is_plain = (unsigned char)tail.at[i] < 0x80;
    struct hunt h = { .text = tail, .from = from - context };
    if (!is_plain) {
        a = arena_new(1 << 20);
        f = fold_text(a, tail, FOLD_PATTERN);
        h.text = f->text;
        if (f->map) {
            size_t low = 0;
            while (low < f->text.len && f->map[low] < from - context)
                low++;
            h.from = low;
        }
    }
    h.live = h.text.len;
    walk(&h);
    size_t live = token_start(h.text, h.text.len, h.from);
    if (h.live < live)
        live = h.live;
    if (f && f->map)
        live = f->map[live];
    live += context;
    if (a)
        arena_free(a);
    if (block) {
        struct span window = span_cut(text, floor, n);
        size_t length = strlen(block);
        const char *last = NULL;
        for (const char *at = span_find(window, span_of(block)); at; ) {
            last = at;
            struct span rest = { at + length, window.len - (size_t)(at + length - window.at) };
            at = span_find(rest, span_of(block));
        }
        /* Open until an END follows it. */
        if (last) {
            struct span body = { last, (size_t)(text.at + n - last) };
            const char *closed = span_find(body, SPAN("-----END"));
            if (closed) {
                struct span tail_of_end = { closed + 8, (size_t)(text.at + n - closed - 8) };
                if (!span_find(tail_of_end, SPAN("-----")))
                    closed = NULL;
            }
            if (!closed && (size_t)(last - text.at) < live)
                live = (size_t)(last - text.at);
        }
    }
    return live < n ? live : n;
}

size_t word_plain(struct span text, size_t from, size_t to, char *out, size_t room)
{
    size_t n = 0;
    for (size_t i = from; i < to && n + 1 < room; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if (c >= 'A' && c <= 'Z')
            out[n++] = (char)(c | 32);
        else if (is_alnum(c))
            out[n++] = (char)c;
        else if (c == 0xc3 && i + 1 < to) {
            /* U+00C0 to U+00FF, capitals and small letters alike */
            static const char plain[] = "aaaaaaaceeeeiiiidnooooo.ouuuuy.saaaaaaaceeeeiiiidnooooo.ouuuuy.y";
            unsigned char next = (unsigned char)text.at[++i];
            if (next >= 0x80 && next < 0xc0 && plain[next - 0x80] != '.')
                out[n++] = plain[next - 0x80];
        }
    }
    out[n] = 0;
    return n;
}
bool hunt_word_in(const char *word, const char *const *sorted, size_t n)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t mid = (low + high) / 2;
        int order = strcmp(word, sorted[mid]);
        if (order == 0)
            return true;
        if (order < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return false;
}
