/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as a request body: the first byte chooses the reader, the second the content type. Nothing falls over, every part lies in
 * memory that can be read, and a JSON string without escapes that begins with the mark is never missed by a body said to be read whole. */
#include "proxy/api/api.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
    if (!ok)
        abort();
}
static size_t sum; /* the texts are read, so that ASan sees a bad one */
static void touch(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        sum += (unsigned char)s.at[i];
}
static void touch_rows(const struct row *rows, size_t n)
{
    check(n <= TRANSCRIPT_ROWS_MOST);
    for (size_t i = 0; i < n; i++) {
        check(rows[i].n <= ROW_FEATURES_MOST);
        for (size_t k = 0; k < rows[i].n; k++) {
            touch(rows[i].features[k].name);
            touch(rows[i].features[k].category);
        }
    }
}
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct { const char *api, *path; } calls[] = {
        { "openai-chat", "/v1/chat/completions" }, { "openai-responses", "/v1/responses" }, { "openai-completions", "/openai/deployments/d/completions" },
        { "anthropic-messages", "/v1/messages" }, { "gemini", "/v1beta/models/g:streamGenerateContent" }, { "ollama", "/api/chat" }, { "cohere-chat", "/v2/chat" },
        { "bedrock", "/model/m%3A0/converse" }, { "kserve-v2", "/v2/models/k/infer" }, { "mlflow", "/invocations" }, { "tfserving", "/v1/models/m:predict" }, { "raw", "/" }, { "tgi", "/generate" }, { "sagemaker", "/endpoints/e/invocations" },
    };
    static const char *const types[] = { "application/json", "", "text/plain", "multipart/form-data; boundary=b", "application/x-www-form-urlencoded", "application/octet-stream", "text/csv", "application/jsonlines" };
    if (size < 2)
        return 0;
    size_t c = data[0] % (sizeof calls / sizeof *calls), k = data[1] % (sizeof types / sizeof *types);
    struct span body = { (const char *)data + 2, size - 2 }, path = span_of(calls[c].path);
    struct arena *a = arena_new((size_t)64 << 20);
    struct transcript *t = transcript_new(a, calls[c].api);
    api_find(span_of(calls[c].api), SPAN("POST"), path)->request(t, path, span_of(types[k]), body);
    check(t->prompt_reading != READING_UNREAD || t->unread_why);
    check(body.len || t->prompt_reading == READING_NONE);
    bool is_heard = false;
    static const char mark[] = "MARK in \xc3\xa9very string";
    for (size_t i = 0; i < t->nprompt; i++) {
        touch(t->prompt[i].text);
        touch(t->prompt[i].name);
        is_heard |= span_find(t->prompt[i].text, span_of(mark)) != NULL;
    }
    touch(t->model);
    touch_rows(t->inputs, t->ninputs);
    struct json doc;
    if (t->prompt_reading == READING_WHOLE && t->request_json.len && json_read(&doc, a, t->request_json))
        for (uint32_t i = 0; i < doc.n && !is_heard; i++)
            check(doc.nodes[i].type != JSON_STRING || doc.nodes[i].escaped || !span_starts(jv_source((struct jv){ &doc, i }), mark));
    arena_free(a);
    return 0;
}
