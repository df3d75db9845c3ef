/* redis_socket.c - see redis_socket.h. */
#include "store/online/redis_socket.h"

#include "base/timestamp.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int redis_socket_wait(struct pollfd *poll, int64_t deadline_us)
{
    for (;;) {
        int64_t left_us = deadline_us - timestamp_monotonic_us();
        if (left_us <= 0)
            return 0;
        struct timespec left = {.tv_sec = left_us / 1000000, .tv_nsec = left_us % 1000000 * 1000};
        int ready = ppoll(poll, 1, &left, NULL);
        if (ready > 0 || (ready < 0 && errno != EINTR))
            return ready;
    }
}

/* 0, or what errno says of the attempt. */
static int finish_connecting(int made, int64_t deadline_us)
{
    struct pollfd poll = {.fd = made, .events = POLLOUT};
    int ready = redis_socket_wait(&poll, deadline_us);
    if (ready <= 0)
        return ready == 0 ? ETIMEDOUT : errno;
    int outcome = 0;
    socklen_t size = sizeof outcome;
    return getsockopt(made, SOL_SOCKET, SO_ERROR, &outcome, &size) < 0 ? errno : outcome;
}

/* 0 and a socket, or what errno says. */
static int connect_to(const struct sockaddr *address, socklen_t size, int64_t deadline_us,
                      int *connected)
{
    int made = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (made < 0)
        return errno;
    int outcome = connect(made, address, size) < 0 ? errno : 0;
    if (outcome == EINPROGRESS)
        outcome = finish_connecting(made, deadline_us);
    if (outcome) {
        close(made);
        return outcome;
    }
    if (address->sa_family != AF_UNIX) {
        int on = 1;
        setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    *connected = made;
    return 0;
}

static enum status not_connected(const struct redis_url *url, const char *reason, struct error *err)
{
    return fail(err, STATUS_UNAVAILABLE,
                "%s: cannot connect: %s; check that it runs and that online_store.url is right",
                url->place, reason);
}

static enum status connect_to_path(const struct redis_url *url, int64_t deadline_us, int *connected,
                                   struct error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, url->path, strlen(url->path) + 1); /* its length was checked before */
    int outcome = connect_to((struct sockaddr *)&address, sizeof address, deadline_us, connected);
    if (!outcome)
        return STATUS_OK;
    return not_connected(url, strerror(outcome), err);
}

static size_t count_addresses(const struct addrinfo *address)
{
    size_t count = 0;
    for (; address; address = address->ai_next)
        count++;
    return count;
}

/* Each address gets an equal share of the time that is left, so that one that swallows packets does
 * not keep us from the next. */
static int connect_to_any(const struct addrinfo *address, int64_t deadline_us, int *connected)
{
    int outcome = EADDRNOTAVAIL;
    for (; address; address = address->ai_next) {
        int64_t now_us = timestamp_monotonic_us();
        int64_t share_us = (deadline_us - now_us) / (int64_t)count_addresses(address);
        outcome = connect_to(address->ai_addr, address->ai_addrlen, now_us + share_us, connected);
        if (!outcome)
            return 0;
    }
    return outcome;
}

enum status redis_socket_connect(const struct redis_url *url, int64_t deadline_us, int *socket,
                                 struct error *err)
{
    if (url->path)
        return connect_to_path(url, deadline_us, socket, err);
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *addresses = NULL;
    int mistake = getaddrinfo(url->host, url->port, &hints, &addresses);
    if (mistake)
        return not_connected(url, gai_strerror(mistake), err);
    int outcome = connect_to_any(addresses, deadline_us, socket);
    freeaddrinfo(addresses);
    if (!outcome)
        return STATUS_OK;
    return not_connected(url, strerror(outcome), err);
}
