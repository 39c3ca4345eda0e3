/* SPDX-License-Identifier: Apache-2.0
 *
 * Heads of requests and answers, RFC 9112 read strictly: a head with two readings in the field is refused.
 *
 * Two kinds of checks, kept apart so that every cut of the input gives the same result:
 *   of a line     needs that line alone; made as soon as the line is there, in order (line_check, field_read)
 *   of the head   needs several lines (Host, framing, counts); made at its end (finish_…)
 * A head that comes in one piece is read in one pass. One that comes in pieces: its first piece is read and forgotten,
 * each further line is checked once as it completes (*scanned), and when the empty line is there all is read once more.
 * So the work is linear however small the pieces are.
 */
#include "proxy/http/bytes.h"
#include "proxy/http/http.h"

enum { HEAD_BYTES = 64 << 10, FIELDS = 128, NAME_MOST = 256, METHOD_MOST = 32, CONNECTION_MOST = 1024, FIELDS_FIRST = 32 };

/* What the fields said about the message as a whole. */
struct gathered {
    struct span host, length, coding, expect, upgrade;
    unsigned hosts, lengths, codings, expects, upgrades;
    size_t connection_bytes;
    bool close, keep_alive, names_upgrade;
    bool too_many;
};
struct reader {
    struct http_head *h;
    struct arena *arena;
    struct http_problem *p;
    bool is_request;
    unsigned most;
    size_t cap;
    struct gathered got;
};

static bool bad(struct http_problem *p, int status, const char *why)
{
    p->status = status;
    p->why = why;
    return false;
}

/* ---- first lines ---- */

static bool version_read(struct span s, unsigned *minor, struct http_problem *p)
{
    if (s.len != 8 || memcmp(s.at, "HTTP/", 5) != 0 || !byte_is(s.at[5], BYTE_DIGIT) || s.at[6] != '.' || !byte_is(s.at[7], BYTE_DIGIT))
        return bad(p, 400, "the request line does not end in an HTTP version");
    if (s.at[5] != '1' || s.at[7] > '1')
        return bad(p, 505, "only HTTP/1.1 and HTTP/1.0 are spoken here");
    *minor = (unsigned)(s.at[7] - '0');
    return true;
}

/* uri-host [":" port], RFC 9110 7.2, without percent-encoding and sub-delimiters, which no real name needs. */
static bool authority_is_valid(struct span s)
{
    size_t i = 0;
    if (s.len && s.at[0] == '[') {
        const char *close = memchr(s.at, ']', s.len);
        if (!close || close - s.at < 3)
            return false;
        for (i = 1; s.at + i < close; i++)
            if (!byte_is(s.at[i], BYTE_HEX) && s.at[i] != ':' && s.at[i] != '.')
                return false;
        i++;
    } else {
        while (i < s.len && byte_is(s.at[i], BYTE_HOST))
            i++;
        if (!i)
            return false;
    }
    if (i == s.len)
        return true;
    size_t digits = s.len - i - 1;
    if (s.at[i] != ':' || !digits || digits > 5)
        return false;
    unsigned port = 0;
    for (i++; i < s.len; i++) {
        if (!byte_is(s.at[i], BYTE_DIGIT))
            return false;
        port = port * 10 + (unsigned)(s.at[i] - '0');
    }
    return port <= 65535;
}

static void cut_query(struct http_head *h, struct span s)
{
    const char *mark = memchr(s.at, '?', s.len);
    h->has_query = mark != NULL;
    h->path = (struct span){ s.at, mark ? (size_t)(mark - s.at) : s.len };
    h->query = mark ? (struct span){ mark + 1, (size_t)(s.at + s.len - mark - 1) } : (struct span){ 0 };
}

/* The four forms of RFC 9112 3.2. *authority is set for absolute-form. */
static bool target_read(struct http_head *h, struct span *authority, struct http_problem *p)
{
    struct span t = h->target;
    bool is_options = span_is(h->method, "OPTIONS");
    *authority = (struct span){ 0 };
    if (span_is(h->method, "CONNECT"))
        return bad(p, 501, "CONNECT: this is a gateway, no forward proxy");
    if (span_is(h->method, "TRACE"))
        return bad(p, 501, "TRACE: it would show the caller what is added on the way");
    if (t.at[0] == '/') {
        cut_query(h, t);
        return true;
    }
    if (span_is(t, "*")) {
        if (!is_options)
            return bad(p, 400, "the target * is for OPTIONS only");
        h->path = t;
        return true;
    }
    size_t scheme = t.len > 7 && strncasecmp(t.at, "http://", 7) == 0 ? 7 : t.len > 8 && strncasecmp(t.at, "https://", 8) == 0 ? 8 : 0;
    if (!scheme)
        return bad(p, 400, "the target is neither a path nor an http address");
    struct span rest = span_cut(t, scheme, t.len);
    size_t n = 0;
    while (n < rest.len && rest.at[n] != '/' && rest.at[n] != '?')
        n++;
    *authority = span_cut(rest, 0, n);
    if (!authority_is_valid(*authority))
        return bad(p, 400, "the target's host is not valid");
    rest = span_cut(rest, n, rest.len);
    if (rest.len && rest.at[0] == '/') {
        cut_query(h, rest);
        return true;
    }
    h->path = is_options && !rest.len ? SPAN("*") : SPAN("/");
    h->has_query = rest.len > 0;
    h->query = rest.len ? span_cut(rest, 1, rest.len) : (struct span){ 0 };
    return true;
}

static bool request_line(struct http_head *h, struct span line, struct http_problem *p)
{
    size_t i = 0;
    struct span authority;
    while (i < line.len && byte_is(line.at[i], BYTE_TOKEN))
        i++;
    if (!i || i == line.len || line.at[i] != ' ')
        return bad(p, 400, "the request line does not begin with a method");
    h->method = span_cut(line, 0, i);
    size_t start = ++i;
    while (i < line.len && byte_is(line.at[i], BYTE_TARGET))
        i++;
    h->target = span_cut(line, start, i);
    if (!h->target.len || (i < line.len && line.at[i] != ' '))
        return bad(p, 400, "the target holds a byte that may not stand there");
    if (i == line.len)
        return bad(p, 400, "a request line without a version (HTTP/0.9)");
    if (!version_read(span_cut(line, i + 1, line.len), &h->minor, p))
        return false;
    if (h->method.len > METHOD_MOST)
        return bad(p, 501, "no such method");
    return target_read(h, &authority, p);
}

static bool status_line(struct http_head *h, struct span line, struct http_problem *p)
{
    struct http_problem ignored;
    if (line.len < 12 || line.at[8] != ' ' || (line.len > 12 && line.at[12] != ' ') || !bytes_are(line.at + 9, 3, BYTE_DIGIT))
        return bad(p, 502, "the upstream's status line cannot be read");
    if (!version_read(span_cut(line, 0, 8), &h->minor, &ignored))
        return bad(p, 502, "the upstream does not speak HTTP/1.1");
    h->status = (line.at[9] - '0') * 100 + (line.at[10] - '0') * 10 + (line.at[11] - '0');
    if (h->status < 100 || h->status > 599)
        return bad(p, 502, "the upstream's status is no HTTP status");
    h->reason = line.len > 13 ? span_cut(line, 13, line.len) : (struct span){ 0 };
    if (!http_value_bytes(h->reason.at, h->reason.len))
        return bad(p, 502, "the upstream's reason holds control bytes");
    return true;
}

/* ---- fields ---- */

static bool field_read(struct span line, struct http_field *f, struct http_problem *p)
{
    size_t i = 0;
    while (i < line.len && byte_is(line.at[i], BYTE_TOKEN))
        i++;
    if (!i || i == line.len || line.at[i] != ':') {
        if (line.at[0] == ' ' || line.at[0] == '\t')
            return bad(p, 400, "a header line begins with a blank (folded lines are not taken)");
        if (!memchr(line.at, ':', line.len))
            return bad(p, 400, "a header line without a colon");
        return bad(p, 400, "a header's name holds a byte that may not stand there");
    }
    if (i > NAME_MOST)
        return bad(p, 431, "a header's name is too long");
    f->name = span_cut(line, 0, i);
    f->value = trim_blanks(span_cut(line, i + 1, line.len));
    if (!http_value_bytes(line.at + i + 1, line.len - i - 1))
        return bad(p, 400, "a header's value holds a control byte");
    return true;
}

static void connection_read(struct reader *r, struct span list)
{
    struct span member;
    r->got.connection_bytes += list.len;
    if (r->got.connection_bytes > CONNECTION_MOST)
        return;
    while (next_member(&list, &member)) {
        if (member.len == 5 && same_nocase(member, "close"))
            r->got.close = true;
        else if (member.len == 10 && same_nocase(member, "keep-alive"))
            r->got.keep_alive = true;
        else if (member.len == 7 && same_nocase(member, "upgrade"))
            r->got.names_upgrade = true;
        else
            r->h->connection_names_fields = true;
    }
}

static void note(struct span *first, unsigned *count, struct span value)
{
    if (!(*count)++)
        *first = value;
}
static void gather(struct reader *r, const struct http_field *f)
{
    struct gathered *g = &r->got;
    switch (f->name.len) {
    case 4: if (same_nocase(f->name, "host")) note(&g->host, &g->hosts, f->value); break;
    case 6: if (same_nocase(f->name, "expect")) note(&g->expect, &g->expects, f->value); break;
    case 7: if (same_nocase(f->name, "upgrade")) note(&g->upgrade, &g->upgrades, f->value); break;
    case 10: if (same_nocase(f->name, "connection")) connection_read(r, f->value); break;
    case 14: if (same_nocase(f->name, "content-length")) note(&g->length, &g->lengths, f->value); break;
    case 17: if (same_nocase(f->name, "transfer-encoding")) note(&g->coding, &g->codings, f->value); break;
    default: break;
    }
}
static void field_keep(struct reader *r, struct http_field f)
{
    if (r->h->nfields == r->most) {
        r->got.too_many = true;
        return;
    }
    if (r->h->nfields == r->cap) {
        size_t cap = r->cap ? 2 * r->cap : FIELDS_FIRST;
        r->h->fields = arena_grow(r->arena, r->h->fields, r->cap * sizeof f, cap * sizeof f);
        r->cap = cap;
    }
    gather(r, &f);
    r->h->fields[r->h->nfields++] = f;
}

/* ---- what the whole head says ---- */

static bool length_read(struct span s, uint64_t *out)
{
    if (!s.len || s.len > 18 || !bytes_are(s.at, s.len, BYTE_DIGIT) || (s.len > 1 && s.at[0] == '0'))
        return false; /* 18 digits: below 2^63; a leading zero is octal to some */
    *out = 0;
    for (size_t i = 0; i < s.len; i++)
        *out = *out * 10 + (unsigned)(s.at[i] - '0');
    return true;
}

/* RFC 9112 6: at most one of the two, once, and well formed. */
static bool framing_read(struct reader *r)
{
    struct gathered *g = &r->got;
    struct http_head *h = r->h;
    if (g->codings && g->lengths)
        return bad(r->p, 400, "Content-Length and Transfer-Encoding together");
    if (g->codings) {
        if (g->codings > 1)
            return bad(r->p, 400, "Transfer-Encoding more than once");
        if (!h->minor)
            return bad(r->p, 400, "Transfer-Encoding in HTTP/1.0");
        if (g->coding.len != 7 || !same_nocase(g->coding, "chunked"))
            return bad(r->p, http_is_token(g->coding) ? 501 : 400, "a Transfer-Encoding other than chunked");
        h->framing = HTTP_CHUNKED;
    } else if (g->lengths) {
        if (g->lengths > 1)
            return bad(r->p, 400, "Content-Length more than once");
        if (!length_read(g->length, &h->length))
            return bad(r->p, 400, "Content-Length is not a plain number");
        h->framing = HTTP_LENGTH;
    }
    return true;
}
static bool common_finish(struct reader *r)
{
    if (r->got.too_many)
        return bad(r->p, 431, "too many headers");
    if (r->got.connection_bytes > CONNECTION_MOST)
        return bad(r->p, 431, "the Connection header is too long");
    if (!framing_read(r))
        return false;
    r->h->is_keep_alive = !r->got.close && (r->h->minor || r->got.keep_alive);
    return true;
}

/* May an upgrade to this travel? Not to what would make the rest of the connection unreadable here by other means. */
static bool upgrade_may_travel(struct span list)
{
    struct span member;
    unsigned n = 0;
    for (; next_member(&list, &member); n++)
        if (member.len >= 3 && (strncasecmp(member.at, "h2c", 3) == 0 || strncasecmp(member.at, "tls", 3) == 0 || (member.len >= 4 && strncasecmp(member.at, "http", 4) == 0)))
            return false;
    return n == 1;
}

static bool request_finish(struct reader *r)
{
    struct gathered *g = &r->got;
    struct http_head *h = r->h;
    struct span authority;
    if (!common_finish(r))
        return false;
    if (g->hosts > 1)
        return bad(r->p, 400, "Host more than once");
    if (!g->hosts && h->minor)
        return bad(r->p, 400, "no Host header");
    if (g->hosts && !authority_is_valid(g->host))
        return bad(r->p, 400, "the Host header is not a host");
    h->host = g->host;
    if (!target_read(h, &authority, r->p))
        return false;
    if (authority.len) {
        if (g->hosts && !(authority.len == g->host.len && strncasecmp(authority.at, g->host.at, authority.len) == 0))
            return bad(r->p, 400, "the target names another host than the Host header");
        h->host = authority;
    }
    bool has_body = h->framing == HTTP_CHUNKED || (h->framing == HTTP_LENGTH && h->length);
    if (g->expects && h->minor) {
        if (g->expects > 1 || g->expect.len != 12 || !same_nocase(g->expect, "100-continue"))
            return bad(r->p, 417, "an Expect other than 100-continue");
        h->expects_continue = has_body;
    }
    h->has_upgrade = h->minor && g->upgrades == 1 && g->names_upgrade && !has_body && upgrade_may_travel(g->upgrade);
    return true;
}

static bool answer_finish(struct reader *r, bool is_head_request)
{
    struct http_head *h = r->h;
    bool ok = common_finish(r);
    if (!ok)
        return false;
    bool has_none = is_head_request || h->status < 200 || h->status == 204 || h->status == 304;
    if (has_none) {
        h->framing = HTTP_NO_BODY;
        h->length = 0;
    } else if (h->framing == HTTP_NO_BODY) {
        h->framing = HTTP_UNTIL_CLOSE;
        h->is_keep_alive = false;
    }
    h->has_upgrade = h->status == 101 && r->got.upgrades == 1 && r->got.names_upgrade;
    return true;
}

/* ---- the way through ---- */

/* A line's checks alone; index 0 is the first line. */
static bool line_check(struct reader *r, struct span line, bool is_first, struct http_field *f)
{
    if (is_first)
        return r->is_request ? request_line(r->h, line, r->p) : status_line(r->h, line, r->p);
    return field_read(line, f, r->p);
}

/* The line that ends with the LF at `feed`: false when the LF stands alone. */
static bool line_cut(const char *start, const char *feed, struct span *line, struct http_problem *p)
{
    if (feed == start || feed[-1] != '\r')
        return bad(p, 400, "a line ends in a bare LF");
    *line = (struct span){ start, (size_t)(feed - start) - 1 };
    return true;
}

static enum http_read too_long(struct reader *r, bool is_first)
{
    if (is_first && r->is_request)
        bad(r->p, 414, "the request line is too long");
    else
        bad(r->p, 431, "the headers are too long");
    return HTTP_BAD;
}

/* One pass over `bytes`. HTTP_MORE when the empty line is not there. */
static enum http_read pass(struct reader *r, struct span bytes, size_t most, size_t *used)
{
    size_t at = 0;
    bool is_first = true;
    for (;;) {
        const char *feed = at < bytes.len ? memchr(bytes.at + at, '\n', bytes.len - at) : NULL;
        size_t end = feed ? (size_t)(feed - bytes.at) + 1 : bytes.len;
        if (end > most)
            return too_long(r, is_first);
        if (!feed)
            return HTTP_MORE;
        struct span line;
        struct http_field f;
        if (!line_cut(bytes.at + at, feed, &line, r->p))
            return HTTP_BAD;
        at = end;
        if (!line.len && !is_first) {
            *used = at;
            return HTTP_DONE;
        }
        if (!line_check(r, line, is_first, &f))
            return HTTP_BAD;
        if (!is_first)
            field_keep(r, f);
        is_first = false;
    }
}

/* The pieces after the first: each line that completes is checked. HTTP_DONE: the empty line is there. */
static enum http_read follow(struct reader *r, struct span bytes, size_t most, size_t at)
{
    for (;;) {
        const char *feed = at < bytes.len ? memchr(bytes.at + at, '\n', bytes.len - at) : NULL;
        size_t end = feed ? (size_t)(feed - bytes.at) + 1 : bytes.len;
        if (!feed && end <= most)
            return HTTP_MORE;
        const char *before = memrchr(bytes.at, '\n', feed ? (size_t)(feed - bytes.at) : at);
        bool is_first = !before;
        if (end > most)
            return too_long(r, is_first);
        struct span line;
        struct http_field f;
        if (!line_cut(before ? before + 1 : bytes.at, feed, &line, r->p))
            return HTTP_BAD;
        at = end;
        if (!line.len && !is_first)
            return HTTP_DONE;
        if (!line_check(r, line, is_first, &f))
            return HTTP_BAD;
    }
}

static enum http_read head_read(struct reader *r, struct span bytes, size_t skipped, const struct http_limits *l, bool is_head_request, size_t *scanned, size_t *used)
{
    struct arena_mark mark = arena_mark(r->arena);
    size_t most = l && l->head_bytes ? l->head_bytes : HEAD_BYTES, n = 0, from = *scanned > skipped ? *scanned - skipped : 0;
    r->most = l && l->fields ? l->fields : FIELDS;
    *r->h = (struct http_head){ 0 };
    enum http_read got = HTTP_DONE;
    if (from) {
        got = follow(r, bytes, most, from);
        *r->h = (struct http_head){ 0 };
    }
    if (got == HTTP_DONE)
        got = pass(r, bytes, most, &n);
    if (got == HTTP_DONE && !(r->is_request ? request_finish(r) : answer_finish(r, is_head_request)))
        got = HTTP_BAD;
    if (got == HTTP_DONE) {
        *used = skipped + n;
        return got;
    }
    if (got == HTTP_MORE)
        *scanned = skipped + bytes.len;
    else if (!r->is_request)
        r->p->status = 502;
    arena_rewind(r->arena, mark);
    *r->h = (struct http_head){ 0 };
    return got;
}

enum http_read http_read_request(struct http_head *h, struct arena *a, struct span bytes, const struct http_limits *l, size_t *scanned, size_t *used, struct http_problem *p)
{
    struct reader r = { .h = h, .arena = a, .p = p, .is_request = true };
    size_t skip = 0;
    *h = (struct http_head){ 0 };
    while (skip < 4 && skip + 2 <= bytes.len && bytes.at[skip] == '\r' && bytes.at[skip + 1] == '\n')
        skip += 2;
    if (skip == bytes.len || (skip < 4 && skip + 1 == bytes.len && bytes.at[skip] == '\r'))
        return HTTP_MORE;
    if (!byte_is(bytes.at[skip], BYTE_TOKEN)) { /* TLS, or anything else that is no HTTP: no need to wait for a line */
        bad(p, 400, "not an HTTP request");
        return HTTP_BAD;
    }
    return head_read(&r, span_cut(bytes, skip, bytes.len), skip, l, false, scanned, used);
}

enum http_read http_read_answer(struct http_head *h, struct arena *a, struct span bytes, const struct http_limits *l, bool is_head_request, size_t *scanned, size_t *used, struct http_problem *p)
{
    struct reader r = { .h = h, .arena = a, .p = p };
    *h = (struct http_head){ 0 };
    if (!bytes.len)
        return HTTP_MORE;
    if (bytes.at[0] != 'H') {
        bad(p, 502, "the upstream's answer is not HTTP");
        return HTTP_BAD;
    }
    return head_read(&r, bytes, 0, l, is_head_request, scanned, used);
}
