/* SPDX-License-Identifier: Apache-2.0
 *
 * tls: a listener's certificates, compiled (struct tls), and the bytes of a connection through them (SSL).
 *
 * struct tls is made with the config and then const; every connection holds a reference of its own, so a reload that brings new
 * certificates leaves old connections theirs. TLS 1.2 and 1.3, forward secrecy only; ALPN chooses between HTTP/2 and HTTP/1.1; the
 * name a client asks for chooses the certificate, the first one stands for all others. Sessions are resumed by tickets whose keys
 * live in the process: they outlast reloads, and a session made under other demands on client certificates is none.
 */
#ifndef PROXY_TLS_H
#define PROXY_TLS_H
#include "base/arena.h"
#include <openssl/ssl.h>
#include <sys/types.h>

enum { TLS_CERTIFICATES_MOST = 64, TLS_WHY_BYTES = 256, TLS_FILE_BYTES_MOST = 1 << 20 };
struct tls;

/* Filling, at load time. why: what is wrong, of which file. */
struct tls *tls_new(void);
/* One more certificate (PEM, the leaf first, then what leads to the root) and its key. *days_left: of the leaf; negative: it is over. */
bool tls_add(struct tls *t, const char *certificate_file, const char *key_file, int *days_left, char why[TLS_WHY_BYTES]);
/* Clients are asked for a certificate by one of these authorities. is_required: no handshake without one. */
bool tls_ask_clients(struct tls *t, const char *ca_file, bool is_required, char why[TLS_WHY_BYTES]);
/* Once, after the others and before the first connection. */
bool tls_ready(struct tls *t, char why[TLS_WHY_BYTES]);
struct tls *tls_hold(struct tls *t);     /* any thread */
void tls_release(struct tls *t);         /* any thread; NULL is fine */

/* A connection's side, on its worker. NULL: no memory. */
SSL *tls_accept(struct tls *t, int fd);
/* TLS_AGAIN: wait for the socket to be readable, TLS_WRITE: to be writable. TLS_END: the peer said that nothing follows. TLS_BROKEN: an
 * error or a cut; no word may be said on this connection any more. */
enum { TLS_END = 0, TLS_AGAIN = -1, TLS_WRITE = -2, TLS_BROKEN = -3 };
int tls_handshake(SSL *s);               /* 1: done */
ssize_t tls_read(SSL *s, char *to, size_t room);
ssize_t tls_write(SSL *s, const char *from, size_t n);
int tls_goodbye(SSL *s);                 /* close_notify; 1: said */
bool tls_speaks_h2(const SSL *s);
/* Whom the client's verified certificate names: its common name, else its first alternative name, else its fingerprint. Empty: it showed none. */
struct span tls_client_name(const SSL *s, struct arena *a);
#endif
