/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/metrics.h"
#include "base/must.h"
#include "checks/ruleset/ruleset.h"
#include <stdio.h>
#include <stdlib.h>

const char *const trouble_names[TROUBLES] = {
    "upstream_unresolved", "upstream_unreachable", "upstream_connect_timeout", "upstream_cut", "upstream_timeout", "upstream_bad_answer",
    "client_gone", "bad_request", "too_large", "store", "unread", "overload", "limited",
};
/* Seconds. Durations and first bytes as OpenTelemetry's GenAI conventions; overhead from 10 µs. */
static const struct { const char *name, *help; double bounds[HISTOGRAM_MOST]; unsigned n; } kinds[HISTOGRAM_KINDS] = {
    { "vigie_exchange_duration_seconds", "From the request's head to the last byte of the answer.",
      { 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92 }, 14 },
    { "vigie_time_to_first_byte_seconds", "From the request's head to the first byte of the answer's body.",
      { 0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10 }, 16 },
    { "vigie_time_per_output_token_seconds", "Time from the first byte on, by output token (streams).",
      { 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5 }, 16 },
    { "vigie_overhead_seconds", "Time vigie itself took: all but waiting for client, upstream and store.",
      { 0.00001, 0.00002, 0.00004, 0.00008, 0.00016, 0.00032, 0.00064, 0.00128, 0.00256, 0.00512, 0.01024, 0.02048, 0.04096, 0.08192 }, 14 },
};

void histogram_add(struct histogram *h, enum histogram_kind kind, uint64_t us)
{
    unsigned i = 0;
    while (i < kinds[kind].n && (double)us > kinds[kind].bounds[i] * 1e6)
        i++;
    count(&h->buckets[i], 1);
    count(&h->sum_us, us);
    count(&h->n, 1);
}

static char *route_names[METRIC_ROUTES_MOST];
static _Atomic int nroutes;
int metrics_route_slot(struct span name)
{
    int n = atomic_load(&nroutes);
    for (int i = 0; i < n; i++)
        if (span_is(name, route_names[i]))
            return i;
    if (n == METRIC_ROUTES_MOST)
        return -1;
    route_names[n] = strndup(name.at, name.len);
    must(route_names[n] != NULL);
    atomic_store(&nroutes, n + 1);
    return n;
}
static struct { char *id; _Atomic uint64_t n; } rules[METRIC_RULES_MOST];
static _Atomic int nrules;
_Atomic uint64_t *metrics_rule_counter(struct span id)
{
    int n = atomic_load(&nrules);
    for (int i = 0; i < n; i++)
        if (span_is(id, rules[i].id))
            return &rules[i].n;
    if (n == METRIC_RULES_MOST)
        return NULL;
    rules[n].id = strndup(id.at, id.len);
    must(rules[n].id != NULL);
    atomic_store(&nrules, n + 1);
    return &rules[n].n;
}

void metrics_label(struct buf *out, struct span value)
{
    buf_add_char(out, '"');
    for (size_t i = 0; i < value.len; i++)
        if (value.at[i] == '"' || value.at[i] == '\\')
            buf_printf(out, "\\%c", value.at[i]);
        else if (value.at[i] == '\n')
            buf_add_text(out, "\\n");
        else
            buf_add_char(out, value.at[i]);
    buf_add_char(out, '"');
}
#define SUM(field) ({ uint64_t sum_ = 0; for (size_t s_ = 0; s_ < nshards; s_++) sum_ += counted(&shards[s_]->field); sum_; })
static void family(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}
static void line(struct buf *out, const char *name, int route, const char *label, const char *value, uint64_t n)
{
    buf_printf(out, "%s{route=", name);
    metrics_label(out, span_of(route_names[route]));
    if (label)
        buf_printf(out, ",%s=\"%s\"", label, value);
    buf_printf(out, "} %llu\n", (unsigned long long)n);
}
void metrics_render(struct buf *out, struct metrics *const *shards, size_t nshards)
{
    static const char *const classes[] = { "none", "1xx", "2xx", "3xx", "4xx", "5xx" };
    static const char *const origins[] = { "absent", "reported", "estimated" };
    int n = atomic_load(&nroutes);
    family(out, "vigie_requests_total", "counter", "Exchanges ended, by the status class sent to the client (none: it left before).");
    for (int r = 0; r < n; r++)
        for (int i = 0; i < 6; i++)
            if (i != 1)
                line(out, "vigie_requests_total", r, "code", classes[i], SUM(routes[r].answers[i]));
    family(out, "vigie_verdicts_total", "counter", "Verdicts.");
    for (int r = 0; r < n; r++)
        for (int i = 0; i < 4; i++)
            line(out, "vigie_verdicts_total", r, "verdict", action_names[i], SUM(routes[r].verdicts[i]));
    family(out, "vigie_errors_total", "counter", "Exchanges that went wrong, by what.");
    for (int r = 0; r < n; r++)
        for (int i = 0; i < TROUBLES; i++)
            line(out, "vigie_errors_total", r, "kind", trouble_names[i], SUM(routes[r].troubles[i]));
    family(out, "vigie_checks_not_run_total", "counter", "Checks that a rule asked for and that could not run.");
    for (int r = 0; r < n; r++)
        for (int i = 0; i < CHECKS; i++)
            line(out, "vigie_checks_not_run_total", r, "check", all_checks[i]->name, SUM(routes[r].not_run[i]));
    family(out, "vigie_request_bytes_total", "counter", "Bytes of request bodies.");
    for (int r = 0; r < n; r++)
        line(out, "vigie_request_bytes_total", r, NULL, NULL, SUM(routes[r].request_bytes));
    family(out, "vigie_answer_bytes_total", "counter", "Bytes of answer bodies.");
    for (int r = 0; r < n; r++)
        line(out, "vigie_answer_bytes_total", r, NULL, NULL, SUM(routes[r].answer_bytes));
    family(out, "vigie_tokens_total", "counter", "Tokens as reported by the upstream; input includes cache reads and writes.");
    for (int r = 0; r < n; r++) {
        line(out, "vigie_tokens_total", r, "type", "input", SUM(routes[r].tokens_in));
        line(out, "vigie_tokens_total", r, "type", "output", SUM(routes[r].tokens_out));
        line(out, "vigie_tokens_total", r, "type", "cache_read", SUM(routes[r].tokens_cache_read));
        line(out, "vigie_tokens_total", r, "type", "cache_write", SUM(routes[r].tokens_cache_write));
    }
    family(out, "vigie_usage_total", "counter", "Exchanges by where their token counts come from.");
    for (int r = 0; r < n; r++)
        for (int i = 0; i < 3; i++)
            line(out, "vigie_usage_total", r, "origin", origins[i], SUM(routes[r].usage[i]));
    family(out, "vigie_streams_total", "counter", "Answers that came as streams.");
    for (int r = 0; r < n; r++)
        line(out, "vigie_streams_total", r, NULL, NULL, SUM(routes[r].streams));
    family(out, "vigie_rule_hits_total", "counter", "Exchanges on which a rule spoke.");
    for (int i = 0, most = atomic_load(&nrules); i < most; i++) {
        buf_add_text(out, "vigie_rule_hits_total{rule=");
        metrics_label(out, span_of(rules[i].id));
        buf_printf(out, "} %llu\n", (unsigned long long)atomic_load(&rules[i].n));
    }
    for (int k = 0; k < HISTOGRAM_KINDS; k++) {
        family(out, kinds[k].name, "histogram", kinds[k].help);
        for (int r = 0; r < n; r++) {
            uint64_t total = 0;
            for (unsigned i = 0; i <= kinds[k].n; i++) {
                char bound[32] = "+Inf";
                if (i < kinds[k].n)
                    snprintf(bound, sizeof bound, "%g", kinds[k].bounds[i]);
                total += SUM(routes[r].histograms[k].buckets[i]);
                buf_printf(out, "%s_bucket{route=", kinds[k].name);
                metrics_label(out, span_of(route_names[r]));
                buf_printf(out, ",le=\"%s\"} %llu\n", bound, (unsigned long long)total);
            }
            buf_printf(out, "%s_sum{route=", kinds[k].name);
            metrics_label(out, span_of(route_names[r]));
            buf_printf(out, "} %.6f\n%s_count{route=", (double)SUM(routes[r].histograms[k].sum_us) / 1e6, kinds[k].name);
            metrics_label(out, span_of(route_names[r]));
            buf_printf(out, "} %llu\n", (unsigned long long)total);
        }
    }
    family(out, "vigie_connections_accepted_total", "counter", "Client connections accepted.");
    buf_printf(out, "vigie_connections_accepted_total %llu\n", (unsigned long long)SUM(connections_accepted));
    family(out, "vigie_connections_open", "gauge", "Client connections open now.");
    buf_printf(out, "vigie_connections_open %llu\n", (unsigned long long)SUM(connections_open));
    family(out, "vigie_exchanges_open", "gauge", "Exchanges under way now.");
    buf_printf(out, "vigie_exchanges_open %llu\n", (unsigned long long)SUM(exchanges_open));
    family(out, "vigie_unrouted_total", "counter", "Requests that no route takes.");
    buf_printf(out, "vigie_unrouted_total %llu\n", (unsigned long long)SUM(unrouted));
    family(out, "vigie_refused_heads_total", "counter", "Requests whose head was refused as malformed or ambiguous.");
    buf_printf(out, "vigie_refused_heads_total %llu\n", (unsigned long long)SUM(refused_heads));
    family(out, "vigie_http2_connections_total", "counter", "Connections that spoke HTTP/2.");
    buf_printf(out, "vigie_http2_connections_total %llu\n", (unsigned long long)SUM(h2_connections));
    family(out, "vigie_http2_broken_total", "counter", "HTTP/2 connections ended because the client broke the protocol or asked too much of it.");
    buf_printf(out, "vigie_http2_broken_total %llu\n", (unsigned long long)SUM(h2_broken));
    family(out, "vigie_tls_handshakes_total", "counter", "TLS greetings of clients: whole ones, those that resumed a session, those that failed or were broken off.");
    buf_printf(out, "vigie_tls_handshakes_total{kind=\"full\"} %llu\nvigie_tls_handshakes_total{kind=\"resumed\"} %llu\nvigie_tls_handshakes_total{kind=\"failed\"} %llu\n",
               (unsigned long long)SUM(tls_greeted), (unsigned long long)SUM(tls_resumed), (unsigned long long)SUM(tls_failed));
    family(out, "vigie_drift_dropped_total", "counter", "Exchanges the drift watch did not see since its queue was full.");
    buf_printf(out, "vigie_drift_dropped_total %llu\n", (unsigned long long)SUM(drift_dropped));
}
