/*
 * readiness.h - whether a server can answer, and each reason why it cannot, in lines for people.
 *
 * Made of facts alone, so that what is said can be tested without a server. No line has words of a
 * store or a setting in it, which might hold what strangers should not see: the log has those.
 */
#ifndef LARDER_SERVER_HTTP_READINESS_H
#define LARDER_SERVER_HTTP_READINESS_H

#include "base/buffer.h"
#include "server/reload_facts.h"
#include "server/store_watch.h"

#include <stdbool.h>

enum server_phase {
    SERVER_STARTING, /* the gRPC port is not open yet */
    SERVER_SERVING,
    SERVER_STOPPING,
};

/* Whether it is ready. Writes one line for each reason why not, or "ready"; behind that, notes on
 * what is not as usual and does no harm. ignores_rebuilds: a rebuild is such a note, not a reason:
 * what stood before is served until it is done. */
bool readiness_write(enum server_phase phase, const struct reload_facts *facts,
                     enum store_state store, bool ignores_rebuilds, struct buffer *text);

#endif
