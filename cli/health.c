/* health.c - `larder health`: does a server answer? For containers and scripts that watch one. */
#include "cli/command.h"
#include "cli/notice.h"

#include "sdk/c/include/larder/larder.h"

#include <jansson.h>
#include <stdio.h>

enum { DEFAULT_TIMEOUT_MS = 1000 };

/* What a model calls; it is serving while the online store can be reached, too. */
static const char service[] = "larder.v1.FeatureService";

static int tell(const struct options *options, const char *target, const char *reason)
{
    int code = reason ? EXIT_FAILED : EXIT_DONE;
    if (reason)
        notice(NOTICE_FAILURE, "%s", reason);
    else if (!options->json)
        printf("%s is serving\n", target);
    if (!options->json)
        return code;
    int printed = command_print_json(json_pack("{s:s, s:b, s:s?}", "server", target, "serving",
                                               reason == NULL, "reason", reason));
    return printed ? printed : code;
}

/* Why it is not serving; NULL if it is. */
static const char *find_reason(const struct options *options, const char *target, int timeout_ms)
{
    struct larder_error err;
    struct larder_client *client;
    bool serving;
    enum larder_result result = larder_connect(target, NULL, &client, &err);
    if (result == LARDER_OK)
        result = larder_check_health(client, service, timeout_ms, &serving, &err);
    larder_close(client);
    if (result != LARDER_OK)
        return arena_text(options->arena, err.message);
    if (serving)
        return NULL;
    return arena_printf(options->arena,
                        "%s is not serving: its online store is away, or it is stopping; its log "
                        "says which",
                        target);
}

static int run(const struct options *options)
{
    struct settings settings;
    struct error err;
    int timeout_ms = DEFAULT_TIMEOUT_MS;
    if (option_timeout(options, "--timeout", &timeout_ms, &err))
        return command_misused(&err);
    const char *target = option_text(options, "--server");
    if (!target) {
        int code = command_read_settings(options, &settings);
        if (code)
            return code;
        target = settings.server.grpc;
    }
    return tell(options, target, find_reason(options, target, timeout_ms));
}

static const struct option_spec health_options[] = {
    {"--server", OPTION_TEXT, "HOST:PORT", "another server than that of larder.yaml"},
    {"--timeout", OPTION_TEXT, "T", "how long to wait (default: 1s)"},
};

const struct command command_health = {
    .name = "health",
    .summary = "whether a server answers",
    .synopsis = "[-C DIR] [--server HOST:PORT]",
    .text = "Asks a running larder serve whether it answers requests (grpc.health.v1): it\n"
            "has definitions, and its online store can be reached. Exit 0 if so, 1 if not,\n"
            "with the reason. For the health checks of containers, and for scripts:\n"
            "\n"
            "  larder health --server 127.0.0.1:6566\n",
    .options = health_options,
    .option_count = COUNT_OF(health_options),
    .run = run,
};
