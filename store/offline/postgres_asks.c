/* postgres_asks.c - see postgres_asks.h. */
#include "store/offline/postgres_asks.h"

#include "base/byte_order.h"
#include "base/timestamp.h"

const char *postgres_asks_type(value_type type)
{
    static const char *const names[] = {
        [TYPE_BOOL] = "boolean", [TYPE_INT32] = "integer", [TYPE_INT64] = "bigint",
        [TYPE_STRING] = "text",  [TYPE_BYTES] = "bytea",   [TYPE_TIMESTAMP] = "timestamptz",
    };
    return names[type];
}

static enum status make_table(struct postgres_asks *asks, struct error *err)
{
    struct buffer sql;
    buffer_init(&sql, 0);
    buffer_printf(&sql, "CREATE TEMPORARY TABLE %s (n bigint, at timestamptz", asks->table);
    for (size_t i = 0; i < asks->selection->key_count; i++)
        buffer_printf(&sql, ", k%zu %s", i, postgres_asks_type(asks->selection->keys[i].type));
    buffer_append_text(&sql, ")");
    enum status status = postgres_begin_write(asks->store, err);
    if (status)
        buffer_release(&sql);
    else
        status = postgres_query_buffer(asks->store, "CREATE TEMPORARY TABLE", &sql, NULL, err);
    return status ? fail_within(err, "making a temporary table for the rows that ask (a standby "
                                     "takes none: name the primary)")
                  : STATUS_OK;
}

enum status postgres_asks_open(struct postgres_asks *asks, struct postgres_store *store,
                               const struct selection *selection, struct arena *arena,
                               struct error *err)
{
    *asks = (struct postgres_asks){.store = store, .selection = selection};
    asks->first_us = INT64_MAX;
    asks->last_us = INT64_MIN;
    asks->table = postgres_temporary_name(store, "asks", arena);
    enum status status = make_table(asks, err);
    if (status)
        return status;
    struct buffer sql;
    buffer_init(&sql, 0);
    buffer_printf(&sql, "COPY %s FROM STDIN (FORMAT binary)", asks->table);
    status = postgres_upload_open(&asks->upload, store->connection, "sending the rows that ask",
                                  &sql, err);
    static const uint8_t header[19] = {'P', 'G', 'C', 'O', 'P', 'Y', '\n', 0xff, '\r', '\n', 0};
    buffer_append(&asks->upload.rows, header, sizeof header);
    return status;
}

static void append_field(struct buffer *rows, uint32_t size, const void *data)
{
    uint8_t raw[4];
    store_be32(raw, size);
    buffer_append(rows, raw, sizeof raw);
    buffer_append(rows, data, size);
}

static void append_field64(struct buffer *rows, int64_t number)
{
    uint8_t raw[8];
    store_be64(raw, (uint64_t)number);
    append_field(rows, sizeof raw, raw);
}

static void append_null(struct buffer *rows)
{
    static const uint8_t raw[4] = {0xff, 0xff, 0xff, 0xff};
    buffer_append(rows, raw, sizeof raw);
}

static void append_key(struct buffer *rows, value_type type, const struct value *key)
{
    uint8_t raw[4];
    if (key->is_null) {
        append_null(rows);
    } else if (type == TYPE_BOOL) {
        raw[0] = key->boolean;
        append_field(rows, 1, raw);
    } else if (type == TYPE_INT32) {
        store_be32(raw, (uint32_t)key->int32);
        append_field(rows, sizeof raw, raw);
    } else if (type == TYPE_INT64) {
        append_field64(rows, key->type == TYPE_INT32 ? key->int32 : key->int64);
    } else if (type == TYPE_TIMESTAMP) {
        append_field64(rows, key->int64 - TIMESTAMP_POSTGRES_EPOCH_US);
    } else {
        append_field(rows, (uint32_t)key->bytes.size, key->bytes.data);
    }
}

enum status postgres_asks_add(struct postgres_asks *asks, const struct value *keys, int64_t at_us,
                              struct error *err)
{
    struct buffer *rows = &asks->upload.rows;
    if (!timestamp_in_range(at_us))
        return fail(err, STATUS_INVALID, "a row asks for a time outside the years 1 to 9999");
    uint8_t field_count[2];
    store_be16(field_count, (uint16_t)(2 + asks->selection->key_count));
    buffer_append(rows, field_count, sizeof field_count);
    asks->first_us = at_us < asks->first_us ? at_us : asks->first_us;
    asks->last_us = at_us > asks->last_us ? at_us : asks->last_us;
    append_field64(rows, (int64_t)++asks->count);
    append_field64(rows, at_us - TIMESTAMP_POSTGRES_EPOCH_US);
    for (size_t i = 0; i < asks->selection->key_count; i++)
        append_key(rows, asks->selection->keys[i].type, &keys[i]);
    return postgres_upload_row(&asks->upload, err);
}

/* The index lets PostgreSQL answer in the order of asking without sorting all that it found. */
enum status postgres_asks_finish(struct postgres_asks *asks, struct error *err)
{
    static const uint8_t trailer[2] = {0xff, 0xff};
    const char *doing = "sending the rows that ask";
    buffer_append(&asks->upload.rows, trailer, sizeof trailer);
    enum status status = postgres_upload_finish(&asks->upload, NULL, err);
    struct buffer sql;
    buffer_init(&sql, 0);
    buffer_printf(&sql, "CREATE UNIQUE INDEX ON %s (n); ANALYZE %s", asks->table, asks->table);
    buffer_append_byte(&sql, 0);
    if (!status)
        status = postgres_run(asks->store->connection, doing, (const char *)sql.data, err);
    if (!status)
        status = postgres_commit(asks->store, doing, err);
    buffer_release(&sql);
    asks->is_made = !status;
    return status;
}

const char *postgres_asks_text(const struct postgres_asks *asks, const struct selected_view *view,
                               uint64_t n, struct arena *arena)
{
    size_t key_count = view->view->key_count;
    struct buffer sql;
    buffer_init(&sql, 0);
    buffer_append_text(&sql, "SELECT ");
    for (size_t i = 0; i < key_count; i++)
        buffer_printf(&sql, "left(k%u::text, 100), ", view->asked_keys[i]);
    buffer_printf(&sql, "to_char(at, 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') FROM %s WHERE n = %llu",
                  asks->table, (unsigned long long)n);
    PGresult *result = NULL;
    const char *text = "";
    if (!postgres_query_buffer(asks->store, "", &sql, &result, NULL) && PQntuples(result) == 1) {
        for (size_t i = 0; i < key_count; i++)
            text = arena_printf(arena, "%s%s=%s, ", text, view->view->keys[i].name,
                                PQgetvalue(result, 0, (int)i));
        text = arena_printf(arena, "%sasked at %s", text, PQgetvalue(result, 0, (int)key_count));
    }
    PQclear(result);
    return text;
}

void postgres_asks_close(struct postgres_asks *asks)
{
    postgres_upload_close(&asks->upload);
    if (!asks->store)
        return;
    postgres_rollback(asks->store);
    if (asks->is_made)
        postgres_drop_temporary(asks->store, asks->table);
}
