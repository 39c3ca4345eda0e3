/* SPDX-License-Identifier: Apache-2.0
 * One pass over the folded text makes words and sentences. Letters of ASCII are told by a table, all others by Unicode. */
#include "checks/text/words_inside.h"
#include "base/utf8.h"
#include <utf8proc.h>

const uint8_t words_class[256] = { ['a' ... 'z'] = BYTE_LOW, ['A' ... 'Z'] = BYTE_LOW, ['0' ... '9'] = BYTE_DIGIT, ['_'] = BYTE_LINE };

/* Endings of English and French inflection cut off: "shipped", "ships" → "ship"; crude, and the same on both sides. */
struct ending {
    const char *end;
    uint8_t n, least;
};
#define ENDINGS(...) { (const struct ending[]){ __VA_ARGS__ }, sizeof((const struct ending[]){ __VA_ARGS__ }) / sizeof(struct ending) }
static const struct {
    const struct ending *list;
    size_t n;
} endings[26] = { /* by their last letter, the longest first */
    ['d' - 'a'] = ENDINGS({ "ed", 2, 3 }),
    ['e' - 'a'] = ENDINGS({ "ive", 3, 4 }, { "ee", 2, 3 }, { "e", 1, 3 }),
    ['g' - 'a'] = ENDINGS({ "ing", 3, 3 }),
    ['i' - 'a'] = ENDINGS({ "i", 1, 3 }),
    ['n' - 'a'] = ENDINGS({ "ation", 5, 4 }, { "ion", 3, 4 }),
    ['r' - 'a'] = ENDINGS({ "eur", 3, 4 }, { "er", 2, 3 }),
    ['s' - 'a'] = ENDINGS({ "ements", 6, 4 }, { "ations", 6, 4 }, { "ness", 4, 4 }, { "ions", 4, 4 }, { "ives", 4, 4 }, { "ies", 3, 3 }, { "ees", 3, 3 }, { "ers", 3, 3 },
                          { "es", 2, 3 }, { "s", 1, 3 }),
    ['t' - 'a'] = ENDINGS({ "ement", 5, 4 }, { "ment", 4, 4 }),
    ['y' - 'a'] = ENDINGS({ "ingly", 5, 4 }, { "ly", 2, 4 }, { "y", 1, 3 }),
};
static uint32_t stem_key(const char *p, size_t len, uint32_t key)
{
    size_t n = len;
    if (n <= 3)
        return key;
    unsigned last = (unsigned char)p[n - 1] - 'a';
    for (size_t i = 0; last < 26 && i < endings[last].n; i++) {
        const struct ending *e = &endings[last].list[i];
        if (n >= (size_t)e->n + e->least && memcmp(p + n - e->n, e->end, e->n) == 0) {
            n -= e->n;
            break;
        }
    }
    if (n > 3 && p[n - 1] == p[n - 2])
        n--; /* shipp → ship */
    return n == len ? key : words_key_inline(p, n);
}

/* A letter or digit of any script at p: its bytes, else 0. */
static inline size_t letter_at(const char *p, size_t n)
{
    unsigned char c = (unsigned char)*p;
    if (c < 0x80)
        return words_class[c] != 0;
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

static inline struct word *word_push(struct maker *m, size_t at, size_t to, enum word_kind kind)
{
    struct word *w = ARENA_PUSH(m->a, m->w->list, m->w->n, m->cap);
    *w = (struct word){ .at = (uint32_t)at, .to = (uint32_t)to, .start = (uint32_t)at, .end = (uint32_t)to, .kind = (uint8_t)kind, .sentence = (uint32_t)m->w->nsentences };
    if (m->f->map) {
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
    unsigned char c = w->start < w->end ? (unsigned char)o.at[w->start] : 0;
    size_t len = 1;
    if (c < 0x80) {
        if (c < 'A' || c > 'Z')
            return;
    } else {
        len = utf8_length(o.at + w->start, w->end - w->start);
        if (!len || utf8proc_category((utf8proc_int32_t)utf8_code(o.at + w->start, len)) != UTF8PROC_CATEGORY_LU)
            return;
    }
    w->flags |= WORD_CAPITAL;
    bool all = w->end - w->start > 1;
    for (size_t i = w->start + len; all && i < w->end; i++)
        all = !(o.at[i] >= 'a' && o.at[i] <= 'z');
    if (all)
        w->flags |= WORD_CAPITALS;
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
    if (t.len == 1 && is_low((unsigned char)t.at[0]))
        return (last->flags & WORD_CAPITAL) || (last->flags & WORD_GLUED); /* J. Smith · e.g. */
    return t.len <= 6 && word_in(m->w, m->w->n - 1, "mr mrs ms dr st vs etc eg ie cf no vol pp fig al jr sr inc prof mme mlle art ex env ref approx dept est gen sen rep gov "
                                                    "sgt capt col jan feb mar apr jun jul aug sep sept oct nov dec janv fevr juil avr tel");
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
                w->key = w->stem = words_key_inline(s.at + i, end - i);
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
                w->key = w->stem = words_key_inline(s.at + i, end - i);
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
            else for (;;) {
                uint8_t all = 0, now;
                while (j < s.len && (now = words_class[(unsigned char)s.at[j]])) {
                    all |= now;
                    j++;
                }
                digits |= (all & BYTE_DIGIT) != 0;
                if (j == s.len || (unsigned char)s.at[j] < 0x80 || !(len = letter_at(s.at + j, s.len - j)))
                    break;
                if (is_ideograph(utf8_code(s.at + j, len))) {
                    if (j == i)
                        j += len;
                    break;
                }
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
            w->key = words_key_inline(s.at + i, j - i);
            w->stem = kind == WORD_TEXT ? stem_key(s.at + i, j - i, w->key) : w->key;
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
                    w->means = l->means;
                } else if (j - i > 3 && memcmp(s.at + j - 3, "n't", 3) == 0)
                    w->flags |= WORD_NOT;
            }
            i = j;
            continue;
        }
        len = visible_at(s.at + i, s.len - i);
        struct word *w = word_push(m, i, i + len, WORD_MARK);
        w->mark = len == 1 ? (char)c : 0;
        w->key = w->stem = words_key_inline(s.at + i, len);
        if ((c == '.' || c == '!' || c == '?') && len == 1) {
            m->w->n--; /* the mark is not the word before itself */
            bool ends = ends_sentence(m, s, i);
            m->w->n++;
            if (ends) {
                i += len;
                while (i < s.len && is_in(".!?\"')]*", s.at[i])) {
                    struct word *q = word_push(m, i, i + 1, WORD_MARK);
                    q->mark = s.at[i];
                    q->key = q->stem = words_key_inline(s.at + i, 1);
                    i++;
                }
                sentence_end(m);
                continue;
            }
        }
        i += len;
    }
    sentence_end(m);
}

const struct words *words_make(struct arena *a, const struct fold *f)
{
    struct words *w = arena_alloc(a, sizeof *w);
    w->fold = f;
    struct maker m = { .a = a, .f = f, .w = w };
    if (f->text.len < UINT32_MAX / 2) {
        m.cap = f->text.len / 4 + 16;
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
