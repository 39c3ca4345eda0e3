/* SPDX-License-Identifier: Apache-2.0
 * Strangers' samples and saved baselines: whatever the bytes, reading ends, and what was read can be compared. */
#include "checks/drift/read.h"
#include "checks/drift/window.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct drift_watch *watch;
    struct arena *a = arena_new(1 << 26);
    struct troubles t = { .arena = a };
    struct drift_lines lines;
    struct span bytes = { (const char *)data, n };
    if (!watch)
        watch = drift_watch_new(&(struct drift_watch_options){ .baseline_n = 20, .window_n = 20 });
    drift_watch_load(watch, bytes);
    if (drift_read(a, "fuzz", bytes, &lines, &t) && lines.n < 200) {
        struct drift_sample *s[2] = { drift_sample_new(a), drift_sample_new(a) };
        for (size_t i = 0; i < 2 * lines.n; i++)
            drift_sample_line(s[i & 1], &lines.list[i / 2]);
        struct drift_report report;
        drift_compare(a, s[0], s[1], &(struct drift_options){ .alpha = 0.05, .seed = 1, .permutations_most = 20 }, &report);
        struct buf out = { .cap = 1 << 24 };
        drift_report_json(&report, &out);
        buf_free(&out);
    }
    arena_free(a);
    return 0;
}
