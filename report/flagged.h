/* SPDX-License-Identifier: Apache-2.0
 * flagged: the report for people who never saw vigie: what passed in a period, what was flagged and why, with examples; and whether the
 * chain of records is whole. Made from the data folder, beside a running vigie or without one. */
#ifndef REPORT_FLAGGED_H
#define REPORT_FLAGGED_H
#include "base/trouble.h"
#include "report/words.h"
#include "store/store.h"

enum report_form { REPORT_HTML, REPORT_JSON, REPORT_CSV };
struct report_options {
    const char *data;
    struct record_filter filter;      /* since, until, route; limit: examples shown */
    enum report_form form;
    enum language language;
    bool verifies;                    /* look at the whole chain too */
};
bool report_write(const struct report_options *o, FILE *out, struct troubles *t);
#endif
