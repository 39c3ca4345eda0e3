/* SPDX-License-Identifier: Apache-2.0
 * page: the frame of every page, its style and script, and the small pieces pages are made of. What comes from traffic goes through
 * put() alone, which escapes. */
#ifndef REPORT_PAGE_H
#define REPORT_PAGE_H
#include "base/buf.h"
#include "base/json.h"
#include "report/words.h"
#include "store/store.h"

struct page {
    struct buf *out;
    struct arena *arena;
    enum language language;
    bool is_alone;               /* a file of its own (report): style inside, no navigation, no script */
    bool has_login;
};
#define T(p, w) word((p)->language, WORD_##w)

extern const char page_style[], page_script[];

void page_begin(struct page *p, enum word here, struct span title);
void page_end(struct page *p);
static inline void html(struct page *p, const char *text) { buf_add_text(p->out, text); }      /* trusted: our own */
static inline void put(struct page *p, struct span s) { buf_add_html(p->out, s); }              /* anything */
static inline void put_text(struct page *p, const char *s) { buf_add_html(p->out, span_of(s)); }
void put_url(struct page *p, struct span s);                     /* percent-encoded, for a query's value */
void put_time(struct page *p, int64_t us);                       /* <time>, made local by the script */
void put_ms(struct page *p, uint64_t us);
void put_number(struct page *p, uint64_t n);
void put_verdict(struct page *p, struct span verdict);           /* a badge */
void put_severity(struct page *p, struct span severity);         /* in words */
void put_label(struct page *p, const char *class, enum word label); /* a cell that names its column where a narrow page has no head */
/* A bar of 0 … 1. */
void put_bar(struct page *p, double share);
/* The reason of a record in a sentence: its deciding rule's message and strongest finding. */
void put_reason(struct page *p, const struct record *r);

/* One finding as it was recorded. */
struct seen {
    struct span rule, check, kind, text, message;
    enum side_of { SEEN_PROMPT, SEEN_ANSWER } on;
    uint32_t part, start, end;
    double score;
};
size_t findings_read(struct arena *a, struct span json, struct seen **out);
/* text with the places of findings marked, overlaps split; `first` numbers the notes. */
/* is_moved: the text was redacted since, so places may have moved: only those are marked that still hold what was seen there. */
void put_marked(struct page *p, struct span text, const struct seen *list, size_t n, enum side_of on, uint32_t part, bool is_moved);

/* exchange_page.c: what is shown of one record; used by page and report. */
void show_exchange(struct page *p, const struct record *r, bool is_short);
#endif
