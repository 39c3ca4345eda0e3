/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/api: the wire formats that vigie understands. One `const struct api` a file, one explicit list (proxy/api/all.c);
 * nothing outside this folder knows a provider's JSON. Pure: bytes in, transcript out; no sockets, no clock, no disk.
 * (report and cli read recorded bodies through this door too.)
 *
 * Bytes pass vigie untouched; a reader only understands them. Unknown fields never hurt. What cannot be read is said
 * (transcript: READING_UNREAD and why) and is the route's policy to judge, never silently a pass. A reader looks at EVERY string
 * a model may read (attack notes, section 3): all roles, parts, tool specs and results, nested, duplicates of keys too.
 */
#ifndef PROXY_API_H
#define PROXY_API_H
#include "base/buf.h"
#include "base/json.h"
#include "checks/transcript.h"

/* How an answer of vigie's own is said in a provider's words. */
struct refusal {
    int status;               /* 403 for a policy block; 400 413 429 502 503 504 for trouble */
    const char *message;      /* for the person who reads the exception */
    const char *code;         /* machine word: "policy_blocked", "upstream_unreachable", … */
    const char *rule;         /* the rule's id, or NULL */
    struct span request_id;   /* the exchange's id */
};
enum framing { FRAMING_WHOLE, FRAMING_SSE, FRAMING_NDJSON, FRAMING_JSON_ARRAY, FRAMING_BYTES };

struct api {
    const char *name;         /* "openai-chat" */
    const char *family;       /* "openai": what a route's `api:` says */
    const char *doc;
    bool reads_csv;           /* answers as CSV are rows: read whole, not as a text that grows */
    bool has_payload_frames;  /* frames of an AWS event stream are pieces of a body, not events of their own */
    const struct api_paths *paths; /* of a reader made by a user (json.h); else NULL */
    /* Does this call (path: decoded of nothing, after the mount, without query) speak it? Used within a family and for `auto`. */
    bool (*matches)(struct span method, struct span path);
    /* Fills t from a whole request. path: e.g. for a model in the path. Sets t->prompt_reading. */
    void (*request)(struct transcript *t, struct span path, struct span content_type, struct span body);
    /* Fills t from a whole answer body (identity-coded). Only called for status 2xx; others are not answers of a model. */
    void (*answer)(struct transcript *t, struct span content_type, struct span body);
    /* One event of a streamed answer: SSE (name may be empty), an NDJSON line, an item of a JSON array. Returns false when it cannot
     * be read. Sets t->is_answer_whole at the API's own end mark. Spans need not outlive the call. */
    bool (*event)(struct transcript *t, struct span name, struct span data);
    /* The body of an answer of vigie's own; *content_type is static. */
    void (*refuse)(struct buf *out, const struct refusal *r, const char **content_type, struct span *extra_header_name, struct span *extra_header_value);
    /* What to send into a stream under way, at an event boundary, so that the client's SDK raises with our text (wire facts). Returns false
     * where nothing can be said: then the connection is destroyed. */
    bool (*refuse_stream)(struct buf *out, enum framing f, const struct refusal *r);
};

/* An empty transcript for this reader. */
struct transcript *api_transcript(struct arena *a, const struct api *api);

extern const struct api *const all_apis[];   /* NULL-terminated; "raw" is last and matches everything */
/* The reader for a call on a route whose `api:` is family (or "auto"; or an api's exact name). Never NULL: at worst raw. */
const struct api *api_find(struct span family, struct span method, struct span path);
/* May a config say `api: word`? */
bool api_is_known(struct span word);
const char *const *api_words(size_t *n);      /* for "did you mean" */

/* ---- Answers as they come. One answer_reader an exchange, in its arena. ----
 * Takes the body as it came from the upstream (transfer coding removed, content coding not), inflates a copy if it must (gzip, deflate,
 * br, zstd; bounded), cuts it into events and feeds them to the api. Tells, in raw bytes, which events carry which text, so
 * that the exchange can hold and release. Works at any cut: whole or byte by byte, same events, same transcript. */
struct touch {                /* an event put text[from, to) into answer part `part` */
    uint32_t part;
    uint32_t from, to;
};
struct answer_event {
    uint64_t raw_end;         /* raw body bytes up to and including this event (and its terminator) */
    uint32_t first_touch, ntouches; /* in answer_reader_touches */
};
struct answer_reader;
struct answer_reader_options {
    const struct api *api;
    struct transcript *t;
    int status;
    struct span content_type, content_encoding;
    size_t whole_most;        /* bytes of a whole body (decoded) kept for reading; more: READING_UNREAD */
};
/* Of an error (t->is_error): give api raw and status 200. No model said it, but a leak is one in an error's body too. */
struct answer_reader *answer_reader_new(struct arena *a, const struct answer_reader_options *o);
enum framing answer_reader_framing(const struct answer_reader *r);
bool answer_reader_is_coded(const struct answer_reader *r);  /* compressed: nothing can be said in mid-stream */
void answer_reader_feed(struct answer_reader *r, struct span raw);
/* The body ended; is_cut: the upstream's framing says it is not whole. For FRAMING_WHOLE this is when the api reads. */
void answer_reader_end(struct answer_reader *r, bool is_cut);
/* Events since the last take; valid until the next feed. For compressed bodies raw_end is the end of the raw piece that completed the
 * event. FRAMING_BYTES: one event a feed, with the text being the bytes. */
const struct answer_event *answer_reader_take(struct answer_reader *r, size_t *n);
const struct touch *answer_reader_touches(const struct answer_reader *r);

/* Rewrites JSON for redaction: in `json` every string whose decoded value equals old is replaced by `with` (encoded); the rest stays byte for
 * byte. Returns how many were replaced, -1 when json cannot be read. */
int json_replace_strings(struct buf *out, struct arena *scratch, struct span json, const struct span *olds, const struct span *withs, size_t n);

/* A content coding undone, for request bodies: NULL-safe error text in *why. Bounded by `most` decoded bytes. "" and identity copy nothing. */
bool content_decode(struct arena *a, struct span encoding, struct span body, size_t most, struct span *out, const char **why);
#endif
