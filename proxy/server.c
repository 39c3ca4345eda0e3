/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/server.h"
#include "base/must.h"
#include "proxy/observations.h"
#include "proxy/worker.h"
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <netdb.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <curl/curl.h>

enum { POLL_MS = 100, BACKLOG = 4096 };

struct server {
    const struct server_options *options;
    struct event_base *base;
    struct generation *now;
    unsigned generations;
    struct store *store;
    struct worker **workers;
    unsigned nworkers;
    struct lookout *lookout;
    struct rates *rates;
    struct meters *meters;
    void *admin;
    uint8_t secret[32];
    unsigned *ports;                 /* of the current listeners */
    int64_t started_us, reload_failed_us;
    _Atomic bool is_draining;
    bool is_store_failing;
    struct event *poll;
    _Atomic bool stop_asked;
};

static int64_t wall_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}
const uint8_t *server_secret(const struct server *s) { return s->secret; }
struct store *server_store(const struct server *s) { return s->store; }
bool server_is_draining(const struct server *s) { return atomic_load(&s->is_draining); }
const struct config *server_config(const struct server *s) { return s->now->config; }
unsigned server_generation(const struct server *s) { return s->now->number; }
int64_t server_reload_failed_at(const struct server *s) { return s->reload_failed_us; }
int64_t server_started_us(const struct server *s) { return s->started_us; }
struct lookout *server_lookout(const struct server *s) { return s->lookout; }
unsigned server_port(const struct server *s, size_t listener) { return s->ports[listener]; }

/* ---- sockets ---- */

static int bind_one(const struct listener *l, unsigned port, bool shares, char *why, size_t why_len)
{
    struct addrinfo hints = { .ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM }, *list = NULL;
    char host[256], service[8];
    snprintf(host, sizeof host, "%.*s", (int)(l->host.len < 255 ? l->host.len : 255), l->host.at ? l->host.at : "");
    snprintf(service, sizeof service, "%u", port);
    int e = getaddrinfo(host[0] ? host : NULL, service, &hints, &list);
    if (e) {
        snprintf(why, why_len, "%s", gai_strerror(e));
        return -1;
    }
    int fd = -1, on = 1;
    for (struct addrinfo *a = list; a && fd < 0; a = a->ai_next) {
        fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0) {
            snprintf(why, why_len, "%s", strerror(errno));
            continue;
        }
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (shares)
            setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
        if (bind(fd, a->ai_addr, a->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0) {
            snprintf(why, why_len, "%s", strerror(errno));
            close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(list);
    return fd;
}
static unsigned port_of(int fd)
{
    struct sockaddr_storage a;
    socklen_t n = sizeof a;
    if (getsockname(fd, (struct sockaddr *)&a, &n) != 0)
        return 0;
    return ntohs(a.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&a)->sin6_port : ((struct sockaddr_in *)&a)->sin_port);
}

void generation_release(struct generation *g)
{
    if (atomic_fetch_sub(&g->refs, 1) != 1)
        return;
    for (size_t i = 0; i < g->config->nroutes; i++)
        free(g->rule_counters[i]);
    free(g->rule_counters);
    free(g->route_slots);
    free(g->listen_fds); /* rows lie in the same block */
    config_release(g->config);
    free(g);
}
/* Takes config over. NULL: some listener cannot be bound; trouble said, config released. */
static struct generation *generation_new(struct server *s, struct config *config, struct troubles *t)
{
    struct generation *g = calloc(1, sizeof *g), *old = s->now;
    must(g != NULL);
    size_t nr = config->nroutes, nl = config->nlisteners;
    g->config = config;
    g->refs = 1;
    g->number = ++s->generations;
    g->route_slots = calloc(nr + 1, sizeof *g->route_slots);
    g->rule_counters = calloc(nr + 1, sizeof *g->rule_counters);
    g->listen_fds = calloc(1, s->nworkers * sizeof *g->listen_fds + s->nworkers * (nl + 1) * sizeof **g->listen_fds);
    unsigned *ports = calloc(nl + 1, sizeof *ports);
    must(g->route_slots && g->rule_counters && g->listen_fds && ports);
    for (unsigned w = 0; w < s->nworkers; w++)
        g->listen_fds[w] = (int *)(void *)(g->listen_fds + s->nworkers) + w * (nl + 1);
    for (size_t i = 0; i < nr; i++) {
        const struct rule *rules;
        size_t n = ruleset_rules(config->routes[i].rules, &rules);
        g->route_slots[i] = metrics_route_slot(config->routes[i].name);
        g->rule_counters[i] = calloc(n + 1, sizeof **g->rule_counters);
        must(g->rule_counters[i] != NULL);
        for (size_t k = 0; k < n; k++)
            g->rule_counters[i][k] = metrics_rule_counter(span_of(rules[k].id));
    }
    bool ok = true;
    for (size_t i = 0; i < nl; i++)
        for (unsigned w = 0; w < s->nworkers; w++)
            g->listen_fds[w][i] = -1;
    for (size_t i = 0; i < nl && ok; i++) {
        const struct listener *l = &config->listeners[i];
        char why[256] = "";
        bool stands = false;
        for (size_t k = 0; old && k < old->config->nlisteners && !stands; k++)
            if (span_same(old->config->listeners[k].host, l->host) && old->config->listeners[k].port == l->port) {
                stands = true;
                ports[i] = s->ports[k];
            }
        if (stands)
            continue;
        /* Without SO_REUSEPORT first: another process on this address must be an error, not a partner. */
        int probe = bind_one(l, l->port, false, why, sizeof why);
        if (probe >= 0) {
            ports[i] = port_of(probe);
            close(probe);
        }
        for (unsigned w = 0; probe >= 0 && w < s->nworkers; w++)
            if ((g->listen_fds[w][i] = bind_one(l, ports[i], true, why, sizeof why)) < 0)
                probe = -1;
        if (probe < 0) {
            trouble_add(t, config->file, 0, 0, "is another process using it? name another address under `listen`", "cannot listen on " SPAN_FMT ":%u: %s",
                        SPAN_ARG(l->host), l->port, why);
            ok = false;
        }
    }
    if (!ok) {
        for (size_t i = 0; i < nl; i++)
            for (unsigned w = 0; w < s->nworkers; w++)
                if (g->listen_fds[w][i] >= 0)
                    close(g->listen_fds[w][i]);
        free(ports);
        generation_release(g);
        return NULL;
    }
    free(s->ports);
    s->ports = ports;
    return g;
}

/* ---- the key of fingerprints ---- */

static bool read_secret(struct server *s, const char *data, struct troubles *t)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/secret.key", data);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        ssize_t n = read(fd, s->secret, sizeof s->secret);
        close(fd);
        if (n == sizeof s->secret)
            return true;
        trouble_add(t, path, 0, 0, "restore it from a backup, or remove it: callers' fingerprints change then", "is not a key of 32 bytes");
        return false;
    }
    fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
    bool ok = fd >= 0 && read(fd, s->secret, sizeof s->secret) == sizeof s->secret;
    if (fd >= 0)
        close(fd);
    mkdir(data, 0700);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    ok = ok && fd >= 0 && write(fd, s->secret, sizeof s->secret) == sizeof s->secret && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    if (!ok)
        trouble_add(t, path, 0, 0, "check that the folder may be written", "cannot be made: %s", strerror(errno));
    return ok;
}

/* ---- steering ---- */

bool server_is_ready(const struct server *s, const char **why)
{
    *why = "";
    if (server_is_draining(s))
        *why = "draining";
    else if (s->is_store_failing) {
        const struct config *c = s->now->config;
        for (size_t i = 0; i < c->nroutes; i++)
            if (c->routes[i].record == RECORD_DURABLE && c->routes[i].on_store_failure == FAILURE_REFUSE)
                *why = "the store cannot write, and a route refuses traffic then";
    }
    return !**why;
}
bool server_reload(struct server *s, struct troubles *t, char what[512])
{
    struct config *fresh = config_load(s->options->config_file, s->options->config_content, t);
    struct generation *g = fresh ? generation_new(s, fresh, t) : NULL;
    if (!g) {
        s->reload_failed_us = wall_us();
        LOG(LOG_ERROR, "reload_failed", L_TEXT("file", s->options->config_file), L_NUM("problems", t->errors),
            L_TEXT("first", t->n ? t->list[0].what : ""));
        troubles_print(t, stderr);
        return false;
    }
    struct generation *old = s->now;
    const struct config *a = old->config, *b = fresh;
    size_t changed = 0;
    for (size_t i = 0; i < b->nroutes; i++)
        for (size_t k = 0; k < a->nroutes; k++)
            if (span_same(a->routes[k].name, b->routes[i].name) && strcmp(ruleset_hash(a->routes[k].rules), ruleset_hash(b->routes[i].rules)) != 0)
                changed++;
    snprintf(what, 512, "generation %u: %zu routes (%zu before), rules changed on %zu%s%s", g->number, b->nroutes, a->nroutes, changed,
             a->workers != b->workers ? "; the number of workers changes with a restart" : "", strcmp(a->data, b->data) != 0 ? "; the data folder changes with a restart" : "");
    for (unsigned i = 0; i < s->nworkers; i++) {
        atomic_fetch_add(&g->refs, 1);
        struct generation *missed = atomic_exchange(&s->workers[i]->next, g);
        if (missed) { /* two reloads in a row: the sockets of the one it never saw go to the next */
            for (size_t l = 0; l < missed->config->nlisteners; l++)
                for (size_t n = 0; missed->listen_fds[i][l] >= 0 && n < b->nlisteners; n++)
                    if (g->listen_fds[i][n] < 0 && span_same(b->listeners[n].host, missed->config->listeners[l].host) && b->listeners[n].port == missed->config->listeners[l].port) {
                        g->listen_fds[i][n] = missed->listen_fds[i][l];
                        missed->listen_fds[i][l] = -1;
                    }
            for (size_t l = 0; l < missed->config->nlisteners; l++)
                if (missed->listen_fds[i][l] >= 0)
                    close(missed->listen_fds[i][l]);
            generation_release(missed);
        }
        worker_wake(s->workers[i]);
    }
    s->now = g;
    s->reload_failed_us = 0;
    lookout_routes(s->lookout, g->config);
    LOG(LOG_INFO, "reloaded", L_TEXT("what", what));
    generation_release(old);
    return true;
}
static void on_reload(evutil_socket_t fd, short what, void *context)
{
    struct server *s = context;
    struct arena *a = arena_new(16 << 20);
    struct troubles *t = arena_alloc(a, sizeof *t);
    char line[512];
    (void)fd, (void)what;
    t->arena = a;
    if (server_reload(s, t, line) && t->n)
        troubles_print(t, stderr);
    arena_free(a);
}
static void on_stop(evutil_socket_t fd, short what, void *context)
{
    struct server *s = context;
    (void)fd, (void)what;
    if (atomic_exchange(&s->is_draining, true))
        _exit(1); /* asked twice: at once */
    LOG(LOG_INFO, "draining", L_NUM("most_ms", s->now->config->limits.drain_ms));
    for (unsigned i = 0; i < s->nworkers; i++) {
        atomic_store(&s->workers[i]->stop_asked, true);
        worker_wake(s->workers[i]);
    }
}
static void on_reopen(evutil_socket_t fd, short what, void *context)
{
    (void)fd, (void)what, (void)context; /* logs go to stderr: who collects them reopens them */
}
static void on_poll(evutil_socket_t fd, short what, void *context)
{
    struct server *s = context;
    (void)fd, (void)what;
    if (atomic_load(&s->stop_asked) && !server_is_draining(s))
        on_stop(-1, 0, s);
    if (server_is_draining(s)) { /* health and metrics are answered until the last worker is done */
        unsigned running = 0;
        for (unsigned i = 0; i < s->nworkers; i++)
            running += !atomic_load(&s->workers[i]->is_done);
        if (!running)
            event_base_loopbreak(s->base);
    }
    if (s->store) {
        struct store_health h;
        store_health(s->store, &h);
        if (h.is_failing != s->is_store_failing) {
            s->is_store_failing = h.is_failing;
            for (unsigned i = 0; i < s->nworkers; i++)
                atomic_store(&s->workers[i]->is_store_failing, h.is_failing);
            if (h.is_failing)
                LOG(LOG_ERROR, "store_failing", L_TEXT("why", h.why));
            else
                LOG(LOG_INFO, "store_back", L_NUM("records", h.records));
        }
    }
    for (unsigned i = 0; i < s->nworkers; i++) {
        struct observed *o;
        for (int n = 0; n < OBSERVATIONS_ROOM && (o = observations_take(s->workers[i]->observations)); n++) {
            lookout_see(s->lookout, o);
            observed_free(o);
        }
    }
    lookout_tick(s->lookout, wall_us());
}
void server_stop(struct server *s)
{
    atomic_store(&s->stop_asked, true);
}

void server_metrics(struct server *s, struct buf *out)
{
    struct metrics **shards = calloc(s->nworkers, sizeof *shards);
    must(shards != NULL);
    for (unsigned i = 0; i < s->nworkers; i++)
        shards[i] = s->workers[i]->metrics;
    metrics_render(out, shards, s->nworkers);
    free(shards);
    buf_printf(out, "# HELP vigie_config_generation Which configuration is in force; grows with each reload.\n# TYPE vigie_config_generation gauge\n"
                    "vigie_config_generation %u\n", s->now->number);
    buf_printf(out, "# HELP vigie_config_last_reload_successful Whether the last reload went well.\n# TYPE vigie_config_last_reload_successful gauge\n"
                    "vigie_config_last_reload_successful %d\n", s->reload_failed_us == 0);
    buf_printf(out, "# HELP vigie_start_time_seconds When the process began.\n# TYPE vigie_start_time_seconds gauge\nvigie_start_time_seconds %.3f\n",
               (double)s->started_us / 1e6);
    if (s->store) {
        struct store_health h;
        store_health(s->store, &h);
        buf_printf(out, "# HELP vigie_store_failing Whether records cannot be written now.\n# TYPE vigie_store_failing gauge\nvigie_store_failing %d\n"
                        "# HELP vigie_records_total Records written.\n# TYPE vigie_records_total counter\nvigie_records_total %llu\n"
                        "# HELP vigie_records_lost_total Exchanges that passed without a record.\n# TYPE vigie_records_lost_total counter\nvigie_records_lost_total %llu\n"
                        "# HELP vigie_store_bytes Bytes of the journal.\n# TYPE vigie_store_bytes gauge\nvigie_store_bytes %llu\n"
                        "# HELP vigie_store_groups_total Groups committed.\n# TYPE vigie_store_groups_total counter\nvigie_store_groups_total %llu\n"
                        "# HELP vigie_store_waiting Records waiting to be written.\n# TYPE vigie_store_waiting gauge\nvigie_store_waiting %llu\n"
                        "# HELP vigie_store_indexed_total Records in the index.\n# TYPE vigie_store_indexed_total counter\nvigie_store_indexed_total %llu\n"
                        "# HELP vigie_store_sync_seconds How long the last sync took.\n# TYPE vigie_store_sync_seconds gauge\nvigie_store_sync_seconds %.6f\n",
                   h.is_failing, (unsigned long long)h.records, (unsigned long long)h.lost, (unsigned long long)h.bytes, (unsigned long long)h.groups,
                   (unsigned long long)h.waiting, (unsigned long long)h.indexed, (double)h.sync_us_last / 1e6);
    }
    lookout_metrics(s->lookout, out);
}

static void raise_descriptors(const struct config *c)
{
    struct rlimit r;
    rlim_t wanted = (rlim_t)c->limits.connections * 2 + 256; /* a connection and its upstream's */
    if (getrlimit(RLIMIT_NOFILE, &r) != 0 || r.rlim_cur >= wanted)
        return;
    r.rlim_cur = r.rlim_max < wanted ? r.rlim_max : wanted;
    if (setrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur < wanted / 4 * 3)
        LOG(LOG_WARN, "few_descriptors", L_NUM("wanted", wanted), L_NUM("have", r.rlim_cur), L_TEXT("hint", "raise LimitNOFILE or lower limits.connections"));
}

static int start(struct server *s, struct troubles *t)
{
    struct config *c = config_load(s->options->config_file, s->options->config_content, t);
    if (!c)
        return 2;
    s->nworkers = c->workers;
    bool records = false;
    for (size_t i = 0; i < c->nroutes; i++)
        records |= c->routes[i].record != RECORD_OFF;
    s->now = generation_new(s, c, t);
    if (!s->now)
        return 2;
    raise_descriptors(c);
    if (!read_secret(s, c->data, t))
        return 2;
    if (records) {
        struct store_options o = { .dir = c->data };
        if (!(s->store = store_open(&o, t)))
            return 2;
    }
    s->lookout = lookout_new(c->data);
    lookout_routes(s->lookout, c);
    s->rates = rates_new();
    s->meters = meters_new();
    s->base = event_base_new();
    must(s->base != NULL);
    s->workers = calloc(s->nworkers, sizeof(struct worker *));
    must(s->workers != NULL);
    for (unsigned i = 0; i < s->nworkers; i++) {
        atomic_fetch_add(&s->now->refs, 1);
        s->workers[i] = worker_new(s, i, s->now);
        s->workers[i]->rates = s->rates;
        s->workers[i]->meters = s->meters;
    }
    return 0;
}

int server_run(const struct server_options *o)
{
    struct server *s = calloc(1, sizeof *s);
    struct arena *a = arena_new(16 << 20);
    struct troubles *t = arena_alloc(a, sizeof *t);
    sigset_t all, before;
    must(s != NULL);
    t->arena = a;
    s->options = o;
    s->started_us = wall_us();
    signal(SIGPIPE, SIG_IGN);
    /* An exchange's buffers come and go; giving their pages back to the system each time costs more than the exchange. */
    mallopt(M_TRIM_THRESHOLD, 64 << 20);
    mallopt(M_MMAP_THRESHOLD, 4 << 20);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    int status = start(s, t);
    struct event *signals[4] = { NULL };
    unsigned running = 0;
    if (status == 0) {
        signals[0] = evsignal_new(s->base, SIGTERM, on_stop, s);
        signals[1] = evsignal_new(s->base, SIGINT, on_stop, s);
        signals[2] = evsignal_new(s->base, SIGHUP, on_reload, s);
        signals[3] = evsignal_new(s->base, SIGUSR1, on_reopen, s);
        for (int i = 0; i < 4; i++)
            evsignal_add(signals[i], NULL);
        s->poll = event_new(s->base, -1, EV_PERSIST, on_poll, s);
        struct timeval every = { 0, POLL_MS * 1000 };
        event_add(s->poll, &every);
        sigfillset(&all); /* signals are the control thread's */
        pthread_sigmask(SIG_SETMASK, &all, &before);
        for (; running < s->nworkers; running++)
            if (pthread_create(&s->workers[running]->thread, NULL, worker_run, s->workers[running]) != 0) {
                trouble_add(t, NULL, 0, 0, "raise the limit of processes or lower `workers`", "cannot start a worker thread");
                status = 2;
                break;
            }
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        if (status == 0 && o->admin_start && !(s->admin = o->admin_start(s, s->base, t)))
            status = 2;
    }
    troubles_print(t, stderr);
    if (status == 0) {
        for (size_t i = 0; i < s->now->config->nlisteners && !o->is_quiet; i++)
            LOG(LOG_INFO, "listening", L_SPAN("host", s->now->config->listeners[i].host), L_NUM("port", s->ports[i]), L_TEXT("tls", s->now->config->listeners[i].tls ? "yes" : "no"));
        if (o->ready)
            o->ready(s, o->context);
        event_base_dispatch(s->base);
    }
    for (unsigned i = 0; i < running; i++) {
        atomic_store(&s->workers[i]->stop_asked, true);
        worker_wake(s->workers[i]);
    }
    for (unsigned i = 0; i < running; i++)
        pthread_join(s->workers[i]->thread, NULL);
    if (s->base && status == 0)
        on_poll(-1, 0, s); /* what the workers observed last */
    if (s->admin)
        o->admin_stop(s->admin);
    lookout_save(s->lookout);
    for (unsigned i = 0; s->workers && i < s->nworkers; i++)
        if (s->workers[i])
            worker_free(s->workers[i]);
    if (s->store)
        store_close(s->store);
    for (int i = 0; i < 4; i++)
        if (signals[i])
            event_free(signals[i]);
    if (s->poll)
        event_free(s->poll);
    if (s->base)
        event_base_free(s->base);
    lookout_free(s->lookout);
    rates_free(s->rates);
    meters_free(s->meters);
    if (s->now)
        generation_release(s->now);
    free(s->workers);
    free(s->ports);
    free(s);
    arena_free(a);
    if (status == 0)
        LOG(LOG_INFO, "stopped", L_TEXT("why", "asked to"));
    return status;
}
