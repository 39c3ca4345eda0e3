/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/http: a strict reader of HTTP/1.1 messages (RFC 9110, RFC 9112). Pure: bytes in, meaning out; used for clients'
 * requests and for upstreams' answers. What has more than one meaning has none: it is refused. Works at any cut.
 */
#ifndef PROXY_HTTP_H
#define PROXY_HTTP_H
#include "base/arena.h"

struct http_field {
    struct span name, value;         /* value without surrounding blanks; bytes otherwise untouched */
};
struct http_limits {
    size_t head_bytes;               /* whole head; 0: 64 KiB */
    unsigned fields;                 /* 0: 128 */
};
enum http_framing { HTTP_NO_BODY, HTTP_LENGTH, HTTP_CHUNKED, HTTP_UNTIL_CLOSE /* answers only */ };

struct http_head {
    struct span method, target;      /* requests. target: as it came */
    struct span path, query;         /* of the target in origin-form (or taken out of absolute-form): bytes as they came; query without '?'; has_query tells "/a?" from "/a" */
    bool has_query;
    struct span host;
    int status;                      /* answers */
    struct span reason;
    unsigned minor;                  /* HTTP/1.minor: 0 or 1 */
    struct http_field *fields;       /* in order, as they came */
    size_t nfields;
    enum http_framing framing;
    uint64_t length;                 /* HTTP_LENGTH */
    bool is_keep_alive;
    bool expects_continue;
    bool has_upgrade;                /* an Upgrade field named in Connection, on a request without a body, to something that may travel (never h2c, TLS) */
    bool connection_names_fields;    /* Connection holds more than close, keep-alive and upgrade */
};
enum http_read { HTTP_MORE, HTTP_DONE, HTTP_BAD };
struct http_problem {
    int status;                      /* to refuse with: 400 413 414 417 431 501 505 */
    const char *why;                 /* static, for the error's text and the log */
};
/* Reads a request's head from the front of `bytes`. HTTP_DONE: *used bytes were read, h's spans point into `bytes` (h->fields into the arena).
 * HTTP_MORE: call again with more (bytes may start over; *scanned, kept by the caller and 0 at first, avoids looking twice). Leading CRLFs (at most 2) are eaten. */
enum http_read http_read_request(struct http_head *h, struct arena *a, struct span bytes, const struct http_limits *l, size_t *scanned, size_t *used, struct http_problem *p);
/* The same for an answer's head (p->status is then 502); is_head_request and status decide about the body. 1xx are returned like others. */
enum http_read http_read_answer(struct http_head *h, struct arena *a, struct span bytes, const struct http_limits *l, bool is_head_request, size_t *scanned, size_t *used, struct http_problem *p);

struct span http_field_value(const struct http_head *h, const char *name);   /* the first; empty span with at NULL: none */
size_t http_field_count(const struct http_head *h, const char *name);
/* Is this field hop-by-hop here: by name (RFC 9110 7.6.1, and proxy-* , te, trailer, upgrade, keep-alive, http2-settings) or named in Connection?
 * Framing (content-length, transfer-encoding), Host are answered true: the sender writes its own. */
bool http_is_hop_by_hop(const struct http_head *h, struct span name);
const char *http_reason(int status);     /* of the answers that vigie itself makes */
bool http_is_token(struct span s);
bool http_is_field_value(struct span s);

/* A chunked body, undone. { 0 } is a fresh one. */
struct http_chunks {
    int state;
    uint64_t left;
    unsigned extension_bytes, trailer_bytes; /* in sum */
    unsigned piece;                  /* digits of a size, bytes of one extension, of a trailer's name */
    char name[64];                   /* of the trailer being read */
    bool drops;                      /* … which goes nowhere */
    bool is_done;
    struct buf *trailers;            /* where trailer fields go as "name: value\r\n"…, or NULL to drop them */
};
/* Reads from the front of *in (moving it on) until it has data: *data is then a span of it (empty: none left in this piece).
 * HTTP_DONE: the last chunk and the trailers were read, *in is what follows. Call in a loop until HTTP_MORE with empty data, HTTP_DONE or HTTP_BAD. */
enum http_read http_chunks_read(struct http_chunks *c, struct span *in, struct span *data, struct http_problem *p);

/* A path with more than one reading is refused, with a static reason: dot segments (plain, encoded however often, overlong, full-width, with
 * parameters), backslashes and control bytes (encoded or not), bad escapes, two slashes at the front. All else may pass as it came: %2F, %252F, `a[]`,
 * `:`, and doubled slashes further on, where they can no longer choose the route (config_route sees to it with the next one). */
bool http_path_is_plain(struct span path, const char **why);
/* Could a reader who decodes escapes, takes %2F for a slash, joins slashes, drops `;parameters` and forgets case find `path` at or below `mount`?
 * A mount for which this holds and the plain comparison does not makes the route ambiguous. mount: plain, without a slash at its end. */
bool http_path_may_mean(struct span path, struct span mount);
#endif
