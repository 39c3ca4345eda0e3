/* SPDX-License-Identifier: Apache-2.0
 *
 * ollama: chat, generate, embed. Streams are NDJSON and the default: only `"stream": false` asks for one body. A line has the shape of a
 * whole answer, `done` marks the last.
 */
#include "proxy/api/paths.h"
#include "proxy/api/read.h"

static void request(struct transcript *t, struct span path, struct span content_type, struct span body)
{
    read_prompt(t, content_type, body);
    if (path_ends(path, "/api/chat") || path_ends(path, "/api/generate")) {
        struct json doc;
        struct arena_mark m = arena_mark(api_state(t)->scratch);
        t->is_stream = t->request_json.len && json_read(&doc, api_state(t)->scratch, t->request_json)
                    && jv_type(jv_get(json_root(&doc), "stream")) != JSON_FALSE;
        arena_rewind(api_state(t)->scratch, m);
    }
}
static void said_call(struct transcript *t, struct jv call)
{
    static const char *const known[] = { "function", "id", "type", NULL };
    struct arena *scratch = api_state(t)->scratch;
    struct jv function = jv_get(call, "function");
    uint32_t channel = 0x100 + (uint32_t)t->nanswer; /* a call comes whole */
    say(t, 0, PART_TOOL_CALL, channel, jv_text(jv_get(function, "name"), scratch), (struct span){ 0 });
    for (struct jv_walk w = jv_walk(function); jv_next(&w);)
        if (key_is(w.key, "arguments") && !say_string(t, 0, PART_TOOL_CALL, channel, (struct span){ 0 }, w.value) && jv_type(w.value) >= JSON_OBJECT)
            say(t, 0, PART_TOOL_CALL, channel, (struct span){ 0 }, jv_source(w.value));
    say_rest(t, 0, call, known, false);
}
static void said_line(struct transcript *t, struct jv root)
{
    static const char *const known[] = { "model", "created_at", "message", "response", "thinking", "done", "done_reason", "embedding", "embeddings", "context", NULL };
    static const char *const of_message[] = { "role", "content", "thinking", "tool_calls", "images", NULL };
    for (struct jv_walk w = jv_walk(root); jv_next(&w);) {
        if (key_is(w.key, "message")) {
            for (struct jv_walk m = jv_walk(w.value); jv_next(&m);) {
                if (key_is(m.key, "content"))
                    say_string(t, 0, PART_TEXT, 0, (struct span){ 0 }, m.value);
                else if (key_is(m.key, "thinking"))
                    say_string(t, 0, PART_REASONING, 0, (struct span){ 0 }, m.value);
                else if (key_is(m.key, "tool_calls"))
                    for (struct jv_walk c = jv_walk(m.value); jv_next(&c);)
                        said_call(t, c.value);
            }
            if (jv_type(w.value) == JSON_OBJECT)
                say_rest(t, 0, w.value, of_message, false);
            else
                say_unknown(t, 0, w.key, w.value, SAY_DELTA);
        } else if (key_is(w.key, "response")) {
            say_string(t, 0, PART_TEXT, 0, (struct span){ 0 }, w.value);
        } else if (key_is(w.key, "thinking")) {
            say_string(t, 0, PART_REASONING, 0, (struct span){ 0 }, w.value);
        } else if (key_is(w.key, "done_reason")) {
            finish(t, 0, w.value);
        } else if (key_is(w.key, "done")) {
            t->is_answer_whole |= jv_true(w.value);
        } else if (key_is(w.key, "model") && !t->answer_model.len) {
            t->answer_model = arena_copy(t->arena, jv_text(w.value, api_state(t)->scratch));
        }
    }
    bool seen = false;
    uint64_t input = count_of(root, "prompt_eval_count", &seen), output = count_of(root, "eval_count", &seen);
    if (seen)
        t->usage = (struct usage){ .origin = USAGE_REPORTED, .input = input, .output = output };
    say_rest(t, 0, root, known, false);
}
static bool event(struct transcript *t, struct span name, struct span data)
{
    struct json doc;
    struct arena_mark mark;
    (void)name;
    if (!event_json(t, &doc, data, &mark))
        return false;
    said_line(t, json_root(&doc));
    event_done(t, mark);
    return true;
}
static void answer(struct transcript *t, struct span content_type, struct span body)
{
    struct json doc;
    (void)content_type;
    if (!answer_json(t, &doc, body, event))
        return;
    said_line(t, json_root(&doc));
    if (jv_type(jv_get(json_root(&doc), "done")) == JSON_NONE)
        t->is_answer_whole = true;
}
static bool matches(struct span method, struct span path)
{
    (void)method;
    return path_ends(path, "/api/chat") || path_ends(path, "/api/generate") || path_ends(path, "/api/embed") || path_ends(path, "/api/embeddings");
}
const struct api api_ollama = { .name = "ollama", .family = "ollama", .doc = "chat, generate, embed", .matches = matches, .request = request, .answer = answer,
    .event = event, .refuse = refuse_text, .refuse_stream = refuse_text_stream };
