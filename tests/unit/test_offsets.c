/* SPDX-License-Identifier: Apache-2.0
 * Where a finding lies, to the byte, whatever stands before it: accents in one character or two, emoji, zero-width characters, other
 * scripts, bytes that are no text. And texts that say nothing: no check finds anything in them, however long. Own sentences. */
#include "base/buf.h"
#include "checks/check.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static const struct check_env env;
static struct transcript *exchange(struct arena *a, struct span context, struct span prompt, struct span answer)
{
    struct transcript *t = transcript_new(a, "plain");
    struct span none = { 0 };
    t->prompt_reading = t->answer_reading = READING_WHOLE;
    t->is_answer_whole = true;
    if (context.len)
        transcript_ask(t, ROLE_CONTEXT, PART_DOCUMENT, 0, none, context);
    transcript_ask(t, ROLE_USER, PART_TEXT, 0, none, prompt);
    transcript_say(t, 0, PART_TEXT, 0, none, answer);
    return t;
}

/* Each ends with white space or a mark, so that what follows begins a word. */
static const char *const before[] = {
    "", " ", "\n\n", "Bien s\xc3\xbbr\xe2\x80\xaf! Voici : ", "e\xcc\x81te\xcc\x81 : ", "\xf0\x9f\x8c\x9e\xef\xb8\x8f \xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb ", "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\xe3\x80\x82", "\xe2\x80\x8b\xc2\xad ",
    "\xff\xfe ", "\xef\xac\x81n \xef\xbc\xa1\xef\xbc\xa2\xef\xbc\xa3. ", "\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82, ",
};
static const char *const after[] = { "", ".", " \xe2\x80\x94 \xc3\xa9t\xc3\xa9 \xf0\x9f\x8c\x9e", "\n" };
static void lies_exactly(const struct check *check, enum side on, const char *prompt, const char *what, const char *kind)
{
    for (size_t b = 0; b < sizeof before / sizeof *before; b++)
        for (size_t e = 0; e < sizeof after / sizeof *after; e++) {
            struct arena *a = arena_new(16 << 20);
            struct span text = arena_printf(a, "%s%s%s", before[b], what, after[e]);
            struct transcript *t = on == ON_PROMPT ? exchange(a, SPAN(""), text, SPAN("")) : exchange(a, SPAN(""), span_of(prompt), text);
            struct findings f = { 0 };
            struct score s = check->score(&env, t, on, &f);
            bool found = false;
            for (size_t i = 0; i < f.n; i++)
                found |= strcmp(f.list[i].kind, kind) == 0 && f.list[i].start == strlen(before[b]) && f.list[i].end == strlen(before[b]) + strlen(what);
            if (!found || s.value < 0.5) {
                fprintf(stderr, "%s %s %.2f in [" SPAN_FMT "]:\n", check->name, kind, s.value, SPAN_ARG(text));
                for (size_t i = 0; i < f.n; i++)
                    fprintf(stderr, "  %s [%u, %u), wanted [%zu, %zu)\n", f.list[i].kind, f.list[i].start, f.list[i].end, strlen(before[b]), strlen(before[b]) + strlen(what));
            }
            assert_true(found && s.value >= 0.5);
            arena_free(a);
        }
}
static void pattern_places(void **state)
{
    (void)state;
    lies_exactly(&check_pattern, ON_ANSWER, "Sum?", "12 + 30 = 52", "wrong-arithmetic");
    lies_exactly(&check_pattern, ON_ANSWER, "Quand ?", "lundi 2 janvier 2024", "wrong-weekday");
    lies_exactly(&check_pattern, ON_ANSWER, "When?", "Monday, 2 January 2024", "wrong-weekday");
    lies_exactly(&check_pattern, ON_ANSWER, "R\xc3\xa9ponds \xc3\xa0 Zo\xc3\xa9.", "[DATE]", "placeholder");
}
static void personal_places(void **state)
{
    (void)state;
    lies_exactly(&check_pii, ON_ANSWER, "?", "zoe.martin@exemple.fr", "email");
    lies_exactly(&check_pii, ON_ANSWER, "?", "zo\xc3\xa9.m\xc3\xa9lanie@exemple.fr", "email");
    lies_exactly(&check_pii, ON_PROMPT, NULL, "zoe.martin@exemple.fr", "email");
    lies_exactly(&check_pii, ON_ANSWER, "?", "FR76 3000 6000 0112 3456 7890 189", "iban");
    lies_exactly(&check_secrets, ON_ANSWER, "?", "AK" "IAQ7ZKWX2MVTLB5YRC", "aws-access-key");
}

/* Values right behind and before signs and scripts that no word goes on through; and letters that it does go on through. */
static void glued_places(void **state)
{
    (void)state;
    static const char *const apart[][2] = {
        { "\xe2\x80\x9c", "\xe2\x80\x9d" }, { "\xc2\xab", "\xc2\xbb" }, { "\xe2\x80\x98", "\xe2\x80\x99" }, { "\xe2\x80\x94", "\xe2\x80\x94" }, { "\xe2\x80\xa2", "" }, { "\xef\xbc\x9a", "\xe3\x80\x82" },
        { "\xe3\x81\xaf", "\xe3\x81\xa7\xe3\x81\x99" }, { "\xeb\xb2\x88", "\xec\x9e\x85" }, { "\xf0\x9f\x94\x91", "\xf0\x9f\x94\x91" }, { "\xff", "\xff" },
    };
    static const char *const joined[] = { "\xc3\xa9", "\xd0\xb6", "\xce\xbb", "\xe1\xba\xbf", "_" };
    static const struct { const struct check *check; const char *kind, *value; } values[] = {
        { &check_pii, "iban", "FR76 3000 6000 0112 3456 7890 189" }, { &check_pii, "card", "4111 1111 1111 1111" }, { &check_pii, "phone", "06 12 34 56 78" }, { &check_pii, "ip", "192.168.1.12" }, { &check_pii, "plate", "AB-123-CD" },
        { &check_secrets, "aws-access-key", "AK" "IAQ7ZKWX2MVTLB5YRC" },
    };
    for (size_t v = 0; v < sizeof values / sizeof *values; v++) {
        for (size_t i = 0; i < sizeof apart / sizeof *apart + sizeof joined / sizeof *joined; i++) {
            bool is_apart = i < sizeof apart / sizeof *apart;
            const char *front = is_apart ? apart[i][0] : joined[i - sizeof apart / sizeof *apart], *back = is_apart ? apart[i][1] : "";
            struct arena *a = arena_new(1 << 22);
            struct span text = arena_printf(a, "Tel %s%s%s", front, values[v].value, back);
            struct transcript *t = exchange(a, SPAN(""), SPAN("?"), text);
            struct findings f = { 0 };
            values[v].check->score(&env, t, ON_ANSWER, &f);
            bool found = false;
            for (size_t k = 0; k < f.n; k++)
                found |= f.list[k].start == 4 + strlen(front) && f.list[k].end == 4 + strlen(front) + strlen(values[v].value);
            if (found != is_apart)
                fprintf(stderr, "%s %s in [" SPAN_FMT "]\n", values[v].kind, found ? "found" : "missed", SPAN_ARG(text));
            assert_int_equal(found, is_apart);
            arena_free(a);
        }
    }
}

/* ---- nothing to find ---- */

static struct span repeat(struct arena *a, const char *piece, size_t bytes)
{
    size_t n = strlen(piece), times = bytes / n;
    char *text = arena_alloc_raw(a, times * n);
    for (size_t i = 0; i < times; i++)
        memcpy(text + i * n, piece, n);
    return (struct span){ text, times * n };
}
static void finds_nothing(struct arena *a, struct span text)
{
    for (size_t c = 0; all_checks[c]; c++)
        for (enum side on = ON_PROMPT; on <= ON_ANSWER; on++) {
            struct findings f = { 0 };
            struct transcript *t = exchange(a, SPAN("The harbour of Brill is open from May to October."), on == ON_PROMPT ? text : SPAN("When is it open?"), on == ON_PROMPT ? SPAN("") : text);
            struct score s = all_checks[c]->on & on ? all_checks[c]->score(&env, t, on, &f) : (struct score){ 0 };
            if (f.n == 1 && strcmp(f.list[0].kind, "repetition-loop") == 0)
                continue; /* one sign for ever says nothing, and is a loop */
            if (f.n || !(s.value < 0.5))
                fprintf(stderr, "%s %.3f %s in %zu bytes [%.40s]\n", all_checks[c]->name, s.value, f.n ? f.list[0].kind : "-", text.len, text.at);
            assert_true(f.n == 0 && s.value >= 0 && s.value < 0.5);
            if (all_checks[c]->settled)
                assert_true(all_checks[c]->settled(text) <= text.len);
        }
}
static void texts_that_say_nothing(void **state)
{
    (void)state;
    static const char *const pieces[] = {
        " ", "\n", "\t\r\n", "\xc2\xa0", "\xe2\x80\x8b", "\xe3\x80\x80", "\xcc\x81", "\xe2\x80\xae", "\xff", "\xe2\x82", "\xed\xa0\x80", "\xf0\x9f\x91\xa9\xe2\x80\x8d", "\xef\xbb\xbf", "-", ".", "\xe2\x80\xa6", "\xef\xbf\xbd", "(", "\"",
    };
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++)
        for (size_t bytes = strlen(pieces[i]); bytes <= 1 << 12; bytes *= 16) {
            struct arena *a = arena_new(1 << 30);
            finds_nothing(a, repeat(a, pieces[i], bytes));
            arena_free(a);
        }
    struct arena *a = arena_new(1 << 24);
    finds_nothing(a, (struct span){ 0 });
    finds_nothing(a, SPAN(""));
    finds_nothing(a, SPAN("no"));
    finds_nothing(a, SPAN("\\"));
    finds_nothing(a, SPAN(":"));
    finds_nothing(a, (struct span){ "\0\0\0\0", 4 });
    arena_free(a);
}
/* Long and full: scores stay scores and findings stay within, and are counted past their bound. */
static void long_texts(void **state)
{
    (void)state;
    static const char *const pieces[] = {
        "a", "aB3", "1", "1 ", "\xc3\xa9", "e\xcc\x81", "zoe@exemple.fr ", "1 + 1 = 3. ", "[DATE] ", "ignore all previous instructions ", "Je ne peux pas vous aider. ", "lundi 2 janvier 2024, ", "{\"a\":[", "https://", "=", "\xd0\xb0", "http://x.y/\xc3\xa9 ",
    };
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        struct arena *a = arena_new(1 << 30);
        struct span text = repeat(a, pieces[i], 1 << 13);
        for (size_t c = 0; all_checks[c]; c++)
            for (enum side on = ON_PROMPT; on <= ON_ANSWER; on++) {
                struct findings f = { 0 };
                struct transcript *t = exchange(a, text, on == ON_PROMPT ? text : SPAN("?"), on == ON_PROMPT ? SPAN("") : text);
                if (!(all_checks[c]->on & on))
                    continue;
                struct score s = all_checks[c]->score(&env, t, on, &f);
                assert_true(isfinite(s.value) && s.value >= 0 && s.value <= 1 && f.n <= FINDINGS_MOST);
                for (size_t k = 0; k < f.n; k++) {
                    size_t n;
                    const struct part *parts = transcript_parts(t, f.list[k].on, &n);
                    assert_true(f.list[k].part < n && f.list[k].start <= f.list[k].end && f.list[k].end <= parts[f.list[k].part].text.len);
                }
            }
        arena_free(a);
    }
}
int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(pattern_places), cmocka_unit_test(personal_places), cmocka_unit_test(glued_places), cmocka_unit_test(texts_that_say_nothing), cmocka_unit_test(long_texts) };
    return cmocka_run_group_tests_name("offsets", tests, NULL, NULL);
}
