/* SPDX-License-Identifier: Apache-2.0
 * PCRE2 behind two calls. Streams use its hard partial matching: the first starting point whose fate depends on text to come
 * ends the search, so that what is decided is decided as it would be on the whole text. */
#include "checks/ruleset/pattern.h"
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* ---- a thread's own ---- */

struct scratch {
    pcre2_match_data *data;
    pcre2_match_context *context;
    pcre2_jit_stack *stack;
};
static pthread_key_t scratch_key;
static pthread_once_t scratch_once = PTHREAD_ONCE_INIT;
static _Thread_local struct scratch *mine;

static void scratch_free(void *p)
{
    struct scratch *s = p;
    pcre2_match_data_free(s->data);
    pcre2_match_context_free(s->context);
    pcre2_jit_stack_free(s->stack);
    free(s);
}
static void scratch_free_main(void)
{
    if (mine)
        scratch_free(mine);
    mine = NULL;
}
static void scratch_key_make(void)
{
    pthread_key_create(&scratch_key, scratch_free);
    atexit(scratch_free_main); /* key destructors do not run for the thread that leaves main */
}
static struct scratch *scratch(void)
{
    if (mine)
        return mine;
    pthread_once(&scratch_once, scratch_key_make);
    struct scratch *s = calloc(1, sizeof *s);
    if (!s)
        abort();
    s->data = pcre2_match_data_create(1, NULL);
    s->context = pcre2_match_context_create(NULL);
    if (!s->data || !s->context)
        abort();
    s->stack = pcre2_jit_stack_create(32 * 1024, PATTERN_JIT_STACK, NULL);
    if (s->stack)
        pcre2_jit_stack_assign(s->context, NULL, s->stack);
    pcre2_set_match_limit(s->context, PATTERN_STEPS);
    pcre2_set_depth_limit(s->context, PATTERN_STEPS);
    pcre2_set_heap_limit(s->context, PATTERN_HEAP_KIB);
    pthread_setspecific(scratch_key, s);
    return mine = s;
}

/* ---- compiling ---- */

static void code_free(void *code)
{
    pcre2_code_free(code);
}
/* Where Unicode properties change what a pattern means. */
static bool wants_ucp(struct span s)
{
    for (size_t i = 0; i + 1 < s.len; i++) {
        if (s.at[i] == '\\') {
            if (memchr("wWbBdDsS", s.at[i + 1], 8))
                return true;
            i++;
        } else if (s.at[i] == '[' && s.at[i + 1] == ':') {
            return true;
        }
    }
    return false;
}
static bool is_ascii_text(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.at[i] >= 0x80)
            return false;
    return true;
}
/* The parts of a match's first byte that PCRE2 knows. */
static void first_bytes(struct pattern *p)
{
    uint32_t type = 0, unit = 0;
    const uint8_t *map = NULL;
    pcre2_pattern_info(p->code, PCRE2_INFO_FIRSTCODETYPE, &type);
    pcre2_pattern_info(p->code, PCRE2_INFO_FIRSTBITMAP, &map);
    memset(p->first, 0, sizeof p->first);
    if (type == 1) {
        pcre2_pattern_info(p->code, PCRE2_INFO_FIRSTCODEUNIT, &unit);
        unsigned char c = (unsigned char)unit, other = (unsigned char)(c ^ 32);
        p->first[c / 8] |= (uint8_t)(1u << c % 8);
        if ((c | 32) >= 'a' && (c | 32) <= 'z') /* it does not say whether case counts */
            p->first[other / 8] |= (uint8_t)(1u << other % 8);
        p->has_first = true;
    } else if (map) {
        memcpy(p->first, map, sizeof p->first);
        p->has_first = true;
    }
    p->begins_beyond_ascii = !p->has_first;
    for (unsigned i = 16; i < 32; i++)
        p->begins_beyond_ascii |= p->first[i] != 0;
    if (p->begins.n) {
        p->begins_beyond_ascii = false;
        for (size_t i = 0; i < p->begins.n; i++)
            p->begins_beyond_ascii |= (unsigned char)p->begins.list[i].at[0] >= 0x80;
    }
}

bool pattern_compile(struct arena *a, struct pattern *p, struct span source, bool for_streams, const char **what, size_t *offset)
{
    int error = 0;
    PCRE2_SIZE at = 0;
    *p = (struct pattern){ .source = source };
    if (!source.len || source.len > PATTERN_LENGTH_MOST) {
        *what = source.len ? "it is longer than 64 KB" : "it is empty";
        *offset = 0;
        return false;
    }
    for (size_t i = 0; i + 1 < source.len; i++)
        if (source.at[i] == '\\' && source.at[i++ + 1] == 'G') { /* would mean where a search began, which is our business */
            *what = "\\G is not taken";
            *offset = i - 1;
            return false;
        }
    uint32_t options = PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C | PCRE2_USE_OFFSET_LIMIT | (wants_ucp(source) ? PCRE2_UCP : 0);
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    if (!context)
        abort();
    pcre2_set_parens_nest_limit(context, 200);
    p->code = pcre2_compile((PCRE2_SPTR)source.at, source.len, options, &error, &at, context);
    if (p->code && is_ascii_text(source) && !span_find(source, SPAN("(*"))) {
        int ignored;
        PCRE2_SIZE ignored_at;
        p->ascii_code = pcre2_compile((PCRE2_SPTR)source.at, source.len, PCRE2_NEVER_BACKSLASH_C | PCRE2_NEVER_UTF | PCRE2_USE_OFFSET_LIMIT,
                                      &ignored, &ignored_at, context);
    }
    pcre2_compile_context_free(context);
    if (!p->code) {
        char text[256];
        pcre2_get_error_message(error, (PCRE2_UCHAR *)text, sizeof text);
        *what = arena_text(a, span_of(text));
        *offset = at < source.len ? at : source.len;
        return false;
    }
    arena_defer(a, code_free, p->code);
    uint32_t jit = PCRE2_JIT_COMPLETE | (for_streams ? PCRE2_JIT_PARTIAL_HARD : 0);
    p->has_jit = pcre2_jit_compile(p->code, jit) == 0;
    if (p->ascii_code) {
        arena_defer(a, code_free, p->ascii_code);
        pcre2_jit_compile(p->ascii_code, jit);
    }
    uint32_t empty = 0;
    pcre2_pattern_info(p->code, PCRE2_INFO_MATCHEMPTY, &empty);
    p->may_be_empty = empty != 0;
    struct literal_facts facts = literals_of(a, source);
    p->required = facts.required;
    p->begins = facts.begins;
    p->moves_start = facts.moves_start;
    first_bytes(p);
    return true;
}

/* ---- matching ---- */

static int64_t cpu_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

enum search pattern_search(const struct pattern *p, struct span text, bool is_ascii, size_t from, bool is_open, size_t *start, size_t *end)
{
    /* One try may cost as much as the text is long, so long texts are searched in slices of starting points, small enough
     * that the clock between them is looked at in time. */
    enum { WORK_PER_SLICE = 1 << 25, SLICES_PER_LOOK = 8, SHORT = 8192 };
    const pcre2_code *code = is_ascii && p->ascii_code ? p->ascii_code : p->code;
    struct scratch *s = scratch();
    uint32_t options = PCRE2_NO_UTF_CHECK | PCRE2_NOTEMPTY | (is_open ? PCRE2_PARTIAL_HARD : 0);
    size_t left = text.len - from, slice = left <= SHORT ? left : WORK_PER_SLICE / left < 16 ? 16 : WORK_PER_SLICE / left;
    int64_t began = 0;
    if (!text.at)
        text.at = "";
    for (unsigned slices = 0;; slices++) {
        bool is_last = slice >= text.len - from;
        pcre2_set_offset_limit(s->context, is_last ? PCRE2_UNSET : from + slice - 1);
        int rc = pcre2_match(code, (PCRE2_SPTR)text.at, text.len, from, options, s->data, s->context);
        if (rc == PCRE2_ERROR_JIT_STACKLIMIT)
            rc = pcre2_match(code, (PCRE2_SPTR)text.at, text.len, from, options | PCRE2_NO_JIT, s->data, s->context);
        if (rc >= 0 || rc == PCRE2_ERROR_PARTIAL) {
            const PCRE2_SIZE *place = pcre2_get_ovector_pointer(s->data);
            *start = place[0];
            *end = place[1];
            return rc >= 0 ? SEARCH_MATCH : SEARCH_PARTIAL;
        }
        if (rc != PCRE2_ERROR_NOMATCH)
            return SEARCH_COSTLY;
        if (is_last)
            return SEARCH_NONE;
        from += slice;
        while (from < text.len && ((unsigned char)text.at[from] & 0xc0) == 0x80)
            from++;
        if (slices % SLICES_PER_LOOK == 0) {
            int64_t now = cpu_us();
            if (!began)
                began = now;
            else if (now - began > PATTERN_CPU_MS * 1000)
                return SEARCH_COSTLY;
        }
    }
}
