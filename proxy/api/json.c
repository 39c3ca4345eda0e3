/* SPDX-License-Identifier: Apache-2.0
 *
 * json: plain JSON by a user's paths. What a path names has the meaning the user gave it; every other string is heard as well, as PART_OTHER, so
 * that a text which stands elsewhere than foreseen is not out of the rules' sight. Each string is heard once: the paths first mark the
 * values of the document, then one walk over it makes the parts in their order.
 */
#include "proxy/api/json.h"
#include "proxy/api/read.h"

const char *const json_field_names[JSON_FIELDS] = { "prompt", "instructions", "context", "model", "features", "answer", "delta", "prediction" };
enum { MARK_NONE = 0xff };

/* A document with its values marked. `marked` counts the marks before a node, so that a subtree without any is known at once. */
struct marking {
    struct transcript *t;
    struct jv root;
    uint8_t *marks;
    uint32_t *marked;
    enum json_field field;
    uint32_t turn;         /* prompts: each text is a turn; answers: a channel */
    bool is_event;
};
static void mark_one(void *to, struct jv v)
{
    struct marking *m = to;
    uint32_t past = jv_node(v)->past;
    memset(m->marks + v.i, m->field, past - v.i);
}
static void mark_all(struct marking *m, struct arena *a, unsigned fields)
{
    const struct api_paths *paths = m->t->paths;
    uint32_t n = m->root.doc->n;
    m->marks = arena_alloc_raw(a, (size_t)n + 1);
    m->marked = arena_alloc_raw(a, ((size_t)n + 1) * sizeof *m->marked);
    memset(m->marks, MARK_NONE, (size_t)n + 1);
    for (size_t i = 0; i < paths->norder; i++) {
        m->field = paths->order[i].field;
        if (fields & 1u << m->field)
            json_path_follow(&paths->fields[m->field].at[paths->order[i].at], m->root, mark_one, m);
    }
    m->marked[0] = 0;
    for (uint32_t i = 0; i < n; i++)
        m->marked[i + 1] = m->marked[i] + (m->marks[i] != MARK_NONE);
}
static bool has_marks(const struct marking *m, struct jv v)
{
    return m->marked[jv_node(v)->past] != m->marked[v.i];
}
static void each(struct transcript *t, struct jv root, enum json_field field, json_path_found *found)
{
    for (size_t i = 0; i < t->paths->fields[field].n; i++)
        json_path_follow(&t->paths->fields[field].at[i], root, found, t);
}

/* ---- Rows. A list of plain values is one row, unless it answers as many rows of features. ---- */
static void rows_of(struct transcript *t, bool is_input, struct jv v)
{
    const char *base = is_input ? "feature" : "prediction";
    if (jv_type(v) == JSON_ARRAY && jv_node(v)->n) {
        enum json_type first = jv_type(jv_item(v, 0));
        if (first == JSON_OBJECT || first == JSON_ARRAY || (!is_input && jv_node(v)->n > 1 && jv_node(v)->n == t->ninputs)) {
            rows_of_items(t, is_input, v, (struct jv){ 0 }, base);
            return;
        }
    }
    if (jv_type(v) > JSON_NULL)
        row_of_value(t, is_input, v, base);
}
static void features_found(void *to, struct jv v)
{
    rows_of(to, true, v);
}
static void prediction_found(void *to, struct jv v)
{
    rows_of(to, false, v);
}

/* ---- Requests ---- */
static void model_found(void *to, struct jv v)
{
    struct transcript *t = to;
    if (jv_type(v) == JSON_STRING)
        t->model = jv_text(v, t->arena);
}
static void ask(struct marking *m, struct jv key, struct jv v)
{
    struct transcript *t = m->t;
    if (jv_type(v) < JSON_STRING)
        return;
    uint8_t mark = m->marks[v.i];
    if (mark == MARK_NONE && !has_marks(m, v)) {
        read_prompt_value(t, key, v);
    } else if (jv_type(v) == JSON_STRING) {
        struct span text = jv_text(v, t->arena);
        if (t->nprompt >= PROMPT_PARTS_MOST || arena_over(t->arena))
            prompt_unread(t, "more texts than vigie reads in one request");
        else if (mark == FIELD_OF_INSTRUCTIONS)
            transcript_ask(t, ROLE_INSTRUCTIONS, PART_TEXT, 0, (struct span){ 0 }, text);
        else if (mark == FIELD_OF_CONTEXT)
            transcript_ask(t, ROLE_CONTEXT, PART_DOCUMENT, 0, (struct span){ 0 }, text);
        else
            transcript_ask(t, ROLE_USER, PART_TEXT, m->turn++, (struct span){ 0 }, text);
    } else {
        for (struct jv_walk w = jv_walk(v); jv_next(&w);) {
            if (jv_type(v) == JSON_OBJECT)
                read_prompt_key(t, w.key);
            ask(m, jv_type(v) == JSON_OBJECT ? w.key : key, w.value);
        }
    }
}
void json_ask(struct transcript *t, struct jv root)
{
    struct marking m = { .t = t, .root = root };
    mark_all(&m, t->arena, 1u << FIELD_OF_CONTEXT | 1u << FIELD_OF_PROMPT | 1u << FIELD_OF_INSTRUCTIONS);
    if (t->paths->stream >= JSON_STREAM_SSE)
        t->is_stream = jv_type(jv_get(root, "stream")) != JSON_FALSE;
    each(t, root, FIELD_OF_MODEL, model_found);
    each(t, root, FIELD_OF_FEATURES, features_found);
    ask(&m, (struct jv){ 0 }, root);
}
static void request(struct transcript *t, struct span path, struct span content_type, struct span body)
{
    (void)path;
    read_prompt(t, content_type, body); /* comes back to json_ask with each JSON value */
}

/* ---- Answers ---- */
static void hear(struct marking *m, struct jv key, struct jv v)
{
    struct transcript *t = m->t;
    if (jv_type(v) < JSON_STRING)
        return;
    uint8_t mark = m->marks[v.i];
    if (mark == MARK_NONE && !has_marks(m, v)) {
        say_unknown(t, 0, key, v, m->is_event ? SAY_DELTA : SAY_FRESH);
    } else if (jv_type(v) == JSON_STRING) {
        uint32_t channel = m->turn++ & 0xffff;
        if (mark == FIELD_OF_PREDICTION) {
            say_fresh(t, PART_TEXT, SPAN("prediction"), jv_text(v, api_state(t)->scratch));
        } else if (m->is_event && mark == FIELD_OF_ANSWER && t->paths->fields[FIELD_OF_DELTA].n) {
            say_again(t, 0, PART_TEXT, channel, (struct span){ 0 }, jv_text(v, api_state(t)->scratch)); /* the text that came in deltas, whole */
        } else {
            say_string(t, 0, PART_TEXT, channel, (struct span){ 0 }, v);
        }
    } else {
        for (struct jv_walk w = jv_walk(v); jv_next(&w);)
            hear(m, jv_type(v) == JSON_OBJECT ? w.key : key, w.value);
    }
}
static void heard(struct transcript *t, struct jv root, bool is_event)
{
    struct marking m = { .t = t, .root = root, .is_event = is_event };
    struct arena_mark mark = arena_mark(api_state(t)->scratch);
    mark_all(&m, api_state(t)->scratch, 1u << FIELD_OF_PREDICTION | 1u << FIELD_OF_ANSWER | (is_event ? 1u << FIELD_OF_DELTA : 0));
    each(t, root, FIELD_OF_PREDICTION, prediction_found);
    hear(&m, (struct jv){ 0 }, root);
    arena_rewind(api_state(t)->scratch, mark);
}
static bool is_json(struct span s)
{
    s = span_trim(span_starts(s, "\xef\xbb\xbf") ? span_cut(s, 3, s.len) : s);
    return s.len && !span_is(s, "[DONE]") && (s.at[0] == '{' || s.at[0] == '[' || s.at[0] == '"');
}
static bool event(struct transcript *t, struct span name, struct span data)
{
    struct json doc;
    struct arena_mark mark;
    if (!t->paths || !is_json(data))
        return raw_event(t, name, data);
    if (t->paths->fields[FIELD_OF_PREDICTION].n)
        data = arena_copy(t->arena, data); /* rows keep names and categories where they stand */
    if (!event_json(t, &doc, data, &mark))
        return false;
    heard(t, json_root(&doc), true);
    event_done(t, mark);
    return true;
}
static void answer(struct transcript *t, struct span content_type, struct span body)
{
    struct json doc;
    if (!t->paths || !is_json(body)) {
        raw_answer(t, content_type, body);
        return;
    }
    if (!answer_json(t, &doc, body, event))
        return;
    heard(t, json_root(&doc), false);
    t->is_answer_whole = true;
}
static bool matches(struct span method, struct span path)
{
    (void)method, (void)path;
    return false;
}
/* Without paths (a recorded exchange read again without its config): every string, as raw has it. */
const struct api api_json = { .name = "json", .family = "json", .doc = "plain JSON by a user's paths", .matches = matches, .request = request, .answer = answer,
    .event = event, .refuse = raw_refuse, .refuse_stream = raw_refuse_stream };

const struct api *json_api(struct arena *a, struct api_paths *paths)
{
    static const enum json_field rising[] = { FIELD_OF_MODEL, FIELD_OF_FEATURES, FIELD_OF_PREDICTION, FIELD_OF_ANSWER, FIELD_OF_DELTA, FIELD_OF_CONTEXT, FIELD_OF_PROMPT,
        FIELD_OF_INSTRUCTIONS };
    paths->norder = 0;
    for (size_t depth = 0; depth <= JSON_PATH_STEPS_MOST; depth++)
        for (size_t f = 0; f < JSON_FIELDS; f++)
            for (size_t i = 0; i < paths->fields[rising[f]].n; i++)
                if (paths->fields[rising[f]].at[i].n == depth) {
                    paths->order[paths->norder].field = (uint8_t)rising[f];
                    paths->order[paths->norder++].at = (uint8_t)i;
                }
    struct api *own = arena_alloc(a, sizeof *own);
    *own = api_json;
    own->paths = paths;
    return own;
}
