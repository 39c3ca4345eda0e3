/* SPDX-License-Identifier: Apache-2.0
 *
 * texts: the labelled texts that the refusal and injection models learn from and are judged on, read from a data folder
 * (JSON Lines, see docs/checks/refusal.md and injection.md), and our own sentences beside them. Shared by train.c and
 * eval_texts.c so that what is measured is what is trained.
 */
#ifndef TOOLS_TEXTS_H
#define TOOLS_TEXTS_H
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/json.h"
#include "checks/models.h"
#include "checks/text/learn.h"
#include "tools/own_sentences.h"

enum { GROUPS_MOST = 64, FOLDS = 4, KNOWN_SLOTS = 1 << 15 };
struct texts {
    struct arena *a;
    enum model model;
    struct text {
        struct span text;
        struct span lang;
        bool is_so;
        float weight;
        uint32_t group;
    } *list;
    size_t n, cap;
    const char *group[GROUPS_MOST];
    bool is_ours[GROUPS_MOST];        /* written here: trained on, not reported */
    uint32_t ngroups;
    struct example *examples;
    uint64_t known[KNOWN_SLOTS];      /* hashes of ordinary texts, each of which is taken once */
};

static inline uint32_t texts_group(struct texts *t, struct span name)
{
    for (uint32_t g = 0; g < t->ngroups; g++)
        if (span_is(name, t->group[g]))
            return g;
    if (t->ngroups == GROUPS_MOST)
        return GROUPS_MOST - 1;
    t->group[t->ngroups] = arena_text(t->a, name);
    return t->ngroups++;
}
static inline void texts_add(struct texts *t, struct span text, bool is_so, struct span group, struct span lang, float weight)
{
    if (text.len)
        *ARENA_PUSH(t->a, t->list, t->n, t->cap) = (struct text){ text, lang, is_so, weight, texts_group(t, group) };
}

/* Was this very text added before? */
static inline bool texts_has(struct texts *t, struct span text)
{
    uint64_t h = 14695981039346656037ull; /* FNV-1a */
    for (size_t i = 0; i < text.len; i++)
        h = (h ^ (unsigned char)text.at[i]) * 1099511628211ull;
    for (size_t k = 0, at = h % KNOWN_SLOTS; k < KNOWN_SLOTS; k++, at = (at + 1) % KNOWN_SLOTS) {
        if (t->known[at] == h)
            return true;
        if (!t->known[at]) {
            t->known[at] = h;
            break;
        }
    }
    return false;
}

static inline bool file_read(struct arena *a, const char *folder, const char *name, struct span *out)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "rb");
    if (!f)
        return false;
    fseek(f, 0, SEEK_END);
    long size = ftell(f);
    rewind(f);
    if (size < 0 || size > 1 << 30) {
        fclose(f);
        return false;
    }
    char *bytes = arena_alloc_raw(a, (size_t)size + 1);
    size_t got = fread(bytes, 1, (size_t)size, f);
    fclose(f);
    *out = (struct span){ bytes, got };
    return got == (size_t)size;
}
/* How a file is taken: its labels, or all of one kind. */
struct taking {
    const char *file, *field;
    const char *yes, *no;       /* labels; NULL: everything is a "no" */
    const char *group;          /* NULL: the row's source */
    float weight;
    size_t every;               /* take every so many-th row */
};
static inline bool is_doubtful_answer(struct span s)
{
    /* ordinary answers that do decline: such rows teach nothing */
    static const char *const says[] = { "unable to answer", "Unable to answer", "I'm sorry", "I am sorry", "Sorry", "I apologize", "As an AI", "as an AI", "language model",
                                        "cannot provide", "not possible to", "does not provide", "I don't have", "I cannot", "I can't", "no information" };
    for (size_t i = 0; i < sizeof says / sizeof *says; i++)
        if (span_find(s, span_of(says[i])))
            return true;
    return false;
}
static inline bool texts_take(struct texts *t, const char *folder, const struct taking *how)
{
    struct span all;
    if (!file_read(t->a, folder, how->file, &all))
        return false;
    size_t row = 0;
    for (size_t i = 0; i < all.len;) {
        const char *end = memchr(all.at + i, '\n', all.len - i);
        size_t stop = end ? (size_t)(end - all.at) : all.len;
        struct span line = span_cut(all, i, stop);
        i = stop + 1;
        if (!line.len || (how->every > 1 && row++ % how->every))
            continue;
        struct json doc;
        if (!json_read(&doc, t->a, line))
            continue;
        struct jv v = json_root(&doc);
        struct span text = jv_text(jv_get(v, how->field), t->a), label = jv_text(jv_get(v, "label"), t->a);
        struct span source = how->group ? span_of(how->group) : jv_text(jv_get(v, "source"), t->a), lang = jv_text(jv_get(v, "lang"), t->a);
        if (!text.at || (how->yes && !span_is(label, how->yes) && !span_is(label, how->no)))
            continue;
        bool is_so = how->yes && span_is(label, how->yes);
        if (t->model == MODEL_REFUSAL && !how->yes && is_doubtful_answer(text))
            continue;
        if (t->model == MODEL_INJECTION && !how->yes && texts_has(t, text))
            continue; /* one context stands in several rows */
        texts_add(t, text, is_so, source, lang, how->weight);
    }
    return true;
}

static inline bool texts_read(struct texts *t, enum model model, const char *folder)
{
    static const struct taking refusal[] = {
        { "refusal/dev.jsonl", "response", "refusal", "answer", NULL, 1, 1 },
        { "refusal/fr-dev.jsonl", "response", "refusal", "answer", NULL, 1, 1 },
        { "refusal/weak.jsonl", "response", "refusal", "answer", NULL, 0.7f, 1 },
        { "grounding/ragtruth.jsonl", "response", NULL, NULL, "ordinary-ragtruth", 1, 1 },
        { "grounding/bump.jsonl", "response", NULL, NULL, "ordinary-summaries", 1, 1 },
        { "grounding/summedits.jsonl", "response", NULL, NULL, "ordinary-summaries", 1, 1 },
        { "grounding/factcheck-bench.jsonl", "response", NULL, NULL, "ordinary-facts", 1, 1 },
        { "grounding/attribution.jsonl", "response", NULL, NULL, "ordinary-facts", 1, 1 },
        { "grounding/halueval-qa.jsonl", "response", NULL, NULL, "ordinary-facts", 1, 2 },
        { "grounding/begin-wow.jsonl", "response", NULL, NULL, "ordinary-chat", 1, 1 },
        { "grounding/selfcheck.jsonl", "response", NULL, NULL, "ordinary-facts", 1, 1 },
        { "grounding/general.jsonl", "response", NULL, NULL, "ordinary-general", 1, 1 },
        { "patterns/dev.jsonl", "response", NULL, NULL, "ordinary-general", 1, 1 },
        { "injection/benign.jsonl", "prompt", NULL, NULL, "ordinary-texts", 0.5f, 4 },
        { NULL, NULL, NULL, NULL, NULL, 0, 0 },
    };
    static const struct taking injection[] = {
        { "injection/injection.jsonl", "prompt", "injection", "benign", NULL, 1, 1 },
        { "injection/benign.jsonl", "prompt", "injection", "benign", NULL, 1, 1 },
        { "injection/french.jsonl", "prompt", "injection", "benign", NULL, 1, 1 },
        { "scope/clinc150.jsonl", "prompt", NULL, NULL, "ordinary-clinc", 1, 2 },
        { "scope/banque-fr.jsonl", "prompt", "-", "in", "ordinary-banque-fr", 1, 1 },
        { "grounding/ragtruth.jsonl", "context", NULL, NULL, "ordinary-documents", 1, 3 },
        { "grounding/summedits.jsonl", "context", NULL, NULL, "ordinary-documents", 1, 3 },
        { "grounding/general.jsonl", "prompt", NULL, NULL, "ordinary-requests", 1, 1 },
        { "refusal/dev.jsonl", "prompt", NULL, NULL, "ordinary-requests", 0.7f, 3 },
        { "refusal/dev.jsonl", "response", NULL, NULL, "ordinary-answers", 0.7f, 4 },
        { "pii/pii.jsonl", "prompt", NULL, NULL, "ordinary-pii", 1, 2 },
        { "pii/fr.jsonl", "prompt", NULL, NULL, "ordinary-pii", 1, 2 },
        { "grounding/attribution.jsonl", "prompt", NULL, NULL, "ordinary-requests", 1, 1 },
        { "grounding/halueval-qa.jsonl", "prompt", NULL, NULL, "ordinary-questions", 1, 1 },
        { "grounding/begin-wow.jsonl", "prompt", NULL, NULL, "ordinary-chat", 1, 2 },
        { NULL, NULL, NULL, NULL, NULL, 0, 0 },
    };
    t->model = model;
    const struct taking *list = model == MODEL_REFUSAL ? refusal : injection;
    for (size_t i = 0; list[i].file; i++)
        if (!texts_take(t, folder, &list[i])) {
            fprintf(stderr, "%s/%s: cannot be read: give the folder that holds refusal/, injection/, grounding/, scope/, pii/ and patterns/\n", folder, list[i].file);
            return false;
        }
    size_t before = t->n;
    own_sentences(t->a, model, t);
    /* Harmless texts in disguise: else the dress itself would be taken for the attack. */
    for (size_t i = 0, k = 0; model == MODEL_INJECTION && i < before; i++) {
        struct span x = t->list[i].text;
        if (t->list[i].is_so || x.len > 300 || k++ % 9)
            continue;
        char *apart = arena_alloc(t->a, 2 * x.len + 1), *coded = arena_alloc(t->a, 2 * x.len + 8);
        size_t n = 0, m = 0;
        for (size_t b = 0; b < x.len; b++) {
            apart[n++] = x.at[b];
            if (((unsigned char)x.at[b + (b + 1 < x.len)] & 0xc0) != 0x80)
                apart[n++] = ' ';
        }
        static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        for (size_t b = 0; b + 2 < x.len; b += 3) {
            uint32_t u = (uint32_t)(unsigned char)x.at[b] << 16 | (uint32_t)(unsigned char)x.at[b + 1] << 8 | (unsigned char)x.at[b + 2];
            for (int d = 18; d >= 0; d -= 6)
                coded[m++] = digits[u >> d & 63];
        }
        texts_add(t, (struct span){ apart, n }, false, SPAN("own-disguised"), SPAN(""), 0.8f);
        texts_add(t, arena_printf(t->a, "Decode: %.*s", (int)m, coded), false, SPAN("own-disguised"), SPAN(""), 0.8f);
    }
    for (size_t i = before; i < t->n; i++)
        t->is_ours[t->list[i].group] = true;
    return true;
}

/* Reads every text as the model does, and weighs sources so that a large one does not drown the others. */
static inline void texts_prepare(struct texts *t)
{
    size_t in_group[GROUPS_MOST][2] = { { 0 } };
    for (size_t i = 0; i < t->n; i++)
        in_group[t->list[i].group][t->list[i].is_so]++;
    t->examples = arena_alloc(t->a, (t->n + 1) * sizeof *t->examples);
    for (size_t i = 0; i < t->n; i++) {
        struct text *x = &t->list[i];
        const struct fold *plain = fold_text(t->a, x->text, FOLD_PLAIN);
        struct window *w;
        size_t n = t->model == MODEL_REFUSAL ? refusal_read(t->a, plain, &w) : injection_read(t->a, plain, &w);
        struct features *f = arena_alloc(t->a, (n + 1) * sizeof *f);
        for (size_t k = 0; k < n; k++) {
            window_grams(t->a, &w[k], t->model == MODEL_REFUSAL ? refusal_kinds : injection_kinds);
            f[k] = w[k].features;
        }
        double size = (double)in_group[x->group][x->is_so];
        t->examples[i] = (struct example){ f, n, x->is_so, x->weight * (float)fmin(2.5, fmax(0.5, sqrt(250 / size))), x->group, (uint32_t)(i * 2654435761u >> 16) % FOLDS };
    }
}

static inline struct learn_settings texts_settings(enum model model)
{
    struct learn_settings s = { .bits = MODEL_BITS, .epochs = 12, .rate = 1, .keep_small = 5e-5f, .named_size = 1, .bias = -1, .seed = 7 };
    s.named = model == MODEL_REFUSAL ? refusal_named() : injection_named();
    s.kinds = model == MODEL_REFUSAL ? refusal_kinds : injection_kinds;
    if (model == MODEL_INJECTION) {
        s.keep_small = 5e-6f;
        s.epochs = 20;
        s.named_size = 0.7f;
        s.hide = 0.5f;
    }
    /* for experiments only: the defaults are what the models are trained with */
    const char *e;
    if ((e = getenv("VIGIE_LEARN")))
        sscanf(e, "%u,%f,%f,%f,%f,%f", &s.epochs, &s.rate, &s.keep_small, &s.named_size, &s.bias, &s.hide);
    return s;
}
/* Judgements by models that did not see the text's source. For each source g that has texts with the trait, a model is
 * trained without g and without a quarter of all other texts that have it not; it judges g and that quarter. */
struct judgement {
    double sum, p;
    uint32_t text, left_out;   /* which text; which source was left out */
};
struct judgements {
    struct judgement *list;
    size_t n, cap;
};
static inline void texts_leave_out(struct texts *t, struct learn_settings s, struct judgements *out)
{
    *out = (struct judgements){ 0 };
    uint32_t turn = 0;
    for (uint32_t g = 0; g < t->ngroups; g++) {
        if (t->is_ours[g])
            continue;
        uint32_t fold = turn++ % FOLDS;
        struct arena_mark mark = arena_mark(t->a);
        struct learned *m = learn(t->a, t->examples, t->n, s, g, fold);
        double *sums = malloc(t->n * sizeof *sums);
        for (size_t i = 0; sums && i < t->n; i++)
            sums[i] = learned_sum(m, &t->examples[i]);
        arena_rewind(t->a, mark);
        for (size_t i = 0; sums && i < t->n; i++)
            if (t->list[i].group == g || (!t->list[i].is_so && t->examples[i].fold == fold && !t->is_ours[t->list[i].group]))
                *ARENA_PUSH(t->a, out->list, out->n, out->cap) = (struct judgement){ sums[i], 0, (uint32_t)i, g };
        free(sums);
        fprintf(stderr, "\rleft out %u of %u: %-24s", g + 1, t->ngroups, t->group[g]);
    }
    fprintf(stderr, "\r%48s\r", "");
}
static inline int texts_by_sum(const void *x, const void *y)
{
    const double *a = x, *b = y;
    return *a < *b ? -1 : *a > *b;
}
/* Slope and shift from those judgements. */
static inline void texts_calibrate(struct texts *t, const struct judgements *j, struct learned *m)
{
    double *s = arena_alloc(t->a, (j->n + 1) * sizeof *s);
    bool *so = arena_alloc(t->a, j->n + 1);
    float *w = arena_alloc(t->a, (j->n + 1) * sizeof *w);
    for (size_t i = 0; i < j->n; i++) {
        s[i] = j->list[i].sum;
        so[i] = t->list[j->list[i].text].is_so;
        /* a "no" is judged about as often as there are sources over folds */
        w[i] = t->examples[j->list[i].text].weight * (so[i] ? 1 : (float)FOLDS / (float)(t->ngroups + FOLDS));
    }
    learn_calibrate(m, s, so, w, j->n);
    /* False alarms cost more than misses: at 0.5 at most this part of kept-back texts of known sources may be flagged. */
    double most = t->model == MODEL_REFUSAL ? 0.006 : 0.01;
    size_t k = 0;
    for (size_t i = 0; i < j->n; i++)
        if (!so[i] && t->list[j->list[i].text].group != j->list[i].left_out)
            s[k++] = j->list[i].sum;
    qsort(s, k, sizeof *s, texts_by_sum);
    if (k) {
        double edge = s[k - 1 - (size_t)((double)k * most)];
        if ((double)m->slope * edge + (double)m->shift > 0)
            m->shift = (float)(-(double)m->slope * edge);
    }
    for (size_t i = 0; i < j->n; i++)
        j->list[i].p = 1 / (1 + exp(-((double)m->slope * j->list[i].sum + (double)m->shift)));
}
#endif
