/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/must.h"
#include "base/utf8.h"
#include <stdio.h>
#include <stdlib.h>

void buf_free(struct buf *b)
{
    free(b->bytes);
    b->bytes = NULL;
    b->len = b->room = 0;
    b->failed = false;
}

char *buf_reserve(struct buf *b, size_t n)
{
    if (b->failed || (b->cap && (n > b->cap || b->len > b->cap - n))) {
        b->failed = true;
        return NULL;
    }
    if (b->room < b->len + n + 1) {
        size_t room = b->room ? b->room : 64;
        while (room < b->len + n + 1)
            room *= 2;
        char *p = realloc(b->bytes, room);
        must(p != NULL);
        b->bytes = p;
        b->room = room;
    }
    return b->bytes + b->len;
}
bool buf_add(struct buf *b, struct span s)
{
    char *p = buf_reserve(b, s.len);
    if (!p)
        return false;
    if (s.len)
        memcpy(p, s.at, s.len);
    b->len += s.len;
    b->bytes[b->len] = 0;
    return true;
}
bool buf_add_text(struct buf *b, const char *text)
{
    return buf_add(b, span_of(text));
}
bool buf_add_char(struct buf *b, char c)
{
    return buf_add(b, (struct span){ &c, 1 });
}
bool buf_vprintf(struct buf *b, const char *format, va_list args)
{
    char small[512];
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(small, sizeof small, format, args);
    bool ok = n >= 0;
    if (ok && (size_t)n < sizeof small) {
        ok = buf_add(b, (struct span){ small, (size_t)n });
    } else if (ok) {
        char *p = buf_reserve(b, (size_t)n);
        if (p) {
            vsnprintf(p, (size_t)n + 1, format, again);
            b->len += (size_t)n;
        }
        ok = p != NULL;
    }
    va_end(again);
    return ok;
}
bool buf_printf(struct buf *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    bool ok = buf_vprintf(b, format, args);
    va_end(args);
    return ok;
}
void buf_drop(struct buf *b, size_t n)
{
    if (n >= b->len) {
        b->len = 0;
    } else if (n) {
        memmove(b->bytes, b->bytes + n, b->len - n);
        b->len -= n;
    }
    if (b->bytes)
        b->bytes[b->len] = 0;
}

bool buf_add_json(struct buf *b, struct span s)
{
    size_t from = 0;
    for (size_t i = 0; i < s.len;) {
        unsigned char c = (unsigned char)s.at[i];
        if (c >= 0x20 && c < 0x80 && c != '"' && c != '\\' && c != 0x7f) {
            i++;
            continue;
        }
        size_t n = c >= 0x80 ? utf8_length(s.at + i, s.len - i) : 0;
        if (n) {
            i += n;
            continue;
        }
        buf_add(b, span_cut(s, from, i));
        switch (c) {
        case '"': buf_add_text(b, "\\\""); break;
        case '\\': buf_add_text(b, "\\\\"); break;
        case '\n': buf_add_text(b, "\\n"); break;
        case '\r': buf_add_text(b, "\\r"); break;
        case '\t': buf_add_text(b, "\\t"); break;
        default:
            if (c < 0x80)
                buf_printf(b, "\\u%04x", c);
            else
                buf_add_text(b, "\xef\xbf\xbd");
        }
        from = ++i;
    }
    return buf_add(b, span_cut(s, from, s.len));
}
bool buf_add_html(struct buf *b, struct span s)
{
    size_t from = 0;
    for (size_t i = 0; i < s.len; i++) {
        const char *as = NULL;
        switch (s.at[i]) {
        case '&': as = "&amp;"; break;
        case '<': as = "&lt;"; break;
        case '>': as = "&gt;"; break;
        case '"': as = "&quot;"; break;
        case '\'': as = "&#39;"; break;
        case 0: as = "\xef\xbf\xbd"; break;
        default: continue;
        }
        buf_add(b, span_cut(s, from, i));
        buf_add_text(b, as);
        from = i + 1;
    }
    return buf_add(b, span_cut(s, from, s.len));
}
