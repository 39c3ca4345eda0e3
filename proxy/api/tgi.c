/* SPDX-License-Identifier: Apache-2.0
 *
 * tgi: Hugging Face's Text Generation Inference in its own words: /generate, /generate_stream, and / which is either by `"stream"`. A stream
 * brings a token an event, and its last event the whole text once more. Tokens that are listed beside the text (`details`) repeat it piece by
 * piece: they are heard as a text of their own, so that a redaction which cannot reach into the pieces does not pass them.
 */
#include "proxy/api/paths.h"
#include "proxy/api/read.h"

enum { CHANNEL_SPECIAL = 0x100, CHANNEL_TOKENS = 0x101, CHANNEL_PREFILL = 0x102 };

static void request(struct transcript *t, struct span path, struct span content_type, struct span body)
{
    read_prompt(t, content_type, body);
    t->is_stream |= path_ends(path, "/generate_stream");
}
static void said_tokens(struct transcript *t, uint32_t choice, uint32_t channel, struct jv tokens)
{
    static const char *const known[] = { "id", "text", "logprob", "special", NULL };
    for (struct jv_walk w = jv_walk(tokens); jv_next(&w);) {
        for (struct jv_walk m = jv_walk(w.value); jv_next(&m);)
            if (key_is(m.key, "text"))
                say_string(t, choice, PART_OTHER, channel, (struct span){ 0 }, m.value);
        say_rest(t, choice, w.value, known, false);
    }
}
static void said_usage(struct transcript *t, struct jv details)
{
    bool has_input = false, has_output = false;
    struct usage u = { .origin = USAGE_REPORTED };
    struct jv prefill = jv_get(details, "prefill");
    u.output = count_of(details, "generated_tokens", &has_output);
    u.input = count_of(details, "input_length", &has_input);
    if (!has_input && jv_type(prefill) == JSON_ARRAY && jv_node(prefill)->n)
        u.input = jv_node(prefill)->n, has_input = true;
    if (has_input && has_output)
        t->usage = u; /* one of them alone is no count of an exchange */
}
static void said_details(struct transcript *t, uint32_t choice, struct jv details)
{
    static const char *const known[] = { "finish_reason", "generated_tokens", "input_length", "prefill", "tokens", "seed", "best_of_sequences",
        "generated_text", NULL };
    for (struct jv_walk w = jv_walk(details); jv_next(&w);) {
        if (key_is(w.key, "finish_reason")) {
            finish(t, choice, w.value);
        } else if (key_is(w.key, "tokens")) {
            said_tokens(t, choice, CHANNEL_TOKENS, w.value);
        } else if (key_is(w.key, "prefill")) {
            said_tokens(t, choice, CHANNEL_PREFILL, w.value);
        } else if (key_is(w.key, "best_of_sequences") && !choice) {
            uint32_t at = 0;
            for (struct jv_walk s = jv_walk(w.value); jv_next(&s); at++) { /* a sequence is its own details */
                for (struct jv_walk g = jv_walk(s.value); jv_next(&g);)
                    if (key_is(g.key, "generated_text"))
                        say_string(t, (at & 0xffff) + 1, PART_TEXT, 0, (struct span){ 0 }, g.value);
                said_details(t, (at & 0xffff) + 1, s.value);
            }
        }
    }
    if (!choice)
        said_usage(t, details);
    say_rest(t, choice, details, known, false);
}
/* A whole answer or an event. */
static void said_object(struct transcript *t, uint32_t choice, struct jv root)
{
    static const char *const known[] = { "generated_text", "token", "details", "index", NULL };
    static const char *const of_token[] = { "id", "text", "logprob", "special", NULL };
    struct arena *scratch = api_state(t)->scratch;
    for (struct jv_walk w = jv_walk(root); jv_next(&w);) {
        if (key_is(w.key, "token") && jv_type(w.value) == JSON_OBJECT) {
            bool is_special = jv_true(jv_get(w.value, "special")); /* no part of the text */
            for (struct jv_walk m = jv_walk(w.value); jv_next(&m);)
                if (key_is(m.key, "text"))
                    say_string(t, choice, is_special ? PART_OTHER : PART_TEXT, is_special ? CHANNEL_SPECIAL : 0, (struct span){ 0 }, m.value);
            say_rest(t, choice, w.value, of_token, false);
        } else if (key_is(w.key, "token")) {
            say_unknown(t, choice, w.key, w.value, SAY_DELTA);
        }
    }
    for (struct jv_walk w = jv_walk(root); jv_next(&w);) { /* after the token of the same event */
        if (key_is(w.key, "generated_text") && jv_type(w.value) == JSON_STRING) {
            struct arena_mark m = arena_mark(scratch);
            say_again(t, choice, PART_TEXT, 0, (struct span){ 0 }, jv_text(w.value, scratch));
            arena_rewind(scratch, m);
            t->is_answer_whole = true;
        } else if (key_is(w.key, "generated_text")) {
            say_unknown(t, choice, w.key, w.value, SAY_DELTA);
        } else if (key_is(w.key, "details")) {
            said_details(t, choice, w.value);
        }
    }
    say_rest(t, choice, root, known, false);
}
void tgi_said(struct transcript *t, struct jv root)
{
    uint32_t at = 0;
    if (jv_type(root) == JSON_ARRAY)
        for (struct jv_walk w = jv_walk(root); jv_next(&w); at++) {
            if (jv_type(w.value) == JSON_OBJECT)
                said_object(t, at & 0xffff, w.value);
            else
                say_unknown(t, at & 0xffff, (struct jv){ 0 }, w.value, SAY_DELTA);
        }
    else if (jv_type(root) == JSON_OBJECT)
        said_object(t, 0, root);
    else
        say_unknown(t, 0, (struct jv){ 0 }, root, SAY_DELTA);
}
bool tgi_event(struct transcript *t, struct span name, struct span data)
{
    struct json doc;
    struct arena_mark mark;
    (void)name;
    if (span_is(span_trim(data), "[DONE]")) {
        t->is_answer_whole = true;
        return true;
    }
    if (!event_json(t, &doc, data, &mark))
        return false;
    tgi_said(t, json_root(&doc));
    event_done(t, mark);
    return true;
}
static void answer(struct transcript *t, struct span content_type, struct span body)
{
    struct json doc;
    (void)content_type;
    if (!answer_json(t, &doc, body, tgi_event))
        return;
    tgi_said(t, json_root(&doc));
    t->is_answer_whole = true;
}
static bool matches(struct span method, struct span path)
{
    (void)method;
    return path_ends(path, "/generate") || path_ends(path, "/generate_stream");
}
static void error(struct buf *out, const struct refusal *r)
{
    json_text_member(out, "{\"error\":\"", r->message, "\"");
    json_text_member(out, ",\"error_type\":\"", r->status == 429 || r->status == 503 ? "overloaded" : r->status < 500 ? "validation" : "generation", "\"");
    json_text_member(out, ",\"code\":\"", r->code, "\"");
    if (r->rule)
        json_text_member(out, ",\"rule\":\"", r->rule, "\"");
    buf_add_text(out, "}");
}
static void refuse(struct buf *out, const struct refusal *r, const char **content_type, struct span *name, struct span *value)
{
    *content_type = "application/json";
    *name = *value = (struct span){ 0 };
    error(out, r);
}
static bool refuse_stream(struct buf *out, enum framing f, const struct refusal *r)
{
    if (f != FRAMING_SSE)
        return false;
    buf_add_text(out, "data: ");
    error(out, r);
    return buf_add_text(out, "\n\n");
}
const struct api api_tgi = { .name = "tgi", .family = "tgi", .doc = "Text Generation Inference: generate, generate_stream", .matches = matches, .request = request,
    .answer = answer, .event = tgi_event, .refuse = refuse, .refuse_stream = refuse_stream };
