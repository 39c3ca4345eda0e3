/* SPDX-License-Identifier: Apache-2.0
 *
 * gemini: generateContent, streamGenerateContent (SSE, or one JSON array growing), embedContent, countTokens; v1, v1beta and Vertex.
 * A chunk has the shape of a whole answer; each function call comes whole in one chunk and so gets a channel of its own.
 */
#include "proxy/api/paths.h"
#include "proxy/api/read.h"

static void request(struct transcript *t, struct span path, struct span content_type, struct span body)
{
    struct span model = path_after(path, "/models/");
    if (model.len)
        t->model = arena_copy(t->arena, model);
    t->is_stream = path_verb(path, "streamGenerateContent");
    read_prompt(t, content_type, body);
}
static void said_part(struct transcript *t, uint32_t choice, struct jv part)
{
    static const char *const known[] = { "text", "thought", "functionCall", "executableCode", "codeExecutionResult", "inlineData", "thoughtSignature", NULL };
    struct arena *scratch = api_state(t)->scratch;
    bool is_thought = jv_true(jv_get(part, "thought"));
    for (struct jv_walk w = jv_walk(part); jv_next(&w);) {
        if (jv_type(w.value) < JSON_STRING)
            continue;
        if (key_is(w.key, "text")) {
            say_string(t, choice, is_thought ? PART_REASONING : PART_TEXT, 0, (struct span){ 0 }, w.value);
        } else if (key_is(w.key, "functionCall")) {
            static const char *const of_call[] = { "name", "args", "id", NULL };
            uint32_t channel = 0x100 + (uint32_t)t->nanswer;
            say(t, choice, PART_TOOL_CALL, channel, jv_text(jv_get(w.value, "name"), scratch), (struct span){ 0 });
            for (struct jv_walk c = jv_walk(w.value); jv_next(&c);)
                if (key_is(c.key, "args") && jv_type(c.value) >= JSON_OBJECT)
                    say(t, choice, PART_TOOL_CALL, channel, (struct span){ 0 }, jv_source(c.value));
            say_rest(t, choice, w.value, of_call, false);
        } else if (key_is(w.key, "executableCode")) {
            say_string(t, choice, PART_TOOL_CALL, 1, SPAN("code"), jv_get(w.value, "code"));
        } else if (key_is(w.key, "codeExecutionResult")) {
            say_string(t, choice, PART_TOOL_RESULT, 1, SPAN("code"), jv_get(w.value, "output"));
        }
    }
    say_rest(t, choice, part, known, false);
}
static void said_candidate(struct transcript *t, uint32_t at, struct jv candidate)
{
    static const char *const known[] = { "content", "finishReason", "safetyRatings", "index", "logprobsResult", NULL };
    static const char *const of_content[] = { "parts", "role", NULL };
    uint32_t choice = index_of(candidate, "index", at);
    for (struct jv_walk w = jv_walk(candidate); jv_next(&w);) {
        if (key_is(w.key, "content")) {
            for (struct jv_walk c = jv_walk(w.value); jv_next(&c);)
                if (key_is(c.key, "parts"))
                    for (struct jv_walk p = jv_walk(c.value); jv_next(&p);)
                        said_part(t, choice, p.value);
            say_rest(t, choice, w.value, of_content, false);
        } else if (key_is(w.key, "finishReason")) {
            finish(t, choice, w.value);
            t->is_answer_whole |= jv_type(w.value) == JSON_STRING && !jv_text_is(w.value, "FINISH_REASON_UNSPECIFIED");
        }
    }
    say_rest(t, choice, candidate, known, true);
}
static void said_chunk(struct transcript *t, struct jv root)
{
    static const char *const known[] = { "candidates", "promptFeedback", "usageMetadata", "modelVersion", "responseId", "embedding", "embeddings", NULL };
    for (struct jv_walk w = jv_walk(root); jv_next(&w);) {
        if (key_is(w.key, "candidates")) {
            uint32_t at = 0;
            for (struct jv_walk c = jv_walk(w.value); jv_next(&c); at++)
                said_candidate(t, at, c.value);
        } else if (key_is(w.key, "promptFeedback")) {
            struct jv reason = jv_get(w.value, "blockReason");
            if (jv_type(reason) == JSON_STRING) {
                finish(t, 0, reason);
                t->is_refused_by_provider = t->is_answer_whole = true;
            }
        } else if (key_is(w.key, "usageMetadata")) {
            bool seen = false;
            struct usage u = { .origin = USAGE_REPORTED };
            u.input = count_of(w.value, "promptTokenCount", &seen) + count_of(w.value, "toolUsePromptTokenCount", &seen);
            u.reasoning = count_of(w.value, "thoughtsTokenCount", &seen);
            u.output = count_of(w.value, "candidatesTokenCount", &seen) + u.reasoning;
            u.cache_read = count_of(w.value, "cachedContentTokenCount", NULL);
            if (seen)
                t->usage = u;
        } else if (key_is(w.key, "modelVersion") && !t->answer_model.len) {
            t->answer_model = arena_copy(t->arena, jv_text(w.value, api_state(t)->scratch));
        }
    }
    say_rest(t, 0, root, known, true);
}
static bool event(struct transcript *t, struct span name, struct span data)
{
    struct json doc;
    struct arena_mark mark;
    (void)name;
    if (!event_json(t, &doc, data, &mark))
        return false;
    struct jv root = json_root(&doc);
    if (jv_type(root) == JSON_ARRAY)
        for (struct jv_walk w = jv_walk(root); jv_next(&w);)
            said_chunk(t, w.value);
    else
        said_chunk(t, root);
    event_done(t, mark);
    return true;
}
static void answer(struct transcript *t, struct span content_type, struct span body)
{
    struct json doc;
    (void)content_type;
    if (!answer_json(t, &doc, body, event))
        return;
    struct jv root = json_root(&doc);
    if (jv_type(root) == JSON_ARRAY)
        for (struct jv_walk w = jv_walk(root); jv_next(&w);)
            said_chunk(t, w.value);
    else
        said_chunk(t, root);
    if (jv_type(jv_get(root, "candidates")) == JSON_NONE)
        t->is_answer_whole = true;
}
static bool matches(struct span method, struct span path)
{
    static const char *const verbs[] = { "generateContent", "streamGenerateContent", "embedContent", "batchEmbedContents", "countTokens", "asyncBatchEmbedContent",
        "batchGenerateContent", "generateMessage", "generateText" };
    (void)method;
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (path_verb(path, verbs[i]))
            return true;
    return false;
}
static void error(struct buf *out, const struct refusal *r)
{
    const char *status;
    switch (r->status) {
    case 401: status = "UNAUTHENTICATED"; break;
    case 403: status = "PERMISSION_DENIED"; break;
    case 404: status = "NOT_FOUND"; break;
    case 429: status = "RESOURCE_EXHAUSTED"; break;
    case 502: case 503: status = "UNAVAILABLE"; break;
    case 504: status = "DEADLINE_EXCEEDED"; break;
    default: status = r->status < 500 ? "INVALID_ARGUMENT" : "INTERNAL";
    }
    buf_printf(out, "{\"error\":{\"code\":%d,", r->status);
    json_text_member(out, "\"message\":\"", r->message, "\"");
    json_text_member(out, ",\"status\":\"", status, "\",\"details\":[{\"@type\":\"type.googleapis.com/google.rpc.ErrorInfo\"");
    json_text_member(out, ",\"reason\":\"", r->code, "\",\"domain\":\"vigie\"");
    if (r->rule)
        json_text_member(out, ",\"metadata\":{\"rule\":\"", r->rule, "\"}");
    buf_add_text(out, "}]}}");
}
static void refuse(struct buf *out, const struct refusal *r, const char **content_type, struct span *name, struct span *value)
{
    *content_type = "application/json";
    *name = *value = (struct span){ 0 };
    error(out, r);
}
static bool refuse_stream(struct buf *out, enum framing f, const struct refusal *r)
{
    if (f != FRAMING_SSE && f != FRAMING_JSON_ARRAY)
        return false;
    buf_add_text(out, f == FRAMING_SSE ? "data: " : ",\n"); /* an array under way: its last item, and its end */
    error(out, r);
    return buf_add_text(out, f == FRAMING_SSE ? "\n\n" : "]\n");
}
const struct api api_gemini = { .name = "gemini", .family = "gemini", .doc = "generateContent, streamGenerateContent, embedContent", .matches = matches,
    .request = request, .answer = answer, .event = event, .refuse = refuse, .refuse_stream = refuse_stream };
