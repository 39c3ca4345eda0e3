/* SPDX-License-Identifier: Apache-2.0
 * fuzz: any text through secrets and pii; every finding lies within it, settled never passes the end and never goes back
 * by more than its bound. */
#include "base/must.h"
#include "checks/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const struct check_env env;
    const struct check *checks[] = { &check_secrets, &check_pii };
    struct span text = { (const char *)data, n };
    for (size_t k = 0; k < 2; k++) {
        struct arena *a = arena_new(16 << 20);
        struct transcript *t = transcript_new(a, "plain");
        struct findings f = { 0 };
        transcript_ask(t, ROLE_USER, PART_TEXT, 0, (struct span){ 0 }, text);
        struct score s = checks[k]->score(&env, t, ON_PROMPT, &f);
        must(s.value >= 0 && s.value <= 1);
        for (size_t i = 0; i < f.n; i++)
            must(f.list[i].start < f.list[i].end && f.list[i].end <= n);
        size_t settled = checks[k]->settled(text);
        must(settled <= n && settled + 16384 >= n);
        arena_free(a);
    }
    return 0;
}
