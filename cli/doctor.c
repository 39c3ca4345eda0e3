/* SPDX-License-Identifier: Apache-2.0
 * `vigie doctor`: is this installation sane? Looks from outside at what serve will need: configuration, ports, the data folder and its disk, the clock, limits of the
 * system, and each upstream (name, connection, certificate). Each thing gets a line: ok, warn or bad, what was seen and what to do. It changes nothing but a file
 * of its own that it makes and takes away in the data folder. */
#include "base/buf.h"
#include "cli/verb.h"
#include "proxy/config.h"
#include "store/store.h"
#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netdb.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum level { OK, WARN, BAD };
struct visit {
    struct buf json;
    bool is_json;
    unsigned n[3];
};
static const char *const level_words[] = { "ok", "warn", "bad" };

static void say(struct visit *v, enum level level, const char *about, const char *hint, const char *what, ...) __attribute__((format(printf, 5, 6)));
static void say(struct visit *v, enum level level, const char *about, const char *hint, const char *what, ...)
{
    char text[1024];
    va_list args;
    va_start(args, what);
    vsnprintf(text, sizeof text, what, args);
    va_end(args);
    v->n[level]++;
    if (!v->is_json) {
        printf("%-5s %-10s %s%s%s\n", level_words[level], about, text, hint[0] && level ? ": " : "", level ? hint : "");
        return;
    }
    buf_printf(&v->json, "%s{\"level\": \"%s\", \"about\": \"%s\", \"what\": \"", v->json.len ? ",\n " : "", level_words[level], about);
    buf_add_json(&v->json, span_of(text));
    buf_add_text(&v->json, "\", \"hint\": \"");
    buf_add_json(&v->json, span_of(level ? hint : ""));
    buf_add_text(&v->json, "\"}");
}

/* ---- Ports: free, or vigie's own. ---- */

static void look_at_port(struct visit *v, const char *what, struct span host, unsigned port)
{
    char name[256], number[16];
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE }, *list = NULL;
    if (!port) {
        say(v, OK, "port", "", "%s takes any free port", what);
        return;
    }
    snprintf(name, sizeof name, "%.*s", (int)host.len, host.at);
    snprintf(number, sizeof number, "%u", port);
    int e = getaddrinfo(name, number, &hints, &list);
    if (e != 0) {
        say(v, BAD, "port", "write an address of this machine, or 0.0.0.0 for all", "%s %s:%u: the address is not known: %s", what, name, port, gai_strerror(e));
        return;
    }
    int fd = socket(list->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (fd >= 0 && bind(fd, list->ai_addr, list->ai_addrlen) == 0 && listen(fd, 1) == 0)
        say(v, OK, "port", "", "%s %s:%u is free", what, name, port);
    else if (errno == EADDRINUSE)
        say(v, WARN, "port", "fine if that is vigie itself; else stop it or choose another port", "%s %s:%u is in use", what, name, port);
    else
        say(v, BAD, "port", errno == EACCES ? "ports below 1024 want CAP_NET_BIND_SERVICE (setcap cap_net_bind_service=+ep vigie)" : errno == EADDRNOTAVAIL ? "it is not an address of this machine" : "",
            "%s %s:%u cannot be listened on: %s", what, name, port, strerror(errno));
    if (fd >= 0)
        close(fd);
    freeaddrinfo(list);
}

/* ---- The data folder: whose it is, what room it has, how long a sync takes. ---- */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}
static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}
static void look_at_disk(struct visit *v, const struct config *c)
{
    struct stat st;
    struct statvfs fs;
    char path[4400], folder[4200];
    bool records = false;
    for (size_t i = 0; i < c->nroutes; i++)
        records |= c->routes[i].record != RECORD_OFF;
    if (!records) {
        say(v, OK, "data", "", "no route records anything");
        return;
    }
    snprintf(folder, sizeof folder, "%s", c->data);
    bool is_there = stat(folder, &st) == 0;
    if (!is_there) {
        char *slash = strrchr(folder, '/');
        if (slash && slash != folder)
            *slash = 0;
        else
            snprintf(folder, sizeof folder, slash ? "/" : ".");
        if (stat(folder, &st) != 0) {
            say(v, BAD, "data", "make the folder above it", "%s cannot be made: %s is not there", c->data, folder);
            return;
        }
        say(v, OK, "data", "", "%s is not there yet: serve makes it", c->data);
    } else if (!S_ISDIR(st.st_mode)) {
        say(v, BAD, "data", "move it away, or write another folder under data:", "%s is not a folder", c->data);
        return;
    } else if (st.st_mode & 077) {
        say(v, WARN, "data", "chmod 700 it: it holds what people asked", "%s may be read or written by others (mode %03o)", c->data, st.st_mode & 0777);
    }
    if (is_there && st.st_uid != geteuid())
        say(v, WARN, "data", "run doctor as the user that runs serve", "%s belongs to another user (%u)", c->data, (unsigned)st.st_uid);
    if (statvfs(folder, &fs) == 0) {
        uint64_t free_mb = (uint64_t)fs.f_bavail * fs.f_frsize >> 20;
        say(v, free_mb < 256 ? BAD : free_mb < 2048 ? WARN : OK, "disk", "make room, or put data: on a larger disk", "%llu MB free under %s", (unsigned long long)free_mb, folder);
        if (fs.f_files && fs.f_favail < 1000)
            say(v, BAD, "disk", "make room", "only %llu inodes free", (unsigned long long)fs.f_favail);
    }
    snprintf(path, sizeof path, "%s/.doctor-%ld", folder, (long)getpid());
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        say(v, BAD, "data", "give the user that runs vigie the right to write there", "%s cannot be written: %s", folder, strerror(errno));
        return;
    }
    unlink(path);
    char block[4096] = { 0 };
    double took[16];
    size_t n = 0;
    for (; n < 16; n++) {
        double from = seconds();
        if (pwrite(fd, block, sizeof block, (off_t)(n * sizeof block)) != (ssize_t)sizeof block || fdatasync(fd) != 0)
            break;
        took[n] = (seconds() - from) * 1e3;
    }
    if (n < 16) {
        say(v, BAD, "disk", "", "a file under %s cannot be written and synced: %s", folder, strerror(errno));
    } else {
        qsort(took, n, sizeof *took, by_value);
        say(v, took[8] > 50 ? WARN : OK, "disk", "an answer's last byte waits for one sync (record: durable): use a faster disk, or record: async where a gap may be risked",
            "a sync takes %.1f ms (median of 16, the slowest %.1f)", took[8], took[15]);
    }
    close(fd);
    if (!is_there)
        return;
    struct verify_result r;
    struct arena *a = arena_new(1 << 20);
    struct troubles t = { .arena = a };
    snprintf(path, sizeof path, "%s/journal", c->data);
    if (access(path, F_OK) == 0 && store_verify(c->data, 0, 0, &r, &t))
        say(v, r.is_good ? r.gaps ? WARN : OK : BAD, "records", r.is_good ? "the notes in the records say when and why" : "keep a copy of the folder; vigie verify tells more", r.is_good ? "the chain is whole: %llu records, %llu gaps%s" : "record %llu is the first bad one (%llu looked at): %s",
            (unsigned long long)(r.is_good ? r.records : r.bad_seq), (unsigned long long)(r.is_good ? r.gaps : r.records), r.is_good ? "" : r.what);
    arena_free(a);
}

/* ---- Clock and limits. ---- */

static void look_at_machine(struct visit *v, const struct config *c)
{
    struct timespec wall;
    clock_gettime(CLOCK_REALTIME, &wall);
    if (wall.tv_sec < 1750000000)
        say(v, BAD, "clock", "set it (timedatectl): records are sorted and kept by time", "it says a time before June 2025");
    else
        say(v, OK, "clock", "", "it is set");
    struct rlimit l;
    if (getrlimit(RLIMIT_NOFILE, &l) == 0) {
        /* A connection from a client and one to an upstream each, and what the store holds open. */
        uint64_t wanted = 2 * (uint64_t)c->limits.connections + 100;
        say(v, l.rlim_max < wanted ? WARN : OK, "limits", "raise it (LimitNOFILE=, ulimit -Hn), or lower limits.connections", "%llu open files are allowed, %llu connections may want %llu",
            (unsigned long long)l.rlim_max, (unsigned long long)c->limits.connections, (unsigned long long)wanted);
    }
    if (getrlimit(RLIMIT_FSIZE, &l) == 0 && l.rlim_cur != RLIM_INFINITY && l.rlim_cur < 64 << 20)
        say(v, BAD, "limits", "raise it (ulimit -f unlimited)", "files may grow to %llu bytes only: segments of the journal need 64 MB", (unsigned long long)l.rlim_cur);
    if (geteuid() == 0)
        say(v, WARN, "user", "run it as a user of its own: it needs no rights but its folder", "this is root");
}

/* ---- Upstreams: a connection each, with TLS as serve would make it; no request is sent. ---- */

static void look_at_upstream(struct visit *v, const struct route *route, const struct upstream_url *u)
{
    char url[1024], why[CURL_ERROR_SIZE] = "";
    CURL *e = curl_easy_init();
    if (!e)
        return;
    snprintf(url, sizeof url, "%.*s/", (int)u->url.len, u->url.at);
    curl_easy_setopt(e, CURLOPT_URL, url);
    curl_easy_setopt(e, CURLOPT_CONNECT_ONLY, 1L);
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)(route->limits.connect_ms < 10000 ? route->limits.connect_ms : 10000));
    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, why);
    curl_easy_setopt(e, CURLOPT_CERTINFO, 1L);
    if (route->ca_file)
        curl_easy_setopt(e, CURLOPT_CAINFO, route->ca_file);
    if (route->client_certificate) {
        curl_easy_setopt(e, CURLOPT_SSLCERT, route->client_certificate);
        curl_easy_setopt(e, CURLOPT_SSLKEY, route->client_key);
    }
    CURLcode r = curl_easy_perform(e);
    double named = 0, connected = 0, greeted = 0;
    curl_easy_getinfo(e, CURLINFO_NAMELOOKUP_TIME, &named);
    curl_easy_getinfo(e, CURLINFO_CONNECT_TIME, &connected);
    curl_easy_getinfo(e, CURLINFO_APPCONNECT_TIME, &greeted);
    if (r != CURLE_OK) {
        const char *hint = r == CURLE_COULDNT_RESOLVE_HOST ? "check the name and this machine's resolver" : r == CURLE_COULDNT_CONNECT ? "is it up, and may this machine reach it?"
                         : r == CURLE_OPERATION_TIMEDOUT ? "a firewall in between, or limits.connect too short" : r == CURLE_PEER_FAILED_VERIFICATION ? "give its authority under the route's tls: {ca: FILE}" : "";
        say(v, BAD, "upstream", hint, "%.*s (route %.*s): %s", (int)u->url.len, u->url.at, (int)route->name.len, route->name.at, why[0] ? why : curl_easy_strerror(r));
        curl_easy_cleanup(e);
        return;
    }
    say(v, OK, "upstream", "", "%.*s (route %.*s): name %.0f ms, connection %.0f ms%s", (int)u->url.len, u->url.at, (int)route->name.len, route->name.at, named * 1e3, (connected - named) * 1e3,
        greeted > 0 ? ", TLS is fine" : "");
    struct curl_certinfo *info = NULL;
    if (curl_easy_getinfo(e, CURLINFO_CERTINFO, &info) == CURLE_OK && info && info->num_of_certs)
        for (struct curl_slist *s = info->certinfo[0]; s; s = s->next)
            if (strncmp(s->data, "Expire date:", 12) == 0) {
                time_t until = curl_getdate(s->data + 12, NULL);
                long days = (long)((until - time(NULL)) / 86400);
                if (until > 0 && days < 21)
                    say(v, days < 0 ? BAD : WARN, "upstream", "whoever runs it must renew it", "the certificate of %.*s ends in %ld days", (int)u->host.len, u->host.at, days);
            }
    curl_easy_cleanup(e);
}

static int run(int argc, char **argv)
{
    enum { JSON = 256, OFFLINE };
    static const struct option known[] = {
        { "config", required_argument, NULL, 'c' }, { "json", no_argument, NULL, JSON }, { "offline", no_argument, NULL, OFFLINE }, { "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 },
    };
    const char *file = "vigie.yaml";
    struct visit v = { 0 };
    bool is_offline = false;
    int o;
    while ((o = option_next(argc, argv, ":hc:", known, 0)) != -1) {
        switch (o) {
        case 'c': file = optarg; break;
        case JSON: v.is_json = true; break;
        case OFFLINE: is_offline = true; break;
        case 'h': puts(verb_doctor.help); return EXIT_DONE;
        default: return EXIT_TROUBLE;
        }
    }
    if (optind < argc)
        return trouble_say("vigie doctor -c vigie.yaml", "doctor: '%s' is one too many", argv[optind]);
    struct arena *a = arena_new(16 << 20);
    struct troubles t = { .arena = a };
    struct config *c = config_load(file, (struct span){ 0 }, &t);
    troubles_sort(&t);
    if (!c || t.errors) {
        troubles_print(&t, stderr);
        config_release(c);
        arena_free(a);
        return EXIT_TROUBLE;
    }
    say(&v, t.n ? WARN : OK, "config", "vigie check says them", "%s compiles%s", file, t.n ? ", with warnings" : "");
    for (size_t i = 0; i < c->nlisteners; i++)
        look_at_port(&v, "listen", c->listeners[i].host, c->listeners[i].port);
    look_at_port(&v, "admin", c->admin_host, c->admin_port);
    look_at_disk(&v, c);
    look_at_machine(&v, c);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    for (size_t i = 0; i < c->nroutes && !is_offline; i++)
        for (size_t k = 0; k < c->routes[i].nupstreams; k++)
            look_at_upstream(&v, &c->routes[i], &c->routes[i].upstreams[k]);
    if (v.is_json)
        printf("{\"ok\": %u, \"warn\": %u, \"bad\": %u, \"findings\": [\n %.*s\n]}\n", v.n[OK], v.n[WARN], v.n[BAD], (int)v.json.len, v.json.bytes ? v.json.bytes : "");
    else
        printf("%u ok, %u warn, %u bad\n", v.n[OK], v.n[WARN], v.n[BAD]);
    buf_free(&v.json);
    config_release(c);
    arena_free(a);
    return v.n[BAD] ? EXIT_NO : EXIT_DONE;
}

const struct verb verb_doctor = {
    .name = "doctor",
    .doc = "is this installation sane? ports, disk, clock, limits, upstreams",
    .help =
        "vigie doctor: is this installation sane?\n\n"
        "usage: vigie doctor [-c FILE] [--offline] [--json]\n\n"
        "  -c FILE     the configuration (vigie.yaml)\n"
        "  --offline   does not connect to the upstreams\n"
        "  --json      {\"ok\", \"warn\", \"bad\", \"findings\": [{\"level\", \"about\", \"what\", \"hint\"}]}\n\n"
        "Looks at the configuration, each port, the data folder and its disk (room, rights, how long a sync takes, the chain of records), the clock, the limits of\n"
        "the system, and connects to each upstream (name, connection, certificate) without sending a request. Changes nothing.\n\n"
        "examples:\n"
        "  vigie doctor\n"
        "  sudo -u vigie vigie doctor -c /etc/vigie/vigie.yaml --json\n\n"
        "exit status: 0 nothing is bad · 1 something is · 2 the configuration does not compile",
    .run = run,
};
