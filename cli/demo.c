/* SPDX-License-Identifier: Apache-2.0
 * `vigie demo`: the whole of vigie at work, with a model and traffic of its own, in a folder that can be looked at and edited. */
#include "cli/demo.h"
#include "base/must.h"
#include "base/parse.h"
#include "cli/serving.h"
#include "cli/verb.h"
#include "proxy/log.h"
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* rules/default.yaml and the demo's own files, put into the binary so that the demo runs anywhere. */
#define EMBED(name, path) \
    __asm__(".section .rodata\n.global " #name "\n.global " #name "_end\n" #name ":\n.incbin \"" path "\"\n" #name "_end:\n.byte 0\n.previous\n"); \
    extern const char name[], name##_end[]
EMBED(demo_default_rules, "rules/default.yaml");
EMBED(demo_own_rules, "cli/demo/rules.yaml");
EMBED(demo_scope, "cli/demo/scope.yaml");

struct demo {
    unsigned port, rate;
    const char *folder;
    struct demo_traffic *traffic;
    bool has_upstream;
};

#define FIRST_WORDS "# The demo's configuration."
/* Not there, or written by a demo. */
static bool is_ours(const char *path)
{
    char first[sizeof FIRST_WORDS] = "";
    FILE *f = fopen(path, "r");
    if (!f)
        return errno == ENOENT || errno == ENOTDIR; /* the latter is said when it is written */
    size_t n = fread(first, 1, sizeof first - 1, f);
    fclose(f);
    return n == sizeof first - 1 && memcmp(first, FIRST_WORDS, n) == 0;
}
static bool write_file(const char *folder, const char *name, struct span content)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "wx"); /* what stands there may have been edited: it stays */
    if (!f)
        return errno == EEXIST;
    bool ok = fwrite(content.at, 1, content.len, f) == content.len;
    return fclose(f) == 0 && ok;
}
static void screen(struct server *s, void *context)
{
    struct demo *d = context;
    unsigned port = server_port(s, 0), admin = serving_admin_port();
    printf("\n"
           "  vigie is on the lookout.\n"
           "\n"
           "  Send traffic to    http://127.0.0.1:%u/openai/v1       (OpenAI clients)\n"
           "                     http://127.0.0.1:%u/anthropic       (Anthropic clients)\n"
           "                     http://127.0.0.1:%u/scoring/v2      (KServe v2 clients)\n"
           "  The pages are at   http://127.0.0.1:%u/\n"
           "\n"
           "  Look at            http://127.0.0.1:%u/flags           flagged and blocked answers, each with its reason\n"
           "                     http://127.0.0.1:%u/drift           within a minute: what moved\n"
           "\n"
           "  Try a block        curl http://127.0.0.1:%u/openai/v1/chat/completions -H 'content-type: application/json' \\\n"
           "                       -d '{\"model\":\"demo-1\",\"messages\":[{\"role\":\"user\",\"content\":\"is the Horizon fund a good place for my savings account?\"}]}'\n"
           "  Edit the rules     %s/rules/   then: vigie rules test %s/rules/demo.yaml; kill -HUP %ld\n"
           "  Read the records   vigie records --data %s/data; vigie verify --data %s/data\n"
           "\n"
           "  Ctrl-C ends it.\n\n",
           port, port, port, admin, admin, admin, port, d->folder, d->folder, (long)getpid(), d->folder, d->folder);
    fflush(stdout);
    d->traffic = demo_traffic_start(port, d->rate);
}
static void remove_all(const char *folder, int depth)
{
    DIR *dir = depth < 8 ? opendir(folder) : NULL;
    struct dirent *e;
    while (dir && (e = readdir(dir))) {
        char path[4096];
        struct stat st;
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 || snprintf(path, sizeof path, "%s/%s", folder, e->d_name) >= (int)sizeof path)
            continue;
        if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode))
            remove_all(path, depth + 1);
        else
            unlink(path);
    }
    if (dir)
        closedir(dir);
    rmdir(folder);
}

static int run(int argc, char **argv)
{
    static const struct option options[] = {
        { "port", required_argument, NULL, 'p' }, { "admin-port", required_argument, NULL, 'a' }, { "folder", required_argument, NULL, 'f' },
        { "rate", required_argument, NULL, 'r' }, { 0 },
    };
    uint32_t port = 8080, admin = 9090, rate = 36;
    const char *folder = NULL;
    char temporary[256];
    int o;
    while ((o = option_next(argc, argv, ":p:a:f:r:", options, 0)) != -1)
        switch (o) {
        case 'p':
            if (!parse_u32(span_of(optarg), 65535, &port))
                return trouble_say("a port is a number from 0 (any) to 65535", "demo: --port %s", optarg);
            break;
        case 'a':
            if (!parse_u32(span_of(optarg), 65535, &admin))
                return trouble_say("a port is a number from 0 (any) to 65535", "demo: --admin-port %s", optarg);
            break;
        case 'r':
            if (!parse_u32(span_of(optarg), 500, &rate))
                return trouble_say("calls a second, from 0 (no traffic) to 500", "demo: --rate %s", optarg);
            break;
        case 'f': folder = optarg; break;
        default: return EXIT_TROUBLE;
        }
    if (optind < argc)
        return trouble_say("see vigie demo --help", "demo: it takes no argument '%s'", argv[optind]);
    if (folder && strlen(folder) > 1024)
        return trouble_say("name a shorter path", "demo: --folder is longer than 1024 bytes");
    bool is_temporary = !folder;
    if (!folder) {
        const char *base = getenv("TMPDIR");
        snprintf(temporary, sizeof temporary, "%s/vigie-demo-XXXXXX", base && base[0] ? base : "/tmp");
        if (!(folder = mkdtemp(temporary)))
            return trouble_say("set TMPDIR to a folder that may be written, or use --folder", "demo: cannot make a folder: %s", strerror(errno));
    } else if (mkdir(folder, 0700) != 0 && errno != EEXIST) {
        return trouble_say("name a folder that may be made", "demo: cannot make %s: %s", folder, strerror(errno));
    }
    struct demo_model *model = demo_model_start();
    if (!model)
        return trouble_say("is loopback up?", "demo: the model server cannot listen on 127.0.0.1");
    struct buf config = { .cap = 64 * 1024 };
    unsigned at = demo_model_port(model);
    buf_printf(&config,
               FIRST_WORDS " Edit it and send SIGHUP; docs/configuration.md tells what may stand here.\n"
               "listen: 127.0.0.1:%u\nadmin: {listen: 127.0.0.1:%u}\ndata: data\nrules: [rules]\nroutes:\n"
               "  - {name: assistant, mount: /openai, upstream: \"http://127.0.0.1:%u\", api: openai, scope: scope.yaml}\n"
               "  - {name: branch, mount: /anthropic, upstream: \"http://127.0.0.1:%u\", api: anthropic, scope: scope.yaml}\n"
               "  - {name: scoring, mount: /scoring, upstream: \"http://127.0.0.1:%u\", api: kserve}\n",
               port, admin, at, at, at);
    char path[4096], rules[4096];
    snprintf(rules, sizeof rules, "%s/rules", folder);
    snprintf(path, sizeof path, "%s/vigie.yaml", folder);
    mkdir(rules, 0700);
    if (!is_ours(path)) {
        demo_model_stop(model);
        buf_free(&config);
        return trouble_say("name another folder with --folder", "demo: %s is there already and is not the demo's", path);
    }
    unlink(path); /* it holds the model's port, which changes */
    bool ok = write_file(folder, "vigie.yaml", buf_span(&config)) && write_file(folder, "scope.yaml", (struct span){ demo_scope, (size_t)(demo_scope_end - demo_scope) })
           && write_file(rules, "default.yaml", (struct span){ demo_default_rules, (size_t)(demo_default_rules_end - demo_default_rules) })
           && write_file(rules, "demo.yaml", (struct span){ demo_own_rules, (size_t)(demo_own_rules_end - demo_own_rules) });
    buf_free(&config);
    int status = EXIT_TROUBLE;
    if (!ok) {
        trouble_say("name a folder that may be written with --folder", "demo: cannot write into %s: %s", folder, strerror(errno));
    } else {
        struct demo d = { .rate = rate, .folder = folder };
        log_start(false, LOG_WARN);
        struct server_options so = { .config_file = path, .admin_start = serving_admin_start, .admin_stop = serving_admin_stop, .ready = screen, .context = &d, .is_quiet = true };
        status = server_run(&so);
        if (status != EXIT_DONE)
            trouble_say("a port in use? name others with --port and --admin-port", "demo: it could not start");
        demo_traffic_stop(d.traffic);
    }
    demo_model_stop(model);
    if (is_temporary)
        remove_all(folder, 0);
    return status;
}
const struct verb verb_demo = {
    .name = "demo", .doc = "a model of its own, sample traffic and a proxy before it; prints where to look", .run = run,
    .help = "usage: vigie demo [--port 8080] [--admin-port 9090] [--folder DIR] [--rate 36]\n"
            "\n"
            "Starts a small model server (OpenAI chat, Anthropic messages, KServe v2; streams too), vigie before it, and sample traffic: ordinary\n"
            "questions to a bank's assistant, refusals, out-of-scope calls, a figure that is in no source, a leaked key, an injection, a shift of\n"
            "subject, and a credit-scoring model whose inputs drift. Then it prints where to send traffic of your own and where to look.\n"
            "\n"
            "      --port N        where clients call (8080; 0: any free one)\n"
            "      --admin-port N  where the pages are (9090; 0: any free one)\n"
            "      --folder DIR    keep configuration, rules and records there; else a temporary folder, removed at the end\n"
            "      --rate N        sample calls a second during the first 90 s, a tenth of it afterwards (36; 0: none)\n"
            "\n"
            "examples:\n"
            "  vigie demo\n"
            "  vigie demo --folder ./demo --rate 0\n"
            "\n"
            "exit status: 0 ended as asked, 2 trouble",
};
