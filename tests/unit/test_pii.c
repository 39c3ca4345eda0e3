/* SPDX-License-Identifier: Apache-2.0
 * pii: numbers with right and wrong check digits, in all the ways people write them; what other numbers are. Telephone
 * numbers are from ARCEP's ranges for fiction, mail from example domains, the rest is made up. */
#include "base/buf.h"
#include "checks/check.h"
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
    return check_pii.score(&env, t, ON_PROMPT, f);
}
static void finds(const char *kind, const char *before, const char *value, const char *after)
{
    struct buf b = { 0 };
    buf_add_text(&b, before);
    buf_add_text(&b, value);
    buf_add_text(&b, after);
    struct findings f;
    struct score s = judge(buf_span(&b), &f);
    if (f.n != 1 || f.list[0].start != strlen(before) || f.list[0].end != strlen(before) + strlen(value) || strcmp(f.list[0].kind, kind) != 0 || s.value < 0.5) {
        fprintf(stderr, "%s: %zu findings in: %s\n", kind, f.n, b.bytes);
        for (size_t i = 0; i < f.n; i++)
            fprintf(stderr, "  %s [%u, %u)\n", f.list[i].kind, f.list[i].start, f.list[i].end);
        fail();
    }
    assert_null(strstr(f.list[0].why, value));
    buf_free(&b);
}
static void quiet(const char *text)
{
    struct findings f;
    judge(span_of(text), &f);
    if (f.n) {
        fprintf(stderr, "found %s in: %s\n", f.list[0].kind, text);
        fail();
    }
}
static void test_accounts(void **state)
{
    (void)state;
    finds("iban", "IBAN : ", "FR76 3000 6000 0112 3456 7890 189", ".");
    finds("iban", "to ", "GB82WEST12345698765432", " please");
    finds("iban", "", "de89 3704 0044 0532 0130 00", "");
    finds("iban", "(", "FR76-3000-6000-0112-3456-7890-189", ")");
    finds("iban", "", "FR76 3000 6000 0112\n3456 7890 189", "");
    finds("iban", "", "FR\xef\xbc\x97\xef\xbc\x96 3000 6000 0112 3456 7890 189", "");
    quiet("IBAN FR75 3000 6000 0112 3456 7890 189");
    finds("rib", "RIB ", "30006 00001 12345678901 89", "");
}
static void test_cards(void **state)
{
    (void)state;
    finds("card", "carte ", "4111 1111 1111 1111", ", code 123");
    finds("card", "", "3782 822463 10005", "");
    finds("card", "CB ", "4111\xc2\xa0" "1111\xc2\xa0" "1111\xc2\xa0" "1111", " exp 12/27");
    finds("card", "CB ", "41\xe2\x80\x8b" "11111111111111", " ok");
    quiet("carte 4111 1111 1111 1112");
    quiet("colis 4111111111111111");
    quiet("EAN 4006381333931");
}
static void test_french_numbers(void **state)
{
    (void)state;
    finds("nir", "n\xc2\xb0 s\xc3\xa9" "cu : ", "2 69 05 49 588 157 80", "");
    finds("nir", "", "269054958815780", " ?");
    finds("siren", "SIREN ", "732 829 320", "");
    finds("siret", "SIRET : ", "732 829 320 00074", "");
    finds("siret", "La Poste, SIRET ", "35600000000048", "");
    finds("vat", "TVA ", "FR44 732829320", "");
    quiet("SIRET 732 829 320 00075");
    quiet("NIR 2 69 05 49 588 157 81 : cl\xc3\xa9 fausse");
    quiet("dossier 732829320");
    quiet("horodatage 20240115103045");
}
static void test_telephones(void **state)
{
    (void)state;
    finds("phone", "au ", "01 99 00 12 34", ".");
    finds("phone", "", "06.39.98.12.34", "");
    finds("phone", "", "+33 6 39 98 12 34", "");
    finds("phone", "", "+33 (0)6 39 98 12 34", "");
    finds("phone", "", "0033639981234", "");
    finds("phone", "call ", "(555) 234-5678", " now");
    finds("phone", "reach me at ", "905-555-0123", "");
    quiet("commande 0639981234");
    quiet("scores 12-14 06-08 22-24");
    quiet("192 168 000 euros");
}
static void test_mail_and_machines(void **state)
{
    (void)state;
    finds("email", "mail: ", "lea.roche+x@example.org", ".");
    finds("email", "", "lea arobase example point fr", "");
    finds("email", "", "lea [at] example [dot] com", "");
    finds("ip", "from ", "203.0.113.7", ".");
    finds("ip", "from ", "2001:db8:0:1::17", " .");
    quiet("npm install express@4.19.2");
    quiet("version 10.2.3.4");
    quiet("at 10:45:12 std::vector 00:11:22:33:44:55");
    quiet("git clone git@host:repo");
}
static void test_addresses(void **state)
{
    (void)state;
    finds("address", "J'habite ", "12 bis rue des Tilleuls, 31000 Toulouse", ".");
    finds("address", "", "27 boulevard Saint-Michel\n75005 Paris", "\nT\xc3\xa9l : ");
    finds("address", "I live at ", "10 Elm Street, Springfield", ".");
    finds("address", "wohnt ", "Hauptstra\xc3\x9f" "e 12, 10115 Berlin", ".");
    quiet("3 rues plus loin, 10 places disponibles");
    quiet("2 Place in a pot and simmer.");
}
static void test_said(void **state)
{
    (void)state;
    finds("name", "Bonjour, je m'appelle ", "Jeanne Morel", " et");
    finds("birth-date", "n\xc3\xa9" "e le ", "12/03/1984", " \xc3\xa0 Lyon");
    finds("us-ssn", "SSN ", "219-09-9999", "");
    finds("passport", "passeport ", "12AB34567", "");
    finds("plate", "voiture ", "AB-123-CD", "");
    quiet("ref AB-123-CD");
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
        cmocka_unit_test(test_accounts), cmocka_unit_test(test_cards), cmocka_unit_test(test_french_numbers), cmocka_unit_test(test_telephones),
        cmocka_unit_test(test_mail_and_machines), cmocka_unit_test(test_addresses), cmocka_unit_test(test_said),
    };
    return cmocka_run_group_tests_name("pii", tests, begin, end);
}
