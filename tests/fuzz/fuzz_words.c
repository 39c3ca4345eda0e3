/* SPDX-License-Identifier: Apache-2.0
 * Any bytes as words: every visible byte is in a word, words lead back to whole characters of the original, sentences tile them, numbers and
 * dates lie among them and are ones that can be. */
#include "base/must.h"
#include "base/utf8.h"
#include "checks/text/words.h"
#include <math.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
static bool is_border(struct span s, size_t at) /* not within a character */
{
    for (size_t back = 1; back <= 3 && back <= at; back++)
        if (utf8_length(s.at + at - back, s.len - (at - back)) > back)
            return false;
    return at <= s.len;
}
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n > 1 << 16)
        return 0;
    struct arena *a = arena_new(256 << 20);
    struct span text = { (const char *)data, n };
    const struct fold *f = fold_text(a, text, FOLD_PLAIN);
    const struct words *w = words_make(a, f);
    size_t at = 0, word = 0;
    for (size_t i = 0; i < w->n; i++) {
        const struct word *x = &w->list[i];
        must(x->at >= at && x->to > x->at && x->to <= f->text.len);
        for (; at < x->at; at++)
            must((unsigned char)f->text.at[at] <= ' ');
        at = x->to;
        must(x->start < x->end && x->end <= n && is_border(text, x->start) && is_border(text, x->end));
        must(i == 0 || x->start >= w->list[i - 1].start);
        must(x->kind <= WORD_MARK && x->month <= 12 && x->weekday <= 7 && x->number <= w->nnumbers);
        must(x->sentence < w->nsentences && i >= w->sentences[x->sentence].word && i < w->sentences[x->sentence].past);
        must(x->number == 0 || (i >= w->numbers[x->number - 1].word && i < w->numbers[x->number - 1].past));
        must(x->key == words_key(word_text(w, i).at, word_text(w, i).len));
    }
    for (; at < f->text.len; at++)
        must((unsigned char)f->text.at[at] <= ' ');
    for (size_t k = 0; k < w->nsentences; k++) {
        must(w->sentences[k].word == word && w->sentences[k].past > word);
        word = w->sentences[k].past;
    }
    must(word == w->n);
    for (size_t k = 0; k < w->nnumbers; k++) {
        const struct number *x = &w->numbers[k];
        must(x->word <= x->digits && x->digits < x->past && x->past <= w->n);
        must(!isnan(x->value) && !isnan(x->step));
    }
    for (size_t k = 0; k < w->ndates; k++) {
        const struct date *x = &w->dates[k];
        must(x->word <= x->core && x->core < x->past && x->past <= w->n);
        must(x->month >= 0 && x->month <= 12 && x->day >= 0 && x->day <= 31 && x->weekday >= 0 && x->weekday <= 7);
    }
    arena_free(a);
    return 0;
}
