/* SPDX-License-Identifier: Apache-2.0
 *
 * A user's paths: what they name is what the user said it is, everything else is heard as well, and a stream cut anywhere says the same. */
#include "proxy/api/json.h"
#include "tests/unit/test_api.h"

/* "prompt=$.q answer=$.a": several of one name may stand. */
static const struct api *made(struct arena *a, enum json_stream stream, const char *fields)
{
    struct api_paths *p = arena_alloc(a, sizeof *p);
    struct span left = span_of(fields);
    p->stream = stream;
    while (left.len) {
        const char *blank = memchr(left.at, ' ', left.len);
        struct span one = span_cut(left, 0, blank ? (size_t)(blank - left.at) : left.len);
        left = span_cut(left, one.len + (blank != NULL), left.len);
        for (size_t f = 0; f < JSON_FIELDS; f++) {
            size_t n = strlen(json_field_names[f]), at;
            const char *why = NULL;
            if (!span_starts(one, json_field_names[f]) || one.at[n] != '=')
                continue;
            if (!p->fields[f].at)
                p->fields[f].at = arena_alloc(a, JSON_PATHS_MOST * sizeof *p->fields[f].at);
            assert_true(json_path_read(a, span_cut(one, n + 1, one.len), &p->fields[f].at[p->fields[f].n++], &why, &at));
        }
    }
    return json_api(a, p);
}
static struct span ask_json(struct buf *b, enum json_stream stream, const char *fields, const char *type, const char *body)
{
    struct arena *a = arena_new((size_t)64 << 20);
    const struct api *api = made(a, stream, fields);
    struct transcript *t = api_transcript(a, api);
    api->request(t, SPAN("/x"), span_of(type), span_of(body));
    buf_clear(b);
    dump_parts(b, t, ON_PROMPT);
    dump_rows(b, "in", t->inputs, t->ninputs);
    buf_printf(b, "model=" SPAN_FMT " stream=%d reading=%d\n", SPAN_ARG(t->model), t->is_stream, (int)t->prompt_reading);
    arena_free(a);
    return buf_span(b);
}
static void note(void *to, struct jv v)
{
    buf_add(to, jv_source(v));
    buf_add_text(to, ";");
}
static void test_paths(void **state)
{
    (void)state;
    static const char json[] = "{\"a\":{\"b\":\"x\",\"b\":\"y\",\"c d\":\"z\",\"\\u0062\":\"w\"},\"l\":[{\"t\":1},{\"t\":2},3],\"it's\":7,\"\xc3\xa9\":8}";
    static const struct { const char *path, *found; } good[] = {
        { "$.a.b", "x;y;w;" }, { "$['a'][\"c d\"]", "z;" }, { "$.a['c d']", "z;" }, { "$.l[0].t", "1;" }, { "$.l[-1]", "3;" }, { "$.l[*].t", "1;2;" }, { "$.l[3]", "" }, { "$.l[-4]", "" },
        { "$.a.*", "x;y;z;w;" }, { "$.a[*]", "x;y;z;w;" }, { "$['it\\'s']", "7;" }, { "$.\xc3\xa9", "8;" }, { "$.a.b.c", "" }, { "$.a[0]", "" }, { "$.l.t", "" }, { "$.none", "" }, { "$.l[9999999999]", "" },
    };
    static const struct { const char *path; size_t at; } bad[] = {
        { "", 0 }, { "a", 0 }, { "$a", 1 }, { "$.", 1 }, { "$..a", 1 }, { "$.a.", 3 }, { "$.a[", 3 }, { "$.a[]", 3 }, { "$.a[1", 3 }, { "$.a[01]", 3 }, { "$.a[-0]", 3 }, { "$.a[-]", 3 },
        { "$.a[1:2]", 3 }, { "$.a[1,2]", 3 }, { "$.a[?(@.b)]", 3 }, { "$['a", 1 }, { "$['a\\n']", 1 }, { "$.a b", 3 }, { "$.a[99999999999]", 3 }, { "$.\xff", 0 },
    };
    struct buf b = { 0 };
    struct arena *a = arena_new((size_t)1 << 20);
    struct json_path p;
    struct json doc;
    const char *why;
    size_t at;
    assert_true(json_read(&doc, a, span_of(json)));
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        if (!json_path_read(a, span_of(good[i].path), &p, &why, &at))
            fail_msg("%s: %s", good[i].path, why);
        buf_clear(&b);
        json_path_follow(&p, json_root(&doc), note, &b);
        buf_add_char(&b, 0);
        assert_string_equal(b.bytes, good[i].found);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        why = NULL;
        if (json_path_read(a, span_of(bad[i].path), &p, &why, &at))
            fail_msg("%s is a path", bad[i].path);
        assert_non_null(why);
        assert_int_equal(at, bad[i].at);
    }
    buf_clear(&b);
    buf_add_text(&b, "$");
    for (int i = 0; i <= JSON_PATH_STEPS_MOST; i++)
        buf_add_text(&b, ".a");
    assert_false(json_path_read(a, buf_span(&b), &p, &why, &at));
    arena_free(a);
    buf_free(&b);
}
static void test_prompt(void **state)
{
    (void)state;
    struct buf b = { 0 };
    struct span s = ask_json(&b, JSON_STREAM_ANY, "prompt=$.in.q instructions=$.sys context=$.docs[*].text model=$.engine", "application/json",
        "{\"in\":{\"q\":\"What is \\u0041?\",\"id\":\"k-1\",\"hidden here\":1},\"docs\":[{\"text\":\"A page.\",\"note\":\"a side note\"},{\"text\":\"Another.\"}],\"engine\":\"e-9\",\"sys\":\"Be kind.\",\"stream\":true}");
    assert_true(span_starts(s, "instructions text turn=0 choice=0 name=: Be kind.\n")); /* first, wherever it stands */
    assert_has(s, "user text turn=0 choice=0 name=: What is A?\n");
    assert_has(s, "context document turn=0 choice=0 name=: A page.\n");
    assert_has(s, "context document turn=0 choice=0 name=: Another.\n");
    assert_has(s, "user other turn=0 choice=0 name=: a side note\n");
    assert_has(s, ": hidden here\n");
    assert_has_not(s, ": k-1\n");
    assert_has(s, "model=e-9 stream=1 reading=1");
    /* Duplicates, lists, whole objects; each string once. */
    s = ask_json(&b, JSON_STREAM_ANY, "prompt=$.q", "", "{\"q\":\"one\",\"q\":[\"two\",{\"x\":\"three\"}],\"r\":\"rest of it\"}");
    assert_has(s, "user text turn=0 choice=0 name=: one\nuser text turn=1 choice=0 name=: two\nuser text turn=2 choice=0 name=: three\nuser other turn=0 choice=0 name=: rest of it\n");
    s = ask_json(&b, JSON_STREAM_ANY, "prompt=$ context=$.c", "application/json", "[\"a text\"]");
    assert_has(s, "user text turn=0 choice=0 name=: a text\n");
    s = ask_json(&b, JSON_STREAM_ANY, "prompt=$.items context=$.items[0]", "application/json", "{\"items\":[\"a\",\"b\"]}"); /* the deeper path knows better */
    assert_has(s, "context document turn=0 choice=0 name=: a\nuser text turn=0 choice=0 name=: b\n");
    s = ask_json(&b, JSON_STREAM_ANY, "prompt=$.q", "application/json", "{\"q\":1}");
    assert_has(s, "reading=1");
    s = ask_json(&b, JSON_STREAM_ANY, "prompt=$.q", "application/json", "{\"q\":\"a\"} {\"q\":\"b\"}");
    assert_has(s, ": b\n");
    assert_has(s, "reading=2");
    s = ask_json(&b, JSON_STREAM_ANY, "prompt=$.q", "text/plain", "only words");
    assert_has(s, "user text turn=0 choice=0 name=: only words\n");
    s = ask_json(&b, JSON_STREAM_SSE, "prompt=$.q", "", "{\"q\":\"a\"}");
    assert_has(s, "stream=1");
    s = ask_json(&b, JSON_STREAM_SSE, "prompt=$.q", "", "{\"q\":\"a\",\"stream\":false}");
    assert_has(s, "stream=0");
    buf_free(&b);
}
static void test_rows(void **state)
{
    (void)state;
    struct buf b = { 0 };
    assert_has(ask_json(&b, JSON_STREAM_ANY, "features=$.x", "", "{\"x\":{\"age\":41,\"job\":\"cook\",\"at\":{\"h\":7},\"v\":[1,2],\"none\":null}}"), "in age=41 job='cook' at.h=7 v_0=1 v_1=2 none=missing\n");
    assert_has(ask_json(&b, JSON_STREAM_ANY, "features=$.x[*].f", "", "{\"x\":[{\"f\":{\"a\":1}},{\"f\":{\"a\":2}}]}"), "in a=1\nin a=2\n");
    assert_has(ask_json(&b, JSON_STREAM_ANY, "features=$.x", "", "{\"x\":[{\"a\":1},{\"a\":2}]}"), "in a=1\nin a=2\n");
    assert_has(ask_json(&b, JSON_STREAM_ANY, "features=$.x", "", "{\"x\":[5,6]}"), "in feature_0=5 feature_1=6\n");
    assert_has(ask_json(&b, JSON_STREAM_ANY, "features=$.x", "", "{\"x\":[[5,6],[7,8]]}"), "in feature_0=5 feature_1=6\nin feature_0=7 feature_1=8\n");
    struct arena *a = arena_new((size_t)64 << 20);
    const struct api *api = made(a, JSON_STREAM_ANY, "features=$.x prediction=$.y");
    buf_clear(&b);
    answer_it(&b, api, false, "application/json", "", SPAN("{\"y\":{\"class\":\"yes\",\"p\":0.5},\"note\":\"as a remark\"}"), 0, false);
    assert_has(buf_span(&b), "out class='yes' p=0.5\n");
    assert_has(buf_span(&b), "assistant text turn=0 choice=0 name=prediction: yes\n");
    assert_has(buf_span(&b), "assistant other turn=0 choice=0 name=: as a remark\n");
    struct transcript *t = api_transcript(a, api); /* as many values as rows: a row each */
    api->request(t, SPAN("/"), SPAN(""), SPAN("{\"x\":[{\"a\":1},{\"a\":2}]}"));
    api->answer(t, SPAN(""), SPAN("{\"y\":[0.25,0.75]}"));
    assert_int_equal(t->noutputs, 2);
    t = api_transcript(a, api);
    api->answer(t, SPAN(""), SPAN("{\"y\":[0.25,0.75]}"));
    assert_int_equal(t->noutputs, 1);
    arena_free(a);
    buf_free(&b);
}
static const struct { enum json_stream stream; const char *fields, *type, *body; const char *wants[6]; const char *not; } answers[] = {
    { JSON_STREAM_ANY, "answer=$.a", "application/json", "{\"a\":\"Fine \\u00e9\",\"b\":\"and aside\"}",
      { "assistant text turn=0 choice=0 name=: Fine \xc3\xa9\n", "assistant other turn=0 choice=0 name=: and aside\n", "reading=1 refused=0 whole=1" }, NULL },
    { JSON_STREAM_ANY, "answer=$.r[*].t", "application/json", "{\"r\":[{\"t\":\"one\"},{\"t\":\"two\"}]}", { "text turn=0 choice=0 name=: one\n", "text turn=0 choice=0 name=: two\n" }, NULL },
    { JSON_STREAM_SSE, "answer=$.text delta=$.d", "text/event-stream", "data: {\"d\":\"Hel\"}\n\ndata: {\"d\":\"lo\",\"id\":\"e1\"}\n\nevent: end\ndata: {\"text\":\"Hello\"}\n\ndata: [DONE]\n\n",
      { "assistant text turn=0 choice=0 name=: Hello\n", "reading=1 refused=0 whole=1" }, "other" },
    { JSON_STREAM_ANY, "answer=$.text", "text/event-stream", "data: {\"text\":\"Hel\"}\n\ndata: {\"text\":\"lo\"}\n\n", { "assistant text turn=0 choice=0 name=: Hello\n" }, NULL },
    { JSON_STREAM_NDJSON, "answer=$.text delta=$.d", "application/json", "{\"d\":\"Hel\"}\n{\"d\":\"lo\"}\n\n{\"d\":\"!\"}", { "assistant text turn=0 choice=0 name=: Hello!\n", "reading=1" }, "other" },
    { JSON_STREAM_NDJSON, "answer=$.text", "application/json", "{\n \"text\":\"Hello {\"\n}\n", { "assistant text turn=0 choice=0 name=: Hello {\n", "reading=1 refused=0 whole=1" }, NULL },
    { JSON_STREAM_NDJSON, "answer=$.text delta=$.d", "application/json", "{\"text\":\"Hello\"}", { "assistant text turn=0 choice=0 name=: Hello\n" }, NULL },
    { JSON_STREAM_NONE, "answer=$.text", "application/x-ndjson", "{\"text\":\"Hello\"}\n", { "assistant text turn=0 choice=0 name=: Hello\n", "whole=1" }, NULL },
    { JSON_STREAM_ANY, "answer=$.text", "text/plain", "no JSON at all", { "assistant text turn=0 choice=0 name=: no JSON at all\n" }, NULL },
    { JSON_STREAM_ANY, "answer=$.text", "application/json", "{\"text\":\"cut", { "reading=2" }, NULL },
    { JSON_STREAM_SSE, "answer=$.text prediction=$.p", "text/event-stream", "data: {\"text\":\"a\",\"p\":{\"score\":0.5,\"label\":\"up\"}}\n\n", { "out score=0.5 label='up'\n", "text turn=0 choice=0 name=: a\n" }, NULL },
};
static void test_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        struct arena *a = arena_new((size_t)1 << 20);
        const struct api *api = made(a, answers[i].stream, answers[i].fields);
        struct buf whole = { 0 }, cut = { 0 };
        answer_it(&whole, api, true, answers[i].type, "", span_of(answers[i].body), 0, false);
        for (size_t k = 0; answers[i].wants[k]; k++)
            assert_has(buf_span(&whole), answers[i].wants[k]);
        if (answers[i].not)
            assert_has_not(buf_span(&whole), answers[i].not);
        for (size_t step = 1; step < 24; step++) {
            buf_clear(&cut);
            answer_it(&cut, api, true, answers[i].type, "", span_of(answers[i].body), step, false);
            buf_add_char(&cut, 0);
            buf_add_char(&whole, 0);
            assert_string_equal(cut.bytes, whole.bytes);
            whole.len--;
        }
        buf_free(&whole);
        buf_free(&cut);
        arena_free(a);
    }
}
static void test_refusal(void **state)
{
    (void)state;
    struct arena *a = arena_new((size_t)1 << 20);
    const struct api *api = made(a, JSON_STREAM_ANY, "prompt=$.q");
    struct buf b = { 0 };
    struct span name, value;
    const char *type = NULL;
    struct refusal r = { .status = 403, .message = "not \"this\"", .code = "policy_blocked", .rule = "r-1" };
    api->refuse(&b, &r, &type, &name, &value);
    assert_string_equal(type, "application/problem+json");
    assert_has(buf_span(&b), "\"status\":403");
    assert_has(buf_span(&b), "\"detail\":\"not \\\"this\\\"\"");
    assert_false(api->refuse_stream(&b, FRAMING_SSE, &r));
    buf_free(&b);
    arena_free(a);
    /* A record read again without its config: every string is heard. */
    a = arena_new((size_t)1 << 20);
    struct transcript *t = ask_it(a, "json", "/x", "application/json", SPAN("{\"q\":\"a question here\"}"));
    dump_parts(&b, t, ON_PROMPT);
    assert_has(buf_span(&b), "a question here");
    buf_clear(&b);
    answer_it(&b, api_find(SPAN("json"), SPAN("POST"), SPAN("/v1/chat/completions")), false, "application/json", "", SPAN("{\"a\":\"an answer\"}"), 0, false);
    assert_has(buf_span(&b), "an answer");
    arena_free(a);
    buf_free(&b);
}
int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_paths), cmocka_unit_test(test_prompt), cmocka_unit_test(test_rows), cmocka_unit_test(test_answers),
        cmocka_unit_test(test_refusal) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
