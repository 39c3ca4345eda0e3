/* SPDX-License-Identifier: Apache-2.0
 *
 * json: a reader made by the user, for plain JSON of any shape: `api: {kind: json, prompt: $.q, answer: $.a}`. The config fills an
 * api_paths and gets a reader of the route's own; api_transcript carries the paths to it. */
#ifndef PROXY_API_JSON_H
#define PROXY_API_JSON_H
#include "proxy/api/api.h"
#include "proxy/api/json_path.h"

enum json_field { FIELD_OF_PROMPT, FIELD_OF_INSTRUCTIONS, FIELD_OF_CONTEXT, FIELD_OF_MODEL, FIELD_OF_FEATURES, FIELD_OF_ANSWER, FIELD_OF_DELTA,
                  FIELD_OF_PREDICTION, JSON_FIELDS };
extern const char *const json_field_names[JSON_FIELDS];   /* the config's keys */
enum json_stream { JSON_STREAM_ANY, JSON_STREAM_NONE, JSON_STREAM_SSE, JSON_STREAM_NDJSON };
enum { JSON_PATHS_MOST = 16 };  /* of one field */
struct api_paths {
    struct { struct json_path *at; size_t n; } fields[JSON_FIELDS];
    enum json_stream stream;
    struct { uint8_t field, at; } order[JSON_FIELDS * JSON_PATHS_MOST]; /* the deeper, the later: it wins. json_api makes it */
    size_t norder;
};
/* paths must live as long as the reader. */
const struct api *json_api(struct arena *a, struct api_paths *paths);
#endif
