/*
 * init_stores.h - the stores that a repository begins with: embedded ones, or PostgreSQL and Redis.
 *
 * A template's larder.yaml has a line for each store of either pair. One pair is in force; the
 * lines of the other are comments, ready to be uncommented ("# offline_store: ..."). Whoever asks
 * for that one gets the same file with the marks the other way round. Everything is in the arena.
 */
#ifndef LARDER_CLI_INIT_STORES_H
#define LARDER_CLI_INIT_STORES_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"

enum init_stores { INIT_EMBEDDED, INIT_POSTGRES_REDIS };

/* "embedded" or "postgres-redis". INVALID names both. */
enum status init_stores_find(const char *name, enum init_stores *stores, struct error *err);
const char *init_stores_name(enum init_stores stores);

/* Reads a template's larder.yaml, with that pair in force. FAILED: it cannot be read. */
enum status init_stores_read(const char *path, enum init_stores stores, struct arena *arena,
                             struct bytes *yaml, struct error *err);

#endif
