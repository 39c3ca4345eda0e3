/* SPDX-License-Identifier: Apache-2.0
 *
 * stream: an answer judged while it grows, so that not one byte of a blocked match leaves and nothing else is held.
 *
 * stream_scan_new first judges what is known before the answer (conditions on the prompt, fields, rates) and keeps, of each
 * acting rule, the leaves that are still open: patterns, words, checks that can settle. Rules that cannot be cut down so
 * hold the answer whole. Each part then runs through up to three lanes, each of which tells how far it is sure:
 *
 *   patterns   the folded text so far; PCRE2 hard partial matching from the last open starting point
 *   words      the same over the plain folding
 *   checks     the check's own `settled`, then its score over a window that has grown past it
 *
 * One automaton over what matches begin with runs over new bytes only; a pattern is tried where it could begin, so most
 * deltas run no pattern at all. An open match of more than BACKOFF_FROM bytes is tried again only when the text has grown by
 * a sixteenth of it, so all tries together stay linear. How much an open match may hold is the pattern's own affair (a
 * bounded quantifier bounds it); the proxy's limit on held bytes is the last bound.
 */
#include "checks/ruleset/inside.h"
#include "checks/ruleset/plain.h"

enum { BACKOFF_FROM = 256, CHECK_CONTEXT = 256, CHECK_BACKOFF_FROM = 1024, SCRATCH = 64 << 20 };
#define NOWHERE SIZE_MAX

struct leaf {
    const struct condition *c;
    const struct rule *rule;
    uint32_t next;              /* 1 + index of the next leaf with the same pattern; 0: none */
};
struct lane {                   /* leaves that look at one folding */
    struct leaf *leaves;
    size_t n, cap;
    uint32_t *first;            /* by pattern id: 1 + index of its first leaf */
    bool is_loose;              /* some leaf has no known beginning */
    bool begins_beyond_ascii;
};
struct trial {                  /* a leaf on a part; places in the folded text */
    size_t open;                /* where a match may have begun, or NOWHERE */
    size_t candidate;           /* where one might, this time */
    size_t again;               /* not before the text is so long */
    bool wanted;
};
struct lane_state {
    size_t scanned;
    uint32_t state;
    struct trial *trials;
};
struct check_state {
    size_t done, again;
};
struct part_state {
    struct fold_stream fold;
    struct plain plain;
    struct lane_state lanes[2];
    struct check_state checks[CHECKS];
    size_t seen, settled;
    bool is_ended;
};
struct stream_scan {
    const struct ruleset *rs;
    const struct check_env *env;
    struct transcript *t;
    struct verdict *v;
    struct arena *a, *scratch;
    struct lane lanes[2];       /* by enum fold_strength */
    struct leaf *checks;
    size_t nchecks, checks_cap;
    unsigned checks_used;
    struct part_state **parts;
    size_t nparts, parts_cap;
    bool holds;
    size_t barrier;             /* where the earliest match that blocks begins, in the part that is fed */
};

/* ---- what is still open ---- */

enum openness { OPEN_NO, OPEN_YES, OPEN_LEAVES, OPEN_HOLDS };

static void leaf_add(struct stream_scan *s, const struct condition *c, const struct rule *rule)
{
    struct leaf leaf = { .c = c, .rule = rule };
    if (c->kind == CONDITION_CHECK) {
        *ARENA_PUSH(s->a, s->checks, s->nchecks, s->checks_cap) = leaf;
    } else {
        struct lane *lane = &s->lanes[c->kind == CONDITION_WORDS ? FOLD_PLAIN : FOLD_PATTERN];
        *ARENA_PUSH(s->a, lane->leaves, lane->n, lane->cap) = leaf;
    }
}
static enum openness open_condition(struct stream_scan *s, struct judging *j, const struct condition *c, const struct rule *rule)
{
    if (condition_is_early(c))
        switch (condition_judge(j, c)) {
        case TRUTH_YES: return OPEN_YES;
        case TRUTH_NO: case TRUTH_NOT_RUN: return OPEN_NO;
        case TRUTH_UNREAD: case TRUTH_COSTLY: return OPEN_HOLDS;
        }
    size_t before[3] = { s->lanes[0].n, s->lanes[1].n, s->nchecks };
    enum openness all = OPEN_HOLDS, one;
    switch (c->kind) {
    case CONDITION_PATTERN: case CONDITION_WORDS: case CONDITION_CHECK:
        if (!condition_streams(c))
            return OPEN_HOLDS;
        leaf_add(s, c, rule);
        return OPEN_LEAVES;
    case CONDITION_RULE: return open_condition(s, j, c->rule->when, rule);
    case CONDITION_NOT:
        one = open_condition(s, j, c->of[0], rule);
        all = one == OPEN_NO ? OPEN_YES : one == OPEN_YES ? OPEN_NO : OPEN_HOLDS;
        break;
    case CONDITION_ALL:
        all = OPEN_YES;
        for (size_t i = 0; i < c->n && all != OPEN_NO; i++) {
            one = open_condition(s, j, c->of[i], rule);
            if (one == OPEN_NO)
                all = OPEN_NO;
            else if (one == OPEN_HOLDS || (one == OPEN_LEAVES && all == OPEN_LEAVES))
                all = OPEN_HOLDS;
            else if (one == OPEN_LEAVES && all == OPEN_YES)
                all = OPEN_LEAVES;
        }
        break;
    case CONDITION_ANY:
        all = OPEN_NO;
        for (size_t i = 0; i < c->n; i++) {
            one = open_condition(s, j, c->of[i], rule);
            if (one == OPEN_YES && rule->action == ACTION_BLOCK) {
                all = OPEN_YES;
                break;
            }
            if (one == OPEN_YES)
                one = OPEN_HOLDS; /* true already, but what else must be redacted? */
            all = one > all ? one : all;
        }
        break;
    default: break;
    }
    if (all != OPEN_LEAVES) {
        s->lanes[0].n = before[0];
        s->lanes[1].n = before[1];
        s->nchecks = before[2];
    }
    return all;
}

static void scratch_free(void *p)
{
    arena_free(p);
}
struct stream_scan *stream_scan_new(const struct ruleset *rs, const struct check_env *env, struct transcript *t, const struct facts *facts, struct verdict *v)
{
    struct stream_scan *s = arena_alloc(t->arena, sizeof *s);
    *s = (struct stream_scan){ .rs = rs, .env = env, .t = t, .v = v, .a = t->arena };
    struct judging j;
    judging_begin(&j, rs, env, t, facts, v);
    for (size_t i = 0; i < rs->n; i++) {
        const struct compiled *r = &rs->compiled[i];
        struct findings findings = { 0 };
        if (!r->enabled || !(r->public->on & ON_ANSWER) || r->public->action < ACTION_REDACT)
            continue;
        j.action = ACTION_BLOCK; /* places are not wanted here */
        j.findings = &findings;
        switch (open_condition(s, &j, r->when, r->public)) {
        case OPEN_YES:
            if (r->public->action == ACTION_BLOCK)
                verdict_hit(s->a, v, r->public, findings.list, findings.n);
            else
                s->holds = true;
            break;
        case OPEN_HOLDS: s->holds = true; break;
        case OPEN_NO: case OPEN_LEAVES: break;
        }
    }
    for (size_t strength = 0; strength < 2; strength++) {
        struct lane *lane = &s->lanes[strength];
        lane->first = arena_alloc(s->a, (rs->sets[strength].n + 1) * sizeof *lane->first);
        for (size_t i = 0; i < lane->n; i++) {
            const struct pattern *p = lane->leaves[i].c->pattern;
            lane->leaves[i].next = lane->first[p->id];
            lane->first[p->id] = (uint32_t)i + 1;
            lane->is_loose |= !p->begins.n;
            lane->begins_beyond_ascii |= p->begins_beyond_ascii;
        }
    }
    for (size_t i = 0; i < s->nchecks; i++)
        s->checks_used |= 1u << s->checks[i].c->check;
    if (s->nchecks || s->lanes[FOLD_PLAIN].n) {
        s->scratch = arena_new(SCRATCH);
        arena_defer(s->a, scratch_free, s->scratch);
    }
    return s;
}

static struct part_state *part_state(struct stream_scan *s, size_t part)
{
    while (s->nparts <= part) {
        struct part_state *ps = arena_alloc(s->a, sizeof *ps);
        fold_stream_begin(&ps->fold);
        plain_begin(&ps->plain);
        for (size_t k = 0; k < 2; k++) {
            ps->lanes[k].trials = arena_alloc(s->a, (s->lanes[k].n + 1) * sizeof(struct trial));
            for (size_t i = 0; i < s->lanes[k].n; i++)
                ps->lanes[k].trials[i] = (struct trial){ NOWHERE, NOWHERE, 0, condition_wants_part(s->lanes[k].leaves[i].c, &s->t->answer[s->nparts]) };
        }
        *ARENA_PUSH(s->a, s->parts, s->nparts, s->parts_cap) = ps;
    }
    return s->parts[part];
}

/* ---- a match ---- */

/* Returns true when nothing more may leave. */
static bool matched(struct stream_scan *s, const struct leaf *leaf, const struct finding *f, struct span with)
{
    verdict_hit_more(s->a, s->v, leaf->rule, f);
    if (leaf->rule->action == ACTION_BLOCK)
        return true;
    if (s->v->nredactions >= STREAM_PLACES_MOST) {
        verdict_block_blind(s->a, s->v, leaf->rule, s->t, ON_ANSWER, TRUTH_COSTLY);
        return true;
    }
    struct place place = { ON_ANSWER, f->part, f->start, f->end, with };
    verdict_redact(s->a, s->v, &place, 1);
    return false;
}

/* ---- patterns and words ---- */

struct view {                   /* a part's folding, of either kind */
    struct span text;
    struct fold fold;           /* to lead places back */
    bool is_ascii;
};

static void candidate(struct lane *lane, struct lane_state *ls, uint32_t pattern, size_t at)
{
    for (uint32_t i = lane->first[pattern]; i; i = lane->leaves[i - 1].next)
        if (ls->trials[i - 1].wanted && at < ls->trials[i - 1].candidate)
            ls->trials[i - 1].candidate = at;
}
/* Where the new bytes might begin a match. */
static void candidates(const struct text_set *set, struct lane *lane, struct lane_state *ls, struct span text)
{
    const struct automaton *m = set->begins;
    if (m) {
        uint32_t state = ls->state;
        size_t pair = m->npairs ? automaton_pair(m, text, ls->scanned) : 0;
        for (size_t i = ls->scanned; i < text.len; i++) {
            if (!state)
                i = automaton_skip(m, text, i, &pair);
            state = automaton_step(m, state, (unsigned char)text.at[i]);
            for (uint32_t e = m->ends_at[state]; e; e = m->ends_at[m->fail[e]])
                for (uint32_t k = m->end_list[e]; k; k = m->entries[k].next)
                    candidate(lane, ls, m->entries[k].owner, i + 1 - m->depth[e]);
        }
        ls->state = state;
        for (; state; state = m->fail[state])
            for (uint32_t k = m->through[state]; k; k = m->entries[k].next)
                candidate(lane, ls, m->entries[k].owner, text.len - m->depth[state]);
    }
    for (size_t l = 0; l < lane->n && lane->is_loose; l++) {
        const struct pattern *p = lane->leaves[l].c->pattern;
        if (p->begins.n || !ls->trials[l].wanted)
            continue;
        size_t i = ls->scanned;
        while (p->has_first && i < text.len && !first_has(p->first, (unsigned char)text.at[i]))
            i++;
        if (i < text.len)
            ls->trials[l].candidate = i;
    }
}

/* false: blocked. */
static bool try_leaf(struct stream_scan *s, size_t part, const struct view *view, const struct leaf *leaf, struct trial *trial, bool is_end)
{
    size_t from = trial->open < trial->candidate ? trial->open : trial->candidate, start, end, at, to;
    bool is_words = leaf->c->kind == CONDITION_WORDS;
    trial->candidate = NOWHERE;
    if (trial->open != NOWHERE && view->text.len < trial->again && !is_end)
        return true;
    trial->open = NOWHERE;
    while (from < view->text.len) {
        switch (pattern_search(leaf->c->pattern, view->text, view->is_ascii, from, !is_end, &start, &end)) {
        case SEARCH_NONE: return true;
        case SEARCH_PARTIAL:
            if (start >= view->text.len)
                return true; /* only looked back (\b): what comes is tried when it comes */
            trial->open = start;
            trial->again = view->text.len + (view->text.len - start > BACKOFF_FROM ? (view->text.len - start) / 16 : 0);
            return true;
        case SEARCH_COSTLY:
            s->v->not_run++;
            verdict_block_blind(s->a, s->v, leaf->rule, s->t, ON_ANSWER, TRUTH_COSTLY);
            s->barrier = 0;
            return false;
        case SEARCH_MATCH:
            fold_origin(&view->fold, start, end, &at, &to);
            struct finding f = { .check = is_words ? "words" : "pattern-rule", .kind = "", .on = ON_ANSWER, .part = (uint32_t)part, .start = (uint32_t)at,
                                 .end = (uint32_t)to, .score = 1, .why = is_words ? "one of the rule's words" : "the rule's pattern matches" };
            if (matched(s, leaf, &f, SPAN("[REDACTED]"))) {
                s->barrier = at < s->barrier ? at : s->barrier;
                return false;
            }
            from = end > from ? end : from + 1;
        }
    }
    return true;
}

/* The letter behind what is folded may still be joined by a mark. Could a match begin with it as it stands? (With its mark
 * it is no ASCII letter any more: asked before.) */
static bool tail_is_free(struct stream_scan *s, struct part_state *ps, struct lane *lane, struct span original)
{
    struct lane_state *ls = &ps->lanes[FOLD_PATTERN];
    const struct automaton *m = s->rs->sets[FOLD_PATTERN].begins;
    struct span tail = span_cut(original, ps->fold.original_len, original.len), text = ps->fold.so_far.text, folded;
    char space[64];
    if (lane->begins_beyond_ascii || tail.len > 16)
        return false;
    if (tail.len == 1 && (unsigned char)tail.at[0] < 0x80) {
        folded = tail;
    } else {
        for (size_t i = 0; i < tail.len;) { /* whole characters only */
            unsigned char c = (unsigned char)tail.at[i];
            size_t n = c < 0x80 ? 1 : c >= 0xc2 && c < 0xe0 ? 2 : c >= 0xe0 && c < 0xf0 ? 3 : c >= 0xf0 && c < 0xf5 ? 4 : 0;
            if (!n || i + n > tail.len)
                return false;
            i += n;
        }
        struct arena_mark mark = arena_mark(s->a);
        const struct fold *f = fold_text(s->a, tail, FOLD_PATTERN);
        bool fits = f->text.len <= sizeof space;
        if (fits)
            memcpy(space, f->text.at, f->text.len);
        folded = (struct span){ space, fits ? f->text.len : 0 };
        arena_rewind(s->a, mark);
        if (!fits)
            return false;
    }
    uint32_t state = ls->state;
    for (size_t i = 0; i < folded.len; i++) {
        if (m) {
            state = automaton_step(m, state, (unsigned char)folded.at[i]);
            for (uint32_t e = folded.len > 1 ? m->ends_at[state] : 0; e; e = m->ends_at[m->fail[e]])
                if (m->depth[e] <= i + 1)
                    return false;
        }
        for (size_t l = 0; l < lane->n && lane->is_loose; l++) {
            const struct pattern *p = lane->leaves[l].c->pattern;
            if (!p->begins.n && ls->trials[l].wanted && (!p->has_first || first_has(p->first, (unsigned char)folded.at[i])))
                return false;
        }
    }
    if (!m || !state)
        return true;
    /* A literal begins in the tail, but a \b or what stands before may forbid it: ask the pattern, where that is cheap. (One that
     * began before the tail was asked already.) */
    bool can_ask = ps->fold.is_identity && tail.len == 1;
    struct span longer = { text.len ? text.at : original.at, text.len + 1 };
    for (; state; state = m->fail[state])
        for (int list = 0; list < 2 && m->depth[state] <= folded.len; list++)
            for (uint32_t k = list ? m->end_list[state] : m->through[state]; k; k = m->entries[k].next)
                for (uint32_t i = lane->first[m->entries[k].owner]; i; i = lane->leaves[i - 1].next) {
                    size_t start, end;
                    if (!ls->trials[i - 1].wanted)
                        continue;
                    if (!can_ask || pattern_search(lane->leaves[i - 1].c->pattern, longer, true, text.len, true, &start, &end) != SEARCH_NONE)
                        return false;
                }
    return true;
}

/* How far the lane is sure, in the original; *blocked when nothing more may leave. */
static size_t lane_feed(struct stream_scan *s, size_t part, struct part_state *ps, enum fold_strength strength, struct span original, bool is_end, bool *blocked)
{
    struct lane *lane = &s->lanes[strength];
    struct lane_state *ls = &ps->lanes[strength];
    struct view view;
    size_t sure;
    if (strength == FOLD_PATTERN) {
        fold_stream_feed(s->a, &ps->fold, original, is_end);
        view = (struct view){ ps->fold.so_far.text, ps->fold.so_far, !ps->fold.so_far.map };
        view.fold.original = original;
        sure = ps->fold.original_len;
    } else {
        arena_reset(s->scratch);
        plain_feed(s->a, s->scratch, &ps->plain, original, is_end);
        view.text = (struct span){ ps->plain.text, ps->plain.len };
        view.fold = (struct fold){ .text = view.text, .map = ps->plain.map, .original = original };
        view.is_ascii = ps->plain.is_ascii;
        sure = ps->plain.done;
    }
    candidates(&s->rs->sets[strength], lane, ls, view.text);
    ls->scanned = view.text.len;
    size_t open = NOWHERE;
    for (size_t i = 0; i < lane->n; i++) {
        struct trial *trial = &ls->trials[i];
        if (trial->open == NOWHERE && trial->candidate == NOWHERE)
            continue;
        if (!try_leaf(s, part, &view, &lane->leaves[i], trial, is_end))
            *blocked = true; /* the others are asked all the same: a match of theirs may begin before */
        open = trial->open < open ? trial->open : open;
    }
    if (open != NOWHERE)
        return view.fold.map ? view.fold.map[open] : open;
    if (strength == FOLD_PATTERN && sure < original.len && tail_is_free(s, ps, lane, original))
        return original.len;
    return sure;
}

/* ---- checks ---- */

static size_t checks_feed(struct stream_scan *s, size_t part, struct part_state *ps, struct span original, bool is_end, bool *blocked)
{
    size_t sure = original.len;
    const struct part *p = &s->t->answer[part];
    for (unsigned c = 0; c < CHECKS; c++) {
        struct check_state *cs = &ps->checks[c];
        if (!(s->checks_used >> c & 1))
            continue;
        const struct check *check = all_checks[c];
        if (original.len > cs->done && (is_end || original.len >= cs->again)) {
            size_t from = cs->done > CHECK_CONTEXT ? cs->done - CHECK_CONTEXT : 0;
            while (from < original.len && ((unsigned char)original.at[from] & 0xc0) == 0x80)
                from++;
            struct span window = span_cut(original, from, original.len);
            size_t settled = is_end ? original.len : from + check->settled(window);
            if (settled > cs->done) {
                arena_reset(s->scratch);
                struct part one = { .role = p->role, .kind = p->kind, .choice = p->choice, .channel = p->channel, .name = p->name, .text = window };
                struct transcript t = { .arena = s->scratch, .api = s->t->api, .answer = &one, .nanswer = 1, .answer_reading = READING_WHOLE };
                struct findings found = { 0 };
                struct score score = check->score(s->env, &t, ON_ANSWER, &found);
                if (score.not_run)
                    s->v->not_run++;
                /* A finding that reaches past what is settled may still grow, shrink or turn out to be none: it is not
                 * acted on yet, and it is held from its first byte. */
                for (bool again = true; again;) {
                    again = false;
                    for (size_t i = 0; i < found.n; i++) {
                        size_t start = from + found.list[i].start, end = from + found.list[i].end;
                        if (start < settled && end > settled) {
                            settled = start > cs->done ? start : cs->done;
                            again = settled > cs->done;
                        }
                    }
                }
                for (size_t i = 0; i < found.n; i++) {
                    struct finding f = found.list[i];
                    size_t start = from + f.start, end = from + f.end;
                    if (end > settled || end <= cs->done)
                        continue;
                    f.part = (uint32_t)part;
                    f.start = (uint32_t)(start < cs->done ? cs->done : start);
                    f.end = (uint32_t)end;
                    f.why = arena_text(s->a, span_of(f.why));
                    if (f.kind)
                        f.kind = arena_text(s->a, span_of(f.kind));
                    for (size_t l = 0; l < s->nchecks; l++) {
                        const struct leaf *leaf = &s->checks[l];
                        if (leaf->c->check == c && condition_wants_part(leaf->c, p) && condition_wants_finding(leaf->c, &f)
                            && matched(s, leaf, &f, replacement(s->a, f.kind))) {
                            *blocked = true;
                            s->barrier = f.start < s->barrier ? f.start : s->barrier;
                        }
                    }
                }
                cs->done = settled;
            }
            size_t waiting = original.len - cs->done;
            cs->again = original.len + (waiting > CHECK_BACKOFF_FROM ? waiting / 8 : 0);
        }
        sure = cs->done < sure ? cs->done : sure;
    }
    return sure;
}

/* ---- the doors ---- */

void stream_scan_feed(struct stream_scan *s, size_t part, bool is_end)
{
    if (s->v->action == ACTION_BLOCK || part >= s->t->nanswer)
        return;
    struct part_state *ps = part_state(s, part);
    struct span text = s->t->answer[part].text;
    bool blocked = false;
    if (ps->is_ended || (text.len == ps->seen && !is_end))
        return;
    ps->seen = text.len;
    ps->is_ended = is_end;
    if (!text.at)
        text.at = "";
    size_t sure = text.len, one;
    s->barrier = NOWHERE;
    for (enum fold_strength strength = FOLD_PATTERN; strength <= FOLD_PLAIN; strength++)
        if (s->lanes[strength].n) {
            one = lane_feed(s, part, ps, strength, text, is_end, &blocked);
            sure = one < sure ? one : sure;
        }
    if (s->checks_used) {
        one = checks_feed(s, part, ps, text, is_end, &blocked);
        sure = one < sure ? one : sure;
    }
    if (blocked && s->barrier < sure)
        sure = s->barrier; /* what stands before the match may leave, nothing else */
    if (arena_over(s->a) && !is_end)
        return; /* the exchange is at its memory's end: nothing is sure any more; the proxy stops it */
    /* not into the middle of what is replaced */
    for (size_t i = s->v->nredactions; i > 0; i--) {
        const struct redaction *r = &s->v->redactions[i - 1];
        if (r->on != ON_ANSWER || r->part != part)
            continue;
        if (r->end <= sure)
            break;
        if (r->start < sure)
            sure = r->start;
    }
    if (sure > ps->settled)
        ps->settled = sure;
}
size_t stream_scan_settled(const struct stream_scan *s, size_t part)
{
    if (part >= s->t->nanswer || (s->holds && !s->v->is_answer_judged))
        return 0;
    if (s->v->is_answer_judged && s->v->action != ACTION_BLOCK)
        return s->t->answer[part].text.len;
    return part < s->nparts ? s->parts[part]->settled : 0;
}
