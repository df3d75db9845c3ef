/* gate.c - see gate.h. */
#include "gate.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { LOOK_MS = 5 };

static int socket_at(const char *path, struct sockaddr_un *address)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address->sun_path)
        abort();
    memcpy(address->sun_path, path, strlen(path) + 1);
    int made = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (made < 0)
        abort();
    return made;
}

/* false: one of them is gone. */
static bool pass(int from, int to)
{
    char bytes[16384];
    ssize_t size = recv(from, bytes, sizeof bytes, 0);
    return size > 0 && send(to, bytes, (size_t)size, MSG_NOSIGNAL) == size;
}

/* Whether the gate is shut, which is waited with for a while. */
static bool hold(struct gate *gate)
{
    gate->is_held = gate->is_shut;
    if (gate->is_held)
        usleep(LOOK_MS * 1000);
    return gate->is_held;
}

static void pass_both_ways(struct gate *gate, int caller, int target)
{
    struct pollfd ends[] = {{.fd = caller, .events = POLLIN}, {.fd = target, .events = POLLIN}};
    bool goes_on = true;
    while (goes_on && !gate->done) {
        if (hold(gate))
            continue;
        poll(ends, 2, LOOK_MS);
        if (ends[0].revents)
            goes_on = pass(caller, target);
        if (goes_on && ends[1].revents)
            goes_on = pass(target, caller);
    }
}

static void *run(void *argument)
{
    struct gate *gate = argument;
    struct pollfd callers = {.fd = gate->listener, .events = POLLIN};
    while (!gate->done) {
        if (hold(gate) || poll(&callers, 1, LOOK_MS) <= 0)
            continue;
        struct sockaddr_un address;
        int caller = accept(gate->listener, NULL, NULL);
        int target = socket_at(gate->target, &address);
        if (connect(target, (struct sockaddr *)&address, sizeof address) == 0)
            pass_both_ways(gate, caller, target);
        close(target);
        close(caller);
    }
    return NULL;
}

void gate_open(struct gate *gate, const char *target)
{
    struct sockaddr_un address;
    gate->target = target;
    snprintf(gate->path, sizeof gate->path, "%s.gate", target);
    gate->listener = socket_at(gate->path, &address);
    if (bind(gate->listener, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(gate->listener, 8) != 0 || pthread_create(&gate->thread, NULL, run, gate) != 0)
        abort();
}

void gate_close(struct gate *gate)
{
    gate->done = true;
    pthread_join(gate->thread, NULL);
    close(gate->listener);
    unlink(gate->path);
}

void gate_shut(struct gate *gate)
{
    gate->is_shut = true;
    while (!gate->is_held)
        usleep(100);
}

void gate_unshut(struct gate *gate)
{
    gate->is_shut = false;
    while (gate->is_held)
        usleep(100);
}
