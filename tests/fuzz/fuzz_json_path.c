/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as a user's path and the JSON it is led through: the first line is a path, the rest a body. Nothing falls over, no value is told
 * twice, and by that path as prompt and as answer every unescaped string that begins with the mark is heard. */
#include "proxy/api/json.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
    if (!ok)
        abort();
}
struct seen {
    uint32_t n, last;
};
static void found(void *to, struct jv v)
{
    struct seen *s = to;
    check(v.i < v.doc->n && (!s->n || v.i > s->last)); /* in the document's order, so each once */
    s->last = v.i;
    s->n++;
}
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char mark[] = "MARK in \xc3\xa9very string";
    const uint8_t *lf = size ? memchr(data, '\n', size) : NULL;
    if (!lf || size < 2)
        return 0;
    struct span text = { (const char *)data, (size_t)(lf - data) }, body = { (const char *)lf + 1, size - (size_t)(lf - data) - 1 };
    struct arena *a = arena_new((size_t)64 << 20);
    struct json_path path;
    const char *why = NULL;
    size_t at = 0;
    if (!json_path_read(a, text, &path, &why, &at)) {
        check(why && at <= text.len);
        arena_free(a);
        return 0;
    }
    struct json doc;
    struct seen s = { 0 };
    bool is_json = json_read(&doc, a, body), is_marked = false;
    if (is_json)
        json_path_follow(&path, json_root(&doc), found, &s);
    for (uint32_t i = 0; is_json && i < doc.n; i++)
        is_marked |= doc.nodes[i].type == JSON_STRING && !doc.nodes[i].escaped && span_starts(jv_source((struct jv){ &doc, i }), mark);
    struct api_paths *paths = arena_alloc(a, sizeof *paths);
    paths->stream = (enum json_stream)(body.len % 4);
    for (size_t f = 0; f < JSON_FIELDS; f++)
        paths->fields[f].at = &path, paths->fields[f].n = (body.len >> f & 1) || f == FIELD_OF_PROMPT || f == FIELD_OF_ANSWER;
    const struct api *api = json_api(a, paths);
    struct transcript *t = api_transcript(a, api);
    api->request(t, SPAN("/"), SPAN("application/json"), body);
    struct answer_reader_options o = { .api = api, .t = t, .status = 200, .content_type = SPAN("application/json"), .whole_most = (size_t)1 << 20 };
    struct answer_reader *r = answer_reader_new(a, &o);
    answer_reader_feed(r, body);
    answer_reader_end(r, false);
    bool is_asked = false;
    for (size_t i = 0; i < t->nprompt; i++)
        is_asked |= span_find(t->prompt[i].text, span_of(mark)) != NULL;
    check(is_asked || !is_marked || t->prompt_reading == READING_UNREAD);
    arena_free(a);
    return 0;
}
