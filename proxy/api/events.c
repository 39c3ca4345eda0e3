/* SPDX-License-Identifier: Apache-2.0
 *
 * events: an answer's bytes as they come, cut into events, each told to the API's reader.
 *
 *     raw bytes ─▶ content codings undone ─▶ which framing? (content type and first bytes) ─▶ cut ─▶ api->event ─▶ touches
 *
 * The bytes themselves pass elsewhere; this only says where events end. An event that lies whole in one feed is read where it lies; only what is
 * left at the end of a feed is carried over, and scanned once. Whatever cannot be read (a broken coding, a bomb, an event past EVENT_MOST)
 * ends the reading, not the passing: from then on each feed is one event without touches, and the transcript says READING_UNREAD.
 */
#include "base/utf8.h"
#include "proxy/api/json.h"
#include "proxy/api/read.h"

enum { EVENT_MOST = 16 * 1024 * 1024, LOOK_MOST = 4096, BLANKS_MOST = 1024 * 1024, BOMB_LEAST = 16 * 1024 * 1024, BOMB_RATIO = 200 };
enum cut { CUT_UNDECIDED, CUT_WHOLE, CUT_SSE, CUT_NDJSON, CUT_ARRAY, CUT_AWS, CUT_BYTES };

struct answer_reader {
    struct arena *arena;
    struct answer_reader_options o;
    struct api_state *state;
    enum cut cut;
    struct coding *coding;
    bool is_framed;       /* in frames whose payloads are the body: undone after the codings, as one of them */
    struct buf frames;    /* the frame under way */
    bool is_quiet;        /* not a model's answer: cut, not read */
    bool is_failed;       /* reading has ended; bytes pass */
    bool is_sse_type, is_ndjson_type, is_aws_type, is_json_type;
    uint64_t raw, decoded;

    struct buf carry;     /* decoded bytes of the event under way; in CUT_UNDECIDED and CUT_WHOLE all of them */
    uint64_t base;        /* decoded offset of the event under way */
    size_t scanned;       /* of it, already looked at */
    size_t line;          /* SSE: where its current line begins; array: where the item begins */
    bool skip_lf, is_crlf;/* SSE: the last line end was CR and a LF may follow; lines end in CRLF */
    bool in_string, in_escape;
    unsigned depth;

    struct answer_event *events;
    size_t nevents, events_cap;
    uint64_t last_end;
    bool is_pending;      /* events that ended, but no raw piece with them */
    bool is_taken;
};

static void carry_free(void *p)
{
    buf_free(p);
}
static bool type_ends(struct span type, const char *end)
{
    size_t n = strlen(end);
    return type.len >= n && strncasecmp(type.at + type.len - n, end, n) == 0;
}
struct answer_reader *answer_reader_new(struct arena *a, const struct answer_reader_options *o)
{
    struct answer_reader *r = arena_alloc(a, sizeof *r);
    const char *why;
    r->arena = a;
    r->o = *o;
    r->state = api_state(o->t);
    r->state->said_most = o->whole_most < ((size_t)1 << 30) ? o->whole_most : (size_t)1 << 30;
    r->is_quiet = o->status < 200 || o->status > 299;
    struct span type = essence(o->content_type);
    r->is_sse_type = span_is_nocase(type, "text/event-stream");
    r->is_aws_type = span_is_nocase(type, "application/vnd.amazon.eventstream");
    r->is_ndjson_type = type_ends(type, "ndjson") || type_ends(type, "jsonl") || type_ends(type, "jsonlines") || type_ends(type, "stream+json");
    r->is_json_type = type_ends(type, "json") && !r->is_ndjson_type;
    r->is_framed = r->is_aws_type && o->api->has_payload_frames;
    r->is_aws_type &= !r->is_framed;
    arena_defer(a, carry_free, &r->carry);
    arena_defer(a, carry_free, &r->frames);
    r->coding = coding_new(a, o->content_encoding, &why);
    if (!r->coding && why) {
        r->is_failed = true;
        if (!r->is_quiet)
            answer_unread(o->t, why);
    }
    return r;
}
enum framing answer_reader_framing(const struct answer_reader *r)
{
    switch (r->cut) {
    case CUT_SSE: return FRAMING_SSE;
    case CUT_NDJSON: return FRAMING_NDJSON;
    case CUT_ARRAY: return FRAMING_JSON_ARRAY;
    case CUT_AWS: case CUT_BYTES: return FRAMING_BYTES;
    case CUT_WHOLE: return FRAMING_WHOLE;
    case CUT_UNDECIDED: break;
    }
    return r->is_sse_type ? FRAMING_SSE : r->is_ndjson_type ? FRAMING_NDJSON : r->is_aws_type ? FRAMING_BYTES : FRAMING_WHOLE;
}
bool answer_reader_is_coded(const struct answer_reader *r)
{
    return r->coding != NULL || r->is_framed || (r->is_failed && r->o.content_encoding.len);
}
static void fail(struct answer_reader *r, const char *why)
{
    r->is_failed = true;
    if (!r->is_quiet)
        answer_unread(r->o.t, why);
    buf_free(&r->carry);
}
static void event_put(struct answer_reader *r, uint64_t end)
{
    r->last_end = end;
    *ARENA_PUSH(r->arena, r->events, r->nevents, r->events_cap) =
        (struct answer_event){ end, r->state->first_touch, r->state->ntouches - r->state->first_touch };
    r->state->first_touch = r->state->ntouches;
}
/* Of a body that is undone first, a raw piece may hold the beginning of the next event: all waits until an event ends with a piece. */
static void event_add(struct answer_reader *r, uint64_t decoded_end)
{
    if (r->is_failed)
        event_put(r, r->raw);
    else if (r->coding || r->is_framed)
        r->is_pending = true;
    else
        event_put(r, decoded_end);
}
static void heard(struct answer_reader *r)
{
    if (r->o.t->answer_reading == READING_NONE)
        r->o.t->answer_reading = READING_WHOLE;
}
static void event_read(struct answer_reader *r, struct span name, struct span data)
{
    if (r->is_quiet)
        return;
    if (arena_over(r->arena)) {
        answer_unread(r->o.t, "more than this exchange may hold in memory");
        return;
    }
    heard(r);
    if (!r->o.api->event(r->o.t, name, data))
        answer_unread(r->o.t, "an event that cannot be read");
}

/* ---- SSE ---- */
/* One event's lines; joins its data lines. */
static void sse_read(struct answer_reader *r, struct span s, bool is_first)
{
    struct span name = { 0 }, data = { 0 };
    char *joined = NULL;
    bool has_data = false;
    struct arena_mark m = arena_mark(r->state->scratch);
    if (r->is_quiet)
        return;
    if (is_first && span_starts(s, "\xef\xbb\xbf"))
        s = span_cut(s, 3, s.len);
    size_t whole = s.len;
    while (s.len) {
        const char *lf = memchr(s.at, '\n', s.len);
        size_t n = lf ? (size_t)(lf - s.at) : s.len;
        const char *cr = memchr(s.at, '\r', n);
        if (cr)
            n = (size_t)(cr - s.at);
        struct span line = { s.at, n };
        s = span_cut(s, n < s.len ? n + 1 : n, s.len);
        if (!line.len || line.at[0] == ':')
            continue;
        const char *colon = memchr(line.at, ':', line.len);
        size_t f = colon ? (size_t)(colon - line.at) : line.len;
        struct span field = { line.at, f }, value = span_cut(line, colon ? f + 1 : f, line.len);
        if (value.len && value.at[0] == ' ')
            value = span_cut(value, 1, value.len);
        if (span_is(field, "data")) {
            if (!has_data) {
                data = value;
            } else {
                if (!joined) {
                    joined = arena_alloc_raw(r->state->scratch, whole + 1);
                    if (data.len)
                        memcpy(joined, data.at, data.len);
                }
                joined[data.len] = '\n';
                if (value.len)
                    memcpy(joined + data.len + 1, value.at, value.len);
                data = (struct span){ joined, data.len + 1 + value.len };
            }
            has_data = true;
        } else if (span_is(field, "event")) {
            name = value;
        } else if (!span_is(field, "id") && !span_is(field, "retry")) {
            say(r->o.t, 0, PART_OTHER, 0x10201, (struct span){ 0 }, line); /* no field of SSE, but somebody may read it */
        }
    }
    if (has_data && data.len)
        event_read(r, name, data);
    arena_rewind(r->state->scratch, m);
}
/* Cuts whole events off s; returns the bytes used. Lines end in LF, CRLF or CR. A CR that ends an event is its end at once where lines end in
 * CR, and waits for its LF where they end in CRLF, so that an event's end does not depend on how the bytes came. */
static size_t sse_cut(struct answer_reader *r, struct span s, bool is_end)
{
    size_t start = 0, pos = r->scanned, line = r->line, lf_at = 0;
    bool lf_known = false;
    while (pos < s.len) {
        if (r->skip_lf) {
            r->is_crlf = s.at[pos] == '\n';
            r->skip_lf = false;
            if (r->is_crlf) {
                line = ++pos;
                continue;
            }
        }
        if (!lf_known || lf_at < pos) {
            const char *lf = memchr(s.at + pos, '\n', s.len - pos);
            lf_at = lf ? (size_t)(lf - s.at) : s.len;
            lf_known = true;
        }
        const char *cr = memchr(s.at + pos, '\r', lf_at - pos);
        size_t e = cr ? (size_t)(cr - s.at) : lf_at;
        if (e == s.len) {
            pos = e;
            break;
        }
        bool is_blank = e == line;
        bool is_comment = !is_blank && s.at[line] == ':' && line == start;
        size_t end = e + 1;
        if (cr) {
            if ((is_blank || is_comment) && r->is_crlf) {
                if (end == s.len && !is_end) {
                    pos = e;
                    break;
                }
                if (end < s.len && s.at[end] == '\n')
                    end++;
                else
                    r->is_crlf = false;
            } else {
                r->skip_lf = true;
            }
        } else {
            r->is_crlf = false;
        }
        if (is_blank || is_comment) {
            sse_read(r, span_cut(s, start, end), r->base == 0);
            r->base += end - start;
            event_add(r, r->base);
            start = end;
            if (r->is_failed)
                break;
        }
        line = pos = end;
    }
    r->scanned = pos - start;
    r->line = line - start;
    return start;
}

/* ---- NDJSON ---- */
static size_t line_cut(struct answer_reader *r, struct span s)
{
    size_t start = 0, from = r->scanned;
    const char *lf;
    while (from < s.len && (lf = memchr(s.at + from, '\n', s.len - from))) {
        size_t end = (size_t)(lf - s.at) + 1;
        struct span line = span_trim(span_cut(s, start, end));
        if (line.len)
            event_read(r, (struct span){ 0 }, line);
        r->base += end - start;
        event_add(r, r->base);
        start = from = end;
    }
    r->scanned = s.len - start;
    return start;
}

/* ---- One JSON array, growing ---- */
static size_t array_cut(struct answer_reader *r, struct span s)
{
    size_t start = 0, i = r->scanned;
    for (; i < s.len; i++) {
        char c = s.at[i];
        bool is_item = false, is_last = false;
        if (r->in_string) {
            if (r->in_escape)
                r->in_escape = false;
            else if (c == '\\')
                r->in_escape = true;
            else if (c == '"')
                r->in_string = false, is_item = r->depth == 1;
        } else if (c == '"') {
            r->in_string = true;
            if (r->depth == 1)
                r->line = i - start;
        } else if (c == '{' || c == '[') {
            if (r->depth++ == 1)
                r->line = i - start;
        } else if (c == '}' || c == ']') {
            if (r->depth == 0)
                continue;
            r->depth--;
            is_item = r->depth == 1;
            is_last = r->depth == 0;
        }
        if (is_item)
            event_read(r, (struct span){ 0 }, span_cut(s, start + r->line, i + 1));
        if (is_item || is_last) {
            r->base += i + 1 - start;
            event_add(r, r->base);
            start = i + 1;
        }
    }
    r->scanned = s.len - start;
    return start;
}
static size_t aws_cut(struct answer_reader *r, struct span s)
{
    size_t start = 0;
    for (;;) {
        struct aws_frame f;
        int is = aws_frame_read(span_cut(s, start, s.len), &f);
        if (is < 0)
            fail(r, "a broken AWS event stream");
        if (is <= 0)
            return start;
        if (f.payload.len)
            event_read(r, f.event_type, f.payload);
        start += f.size;
        r->base += f.size;
        event_add(r, r->base);
    }
}
static size_t cut_off(struct answer_reader *r, struct span s, bool is_end)
{
    switch (r->cut) {
    case CUT_SSE: return sse_cut(r, s, is_end);
    case CUT_NDJSON: return line_cut(r, s);
    case CUT_ARRAY: return array_cut(r, s);
    case CUT_AWS: return aws_cut(r, s);
    default: return 0;
    }
}

/* ---- Bytes ---- */
static void bytes_read(struct answer_reader *r, struct span s)
{
    size_t n = 0;
    while (n < s.len) {
        unsigned char c = (unsigned char)s.at[n];
        if ((c < 0x20 && (c < '\t' || c > '\r')) || c == 0x7f)
            break;
        n++;
    }
    if (!r->is_quiet) {
        heard(r);
        if (n)
            say(r->o.t, 0, PART_TEXT, 0, (struct span){ 0 }, span_cut(s, 0, n));
    }
    r->base += s.len;
    if (n < s.len)
        fail(r, "the answer is not text");
    event_add(r, r->base);
}

/* ---- Which framing? ---- */
/* Lines of JSON, or one JSON over several lines? The first line knows. */
static enum cut lines(struct span s, bool is_end)
{
    const char *lf = memchr(s.at, '\n', s.len < LOOK_MOST ? s.len : LOOK_MOST);
    if (!lf)
        return is_end ? CUT_WHOLE : s.len >= LOOK_MOST ? CUT_NDJSON : CUT_UNDECIDED;
    bool in_string = false;
    size_t depth = 0;
    for (const char *p = s.at; p < lf; p++)
        if (in_string && *p == '\\')
            p++;
        else if (*p == '"')
            in_string = !in_string;
        else if (!in_string && (*p == '{' || *p == '['))
            depth++;
        else if (!in_string && (*p == '}' || *p == ']') && depth)
            depth--;
    return depth || in_string ? CUT_WHOLE : CUT_NDJSON;
}
static enum cut decide(const struct answer_reader *r, struct span s, bool is_end)
{
    static const char *const sse[] = { "data:", "event:", "id:", "retry:" }; /* the last two prove nothing */
    bool is_long = s.len >= LOOK_MOST;
    const struct span all = s;
    if (r->is_aws_type)
        return CUT_AWS;
    if (span_starts(s, "\xef\xbb\xbf"))
        s = span_cut(s, 3, s.len);
    else if (!is_end && s.len < 3 && memcmp("\xef\xbb\xbf", s.at, s.len) == 0)
        return CUT_UNDECIDED;
    s = span_trim(s);
    if (!s.len && !is_end)
        return CUT_UNDECIDED;
    char c = s.len ? s.at[0] : 0;
    const struct api_paths *paths = r->o.api->paths;
    if (paths && paths->stream == JSON_STREAM_NONE)
        return CUT_WHOLE;
    if ((r->is_framed || (paths && paths->stream == JSON_STREAM_NDJSON)) && (c == '{' || c == '['))
        return lines((struct span){ s.at, (size_t)(all.at + all.len - s.at) }, is_end); /* with its line end */
    if (r->o.api->reads_csv && c != '{' && c != '[' && (span_is_nocase(essence(r->o.content_type), "text/csv") || span_is_nocase(essence(r->o.content_type), "application/csv")))
        return CUT_WHOLE;
    if (c == '{')
        return r->is_ndjson_type || (span_is(span_of(r->o.api->name), "ollama") && r->o.t->is_stream) ? CUT_NDJSON : CUT_WHOLE;
    if (c == '[')
        return r->is_ndjson_type ? CUT_NDJSON : span_is(span_of(r->o.api->name), "gemini") && r->o.t->is_stream ? CUT_ARRAY : CUT_WHOLE;
    if (r->is_sse_type)
        return CUT_SSE;
    /* An event stream under another name: lines that may stand before an event's data are skipped. */
    while (s.len && (s.at[0] == ':' || span_starts(s, "id:") || span_starts(s, "retry:"))) {
        size_t n = 0;
        while (n < s.len && s.at[n] != '\n' && s.at[n] != '\r')
            n++;
        if (n == s.len && !is_end && !is_long)
            return CUT_UNDECIDED;
        s = span_trim(span_cut(s, n, s.len));
        if (!s.len && !is_end && !is_long)
            return CUT_UNDECIDED;
    }
    for (size_t i = 0; i < sizeof sse / sizeof *sse && s.len; i++) {
        size_t n = strlen(sse[i]) < s.len ? strlen(sse[i]) : s.len;
        if (memcmp(s.at, sse[i], n) == 0) {
            if (n == strlen(sse[i]) && (i < 2 || !is_end))
                return i < 2 ? CUT_SSE : CUT_UNDECIDED;
            if (!is_end && !is_long)
                return CUT_UNDECIDED;
        }
    }
    return r->is_ndjson_type ? CUT_NDJSON : r->is_json_type ? CUT_WHOLE : CUT_BYTES;
}
static void whole_add(struct answer_reader *r, struct span s)
{
    if (r->carry.len > r->o.whole_most || s.len > r->o.whole_most - r->carry.len || !buf_add(&r->carry, s))
        fail(r, "a body of more bytes than vigie keeps");
}
static bool feed_decoded(void *p, struct span s)
{
    struct answer_reader *r = p;
    if (r->is_failed)
        return false;
    if (r->coding) {
        r->decoded += s.len;
        if (r->decoded > BOMB_LEAST && r->decoded / BOMB_RATIO > r->raw) {
            fail(r, "the compressed body inflates beyond reason");
            return false;
        }
    }
    bool is_carried = r->carry.len > 0;
    if (r->cut == CUT_UNDECIDED) {
        struct span look = s;
        if (is_carried) {
            buf_add(&r->carry, s);
            look = buf_span(&r->carry);
        }
        r->cut = decide(r, look, false);
        if (r->cut == CUT_UNDECIDED) {
            if (!is_carried)
                buf_add(&r->carry, s);
            if (r->carry.len > BLANKS_MOST)
                fail(r, "a megabyte of blanks and nothing else");
            return !r->is_failed;
        }
        if (r->cut == CUT_WHOLE) {
            if (!is_carried)
                whole_add(r, s);
            return !r->is_failed;
        }
        if (r->cut == CUT_BYTES) {
            bytes_read(r, look);
            buf_clear(&r->carry);
            return !r->is_failed;
        }
    } else if (r->cut == CUT_WHOLE) {
        whole_add(r, s);
        return !r->is_failed;
    } else if (r->cut == CUT_BYTES) {
        bytes_read(r, s);
        return !r->is_failed;
    } else if (is_carried) {
        buf_add(&r->carry, s);
    }
    if (is_carried) {
        size_t used = cut_off(r, buf_span(&r->carry), false);
        buf_drop(&r->carry, used);
    } else {
        size_t used = cut_off(r, s, false);
        if (!r->is_failed && used < s.len)
            buf_add(&r->carry, span_cut(s, used, s.len));
    }
    if (r->carry.len > EVENT_MOST)
        fail(r, "an event of more than 16 MiB");
    return !r->is_failed;
}
static bool feed_frames(void *p, struct span s)
{
    struct answer_reader *r = p;
    if (r->is_failed || !buf_add(&r->frames, s)) {
        if (!r->is_failed)
            fail(r, "no memory for a frame");
        return false;
    }
    size_t at = 0;
    struct aws_frame f;
    int is = 0;
    while (!r->is_failed && (is = aws_frame_read(span_cut(buf_span(&r->frames), at, r->frames.len), &f)) > 0) {
        if (!f.event_type.len || span_is(f.event_type, "PayloadPart"))
            feed_decoded(r, f.payload);
        else if (!r->is_quiet && utf8_valid(f.payload)) /* an exception: no part of the body, but somebody reads it */
            say(r->o.t, 0, PART_OTHER, 0x10202, (struct span){ 0 }, f.payload);
        at += f.size;
    }
    if (is < 0)
        fail(r, "a broken AWS event stream");
    buf_drop(&r->frames, at);
    return !r->is_failed;
}
static void begin(struct answer_reader *r)
{
    if (r->is_taken) {
        r->nevents = 0;
        r->state->ntouches -= r->state->first_touch; /* those of pending events stay */
        if (r->state->ntouches)
            memmove(r->state->touches, r->state->touches + r->state->first_touch, r->state->ntouches * sizeof *r->state->touches);
        r->state->first_touch = 0;
        r->is_taken = false;
    }
}
/* Nothing of a next event but what may stand before it. */
static bool is_between(struct span s)
{
    size_t n = 0;
    while (n < s.len && s.at[n] && strchr(" \t\r\n,", s.at[n]))
        n++;
    return n == s.len;
}
void answer_reader_feed(struct answer_reader *r, struct span raw)
{
    begin(r);
    r->raw += raw.len;
    if (!raw.len)
        return;
    if (!r->is_failed) {
        const char *why = NULL;
        if (r->coding) {
            if (!coding_feed(r->coding, raw, r->is_framed ? feed_frames : feed_decoded, r, &why) && why && !r->is_failed)
                fail(r, why);
        } else if (r->is_framed) {
            feed_frames(r, raw);
        } else {
            feed_decoded(r, raw);
        }
    }
    if (r->is_pending && !r->is_failed && !r->frames.len && is_between(buf_span(&r->carry))) {
        r->is_pending = false;
        event_put(r, r->raw);
    }
    if (r->is_failed && r->last_end < r->raw)
        event_put(r, r->raw);
}
static void touch_all(struct answer_reader *r)
{
    struct transcript *t = r->o.t;
    r->state->ntouches = r->state->first_touch; /* one for each part, in full */
    for (size_t i = 0; i < t->nanswer; i++)
        if (t->answer[i].text.len)
            *ARENA_PUSH(t->arena, r->state->touches, r->state->ntouches, r->state->touches_cap) =
                (struct touch){ (uint32_t)i, 0, (uint32_t)t->answer[i].text.len };
}
void answer_reader_end(struct answer_reader *r, bool is_cut)
{
    begin(r);
    if (!r->is_failed && r->coding && r->raw && !is_cut && !coding_is_complete(r->coding) && !r->is_quiet)
        answer_unread(r->o.t, "the compressed body is cut");
    if (!r->is_failed && r->frames.len && !r->is_quiet)
        answer_unread(r->o.t, "the AWS event stream ends within a frame");
    struct span left = buf_span(&r->carry);
    if (!r->is_failed && r->cut == CUT_UNDECIDED && left.len)
        r->cut = decide(r, left, true);
    if (!r->is_failed && left.len) {
        switch (r->cut) {
        case CUT_WHOLE:
            if (!r->is_quiet) {
                r->o.api->answer(r->o.t, r->o.content_type, left);
                touch_all(r);
            }
            break;
        case CUT_BYTES:
            bytes_read(r, left);
            break;
        case CUT_SSE: { /* an event without its blank line: SDKs read it all the same */
            size_t used = sse_cut(r, left, true);
            left = span_cut(left, used, left.len);
            if (left.len)
                sse_read(r, left, r->base == 0);
            break;
        }
        case CUT_NDJSON: {
            left = span_cut(left, line_cut(r, left), left.len);
            if (span_trim(left).len)
                event_read(r, (struct span){ 0 }, span_trim(left));
            break;
        }
        case CUT_ARRAY:
            left = span_cut(left, array_cut(r, left), left.len);
            if ((r->depth || span_trim(left).len) && !r->is_quiet) {
                answer_unread(r->o.t, "the JSON array does not end");
                say(r->o.t, 0, PART_OTHER, 0x10200, (struct span){ 0 }, left);
            }
            break;
        case CUT_AWS:
            if (!r->is_quiet)
                answer_unread(r->o.t, "the AWS event stream ends within a frame");
            break;
        case CUT_UNDECIDED: break;
        }
    }
    if (r->last_end < r->raw || r->state->ntouches > r->state->first_touch)
        event_put(r, r->raw);
}
const struct answer_event *answer_reader_take(struct answer_reader *r, size_t *n)
{
    r->is_taken = true;
    *n = r->nevents;
    return r->events;
}
const struct touch *answer_reader_touches(const struct answer_reader *r)
{
    return r->state->touches;
}
