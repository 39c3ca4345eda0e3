/* SPDX-License-Identifier: Apache-2.0
 *
 * say: how answer readers put text into the transcript, so that each event's touches are exact, whole texts that events repeat are
 * not doubled, and strings that no reader knows are heard all the same.
 */
#include "base/utf8.h"
#include "proxy/api/read.h"

static void scratch_free(void *p)
{
    arena_free(p);
}
struct api_state *api_state(struct transcript *t)
{
    if (!t->reader) {
        t->reader = arena_alloc(t->arena, sizeof *t->reader);
        t->reader->scratch = arena_new((size_t)1 << 30);
        t->reader->said_most = (size_t)1 << 30;
        arena_defer(t->arena, scratch_free, t->reader->scratch);
    }
    return t->reader;
}
void answer_unread(struct transcript *t, const char *why)
{
    if (t->answer_reading == READING_UNREAD)
        return;
    t->answer_reading = READING_UNREAD;
    t->unread_why = t->unread_why ? t->unread_why : why;
}

static void touch(struct transcript *t, size_t part, size_t from, size_t to)
{
    struct api_state *s = api_state(t);
    if (from == to)
        return;
    for (uint32_t i = s->ntouches; i > s->first_touch; i--) {
        struct touch *last = &s->touches[i - 1];
        if (last->part == part && from <= last->to && to >= last->from) {
            last->from = from < last->from ? (uint32_t)from : last->from;
            last->to = to > last->to ? (uint32_t)to : last->to;
            return;
        }
        if (s->ntouches - i >= 16)
            break;
    }
    *ARENA_PUSH(t->arena, s->touches, s->ntouches, s->touches_cap) = (struct touch){ (uint32_t)part, (uint32_t)from, (uint32_t)to };
}
/* The place of a part, nanswer when it is not there. */
static size_t part_at(const struct transcript *t, uint32_t choice, enum part_kind kind, uint32_t channel)
{
    for (size_t i = t->nanswer; i > 0; i--) {
        const struct part *p = &t->answer[i - 1];
        if (p->choice == choice && p->kind == kind && p->channel == channel)
            return i - 1;
    }
    return t->nanswer;
}
void say(struct transcript *t, uint32_t choice, enum part_kind kind, uint32_t channel, struct span name, struct span text)
{
    struct api_state *s = api_state(t);
    if (t->is_error)
        kind = PART_OTHER;
    if (text.len > s->said_most - s->said || arena_over(t->arena)) {
        answer_unread(t, "more answer text than vigie keeps");
        return;
    }
    if (t->nanswer >= ANSWER_PARTS_MOST && part_at(t, choice, kind, channel) == t->nanswer) {
        answer_unread(t, "more answer parts than vigie keeps");
        choice = 0, kind = PART_OTHER, channel = UINT32_MAX; /* what comes now is heard in one part */
    }
    s->said += text.len;
    size_t i = transcript_say(t, choice, kind, channel, name, text);
    touch(t, i, t->answer[i].text.len - text.len, t->answer[i].text.len);
    if (kind == PART_REFUSAL && text.len)
        t->is_refused_by_provider = true;
}
/* Decoded into scratch: say copies. */
bool say_string(struct transcript *t, uint32_t choice, enum part_kind kind, uint32_t channel, struct span name, struct jv v)
{
    if (jv_type(v) != JSON_STRING)
        return false;
    struct arena *scratch = api_state(t)->scratch;
    struct arena_mark m = arena_mark(scratch);
    struct span text = jv_text(v, scratch);
    if (text.len || name.len)
        say(t, choice, kind, channel, name, text);
    arena_rewind(scratch, m);
    return true;
}
void say_again(struct transcript *t, uint32_t choice, enum part_kind kind, uint32_t channel, struct span name, struct span full)
{
    size_t i = part_at(t, choice, kind, channel);
    if (i == t->nanswer) {
        say(t, choice, kind, channel, name, full);
        return;
    }
    if (name.len && !t->answer[i].name.len)
        t->answer[i].name = arena_copy(t->arena, name);
    struct span had = t->answer[i].text;
    size_t same = had.len < full.len ? had.len : full.len;
    if (!full.len)
        return;
    if (same && memcmp(had.at, full.at, same) == 0) {
        touch(t, i, 0, same);
        if (full.len > had.len)
            say(t, choice, kind, channel, name, span_cut(full, same, full.len));
        return;
    }
    if (!had.len) {
        say(t, choice, kind, channel, name, full);
        return;
    }
    const char *inside = had.len <= 1 << 20 ? span_find(had, full) : NULL; /* no search through megabytes for each event */
    if (inside) {
        touch(t, i, (size_t)(inside - had.at), (size_t)(inside - had.at) + full.len);
        return;
    }
    /* It says something else than the deltas did: heard beside them. */
    if (channel & 0x80000000u)
        say(t, choice, kind, channel, name, full);
    else
        say_again(t, choice, kind, channel | 0x80000000u, name, full);
}

static uint32_t path_add(uint32_t h, const void *bytes, size_t n) /* FNV-1a */
{
    for (size_t i = 0; i < n; i++)
        h = (h ^ ((const unsigned char *)bytes)[i]) * 16777619u;
    return h;
}
/* A part of its own, while there is room for parts; then all in one, a line each. */
void say_fresh(struct transcript *t, enum part_kind kind, struct span name, struct span text)
{
    if (!text.len)
        return;
    if (t->nanswer < ANSWER_PARTS_MOST - 1) {
        say(t, 0, kind, 0x20000 + (uint32_t)t->nanswer, name, text);
        return;
    }
    say(t, 0, PART_OTHER, 0x40000, (struct span){ 0 }, text);
    say(t, 0, PART_OTHER, 0x40000, (struct span){ 0 }, SPAN("\n"));
}
static void unknown(struct transcript *t, uint32_t choice, uint32_t path, enum key key, struct jv v, enum saying how)
{
    switch (jv_type(v)) {
    case JSON_STRING: {
        struct arena *scratch = api_state(t)->scratch;
        struct arena_mark m = arena_mark(scratch);
        struct span s = jv_text(v, scratch), inside;
        bool skip = !s.len || ((key == KEY_TOKEN || key == KEY_TYPE || key == KEY_ROLE) && is_token(s));
        if (key == KEY_BLOB && !memchr(s.at ? s.at : "", ' ', s.len))
            skip = true;
        if (!skip && (key == KEY_DATA || s.len >= 256)) {
            enum base64_kind is = base64_text(scratch, s, &inside);
            if (is == BASE64_BINARY)
                skip = true;
            else if (is == BASE64_TEXT || (data_url(scratch, s, &inside) && inside.len))
                s = inside;
        }
        uint32_t channel = 0x10000 | (path & 0xff); /* few buckets: a part is looked for one by one */
        if (skip)
            ;
        else if (how == SAY_AGAIN)
            say_again(t, choice, PART_OTHER, channel, (struct span){ 0 }, s);
        else if (how == SAY_FRESH)
            say_fresh(t, PART_OTHER, (struct span){ 0 }, s);
        else
            say(t, choice, PART_OTHER, channel, (struct span){ 0 }, s);
        arena_rewind(scratch, m);
        break;
    }
    case JSON_ARRAY: {
        uint32_t i = 0;
        for (struct jv_walk w = jv_walk(v); jv_next(&w); i++)
            if (jv_type(w.value) >= JSON_STRING)
                unknown(t, choice, path_add(path, &i, sizeof i), key, w.value, how);
        break;
    }
    case JSON_OBJECT:
        for (struct jv_walk w = jv_walk(v); jv_next(&w);)
            if (jv_type(w.value) >= JSON_STRING) {
                struct span k = jv_source(w.key);
                unknown(t, choice, path_add(path, k.at, k.len), key_of(w.key), w.value, how);
            }
        break;
    default: break;
    }
}
void say_unknown(struct transcript *t, uint32_t choice, struct jv key, struct jv v, enum saying how)
{
    if (jv_type(v) < JSON_STRING)
        return;
    struct span k = jv_source(key);
    unknown(t, choice, path_add(2166136261u, k.at, k.len), key_of(key), v, how);
}
void say_rest(struct transcript *t, uint32_t choice, struct jv object, const char *const *known, bool again)
{
    for (struct jv_walk w = jv_walk(object); jv_next(&w);) {
        if (jv_type(w.value) < JSON_STRING)
            continue;
        const char *const *k = known;
        while (*k && !key_is(w.key, *k))
            k++;
        if (!*k)
            say_unknown(t, choice, w.key, w.value, again ? SAY_AGAIN : SAY_DELTA);
    }
}
void finish(struct transcript *t, uint32_t choice, struct jv reason)
{
    if (jv_type(reason) != JSON_STRING || t->nfinishes >= ANSWER_PARTS_MOST)
        return;
    struct arena *scratch = api_state(t)->scratch;
    struct arena_mark m = arena_mark(scratch);
    struct span s = jv_text(reason, scratch);
    bool said = false;
    for (size_t i = 0; i < t->nfinishes; i++)
        said |= t->finishes[i].choice == choice && span_same(t->finishes[i].reason, s);
    if (!said)
        transcript_finish(t, choice, s);
    static const char *const refused[] = { "content_filter", "refusal", "SAFETY", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY",
        "IMAGE_PROHIBITED_CONTENT", "ERROR_TOXIC", "guardrail_intervened", "content_filtered", "safety" };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        t->is_refused_by_provider |= span_is(s, refused[i]);
    arena_rewind(scratch, m);
}
uint64_t count_of(struct jv object, const char *name, bool *seen)
{
    uint64_t n = 0;
    if (jv_u64(jv_get(object, name), (uint64_t)1 << 48, &n) && seen)
        *seen = true;
    return n;
}
uint32_t index_of(struct jv object, const char *name, uint32_t otherwise)
{
    uint64_t n;
    return jv_u64(jv_get(object, name), 0xffff, &n) ? (uint32_t)n : otherwise;
}
bool event_json(struct transcript *t, struct json *doc, struct span data, struct arena_mark *mark)
{
    struct arena *scratch = api_state(t)->scratch;
    *mark = arena_mark(scratch);
    if (json_read(doc, scratch, data) && doc->end >= data.len)
        return true;
    answer_unread(t, doc->bad ? doc->bad : "something follows the JSON of an event");
    if (!doc->bad)
        return true; /* read what is there */
    event_done(t, *mark);
    /* Not understood, but not unheard. */
    if (utf8_valid(data))
        say(t, 0, PART_OTHER, 0x10200, (struct span){ 0 }, data);
    return false;
}
void event_done(struct transcript *t, struct arena_mark mark)
{
    arena_rewind(api_state(t)->scratch, mark);
}
bool answer_json(struct transcript *t, struct json *doc, struct span body, bool (*event)(struct transcript *, struct span, struct span))
{
    struct span look = span_trim(body);
    if (!look.len)
        return false;
    if (t->answer_reading == READING_NONE)
        t->answer_reading = READING_WHOLE;
    if (json_read(doc, t->arena, body)) {
        if (doc->end >= body.len)
            return true;
        /* Several values in a row: lines under a wrong name. */
        size_t from = 0;
        while (event && from < body.len) {
            struct span rest = span_cut(body, from, body.len);
            struct arena_mark m = arena_mark(api_state(t)->scratch);
            bool ok = json_read(doc, api_state(t)->scratch, rest);
            size_t end = doc->end;
            const char *why = doc->bad;
            arena_rewind(api_state(t)->scratch, m);
            if (!ok) {
                if (span_trim(rest).len)
                    answer_unread(t, why);
                return false;
            }
            event(t, (struct span){ 0 }, span_trim(span_cut(rest, 0, end)));
            from += end;
        }
        if (!event)
            answer_unread(t, "something follows the JSON value");
        return !event;
    }
    if (look.at[0] == '{' || look.at[0] == '[')
        answer_unread(t, doc->bad);
    answer_text(t, (struct span){ 0 }, body);
    return false;
}
void answer_text(struct transcript *t, struct span content_type, struct span body)
{
    (void)content_type;
    if (!body.len)
        return;
    if (t->answer_reading == READING_NONE)
        t->answer_reading = READING_WHOLE;
    if (is_plain_text(body))
        say(t, 0, PART_TEXT, 0, (struct span){ 0 }, body);
    else
        answer_unread(t, "the answer is not text");
}
