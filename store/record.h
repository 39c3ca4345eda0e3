/* SPDX-License-Identifier: Apache-2.0
 *
 * record: an exchange made durable. The plain struct that the proxy fills and the store keeps; everything in it is under
 * the chain's hash. No credential is ever put in here: headers are not recorded but those listed, the query is masked, and callers
 * are named or fingerprinted (keyed hash).
 */
#ifndef STORE_RECORD_H
#define STORE_RECORD_H
#include "base/arena.h"

enum { RECORD_ID_BYTES = 26 };            /* "01JD…": Crockford base32 of time (ms) and randomness (ULID), sorts by time */

struct record {
    char id[RECORD_ID_BYTES + 1];
    int64_t at_us;                        /* when the request's head was read, since 1970 */
    struct span route, api, model, answer_model, caller, session, join, tags; /* tags: a JSON object or empty */
    struct span method, path;             /* path with the query, secrets masked */
    struct span upstream;                 /* host:port that answered; empty: none */
    int status;                           /* sent to the client; 0: the client left before */
    int upstream_status;                  /* 0: none */
    struct span error;                    /* vigie's own word: upstream_unreachable, upstream_cut, client_gone, …; empty: none */
    bool is_stream, is_answer_whole;

    struct span verdict;                  /* allow flag redact block */
    struct span rule;                     /* id of the rule that decided; empty: none */
    struct span rules;                    /* all that spoke: a JSON array of {"id","version","action","severity","message"} */
    struct span findings;                 /* JSON array: {"rule","check","kind","on","part","start","end","score","text","message"} */
    struct span scores;                   /* JSON object: {"refusal":0.98,…,"scope":{"not_run":"why"}} */
    struct span ruleset;                  /* its hash */
    struct span question, answer_start;   /* the first 280 bytes (whole characters) of last user text and answer: what tables show */

    uint64_t input_tokens, output_tokens, cache_read_tokens, cache_write_tokens;
    struct span usage_origin;             /* reported estimated absent */
    uint64_t first_byte_us, total_us;     /* since at_us; 0: never */
    uint64_t request_bytes, answer_bytes; /* as they came, whole */
    struct span request_type, request_coding, answer_type, answer_coding; /* content-type and -encoding */
    struct span request, answer;          /* bodies as they came (or as redacted), at most the route's keep limit */
    bool is_request_cut, is_answer_cut;   /* only the first bytes were kept; then the hashes below are of the whole, else they are zero */
    uint8_t request_sha256[32], answer_sha256[32];
};
#endif
