/* SPDX-License-Identifier: Apache-2.0
 * Any exchange through all seven checks. The input is cut at NUL bytes into context, prompt, answer, second choice, instructions, tool
 * description and tool call. Scores are finite and in [0, 1], findings lie on the borders of characters of a part that there is, their sentences
 * are text of one line, and the same exchange judged again gives the same. */
#include "base/must.h"
#include "base/utf8.h"
#include "checks/check.h"
#include "checks/scope.h"
#include <math.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
static bool is_border(struct span s, size_t at) /* not within a character */
{
    for (size_t back = 1; back <= 3 && back <= at; back++)
        if (utf8_length(s.at + at - back, s.len - (at - back)) > back)
            return false;
    return at <= s.len;
}
static struct transcript *exchange(struct arena *a, struct span s)
{
    struct transcript *t = transcript_new(a, "plain");
    struct span field[7] = { { 0 } }, none = { 0 };
    t->prompt_reading = t->answer_reading = READING_WHOLE;
    t->is_answer_whole = true;
    for (int i = 0; i < 7 && s.len; i++) {
        const char *nul = memchr(s.at, 0, s.len);
        size_t len = nul ? (size_t)(nul - s.at) : s.len;
        field[i] = arena_copy(a, span_cut(s, 0, len));
        len += nul != NULL;
        s = span_cut(s, len, s.len);
    }
    if (field[4].len)
        transcript_ask(t, ROLE_INSTRUCTIONS, PART_TEXT, 0, none, field[4]);
    if (field[0].len)
        transcript_ask(t, ROLE_CONTEXT, PART_DOCUMENT, 0, none, field[0]);
    if (field[5].len)
        transcript_ask(t, ROLE_TOOL, PART_TOOL_SPEC, 0, SPAN("find_order"), field[5]);
    transcript_ask(t, ROLE_USER, PART_TEXT, 0, none, field[1]);
    transcript_say(t, 0, PART_TEXT, 0, none, field[2]);
    if (field[3].len)
        transcript_say(t, 1, PART_TEXT, 0, none, field[3]);
    if (field[6].len)
        transcript_say(t, 0, PART_TOOL_CALL, 0, SPAN("find_order"), field[6]);
    return t;
}
static const struct scope *scope(void)
{
    static struct scope *made;
    static struct span hours[] = { SPAN("when do you open"), SPAN("are you open on sunday"), SPAN("quels sont vos horaires"), SPAN("opening times on monday") },
                       loans[] = { SPAN("how many books may I borrow"), SPAN("renew my loan"), SPAN("prolonger mon emprunt"), SPAN("my book is late") };
    static struct scope_intent intents[] = { { SPAN("hours"), hours, 4 }, { SPAN("loans"), loans, 4 } };
    const char *why;
    if (!made)
        must(made = scope_train(&(struct scope_source){ .name = SPAN("library"), .description = SPAN("a public library"), .intents = intents, .nintents = 2 }, &why));
    return made;
}
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n > 1 << 14)
        return 0;
    struct check_env env = { .scope = scope() };
    struct arena *a = arena_new(256 << 20), *b = arena_new(256 << 20);
    struct transcript *t = exchange(a, (struct span){ (const char *)data, n }), *u = exchange(b, (struct span){ (const char *)data, n });
    for (size_t c = 0; all_checks[c]; c++)
        for (enum side on = ON_PROMPT; on <= ON_ANSWER; on++) {
            const struct check *check = all_checks[c];
            if (!(check->on & on))
                continue;
            struct findings f = { 0 }, g = { 0 };
            struct score one = check->score(&env, t, on, &f), other = check->score(&env, u, on, &g);
            must(isfinite(one.value) && one.value >= 0 && one.value <= 1 && (!one.not_run || (one.value == 0 && f.n == 0)));
            must(one.value == other.value && one.not_run == other.not_run && f.n == g.n && f.dropped == g.dropped && f.n <= FINDINGS_MOST);
            for (size_t i = 0; i < f.n; i++) {
                const struct finding *x = &f.list[i], *y = &g.list[i];
                size_t nparts;
                const struct part *parts = transcript_parts(t, x->on, &nparts);
                must((x->on == ON_PROMPT || x->on == ON_ANSWER) && x->part < nparts && x->start <= x->end);
                struct span text = parts[x->part].text;
                must(is_border(text, x->start) && is_border(text, x->end));
                must(isfinite(x->score) && x->score >= 0 && x->score <= 1);
                must(x->check && x->kind && x->kind[0] && x->why && x->why[0] && utf8_valid(span_of(x->why)) && !strpbrk(x->why, "\n\r\033"));
                must(x->on == y->on && x->part == y->part && x->start == y->start && x->end == y->end && x->score == y->score && strcmp(x->kind, y->kind) == 0 && strcmp(x->why, y->why) == 0);
            }
            for (size_t i = 0; check->settled && i < t->nanswer; i++)
                must(check->settled(t->answer[i].text) <= t->answer[i].text.len);
        }
    arena_free(a);
    arena_free(b);
    return 0;
}
