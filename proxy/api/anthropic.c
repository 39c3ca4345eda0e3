/* SPDX-License-Identifier: Apache-2.0
 *
 * anthropic: messages, count_tokens, and the legacy complete. Content blocks are channels by their index; a stream names the
 * block first, then brings typed deltas. Input tokens are reported apart from cache reads and writes: they are added up here.
 */
#include "proxy/api/paths.h"
#include "proxy/api/read.h"

static void request(struct transcript *t, struct span path, struct span content_type, struct span body)
{
    struct span model = path_after(path, "/publishers/anthropic/models/"); /* Vertex */
    if (model.len)
        t->model = arena_copy(t->arena, model);
    read_prompt(t, content_type, body);
}
static void said_usage(struct transcript *t, struct jv usage)
{
    if (jv_type(usage) != JSON_OBJECT)
        return;
    struct usage *u = &t->usage;
    uint64_t fresh = u->input - u->cache_read - u->cache_write, n;
    bool seen = false;
    n = count_of(usage, "input_tokens", &seen);
    if (seen)
        fresh = n;
    bool any = seen;
    seen = false;
    n = count_of(usage, "cache_read_input_tokens", &seen);
    if (seen)
        u->cache_read = n;
    any |= seen, seen = false;
    n = count_of(usage, "cache_creation_input_tokens", &seen);
    if (seen)
        u->cache_write = n;
    any |= seen, seen = false;
    n = count_of(usage, "output_tokens", &seen);
    if (seen)
        u->output = n;
    any |= seen;
    u->input = fresh + u->cache_read + u->cache_write;
    if (any)
        u->origin = USAGE_REPORTED;
}
/* A block or a delta. */
static void said_block(struct transcript *t, uint32_t channel, struct jv block)
{
    static const char *const known[] = { "type", "text", "thinking", "input", "partial_json", "name", "id", "signature", NULL };
    struct arena *scratch = api_state(t)->scratch;
    struct jv type = jv_get(block, "type");
    struct span kind = jv_source(type);
    bool is_call = jv_type(type) == JSON_STRING && span_ends(kind, "tool_use");
    if (is_call)
        say(t, 0, PART_TOOL_CALL, channel, jv_text(jv_get(block, "name"), scratch), (struct span){ 0 });
    for (struct jv_walk w = jv_walk(block); jv_next(&w);) {
        if (jv_type(w.value) < JSON_STRING)
            continue;
        if (key_is(w.key, "text"))
            say_string(t, 0, PART_TEXT, channel, (struct span){ 0 }, w.value);
        else if (key_is(w.key, "thinking"))
            say_string(t, 0, PART_REASONING, channel, (struct span){ 0 }, w.value);
        else if (key_is(w.key, "partial_json"))
            say_string(t, 0, PART_TOOL_CALL, channel, (struct span){ 0 }, w.value);
        else if (key_is(w.key, "input") && jv_type(w.value) == JSON_STRING)
            say_string(t, 0, PART_TOOL_CALL, channel, (struct span){ 0 }, w.value);
        else if (key_is(w.key, "input") && jv_node(w.value)->n)
            say(t, 0, PART_TOOL_CALL, channel, (struct span){ 0 }, jv_source(w.value));
        else if (key_is(w.key, "name") && !is_call)
            say_unknown(t, 0, w.key, w.value, SAY_AGAIN);
    }
    say_rest(t, 0, block, known, true);
}
static void said_message(struct transcript *t, struct jv message)
{
    static const char *const known[] = { "content", "usage", "stop_reason", "model", "completion", "id", "type", "role", "stop_sequence", NULL };
    uint32_t at = 0;
    for (struct jv_walk w = jv_walk(message); jv_next(&w);) {
        if (key_is(w.key, "content")) {
            say_string(t, 0, PART_TEXT, 0, (struct span){ 0 }, w.value);
            for (struct jv_walk b = jv_walk(w.value); jv_next(&b); at++)
                said_block(t, at & 0xffff, b.value);
        } else if (key_is(w.key, "completion")) {
            say_string(t, 0, PART_TEXT, 0, (struct span){ 0 }, w.value);
        } else if (key_is(w.key, "usage")) {
            said_usage(t, w.value);
        } else if (key_is(w.key, "stop_reason")) {
            finish(t, 0, w.value);
        } else if (key_is(w.key, "model") && !t->answer_model.len) {
            t->answer_model = arena_copy(t->arena, jv_text(w.value, api_state(t)->scratch));
        }
    }
    say_rest(t, 0, message, known, true);
    if (jv_type(jv_get(message, "input_tokens")) == JSON_NUMBER) /* count_tokens */
        said_usage(t, message);
}
bool anthropic_event(struct transcript *t, struct span name, struct span data)
{
    static const char *const known[] = { "type", "index", "delta", "content_block", "message", "usage", NULL };
    struct json doc;
    struct arena_mark mark;
    if (!event_json(t, &doc, data, &mark))
        return false;
    struct jv root = json_root(&doc), type = jv_get(root, "type");
    uint32_t channel = index_of(root, "index", 0);
    bool is_legacy = jv_text_is(type, "completion") || jv_type(jv_get(root, "content")) == JSON_ARRAY;
    for (struct jv_walk w = jv_walk(root); jv_next(&w) && !is_legacy;) {
        if (key_is(w.key, "delta")) {
            if (jv_text_is(type, "message_delta")) {
                static const char *const of_delta[] = { "stop_reason", "stop_sequence", NULL };
                finish(t, 0, jv_get(w.value, "stop_reason"));
                say_rest(t, 0, w.value, of_delta, true);
            } else {
                said_block(t, channel, w.value);
            }
        } else if (key_is(w.key, "content_block")) {
            said_block(t, channel, w.value);
        } else if (key_is(w.key, "message") && jv_type(w.value) == JSON_OBJECT) {
            said_message(t, w.value);
        } else if (key_is(w.key, "usage")) {
            said_usage(t, w.value);
        }
    }
    if (is_legacy)
        said_message(t, root);
    else
        say_rest(t, 0, root, known, true);
    if (jv_text_is(type, "message_stop") || span_is(name, "message_stop") || (is_legacy && jv_type(jv_get(root, "stop_reason")) == JSON_STRING))
        t->is_answer_whole = true;
    event_done(t, mark);
    return true;
}
void anthropic_answer(struct transcript *t, struct span content_type, struct span body)
{
    struct json doc;
    (void)content_type;
    if (!answer_json(t, &doc, body, anthropic_event))
        return;
    said_message(t, json_root(&doc));
    t->is_answer_whole = true;
}
static bool matches(struct span method, struct span path)
{
    (void)method;
    return path_ends(path, "/messages") || path_ends(path, "/messages/count_tokens") || path_ends(path, "/v1/complete") || path_has(path, "/messages/batches")
        || (path_has(path, "/publishers/anthropic/") && (path_verb(path, "rawPredict") || path_verb(path, "streamRawPredict")));
}
const struct api api_anthropic = { .name = "anthropic-messages", .family = "anthropic", .doc = "messages, with count_tokens", .matches = matches, .request = request,
    .answer = anthropic_answer, .event = anthropic_event, .refuse = refuse_anthropic, .refuse_stream = refuse_anthropic_stream };
