/* SPDX-License-Identifier: Apache-2.0
 * config: what is taken, what is refused and where, defaults, the choice of a route, and that the printed config is the
 * same config again. Rulesets, scopes and API names are stood in for here: config only carries them. */
#include "checks/scope.h"
#include "proxy/config_read.h"
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

/* ---- stand-ins ---- */

struct ruleset { char paths[512]; };
static int rulesets_alive, rulesets_loaded, scopes_alive;
static size_t scope_intents, scope_examples, scope_out;
static double scope_false_alarms;
static char scope_first[64];
struct ruleset *ruleset_load(const char *const *paths, size_t n, struct troubles *t)
{
    for (size_t i = 0; i < n; i++)
        if (strstr(paths[i], "broken")) {
            trouble_add(t, paths[i], 3, 1, "", "a broken rule");
            return NULL;
        }
    struct ruleset *rs = calloc(1, sizeof *rs);
    assert_non_null(rs);
    for (size_t i = 0; i < n; i++)
        snprintf(rs->paths + strlen(rs->paths), sizeof rs->paths - strlen(rs->paths), "%s;", paths[i]);
    rulesets_alive++, rulesets_loaded++;
    return rs;
}
void ruleset_release(struct ruleset *rs)
{
    if (rs)
        rulesets_alive--;
    free(rs);
}
struct ruleset_needs ruleset_needs(const struct ruleset *rs)
{
    return (struct ruleset_needs){ .reads_prompt = rs->paths[0] != 0 };
}
struct scope *scope_train(const struct scope_source *s, const char **why)
{
    if (span_is(s->name, "untrainable")) {
        *why = "too little to learn from";
        return NULL;
    }
    scope_intents = s->nintents, scope_examples = 0, scope_out = s->nout, scope_false_alarms = s->false_alarms;
    for (size_t i = 0; i < s->nintents; i++)
        scope_examples += s->intents[i].n;
    snprintf(scope_first, sizeof scope_first, "%.*s", SPAN_ARG(s->intents[0].examples[0]));
    scopes_alive++;
    return malloc(1);
}
void scope_free(struct scope *s)
{
    if (s)
        scopes_alive--;
    free(s);
}
static const char *const words[] = { "openai", "anthropic", "auto", "raw" };
const char *const *api_words(size_t *n)
{
    *n = 4;
    return words;
}
bool api_is_known(struct span word)
{
    for (size_t i = 0; i < 4; i++)
        if (span_is(word, words[i]))
            return true;
    return false;
}

/* ---- helpers ---- */

static char folder[] = "/tmp/vigie-test-config-XXXXXX";
static struct troubles *list_new(void)
{
    struct troubles *t = calloc(1, sizeof *t);
    assert_non_null(t);
    t->arena = arena_new(1 << 20);
    return t;
}
static void list_free(struct troubles *t)
{
    arena_free(t->arena);
    free(t);
}
static struct config *load(const char *text, struct troubles *t)
{
    char file[64];
    snprintf(file, sizeof file, "%s/vigie.yaml", folder);
    return config_load(file, span_of(text), t);
}
static struct config *taken(const char *text)
{
    struct troubles *t = list_new();
    struct config *c = load(text, t);
    if (!c) {
        troubles_print(t, stderr);
        fail_msg("refused: %s", text);
    }
    list_free(t);
    return c;
}
/* Refused, with this at this line; nothing is left behind. */
static void refused(const char *text, unsigned line, const char *what, const char *hint)
{
    struct troubles *t = list_new();
    int rules = rulesets_alive, scopes = scopes_alive;
    struct config *c = load(text, t);
    bool found = false;
    for (unsigned i = 0; i < t->n; i++)
        found = found || (!t->list[i].is_warning && t->list[i].line == line && strstr(t->list[i].what, what) && strstr(t->list[i].hint, hint));
    if (c || !found) {
        troubles_print(t, stderr);
        fail_msg("%s; wanted %u: %s: %s", c ? "taken" : "not said", line, what, hint);
    }
    assert_int_equal(rulesets_alive, rules);
    assert_int_equal(scopes_alive, scopes);
    list_free(t);
}
static void write_file(const char *name, const char *text, size_t n)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, n, f), n);
    fclose(f);
}
#define LEAST "routes:\n  - mount: /\n    upstream: http://h\n"
#define ROUTE "\n" LEAST

/* ---- tests ---- */

static void the_least(void **state)
{
    (void)state;
    struct config *c = taken(LEAST);
    assert_int_equal(c->nlisteners, 1);
    assert_true(span_is(c->listeners[0].host, "127.0.0.1") && c->listeners[0].port == 8080 && !c->listeners[0].only);
    assert_true(span_is(c->admin_host, "127.0.0.1") && c->admin_port == 9090 && !c->admin_token.len);
    assert_true(c->workers >= 1);
    assert_non_null(strstr(c->data, "/./data"));
    const struct route *r = &c->routes[0];
    assert_true(span_is(r->name, "root") && span_is(r->api, "auto") && r->record == RECORD_DURABLE && r->on_store_failure == FAILURE_REFUSE && !r->env.scope);
    assert_true(r->nupstreams == 1 && span_is(r->upstreams[0].url, "http://h") && r->upstreams[0].port == 80 && r->upstreams[0].weight == 1 && !r->upstreams[0].path.len);
    const struct limits *l = &r->limits;
    assert_true(l->body == 64 << 20 && l->header == 64 << 10 && l->connections == 10000 && l->idle_ms == 600000 && l->connect_ms == 5000 && l->first_byte_ms == 600000);
    assert_true(l->between_bytes_ms == 600000 && l->drain_ms == 30000 && l->head_ms == 30000 && l->keep == 1 << 20 && l->hold == l->body);
    assert_string_equal(r->rules->paths, "");
    config_release(c);
    assert_int_equal(rulesets_alive, 0);
}

static const char full[] =
    "listen: [127.0.0.1:18080, {address: '[::1]:18081'}]\n"
    "admin: {listen: 0.0.0.0:19090, token: \"${VIGIE_TEST_TOKEN:-}\"}\n"
    "workers: 3\n"
    "data: /var/lib/vigie\n"
    "rules: [packs, /etc/rules.yaml]\n"
    "record: async\n"
    "on_store_failure: pass\n"
    "limits: {body: 1m, connections: 7, keep: 0, head: 5s}\n"
    "routes:\n"
    "  - mount: /openai\n"
    "    name: chat\n"
    "    upstream: https://api.openai.com/\n"
    "    api: openai\n"
    "    headers: {set: {Authorization: \"Bearer ${VIGIE_TEST_TOKEN}\", x-org: ''}, remove: [cookie]}\n"
    "    limits: {body: 2m, first_byte: 90s}\n"
    "    scope: {name: bank, intents: {card: [lost my card, 'block: it']}, out: [weather], false_alarms: 0.1}\n"
    "    record: off\n"
    "    on_store_failure: refuse\n"
    "  - mount: /openai/special\n"
    "    listen: :18202\n"
    "    rules: []\n"
    "    upstream: [{url: 'http://[::1]:1/v1/', weight: 5}, https://h.example:8443/a/b]\n"
    "    tls: {ca: ca.pem}\n"
    "  - listen: 127.0.0.1:0\n"
    "    rules: packs\n"
    "    upstream: http://127.0.0.1:18202\n";

static void all_keys(void **state)
{
    (void)state;
    setenv("VIGIE_TEST_TOKEN", "0123456789abcdef-secret", 1);
    write_file("ca.pem", "x", 1);
    rulesets_loaded = 0;
    struct config *c = taken(full);
    assert_int_equal(rulesets_loaded, 3);
    assert_int_equal(c->nlisteners, 4);
    assert_true(span_is(c->listeners[1].host, "::1") && c->listeners[1].port == 18081);
    assert_true(c->listeners[2].only == &c->routes[1] && span_is(c->listeners[2].host, "0.0.0.0") && c->listeners[2].port == 18202);
    assert_true(c->listeners[3].only == &c->routes[2] && c->listeners[3].port == 0);
    assert_true(span_is(c->admin_host, "0.0.0.0") && c->admin_port == 19090 && span_is(c->admin_token, "0123456789abcdef-secret"));
    assert_true(c->workers == 3 && strcmp(c->data, "/var/lib/vigie") == 0);
    const struct route *r = &c->routes[0];
    char expected[256];
    snprintf(expected, sizeof expected, "%s/packs;/etc/rules.yaml;", folder);
    assert_string_equal(r->rules->paths, expected);
    assert_true(r->needs.reads_prompt && r->env.scope && scope_intents == 1 && scope_examples == 2 && scope_out == 1 && scope_false_alarms > 0.09);
    assert_true(span_is(r->name, "chat") && span_is(r->api, "openai") && r->record == RECORD_OFF && r->on_store_failure == FAILURE_REFUSE);
    assert_true(span_is(r->upstreams[0].url, "https://api.openai.com") && span_is(r->upstreams[0].host, "api.openai.com") && r->upstreams[0].port == 443 && span_is(r->upstreams[0].scheme, "https"));
    assert_true(r->nset == 2 && span_is(r->set[0].value, "Bearer 0123456789abcdef-secret") && r->set[1].value.len == 0 && r->nremoved == 1 && span_is(r->removed[0], "cookie"));
    assert_true(r->limits.body == 2 << 20 && r->limits.hold == 2 << 20 && r->limits.first_byte_ms == 90000 && r->limits.keep == 0 && r->limits.connections == 7 && r->limits.head_ms == 5000);
    r = &c->routes[1];
    assert_true(span_is(r->name, "openai-special") && r->record == RECORD_ASYNC && r->on_store_failure == FAILURE_PASS && r->limits.body == 1 << 20 && !r->needs.reads_prompt);
    assert_true(r->nupstreams == 2 && r->upstreams[0].weight == 5 && span_is(r->upstreams[0].host, "::1") && r->upstreams[0].port == 1 && span_is(r->upstreams[0].path, "/v1") && span_is(r->upstreams[0].url, "http://[::1]:1/v1"));
    assert_true(r->upstreams[1].port == 8443 && span_is(r->upstreams[1].path, "/a/b"));
    assert_true(r->ca_file && strstr(r->ca_file, "/ca.pem") && !r->client_key);
    assert_true(span_is(c->routes[2].name, "port-0") && c->routes[2].index == 2 && c->routes[2].line == 24);

    struct config *again = config_hold(c);
    config_release(c);
    assert_int_equal(rulesets_alive, 3);
    config_release(again);
    assert_int_equal(rulesets_alive, 0);
    assert_int_equal(scopes_alive, 0);
}

/* Files of an address's TLS are read with the config: whatever is wrong with them is said at its place. */
static void tls_files(void **state)
{
    static const char command[] = "cd %s && for n in one two; do openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout $n.key -out $n.pem -days 30 "
                                  "-subj /CN=$n.test 2>&1; done && openssl pkey -in one.key -aes256 -passout pass:x -out locked.key && cat one.pem two.pem > chain.pem "
                                  "&& (cat one.pem; echo -----BEGIN CERTIFICATE-----; echo AAAA; echo -----END CERTIFICATE-----) > torn.pem && mkfifo pipe.pem "
                                  "&& openssl req -x509 -newkey rsa:1024 -nodes -keyout weak.key -out weak.pem -days 30 -subj /CN=w 2>&1 && head -c 2000000 /dev/zero > huge.pem "
                                  "&& openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout soon.key -out soon.pem -days 3 -subj /CN=soon.test 2>&1";
    char line[2048], out[256];
    (void)state;
    snprintf(line, sizeof line, command, folder);
    FILE *p = popen(line, "r");
    assert_non_null(p);
    while (fgets(out, sizeof out, p))
        continue;
    assert_int_equal(pclose(p), 0);
#define TLS(text) "listen:\n  - {address: 127.0.0.1:1, tls: {" text "}}" ROUTE
    struct config *c = taken(TLS("certificate: chain.pem, key: one.key, client_ca: chain.pem, client: optional, certificates: [{certificate: two.pem, key: two.key}]"));
    assert_non_null(c->listeners[0].tls);
    char *printed_once = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&printed_once, &n);
    config_print(c, f);
    fclose(f);
    config_release(c);
    c = taken(printed_once);
    assert_non_null(c->listeners[0].tls);
    config_release(c);
    free(printed_once);
    c = taken("routes:\n  - {listen: {address: '[::1]:1', tls: {certificate: one.pem, key: one.key}}, upstream: http://h}\n");
    assert_true(c->listeners[0].tls && c->listeners[0].only && span_is(c->listeners[0].host, "::1"));
    config_release(c);
    struct troubles *t = list_new();
    config_release(load(TLS("certificate: soon.pem, key: soon.key"), t));
    assert_true(t->n == 1 && t->list[0].is_warning && t->list[0].line == 2 && strstr(t->list[0].what, "ends in"));
    list_free(t);
    refused(TLS("certificate: none.pem, key: one.key"), 2, "none.pem' cannot be read: No such file", "config's folder");
    refused(TLS("certificate: one.pem, key: two.key"), 2, "two.key' is not the certificate's key", "");
    refused(TLS("certificate: one.key, key: one.key"), 2, "holds no certificate in PEM", "");
    refused(TLS("certificate: one.pem, key: one.pem"), 2, "holds no private key in PEM", "");
    refused(TLS("certificate: one.pem, key: locked.key"), 2, "under a password", "");
    refused(TLS("certificate: torn.pem, key: one.key"), 2, "no certificate", "");
    refused(TLS("certificate: weak.pem, key: weak.key"), 2, "weak.pem' cannot be used: ee key too small", "");
    refused(TLS("certificate: pipe.pem, key: one.key"), 2, "no ordinary file", "");
    refused(TLS("certificate: /dev/zero, key: one.key"), 2, "no ordinary file", "");
    refused(TLS("certificate: huge.pem, key: one.key"), 2, "larger than 1 MB", "");
    refused(TLS("certificate: one.pem, key: one.key, client_ca: one.key"), 2, "tls.client_ca: '", "authorities");
    refused(TLS("certificate: one.pem, key: one.key, client: required"), 2, "without tls.client_ca", "");
    refused(TLS("certificate: one.pem, key: one.key, client_ca: one.pem, client: maybe"), 2, "tls.client must be one of", "");
    refused(TLS("certificates: []"), 2, "certificates must be a list", "");
    refused(TLS("certificates: [{certificate: one.pem}]"), 2, "a certificate and its key", "");
    refused(TLS("certificate: one.pem, key: one.key, sertificates: []"), 2, "unknown key 'sertificates'", "did you mean 'certificates'?");
    refused("listen: {address: 127.0.0.1:1, tls: yes}" ROUTE, 1, "must be a map", "");
    snprintf(line, sizeof line, "rm -f %s/*.pem %s/*.key", folder, folder);
    assert_int_equal(system(line), 0);
}

/* Printed, read and printed again: the same but for the marks of defaults, and no secret in it. */
static void printed(void **state)
{
    (void)state;
    static const char *const configs[] = { LEAST, full };
    for (size_t i = 0; i < 2; i++) {
        char *first = NULL, *second = NULL;
        size_t n;
        struct config *c = taken(configs[i]);
        FILE *f = open_memstream(&first, &n);
        config_print(c, f);
        fclose(f);
        assert_null(strstr(first, "secret"));
        assert_int_equal(strstr(first, "# default") != NULL, true);
        assert_non_null(strstr(first, i ? "    record: off\n" : "    record: durable  # default\n"));
        assert_non_null(strstr(first, i ? "      body: 1m  # as above\n" : "      body: 64m  # default\n"));
        assert_int_equal(strstr(first, "token: \"***\"") != NULL, i == 1); /* a token that would be taken again, with a warning */
        struct config *d = taken(first);
        f = open_memstream(&second, &n);
        config_print(d, f);
        fclose(f);
        assert_int_equal(d->nlisteners, c->nlisteners);
        for (size_t k = 0; k < c->nroutes; k++) {
            assert_memory_equal(&c->routes[k].limits, &d->routes[k].limits, sizeof c->routes[k].limits);
            assert_true(span_same(c->routes[k].mount, d->routes[k].mount) && span_same(c->routes[k].name, d->routes[k].name) && c->routes[k].record == d->routes[k].record);
            assert_true(c->routes[k].nupstreams == d->routes[k].nupstreams && c->routes[k].nset == d->routes[k].nset && c->routes[k].on_store_failure == d->routes[k].on_store_failure);
            assert_string_equal(c->routes[k].rules->paths, d->routes[k].rules->paths);
            assert_int_equal(!c->routes[k].env.scope, !d->routes[k].env.scope);
        }
        config_release(c);
        config_release(d);
        free(first);
        free(second);
    }
}

static void refusals(void **state)
{
    (void)state;
    refused("", 1, "empty", "routes");
    refused("- a\n", 1, "must be a map", "");
    refused("liste: x" ROUTE, 1, "unknown key 'liste'", "did you mean 'listen'?");
    refused("listen: 127.0.0.1:8080\n", 1, "there are no routes", "add");
    refused("routes: []\n", 1, "empty list", "");
    refused("routes:\n", 1, "has no value", "");
    refused("routes: {mount: /}\n", 1, "must be a list", "");
    refused("listen: 8080" ROUTE, 1, "the host and the colon are missing", ":8080");
    refused("listen: localhost" ROUTE, 1, "port is missing", "host:port");
    refused("listen: 127.0.0.1:65536" ROUTE, 1, "port", "");
    refused("listen: 127.0.0.1:00080" "0" ROUTE, 1, "port", "");
    refused("listen: ::1:80" ROUTE, 1, "brackets", "");
    refused("listen: '[::1'" ROUTE, 1, "[ without ]", "");
    refused("listen: '[x]:1'" ROUTE, 1, "IPv6", "");
    refused("listen: []" ROUTE, 1, "empty list", "");
    refused("listen: [a:1, a:1]" ROUTE, 1, "taken", "");
    refused("listen: [a:1, 0.0.0.0:1]" ROUTE, 1, "taken", "");
    refused("listen:\n  - {address: 127.0.0.1:1, tls: {certificate: a}}" ROUTE, 2, "a certificate and its key", "both");
    refused("listen:\n  - {adress: 127.0.0.1:1}" ROUTE, 2, "unknown key 'adress'", "did you mean 'address'?");
    refused("listen: 127.0.0.1:9090" ROUTE, 1, "for callers already", "");
    refused("workers: 0" ROUTE, 1, "workers", "");
    refused("workers: many" ROUTE, 1, "workers", "");
    refused("record: durabel" ROUTE, 1, "record must be one of", "did you mean 'durable'?");
    refused("on_store_failure: ignore" ROUTE, 1, "on_store_failure", "");
    refused("limits: {body: 64}" "\nlimits: {}" ROUTE, 2, "there twice", "");
    refused("limits: {idle: 10}" ROUTE, 1, "must be a duration", "10m");
    refused("limits: {body: 1t}" ROUTE, 1, "must be a size", "64m");
    refused("limits: {body: 0}" ROUTE, 1, "out of bounds", "64g");
    refused("limits: {connections: -1}" ROUTE, 1, "whole number", "");
    refused("limits: {connections: 18446744073709551616}" ROUTE, 1, "whole number", "");
    refused("limits: {boddy: 1m}" ROUTE, 1, "unknown key 'boddy'", "'body'");
    refused("data: ''" ROUTE, 1, "data is empty", "");
    refused("data: ${VIGIE_TEST_NOT_SET}" ROUTE, 1, "VIGIE_TEST_NOT_SET is not set", "");
    refused("rules: [broken]" ROUTE, 3, "a broken rule", "");
    refused("rules: [a, a]" ROUTE, 1, "listed twice", "");
    refused("rules: {a: b}" ROUTE, 1, "must be a text", "");
    refused("a: &x [1]\nb: *x\n", 2, "aliases", "");
    refused("a: [\n", 2, "not valid YAML", "");
    refused("\x01\x02", 1, "not valid YAML", "");

    refused("routes:\n  - upstream: http://h\n", 2, "neither a mount nor a port", "");
    refused("routes:\n  - mount: /\n", 2, "no upstream", "");
    refused("routes:\n  - x\n", 2, "a route must be a map", "");
    static const char *const not_yet[] = { "redact: true", "retain: 7d", "baseline: x", "groups: [a]" };
    for (size_t i = 0; i < 4; i++) {
        char text[128];
        snprintf(text, sizeof text, LEAST "    %s\n", not_yet[i]);
        refused(text, 4, "is not there yet", "");
    }
    static const char *const rates[] = { "5", "[]", "{}", "{per: caller}", "{requests: 60}", "{requests: 60/x}", "{requests: 0/m}", "{requests: -1/m}", "{requests: 60/m, tokens: 1k/m}", "{requests: 60/32d}",
        "{per: [], requests: 1/s}", "{per: [route, caller], requests: 1/s}", "{per: nobody, requests: 1/s}", "{tokens: 99999999999999999999/m}", "{requests: 18446744073709551615k/m}", "{concurrent: 0}",
        "{concurrent: 5/s}", "{concurrent: 5, burst: 3}", "{requests: 5/s, burst: none}", "{requests: 5/s, bursts: 3}", "{requests: /s}", "{requests: 5/}" };
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        char text[160];
        snprintf(text, sizeof text, LEAST "    rate: %s\n", rates[i]);
        refused(text, 4, "", "");
    }
    static const char *const mounts[] = { "a", "/a/", "//", "/a//b", "/a/../b", "/.", "/%61", "/a;b", "/a?b", "/a#b", "'/a b'", "'/a\\b'", "\"/\\0\"", "/\u00e9", "''", "[/]" };
    for (size_t i = 0; i < sizeof mounts / sizeof *mounts; i++) {
        char text[128];
        snprintf(text, sizeof text, "routes:\n  - mount: %s\n    upstream: http://h\n", mounts[i]);
        refused(text, 2, "", "");
    }
    static const char *const urls[] = { "h", "ftp://h", "http://", "http:///a", "http://u@h", "http://u:p@h", "http://h?a", "http://h/#b", "http://h:0", "http://h:x", "http://h:99999", "http://h/a/../b", "http://h//a", "http://h/a//b", "http://h/%2e%2e", "http://127.1", "http://0x7f.1", "http://2130706433",
        "'http://h h'", "http://.h", "http://h..x", "http://[::1", "http://::1", "HTTP//h", "[]", "[http://h, http://h/]", "{}", "[{url: http://h, weight: 0}]", "[{url: http://h, wieght: 1}]" };
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        char text[128];
        snprintf(text, sizeof text, "routes:\n  - mount: /\n    upstream: %s\n", urls[i]);
        refused(text, 3, "", "");
    }
    refused(LEAST "    api: opnai\n", 4, "api 'opnai'", "did you mean 'openai'?");
    refused(LEAST "    api: json\n", 4, "needs its paths", "kind: json");
    refused(LEAST "    api: [json]\n", 4, "api", "");
    refused(LEAST "    api: {prompt: $.q}\n", 4, "needs its kind", "kind: json");
    refused(LEAST "    api: {kind: yaml, prompt: $.q}\n", 4, "'yaml' takes no paths", "");
    refused(LEAST "    api: {kind: openai, prompt: $.q}\n", 4, "'openai' takes no paths", "write api: openai");
    refused(LEAST "    api: {kind: json}\n", 4, "without a path", "prompt: $.q");
    refused(LEAST "    api: {kind: json, promt: $.q}\n", 4, "promt", "prompt");
    refused(LEAST "    api:\n      kind: json\n      prompt: q\n", 6, "begins with $", "$.a[*].text");
    refused(LEAST "    api:\n      kind: json\n      answer: $..a\n", 6, "from byte 2 on", "");
    refused(LEAST "    api:\n      kind: json\n      answer: [$.a, '$.b[']\n", 6, "is no path", "");
    refused(LEAST "    api:\n      kind: json\n      answer: []\n", 6, "empty list", "");
    refused(LEAST "    api: {kind: json, prompt: $.q, stream: websocket}\n", 4, "must be one of: any, none, sse, ndjson", "");
    refused(LEAST "    api: {kind: json, delta: $.q, stream: none}\n", 4, "no stream", "");
    refused(LEAST "    name: a b\n", 4, "no name", "");
    refused(LEAST "    headers: {set: {Host: x}}\n", 4, "cannot be set", "");
    refused(LEAST "    headers: {set: {Content-Length: 1}}\n", 4, "cannot be set", "");
    refused(LEAST "    headers: {remove: [Transfer-Encoding]}\n", 4, "cannot be set or removed", "");
    refused(LEAST "    headers: {remove: [Connection]}\n", 4, "cannot be set or removed", "");
    refused(LEAST "    headers: {set: {'a b': x}}\n", 4, "no header name", "");
    refused(LEAST "    headers: {set: {a: \"x\\ny\"}}\n", 4, "no header value", "");
    refused(LEAST "    headers: {set: {a: x, A: y}}\n", 4, "set twice", "");
    refused(LEAST "    headers: {set: {a: x}, remove: [A]}\n", 4, "set and removed", "");
    refused(LEAST "    tls: {ca: nowhere.pem}\n", 4, "cannot be read", "");
    refused(LEAST "    tls: {certificate: ca.pem}\n", 4, "belong together", "");
    refused(LEAST "    tls: {}\n", 4, "all http", "");
    refused(LEAST "    scope: nowhere.json\n", 4, "nowhere.json' cannot be read", "counts from");
    refused(LEAST "    scope: {name: untrainable, intents: {a: [b]}}\n", 4, "too little", "");
    refused(LEAST "    scope: {name: x, intent: {a: [b]}}\n", 4, "unknown key 'intent'", "'intents'");
    refused(LEAST "    scope: {name: x, intents: {a: []}}\n", 4, "list that is not empty", "");
    refused(LEAST "    scope: {name: x, intents: {a: [' ']}}\n", 4, "example is empty", "");
    refused(LEAST "    scope: {intents: {a: [b]}}\n", 4, "no name", "");
    refused("routes:\n  - {mount: /a, upstream: http://h}\n  - {mount: /a, upstream: http://h}\n", 3, "belongs to the route on line 2", "");
    refused("routes:\n  - {mount: /a, upstream: http://h}\n  - {mount: /A, upstream: http://h}\n", 3, "belongs to the route on line 2", "case");
    refused("routes:\n  - {mount: /a, name: x, upstream: http://h}\n  - {mount: /b, name: x, upstream: http://h}\n", 3, "belongs to the route on line 2", "");
    refused("routes:\n  - {listen: a:1, upstream: http://h}\n  - {listen: ':1', upstream: http://h}\n", 3, "belongs to the route on line 2", "");
    refused("listen: 127.0.0.1:1\nroutes:\n  - {mount: /, listen: '127.0.0.1:1', upstream: http://h}\n", 3, "one of listen", "");
}

static void bounded_lists(void **state)
{
    (void)state;
    static char text[32768];
    size_t n = (size_t)snprintf(text, sizeof text, "rules: [");
    for (int i = 0; i < 257; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "r%d,", i);
    snprintf(text + n, sizeof text - n, "]" ROUTE);
    refused(text, 1, "more than 256 paths", "folder");
    n = (size_t)snprintf(text, sizeof text, "listen: [");
    for (int i = 1; i < 67; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "a:%d,", i);
    snprintf(text + n, sizeof text - n, "]" ROUTE);
    refused(text, 1, "more than 64 addresses", "");
    n = (size_t)snprintf(text, sizeof text, "routes:\n");
    for (int i = 0; i < 1001; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "  - {}\n");
    refused(text, 2, "more than 1000 routes", "");
    snprintf(text, sizeof text, "data: %05000d" ROUTE, 1);
    refused(text, 1, "data is too long", "");
}

static void all_at_once(void **state)
{
    (void)state;
    struct troubles *t = list_new();
    assert_null(load("listen: x\nworkers: no\nlimits: {idle: 1, bdy: 2}\nroutes:\n  - {mount: a, upstream: b, api: c}\n", t));
    assert_int_equal(t->errors, 7);
    list_free(t);
}

static void admin_needs_a_token(void **state)
{
    (void)state;
    static const char *const open[] = { "0.0.0.0:1", "':1'", "'[::]:1'", "'[::ffff:0.0.0.0]:1'", "'[::ffff:10.0.0.1]:1'", "10.0.0.1:1", "example.com:1", "localhost.example:1", "'[fe80::1]:1'", "'[0:0:0:0:0:0:0:2]:1'", "128.0.0.1:1" };
    static const char *const closed[] = { "127.0.0.1:1", "127.9.9.9:1", "localhost:1", "LOCALHOST:1", "'[::1]:1'", "'[::ffff:127.0.0.1]:1'", "'[0:0:0:0:0:0:0:1]:1'" };
    static const char *const blank[] = { "''", "' '", "\"\\t\"", "\"\\n\"" };
    char text[256];
    for (size_t i = 0; i < sizeof open / sizeof *open; i++) {
        snprintf(text, sizeof text, "admin: {listen: %s}" ROUTE, open[i]);
        refused(text, 1, "has no token", "");
        for (size_t k = 0; k < 4; k++) {
            snprintf(text, sizeof text, "admin: {listen: %s, token: %s}" ROUTE, open[i], blank[k]);
            refused(text, 1, "has no token", "");
        }
        snprintf(text, sizeof text, "admin: {listen: %s, token: ' 0123456789abcdef '}" ROUTE, open[i]);
        struct config *c = taken(text);
        assert_true(span_is(c->admin_token, "0123456789abcdef"));
        config_release(c);
    }
    for (size_t i = 0; i < sizeof closed / sizeof *closed; i++) {
        snprintf(text, sizeof text, "admin: {listen: %s}" ROUTE, closed[i]);
        config_release(taken(text));
    }
    refused("admin: {listen: 127.1:1}" ROUTE, 1, "usual form", "");
    refused("admin: {listen: '0x7f000001:1'}" ROUTE, 1, "usual form", "");
    refused("admin: {listen: '0:1'}" ROUTE, 1, "usual form", "");
    refused("admin: {token: 'a b'}" ROUTE, 1, "no Authorization header", "");
    refused("admin: 127.0.0.1:1" ROUTE, 1, "must be a map", "");
}

static void rules_beside_the_file(void **state)
{
    (void)state;
    char path[128];
    snprintf(path, sizeof path, "%s/rules", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    struct config *c = taken(LEAST);
    char expected[160];
    snprintf(expected, sizeof expected, "%s;", path);
    assert_string_equal(c->routes[0].rules->paths, expected);
    config_release(c);
    rmdir(path);
}

static void the_route(void **state)
{
    (void)state;
    struct config *c = taken("routes:\n  - {mount: /, upstream: http://h}\n  - {mount: /openai, upstream: http://h}\n  - {mount: /openai/v1/special, upstream: http://h}\n  - {listen: 'localhost:1', mount: /own, upstream: http://h}\n");
    struct span rest;
    static const struct { const char *path; int route; const char *rest; } cases[] = {
        { "/", 0, "/" }, { "/x", 0, "/x" }, { "/openai", 1, "/" }, { "/openai/", 1, "/" }, { "/openai/v1/x", 1, "/v1/x" }, { "/openaix", 0, "/openaix" }, { "/openai/v1/special", 2, "/" }, { "/openai/v1/special/a", 2, "/a" },
        { "/openai/v1/specials", 1, "/v1/specials" }, { "/azure/openai/v1", 0, "/azure/openai/v1" }, { "/openai/a%2Fb", 1, "/a%2Fb" }, { "/openai/openai/x", 1, "/openai/x" }, { "/own/x", 3, "/x" }, { "/a//b", 0, "/a//b" }, { "/openai/a//b", 1, "/a//b" },
        { "/model/arn%3Aaws%2Fx", 0, "/model/arn%3Aaws%2Fx" },
        /* another reader would see another mount */
        { "/openai%2Fv1", -1, "" }, { "/%6fpenai/x", -1, "" }, { "/OpenAI/x", -1, "" }, { "/openai;a=b/x", -1, "" }, { "/%256fpenai", -1, "" }, { "/openai/v1%2Fspecial", -1, "" }, { "/openai/v1//special", -1, "" }, { "/openai//v1/special", -1, "" }, { "/openai//x", -1, "" },
        { "", -1, "" }, { "openai", -1, "" }, { "*", -1, "" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct route *r = config_route(c, &c->listeners[0], span_of(cases[i].path), &rest);
        if (cases[i].route < 0 ? r != NULL : !r || (int)r->index != cases[i].route || !span_is(rest, cases[i].rest))
            fail_msg("%s", cases[i].path);
    }
    assert_int_equal(c->nlisteners, 2);
    assert_ptr_equal(config_route(c, &c->listeners[1], SPAN("/openai/x"), &rest), &c->routes[3]);
    assert_true(span_is(rest, "/openai/x"));
    config_release(c);
    c = taken("routes:\n  - {mount: /a, upstream: http://h}\n");
    assert_null(config_route(c, &c->listeners[0], SPAN("/b"), &rest));
    assert_null(config_route(c, &c->listeners[0], SPAN("/"), &rest));
    config_release(c);
}

static struct scope *scope_of(const char *name, const char *text, struct troubles *t)
{
    char path[128];
    write_file(name, text, strlen(text));
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return scope_from_file(path, t);
}
static void scopes(void **state)
{
    (void)state;
    struct troubles *t = list_new();
    static const char *const names[] = { "s.json", "s", "t.yaml", "u" };
    static const char *const texts[] = { "{\"name\": \"b\", \"description\": \"d\", \"intents\": {\"a\": [\"caf\\u00e9 \\ud83d\\ude00\", \"y\"], \"b\": [\"z\"]}, \"out\": [\"o\", \"p\"], \"false_alarms\": 0.2}", " \n{\"name\":\"b\",\"intents\":{\"a\":[\"caf\\u00e9 \\ud83d\\ude00\",\"y\"],\"b\":[\"z\"]},\"out\":[\"o\",\"p\"],\"false_alarms\":0.2}",
        "name: b\nintents:\n  a:\n    - café 😀\n    - y\n  b: [z]\nout: [o, p]\nfalse_alarms: 0.2\n", "name: b\nintents: {a: [café 😀, y], b: [z]}\nout: [o, p]\nfalse_alarms: 0.2\n" };
    for (size_t i = 0; i < 4; i++) {
        struct scope *s = scope_of(names[i], texts[i], t);
        if (!s)
            troubles_print(t, stderr);
        assert_non_null(s);
        assert_true(scope_intents == 2 && scope_examples == 3 && scope_out == 2 && scope_false_alarms > 0.19 && scope_false_alarms < 0.21);
        assert_string_equal(scope_first, "café 😀");
        scope_free(s);
    }
    static const struct { const char *text; unsigned line; const char *what; } bad[] = {
        { "{\"name\":\"b\",\n\"intents\":{\"a\":[]}}", 2, "not empty" }, { "{\"name\":\"b\",\n\"intents\":{\"a\":[1]}}", 2, "must be a text" }, { "{\"name\":\"b\",\n\n\"intents\":[]}", 3, "must be an object" }, { "{\"name\":1}", 1, "must be a text" }, { "[]", 1, "must be an object" },
        { "{\"name\":\"b\",\n", 2, "not valid JSON" }, { "{\"nam\":\"b\"}", 1, "unknown key 'nam'" }, { "{}", 1, "no name" }, { "{\"name\":\"b\"}", 1, "no intents" }, { "{\"name\":\"b\",\"name\":\"c\"}", 1, "twice" }, { "{\"name\":\"b\",\"intents\":{\"a\":[\"x\"]}}\n{}", 2, "follows" },
        { "{\"name\":\"b\",\"intents\":{\"\":[\"x\"]}}", 1, "without a name" }, { "{\"name\":\"b\",\"intents\":{\"a\":[\" \"]}}", 1, "empty" }, { "{\"name\":\"b\",\"intents\":{\"a\":[\"x\"]},\"false_alarms\":1}", 1, "false_alarms" }, { "", 1, "not valid JSON" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        t->n = t->errors = 0;
        struct scope *s = scope_of("bad.json", bad[i].text, t);
        if (s || !t->errors || t->list[0].line != bad[i].line || !strstr(t->list[0].what, bad[i].what)) {
            troubles_print(t, stderr);
            fail_msg("%s", bad[i].text);
        }
    }
    t->n = t->errors = 0;
    assert_null(scope_from_file("/dev/zero", t));
    assert_null(scope_from_file("/", t));
    assert_null(scope_from_file("/nowhere", t));
    assert_int_equal(t->errors, 3);
    assert_int_equal(scopes_alive, 0);
    list_free(t);
}

static void files(void **state)
{
    (void)state;
    static const char *const bad[] = { "/dev/zero", "/dev/null", "/", "/nowhere/vigie.yaml", "/proc/self/mem" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct troubles *t = list_new();
        assert_null(config_load(bad[i], (struct span){ 0 }, t));
        assert_true(t->errors > 0);
        list_free(t);
    }
    char path[128];
    snprintf(path, sizeof path, "%s/vigie.yaml", folder);
    write_file("vigie.yaml", LEAST, strlen(LEAST));
    struct troubles *t = list_new();
    struct config *c = config_load(path, (struct span){ 0 }, t);
    assert_non_null(c);
    config_release(c);
    assert_int_equal(truncate(path, (off_t)1 << 40), 0);
    assert_null(config_load(path, (struct span){ 0 }, t));
    list_free(t);
}

static void *hold_and_release(void *p)
{
    for (int i = 0; i < 20000; i++)
        config_release(config_hold(p));
    return NULL;
}
static void references(void **state)
{
    (void)state;
    struct config *c = taken(LEAST);
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hold_and_release, c), 0);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(rulesets_alive, 1);
    config_release(c);
    assert_int_equal(rulesets_alive, 0);
}

/* Every key and every limit with its bounds and default stands on the page. */
static void the_page_of_the_docs(void **state)
{
    (void)state;
    FILE *f = fopen("docs/configuration.md", "r");
    assert_non_null(f);
    static char page[1 << 17];
    size_t n = fread(page, 1, sizeof page - 1, f);
    fclose(f);
    page[n] = 0;
    const struct { const char *const *keys; size_t n; } lists[] = { { config_keys, 9 }, { admin_keys, 2 }, { route_keys, 17 }, { upstream_keys, 2 }, { headers_keys, 2 }, { tls_keys, 3 }, { listen_keys, 2 }, { listen_tls_keys, 5 } };
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        for (size_t k = 0; k < lists[i].n; k++) {
            char key[64];
            snprintf(key, sizeof key, "`%s`", lists[i].keys[k]);
            if (!strstr(page, key))
                fail_msg("%s is not on the page", key);
        }
    for (size_t i = 0; i < nlimit_keys; i++) {
        char least[32], most[32], otherwise[32], row[256];
        limit_text(&limit_keys[i], limit_keys[i].least, least);
        limit_text(&limit_keys[i], limit_keys[i].most, most);
        limit_text(&limit_keys[i], limit_keys[i].otherwise, otherwise);
        snprintf(row, sizeof row, "| `%s` | %s to %s | %s |", limit_keys[i].name, least, most, limit_keys[i].otherwise ? otherwise : "as `body`");
        if (!strstr(page, row))
            fail_msg("not on the page: %s", row);
    }
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}
static int drop_folder(void **state)
{
    (void)state;
    static const char *const names[] = { "ca.pem", "s.json", "s", "t.yaml", "u", "bad.json", "vigie.yaml" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    return rmdir(folder);
}
int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_least), cmocka_unit_test(all_keys), cmocka_unit_test(printed), cmocka_unit_test(refusals), cmocka_unit_test(tls_files), cmocka_unit_test(bounded_lists), cmocka_unit_test(all_at_once), cmocka_unit_test(admin_needs_a_token), cmocka_unit_test(rules_beside_the_file),
        cmocka_unit_test(the_route), cmocka_unit_test(scopes), cmocka_unit_test(files), cmocka_unit_test(references), cmocka_unit_test(the_page_of_the_docs),
    };
    return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
