/* SPDX-License-Identifier: Apache-2.0
 *
 * yaml: a YAML file as a tree whose every node knows its line and column (libyaml underneath). For config and rules.
 * Bounded: file size, depth, nodes; an alias is refused rather than copied (aliases that multiply are an attack);
 * duplicate keys are trouble. `${NAME}` and `${NAME:-default}` in scalar values (never keys) come from the environment when
 * asked for; what they bring in is not looked at again.
 */
#ifndef BASE_YAML_H
#define BASE_YAML_H
#include "base/trouble.h"

enum { YAML_FILE_MOST = 4 << 20, YAML_DEPTH = 64, YAML_NODES_MOST = 200000, YAML_KEYS_MOST = 10000 };
enum yaml_kind { YAML_NOTHING, YAML_SCALAR, YAML_LIST, YAML_MAP };

struct yaml {
    enum yaml_kind kind;     /* YAML_NOTHING: an empty value or ~ */
    const char *file;
    unsigned line, column;   /* from 1 */
    struct span text;        /* scalars; NUL-terminated in the arena */
    bool quoted;             /* "12" is a text, 12 a number */
    struct yaml **items;     /* lists: n items; maps: n values */
    struct yaml **keys;      /* maps: n keys */
    size_t n;
};
/* The document of a file (or of `content`, when content.at is not NULL), or NULL with troubles added. An empty document
 * is a YAML_NOTHING node. More than one document is trouble. */
struct yaml *yaml_read(struct arena *a, const char *file, struct span content, bool with_environment, struct troubles *t);
/* A map's value by key, or NULL. */
struct yaml *yaml_get(const struct yaml *map, const char *key);
/* Trouble for every key of map that is not in known[n], with the nearest known one as the hint. */
void yaml_known_keys(const struct yaml *map, const char *const *known, size_t n, const char *what, struct troubles *t);
/* Trouble at a node. */
void yaml_trouble(struct troubles *t, const struct yaml *at, const char *hint, const char *what, ...) __attribute__((format(printf, 4, 5)));

/* Readers of scalars: false and trouble said when it is not one. `name` is the key, for the message. */
bool yaml_text(const struct yaml *y, const char *name, struct span *out, struct troubles *t);
bool yaml_bool(const struct yaml *y, const char *name, bool *out, struct troubles *t);
bool yaml_u64(const struct yaml *y, const char *name, uint64_t least, uint64_t most, uint64_t *out, struct troubles *t);
bool yaml_double(const struct yaml *y, const char *name, double least, double most, double *out, struct troubles *t);
bool yaml_bytes(const struct yaml *y, const char *name, uint64_t least, uint64_t most, uint64_t *out, struct troubles *t);
bool yaml_duration_ms(const struct yaml *y, const char *name, uint64_t least_ms, uint64_t most_ms, uint64_t *out, struct troubles *t);
/* One of words[n]: its index. */
bool yaml_word(const struct yaml *y, const char *name, const char *const *words, size_t n, size_t *out, struct troubles *t);
#endif
