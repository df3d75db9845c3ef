/*
 * monitor.h - the pages of the HTTP port: what those who watch the server may ask it.
 *
 *     /healthz  200 while the process lives
 *     /readyz   200 if it can answer, else 503; a reason a line (readiness.h)
 *     /metrics  numbers, in Prometheus' text format (metrics.h, metrics_text.h)
 *
 * The port opens before anything is waited for, and closes after all else has stopped.
 */
#ifndef LARDER_SERVER_HTTP_MONITOR_H
#define LARDER_SERVER_HTTP_MONITOR_H

#include "base/error.h"
#include "server/http/readiness.h"

struct counters;
struct monitor;
struct near_cache;
struct reload;
struct snapshot_cell;
struct store_watch;

/* What is shown; it outlives the monitor. */
struct monitor_parts {
    struct snapshot_cell *cell; /* in its place SNAPSHOT_WATCHER */
    struct reload *reload;
    const struct store_watch *store_watch;
    struct near_cache *near_cache; /* NULL: none */
    const struct counters *counters;
};

/* address NULL: there is no port, and *monitor is NULL, which the other functions accept. INVALID
 * and CONFLICT as http_port.h says. */
enum status monitor_open(const char *address, const struct monitor_parts *parts,
                         struct monitor **monitor, struct error *err);
/* Any thread. */
void monitor_set_phase(struct monitor *monitor, enum server_phase phase);
void monitor_close(struct monitor *monitor);

#endif
