/*
 * listen_address.h - "host:port" as server.grpc has it, and why it cannot be listened on.
 *
 * gRPC tells whether it could bind, but not why it could not; this looks first, so that a person is
 * told "address already in use" and not "failed".
 */
#ifndef LARDER_SERVER_LISTEN_ADDRESS_H
#define LARDER_SERVER_LISTEN_ADDRESS_H

#include "base/error.h"

/* Binds and lets go again. INVALID: no host:port, or no such host; CONFLICT: it is taken, or we may
 * not. Port 0 is any free one; a host in brackets is IPv6. */
enum status listen_address_check(const char *address, struct error *err);
/* The same host with another port, into text. */
void listen_address_with_port(const char *address, int port, char *text, int size);

#endif
