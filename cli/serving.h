/* SPDX-License-Identifier: Apache-2.0
 * serving: the admin surface hung on the running proxy; used by `serve` and `demo`. */
#ifndef CLI_SERVING_H
#define CLI_SERVING_H
#include "proxy/server.h"

void *serving_admin_start(struct server *s, struct event_base *base, struct troubles *t);
void serving_admin_stop(void *admin);
unsigned serving_admin_port(void);
#endif
