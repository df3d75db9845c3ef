/*
 * private_redis.h - a Redis of a test's own, to be stopped, killed and filled up at will.
 *
 * It listens on a socket in a new temporary directory, keeps nothing on disk, and ends with the
 * process that started it, whatever happens. Any failure to start ends the test.
 */
#ifndef LARDER_TESTS_PRIVATE_REDIS_H
#define LARDER_TESTS_PRIVATE_REDIS_H

#include "store/online/online_store.h"
#include "store/online/redis_connection.h"

#include <stdint.h>
#include <sys/types.h>

struct private_redis {
    char directory[64];
    char url[128];
    pid_t pid;
    const char *const *options;     /* of redis-server, after ours; NULL at their end */
    const char *const *environment; /* "NAME=value", beside what we have; NULL at their end */
};

/* options and environment may be NULL and are borrowed. */
void private_redis_start(struct private_redis *redis, const char *const *options,
                         const char *const *environment);
void private_redis_stop(struct private_redis *redis);
/* As after a crash: all rows and scripts are gone. */
void private_redis_kill(struct private_redis *redis);
void private_redis_launch(struct private_redis *redis);

/* Settings and a store on a url, with a timeout. */
struct settings settings_of(const char *url, uint32_t timeout_ms);
struct online_store *store_on(const char *url, uint32_t timeout_ms);

/* Runs one command, split at spaces; returns its number, or 0 where it answers something else. An
 * error answer ends the test. */
int64_t redis_says(const char *url, const char *command);
/* The same for a command of parts that may hold spaces. */
int64_t redis_says_of(const char *url, const char *const *parts, size_t count);

#endif
