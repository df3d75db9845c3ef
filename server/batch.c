/* batch.c - see batch.h. */
#include "server/batch.h"

#include <assert.h>

enum { ARENA_KEEP_BYTES = 4 * 1024 * 1024 };

void batch_init(struct batch *batch, const struct query_limits *limits)
{
    memset(batch, 0, sizeof *batch);
    batch->limits = *limits;
    arena_init(&batch->arena, ARENA_KEEP_BYTES);
    buffer_init(&batch->keys.encoded, 0);
}

void batch_release(struct batch *batch)
{
    buffer_release(&batch->keys.encoded);
    arena_release(&batch->arena);
}

void batch_begin(struct batch *batch, const struct snapshot *snapshot, int64_t now_us)
{
    arena_reset(&batch->arena);
    batch->snapshot = snapshot;
    batch->now_us = now_us;
    batch->count = 0;
    batch->keys.keys = NULL;
    batch->keys.count = 0;
    batch->keys.capacity = 0;
    batch->rows = NULL;
}

bool batch_has_room(const struct batch *batch)
{
    return batch->count < BATCH_REQUESTS_MAX && batch->keys.count < BATCH_KEYS_ENOUGH;
}

static void set_failure(struct batch *batch, struct batch_request *request, enum status status,
                        const struct error *err)
{
    request->status = status;
    request->message = arena_text(&batch->arena, err->message);
}

void batch_add(struct batch *batch, const struct api *api, struct bytes message)
{
    assert(batch_has_room(batch));
    struct error err;
    struct batch_request *request = &batch->requests[batch->count++];
    request->api = api;
    request->status = STATUS_OK;
    request->message = NULL;
    enum status status =
        api->read(message, batch->snapshot, &batch->limits, &batch->arena, &request->query, &err);
    if (status)
        set_failure(batch, request, status, &err);
    else
        lookup_begin(&request->lookup, &request->query, &batch->keys, &batch->arena);
}

void batch_read(struct batch *batch, struct online_store *store)
{
    size_t count = batch->keys.count;
    batch->rows = arena_array(&batch->arena, count, sizeof *batch->rows);
    if (count == 0)
        return;
    struct error err;
    enum status status =
        online_store_read(store, batch->keys.keys, count, &batch->arena, batch->rows, &err);
    for (size_t i = 0; status && i < batch->count; i++)
        if (!batch->requests[i].status)
            set_failure(batch, &batch->requests[i], status, &err);
}

enum status batch_answer(struct batch *batch, size_t number, struct wire_writer *writer,
                         bool *needs_definitions, struct error *err)
{
    assert(number < batch->count);
    struct batch_request *request = &batch->requests[number];
    *needs_definitions = false;
    wire_writer_clear(writer);
    if (request->status)
        return fail(err, request->status, "%s", request->message);
    enum status status =
        lookup_finish(&request->lookup, batch->rows, batch->now_us, &batch->arena, err);
    *needs_definitions = request->lookup.needs_definitions;
    if (status)
        return status;
    request->api->write(&request->lookup, &batch->arena, writer);
    if (writer->overflow)
        return fail(err, STATUS_EXHAUSTED,
                    "the answer is larger than %zu bytes: ask for fewer entities or features",
                    writer->max_size);
    return STATUS_OK;
}
