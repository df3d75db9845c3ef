/* listen_address.c - see listen_address.h. */
#include "server/listen_address.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HOST_SIZE = 256, WAITING_MAX = 128 };

/* Where the port's colon is; NULL if there is none outside brackets. */
static const char *find_port(const char *address)
{
    const char *colon = strrchr(address, ':');
    const char *bracket = strrchr(address, ']');
    return colon && bracket && colon < bracket ? NULL : colon;
}

static bool split(const char *address, char host[HOST_SIZE], const char **port)
{
    const char *colon = find_port(address);
    if (!colon || !colon[1])
        return false;
    bool has_brackets = *address == '[' && colon > address + 1 && colon[-1] == ']';
    const char *begin = address + has_brackets;
    size_t size = (size_t)(colon - begin) - has_brackets;
    if (size == 0 || size >= HOST_SIZE)
        return false;
    memcpy(host, begin, size);
    host[size] = '\0';
    *port = colon + 1;
    return true;
}

/* -1; errno stays as it is. */
static int closed(int fd)
{
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

/* -1: errno says why not. An address at which somebody listens cannot be had. */
static int bind_to(const struct addrinfo *info)
{
    int one = 1;
    int fd = socket(info->ai_family, info->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
                    info->ai_protocol);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    return bind(fd, info->ai_addr, info->ai_addrlen) == 0 ? fd : closed(fd);
}

static int listen_at(const struct addrinfo *info)
{
    int fd = bind_to(info);
    return fd < 0 || listen(fd, WAITING_MAX) == 0 ? fd : closed(fd);
}

static enum status find_infos(const char *setting, const char *address, struct addrinfo **infos,
                              struct error *err)
{
    char host[HOST_SIZE];
    const char *port;
    if (!split(address, host, &port))
        return fail(err, STATUS_INVALID, "%s: \"%s\" is not host:port", setting, address);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    int failed = getaddrinfo(host, port, &hints, infos);
    if (failed)
        return fail(err, STATUS_INVALID, "%s: %s: %s", setting, address, gai_strerror(failed));
    return STATUS_OK;
}

static enum status cannot_listen(const char *setting, const char *address, int error,
                                 struct error *err)
{
    if (error == EADDRINUSE)
        return fail(err, STATUS_CONFLICT,
                    "cannot listen on %s: %s; end the server that has it, or set %s in larder.yaml",
                    address, strerror(error), setting);
    return fail(err, STATUS_CONFLICT, "cannot listen on %s: %s", address, strerror(error));
}

enum status listen_address_check(const char *setting, const char *address, struct error *err)
{
    struct addrinfo *infos;
    enum status status = find_infos(setting, address, &infos, err);
    if (status)
        return status;
    int fd = bind_to(infos), error = errno;
    freeaddrinfo(infos);
    if (fd < 0)
        return cannot_listen(setting, address, error, err);
    close(fd);
    return STATUS_OK;
}

static int port_of(int fd)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &size) != 0)
        return 0;
    return ntohs(address.ss_family == AF_INET6
                     ? ((const struct sockaddr_in6 *)(const void *)&address)->sin6_port
                     : ((const struct sockaddr_in *)(const void *)&address)->sin_port);
}

enum status listen_address_open(const char *setting, const char *address, int *fd, int *port,
                                struct error *err)
{
    struct addrinfo *infos;
    int error = 0;
    enum status status = find_infos(setting, address, &infos, err);
    if (status)
        return status;
    *fd = -1;
    for (const struct addrinfo *info = infos; info && *fd < 0; info = info->ai_next) {
        *fd = listen_at(info);
        error = error ? error : errno; /* that of the first, which is the one that was meant */
    }
    freeaddrinfo(infos);
    if (*fd < 0)
        return cannot_listen(setting, address, error, err);
    *port = port_of(*fd);
    return STATUS_OK;
}

void listen_address_with_port(const char *address, int port, char *text, int size)
{
    const char *colon = find_port(address);
    int host_size = colon ? (int)(colon - address) : (int)strlen(address);
    snprintf(text, (size_t)size, "%.*s:%d", host_size, address, port);
}
