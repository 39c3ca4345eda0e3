/* SPDX-License-Identifier: Apache-2.0
 * One pass over the folded text makes words and sentences; a second over the words joins numbers with their scales and
 * units, a third finds dates. What a word means in itself (stop word, month, count) is one probe of a small hash table,
 * filled before main and constant from then on. */
#include "checks/text/words.h"
#include "base/utf8.h"
#include <stdatomic.h>
#include <math.h>
#include <utf8proc.h>

enum meaning { MEANS_STOP = 1, MEANS_NOT = 2, MEANS_MONTH = 4, MEANS_DAY = 8, MEANS_COUNT = 16, MEANS_SCALE = 32 };
struct lexeme {
    uint32_t key;
    uint8_t means, month, weekday;
    int16_t pole;
    double number;
};
enum { LEXEMES = 2048 };
static struct lexeme lexemes[LEXEMES];

uint32_t words_key(const char *folded, size_t n)
{
    uint64_t h = 0x9e3779b97f4a7c15u ^ n;
    for (size_t i = 0; i < n; i++)
        h = (h ^ (unsigned char)folded[i]) * 0x100000001b3u;
    h ^= h >> 32;
    h *= 0xd6e8feb86659fd93u;
    return (uint32_t)(h >> 32) | 1u;
}
static struct lexeme *lexeme_place(uint32_t key)
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
static const struct lexeme *lexeme_find(uint32_t key)
{
    const struct lexeme *l = lexeme_place(key);
    return l->key ? l : NULL;
}

/* Endings of English and French inflection cut off: "shipped", "ships" → "ship"; crude, and the same on both sides. */
static uint32_t stem_key(const char *p, size_t n)
{
    static const struct { const char *end; uint8_t n, least; } ends[] = {
        { "ements", 6, 4 }, { "ations", 6, 4 }, { "ation", 5, 4 }, { "ement", 5, 4 }, { "ingly", 5, 4 }, { "ement", 5, 4 },
        { "ness", 4, 4 }, { "ment", 4, 4 }, { "ions", 4, 4 }, { "ives", 4, 4 }, { "ies", 3, 3 }, { "ing", 3, 3 }, { "ion", 3, 4 }, { "eur", 3, 4 },
        { "ive", 3, 4 }, { "ees", 3, 3 }, { "ers", 3, 3 }, { "ed", 2, 3 }, { "er", 2, 3 }, { "es", 2, 3 }, { "ly", 2, 4 }, { "ee", 2, 3 }, { "y", 1, 3 }, { "s", 1, 3 }, { "e", 1, 3 }, { "i", 1, 3 },
    };
    if (n > 3)
        for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
            if (p[n - 1] == ends[i].end[ends[i].n - 1] && n >= (size_t)ends[i].n + ends[i].least && memcmp(p + n - ends[i].n, ends[i].end, ends[i].n) == 0) {
                n -= ends[i].n;
                break;
            }
    if (n > 3 && p[n - 1] == p[n - 2])
        n--; /* shipp → ship */
    return words_key(p, n);
}

static bool is_digit(unsigned char c) { return c >= '0' && c <= '9'; }
/* strchr takes a NUL for a member of every set */
static bool is_in(const char *set, char c) { return c && strchr(set, c); }
static bool is_low(unsigned char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/* A letter or digit of any script at p: its bytes, else 0. */
static size_t letter_at(const char *p, size_t n)
{
    unsigned char c = (unsigned char)*p;
    if (c < 0x80)
        return is_low(c) || is_digit(c) || c == '_';
    size_t len = utf8_length(p, n);
    if (!len)
        return 0;
    utf8proc_category_t k = utf8proc_category((utf8proc_int32_t)utf8_code(p, len));
    return k >= UTF8PROC_CATEGORY_LU && k <= UTF8PROC_CATEGORY_NO ? len : 0;
}
static size_t visible_at(const char *p, size_t n)
{
    size_t len = utf8_length(p, n);
    return len ? len : 1;
}
static bool is_ideograph(uint32_t c)
{
    return (c >= 0x3040 && c < 0xa000) || (c >= 0xf900 && c < 0xfb00) || (c >= 0x20000 && c < 0x30000);
}

/* The end of a URL that begins at `at`: up to white space or a delimiter, without closing punctuation. */
static size_t url_end(struct span s, size_t at)
{
    size_t i = at;
    int open = 0;
    while (i < s.len && (unsigned char)s.at[i] > ' ' && !is_in("<>\"`|{}\\^", s.at[i])) {
        if (s.at[i] == '(')
            open++;
        if (s.at[i] == ')' && open-- <= 0)
            break;
        if (s.at[i] == ']' || (s.at[i] == '*' && i + 1 < s.len && s.at[i + 1] == '*'))
            break;
        i++;
    }
    while (i > at && is_in(".,;:!?'*_", s.at[i - 1]))
        i--;
    return i;
}
static bool is_domain_end(const char *p, size_t n)
{
    static const char *const ends[] = { "com", "org", "net", "io", "fr", "gov", "edu", "eu", "uk", "de", "ai", "dev", "info", "co", "be", "ch", "ca", "int", "app",
                                        "es", "it", "us", "example", "test", "biz", "nl", "tech", "cloud" };
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (strlen(ends[i]) == n && memcmp(ends[i], p, n) == 0)
            return true;
    return false;
}
/* A bare address at `at` whose first label ends at `dot` ("docs.site.io/x", "a.b@c.fr"): its end, else 0. */
static size_t address_end(struct span s, size_t at, size_t dot, bool *is_email)
{
    size_t i = dot, label = at;
    bool mail = false;
    while (i < s.len && i - at < 256) {
        unsigned char c = (unsigned char)s.at[i];
        if (c == '@' && !mail && i > at)
            mail = true, label = i + 1;
        else if (c == '.')
            label = i + 1;
        else if (!is_low(c) && !is_digit(c) && c != '-' && c != '_' && !(c == '+' && !mail))
            break;
        i++;
    }
    size_t end = i;
    while (end > label && (s.at[end - 1] == '-' || s.at[end - 1] == '.'))
        end--;
    if (end == label) { /* it ended with a full stop: the label before it */
        end = label ? label - 1 : 0;
        label = end;
        while (label > at && s.at[label - 1] != '.' && s.at[label - 1] != '@')
            label--;
        if (label == at)
            return 0;
        i = end;
    }
    if (mail) {
        *is_email = true;
        return memchr(s.at + at, '@', end - at) && label > at && end > label ? end : 0;
    }
    if (!is_domain_end(s.at + label, end - label))
        return 0;
    *is_email = false;
    return i < s.len && s.at[i] == '/' ? url_end(s, at) : end;
}

struct maker {
    struct arena *a;
    const struct fold *f;
    struct words *w;
    size_t cap, numbers_cap, dates_cap, sentences_cap;
    bool breaks;          /* the next word begins a sentence */
    bool line;            /* and a line */
    uint32_t prior_end;
};

static struct word *word_push(struct maker *m, size_t at, size_t to, enum word_kind kind)
{
    struct word *w = ARENA_PUSH(m->a, m->w->list, m->w->n, m->cap);
    *w = (struct word){ .at = (uint32_t)at, .to = (uint32_t)to, .kind = (uint8_t)kind };
    if (!m->f->map) {
        w->start = w->at;
        w->end = w->to;
    } else {
        size_t from, past;
        fold_origin(m->f, at, to, &from, &past);
        w->start = (uint32_t)from;
        w->end = (uint32_t)past;
    }
    if (m->line)
        w->flags |= WORD_LINE;
    if (m->w->n > 1 && m->prior_end == at)
        w->flags |= WORD_GLUED;
    m->prior_end = (uint32_t)to;
    m->line = false;
    if (m->breaks && kind != WORD_MARK) {
        w->flags |= WORD_FIRST;
        m->breaks = false;
    }
    return w;
}
static void word_case(struct maker *m, struct word *w)
{
    struct span o = m->f->original;
    size_t len = utf8_length(o.at + w->start, w->end - w->start);
    if (!len)
        return;
    unsigned char c = (unsigned char)o.at[w->start];
    bool upper = len == 1 ? c >= 'A' && c <= 'Z' : utf8proc_category((utf8proc_int32_t)utf8_code(o.at + w->start, len)) == UTF8PROC_CATEGORY_LU;
    if (!upper)
        return;
    w->flags |= WORD_CAPITAL;
    bool all = w->end - w->start > 1;
    for (size_t i = w->start + len; all && i < w->end; i++)
        all = !(o.at[i] >= 'a' && o.at[i] <= 'z');
    if (all)
        w->flags |= WORD_CAPITALS;
}

/* Reads the digits at `at` (folded). Fills value, other, decimals; returns the end, or `at` when this is no number but a
 * code such as 1.2.3. */
static size_t number_read(struct span s, size_t at, struct number *n)
{
    double whole = 0;
    size_t i = at, first = 0, digits = 0;
    while (i < s.len && is_digit((unsigned char)s.at[i]) && digits < 30)
        whole = whole * 10 + (s.at[i] - '0'), i++, first++, digits++;
    n->other = NAN;
    n->step = 1;
    bool grouped = false;
    char group = 0;
    /* thousands */
    while (i + 3 < s.len + 0 && first <= 3 && whole > 0 && is_in(" ,.'", s.at[i]) && (!group || s.at[i] == group)
           && is_digit((unsigned char)s.at[i + 1]) && is_digit((unsigned char)s.at[i + 2]) && is_digit((unsigned char)s.at[i + 3])
           && !(i + 4 < s.len && is_digit((unsigned char)s.at[i + 4]))) {
        bool again = group != 0;
        group = s.at[i];
        double three = (s.at[i + 1] - '0') * 100 + (s.at[i + 2] - '0') * 10 + (s.at[i + 3] - '0');
        n->other = !again && (group == ',' || group == '.') ? whole + three / 1000 : NAN;
        whole = whole * 1000 + three;
        i += 4;
        digits += 3;
        grouped = true;
        if (digits > 30)
            break;
    }
    /* decimals */
    if (i + 1 < s.len && (s.at[i] == '.' || s.at[i] == ',') && s.at[i] != group && is_digit((unsigned char)s.at[i + 1])) {
        size_t j = i + 1;
        double unit = 1, fraction = 0;
        while (j < s.len && is_digit((unsigned char)s.at[j]) && j - i < 16)
            unit /= 10, fraction += (s.at[j] - '0') * unit, j++;
        while (j < s.len && is_digit((unsigned char)s.at[j]))
            j++;
        bool more = j + 1 < s.len && s.at[j] == s.at[i] && is_digit((unsigned char)s.at[j + 1]);
        if (more && s.at[i] == '.')
            return at; /* 1.2.3 */
        if (!more) {
            digits += j - i - 1;
            n->value = whole + fraction;
            n->step = unit;
            n->other = NAN;
            n->ndigits = (uint8_t)(digits > 255 ? 255 : digits);
            return j;
        }
    } else if (grouped && group == '.' && !isnan(n->other)) {
        /* 1.234: English writes a decimal so, and that is the commoner reading */
        double t = n->other;
        n->other = whole;
        whole = t;
        n->step = 1e-3;
    }
    n->value = whole;
    n->ndigits = (uint8_t)(digits > 255 ? 255 : digits);
    return i;
}

/* Ends the sentence before word `next` unless it is empty. */
static void sentence_end(struct maker *m)
{
    struct words *w = m->w;
    size_t from = w->nsentences ? w->sentences[w->nsentences - 1].past : 0;
    m->breaks = true;
    if (w->n > from)
        *ARENA_PUSH(m->a, w->sentences, w->nsentences, m->sentences_cap) = (struct sentence){ (uint32_t)from, (uint32_t)w->n };
}
static bool is_abbreviation(const struct maker *m)
{
    if (m->w->n < 1)
        return false;
    const struct word *last = &m->w->list[m->w->n - 1];
    if (last->kind != WORD_TEXT)
        return false;
    struct span t = word_text(m->w, m->w->n - 1);
    static const char *const known[] = { "mr", "mrs", "ms", "dr", "st", "vs", "etc", "eg", "ie", "cf", "no", "vol", "pp", "fig", "al", "jr", "sr", "inc",
                                         "prof", "mme", "mlle", "art", "ex", "env", "ref", "approx", "dept", "est", "gen", "sen", "rep", "gov", "sgt", "capt", "col",
                                         "jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec", "janv", "fevr", "juil", "avr", "tel" };
    if (t.len == 1 && is_low((unsigned char)t.at[0]))
        return (last->flags & WORD_CAPITAL) || (last->flags & WORD_GLUED); /* J. Smith · e.g. */
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (span_is(t, known[i]))
            return true;
    return false;
}
/* Does a sentence end after the mark at `at` (one of . ! ?)? What follows decides. */
static bool ends_sentence(const struct maker *m, struct span s, size_t at)
{
    size_t i = at + 1;
    while (i < s.len && is_in(".!?\"')]*", s.at[i]))
        i++;
    if (i >= s.len)
        return true;
    if (s.at[i] != ' ' && s.at[i] != '\n' && s.at[i] != '\t' && s.at[i] != '\r')
        return false;
    if (s.at[at] == '.' && is_abbreviation(m))
        return false;
    while (i < s.len && (s.at[i] == ' ' || s.at[i] == '\n' || s.at[i] == '\t' || s.at[i] == '\r'))
        i++;
    if (i >= s.len)
        return true;
    /* a small letter goes on with the sentence, mostly: "approx. three" */
    if (s.at[at] == '.' && s.at[i] >= 'a' && s.at[i] <= 'z') {
        size_t o = m->f->map ? m->f->map[i] : i;
        unsigned char c = (unsigned char)m->f->original.at[o];
        return !(c >= 'a' && c <= 'z');
    }
    return true;
}

static void words_read(struct maker *m)
{
    struct span s = m->f->text;
    size_t i = 0;
    m->breaks = m->line = true;
    while (i < s.len) {
        unsigned char c = (unsigned char)s.at[i];
        if (c == '\n') {
            /* a line that goes on with a small letter is the same sentence wrapped */
            size_t j = i + 1;
            while (j < s.len && (s.at[j] == ' ' || s.at[j] == '\t' || s.at[j] == '\r'))
                j++;
            bool wraps = false;
            if (j < s.len && s.at[j] >= 'a' && s.at[j] <= 'z') {
                size_t o = m->f->map ? m->f->map[j] : j;
                wraps = m->f->original.at[o] >= 'a' && m->f->original.at[o] <= 'z';
            }
            if (!wraps)
                sentence_end(m);
            m->line = true;
            i = j;
            continue;
        }
        if (c <= ' ') {
            i++;
            continue;
        }
        if (is_digit(c)) {
            struct number n = { 0 };
            size_t end = number_read(s, i, &n);
            /* letters behind digits: an ordinal, a unit, or a code */
            if (end > i) {
                size_t k = end;
                while (k < s.len && (is_low((unsigned char)s.at[k]) || is_digit((unsigned char)s.at[k])))
                    k++;
                struct span tail = span_cut(s, end, k);
                bool has_digit = false;
                for (size_t q = 0; q < tail.len; q++)
                    has_digit |= is_digit((unsigned char)tail.at[q]);
                bool times = tail.len > 1 && tail.at[0] == 'x' && is_digit((unsigned char)tail.at[1]);
                for (size_t q = 1; times && q < tail.len; q++)
                    times = is_digit((unsigned char)tail.at[q]);
                if (has_digit && !times && !(tail.at[0] == 'm' && tail.len == 2))
                    end = i; /* a code; but m2 is a unit */
                else if (span_is(tail, "st") || span_is(tail, "nd") || span_is(tail, "rd") || span_is(tail, "th") || span_is(tail, "er")
                         || span_is(tail, "eme") || span_is(tail, "e") || span_is(tail, "ere")) {
                    n.is_ordinal = true;
                    end = k;
                }
            }
            if (end > i) {
                struct word *w = word_push(m, i, end, WORD_NUMBER);
                w->key = w->stem = words_key(s.at + i, end - i);
                w->flags |= WORD_HAS_DIGIT;
                n.word = n.digits = (uint32_t)(m->w->n - 1);
                n.past = n.word + 1;
                n.is_year = n.ndigits == 4 && n.step == 1 && n.value >= 1000 && n.value <= 2100 && end - i == 4;
                *ARENA_PUSH(m->a, m->w->numbers, m->w->nnumbers, m->numbers_cap) = n;
                w->number = (uint32_t)m->w->nnumbers;
                i = end;
                continue;
            }
        }
        size_t len = letter_at(s.at + i, s.len - i);
        if (len) {
            if ((c == 'h' && (span_starts(span_cut(s, i, s.len), "http://") || span_starts(span_cut(s, i, s.len), "https://")))
                || (c == 'w' && span_starts(span_cut(s, i, s.len), "www."))) {
                size_t end = url_end(s, i);
                struct word *w = word_push(m, i, end, WORD_URL);
                w->key = w->stem = words_key(s.at + i, end - i);
                i = end;
                continue;
            }
            size_t j = i;
            bool digits = false;
            /* 4x6: the sign between two numbers stands alone */
            bool times = c == 'x' && i > 0 && is_digit((unsigned char)s.at[i - 1]) && i + 1 < s.len && is_digit((unsigned char)s.at[i + 1])
                         && m->w->n && m->w->list[m->w->n - 1].kind == WORD_NUMBER;
            if (times)
                j = i + 1;
            else while (j < s.len && (len = letter_at(s.at + j, s.len - j))) {
                if (len > 1 && is_ideograph(utf8_code(s.at + j, len))) {
                    if (j == i)
                        j += len;
                    break;
                }
                digits |= is_digit((unsigned char)s.at[j]);
                j += len;
            }
            if (j + 2 < s.len + 1 && j > i && s.at[j - 1] == 'n' && j + 1 < s.len && s.at[j] == '\'' && s.at[j + 1] == 't'
                && !(j + 2 < s.len && letter_at(s.at + j + 2, s.len - j - 2)))
                j += 2;
            enum word_kind kind = WORD_TEXT;
            if (j + 1 < s.len && (s.at[j] == '.' || s.at[j] == '@' || (s.at[j] == '-' && is_low((unsigned char)s.at[j + 1])))
                && (is_low((unsigned char)s.at[j + 1]) || is_digit((unsigned char)s.at[j + 1]))) {
                bool mail = false;
                size_t end = address_end(s, i, j, &mail);
                if (end > j) {
                    j = end;
                    kind = mail ? WORD_EMAIL : WORD_URL;
                }
            }
            if (digits && kind == WORD_TEXT) /* codes with inner dots stay whole: v1.2.3 */
                while (j + 1 < s.len && s.at[j] == '.' && is_digit((unsigned char)s.at[j + 1])) {
                    j++;
                    while (j < s.len && is_digit((unsigned char)s.at[j]))
                        j++;
                }
            struct word *w = word_push(m, i, j, kind);
            w->key = words_key(s.at + i, j - i);
            w->stem = kind == WORD_TEXT ? stem_key(s.at + i, j - i) : w->key;
            if (digits)
                w->flags |= WORD_HAS_DIGIT;
            word_case(m, w);
            if (kind == WORD_TEXT) {
                const struct lexeme *l = lexeme_find(w->key);
                if (l) {
                    w->flags |= (l->means & MEANS_STOP ? WORD_STOP : 0) | (l->means & MEANS_NOT ? WORD_NOT : 0);
                    w->month = l->month;
                    w->weekday = l->weekday;
                    w->pole = l->pole;
                } else if (j - i > 3 && memcmp(s.at + j - 3, "n't", 3) == 0)
                    w->flags |= WORD_NOT;
            }
            i = j;
            continue;
        }
        len = visible_at(s.at + i, s.len - i);
        struct word *w = word_push(m, i, i + len, WORD_MARK);
        w->mark = len == 1 ? (char)c : 0;
        w->key = w->stem = words_key(s.at + i, len);
        if ((c == '.' || c == '!' || c == '?') && len == 1) {
            m->w->n--; /* the mark is not the word before itself */
            bool ends = ends_sentence(m, s, i);
            m->w->n++;
            if (ends) {
                i += len;
                while (i < s.len && is_in(".!?\"')]*", s.at[i])) {
                    struct word *q = word_push(m, i, i + 1, WORD_MARK);
                    q->mark = s.at[i];
                    q->key = q->stem = words_key(s.at + i, 1);
                    i++;
                }
                sentence_end(m);
                continue;
            }
        }
        i += len;
    }
    sentence_end(m);
    for (size_t k = 0; k < m->w->nsentences; k++)
        for (size_t q = m->w->sentences[k].word; q < m->w->sentences[k].past; q++)
            m->w->list[q].sentence = (uint32_t)k;
}

/* "$" or "€" or EUR … at word i? */
static bool is_money(const struct words *w, size_t i)
{
    if (i >= w->n)
        return false;
    struct span t = word_text(w, i);
    return span_is(t, "$") || span_is(t, "\xe2\x82\xac") || span_is(t, "\xc2\xa3") || span_is(t, "\xc2\xa5") || span_is(t, "eur") || span_is(t, "usd")
           || span_is(t, "gbp") || span_is(t, "chf") || span_is(t, "euro") || span_is(t, "euros") || span_is(t, "dollar") || span_is(t, "dollars")
           || span_is(t, "pounds");
}
static bool is_scale(const struct words *w, size_t i, double *scale)
{
    if (i >= w->n || w->list[i].kind != WORD_TEXT)
        return false;
    const struct lexeme *l = lexeme_find(w->list[i].key);
    if (!l || !(l->means & MEANS_SCALE))
        return false;
    size_t len = w->list[i].to - w->list[i].at;
    if (len == 1) { /* "5k", "5 M€", "$5m": k and m only where they cannot be metres */
        bool money = is_money(w, i + 1) && (w->list[i + 1].flags & WORD_GLUED);
        bool glued_k = l->number == 1e3 && (w->list[i].flags & WORD_GLUED);
        bool before = i >= 2 && is_money(w, i - 2) && (w->list[i].flags & WORD_GLUED);
        bool capital = (w->list[i].flags & WORD_CAPITAL) && (w->list[i].flags & WORD_GLUED);
        if (!money && !glued_k && !before && !capital)
            return false;
    }
    *scale = l->number;
    return true;
}
/* Spelled counts become numbers, and every number takes its scale and unit in. */
static void numbers_join(struct maker *m)
{
    struct words *w = m->w;
    struct number *old = w->numbers;
    size_t nold = w->nnumbers, k = 0;
    struct number *all = NULL;
    size_t n = 0, cap = 0;
    for (size_t i = 0; i < w->n; i++) {
        struct number x;
        if (w->list[i].kind == WORD_NUMBER && k < nold)
            x = old[k++];
        else if (w->list[i].kind == WORD_TEXT) {
            const struct lexeme *l = lexeme_find(w->list[i].key);
            if (!l || !(l->means & MEANS_COUNT))
                continue;
            x = (struct number){ .word = (uint32_t)i, .past = (uint32_t)i + 1, .digits = (uint32_t)i, .value = l->number, .other = NAN, .step = 1, .is_spelled = true };
            if (l->number >= 20 && i + 2 < w->n && word_is_mark(w, i + 1, '-') && w->list[i + 2].kind == WORD_TEXT) {
                const struct lexeme *u = lexeme_find(w->list[i + 2].key);
                if (u && (u->means & MEANS_COUNT) && u->number < 10) {
                    x.value += u->number;
                    x.past += 2;
                }
            }
        } else
            continue;
        double scale;
        while (is_scale(w, x.past, &scale) && x.past - x.word < 8) {
            x.value *= scale;
            x.other *= scale;
            x.step *= scale;
            x.past++;
            x.is_year = false;
        }
        if (word_is_mark(w, x.past, '%')) {
            x.past++;
            x.is_percent = true;
            x.is_year = false;
        } else if (word_is(w, x.past, "percent") || word_is(w, x.past, "pourcent")) {
            x.past++;
            x.is_percent = true;
        } else if ((word_is(w, x.past, "per") || word_is(w, x.past, "pour")) && word_is(w, x.past + 1, "cent")) {
            x.past += 2;
            x.is_percent = true;
        } else if (is_money(w, x.past)) {
            x.past++;
            x.is_money = true;
            x.is_year = false;
        }
        if (x.word > 0 && w->list[x.word - 1].kind == WORD_MARK && is_money(w, x.word - 1)) {
            x.word--;
            x.is_money = true;
            x.is_year = false;
        }
        *ARENA_PUSH(m->a, all, n, cap) = x;
        w->list[i].number = (uint32_t)n;
        i = x.past - 1;
        w->list[x.digits].number = (uint32_t)n;
    }
    w->numbers = all;
    w->nnumbers = n;
}

static const struct number *plain_number(const struct words *w, size_t i)
{
    if (i >= w->n || !w->list[i].number)
        return NULL;
    const struct number *n = &w->numbers[w->list[i].number - 1];
    return n->digits == i && !n->is_spelled && !n->is_percent && !n->is_money && n->step == 1 ? n : NULL;
}
static int day_at(const struct words *w, size_t i)
{
    const struct number *n = plain_number(w, i);
    return n && n->value >= 1 && n->value <= 31 && n->ndigits <= 2 ? (int)n->value : 0;
}
static int year_at(const struct words *w, size_t i)
{
    const struct number *n = plain_number(w, i);
    return n && n->is_year ? (int)n->value : 0;
}
static void dates_find(struct maker *m)
{
    struct words *w = m->w;
    for (size_t i = 0; i < w->n; i++) {
        struct date d = { 0 };
        size_t first = i, past = i;
        if (w->list[i].month && w->list[i].kind == WORD_TEXT) {
            d.month = w->list[i].month;
            past = i + 1;
            if (word_is_mark(w, past, '.') && w->list[past].flags & WORD_GLUED)
                past++;
            size_t before = i;
            if (before > 0 && word_is(w, before - 1, "of"))
                before--;
            if (before > 0 && day_at(w, before - 1)) {
                d.day = day_at(w, before - 1);
                first = before - 1;
                size_t y = past + (word_is_mark(w, past, ',') ? 1 : 0);
                d.year = year_at(w, y);
                if (d.year)
                    past = y + 1;
            } else if (day_at(w, past)) {
                d.day = day_at(w, past);
                past++;
                size_t y = past + (word_is_mark(w, past, ',') ? 1 : 0);
                if ((d.year = year_at(w, y)))
                    past = y + 1;
            } else if ((d.year = year_at(w, past)))
                past++;
            else if (word_is_mark(w, past, ',') && (d.year = year_at(w, past + 1)))
                past += 2;
            if (!d.day && !d.year)
                continue;
            if (!d.day && !(w->list[i].flags & WORD_CAPITAL) && d.month == 5 && word_is(w, i, "may"))
                continue;
        } else if (plain_number(w, i) && i + 4 < w->n && w->list[i + 1].kind == WORD_MARK && (w->list[i + 1].mark == '-' || w->list[i + 1].mark == '/')
                   && w->list[i + 3].kind == WORD_MARK && w->list[i + 3].mark == w->list[i + 1].mark && plain_number(w, i + 2) && plain_number(w, i + 4)
                   && (w->list[i + 1].flags & WORD_GLUED) && (w->list[i + 2].flags & WORD_GLUED) && (w->list[i + 4].flags & WORD_GLUED)) {
            int y = year_at(w, i), a = day_at(w, i + 2), b = day_at(w, i + 4);
            if (y && a && a <= 12 && b)
                d = (struct date){ .year = y, .month = a, .day = b };
            else if (!y && day_at(w, i) && a && a <= 12 && (y = year_at(w, i + 4)))
                d = (struct date){ .year = y, .month = a, .day = day_at(w, i) }; /* 25/12/2024: day first */
            else if (!y && day_at(w, i) && day_at(w, i) <= 12 && a > 12 && (y = year_at(w, i + 4)))
                d = (struct date){ .year = y, .month = day_at(w, i), .day = a };
            else
                continue;
            past = i + 5;
        } else
            continue;
        d.core = (uint32_t)first;
        size_t b = first;
        if (b > 0 && (word_is(w, b - 1, "the") || word_is(w, b - 1, "le")))
            b--;
        if (b > 0 && (word_is_mark(w, b - 1, ',') || word_is_mark(w, b - 1, '(')))
            b--;
        if (b > 0 && word_is_mark(w, b - 1, '.') && (w->list[b - 1].flags & WORD_GLUED))
            b--;
        if (b > 0 && w->list[b - 1].weekday) {
            d.weekday = w->list[b - 1].weekday;
            first = b - 1;
        }
        d.word = (uint32_t)first;
        d.past = (uint32_t)past;
        *ARENA_PUSH(m->a, w->dates, w->ndates, m->dates_cap) = d;
        if (past > i + 1)
            i = past - 1;
    }
}

const struct words *words_make(struct arena *a, const struct fold *f)
{
    struct words *w = arena_alloc(a, sizeof *w);
    w->fold = f;
    struct maker m = { .a = a, .f = f, .w = w };
    if (f->text.len < UINT32_MAX / 2) {
        m.cap = f->text.len / 5 + 16;
        w->list = arena_alloc_raw(a, m.cap * sizeof *w->list);
        words_read(&m);
        numbers_join(&m);
        dates_find(&m);
    }
    return w;
}
const struct words *part_words(struct arena *a, struct part *p)
{
    if (!p->words)
        p->words = (struct words *)(uintptr_t)words_make(a, part_fold(a, p, FOLD_PLAIN));
    return p->words;
}

bool calendar_valid(int year, int month, int day)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return year >= 1583 && year <= 9999 && month >= 1 && month <= 12 && day >= 1 && day <= days[month - 1] + (month == 2 && leap);
}
/* The civil calendar counted in eras of 400 years that begin in March (well known; see e.g. the calendar FAQ). */
long calendar_days(int year, int month, int day)
{
    long y = year - (month <= 2);
    long era = (y >= 0 ? y : y - 399) / 400;
    long yoe = y - era * 400;
    long doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    long doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return era * 146097 + doe - 719468;
}
int calendar_weekday(int year, int month, int day)
{
    long d = calendar_days(year, month, day) + 3; /* 1970-01-01 was a Thursday */
    return (int)((d % 7 + 7) % 7) + 1;
}

/* Checks ask some sixty lists of each word, and hardly any word is in one. So each list (a literal: its address is its name) gets a
 * filter of 256 bits over length, first and last byte the first time it is asked, and most questions end there. Any thread makes
 * it; the address is published last, and a reader that comes too early walks the list. */
enum { FILTERS = 512, FILTER_TRIES = 4 };
static struct filter {
    _Atomic(const char *) list;
    _Atomic bool is_taken;
    uint64_t bits[4];
} filters[FILTERS];
static unsigned bit_of(const char *at, size_t len)
{
    return ((unsigned)(unsigned char)at[0] * 31u + (unsigned)(unsigned char)at[len - 1] * 7u + (unsigned)len * 57u) & 255;
}
static const struct filter *filter_of(const char *list)
{
    uint64_t h = (uint64_t)(uintptr_t)list * 0x9e3779b97f4a7c15ull >> 40;
    for (unsigned k = 0; k < FILTER_TRIES; k++) {
        struct filter *f = &filters[(h + k) % FILTERS];
        const char *is = atomic_load_explicit(&f->list, memory_order_acquire);
        if (is == list)
            return f;
        if (is || atomic_exchange(&f->is_taken, true))
            continue;
        for (const char *p = list; *p;) {
            size_t n = strcspn(p, " ");
            if (n)
                f->bits[bit_of(p, n) >> 6] |= 1ull << (bit_of(p, n) & 63);
            p += n + (p[n] == ' ');
        }
        atomic_store_explicit(&f->list, list, memory_order_release);
        return f;
    }
    return NULL;
}
bool word_in(const struct words *w, size_t i, const char *list)
{
    if (i >= w->n)
        return false;
    struct span t = word_text(w, i);
    if (!t.len)
        return false;
    const struct filter *f = filter_of(list);
    unsigned bit = bit_of(t.at, t.len);
    if (f && !(f->bits[bit >> 6] >> (bit & 63) & 1))
        return false;
    for (const char *p = list; *p;) {
        const char *end = strchrnul(p, ' ');
        if ((size_t)(end - p) == t.len && memcmp(p, t.at, t.len) == 0)
            return true;
        p = *end ? end + 1 : end;
    }
    return false;
}
