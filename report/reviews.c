/* SPDX-License-Identifier: Apache-2.0 */
#include "report/reviews.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/must.h"
#include "base/parse.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MOST = 256 << 20 };
struct reviews {
    struct arena *arena;
    char *path;
    struct review *list;
    size_t n, cap;
    uint32_t *table;               /* by id: 1 + index of the last review */
    size_t table_size;
};

static size_t slot_of(const struct reviews *r, struct span id)
{
    uint64_t h = 1469598103934665603ull;
    for (size_t i = 0; i < id.len; i++)
        h = (h ^ (unsigned char)id.at[i]) * 1099511628211ull;
    size_t at = h & (r->table_size - 1);
    while (r->table[at] && !span_is(id, r->list[r->table[at] - 1].id))
        at = (at + 1) & (r->table_size - 1);
    return at;
}
static void take(struct reviews *r, const struct review *x)
{
    if (r->n >= REVIEWS_MOST)
        return;
    if (r->n * 2 >= r->table_size) {
        r->table_size = r->table_size ? r->table_size * 2 : 256;
        r->table = realloc(r->table, r->table_size * sizeof *r->table);
        must(r->table != NULL);
        memset(r->table, 0, r->table_size * sizeof *r->table);
        for (size_t i = 0; i < r->n; i++)
            r->table[slot_of(r, span_of(r->list[i].id))] = (uint32_t)i + 1;
    }
    *ARENA_PUSH(r->arena, r->list, r->n, r->cap) = *x;
    r->table[slot_of(r, span_of(x->id))] = (uint32_t)r->n;
}
struct reviews *reviews_open(const char *data)
{
    struct reviews *r = calloc(1, sizeof *r);
    must(r != NULL);
    r->arena = arena_new((size_t)1 << 30);
    must(asprintf(&r->path, "%s/reviews.jsonl", data) > 0);
    FILE *f = fopen(r->path, "re");
    char *line = NULL;
    size_t room = 0;
    ssize_t n;
    struct arena *scratch = arena_new(64 << 20);
    for (off_t read_bytes = 0; f && read_bytes < FILE_MOST && (n = getline(&line, &room, f)) > 0; read_bytes += n) {
        struct json doc;
        arena_reset(scratch);
        if (!json_read(&doc, scratch, (struct span){ line, (size_t)n }))
            continue;
        struct jv root = json_root(&doc);
        struct span id = jv_text(jv_get(root, "id"), scratch);
        struct review x = { .is_confirmed = jv_text_is(jv_get(root, "review"), "confirmed") };
        uint64_t at;
        if (id.len != RECORD_ID_BYTES)
            continue;
        memcpy(x.id, id.at, id.len);
        x.at_us = jv_u64(jv_get(root, "at_us"), INT64_MAX, &at) ? (int64_t)at : 0;
        x.rule = arena_copy(r->arena, jv_text(jv_get(root, "rule"), scratch));
        x.note = arena_copy(r->arena, jv_text(jv_get(root, "note"), scratch));
        take(r, &x);
    }
    free(line);
    arena_free(scratch);
    if (f)
        fclose(f);
    return r;
}
void reviews_free(struct reviews *r)
{
    if (!r)
        return;
    arena_free(r->arena);
    free(r->path);
    free(r->table);
    free(r);
}
bool reviews_add(struct reviews *r, const struct review *x, const char **why)
{
    struct buf b = { .cap = 64 * 1024 };
    buf_printf(&b, "{\"id\":\"%s\",\"at_us\":%lld,\"review\":\"%s\",\"rule\":\"", x->id, (long long)x->at_us, x->is_confirmed ? "confirmed" : "false_alarm");
    buf_add_json(&b, x->rule);
    buf_add_text(&b, "\",\"note\":\"");
    buf_add_json(&b, x->note);
    buf_add_text(&b, "\"}\n");
    int fd = r->n < REVIEWS_MOST ? open(r->path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600) : -1;
    off_t end = fd >= 0 ? lseek(fd, 0, SEEK_END) : 0;
    char last = '\n';
    if (end > 0 && pread(fd, &last, 1, end - 1) == 1 && last != '\n' && write(fd, "\n", 1) != 1)
        b.failed = true; /* a torn line before this one must not swallow it */
    bool ok = fd >= 0 && !b.failed && write(fd, b.bytes, b.len) == (ssize_t)b.len && fdatasync(fd) == 0;
    *why = r->n >= REVIEWS_MOST ? "there are too many reviews" : strerror(errno);
    if (fd >= 0)
        close(fd);
    buf_free(&b);
    if (ok) {
        struct review copy = *x;
        copy.rule = arena_copy(r->arena, x->rule);
        copy.note = arena_copy(r->arena, x->note);
        take(r, &copy);
    }
    return ok;
}
const struct review *reviews_find(const struct reviews *r, struct span id)
{
    if (!r || !r->table_size)
        return NULL;
    uint32_t i = r->table[slot_of(r, id)];
    return i ? &r->list[i - 1] : NULL;
}
void reviews_of_rule(const struct reviews *r, struct span rule, uint64_t *confirmed, uint64_t *false_alarms)
{
    *confirmed = *false_alarms = 0;
    for (size_t i = 0; r && i < r->n; i++)
        if (span_same(r->list[i].rule, rule) && reviews_find(r, span_of(r->list[i].id)) == &r->list[i])
            ++*(r->list[i].is_confirmed ? confirmed : false_alarms);
}
