/* SPDX-License-Identifier: Apache-2.0 */
#include "base/trouble.h"
#include "base/utf8.h"
#include <stdlib.h>

__attribute__((format(printf, 7, 0)))
static void add(struct troubles *t, bool is_warning, const char *file, unsigned line, unsigned column, const char *hint,
                const char *what, va_list args)
{
    if (!is_warning)
        t->errors++;
    if (t->n == TROUBLES_MOST) {
        t->dropped++;
        return;
    }
    struct trouble *x = &t->list[t->n++];
    *x = (struct trouble){ .file = file ? arena_text(t->arena, span_of(file)) : NULL, .line = line, .column = column,
                           .hint = arena_text(t->arena, span_of(hint)), .is_warning = is_warning };
    x->what = arena_vprintf(t->arena, what, args).at;
    if (!x->what)
        x->what = "";
}
void trouble_add(struct troubles *t, const char *file, unsigned line, unsigned column, const char *hint, const char *what, ...)
{
    va_list args;
    va_start(args, what);
    add(t, false, file, line, column, hint, what, args);
    va_end(args);
}
void trouble_warn(struct troubles *t, const char *file, unsigned line, unsigned column, const char *hint, const char *what, ...)
{
    va_list args;
    va_start(args, what);
    add(t, true, file, line, column, hint, what, args);
    va_end(args);
}

/* What came from outside may hold terminal escapes, newlines and marks that turn a line round: shown as \xHH, like bytes that are no UTF-8. */
static bool is_plain(const char *p, size_t length)
{
    uint32_t c = length ? utf8_code(p, length) : 0;
    return length && c >= 0x20 && !(c >= 0x7f && c < 0xa0) && !(c >= 0x200b && c <= 0x200f) && !(c >= 0x2028 && c <= 0x202e) && !(c >= 0x2060 && c <= 0x206f) && c != 0xfeff;
}
void text_print(struct span s, FILE *out)
{
    for (size_t i = 0; i < s.len;) {
        size_t n = utf8_length(s.at + i, s.len - i);
        if (is_plain(s.at + i, n)) {
            fwrite(s.at + i, 1, n, out);
            i += n;
            continue;
        }
        for (size_t to = i + (n ? n : 1); i < to; i++)
            fprintf(out, "\\x%02x", (unsigned char)s.at[i]);
    }
}
static void put_safe(const char *text, FILE *out) { text_print(span_of(text), out); }
void troubles_print(const struct troubles *t, FILE *out)
{
    for (unsigned i = 0; i < t->n; i++) {
        const struct trouble *x = &t->list[i];
        fputs("vigie: ", out);
        if (x->file) {
            put_safe(x->file, out);
            if (x->line)
                fprintf(out, ":%u:%u", x->line, x->column ? x->column : 1);
            fputs(": ", out);
        }
        if (x->is_warning)
            fputs("warning: ", out);
        put_safe(x->what, out);
        if (x->hint[0]) {
            fputs(": ", out);
            put_safe(x->hint, out);
        }
        fputc('\n', out);
    }
    if (t->dropped)
        fprintf(out, "vigie: %u more problems are not shown: mend these first\n", t->dropped);
}

static int compare(const void *a, const void *b)
{
    const struct trouble *x = a, *y = b;
    int by_file = strcmp(x->file ? x->file : "", y->file ? y->file : "");
    if (by_file)
        return by_file;
    if (x->line != y->line)
        return x->line < y->line ? -1 : 1;
    return x->column < y->column ? -1 : x->column > y->column;
}
void troubles_sort(struct troubles *t)
{
    qsort(t->list, t->n, sizeof t->list[0], compare);
}

const char *nearest_word(struct span word, const char *const *known, size_t n)
{
    enum { LONGEST = 64 };
    const char *best = NULL;
    size_t best_distance = word.len / 3 + 1;
    if (word.len == 0 || word.len > LONGEST)
        return NULL;
    for (size_t k = 0; k < n; k++) {
        size_t len = strlen(known[k]), row[LONGEST + 1];
        if (len > LONGEST)
            continue;
        for (size_t j = 0; j <= len; j++)
            row[j] = j;
        for (size_t i = 1; i <= word.len; i++) {
            size_t diagonal = row[0];
            row[0] = i;
            for (size_t j = 1; j <= len; j++) {
                size_t substitute = diagonal + (word.at[i - 1] != known[k][j - 1]), up = row[j] + 1, left = row[j - 1] + 1;
                diagonal = row[j];
                row[j] = substitute < up ? (substitute < left ? substitute : left) : (up < left ? up : left);
            }
        }
        if (row[len] <= best_distance) {
            if (row[len] < best_distance || !best)
                best = known[k];
            best_distance = row[len];
        }
    }
    return best;
}
