/* SPDX-License-Identifier: Apache-2.0
 *
 * server: the running proxy: config, store, workers, and the control thread that steers them (signals, reload, drain, the drift
 * watch, admin). Everything here is called on the control thread, which is the one that called server_run.
 */
#ifndef PROXY_SERVER_H
#define PROXY_SERVER_H
#include "base/buf.h"
#include "proxy/config.h"
#include "proxy/lookout.h"
#include "store/store.h"
#include <event2/event.h>

struct server;
struct server_options {
    const char *config_file;
    struct span config_content;          /* at != NULL: instead of reading the file */
    /* Called once the workers run, to hang the admin surface on the control loop; returns a handle or NULL with trouble said. */
    void *(*admin_start)(struct server *s, struct event_base *base, struct troubles *t);
    void (*admin_stop)(void *admin);
    /* Called once everything listens (the demo starts its traffic then). May be NULL. */
    void (*ready)(struct server *s, void *context);
    void *context;
    bool is_quiet;                       /* no "listening" events (the demo has a screen of its own) */
};
/* Runs until SIGTERM or SIGINT; returns the exit status. Blocks these signals in all threads it makes. */
int server_run(const struct server_options *o);
/* Ends server_run as SIGTERM would. Any thread. */
void server_stop(struct server *s);

const struct config *server_config(const struct server *s);       /* the current one; hold it to keep it past a reload */
unsigned server_generation(const struct server *s);
/* 0: the last reload (or the start) went well; else when it failed, µs since 1970. */
int64_t server_reload_failed_at(const struct server *s);
/* Reads config and rules again; on trouble nothing changes. *what says in a line what changed. */
bool server_reload(struct server *s, struct troubles *t, char what[512]);
bool server_is_ready(const struct server *s, const char **why);
bool server_is_draining(const struct server *s);
int64_t server_started_us(const struct server *s);
struct store *server_store(const struct server *s);               /* NULL: no route records */
struct lookout *server_lookout(const struct server *s);
/* The whole of /metrics. */
void server_metrics(struct server *s, struct buf *out);
/* The port that listener i of the config really has (differs when the config says 0). */
unsigned server_port(const struct server *s, size_t listener);
#endif
