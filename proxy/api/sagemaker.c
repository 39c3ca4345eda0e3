/* SPDX-License-Identifier: Apache-2.0
 *
 * sagemaker: an endpoint's invocations. What stands in the body is the container's affair: JSON of a classic or a language model, lines of JSON, CSV
 * without names. A streamed answer is a body cut into the frames of an AWS event stream at any byte; the frames are undone like a content coding.
 */
#include "proxy/api/mlflow.h"

static bool is_lines(struct span content_type)
{
    struct span type = essence(content_type);
    return span_is_nocase(type, "application/jsonlines") || span_is_nocase(type, "application/x-jsonlines") || span_is_nocase(type, "application/jsonl")
        || span_is_nocase(type, "application/x-ndjson");
}
static void request(struct transcript *t, struct span path, struct span content_type, struct span body)
{
    struct span model = path_after(path, "/endpoints/");
    if (model.len)
        t->model = arena_copy(t->arena, model);
    if (is_lines(content_type)) { /* as one array: a line that is more than a value leaves something behind it, and that is said */
        struct buf array = { .cap = body.len * 2 + 2 };
        struct span left = body;
        while (left.len) {
            const char *lf = memchr(left.at, '\n', left.len);
            struct span line = span_cut(left, 0, lf ? (size_t)(lf - left.at) : left.len);
            left = span_cut(left, lf ? line.len + 1 : left.len, left.len);
            if (!span_trim(line).len)
                continue;
            buf_add_char(&array, array.len ? ',' : '[');
            buf_add(&array, line);
        }
        if (array.len)
            buf_add_char(&array, ']');
        struct jv root = read_prompt(t, SPAN("application/json"), arena_copy(t->arena, buf_span(&array)));
        if (array.failed)
            prompt_unread(t, "no memory to read the lines");
        buf_free(&array);
        for (struct jv_walk w = jv_walk(root); jv_next(&w);)
            mlflow_inputs(t, w.value);
        t->is_stream |= path_ends(path, "/invocations-response-stream");
        return;
    }
    mlflow_request(t, path, content_type, body);
    t->is_stream |= path_ends(path, "/invocations-response-stream");
}
static bool matches(struct span method, struct span path)
{
    (void)method;
    return path_has(path, "/endpoints/") && (path_ends(path, "/invocations") || path_ends(path, "/invocations-response-stream") || path_ends(path, "/async-invocations"));
}
const struct api api_sagemaker = { .name = "sagemaker", .family = "sagemaker", .doc = "an endpoint's invocations, whole and streamed", .matches = matches, .request = request,
    .answer = mlflow_answer, .event = mlflow_event, .refuse = refuse_aws, .refuse_stream = raw_refuse_stream, .has_payload_frames = true, .reads_csv = true };
