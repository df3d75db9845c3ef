/* listen_address.c - see listen_address.h. */
#include "server/listen_address.h"

#include <errno.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HOST_SIZE = 256 };

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

static int try_bind(const struct addrinfo *info)
{
    int one = 1, error = 0;
    int fd = socket(info->ai_family, info->ai_socktype | SOCK_CLOEXEC, info->ai_protocol);
    if (fd < 0)
        return errno;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, info->ai_addr, info->ai_addrlen) || listen(fd, 1))
        error = errno;
    close(fd);
    return error;
}

enum status listen_address_check(const char *address, struct error *err)
{
    char host[HOST_SIZE];
    const char *port;
    if (!split(address, host, &port))
        return fail(err, STATUS_INVALID, "server.grpc: \"%s\" is not host:port", address);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *infos;
    int failed = getaddrinfo(host, port, &hints, &infos);
    if (failed)
        return fail(err, STATUS_INVALID, "server.grpc: %s: %s", address, gai_strerror(failed));
    int error = try_bind(infos);
    freeaddrinfo(infos);
    if (error)
        return fail(err, STATUS_CONFLICT, "cannot listen on %s: %s%s", address, strerror(error),
                    error == EADDRINUSE
                        ? "; end the server that has it, or set server.grpc in larder.yaml"
                        : "");
    return STATUS_OK;
}

void listen_address_with_port(const char *address, int port, char *text, int size)
{
    const char *colon = find_port(address);
    int host_size = colon ? (int)(colon - address) : (int)strlen(address);
    snprintf(text, (size_t)size, "%.*s:%d", host_size, address, port);
}
