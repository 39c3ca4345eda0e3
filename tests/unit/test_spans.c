/* SPDX-License-Identifier: Apache-2.0
 * The promise that secrets and pii make to streams: whatever text comes, cut wherever, settled never lets go of a byte
 * of a finding that was not already seen when it did; and ordinary prose is held by its last word only. */
#include "base/buf.h"
#include "checks/check.h"
#include "checks/text/digits.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static uint64_t seed = 88172645463325252u;
static unsigned rnd(unsigned n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)(seed >> 33) % n;
}
static const char an[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", hex[] = "0123456789abcdef";
static void some(struct buf *b, const char *alphabet, size_t n)
{
    size_t m = strlen(alphabet);
    while (n--)
        buf_add_char(b, alphabet[rnd((unsigned)m)]);
}
static void plant(struct buf *b)
{
    switch (rnd(24)) {
    case 0: buf_add_text(b, "AK"); buf_add_text(b, "IA"); some(b, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16); break;
    case 1: buf_add_text(b, "gh"); buf_add_text(b, "p_"); some(b, an, 36); break;
    case 2: buf_add_text(b, "my password is "); some(b, an, 4); buf_add_text(b, "!7"); some(b, an, 4); break;
    case 3: buf_add_text(b, "DB_PASSWORD="); some(b, an, 12); break;
    case 4: buf_add_text(b, "\"api_key\": \""); some(b, hex, 32); buf_add_text(b, "\""); break;
    case 5: buf_add_text(b, "postgres://app:"); some(b, an, 12); buf_add_text(b, "@db.example.test/x"); break;
    case 6: buf_add_text(b, "-----BEGIN RSA PRIVATE "); buf_add_text(b, "KEY-----\n"); some(b, an, 64); buf_add_text(b, "\n"); some(b, an, 64); buf_add_text(b, "\n-----END RSA PRIVATE KEY-----"); break;
    case 7: buf_add_text(b, "Authorization: Bearer "); some(b, an, 40); break;
    case 8: buf_printf(b, "8%03u%06u:AA", rnd(1000), rnd(1000000)); some(b, an, 33); break;
    case 9: buf_add_text(b, "abc8Q~"); some(b, an, 34); break;
    case 10: buf_add_text(b, "le jeton "); some(b, an, 40); break;
    case 11: some(b, an, 40); buf_add_text(b, " is my token"); break;
    case 12: buf_add_text(b, "FR76 3000 6000 0112 3456 7890 189"); break;
    case 13: buf_add_text(b, "4111 1111 1111 1111"); break;
    case 14: buf_printf(b, "06 %02u %02u %02u %02u", rnd(100), rnd(100), rnd(100), rnd(100)); break;
    case 15: buf_printf(b, "+33 6 %02u %02u %02u %02u", rnd(100), rnd(100), rnd(100), rnd(100)); break;
    case 16: buf_add_text(b, "jean.dupont"); some(b, hex, 3); buf_add_text(b, "@example.org"); break;
    case 17: buf_add_text(b, "3 avenue Victor Hugo 69002 Lyon"); break;
    case 18: buf_add_text(b, "12 bis rue des Lilas, 31000 Toulouse"); break;
    case 19: buf_add_text(b, "je m'appelle Jeanne Morel"); break;
    case 20: buf_printf(b, "10.%u.%u.%u", rnd(256), rnd(256), rnd(256)); break;
    case 21: buf_add_text(b, "n\xc3\xa9""e le 12 mars 1984"); break;
    case 22: buf_add_text(b, "4\xe2\x80\x8b""111 1111\xc2\xa0""1111 1111"); break;
    default: buf_add_text(b, "(555) 234-"); buf_printf(b, "%04u", rnd(10000)); break;
    }
}
static void ordinary(struct buf *b)
{
    static const char *const words[] = { "the", "ledger", "is", "kept", "in", "a", "drawer", "by", "la", "fen\xc3\xaatre", "reste", "ouverte", "pour", "nous", "please", "read", "this", "carefully", "12", "days", "later", "key", "points", "address", "account", "card" };
    unsigned n = 1 + rnd(8);
    while (n--) {
        buf_add_text(b, words[rnd(sizeof words / sizeof *words)]);
        buf_add_text(b, rnd(12) == 0 ? ". " : rnd(20) == 0 ? "\n" : " ");
    }
}
static struct findings look(struct arena *a, const struct check *c, struct span text)
{
    struct transcript *t = transcript_new(a, "plain");
    struct findings f = { 0 };
    struct check_env env = { 0 };
    transcript_say(t, 0, PART_TEXT, 0, (struct span){ 0 }, text);
    c->score(&env, t, ON_ANSWER, &f);
    return f;
}
static void never_lets_go(const struct check *c, unsigned rounds)
{
    struct arena *a = arena_new(256 << 20), *scratch = arena_new(256 << 20);
    unsigned seen = 0;
    for (unsigned round = 0; round < rounds; round++) {
        struct buf b = { .cap = 1 << 20 };
        for (unsigned k = 0; k < 3; k++) {
            ordinary(&b);
            plant(&b);
            buf_add_text(&b, rnd(2) ? " " : rnd(2) ? ", " : "\n");
        }
        ordinary(&b);
        struct span whole = buf_span(&b);
        arena_reset(a);
        struct findings f = look(a, c, whole);
        seen += f.n > 0;
        for (size_t cut = 0; cut <= whole.len; cut++) {
            struct span prefix = { whole.at, cut };
            size_t settled = c->settled(prefix);
            assert_true(settled <= cut);
            struct findings early = { 0 };
            bool looked = false;
            for (size_t i = 0; i < f.n; i++) {
                if (f.list[i].start >= settled)
                    continue;
                /* Released past its first byte: then it was whole, and seen, by now. */
                if (!looked) {
                    arena_reset(scratch);
                    early = look(scratch, c, prefix);
                    looked = true;
                }
                bool was_seen = false;
                for (size_t k = 0; k < early.n; k++)
                    was_seen |= early.list[k].start <= f.list[i].start && early.list[k].end > f.list[i].start;
                if (!was_seen) {
                    fprintf(stderr, "%s: cut at %zu released %zu of a later finding %s [%u, %u):\n%.*s|%.*s\n", c->name, cut, settled, f.list[i].kind, f.list[i].start, f.list[i].end, (int)cut, whole.at,
                            (int)(whole.len - cut), whole.at + cut);
                    fail();
                }
            }
        }
        buf_free(&b);
    }
    assert_true(seen > rounds / 3);
    arena_free(a);
    arena_free(scratch);
}
static void test_secrets_settled(void **state)
{
    (void)state;
    never_lets_go(&check_secrets, 60);
}
static void test_pii_settled(void **state)
{
    (void)state;
    never_lets_go(&check_pii, 60);
}
/* Behind a blank nothing of plain words is held; within a word, that word. */
static void test_prose_flows(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "The committee met in the old library and spoke about the harvest, the weather and the price of bread until it grew dark outside.",
        "Nous avons marche le long de la riviere, puis la pluie est venue et chacun est rentre chez soi sans dire un mot.",
    };
    for (size_t k = 0; k < 2; k++) {
        struct span text = span_of(texts[k]);
        for (size_t cut = 1; cut <= text.len; cut++) {
            size_t word = cut;
            while (word && text.at[word - 1] != ' ')
                word--;
            if (check_secrets.settled(span_cut(text, 0, cut)) < word || check_pii.settled(span_cut(text, 0, cut)) < word) {
                fprintf(stderr, "held without need at %zu: %.*s|\n", cut, (int)cut, text.at);
                fail();
            }
        }
    }
}
static void test_hold_is_bounded(void **state)
{
    (void)state;
    size_t n = 40000;
    char *text = malloc(n);
    assert_non_null(text);
    memset(text, 'a', n);
    assert_true(check_secrets.settled((struct span){ text, n }) + 8192 + 512 >= n);
    assert_true(check_pii.settled((struct span){ text, n }) + 8192 + 512 >= n);
    free(text);
}
static void test_check_digits(void **state)
{
    (void)state;
    static const uint8_t good[] = { 7, 9, 9, 2, 7, 3, 9, 8, 7, 1, 3 }, bad[] = { 7, 9, 9, 2, 7, 3, 9, 8, 7, 1, 4 };
    assert_true(luhn_ok(good, 11));
    assert_false(luhn_ok(bad, 11));
    assert_true(iban_ok("GB82WEST12345698765432", 22));
    assert_false(iban_ok("GB82WEST12345698765433", 22));
    assert_int_equal(iban_length("FR"), 27);
    assert_int_equal(iban_length("YE"), 30);
    assert_int_equal(iban_length("AD"), 24);
    assert_int_equal(iban_length("ZZ"), 0);
    assert_true(makeup_of(SPAN("deadbeef0123")).is_hex);
    assert_false(makeup_of(SPAN("deadBeef0123")).is_hex);
}
int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check_digits),
        cmocka_unit_test(test_secrets_settled),
        cmocka_unit_test(test_pii_settled),
        cmocka_unit_test(test_prose_flows),
        cmocka_unit_test(test_hold_is_bounded),
    };
    return cmocka_run_group_tests_name("spans", tests, NULL, NULL);
}
