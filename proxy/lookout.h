/* SPDX-License-Identifier: Apache-2.0
 *
 * lookout: the drift watch over all routes. Fed with what the workers observed, judged from time to time. owner: control.
 */
#ifndef PROXY_LOOKOUT_H
#define PROXY_LOOKOUT_H
#include "base/buf.h"
#include "proxy/config.h"

struct lookout;
struct observed;
struct lookout *lookout_new(const char *data);           /* baselines are kept in data/baselines */
void lookout_free(struct lookout *l);                     /* NULL is fine */
void lookout_routes(struct lookout *l, const struct config *c);
void lookout_see(struct lookout *l, const struct observed *o);
void lookout_tick(struct lookout *l, int64_t now_us);     /* judges one route at most a call: bounded work */
void lookout_save(struct lookout *l);                     /* NULL is fine */
/* {"routes":[{"route","state",…report…}]} */
void lookout_json(struct lookout *l, struct buf *out);
void lookout_metrics(struct lookout *l, struct buf *out);
#endif
