/*
 * redis_error.h - what Redis' error answers mean to us.
 *
 * An error answer begins with a code ("LOADING Redis is loading the dataset in memory").
 * Before 7.0, one that comes from a command inside a script is wrapped in an "ERR Error running
 * script"; both forms are read.
 */
#ifndef LARDER_STORE_ONLINE_REDIS_ERROR_H
#define LARDER_STORE_ONLINE_REDIS_ERROR_H

#include "base/error.h"
#include "store/online/redis_reply.h"

#include <stdbool.h>

/* Fills err from an error answer, with `place` before it and what to do behind; returns the status,
 * never OK. The answer's text is quoted, so it must not answer a command that held a secret. */
enum status redis_error_fail(const struct redis_reply *reply, const char *place, struct error *err);

/* Whether it is an error with this code, such as "NOSCRIPT". */
bool redis_error_is(const struct redis_reply *reply, const char *code);

#endif
