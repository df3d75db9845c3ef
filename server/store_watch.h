/*
 * store_watch.h - whether the online store answers, and whose it is, asked twice a second on a
 * thread of its own.
 *
 * Health and the workers read one atomic from here; the log gets one line for each change. A store
 * that belongs to another registry than the definitions (design section 6) must not be served from:
 * its keys may be the same and mean something else. Nobody's store is empty, and harmless.
 */
#ifndef LARDER_SERVER_STORE_WATCH_H
#define LARDER_SERVER_STORE_WATCH_H

#include "base/error.h"
#include "config/settings.h"

struct reload;
struct store_watch;

enum store_state {
    STORE_UNKNOWN, /* not asked yet, or there are no definitions to compare with */
    STORE_READY,
    STORE_AWAY,
    STORE_FOREIGN, /* another registry's */
};

/* wake_fd: an eventfd, written at each change. settings and reload outlive it. */
enum status store_watch_start(const struct settings *settings, const struct reload *reload,
                              int wake_fd, struct store_watch **watch, struct error *err);
void store_watch_stop(struct store_watch *watch); /* accepts NULL */

/* Any thread: looks again at once, as after new definitions. */
void store_watch_hurry(struct store_watch *watch);
/* Any thread. */
enum store_state store_watch_state(const struct store_watch *watch);

#endif
