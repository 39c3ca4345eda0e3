/* SPDX-License-Identifier: Apache-2.0
 *
 * resolve: names to addresses off the event loop. getaddrinfo is what follows /etc/hosts, nsswitch.conf and resolv.conf as people expect,
 * and it blocks: so each lookup is a thread of its own for as long as it takes, at most LOOKUPS_MOST of them at once (others wait).
 * owner: one worker; only the thread inside sees anything of another's.
 */
#ifndef PROXY_RESOLVE_H
#define PROXY_RESOLVE_H
#include "base/span.h"
#include <event2/event.h>
#include <netinet/in.h>
#include <sys/socket.h>

enum { ADDRESSES_MOST = 16, LOOKUPS_MOST = 16 };
struct address {
    union { struct sockaddr any; struct sockaddr_in v4; struct sockaddr_in6 v6; } to;
    socklen_t len;
};
struct addresses { /* in the order to try them: as getaddrinfo sorts them, the families in turn (RFC 8305 4) */
    struct address at[ADDRESSES_MOST];
    unsigned n;
};

/* Is the host an address itself, or localhost? Then here it is. */
bool address_literal(struct span host, unsigned port, struct addresses *out);

struct resolver;
/* done(asker, …) comes once for each resolver_ask, from the event loop; a->n == 0: there are none, and why says why. after_turn as in upstream.h. */
struct resolver *resolver_new(struct event_base *base, void (*done)(void *asker, const struct addresses *a, const char *why), void (*after_turn)(void *), void *context);
void resolver_free(struct resolver *r);      /* lookups under way are forgotten; their threads end by themselves */
/* asker must live until done has come, or resolver_free. */
void resolver_ask(struct resolver *r, struct span host, unsigned port, void *asker);
#endif
