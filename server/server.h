/*
 * server.h - `larder serve`: everything that runs while features are served.
 *
 * Definitions are loaded and the online store is asked before the port opens; until then the log
 * says what is waited for. Then workers answer reads, one thread everything else, and one keeps the
 * definitions current. When told to stop, it takes no more calls, lets those that run finish for 10
 * s, cancels the rest, and returns. An HTTP port, where the settings have one, is open from the
 * beginning to the end, and says which of this it is (monitor.h).
 *
 * What it holds has a maximum, whoever calls: requests on their way in, 256 MiB for all workers
 * together (with the default limits; past it gRPC resets calls), what each worker holds (worker.h),
 * the near cache as set, and the definitions. Callers who are gone without a word hold nothing any
 * more after 35 s.
 */
#ifndef LARDER_SERVER_SERVER_H
#define LARDER_SERVER_SERVER_H

#include "base/error.h"
#include "config/settings.h"

/* Returns when stop_fd becomes readable (OK, also while it still waits to open its port), or when
 * it cannot serve: INVALID: an address that is none; CONFLICT: the port is taken; else as the
 * stores' openings say. */
enum status server_run(const struct settings *settings, int stop_fd, struct error *err);

#endif
