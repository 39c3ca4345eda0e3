/* SPDX-License-Identifier: Apache-2.0
 *
 * config: vigie.yaml read into an immutable struct (contract, "Config"). Unknown keys are errors with a hint; all problems at once, with file:line:col.
 * Routes, listeners and rulesets hang on it; it is reference-counted and swapped whole on reload.
 */
#ifndef PROXY_CONFIG_H
#define PROXY_CONFIG_H
#include "base/trouble.h"
#include "checks/check.h"
#include "checks/ruleset/ruleset.h"
#include "proxy/api/api.h"

struct tls;
struct rate;
struct yaml;
enum record_policy { RECORD_DURABLE, RECORD_ASYNC, RECORD_OFF };
enum failure_policy { FAILURE_REFUSE, FAILURE_PASS };

struct limits {
    uint64_t body, header;              /* bytes: a request's body; a head */
    uint64_t keep;                      /* bytes of each body kept in a record (default 1m) */
    uint64_t hold;                      /* bytes of an answer held for a blocking rule (default = body) */
    unsigned connections;
    uint64_t idle_ms, connect_ms, first_byte_ms, between_bytes_ms, drain_ms, head_ms;
    uint64_t body_rate;               /* bytes a second; 0: any */
};
struct upstream_url {
    struct span url;                    /* as written, without a trailing slash */
    struct span scheme, host, path;     /* host without port and brackets; path: prefix, may be empty */
    unsigned port;
    unsigned weight;
};
struct header_set { struct span name, value; };
struct route {
    struct span name;                   /* given, or made from the mount or port */
    struct span mount;                  /* "/openai" or "/" ; empty: none */
    struct span listen_host;            /* empty: no port of its own */
    unsigned listen_port;
    struct tls *listen_tls;             /* NULL: in clear */
    struct upstream_url *upstreams;
    size_t nupstreams;
    struct span api;                    /* family, exact name, auto, raw; json: */
    const struct api *own_api;          /* a reader by the user's paths; else NULL */
    struct ruleset *rules;              /* compiled; shared between routes with the same list */
    struct ruleset_needs needs;
    struct check_env env;               /* scope */
    enum record_policy record;
    enum failure_policy on_store_failure;
    struct limits limits;
    struct rate *rates;                 /* proxy/meters.h */
    size_t nrates;
    bool rates_wait_for_prompt;         /* some count tokens or tell models apart: they are asked when the body is read */
    struct header_set *set;             /* headers set towards the upstream */
    size_t nset;
    struct span *removed;               /* headers removed towards the upstream */
    size_t nremoved;
    const char *ca_file, *client_certificate, *client_key;  /* tls towards the upstream; NULL: the system's */
    unsigned index;                     /* in config.routes */
    unsigned line, column;
};
struct listener {
    struct span host;
    unsigned port;
    struct route *only;                 /* a route's own port; NULL: mounts */
    struct tls *tls;                    /* NULL: in clear; lives with the config, connections hold their own */
    const struct yaml *node;            /* where it was written; NULL: the default */
};
struct config {
    const char *file;
    struct listener *listeners;
    size_t nlisteners;
    struct span admin_host;
    unsigned admin_port;
    struct span admin_token;            /* empty: loopback only */
    unsigned workers;                   /* resolved: >= 1 */
    const char *data;
    struct limits limits;
    struct route *routes;
    size_t nroutes;
    struct arena *arena;                /* owns all of it */
};

/* NULL: problems in t. content.at NULL: read the file. One reference. */
struct config *config_load(const char *file, struct span content, struct troubles *t);
/* The data folder that a config names, and nothing else of it: records must be readable while a rule is broken. In the arena. NULL: problems in t. */
const char *config_data(struct arena *a, const char *file, struct troubles *t);
struct config *config_hold(struct config *c);    /* any thread */
void config_release(struct config *c);           /* any thread */
/* The route for a path on a listener: its own, or the longest mount that is a whole prefix (/openai matches /openai and /openai/x, not
 * /openaix). *rest: the path after the mount, always beginning with '/'. NULL: none. */
const struct route *config_route(const struct config *c, const struct listener *l, struct span path, struct span *rest);
/* The whole effective configuration as YAML, defaults marked, secrets masked (vigie check --print). */
void config_print(const struct config *c, FILE *out);
/* A scope from a file (.json or .yaml) or an inline YAML map: {"name","description","intents":{…},"out":[…]}. NULL: trouble said. Freed by scope_free. */
struct scope *scope_from_file(const char *file, struct troubles *t);
#endif
