/* SPDX-License-Identifier: Apache-2.0
 *
 * mlflow and tfserving: predictions of classic models as JSON. Both name their rows `instances` or `inputs` and their answers `predictions` or
 * `outputs`; MLflow adds data frames. The rows become features; every string is a part of the prompt or of the answer as well.
 * NaN and 1e400, which MLflow does send, are read.
 */
#include "proxy/api/mlflow.h"

void mlflow_inputs(struct transcript *t, struct jv root)
{
    for (struct jv_walk w = jv_walk(root); jv_next(&w);) {
        if (key_is(w.key, "dataframe_split"))
            rows_of_items(t, true, jv_get(w.value, "data"), jv_get(w.value, "columns"), "column");
        else if (key_is(w.key, "dataframe_records") || key_is(w.key, "instances") || key_is(w.key, "examples"))
            rows_of_items(t, true, w.value, (struct jv){ 0 }, "input");
        else if (key_is(w.key, "inputs") && jv_type(w.value) == JSON_OBJECT)
            rows_of_columns(t, true, w.value);
        else if (key_is(w.key, "inputs"))
            rows_of_items(t, true, w.value, (struct jv){ 0 }, "input");
    }
}
/* CSV of SageMaker's has no names, MLflow's begins with them. */
static bool is_csv(struct span content_type)
{
    return span_is_nocase(essence(content_type), "text/csv") || span_is_nocase(essence(content_type), "application/csv");
}
void mlflow_request(struct transcript *t, struct span path, struct span content_type, struct span body)
{
    if (is_csv(content_type)) {
        t->prompt_reading = READING_NONE;
        if (!body.len)
            return;
        t->prompt_reading = READING_WHOLE;
        if (!is_plain_text(body)) {
            prompt_unread(t, "the body is not text");
            return;
        }
        transcript_ask(t, ROLE_USER, PART_TEXT, 0, (struct span){ 0 }, body);
        rows_of_csv(t, true, body, !path_has(path, "/endpoints/"), "column");
        return;
    }
    mlflow_inputs(t, read_prompt(t, content_type, body));
}
static void request_tfserving(struct transcript *t, struct span path, struct span content_type, struct span body)
{
    struct span model = path_after(path, "/models/");
    if (model.len)
        t->model = arena_copy(t->arena, model);
    mlflow_inputs(t, read_prompt(t, content_type, body));
}
static void say_strings(struct transcript *t, struct span name, struct jv v)
{
    if (jv_type(v) == JSON_STRING)
        say_fresh(t, PART_TEXT, name, jv_text(v, t->arena));
    for (struct jv_walk w = jv_walk(v); jv_next(&w);)
        say_strings(t, jv_type(w.key) == JSON_STRING && jv_type(v) == JSON_OBJECT ? jv_text(w.key, t->arena) : name, w.value);
}
bool mlflow_event(struct transcript *t, struct span name, struct span data)
{
    struct json doc;
    struct arena_mark m = arena_mark(api_state(t)->scratch);
    struct jv root = json_read(&doc, api_state(t)->scratch, data) ? json_root(&doc) : (struct jv){ 0 };
    bool is_tgi = jv_type(jv_get(root, "token")) == JSON_OBJECT || jv_type(jv_get(root, "generated_text")) == JSON_STRING;
    bool is_anthropic = !is_tgi && (jv_type(jv_get(root, "content_block")) == JSON_OBJECT || (jv_type(jv_get(root, "delta")) == JSON_OBJECT && !jv_get(root, "choices").doc));
    arena_rewind(api_state(t)->scratch, m);
    return is_tgi ? tgi_event(t, name, data) : is_anthropic ? anthropic_event(t, name, data) : openai_event(t, name, data);
}
void mlflow_answer(struct transcript *t, struct span content_type, struct span body)
{
    static const char *const known[] = { "predictions", "outputs", "results", NULL };
    struct json doc;
    if (is_csv(content_type) && is_plain_text(body)) {
        answer_text(t, content_type, body);
        rows_of_csv(t, false, body, false, "prediction");
        t->is_answer_whole = true;
        return;
    }
    if (!answer_json(t, &doc, body, mlflow_event))
        return;
    struct jv root = json_root(&doc), first = jv_type(root) == JSON_ARRAY ? jv_item(root, 0) : root;
    t->is_answer_whole = true;
    if (jv_type(jv_get(first, "generated_text")) == JSON_STRING) {
        tgi_said(t, root);
        return;
    }
    if (jv_type(jv_get(root, "content")) == JSON_ARRAY) {
        anthropic_answer(t, content_type, body);
        return;
    }
    if (jv_type(jv_get(root, "choices")) == JSON_ARRAY || responses_is(root, (struct span){ 0 })) { /* a language model served by MLflow */
        openai_answer(t, content_type, body);
        return;
    }
    if (jv_type(root) == JSON_ARRAY) {
        rows_of_items(t, false, root, (struct jv){ 0 }, "prediction");
        say_strings(t, SPAN("prediction"), root);
        return;
    }
    for (struct jv_walk w = jv_walk(root); jv_next(&w);) {
        const char *const *k = known;
        while (*k && !key_is(w.key, *k))
            k++;
        if (!*k)
            continue;
        if (jv_type(w.value) == JSON_OBJECT)
            rows_of_columns(t, false, w.value);
        else
            rows_of_items(t, false, w.value, (struct jv){ 0 }, "prediction");
        say_strings(t, jv_text(w.key, t->arena), w.value);
    }
    say_rest(t, 0, root, known, true);
}
static bool matches_mlflow(struct span method, struct span path)
{
    (void)method;
    return path_ends(path, "/invocations");
}
static bool matches_tfserving(struct span method, struct span path)
{
    (void)method;
    return path_has(path, "/v1/models/") && (path_verb(path, "predict") || path_verb(path, "classify") || path_verb(path, "regress"));
}
static void refuse_mlflow(struct buf *out, const struct refusal *r, const char **content_type, struct span *name, struct span *value)
{
    *content_type = "application/json";
    *name = *value = (struct span){ 0 };
    json_text_member(out, "{\"error_code\":\"", r->status == 403 ? "PERMISSION_DENIED" : r->status == 401 ? "UNAUTHENTICATED" : r->status == 429 ? "REQUEST_LIMIT_EXCEEDED"
        : r->status == 503 ? "TEMPORARILY_UNAVAILABLE" : r->status < 500 ? "BAD_REQUEST" : "INTERNAL_ERROR", "\"");
    json_text_member(out, ",\"message\":\"", r->message, "\"}");
}
const struct api api_mlflow = { .name = "mlflow", .family = "mlflow", .doc = "invocations: data frames, inputs, instances, CSV", .matches = matches_mlflow,
    .request = mlflow_request, .answer = mlflow_answer, .event = mlflow_event, .refuse = refuse_mlflow, .refuse_stream = refuse_openai_stream, .reads_csv = true };
const struct api api_tfserving = { .name = "tfserving", .family = "tfserving", .doc = "TensorFlow Serving's predict, classify, regress", .matches = matches_tfserving,
    .request = request_tfserving, .answer = mlflow_answer, .event = openai_event, .refuse = refuse_text, .refuse_stream = refuse_text_stream };
