/* SPDX-License-Identifier: Apache-2.0
 * Any bytes as a prompt and as an answer: disguises, windows, both text models; and as a model's file. */
#include "base/must.h"
#include "checks/check.h"
#include "checks/models.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n > 1 << 15)
        return 0;
    struct arena *a = arena_new(64 << 20);
    struct span text = { (const char *)data, n };
    struct transcript *t = transcript_new(a, "plain");
    transcript_ask(t, ROLE_USER, PART_TEXT, 0, (struct span){ 0 }, text);
    transcript_say(t, 0, PART_TEXT, 0, (struct span){ 0 }, text);
    struct findings f = { 0 };
    struct score i = check_injection.score(NULL, t, ON_PROMPT, &f), r = check_refusal.score(NULL, t, ON_ANSWER, &f);
    must(i.value >= 0 && i.value <= 1 && r.value >= 0 && r.value <= 1);
    for (size_t k = 0; k < f.n; k++)
        must(f.list[k].start <= f.list[k].end && f.list[k].end <= n);
    struct linear m;
    struct span file = arena_copy(a, text);
    if (linear_open(&m, file))
        linear_is_whole(file);
    arena_free(a);
    return 0;
}
