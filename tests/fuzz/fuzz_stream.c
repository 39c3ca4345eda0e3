/* SPDX-License-Identifier: Apache-2.0
 * Promise 3, led by coverage: an answer cut anywhere is judged as the whole is, nothing of a blocked match has left, and what is redacted is
 * the same. The first byte chooses rules, the second the cut: so many bytes a piece, or (0) pieces of the lengths that the answer's bytes say. */
#include "base/must.h"
#include "checks/ruleset/ruleset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
static const char *const rules[] = {
    "rules:\n"
    "- {id: a, on: answer, action: block, when: {pattern: '(?i)\\bguaranteed\\s+returns?\\b'}}\n"
    "- {id: b, on: answer, action: block, when: {pattern: 'ab+c(?!d)'}}\n"
    "- {id: c, on: answer, action: block, when: {any: [{pattern: '(?<=key: )[A-Z]{4}[0-9]{2,}'}, {pattern: '\xc3\xa9t\xc3\xa9$'}]}}\n"
    "- {id: d, on: answer, action: block, when: {words: [mot de passe, \xc3\xa9l\xc3\xa8ve, password]}}\n",
    "rules:\n"
    "- {id: a, on: answer, action: redact, when: {pattern: '[a-z]+@[a-z]+\\.(?:com|fr)'}}\n"
    "- {id: b, on: answer, action: redact, when: {any: [{pattern: '\\d+-\\d+'}, {words: [secret, tr\xc3\xa8s secret]}]}}\n"
    "- {id: c, on: answer, action: redact, when: {pattern: 'xy*'}}\n",
    "rules:\n"
    "- {id: a, on: answer, action: redact, when: {pattern: '(?m)^#.*$'}}\n"
    "- {id: b, on: answer, action: block, when: {pattern: '(?s)<(\\w+)>.{0,40}</\\1>'}}\n"
    "- {id: c, on: answer, action: flag, when: {pattern: '\\bword\\b'}}\n",
    "rules:\n"
    "- {id: secrets, on: answer, action: block, when: {check: secrets}}\n"
    "- {id: pii, on: answer, action: block, when: {check: pii}}\n",
};
enum { PACKS = sizeof rules / sizeof *rules, PLACES_MOST = 256 };
struct outcome {
    enum action action;
    size_t first, left, n;       /* first: where the earliest finding of a block rule begins */
    struct { uint32_t start, end; } places[PLACES_MOST];
};
static void judge(const struct ruleset *rs, struct span text, size_t step, bool is_cut, struct outcome *o)
{
    struct arena *a = arena_new(256 << 20);
    struct transcript *x = transcript_new(a, "plain");
    struct check_env env = { 0 };
    struct facts facts = { 0 };
    struct verdict v;
    *o = (struct outcome){ .first = SIZE_MAX };
    x->prompt_reading = x->answer_reading = READING_WHOLE;
    verdict_begin(&v);
    if (is_cut) {
        judge_prompt(rs, &env, x, &facts, &v);
        struct stream_scan *s = stream_scan_new(rs, &env, x, &facts, &v);
        for (size_t at = 0; at < text.len && v.action != ACTION_BLOCK;) {
            size_t to = at + (step ? step : 1u + ((unsigned char)text.at[at] & 15u));
            to = to > text.len ? text.len : to;
            transcript_say(x, 0, PART_TEXT, 0, (struct span){ 0 }, span_cut(text, at, to));
            at = to;
            stream_scan_feed(s, 0, false);
            size_t settled = stream_scan_settled(s, 0);
            must(settled >= o->left && settled <= at);
            o->left = settled;
            for (size_t i = 0; i < v.nredactions; i++)
                must(settled <= v.redactions[i].start || settled >= v.redactions[i].end);
        }
        if (text.len && v.action != ACTION_BLOCK) {
            stream_scan_feed(s, 0, true);
            if (v.action != ACTION_BLOCK)
                must(stream_scan_settled(s, 0) == text.len);
            else
                o->left = stream_scan_settled(s, 0);
        }
    } else {
        transcript_say(x, 0, PART_TEXT, 0, (struct span){ 0 }, text);
    }
    if (v.action != ACTION_BLOCK)
        judge_answer(rs, &env, x, &facts, &v);
    o->action = v.action;
    for (size_t h = 0; h < v.nhits; h++)
        for (size_t i = 0; i < v.hits[h].findings; i++) {
            const struct finding *f = &v.findings.list[v.hits[h].first_finding + i];
            must(f->start <= f->end && f->end <= text.len);
            if (v.hits[h].rule->action == ACTION_BLOCK && f->start < o->first)
                o->first = f->start;
        }
    for (; o->n < v.nredactions && o->n < PLACES_MOST; o->n++) {
        must(v.redactions[o->n].start <= v.redactions[o->n].end && v.redactions[o->n].end <= text.len);
        must(o->n == 0 || v.redactions[o->n].start >= o->places[o->n - 1].end);
        o->places[o->n].start = v.redactions[o->n].start;
        o->places[o->n].end = v.redactions[o->n].end;
    }
    arena_free(a);
}
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct ruleset *made[PACKS];
    static struct outcome whole, cut;
    if (n < 2 || n > 4096)
        return 0;
    unsigned pack = data[0] % PACKS;
    if (!made[pack]) {
        struct arena *a = arena_new(16 << 20);
        struct troubles t = { .arena = a };
        must(made[pack] = ruleset_load_text("rules.yaml", span_of(rules[pack]), &t));
        arena_free(a);
    }
    struct span text = { (const char *)data + 2, n - 2 };
    judge(made[pack], text, 0, false, &whole);
    judge(made[pack], text, data[1] % 32, true, &cut);
    must(whole.action == cut.action);
    if (whole.action == ACTION_BLOCK)
        must(cut.left <= whole.first);
    else
        must(whole.n == cut.n && memcmp(whole.places, cut.places, whole.n * sizeof *whole.places) == 0);
    return 0;
}
