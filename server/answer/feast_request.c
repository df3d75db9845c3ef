/* feast_request.c - see feast_request.h. */
#include "server/answer/feast_request.h"

#include "server/answer/asked.h"

/* Field numbers of the contract, but for those of asked.c. */
enum {
    REQUEST_VERSION_METADATA = 6,

    LIST_VALUES = 1, /* of RepeatedValue */

    ENTRY_KEY = 1,
    ENTRY_VALUE = 2,
};

#define SECOND_US INT64_C(1000000)

static bool *flag_of(struct query *query, uint32_t number)
{
    return number == REQUEST_VERSION_METADATA ? &query->with_versions : NULL;
}

static const struct asked_contract contract = {
    .request_name = "feast.serving.GetOnlineFeaturesRequest",
    .list_name = "feast.serving.FeatureList",
    .flag = flag_of,
};

static enum status not_a_message(const char *name, struct error *err)
{
    return fail(err, STATUS_INVALID, "the request is no valid feast.%s", name);
}

/* The member of Value that holds keys of a type, and its wire type; int64 takes int32, too. */
static uint32_t member_of(value_type type)
{
    switch (type) {
    case TYPE_STRING:
        return FEAST_STRING;
    case TYPE_BYTES:
        return FEAST_BYTES;
    case TYPE_BOOL:
        return FEAST_BOOL;
    case TYPE_TIMESTAMP:
        return FEAST_UNIX_TIMESTAMP;
    default:
        return FEAST_INT64;
    }
}

static bool set_integer(struct value *value, int64_t integer)
{
    switch (value->type) {
    case TYPE_BOOL:
        value->boolean = integer != 0;
        return true;
    case TYPE_INT32:
        value->int32 = (int32_t)integer;
        return value->int32 == integer;
    case TYPE_TIMESTAMP:
        return !__builtin_mul_overflow(integer, SECOND_US, &value->int64);
    default:
        value->int64 = integer;
        return true;
    }
}

/* Sets the value from one set member of Value; false if it does not hold this type, or not within
 * its range. */
static bool set_value(struct value *value, const struct wire_field *field)
{
    bool is_int32 = field->number == FEAST_INT32;
    uint32_t member = is_int32 ? FEAST_INT64 : field->number;
    bool is_text = type_width(value->type) == 0;
    if (field->number == FEAST_NULL) {
        *value = value_null(value->type);
        return field->type == WIRE_VARINT;
    }
    if (member != member_of(value->type) || field->type != (is_text ? WIRE_BYTES : WIRE_VARINT))
        return false;
    value->is_null = false;
    if (is_text) {
        value->bytes = field->bytes;
        return true;
    }
    return set_integer(value, is_int32 ? (int32_t)field->integer : (int64_t)field->integer);
}

static enum status read_value(struct bytes message, const struct plan_key *key, size_t row,
                              struct value *value, struct error *err)
{
    struct wire_reader reader = wire_read(message);
    struct wire_field field;
    bool fits = true;
    *value = value_null(key->type);
    /* All of it must fit, not only the last: the answer holds a copy of the whole message. */
    while (wire_next(&reader, &field))
        fits = set_value(value, &field) && fits;
    if (reader.failed)
        return not_a_message("types.Value", err);
    if (!fits)
        return fail(err, STATUS_INVALID, "join key %.*s is %s, but value %zu is not",
                    NAME_SHOWN(key->name), type_name(key->type), row);
    return value->is_null ? STATUS_OK : query_check_value(key, value, row, err);
}

/* The name of an entry of the map. */
static enum status read_entry_name(struct bytes message, struct bytes *name, struct error *err)
{
    struct wire_reader reader = wire_read(message);
    struct wire_field field;
    *name = (struct bytes){"", 0};
    while (wire_next(&reader, &field))
        if (field.number == ENTRY_KEY && wire_expect(&reader, &field, WIRE_BYTES))
            *name = field.bytes;
    return reader.failed ? not_a_message("serving.EntitiesEntry", err) : STATUS_OK;
}

/* A column of values that are still encoded. */
struct texts {
    struct bytes *texts;
    size_t count, capacity;
};

/* Adds the messages of a RepeatedValue. */
static enum status add_texts(struct texts *column, struct bytes message,
                             const struct query_limits *limits, struct arena *arena,
                             struct error *err)
{
    struct wire_reader reader = wire_read(message);
    struct wire_field field;
    while (wire_next(&reader, &field)) {
        if (field.number != LIST_VALUES || !wire_expect(&reader, &field, WIRE_BYTES))
            continue;
        enum status status = query_check_rows(column->count, limits, err);
        if (status)
            return status;
        column->texts = arena_grow(arena, column->texts, column->count, &column->capacity,
                                   column->count + 1, sizeof *column->texts);
        column->texts[column->count++] = field.bytes;
    }
    return reader.failed ? not_a_message("types.RepeatedValue", err) : STATUS_OK;
}

/* An entry that says its value more than once says one that is longer, as protobuf has it. */
static enum status read_entry_values(struct bytes message, struct texts *column,
                                     const struct query_limits *limits, struct arena *arena,
                                     struct error *err)
{
    enum status status = STATUS_OK;
    struct wire_reader reader = wire_read(message);
    struct wire_field field;
    while (!status && wire_next(&reader, &field))
        if (field.number == ENTRY_VALUE && wire_expect(&reader, &field, WIRE_BYTES))
            status = add_texts(column, field.bytes, limits, arena, err);
    if (!status && reader.failed)
        status = not_a_message("serving.EntitiesEntry", err);
    return status;
}

static enum status read_column(struct bytes message, size_t index, struct query *query,
                               size_t *row_counts, const struct query_limits *limits,
                               struct arena *arena, struct error *err)
{
    struct texts column = {0};
    enum status status = read_entry_values(message, &column, limits, arena, err);
    if (status)
        return status;
    const struct plan_key *key = &query->plan->keys[index];
    struct value *values = arena_alloc(arena, column.count * sizeof *values);
    for (size_t i = 0; !status && i < column.count; i++)
        status = read_value(column.texts[i], key, i, &values[i], err);
    query->keys[index] = values;
    query->key_texts[index] = column.texts;
    row_counts[index] = column.count;
    return status ? status : query_check_memory(query, arena, err);
}

/* The entries of the plan's keys, absent where there is none. Of several of one name the last
 * counts, and it alone is looked into: the message can hold a thousand, and each may be long. */
static enum status find_columns(const struct asked *asked, const struct query *query,
                                struct bytes *columns, struct error *err)
{
    for (size_t i = 0; i < asked->column_count; i++) {
        struct bytes name;
        enum status status = read_entry_name(asked->columns[i], &name, err);
        if (status)
            return status;
        int index = query_find_key(query, name);
        if (index >= 0)
            columns[index] = asked->columns[i];
    }
    return STATUS_OK;
}

enum status feast_read(struct bytes message, const struct snapshot *snapshot,
                       const struct query_limits *limits, struct arena *arena, struct query *query,
                       struct error *err)
{
    struct asked asked;
    query_begin(query, limits, arena);
    enum status status = asked_read(message, &contract, query, limits, arena, &asked, err);
    if (!status)
        status = query_plan(query, snapshot, &asked, limits, arena, err);
    if (status)
        return status;
    size_t key_count = query->plan->key_count;
    query->key_texts = arena_array(arena, key_count, sizeof *query->key_texts);
    size_t *row_counts = arena_array(arena, key_count, sizeof *row_counts);
    struct bytes *columns = arena_array(arena, key_count, sizeof *columns);
    status = find_columns(&asked, query, columns, err);
    for (size_t i = 0; !status && i < key_count; i++)
        if (columns[i].data)
            status = read_column(columns[i], i, query, row_counts, limits, arena, err);
    return status ? status : query_check_columns(query, row_counts, limits, err);
}
