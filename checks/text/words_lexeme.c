/* SPDX-License-Identifier: Apache-2.0
 * What a word means in itself (stop word, month, count) is one probe of a small hash table, filled before main and constant from then
 * on. Lists of words that checks ask about become hash tables the first time they are asked. */
#include "checks/text/words_inside.h"
#include "base/must.h"
#include <stdlib.h>

struct lexeme lexemes[LEXEMES];
uint64_t lexeme_bits[LEXEME_BITS / 64];

uint32_t words_key(const char *folded, size_t n)
{
    return words_key_inline(folded, n);
}
struct lexeme *lexeme_place(uint32_t key)
{
    size_t i = key % LEXEMES;
    while (lexemes[i].key && lexemes[i].key != key)
        i = (i + 1) % LEXEMES;
    return &lexemes[i];
}
/* One side / the other side of what cannot both be, words and inflections. */
static const char *const opposites[][2] = {
    { "open opens opened ouvert ouverte ouverts ouvertes ouvre", "closed closes shut ferme fermee fermes fermees" },
    { "allowed permitted authorized authorised autorise autorisee autorises autorisees permis permise", "forbidden prohibited banned interdit interdite interdits interdites" },
    { "increase increases increased increasing rise rises rose rising risen grew grow grows growth hausse augmente augmentation augmenter progresse",
      "decrease decreases decreased decreasing fall falls fell falling fallen drop drops dropped decline declined declines baisse diminue diminution diminuer recule" },
    { "included includes include inclus incluse compris comprise", "excluded excludes exclude exclus exclue" },
    { "free gratuit gratuite gratuits gratuites", "paid paying payant payante payants payantes" },
    { "mandatory compulsory required obligatoire obligatoires", "optional facultatif facultative facultatifs facultatives" },
    { "possible", "impossible" }, { "before avant", "after apres" },
    { "above over greater higher more superieur superieure", "below under lower less fewer inferieur inferieure" },
    { "first premier premiere", "last dernier derniere" }, { "win won wins winning gagne gagner victory victoire", "lose lost loses losing perdu perdre defeat defaite" },
    { "true vrai vraie", "false faux fausse" }, { "legal legale lawful", "illegal illegale unlawful" }, { "accept accepts accepted accepte acceptee", "reject rejects rejected refuse refuses refused refusee rejete" },
    { "start starts started begin begins began commence debute", "end ends ended finish finished finit termine" }, { "alive vivant", "dead mort" },
    { "guilty coupable", "innocent" }, { "male man men homme hommes", "female woman women femme femmes" }, { "north nord northern", "south sud southern" },
    { "east eastern est_", "west western ouest" }, { "valid valide", "invalid invalide expired" }, { "available disponible disponibles", "unavailable indisponible indisponibles" },
    { "buy buys bought achete acheter", "sell sells sold vend vendre vendu" }, { "left gauche", "right droite" }, { "hot chaud chaude", "cold froid froide" },
    { "positive positif", "negative negatif" }, { "maximum", "minimum" }, { "public publique", "private prive privee" }, { "safe sur", "unsafe dangerous dangereux" },
    { "success succeeded successful reussi succes", "failure failed unsuccessful echec echoue" }, { "early earlier", "late later" }, { "high", "low" },
    { "best better meilleur meilleure", "worst worse pire" }, { "young younger", "old older" }, { "refundable remboursable", "nonrefundable" }, { "active actif", "inactive inactif" },
    { "alone seul seule", "together ensemble" }, { "many", "few" }, { "enable enabled active_", "disable disabled" }, { "import", "export" }, { "day jour", "night nuit" },
    { "tenant locataire", "landlord proprietaire" }, { "buyer acheteur", "seller vendeur" },
};
/* Calls add for each word of a blank-separated list. */
static struct lexeme *lexeme_next(const char **list)
{
    const char *p = *list;
    while (*p == ' ')
        p++;
    if (!*p)
        return NULL;
    const char *from = p;
    while (*p && *p != ' ')
        p++;
    *list = p;
    uint32_t key = words_key(from, (size_t)(p - from));
    struct lexeme *l = lexeme_place(key);
    l->key = key;
    lexeme_bits[(key >> 8 & (LEXEME_BITS - 1)) >> 6] |= 1ull << (key >> 8 & 63);
    return l;
}
static void lexemes_mean(const char *list, unsigned means)
{
    for (struct lexeme *l; (l = lexeme_next(&list));)
        l->means |= (uint8_t)means;
}
static void lexemes_count(const char *list, double first, double step)
{
    for (struct lexeme *l; (l = lexeme_next(&list)); first += step)
        l->means |= MEANS_COUNT, l->number = first;
}
static void lexemes_scale(const char *list, double scale)
{
    for (struct lexeme *l; (l = lexeme_next(&list));)
        l->means |= MEANS_SCALE, l->number = scale;
}
static void lexemes_month(const char *list)
{
    int i = 0;
    for (struct lexeme *l; (l = lexeme_next(&list)); i++)
        l->means |= MEANS_MONTH, l->month = (uint8_t)(i % 12 + 1);
}
static void lexemes_day(const char *list)
{
    int i = 0;
    for (struct lexeme *l; (l = lexeme_next(&list)); i++)
        l->means |= MEANS_DAY, l->weekday = (uint8_t)(i % 7 + 1);
}
static void lexemes_poles(void);
__attribute__((constructor)) static void lexemes_fill(void)
{
    lexemes_poles();
    lexemes_mean("a an the and or but if then else of to in on at by for from with without into onto over under as is are was were be been "
                 "being am do does did done have has had having will would shall should can could may might must it its this that these "
                 "those there here he she they them their his her him hers we us our you your i me my mine who whom whose which what when "
                 "where why how so than too very just also only such some any each both all most more much many other another same s "
                 "about after before between during through while because since until up down out off again further once own not nor no",
                 MEANS_STOP);
    lexemes_mean("le la les l un une des du de d et ou mais donc or ni car ce cet cette ces c se s sa son ses mon ma mes ton ta tes notre nos "
                 "votre vos leur leurs je j tu il elle on nous vous ils elles me m te t lui y en que qu qui quoi dont ou quand comment pourquoi "
                 "est sont etait etaient etre ete suis es sommes etes sera seront serait ai as a avons avez ont avait avaient aura auront avoir "
                 "eu fait faire peut peuvent pas ne n plus moins tres bien aussi au aux avec sans sous sur dans par pour vers chez entre si "
                 "comme ainsi alors tout toute tous toutes meme autre autres cela ca ceci y the", MEANS_STOP);
    lexemes_mean("not no never neither nor none nobody nothing cannot without n't don't doesn't didn't isn't aren't wasn't weren't won't "
                 "wouldn't can't couldn't shouldn't hasn't haven't hadn't mustn't ain't ne n pas jamais aucun aucune ni rien sans "
                 "nullement non", MEANS_NOT);
    lexemes_month("january february march april may june july august september october november december");
    lexemes_month("jan feb mar apr may jun jul aug sep oct nov dec");
    lexemes_month("janvier fevrier mars avril mai juin juillet aout septembre octobre novembre decembre");
    lexemes_month("janv fevr mars avr mai juin juil aout sept oct nov dec");
    lexemes_day("monday tuesday wednesday thursday friday saturday sunday");
    lexemes_day("mon tue wed thu fri sat sun");
    lexemes_day("lundi mardi mercredi jeudi vendredi samedi dimanche");
    lexemes_count("two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen", 2, 1);
    lexemes_count("deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize", 2, 1);
    lexemes_count("twenty thirty forty fifty sixty seventy eighty ninety", 20, 10);
    lexemes_count("vingt trente quarante cinquante soixante", 20, 10);
    lexemes_scale("hundred cent", 1e2);
    lexemes_scale("thousand k mille millier milliers", 1e3);
    lexemes_scale("million millions mn mio m", 1e6);
    lexemes_scale("billion billions bn milliard milliards md mds", 1e9);
    lexemes_scale("trillion trillions", 1e12);
}
static void lexemes_poles(void)
{
    for (size_t i = 0; i < sizeof opposites / sizeof *opposites; i++)
        for (int side = 0; side < 2; side++) {
            const char *list = opposites[i][side];
            for (struct lexeme *l; (l = lexeme_next(&list));)
                l->pole = (int16_t)(side ? -(int)(i + 1) : (int)(i + 1));
        }
}

/* Any thread may be the first to ask; two that come at once make two tables, and one is thrown away. */
const struct word_set *word_set_make(_Atomic(struct word_set *) *place, const char *list)
{
    size_t n = 0, slots = 8;
    for (const char *p = list; *p; p += *p == ' ') {
        size_t len = strcspn(p, " ");
        n += len > 0;
        p += len;
    }
    while (slots < 2 * n)
        slots *= 2;
    struct word_set *s = calloc(1, sizeof *s + slots * sizeof *s->slots), *other = NULL;
    must(s != NULL && strlen(list) < UINT16_MAX);
    s->list = list;
    s->mask = (uint32_t)slots - 1;
    for (const char *p = list; *p; p += *p == ' ') {
        size_t len = strcspn(p, " ");
        uint32_t key = words_key(p, len);
        if (len) {
            uint32_t k = key >> 1 & s->mask;
            while (s->slots[k].key)
                k = (k + 1) & s->mask;
            s->slots[k].key = key;
            s->slots[k].at = (uint16_t)(p - list);
            s->slots[k].len = (uint16_t)len;
            s->bits[key >> 30] |= 1ull << (key >> 24 & 63);
        }
        p += len;
    }
    if (atomic_compare_exchange_strong(place, &other, s))
        return s;
    free(s);
    return other;
}
bool word_set_holds(const struct word_set *s, uint32_t key, struct span text)
{
    for (uint32_t k = key >> 1 & s->mask; s->slots[k].key; k = (k + 1) & s->mask)
        if (s->slots[k].key == key && s->slots[k].len == text.len && memcmp(s->list + s->slots[k].at, text.at, text.len) == 0)
            return true;
    return false;
}
