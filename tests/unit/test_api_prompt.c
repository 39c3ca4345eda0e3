/* SPDX-License-Identifier: Apache-2.0
 *
 * Prompts: every string that a model may read is a part, under whatever key, role or spelling it comes. */
#include "tests/unit/test_api.h"

static struct span read_it(struct buf *b, const char *api, const char *path, const char *type, struct span body)
{
    struct arena *a = arena_new((size_t)64 << 20);
    struct transcript *t = ask_it(a, api, path, type, body);
    buf_clear(b);
    dump_parts(b, t, ON_PROMPT);
    dump_rows(b, "in", t->inputs, t->ninputs);
    buf_printf(b, "model=" SPAN_FMT " stream=%d reading=%d why=%s\n", SPAN_ARG(t->model), t->is_stream, (int)t->prompt_reading, t->unread_why ? t->unread_why : "");
    arena_free(a);
    return buf_span(b);
}
static struct span read_json(struct buf *b, const char *api, const char *path, const char *body)
{
    return read_it(b, api, path, "application/json", span_of(body));
}
static void test_chat(void **state)
{
    (void)state;
    struct buf b = { 0 };
    struct span s = read_json(&b, "openai", "/v1/chat/completions",
        "{\"model\":\"m-1\",\"stream\":true,\"messages\":[{\"role\":\"system\",\"content\":\"Be kind.\"},{\"role\":\"user\",\"name\":\"ann\",\"content\":[{\"type\":\"text\",\"text\":\"What is this?\"},"
        "{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==\"}}]},"
        "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"t1\",\"type\":\"function\",\"function\":{\"name\":\"look\",\"arguments\":\"{\\\"q\\\":\\\"p\\u0061th\\\"}\"}}]},"
        "{\"role\":\"tool\",\"tool_call_id\":\"t1\",\"content\":\"a tower\"}],"
        "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"look\",\"description\":\"Looks closely.\",\"parameters\":{\"type\":\"object\",\"properties\":{\"q\":{\"type\":\"string\",\"description\":\"what \\u0066or\"}}}}}],"
        "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"n\",\"schema\":{\"description\":\"shape of it\"}}},\"prediction\":{\"type\":\"content\",\"content\":\"foreseen\"},"
        "\"stop\":[\"two words\"],\"metadata\":{\"ticket\":\"T-1\",\"note\":\"words in metadata\"},\"user\":\"u1\"}");
    assert_has(s, "instructions text turn=0 choice=0 name=: Be kind.\n");
    assert_has(s, "user other turn=1 choice=0 name=: ann\n");
    assert_has(s, "user text turn=1 choice=0 name=: What is this?\n");
    assert_has(s, "assistant tool_call turn=2 choice=0 name=look: {\"q\":\"path\"}\n");
    assert_has(s, "tool tool_result turn=3 choice=0 name=: a tower\n");
    assert_has(s, "instructions tool_spec turn=0 choice=0 name=look: Looks closely.\n");
    assert_has(s, "tool_spec turn=0 choice=0 name=look: what for\n"); /* its escapes undone */
    assert_has(s, "shape of it");
    assert_has(s, ": foreseen\n");
    assert_has(s, ": two words\n");
    assert_has(s, ": words in metadata\n");
    assert_has_not(s, "iVBOR");
    assert_has_not(s, ": T-1\n");
    assert_has_not(s, ": u1\n");
    assert_has(s, "model=m-1 stream=1 reading=1");
    assert_true(span_starts(s, "instructions")); /* tools and instructions come first */
    buf_free(&b);
}
/* Each of these hides HARM somewhere; none may stay unseen. */
static void test_hidden(void **state)
{
    (void)state;
    static const struct { const char *path, *body; } hidden[] = {
        { "/v1/chat/completions", "{\"messages\":[{\"role\":\"user\",\"content\":\"H\\u0041RM\"}]}" },
        { "/v1/chat/completions", "{\"m\\u0065ssages\":[{\"role\":\"user\",\"c\\u006fntent\":\"HARM\"}]}" },
        { "/v1/chat/completions", "{\"messages\":[{\"role\":\"user\",\"content\":\"HARM\"}],\"messages\":[{\"role\":\"user\",\"content\":\"fine\"}]}" },
        { "/v1/chat/completions", "{\"messages\":[{\"role\":\"user\",\"content\":\"fine\",\"content\":\"HARM\"}]}" },
        { "/v1/chat/completions", "{\"messages\":[{\"role\":\"user\",\"content\":\"HARM\",\"content\":\"fine\"}]}" },
        { "/v1/chat/completions", "{\"messages\":[{\"role\":\"a HARM role\",\"content\":\"fine\"}]}" },
        { "/v1/chat/completions", "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"new_thing\",\"stuff\":{\"deep\":[\"HARM\"]}}]}]}" },
        { "/v1/chat/completions", "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"a HARM type\"}]}]}" },
        { "/v1/chat/completions", "{\"messages\":[{\"role\":\"user\",\"name\":\"HARM\",\"content\":\"x\"}]}" },
        { "/v1/chat/completions", "{\"messages\":[{\"role\":\"assistant\",\"refusal\":\"HARM\"}]}" },
        { "/v1/chat/completions", "{\"messages\":[{\"role\":\"assistant\",\"tool_calls\":[{\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"x\\\":\\\"\\\\u0048ARM\\\"}\"}}]}]}" },
        { "/v1/chat/completions", "{\"messages\":[{\"role\":\"assistant\",\"tool_calls\":[{\"function\":{\"name\":\"call HARM now\",\"arguments\":\"{}\"}}]}]}" },
        { "/v1/chat/completions", "{\"messages\":[],\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":{\"properties\":{\"x\":{\"enum\":[\"\\u0048ARM\"]}}}}}]}" },
        { "/v1/chat/completions", "{\"messages\":[],\"functions\":[{\"name\":\"f\",\"description\":\"HARM\"}]}" },
        { "/v1/chat/completions", "{\"messages\":[],\"chat_template\":\"HARM\"}" },
        { "/v1/chat/completions", "{\"messages\":[],\"documents\":[{\"title\":\"t\",\"text\":\"HARM\"}]}" },
        { "/v1/chat/completions", "{\"messages\":{\"role\":\"user\",\"content\":\"HARM\"}}" },
        { "/v1/chat/completions", "{\"messages\":\"HARM\"}" },
        { "/v1/chat/completions", "[{\"messages\":[{\"role\":\"user\",\"content\":\"HARM\"}]}]" },
        { "/v1/chat/completions", "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"file\",\"file\":{\"file_data\":\"data:text/plain;base64,dGhlIEhBUk0gaXMgaGVyZQ==\"}}]}]}" },
        { "/v1/chat/completions", "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":\"data:text/plain,a%20%48ARM\"}]}]}" },
        { "/v1/chat/completions", "\xef\xbb\xbf{\"messages\":[{\"role\":\"user\",\"content\":\"HARM\"}]}" },
        { "/v1/chat/completions", "{\"messages\":[{\"role\":\"user\",\"content\":\"fine\"}]}{\"messages\":[{\"role\":\"user\",\"content\":\"HARM\"}]}" },
        { "/v1/chat/completions", "{\"messages\":[{\"role\":\"user\",\"content\":\"HARM\"}], // a comment\n}" },
        { "/v1/completions", "{\"prompt\":[\"fine\",\"HARM\"]}" },
        { "/v1/completions", "{\"prompt\":\"fine\",\"suffix\":\"HARM\"}" },
        { "/v1/embeddings", "{\"input\":[\"fine\",\"HARM\"]}" },
        { "/v1/responses", "{\"instructions\":\"HARM\",\"input\":\"fine\"}" },
        { "/v1/responses", "{\"input\":[{\"type\":\"function_call_output\",\"call_id\":\"c\",\"output\":\"HARM\"}]}" },
        { "/v1/responses", "{\"input\":[{\"type\":\"function_call_output\",\"call_id\":\"c\",\"output\":[{\"type\":\"input_text\",\"text\":\"HARM\"}]}]}" },
        { "/v1/responses", "{\"input\":[{\"type\":\"reasoning\",\"summary\":[{\"type\":\"summary_text\",\"text\":\"HARM\"}]}]}" },
        { "/v1/responses", "{\"input\":\"x\",\"prompt\":{\"id\":\"p\",\"variables\":{\"city\":\"HARM\"}}}" },
        { "/v1/images/generations", "{\"prompt\":\"HARM\"}" },
        { "/v1/anything/new", "{\"whatever\":[[{\"x\":\"HARM\"}]]}" },
        { "/v1/messages", "{\"system\":[{\"type\":\"text\",\"text\":\"HARM\"}],\"messages\":[]}" },
        { "/v1/messages", "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"t\",\"content\":[{\"type\":\"text\",\"text\":\"HARM\"}]}]}]}" },
        { "/v1/messages", "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"document\",\"source\":{\"type\":\"text\",\"media_type\":\"text/plain\",\"data\":\"HARM\"},\"title\":\"t\"}]}]}" },
        { "/v1/messages", "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"document\",\"source\":{\"type\":\"text\",\"data\":\"x\"},\"context\":\"HARM\"}]}]}" },
        { "/v1/messages", "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"search_result\",\"source\":\"s\",\"title\":\"t\",\"content\":[{\"type\":\"text\",\"text\":\"HARM\"}]}]}]}" },
        { "/v1/messages", "{\"messages\":[{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"f\",\"input\":{\"x\":\"\\u0048ARM\"}}]}]}" },
        { "/v1/messages", "{\"messages\":[],\"tools\":[{\"name\":\"f\",\"description\":\"HARM\",\"input_schema\":{}}]}" },
        { "/v1/messages/count_tokens", "{\"messages\":[{\"role\":\"user\",\"content\":\"HARM\"}]}" },
        { "/v1beta/models/g:generateContent", "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"HARM\"}]}]}" },
        { "/v1beta/models/g:generateContent", "{\"system_instruction\":{\"parts\":{\"text\":\"HARM\"}},\"contents\":[]}" },
        { "/v1beta/models/g%3AgenerateContent", "{\"contents\":[{\"parts\":[{\"functionResponse\":{\"name\":\"f\",\"response\":{\"deep\":{\"er\":\"HARM\"}}}}]}]}" },
        { "/v1beta/models/g:generateContent", "{\"contents\":[{\"parts\":[{\"functionResponse\":{\"name\":\"f\",\"response\":{\"do HARM\":1}}}]}]}" },
        { "/v1beta/models/g:generateContent", "{\"contents\":[],\"tools\":[{\"function_declarations\":[{\"name\":\"f\",\"description\":\"HARM\"}]}]}" },
        { "/v1beta/models/g:batchEmbedContents", "{\"requests\":[{\"content\":{\"parts\":[{\"text\":\"HARM\"}]}}]}" },
        { "/api/generate", "{\"system\":\"HARM\",\"prompt\":\"x\"}" },
        { "/api/generate", "{\"template\":\"HARM\",\"prompt\":\"x\"}" },
        { "/api/chat", "{\"messages\":[{\"role\":\"user\",\"content\":\"x\",\"thinking\":\"HARM\"}]}" },
        { "/v2/chat", "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"documents\":[{\"data\":{\"snippet\":\"HARM\"}}]}" },
        { "/v1/chat", "{\"message\":\"x\",\"chat_history\":[{\"role\":\"CHATBOT\",\"message\":\"HARM\"}]}" },
        { "/model/x/converse", "{\"messages\":[{\"role\":\"user\",\"content\":[{\"toolResult\":{\"toolUseId\":\"u\",\"content\":[{\"json\":{\"x\":\"HARM\"}}]}}]}]}" },
        { "/model/x/converse", "{\"toolConfig\":{\"tools\":[{\"toolSpec\":{\"name\":\"f\",\"description\":\"HARM\",\"inputSchema\":{\"json\":{}}}}]}}" },
        { "/v2/models/k/infer", "{\"inputs\":[{\"name\":\"q\",\"datatype\":\"BYTES\",\"shape\":[1],\"data\":[\"HARM\"]}]}" },
        { "/v2/models/k/generate", "{\"text_input\":\"HARM\"}" },
        { "/generate", "{\"inputs\":\"HARM\",\"parameters\":{\"max_new_tokens\":3}}" },
        { "/generate_stream", "{\"inputs\":\"x\",\"parameters\":{\"stop\":[\"HARM\"]}}" },
        { "/invocations", "{\"dataframe_split\":{\"columns\":[\"q\"],\"data\":[[\"HARM\"]]}}" },
        { "/v1/models/m:predict", "{\"instances\":[{\"q\":{\"b64\":\"dGhlIEhBUk0gaXMgaGVyZSBpbiB0aGlzIGxvbmdlciB0ZXh0IHRoYXQgaXMgZW5jb2RlZA==\"}}]}" },
    };
    struct buf b = { 0 };
    for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++) {
        struct span s = read_json(&b, "auto", hidden[i].path, hidden[i].body);
        assert_has(s, "HARM");
    }
    buf_free(&b);
}
/* What cannot be read, or not for sure, is never READING_WHOLE. */
static void test_unread(void **state)
{
    (void)state;
    static const char wide[] = "{\0\"\0a\0\"\0:\0\"\0H\0\"\0}\0";
    static const struct { const char *type; struct span body; } odd[] = {
        { "application/json", { wide, sizeof wide - 1 } },
        { "application/json", SPAN("{\"messages\":[") },
        { "application/json", SPAN("{\"messages\":[]} trailing") },
        { "application/json", SPAN("{\"messages\":[{\"content\":\"HA\xffRM\"}]}") },
        { "application/json", SPAN("not json") },
        { "application/json", SPAN("{\"prompt\":[1,2,3]}") },
        { "application/json", SPAN("{\"input\":[[1,2],[3]]}") },
        { "application/octet-stream", SPAN("\x01\x02\x03\x04") },
        { "multipart/form-data", SPAN("--x\r\n") },
        { "multipart/form-data; boundary=x", SPAN("--x\r\ncontent-disposition: form-data; name=\"prompt\"\r\n\r\nhello") },
    };
    struct buf b = { 0 };
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
        if (!span_find(read_it(&b, "openai", "/v1/chat/completions", odd[i].type, odd[i].body), SPAN("reading=2")))
            fail_msg("case %zu is not unread: %s", i, b.bytes);
    char deep[1200];
    memset(deep, '[', 600);
    memset(deep + 600, ']', 600);
    assert_has(read_it(&b, "openai", "/v1/chat/completions", "application/json", (struct span){ deep, sizeof deep }), "reading=2");
    assert_has(read_it(&b, "openai", "/v1/models", "", (struct span){ 0 }), "reading=0");
    buf_free(&b);
}
static void test_forms(void **state)
{
    (void)state;
    struct buf b = { 0 };
    struct span s = read_it(&b, "openai", "/v1/audio/transcriptions", "multipart/form-data; boundary=\"b-1\"",
        SPAN("--b-1\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nw-1\r\n--b-1\r\nContent-Disposition: form-data; name=\"prompt\"\r\n\r\nSpell it well\r\n"
             "--b-1\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a b.wav\"\r\nContent-Type: audio/wav\r\n\r\nRIFF\x01\x02\r\n--b-1--\r\n"));
    assert_has(s, "user text turn=0 choice=0 name=prompt: Spell it well\n");
    assert_has(s, ": a b.wav\n");
    assert_has(s, "model=w-1 stream=0 reading=1");
    s = read_it(&b, "raw", "/", "application/x-www-form-urlencoded", SPAN("q=a+b%21&prompt=x"));
    assert_has(s, "name=q: a b!\n");
    assert_has(s, "name=prompt: x\n");
    s = read_it(&b, "raw", "/", "text/plain", SPAN("just text"));
    assert_has(s, "user text turn=0 choice=0 name=: just text\n");
    buf_free(&b);
}
static void test_rows(void **state)
{
    (void)state;
    struct buf b = { 0 };
    struct span s = read_json(&b, "mlflow", "/invocations", "{\"dataframe_split\":{\"columns\":[\"age\",\"job\"],\"index\":[0,1],\"data\":[[41,\"cook\"],[NaN,null]]}}");
    assert_has(s, "in age=41 job='cook'\nin age=nan job=missing\n");
    s = read_json(&b, "mlflow", "/invocations", "{\"dataframe_records\":[{\"age\":41,\"ok\":true}]}");
    assert_has(s, "in age=41 ok=1\n");
    s = read_json(&b, "mlflow", "/invocations", "{\"inputs\":{\"a\":[1,2],\"b\":[\"x\",\"y\"]}}");
    assert_has(s, "in a=1 b='x'\nin a=2 b='y'\n");
    s = read_json(&b, "mlflow", "/invocations", "{\"instances\":[[1,[2,3]],5]}");
    assert_has(s, "in input_0=1 input_1_0=2 input_1_1=3\nin input_0=5\n");
    s = read_json(&b, "tfserving", "/v1/models/iris:predict", "{\"instances\":[{\"x\":[1,2]}]}");
    assert_has(s, "in x_0=1 x_1=2\nmodel=iris");
    s = read_json(&b, "kserve", "/v2/models/k/infer",
                  "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP32\",\"shape\":[2,2],\"data\":[[1,2],[3,4]]}]}");
    assert_has(s, "in x_0=1 x_1=2\nin x_0=3 x_1=4\nmodel=k");
    s = read_json(&b, "kserve", "/v2/models/k/versions/3/infer",
                  "{\"inputs\":[{\"name\":\"a\",\"datatype\":\"INT64\",\"shape\":[2],\"data\":[1,2]},{\"name\":\"c\",\"datatype\":\"BYTES\",\"shape\":[2,1],\"data\":[\"u\",\"v\"]}]}");
    assert_has(s, "in a=1 c='u'\nin a=2 c='v'\n");
    /* The binary extension: a float tensor and a text tensor behind the JSON, blanks of which belong to neither. */
    struct buf body = { 0 };
    buf_add_text(&body, "{\"inputs\":[{\"name\":\"f\",\"datatype\":\"FP32\",\"shape\":[2],\"parameters\":{\"binary_data_size\":8}},"
                        "{\"name\":\"s\",\"datatype\":\"BYTES\",\"shape\":[2],\"parameters\":{\"binary_data_size\":15}}]}");
    float numbers[2] = { 0.5f, -2 };
    buf_add(&body, (struct span){ (const char *)numbers, sizeof numbers });
    buf_add(&body, SPAN("\x04\0\0\0HARM\x03\0\0\0 ok"));
    s = read_it(&b, "kserve", "/v2/models/k/infer", "application/octet-stream", buf_span(&body));
    assert_has(s, "in f=0.5 s='HARM'\nin f=-2 s=' ok'\n");
    assert_has(s, "user text turn=0 choice=0 name=s: HARM\n");
    assert_has(s, "reading=1");
    s = read_it(&b, "kserve", "/v2/models/k/infer", "application/octet-stream", span_cut(buf_span(&body), 0, body.len - 2));
    assert_has(s, "reading=2 why=binary tensors that are cut");
    buf_free(&body);
    buf_free(&b);
}
/* Requests in a batch are read as they would be alone. */
static void test_batches(void **state)
{
    (void)state;
    struct buf b = { 0 };
    struct span s = read_json(&b, "anthropic", "/v1/messages/batches",
        "{\"requests\":[{\"custom_id\":\"a-1\",\"params\":{\"model\":\"c\",\"system\":\"Be kind.\",\"messages\":[{\"role\":\"user\",\"content\":\"first question\"}]}},"
        "{\"custom_id\":\"a-2\",\"params\":{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"second question\"}]}]}}]}");
    assert_has(s, "instructions text turn=0 choice=0 name=: Be kind.\n");
    assert_has(s, "user text turn=0 choice=0 name=: first question\n");
    assert_has(s, "user text turn=1 choice=0 name=: second question\n");
    s = read_json(&b, "gemini", "/v1beta/models/g:batchEmbedContents", "{\"requests\":[{\"model\":\"m\",\"content\":{\"parts\":[{\"text\":\"a text\"}]}}]}");
    assert_has(s, "user text turn=0 choice=0 name=: a text\n");
    buf_free(&b);
}
/* The rest of OpenAI's family: what a model reads is read, under every provider's spelling. */
static void test_family(void **state)
{
    (void)state;
    static const struct { const char *api, *path, *body, *want; } calls[] = {
        { "openai", "/v1/moderations", "{\"input\":[\"HARM\",\"x\"]}", "user text turn=0 choice=0 name=: HARM\n" },
        { "openai", "/v1/moderations", "{\"input\":[{\"type\":\"text\",\"text\":\"HARM\"}]}", "user text turn=0 choice=0 name=: HARM\n" },
        { "openai", "/v1/images/generations", "{\"model\":\"i\",\"prompt\":\"HARM\",\"size\":\"1024x1024\"}", "user text turn=0 choice=0 name=: HARM\n" },
        { "openai", "/v1/audio/speech", "{\"model\":\"v\",\"input\":\"HARM\",\"voice\":\"alloy\",\"instructions\":\"HARM too\"}", "user text turn=0 choice=0 name=: HARM\n" },
        { "azure", "/openai/deployments/my-d/images/generations", "{\"prompt\":\"HARM\"}", "model=my-d" },
        { "mistral", "/v1/fim/completions", "{\"prompt\":\"def\",\"suffix\":\"HARM\"}", ": HARM\n" },
        { "mistral", "/v1/agents/completions", "{\"agent_id\":\"a\",\"messages\":[{\"role\":\"user\",\"content\":\"HARM\"}]}", "user text turn=0 choice=0 name=: HARM\n" },
        { "vllm", "/v1/chat/completions", "{\"messages\":[],\"guided_json\":{\"description\":\"HARM\"}}", "HARM" },
        { "vllm", "/v1/chat/completions", "{\"messages\":[],\"chat_template_kwargs\":{\"note\":\"HARM it is\"}}", ": HARM it is\n" },
        { "openrouter", "/api/v1/chat/completions", "{\"messages\":[{\"role\":\"assistant\",\"content\":\"x\",\"reasoning\":\"HARM\"}]}", "assistant reasoning turn=0 choice=0 name=: HARM\n" },
        { "vertex", "/v1/projects/p/locations/l/publishers/anthropic/models/c@1:rawPredict", "{\"anthropic_version\":\"vertex-2023-10-16\",\"messages\":[{\"role\":\"user\",\"content\":\"HARM\"}]}", "model=c@1" },
    };
    struct buf b = { 0 };
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        if (!span_find(read_json(&b, calls[i].api, calls[i].path, calls[i].body), span_of(calls[i].want)))
            fail_msg("%s: %.*s", calls[i].path, (int)b.len, b.bytes);
    buf_free(&b);
}
static void test_find(void **state)
{
    (void)state;
    static const struct { const char *family, *path, *name; } calls[] = {
        { "openai", "/v1/chat/completions", "openai-chat" }, { "openai", "/v1/completions", "openai-completions" }, { "openai", "/v1/responses", "openai-responses" },
        { "openai", "/v1/responses/resp_1", "openai-responses" }, { "openai", "/v1/embeddings/", "openai-embeddings" }, { "openai", "/v1/new", "openai-other" },
        { "azure", "/openai/deployments/d/chat/completions?api-version=1", "openai-chat" }, { "groq", "/openai/v1/chat/completions", "openai-chat" },
        { "mistral", "/v1/fim/completions", "openai-completions" }, { "anthropic", "/v1/messages", "anthropic-messages" }, { "anthropic", "/v1/x", "anthropic-messages" },
        { "gemini", "/v1beta/models/g:streamGenerateContent?alt=sse", "gemini" }, { "gemini", "/v1beta/openai/chat/completions", "openai-chat" },
        { "gemini", "/v1/projects/p/locations/l/publishers/google/models/g:generateContent", "gemini" },
        { "gemini", "/v1/projects/p/locations/l/publishers/anthropic/models/c:streamRawPredict", "anthropic-messages" },
        { "ollama", "/api/chat", "ollama" }, { "ollama", "/v1/chat/completions", "openai-chat" }, { "cohere", "/v2/chat", "cohere-chat" }, { "bedrock", "/model/a%3Ab/converse-stream", "bedrock" },
        { "kserve", "/v2/models/m/infer", "kserve-v2" }, { "mlflow", "/invocations", "mlflow" }, { "sagemaker", "/endpoints/e/invocations", "sagemaker" }, { "auto", "/endpoints/e/invocations-response-stream", "sagemaker" }, { "sagemaker", "/invocations", "mlflow" }, { "tgi", "/generate", "tgi" }, { "tgi", "/", "tgi" }, { "tgi", "/v1/chat/completions", "openai-chat" },
        { "auto", "/generate_stream", "tgi" }, { "auto", "/api/generate", "ollama" }, { "auto", "/v2/models/m/generate", "kserve-v2" }, { "json", "/v1/chat/completions", "json" }, { "tfserving", "/v1/models/m:predict", "tfserving" },
        { "auto", "/V1/Chat/Completions", "openai-chat" }, { "auto", "/v1/messages", "anthropic-messages" }, { "auto", "/nothing", "raw" }, { "raw", "/v1/chat/completions", "raw" },
        { "openai-chat", "/elsewhere", "openai-chat" }, { "nonsense", "/x", "raw" },
    };
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        assert_string_equal(api_find(span_of(calls[i].family), SPAN("POST"), span_of(calls[i].path))->name, calls[i].name);
    for (size_t i = 0; all_apis[i]; i++) {
        assert_true(api_is_known(span_of(all_apis[i]->name)) && api_is_known(span_of(all_apis[i]->family)));
        assert_true(all_apis[i]->doc && *all_apis[i]->doc);
    }
    size_t n;
    const char *const *words = api_words(&n);
    for (size_t i = 0; i < n; i++) /* each word leads somewhere but to raw */
        assert_true(strcmp(words[i], "raw") == 0 || strcmp(words[i], "auto") == 0
                    || strcmp(api_find(span_of(words[i]), SPAN("POST"), SPAN("/nothing"))->name, "raw") != 0);
    assert_false(api_is_known(SPAN("opnai")));
    struct buf b = { 0 };
    assert_has(read_json(&b, "azure", "/openai/deployments/dep-1/chat/completions", "{\"messages\":[]}"), "model=dep-1");
    assert_has(read_json(&b, "gemini", "/v1beta/models/g-1:streamGenerateContent", "{\"contents\":[]}"), "model=g-1 stream=1");
    assert_has(read_json(&b, "ollama", "/api/chat", "{\"model\":\"l\",\"messages\":[]}"), "model=l stream=1");
    assert_has(read_json(&b, "ollama", "/api/chat", "{\"stream\":false}"), "stream=0");
    buf_free(&b);
}
int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_chat), cmocka_unit_test(test_hidden), cmocka_unit_test(test_unread), cmocka_unit_test(test_forms),
        cmocka_unit_test(test_rows), cmocka_unit_test(test_find), cmocka_unit_test(test_batches), cmocka_unit_test(test_family) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
