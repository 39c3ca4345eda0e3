/* SPDX-License-Identifier: Apache-2.0
 *
 * TLS of an address to listen on: files become a struct tls at load time, so that a wrong one is said by `vigie check` and stops
 * a reload, not a caller. */
#include "proxy/config_read.h"
#include "proxy/tls.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
const char *const listen_keys[2] = { "address", "tls" };
const char *const listen_tls_keys[5] = { "certificate", "key", "client_ca", "client", "certificates" };
static const char *const pair_keys[2] = { "certificate", "key" }, *const client_words[2] = { "required", "optional" };
enum { EXPIRES_SOON_DAYS = 14 };

static void pair_read(struct config_reader *r, const struct yaml *y, struct tls *t, size_t *n)
{
    const struct yaml *certificate = config_get(r, y, "certificate"), *key = config_get(r, y, "key");
    struct span certificate_file, key_file;
    char why[TLS_WHY_BYTES];
    int days_left = 0;
    if (!certificate || !key) {
        if (!yaml_get(y, "certificate") || !yaml_get(y, "key"))
            yaml_trouble(r->t, y, "give both, as PEM files", "tls needs a certificate and its key");
        return;
    }
    if (!config_text(r, certificate, "tls.certificate", &certificate_file) || !config_text(r, key, "tls.key", &key_file))
        return;
    if (*n == TLS_CERTIFICATES_MOST) {
        yaml_trouble(r->t, y, "", "more than %d certificates on one address", TLS_CERTIFICATES_MOST);
        return;
    }
    if (!tls_add(t, config_path(r, certificate_file), config_path(r, key_file), &days_left, why)) {
        yaml_trouble(r->t, y, "certificate: a PEM file with the leaf first, then the chain; key: the PEM file of its private key; both count from the config's folder", "tls: %s", why);
        return;
    }
    ++*n;
    if (days_left < EXPIRES_SOON_DAYS)
        trouble_warn(r->t, certificate->file, certificate->line, certificate->column, "renew it, then reload",
                     days_left < 0 ? "the certificate is not valid now" : "the certificate ends in %d days", days_left);
}
static struct tls *listen_tls_read(struct config_reader *r, const struct yaml *y)
{
    struct config_owner *o = r->owner;
    if (!config_map(r, y, "tls of an address", listen_tls_keys, COUNT(listen_tls_keys)))
        return NULL;
    unsigned before = r->t->errors;
    struct tls *t = tls_new();
    *ARENA_PUSH(r->a, o->tls, o->ntls, o->tls_cap) = t;
    const struct yaml *more = config_get(r, y, "certificates"), *ca = config_get(r, y, "client_ca"), *client = config_get(r, y, "client");
    char why[TLS_WHY_BYTES];
    struct span s;
    size_t n = 0, word = 0;
    if (yaml_get(y, "certificate") || yaml_get(y, "key") || !more)
        pair_read(r, y, t, &n);
    if (more && (more->kind != YAML_LIST || !more->n))
        yaml_trouble(r->t, more, "write [{certificate: a.pem, key: a.key}, …]", "certificates must be a list");
    else
        for (size_t i = 0; more && i < more->n && r->t->errors < TROUBLES_MOST; i++)
            if (config_map(r, more->items[i], "an entry of certificates", pair_keys, COUNT(pair_keys)))
                pair_read(r, more->items[i], t, &n);
    if (client && !yaml_get(y, "client_ca"))
        yaml_trouble(r->t, client, "name the authorities that may vouch for clients, or take client out", "tls.client without tls.client_ca");
    if (client)
        yaml_word(client, "tls.client", client_words, COUNT(client_words), &word, r->t);
    if (ca && config_text(r, ca, "tls.client_ca", &s) && !tls_ask_clients(t, config_path(r, s), word == 0, why))
        yaml_trouble(r->t, ca, "a PEM file with the certificates of the authorities", "tls.client_ca: %s", why);
    if (r->t->errors == before && !tls_ready(t, why))
        yaml_trouble(r->t, y, "", "tls: %s", why);
    return t;
}

bool listen_read(struct config_reader *r, const struct yaml *y, struct listener *l)
{
    const struct yaml *address = y, *tls = NULL;
    if (y->kind == YAML_MAP) {
        yaml_known_keys(y, listen_keys, COUNT(listen_keys), "an entry of listen", r->t);
        tls = config_get(r, y, "tls");
        address = config_get(r, y, "address");
        if (!address && !yaml_get(y, "address"))
            yaml_trouble(r->t, y, "write {address: 127.0.0.1:8080}", "an entry of listen has no address");
        if (!address)
            return false;
    }
    if (!address_read(r, address, "listen", &l->host, &l->port))
        return false;
    l->node = y;
    if (tls)
        l->tls = listen_tls_read(r, tls);
    return true;
}
