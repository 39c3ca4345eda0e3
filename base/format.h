/* SPDX-License-Identifier: Apache-2.0
 * format: what a file that should be text is instead, by its first bytes, so that an error can say what to do. */
#ifndef BASE_FORMAT_H
#define BASE_FORMAT_H
#include "base/span.h"

/* "a gzip file (unpack it first)" and the like; NULL: nothing that is known, so it may well be text. */
const char *file_format(struct span content);
#endif
