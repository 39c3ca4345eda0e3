/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/log.h"
#include "base/buf.h"
#include "base/parse.h"
#include <time.h>
#include <unistd.h>

static bool is_json;
static enum log_level most = LOG_INFO;

void log_start(bool as_json, enum log_level level)
{
    is_json = as_json;
    most = level;
}
bool log_wants(enum log_level level)
{
    return level <= most;
}
void log_write(enum log_level level, const char *event, const struct log_field *fields)
{
    static const char *const names[] = { "error", "warn", "info", "debug" };
    struct buf b = { .cap = 16 * 1024 };
    struct timespec now;
    char at[32];
    clock_gettime(CLOCK_REALTIME, &now);
    format_time((int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000, at);
    buf_printf(&b, is_json ? "{\"at\":\"%s\",\"level\":\"%s\",\"event\":\"%s\"" : "%s %-5s %s", at, names[level], event);
    for (; fields->name; fields++) {
        struct span text = fields->text;
        if (text.len > 2000)
            text.len = 2000;
        buf_printf(&b, is_json ? ",\"%s\":" : " %s=", fields->name);
        if (fields->is_number) {
            buf_printf(&b, "%lld", (long long)fields->number);
        } else {
            bool is_plain = text.len > 0;
            for (size_t i = 0; i < text.len; i++)
                is_plain = is_plain && text.at[i] > ' ' && text.at[i] < 0x7f && text.at[i] != '"' && text.at[i] != '\\' && text.at[i] != '=';
            if (!is_json && is_plain) {
                buf_add(&b, text);
            } else {
                buf_add_char(&b, '"');
                buf_add_json(&b, text);
                buf_add_char(&b, '"');
            }
        }
    }
    buf_add_text(&b, is_json ? "}\n" : "\n");
    if (b.len) {
        ssize_t n = write(STDERR_FILENO, b.bytes, b.len);
        (void)n; /* a log that cannot be written must not stop traffic */
    }
    buf_free(&b);
}
