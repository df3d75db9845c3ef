/*
 * http_port.h - a small HTTP port for those who watch the server: a few pages, one thread.
 *
 * A page is a path and a function that writes its text. GET and HEAD alone are answered, any other
 * method is 405, and an unknown path 404 with the list of pages. Pages are written on the port's
 * own thread, one at a time, so they may look at what other threads do, and must not wait.
 *
 * Whoever comes costs little, and nothing for ever: one request a connection, 32 connections, 8 KiB
 * of headers, and 10 s for all of it, from the first byte of the question to the last of the answer
 * (1 s where most places are taken). Whoever comes beyond that waits in the system's queue.
 */
#ifndef LARDER_SERVER_HTTP_HTTP_PORT_H
#define LARDER_SERVER_HTTP_HTTP_PORT_H

#include "base/buffer.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

struct http_port;
struct http_request; /* of the page that is being written */

/* Whether the request's path is followed by ?name=value. */
bool http_request_has(struct http_request *request, const char *name, const char *value);

struct http_page {
    const char *path;         /* "/healthz" */
    const char *content_type; /* of its text */
    /* Returns the HTTP status: 200, 503. The text is empty before. */
    unsigned (*write)(void *context, struct http_request *request, struct buffer *text);
};

/* Listens and answers from now on. `setting` is what an address that is wrong is called in the
 * error. pages and context outlive the port. INVALID and CONFLICT as listen_address.h says. */
enum status http_port_open(const char *setting, const char *address, const struct http_page *pages,
                           size_t page_count, void *context, struct http_port **port,
                           struct error *err);
/* The port that it listens on: another than the address has where that is 0. */
int http_port_number(const struct http_port *port);
/* Ends the thread, whoever is still asking. Accepts NULL. */
void http_port_close(struct http_port *port);

#endif
