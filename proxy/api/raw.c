/* SPDX-License-Identifier: Apache-2.0
 *
 * raw: any body whatever. JSON: each string is a part; text: one part; bytes: unread, and said so. It keeps strings at the same place of
 * successive stream events together, so that a text in deltas is one text here as well.
 */
#include "proxy/api/read.h"

static void request(struct transcript *t, struct span path, struct span content_type, struct span body)
{
    (void)path;
    read_prompt(t, content_type, body);
}
bool raw_event(struct transcript *t, struct span name, struct span data)
{
    struct json doc;
    struct arena_mark mark;
    (void)name;
    struct span look = span_trim(span_starts(data, "\xef\xbb\xbf") ? span_cut(data, 3, data.len) : data);
    if (span_is(look, "[DONE]")) {
        t->is_answer_whole = true;
        return true;
    }
    if (!look.len)
        return true;
    if (look.at[0] != '{' && look.at[0] != '[' && look.at[0] != '"') {
        say(t, 0, PART_TEXT, 0, (struct span){ 0 }, data);
        return true;
    }
    if (!event_json(t, &doc, data, &mark))
        return false;
    say_unknown(t, 0, (struct jv){ 0 }, json_root(&doc), SAY_DELTA);
    event_done(t, mark);
    return true;
}
void raw_answer(struct transcript *t, struct span content_type, struct span body)
{
    struct json doc;
    struct span look = span_trim(span_starts(body, "\xef\xbb\xbf") ? span_cut(body, 3, body.len) : body);
    if (!look.len || (look.at[0] != '{' && look.at[0] != '[' && look.at[0] != '"')) {
        answer_text(t, content_type, body);
        t->is_answer_whole = true;
        return;
    }
    if (!answer_json(t, &doc, body, raw_event))
        return;
    say_unknown(t, 0, (struct jv){ 0 }, json_root(&doc), SAY_FRESH);
    t->is_answer_whole = true;
}
static bool matches(struct span method, struct span path)
{
    (void)method, (void)path;
    return true;
}
static const char *title(int status)
{
    switch (status) {
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 413: return "Content Too Large";
    case 429: return "Too Many Requests";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    default: return status < 500 ? "Request refused" : "Internal Server Error";
    }
}
void raw_refuse(struct buf *out, const struct refusal *r, const char **content_type, struct span *name, struct span *value) /* RFC 9457 */
{
    *content_type = "application/problem+json";
    *name = *value = (struct span){ 0 };
    buf_printf(out, "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%d", title(r->status), r->status);
    json_text_member(out, ",\"detail\":\"", r->message, "\"");
    json_text_member(out, ",\"code\":\"", r->code, "\"");
    if (r->rule)
        json_text_member(out, ",\"rule\":\"", r->rule, "\"");
    buf_add_text(out, "}");
}
bool raw_refuse_stream(struct buf *out, enum framing f, const struct refusal *r)
{
    (void)out, (void)f, (void)r;
    return false; /* nobody knows what the client would make of it: the connection is destroyed */
}
const struct api api_raw = { .name = "raw", .family = "raw", .doc = "any body: every string of JSON, or the text", .matches = matches, .request = request,
    .answer = raw_answer, .event = raw_event, .refuse = raw_refuse, .refuse_stream = raw_refuse_stream };
