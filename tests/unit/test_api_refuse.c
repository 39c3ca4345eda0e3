/* SPDX-License-Identifier: Apache-2.0
 *
 * Refusals: every reader's body and stream event parse, carry the message where its SDK looks, and cannot be broken out of. */
#include "proxy/api/read.h"
#include "tests/unit/test_api.h"

static const char nasty[] = "No \"quotes\", \\ slashes,\r\n\ndata: [DONE] or \x01 get out";
static struct refusal refusal(int status)
{
    return (struct refusal){ .status = status, .message = nasty, .code = "policy_blocked", .rule = "no-promises", .request_id = SPAN("01X") };
}
static const struct { const char *api, *message_at, *stream_at; enum framing framing; } shapes[] = {
    { "openai-chat", "error.message", "error.message", FRAMING_SSE },
    { "openai-responses", "error.message", "error.message", FRAMING_SSE },
    { "openai-responses", "error.message", "message", FRAMING_SSE },
    { "openai-completions", "error.message", "error.message", FRAMING_SSE },
    { "openai-embeddings", "error.message", "error.message", FRAMING_SSE },
    { "openai-other", "error.message", "error.message", FRAMING_SSE },
    { "anthropic-messages", "error.message", "error.message", FRAMING_SSE },
    { "gemini", "error.message", "error.message", FRAMING_SSE },
    { "ollama", "error", "error", FRAMING_NDJSON },
    { "cohere-chat", "message", "delta.error", FRAMING_SSE },
    { "bedrock", "message", NULL, FRAMING_BYTES },
    { "kserve-v2", "error", "error", FRAMING_SSE },
    { "mlflow", "message", NULL, FRAMING_WHOLE },
    { "tfserving", "error", NULL, FRAMING_WHOLE },
    { "sagemaker", "message", NULL, FRAMING_SSE },
    { "tgi", "error", "error", FRAMING_SSE },
    { "json", "detail", NULL, FRAMING_SSE },
    { "raw", "detail", NULL, FRAMING_SSE },
};
static void test_bodies(void **state)
{
    (void)state;
    static const int statuses[] = { 400, 401, 403, 404, 413, 429, 500, 502, 503, 504 };
    struct arena *a = arena_new(1 << 20);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (size_t k = 0; k < sizeof statuses / sizeof *statuses; k++) {
            struct refusal r = refusal(statuses[k]);
            struct buf out = { .cap = 1 << 16 };
            const char *type = NULL;
            struct span name = { 0 }, value = { 0 };
            struct json doc;
            api_find(span_of(shapes[i].api), SPAN("POST"), SPAN("/"))->refuse(&out, &r, &type, &name, &value);
            assert_true(type && span_ends(span_of(type), "json"));
            assert_true(json_read(&doc, a, buf_span(&out)) && doc.end == out.len && !doc.odd);
            assert_true(span_is(jv_text(jv_path(json_root(&doc), shapes[i].message_at), a), nasty));
            assert_true(!name.len == !value.len);
            buf_free(&out);
        }
    arena_free(a);
}
static void test_streams(void **state)
{
    (void)state;
    struct arena *a = arena_new(1 << 20);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        struct refusal r = refusal(403);
        struct buf out = { .cap = 1 << 16 };
        struct json doc;
        bool said = api_find(span_of(shapes[i].api), SPAN("POST"), SPAN("/"))->refuse_stream(&out, shapes[i].framing, &r);
        assert_int_equal(said, shapes[i].stream_at != NULL || shapes[i].framing == FRAMING_BYTES);
        if (shapes[i].framing == FRAMING_BYTES) {
            struct aws_frame f;
            assert_int_equal(aws_frame_read(buf_span(&out), &f), 1);
            assert_int_equal(f.size, out.len);
            assert_true(span_is(f.event_type, "validationException"));
            assert_true(json_read(&doc, a, f.payload));
            assert_true(span_is(jv_text(jv_get(json_root(&doc), "message"), a), nasty));
            out.bytes[20] ^= 1;
            assert_int_equal(aws_frame_read(buf_span(&out), &f), -1);
        } else if (said) {
            const char *data = shapes[i].framing == FRAMING_SSE ? strstr(out.bytes, "data: ") + 6 : out.bytes;
            struct span line = { data, strcspn(data, "\n") };
            assert_true(json_read(&doc, a, line) && doc.end == line.len);
            assert_true(span_is(jv_text(jv_path(json_root(&doc), shapes[i].stream_at), a), nasty));
            assert_string_equal(line.at + line.len, shapes[i].framing == FRAMING_SSE ? "\n\n" : "\n"); /* one event, nothing behind */
        }
        buf_free(&out);
    }
    arena_free(a);
}
static void test_words(void **state)
{
    (void)state;
    struct refusal r = refusal(403);
    struct buf out = { .cap = 1 << 16 };
    const char *type;
    struct span name, value;
    api_find(SPAN("gemini"), SPAN("POST"), SPAN("/"))->refuse(&out, &r, &type, &name, &value);
    assert_has(buf_span(&out), "\"code\":403");
    assert_has(buf_span(&out), "\"status\":\"PERMISSION_DENIED\"");
    buf_clear(&out);
    api_find(SPAN("bedrock"), SPAN("POST"), SPAN("/"))->refuse(&out, &r, &type, &name, &value);
    assert_true(span_is(name, "x-amzn-errortype") && span_is(value, "AccessDeniedException"));
    buf_clear(&out);
    api_find(SPAN("anthropic"), SPAN("POST"), SPAN("/"))->refuse_stream(&out, FRAMING_SSE, &r);
    assert_true(span_starts(buf_span(&out), "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"permission_error\""));
    buf_clear(&out);
    api_find(SPAN("openai"), SPAN("POST"), SPAN("/v1/chat/completions"))->refuse_stream(&out, FRAMING_SSE, &r);
    assert_has(buf_span(&out), "\"type\":\"policy_violation\",\"param\":null,\"code\":\"policy_blocked\",\"rule\":\"no-promises\"");
    buf_clear(&out);
    /* an array under way ends as an array */
    api_find(SPAN("gemini"), SPAN("POST"), SPAN("/"))->refuse_stream(&out, FRAMING_JSON_ARRAY, &r);
    struct buf whole = { .cap = 1 << 16 };
    struct arena *a = arena_new(1 << 20);
    struct json doc;
    buf_add_text(&whole, "[{\"candidates\":[]}");
    buf_add(&whole, buf_span(&out));
    assert_true(json_read(&doc, a, buf_span(&whole)) && doc.end == whole.len);
    arena_free(a);
    buf_free(&whole);
    buf_free(&out);
}
/* Bedrock's own stream: frames of bytes, each with its text; broken ones are said. */
static void frame(struct buf *b, const char *type, const char *payload)
{
    assert_true(aws_frame_add_exception(b, type, span_of(payload)));
}
static void test_aws_stream(void **state)
{
    (void)state;
    struct buf body = { 0 }, whole = { 0 }, cut = { 0 };
    frame(&body, "messageStart", "{\"role\":\"assistant\"}");
    frame(&body, "contentBlockDelta", "{\"contentBlockIndex\":0,\"delta\":{\"text\":\"Grey \"},\"p\":\"abcdef\"}");
    frame(&body, "contentBlockDelta", "{\"contentBlockIndex\":0,\"delta\":{\"text\":\"rock\"}}");
    frame(&body, "messageStop", "{\"stopReason\":\"end_turn\"}");
    frame(&body, "metadata", "{\"usage\":{\"inputTokens\":3,\"outputTokens\":2,\"totalTokens\":5}}");
    const struct api *api = api_find(SPAN("bedrock"), SPAN("POST"), SPAN("/"));
    answer_it(&whole, api, true, "application/vnd.amazon.eventstream", "", buf_span(&body), 0, true);
    assert_has(buf_span(&whole), "text turn=0 choice=0 name=: Grey rock\n");
    assert_has(buf_span(&whole), "in=3 out=2");
    assert_has(buf_span(&whole), "reading=1 refused=0 whole=1");
    for (size_t step = 1; step < 50; step++) {
        buf_clear(&cut);
        answer_it(&cut, api, true, "application/vnd.amazon.eventstream", "", buf_span(&body), step, true);
        assert_true(span_same(buf_span(&whole), buf_span(&cut)));
    }
    buf_clear(&cut);
    body.bytes[body.len - 1] ^= 1;
    answer_it(&cut, api, true, "application/vnd.amazon.eventstream", "", buf_span(&body), 5, true);
    assert_has(buf_span(&cut), "reading=2");
    /* invoke: the model's own events in base64 */
    struct buf invoke = { 0 };
    frame(&invoke, "chunk", "{\"bytes\":\"eyJ0eXBlIjoiY29udGVudF9ibG9ja19kZWx0YSIsImluZGV4IjowLCJkZWx0YSI6eyJ0eXBlIjoidGV4dF9kZWx0YSIsInRleHQiOiJIaSJ9fQ==\"}");
    buf_clear(&cut);
    answer_it(&cut, api, true, "application/vnd.amazon.eventstream", "", buf_span(&invoke), 0, true);
    assert_has(buf_span(&cut), "text turn=0 choice=0 name=: Hi\n");
    buf_free(&invoke);
    buf_free(&body);
    buf_free(&whole);
    buf_free(&cut);
}
int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_bodies), cmocka_unit_test(test_streams), cmocka_unit_test(test_words), cmocka_unit_test(test_aws_stream) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
