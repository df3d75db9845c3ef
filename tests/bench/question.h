/*
 * question.h - one thing asked of a gRPC server again and again: what the load generators share.
 *
 * A question is a method, a request's bytes and the answer that is expected. An asking is one call
 * of it, whose tag is the asking itself. A connection is a channel with a subchannel pool of its
 * own: without it, all channels of one target would share one connection.
 */
#ifndef LARDER_BENCH_QUESTION_H
#define LARDER_BENCH_QUESTION_H

#include <grpc/grpc.h>
#include <grpc/slice.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct question {
    const char *target, *method;
    grpc_slice request;
    const uint8_t *answer; /* NULL: any will do */
    size_t answer_size;
};

struct connection {
    grpc_channel *channel;
    void *method;
};

struct asking {
    grpc_call *call;
    grpc_byte_buffer *question, *answer;
    grpc_metadata_array initial, trailing;
    grpc_status_code code;
    grpc_slice words;
};

struct connection connection_open(const struct question *question);
void connection_close(struct connection *connection);

/* Starts a call; the queue gives the asking back when it has ended. */
void asking_start(struct asking *asking, const struct question *question,
                  const struct connection *connection, grpc_completion_queue *queue,
                  int64_t timeout_us);
/* Whether it was answered, with the bytes that are expected, or those of another answer. */
bool asking_is_right(const struct asking *asking, const struct question *question);
bool asking_is_equal(const struct asking *asking, const uint8_t *answer, size_t size);
void asking_release(struct asking *asking);

/* Shuts a queue whose calls have all ended, and destroys it. */
void queue_close(grpc_completion_queue *queue);

#endif
