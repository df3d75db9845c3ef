/* log_grpc.c - see log_grpc.h. */
#include "server/log_grpc.h"

#include "base/error.h"
#include "base/log.h"
#include "base/timestamp.h"

#include <grpc/support/log.h>

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

enum { LINES_MAX = 10, WHILE_MS = 60 * 1000 };

/* gRPC's log function is one for the process and is given nothing of ours. */
static struct {
    pthread_mutex_t mutex;
    int64_t since_us; /* monotonic; when this while began */
    unsigned line_count, left_out_count;
} said = {.mutex = PTHREAD_MUTEX_INITIALIZER};

/* Whether there is room for a line; of what was left out, if this one is the next to come. */
static bool take_room(unsigned *left_out_count)
{
    int64_t now_us = timestamp_monotonic_us();
    *left_out_count = 0;
    pthread_mutex_lock(&said.mutex);
    if (said.line_count > 0 && now_us - said.since_us > WHILE_MS * INT64_C(1000)) {
        *left_out_count = said.left_out_count;
        said.line_count = said.left_out_count = 0;
    }
    if (said.line_count == 0)
        said.since_us = now_us;
    bool has_room = said.line_count < LINES_MAX;
    said.line_count += has_room;
    said.left_out_count += !has_room;
    pthread_mutex_unlock(&said.mutex);
    return has_room;
}

static void log_grpc(gpr_log_func_args *args)
{
    unsigned left_out_count;
    char quoted[ERROR_MESSAGE_SIZE];
    if (!take_room(&left_out_count))
        return;
    if (left_out_count > 0)
        log_line(LOG_WARNING, "grpc said more", "lines=%u", left_out_count);
    log_line(LOG_WARNING, "grpc", "text=%s", log_quote(args->message, quoted, sizeof quoted));
}

void log_grpc_begin(void)
{
    if (getenv("GRPC_VERBOSITY"))
        return;
    gpr_set_log_verbosity(GPR_LOG_SEVERITY_ERROR);
    gpr_set_log_function(log_grpc);
}
