/* SPDX-License-Identifier: Apache-2.0
 *
 * log: events on stderr, one line each, as text or JSON. Never a prompt, an answer or a secret; what came from outside is
 * escaped (newlines, terminal escapes). Any thread; a line is one write.
 *
 *     LOG(LOG_WARN, "upstream_failed", L_SPAN("route", r->name), L_TEXT("why", why), L_NUM("status", 502));
 */
#ifndef PROXY_LOG_H
#define PROXY_LOG_H
#include "base/span.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };
struct log_field {
    const char *name;
    struct span text;
    bool is_number;
    int64_t number;
};
#define L_SPAN(n, s) ((struct log_field){ .name = (n), .text = (s) })
#define L_TEXT(n, s) ((struct log_field){ .name = (n), .text = span_of(s) })
#define L_NUM(n, v) ((struct log_field){ .name = (n), .is_number = true, .number = (int64_t)(v) })
#define LOG(level, event, ...) \
    (log_wants(level) ? log_write((level), (event), (const struct log_field[]){ __VA_ARGS__, { .name = NULL } }) : (void)0)

void log_start(bool as_json, enum log_level most);   /* once, before threads */
bool log_wants(enum log_level level);
void log_write(enum log_level level, const char *event, const struct log_field *fields);
#endif
