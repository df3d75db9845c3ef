/*
 * settings.h - larder.yaml: which stores, where to listen, and the limits.
 *
 * Values may take environment variables, "${NAME}" and "${NAME:-default}", replaced after the YAML
 * is parsed; a variable that is unset and has no default is a problem at its place. Every setting
 * has a default but the stores. A store is a server, which has a url, or stands in the file system,
 * at a path. Secrets stay inside the urls: print those through url_without_secret only.
 */
#ifndef LARDER_CONFIG_SETTINGS_H
#define LARDER_CONFIG_SETTINGS_H

#include "base/arena.h"
#include "base/log.h"
#include "config/place.h"

#include <stdbool.h>
#include <stdint.h>

struct store_settings {
    const char *type;          /* offline "postgres" or "sqlite"; online "redis" or "lmdb" */
    const char *url;           /* of a server: what its client library takes; else NULL */
    const char *path;          /* in the file system, as seen from where we run; else NULL */
    uint64_t max_size_bytes;   /* lmdb: default 64 GiB (32 bits: 1 GiB) */
    uint64_t near_cache_bytes; /* redis: of rows that a server keeps in its memory; 0: none */
    /* postgres: to connect, and each statement of a server that reads the registry, default 5000.
     * redis: each round trip, default 250. sqlite, lmdb: until others have written, default 5000 */
    uint32_t timeout_ms;
};

struct server_settings {
    const char *grpc;           /* host:port, default 127.0.0.1:6566 */
    const char *http;           /* host:port; NULL, the default: no port */
    uint32_t workers;           /* 0: chosen from the number of cores */
    uint32_t max_entities;      /* in a request; default 10000 */
    uint32_t max_features;      /* in a request; default 10000 */
    uint32_t max_message_bytes; /* default 16 MiB */
    uint32_t max_call_ms;       /* what a call may take, whatever its deadline; default 10000 */
};

struct log_settings {
    enum log_level level;   /* the least that is written; default info */
    enum log_format format; /* default logfmt */
};

struct settings {
    const char
        *project; /* from settings_read_yaml NULL if larder.yaml does not name it; else never */
    struct place project_place;
    struct store_settings offline_store;
    struct store_settings online_store;
    const char *registry_schema; /* default "larder" */
    struct server_settings server;
    struct log_settings log;
    uint64_t training_memory_bytes; /* that making a training set holds; default 512 MiB */
};

/* The url with its password, if it has one, written as ***; works for any text, even one that is no
 * url. In the arena. */
const char *url_without_secret(const char *url, struct arena *arena);

#endif
