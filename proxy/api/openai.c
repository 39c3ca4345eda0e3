/* SPDX-License-Identifier: Apache-2.0
 *
 * openai: chat completions, completions, embeddings and the rest of that family (Azure, Groq, Mistral, vLLM, OpenRouter and
 * many more speak it). One reader goes by what is in the JSON, not by the path: `choices` with `message`, `delta` or `text`. An answer of the
 * Responses shape is handed to its reader, wherever it comes from.
 */
#include "proxy/api/openai.h"

/* Text of a message or delta: a string, or a list of typed parts (Mistral's thinking holds such a list again). */
static void said_content(struct transcript *t, uint32_t choice, enum part_kind kind, uint32_t channel, struct jv v, struct jv key)
{
    if (say_string(t, choice, kind, channel, (struct span){ 0 }, v))
        return;
    if (jv_type(v) == JSON_OBJECT) {
        static const char *const known[] = { "text", "content", "refusal", "thinking", "type", NULL };
        if (jv_text_is(jv_get(v, "type"), "thinking"))
            kind = PART_REASONING;
        for (struct jv_walk w = jv_walk(v); jv_next(&w);) {
            if (key_is(w.key, "text") || key_is(w.key, "content"))
                said_content(t, choice, kind, channel, w.value, w.key);
            else if (key_is(w.key, "thinking"))
                said_content(t, choice, PART_REASONING, channel, w.value, w.key);
            else if (key_is(w.key, "refusal"))
                said_content(t, choice, PART_REFUSAL, channel, w.value, w.key);
        }
        say_rest(t, choice, v, known, false);
        return;
    }
    (void)key;
    for (struct jv_walk w = jv_walk(v); jv_next(&w);)
        if (jv_type(w.value) >= JSON_STRING)
            said_content(t, choice, kind, channel, w.value, key);
}
static void said_call(struct transcript *t, uint32_t choice, uint32_t channel, struct jv call)
{
    static const char *const known[] = { "id", "type", "index", "function", "custom", "name", "arguments", "input", NULL };
    struct arena *scratch = api_state(t)->scratch;
    for (struct jv_walk w = jv_walk(call); jv_next(&w);) {
        if (jv_type(w.value) == JSON_OBJECT && (key_is(w.key, "function") || key_is(w.key, "custom"))) {
            said_call(t, choice, channel, w.value);
        } else if (key_is(w.key, "name")) {
            say(t, choice, PART_TOOL_CALL, channel, jv_text(w.value, scratch), (struct span){ 0 });
        } else if (key_is(w.key, "arguments") || key_is(w.key, "input")) {
            if (!say_string(t, choice, PART_TOOL_CALL, channel, (struct span){ 0 }, w.value) && jv_type(w.value) >= JSON_OBJECT)
                say(t, choice, PART_TOOL_CALL, channel, (struct span){ 0 }, jv_source(w.value));
        }
    }
    say_rest(t, choice, call, known, false);
}
static void said_message(struct transcript *t, uint32_t choice, struct jv message)
{
    static const struct { const char *key; enum part_kind kind; uint32_t channel; } texts[] = {
        { "content", PART_TEXT, 0 }, { "reasoning_content", PART_REASONING, 1 }, { "reasoning", PART_REASONING, 0 },
        { "thinking", PART_REASONING, 2 }, { "refusal", PART_REFUSAL, 0 },
    };
    static const char *const known[] = { "content", "reasoning_content", "reasoning", "thinking", "refusal", "tool_calls", "function_call", NULL };
    for (struct jv_walk w = jv_walk(message); jv_next(&w);) {
        if (jv_type(w.value) < JSON_STRING)
            continue;
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
            if (key_is(w.key, texts[i].key))
                said_content(t, choice, texts[i].kind, texts[i].channel, w.value, w.key);
        if (key_is(w.key, "tool_calls")) {
            uint32_t at = 0;
            for (struct jv_walk c = jv_walk(w.value); jv_next(&c); at++)
                said_call(t, choice, index_of(c.value, "index", at), c.value);
        } else if (key_is(w.key, "function_call")) {
            said_call(t, choice, 0xffff, w.value);
        }
    }
    say_rest(t, choice, message, known, false);
}
void openai_usage(struct transcript *t, struct jv usage)
{
    if (jv_type(usage) != JSON_OBJECT)
        return;
    bool seen = false;
    struct usage u = { .origin = USAGE_REPORTED };
    u.input = count_of(usage, "prompt_tokens", &seen) + count_of(usage, "input_tokens", &seen);
    u.output = count_of(usage, "completion_tokens", &seen) + count_of(usage, "output_tokens", &seen);
    u.cache_read = count_of(jv_get(usage, "prompt_tokens_details"), "cached_tokens", NULL)
                 + count_of(jv_get(usage, "input_tokens_details"), "cached_tokens", NULL);
    if (!u.cache_read)
        u.cache_read = count_of(usage, "prompt_cache_hit_tokens", NULL);
    u.cache_write = count_of(jv_get(usage, "prompt_tokens_details"), "cache_write_tokens", NULL); /* OpenRouter: within the prompt's, too */
    u.reasoning = count_of(jv_get(usage, "completion_tokens_details"), "reasoning_tokens", NULL)
                + count_of(jv_get(usage, "output_tokens_details"), "reasoning_tokens", NULL);
    if (seen || count_of(usage, "total_tokens", &seen))
        t->usage = u;
}
static void said_choices(struct transcript *t, struct jv choices)
{
    static const char *const known[] = { "message", "delta", "text", "finish_reason", "stop_reason", "logprobs", "index", NULL };
    uint32_t at = 0;
    for (struct jv_walk c = jv_walk(choices); jv_next(&c); at++) {
        uint32_t choice = index_of(c.value, "index", at);
        for (struct jv_walk w = jv_walk(c.value); jv_next(&w);) {
            if (jv_type(w.value) == JSON_OBJECT && (key_is(w.key, "delta") || key_is(w.key, "message")))
                said_message(t, choice, w.value);
            else if (key_is(w.key, "text"))
                said_content(t, choice, PART_TEXT, 0, w.value, w.key);
            else if (key_is(w.key, "finish_reason"))
                finish(t, choice, w.value);
        }
        say_rest(t, choice, c.value, known, false);
    }
}
/* A whole answer or a chunk: they differ only in `message` and `delta`. */
static void said_chunk(struct transcript *t, struct jv root)
{
    static const char *const known[] = { "choices", "usage", "model", "id", "object", "created", "system_fingerprint", "obfuscation", "service_tier",
        "x_groq", "prompt_filter_results", "data", "text", "delta", NULL };
    for (struct jv_walk w = jv_walk(root); jv_next(&w);) {
        if (key_is(w.key, "choices")) {
            said_choices(t, w.value);
        } else if (key_is(w.key, "usage")) {
            openai_usage(t, w.value);
        } else if (key_is(w.key, "x_groq")) {
            openai_usage(t, jv_get(w.value, "usage"));
        } else if (key_is(w.key, "model") && !t->answer_model.len) {
            t->answer_model = arena_copy(t->arena, jv_text(w.value, api_state(t)->scratch));
        } else if (key_is(w.key, "text") && jv_type(w.value) == JSON_STRING) { /* transcriptions: whole, or a stream's last event */
            struct arena_mark m = arena_mark(api_state(t)->scratch);
            say_again(t, 0, PART_TEXT, 0, (struct span){ 0 }, jv_text(w.value, api_state(t)->scratch));
            arena_rewind(api_state(t)->scratch, m);
            t->is_answer_whole |= jv_text_is(jv_get(root, "type"), "transcript.text.done");
        } else if (key_is(w.key, "delta") && jv_type(w.value) == JSON_STRING) {
            say_string(t, 0, PART_TEXT, 0, (struct span){ 0 }, w.value);
        } else if (key_is(w.key, "text") || key_is(w.key, "delta")) {
            say_unknown(t, 0, w.key, w.value, SAY_DELTA);
        } else if (key_is(w.key, "data")) { /* embeddings, images: vectors and pictures say nothing; what else is there is heard */
            static const char *const vectors[] = { "embedding", "b64_json", "object", "index", NULL };
            for (struct jv_walk d = jv_walk(w.value); jv_next(&d);)
                say_rest(t, index_of(d.value, "index", 0), d.value, vectors, true);
        }
    }
    say_rest(t, 0, root, known, false);
}
bool openai_event(struct transcript *t, struct span name, struct span data)
{
    struct json doc;
    struct arena_mark mark;
    if (span_is(span_trim(data), "[DONE]")) {
        t->is_answer_whole = true;
        return true;
    }
    if (!event_json(t, &doc, data, &mark))
        return false;
    struct jv root = json_root(&doc);
    if (responses_is(root, name))
        responses_said_event(t, name, root);
    else
        said_chunk(t, root);
    event_done(t, mark);
    return true;
}
void openai_answer(struct transcript *t, struct span content_type, struct span body)
{
    struct json doc;
    (void)content_type;
    if (!answer_json(t, &doc, body, openai_event))
        return;
    struct jv root = json_root(&doc);
    if (responses_is(root, (struct span){ 0 }))
        responses_said_whole(t, root);
    else
        said_chunk(t, root);
    t->is_answer_whole = true;
}
void openai_request(struct transcript *t, struct span path, struct span content_type, struct span body)
{
    /* Azure names the deployment in the path. */
    const char *at = span_find(path, SPAN("/deployments/"));
    if (at) {
        struct span model = span_cut(path, (size_t)(at - path.at) + 13, path.len);
        const char *end = memchr(model.at, '/', model.len);
        model.len = end ? (size_t)(end - model.at) : model.len;
        t->model = arena_copy(t->arena, model);
    }
    read_prompt(t, content_type, body);
}

static bool matches_chat(struct span method, struct span path)
{
    (void)method;
    return path_ends(path, "/chat/completions");
}
static bool matches_completions(struct span method, struct span path)
{
    (void)method;
    return path_ends(path, "/completions");
}
static bool matches_embeddings(struct span method, struct span path)
{
    (void)method;
    return path_ends(path, "/embeddings");
}
static bool matches_none(struct span method, struct span path)
{
    (void)method, (void)path;
    return false;
}
const struct api api_openai_chat = { .name = "openai-chat", .family = "openai", .doc = "chat completions", .matches = matches_chat,
    .request = openai_request, .answer = openai_answer, .event = openai_event, .refuse = refuse_openai, .refuse_stream = refuse_openai_stream };
const struct api api_openai_completions = { .name = "openai-completions", .family = "openai", .doc = "completions of a text, with fill in the middle",
    .matches = matches_completions, .request = openai_request, .answer = openai_answer, .event = openai_event, .refuse = refuse_openai,
    .refuse_stream = refuse_openai_stream };
const struct api api_openai_embeddings = { .name = "openai-embeddings", .family = "openai", .doc = "embeddings", .matches = matches_embeddings,
    .request = openai_request, .answer = openai_answer, .event = openai_event, .refuse = refuse_openai, .refuse_stream = refuse_openai_stream };
const struct api api_openai_other = { .name = "openai-other", .family = "openai", .doc = "any other call of the family (images, audio, moderations, files …)",
    .matches = matches_none, .request = openai_request, .answer = openai_answer, .event = openai_event, .refuse = refuse_openai,
    .refuse_stream = refuse_openai_stream };
