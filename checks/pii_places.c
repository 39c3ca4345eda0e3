/* SPDX-License-Identifier: Apache-2.0
 * pii_places: postal addresses, number to town. No list of towns or streets: an address is a number beside a word for a
 * street (before the name as in French, Italian, Spanish, Portuguese; behind it as in English; at its end as in German,
 * Dutch and the northern languages), or a number where words say that an address comes. What follows is taken as far as
 * it still has the form of one: unit, postcode, town, country. */
#include "checks/pii_parts.h"

enum { PLACE_MOST = 200, WORD_ROOM = 28 };

static const char *const street_first[] = {
    "aleja", "all", "allee", "allees", "alameda", "av", "avda", "ave", "avenida", "avenue", "bd", "bld", "blvd", "boul", "boulevard", "bvd", "calle", "carrer", "carrera", "che", "chemin", "cite", "cl", "corso", "cours", "esplanade", "faubourg", "fbg", "hameau", "imp", "impasse", "largo", "lieu", "lotissement",
    "mail", "montee", "passage", "paseo", "passeig", "piazza", "piazzetta", "pl", "place", "placette", "plaza", "praca", "promenade", "quai", "quartier", "residence", "ronda", "rond", "route", "rte", "rua", "rue", "ruelle", "sentier", "square", "strada", "travessa", "traverse", "ul", "ulica", "venelle", "via", "viale", "vicolo", "villa", "voie",
};
static const char *const street_last[] = {
    "alley", "ave", "avenue", "avenues", "bend", "blvd", "boulevard", "bridge", "brow", "bypass", "causeway", "circle", "cir", "close", "court", "cove", "crescent", "creek", "crossing", "ct", "dale", "drive", "drives", "dr", "esplanade", "estate", "expressway", "field", "flats", "freeway", "garden", "gardens", "gate", "gateway", "glen", "green", "grove",
    "highway", "hill", "hills", "hwy", "junction", "landing", "lane", "ln", "lodge", "loop", "manor", "meadow", "meadows", "mews", "mill", "motorway", "parade", "park", "parkway", "pass", "passage", "path", "pike", "pkwy", "place", "plaza", "point", "points", "quay", "rd", "ridge", "rise", "road", "roads", "route", "row", "sq", "square", "st", "station", "stravenue", "street", "streets",
    "summit", "terrace", "ter", "track", "trace", "trail", "turnpike", "union", "view", "villa", "ville", "vista", "walk", "way", "wharf",
};
/* Ends of words, without accents. Long ones first is not needed: any fits. */
static const char *const street_end[] = {
    "strasse", "strase", "str", "weg", "gasse", "platz", "allee", "ring", "damm", "ufer", "laan", "straat", "plein", "dijk", "gracht", "kade", "steenweg", "gade", "vej", "vagen", "gatan", "gata", "vegen", "veien", "veg", "gaten", "katu", "kuja", "tie", "polku", "stigen", "torget", "alle", "stræde", "straede", "utca", "fasor", "terasse", "iela", "gatve", "tanav", "puiestee", "bakken", "lund", "marken", "parken",
    "toften", "haven", "holmen", "stien", "svingen", "brinken", "straeti", "vegur", "stigur", "hof", "steig", "gaessli", "rain",
};
static const char *const units[] = { "apartment", "appartement", "appt", "apt", "bat", "batiment", "bte", "box", "esc", "escalier", "etage", "flat", "floor", "piso", "room", "ste", "suite", "unit" };
static const char *const particles[] = { "a", "al", "au", "aux", "d", "da", "das", "de", "degli", "dei", "del", "della", "delle", "den", "der", "des", "di", "do", "dos", "du", "e", "el", "en", "et", "il", "l", "la", "las", "le", "les", "los", "lo", "of", "sous", "sur", "the", "und", "van", "von", "y", "z", "zum", "zur" };
static const char *const months[] = { "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december", "jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec", "janvier", "fevrier", "mars", "avril", "mai", "juin", "juillet", "aout", "septembre", "octobre", "novembre", "decembre" };

static bool one_of(const char *word, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (list[i][0] == word[0] && strcmp(list[i], word) == 0)
            return true;
    return false;
}
#define ONE_OF(word, list) one_of((word), (list), sizeof(list) / sizeof *(list))
static bool ends_street(const char *word)
{
    size_t n = strlen(word);
    for (size_t i = 0; i < sizeof street_end / sizeof *street_end; i++) {
        size_t m = strlen(street_end[i]);
        if (n >= m + 3 && strcmp(word + n - m, street_end[i]) == 0)
            return true;
    }
    return false;
}
/* A word of letters at i: its end, plain form, and whether it begins with a capital (letters beyond ASCII count). */
static size_t word_at(struct hunt *h, size_t i, char plain[WORD_ROOM], bool *is_capital)
{
    size_t e = i;
    while (e - i < 60) {
        unsigned char c = hunt_at(h, e);
        if (!(is_letter(c) || (e > i && c == '-' && is_letter(hunt_at(h, e + 1))) || (e > i && is_digit(c))))
            break;
        e++;
    }
    word_plain(h->text, i, e < h->text.len ? e : h->text.len, plain, WORD_ROOM);
    unsigned char c = hunt_at(h, i);
    /* Latin-1 capitals are c3 80 to c3 9e; other scripts are taken as capitals */
    *is_capital = hunt_class[c] & IS_UPPER || (c == 0xc3 ? hunt_at(h, i + 1) < 0x9f : c >= 0xc4);
    return e;
}
static size_t blanks_at(struct hunt *h, size_t i)
{
    size_t n = 0;
    while (n < 4 && is_blank(hunt_at(h, i + n)))
        n++;
    return n;
}
static size_t digits_at(struct hunt *h, size_t i)
{
    size_t n = 0;
    while (n < 8 && is_digit(hunt_at(h, i + n)))
        n++;
    return n;
}
/* "Apt. 675", "Suite 5", "Bât. B": its end, or 0. */
static size_t unit_at(struct hunt *h, size_t i)
{
    char word[WORD_ROOM];
    bool is_capital;
    size_t e = word_at(h, i, word, &is_capital);
    if (e == i || !ONE_OF(word, units))
        return 0;
    if (hunt_at(h, e) == '.')
        e++;
    e += blanks_at(h, e);
    size_t d = digits_at(h, e);
    if (d)
        e += d + (is_alpha(hunt_at(h, e + d)) && !is_alnum(hunt_at(h, e + d + 1)));
    else if (hunt_class[hunt_at(h, e)] & IS_UPPER && !is_alnum(hunt_at(h, e + 1)))
        e++;
    else
        return 0;
    return hunt_word_at(h, e) ? 0 : e;
}
/* Capital words (with particles between): the end of the last capital one, or 0. */
static size_t names_at(struct hunt *h, size_t i, size_t most, bool stop_at_street)
{
    size_t last = 0, at = i;
    char word[WORD_ROOM];
    for (size_t k = 0; k < most; k++) {
        bool is_capital;
        size_t e = word_at(h, at, word, &is_capital);
        if (e == at)
            break;
        if (is_capital)
            last = e;
        else if (!ONE_OF(word, particles))
            break;
        (void)stop_at_street;
        at = e;
        if (hunt_at(h, at) == '\'')
            at++;
        else if (hunt_at(h, at) == 0xe2 && hunt_at(h, at + 1) == 0x80 && hunt_at(h, at + 2) == 0x99)
            at += 3;
        else {
            size_t b = blanks_at(h, at);
            if (!b)
                break;
            at += b;
        }
    }
    return last;
}
/* Unit, postcode, town, country behind the street: as far as it goes on like an address. */
static size_t place_tail(struct hunt *h, size_t end, size_t start)
{
    for (unsigned turn = 0; turn < 6 && end - start < PLACE_MOST; turn++) {
        size_t i = end;
        bool has_comma = false, has_line = false;
        if (hunt_at(h, i) == '.' && is_space(hunt_at(h, i + 1)) && unit_at(h, i + 1 + blanks_at(h, i + 1)))
            i++;
        i += blanks_at(h, i);
        if (hunt_at(h, i) == ',') {
            has_comma = true;
            i++;
            i += blanks_at(h, i);
        } else if (hunt_at(h, i) == '-' && is_blank(hunt_at(h, i + 1))) {
            has_comma = true;
            i++;
            i += blanks_at(h, i);
        }
        if (hunt_at(h, i) == '\r')
            i++;
        if (hunt_at(h, i) == '\n') {
            has_line = true;
            i++;
            i += blanks_at(h, i);
            if (hunt_at(h, i) == ',') {
                i++;
                i += blanks_at(h, i);
            }
        }
        size_t e = unit_at(h, i);
        if (e) {
            end = e;
            continue;
        }
        size_t d = digits_at(h, i);
        if (d >= 4 && d <= 5 && !is_letter(hunt_at(h, i + d))) {
            size_t next = i + d, b = blanks_at(h, next);
            if (hunt_at(h, next) == '-' && digits_at(h, next + 1) == 4)
                next += 5;
            size_t town = b ? names_at(h, next + b, 6, true) : 0;
            if (town) {
                end = town;
                /* Cedex 08 */
                size_t c = blanks_at(h, end);
                if (c && digits_at(h, end + c) == 2 && strncasecmp(h->text.at + end - 5, "cedex", 5) == 0)
                    end += c + 2;
                continue;
            }
            if (has_comma || has_line || turn) {
                end = next;
                continue;
            }
            break;
        }
        if ((has_comma || has_line) && i > end) {
            size_t town = names_at(h, i, 5, true);
            if (town) {
                /* a town on a new line is alone there, or a number or comma follows */
                size_t past = town + blanks_at(h, town);
                unsigned char c = hunt_at(h, past);
                if (c == ':' || c == '=')
                    break;
                if (has_line && !(c == 0 || c == ',' || hunt_class[c] & IS_LINE || is_digit(c)))
                    break;
                if (has_line && past == town && !c && turn > 3)
                    break;
                end = town;
                size_t b = blanks_at(h, end), z = digits_at(h, end + b);
                if (b && z >= 4 && z <= 6 && !hunt_word_at(h, end + b + z))
                    end += b + z;
                continue;
            }
        }
        break;
    }
    return end;
}

/* Do the words right before `at` announce an address? "lives at", "address is", "domicilié au", "adresse :" */
static bool is_announced(const struct hunt *h, size_t at)
{
    size_t floor = at > 48 ? at - 48 : 0, end = at;
    char word[WORD_ROOM];
    unsigned words = 0;
    bool has_preposition = false;
    while (end > floor && words < 5) {
        unsigned char c = (unsigned char)h->text.at[end - 1];
        if (!is_letter(c)) {
            if (c == '.' || c == '!' || c == '?' || (hunt_class[c] & IS_LINE) || is_digit(c))
                return false;
            end--;
            continue;
        }
        size_t start = end;
        while (start > floor && is_letter((unsigned char)h->text.at[start - 1]))
            start--;
        word_plain(h->text, start, end, word, sizeof word);
        words++;
        static const char *const direct[] = { "address", "adresse", "addresses", "domicile", "domicilie", "domiciliee" };
        static const char *const verbs[] = { "live", "lives", "living", "lived", "resides", "residing", "located", "habite", "habitant", "demeurant", "reside", "demeure", "meet", "return", "ship", "deliver", "send", "drops", "off", "enter", "stop", "corner", "moved", "user", "situe", "loge", "same" };
        if (ONE_OF(word, direct))
            return true;
        if (has_preposition && ONE_OF(word, verbs))
            return true;
        static const char *const prepositions[] = { "at", "in", "au", "to", "is", "a", "on", "me", "user", "same" };
        if (!ONE_OF(word, prepositions))
            return false;
        has_preposition = true;
        end = start;
    }
    return false;
}

size_t place_match(struct hunt *h, size_t at)
{
    unsigned char before = hunt_before(h, at);
    if (hunt_word_before(h, at) || before == '.' || before == ',' || before == '/' || before == ':')
        return 0;
    size_t d = digits_at(h, at), i = at + d;
    if (!d || d > 5)
        return 0;
    char word[WORD_ROOM];
    bool is_capital;
    /* May 18, 1980, Mount St… */
    if (d == 4 && hunt_at(h, i) == ',' && (h->text.at[at] == '1' || h->text.at[at] == '2') && at > 1 && h->text.at[at - 2] == ',')
        return 0;
    /* 12-14, 12/14, 12 B, 12bis, 12 ter */
    if ((hunt_at(h, i) == '-' || hunt_at(h, i) == '/') && digits_at(h, i + 1) >= 1 && digits_at(h, i + 1) <= 4 && d <= 4)
        i += 1 + digits_at(h, i + 1);
    if (is_alpha(hunt_at(h, i)) && !hunt_word_at(h, i + 1))
        i++;
    else if (is_alpha(hunt_at(h, i))) {
        size_t e = word_at(h, i, word, &is_capital);
        if (strcmp(word, "bis") != 0 && strcmp(word, "ter") != 0 && strcmp(word, "quater") != 0)
            return 0;
        i = e;
    }
    size_t b = blanks_at(h, i);
    if (!b && hunt_at(h, i) != ',')
        goto behind;
    i += b;
    size_t e = word_at(h, i, word, &is_capital);
    if (strcmp(word, "bis") == 0 || strcmp(word, "ter") == 0 || strcmp(word, "quater") == 0 || (e == i + 1 && is_alpha(hunt_at(h, i)) && is_capital)) {
        i = e;
        i += blanks_at(h, i);
    }
    if (hunt_at(h, i) == ',') {
        i++;
        i += blanks_at(h, i);
    }
    /* a second number: the house behind a district's */
    size_t core = i, d2 = digits_at(h, i);
    if (d2 && d2 <= 4 && is_blank(hunt_at(h, i + d2)))
        core = i + d2 + blanks_at(h, i + d2);
    e = word_at(h, core, word, &is_capital);
    if (e == core)
        goto behind;
    char first[WORD_ROOM];
    memcpy(first, word, sizeof first);
    bool first_capital = is_capital;
    size_t end = 0;
    if (ONE_OF(word, street_first) && !(strcmp(word, "place") == 0 && hunt_at(h, e) == 's')) {
        /* street words first */
        size_t s = e;
        if (hunt_at(h, s) == '.' || hunt_at(h, s) == '/')
            s++;
        size_t at_word = s + blanks_at(h, s), last = 0, lower = 0;
        for (size_t k = 0; k < 9; k++) {
            size_t w = word_at(h, at_word, word, &is_capital);
            size_t n = digits_at(h, at_word);
            if (w == at_word && n && n <= 4 && k > 0) {
                last = at_word + n;     /* rue du 8 mai 1945, Via Roma 131 */
                if (d2 == 0 && at_word + n < h->text.len && k >= 1 && !is_blank(hunt_at(h, at_word + n)))
                    break;
                at_word += n + blanks_at(h, at_word + n);
                continue;
            }
            if (w == at_word)
                break;
            if (is_capital) {
                last = w;
            } else if (!ONE_OF(word, particles)) {
                if (last && !ONE_OF(word, months))
                    break;
                if (lower++)
                    break;
                last = w;
            }
            at_word = w;
            if (hunt_at(h, at_word) == '\'')
                at_word++;
            else if (hunt_at(h, at_word) == 0xe2 && hunt_at(h, at_word + 1) == 0x80 && hunt_at(h, at_word + 2) == 0x99)
                at_word += 3;
            else {
                size_t gap = blanks_at(h, at_word);
                if (!gap)
                    break;
                at_word += gap;
            }
        }
        /* a postcode taken for a part of the name is none */
        end = last;
        /* ordinary words: "3 place holders", "10 route changes" */
        if (end && lower && end - core < 40) {
            static const char *const french[] = { "rue", "avenue", "boulevard", "bd", "chemin", "impasse", "allee", "quai", "av", "route", "place" };
            size_t tail = place_tail(h, end, at);
            if (!ONE_OF(first, french) || (strcmp(first, "place") == 0 && tail == end) || (strcmp(first, "route") == 0 && tail == end) || (strcmp(first, "avenue") == 0 && tail == end))
                end = 0;
        }
    }
    if (!end && first_capital) {
        /* names, then the street word: 1668 Glyn St, 10 Downing Street */
        size_t at_word = core;
        for (size_t k = 0; k < 5; k++) {
            size_t w = word_at(h, at_word, word, &is_capital);
            if (w == at_word || (!is_capital && !ONE_OF(word, particles) && !ONE_OF(word, street_last)))
                break;
            static const char *const small[] = { "street", "st", "avenue", "ave", "road", "rd", "lane", "drive", "blvd", "boulevard" };
            if (k > 0 && ONE_OF(word, street_last) && strcmp(word, "union") != 0 && (is_capital || ONE_OF(word, small)))
                end = w;
            if (ends_street(word) && is_capital && !ONE_OF(word, months)) {
                size_t gap = blanks_at(h, w), n = digits_at(h, w + gap);
                end = gap && n && n <= 4 ? w + gap + n : w;
                if (!n && k == 0 && core == i)
                    end = 0;
            }
            at_word = w;
            size_t gap = blanks_at(h, at_word);
            if (!gap)
                break;
            at_word += gap;
            size_t n = digits_at(h, at_word);
            if (n && n <= 4 && !hunt_word_at(h, at_word + n) && !ONE_OF(word, months)) {
                /* 4844 Name 52: only where more of an address is beside it */
                size_t past = at_word + n;
                if (hunt_at(h, past) == '.')
                    past++;
                size_t more = past;
                while (is_space(hunt_at(h, more)) && more - past < 6)
                    more++;
                if (unit_at(h, more) || is_announced(h, at)) {
                    end = past;
                    break;
                }
            }
        }
        if (end && hunt_at(h, end) == '.' && hunt_at(h, end + 1) == ' ' && hunt_class[hunt_at(h, end + 2)] & IS_UPPER && unit_at(h, end + 2))
            end++;
    }
    if (!end && is_announced(h, at) && (first_capital || d2)) {
        end = names_at(h, core, 6, false);
        if (!end)
            end = d2 ? i + d2 : 0;
        if (end) {
            size_t gap = blanks_at(h, end), n = digits_at(h, end + gap);
            if (gap && n)
                end += gap + n;
        }
    }
    if (end) {
        end = place_tail(h, end, at);
        hunt_hit(h, at, end, "address", 0.75, "a postal address");
        return end;
    }
behind:
    /* names before the number: Hauptstraße 12, Via Roma 131, ul. Cicha 86 */
    if (d <= 4 && before == ' ' && at > 4) {
        size_t floor = at > 64 ? at - 64 : 0, w_end = at, start = 0;
        for (unsigned k = 0; k < 5; k++) {
            while (w_end > floor && (h->text.at[w_end - 1] == ' ' || h->text.at[w_end - 1] == '.'))
                w_end--;
            size_t w = w_end;
            while (w > floor && (is_letter((unsigned char)h->text.at[w - 1]) || h->text.at[w - 1] == '-' || h->text.at[w - 1] == '\''))
                w--;
            if (w == w_end)
                break;
            word_plain(h->text, w, w_end, word, sizeof word);
            unsigned char c = (unsigned char)h->text.at[w];
            bool capital = hunt_class[c] & IS_UPPER || c >= 0xc3;
            if (k == 0 && capital && ends_street(word)) {
                start = w;
                break;
            }
            if (k > 0 && (capital || strcmp(word, "ul") == 0 || strcmp(word, "via") == 0 || strcmp(word, "rua") == 0 || strcmp(word, "calle") == 0) && ONE_OF(word, street_first) && strcmp(word, "place") != 0 && strcmp(word, "route") != 0 && strcmp(word, "all") != 0
                && strcmp(word, "square") != 0 && strcmp(word, "villa") != 0 && strcmp(word, "avenue") != 0 && strcmp(word, "cite") != 0 && strcmp(word, "mail") != 0 && strcmp(word, "lieu") != 0) {
                start = w;
                break;
            }
            if (!capital && !ONE_OF(word, particles))
                break;
            w_end = w;
            if (w_end > floor && h->text.at[w_end - 1] != ' ' && h->text.at[w_end - 1] != '.')
                break;
        }
        if (start) {
            size_t stop = at + d;
            if (is_alpha(hunt_at(h, stop)) && !hunt_word_at(h, stop + 1))
                stop++;
            if (hunt_word_at(h, stop))
                return 0;
            stop = place_tail(h, stop, start);
            hunt_hit(h, start, stop, "address", 0.7, "a postal address");
            return stop;
        }
    }
    return 0;
}

/* Words that open an address: Apt. 5, Suite 6, P.O. Box 242, PSC 1437, Box 3833, Unit 4719 Box 7394. */
size_t place_word_match(struct hunt *h, size_t at, size_t word_end)
{
    char word[WORD_ROOM];
    bool is_capital;
    size_t e = word_at(h, at, word, &is_capital), end = 0;
    (void)word_end;
    if ((strcmp(word, "apt") == 0 || strcmp(word, "suite") == 0 || strcmp(word, "appt") == 0) && (end = unit_at(h, at))) {
        unsigned char c = (unsigned char)h->text.at[end - 1];
        if (!is_digit(c) || end - e < 2 || (hunt_class[(unsigned char)h->text.at[at]] & IS_LOWER && hunt_at(h, e) != '.'))
            return 0;
        hunt_hit(h, at, end, "address", 0.6, "an apartment's or office's number");
        return end;
    }
    if (strcmp(word, "psc") == 0 || strcmp(word, "unit") == 0) {
        size_t i = e + blanks_at(h, e), d = digits_at(h, i);
        if (!d)
            return 0;
        i += d;
        if (hunt_at(h, i) == ',')
            i++;
        i += blanks_at(h, i);
        size_t w = word_at(h, i, word, &is_capital);
        if (strcmp(word, "box") != 0)
            return 0;
        w += blanks_at(h, w);
        d = digits_at(h, w);
        if (!d)
            return 0;
        end = w + d;
    } else if (strcmp(word, "postbox") == 0 || strcmp(word, "bp") == 0 || strcmp(word, "postfach") == 0 || strcmp(word, "p") == 0 || strcmp(word, "po") == 0 || strcmp(word, "pobox") == 0) {
        size_t i = e;
        if (strcmp(word, "p") == 0) {
            if (hunt_at(h, i) != '.' || (hunt_at(h, i + 1) | 32) != 'o')
                return 0;
            i += 2;
            if (hunt_at(h, i) == '.')
                i++;
        }
        i += blanks_at(h, i);
        if (word[0] == 'p' && strcmp(word, "postbox") != 0 && strcmp(word, "postfach") != 0 && strcmp(word, "pobox") != 0) {
            size_t w = word_at(h, i, word, &is_capital);
            if (strcmp(word, "box") != 0)
                return 0;
            i = w + blanks_at(h, w);
        } else if (hunt_class[(unsigned char)h->text.at[at]] & IS_LOWER) {
            return 0;
        }
        size_t d = digits_at(h, i);
        if (!d)
            return 0;
        end = i + d;
    }
    if (!end || hunt_word_at(h, end))
        return 0;
    /* APO AP 04336 */
    size_t i = end;
    while (is_space(hunt_at(h, i)) && i - end < 4)
        i++;
    if (hunt_at(h, i + 1) == 'P' && hunt_at(h, i + 2) == 'O' && hunt_at(h, i + 3) == ' ') {
        size_t d = digits_at(h, i + 7);
        if (d == 5)
            end = i + 12;
    }
    end = place_tail(h, end, at);
    hunt_hit(h, at, end, "address", 0.75, "a post box");
    return end;
}
