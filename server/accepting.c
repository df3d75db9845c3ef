/* accepting.c - see accepting.h. */
#include "server/accepting.h"

#include "base/log.h"
#include "base/timestamp.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    CONNECTIONS_MAX = 10 * 1000, /* some 16 KiB each before they ask anything */
    SPARE_FILES = 64,            /* for the stores, which connect again when they were away */
    LOG_INTERVAL_MS = 60 * 1000,
};

/* Descriptors are given out from the lowest on: one of this number or more is one too many. */
static int first_too_many(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur > CONNECTIONS_MAX + SPARE_FILES)
        return CONNECTIONS_MAX;
    int limit = (int)files.rlim_cur;
    return limit > 2 * SPARE_FILES ? limit - SPARE_FILES : limit / 2;
}

/* gRPC says nothing of who calls, so this is one for the process. */
static void log_refusal(int limit)
{
    static _Atomic int64_t next_us;
    int64_t now_us = timestamp_monotonic_us(), next = atomic_load(&next_us);
    if (now_us >= next &&
        atomic_compare_exchange_strong(&next_us, &next, now_us + LOG_INTERVAL_MS * INT64_C(1000)))
        log_line(LOG_WARNING, "too many connections: new ones are closed", "limit=%d", limit);
}

/* Errors of the connection that was about to be taken, which is gone with that. */
static bool is_of_one_connection(int error)
{
    return error == ECONNABORTED || error == EPROTO || error == ENOPROTOOPT || error == ENETDOWN ||
           error == EHOSTDOWN || error == ENONET || error == EHOSTUNREACH || error == EOPNOTSUPP ||
           error == ENETUNREACH || error == EPERM;
}

static bool is_of_want(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

/* Under a name of our own, since the C library declares the other with types of its own. */
int accepting_take(int listener, void *address, void *size, int flags) __asm__("accept4")
    __attribute__((visibility("default")));

int accepting_take(int listener, void *address, void *size, int flags)
{
    int limit = first_too_many();
    for (;;) {
        int fd = (int)syscall(SYS_accept4, listener, address, size, flags);
        if (fd >= limit) {
            close(fd);
            log_refusal(limit);
        } else if (fd >= 0) {
            return fd;
        } else if (is_of_want(errno)) {
            log_refusal(limit);
            errno = EAGAIN; /* those who wait are looked at again when the next one comes */
            return -1;
        } else if (!is_of_one_connection(errno)) {
            return -1;
        }
    }
}

void accepting_begin(void)
{
    struct rlimit files;
    const rlim_t wanted = CONNECTIONS_MAX + SPARE_FILES;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur >= wanted)
        return;
    files.rlim_cur = files.rlim_max < wanted ? files.rlim_max : wanted;
    setrlimit(RLIMIT_NOFILE, &files);
}
