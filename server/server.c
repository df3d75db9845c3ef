/* server.c - see server.h. */
#include "server/server.h"

#include "base/log.h"
#include "base/timestamp.h"
#include "server/accepting.h"
#include "server/answer/api.h"
#include "server/answer/snapshot.h"
#include "server/control/control.h"
#include "server/http/monitor.h"
#include "server/listen_address.h"
#include "server/log_grpc.h"
#include "server/reload.h"
#include "server/rpc.h"
#include "server/slack.h"
#include "server/store_watch.h"
#include "server/streams.h"
#include "server/wake.h"
#include "server/worker.h"

#include <errno.h>
#include <grpc/grpc_security.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    FINISH_MS = 10 * 1000,              /* what running calls have when told to stop */
    WORKERS_MAX = SNAPSHOT_WATCHER / 2, /* each may hold two */
    WORKERS_DEFAULT_MAX = 8,            /* more are for those who ask for them */
    CORES_PER_WORKER = 2, /* the other is for Redis, or for whoever asks; see docs/benchmarks.md */
    LOOKUPS_MAX = 500 * 1000,              /* rows that one request may read */
    REQUEST_BYTES_MAX = 128 * 1024 * 1024, /* of memory for what one request asks */
    STREAMS_PER_CONNECTION = 100, /* so that one caller alone cannot take a worker's places */
    /* Who is gone without a word (a cable, a machine, a firewall that forgets) would otherwise keep
     * the places of his streams, watches and connection for ever. So a connection that is silent is
     * pinged, 667 times a second where all of 10,000 are idle... */
    PEER_SILENT_MS = 15 * 1000,
    /* ...and closed where nothing comes back: gRPC's own callers look at a connection without calls
     * every 5 s only. */
    PEER_ACKNOWLEDGES_MS = 20 * 1000,
    /* Callers may do the same: in Go and in Java every 10 s at the soonest, and pings may arrive
     * closer together. gRPC's own minimum (5 minutes; 2 hours without calls) disconnects them. */
    PEER_PINGS_APART_MS = 5 * 1000,
    ANSWER_BYTES_MIN =
        64 * 1024 * 1024, /* the largest answer, unless requests may be larger still */
    INCOMING_BYTES_MIN =
        256 * 1024 * 1024, /* of requests on their way in, unless these may be... */
    MESSAGES_AT_ONCE = 4,  /* ...so large that fewer than this would fit */
    ADDRESS_SIZE = 512,
};

struct server {
    const struct settings *settings;
    int stop_fd;    /* the caller's */
    int changed_fd; /* definitions or the store's state changed */
    int stopped_fd; /* gRPC has stopped */
    struct snapshot_cell cell;
    struct reload *reload;
    struct store_watch *store_watch;
    struct near_cache *near_cache; /* NULL: none */
    struct counters counters;
    struct monitor *monitor; /* NULL: no HTTP port */
    grpc_server *grpc;
    struct control *control;
    struct worker_context context;
    struct worker *workers[WORKERS_MAX];
    size_t worker_count;
    struct slack slack;
};

/* Waits for one of two descriptors; true: it is the stop. A signal that the process handles
 * elsewhere does not end the wait. This thread has time. */
static bool wait_for(struct server *server, int fd)
{
    int ready;
    struct pollfd fds[] = {{.fd = server->stop_fd, .events = POLLIN}, {.fd = fd, .events = POLLIN}};
    while ((ready = poll(fds, COUNT_OF(fds), SLACK_LOOK_MS)) == 0 || (ready < 0 && errno == EINTR))
        if (ready == 0)
            slack_look(&server->slack);
    if (fds[1].revents)
        wake_clear(fd);
    return fds[0].revents != 0;
}

/* Something changed, or false: told to stop. Whose the online store is may look different with
 * other definitions. */
static bool wait_for_change(struct server *server)
{
    if (wait_for(server, server->changed_fd))
        return false;
    store_watch_hurry(server->store_watch);
    return true;
}

/* Until requests can be answered. false: told to stop before that. */
static bool wait_until_ready(struct server *server)
{
    while (!atomic_load(&server->cell.current) ||
           store_watch_state(server->store_watch) != STORE_READY)
        if (!wait_for_change(server))
            return false;
    return true;
}

/* Those that we may run on, which taskset and containers leave fewer of than there are. */
static size_t count_cores(void)
{
    cpu_set_t cores;
    return sched_getaffinity(0, sizeof cores, &cores) == 0 ? (size_t)CPU_COUNT(&cores) : 1;
}

static size_t count_workers(const struct settings *settings)
{
    size_t count = settings->server.workers;
    if (count > 0)
        return count > WORKERS_MAX ? WORKERS_MAX : count;
    size_t cores = count_cores();
    count = cores > CORES_PER_WORKER ? cores / CORES_PER_WORKER : 1;
    return count > WORKERS_DEFAULT_MAX ? WORKERS_DEFAULT_MAX : count;
}

static grpc_arg integer_arg(const char *key, size_t value)
{
    grpc_arg arg = {.type = GRPC_ARG_INTEGER, .key = (char *)(uintptr_t)key};
    arg.value.integer = value > INT_MAX ? INT_MAX : (int)value;
    return arg;
}

/* gRPC takes requests in before any worker sees them. Past the quota it resets calls, which their
 * callers see as RESOURCE_EXHAUSTED, and closes connections that lie idle. */
static grpc_resource_quota *make_quota(const struct settings *settings)
{
    size_t largest = settings->server.max_message_bytes;
    grpc_resource_quota *quota = grpc_resource_quota_create("larder");
    grpc_resource_quota_resize(quota, MESSAGES_AT_ONCE * largest > INCOMING_BYTES_MIN
                                          ? MESSAGES_AT_ONCE * largest
                                          : INCOMING_BYTES_MIN);
    return quota;
}

static grpc_server *make_grpc_server(const struct settings *settings)
{
    grpc_resource_quota *quota = make_quota(settings);
    grpc_arg args[] = {
        {.type = GRPC_ARG_POINTER,
         .key = (char *)(uintptr_t)GRPC_ARG_RESOURCE_QUOTA,
         .value.pointer = {quota, grpc_resource_quota_arg_vtable()}},
        integer_arg(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, settings->server.max_message_bytes),
        integer_arg(GRPC_ARG_MAX_CONCURRENT_STREAMS, STREAMS_PER_CONNECTION),
        integer_arg(GRPC_ARG_KEEPALIVE_TIME_MS, PEER_SILENT_MS),
        integer_arg(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, PEER_ACKNOWLEDGES_MS),
        integer_arg(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1), /* to either side */
        integer_arg(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, PEER_PINGS_APART_MS),
        integer_arg(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0), /* see inflate.h */
        integer_arg(GRPC_ARG_ALLOW_REUSEPORT, 0), /* a second server is to fail, not to share */
    };
    grpc_channel_args channel_args = {COUNT_OF(args), args};
    grpc_server *server = grpc_server_create(&channel_args, NULL);
    grpc_resource_quota_unref(quota);
    return server;
}

static void fill_context(struct server *server)
{
    const struct server_settings *settings = &server->settings->server;
    server->context = (struct worker_context){
        .settings = server->settings,
        .server = server->grpc,
        .cell = &server->cell,
        .reload = server->reload,
        .store_watch = server->store_watch,
        .near_cache = server->near_cache,
        .counters = &server->counters,
        .limits = {.max_entities = settings->max_entities,
                   .max_features = settings->max_features,
                   .max_lookups = LOOKUPS_MAX,
                   .max_bytes = REQUEST_BYTES_MAX},
        .max_answer_bytes = settings->max_message_bytes > ANSWER_BYTES_MIN
                                ? settings->max_message_bytes
                                : ANSWER_BYTES_MIN,
    };
    server->context.max_held_bytes = 2 * server->context.max_answer_bytes;
    for (size_t i = 0; i < WORKER_API_COUNT; i++)
        server->context.methods[i] =
            grpc_server_register_method(server->grpc, worker_apis[i]->method, NULL,
                                        GRPC_SRM_PAYLOAD_READ_INITIAL_BYTE_BUFFER, 0);
    server->context.stream_method =
        grpc_server_register_method(server->grpc, streams_method, NULL, GRPC_SRM_PAYLOAD_NONE, 0);
}

static enum status open_port(struct server *server, struct error *err)
{
    const char *address = server->settings->server.grpc;
    enum status status = listen_address_check("server.grpc", address, err);
    if (status)
        return status;
    grpc_server_credentials *credentials = grpc_insecure_server_credentials_create();
    int port = grpc_server_add_http2_port(server->grpc, address, credentials);
    grpc_server_credentials_release(credentials);
    if (port == 0)
        return fail(err, STATUS_CONFLICT, "cannot listen on %s", address);
    char text[ADDRESS_SIZE];
    listen_address_with_port(address, port, text, sizeof text);
    grpc_server_start(server->grpc);
    log_line(LOG_INFO, "serving", "address=%s project=%s workers=%zu pid=%ld", text,
             server->settings->project, server->worker_count, (long)getpid());
    return STATUS_OK;
}

static enum status open_parts(struct server *server, struct error *err)
{
    server->grpc = make_grpc_server(server->settings);
    server->control = control_open(server->grpc, server->store_watch, server->stopped_fd);
    fill_context(server);
    size_t count = server->counters.worker_count;
    enum status status = standby_start(count, &server->context.standby, err);
    for (size_t i = 0; !status && i < count; i++)
        status = worker_open(&server->context, i, &server->workers[server->worker_count++], err);
    return status;
}

static enum status start_parts(struct server *server, struct error *err)
{
    enum status status = control_start(server->control, err);
    for (size_t i = 0; !status && i < server->worker_count; i++)
        status = worker_start(server->workers[i], err);
    return status;
}

static void close_parts(struct server *server)
{
    for (size_t i = 0; i < server->worker_count; i++)
        worker_close(server->workers[i]);
    if (server->grpc)
        grpc_server_destroy(server->grpc);
    control_close(server->control);
    standby_stop(server->context.standby);
}

/* Lets what runs finish, for a while. */
static void stop_parts(struct server *server)
{
    struct pollfd stopped = {.fd = server->stopped_fd, .events = POLLIN};
    int64_t until_us = timestamp_monotonic_us() + FINISH_MS * INT64_C(1000);
    log_line(LOG_INFO, "stopping", "%s", "");
    monitor_set_phase(server->monitor, SERVER_STOPPING);
    control_stop(server->control);
    for (int left_ms = FINISH_MS; left_ms > 0 && !stopped.revents;) {
        poll(&stopped, 1, left_ms);
        left_ms = (int)((until_us - timestamp_monotonic_us()) / 1000);
    }
    if (!stopped.revents) {
        log_line(LOG_WARNING, "cancelling the calls that still run", "%s", "");
        grpc_server_cancel_all_calls(server->grpc);
    }
    for (size_t i = 0; i < server->worker_count; i++)
        worker_join(server->workers[i]);
    control_join(server->control);
    log_line(LOG_INFO, "stopped", "%s", "");
}

static enum status serve_until_stopped(struct server *server, struct error *err)
{
    enum status status = open_port(server, err);
    if (status)
        return status;
    status = start_parts(server, err);
    if (!status)
        monitor_set_phase(server->monitor, SERVER_SERVING);
    while (!status && wait_for_change(server))
        continue;
    stop_parts(server);
    return status;
}

/* What need not wait for definitions is done while they are read. */
static enum status serve(struct server *server, struct error *err)
{
    log_grpc_begin();
    accepting_begin();
    grpc_init();
    enum status status = open_parts(server, err);
    if (!status && wait_until_ready(server))
        status = serve_until_stopped(server, err);
    close_parts(server);
    grpc_shutdown();
    return status;
}

static enum status open_monitor(struct server *server, struct error *err)
{
    const struct monitor_parts parts = {.cell = &server->cell,
                                        .reload = server->reload,
                                        .store_watch = server->store_watch,
                                        .near_cache = server->near_cache,
                                        .counters = &server->counters};
    return monitor_open(server->settings->server.http, &parts, &server->monitor, err);
}

static enum status open_fds(struct server *server, struct error *err)
{
    server->stopped_fd = -1;
    enum status status = wake_open(&server->changed_fd, err);
    return status ? status : wake_open(&server->stopped_fd, err);
}

enum status server_run(const struct settings *settings, int stop_fd, struct error *err)
{
    /* The cell keeps its readers on cache lines of their own, which is more than malloc aligns to.
     */
    struct server *server = aligned_alloc(_Alignof(struct server), sizeof *server);
    if (!server)
        out_of_memory();
    memset(server, 0, sizeof *server);
    server->settings = settings;
    server->stop_fd = stop_fd;
    snapshot_cell_init(&server->cell);
    counters_init(&server->counters, count_workers(settings));
    enum status status = open_fds(server, err);
    if (!status)
        status = reload_start(settings, &server->cell, server->changed_fd, &server->reload, err);
    if (!status)
        status = store_watch_start(settings, server->reload, server->changed_fd,
                                   &server->store_watch, err);
    if (!status)
        status = near_cache_start(settings, &server->near_cache, err);
    if (!status)
        status = open_monitor(server, err);
    if (!status)
        status = serve(server, err);
    monitor_close(server->monitor);
    near_cache_stop(server->near_cache);
    store_watch_stop(server->store_watch);
    reload_stop(server->reload);
    snapshot_cell_release(&server->cell);
    counters_release(&server->counters);
    wake_close(server->changed_fd);
    wake_close(server->stopped_fd);
    free(server);
    return status;
}
