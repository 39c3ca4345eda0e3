/* SPDX-License-Identifier: Apache-2.0
 *
 * prompt: one walk that reads the request of any LLM API.
 *
 * Providers differ in nesting, hardly in words: `content`, `text`, `parts`, `arguments`, `tools` mean the same to each. So the
 * walk goes by key, carries down what it knows (role, kind, turn, name) and visits each value once, duplicates of keys
 * too. A key that means nothing here still has its strings read, as PART_OTHER; only enum-like words (`"type": "text"`), identifiers
 * and binary payloads are left out. Recursion is bounded by JSON_DEPTH.
 */
#include "proxy/api/read.h"

struct walk {
    struct transcript *t;
    struct arena *a;
    uint32_t turns;   /* messages seen so far */
};
struct where {        /* what is known at a place of the tree */
    enum role role;
    enum part_kind kind;
    uint32_t turn;
    struct span name;
    enum key key;     /* the key that led here */
};

static enum key key_of_text(struct span s)
{
    const char *p = s.at;
#define W(word, what) if (memcmp(p, word, sizeof word - 1) == 0) return what
    switch (s.len) {
    case 2:
        W("id", KEY_TOKEN);
        break;
    case 3:
        W("url", KEY_DATA); W("ttl", KEY_TOKEN); W("uri", KEY_DATA); W("b64", KEY_DATA);
        break;
    case 4:
        W("text", KEY_TEXT); W("role", KEY_ROLE); W("type", KEY_TYPE); W("name", KEY_NAME); W("data", KEY_DATA); W("args", KEY_ARGUMENTS);
        W("user", KEY_TOKEN); W("size", KEY_TOKEN); W("mode", KEY_TOKEN); W("code", KEY_ARGUMENTS); W("json", KEY_SCHEMA);
        break;
    case 5:
        W("parts", KEY_TEXT); W("model", KEY_TOKEN); W("input", KEY_INPUT); W("tools", KEY_TOOLS); W("query", KEY_PROMPT);
        W("texts", KEY_PROMPT); W("title", KEY_TITLE); W("bytes", KEY_DATA); W("voice", KEY_TOKEN);
        break;
    case 6:
        W("prompt", KEY_PROMPT); W("output", KEY_OUTPUT); W("system", KEY_SYSTEM); W("object", KEY_TOKEN); W("status", KEY_TOKEN);
        W("detail", KEY_TOKEN); W("schema", KEY_SCHEMA); W("effort", KEY_TOKEN); W("images", KEY_DATA); W("result", KEY_OUTPUT);
        W("format", KEY_SCHEMA); W("params", KEY_FUNCTION);
        break;
    case 7:
        W("content", KEY_TEXT); W("refusal", KEY_REFUSAL); W("thought", KEY_THOUGHT); W("call_id", KEY_TOKEN); W("message", KEY_MESSAGE);
        W("summary", KEY_THINKING); W("toolUse", KEY_CALLS); W("quality", KEY_TOKEN); W("include", KEY_TOKEN); W("context", KEY_DOCUMENTS);
        W("item_id", KEY_TOKEN);
        break;
    case 8:
        W("messages", KEY_MESSAGES); W("contents", KEY_MESSAGES); W("thinking", KEY_THINKING); W("function", KEY_FUNCTION);
        W("document", KEY_DOCUMENTS); W("toolSpec", KEY_TOOLS); W("filename", KEY_TITLE); W("response", KEY_OUTPUT); W("taskType", KEY_TOKEN);
        W("mimeType", KEY_TOKEN); W("fileData", KEY_DATA); W("preamble", KEY_SYSTEM); W("language", KEY_TOKEN); W("category", KEY_TOKEN);
        W("metadata", KEY_TOKEN); W("requests", KEY_FUNCTION);
        break;
    case 9:
        W("reasoning", KEY_THINKING); W("functions", KEY_TOOLS); W("arguments", KEY_ARGUMENTS); W("documents", KEY_DOCUMENTS);
        W("toolCalls", KEY_CALLS); W("image_url", KEY_DATA); W("file_data", KEY_DATA); W("file_name", KEY_TITLE); W("mime_type", KEY_TOKEN);
        W("signature", KEY_BLOB); W("inputText", KEY_PROMPT); W("verbosity", KEY_TOKEN); W("threshold", KEY_TOKEN); W("toolUseId", KEY_TOKEN);
        break;
    case 10:
        W("tool_calls", KEY_CALLS); W("toolResult", KEY_RESULT); W("parameters", KEY_SCHEMA); W("media_type", KEY_TOKEN);
        W("truncation", KEY_TOKEN); W("text_input", KEY_PROMPT); W("task_type", KEY_TOKEN); W("keep_alive", KEY_TOKEN);
        W("input_type", KEY_TOKEN);
        break;
    case 11:
        W("instruction", KEY_SYSTEM); W("tool_choice", KEY_TOKEN); W("inputSchema", KEY_SCHEMA); W("json_schema", KEY_SCHEMA);
        W("obfuscation", KEY_BLOB); W("serviceTier", KEY_TOKEN); W("displayName", KEY_TITLE);
        W("stop_reason", KEY_TOKEN); W("tool_use_id", KEY_TOKEN);
        break;
    case 12:
        W("instructions", KEY_SYSTEM); W("functionCall", KEY_CALLS); W("tool_call_id", KEY_TOKEN); W("input_schema", KEY_SCHEMA);
        W("chat_history", KEY_MESSAGES); W("partial_json", KEY_ARGUMENTS); W("service_tier", KEY_TOKEN); W("conversation", KEY_TOKEN);
        W("display_name", KEY_TITLE);
        break;
    case 13:
        W("function_call", KEY_CALLS); W("reasoningText", KEY_THINKING); W("system_prompt", KEY_SYSTEM);
        W("finish_reason", KEY_TOKEN); W("cache_control", KEY_TOKEN);
        break;
    case 14:
        W("responseSchema", KEY_SCHEMA); W("search_results", KEY_DOCUMENTS);
        break;
    case 15:
        W("response_format", KEY_SCHEMA); W("response_schema", KEY_SCHEMA); W("encoding_format", KEY_TOKEN);
        break;
    case 16:
        W("functionResponse", KEY_RESULT); W("reasoningContent", KEY_THINKING); W("thoughtSignature", KEY_BLOB); W("reasoning_effort", KEY_TOKEN);
        W("responseMimeType", KEY_TOKEN); W("prompt_cache_key", KEY_TOKEN);
        break;
    case 17:
        W("reasoning_content", KEY_THINKING); W("systemInstruction", KEY_SYSTEM); W("function_response", KEY_RESULT);
        W("encrypted_content", KEY_BLOB); W("thought_signature", KEY_BLOB); W("safety_identifier", KEY_TOKEN); W("anthropic_version", KEY_TOKEN);
        break;
    case 18:
        W("system_instruction", KEY_SYSTEM); W("response_mime_type", KEY_TOKEN); W("responseJsonSchema", KEY_SCHEMA); W("system_fingerprint", KEY_TOKEN);
        break;
    case 20:
        W("functionDeclarations", KEY_DECLARATIONS); W("response_json_schema", KEY_SCHEMA); W("previous_response_id", KEY_TOKEN);
        break;
    case 21:
        W("function_declarations", KEY_DECLARATIONS);
        break;
    }
#undef W
    return KEY_OTHER;
}
enum key key_of(struct jv key)
{
    if (jv_type(key) != JSON_STRING)
        return KEY_OTHER;
    struct span s = jv_source(key);
    if (!jv_node(key)->escaped)
        return key_of_text(s);
    if (s.len > 24 * 6)
        return KEY_OTHER;
    struct arena_mark m = arena_mark(key.doc->arena);
    enum key k = key_of_text(jv_text(key, key.doc->arena));
    arena_rewind(key.doc->arena, m);
    return k;
}
bool is_token(struct span s)
{
    if (s.len > 128)
        return false;
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.at[i] <= ' ' || (unsigned char)s.at[i] >= 0x7f)
            return false;
    return true;
}
static bool is_blob(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.at[i] <= ' ' || (unsigned char)s.at[i] >= 0x7f)
            return false;
    return true;
}

static void ask(struct walk *w, struct where at, struct span text)
{
    if (w->t->nprompt >= PROMPT_PARTS_MOST || arena_over(w->a)) {
        prompt_unread(w->t, "more texts than vigie reads in one request");
        return;
    }
    transcript_ask(w->t, at.role, at.kind, at.turn, at.name, text);
}
/* A sentence as a key: tool results are read with their keys. */
static void ask_key(struct walk *w, struct where at, struct jv key)
{
    struct span s = jv_text(key, w->a);
    if (!is_token(s))
        ask(w, at, s);
}
/* Every string within [from, past) of a tape whose escapes hide what a reader of the decoded text sees. */
static void ask_escaped(struct walk *w, struct where at, const struct json *doc, uint32_t from, uint32_t past)
{
    for (uint32_t i = from; i < past; i++)
        if (doc->nodes[i].type == JSON_STRING && doc->nodes[i].escaped)
            ask(w, at, jv_text((struct jv){ doc, i }, w->a));
}
/* A value that the model reads as JSON text: arguments, schemas. Text and, where escapes hide something, the strings inside. */
static void ask_json(struct walk *w, struct where at, struct jv v)
{
    if (jv_type(v) == JSON_STRING) {
        struct span s = jv_text(v, w->a);
        ask(w, at, s);
        if (s.len && memchr(s.at, '\\', s.len)) {
            struct json *inner = arena_alloc(w->a, sizeof *inner);
            if (json_read(inner, w->a, s))
                ask_escaped(w, at, inner, 0, inner->n);
        }
        return;
    }
    struct span s = jv_source(v);
    if ((jv_type(v) != JSON_OBJECT && jv_type(v) != JSON_ARRAY) || jv_node(v)->n == 0)
        return;
    ask(w, at, s);
    if (memchr(s.at, '\\', s.len))
        ask_escaped(w, at, v.doc, v.i + 1, jv_node(v)->past);
}
/* A string that may be an image's or a document's bytes: read when they are text. */
static void ask_data(struct walk *w, struct where at, struct span s)
{
    struct span inside;
    if (data_url(w->a, s, &inside)) {
        if (inside.len) {
            at.kind = PART_DOCUMENT;
            ask(w, at, inside);
        }
        return;
    }
    switch (base64_text(w->a, s, &inside)) {
    case BASE64_BINARY: return;
    case BASE64_TEXT:
        at.kind = PART_DOCUMENT;
        ask(w, at, inside);
        return;
    case BASE64_NOT: ask(w, at, s);
    }
}
static void ask_string(struct walk *w, struct where at, struct jv v)
{
    struct span s = jv_text(v, w->a);
    switch (at.key) {
    case KEY_TOKEN: case KEY_TYPE:
        if (is_token(s))
            return;
        at.kind = PART_OTHER;
        break;
    case KEY_ROLE:
        if (span_is(s, "user") || span_is(s, "system") || span_is(s, "developer") || span_is(s, "assistant") || span_is(s, "model")
            || span_is(s, "tool") || span_is(s, "function") || span_is(s, "USER") || span_is(s, "SYSTEM") || span_is(s, "CHATBOT") || span_is(s, "TOOL"))
            return;
        at.kind = PART_OTHER; /* chat templates print a role of any name */
        break;
    case KEY_BLOB:
        if (is_blob(s))
            return;
        at.kind = PART_OTHER;
        break;
    case KEY_DATA:
        ask_data(w, at, s);
        return;
    default:
        if (at.kind == PART_OTHER && s.len >= 256) { /* an image under a key nobody knows is not worth a scan */
            ask_data(w, at, s);
            return;
        }
    }
    ask(w, at, s);
}

static enum role role_of(struct jv v, enum role otherwise)
{
    if (jv_type(v) != JSON_STRING)
        return otherwise;
    static const struct { const char *word; enum role role; } roles[] = {
        { "user", ROLE_USER }, { "assistant", ROLE_ASSISTANT }, { "system", ROLE_INSTRUCTIONS }, { "developer", ROLE_INSTRUCTIONS },
        { "tool", ROLE_TOOL }, { "function", ROLE_TOOL }, { "model", ROLE_ASSISTANT }, { "USER", ROLE_USER }, { "CHATBOT", ROLE_ASSISTANT },
        { "SYSTEM", ROLE_INSTRUCTIONS }, { "TOOL", ROLE_TOOL },
    };
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
        if (jv_text_is(v, roles[i].word))
            return roles[i].role;
    return otherwise;
}
/* What an item of this `type` carries. */
static struct where typed(struct where at, struct jv type)
{
    struct span s = jv_source(type);
    if (jv_type(type) != JSON_STRING || span_is(s, "text") || span_is(s, "message") || span_is(s, "input_text") || span_is(s, "output_text"))
        return at;
    if (span_is(s, "document") || span_is(s, "search_result") || span_is(s, "file") || span_is(s, "input_file")) {
        at.kind = at.kind == PART_TOOL_RESULT ? at.kind : PART_DOCUMENT;
    } else if (span_ends(s, "tool_result") || span_ends(s, "_output") || span_ends(s, "_result")) {
        at.kind = PART_TOOL_RESULT;
        at.role = ROLE_TOOL;
    } else if (span_ends(s, "_call") || span_ends(s, "tool_use")) {
        at.kind = PART_TOOL_CALL;
        at.role = ROLE_ASSISTANT;
    } else if (span_is(s, "thinking") || span_is(s, "reasoning")) {
        at.kind = PART_REASONING;
        at.role = ROLE_ASSISTANT;
    } else if (span_is(s, "refusal")) {
        at.kind = PART_REFUSAL;
    }
    return at;
}

static void read_value(struct walk *w, struct where at, struct jv v);

/* One tool: its description and the rest of it (schema, examples) as parts of their own, all under its name. */
static void read_tool(struct walk *w, struct where at, struct jv tool)
{
    at.role = ROLE_INSTRUCTIONS;
    at.kind = PART_TOOL_SPEC;
    if (jv_type(tool) == JSON_ARRAY) {
        for (struct jv_walk i = jv_walk(tool); jv_next(&i);)
            read_tool(w, at, i.value);
        return;
    }
    if (jv_type(tool) == JSON_STRING) {
        ask(w, at, jv_text(tool, w->a));
        return;
    }
    for (struct jv_walk m = jv_walk(tool); jv_next(&m);)
        if (key_of(m.key) == KEY_NAME && jv_type(m.value) == JSON_STRING)
            at.name = jv_text(m.value, w->a);
    for (struct jv_walk m = jv_walk(tool); jv_next(&m);) {
        enum key k = key_of(m.key);
        ask_key(w, at, m.key);
        if (k == KEY_FUNCTION || k == KEY_TOOLS || k == KEY_DECLARATIONS) {
            read_tool(w, at, m.value);
        } else if (jv_type(m.value) == JSON_STRING) {
            struct span s = jv_text(m.value, w->a);
            if (!((k == KEY_NAME || k == KEY_TOKEN || k == KEY_TYPE) && is_token(s)))
                ask(w, at, s);
        } else {
            ask_json(w, at, m.value);
        }
    }
}
/* Messages, or anything else in turns: each item is a turn. Token numbers in place of text are a text in hiding. */
static void read_turns(struct walk *w, struct where at, struct jv v)
{
    if (jv_type(v) != JSON_ARRAY) {
        at.turn = w->turns++;
        read_value(w, at, v);
        return;
    }
    for (struct jv_walk i = jv_walk(v); jv_next(&i);) {
        enum json_type type = jv_type(i.value);
        if (type == JSON_NUMBER || (type == JSON_ARRAY && jv_type(jv_item(i.value, 0)) == JSON_NUMBER)) {
            if (at.key == KEY_INPUT || at.key == KEY_PROMPT)
                prompt_unread(w->t, "the prompt comes as token numbers");
            continue;
        }
        at.turn = w->turns++;
        read_value(w, at, i.value);
    }
}
static void read_object(struct walk *w, struct where at, struct jv v)
{
    struct jv role = { 0 }, type = { 0 }, name = { 0 };
    bool is_root = v.i == 0;
    for (struct jv_walk m = jv_walk(v); jv_next(&m);) {
        switch (key_of(m.key)) {
        case KEY_ROLE: role = m.value; break;
        case KEY_TYPE: type = m.value; break;
        case KEY_NAME: name = m.value; break;
        case KEY_THOUGHT:
            if (jv_true(m.value))
                at.kind = PART_REASONING;
            break;
        default: break;
        }
    }
    if (role.doc) {
        at.role = role_of(role, at.role);
        if (at.role == ROLE_TOOL && at.kind == PART_TEXT)
            at.kind = PART_TOOL_RESULT;
    }
    if (type.doc)
        at = typed(at, type);
    if (jv_type(name) == JSON_STRING && (at.kind == PART_TOOL_CALL || at.kind == PART_TOOL_RESULT))
        at.name = jv_text(name, w->a);
    for (struct jv_walk m = jv_walk(v); jv_next(&m);) {
        struct where in = at;
        in.key = key_of(m.key);
        switch (in.key) {
        case KEY_TEXT:
        case KEY_MESSAGE:
            if (is_root && in.key == KEY_MESSAGE)
                in.turn = w->turns++;
            read_value(w, in, m.value);
            break;
        case KEY_MESSAGES:
            if (is_root || jv_type(m.value) == JSON_ARRAY)
                read_turns(w, in, m.value);
            else
                read_value(w, in, m.value);
            break;
        case KEY_PROMPT:
            if (jv_type(m.value) == JSON_OBJECT)
                read_value(w, in, m.value);
            else
                read_turns(w, in, m.value);
            break;
        case KEY_SYSTEM:
            in.role = ROLE_INSTRUCTIONS;
            in.kind = PART_TEXT;
            read_value(w, in, m.value);
            break;
        case KEY_INPUT:
            if (at.kind == PART_TOOL_CALL)
                ask_json(w, in, m.value);
            else if (is_root)
                read_turns(w, in, m.value);
            else
                read_value(w, in, m.value);
            break;
        case KEY_ARGUMENTS:
            in.kind = PART_TOOL_CALL;
            ask_json(w, in, m.value);
            break;
        case KEY_OUTPUT:
            if (at.kind == PART_TOOL_CALL)
                in.kind = PART_TOOL_RESULT, in.role = ROLE_TOOL;
            read_value(w, in, m.value);
            break;
        case KEY_THINKING:
            in.kind = is_root ? PART_OTHER : PART_REASONING; /* at the root they are settings */
            if (jv_type(m.value) == JSON_STRING && (is_root || at.kind == PART_OTHER))
                in.key = KEY_TOKEN;
            read_value(w, in, m.value);
            break;
        case KEY_REFUSAL:
            in.kind = PART_REFUSAL;
            read_value(w, in, m.value);
            break;
        case KEY_CALLS:
            in.kind = PART_TOOL_CALL;
            in.role = ROLE_ASSISTANT;
            if (jv_type(m.value) == JSON_STRING) /* "function_call": "auto" */
                in.key = KEY_TOKEN;
            read_value(w, in, m.value);
            break;
        case KEY_RESULT:
            in.kind = PART_TOOL_RESULT;
            in.role = ROLE_TOOL;
            read_value(w, in, m.value);
            break;
        case KEY_DOCUMENTS:
            if (at.kind != PART_TOOL_RESULT)
                in.kind = PART_DOCUMENT;
            if (is_root)
                in.role = ROLE_CONTEXT;
            read_value(w, in, m.value);
            break;
        case KEY_TOOLS: case KEY_DECLARATIONS:
            read_tool(w, in, m.value);
            break;
        case KEY_SCHEMA:
            in.kind = PART_OTHER;
            in.role = ROLE_INSTRUCTIONS;
            if (jv_type(m.value) == JSON_STRING) {
                in.key = KEY_TOKEN;
                read_value(w, in, m.value);
            } else {
                ask_json(w, in, m.value);
            }
            break;
        case KEY_NAME:
            if (jv_type(m.value) == JSON_STRING && (at.kind == PART_TOOL_CALL || at.kind == PART_TOOL_RESULT))
                in.key = KEY_TOKEN;
            in.kind = PART_OTHER;
            read_value(w, in, m.value);
            break;
        case KEY_TITLE:
            in.kind = PART_OTHER;
            read_value(w, in, m.value);
            break;
        case KEY_TOKEN: case KEY_TYPE: case KEY_ROLE: case KEY_BLOB:
            if (jv_type(m.value) == JSON_OBJECT)
                in.kind = PART_TOOL_CALL; /* tool_choice: its name is an identifier */
            if (jv_type(m.value) == JSON_OBJECT && key_is(m.key, "metadata")) {
                for (struct jv_walk d = jv_walk(m.value); jv_next(&d);) {
                    in.kind = PART_OTHER;
                    ask_key(w, in, d.key);
                    read_value(w, in, d.value);
                }
                break;
            }
            read_value(w, in, m.value);
            break;
        case KEY_FUNCTION:
            read_value(w, in, m.value);
            break;
        case KEY_DATA: case KEY_THOUGHT: case KEY_OTHER:
            if (at.kind != PART_TOOL_RESULT && at.kind != PART_DOCUMENT && at.kind != PART_TOOL_CALL)
                in.kind = PART_OTHER;
            if (in.key == KEY_OTHER)
                ask_key(w, in, m.key);
            read_value(w, in, m.value);
            break;
        }
    }
}
static void read_value(struct walk *w, struct where at, struct jv v)
{
    switch (jv_type(v)) {
    case JSON_STRING:
        ask_string(w, at, v);
        break;
    case JSON_ARRAY:
        for (struct jv_walk i = jv_walk(v); jv_next(&i);)
            read_value(w, at, i.value);
        break;
    case JSON_OBJECT:
        read_object(w, at, v);
        break;
    default:
        break;
    }
}
void read_prompt_key(struct transcript *t, struct jv key)
{
    struct walk w = { .t = t, .a = t->arena };
    ask_key(&w, (struct where){ .role = ROLE_USER, .kind = PART_OTHER }, key);
}
void read_prompt_value(struct transcript *t, struct jv key, struct jv v)
{
    struct walk w = { .t = t, .a = t->arena };
    read_value(&w, (struct where){ .role = ROLE_USER, .kind = PART_OTHER, .key = key_of(key) }, v);
}
void read_prompt_other(struct transcript *t, struct jv key, struct jv v)
{
    read_prompt_key(t, key);
    read_prompt_value(t, key, v);
}
void read_prompt_json(struct transcript *t, struct jv root)
{
    struct walk w = { .t = t, .a = t->arena };
    struct where at = { .role = ROLE_USER, .kind = PART_TEXT };
    if (t->paths)
        json_ask(t, root);
    else
        read_value(&w, at, root);
    /* The model reads instructions and tools first, wherever they stand in the JSON: a stable sort by that. */
    size_t late = 0, n = t->nprompt;
    bool seen_other = false;
    for (size_t i = 0; i < n; i++) {
        bool first = t->prompt[i].role == ROLE_INSTRUCTIONS && t->prompt[i].turn == 0;
        late += first && seen_other;
        seen_other |= !first;
    }
    if (!late)
        return;
    struct part *sorted = arena_alloc_raw(t->arena, n * sizeof *sorted);
    size_t to = 0;
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < n; i++)
            if ((t->prompt[i].role == ROLE_INSTRUCTIONS && t->prompt[i].turn == 0) == (pass == 0))
                sorted[to++] = t->prompt[i];
    memcpy(t->prompt, sorted, n * sizeof *sorted);
}
