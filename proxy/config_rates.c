/* SPDX-License-Identifier: Apache-2.0
 * A route's `rate`: one limit or a list of them, each {per: …, requests|tokens: N/period, burst: N} or {per: …, concurrent: N}. */
#include "base/parse.h"
#include "proxy/config_read.h"
#include "proxy/meters.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
static const char *const rate_keys[] = { "per", "requests", "tokens", "concurrent", "burst" };
static const struct { const char *word; unsigned per; } pers[] = { { "route", 0 }, { "caller", PER_CALLER }, { "key", PER_KEY }, { "address", PER_ADDRESS }, { "model", PER_MODEL } };
enum { AMOUNT_MOST_K = 1000000000 };

/* 60, 100k, 2m: thousands and millions, since these count things and not bytes. */
static bool read_count(struct span s, uint64_t *out)
{
    uint64_t times = 1;
    if (s.len && (s.at[s.len - 1] == 'k' || s.at[s.len - 1] == 'm')) {
        times = s.at[s.len - 1] == 'k' ? 1000 : 1000000;
        s.len--;
    }
    if (!parse_u64(s, (uint64_t)AMOUNT_MOST_K * 1000 / times, out) || !*out)
        return false;
    *out *= times;
    return true;
}
/* 60/m, 5/s, 100k/h, 2m/d, 30/10s */
static bool read_pace(struct span s, struct rate *rate)
{
    const char *slash = memchr(s.at, '/', s.len);
    if (!slash || !read_count((struct span){ s.at, (size_t)(slash - s.at) }, &rate->amount))
        return false;
    struct span period = span_cut(s, (size_t)(slash + 1 - s.at), s.len);
    uint64_t n = 1, unit;
    if (!period.len)
        return false;
    char last = period.at[period.len - 1];
    unit = last == 's' ? 1 : last == 'm' ? 60 : last == 'h' ? 3600 : last == 'd' ? 86400 : 0;
    period.len--;
    if (!unit || (period.len && (!parse_u64(period, 3600, &n) || !n)) || n * unit > 31 * 86400)
        return false;
    rate->period_ns = n * unit * 1000000000;
    return true;
}
static bool per_one(struct config_reader *r, const struct yaml *y, unsigned *per, bool is_alone)
{
    if (y->kind == YAML_SCALAR)
        for (size_t i = 0; i < COUNT(pers); i++)
            if (span_is(y->text, pers[i].word) && (pers[i].per || is_alone)) {
                *per |= pers[i].per;
                return true;
            }
    yaml_trouble(r->t, y, "write per: caller, or per: [caller, model]; a route's limits are its own anyway", "per must be route, or one or more of caller, key, address, model");
    return false;
}
static void rate_read(struct config_reader *r, const struct yaml *y, struct route *route)
{
    const struct yaml *v, *found = NULL;
    struct rate rate = { 0 };
    struct span s;
    if (!config_map(r, y, "a rate", rate_keys, COUNT(rate_keys)))
        return;
    if ((v = config_get(r, y, "per"))) {
        if (v->kind != YAML_LIST)
            per_one(r, v, &rate.per, true);
        else if (!v->n)
            yaml_trouble(r->t, v, "write per: caller", "per is an empty list");
        else
            for (size_t i = 0; i < v->n; i++)
                per_one(r, v->items[i], &rate.per, false);
    }
    for (int kind = 0; kind < 3; kind++)
        if ((v = yaml_get(y, rate_keys[1 + kind]))) {
            if (found) {
                yaml_trouble(r->t, v, "write two limits, each with one of them", "a rate counts one thing: requests, tokens or concurrent");
                return;
            }
            found = v;
            rate.kind = (enum rate_kind)kind;
        }
    if (!found) {
        yaml_trouble(r->t, y, "write {per: caller, requests: 60/m}, {per: key, tokens: 100k/m} or {concurrent: 50}", "a rate says nothing to count");
        return;
    }
    const char *name = rate_keys[1 + rate.kind];
    if (!config_text(r, found, name, &s))
        return;
    if (rate.kind == RATE_CONCURRENT ? !read_count(s, &rate.amount) || rate.amount > 1000000 : !read_pace(s, &rate)) {
        yaml_trouble(r->t, found, rate.kind == RATE_CONCURRENT ? "write a number from 1 to 1000000" : "write how many in what time: 60/m, 5/s, 100k/h, 2m/d, 30/10s (at most 31 days)",
                     "%s: '" SPAN_FMT "' is no rate", name, SPAN_ARG(s));
        return;
    }
    rate.text = arena_text(r->a, s);
    rate.burst = rate.amount;
    if ((v = config_get(r, y, "burst"))) {
        if (rate.kind == RATE_CONCURRENT)
            yaml_trouble(r->t, v, "take it out", "burst means nothing for concurrent");
        else if (config_text(r, v, "burst", &s) && !read_count(s, &rate.burst))
            yaml_trouble(r->t, v, "write a number, like 20 or 10k: what may come at once after a pause", "burst: '" SPAN_FMT "' is no number", SPAN_ARG(s));
    }
    route->rates[route->nrates++] = rate;
    route->rates_wait_for_prompt |= rate.kind == RATE_TOKENS || (rate.per & PER_MODEL);
}
void rates_read(struct config_reader *r, const struct yaml *y, struct route *route)
{
    size_t n = y->kind == YAML_LIST ? y->n : 1;
    if (!n || n > RATES_MOST) {
        yaml_trouble(r->t, y, "", n ? "more than %d rates" : "rate is an empty list", RATES_MOST);
        return;
    }
    route->rates = arena_alloc(r->a, n * sizeof *route->rates);
    for (size_t i = 0; i < n; i++)
        rate_read(r, y->kind == YAML_LIST ? y->items[i] : y, route);
}
