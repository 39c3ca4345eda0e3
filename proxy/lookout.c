/* SPDX-License-Identifier: Apache-2.0
 * A watch a route; one is judged each tick that is due, in turn, so that a look never holds the control thread for long. */
#include "proxy/lookout.h"
#include "base/must.h"
#include "checks/drift/window.h"
#include "proxy/log.h"
#include "proxy/metrics.h"
#include "proxy/observations.h"
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { JUDGE_EVERY_US = 2000000, LOOK_SHARE = 50 /* a look that took t is followed by that many t without one: 2 % of a core */, REST_MOST_US = 10000000, BASELINE_BYTES_MOST = 64 << 20 };
static const double alpha = 0.05;

struct watched {
    struct watched *next;
    char *name;
    struct drift_watch *watch;
    bool is_listed;                 /* in the current configuration */
    bool is_baseline_saved;
    bool is_new;                    /* something came since the last look */
    int64_t judged_us;
    enum drift_state state;
    struct drift_watch_report report;
};
struct lookout {
    struct watched *list;
    char *folder;
    int64_t rest_until_us;
};

/* A file name out of a route's name: letters, digits, - and _ stay, the rest becomes %XX. */
static void path_of(const struct lookout *l, const char *name, char out[4096])
{
    int n = snprintf(out, 3000, "%s/", l->folder);
    for (const unsigned char *p = (const unsigned char *)name; *p && n < 4000; p++)
        n += snprintf(out + n, 4096 - (size_t)n, (*p >= '0' && *p <= '9') || ((*p | 32) >= 'a' && (*p | 32) <= 'z') || *p == '-' || *p == '_' ? "%c" : "%%%02X", *p);
    snprintf(out + n, 4096 - (size_t)n, ".baseline");
}
static void load(struct lookout *l, struct watched *w)
{
    char path[4096];
    struct stat st;
    path_of(l, w->name, path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    char *bytes = fstat(fd, &st) == 0 && st.st_size > 0 && st.st_size < BASELINE_BYTES_MOST ? malloc((size_t)st.st_size) : NULL;
    ssize_t n = bytes ? read(fd, bytes, (size_t)st.st_size) : -1;
    close(fd);
    w->is_baseline_saved = n > 0 && drift_watch_load(w->watch, (struct span){ bytes, (size_t)n });
    if (!w->is_baseline_saved)
        LOG(LOG_WARN, "baseline_unread", L_TEXT("file", path), L_TEXT("hint", "it is learned anew"));
    free(bytes);
}
static void save(struct lookout *l, struct watched *w)
{
    char path[4096], fresh[4096 + 8];
    struct buf b = { .cap = BASELINE_BYTES_MOST };
    if (!drift_watch_save(w->watch, &b) || b.failed) {
        buf_free(&b);
        return;
    }
    path_of(l, w->name, path);
    snprintf(fresh, sizeof fresh, "%s.new", path);
    mkdir(l->folder, 0700);
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool ok = fd >= 0 && write(fd, b.bytes, b.len) == (ssize_t)b.len && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    if (ok && rename(fresh, path) == 0)
        w->is_baseline_saved = true;
    else
        LOG(LOG_WARN, "baseline_unsaved", L_TEXT("file", path), L_TEXT("why", strerror(errno)));
    buf_free(&b);
}

struct lookout *lookout_new(const char *data)
{
    struct lookout *l = calloc(1, sizeof *l);
    must(l != NULL && asprintf(&l->folder, "%s/baselines", data) > 0);
    return l;
}
void lookout_free(struct lookout *l)
{
    if (!l)
        return;
    for (struct watched *w = l->list, *next; w; w = next) {
        next = w->next;
        drift_watch_free(w->watch);
        free(w->name);
        free(w);
    }
    free(l->folder);
    free(l);
}
static struct watched *find(struct lookout *l, struct span route)
{
    for (struct watched *w = l->list; w; w = w->next)
        if (span_is(route, w->name))
            return w;
    return NULL;
}
void lookout_routes(struct lookout *l, const struct config *c)
{
    for (struct watched *w = l->list; w; w = w->next)
        w->is_listed = false;
    for (size_t i = 0; i < c->nroutes; i++) {
        struct watched *w = find(l, c->routes[i].name);
        if (!w) {
            w = calloc(1, sizeof *w);
            must(w != NULL);
            w->name = strndup(c->routes[i].name.at, c->routes[i].name.len);
            must(w->name != NULL);
            w->watch = drift_watch_new(NULL);
            w->next = l->list;
            l->list = w;
            load(l, w);
            drift_watch_judge(w->watch, alpha, &w->report);
        }
        w->is_listed = true;
    }
}
void lookout_see(struct lookout *l, const struct observed *o)
{
    struct watched *w = find(l, o->route);
    if (!w)
        return;
    size_t n = o->ninputs > o->noutputs ? o->ninputs : o->noutputs;
    for (size_t i = 0; i < (n ? n : 1); i++) {
        struct drift_observation x = {
            .at_us = o->at_us, .prompt = o->prompt, .answer = o->answer, .is_refused = o->is_refused, .is_flagged = o->is_flagged, .is_blocked = o->is_blocked,
            .latency_ms = (double)o->latency_us / 1000, .output_tokens = o->output_tokens ? (double)o->output_tokens : NAN,
            .inputs = i < o->ninputs ? &o->inputs[i] : NULL, .outputs = i < o->noutputs ? &o->outputs[i] : NULL,
        };
        snprintf(x.id, sizeof x.id, "%s", o->id);
        drift_watch_add(w->watch, &x);
    }
    w->is_new = true;
}
static int64_t thread_cpu_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}
void lookout_tick(struct lookout *l, int64_t now_us)
{
    struct watched *due = NULL;
    if (now_us < l->rest_until_us)
        return;
    for (struct watched *w = l->list; w; w = w->next)
        if (w->is_new && now_us - w->judged_us >= JUDGE_EVERY_US && (!due || w->judged_us < due->judged_us))
            due = w;
    if (!due)
        return;
    due->is_new = false;
    due->judged_us = now_us;
    int64_t from = thread_cpu_us();
    drift_watch_judge(due->watch, alpha, &due->report);
    int64_t rest = LOOK_SHARE * (thread_cpu_us() - from);
    l->rest_until_us = now_us + (rest < REST_MOST_US ? rest : REST_MOST_US);
    if (!due->is_baseline_saved && due->report.state != DRIFT_LEARNING)
        save(l, due);
    if (due->report.state != due->state) {
        if (due->report.state == DRIFT_DRIFTING)
            LOG(LOG_WARN, "drift", L_TEXT("route", due->name), L_TEXT("what", due->report.what ? due->report.what : ""));
        else if (due->state == DRIFT_DRIFTING)
            LOG(LOG_INFO, "drift_over", L_TEXT("route", due->name));
        due->state = due->report.state;
    }
}
void lookout_save(struct lookout *l)
{
    for (struct watched *w = l ? l->list : NULL; w; w = w->next)
        if (!w->is_baseline_saved && w->report.state != DRIFT_LEARNING)
            save(l, w);
}
void lookout_json(struct lookout *l, struct buf *out)
{
    bool first = true;
    buf_add_text(out, "{\"routes\":[");
    for (struct watched *w = l->list; w; w = w->next) {
        if (!w->is_listed)
            continue;
        buf_add_text(out, first ? "{\"route\":\"" : ",{\"route\":\"");
        first = false;
        buf_add_json(out, span_of(w->name));
        buf_add_text(out, "\",\"watch\":");
        drift_watch_json(&w->report, out);
        buf_add_char(out, '}');
    }
    buf_add_text(out, "]}");
}
void lookout_metrics(struct lookout *l, struct buf *out)
{
    buf_add_text(out, "# HELP vigie_drift_state 0 learning, 1 watching, 2 drift.\n# TYPE vigie_drift_state gauge\n");
    for (struct watched *w = l->list; w; w = w->next)
        if (w->is_listed) {
            buf_add_text(out, "vigie_drift_state{route=");
            metrics_label(out, span_of(w->name));
            buf_printf(out, "} %d\n", (int)w->report.state);
        }
    buf_add_text(out, "# HELP vigie_drift_p The adjusted p-value of the last look, by side.\n# TYPE vigie_drift_p gauge\n");
    for (struct watched *w = l->list; w; w = w->next)
        for (int side = 0; w->is_listed && side < DRIFT_SIDES; side++)
            if (w->report.sides[side].is_seen && w->report.report) {
                buf_add_text(out, "vigie_drift_p{route=");
                metrics_label(out, span_of(w->name));
                buf_printf(out, ",side=\"%s\"} %g\n", drift_side_names[side], w->report.sides[side].p);
            }
}
