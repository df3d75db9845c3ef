/*
 * store_opening.h - the offline store, opened while the registry is still being read.
 *
 * A session of PostgreSQL takes some milliseconds to begin, which few rows that ask would notice.
 * Of an embedded store, whose file the registry may share, nothing begins early. Whatever began is
 * ended by one of take and drop.
 */
#ifndef LARDER_CLI_STORE_OPENING_H
#define LARDER_CLI_STORE_OPENING_H

#include "base/error.h"
#include "config/settings.h"

#include <pthread.h>
#include <stdbool.h>

struct offline_store;

struct store_opening {
    const struct settings *settings;
    pthread_t thread;
    bool has_thread;
    struct offline_store *store;
    enum status status;
    struct error err;
};

void store_opening_begin(struct store_opening *opening, const struct settings *settings);
/* As offline_store_open. */
enum status store_opening_take(struct store_opening *opening, struct offline_store **store,
                               struct error *err);
void store_opening_drop(struct store_opening *opening); /* accepts one that never began, or ended */

#endif
