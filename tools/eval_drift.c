/* SPDX-License-Identifier: Apache-2.0
 *
 * eval_drift: false alarms, power, right feature first and streams over a folder of pairs (manifest.jsonl), as Markdown.
 *     eval_drift DATA_DIR [--splits N] [--only text|tabular|fresh|streams|null] [--repeats N] [--seed N] [--verbose]
 * False alarms are counted on N fresh random divisions of the no-drift pairs' rows, of several sizes.
 */
#include "base/json.h"
#include "checks/drift/random.h"
#include "checks/drift/stream.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { FAMILIES_MOST = 64, PAIRS_MOST = 1000, ARENA_MOST = 1 << 30 };
struct pair {
    const char *name, *family, *source;
    double strength;
    bool is_text, is_stream, is_drift;
    struct drift_lines reference, current;
    struct jv features, terms;
    long warmup, change;
};

static struct span read_file(struct arena *a, const char *folder, const char *name)
{
    struct span path = arena_printf(a, "%s/%s", folder, name);
    FILE *f = fopen(path.at, "rb");
    if (!f) {
        fprintf(stderr, "eval_drift: %s: cannot be opened: give the folder that holds manifest.jsonl and its samples\n", path.at);
        exit(2);
    }
    fseek(f, 0, SEEK_END);
    long n = ftell(f);
    rewind(f);
    char *bytes = arena_alloc_raw(a, (size_t)n + 1);
    if (n < 0 || fread(bytes, 1, (size_t)n, f) != (size_t)n) {
        fprintf(stderr, "eval_drift: %s: cannot be read\n", path.at);
        exit(2);
    }
    fclose(f);
    return (struct span){ bytes, (size_t)n };
}
static void load(struct arena *a, const char *folder, struct span name, struct drift_lines *out)
{
    struct troubles t = { .arena = a };
    char *file = arena_text(a, name);
    if (!drift_read(a, file, read_file(a, folder, file), out, &t)) {
        troubles_print(&t, stderr);
        exit(2);
    }
}
static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}
static struct drift_sample *sample_of(struct arena *a, const struct drift_line *const *lines, size_t n)
{
    struct drift_sample *s = drift_sample_new(a);
    for (size_t i = 0; i < n; i++)
        drift_sample_line(s, lines[i]);
    return s;
}
static struct drift_sample *sample_of_lines(struct arena *a, const struct drift_lines *l)
{
    struct drift_sample *s = drift_sample_new(a);
    for (size_t i = 0; i < l->n; i++)
        drift_sample_line(s, &l->list[i]);
    return s;
}

struct tally {
    const char *kind, *family;
    double strength;
    unsigned n, hits, first, firsts, seen, terms;
};
static struct tally *tally_of(struct tally *t, unsigned *n, const struct pair *p)
{
    for (unsigned i = 0; i < *n; i++)
        if (t[i].strength == p->strength && strcmp(t[i].family, p->family) == 0 && strcmp(t[i].kind, p->is_text ? "text" : "tabular") == 0)
            return &t[i];
    t[*n] = (struct tally){ p->is_text ? "text" : "tabular", p->family, p->strength, 0, 0, 0, 0, 0, 0 };
    return &t[(*n)++];
}

/* Does the feature's name say one of the columns that moved? A link counts when it names two of them. */
static bool names_one(struct jv list, const char *name)
{
    for (struct jv_walk w = jv_walk(list); jv_next(&w);) {
        struct span s = jv_source(w.value);
        const char *link = strstr(name, " ~ ");
        if (span_is(s, name))
            return true;
        if (link && ((strncmp(name, s.at, s.len) == 0 && name[s.len] == ' ') || span_is(s, link + 3)))
            return true;
    }
    return false;
}

static void power(struct pair *pairs, unsigned npairs, bool is_text, uint32_t seed, bool is_verbose)
{
    struct tally tallies[FAMILIES_MOST * 4], all = { 0 };
    unsigned n = 0, null_n = 0, null_hits = 0;
    double worst = 0;
    for (unsigned i = 0; i < npairs; i++) {
        struct pair *p = &pairs[i];
        if (p->is_stream || p->is_text != is_text || n >= FAMILIES_MOST * 4 - 1)
            continue;
        struct arena *a = arena_new(ARENA_MOST);
        struct drift_options o = { .alpha = 0.05, .seed = seed };
        struct drift_report r;
        double begin = now();
        drift_compare(a, sample_of_lines(a, &p->reference), sample_of_lines(a, &p->current), &o, &r);
        double took = now() - begin;
        worst = took > worst ? took : worst;
        if (!p->is_drift) {
            null_n++;
            null_hits += r.is_drift;
        } else {
            struct tally *t = tally_of(tallies, &n, p);
            bool has_features = jv_type(p->features) == JSON_ARRAY && !is_text, has_terms = jv_type(p->terms) == JSON_ARRAY, is_first = false, is_term = false;
            t->n++, all.n++;
            if (r.is_drift) {
                t->hits++, all.hits++;
                is_first = has_features && r.nfeatures && names_one(p->features, r.features[0].name);
                t->firsts += has_features, all.firsts += has_features;
                t->first += is_first, all.first += is_first;
            }
            for (size_t k = 0; k < r.nterms && k < 10 && has_terms; k++)
                for (struct jv_walk w = jv_walk(p->terms); jv_next(&w);)
                    is_term |= span_is(jv_source(w.value), r.terms[k].term);
            if (r.is_drift && has_terms)
                t->seen++, all.seen++, t->terms += is_term, all.terms += is_term;
        }
        if (is_verbose)
            fprintf(stderr, "%-60s %d p %.4f %.2fs | %s %.3f | %s %.3f | %s %.3f | %s\n", p->name, r.is_drift, r.p, took, r.features[0].name,
                    r.features[0].p_adjusted, r.features[1].name, r.features[1].p_adjusted, r.features[2].name, r.features[2].p_adjusted,
                    r.nterms ? r.terms[0].term : "");
        arena_free(a);
    }
    printf("\n### %s pairs, alpha 0.05\n\n| family | strength | pairs | found | right column first | injected term in the first ten |\n| --- | --- | --- | --- | --- | --- |\n",
           is_text ? "Text" : "Tabular");
    for (unsigned i = 0; i < n; i++) {
        struct tally *t = &tallies[i];
        printf("| %s | %g | %u | %u |", t->family, t->strength, t->n, t->hits);
        t->firsts ? printf(" %u of %u |", t->first, t->firsts) : printf(" |");
        t->seen ? printf(" %u of %u |\n", t->terms, t->seen) : printf(" |\n");
    }
    printf("| **all** | | %u | **%u (%.0f %%)** |", all.n, all.hits, all.n ? 100.0 * all.hits / all.n : 0);
    printf(" %u of %u | %u of %u |\n\nFalse alarms on the no-drift pairs as they are: %u of %u. Longest comparison: %.2f s.\n", all.first, all.firsts, all.terms,
           all.seen, null_hits, null_n, worst);
}

/* Fresh random divisions of all no-drift rows of one source, of random sizes. */
static void false_alarms(struct pair *pairs, unsigned npairs, unsigned splits, uint32_t seed)
{
    static const double levels[] = { 0.01, 0.05, 0.2 };
    static const unsigned sizes[][2] = { { 50, 50 }, { 50, 400 }, { 400, 50 }, { 200, 100 }, { 300, 300 }, { 1000, 200 }, { 1000, 1000 } };
    enum { SIZES = sizeof sizes / sizeof *sizes };
    const char *sources[8];
    unsigned nsources = 0;
    for (unsigned i = 0; i < npairs; i++) {
        bool known = pairs[i].is_drift || pairs[i].is_stream;
        for (unsigned k = 0; k < nsources; k++)
            known |= strcmp(sources[k], pairs[i].source) == 0;
        if (!known && nsources < 8)
            sources[nsources++] = pairs[i].source;
    }
    printf("\n### False alarms, %u fresh random divisions a source and size\n\n| source | sizes | divisions | alpha 0.01 | 0.05 | 0.2 |\n| --- | --- | --- | --- | --- | --- |\n", splits);
    unsigned all = 0, all_hits[3] = { 0 };
    struct random_state random = { seed + 77u };
    for (unsigned k = 0; k < nsources; k++) {
        const struct drift_line **lines = NULL;
        size_t n = 0, cap = 0;
        struct arena *hold = arena_new(ARENA_MOST);
        for (unsigned i = 0; i < npairs; i++)
            if (!pairs[i].is_drift && !pairs[i].is_stream && strcmp(pairs[i].source, sources[k]) == 0)
                for (int s = 0; s < 2; s++) {
                    const struct drift_lines *l = s ? &pairs[i].current : &pairs[i].reference;
                    for (size_t r = 0; r < l->n; r++)
                        *ARENA_PUSH(hold, lines, n, cap) = &l->list[r];
                }
        for (unsigned z = 0; z < SIZES; z++) {
            size_t want = (size_t)sizes[z][0] + sizes[z][1];
            if (want > n)
                continue;
            unsigned hits[3] = { 0 };
            for (unsigned i = 0; i < splits; i++) {
                for (size_t r = 0; r < want; r++) {
                    size_t at = r + random_below(&random, (uint32_t)(n - r));
                    const struct drift_line *swap = lines[r];
                    lines[r] = lines[at];
                    lines[at] = swap;
                }
                struct arena *a = arena_new(ARENA_MOST);
                struct drift_options o = { .alpha = 0.05, .seed = (uint32_t)random_next(&random) };
                struct drift_report r;
                drift_compare(a, sample_of(a, lines, sizes[z][0]), sample_of(a, lines + sizes[z][0], sizes[z][1]), &o, &r);
                for (int l = 0; l < 3; l++)
                    hits[l] += r.p <= levels[l];
                arena_free(a);
            }
            printf("| %s | %u + %u | %u |", sources[k], sizes[z][0], sizes[z][1], splits);
            for (int l = 0; l < 3; l++) {
                printf(" %.1f %% |", 100.0 * hits[l] / splits);
                all_hits[l] += hits[l];
            }
            printf("\n");
            fflush(stdout);
            all += splits;
        }
        arena_free(hold);
    }
    printf("| **all** | | %u | %.2f %% | %.2f %% | %.2f %% |\n", all, 100.0 * all_hits[0] / all, 100.0 * all_hits[1] / all, 100.0 * all_hits[2] / all);
}

/* Fresh pairs: real rows drawn anew from the no-drift and reference files, changed by the same kinds of faults. The pairs
 * as they are number one or two a cell; these tell 50 % from 60 %. */
struct bag {
    const struct drift_line **list;
    size_t n, cap;
};
static void bag_add(struct arena *a, struct bag *b, const struct drift_lines *l)
{
    for (size_t i = 0; i < l->n; i++)
        *ARENA_PUSH(a, b->list, b->n, b->cap) = &l->list[i];
}
static void draw(struct random_state *r, struct bag *b, size_t want)
{
    for (size_t i = 0; i < want && i < b->n; i++) {
        size_t at = i + random_below(r, (uint32_t)(b->n - i));
        const struct drift_line *swap = b->list[i];
        b->list[i] = b->list[at];
        b->list[at] = swap;
    }
}
static bool chance(struct random_state *r, double share) { return (double)(random_next(r) >> 11) / 9007199254740992.0 < share; }

static struct span spoil_text(struct arena *a, struct random_state *r, const char *family, struct span t)
{
    static const char *const polite[] = { "good day, ", "would you kindly, ", "hello there, if it is no trouble: ", "many thanks, " };
    if (strcmp(family, "json") == 0)
        return arena_printf(a, "{\"text\": \"" SPAN_FMT "\", \"user\": 7}", SPAN_ARG(t));
    if (strcmp(family, "polite") == 0)
        return arena_printf(a, "%s" SPAN_FMT, polite[random_below(r, 4)], SPAN_ARG(t));
    char *copy = arena_text(a, t);
    if (strcmp(family, "upper") == 0)
        for (size_t i = 0; i < t.len; i++)
            copy[i] = (char)(copy[i] >= 'a' && copy[i] <= 'z' ? copy[i] - 32 : copy[i]);
    if (strcmp(family, "typos") == 0)
        for (size_t i = 0; i < t.len; i++)
            if (copy[i] >= 'a' && copy[i] <= 'z' && chance(r, 0.08))
                copy[i] = (char)('a' + random_below(r, 26));
    size_t starts[200], n = 0;
    for (size_t i = 0; i < t.len && n < 200; i++)
        if (copy[i] != ' ' && (!i || copy[i - 1] == ' '))
            starts[n++] = i;
    if (strcmp(family, "truncate") == 0 && n > 4)
        return span_trim((struct span){ copy, starts[4] });
    if (strcmp(family, "shuffle") == 0) {
        struct span out = { "", 0 };
        for (size_t i = 0; i < n; i++) {
            size_t at = i + random_below(r, (uint32_t)(n - i)), swap = starts[i];
            starts[i] = starts[at];
            starts[at] = swap;
            size_t end = starts[i];
            while (end < t.len && copy[end] != ' ')
                end++;
            out = arena_printf(a, SPAN_FMT "%s" SPAN_FMT, SPAN_ARG(out), i ? " " : "", (int)(end - starts[i]), copy + starts[i]);
        }
        return out;
    }
    return (struct span){ copy, t.len };
}

struct cell_plan {
    const char *family;
    double strength;
    unsigned weight; /* how many such pairs the folder has */
};
static double deviation_of(const struct bag *b, size_t n, size_t f, double *mean)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++)
        sum += b->list[i]->features[f].number;
    *mean = sum / (double)n;
    for (size_t i = 0; i < n; i++)
        squares += (b->list[i]->features[f].number - *mean) * (b->list[i]->features[f].number - *mean);
    return sqrt(squares / (double)n);
}
/* Changes column f of the current sample; *what: the columns that moved, as in the manifest. */
static void spoil_rows(struct arena *a, struct random_state *r, struct bag *cur, size_t n, const char *family, double strength, bool is_adult, const char **what,
                       const char **what_too)
{
    static const char *const adult[] = { "age", "hours_per_week", "capital_gain" }, *const house[] = { "MedInc", "HouseAge", "AveOccup", "Population" };
    static const char *const kinds[] = { "workclass", "education", "occupation" };
    const char *name = is_adult ? adult[random_below(r, 2)] : house[random_below(r, 4)];
    if (is_adult && (strcmp(family, "category") == 0 || (strcmp(family, "missing") == 0 && chance(r, 0.5))))
        name = kinds[random_below(r, 3)];
    if (strcmp(family, "prior") == 0)
        name = "income";
    if (strcmp(family, "correlation") == 0) {
        name = is_adult ? "age" : "MedInc";
        *what_too = is_adult ? "income" : "y_pred_proba";
    }
    *what = name;
    size_t f = 0, nf = cur->list[0]->nfeatures;
    while (f < nf && !span_is(cur->list[0]->features[f].name, name))
        f++;
    if (f == nf)
        return;
    double mean = 0, deviation = deviation_of(cur, n, f, &mean), most = -1e300, stuck = cur->list[random_below(r, (uint32_t)n)]->features[f].number;
    for (size_t i = 0; i < n; i++)
        most = cur->list[i]->features[f].number > most ? cur->list[i]->features[f].number : most;
    for (size_t i = 0; i < n; i++) {
        struct drift_line *line = arena_alloc(a, sizeof *line);
        *line = *cur->list[i];
        line->features = arena_alloc(a, nf * sizeof *line->features);
        memcpy(line->features, cur->list[i]->features, nf * sizeof *line->features);
        cur->list[i] = line;
        struct feature *v = &line->features[f];
        bool hit = chance(r, strength);
        if (strcmp(family, "shift") == 0)
            v->number = is_adult ? round(v->number + strength * deviation) : v->number + strength * deviation;
        else if (strcmp(family, "scale") == 0)
            v->number = is_adult ? round(mean + (v->number - mean) * strength) : mean + (v->number - mean) * strength;
        else if (strcmp(family, "missing") == 0 && hit)
            *v = (struct feature){ v->name, FEATURE_MISSING, NAN, { 0 } };
        else if (strcmp(family, "category") == 0 && hit)
            v->type = FEATURE_CATEGORY, v->category = SPAN("Something-new");
        else if (strcmp(family, "prior") == 0 && hit)
            v->category = SPAN(">50K");
        else if (strcmp(family, "unit") == 0 && hit)
            v->number *= 60;
        else if (strcmp(family, "outlier") == 0 && hit)
            v->number = most * 2;
        else if (strcmp(family, "stuck") == 0 && hit)
            v->number = stuck;
        else if (strcmp(family, "correlation") == 0 && hit)
            v->number = cur->list[random_below(r, (uint32_t)n)]->features[f].number;
    }
}

static void fresh(struct pair *pairs, unsigned npairs, bool is_text, unsigned repeats, uint32_t seed)
{
    static const struct cell_plan text[] = {
        { "topic", 0.01, 4 }, { "topic", 0.02, 4 }, { "topic", 0.05, 4 }, { "topic", 0.1, 4 }, { "topic", 0.2, 4 }, { "topic", 0.5, 4 },
        { "language", 0.02, 1 }, { "language", 0.05, 1 }, { "language", 0.1, 1 }, { "language", 0.3, 1 }, { "typos", 0.05, 1 }, { "typos", 0.2, 1 },
        { "typos", 0.5, 1 }, { "upper", 0.02, 1 }, { "upper", 0.1, 1 }, { "truncate", 0.1, 1 }, { "truncate", 0.3, 1 }, { "truncate", 1, 1 },
        { "json", 0.02, 1 }, { "json", 0.1, 1 }, { "polite", 0.02, 1 }, { "polite", 0.05, 1 }, { "polite", 0.2, 1 }, { "shuffle", 0.2, 1 },
        { "shuffle", 1, 1 }, { "repeat", 0.01, 1 }, { "repeat", 0.03, 1 }, { "repeat", 0.1, 1 }, { "model", 0.1, 2 }, { "model", 0.3, 2 }, { "model", 1, 2 },
        { NULL, 0, 0 } };
    static const struct cell_plan rows[] = {
        { "shift", 0.1, 2 }, { "shift", 0.2, 2 }, { "shift", 0.3, 2 }, { "shift", 0.5, 2 }, { "shift", 1, 2 }, { "scale", 1.1, 1 }, { "scale", 1.25, 1 },
        { "scale", 1.5, 1 }, { "missing", 0.01, 1 }, { "missing", 0.02, 2 }, { "missing", 0.05, 1 }, { "missing", 0.1, 1 }, { "missing", 0.2, 1 },
        { "category", 0.01, 1 }, { "category", 0.02, 1 }, { "category", 0.05, 1 }, { "category", 0.2, 1 }, { "prior", 0.05, 1 }, { "prior", 0.1, 1 },
        { "prior", 0.3, 1 }, { "unit", 0.02, 1 }, { "unit", 0.1, 1 }, { "unit", 1, 1 }, { "correlation", 0.2, 1 }, { "correlation", 0.5, 1 },
        { "correlation", 1, 1 }, { "outlier", 0.01, 1 }, { "outlier", 0.03, 1 }, { "stuck", 0.1, 1 }, { "stuck", 0.3, 1 }, { NULL, 0, 0 } };
    struct random_state r = { seed * 1000003u + 5 };
    printf("\n### Fresh %s pairs, 500 + 400 (%u a line), alpha 0.05\n\n| family | strength | found |%s\n| --- | --- | --- |%s\n", is_text ? "text" : "tabular", repeats,
           is_text ? "" : " right column first |", is_text ? "" : " --- |");
    double found = 0, weights = 0, right = 0, rights = 0;
    for (const struct cell_plan *c = is_text ? text : rows; c->family; c++) {
        unsigned hits = 0, first = 0;
        for (unsigned k = 0; k < repeats; k++) {
            struct arena *a = arena_new(ARENA_MOST);
            struct bag base = { 0 }, other = { 0 };
            bool is_adult = strcmp(c->family, "category") == 0 || strcmp(c->family, "prior") == 0 || k % 2;
            bool is_topic = strcmp(c->family, "topic") == 0, is_model = strcmp(c->family, "model") == 0, is_language = strcmp(c->family, "language") == 0;
            if (strcmp(c->family, "stuck") == 0)
                is_adult = true;
            unsigned topic = 0, which = random_below(&r, is_topic ? 4 : 2);
            const char *held = "";
            for (unsigned i = 0; i < npairs; i++) {
                struct pair *p = &pairs[i];
                if (p->is_stream || p->is_text != is_text)
                    continue;
                if (is_topic || is_model || is_language) {
                    double most = is_topic ? 0.5 : is_model ? 1 : 0.3;
                    if (strcmp(p->family, c->family) == 0 && p->strength == most && topic++ == (is_language ? 0 : which)) {
                        bag_add(a, &base, &p->reference);
                        bag_add(a, &other, &p->current);
                        held = p->name;
                    }
                } else if (!p->is_drift && (is_text ? strcmp(p->source, "clinc") == 0 : strcmp(p->source, is_adult ? "adult" : "california") == 0)) {
                    bag_add(a, &base, &p->reference);
                    bag_add(a, &base, &p->current);
                }
            }
            for (unsigned i = 0; i < npairs && *held; i++) /* the same topic at its least strength: nearly all of it ordinary */
                if (strncmp(pairs[i].name, held, strlen(held) - 4) == 0 && ((is_topic && pairs[i].strength == 0.01) || (is_language && pairs[i].strength == 0.02)))
                    bag_add(a, &base, &pairs[i].current);
            size_t nr = 500, nc = 400;
            if (is_model)
                nr = base.n / 2, nc = base.n - nr;
            draw(&r, &base, nr + nc);
            nr = base.n < nr + nc ? base.n - nc : nr;
            struct bag cur = { base.list + nr, nc, nc };
            const char *what = "", *what_too = NULL;
            if (other.n) {
                double share = c->strength * (is_topic ? 2 : is_language ? 1 / 0.3 : 1);
                draw(&r, &other, other.n);
                for (size_t i = 0, o = 0; i < nc && o < other.n; i++)
                    if (chance(&r, share))
                        cur.list[i] = other.list[o++];
            } else if (is_text) {
                struct span again = base.list[0]->prompt;
                for (size_t i = 0; i < nc; i++)
                    if (chance(&r, c->strength)) {
                        struct drift_line *line = arena_alloc(a, sizeof *line);
                        *line = *cur.list[i];
                        line->prompt = strcmp(c->family, "repeat") == 0 ? again : spoil_text(a, &r, c->family, line->prompt);
                        cur.list[i] = line;
                    }
            } else {
                spoil_rows(a, &r, &cur, nc, c->family, c->strength, is_adult, &what, &what_too);
            }
            struct drift_options o = { .alpha = 0.05, .seed = (uint32_t)random_next(&r) };
            struct drift_report report;
            drift_compare(a, sample_of(a, base.list, nr), sample_of(a, cur.list, nc), &o, &report);
            hits += report.is_drift;
            if (report.is_drift && !is_text) {
                const char *top = report.features[0].name, *link = strstr(top, " ~ ");
                bool is_right = strcmp(top, what) == 0 || (what_too && strcmp(top, what_too) == 0);
                if (link)
                    is_right |= (strncmp(top, what, strlen(what)) == 0 && top[strlen(what)] == ' ') || strcmp(link + 3, what) == 0;
                first += is_right;
            }
            arena_free(a);
        }
        printf("| %s | %g | %.0f %% |", c->family, c->strength, 100.0 * hits / repeats);
        if (!is_text)
            hits ? printf(" %u of %u |", first, hits) : printf(" |");
        printf("\n");
        fflush(stdout);
        found += (double)c->weight * hits / repeats;
        weights += c->weight;
        right += (double)c->weight * first;
        rights += (double)c->weight * hits;
    }
    printf("| **all, weighted as the folder is** | | **%.1f %%** |", 100 * found / weights);
    if (!is_text)
        printf(" %.0f %% |", rights > 0 ? 100 * right / rights : 0);
    printf("\n");
}

static void streams(struct pair *pairs, unsigned npairs, uint32_t seed)
{
    printf("\n### Streams, alpha 0.01\n\n| stream | change at | alarm at | onset said | feature | s |\n| --- | --- | --- | --- | --- | --- |\n");
    for (unsigned i = 0; i < npairs; i++) {
        if (!pairs[i].is_stream)
            continue;
        struct arena *a = arena_new(ARENA_MOST);
        struct drift_stream_report r;
        double begin = now();
        drift_stream(a, &pairs[i].reference, &(struct drift_stream_options){ .warmup = (uint32_t)pairs[i].warmup, .alpha = 0.01, .seed = seed }, &r);
        pairs[i].change < 0 ? printf("| %s | – |", pairs[i].name) : printf("| %s | %ld |", pairs[i].name, pairs[i].change);
        if (r.nalarms)
            printf(" %zu | %zu | %s |", r.alarms[0].line, r.alarms[0].onset, r.alarms[0].feature);
        else
            printf(" – | | |");
        printf(" %.1f |\n", now() - begin);
        fflush(stdout);
        arena_free(a);
    }
}

int main(int argc, char **argv)
{
    const char *folder = NULL, *only = NULL;
    unsigned splits = 100, repeats = 20, npairs = 0;
    uint32_t seed = 1;
    bool is_verbose = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--splits") == 0 && i + 1 < argc)
            splits = (unsigned)strtoul(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--repeats") == 0 && i + 1 < argc)
            repeats = (unsigned)strtoul(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc)
            seed = (uint32_t)strtoul(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--only") == 0 && i + 1 < argc)
            only = argv[++i];
        else if (strcmp(argv[i], "--verbose") == 0)
            is_verbose = true;
        else
            folder = argv[i];
    }
    if (!folder) {
        fputs("usage: eval_drift DATA_DIR [--splits N] [--only text|tabular|fresh|streams|null] [--repeats N] [--seed N] [--verbose]\n", stderr);
        return 2;
    }
    struct arena *a = arena_new(ARENA_MOST);
    struct pair *pairs = arena_alloc(a, PAIRS_MOST * sizeof *pairs);
    struct span manifest = read_file(a, folder, "manifest.jsonl");
    while (manifest.len && npairs < PAIRS_MOST) {
        const char *end = memchr(manifest.at, '\n', manifest.len);
        size_t n = end ? (size_t)(end - manifest.at) : manifest.len;
        struct json *doc = arena_alloc(a, sizeof *doc);
        if (n && json_read(doc, a, span_cut(manifest, 0, n))) {
            struct jv v = json_root(doc);
            struct pair *p = &pairs[npairs++];
            double d = 0;
            *p = (struct pair){ .name = arena_text(a, jv_text(jv_get(v, "name"), a)), .family = arena_text(a, jv_text(jv_get(v, "family"), a)),
                                .source = arena_text(a, jv_text(jv_get(v, "source"), a)), .is_drift = jv_true(jv_get(v, "drift")),
                                .is_text = jv_text_is(jv_get(v, "kind"), "text"), .is_stream = jv_text_is(jv_get(v, "kind"), "stream"),
                                .features = jv_get(v, "features"), .terms = jv_get(v, "topic_terms"), .change = -1 };
            jv_number(jv_get(v, "strength"), &p->strength);
            if (p->is_stream) {
                p->warmup = jv_number(jv_get(v, "warmup"), &d) ? (long)d : 0;
                p->change = jv_number(jv_get(v, "change"), &d) ? (long)d : -1;
                load(a, folder, jv_text(jv_get(v, "stream"), a), &p->reference);
            } else {
                load(a, folder, jv_text(jv_get(v, "reference"), a), &p->reference);
                load(a, folder, jv_text(jv_get(v, "current"), a), &p->current);
            }
        }
        manifest = span_cut(manifest, end ? n + 1 : n, manifest.len);
    }
    if (!only || strcmp(only, "text") == 0)
        power(pairs, npairs, true, seed, is_verbose);
    if (!only || strcmp(only, "tabular") == 0)
        power(pairs, npairs, false, seed, is_verbose);
    if (!only || strcmp(only, "fresh") == 0 || strcmp(only, "fresh-text") == 0)
        fresh(pairs, npairs, true, repeats, seed);
    if (!only || strcmp(only, "fresh") == 0 || strcmp(only, "fresh-rows") == 0)
        fresh(pairs, npairs, false, repeats, seed);
    if (!only || strcmp(only, "streams") == 0)
        streams(pairs, npairs, seed);
    if (!only || strcmp(only, "null") == 0)
        false_alarms(pairs, npairs, splits, seed);
    arena_free(a);
    return 0;
}
