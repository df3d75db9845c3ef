/*
 * row_writer.c - see row_writer.h.
 *
 * `filling` belongs to the caller, `writing` to the thread; they swap under the mutex when the
 * thread is idle. A batch goes to the store in one call: the more it has at once, the better it can
 * arrange them.
 */
#include "materializer/row_writer.h"

#include <pthread.h>
#include <stdlib.h>

enum writer_state { WRITER_IDLE, WRITER_BUSY, WRITER_STOPPED };

struct row_writer {
    struct online_store *store;
    struct row_batch batches[2];
    struct row_batch *filling, *writing;
    struct row_writer_counts counts;
    enum row_outcome *outcomes; /* of one batch */

    pthread_t thread;
    pthread_mutex_t mutex; /* guards all below */
    pthread_cond_t changed;
    enum writer_state state;
    bool has_failed;
    struct error error;
};

/* Also of a write that failed: what it had done until then is done. */
static void count_outcomes(struct row_writer *writer, size_t count)
{
    uint64_t written = 0, unknown = 0;
    for (size_t i = 0; i < count; i++) {
        written += writer->outcomes[i] == ROW_WRITTEN;
        unknown += writer->outcomes[i] == ROW_UNKNOWN;
    }
    counter_add(&writer->counts.written, written);
    counter_add(&writer->counts.older, count - written - unknown);
}

static enum status write_batch(struct row_writer *writer, const struct row_batch *batch,
                               struct error *err)
{
    enum status status = online_store_write(writer->store, batch->writes, batch->count, NULL, 0,
                                            writer->outcomes, err);
    count_outcomes(writer, batch->count);
    if (!status)
        counter_add(&writer->counts.superseded, batch->superseded);
    return status;
}

static void *write_batches(void *argument)
{
    struct row_writer *writer = argument;
    pthread_mutex_lock(&writer->mutex);
    for (;;) {
        while (writer->state == WRITER_IDLE)
            pthread_cond_wait(&writer->changed, &writer->mutex);
        if (writer->state == WRITER_STOPPED)
            break;
        pthread_mutex_unlock(&writer->mutex);
        struct error err = {0};
        enum status status = write_batch(writer, writer->writing, &err);
        row_batch_clear(writer->writing);
        pthread_mutex_lock(&writer->mutex);
        if (status) {
            writer->has_failed = true;
            writer->error = err;
        }
        if (writer->state == WRITER_BUSY)
            writer->state = WRITER_IDLE;
        pthread_cond_broadcast(&writer->changed);
    }
    pthread_mutex_unlock(&writer->mutex);
    return NULL;
}

struct row_writer *row_writer_open(struct online_store *store, size_t batch_rows,
                                   size_t batch_bytes)
{
    struct row_writer *writer = calloc(1, sizeof *writer);
    if (!writer)
        out_of_memory();
    writer->store = store;
    writer->outcomes = malloc(batch_rows * sizeof *writer->outcomes);
    if (!writer->outcomes)
        out_of_memory();
    for (size_t i = 0; i < COUNT_OF(writer->batches); i++)
        row_batch_init(&writer->batches[i], batch_rows, batch_bytes);
    writer->filling = &writer->batches[0];
    writer->writing = &writer->batches[1];
    pthread_mutex_init(&writer->mutex, NULL);
    pthread_cond_init(&writer->changed, NULL);
    if (pthread_create(&writer->thread, NULL, write_batches, writer))
        out_of_memory();
    return writer;
}

/* Waits until the thread has nothing to do; false if writing has failed. Called with the mutex
 * held. */
static bool wait_until_idle(struct row_writer *writer)
{
    while (writer->state == WRITER_BUSY)
        pthread_cond_wait(&writer->changed, &writer->mutex);
    return !writer->has_failed;
}

static bool hand_over(struct row_writer *writer)
{
    pthread_mutex_lock(&writer->mutex);
    bool good = wait_until_idle(writer);
    if (good) {
        struct row_batch *full = writer->filling;
        writer->filling = writer->writing;
        writer->writing = full;
        writer->state = WRITER_BUSY;
        pthread_cond_broadcast(&writer->changed);
    }
    pthread_mutex_unlock(&writer->mutex);
    return good;
}

bool row_writer_put(struct row_writer *writer, struct bytes key, struct bytes row,
                    int64_t expires_at_us)
{
    if (row_batch_is_full(writer->filling) && !hand_over(writer))
        return false;
    row_batch_put(writer->filling, key, row, expires_at_us);
    return true;
}

enum status row_writer_finish(struct row_writer *writer, struct error *err)
{
    bool good = hand_over(writer);
    pthread_mutex_lock(&writer->mutex);
    good = wait_until_idle(writer) && good;
    if (!good && err)
        *err = writer->error;
    enum status status = good ? STATUS_OK : writer->error.status;
    pthread_mutex_unlock(&writer->mutex);
    return status;
}

const struct row_writer_counts *row_writer_counts(const struct row_writer *writer)
{
    return &writer->counts;
}

void row_writer_close(struct row_writer *writer)
{
    if (!writer)
        return;
    pthread_mutex_lock(&writer->mutex);
    wait_until_idle(writer);
    writer->state = WRITER_STOPPED;
    pthread_cond_broadcast(&writer->changed);
    pthread_mutex_unlock(&writer->mutex);
    pthread_join(writer->thread, NULL);
    pthread_cond_destroy(&writer->changed);
    pthread_mutex_destroy(&writer->mutex);
    for (size_t i = 0; i < COUNT_OF(writer->batches); i++)
        row_batch_release(&writer->batches[i]);
    free(writer->outcomes);
    free(writer);
}
