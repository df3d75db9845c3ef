/*
 * streams.h - the streams of requests of a worker (StreamFeatures), on gRPC.
 *
 * What a stream may do next is stream.h's; here it is done. A message that comes becomes a call
 * that waits like the unary ones (calls.h), in the same batches, and carries its stream: the worker
 * answers it here instead. A stream owns its calls; what they hold is counted in calls.
 *
 *     streams_take_event   a stream has come, a message has come or gone, a stream is over
 *     streams_answer       puts an answer behind those that the stream has still to send
 *     streams_end_round    sends what the round has answered; reads on where there is room again
 *
 * Past STREAMS_MAX, or STREAMS_PER_CONNECTION_MAX of one connection, a stream is refused:
 * RESOURCE_EXHAUSTED. Past STREAMED_WAITING_MAX requests of all streams that wait, 256 KiB of them,
 * or 50 ms of work by the worker's pace, nothing more is received, until there is room again; each
 * stream then has its turn. So callers of streams wait, and are not refused, and hold neither room
 * nor time from unary ones. A message or an answer that does not fit is refused alone.
 *
 * Whoever does not take a message within calls_answer_timeout_us is given up. A server that stops
 * takes in no more, answers what it has, and ends each stream with UNAVAILABLE.
 *
 * One thread.
 */
#ifndef LARDER_SERVER_STREAMS_H
#define LARDER_SERVER_STREAMS_H

#include "server/answer/wire.h"
#include "server/calls.h"

enum { STREAMS_MAX = 256, STREAMS_PER_CONNECTION_MAX = 64, STREAMED_WAITING_MAX = 1024 };

struct stream_list {
    struct stream_call *first, *last;
};

struct streams {
    struct calls *calls;
    void *method; /* as registered */
    size_t max_message_bytes;
    struct stream_call *all;
    size_t live_count; /* those that gRPC still knows of */
    size_t open_count; /* those that were let in */
    size_t waiting_count, waiting_bytes;
    bool is_stopping;
    bool is_held_back;          /* a stream would receive, if there were room */
    struct stream_list due;     /* for the end of the round */
    struct stream_list sending; /* the oldest first */
    struct wire_writer failure;
};

extern const char streams_method[]; /* its name */

/* After the first three members were set. */
void streams_init(struct streams *streams);
void streams_release(struct streams *streams);
/* Once, by the thread that they belong to. */
void streams_request(struct streams *streams);

/* Whether a tag of the queue is a stream's: those of calls are aligned. */
static inline bool streams_own(void *tag)
{
    return ((uintptr_t)tag & 7) != 0;
}

void streams_take_event(void *tag, bool success);
void streams_end_round(struct streams *streams);

/* The call is the stream's again, and may be gone with the next event. */
void streams_answer(struct streams *streams, struct call *call, struct bytes answer);
void streams_fail(struct streams *streams, struct call *call, grpc_status_code code,
                  const char *message);

/* When the next caller has to be given up; INT64_MAX: nobody has to. */
int64_t streams_give_up_at_us(const struct streams *streams);
void streams_give_up_slow(struct streams *streams);

#endif
