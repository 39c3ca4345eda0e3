/* SPDX-License-Identifier: Apache-2.0
 * Rows from records, and records from rows. Binding, reading back and comparing stand side by side and walk the same table, so they cannot part. */
#include "store/index.h"
#include "base/json.h"
#include "base/must.h"
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char schema[] =
    "CREATE TABLE notes(seq INTEGER PRIMARY KEY, segment INTEGER, offset INTEGER, kind INTEGER, at_us INTEGER, n INTEGER, gone_seq INTEGER, text TEXT);"
    "CREATE TABLE place(one INTEGER PRIMARY KEY CHECK(one = 1), chain TEXT, seq INTEGER, segment INTEGER, offset INTEGER);"
    /* Each ends in the time, so that "newest first" is a walk along the index and a page costs what it shows. */
    "CREATE INDEX by_id ON exchanges(id);"
    "CREATE INDEX by_at ON exchanges(at_us);"
    "CREATE INDEX by_route ON exchanges(route, at_us);"
    "CREATE INDEX by_verdict ON exchanges(verdict, at_us) WHERE verdict <> 'allow';"
    "CREATE INDEX by_model ON exchanges(model, at_us);"
    "CREATE INDEX by_caller ON exchanges(caller, at_us) WHERE caller IS NOT NULL;"
    "CREATE INDEX by_session ON exchanges(session, at_us) WHERE session IS NOT NULL;"
    "CREATE INDEX by_join ON exchanges(\"join\", at_us) WHERE \"join\" IS NOT NULL;"
    /* detail=none keeps which rows hold a word, not where: half the cost, and all that is asked (see match_of in reader.c). */
    "CREATE VIRTUAL TABLE search USING fts5(question, answer_start, words, content='exchanges', content_rowid='seq', tokenize='unicode61 remove_diacritics 2', detail=none, columnsize=0);";

static bool sql_trouble(struct index *x, const char *doing)
{
    snprintf(x->why, sizeof x->why, "the index: %s: %s", doing, x->db ? sqlite3_errmsg(x->db) : "out of memory");
    return false;
}

static const struct record_field *next_column(unsigned *i)
{
    while (*i < record_fields_n && record_fields[*i].kind == FIELD_BODY)
        ++*i;
    return *i < record_fields_n ? &record_fields[(*i)++] : NULL;
}

void index_columns(struct buf *out)
{
    buf_add_text(out, "seq, segment, offset");
    const struct record_field *f;
    for (unsigned i = 0; (f = next_column(&i)) != NULL;)
        buf_printf(out, ", \"%s\"", f->name);
    buf_add_text(out, ", words");
}

static bool make_schema(struct index *x)
{
    struct buf sql = { 0 };
    const struct record_field *f;
    buf_add_text(&sql, "BEGIN IMMEDIATE; CREATE TABLE exchanges(seq INTEGER PRIMARY KEY, segment INTEGER, offset INTEGER");
    for (unsigned i = 0; (f = next_column(&i)) != NULL;)
        buf_printf(&sql, ", \"%s\" %s", f->name, f->kind == FIELD_HASH ? "BLOB" : field_is_span(f) || f->kind == FIELD_ID ? "TEXT" : "INTEGER");
    buf_add_text(&sql, ", words TEXT);");
    buf_add_text(&sql, schema);
    buf_printf(&sql, "PRAGMA user_version = %d; COMMIT;", INDEX_VERSION);
    bool ok = sqlite3_exec(x->db, sql.bytes, NULL, NULL, NULL) == SQLITE_OK;
    if (!ok)
        sql_trouble(x, "making its tables");
    buf_free(&sql);
    return ok;
}

static bool prepare(struct index *x, const char *sql, sqlite3_stmt **out)
{
    return sqlite3_prepare_v3(x->db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL) == SQLITE_OK || sql_trouble(x, "preparing");
}

bool index_place(sqlite3 *db, uint8_t chain[CHAIN_NAME], struct position *p, char why[256])
{
    sqlite3_stmt *q = NULL;
    bool ok = false;
    memset(p, 0, sizeof *p);
    why[0] = 0;
    if (sqlite3_prepare_v2(db, "SELECT chain, seq, segment, offset FROM place", -1, &q, NULL) == SQLITE_OK) {
        int r = sqlite3_step(q);
        if (r == SQLITE_ROW) {
            const char *text = (const char *)sqlite3_column_text(q, 0);
            p->seq = (uint64_t)sqlite3_column_int64(q, 1);
            p->segment = (uint64_t)sqlite3_column_int64(q, 2);
            p->at = (uint64_t)sqlite3_column_int64(q, 3);
            ok = hex_read(span_of(text), chain, CHAIN_NAME);
            if (!ok)
                snprintf(why, 256, "its place in the journal cannot be read");
        } else if (r != SQLITE_DONE) {
            snprintf(why, 256, "%s", sqlite3_errmsg(db));
        }
    } else {
        snprintf(why, 256, "%s", sqlite3_errmsg(db));
    }
    sqlite3_finalize(q);
    return ok;
}

static void db_close(struct index *x)
{
    sqlite3_finalize(x->add);
    sqlite3_finalize(x->add_words);
    sqlite3_finalize(x->add_note);
    sqlite3_finalize(x->move);
    x->add = x->add_words = x->add_note = x->move = NULL;
    sqlite3_close(x->db);
    x->db = NULL;
}

static void set_aside(const char *dir)
{
    static const char *const ends[] = { "", "-wal", "-shm" };
    for (size_t i = 0; i < 3; i++) {
        char from[PATH_MAX], to[PATH_MAX];
        if (snprintf(from, sizeof from, "%s/index.sqlite%s", dir, ends[i]) >= (int)sizeof from
            || snprintf(to, sizeof to, "%s/index.sqlite.bad%s", dir, ends[i]) >= (int)sizeof to)
            return;
        unlink(to);
        if (rename(from, to) != 0)
            unlink(from);
    }
}

/* 1 open, 0 not usable as it is, -1 trouble that a new one would have too. */
static int db_open(struct index *x, const uint8_t chain[CHAIN_NAME], uint64_t journal_seq)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/index.sqlite", x->dir) >= (int)sizeof path)
        return -1;
    /* Made here with its rights, whatever the umask; SQLite gives the same to its -wal and -shm. */
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd >= 0)
        close(fd);
    int r = sqlite3_open_v2(path, &x->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW, NULL);
    if (r != SQLITE_OK) {
        sql_trouble(x, "opening");
        return r == SQLITE_CORRUPT || r == SQLITE_NOTADB ? 0 : -1;
    }
    sqlite3_busy_timeout(x->db, 5000);
    sqlite3_db_config(x->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(x->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    r = sqlite3_exec(x->db, "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16000; PRAGMA wal_autocheckpoint = 4000;", NULL, NULL, NULL);
    if (r != SQLITE_OK) {
        sql_trouble(x, "opening");
        return r == SQLITE_CORRUPT || r == SQLITE_NOTADB ? 0 : -1;
    }
    sqlite3_stmt *q = NULL;
    int version = -1;
    if (sqlite3_prepare_v2(x->db, "SELECT (SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_schema)", -1, &q, NULL) == SQLITE_OK
        && sqlite3_step(q) == SQLITE_ROW)
        version = sqlite3_column_int(q, 0) == 0 && sqlite3_column_int(q, 1) == 0 ? 0 : sqlite3_column_int(q, 0) == INDEX_VERSION ? INDEX_VERSION : -1;
    sqlite3_finalize(q);
    if (version < 0) {
        snprintf(x->why, sizeof x->why, "the index is not one of this vigie");
        return 0;
    }
    if (version == 0 && !make_schema(x))
        return -1;
    uint8_t of[CHAIN_NAME];
    char why[256];
    if (index_place(x->db, of, &x->at, why)) {
        if (memcmp(of, chain, CHAIN_NAME) != 0 || x->at.seq > journal_seq) {
            snprintf(x->why, sizeof x->why, "the index belongs to another journal");
            return 0;
        }
    } else if (why[0]) {
        snprintf(x->why, sizeof x->why, "the index: %.200s", why);
        return 0;
    }
    struct buf sql = { 0 };
    unsigned n = 4;
    buf_add_text(&sql, "INSERT INTO exchanges(");
    index_columns(&sql);
    buf_add_text(&sql, ") VALUES(?");
    for (unsigned i = 0; next_column(&i) != NULL; n++) ;
    for (unsigned i = 1; i < n; i++)
        buf_add_text(&sql, ",?");
    buf_add_text(&sql, ")");
    char hex[2 * CHAIN_NAME + 1], move[256];
    hex_of(chain, CHAIN_NAME, hex);
    snprintf(move, sizeof move, "INSERT INTO place(one, chain, seq, segment, offset) VALUES(1, '%s', ?, ?, ?) ON CONFLICT(one) DO UPDATE SET "
             "chain = excluded.chain, seq = excluded.seq, segment = excluded.segment, offset = excluded.offset", hex);
    bool ok = prepare(x, sql.bytes, &x->add)
              && prepare(x, "INSERT INTO search(rowid, question, answer_start, words) VALUES(?, ?, ?, ?)", &x->add_words)
              && prepare(x, "INSERT INTO notes(seq, segment, offset, kind, at_us, n, gone_seq, text) VALUES(?, ?, ?, ?, ?, ?, ?, ?)", &x->add_note)
              && prepare(x, move, &x->move);
    buf_free(&sql);
    return ok ? 1 : 0;
}

static void without_counts(void)
{
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);   /* else each allocation takes a lock to be counted; too late in a process that used SQLite before, and no harm */
}
bool index_open(struct index *x, const char *dir, const uint8_t chain[CHAIN_NAME], uint64_t journal_seq)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, without_counts);
    memset(x, 0, sizeof *x);
    x->open.fd = -1;
    snprintf(x->dir, sizeof x->dir, "%s", dir);
    x->arena = arena_new(512 << 20);
    int r = db_open(x, chain, journal_seq);
    if (r == 0) {
        db_close(x);
        set_aside(dir);
        r = db_open(x, chain, journal_seq);
    }
    if (r == 1)
        return true;
    index_close(x);
    return false;
}

void index_close(struct index *x)
{
    db_close(x);
    if (x->open.fd >= 0)
        segment_close(&x->open);
    x->open.fd = -1;
    arena_free(x->arena);
    x->arena = NULL;
}

/* ---- Rows. ---- */

/* The texts and messages of the findings: what somebody would search for, without the names of JSON. */
static struct span finding_words(struct span findings, struct arena *a)
{
    struct json doc;
    if (findings.len < 3 || !json_read(&doc, a, findings))
        return (struct span){ NULL, 0 };
    struct buf out = { 0 };
    struct jv_walk w = jv_walk(json_root(&doc));
    while (jv_type(json_root(&doc)) == JSON_ARRAY && jv_next(&w)) {
        struct span text = jv_text(jv_get(w.value, "text"), a), message = jv_text(jv_get(w.value, "message"), a);
        if (text.len) {
            buf_add(&out, text);
            buf_add_char(&out, '\n');
        }
        if (message.len) {
            buf_add(&out, message);
            buf_add_char(&out, '\n');
        }
    }
    struct span words = arena_copy(a, buf_span(&out));
    buf_free(&out);
    return words;
}

static void bind_text(sqlite3_stmt *q, int i, struct span s)
{
    if (s.len)
        sqlite3_bind_text64(q, i, s.at, s.len, SQLITE_STATIC, SQLITE_UTF8);
    else
        sqlite3_bind_null(q, i);
}

static bool add_row(struct index *x, const struct entry *e, const struct record *r)
{
    int n = 0;
    const struct record_field *f;
    sqlite3_bind_int64(x->add, ++n, (int64_t)e->seq);
    sqlite3_bind_int64(x->add, ++n, (int64_t)x->open.number);
    sqlite3_bind_int64(x->add, ++n, (int64_t)e->at);
    for (unsigned i = 0; (f = next_column(&i)) != NULL;) {
        if (field_is_span(f))
            bind_text(x->add, ++n, *field_span(f, r));
        else if (f->kind == FIELD_ID)
            bind_text(x->add, ++n, span_of(r->id));
        else if (f->kind == FIELD_HASH)
            sqlite3_bind_blob(x->add, ++n, (const char *)r + f->offset, DIGEST_BYTES, SQLITE_STATIC);
        else
            sqlite3_bind_int64(x->add, ++n, (int64_t)field_number(f, r));
    }
    struct span words = finding_words(r->findings, x->arena);
    bind_text(x->add, ++n, words);
    int done = sqlite3_step(x->add);
    sqlite3_reset(x->add);
    if (done != SQLITE_DONE)
        return sql_trouble(x, "adding a row");
    if (!r->question.len && !r->answer_start.len && !words.len)
        return true;
    sqlite3_bind_int64(x->add_words, 1, (int64_t)e->seq);
    bind_text(x->add_words, 2, r->question);
    bind_text(x->add_words, 3, r->answer_start);
    bind_text(x->add_words, 4, words);
    done = sqlite3_step(x->add_words);
    sqlite3_reset(x->add_words);
    return done == SQLITE_DONE || sql_trouble(x, "adding words");
}

void index_row_read(sqlite3_stmt *row, struct record *out)
{
    int n = COLUMN_FIELDS;
    const struct record_field *f;
    memset(out, 0, sizeof *out);
    for (unsigned i = 0; (f = next_column(&i)) != NULL; n++) {
        const char *text = field_is_span(f) || f->kind == FIELD_ID ? (const char *)sqlite3_column_text(row, n) : NULL;
        size_t len = (size_t)sqlite3_column_bytes(row, n);
        if (field_is_span(f))
            *field_span(f, out) = (struct span){ text, text ? len : 0 };
        else if (f->kind == FIELD_ID)
            snprintf(out->id, sizeof out->id, "%s", text ? text : "");
        else if (f->kind == FIELD_HASH) {
            const void *blob = sqlite3_column_blob(row, n);
            if (blob && len == DIGEST_BYTES)
                memcpy((char *)out + f->offset, blob, DIGEST_BYTES);
        } else
            field_set_number(f, out, (uint64_t)sqlite3_column_int64(row, n));
    }
}

static bool text_same(sqlite3_stmt *row, int n, struct span s)
{
    if (!s.len)
        return sqlite3_column_type(row, n) == SQLITE_NULL;
    if (sqlite3_column_type(row, n) != SQLITE_TEXT)
        return false;
    const char *text = (const char *)sqlite3_column_text(row, n);
    return span_same(s, (struct span){ text, (size_t)sqlite3_column_bytes(row, n) });
}
static bool number_same(sqlite3_stmt *row, int n, int64_t v)
{
    return sqlite3_column_type(row, n) == SQLITE_INTEGER && sqlite3_column_int64(row, n) == v;
}

const char *index_row_differs(sqlite3_stmt *row, uint64_t segment, uint64_t at, const struct record *r, struct arena *a)
{
    int n = COLUMN_FIELDS;
    const struct record_field *f;
    if (!number_same(row, COLUMN_SEGMENT, (int64_t)segment))
        return "segment";
    if (!number_same(row, COLUMN_OFFSET, (int64_t)at))
        return "offset";
    for (unsigned i = 0; (f = next_column(&i)) != NULL; n++) {
        bool same;
        if (field_is_span(f))
            same = text_same(row, n, *field_span(f, r));
        else if (f->kind == FIELD_ID)
            same = text_same(row, n, span_of(r->id));
        else if (f->kind == FIELD_HASH)
            same = sqlite3_column_type(row, n) == SQLITE_BLOB && sqlite3_column_bytes(row, n) == DIGEST_BYTES
                   && memcmp(sqlite3_column_blob(row, n), (const char *)r + f->offset, DIGEST_BYTES) == 0;
        else
            same = number_same(row, n, (int64_t)field_number(f, r));
        if (!same)
            return f->name;
    }
    return text_same(row, n, finding_words(r->findings, a)) ? NULL : "words";
}

/* ---- Following the journal. ---- */

static bool add_note(struct index *x, const struct entry *e, const struct note *n)
{
    int i = 0;
    sqlite3_bind_int64(x->add_note, ++i, (int64_t)e->seq);
    sqlite3_bind_int64(x->add_note, ++i, (int64_t)x->open.number);
    sqlite3_bind_int64(x->add_note, ++i, (int64_t)e->at);
    sqlite3_bind_int64(x->add_note, ++i, n->kind);
    sqlite3_bind_int64(x->add_note, ++i, n->at_us);
    sqlite3_bind_int64(x->add_note, ++i, (int64_t)n->n);
    sqlite3_bind_int64(x->add_note, ++i, (int64_t)n->seq);
    bind_text(x->add_note, ++i, n->text);
    int done = sqlite3_step(x->add_note);
    sqlite3_reset(x->add_note);
    if (done != SQLITE_DONE)
        return sql_trouble(x, "adding a note");
    if (n->kind != NOTE_DROPPED || n->seq >= e->seq)
        return true;
    char sql[512];
    snprintf(sql, sizeof sql, "INSERT INTO search(search, rowid, question, answer_start, words) SELECT 'delete', seq, question, answer_start, words FROM exchanges "
             "WHERE seq <= %lld AND (question IS NOT NULL OR answer_start IS NOT NULL OR words IS NOT NULL);"
             "DELETE FROM exchanges WHERE seq <= %lld; DELETE FROM notes WHERE seq <= %lld",
             (long long)n->seq, (long long)n->seq, (long long)n->seq);
    return sqlite3_exec(x->db, sql, NULL, NULL, NULL) == SQLITE_OK || sql_trouble(x, "dropping rows");
}

/* The segment that holds the next entry; a new index begins with the oldest there is. 1 open, 0 none yet, -1 trouble. */
static int follow_open(struct index *x)
{
    const char *why;
    if (x->open.fd >= 0 && x->open.number == x->at.segment) {
        x->open.ahead_len = 0;                   /* the window may be older than what was written since */
        return 1;
    }
    if (x->open.fd >= 0)
        segment_close(&x->open);
    uint64_t want = x->at.segment, *numbers = NULL;
    long n = segment_list(x->dir, &numbers);
    uint64_t number = 0;
    for (long i = 0; i < n && !number; i++)
        if (numbers[i] >= want)
            number = numbers[i];
    free(numbers);
    if (!number)
        return 0;
    if (!segment_open(&x->open, x->dir, number, &why)) {
        snprintf(x->why, sizeof x->why, "%.180s: %s", x->open.path, why);
        return -1;
    }
    if (number != want) {                        /* from the start, or the rest of what we followed was dropped */
        x->at.segment = number;
        x->at.at = SEGMENT_HEAD;
    }
    if (x->at.at == SEGMENT_HEAD) {
        if (x->open.head.first_seq <= x->at.seq) {
            snprintf(x->why, sizeof x->why, "%.180s: its first record was seen before", x->open.path);
            return -1;
        }
        x->at.seq = x->open.head.first_seq - 1;  /* further than the last only when damage was passed over */
    }
    x->open.at = x->at.at;
    return 1;
}

int index_follow(struct index *x, uint64_t upto_seq)
{
    int rows = 0, opened;
    const char *why;
    struct position from = x->at;
    if (x->at.seq >= upto_seq)
        return 0;
    if (sqlite3_exec(x->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK) {
        sql_trouble(x, "beginning");
        return -1;
    }
    while (rows < INDEX_BATCH && x->at.seq < upto_seq && (opened = follow_open(x)) != 0) {
        struct entry e;
        struct span payload;
        enum scan r = SCAN_END;
        if (opened < 0)
            goto undo;
        segment_look_for_end(&x->open, x->dir);
        while (rows < INDEX_BATCH && x->at.seq < upto_seq && (r = segment_next(&x->open, &e, &payload, &why)) == SCAN_ENTRY) {
            if (e.seq != x->at.seq + 1) {
                r = SCAN_BAD;
                break;
            }
            struct record rec;
            struct note note;
            arena_reset(x->arena);
            bool ok = true;
            if (sealed_note_kind(payload) != NOTE_NONE)
                ok = note_read(payload, &note, &why) ? add_note(x, &e, &note) : (x->unreadable++, true);
            else if (sealed_read(payload, x->arena, false, &rec, &why))
                ok = add_row(x, &e, &rec);
            else
                x->unreadable++;                 /* verify will name it; the rest must stay findable */
            if (!ok)
                goto undo;
            x->at.seq = e.seq;
            x->at.at = e.end;
            rows++;
        }
        if (r == SCAN_ENTRY)
            continue;
        segment_look_for_end(&x->open, x->dir);
        if (x->open.end == UINT64_MAX)
            break;                               /* the journal's end as it is now */
        if (r == SCAN_BAD)
            x->unreadable++;                     /* damage: verify names it; the segments behind it must stay findable */
        x->at.segment = x->open.number + 1;
        x->at.at = SEGMENT_HEAD;
    }
    sqlite3_bind_int64(x->move, 1, (int64_t)x->at.seq);
    sqlite3_bind_int64(x->move, 2, (int64_t)x->at.segment);
    sqlite3_bind_int64(x->move, 3, (int64_t)x->at.at);
    int done = sqlite3_step(x->move);
    sqlite3_reset(x->move);
    if (done == SQLITE_DONE && sqlite3_exec(x->db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK)
        return rows;
    sql_trouble(x, "committing");
undo:
    sqlite3_exec(x->db, "ROLLBACK", NULL, NULL, NULL);
    x->at = from;
    if (x->open.fd >= 0)
        segment_close(&x->open);
    x->open.fd = -1;
    return -1;
}

sqlite3 *index_read_only(const char *dir, char why[256])
{
    char uri[3 * PATH_MAX + 64];
    size_t n = (size_t)snprintf(uri, sizeof uri, "file:");
    for (const char *c = dir; *c && n + 4 < sizeof uri - 48; c++)          /* a URI, so that a folder's odd characters mean themselves */
        n += (size_t)snprintf(uri + n, 4, strchr("%?#", *c) ? "%%%02x" : "%c", (unsigned char)*c);
    snprintf(uri + n, sizeof uri - n, "/index.sqlite");
    sqlite3 *db = NULL;
    sqlite3_stmt *q = NULL;
    why[0] = 0;
    for (int attempt = 0; attempt < 2; attempt++) {
        /* A folder that may not be written cannot hold WAL's shared memory; then nobody writes the file either. */
        int r = sqlite3_open_v2(uri, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, NULL);
        if (r == SQLITE_OK) {
            sqlite3_busy_timeout(db, 5000);
            sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
            sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
            int r2 = sqlite3_prepare_v2(db, "SELECT 1 FROM sqlite_schema LIMIT 1", -1, &q, NULL);
            r2 = r2 == SQLITE_OK ? sqlite3_step(q) : r2;
            sqlite3_finalize(q);
            if (r2 == SQLITE_ROW)
                return db;
            if (r2 == SQLITE_DONE) {              /* just being made */
                sqlite3_close(db);
                return NULL;
            }
        }
        snprintf(why, 256, "%s", db ? sqlite3_errmsg(db) : "out of memory");
        q = NULL;
        sqlite3_close(db);
        db = NULL;
        if (access(dir, W_OK) == 0)
            break;
        snprintf(uri + strlen(uri), sizeof uri - strlen(uri), "?immutable=1");
    }
    return NULL;
}
