/* SPDX-License-Identifier: Apache-2.0
 * report: a drift report as the contract's JSON, and as a table for people. */
#include "checks/drift/drift.h"
#include <math.h>

static void put_text(struct buf *out, const char *key, const char *text)
{
    buf_printf(out, "\"%s\": \"", key);
    buf_add_json(out, span_of(text ? text : ""));
    buf_add_char(out, '"');
}
static const char *side_name(enum side on) { return on == ON_PROMPT ? "prompt" : on == ON_ANSWER ? "response" : "data"; }

void drift_report_json(const struct drift_report *r, struct buf *out)
{
    buf_printf(out, "{\"drift\": %s, \"alpha\": %.6g, \"p\": %.6g, ", r->is_drift ? "true" : "false", r->alpha, r->p);
    put_text(out, "what", r->what);
    buf_printf(out, ", \"n_reference\": %u, \"n_current\": %u, \"permutations\": %u, \"seed\": %u, \"features\": [", r->n_reference, r->n_current,
               r->permutations, r->seed);
    for (size_t i = 0; i < r->nfeatures; i++) {
        const struct drift_feature *f = &r->features[i];
        buf_add_text(out, i ? ", {" : "{");
        put_text(out, "name", f->name);
        buf_add_text(out, ", ");
        put_text(out, "kind", f->kind);
        buf_add_text(out, ", ");
        put_text(out, "on", side_name(f->on));
        buf_printf(out, ", \"p_adjusted\": %.6g, \"effect\": %.4g, ", f->p_adjusted, isfinite(f->effect) ? f->effect : 0.0);
        put_text(out, "what", f->what);
        buf_add_char(out, '}');
    }
    buf_add_text(out, "], \"terms\": [");
    for (size_t i = 0; i < r->nterms; i++) {
        buf_add_text(out, i ? ", {" : "{");
        put_text(out, "term", r->terms[i].term);
        buf_printf(out, ", \"effect\": %.4g, \"before\": %.4g, \"after\": %.4g, ", r->terms[i].effect, r->terms[i].before, r->terms[i].after);
        put_text(out, "on", side_name(r->terms[i].on));
        buf_add_char(out, '}');
    }
    buf_add_text(out, "], \"schema\": [");
    for (size_t i = 0; i < r->nschema; i++) {
        buf_add_text(out, i ? ", {" : "{");
        put_text(out, "feature", r->schema[i].feature);
        buf_add_text(out, ", ");
        put_text(out, "change", r->schema[i].change);
        buf_add_char(out, '}');
    }
    buf_add_text(out, "]}");
}

void drift_report_text(const struct drift_report *r, struct buf *out)
{
    buf_printf(out, "%s\np = %.4g at alpha %.4g, %u against %u observations, %u permutations\n", r->what, r->p, r->alpha, r->n_reference, r->n_current,
               r->permutations);
    for (size_t i = 0; i < r->nschema; i++)
        buf_printf(out, "%s%-28s %s\n", i ? "" : "\nschema\n", r->schema[i].feature, r->schema[i].change);
    size_t shown = 0;
    for (size_t i = 0; i < r->nfeatures && (shown < 5 || (r->features[i].p_adjusted <= r->alpha && shown < 40)); i++, shown++) {
        if (!shown)
            buf_printf(out, "\n%-28s %-10s %8s %7s  what\n", "feature", "kind", "p", "effect");
        buf_printf(out, "%-28s %-10s %8.4g %7.3f  %s\n", r->features[i].name, r->features[i].kind, r->features[i].p_adjusted, r->features[i].effect,
                   r->features[i].what);
    }
    for (size_t i = 0; i < r->nterms && i < 15; i++) {
        if (!i)
            buf_printf(out, "\n%-28s %8s %8s\n", "term", "before", "after");
        buf_printf(out, "%-28s %7.2f%% %7.2f%%\n", r->terms[i].term, 100 * r->terms[i].before, 100 * r->terms[i].after);
    }
}
