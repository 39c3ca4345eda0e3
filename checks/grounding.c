/* SPDX-License-Identifier: Apache-2.0
 * grounding: does the context bear the answer out? See checks/grounding_parts.h. Here: the check, one choice after another;
 * the least grounded text decides. Findings are given when the whole answer is judged ungrounded, each with its piece. */
#include "checks/grounding_parts.h"

static const char *const kinds[] = { "number", "name", "url", "quote", "opposite", "attribute", "attribute", "open", "schedule", "words" };

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
        double value = r.is_empty ? 0 : ground_score(&r, ground_weights);
        most = value > most ? value : most;
        if (value < 0.5)
            continue;
        size_t n;
        const struct ground_piece *pieces = ground_pieces(g, w, &r, token_weights, &n);
        for (size_t k = 0; k < n; k++) {
            const struct ground_piece *x = &pieces[k];
            finding_add(out, t, &check_grounding, kinds[x->kind], ON_ANSWER, i, w->list[x->first].start, w->list[x->past - 1].end, x->score > 0.5 ? x->score : 0.5, "%s", x->why);
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
