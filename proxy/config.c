/* SPDX-License-Identifier: Apache-2.0
 *
 * vigie.yaml into a struct config: the top of the file, the config's life, and the choice of a route.
 *
 * All problems are gathered; only then is the config thrown away. A loaded config is const but for its count of
 * references, so any number of threads read it without a lock while a reload makes the next one beside it.
 */
#include "base/must.h"
#include "checks/scope.h"
#include "proxy/config_read.h"
#include "proxy/http/http.h"
#include "proxy/tls.h"
#include <sched.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
enum { ARENA_BYTES = 256 << 20 };

const char *const record_words[3] = { "durable", "async", "off" }, *const failure_words[2] = { "refuse", "pass" };
const char *const config_keys[9] = { "listen", "admin", "workers", "data", "rules", "record", "on_store_failure", "limits", "routes" };
const char *const admin_keys[2] = { "listen", "token" };

/* ---- shared readers ---- */

const struct yaml *config_get(struct config_reader *r, const struct yaml *map, const char *key)
{
    const struct yaml *y = yaml_get(map, key);
    if (!y || y->kind != YAML_NOTHING)
        return y;
    yaml_trouble(r->t, y, "give it one, or take the key out", "%s has no value", key);
    return NULL;
}
bool config_map(struct config_reader *r, const struct yaml *y, const char *name, const char *const *keys, size_t nkeys)
{
    if (y->kind != YAML_MAP) {
        yaml_trouble(r->t, y, "write `key: value` lines, indented below it", "%s must be a map", name);
        return false;
    }
    yaml_known_keys(y, keys, nkeys, name, r->t);
    return true;
}
bool config_text(struct config_reader *r, const struct yaml *y, const char *name, struct span *out)
{
    struct span s;
    if (!yaml_text(y, name, &s, r->t))
        return false;
    if (!s.len || s.len >= TEXT_BYTES_MOST) {
        yaml_trouble(r->t, y, s.len ? "4095 bytes are the most" : "give it a value, or take the key out", s.len ? "%s is too long" : "%s is empty", name);
        return false;
    }
    *out = s;
    return true;
}
const char *config_path(struct config_reader *r, struct span path)
{
    return path.len && path.at[0] == '/' ? arena_text(r->a, path) : arena_printf(r->a, "%.*s%.*s", (int)r->folder.len, r->folder.at ? r->folder.at : "", SPAN_ARG(path)).at;
}

/* ---- rules: compiled once for each list ---- */

struct ruleset *rules_compile(struct config_reader *r, const char *const *paths, size_t n)
{
    struct config_owner *o = r->owner;
    size_t len = 0;
    for (size_t i = 0; i < n; i++)
        len += strlen(paths[i]) + 1;
    char *key = arena_alloc(r->a, len + 1), *end = key;
    for (size_t i = 0; i < n; i++) {
        size_t bytes = strlen(paths[i]) + 1;
        memcpy(end, paths[i], bytes);
        end += bytes;
    }
    for (size_t i = 0; i < o->ncompiled; i++)
        if (span_same(o->compiled[i].key, (struct span){ key, len }))
            return o->compiled[i].rules;
    struct ruleset *rules = ruleset_load(paths, n, r->t);
    *ARENA_PUSH(r->a, o->compiled, o->ncompiled, o->compiled_cap) = (struct compiled_rules){ { key, len }, rules };
    return rules;
}
struct ruleset *rules_read(struct config_reader *r, const struct yaml *y)
{
    size_t n = y->kind == YAML_LIST ? y->n : 1;
    if (n > RULES_PATHS_MOST) {
        yaml_trouble(r->t, y, "name their folder instead", "rules lists more than %d paths", RULES_PATHS_MOST);
        return NULL;
    }
    const char **paths = arena_alloc(r->a, (n + 1) * sizeof *paths);
    for (size_t i = 0; i < n; i++) {
        struct span s;
        if (!config_text(r, y->kind == YAML_LIST ? y->items[i] : y, "rules", &s))
            return NULL;
        paths[i] = config_path(r, s);
        for (size_t k = 0; k < i; k++)
            if (strcmp(paths[k], paths[i]) == 0) {
                yaml_trouble(r->t, y->items[i], "keep one", "the rules '%s' are listed twice", paths[i]);
                return NULL;
            }
    }
    struct ruleset *rules = rules_compile(r, paths, n);
    for (size_t i = 0; i < n && !rules; i++) /* the file's own trouble does not tell who asked for it */
        if (access(paths[i], R_OK) != 0)
            yaml_trouble(r->t, y->kind == YAML_LIST ? y->items[i] : y, "a path counts from the config's folder", "rules names '%s', which cannot be read", paths[i]);
    return rules;
}
static void rules_of_all(struct config_reader *r)
{
    const struct yaml *y = config_get(r, r->owner->root, "rules");
    const char *folder = config_path(r, SPAN("rules"));
    struct stat st;
    if (y)
        r->rules = rules_read(r, y);
    else {
        r->owner->rules_default = stat(folder, &st) == 0 && S_ISDIR(st.st_mode);
        r->rules = rules_compile(r, &folder, r->owner->rules_default ? 1 : 0);
    }
}

/* ---- the top ---- */

static void listen_one(struct config_reader *r, const struct yaml *y, size_t *cap)
{
    struct listener l = { 0 };
    if (!listen_read(r, y, &l))
        return;
    for (size_t i = 0; i < r->c->nlisteners; i++)
        if (address_clash(l.host, l.port, r->c->listeners[i].host, r->c->listeners[i].port)) {
            yaml_trouble(r->t, y, "each address once; 0.0.0.0 and :: cover all others", "listen: port %u is taken by an entry before", l.port);
            return;
        }
    if (r->c->nlisteners == LISTENERS_MOST) {
        yaml_trouble(r->t, y, "leave some out", "more than %d addresses to listen on", LISTENERS_MOST);
        return;
    }
    *ARENA_PUSH(r->a, r->c->listeners, r->c->nlisteners, *cap) = l;
}
/* After the routes: without a `listen` there is a default one, if any route can be reached through it. */
static void listeners_read(struct config_reader *r)
{
    struct config *c = r->c;
    const struct yaml *y = config_get(r, r->owner->root, "listen");
    size_t cap = 0;
    if (y && y->kind == YAML_LIST && !y->n)
        yaml_trouble(r->t, y, "give an address, or take the key out for 127.0.0.1:8080", "listen is an empty list");
    else if (y && y->kind == YAML_LIST)
        for (size_t i = 0; i < y->n && r->t->errors < TROUBLES_MOST; i++)
            listen_one(r, y->items[i], &cap);
    else if (y)
        listen_one(r, y, &cap);
    else if (r->owner->nmounts && !yaml_get(r->owner->root, "listen"))
        *ARENA_PUSH(r->a, c->listeners, c->nlisteners, cap) = (struct listener){ .host = SPAN("127.0.0.1"), .port = 8080 };
    if (y && c->nroutes && !r->owner->nmounts)
        trouble_warn(r->t, y->file, y->line, y->column, "give a route a mount, or take listen out", "nothing is mounted on listen: every route has a port of its own");
    for (size_t i = 0; i < c->nroutes; i++) {
        struct route *route = &c->routes[i];
        if (!route->listen_host.len)
            continue;
        for (size_t k = 0; k < c->nlisteners; k++)
            if (address_clash(route->listen_host, route->listen_port, c->listeners[k].host, c->listeners[k].port)) {
                struct route *other = c->listeners[k].only;
                if (other)
                    trouble_add(r->t, c->file, route->line, route->column, "give each route a port of its own", "port %u belongs to the route on line %u already", route->listen_port, other->line);
                else
                    trouble_add(r->t, c->file, route->line, route->column, "give the route a port of its own", "port %u is one of listen already", route->listen_port);
            }
        *ARENA_PUSH(r->a, c->listeners, c->nlisteners, cap) = (struct listener){ .host = route->listen_host, .port = route->listen_port, .only = route, .tls = route->listen_tls, .node = yaml_get(r->owner->route_nodes[i], "listen") };
    }
}

static void admin_read(struct config_reader *r)
{
    struct config *c = r->c;
    const struct yaml *y = config_get(r, r->owner->root, "admin"), *listen = NULL, *token = NULL;
    c->admin_host = SPAN("127.0.0.1");
    c->admin_port = 9090;
    if (y && config_map(r, y, "admin", admin_keys, COUNT(admin_keys))) {
        listen = config_get(r, y, "listen");
        token = config_get(r, y, "token");
    }
    if (listen && !address_read(r, listen, "admin.listen", &c->admin_host, &c->admin_port))
        return;
    struct span s = { 0 };
    if (token && !yaml_text(token, "admin.token", &s, r->t))
        return;
    c->admin_token = span_trim(s);
    for (size_t i = 0; i < c->admin_token.len; i++)
        if (c->admin_token.at[i] <= 0x20 || c->admin_token.at[i] >= 0x7f) {
            yaml_trouble(r->t, token, "use letters, digits and - . _ ~ + / =", "admin.token holds what no Authorization header can carry");
            return;
        }
    if (c->admin_token.len && c->admin_token.len < 16)
        trouble_warn(r->t, token->file, token->line, token->column, "make one with: openssl rand -hex 16", "admin.token is short");
    if (!c->admin_token.len && !address_is_loopback(c->admin_host))
        yaml_trouble(r->t, listen ? listen : y ? y : r->owner->root, "set admin.token, or listen on 127.0.0.1", "the admin port is open beyond this machine and has no token");
    for (size_t i = 0; i < c->nlisteners; i++)
        if (address_clash(c->admin_host, c->admin_port, c->listeners[i].host, c->listeners[i].port))
            yaml_trouble(r->t, listen ? listen : r->owner->root, "give admin.listen a port of its own", "port %u is for callers already", c->admin_port);
}

static unsigned cpus(void)
{
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return n < 1 ? 1 : n > WORKERS_MOST ? WORKERS_MOST : (unsigned)n;
}
static void rest_read(struct config_reader *r)
{
    struct config *c = r->c;
    const struct yaml *root = r->owner->root, *y;
    uint64_t n;
    size_t word;
    struct span s;
    c->workers = cpus();
    r->owner->workers_auto = true;
    if ((y = config_get(r, root, "workers")) && !(y->kind == YAML_SCALAR && span_is(y->text, "auto"))) {
        r->owner->workers_auto = false;
        if (yaml_u64(y, "workers (when not auto)", 1, WORKERS_MOST, &n, r->t))
            c->workers = (unsigned)n;
    }
    s = SPAN("./data");
    if ((y = config_get(r, root, "data")))
        config_text(r, y, "data", &s);
    c->data = config_path(r, s);
    if ((y = config_get(r, root, "record")) && yaml_word(y, "record", record_words, COUNT(record_words), &word, r->t))
        r->record = (enum record_policy)word;
    if ((y = config_get(r, root, "on_store_failure")) && yaml_word(y, "on_store_failure", failure_words, COUNT(failure_words), &word, r->t))
        r->on_store_failure = (enum failure_policy)word;
    limits_default(&c->limits);
    if ((y = config_get(r, root, "limits")))
        limits_read(r, y, false, &c->limits);
}

static void say_empty(struct troubles *t, const struct yaml *root)
{
    yaml_trouble(t, root, "the least is: routes: [{mount: /, upstream: http://127.0.0.1:11434}]", "the config is empty");
}
const char *config_data(struct arena *a, const char *file, struct troubles *t)
{
    const char *slash = strrchr(file, '/');
    struct config_reader r = { .a = a, .t = t, .folder = { file, slash ? (size_t)(slash - file) + 1 : 0 } };
    struct span s = SPAN("./data");
    struct yaml *root = yaml_read(a, file, (struct span){ 0 }, false, t);
    if (root && root->kind == YAML_NOTHING)
        return say_empty(t, root), NULL;
    if (!root || !config_map(&r, root, "the config", config_keys, COUNT(config_keys)))
        return NULL;
    const struct yaml *y = yaml_get(root, "data");
    /* The environment is asked only where this value needs it: who reads records need not have the keys of upstreams. */
    if (y && y->kind == YAML_SCALAR && span_find(y->text, SPAN("${")) && (root = yaml_read(a, file, (struct span){ 0 }, true, t)))
        y = yaml_get(root, "data");
    if (!root || (y && ((y = config_get(&r, root, "data")) == NULL || !config_text(&r, y, "data", &s))))
        return NULL;
    return config_path(&r, s);
}

struct config *config_load(const char *file, struct span content, struct troubles *t)
{
    unsigned errors = t->errors;
    struct arena *a = arena_new(ARENA_BYTES);
    struct config_owner *o = arena_alloc(a, sizeof *o);
    struct config_reader r = { .owner = o, .c = &o->config, .a = a, .t = t };
    o->config.arena = a;
    o->config.file = arena_text(a, span_of(file));
    atomic_init(&o->references, 1);
    const char *slash = strrchr(o->config.file, '/');
    r.folder = (struct span){ o->config.file, slash ? (size_t)(slash - o->config.file) + 1 : 0 };
    o->root = yaml_read(a, file, content, true, t);
    if (o->root && o->root->kind == YAML_NOTHING)
        say_empty(t, o->root);
    else if (o->root && config_map(&r, o->root, "the config", config_keys, COUNT(config_keys))) {
        rest_read(&r);
        rules_of_all(&r);
        const struct yaml *routes = config_get(&r, o->root, "routes");
        if (routes)
            routes_read(&r, routes);
        else if (!yaml_get(o->root, "routes"))
            yaml_trouble(t, o->root, "add: routes: [{mount: /, upstream: http://127.0.0.1:11434}]", "there are no routes");
        listeners_read(&r);
        admin_read(&r);
    }
    if (t->errors == errors && o->root)
        return &o->config;
    config_release(&o->config);
    return NULL;
}
struct config *config_hold(struct config *c)
{
    struct config_owner *o = (struct config_owner *)c;
    atomic_fetch_add_explicit(&o->references, 1, memory_order_relaxed);
    return c;
}
void config_release(struct config *c)
{
    struct config_owner *o = (struct config_owner *)c;
    if (!o)
        return;
    unsigned before = atomic_fetch_sub_explicit(&o->references, 1, memory_order_acq_rel);
    must(before > 0);
    if (before > 1)
        return;
    for (size_t i = 0; i < o->ncompiled; i++)
        ruleset_release(o->compiled[i].rules);
    for (size_t i = 0; i < o->nscopes; i++)
        scope_free(o->scopes[i]);
    for (size_t i = 0; i < o->ntls; i++)
        tls_release(o->tls[i]);
    arena_free(c->arena);
}

/* ---- the choice of a route ---- */

static bool is_below(struct span path, struct span mount)
{
    return path.len >= mount.len && memcmp(path.at, mount.at, mount.len) == 0 && (path.len == mount.len || path.at[mount.len] == '/');
}
/* Longest first. A longer mount that the path would lead to only in another reading (escapes, doubled slashes, parameters,
 * case) makes it ambiguous: then no route is right. So is a rest that begins with two slashes: it could be read as a host. */
const struct route *config_route(const struct config *c, const struct listener *l, struct span path, struct span *rest)
{
    const struct config_owner *o = (const struct config_owner *)c;
    if (!path.len || path.at[0] != '/')
        return NULL;
    *rest = path;
    if (l && l->only)
        return l->only;
    for (size_t i = 0; i < o->nmounts; i++) {
        struct span mount = o->mounts[i]->mount;
        if (mount.len == 1)
            return o->mounts[i]; /* "/" sorts last: nothing longer matched */
        if (is_below(path, mount)) {
            *rest = path.len == mount.len ? SPAN("/") : span_cut(path, mount.len, path.len);
            return rest->len > 1 && rest->at[1] == '/' ? NULL : o->mounts[i];
        }
        if (http_path_may_mean(path, mount))
            return NULL;
    }
    return NULL;
}
