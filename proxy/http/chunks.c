/* SPDX-License-Identifier: Apache-2.0
 *
 * The chunked coding undone (RFC 9112 7.1), byte by byte around the data and without a copy of it.
 *
 * A size is 1 to 16 hex digits and nothing else, then an extension or CRLF. Extensions are bounded and dropped.
 * Trailers are checked like headers; those that could change what was already decided end the message (framing,
 * routing, credentials), those that mean nothing so late, and x-vigie-, are dropped.
 */
#include "base/buf.h"
#include "proxy/http/bytes.h"
#include "proxy/http/http.h"

enum { EXTENSION_MOST = 1024, EXTENSIONS_MOST = 16 << 10, TRAILERS_MOST = 16 << 10, DIGITS_MOST = 16 };
enum state { SIZE, EXTENSION, SIZE_LF, DATA, DATA_CR, DATA_LF, TRAILER, TRAILER_NAME, TRAILER_BLANK, TRAILER_VALUE, TRAILER_LF, LAST_LF, END, BAD };

static enum http_read bad(struct http_chunks *c, struct http_problem *p, int status, const char *why)
{
    c->state = BAD;
    p->status = status;
    p->why = why;
    return HTTP_BAD;
}

/* RFC 9110 6.5.1 */
static const char *const ends_the_message[] = { "transfer-encoding", "content-length", "host", "connection", "upgrade", "keep-alive", "te", "trailer", "expect",
    "authorization", "cookie", "set-cookie", "content-encoding", "content-type", "http2-settings", "api-key", "x-api-key", "x-goog-api-key" };
static const char *const means_nothing[] = { "content-range", "cache-control", "max-forwards", "range", "age", "date", "expires", "location", "retry-after", "vary",
    "warning", "pragma", "www-authenticate", "if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range" };

static bool is_in(struct span name, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (span_is_nocase(name, list[i]))
            return true;
    return false;
}
static bool starts_nocase(struct span s, const char *with)
{
    size_t n = strlen(with);
    return s.len >= n && strncasecmp(s.at, with, n) == 0;
}

/* The name is whole: may it come here, and does it travel? */
static bool trailer_begin(struct http_chunks *c)
{
    struct span name = { c->name, c->piece };
    if (is_in(name, ends_the_message, sizeof ends_the_message / sizeof *ends_the_message) || starts_nocase(name, "proxy-"))
        return false;
    c->drops = !c->trailers || is_in(name, means_nothing, sizeof means_nothing / sizeof *means_nothing) || starts_nocase(name, "x-vigie-");
    if (!c->drops) {
        buf_add(c->trailers, name);
        buf_add(c->trailers, SPAN(": "));
    }
    return true;
}
static void trailer_end(struct http_chunks *c)
{
    if (c->drops)
        return;
    struct buf *b = c->trailers; /* blanks at the end are no part of the value; the one after the colon stays */
    while (!b->failed && b->len > 2 && (b->bytes[b->len - 1] == ' ' || b->bytes[b->len - 1] == '\t') && b->bytes[b->len - 2] != ':')
        b->len--;
    buf_add(b, SPAN("\r\n"));
}

/* One byte outside the data. */
static enum http_read step(struct http_chunks *c, char byte, struct http_problem *p)
{
    if (c->state >= TRAILER && c->state < END && ++c->trailer_bytes > TRAILERS_MOST)
        return bad(c, p, 431, "the trailers are too long");
    switch ((enum state)c->state) {
    case SIZE:
        if (byte_is(byte, BYTE_HEX)) {
            if (++c->piece > DIGITS_MOST || c->left >> 59)
                return bad(c, p, 400, "a chunk's size is too large");
            c->left = c->left << 4 | hex_value(byte);
            return HTTP_MORE;
        }
        if (!c->piece)
            return bad(c, p, 400, "a chunk's size is not a hexadecimal number");
        if (byte != '\r' && byte != ';')
            return bad(c, p, 400, "something stands after a chunk's size");
        c->piece = 0;
        c->state = byte == '\r' ? SIZE_LF : EXTENSION;
        return HTTP_MORE;
    case EXTENSION:
        if (byte == '\r') {
            c->state = SIZE_LF;
            return HTTP_MORE;
        }
        if (!byte_is(byte, BYTE_VALUE))
            return bad(c, p, 400, "a control byte in a chunk's extension");
        if (++c->piece > EXTENSION_MOST || ++c->extension_bytes > EXTENSIONS_MOST)
            return bad(c, p, 400, "the chunks' extensions are too long");
        return HTTP_MORE;
    case SIZE_LF:
        if (byte != '\n')
            return bad(c, p, 400, "a bare CR after a chunk's size");
        c->piece = 0;
        c->state = c->left ? DATA : TRAILER;
        return HTTP_MORE;
    case DATA_CR:
        if (byte != '\r')
            return bad(c, p, 400, "a chunk is longer than its size");
        c->state = DATA_LF;
        return HTTP_MORE;
    case DATA_LF:
        if (byte != '\n')
            return bad(c, p, 400, "a bare CR after a chunk");
        c->state = SIZE;
        return HTTP_MORE;
    case TRAILER:
        if (byte == '\r') {
            c->state = LAST_LF;
            return HTTP_MORE;
        }
        c->piece = 0;
        c->state = TRAILER_NAME;
        __attribute__((fallthrough));
    case TRAILER_NAME:
        if (byte == ':' && c->piece) {
            c->state = TRAILER_BLANK;
            return trailer_begin(c) ? HTTP_MORE : bad(c, p, 400, "a trailer that may only be a header");
        }
        if (!byte_is(byte, BYTE_TOKEN))
            return bad(c, p, 400, "a trailer's name cannot be read");
        if (c->piece == sizeof c->name)
            return bad(c, p, 431, "a trailer's name is too long");
        c->name[c->piece++] = byte;
        return HTTP_MORE;
    case TRAILER_BLANK:
        if (byte == ' ' || byte == '\t')
            return HTTP_MORE;
        c->state = TRAILER_VALUE;
        __attribute__((fallthrough));
    case TRAILER_VALUE:
        if (byte == '\r') {
            trailer_end(c);
            c->state = TRAILER_LF;
        } else if (!byte_is(byte, BYTE_VALUE)) {
            return bad(c, p, 400, "a trailer's value holds a control byte");
        } else if (!c->drops) {
            buf_add_char(c->trailers, byte);
        }
        return HTTP_MORE;
    case TRAILER_LF:
        if (byte != '\n')
            return bad(c, p, 400, "a bare CR in a trailer");
        if (c->trailers && c->trailers->failed)
            return bad(c, p, 431, "the trailers are too long");
        c->state = TRAILER;
        return HTTP_MORE;
    case LAST_LF:
        if (byte != '\n')
            return bad(c, p, 400, "a bare CR after the last chunk");
        c->state = END;
        c->is_done = true;
        return HTTP_DONE;
    default:
        return bad(c, p, 400, "the chunked body was refused");
    }
}

enum http_read http_chunks_read(struct http_chunks *c, struct span *in, struct span *data, struct http_problem *p)
{
    *data = (struct span){ 0 };
    if (c->state == END)
        return HTTP_DONE;
    while (in->len) {
        if (c->state == DATA) {
            size_t n = in->len < c->left ? in->len : (size_t)c->left;
            *data = span_cut(*in, 0, n);
            *in = span_cut(*in, n, in->len);
            c->left -= n;
            if (!c->left)
                c->state = DATA_CR;
            return HTTP_MORE;
        }
        enum http_read got = step(c, in->at[0], p);
        if (got == HTTP_BAD)
            return got;
        in->at++, in->len--;
        if (got == HTTP_DONE)
            return got;
    }
    return c->state == BAD ? bad(c, p, 400, "the chunked body was refused") : HTTP_MORE;
}
