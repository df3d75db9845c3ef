/*
 * fuzz_copy.c - any bytes as a COPY BINARY stream of any columns.
 *
 * The first byte says how the stream is cut, the second how many columns there are, then two bytes
 * a column: what it is sent as, and what it is wanted as. The rest is the stream. Whatever comes
 * out must be a value that a row may hold, and the same however the stream is cut.
 */
#include "base/timestamp.h"
#include "store/offline/copy_decode.h"
#include "store/offline/copy_reader.h"

#include <stdint.h>
#include <stdlib.h>

enum { COLUMNS_MAX = 8 };

static const uint32_t oids[] = {
    PG_TYPE_BOOL,   PG_TYPE_BYTEA, PG_TYPE_INT8,      PG_TYPE_INT2,    PG_TYPE_INT4,   PG_TYPE_TEXT,
    PG_TYPE_FLOAT4, PG_TYPE_DATE,  PG_TYPE_TIMESTAMP, PG_TYPE_NUMERIC, PG_TYPE_FLOAT8,
};

struct columns {
    struct copy_column items[COLUMNS_MAX];
    size_t count;
};

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void check_value(const struct value *value, const struct copy_column *column,
                        enum copy_misfit misfit, struct bytes field)
{
    must(value->type == column->type);
    must(value->is_null == (misfit != COPY_FITS || !field.data));
    must(*copy_misfit_text(misfit) != '\0');
    if (value->is_null)
        return;
    if (type_is_list(value->type))
        must(list_is_valid(value->type, value->bytes));
    else if (value->type == TYPE_STRING)
        must(text_is_valid(value->bytes));
    else if (value->type == TYPE_TIMESTAMP)
        must(timestamp_in_range(value->int64));
}

/* Decodes a tuple; what came of it goes into the digest. */
static bool read_tuple(const struct columns *columns, const struct bytes *fields,
                       struct arena *arena, uint64_t *digest)
{
    for (size_t i = 0; i < columns->count; i++) {
        struct value value;
        enum copy_misfit misfit;
        arena_reset(arena);
        if (copy_decode(&columns->items[i], fields[i], arena, &value, &misfit, NULL))
            return false;
        check_value(&value, &columns->items[i], misfit, fields[i]);
        *digest = *digest * 31 + (uint64_t)misfit;
        if (!value.is_null && type_width(value.type) == 0)
            *digest = *digest * 31 + value.bytes.size;
        else if (!value.is_null && type_width(value.type) == 8)
            *digest = *digest * 31 + (uint64_t)value.int64;
    }
    return true;
}

/* What came of the stream, in one number; pieces are copied so that their ends are watched. */
static uint64_t read_stream(const struct columns *columns, struct bytes stream, size_t piece_size)
{
    struct copy_reader reader;
    struct arena arena;
    struct bytes fields[COLUMNS_MAX];
    uint64_t digest = 0;
    bool good = true;
    arena_init(&arena, 0);
    copy_reader_init(&reader, columns->count);
    for (size_t at = 0; at < stream.size && good; at += piece_size) {
        size_t size = stream.size - at < piece_size ? stream.size - at : piece_size;
        uint8_t *piece = malloc(size);
        enum copy_step step = COPY_TUPLE;
        must(piece != NULL);
        memcpy(piece, (const uint8_t *)stream.data + at, size);
        good = !copy_reader_feed(&reader, (struct bytes){piece, size}, NULL);
        while (good && step == COPY_TUPLE) {
            good = !copy_reader_next(&reader, fields, &step, NULL);
            if (good && step == COPY_TUPLE)
                good = read_tuple(columns, fields, &arena, &digest);
        }
        must(!good || step != COPY_END || reader.ended);
        free(piece);
    }
    digest = digest * 4 + (good ? 1 : 0) + (reader.ended ? 2 : 0);
    copy_reader_release(&reader);
    arena_release(&arena);
    return digest;
}

static bool take_columns(struct columns *columns, const uint8_t *data, size_t size, size_t *used)
{
    columns->count = 1 + data[1] % COLUMNS_MAX;
    *used = 2 + 2 * columns->count;
    if (size < *used)
        return false;
    for (size_t i = 0; i < columns->count; i++) {
        uint32_t oid = oids[data[2 + 2 * i] % COUNT_OF(oids)];
        value_type type = data[3 + 2 * i];
        if (!type_is_valid(type) || !copy_column_init(&columns->items[i], oid, type))
            return false;
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct columns columns;
    size_t used;
    if (size < 2 || !take_columns(&columns, data, size, &used))
        return 0;
    struct bytes stream = {data + used, size - used};
    uint64_t whole = read_stream(&columns, stream, SIZE_MAX / 2);
    must(whole == read_stream(&columns, stream, 1 + data[0] % 64));
    return 0;
}
