/* SPDX-License-Identifier: Apache-2.0 */
#include "base/must.h"
#include <stdio.h>
#include <stdlib.h>

void must_failed(const char *what, const char *file, int line)
{
    fprintf(stderr, "vigie: %s:%d: cannot go on: %s does not hold; this is a bug, please report it\n", file, line, what);
    abort();
}
