/* SPDX-License-Identifier: Apache-2.0
 * Promise 3: not one byte of a blocked match gets out, wherever the answer is cut, and what cannot begin a match is not held. */
#include "ruleset_kit.h"

static uint64_t seed = 88172645463325252ull;
static unsigned below(unsigned n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)(seed >> 33) % n;
}

struct outcome {
    enum action action;
    size_t settled;             /* the most that could have left */
    struct redaction redactions[64];
    size_t n;
};
/* Feeds text in pieces that end where cuts says (bit per byte), or of `step` bytes when step > 0. */
static void stream(struct kit *k, const struct ruleset *rs, struct span text, size_t step, struct outcome *o)
{
    k->x = transcript_new(k->a, "plain");
    k->x->prompt_reading = k->x->answer_reading = READING_WHOLE;
    verdict_begin(&k->v);
    *o = (struct outcome){ 0 };
    judge_prompt(rs, &k->env, k->x, &k->facts, &k->v);
    struct stream_scan *s = stream_scan_new(rs, &k->env, k->x, &k->facts, &k->v);
    for (size_t at = 0; at < text.len && k->v.action != ACTION_BLOCK;) {
        size_t n = step ? step : 1 + below(7);
        if (n > text.len - at)
            n = text.len - at;
        transcript_say(k->x, 0, PART_TEXT, 0, (struct span){ 0 }, span_cut(text, at, at + n));
        at += n;
        size_t before = o->settled;
        stream_scan_feed(s, 0, false);
        size_t settled = stream_scan_settled(s, 0);
        assert_true(settled >= before && settled <= at);
        o->settled = settled;
        /* what is replaced is never cut through */
        for (size_t i = 0; i < k->v.nredactions; i++)
            assert_true(settled <= k->v.redactions[i].start || settled >= k->v.redactions[i].end);
    }
    if (text.len && k->v.action != ACTION_BLOCK) {
        stream_scan_feed(s, 0, true);
        if (k->v.action != ACTION_BLOCK)
            assert_int_equal(stream_scan_settled(s, 0), text.len);
        o->settled = stream_scan_settled(s, 0);
    }
    if (k->v.action != ACTION_BLOCK)
        judge_answer(rs, &k->env, k->x, &k->facts, &k->v);
    o->action = k->v.action;
    o->n = k->v.nredactions < 64 ? k->v.nredactions : 64;
    if (o->n)
        memcpy(o->redactions, k->v.redactions, o->n * sizeof o->redactions[0]);
}
static void whole(struct kit *k, const struct ruleset *rs, struct span text, struct outcome *o, size_t *first)
{
    k->x = transcript_new(k->a, "plain");
    k->x->prompt_reading = k->x->answer_reading = READING_WHOLE;
    verdict_begin(&k->v);
    transcript_say(k->x, 0, PART_TEXT, 0, (struct span){ 0 }, text);
    judge_answer(rs, &k->env, k->x, &k->facts, &k->v);
    *first = SIZE_MAX;
    for (size_t h = 0; h < k->v.nhits; h++)
        for (size_t i = 0; i < k->v.hits[h].findings; i++) {
            const struct finding *f = &k->v.findings.list[k->v.hits[h].first_finding + i];
            if (k->v.hits[h].rule->action == ACTION_BLOCK && f->start < *first)
                *first = f->start;
        }
    o->action = k->v.action;
    o->n = k->v.nredactions < 64 ? k->v.nredactions : 64;
    if (o->n)
        memcpy(o->redactions, k->v.redactions, o->n * sizeof o->redactions[0]);
}

static void random_text(struct buf *out, const char *const *pieces, unsigned n)
{
    unsigned count = 1 + below(30);
    for (unsigned i = 0; i < count; i++)
        buf_add_text(out, pieces[below(n)]);
}

static const char *const block_rules =
    "rules:\n"
    "- {id: a, on: answer, action: block, when: {pattern: '(?i)\\bguaranteed\\s+returns?\\b'}}\n"
    "- {id: b, on: answer, action: block, when: {pattern: 'ab+c(?!d)'}}\n"
    "- {id: c, on: answer, action: block, when: {any: [{pattern: '(?<=key: )[A-Z]{4}[0-9]{2,}'}, {pattern: '\xc3\xa9t\xc3\xa9$'}]}}\n"
    "- {id: d, on: answer, action: block, when: {words: [mot de passe, \xc3\xa9l\xc3\xa8ve, password]}}\n"
    "- {id: e, on: answer, action: block, when: {check: digits}}\n";
static const char *const block_pieces[] = {
    "guaranteed", "Guaran", "teed", " ", "  ", "returns", "return", "s", "gua", "a", "b", "bb", "abc", "d", "c", "key: ", "key", "ABCD", "12", "1", "3",
    "4567", "\xc3\xa9", "t", "\xc3\xa9t\xc3\xa9", "\n", ".", "mot", "MOT de ", "passe", "e\xcc\x81l\xc3\xa8ve", "pass", "word", ("\xd1\x80" "assword"), "\xe2\x80\x8b", "\xef\xbd\x87uaranteed",
    "e", "\xcc\x81", "x", "\xff", "\xe2\x82\xac", "the ", "fine ",
};

static void not_one_byte_of_a_block_gets_out(void **state)
{
    (void)state;
    unsigned blocked = 0, allowed = 0;
    struct kit *loader = kit_new();
    struct ruleset *rs = kit_load(loader, block_rules);
    assert_non_null(rs);
    assert_false(ruleset_needs(rs).holds_answer);
    for (unsigned round = 0; round < 6000; round++) {
        struct kit *k = kit_new();
        struct buf text = { .cap = 4096 };
        struct outcome one, other;
        size_t first;
        random_text(&text, block_pieces, sizeof block_pieces / sizeof *block_pieces);
        whole(k, rs, buf_span(&text), &one, &first);
        for (size_t step = 0; step < 4; step++) {
            stream(k, rs, buf_span(&text), step, &other);
            if (one.action != other.action || (first != SIZE_MAX && other.settled > first)) {
                fprintf(stderr, "step %zu: whole %s from %zd, stream %s settled %zu rule %s: [%s]\n", step, action_names[one.action], (ssize_t)first,
                        action_names[other.action], other.settled, k->v.rule ? k->v.rule->id : "-", text.bytes);
                for (size_t i = 0; i < text.len; i++)
                    fprintf(stderr, "%02x ", (unsigned char)text.bytes[i]);
                fputc('\n', stderr);
            }
            assert_int_equal(one.action, other.action);
            if (one.action == ACTION_BLOCK)
                assert_true(other.settled <= first);
        }
        *(one.action == ACTION_BLOCK ? &blocked : &allowed) += 1;
        buf_free(&text);
        kit_free(k);
    }
    assert_true(blocked > 1000 && allowed > 1000);
    ruleset_release(rs);
    kit_free(loader);
}

static const char *const redact_rules =
    "rules:\n"
    "- {id: a, on: answer, action: redact, when: {pattern: '[a-z]+@[a-z]+\\.(?:com|fr)'}}\n"
    "- {id: b, on: answer, action: redact, when: {any: [{pattern: '\\d+-\\d+'}, {words: [secret, tr\xc3\xa8s secret]}]}}\n"
    "- {id: c, on: answer, action: redact, when: {pattern: 'xy*'}}\n";
static const char *const redact_pieces[] = { "bob", "@", "acme", ".", "com", "fr", "12", "-", "3", "-45", " ", "secret", "tr\xc3\xa8s ", "TRES secret", "s", "x", "y", "yy", "\n", "\xe2\x80\x8b",
                                             "\xc3\xa9" };
static void redactions_are_those_of_the_whole_text(void **state)
{
    (void)state;
    unsigned found = 0;
    struct kit *loader = kit_new();
    struct ruleset *rs = kit_load(loader, redact_rules);
    assert_non_null(rs);
    for (unsigned round = 0; round < 6000; round++) {
        struct kit *k = kit_new();
        struct buf text = { .cap = 4096 };
        struct outcome one, other;
        size_t first;
        random_text(&text, redact_pieces, sizeof redact_pieces / sizeof *redact_pieces);
        whole(k, rs, buf_span(&text), &one, &first);
        for (size_t step = 0; step < 4; step++) {
            stream(k, rs, buf_span(&text), step, &other);
            bool same = one.n == other.n && one.action == other.action;
            for (size_t i = 0; i < one.n && same; i++)
                same = one.redactions[i].start == other.redactions[i].start && one.redactions[i].end == other.redactions[i].end;
            if (!same) {
                fprintf(stderr, "step %zu [%s]\n", step, text.bytes);
                for (size_t i = 0; i < one.n; i++)
                    fprintf(stderr, " whole %u-%u", one.redactions[i].start, one.redactions[i].end);
                for (size_t i = 0; i < other.n; i++)
                    fprintf(stderr, " stream %u-%u", other.redactions[i].start, other.redactions[i].end);
                fputc('\n', stderr);
            }
            assert_true(same);
        }
        found += one.n > 0;
        buf_free(&text);
        kit_free(k);
    }
    assert_true(found > 1000);
    ruleset_release(rs);
    kit_free(loader);
}

/* Random patterns, each as a block rule of its own. */
static void random_pattern(struct buf *out, unsigned depth)
{
    static const char *const atoms[] = { "a", "b", "c", "ab", "[ab]", "[^a]", ".", "\\b", "\\w", "\\d", "1", "-", "(?=a)", "(?!b)", "(?<=c)", "$", "^", "\\s", "\xc3\xa9", "(?<!a)", "(?s)." };
    static const char *const repeats[] = { "", "", "", "", "?", "*", "+", "{2}", "{1,3}", "++", "*?" };
    unsigned n = 1 + below(4);
    for (unsigned i = 0; i < n; i++) {
        if (depth && below(4) == 0) {
            buf_add_text(out, "(?:");
            random_pattern(out, depth - 1);
            if (below(2)) {
                buf_add_char(out, '|');
                random_pattern(out, depth - 1);
            }
            buf_add_text(out, below(2) ? ")" : ")?");
        } else {
            const char *atom = atoms[below(21)];
            buf_add_text(out, atom);
            if (!strchr("^$", atom[0]) && strcmp(atom, "\\b") != 0 && strncmp(atom, "(?", 2) != 0)
                buf_add_text(out, repeats[below(11)]);
        }
    }
}
static void random_patterns_cut_anywhere(void **state)
{
    (void)state;
    static const char *const pieces[] = { "a", "b", "c", "1", "-", " ", "ab", "aa", "\n", "\xc3\xa9", "e", "\xcc\x81", "x", "\xe2\x80\x8b" };
    unsigned blocked = 0, allowed = 0;
    for (unsigned round = 0; round < 3000; round++) {
        struct kit *loader = kit_new();
        struct buf yaml = { .cap = 4096 };
        buf_add_text(&yaml, "rules:\n- {id: a, on: answer, action: block, when: {pattern: '");
        random_pattern(&yaml, 2);
        buf_add_text(&yaml, "'}}\n");
        struct ruleset *rs = ruleset_load_text("r", buf_span(&yaml), &loader->t);
        for (unsigned n = 0; rs && n < 4; n++) {
            struct kit *k = kit_new();
            struct buf text = { .cap = 4096 };
            struct outcome one, other;
            size_t first;
            random_text(&text, pieces, n < 2 ? 9 : 14);
            whole(k, rs, buf_span(&text), &one, &first);
            for (size_t step = 0; step < 3; step++) {
                stream(k, rs, buf_span(&text), step, &other);
                if (one.action != other.action || (first != SIZE_MAX && other.settled > first))
                    fprintf(stderr, "step %zu whole %s from %zd, stream %s settled %zu: %s on [%s]\n", step, action_names[one.action], (ssize_t)first, action_names[other.action],
                            other.settled, yaml.bytes, text.bytes);
                assert_int_equal(one.action, other.action);
                if (one.action == ACTION_BLOCK)
                    assert_true(other.settled <= first);
            }
            *(one.action == ACTION_BLOCK ? &blocked : &allowed) += 1;
            buf_free(&text);
            kit_free(k);
        }
        ruleset_release(rs);
        buf_free(&yaml);
        kit_free(loader);
    }
    assert_true(blocked > 500 && allowed > 500);
}

/* ---- what is not held ---- */

static size_t settled_after(struct kit *k, const struct ruleset *rs, const char *text)
{
    k->x = transcript_new(k->a, "plain");
    k->x->prompt_reading = k->x->answer_reading = READING_WHOLE;
    verdict_begin(&k->v);
    judge_prompt(rs, &k->env, k->x, &k->facts, &k->v);
    struct stream_scan *s = stream_scan_new(rs, &k->env, k->x, &k->facts, &k->v);
    size_t part = transcript_say(k->x, 0, PART_TEXT, 0, (struct span){ 0 }, span_of(text));
    stream_scan_feed(s, part, false);
    return stream_scan_settled(s, part);
}
static void what_cannot_begin_a_match_leaves_at_once(void **state)
{
    (void)state;
    struct kit *k = kit_new();
    struct ruleset *rs = kit_load(k, "rules:\n"
                                     "- {id: a, on: answer, action: block, when: {pattern: '(?i)\\bguaranteed returns?\\b'}}\n"
                                     "- {id: b, on: answer, action: block, when: {pattern: 'AKIA[A-Z0-9]{16}'}}\n"
                                     "- {id: c, on: answer, action: block, when: {words: [password, mot de passe]}}\n"
                                     "- {id: d, on: answer, action: block, when: {check: digits}}\n");
    static const struct {
        const char *text;
        size_t held;
    } cases[] = {
        { "The weather is nice", 0 }, { "The key is ", 0 }, { "in Portugu", 0 }, { "a gu", 2 }, { "a guaranteed return", 17 }, { "guaranteed retina", 0 }, { "x AKI", 3 },
        { "x AKIA12", 6 }, { "x AKIa", 4 }, { "x AKIa ", 0 }, { "my passw", 5 }, { "my passwx", 0 }, { "un mot d", 5 }, { "un mot du", 0 }, { "tot 12", 2 }, { "tot 12,", 0 },
        { "C'est v\xc3\xa9rifi", 0 }, { "C'est \xc3\xa9t\xc3\xa9", 0 }, { "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e.", 0 }, { "caf\xc3\xa9 gu", 2 }, { "cut \xe2\x82", 2 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t settled = settled_after(k, rs, cases[i].text);
        if (strlen(cases[i].text) - settled != cases[i].held)
            fprintf(stderr, "[%s] holds %zu, not %zu\n", cases[i].text, strlen(cases[i].text) - settled, cases[i].held);
        assert_int_equal(strlen(cases[i].text) - settled, cases[i].held);
    }
    ruleset_release(rs);
    kit_free(k);
}

static void conditions_known_before_the_answer_decide_what_is_watched(void **state)
{
    (void)state;
    struct kit *k = kit_new();
    struct ruleset *rs = kit_load(k, "rules:\n"
                                     "- {id: a, on: exchange, action: block, when: {all: [{pattern: 'loan', on: prompt}, {pattern: 'yes', on: answer}]}}\n"
                                     "- {id: h, on: answer, action: block, when: {all: [{field: route, is: held}, {check: refusal}]}}\n");
    assert_true(ruleset_needs(rs).holds_answer);
    for (int loan = 0; loan < 2; loan++) {
        k->x = transcript_new(k->a, "plain");
        verdict_begin(&k->v);
        transcript_ask(k->x, ROLE_USER, PART_TEXT, 0, (struct span){ 0 }, loan ? SPAN("a loan?") : SPAN("a cat?"));
        judge_prompt(rs, &k->env, k->x, &k->facts, &k->v);
        struct stream_scan *s = stream_scan_new(rs, &k->env, k->x, &k->facts, &k->v);
        transcript_say(k->x, 0, PART_TEXT, 0, (struct span){ 0 }, SPAN("I say yes"));
        stream_scan_feed(s, 0, false);
        stream_scan_feed(s, 0, true);
        assert_int_equal(k->v.action, loan ? ACTION_BLOCK : ACTION_ALLOW);
        assert_int_equal(stream_scan_settled(s, 0), loan ? 6 : 9);
    }
    k->facts.route = SPAN("held");
    assert_int_equal(settled_after(k, rs, "hello"), 0);
    judge_answer(rs, &k->env, k->x, &k->facts, &k->v);
    ruleset_release(rs);
    kit_free(k);
}

static void halves_in_two_parts_are_no_match(void **state)
{
    (void)state;
    struct kit *k = kit_new();
    struct ruleset *rs = kit_load(k, "rules:\n- {id: a, on: answer, action: block, when: {pattern: 'abcdef'}}\n");
    judge_prompt(rs, &k->env, k->x, &k->facts, &k->v);
    struct stream_scan *s = stream_scan_new(rs, &k->env, k->x, &k->facts, &k->v);
    transcript_say(k->x, 0, PART_TEXT, 0, (struct span){ 0 }, SPAN("abc"));
    stream_scan_feed(s, 0, false);
    transcript_say(k->x, 1, PART_TEXT, 0, (struct span){ 0 }, SPAN("def"));
    stream_scan_feed(s, 1, false);
    assert_int_equal(k->v.action, ACTION_ALLOW);
    assert_int_equal(stream_scan_settled(s, 0), 0);
    assert_int_equal(stream_scan_settled(s, 1), 3);
    transcript_say(k->x, 0, PART_TEXT, 0, (struct span){ 0 }, SPAN("def"));
    stream_scan_feed(s, 0, true); /* until the end the f might still get an accent */
    assert_int_equal(k->v.action, ACTION_BLOCK);
    assert_int_equal(stream_scan_settled(s, 0), 0);
    ruleset_release(rs);
    kit_free(k);
}

/* An open match of any length costs no more than linear time: 400 KB in 20-byte deltas under a pattern that never closes. */
static void an_open_match_is_not_searched_again_and_again(void **state)
{
    (void)state;
    struct kit *k = kit_new();
    struct ruleset *rs = kit_load(k, "rules:\n- {id: a, on: answer, action: block, when: {pattern: '(?s)BEGIN.*END'}}\n");
    judge_prompt(rs, &k->env, k->x, &k->facts, &k->v);
    struct stream_scan *s = stream_scan_new(rs, &k->env, k->x, &k->facts, &k->v);
    transcript_say(k->x, 0, PART_TEXT, 0, (struct span){ 0 }, SPAN("so BEGIN"));
    clock_t began = clock();
    for (unsigned i = 0; i < 20000; i++) {
        transcript_say(k->x, 0, PART_TEXT, 0, (struct span){ 0 }, SPAN(" twenty bytes of it,"));
        stream_scan_feed(s, 0, false);
    }
    assert_int_equal(stream_scan_settled(s, 0), 3);
    assert_true((double)(clock() - began) / CLOCKS_PER_SEC < 2); /* quadratic: minutes */
    stream_scan_feed(s, 0, true);
    assert_int_equal(stream_scan_settled(s, 0), 8 + 400000);
    ruleset_release(rs);
    kit_free(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(not_one_byte_of_a_block_gets_out),
        cmocka_unit_test(redactions_are_those_of_the_whole_text),
        cmocka_unit_test(random_patterns_cut_anywhere),
        cmocka_unit_test(what_cannot_begin_a_match_leaves_at_once),
        cmocka_unit_test(conditions_known_before_the_answer_decide_what_is_watched),
        cmocka_unit_test(halves_in_two_parts_are_no_match),
        cmocka_unit_test(an_open_match_is_not_searched_again_and_again),
    };
    return cmocka_run_group_tests_name("ruleset_stream", tests, NULL, NULL);
}
