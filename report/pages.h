/* SPDX-License-Identifier: Apache-2.0
 * pages: one function a page; each writes the whole page into p->out. */
#ifndef REPORT_PAGES_H
#define REPORT_PAGES_H
#include "report/admin.h"
#include "report/page.h"
#include "report/reviews.h"

void page_overview(struct page *p, const struct admin_source *s, struct store_reader *r);
/* only_flagged: the flagged-response page. query: the filters as they came, for the form. */
/* false: the records could not be looked through (in the time there is); the page says so. */
bool page_list(struct page *p, struct store_reader *r, const struct record_filter *f, bool only_flagged, struct span since, struct span until, const struct reviews *reviews);
/* false: there is no such exchange. */
bool page_exchange(struct page *p, struct store_reader *r, struct span id, const struct reviews *reviews);
void page_drift(struct page *p, const struct admin_source *s);
void page_rules(struct page *p, const struct admin_source *s, const struct reviews *reviews);
void page_login(struct page *p, bool is_wrong);
void page_bad_filter(struct page *p, const char *what);
void page_message(struct page *p, enum word title, const char *text);
#endif
