/* SPDX-License-Identifier: Apache-2.0
 * Limits: one table says each key, its unit, its bounds and its default. */
#include "base/parse.h"
#include "proxy/config_read.h"
#include <stddef.h>

#define K ((uint64_t)1 << 10)
#define M ((uint64_t)1 << 20)
#define G ((uint64_t)1 << 30)
#define SECOND ((uint64_t)1000)
#define MINUTE (60 * SECOND)
#define DAY (24 * 60 * MINUTE)

const struct limit_key limit_keys[] = {
    { "body", LIMIT_BYTES, offsetof(struct limits, body), 1, 64 * G, 64 * M, false },
    { "header", LIMIT_BYTES, offsetof(struct limits, header), K, M, 64 * K, true },
    { "connections", LIMIT_COUNT, offsetof(struct limits, connections), 1, 1000000, 10000, true },
    { "idle", LIMIT_MS, offsetof(struct limits, idle_ms), 100, 7 * DAY, 10 * MINUTE, true },
    { "connect", LIMIT_MS, offsetof(struct limits, connect_ms), 10, 10 * MINUTE, 5 * SECOND, false },
    { "first_byte", LIMIT_MS, offsetof(struct limits, first_byte_ms), 10, DAY, 10 * MINUTE, false },
    { "between_bytes", LIMIT_MS, offsetof(struct limits, between_bytes_ms), 10, DAY, 10 * MINUTE, false },
    { "drain", LIMIT_MS, offsetof(struct limits, drain_ms), 0, DAY, 30 * SECOND, true },
    { "head", LIMIT_MS, offsetof(struct limits, head_ms), 100, 60 * MINUTE, 30 * SECOND, true },
    { "body_rate", LIMIT_BYTES, offsetof(struct limits, body_rate), 0, G, 240, true },
    { "keep", LIMIT_BYTES, offsetof(struct limits, keep), 0, G, M, false },
    { "hold", LIMIT_BYTES, offsetof(struct limits, hold), K, 64 * G, 0 /* as body */, false },
};
const size_t nlimit_keys = sizeof limit_keys / sizeof *limit_keys;

uint64_t limit_value(const struct limits *l, const struct limit_key *k)
{
    const char *at = (const char *)l + k->offset;
    return k->kind == LIMIT_COUNT ? *(const unsigned *)(const void *)at : *(const uint64_t *)(const void *)at;
}
static void set(struct limits *l, const struct limit_key *k, uint64_t value)
{
    char *at = (char *)l + k->offset;
    if (k->kind == LIMIT_COUNT)
        *(unsigned *)(void *)at = (unsigned)value;
    else
        *(uint64_t *)(void *)at = value;
}
void limits_default(struct limits *l)
{
    for (size_t i = 0; i < nlimit_keys; i++)
        set(l, &limit_keys[i], limit_keys[i].otherwise);
    l->hold = l->body;
}

static bool read_one(struct config_reader *r, const struct yaml *y, const struct limit_key *k, uint64_t *out)
{
    uint64_t v;
    char least[32], most[32], hint[128];
    bool ok = y->kind == YAML_SCALAR && (k->kind == LIMIT_BYTES ? parse_bytes(y->text, UINT64_MAX, &v) : k->kind == LIMIT_MS ? parse_duration_ms(y->text, UINT64_MAX, &v) : parse_u64(y->text, UINT64_MAX, &v));
    if (ok && v >= k->least && v <= k->most) {
        *out = v;
        return true;
    }
    limit_text(k, k->least, least);
    limit_text(k, k->most, most);
    snprintf(hint, sizeof hint, "it may be from %s to %s%s", least, most, ok ? "" : k->kind == LIMIT_BYTES ? ", like 512k, 64m or 1g" : k->kind == LIMIT_MS ? ", like 250ms, 30s, 10m or 2h" : "");
    yaml_trouble(r->t, y, hint, "limits.%s %s", k->name, ok ? "is out of bounds" : k->kind == LIMIT_BYTES ? "must be a size" : k->kind == LIMIT_MS ? "must be a duration" : "must be a whole number");
    return false;
}
void limits_read(struct config_reader *r, const struct yaml *y, bool is_route, struct limits *l)
{
    const char *names[sizeof limit_keys / sizeof *limit_keys];
    for (size_t i = 0; i < nlimit_keys; i++)
        names[i] = limit_keys[i].name;
    if (!config_map(r, y, "limits", names, nlimit_keys))
        return;
    bool has_hold = false, held_with_body = l->hold == l->body;
    for (size_t i = 0; i < nlimit_keys; i++) {
        const struct limit_key *k = &limit_keys[i];
        const struct yaml *value = config_get(r, y, k->name);
        uint64_t v;
        if (!value || !read_one(r, value, k, &v))
            continue;
        if (is_route && k->is_for_all)
            trouble_warn(r->t, value->file, value->line, value->column, "set it in the limits at the top", "limits.%s of a route has no effect: it counts before the route is known", k->name);
        set(l, k, v);
        has_hold = has_hold || k->offset == offsetof(struct limits, hold);
    }
    if (!has_hold && held_with_body)
        l->hold = l->body;
}

void limit_text(const struct limit_key *k, uint64_t v, char out[32])
{
    static const struct { uint64_t factor; const char *unit; } sizes[] = { { G, "g" }, { M, "m" }, { K, "k" } }, times[] = { { DAY, "d" }, { 60 * MINUTE, "h" }, { MINUTE, "m" }, { SECOND, "s" } };
    if (k->kind == LIMIT_BYTES)
        for (size_t i = 0; i < 3; i++)
            if (v && v % sizes[i].factor == 0) {
                snprintf(out, 32, "%llu%s", (unsigned long long)(v / sizes[i].factor), sizes[i].unit);
                return;
            }
    if (k->kind == LIMIT_MS)
        for (size_t i = 0; i < 4; i++)
            if (v && v % times[i].factor == 0) {
                snprintf(out, 32, "%llu%s", (unsigned long long)(v / times[i].factor), times[i].unit);
                return;
            }
    snprintf(out, 32, "%llu%s", (unsigned long long)v, k->kind == LIMIT_MS && v ? "ms" : "");
}
