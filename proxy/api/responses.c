/* SPDX-License-Identifier: Apache-2.0
 *
 * responses: OpenAI's Responses API. An answer is a list of output items; a stream brings each text as deltas and then says it whole up to
 * four times (text done, part done, item done, response completed). Output index and content index make the channel, so that a
 * repetition is known as one: it touches the text but does not double it, and what only it carries is added.
 */
#include "proxy/api/openai.h"

static uint32_t channel(uint32_t output, uint32_t content, bool is_summary)
{
    return (output & 0xffff) << 8 | (content & 0x7f) | (is_summary ? 0x80 : 0);
}
bool responses_is(struct jv root, struct span name)
{
    struct jv type = jv_get(root, "type");
    if (jv_type(type) == JSON_STRING && span_starts(jv_source(type), "response."))
        return true;
    return span_starts(name, "response.") || jv_text_is(jv_get(root, "object"), "response")
        || (jv_type(jv_get(root, "output")) == JSON_ARRAY && jv_type(jv_get(root, "choices")) == JSON_NONE);
}
static void whole_string(struct transcript *t, enum part_kind kind, uint32_t ch, struct span name, struct jv v)
{
    struct arena *scratch = api_state(t)->scratch;
    struct arena_mark m = arena_mark(scratch);
    if (jv_type(v) == JSON_STRING)
        say_again(t, 0, kind, ch, name, jv_text(v, scratch));
    arena_rewind(scratch, m);
}
/* {"type": "output_text", "text": …}, refusals, reasoning and summary texts. */
static void said_part(struct transcript *t, uint32_t output, uint32_t content, bool is_summary, bool is_reasoning, struct jv part)
{
    static const char *const known[] = { "text", "refusal", "transcript", "type", "logprobs", NULL };
    uint32_t ch = channel(output, content, is_summary);
    struct jv type = jv_get(part, "type");
    if (is_summary || is_reasoning || jv_text_is(type, "reasoning_text") || jv_text_is(type, "summary_text"))
        is_reasoning = true;
    for (struct jv_walk w = jv_walk(part); jv_next(&w);) {
        if (key_is(w.key, "text"))
            whole_string(t, is_reasoning ? PART_REASONING : PART_TEXT, ch, (struct span){ 0 }, w.value);
        else if (key_is(w.key, "refusal"))
            whole_string(t, PART_REFUSAL, ch, (struct span){ 0 }, w.value);
        else if (key_is(w.key, "transcript"))
            whole_string(t, PART_OTHER, ch, (struct span){ 0 }, w.value);
    }
    say_rest(t, 0, part, known, true);
}
static void said_item(struct transcript *t, uint32_t output, struct jv item)
{
    static const char *const known[] = { "content", "summary", "arguments", "input", "code", "name", "id", "type", "status", "role", "call_id", "encrypted_content",
        "output", NULL };
    bool is_reasoning = jv_text_is(jv_get(item, "type"), "reasoning");
    struct arena *scratch = api_state(t)->scratch;
    struct span name = jv_text(jv_get(item, "name"), scratch);
    struct jv type = jv_get(item, "type");
    bool is_call = jv_type(type) == JSON_STRING && span_ends(jv_source(type), "_call");
    if (name.len && is_call)
        say(t, 0, PART_TOOL_CALL, channel(output, 0, false), name, (struct span){ 0 });
    for (struct jv_walk w = jv_walk(item); jv_next(&w);) {
        bool is_summary = key_is(w.key, "summary");
        if (is_summary || key_is(w.key, "content")) {
            uint32_t at = 0;
            if (jv_type(w.value) == JSON_STRING)
                whole_string(t, is_reasoning ? PART_REASONING : PART_TEXT, channel(output, 0, is_summary), (struct span){ 0 }, w.value);
            for (struct jv_walk p = jv_walk(w.value); jv_next(&p); at++)
                said_part(t, output, at, is_summary, is_reasoning, p.value);
        } else if (key_is(w.key, "arguments") || key_is(w.key, "input") || key_is(w.key, "code")) {
            if (jv_type(w.value) == JSON_STRING)
                whole_string(t, PART_TOOL_CALL, channel(output, 0, false), name, w.value);
            else if (jv_type(w.value) >= JSON_OBJECT)
                say_again(t, 0, PART_TOOL_CALL, channel(output, 0, false), name, jv_source(w.value));
        } else if (key_is(w.key, "output")) {
            if (jv_type(w.value) == JSON_STRING)
                whole_string(t, PART_TOOL_RESULT, channel(output, 0, false), name, w.value);
            else
                say_unknown(t, 0, w.key, w.value, SAY_AGAIN);
        }
    }
    if (!is_call)
        say_unknown(t, 0, jv_get(item, "name"), jv_get(item, "name"), SAY_AGAIN);
    say_rest(t, 0, item, known, true);
}
/* The response object: only what the model said; it echoes instructions, tools and settings of the request too. */
static void said_response(struct transcript *t, struct jv response)
{
    uint32_t at = 0;
    if (jv_type(response) != JSON_OBJECT)
        return;
    for (struct jv_walk w = jv_walk(response); jv_next(&w);) {
        if (key_is(w.key, "output"))
            for (struct jv_walk i = jv_walk(w.value); jv_next(&i); at++)
                said_item(t, at, i.value);
        else if (key_is(w.key, "error"))
            say_unknown(t, 0, w.key, w.value, SAY_AGAIN);
        else if (key_is(w.key, "output_text"))
            whole_string(t, PART_TEXT, channel(0, 0, false), (struct span){ 0 }, w.value);
    }
    openai_usage(t, jv_get(response, "usage"));
    if (!t->answer_model.len)
        t->answer_model = arena_copy(t->arena, jv_text(jv_get(response, "model"), api_state(t)->scratch));
    struct jv status = jv_get(response, "status"), reason = jv_path(response, "incomplete_details.reason");
    if (jv_type(reason) == JSON_STRING)
        finish(t, 0, reason);
    else if (!jv_text_is(status, "in_progress") && !jv_text_is(status, "queued"))
        finish(t, 0, status);
}
void responses_said_whole(struct transcript *t, struct jv root)
{
    said_response(t, root);
}
void responses_said_event(struct transcript *t, struct span name, struct jv root)
{
    static const char *const known[] = { "type", "delta", "text", "refusal", "arguments", "input", "code", "transcript", "part", "item", "response", "item_id", "obfuscation",
        "logprobs", "name", "partial_image_b64", NULL };
    struct arena *scratch = api_state(t)->scratch;
    struct span type = jv_text(jv_get(root, "type"), scratch);
    if (!type.len)
        type = name;
    uint32_t output = index_of(root, "output_index", 0);
    struct jv summary = jv_get(root, "summary_index");
    bool is_summary = jv_type(summary) == JSON_NUMBER;
    uint32_t content = is_summary ? index_of(root, "summary_index", 0) : index_of(root, "content_index", 0);
    uint32_t ch = channel(output, content, is_summary);
    enum part_kind kind = span_find(type, SPAN("reasoning")) ? PART_REASONING
                        : span_find(type, SPAN("refusal")) ? PART_REFUSAL
                        : span_find(type, SPAN("arguments")) || span_find(type, SPAN("_input")) || span_find(type, SPAN("_code")) ? PART_TOOL_CALL
                        : span_find(type, SPAN("output_text")) ? PART_TEXT : PART_OTHER;
    for (struct jv_walk w = jv_walk(root); jv_next(&w);) {
        if (jv_type(w.value) < JSON_STRING || key_is(w.key, "type") || key_is(w.key, "logprobs"))
            continue;
        if (key_is(w.key, "delta")) {
            if (!span_find(type, SPAN("audio.delta")) && !say_string(t, 0, kind, ch, (struct span){ 0 }, w.value))
                say_unknown(t, 0, w.key, w.value, SAY_DELTA);
        } else if (key_is(w.key, "text") || key_is(w.key, "refusal") || key_is(w.key, "arguments") || key_is(w.key, "input")
                   || key_is(w.key, "code") || key_is(w.key, "transcript")) {
            whole_string(t, kind, ch, (struct span){ 0 }, w.value);
        } else if (key_is(w.key, "part")) {
            said_part(t, output, content, is_summary, kind == PART_REASONING, w.value);
        } else if (key_is(w.key, "item")) {
            said_item(t, output, w.value);
        } else if (key_is(w.key, "response")) {
            said_response(t, w.value);
        }
    }
    say_rest(t, 0, root, known, true);
    if (span_is(type, "response.completed") || span_is(type, "response.failed") || span_is(type, "response.incomplete") || span_is(type, "response.cancelled"))
        t->is_answer_whole = true;
}
static bool matches(struct span method, struct span path)
{
    (void)method;
    return path_ends(path, "/responses") || path_has(path, "/responses/");
}
static void refuse(struct buf *out, const struct refusal *r, const char **content_type, struct span *name, struct span *value)
{
    refuse_openai(out, r, content_type, name, value);
}
/* Both shapes in one event: the documented one, and the nested object at which SDKs raise. */
static bool refuse_stream(struct buf *out, enum framing f, const struct refusal *r)
{
    if (f != FRAMING_SSE)
        return false;
    json_text_member(out, "event: error\ndata: {\"type\":\"error\",\"code\":\"", r->code, "\"");
    json_text_member(out, ",\"message\":\"", r->message, "\",\"param\":null,\"sequence_number\":0,\"error\":{");
    json_text_member(out, "\"message\":\"", r->message, "\",\"type\":\"");
    json_text_member(out, "", r->status == 403 ? "policy_violation" : r->status == 429 ? "rate_limit_error" : r->status < 500 ? "invalid_request_error" : "server_error", "\"");
    json_text_member(out, ",\"param\":null,\"code\":\"", r->code, "\"");
    if (r->rule)
        json_text_member(out, ",\"rule\":\"", r->rule, "\"");
    return buf_add_text(out, "}}\n\n");
}
const struct api api_openai_responses = { .name = "openai-responses", .family = "openai", .doc = "responses", .matches = matches, .request = openai_request,
    .answer = openai_answer, .event = openai_event, .refuse = refuse, .refuse_stream = refuse_stream };
