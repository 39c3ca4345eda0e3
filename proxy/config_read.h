/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of proxy/config*.c share among themselves and nobody else includes: the owner of a loaded config, the
 * reader that fills it, and the tables of keys from which errors, the printed config and the page of the docs are held.
 */
#ifndef PROXY_CONFIG_READ_H
#define PROXY_CONFIG_READ_H
#include "base/yaml.h"
#include "proxy/config.h"
#include <stdatomic.h>

enum { ROUTES_MOST = 1000, LISTENERS_MOST = 64, UPSTREAMS_MOST = 64, WORKERS_MOST = 256, MOUNT_BYTES_MOST = 512, NAME_BYTES_MOST = 64, WEIGHT_MOST = 1000,
       RULES_PATHS_MOST = 256, TEXT_BYTES_MOST = 4096 };

/* A list of rules' paths and what it compiled to; routes with the same list share it. */
struct compiled_rules {
    struct span key;                    /* the resolved paths, each ended by a NUL byte */
    struct ruleset *rules;              /* NULL: it did not compile, and that was said */
};
/* struct config is its first member, so that the public pointer is the owner's. */
struct config_owner {
    struct config config;
    atomic_uint references;
    struct yaml *root;                  /* what was written: the printed config tells it from defaults */
    const struct yaml **route_nodes;    /* beside config.routes */
    const struct route **mounts;        /* routes with a mount, longest first */
    size_t nmounts;
    struct compiled_rules *compiled;
    size_t ncompiled, compiled_cap;
    struct scope **scopes;
    size_t nscopes, scopes_cap;
    struct tls **tls;
    size_t ntls, tls_cap;
    bool workers_auto, rules_default;
};
struct config_reader {
    struct config_owner *owner;
    struct config *c;
    struct arena *a;
    struct troubles *t;
    struct span folder;                 /* of the config's file, with its last slash; may be empty */
    struct ruleset *rules;              /* of the whole; NULL: none compiled */
    bool rules_are_loaded;
    enum record_policy record;
    enum failure_policy on_store_failure;
};

extern const char *const record_words[3], *const failure_words[2];
extern const char *const config_keys[9], *const admin_keys[2], *const route_keys[17], *const upstream_keys[2], *const headers_keys[2], *const tls_keys[3], *const listen_keys[2], *const listen_tls_keys[5];

/* A key's value, or NULL when it is not there. A key without a value is trouble and NULL. */
const struct yaml *config_get(struct config_reader *r, const struct yaml *map, const char *key);
/* Trouble unless y is a map; then its keys are checked. */
bool config_map(struct config_reader *r, const struct yaml *y, const char *name, const char *const *keys, size_t nkeys);
/* A text of 1 to TEXT_BYTES_MOST - 1 bytes. */
bool config_text(struct config_reader *r, const struct yaml *y, const char *name, struct span *out);
/* Relative to the config's folder; NUL-terminated in the config's arena. */
const char *config_path(struct config_reader *r, struct span path);

/* config_limits.c */
enum limit_kind { LIMIT_BYTES, LIMIT_MS, LIMIT_COUNT };
struct limit_key {
    const char *name;
    enum limit_kind kind;
    size_t offset;                      /* in struct limits */
    uint64_t least, most, otherwise;
    bool is_for_all;                    /* known before a route is: has no effect in a route's limits */
};
extern const struct limit_key limit_keys[];
extern const size_t nlimit_keys;
uint64_t limit_value(const struct limits *l, const struct limit_key *k);
void limits_default(struct limits *l);
/* is_route: what is_for_all is warned of. */
void limits_read(struct config_reader *r, const struct yaml *y, bool is_route, struct limits *l);
/* 65536 as 64k, 600000 ms as 10m */
void limit_text(const struct limit_key *k, uint64_t value, char out[32]);

/* config_address.c: host:port, [v6]:port, :port. *host is without brackets; ":port" gives 0.0.0.0. */
bool address_read(struct config_reader *r, const struct yaml *y, const char *name, struct span *host, unsigned *port);
bool address_is_loopback(struct span host);
bool address_is_any(struct span host);
/* May both be listened on? */
bool address_clash(struct span host_a, unsigned port_a, struct span host_b, unsigned port_b);
bool upstream_read(struct config_reader *r, const struct yaml *y, struct upstream_url *u);

/* config_tls.c: an address, or {address, tls}. The config's owner keeps the tls. */
bool listen_read(struct config_reader *r, const struct yaml *y, struct listener *l);

/* config_routes.c: fills config.routes. */
void routes_read(struct config_reader *r, const struct yaml *list);
/* The ruleset of a list of paths (from the cache if it is there), or NULL: trouble said. */
struct ruleset *rules_read(struct config_reader *r, const struct yaml *y);
struct ruleset *rules_compile(struct config_reader *r, const char *const *paths, size_t n);

/* config_rates.c */
void rates_read(struct config_reader *r, const struct yaml *y, struct route *route);

/* scope_file.c: the same from a node of the config. */
struct scope *scope_from_yaml(const struct yaml *y, struct troubles *t);
#endif
