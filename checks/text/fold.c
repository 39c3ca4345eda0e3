/* SPDX-License-Identifier: Apache-2.0
 *
 * fold: a text is cut into segments that normalization cannot join, and each segment is folded by itself. A segment is a
 * character and what may still combine with it; it is closed as soon as nothing can. That makes folding incremental: a
 * stream may be cut anywhere, since a segment does not depend on where its bytes came from.
 *
 * Bounds: a segment has at most SEGMENT_CODES decomposed codes (UAX #15 stream-safe text has at most 30 marks) and at most
 * SEGMENT_CHARS characters of the original, dropped ones among them, so that neither sorting its marks nor waiting for
 * its end can be made dear. A longer heap of marks is folded in pieces.
 */
#include "checks/text/fold.h"
#include "base/utf8.h"
#include "checks/text/confusable.h"
#include <utf8proc.h>

enum { SEGMENT_CODES = 32, SEGMENT_CHARS = 96, CODES_OF_ONE = 20 /* U+FDFA gives 18 */ };

struct folder {
    struct arena *a;
    enum fold_strength strength;
    char *out;
    uint32_t *map;
    size_t len, room, map_room;    /* bytes; entries */
    utf8proc_int32_t code[SEGMENT_CODES + CODES_OF_ONE];
    size_t ncode, segment_at;
    unsigned nchar;
    bool is_open;                  /* what comes may join the segment */
    bool has_disguise, has_starter;
    const struct confusable *look, *look_end; /* FOLD_PLAIN: the look-alikes ahead */
};

/* ---- what a character is ---- */

static bool is_dropped(uint32_t c, const utf8proc_property_t *p)
{
    return p->category == UTF8PROC_CATEGORY_CF || p->ignorable || (c >= 0xfe00 && c <= 0xfe0f) || (c >= 0xe0000 && c < 0xe1000);
}
/* Could this code, as the last starter of a segment, be composed with something that follows? */
static bool joins_next(uint32_t c, const utf8proc_property_t *p)
{
    return p->comb_index < 0x8000 || (c >= 0x1100 && c < 0x1113) || (c >= 0x1161 && c < 0x1176); /* jamo: syllables come decomposed */
}
/* Could this code, as the first of a decomposition, be reordered into or composed with what is before it? */
static bool joins_last(uint32_t c, const utf8proc_property_t *p)
{
    return p->combining_class || (p->comb_index >= 0x8000 && p->comb_index != UINT16_MAX) || (c >= 0x1161 && c < 0x1176)
           || (c >= 0x11a8 && c < 0x11c3);
}
/* Marks that only accent a letter. Signs that spell (Indic vowels and viramas, Thai vowels and tones, kana voicing) stay. */
static bool is_accent(const utf8proc_property_t *p)
{
    unsigned k = p->combining_class;
    return (p->category == UTF8PROC_CATEGORY_MN && (k == 1 || (k >= 10 && k <= 36) || k >= 200)) || p->category == UTF8PROC_CATEGORY_ME;
}
/* FOLD_PLAIN: characters that NFKC leaves alone but that people type for one another. */
static const char *plain_form(uint32_t c)
{
    switch (c) {
    case 0x00b4: case 0x02b9: case 0x02bc: case 0x02c8: case 0x2018: case 0x2019: case 0x201a: case 0x201b: case 0x2032: case 0x2035:
    case 0x2039: case 0x203a: case 0x275b: case 0x275c: case 0xa78c: case 0x055a: case 0x05f3:
        return "'";
    case 0x00ab: case 0x00bb: case 0x201c: case 0x201d: case 0x201e: case 0x201f: case 0x2033: case 0x275d: case 0x275e: case 0x300c:
    case 0x300d: case 0x300e: case 0x300f: case 0x301d: case 0x301e: case 0x05f4:
        return "\"";
    case 0x2010: case 0x2011: case 0x2012: case 0x2013: case 0x2014: case 0x2015: case 0x2212: case 0xfe58: case 0x2e3a: case 0x2e3b:
    case 0x058a: case 0x05be:
        return "-";
    case 0x2044: case 0x2215:
        return "/";
    case 0x00c6: case 0x00e6:
        return "ae";
    case 0x0152: case 0x0153:
        return "oe";
    case 0x00d8: case 0x00f8:
        return "o";
    case 0x0110: case 0x0111: case 0x00d0: case 0x00f0:
        return "d";
    case 0x0126: case 0x0127:
        return "h";
    case 0x0131:
        return "i";
    case 0x0141: case 0x0142:
        return "l";
    default:
        return NULL;
    }
}
/* Letters in fancy dress: full width, mathematical, circled, squared. */
static bool is_dressed(uint32_t c)
{
    return (c >= 0xff21 && c <= 0xff5a) || (c >= 0x1d400 && c < 0x1d6a4) || (c >= 0x249c && c < 0x24ea) || (c >= 0x1f110 && c < 0x1f18a);
}

/* ---- output ---- */

/* Room for n more bytes and their places; false when the arena is at its end. */
static bool out_room(struct folder *f, size_t n)
{
    if (f->room - f->len < n) {
        if (arena_over(f->a))
            return false;
        size_t room = f->room ? f->room * 2 : 256;
        while (room - f->len < n)
            room *= 2;
        f->out = arena_grow(f->a, f->out, f->room, room);
        f->room = room;
    }
    if (f->map_room - f->len < n + 1) {
        size_t room = f->map_room ? f->map_room * 2 : 256;
        while (room - f->len < n + 1)
            room *= 2;
        f->map = arena_grow(f->a, f->map, f->map_room * sizeof *f->map, room * sizeof *f->map);
        f->map_room = room;
    }
    return true;
}
static bool is_alnum(uint32_t c)
{
    return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');
}
static inline uint64_t word_at(const char *p)
{
    uint64_t w;
    memcpy(&w, p, sizeof w);
    return w;
}
/* Eight ASCII bytes in lower case at once: bit 7 of each byte of `upper` tells an A…Z, shifted it is the case bit. */
static inline uint64_t word_lower(uint64_t w)
{
    uint64_t heptets = w & 0x7f7f7f7f7f7f7f7full;
    uint64_t from_a = heptets + 0x3f3f3f3f3f3f3f3full, past_z = heptets + 0x2525252525252525ull;
    return w | ((from_a & ~past_z & 0x8080808080808080ull) >> 2);
}
static void copy_ascii(char *to, const char *from, size_t n, bool lower)
{
    if (!lower) {
        memcpy(to, from, n);
        return;
    }
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        uint64_t w = word_lower(word_at(from + i));
        memcpy(to + i, &w, sizeof w);
    }
    for (; i < n; i++)
        to[i] = (char)(from[i] >= 'A' && from[i] <= 'Z' ? from[i] | 32 : from[i]);
}
static size_t ascii_length(struct span s)
{
    size_t i = 0;
    while (i + 8 <= s.len && !(word_at(s.at + i) & 0x8080808080808080ull))
        i += 8;
    while (i < s.len && (unsigned char)s.at[i] < 0x80)
        i++;
    return i;
}

/* ---- segments ---- */

static bool segment_close(struct folder *f)
{
    size_t n = f->ncode;
    f->ncode = 0;
    f->nchar = 0;
    f->is_open = false;
    if (!n)
        return true;
    if (n > 1) {
        /* canonical order: marks by class, stable; n is small */
        uint8_t class[SEGMENT_CODES + CODES_OF_ONE];
        for (size_t i = 0; i < n; i++) {
            utf8proc_int32_t c = f->code[i];
            uint8_t k = (uint8_t)utf8proc_get_property(c)->combining_class;
            size_t j = i;
            if (k)
                for (; j > 0 && class[j - 1] > k; j--) {
                    f->code[j] = f->code[j - 1];
                    class[j] = class[j - 1];
                }
            f->code[j] = c;
            class[j] = k;
        }
        utf8proc_ssize_t composed = utf8proc_normalize_utf32(f->code, (utf8proc_ssize_t)n, UTF8PROC_COMPOSE | UTF8PROC_STABLE);
        if (composed >= 0 && (size_t)composed <= n)
            n = (size_t)composed;
    }
    if (!out_room(f, n * 4))
        return false;
    for (size_t i = 0; i < n; i++) {
        size_t bytes = utf8_put(f->out + f->len, (uint32_t)f->code[i]);
        for (size_t k = 0; k < bytes; k++)
            f->map[f->len + k] = (uint32_t)f->segment_at;
        f->len += bytes;
    }
    return true;
}

/* Adds the decomposed codes of one character that stands at `at`. */
static bool segment_add(struct folder *f, const utf8proc_int32_t *codes, size_t n, size_t at)
{
    const utf8proc_property_t *first = utf8proc_get_property(codes[0]);
    bool joins = f->ncode && f->is_open && f->ncode < SEGMENT_CODES && f->nchar < SEGMENT_CHARS
                 && (f->has_starter ? joins_last((uint32_t)codes[0], first) : first->combining_class != 0);
    if (!joins) {
        if (!segment_close(f))
            return false;
        f->segment_at = at;
        f->has_starter = false;
    }
    f->nchar++;
    for (size_t i = 0; i < n; i++) {
        const utf8proc_property_t *p = utf8proc_get_property(codes[i]);
        /* after a mark further marks may be sorted in; a vowel that joined may take a final */
        f->is_open = p->combining_class || joins || joins_next((uint32_t)codes[i], p);
        f->has_starter |= !p->combining_class;
        f->code[f->ncode++] = codes[i];
    }
    return f->is_open || segment_close(f);
}

/* Was the character that ends before `at` dropped? Asked for the rare letter after something that is not ASCII. */
static bool dropped_before(struct span original, size_t at)
{
    if (!at || (unsigned char)original.at[at - 1] < 0x80)
        return false;
    size_t from = at - 1;
    while (from > 0 && at - from < 4 && ((unsigned char)original.at[from] & 0xc0) == 0x80)
        from--;
    if (utf8_length(original.at + from, at - from) != at - from)
        return false;
    uint32_t c = utf8_code(original.at + from, at - from);
    return is_dropped(c, utf8proc_get_property((utf8proc_int32_t)c));
}
static void note_disguise(struct folder *f, struct span original, size_t at)
{
    uint32_t last = f->ncode ? (uint32_t)f->code[f->ncode - 1] : f->len ? (unsigned char)f->out[f->len - 1] : 0;
    if (!f->has_disguise && is_alnum(last) && dropped_before(original, at))
        f->has_disguise = true;
}

/* Is this the beginning of a sequence that more bytes could complete? */
static bool is_cut(const char *p, size_t n)
{
    const unsigned char *u = (const unsigned char *)p;
    size_t want = u[0] >= 0xc2 && u[0] < 0xe0 ? 2 : u[0] >= 0xe0 && u[0] < 0xf0 ? 3 : u[0] >= 0xf0 && u[0] < 0xf5 ? 4 : 1;
    if (n >= want)
        return false;
    for (size_t i = 1; i < n; i++)
        if ((u[i] & 0xc0) != 0x80)
            return false;
    return n < 2 || !((u[0] == 0xe0 && u[1] < 0xa0) || (u[0] == 0xed && u[1] > 0x9f) || (u[0] == 0xf0 && u[1] < 0x90)
                      || (u[0] == 0xf4 && u[1] > 0x8f));
}

static bool fold_char(struct folder *f, struct span original, size_t at, size_t length)
{
    utf8proc_int32_t codes[CODES_OF_ONE];
    uint32_t c = utf8_code(original.at + at, length);
    const utf8proc_property_t *p = utf8proc_get_property((utf8proc_int32_t)c);
    if (is_dropped(c, p)) {
        if (f->ncode && ++f->nchar >= SEGMENT_CHARS)
            return segment_close(f);
        return true;
    }
    if (f->strength == FOLD_PLAIN) {
        if (is_accent(p))
            return true;
        char latin = 0;
        while (f->look < f->look_end && f->look->at < at)
            f->look++;
        if (f->look < f->look_end && f->look->at == at)
            latin = f->look->latin;
        const char *form = latin ? NULL : plain_form(c);
        if (latin || form) {
            size_t n = latin ? 1 : strlen(form);
            for (size_t i = 0; i < n; i++)
                codes[i] = latin ? latin >= 'A' && latin <= 'Z' ? latin | 32 : latin : form[i];
            f->has_disguise |= latin != 0;
            return segment_add(f, codes, n, at);
        }
    }
    f->has_disguise |= is_dressed(c);
    if (p->category == UTF8PROC_CATEGORY_ZS)
        c = ' ';
    else if (p->category == UTF8PROC_CATEGORY_ZL || p->category == UTF8PROC_CATEGORY_ZP || c == 0x85)
        c = '\n';
    int boundary = 0;
    utf8proc_option_t options = UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT | UTF8PROC_STABLE;
    if (f->strength == FOLD_PLAIN)
        options |= UTF8PROC_CASEFOLD;
    utf8proc_ssize_t n = utf8proc_decompose_char((utf8proc_int32_t)c, codes, CODES_OF_ONE, options, &boundary);
    if (n <= 0 || n > CODES_OF_ONE) {
        codes[0] = 0xfffd;
        n = 1;
    }
    if (f->strength == FOLD_PLAIN) {
        utf8proc_ssize_t kept = 0;
        for (utf8proc_ssize_t i = 0; i < n; i++)
            if (!is_accent(utf8proc_get_property(codes[i])))
                codes[kept++] = codes[i];
        if (!(n = kept))
            return true;
    }
    if (is_alnum((uint32_t)codes[0]))
        note_disguise(f, original, at);
    return segment_add(f, codes, (size_t)n, at);
}

/* Folds original from `from` on. Returns where the open segment (or the cut character) begins: everything before it is out. */
static size_t fold_run(struct folder *f, struct span original, size_t from, bool is_end)
{
    bool lower = f->strength == FOLD_PLAIN;
    size_t i = from;
    while (i < original.len) {
        if ((unsigned char)original.at[i] < 0x80) {
            size_t n = ascii_length(span_cut(original, i, original.len));
            if (!segment_close(f) || !out_room(f, n))
                return original.len;
            if (is_alnum((unsigned char)original.at[i]))
                note_disguise(f, original, i);
            /* all but the last are certain to stand alone; the last may be joined by a mark */
            char last = original.at[i + n - 1];
            bool is_alone = (i + n == original.len && is_end) || lower
                            || !joins_next((unsigned char)last, utf8proc_get_property(last));
            size_t sure = is_alone ? n : n - 1;
            copy_ascii(f->out + f->len, original.at + i, sure, lower);
            for (size_t k = 0; k < sure; k++)
                f->map[f->len + k] = (uint32_t)(i + k);
            f->len += sure;
            if (!is_alone) {
                utf8proc_int32_t code = last;
                if (!segment_add(f, &code, 1, i + n - 1))
                    return original.len;
            }
            i += n;
            continue;
        }
        size_t length = utf8_length(original.at + i, original.len - i);
        bool fine;
        if (length) {
            fine = fold_char(f, original, i, length);
        } else {
            if (!is_end && is_cut(original.at + i, original.len - i))
                break;
            utf8proc_int32_t code = 0xfffd;
            fine = segment_add(f, &code, 1, i);
            length = 1;
        }
        if (!fine)
            return original.len;
        i += length;
    }
    if (is_end)
        segment_close(f);
    return f->ncode ? f->segment_at : i;
}

/* ---- the doors ---- */

struct fold *fold_text(struct arena *a, struct span original, enum fold_strength strength)
{
    struct fold *done = arena_alloc(a, sizeof *done);
    if (original.len >= UINT32_MAX)
        original.len = UINT32_MAX - 1;
    done->original = original;
    size_t ascii = ascii_length(original);
    if (ascii == original.len) {
        done->text = original;
        if (strength == FOLD_PLAIN && original.len) {
            char *copy = arena_alloc_raw(a, original.len);
            copy_ascii(copy, original.at, original.len, true);
            done->text.at = copy;
        }
        return done;
    }
    struct folder f = { .a = a, .strength = strength };
    if (strength == FOLD_PLAIN) {
        struct confusable *looks = NULL;
        size_t n = confusables_find(a, original, &looks);
        f.look = looks;
        f.look_end = looks ? looks + n : looks;
    }
    out_room(&f, original.len + original.len / 8 + 64);
    fold_run(&f, original, 0, true);
    if (!out_room(&f, 0)) { /* the arena was over before the first byte: nothing is seen, and arena_over says so */
        done->map = arena_alloc(a, sizeof *done->map);
        return done;
    }
    f.map[f.len] = (uint32_t)original.len;
    done->text = (struct span){ f.out, f.len };
    done->map = f.map;
    done->has_disguise = f.has_disguise;
    return done;
}

const struct fold *part_fold(struct arena *a, struct part *p, enum fold_strength strength)
{
    struct fold **kept = strength == FOLD_PLAIN ? &p->folded_plain : &p->folded;
    if (!*kept)
        *kept = fold_text(a, p->text, strength);
    return *kept;
}

struct span fold_origin(const struct fold *f, size_t start, size_t end, size_t *orig_start, size_t *orig_end)
{
    if (end > f->text.len)
        end = f->text.len;
    if (start > end)
        start = end;
    size_t from = start, to = end;
    if (f->map) {
        from = f->map[start];
        to = from;
        if (end > start) {
            size_t last = f->map[end - 1], next = end;
            while (next < f->text.len && f->map[next] == last)
                next++;
            size_t stop = f->map[next];
            /* the last character's marks belong to it; what was dropped behind it does not */
            for (size_t i = last; i < stop;) {
                size_t length = utf8_length(f->original.at + i, f->original.len - i);
                if (!length)
                    length = 1;
                bool drops = false;
                if (length > 1) {
                    uint32_t c = utf8_code(f->original.at + i, length);
                    drops = is_dropped(c, utf8proc_get_property((utf8proc_int32_t)c));
                }
                i += length;
                if (!drops || to == from)
                    to = i;
            }
        }
    }
    if (orig_start)
        *orig_start = from;
    if (orig_end)
        *orig_end = to;
    return span_cut(f->original, from, to);
}

void fold_stream_begin(struct fold_stream *s)
{
    *s = (struct fold_stream){ .is_identity = true };
}

void fold_stream_feed(struct arena *a, struct fold_stream *s, struct span original, bool is_end)
{
    if (original.len >= UINT32_MAX)
        original.len = UINT32_MAX - 1;
    if (original.len < s->original_len)
        return;
    struct fold *so_far = &s->so_far;
    if (s->is_identity) {
        size_t ascii = s->original_len + ascii_length(span_cut(original, s->original_len, original.len));
        if (ascii == original.len) {
            /* only a last letter may still be joined by a mark */
            if (ascii > s->original_len && !is_end) {
                char last = original.at[ascii - 1];
                ascii -= joins_next((unsigned char)last, utf8proc_get_property(last));
            }
            s->original_len = ascii;
            so_far->original = so_far->text = span_cut(original, 0, ascii);
            return;
        }
        s->is_identity = false;
        struct folder f = { .a = a };
        if (!out_room(&f, original.len + original.len / 4 + 64))
            return;
        if (s->original_len)
            memcpy(f.out, original.at, s->original_len);
        for (size_t i = 0; i < s->original_len; i++)
            f.map[i] = (uint32_t)i;
        so_far->text = (struct span){ f.out, s->original_len };
        so_far->map = f.map;
        s->room = f.room;
        s->map_room = f.map_room;
    }
    if (!so_far->map)
        return; /* the arena was over */
    struct folder f = { .a = a, .out = (char *)(uintptr_t)so_far->text.at, .map = (uint32_t *)(uintptr_t)so_far->map,
                        .len = so_far->text.len, .room = s->room, .map_room = s->map_room, .has_disguise = so_far->has_disguise };
    s->original_len = fold_run(&f, original, s->original_len, is_end);
    if (out_room(&f, 0))
        f.map[f.len] = (uint32_t)s->original_len;
    so_far->text = (struct span){ f.out, f.len };
    so_far->map = f.map;
    so_far->original = span_cut(original, 0, s->original_len);
    so_far->has_disguise = f.has_disguise;
    s->room = f.room;
    s->map_room = f.map_room;
}
