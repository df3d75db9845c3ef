/*
 * rpc.h - one call on gRPC's C core, from being asked for to being answered.
 *
 *     rpc_request      gRPC is asked for the next call of a method; the tag comes back with it
 *     rpc_message      its request, in place
 *     rpc_reply        the answer, or a status alone; the tag comes back when all of it has gone
 *     rpc_release      everything given back; ready for the next rpc_request
 *
 * A unary call is answered by one batch of operations, the receiving of the close among them: one
 * event for the request, one for the answer. Times are as gRPC's monotonic clock has them. An rpc
 * and its queue belong to one thread.
 */
#ifndef LARDER_SERVER_RPC_H
#define LARDER_SERVER_RPC_H

#include "base/bytes.h"
#include "base/error.h"

#include <grpc/grpc.h>

#include <stdbool.h>
#include <stdint.h>

struct rpc {
    grpc_call *call; /* NULL until one has come */
    gpr_timespec deadline;
    grpc_metadata_array metadata;
    grpc_byte_buffer *payload;
    grpc_slice merged; /* of a payload that came in several slices */
    uint8_t *expanded; /* of one that came compressed */
    grpc_byte_buffer *answer;
    int was_cancelled; /* gRPC writes it when the call ends */
};

/* false: the server is stopping, and the tag will not come. Else it comes, without success if the
 * server stops before there is a call. */
bool rpc_request(struct rpc *rpc, grpc_server *server, void *method, grpc_completion_queue *queue,
                 void *tag);
/* The same for calls of methods that nobody registered; the method's name is put into details. */
bool rpc_request_unregistered(struct rpc *rpc, grpc_call_details *details, grpc_server *server,
                              grpc_completion_queue *queue, void *tag);

/* The same for calls of a method whose messages are received one by one. */
bool rpc_request_stream(struct rpc *rpc, grpc_server *server, void *method,
                        grpc_completion_queue *queue, void *tag);

/* The bytes of the request as they came. */
size_t rpc_request_size(const struct rpc *rpc);
/* Borrowed until it is forgotten or answered. INVALID: the caller sent no message, or a compressed
 * one that is damaged; EXHAUSTED: it expands to more than max_size. On a failure, message->size
 * tells how much was expanded in vain. */
enum status rpc_message(struct rpc *rpc, size_t max_size, struct bytes *message, struct error *err);
/* Gives back the memory that rpc_message took; it may be called again. */
void rpc_forget_message(struct rpc *rpc);
/* As rpc_message, for good: the payload becomes one slice, expanded, so that the message stays
 * where it is, and is held once, until the request is forgotten. */
enum status rpc_message_whole(struct rpc *rpc, size_t max_size, struct bytes *message,
                              struct error *err);
/* The request, too, which replies do by themselves. */
void rpc_forget_request(struct rpc *rpc);
/* From now_us, of timestamp_monotonic_us, until its deadline; INT64_MAX: it has none. Not above 0:
 * it has passed. */
int64_t rpc_left_us(const struct rpc *rpc, int64_t now_us);

/* Copies answer. One of the two, once; an rpc_fail's message may be dropped after the call. The
 * request is gone with it: a caller who does not take its answer costs no more than that. */
void rpc_reply(struct rpc *rpc, struct bytes answer, void *tag);
void rpc_fail(struct rpc *rpc, grpc_status_code code, const char *message, void *tag);
/* The status on the wire for what came of a request. */
grpc_status_code rpc_code(enum status status);

void rpc_release(struct rpc *rpc);

/* For streams: operations of one's own, and messages (the second of two parts) that the caller
 * destroys. */
void rpc_start(struct rpc *rpc, const grpc_op *ops, size_t count, void *tag);
grpc_byte_buffer *rpc_buffer(struct bytes bytes);
grpc_byte_buffer *rpc_buffer_of_parts(struct bytes head, struct bytes rest);

/* Shuts a queue that nobody uses, and waits until it is empty: it may then be destroyed. */
void rpc_shut_queue(grpc_completion_queue *queue);

#endif
