/*
 * http_port.c - see http_port.h.
 *
 * libmicrohttpd speaks HTTP; the loop around it is ours, because its own knows how long a client
 * may be idle, but not how long it may take over all: a client that sends a byte now and then would
 * keep its place for ever.
 */
#include "server/http/http_port.h"

#include "base/bytes.h"
#include "base/timestamp.h"
#include "server/listen_address.h"
#include "server/wake.h"

#include <assert.h>
#include <microhttpd.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    VISITORS_MAX = 32,
    PRESSED_AT = VISITORS_MAX * 3 / 4,
    TIME_MS = 10 * 1000,
    TIME_PRESSED_MS = 1000,
    MEMORY_PER_VISITOR = 8 * 1024, /* its headers among them */
};

/* A connection; the oldest first. */
struct visitor {
    struct http_port *port;
    struct visitor *before, *after;
    int fd; /* the library's */
    int64_t since_us;
    bool is_given_up;
};

struct http_port {
    const struct http_page *pages;
    size_t page_count;
    void *context;
    int number;
    int stop_fd;
    int ready_fd; /* the library's: readable when it has something to do */
    struct MHD_Daemon *daemon;
    struct visitor *first, *last;
    size_t visitor_count;
    pthread_t thread;
    bool is_running;
};

static void enter(struct http_port *port, struct MHD_Connection *connection, void **place)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct visitor *visitor = calloc(1, sizeof *visitor);
    if (!visitor)
        out_of_memory();
    *visitor = (struct visitor){.port = port,
                                .before = port->last,
                                .fd = info ? info->connect_fd : -1,
                                .since_us = timestamp_monotonic_us()};
    *(port->last ? &port->last->after : &port->first) = visitor;
    port->last = visitor;
    port->visitor_count++;
    *place = visitor;
}

static void leave(struct http_port *port, struct visitor *visitor)
{
    *(visitor->before ? &visitor->before->after : &port->first) = visitor->after;
    *(visitor->after ? &visitor->after->before : &port->last) = visitor->before;
    port->visitor_count--;
    free(visitor);
}

static void on_connection(void *context, struct MHD_Connection *connection, void **place,
                          enum MHD_ConnectionNotificationCode what)
{
    if (what == MHD_CONNECTION_NOTIFY_STARTED)
        enter(context, connection, place);
    else if (*place)
        leave(context, *place);
}

static int64_t time_allowed_us(const struct http_port *port)
{
    return (port->visitor_count > PRESSED_AT ? TIME_PRESSED_MS : TIME_MS) * INT64_C(1000);
}

/* The library sees the end of the connection, and closes it. */
static void give_up_slow(struct http_port *port)
{
    int64_t oldest_us = timestamp_monotonic_us() - time_allowed_us(port);
    for (struct visitor *visitor = port->first; visitor && visitor->since_us <= oldest_us;
         visitor = visitor->after) {
        if (!visitor->is_given_up && visitor->fd >= 0)
            shutdown(visitor->fd, SHUT_RDWR);
        visitor->is_given_up = true;
    }
}

/* -1: until something comes. */
static int wait_ms(const struct http_port *port)
{
    MHD_UNSIGNED_LONG_LONG asked_ms;
    int64_t ms = INT64_MAX;
    if (MHD_get_timeout(port->daemon, &asked_ms) == MHD_YES && asked_ms < INT32_MAX)
        ms = (int64_t)asked_ms;
    const struct visitor *oldest = port->first;
    while (oldest && oldest->is_given_up)
        oldest = oldest->after;
    if (oldest) {
        int64_t left_us = oldest->since_us + time_allowed_us(port) - timestamp_monotonic_us();
        int64_t left_ms = left_us > 0 ? left_us / 1000 + 1 : 0;
        ms = ms < left_ms ? ms : left_ms;
    }
    return ms == INT64_MAX ? -1 : (int)ms;
}

/* Where all places were taken, the library looks for the next visitor only at the run behind the
 * one in which somebody left, and does not say so. */
static void serve_visitors(struct http_port *port)
{
    size_t before;
    do {
        before = port->visitor_count;
        MHD_run(port->daemon);
    } while (port->visitor_count < before);
}

static void *run(void *arg)
{
    struct http_port *port = arg;
    struct pollfd fds[] = {{.fd = port->stop_fd, .events = POLLIN},
                           {.fd = port->ready_fd, .events = POLLIN}};
    for (;;) {
        poll(fds, COUNT_OF(fds), wait_ms(port));
        if (fds[0].revents)
            return NULL;
        serve_visitors(port);
        give_up_slow(port);
    }
}

static enum MHD_Result reply(struct MHD_Connection *connection, unsigned code,
                             const char *content_type, struct buffer *text)
{
    /* The text becomes the response's. */
    struct bytes bytes = buffer_bytes(text);
    struct MHD_Response *response = MHD_create_response_from_buffer(
        bytes.size, (void *)(uintptr_t)bytes.data,
        text->data ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
    if (!response)
        out_of_memory();
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    if (code == MHD_HTTP_METHOD_NOT_ALLOWED)
        MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    enum MHD_Result result = MHD_queue_response(connection, code, response);
    MHD_destroy_response(response);
    return result;
}

static const struct http_page *find_page(const struct http_port *port, const char *path)
{
    for (size_t i = 0; i < port->page_count; i++)
        if (strcmp(port->pages[i].path, path) == 0)
            return &port->pages[i];
    return NULL;
}

static unsigned list_pages(const struct http_port *port, struct buffer *text)
{
    buffer_append_text(text, "there is no such page here; these are:\n");
    for (size_t i = 0; i < port->page_count; i++)
        buffer_printf(text, "%s\n", port->pages[i].path);
    return MHD_HTTP_NOT_FOUND;
}

/* Called when the headers are there. What body there may be is not waited for. */
static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *path,
                              const char *method, const char *version, const char *body,
                              size_t *body_size, void **place)
{
    struct http_port *port = context;
    struct buffer text;
    const struct http_page *page = find_page(port, path);
    const char *content_type = page ? page->content_type : "text/plain; charset=utf-8";
    unsigned code;
    (void)version, (void)body, (void)body_size, (void)place;
    buffer_init(&text, 0);
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0) {
        buffer_append_text(&text, "pages here are read with GET or HEAD\n");
        code = MHD_HTTP_METHOD_NOT_ALLOWED;
    } else if (page) {
        code = page->write(port->context, (struct http_request *)connection, &text);
    } else {
        code = list_pages(port, &text);
    }
    return reply(connection, code, content_type, &text);
}

bool http_request_has(struct http_request *request, const char *name, const char *value)
{
    const char *found =
        MHD_lookup_connection_value((struct MHD_Connection *)request, MHD_GET_ARGUMENT_KIND, name);
    return found && strcmp(found, value) == 0;
}

static enum status start(struct http_port *port, int listen_fd, struct error *err)
{
    port->daemon =
        MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, answer, port, MHD_OPTION_LISTEN_SOCKET,
                         listen_fd, MHD_OPTION_CONNECTION_LIMIT, (unsigned)VISITORS_MAX,
                         MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY_PER_VISITOR,
                         MHD_OPTION_NOTIFY_CONNECTION, on_connection, port, MHD_OPTION_END);
    if (!port->daemon) {
        close(listen_fd);
        return fail(err, STATUS_FAILED, "cannot serve HTTP");
    }
    port->ready_fd = MHD_get_daemon_info(port->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    if (pthread_create(&port->thread, NULL, run, port) != 0)
        return fail(err, STATUS_FAILED, "cannot start a thread");
    port->is_running = true;
    return STATUS_OK;
}

enum status http_port_open(const char *setting, const char *address, const struct http_page *pages,
                           size_t page_count, void *context, struct http_port **out,
                           struct error *err)
{
    int listen_fd = -1;
    struct http_port *port = calloc(1, sizeof *port);
    if (!port)
        out_of_memory();
    *port = (struct http_port){
        .pages = pages, .page_count = page_count, .context = context, .stop_fd = -1};
    enum status status = wake_open(&port->stop_fd, err);
    if (!status)
        status = listen_address_open(setting, address, &listen_fd, &port->number, err);
    if (!status)
        status = start(port, listen_fd, err);
    if (status)
        http_port_close(port);
    else
        *out = port;
    return status;
}

int http_port_number(const struct http_port *port)
{
    return port->number;
}

void http_port_close(struct http_port *port)
{
    if (!port)
        return;
    if (port->is_running) {
        wake_signal(port->stop_fd);
        pthread_join(port->thread, NULL);
    }
    if (port->daemon)
        MHD_stop_daemon(port->daemon);
    assert(!port->first);
    wake_close(port->stop_fd);
    free(port);
}
