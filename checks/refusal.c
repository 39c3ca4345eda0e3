/* SPDX-License-Identifier: Apache-2.0
 *
 * refusal: does this answer decline, or say it cannot, instead of giving what was asked? What the provider itself marks
 * as a refusal is certain. Else a linear model reads the answer's beginning (refusals open answers; a disclaimer behind a
 * full answer is none): hashed n-grams, the classes of refusal_words.h with their ordered pairs and triples, and the shape of
 * the text. Words between quotation marks say nothing: they are somebody else's. Of several choices the worst counts.
 * O(bytes read), at most READ_BYTES of each part.
 */
#include "checks/check.h"
#include "checks/models.h"
#include "checks/refusal_words.h"
#include <pthread.h>

enum {
    READ_BYTES = 2400, HEAD_WORDS = 28, QUOTE_MOST = 800,
    C = REFUSAL_CLASSES, TRIPLES = 4 * C, WHOLE = C + C * C + TRIPLES, SHAPE = 2 * WHOLE, SHAPES = 48, NAMED = SHAPE + SHAPES,
};
const unsigned refusal_kinds = NGRAM_CHARS | NGRAM_WORDS | NGRAM_HEAD;
unsigned refusal_named(void)
{
    return NAMED;
}

static const struct lexicon *lexicon;
static void make_lexicon(void)
{
    lexicon = lexicon_make(arena_new(1 << 20), refusal_classes, C);
}
static const struct lexicon *words_of_refusal(void)
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
/* Classes, ordered pairs and triples of hits in tokens before `until`. */
static void name_hits(struct named *f, const struct lexicon_hit *h, size_t n, const bool *quoted, size_t until, unsigned base)
{
    for (size_t i = 0; i < n && h[i].token < until; i++) {
        if (quoted[h[i].token])
            continue;
        name(f, base + h[i].class);
        for (size_t j = i + 1; j < n && h[j].token < until && h[j].token <= h[i].token + LEXICON_NEAR; j++) {
            if (quoted[h[j].token])
                continue;
            name(f, base + C + h[i].class * C + h[j].class);
            if (h[i].class != R_I || h[j].class < R_CANNOT || h[j].class > R_LACK || h[j].token == h[i].token)
                continue;
            for (size_t k = j + 1; k < n && h[k].token < until && h[k].token <= h[j].token + LEXICON_NEAR; k++)
                if (!quoted[h[k].token])
                    name(f, base + C + C * C + (h[j].class - R_CANNOT) * C + h[k].class);
        }
    }
}
static unsigned log2_of(size_t n)
{
    unsigned k = 0;
    while (n >>= 1)
        k++;
    return k;
}

size_t refusal_read(struct arena *a, const struct fold *plain, struct window **out)
{
    struct window *w = arena_alloc(a, sizeof *w);
    struct tokens *t = arena_alloc(a, sizeof *t);
    struct span text = plain->text;
    if (text.len > READ_BYTES) {
        text.len = READ_BYTES;
        while (text.len > READ_BYTES - 4 && ((unsigned char)plain->text.at[text.len] & 0xc0) == 0x80)
            text.len--;
    }
    tokens_cut(a, text, t);
    *out = w;
    *w = (struct window){ .fold = plain, .tokens = t, .to = t->n };

    struct named f = { .list = arena_alloc(a, NAMED * sizeof *f.list) };
    bool *quoted = arena_alloc(a, t->n + 1);
    size_t nquoted = 0, words = 0, items = 0, head = t->n, sentences = 0;
    for (size_t i = 0; i < t->n; i++) {
        const struct token *k = &t->list[i];
        const char *p = text.at + k->start;
        if (!k->is_sign) {
            if (++words == HEAD_WORDS)
                head = i + 1;
            continue;
        }
        size_t len = k->end - k->start;
        sentences += memchr(p, '.', len) || memchr(p, '!', len) || memchr(p, '?', len);
        bool begins_line = k->start == 0 || text.at[k->start - 1] == '\n';
        items += begins_line && (*p == '-' || *p == '*' || *p == '#');
        if (memchr(p, '"', len)) {
            size_t end = i + 1;
            while (end < t->n && t->list[end].start - k->start < QUOTE_MOST
                   && !(t->list[end].is_sign && memchr(text.at + t->list[end].start, '"', t->list[end].end - t->list[end].start)))
                end++;
            if (end < t->n && t->list[end].is_sign && t->list[end].start - k->start < QUOTE_MOST) {
                for (size_t j = i + 1; j < end; j++)
                    quoted[j] = true;
                nquoted += end - i - 1;
                i = end;
            }
        }
    }
    struct lexicon_hit *hits;
    size_t n = lexicon_hits(words_of_refusal(), a, t, 0, t->n, &hits);
    name_hits(&f, hits, n, quoted, t->n, 0);
    name_hits(&f, hits, n, quoted, head, WHOLE);

    /* the shape: a short text, a list, code, all in quotes */
    unsigned size = log2_of(plain->text.len / 16 + 1);
    name(&f, SHAPE + (size < 11 ? size : 11));
    name(&f, SHAPE + 12 + (items > 3 ? 3 : (unsigned)items));
    if (span_find(text, SPAN("```")))
        name(&f, SHAPE + 16);
    if (text.len && text.at[0] == '"')
        name(&f, SHAPE + 17);
    if (nquoted * 2 > t->n)
        name(&f, SHAPE + 18);
    if (span_find(text, SPAN("\n1.")) || span_starts(text, "1."))
        name(&f, SHAPE + 19);
    name(&f, SHAPE + 20 + (sentences > 7 ? 7 : (unsigned)sentences));
    size_t own = 0, first = t->n;
    for (size_t i = 0; i < n; i++)
        if (hits[i].class >= R_CANNOT && hits[i].class <= R_LACK && hits[i].class != R_NEGATE && !quoted[hits[i].token]) {
            own++;
            if (first == t->n)
                first = hits[i].token;
        }
    name(&f, SHAPE + 28 + (own > 5 ? 5 : (unsigned)own));
    if (own)
        name(&f, SHAPE + 34 + (log2_of(first + 1) < 7 ? log2_of(first + 1) : 7));
    w->features.named = f.list;
    w->features.nnamed = f.n;
    return 1;
}

static struct score score(const struct check_env *env, struct transcript *t, enum side on, struct findings *out)
{
    (void)env;
    struct score s = { 0 };
    if (on != ON_ANSWER)
        return s;
    size_t n;
    transcript_parts(t, on, &n);
    if (t->is_refused_by_provider) {
        s.value = 1;
        size_t marked = n;
        for (size_t i = 0; i < n && marked == n; i++)
            if (t->answer[i].kind == PART_REFUSAL)
                marked = i;
        if (marked == n)
            finding_add(out, t, &check_refusal, "provider", on, 0, 0, 0, 1, "the provider marks this answer as refused or filtered");
    }
    struct linear m;
    bool has_model = model_open(MODEL_REFUSAL, &m);
    for (size_t i = 0; i < n; i++) {
        struct part *p = &t->answer[i];
        if (p->kind == PART_REFUSAL) {
            s.value = 1;
            finding_add(out, t, &check_refusal, "provider", on, i, 0, p->text.len, 1, "the provider marks this text as a refusal");
            continue;
        }
        if (p->kind != PART_TEXT || !has_model || !p->text.len)
            continue;
        struct window *w;
        refusal_read(t->arena, part_fold(t->arena, p, FOLD_PLAIN), &w);
        double chance = linear_chance(&m, window_sum(&m, w));
        /* who calls a tool has not declined, whatever he says beside it */
        for (size_t k = 0; k < n && chance >= 0.5; k++)
            if (t->answer[k].choice == p->choice && t->answer[k].kind == PART_TOOL_CALL)
                chance = 0.45;
        if (chance > s.value)
            s.value = chance;
        if (chance < 0.5)
            continue;
        struct telling told = window_telling(t->arena, &m, w);
        finding_add(out, t, &check_refusal, "declines", on, i, told.start, told.end, chance, "the answer declines or says it cannot (%.0f %% sure): \"" SPAN_FMT "\"%s" SPAN_FMT "%s",
                    100 * chance, SPAN_ARG(told.said[0]), told.said[1].len ? ", \"" : "", SPAN_ARG(told.said[1]), told.said[1].len ? "\"" : "");
    }
    if (!has_model && s.value < 1)
        s.not_run = "no trained model is built in";
    return s;
}

/* The model reads the answer's beginning as a whole: nothing is settled before that is there. */
const struct check check_refusal = { .name = "refusal", .doc = "the answer declines, or says it cannot, instead of giving what was asked", .on = ON_ANSWER, .score = score };
