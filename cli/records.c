/* SPDX-License-Identifier: Apache-2.0
 * `vigie records`: the records that a filter finds, as a table for eyes, JSON Lines or CSV for programs. All of it is strangers' text: control and invisible characters never
 * reach the terminal, and no cell of a CSV begins a formula. */
#include "base/json.h"
#include "base/parse.h"
#include "base/utf8.h"
#include "cli/verb.h"
#include "proxy/config.h"
#include "store/fields.h"
#include "store/store.h"
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { TABLE_LIMIT = 50, PAGE = 100000, SETTLE_MS = 10000, WHOLE_MOST = 1 << 30, YEAR_MS = 366 * 86400 };
enum form { FORM_TABLE, FORM_JSON, FORM_CSV };

struct printing {
    enum form form;
    bool with_bodies;
    struct store_reader *reader;
    struct buf line;
    unsigned width;
    uint64_t n;
    char last_id[RECORD_ID_BYTES + 1];
    int64_t last_us;
    bool failed;
};

/* One character that a terminal shows and nothing else: controls, bidirectional marks and invisible ones become a dot. */
static bool is_shown(uint32_t c)
{
    return c >= 0x20 && !(c >= 0x7f && c < 0xa0) && !(c >= 0x200b && c <= 0x200f) && !(c >= 0x2028 && c <= 0x202e) && !(c >= 0x2060 && c <= 0x206f) && c != 0xfeff
           && c != 0xad && c != 0x61c && !(c >= 0xfff9 && c <= 0xfffb) && !(c >= 0xe0000 && c <= 0xe0fff);
}
/* At most `most` characters of s, then blanks up to `pad`. */
static void add_cell(struct buf *out, struct span s, unsigned most, unsigned pad)
{
    unsigned n = 0;
    for (size_t i = 0; i < s.len && n < most; n++) {
        size_t l = utf8_length(s.at + i, s.len - i);
        uint32_t c = l ? utf8_code(s.at + i, l) : 0xfffd;
        if (n + 1 == most && i + (l ? l : 1) < s.len)
            buf_add_text(out, "…");
        else if (!l)
            buf_add_text(out, "�");
        else if (c == '\n' || c == '\t' || c == '\r')
            buf_add_char(out, ' ');
        else if (!is_shown(c))
            buf_add_text(out, "·");
        else
            buf_add(out, span_cut(s, i, i + l));
        i += l ? l : 1;
    }
    for (; n < pad; n++)
        buf_add_char(out, ' ');
}

static void add_row(struct printing *p, const struct record *r)
{
    char time[32], number[32];
    format_time(r->at_us, time);
    time[19] = 0;
    time[10] = ' ';
    add_cell(&p->line, span_of(time), 19, 21);
    add_cell(&p->line, r->verdict, 7, 8);
    snprintf(number, sizeof number, "%d", r->status);
    add_cell(&p->line, span_of(number), 4, 5);
    snprintf(number, sizeof number, "%" PRIu64, r->total_us / 1000);
    add_cell(&p->line, span_of(number), 7, 8);
    add_cell(&p->line, r->route, 12, 13);
    add_cell(&p->line, r->model, 18, 19);
    add_cell(&p->line, r->rule, 18, 19);
    add_cell(&p->line, span_of(r->id), 26, 28);
    add_cell(&p->line, r->question.len ? r->question : r->path, p->width > 141 ? p->width - 121 : 20, 0);
    buf_add_char(&p->line, '\n');
}

static void add_csv(struct buf *out, struct span s, bool is_number)
{
    bool guard = !is_number && s.len && strchr("=+-@\t\r", s.at[0]), quote = guard;
    for (size_t i = 0; i < s.len && !quote; i++)
        quote = s.at[i] == '"' || s.at[i] == ',' || s.at[i] == '\n' || s.at[i] == '\r' || s.at[i] == ';' || (unsigned char)s.at[i] < 0x20;
    if (quote)
        buf_add_char(out, '"');
    if (guard)
        buf_add_char(out, '\'');
    for (size_t i = 0; i < s.len;) {
        size_t l = utf8_length(s.at + i, s.len - i);
        if (!l || s.at[i] == 0)
            buf_add_text(out, "�");
        else if (s.at[i] == '"')
            buf_add_text(out, "\"\"");
        else
            buf_add(out, span_cut(s, i, i + l));
        i += l ? l : 1;
    }
    if (quote)
        buf_add_char(out, '"');
}
static void add_csv_row(struct buf *out, const struct record *r)
{
    char text[80];
    for (unsigned i = 0; i < record_fields_n; i++) {
        const struct record_field *f = &record_fields[i];
        bool is_number = f->kind == FIELD_INT || f->kind == FIELD_COUNT || f->kind == FIELD_BOOL || f->kind == FIELD_TIME;
        if (f->kind == FIELD_BODY)
            continue;
        if (i)
            buf_add_char(out, ',');
        if (!r) {
            buf_add_text(out, f->kind == FIELD_TIME ? "at" : f->name);
        } else if (field_is_span(f)) {
            add_csv(out, *field_span(f, r), false);
        } else {
            if (f->kind == FIELD_ID)
                snprintf(text, sizeof text, "%s", r->id);
            else if (f->kind == FIELD_TIME)
                format_time(r->at_us, text);
            else if (f->kind == FIELD_HASH)
                for (int b = 0; b < 32; b++)
                    snprintf(text + 2 * b, 3, "%02x", ((const unsigned char *)r + f->offset)[b]);
            else
                snprintf(text, sizeof text, "%" PRId64, (int64_t)field_number(f, r));
            add_csv(out, span_of(text), is_number);
        }
    }
    buf_add_text(out, "\r\n");
}

static bool print_line(struct printing *p)
{
    bool ok = !p->line.len || fwrite(p->line.bytes, 1, p->line.len, stdout) == p->line.len;
    if (p->line.room > 1 << 20)
        buf_free(&p->line);
    else
        buf_clear(&p->line);
    return ok;                                    /* a closed stdout ends it without a word */
}

static bool print_one(void *context, const struct record *r)
{
    struct printing *p = context;
    memcpy(p->last_id, r->id, sizeof p->last_id);
    p->last_us = r->at_us;
    p->n++;
    if (p->form == FORM_TABLE) {
        add_row(p, r);
    } else if (p->form == FORM_CSV) {
        add_csv_row(&p->line, r);
    } else if (p->with_bodies) {
        struct arena *a = arena_new(WHOLE_MOST);
        struct record whole;
        if (store_reader_get(p->reader, a, span_of(r->id), &whole)) {
            record_add_json(&p->line, &whole, BODIES_TEXT_OR_BASE64);
        } else {
            trouble_say("vigie verify tells more", "the bodies of record %s cannot be read from the journal", r->id);
            p->failed = true;
            record_add_json(&p->line, r, BODIES_NONE);
        }
        arena_free(a);
        buf_add_char(&p->line, '\n');
    } else {
        record_add_json(&p->line, r, BODIES_NONE);
        buf_add_char(&p->line, '\n');
    }
    return print_line(p);
}

static int print_whole(struct printing *p, struct span id)
{
    struct arena *a = arena_new(WHOLE_MOST);
    struct record r;
    int status = EXIT_DONE;
    if (!store_reader_get(p->reader, a, id, &r)) {
        status = trouble_say("vigie records lists ids; a record that was dropped or damaged is not shown", "there is no record " SPAN_FMT, SPAN_ARG(id));
    } else if (p->form == FORM_JSON) {
        record_add_json(&p->line, &r, BODIES_TEXT_OR_BASE64);
        buf_add_char(&p->line, '\n');
    } else if (p->form == FORM_CSV) {
        add_csv_row(&p->line, NULL);
        add_csv_row(&p->line, &r);
    } else {
        struct buf json = { 0 };
        record_add_json(&json, &r, BODIES_TEXT_OR_BASE64);
        struct json doc;
        if (json_read(&doc, a, buf_span(&json))) {
            struct jv_walk w = jv_walk(json_root(&doc));
            while (jv_next(&w)) {
                add_cell(&p->line, jv_text(w.key, a), 40, 20);
                buf_add_char(&p->line, ' ');
                struct span v = jv_type(w.value) == JSON_STRING ? jv_text(w.value, a) : jv_source(w.value);
                for (;;) {                        /* lines stay lines, each indented; nothing in them can steer the terminal */
                    const char *nl = v.len ? memchr(v.at, '\n', v.len) : NULL;
                    size_t n = nl ? (size_t)(nl - v.at) : v.len;
                    add_cell(&p->line, span_cut(v, 0, n), UINT32_MAX, 0);
                    buf_add_char(&p->line, '\n');
                    if (!nl)
                        break;
                    v = span_cut(v, n + 1, v.len);
                    buf_printf(&p->line, "%21s", "");
                }
            }
        }
        buf_free(&json);
    }
    print_line(p);
    arena_free(a);
    return status;
}

/* "2h" (ago) or a point in time. */
static bool read_time(const char *text, int64_t *out)
{
    uint64_t ms;
    struct timespec now;
    if (parse_duration_ms(span_of(text), (uint64_t)YEAR_MS * 1000 * 100, &ms)) {
        clock_gettime(CLOCK_REALTIME, &now);
        *out = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000 - (int64_t)ms * 1000;
        return true;
    }
    return parse_time_us(span_of(text), out);
}

static unsigned terminal_width(void)
{
    struct winsize w;
    uint32_t columns;
    const char *env = getenv("COLUMNS");
    if (isatty(1) && ioctl(1, TIOCGWINSZ, &w) == 0 && w.ws_col)
        return w.ws_col;
    return env && parse_u32(span_of(env), 10000, &columns) ? columns : 160;
}

static int run(int argc, char **argv)
{
    enum { SINCE = 256, UNTIL, ROUTE, API, MODEL, VERDICT, RULE, CALLER, TEXT, SESSION, JOIN, BEFORE, LIMIT, JSON, CSV, BODIES, ID, REBUILD, DATA };
    static const struct option known[] = {
        { "config", required_argument, NULL, 'c' }, { "data", required_argument, NULL, DATA }, { "since", required_argument, NULL, SINCE }, { "until", required_argument, NULL, UNTIL },
        { "route", required_argument, NULL, ROUTE }, { "api", required_argument, NULL, API }, { "model", required_argument, NULL, MODEL }, { "verdict", required_argument, NULL, VERDICT },
        { "rule", required_argument, NULL, RULE }, { "caller", required_argument, NULL, CALLER }, { "text", required_argument, NULL, TEXT }, { "session", required_argument, NULL, SESSION },
        { "join", required_argument, NULL, JOIN }, { "before", required_argument, NULL, BEFORE }, { "limit", required_argument, NULL, LIMIT }, { "json", no_argument, NULL, JSON },
        { "csv", no_argument, NULL, CSV }, { "bodies", no_argument, NULL, BODIES }, { "id", required_argument, NULL, ID }, { "rebuild", no_argument, NULL, REBUILD },
        { "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 },
    };
    struct record_filter f = { 0 };
    struct printing p = { .form = FORM_TABLE };
    const char *file = "vigie.yaml", *dir = NULL, *id = NULL;
    bool rebuild = false, has_limit = false, has_json = false, has_csv = false;
    uint64_t limit = 0;
    int o;
    while ((o = option_next(argc, argv, ":c:", known, 0)) != -1) {
        switch (o) {
        case 'c': file = optarg; break;
        case DATA: dir = optarg; break;
        case SINCE: case UNTIL:
            if (!read_time(optarg, o == SINCE ? &f.since_us : &f.until_us))
                return trouble_say("such as 1h, 7d, 2026-11-24 or 2026-11-24T07:51:11Z", "records: --%s %s is not a time", o == SINCE ? "since" : "until", optarg);
            break;
        case ROUTE: f.route = span_of(optarg); break;
        case API: f.api = span_of(optarg); break;
        case MODEL: f.model = span_of(optarg); break;
        case VERDICT: {
            struct span rest = span_of(optarg);
            static const char *const words[] = { "allow", "flag", "redact", "block" };
            while (rest.len) {
                const char *comma = memchr(rest.at, ',', rest.len);
                struct span word = span_trim(span_cut(rest, 0, comma ? (size_t)(comma - rest.at) : rest.len));
                bool ok = false;
                for (size_t i = 0; i < 4; i++)
                    ok |= span_is(word, words[i]);
                if (!ok)
                    return trouble_say("allow, flag, redact, block, or several with commas between", "records: --verdict " SPAN_FMT " is not a verdict", SPAN_ARG(word));
                rest = comma ? span_cut(rest, (size_t)(comma - rest.at) + 1, rest.len) : (struct span){ NULL, 0 };
            }
            f.verdict = span_of(optarg);
            break;
        }
        case RULE: f.rule = span_of(optarg); break;
        case CALLER: f.caller = span_of(optarg); break;
        case TEXT: f.text = span_of(optarg); break;
        case SESSION: f.session = span_of(optarg); break;
        case JOIN: f.join = span_of(optarg); break;
        case BEFORE: f.id_before = span_of(optarg); break;
        case LIMIT:
            if (!parse_u64(span_of(optarg), 1000000000000ull, &limit))
                return trouble_say("a whole number; 0 is no limit", "records: --limit %s is not a number of records", optarg);
            has_limit = true;
            break;
        case JSON: p.form = FORM_JSON; has_json = true; break;
        case CSV: p.form = FORM_CSV; has_csv = true; break;
        case BODIES: p.with_bodies = true; break;
        case ID: id = optarg; break;
        case REBUILD: rebuild = true; break;
        case 'h': puts(verb_records.help); return EXIT_DONE;
        default: return EXIT_TROUBLE;
        }
    }
    if (optind < argc)
        return trouble_say("see vigie records --help", "records: '%s' is not an option", argv[optind]);
    if (has_json && has_csv)
        return trouble_say("keep one", "records: --json and --csv");
    if (rebuild && id)
        return trouble_say("one at a time", "records: --rebuild and --id");
    if (f.since_us && f.until_us && f.since_us > f.until_us)
        return trouble_say("swap them", "records: --since is behind --until");
    if (p.with_bodies && p.form != FORM_JSON && !id)
        return trouble_say("add --json", "records: --bodies goes with --json");
    if (!has_limit)
        limit = p.form == FORM_TABLE ? TABLE_LIMIT : 0;
    struct arena *a = arena_new(16 << 20);
    struct troubles *t = arena_alloc(a, sizeof *t);
    t->arena = a;
    if (!dir)
        dir = config_data(a, file, t);
    int status = EXIT_TROUBLE;
    if (dir && rebuild) {
        uint64_t records;
        if (store_rebuild(dir, &records, t)) {
            if (p.form == FORM_JSON)
                printf("{\"rebuilt\":%" PRIu64 "}\n", records);
            else
                printf("the index was made anew from the journal: %" PRIu64 " records\n", records);
            status = EXIT_DONE;
        }
    } else if (dir && (p.reader = store_reader_open(dir, t)) != NULL) {
        if (!store_reader_settle(p.reader, SETTLE_MS))
            fprintf(stderr, "vigie: the index is still behind the journal: the newest records may be missing here\n");
        p.width = terminal_width();
        status = EXIT_DONE;
        if (id) {
            status = print_whole(&p, span_of(id));
        } else {
            if (p.form == FORM_CSV)
                add_csv_row(&p.line, NULL);
            if (p.form == FORM_TABLE)
                buf_printf(&p.line, "%-21s%-8s%-5s%-8s%-13s%-19s%-19s%-28s%s\n", "time (UTC)", "verdict", "code", "ms", "route", "model", "rule", "id", "question");
            bool go_on = print_line(&p);
            char before[RECORD_ID_BYTES + 1];
            while (go_on && (!limit || p.n < limit)) {
                uint64_t had = p.n;
                int64_t had_us = p.last_us;
                f.limit = limit && limit - p.n < PAGE ? (unsigned)(limit - p.n) : PAGE;
                if (!store_reader_list(p.reader, &f, print_one, &p, t)) {
                    status = EXIT_TROUBLE;
                    break;
                }
                go_on = p.n - had == f.limit && !ferror(stdout) && !(had && p.last_us > had_us);
                memcpy(before, p.last_id, sizeof before);
                f.id_before = span_of(before);
            }
            if (p.failed)
                status = EXIT_TROUBLE;
            if (p.form == FORM_TABLE && status == EXIT_DONE && !p.n)
                fprintf(stderr, "vigie: no record matches\n");
            else if (p.form == FORM_TABLE && limit && p.n == limit)
                fprintf(stderr, "vigie: there may be more: --limit N, 0 for all, or --before %s\n", p.last_id);
        }
        store_reader_close(p.reader);
    }
    fflush(stdout);
    troubles_print(t, stderr);
    buf_free(&p.line);
    arena_free(a);
    return status;
}

const struct verb verb_records = {
    .name = "records",
    .doc = "what was recorded: query, list, show, export",
    .help = "usage: vigie records [-c vigie.yaml | --data DIR] [filters] [--json | --csv] [--limit N]\n"
            "       vigie records --id ID [--json]\n"
            "       vigie records --rebuild\n\n"
            "Lists records, newest first. Works beside a running vigie, and without one.\n\n"
            "Filters (all must hold):\n"
            "  --since T, --until T   a time (2026-11-24, 2026-11-24T07:51:11Z) or how long ago (30m, 1h, 7d)\n"
            "  --route NAME  --api NAME  --model NAME  --rule ID  --caller NAME  --session ID  --join KEY\n"
            "  --verdict V            allow, flag, redact, block, or several: flag,block\n"
            "  --text WORDS           records with all of these words in question, answer's start or findings; 'word*': a beginning\n"
            "  --before ID            older than this record: the next page\n\n"
            "Output:\n"
            "  --json                 JSON Lines, every member of a record; with --bodies the bodies too (text, or base64 as request_base64)\n"
            "  --csv                  RFC 4180 with a header; a cell that would be a formula gets a ' before it\n"
            "  --limit N              how many (default: 50 in a table, all with --json and --csv; 0: all)\n"
            "  --id ID                one record, whole\n"
            "  --rebuild              makes the index anew from the journal (stop vigie serve first)\n"
            "  --data DIR             the data folder, instead of the one that the config names\n\n"
            "Examples:\n"
            "  vigie records --since 1h --verdict flag,block\n"
            "  vigie records --json --since 2026-11-01 --route openai > november.jsonl\n"
            "  vigie records --text 'guaranteed return*' --csv\n\n"
            "Exit status: 0 done, 2 trouble.",
    .run = run,
};
