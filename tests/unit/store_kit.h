/* SPDX-License-Identifier: Apache-2.0
 * What the store's tests share: a folder of their own, made-up records, a client that waits. Each test binary uses some of it. */
#ifndef TESTS_STORE_KIT_H
#define TESTS_STORE_KIT_H
#include "store/inside.h"
#include "store/io.h"
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#pragma GCC diagnostic ignored "-Wunused-function"

static int kit_remove_one(const char *path, const struct stat *st, int type, struct FTW *f)
{
    (void)st, (void)type, (void)f;
    return remove(path);
}
static void kit_remove(const char *dir)
{
    nftw(dir, kit_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
static void kit_dir(char out[64])
{
    snprintf(out, 64, "/tmp/vigie-store-XXXXXX");
    assert_non_null(mkdtemp(out));
}
static struct troubles *kit_troubles(void)
{
    struct troubles *t = calloc(1, sizeof *t);
    t->arena = arena_new(1 << 20);
    return t;
}
static void kit_troubles_free(struct troubles *t)
{
    arena_free(t->arena);
    free(t);
}
static struct store *kit_open_options(const struct store_options *o)
{
    struct troubles *t = kit_troubles();
    struct store *s = store_open(o, t);
    if (!s)
        troubles_print(t, stderr);
    kit_troubles_free(t);
    return s;
}
static struct store *kit_open(const char *dir)
{
    return kit_open_options(&(struct store_options){ .dir = dir, .segment_bytes = 1 << 20 });
}

/* Record number n, with every member of the struct set to something of its own. */
struct kit_record {
    struct record r;
    char text[40][96];
    char body[2][8192];
};
static struct kit_record *kit_record(uint64_t n)
{
    struct kit_record *k = calloc(1, sizeof *k);
    unsigned t = 0;
    for (unsigned i = 0; i < record_fields_n; i++) {
        const struct record_field *f = &record_fields[i];
        if (f->kind == FIELD_JSON && strcmp(f->name, "findings") == 0)
            snprintf(k->text[t], sizeof k->text[t], "[{\"text\":\"gold%" PRIu64 "\",\"message\":\"a promise of returns\"}]", n);
        else if (f->kind == FIELD_JSON && strcmp(f->name, "rules") == 0)
            snprintf(k->text[t], sizeof k->text[t], "[{\"id\":\"first\"},{\"id\":\"rule number%" PRIu64 "\",\"version\":1}]", n);
        else if (f->kind == FIELD_JSON)
            snprintf(k->text[t], sizeof k->text[t], "{\"%s\":%" PRIu64 "}", f->name, n);
        else
            snprintf(k->text[t], sizeof k->text[t], "%s number%" PRIu64, f->name, n);
        if (f->kind == FIELD_TEXT || f->kind == FIELD_JSON) {
            *field_span(f, &k->r) = span_of(k->text[t]);
            t++;
        } else if (f->kind == FIELD_HASH) {
            memset((char *)&k->r + f->offset, (int)(n % 255) + 1, 32);
        } else if (f->kind == FIELD_INT || f->kind == FIELD_COUNT) {
            assert_true(field_set_number(f, &k->r, f->kind == FIELD_INT ? 200 + n % 300 : n * 1000 + i));
        } else if (f->kind == FIELD_BOOL) {
            field_set_number(f, &k->r, n & 1);
        }
    }
    assert_true(t < 40);
    k->r.at_us = 1700000000000000 + (int64_t)n * 1000;
    record_id_new(k->r.id, k->r.at_us);
    static const char *const verdicts[] = { "allow", "allow", "allow", "flag", "block" };
    k->r.verdict = span_of(verdicts[n % 5]);
    k->r.route = n % 2 ? SPAN("odd") : SPAN("even");
    for (int b = 0; b < 2; b++) {
        size_t len = 0;
        while (len < 3000)
            len += (size_t)snprintf(k->body[b] + len, sizeof k->body[b] - len, "%s %" PRIu64 " says word %zu. ", b ? "answer" : "request", n, len * n % 977);
        *(b ? &k->r.answer : &k->r.request) = (struct span){ k->body[b], len };
    }
    return k;
}

/* A client whose thread waits for its results. */
struct kit_client {
    struct store_client *c;
    int event;
};
static void kit_wake(void *context)
{
    uint64_t one = 1;
    struct kit_client *k = context;
    assert_int_equal(write(k->event, &one, sizeof one), (int)sizeof one);
}
static void kit_client(struct kit_client *k, struct store *s)
{
    k->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    k->c = store_client_new(s, kit_wake, k);
}
static void kit_client_free(struct kit_client *k)
{
    store_client_free(k->c);
    close(k->event);
}
/* At least one result, or 0 after 10 s. */
static size_t kit_wait(struct kit_client *k, struct store_done *out, size_t most)
{
    for (int i = 0; i < 1000; i++) {
        size_t n = store_client_take(k->c, out, most);
        if (n)
            return n;
        struct pollfd p = { .fd = k->event, .events = POLLIN };
        uint64_t v;
        if (poll(&p, 1, 10) == 1 && read(k->event, &v, sizeof v) < 0)
            continue;
    }
    return 0;
}
/* Seals, submits, waits. true: durable. */
static bool kit_commit_record(struct kit_client *k, const struct record *r, enum store_policy p)
{
    struct sealed *s = record_seal(r);
    struct store_done d;
    if (!store_submit(k->c, s, p, k)) {
        sealed_free(s);
        return false;
    }
    assert_int_equal(kit_wait(k, &d, 1), 1);
    assert_ptr_equal(d.context, k);
    return d.is_durable;
}
static bool kit_commit(struct kit_client *k, uint64_t n)
{
    struct kit_record *r = kit_record(n);
    bool ok = kit_commit_record(k, &r->r, STORE_DURABLE);
    free(r);
    return ok;
}
/* A closed store with records 1 to n in DIR. */
static void kit_filled(const char *dir, uint64_t n)
{
    struct store *s = kit_open(dir);
    assert_non_null(s);
    struct kit_client k;
    kit_client(&k, s);
    for (uint64_t i = 1; i <= n; i++)
        assert_true(kit_commit(&k, i));
    kit_client_free(&k);
    store_close(s);
}
static bool kit_verify(const char *dir, struct verify_result *v)
{
    struct troubles *t = kit_troubles();
    bool ok = store_verify(dir, 0, 0, v, t);
    if (!ok)
        snprintf(v->what, sizeof v->what, "trouble: %.400s", t->n ? t->list[0].what : "none said");
    kit_troubles_free(t);
    return ok && v->is_good;
}
static void kit_copy(const char *from, const char *to)
{
    char command[512];
    snprintf(command, sizeof command, "rm -rf '%s' && cp -r '%s' '%s'", to, from, to);
    assert_int_equal(system(command), 0);
}
#endif
