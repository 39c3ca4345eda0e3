/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as an answer, whole against cut: the first four bytes choose the reader, the content type, the content coding and the cut. Both
 * ways must give the same transcript and, where nothing is compressed and events are not mere pieces of bytes, the same events with the
 * same touches; and every byte belongs to an event in the end. */
#include "proxy/api/api.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
    if (!ok)
        abort();
}
struct outcome {
    struct buf said, events;
    enum framing framing;
    bool is_coded;
};
static void read_it(struct outcome *o, const struct api *api, bool is_stream, const char *type, const char *encoding, struct span body, size_t step)
{
    struct arena *a = arena_new((size_t)256 << 20);
    struct transcript *t = transcript_new(a, api->name);
    t->is_stream = is_stream;
    struct answer_reader_options options = { .api = api, .t = t, .status = 200, .content_type = span_of(type), .content_encoding = span_of(encoding),
        .whole_most = (size_t)1 << 20 };
    struct answer_reader *r = answer_reader_new(a, &options);
    uint64_t last = 0;
    for (size_t at = 0;; at += step) {
        bool is_end = at >= body.len;
        size_t n = is_end ? 0 : body.len - at < step ? body.len - at : step, nevents;
        if (is_end)
            answer_reader_end(r, false);
        else
            answer_reader_feed(r, span_cut(body, at, at + n));
        const struct answer_event *e = answer_reader_take(r, &nevents);
        const struct touch *touches = answer_reader_touches(r);
        for (size_t i = 0; i < nevents; i++) {
            check(e[i].raw_end >= last && e[i].raw_end <= (is_end ? body.len : at + n));
            last = e[i].raw_end;
            buf_printf(&o->events, "%llu", (unsigned long long)last);
            for (uint32_t k = 0; k < e[i].ntouches; k++) {
                struct touch x = touches[e[i].first_touch + k];
                check(x.part < t->nanswer && x.from < x.to && x.to <= t->answer[x.part].text.len);
                buf_printf(&o->events, " %u[%u,%u)", x.part, x.from, x.to);
            }
            buf_add_text(&o->events, "\n");
        }
        if (is_end)
            break;
    }
    check(last == body.len);
    for (size_t i = 0; i < t->nanswer; i++) {
        const struct part *p = &t->answer[i];
        buf_printf(&o->said, "%u %u %u %zu ", p->choice, (unsigned)p->kind, p->channel, p->text.len);
        buf_add(&o->said, p->name);
        buf_add_text(&o->said, "|");
        buf_add(&o->said, p->text);
        buf_add_text(&o->said, "\n");
    }
    for (size_t i = 0; i < t->nfinishes; i++) {
        buf_printf(&o->said, "finish %u ", t->finishes[i].choice);
        buf_add(&o->said, t->finishes[i].reason);
    }
    buf_printf(&o->said, "usage %d %llu %llu rows %zu reading %d refused %d whole %d %s\n", (int)t->usage.origin, (unsigned long long)t->usage.input,
               (unsigned long long)t->usage.output, t->noutputs, (int)t->answer_reading, t->is_refused_by_provider, t->is_answer_whole, t->unread_why ? t->unread_why : "");
    o->framing = answer_reader_framing(r);
    o->is_coded = answer_reader_is_coded(r);
    arena_free(a);
}
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const apis[] = { "openai-chat", "openai-responses", "anthropic-messages", "gemini", "ollama", "cohere-chat", "bedrock", "kserve-v2", "mlflow", "raw", "tgi", "sagemaker" };
    static const char *const types[] = { "text/event-stream", "application/json", "application/x-ndjson", "", "text/plain", "application/vnd.amazon.eventstream" };
    static const char *const codings[] = { "", "", "", "", "gzip", "deflate", "br", "zstd", "gzip, br" };
    if (size < 4)
        return 0;
    const struct api *api = api_find(span_of(apis[data[0] % (sizeof apis / sizeof *apis)]), SPAN("POST"), SPAN("/"));
    const char *type = types[data[1] % (sizeof types / sizeof *types)], *coding = codings[data[2] % (sizeof codings / sizeof *codings)];
    bool is_stream = data[1] & 0x80;
    size_t step = data[3] % 64 + 1;
    struct span body = { (const char *)data + 4, size - 4 };
    struct outcome whole = { 0 }, cut = { 0 };
    read_it(&whole, api, is_stream, type, coding, body, body.len ? body.len : 1);
    read_it(&cut, api, is_stream, type, coding, body, step);
    check(whole.framing == cut.framing && whole.is_coded == cut.is_coded);
    /* How much comes out of a broken coding before it is seen to be broken is its library's affair. */
    bool is_unread = memmem(whole.said.bytes, whole.said.len, "reading 2", 9) != NULL;
    check(is_unread == (memmem(cut.said.bytes, cut.said.len, "reading 2", 9) != NULL));
    check((whole.is_coded && is_unread) || span_same(buf_span(&whole.said), buf_span(&cut.said)));
    bool has_events = !whole.is_coded && whole.framing != FRAMING_BYTES && !is_unread;
    check(!has_events || span_same(buf_span(&whole.events), buf_span(&cut.events)));
    buf_free(&whole.said);
    buf_free(&whole.events);
    buf_free(&cut.said);
    buf_free(&cut.events);
    return 0;
}
