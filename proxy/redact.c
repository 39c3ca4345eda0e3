/* SPDX-License-Identifier: Apache-2.0
 * Redactions carried from the transcript back into the bytes. A redaction is a place in a part's decoded text; the string in the
 * JSON that decodes to that text is found again and rewritten, every other byte stays. */
#include "proxy/worker.h"
#include <stdlib.h>

bool redactions_touch(const struct verdict *v, enum side on, uint32_t part, uint32_t from, uint32_t to)
{
    for (size_t i = 0; i < v->nredactions; i++) {
        const struct redaction *r = &v->redactions[i];
        if (r->on == on && r->part == part && r->start < to && r->end > from)
            return true;
    }
    return false;
}
static int by_place(const void *a, const void *b)
{
    const struct redaction *x = a, *y = b;
    if (x->on != y->on)
        return x->on < y->on ? -1 : 1;
    if (x->part != y->part)
        return x->part < y->part ? -1 : 1;
    return x->start < y->start ? -1 : x->start > y->start;
}
/* text[from, to) of a part with its redactions applied. What replaces a redaction stands where it begins. */
static struct span apply(struct arena *a, const struct verdict *v, enum side on, uint32_t part, struct span text, uint32_t from, uint32_t to)
{
    struct buf out = { .cap = 0 };
    uint32_t at = from;
    for (size_t i = 0; i < v->nredactions; i++) {
        const struct redaction *r = &v->redactions[i];
        if (r->on != on || r->part != part || r->end <= at || r->start >= to)
            continue;
        if (r->start > at)
            buf_add(&out, span_cut(text, at, r->start));
        if (r->start >= from)
            buf_add(&out, r->with);
        at = r->end < to ? r->end : to;
    }
    if (at < to)
        buf_add(&out, span_cut(text, at, to));
    struct span s = arena_copy(a, buf_span(&out));
    buf_free(&out);
    return s;
}
struct span redacted_text(struct exchange *x, enum side on, size_t part)
{
    size_t n;
    const struct part *parts = transcript_parts(x->t, on, &n);
    struct span text = parts[part].text;
    if (!redactions_touch(&x->v, on, (uint32_t)part, 0, UINT32_MAX))
        return text;
    qsort(x->v.redactions, x->v.nredactions, sizeof *x->v.redactions, by_place);
    return apply(x->arena, &x->v, on, (uint32_t)part, text, 0, (uint32_t)text.len);
}

bool redact_prompt(struct exchange *x, struct buf *out)
{
    struct transcript *t = x->t;
    struct span *olds = arena_alloc_raw(x->arena, (t->nprompt + 1) * sizeof *olds), *withs = arena_alloc_raw(x->arena, (t->nprompt + 1) * sizeof *withs);
    size_t n = 0;
    for (size_t i = 0; i < t->nprompt; i++)
        if (redactions_touch(&x->v, ON_PROMPT, (uint32_t)i, 0, UINT32_MAX)) {
            olds[n] = t->prompt[i].text;
            withs[n++] = redacted_text(x, ON_PROMPT, i);
        }
    if (!n)
        return buf_add(out, x->plain_body);
    if (t->nprompt == 1 && span_same(t->prompt[0].text, x->plain_body))
        return buf_add(out, withs[0]); /* the body is the text */
    return json_replace_strings(out, x->arena, x->plain_body, olds, withs, n) >= (int)n && !out->failed;
}

static bool rewrite(struct exchange *x, struct span json, const struct span *olds, const struct span *withs, size_t n, size_t *placed, struct buf *out)
{
    int k = json_replace_strings(out, x->arena, json, olds, withs, n);
    if (k < 0)
        return buf_add(out, json);
    *placed += (size_t)k;
    return true;
}
bool redact_event(struct exchange *x, struct span raw, const struct touch *touches, size_t ntouches, struct buf *out)
{
    struct span *olds = arena_alloc_raw(x->arena, (ntouches + 1) * sizeof *olds), *withs = arena_alloc_raw(x->arena, (ntouches + 1) * sizeof *withs);
    size_t n = 0, placed = 0;
    qsort(x->v.redactions, x->v.nredactions, sizeof *x->v.redactions, by_place);
    for (size_t i = 0; i < ntouches; i++) {
        const struct touch *t = &touches[i];
        struct span text = x->t->answer[t->part].text;
        if (!redactions_touch(&x->v, ON_ANSWER, t->part, t->from, t->to))
            continue;
        olds[n] = span_cut(text, t->from, t->to);
        withs[n++] = apply(x->arena, &x->v, ON_ANSWER, t->part, text, t->from, t->to);
    }
    if (!n)
        return buf_add(out, raw);
    if (answer_reader_framing(x->reader) == FRAMING_BYTES && n == 1)
        return buf_add(out, withs[0]);
    if (answer_reader_framing(x->reader) != FRAMING_SSE) {
        size_t lead = 0; /* the separators of an NDJSON line or array item */
        while (lead < raw.len && strchr(" \t\r\n,[", raw.at[lead]))
            lead++;
        size_t end = raw.len;
        while (end > lead && strchr(" \t\r\n,]", raw.at[end - 1]) && !(raw.at[end - 1] == ']' && raw.at[lead] == '['))
            end--;
        if (answer_reader_framing(x->reader) == FRAMING_WHOLE)
            lead = 0, end = raw.len;
        buf_add(out, span_cut(raw, 0, lead));
        rewrite(x, span_cut(raw, lead, end), olds, withs, n, &placed, out);
        buf_add(out, span_cut(raw, end, raw.len));
        return placed >= n;
    }
    for (size_t at = 0; at < raw.len;) { /* line by line; only data lines hold text */
        size_t end = at;
        while (end < raw.len && raw.at[end] != '\n' && raw.at[end] != '\r')
            end++;
        struct span line = span_cut(raw, at, end);
        if (span_starts(line, "data:")) {
            size_t lead = 5;
            while (lead < line.len && line.at[lead] == ' ')
                lead++;
            buf_add(out, span_cut(line, 0, lead));
            rewrite(x, span_cut(line, lead, line.len), olds, withs, n, &placed, out);
        } else {
            buf_add(out, line);
        }
        if (end < raw.len)
            buf_add_char(out, raw.at[end++]);
        at = end;
    }
    return placed >= n;
}
