/* SPDX-License-Identifier: Apache-2.0
 * Queries: a filter becomes one SQL statement made of constant pieces and bound values, over a read-only connection; bodies come from the journal.
 *
 * Pages must cost what they show at ten million rows, so the index to walk is chosen here and not guessed: the rarest kind of value that the filter names
 * leads, the others are tested on the way (a unary + keeps SQLite from using their indexes). A walk that finds too little for too long is stopped with a word. */
#include "store/inside.h"
#include "base/must.h"
#include "base/utf8.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <utf8proc.h>

enum { LIMIT_MOST = 100000, COUNT_MOST = 100000, WORDS_MOST = 32, VERDICTS_MOST = 8, BINDS_MOST = 160, ROW_PATIENCE_MS = 15000, PROGRESS_STEPS = 20000 };

struct store_reader {
    char dir[PATH_MAX - 128];
    sqlite3 *db;
    ino_t file;
    struct segment segment;          /* the last one that a body was read from */
    int64_t deadline_us;             /* for the row being looked for */
    unsigned patience_ms;            /* for a whole query; 0: unbounded */
    int64_t end_us;                  /* when the query under way must be done; 0: unbounded */
    bool is_out_of_time;
};

static void query_begins(struct store_reader *r)
{
    r->is_out_of_time = false;
    r->deadline_us = 0;
    r->end_us = r->patience_ms ? clock_us(CLOCK_MONOTONIC) + (int64_t)r->patience_ms * 1000 : 0;
}
static int64_t row_deadline(const struct store_reader *r)
{
    int64_t row = clock_us(CLOCK_MONOTONIC) + ROW_PATIENCE_MS * 1000;
    return r->end_us && r->end_us < row ? r->end_us : row;
}

static bool index_path(const struct store_reader *r, char out[PATH_MAX], struct stat *st)
{
    snprintf(out, PATH_MAX, "%s/index.sqlite", r->dir);
    return stat(out, st) == 0;
}

static int on_progress(void *reader)
{
    struct store_reader *r = reader;
    r->is_out_of_time = r->deadline_us && clock_us(CLOCK_MONOTONIC) > r->deadline_us;
    return r->is_out_of_time;
}

/* The index as it is now: one that was made anew since is opened anew. */
static bool connect(struct store_reader *r, char why[256])
{
    char path[PATH_MAX];
    struct stat st;
    if (!index_path(r, path, &st)) {
        snprintf(why, 256, "there is no index yet");
        return false;
    }
    if (r->db && r->file == st.st_ino)
        return true;
    sqlite3_close(r->db);
    r->file = st.st_ino;
    r->db = index_read_only(r->dir, why);
    if (r->db)
        sqlite3_progress_handler(r->db, PROGRESS_STEPS, on_progress, r);
    if (!r->db && !why[0])
        snprintf(why, 256, "there is no index yet");
    return r->db != NULL;
}

struct store_reader *store_reader_open(const char *dir, struct troubles *t)
{
    uint64_t *numbers;
    if (!dir || strlen(dir) >= sizeof ((struct store_reader *)0)->dir) {
        trouble_add(t, NULL, 0, 0, "give a shorter path", "the data folder's path is empty or too long");
        return NULL;
    }
    long n = segment_list(dir, &numbers);
    int e = errno;
    free(numbers);
    if (n <= 0) {
        trouble_add(t, dir, 0, 0, "is this the folder that data: names in the config?", "%s%s", n < 0 && e != ENOENT ? "the records cannot be read: " : "there are no records here", n < 0 && e != ENOENT ? strerror(e) : "");
        return NULL;
    }
    struct store_reader *r = calloc(1, sizeof *r);
    must(r != NULL);
    snprintf(r->dir, sizeof r->dir, "%s", dir);
    r->segment.fd = -1;
    return r;
}

void store_reader_close(struct store_reader *r)
{
    if (!r)
        return;
    sqlite3_close(r->db);
    if (r->segment.fd >= 0)
        segment_close(&r->segment);
    free(r);
}

void store_reader_patience(struct store_reader *r, unsigned ms)
{
    r->patience_ms = ms;
}

/* ---- From a filter to SQL. ---- */

struct query {
    struct buf sql, match, rule;
    struct { bool is_text; struct span text; int64_t number; } bind[BINDS_MOST];
    unsigned n;
    struct span verdicts[VERDICTS_MOST];
    unsigned nverdicts;
    bool is_nothing;                 /* words were asked for, and there are none in the text */
};

static void put_text(struct query *q, struct span s)
{
    must(q->n < BINDS_MOST);
    q->bind[q->n].is_text = true;
    q->bind[q->n++].text = s;
}
static void put_number(struct query *q, int64_t v)
{
    must(q->n < BINDS_MOST);
    q->bind[q->n].is_text = false;
    q->bind[q->n++].number = v;
}

/* What the index's tokenizer (unicode61) takes for part of a word. */
static bool is_word_character(uint32_t c)
{
    if (c < 0x80)
        return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');
    utf8proc_category_t k = utf8proc_category((utf8proc_int32_t)c);
    return (k >= UTF8PROC_CATEGORY_LU && k <= UTF8PROC_CATEGORY_LO) || (k >= UTF8PROC_CATEGORY_ND && k <= UTF8PROC_CATEGORY_NO) || k == UTF8PROC_CATEGORY_CO || (c >= 0x300 && c <= 0x331);
}

/* Words in double quotes are words to FTS5, whatever they look like; all must be there. A star after a word asks for its beginning. They are cut as the
 * index cuts, since what it would cut further is a phrase to it, and it knows no places. */
static void match_of(struct query *q, struct span text)
{
    unsigned words = 0;
    q->match.cap = 64 << 10;
    for (size_t i = 0; i < text.len && words < WORDS_MOST;) {
        size_t from = i, n;
        while ((n = utf8_length(text.at + i, text.len - i)) > 0 && is_word_character(utf8_code(text.at + i, n)))
            i += n;
        if (i == from) {
            i += n ? n : 1;
            continue;
        }
        buf_add_text(&q->match, words++ ? " \"" : "\"");
        buf_add(&q->match, span_cut(text, from, i));
        buf_add_text(&q->match, i < text.len && text.at[i] == '*' ? "\"*" : "\"");
    }
    q->is_nothing = !words || q->match.failed;
}

static void verdicts_of(struct query *q, struct span list)
{
    while (list.len) {
        const char *comma = memchr(list.at, ',', list.len);
        size_t n = comma ? (size_t)(comma - list.at) : list.len;
        struct span word = span_trim(span_cut(list, 0, n));
        bool is_new = word.len > 0;
        for (unsigned i = 0; i < q->nverdicts; i++)
            is_new &= !span_same(word, q->verdicts[i]);
        if (is_new && q->nverdicts < VERDICTS_MOST)
            q->verdicts[q->nverdicts++] = word;
        list = span_cut(list, comma ? n + 1 : n, list.len);
    }
}

/* A rule is asked for whether it decided or only spoke as well: it stands in `rules` as {"id":"…". No rule spoke on what was
 * allowed, so the walk is along the verdicts that are left. */
static void rule_of(struct query *q, struct span rule)
{
    if (!rule.len)
        return;
    q->rule.cap = 64 << 10;
    buf_add_text(&q->rule, "{\"id\":\"");
    buf_add_json(&q->rule, rule);
    buf_add_text(&q->rule, "\"");
    q->is_nothing |= q->rule.failed;
    if (!q->nverdicts)
        verdicts_of(q, SPAN("flag,redact,block"));
}

struct before { int64_t at_us, seq; bool is_set; };

/* One SELECT's conditions. verdict.at NULL: any. */
static void add_where(struct query *q, const struct record_filter *f, struct span verdict, struct before before)
{
    /* Rarest first. `allow` is most of the traffic, so its index leads nowhere. */
    const struct { const char *column; struct span value; bool may_lead; } equal[] = {
        { "\"join\"", f->join, true }, { "session", f->session, true }, { "verdict", verdict, !span_is(verdict, "allow") },
        { "caller", f->caller, true }, { "model", f->model, true }, { "route", f->route, true }, { "api", f->api, false },
    };
    bool has_leader = f->text.len > 0;
    buf_add_text(&q->sql, f->text.len ? " FROM search s CROSS JOIN exchanges e ON e.seq = s.rowid WHERE s.search MATCH ?" : " FROM exchanges e WHERE 1");
    if (f->text.len)
        put_text(q, buf_span(&q->match));
    for (size_t i = 0; i < sizeof equal / sizeof equal[0]; i++) {
        if (!equal[i].value.len)
            continue;
        bool leads = !has_leader && equal[i].may_lead;
        has_leader |= leads;
        buf_printf(&q->sql, " AND %se.%s = ?", leads ? "" : "+", equal[i].column);
        if (leads && equal[i].value.at == verdict.at)
            buf_add_text(&q->sql, " AND e.verdict <> 'allow'");      /* so that SQLite may use the partial index */
        put_text(q, equal[i].value);
    }
    if (f->text.len && q->nverdicts > 1) {
        buf_add_text(&q->sql, " AND +e.verdict IN (?");
        put_text(q, q->verdicts[0]);
        for (unsigned i = 1; i < q->nverdicts; i++) {
            buf_add_text(&q->sql, ",?");
            put_text(q, q->verdicts[i]);
        }
        buf_add_text(&q->sql, ")");
    }
    if (q->rule.len) {
        buf_add_text(&q->sql, " AND instr(e.rules, ?)");
        put_text(q, buf_span(&q->rule));
    }
    if (f->since_us) {
        buf_add_text(&q->sql, " AND e.at_us >= ?");
        put_number(q, f->since_us);
    }
    if (f->until_us) {
        buf_add_text(&q->sql, " AND e.at_us < ?");
        put_number(q, f->until_us);
    }
    if (before.is_set && f->text.len) {
        buf_add_text(&q->sql, " AND s.rowid < ?");
        put_number(q, before.seq);
    } else if (before.is_set) {
        buf_add_text(&q->sql, " AND (e.at_us, e.seq) < (?, ?)");
        put_number(q, before.at_us);
        put_number(q, before.seq);
    }
    buf_add_text(&q->sql, f->text.len ? " ORDER BY s.rowid DESC LIMIT ?" : " ORDER BY e.at_us DESC, e.seq DESC LIMIT ?");
    put_number(q, f->limit);
}

static sqlite3_stmt *prepare(struct store_reader *r, struct query *q)
{
    sqlite3_stmt *out = NULL;
    if (q->sql.failed || sqlite3_prepare_v2(r->db, q->sql.bytes, (int)q->sql.len, &out, NULL) != SQLITE_OK)
        return NULL;
    for (unsigned i = 0; i < q->n; i++) {
        int rc = q->bind[i].is_text ? sqlite3_bind_text64(out, (int)i + 1, q->bind[i].text.at ? q->bind[i].text.at : "", q->bind[i].text.len, SQLITE_STATIC, SQLITE_UTF8)
                                    : sqlite3_bind_int64(out, (int)i + 1, q->bind[i].number);
        if (rc != SQLITE_OK) {
            sqlite3_finalize(out);
            return NULL;
        }
    }
    return out;
}

/* SELECT columns …; with several verdicts one ordered walk each, merged, so that two rare verdicts do not cost a sort of the table. */
static void build(struct query *q, const struct record_filter *f, const char *columns, struct before before)
{
    q->sql.cap = 64 << 10;
    if (q->nverdicts < 2 || f->text.len) {
        buf_printf(&q->sql, "SELECT %s", columns);
        add_where(q, f, q->nverdicts == 1 ? q->verdicts[0] : (struct span){ NULL, 0 }, before);
        return;
    }
    for (unsigned i = 0; i < q->nverdicts; i++) {
        buf_printf(&q->sql, "%sSELECT * FROM (SELECT %s", i ? " UNION ALL " : "", columns);
        add_where(q, f, q->verdicts[i], before);
        buf_add_text(&q->sql, ")");
    }
    buf_add_text(&q->sql, " ORDER BY at_us DESC, seq DESC LIMIT ?");
    put_number(q, f->limit);
}

static void query_free(struct query *q)
{
    buf_free(&q->sql);
    buf_free(&q->match);
    buf_free(&q->rule);
}

static bool find_id(struct store_reader *r, struct span id, struct before *out, struct position *place)
{
    sqlite3_stmt *s = NULL;
    bool found = false;
    if (sqlite3_prepare_v2(r->db, "SELECT at_us, seq, segment, offset FROM exchanges WHERE id = ? ORDER BY seq LIMIT 1", -1, &s, NULL) == SQLITE_OK) {
        sqlite3_bind_text64(s, 1, id.at ? id.at : "", id.len, SQLITE_STATIC, SQLITE_UTF8);
        found = sqlite3_step(s) == SQLITE_ROW;
        if (found && out)
            *out = (struct before){ sqlite3_column_int64(s, 0), sqlite3_column_int64(s, 1), true };
        if (found && place) {
            place->seq = (uint64_t)sqlite3_column_int64(s, 1);
            place->segment = (uint64_t)sqlite3_column_int64(s, 2);
            place->at = (uint64_t)sqlite3_column_int64(s, 3);
        }
    }
    sqlite3_finalize(s);
    return found;
}

static bool say(struct store_reader *r, struct troubles *t)
{
    if (r->is_out_of_time)
        trouble_add(t, r->dir, 0, 0, "narrow the time, or name a route, rule or caller", "too many records to look through for this filter");
    else
        trouble_add(t, r->dir, 0, 0, "vigie verify tells whether the records are whole; vigie records --rebuild makes the index anew", "the index cannot be read: %s",
                    sqlite3_errmsg(r->db));
    return false;
}

bool store_reader_list(struct store_reader *r, const struct record_filter *given, bool (*each)(void *context, const struct record *rec), void *context, struct troubles *t)
{
    char why[256];
    struct record_filter f = *given;
    f.limit = f.limit < 1 ? 1 : f.limit > LIMIT_MOST ? LIMIT_MOST : f.limit;
    if (!connect(r, why)) {
        trouble_add(t, r->dir, 0, 0, "vigie records --rebuild makes the index from the journal", "the index cannot be opened: %s", why);
        return false;
    }
    struct before before = { .is_set = false };
    query_begins(r);
    if (f.id_before.len && !find_id(r, f.id_before, &before, NULL)) {
        trouble_add(t, NULL, 0, 0, "give the id of a record that was listed", "there is no record " SPAN_FMT, SPAN_ARG(f.id_before));
        return false;
    }
    struct query q = { 0 };
    verdicts_of(&q, f.verdict);
    rule_of(&q, f.rule);
    if (f.text.len)
        match_of(&q, f.text);
    bool ok = true;
    if (!q.is_nothing && !(f.verdict.len && !q.nverdicts)) {
        struct buf columns = { 0 };
        buf_add_text(&columns, "e.");
        index_columns(&columns);
        /* Every column of the list is one of exchanges; only `words`, `question` and `answer_start` are in search as well. */
        struct buf qualified = { 0 };
        for (size_t i = 0; i < columns.len; i++) {
            buf_add_char(&qualified, columns.bytes[i]);
            if (columns.bytes[i] == ' ')
                buf_add_text(&qualified, "e.");
        }
        build(&q, &f, qualified.bytes, before);
        buf_free(&columns);
        buf_free(&qualified);
        sqlite3_stmt *s = prepare(r, &q);
        int rc = s ? SQLITE_ROW : SQLITE_ERROR;
        while (rc == SQLITE_ROW) {
            r->deadline_us = row_deadline(r);
            r->is_out_of_time = r->end_us && clock_us(CLOCK_MONOTONIC) >= r->end_us; /* cheap rows never reach the progress handler */
            rc = r->is_out_of_time ? SQLITE_INTERRUPT : sqlite3_step(s);
            r->deadline_us = 0;
            struct record rec;
            if (rc == SQLITE_ROW) {
                index_row_read(s, &rec);
                if (!each(context, &rec))
                    break;
            }
        }
        ok = rc == SQLITE_ROW || rc == SQLITE_DONE || say(r, t);
        sqlite3_finalize(s);
    }
    query_free(&q);
    return ok;
}

bool store_reader_count(struct store_reader *r, const struct record_filter *given, uint64_t *n, bool *is_more)
{
    char why[256];
    struct record_filter f = *given;
    f.limit = COUNT_MOST + 1;
    *n = 0;
    *is_more = false;
    if (!connect(r, why))
        return false;
    struct before before = { .is_set = false };
    query_begins(r);
    r->deadline_us = row_deadline(r);
    struct query q = { 0 };
    verdicts_of(&q, f.verdict);
    rule_of(&q, f.rule);
    if (f.text.len)
        match_of(&q, f.text);
    bool ok = !f.id_before.len || find_id(r, f.id_before, &before, NULL);
    if (ok && !q.is_nothing && !(f.verdict.len && !q.nverdicts)) {
        struct query whole = q;
        build(&whole, &f, f.text.len ? "1" : "e.at_us AS at_us, e.seq AS seq", before);
        struct buf counted = { .cap = 64 << 10 };
        buf_printf(&counted, "SELECT count(*) FROM (");
        buf_add(&counted, buf_span(&whole.sql));
        buf_add_text(&counted, ")");
        buf_free(&whole.sql);
        whole.sql = counted;
        sqlite3_stmt *s = prepare(r, &whole);
        ok = s && sqlite3_step(s) == SQLITE_ROW;
        if (ok)
            *n = (uint64_t)sqlite3_column_int64(s, 0);
        sqlite3_finalize(s);
        buf_free(&whole.sql);
    }
    r->deadline_us = 0;
    query_free(&q);
    *is_more = *n > COUNT_MOST;
    if (*is_more)
        *n = COUNT_MOST;
    return ok;
}

bool store_reader_seq(struct store_reader *r, struct span id, int64_t at_us, uint64_t *seq)
{
    char why[256];
    struct position p;
    if (!connect(r, why))
        return false;
    if (id.len) {
        bool found = find_id(r, id, NULL, &p);
        *seq = found ? p.seq : 0;
        return found;
    }
    sqlite3_stmt *s = NULL;
    bool found = false;
    if (sqlite3_prepare_v2(r->db, "SELECT seq FROM exchanges WHERE at_us >= ? ORDER BY at_us, seq LIMIT 1", -1, &s, NULL) == SQLITE_OK) {
        sqlite3_bind_int64(s, 1, at_us);
        found = sqlite3_step(s) == SQLITE_ROW;
        if (found)
            *seq = (uint64_t)sqlite3_column_int64(s, 0);
    }
    sqlite3_finalize(s);
    return found;
}

/* ---- Bodies, from the journal. ---- */

bool store_reader_get(struct store_reader *r, struct arena *a, struct span id, struct record *out)
{
    char text[256];
    const char *why;
    struct position p;
    if (id.len != RECORD_ID_BYTES || !connect(r, text) || !find_id(r, id, NULL, &p))
        return false;
    if (r->segment.fd >= 0 && r->segment.number != p.segment)
        segment_close(&r->segment);
    if (r->segment.fd < 0 && !segment_open(&r->segment, r->dir, p.segment, &why))
        return false;
    r->segment.at = p.at;
    r->segment.ahead_len = 0;
    r->segment.end = UINT64_MAX;
    struct entry e;
    struct span payload;
    /* A row that points elsewhere than to its own record (an index that was touched) shows nothing rather than another's text. */
    if (segment_next(&r->segment, &e, &payload, &why) != SCAN_ENTRY || e.seq != p.seq || sealed_check(payload, e.digest))
        return false;
    struct span kept = arena_copy(a, payload);
    return sealed_read(kept, a, true, out, &why) && span_same(span_of(out->id), id);
}

bool store_reader_walk(struct store_reader *r, uint64_t from, bool (*each)(void *context, uint64_t seq, const struct record *rec), void *context, struct troubles *t)
{
    uint64_t *numbers;
    long n = segment_list(r->dir, &numbers);
    struct arena *a = arena_new(1024u << 20);
    bool ok = n > 0, go_on = true;
    if (!ok)
        trouble_add(t, r->dir, 0, 0, "is this the folder that data: names in the config?", "there are no records here");
    for (long i = 0; ok && go_on && i < n; i++) {
        struct segment s;
        const char *why;
        if (i + 1 < n) {                         /* skip what ends before `from` */
            struct segment after;
            uint64_t first = 0;
            if (segment_open(&after, r->dir, numbers[i + 1], &why)) {
                first = after.head.first_seq;
                segment_close(&after);
            }
            if (first && first <= from)
                continue;
        }
        if (!segment_open(&s, r->dir, numbers[i], &why)) {
            trouble_add(t, s.path, 0, 0, "vigie verify tells more", "%s", why);
            ok = false;
            break;
        }
        segment_look_for_end(&s, r->dir);
        struct entry e;
        struct span payload;
        enum scan got;
        uint64_t read_again = 0;                 /* what looks damaged may be under the writer's hands: it is read twice (see verify.c) */
        while (go_on && (got = segment_next(&s, &e, &payload, &why)) != SCAN_END) {
            struct record rec;
            if (got == SCAN_BAD) {
                segment_look_for_end(&s, r->dir);
                if (s.end == UINT64_MAX)
                    break;                       /* the end of what is written */
            } else if (e.seq < from || sealed_note_kind(payload) != NOTE_NONE) {
                continue;
            } else {
                arena_reset(a);
                why = sealed_check(payload, e.digest);
                if (!why && sealed_read(payload, a, true, &rec, &why)) {
                    go_on = each(context, e.seq, &rec);
                    continue;
                }
            }
            uint64_t at = got == SCAN_BAD ? s.at : e.at;
            struct tail tail;
            if (got == SCAN_ENTRY && s.end == UINT64_MAX && segment_tail(&s, at, &tail) && !tail.is_damage)
                break;
            if (read_again != at) {
                read_again = s.at = at;
                s.ahead_len = 0;
                continue;
            }
            trouble_add(t, s.path, 0, 0, "vigie verify tells more", "byte %llu: %s", (unsigned long long)at, why);
            ok = false;
            break;
        }
        segment_close(&s);
    }
    arena_free(a);
    free(numbers);
    return ok;
}

/* ---- Catching up. ---- */

/* The last sequence number in the journal, looking from the index's place on: only heads of entries that are not indexed yet. */
static uint64_t journal_end(const char *dir, struct position from)
{
    uint64_t *numbers, seq = from.seq;
    long n = segment_list(dir, &numbers);
    for (long i = 0; i < n; i++) {
        struct segment s;
        struct entry e;
        const char *why;
        if (numbers[i] < from.segment || !segment_open(&s, dir, numbers[i], &why))
            continue;
        if (numbers[i] == from.segment && from.at)
            s.at = from.at;
        segment_look_for_end(&s, dir);
        while (segment_next_head(&s, &e, &why) == SCAN_ENTRY)
            seq = e.seq > seq ? e.seq : seq;
        segment_close(&s);
    }
    free(numbers);
    return seq;
}

static bool place_now(struct store_reader *r, struct position *p)
{
    char why[256];
    uint8_t chain[CHAIN_NAME];
    memset(p, 0, sizeof *p);
    return connect(r, why) && index_place(r->db, chain, p, why);
}

bool store_reader_settle(struct store_reader *r, unsigned wait_ms)
{
    struct position p;
    char why[256];
    int64_t until = clock_us(CLOCK_MONOTONIC) + (int64_t)wait_ms * 1000;
    place_now(r, &p);
    uint64_t target = journal_end(r->dir, p);
    for (unsigned round = 0;; round++) {
        bool has_place = place_now(r, &p);
        if (has_place && p.seq >= target)
            return true;
        /* No writer, so nobody else will do it. */
        int lock = store_lock(r->dir, 0);
        if (lock >= 0) {
            bool ok = index_catch_up(r->dir, why);
            close(lock);
            return ok && place_now(r, &p) && p.seq >= target;
        }
        if (clock_us(CLOCK_MONOTONIC) >= until)
            return false;
        usleep(round < 20 ? 2000 : 10000);
    }
}

bool store_rebuild(const char *dir, uint64_t *records, struct troubles *t)
{
    char path[PATH_MAX], why[256] = "";
    *records = 0;
    struct store_reader *r = store_reader_open(dir, t);
    if (!r)
        return false;
    int lock = store_lock(r->dir, 1000);
    if (lock < 0) {
        trouble_add(t, dir, 0, 0, errno == EWOULDBLOCK ? "stop vigie serve first" : "", "%s", errno == EWOULDBLOCK ? "a running vigie uses this data folder" : strerror(errno));
        store_reader_close(r);
        return false;
    }
    static const char *const ends[] = { "", "-wal", "-shm" };
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/index.sqlite%s", r->dir, ends[i]);
        unlink(path);
    }
    bool ok = index_catch_up(r->dir, why) && connect(r, why);
    if (ok) {
        sqlite3_stmt *s = NULL;
        if (sqlite3_prepare_v2(r->db, "SELECT count(*) FROM exchanges", -1, &s, NULL) == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW)
            *records = (uint64_t)sqlite3_column_int64(s, 0);
        sqlite3_finalize(s);
    } else {
        trouble_add(t, dir, 0, 0, "vigie verify tells whether the journal is whole", "the index cannot be made: %s", why);
    }
    close(lock);
    store_reader_close(r);
    return ok;
}
