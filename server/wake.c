/* wake.c - see wake.h. */
#include "server/wake.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum status wake_open(int *fd, struct error *err)
{
    *fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (*fd < 0)
        return fail(err, STATUS_FAILED, "cannot make an eventfd: %s", strerror(errno));
    return STATUS_OK;
}

void wake_signal(int fd)
{
    uint64_t one = 1;
    ssize_t written = write(fd, &one, sizeof one);
    (void)written; /* it fails where the counter is full, and then the waiter wakes anyway */
}

bool wake_clear(int fd)
{
    uint64_t count;
    return read(fd, &count, sizeof count) == sizeof count;
}

void wake_close(int fd)
{
    if (fd >= 0)
        close(fd);
}
