/* SPDX-License-Identifier: Apache-2.0
 * stream: blocks, bets and the sum of martingales; see the header for why that is valid. */
#include "checks/drift/stream.h"
#include <math.h>
#include <stdlib.h>

enum { BLOCKS_MOST = 4096, DIVISIONS = 10000 };

/* Bets against uniform p: k p^(k-1). Each onset's martingale is the mean of one for each power, so it learns which pays. */
static const double powers[] = { 0.07, 0.2, 0.4, 0.7 };
enum { POWERS = sizeof powers / sizeof *powers };
/* Weights of the blocks at which a change may begin; they sum to less than 1 over all s from 1 on. */
static double onset_weight(size_t s) { return 1 / (2.1098 * (double)(s + 1) * log((double)(s + 1)) * log((double)(s + 1))); }

struct watch {
    struct arena *arena;
    const struct drift_stream_options *options;
    double threshold;
    const char *of;                /* "" or "outcome " for sentences */
    struct drift_line *lines;      /* in the order in which they become known */
    const size_t *place;           /* of each: its line, and the line at which it was known */
    const size_t *known;
    size_t n, warmup, least;       /* lines in a block at least */
};

static void watch_at(const struct watch *w, struct drift_stream_report *out, size_t *cap)
{
    struct {
        double log_value[POWERS];
        size_t from;
    } *running = arena_alloc(w->arena, BLOCKS_MOST * sizeof *running);
    size_t at = w->warmup, blocks = 0;
    while (at < w->n && blocks < BLOCKS_MOST) {
        size_t size = at / BLOCK_SHARE > w->least ? at / BLOCK_SHARE : w->least;
        if (at + size > w->n)
            size = w->n - at;
        if (size < w->least / 2) /* a rest too small to say much */
            return;
        struct arena *a = arena_new((size_t)4 << 30);
        struct drift_sample *before = drift_sample_new(a), *block = drift_sample_new(a);
        for (size_t i = 0; i < at + size; i++)
            drift_sample_line(i < at ? before : block, &w->lines[i]);
        struct drift_options o = { .alpha = 0.05, .seed = w->options->seed + (uint32_t)blocks * 7919u, .permutations_least = DIVISIONS };
        struct drift_report r;
        drift_compare(a, before, block, &o, &r);
        running[blocks].from = at;
        memset(running[blocks++].log_value, 0, sizeof running->log_value);
        out->blocks++;
        double value = 1, best = -1, log_p = log(r.p_random > 1e-9 ? r.p_random : 1e-9);
        size_t onset = at;
        for (size_t s = 0; s < blocks; s++) {
            double here = 0;
            for (int k = 0; k < POWERS; k++) {
                running[s].log_value[k] += log(powers[k]) + (powers[k] - 1) * log_p;
                here += exp(fmin(running[s].log_value[k], 600)) / POWERS;
            }
            value += onset_weight(s + 1) * (here - 1);
            if (here > best) {
                best = here;
                onset = running[s].from;
            }
        }
        at += size;
        if (value >= w->threshold) {
            for (size_t i = 0; i < r.nfeatures && i < ALARM_FEATURES_MOST; i++) {
                const struct drift_feature *f = &r.features[i];
                if (i && f->p_adjusted > 0.05)
                    break;
                const char *what = f->what;
                if (f->on && strcmp(f->kind, "terms") != 0)
                    for (size_t k = 0; k < r.nterms && k < 1 && strcmp(f->kind, "wording") == 0; k++)
                        what = arena_printf(a, "%s, most of all '%s'", f->what, r.terms[k].term).at;
                *ARENA_PUSH(w->arena, out->alarms, out->nalarms, *cap) = (struct drift_alarm){
                    .line = w->known[at - 1], .onset = w->place[onset], .feature = arena_text(w->arena, span_of(f->name)), .e = value,
                    .p_adjusted = f->p_adjusted, .effect = f->effect, .what = arena_text(w->arena, span_of(what)) };
            }
            arena_free(a);
            return;
        }
        arena_free(a);
    }
}

/* Short blocks see a large change soon, long ones a small one at all; each has half of alpha. The earlier alarm counts. */
static void watch_run(const struct watch *w, struct drift_stream_report *out, size_t *cap)
{
    size_t had = out->nalarms;
    struct watch scale = *w;
    scale.threshold *= 2;
    scale.least = BLOCK_LEAST;
    watch_at(&scale, out, cap);
    size_t first = out->nalarms;
    scale.least = BLOCK_WIDE;
    watch_at(&scale, out, cap);
    if (first > had && out->nalarms > first) { /* both rang: keep the earlier */
        if (out->alarms[first].line < out->alarms[had].line) {
            memmove(out->alarms + had, out->alarms + first, (out->nalarms - first) * sizeof *out->alarms);
            out->nalarms -= first - had;
        } else {
            out->nalarms = first;
        }
    }
}

struct outcome {
    size_t line;
    int64_t at;
};
static int by_time(const void *a, const void *b)
{
    const struct outcome *x = a, *y = b;
    return x->at != y->at ? (x->at < y->at ? -1 : 1) : x->line < y->line ? -1 : x->line > y->line;
}

static void put(struct arena *a, struct drift_line *line, size_t *cap, struct span name, double number)
{
    *ARENA_PUSH(a, line->features, line->nfeatures, *cap) =
        (struct feature){ .name = name, .type = isnan(number) ? FEATURE_MISSING : FEATURE_NUMBER, .number = number };
}
/* A number for all, and again for its group alone. */
static void put_grouped(struct arena *a, struct drift_line *line, size_t *cap, const char *name, double number, const struct span *groups, size_t ngroups,
                        struct span group)
{
    put(a, line, cap, span_of(name), number);
    for (size_t g = 0; g < ngroups; g++)
        if (span_same(groups[g], group))
            put(a, line, cap, arena_printf(a, "%s | " SPAN_FMT, name, SPAN_ARG(group)), number);
}

static void watch_outcomes(struct arena *a, const struct drift_lines *lines, const struct drift_stream_options *o, struct drift_stream_report *out, size_t *cap)
{
    struct span groups[STREAM_GROUPS_MOST];
    size_t ngroups = 0, n = lines->n;
    for (size_t i = 0; i < o->warmup && i < n; i++) {
        bool is_known = !lines->list[i].group.len || ngroups == STREAM_GROUPS_MOST;
        for (size_t g = 0; g < ngroups; g++)
            is_known |= span_same(groups[g], lines->list[i].group);
        if (!is_known)
            groups[ngroups++] = lines->list[i].group;
    }
    struct drift_line *scored = arena_alloc(a, (n + 1) * sizeof *scored), *judged = arena_alloc(a, (n + 1) * sizeof *judged);
    size_t *place = arena_alloc(a, (n + 1) * sizeof *place), *judged_place = arena_alloc(a, (n + 1) * sizeof *place),
           *judged_known = arena_alloc(a, (n + 1) * sizeof *place);
    struct outcome *order = arena_alloc(a, (n + 1) * sizeof *order);
    size_t noutcomes = 0, nwarm = 0, now = 0;
    for (size_t i = 0; i < n; i++) {
        const struct drift_line *l = &lines->list[i];
        size_t room = 0;
        place[i] = i;
        put_grouped(a, &scored[i], &room, "score", l->score, groups, ngroups, l->group);
        put_grouped(a, &scored[i], &room, "prediction", l->prediction, groups, ngroups, l->group);
        if (isnan(l->label))
            continue;
        bool is_warm = i < o->warmup;
        /* Labels of the warm-up are the baseline whenever they came; a label without a time is known with its line. */
        order[noutcomes++] = (struct outcome){ i, is_warm ? INT64_MIN : l->label_at_us != INT64_MIN ? l->label_at_us : l->at_us };
        nwarm += is_warm;
    }
    qsort(order, noutcomes, sizeof *order, by_time);
    for (size_t k = 0; k < noutcomes; k++) {
        size_t i = order[k].line, room = 0;
        const struct drift_line *l = &lines->list[i];
        /* The first line that is not before the label's time; a label that comes after the last line is never known. */
        while (now < n && (now < i || (order[k].at != INT64_MIN && lines->list[now].at_us != INT64_MIN && lines->list[now].at_us < order[k].at)))
            now++;
        if (now >= n) {
            noutcomes = k;
            break;
        }
        judged_place[k] = i;
        judged_known[k] = now;
        double right = isnan(l->prediction) ? NAN : (l->prediction != l->label);
        put_grouped(a, &judged[k], &room, "label", l->label, groups, ngroups, l->group);
        put_grouped(a, &judged[k], &room, "error", right, groups, ngroups, l->group);
        put_grouped(a, &judged[k], &room, "label minus score", l->label - l->score, groups, ngroups, l->group);
    }
    double threshold = 2 / o->alpha;
    watch_run(&(struct watch){ .arena = a, .options = o, .threshold = threshold, .lines = scored, .place = place, .known = place, .n = n,
                               .warmup = o->warmup }, out, cap);
    if (nwarm >= DRIFT_LEAST && noutcomes > nwarm)
        watch_run(&(struct watch){ .arena = a, .options = o, .threshold = threshold, .lines = judged, .place = judged_place, .known = judged_known,
                                   .n = noutcomes, .warmup = nwarm }, out, cap);
}

static int by_line(const void *a, const void *b)
{
    const struct drift_alarm *x = a, *y = b;
    return x->line != y->line ? (x->line < y->line ? -1 : 1) : x->e > y->e ? -1 : x->e < y->e ? 1 : x->p_adjusted < y->p_adjusted ? -1 : x->p_adjusted > y->p_adjusted;
}

void drift_stream(struct arena *a, const struct drift_lines *lines, const struct drift_stream_options *o, struct drift_stream_report *out)
{
    *out = (struct drift_stream_report){ .alpha = o->alpha, .n = lines->n, .warmup = o->warmup };
    size_t cap = 0;
    if (lines->has_outcomes) {
        watch_outcomes(a, lines, o, out, &cap);
    } else {
        size_t *place = arena_alloc(a, (lines->n + 1) * sizeof *place);
        for (size_t i = 0; i < lines->n; i++)
            place[i] = i;
        watch_run(&(struct watch){ .arena = a, .options = o, .threshold = 1 / o->alpha, .lines = lines->list, .place = place, .known = place,
                                   .n = lines->n, .warmup = o->warmup }, out, &cap);
    }
    if (out->nalarms)
        qsort(out->alarms, out->nalarms, sizeof *out->alarms, by_line);
}

void drift_stream_json(const struct drift_stream_report *r, struct buf *out)
{
    buf_printf(out, "{\"alpha\": %.6g, \"lines\": %zu, \"warmup\": %zu, \"blocks\": %zu, \"alarms\": [", r->alpha, r->n, r->warmup, r->blocks);
    for (size_t i = 0; i < r->nalarms; i++) {
        const struct drift_alarm *m = &r->alarms[i];
        buf_printf(out, "%s{\"line\": %zu, \"feature\": \"", i ? ", " : "", m->line);
        buf_add_json(out, span_of(m->feature));
        buf_printf(out, "\", \"e\": %.6g, \"p_adjusted\": %.6g, \"effect\": %.4g, \"what\": \"", m->e, m->p_adjusted, isfinite(m->effect) ? m->effect : 0.0);
        buf_add_json(out, span_of(m->what));
        buf_printf(out, "\", \"onset\": %zu}", m->onset);
    }
    buf_add_text(out, "]}");
}

void drift_stream_text(const struct drift_stream_report *r, struct buf *out)
{
    buf_printf(out, "%zu lines, the first %zu are the baseline, %zu blocks, alpha %.4g: %s\n", r->n, r->warmup, r->blocks, r->alpha,
               r->nalarms ? "it moved" : "no alarm");
    for (size_t i = 0; i < r->nalarms; i++)
        buf_printf(out, "line %zu (since about %zu)  %s: %s  [evidence %.3g]\n", r->alarms[i].line, r->alarms[i].onset, r->alarms[i].feature,
                   r->alarms[i].what, r->alarms[i].e);
}
