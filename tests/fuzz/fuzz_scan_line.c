/* SPDX-License-Identifier: Apache-2.0
 * Any bytes as a line for `vigie scan`: either trouble is said, or there is a transcript, and each of its parts of a plain line has the name
 * of the field that it came from. */
#include "base/must.h"
#include "cli/scan_read.c"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

void scan_say(struct scan *s, size_t at, const char *hint, const char *what, ...)
{
    va_list args;
    va_start(args, what);
    struct span text = arena_vprintf(s->a, what, args);
    va_end(args);
    must(text.len && hint && at <= s->doc.source.len);
    s->said++;
}
static size_t sum; /* the texts are read, so that ASan sees a bad one */
static void touch(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        sum += (unsigned char)s.at[i];
}
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct scan *s = calloc(1, sizeof *s);
    must(s != NULL);
    s->a = arena_new((size_t)256 << 20);
    if (json_read(&s->doc, s->a, (struct span){ (const char *)data, size }) && jv_type(json_root(&s->doc)) == JSON_OBJECT) {
        bool fine = scan_read(s, json_root(&s->doc));
        must(fine == (s->said == 0));
        if (fine) {
            must(s->t != NULL);
            for (enum side on = ON_PROMPT; on <= ON_ANSWER; on++) {
                size_t n;
                const struct part *parts = transcript_parts(s->t, on, &n);
                must(!s->is_plain || s->nnames[on - 1] == n);
                for (size_t i = 0; i < n; i++) {
                    touch(parts[i].text);
                    touch(parts[i].name);
                    if (s->is_plain)
                        must(s->names[on - 1][i].name && s->names[on - 1][i].item >= -1);
                }
            }
            touch(s->facts.route);
            touch(s->facts.caller);
            touch(s->facts.session);
            touch(s->facts.model);
        }
    }
    arena_free(s->a);
    free(s);
    return 0;
}
