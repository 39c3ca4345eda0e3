/* SPDX-License-Identifier: Apache-2.0
 *
 * worker: one thread, one event loop, everything on it: listeners (SO_REUSEPORT), connections, exchanges, upstreams, a shard of metrics.
 * Private to proxy/. The house rules here:
 *   - share nothing: a worker's structs are touched by its thread only, unless marked atomic;
 *   - callbacks note what happened and let exchange_* move; nothing frees itself under its own feet: the dead are reaped at the
 *     end of the turn (worker_turn_end), which also sends what gathered in a turn with one write per connection.
 *
 * Connections (conn.c) move bytes; a protocol (h1.c, h2.c) turns them into requests and answers into bytes. Exchanges (exchange.c: request side,
 * answer.c: answer side, recording.c: its record) live from a request's head until the record is safe and the last byte handed over. They
 * know of their client what struct client_ops offers, and nothing of the protocol.
 */
#ifndef PROXY_WORKER_H
#define PROXY_WORKER_H
#include "base/buf.h"
#include "proxy/config.h"
#include "proxy/http/http.h"
#include "proxy/log.h"
#include "proxy/metrics.h"
#include "proxy/tls.h"
#include "proxy/meters.h"
#include "proxy/upstream.h"
#include "store/store.h"
#include <event2/event.h>
#include <event2/event_struct.h>
#include <openssl/evp.h>
#include <pthread.h>

enum {
    READ_BYTES = 64 * 1024,        /* a worker's shared read buffer: one read a turn and connection */
    OUT_HIGH = 256 * 1024,         /* unsent bytes at which the upstream is paused … */
    OUT_LOW = 64 * 1024,           /* … and resumed */
    H2_FILL = 64 * 1024,           /* HTTP/2: frames are made, and more is read, while less than this waits for the socket */
    IN_MOST = 64 * 1024,           /* pipelined bytes kept while an exchange is under way */
    WHOLE_BODY = 64 * 1024,        /* request bodies up to this are read before the upstream hears of them anyway */
    READ_MOST = 8 << 20,           /* bytes of a body that readers and checks look at where nothing acts on it */
    END_MARK_WAIT_MS = 100,        /* bytes after the API's end mark wait this long for the upstream's own end */
    LINGER_MS = 2000,
    KEEPALIVE_COMMENT_MS = 5000,   /* silence after which a held stream gets an SSE comment */
    UPSTREAM_DOWN_MS = 5000,       /* an upstream that could not be reached is asked last for this long */
    UPSTREAMS_MOST = 16,
    OBSERVED_BURST = 600,          /* exchanges of a route the drift watch is shown at once … */
    OBSERVED_EACH_S = 20,          /* … and a second after that: its windows are samples of time, not of load */
    ARENA_MOST = 256 << 20,
    ARENAS_KEPT = 64,
};

struct server;
struct worker;
struct exchange;

/* A generation of the configuration; owner: atomic count. */
struct generation {
    struct config *config;
    _Atomic int refs;
    unsigned number;
    int *route_slots;                        /* metrics slot of each route */
    _Atomic uint64_t ***rule_counters;       /* [route][rule] */
    int **listen_fds;                        /* [worker][listener]; -1: that listener exists already */
};
void generation_release(struct generation *g);

/* A worker's hold on a generation: counts its exchanges without atomics. owner: worker */
struct hold {
    struct generation *g;
    unsigned users;
    bool is_old;
    uint64_t (*down_until)[UPSTREAMS_MOST];  /* [route][upstream] ms */
    unsigned *turn;                          /* [route] weighted round robin */
    struct sampling { uint64_t at_ms; unsigned left; } *sampling;  /* [route] what the drift watch is shown */
};

struct listening {                           /* owner: worker; kept until the worker ends */
    struct listening *next;
    struct worker *w;
    struct event ev;
    int fd;                                  /* -1: closed */
    struct span host;
    unsigned port;
    const struct listener *l;                /* in the worker's current config; NULL: no longer listed */
};

/* One request's way to its client. The struct belongs to the protocol; x is NULL once end or cut were called, or the client left. */
struct client;
struct client_head {
    int status;
    struct span reason;                      /* may be empty */
    const struct http_field *fields;         /* without framing and what belongs to a connection */
    size_t nfields;
    enum http_framing framing;               /* HTTP_NO_BODY: none may come (HEAD, 204, 304), whatever a content-length among the fields says */
    uint64_t length;
    struct span exchange_id;                 /* empty: none */
};
struct client_ops {
    void (*interim)(struct client *c, int status, struct span reason, const struct http_field *fields, size_t n);
    void (*head)(struct client *c, const struct client_head *h);
    void (*body)(struct client *c, struct span data);              /* taken whole; unsent tells when it gets too much */
    void (*end)(struct client *c, struct span trailers);           /* the answer is whole; trailers: "name: value\r\n"… */
    void (*cut)(struct client *c);                                 /* what was said goes out, then an end that nobody takes for a whole */
    size_t (*unsent)(const struct client *c);
    void (*body_wanted)(struct client *c);                         /* there is room for more of the request's body */
    bool (*unsay)(struct client *c);                               /* forgets the answer, head and all; false: some of it has left. NULL: cannot */
};
struct client {
    const struct client_ops *ops;
    struct conn *conn;
    struct exchange *x;
    size_t unsent_most;                      /* more than this pauses the upstream */
    uint64_t sent_ms;                        /* when bytes last left */
};

/* How a request's body comes: since when, how much; what limits.body_rate looks at. since_ms 0: begins anew. */
struct pace { uint64_t since_ms, bytes; };

enum conn_state { CONN_HEAD, CONN_BODY, CONN_ANSWER, CONN_H2, CONN_LINGER, CONN_DEAD };
struct conn {                                /* owner: worker */
    struct worker *w;
    struct listening *on;
    struct conn *next, *previous;
    struct conn *next_dirty;
    bool is_dirty, is_reading, closes_after, has_answered;
    enum conn_state state;
    int fd;
    struct event read_ev, write_ev;
    SSL *ssl;                                /* NULL: in clear */
    struct tls *tls;                         /* the listener's at the time, held */
    bool is_greeted, is_tls_broken, reads_when_writable;
    struct span client_name;                 /* of its verified certificate; heap */
    struct buf in;                           /* bytes read and not yet used */
    struct buf out;
    size_t out_at;
    uint64_t deadline_ms;
    struct pace pace;                        /* of the request's body */
    struct h2 *h2;                           /* NULL: HTTP/1.1 */
    /* HTTP/1.1: one request at a time */
    struct client one;
    size_t scanned;
    struct arena *arena;                     /* where a head is being read */
    struct http_chunks request_chunks;
    uint64_t request_left;
    bool is_chunked;                         /* the answer that is going out */
    bool is_answer_unsent;                   /* its head and all since stand alone in out */
};

enum xstate { X_BODY, X_WAIT, X_ANSWER, X_COMMIT, X_TAIL, X_DONE };
struct pending { uint64_t raw_end; uint32_t first, n; };   /* an answer event not yet released; touches in x->touches */

struct exchange {                            /* owner: worker; lives in its arena */
    struct worker *w;
    struct client *client;                   /* NULL: it left, or has all */
    struct arena *arena;
    struct hold *hold;
    const struct route *route;
    const struct api *api;
    struct route_metrics *m;
    enum xstate state;
    char id[RECORD_ID_BYTES + 1];
    int64_t at_us;
    uint64_t start_ns, busy_ns, turn_ns;     /* monotonic; busy: time that vigie itself took */
    uint64_t first_byte_ns;
    struct http_head head;
    struct span rest;                        /* the path after the mount */
    struct span caller;
    bool is_head_request, keeps_alive;

    /* request body */
    uint64_t request_bytes;
    struct buf body;                         /* whole, or the first READ_MOST / keep bytes where it streams */
    struct buf replaced;                     /* the body before its redaction: the transcript's texts lie in it */
    struct buf spill;                        /* streaming: what the upstream had no room for */
    bool streams_body, is_body_done, is_body_cut, is_body_redacted;
    EVP_MD_CTX *request_hash;                /* of what was not kept; NULL while all of it was */
    struct span plain_body;                  /* content coding undone */
    struct transcript *t;
    struct verdict v;
    struct admission admission;
    uint64_t retry_ms;                       /* said with a 429 */
    bool is_prompt_read, is_prompt_judged, is_answer_judged;

    /* upstream */
    struct upstream_call *up;
    struct http_field *fields;
    size_t nfields;
    struct span target;
    unsigned tried;                          /* bit i: upstream i was tried */
    const struct upstream_url *to;
    int upstream_status;
    bool is_upstream_ended, is_up_paused, is_up_cut;

    /* answer */
    int status;                              /* sent to the client; 0: nothing was */
    struct http_field *answer_fields;        /* copies, until the head is sent */
    size_t nanswer_fields;
    struct span answer_reason, answer_type, answer_coding;
    enum http_framing answer_framing;        /* the upstream's */
    uint64_t answer_length;
    bool is_head_sent, is_open_ended, has_no_body, acts, is_refused;
    bool is_own;                             /* an answer of vigie's own, whole: its head in answer_fields, its body in held */
    struct answer_reader *reader;
    struct stream_scan *scan;
    struct buf held;                         /* bytes that may not leave yet */
    uint64_t held_from;                      /* raw offset of held.bytes[0] */
    struct pending *pending;
    size_t npending, pending_cap, pending_at;
    struct touch *touches;
    size_t ntouches, touches_cap;
    bool is_end_marked, is_altered;
    uint64_t end_mark_ms;
    uint64_t answer_bytes;
    struct buf kept;                         /* of the answer, for the record */
    bool is_kept_cut;
    EVP_MD_CTX *answer_hash;                 /* the same */
    struct buf trailers;

    const char *error;                       /* vigie's own word */
    bool is_recorded, is_committed;
    struct exchange *next_ended;
};

struct worker {                              /* owner: its thread, but for what is marked atomic */
    struct server *server;
    unsigned index;
    pthread_t thread;
    struct event_base *base;
    int wake_fd;
    struct event wake_ev, tick_ev;
    struct upstream_pool *pool;
    struct store_client *store;
    struct metrics *metrics;
    struct hold *now;                        /* the current generation */
    struct listening *listening;
    struct conn *conns, *dirty, *dead;
    struct exchange *ended;                  /* to be freed at the end of the turn */
    struct arena *arenas[ARENAS_KEPT];       /* empty, for the next exchanges */
    unsigned narenas;
    unsigned nconns, conns_most;
    bool is_listening_paused, is_stopping;
    int reserve_fd;                          /* given up for a moment when descriptors run out */
    uint64_t now_ms, stop_ms;
    char *read_buffer;
    struct rates *rates;
    struct meters *meters;
    struct quiet *quiet;                     /* what the checks found nothing in */
    EVP_MD_CTX *digest, *keyed[2], *scratch_digest;   /* SHA-256; HMAC's inner and outer, the key already in; scratch */
    _Atomic(struct generation *) next;       /* atomic: control → worker */
    _Atomic bool stop_asked, is_done;        /* atomic: control → worker, and back */
    _Atomic bool is_store_failing;           /* atomic: control polls the store's health */
    struct observations *observations;       /* single producer, single consumer: → control */
};

/* worker.c */
uint64_t clock_ns(void);
struct worker *worker_new(struct server *s, unsigned index, struct generation *g);
void worker_wake(struct worker *w);          /* any thread */
void *worker_run(void *worker);
void worker_free(struct worker *w);
void worker_turn_end(struct worker *w);
void hold_drop(struct worker *w, struct hold *h);

/* conn.c */
void conn_accept(struct listening *l);
void conn_dirty(struct conn *c);
void conn_close(struct conn *c);             /* at once; an exchange under way is told */
void conn_reset(struct conn *c);             /* at once, so that the client sees a cut (RST) */
bool conn_flush(struct conn *c);
void conn_process(struct conn *c);
void conn_tick(struct conn *c);
void conn_reading(struct conn *c, bool wanted);
void conn_reap(struct conn *c);
/* n more bytes of a body came: until when the next must. */
uint64_t conn_pace(const struct conn *c, struct pace *p, size_t n);
static inline size_t conn_unsent(const struct conn *c) { return c->out.len - c->out_at; }
static inline uint64_t conn_in_ms(const struct conn *c, uint64_t ms) { return ms ? c->w->now_ms + ms : 0; }
static inline const struct limits *conn_limits(const struct conn *c) { return &c->w->now->g->config->limits; }

/* h1.c */
extern const struct client_ops h1_client;
/* Takes what it can use from the front of *in. */
void h1_read(struct conn *c, struct span *in);
bool h1_wants_more(const struct conn *c);
/* What is sent for a request that never became an exchange. */
void h1_refuse(struct conn *c, int status, const char *code, const char *why);

/* h2.c */
void h2_begin(struct conn *c);               /* from here on the connection speaks HTTP/2, beginning with the client's preface */
void h2_read(struct conn *c, struct span in);
void h2_fill(struct conn *c);                /* makes frames of what waits, up to H2_FILL unsent bytes */
void h2_drain(struct conn *c);
void h2_tick(struct conn *c);
void h2_gone(struct conn *c);                /* its exchanges are told */
void h2_free(struct conn *c);

/* exchange.c */
/* The exchange takes the arena over. A body follows unless the head says otherwise: exchange_body for its pieces, then exchange_body_end. */
void exchange_begin(struct client *c, const struct http_head *head, struct span head_bytes, struct arena *arena);
bool exchange_body(struct exchange *x, struct span data);   /* false: refused; no more of it is wanted */
void exchange_body_end(struct exchange *x);
bool exchange_is_full(const struct exchange *x);             /* no more of the body now: body_wanted says when */
void exchange_client_gone(struct exchange *x);
void exchange_room(struct exchange *x);      /* the client took bytes: the upstream may go on */
void exchange_tick(struct exchange *x);
void exchange_end(struct exchange *x);       /* counts it; it is freed at the end of the turn */
void exchange_free(struct exchange *x);
struct arena *worker_arena(struct worker *w);
void exchange_start_upstream(struct exchange *x);
/* An answer of vigie's own, before any byte left: status, in the API's error shape. Records it when `records`. */
void exchange_refuse(struct exchange *x, int status, const char *code, const char *message, const char *rule, bool records);
void exchange_done(struct exchange *x);
void exchange_facts(struct exchange *x, struct facts *f);

/* admission.c: false: refused with 429, and the exchange is ending */
bool exchange_admit_head(struct exchange *x);
bool exchange_admit_prompt(struct exchange *x);
void exchange_settle(struct exchange *x);
/* Where the API did not say what an answer took: from the texts, marked as an estimate. */
void usage_estimate(struct exchange *x);
uint64_t tokens_of(const struct transcript *t, enum side on);   /* estimated from the texts */

/* answer.c */
extern const struct upstream_callbacks answer_callbacks;
void answer_send_head(struct exchange *x, enum http_framing framing, uint64_t length);
void answer_committed(struct exchange *x, bool is_safe);
void answer_tick(struct exchange *x);
/* The client left: what was held back for it is kept for the record. */
void answer_left(struct exchange *x);

/* recording.c */
/* Seals and submits the record, then goes on to answer_committed: at once where nothing waits for the commit, else when the store says
 * so (state X_COMMIT until then). With the client gone nothing waits and nothing follows. */
void exchange_commit(struct exchange *x);
void exchange_observe(struct exchange *x);
struct span mask_query(struct arena *a, struct span target);
struct span caller_of(struct exchange *x);
struct span fingerprint_of(struct exchange *x);               /* the fingerprint of its credential; empty: it has none */
/* The digest of a body of which only the front is kept: takes over when data goes past what is kept (whole: what was kept so far). */
void digest_more(struct exchange *x, EVP_MD_CTX **running, struct span kept, struct span data);
/* The worker's hashing contexts, made once. */
void worker_digests(struct worker *w);
void worker_digests_free(struct worker *w);

/* redact.c */
/* The JSON body with the prompt's redactions applied; false: some could not be placed. */
bool redact_prompt(struct exchange *x, struct buf *out);
/* One answer event's raw bytes (identity-coded) with redactions applied. */
bool redact_event(struct exchange *x, struct span raw, const struct touch *touches, size_t n, struct buf *out);
/* A part's text as it may be written down. */
struct span redacted_text(struct exchange *x, enum side on, size_t part);
bool redactions_touch(const struct verdict *v, enum side on, uint32_t part, uint32_t from, uint32_t to);

/* server.c */
bool server_is_draining(const struct server *s);
const uint8_t *server_secret(const struct server *s);   /* 32 bytes: the key of fingerprints */
struct store *server_store(const struct server *s);
#endif
