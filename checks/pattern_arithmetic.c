/* SPDX-License-Identifier: Apache-2.0
 * A stated computation must hold as far as its digits go: "a op b … = c", "x % of y is z", "from a to b, up x %", shares
 * of one whole that add up to 100, amounts before their total. Every number may have two readings (1,234 · 1.234); a
 * statement is wrong only if no reading makes it right. */
#include "checks/pattern.h"
#include <math.h>

enum { DEPTH = 6, TERMS_MOST = 64 };
struct sum {
    const struct words *w;
    size_t i;              /* next word */
    unsigned terms, operators, depth;
    bool other;            /* take numbers' second reading */
    bool had_other, had_divide, had_subtract, had_percent, is_slash_only;
    double step;           /* coarsest digit of an operand that is not whole */
};

static const struct number *number_at(const struct words *w, size_t i)
{
    if (i >= w->n || !w->list[i].number)
        return NULL;
    const struct number *n = &w->numbers[w->list[i].number - 1];
    return n->digits == i ? n : NULL;
}
/* A number that begins at word i, its currency sign before it included. */
static const struct number *number_from(const struct words *w, size_t i)
{
    const struct number *n = number_at(w, i);
    if (n && n->word <= i)
        return n->is_ordinal ? NULL : n;
    n = number_at(w, i + 1);
    return n && n->word == i && !n->is_ordinal ? n : NULL;
}
/* The operator at word i ('+' '-' '*' '/'), its words in *len; 0: none. */
static char operator_at(const struct words *w, size_t i, size_t *len)
{
    *len = 1;
    if (i >= w->n)
        return 0;
    struct span t = word_text(w, i);
    if (w->list[i].kind == WORD_MARK) {
        if (span_is(t, "+") || span_is(t, "-") || span_is(t, "/") || span_is(t, "*"))
            return t.at[0];
        if (span_is(t, "\xc3\x97") || span_is(t, "\xc2\xb7") || span_is(t, "\xe2\x8b\x85"))
            return '*';
        if (span_is(t, "\xc3\xb7") || span_is(t, "\xe2\x88\x95") || span_is(t, "\xe2\x81\x84"))
            return '/';
        if (span_is(t, "\xe2\x88\x92"))
            return '-';
        return 0;
    }
    if (span_is(t, "x") || span_is(t, "times") || span_is(t, "fois"))
        return '*';
    if (span_is(t, "plus"))
        return '+';
    if (span_is(t, "minus") || span_is(t, "moins"))
        return '-';
    if (word_in(w, i, "divided multiplied divise multiplie divisee multipliee") && word_in(w, i + 1, "by par")) {
        *len = 2;
        return t.at[0] == 'd' ? '/' : '*';
    }
    return 0;
}
/* The words of an equals sign at i, 0: none. Words only where `spelled`. */
static size_t equals_at(const struct words *w, size_t i, bool spelled, bool *about)
{
    *about = false;
    if (i >= w->n)
        return 0;
    struct span t = word_text(w, i);
    size_t len = 0;
    if (word_is_mark(w, i, '=') && !(word_is_mark(w, i + 1, '=') || word_is_mark(w, i + 1, '>')))
        len = 1;
    else if (span_is(t, "\xe2\x89\x88") || (span_is(t, "~") && w->list[i].kind == WORD_MARK)) {
        len = 1;
        *about = true;
    } else if (word_in(w, i, "equals makes gives egale egal donne font fait soit equal"))
        len = 1 + (word_in(w, i + 1, "to a") ? 1 : 0);
    else if (spelled && word_in(w, i, "is are est represente represents comes yields amounts was"))
        len = 1 + (word_in(w, i + 1, "to equal exactly de egal") ? 1 : 0);
    if (len && word_in(w, i + len, "about approximately around roughly environ nearly almost presque quelque ~ some")) {
        *about = true;
        len++;
    }
    if (len && i + len < w->n && span_is(word_text(w, i + len), "\xe2\x89\x88"))
        *about = true, len++;
    return len;
}
/* Up to two words of unit behind a number: "4 m", "3 large boxes", "28 m2". */
static size_t units_past(const struct words *w, size_t i)
{
    bool about;
    size_t len;
    for (int k = 0; k < 3 && i < w->n; k++) {
        const struct word *x = &w->list[i];
        if (x->kind == WORD_MARK && (x->flags & WORD_GLUED) && x->mark == '/' && i + 1 < w->n && w->list[i + 1].kind == WORD_TEXT && k)
            i++; /* km/h */
        else if (x->kind != WORD_TEXT || operator_at(w, i, &len) || equals_at(w, i, true, &about) || x->number || (x->flags & WORD_NOT)
                 || word_in(w, i, "and et or ou then of de to a donc so"))
            return i;
        i++;
    }
    return i;
}

static bool sum_terms(struct sum *s, double *out);
static bool sum_atom(struct sum *s, double *out)
{
    if (++s->terms > TERMS_MOST)
        return false;
    if (word_is_mark(s->w, s->i, '(') && s->depth < DEPTH) {
        s->i++;
        s->depth++;
        bool ok = sum_terms(s, out) && word_is_mark(s->w, s->i, ')');
        s->depth--;
        s->i++;
        if (ok)
            s->i = units_past(s->w, s->i);
        return ok;
    }
    const struct number *n = number_from(s->w, s->i);
    if (!n)
        return false;
    *out = n->value;
    if (!isnan(n->other)) {
        s->had_other = true;
        if (s->other)
            *out = n->other;
    }
    if (n->is_percent) {
        s->had_percent = true;
        *out /= 100;
    }
    if (n->step < 1 && n->step > s->step)
        s->step = n->step;
    s->i = units_past(s->w, n->past);
    return true;
}
static bool sum_products(struct sum *s, double *out)
{
    if (!sum_atom(s, out))
        return false;
    size_t len;
    for (char op; (op = operator_at(s->w, s->i, &len)) == '*' || op == '/';) {
        size_t back = s->i;
        s->i += len;
        double b;
        if (!sum_atom(s, &b)) {
            s->i = back;
            return true;
        }
        s->operators++;
        if (op == '/') {
            s->had_divide = true;
            if (b == 0)
                return false;
            *out /= b;
        } else
            *out *= b;
    }
    return true;
}
static bool sum_terms(struct sum *s, double *out)
{
    if (!sum_products(s, out))
        return false;
    size_t len;
    for (char op; (op = operator_at(s->w, s->i, &len)) == '+' || op == '-';) {
        size_t back = s->i;
        s->i += len;
        double b;
        bool keep = s->had_percent;
        s->had_percent = false;
        if (!sum_products(s, &b)) {
            s->i = back;
            s->had_percent = keep;
            return true;
        }
        /* "80 - 20 %" may mean 20 % of 80; that is undecided, so refuse to judge */
        if (s->had_percent && !keep)
            return false;
        s->had_percent |= keep;
        s->operators++;
        if (op == '-')
            s->had_subtract = true;
        *out = op == '-' ? *out - b : *out + b;
    }
    return true;
}
static bool near(double truth, double said, double tolerance)
{
    return fabs(truth - said) <= tolerance * 1.0001 + 1e-9 * fabs(truth);
}
/* Does `said` state `truth`, to the digits it has? */
static bool states(double truth, const struct number *said, bool about, bool inexact)
{
    /* rounding or cutting off the last digit; a whole truth told as a whole number must be it */
    double tolerance = said->step != 1 ? said->step : inexact && truth != floor(truth) ? 1 : 0.499;
    if (about) {
        double wide = fabs(truth) * 0.05;
        tolerance = wide > tolerance ? wide : tolerance;
        if (tolerance < 1 && said->step >= 1)
            tolerance = 1;
    }
    if (near(truth, said->value, tolerance) || (!isnan(said->other) && near(truth, said->other, tolerance)))
        return true;
    /* 1200 said as 1.2 k or as a round number with few digits: 1234 ≈ 1200 counts only with `about` */
    return false;
}
static const char *number_text(struct pattern_view *v, double x)
{
    struct span s = arena_printf(v->t->arena, "%.6g", x);
    return fabs(x) < 1e15 && x == floor(x) ? arena_printf(v->t->arena, "%.0f", x).at : s.at;
}

static void equations(struct pattern_view *v)
{
    const struct words *w = v->w;
    size_t len;
    for (size_t i = 0; i < w->n; i++) {
        const struct number *first = number_from(w, i);
        bool bracket = word_is_mark(w, i, '(');
        if (!first && !bracket)
            continue;
        if (bracket && i > 0 && (w->list[i].flags & WORD_GLUED))
            continue; /* f(2 + 3), 3(4 + 1) */
        /* not in the middle of a longer computation, an identifier or a negative number */
        if (i > 0 && w->list[i - 1].kind == WORD_MARK && strchr("+-*/^.=", w->list[i - 1].mark ? w->list[i - 1].mark : ' ')
            && (w->list[i].flags & WORD_GLUED))
            continue;
        if (i > 0 && operator_at(w, i - 1, &len) && !(w->list[i].flags & WORD_LINE))
            continue;
        struct sum s = { .w = w, .i = i };
        double truth;
        if (!sum_terms(&s, &truth) || !s.operators)
            continue;
        bool about, spelled = false;
        for (size_t k = i; k < s.i; k++)
            spelled |= w->list[k].kind == WORD_TEXT && operator_at(w, k, &len) && w->list[k].to - w->list[k].at > 1;
        size_t equals = equals_at(w, s.i, spelled, &about);
        if (!equals) {
            i = s.i > i + 1 ? s.i - 1 : i;
            continue;
        }
        size_t at = s.i + equals;
        bool minus = word_is_mark(w, at, '-');
        const struct number *said = number_from(w, at + minus);
        size_t end = said ? units_past(w, said->past) : at;
        /* "= 3 + 4": an identity, not a result; "= 3/4": a fraction; but "= 52 - which": a dash */
        bool dash = word_is_mark(w, end, '-') && end + 1 < w->n && w->list[end + 1].kind == WORD_TEXT && w->list[end + 1].to - w->list[end + 1].at > 1;
        if (!said || said->is_spelled || (!dash && operator_at(w, end, &len)) || word_is_mark(w, said->past, '^')) {
            i = s.i;
            continue;
        }
        struct number result = *said;
        if (minus) {
            result.value = -result.value;
            result.other = -result.other;
        }
        bool right = false;
        double best = truth;
        for (int reading = 0; reading < 2 && !right; reading++) {
            struct sum again = { .w = w, .i = i, .other = reading };
            double x;
            if (!sum_terms(&again, &x))
                break;
            bool inexact = again.had_divide || s.step > 0;
            right = states(x, &result, about, inexact) || (again.had_subtract && states(-x, &result, about, inexact))
                    || (result.is_percent && states(x * 100, &result, about, true)) || (again.had_percent && states(x * 100, &result, about, true))
                    || (again.had_percent && states(x * 1e4, &result, about, true));
            /* cents and units: 3 × 50 c = 1.50 € */
            right = right || near(x / 100, result.value, result.step / 2) || near(x / 1000, result.value, result.step / 2)
                    || near(x * 1000, result.value, 0.5) || near(x / 60, result.value, result.step / 2) || near(x * 60, result.value, 0.5);
            if (!again.had_other)
                break;
        }
        if (!right && !pattern_in_code(v, i)) {
            /* a slash between whole numbers may be a date, a score or a name; a dash a range */
            bool weak = s.terms == 2 && (s.had_subtract || s.had_divide) && i + 1 < w->n && (w->list[i + 1].flags & WORD_GLUED) && !first;
            size_t past = said->past;
            /* the unit belongs to the statement: "28 m²", "110 €" */
            if (past < w->n && w->list[past].kind == WORD_TEXT && (w->list[past].to - w->list[past].at <= 2) && !(w->list[past].flags & WORD_STOP)
                && w->list[past].sentence == w->list[i].sentence)
                past++;
            if (!weak)
                pattern_seen(v, "wrong-arithmetic", i, past, 0.93, "the computation gives %s", number_text(v, best));
        }
        i = said->past - 1;
    }
}

/* "15 % of 80 is 14" · "20 % de 150 € = 35 €" */
static void percent_of(struct pattern_view *v)
{
    const struct words *w = v->w;
    for (size_t k = 0; k + 2 < w->nnumbers; k++) {
        const struct number *p = &w->numbers[k], *y = &w->numbers[k + 1], *z = &w->numbers[k + 2];
        if (!p->is_percent || y->is_percent || !word_in(w, p->past, "of de des du d sur"))
            continue;
        size_t i = p->past + 1;
        while (i < y->word && (word_in(w, i, "the a an les la le l un une your our total prix price") || w->list[i].kind == WORD_MARK))
            i++;
        if (i != y->word)
            continue;
        i = units_past(w, y->past);
        if (word_is_mark(w, i, ','))
            i++;
        bool about;
        size_t equals = equals_at(w, i, true, &about);
        if (!equals || i + equals != z->word || z->is_percent)
            continue;
        double truth = p->value * y->value / 100;
        bool right = states(truth, z, about, true) || (!isnan(y->other) && states(p->value * y->other / 100, z, about, true))
                     || (!isnan(p->other) && states(p->other * y->value / 100, z, about, true));
        /* a whole answer is meant exactly when the truth is whole */
        if (right && !about && z->step == 1 && truth == floor(truth) && fabs(truth - z->value) > 0.5 && isnan(y->other))
            right = false;
        if (!right)
            pattern_seen(v, "wrong-arithmetic", p->word, z->past, 0.93, "%s %% of %s is %s", number_text(v, p->value), number_text(v, y->value),
                         number_text(v, truth));
    }
}

static int change_word(const struct words *w, size_t i)
{
    if (word_in(w, i, "increase increased rise rose grew growth gain gained up hausse augmentation progression croissance augmente progresse bond"))
        return 1;
    if (word_in(w, i, "decrease decreased drop dropped fell fall decline declined down reduction baisse diminution recul chute diminue baisse recule remise"))
        return -1;
    return 0;
}
/* "from 200 to 250, an increase of 20 %": three numbers in the sentence, so nothing else can be meant. */
static void growth(struct pattern_view *v, size_t first, size_t past)
{
    const struct words *w = v->w;
    const struct number *n[3];
    size_t count = 0;
    int direction = 0;
    for (size_t i = first; i < past; i++) {
        const struct number *x = number_at(w, i);
        if (x && !x->is_year && !x->is_ordinal && !w->list[i].month) {
            if (count == 3)
                return;
            n[count++] = x;
        }
        int d = change_word(w, i);
        if (d && direction && d != direction)
            return;
        if (d)
            direction = d;
    }
    if (count != 3 || !direction)
        return;
    const struct number *p = NULL, *a = NULL, *b = NULL;
    for (size_t k = 0; k < 3; k++)
        if (n[k]->is_percent) {
            if (p)
                return;
            p = n[k];
        } else if (!a)
            a = n[k];
        else
            b = n[k];
    if (!p || !a || !b || a->value == 0 || a->word == 0)
        return;
    if (!word_in(w, a->word - 1, "from de") || b->word == 0 || !word_in(w, b->word - 1, "to a"))
        return;
    double truth = 100 * (b->value - a->value) / a->value;
    if ((truth > 0) != (direction > 0) && truth != 0)
        return; /* the other way round: perhaps told backwards */
    double tolerance = p->step >= 1 ? 1 : p->step;
    if (fabs(fabs(truth) - p->value) > tolerance && isnan(a->other) && isnan(b->other)) {
        size_t from = a->word - 1 < p->word ? a->word - 1 : p->word;
        size_t to = b->past > p->past ? b->past : p->past;
        pattern_seen(v, "wrong-arithmetic", from, to, 0.9, "from %s to %s is a change of %.4g %%", number_text(v, a->value), number_text(v, b->value), truth);
    }
}

static uint32_t unit_of(const struct words *w, const struct number *n)
{
    if (n->is_money)
        return 1;
    return n->past < w->n && w->list[n->past].kind == WORD_TEXT && !(w->list[n->past].flags & WORD_STOP) ? w->list[n->past].stem : 0;
}
static bool is_total(const struct words *w, size_t i)
{
    return word_in(w, i, "total totals totalling sum altogether totalise totalisent somme")
           || (word_in(w, i, "in en") && word_in(w, i + 1, "all tout"));
}
/* "Rent 800 €, food 300 €, transport 100 €: total 1,300 €" and "5 tickets at 12 € each: 50 €". */
static void totals(struct pattern_view *v, size_t first, size_t past)
{
    const struct words *w = v->w;
    size_t total = 0, count = 0;
    const struct number *list[24];
    bool per = false;
    for (size_t i = first; i < past; i++) {
        if (is_total(w, i))
            total = total ? total : i + 1;
        if (word_in(w, i, "each apiece chacun chacune piece unite") || (word_in(w, i, "per par") && i > first && !word_in(w, i + 1, "cent")))
            per = true;
        const struct number *x = number_at(w, i);
        if (!x || x->is_ordinal || x->is_year || w->list[i].number == 0)
            continue;
        if (x->is_percent || x->step < 1e-6 || !isnan(x->other) || count == 24)
            return;
        bool in_date = false;
        for (size_t d = 0; d < w->ndates && !in_date; d++)
            in_date = x->digits >= w->dates[d].word && x->digits < w->dates[d].past;
        if (!in_date)
            list[count++] = x;
    }
    if (count < 3)
        return;
    const struct number *last = list[count - 1];
    uint32_t unit = unit_of(w, last);
    if (!unit || last->is_spelled)
        return;
    double sum = 0;
    bool same = true;
    for (size_t k = 0; k + 1 < count; k++) {
        sum += list[k]->value;
        same &= unit_of(w, list[k]) == unit;
    }
    if (per) {
        /* a things at b € each: c € */
        if (count == 3 && list[1]->is_money && last->is_money && !list[0]->is_money && unit_of(w, list[0]) != 0) {
            double truth = list[0]->value * list[1]->value;
            bool about = last->word > 0 && word_in(w, last->word - 1, "about around roughly environ approximately");
            size_t i = list[1]->past;
            bool stated = false;
            for (; i < last->word; i++)
                stated |= word_is_mark(w, i, ':') || word_is_mark(w, i, '=') || word_in(w, i, "soit total makes is totals cost costs coute coutent donc so");
            if (stated && !states(truth, last, about, false) && !change_word(w, list[1]->past) && !word_in(w, list[1]->past, "instead"))
                pattern_seen(v, "wrong-arithmetic", list[0]->word, last->past, 0.8, "%s times %s is %s", number_text(v, list[0]->value),
                             number_text(v, list[1]->value), number_text(v, truth));
        }
        return;
    }
    /* the total stands before the last number, after all others */
    if (!same || !total || total > last->word + 1 || (count > 1 && total <= list[count - 2]->digits))
        return;
    if (!states(sum, last, false, last->step < 1))
        pattern_seen(v, "wrong-arithmetic", list[0]->word, last->past, 0.85, "the amounts add up to %s", number_text(v, sum));
}

/* The sum of the numbers of a list: "the sum of 12, 15 and 20 is 50". */
static void list_sum(struct pattern_view *v, size_t first, size_t past)
{
    const struct words *w = v->w;
    for (size_t i = first; i + 4 < past; i++) {
        if (!word_in(w, i, "sum total somme") || !word_in(w, i + 1, "of de"))
            continue;
        size_t j = i + 2;
        double sum = 0;
        size_t count = 0;
        bool odd = false;
        while (j < past) {
            const struct number *n = number_from(w, j);
            if (n) {
                sum += n->value;
                odd |= n->is_percent || !isnan(n->other);
                count++;
                j = units_past(w, n->past);
            } else if (word_is_mark(w, j, ',') || word_in(w, j, "and et plus +"))
                j++;
            else
                break;
        }
        bool about;
        size_t equals = equals_at(w, j, true, &about);
        const struct number *said = equals ? number_from(w, j + equals) : NULL;
        if (count >= 2 && said && !odd && !states(sum, said, about, said->step < 1))
            pattern_seen(v, "wrong-arithmetic", i, said->past, 0.93, "the numbers add up to %s", number_text(v, sum));
    }
}

static bool whole_cue(const struct words *w, size_t first, size_t past)
{
    for (size_t i = first; i < past; i++)
        if (word_in(w, i, "shared split splits breakdown distribution distributed divided composed composition consists comprises allocation allocated shares "
                          "share repartit repartissent repartition reparti repartie repartis reparties partage partagent partages partagee parts part ventilation "
                          "ventile ventilent compose composee divise divisee allocate breaks mix structure proportion proportions portfolio portefeuille constitue "
                          "constituee decompose decomposee made makeup budget votes voix"))
            return true;
    return false;
}
static bool open_cue(const struct words *w, size_t first, size_t past)
{
    for (size_t i = first; i < past; i++)
        if (word_in(w, i, "several multiple plusieurs multiples grew growth rose fell increase increased decrease decreased hausse baisse augmente croissance "
                          "respectively taux rate rates inflation compared contre versus than vs discount remise probability interest interet chance ans "
                          "year yoy score scores accuracy utilise utilisent use uses used"))
            return true;
    return false;
}
static bool rest_cue(const struct words *w, size_t first, size_t past)
{
    for (size_t i = first; i < past; i++)
        if (word_in(w, i, "rest remaining remainder others other reste autres including notamment dont principalement mainly mostly top largest main leading "
                          "principaux among parmi surtout especially such like only"))
            return true;
    return false;
}
static bool change_near(const struct words *w, const struct number *n)
{
    size_t from = n->word > 3 ? n->word - 3 : 0;
    for (size_t i = from; i < n->past + 2 && i < w->n; i++)
        if (change_word(w, i) || word_is_mark(w, i, '+') || word_in(w, i, "than vs versus contre"))
            return true;
    return false;
}
/* The shares of one whole that stand in words [first, past): one list of like items. */
static void shares(struct pattern_view *v, size_t first, size_t past, size_t lead)
{
    const struct words *w = v->w;
    double sum = 0, rounding = 0;
    size_t count = 0;
    const struct number *a = NULL, *z = NULL;
    for (size_t i = first; i < past; i++) {
        const struct number *n = number_at(w, i);
        if (!n || !n->is_percent)
            continue;
        if (n->value > 100 || change_near(w, n) || (n->word > 0 && word_is_mark(w, n->word - 1, '-')) || word_is_mark(w, n->past, '-'))
            return;
        sum += n->value;
        rounding += n->step / 2;
        count++;
        a = a ? a : n;
        z = n;
    }
    if (count < 2)
        return;
    const struct words *asked = v->question ? part_words(v->t->arena, (struct part *)(uintptr_t)v->question) : NULL;
    bool cue = whole_cue(w, lead, past) || (asked && whole_cue(asked, 0, asked->n));
    if ((count < 3 && !cue) || !cue || open_cue(w, lead, past) || (asked && open_cue(asked, 0, asked->n)))
        return;
    double tolerance = rounding > 0.5 ? rounding : 0.5;
    if (fabs(sum - 100) <= tolerance + 1e-9)
        return;
    if (sum < 100 && (rest_cue(w, lead, past) || count < 3))
        return;
    /* 100 itself as one of the shares: a total, given with its parts */
    if (fabs(sum - 200) <= tolerance + 1e-9)
        return;
    /* "of whom 30 %": parts of a part */
    for (size_t i = a->word; i < z->past; i++)
        if (word_in(w, i, "whom which dont") || word_in(w, i, "of de des du") ) {
            if (word_in(w, i, "whom which dont") || (i > 0 && word_is_mark(w, i - 1, '%') && i + 2 < past && word_in(w, i + 1, "them those ces cette ceux celles this that")))
                return;
        }
    size_t from = a->word;
    /* the label before the first figure belongs to the list; behind it, the last one's */
    bool label_before = a->word > first && w->list[a->word - 1].kind == WORD_TEXT && !(w->list[a->word - 1].flags & WORD_STOP);
    if (label_before)
        for (size_t k = 0; k < 4 && from > first && w->list[from - 1].kind == WORD_TEXT && !(w->list[from - 1].flags & WORD_STOP); k++)
            from--;
    else if (a->word > first + 1 && (word_is_mark(w, a->word - 1, ':') || word_is_mark(w, a->word - 1, '(')) && w->list[a->word - 2].kind == WORD_TEXT
             && w->list[a->word - 2].sentence != w->list[lead].sentence)
        from = a->word - 2;
    size_t to = z->past;
    if (!label_before)
        while (to < past && to < z->past + 3 && w->list[to].kind == WORD_TEXT)
            to++;
    pattern_seen(v, "wrong-percent-sum", from, to, 0.9, "the shares add up to %.6g %%", sum);
}

void pattern_arithmetic(struct pattern_view *v)
{
    const struct words *w = v->w;
    if (w->nnumbers < 2)
        return;
    equations(v);
    percent_of(v);
    size_t run = 0; /* lines that hold one share each */
    for (size_t k = 0; k < w->nsentences; k++) {
        size_t first = w->sentences[k].word, past = w->sentences[k].past, n = 0, percents = 0;
        for (size_t i = first; i < past; i++) {
            const struct number *x = number_at(w, i);
            n += x != NULL;
            percents += x && x->is_percent;
        }
        if (n >= 3) {
            growth(v, first, past);
            totals(v, first, past);
            list_sum(v, first, past);
        }
        if (percents >= 2)
            shares(v, first, past, first);
        bool line = percents == 1 && (w->list[first].flags & WORD_LINE);
        run = line ? run + 1 : 0;
        bool more = false;
        if (line && k + 1 < w->nsentences && (w->list[w->sentences[k + 1].word].flags & WORD_LINE))
            for (size_t i = w->sentences[k + 1].word; i < w->sentences[k + 1].past; i++)
                more |= number_at(w, i) && number_at(w, i)->is_percent;
        if (run >= 3 && !more) {
            size_t from = k + 1 - run;
            shares(v, w->sentences[from].word, past, from ? w->sentences[from - 1].word : w->sentences[from].word);
        }
    }
}
