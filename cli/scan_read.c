/* SPDX-License-Identifier: Apache-2.0
 *
 * A line of JSON Lines into a transcript. What is not of the form is said with its field and place and the line is left out, since a prompt that
 * was read wrongly would look as if it had been judged; keys that are not of the form belong to somebody else and are passed over. A key of ours
 * that stands twice is trouble too: readers differ in which one they take.
 */
#include "base/parse.h"
#include "cli/scan.h"

enum { FIELDS_MOST = 4096 };

/* ---- the line's own keys ---- */

enum key { ID, PROMPT, RESPONSE, CONTEXT, INSTRUCTIONS, TOOLS, TOOL_CALLS, MODEL, AT, META, API, REQUEST, ANSWER, PATH, ROUTE, CALLER, SESSION, ANSWER_TYPE, KEYS };
static const char *const keys[KEYS] = { "id", "prompt", "response", "context", "instructions", "tools", "tool_calls", "model", "at", "meta", "api", "request", "answer", "path",
                                        "route", "caller", "session", "answer_type" };

static bool is_absent(struct jv v)
{
    return jv_type(v) == JSON_NONE || jv_type(v) == JSON_NULL;
}
static const char *type_name(struct jv v)
{
    static const char *const names[] = { "nothing", "null", "false", "true", "a number", "a text", "an object", "a list" };
    return names[jv_type(v)];
}
static bool bad_field(struct scan *s, struct jv v, const char *name, const char *wanted, const char *hint)
{
    const struct json_node *node = jv_node(v);
    scan_say(s, node->start - (node->type == JSON_STRING ? 1 : 0), hint, "%s must be %s, not %s", name, wanted, type_name(v));
    return false;
}
static bool is_text(struct scan *s, struct jv v, const char *name, const char *hint)
{
    return is_absent(v) || jv_type(v) == JSON_STRING || bad_field(s, v, name, "a text", hint);
}
static bool is_structure(struct jv v)
{
    return jv_type(v) == JSON_STRING || jv_type(v) == JSON_OBJECT || jv_type(v) == JSON_ARRAY;
}
static bool keys_find(struct scan *s, struct jv line, struct jv found[KEYS])
{
    bool fine = true;
    memset(found, 0, KEYS * sizeof *found);
    for (struct jv_walk w = jv_walk(line); jv_next(&w);)
        for (size_t i = 0; i < KEYS; i++)
            if (jv_text_is(w.key, keys[i])) {
                if (found[i].doc) {
                    scan_say(s, jv_node(w.key)->start - 1, "keep one", "the key \"%s\" is there twice", keys[i]);
                    fine = false;
                }
                found[i] = w.value;
            }
    return fine;
}
/* A key that may have been meant, where none of the form is there. */
static const char *key_meant(struct jv line)
{
    static const char *const wanted[] = { "prompt", "response", "request", "answer" };
    unsigned n = 0;
    for (struct jv_walk w = jv_walk(line); jv_next(&w) && n < 64; n++) {
        const char *near = nearest_word(jv_source(w.key), wanted, 4);
        if (near)
            return near;
    }
    return NULL;
}

/* ---- parts, each with the name it has in the line ---- */

static void name_part(struct scan *s, enum side side, const char *name, int item)
{
    size_t i = side - 1;
    *ARENA_PUSH(s->a, s->names[i], s->nnames[i], s->names_cap[i]) = (struct field_name){ name, item };
}
static void ask(struct scan *s, enum role role, enum part_kind kind, struct span title, struct span text, const char *name, int item)
{
    transcript_ask(s->t, role, kind, 0, title, text);
    name_part(s, ON_PROMPT, name, item);
}
static void say(struct scan *s, uint32_t choice, enum part_kind kind, uint32_t channel, struct span title, struct span text, const char *name, int item)
{
    size_t before = s->t->nanswer;
    transcript_say(s->t, choice, kind, channel, title, text);
    if (s->t->nanswer > before)
        name_part(s, ON_ANSWER, name, item);
}
static struct span text_or_source(struct scan *s, struct jv v)
{
    return jv_type(v) == JSON_STRING ? jv_text(v, s->a) : jv_source(v);
}
/* Keys of a document that a retriever may have put its text under. */
static struct span document_text(struct scan *s, struct jv v)
{
    static const char *const names[] = { "text", "content", "page_content", "body" };
    for (size_t i = 0; i < 4 && jv_type(v) == JSON_OBJECT; i++)
        if (jv_type(jv_get(v, names[i])) == JSON_STRING)
            return jv_text(jv_get(v, names[i]), s->a);
    return text_or_source(s, v);
}

/* ---- a plain line ---- */

static bool read_context(struct scan *s, struct jv v)
{
    int n = 0;
    if (is_absent(v))
        return true;
    if (!is_structure(v))
        return bad_field(s, v, "context", "a text, a document or a list of them", "put it between quotes");
    if (jv_type(v) != JSON_ARRAY) {
        ask(s, ROLE_CONTEXT, PART_DOCUMENT, (struct span){ 0 }, document_text(s, v), "context", -1);
        return true;
    }
    for (struct jv_walk w = jv_walk(v); jv_next(&w);) {
        if (!is_structure(w.value) && !is_absent(w.value))
            return bad_field(s, w.value, "context", "a list of texts or documents", "put each between quotes");
        ask(s, ROLE_CONTEXT, PART_DOCUMENT, (struct span){ 0 }, is_absent(w.value) ? SPAN("") : document_text(s, w.value), "context", n++);
    }
    return true;
}
static bool read_tools(struct scan *s, struct jv v)
{
    int n = 0;
    if (is_absent(v))
        return true;
    if (!is_structure(v))
        return bad_field(s, v, "tools", "a list of tools", "[{\"name\": …, \"description\": …}]");
    if (jv_type(v) != JSON_ARRAY) {
        ask(s, ROLE_TOOL, PART_TOOL_SPEC, jv_text(jv_get(v, "name"), s->a), text_or_source(s, v), "tools", -1);
        return true;
    }
    for (struct jv_walk w = jv_walk(v); jv_next(&w);) {
        if (!is_structure(w.value))
            return bad_field(s, w.value, "tools", "a list of names or objects", "[{\"name\": …, \"description\": …}]");
        struct jv item = jv_type(jv_get(w.value, "function")) == JSON_OBJECT ? jv_get(w.value, "function") : w.value;
        struct span name = jv_type(w.value) == JSON_STRING ? jv_text(w.value, s->a) : jv_text(jv_get(item, "name"), s->a);
        ask(s, ROLE_TOOL, PART_TOOL_SPEC, name, text_or_source(s, w.value), "tools", n++);
    }
    return true;
}
static bool read_response(struct scan *s, struct jv v)
{
    int n = 0;
    if (is_absent(v))
        return true;
    if (!is_structure(v))
        return bad_field(s, v, "response", "a text, or a list of texts (the choices)", "put it between quotes");
    if (jv_type(v) != JSON_ARRAY) {
        say(s, 0, PART_TEXT, 0, (struct span){ 0 }, document_text(s, v), "response", -1);
        return true;
    }
    for (struct jv_walk w = jv_walk(v); jv_next(&w); n++) {
        if (n == FIELDS_MOST)
            return bad_field(s, w.value, "response", "a list of at most 4096 choices", "split the line");
        if (!is_structure(w.value) && !is_absent(w.value))
            return bad_field(s, w.value, "response", "a list of texts (the choices)", "put each between quotes");
        say(s, (uint32_t)n, PART_TEXT, 0, (struct span){ 0 }, is_absent(w.value) ? SPAN("") : document_text(s, w.value), "response", n);
    }
    return true;
}
static void read_call(struct scan *s, struct jv call, int n)
{
    struct jv item = jv_type(jv_get(call, "function")) == JSON_OBJECT ? jv_get(call, "function") : call, arguments = jv_get(item, "arguments");
    if (is_absent(arguments))
        arguments = jv_get(item, "input");
    say(s, 0, PART_TOOL_CALL, (uint32_t)(n < 0 ? 0 : n), jv_text(jv_get(item, "name"), s->a), text_or_source(s, is_absent(arguments) ? call : arguments), "tool_calls", n);
}
static bool read_calls(struct scan *s, struct jv v)
{
    int n = 0;
    if (is_absent(v))
        return true;
    if (!is_structure(v))
        return bad_field(s, v, "tool_calls", "a list of calls", "[{\"name\": …, \"arguments\": …}]");
    if (jv_type(v) != JSON_ARRAY) {
        read_call(s, v, -1);
        return true;
    }
    for (struct jv_walk w = jv_walk(v); jv_next(&w); n++) {
        if (n == FIELDS_MOST)
            return bad_field(s, w.value, "tool_calls", "a list of at most 4096 calls", "split the line");
        if (!is_structure(w.value))
            return bad_field(s, w.value, "tool_calls", "a list of calls", "[{\"name\": …, \"arguments\": …}]");
        read_call(s, w.value, n);
    }
    return true;
}
static bool read_plain(struct scan *s, struct jv line, const struct jv *f)
{
    s->t = transcript_new(s->a, "plain");
    s->is_plain = true;
    if (is_absent(f[PROMPT]) && is_absent(f[RESPONSE]) && is_absent(f[TOOL_CALLS])) {
        const char *near = key_meant(line);
        char hint[96];
        snprintf(hint, sizeof hint, near ? "did you mean \"%s\"?" : "one of them must be there (or api with request or answer)%s", near ? near : "");
        scan_say(s, 0, hint, "neither prompt nor response");
        return false;
    }
    if (!is_text(s, f[PROMPT], "prompt", "a conversation goes in as recorded: {\"api\": …, \"request\": {…}}")
        || !is_text(s, f[INSTRUCTIONS], "instructions", "put it between quotes"))
        return false;
    if (!is_absent(f[INSTRUCTIONS]))
        ask(s, ROLE_INSTRUCTIONS, PART_TEXT, (struct span){ 0 }, jv_text(f[INSTRUCTIONS], s->a), "instructions", -1);
    if (!read_context(s, f[CONTEXT]) || !read_tools(s, f[TOOLS]))
        return false;
    if (!is_absent(f[PROMPT]))
        ask(s, ROLE_USER, PART_TEXT, (struct span){ 0 }, jv_text(f[PROMPT], s->a), "prompt", -1);
    if (!read_response(s, f[RESPONSE]) || !read_calls(s, f[TOOL_CALLS]))
        return false;
    s->t->prompt_reading = s->t->answer_reading = READING_WHOLE;
    s->t->is_answer_whole = true;
    return true;
}

/* ---- a recorded one ---- */

/* The content type that a raw answer must have had. */
static struct span type_of(struct span raw)
{
    struct span s = span_trim(raw);
    if (span_starts(s, "{") || span_starts(s, "[")) {
        struct arena *a = arena_new(SCAN_LINE_ARENA);
        struct json doc;
        bool one = json_read(&doc, a, s) && span_trim(span_cut(s, doc.end, s.len)).len == 0;
        arena_free(a);
        return one ? SPAN("application/json") : SPAN("application/x-ndjson");
    }
    return SPAN("text/event-stream");
}
static bool read_recorded(struct scan *s, const struct jv *f)
{
    s->is_plain = false;
    if (jv_type(f[API]) != JSON_STRING) {
        if (is_absent(f[API]))
            scan_say(s, 0, is_absent(f[PROMPT]) ? "for example \"api\": \"openai-chat\"" : "name the api, or call the answer \"response\"", "a recorded exchange without api");
        return is_absent(f[API]) ? false : bad_field(s, f[API], "api", "a text", "for example \"openai-chat\"");
    }
    struct span family = jv_text(f[API], s->a), where = jv_type(f[PATH]) == JSON_STRING ? jv_text(f[PATH], s->a) : (struct span){ "", 0 };
    if (!api_is_known(family)) {
        size_t n;
        const char *const *words = api_words(&n), *near = nearest_word(family, words, n);
        char hint[96];
        snprintf(hint, sizeof hint, near ? "did you mean '%s'?" : "for example openai-chat%s", near ? near : "");
        scan_say(s, jv_node(f[API])->start - 1, hint, "the api '" SPAN_FMT "' is not known", (int)(family.len < 64 ? family.len : 64), family.at);
        return false;
    }
    if (!is_absent(f[REQUEST]) && !is_structure(f[REQUEST]))
        return bad_field(s, f[REQUEST], "request", "the request's body, an object or its text", "{\"request\": {…}}");
    if (!is_absent(f[ANSWER]) && !is_structure(f[ANSWER]))
        return bad_field(s, f[ANSWER], "answer", "the answer's body, an object or its text (of a stream: its events)", "{\"answer\": {…}}");
    if (is_absent(f[REQUEST]) && is_absent(f[ANSWER])) {
        scan_say(s, 0, "one of them must be there", "neither request nor answer");
        return false;
    }
    const struct api *reader = api_find(family, SPAN("POST"), where);
    s->t = transcript_new(s->a, reader->name);
    if (!is_absent(f[REQUEST]))
        reader->request(s->t, where, SPAN("application/json"), text_or_source(s, f[REQUEST]));
    if (jv_type(f[ANSWER]) == JSON_OBJECT || jv_type(f[ANSWER]) == JSON_ARRAY) {
        reader->answer(s->t, SPAN("application/json"), jv_source(f[ANSWER]));
    } else if (jv_type(f[ANSWER]) == JSON_STRING) {
        struct span raw = jv_text(f[ANSWER], s->a), type = jv_text(f[ANSWER_TYPE], s->a);
        struct answer_reader_options o = { .api = reader, .t = s->t, .status = 200, .content_type = type.len ? type : type_of(raw), .whole_most = SCAN_LINE_MOST };
        struct answer_reader *r = answer_reader_new(s->a, &o);
        answer_reader_feed(r, raw);
        answer_reader_end(r, false);
    }
    return true;
}

bool scan_read(struct scan *s, struct jv line)
{
    struct jv f[KEYS];
    if (!keys_find(s, line, f))
        return false;
    if (!is_absent(f[ID]) && jv_type(f[ID]) != JSON_STRING && jv_type(f[ID]) != JSON_NUMBER)
        return bad_field(s, f[ID], "id", "a text or a number", "without one, the line's number is its id");
    if (!is_absent(f[META]) && jv_type(f[META]) != JSON_OBJECT)
        return bad_field(s, f[META], "meta", "an object", "{\"meta\": {\"route\": …, \"caller\": …}}");
    if (!is_text(s, f[MODEL], "model", "put it between quotes"))
        return false;
    s->facts = (struct facts){ .route = jv_text(jv_get(f[META], "route"), s->a), .caller = jv_text(jv_get(f[META], "caller"), s->a), .session = jv_text(jv_get(f[META], "session"), s->a) };
    if (!is_absent(f[AT]) && jv_type(f[AT]) != JSON_STRING && jv_type(f[AT]) != JSON_NUMBER)
        return bad_field(s, f[AT], "at", "a time", "write 2026-11-24T07:51:11Z, or seconds since 1970");
    if (!is_absent(f[AT]) && !parse_time_us(text_or_source(s, f[AT]), &s->facts.now_us)) {
        scan_say(s, jv_node(f[AT])->start - (jv_type(f[AT]) == JSON_STRING), "write 2026-11-24T07:51:11Z, or seconds since 1970", "at is no time");
        return false;
    }
    bool has_plain = !is_absent(f[PROMPT]) || !is_absent(f[RESPONSE]), has_recorded = !is_absent(f[REQUEST]) || !is_absent(f[ANSWER]);
    bool is_recorded = has_recorded || (!is_absent(f[API]) && !has_plain);
    if (!(is_recorded ? read_recorded(s, f) : read_plain(s, line, f)))
        return false;
    if (is_recorded) { /* as `vigie records --json` writes them */
        s->facts.route = s->facts.route.len ? s->facts.route : jv_text(f[ROUTE], s->a);
        s->facts.caller = s->facts.caller.len ? s->facts.caller : jv_text(f[CALLER], s->a);
        s->facts.session = s->facts.session.len ? s->facts.session : jv_text(f[SESSION], s->a);
    }
    if (jv_type(f[MODEL]) == JSON_STRING && (!is_recorded || !s->t->model.len))
        s->t->model = jv_text(f[MODEL], s->a);
    s->facts.model = s->t->model;
    return true;
}
