/* SPDX-License-Identifier: Apache-2.0
 *
 * all: the list of readers, and which one reads a call.
 *
 * A route names a family; the path then chooses within it, then among all readers (Gemini and Anthropic serve OpenAI's paths too), and a path
 * nobody knows is read by the family's last resort, never skipped. An exact reader's name is taken at its word.
 */
#include "proxy/api/api.h"

extern const struct api api_openai_chat, api_openai_responses, api_openai_completions, api_openai_embeddings, api_openai_other, api_anthropic, api_gemini, api_ollama,
    api_cohere, api_bedrock, api_kserve, api_tgi, api_sagemaker, api_mlflow, api_tfserving, api_json, api_raw;

/* Order counts: the first that matches. "/chat/completions" ends in "/completions" as well. */
const struct api *const all_apis[] = {
    &api_openai_chat, &api_openai_responses, &api_openai_completions, &api_openai_embeddings, &api_anthropic, &api_gemini, &api_ollama, &api_cohere, &api_bedrock,
    &api_kserve, &api_tgi, &api_sagemaker, &api_mlflow, &api_tfserving, &api_openai_other, &api_json, &api_raw, NULL,
};
/* A family's reader for paths that no reader knows. */
static const struct { const char *family; const struct api *reader; } families[] = {
    { "openai", &api_openai_other }, { "anthropic", &api_anthropic }, { "gemini", &api_gemini }, { "ollama", &api_ollama }, { "cohere", &api_cohere },
    { "bedrock", &api_bedrock }, { "kserve", &api_kserve }, { "mlflow", &api_mlflow }, { "tfserving", &api_tfserving },
    { "tgi", &api_tgi }, { "sagemaker", &api_sagemaker }, { "json", &api_json }, { "raw", &api_raw },
};
/* Other names of a family: providers and servers that speak it. */
static const struct { const char *word, *family; } aliases[] = {
    { "azure", "openai" }, { "groq", "openai" }, { "mistral", "openai" }, { "vllm", "openai" }, { "openrouter", "openai" }, { "together", "openai" },
    { "fireworks", "openai" }, { "deepseek", "openai" }, { "xai", "openai" }, { "perplexity", "openai" }, { "llamacpp", "openai" }, { "litellm", "openai" },
    { "vertex", "gemini" }, { "triton", "kserve" }, { "mlserver", "kserve" },
};
enum { NAPIS = sizeof all_apis / sizeof *all_apis - 1, NFAMILIES = sizeof families / sizeof *families, NALIASES = sizeof aliases / sizeof *aliases };

struct transcript *api_transcript(struct arena *a, const struct api *api)
{
    struct transcript *t = transcript_new(a, api->name);
    t->paths = api->paths;
    return t;
}
static struct span without_query(struct span path)
{
    const char *q = path.len ? memchr(path.at, '?', path.len) : NULL;
    return q ? span_cut(path, 0, (size_t)(q - path.at)) : path;
}
const struct api *api_find(struct span family, struct span method, struct span path)
{
    path = without_query(path);
    for (size_t i = 0; i < NALIASES; i++)
        if (span_is(family, aliases[i].word))
            family = span_of(aliases[i].family);
    const struct api *last = NULL;
    for (size_t i = 0; i < NFAMILIES; i++)
        if (span_is(family, families[i].family))
            last = families[i].reader;
    if (last == &api_raw || last == &api_json)
        return last;
    if (!last)
        for (size_t i = 0; i < NAPIS; i++)
            if (span_is(family, all_apis[i]->name))
                return all_apis[i];
    for (size_t i = 0; last && i < NAPIS; i++)
        if (span_is(family, all_apis[i]->family) && all_apis[i]->matches(method, path))
            return all_apis[i];
    for (size_t i = 0; i < NAPIS; i++)
        if (all_apis[i] != &api_raw && all_apis[i]->matches(method, path))
            return all_apis[i];
    return last ? last : &api_raw;
}
bool api_is_known(struct span word)
{
    size_t n;
    const char *const *words = api_words(&n);
    for (size_t i = 0; i < n; i++)
        if (span_is(word, words[i]))
            return true;
    return false;
}
/* Written out, as a config's "did you mean" may be asked from any thread; a test compares it with the tables. */
const char *const *api_words(size_t *n)
{
    static const char *const words[] = {
        "auto", "openai", "anthropic", "gemini", "ollama", "cohere", "bedrock", "kserve", "mlflow", "tfserving", "tgi", "json", "raw",
        "azure", "groq", "mistral", "vllm", "openrouter", "together", "fireworks", "deepseek", "xai", "perplexity", "llamacpp", "litellm", "vertex", "triton",
        "mlserver", "sagemaker",
        "openai-chat", "openai-responses", "openai-completions", "openai-embeddings", "openai-other", "anthropic-messages", "cohere-chat", "kserve-v2",
    };
    *n = sizeof words / sizeof *words;
    return words;
}
