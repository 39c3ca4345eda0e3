/* SPDX-License-Identifier: Apache-2.0
 * TLS by OpenSSL on the socket itself (no BIO pairs: a record costs one system call, read-ahead takes what is there in one).
 * Nothing here blocks but the reading of files at load time. */
#include "proxy/tls.h"
#include "base/must.h"
#include <errno.h>
#include <fcntl.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct certificate {
    SSL_CTX *context;
    X509 *leaf;
};
struct tls {
    atomic_uint references;
    struct certificate list[TLS_CERTIFICATES_MOST];
    size_t n;
    X509_STORE *authorities;                 /* of clients; NULL: they are not asked */
    STACK_OF(X509_NAME) *names;
    bool is_required;
    uint8_t demands[EVP_MAX_MD_SIZE];        /* digest of what is asked of clients: a session made under another one is not resumed */
    unsigned demands_bytes;
};

/* ---- keys of tickets ---- */

/* Two keys, each new for TICKET_KEY_S and then good for reading only as long again; in memory alone. A handshake may take a lock. */
enum { TICKET_KEY_S = 12 * 3600, TICKET_KEYS = 2 };
static struct ticket_key {
    unsigned char name[16], cipher[32], mac[32];
    time_t born;
    bool is_made;
} ticket_keys[TICKET_KEYS];
static pthread_mutex_t ticket_lock = PTHREAD_MUTEX_INITIALIZER;

static bool ticket_key_find(const unsigned char *name, bool is_writing, struct ticket_key *out, bool *is_old)
{
    struct timespec now;
    bool found = false;
    clock_gettime(CLOCK_MONOTONIC, &now);
    pthread_mutex_lock(&ticket_lock);
    if (!ticket_keys[0].is_made || now.tv_sec - ticket_keys[0].born > TICKET_KEY_S) {
        struct ticket_key fresh = { .born = now.tv_sec };
        fresh.is_made = RAND_bytes(fresh.name, sizeof fresh.name) == 1 && RAND_priv_bytes(fresh.cipher, sizeof fresh.cipher) == 1 && RAND_priv_bytes(fresh.mac, sizeof fresh.mac) == 1;
        if (fresh.is_made) {
            if (now.tv_sec - ticket_keys[0].born > 2 * TICKET_KEY_S)
                OPENSSL_cleanse(&ticket_keys[0], sizeof ticket_keys[0]);
            ticket_keys[1] = ticket_keys[0];
            ticket_keys[0] = fresh;
        }
    }
    for (int i = 0; i < TICKET_KEYS && !found; i++)
        if (ticket_keys[i].is_made && (is_writing || CRYPTO_memcmp(name, ticket_keys[i].name, 16) == 0)) {
            *out = ticket_keys[i];
            *is_old = i > 0;
            found = true;
        }
    pthread_mutex_unlock(&ticket_lock);
    return found;
}
static int on_ticket(SSL *s, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int is_writing)
{
    struct ticket_key k;
    bool is_old = false;
    if (!ticket_key_find(name, is_writing, &k, &is_old))
        return is_writing ? -1 : 0;
    int good = 1;
    if (is_writing) {
        memcpy(name, k.name, sizeof k.name);
        good = RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) == 1 && EVP_EncryptInit_ex2(cipher, EVP_aes_256_cbc(), k.cipher, iv, NULL) == 1;
    } else {
        good = EVP_DecryptInit_ex2(cipher, EVP_aes_256_cbc(), k.cipher, iv, NULL) == 1;
    }
    OSSL_PARAM params[] = { OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, k.mac, sizeof k.mac),
                            OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)(uintptr_t)"SHA256", 0), OSSL_PARAM_construct_end() };
    good = good && EVP_MAC_CTX_set_params(mac, params) == 1;
    OPENSSL_cleanse(&k, sizeof k);
    /* 2: and give a new one, as a ticket of TLS 1.3 is for one use (RFC 8446 C.4) */
    return !good ? -1 : !is_writing && (is_old || SSL_version(s) >= TLS1_3_VERSION) ? 2 : 1;
}

/* ---- what the handshake asks ---- */

static int on_name(SSL *s, int *alert, void *context)
{
    struct tls *t = context;
    const char *name = SSL_get_servername(s, TLSEXT_NAMETYPE_host_name);
    (void)alert;
    for (size_t i = 0; name && i < t->n; i++)
        if (X509_check_host(t->list[i].leaf, name, 0, 0, NULL) == 1) {
            SSL_set_SSL_CTX(s, t->list[i].context);
            break;
        }
    return SSL_TLSEXT_ERR_OK;
}
static int on_protocols(SSL *s, const unsigned char **out, unsigned char *out_len, const unsigned char *in, unsigned in_len, void *context)
{
    static const unsigned char ours[] = "\x02h2\x08http/1.1\x08http/1.0";
    unsigned char *chosen = NULL;
    (void)s, (void)context;
    if (SSL_select_next_proto(&chosen, out_len, ours, sizeof ours - 1, in, in_len) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}
static int no_password(char *to, int room, int is_writing, void *context)
{
    (void)to, (void)room, (void)is_writing, (void)context;
    return -1; /* the default would ask on the terminal */
}

/* ---- filling ---- */

static bool say(char why[TLS_WHY_BYTES], const char *file, const char *what)
{
    unsigned long e = ERR_peek_last_error();
    const char *reason = e ? ERR_reason_error_string(e) : NULL;
    snprintf(why, TLS_WHY_BYTES, "'%s' %s%s%s", file, what, reason ? ": " : "", reason ? reason : "");
    ERR_clear_error();
    return false;
}
/* An ordinary file of at most TLS_FILE_BYTES_MOST: a pipe or a device must not hold a reload up. */
static BIO *open_file(const char *file, char why[TLS_WHY_BYTES])
{
    struct stat st;
    BIO *b = NULL;
    ERR_clear_error();
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, &st) != 0) {
        snprintf(why, TLS_WHY_BYTES, "'%s' cannot be read: %s", file, strerror(errno));
    } else if (!S_ISREG(st.st_mode) || st.st_size > TLS_FILE_BYTES_MOST) {
        snprintf(why, TLS_WHY_BYTES, "'%s' is %s", file, S_ISREG(st.st_mode) ? "larger than 1 MB" : "no ordinary file");
    } else {
        char *bytes = malloc((size_t)st.st_size + 1);
        must(bytes != NULL);
        ssize_t n = read(fd, bytes, (size_t)st.st_size);
        if (n >= 0 && (b = BIO_new(BIO_s_mem())))
            BIO_write(b, bytes, (int)n);
        else
            snprintf(why, TLS_WHY_BYTES, "'%s' cannot be read: %s", file, strerror(errno));
        OPENSSL_cleanse(bytes, (size_t)st.st_size);
        free(bytes);
    }
    if (fd >= 0)
        close(fd);
    return b;
}

struct tls *tls_new(void)
{
    struct tls *t = calloc(1, sizeof *t);
    must(t != NULL);
    atomic_init(&t->references, 1);
    return t;
}
struct tls *tls_hold(struct tls *t)
{
    atomic_fetch_add_explicit(&t->references, 1, memory_order_relaxed);
    return t;
}
void tls_release(struct tls *t)
{
    if (!t || atomic_fetch_sub_explicit(&t->references, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < t->n; i++) {
        SSL_CTX_free(t->list[i].context);
        X509_free(t->list[i].leaf);
    }
    X509_STORE_free(t->authorities);
    sk_X509_NAME_pop_free(t->names, X509_NAME_free);
    free(t);
}

static SSL_CTX *context_new(void)
{
    SSL_CTX *c = SSL_CTX_new(TLS_server_method());
    must(c != NULL);
    SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION);
    SSL_CTX_set_options(c, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_cipher_list(c, "ECDHE+AESGCM:ECDHE+CHACHA20"); /* of TLS 1.2: what HTTP/2 may use (RFC 9113 9.2.2), for both */
    SSL_CTX_set_mode(c, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(c, 1);
    SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF); /* tickets alone: no state of ours to bound */
    SSL_CTX_set_tlsext_ticket_key_evp_cb(c, on_ticket);
    SSL_CTX_set_default_passwd_cb(c, no_password);
    SSL_CTX_set_alpn_select_cb(c, on_protocols, NULL);
    return c;
}
static bool key_read(SSL_CTX *c, const char *file, char why[TLS_WHY_BYTES])
{
    BIO *b = open_file(file, why);
    if (!b)
        return false;
    EVP_PKEY *key = PEM_read_bio_PrivateKey(b, NULL, no_password, NULL);
    BIO_free(b);
    if (!key) {
        unsigned long e = ERR_peek_last_error();
        bool is_locked = ERR_GET_REASON(e) == PEM_R_BAD_PASSWORD_READ || ERR_GET_LIB(e) == ERR_LIB_CRYPTO;
        ERR_clear_error();
        return say(why, file, is_locked ? "holds a key under a password: take it off (openssl pkey) and guard the file" : "holds no private key in PEM");
    }
    bool ok = SSL_CTX_use_PrivateKey(c, key) == 1 && SSL_CTX_check_private_key(c) == 1;
    EVP_PKEY_free(key);
    return ok ? true : say(why, file, "is not the certificate's key");
}
bool tls_add(struct tls *t, const char *certificate_file, const char *key_file, int *days_left, char why[TLS_WHY_BYTES])
{
    must(t->n < TLS_CERTIFICATES_MOST);
    BIO *b = open_file(certificate_file, why);
    if (!b)
        return false;
    X509 *leaf = PEM_read_bio_X509_AUX(b, NULL, no_password, NULL), *next;
    if (!leaf) {
        BIO_free(b);
        return say(why, certificate_file, "holds no certificate in PEM");
    }
    SSL_CTX *c = context_new();
    int seconds = 0;
    bool ok = SSL_CTX_use_certificate(c, leaf) == 1 || say(why, certificate_file, "cannot be used");
    while (ok && (next = PEM_read_bio_X509(b, NULL, no_password, NULL)))
        if (SSL_CTX_add0_chain_cert(c, next) != 1) {
            X509_free(next);
            ok = say(why, certificate_file, "has a chain that cannot be used");
        }
    if (ok && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
        ok = say(why, certificate_file, "holds something that is no certificate");
    ERR_clear_error(); /* the end of the file */
    BIO_free(b);
    ok = ok && key_read(c, key_file, why);
    if (!ok) {
        SSL_CTX_free(c);
        X509_free(leaf);
        return false;
    }
    if (X509_cmp_current_time(X509_get0_notBefore(leaf)) > 0 || !ASN1_TIME_diff(days_left, &seconds, NULL, X509_get0_notAfter(leaf)))
        *days_left = -1;
    else if (*days_left == 0 && seconds < 0)
        *days_left = -1;
    t->list[t->n++] = (struct certificate){ c, leaf };
    return true;
}
bool tls_ask_clients(struct tls *t, const char *ca_file, bool is_required, char why[TLS_WHY_BYTES])
{
    BIO *b = open_file(ca_file, why);
    if (!b)
        return false;
    X509 *x;
    size_t n = 0;
    char *bytes = NULL;
    long len = BIO_get_mem_data(b, &bytes);
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    must(digest != NULL);
    bool ok = EVP_DigestInit_ex(digest, EVP_sha256(), NULL) && EVP_DigestUpdate(digest, bytes, (size_t)len) && EVP_DigestUpdate(digest, is_required ? "r" : "o", 1)
              && EVP_DigestFinal_ex(digest, t->demands, &t->demands_bytes);
    EVP_MD_CTX_free(digest);
    t->is_required = is_required;
    t->authorities = X509_STORE_new();
    t->names = sk_X509_NAME_new_null();
    must(ok && t->authorities && t->names);
    while (ok && (x = PEM_read_bio_X509(b, NULL, no_password, NULL))) {
        X509_NAME *name = X509_NAME_dup(X509_get_subject_name(x));
        ok = name && X509_STORE_add_cert(t->authorities, x) == 1 && sk_X509_NAME_push(t->names, name) > 0;
        if (!ok)
            X509_NAME_free(name);
        X509_free(x);
        n++;
    }
    BIO_free(b);
    if (ok && (n == 0 || ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE))
        ok = false;
    if (!ok)
        return say(why, ca_file, n ? "holds something that is no certificate" : "holds no certificate in PEM");
    ERR_clear_error();
    return true;
}
bool tls_ready(struct tls *t, char why[TLS_WHY_BYTES])
{
    for (size_t i = 0; i < t->n; i++) {
        SSL_CTX *c = t->list[i].context;
        SSL_CTX_set_tlsext_servername_callback(c, on_name);
        SSL_CTX_set_tlsext_servername_arg(c, t);
        /* Sessions are bound to what was asked of the client when they were made. */
        if (SSL_CTX_set_session_id_context(c, t->demands_bytes ? t->demands : (const uint8_t *)"vigie", t->demands_bytes ? t->demands_bytes : 5) != 1) {
            snprintf(why, TLS_WHY_BYTES, "OpenSSL takes no session context");
            return false;
        }
        if (!t->authorities)
            continue;
        SSL_CTX_set1_cert_store(c, t->authorities);
        STACK_OF(X509_NAME) *names = SSL_dup_CA_list(t->names);
        must(names != NULL);
        SSL_CTX_set_client_CA_list(c, names);
        SSL_CTX_set_verify(c, SSL_VERIFY_PEER | (t->is_required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), NULL);
    }
    return true;
}

/* ---- a connection ---- */

SSL *tls_accept(struct tls *t, int fd)
{
    SSL *s = SSL_new(t->list[0].context);
    if (!s || SSL_set_fd(s, fd) != 1) {
        SSL_free(s);
        ERR_clear_error();
        return NULL;
    }
    SSL_set_accept_state(s);
    return s;
}
/* The error queue is the thread's: what one call leaves there would be read as the next one's. */
static int outcome(SSL *s, int n)
{
    switch (SSL_get_error(s, n)) {
    case SSL_ERROR_WANT_READ: return TLS_AGAIN;
    case SSL_ERROR_WANT_WRITE: return TLS_WRITE;
    case SSL_ERROR_ZERO_RETURN: return TLS_END;
    default: ERR_clear_error(); return TLS_BROKEN;
    }
}
int tls_handshake(SSL *s)
{
    ERR_clear_error();
    int n = SSL_do_handshake(s);
    if (n == 1)
        return 1;
    n = outcome(s, n);
    return n == TLS_END ? TLS_BROKEN : n;
}
ssize_t tls_read(SSL *s, char *to, size_t room)
{
    size_t got = 0;
    ERR_clear_error();
    while (got < room) {
        size_t n = 0;
        int ok = SSL_read_ex(s, to + got, room - got, &n);
        if (ok != 1) {
            int why = outcome(s, ok);
            return got && why != TLS_BROKEN ? (ssize_t)got : why; /* an end after bytes is said again by the next call */
        }
        got += n;
        if (!SSL_has_pending(s))
            break; /* the socket says when there is more */
    }
    return (ssize_t)got;
}
ssize_t tls_write(SSL *s, const char *from, size_t n)
{
    size_t sent = 0;
    ERR_clear_error();
    int ok = SSL_write_ex(s, from, n, &sent);
    if (ok == 1)
        return (ssize_t)sent;
    int why = outcome(s, ok);
    return why == TLS_END ? TLS_BROKEN : why;
}
int tls_goodbye(SSL *s)
{
    if (!SSL_is_init_finished(s) || SSL_get_shutdown(s) & SSL_SENT_SHUTDOWN)
        return 1;
    ERR_clear_error();
    int n = SSL_shutdown(s);
    if (n >= 0)
        return 1;
    return outcome(s, n);
}
bool tls_speaks_h2(const SSL *s)
{
    const unsigned char *chosen = NULL;
    unsigned n = 0;
    SSL_get0_alpn_selected(s, &chosen, &n);
    return n == 2 && memcmp(chosen, "h2", 2) == 0;
}

/* A name goes into records, metrics of rates and logs: one that is long or holds what no name needs is not taken at its word. */
static struct span name_taken(struct arena *a, const ASN1_STRING *s)
{
    unsigned char *text = NULL;
    struct span out = { 0 };
    int n = s ? ASN1_STRING_to_UTF8(&text, s) : -1;
    bool ok = n > 0 && n <= 128;
    for (int i = 0; ok && i < n; i++)
        ok = text[i] >= 0x20 && text[i] != 0x7f;
    if (ok)
        out = arena_printf(a, "cert:%.*s", n, (const char *)text);
    OPENSSL_free(text);
    return out;
}
struct span tls_client_name(const SSL *s, struct arena *a)
{
    const X509 *x = SSL_get0_peer_certificate(s);
    struct span name = { 0 };
    if (!x || SSL_get_verify_result(s) != X509_V_OK)
        return name;
    const X509_NAME *subject = X509_get_subject_name(x);
    int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (at >= 0)
        name = name_taken(a, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
    GENERAL_NAMES *others = name.len ? NULL : X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(others) && !name.len; i++) {
        const GENERAL_NAME *g = sk_GENERAL_NAME_value(others, i);
        if (g->type == GEN_DNS || g->type == GEN_EMAIL || g->type == GEN_URI)
            name = name_taken(a, g->d.ia5);
    }
    GENERAL_NAMES_free(others);
    if (!name.len) {
        unsigned char digest[EVP_MAX_MD_SIZE];
        unsigned n = 0;
        if (X509_digest(x, EVP_sha256(), digest, &n) && n >= 8)
            name = arena_printf(a, "cert:sha256:%02x%02x%02x%02x%02x%02x%02x%02x", digest[0], digest[1], digest[2], digest[3], digest[4], digest[5], digest[6], digest[7]);
    }
    return name;
}
