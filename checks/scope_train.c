/* SPDX-License-Identifier: Apache-2.0
 * A scope from its examples: dictionary, inverted index, two linear models by stochastic gradient descent, and the
 * calibration on examples that each model had not seen (folds; leave one out where that is cheap). Needs no example of
 * what is outside: the shipped general prompts stand for the rest of the world, without those that resemble the scope.
 * Same input, same model: the shuffle is seeded. O(examples × features × intents) for the few epochs, all in floats. */
#include "checks/scope_parts.h"
#include <math.h>
#include <stdlib.h>

enum { FOLD_ALL_MOST = 2500, HOLD_MOST = 1500, ROW_LEAST_SIZE = 2500, VECTOR = 8, TEXT_MOST = 8192 };
static const double signal_weights[SIGNALS] = { 1.0, 5.0, 0.6, 1.0 };

struct trainer {
    struct arena *a;               /* goes when training ends */
    struct scope *s;
    struct scope_vector *vectors, *raw;
    uint32_t *intent;
    uint32_t n;
    struct scope_vector *others;   /* background and out */
    uint32_t nothers;
    uint64_t random;
};
static uint32_t random_below(struct trainer *t, uint32_t n)
{
    t->random = t->random * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((t->random >> 33) % n);
}
static void shuffle(struct trainer *t, uint32_t *list, uint32_t n)
{
    for (uint32_t i = n; i > 1; i--) {
        uint32_t j = random_below(t, i), x = list[i - 1];
        list[i - 1] = list[j];
        list[j] = x;
    }
}
static struct scope_vector vector_of(struct trainer *t, struct span text)
{
    struct scope_vector v;
    if (text.len > TEXT_MOST)
        text.len = TEXT_MOST;
    const struct words *w = words_make(t->a, fold_text(t->a, text, FOLD_PLAIN));
    scope_vector_read(t->a, w, 0, w->n, &v);
    return v;
}
static struct scope_vector vector_copy(struct trainer *t, const struct scope_vector *v)
{
    struct scope_vector c = *v;
    c.list = arena_alloc_raw(t->a, v->n * sizeof *c.list);
    memcpy(c.list, v->list, v->n * sizeof *c.list);
    return c;
}

static uint32_t feature_key(const struct scope_feature *x)
{
    return x->is_word ? x->key : ~x->key | 1u;
}
static void dictionary_make(struct trainer *t)
{
    struct scope *s = t->s;
    size_t all = 0;
    for (uint32_t i = 0; i < t->n; i++)
        all += t->vectors[i].n;
    for (uint32_t i = 0; i < t->nothers; i++)
        all += t->others[i].n;
    uint32_t slots = 1024;
    while (slots < all && slots < 1u << 26)
        slots *= 2;
    uint32_t *key = arena_alloc(t->a, slots * sizeof *key), *df = arena_alloc(t->a, slots * sizeof *df), *used = arena_alloc_raw(t->a, slots * sizeof *used);
    uint32_t n = 0;
    for (int outside = 0; outside < 2; outside++)
        for (uint32_t i = 0; i < (outside ? t->nothers : t->n); i++) {
            const struct scope_vector *v = outside ? &t->others[i] : &t->vectors[i];
            for (uint32_t k = 0; k < v->n && n < slots - slots / 4; k++) {
                uint32_t x = feature_key(&v->list[k]), slot = (x ^ x >> 15) & (slots - 1);
                while (key[slot] && key[slot] != x)
                    slot = (slot + 1) & (slots - 1);
                if (!key[slot]) {
                    key[slot] = x;
                    used[n++] = slot;
                }
                df[slot] += !outside;
            }
        }
    s->nfeatures = n;
    s->slots = 1024;
    while (s->slots < 2 * n)
        s->slots *= 2;
    s->slot_key = arena_alloc(s->arena, s->slots * sizeof *s->slot_key);
    s->slot_id = arena_alloc(s->arena, s->slots * sizeof *s->slot_id);
    s->df = arena_alloc(s->arena, n * sizeof *s->df);
    s->idf = arena_alloc(s->arena, n * sizeof *s->idf);
    /* the intents' model has a row for what several examples share (or for all, in a small scope): those come first */
    uint32_t least = t->n > ROW_LEAST_SIZE ? 2 : 1, id = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < n; i++) {
            uint32_t k = key[used[i]], d = df[used[i]];
            if ((d >= least) != (pass == 0))
                continue;
            uint32_t slot = (k ^ k >> 15) & (s->slots - 1);
            while (s->slot_key[slot])
                slot = (slot + 1) & (s->slots - 1);
            s->slot_key[slot] = k;
            s->slot_id[slot] = id;
            s->df[id] = d;
            s->idf[id] = logf((t->n + 1.0f) / (d + 1.0f)) + 1;
            id++;
        }
        if (pass == 0)
            t->s->nrows = id;
    }
    s->idf_unknown = logf(t->n + 1.0f) + 1;
}
static void index_make(struct trainer *t)
{
    struct scope *s = t->s;
    uint32_t step = (t->n + SCOPE_INDEX_MOST - 1) / SCOPE_INDEX_MOST;
    s->posting_from = arena_alloc(s->arena, (s->nfeatures + 2) * sizeof *s->posting_from);
    uint32_t *count = arena_alloc(t->a, (s->nfeatures + 1) * sizeof *count);
    s->nindexed = (t->n + step - 1) / step;
    s->example_intent = arena_alloc(s->arena, s->nindexed * sizeof *s->example_intent);
    size_t all = 0;
    for (uint32_t e = 0; e < s->nindexed; e++) {
        s->example_intent[e] = t->intent[e * step];
        for (uint32_t k = 0; k < t->vectors[e * step].n; k++)
            if (t->vectors[e * step].list[k].id != SCOPE_UNKNOWN)
                count[t->vectors[e * step].list[k].id]++, all++;
    }
    for (uint32_t f = 0; f < s->nfeatures; f++)
        s->posting_from[f + 1] = s->posting_from[f] + count[f];
    s->postings = arena_alloc_raw(s->arena, all * sizeof *s->postings);
    memset(count, 0, s->nfeatures * sizeof *count);
    for (uint32_t e = 0; e < s->nindexed; e++)
        for (uint32_t k = 0; k < t->vectors[e * step].n; k++) {
            const struct scope_feature *x = &t->vectors[e * step].list[k];
            if (x->id != SCOPE_UNKNOWN)
                s->postings[s->posting_from[x->id] + count[x->id]++] = (struct scope_posting){ e, x->value };
        }
}

/* Multinomial logistic regression. in: the examples to learn from. further: weights hold a model that saw most of them. */
static void intents_train(struct trainer *t, const uint32_t *in, uint32_t n, float *weights, float *bias, bool further)
{
    struct scope *s = t->s;
    uint32_t width = s->width, *order = arena_alloc_raw(t->a, n * sizeof *order);
    float *p = arena_alloc(t->a, width * sizeof *p);
    memcpy(order, in, n * sizeof *order);
    if (!further) {
        memset(weights, 0, (size_t)s->nrows * width * sizeof *weights);
        memset(bias, 0, width * sizeof *bias);
    }
    /* few examples want more rounds and less of a pull */
    bool few = n < 3000;
    unsigned epochs = further ? 2 : n < 300 ? 40 : few ? 12 : 6;
    float first = further ? 1 : few ? 4 : 2, pull = few ? 60 : 20;
    for (unsigned e = 0; e < epochs; e++) {
        float rate = first * (1 - (float)e / (float)epochs) + 0.5f;
        shuffle(t, order, n);
        /* the pull towards zero (L2), once an epoch: what keeps a sure answer for what was often seen */
        float shrink = 1 - rate / pull;
        for (size_t k = 0; e && k < (size_t)s->nrows * width; k++)
            weights[k] *= shrink;
        for (uint32_t q = 0; q < n; q++) {
            const struct scope_vector *v = &t->vectors[order[q]];
            uint32_t truth = t->intent[order[q]];
            memcpy(p, bias, width * sizeof *p);
            for (uint32_t i = 0; i < v->n; i++) {
                if (v->list[i].id >= t->s->nrows)
                    continue;
                scope_row_add(p, weights + (size_t)v->list[i].id * width, v->list[i].value, width);
            }
            float top = p[0], sum = 0;
            for (uint32_t k = 1; k < s->nintents; k++)
                top = p[k] > top ? p[k] : top;
            for (uint32_t k = 0; k < s->nintents; k++)
                sum += p[k] = expf(p[k] - top);
            uint32_t wrong[64], nwrong = 0;
            float push[64];
            for (uint32_t k = 0; k < s->nintents && nwrong < 64; k++) {
                float g = p[k] / sum - (k == truth);
                if (fabsf(g) > 0.004f)
                    wrong[nwrong] = k, push[nwrong++] = g * rate;
            }
            if (!nwrong)
                continue;
            for (uint32_t i = 0; i < v->n; i++) {
                if (v->list[i].id >= t->s->nrows)
                    continue;
                float *row = weights + (size_t)v->list[i].id * width;
                for (uint32_t k = 0; k < nwrong; k++)
                    row[wrong[k]] -= push[k] * v->list[i].value;
            }
            for (uint32_t k = 0; k < nwrong; k++)
                bias[wrong[k]] -= push[k] * 0.02f;
        }
    }
}
/* Inside against the rest of the world; both sides drawn equally often. skip: every fold-th example and other is left out. */
static void background_train(struct trainer *t, const uint32_t *in, uint32_t n, uint32_t fold, uint32_t folds, float *weights, float *bias)
{
    struct scope *s = t->s;
    memset(weights, 0, s->nfeatures * sizeof *weights);
    *bias = 0;
    if (!n || !t->nothers)
        return;
    uint32_t steps = 8 * (n < 3000 ? n : 3000);
    steps = steps < 4000 ? 4000 : steps;
    for (uint32_t q = 0; q < 2 * steps; q++) {
        float rate = 4.0f * (1 - (float)q / (float)(2 * steps)) + 0.2f;
        const struct scope_vector *v;
        float y = q % 2;
        if (q % 2)
            v = &t->vectors[in[random_below(t, n)]];
        else {
            uint32_t o = random_below(t, t->nothers);
            if (folds > 1 && o % folds == fold)
                continue;
            v = &t->others[o];
        }
        float sum = *bias;
        for (uint32_t i = 0; i < v->n; i++)
            if (v->list[i].id != SCOPE_UNKNOWN)
                sum += v->list[i].value * weights[v->list[i].id];
        float g = rate * (1 / (1 + expf(-sum)) - y);
        for (uint32_t i = 0; i < v->n; i++)
            if (v->list[i].id != SCOPE_UNKNOWN)
                weights[v->list[i].id] -= g * v->list[i].value;
        *bias -= g * 0.05f;
    }
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}
static double quantile(double *sorted, uint32_t n, double q)
{
    double at = q * (n - 1);
    uint32_t i = (uint32_t)at;
    return i + 1 < n ? sorted[i] + (at - i) * (sorted[i + 1] - sorted[i]) : sorted[n - 1];
}
static void calibrate(struct trainer *t, double false_alarms)
{
    struct scope *s = t->s;
    uint32_t folds = t->n <= FOLD_ALL_MOST ? (t->n < 200 ? 10 : 5) : 1;
    uint32_t hold = folds > 1 ? t->n : t->n / 6 < HOLD_MOST ? t->n / 6 : HOLD_MOST;
    uint32_t *order = arena_alloc_raw(t->a, t->n * sizeof *order), *in = arena_alloc_raw(t->a, t->n * sizeof *in);
    for (uint32_t i = 0; i < t->n; i++)
        order[i] = i;
    shuffle(t, order, t->n);
    double(*signals)[SIGNALS] = arena_alloc(t->a, (hold + 1) * sizeof *signals);
    float *weights = s->weights, *bias = s->bias; /* scratch for the folds; the last one starts the final model */
    float *scratch = arena_alloc(t->a, (s->width + VECTOR) * sizeof *scratch);
    float *other = arena_alloc(t->a, (s->nfeatures + 1) * sizeof *other), other_bias = 0;
    uint32_t step = (t->n + SCOPE_INDEX_MOST - 1) / SCOPE_INDEX_MOST, done = 0;
    for (uint32_t f = 0; f < folds; f++) {
        uint32_t from = folds > 1 ? (uint32_t)((uint64_t)t->n * f / folds) : 0, to = folds > 1 ? (uint32_t)((uint64_t)t->n * (f + 1) / folds) : hold, n = 0;
        for (uint32_t i = 0; i < t->n; i++)
            if (i < from || i >= to)
                in[n++] = order[i];
        if (weights)
            intents_train(t, in, n, weights, bias, false);
        if (s->has_background)
            background_train(t, in, n, f, folds, other, &other_bias);
        for (uint32_t i = from; i < to; i++) {
            struct arena_mark mark = arena_mark(t->a);
            uint32_t e = order[i];
            struct scope_vector v = vector_copy(t, &t->raw[e]);
            scope_vector_weigh(s, &v, true);
            double *x = signals[done++];
            x[SIGNAL_NEAR] = scope_signal_near(s, t->a, &v, e % step == 0 ? e / step : SCOPE_UNKNOWN, NULL);
            x[SIGNAL_NOVELTY] = scope_signal_novelty(s, &v, true);
            if (weights)
                x[SIGNAL_INTENTS] = scope_signal_intents(s, weights, bias, &v, scratch, NULL);
            if (s->has_background)
                x[SIGNAL_BACKGROUND] = scope_signal_background(other, other_bias, &v);
            arena_rewind(t->a, mark);
        }
    }
    double *column = arena_alloc(t->a, (done + 1) * sizeof *column);
    for (int k = 0; k < SIGNALS; k++) {
        for (uint32_t i = 0; i < done; i++)
            column[i] = signals[i][k];
        qsort(column, done, sizeof *column, compare_doubles);
        double middle = quantile(column, done, 0.5), high = quantile(column, done, 0.95);
        s->calibration[k] = (struct scope_calibration){ middle, high - middle > 1e-6 ? high - middle : 1 };
        s->weight[k] = signal_weights[k];
    }
    /* a few examples an intent: likeness says more than the model */
    if (t->n < 30 * s->nintents)
        s->weight[SIGNAL_NEAR] *= 2;
    if (!s->weights)
        s->weight[SIGNAL_INTENTS] = 0;
    if (!s->has_background)
        s->weight[SIGNAL_BACKGROUND] = 0;
    for (uint32_t i = 0; i < done; i++)
        column[i] = scope_mean(s, signals[i]);
    qsort(column, done, sizeof *column, compare_doubles);
    /* examples resemble one another more than they resemble what people will ask: aim a little lower */
    s->threshold = quantile(column, done, 1 - 0.85 * false_alarms);
    double spread = s->threshold - quantile(column, done, 0.5);
    s->scale = 2.5 / (spread > 1e-3 ? spread : 1e-3);
}

struct scope *scope_train(const struct scope_source *source, const char **why)
{
    size_t n = 0;
    for (size_t i = 0; i < source->nintents; i++)
        n += source->intents[i].n;
    *why = !source->nintents ? "a scope needs intents with examples" : source->nintents > SCOPE_INTENTS_MOST ? "too many intents" : n < 5 ? "a scope needs five examples at least"
           : n > SCOPE_EXAMPLES_MOST ? "too many examples" : NULL;
    if (*why)
        return NULL;
    double false_alarms = source->false_alarms > 0 && source->false_alarms < 0.5 ? source->false_alarms : 0.05;
    struct arena *a = arena_new(SIZE_MAX / 2);
    struct scope *s = arena_alloc(a, sizeof *s);
    s->arena = a;
    s->name = arena_copy(a, source->name);
    s->nintents = (uint32_t)source->nintents;
    s->width = (s->nintents + VECTOR - 1) / VECTOR * VECTOR;
    s->intent_names = arena_alloc(a, source->nintents * sizeof *s->intent_names);
    struct trainer t = { .a = arena_new(SIZE_MAX / 2), .s = s, .random = 20240229 };
    t.vectors = arena_alloc(t.a, (n + 1) * sizeof *t.vectors);
    t.raw = arena_alloc(t.a, (n + 1) * sizeof *t.raw);
    t.intent = arena_alloc(t.a, (n + 1) * sizeof *t.intent);
    for (size_t i = 0; i < source->nintents; i++) {
        s->intent_names[i] = arena_copy(a, source->intents[i].name);
        for (size_t k = 0; k < source->intents[i].n; k++) {
            struct scope_vector v = vector_of(&t, source->intents[i].examples[k]);
            if (!v.nwords)
                continue;
            t.intent[t.n] = (uint32_t)i;
            t.vectors[t.n++] = v;
        }
    }
    if (t.n < 5) {
        *why = "a scope needs five examples with words in them";
        arena_free(t.a);
        arena_free(a);
        return NULL;
    }
    /* what the owner says is outside counts as much as three general prompts */
    size_t nout = source->nout < 20000 ? source->nout : 20000;
    t.others = arena_alloc(t.a, (scope_nbackground + 3 * nout + 1) * sizeof *t.others);
    struct scope_vector *general = arena_alloc(t.a, (scope_nbackground + nout + 1) * sizeof *general);
    size_t ngeneral = 0;
    for (size_t i = 0; i < scope_nbackground; i++)
        general[ngeneral++] = vector_of(&t, span_of(scope_background[i]));
    for (size_t i = 0; i < nout; i++)
        general[ngeneral++] = vector_of(&t, source->out[i]);
    t.others = general;
    t.nothers = (uint32_t)ngeneral;
    s->nexamples = t.n;
    dictionary_make(&t);
    for (uint32_t i = 0; i < t.n; i++) {
        t.raw[i] = t.vectors[i];
        t.vectors[i] = vector_copy(&t, &t.raw[i]);
        scope_vector_weigh(s, &t.vectors[i], false);
    }
    index_make(&t);
    struct scope_vector *kept = arena_alloc(t.a, (scope_nbackground + 3 * nout + 1) * sizeof *kept);
    t.nothers = 0;
    for (size_t i = 0; i < ngeneral; i++) {
        scope_vector_weigh(s, &general[i], false);
        struct scope_nearest nearest;
        if (i < scope_nbackground) {
            if (!general[i].nwords)
                continue;
            scope_signal_near(s, t.a, &general[i], SCOPE_UNKNOWN, &nearest);
            if (nearest.n && nearest.likeness[0] > 0.45f)
                continue; /* the scope may well mean this */
            kept[t.nothers++] = general[i];
        } else
            for (int k = 0; k < 3; k++)
                kept[t.nothers++] = general[i];
    }
    t.others = kept;
    s->has_background = t.nothers >= 20;
    uint32_t *all = arena_alloc_raw(t.a, t.n * sizeof *all);
    for (uint32_t i = 0; i < t.n; i++)
        all[i] = i;
    if (s->nintents >= 2) {
        s->weights = arena_alloc(a, ((size_t)s->nrows + 1) * s->width * sizeof *s->weights);
        s->bias = arena_alloc(a, s->width * sizeof *s->bias);
    }
    calibrate(&t, false_alarms);
    if (s->weights)
        intents_train(&t, all, t.n, s->weights, s->bias, t.n > FOLD_ALL_MOST);
    s->background = arena_alloc(a, (s->nfeatures + 1) * sizeof *s->background);
    if (s->has_background)
        background_train(&t, all, t.n, 0, 1, s->background, &s->background_bias);
    arena_free(t.a);
    return s;
}
void scope_free(struct scope *s)
{
    if (s)
        arena_free(s->arena);
}
struct span scope_name(const struct scope *s)
{
    return s->name;
}
