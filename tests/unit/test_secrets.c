/* SPDX-License-Identifier: Apache-2.0
 * secrets: what it must and must not see, and where exactly. Prefixes are joined here so that scanners of repositories
 * do not trip on this file; none of these was ever a key. */
#include "base/buf.h"
#include "checks/check.h"
#include "checks/secrets_kinds.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static struct arena *arena;
static struct score judge(struct span text, struct findings *f)
{
    static const struct check_env env;
    arena_reset(arena);
    memset(f, 0, sizeof *f);
    struct transcript *t = transcript_new(arena, "plain");
    transcript_ask(t, ROLE_USER, PART_TEXT, 0, (struct span){ 0 }, text);
    return check_secrets.score(&env, t, ON_PROMPT, f);
}
/* before + secret + after: found once, exactly, and its sentence does not give it away. */
static void finds(const char *before, const char *secret, const char *after)
{
    struct buf b = { 0 };
    buf_add_text(&b, before);
    buf_add_text(&b, secret);
    buf_add_text(&b, after);
    struct findings f;
    struct score s = judge(buf_span(&b), &f);
    bool found = false;
    for (size_t i = 0; i < f.n; i++) {
        found |= f.list[i].start == strlen(before) && f.list[i].end == strlen(before) + strlen(secret);
        assert_null(strstr(f.list[i].why, secret));
    }
    if (!found || f.n != 1 || s.value < 0.5) {
        fprintf(stderr, "%zu findings in: %s\n", f.n, b.bytes);
        for (size_t i = 0; i < f.n; i++)
            fprintf(stderr, "  %s [%u, %u)\n", f.list[i].kind, f.list[i].start, f.list[i].end);
        fail();
    }
    buf_free(&b);
}
static void quiet(const char *text)
{
    struct findings f;
    struct score s = judge(span_of(text), &f);
    if (f.n || s.value > 0) {
        fprintf(stderr, "found %s in: %s\n", f.list[0].kind, text);
        fail();
    }
}
#define TAIL36 "q8Zr2LmX7vKd0TnB4wYc9HsJ1fGp6RaE3uQi"
static void test_prefixes(void **state)
{
    (void)state;
    finds("log: bad credential ", "gh" "p_" TAIL36, "\nwhy?");
    finds("Envoyez \xc2\xab ", "gl" "pat-Zr2LmX7vKd0TnB4wYc9H", " \xc2\xbb");
    finds("\\n", "AK" "IAQ7ZKWX2MVTLB5YRC", "\\n");
    finds("", "xo" "xb-123456789012-1234567890123-Zr2LmX7vKd0TnB4wYc9HsJ1f", "");
    finds("call ", "8104729365:" "AAr2LmX7vKd0TnB4wYc9HsJ1fGp6RaE3uQi", "!");
    finds("(", "abc8" "Q~r2LmX7vKd0TnB4wYc9HsJ1fGp6RaE3uQi4", ")");
    finds("x ", "ey" "JhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiI0MiIsIm5hbWUiOiJ4In0.r2LmX7vKd0TnB4wYc9HsJ1fGp6RaE3uQi4", " y");
}
static void test_names(void **state)
{
    (void)state;
    finds("DB_PASSWORD=", "Lantern!42x", "\nDEBUG=1");
    finds("{\"apiSecret\": \"", "r2LmX7vKd0TnB4wYc9HsJ1fG", "\"}");
    finds("postgresql://app:", "r2LmX7vKd0Tn", "@db.example.test:5432/app");
    finds("AccountName=demo;AccountKey=", "r2LmX7vKd0TnB4wYc9HsJ1fGp6RaE3uQi4r2LmX7vKd0TnB4wYc9HsJ1fGp6RaE3uQi4r2LmX7vKd0TnB4wA==", ";EndpointSuffix=x");
    finds("Authorization: Basic ", "c3ZjOnIyTG1YN3ZLZDA=", "\n");
    finds("curl -u admin:", "r2LmX7vKd0", " https://x.test");
    finds("cmd --api-key ", "r2LmX7vKd0TnB4wYc9Hs", " go");
    finds("<password>", "Lantern!42x", "</password>");
    finds("algolia = '", "r2mx7vkd0tnb4wyc9hsj1fgp6rae3uqi", "'");
}
static void test_sentences(void **state)
{
    (void)state;
    finds("My password is ", "Lantern!42x", " and it does not work");
    finds("Le mot de passe du compte de test est ", "Lantern!42x", ", change-le.");
    finds("login : marie, mdp : ", "Lantern!42x", "");
    finds("the root password (", "Lantern!42x", ") leaked");
    finds("use ", "Lantern!42x", " as the password");
}
static void test_private_keys(void **state)
{
    (void)state;
    finds("key:\n", "-----BEGIN RSA PRIVATE " "KEY-----\nMIIEr2LmX7vKd0TnB4wYc9HsJ1fGp6RaE3uQi4r2LmX7vKd0TnB4wYc9HsJ1fGp6R\n-----END RSA PRIVATE " "KEY-----", "\nok?");
    finds("\"k\": \"", "-----BEGIN PRIVATE " "KEY-----\\nMIIEr2LmX7vKd0TnB4wYc9HsJ1fGp6RaE3uQi4r2LmX7vKd0TnB4wYc9\\n-----END PRIVATE " "KEY-----", "\\n\"");
    quiet("-----BEGIN CERTIFICATE-----\nMIIEr2LmX7vKd0TnB4wYc9HsJ1fGp6RaE3uQi4r2LmX7vKd0TnB4wYc9HsJ1fGp6R\n-----END CERTIFICATE-----");
    quiet("It starts with -----BEGIN RSA PRIVATE KEY----- and then base64.");
}
static void test_lookalikes(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "git revert 3f786850e387550fdab836ed7e6dc881de23001b", "integrity sha512-r2LmX7vKd0TnB4wYc9HsJ1fGp6RaE3uQi4r2LmX7vKd0TnB4wYc9HsJ1fGp6RaE3uQi4r2LmX7vKd0TnB4wA==",
        "Correlation-ID: 6b1f0b3e-52a4-4d0c-9a53-0f6a3c1de911", "api_key: <YOUR_API_KEY>", "token = \"${TOKEN}\"", "password = os.getenv('DB_PASSWORD')", "password: ********", ("AK" "IAIOSFODNN7EXAMPLE"),
        "Changez votre mot de passe tous les 90 jours.", "The password must have 12 characters and 1 digit.", "key: value pairs", "public_key = \"r2LmX7vKd0TnB4wYc9HsJ1fG\"", "max_tokens=4096", "https://user:password@example.test/",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIr2LmX7vKd0TnB4wYc9HsJ1fGp6RaE3uQi4r2LmX7v me@host",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        quiet(texts[i]);
}
static void test_disguise(void **state)
{
    (void)state;
    finds("", "gh" "p_q8Zr2LmX7vKd0Tn\xe2\x80\x8b" "B4wYc9HsJ1fGp6RaE3uQi", " x");
}
/* Every row of the table can be met: its own shape begins with two literal bytes and its classes are known. */
static void test_table(void **state)
{
    (void)state;
    size_t n;
    const struct kind *k = kind_table(&n);
    assert_true(n > 250);
    for (size_t i = 0; i < n; i++) {
        assert_true(k[i].shape[0] != '%' && k[i].shape[1] != '%');
        for (const char *s = k[i].shape; (s = strchr(s, '%')); s += 2)
            assert_non_null(strchr("awebBdhHUlL2qu=.", s[1]));
    }
}
static int begin(void **state)
{
    (void)state;
    arena = arena_new(64 << 20);
    return 0;
}
static int end(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}
int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prefixes), cmocka_unit_test(test_names), cmocka_unit_test(test_sentences), cmocka_unit_test(test_private_keys),
        cmocka_unit_test(test_lookalikes), cmocka_unit_test(test_disguise), cmocka_unit_test(test_table),
    };
    return cmocka_run_group_tests_name("secrets", tests, begin, end);
}
