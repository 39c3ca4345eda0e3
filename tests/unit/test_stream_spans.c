/* SPDX-License-Identifier: Apache-2.0
 * Promise 3 with the checks that streams are blocked by: whatever secrets or personal data stand in an answer, and wherever it
 * is cut, the verdict is that of the whole answer and not one byte of a finding has left. A value still being written may
 * look like one early ("4111 1111" like a telephone number, a password before its last letters): that must not count. */
#include "base/buf.h"
#include "checks/ruleset/ruleset.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static uint64_t seed = 0x2545f4914f6cdd1dull;
static unsigned below(unsigned n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)(seed >> 33) % n;
}

static const char *const rules =
    "rules:\n"
    "- {id: secrets, on: answer, action: block, when: {check: secrets}}\n"
    "- {id: pii, on: answer, action: block, when: {check: pii}}\n";

struct outcome {
    enum action action;
    size_t first;     /* where the first finding begins; SIZE_MAX: none */
    size_t left;      /* the most that could have left */
};
static struct outcome judge(const struct ruleset *rs, struct span text, size_t cut, size_t step)
{
    struct arena *a = arena_new(256 << 20);
    struct transcript *x = transcript_new(a, "plain");
    struct verdict v;
    struct facts facts = { 0 };
    struct check_env env = { 0 };
    struct outcome o = { .first = SIZE_MAX };
    x->prompt_reading = x->answer_reading = READING_WHOLE;
    verdict_begin(&v);
    if (!step) {
        transcript_say(x, 0, PART_TEXT, 0, (struct span){ 0 }, text);
        judge_answer(rs, &env, x, &facts, &v);
    } else {
        judge_prompt(rs, &env, x, &facts, &v);
        struct stream_scan *s = stream_scan_new(rs, &env, x, &facts, &v);
        for (size_t at = 0; at < text.len && v.action != ACTION_BLOCK;) {
            size_t to = at < cut ? cut : at + step;
            to = to > text.len ? text.len : to;
            transcript_say(x, 0, PART_TEXT, 0, (struct span){ 0 }, span_cut(text, at, to));
            at = to;
            stream_scan_feed(s, 0, false);
            size_t settled = stream_scan_settled(s, 0);
            assert_true(settled >= o.left && settled <= at);
            o.left = settled;
        }
        if (v.action != ACTION_BLOCK)
            stream_scan_feed(s, 0, true);
        if (v.action != ACTION_BLOCK)
            judge_answer(rs, &env, x, &facts, &v);
    }
    for (size_t i = 0; i < v.findings.n; i++)
        if (v.findings.list[i].start < o.first)
            o.first = v.findings.list[i].start;
    o.action = v.action;
    arena_free(a);
    return o;
}

/* Pieces of values and of what stands around them; the keys are drawn, so that none is a real one. */
static const char *const pieces[] = {
    "The key is ", "password: ", "mot de passe : ", "export TOKEN=", "\"api_key\": \"", "Bearer ", "use ", " as the password", "AKIA", "ghp_", "sk-", "eyJ", "postgres://u:", "@db.example.net/x",
    "4111 1111 ", "1111 1111", "call ", "tel. ", "06 12 34 56 78", "+33 6 12", " 34 56 78", "FR14 2004 1010 ", "0505 0001 3M02 606", "jane.doe", "zo\xc3\xa9.dupr\xc3\xa9", "\xe2\x80\x9c", "\xe3\x81\xaf", "@", "acme.org", ".fr", "12 rue de la Paix, 75002 Paris",
    "born on 12/03/1984", "192.168.", "1.12", "AB-123-CD", "the ", "fine ", " ", " ", ", ", ". ", "\n", "\n\n", ":", "=", "-", "\"", "\xc3\xa9t\xc3\xa9 ", "\xe2\x80\x8b", "order 4021 ", "12", "3.5 ", "Mr. Jean Dupont",
    "-----BEGIN RSA PRIVATE KEY-----\n", "-----END RSA PRIVATE KEY-----\n", "curl -u bob:", "--password ",
};
static void random_answer(struct buf *out)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    unsigned count = 1 + below(12);
    for (unsigned i = 0; i < count; i++) {
        if (below(5)) {
            buf_add_text(out, pieces[below(sizeof pieces / sizeof *pieces)]);
            continue;
        }
        unsigned n = 4 + below(44), among = below(3) ? 62 : 36;
        for (unsigned k = 0; k < n; k++)
            buf_add_char(out, letters[(below(among) + (among == 36 ? 26 : 0)) % 62]);
    }
}

static void cut_anywhere_the_verdict_is_the_same(void **state)
{
    (void)state;
    struct arena *a = arena_new(1 << 24);
    struct troubles t = { .arena = a };
    struct ruleset *rs = ruleset_load_text("rules.yaml", span_of(rules), &t);
    assert_non_null(rs);
    unsigned blocked = 0, allowed = 0, wrong = 0;
    for (unsigned round = 0; round < 700; round++) {
        struct buf text = { .cap = 8192 };
        random_answer(&text);
        struct span answer = buf_span(&text);
        struct outcome whole = judge(rs, answer, 0, 0);
        for (size_t cut = 0; cut <= answer.len; cut++) {
            /* in two pieces at every byte, and byte by byte (cut 0) */
            struct outcome o = judge(rs, answer, cut, cut ? answer.len : 1);
            bool same = o.action == whole.action && (o.action != ACTION_BLOCK || o.left <= whole.first);
            if (!same && wrong++ < 10)
                fprintf(stderr, "cut %zu: whole %d from %zu, stream %d, left %zu, from %zu [%s]\n", cut, whole.action, whole.first, o.action, o.left, o.first, text.bytes);
        }
        *(whole.action == ACTION_BLOCK ? &blocked : &allowed) += 1;
        buf_free(&text);
    }
    assert_int_equal(wrong, 0);
    assert_true(blocked > 150 && allowed > 100);
    ruleset_release(rs);
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(cut_anywhere_the_verdict_is_the_same) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
