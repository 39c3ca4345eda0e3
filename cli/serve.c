/* SPDX-License-Identifier: Apache-2.0
 * `vigie serve`: the proxy, in the foreground. */
#include "cli/serving.h"
#include "cli/verb.h"
#include "proxy/log.h"
#include <getopt.h>

static int run(int argc, char **argv)
{
    static const struct option options[] = {
        { "config", required_argument, NULL, 'c' }, { "log", required_argument, NULL, 'l' }, { "verbose", no_argument, NULL, 'v' }, { 0 },
    };
    const char *config = "vigie.yaml", *log = "text";
    bool is_verbose = false;
    int o;
    while ((o = option_next(argc, argv, ":c:v", options, 0)) != -1)
        switch (o) {
        case 'c': config = optarg; break;
        case 'l': log = optarg; break;
        case 'v': is_verbose = true; break;
        default: return EXIT_TROUBLE;
        }
    if (optind < argc)
        return trouble_say("name the configuration with -c", "serve: it takes no argument '%s'", argv[optind]);
    if (!span_is(span_of(log), "text") && !span_is(span_of(log), "json"))
        return trouble_say("--log json or --log text", "serve: there is no log format '%s'", log);
    log_start(span_is(span_of(log), "json"), is_verbose ? LOG_DEBUG : LOG_INFO);
    struct server_options so = { .config_file = config, .admin_start = serving_admin_start, .admin_stop = serving_admin_stop };
    return server_run(&so);
}
const struct verb verb_serve = {
    .name = "serve", .doc = "the proxy, in the foreground", .run = run,
    .help = "usage: vigie serve [-c vigie.yaml] [--log text|json] [--verbose]\n"
            "\n"
            "Runs the proxy until SIGTERM. SIGHUP reads configuration and rules again (what does not compile changes nothing);\n"
            "SIGTERM stops accepting, finishes what is in flight within limits.drain, writes all records and ends; a second one ends at once.\n"
            "\n"
            "  -c, --config FILE   the configuration (vigie.yaml); docs/configuration.md tells what may stand in it\n"
            "      --log FORMAT    events on stderr as text (default) or json\n"
            "  -v, --verbose       debug events too\n"
            "\n"
            "examples:\n"
            "  vigie check -c vigie.yaml && vigie serve -c vigie.yaml\n"
            "  VIGIE_ADMIN_TOKEN=$(openssl rand -hex 16) vigie serve -c /etc/vigie/vigie.yaml --log json\n"
            "\n"
            "exit status: 0 stopped as asked, 2 trouble at the start",
};
