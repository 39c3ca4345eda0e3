/* SPDX-License-Identifier: Apache-2.0
 *
 * judge: one side of an exchange judged by all rules. Each part is folded once, all literals of all patterns are sought in
 * one pass over it, and only patterns whose literal is there are run; each check runs once. What an unknown condition
 * means for a rule is decided here, in one place (rule_end): a rule that acts and could not look does not let pass.
 */
#include "checks/ruleset/inside.h"
#include <stdio.h>
#include <stdlib.h>

unsigned check_index(const char *name)
{
    unsigned i = 0;
    while (i < CHECKS && all_checks[i] && strcmp(all_checks[i]->name, name) != 0)
        i++;
    return all_checks[i] ? i : CHECKS;
}
static size_t side_index(enum side side)
{
    return side == ON_PROMPT ? 0 : 1;
}
static struct part *side_parts(const struct transcript *t, enum side side, size_t *n)
{
    *n = side == ON_PROMPT ? t->nprompt : t->nanswer;
    return side == ON_PROMPT ? t->prompt : t->answer;
}

/* ---- verdicts ---- */

void verdict_begin(struct verdict *v)
{
    *v = (struct verdict){ .action = ACTION_ALLOW };
    for (size_t s = 0; s < 2; s++)
        for (size_t i = 0; i < CHECKS; i++)
            v->scores[s][i].value = -1;
}
double verdict_score(const struct verdict *v, size_t check, const char **not_run)
{
    double best = -1;
    const char *why = NULL;
    for (size_t s = 0; s < 2; s++) {
        const struct score *score = &v->scores[s][check];
        if (score->not_run)
            why = score->not_run;
        else if (score->value > best)
            best = score->value;
    }
    if (not_run)
        *not_run = best < 0 ? why : NULL;
    return best < 0 && why ? 0 : best;
}
void verdict_hit(struct arena *a, struct verdict *v, const struct rule *rule, const struct finding *list, size_t n)
{
    struct hit *hit = ARENA_PUSH(a, v->hits, v->nhits, v->hits_cap);
    *hit = (struct hit){ .rule = rule, .first_finding = (uint32_t)v->findings.n };
    for (size_t i = 0; i < n; i++) {
        if (v->findings.n >= VERDICT_FINDINGS_MOST) {
            v->findings.dropped += n - i;
            break;
        }
        *ARENA_PUSH(a, v->findings.list, v->findings.n, v->findings.cap) = list[i];
        hit->findings++;
    }
    if (rule->action > v->action || (rule->action == v->action && v->rule && rule->severity > v->rule->severity)) {
        v->action = rule->action;
        v->rule = rule;
    }
}
/* One more finding for a rule that may have spoken already. */
void verdict_hit_more(struct arena *a, struct verdict *v, const struct rule *rule, const struct finding *f)
{
    struct hit *hit = NULL;
    for (size_t i = 0; i < v->nhits && !hit; i++)
        if (v->hits[i].rule == rule)
            hit = &v->hits[i];
    if (!hit) {
        verdict_hit(a, v, rule, f, 1);
        return;
    }
    if (hit->findings >= LEAF_FINDINGS_MOST || v->findings.n >= VERDICT_FINDINGS_MOST) {
        v->findings.dropped++;
        return;
    }
    size_t at = hit->first_finding + hit->findings;
    ARENA_PUSH(a, v->findings.list, v->findings.n, v->findings.cap);
    memmove(&v->findings.list[at + 1], &v->findings.list[at], (v->findings.n - 1 - at) * sizeof *v->findings.list);
    v->findings.list[at] = *f;
    hit->findings++;
    for (size_t i = 0; i < v->nhits; i++)
        if (&v->hits[i] != hit && v->hits[i].first_finding >= at)
            v->hits[i].first_finding++;
}
void verdict_block_blind(struct arena *a, struct verdict *v, const struct rule *rule, const struct transcript *t, enum side side, enum truth why)
{
    size_t n;
    side_parts(t, side, &n);
    struct finding f = { .check = "pattern-rule", .kind = why == TRUTH_COSTLY ? "costly" : "unread", .on = side, .score = 1 };
    if (why == TRUTH_COSTLY)
        f.why = "a pattern is too costly on this text: the rule could not look, so it does not let it pass";
    else
        f.why = arena_printf(a, "the body could not be read (%s): the rule could not look, so it does not let it pass", t->unread_why ? t->unread_why : "unknown form").at;
    verdict_hit(a, v, rule, &f, n ? 1 : 0);
    if (v->action < ACTION_BLOCK) {
        v->action = ACTION_BLOCK;
        v->rule = rule;
    }
}

static int place_compare(const void *a, const void *b)
{
    const struct redaction *x = a, *y = b;
    if (x->on != y->on)
        return x->on < y->on ? -1 : 1;
    if (x->part != y->part)
        return x->part < y->part ? -1 : 1;
    if (x->start != y->start)
        return x->start < y->start ? -1 : 1;
    return x->end > y->end ? -1 : x->end < y->end;
}
static bool overlaps(const struct redaction *x, const struct redaction *y)
{
    return x->on == y->on && x->part == y->part && x->start < y->end && y->start < x->end;
}
static void merge(struct redaction *into, const struct redaction *r)
{
    if (!span_same(into->with, r->with))
        into->with = into->start == r->start && into->end == r->end ? into->with : SPAN("[REDACTED]");
    into->start = r->start < into->start ? r->start : into->start;
    into->end = r->end > into->end ? r->end : into->end;
}
/* One more, as a stream brings them: mostly the last of all, so it is sought from the end. */
static void redact_one(struct arena *a, struct verdict *v, const struct redaction *r)
{
    size_t at = v->nredactions, to;
    while (at > 0 && place_compare(&v->redactions[at - 1], r) > 0)
        at--;
    to = at;
    struct redaction merged = *r;
    while (at > 0 && overlaps(&v->redactions[at - 1], &merged))
        merge(&merged, &v->redactions[--at]);
    while (to < v->nredactions && overlaps(&v->redactions[to], &merged))
        merge(&merged, &v->redactions[to++]);
    if (at == to)
        ARENA_PUSH(a, v->redactions, v->nredactions, v->redactions_cap);
    else
        v->nredactions -= to - at - 1;
    if (at == to || to - at > 1)
        memmove(&v->redactions[at + 1], &v->redactions[to], (v->nredactions - at - 1) * sizeof merged);
    v->redactions[at] = merged;
}
void verdict_redact(struct arena *a, struct verdict *v, const struct place *places, size_t n)
{
    if (n == 1) {
        redact_one(a, v, &(struct redaction){ places->on, places->part, places->start, places->end, places->with });
        return;
    }
    for (size_t i = 0; i < n; i++)
        *ARENA_PUSH(a, v->redactions, v->nredactions, v->redactions_cap) =
            (struct redaction){ places[i].on, places[i].part, places[i].start, places[i].end, places[i].with };
    if (n)
        qsort(v->redactions, v->nredactions, sizeof *v->redactions, place_compare);
    size_t kept = 0;
    for (size_t i = 0; i < v->nredactions; i++) {
        if (kept && overlaps(&v->redactions[kept - 1], &v->redactions[i]))
            merge(&v->redactions[kept - 1], &v->redactions[i]);
        else
            v->redactions[kept++] = v->redactions[i];
    }
    v->nredactions = kept;
}
struct span replacement(struct arena *a, const char *kind)
{
    size_t n = kind ? strlen(kind) : 0;
    if (!n || n > 40)
        return SPAN("[REDACTED]");
    char *text = arena_alloc_raw(a, n + 2);
    text[0] = '[';
    for (size_t i = 0; i < n; i++) {
        char c = kind[i];
        text[i + 1] = c >= 'a' && c <= 'z' ? (char)(c - 32) : (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ? c : '-';
    }
    text[n + 1] = ']';
    return (struct span){ text, n + 2 };
}

/* ---- leaves ---- */

void judging_begin(struct judging *j, const struct ruleset *rs, const struct check_env *env, struct transcript *t, const struct facts *facts, struct verdict *v)
{
    *j = (struct judging){ .rs = rs, .env = env, .t = t, .facts = facts, .v = v, .a = t->arena };
}
bool condition_wants_part(const struct condition *c, const struct part *p)
{
    return !(c->roles | c->kinds) || (c->roles & 1u << p->role) || (c->kinds & 1u << p->kind);
}
bool condition_wants_finding(const struct condition *c, const struct finding *f)
{
    if (f->score < c->at_least && f->score < 1)
        return false;
    for (size_t i = 0; i < c->nfindings_of; i++)
        if (f->kind && strcmp(f->kind, c->findings_of[i]) == 0)
            return true;
    return c->nfindings_of == 0;
}
static const struct part_text *text_of(struct judging *j, enum side side, enum fold_strength strength, size_t part)
{
    size_t s = side_index(side), n;
    struct part *parts = side_parts(j->t, side, &n);
    const struct text_set *set = &j->rs->sets[strength];
    if (!j->texts[s][strength])
        j->texts[s][strength] = arena_alloc(j->a, n * sizeof(struct part_text));
    struct part_text *pt = &j->texts[s][strength][part];
    if (pt->fold)
        return pt;
    pt->fold = part_fold(j->a, &parts[part], strength);
    pt->is_ascii = !pt->fold->map;
    pt->seen = arena_alloc_raw(j->a, set->bits_words * sizeof *pt->seen);
    memcpy(pt->seen, set->unconditional, set->bits_words * sizeof *pt->seen);
    if (set->required)
        automaton_mark(set->required, pt->fold->text, pt->seen);
    return pt;
}

static enum truth judge_pattern(struct judging *j, const struct condition *c)
{
    enum fold_strength strength = c->kind == CONDITION_WORDS ? FOLD_PLAIN : FOLD_PATTERN;
    bool redacts = j->action == ACTION_REDACT, costly = false;
    size_t found = 0;
    for (unsigned side = ON_PROMPT; side <= ON_ANSWER; side++) {
        size_t n;
        struct part *parts = side_parts(j->t, side, &n);
        if (!(c->on & side))
            continue;
        for (size_t i = 0; i < n; i++) {
            if (!parts[i].text.len || !condition_wants_part(c, &parts[i]))
                continue;
            const struct part_text *pt = text_of(j, side, strength, i);
            if (!(pt->seen[c->pattern->id / 64] >> (c->pattern->id % 64) & 1))
                continue;
            size_t start, end, from = 0;
            while (redacts || found < LEAF_FINDINGS_MOST) {
                enum search s = pattern_search(c->pattern, pt->fold->text, pt->is_ascii, from, false, &start, &end);
                if (s == SEARCH_COSTLY)
                    costly = true;
                if (s != SEARCH_MATCH)
                    break;
                if (start > end) { /* \K may do that */
                    size_t swap = start;
                    start = end;
                    end = swap;
                }
                from = end > from ? end : from + 1;
                size_t at, to;
                fold_origin(pt->fold, start, end, &at, &to);
                if (found++ < LEAF_FINDINGS_MOST && j->findings->n < FINDINGS_MOST)
                    *ARENA_PUSH(j->a, j->findings->list, j->findings->n, j->findings->cap) = (struct finding){
                        .check = c->kind == CONDITION_WORDS ? "words" : "pattern-rule", .kind = "", .on = side, .part = (uint32_t)i, .start = (uint32_t)at,
                        .end = (uint32_t)to, .score = 1, .why = c->kind == CONDITION_WORDS ? "one of the rule's words" : "the rule's pattern matches" };
                if (redacts && j->nplaces < PLACES_MOST)
                    *ARENA_PUSH(j->a, j->places, j->nplaces, j->places_cap) = (struct place){ side, (uint32_t)i, (uint32_t)at, (uint32_t)to, SPAN("[REDACTED]") };
                else if (redacts)
                    return TRUTH_COSTLY;
                if (from >= pt->fold->text.len)
                    break;
            }
        }
    }
    /* a redaction that could not look everywhere is not done */
    return costly && (!found || redacts) ? TRUTH_COSTLY : found ? TRUTH_YES : TRUTH_NO;
}

static void run_check(struct judging *j, enum side side, unsigned check)
{
    size_t s = side_index(side);
    if (j->ran[s][check])
        return;
    j->ran[s][check] = true;
    struct score score = { 0, "does not look at this side" };
    if (all_checks[check]->on & side)
        score = all_checks[check]->score(j->env, j->t, side, &j->found[s][check]);
    j->v->scores[s][check] = score;
}
static enum truth judge_check(struct judging *j, const struct condition *c)
{
    bool ran = false, held = false;
    for (unsigned side = ON_PROMPT; side <= ON_ANSWER; side++) {
        if (!(c->on & side))
            continue;
        run_check(j, side, c->check);
        const struct score *score = &j->v->scores[side_index(side)][c->check];
        if (score->not_run)
            continue;
        ran = true;
        const struct findings *found = &j->found[side_index(side)][c->check];
        bool by_finding = c->nfindings_of || c->roles || c->kinds, here = !by_finding && score->value >= c->at_least;
        size_t n, added = 0;
        struct part *parts = side_parts(j->t, side, &n);
        for (size_t i = 0; i < found->n && (here || by_finding); i++) {
            const struct finding *f = &found->list[i];
            if (f->part >= n || !condition_wants_part(c, &parts[f->part]) || !(here && !by_finding ? true : condition_wants_finding(c, f)))
                continue;
            here = true;
            if (j->findings->n < FINDINGS_MOST) {
                *ARENA_PUSH(j->a, j->findings->list, j->findings->n, j->findings->cap) = *f;
                added++;
            }
            if (j->action != ACTION_REDACT)
                continue;
            if (j->nplaces >= PLACES_MOST)
                return TRUTH_COSTLY;
            size_t start = f->start, end = f->end;
            if (start == end)
                start = 0, end = parts[f->part].text.len; /* the whole part */
            *ARENA_PUSH(j->a, j->places, j->nplaces, j->places_cap) =
                (struct place){ side, f->part, (uint32_t)start, (uint32_t)end, replacement(j->a, f->kind) };
        }
        if (j->action == ACTION_REDACT && found->dropped)
            return TRUTH_COSTLY; /* more than it may list: they would stay */
        if (here && !added && n && j->findings->n < FINDINGS_MOST)
            *ARENA_PUSH(j->a, j->findings->list, j->findings->n, j->findings->cap) = (struct finding){
                .check = all_checks[c->check]->name, .kind = "", .on = side, .part = 0, .score = score->value,
                .why = arena_printf(j->a, "the score of %s is %.2f, at least %g", all_checks[c->check]->name, score->value, c->at_least).at };
        held |= here;
    }
    if (!ran)
        j->v->not_run++;
    return held ? TRUTH_YES : ran ? TRUTH_NO : TRUTH_NOT_RUN;
}

/* ---- trees ---- */

static bool is_unread(const struct transcript *t, unsigned sides)
{
    return ((sides & ON_PROMPT) && t->prompt_reading == READING_UNREAD) || ((sides & ON_ANSWER) && t->answer_reading == READING_UNREAD);
}
static bool field_asks_absence(const struct field *f)
{
    return f->comparison == COMPARE_IS_NOT || f->comparison == COMPARE_NOT_IN || (f->comparison == COMPARE_EXISTS && !f->exists);
}
enum truth condition_judge(struct judging *j, const struct condition *c)
{
    size_t findings = j->findings->n, places = j->nplaces;
    enum truth truth = TRUTH_NO, one;
    switch (c->kind) {
    case CONDITION_PATTERN: case CONDITION_WORDS: truth = judge_pattern(j, c); break;
    case CONDITION_CHECK: truth = judge_check(j, c); break;
    case CONDITION_FIELD:
        truth = field_judge(c->field, j->t, j->facts);
        if (truth != TRUTH_COSTLY && is_unread(j->t, field_body(c->field)))
            truth = truth == TRUTH_YES && !field_asks_absence(c->field) ? TRUTH_YES : TRUTH_UNREAD;
        return truth;
    case CONDITION_RATE:
        if (!j->facts->rates) {
            j->v->not_run++;
            return TRUTH_NOT_RUN;
        }
        return rate_now(j->facts->rates, c->rate, j->facts) > c->rate->more_than ? TRUTH_YES : TRUTH_NO;
    case CONDITION_RULE: return condition_judge(j, c->rule->when);
    case CONDITION_NOT:
        one = condition_judge(j, c->of[0]);
        j->findings->n = findings;
        j->nplaces = places;
        return one == TRUTH_NO ? TRUTH_YES : one == TRUTH_YES ? TRUTH_NO : one;
    case CONDITION_ALL:
        truth = TRUTH_YES;
        for (size_t i = 0; i < c->n; i++) {
            one = condition_judge(j, c->of[i]);
            if (one == TRUTH_NO) {
                truth = TRUTH_NO;
                break;
            }
            if (one > truth)
                truth = one;
        }
        break;
    case CONDITION_ANY: {
        enum truth unknown = TRUTH_NO;
        for (size_t i = 0; i < c->n; i++) {
            one = condition_judge(j, c->of[i]);
            if (one == TRUTH_YES)
                truth = TRUTH_YES;
            else if (one > unknown)
                unknown = one;
            if (truth == TRUTH_YES && j->action != ACTION_REDACT)
                break;
        }
        /* what one alternative could not look at, a redaction of another does not cover */
        if (truth != TRUTH_YES || (j->action == ACTION_REDACT && unknown >= TRUTH_UNREAD))
            truth = unknown;
        break;
    }
    }
    if (truth == TRUTH_NO && is_unread(j->t, c->n ? 0 : c->on))
        truth = TRUTH_UNREAD;
    if (truth == TRUTH_NO) {
        j->findings->n = findings;
        j->nplaces = places;
    }
    return truth;
}

/* ---- a side ---- */

static void count_rates(const struct ruleset *rs, const struct facts *facts, const struct verdict *v, const struct transcript *t, enum side side, size_t hits_before,
                        enum action action_before)
{
    for (size_t i = 0; i < rs->nrates; i++) {
        const struct rate *r = rs->rates[i];
        bool counts = false, counted = false;
        /* several rules may watch the same counter: it is counted once */
        for (size_t k = 0; k < i && !counted; k++)
            counted = rs->rates[k]->of == r->of && rs->rates[k]->by == r->by && rs->rates[k]->over_ms == r->over_ms
                      && (r->of != RATE_RULE || strcmp(rs->rates[k]->rule_id, r->rule_id) == 0);
        if (counted)
            continue;
        switch (r->of) {
        case RATE_REQUESTS: break; /* counted before the rules look */
        case RATE_FLAGS: counts = action_before == ACTION_ALLOW && v->action > ACTION_ALLOW; break;
        case RATE_REFUSALS: {
            unsigned refusal = check_index("refusal");
            counts = side == ON_ANSWER && (t->is_refused_by_provider || (refusal < CHECKS && v->scores[1][refusal].value >= 0.5));
            break;
        }
        case RATE_RULE:
            for (size_t k = hits_before; k < v->nhits; k++)
                counts |= strcmp(v->hits[k].rule->id, r->rule_id) == 0;
            break;
        }
        if (counts)
            rate_count(facts->rates, r, facts);
    }
}
static void count_requests(const struct ruleset *rs, const struct facts *facts)
{
    for (size_t i = 0; i < rs->nrates; i++) {
        const struct rate *r = rs->rates[i];
        bool counted = r->of != RATE_REQUESTS;
        for (size_t k = 0; k < i && !counted; k++)
            counted = rs->rates[k]->of == r->of && rs->rates[k]->by == r->by && rs->rates[k]->over_ms == r->over_ms;
        if (!counted)
            rate_count(facts->rates, r, facts);
    }
}

/* What a rule's truth means; *unread keeps the first rule that only flags and could not look. */
static void rule_end(struct judging *j, const struct compiled *r, enum truth truth, struct findings *findings, size_t places_before, enum side side, const struct rule **unread)
{
    struct verdict *v = j->v;
    if (truth != TRUTH_YES)
        j->nplaces = places_before;
    switch (truth) {
    case TRUTH_YES: verdict_hit(j->a, v, r->public, findings->list, findings->n); break;
    case TRUTH_NO: case TRUTH_NOT_RUN: break;
    case TRUTH_UNREAD: case TRUTH_COSTLY:
        v->not_run++;
        if (truth == TRUTH_UNREAD)
            v->unread = true;
        if (r->public->action >= ACTION_REDACT)
            verdict_block_blind(j->a, v, r->public, j->t, side, truth);
        else if (truth == TRUTH_UNREAD && !*unread)
            *unread = r->public;
        break;
    }
}

void judge_side(const struct ruleset *rs, const struct check_env *env, struct transcript *t, const struct facts *facts, struct verdict *v, enum side side,
                const struct compiled *only)
{
    struct judging j;
    const struct rule *unread = NULL;
    size_t hits_before = v->nhits;
    enum action action_before = v->action;
    judging_begin(&j, rs, env, t, facts, v);
    if (side == ON_PROMPT && facts->rates && rs->nrates)
        count_requests(rs, facts);
    for (unsigned i = 0; i < CHECKS && !only; i++)
        if (rs->checks[side_index(side)] >> i & 1)
            run_check(&j, side, i);
    for (size_t i = 0; i < rs->n; i++) {
        const struct compiled *r = &rs->compiled[i];
        bool here = (r->public->on == ON_PROMPT) == (side == ON_PROMPT), spoke = false;
        if (only ? r != only : !r->enabled)
            continue;
        for (size_t k = 0; k < v->nhits && here && side == ON_ANSWER; k++) /* stream_scan has found it */
            spoke |= v->hits[k].rule == r->public;
        if (!here || spoke)
            continue;
        struct findings findings = { 0 };
        size_t places = j.nplaces;
        j.action = r->public->action;
        j.findings = &findings;
        enum truth truth = condition_judge(&j, r->when);
        rule_end(&j, r, truth, &findings, places, side, &unread);
    }
    if (unread && v->action == ACTION_ALLOW) { /* said once, not by every rule */
        verdict_hit(j.a, v, unread, NULL, 0);
        v->action = ACTION_FLAG;
        v->rule = unread;
    }
    verdict_redact(j.a, v, j.places, j.nplaces);
    if (side == ON_ANSWER)
        v->is_answer_judged = true;
    if (facts->rates && rs->nrates)
        count_rates(rs, facts, v, t, side, hits_before, action_before);
}
void judge_prompt(const struct ruleset *rs, const struct check_env *env, struct transcript *t, const struct facts *facts, struct verdict *v)
{
    judge_side(rs, env, t, facts, v, ON_PROMPT, NULL);
}
void judge_answer(const struct ruleset *rs, const struct check_env *env, struct transcript *t, const struct facts *facts, struct verdict *v)
{
    judge_side(rs, env, t, facts, v, ON_ANSWER, NULL);
}
void judge_checks(unsigned checks, const struct check_env *env, struct transcript *t, struct verdict *v, struct findings *findings)
{
    for (unsigned i = 0; i < CHECKS && all_checks[i]; i++)
        for (unsigned side = ON_PROMPT; side <= ON_ANSWER; side++)
            if ((checks >> i & 1) && (all_checks[i]->on & side))
                v->scores[side_index(side)][i] = all_checks[i]->score(env, t, side, findings);
}
