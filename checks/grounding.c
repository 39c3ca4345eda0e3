/* SPDX-License-Identifier: Apache-2.0
 * grounding: does the context bear the answer out? See checks/grounding_parts.h. Here: the check, one choice after another;
 * the least grounded text decides. Findings are given when the whole answer is judged ungrounded, each with its piece. */
#include "checks/grounding_parts.h"

static const char *const kinds[] = { "number", "name", "url", "quote", "opposite", "attribute", "words", "sentence" };
enum { PIECES_MOST = 64 };

/* Pieces inside a larger one that is surer are not said twice. */
static bool is_covered(const struct ground_result *r, size_t k)
{
    const struct ground_piece *p = &r->pieces[k];
    for (size_t i = k > 40 ? k - 40 : 0; i < r->npieces && i < k + 40; i++) {
        const struct ground_piece *q = &r->pieces[i];
        if (i != k && q->first <= p->first && q->past >= p->past && (q->past - q->first > p->past - p->first) && q->score >= 0.5 && p->kind == PIECE_WORDS)
            return true;
    }
    return false;
}
static struct score score(const struct check_env *env, struct transcript *t, enum side on, struct findings *out)
{
    (void)env;
    if (on != ON_ANSWER || !t->nanswer)
        return (struct score){ 0, "no answer" };
    struct ground *g = NULL;
    double most = 0;
    bool looked = false;
    for (size_t i = 0; i < t->nanswer; i++) {
        struct part *p = &t->answer[i];
        if (p->kind != PART_TEXT || !p->text.len)
            continue;
        if (!g && !(g = ground_read(t)))
            return (struct score){ 0, "no context" };
        const struct words *w = part_words(t->arena, p);
        struct ground_result r;
        ground_align(g, w, &r);
        looked = true;
        double value = r.empty ? 0 : ground_score(&r);
        most = value > most ? value : most;
        if (value < 0.5)
            continue;
        for (size_t k = 0, n = 0; k < r.npieces && n < PIECES_MOST; k++) {
            const struct ground_piece *x = &r.pieces[k];
            /* loose words are marked only where many stand together: alone they are mostly other words for the same */
            if (x->score < (x->kind == PIECE_WORDS ? 0.75 : x->kind == PIECE_FLIP || x->kind == PIECE_SENTENCE ? 0.68 : 0.5) || is_covered(&r, k))
                continue;
            double both = x->score * value > 0.5 ? x->score * value : 0.5;
            finding_add(out, t, &check_grounding, kinds[x->kind], ON_ANSWER, i, w->list[x->first].start, w->list[x->past - 1].end, both, "%s", x->why);
            n++;
        }
    }
    if (!looked)
        return (struct score){ 0, "no text in the answer" };
    return (struct score){ most, NULL };
}
const struct check check_grounding = {
    .name = "grounding",
    .doc = "does the context bear the answer out: figures, dates, names, quotes, sentences",
    .on = ON_ANSWER,
    .score = score,
};
