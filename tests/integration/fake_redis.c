/* fake_redis.c - see fake_redis.h. */
#include "fake_redis.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PATIENCE_MS = 10 };

static void check(bool holds, const char *what)
{
    if (!holds) {
        perror(what);
        abort();
    }
}

static bool is_ready(const struct fake_redis *fake, int socket, short events)
{
    struct pollfd poll_one = {.fd = socket, .events = events};
    while (!fake->done)
        if (poll(&poll_one, 1, PATIENCE_MS) > 0)
            return true;
    return false;
}

/* false when the other end is gone, or all is done. */
static bool send_all(const struct fake_redis *fake, int connection, struct bytes answer)
{
    const char *at = answer.data;
    size_t left = answer.size;
    while (left > 0) {
        if (!is_ready(fake, connection, POLLOUT))
            return false;
        if (fake->pause_us)
            usleep(fake->pause_us);
        ssize_t size = send(connection, at, fake->pause_us ? 1 : left, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (size < 0)
            return false;
        at += size;
        left -= (size_t)size;
    }
    return true;
}

static void serve(const struct fake_redis *fake, int connection)
{
    static const struct bytes silence;
    char heard[65536];
    for (size_t i = 0; is_ready(fake, connection, POLLIN); i++) {
        if (recv(connection, heard, sizeof heard, 0) <= 0)
            return;
        struct bytes answer =
            fake->count == 0 ? silence : fake->answers[i < fake->count ? i : fake->count - 1];
        if (fake->count > 0 && !answer.data)
            return;
        while (send_all(fake, connection, answer) && fake->repeats_itself)
            continue;
    }
}

/* The next line's number, "*3" or "$12"; false when the other end is gone. */
static bool hear_number(const struct fake_redis *fake, FILE *from, char mark, long *number)
{
    char line[32];
    if (!fgets(line, sizeof line, from))
        return false;
    check(line[0] == mark, "a command");
    *number = strtol(line + 1, NULL, 10);
    return !fake->done;
}

/* A whole command, of which only the number of its parts is kept. */
static bool hear_command(const struct fake_redis *fake, FILE *from, long *part_count)
{
    if (!hear_number(fake, from, '*', part_count))
        return false;
    for (long i = 0; i < *part_count; i++) {
        long size;
        if (!hear_number(fake, from, '$', &size))
            return false;
        for (size += 2; size > 0; size--)
            if (getc(from) == EOF)
                return false;
    }
    return true;
}

static void answer_reads(struct fake_redis *fake, int connection)
{
    FILE *from = fdopen(dup(connection), "r");
    long part_count;
    check(from != NULL, "fdopen");
    for (int reads = 0; hear_command(fake, from, &part_count); reads++) {
        char *answer = NULL;
        size_t size;
        FILE *to = open_memstream(&answer, &size);
        fake->reads++;
        while (fake->reads_max && reads >= fake->reads_max && !fake->done)
            usleep(PATIENCE_MS * 1000);
        usleep(fake->read_pause_us);
        fprintf(to, "*%ld\r\n", part_count - 1);
        for (long i = 1; i < part_count; i++)
            fputs("$-1\r\n", to);
        fclose(to);
        bool is_sent = send_all(fake, connection, (struct bytes){answer, size});
        free(answer);
        if (!is_sent)
            break;
    }
    fclose(from);
}

static void *run(void *argument)
{
    struct fake_redis *fake = argument;
    while (is_ready(fake, fake->listener, POLLIN)) {
        int connection = accept(fake->listener, NULL, NULL);
        check(connection >= 0, "accept");
        fake->connections++;
        if (fake->answers_reads)
            answer_reads(fake, connection);
        else
            serve(fake, connection);
        close(connection);
    }
    return NULL;
}

void fake_redis_start(struct fake_redis *fake)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    fake->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(fake->listener >= 0, "socket");
    check(bind(fake->listener, (struct sockaddr *)&address, size) == 0, "bind");
    check(listen(fake->listener, 8) == 0, "listen");
    check(getsockname(fake->listener, (struct sockaddr *)&address, &size) == 0, "getsockname");
    snprintf(fake->url, sizeof fake->url, "redis://127.0.0.1:%d", ntohs(address.sin_port));
    check(pthread_create(&fake->thread, NULL, run, fake) == 0, "pthread_create");
}

void fake_redis_stop(struct fake_redis *fake)
{
    fake->done = true;
    pthread_join(fake->thread, NULL);
    close(fake->listener);
}
