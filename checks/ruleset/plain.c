/* SPDX-License-Identifier: Apache-2.0 */
#include "checks/ruleset/plain.h"
#include "base/utf8.h"
#include "checks/text/confusable.h"
#include "checks/text/fold.h"

void plain_begin(struct plain *p)
{
    *p = (struct plain){ .is_ascii = true };
}
static void room_for(struct arena *a, struct plain *p, size_t n)
{
    if (p->room - p->len > n)
        return;
    size_t room = p->room ? p->room * 2 : 256;
    while (room - p->len <= n)
        room *= 2;
    p->text = arena_grow(a, p->text, p->room, room);
    p->map = arena_grow(a, p->map, p->room * sizeof *p->map, room * sizeof *p->map);
    p->room = room;
}
static bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}
/* Letters whose folding asks for the word around them, or that compose with what follows. */
static bool depends(uint32_t c)
{
    return (c >= 0x0250 && c < 0x02b0) || (c >= 0x0370 && c < 0x0600) || (c >= 0x10a0 && c < 0x1200) || (c >= 0x13a0 && c < 0x1400)
           || (c >= 0x1c80 && c < 0x2000) || (c >= 0x2c00 && c < 0x2e00) || (c >= 0xa4d0 && c < 0xa500) || (c >= 0xa640 && c < 0xa840)
           || (c >= 0xab30 && c < 0xac00) || confusable_latin(c);
}
/* Latin letters, accents and punctuation: nothing that follows changes what they fold to. */
static bool is_settled(uint32_t c)
{
    return c < 0x0370 || (c >= 0x1e00 && c < 0x1f00) || (c >= 0x2000 && c < 0x2100);
}

/* Folds original[from, to) as one piece and adds what comes from keep_from on. */
static void add_folded(struct arena *a, struct arena *scratch, struct plain *p, struct span original, size_t from, size_t to, size_t keep_from, bool as_latin)
{
    struct span piece = span_cut(original, from, to);
    size_t skip = 0;
    if (as_latin) { /* a text with Latin words: a word of look-alikes alone is then Latin too */
        char *copy = arena_alloc_raw(scratch, piece.len + 2);
        copy[0] = 'a';
        copy[1] = ' ';
        memcpy(copy + 2, piece.at, piece.len);
        piece = (struct span){ copy, piece.len + 2 };
        skip = 2;
    }
    const struct fold *f = fold_text(scratch, piece, FOLD_PLAIN);
    room_for(a, p, f->text.len);
    for (size_t i = skip; i < f->text.len; i++) {
        size_t at = (f->map ? f->map[i] : i) - skip + from;
        if (at < keep_from)
            continue;
        p->is_ascii = p->is_ascii && (unsigned char)f->text.at[i] < 0x80;
        p->text[p->len] = f->text.at[i];
        p->map[p->len++] = (uint32_t)at;
    }
}

void plain_feed(struct arena *a, struct arena *scratch, struct plain *p, struct span original, bool is_end)
{
    size_t i = p->done;
    if (original.len >= UINT32_MAX)
        original.len = UINT32_MAX - 1;
    while (i < original.len) {
        unsigned char c = (unsigned char)original.at[i];
        if (c < 0x80) {
            size_t from = i;
            while (i < original.len && (unsigned char)original.at[i] < 0x80)
                i++;
            room_for(a, p, i - from);
            for (size_t k = from; k < i; k++) {
                char b = original.at[k];
                if (b >= 'A' && b <= 'Z')
                    b = (char)(b | 32);
                p->has_latin |= b >= 'a' && b <= 'z';
                if (is_blank(b))
                    p->word_at = k + 1;
                p->text[p->len] = b;
                p->map[p->len++] = (uint32_t)k;
            }
            continue;
        }
        /* a run of characters beyond ASCII that do not depend on the word */
        size_t from = i, last = i;
        bool dependent = false, cut = false;
        uint32_t code = 0;
        while (i < original.len && (unsigned char)original.at[i] >= 0x80) {
            size_t n = utf8_length(original.at + i, original.len - i);
            if (!n && original.len - i < 4 && !is_end) { /* perhaps cut: wait for the rest */
                cut = true;
                break;
            }
            code = n ? utf8_code(original.at + i, n) : 0xfffd;
            if (n && depends(code)) {
                dependent = true;
                break;
            }
            last = i;
            i += n ? n : 1;
        }
        if (i == original.len && !is_end && !is_settled(code) && !dependent && !cut) {
            if (last == from) {
                i = from;
                break;
            }
            i = last; /* the last one may still be joined */
            cut = true;
        }
        if (i > from)
            add_folded(a, scratch, p, original, from, i, from, false);
        if (cut)
            break;
        if (!dependent)
            continue;
        size_t end = i;
        while (end < original.len && !is_blank(original.at[end]))
            end++;
        if (end == original.len && !is_end) {
            if (original.len - p->word_at < PLAIN_WAIT)
                break;
            while (end > i && ((unsigned char)original.at[end - 1] & 0xc0) == 0x80)
                end--;
            if (end > i)
                end--; /* a whole character less: it may be cut */
            size_t least = i + utf8_length(original.at + i, original.len - i);
            end = end < least ? least : end;
        }
        bool foreign = false;
        for (size_t k = i; k < end;) {
            size_t n = utf8_length(original.at + k, end - k);
            uint32_t letter = n ? utf8_code(original.at + k, n) : 0;
            foreign |= n > 1 && depends(letter) && !confusable_latin(letter);
            k += n ? n : 1;
        }
        p->has_foreign |= foreign;
        size_t word = end - p->word_at > 4 * PLAIN_WAIT ? i : p->word_at; /* a giant word is not folded again and again */
        add_folded(a, scratch, p, original, word, end, i, p->has_latin && !p->has_foreign);
        i = end;
    }
    p->done = i;
    room_for(a, p, 1);
    p->map[p->len] = (uint32_t)i;
}
