/* history_readers.c - see history_readers.h. */
#include "training/history_readers.h"

#include <assert.h>
#include <pthread.h>
#include <unistd.h>

struct reader {
    struct offline_stream *stream;
    size_t number;
    history_taker *take;
    void *context;
    pthread_t thread;
    bool has_thread;
    enum status status;
    struct error err;
};

size_t history_reader_count(void)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return cores < 1 ? 1 : cores > HISTORY_READERS_MAX ? HISTORY_READERS_MAX : (size_t)cores;
}

static enum status read_all(struct reader *reader, struct error *err)
{
    const struct streamed_row *row;
    for (;;) {
        enum status status = offline_stream_next(reader->stream, reader->number, &row, err);
        if (!status && row)
            status = reader->take(reader->context, reader->number, row, err);
        if (status || !row)
            return status;
    }
}

/* Who fails ends the others, too: their rows are of no use. */
static void *run(void *argument)
{
    struct reader *reader = argument;
    reader->status = read_all(reader, &reader->err);
    if (reader->status)
        offline_stream_stop(reader->stream);
    return NULL;
}

/* The first to fail was not cancelled, unless somebody wants all to stop. */
static enum status outcome(const struct reader *readers, size_t count, struct error *err)
{
    const struct reader *failed = NULL;
    for (size_t i = 0; i < count; i++)
        if (readers[i].status && (!failed || failed->status == STATUS_CANCELLED))
            failed = &readers[i];
    if (!failed)
        return STATUS_OK;
    if (err)
        *err = failed->err;
    return failed->status;
}

enum status history_read(struct offline_stream *stream, history_taker *take, void *context,
                         struct error *err)
{
    struct reader readers[HISTORY_READERS_MAX];
    size_t count = offline_stream_reader_count(stream);
    assert(count <= HISTORY_READERS_MAX);
    for (size_t i = 0; i < count; i++)
        readers[i] =
            (struct reader){.stream = stream, .number = i, .take = take, .context = context};
    for (size_t i = 1; i < count; i++)
        readers[i].has_thread = pthread_create(&readers[i].thread, NULL, run, &readers[i]) == 0;
    for (size_t i = 0; i < count; i++)
        if (!readers[i].has_thread)
            run(&readers[i]);
    for (size_t i = 0; i < count; i++)
        if (readers[i].has_thread)
            pthread_join(readers[i].thread, NULL);
    return outcome(readers, count, err);
}
