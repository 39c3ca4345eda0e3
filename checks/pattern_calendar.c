/* SPDX-License-Identifier: Apache-2.0
 * A full date has one weekday; a day past its month's end does not exist. Needs day, month and year in the text. */
#include "checks/pattern.h"

static const char *const names[8] = { "", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday" };

/* "25 December 2024 was a Thursday" · "le 25 décembre 2024 tombe un jeudi" · "2024-12-25 (jeudi)": the weekday's word. */
static size_t weekday_behind(const struct words *w, const struct date *d)
{
    size_t i = d->past;
    bool bracket = word_is_mark(w, i, '('), verb = false;
    if (bracket || word_is_mark(w, i, ','))
        i++;
    for (size_t k = 0; k < 5 && i < w->n && w->list[i].sentence == w->list[d->core].sentence; k++, i++) {
        if (w->list[i].weekday && w->list[i].kind == WORD_TEXT)
            return (verb || bracket) && !w->list[i].number ? i : 0;
        if (bracket)
            return 0;
        if (word_in(w, i, "was is falls fell fall lands landed will would est etait tombe tombait tombera sera was"))
            verb = true;
        else if (!word_in(w, i, "a an the on be un le en bien actually indeed which that qui"))
            return 0;
    }
    return 0;
}
void pattern_calendar(struct pattern_view *v)
{
    const struct words *w = v->w;
    for (size_t k = 0; k < w->ndates; k++) {
        const struct date *d = &w->dates[k];
        if (!d->day || !d->month || !d->year || d->year < 1583)
            continue;
        if (!calendar_valid(d->year, d->month, d->day)) {
            pattern_seen(v, "impossible-date", d->core, d->past, 0.9, "this date does not exist: that month has no day %d", d->day);
            continue;
        }
        int truth = calendar_weekday(d->year, d->month, d->day);
        size_t behind;
        if (d->weekday && d->weekday != truth)
            pattern_seen(v, "wrong-weekday", d->word, d->past, 0.95, "%04d-%02d-%02d is a %s, not a %s", d->year, d->month, d->day, names[truth],
                         names[d->weekday]);
        else if (!d->weekday && (behind = weekday_behind(w, d)) && w->list[behind].weekday != truth)
            pattern_seen(v, "wrong-weekday", d->word, behind + 1, 0.95, "%04d-%02d-%02d is a %s, not a %s", d->year, d->month, d->day, names[truth],
                         names[w->list[behind].weekday]);
    }
}
