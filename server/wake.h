/*
 * wake.h - a descriptor that one thread signals and another waits on with poll: an eventfd.
 *
 * Any number of signals before the waiter looks count as one.
 */
#ifndef LARDER_SERVER_WAKE_H
#define LARDER_SERVER_WAKE_H

#include "base/error.h"

#include <stdbool.h>

/* The caller closes *fd, which is -1 on FAILED. */
enum status wake_open(int *fd, struct error *err);
void wake_signal(int fd);
/* Forgets the signals; false if there were none. Never waits. */
bool wake_clear(int fd);
/* Accepts -1. */
void wake_close(int fd);

#endif
