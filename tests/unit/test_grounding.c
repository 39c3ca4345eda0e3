/* SPDX-License-Identifier: Apache-2.0
 * grounding: each kind of piece is found where it stands, its sound twin stays quiet, in English and French. Own sentences. */
#include "checks/grounding_parts.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stddef.h>
#include <cmocka.h>

static struct transcript *say(struct arena *a, const char *context, const char *answer)
{
    struct transcript *t = transcript_new(a, "plain");
    struct span none = { 0 };
    transcript_ask(t, ROLE_CONTEXT, PART_DOCUMENT, 0, none, span_of(context));
    transcript_say(t, 0, PART_TEXT, 0, none, span_of(answer));
    return t;
}
static double value_of(const char *context, const char *answer)
{
    struct arena *a = arena_new(1 << 24);
    struct findings f = { 0 };
    struct score s = check_grounding.score(&(struct check_env){ 0 }, say(a, context, answer), ON_ANSWER, &f);
    assert_null(s.not_run);
    for (size_t i = 0; i < f.n; i++) {
        assert_true(f.list[i].start < f.list[i].end && f.list[i].end <= strlen(answer));
        assert_true(f.list[i].score >= 0.5 && f.list[i].score <= 1);
        assert_true(f.list[i].why && *f.list[i].why);
    }
    double value = s.value;
    arena_free(a);
    return value;
}
/* The pieces of an answer, whatever the whole is worth: is there one of this kind whose text is, and whose reason holds? */
static bool has_piece(const char *context, const char *answer, enum fact_kind kind, const char *text, const char *why)
{
    struct arena *a = arena_new(1 << 24);
    struct transcript *t = say(a, context, answer);
    struct ground *g = ground_read(t);
    assert_non_null(g);
    const struct words *w = part_words(a, &t->answer[0]);
    struct ground_result r;
    ground_align(g, w, &r);
    size_t n;
    const struct ground_piece *p = ground_pieces(g, w, &r, token_weights, &n);
    bool found = false;
    for (size_t k = 0; k < n; k++) {
        struct span said = span_cut(span_of(answer), w->list[p[k].first].start, w->list[p[k].past - 1].end);
        found |= p[k].kind == kind && (!text || span_is(said, text)) && (!why || span_find(span_of(p[k].why), span_of(why)));
    }
    arena_free(a);
    return found;
}
static const char shop[] = "{\"name\": \"Moulin\", \"hours\": {\"Monday\": \"9:0-18:30\", \"Tuesday\": \"9:0-18:30\", \"Wednesday\": \"9:0-18:30\", \"Saturday\": \"10:0-16:0\"},"
                           " \"attributes\": {\"OutdoorSeating\": false, \"WiFi\": \"no\", \"RestaurantsDelivery\": true, \"Music\": null, \"Parking\": {\"garage\": false, \"street\": true},"
                           " \"Ambience\": {\"romantic\": false, \"casual\": true}}}";
static void test_structure(void **state)
{
    (void)state;
    assert_true(has_piece(shop, "Moulin has outdoor seating.", FACT_ATTRIBUTE, "Moulin has outdoor seating", "OutdoorSeating"));
    assert_false(has_piece(shop, "Moulin has no outdoor seating.", FACT_ATTRIBUTE, NULL, NULL));
    assert_false(has_piece(shop, "Outdoor seating is not available at Moulin.", FACT_ATTRIBUTE, NULL, NULL));
    assert_true(has_piece(shop, "It is a romantic place.", FACT_ATTRIBUTE, NULL, "romantic"));
    assert_false(has_piece(shop, "It is a casual place.", FACT_ATTRIBUTE, NULL, NULL));
    assert_true(has_piece(shop, "Guests get free Wi-Fi.", FACT_ATTRIBUTE, NULL, "WiFi"));
    assert_true(has_piece(shop, "Moulin does not have outdoor seating but offers WiFi.", FACT_ATTRIBUTE, NULL, "WiFi"));
    assert_true(has_piece(shop, "There is no delivery.", FACT_DENIED, NULL, "Delivery"));
    assert_false(has_piece(shop, "Moulin offers delivery.", FACT_DENIED, NULL, NULL));
    assert_true(has_piece(shop, "It plays live music at night.", FACT_OPEN, NULL, "Music"));
    assert_false(has_piece(shop, "The data do not mention whether there is music.", FACT_OPEN, NULL, NULL));
    assert_true(has_piece(shop, "You can use the parking garage.", FACT_ATTRIBUTE, NULL, "garage"));
    assert_true(has_piece(shop, "Moulin ne propose pas de delivery, mais du WiFi.", FACT_ATTRIBUTE, NULL, "WiFi"));
}
static void test_schedule(void **state)
{
    (void)state;
    assert_false(has_piece(shop, "It is open Monday to Wednesday from 9:00 to 18:30.", FACT_SCHEDULE, NULL, NULL));
    assert_false(has_piece(shop, "It opens Monday through Wednesday from 9 am to 6:30 pm, and on Saturday from 10am to 4pm.", FACT_SCHEDULE, NULL, NULL));
    assert_true(has_piece(shop, "It opens Monday through Wednesday from 9 am to 6:30 pm, and on Saturday from 10am to 5pm.", FACT_SCHEDULE, NULL, "10:00 to 16:00 on Saturday"));
    assert_true(has_piece(shop, "It is open from 9:00 to 18:30 from Monday to Saturday.", FACT_SCHEDULE, NULL, "Thursday"));
    assert_true(has_piece(shop, "It is open seven days a week.", FACT_SCHEDULE, "seven days", NULL) || has_piece(shop, "It is open seven days a week.", FACT_SCHEDULE, NULL, "no hours"));
    assert_true(has_piece(shop, "It is closed on Monday.", FACT_SCHEDULE, NULL, "Monday"));
    assert_false(has_piece(shop, "It is closed on Sunday.", FACT_SCHEDULE, NULL, NULL));
    assert_true(has_piece(shop, "Ouvert du lundi au mercredi de 9h à 20h.", FACT_SCHEDULE, NULL, "18:30 on Monday"));
    assert_false(has_piece(shop, "Ouvert du lundi au mercredi de 9h à 18h30.", FACT_SCHEDULE, NULL, NULL));
    /* no span of time beside days that have one: closed */
    static const char part[] = "{\"hours\": {\"Monday\": \"0:0-0:0\", \"Tuesday\": \"9:0-18:30\"}, \"stars\": 4.5}";
    assert_true(has_piece(part, "It is open on Monday from 9:00 to 18:30.", FACT_SCHEDULE, NULL, "no hours for Monday"));
    assert_false(has_piece(part, "It is closed on Monday and opens Tuesday from 9:00 AM to 6:30 PM.", FACT_SCHEDULE, NULL, NULL));
    assert_false(has_piece(part, "It opens at 9:00 AM and closes at 6:30 PM, and has 4.5 stars out of 5.", FACT_FIGURE, NULL, NULL));
    assert_true(has_piece(part, "It opens at 9:00 AM and closes at 7:30 PM, and has 3.5 stars out of 5.", FACT_FIGURE, "3.5", NULL));
    /* two businesses: which one is meant cannot be told */
    assert_false(has_piece("[{\"hours\": {\"Monday\": \"9:0-18:0\", \"Tuesday\": \"9:0-18:0\"}}, {\"hours\": {\"Monday\": \"8:0-12:0\", \"Tuesday\": \"8:0-12:0\"}}]",
                           "It is open on Monday from 7:00 to 9:00.", FACT_SCHEDULE, NULL, NULL));
    assert_false(has_piece("[{\"WiFi\": true, \"pool\": false}, {\"WiFi\": false, \"pool\": true}]", "The hotel has WiFi and a pool.", FACT_ATTRIBUTE, NULL, NULL));
}
static const char report_en[] = "The harbour of Brill handled 3.8 million tonnes of grain in 2021. Its director is Ada Holm, who took office in March 2019. "
                                "The northern quay closed for repairs in the autumn and reopened two years later. Dredging began before the winter storms.";
static const char report_fr[] = "Le port de Brill a traité 3,8 millions de tonnes de céréales en 2021. Sa directrice est Ada Holm, nommée en mars 2019. "
                                "Le quai nord est fermé pour travaux depuis l'automne. Le dragage a commencé avant les tempêtes de l'hiver.";
static void test_words(void **state)
{
    (void)state;
    assert_true(value_of(report_en, "Brill handled 3,800,000 tonnes of grain in 2021 under its director Ada Holm.") < 0.5);
    assert_true(value_of(report_fr, "Brill a traité 3 800 000 tonnes de céréales en 2021, sous la direction d'Ada Holm.") < 0.5);
    assert_true(value_of(report_en, "Quarx Vond sold 9.4 million barrels of cider to Patagonian wholesalers in 1987.") >= 0.5);
    assert_true(value_of(report_fr, "Quarx Vond a vendu 9,4 millions de barriques de cidre à des grossistes de Patagonie en 1987.") >= 0.5);
    assert_true(has_piece(report_en, "Brill handled 5.2 million tonnes of grain.", FACT_FIGURE, "5.2 million", "nearest"));
    assert_true(has_piece(report_fr, "Brill a traité 5,2 millions de tonnes.", FACT_FIGURE, "5,2 millions", "nearest"));
    assert_true(has_piece(report_en, "Dredging began after the winter storms.", FACT_OPPOSITE, "after", "before"));
    assert_true(has_piece(report_fr, "Le dragage a commencé après les tempêtes de l'hiver.", FACT_OPPOSITE, "après", "avant"));
    assert_true(has_piece(report_en, "See https://brill-harbour.example/annual for more.", FACT_URL, "https://brill-harbour.example/annual", NULL));
    /* a long unsupported passage is one piece that names what is missing, and the supported sentence before it stays out */
    const char *long_answer = "The harbour of Brill handled 3.8 million tonnes of grain in 2021. Astronomers at the polar observatory catalogued dozens of drifting comets, "
                              "while volunteer musicians rehearsed baroque cantatas inside abandoned telescopes near glacial moraines.";
    assert_true(has_piece(report_en, long_answer, FACT_WORDS, NULL, "Astronomers"));
    assert_false(has_piece(report_en, "The harbour of Brill handled 3.8 million tonnes of grain in 2021.", FACT_WORDS, NULL, NULL));
}
/* Adding something unsupported never makes an answer better: no weight is below zero. */
static void test_monotone(void **state)
{
    (void)state;
    for (int k = 0; k < GROUND_FEATURES; k++)
        assert_true(ground_weights[k] >= 0);
    for (int k = 0; k < TOKEN_FEATURES; k++)
        assert_true(token_weights[k] >= 0);
}
/* Long, repetitive and odd input: bounded, and no crash. */
static void test_bounds(void **state)
{
    (void)state;
    struct arena *a = arena_new(1 << 28);
    size_t n = 0, room = 400000;
    char *context = arena_alloc(a, room), *answer = arena_alloc(a, room);
    for (unsigned i = 0; n + 80 < room; i++)
        n += (size_t)snprintf(context + n, room - n, "{\"k%uGarage\": false} the gate %u closed. ", i % 700, i % 97);
    n = 0;
    for (unsigned i = 0; n + 80 < room; i++)
        n += (size_t)snprintf(answer + n, room - n, "Garage open 9 Monday to Sunday %u:%02u, no \"gate\" ", i % 30, i % 70);
    struct findings f = { 0 };
    struct score s = check_grounding.score(&(struct check_env){ 0 }, say(a, context, answer), ON_ANSWER, &f);
    assert_null(s.not_run);
    assert_true(f.n <= PIECES_MOST);
    static const char *const odd[] = { "", " ", "...", "\"", "Monday", "9:", "closed", "7 days a week", "\xff\xfe", "no", "12:75 pm" };
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        (void)check_grounding.score(&(struct check_env){ 0 }, say(a, shop, odd[i]), ON_ANSWER, &f);
        (void)check_grounding.score(&(struct check_env){ 0 }, say(a, odd[i], shop), ON_ANSWER, &f);
    }
    static const char *const broken[] = { "{", "[]", "{\"a\":", "{\"\": false}", "{\"Monday\": \"x\", \"Tuesday\": \"1\"}", "{\"Monday\": \"25:0-9:0\", \"Tuesday\": \"9:0\"}", "[[[[{\"a\": null}]]]]" };
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
        (void)check_grounding.score(&(struct check_env){ 0 }, say(a, broken[i], "It is open on Monday from 9 to 17:00."), ON_ANSWER, &f);
    arena_free(a);
}
int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_structure), cmocka_unit_test(test_schedule), cmocka_unit_test(test_words), cmocka_unit_test(test_monotone), cmocka_unit_test(test_bounds) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
