/* SPDX-License-Identifier: Apache-2.0
 * Verify: the chain from its first segment to its end, and the index against it, column by column. What it cannot rule out, and what to keep elsewhere against that,
 * is in docs/records.md.
 *
 * Facts that say a record was committed, besides the record itself: the head file, the index's place, and entries behind it. Where the journal
 * ends before any of these, its end was removed or damaged. It works beside a running writer: what these facts say is read first, so that the journal can only
 * be further on. */
#include "store/inside.h"
#include "store/words.h"
#include "base/must.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct check {
    const char *dir;
    uint64_t from, to;
    struct verify_result *out;
    struct arena *arena;
    uint64_t seq;                    /* the last entry that was good */
    uint8_t head[DIGEST_BYTES], chain[CHAIN_NAME];
    bool has_chain;
    uint64_t dropped_seq;            /* by the last note that drops segments */
    uint8_t dropped_head[DIGEST_BYTES];
    uint64_t first_seq;              /* of the oldest segment there is, when it is not the first of all */
    uint8_t first_head[DIGEST_BYTES];
    /* the index */
    sqlite3 *db;
    sqlite3_stmt *rows, *notes;
    struct words *words;
    bool has_row, has_note;
    struct position indexed, known;  /* the index's place; the head file's (seq 0: none) */
    uint64_t index_dropped;          /* rows up to here were dropped from the index with their segments */
    const char *wanted;              /* --head: a hash that must occur */
    bool has_wanted;
};

static bool bad(struct check *c, uint64_t seq, const char *id, const char *where, uint64_t at, const char *what, ...) __attribute__((format(printf, 6, 7)));
static bool bad(struct check *c, uint64_t seq, const char *id, const char *where, uint64_t at, const char *what, ...)
{
    va_list args;
    c->out->is_good = false;
    c->out->bad_seq = seq;
    bool is_id = id && strspn(id, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") == strlen(id);   /* it may be anything by now */
    snprintf(c->out->bad_id, sizeof c->out->bad_id, "%s", is_id ? id : "");
    snprintf(c->out->where, sizeof c->out->where, at == UINT64_MAX ? "%.480s" : "%.480s, byte %llu", where, (unsigned long long)at);
    va_start(args, what);
    vsnprintf(c->out->what, sizeof c->out->what, what, args);
    va_end(args);
    return false;
}

/* ---- The index beside it: two cursors in order of seq. ---- */

static bool rows_begin(struct check *c, uint64_t after)
{
    sqlite3_bind_int64(c->rows, 1, (int64_t)after);
    sqlite3_bind_int64(c->rows, 2, (int64_t)c->indexed.seq);
    int r = sqlite3_step(c->rows);
    c->has_row = r == SQLITE_ROW;
    sqlite3_bind_int64(c->notes, 1, (int64_t)after);
    sqlite3_bind_int64(c->notes, 2, (int64_t)c->indexed.seq);
    int n = sqlite3_step(c->notes);
    c->has_note = n == SQLITE_ROW;
    return (r == SQLITE_ROW || r == SQLITE_DONE) && (n == SQLITE_ROW || n == SQLITE_DONE);
}

static bool row_next(sqlite3_stmt *q, bool *has)
{
    int r = sqlite3_step(q);
    *has = r == SQLITE_ROW;
    return r == SQLITE_ROW || r == SQLITE_DONE;
}

static void index_where(struct check *c, char out[PATH_MAX + 32], const char *table)
{
    snprintf(out, PATH_MAX + 32, "%.4000s/index.sqlite, table %s", c->dir, table);
}

static bool index_unreadable(struct check *c)
{
    char where[PATH_MAX + 32];
    index_where(c, where, "exchanges");
    return bad(c, c->seq + 1, "", where, UINT64_MAX, "the index cannot be read: %s (the journal is good as far as record %llu; vigie records --rebuild makes the index anew)",
               sqlite3_errmsg(c->db), (unsigned long long)c->seq);
}

static bool surplus_row(struct check *c, uint64_t seq, sqlite3_stmt *row, const char *table)
{
    char where[PATH_MAX + 32];
    index_where(c, where, table);
    const char *id = row == c->rows ? (const char *)sqlite3_column_text(row, COLUMN_FIELDS) : "";
    return bad(c, seq, id, where, UINT64_MAX, "row %llu of the index has no record in the journal", (unsigned long long)seq);
}

/* Rows before entry seq (or up to the end) that the journal does not have. */
static bool no_surplus(struct check *c, uint64_t before)
{
    if (c->has_row && (uint64_t)sqlite3_column_int64(c->rows, 0) < before)
        return surplus_row(c, (uint64_t)sqlite3_column_int64(c->rows, 0), c->rows, "exchanges");
    if (c->has_note && (uint64_t)sqlite3_column_int64(c->notes, 0) < before)
        return surplus_row(c, (uint64_t)sqlite3_column_int64(c->notes, 0), c->notes, "notes");
    return true;
}

static bool check_row(struct check *c, const struct entry *e, uint64_t segment, const struct record *rec)
{
    char where[PATH_MAX + 32];
    if (!c->db || e->seq > c->indexed.seq || e->seq <= c->index_dropped)
        return true;
    if (!no_surplus(c, e->seq))
        return false;
    index_where(c, where, "exchanges");
    if (!c->has_row || (uint64_t)sqlite3_column_int64(c->rows, 0) != e->seq)
        return bad(c, e->seq, rec->id, where, UINT64_MAX, "record %llu is in the journal, but its row was removed from the index", (unsigned long long)e->seq);
    const char *column = index_row_differs(c->rows, segment, e->at, rec, c->arena);
    if (column)
        return bad(c, e->seq, rec->id, where, UINT64_MAX, "column %s of row %llu is not what the journal says", column, (unsigned long long)e->seq);
    if (c->words) {
        int last = sqlite3_column_count(c->rows) - 1;
        const char *words = (const char *)sqlite3_column_text(c->rows, last);
        words_add(c->words, (int64_t)e->seq, (struct span[3]){ rec->question, rec->answer_start, { words, (size_t)sqlite3_column_bytes(c->rows, last) } });
    }
    return row_next(c->rows, &c->has_row) || index_unreadable(c);
}

static bool check_note_row(struct check *c, const struct entry *e, uint64_t segment, const struct note *n)
{
    char where[PATH_MAX + 32];
    if (!c->db || e->seq > c->indexed.seq || e->seq <= c->index_dropped)
        return true;
    if (!no_surplus(c, e->seq))
        return false;
    index_where(c, where, "notes");
    if (!c->has_note || (uint64_t)sqlite3_column_int64(c->notes, 0) != e->seq)
        return bad(c, e->seq, "", where, UINT64_MAX, "note %llu is in the journal, but its row was removed from the index", (unsigned long long)e->seq);
    struct span text = { (const char *)sqlite3_column_text(c->notes, 7), 0 };
    text.len = (size_t)sqlite3_column_bytes(c->notes, 7);
    if ((uint64_t)sqlite3_column_int64(c->notes, 1) != segment || (uint64_t)sqlite3_column_int64(c->notes, 2) != e->at || sqlite3_column_int(c->notes, 3) != (int)n->kind
        || sqlite3_column_int64(c->notes, 4) != n->at_us || (uint64_t)sqlite3_column_int64(c->notes, 5) != n->n || (uint64_t)sqlite3_column_int64(c->notes, 6) != n->seq
        || !span_same(text, n->text))
        return bad(c, e->seq, "", where, UINT64_MAX, "row %llu is not what the journal says", (unsigned long long)e->seq);
    return row_next(c->notes, &c->has_note) || index_unreadable(c);
}

/* ---- The journal. ---- */

static bool check_entry(struct check *c, struct segment *s, const struct entry *e, struct span payload)
{
    uint8_t head[DIGEST_BYTES];
    struct record rec;
    struct note note;
    const char *why;
    if (e->seq != c->seq + 1)
        return bad(c, c->seq + 1, "", s->path, e->at, "record %llu stands where record %llu must be", (unsigned long long)e->seq, (unsigned long long)c->seq + 1);
    arena_reset(c->arena);
    enum note_kind kind = sealed_note_kind(payload);
    rec.id[0] = 0;
    why = sealed_check(payload, e->digest);
    if (why) {
        const char *unused;
        struct record named;                      /* its id, if that much can be read */
        bool has_name = kind == NOTE_NONE && sealed_read(payload, c->arena, false, &named, &unused);
        return bad(c, e->seq, has_name ? named.id : "", s->path, e->at, "record %llu was changed: %s", (unsigned long long)e->seq, why);
    }
    bool ok = kind == NOTE_NONE ? sealed_read(payload, c->arena, true, &rec, &why) : note_read(payload, &note, &why);
    if (!ok)
        return bad(c, e->seq, rec.id, s->path, e->at, "record %llu cannot be read: %s", (unsigned long long)e->seq, why);
    chain_next(c->head, e->digest, head);
    if (memcmp(head, e->head, DIGEST_BYTES) != 0)
        return bad(c, e->seq, kind == NOTE_NONE ? rec.id : "", s->path, e->at, "record %llu does not follow the one before it: one was removed, inserted, exchanged or changed here",
                   (unsigned long long)e->seq);
    if (e->seq == c->known.seq && memcmp(head, c->known.head, DIGEST_BYTES) != 0)
        return bad(c, e->seq, kind == NOTE_NONE ? rec.id : "", s->path, e->at, "the chain's head at record %llu is not the one in the file 'head': the journal was rewritten (or the file was)",
                   (unsigned long long)e->seq);
    if (kind == NOTE_DROPPED) {
        c->dropped_seq = note.seq;
        memcpy(c->dropped_head, note.head, DIGEST_BYTES);
    }
    if (e->seq >= c->from) {
        if (kind == NOTE_NONE) {
            c->out->records++;
            if (!check_row(c, e, s->number, &rec))
                return false;
        } else {
            c->out->gaps += kind == NOTE_GAP ? 1 : 0;
            c->out->lost += kind == NOTE_GAP ? note.n : 0;
            if (!check_note_row(c, e, s->number, &note))
                return false;
        }
    }
    c->seq = e->seq;
    memcpy(c->head, head, DIGEST_BYTES);
    hex_of(head, DIGEST_BYTES, c->out->head);
    c->has_wanted |= c->wanted && strcasecmp(c->wanted, c->out->head) == 0;
    return true;
}

static bool check_segment_head(struct check *c, struct segment *s, bool is_first)
{
    const struct segment_head *h = &s->head;
    uint8_t begin[DIGEST_BYTES];
    if (!c->has_chain)
        memcpy(c->chain, h->chain, CHAIN_NAME);
    c->has_chain = true;
    if (memcmp(c->chain, h->chain, CHAIN_NAME) != 0)
        return bad(c, c->seq + 1, "", s->path, 48, "this segment is of another chain");
    if (is_first) {
        chain_begin(h->chain, begin);
        bool is_origin = h->number == 1;
        if (is_origin && (h->first_seq != 1 || memcmp(h->head, begin, DIGEST_BYTES) != 0))
            return bad(c, 1, "", s->path, 64, "the first segment does not begin a chain");
        if (!is_origin) {                        /* the note that allows this comes later in the chain */
            c->first_seq = h->first_seq;
            memcpy(c->first_head, h->head, DIGEST_BYTES);
        }
        c->seq = h->first_seq - 1;
        memcpy(c->head, h->head, DIGEST_BYTES);
        hex_of(c->head, DIGEST_BYTES, c->out->head);
        uint64_t after = c->from > h->first_seq ? c->from - 1 : c->seq;
        return !c->db || rows_begin(c, after > c->index_dropped ? after : c->index_dropped) || index_unreadable(c);
    }
    if (h->first_seq != c->seq + 1 || memcmp(h->head, c->head, DIGEST_BYTES) != 0)
        return bad(c, c->seq + 1, "", s->path, 64, "this segment begins at record %llu and does not follow record %llu, the last of the segment before it",
                   (unsigned long long)h->first_seq, (unsigned long long)c->seq);
    return true;
}

static void say_tail(struct check *c)
{
    snprintf(c->out->what, sizeof c->out->what, "what stands behind record %llu is not part of the chain: it is being written right now, or a crash tore it and no client was told of it",
             (unsigned long long)c->seq);
}

/* -1: gone while we looked (dropped by the writer), 0 bad, 1 good. */
static int check_segment(struct check *c, uint64_t number, bool is_first, uint64_t known_seq)
{
    struct segment s;
    const char *why;
    if (!segment_open(&s, c->dir, number, &why)) {
        if (access(s.path, F_OK) != 0 && errno == ENOENT)
            return -1;
        bad(c, c->seq + 1, "", s.path, 0, "%s", why);
        return 0;
    }
    segment_look_for_end(&s, c->dir);
    bool ok = check_segment_head(c, &s, is_first);
    /* Beside a writer, what looks damaged may have been read in the midst of being written, when what proves it damage was written after that: what stands
     * there is read once more before it is called so. */
    uint64_t read_again = 0;
    while (ok && (!c->to || c->seq < c->to)) {
        struct entry e;
        struct span payload;
        enum scan r = segment_next(&s, &e, &payload, &why);
        uint64_t at = s.at;
        if (r == SCAN_ENTRY) {
            struct verify_result before = *c->out;
            ok = check_entry(c, &s, &e, payload);
            struct tail tail;
            bool was_last = !ok && s.end == UINT64_MAX && e.seq > known_seq;
            if (was_last) {
                segment_look_for_end(&s, c->dir);
                /* A group being written right now, or torn by a crash: nobody was told of it, so it is not part of the chain yet. */
                if (s.end == UINT64_MAX && segment_tail(&s, e.at, &tail) && !tail.is_damage) {
                    *c->out = before;
                    say_tail(c);
                    ok = true;
                    break;
                }
                if (read_again != e.at) {
                    *c->out = before;
                    read_again = s.at = e.at;
                    s.ahead_len = 0;
                    ok = true;
                }
            }
            continue;
        }
        if (s.end == UINT64_MAX)
            segment_look_for_end(&s, c->dir);    /* a new segment may have been begun meanwhile */
        if (r == SCAN_END && (s.end == UINT64_MAX || s.at == s.end))
            break;
        if (s.end != UINT64_MAX) {
            if (s.at == s.end)
                break;
            if (read_again != at) {
                read_again = at;
                s.ahead_len = 0;
                continue;
            }
            ok = bad(c, c->seq + 1, "", s.path, at, "%s", why ? why : "zeros where an entry must be");
            break;
        }
        struct tail tail;
        if (!segment_tail(&s, at, &tail))
            ok = bad(c, c->seq + 1, "", s.path, at, "cannot be read: %s", strerror(errno));
        else if (tail.is_damage && read_again != at) {
            read_again = at;
            s.ahead_len = 0;
            continue;
        } else if (tail.is_damage)
            ok = bad(c, c->seq + 1, "", s.path, at, "damaged: %s, though an entry written later stands at byte %llu", why ? why : "no entry here", (unsigned long long)tail.after_at);
        else if (c->seq < known_seq)
            ok = bad(c, c->seq + 1, "", s.path, at, "%s", why ? why : "the records from here on are missing");
        else if (tail.last_byte > at)
            say_tail(c);
        break;
    }
    if (ok && s.end == UINT64_MAX && c->seq < known_seq && (!c->to || c->seq < c->to))
        ok = bad(c, c->seq + 1, "", s.path, s.at, "the journal ends here at record %llu, though record %llu was committed: its end was removed", (unsigned long long)c->seq,
                 (unsigned long long)known_seq);
    segment_close(&s);
    return ok ? 1 : 0;
}

static bool open_index(struct check *c)
{
    char why[256], where[PATH_MAX + 32];
    uint8_t chain[CHAIN_NAME];
    snprintf(where, sizeof where, "%.4000s/index.sqlite", c->dir);
    if (access(where, F_OK) != 0)
        return true;                             /* none: it can be made from the journal at any time, so nothing is lost */
    c->db = index_read_only(c->dir, why);
    if (!c->db && !why[0])
        return true;
    if (!c->db)
        return bad(c, 0, "", where, UINT64_MAX, "the index cannot be opened: %s (vigie records --rebuild makes it anew)", why);
    /* One snapshot for all that is asked, older than what the journal will be read as. */
    sqlite3_exec(c->db, "BEGIN", NULL, NULL, NULL);
    if (!index_place(c->db, chain, &c->indexed, why)) {
        if (!why[0]) {
            c->indexed = (struct position){ 0 };
            memcpy(chain, c->chain, CHAIN_NAME);
        } else {
            return bad(c, 0, "", where, UINT64_MAX, "the index cannot be read: %s (vigie records --rebuild makes it anew)", why);
        }
    }
    if (c->indexed.seq && c->has_chain && memcmp(chain, c->chain, CHAIN_NAME) != 0)
        return bad(c, 0, "", where, UINT64_MAX, "the index belongs to another journal");
    if (c->indexed.seq && !c->has_chain) {
        memcpy(c->chain, chain, CHAIN_NAME);
        c->has_chain = true;
    }
    struct buf sql = { 0 };
    buf_add_text(&sql, "SELECT ");
    index_columns(&sql);
    buf_add_text(&sql, " FROM exchanges WHERE seq > ?1 AND seq <= ?2 ORDER BY seq");
    sqlite3_stmt *q = NULL;
    bool ok = sqlite3_prepare_v2(c->db, "SELECT max(gone_seq) FROM notes WHERE kind = 3", -1, &q, NULL) == SQLITE_OK && sqlite3_step(q) == SQLITE_ROW;
    c->index_dropped = ok ? (uint64_t)sqlite3_column_int64(q, 0) : 0;
    sqlite3_finalize(q);
    ok = ok && sqlite3_prepare_v2(c->db, sql.bytes, -1, &c->rows, NULL) == SQLITE_OK
              && sqlite3_prepare_v2(c->db, "SELECT seq, segment, offset, kind, at_us, n, gone_seq, text FROM notes WHERE seq > ?1 AND seq <= ?2 ORDER BY seq", -1, &c->notes, NULL) == SQLITE_OK;
    buf_free(&sql);
    /* Words are added up over the whole index, so a part of it cannot be compared. */
    if (ok && !c->from && !c->to)
        c->words = words_new(c->db);
    return ok || index_unreadable(c);
}

static bool words_same(struct check *c)
{
    char where[PATH_MAX + 32];
    int agree = c->words ? words_agree(c->words) : 1;
    index_where(c, where, "search");
    return agree == 1 || bad(c, 0, "", where, UINT64_MAX, agree < 0 ? "the full-text index cannot be read: %s (vigie records --rebuild makes it anew)"
                             : "the full-text index does not hold the words of the records%.0s: a search may hide or show what it must not (vigie records --rebuild makes it anew)",
                             sqlite3_errmsg(c->db));
}

/* A row beyond the index's place was put there by another hand: rows and place move in one transaction. */
static bool nothing_beyond(struct check *c)
{
    sqlite3_stmt *q = NULL;
    bool ok = true;
    if (sqlite3_prepare_v2(c->db, "SELECT max(p.seq), (SELECT max(seq) FROM exchanges), (SELECT max(seq) FROM notes), (SELECT id FROM exchanges ORDER BY seq DESC LIMIT 1), "
                           "(SELECT min(seq) FROM exchanges), (SELECT id FROM exchanges ORDER BY seq LIMIT 1) FROM place p", -1, &q, NULL) != SQLITE_OK
        || sqlite3_step(q) != SQLITE_ROW) {
        ok = index_unreadable(c);
    } else {
        int64_t place = sqlite3_column_int64(q, 0), row = sqlite3_column_int64(q, 1), note = sqlite3_column_int64(q, 2), least = sqlite3_column_int64(q, 4);
        char where[PATH_MAX + 32];
        index_where(c, where, row > place || note <= place ? "exchanges" : "notes");
        if (row > place || note > place)
            ok = bad(c, (uint64_t)(row > place ? row : note), row > place ? (const char *)sqlite3_column_text(q, 3) : "", where, UINT64_MAX,
                     "row %lld of the index has no record in the journal", (long long)(row > place ? row : note));
        else if (sqlite3_column_type(q, 4) == SQLITE_INTEGER && (least < 1 || (uint64_t)least <= c->index_dropped))
            ok = bad(c, 0, (const char *)sqlite3_column_text(q, 5), where, UINT64_MAX, "row %lld of the index has no record in the journal", (long long)least);
    }
    sqlite3_finalize(q);
    return ok;
}

static int verify_once(struct check *c, struct troubles *t)
{
    uint64_t *numbers;
    char path[PATH_MAX];
    int result = 1;
    struct position known;
    uint8_t chain[CHAIN_NAME];
    int has_head = head_file_read(c->dir, chain, &known);
    snprintf(path, sizeof path, "%.4000s/head", c->dir);
    if (has_head < 0 && access(path, R_OK) != 0 && (errno == EACCES || errno == EPERM)) { /* ours to mend, not the chain's fault */
        trouble_add(t, path, 0, 0, "verify as the user that vigie runs as", "cannot be read: %s", strerror(errno));
        return -2;
    }
    if (has_head < 0) {
        bad(c, 0, "", path, UINT64_MAX, "the checkpoint of the journal's end was changed: it cannot be read");
        return 0;
    }
    if (has_head) {
        memcpy(c->chain, chain, CHAIN_NAME);
        c->has_chain = true;
        c->known = known;
    }
    if (!open_index(c))
        return 0;
    long n = segment_list(c->dir, &numbers);
    int e = errno;
    if (n <= 0) {
        free(numbers);
        if (n == 0 || e == ENOENT) {
            if (has_head || c->indexed.seq) {
                snprintf(path, sizeof path, "%.4000s/journal", c->dir);
                bad(c, 1, "", path, UINT64_MAX, "the journal is gone, though record %llu was committed", (unsigned long long)(has_head ? known.seq : c->indexed.seq));
                return 0;
            }
        }
        trouble_add(t, c->dir, 0, 0, "is this the folder that data: names in the config?", "there are no records here%s%s", n < 0 && e != ENOENT ? ": " : "", n < 0 && e != ENOENT ? strerror(e) : "");
        return -2;
    }
    uint64_t known_seq = has_head && known.seq > c->indexed.seq ? known.seq : c->indexed.seq;
    /* A range starts with the segment that holds its first record; what that segment's head says of the chain before is taken as given. */
    long first = 0;
    for (long i = 1; c->from && i < n; i++) {
        struct segment s;
        const char *why;
        if (segment_open(&s, c->dir, numbers[i], &why)) {
            first = s.head.first_seq <= c->from ? i : first;
            segment_close(&s);
        }
    }
    for (long i = first; result == 1 && i < n && (!c->to || i == first || c->seq < c->to); i++) {
        if (i > first && numbers[i] != numbers[i - 1] + 1) {
            segment_path(c->dir, numbers[i - 1] + 1, path);
            bad(c, c->seq + 1, "", path, UINT64_MAX, "a segment is missing: its records from %llu on were removed", (unsigned long long)c->seq + 1);
            result = 0;
            break;
        }
        result = check_segment(c, numbers[i], i == first, known_seq);
    }
    if (result == 1 && first == 0 && c->first_seq && !c->to
        && (c->dropped_seq + 1 < c->first_seq || (c->dropped_seq + 1 == c->first_seq && memcmp(c->dropped_head, c->first_head, DIGEST_BYTES) != 0))) {
        segment_path(c->dir, numbers[0] - 1, path);
        bad(c, c->dropped_seq + 1, "", path, UINT64_MAX, "the segments before this one are missing, and no note in the chain says that they were dropped (records %llu to %llu)",
            (unsigned long long)c->dropped_seq + 1, (unsigned long long)c->first_seq - 1);
        result = 0;
    }
    if (result == 1 && has_head && memcmp(chain, c->chain, CHAIN_NAME) != 0) {
        snprintf(path, sizeof path, "%.4000s/head", c->dir);
        bad(c, 0, "", path, UINT64_MAX, "the checkpoint is of another chain");
        result = 0;
    }
    if (result == 1 && c->db && !c->to && (!no_surplus(c, UINT64_MAX) || !nothing_beyond(c) || !words_same(c)))
        result = 0;
    if (result == 1 && (!c->seq || c->seq < c->from)) {
        trouble_add(t, c->dir, 0, 0, c->seq ? "vigie records lists them" : "send something through vigie serve first", "there %s (the journal ends at record %llu)", c->seq ? "is no such record" : "are no records here yet", (unsigned long long)c->seq);
        result = -2;
    }
    free(numbers);
    return result;
}

bool store_verify_head(const char *dir, uint64_t from, uint64_t to, const char *wanted, bool *has_wanted, struct verify_result *out, struct troubles *t)
{
    int result = -1;
    if (!dir || strlen(dir) > PATH_MAX - 128) {
        trouble_add(t, NULL, 0, 0, "give a shorter path", "the data folder's path is empty or too long");
        return false;
    }
    for (int attempt = 0; attempt < 5 && result == -1; attempt++) {
        struct check *c = calloc(1, sizeof *c);
        must(c != NULL);
        *out = (struct verify_result){ .is_good = true };
        c->dir = dir;
        c->from = from;
        c->to = to;
        c->out = out;
        c->wanted = wanted;
        c->arena = arena_new(1024u << 20);
        result = verify_once(c, t);
        if (has_wanted)
            *has_wanted = c->has_wanted;
        words_free(c->words);
        sqlite3_finalize(c->rows);
        sqlite3_finalize(c->notes);
        sqlite3_close(c->db);
        arena_free(c->arena);
        free(c);
    }
    if (result == -1) {
        bad(&(struct check){ .out = out }, 0, "", dir, UINT64_MAX, "segments vanish while they are looked at");
        return true;
    }
    return result >= 0;
}

bool store_verify(const char *dir, uint64_t from, uint64_t to, struct verify_result *out, struct troubles *t)
{
    return store_verify_head(dir, from, to, NULL, NULL, out, t);
}
