/* postgres_asks.c - see postgres_asks.h. */
#include "store/offline/postgres_asks.h"

#include "base/byte_order.h"
#include "base/timestamp.h"
#include "store/offline/copy_decode.h"

#include <stdlib.h>

enum { ROWS_FIRST = 64, NULL_SIZE = -1 };

/* Oids of the types that asks come as, and of their arrays; PostgreSQL never changes them. */
static const struct ask_type {
    const char *name;
    uint32_t oid, array_oid;
} ask_types[] = {
    [TYPE_BOOL] = {"boolean", PG_TYPE_BOOL, 1000},
    [TYPE_INT32] = {"integer", PG_TYPE_INT4, 1007},
    [TYPE_INT64] = {"bigint", PG_TYPE_INT8, 1016},
    [TYPE_STRING] = {"text", PG_TYPE_TEXT, 1009},
    [TYPE_BYTES] = {"bytea", PG_TYPE_BYTEA, 1001},
    [TYPE_TIMESTAMP] = {"timestamptz", PG_TYPE_TIMESTAMPTZ, 1185},
};

static void *resized(void *array, size_t count, size_t size)
{
    void *memory = realloc(array, count * size + 1);
    if (!memory)
        out_of_memory();
    return memory;
}

void postgres_asks_init(struct postgres_asks *asks, const struct selection *selection)
{
    *asks = (struct postgres_asks){.selection = selection};
    arena_init(&asks->arena, 0);
    asks->columns = resized(NULL, 1 + selection->key_count, sizeof *asks->columns);
    for (size_t i = 0; i < 1 + selection->key_count; i++)
        buffer_init(&asks->columns[i], 0);
}

void postgres_asks_release(struct postgres_asks *asks)
{
    if (!asks->selection)
        return;
    for (size_t i = 0; i < 1 + asks->selection->key_count; i++)
        buffer_release(&asks->columns[i]);
    free(asks->columns);
    free(asks->times);
    free(asks->keys);
    arena_release(&asks->arena);
    *asks = (struct postgres_asks){0};
}

/* Taking -------------------------------------------------------------------------------------- */

static void add(struct postgres_asks *asks, const struct value *keys, int64_t at_us)
{
    size_t key_count = asks->selection->key_count;
    if (asks->count == asks->capacity) {
        asks->capacity = asks->capacity ? 2 * asks->capacity : ROWS_FIRST;
        asks->times = resized(asks->times, asks->capacity, sizeof *asks->times);
        asks->keys = resized(asks->keys, asks->capacity * key_count, sizeof *asks->keys);
    }
    struct value *held = &asks->keys[asks->count * key_count];
    for (size_t i = 0; i < key_count; i++) {
        held[i] = keys[i];
        if (!keys[i].is_null && type_width(keys[i].type) == 0)
            held[i].bytes = arena_bytes(&asks->arena, keys[i].bytes);
    }
    asks->times[asks->count++] = at_us;
}

enum status postgres_asks_take(struct postgres_asks *asks, const struct join_asks *from,
                               size_t most, struct error *err)
{
    asks->count = 0;
    arena_reset(&asks->arena);
    while (asks->count < most) {
        const struct value *keys;
        int64_t at_us;
        enum status status = from->next(from->context, &keys, &at_us, err);
        if (status || !keys)
            return status;
        add(asks, keys, at_us);
    }
    return STATUS_OK;
}

const struct value *postgres_asks_keys(const struct postgres_asks *asks, size_t row)
{
    return &asks->keys[row * asks->selection->key_count];
}

/* The table they are ------------------------------------------------------------------------- */

void postgres_append_asks(const struct selection *selection, struct buffer *sql)
{
    buffer_append_text(sql, "unnest($1::timestamptz[]");
    for (size_t i = 0; i < selection->key_count; i++)
        buffer_printf(sql, ", $%zu::%s[]", i + 2, ask_types[selection->keys[i].type].name);
    buffer_append_text(sql, ") WITH ORDINALITY AS asks(at");
    for (size_t i = 0; i < selection->key_count; i++)
        buffer_printf(sql, ", k%zu", i);
    buffer_append_text(sql, ", n)");
}

void postgres_append_no_ask(const struct selection *selection, struct buffer *sql)
{
    buffer_append_text(sql, "(SELECT now() AS at");
    for (size_t i = 0; i < selection->key_count; i++)
        buffer_printf(sql, ", NULL::%s AS k%zu", ask_types[selection->keys[i].type].name, i);
    buffer_append_text(sql, " OFFSET 0) AS asks");
}

/* Sending ------------------------------------------------------------------------------------- */

static void append_be32(struct buffer *column, uint32_t number)
{
    uint8_t raw[4];
    store_be32(raw, number);
    buffer_append(column, raw, sizeof raw);
}

static void append_be64(struct buffer *column, int64_t number)
{
    uint8_t raw[8];
    store_be64(raw, (uint64_t)number);
    append_be32(column, sizeof raw);
    buffer_append(column, raw, sizeof raw);
}

/* An array as PostgreSQL sends and takes it: dimensions, whether there are nulls, the elements'
 * type; length and first index of the one dimension; then the elements. */
static void begin_array(const struct postgres_asks *asks, uint32_t oid, struct buffer *column)
{
    buffer_clear(column);
    append_be32(column, 1);
    append_be32(column, 1);
    append_be32(column, oid);
    append_be32(column, (uint32_t)asks->count);
    append_be32(column, 1);
}

static void append_key(struct buffer *column, value_type type, const struct value *key)
{
    if (key->is_null) {
        append_be32(column, (uint32_t)NULL_SIZE);
    } else if (type == TYPE_BOOL) {
        append_be32(column, 1);
        buffer_append_byte(column, key->boolean);
    } else if (type == TYPE_INT32) {
        append_be32(column, 4);
        append_be32(column, (uint32_t)key->int32);
    } else if (type == TYPE_INT64) {
        append_be64(column, key->int64);
    } else if (type == TYPE_TIMESTAMP) {
        append_be64(column, key->int64 - TIMESTAMP_POSTGRES_EPOCH_US);
    } else {
        append_be32(column, (uint32_t)key->bytes.size);
        buffer_append(column, key->bytes.data, key->bytes.size);
    }
}

static void write_columns(struct postgres_asks *asks)
{
    const struct selection *selection = asks->selection;
    begin_array(asks, PG_TYPE_TIMESTAMPTZ, &asks->columns[0]);
    for (size_t row = 0; row < asks->count; row++)
        append_be64(&asks->columns[0], asks->times[row] - TIMESTAMP_POSTGRES_EPOCH_US);
    for (size_t i = 0; i < selection->key_count; i++) {
        value_type type = selection->keys[i].type;
        begin_array(asks, ask_types[type].oid, &asks->columns[1 + i]);
        for (size_t row = 0; row < asks->count; row++)
            append_key(&asks->columns[1 + i], type, &postgres_asks_keys(asks, row)[i]);
    }
}

enum status postgres_asks_prepare(const struct selection *selection, PGconn *connection,
                                  const char *doing, const char *sql, struct error *err)
{
    Oid *types = resized(NULL, 1 + selection->key_count, sizeof *types);
    types[0] = ask_types[TYPE_TIMESTAMP].array_oid;
    for (size_t i = 0; i < selection->key_count; i++)
        types[1 + i] = ask_types[selection->keys[i].type].array_oid;
    PGresult *result = PQprepare(connection, "", sql, (int)(1 + selection->key_count), types);
    enum status status = PQresultStatus(result) == PGRES_COMMAND_OK
                             ? STATUS_OK
                             : postgres_fail(connection, result, doing, err);
    PQclear(result);
    free(types);
    return status;
}

enum status postgres_asks_send(struct postgres_asks *asks, PGconn *connection, const char *doing,
                               struct error *err)
{
    enum { BINARY = 1 };
    size_t count = 1 + asks->selection->key_count;
    const char **values = resized(NULL, count, sizeof *values);
    int *sizes = resized(NULL, count, sizeof *sizes), *formats = resized(NULL, count, sizeof(int));
    write_columns(asks);
    for (size_t i = 0; i < count; i++) {
        values[i] = (const char *)asks->columns[i].data;
        sizes[i] = (int)asks->columns[i].size;
        formats[i] = BINARY;
    }
    int sent = PQsendQueryPrepared(connection, "", (int)count, values, sizes, formats, BINARY);
    free(values);
    free(sizes);
    free(formats);
    return sent ? STATUS_OK : postgres_fail(connection, NULL, doing, err);
}
