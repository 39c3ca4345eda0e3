/* SPDX-License-Identifier: Apache-2.0
 * Verify against somebody who can write the files: each way to change, remove, add or exchange something, in the journal, the index and the head file. And garbage of all kinds,
 * which must never be a signal or a "good". */
#include "tests/unit/store_kit.h"

enum { RECORDS = 12 };
static char base_dir[64], work_dir[80];

static int setup(void **state)
{
    (void)state;
    kit_dir(base_dir);
    snprintf(work_dir, sizeof work_dir, "%s-work", base_dir);
    struct store *s = kit_open_options(&(struct store_options){ .dir = base_dir, .segment_bytes = 4 << 10 });   /* several segments */
    struct kit_client k;
    kit_client(&k, s);
    for (uint64_t n = 1; n <= RECORDS; n++) {
        assert_true(kit_commit(&k, n));
        if (n == 6)
            store_lost(s, 3);
    }
    kit_client_free(&k);
    store_close(s);
    struct verify_result v;
    if (!kit_verify(base_dir, &v))
        fail_msg("%s: %s", v.where, v.what);
    assert_int_equal(v.gaps, 1);
    assert_int_equal(v.lost, 3);
    uint64_t *numbers;
    assert_true(segment_list(base_dir, &numbers) >= 3);
    free(numbers);
    return 0;
}
static int teardown(void **state)
{
    (void)state;
    kit_remove(base_dir);
    kit_remove(work_dir);
    return 0;
}

static void must_be_bad(const char *what)
{
    struct verify_result v;
    struct troubles *t = kit_troubles();
    bool looked = store_verify(work_dir, 0, 0, &v, t);
    if (looked && v.is_good)
        fail_msg("verify calls it good: %s", what);
    if (looked)
        assert_true(v.where[0] && v.what[0]);
    else
        assert_true(t->n > 0);
    kit_troubles_free(t);
}
static void sql(const char *statement)
{
    char path[128];
    sqlite3 *db;
    snprintf(path, sizeof path, "%s/index.sqlite", work_dir);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    char *error = NULL;
    if (sqlite3_exec(db, statement, NULL, NULL, &error) != SQLITE_OK)
        fail_msg("%s: %s", statement, error);
    sqlite3_close(db);
}

static void test_index_columns(void **state)
{
    (void)state;
    char statement[256];
    for (unsigned i = 0; i < record_fields_n; i++) {
        const struct record_field *f = &record_fields[i];
        if (f->kind == FIELD_BODY)
            continue;
        static const char *const values[] = { "NULL", "'x'", "1", "x'00'" };
        for (size_t v = 0; v < 4; v++) {
            kit_copy(base_dir, work_dir);
            snprintf(statement, sizeof statement, "UPDATE exchanges SET \"%s\" = %s WHERE seq = 3 AND \"%s\" IS NOT %s", f->name, values[v], f->name, values[v]);
            sql(statement);
            if (v == 2 && f->kind == FIELD_BOOL)   /* it was 1 */
                continue;
            must_be_bad(statement);
            if (v == 0) {
                struct verify_result r;
                assert_false(kit_verify(work_dir, &r));
                assert_int_equal(r.bad_seq, 3);
                assert_non_null(strstr(r.what, f->name));
            }
        }
    }
    static const char *const others[] = {
        "UPDATE exchanges SET words = 'x' WHERE seq = 4", "UPDATE exchanges SET segment = segment + 1 WHERE seq = 4", "UPDATE exchanges SET offset = offset + 8 WHERE seq = 4",
        "DELETE FROM exchanges WHERE seq = 4", "DELETE FROM exchanges WHERE seq = 1", "DELETE FROM exchanges WHERE seq = (SELECT max(seq) FROM exchanges)", "DELETE FROM exchanges",
        "UPDATE exchanges SET seq = 100 WHERE seq = 4", "UPDATE exchanges SET seq = -4 WHERE seq = 4", "UPDATE notes SET n = 1", "DELETE FROM notes", "UPDATE notes SET text = 'x'",
        "INSERT INTO exchanges SELECT 99, segment, offset, id, at_us, route, api, model, answer_model, method, upstream, status, upstream_status, error, is_stream, is_answer_whole, "
        "verdict, rule, rules, scores, ruleset, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, usage_origin, first_byte_us, total_us, request_bytes, answer_bytes, "
        "request_type, request_coding, answer_type, answer_coding, is_request_cut, is_answer_cut, caller, session, \"join\", tags, path, findings, question, answer_start, request_sha256, "
        "answer_sha256, words FROM exchanges WHERE seq = 2",
        "INSERT INTO notes(seq, kind, gone_seq) VALUES(98, 3, 8)", "INSERT INTO notes(seq, kind, gone_seq) VALUES(5, 3, 8)", "UPDATE place SET seq = seq + 5", "UPDATE place SET chain = '00'",
        "INSERT INTO search(search, rowid, question, answer_start, words) SELECT 'delete', seq, question, answer_start, words FROM exchanges WHERE seq = 3",
        "INSERT INTO search(rowid, question) VALUES(3, 'quiet')", "INSERT INTO search(search) VALUES('delete-all')", "DROP TABLE search",
        "DROP TABLE exchanges", "DROP TABLE place", "DROP TABLE notes",
        "CREATE TABLE swap AS SELECT question AS q FROM exchanges WHERE seq = 2; UPDATE exchanges SET question = (SELECT question FROM exchanges WHERE seq = 3) WHERE seq = 2",
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        kit_copy(base_dir, work_dir);
        sql(others[i]);
        must_be_bad(others[i]);
    }
}

static char *read_all(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    fseek(f, 0, SEEK_END);
    *n = (size_t)ftell(f);
    rewind(f);
    char *b = malloc(*n + 1);
    assert_int_equal(fread(b, 1, *n, f), *n);
    fclose(f);
    return b;
}
static void write_at(const char *path, const void *b, size_t n, off_t at)
{
    int fd = open(path, O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, b, n, at), (int)n);
    close(fd);
}

/* One bit anywhere in any segment. */
static void test_journal_bits(void **state)
{
    (void)state;
    uint64_t *numbers;
    long n = segment_list(base_dir, &numbers);
    unsigned seed = 7;
    kit_copy(base_dir, work_dir);
    for (long i = 0; i < n; i++) {
        char path[PATH_MAX];
        size_t len;
        segment_path(work_dir, numbers[i], path);
        char *b = read_all(path, &len);
        struct segment s;
        const char *why;
        uint64_t end = len;
        assert_true(segment_open(&s, work_dir, numbers[i], &why));
        segment_look_for_end(&s, work_dir);
        if (s.end != UINT64_MAX)
            end = s.end;                          /* what is behind its end is not part of the journal */
        segment_close(&s);
        for (int round = 0; round < 150; round++) {
            size_t at = round < 96 ? (size_t)round * 3 % end : (size_t)rand_r(&seed) % end;
            char c = (char)(b[at] ^ (1 << rand_r(&seed) % 8));
            write_at(path, &c, 1, (off_t)at);
            char what[128];
            snprintf(what, sizeof what, "a bit of byte %zu of segment %ld", at, i);
            must_be_bad(what);
            write_at(path, b + at, 1, (off_t)at);
        }
        free(b);
    }
    struct verify_result v;
    assert_true(kit_verify(work_dir, &v));
    free(numbers);
}

/* Entries of one segment as pieces that can be put together anew. */
struct pieces { char head[SEGMENT_HEAD]; char *at[64]; size_t len[64]; struct entry e[64]; unsigned n; char *all; };
static void take_apart(struct pieces *p, uint64_t number, char path[PATH_MAX])
{
    struct segment s;
    const char *why;
    struct span payload;
    size_t n;
    segment_path(work_dir, number, path);
    p->all = read_all(path, &n);
    p->n = 0;
    memcpy(p->head, p->all, SEGMENT_HEAD);
    assert_true(segment_open(&s, work_dir, number, &why));
    segment_look_for_end(&s, work_dir);
    while (p->n < 64 && segment_next(&s, &p->e[p->n], &payload, &why) == SCAN_ENTRY) {
        p->at[p->n] = p->all + p->e[p->n].at;
        p->len[p->n] = (size_t)(p->e[p->n].end - p->e[p->n].at);
        p->n++;
    }
    segment_close(&s);
}
static void put_together(struct pieces *p, const char *path, const int *order, unsigned n)
{
    FILE *f = fopen(path, "wb");
    fwrite(p->head, 1, SEGMENT_HEAD, f);
    for (unsigned i = 0; i < n; i++)
        fwrite(p->at[order[i]], 1, p->len[order[i]], f);
    fclose(f);
    free(p->all);
}
static void test_journal_surgery(void **state)
{
    (void)state;
    uint64_t *numbers;
    long n = segment_list(base_dir, &numbers);
    char path[PATH_MAX], other[PATH_MAX];
    struct pieces p;
    for (int with_index = 0; with_index < 2; with_index++)
        for (long i = 0; i < n; i++)
            for (int how = 0; how < 5; how++) {
                kit_copy(base_dir, work_dir);
                take_apart(&p, numbers[i], path);
                int order[64];
                unsigned m = 0;
                for (unsigned e = 0; e < p.n; e++)
                    order[m++] = (int)e;
                if (how == 0 && m >= 2)
                    order[0] = 1, order[1] = 0;                              /* exchanged */
                else if (how == 1)
                    for (unsigned e = m++; e > 0; e--)                       /* the first inserted once more, behind itself */
                        order[e] = (int)e - 1;
                else if (how == 2)
                    m--;                                                     /* last removed */
                else if (how == 3) {
                    m--;                                                     /* first removed */
                    for (unsigned e = 0; e < m; e++)
                        order[e]++;
                } else if (how == 4) {
                    m = 0;                                                   /* all removed */
                } else {
                    free(p.all);
                    continue;
                }
                if (how == 0 && p.n < 2) {
                    free(p.all);
                    continue;
                }
                /* What stands behind a segment's end is not part of the journal, and nothing is lost by it. */
                bool harmless = how == 1 && p.n == 1;
                put_together(&p, path, order, m);
                if (with_index) {
                    snprintf(other, sizeof other, "%s/index.sqlite", work_dir);
                    unlink(other);
                }
                char what[128];
                snprintf(what, sizeof what, "surgery %d on segment %ld, index %s", how, i, with_index ? "gone" : "there");
                if (!harmless)
                    must_be_bad(what);
            }
    for (long i = 0; i < n; i++) {                /* whole segments */
        kit_copy(base_dir, work_dir);
        segment_path(work_dir, numbers[i], path);
        assert_int_equal(unlink(path), 0);
        must_be_bad("a segment removed");
        kit_copy(base_dir, work_dir);
        segment_path(work_dir, numbers[(i + 1) % n], other);
        assert_int_equal(rename(other, path), 0);
        must_be_bad("a segment in place of another");
        kit_copy(base_dir, work_dir);
        assert_int_equal(truncate(path, 60), 0);
        must_be_bad("a segment cut in its head");
    }
    /* The whole journal of another store, index and head left. */
    char foreign[80];
    snprintf(foreign, sizeof foreign, "%s-other", base_dir);
    kit_filled(foreign, RECORDS + 5);
    kit_copy(base_dir, work_dir);
    char command[400];
    snprintf(command, sizeof command, "rm -rf %s/journal && cp -r %s/journal %s/journal", work_dir, foreign, work_dir);
    assert_int_equal(system(command), 0);
    must_be_bad("another store's journal");
    kit_remove(foreign);
    free(numbers);
}

/* The journal rewritten from some record on with a chain that is right in itself, as only somebody who knows the format would: the head file and a head kept elsewhere tell. */
static void test_rewritten_chain(void **state)
{
    (void)state;
    char one[80], two[80], command[400];
    snprintf(one, sizeof one, "%s-one", base_dir);
    snprintf(two, sizeof two, "%s-two", base_dir);
    kit_filled(one, 8);
    struct verify_result v, w;
    assert_true(kit_verify(one, &v));
    char kept[65];
    memcpy(kept, v.head, sizeof kept);
    kit_filled(two, 8);
    kit_copy(two, work_dir);
    snprintf(command, sizeof command, "cp %s/head %s/head", one, work_dir);
    assert_int_equal(system(command), 0);
    must_be_bad("a rewritten journal under the old head file");
    /* Everything replaced: good in itself; the head that was kept is not in it. */
    bool has = true;
    struct troubles *t = kit_troubles();
    assert_true(store_verify_head(two, 0, 0, kept, &has, &w, t));
    assert_true(w.is_good);
    assert_false(has);
    assert_true(store_verify_head(one, 0, 0, kept, &has, &w, t));
    assert_true(has);
    /* And a head from earlier is still found when the journal has gone on. */
    struct store *s = kit_open(one);
    struct kit_client k;
    kit_client(&k, s);
    assert_true(kit_commit(&k, 9));
    kit_client_free(&k);
    store_close(s);
    assert_true(store_verify_head(one, 0, 0, kept, &has, &w, t));
    assert_true(has && w.is_good);
    kit_troubles_free(t);
    kit_remove(one);
    kit_remove(two);
}

static void test_head_file(void **state)
{
    (void)state;
    static const char *const contents[] = { "", "garbage", "vigie-head 1\n", "vigie-head 1\nseq 99999999999999999999999\n", "vigie-head 1\nchain 00\nseq 1\nhead 00\nsegment 1\noffset 1\n" };
    char path[128];
    for (size_t i = 0; i < sizeof contents / sizeof contents[0]; i++) {
        kit_copy(base_dir, work_dir);
        snprintf(path, sizeof path, "%s/head", work_dir);
        FILE *f = fopen(path, "wb");
        fputs(contents[i], f);
        fclose(f);
        must_be_bad(contents[i]);
        struct troubles *t = kit_troubles();
        assert_null(store_open(&(struct store_options){ .dir = work_dir }, t));
        assert_true(t->n > 0);
        kit_troubles_free(t);
    }
}

/* Broken in any way: an answer, never a signal, never "0 good". */
static void test_garbage(void **state)
{
    (void)state;
    static const char *const commands[] = {
        "rm -rf %s/journal", "rm -rf %s/journal %s/head %s/index.sqlite*", "rm -f %s/journal/*", "for f in %s/journal/*; do head -c 5000 /dev/urandom > $f; done",
        "for f in %s/journal/*; do : > $f; done", "head -c 20000 /dev/urandom > %s/index.sqlite", "head -c 65536 /dev/zero | dd of=%s/index.sqlite conv=notrunc bs=8192 seek=1 2>/dev/null",
        "rm -rf %s/journal; mkfifo %s/journal", "rm %s/journal/0000000001.seg; mkfifo %s/journal/0000000001.seg", "rm %s/journal/0000000002.seg; mkdir %s/journal/0000000002.seg",
        "rm %s/journal/0000000002.seg; ln -s /dev/zero %s/journal/0000000002.seg", "rm %s/head; mkdir %s/head", "rm -rf %s",
    };
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        char command[1000];
        kit_copy(base_dir, work_dir);
        size_t n = 0;
        for (const char *c = commands[i]; *c && n < sizeof command - 100; c++)
            if (c[0] == '%' && c[1] == 's') {
                n += (size_t)snprintf(command + n, sizeof command - n, "%s", work_dir);
                c++;
            } else {
                command[n++] = *c;
            }
        command[n] = 0;
        assert_int_equal(system(command), 0);
        must_be_bad(commands[i]);
        struct troubles *t = kit_troubles();
        struct store_reader *r = store_reader_open(work_dir, t);
        struct record rec;
        struct arena *a = arena_new(1 << 20);
        if (r) {
            store_reader_settle(r, 50);
            store_reader_get(r, a, SPAN("01ARYZ6S41ARYZ6S41ARYZ6S41"), &rec);
            store_reader_close(r);
        } else {
            assert_true(t->n > 0);
        }
        arena_free(a);
        kit_troubles_free(t);
    }
}

static void test_ranges(void **state)
{
    (void)state;
    struct verify_result v;
    struct troubles *t = kit_troubles();
    for (uint64_t from = 1; from <= RECORDS + 1; from++) {
        assert_true(store_verify(base_dir, from, from + 2, &v, t));
        if (!v.is_good)
            fail_msg("from %d: %s: %s", (int)from, v.where, v.what);
        assert_true(v.records + v.gaps > 0 && v.records + v.gaps <= 3);
    }
    assert_false(store_verify(base_dir, 500, 0, &v, t));
    assert_true(t->n > 0);
    kit_copy(base_dir, work_dir);
    sql("UPDATE exchanges SET model = 'x' WHERE seq = 10");
    assert_true(store_verify(work_dir, 1, 9, &v, t));
    assert_true(v.is_good);
    assert_true(store_verify(work_dir, 9, 0, &v, t));
    assert_false(v.is_good);
    assert_int_equal(v.bad_seq, 10);
    assert_int_equal(strlen(v.bad_id), RECORD_ID_BYTES);
    kit_troubles_free(t);
}

/* The index made anew is the same, row by row. */
static void test_rebuild(void **state)
{
    (void)state;
    kit_copy(base_dir, work_dir);
    sql("UPDATE exchanges SET model = 'x'");
    must_be_bad("index changed");
    struct troubles *t = kit_troubles();
    uint64_t records;
    assert_true(store_rebuild(work_dir, &records, t));
    assert_int_equal(records, RECORDS);
    struct verify_result v;
    if (!kit_verify(work_dir, &v))
        fail_msg("%s: %s", v.where, v.what);
    char command[500];
    snprintf(command, sizeof command, "a=$(sqlite3 %s/index.sqlite 'select * from exchanges; select * from notes; select * from place' 2>/dev/null | md5sum); "
             "b=$(sqlite3 %s/index.sqlite 'select * from exchanges; select * from notes; select * from place' 2>/dev/null | md5sum); test \"$a\" = \"$b\"", base_dir, work_dir);
    assert_int_equal(system(command), 0);
    kit_troubles_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_index_columns), cmocka_unit_test(test_journal_bits), cmocka_unit_test(test_journal_surgery), cmocka_unit_test(test_rewritten_chain),
        cmocka_unit_test(test_head_file), cmocka_unit_test(test_garbage), cmocka_unit_test(test_ranges), cmocka_unit_test(test_rebuild),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
