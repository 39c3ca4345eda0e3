/* SPDX-License-Identifier: Apache-2.0
 *
 * window: a baseline and a ring of kept observations; a judgement builds two samples from them in an arena of its own.
 * Excerpts are kept rather than vectors: they are smaller, they give the examples, and a newer version may look at them
 * in a new way. Saved form, version 1: "vigiedw1", count, then each observation field by field, little end first, then
 * a 64-bit sum over all before it.
 */
#include "checks/drift/window.h"
#include "checks/drift/random.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { JUDGE_DIVISIONS = 4200, SAVED_MOST = 1 << 28 };
const char *const drift_state_names[3] = { "learning", "watching", "drift" };
const char *const drift_side_names[DRIFT_SIDES] = { "prompt", "answer", "features", "predictions", "behaviour" };
static const char magic[8] = { 'v', 'i', 'g', 'i', 'e', 'd', 'w', '1' };

/* An observation as kept: one block of bytes, in the saved form itself. */
struct kept {
    char *bytes;
    uint32_t len;
};
struct drift_watch {
    struct drift_watch_options options;
    struct kept *baseline, *window;      /* window: a ring */
    uint32_t nbaseline, nwindow, next;
    uint64_t seen, looks, fresh;         /* fresh: observations since the last look */
    size_t bytes;
    struct arena *arena;                 /* of the last report */
    struct drift_report report;
    struct drift_watch_report last;
};

/* The fields of one observation, written and read by the same list. */
struct field_reader {
    const char *at;
    size_t left;
    bool failed;
};
static void put_bytes(struct buf *b, const void *p, size_t n) { buf_add(b, (struct span){ p, n }); }
static void put_u32(struct buf *b, uint32_t v)
{
    char c[4] = { (char)v, (char)(v >> 8), (char)(v >> 16), (char)(v >> 24) };
    put_bytes(b, c, 4);
}
static void put_u64(struct buf *b, uint64_t v)
{
    put_u32(b, (uint32_t)v);
    put_u32(b, (uint32_t)(v >> 32));
}
static void put_double(struct buf *b, double d)
{
    uint64_t v;
    memcpy(&v, &d, sizeof v);
    put_u64(b, v);
}
static void put_span(struct buf *b, struct span s)
{
    put_u32(b, s.at ? (uint32_t)s.len : UINT32_MAX);
    if (s.at)
        put_bytes(b, s.at, s.len);
}
static const char *take(struct field_reader *r, size_t n)
{
    if (r->failed || r->left < n) {
        r->failed = true;
        return "\0\0\0\0\0\0\0";
    }
    const char *p = r->at;
    r->at += n;
    r->left -= n;
    return p;
}
static uint32_t take_u32(struct field_reader *r)
{
    const unsigned char *p = (const unsigned char *)take(r, 4);
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}
static uint64_t take_u64(struct field_reader *r)
{
    uint64_t low = take_u32(r);
    return low | (uint64_t)take_u32(r) << 32;
}
static double take_double(struct field_reader *r)
{
    uint64_t v = take_u64(r);
    double d;
    memcpy(&d, &v, sizeof d);
    return d;
}
static struct span take_span(struct field_reader *r, size_t most)
{
    uint32_t n = take_u32(r);
    if (n == UINT32_MAX || r->failed)
        return (struct span){ 0 };
    if (n > most) {
        r->failed = true;
        return (struct span){ 0 };
    }
    const char *p = take(r, n);
    return r->failed ? (struct span){ 0 } : (struct span){ p, n };
}

static struct span excerpt(struct span s, size_t most)
{
    if (s.len > most) {
        s.len = most;
        while (s.len && ((unsigned char)s.at[s.len] & 0xc0) == 0x80)
            s.len--;
    }
    return s;
}

enum { FLAG_REFUSED = 1, FLAG_FLAGGED = 2, FLAG_BLOCKED = 4, NAME_MOST = 128, CATEGORY_MOST = 256 };

static void put_row(struct buf *b, const struct row *row, uint32_t *room)
{
    uint32_t n = row ? (uint32_t)(row->n < *room ? row->n : *room) : 0;
    *room -= n;
    put_u32(b, n);
    for (uint32_t i = 0; i < n; i++) {
        const struct feature *f = &row->features[i];
        struct span name = excerpt(f->name, NAME_MOST);
        put_span(b, name.at ? name : SPAN(""));
        put_u32(b, f->type);
        if (f->type == FEATURE_NUMBER) {
            put_double(b, f->number);
        } else if (f->type == FEATURE_CATEGORY) {
            struct span c = excerpt(f->category, CATEGORY_MOST);
            put_span(b, c.at ? c : SPAN(""));
        }
    }
}

static void put_observation(struct buf *b, const struct drift_observation *o)
{
    put_span(b, (struct span){ o->id, strnlen(o->id, sizeof o->id - 1) });
    put_u64(b, (uint64_t)o->at_us);
    put_u32(b, (o->is_refused ? FLAG_REFUSED : 0) | (o->is_flagged ? FLAG_FLAGGED : 0) | (o->is_blocked ? FLAG_BLOCKED : 0));
    put_double(b, o->latency_ms);
    put_double(b, o->output_tokens);
    put_span(b, excerpt(o->prompt, DRIFT_EXCERPT_MOST));
    put_span(b, excerpt(o->answer, DRIFT_EXCERPT_MOST));
    uint32_t room = DRIFT_WATCH_FEATURES;
    put_row(b, o->inputs, &room);
    put_row(b, o->outputs, &room);
}

struct head {
    struct span id, prompt, answer;
    int64_t at_us;
    uint32_t flags;
    double latency_ms, output_tokens;
};
static struct head take_head(struct field_reader *r)
{
    struct head h;
    h.id = take_span(r, 39);
    h.at_us = (int64_t)take_u64(r);
    h.flags = take_u32(r);
    h.latency_ms = take_double(r);
    h.output_tokens = take_double(r);
    h.prompt = take_span(r, DRIFT_EXCERPT_MOST);
    h.answer = take_span(r, DRIFT_EXCERPT_MOST);
    return h;
}
/* A row into the sample (NULL: only checks that it reads); predictions are told apart by a prefix. */
static void take_row(struct field_reader *r, struct drift_sample *s, bool is_prediction)
{
    uint32_t n = take_u32(r);
    if (n > DRIFT_WATCH_FEATURES)
        r->failed = true;
    for (uint32_t i = 0; i < n && !r->failed; i++) {
        struct span name = take_span(r, NAME_MOST), category = { 0 };
        uint32_t type = take_u32(r);
        double number = type == FEATURE_NUMBER ? take_double(r) : NAN;
        if (type == FEATURE_CATEGORY)
            category = take_span(r, CATEGORY_MOST);
        if (type > FEATURE_CATEGORY)
            r->failed = true;
        if (r->failed || !s)
            continue;
        char full[NAME_MOST + 16];
        int len = snprintf(full, sizeof full, "%s%.*s", is_prediction ? "prediction." : "", (int)name.len, name.at ? name.at : "");
        struct span to = { full, (size_t)len < sizeof full ? (size_t)len : sizeof full - 1 };
        if (type == FEATURE_NUMBER)
            drift_sample_number(s, to, number);
        else if (type == FEATURE_CATEGORY)
            drift_sample_category(s, to, category.at ? category : SPAN(""));
        else
            drift_sample_missing(s, to);
    }
}

struct drift_watch *drift_watch_new(const struct drift_watch_options *options)
{
    struct drift_watch *w = calloc(1, sizeof *w);
    if (!w)
        abort();
    if (options)
        w->options = *options;
    uint32_t *n[2] = { &w->options.baseline_n, &w->options.window_n };
    for (int i = 0; i < 2; i++) {
        *n[i] = *n[i] ? *n[i] : i ? 200 : 300;
        *n[i] = *n[i] < 2 * DRIFT_LEAST ? 2 * DRIFT_LEAST : *n[i] > DRIFT_WATCH_MOST ? DRIFT_WATCH_MOST : *n[i];
    }
    w->baseline = calloc(w->options.baseline_n, sizeof *w->baseline);
    w->window = calloc(w->options.window_n, sizeof *w->window);
    if (!w->baseline || !w->window)
        abort();
    w->bytes = sizeof *w + (w->options.baseline_n + w->options.window_n) * sizeof(struct kept);
    return w;
}

static void drop(struct drift_watch *w, struct kept *k)
{
    w->bytes -= k->len;
    free(k->bytes);
    *k = (struct kept){ 0 };
}
static void drop_report(struct drift_watch *w)
{
    arena_free(w->arena);
    w->arena = NULL;
    w->last = (struct drift_watch_report){ 0 };
}
static void drop_window(struct drift_watch *w)
{
    for (uint32_t i = 0; i < w->nwindow; i++)
        drop(w, &w->window[i]);
    w->nwindow = w->next = 0;
    w->fresh = 0;
}
void drift_watch_forget(struct drift_watch *w)
{
    drop_report(w);
    drop_window(w);
    for (uint32_t i = 0; i < w->nbaseline; i++)
        drop(w, &w->baseline[i]);
    w->nbaseline = 0;
    w->seen = w->looks = 0;
}
void drift_watch_free(struct drift_watch *w)
{
    if (!w)
        return;
    drift_watch_forget(w);
    free(w->baseline);
    free(w->window);
    free(w);
}
size_t drift_watch_bytes(const struct drift_watch *w) { return w->bytes + (w->arena ? arena_bytes(w->arena) : 0); }

static void keep(struct drift_watch *w, struct kept *k, struct span s)
{
    *k = (struct kept){ malloc(s.len + 1), (uint32_t)s.len };
    if (!k->bytes)
        abort();
    memcpy(k->bytes, s.at, s.len);
    w->bytes += s.len;
}

void drift_watch_add(struct drift_watch *w, const struct drift_observation *o)
{
    struct buf b = { .cap = 1 << 20 };
    put_observation(&b, o);
    if (b.failed) {
        buf_free(&b);
        return;
    }
    w->seen++;
    if (w->nbaseline < w->options.baseline_n) {
        keep(w, &w->baseline[w->nbaseline++], buf_span(&b));
    } else {
        struct kept *k = &w->window[w->next];
        if (w->nwindow == w->options.window_n)
            drop(w, k);
        else
            w->nwindow++;
        keep(w, k, buf_span(&b));
        w->next = (w->next + 1) % w->options.window_n;
        w->fresh++;
    }
    buf_free(&b);
}

static struct drift_sample *sample_of(struct arena *a, const struct kept *list, uint32_t n, int64_t *from, int64_t *to)
{
    struct drift_sample *s = drift_sample_new(a);
    for (uint32_t i = 0; i < n; i++) {
        struct field_reader r = { list[i].bytes, list[i].len, false };
        struct head h = take_head(&r);
        drift_sample_row(s);
        take_row(&r, s, false);
        take_row(&r, s, true);
        if (h.prompt.at)
            drift_sample_text(s, ON_PROMPT, h.prompt);
        if (h.answer.at)
            drift_sample_text(s, ON_ANSWER, h.answer);
        /* How the route behaves, beside what is said. */
        drift_sample_number(s, SPAN("(refused)"), (h.flags & FLAG_REFUSED) != 0);
        drift_sample_number(s, SPAN("(flagged)"), (h.flags & FLAG_FLAGGED) != 0);
        drift_sample_number(s, SPAN("(blocked)"), (h.flags & FLAG_BLOCKED) != 0);
        drift_sample_number(s, SPAN("(latency ms)"), h.latency_ms);
        drift_sample_number(s, SPAN("(output tokens)"), h.output_tokens);
        *from = !i || h.at_us < *from ? h.at_us : *from;
        *to = !i || h.at_us > *to ? h.at_us : *to;
    }
    return s;
}

static enum drift_side side_of(const struct drift_feature *f)
{
    if (f->on)
        return f->on == ON_PROMPT ? DRIFT_PROMPT : DRIFT_ANSWER;
    if (f->name[0] == '(' && strcmp(f->kind, "rows") != 0)
        return DRIFT_BEHAVIOUR;
    return strncmp(f->name, "prediction.", 11) == 0 ? DRIFT_PREDICTIONS : DRIFT_FEATURES;
}

/* Does the text hold the term as words? ASCII case aside: terms are lower case. */
static bool holds(struct span text, const char *term)
{
    size_t n = strlen(term);
    for (size_t i = 0; n && i + n <= text.len; i++)
        if (strncasecmp(text.at + i, term, n) == 0 && (!i || (!(text.at[i - 1] & 0x80) && !strchr("abcdefghijklmnopqrstuvwxyz", text.at[i - 1] | 32))))
            return true;
    return false;
}

static uint32_t examples(struct arena *a, const struct kept *list, uint32_t n, const struct drift_report *r, bool is_after, struct drift_example *out)
{
    uint32_t found = 0;
    for (size_t t = 0; t < r->nterms && t < 8 && found < DRIFT_EXAMPLES; t++) {
        if ((r->terms[t].effect > 0) != is_after)
            continue;
        for (uint32_t i = n; i-- > 0 && found < DRIFT_EXAMPLES;) {
            struct field_reader reader = { list[i].bytes, list[i].len, false };
            struct head h = take_head(&reader);
            struct span text = r->terms[t].on == ON_PROMPT ? h.prompt : h.answer;
            bool is_known = false;
            for (uint32_t k = 0; k < found; k++)
                is_known |= span_is(h.id, out[k].id);
            if (is_known || !text.at || !holds(text, r->terms[t].term))
                continue;
            struct drift_example *e = &out[found++];
            memset(e, 0, sizeof *e);
            memcpy(e->id, h.id.at ? h.id.at : "", h.id.at ? h.id.len : 0);
            e->on = r->terms[t].on;
            e->text = arena_text(a, excerpt(text, 200));
            break;
        }
    }
    return found;
}

/* A report of its own: the comparison's arena is a hundred times larger and goes at once. */
static void copy_report(struct arena *a, const struct drift_report *from, struct drift_report *to)
{
    *to = *from;
    to->what = arena_text(a, span_of(from->what));
    to->features = arena_alloc(a, (from->nfeatures + 1) * sizeof *to->features);
    for (size_t i = 0; i < from->nfeatures; i++) {
        to->features[i] = from->features[i];
        to->features[i].name = arena_text(a, span_of(from->features[i].name));
        to->features[i].kind = arena_text(a, span_of(from->features[i].kind));
        to->features[i].what = arena_text(a, span_of(from->features[i].what));
    }
    to->terms = arena_alloc(a, (from->nterms + 1) * sizeof *to->terms);
    for (size_t i = 0; i < from->nterms; i++) {
        to->terms[i] = from->terms[i];
        to->terms[i].term = arena_text(a, span_of(from->terms[i].term));
    }
    to->schema = arena_alloc(a, (from->nschema + 1) * sizeof *to->schema);
    for (size_t i = 0; i < from->nschema; i++)
        to->schema[i] = (struct drift_change){ arena_text(a, span_of(from->schema[i].feature)), arena_text(a, span_of(from->schema[i].change)) };
}

bool drift_watch_judge(struct drift_watch *w, double alpha, struct drift_watch_report *out)
{
    bool is_full = w->nbaseline == w->options.baseline_n && w->nwindow == w->options.window_n;
    /* The next look needs half a window of new observations, however often one asks. */
    bool is_look = is_full && w->fresh * 2 >= w->options.window_n;
    if (is_look) {
        drop_report(w);
        w->arena = arena_new(1 << 22);
        w->looks++;
        w->fresh = 0;
        struct drift_watch_report *l = &w->last;
        struct arena *scratch = arena_new((size_t)1 << 30);
        struct drift_report found;
        struct drift_sample *before = sample_of(scratch, w->baseline, w->nbaseline, &l->baseline_from_us, &l->baseline_to_us);
        struct drift_sample *after = sample_of(scratch, w->window, w->nwindow, &l->window_from_us, &l->window_to_us);
        struct drift_options o = { .alpha = alpha / DRIFT_PERIOD_LOOKS, .seed = (uint32_t)w->looks, .least_effect = w->options.least_effect,
                                   /* A look's alpha is small: a short run that is nowhere near it ends the matter. */
                                  .early = fmin(0.3, fmax(0.05, 20 * alpha / DRIFT_PERIOD_LOOKS)), .permutations_most = JUDGE_DIVISIONS };
        drift_compare(scratch, before, after, &o, &found);
        copy_report(w->arena, &found, &w->report);
        arena_free(scratch);
        l->report = &w->report;
        l->alpha = alpha;
        l->alpha_of_look = o.alpha;
        for (int s = 0; s < DRIFT_SIDES; s++)
            l->sides[s].p = 1;
        for (size_t i = 0; i < w->report.nfeatures; i++) {
            struct drift_feature *f = &w->report.features[i];
            struct drift_verdict *v = &l->sides[side_of(f)];
            v->is_seen = true;
            if (!v->strongest || f->p_adjusted < v->p) {
                v->strongest = f;
                v->p = f->p_adjusted;
            }
            v->is_drift |= f->p_adjusted <= o.alpha && f->effect >= o.least_effect;
        }
        l->state = w->report.is_drift ? DRIFT_DRIFTING : DRIFT_WATCHING;
        if (w->report.is_drift) {
            l->nbefore = examples(w->arena, w->baseline, w->nbaseline, &w->report, false, l->before);
            l->nafter = examples(w->arena, w->window, w->nwindow, &w->report, true, l->after);
        }
        l->what = w->report.what;
    }
    *out = w->last;
    if (!out->report) {
        out->state = w->nbaseline < w->options.baseline_n ? DRIFT_LEARNING : DRIFT_WATCHING;
        out->what = out->state == DRIFT_LEARNING ? "learning what is normal: the baseline is not full yet" : "the first window is not full yet";
        out->alpha = alpha;
        for (int s = 0; s < DRIFT_SIDES; s++)
            out->sides[s].p = 1;
    }
    out->baseline_have = w->nbaseline;
    out->baseline_want = w->options.baseline_n;
    out->window_have = w->nwindow;
    out->window_want = w->options.window_n;
    out->seen = w->seen;
    out->looks = w->looks;
    return is_look;
}

bool drift_watch_promote(struct drift_watch *w)
{
    if (w->nwindow < w->options.window_n)
        return false;
    drop_report(w);
    for (uint32_t i = 0; i < w->nbaseline; i++)
        drop(w, &w->baseline[i]);
    w->nbaseline = 0;
    uint32_t n = w->nwindow < w->options.baseline_n ? w->nwindow : w->options.baseline_n;
    for (uint32_t i = 0; i < n; i++) { /* oldest first; the rest of a longer window goes */
        struct kept *k = &w->window[(w->next + i) % w->options.window_n];
        w->baseline[w->nbaseline++] = *k;
        *k = (struct kept){ 0 };
    }
    drop_window(w);
    return true;
}

bool drift_watch_save(const struct drift_watch *w, struct buf *out)
{
    size_t from = out->len;
    put_bytes(out, magic, sizeof magic);
    put_u32(out, w->nbaseline);
    for (uint32_t i = 0; i < w->nbaseline; i++)
        put_span(out, (struct span){ w->baseline[i].bytes, w->baseline[i].len });
    if (!out->failed)
        put_u64(out, hash_bytes(out->bytes + from, out->len - from, 14695981039346656037u));
    return !out->failed;
}

bool drift_watch_load(struct drift_watch *w, struct span bytes)
{
    if (bytes.len < sizeof magic + 12 || bytes.len > SAVED_MOST || memcmp(bytes.at, magic, sizeof magic) != 0)
        return false;
    struct field_reader sum = { bytes.at + bytes.len - 8, 8, false };
    if (take_u64(&sum) != hash_bytes(bytes.at, bytes.len - 8, 14695981039346656037u))
        return false;
    for (int pass = 0; pass < 2; pass++) { /* look at all of it before touching anything */
        struct field_reader r = { bytes.at + sizeof magic, bytes.len - sizeof magic - 8, false };
        uint32_t n = take_u32(&r);
        if (n > DRIFT_WATCH_MOST)
            return false;
        if (pass)
            drift_watch_forget(w);
        for (uint32_t i = 0; i < n; i++) {
            struct span one = take_span(&r, 1 << 20);
            struct field_reader inner = { one.at, one.len, false };
            if (!pass) {
                take_head(&inner);
                take_row(&inner, NULL, false);
                take_row(&inner, NULL, true);
                if (r.failed || inner.failed || inner.left)
                    return false;
            } else if (w->nbaseline < w->options.baseline_n) {
                keep(w, &w->baseline[w->nbaseline++], one);
            }
        }
        if (r.failed || r.left)
            return false;
    }
    return true;
}

static void put_examples(struct buf *out, const char *key, const struct drift_example *e, uint32_t n)
{
    buf_printf(out, ", \"%s\": [", key);
    for (uint32_t i = 0; i < n; i++) {
        buf_printf(out, "%s{\"id\": \"", i ? ", " : "");
        buf_add_json(out, span_of(e[i].id));
        buf_printf(out, "\", \"on\": \"%s\", \"text\": \"", e[i].on == ON_PROMPT ? "prompt" : "response");
        buf_add_json(out, span_of(e[i].text));
        buf_add_text(out, "\"}");
    }
    buf_add_char(out, ']');
}

void drift_watch_json(const struct drift_watch_report *r, struct buf *out)
{
    buf_printf(out, "{\"state\": \"%s\", \"what\": \"", drift_state_names[r->state]);
    buf_add_json(out, span_of(r->what ? r->what : ""));
    buf_printf(out, "\", \"seen\": %llu, \"looks\": %llu, \"baseline\": {\"have\": %u, \"want\": %u}, \"window\": {\"have\": %u, \"want\": %u}, ",
               (unsigned long long)r->seen, (unsigned long long)r->looks, r->baseline_have, r->baseline_want, r->window_have, r->window_want);
    buf_printf(out, "\"alpha\": %.6g, \"alpha_of_look\": %.6g, \"sides\": {", r->alpha, r->alpha_of_look);
    for (int s = 0; s < DRIFT_SIDES; s++) {
        const struct drift_verdict *v = &r->sides[s];
        buf_printf(out, "%s\"%s\": {\"seen\": %s, \"drift\": %s, \"p\": %.6g, \"strongest\": \"", s ? ", " : "", drift_side_names[s], v->is_seen ? "true" : "false",
                   v->is_drift ? "true" : "false", v->p);
        buf_add_json(out, span_of(v->strongest ? v->strongest->name : ""));
        buf_add_text(out, "\"}");
    }
    buf_add_char(out, '}');
    put_examples(out, "before", r->before, r->nbefore);
    put_examples(out, "after", r->after, r->nafter);
    buf_add_text(out, ", \"report\": ");
    if (r->report)
        drift_report_json(r->report, out);
    else
        buf_add_text(out, "null");
    buf_add_char(out, '}');
}
