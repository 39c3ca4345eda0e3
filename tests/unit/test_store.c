/* SPDX-License-Identifier: Apache-2.0
 * The store as its users see it: records come back whole, filters find what they must, a full queue says no, readers and writers do not disturb each other. */
#include "tests/unit/store_kit.h"
#include <pthread.h>

static void same_record(const struct record *a, const struct record *b, bool with_bodies)
{
    for (unsigned i = 0; i < record_fields_n; i++) {
        const struct record_field *f = &record_fields[i];
        const char *x = (const char *)a + f->offset, *y = (const char *)b + f->offset;
        if (f->kind == FIELD_BODY && !with_bodies)
            continue;
        if (field_is_span(f)) {
            if (!span_same(*field_span(f, a), *field_span(f, b)))
                fail_msg("%s differs: '%.*s' and '%.*s'", f->name, SPAN_ARG(*field_span(f, a)), SPAN_ARG(*field_span(f, b)));
        } else if (f->kind == FIELD_HASH || f->kind == FIELD_ID) {
            assert_memory_equal(x, y, f->kind == FIELD_HASH ? 32 : RECORD_ID_BYTES);
        } else {
            assert_int_equal(field_number(f, a), field_number(f, b));
        }
    }
}

/* Whoever adds a member to struct record must add it to the table: the table's members and nothing else fill the struct. */
static void test_table_covers_struct(void **state)
{
    (void)state;
    unsigned char seen[sizeof(struct record)] = { 0 };
    static const size_t sizes[] = { [FIELD_ID] = RECORD_ID_BYTES + 1, [FIELD_TEXT] = 16, [FIELD_JSON] = 16, [FIELD_BODY] = 16, [FIELD_TIME] = 8, [FIELD_INT] = 4,
                                    [FIELD_COUNT] = 8, [FIELD_BOOL] = 1, [FIELD_HASH] = 32 };
    size_t sum = 0, gap = 0;
    for (unsigned i = 0; i < record_fields_n; i++) {
        for (size_t b = 0; b < sizes[record_fields[i].kind]; b++)
            assert_int_equal(seen[record_fields[i].offset + b]++, 0);
        sum += sizes[record_fields[i].kind];
        assert_true(!i || record_fields[i].part > record_fields[i - 1].part || (record_fields[i].part == record_fields[i - 1].part && record_fields[i].tag > record_fields[i - 1].tag));
    }
    for (size_t b = 0; b < sizeof seen; b++) {
        gap = seen[b] ? 0 : gap + 1;
        assert_true(gap < 8);                     /* padding only */
    }
    assert_true(sizeof seen - sum < 32);
}

static void test_seal_round_trip(void **state)
{
    (void)state;
    for (uint64_t n = 0; n < 40; n++) {
        struct kit_record *k = kit_record(n);
        if (n == 1)
            memset(&k->r, 0, sizeof k->r);                                   /* nothing in it at all */
        if (n == 2)
            k->r.request = k->r.answer = k->r.question = (struct span){ NULL, 0 };
        if (n == 3)
            k->r.status = -7, k->r.at_us = -5;
        if (n == 4)
            k->r.answer = (struct span){ "\0\xff\xfe binary \0", 12 };
        struct sealed *s = record_seal(&k->r);
        assert_null(sealed_check((struct span){ s->bytes, s->length }, s->digest));
        struct arena *a = arena_new(16 << 20);
        struct record back;
        const char *why;
        assert_true(sealed_read((struct span){ s->bytes, s->length }, a, true, &back, &why));
        same_record(&k->r, &back, true);
        assert_true(sealed_read((struct span){ s->bytes, s->length }, a, false, &back, &why));
        same_record(&k->r, &back, false);
        assert_int_equal(back.request.len + back.answer.len, 0);
        /* One bit anywhere is seen. */
        for (size_t bit = 0; bit < 8 * (size_t)s->length; bit += 1 + bit / 97) {
            s->bytes[bit / 8] = (char)(s->bytes[bit / 8] ^ 1 << bit % 8);
            assert_non_null(sealed_check((struct span){ s->bytes, s->length }, s->digest));
            s->bytes[bit / 8] = (char)(s->bytes[bit / 8] ^ 1 << bit % 8);
        }
        arena_free(a);
        sealed_free(s);
        free(k);
    }
}

static void test_ids(void **state)
{
    (void)state;
    char a[RECORD_ID_BYTES + 1], b[RECORD_ID_BYTES + 1], c[RECORD_ID_BYTES + 1];
    record_id_new(a, 1469918176385000);
    record_id_new(b, 1469918176385000);
    record_id_new(c, 1469918176386000);
    assert_int_equal(strlen(a), 26);
    assert_memory_equal(a, "01ARYZ6S41", 10);                                /* the example of the ULID specification */
    assert_string_not_equal(a, b);
    assert_true(strcmp(a, c) < 0 && strcmp(b, c) < 0);
}

struct listed {
    unsigned n;
    char ids[64][RECORD_ID_BYTES + 1];
    int64_t last_at;
};
static bool note_listed(void *context, const struct record *r)
{
    struct listed *l = context;
    if (l->n)
        assert_true(r->at_us <= l->last_at);
    l->last_at = r->at_us;
    assert_true(l->n < 64);
    snprintf(l->ids[l->n++], RECORD_ID_BYTES + 1, "%s", r->id);
    return true;
}
static unsigned list(struct store_reader *r, struct record_filter f, struct listed *l)
{
    struct troubles *t = kit_troubles();
    struct listed mine = { 0 };
    bool ok = store_reader_list(r, &f, note_listed, &mine, t);
    if (!ok)
        troubles_print(t, stderr);
    assert_true(ok);
    kit_troubles_free(t);
    if (l)
        *l = mine;
    return mine.n;
}

static bool dawdle(void *context, const struct record *r)
{
    (void)r;
    ++*(unsigned *)context;
    usleep(3000);
    return true;
}
static void test_write_and_query(void **state)
{
    (void)state;
    char dir[64];
    kit_dir(dir);
    struct store *s = kit_open(dir);
    struct kit_client k;
    kit_client(&k, s);
    struct kit_record *all[41];
    for (uint64_t n = 1; n <= 40; n++) {
        all[n] = kit_record(n);
        assert_true(kit_commit_record(&k, &all[n]->r, n % 7 ? STORE_DURABLE : STORE_ASYNC));
    }
    struct troubles *t = kit_troubles();
    struct store_reader *r = store_reader_open(dir, t);
    assert_non_null(r);
    assert_true(store_reader_settle(r, 5000));
    struct listed l;
    assert_int_equal(list(r, (struct record_filter){ .limit = 50 }, &l), 40);
    assert_string_equal(l.ids[0], all[40]->r.id);
    /* Pages: the last id of one is the start of the next; none twice, none missing. */
    unsigned seen = 0;
    struct span before = { NULL, 0 };
    char last[RECORD_ID_BYTES + 1];
    for (unsigned n; (n = list(r, (struct record_filter){ .limit = 7, .id_before = before }, &l)) > 0;) {
        assert_string_equal(l.ids[0], all[40 - seen]->r.id);
        seen += n;
        memcpy(last, l.ids[n - 1], sizeof last);
        before = span_of(last);
    }
    assert_int_equal(seen, 40);
    assert_int_equal(list(r, (struct record_filter){ .limit = 50, .verdict = SPAN("flag") }, NULL), 8);
    assert_int_equal(list(r, (struct record_filter){ .limit = 50, .verdict = SPAN("flag, block,flag") }, &l), 16);
    assert_int_equal(list(r, (struct record_filter){ .limit = 5, .verdict = SPAN("flag,block") }, NULL), 5);
    assert_int_equal(list(r, (struct record_filter){ .limit = 50, .verdict = SPAN("flag,block"), .route = SPAN("odd"), .text = SPAN("gold") }, NULL), 0);
    assert_int_equal(list(r, (struct record_filter){ .limit = 50, .route = SPAN("odd") }, NULL), 20);
    assert_int_equal(list(r, (struct record_filter){ .limit = 50, .route = SPAN("odd"), .verdict = SPAN("allow") }, NULL), 12);
    assert_int_equal(list(r, (struct record_filter){ .limit = 50, .caller = SPAN("caller number9") }, &l), 1);
    assert_string_equal(l.ids[0], all[9]->r.id);
    assert_int_equal(list(r, (struct record_filter){ .limit = 50, .join = SPAN("join number9"), .session = SPAN("session number9"), .rule = SPAN("rule number9"),
                                                     .model = SPAN("model number9"), .api = SPAN("api number9") }, NULL), 1);
    /* A rule that spoke, whether it decided or not; on what was allowed none did. */
    assert_int_equal(list(r, (struct record_filter){ .limit = 50, .rule = SPAN("rule number9") }, NULL), 1);
    assert_int_equal(list(r, (struct record_filter){ .limit = 50, .rule = SPAN("first") }, NULL), 16);
    assert_int_equal(list(r, (struct record_filter){ .limit = 50, .rule = SPAN("number9") }, NULL), 0);
    assert_int_equal(list(r, (struct record_filter){ .limit = 50, .since_us = all[11]->r.at_us, .until_us = all[21]->r.at_us }, NULL), 10);
    /* Words: in the question, in a finding, beginnings, and whatever somebody may type. */
    assert_int_equal(list(r, (struct record_filter){ .limit = 50, .text = SPAN("number17") }, NULL), 1);
    assert_int_equal(list(r, (struct record_filter){ .limit = 50, .text = SPAN("GOLD23") }, &l), 1);
    assert_string_equal(l.ids[0], all[23]->r.id);
    assert_int_equal(list(r, (struct record_filter){ .limit = 50, .text = SPAN("gold1*") }, NULL), 11);
    assert_int_equal(list(r, (struct record_filter){ .limit = 50, .text = SPAN("promise"), .verdict = SPAN("flag,block"), .route = SPAN("even") }, NULL), 8);
    static const char *const hostile[] = { "\"", "'", "a\" OR b", "NEAR(a b)", "question:x", "*", "^a", "-a", "a AND", "(", "\"gold1\" OR 1", "x'; DROP TABLE exchanges;--", "\xff\xfe", "\xe2\x80\x8b", "%", "_" };
    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
        list(r, (struct record_filter){ .limit = 5, .text = span_of(hostile[i]) }, NULL);
        assert_int_equal(list(r, (struct record_filter){ .limit = 5, .route = span_of(hostile[i]) }, NULL), 0);
        assert_int_equal(list(r, (struct record_filter){ .limit = 5, .verdict = span_of(hostile[i]) }, NULL), 0);
    }
    assert_int_equal(list(r, (struct record_filter){ .limit = 50, .text = SPAN("?!") }, NULL), 0);
    assert_int_equal(list(r, (struct record_filter){ .limit = 50, .verdict = SPAN(",") }, NULL), 0);
    uint64_t n;
    bool more;
    assert_true(store_reader_count(r, &(struct record_filter){ .verdict = SPAN("flag,block") }, &n, &more));
    assert_int_equal(n, 16);
    assert_true(store_reader_count(r, &(struct record_filter){ .text = SPAN("promise"), .route = SPAN("even") }, &n, &more));
    assert_int_equal(n, 20);
    assert_false(more);
    assert_false(store_reader_list(r, &(struct record_filter){ .limit = 5, .id_before = SPAN("nobody") }, note_listed, NULL, t));
    /* A reader with little patience stops a query as a whole, says so, and is as good as before. */
    unsigned rows = 0;
    store_reader_patience(r, 1);
    assert_false(store_reader_list(r, &(struct record_filter){ .limit = 40 }, dawdle, &rows, t));
    assert_true(rows < 40);
    assert_non_null(strstr(t->list[t->n - 1].what, "too many records"));
    store_reader_patience(r, 0);
    rows = 0;
    assert_true(store_reader_list(r, &(struct record_filter){ .limit = 40 }, dawdle, &rows, t));
    assert_int_equal(rows, 40);
    /* Whole ones. */
    struct arena *a = arena_new(16 << 20);
    struct record whole;
    for (uint64_t i = 1; i <= 40; i++) {
        assert_true(store_reader_get(r, a, span_of(all[i]->r.id), &whole));
        same_record(&whole, &all[i]->r, true);
    }
    assert_false(store_reader_get(r, a, SPAN("01ARYZ6S41ARYZ6S41ARYZ6S41"), &whole));
    assert_false(store_reader_get(r, a, SPAN(""), &whole));
    struct verify_result v;
    assert_true(kit_verify(dir, &v));             /* beside the running writer */
    assert_int_equal(v.records, 40);
    kit_client_free(&k);
    store_close(s);
    assert_true(kit_verify(dir, &v));
    struct buf json = { 0 };
    record_add_json(&json, &whole, BODIES_TEXT_OR_BASE64);
    assert_non_null(strstr(json.bytes, "\"findings\":[{\"text\":\"gold40\""));
    buf_free(&json);
    for (uint64_t i = 1; i <= 40; i++)
        free(all[i]);
    arena_free(a);
    store_reader_close(r);
    kit_troubles_free(t);
    kit_remove(dir);
}

static void test_second_process_refused(void **state)
{
    (void)state;
    char dir[64];
    kit_dir(dir);
    struct store *s = kit_open(dir);
    struct troubles *t = kit_troubles();
    assert_null(store_open(&(struct store_options){ .dir = dir }, t));
    assert_non_null(strstr(t->list[0].what, "another vigie"));
    kit_troubles_free(t);
    store_close(s);
    kit_remove(dir);
}

static void test_queue_bound(void **state)
{
    (void)state;
    char dir[64];
    kit_dir(dir);
    struct store *s = kit_open_options(&(struct store_options){ .dir = dir, .segment_bytes = 1 << 20, .queue_bytes = 20000 });
    struct kit_client k;
    kit_client(&k, s);
    unsigned yes = 0, no = 0, done = 0;
    struct store_done d[64];
    for (uint64_t n = 0; n < 3000 && !no; n++) {
        struct kit_record *r = kit_record(n);
        struct sealed *sealed = record_seal(&r->r);
        free(r);
        pthread_mutex_lock(&s->m);                /* the queue is looked at, never past its bound */
        assert_true(s->queued_bytes <= 20000);
        pthread_mutex_unlock(&s->m);
        if (store_submit(k.c, sealed, STORE_DURABLE, NULL))
            yes++;
        else
            no++, sealed_free(sealed);
    }
    assert_true(no > 0);
    while (done < yes) {
        size_t n = kit_wait(&k, d, 64);
        assert_true(n > 0);
        for (size_t i = 0; i < n; i++)
            assert_true(d[i].is_durable);
        done += (unsigned)n;
    }
    struct verify_result v;
    kit_client_free(&k);
    store_close(s);
    assert_true(kit_verify(dir, &v));
    assert_int_equal(v.records, yes);
    kit_remove(dir);
}

/* Several workers and readers at once: for TSan, and each record exactly once. */
enum { THREADS = 4, EACH = 300 };
struct job {
    struct store *s;
    uint64_t first;
};
static void *submit_many(void *p)
{
    struct job *j = p;
    struct kit_client k;
    kit_client(&k, j->s);
    struct store_done d[64];
    size_t out = 0;
    for (uint64_t n = 0; n < EACH; n++) {
        struct kit_record *r = kit_record(j->first + n);
        struct sealed *sealed = record_seal(&r->r);
        free(r);
        while (!store_submit(k.c, sealed, n % 5 ? STORE_DURABLE : STORE_ASYNC, NULL))
            usleep(1000);
        out++;
        if (out > 30)
            out -= kit_wait(&k, d, 64);
    }
    while (out)
        out -= kit_wait(&k, d, 64);
    kit_client_free(&k);
    return NULL;
}
static atomic_bool readers_stop;
static void *read_on(void *dir)
{
    struct troubles *t = kit_troubles();
    struct store_reader *r = store_reader_open(dir, t);
    while (!atomic_load(&readers_stop)) {
        struct verify_result v;
        if (!kit_verify(dir, &v) && !strstr(v.what, "no records"))
            fail_msg("verify beside a writer: %s: %s", v.where, v.what);
        uint64_t n;
        bool more;
        store_reader_count(r, &(struct record_filter){ .route = SPAN("odd") }, &n, &more);
    }
    store_reader_close(r);
    kit_troubles_free(t);
    return NULL;
}
struct walked { uint64_t n, last; };
static bool count_walk(void *context, uint64_t seq, const struct record *r)
{
    struct walked *w = context;
    assert_true(seq > w->last && r->answer.len > 0);
    w->last = seq;
    w->n++;
    return true;
}
static void test_many_threads(void **state)
{
    (void)state;
    char dir[64];
    kit_dir(dir);
    struct store *s = kit_open(dir);
    pthread_t threads[THREADS], reader;
    struct job jobs[THREADS];
    atomic_store(&readers_stop, false);
    for (int i = 0; i < THREADS; i++) {
        jobs[i] = (struct job){ s, (uint64_t)i * EACH };
        pthread_create(&threads[i], NULL, submit_many, &jobs[i]);
    }
    pthread_create(&reader, NULL, read_on, dir);
    for (int i = 0; i < THREADS; i++) {
        struct store_health h;
        store_health(s, &h);
        pthread_join(threads[i], NULL);
    }
    atomic_store(&readers_stop, true);
    pthread_join(reader, NULL);
    struct troubles *t = kit_troubles();
    struct store_reader *r = store_reader_open(dir, t);
    assert_true(store_reader_settle(r, 10000));
    uint64_t n;
    bool more;
    assert_true(store_reader_count(r, &(struct record_filter){ .limit = 1 }, &n, &more));
    assert_int_equal(n, THREADS * EACH);
    struct walked w = { 0 };
    assert_true(store_reader_walk(r, 0, count_walk, &w, t));
    assert_int_equal(w.n, THREADS * EACH);
    struct store_health h;
    store_health(s, &h);
    assert_int_equal(h.records, THREADS * EACH);
    assert_int_equal(h.waiting, 0);
    store_close(s);
    struct verify_result v;
    if (!kit_verify(dir, &v))
        fail_msg("%s: %s", v.where, v.what);
    assert_int_equal(v.records, THREADS * EACH);
    assert_string_equal(v.head, h.head);
    store_reader_close(r);
    kit_troubles_free(t);
    kit_remove(dir);
}

/* Oldest segments go, the chain says so, verify accepts it, the rest stays findable. */
static void test_keep_bytes(void **state)
{
    (void)state;
    char dir[64];
    kit_dir(dir);
    struct store *s = kit_open_options(&(struct store_options){ .dir = dir, .segment_bytes = 128 << 10, .keep_bytes = 600 << 10 });
    struct kit_client k;
    kit_client(&k, s);
    char first_segment[PATH_MAX];
    segment_path(dir, 1, first_segment);
    uint64_t n = 0;
    for (; n < 20000 && (n < 1000 || access(first_segment, F_OK) == 0); n++)
        assert_true(kit_commit(&k, n));
    assert_int_not_equal(access(first_segment, F_OK), 0);
    kit_client_free(&k);
    store_close(s);
    struct verify_result v;
    if (!kit_verify(dir, &v))
        fail_msg("%s: %s", v.where, v.what);
    assert_true(v.records > 0 && v.records < n);
    struct troubles *t = kit_troubles();
    struct store_reader *r = store_reader_open(dir, t);
    assert_true(store_reader_settle(r, 10000));
    uint64_t found;
    bool more;
    assert_true(store_reader_count(r, &(struct record_filter){ .text = SPAN("promise") }, &found, &more));
    assert_int_equal(found, v.records);
    store_reader_close(r);
    /* Without the note's consent a missing segment is a removal. */
    uint64_t *numbers;
    long segments = segment_list(dir, &numbers);
    assert_true(segments >= 3);
    char path[PATH_MAX];
    segment_path(dir, numbers[0], path);
    assert_int_equal(unlink(path), 0);
    assert_false(kit_verify(dir, &v));
    assert_int_equal(v.is_good, 0);
    free(numbers);
    kit_troubles_free(t);
    kit_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table_covers_struct), cmocka_unit_test(test_seal_round_trip), cmocka_unit_test(test_ids), cmocka_unit_test(test_write_and_query),
        cmocka_unit_test(test_second_process_refused), cmocka_unit_test(test_queue_bound), cmocka_unit_test(test_many_threads), cmocka_unit_test(test_keep_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
