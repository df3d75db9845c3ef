/*
 * calls.h - the calls of a worker: where each is on its way, and what is held for it.
 *
 * The list that a call is on is its state, and calls_move alone changes that. More calls are always
 * requested from gRPC than may be here, so that one more can be refused: RESOURCE_EXHAUSTED, where
 * CALLS_MAX have come, where the requests that wait hold max_held_bytes already, or where so many
 * wait that its deadline would pass before its turn (pace.h). Answers that were not taken yet hold
 * max_held_bytes, too; one that does not fit is replaced by a refusal. Messages of up to 64 KiB
 * always fit, since their number has its limit. Whoever does not take an answer within 30 s is
 * given up: within one second where half of something is gone.
 *
 * One thread.
 */
#ifndef LARDER_SERVER_CALLS_H
#define LARDER_SERVER_CALLS_H

#include "base/bytes.h"
#include "server/answer/counters.h"
#include "server/pace.h"
#include "server/rpc.h"

#include <grpc/grpc.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CALLS_MAX = 896, CALLS_METHOD_COUNT = 2 };

enum call_state {
    CALL_REQUESTED, /* of gRPC; on no list */
    CALL_WAITING,   /* for the next batch, or as a large one for its turn */
    CALL_READING,   /* large: its rows are read, step by step */
    CALL_SET_ASIDE, /* until its ticket of the reload is done */
    CALL_ANSWERED,  /* until gRPC has sent the answer; the oldest first */
    CALL_STATE_COUNT,
};

struct stream_call;

/* A unary call, or one request of a stream (streams.h), which is on the same lists until it is
 * answered. */
struct call {
    struct rpc rpc;             /* of a streamed request: its message and its deadline alone */
    struct stream_call *stream; /* NULL: unary */
    uint64_t id;                /* of a streamed request */
    struct bytes asked;         /* in its message */
    size_t method;
    enum call_state state;
    struct call *before, *after;
    int64_t since_us; /* in this state */
    int64_t come_us;
    uint64_t ticket; /* 0: definitions were not asked for yet */
    bool is_large;   /* it needs a batch of its own */
    bool is_empty;   /* no message came with it */
    bool is_gone;    /* its stream is over, and nobody waits for its answer */
    size_t request_bytes, answer_bytes;
};

struct call_list {
    struct call *first, *last;
};

struct calls {
    grpc_server *server;
    void *const *methods;         /* [CALLS_METHOD_COUNT], as registered */
    grpc_completion_queue *queue; /* their tags are the calls */
    size_t max_held_bytes;
    struct worker_counters *counters;
    int64_t max_call_us; /* what a call may take, whatever its deadline */
    int64_t now_us;      /* monotonic; the worker's, of this round */
    struct call *all;
    size_t live_count; /* those that gRPC still knows of */
    size_t come_count;
    size_t waiting_count; /* on the list CALL_WAITING */
    struct pace pace;
    size_t request_bytes, answer_bytes;
    struct call_list lists[CALL_STATE_COUNT];
};

/* After the members before that were set. */
void calls_init(struct calls *calls);
void calls_release(struct calls *calls);
/* Once, by the thread that they belong to. */
void calls_request(struct calls *calls);

/* What came out of the queue: a new call, which then waits or is refused, or the end of one. */
void calls_take_event(struct calls *calls, struct call *call, bool success);
/* What a new call has until its deadline, or by the server's own maximum. */
int64_t calls_left_us(const struct calls *calls, const struct call *call);
void calls_move(struct calls *calls, struct call *call, enum call_state state);

/* Replies; the request is gone with that, whatever becomes of the reply. */
void calls_answer(struct calls *calls, struct call *call, struct bytes answer);
void calls_fail(struct calls *calls, struct call *call, grpc_status_code code, const char *message);

/* What whoever does not take an answer has until he is given up. */
int64_t calls_answer_timeout_us(const struct calls *calls);
/* When the next caller has to be given up; INT64_MAX: nobody has to. */
int64_t calls_give_up_at_us(const struct calls *calls);
void calls_give_up_slow(struct calls *calls);

#endif
