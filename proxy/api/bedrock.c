/* SPDX-License-Identifier: Apache-2.0
 *
 * bedrock: converse, converse-stream (AWS event stream), and invoke, whose bodies have the model's own shape: Anthropic's is known,
 * any other is heard string by string. Events of invoke-with-response-stream carry the model's JSON as base64.
 */
#include "proxy/api/paths.h"
#include "proxy/api/read.h"

static void request(struct transcript *t, struct span path, struct span content_type, struct span body)
{
    struct span model = path_after(path, "/model/");
    if (model.len)
        t->model = arena_copy(t->arena, model);
    t->is_stream = path_ends(path, "/converse-stream") || path_ends(path, "/invoke-with-response-stream");
    read_prompt(t, content_type, body);
}
static void said_usage(struct transcript *t, struct jv usage)
{
    bool seen = false;
    struct usage u = { .origin = USAGE_REPORTED };
    u.cache_read = count_of(usage, "cacheReadInputTokens", NULL);
    u.cache_write = count_of(usage, "cacheWriteInputTokens", NULL);
    u.input = count_of(usage, "inputTokens", &seen) + u.cache_read + u.cache_write;
    u.output = count_of(usage, "outputTokens", &seen);
    if (seen)
        t->usage = u;
}
/* A content block, a block's start or its delta. */
static void said_block(struct transcript *t, uint32_t channel, struct jv block)
{
    static const char *const known[] = { "text", "toolUse", "reasoningContent", NULL };
    static const char *const of_call[] = { "name", "toolUseId", "input", NULL };
    static const char *const of_reasoning[] = { "text", "reasoningText", "signature", "redactedContent", NULL };
    struct arena *scratch = api_state(t)->scratch;
    for (struct jv_walk w = jv_walk(block); jv_next(&w);) {
        if (key_is(w.key, "text")) {
            say_string(t, 0, PART_TEXT, channel, (struct span){ 0 }, w.value);
        } else if (key_is(w.key, "toolUse")) {
            say(t, 0, PART_TOOL_CALL, channel, jv_text(jv_get(w.value, "name"), scratch), (struct span){ 0 });
            for (struct jv_walk c = jv_walk(w.value); jv_next(&c);)
                if (key_is(c.key, "input") && !say_string(t, 0, PART_TOOL_CALL, channel, (struct span){ 0 }, c.value) && jv_type(c.value) >= JSON_OBJECT)
                    say(t, 0, PART_TOOL_CALL, channel, (struct span){ 0 }, jv_source(c.value));
            say_rest(t, 0, w.value, of_call, false);
        } else if (key_is(w.key, "reasoningContent")) {
            say_string(t, 0, PART_REASONING, channel, (struct span){ 0 }, jv_get(w.value, "text"));
            say_string(t, 0, PART_REASONING, channel, (struct span){ 0 }, jv_path(w.value, "reasoningText.text"));
            say_rest(t, 0, w.value, of_reasoning, false);
        }
    }
    say_rest(t, 0, block, known, false);
}
static void said_object(struct transcript *t, struct jv root)
{
    static const char *const known[] = { "output", "stopReason", "usage", "metrics", "delta", "start", "contentBlockIndex", "role", "p", "additionalModelResponseFields", "trace",
        "performanceConfig", NULL };
    uint32_t channel = index_of(root, "contentBlockIndex", 0);
    for (struct jv_walk w = jv_walk(root); jv_next(&w);) {
        if (key_is(w.key, "output")) {
            uint32_t at = 0;
            struct jv content = jv_path(w.value, "message.content");
            for (struct jv_walk b = jv_walk(content); jv_next(&b); at++)
                said_block(t, at & 0xffff, b.value);
            if (jv_type(content) == JSON_NONE)
                say_unknown(t, 0, w.key, w.value, SAY_DELTA);
        } else if (key_is(w.key, "delta") || key_is(w.key, "start")) {
            if (jv_type(w.value) == JSON_OBJECT)
                said_block(t, channel, w.value);
            else
                say_unknown(t, 0, w.key, w.value, SAY_DELTA);
        } else if (key_is(w.key, "stopReason")) {
            finish(t, 0, w.value);
        } else if (key_is(w.key, "usage")) {
            said_usage(t, w.value);
        }
    }
    say_rest(t, 0, root, known, false);
}
static bool event(struct transcript *t, struct span name, struct span data)
{
    struct json doc;
    struct arena_mark mark;
    bool ok = true;
    if (!data.len)
        return true;
    if (!event_json(t, &doc, data, &mark))
        return false;
    struct jv root = json_root(&doc), bytes = jv_get(root, "bytes");
    if (jv_type(bytes) == JSON_STRING) { /* invoke-with-response-stream */
        struct span coded = jv_text(bytes, api_state(t)->scratch);
        char *inner = arena_alloc_raw(api_state(t)->scratch, coded.len / 4 * 3 + 4);
        size_t n = base64_decode(coded, inner);
        if (n == SIZE_MAX)
            answer_unread(t, "a chunk that is not base64");
        ok = n != SIZE_MAX && anthropic_event(t, (struct span){ 0 }, (struct span){ inner, n });
    } else if (span_is(name, "metadata") || span_is(name, "messageStop") || span_starts(name, "contentBlock") || span_is(name, "messageStart")
               || jv_type(jv_get(root, "type")) != JSON_STRING) {
        said_object(t, root);
    } else {
        ok = anthropic_event(t, name, data);
    }
    if (span_is(name, "messageStop"))
        t->is_answer_whole = true;
    event_done(t, mark);
    return ok;
}
static void answer(struct transcript *t, struct span content_type, struct span body)
{
    struct json doc;
    struct arena_mark m = arena_mark(api_state(t)->scratch);
    bool is_own = json_read(&doc, api_state(t)->scratch, body) && jv_type(jv_get(json_root(&doc), "content")) == JSON_ARRAY;
    arena_rewind(api_state(t)->scratch, m);
    if (is_own) {
        anthropic_answer(t, content_type, body);
        return;
    }
    if (!answer_json(t, &doc, body, event))
        return;
    said_object(t, json_root(&doc));
    t->is_answer_whole = true;
}
static bool matches(struct span method, struct span path)
{
    (void)method;
    return path_has(path, "/model/") && (path_ends(path, "/converse") || path_ends(path, "/converse-stream") || path_ends(path, "/invoke")
        || path_ends(path, "/invoke-with-response-stream"));
}
void refuse_aws(struct buf *out, const struct refusal *r, const char **content_type, struct span *name, struct span *value)
{
    *content_type = "application/json";
    *name = SPAN("x-amzn-errortype");
    switch (r->status) {
    case 403: *value = SPAN("AccessDeniedException"); break;
    case 404: *value = SPAN("ResourceNotFoundException"); break;
    case 429: *value = SPAN("ThrottlingException"); break;
    case 503: *value = SPAN("ServiceUnavailableException"); break;
    case 504: *value = SPAN("ModelTimeoutException"); break;
    default: *value = r->status < 500 ? SPAN("ValidationException") : SPAN("InternalServerException");
    }
    json_text_member(out, "{\"message\":\"", r->message, "\"}");
}
/* FRAMING_BYTES: an event stream's frames are bytes to everyone else. */
static bool refuse_stream(struct buf *out, enum framing f, const struct refusal *r)
{
    if (f != FRAMING_BYTES)
        return false;
    struct buf payload = { .cap = 1 << 20 };
    json_text_member(&payload, "{\"message\":\"", r->message, "\"}");
    bool ok = !payload.failed && aws_frame_add_exception(out, r->status < 500 ? "validationException" : "internalServerException", buf_span(&payload));
    buf_free(&payload);
    return ok;
}
const struct api api_bedrock = { .name = "bedrock", .family = "bedrock", .doc = "converse and invoke", .matches = matches, .request = request, .answer = answer,
    .event = event, .refuse = refuse_aws, .refuse_stream = refuse_stream };
