/* serve.c - `larder serve`: answers requests for features until it is told to stop. */
#include "cli/command.h"

#include "base/log.h"
#include "server/server.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* SIGINT and SIGTERM become readable here, in every thread made from now on; a peer that goes away
 * is an error of its write, not a signal. */
static int open_stop_fd(struct error *err)
{
    sigset_t stops;
    sigemptyset(&stops);
    sigaddset(&stops, SIGINT);
    sigaddset(&stops, SIGTERM);
    signal(SIGPIPE, SIG_IGN);
    pthread_sigmask(SIG_BLOCK, &stops, NULL);
    int fd = signalfd(-1, &stops, SFD_CLOEXEC);
    if (fd < 0)
        fail(err, STATUS_FAILED, "cannot make a signalfd: %s", strerror(errno));
    return fd;
}

static int run(const struct options *options)
{
    struct error err;
    struct settings settings;
    int code = command_read_settings(options, &settings);
    if (code)
        return code;
    int stop_fd = open_stop_fd(&err);
    if (stop_fd < 0)
        return command_failed(&err);
    enum status status = server_run(&settings, stop_fd, &err);
    close(stop_fd);
    if (status == STATUS_INVALID)
        return command_misused(&err);
    return status ? command_failed(&err) : EXIT_DONE;
}

const struct command command_serve = {
    .name = "serve",
    .summary = "the gRPC service",
    .synopsis = "[-C DIR]",
    .text = "Answers requests for the newest features over gRPC, at server.grpc of\n"
            "larder.yaml (127.0.0.1:6566 unless it says otherwise), as\n"
            "larder.v1.FeatureService, as feast.serving.ServingService for clients of Feast,\n"
            "and grpc.health.v1.Health.\n"
            "\n"
            "The port opens when definitions are loaded and the online store answers; until\n"
            "then the log on stderr says what is waited for. An apply is picked up within a\n"
            "second, without a request failing. While the registry is away, the definitions\n"
            "that apply left in the online store are served; while that is away, requests\n"
            "get UNAVAILABLE.\n"
            "\n"
            "server.http, where it is set, is a port for those who watch it: /healthz is 200\n"
            "while it lives, /readyz while it can answer, and says why where it cannot;\n"
            "/metrics has numbers, in Prometheus' text format.\n"
            "\n"
            "SIGTERM and Ctrl-C: takes no more calls, lets those that run finish for 10\n"
            "seconds, cancels the rest, and exits with 0.\n"
            "\n"
            "  larder serve -C my_features\n",
    .without_json = true,
    .run = run,
};
