/* SPDX-License-Identifier: Apache-2.0
 * scope: is this prompt inside what the route is for? See checks/scope_parts.h for the signals. Here: vectors, signals, and
 * the check. The last user turn is judged; where it says little by itself ("and for 2023?"), the turn before it counts. */
#include "checks/scope_parts.h"
#include "checks/check.h"
#include <math.h>

const char *const scope_signal_names[SIGNALS] = { "near", "intents", "novelty", "background" };

static const float WORDS_SHARE = 0.25f; /* of a vector's length; the rest is characters */

static uint32_t pair_key(uint32_t a, uint32_t b)
{
    uint64_t h = ((uint64_t)a << 32 | b) * 0x9e3779b97f4a7c15u;
    return (uint32_t)(h >> 31) | 1u;
}
struct filler {
    struct scope_vector *v;
    uint32_t room;
    uint32_t table[2 * 2048];  /* index + 1 */
};
static void feature_add(struct filler *f, uint32_t key, bool is_word)
{
    uint32_t slot = (key ^ key >> 13) & (2 * 2048 - 1);
    while (f->table[slot]) {
        struct scope_feature *x = &f->v->list[f->table[slot] - 1];
        if (x->key == key && x->is_word == is_word) {
            x->value += 1;
            return;
        }
        slot = (slot + 1) & (2 * 2048 - 1);
    }
    if (f->v->n == f->room)
        return;
    f->v->list[f->v->n] = (struct scope_feature){ .key = key, .value = 1, .is_word = is_word };
    f->table[slot] = ++f->v->n;
}
void scope_vector_read(struct arena *a, const struct words *w, size_t first, size_t past, struct scope_vector *out)
{
    struct filler f;
    f.v = out;
    size_t nwords = past - first < SCOPE_WORDS_MOST ? past - first : SCOPE_WORDS_MOST;
    size_t room = 64;
    for (size_t i = first; i < past && i < first + SCOPE_WORDS_MOST * 2; i++)
        room += 3 * (w->list[i].to - w->list[i].at) + 6;
    room = room < SCOPE_FEATURES_MOST ? room : SCOPE_FEATURES_MOST;
    *out = (struct scope_vector){ .list = arena_alloc_raw(a, room * sizeof *out->list), .words = arena_alloc_raw(a, (nwords + 1) * sizeof *out->words) };
    f.room = (uint32_t)room;
    memset(f.table, 0, sizeof f.table);
    uint32_t before = 0x51ed270b; /* the beginning is a word too */
    const char *text = w->fold->text.at;
    char joined[480] = " ";
    size_t joined_len = 1;
    for (size_t i = first; i < past && out->nwords < nwords; i++) {
        const struct word *x = &w->list[i];
        if (x->kind == WORD_MARK)
            continue;
        uint32_t key = x->kind == WORD_NUMBER ? 0x0000d161 : x->kind == WORD_URL ? 0x00000a71 : x->kind == WORD_EMAIL ? 0x0000e3a1 : x->key;
        out->words[out->nwords++] = key;
        out->content += x->kind == WORD_TEXT && !(x->flags & WORD_STOP);
        feature_add(&f, key, true);
        feature_add(&f, pair_key(before, key), true);
        before = key;
        if (x->kind != WORD_TEXT)
            continue;
        /* joined by single blanks, so that characters also tell how words follow one another */
        size_t len = x->to - x->at < 36 ? x->to - x->at : 36;
        if (joined_len + len + 2 < sizeof joined) {
            memcpy(joined + joined_len, text + x->at, len);
            joined_len += len;
            joined[joined_len++] = ' ';
        }
    }
    for (size_t n = 3; n <= 5; n++)
        for (size_t k = 0; k + n <= joined_len; k++)
            feature_add(&f, words_key(joined + k, n) ^ (uint32_t)(n * 0x01000193u), false);
}
uint32_t scope_find(const struct scope *s, uint32_t key)
{
    uint32_t slot = (key ^ key >> 15) & (s->slots - 1);
    while (s->slot_key[slot]) {
        if (s->slot_key[slot] == key)
            return s->slot_id[slot];
        slot = (slot + 1) & (s->slots - 1);
    }
    return SCOPE_UNKNOWN;
}
void scope_vector_weigh(const struct scope *s, struct scope_vector *v, bool own)
{
    float words = 0, characters = 0;
    for (uint32_t i = 0; i < v->n; i++) {
        struct scope_feature *x = &v->list[i];
        x->id = scope_find(s, x->is_word ? x->key : ~x->key | 1u);
        if (own && x->id != SCOPE_UNKNOWN && s->df[x->id] <= 1)
            x->id = SCOPE_UNKNOWN;
        float idf = x->id == SCOPE_UNKNOWN ? s->idf_unknown : s->idf[x->id];
        x->value = (x->value > 1 ? 1 + logf(x->value) : 1) * idf;
        *(x->is_word ? &words : &characters) += x->value * x->value;
    }
    words = words > 0 ? sqrtf(WORDS_SHARE / words) : 0;
    characters = characters > 0 ? sqrtf((1 - WORDS_SHARE) / characters) : 0;
    for (uint32_t i = 0; i < v->n; i++)
        v->list[i].value *= v->list[i].is_word ? words : characters;
}

double scope_signal_near(const struct scope *s, struct arena *a, const struct scope_vector *v, uint32_t without, struct scope_nearest *nearest)
{
    struct scope_nearest here = { .n = 0 };
    struct arena_mark mark = arena_mark(a);
    float *likeness = arena_alloc(a, s->nindexed * sizeof *likeness);
    for (uint32_t i = 0; i < v->n; i++) {
        uint32_t id = v->list[i].id;
        if (id == SCOPE_UNKNOWN)
            continue;
        float value = v->list[i].value;
        for (uint32_t p = s->posting_from[id]; p < s->posting_from[id + 1]; p++)
            likeness[s->postings[p].example] += value * s->postings[p].value;
    }
    float least = 0;
    for (uint32_t e = 0; e < s->nindexed; e++) {
        if (likeness[e] <= least || e == without)
            continue;
        uint32_t k = here.n < SCOPE_NEAREST ? here.n++ : SCOPE_NEAREST - 1;
        while (k > 0 && here.likeness[k - 1] < likeness[e]) {
            here.likeness[k] = here.likeness[k - 1];
            here.example[k] = here.example[k - 1];
            k--;
        }
        here.likeness[k] = likeness[e];
        here.example[k] = e;
        least = here.n == SCOPE_NEAREST ? here.likeness[SCOPE_NEAREST - 1] : 0;
    }
    arena_rewind(a, mark);
    if (nearest)
        *nearest = here;
    double sum = 0;
    for (uint32_t k = 0; k < here.n; k++)
        sum += here.likeness[k];
    double best = here.n ? here.likeness[0] : 0;
    return 1 - (0.5 * best + 0.5 * sum / SCOPE_NEAREST);
}
double scope_signal_intents(const struct scope *s, const float *weights, const float *bias, const struct scope_vector *v, float *scratch, uint32_t *best)
{
    uint32_t width = s->width;
    memcpy(scratch, bias, width * sizeof *scratch);
    for (uint32_t i = 0; i < v->n; i++) {
        uint32_t id = v->list[i].id;
        if (id >= s->nrows)
            continue;
        scope_row_add(scratch, weights + (size_t)id * width, v->list[i].value, width);
    }
    uint32_t top = 0;
    for (uint32_t k = 1; k < s->nintents; k++)
        if (scratch[k] > scratch[top])
            top = k;
    if (best)
        *best = top;
    double sum = 0;
    for (uint32_t k = 0; k < s->nintents; k++)
        sum += exp(scratch[k] - scratch[top]);
    /* the top logit, and by how much it wins: both fall for strangers */
    return -(scratch[top] * 0.5 - log(sum));
}
double scope_signal_novelty(const struct scope *s, const struct scope_vector *v, bool own)
{
    if (!v->nwords)
        return 0;
    double cost = 0, total = s->nexamples + 1.0;
    double back = total / 5 < 50 ? total / 5 : 50;
    uint32_t before = 0x51ed270b;
    /* characters: the known share, of the whole prompt */
    double known = 0, all = 0;
    for (uint32_t i = 0; i < v->n; i++)
        if (!v->list[i].is_word) {
            all++;
            known += v->list[i].id != SCOPE_UNKNOWN;
        }
    double cover = all > 0 ? known / all : 1;
    for (uint32_t i = 0; i < v->nwords; i++) {
        uint32_t id = scope_find(s, v->words[i]), pair = scope_find(s, pair_key(before, v->words[i]));
        before = v->words[i];
        double c = id == SCOPE_UNKNOWN ? 0 : s->df[id], p = pair == SCOPE_UNKNOWN ? 0 : s->df[pair];
        if (own)
            c -= c > 0, p -= p > 0;
        double q = (0.02 + cover * cover) / 2000;
        cost += -log((c + back * q) / (total + back)) + 1.0 * -log((p + 0.2) / (p + 1));
    }
    return cost / v->nwords + 3 * (1 - cover);
}
double scope_signal_background(const float *weights, float bias, const struct scope_vector *v)
{
    double sum = bias;
    for (uint32_t i = 0; i < v->n; i++)
        if (v->list[i].id != SCOPE_UNKNOWN)
            sum += v->list[i].value * weights[v->list[i].id];
    return -sum;
}
void scope_signals(const struct scope *s, struct arena *a, const struct scope_vector *v, uint32_t without, double out[SIGNALS], struct scope_nearest *nearest)
{
    out[SIGNAL_NEAR] = scope_signal_near(s, a, v, without, nearest);
    out[SIGNAL_NOVELTY] = scope_signal_novelty(s, v, without != SCOPE_UNKNOWN);
    out[SIGNAL_INTENTS] = 0;
    if (s->weights) {
        struct arena_mark mark = arena_mark(a);
        float *scratch = arena_alloc_raw(a, s->width * sizeof *scratch);
        out[SIGNAL_INTENTS] = scope_signal_intents(s, s->weights, s->bias, v, scratch, NULL);
        arena_rewind(a, mark);
    }
    out[SIGNAL_BACKGROUND] = s->has_background ? scope_signal_background(s->background, s->background_bias, v) : 0;
}
double scope_mean(const struct scope *s, const double signals[SIGNALS])
{
    double sum = 0, weight = 0;
    for (int k = 0; k < SIGNALS; k++) {
        if (s->weight[k] <= 0)
            continue;
        double z = (signals[k] - s->calibration[k].middle) / s->calibration[k].spread;
        z = z > 4 ? 4 + log(z - 3) : z < -4 ? -4 : z;
        sum += s->weight[k] * z;
        weight += s->weight[k];
    }
    return weight > 0 ? sum / weight : 0;
}
double scope_score(const struct scope *s, double mean)
{
    return 1 / (1 + exp(-s->scale * (mean - s->threshold)));
}

struct judged {
    double mean;
    struct scope_nearest nearest;
    const struct words *w;
    size_t first, past;
    uint32_t content, nwords;
};
static void judge(const struct scope *s, struct arena *a, const struct words *w, size_t first, size_t past, struct judged *j)
{
    struct scope_vector v;
    double signals[SIGNALS];
    struct arena_mark mark = arena_mark(a);
    scope_vector_read(a, w, first, past, &v);
    scope_vector_weigh(s, &v, false);
    scope_signals(s, a, &v, SCOPE_UNKNOWN, signals, &j->nearest);
    j->mean = scope_mean(s, signals);
    j->w = w;
    j->first = first;
    j->past = past;
    j->content = v.content;
    j->nwords = v.nwords;
    arena_rewind(a, mark);
}
enum { LONG = 40, PIECE = 25, PIECES_MOST = 24 };
/* A long text is judged in pieces of whole sentences: half by its mean, half by its most familiar piece, so that neither
 * a story around the question nor one familiar sentence before another subject decides alone. */
static void judge_text(const struct scope *s, struct arena *a, const struct words *w, struct judged *j)
{
    size_t n = 0;
    for (size_t i = 0; i < w->n; i++)
        n += w->list[i].kind != WORD_MARK;
    judge(s, a, w, 0, w->n, j);
    j->nwords = (uint32_t)n;
    if (n <= LONG)
        return;
    double sum = 0, weight = 0, best = j->mean;
    size_t from = 0, words = 0, pieces = 0;
    for (size_t k = 0; k < w->nsentences && pieces < PIECES_MOST; k++) {
        words += w->sentences[k].past - w->sentences[k].word;
        if (words < PIECE && k + 1 < w->nsentences)
            continue;
        struct judged piece;
        judge(s, a, w, from, w->sentences[k].past, &piece);
        if (piece.nwords >= 4) {
            sum += piece.mean * piece.nwords;
            weight += piece.nwords;
            if (piece.mean < best)
                best = piece.mean, j->nearest = piece.nearest;
        }
        from = w->sentences[k].past;
        words = 0;
        pieces++;
    }
    if (weight > 0)
        j->mean = 0.5 * best + 0.5 * sum / weight;
}
static struct span unfamiliar(const struct scope *s, struct arena *a, const struct words *w)
{
    struct span out = { 0 };
    unsigned n = 0;
    for (size_t i = 0; i < w->n && n < 5; i++) {
        const struct word *x = &w->list[i];
        if (x->kind != WORD_TEXT || x->flags & WORD_STOP || scope_find(s, x->key) != SCOPE_UNKNOWN)
            continue;
        struct span t = span_cut(w->fold->original, x->start, x->end);
        out = arena_printf(a, SPAN_FMT "%s" SPAN_FMT, SPAN_ARG(out), n ? ", " : "", SPAN_ARG(t));
        n++;
    }
    return out;
}
static struct score score(const struct check_env *env, struct transcript *t, enum side on, struct findings *out)
{
    const struct scope *s = env->scope;
    if (!s)
        return (struct score){ 0, "no scope declared for this route" };
    if (on != ON_PROMPT)
        return (struct score){ 0, "scope judges prompts" };
    struct part *turns[4];
    size_t indexes[4], n = 0;
    for (size_t i = t->nprompt; i > 0 && n < 4; i--) {
        struct part *p = &t->prompt[i - 1];
        if (p->role != ROLE_USER || p->kind != PART_TEXT || !p->text.len)
            continue;
        indexes[n] = i - 1;
        turns[n++] = p;
    }
    if (!n)
        return (struct score){ 0, "no user text in the prompt" };
    struct judged last = { 0 }, before;
    judge_text(s, t->arena, part_words(t->arena, turns[0]), &last);
    double mean = last.mean;
    /* what the turn says by itself decides as far as it says anything; for the rest, what the conversation was about */
    double rest = last.content >= 6 ? 0 : 1.5 / (1.5 + last.content), weight = rest, taken = 1 - rest;
    if (n > 1 && rest > 0) {
        mean *= taken;
        for (size_t k = 1; k < n && weight > 0.02; k++) {
            judge_text(s, t->arena, part_words(t->arena, turns[k]), &before);
            double keeps = k + 1 == n || before.content >= 6 ? 1 : before.content / (1.5 + before.content);
            mean += weight * keeps * before.mean;
            weight *= 1 - keeps;
        }
        mean += weight * last.mean;
    }
    double value = scope_score(s, mean);
    if (value >= 0.5) {
        const struct words *w = last.w;
        struct span strange = unfamiliar(s, t->arena, w);
        struct span intent = last.nearest.n && s->nintents ? s->intent_names[s->example_intent[last.nearest.example[0]]] : (struct span){ 0 };
        struct span second = { 0 };
        for (uint32_t k = 1; k < last.nearest.n && !second.len; k++)
            if (s->example_intent[last.nearest.example[k]] != s->example_intent[last.nearest.example[0]])
                second = s->intent_names[s->example_intent[last.nearest.example[k]]];
        double likeness = last.nearest.n ? last.nearest.likeness[0] : 0;
        bool close = likeness >= 1 - s->calibration[SIGNAL_NEAR].middle - 2 * s->calibration[SIGNAL_NEAR].spread && likeness > 0.2;
        size_t end = turns[0]->text.len;
        if (close)
            finding_add(out, t, &check_scope, "near", ON_PROMPT, indexes[0], 0, end, value,
                        "close to \"" SPAN_FMT "\"%s" SPAN_FMT "%s of %s" SPAN_FMT ", but outside it%s" SPAN_FMT, SPAN_ARG(intent), second.len ? " and \"" : "", SPAN_ARG(second),
                        second.len ? "\"" : "", s->name.len ? "" : "the scope", SPAN_ARG(s->name), strange.len ? "; words not known there: " : "", SPAN_ARG(strange));
        else
            finding_add(out, t, &check_scope, "far", ON_PROMPT, indexes[0], 0, end, value, "another subject than %s" SPAN_FMT "%s" SPAN_FMT, s->name.len ? "" : "the scope", SPAN_ARG(s->name),
                        strange.len ? "; words not known there: " : "", SPAN_ARG(strange));
    }
    return (struct score){ value, NULL };
}
const struct check check_scope = {
    .name = "scope",
    .doc = "is the prompt inside what the route was made for?",
    .on = ON_PROMPT,
    .score = score,
};
