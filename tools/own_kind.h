/* SPDX-License-Identifier: Apache-2.0
 * own_kind: sentences of our own are put together from templates and lists. */
#ifndef TOOLS_OWN_KIND_H
#define TOOLS_OWN_KIND_H
#include <stdbool.h>
#include <stddef.h>

/* A template's %0 … %9 are filled from lists; each list's items are parted by '|'. */
struct own_kind {
    const char *lang;
    bool is_so;
    unsigned many;
    const char *templates, *list[6];
};
#endif
