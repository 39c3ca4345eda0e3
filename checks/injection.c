/* SPDX-License-Identifier: Apache-2.0
 *
 * injection: does a text that the model will read try to make it drop, replace or reveal its instructions? A linear model
 * reads every part of the prompt that somebody other than the owner can write, window by window, so that a long document
 * hides nothing: hashed n-grams, the classes of injection_words.h, and which class stands before which within six words.
 * What is written in disguise is decoded and read as well (text/disguise.h). The strongest window counts.
 *
 * Instructions are the owner's and are not judged. Tool descriptions and earlier answers speak of instructions by trade:
 * they count only when the model is all but certain. A finding in a document or tool result is of the kind "indirect".
 * O(text): two readings of each byte, one more for each disguise. Of a part, READ_MOST bytes are read.
 */
#include "checks/check.h"
#include "checks/injection_words.h"
#include "checks/models.h"
#include "checks/text/disguise.h"
#include "checks/text/quiet.h"
#include <pthread.h>

enum {
    LETTERS_LEAST = 5,
    WINDOW_WORDS = 220, WINDOW_STEP = 110, CHUNK = 40 << 10, CHUNK_OVERLAP = 3 << 10, READ_MOST = 1 << 20,
    C = INJECTION_CLASSES, PAIRS = C, TWICE = PAIRS + C * C, OFTEN = TWICE + C, OPENS = OFTEN + C, TRIPLES = OPENS + C, SHAPE = TRIPLES + 8 * C, NAMED = SHAPE + 32,
};
const unsigned injection_kinds = NGRAM_CHARS | NGRAM_WORDS;
unsigned injection_named(void)
{
    return NAMED;
}

static const struct lexicon *lexicon;
static void make_lexicon(void)
{
    lexicon = lexicon_make(arena_new(1 << 20), injection_classes, C);
}
static const struct lexicon *words_of_injection(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_lexicon);
    return lexicon;
}

struct named {
    uint16_t *list;
    size_t n;
    uint8_t has[NAMED];
};
static void name(struct named *f, unsigned id)
{
    if (!f->has[id]) {
        f->has[id] = 1;
        f->list[f->n++] = (uint16_t)id;
    }
}
/* Does token i open a sentence or a line? Imperatives do. */
static bool opens(const struct tokens *t, size_t i)
{
    if (i == 0)
        return true;
    const struct token *before = &t->list[i - 1];
    if (before->is_sign)
        return true;
    return memchr(t->text.at + before->end, '\n', t->list[i].start - before->end) != NULL;
}

/* hits: those of the window's tokens. */
static void read_window(struct arena *a, const struct fold *plain, const struct tokens *t, size_t from, size_t to, const struct lexicon_hit *h, size_t n, struct window *w)
{
    *w = (struct window){ .fold = plain, .tokens = t, .from = from, .to = to };
    struct named f = { .list = arena_alloc(a, NAMED * sizeof *f.list) };
    unsigned times[C] = { 0 };
    for (size_t i = 0; i < n; i++) {
        unsigned c = h[i].class;
        name(&f, c);
        times[c]++;
        if (opens(t, h[i].token))
            name(&f, OPENS + c);
        for (size_t j = i + 1; j < n && h[j].token <= h[i].token + LEXICON_NEAR; j++) {
            name(&f, PAIRS + c * C + h[j].class);
            /* to override, what came before or all, and what is overridden */
            unsigned d = h[j].class;
            if (!(c == W_OVERRIDE || c == W_REVEAL) || !(d == W_PRIOR || d == W_ALL || d == W_YOUR || d == W_SYSTEM))
                continue;
            unsigned way = (c == W_REVEAL) * 4 + (d == W_PRIOR ? 0 : d == W_ALL ? 1 : d == W_YOUR ? 2 : 3);
            for (size_t k = j + 1; k < n && h[k].token <= h[j].token + LEXICON_NEAR; k++)
                name(&f, TRIPLES + way * C + h[k].class);
        }
    }
    for (unsigned c = 0; c < C; c++) {
        if (times[c] >= 2)
            name(&f, TWICE + c);
        if (times[c] >= 4)
            name(&f, OFTEN + c);
    }
    w->features.named = f.list;
    w->features.nnamed = f.n;
}
/* Windows of one folded text, appended to the list. */
static void read_text(struct arena *a, const struct fold *plain, const struct tokens *t, const struct disguised *d, struct window **list, size_t *n, size_t *cap)
{
    struct lexicon_hit *hits;
    size_t nhits = lexicon_hits(words_of_injection(), a, t, 0, t->n, &hits), first = 0, past = 0;
    for (size_t from = 0;; from += WINDOW_STEP) {
        size_t to = from + WINDOW_WORDS + WINDOW_STEP / 2 >= t->n ? t->n : from + WINDOW_WORDS;
        struct window *w = ARENA_PUSH(a, *list, *n, *cap);
        while (first < nhits && hits[first].token < from)
            first++;
        while (past < nhits && hits[past].token < to)
            past++;
        read_window(a, plain, t, from, to, nhits ? hits + first : hits, past - first, w);
        if (d) {
            w->disguise = d->how;
            w->at = (uint32_t)d->at;
            w->past = (uint32_t)d->past;
        }
        if (to == t->n || arena_over(a))
            return;
    }
}

size_t injection_read(struct arena *a, const struct fold *plain, struct window **out)
{
    size_t n = 0, cap = 0;
    *out = NULL;
    struct tokens *t = arena_alloc(a, sizeof *t);
    tokens_cut(a, plain->text, t);
    read_text(a, plain, t, NULL, out, &n, &cap);
    struct disguised found[DISGUISES_MOST];
    size_t nfound = disguises_find(a, plain, t, found);
    for (size_t i = 0; i < nfound; i++) {
        const struct fold *said = fold_text(a, found[i].text, FOLD_PLAIN);
        struct tokens *inner = arena_alloc(a, sizeof *inner);
        tokens_cut(a, said->text, inner);
        read_text(a, said, inner, &found[i], out, &n, &cap);
        /* one layer more: what was decoded may be encoded again */
        struct disguised again[DISGUISES_MOST];
        size_t nagain = nfound < 4 ? disguises_find(a, said, inner, again) : 0;
        for (size_t k = 0; k < nagain; k++) {
            const struct fold *deep = fold_text(a, again[k].text, FOLD_PLAIN);
            struct tokens *deeper = arena_alloc(a, sizeof *deeper);
            tokens_cut(a, deep->text, deeper);
            again[k].at = found[i].at;
            again[k].past = found[i].past;
            read_text(a, deep, deeper, &again[k], out, &n, &cap);
        }
    }
    return n;
}

/* What a part's author could be: anyone, or somebody whose trade is to speak of instructions. */
static double least_chance(const struct part *p)
{
    return p->kind == PART_TOOL_SPEC || p->kind == PART_TOOL_CALL || p->kind == PART_REASONING || p->role == ROLE_ASSISTANT ? 0.97 : 0.5;
}
static bool is_indirect(const struct part *p)
{
    return p->role == ROLE_TOOL || p->role == ROLE_CONTEXT || p->kind == PART_DOCUMENT || p->kind == PART_TOOL_RESULT;
}
static size_t char_start(struct span s, size_t at)
{
    for (int k = 0; k < 3 && at > 0 && at < s.len && ((unsigned char)s.at[at] & 0xc0) == 0x80; k++)
        at--;
    return at;
}

/* "no", "?", a lone quote: a single feature would speak for all, and nothing that short tells anyone what to do. */
static bool letters_below(struct span s, size_t least)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len && n < least; i++) {
        unsigned char c = (unsigned char)s.at[i];
        n += (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c >= 0xc0;
    }
    return n < least;
}

static struct score score(const struct check_env *env, struct transcript *t, enum side on, struct findings *out)
{
    struct quiet *quiet = env ? env->quiet : NULL;
    struct score s = { 0 };
    if (on != ON_PROMPT)
        return s;
    struct linear m;
    if (!model_open(MODEL_INJECTION, &m)) {
        s.not_run = "no trained model is built in";
        return s;
    }
    for (size_t i = 0; i < t->nprompt; i++) {
        struct part *p = &t->prompt[i];
        if (p->role == ROLE_INSTRUCTIONS || !p->text.len)
            continue;
        double least = least_chance(p), most = 0;
        enum quiet_kind quiet_kind = least > 0.5 ? QUIET_INJECTION_SURE : QUIET_INJECTION;
        if (quiet_knows(quiet, p, quiet_kind, &most)) {
            s.value = most > s.value ? most : s.value;
            continue;
        }
        size_t whole = p->text.len < READ_MOST ? p->text.len : READ_MOST;
        for (size_t from = 0; from < whole;) {
            size_t to = whole - from <= CHUNK + CHUNK_OVERLAP ? whole : char_start(p->text, from + CHUNK);
            const struct fold *plain = from == 0 && to == p->text.len ? part_fold(t->arena, p, FOLD_PLAIN) : NULL;
            struct arena_mark mark = arena_mark(t->arena);
            if (!plain)
                plain = fold_text(t->arena, span_cut(p->text, from, to), FOLD_PLAIN);
            struct window *list, *best = NULL;
            size_t n = injection_read(t->arena, plain, &list);
            double sum = 0;
            bool is_scant = letters_below(plain->text, LETTERS_LEAST);
            for (size_t k = 0; k < n; k++) {
                if (is_scant && !list[k].disguise)
                    continue;
                double here = window_sum(&m, &list[k]);
                if (!best || here > sum) {
                    best = &list[k];
                    sum = here;
                }
            }
            double chance = best ? linear_chance(&m, sum) : 0;
            if (chance < least)
                chance = chance * 0.49 / least;
            struct telling told = { 0 };
            const char *how = NULL;
            char said[2][64] = { "", "" };
            if (chance >= 0.5) {
                told = window_telling(t->arena, &m, best);
                how = best->disguise;
                for (size_t k = 0; k < 2; k++) { /* out of the arena's scratch, at a character's end */
                    size_t len = told.said[k].len < sizeof said[k] ? told.said[k].len : char_start(told.said[k], sizeof said[k] - 1);
                    memcpy(said[k], told.said[k].at, len);
                }
            }
            arena_rewind(t->arena, mark);
            if (chance > s.value)
                s.value = chance;
            most = chance > most ? chance : most;
            if (chance >= 0.5)
                finding_add(out, t, &check_injection, is_indirect(p) ? "indirect" : "direct", on, i, from + told.start, from + told.end, chance,
                            "%s tries to change, escape or reveal the instructions (%.0f %% sure)%s%s: \"%s\"%s%s%s", is_indirect(p) ? "a document or tool result" : "the prompt",
                            100 * chance, how ? ", written as " : "", how ? how : "", said[0], said[1][0] ? ", \"" : "", said[1], said[1][0] ? "\"" : "");
            if (to == whole)
                break;
            from = char_start(p->text, to - CHUNK_OVERLAP);
        }
        if (most < 0.5 && !arena_over(t->arena)) /* over: it was not read to its end */
            quiet_remember(quiet, p, quiet_kind, most);
    }
    return s;
}

const struct check check_injection = { .name = "injection", .doc = "a text tries to make the model drop, replace or reveal its instructions", .on = ON_PROMPT, .score = score };
