/* SPDX-License-Identifier: Apache-2.0
 * Numbers and dates in a text that is cut into words: one pass over the words joins numbers with their scales and units, a second
 * finds dates. */
#include "checks/text/words_inside.h"
#include <math.h>

size_t number_read(struct span s, size_t at, struct number *n)
{
    double whole = 0;
    size_t i = at, first = 0, digits = 0;
    while (i < s.len && is_digit((unsigned char)s.at[i]) && digits < 30)
        whole = whole * 10 + (s.at[i] - '0'), i++, first++, digits++;
    n->other = NAN;
    n->step = 1;
    bool grouped = false;
    char group = 0;
    /* thousands */
    while (i + 3 < s.len + 0 && first <= 3 && whole > 0 && is_in(" ,.'", s.at[i]) && (!group || s.at[i] == group)
           && is_digit((unsigned char)s.at[i + 1]) && is_digit((unsigned char)s.at[i + 2]) && is_digit((unsigned char)s.at[i + 3])
           && !(i + 4 < s.len && is_digit((unsigned char)s.at[i + 4]))) {
        bool again = group != 0;
        group = s.at[i];
        double three = (s.at[i + 1] - '0') * 100 + (s.at[i + 2] - '0') * 10 + (s.at[i + 3] - '0');
        n->other = !again && (group == ',' || group == '.') ? whole + three / 1000 : NAN;
        whole = whole * 1000 + three;
        i += 4;
        digits += 3;
        grouped = true;
        if (digits > 30)
            break;
    }
    /* decimals */
    if (i + 1 < s.len && (s.at[i] == '.' || s.at[i] == ',') && s.at[i] != group && is_digit((unsigned char)s.at[i + 1])) {
        size_t j = i + 1;
        double unit = 1, fraction = 0;
        while (j < s.len && is_digit((unsigned char)s.at[j]) && j - i < 16)
            unit /= 10, fraction += (s.at[j] - '0') * unit, j++;
        while (j < s.len && is_digit((unsigned char)s.at[j]))
            j++;
        bool more = j + 1 < s.len && s.at[j] == s.at[i] && is_digit((unsigned char)s.at[j + 1]);
        if (more && s.at[i] == '.')
            return at; /* 1.2.3 */
        if (!more) {
            digits += j - i - 1;
            n->value = whole + fraction;
            n->step = unit;
            n->other = NAN;
            n->ndigits = (uint8_t)(digits > 255 ? 255 : digits);
            return j;
        }
    } else if (grouped && group == '.' && !isnan(n->other)) {
        /* 1.234: English writes a decimal so, and that is the commoner reading */
        double t = n->other;
        n->other = whole;
        whole = t;
        n->step = 1e-3;
    }
    n->value = whole;
    n->ndigits = (uint8_t)(digits > 255 ? 255 : digits);
    return i;
}

/* "$" or "€" or EUR … at word i? */
static bool is_money(const struct words *w, size_t i)
{
    if (i >= w->n)
        return false;
    return word_in(w, i, "$ \xe2\x82\xac \xc2\xa3 \xc2\xa5 eur usd gbp chf euro euros dollar dollars pounds");
}
static bool is_scale(const struct words *w, size_t i, double *scale)
{
    if (i >= w->n || w->list[i].kind != WORD_TEXT || !(w->list[i].means & MEANS_SCALE))
        return false;
    const struct lexeme *l = lexeme_find(w->list[i].key);
    if (!l)
        return false;
    size_t len = w->list[i].to - w->list[i].at;
    if (len == 1) { /* "5k", "5 M€", "$5m": k and m only where they cannot be metres */
        bool money = is_money(w, i + 1) && (w->list[i + 1].flags & WORD_GLUED);
        bool glued_k = l->number == 1e3 && (w->list[i].flags & WORD_GLUED);
        bool before = i >= 2 && is_money(w, i - 2) && (w->list[i].flags & WORD_GLUED);
        bool capital = (w->list[i].flags & WORD_CAPITAL) && (w->list[i].flags & WORD_GLUED);
        if (!money && !glued_k && !before && !capital)
            return false;
    }
    *scale = l->number;
    return true;
}
void numbers_join(struct maker *m)
{
    struct words *w = m->w;
    struct number *old = w->numbers;
    size_t nold = w->nnumbers, k = 0;
    struct number *all = NULL;
    size_t n = 0, cap = 0;
    for (size_t i = 0; i < w->n; i++) {
        struct number x;
        if (w->list[i].kind == WORD_NUMBER && k < nold)
            x = old[k++];
        else if (w->list[i].kind == WORD_TEXT) {
            if (!(w->list[i].means & MEANS_COUNT))
                continue;
            const struct lexeme *l = lexeme_find(w->list[i].key);
            if (!l) /* cannot be: it was found when the word was made */
                continue;
            x = (struct number){ .word = (uint32_t)i, .past = (uint32_t)i + 1, .digits = (uint32_t)i, .value = l->number, .other = NAN, .step = 1, .is_spelled = true };
            if (l->number >= 20 && i + 2 < w->n && word_is_mark(w, i + 1, '-') && w->list[i + 2].kind == WORD_TEXT) {
                const struct lexeme *u = lexeme_find(w->list[i + 2].key);
                if (u && (u->means & MEANS_COUNT) && u->number < 10) {
                    x.value += u->number;
                    x.past += 2;
                }
            }
        } else
            continue;
        double scale;
        while (is_scale(w, x.past, &scale) && x.past - x.word < 8) {
            x.value *= scale;
            x.other *= scale;
            x.step *= scale;
            x.past++;
            x.is_year = false;
        }
        if (word_is_mark(w, x.past, '%')) {
            x.past++;
            x.is_percent = true;
            x.is_year = false;
        } else if (word_is(w, x.past, "percent") || word_is(w, x.past, "pourcent")) {
            x.past++;
            x.is_percent = true;
        } else if ((word_is(w, x.past, "per") || word_is(w, x.past, "pour")) && word_is(w, x.past + 1, "cent")) {
            x.past += 2;
            x.is_percent = true;
        } else if (is_money(w, x.past)) {
            x.past++;
            x.is_money = true;
            x.is_year = false;
        }
        if (x.word > 0 && w->list[x.word - 1].kind == WORD_MARK && is_money(w, x.word - 1)) {
            x.word--;
            x.is_money = true;
            x.is_year = false;
        }
        *ARENA_PUSH(m->a, all, n, cap) = x;
        w->list[i].number = (uint32_t)n;
        i = x.past - 1;
        w->list[x.digits].number = (uint32_t)n;
    }
    w->numbers = all;
    w->nnumbers = n;
}

static const struct number *plain_number(const struct words *w, size_t i)
{
    if (i >= w->n || !w->list[i].number)
        return NULL;
    const struct number *n = &w->numbers[w->list[i].number - 1];
    return n->digits == i && !n->is_spelled && !n->is_percent && !n->is_money && n->step == 1 ? n : NULL;
}
static int day_at(const struct words *w, size_t i)
{
    const struct number *n = plain_number(w, i);
    return n && n->value >= 1 && n->value <= 31 && n->ndigits <= 2 ? (int)n->value : 0;
}
static int year_at(const struct words *w, size_t i)
{
    const struct number *n = plain_number(w, i);
    return n && n->is_year ? (int)n->value : 0;
}
void dates_find(struct maker *m)
{
    struct words *w = m->w;
    for (size_t i = 0; i < w->n; i++) {
        struct date d = { 0 };
        size_t first = i, past = i;
        if (w->list[i].month && w->list[i].kind == WORD_TEXT) {
            d.month = w->list[i].month;
            past = i + 1;
            if (word_is_mark(w, past, '.') && w->list[past].flags & WORD_GLUED)
                past++;
            size_t before = i;
            if (before > 0 && word_is(w, before - 1, "of"))
                before--;
            if (before > 0 && day_at(w, before - 1)) {
                d.day = day_at(w, before - 1);
                first = before - 1;
                size_t y = past + (word_is_mark(w, past, ',') ? 1 : 0);
                d.year = year_at(w, y);
                if (d.year)
                    past = y + 1;
            } else if (day_at(w, past)) {
                d.day = day_at(w, past);
                past++;
                size_t y = past + (word_is_mark(w, past, ',') ? 1 : 0);
                if ((d.year = year_at(w, y)))
                    past = y + 1;
            } else if ((d.year = year_at(w, past)))
                past++;
            else if (word_is_mark(w, past, ',') && (d.year = year_at(w, past + 1)))
                past += 2;
            if (!d.day && !d.year)
                continue;
            if (!d.day && !(w->list[i].flags & WORD_CAPITAL) && d.month == 5 && word_is(w, i, "may"))
                continue;
        } else if (plain_number(w, i) && i + 4 < w->n && w->list[i + 1].kind == WORD_MARK && (w->list[i + 1].mark == '-' || w->list[i + 1].mark == '/')
                   && w->list[i + 3].kind == WORD_MARK && w->list[i + 3].mark == w->list[i + 1].mark && plain_number(w, i + 2) && plain_number(w, i + 4)
                   && (w->list[i + 1].flags & WORD_GLUED) && (w->list[i + 2].flags & WORD_GLUED) && (w->list[i + 4].flags & WORD_GLUED)) {
            int y = year_at(w, i), a = day_at(w, i + 2), b = day_at(w, i + 4);
            if (y && a && a <= 12 && b)
                d = (struct date){ .year = y, .month = a, .day = b };
            else if (!y && day_at(w, i) && a && a <= 12 && (y = year_at(w, i + 4)))
                d = (struct date){ .year = y, .month = a, .day = day_at(w, i) }; /* 25/12/2024: day first */
            else if (!y && day_at(w, i) && day_at(w, i) <= 12 && a > 12 && (y = year_at(w, i + 4)))
                d = (struct date){ .year = y, .month = day_at(w, i), .day = a };
            else
                continue;
            past = i + 5;
        } else
            continue;
        d.core = (uint32_t)first;
        size_t b = first;
        if (b > 0 && (word_is(w, b - 1, "the") || word_is(w, b - 1, "le")))
            b--;
        if (b > 0 && (word_is_mark(w, b - 1, ',') || word_is_mark(w, b - 1, '(')))
            b--;
        if (b > 0 && word_is_mark(w, b - 1, '.') && (w->list[b - 1].flags & WORD_GLUED))
            b--;
        if (b > 0 && w->list[b - 1].weekday) {
            d.weekday = w->list[b - 1].weekday;
            first = b - 1;
        }
        d.word = (uint32_t)first;
        d.past = (uint32_t)past;
        *ARENA_PUSH(m->a, w->dates, w->ndates, m->dates_cap) = d;
        if (past > i + 1)
            i = past - 1;
    }
}

bool calendar_valid(int year, int month, int day)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return year >= 1583 && year <= 9999 && month >= 1 && month <= 12 && day >= 1 && day <= days[month - 1] + (month == 2 && leap);
}
/* The civil calendar counted in eras of 400 years that begin in March (well known; see e.g. the calendar FAQ). */
long calendar_days(int year, int month, int day)
{
    long y = year - (month <= 2);
    long era = (y >= 0 ? y : y - 399) / 400;
    long yoe = y - era * 400;
    long doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    long doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return era * 146097 + doe - 719468;
}
int calendar_weekday(int year, int month, int day)
{
    long d = calendar_days(year, month, day) + 3; /* 1970-01-01 was a Thursday */
    return (int)((d % 7 + 7) % 7) + 1;
}
