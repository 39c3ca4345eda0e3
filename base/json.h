/* SPDX-License-Identifier: Apache-2.0
 *
 * json: reads a JSON text into a flat tape of nodes that keep their place in the source. Nothing is copied or decoded
 * until asked for. Made for texts of strangers that must be understood but never rewritten:
 *   - every node knows its bytes, so that a finding in a decoded string can be led back to the source;
 *   - duplicate keys are all kept (readers differ in which one wins, so a checker looks at each);
 *   - what real servers send though RFC 8259 forbids it (NaN, Infinity, raw control bytes in strings, a byte order
 *     mark) is read, and `odd` says so; numbers keep their spelling;
 *   - depth is bounded (JSON_DEPTH), nothing recurses; time and memory are linear (24 bytes a node).
 * For JSON that vigie itself builds (reports, admin answers) use jansson or buf_add_json.
 *
 * Layout: an object is followed by key, value, key, value …; an array by its items; `past` is the index one past
 * the whole subtree, so a sibling is reached in one step.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H
#include "base/arena.h"

enum { JSON_DEPTH = 256 };
enum json_type { JSON_NONE, JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_STRING, JSON_OBJECT, JSON_ARRAY };

struct json_node {
    uint32_t start, end; /* in the source; a string's are inside its quotes, an object's include the braces */
    uint32_t past;       /* index one past this subtree */
    uint32_t n;          /* members of an object, items of an array */
    uint8_t type;
    bool escaped;        /* a string that holds a backslash */
};
struct json {
    struct span source;
    struct arena *arena;
    struct json_node *nodes;
    uint32_t n, cap;
    size_t end;          /* bytes read: what follows is not white space if end < source.len */
    bool odd;
    size_t bad_at;       /* where reading failed */
    const char *bad;     /* why; NULL: it did not */
};
/* A value: a place on a tape. JSON_NONE when doc is NULL, so that look-ups can be chained without asking. */
struct jv {
    const struct json *doc;
    uint32_t i;
};

/* Reads one value. false: doc->bad says why and doc->bad_at where; what was read until then is not to be used.
 * The source must stay as long as doc does. More than 2^32-2 bytes are refused. */
bool json_read(struct json *doc, struct arena *a, struct span source);
static inline struct jv json_root(const struct json *doc)
{
    return (struct jv){ doc->bad ? NULL : doc, 0 };
}

static inline const struct json_node *jv_node(struct jv v) { return &v.doc->nodes[v.i]; }
static inline enum json_type jv_type(struct jv v) { return v.doc ? (enum json_type)jv_node(v)->type : JSON_NONE; }
/* The value's bytes in the source (a string's without its quotes). */
struct span jv_source(struct jv v);
/* A member by its key, compared decoded; the LAST of duplicates, as most readers take it. */
struct jv jv_get(struct jv object, const char *key);
/* jv_get along "a.b.0.c": keys and indexes (no key of ours holds a dot). */
struct jv jv_path(struct jv v, const char *path);
struct jv jv_item(struct jv array, uint32_t index);
/* A string's text: a span of the source where nothing is escaped, else decoded into the arena (lone surrogates become
 * U+FFFD). Not a string: empty span with at == NULL. */
struct span jv_text(struct jv v, struct arena *a);
bool jv_text_is(struct jv v, const char *text);
bool jv_number(struct jv v, double *out);               /* a finite number */
bool jv_u64(struct jv v, uint64_t most, uint64_t *out); /* a whole number in range ("12", "12.0" not) */
static inline bool jv_true(struct jv v) { return jv_type(v) == JSON_TRUE; }

/* Walks members or items, duplicates too:
 *     struct jv_walk w = jv_walk(v); while (jv_next(&w)) … w.key (objects only) … w.value */
struct jv_walk {
    struct jv key, value;
    struct jv of;
    uint32_t at, past;
};
struct jv_walk jv_walk(struct jv of);
bool jv_next(struct jv_walk *w);
#endif
