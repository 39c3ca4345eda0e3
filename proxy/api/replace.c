/* SPDX-License-Identifier: Apache-2.0
 *
 * replace: redaction without re-serialising. The tape knows each string's place in the source; strings whose decoded text is one of `olds` are
 * written anew, everything between is copied as it stands. A string that holds JSON
 * itself (a tool's arguments) is one string.
 */
#include "proxy/api/read.h"

int json_replace_strings(struct buf *out, struct arena *scratch, struct span json, const struct span *olds, const struct span *withs, size_t n)
{
    struct json doc;
    struct arena_mark m = arena_mark(scratch);
    if (!json_read(&doc, scratch, json)) {
        arena_rewind(scratch, m);
        return -1;
    }
    bool *is_key = arena_alloc(scratch, doc.n); /* a name is not a text, even when it is spelled like one */
    for (uint32_t i = 0; i < doc.n; i++)
        if (doc.nodes[i].type == JSON_OBJECT)
            for (uint32_t k = i + 1; k < doc.nodes[i].past; k = doc.nodes[k + 1].past)
                is_key[k] = true;
    int replaced = 0;
    size_t from = 0;
    for (uint32_t i = 0; i < doc.n; i++) {
        if (doc.nodes[i].type != JSON_STRING || is_key[i])
            continue;
        struct arena_mark text_mark = arena_mark(scratch);
        struct span text = jv_text((struct jv){ &doc, i }, scratch);
        size_t k = 0;
        while (k < n && !span_same(text, olds[k]))
            k++;
        arena_rewind(scratch, text_mark);
        if (k == n)
            continue;
        buf_add(out, span_cut(json, from, doc.nodes[i].start));
        buf_add_json(out, withs[k]);
        from = doc.nodes[i].end;
        replaced++;
    }
    buf_add(out, span_cut(json, from, json.len));
    arena_rewind(scratch, m);
    return out->failed ? -1 : replaced;
}
