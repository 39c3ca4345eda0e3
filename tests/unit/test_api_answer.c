/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers: each API whole and streamed gives the same transcript, and each stream cut at every byte gives the same events. */
#include "tests/unit/test_api.h"

struct sample {
    const char *api, *type;
    bool is_stream;
    const char *body;
    const char *wants[12];
};
static const char chat_stream[] =
    ": warming up\n\n"
    "data: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"model\":\"m-1\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\n\n"
    "data: {\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{\"reasoning_content\":\"Let me \"}}]}\n\n"
    "data: {\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{\"reasoning_content\":\"think\"}}]}\n\n"
    "data: {\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"The lake \\u0069s\"}}]}\n\n"
    "data: {\"id\":\"c1\",\"choices\":[{\"index\":1,\"delta\":{\"content\":\"Other \"}},{\"index\":0,\"delta\":{\"content\":\" deep\\ud83d\\ude00\"}}]}\n\n"
    "data: {\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"t\",\"type\":\"function\",\"function\":{\"name\":\"sound\",\"arguments\":\"\"}}]}}]}\n\n"
    "data: {\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{\\\"at\\\":\"}}]}}]}\n\n"
    "data: {\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"7}\"}}]}}]}\n\n"
    "data: {\"id\":\"c1\",\"choices\":[{\"index\":1,\"delta\":{\"content\":\"one\"},\"finish_reason\":\"stop\"},{\"index\":0,\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\n"
    "data: {\"id\":\"c1\",\"choices\":[],\"usage\":{\"prompt_tokens\":11,\"completion_tokens\":7,\"prompt_tokens_details\":{\"cached_tokens\":4},\"completion_tokens_details\":{\"reasoning_tokens\":2}}}\n\n"
    "data: [DONE]\n\n";
static const char responses_stream[] =
    "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"id\":\"r\",\"status\":\"in_progress\",\"model\":\"m-2\",\"instructions\":\"echo of the request\",\"output\":[]}}\n\n"
    "event: response.output_item.added\ndata: {\"type\":\"response.output_item.added\",\"output_index\":0,\"item\":{\"type\":\"message\",\"id\":\"i\",\"role\":\"assistant\",\"content\":[]}}\n\n"
    "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"output_index\":0,\"content_index\":0,\"delta\":\"Good \"}\n\n"
    "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"output_index\":0,\"content_index\":0,\"delta\":\"morning\"}\n\n"
    "event: response.output_text.done\ndata: {\"type\":\"response.output_text.done\",\"output_index\":0,\"content_index\":0,\"text\":\"Good morning\"}\n\n"
    "event: response.output_item.done\ndata: {\"type\":\"response.output_item.done\",\"output_index\":0,\"item\":{\"type\":\"message\",\"role\":\"assistant\",\"content\":[{\"type\":\"output_text\",\"text\":\"Good morning\"}]}}\n\n"
    "event: response.function_call_arguments.delta\ndata: {\"type\":\"response.function_call_arguments.delta\",\"output_index\":1,\"delta\":\"{}\"}\n\n"
    "event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"status\":\"completed\",\"model\":\"m-2\",\"output\":[{\"type\":\"message\",\"content\":[{\"type\":\"output_text\",\"text\":\"Good morning\"}]},"
    "{\"type\":\"function_call\",\"name\":\"wave\",\"arguments\":\"{}\"},{\"type\":\"message\",\"content\":[{\"type\":\"output_text\",\"text\":\"only here\"}]}],\"usage\":{\"input_tokens\":9,\"output_tokens\":3,\"input_tokens_details\":{\"cached_tokens\":5}}}}\n\n";
static const char anthropic_stream[] =
    "event: message_start\r\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"model\":\"c-1\",\"role\":\"assistant\",\"content\":[],\"usage\":{\"input_tokens\":10,\"cache_read_input_tokens\":100,\"cache_creation_input_tokens\":5,\"output_tokens\":1}}}\r\n\r\n"
    "event: ping\r\ndata: {\"type\": \"ping\"}\r\n\r\n"
    "event: content_block_start\r\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}}\r\n\r\n"
    "event: content_block_delta\r\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"thinking_delta\",\"thinking\":\"hm\"}}\r\n\r\n"
    "event: content_block_delta\r\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"signature_delta\",\"signature\":\"EqQBCg\"}}\r\n\r\n"
    "event: content_block_start\r\ndata: {\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\r\n\r\n"
    "event: content_block_delta\r\ndata: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"text_delta\",\"text\":\"Two \"}}\r\n\r\n"
    "event: content_block_delta\r\ndata: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"text_delta\",\"text\":\"boats\"}}\r\n\r\n"
    "event: content_block_start\r\ndata: {\"type\":\"content_block_start\",\"index\":2,\"content_block\":{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"row\",\"input\":{}}}\r\n\r\n"
    "event: content_block_delta\r\ndata: {\"type\":\"content_block_delta\",\"index\":2,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"n\\\":\"}}\r\n\r\n"
    "event: content_block_delta\r\ndata: {\"type\":\"content_block_delta\",\"index\":2,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"2}\"}}\r\n\r\n"
    "event: message_delta\r\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":12}}\r\n\r\n"
    "event: message_stop\r\ndata: {\"type\":\"message_stop\"}\r\n\r\n";
static const struct sample samples[] = {
    { "openai-chat", "text/event-stream", true, chat_stream,
      { "assistant reasoning turn=0 choice=0 name=: Let me think\n", "text turn=0 choice=0 name=: The lake is deep\xf0\x9f\x98\x80\n", "text turn=0 choice=1 name=: Other one\n",
        "tool_call turn=0 choice=0 name=sound: {\"at\":7}\n", "finish 0 tool_calls", "finish 1 stop", "in=11 out=7 read=4 write=0 reasoning=2", "model=m-1 reading=1 refused=0 whole=1" } },
    { "openai-chat", "application/json", true, chat_stream, { "name=: The lake is deep" } },  /* a wrong content type */
    { "openai-chat", "", true, chat_stream, { "name=: The lake is deep" } },
    { "openai-chat", "application/json", false,
      "{\"model\":\"m-1\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":null,\"refusal\":\"I cannot\",\"annotations\":[{\"type\":\"url_citation\",\"url_citation\":{\"title\":\"A title\"}}],"
      "\"content\":[{\"type\":\"text\",\"text\":\"twice\"}]},\"finish_reason\":\"content_filter\"}]}",
      { "refusal turn=0 choice=0 name=: I cannot", "other turn=0 choice=0 name=: A title", "text turn=0 choice=0 name=: twice", "refused=1 whole=1" } },
    { "openai-completions", "application/json", false, "{\"choices\":[{\"text\":\"a\",\"index\":0,\"finish_reason\":\"length\"},{\"text\":\"b\",\"index\":1}]}",
      { "choice=0 name=: a", "choice=1 name=: b", "finish 0 length" } },
    { "openai-responses", "text/event-stream", true, responses_stream,
      { "text turn=0 choice=0 name=: Good morning\n", "tool_call turn=0 choice=0 name=wave: {}\n", "text turn=0 choice=0 name=: only here\n", "in=9 out=3 read=5", "model=m-2 reading=1 refused=0 whole=1" } },
    { "anthropic-messages", "text/event-stream", true, anthropic_stream,
      { "reasoning turn=0 choice=0 name=: hm\n", "text turn=0 choice=0 name=: Two boats\n", "tool_call turn=0 choice=0 name=row: {\"n\":2}\n", "in=115 out=12 read=100 write=5", "finish 0 tool_use",
        "model=c-1 reading=1 refused=0 whole=1" } },
    { "anthropic-messages", "application/json", false,
      "{\"type\":\"message\",\"model\":\"c-1\",\"content\":[{\"type\":\"text\",\"text\":\"No.\",\"citations\":[{\"cited_text\":\"a source\"}]},{\"type\":\"tool_use\",\"name\":\"row\",\"input\":{\"n\":2}}],\"stop_reason\":\"refusal\","
      "\"usage\":{\"input_tokens\":1,\"output_tokens\":2}}",
      { "name=: No.", "tool_call turn=0 choice=0 name=row: {\"n\":2}", "other turn=0 choice=0 name=: a source", "refused=1 whole=1" } },
    { "gemini", "text/event-stream", true,
      "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"plan\",\"thought\":true}],\"role\":\"model\"}}],\"modelVersion\":\"g-1\"}\r\n\r\n"
      "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Hel\"}]}}]}\r\n\r\n"
      "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"lo\"},{\"functionCall\":{\"name\":\"f\",\"args\":{\"x\":1}}},{\"functionCall\":{\"name\":\"g\",\"args\":{}}}]},\"finishReason\":\"STOP\"}],"
      "\"usageMetadata\":{\"promptTokenCount\":8,\"candidatesTokenCount\":3,\"thoughtsTokenCount\":2,\"cachedContentTokenCount\":6}}\r\n\r\n",
      { "reasoning turn=0 choice=0 name=: plan", "text turn=0 choice=0 name=: Hello\n", "name=f: {\"x\":1}\n", "name=g: {}\n", "in=8 out=5 read=6 write=0 reasoning=2", "finish 0 STOP", "whole=1" } },
    { "gemini", "application/json", true,
      "[{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Hel]\\\"\"}]}}]}\n,\n{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"lo\"}]},\"finishReason\":\"SAFETY\"}]}\n]\n",
      { "text turn=0 choice=0 name=: Hel]\"lo\n", "refused=1 whole=1" } },
    { "gemini", "application/json", false, "{\"promptFeedback\":{\"blockReason\":\"PROHIBITED_CONTENT\"}}", { "refused=1 whole=1" } },
    { "ollama", "application/x-ndjson", true,
      "{\"model\":\"l\",\"message\":{\"role\":\"assistant\",\"content\":\"Ja\",\"thinking\":\"t\"},\"done\":false}\n{\"model\":\"l\",\"message\":{\"content\":\" gut\"},\"done\":false}\r\n"
      "{\"model\":\"l\",\"message\":{\"content\":\"\",\"tool_calls\":[{\"function\":{\"name\":\"f\",\"arguments\":{\"a\":[1]}}}]},\"done\":true,\"done_reason\":\"stop\",\"prompt_eval_count\":3,\"eval_count\":2}",
      { "text turn=0 choice=0 name=: Ja gut\n", "reasoning turn=0 choice=0 name=: t\n", "name=f: {\"a\":[1]}\n", "in=3 out=2", "model=l reading=1 refused=0 whole=1" } },
    { "ollama", "text/plain", true, "{\"response\":\"Ja\",\"done\":false}\n{\"response\":\" gut\",\"done\":true}\n", { "name=: Ja gut\n", "whole=1" } },
    { "ollama", "text/plain", false, "{\"response\":\"Ja\",\"done\":false}\n{\"response\":\" gut\",\"done\":true}\n", { "name=: Ja gut\n", "reading=1", "whole=1" } },
    { "cohere-chat", "text/event-stream", true,
      "event: message-start\ndata: {\"id\":\"1\",\"type\":\"message-start\",\"delta\":{\"message\":{\"role\":\"assistant\",\"content\":[]}}}\n\n"
      "event: content-delta\ndata: {\"type\":\"content-delta\",\"index\":0,\"delta\":{\"message\":{\"content\":{\"text\":\"Sil\"}}}}\n\n"
      "event: content-delta\ndata: {\"type\":\"content-delta\",\"index\":0,\"delta\":{\"message\":{\"content\":{\"text\":\"ver\"}}}}\n\n"
      "event: message-end\ndata: {\"type\":\"message-end\",\"delta\":{\"finish_reason\":\"COMPLETE\",\"usage\":{\"tokens\":{\"input_tokens\":4,\"output_tokens\":2}}}}\n\n",
      { "text turn=0 choice=0 name=: Silver\n", "in=4 out=2", "finish 0 COMPLETE", "whole=1" } },
    { "bedrock", "application/json", false,
      "{\"output\":{\"message\":{\"role\":\"assistant\",\"content\":[{\"text\":\"Rock\"},{\"toolUse\":{\"name\":\"f\",\"toolUseId\":\"u\",\"input\":{\"q\":\"x\"}}}]}},\"stopReason\":\"guardrail_intervened\",\"usage\":{\"inputTokens\":2,\"outputTokens\":3,\"cacheReadInputTokens\":7}}",
      { "text turn=0 choice=0 name=: Rock\n", "name=f: {\"q\":\"x\"}\n", "in=9 out=3 read=7", "refused=1 whole=1" } },
    { "tgi", "text/event-stream", true,
      "data:{\"index\":1,\"token\":{\"id\":1,\"text\":\"Deep\",\"logprob\":-1,\"special\":false},\"generated_text\":null,\"details\":null}\n\n"
      "data:{\"index\":2,\"token\":{\"id\":2,\"text\":\" sea\",\"special\":false},\"top_tokens\":[{\"text\":\" lake\"}],\"generated_text\":null,\"details\":null}\n\n"
      "data:{\"index\":3,\"token\":{\"id\":3,\"text\":\"</s>\",\"special\":true},\"generated_text\":\"Deep sea\",\"details\":{\"finish_reason\":\"eos_token\",\"generated_tokens\":3,\"input_length\":4,\"seed\":null}}\n\n",
      { "text turn=0 choice=0 name=: Deep sea\n", "other turn=0 choice=0 name=:  lake\n", "other turn=0 choice=0 name=: </s>\n", "finish 0 eos_token", "usage 1 in=4 out=3", "reading=1 refused=0 whole=1" } },
    { "tgi", "application/json", false,
      "{\"generated_text\":\"one\",\"details\":{\"finish_reason\":\"length\",\"generated_tokens\":2,\"prefill\":[{\"id\":1,\"text\":\"as\"},{\"id\":2,\"text\":\"ked\"}],\"tokens\":[{\"text\":\"o\"},{\"text\":\"ne\"}],"
      "\"best_of_sequences\":[{\"generated_text\":\"two\",\"finish_reason\":\"stop_sequence\",\"generated_tokens\":1,\"prefill\":[],\"tokens\":[]}]}}",
      { "text turn=0 choice=0 name=: one\n", "other turn=0 choice=0 name=: asked\n", "other turn=0 choice=0 name=: one\n", "text turn=0 choice=1 name=: two\n", "finish 0 length", "finish 1 stop_sequence", "usage 1 in=2 out=2", "whole=1" } },
    { "tgi", "application/json", false, "[{\"generated_text\":\"one\"},{\"generated_text\":\"two\"}]", { "choice=0 name=: one\n", "choice=1 name=: two\n", "usage 0", "whole=1" } },
    { "tgi", "text/event-stream", true, "data:{\"error\":\"it fell over\",\"error_type\":\"generation\"}\n\n", { ": it fell over", "reading=1" } },
    { "openai-other", "application/json", false, "{\"text\":\"spoken words\",\"segments\":[{\"id\":0,\"text\":\"spoken words\"}],\"usage\":{\"type\":\"tokens\",\"input_tokens\":14,\"output_tokens\":3}}",
      { "text turn=0 choice=0 name=: spoken words\n", "other turn=0 choice=0 name=: spoken words\n", "usage 1 in=14 out=3", "whole=1" } },
    { "openai-other", "text/event-stream", true, "data: {\"type\":\"transcript.text.delta\",\"delta\":\"spoken \"}\n\ndata: {\"type\":\"transcript.text.delta\",\"delta\":\"words\"}\n\n"
      "data: {\"type\":\"transcript.text.done\",\"text\":\"spoken words\"}\n\n", { "text turn=0 choice=0 name=: spoken words\n", "reading=1 refused=0 whole=1" } },
    { "openai-other", "application/json", false, "{\"created\":1,\"data\":[{\"b64_json\":\"iVBORw0KGgo=\",\"revised_prompt\":\"A red boat.\"}]}", { "other turn=0 choice=0 name=: A red boat.\n", "whole=1" } },
    { "openai-chat", "application/json", false, "{\"choices\":[{\"message\":{\"content\":\"a\",\"reasoning\":\"b\",\"reasoning_details\":[{\"type\":\"reasoning.text\",\"text\":\"c\"}]}}],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":1,"
      "\"prompt_tokens_details\":{\"cached_tokens\":4,\"cache_write_tokens\":3}}}", { "reasoning turn=0 choice=0 name=: b\n", ": c\n", "in=9 out=1 read=4 write=3" } },
    { "raw", "text/event-stream", true, "data: {\"a\":{\"b\":\"one \"}}\n\ndata: {\"a\":{\"b\":\"text\"}}\n\n", { "other turn=0 choice=0 name=: one text\n" } },
    { "raw", "application/json", false, "{\"a\":[\"one\",\"two\"],\"type\":\"x\"}", { "name=: one\n", "name=: two\n", "whole=1" } },
    { "raw", "text/plain", false, "Nothing but text.", { "text turn=0 choice=0 name=: Nothing but text.\n" } },
    { "mlflow", "application/json", false, "{\"predictions\": [1.5, NaN, 1e400]}", { "out prediction=1.5\nout prediction=nan\nout prediction=nan\n", "whole=1" } },
    { "tfserving", "application/json", false, "{\"predictions\":[[0.1,0.9],[0.7,0.3]]}", { "out prediction_0=0.1 prediction_1=0.9\n" } },
    { "kserve-v2", "application/json", false, "{\"model_name\":\"k\",\"outputs\":[{\"name\":\"label\",\"datatype\":\"BYTES\",\"shape\":[2],\"data\":[\"yes\",\"no\"]},{\"name\":\"p\",\"datatype\":\"FP32\",\"shape\":[2,1],\"data\":[[0.5],[0.25]]}]}",
      { "out label='yes' p=0.5\nout label='no' p=0.25\n", "text turn=0 choice=0 name=label: yes\n", "model=k" } },
};
static void test_samples(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        const struct sample *s = &samples[i];
        const struct api *api = api_find(span_of(s->api), SPAN("POST"), SPAN("/"));
        struct buf b = { 0 };
        answer_it(&b, api, s->is_stream, s->type, "", span_of(s->body), 0, true);
        for (size_t k = 0; s->wants[k]; k++)
            assert_has(buf_span(&b), s->wants[k]);
        buf_free(&b);
    }
}
static void test_every_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        const struct sample *s = &samples[i];
        if (strcmp(s->type, "text/plain") == 0 && strcmp(s->api, "raw") == 0)
            continue; /* bytes: an event a feed, by its promise */
        const struct api *api = api_find(span_of(s->api), SPAN("POST"), SPAN("/"));
        struct buf whole = { 0 };
        answer_it(&whole, api, s->is_stream, s->type, "", span_of(s->body), 0, true);
        for (size_t step = 1; step < 40; step++) {
            struct buf cut = { 0 };
            answer_it(&cut, api, s->is_stream, s->type, "", span_of(s->body), step, true);
            if (!span_same(buf_span(&whole), buf_span(&cut)))
                print_error("sample %zu in steps of %zu:\n%s\nwhole:\n%s\n", i, step, cut.bytes, whole.bytes);
            assert_true(span_same(buf_span(&whole), buf_span(&cut)));
            buf_free(&cut);
        }
        buf_free(&whole);
    }
}
/* Events that repeat a text touch all of it, so that they are held or redacted like the deltas. */
static void test_repetitions_touch(void **state)
{
    (void)state;
    struct buf b = { 0 };
    answer_it(&b, api_find(SPAN("openai-responses"), SPAN("POST"), SPAN("/")), true, "text/event-stream", "", span_of(responses_stream), 0, true);
    size_t full = 0;
    for (const char *at = b.bytes; (at = strstr(at, "0[0,12)")); at++)
        full++;
    assert_int_equal(full, 3); /* text done, item done, completed */
    assert_has_not(buf_span(&b), "Good morningGood");
    assert_has_not(buf_span(&b), "echo of the request");
    buf_free(&b);
}
static void test_hidden_answer_text(void **state)
{
    (void)state;
    /* A final text that differs from the deltas is heard as well. */
    static const char body[] = "data: {\"type\":\"response.output_text.delta\",\"output_index\":0,\"content_index\":0,\"delta\":\"harmless\"}\n\n"
                               "data: {\"type\":\"response.output_text.done\",\"output_index\":0,\"content_index\":0,\"text\":\"something else\"}\n\n";
    struct buf b = { 0 };
    answer_it(&b, api_find(SPAN("openai-responses"), SPAN("POST"), SPAN("/")), true, "text/event-stream", "", span_of(body), 0, true);
    assert_has(buf_span(&b), ": something else\n");
    buf_clear(&b);
    /* A channel nobody knows builds up as one text. */
    static const char unknown[] = "data: {\"choices\":[{\"delta\":{\"whisper\":\"sec\"}}]}\n\ndata: {\"choices\":[{\"delta\":{\"whisper\":\"ret\"}}]}\n\n";
    answer_it(&b, api_find(SPAN("openai-chat"), SPAN("POST"), SPAN("/")), true, "text/event-stream", "", span_of(unknown), 0, true);
    assert_has(buf_span(&b), "other turn=0 choice=0 name=: secret\n");
    buf_clear(&b);
    /* The last event without its blank line, and one that is not JSON: heard, and said to be unread. */
    static const char broken[] = "data: {\"choices\":[{\"delta\":{\"content\":\"last words\"}}]}";
    answer_it(&b, api_find(SPAN("openai-chat"), SPAN("POST"), SPAN("/")), true, "text/event-stream", "", span_of(broken), 0, true);
    assert_has(buf_span(&b), ": last words\n");
    buf_clear(&b);
    answer_it(&b, api_find(SPAN("openai-chat"), SPAN("POST"), SPAN("/")), true, "text/event-stream", "", SPAN("data: {\"choices\":[{\"delta\":{\"content\":\"cut of"), 0, true);
    assert_has(buf_span(&b), "cut of");
    assert_has(buf_span(&b), "reading=2");
    buf_free(&b);
}
int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_samples), cmocka_unit_test(test_every_cut), cmocka_unit_test(test_repetitions_touch),
        cmocka_unit_test(test_hidden_answer_text) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
