/*
 * control_call.h - what control.c shares with the calls on its queue: tags that know what to do.
 *
 * Everything here belongs to the control thread, but for is_stopping, which any thread may set.
 */
#ifndef LARDER_SERVER_CONTROL_CONTROL_CALL_H
#define LARDER_SERVER_CONTROL_CONTROL_CALL_H

#include "server/answer/wire.h"
#include "server/control/health.h"
#include "server/rpc.h"
#include "server/store_watch.h"

#include <grpc/grpc.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct control;

/* What comes out of the queue. */
struct control_tag {
    void (*on_event)(struct control_tag *tag, bool success);
};

/* A unary method: reads a request and writes an answer, or fails. */
struct control_method {
    const char *name; /* NULL: those that nobody registered */
    enum status (*answer)(struct control *control, struct bytes message, struct wire_writer *writer,
                          struct error *err);
};

struct control_call {
    struct control_tag tag;
    struct control *control;
    const struct control_method *method;
    void *registered;
    struct rpc rpc;
    grpc_call_details details; /* of an unregistered method */
    bool is_answered;
    int64_t answered_us; /* monotonic */
};

enum {
    CONTROL_METHOD_COUNT = 3,
    CONTROL_CALLS_PER_METHOD = 16,
    CONTROL_CALL_COUNT = CONTROL_METHOD_COUNT * CONTROL_CALLS_PER_METHOD,
    CONTROL_MESSAGE_MAX = 64 * 1024, /* of a compressed one, expanded */
};

/* What a caller has to take an answer. */
#define CONTROL_ANSWER_TIMEOUT_US INT64_C(30000000)

enum { REFLECTION_METHOD_COUNT = 2 };

struct watch;             /* of health; health_watch.c */
struct reflection_stream; /* reflection_stream.c */

struct control {
    grpc_server *server;
    grpc_completion_queue *queue;
    const struct store_watch *store_watch;
    atomic_bool is_stopping;
    pthread_t thread;
    bool is_running;
    bool is_shut;   /* the queue; nothing may be started on it any more */
    int stopped_fd; /* the caller's */
    struct control_tag stopped;
    struct wire_writer writer;
    size_t live_count; /* calls that gRPC still knows of, and the stop */
    struct control_call calls[CONTROL_CALL_COUNT];
    struct watch *watches;
    size_t watch_count;
    void *watch_method;
    struct reflection_stream *reflections;
    size_t reflection_count;
    void *reflection_methods[REFLECTION_METHOD_COUNT];
};

/* Requests the next call of Health/Watch. */
void health_watch_request(struct control *control);
/* Tells watchers what has changed; once stopping, ends them. Gives up those that have not taken
 * what was written before oldest_us. */
void health_watch_look(struct control *control, int64_t oldest_us);

/* The method of that number. */
const char *reflection_stream_name(size_t number);
/* Requests the next stream of each method, and from then on the one after. */
void reflection_stream_request(struct control *control);
/* Once stopping, ends streams. Gives up those whose callers have not asked, or not taken an answer,
 * since oldest_us. */
void reflection_stream_look(struct control *control, int64_t oldest_us);

#endif
