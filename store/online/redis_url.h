/*
 * redis_url.h - online_store.url taken apart.
 *
 *     redis://[[user]:password@]host[:port][/database]      an IPv6 address stands in brackets
 *     unix://[[user]:password@]/path[?db=database]          also redis+unix://
 *
 * %XX stands for a byte in the user, the password and the path. No message quotes the url, since
 * the mistake may be what keeps the password from being seen as one.
 */
#ifndef LARDER_STORE_ONLINE_REDIS_URL_H
#define LARDER_STORE_ONLINE_REDIS_URL_H

#include "base/arena.h"
#include "base/error.h"

#include <stdint.h>

struct redis_url {
    const char *host;     /* NULL where it is a socket in the file system */
    const char *port;     /* digits; "6379" where none is given */
    const char *path;     /* NULL where it is a host */
    const char *user;     /* NULL: the default user */
    const char *password; /* NULL: none */
    uint32_t database;
    const char *place; /* for messages: "redis localhost:6379" */
};

/* All text is in the arena. INVALID says what is wrong. */
enum status redis_url_parse(const char *text, struct arena *arena, struct redis_url *url,
                            struct error *err);

#endif
