/* redis_connection.c - see redis_connection.h. */
#include "store/online/redis_connection.h"

#include "base/buffer.h"
#include "base/timestamp.h"
#include "store/online/redis_error.h"
#include "store/online/redis_socket.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    RECONNECT_US = 100 * 1000,
    IDLE_US = 100 * 1000, /* after that, look whether the other end has closed */
    READ_SIZE = 64 * 1024,
};

struct redis_connection {
    struct redis_url url;
    int64_t timeout_us;
    int socket; /* -1: not connected */
    uint64_t number;
    struct redis_parser *parser;
    struct buffer out;
    size_t sent;                           /* bytes of out that are on their way */
    size_t pending;                        /* answers to come, once all commands are sent */
    int64_t deadline_us, last_deadline_us; /* of this step, and of all steps */
    int64_t next_attempt_us;
    int64_t last_used_us;
    struct error trouble; /* why it was dropped */
    uint8_t in[READ_SIZE];
};

struct redis_connection *redis_connection_open(const struct redis_url *url, uint32_t timeout_ms)
{
    struct redis_connection *connection = calloc(1, sizeof *connection);
    if (!connection)
        out_of_memory();
    connection->url = *url;
    connection->timeout_us = (int64_t)timeout_ms * 1000;
    connection->socket = -1;
    buffer_init(&connection->out, 0);
    return connection;
}

static void disconnect(struct redis_connection *connection)
{
    if (connection->socket >= 0)
        close(connection->socket);
    connection->socket = -1;
    redis_parser_close(connection->parser);
    connection->parser = NULL;
    buffer_clear(&connection->out);
    connection->sent = 0;
    connection->pending = 0;
}

void redis_connection_close(struct redis_connection *connection)
{
    if (!connection)
        return;
    disconnect(connection);
    buffer_release(&connection->out);
    free(connection);
}

/* Gives up the connection for the reason that `trouble` holds, though Redis is well. */
static enum status let_go(struct redis_connection *connection, struct error *err)
{
    disconnect(connection);
    return fail(err, connection->trouble.status, "%s", connection->trouble.message);
}

/* The same because Redis is not. */
static enum status drop(struct redis_connection *connection, struct error *err)
{
    connection->next_attempt_us = timestamp_monotonic_us() + RECONNECT_US;
    return let_go(connection, err);
}

static enum status drop_for_errno(struct redis_connection *connection, const char *doing,
                                  int number, struct error *err)
{
    fail(&connection->trouble, STATUS_UNAVAILABLE, "%s: %s: %s", connection->url.place, doing,
         strerror(number));
    return drop(connection, err);
}

static enum status drop_for_silence(struct redis_connection *connection, struct error *err)
{
    int timeout_ms = (int)(connection->timeout_us / 1000);
    if (connection->deadline_us == connection->last_deadline_us) {
        fail(&connection->trouble, STATUS_UNAVAILABLE,
             "%s: it answers, but not all of it within %d ms: ask for less at once",
             connection->url.place, REDIS_TIMEOUTS_MAX * timeout_ms);
        return let_go(connection, err);
    }
    fail(&connection->trouble, STATUS_UNAVAILABLE, "%s: no answer within %d ms",
         connection->url.place, timeout_ms);
    return drop(connection, err);
}

/* An end, or an error such as that there are too many clients: whatever can be read before we asked
 * means that the connection is of no use. */
static bool is_stale(const struct redis_connection *connection, int64_t now_us)
{
    if (connection->pending > 0 || redis_parser_has_unread(connection->parser))
        return true;
    if (now_us - connection->last_used_us < IDLE_US)
        return false;
    char byte;
    ssize_t size = recv(connection->socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return size >= 0 || (errno != EAGAIN && errno != EINTR);
}

/* AUTH's answer is never quoted: Redis may repeat the words that it did not understand. */
static enum status receive_auth(struct redis_connection *connection, struct arena *arena,
                                struct error *err)
{
    struct redis_reply *reply;
    enum status status = redis_receive(connection, arena, &reply, err);
    if (status || reply->type == REPLY_STATUS)
        return status;
    if (redis_error_is(reply, "ERR max number of clients reached") ||
        redis_error_is(reply, "LOADING"))
        return redis_error_fail(reply, connection->url.place, err);
    if (redis_error_is(reply, "ERR AUTH"))
        return fail(err, STATUS_UNAVAILABLE, "%s has no password, but online_store.url gives one",
                    connection->url.place);
    return fail(err, STATUS_UNAVAILABLE, "%s refuses the user or the password of online_store.url",
                connection->url.place);
}

static enum status greet_in(struct redis_connection *connection, struct arena *arena,
                            struct error *err)
{
    const struct redis_url *url = &connection->url;
    struct redis_reply *reply;
    if (url->password) {
        redis_command(connection, url->user ? 3 : 2);
        redis_command_text(connection, "AUTH");
        if (url->user)
            redis_command_text(connection, url->user);
        redis_command_text(connection, url->password);
        enum status status = receive_auth(connection, arena, err);
        if (status)
            return status;
    }
    if (url->database == 0)
        return STATUS_OK;
    redis_command(connection, 2);
    redis_command_text(connection, "SELECT");
    redis_command_number(connection, url->database);
    return redis_receive_type(connection, REPLY_STATUS, arena, &reply, err);
}

/* Password and database, on a connection that is new. */
static enum status greet(struct redis_connection *connection, struct error *err)
{
    if (!connection->url.password && connection->url.database == 0)
        return STATUS_OK;
    struct arena arena;
    arena_init(&arena, 0);
    struct error trouble;
    enum status status = greet_in(connection, &arena, &trouble);
    arena_release(&arena);
    if (!status)
        return STATUS_OK;
    fail(&connection->trouble, STATUS_UNAVAILABLE, "%s", trouble.message);
    return drop(connection, err);
}

static enum status connect_now(struct redis_connection *connection, struct error *err)
{
    enum status status = redis_socket_connect(&connection->url, connection->deadline_us,
                                              &connection->socket, &connection->trouble);
    if (status)
        return drop(connection, err);
    connection->parser = redis_parser_open();
    connection->number++;
    return greet(connection, err);
}

static void set_deadlines(struct redis_connection *connection, int64_t now_us)
{
    connection->deadline_us = now_us + connection->timeout_us;
    connection->last_deadline_us = now_us + REDIS_TIMEOUTS_MAX * connection->timeout_us;
}

enum status redis_connection_begin(struct redis_connection *connection, struct error *err)
{
    int64_t now_us = timestamp_monotonic_us();
    set_deadlines(connection, now_us);
    if (connection->socket >= 0 && is_stale(connection, now_us))
        disconnect(connection);
    connection->last_used_us = now_us;
    if (connection->socket >= 0) {
        redis_connection_allow(connection, SIZE_MAX);
        return STATUS_OK;
    }
    if (now_us < connection->next_attempt_us)
        return fail(err, STATUS_UNAVAILABLE, "%s", connection->trouble.message);
    return connect_now(connection, err);
}

void redis_connection_renew(struct redis_connection *connection)
{
    connection->last_used_us = timestamp_monotonic_us();
    set_deadlines(connection, connection->last_used_us);
}

void redis_connection_go_on(struct redis_connection *connection)
{
    int64_t now_us = timestamp_monotonic_us();
    connection->last_used_us = now_us;
    connection->deadline_us = now_us + connection->timeout_us < connection->last_deadline_us
                                  ? now_us + connection->timeout_us
                                  : connection->last_deadline_us;
}

void redis_connection_allow(struct redis_connection *connection, size_t bytes)
{
    redis_parser_allow(connection->parser, bytes);
}

void redis_connection_give_up(struct redis_connection *connection)
{
    disconnect(connection);
}

uint64_t redis_connection_number(const struct redis_connection *connection)
{
    return connection->number;
}

const char *redis_connection_place(const struct redis_connection *connection)
{
    return connection->url.place;
}

/* Writes a mark, a number and a line's end: "*3\r\n". */
static void append_line(struct buffer *out, char mark, uint64_t number)
{
    uint8_t line[24];
    uint8_t *to = line + sizeof line;
    *--to = '\n';
    *--to = '\r';
    do
        *--to = (uint8_t)('0' + number % 10);
    while ((number /= 10) > 0);
    *--to = (uint8_t)mark;
    buffer_append(out, to, (size_t)(line + sizeof line - to));
}

void redis_command(struct redis_connection *connection, size_t count)
{
    append_line(&connection->out, '*', count);
    connection->pending++;
}

void redis_command_bytes(struct redis_connection *connection, struct bytes part)
{
    append_line(&connection->out, '$', part.size);
    buffer_append(&connection->out, part.data, part.size);
    buffer_append(&connection->out, "\r\n", 2);
}

void redis_command_text(struct redis_connection *connection, const char *part)
{
    redis_command_bytes(connection, bytes_of_text(part));
}

void redis_command_number(struct redis_connection *connection, uint64_t part)
{
    char digits[20];
    char *to = digits + sizeof digits;
    do
        *--to = (char)('0' + part % 10);
    while ((part /= 10) > 0);
    redis_command_bytes(connection, (struct bytes){to, (size_t)(digits + sizeof digits - to)});
}

void redis_command_of(struct redis_connection *connection, const char *const *parts, size_t count)
{
    redis_command(connection, count);
    for (size_t i = 0; i < count; i++)
        redis_command_text(connection, parts[i]);
}

static enum status send_some(struct redis_connection *connection, struct error *err)
{
    struct buffer *out = &connection->out;
    while (connection->sent < out->size) {
        ssize_t size = send(connection->socket, out->data + connection->sent,
                            out->size - connection->sent, MSG_NOSIGNAL);
        if (size < 0 && errno == EAGAIN)
            return STATUS_OK;
        if (size < 0 && errno != EINTR)
            return drop_for_errno(connection, "sending", errno, err);
        connection->sent += size > 0 ? (size_t)size : 0;
    }
    buffer_clear(out);
    connection->sent = 0;
    return STATUS_OK;
}

/* Waits until the socket can do something, and reads what is there. */
static enum status read_some(struct redis_connection *connection, struct error *err)
{
    bool is_sending = connection->sent < connection->out.size;
    short events = is_sending ? POLLIN | POLLOUT : POLLIN;
    struct pollfd poll = {.fd = connection->socket, .events = events};
    int ready = redis_socket_wait(&poll, connection->deadline_us);
    if (ready == 0)
        return drop_for_silence(connection, err);
    if (ready < 0)
        return drop_for_errno(connection, "waiting", errno, err);
    if (!(poll.revents & ~POLLOUT))
        return STATUS_OK;
    ssize_t size = recv(connection->socket, connection->in, sizeof connection->in, 0);
    if (size < 0 && (errno == EAGAIN || errno == EINTR))
        return STATUS_OK;
    if (size < 0)
        return drop_for_errno(connection, "reading", errno, err);
    if (size == 0) {
        fail(&connection->trouble, STATUS_UNAVAILABLE, "%s closed the connection",
             connection->url.place);
        return drop(connection, err);
    }
    redis_parser_feed(connection->parser, connection->in, (size_t)size);
    return STATUS_OK;
}

/* What has come, if it is a whole answer; else NULL. */
static enum status take_reply(struct redis_connection *connection, struct arena *arena,
                              struct redis_reply **reply, struct error *err)
{
    struct error mistake;
    if (!redis_parser_next(connection->parser, arena, reply, &mistake))
        return STATUS_OK;
    fail(&connection->trouble, mistake.status, "%s: %s", connection->url.place, mistake.message);
    return mistake.status == STATUS_EXHAUSTED ? let_go(connection, err) : drop(connection, err);
}

enum status redis_receive(struct redis_connection *connection, struct arena *arena,
                          struct redis_reply **reply, struct error *err)
{
    assert(connection->socket >= 0 && connection->pending > 0);
    for (;;) {
        enum status status = take_reply(connection, arena, reply, err);
        if (!status && *reply) {
            connection->pending--;
            return STATUS_OK;
        }
        if (!status)
            status = send_some(connection, err);
        if (!status)
            status = read_some(connection, err);
        if (status)
            return status;
    }
}

/* Whether there is something to read; what is there already counts after that time, too. */
static bool wait_to_hear(const struct redis_connection *connection, int64_t until_us)
{
    struct pollfd readable = {.fd = connection->socket, .events = POLLIN};
    return poll(&readable, 1, 0) > 0 || redis_socket_wait(&readable, until_us) > 0;
}

enum status redis_hear(struct redis_connection *connection, int64_t until_us, struct arena *arena,
                       struct redis_reply **reply, struct error *err)
{
    assert(connection->socket >= 0);
    for (;;) {
        enum status status = take_reply(connection, arena, reply, err);
        if (status || *reply)
            return status;
        status = send_some(connection, err);
        if (status || !wait_to_hear(connection, until_us))
            return status;
        redis_connection_renew(connection);
        status = read_some(connection, err);
        if (status)
            return status;
    }
}

enum status redis_expect(const struct redis_connection *connection, const struct redis_reply *reply,
                         enum reply_type type, struct error *err)
{
    if (reply->type == REPLY_ERROR)
        return redis_error_fail(reply, connection->url.place, err);
    return reply->type == type ? STATUS_OK : redis_strange_answer(connection, err);
}

enum status redis_receive_type(struct redis_connection *connection, enum reply_type type,
                               struct arena *arena, struct redis_reply **reply, struct error *err)
{
    enum status status = redis_receive(connection, arena, reply, err);
    return status ? status : redis_expect(connection, *reply, type, err);
}

enum status redis_strange_answer(const struct redis_connection *connection, struct error *err)
{
    return fail(err, STATUS_CORRUPT, "%s gives an answer that is not Redis'",
                connection->url.place);
}
