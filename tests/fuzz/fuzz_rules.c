/* SPDX-License-Identifier: Apache-2.0
 * Rule files of any bytes: never a crash, never long; what compiles judges a text whole and in pieces, and both agree. The
 * input is a rules file, then a NUL, then the answer; without a NUL the answer is a fixed one. */
#include "checks/ruleset/ruleset.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 1 << 16)
        return 0;
    const uint8_t *nul = size ? memchr(data, 0, size) : NULL;
    struct span yaml = { (const char *)data, nul ? (size_t)(nul - data) : size };
    struct span answer = nul ? (struct span){ (const char *)nul + 1, size - yaml.len - 1 } : SPAN("The guaranteed return is 1234, and that is a secret.");
    if (answer.len > 2000)
        answer.len = 2000;
    struct arena *a = arena_new(64 << 20);
    struct troubles t = { .arena = a };
    struct ruleset *rs = ruleset_load_text("fuzz", yaml.at ? yaml : SPAN(""), &t);
    if (rs) {
        struct check_env env = { 0 };
        struct facts facts = { 0 };
        struct verdict whole, pieces;
        struct transcript *x = transcript_new(a, "plain");
        verdict_begin(&whole);
        transcript_say(x, 0, PART_TEXT, 0, (struct span){ 0 }, answer);
        judge_answer(rs, &env, x, &facts, &whole);
        x = transcript_new(a, "plain");
        verdict_begin(&pieces);
        struct stream_scan *s = stream_scan_new(rs, &env, x, &facts, &pieces);
        size_t settled = 0;
        for (size_t i = 0; i < answer.len && pieces.action != ACTION_BLOCK; i += 3) {
            transcript_say(x, 0, PART_TEXT, 0, (struct span){ 0 }, span_cut(answer, i, i + 3 > answer.len ? answer.len : i + 3));
            stream_scan_feed(s, 0, false);
            size_t now = stream_scan_settled(s, 0);
            if (now < settled || now > x->answer[0].text.len)
                abort();
            settled = now;
        }
        if (x->nanswer)
            stream_scan_feed(s, 0, true);
        ruleset_release(rs);
    }
    arena_free(a);
    return 0;
}
