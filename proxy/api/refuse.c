/* SPDX-License-Identifier: Apache-2.0
 *
 * refuse: error bodies and stream events in each provider's words, as the SDKs were seen to need them: the message must stand where the SDK looks
 * for it, or the person who reads the exception sees none. Every text is JSON-escaped; escaped JSON has no line breaks, so it is one SSE line.
 */
#include "proxy/api/read.h"

void json_text_member(struct buf *out, const char *before, const char *text, const char *after)
{
    buf_add_text(out, before);
    buf_add_json(out, span_of(text ? text : ""));
    buf_add_text(out, after);
}
static const char *openai_type(int status)
{
    switch (status) {
    case 401: return "authentication_error";
    case 403: return "policy_violation";
    case 429: return "rate_limit_error";
    default: return status < 500 ? "invalid_request_error" : "server_error";
    }
}
static void openai_error(struct buf *out, const struct refusal *r)
{
    json_text_member(out, "{\"error\":{\"message\":\"", r->message, "\"");
    json_text_member(out, ",\"type\":\"", openai_type(r->status), "\",\"param\":null");
    json_text_member(out, ",\"code\":\"", r->code, "\"");
    if (r->rule)
        json_text_member(out, ",\"rule\":\"", r->rule, "\"");
    buf_add_text(out, "}}");
}
void refuse_openai(struct buf *out, const struct refusal *r, const char **content_type, struct span *name, struct span *value)
{
    *content_type = "application/json";
    *name = *value = (struct span){ 0 };
    openai_error(out, r);
}
bool refuse_openai_stream(struct buf *out, enum framing f, const struct refusal *r)
{
    if (f != FRAMING_SSE)
        return false;
    buf_add_text(out, "data: ");
    openai_error(out, r);
    return buf_add_text(out, "\n\n");
}

static void anthropic_error(struct buf *out, const struct refusal *r)
{
    const char *type;
    switch (r->status) {
    case 401: type = "authentication_error"; break;
    case 403: type = "permission_error"; break;
    case 404: type = "not_found_error"; break;
    case 413: type = "request_too_large"; break;
    case 429: type = "rate_limit_error"; break;
    case 503: case 529: type = "overloaded_error"; break;
    case 504: type = "timeout_error"; break;
    default: type = r->status < 500 ? "invalid_request_error" : "api_error";
    }
    json_text_member(out, "{\"type\":\"error\",\"error\":{\"type\":\"", type, "\"");
    json_text_member(out, ",\"message\":\"", r->message, "\"");
    json_text_member(out, ",\"code\":\"", r->code, "\"");
    if (r->rule)
        json_text_member(out, ",\"rule\":\"", r->rule, "\"");
    buf_add_text(out, "}");
    if (r->request_id.len) {
        buf_add_text(out, ",\"request_id\":\"");
        buf_add_json(out, r->request_id);
        buf_add_text(out, "\"");
    }
    buf_add_text(out, "}");
}
void refuse_anthropic(struct buf *out, const struct refusal *r, const char **content_type, struct span *name, struct span *value)
{
    *content_type = "application/json";
    *name = *value = (struct span){ 0 };
    anthropic_error(out, r);
}
bool refuse_anthropic_stream(struct buf *out, enum framing f, const struct refusal *r)
{
    if (f != FRAMING_SSE)
        return false;
    buf_add_text(out, "event: error\ndata: ");
    anthropic_error(out, r);
    return buf_add_text(out, "\n\n");
}

void refuse_text(struct buf *out, const struct refusal *r, const char **content_type, struct span *name, struct span *value)
{
    *content_type = "application/json";
    *name = *value = (struct span){ 0 };
    json_text_member(out, "{\"error\":\"", r->message, "\"}");
}
bool refuse_text_stream(struct buf *out, enum framing f, const struct refusal *r)
{
    switch (f) {
    case FRAMING_NDJSON: json_text_member(out, "{\"error\":\"", r->message, "\"}\n"); return !out->failed;
    case FRAMING_SSE: json_text_member(out, "data: {\"error\":\"", r->message, "\"}\n\n"); return !out->failed;
    default: return false;
    }
}
