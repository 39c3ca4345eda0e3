/* SPDX-License-Identifier: Apache-2.0
 * The shape of the whole answer: is it stuck in a loop, or cut?
 * Loops: word i equals word i-d for a long run, where d is the distance to the same three words before (one table, so
 * linear); d is the period. Cuts: an open fence or JSON, a sentence without an end after sentences that had one, an end
 * that no sentence has ("of the", a comma, an open bracket), or the API's own word that the length ran out. */
#include "checks/pattern.h"
#include "base/json.h"

static bool is_numbering(const struct words *w, size_t i)
{
    return w->list[i].kind == WORD_NUMBER && (w->list[i].flags & WORD_LINE) && (word_is_mark(w, i + 1, '.') || word_is_mark(w, i + 1, ')'));
}
/* Could 24 bytes stand here that each equal the one p before? Such a run holds eight that begin at a multiple of eight. */
static bool may_repeat(struct span s, size_t p)
{
    for (size_t i = 8; i + 8 <= s.len; i += 8)
        if (memcmp(s.at + i, s.at + i - p, 8) == 0)
            return true;
    return false;
}
static void loops(struct pattern_view *v)
{
    const struct words *w = v->w;
    struct arena *a = v->t->arena;
    uint32_t *at = arena_alloc_raw(a, w->n * sizeof *at); /* the words that count */
    size_t n = 0;
    for (size_t i = 0; i < w->n; i++)
        if (w->list[i].kind != WORD_MARK && !is_numbering(w, i))
            at[n++] = (uint32_t)i;
    size_t found = SIZE_MAX, found_past = 0, found_d = 0, found_run = 0;
    if (n >= 6) {
        size_t size = 64;
        while (size < 2 * n)
            size *= 2;
        uint32_t *last = arena_alloc(a, size * sizeof *last); /* place + 1 of the last window with this hash */
        size_t d = 0, run = 0;
        for (size_t i = 0; i < n; i++) {
            if (d && w->list[at[i]].key == w->list[at[i - d]].key)
                run++;
            else
                d = run = 0;
            if (i >= 2) {
                uint32_t h = w->list[at[i]].key * 31 + w->list[at[i - 1]].key * 1009 + w->list[at[i - 2]].key * 65599;
                size_t slot = (h ^ h >> 15) & (size - 1);
                if (!d && last[slot]) {
                    size_t other = last[slot] - 1;
                    bool same = w->list[at[i]].key == w->list[at[other]].key && w->list[at[i - 1]].key == w->list[at[other - 1]].key
                                && w->list[at[i - 2]].key == w->list[at[other - 2]].key;
                    if (same) {
                        d = i - other;
                        run = 3;
                    }
                }
                last[slot] = (uint32_t)i + 1;
            }
            if (d && run > found_run) {
                /* how many repeats speak of a loop: many of a short phrase, three of a whole sentence */
                size_t texts = 0;
                size_t most = run + d;
                bool enough = d == 1 ? most >= 8 : d <= 3 ? most >= 5 * d && most >= 12 : d <= 6 ? most >= 4 * d : most >= 3 * d;
                for (size_t k = i + 1 - (d < 64 ? d : 64); enough && k <= i; k++)
                    texts += w->list[at[k]].kind == WORD_TEXT;
                if (enough && texts && texts * 2 >= (d < 64 ? d : 64)) {
                    found = i + 1 - run - d;
                    found_past = i + 1;
                    found_d = d;
                    found_run = run;
                }
            }
        }
    }
    if (found != SIZE_MAX && !pattern_in_code(v, at[found])) {
        bool song = pattern_asked(v, "song poem lyrics chanson poeme refrain chant repeat repete repeter repetez comptine rhyme");
        size_t first = at[found], past = at[found_past - 1] + 1;
        while (past < w->n && w->list[past].kind == WORD_MARK && past + 1 == w->n)
            past++;
        if (!song || found_run > 12 * found_d)
            pattern_seen(v, "repetition-loop", first, past, 0.95, "%zu words over and over, %zu times", found_d, found_run / found_d + 1);
    }
    /* within words, or of marks: aaaaaaaa, nonononono */
    struct span s = w->fold->text;
    for (size_t p = 1; p <= 4; p++) {
        size_t run = 0;
        if (!may_repeat(s, p))
            continue;
        for (size_t i = p; i < s.len; i++) {
            run = s.at[i] == s.at[i - p] && (unsigned char)s.at[i] > ' ' && !strchr("-=_.*#~|+/\\:<>", s.at[i]) ? run + 1 : 0;
            if (run == (p == 1 ? 24 : 32)) {
                bool digits = true;
                for (size_t k = i - run; k <= i; k++)
                    digits &= s.at[k] >= '0' && s.at[k] <= '9';
                if (digits || v->ncode)
                    continue;
                size_t from = i - run - (p - 1), to = i + 1, start, end;
                while (to < s.len && s.at[to] == s.at[to - p])
                    to++;
                fold_origin(w->fold, from, to, &start, &end);
                pattern_seen_at(v, "repetition-loop", start, end, 0.9, "%zu characters over and over", p);
                return;
            }
        }
    }
}

/* Words that no sentence ends with. */
static bool is_hanging(const struct words *w, size_t i)
{
    return word_in(w, i, "the a an and or but of to with from by as if because than that which whose their its your our my is are was were be been has have had will would should "
                         "could can may might must very into onto including such while where when during between through via per "
                         "le la les l un une des du de d et ou mais donc car au aux en dans par pour avec sans sous vers chez que qu qui dont si comme ce cette ces son sa ses leur leurs "
                         "notre votre nos vos mon ma mes est sont sera seront etait etaient a ont peut peuvent doit doivent entre selon ainsi tres ne il elle ils elles");
}
/* What the API said of the answer's end. The model that ended of itself was not cut, however its last sentence looks. */
enum end { END_UNSAID, END_LENGTH, END_OWN };
static enum end said_end(const struct pattern_view *v)
{
    enum end end = END_UNSAID;
    for (size_t i = 0; i < v->t->nfinishes; i++) {
        struct span reason = v->t->finishes[i].reason;
        if (v->t->finishes[i].choice != v->t->answer[v->part].choice)
            continue;
        if (span_is_nocase(reason, "length") || span_is_nocase(reason, "max_tokens"))
            return END_LENGTH;
        if (span_is_nocase(reason, "stop") || span_is_nocase(reason, "end_turn") || span_is_nocase(reason, "stop_sequence") || span_is_nocase(reason, "tool_calls") || span_is_nocase(reason, "tool_use"))
            end = END_OWN;
    }
    return end;
}
static bool is_list_line(const struct words *w, size_t first)
{
    const struct word *x = &w->list[first];
    if (!(x->flags & WORD_LINE))
        return false;
    return (x->kind == WORD_MARK && x->mark != '"' && x->mark != '\'' && x->mark != '(' && x->mark != '[') || (x->kind == WORD_MARK && !x->mark) || is_numbering(w, first)
           || (x->kind == WORD_TEXT && x->to - x->at == 1 && word_is_mark(w, first + 1, ')'));
}
/* Does sentence k end as sentences do? */
static bool is_ended(const struct words *w, size_t k)
{
    const struct word *x = &w->list[w->sentences[k].past - 1];
    return x->kind == WORD_MARK && (!x->mark || strchr(".!?:;\"')]}|*`_>", x->mark));
}
static void cut(struct pattern_view *v)
{
    const struct words *w = v->w;
    size_t end = v->text.len, last = w->n - 1;
    enum end said = said_end(v);
    if (said == END_LENGTH) {
        pattern_seen_at(v, "truncated", w->list[last].start, end, 0.9, "the model ran out of tokens");
        return;
    }
    if (v->open_fence) {
        pattern_seen_at(v, "truncated", w->list[last].start, end, 0.9, "a code fence is opened and never closed");
        return;
    }
    struct span trimmed = span_trim(v->text);
    if (trimmed.len && (trimmed.at[0] == '{' || (trimmed.at[0] == '[' && trimmed.len > 1 && (trimmed.at[1] == '{' || trimmed.at[1] == '"' || trimmed.at[1] == '\n')))) {
        struct json doc = { 0 };
        if (json_read(&doc, v->t->arena, trimmed))
            return;
        long open = 0;
        bool string = false;
        for (size_t i = 0; i < trimmed.len; i++) {
            char c = trimmed.at[i];
            if (string) {
                if (c == '\\')
                    i++;
                else if (c == '"')
                    string = false;
            } else if (c == '"')
                string = true;
            else
                open += (c == '{' || c == '[') - (c == '}' || c == ']');
        }
        if ((open > 0 || string) && memchr(trimmed.at, '"', trimmed.len)) {
            pattern_seen_at(v, "truncated", w->list[last].start, end, 0.9, "the JSON ends before its brackets close");
            return;
        }
    }
    if (said == END_OWN || pattern_in_code(v, last) || !w->nsentences)
        return;
    size_t k = w->nsentences - 1;
    const struct sentence *tail = &w->sentences[k];
    const struct word *x = &w->list[last];
    size_t texts = 0;
    for (size_t i = tail->word; i < tail->past; i++)
        texts += w->list[i].kind == WORD_TEXT;
    size_t open = 0;
    for (size_t i = tail->word; i < tail->past; i++)
        open += word_is_mark(w, i, '(') ? 1 : 0, open -= word_is_mark(w, i, ')') && open ? 1 : 0;
    bool text_end = x->kind == WORD_TEXT || x->kind == WORD_NUMBER;
    bool title = is_list_line(w, tail->word);
    /* ends on a word that wants another */
    if (x->kind == WORD_TEXT && is_hanging(w, last) && texts >= 4 && !(x->flags & WORD_CAPITALS && x->to - x->at > 1)
        && !(word_in(w, last, "a d l") && last > 0 && (w->list[last].flags & WORD_CAPITAL))) {
        pattern_seen_at(v, "truncated", x->start, end, 0.9, "it ends on a word that wants another");
        return;
    }
    if (x->kind == WORD_MARK && (x->mark == ',' || x->mark == '(' || x->mark == '-') && texts >= 4 && !(w->list[tail->word].flags & WORD_LINE && texts < 8 && x->mark == ',')) {
        pattern_seen_at(v, "truncated", x->start, end, 0.85, "it ends in mid-sentence");
        return;
    }
    if (!text_end)
        return;
    if (open && texts >= 4) {
        pattern_seen_at(v, "truncated", x->start, end, 0.75, "a bracket is opened and never closed");
        return;
    }
    /* the others were ended, this one is not */
    size_t ended = 0, open_others = 0, list_ended = 0, list_open = 0;
    for (size_t i = 0; i < k; i++) {
        bool list = is_list_line(w, w->sentences[i].word), is = is_ended(w, i);
        if (list && w->sentences[i].past - w->sentences[i].word <= 2)
            continue;
        if (list)
            *(is ? &list_ended : &list_open) += 1;
        else
            *(is ? &ended : &open_others) += 1;
    }
    if (title) {
        if (list_ended >= 2 && !list_open && texts >= 3)
            pattern_seen_at(v, "truncated", x->start, end, 0.7, "the last item has no end, the others have");
        return;
    }
    bool own_line = w->list[tail->word].flags & WORD_LINE;
    /* who sets marks apart from words (chats, prepared texts) writes as he likes */
    if (tail->word > 0 && w->list[tail->word - 1].kind == WORD_MARK && !(w->list[tail->word - 1].flags & WORD_GLUED))
        return;
    if (ended >= 1 && !open_others && texts >= 4 && !own_line) {
        pattern_seen_at(v, "truncated", x->start, end, 0.8, "the last sentence has no end, the others have");
        return;
    }
    if (ended >= 2 && !open_others && texts >= 8 && own_line) {
        pattern_seen_at(v, "truncated", x->start, end, 0.65, "the last sentence has no end, the others have");
        return;
    }
    /* one long sentence with clauses */
    size_t inner = 0;
    for (size_t i = tail->word; i < tail->past; i++)
        inner += word_is_mark(w, i, ',') || word_is_mark(w, i, ';') || word_is_mark(w, i, ':');
    struct span original = span_cut(v->text, w->list[tail->word].start, w->list[tail->word].end);
    bool sentence = original.len && (w->list[tail->word].flags & WORD_CAPITAL);
    if (k == 0 && sentence && texts >= 12 && inner >= 2)
        pattern_seen_at(v, "truncated", x->start, end, 0.6, "a long sentence has no end");
}
void pattern_shape(struct pattern_view *v)
{
    loops(v);
    cut(v);
}
