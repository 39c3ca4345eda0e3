/* SPDX-License-Identifier: Apache-2.0
 * `vigie verify`: is the chain of records whole? Says which record is the first that is not, and where; prints the head that is worth keeping elsewhere. */
#include "base/buf.h"
#include "base/parse.h"
#include "cli/verb.h"
#include "proxy/config.h"
#include "store/store.h"
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>

enum { SETTLE_MS = 2000 };

static bool is_head(const char *text)
{
    return strlen(text) == 64 && strspn(text, "0123456789abcdefABCDEF") == 64;
}

/* A number of a record, its id, or a time. */
static bool read_end(const char *dir, const char *text, const char *name, uint64_t *seq, struct troubles *t)
{
    int64_t us;
    if (parse_u64(span_of(text), UINT64_MAX / 2, seq) && *seq)
        return true;
    bool is_id = strlen(text) == RECORD_ID_BYTES && strspn(text, "0123456789ABCDEFGHJKMNPQRSTVWXYZ") == RECORD_ID_BYTES;
    if (!is_id && !parse_time_us(span_of(text), &us)) {
        trouble_add(t, NULL, 0, 0, "a record's number, its id, or a time such as 2026-11-24", "verify: %s %s names no record", name, text);
        return false;
    }
    struct store_reader *r = store_reader_open(dir, t);
    if (!r)
        return false;
    store_reader_settle(r, SETTLE_MS);
    bool ok = store_reader_seq(r, is_id ? span_of(text) : (struct span){ NULL, 0 }, is_id ? 0 : us, seq);
    store_reader_close(r);
    if (!ok)
        trouble_add(t, NULL, 0, 0, "vigie records lists them", "verify: %s %s: there is no such record", name, text);
    return ok;
}

static int run(int argc, char **argv)
{
    enum { DATA = 256, FROM, TO, JSON, HEAD };
    static const struct option known[] = {
        { "config", required_argument, NULL, 'c' }, { "data", required_argument, NULL, DATA }, { "from", required_argument, NULL, FROM }, { "to", required_argument, NULL, TO },
        { "json", no_argument, NULL, JSON }, { "head", required_argument, NULL, HEAD }, { "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 },
    };
    const char *file = "vigie.yaml", *dir = NULL, *from_text = NULL, *to_text = NULL, *wanted = NULL;
    bool json = false;
    int o;
    while ((o = option_next(argc, argv, ":c:", known, 0)) != -1) {
        switch (o) {
        case 'c': file = optarg; break;
        case DATA: dir = optarg; break;
        case FROM: from_text = optarg; break;
        case TO: to_text = optarg; break;
        case JSON: json = true; break;
        case HEAD: wanted = optarg; break;
        case 'h': puts(verb_verify.help); return EXIT_DONE;
        default: return EXIT_TROUBLE;
        }
    }
    if (optind < argc)
        return trouble_say("see vigie verify --help", "verify: '%s' is not an option", argv[optind]);
    if (wanted && !is_head(wanted))
        return trouble_say("64 hexadecimal digits, as vigie verify prints them", "verify: --head %s is not a head", wanted);
    struct arena *a = arena_new(16 << 20);
    struct troubles *t = arena_alloc(a, sizeof *t);
    t->arena = a;
    if (!dir)
        dir = config_data(a, file, t);
    int status = EXIT_TROUBLE;
    uint64_t from = 0, to = 0;
    bool has_wanted = false;
    struct verify_result v;
    bool looked = dir && (!from_text || read_end(dir, from_text, "--from", &from, t)) && (!to_text || read_end(dir, to_text, "--to", &to, t));
    if (looked && to && from > to) {
        trouble_add(t, NULL, 0, 0, "", "verify: --from is behind --to");
        looked = false;
    }
    if (looked && store_verify_head(dir, from, to, wanted, &has_wanted, &v, t)) {
        bool good = v.is_good && (!wanted || has_wanted);
        status = good ? EXIT_DONE : EXIT_NO;
        if (v.is_good && !good)
            snprintf(v.what, sizeof v.what, "the chain is whole in itself, but the head that was kept is not in it: the records were replaced, or cut off before it");
        if (json) {
            struct buf b = { 0 };
            buf_printf(&b, "{\"good\":%s,\"records\":%" PRIu64 ",\"gaps\":%" PRIu64 ",\"lost\":%" PRIu64 ",\"head\":\"%s\"", good ? "true" : "false", v.records, v.gaps, v.lost, v.head);
            if (wanted)
                buf_printf(&b, ",\"head_found\":%s", has_wanted ? "true" : "false");
            if (!v.is_good) {
                buf_printf(&b, ",\"bad_seq\":%" PRIu64 ",\"bad_id\":\"%s\",\"where\":\"", v.bad_seq, v.bad_id);
                buf_add_json(&b, span_of(v.where));
                buf_add_text(&b, "\"");
            }
            if (v.what[0]) {
                buf_add_text(&b, good ? ",\"remark\":\"" : ",\"what\":\"");
                buf_add_json(&b, span_of(v.what));
                buf_add_text(&b, "\"");
            }
            buf_add_text(&b, "}");
            puts(b.bytes);
            buf_free(&b);
        } else if (!v.is_good) {
            printf("bad: record %" PRIu64 "%s%s: %s: %s\n", v.bad_seq, v.bad_id[0] ? ", " : "", v.bad_id, v.where, v.what);
            printf("good before it: %" PRIu64 " records\n", v.records);
        } else {
            printf("%s: %" PRIu64 " records", good ? "good" : "bad", v.records);
            if (v.gaps)
                printf(", %" PRIu64 " gaps that stand for %" PRIu64 " exchanges which were not recorded", v.gaps, v.lost);
            printf("%s%s\nhead: %s\n", v.what[0] ? "\n" : "", v.what, v.head);
            if (good && !wanted)
                printf("Keep the head where nobody who can write these files can write; `vigie verify --head %.8s…` later shows that nothing up to now was replaced or cut off.\n", v.head);
        }
    }
    fflush(stdout);
    troubles_print(t, stderr);
    arena_free(a);
    return status;
}

const struct verb verb_verify = {
    .name = "verify",
    .doc = "is the chain of records whole? names the first bad one",
    .help = "usage: vigie verify [-c vigie.yaml | --data DIR] [--from R] [--to R] [--head HEX] [--json]\n\n"
            "Checks every record against its hash and the chain, and every row and column of the index against the records.\n"
            "Works beside a running vigie. What it can and cannot rule out is in docs/records.md.\n\n"
            "  --from R, --to R   only records in this range: numbers in the chain, ids, or times. What came before is taken as given\n"
            "  --head HEX         a head that an earlier verify printed: it must still be in the chain. Kept where nobody who can write the\n"
            "                     files can write, it shows that nothing before it was replaced or cut off\n"
            "  --data DIR         the data folder, instead of the one that the config names\n\n"
            "Examples:\n"
            "  vigie verify\n"
            "  vigie verify --json --head \"$(cat /mnt/elsewhere/head)\"\n\n"
            "Exit status: 0 all good, 1 not (says which record and where), 2 trouble (nothing to check, no access).",
    .run = run,
};
