/* SPDX-License-Identifier: Apache-2.0
 * Calibration on the warm-up, then expectations over each chunk; see performance.h. */
#include "checks/drift/performance.h"
#include <math.h>
#include <stdlib.h>

enum { STEPS_MOST = 100 };
struct calibration {
    double a, b;                     /* chance = 1 / (1 + exp(-(a x + b))), x: the score's log-odds */
    double variance[3];              /* of a, of b, of both together */
    double *at, *chance;             /* isotonic: chance[i] from score at[i] on; n 0: not used */
    size_t n;
    double low, high;                /* chances are kept within: no warm-up proves a certainty */
    double middle, scale;            /* of scores that are no probabilities */
    bool is_odds;
};
struct scored { double score, chance, slope_a, slope_b; int label, prediction; /* -1: not known */ struct span group; };

static double log_odds(const struct calibration *c, double s)
{
    if (!c->is_odds)
        return (s - c->middle) / c->scale;
    s = s < 1e-5 ? 1e-5 : s > 1 - 1e-5 ? 1 - 1e-5 : s;
    return log(s / (1 - s));
}
static double logistic(double x) { return x > 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x)); }

/* Newton's method on the two parameters, with Platt's targets. */
static void fit_logistic(struct calibration *c, const struct scored *rows, size_t n)
{
    double positives = 0;
    for (size_t i = 0; i < n; i++)
        positives += rows[i].label;
    double yes = (positives + 1) / (positives + 2), no = 1 / ((double)n - positives + 2);
    c->a = c->is_odds ? 1 : 0;
    c->b = c->is_odds ? 0 : log((positives + 1) / ((double)n - positives + 1));
    for (int step = 0; step < STEPS_MOST; step++) {
        double ga = 0, gb = 0, h_aa = 1e-6, h_bb = 1e-6, h_ab = 0;
        for (size_t i = 0; i < n; i++) {
            double x = log_odds(c, rows[i].score), p = logistic(c->a * x + c->b), d = p - (rows[i].label ? yes : no), w = p * (1 - p);
            ga += d * x, gb += d;
            h_aa += w * x * x, h_bb += w, h_ab += w * x;
        }
        double det = h_aa * h_bb - h_ab * h_ab;
        if (!(det > 1e-12))
            break;
        double da = (ga * h_bb - gb * h_ab) / det, db = (gb * h_aa - ga * h_ab) / det, most = fmax(fabs(da), fabs(db)), cut = most > 2 ? 2 / most : 1;
        c->a -= cut * da;
        c->b -= cut * db;
        c->variance[0] = h_bb / det, c->variance[1] = h_aa / det, c->variance[2] = -h_ab / det;
        if (most < 1e-9)
            break;
    }
}
static double likelihood(const struct calibration *c, const struct scored *rows, size_t n, double a, double b)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        double p = logistic(a * log_odds(c, rows[i].score) + b);
        p = p < 1e-9 ? 1e-9 : p > 1 - 1e-9 ? 1 - 1e-9 : p;
        sum += log(rows[i].label ? p : 1 - p);
    }
    return sum;
}
/* Are the scores chances as they are? Then fitting would only add noise: kept unless the likelihood ratio says otherwise (chi-square of two degrees, 5 %). */
static bool are_chances(const struct calibration *c, const struct scored *rows, size_t n)
{
    return c->is_odds && 2 * (likelihood(c, rows, n, c->a, c->b) - likelihood(c, rows, n, 1, 0)) < 5.991;
}
static int by_score(const void *a, const void *b)
{
    const struct scored *x = a, *y = b;
    return x->score < y->score ? -1 : x->score > y->score;
}
/* Pool adjacent violators; rows sorted by score. */
static void fit_isotonic(struct arena *a, struct calibration *c, const struct scored *rows, size_t n)
{
    double *sum = arena_alloc(a, n * sizeof *sum), *weight = arena_alloc(a, n * sizeof *weight);
    c->at = arena_alloc(a, n * sizeof *c->at);
    c->chance = arena_alloc(a, n * sizeof *c->chance);
    size_t k = 0;
    for (size_t i = 0; i < n;) {
        size_t j = i;
        double s = 0;
        for (; j < n && rows[j].score <= rows[i].score; j++)
            s += rows[j].label;
        sum[k] = s, weight[k] = (double)(j - i), c->at[k] = rows[i].score;
        for (k++; k > 1 && sum[k - 2] * weight[k - 1] >= sum[k - 1] * weight[k - 2]; k--)
            sum[k - 2] += sum[k - 1], weight[k - 2] += weight[k - 1];
        i = j;
    }
    for (size_t i = 0; i < k; i++)
        c->chance[i] = (sum[i] + 0.5) / (weight[i] + 1);   /* a block of few lines is not certain */
    c->n = k;
}
static void judge(const struct calibration *c, struct scored *r)
{
    double x = log_odds(c, r->score), p = logistic(c->a * x + c->b), w = p * (1 - p);
    r->slope_a = w * x;
    r->slope_b = w;
    if (c->n) {
        size_t low = 0, high = c->n;
        while (high - low > 1) {
            size_t m = (low + high) / 2;
            if (c->at[m] <= r->score)
                low = m;
            else
                high = m;
        }
        p = (p + c->chance[low]) / 2;
    }
    r->chance = p < c->low ? c->low : p > c->high ? c->high : p;
}

/* Expected area under the curve when row i is positive with chance w(i): pairs won over pairs there are, ties half. Rows sorted by score. */
static double area(const struct scored *rows, size_t n, bool is_estimate)
{
    double won = 0, below = 0, positive = 0, negative = 0, self = 0;
    for (size_t i = 0; i < n;) {
        double yes = 0, no = 0, own = 0;
        size_t j = i;
        for (; j < n && rows[j].score <= rows[i].score; j++) {
            double p = is_estimate ? rows[j].chance : rows[j].label;
            yes += p, no += 1 - p, own += p * (1 - p);
        }
        won += yes * below + (yes * no - own) / 2;         /* a row is not its own rival */
        below += no;
        positive += yes, negative += no, self += own;
        i = j;
    }
    double pairs = positive * negative - self;
    return pairs > 1e-9 && positive > 1e-9 && negative > 1e-9 ? won / pairs : NAN;
}

static double clamp(double v) { return v < 0 ? 0 : v > 1 ? 1 : v; }
static void part_judge(struct arena *a, const struct calibration *c, struct scored *rows, size_t n, double z, struct performance_part *p, bool *is_outside)
{
    double right = 0, variance = 0, da = 0, db = 0, said = 0, positives = 0, area_da = 0, area_db = 0;
    size_t agreed = 0, labelled = 0;
    struct scored *known = arena_alloc(a, (n + 1) * sizeof *known);
    p->n = n;
    for (size_t i = 0; i < n; i++) {
        const struct scored *r = &rows[i];
        double sure = r->prediction ? r->chance : 1 - r->chance, sign = r->prediction ? 1 : -1;
        right += sure;
        variance += sure * (1 - sure);
        da += sign * r->slope_a, db += sign * r->slope_b;
        said += r->prediction;
        positives += r->chance;
        if (r->label >= 0) {
            agreed += r->label == r->prediction;
            known[labelled++] = *r;
        }
    }
    double m = (double)n;
    p->estimated = (struct performance_figures){ right / m, area(rows, n, true), said / m };
    variance = variance / (m * m) + (da * da * c->variance[0] + db * db * c->variance[1] + 2 * da * db * c->variance[2]) / (m * m);
    p->accuracy[0] = clamp(p->estimated.accuracy - 1.96 * sqrt(variance));
    p->accuracy[1] = clamp(p->estimated.accuracy + 1.96 * sqrt(variance));
    /* Hanley and McNeil 1982 for the labels' part, differences for the calibration's. */
    double u = p->estimated.roc_auc, negatives = m - positives;
    if (isfinite(u) && positives > 1 && negatives > 1) {
        double q1 = u / (2 - u), q2 = 2 * u * u / (1 + u), v = (u * (1 - u) + (positives - 1) * (q1 - u * u) + (negatives - 1) * (q2 - u * u)) / (positives * negatives);
        struct calibration moved[2] = { *c, *c };
        double by[2] = { sqrt(c->variance[0]) / 2 + 1e-6, sqrt(c->variance[1]) / 2 + 1e-6 }, slope[2];
        moved[0].a += by[0];
        moved[1].b += by[1];
        for (int k = 0; k < 2; k++) {
            struct scored *other = arena_alloc(a, n * sizeof *other);
            memcpy(other, rows, n * sizeof *other);
            for (size_t i = 0; i < n; i++)
                judge(&moved[k], &other[i]);
            slope[k] = (area(other, n, true) - u) / by[k];
        }
        area_da = slope[0], area_db = slope[1];
        v += area_da * area_da * c->variance[0] + area_db * area_db * c->variance[1] + 2 * area_da * area_db * c->variance[2];
        p->roc_auc[0] = clamp(u - 1.96 * sqrt(fmax(v, 0)));
        p->roc_auc[1] = clamp(u + 1.96 * sqrt(fmax(v, 0)));
    } else {
        p->roc_auc[0] = p->roc_auc[1] = NAN;
    }
    p->labelled = labelled;
    p->realised = (struct performance_figures){ labelled ? (double)agreed / (double)labelled : NAN, labelled ? area(known, labelled, false) : NAN, said / m };
    if (is_outside) {
        double scale = labelled ? sqrt(m / (double)labelled) : 1;
        *is_outside = 2 * labelled >= n && fabs(p->realised.accuracy - p->estimated.accuracy) > z * sqrt(variance) * scale;
    }
}
/* The two-sided quantile at 0.05 / n: as many chunks are looked at. (Acklam's lower-tail approximation is more than is needed: Newton on erfc.) */
static double quantile(size_t n)
{
    double want = 0.05 / (double)(n ? n : 1), z = 2;
    for (int i = 0; i < 60; i++)
        z += (erfc(z / sqrt(2)) - want) / (sqrt(2 / M_PI) * exp(-z * z / 2));
    return z;
}

static bool is_binary(double v) { return v <= 0 ? v >= 0 : v <= 1 && v >= 1; }
const char *performance(struct arena *a, const struct drift_lines *lines, size_t warmup, size_t chunk, struct performance_report *out)
{
    *out = (struct performance_report){ .n = lines->n, .warmup = warmup };
    if (warmup >= lines->n)
        return "the warm-up is as long as the stream: nothing is left to estimate";
    struct scored *rows = arena_alloc(a, lines->n * sizeof *rows), *warm = arena_alloc(a, warmup * sizeof *warm + 1);
    struct calibration c = { .is_odds = true };
    size_t nwarm = 0, positives = 0;
    double sum = 0, squares = 0;
    for (size_t i = 0; i < lines->n; i++) {
        const struct drift_line *l = &lines->list[i];
        if (isnan(l->score))
            return "a line has no score: each needs one, the model's chance of label 1";
        if (!isnan(l->label) && !is_binary(l->label))
            return "labels other than 0 and 1: only classifiers of two classes are estimated";
        if (!isnan(l->prediction) && !is_binary(l->prediction))
            return "predictions other than 0 and 1: only classifiers of two classes are estimated";
        c.is_odds &= l->score >= 0 && l->score <= 1;
        rows[i] = (struct scored){ .score = l->score, .label = isnan(l->label) ? -1 : (int)l->label, .prediction = isnan(l->prediction) ? -1 : (int)l->prediction, .group = l->group };
        if (i < warmup && rows[i].label >= 0) {
            warm[nwarm++] = rows[i];
            positives += (size_t)rows[i].label;
            sum += l->score, squares += l->score * l->score;
        }
    }
    if (nwarm < PERFORMANCE_LEAST || positives < 5 || nwarm - positives < 5)
        return "the warm-up has too few labels: 50 are needed, 5 of either kind";
    c.middle = sum / (double)nwarm;
    c.scale = sqrt(fmax(squares / (double)nwarm - c.middle * c.middle, 1e-12));
    c.low = 0.5 / (double)(nwarm + 1);
    c.high = 1 - c.low;
    fit_logistic(&c, warm, nwarm);
    bool as_they_are = are_chances(&c, warm, nwarm);
    if (as_they_are)
        c.a = 1, c.b = 0;              /* how unsure that is stays what the fit said */
    qsort(warm, nwarm, sizeof *warm, by_score);
    if (nwarm >= ISOTONIC_LEAST && !as_they_are)
        fit_isotonic(a, &c, warm, nwarm);
    for (size_t i = 0; i < lines->n; i++) {
        judge(&c, &rows[i]);
        if (rows[i].prediction < 0)
            rows[i].prediction = rows[i].chance >= 0.5;
    }
    size_t agreed = 0, said = 0;
    for (size_t i = 0; i < warmup; i++) {
        agreed += rows[i].label >= 0 && rows[i].label == rows[i].prediction;
        said += (size_t)rows[i].prediction;
    }
    out->before = (struct performance_figures){ (double)agreed / (double)nwarm, area(warm, nwarm, false), (double)said / (double)warmup };

    out->nchunks = (lines->n - warmup + chunk - 1) / chunk;
    out->chunks = arena_alloc(a, out->nchunks * sizeof *out->chunks);
    double z = quantile(out->nchunks);
    struct scored *sorted = arena_alloc(a, (chunk < lines->n ? chunk : lines->n) * sizeof *sorted), *own = arena_alloc(a, (chunk < lines->n ? chunk : lines->n) * sizeof *own);
    for (size_t k = 0; k < out->nchunks; k++) {
        struct performance_chunk *x = &out->chunks[k];
        x->start = warmup + k * chunk;
        x->end = x->start + chunk < lines->n ? x->start + chunk : lines->n;
        size_t n = x->end - x->start;
        memcpy(sorted, rows + x->start, n * sizeof *sorted);
        qsort(sorted, n, sizeof *sorted, by_score);
        struct arena *scratch = arena_new((size_t)1 << 30);
        part_judge(scratch, &c, sorted, n, z, &x->whole, &x->is_outside);
        out->outside += x->is_outside;
        x->groups = arena_alloc(a, PERFORMANCE_GROUPS_MOST * sizeof *x->groups);
        for (size_t i = 0; i < n && x->ngroups < PERFORMANCE_GROUPS_MOST; i++) {
            bool is_known = !sorted[i].group.len;
            for (size_t g = 0; g < x->ngroups && !is_known; g++)
                is_known = span_same(x->groups[g].group, sorted[i].group);
            if (is_known)
                continue;
            size_t m = 0;
            for (size_t j = i; j < n; j++)
                if (span_same(sorted[j].group, sorted[i].group))
                    own[m++] = sorted[j];
            x->groups[x->ngroups].group = sorted[i].group;
            part_judge(scratch, &c, own, m, z, &x->groups[x->ngroups++], NULL);
        }
        arena_free(scratch);
    }
    return NULL;
}

/* ---- told ---- */

static void put(struct buf *out, double v)
{
    if (isfinite(v))
        buf_printf(out, "%.5g", v);
    else
        buf_add_text(out, "null");
}
static void put_figures(struct buf *out, const char *name, const struct performance_figures *f)
{
    buf_printf(out, "\"%s\": {\"accuracy\": ", name);
    put(out, f->accuracy);
    buf_add_text(out, ", \"roc_auc\": ");
    put(out, f->roc_auc);
    buf_add_char(out, '}');
}
static void put_part(struct buf *out, const struct performance_part *p)
{
    buf_printf(out, "\"n\": %zu, ", p->n);
    put_figures(out, "estimated", &p->estimated);
    buf_add_text(out, ", \"interval\": {\"accuracy\": [");
    put(out, p->accuracy[0]);
    buf_add_text(out, ", ");
    put(out, p->accuracy[1]);
    buf_add_text(out, "], \"roc_auc\": [");
    put(out, p->roc_auc[0]);
    buf_add_text(out, ", ");
    put(out, p->roc_auc[1]);
    buf_add_text(out, "]}, \"positive_rate\": ");
    put(out, p->estimated.positive_rate);
    if (p->labelled) {
        buf_add_text(out, ", ");
        put_figures(out, "realised", &p->realised);
        buf_printf(out, ", \"labelled\": %zu", p->labelled);
    }
}
static const char assumed[] = "labels follow the scores as they did in the warm-up; when they no longer do (concept drift) the estimate does not see it, only labels tell";
void performance_json(const struct performance_report *r, struct buf *out)
{
    buf_printf(out, "{\"n\": %zu, \"warmup\": {\"n\": %zu, ", r->n, r->warmup);
    put_figures(out, "realised", &r->before);
    buf_printf(out, "}, \"assumption\": \"%s\", \"outside\": %zu, \"chunks\": [", assumed, r->outside);
    for (size_t i = 0; i < r->nchunks; i++) {
        const struct performance_chunk *c = &r->chunks[i];
        buf_printf(out, "%s\n {\"start\": %zu, \"end\": %zu, ", i ? "," : "", c->start, c->end);
        put_part(out, &c->whole);
        if (c->is_outside)
            buf_add_text(out, ", \"what\": \"what was realised lies outside the interval: labels no longer follow the scores as they did, do not rely on the estimate\"");
        buf_add_text(out, ", \"groups\": [");
        for (size_t g = 0; g < c->ngroups; g++) {
            buf_add_text(out, g ? ", {\"group\": \"" : "{\"group\": \"");
            buf_add_json(out, c->groups[g].group);
            buf_add_text(out, "\", ");
            put_part(out, &c->groups[g]);
            buf_add_char(out, '}');
        }
        buf_add_text(out, "]}");
    }
    buf_add_text(out, "\n]}\n");
}
static void put_cell(struct buf *out, double v)
{
    if (isfinite(v))
        buf_printf(out, "  %8.3f", v);
    else
        buf_printf(out, "  %8s", "-");
}
void performance_text(const struct performance_report *r, struct buf *out)
{
    buf_printf(out, "In the warm-up (%zu lines): accuracy %.3f, ROC AUC %.3f.\n\n%-16s %9s %19s  %8s  %8s  %8s\n", r->warmup, r->before.accuracy, r->before.roc_auc, "lines", "accuracy", "95 % interval", "realised", "ROC AUC", "realised");
    for (size_t i = 0; i < r->nchunks; i++) {
        const struct performance_chunk *c = &r->chunks[i];
        char lines[48], interval[48];
        snprintf(lines, sizeof lines, "%zu to %zu", c->start, c->end - 1);
        snprintf(interval, sizeof interval, "%.3f to %.3f", c->whole.accuracy[0], c->whole.accuracy[1]);
        buf_printf(out, "%-16s %9.3f %19s", lines, c->whole.estimated.accuracy, interval);
        put_cell(out, c->whole.realised.accuracy);
        put_cell(out, c->whole.estimated.roc_auc);
        put_cell(out, c->whole.realised.roc_auc);
        buf_add_text(out, c->is_outside ? "  outside\n" : "\n");
    }
    buf_printf(out, "\nAssumed: %s.\n", assumed);
    if (r->outside)
        buf_printf(out, "In %zu of %zu chunks what was realised lies outside the interval: do not rely on the estimate there.\n", r->outside, r->nchunks);
}
