/* SPDX-License-Identifier: Apache-2.0
 * Any bytes as a context and as an answer to it: up to the first line that is only "--", then from there. Pieces lie in the answer,
 * and every score in its range. */
#include "base/must.h"
#include "checks/grounding_parts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n > 1 << 15)
        return 0;
    struct arena *a = arena_new(64 << 20);
    struct span text = arena_copy(a, (struct span){ (const char *)data, n }), none = { 0 };
    const char *cut = span_find(text, SPAN("\n--\n"));
    size_t at = cut ? (size_t)(cut - text.at) : n / 2, answer = cut ? at + 4 : at;
    struct transcript *t = transcript_new(a, "plain");
    transcript_ask(t, ROLE_CONTEXT, PART_DOCUMENT, 0, none, span_cut(text, 0, at));
    transcript_say(t, 0, PART_TEXT, 0, none, span_cut(text, answer, n));
    struct ground *g = ground_read(t);
    if (g) {
        const struct words *w = part_words(a, &t->answer[0]);
        struct ground_result r;
        ground_align(g, w, &r);
        for (int k = 0; k < GROUND_FEATURES; k++)
            must(r.x[k] >= 0 && r.x[k] <= 1);
        size_t pieces;
        const struct ground_piece *p = ground_pieces(g, w, &r, token_weights, &pieces);
        must(pieces <= PIECES_MOST);
        for (size_t k = 0; k < pieces; k++)
            must(p[k].first < p[k].past && p[k].past <= w->n && p[k].why && p[k].score >= 0 && p[k].score <= 1);
    }
    struct findings f = { 0 };
    struct score s = check_grounding.score(&(struct check_env){ 0 }, t, ON_ANSWER, &f);
    must(s.value >= 0 && s.value <= 1);
    for (size_t k = 0; k < f.n; k++)
        must(f.list[k].start < f.list[k].end && f.list[k].end <= n - answer);
    arena_free(a);
    return 0;
}
