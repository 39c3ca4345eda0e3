/* SPDX-License-Identifier: Apache-2.0
 * The default pack (rules/default.yaml) as it was when this binary was built, so that it works anywhere. */
#ifndef CLI_DEFAULT_RULES_H
#define CLI_DEFAULT_RULES_H
#include "base/span.h"
struct span default_rules(void);
#endif
