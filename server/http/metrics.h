/*
 * metrics.h - the server's own numbers in the text that /metrics answers: what its workers counted,
 * what it serves, how it is, and what the process takes.
 *
 * docs/operations.md has a line for each of them, and tests hold the two together.
 */
#ifndef LARDER_SERVER_HTTP_METRICS_H
#define LARDER_SERVER_HTTP_METRICS_H

#include "server/answer/counters.h"
#include "server/http/metrics_text.h"
#include "server/reload_facts.h"
#include "server/store_watch.h"

#include <stdbool.h>
#include <stdint.h>

struct near_cache_state;
struct snapshot;

struct metrics_facts {
    const struct counters *counters;
    const struct snapshot *snapshot; /* NULL: nothing is served yet */
    const struct reload_facts *reload;
    enum store_state store;
    const struct near_cache_state *near; /* NULL: there is no such cache */
    bool is_ready;
    int64_t started_us; /* the process; since 1970 */
};

void metrics_write(const struct metrics_facts *facts, struct metrics_text *text);

#endif
