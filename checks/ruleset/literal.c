/* SPDX-License-Identifier: Apache-2.0
 *
 * A recursive walk over PCRE2's syntax that keeps, for each piece, the set of texts it can be (`exact`) or begin with, and
 * the best set of texts one of which it must hold. After Cox, "Regular Expression Matching with a Trigram Index" (2012),
 * with sets of prefixes in place of trigrams. Work and sets are bounded; the walk is linear in the pattern.
 */
#include "checks/ruleset/literal.h"

enum { NEST_MOST = 100 };

struct text_set {              /* of at most LITERALS_MOST texts */
    struct span list[LITERALS_MOST];
    size_t n;
};
struct piece {
    bool exact;                /* the piece is one of `heads` and nothing else; else it begins with one of them */
    struct text_set heads;     /* { "" } when nothing is known */
    struct text_set best;      /* one of these is in it; n == 0: not known */
};
struct walk {
    struct arena *a;
    const char *p, *end;
    bool lost;                 /* syntax that we do not follow: nothing is known of the whole pattern */
    bool moves_start, folds_case;
    unsigned depth;
};

static const struct span NOTHING = { "", 0 };
static void piece_exactly(struct piece *x, struct span s)
{
    x->exact = true;
    x->heads.n = 1;
    x->heads.list[0] = s;
    x->best.n = 0;
}
static void piece_anything(struct piece *x)
{
    piece_exactly(x, NOTHING);
    x->exact = false;
}
static size_t shortest(const struct text_set *s)
{
    size_t least = s->n ? SIZE_MAX : 0;
    for (size_t i = 0; i < s->n; i++)
        least = s->list[i].len < least ? s->list[i].len : least;
    return least;
}
/* Is x a better thing to look for than y? Longer texts are rarer; among equals fewer. */
static bool is_better(const struct text_set *x, const struct text_set *y)
{
    size_t a = shortest(x), b = shortest(y);
    return a != b ? a > b : a > 0 && x->n < y->n;
}
static bool set_add(struct text_set *s, struct span t)
{
    for (size_t i = 0; i < s->n; i++)
        if (span_same(s->list[i], t))
            return true;
    if (s->n == LITERALS_MOST)
        return false;
    s->list[s->n++] = t;
    return true;
}
static bool set_join(struct text_set *to, const struct text_set *from)
{
    for (size_t i = 0; i < from->n; i++)
        if (!set_add(to, from->list[i]))
            return false;
    return true;
}
static void take_better(struct text_set *best, const struct text_set *other)
{
    if (is_better(other, best))
        *best = *other;
}

/* x followed by y */
static void piece_then(struct walk *w, struct piece *x, const struct piece *y)
{
    take_better(&x->best, &x->heads);
    take_better(&x->best, &y->best);
    take_better(&x->best, &y->heads);
    if (!x->exact)
        return;
    struct text_set cross = { .n = 0 };
    bool fits = true;
    for (size_t i = 0; i < x->heads.n && fits; i++)
        for (size_t k = 0; k < y->heads.n && fits; k++) {
            struct span l = x->heads.list[i], r = y->heads.list[k];
            if (!r.len)
                fits = set_add(&cross, l);
            else if (!l.len)
                fits = set_add(&cross, r);
            else if (l.len + r.len > LITERAL_LENGTH_MOST)
                fits = false;
            else {
                char *t = arena_alloc_raw(w->a, l.len + r.len);
                memcpy(t, l.at, l.len);
                memcpy(t + l.len, r.at, r.len);
                fits = set_add(&cross, (struct span){ t, l.len + r.len });
            }
        }
    if (!fits) {
        x->exact = false; /* the heads still begin it */
        return;
    }
    x->heads = cross;
    x->exact = y->exact;
    take_better(&x->best, &cross);
}
/* x or y */
static void piece_or(struct piece *x, const struct piece *y)
{
    struct text_set bx = x->best, by = y->best;
    take_better(&bx, &x->heads);
    take_better(&by, &y->heads);
    if (!shortest(&bx) || !shortest(&by) || !set_join(&bx, &by))
        bx.n = 0;
    x->best = bx;
    x->exact = x->exact && y->exact;
    if (set_join(&x->heads, &y->heads))
        return;
    /* too many: keep only how they begin */
    for (size_t keep = 4; keep > 0; keep--) {
        struct text_set cut = { .n = 0 };
        bool fits = true;
        for (size_t i = 0; i < x->heads.n && fits; i++)
            fits = set_add(&cut, span_cut(x->heads.list[i], 0, x->heads.list[i].len < keep ? x->heads.list[i].len : keep));
        for (size_t i = 0; i < y->heads.n && fits; i++)
            fits = set_add(&cut, span_cut(y->heads.list[i], 0, y->heads.list[i].len < keep ? y->heads.list[i].len : keep));
        if (fits) {
            x->heads = cut;
            x->exact = false;
            return;
        }
    }
    x->heads.n = 1;
    x->heads.list[0] = NOTHING;
    x->exact = false;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 32) : c;
}
static void literal_char(struct walk *w, struct piece *x, const char *p, size_t n)
{
    if (n > 1 && w->folds_case) { /* É and é: only ASCII is lowered in the text */
        piece_anything(x);
        return;
    }
    char *t = arena_alloc_raw(w->a, n);
    for (size_t i = 0; i < n; i++)
        t[i] = lower(p[i]);
    piece_exactly(x, (struct span){ t, n });
}
static int hex(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

/* After a backslash. A plain character: its code below 128. Else -1: one character or more that we do not name; -2:
 * nothing of the text (an assertion). */
static int escape(struct walk *w, bool in_class)
{
    if (w->p == w->end) {
        w->lost = true;
        return -1;
    }
    char c = *w->p++;
    switch (c) {
    case 'a': return 7;
    case 'e': return 27;
    case 'f': return 12;
    case 'n': return 10;
    case 'r': return 13;
    case 't': return 9;
    case 'b':
        return in_class ? 8 : -2;
    case 'B': case 'A': case 'z': case 'Z':
        return in_class ? -1 : -2;
    case 'G': case 'K':
        w->moves_start = true;
        return -2;
    case 'd': case 'D': case 'w': case 'W': case 's': case 'S': case 'h': case 'H': case 'v': case 'V': case 'R': case 'X':
        return -1;
    case 'N':
        if (w->p < w->end && *w->p == '{')
            w->lost = true;
        return -1;
    case 'p': case 'P':
        if (w->p < w->end && *w->p == '{') {
            while (w->p < w->end && *w->p != '}')
                w->p++;
        }
        if (w->p < w->end)
            w->p++;
        return -1;
    case 'x': {
        int code = 0, digits = 0;
        if (w->p < w->end && *w->p == '{') {
            w->p++;
            while (w->p < w->end && *w->p != '}') {
                int d = hex(*w->p++);
                if (d < 0 || ++digits > 6) {
                    w->lost = true;
                    return -1;
                }
                code = code * 16 + d;
            }
            if (w->p < w->end)
                w->p++;
        } else {
            while (digits < 2 && w->p < w->end && hex(*w->p) >= 0) {
                code = code * 16 + hex(*w->p++);
                digits++;
            }
        }
        return code < 128 ? code : -1;
    }
    default:
        if ((c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z') || (unsigned char)c >= 128) {
            w->lost = true; /* back references, octal, \Q, \g, \k, \c, \o: not followed */
            return -1;
        }
        return c;
    }
}

static void read_class(struct walk *w, struct piece *x)
{
    bool in[128] = { 0 }, negated = false, wide = false, first = true;
    int before = -1; /* the last single character, for ranges */
    if (w->p < w->end && *w->p == '^') {
        negated = true;
        w->p++;
    }
    for (;; first = false) {
        if (w->p == w->end) {
            w->lost = true;
            return;
        }
        char c = *w->p++;
        int code;
        if (c == ']' && !first)
            break;
        if (c == '[' && w->p < w->end && (*w->p == ':' || *w->p == '.' || *w->p == '=')) {
            const char *close = memmem(w->p, (size_t)(w->end - w->p), ":]", 2);
            if (close && *w->p == ':') {
                w->p = close + 2;
                wide = true;
                before = -1;
                continue;
            }
        }
        if (c == '\\') {
            code = escape(w, true);
            if (w->lost)
                return;
        } else {
            code = (unsigned char)c;
        }
        if (code < 0 || code >= 128) {
            wide = true;
            before = -1;
            continue;
        }
        if (c == '-' && before >= 0 && w->p < w->end && *w->p != ']') {
            char d = *w->p++;
            int last = d == '\\' ? escape(w, true) : (unsigned char)d;
            if (w->lost)
                return;
            if (last < 0 || last >= 128) {
                wide = true;
                last = 127;
            }
            for (int k = before; k <= last; k++)
                in[k] = true;
            before = -1;
            continue;
        }
        in[code] = true;
        before = code;
    }
    piece_anything(x);
    if (negated || wide)
        return;
    struct text_set set = { .n = 0 };
    for (int c = 0; c < 128; c++)
        if (in[c]) {
            char *t = arena_alloc_raw(w->a, 1);
            *t = lower((char)c);
            if (!set_add(&set, (struct span){ t, 1 }))
                return;
        }
    if (set.n) {
        x->heads = set;
        x->exact = true;
    }
}

static void read_alternatives(struct walk *w, struct piece *x);

/* After "(": the group's piece; p is left after its ")". */
static void read_group(struct walk *w, struct piece *x)
{
    bool is_assertion = false;
    piece_anything(x);
    if (w->p < w->end && *w->p == '*') {
        w->lost = w->moves_start = true;
        return;
    }
    if (w->p < w->end && *w->p == '?') {
        w->p++;
        char c = w->p < w->end ? *w->p : 0, d = w->p + 1 < w->end ? w->p[1] : 0;
        if (c == '#') {
            while (w->p < w->end && *w->p != ')')
                w->p++;
            if (w->p < w->end)
                w->p++;
            piece_exactly(x, NOTHING);
            return;
        }
        if (c == '=' || c == '!' || (c == '<' && (d == '=' || d == '!'))) {
            is_assertion = true;
            w->p += c == '<' ? 2 : 1;
        } else if (c == ':' || c == '>' || c == '|') {
            w->p++;
        } else if (c == 'P' && d == '<') {
            c = '<';
            w->p++;
            d = 'x';
        } else if (c != '<' && c != '\'') {
            /* options: (?i) to the end of this group, or (?i:…) */
            while (w->p < w->end && *w->p != ')' && *w->p != ':') {
                char o = *w->p++;
                if (o == 'x' || !memchr("imsnJU-^", o, 8)) {
                    w->lost = true; /* free spacing, recursion, conditions, callouts */
                    return;
                }
            }
            if (w->p == w->end) {
                w->lost = true;
                return;
            }
            if (*w->p++ == ')') {
                piece_exactly(x, NOTHING);
                return;
            }
        }
        if (!is_assertion && (c == '<' || c == '\'')) { /* a name */
            w->p++;
            char close = c == '<' ? '>' : '\'';
            while (w->p < w->end && *w->p != close)
                w->p++;
            if (w->p < w->end)
                w->p++;
        }
    }
    if (++w->depth > NEST_MOST) {
        w->lost = true;
        return;
    }
    read_alternatives(w, x);
    w->depth--;
    if (w->p == w->end || *w->p != ')') {
        w->lost = true;
        return;
    }
    w->p++;
    if (is_assertion)
        piece_exactly(x, NOTHING);
}

/* A quantifier behind an item, if one is there: least and most (most 0: without end). */
static bool read_quantifier(struct walk *w, unsigned *least, unsigned *most)
{
    if (w->p == w->end)
        return false;
    const char *p = w->p;
    switch (*p) {
    case '*': *least = 0; *most = 0; p++; break;
    case '+': *least = 1; *most = 0; p++; break;
    case '?': *least = 0; *most = 1; p++; break;
    case '{': {
        unsigned n[2] = { 0, 0 };
        bool comma = false, digits = false;
        for (p++; p < w->end && ((*p >= '0' && *p <= '9') || (*p == ',' && !comma)); p++) {
            if (*p == ',') {
                if (!digits)
                    return false;
                comma = true;
                continue;
            }
            digits = true;
            if (n[comma] < 100000)
                n[comma] = n[comma] * 10 + (unsigned)(*p - '0');
        }
        if (p == w->end || *p != '}' || !digits)
            return false;
        p++;
        *least = n[0];
        *most = comma ? n[1] : n[0];
        if (!comma && n[0] == 0)
            *most = 1; /* {0}: nothing; as `?` it is right too */
        break;
    }
    default:
        return false;
    }
    if (p < w->end && (*p == '+' || *p == '?'))
        p++;
    w->p = p;
    return true;
}

static void read_item(struct walk *w, struct piece *x)
{
    char c = *w->p;
    if (c == '(') {
        w->p++;
        read_group(w, x);
    } else if (c == '[') {
        w->p++;
        read_class(w, x);
    } else if (c == '.') {
        w->p++;
        piece_anything(x);
    } else if (c == '^' || c == '$') {
        w->p++;
        piece_exactly(x, NOTHING);
    } else if (c == '\\') {
        w->p++;
        int code = escape(w, false);
        if (code == -2) {
            piece_exactly(x, NOTHING);
        } else if (code < 0) {
            piece_anything(x);
        } else {
            char one = (char)code;
            literal_char(w, x, &one, 1);
        }
    } else {
        size_t n = 1;
        while (w->p + n < w->end && ((unsigned char)w->p[n] & 0xc0) == 0x80)
            n++;
        literal_char(w, x, w->p, n);
        w->p += n;
    }
}

static void read_sequence(struct walk *w, struct piece *x)
{
    piece_exactly(x, NOTHING);
    while (!w->lost && w->p < w->end && *w->p != '|' && *w->p != ')') {
        struct piece item;
        unsigned least, most;
        read_item(w, &item);
        if (w->lost)
            return;
        if (read_quantifier(w, &least, &most)) {
            if (least == 0 && most == 1) {
                struct piece none;
                piece_exactly(&none, NOTHING);
                piece_or(&item, &none);
            } else if (least == 0) {
                piece_anything(&item);
            } else if (!(least == 1 && most == 1)) {
                take_better(&item.best, &item.heads);
                item.exact = false;
            }
        }
        piece_then(w, x, &item);
    }
}
static void read_alternatives(struct walk *w, struct piece *x)
{
    read_sequence(w, x);
    while (!w->lost && w->p < w->end && *w->p == '|') {
        struct piece y;
        w->p++;
        read_sequence(w, &y);
        piece_or(x, &y);
    }
}

static struct literals kept(struct arena *a, const struct text_set *s)
{
    if (!shortest(s))
        return (struct literals){ 0 };
    struct literals l = { arena_alloc(a, s->n * sizeof *l.list), s->n };
    memcpy(l.list, s->list, s->n * sizeof *l.list);
    return l;
}
struct literal_facts literals_of(struct arena *a, struct span pattern)
{
    struct literal_facts facts = { 0 };
    struct walk w = { .a = a, .p = pattern.at, .end = pattern.at + pattern.len };
    /* Any option group that may switch case folding on counts for the whole pattern. */
    for (size_t i = 0; i + 2 < pattern.len; i++)
        if (pattern.at[i] == '(' && pattern.at[i + 1] == '?')
            for (size_t k = i + 2; k < pattern.len && pattern.at[k] != ')' && pattern.at[k] != ':'; k++)
                w.folds_case |= pattern.at[k] == 'i';
    struct piece x;
    read_alternatives(&w, &x);
    facts.moves_start = w.moves_start || span_find(pattern, SPAN("\\K")) || span_find(pattern, SPAN("\\G")) || span_find(pattern, SPAN("(*"));
    if (w.lost || w.p != w.end)
        return facts;
    struct text_set best = x.best;
    take_better(&best, &x.heads);
    facts.required = kept(a, &best);
    facts.begins = kept(a, &x.heads);
    return facts;
}
