/* SPDX-License-Identifier: Apache-2.0
 *
 * `vigie scan`: the checks and rules over JSON Lines, without a proxy. One arena, emptied for every line; what is printed goes
 * through one buffer. A line that cannot be read is said on stderr with its place and the rest goes on; the exit status then
 * is 2.
 *
 * An exchange is either plain (prompt, response, …) or as recorded (api, request, answer). A finding names the field that
 * its offsets count in: for plain lines the line's own keys, for recorded ones prompt or answer and the part's number.
 */
#include "base/format.h"
#include "checks/scope.h"
#include "cli/default_rules.h"
#include "cli/scan.h"
#include "cli/verb.h"
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <unistd.h>

enum { TEXT_SHOWN = 400, FLUSH_AT = 1 << 16 };

void scan_say(struct scan *s, size_t at, const char *hint, const char *what, ...)
{
    struct arena *a = arena_new(1 << 16);
    struct troubles t = { .arena = a };
    s->trouble = true;
    if (s->said++ < SCAN_TROUBLES_MOST) {
        va_list args;
        va_start(args, what);
        trouble_add(&t, s->file, s->line, (unsigned)(at + 1), hint, "%s", arena_vprintf(a, what, args).at);
        va_end(args);
        troubles_print(&t, stderr);
    } else {
        s->unsaid++;
    }
    arena_free(a);
}

/* ---- out ---- */

static void put_number(struct buf *out, double n)
{
    buf_printf(out, "%.6g", n);
}
static void put_finding(struct scan *s, const struct rule *rule, const struct finding *f, bool *more)
{
    size_t n;
    const struct part *parts = transcript_parts(s->t, f->on, &n);
    size_t i = f->on - 1;
    struct span text = f->part < n ? parts[f->part].text : (struct span){ "", 0 };
    size_t start = f->start, end = f->end;
    if (start == end)
        start = 0, end = text.len; /* the whole part */
    if (end > text.len)
        end = text.len;
    if (start > end)
        start = end;
    buf_add_text(&s->out, *more ? ", {" : "{");
    *more = true;
    if (rule) {
        buf_add_text(&s->out, "\"rule\": \"");
        buf_add_json(&s->out, span_of(rule->id));
        buf_printf(&s->out, "\", \"action\": \"%s\", \"severity\": \"%s\", ", action_names[rule->action], severity_names[rule->severity]);
    } else {
        buf_add_text(&s->out, "\"rule\": null, ");
    }
    buf_printf(&s->out, "\"check\": \"%s\", ", f->check);
    if (f->kind && f->kind[0]) {
        buf_add_text(&s->out, "\"kind\": \"");
        buf_add_json(&s->out, span_of(f->kind));
        buf_add_text(&s->out, "\", ");
    }
    if (s->is_plain && f->part < s->nnames[i]) {
        const struct field_name *name = &s->names[i][f->part];
        buf_printf(&s->out, "\"on\": \"%s\", ", name->name);
        if (name->item >= 0)
            buf_printf(&s->out, "\"%s\": %d, ", strcmp(name->name, "response") == 0 ? "choice" : "item", name->item);
    } else if (s->is_plain) {
        buf_printf(&s->out, "\"on\": \"%s\", ", f->on == ON_PROMPT ? "prompt" : "response");
    } else {
        buf_printf(&s->out, "\"on\": \"%s\", \"part\": %u, ", f->on == ON_PROMPT ? "prompt" : "answer", f->part);
    }
    buf_add_text(&s->out, "\"score\": ");
    put_number(&s->out, f->score);
    buf_printf(&s->out, ", \"start\": %zu, \"end\": %zu, \"text\": \"", start, end);
    struct span shown = span_cut(text, start, end);
    if (shown.len > TEXT_SHOWN) {
        shown.len = TEXT_SHOWN;
        while (shown.len && ((unsigned char)shown.at[shown.len] & 0xc0) == 0x80)
            shown.len--;
    }
    buf_add_json(&s->out, shown);
    buf_add_text(&s->out, "\", \"message\": \"");
    buf_add_json(&s->out, span_of(rule && rule->message[0] ? rule->message : f->why ? f->why : ""));
    if (rule && rule->message[0] && f->why) {
        buf_add_text(&s->out, "\", \"why\": \"");
        buf_add_json(&s->out, span_of(f->why));
    }
    buf_add_text(&s->out, "\"}");
}
static void put_scores(struct scan *s, const struct verdict *v)
{
    bool more = false;
    const char *why[CHECKS];
    buf_add_text(&s->out, ", \"scores\": {");
    for (size_t i = 0; i < CHECKS; i++) {
        double score = verdict_score(v, i, &why[i]);
        if (score < 0 && !why[i])
            why[i] = s->checks >> i & 1 ? "nothing of the exchange that it looks at" : "not asked for";
        buf_printf(&s->out, "%s\"%s\": ", i ? ", " : "", all_checks[i]->name);
        put_number(&s->out, score < 0 ? 0 : score);
    }
    buf_add_text(&s->out, "}");
    for (size_t i = 0; i < CHECKS; i++) {
        if (!why[i])
            continue;
        buf_printf(&s->out, "%s\"%s\": \"", more ? ", " : ", \"not_run\": {", all_checks[i]->name);
        buf_add_json(&s->out, span_of(why[i]));
        buf_add_text(&s->out, "\"");
        more = true;
    }
    buf_add_text(&s->out, more ? "}" : "");
}
static void flush(struct scan *s)
{
    for (size_t at = 0; at < s->out.len && !s->is_closed;) {
        ssize_t n = write(STDOUT_FILENO, s->out.bytes + at, s->out.len - at);
        if (n > 0)
            at += (size_t)n;
        else if (errno != EINTR) {
            s->is_closed = true;
            if (errno != EPIPE) {
                trouble_say("is the disk full?", "scan: cannot write: %s", strerror(errno));
                s->trouble = true;
            }
        }
    }
    buf_clear(&s->out);
}

static void judge(struct scan *s, struct jv line)
{
    struct jv id = jv_get(line, "id");
    s->facts.rates = s->rates;
    struct verdict v;
    struct findings own = { 0 };
    verdict_begin(&v);
    if (!s->only_checks) {
        judge_prompt(s->rules, &s->env, s->t, &s->facts, &v);
        judge_answer(s->rules, &s->env, s->t, &s->facts, &v);
    }
    unsigned missing = 0;
    for (size_t i = 0; i < CHECKS; i++)
        if ((s->checks >> i & 1) && !v.scores[0][i].not_run && v.scores[0][i].value < 0 && !v.scores[1][i].not_run && v.scores[1][i].value < 0)
            missing |= 1u << i;
        else if (s->checks >> i & 1) { /* a rule asked for one side: the other's score counts too */
            for (unsigned side = ON_PROMPT; side <= ON_ANSWER; side++)
                if ((all_checks[i]->on & side) && !v.scores[side - 1][i].not_run && v.scores[side - 1][i].value < 0) {
                    struct findings ignored = { 0 };
                    v.scores[side - 1][i] = all_checks[i]->score(&s->env, s->t, side, &ignored);
                }
        }
    judge_checks(missing, &s->env, s->t, &v, &own);
    enum action action = v.action;
    if (s->only_checks && own.n)
        action = ACTION_FLAG;

    buf_add_text(&s->out, "{\"id\": ");
    double ignored;
    if (jv_type(id) == JSON_NUMBER && !s->doc.odd && jv_number(id, &ignored)) {
        buf_add(&s->out, jv_source(id));
    } else if (jv_type(id) == JSON_STRING || jv_type(id) == JSON_NUMBER) {
        buf_add_char(&s->out, '"');
        buf_add_json(&s->out, jv_type(id) == JSON_STRING ? jv_text(id, s->a) : jv_source(id));
        buf_add_char(&s->out, '"');
    } else
        buf_printf(&s->out, "%u", s->line);
    buf_printf(&s->out, ", \"verdict\": \"%s\"", action_names[action]);
    if (v.rule) {
        buf_add_text(&s->out, ", \"rule\": \"");
        buf_add_json(&s->out, span_of(v.rule->id));
        buf_add_char(&s->out, '"');
    }
    buf_add_text(&s->out, ", \"findings\": [");
    bool more = false;
    for (size_t h = 0; h < v.nhits; h++) {
        const struct hit *hit = &v.hits[h];
        for (size_t i = 0; i < hit->findings; i++)
            put_finding(s, hit->rule, &v.findings.list[hit->first_finding + i], &more);
        if (!hit->findings) { /* it has no place: a field, a rate */
            struct finding f = { .check = "rule", .kind = "", .on = hit->rule->on & ON_ANSWER && s->t->nanswer ? ON_ANSWER : ON_PROMPT, .part = UINT32_MAX, .score = 1,
                                 .why = hit->rule->when_text };
            put_finding(s, hit->rule, &f, &more);
        }
    }
    for (size_t i = 0; s->only_checks && i < own.n; i++)
        put_finding(s, NULL, &own.list[i], &more);
    buf_add_text(&s->out, "]");
    if (v.findings.dropped)
        buf_printf(&s->out, ", \"findings_dropped\": %zu", v.findings.dropped);
    if (v.unread) {
        buf_add_text(&s->out, ", \"unread\": \"");
        buf_add_json(&s->out, span_of(s->t->unread_why ? s->t->unread_why : "unknown form"));
        buf_add_char(&s->out, '"');
    }
    put_scores(s, &v);
    buf_add_text(&s->out, "}\n");
    if (s->fail_on != ACTION_ALLOW && action >= s->fail_on)
        s->failed = true;
    if (s->out.len >= FLUSH_AT)
        flush(s);
}

static void scan_line(struct scan *s, struct span line)
{
    if (!span_trim(line).len)
        return;
    s->looked_at++;
    arena_reset(s->a);
    s->t = NULL;
    for (size_t i = 0; i < 2; i++) {
        s->names[i] = NULL;
        s->nnames[i] = s->names_cap[i] = 0;
    }
    if (!json_read(&s->doc, s->a, line)) {
        scan_say(s, s->doc.bad_at, "each line is one JSON object", "%s", s->doc.bad);
        return;
    }
    struct jv root = json_root(&s->doc);
    if (jv_type(root) != JSON_OBJECT) {
        scan_say(s, 0, "each line is one JSON object", "not an object");
        return;
    }
    if (span_trim(span_cut(line, s->doc.end, line.len)).len) {
        scan_say(s, s->doc.end, "each line is one JSON object", "something follows the object");
        return;
    }
    if (scan_read(s, root))
        judge(s, root);
    if (arena_over(s->a))
        scan_say(s, 0, "cut it into smaller ones", "an exchange that takes more memory than it may: not all of it was looked at");
}
static void scan_file(struct scan *s, const char *file)
{
    bool is_stdin = strcmp(file, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC);
    s->file = is_stdin ? "standard input" : file;
    s->line = 0;
    if (fd < 0) {
        trouble_say("check the path and its permissions", "%s: cannot be opened: %s", file, strerror(errno));
        s->trouble = true;
        return;
    }
    struct buf in = { .cap = SCAN_LINE_MOST + (1 << 17) };
    size_t looked = 0;
    const char *format;
    bool skipping = false, is_first = true;
    bool is_unreadable = false;
    s->said = s->unsaid = s->looked_at = 0;
    for (bool more = true; more && !s->is_closed;) {
        char *space = buf_reserve(&in, 1 << 16);
        ssize_t n = space ? read(fd, space, 1 << 16) : 0;
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            trouble_say("name a file of JSON Lines", "%s: cannot be read: %s", s->file, strerror(errno));
            s->trouble = is_unreadable = true;
        }
        more = n > 0;
        in.len += n > 0 ? (size_t)n : 0;
        if (is_first && (format = file_format(buf_span(&in)))) {
            trouble_say("name a file of JSON Lines", "%s: this is %s", s->file, format);
            s->trouble = is_unreadable = true;
            break;
        }
        is_first = false;
        size_t at = 0;
        for (const char *end; looked < in.len && (end = memchr(in.bytes + looked, '\n', in.len - looked)) && !s->is_closed;) {
            size_t to = (size_t)(end - in.bytes);
            s->line++;
            if (!skipping)
                scan_line(s, span_cut(buf_span(&in), at, to));
            skipping = false;
            looked = at = to + 1;
        }
        looked = in.len;
        if (!more && at < in.len && !skipping) {
            s->line++;
            scan_line(s, span_cut(buf_span(&in), at, in.len));
        }
        looked -= at;
        buf_drop(&in, at);
        if (in.len > SCAN_LINE_MOST) {
            s->line++;
            scan_say(s, SCAN_LINE_MOST, "64 MB is the most", "a line that is too long is skipped");
            s->line--;
            skipping = true;
        }
        if (skipping) {
            buf_clear(&in);
            looked = 0;
        }
        if (is_stdin && s->out.len)
            flush(s); /* someone may be waiting at the other end of a pipe */
    }
    if (s->unsaid)
        trouble_say("mend these first", "%s: %u more lines are not of the form", s->file, s->unsaid);
    else if (!s->looked_at && !s->said && !is_unreadable)
        fprintf(stderr, "vigie: %s: warning: no line holds an exchange: nothing was scanned\n", s->file);
    buf_free(&in);
    if (!is_stdin)
        close(fd);
}

static bool checks_read(const char *text, unsigned *checks)
{
    const char *names[CHECKS];
    for (size_t i = 0; i < CHECKS; i++)
        names[i] = all_checks[i]->name;
    *checks = 0;
    for (const char *p = text; *p;) {
        struct span word = { p, strcspn(p, ",") };
        size_t i = 0;
        while (i < CHECKS && !span_is(span_trim(word), names[i]))
            i++;
        if (i == CHECKS) {
            const char *near = nearest_word(word, names, CHECKS);
            char hint[128];
            snprintf(hint, sizeof hint, near ? "did you mean %s?" : "refusal, scope, grounding, pattern, injection, secrets, pii%s", near ? near : "");
            trouble_say(hint, "scan: there is no check '" SPAN_FMT "'", SPAN_ARG(word));
            return false;
        }
        *checks |= 1u << i;
        p += word.len + (p[word.len] == ',');
    }
    if (!*checks)
        trouble_say("--checks refusal,scope", "scan: --checks names none");
    return *checks != 0;
}

static int run(int argc, char **argv)
{
    enum { RULES = 256, CHECKS_ONLY, SCOPE, FAIL_ON, JSON };
    static const struct option known[] = {
        { "rules", required_argument, NULL, RULES }, { "checks", required_argument, NULL, CHECKS_ONLY }, { "scope", required_argument, NULL, SCOPE },
        { "fail-on", required_argument, NULL, FAIL_ON }, { "json", no_argument, NULL, JSON }, { "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 },
    };
    struct scan s = { .checks = (1u << CHECKS) - 1, .out = { .cap = 0 } };
    struct arena *a = arena_new(16 << 20);
    struct troubles t = { .arena = a };
    const char **paths = NULL, *scope_file = NULL;
    size_t npaths = 0, cap = 0;
    struct scope *scope = NULL;
    bool has_checks = false;
    int o, status = EXIT_TROUBLE;
    while ((o = option_next(argc, argv, ":h", known, RULES)) != -1) {
        switch (o) {
        case RULES: *ARENA_PUSH(a, paths, npaths, cap) = optarg; break;
        case CHECKS_ONLY:
            has_checks = true;
            if (!checks_read(optarg, &s.checks))
                goto end;
            break;
        case SCOPE: scope_file = optarg; break;
        case FAIL_ON: {
            static const char *const words[] = { "flag", "redact", "block" };
            size_t i = 0;
            while (i < 3 && strcmp(optarg, words[i]) != 0)
                i++;
            if (i == 3) {
                trouble_say("flag, redact or block", "scan: --fail-on cannot be '%s'", optarg);
                goto end;
            }
            s.fail_on = (enum action)(i + 1);
            break;
        }
        case JSON: break; /* it prints nothing else */
        case 'h':
            puts(verb_scan.help);
            status = EXIT_DONE;
            goto end;
        default: goto end;
        }
    }
    if (optind == argc) {
        trouble_say("name files of JSON Lines, or - for standard input", "scan: nothing to scan");
        goto end;
    }
    s.only_checks = has_checks && !npaths;
    if (!s.only_checks)
        s.rules = npaths ? ruleset_load(paths, npaths, &t) : ruleset_load_text("the default pack", default_rules(), &t);
    if (scope_file)
        s.env.scope = scope = scope_from_file(scope_file, &t);
    const struct rule *rules;
    bool has_rules = s.rules && ruleset_rules(s.rules, &rules) > 0;
    if (t.errors || (!has_rules && !s.only_checks))
        troubles_print(&t, stderr); /* why there is none: it lets everything pass. Other warnings are for vigie rules */
    if (t.errors)
        goto end;
    s.rates = rates_new();
    s.a = arena_new(SCAN_LINE_ARENA);
    unsigned stdins = 0;
    for (int i = optind; i < argc; i++)
        stdins += strcmp(argv[i], "-") == 0;
    if (stdins > 1) {
        trouble_say("keep one", "scan: - is there %u times, and standard input can be read once", stdins);
        goto end;
    }
    for (int i = optind; i < argc && !s.is_closed; i++)
        scan_file(&s, argv[i]);
    flush(&s);
    status = s.trouble ? EXIT_TROUBLE : s.failed ? EXIT_NO : EXIT_DONE;
end:
    ruleset_release(s.rules);
    scope_free(scope);
    rates_free(s.rates);
    buf_free(&s.out);
    arena_free(s.a);
    arena_free(a);
    return status;
}

const struct verb verb_scan = {
    .name = "scan",
    .doc = "the checks and rules over JSON Lines, without a proxy",
    .help =
        "vigie scan: the checks and rules, offline, over JSON Lines\n\n"
        "usage: vigie scan [--rules PATH]… [--checks A,B] [--scope FILE] [--fail-on ACTION] FILE…|-\n\n"
        "  --rules PATH      rule files or folders of *.yaml (may be given again); without it the default pack, which only flags\n"
        "  --checks A,B      only these checks: refusal scope grounding pattern injection secrets pii. Without --rules no rule is\n"
        "                    judged then: what the checks find is printed with \"rule\": null, and the verdict is flag or allow\n"
        "  --scope FILE      what the traffic is for: {\"name\", \"intents\": {\"NAME\": [\"example\", …]}, \"out\"?: […]}, JSON or YAML\n"
        "  --fail-on ACTION  exit status 1 when a verdict is at least flag, redact or block\n\n"
        "Each line in is one exchange, plain or as recorded:\n"
        "  {\"id\", \"prompt\", \"response\", \"context\"?, \"instructions\"?, \"tools\"?, \"tool_calls\"?, \"model\"?, \"at\"?, \"meta\"?}\n"
        "  {\"id\", \"api\", \"request\": {…}, \"answer\": {…} or \"raw stream text\"}\n"
        "Each line out: {\"id\", \"verdict\", \"findings\": [{\"rule\", \"check\", \"on\", \"score\", \"start\", \"end\", \"text\", \"message\"}], \"scores\": {…}}.\n"
        "start and end count bytes of the field named by on; \"choice\" tells which of several responses, \"item\" which of several\n"
        "documents or tools, \"part\" which part of a recorded prompt or answer. A check that could not run has the score 0 and its\n"
        "reason under \"not_run\".\n\n"
        "examples:\n"
        "  vigie scan exchanges.jsonl | jq -c 'select(.verdict != \"allow\")'\n"
        "  vigie scan --rules rules/examples/banque-fr.yaml --fail-on block - < today.jsonl\n"
        "  vigie scan --checks refusal,scope --scope support.json exchanges.jsonl\n\n"
        "exit status: 0 done · 1 a verdict reached --fail-on · 2 trouble (a line that could not be read is said, the others are done)",
    .run = run,
};
