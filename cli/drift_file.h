/* SPDX-License-Identifier: Apache-2.0
 * What the verbs that read samples share. */
#ifndef CLI_DRIFT_FILE_H
#define CLI_DRIFT_FILE_H
#include "checks/drift/read.h"

/* JSON Lines or CSV from a file, `-` from standard input. false: trouble was said. */
bool read_lines(struct arena *a, const char *path, struct drift_lines *out);
#endif
