/* SPDX-License-Identifier: Apache-2.0
 *
 * guests: how many may be connected to the admin surface, and for how long.
 * evhttp bounds neither: it waits anew after every byte. So each connection's bufferevent is made here and remembered; once a second those are shown out
 * whose request takes longer to arrive, or whose answer takes longer to be taken, than GUEST_ARRIVE_S and GUEST_TAKE_S; one over GUESTS_MOST takes the
 * place of whoever has been idle, or slow to ask, for longest. All on the control thread. */
#ifndef REPORT_GUESTS_H
#define REPORT_GUESTS_H
#include <event2/http.h>
#include <stdbool.h>

enum { GUESTS_MOST = 64, GUEST_ARRIVE_S = 20, GUEST_TAKE_S = 300, GUESTS_UNSENT_MOST = 256 << 20 };

struct guests;
struct guests *guests_new(struct evhttp *http, struct evhttp_bound_socket *socket);
void guests_free(struct guests *g);                                  /* after evhttp_free */
/* A request has arrived whole. false: answers that nobody takes fill the memory that there is for them, so say no. */
bool guests_asks(struct guests *g, struct evhttp_request *r);
/* This one listens to events: it may stay as long as it reads. */
void guests_stays(struct guests *g, struct evhttp_request *r);
void guests_pulse(struct guests *g);                                 /* each second */
#endif
