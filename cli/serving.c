/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/serving.h"
#include "base/must.h"
#include "checks/scope.h"
#include "proxy/log.h"
#include "proxy/metrics.h"
#include "report/admin.h"
#include <stdlib.h>

struct serving {
    struct server *server;
    struct config *config;          /* kept: the source's spans point into it */
    struct admin_source source;
    struct admin *admin;
};
static unsigned port;

static void metrics(void *context, struct buf *out)
{
    server_metrics(((struct serving *)context)->server, out);
}
static bool is_ready(void *context, const char **why)
{
    return server_is_ready(((struct serving *)context)->server, why);
}
static bool reload(void *context, struct troubles *t, char what[512])
{
    return server_reload(((struct serving *)context)->server, t, what);
}
static unsigned generation(void *context)
{
    return server_generation(((struct serving *)context)->server);
}
static void put(struct buf *b, const char *key, struct span s)
{
    buf_printf(b, "\"%s\":\"", key);
    buf_add_json(b, s);
    buf_add_text(b, "\",");
}
static void routes(void *context, struct buf *b)
{
    static const char *const records[] = { "durable", "async", "off" }, *const failures[] = { "refuse", "pass" };
    const struct config *c = server_config(((struct serving *)context)->server);
    buf_add_text(b, "{\"routes\":[");
    for (size_t i = 0; i < c->nroutes; i++) {
        const struct route *r = &c->routes[i];
        buf_add_text(b, i ? ",{" : "{");
        put(b, "name", r->name);
        put(b, "mount", r->mount);
        if (r->listen_port)
            buf_printf(b, "\"listen\":\"%.*s:%u\",", (int)r->listen_host.len, r->listen_host.at, r->listen_port);
        put(b, "api", r->api);
        put(b, "record", span_of(records[r->record]));
        put(b, "on_store_failure", span_of(failures[r->on_store_failure]));
        put(b, "scope", r->env.scope ? scope_name(r->env.scope) : (struct span){ 0 });
        buf_add_text(b, "\"upstreams\":[");
        for (size_t k = 0; k < r->nupstreams; k++) {
            buf_add_text(b, k ? ",\"" : "\"");
            buf_add_json(b, r->upstreams[k].url);
            buf_add_char(b, '"');
        }
        const struct rule *rules;
        buf_printf(b, "],\"rules\":%zu}", ruleset_rules(r->rules, &rules));
    }
    buf_add_text(b, "]}");
}
static void drift(void *context, struct buf *b)
{
    lookout_json(server_lookout(((struct serving *)context)->server), b);
}
static void rules(void *context, void (*each)(void *to, const struct rule *rule, const char *routes, uint64_t hits), void *to)
{
    const struct config *c = server_config(((struct serving *)context)->server);
    for (size_t i = 0; i < c->nroutes; i++) {
        const struct rule *list;
        bool seen = false;
        for (size_t k = 0; k < i && !seen; k++)
            seen = c->routes[k].rules == c->routes[i].rules; /* routes with the same list share a ruleset */
        if (seen)
            continue;
        struct buf names = { .cap = 4096 };
        for (size_t k = i; k < c->nroutes; k++)
            if (c->routes[k].rules == c->routes[i].rules)
                buf_printf(&names, "%s%.*s", names.len ? ", " : "", (int)c->routes[k].name.len, c->routes[k].name.at);
        size_t n = ruleset_rules(c->routes[i].rules, &list);
        for (size_t k = 0; k < n; k++) {
            _Atomic uint64_t *hits = metrics_rule_counter(span_of(list[k].id));
            each(to, &list[k], names.len ? names.bytes : "", hits ? atomic_load(hits) : 0);
        }
        buf_free(&names);
    }
}

void *serving_admin_start(struct server *s, struct event_base *base, struct troubles *t)
{
    struct serving *x = calloc(1, sizeof *x);
    must(x != NULL);
    x->server = s;
    x->config = config_hold((struct config *)(uintptr_t)server_config(s));
    x->source = (struct admin_source){
        .context = x, .host = x->config->admin_host, .port = x->config->admin_port, .token = x->config->admin_token,
        .data = server_store(s) ? x->config->data : NULL, .started_us = server_started_us(s), .metrics = metrics, .is_ready = is_ready,
        .reload = reload, .generation = generation, .routes = routes, .drift = drift, .rules = rules,
    };
    x->admin = admin_new(&x->source, base, t);
    if (!x->admin) {
        config_release(x->config);
        free(x);
        return NULL;
    }
    port = admin_port(x->admin);
    LOG(LOG_INFO, "admin_listening", L_SPAN("host", x->source.host), L_NUM("port", port));
    return x;
}
void serving_admin_stop(void *admin)
{
    struct serving *x = admin;
    admin_free(x->admin);
    config_release(x->config);
    free(x);
}
unsigned serving_admin_port(void)
{
    return port;
}
