/* SPDX-License-Identifier: Apache-2.0
 * Any bytes as YAML: refused with a place and a reason, or a bounded tree whose nodes stand where they say, each key found again; and no
 * reader of a scalar lets a value past its bounds. */
#include "base/must.h"
#include "base/utf8.h"
#include "base/yaml.h"
#include <math.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct lines {
    struct span text;
    const char **at;
    size_t n;
    bool are_plain;       /* only \n ends a line, and a character is what we think it is: places can be looked up */
};
static void lines_find(struct lines *l, struct arena *a, struct span text)
{
    size_t cap = 0;
    l->text = text;
    l->are_plain = utf8_valid(text) && !span_starts(text, "\xef\xbb\xbf") && !span_find(text, SPAN("\r")) && !span_find(text, SPAN("\xc2\x85")) && !span_find(text, SPAN("\xe2\x80\xa8"))
                   && !span_find(text, SPAN("\xe2\x80\xa9")) && !span_find(text, SPAN("\xef\xbb\xbf"));
    for (size_t i = 0; i <= text.len; i++)
        if (i == 0 || text.at[i - 1] == '\n')
            *ARENA_PUSH(a, l->at, l->n, cap) = text.at + i;
}
/* The source from this line and column (in characters) on. */
static struct span place(const struct lines *l, unsigned line, unsigned column)
{
    must(line >= 1 && line <= l->n);
    const char *p = l->at[line - 1], *end = l->text.at + l->text.len;
    while (--column && p < end)
        p += utf8_length(p, (size_t)(end - p));
    return (struct span){ p, (size_t)(end - p) };
}
static void read_scalar(struct yaml *y, struct troubles *t)
{
    static const char *const words[] = { "off", "pass", "refuse" };
    struct span text;
    bool b;
    uint64_t n;
    double d;
    size_t w;
    if (yaml_text(y, "key", &text, t))
        must(text.at && text.at[text.len] == 0);
    yaml_bool(y, "key", &b, t);
    if (yaml_u64(y, "key", 3, 4000, &n, t))
        must(n >= 3 && n <= 4000);
    if (yaml_double(y, "key", -1.5, 8, &d, t))
        must(d >= -1.5 && d <= 8);
    if (yaml_bytes(y, "key", 1, 1 << 20, &n, t))
        must(n >= 1 && n <= 1 << 20);
    if (yaml_duration_ms(y, "key", 10, 60000, &n, t))
        must(n >= 10 && n <= 60000);
    if (yaml_word(y, "key", words, 3, &w, t))
        must(w < 3 && span_is(y->text, words[w]));
}
static size_t look_at(struct yaml *y, const struct lines *l, unsigned depth, struct arena *a, struct troubles *t)
{
    static const char *const known[] = { "listen", "routes", "upstream" };
    size_t nodes = 1;
    must(depth <= YAML_DEPTH && y->line && y->column && y->file);
    if (y->kind == YAML_SCALAR) {
        must(y->text.at && y->text.at[y->text.len] == 0 && !memchr(y->text.at, 0, y->text.len));
        if (l->are_plain && !y->quoted && y->text.len) {
            struct span s = place(l, y->line, y->column);
            if (s.len && s.at[0] != '!') /* a tag stands first */
                must(s.len >= 1 && (s.at[0] == y->text.at[0] || s.at[0] == '&'));
        }
    }
    if (t->n < TROUBLES_MOST / 2)
        read_scalar(y, t);
    must(y->kind == YAML_LIST || y->kind == YAML_MAP || y->n == 0);
    must(y->n <= YAML_NODES_MOST && (y->kind != YAML_MAP || y->n <= YAML_KEYS_MOST));
    if (t->n < TROUBLES_MOST / 2)
        yaml_known_keys(y, known, 3, "thing", t);
    for (size_t i = 0; i < y->n; i++) {
        must(y->items[i]->line >= y->line);
        if (y->kind == YAML_MAP) {
            must(y->keys[i]->kind == YAML_SCALAR && y->items[i]->line >= y->keys[i]->line);
            if (i < 50)
                must(yaml_get(y, arena_text(a, y->keys[i]->text)) == y->items[i]);
            nodes += 1;
        }
        nodes += look_at(y->items[i], l, depth + 1, a, t);
    }
    return nodes;
}
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct troubles t, more;
    struct arena *a = arena_new((size_t)256 << 20);
    struct span content = size ? (struct span){ (const char *)data, size } : SPAN("");
    struct lines lines = { 0 };
    lines_find(&lines, a, content);
    setenv("VIGIE_FUZZ", "a: [1, ${VIGIE_FUZZ}]", 1);
    for (int with_environment = 0; with_environment < 2; with_environment++) {
        t = more = (struct troubles){ .arena = a };
        struct yaml *y = yaml_read(a, "fuzz.yaml", content, with_environment, &t);
        must(y || t.errors); /* a key that is there twice is said, and read */
        for (unsigned i = 0; i < t.n; i++)
            must(t.list[i].what && t.list[i].what[0] && t.list[i].hint);
        if (y && !t.errors) {
            lines.are_plain &= !with_environment;
            must(look_at(y, &lines, 0, a, &more) <= YAML_NODES_MOST);
        }
        char *text = NULL;
        size_t n = 0;
        FILE *out = open_memstream(&text, &n);
        must(out != NULL);
        troubles_sort(&t);
        troubles_print(&t, out);
        fclose(out);
        for (size_t i = 0; i < n; i++)
            must((unsigned char)text[i] >= ' ' || text[i] == '\n');
        free(text);
    }
    arena_free(a);
    return 0;
}
