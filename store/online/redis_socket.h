/*
 * redis_socket.h - a socket that reaches Redis, made and waited for until a deadline.
 *
 * Non-blocking, closed on exec. Deadlines are on the clock of timestamp_monotonic_us. Only the
 * system's look-up of a host's name is not bounded by them.
 */
#ifndef LARDER_STORE_ONLINE_REDIS_SOCKET_H
#define LARDER_STORE_ONLINE_REDIS_SOCKET_H

#include "base/error.h"
#include "store/online/redis_url.h"

#include <stdint.h>

struct pollfd;

/* Tries the host's addresses in turn. UNAVAILABLE says why the last one failed. */
enum status redis_socket_connect(const struct redis_url *url, int64_t deadline_us, int *socket,
                                 struct error *err);
/* poll(2) of one until the deadline: what poll returns, 0 when it has passed; signals do not end
 * it. */
int redis_socket_wait(struct pollfd *poll, int64_t deadline_us);

#endif
