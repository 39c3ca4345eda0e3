/* SPDX-License-Identifier: Apache-2.0
 * The weights are files of checks/models/, taken into the binary by the assembler. Paths are seen from the source root,
 * where make runs. */
#include "checks/models.h"

#define EMBED(symbol, path) \
    __asm__(".section .rodata,\"a\",@progbits\n.balign 16\n" #symbol ":\n.incbin \"" path "\"\n" #symbol "_end:\n.byte 0\n.previous\n"); \
    extern const char symbol[] __attribute__((visibility("hidden"))); \
    extern const char symbol##_end[] __attribute__((visibility("hidden")))

EMBED(model_refusal_bytes, "checks/models/refusal.bin");
EMBED(model_injection_bytes, "checks/models/injection.bin");

const char *const model_names[MODELS] = { "refusal", "injection" };

struct span model_bytes(enum model which)
{
    return which == MODEL_REFUSAL ? (struct span){ model_refusal_bytes, (size_t)(model_refusal_bytes_end - model_refusal_bytes) }
                                  : (struct span){ model_injection_bytes, (size_t)(model_injection_bytes_end - model_injection_bytes) };
}
bool model_open(enum model which, struct linear *out)
{
    return linear_open(out, model_bytes(which)) && out->bits == MODEL_BITS && out->kinds == (which == MODEL_REFUSAL ? refusal_kinds : injection_kinds)
           && out->named == (which == MODEL_REFUSAL ? refusal_named() : injection_named());
}

void window_grams(struct arena *a, struct window *w, unsigned kinds)
{
    ngrams_of(a, w->tokens, w->from, w->to, kinds, MODEL_BITS, &w->features.grams);
}
double window_sum(const struct linear *m, const struct window *w)
{
    return linear_sum_tokens(m, w->tokens, w->from, w->to, w->features.named, w->features.nnamed);
}

static bool ends_sentence(const char *p, const char *end)
{
    return *p == '\n' || ((*p == '.' || *p == '!' || *p == '?') && (p + 1 == end || p[1] == ' ' || p[1] == '\n' || p[1] == '"'));
}
struct telling window_telling(struct arena *a, const struct linear *m, const struct window *w)
{
    enum { SENTENCE_MOST = 400 };
    struct span text = w->tokens->text;
    struct term terms[TERMS_MOST];
    size_t n = linear_terms(m, a, w->tokens, w->from, w->to, terms);
    struct telling t = { .start = w->at, .end = w->past };
    for (size_t k = 0; k < 2; k++)
        t.said[k] = k < n ? span_cut(text, terms[k].start, terms[k].end) : (struct span){ "", 0 };
    if (w->disguise || !text.len)
        return t;
    size_t first = w->from < w->tokens->n ? w->tokens->list[w->from].start : 0;
    size_t last = w->to > w->from ? w->tokens->list[w->to - 1].end : first;
    if (!n) { /* its shape speaks, not its words */
        fold_origin(w->fold, first, last, &t.start, &t.end);
        return t;
    }
    size_t from = terms[0].start, to = terms[0].end;
    while (from > first && terms[0].start - from < SENTENCE_MOST && !ends_sentence(text.at + from - 1, text.at + text.len))
        from--;
    while (from < terms[0].start && (text.at[from] == ' ' || text.at[from] == '\n'))
        from++;
    while (to < last && to - terms[0].end < SENTENCE_MOST && !ends_sentence(text.at + to, text.at + text.len))
        to++;
    if (to < text.len && to < last + 1 && text.at[to] != '\n' && (unsigned char)text.at[to] < 0x80)
        to++;
    fold_origin(w->fold, from, to, &t.start, &t.end);
    return t;
}
