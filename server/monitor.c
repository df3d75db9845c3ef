/* monitor.c - see monitor.h. */
#include "server/monitor.h"

#include "base/log.h"
#include "server/http_port.h"
#include "server/listen_address.h"
#include "server/reload.h"

#include <stdatomic.h>
#include <stdlib.h>

enum { HTTP_OK = 200, HTTP_UNAVAILABLE = 503, ADDRESS_SIZE = 512 };

struct monitor {
    struct monitor_parts parts;
    _Atomic int phase;
    struct http_port *port;
};

static unsigned write_health(void *context, struct http_request *request, struct buffer *text)
{
    (void)context, (void)request;
    buffer_append_text(text, "alive\n");
    return HTTP_OK;
}

static unsigned write_readiness(void *context, struct http_request *request, struct buffer *text)
{
    struct monitor *monitor = context;
    struct reload_facts facts;
    reload_tell(monitor->parts.reload, &facts);
    bool is_ready = readiness_write((enum server_phase)atomic_load(&monitor->phase), &facts,
                                    store_watch_state(monitor->parts.store_watch),
                                    http_request_has(request, "ignore", "rebuilds"), text);
    return is_ready ? HTTP_OK : HTTP_UNAVAILABLE;
}

static const struct http_page pages[] = {
    {"/healthz", "text/plain; charset=utf-8", write_health},
    {"/readyz", "text/plain; charset=utf-8", write_readiness},
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
