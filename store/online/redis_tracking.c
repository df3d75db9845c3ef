/* redis_tracking.c - see redis_tracking.h. */
#include "store/online/redis_tracking.h"

#include "base/counter.h"
#include "base/log.h"
#include "base/timestamp.h"
#include "store/online/redis_connection.h"
#include "store/online/redis_error.h"
#include "store/online/redis_store.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    PING_MS = 250,
    UNANSWERED_MAX = 2,
    TRUST_MS = (1 + UNANSWERED_MAX) * PING_MS,
    CONNECT_MS = 1000, /* each step of making a connection */
    RECONNECT_MS = 100,
    LOOK_MS = 100, /* whether to stop */
    DOUBT_MS = 10 * 1000,
    NEWS_BYTES_MAX = 16 * 1024 * 1024,
};

#define CHANNEL "__redis__:invalidate"
#define ROW_PREFIX "{" /* base/entity_key.h */

struct redis_tracking {
    struct near_rows *rows;
    struct redis_url url;
    struct arena arena;                  /* the url, as long as this */
    struct arena scratch;                /* what is heard */
    struct redis_connection *connection; /* NULL: none */
    int64_t ping_us;                     /* when to send the next */
    int64_t sent_us[UNANSWERED_MAX];     /* pings that were not answered yet, the oldest first */
    size_t unanswered;
    enum { NOT_TOLD, TOLD_IN_USE, TOLD_BYPASSED } told; /* to the log */
    struct counter losses;
    pthread_mutex_t mutex;          /* of run_id */
    char run_id[REDIS_RUN_ID_SIZE]; /* of the Redis that is, or was, heard */
    _Atomic uint64_t number;        /* of the connection to it, the first is 1 */
    atomic_bool is_doubted;         /* somebody reads from another Redis */
    int64_t doubt_us;               /* when to give in to such a doubt */
    atomic_bool stops;
    pthread_t thread;
    bool is_running;
};

static void tell_in_use(struct redis_tracking *tracking)
{
    char place[ERROR_MESSAGE_SIZE];
    if (tracking->told != TOLD_IN_USE)
        log_line(LOG_INFO, "the near cache is in use", "store=%s",
                 log_quote(tracking->url.place, place, sizeof place));
    tracking->told = TOLD_IN_USE;
}

static void tell_bypassed(struct redis_tracking *tracking, const struct error *err)
{
    char reason[2 * ERROR_MESSAGE_SIZE];
    counter_add(&tracking->losses, tracking->told == TOLD_IN_USE);
    if (tracking->told != TOLD_BYPASSED)
        log_line(LOG_WARNING, "the near cache is bypassed", "reason=%s",
                 log_quote(err->message, reason, sizeof reason));
    tracking->told = TOLD_BYPASSED;
}

static void lose(struct redis_tracking *tracking)
{
    near_rows_trust_until(tracking->rows, 0);
    near_rows_clear(tracking->rows);
    redis_connection_close(tracking->connection);
    tracking->connection = NULL;
}

/* A Redis that could not save to its disk refuses pings, as it does writes, and yet gives rows as
 * ever: in the place of the answer, its refusal says the same. */
static bool is_refused_for_the_disk(const struct redis_reply *reply)
{
    return redis_error_is(reply, "MISCONF");
}

/* Beginning. */

/* Whether it gives rows. While it loads them, or waits for its primary, it lets one subscribe. */
static enum status ask_readiness(struct redis_tracking *tracking, struct error *err)
{
    struct redis_reply *reply;
    redis_command_of(tracking->connection, (const char *const[]){"PING"}, 1);
    enum status status = redis_receive(tracking->connection, &tracking->scratch, &reply, err);
    if (status || is_refused_for_the_disk(reply))
        return status;
    return redis_expect(tracking->connection, reply, REPLY_STATUS, err);
}

static enum status ask_own_id(struct redis_tracking *tracking, char id[24], struct error *err)
{
    struct redis_reply *reply;
    redis_command_of(tracking->connection, (const char *const[]){"CLIENT", "ID"}, 2);
    enum status status =
        redis_receive_type(tracking->connection, REPLY_INTEGER, &tracking->scratch, &reply, err);
    if (!status)
        snprintf(id, 24, "%lld", (long long)reply->integer);
    return status;
}

static enum status subscribe(struct redis_tracking *tracking, const char *id, struct error *err)
{
    struct redis_connection *connection = tracking->connection;
    struct redis_reply *reply;
    const char *const track[] = {"CLIENT", "TRACKING", "ON",     "REDIRECT",
                                 id,       "BCAST",    "PREFIX", ROW_PREFIX};
    redis_command_of(connection, track, COUNT_OF(track));
    redis_command_of(connection, (const char *const[]){"SUBSCRIBE", CHANNEL}, 2);
    enum status status =
        redis_receive_type(connection, REPLY_STATUS, &tracking->scratch, &reply, err);
    return status ? status
                  : redis_receive_type(connection, REPLY_LIST, &tracking->scratch, &reply, err);
}

static void trust_since(struct redis_tracking *tracking, int64_t heard_us)
{
    near_rows_trust_until(tracking->rows, heard_us + TRUST_MS * INT64_C(1000));
}

static void set_run_id(struct redis_tracking *tracking, const char *run_id)
{
    pthread_mutex_lock(&tracking->mutex);
    memcpy(tracking->run_id, run_id, strlen(run_id) + 1);
    pthread_mutex_unlock(&tracking->mutex);
    atomic_fetch_add(&tracking->number, 1);
}

/* Rows are forgotten once more when news come: until then, some may have been kept without. */
static enum status begin(struct redis_tracking *tracking, struct error *err)
{
    char id[24], run_id[REDIS_RUN_ID_SIZE];
    tracking->connection = redis_connection_open(&tracking->url, CONNECT_MS);
    enum status status = redis_connection_begin(tracking->connection, err);
    if (!status)
        status = ask_readiness(tracking, err);
    if (!status)
        status = redis_run_id(tracking->connection, run_id, err);
    if (!status)
        status = ask_own_id(tracking, id, err);
    int64_t now_us = timestamp_monotonic_us();
    if (!status)
        status = subscribe(tracking, id, err);
    if (status)
        return status;
    tracking->unanswered = 0;
    tracking->ping_us = now_us + PING_MS * INT64_C(1000);
    atomic_store(&tracking->is_doubted, false);
    set_run_id(tracking, run_id);
    near_rows_clear(tracking->rows);
    trust_since(tracking, now_us);
    return STATUS_OK;
}

/* Hearing. */

static bool is_text(const struct redis_reply *reply, const char *text)
{
    return reply->type == REPLY_TEXT && bytes_equal(reply->text, bytes_of_text(text));
}

/* Keys that were written to; no list of them is told of a flush: any may have been. */
static void take_news(struct redis_tracking *tracking, const struct redis_reply *keys)
{
    if (keys->type != REPLY_LIST) {
        near_rows_clear(tracking->rows);
        return;
    }
    for (size_t i = 0; i < keys->count; i++)
        if (keys->elements[i].type == REPLY_TEXT)
            near_rows_forget(tracking->rows, keys->elements[i].text);
}

static void take_pong(struct redis_tracking *tracking)
{
    trust_since(tracking, tracking->sent_us[0]);
    tracking->unanswered--;
    memmove(tracking->sent_us, tracking->sent_us + 1,
            tracking->unanswered * sizeof *tracking->sent_us);
}

static bool is_pong(const struct redis_reply *reply)
{
    return (reply->type == REPLY_LIST && reply->count == 2 &&
            is_text(&reply->elements[0], "pong")) ||
           is_refused_for_the_disk(reply);
}

static enum status take(struct redis_tracking *tracking, const struct redis_reply *reply,
                        struct error *err)
{
    if (reply->type == REPLY_LIST && reply->count == 3 && is_text(&reply->elements[0], "message") &&
        is_text(&reply->elements[1], CHANNEL)) {
        take_news(tracking, &reply->elements[2]);
        return STATUS_OK;
    }
    if (is_pong(reply) && tracking->unanswered > 0) {
        take_pong(tracking);
        return STATUS_OK;
    }
    if (reply->type == REPLY_ERROR)
        return redis_error_fail(reply, tracking->url.place, err);
    return redis_strange_answer(tracking->connection, err);
}

/* When it is time to: what has come meanwhile was heard before, unless it never ends. */
static enum status ping(struct redis_tracking *tracking, int64_t now_us, bool is_silent,
                        struct error *err)
{
    if (now_us < tracking->ping_us)
        return STATUS_OK;
    if (tracking->unanswered == UNANSWERED_MAX)
        return is_silent ? fail(err, STATUS_UNAVAILABLE, "%s: no answer within %d ms",
                                tracking->url.place, UNANSWERED_MAX * PING_MS)
                         : STATUS_OK;
    tracking->sent_us[tracking->unanswered++] = now_us;
    tracking->ping_us = now_us + PING_MS * INT64_C(1000);
    redis_command_of(tracking->connection, (const char *const[]){"PING"}, 1);
    return STATUS_OK;
}

static enum status give_in_to_doubt(struct redis_tracking *tracking, int64_t now_us,
                                    struct error *err)
{
    if (!atomic_load(&tracking->is_doubted) || now_us < tracking->doubt_us)
        return STATUS_OK;
    tracking->doubt_us = now_us + DOUBT_MS * INT64_C(1000);
    return fail(err, STATUS_UNAVAILABLE, "%s: rows are read from another Redis than is heard of",
                tracking->url.place);
}

static enum status hear(struct redis_tracking *tracking, struct error *err)
{
    struct redis_reply *reply;
    int64_t now_us = timestamp_monotonic_us();
    if (give_in_to_doubt(tracking, now_us, err))
        return err->status;
    int64_t look_us = now_us + LOOK_MS * INT64_C(1000);
    redis_connection_allow(tracking->connection, NEWS_BYTES_MAX);
    enum status status =
        redis_hear(tracking->connection, look_us < tracking->ping_us ? look_us : tracking->ping_us,
                   &tracking->scratch, &reply, err);
    if (status)
        return status;
    bool is_silent = !reply;
    if (reply) {
        status = take(tracking, reply, err);
        arena_reset(&tracking->scratch);
    }
    return status ? status : ping(tracking, timestamp_monotonic_us(), is_silent, err);
}

static void *run(void *argument)
{
    struct redis_tracking *tracking = argument;
    while (!atomic_load(&tracking->stops)) {
        struct error err;
        enum status status = begin(tracking, &err);
        arena_reset(&tracking->scratch);
        if (!status)
            tell_in_use(tracking);
        while (!status && !atomic_load(&tracking->stops))
            status = hear(tracking, &err);
        lose(tracking);
        arena_reset(&tracking->scratch);
        if (status) {
            tell_bypassed(tracking, &err);
            usleep(RECONNECT_MS * 1000);
        }
    }
    return NULL;
}

enum status redis_tracking_start(const struct settings *settings, struct near_rows *rows,
                                 struct redis_tracking **started, struct error *err)
{
    struct redis_tracking *tracking = calloc(1, sizeof *tracking);
    if (!tracking)
        out_of_memory();
    tracking->rows = rows;
    pthread_mutex_init(&tracking->mutex, NULL);
    arena_init(&tracking->arena, 0);
    arena_init(&tracking->scratch, 0);
    const char *url = settings->online_store.url;
    enum status status = redis_url_parse(url ? url : "", &tracking->arena, &tracking->url, err);
    if (!status && pthread_create(&tracking->thread, NULL, run, tracking) != 0)
        status = fail(err, STATUS_FAILED, "cannot start a thread");
    tracking->is_running = !status;
    if (status)
        redis_tracking_stop(tracking);
    else
        *started = tracking;
    return status;
}

bool redis_sameness_lasts(const struct redis_tracking *tracking, struct online_store *store,
                          const struct redis_sameness *known)
{
    return known->tracking == atomic_load(&tracking->number) &&
           known->connection == redis_connection_number(redis_store_of(store)->connection);
}

static bool is_run(struct redis_tracking *tracking, const char *run_id)
{
    pthread_mutex_lock(&tracking->mutex);
    bool is = strcmp(tracking->run_id, run_id) == 0;
    pthread_mutex_unlock(&tracking->mutex);
    return is;
}

bool redis_tracking_is_of(struct redis_tracking *tracking, struct online_store *store,
                          struct redis_sameness *known)
{
    struct redis_connection *connection = redis_store_of(store)->connection;
    uint64_t number = atomic_load(&tracking->number);
    char run_id[REDIS_RUN_ID_SIZE];
    if (redis_sameness_lasts(tracking, store, known))
        return known->is_same;
    /* Where it cannot be asked, it cannot be read from either, which will say why. */
    if (redis_connection_begin(connection, NULL) || redis_run_id(connection, run_id, NULL))
        return false;
    known->connection = redis_connection_number(connection);
    known->tracking = number;
    known->is_same = is_run(tracking, run_id);
    if (known->is_same)
        return true;
    atomic_store(&tracking->is_doubted, true);
    if (known->given_up_for != number)
        redis_connection_give_up(connection);
    known->given_up_for = number;
    return false;
}

uint64_t redis_tracking_losses(const struct redis_tracking *tracking)
{
    return counter_read(&tracking->losses);
}

void redis_tracking_stop(struct redis_tracking *tracking)
{
    if (!tracking)
        return;
    if (tracking->is_running) {
        atomic_store(&tracking->stops, true);
        pthread_join(tracking->thread, NULL);
    }
    pthread_mutex_destroy(&tracking->mutex);
    arena_release(&tracking->scratch);
    arena_release(&tracking->arena);
    free(tracking);
}
