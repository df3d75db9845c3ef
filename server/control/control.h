/*
 * control.h - one thread, with a queue of its own, for all that is not a read: health, reflection,
 * what the server is, and methods that nobody registered. So nothing of that ever waits behind a
 * read or a store that hangs, nor makes one wait.
 *
 * gRPC core leaves a call of an unknown method hanging unless somebody asks for such calls; here
 * they are answered UNIMPLEMENTED. The thread also carries out the stop of the server, whose event
 * comes through its queue. It ends by itself when the server is stopped and its last call is done.
 */
#ifndef LARDER_SERVER_CONTROL_CONTROL_H
#define LARDER_SERVER_CONTROL_CONTROL_H

#include "base/error.h"
#include "server/store_watch.h"

#include <grpc/grpc.h>

struct control;

/* Before the server starts: registers the queue and the methods. stopped_fd: an eventfd, written
 * when the server's stop is complete. */
struct control *control_open(grpc_server *server, const struct store_watch *store_watch,
                             int stopped_fd);
/* Once the server has started. */
enum status control_start(struct control *control, struct error *err);
/* Any thread, once: the server takes no more calls; health says NOT_SERVING; watchers are let go.
 */
void control_stop(struct control *control);
/* Waits until that is done; where no thread could be made, does it itself. */
void control_join(struct control *control);
/* After joining, or without a start; before the server is destroyed. Accepts NULL. */
void control_close(struct control *control);

#endif
