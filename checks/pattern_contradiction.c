/* SPDX-License-Identifier: Apache-2.0
 * Two statements of one answer that exclude each other. Careful on purpose: both must say the same of the same (equal
 * content words), and differ in exactly one thing that cannot be two things at once: yes or no, an opposite, or a value
 * (number, date, name) in the same place. A time, place or subject more makes them two statements.
 * Clauses are compared through two order-free signatures in one table, so the cost is linear. */
#include "checks/pattern.h"

enum { CLAUSES_MOST = 1024 };
struct clause {
    uint32_t first, past;      /* words */
    uint64_t same;             /* sum of the content stems, opposites and values left out */
    uint32_t content;          /* how many */
    uint32_t value;            /* hash of the numbers and dates, 0: none */
    uint32_t value_first, value_past;
    uint32_t order;            /* hash of all words but values, in order */
    uint32_t name;             /* hash of a capitalised run at its end, 0: none */
    uint64_t same_but_name;
    int16_t pole;
    uint8_t poles;
    bool no, question, conditional;
    bool opens, ends, subject, finite; /* begins and ends as a sentence does; names what it speaks of; has a verb form of being or having */
    uint8_t runs;              /* separate values in it */
};

static bool opens_clause(const struct words *w, size_t i)
{
    const struct word *x = &w->list[i];
    return x->kind == WORD_MARK && (x->mark == ';' || x->mark == ':' || x->mark == ',' || x->mark == '.' || x->mark == '!' || x->mark == '?' || x->mark == '(' || x->mark == ')'
                                    || x->mark == '\n');
}
static bool is_joint(const struct words *w, size_t i)
{
    return word_in(w, i, "but mais while whereas although however cependant pourtant tandis");
}
static uint64_t mix(uint32_t x)
{
    uint64_t h = x * 0x9e3779b97f4a7c15u;
    return h ^ h >> 29;
}
static bool clause_read(const struct words *w, size_t first, size_t past, struct clause *c)
{
    *c = (struct clause){ .first = (uint32_t)first, .past = (uint32_t)past };
    uint32_t order = 0;
    size_t texts = 0, name_from = past;
    /* a capitalised run at the end */
    while (name_from > first && w->list[name_from - 1].kind == WORD_TEXT && (w->list[name_from - 1].flags & WORD_CAPITAL) && !(w->list[name_from - 1].flags & WORD_FIRST)
           && !w->list[name_from - 1].month && !w->list[name_from - 1].weekday)
        name_from--;
    for (size_t i = first; i < past; i++) {
        const struct word *x = &w->list[i];
        if (x->kind == WORD_MARK) {
            continue;
        }
        texts++;
        if (word_in(w, i, "if si unless may might could peut sometimes parfois some certains certaines depending selon when lorsque quand other autre another else"))
            c->conditional = true;
        if (x->number || x->month || x->weekday || (x->flags & WORD_HAS_DIGIT)) {
            if (!c->value || c->value_past < i)
                c->runs++;
            if (!c->value)
                c->value_first = (uint32_t)i, order = order * 31 + 7;
            c->value_past = (uint32_t)i + 1;
            uint32_t k = x->key;
            if (x->number && w->numbers[x->number - 1].digits == i) {
                float f = (float)w->numbers[x->number - 1].value;
                memcpy(&k, &f, sizeof k);
                k |= 1;
            }
            c->value = c->value * 31 + k;
            continue;
        }
        if (x->flags & WORD_NOT) {
            c->no = true;
            continue;
        }
        /* "never" is negation and an opposite: the negation counts */
        if (x->pole) {
            c->pole = x->pole;
            c->poles++;
            order = order * 31 + 11;
            continue;
        }
        if (x->flags & WORD_STOP) {
            /* any and all, a and the: quantity words do not tell statements apart, the others do in order */
            if (!word_in(w, i, "a an the any all every tout toute tous toutes le la les un une des"))
                order = order * 31 + x->key;
            continue;
        }
        order = order * 31 + x->stem;
        c->same += mix(x->stem);
        if (i < name_from)
            c->same_but_name += mix(x->stem);
        else
            c->name = c->name * 31 + x->key;
        c->content++;
    }
    c->order = order;
    const struct word *x = &w->list[first];
    for (size_t i = first; i < past; i++)
        c->finite |= word_in(w, i, "is are was were has have had will can cannot can't must may do does did not won't est sont etait etaient a ont avait sera seront peut peuvent doit doivent n ne");
    c->subject = word_in(w, first, "the our your its le la les l notre votre nos vos") || (x->kind == WORD_TEXT && (x->flags & WORD_CAPITAL) && !(x->flags & WORD_STOP) && c->finite);
    /* "this", "he" may be another one the next time */
    for (size_t i = first; i < past; i++)
        if (word_in(w, i, "this these that those ce cet cette ces it he she they we i il elle ils elles nous je"))
            c->subject = false;
    c->question = word_is_mark(w, past, '?');
    return texts >= 3 && c->content >= 1;
}
static bool contradict(const struct clause *a, const struct clause *b, const char **why)
{
    if (a->question || b->question || a->conditional || b->conditional)
        return false;
    if (a->opens && b->opens && a->finite && b->finite && a->same == b->same && a->content >= 2 && a->value == b->value) {
        if (a->no != b->no && a->pole == b->pole) {
            *why = "said and denied in the same answer";
            return true;
        }
        if (a->no == b->no && a->poles == 1 && b->poles == 1 && a->pole == -b->pole && a->pole) {
            *why = "two opposites said of the same thing";
            return true;
        }
    }
    if (a->opens && b->opens && a->ends && b->ends && a->subject && b->subject && a->runs == 1 && b->runs == 1 && a->same == b->same && a->order == b->order && a->content >= 2 && a->value && b->value && a->value != b->value && a->no == b->no && a->pole == b->pole) {
        *why = "the same statement with another figure or date";
        return true;
    }
    return false;
}
void pattern_contradiction(struct pattern_view *v)
{
    const struct words *w = v->w;
    if (w->nsentences < 1 || w->n < 8)
        return;
    struct arena *a = v->t->arena;
    size_t most = w->n / 3 + 4 < CLAUSES_MOST ? w->n / 3 + 4 : CLAUSES_MOST;
    struct clause *list = arena_alloc_raw(a, most * sizeof *list);
    size_t n = 0;
    for (size_t k = 0; k < w->nsentences && n < most; k++) {
        size_t first = w->sentences[k].word, past = w->sentences[k].past, from = first;
        if (w->list[first].kind == WORD_MARK && (w->list[first].mark == '|' || w->list[first].mark == '#'))
            continue; /* a table row, a heading */
        /* a date's comma parts nothing: "July 4, 2024" */
        for (size_t i = first; i <= past && n < most; i++) {
            bool stop = i == past || (opens_clause(w, i) && !((w->list[i].mark == ',' || w->list[i].mark == ':' || w->list[i].mark == '.') && i > first && i + 1 < past && (w->list[i].flags & WORD_GLUED) && w->list[i - 1].number && w->list[i + 1].number));
            bool joint = !stop && is_joint(w, i);
            if (!stop && !joint)
                continue;
            /* a joint parts clauses only where both sides are long enough to be one */
            if (joint && i - from < 4 && !word_in(w, i, "but mais"))
                continue;

            struct clause c;
            if (i > from && !pattern_in_code(v, from) && clause_read(w, from, i, &c)) {
                c.opens = from == first || word_is_mark(w, from - 1, ':') || word_is_mark(w, from - 1, ';') || word_in(w, from - 1, "but mais however cependant pourtant");
                c.ends = i == past || word_is_mark(w, i, '.') || word_is_mark(w, i, '!') || word_is_mark(w, i, ';') || word_in(w, i, "but mais");
                list[n++] = c;
            }
            from = i + 1;
        }
    }
    size_t size = 64;
    while (size < 2 * n)
        size *= 2;
    uint32_t *table = arena_alloc(a, size * sizeof *table);
    for (size_t i = 0; i < n; i++) {
        size_t slot = (size_t)(list[i].same ^ list[i].same >> 32) & (size - 1);
        bool found = false;
        for (unsigned probes = 0; table[slot] && probes < 16; probes++, slot = (slot + 1) & (size - 1)) {
            const struct clause *other = &list[table[slot] - 1];
            const char *why;
            if (!found && other->same == list[i].same && contradict(other, &list[i], &why)) {
                /* a third value for the same words is a list or a table, not a slip */
                pattern_seen(v, "self-contradiction", list[i].first, list[i].past, 0.8, "%s (before at byte %u)", why, w->list[other->first].start);
                found = true;
            }
        }
        if (!table[slot])
            table[slot] = (uint32_t)i + 1;
    }
    /* "The chief executive is Anna Roth. The chief executive is Paul Kern." */
    memset(table, 0, size * sizeof *table);
    for (size_t i = 0; i < n; i++) {
        if (!list[i].name || list[i].no || list[i].conditional || list[i].question || list[i].content < 2 || !list[i].same_but_name)
            continue;
        size_t slot = (size_t)(list[i].same_but_name ^ list[i].same_but_name >> 32) & (size - 1);
        for (unsigned probes = 0; table[slot] && probes < 16; probes++, slot = (slot + 1) & (size - 1)) {
            const struct clause *other = &list[table[slot] - 1];
            if (other->same_but_name == list[i].same_but_name && other->name != list[i].name && other->value == list[i].value && other->past - other->first + 2 >= list[i].past - list[i].first
                && list[i].past - list[i].first + 2 >= other->past - other->first) {
                bool singular = false; /* "is", "was": one name only; a list of works or places is no contradiction */
                for (size_t k = list[i].first; k < list[i].past; k++)
                    singular |= word_in(w, k, "is was est etait fut sera born ne nee founded fonde fondee located situe situee based signed");
                bool definite = word_in(w, list[i].first, "the le la l") || (w->list[list[i].first].flags & WORD_CAPITAL);
                if (singular && definite) {
                    pattern_seen(v, "self-contradiction", list[i].first, list[i].past, 0.75, "the same statement with another name (before at byte %u)", w->list[other->first].start);
                    break;
                }
            }
        }
        if (!table[slot])
            table[slot] = (uint32_t)i + 1;
    }
}
