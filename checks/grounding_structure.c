/* SPDX-License-Identifier: Apache-2.0
 * What structured data (a JSON context) says yes, no or nothing to, and when it says that something is open; and whether
 * a sentence of the answer says otherwise. An attribute is met by the words of its key near each other ("OutdoorSeating":
 * outdoor, seating); a denial reaches from its word to the next "but", or back to it from the end of the clause. Times are compared
 * on the face of a clock, since answers turn 21:00 into 9 pm. Cost: O(keys + words of the answer). */
#include "base/json.h"
#include "checks/grounding_parts.h"

enum { KEYS_MOST = 16384, CHAIN_MOST = 16, REACH = 5, DAY_MINUTES = 1440, CLOCK_MINUTES = 720 };

/* "RestaurantsGoodForGroups", "outdoor_seating" → words. */
static struct span key_split(struct arena *a, struct span key)
{
    char *out = arena_alloc_raw(a, 2 * key.len + 1);
    size_t n = 0;
    for (size_t i = 0; i < key.len; i++) {
        char c = key.at[i];
        if (i && c >= 'A' && c <= 'Z' && key.at[i - 1] >= 'a' && key.at[i - 1] <= 'z')
            out[n++] = ' ';
        out[n++] = c == '_' || c == '-' || c == '.' ? ' ' : c;
    }
    return (struct span){ out, n };
}
/* Words that hold a key together and that nobody repeats. */
static bool is_carrier(const struct words *w, size_t i)
{
    return word_in(w, i, "restaurants restaurant business has have is are good for the of accepts accept offers offer by allowed provides provide est a de du la le pour avec");
}
static const struct words *key_words(struct ground *g, struct span key)
{
    return words_make(g->a, fold_text(g->a, key_split(g->a, key), FOLD_PLAIN));
}
static void attribute_file(struct ground *g, struct ground_attribute *x)
{
    uint32_t head = x->stems[0] % ATTRIBUTE_HEADS;
    uint32_t steps = 0;
    for (uint32_t k = g->heads[head]; k && steps < CHAIN_MOST; k = g->attributes[k - 1].next, steps++) {
        struct ground_attribute *y = &g->attributes[k - 1];
        if (y->n == x->n && y->parent == x->parent && memcmp(y->stems, x->stems, x->n * sizeof *x->stems) == 0) {
            if (y->says != x->says)
                y->says = SAYS_BOTH; /* of several things; which one is meant cannot be told */
            return;
        }
    }
    x->next = g->heads[head];
    g->heads[head] = ++g->nattributes;
}
static void attribute_add(struct ground *g, struct span parent, struct span key, enum ground_says says)
{
    if (g->nattributes + 2 > ATTRIBUTES_MOST || key.len > 64)
        return;
    struct ground_attribute *x = &g->attributes[g->nattributes];
    *x = (struct ground_attribute){ .says = (uint8_t)says, .name = key };
    const struct words *w = key_words(g, key);
    char joined[64];
    size_t n = 0, parts = 0;
    for (size_t i = 0; i < w->n && x->n < ATTRIBUTE_WORDS; i++) {
        if (w->list[i].kind != WORD_TEXT || is_carrier(w, i))
            continue;
        struct span t = word_text(w, i);
        x->stems[x->n++] = w->list[i].stem;
        if (n + t.len <= sizeof joined) {
            memcpy(joined + n, t.at, t.len);
            n += t.len;
            parts++;
        }
    }
    if (!x->n)
        return;
    /* a single word may mean many things, and then only counts beside its heading: parking: {lot: false} */
    if (x->n == 1 && parent.len && parent.len <= 64) {
        const struct words *p = key_words(g, parent);
        for (size_t i = 0; i < p->n && !x->parent; i++)
            if (p->list[i].kind == WORD_TEXT && !is_carrier(p, i))
                x->parent = p->list[i].stem;
    }
    attribute_file(g, x);
    if (parts >= 2) { /* "take out", "takeout" */
        const struct words *j = words_make(g->a, fold_text(g->a, arena_copy(g->a, (struct span){ joined, n }), FOLD_PLAIN));
        if (j->n == 1) {
            x = &g->attributes[g->nattributes];
            *x = (struct ground_attribute){ .says = (uint8_t)says, .name = key, .n = 1, .stems = { j->list[0].stem } };
            attribute_file(g, x);
        }
    }
}

/* A time of day at text[*i]: minutes, or -1. is_sure: minutes or am/pm were given, so it is a time and no other figure. */
static int time_read(struct span text, size_t *i, size_t past, bool *is_sure)
{
    size_t k = *i;
    int hour = 0, minute = 0, digits = 0;
    while (k < past && text.at[k] >= '0' && text.at[k] <= '9' && digits < 3)
        hour = hour * 10 + (text.at[k++] - '0'), digits++;
    if (!digits || digits > 2 || hour > 24)
        return -1;
    *is_sure = false;
    if (k + 1 < past && (text.at[k] == ':' || text.at[k] == 'h') && text.at[k + 1] >= '0' && text.at[k + 1] <= '9') {
        size_t m = k + 1;
        digits = 0;
        while (m < past && text.at[m] >= '0' && text.at[m] <= '9' && digits < 2)
            minute = minute * 10 + (text.at[m++] - '0'), digits++;
        if (minute > 59)
            return -1;
        k = m;
        *is_sure = true;
    } else if (k < past && text.at[k] == 'h' && (k + 1 == past || text.at[k + 1] == ' ' || text.at[k + 1] == ',' || text.at[k + 1] == '.')) {
        k++;
        *is_sure = true;
    }
    size_t m = k;
    while (m < past && text.at[m] == ' ' && m < k + 2)
        m++;
    if (m + 1 < past && (text.at[m] == 'a' || text.at[m] == 'p')) {
        size_t e = m + 1;
        if (text.at[e] == '.')
            e++;
        if (e < past && text.at[e] == 'm' && (e + 1 == past || text.at[e + 1] < 'a' || text.at[e + 1] > 'z')) {
            if (text.at[m] == 'p' && hour < 12)
                hour += 12;
            k = e + 1 < past && text.at[e + 1] == '.' && text.at[m + 1] == '.' ? e + 2 : e + 1;
            *is_sure = true;
        }
    }
    *i = k;
    return (hour * 60 + minute) % DAY_MINUTES;
}
static void schedule_add(struct ground *g, struct jv object)
{
    if (g->nschedules >= SCHEDULES_MOST)
        return;
    struct ground_schedule s = { .days = 0 };
    struct jv_walk w = jv_walk(object);
    for (unsigned n = 0; jv_next(&w) && n < 16; n++) {
        const struct words *k = words_make(g->a, fold_text(g->a, jv_text(w.key, g->a), FOLD_PLAIN));
        if (k->n != 1 || !k->list[0].weekday || jv_type(w.value) != JSON_STRING)
            continue;
        unsigned day = k->list[0].weekday - 1u;
        struct span v = jv_text(w.value, g->a);
        size_t i = 0;
        bool sure;
        int from = time_read(v, &i, v.len, &sure);
        while (from >= 0 && i < v.len && (v.at[i] < '0' || v.at[i] > '9'))
            i++;
        int to = from < 0 ? -1 : time_read(v, &i, v.len, &sure);
        if (from < 0 || to < 0)
            continue;
        s.days |= (uint8_t)(1u << day);
        s.open[day] = (int16_t)from;
        s.close[day] = (int16_t)to;
    }
    if (s.days & (s.days - 1)) /* two days at least, or it is no timetable */
        g->schedules[g->nschedules++] = s;
}
static enum ground_says says_of(struct jv v, struct arena *a)
{
    switch (jv_type(v)) {
    case JSON_NULL:
        return SAYS_NOTHING;
    case JSON_TRUE:
        return SAYS_YES;
    case JSON_FALSE:
        return SAYS_NO;
    case JSON_STRING:
        if (jv_source(v).len < 8) {
            struct span t = jv_text(v, a);
            if (span_is_nocase(t, "none") || span_is_nocase(t, "no") || span_is_nocase(t, "false") || span_is_nocase(t, "non"))
                return SAYS_NO;
            if (span_is_nocase(t, "yes") || span_is_nocase(t, "free") || span_is_nocase(t, "true") || span_is_nocase(t, "oui"))
                return SAYS_YES;
            if (span_is_nocase(t, "null") || span_is_nocase(t, "unknown") || span_is_nocase(t, "n/a"))
                return SAYS_NOTHING;
        }
        return SAYS_BOTH;
    default:
        return SAYS_BOTH;
    }
}
struct span structure_read(struct ground *g, struct span text)
{
    struct arena *a = g->a;
    size_t i = 0;
    while (i < text.len && i < 64 && text.at[i] != '{' && text.at[i] != '[')
        i++;
    if (i >= text.len || i >= 64)
        return (struct span){ 0 };
    struct json *doc = arena_alloc(a, sizeof *doc);
    if (!json_read(doc, a, span_cut(text, i, text.len)))
        return (struct span){ 0 };
    char *keys = arena_alloc_raw(a, KEYS_MOST);
    size_t n = 0;
    struct {
        struct jv_walk walk;
        struct span key;
    } stack[JSON_DEPTH + 1];
    size_t depth = 1;
    stack[0].walk = jv_walk(json_root(doc));
    stack[0].key = (struct span){ 0 };
    while (depth) {
        struct jv_walk *w = &stack[depth - 1].walk;
        if (!jv_next(w)) {
            depth--;
            continue;
        }
        bool is_member = jv_type(w->of) == JSON_OBJECT;
        struct span key = is_member ? jv_text(w->key, a) : stack[depth - 1].key;
        if (is_member) {
            struct span words = key_split(a, key);
            if (n + words.len + 2 < KEYS_MOST) {
                memcpy(keys + n, words.at, words.len);
                n += words.len;
                keys[n++] = '\n';
            }
        }
        enum json_type type = jv_type(w->value);
        if (type == JSON_OBJECT || type == JSON_ARRAY) {
            if (type == JSON_OBJECT)
                schedule_add(g, w->value);
            if (depth <= JSON_DEPTH) {
                stack[depth].walk = jv_walk(w->value);
                stack[depth++].key = key;
            }
        } else if (is_member) {
            enum ground_says says = says_of(w->value, a);
            if (says != SAYS_BOTH)
                attribute_add(g, stack[depth - 1].key, key, says);
        }
    }
    return (struct span){ keys, n };
}

/* For each word of the sentence: is it under a denial? */
static bool is_denial(const struct words *w, size_t i)
{
    if (word_in(w, i, "lack lacks lacking unavailable without manque depourvu indisponible"))
        return true;
    return (w->list[i].flags & WORD_NOT) && !word_is(w, i + 1, "only") && !word_is(w, i + 1, "seulement");
}
static bool is_turn(const struct words *w, size_t i)
{
    return word_in(w, i, "but however although though while whereas yet instead mais tandis cependant toutefois pourtant") || word_is_mark(w, i, ';');
}
static bool is_denied(const struct words *w, size_t first, size_t past, size_t from, size_t to)
{
    for (size_t i = from; i > first; i--) { /* before it, up to a turn or a new subject */
        if (is_denial(w, i - 1))
            return true;
        if (is_turn(w, i - 1) || word_in(w, i - 1, "and et"))
            break;
        if (word_is_mark(w, i - 1, ',') && word_in(w, i, "it they he she there il elle ils elles"))
            break;
    }
    for (size_t i = from; i < past && i < to + 5; i++) {
        if (i >= to && (w->list[i].kind == WORD_MARK || is_turn(w, i) || word_in(w, i, "and et")))
            break;
        if (is_denial(w, i))
            return true;
    }
    return false;
}
/* "The data do not say whether …" is true of what they leave open. */
static bool is_silence(const struct words *w, size_t first, size_t from)
{
    for (size_t i = first; i < from; i++)
        if (word_in(w, i, "mention mentions mentioned specify specifies specified state states stated indicate indicates indicated information say says know known clear "
                          "precise indique mentionne renseigne informations dit sait"))
            return true;
    return false;
}
static void attributes_judge(const struct ground *g, const struct words *w, size_t first, size_t past, struct ground_result *r)
{
    for (size_t i = first; i < past; i++) {
        uint32_t stem = w->list[i].stem, steps = 0;
        for (uint32_t k = g->heads[stem % ATTRIBUTE_HEADS]; k && steps < CHAIN_MOST; k = g->attributes[k - 1].next, steps++) {
            const struct ground_attribute *d = &g->attributes[k - 1];
            if (d->stems[0] != stem || d->says == SAYS_BOTH)
                continue;
            size_t low = i > first + REACH ? i - REACH : first, high = i + REACH + 1 < past ? i + REACH + 1 : past, from = i, to = i + 1;
            unsigned met = 1;
            bool beside = false;
            for (size_t q = low; q < high; q++) {
                for (unsigned m = 1; m < d->n; m++)
                    if (w->list[q].stem == d->stems[m] && !(met & 1u << m)) {
                        met |= 1u << m;
                        from = q < from ? q : from;
                        to = q + 1 > to ? q + 1 : to;
                    }
                if (d->parent && w->list[q].stem == d->parent) {
                    beside = true;
                    if (q >= to && q <= to + 1)
                        to = q + 1;
                }
            }
            if (met != (1u << d->n) - 1)
                continue;
            if (d->parent ? !beside : d->n == 1 && d->says == SAYS_NOTHING) {
                const struct ground_entry *e = ground_find(g, stem);
                if (e && e->all > 2) /* said elsewhere too: it may mean something else */
                    continue;
            }
            bool denied = is_denied(w, first, past, from, to);
            if (d->says == SAYS_NOTHING && denied && is_silence(w, first, from))
                continue;
            if (d->says == SAYS_NOTHING)
                fact_add(r, g, FACT_OPEN, from, to, arena_printf(g->a, "the data leave \"" SPAN_FMT "\" open", SPAN_ARG(d->name)));
            else if ((d->says == SAYS_NO) == !denied)
                fact_add(r, g, denied ? FACT_DENIED : FACT_ATTRIBUTE, from, to, arena_printf(g->a, "the data say that \"" SPAN_FMT "\" is %s", SPAN_ARG(d->name), denied ? "so" : "not so"));
        }
    }
}

static const char *const day_names[] = { "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday" };
struct timetable {
    const struct ground *g;
    const struct words *w;
    struct ground_result *r;
    unsigned days;
    size_t days_first, days_past;
    int from, to;
    size_t times_first, times_past;
    unsigned ntimes;
};
static bool is_same_time(int a, int b) { return a % CLOCK_MINUTES == b % CLOCK_MINUTES; }
static void timetable_judge(struct timetable *z, bool is_closed)
{
    const struct ground_schedule *s = &z->g->schedules[0];
    if (!z->days || (z->ntimes != 2 && z->ntimes != 0))
        return;
    /* "0:0-0:0" beside other times: closed; on all days: open all day, or nothing known */
    bool all_day = true;
    for (unsigned d = 0; d < 7; d++)
        all_day &= !(s->days & 1u << d) || s->open[d] == s->close[d];
    for (unsigned d = 0; d < 7; d++) {
        if (!(z->days & 1u << d))
            continue;
        bool is_open = (s->days & 1u << d) && s->open[d] != s->close[d];
        bool is_whole = all_day && (s->days & 1u << d);
        bool wrong = is_closed ? is_open : z->ntimes ? !is_whole && !(is_open && is_same_time(s->open[d], z->from) && is_same_time(s->close[d], z->to)) : !is_open && !is_whole;
        if (is_whole || !wrong)
            continue;
        size_t first = z->ntimes && z->times_first < z->days_first ? z->times_first : z->days_first;
        size_t past = z->ntimes && z->times_past > z->days_past ? z->times_past : z->days_past;
        struct span why = is_open ? arena_printf(z->g->a, "the data say %02d:%02d to %02d:%02d on %s", s->open[d] / 60, s->open[d] % 60, s->close[d] / 60, s->close[d] % 60, day_names[d])
                                  : arena_printf(z->g->a, "the data give no hours for %s", day_names[d]);
        fact_add(z->r, z->g, FACT_SCHEDULE, first, past, why);
        return;
    }
}
static void days_add(struct timetable *z, unsigned days, size_t first, size_t past)
{
    if (!z->days)
        z->days_first = first;
    z->days |= days;
    z->days_past = past;
}
static void schedule_judge(const struct ground *g, const struct words *w, size_t first, size_t past, struct ground_result *r)
{
    struct timetable z = { .g = g, .w = w, .r = r };
    bool speaks_of_hours = false, times_lead = false, any = false, closed = false;
    int last_day = -1;
    size_t last_day_at = 0;
    size_t sentence_end = w->list[past - 1].to;
    for (size_t i = first; i < past; i++) {
        const struct word *x = &w->list[i];
        speaks_of_hours |= word_in(w, i, "open opens opened operates operate operating hours closed closes available ouvert ouverte horaires ferme fermee");
        unsigned days = 0;
        size_t end = i + 1;
        if (x->weekday) {
            unsigned d = x->weekday - 1u;
            days = 1u << d;
            bool range = last_day >= 0 && i <= last_day_at + 3;
            bool joins = false;
            for (size_t k = last_day_at + 1; range && k < i; k++)
                joins |= word_in(w, k, "to through thru until till au a jusqu") || word_is_mark(w, k, '-');
            if (range && joins)
                for (unsigned k = (unsigned)last_day; k != d; k = (k + 1) % 7)
                    days |= 1u << k;
            last_day = (int)d;
            last_day_at = i;
        } else if ((word_in(w, i, "days") || word_is(w, i, "jours")) && i > first && (word_in(w, i - 1, "seven 7 sept all tous")) && word_in(w, i + 1, "a per week par sur"))
            days = 0x7f;
        else if (word_in(w, i, "daily everyday") || (word_is(w, i, "every") && word_is(w, i + 1, "day")))
            days = 0x7f;
        else if (word_in(w, i, "weekdays weekday"))
            days = 0x1f;
        else if (word_in(w, i, "weekends weekend"))
            days = 0x60;
        bool closes = word_in(w, i, "closed ferme fermee");
        int minutes = -1;
        bool sure = false;
        if (!days && w->fold->text.at[x->at] >= '0' && w->fold->text.at[x->at] <= '9') {
            size_t at = x->at;
            minutes = time_read(w->fold->text, &at, sentence_end, &sure);
            if (minutes >= 0 && !sure) { /* "5 to 9 pm": the other end decides */
                size_t k = at;
                while (k < sentence_end && k < at + 5 && (w->fold->text.at[k] < '0' || w->fold->text.at[k] > '9'))
                    k++;
                bool other = false;
                if (k < sentence_end && k > at && k < at + 5)
                    (void)time_read(w->fold->text, &k, sentence_end, &other);
                sure = other;
            }
            if (minutes >= 0 && sure)
                while (end < past && w->list[end].at < at)
                    end++;
            else
                minutes = -1;
        }
        if (days) {
            if (!any)
                times_lead = false, any = true;
            if (z.ntimes && !times_lead) {
                timetable_judge(&z, false);
                z = (struct timetable){ .g = g, .w = w, .r = r };
            }
            days_add(&z, days, i, end);
            if (closed) { /* "closed on Mondays" */
                timetable_judge(&(struct timetable){ .g = g, .w = w, .r = r, .days = days, .days_first = i, .days_past = end }, true);
                z.days = 0;
            }
        } else if (minutes >= 0) {
            if (!any)
                times_lead = true, any = true;
            closed = false;
            if (times_lead && z.days) {
                timetable_judge(&z, false);
                z = (struct timetable){ .g = g, .w = w, .r = r };
            }
            if (!z.ntimes)
                z.times_first = i, z.from = minutes;
            else
                z.to = minutes;
            z.ntimes++;
            z.times_past = end;
            i = end - 1;
        } else if (closes) {
            if (z.days && !z.ntimes) {
                timetable_judge(&z, true);
                z.days = 0;
            } else {
                closed = true;
            }
        } else if (closed && (is_turn(w, i) || word_in(w, i, "open opens operates ouvre ouvert ouverte")))
            closed = false;
    }
    if (z.days && (z.ntimes || speaks_of_hours))
        timetable_judge(&z, false);
}
void structure_judge(const struct ground *g, const struct words *w, size_t first, size_t past, struct ground_result *r)
{
    if (g->nattributes)
        attributes_judge(g, w, first, past, r);
    if (g->nschedules == 1 && past > first)
        schedule_judge(g, w, first, past, r);
}
