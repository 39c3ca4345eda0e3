/* SPDX-License-Identifier: Apache-2.0
 * bench_checks [FILE]: CPU µs of each check on one exchange (JSON with "prompt", "response", maybe "context"), first caches cold for each. */
#include "base/json.h"
#include "checks/check.h"
#include "checks/text/fold.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}
static const char built_in[] = "{\"prompt\":\"You are asked by a customer of the bank. I moved to another town last month and my card still goes to the old address. "
    "How do I change it, how long does it take, and does the new card keep its number? I also saw a payment of 120 euros on Monday that I do not know, and my sister "
    "wants to open a savings account with us: what does she need, and can she do it in the app or must she come to the branch in person with her papers? "
    "Please explain each step in simple words, since I am not good with such things, and tell me whom I can call if something goes wrong on the way.\","
    "\"response\":\"You can change your address in the app under Profile, Address. We may ask for a proof of address that is not older than three months. The change takes one working day. "
    "Your card keeps its number; only a lost card gets a new one. For the payment of 120 euros, open it in the app and choose Report a problem. We block the card if needed and look into it; you will hear "
    "from us within ten days. Your sister can open a savings account in the app. She needs an identity card and a proof of address. If she would rather come in person, any branch can help her without an "
    "appointment, from Tuesday to Saturday. You can call us on the number on the back of your card at any time, and at night for lost cards.\"}";

int main(int argc, char **argv)
{
    static char bytes[1 << 20];
    struct span source = { built_in, sizeof built_in - 1 };
    if (argc > 1) {
        FILE *f = fopen(argv[1], "r");
        if (!f)
            return 2;
        source = (struct span){ bytes, fread(bytes, 1, sizeof bytes, f) };
        fclose(f);
    }
    struct arena *outer = arena_new(64 << 20), *a = arena_new(64 << 20);
    struct json doc;
    if (!json_read(&doc, outer, source))
        return 2;
    struct span prompt = jv_text(jv_get(json_root(&doc), "prompt"), outer), answer = jv_text(jv_get(json_root(&doc), "response"), outer), context = jv_text(jv_get(json_root(&doc), "context"), outer);
    enum { ROUNDS = 2000 };
    double total = 0;
    printf("prompt %zu bytes, answer %zu, context %zu\n", prompt.len, answer.len, context.len);
    for (int c = -1; all_checks[c < 0 ? 0 : c]; c++)
        for (int side = 1; side <= 2; side++) {
            if (c >= 0 && !(all_checks[c]->on & (unsigned)side))
                continue;
            double spent = 0;
            for (int i = 0; i < ROUNDS; i++) {
                arena_reset(a);
                struct transcript *t = transcript_new(a, "plain");
                struct findings found = { 0 };
                struct check_env env = { 0 };
                if (context.len)
                    transcript_ask(t, ROLE_CONTEXT, PART_DOCUMENT, 0, (struct span){ 0 }, context);
                transcript_ask(t, ROLE_USER, PART_TEXT, 0, (struct span){ 0 }, prompt);
                transcript_say(t, 0, PART_TEXT, 0, (struct span){ 0 }, answer);
                double from = now_us();
                if (c >= 0)
                    all_checks[c]->score(&env, t, (enum side)side, &found);
                else
                    part_fold(a, side == 1 ? &t->prompt[0] : &t->answer[0], FOLD_PLAIN);
                spent += now_us() - from;
            }
            printf("%-10s on %-6s %7.2f us\n", c < 0 ? "(fold)" : all_checks[c]->name, side == 1 ? "prompt" : "answer", spent / ROUNDS);
            total += c < 0 ? 0 : spent / ROUNDS;
        }
    printf("all checks            %7.2f us\n", total);
    arena_free(a);
    arena_free(outer);
    return 0;
}
