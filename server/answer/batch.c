/* batch.c - see batch.h. */
#include "server/answer/batch.h"

#include "base/timestamp.h"
#include "server/answer/counters.h"

#include <assert.h>

/* Kept from batch to batch: enough for what 10,000 entities take. To give memory back and take it
 * again costs the kernel's time for every page, a fifth of the server's for such a request. */
enum { ARENA_KEEP_BYTES = 16 * 1024 * 1024, ROW_ARENA_KEEP_BYTES = 4 * 1024 * 1024 };

void batch_init(struct batch *batch, const struct query_limits *limits)
{
    memset(batch, 0, sizeof *batch);
    batch->limits = *limits;
    arena_init(&batch->arena, ARENA_KEEP_BYTES);
    arena_init(&batch->row_arena, ROW_ARENA_KEEP_BYTES);
    buffer_init(&batch->keys.encoded, 0);
}

void batch_release(struct batch *batch)
{
    buffer_release(&batch->keys.encoded);
    arena_release(&batch->row_arena);
    arena_release(&batch->arena);
}

void batch_begin(struct batch *batch, const struct snapshot *snapshot, int64_t now_us)
{
    arena_reset(&batch->arena);
    arena_reset(&batch->row_arena);
    batch->snapshot = snapshot;
    batch->now_us = now_us;
    batch->count = 0;
    batch->lookup_count = 0;
    batch->message_bytes = 0;
    batch->store = NULL;
    batch->keys.keys = NULL;
    batch->keys.count = 0;
    batch->keys.capacity = 0;
    batch->rows = NULL;
    batch->read_count = 0;
    batch->row_bytes = 0;
    batch->is_divided = false;
    batch->newest = NEWEST_UNASKED;
}

bool batch_has_room(const struct batch *batch)
{
    return batch->count < BATCH_REQUESTS_MAX && batch->lookup_count < BATCH_LOOKUPS_ENOUGH &&
           batch->message_bytes < BATCH_MESSAGES_ENOUGH &&
           batch->arena.used_bytes < BATCH_BYTES_ENOUGH;
}

void batch_count_message(struct batch *batch, size_t size)
{
    batch->message_bytes += size;
}

static void set_failure(struct batch *batch, struct batch_request *request, enum status status,
                        const struct error *err)
{
    request->status = status;
    request->message = arena_text(&batch->arena, err->message);
}

/* false, and nothing added: it asks for more rows than that. */
static bool add(struct batch *batch, const struct api *api, struct bytes message,
                size_t max_lookups)
{
    assert(batch_has_room(batch));
    struct error err;
    struct batch_request *request = &batch->requests[batch->count];
    struct query *query = &request->query;
    request->api = api;
    request->status = STATUS_OK;
    request->message = NULL;
    request->lookup.key_count = 0;
    batch_count_message(batch, message.size);
    enum status status =
        api->read(message, batch->snapshot, &batch->limits, &batch->arena, query, &err);
    if (!status) {
        size_t lookup_count = query->row_count * query->plan->view_count;
        if (lookup_count > max_lookups)
            return false;
        batch->lookup_count += lookup_count;
        status = lookup_begin(&request->lookup, query, &batch->keys, &batch->arena, &err);
    }
    if (status)
        set_failure(batch, request, status, &err);
    batch->count++;
    return true;
}

bool batch_add(struct batch *batch, const struct api *api, struct bytes message)
{
    return add(batch, api, message, BATCH_ALONE_LOOKUPS);
}

void batch_add_alone(struct batch *batch, const struct api *api, struct bytes message)
{
    assert(batch->count == 0);
    add(batch, api, message, SIZE_MAX);
}

static void begin_reading(struct batch *batch, struct online_store *store)
{
    batch->store = store;
    batch->rows = arena_array(&batch->arena, batch->keys.count, sizeof *batch->rows);
}

/* Rows are good until the next ones are read. */
static enum status read_rows(struct batch *batch, size_t first, size_t count, struct error *err)
{
    arena_reset(&batch->row_arena);
    batch->newest = NEWEST_UNASKED;
    int64_t began_us = batch->counters ? timestamp_monotonic_us() : 0;
    enum status status = online_store_read(batch->store, batch->keys.keys + first, count,
                                           &batch->row_arena, batch->rows + first, err);
    if (batch->counters)
        counters_add_read(batch->counters, count, timestamp_monotonic_us() - began_us,
                          status != STATUS_OK);
    /* To whom waits for rows, a store that talks no sense, or cannot be opened, is as good as away.
     * That there are too many of them is about what was asked. */
    return status && status != STATUS_EXHAUSTED ? STATUS_UNAVAILABLE : status;
}

static bool has_keys(const struct batch_request *request)
{
    return !request->status && request->lookup.key_count > 0;
}

static void fail_all_with_keys(struct batch *batch, enum status status, const struct error *err)
{
    for (size_t i = 0; i < batch->count; i++)
        if (has_keys(&batch->requests[i]))
            set_failure(batch, &batch->requests[i], status, err);
}

void batch_read(struct batch *batch, struct online_store *store)
{
    struct error err;
    begin_reading(batch, store);
    if (batch->keys.count == 0)
        return;
    enum status status = read_rows(batch, 0, batch->keys.count, &err);
    batch->is_divided = status == STATUS_EXHAUSTED;
    if (status && !batch->is_divided)
        fail_all_with_keys(batch, status, &err);
}

/* Beyond the next step. */
static enum status keep_row(struct batch *batch, size_t number, struct error *err)
{
    struct bytes *row = &batch->rows[number];
    batch->row_bytes += row->size;
    if (batch->row_bytes > ONLINE_READ_BYTES_MAX)
        return fail(err, STATUS_EXHAUSTED,
                    "the rows are larger than %d bytes: ask for fewer entities or features",
                    ONLINE_READ_BYTES_MAX);
    *row = arena_bytes(&batch->arena, *row);
    return STATUS_OK;
}

bool batch_read_step(struct batch *batch, struct online_store *store)
{
    struct error err;
    size_t first = batch->read_count, count = batch->keys.count - first;
    if (count > BATCH_STEP_KEYS)
        count = BATCH_STEP_KEYS;
    if (!batch->rows)
        begin_reading(batch, store);
    enum status status = count == 0 ? STATUS_OK : read_rows(batch, first, count, &err);
    for (size_t i = first; !status && i < first + count; i++)
        status = keep_row(batch, i, &err);
    online_store_let_go(store);
    if (status)
        fail_all_with_keys(batch, status, &err);
    batch->read_count += count;
    return status || batch->read_count == batch->keys.count;
}

/* The store holds the newest definitions, too, since before rows of older ones are removed. */
static enum newest ask_store(struct batch *batch, struct error *err)
{
    const struct catalog *catalog = &batch->snapshot->catalog;
    uint64_t identity, version;
    int64_t began_us = timestamp_monotonic_us();
    enum status status = online_store_catalog_version(batch->store, catalog->definitions.project,
                                                      &identity, &version, err);
    if (batch->counters)
        counters_add_read(batch->counters, 0, timestamp_monotonic_us() - began_us,
                          status != STATUS_OK);
    if (status)
        return NEWEST_UNKNOWN;
    /* A lower number is that of a project made anew, or of a registry put back. */
    if (identity == 0 || (identity == catalog->identity && version == catalog->version))
        return NEWEST_YES;
    fail(err, STATUS_UNAVAILABLE,
         "the definitions that are served are not those that the rows were written for: try again");
    return NEWEST_NO;
}

/* That a row is not there tells nothing where newer definitions have rows of their own, and those
 * of these may have been removed. Where it was not heard of them for long, the store is asked, once
 * for all requests of the batch. */
static enum status check_newest(struct batch *batch, bool *is_outdated, struct error *err)
{
    if (batch->newest == NEWEST_UNASKED && snapshot_is_trusted(batch->snapshot))
        batch->newest = NEWEST_YES;
    if (batch->newest == NEWEST_UNASKED) {
        struct error reason = {.message = ""};
        batch->newest = ask_store(batch, &reason);
        batch->newest_message = arena_text(&batch->arena, reason.message);
    }
    *is_outdated = batch->newest == NEWEST_NO;
    return batch->newest == NEWEST_YES ? STATUS_OK
                                       : fail(err, STATUS_UNAVAILABLE, "%s", batch->newest_message);
}

enum status batch_answer(struct batch *batch, size_t number, struct wire_writer *writer,
                         bool *needs_definitions, struct error *err)
{
    assert(number < batch->count);
    struct batch_request *request = &batch->requests[number];
    struct lookup *lookup = &request->lookup;
    enum status status = STATUS_OK;
    *needs_definitions = false;
    wire_writer_clear(writer);
    if (request->status)
        return fail(err, request->status, "%s", request->message);
    if (batch->is_divided && has_keys(request))
        status = read_rows(batch, lookup->first_key, lookup->key_count, err);
    if (!status)
        status = lookup_finish(lookup, batch->rows, batch->now_us, &batch->arena, err);
    *needs_definitions = lookup->needs_definitions;
    if (!status && lookup->lacks_rows)
        status = check_newest(batch, needs_definitions, err);
    if (status)
        return status;
    if (batch->counters)
        counters_add_rows(batch->counters, lookup, batch->now_us);
    request->api->write(lookup, &batch->arena, writer);
    if (batch->counters)
        counters_add_nulls(batch->counters, lookup);
    if (writer->overflow)
        return fail(err, STATUS_EXHAUSTED,
                    "the answer is larger than %zu bytes: ask for fewer entities or features",
                    writer->max_size);
    return STATUS_OK;
}
