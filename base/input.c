/* input.c - see input.h. */
#include "base/input.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A signal that comes just before a wait does not end it: the flag is looked at so often. */
enum { LOOK_EVERY_MS = 200 };

static bool is_standard(const char *path)
{
    return strcmp(path, "-") == 0;
}

const char *input_name(const char *path)
{
    return is_standard(path) ? "standard input" : path;
}

/* Without O_NONBLOCK a named pipe would be waited for here, until somebody writes to it. */
enum status input_open(const char *path, int *descriptor, struct error *err)
{
    struct stat about;
    int opened = is_standard(path) ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (opened < 0)
        return fail(err, errno == ENOENT ? STATUS_NOT_FOUND : STATUS_FAILED, "cannot read %s: %s",
                    path, strerror(errno));
    if (fstat(opened, &about) == 0 && S_ISDIR(about.st_mode)) {
        input_close(opened);
        return fail(err, STATUS_FAILED, "%s is a folder, not a file of rows", input_name(path));
    }
    *descriptor = opened;
    return STATUS_OK;
}

void input_close(int descriptor)
{
    if (descriptor != STDIN_FILENO)
        close(descriptor);
}

static bool is_stopped(const atomic_bool *stop)
{
    return stop && atomic_load(stop);
}

/* Until there is something to read, or nothing more will come; false: stopped. */
static bool wait_for(int descriptor, const atomic_bool *stop)
{
    struct pollfd waiting = {.fd = descriptor, .events = POLLIN};
    while (!is_stopped(stop))
        if (poll(&waiting, 1, stop ? LOOK_EVERY_MS : -1) > 0)
            return true;
    return false;
}

ssize_t input_read(int descriptor, void *bytes, size_t size, const atomic_bool *stop)
{
    while (wait_for(descriptor, stop)) {
        ssize_t got = read(descriptor, bytes, size);
        if (got >= 0 || (errno != EINTR && errno != EAGAIN))
            return got;
    }
    return 0;
}
