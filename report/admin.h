/* SPDX-License-Identifier: Apache-2.0
 *
 * report: what people read: the admin surface (pages, JSON, metrics, health), the flagged-response and monitoring reports.
 * report knows store and checks, and proxy/api to read recorded bodies; of the running proxy only what `struct admin_source` offers.
 *
 * The admin surface is an HTTP server of its own on the control thread's loop (contract, "Admin"): slow work here never slows an exchange.
 */
#ifndef REPORT_ADMIN_H
#define REPORT_ADMIN_H
#include "base/buf.h"
#include "base/trouble.h"
#include "checks/ruleset/ruleset.h"
#include <event2/event.h>

struct admin_source {                 /* owner: control thread; must outlive the admin */
    void *context;
    struct span host;                 /* to listen on */
    unsigned port;                    /* 0: any free one */
    struct span token;                /* empty: loopback only, no login */
    const char *data;                 /* the store's folder; NULL: nothing is recorded */
    int64_t started_us;
    void (*metrics)(void *context, struct buf *out);
    bool (*is_ready)(void *context, const char **why);
    bool (*reload)(void *context, struct troubles *t, char what[512]);
    unsigned (*generation)(void *context);
    /* {"routes":[{"name","mount","listen","upstreams":[…],"api","record","rules":n,"scope"}]}, secrets masked */
    void (*routes)(void *context, struct buf *json);
    /* {"routes":[{"route","state","p",…drift_report…}]} */
    void (*drift)(void *context, struct buf *json);
    /* Each rule in force once, with the names of the routes it holds on; and how often it spoke since the start. */
    void (*rules)(void *context, void (*each)(void *to, const struct rule *rule, const char *routes, uint64_t hits), void *to);
};
struct admin;
/* NULL: cannot listen; trouble said. */
struct admin *admin_new(const struct admin_source *source, struct event_base *base, struct troubles *t);
void admin_free(struct admin *a);
unsigned admin_port(const struct admin *a);
#endif
