/* SPDX-License-Identifier: Apache-2.0
 *
 * own_sentences: what we wrote ourselves for the models to learn from, where public labelled text is thin: sentences put
 * together from parts. Only texts.h includes this.
 */
#ifndef TOOLS_OWN_SENTENCES_H
#define TOOLS_OWN_SENTENCES_H
#include "checks/models.h"

struct texts;
static inline void texts_add(struct texts *t, struct span text, bool is_so, struct span group, struct span lang, float weight);
static inline void own_sentences(struct arena *a, enum model model, struct texts *t)
{
    (void)a;
    (void)model;
    (void)t;
}
#endif
