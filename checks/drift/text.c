/* SPDX-License-Identifier: Apache-2.0
 *
 * text: one text becomes sets of hashed terms and a few descriptors, in one pass over its characters.
 * Words are runs of letters, marks and digits in lower case; ideographs and other scripts without blanks are a word a
 * character. Word terms: words and pairs of neighbours. 3-grams: over lower-case characters, blanks run together.
 * A text with more distinct terms than DRIFT_TERMS_MOST keeps those with the lowest hashes: the same choice in every
 * text, so shares stay comparable. O(characters), sorting aside.
 */
#include "base/utf8.h"
#include "checks/drift/random.h"
#include "checks/drift/sample.h"
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <utf8proc.h>

enum { WORD_MOST = 64, HASHES_MOST = 2 * DRIFT_TEXT_MOST };

static bool is_alone(uint32_t c) /* scripts that do not put blanks between words */
{
    return (c >= 0x3040 && c < 0x3100) || (c >= 0x3400 && c < 0xa000) || (c >= 0xe00 && c < 0xf00) || (c >= 0xf900 && c < 0xfb00) ||
           (c >= 0x1000 && c < 0x10a0) || (c >= 0x1780 && c < 0x1800) || (c >= 0x20000 && c < 0x32000);
}
static bool is_word_char(uint32_t c)
{
    if (c < 0x80)
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
    utf8proc_category_t k = utf8proc_category((utf8proc_int32_t)c);
    return (k >= UTF8PROC_CATEGORY_LU && k <= UTF8PROC_CATEGORY_NO);
}

static const char *const stop_words[][14] = {
    { "en", "the", "and", "is", "to", "of", "you", "what", "my", "that", "it", "for", "are", "this" },
    { "fr", "le", "les", "est", "et", "je", "pas", "que", "vous", "une", "il", "des", "ne", "dans" },
    { "de", "der", "die", "und", "ist", "ich", "nicht", "das", "sie", "ein", "zu", "mit", "wie", "den" },
    { "es", "el", "los", "y", "es", "que", "por", "una", "como", "mi", "para", "lo", "del", "qué" },
    { "it", "il", "che", "di", "e", "non", "per", "sono", "una", "gli", "della", "mi", "con", "come" },
    { "pt", "o", "os", "e", "que", "não", "um", "uma", "para", "com", "eu", "você", "meu", "do" },
    { "nl", "de", "het", "een", "en", "ik", "niet", "is", "van", "dat", "je", "wat", "op", "voor" },
};
enum { LANGUAGES = sizeof stop_words / sizeof *stop_words };

static const char *const refusals[] = {
    "i cannot", "i can't", "i can’t", "i'm sorry", "i’m sorry", "i am sorry", "as an ai", "unable to", "i won't", "i’m unable", "not able to",
    "cannot help", "can't help", "not appropriate", "i don't have personal", "je ne peux pas", "désolé", "je suis désolé", "ich kann nicht",
    "es tut mir leid", "lo siento", "no puedo", "mi dispiace", "non posso", "não posso", "desculpe",
};

/* Ascending, each once. By four passes of counting: comparing costs three times as much at the thousand terms of an ordinary text. */
static uint32_t distinct(uint32_t *h, uint32_t *spare, uint32_t n)
{
    uint32_t counts[4][256] = { 0 };
    for (uint32_t i = 0; i < n; i++)
        for (int k = 0; k < 4; k++)
            counts[k][h[i] >> 8 * k & 255]++;
    for (int k = 0; k < 4; k++) {
        uint32_t at = 0, *from = k % 2 ? spare : h, *to = k % 2 ? h : spare;
        for (int v = 0; v < 256; v++) {
            uint32_t here = counts[k][v];
            counts[k][v] = at;
            at += here;
        }
        for (uint32_t i = 0; i < n; i++)
            to[counts[k][from[i] >> 8 * k & 255]++] = from[i];
    }
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; i++)
        if (!kept || h[kept - 1] != h[i])
            h[kept++] = h[i];
    return kept;
}

/* Which languages have a word among their most frequent ones: a bit each. */
enum { STOP_MOST = 8, STOP_SLOTS = 512 };
static struct { uint64_t key; unsigned char languages; } stops[STOP_SLOTS];
static pthread_once_t stops_once = PTHREAD_ONCE_INIT;
static uint64_t stop_key(const char *word, size_t n)
{
    uint64_t key = 0;
    memcpy(&key, word, n);
    return key;
}
static unsigned stop_slot(uint64_t key)
{
    unsigned i = (unsigned)(key * 0x9e3779b97f4a7c15u >> 55);
    while (stops[i].key && stops[i].key != key)
        i = (i + 1) % STOP_SLOTS;
    return i;
}
static void stops_make(void)
{
    for (int i = 0; i < LANGUAGES; i++)
        for (int j = 1; j < 14; j++) {
            uint64_t key = stop_key(stop_words[i][j], strlen(stop_words[i][j]));
            unsigned slot = stop_slot(key);
            stops[slot].key = key;
            stops[slot].languages |= (unsigned char)(1 << i);
        }
}
static void keep_terms(struct drift_sample *s, struct terms *t, uint32_t *h, uint32_t n)
{
    n = n > DRIFT_TERMS_MOST ? DRIFT_TERMS_MOST : n;
    if (t->nstart > s->n) /* a second text of this side in this row: the first counts */
        return;
    for (uint32_t i = 0; i < n; i++)
        *ARENA_PUSH(s->arena, t->hashes, t->n, t->cap) = h[i];
}

struct look { /* what one pass over a text gathers */
    uint32_t chars, letters, capitals, digits, punctuation, foreign, words, lines, word_chars, questions;
    uint32_t language[LANGUAGES], script[6];
    bool is_listed, is_marked;
    uint32_t word_hashes[HASHES_MOST], nword_hashes, gram_hashes[HASHES_MOST], ngram_hashes, spare[HASHES_MOST];
    uint32_t nwords_distinct;
    char last[WORD_MOST + 1], word[WORD_MOST + 1], lower[DRIFT_TEXT_MOST + 4];
    size_t last_len, word_len, lower_len;
};

static void end_word(struct drift_sample *s, struct look *l)
{
    if (!l->word_len)
        return;
    struct span w = { l->word, l->word_len };
    uint32_t h = (uint32_t)(hash_bytes(w.at, w.len, 0x5851f42d4c957f2du) >> 16) & ~1u; /* even: a word; odd: a pair */
    if (l->nword_hashes + 2 <= HASHES_MOST) {
        l->word_hashes[l->nword_hashes++] = h;
        sample_remember(s, h, w);
        if (l->last_len) {
            char pair[2 * WORD_MOST + 2];
            memcpy(pair, l->last, l->last_len);
            pair[l->last_len] = ' ';
            memcpy(pair + l->last_len + 1, w.at, w.len);
            struct span both = { pair, l->last_len + 1 + w.len };
            h = (uint32_t)(hash_bytes(both.at, both.len, 0x5851f42d4c957f2du) >> 16) | 1u;
            l->word_hashes[l->nword_hashes++] = h;
            sample_remember(s, h, both);
        }
    }
    if (w.len <= STOP_MOST)
        for (unsigned in = stops[stop_slot(stop_key(w.at, w.len))].languages; in; in &= in - 1)
            l->language[__builtin_ctz(in)]++;
    l->words++;
    memcpy(l->last, l->word, l->word_len);
    l->last_len = l->word_len;
    l->word_len = 0;
}

static void look_at(struct drift_sample *s, struct look *l, struct span text)
{
    uint32_t a = 0, b = ' ';
    bool is_line_start = true;
    for (size_t i = 0; i < text.len;) {
        size_t n = utf8_length(text.at + i, text.len - i);
        uint32_t c = n ? utf8_code(text.at + i, n) : 0xfffd;
        i += n ? n : 1;
        bool is_blank = c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == 0xa0;
        l->chars++;
        l->foreign += c >= 0x80;
        l->questions += c == '?' || c == 0xff1f;
        if (c == '\n')
            l->lines++;
        if (is_line_start && (c == '-' || c == '*' || c == 0x2022 || c == '#'))
            l->is_listed |= c != '#', l->is_marked |= c == '#';
        is_line_start = c == '\n' || (is_line_start && is_blank);
        bool is_word = is_word_char(c);
        uint32_t low = c < 0x80 ? (c >= 'A' && c <= 'Z' ? c + 32 : c) : (uint32_t)utf8proc_tolower((utf8proc_int32_t)c);
        l->capitals += low != c;
        if (c >= '0' && c <= '9')
            l->digits++;
        else if (is_word)
            l->letters++;
        else if (!is_blank)
            l->punctuation++;
        if (is_word && c >= 0x80)
            l->script[c < 0x250 ? 0 : c < 0x400 ? 1 : c < 0x530 ? 2 : c < 0x780 ? 3 : is_alone(c) ? 4 : 5]++;
        char put[4];
        size_t put_n = utf8_put(put, is_blank ? ' ' : low);
        if (l->lower_len + put_n <= DRIFT_TEXT_MOST && !(is_blank && b == ' ')) {
            memcpy(l->lower + l->lower_len, put, put_n);
            l->lower_len += put_n;
        }
        if (!is_word || is_alone(c))
            end_word(s, l);
        if (is_word && l->word_len + put_n <= WORD_MOST) {
            memcpy(l->word + l->word_len, put, put_n);
            l->word_len += put_n;
        }
        if (is_word && is_alone(c))
            end_word(s, l);
        l->word_chars += is_word;
        uint32_t g = is_blank ? ' ' : low;
        if (g == ' ' && b == ' ')
            continue;
        if (a && l->ngram_hashes < HASHES_MOST) {
            uint32_t three[3] = { a, b, g };
            l->gram_hashes[l->ngram_hashes++] = (uint32_t)(hash_bytes((const char *)three, sizeof three, 0x2545f4914f6cdd1du) >> 16);
        }
        a = b;
        b = g;
    }
    end_word(s, l);
}

static const char *guess_language(const struct look *l)
{
    static const char *const scripts[] = { "", "Greek script", "Cyrillic script", "Hebrew or Arabic script", "East Asian script", "another script" };
    for (int i = 1; i < 6; i++)
        if (2 * l->script[i] > l->letters)
            return scripts[i];
    int best = -1;
    uint32_t most = 0;
    for (int i = 0; i < LANGUAGES; i++)
        if (l->language[i] > most) {
            most = l->language[i];
            best = i;
        }
    return best < 0 ? "not clear" : stop_words[best][0];
}

static bool looks_like_json(struct span t)
{
    t = span_trim(t);
    return t.len >= 2 && ((t.at[0] == '{' && t.at[t.len - 1] == '}') || (t.at[0] == '[' && t.at[t.len - 1] == ']'));
}

void sample_read_text(struct drift_sample *s, enum side on, struct span text)
{
    struct span whole = text;
    if (text.len > DRIFT_TEXT_MOST)
        text.len = DRIFT_TEXT_MOST;
    pthread_once(&stops_once, stops_make);
    struct look *l = malloc(sizeof *l); /* 150 KB, too much for a stack, not worth the arena */
    if (!l)
        abort();
    memset(l, 0, offsetof(struct look, word_hashes));
    l->nword_hashes = l->ngram_hashes = l->nwords_distinct = 0;
    l->last_len = l->word_len = l->lower_len = 0;
    look_at(s, l, text);
    uint32_t word_terms = l->nword_hashes;
    uint32_t nwords = distinct(l->word_hashes, l->spare, l->nword_hashes), ngrams = distinct(l->gram_hashes, l->spare, l->ngram_hashes);
    keep_terms(s, &s->terms[on][WORD_TERMS], l->word_hashes, nwords);
    keep_terms(s, &s->terms[on][GRAM_TERMS], l->gram_hashes, ngrams);
    s->has_text[on] = true;

    struct span lower = { l->lower, l->lower_len };
    bool is_refusal = false;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
        is_refusal |= span_find(lower, span_of(refusals[i])) != NULL;
    double chars = l->chars ? l->chars : 1;
    const struct {
        const char *name, *kind;
        double value;
    } d[] = {
        { "length", "length", (double)whole.len },
        { "words", "length", l->words },
        { "word length", "length", l->words ? (double)l->word_chars / l->words : NAN },
        { "capitals", "writing", l->letters ? (double)l->capitals / l->letters : NAN },
        { "digits", "writing", l->digits / chars },
        { "punctuation", "writing", l->punctuation / chars },
        { "beyond ASCII", "writing", l->foreign / chars },
        { "questions", "writing", l->questions },
        { "lines", "format", l->lines },
        { "json", "format", looks_like_json(text) },
        { "code", "format", span_find(text, SPAN("```")) != NULL },
        { "lists and headings", "format", l->is_listed || l->is_marked || span_find(text, SPAN("**")) != NULL },
        { "links", "format", span_find(lower, SPAN("://")) != NULL },
        { "refusal", "refusal", is_refusal },
        { "repetition", "repetition", word_terms >= 20 ? 1 - (double)nwords / word_terms : NAN },
    };
    const char *side = on == ON_PROMPT ? "prompt" : "response";
    char name[64];
    for (size_t i = 0; i < sizeof d / sizeof *d; i++) {
        snprintf(name, sizeof name, "%s.%s", side, d[i].name);
        struct column *c = sample_column(s, span_of(name), d[i].kind, on);
        if (c)
            sample_put_number(s, c, d[i].value);
    }
    snprintf(name, sizeof name, "%s.language", side);
    struct column *c = sample_column(s, span_of(name), "language", on);
    if (c)
        sample_put_category(s, c, span_of(guess_language(l)));
    snprintf(name, sizeof name, "%s.repeats", side);
    if ((c = sample_column(s, span_of(name), "repeats", on)))
        sample_put_category(s, c, span_trim(whole));
    free(l);
}
