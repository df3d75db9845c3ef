/* monitor.c - see monitor.h. */
#include "server/http/monitor.h"

#include "base/log.h"
#include "base/timestamp.h"
#include "server/answer/snapshot.h"
#include "server/http/http_port.h"
#include "server/http/metrics.h"
#include "server/listen_address.h"
#include "server/reload.h"
#include "store/online/near_cache.h"

#include <stdatomic.h>
#include <stdlib.h>

enum { HTTP_OK = 200, HTTP_UNAVAILABLE = 503, ADDRESS_SIZE = 512 };

struct monitor {
    struct monitor_parts parts;
    int64_t started_us;
    _Atomic int phase;
    struct http_port *port;
};

static unsigned write_health(void *context, struct http_request *request, struct buffer *text)
{
    (void)context, (void)request;
    buffer_append_text(text, "alive\n");
    return HTTP_OK;
}

/* In words, and with what it was told from. */
static bool tell_readiness(struct monitor *monitor, bool ignores_rebuilds,
                           struct reload_facts *facts, struct buffer *text)
{
    reload_tell(monitor->parts.reload, facts);
    return readiness_write((enum server_phase)atomic_load(&monitor->phase), facts,
                           store_watch_state(monitor->parts.store_watch), ignores_rebuilds, text);
}

static unsigned write_readiness(void *context, struct http_request *request, struct buffer *text)
{
    struct reload_facts facts;
    bool ignores_rebuilds = http_request_has(request, "ignore", "rebuilds");
    return tell_readiness(context, ignores_rebuilds, &facts, text) ? HTTP_OK : HTTP_UNAVAILABLE;
}

static unsigned write_metrics(void *context, struct http_request *request, struct buffer *text)
{
    struct monitor *monitor = context;
    struct reload_facts reload;
    struct near_cache_state near;
    struct metrics_text metrics = {.out = text};
    (void)request;
    bool is_ready = tell_readiness(monitor, false, &reload, text);
    buffer_clear(text); /* the words are for another page */
    const struct metrics_facts facts = {
        .counters = monitor->parts.counters,
        .snapshot = snapshot_take(monitor->parts.cell, SNAPSHOT_WATCHER),
        .reload = &reload,
        .store = store_watch_state(monitor->parts.store_watch),
        .near = near_cache_look(monitor->parts.near_cache, &near) ? &near : NULL,
        .is_ready = is_ready,
        .started_us = monitor->started_us,
    };
    metrics_write(&facts, &metrics);
    snapshot_let_go(monitor->parts.cell, SNAPSHOT_WATCHER);
    return HTTP_OK;
}

static const struct http_page pages[] = {
    {"/healthz", "text/plain; charset=utf-8", write_health},
    {"/readyz", "text/plain; charset=utf-8", write_readiness},
    {"/metrics", "text/plain; version=0.0.4; charset=utf-8", write_metrics},
};

static void log_open(const struct monitor *monitor, const char *address)
{
    char text[ADDRESS_SIZE];
    listen_address_with_port(address, http_port_number(monitor->port), text, sizeof text);
    log_line(LOG_INFO, "watched over HTTP", "address=%s", text);
}

enum status monitor_open(const char *address, const struct monitor_parts *parts,
                         struct monitor **out, struct error *err)
{
    *out = NULL;
    if (!address)
        return STATUS_OK;
    struct monitor *monitor = calloc(1, sizeof *monitor);
    if (!monitor)
        out_of_memory();
    monitor->parts = *parts;
    monitor->started_us = timestamp_now();
    enum status status = http_port_open("server.http", address, pages, COUNT_OF(pages), monitor,
                                        &monitor->port, err);
    if (status) {
        free(monitor);
        return status;
    }
    log_open(monitor, address);
    *out = monitor;
    return STATUS_OK;
}

void monitor_set_phase(struct monitor *monitor, enum server_phase phase)
{
    if (monitor)
        atomic_store(&monitor->phase, (int)phase);
}

void monitor_close(struct monitor *monitor)
{
    if (!monitor)
        return;
    http_port_close(monitor->port);
    free(monitor);
}
