/*
 * listen_address.h - "host:port" as the settings have it, and why it cannot be listened on.
 *
 * gRPC tells whether it could bind, but not why it could not; listen_address_check looks first, so
 * that a person is told "address already in use" and not "failed". Port 0 is any free one; a host
 * in brackets is IPv6. `setting` is what the address is called in errors: "server.grpc".
 */
#ifndef LARDER_SERVER_LISTEN_ADDRESS_H
#define LARDER_SERVER_LISTEN_ADDRESS_H

#include "base/error.h"

/* Binds and lets go again; whoever connects meanwhile is refused, as before. INVALID: no host:port,
 * or no such host; CONFLICT: it is taken, or we may not. */
enum status listen_address_check(const char *setting, const char *address, struct error *err);
/* Listens, on the first of the host's addresses that can be had. *fd does not block and is the
 * caller's; *port is the one that was got. */
enum status listen_address_open(const char *setting, const char *address, int *fd, int *port,
                                struct error *err);
/* The same host with another port, into text. */
void listen_address_with_port(const char *address, int port, char *text, int size);

#endif
