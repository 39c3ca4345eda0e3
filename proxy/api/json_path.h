/* SPDX-License-Identifier: Apache-2.0
 *
 * json_path: the part of RFC 9535 that names places in a body: $.a.b, $.a[0], $.a[-1], $.a[*].text, $.a.*, $['a b']. Compiled once by the
 * config. A path passes each value of a document at most once, so following one is linear; keys are compared decoded, and
 * duplicates of a key are all followed, since nobody knows which of them the upstream will read. */
#ifndef PROXY_API_JSON_PATH_H
#define PROXY_API_JSON_PATH_H
#include "base/json.h"

enum { JSON_PATH_BYTES_MOST = 1024, JSON_PATH_STEPS_MOST = 64 };
struct json_step {
    enum json_step_kind { STEP_KEY, STEP_INDEX, STEP_ALL } kind;
    struct span key;
    int64_t index;              /* negative: from the end */
};
struct json_path {
    struct span text;           /* as it was written */
    struct json_step *steps;
    size_t n;                   /* none: the whole body */
};
/* false: *why says what is wrong and *at how many bytes into it. Keeps text. */
bool json_path_read(struct arena *a, struct span text, struct json_path *out, const char **why, size_t *at);
typedef void json_path_found(void *to, struct jv v);
/* Tells each value that the path names, in the order of the document. */
void json_path_follow(const struct json_path *p, struct jv root, json_path_found *found, void *to);
#endif
