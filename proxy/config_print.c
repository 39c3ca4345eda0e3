/* SPDX-License-Identifier: Apache-2.0
 *
 * The whole effective configuration as YAML that config_load takes again: what was not written is marked "# default", what
 * a route takes from the top "# as above". Secrets (the admin's token, the values of headers) are "***".
 */
#include "base/buf.h"
#include "proxy/config_read.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static bool is_plain(struct span s)
{
    static const char *const words[] = { "true", "false", "null", "yes", "no", "on", "off" };
    for (size_t i = 0; i < COUNT(words); i++)
        if (span_is_nocase(s, words[i]))
            return i == 6; /* `record: off`: read as a word here */
    if (!s.len || !(((s.at[0] | 32) >= 'a' && (s.at[0] | 32) <= 'z') || strchr("/.0123456789", s.at[0])))
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (!(((s.at[i] | 32) >= 'a' && (s.at[i] | 32) <= 'z') || (s.at[i] && strchr("0123456789/._-", s.at[i])) || (s.at[i] == ':' && i + 1 < s.len)))
            return false;
    return true;
}
static void put(FILE *out, struct span s)
{
    if (is_plain(s)) {
        fwrite(s.at, 1, s.len, out);
        return;
    }
    struct buf b = { 0 };
    buf_add_json(&b, s);
    fprintf(out, "\"%s\"", b.bytes ? b.bytes : "");
    buf_free(&b);
}
static void put_address(FILE *out, struct span host, unsigned port)
{
    if (memchr(host.at, ':', host.len))
        fprintf(out, "\"[%.*s]:%u\"", SPAN_ARG(host), port);
    else
        fprintf(out, "%.*s:%u", SPAN_ARG(host), port);
}
static void put_node(FILE *out, const struct yaml *y);
/* As a plain address, or {address, tls} where there is TLS. Files are named, keys never shown. */
static void put_listener(FILE *out, const struct listener *l)
{
    const struct yaml *tls = l->node ? yaml_get(l->node, "tls") : NULL;
    fputs(tls ? "{address: \"" : "", out);
    if (tls)
        fprintf(out, memchr(l->host.at, ':', l->host.len) ? "[%.*s]:%u\", tls: " : "%.*s:%u\", tls: ", SPAN_ARG(l->host), l->port);
    else
        put_address(out, l->host, l->port);
    if (tls)
        put_node(out, tls);
    fputs(tls ? "}" : "", out);
}
static void put_node(FILE *out, const struct yaml *y)
{
    if (y->kind == YAML_SCALAR)
        put(out, y->text);
    else if (y->kind == YAML_NOTHING)
        fputc('~', out);
    else {
        fputc(y->kind == YAML_LIST ? '[' : '{', out);
        for (size_t i = 0; i < y->n; i++) {
            fputs(i ? ", " : "", out);
            if (y->kind == YAML_MAP) {
                put(out, y->keys[i]->text);
                fputs(": ", out);
            }
            put_node(out, y->items[i]);
        }
        fputc(y->kind == YAML_LIST ? ']' : '}', out);
    }
}
/* What stands behind a value: nothing where it was written here. */
static const char *mark(const struct yaml *here, const struct yaml *above, const char *key)
{
    return yaml_get(here, key) ? "" : above && yaml_get(above, key) ? "  # as above" : "  # default";
}
static void put_limits(FILE *out, const char *indent, const struct limits *l, const struct yaml *here, const struct yaml *above)
{
    fprintf(out, "%slimits:\n", indent);
    for (size_t i = 0; i < nlimit_keys; i++) {
        const struct limit_key *k = &limit_keys[i];
        char text[32];
        if (above && k->is_for_all)
            continue; /* of no effect in a route */
        limit_text(k, limit_value(l, k), text);
        fprintf(out, "%s  %s: %s%s\n", indent, k->name, text, mark(yaml_get(here, "limits"), above ? yaml_get(above, "limits") : NULL, k->name));
    }
}
static void put_rules(FILE *out, const char *indent, const struct config_owner *o, const struct yaml *here, const struct yaml *above)
{
    const struct yaml *y = yaml_get(here, "rules");
    const char *how = mark(here, above, "rules");
    if (!y && above)
        y = yaml_get(above, "rules");
    fprintf(out, "%srules: ", indent);
    if (y)
        put_node(out, y);
    else
        fputs(o->rules_default ? "[rules]" : "[]", out);
    fprintf(out, "%s%s\n", how, !y && !o->rules_default ? ": there is no folder rules beside this file" : "");
}

static void put_route(FILE *out, const struct config_owner *o, size_t i)
{
    const struct route *r = &o->config.routes[i];
    const struct yaml *node = o->route_nodes[i], *y;
    fputs("  - name: ", out);
    put(out, r->name);
    fprintf(out, "%s\n", mark(node, NULL, "name"));
    if (r->mount.len) {
        fputs("    mount: ", out);
        put(out, r->mount);
        fputc('\n', out);
    }
    if (r->listen_host.len) {
        fputs("    listen: ", out);
        put_listener(out, &(struct listener){ .host = r->listen_host, .port = r->listen_port, .node = yaml_get(node, "listen") });
        fputc('\n', out);
    }
    fputs("    upstream:\n", out);
    for (size_t k = 0; k < r->nupstreams; k++) {
        fputs("      - {url: ", out);
        put(out, r->upstreams[k].url);
        fprintf(out, ", weight: %u}\n", r->upstreams[k].weight);
    }
    fputs("    api: ", out);
    if (r->own_api)
        put_node(out, yaml_get(node, "api"));
    else
        put(out, r->api);
    fprintf(out, "%s\n", mark(node, NULL, "api"));
    put_rules(out, "    ", o, node, o->root);
    if ((y = yaml_get(node, "scope"))) {
        fputs("    scope: ", out);
        put_node(out, y);
        fputc('\n', out);
    }
    fprintf(out, "    record: %s%s\n", record_words[r->record], mark(node, o->root, "record"));
    fprintf(out, "    on_store_failure: %s%s\n", failure_words[r->on_store_failure], mark(node, o->root, "on_store_failure"));
    put_limits(out, "    ", &r->limits, node, o->root);
    if (r->nset || r->nremoved) {
        fputs("    headers:\n", out);
        fputs(r->nset ? "      set:\n" : "", out);
        for (size_t k = 0; k < r->nset; k++) {
            fputs("        ", out);
            put(out, r->set[k].name);
            fputs(": \"***\"\n", out);
        }
        fputs(r->nremoved ? "      remove:\n" : "", out);
        for (size_t k = 0; k < r->nremoved; k++) {
            fputs("        - ", out);
            put(out, r->removed[k]);
            fputc('\n', out);
        }
    }
    if ((y = yaml_get(node, "rate"))) {
        fputs("    rate: ", out);
        put_node(out, y);
        fputc('\n', out);
    }
    if ((y = yaml_get(node, "tls"))) {
        fputs("    tls: ", out);
        put_node(out, y);
        fputc('\n', out);
    }
}

void config_print(const struct config *c, FILE *out)
{
    const struct config_owner *o = (const struct config_owner *)c;
    const struct yaml *root = o->root, *admin = yaml_get(root, "admin"), *data = yaml_get(root, "data");
    bool has_any = false;
    for (size_t i = 0; i < c->nlisteners; i++) {
        const struct listener *l = &c->listeners[i];
        if (l->only)
            continue;
        fputs(has_any ? "" : "listen:\n", out);
        fputs("  - ", out);
        put_listener(out, l);
        fprintf(out, "%s\n", mark(root, NULL, "listen"));
        has_any = true;
    }
    fputs("admin:\n  listen: ", out);
    put_address(out, c->admin_host, c->admin_port);
    fprintf(out, "%s\n", mark(admin, NULL, "listen"));
    fprintf(out, "  token: %s\n", c->admin_token.len ? "\"***\"" : "\"\"  # none: this machine only");
    if (o->workers_auto)
        fprintf(out, "workers: auto  # %u here%s\n", c->workers, yaml_get(root, "workers") ? "" : ", default");
    else
        fprintf(out, "workers: %u\n", c->workers);
    fputs("data: ", out);
    put(out, data ? data->text : SPAN("./data"));
    fprintf(out, "%s\n", mark(root, NULL, "data"));
    put_rules(out, "", o, root, NULL);
    size_t record = 0, failure = 0;
    const struct yaml *y;
    for (size_t i = 0; (y = yaml_get(root, "record")) && i < COUNT(record_words); i++)
        record = span_is(y->text, record_words[i]) ? i : record;
    for (size_t i = 0; (y = yaml_get(root, "on_store_failure")) && i < COUNT(failure_words); i++)
        failure = span_is(y->text, failure_words[i]) ? i : failure;
    fprintf(out, "record: %s%s\n", record_words[record], mark(root, NULL, "record"));
    fprintf(out, "on_store_failure: %s%s\n", failure_words[failure], mark(root, NULL, "on_store_failure"));
    put_limits(out, "", &c->limits, root, NULL);
    fputs("routes:\n", out);
    for (size_t i = 0; i < c->nroutes; i++)
        put_route(out, o, i);
}
