/* SPDX-License-Identifier: Apache-2.0
 * Routes: each key of a route, and what must not be the same in two of them. */
#include "base/buf.h"
#include "checks/scope.h"
#include "proxy/api/json.h"
#include "proxy/config_read.h"
#include "proxy/http/http.h"
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
const char *const route_keys[17] = { "name", "mount", "listen", "upstream", "api", "rules", "scope", "record", "on_store_failure", "limits", "headers", "tls",
                                     "rate", "redact", "retain", "baseline", "groups" };
const char *const upstream_keys[2] = { "url", "weight" }, *const headers_keys[2] = { "set", "remove" }, *const tls_keys[3] = { "ca", "certificate", "key" };

/* Of the contract, but not built: an error, since a key that is taken and does nothing is a promise broken. */
static const struct { const char *key, *instead; } not_yet[] = {
    { "redact", "use rules with action: redact; for records, record: off keeps nothing" },
    { "retain", "records are kept until they are erased" },
    { "baseline", "take the key out" },
    { "groups", "take the key out" },
};

static void mount_read(struct config_reader *r, const struct yaml *y, struct route *route)
{
    const char *why = NULL;
    struct span s;
    if (!config_text(r, y, "mount", &s))
        return;
    if (s.len > MOUNT_BYTES_MOST)
        why = "it is too long";
    else if (s.at[0] != '/')
        why = "it must begin with a slash";
    else if (s.len > 1 && s.at[s.len - 1] == '/')
        why = "it must not end in a slash";
    else if (!http_path_is_plain(s, &why) || span_find(s, SPAN("//")))
        why = why ? why : "it holds two slashes in a row";
    for (size_t i = 0; i < s.len && !why; i++) {
        char c = s.at[i];
        if (!((c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || strchr("/-._~:@+,=", c)))
            why = "it may hold letters, digits and - . _ ~ : @ + , = only";
    }
    if (why)
        yaml_trouble(r->t, y, "a mount is a path like /openai or /", "mount: %s", why);
    else
        route->mount = s;
}

static void upstreams_read(struct config_reader *r, const struct yaml *y, struct route *route)
{
    size_t n = y->kind == YAML_LIST ? y->n : 1;
    if (y->kind == YAML_LIST && (!n || n > UPSTREAMS_MOST)) {
        yaml_trouble(r->t, y, n ? "put a balancer before them" : "write upstream: http://host:port", n ? "more than 64 upstreams" : "upstream is an empty list");
        return;
    }
    route->upstreams = arena_alloc(r->a, n * sizeof *route->upstreams);
    for (size_t i = 0; i < n; i++) {
        const struct yaml *item = y->kind == YAML_LIST ? y->items[i] : y, *url = item, *weight;
        struct upstream_url u = { .weight = 1 };
        uint64_t w;
        if (item->kind == YAML_MAP) {
            yaml_known_keys(item, upstream_keys, COUNT(upstream_keys), "an upstream", r->t);
            url = config_get(r, item, "url");
            if (!url && !yaml_get(item, "url"))
                yaml_trouble(r->t, item, "write {url: https://host, weight: 1}", "an upstream has no url");
            if ((weight = config_get(r, item, "weight")) && yaml_u64(weight, "weight", 1, WEIGHT_MOST, &w, r->t))
                u.weight = (unsigned)w;
        }
        if (!url || !upstream_read(r, url, &u))
            continue;
        bool is_twice = false;
        for (size_t k = 0; k < route->nupstreams; k++)
            is_twice = is_twice || span_same(route->upstreams[k].url, u.url);
        if (is_twice)
            yaml_trouble(r->t, url, "list it once and give it a weight", "the upstream '" SPAN_FMT "' is listed twice", SPAN_ARG(u.url));
        else
            route->upstreams[route->nupstreams++] = u;
    }
}

static bool header_name_read(struct config_reader *r, const struct yaml *y, struct span *name)
{
    if (!config_text(r, y, "a header's name", name))
        return false;
    if (!http_is_token(*name))
        yaml_trouble(r->t, y, "letters, digits and ! # $ % & ' * + - . ^ _ ` | ~", "'" SPAN_FMT "' is no header name", SPAN_ARG(*name));
    else if (http_is_hop_by_hop(NULL, *name))
        yaml_trouble(r->t, y, "vigie writes it itself for each connection", "the header " SPAN_FMT " cannot be set or removed", SPAN_ARG(*name));
    else
        return true;
    return false;
}
static bool same_name(struct span a, struct span b)
{
    return a.len == b.len && strncasecmp(a.at, b.at, a.len) == 0;
}
static void headers_read(struct config_reader *r, const struct yaml *y, struct route *route)
{
    enum { HEADERS_MOST = 128 };
    if (!config_map(r, y, "headers", headers_keys, COUNT(headers_keys)))
        return;
    const struct yaml *set = config_get(r, y, "set"), *remove = config_get(r, y, "remove");
    size_t set_cap = 0, removed_cap = 0;
    if (set && set->kind != YAML_MAP)
        yaml_trouble(r->t, set, "write {set: {NAME: value}}", "headers.set must be a map");
    else if (set && set->n > HEADERS_MOST)
        yaml_trouble(r->t, set, "leave some out", "headers.set holds more than %d headers", HEADERS_MOST);
    else if (set)
        for (size_t i = 0; i < set->n; i++) {
            struct header_set h;
            if (!header_name_read(r, set->keys[i], &h.name) || !yaml_text(set->items[i], "a header's value", &h.value, r->t))
                continue;
            h.value = span_trim(h.value);
            bool is_twice = false;
            for (size_t k = 0; k < route->nset; k++)
                is_twice = is_twice || same_name(route->set[k].name, h.name);
            if (is_twice)
                yaml_trouble(r->t, set->keys[i], "keep one: case does not tell headers apart", "the header " SPAN_FMT " is set twice", SPAN_ARG(h.name));
            else if (!http_is_field_value(h.value))
                yaml_trouble(r->t, set->items[i], "line ends and control bytes cannot stand in a header", "the value of the header " SPAN_FMT " is no header value", SPAN_ARG(h.name));
            else
                *ARENA_PUSH(r->a, route->set, route->nset, set_cap) = h;
        }
    if (remove && (remove->kind != YAML_LIST || remove->n > HEADERS_MOST))
        yaml_trouble(r->t, remove, "write {remove: [NAME, NAME]}", "headers.remove must be a list of at most %d names", HEADERS_MOST);
    else if (remove)
        for (size_t i = 0; i < remove->n; i++) {
            struct span name;
            if (!header_name_read(r, remove->items[i], &name))
                continue;
            for (size_t k = 0; k < route->nset; k++)
                if (same_name(route->set[k].name, name))
                    yaml_trouble(r->t, remove->items[i], "set alone replaces what the caller sent", "the header " SPAN_FMT " is set and removed", SPAN_ARG(name));
            *ARENA_PUSH(r->a, route->removed, route->nremoved, removed_cap) = name;
        }
}

static const char *tls_file(struct config_reader *r, const struct yaml *y, const char *key)
{
    const struct yaml *value = config_get(r, y, key);
    struct span s;
    if (!value || !config_text(r, value, key, &s))
        return NULL;
    const char *path = config_path(r, s);
    if (access(path, R_OK) != 0)
        yaml_trouble(r->t, value, "check the path (it counts from the config's folder) and its permissions", "tls.%s: '%s' cannot be read: %s", key, path, strerror(errno));
    return path;
}
static void tls_read(struct config_reader *r, const struct yaml *y, struct route *route)
{
    if (!config_map(r, y, "tls", tls_keys, COUNT(tls_keys)))
        return;
    route->ca_file = tls_file(r, y, "ca");
    route->client_certificate = tls_file(r, y, "certificate");
    route->client_key = tls_file(r, y, "key");
    if (!yaml_get(y, "certificate") != !yaml_get(y, "key"))
        yaml_trouble(r->t, y, "give both, or neither", "tls.certificate and tls.key belong together");
    bool has_https = !route->nupstreams;
    for (size_t i = 0; i < route->nupstreams; i++)
        has_https = has_https || span_is(route->upstreams[i].scheme, "https");
    if (!has_https)
        yaml_trouble(r->t, y, "write the upstream with https://, or take tls out", "tls of a route whose upstreams are all http");
}

static void scope_read(struct config_reader *r, const struct yaml *y, struct route *route)
{
    struct span s;
    struct scope *scope = NULL;
    if (y->kind == YAML_MAP)
        scope = scope_from_yaml(y, r->t);
    else if (config_text(r, y, "scope", &s)) {
        const char *path = config_path(r, s);
        if (access(path, R_OK) == 0)
            scope = scope_from_file(path, r->t);
        else
            yaml_trouble(r->t, y, "check the path (it counts from the config's folder) and its permissions", "scope: '%s' cannot be read: %s", path, strerror(errno));
    }
    if (!scope)
        return;
    *ARENA_PUSH(r->a, r->owner->scopes, r->owner->nscopes, r->owner->scopes_cap) = scope;
    route->env.scope = scope;
}

/* The paths of one field: a text, or a list of texts. */
static void paths_read(struct config_reader *r, const struct yaml *y, const char *name, struct json_path **paths, size_t *npaths)
{
    size_t n = y->kind == YAML_LIST ? y->n : 1;
    if (!n || n > JSON_PATHS_MOST) {
        yaml_trouble(r->t, y, n ? "a path with [*] names many places" : "write a path like $.a.b, or leave the key out", n ? "api.%s holds more than 16 paths" : "api.%s is an empty list", name);
        return;
    }
    *paths = arena_alloc(r->a, n * sizeof **paths);
    for (size_t i = 0; i < n; i++) {
        const struct yaml *item = y->kind == YAML_LIST ? y->items[i] : y;
        const char *why;
        struct span s;
        size_t at;
        if (!config_text(r, item, arena_printf(r->a, "api.%s", name).at, &s))
            continue;
        if (json_path_read(r->a, s, &(*paths)[*npaths], &why, &at))
            ++*npaths;
        else
            yaml_trouble(r->t, item, "paths look like $.a.b, $.a[0].b, $.a[-1], $.a[*].text or $['a b']", "api.%s: '" SPAN_FMT "' is no path, from byte %zu on: %s", name, SPAN_ARG(s), at + 1, why);
    }
}
static void paths_api_read(struct config_reader *r, const struct yaml *y, struct route *route)
{
    static const char *const stream_words[] = { "any", "none", "sse", "ndjson" };
    const struct yaml *v;
    struct span kind = { 0 };
    size_t word, before = r->t->n;
    const char *all[JSON_FIELDS + 2] = { "kind", "stream" };
    memcpy(all + 2, json_field_names, sizeof json_field_names);
    yaml_known_keys(y, all, COUNT(all), "api", r->t);
    if (!(v = config_get(r, y, "kind"))) {
        if (!yaml_get(y, "kind"))
            yaml_trouble(r->t, y, "write {kind: json, prompt: $.q, answer: $.a}", "an api made of paths needs its kind");
        return;
    }
    if (!config_text(r, v, "api.kind", &kind))
        return;
    if (!span_is(kind, "json")) {
        yaml_trouble(r->t, v, api_is_known(kind) ? arena_printf(r->a, "write api: " SPAN_FMT, SPAN_ARG(kind)).at : "json is the one kind there is", "api.kind '" SPAN_FMT "' takes no paths", SPAN_ARG(kind));
        return;
    }
    struct api_paths *paths = arena_alloc(r->a, sizeof *paths);
    size_t n = 0;
    for (size_t f = 0; f < JSON_FIELDS; f++)
        if ((v = config_get(r, y, json_field_names[f]))) {
            paths_read(r, v, json_field_names[f], &paths->fields[f].at, &paths->fields[f].n);
            n++;
        }
    if ((v = config_get(r, y, "stream")) && yaml_word(v, "api.stream", stream_words, COUNT(stream_words), &word, r->t))
        paths->stream = (enum json_stream)word;
    if (paths->stream == JSON_STREAM_NONE && (v = yaml_get(y, "delta")))
        yaml_trouble(r->t, v, "take delta out, or write stream: sse or ndjson", "api.delta of answers that are no stream");
    if (!n && r->t->n == before)
        yaml_trouble(r->t, y, "name where texts are, such as prompt: $.q and answer: $.a; api: raw looks at every string without names", "an api of kind json without a path");
    route->api = SPAN("json");
    route->own_api = json_api(r->a, paths);
}
static void api_read(struct config_reader *r, const struct yaml *y, struct route *route)
{
    struct span s;
    size_t n;
    if (y->kind == YAML_MAP) {
        paths_api_read(r, y, route);
        return;
    }
    if (!config_text(r, y, "api", &s))
        return;
    const char *const *words = api_words(&n), *near = nearest_word(s, words, n);
    if (span_is(s, "json"))
        yaml_trouble(r->t, y, "write {kind: json, prompt: $.q, answer: $.a}, or raw for every string without names", "api json needs its paths");
    else if (api_is_known(s))
        route->api = s;
    else
        yaml_trouble(r->t, y, near ? arena_printf(r->a, "did you mean '%s'?", near).at : "auto finds it by the path; raw looks at bytes only", "api '" SPAN_FMT "' is not known", SPAN_ARG(s));
}

static void name_read(struct config_reader *r, const struct yaml *y, struct route *route)
{
    struct span s;
    if (!config_text(r, y, "name", &s))
        return;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.at[i];
        if (s.len > NAME_BYTES_MOST || !((c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '-' || c == '.' || c == '_')) {
            yaml_trouble(r->t, y, "up to 64 letters, digits and - . _", "name is no name for a route");
            return;
        }
    }
    route->name = s;
}
/* /azure/openai is azure-openai, / is root, a port alone is port-8202; a number follows where that is taken. */
static void name_make(struct config_reader *r, struct route *route)
{
    char base[NAME_BYTES_MOST + 1], name[NAME_BYTES_MOST + 16];
    size_t n = 0;
    for (size_t i = 1; i < route->mount.len && n + 1 < sizeof base; i++) {
        char c = route->mount.at[i];
        base[n++] = c == '/' || strchr("~:@+,=", c) ? '-' : c;
    }
    base[n] = 0;
    if (!n)
        snprintf(base, sizeof base, route->mount.len ? "root" : "port-%u", route->listen_port);
    snprintf(name, sizeof name, "%s", base);
    for (unsigned k = 2;; k++) {
        bool is_taken = false;
        for (size_t i = 0; i < r->c->nroutes; i++)
            is_taken = is_taken || span_is(r->c->routes[i].name, name);
        if (!is_taken)
            break;
        snprintf(name, sizeof name, "%s-%u", base, k);
    }
    route->name = arena_copy(r->a, span_of(name));
}

static void route_read(struct config_reader *r, const struct yaml *y, struct route *route)
{
    const struct yaml *v;
    size_t word;
    *route = (struct route){ .line = y->line, .column = y->column, .record = r->record, .on_store_failure = r->on_store_failure, .limits = r->c->limits, .api = SPAN("auto") };
    if (!config_map(r, y, "a route", route_keys, COUNT(route_keys)))
        return;
    for (size_t i = 0; i < COUNT(not_yet); i++)
        if ((v = yaml_get(y, not_yet[i].key)))
            yaml_trouble(r->t, v, not_yet[i].instead, "%s is not there yet", not_yet[i].key);
    if ((v = config_get(r, y, "name")))
        name_read(r, v, route);
    if ((v = config_get(r, y, "mount")))
        mount_read(r, v, route);
    if ((v = config_get(r, y, "listen"))) {
        struct listener own = { 0 };
        if (v->kind == YAML_LIST)
            yaml_trouble(r->t, v, "a route has one address of its own", "listen of a route must be one host:port");
        else if (listen_read(r, v, &own))
            route->listen_host = own.host, route->listen_port = own.port, route->listen_tls = own.tls;
    }
    if (!yaml_get(y, "mount") && !yaml_get(y, "listen"))
        yaml_trouble(r->t, y, "add mount: /NAME, or listen: 127.0.0.1:PORT", "the route has neither a mount nor a port of its own");
    if ((v = config_get(r, y, "upstream")))
        upstreams_read(r, v, route);
    else if (!yaml_get(y, "upstream"))
        yaml_trouble(r->t, y, "add upstream: https://host", "the route has no upstream");
    if ((v = config_get(r, y, "api")))
        api_read(r, v, route);
    route->rules = (v = config_get(r, y, "rules")) ? rules_read(r, v) : r->rules;
    if (route->rules)
        route->needs = ruleset_needs(route->rules);
    if ((v = config_get(r, y, "scope")))
        scope_read(r, v, route);
    if ((v = config_get(r, y, "record")) && yaml_word(v, "record", record_words, COUNT(record_words), &word, r->t))
        route->record = (enum record_policy)word;
    if ((v = config_get(r, y, "on_store_failure")) && yaml_word(v, "on_store_failure", failure_words, COUNT(failure_words), &word, r->t))
        route->on_store_failure = (enum failure_policy)word;
    if ((v = config_get(r, y, "limits")))
        limits_read(r, v, true, &route->limits);
    if ((v = config_get(r, y, "rate")))
        rates_read(r, v, route);
    if ((v = config_get(r, y, "headers")))
        headers_read(r, v, route);
    if ((v = config_get(r, y, "tls")))
        tls_read(r, v, route);
}

static int by_length(const void *a, const void *b)
{
    const struct route *x = *(const struct route *const *)a, *y = *(const struct route *const *)b;
    return x->mount.len != y->mount.len ? (x->mount.len > y->mount.len ? -1 : 1) : (int)x->index - (int)y->index;
}
void routes_read(struct config_reader *r, const struct yaml *list)
{
    struct config *c = r->c;
    struct config_owner *o = r->owner;
    if (list->kind != YAML_LIST || !list->n || list->n > ROUTES_MOST) {
        yaml_trouble(r->t, list, "write:  - mount: /  and below it  upstream: http://127.0.0.1:11434", list->kind != YAML_LIST ? "routes must be a list" : list->n ? "more than 1000 routes" : "routes is an empty list");
        return;
    }
    c->routes = arena_alloc(r->a, list->n * sizeof *c->routes);
    o->route_nodes = arena_alloc(r->a, list->n * sizeof *o->route_nodes);
    o->mounts = arena_alloc(r->a, list->n * sizeof *o->mounts);
    for (size_t i = 0; i < list->n; i++) {
        struct route *route = &c->routes[i];
        route_read(r, list->items[i], route);
        route->index = (unsigned)i;
        o->route_nodes[i] = list->items[i];
        for (size_t k = 0; k < i; k++) {
            if (route->mount.len && route->mount.len == c->routes[k].mount.len && same_name(route->mount, c->routes[k].mount))
                yaml_trouble(r->t, yaml_get(list->items[i], "mount"), "give each its own (case does not tell mounts apart)", "the mount " SPAN_FMT " belongs to the route on line %u already", SPAN_ARG(route->mount), c->routes[k].line);
            if (route->name.len && span_same(route->name, c->routes[k].name))
                yaml_trouble(r->t, yaml_get(list->items[i], "name"), "give each its own", "the name " SPAN_FMT " belongs to the route on line %u already", SPAN_ARG(route->name), c->routes[k].line);
        }
        if (route->mount.len)
            o->mounts[o->nmounts++] = route;
        c->nroutes = i + 1;
    }
    for (size_t i = 0; i < c->nroutes; i++) /* after the given ones: a name that was made gives way */
        if (!c->routes[i].name.len)
            name_make(r, &c->routes[i]);
    qsort(o->mounts, o->nmounts, sizeof *o->mounts, by_length);
}
