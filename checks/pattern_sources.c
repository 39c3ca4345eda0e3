/* SPDX-License-Identifier: Apache-2.0
 * References that cannot be right: numbers whose check digit fails (ISO 2108, ISO 3297, ISO 13616), identifiers of a form
 * that does not exist (DOI handbook, arXiv's scheme), stand-in domains (RFC 2606), and URLs, DOIs and source marks that
 * nothing the model was given holds. Works on folded text; each candidate is looked for once in the prompt (at most
 * LOOKUPS of them, so that the cost stays linear). */
#include "checks/pattern.h"
#include <ctype.h>

enum { LOOKUPS = 64 };

static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_alnum(char c) { return is_digit(c) || (c >= 'a' && c <= 'z'); }

/* Original range of a folded one. */
static void seen_folded(struct pattern_view *v, const char *kind, size_t at, size_t to, double score, const char *why)
{
    size_t start, end;
    fold_origin(v->w->fold, at, to, &start, &end);
    pattern_seen_at(v, kind, start, end, score, "%s", why);
}

static struct span url_host(struct span url)
{
    const char *p = span_find(url, SPAN("://"));
    if (p)
        url = span_cut(url, (size_t)(p - url.at) + 3, url.len);
    if (span_starts(url, "www."))
        url = span_cut(url, 4, url.len);
    size_t n = 0;
    while (n < url.len && !strchr("/?#:", url.at[n]))
        n++;
    return span_cut(url, 0, n);
}
/* The URL without scheme, www. and a closing slash: how a source may spell it. */
static struct span url_core(struct span url)
{
    const char *p = span_find(url, SPAN("://"));
    if (p)
        url = span_cut(url, (size_t)(p - url.at) + 3, url.len);
    if (span_starts(url, "www."))
        url = span_cut(url, 4, url.len);
    while (url.len && url.at[url.len - 1] == '/')
        url.len--;
    return url;
}
static bool host_within(struct span host, const char *domain)
{
    size_t n = strlen(domain);
    return span_ends(host, domain) && (host.len == n || host.at[host.len - n - 1] == '.');
}
/* Domains that are nobody's: reserved for examples, or a slot with a dot. */
static bool is_stand_in(struct span host)
{
    static const char *const domains[] = { "example.com", "example.org", "example.net", "example.edu", "example.fr", "exemple.fr", "exemple.com", "exemple.org",
                                           "example.co.uk", "exemple.net", "domain.com", "domaine.fr", "domaine.com", "yourdomain.com", "mydomain.com", "yoursite.com",
                                           "mysite.com", "website.com", "yourwebsite.com", "yourcompany.com", "company.com", "votresite.fr", "votresite.com",
                                           "votredomaine.fr", "monsite.fr", "monsite.com", "votre-site.fr", "your-site.com", "your-domain.com", "fakeurl.com",
                                           "placeholder.com", "sample.com", "test.com", "siteweb.fr", "entreprise.fr", "votreentreprise.fr", "votre-domaine.fr", "xyz.com", "abc.com" };
    for (size_t i = 0; i < sizeof domains / sizeof *domains; i++)
        if (host_within(host, domains[i]))
            return true;
    return span_ends(host, ".example") || span_ends(host, ".invalid") || span_starts(host, "your-") || span_starts(host, "votre-") || span_starts(host, "example-");
}
/* A host must be labels of letters, digits and inner hyphens, with a top-level domain of letters. */
static bool is_host(struct span host)
{
    if (host.len < 1 || host.len > 253)
        return false;
    size_t label = 0, labels = 0;
    bool alpha = false;
    for (size_t i = 0; i <= host.len; i++) {
        if (i == host.len || host.at[i] == '.') {
            if (i == label || i - label > 63 || host.at[label] == '-' || host.at[i - 1] == '-')
                return false;
            labels++;
            if (i < host.len)
                label = i + 1, alpha = false;
        } else if (!is_alnum(host.at[i]) && host.at[i] != '-' && host.at[i] != '_' && !(host.at[i] & 0x80))
            return false;
        else
            alpha |= !is_digit(host.at[i]);
    }
    if (labels == 1)
        return span_is(host, "localhost");
    return (alpha && host.len - label >= 2) || labels == 4; /* or an IPv4 address */
}
static bool is_local(struct span host)
{
    return span_is(host, "localhost") || span_starts(host, "127.") || span_starts(host, "192.168.") || span_starts(host, "10.") || span_is(host, "0.0.0.0")
           || span_ends(host, ".local") || span_ends(host, ".internal") || span_ends(host, ".localhost") || span_ends(host, ".test");
}
static void urls(struct pattern_view *v, unsigned *lookups)
{
    const struct words *w = v->w;
    for (size_t i = 0; i < w->n; i++) {
        if (w->list[i].kind != WORD_URL)
            continue;
        struct span url = word_text(w, i), host = url_host(url), core = url_core(url);
        bool scheme = span_find(url, SPAN("://")) != NULL, www = span_starts(url, "www.");
        if (span_starts(core, "doi.org/") || span_starts(core, "dx.doi.org/") || is_local(host))
            continue; /* the DOI decides; a machine of one's own is no source */
        if (++*lookups > LOOKUPS)
            return;
        bool bare = core.len == host.len;
        bool code = pattern_in_code(v, i);
        if (scheme && host.len && !is_host(host) && !code) {
            pattern_seen(v, "fabricated-url", i, i + 1, 0.85, "no address can look like this: the host is malformed");
            continue;
        }
        if (pattern_given(v, core))
            continue;
        if (is_stand_in(host)) {
            /* discussed as such: the text around it says what it is */
            bool subject = code || pattern_given(v, host);
            for (size_t k = w->sentences[w->list[i].sentence].word; k < w->sentences[w->list[i].sentence].past; k++)
                subject |= word_in(w, k, "reserved reserve reserves rfc fictional fictif fictive fictifs dummy documentation replace remplacez remplacer placeholder");
            if (!subject && (scheme || www || !bare || v->has_context))
                pattern_seen(v, "fabricated-url", i, i + 1, 0.9, "a stand-in address, nobody's: not in any source given");
            continue;
        }
        if (code && !v->has_context)
            continue;
        /* where sources were given, an address must come from them; the front page of a site that they name may stand */
        if (v->has_context) {
            bool known_site = pattern_given(v, host);
            if (bare && (known_site || !scheme))
                continue;
            pattern_seen(v, "fabricated-url", i, i + 1, code ? 0.55 : 0.85, "this address is in none of the sources given");
        } else if (scheme && !bare) {
            /* a deep link out of memory is a guess more often than not */
            pattern_seen(v, "fabricated-url", i, i + 1, 0.6, "a deep link that nothing given holds; not checked on the network");
        }
    }
}

static bool doi_char(char c) { return (unsigned char)c > ' ' && !strchr("\"<>[]{}|\\^`", c); }
static void dois(struct pattern_view *v, unsigned *lookups)
{
    struct span s = v->w->fold->text;
    for (size_t i = 0; i + 4 < s.len; i++) {
        const char *p = span_find(span_cut(s, i, s.len), SPAN("10."));
        if (!p)
            return;
        size_t at = (size_t)(p - s.at);
        i = at + 2;
        if (at && (is_digit(s.at[at - 1]) || (s.at[at - 1] == '.' )))
            continue;
        size_t j = at + 3;
        while (j < s.len && (is_alnum(s.at[j]) || s.at[j] == '.'))
            j++;
        if (j >= s.len || s.at[j] != '/')
            continue;
        size_t registrant = j - at - 3, end = j + 1;
        while (end < s.len && doi_char(s.at[end]))
            end++;
        while (end > j + 1 && strchr(".,;:!?)'*", s.at[end - 1]) && !(s.at[end - 1] == ')' && memchr(s.at + j, '(', end - j)))
            end--;
        bool digits = true;
        for (size_t k = at + 3; k < j; k++)
            digits &= is_digit(s.at[k]) || s.at[k] == '.';
        /* called a DOI? a date such as 10.03/2024 is none */
        size_t from = at > 24 ? at - 24 : 0;
        bool called = span_find(span_cut(s, from, at), SPAN("doi")) != NULL;
        bool shaped = digits && registrant >= 4 && registrant <= 9;
        size_t start = at;
        if (at >= 4 && memcmp(s.at + at - 4, "doi:", 4) == 0)
            start = at - 4;
        else if (at >= 16 && memcmp(s.at + at - 16, "https://doi.org/", 16) == 0)
            start = at - 16;
        else if (at >= 8 && memcmp(s.at + at - 8, "doi.org/", 8) == 0)
            start = at - 8;
        i = end;
        if (!called && !shaped)
            continue;
        struct span doi = span_cut(s, at, end);
        size_t x = 0;
        for (size_t k = j; k < end; k++)
            x += s.at[k] == 'x';
        if (++*lookups > LOOKUPS)
            return;
        if (pattern_given(v, doi))
            continue;
        if (!shaped || end == j + 1)
            seen_folded(v, "fabricated-doi", start, end, 0.95, "no DOI has this form: 10., four to nine digits, a slash and a name");
        else if (span_starts(doi, "10.0000/") || span_starts(doi, "10.1234/") || span_starts(doi, "10.9999/") || span_starts(doi, "10.12345/") || (x >= 4 && x * 2 >= end - j - 1))
            seen_folded(v, "fabricated-doi", start, end, 0.9, "a stand-in DOI: nobody registered such a prefix or name");
        else if (v->has_context)
            seen_folded(v, "fabricated-doi", start, end, 0.85, "this DOI is in none of the sources given");
        else
            seen_folded(v, "fabricated-doi", start, end, 0.6, "a DOI that nothing given holds; not checked on the network");
    }
    /* "DOI: to be assigned" is prose; "doi:abc123" is no DOI */
    for (size_t i = 0; i + 1 < v->w->n; i++) {
        if (!word_is(v->w, i, "doi"))
            continue;
        size_t k = i + 1;
        bool colon = word_is_mark(v->w, k, ':');
        k += colon;
        struct span t = k < v->w->n ? word_text(v->w, k) : SPAN("");
        if (t.len >= 3 && (v->w->list[k].flags & WORD_HAS_DIGIT) && v->w->list[k].kind != WORD_URL && !span_starts(t, "10") && colon && v->w->list[k].sentence == v->w->list[i].sentence)
            pattern_seen(v, "fabricated-doi", k, k + 1, 0.8, "no DOI begins so: they all begin with 10.");
    }
}

/* ISBN: 10 digits weighted 10…1 modulo 11 (X is 10), 13 digits weighted 1 3 1 3 … modulo 10. */
static bool isbn_holds(const char *d, size_t n)
{
    int sum = 0;
    for (size_t i = 0; i < n; i++) {
        int digit = d[i] == 'x' ? 10 : d[i] - '0';
        sum += n == 10 ? digit * (int)(10 - i) : digit * (i % 2 ? 3 : 1);
    }
    return sum % (n == 10 ? 11 : 10) == 0;
}
static bool issn_holds(const char *d)
{
    int sum = 0;
    for (int i = 0; i < 8; i++)
        sum += (d[i] == 'x' ? 10 : d[i] - '0') * (8 - i);
    return sum % 11 == 0;
}
static bool called_before(struct span s, size_t at, const char *name, size_t reach)
{
    size_t from = at > reach ? at - reach : 0;
    for (size_t k = at; k > from; k--)
        if (s.at[k - 1] == '\n')
            from = k;
    return span_find(span_cut(s, from, at), span_of(name)) != NULL;
}
static void books(struct pattern_view *v)
{
    struct span s = v->w->fold->text;
    size_t digits = 0;
    for (size_t i = 0; i < s.len; i++)
        digits += is_digit(s.at[i]);
    if (digits < 7) /* the fewest that an ISSN has */
        return;
    bool asked = false, said = false, is_known = false;
    for (size_t i = 0; i < s.len; i++) {
        if (!is_digit(s.at[i]) || (i && (is_alnum(s.at[i - 1]) || s.at[i - 1] == '-' || s.at[i - 1] == '.' || s.at[i - 1] == '/' || s.at[i - 1] == '+')))
            continue;
        char d[20];
        size_t n = 0, j = i, groups = 1, last = 0;
        bool blanks = false;
        while (j < s.len && n < 19) {
            if (is_digit(s.at[j]))
                d[n++] = s.at[j], last++;
            else if (s.at[j] == 'x' && (n == 9 || n == 7) && !(j + 1 < s.len && is_alnum(s.at[j + 1])))
                d[n++] = 'x', last++;
            else if ((s.at[j] == '-' || s.at[j] == ' ') && j + 1 < s.len && (is_digit(s.at[j + 1]) || s.at[j + 1] == 'x') && j > i) {
                if (s.at[j] == ' ' && (n == 13 || (n == 10 && last == 1 && groups == 4)))
                    break;
                blanks |= s.at[j] == ' ';
                groups++;
                last = 0;
            } else
                break;
            j++;
        }
        bool letters = j < s.len && is_alnum(s.at[j]);
        size_t end = j;
        bool isbn = called_before(s, i, "isbn", 40);
        if (n == 8 && groups == 2 && last == 4 && !letters && called_before(s, i, "issn", 24)) {
            if (!issn_holds(d))
                seen_folded(v, "bad-issn", i, end, 0.95, "the check digit of this ISSN fails");
        } else if (!letters && (n == 10 || n == 13)) {
            if (!is_known) { /* the question is cut into words only for a number that might be one */
                asked = pattern_asked(v, "isbn isbn10 isbn13");
                said = asked || span_find(s, SPAN("isbn")) != NULL;
                is_known = true;
            }
            bool form13 = n == 13 && d[0] == '9' && d[1] == '7' && (d[2] == '8' || d[2] == '9');
            bool form10 = n == 10 && groups == 4 && last == 1;
            if ((form13 && (isbn || said || !blanks)) || (form10 && !blanks) || (form10 && said) || (n == 10 && (isbn || (asked && groups == 1))) || (n == 13 && isbn)) {
                if (n == 13 && !form13)
                    seen_folded(v, "bad-isbn", i, end, 0.9, "every ISBN of 13 digits begins with 978 or 979");
                else if (!isbn_holds(d, n))
                    seen_folded(v, "bad-isbn", i, end, isbn || said ? 0.95 : 0.75, "the check digit of this ISBN fails");
            }
        } else if (!letters && isbn && n >= 8 && n <= 15 && groups >= 1 && called_before(s, i, "isbn", 12))
            seen_folded(v, "bad-isbn", i, end, 0.85, "an ISBN has 10 or 13 digits");
        i = end > i ? end - 1 : i;
    }
}

/* arXiv since 2007-04: YYMM.NNNN(N), month 01 to 12, five digits from 2015 on. */
static void arxiv(struct pattern_view *v, unsigned *lookups)
{
    struct span s = v->w->fold->text;
    for (size_t i = 0; i + 6 < s.len;) {
        const char *p = span_find(span_cut(s, i, s.len), SPAN("arxiv"));
        if (!p)
            return;
        size_t at = (size_t)(p - s.at), j = at + 5;
        i = j;
        size_t skip = 0;
        while (j < s.len && skip < 10 && !is_digit(s.at[j]) && s.at[j] != '\n')
            j++, skip++;
        size_t k = j, dot = 0;
        while (k < s.len && (is_digit(s.at[k]) || (s.at[k] == '.' && !dot && k + 1 < s.len && is_alnum(s.at[k + 1])) || (dot && s.at[k] == 'x'))) {
            if (s.at[k] == '.')
                dot = k;
            k++;
        }
        if (!dot || k - dot < 3)
            continue;
        int year = 0, month = 0;
        bool form = dot - j == 4 && (k - dot - 1 == 4 || k - dot - 1 == 5) && is_digit(s.at[k - 1]);
        if (form) {
            year = (s.at[j] - '0') * 10 + s.at[j + 1] - '0';
            month = (s.at[j + 2] - '0') * 10 + s.at[j + 3] - '0';
            form = month >= 1 && month <= 12 && year >= 7 && year < 60 && (k - dot - 1 == 5) == (year >= 15);
        }
        i = k;
        if (++*lookups > LOOKUPS)
            return;
        if (pattern_given(v, span_cut(s, j, k)))
            continue;
        if (!form)
            seen_folded(v, "fabricated-arxiv", j, k, 0.9, "no arXiv number looks like this (year, month, dot, four digits, five since 2015)");
        else if (v->has_context)
            seen_folded(v, "fabricated-arxiv", j, k, 0.8, "this arXiv number is in none of the sources given");
    }
}

/* IBAN (ISO 13616): letters as 10 to 35, first four characters moved behind, modulo 97 is 1. Only where it is called so. */
static void ibans(struct pattern_view *v)
{
    struct span s = v->w->fold->text;
    const char *p = span_find(s, SPAN("iban"));
    for (size_t i = p ? (size_t)(p - s.at) : s.len; i + 15 < s.len; i++) {
        if (!(s.at[i] >= 'a' && s.at[i] <= 'z') || !(s.at[i + 1] >= 'a' && s.at[i + 1] <= 'z') || !is_digit(s.at[i + 2]) || !is_digit(s.at[i + 3])
            || (i && is_alnum(s.at[i - 1])))
            continue;
        char d[36];
        size_t n = 0, j = i, end = i, gap = 0;
        while (j < s.len && n < 35) {
            if (is_alnum(s.at[j]))
                d[n++] = s.at[j], end = j + 1, gap = 0;
            else if (s.at[j] != ' ' || gap++ || (j - i) > 44)
                break;
            if (s.at[j] == ' ' && j + 1 < s.len && !is_digit(s.at[j + 1]) && n > 14)
                break;
            j++;
        }
        if (n < 15)
            continue;
        unsigned mod = 0;
        for (size_t k = 0; k < n; k++) {
            char c = d[(k + 4) % n];
            unsigned x = is_digit(c) ? (unsigned)(c - '0') : (unsigned)(c - 'a') + 10;
            mod = (x > 9 ? mod * 100 + x : mod * 10 + x) % 97;
        }
        if (mod != 1 && (d[0] != 'f' || n == 27))
            seen_folded(v, "bad-iban", i, end, 0.8, "the check digits of this IBAN fail");
        i = end;
    }
}

/* How many sources were given: the highest number a source carries ("[3] …", "passage 3:"), else the documents. */
static unsigned sources_given(struct pattern_view *v)
{
    unsigned most = 0, documents = 0, paragraphs = 0;
    for (size_t k = 0; k < v->t->nprompt; k++) {
        struct part *p = &v->t->prompt[k];
        bool document = p->kind == PART_DOCUMENT || p->kind == PART_TOOL_RESULT || p->role == ROLE_CONTEXT;
        documents += document;
        const struct words *w = part_words(v->t->arena, p);
        for (size_t i = 0; i < w->n; i++) {
            const struct word *x = &w->list[i];
            if (document && (x->flags & WORD_LINE) && i)
                paragraphs++;
            if (!x->number || x->kind != WORD_NUMBER)
                continue;
            const struct number *n = &w->numbers[x->number - 1];
            if (n->value < 1 || n->value > 999 || n->step != 1 || n->digits != i)
                continue;
            bool mark = (i > 0 && (word_is_mark(w, i - 1, '[') || word_is_mark(w, i - 1, '(') || word_is_mark(w, i - 1, '#')) && document)
                        || (i > 0 && word_is_mark(w, i - 1, '[') && word_is_mark(w, i + 1, ']'))
                        || (i > 0 && word_in(w, i - 1, "source passage document doc extrait reference ref chunk article"))
                        || (document && (x->flags & WORD_LINE) && (word_is_mark(w, i + 1, '.') || word_is_mark(w, i + 1, ')') || word_is_mark(w, i + 1, ':')));
            if (mark && n->value > most)
                most = (unsigned)n->value;
        }
    }
    if (most)
        return most > documents ? most : documents;
    return documents > paragraphs ? documents : paragraphs + (documents ? 1 : 0);
}
static void marks(struct pattern_view *v)
{
    const struct words *w = v->w;
    bool counted = false;
    unsigned given = 0;
    /* references that the answer itself lists: "[3] Title …" or "3. …" behind a heading */
    unsigned own = 0;
    for (size_t i = 0; i + 2 < w->n; i++)
        if (word_is_mark(w, i, '[') && (w->list[i].flags & WORD_LINE) && word_is_mark(w, i + 2, ']') && w->list[i + 1].number) {
            double x = w->numbers[w->list[i + 1].number - 1].value;
            own = x > own && x < 1000 ? (unsigned)x : own;
        }
    for (size_t i = 0; i < w->n; i++) {
        if (!w->list[i].number || w->list[i].kind != WORD_NUMBER || pattern_in_code(v, i))
            continue;
        const struct number *n = &w->numbers[w->list[i].number - 1];
        if (n->digits != i || n->step != 1 || n->value < 1 || n->value > 300 || n->is_ordinal || n->ndigits > 3)
            continue;
        size_t first = i, past = i + 1;
        bool named = false;
        if (i > 0 && word_in(w, i - 1, "source doc document passage ref reference extrait") && (w->list[i - 1].to - w->list[i - 1].at)) {
            named = true;
            first = i - 1;
        } else if (i > 0 && word_is_mark(w, i - 1, '^'))
            first = i - 1;
        bool open = first > 0 && (word_is_mark(w, first - 1, '[') || (named && word_is_mark(w, first - 1, '('))
                                  || span_is(word_text(w, first - 1), "\xe3\x80\x90"));
        bool in_list = false;
        size_t from = first;
        if (!open && !named) { /* [1, 2] */
            while (from >= 2 && i - from < 16 && (word_is_mark(w, from - 1, ',') || word_is_mark(w, from - 1, ';') || word_is_mark(w, from - 1, '-')) && w->list[from - 2].kind == WORD_NUMBER)
                from -= 2;
            open = in_list = from < first && from > 0 && word_is_mark(w, from - 1, '[');
        }
        if (!open)
            continue;
        size_t bracket = (in_list ? from : first) - 1;
        size_t close = past;
        while (close < w->n && close - past < 16 && (word_is_mark(w, close, ',') || word_is_mark(w, close, ';') || word_is_mark(w, close, '-') || (w->list[close].kind == WORD_NUMBER && close != past)))
            close++;
        bool closed = word_is_mark(w, close, ']') || (named && word_is_mark(w, close, ')')) || (close < w->n && (span_is(word_text(w, close), "\xe3\x80\x91")
                      || span_is(word_text(w, close), "\xe2\x80\xa0")));
        if (!closed || word_is_mark(w, close + 1, '(') || (w->list[bracket].flags & WORD_LINE))
            continue;
        /* a[3] is an index; so is f[1, 2] */
        if (bracket > 0 && (w->list[bracket].flags & WORD_GLUED) && w->list[bracket - 1].kind == WORD_TEXT && !named) {
            size_t len = w->list[bracket - 1].to - w->list[bracket - 1].at;
            if (len <= 2 || word_is_mark(w, close + 1, '=') || word_is_mark(w, close + 1, '[') || word_in(w, bracket - 1, "array list arr data index liste tableau items values"))
                continue;
        }
        if (bracket > 0 && word_is_mark(w, bracket - 1, ']') && (w->list[bracket].flags & WORD_GLUED) && bracket > 2 && !(w->list[bracket - 2].number))
            continue;
        if (word_is_mark(w, bracket - 1, '=') || word_is_mark(w, bracket - 1, '(') || (bracket > 0 && word_in(w, bracket - 1, "range interval intervalle array liste list vector vecteur return")))
            continue;
        if (!counted)
            given = sources_given(v), counted = true;
        unsigned limit = given > own ? given : own;
        if (n->value > limit && (v->has_context || given || (named && limit)))
            pattern_seen(v, "fake-citation-marker", in_list ? i : bracket, in_list ? i + 1 : close + 1, 0.9, "source %.0f is cited, %u %s given", n->value, limit, limit == 1 ? "was" : "were");
        else if (!v->has_context && !given && !own && !in_list && close == past && bracket > 0 && !word_is_mark(w, close + 1, ',') && w->list[bracket - 1].kind == WORD_TEXT
                 && !word_in(w, bracket - 1, "sort pivot return print is of a x y n i") && !pattern_asked(v, "list array sort code function liste tableau trier matrix vector"))
            pattern_seen(v, "fake-citation-marker", in_list ? i : bracket, in_list ? i + 1 : close + 1, 0.6, "source %.0f is cited, none was given", n->value);
    }
}

void pattern_sources(struct pattern_view *v)
{
    unsigned lookups = 0;
    urls(v, &lookups);
    dois(v, &lookups);
    books(v);
    arxiv(v, &lookups);
    ibans(v);
    marks(v);
}
