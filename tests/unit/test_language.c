/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "checks/text/fold.h"
#include "checks/text/language.h"

static void sentences(void **state)
{
    (void)state;
    static const struct { const char *text, *code; } cases[] = {
        { "How can I open an account for my daughter, and what does it cost?", "en" },
        { "Comment puis-je ouvrir un compte pour ma fille, et quel est le prix ?", "fr" },
        { "Wie kann ich ein Konto für meine Tochter eröffnen und was kostet das?", "de" },
        { "¿Cómo puedo abrir una cuenta para mi hija y cuánto cuesta el servicio?", "es" },
        { "Come posso aprire un conto per mia figlia e quanto costa il servizio della banca?", "it" },
        { "Hoe kan ik een rekening openen voor mijn dochter en wat kost het?", "nl" },
        { "Como posso abrir uma conta para a minha filha e quanto custa? Não sei o que fazer.", "pt" },
        { "Как открыть счёт для дочери?", "ru" }, { "怎么给女儿开户？", "zh" }, { "娘のために口座を開くにはどうすればいいですか", "ja" },
        { "딸을 위해 계좌를 어떻게 개설하나요?", "ko" }, { "كيف أفتح حسابا لابنتي؟", "ar" }, { "", "" }, { "42 + 17", "" }, { "xyzzy plugh", "" },
    };
    struct arena *a = arena_new(1 << 20);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tokens t;
        tokens_cut(a, fold_text(a, span_of(cases[i].text), FOLD_PLAIN)->text, &t);
        const char *got = language_guess(&t);
        if (strcmp(got, cases[i].code))
            fail_msg("\"%s\" is %s, not %s", cases[i].text, got, cases[i].code);
    }
    arena_free(a);
}
int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(sentences) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
