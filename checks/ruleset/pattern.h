/* SPDX-License-Identifier: Apache-2.0
 *
 * pattern: one PCRE2 pattern, compiled to be fast where it is common and bounded where it is dear.
 *
 * Compiled twice where that is sound: for texts of ASCII alone without UTF and Unicode properties (there they mean the
 * same), and for all others with UTF, and with UCP when it uses \w \b \d \s or POSIX classes. Only matches that are not
 * empty count. JIT where the system allows it, else the interpreter.
 *
 * Bounds: PATTERN_STEPS and PATTERN_HEAP_KIB per try, a JIT stack of PATTERN_JIT_STACK, and PATTERN_CPU_MS of CPU per
 * pattern and text, looked at between slices of starting points. What passes one of them is SEARCH_COSTLY.
 * Compiled patterns are immutable; match data belong to the thread.
 */
#ifndef CHECKS_RULESET_PATTERN_H
#define CHECKS_RULESET_PATTERN_H
#include "checks/ruleset/literal.h"

enum { PATTERN_STEPS = 1000000, PATTERN_HEAP_KIB = 8192, PATTERN_JIT_STACK = 256 * 1024, PATTERN_CPU_MS = 250, PATTERN_LENGTH_MOST = 65536 };

struct pattern {
    void *code, *ascii_code;       /* pcre2_code; ascii_code NULL: code serves both */
    struct span source;
    struct literals required, begins;
    bool has_first;                /* a match begins with one of the bytes in `first` */
    uint8_t first[32];
    bool has_jit;
    bool may_be_empty;             /* could match nothing, were it asked */
    bool moves_start;              /* not for streams */
    bool begins_beyond_ascii;      /* a match may begin with a character past U+007F */
    uint32_t id;                   /* in its text_set */
};

/* false: *what and *offset say why and where in the pattern. */
bool pattern_compile(struct arena *a, struct pattern *p, struct span source, bool for_streams, const char **what, size_t *offset);

enum search { SEARCH_NONE, SEARCH_MATCH, SEARCH_PARTIAL, SEARCH_COSTLY };
/* The first match at or after `from`. is_open: more text may follow; SEARCH_PARTIAL: one may begin at *start, and
 * everything before *start can begin none. text must be valid UTF-8, is_ascii true of all of it. */
enum search pattern_search(const struct pattern *p, struct span text, bool is_ascii, size_t from, bool is_open, size_t *start, size_t *end);

static inline bool first_has(const uint8_t first[32], unsigned char c)
{
    return first[c / 8] >> (c % 8) & 1;
}
#endif
