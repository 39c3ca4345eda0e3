/* SPDX-License-Identifier: Apache-2.0
 *
 * body: what kind of thing is a request body, and how is text got out of it when it is not plainly JSON?
 *
 * The content type is a claim, the bytes decide: what begins like JSON is read as JSON whatever it is called. What can only be read in
 * part is READING_UNREAD with its reason, and still gives what could be read, so that rules see it.
 */
#include "base/utf8.h"
#include "proxy/api/read.h"

void prompt_unread(struct transcript *t, const char *why)
{
    if (t->prompt_reading == READING_UNREAD)
        return;
    t->prompt_reading = READING_UNREAD;
    t->unread_why = t->unread_why ? t->unread_why : why;
}
struct span essence(struct span content_type)
{
    const char *semicolon = content_type.len ? memchr(content_type.at, ';', content_type.len) : NULL;
    if (semicolon)
        content_type.len = (size_t)(semicolon - content_type.at);
    return span_trim(content_type);
}
bool is_plain_text(struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.at[i];
        if ((c < 0x20 && c != '\n' && c != '\r' && c != '\t' && c != '\f' && c != '\v') || c == 0x7f)
            return false;
    }
    return utf8_valid(s);
}

static int base64_digit(unsigned char c)
{
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    if (c == '+' || c == '-') return 62;
    if (c == '/' || c == '_') return 63;
    return -1;
}
size_t base64_decode(struct span s, char *out)
{
    uint32_t bits = 0;
    unsigned have = 0;
    size_t n = 0, i = 0;
    for (; i < s.len; i++) {
        unsigned char c = (unsigned char)s.at[i];
        int d = base64_digit(c);
        if (d < 0) {
            if (c == '\n' || c == '\r' || c == ' ' || c == '\t')
                continue;
            break;
        }
        bits = bits << 6 | (uint32_t)d;
        have += 6;
        if (have >= 8) {
            have -= 8;
            out[n++] = (char)(bits >> have & 0xff);
        }
    }
    for (; i < s.len; i++)
        if (s.at[i] != '=' && s.at[i] != '\n' && s.at[i] != '\r' && s.at[i] != ' ')
            return SIZE_MAX;
    return n;
}
/* A first look at a few hundred bytes spares decoding a large image. */
enum base64_kind base64_text(struct arena *a, struct span s, struct span *out)
{
    enum { LOOK = 512 };
    *out = (struct span){ 0 };
    if (s.len < BASE64_LEAST)
        return BASE64_NOT;
    struct span head = span_cut(s, 0, s.len < LOOK ? s.len : LOOK);
    char look[LOOK];
    size_t n = base64_decode(head, look);
    if (n == SIZE_MAX || n < head.len / 2)
        return BASE64_NOT;
    size_t cut = 0; /* the look may end within a letter */
    while (cut < 4 && cut < n && !is_plain_text((struct span){ look, n - cut }))
        cut++;
    bool may_be_text = is_plain_text((struct span){ look, n - cut }) && n > cut;
    for (size_t i = head.len; i < s.len; i++) /* is it base64 to its end? Else it is something else, to be read as it stands */
        if (base64_digit((unsigned char)s.at[i]) < 0 && s.at[i] != '=' && s.at[i] != '\n' && s.at[i] != '\r' && s.at[i] != ' ')
            return BASE64_NOT;
    if (!may_be_text)
        return BASE64_BINARY;
    char *bytes = arena_alloc_raw(a, s.len / 4 * 3 + 4);
    n = base64_decode(s, bytes);
    if (n == SIZE_MAX)
        return BASE64_NOT;
    *out = (struct span){ bytes, n };
    return is_plain_text(*out) ? BASE64_TEXT : BASE64_BINARY;
}
static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}
static struct span percent_decode(struct arena *a, struct span s, bool plus_is_blank)
{
    char *out = arena_alloc_raw(a, s.len + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++) {
        int h, l;
        if (s.at[i] == '%' && i + 2 < s.len && (h = hex_digit(s.at[i + 1])) >= 0 && (l = hex_digit(s.at[i + 2])) >= 0) {
            out[n++] = (char)(h << 4 | l);
            i += 2;
        } else {
            out[n++] = plus_is_blank && s.at[i] == '+' ? ' ' : s.at[i];
        }
    }
    return (struct span){ out, n };
}
bool data_url(struct arena *a, struct span s, struct span *out)
{
    *out = (struct span){ 0 };
    if (s.len < 6 || strncasecmp(s.at, "data:", 5) != 0)
        return false;
    const char *comma = memchr(s.at, ',', s.len);
    if (!comma)
        return false;
    struct span head = span_cut(s, 5, (size_t)(comma - s.at)), data = span_cut(s, (size_t)(comma - s.at) + 1, s.len);
    if (head.len >= 7 && strncasecmp(head.at + head.len - 7, ";base64", 7) == 0) {
        if (memchr(data.at, '%', data.len))
            data = percent_decode(a, data, false);
        if (data.len >= BASE64_LEAST)
            return base64_text(a, data, out) != BASE64_NOT;
        char *bytes = arena_alloc_raw(a, data.len / 4 * 3 + 4);
        size_t n = base64_decode(data, bytes);
        if (n == SIZE_MAX)
            return false;
        if (is_plain_text((struct span){ bytes, n }))
            *out = (struct span){ bytes, n };
        return true;
    }
    *out = percent_decode(a, data, false);
    return true;
}

/* The value of a parameter `name=` in a header field's value; quotes taken off. */
static struct span parameter(struct span field, const char *name)
{
    size_t n = strlen(name);
    for (size_t i = 0; i < field.len; i++) {
        if (field.at[i] != ';')
            continue;
        size_t k = i + 1;
        while (k < field.len && (field.at[k] == ' ' || field.at[k] == '\t'))
            k++;
        if (field.len - k <= n || strncasecmp(field.at + k, name, n) != 0 || field.at[k + n] != '=')
            continue;
        k += n + 1;
        size_t end = k;
        if (k < field.len && field.at[k] == '"') {
            end = ++k;
            while (end < field.len && field.at[end] != '"')
                end++;
        } else {
            while (end < field.len && field.at[end] != ';')
                end++;
        }
        return span_trim(span_cut(field, k, end));
    }
    return (struct span){ 0 };
}
static void form_field(struct transcript *t, struct span name, struct span value)
{
    if (span_is(name, "model") && !t->model.len)
        t->model = value;
    if (is_token(value) && value.len <= 64 && !span_is(name, "prompt") && !span_is(name, "input") && !span_is(name, "text"))
        return;
    if (t->nprompt >= PROMPT_PARTS_MOST) {
        prompt_unread(t, "more form fields than vigie reads");
        return;
    }
    bool is_text = span_is(name, "prompt") || span_is(name, "input") || span_is(name, "text") || span_is(name, "message");
    transcript_ask(t, ROLE_USER, is_text ? PART_TEXT : PART_OTHER, 0, name, value);
}
static void form_data(struct transcript *t, struct span boundary, struct span body)
{
    struct span mark = arena_printf(t->arena, "--" SPAN_FMT, SPAN_ARG(boundary));
    const char *at = span_find(body, mark);
    if (!at || !boundary.len || boundary.len > 200) {
        prompt_unread(t, "a multipart body without its boundary");
        return;
    }
    struct span rest = span_cut(body, (size_t)(at - body.at) + mark.len, body.len);
    for (;;) {
        if (span_starts(rest, "--"))
            return;
        const char *next = span_find(rest, mark);
        if (!next) {
            prompt_unread(t, "a multipart body that does not end");
            return;
        }
        struct span part = span_cut(rest, 0, (size_t)(next - rest.at));
        rest = span_cut(rest, part.len + mark.len, rest.len);
        struct span name = { 0 }, file = { 0 }, type = { 0 }, coding = { 0 };
        const char *nl = part.len ? memchr(part.at, '\n', part.len) : NULL; /* the rest of the boundary's line */
        part = span_cut(part, nl ? (size_t)(nl - part.at) + 1 : part.len, part.len);
        while (part.len) { /* header lines up to an empty one */
            nl = memchr(part.at, '\n', part.len);
            size_t len = nl ? (size_t)(nl - part.at) : part.len;
            struct span line = span_trim(span_cut(part, 0, len));
            part = span_cut(part, nl ? len + 1 : part.len, part.len);
            if (!line.len)
                break;
            if (line.len > 20 && strncasecmp(line.at, "content-disposition:", 20) == 0) {
                name = parameter(line, "name");
                file = parameter(line, "filename");
            } else if (line.len > 13 && strncasecmp(line.at, "content-type:", 13) == 0) {
                type = span_trim(span_cut(line, 13, line.len));
            } else if (line.len > 26 && strncasecmp(line.at, "content-transfer-encoding:", 26) == 0) {
                coding = span_trim(span_cut(line, 26, line.len));
            }
        }
        if (span_ends(part, "\n"))
            part.len--;
        if (span_ends(part, "\r"))
            part.len--;
        if (coding.len && !span_is_nocase(coding, "binary") && !span_is_nocase(coding, "8bit") && !span_is_nocase(coding, "7bit"))
            prompt_unread(t, "a form field in an encoding of its own");
        if (file.len)
            transcript_ask(t, ROLE_USER, PART_OTHER, 0, name, file);
        if (is_plain_text(part))
            form_field(t, name, part);
        else if (!file.at && !span_starts(type, "image/") && !span_starts(type, "audio/"))
            prompt_unread(t, "a form field that is not text");
    }
}
bool read_form(struct transcript *t, struct span content_type, struct span body)
{
    struct span type = essence(content_type);
    if (type.len >= 10 && strncasecmp(type.at, "multipart/", 10) == 0) {
        form_data(t, parameter(content_type, "boundary"), body);
        return true;
    }
    if (!span_is_nocase(type, "application/x-www-form-urlencoded"))
        return false;
    while (body.len) {
        const char *amp = memchr(body.at, '&', body.len);
        struct span pair = span_cut(body, 0, amp ? (size_t)(amp - body.at) : body.len);
        body = span_cut(body, amp ? pair.len + 1 : body.len, body.len);
        const char *eq = pair.len ? memchr(pair.at, '=', pair.len) : NULL;
        size_t n = eq ? (size_t)(eq - pair.at) : pair.len;
        form_field(t, percent_decode(t->arena, span_cut(pair, 0, n), true),
                   percent_decode(t->arena, span_cut(pair, eq ? n + 1 : pair.len, pair.len), true));
    }
    return true;
}

static bool is_wide(struct span s) /* UTF-16 or UTF-32 by their marks or by the zeros between ASCII letters */
{
    if (s.len < 2)
        return false;
    const unsigned char *u = (const unsigned char *)s.at;
    return (u[0] == 0xff && u[1] == 0xfe) || (u[0] == 0xfe && u[1] == 0xff) || !u[0] || !u[1];
}
struct jv read_prompt(struct transcript *t, struct span content_type, struct span body)
{
    struct jv first = { 0 };
    t->prompt_reading = READING_NONE;
    if (!body.len)
        return first;
    t->prompt_reading = READING_WHOLE;
    if (is_wide(body)) {
        prompt_unread(t, "the body is not UTF-8 (UTF-16 or UTF-32)");
        return first;
    }
    struct span look = span_starts(body, "\xef\xbb\xbf") ? span_cut(body, 3, body.len) : body;
    look = span_trim(look);
    if (!look.len)
        return first;
    bool may_be_json = look.at[0] == '{' || look.at[0] == '[' || look.at[0] == '"';
    struct span type = essence(content_type);
    bool says_json = type.len >= 4 && strncasecmp(type.at + type.len - 4, "json", 4) == 0;
    if (!may_be_json && !says_json) {
        if (read_form(t, content_type, body))
            return first;
        if (is_plain_text(body))
            transcript_ask(t, ROLE_USER, PART_TEXT, 0, (struct span){ 0 }, body);
        else
            prompt_unread(t, "the body is not text");
        return first;
    }
    if (!utf8_valid(body))
        prompt_unread(t, "the body is not valid UTF-8");
    size_t from = 0;
    for (unsigned documents = 0; from < body.len; documents++) {
        struct json *doc = arena_alloc(t->arena, sizeof *doc);
        struct span rest = span_cut(body, from, body.len);
        if (documents && !span_trim(rest).len)
            break;
        if (documents)
            prompt_unread(t, "something follows the JSON value");
        if (documents == 64 || !json_read(doc, t->arena, rest)) {
            prompt_unread(t, documents ? "something follows the JSON value" : doc->bad ? doc->bad : "not JSON");
            transcript_ask(t, ROLE_USER, PART_OTHER, 0, (struct span){ 0 }, rest); /* as it stands: better than not at all */
            return first;
        }
        struct jv root = json_root(doc);
        if (documents == 0) {
            first = root;
            t->request_json = rest;
            if (!t->model.len)
                t->model = jv_text(jv_get(root, "model"), t->arena);
            t->is_stream |= jv_true(jv_get(root, "stream"));
        }
        read_prompt_json(t, root);
        from += doc->end ? doc->end : 1;
    }
    return first;
}
