/* SPDX-License-Identifier: Apache-2.0
 *
 * csv: rows of classic models as comma-separated values (RFC 4180: quotes double themselves, line ends may stand in quotes). Fields that are numbers
 * are numbers, empty ones are missing, the rest are categories. The whole is one text as well; that is the caller's.
 */
#include "base/parse.h"
#include "proxy/api/read.h"

/* The field at the start of *s, which is moved behind it; *is_last: its row ends with it. */
static struct span field(struct arena *a, struct span *s, bool *is_last)
{
    struct span f = *s;
    size_t n = 0, used = 0;
    if (s->len && s->at[0] == '"') {
        for (used = 1; used < s->len && (s->at[used] != '"' || (used + 1 < s->len && s->at[used + 1] == '"')); used++)
            used += s->at[used] == '"';
        char *text = arena_alloc_raw(a, used);
        for (size_t i = 1; i < used; i++) {
            i += s->at[i] == '"'; /* the second of two */
            text[n++] = s->at[i];
        }
        f = (struct span){ text, n };
        used += used < s->len;
        while (used < s->len && s->at[used] != ',' && s->at[used] != '\n')
            used++;
    } else {
        while (used < s->len && s->at[used] != ',' && s->at[used] != '\n')
            used++;
        f = span_trim(span_cut(*s, 0, used));
    }
    *is_last = used == s->len || s->at[used] == '\n';
    *s = span_cut(*s, used < s->len ? used + 1 : used, s->len);
    return f;
}
void rows_of_csv(struct transcript *t, bool is_input, struct span body, bool has_names, const char *base)
{
    struct span names[ROW_FEATURES_MOST];
    size_t nnames = 0;
    bool is_first = true;
    if (span_starts(body, "\xef\xbb\xbf"))
        body = span_cut(body, 3, body.len);
    while (body.len) {
        if (body.at[0] == '\n' || span_starts(body, "\r\n")) {
            body = span_cut(body, body.at[0] == '\n' ? 1 : 2, body.len);
            continue;
        }
        struct row *r = NULL;
        bool is_last = false, is_names = is_first && has_names;
        if (!is_names && !(r = is_input ? transcript_input_row(t) : transcript_output_row(t))) {
            size_t lines = 0; /* enough rows: the rest is counted by its lines */
            for (size_t i = 0; i < body.len; i++)
                lines += body.at[i] == '\n';
            t->rows_dropped += lines > 0 ? lines - 1 + (body.at[body.len - 1] != '\n') : 0;
            return;
        }
        for (size_t k = 0; !is_last; k++) {
            struct span f;
            if (k >= ROW_FEATURES_MOST) { /* past what a row keeps: only its end is sought */
                struct arena_mark m = arena_mark(t->arena);
                field(t->arena, &body, &is_last);
                arena_rewind(t->arena, m);
                continue;
            }
            f = field(t->arena, &body, &is_last);
            if (is_names) {
                names[nnames++] = f;
                continue;
            }
            while (nnames <= k) {
                names[nnames] = arena_printf(t->arena, "%s_%zu", base, nnames);
                nnames++;
            }
            double d;
            if (!f.len)
                row_missing(t, r, names[k]);
            else if (parse_double(f, &d))
                row_number(t, r, names[k], d);
            else
                row_category(t, r, names[k], f);
        }
        is_first = false;
    }
}
