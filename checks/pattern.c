/* SPDX-License-Identifier: Apache-2.0
 * pattern: context-free signs of hallucination; see checks/pattern.h. Here: the view, and the check itself. */
#include "checks/pattern.h"

static void seen(struct pattern_view *v, const char *kind, size_t start, size_t end, double score, struct span why)
{
    finding_add(v->out, v->t, &check_pattern, kind, ON_ANSWER, v->part, start, end, score, SPAN_FMT, SPAN_ARG(why));
    if (score > v->score)
        v->score = score;
}
void pattern_seen_at(struct pattern_view *v, const char *kind, size_t start, size_t end, double score, const char *why, ...)
{
    va_list args;
    va_start(args, why);
    struct span sentence = arena_vprintf(v->t->arena, why, args);
    va_end(args);
    seen(v, kind, start, end, score, sentence);
}
void pattern_seen(struct pattern_view *v, const char *kind, size_t first, size_t past, double score, const char *why, ...)
{
    va_list args;
    va_start(args, why);
    struct span sentence = arena_vprintf(v->t->arena, why, args);
    va_end(args);
    seen(v, kind, v->w->list[first].start, v->w->list[past - 1].end, score, sentence);
}

static const void *code_of(const struct pattern_view *v, size_t word, bool fence)
{
    for (size_t i = 0; i < v->ncode; i++)
        if (v->w->list[word].at >= v->code[i].at && v->w->list[word].at < v->code[i].to && (!fence || v->code[i].fence))
            return &v->code[i];
    return NULL;
}
bool pattern_in_code(const struct pattern_view *v, size_t word)
{
    return v->ncode && code_of(v, word, false);
}
bool pattern_in_fence(const struct pattern_view *v, size_t word)
{
    return v->ncode && code_of(v, word, true);
}
bool pattern_given(const struct pattern_view *v, struct span folded)
{
    for (size_t i = 0; i < v->t->nprompt; i++)
        if (span_find(part_fold(v->t->arena, &v->t->prompt[i], FOLD_PLAIN)->text, folded))
            return true;
    return false;
}
bool pattern_asked_set(const struct pattern_view *v, const struct word_set *set)
{
    const struct words *w = v->question ? part_words(v->t->arena, (struct part *)(uintptr_t)v->question) : NULL;
    for (size_t i = 0; w && i < w->n; i++)
        if (w->list[i].kind == WORD_TEXT && word_in_set(w, i, set))
            return true;
    return false;
}

static void code_find(struct pattern_view *v)
{
    struct span s = v->w->fold->text;
    for (size_t i = 0; i < s.len && v->ncode < PATTERN_CODE_MOST;) {
        const char *tick = memchr(s.at + i, '`', s.len - i);
        if (!tick)
            return;
        size_t at = (size_t)(tick - s.at);
        bool fence = span_starts(span_cut(s, at, s.len), "```");
        size_t from = at + (fence ? 3 : 1), to = s.len;
        const char *close = fence ? span_find(span_cut(s, from, s.len), SPAN("```")) : memchr(s.at + from, '`', s.len - from);
        if (close)
            to = (size_t)(close - s.at);
        if (!fence && (!close || memchr(s.at + from, '\n', to - from))) {
            i = from; /* a lone tick */
            continue;
        }
        v->code[v->ncode].at = (uint32_t)at;
        v->code[v->ncode].to = (uint32_t)to;
        v->code[v->ncode++].fence = fence;
        if (fence && !close)
            v->open_fence = true;
        i = to + (close ? (fence ? 3 : 1) : 0);
    }
}

static struct score score(const struct check_env *env, struct transcript *t, enum side on, struct findings *out)
{
    (void)env;
    if (on != ON_ANSWER || !t->nanswer)
        return (struct score){ 0, "no answer" };
    struct pattern_view base = { .t = t, .out = out };
    for (size_t i = 0; i < t->nprompt; i++)
        base.has_context |= t->prompt[i].kind == PART_DOCUMENT || t->prompt[i].kind == PART_TOOL_RESULT || t->prompt[i].role == ROLE_CONTEXT;
    base.question = transcript_question(t);
    double most = 0;
    bool looked = false;
    for (size_t i = 0; i < t->nanswer; i++) {
        struct part *p = &t->answer[i];
        if ((p->kind != PART_TEXT && p->kind != PART_TOOL_CALL) || !p->text.len)
            continue;
        looked = true;
        struct pattern_view v = base;
        v.part = i;
        v.text = p->text;
        v.w = part_words(t->arena, p);
        if (p->kind == PART_TEXT && v.w->n) {
            code_find(&v);
            pattern_sources(&v);
            pattern_arithmetic(&v);
            pattern_calendar(&v);
            pattern_slots(&v);
            pattern_shape(&v);
            pattern_phrases(&v);
            pattern_leak(&v);
            pattern_contradiction(&v);
        }
        pattern_calls(&v);
        most = v.score > most ? v.score : most;
    }
    if (!looked)
        return (struct score){ 0, "no text in the answer" };
    double apart = pattern_choices(t, out);
    return (struct score){ apart > most ? apart : most, NULL };
}

const struct check check_pattern = {
    .name = "pattern",
    .doc = "signs of a made-up or broken answer that need no context: false sums, dates, references, slots, loops, leaks",
    .on = ON_ANSWER,
    .score = score,
};
