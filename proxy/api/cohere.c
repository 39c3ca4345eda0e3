/* SPDX-License-Identifier: Apache-2.0
 *
 * cohere: v2 chat (and v1's, which older SDKs send), embed, rerank. v2 streams are typed SSE events, v1's are lines of JSON with an
 * `event_type` and a last one that repeats the whole text.
 */
#include "proxy/api/paths.h"
#include "proxy/api/read.h"

static void request(struct transcript *t, struct span path, struct span content_type, struct span body)
{
    (void)path;
    read_prompt(t, content_type, body);
}
static void said_usage(struct transcript *t, struct jv usage)
{
    if (jv_type(usage) != JSON_OBJECT)
        return;
    struct jv tokens = jv_get(usage, "tokens");
    if (jv_type(tokens) != JSON_OBJECT)
        tokens = jv_get(usage, "billed_units");
    bool seen = false;
    struct usage u = { .origin = USAGE_REPORTED };
    u.input = count_of(tokens, "input_tokens", &seen);
    u.output = count_of(tokens, "output_tokens", &seen);
    u.cache_read = count_of(usage, "cached_tokens", NULL);
    if (seen)
        t->usage = u;
}
static void said_call(struct transcript *t, uint32_t channel, struct jv call)
{
    struct arena *scratch = api_state(t)->scratch;
    for (struct jv_walk w = jv_walk(call); jv_next(&w);) {
        if (key_is(w.key, "function"))
            said_call(t, channel, w.value);
        else if (key_is(w.key, "name"))
            say(t, 0, PART_TOOL_CALL, channel, jv_text(w.value, scratch), (struct span){ 0 });
        else if (key_is(w.key, "arguments") || key_is(w.key, "parameters")) {
            if (!say_string(t, 0, PART_TOOL_CALL, channel, (struct span){ 0 }, w.value) && jv_type(w.value) >= JSON_OBJECT)
                say(t, 0, PART_TOOL_CALL, channel, (struct span){ 0 }, jv_source(w.value));
        }
    }
}
/* `message` whole or as a delta; lists in one, objects in the other. */
static void said_message(struct transcript *t, uint32_t index, struct jv message)
{
    static const char *const known[] = { "role", "content", "tool_plan", "tool_calls", NULL };
    for (struct jv_walk w = jv_walk(message); jv_next(&w);) {
        if (key_is(w.key, "content")) {
            bool is_list = jv_type(w.value) == JSON_ARRAY;
            uint32_t at = 0;
            say_string(t, 0, PART_TEXT, index, (struct span){ 0 }, w.value);
            struct jv_walk items = is_list ? jv_walk(w.value) : (struct jv_walk){ 0 };
            struct jv item = w.value;
            while (is_list ? jv_next(&items) : jv_type(item) == JSON_OBJECT) {
                static const char *const of_content[] = { "type", "text", "thinking", NULL };
                struct jv c = is_list ? items.value : item;
                uint32_t channel = is_list ? at++ & 0xffff : index;
                for (struct jv_walk m = jv_walk(c); jv_next(&m);) {
                    if (key_is(m.key, "text"))
                        say_string(t, 0, PART_TEXT, channel, (struct span){ 0 }, m.value);
                    else if (key_is(m.key, "thinking"))
                        say_string(t, 0, PART_REASONING, channel, (struct span){ 0 }, m.value);
                }
                say_rest(t, 0, c, of_content, false);
                if (!is_list)
                    break;
            }
        } else if (key_is(w.key, "tool_plan")) {
            say_string(t, 0, PART_REASONING, 0xffff, (struct span){ 0 }, w.value);
        } else if (key_is(w.key, "tool_calls")) {
            uint32_t at = 0;
            if (jv_type(w.value) == JSON_OBJECT)
                said_call(t, index, w.value);
            else
                for (struct jv_walk c = jv_walk(w.value); jv_next(&c); at++)
                    said_call(t, at & 0xffff, c.value);
        }
    }
    say_rest(t, 0, message, known, false);
}
/* Members that a whole answer, a delta and v1's last event have in common. */
static void said_object(struct transcript *t, uint32_t index, struct jv root, bool again)
{
    static const char *const known[] = { "type", "event_type", "index", "id", "delta", "message", "text", "finish_reason", "usage", "meta", "response", "model",
        "generation_id", "response_id", "chat_history", "embeddings", "is_finished", "texts", "prompt", "tool_calls", NULL };
    for (struct jv_walk w = jv_walk(root); jv_next(&w);) {
        if (key_is(w.key, "message")) {
            if (jv_type(w.value) == JSON_OBJECT)
                said_message(t, index, w.value);
            else
                say_unknown(t, 0, w.key, w.value, again ? SAY_AGAIN : SAY_DELTA);
        } else if (key_is(w.key, "text") && jv_type(w.value) == JSON_STRING) {
            struct arena *scratch = api_state(t)->scratch;
            struct arena_mark m = arena_mark(scratch);
            if (again)
                say_again(t, 0, PART_TEXT, index, (struct span){ 0 }, jv_text(w.value, scratch));
            else
                say(t, 0, PART_TEXT, index, (struct span){ 0 }, jv_text(w.value, scratch));
            arena_rewind(scratch, m);
        } else if (key_is(w.key, "delta") || key_is(w.key, "response")) {
            if (jv_type(w.value) == JSON_OBJECT)
                said_object(t, index, w.value, key_is(w.key, "response"));
        } else if (key_is(w.key, "tool_calls") && !again) {
            uint32_t at = 0;
            for (struct jv_walk c = jv_walk(w.value); jv_next(&c); at++)
                said_call(t, at & 0xffff, c.value);
        } else if (key_is(w.key, "finish_reason")) {
            finish(t, 0, w.value);
        } else if (key_is(w.key, "usage") || key_is(w.key, "meta")) {
            said_usage(t, w.value);
        }
    }
    say_rest(t, 0, root, known, again);
}
static bool event(struct transcript *t, struct span name, struct span data)
{
    struct json doc;
    struct arena_mark mark;
    if (span_is(span_trim(data), "[DONE]"))
        return true;
    if (!event_json(t, &doc, data, &mark))
        return false;
    struct jv root = json_root(&doc), type = jv_get(root, "type");
    said_object(t, index_of(root, "index", 0), root, false);
    if (jv_text_is(type, "message-end") || span_is(name, "message-end") || jv_text_is(jv_get(root, "event_type"), "stream-end"))
        t->is_answer_whole = true;
    event_done(t, mark);
    return true;
}
static void answer(struct transcript *t, struct span content_type, struct span body)
{
    struct json doc;
    (void)content_type;
    if (!answer_json(t, &doc, body, event))
        return;
    said_object(t, 0, json_root(&doc), false);
    t->is_answer_whole = true;
}
static bool matches(struct span method, struct span path)
{
    (void)method;
    return path_ends(path, "/v2/chat") || path_ends(path, "/v1/chat") || path_ends(path, "/v2/embed") || path_ends(path, "/v1/embed") || path_ends(path, "/v2/rerank")
        || path_ends(path, "/v1/rerank") || path_ends(path, "/v1/generate");
}
static void refuse(struct buf *out, const struct refusal *r, const char **content_type, struct span *name, struct span *value)
{
    *content_type = "application/json";
    *name = *value = (struct span){ 0 };
    buf_add_text(out, "{\"id\":\"");
    buf_add_json(out, r->request_id);
    json_text_member(out, "\",\"message\":\"", r->message, "\"}");
}
/* No event makes the SDK raise with our text; this is what the API itself says of an error, and the text is in it. */
static bool refuse_stream(struct buf *out, enum framing f, const struct refusal *r)
{
    if (f != FRAMING_SSE)
        return false;
    json_text_member(out, "event: message-end\ndata: {\"type\":\"message-end\",\"delta\":{\"error\":\"", r->message, "\",\"finish_reason\":\"ERROR\"}}\n\n");
    return !out->failed;
}
const struct api api_cohere = { .name = "cohere-chat", .family = "cohere", .doc = "chat (v2, v1), embed, rerank", .matches = matches, .request = request,
    .answer = answer, .event = event, .refuse = refuse, .refuse_stream = refuse_stream };
