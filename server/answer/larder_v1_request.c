/* larder_v1_request.c - reads larder.v1.GetFeaturesRequest; see larder_v1_request.h. */
#include "server/answer/larder_v1_request.h"

#include "config/wording.h"
#include "server/answer/asked.h"

enum { KEYS_TOLD = 8 }; /* of those that a request could have meant, in a message */

/* Field numbers of the contract, but for those of asked.c. */
enum {
    REQUEST_WITH_STATUSES = 5,
    REQUEST_WITH_EVENT_TIMES = 6,
    REQUEST_WITHOUT_NAMES = 7,

    ENTITY_NAME = 1,
    ENTITY_INT64 = 2,
    ENTITY_STRING = 3,
    ENTITY_BYTES = 4,
    ENTITY_BOOL = 5,
    ENTITY_TIMESTAMP = 6,
    ENTITY_NULL_ROWS = 7,

    VALUES = 1, /* in every ...Values message */
};

static bool *flag_of(struct query *query, uint32_t number)
{
    switch (number) {
    case REQUEST_WITH_STATUSES:
        return &query->with_statuses;
    case REQUEST_WITH_EVENT_TIMES:
        return &query->with_event_times;
    case REQUEST_WITHOUT_NAMES:
        return &query->without_names;
    default:
        return NULL;
    }
}

static const struct asked_contract contract = {
    .request_name = "larder.v1.GetFeaturesRequest",
    .list_name = "larder.v1.FeatureList",
    .flag = flag_of,
};

static enum status not_a_column(struct error *err)
{
    return fail(err, STATUS_INVALID, "the request is no valid larder.v1.EntityColumn");
}

/* A column of values that grows as they are read. */
struct key_column {
    const struct plan_key *key;
    bool has_values; /* else every row is null, and the rows are those listed as such */
    struct value *values;
    size_t count, capacity;
    const struct query_limits *limits;
    struct arena *arena;
};

static enum status add_value(struct key_column *column, struct value value, struct error *err)
{
    enum status status = query_check_rows(column->count, column->limits, err);
    if (status)
        return status;
    column->values = arena_grow(column->arena, column->values, column->count, &column->capacity,
                                column->count + 1, sizeof value);
    column->values[column->count++] = value;
    return STATUS_OK;
}

static enum status add_integer(struct key_column *column, uint64_t integer, struct error *err)
{
    struct value value = {.type = column->key->type};
    switch (value.type) {
    case TYPE_BOOL:
        value.boolean = integer != 0;
        break;
    case TYPE_INT32:
        if ((int64_t)integer < INT32_MIN || (int64_t)integer > INT32_MAX)
            return fail(err, STATUS_INVALID, "join key %.*s: value %zu is no int32",
                        NAME_SHOWN(column->key->name), column->count);
        value.int32 = (int32_t)integer;
        break;
    default:
        value.int64 = (int64_t)integer;
    }
    return add_value(column, value, err);
}

/* The field of EntityColumn that holds keys of a type. */
static uint32_t entity_field_of(value_type type)
{
    switch (type) {
    case TYPE_INT32:
    case TYPE_INT64:
        return ENTITY_INT64;
    case TYPE_STRING:
        return ENTITY_STRING;
    case TYPE_BYTES:
        return ENTITY_BYTES;
    case TYPE_BOOL:
        return ENTITY_BOOL;
    default:
        return ENTITY_TIMESTAMP;
    }
}

/* One field of a ...Values message: a string, or numbers packed or alone. */
static enum status read_values_field(struct wire_reader *reader, const struct wire_field *field,
                                     struct key_column *column, struct error *err)
{
    value_type type = column->key->type;
    if (type_width(type) == 0) {
        if (!wire_expect(reader, field, WIRE_BYTES))
            return STATUS_OK;
        return add_value(column, (struct value){.type = type, .bytes = field->bytes}, err);
    }
    bool is_fixed = type == TYPE_TIMESTAMP;
    if (field->type != WIRE_BYTES) {
        if (!wire_expect(reader, field, is_fixed ? WIRE_FIXED64 : WIRE_VARINT))
            return STATUS_OK;
        return add_integer(column, field->integer, err);
    }
    struct wire_reader packed = wire_read(field->bytes);
    uint64_t integer;
    while (is_fixed ? wire_next_fixed64(&packed, &integer) : wire_next_varint(&packed, &integer)) {
        enum status status = add_integer(column, integer, err);
        if (status)
            return status;
    }
    reader->failed |= packed.failed;
    return STATUS_OK;
}

static enum status read_values(struct bytes message, struct key_column *column, struct error *err)
{
    struct wire_reader reader = wire_read(message);
    struct wire_field field;
    while (wire_next(&reader, &field)) {
        if (field.number != VALUES)
            continue;
        enum status status = read_values_field(&reader, &field, column, err);
        if (status)
            return status;
    }
    return reader.failed ? not_a_column(err) : STATUS_OK;
}

/* Of a column without values the rows come to be as they are named, in any order. Those that are
 * not named stand in it as if they had values, which check_value sees. */
static enum status set_null(struct key_column *column, uint64_t row, struct error *err)
{
    enum status status = query_check_rows(row, column->limits, err);
    if (!status && column->has_values && row >= column->count)
        return fail(err, STATUS_INVALID, "join key %.*s: null row %llu of %zu rows",
                    NAME_SHOWN(column->key->name), (unsigned long long)row, column->count);
    while (!status && column->count <= row)
        status = add_value(column, (struct value){.type = column->key->type}, err);
    if (!status)
        column->values[row] = value_null(column->key->type);
    return status;
}

static enum status read_null_rows(struct wire_reader *reader, const struct wire_field *field,
                                  struct key_column *column, struct error *err)
{
    if (field->type != WIRE_BYTES)
        return wire_expect(reader, field, WIRE_VARINT) ? set_null(column, field->integer, err)
                                                       : STATUS_OK;
    struct wire_reader packed = wire_read(field->bytes);
    uint64_t row;
    while (wire_next_varint(&packed, &row)) {
        enum status status = set_null(column, row, err);
        if (status)
            return status;
    }
    reader->failed |= packed.failed;
    return STATUS_OK;
}

/* What a column says before its values are read. */
struct column_head {
    struct bytes name;
    uint32_t values_in;  /* which field holds the values; 0: none */
    struct bytes values; /* the message from where that field begins to count */
};

/* Of different members of the oneof the last counts, and all that came before it is as if it had
 * not. */
static enum status read_column_head(struct bytes message, struct column_head *head,
                                    struct error *err)
{
    struct wire_reader reader = wire_read(message);
    struct wire_field field;
    *head = (struct column_head){.name = {"", 0}};
    for (const uint8_t *begin = reader.at; wire_next(&reader, &field); begin = reader.at) {
        if (field.number == ENTITY_NAME && wire_expect(&reader, &field, WIRE_BYTES))
            head->name = field.bytes;
        if (field.number < ENTITY_INT64 || field.number > ENTITY_TIMESTAMP ||
            !wire_expect(&reader, &field, WIRE_BYTES) || field.number == head->values_in)
            continue;
        head->values_in = field.number;
        head->values = (struct bytes){begin, (size_t)(reader.end - begin)};
    }
    return reader.failed ? not_a_column(err) : STATUS_OK;
}

static enum status check_value(const struct key_column *column, size_t row, struct error *err)
{
    if (column->has_values)
        return query_check_value(column->key, &column->values[row], row, err);
    return fail(err, STATUS_INVALID, "join key %.*s: row %zu is not null, and has no value",
                NAME_SHOWN(column->key->name), row);
}

/* Values first, whichever comes first in the message: nulls are then set among them. */
static enum status read_column_values(struct bytes message, const struct column_head *head,
                                      struct key_column *column, struct error *err)
{
    enum status status = STATUS_OK;
    struct wire_field field;
    struct wire_reader reader = wire_read(head->values);
    while (!status && wire_next(&reader, &field))
        if (field.number == head->values_in)
            status = read_values(field.bytes, column, err);
    reader = wire_read(message);
    while (!status && wire_next(&reader, &field))
        if (field.number == ENTITY_NULL_ROWS)
            status = read_null_rows(&reader, &field, column, err);
    for (size_t i = 0; !status && i < column->count; i++)
        if (!column->values[i].is_null)
            status = check_value(column, i, err);
    if (!status && reader.failed)
        status = not_a_column(err);
    return status;
}

static enum status unknown_key(const struct query *query, struct bytes name, struct arena *arena,
                               struct error *err)
{
    const struct plan *plan = query->plan;
    const char *known[KEYS_TOLD], *names = "";
    size_t count = plan->key_count < KEYS_TOLD ? plan->key_count : KEYS_TOLD;
    for (size_t i = 0; i < count; i++) {
        known[i] = arena_text_of(arena, plan->keys[i].name);
        names = arena_printf(arena, "%s%s%s", names, i ? ", " : "", known[i]);
    }
    const char *near =
        did_you_mean(arena, arena_printf(arena, "%.*s", NAME_SHOWN(name)), known, count);
    return fail(err, STATUS_INVALID,
                "no feature that is asked for has the join key \"%.*s\"; they have %s%s%s",
                NAME_SHOWN(name), names, plan->key_count > KEYS_TOLD ? ", ..." : "", near);
}

static enum status read_column(struct bytes message, struct query *query, size_t *row_counts,
                               const struct query_limits *limits, struct arena *arena,
                               struct error *err)
{
    struct column_head head;
    enum status status = read_column_head(message, &head, err);
    if (status)
        return status;
    struct bytes name = head.name;
    int index = query_find_key(query, name);
    if (index < 0)
        return unknown_key(query, name, arena, err);
    const struct plan_key *key = &query->plan->keys[index];
    if (query->keys[index])
        return fail(err, STATUS_INVALID, "join key %.*s is given twice", NAME_SHOWN(name));
    if (head.values_in && head.values_in != entity_field_of(key->type))
        return fail(err, STATUS_INVALID, "join key %.*s is %s, but the request's values are not",
                    NAME_SHOWN(name), type_name(key->type));
    struct key_column column = {
        .key = key, .has_values = head.values_in != 0, .limits = limits, .arena = arena};
    column.values = arena_grow(arena, NULL, 0, &column.capacity, 1, sizeof *column.values);
    status = read_column_values(message, &head, &column, err);
    query->keys[index] = column.values;
    row_counts[index] = column.count;
    return status ? status : query_check_memory(query, arena, err);
}

enum status larder_v1_read(struct bytes message, const struct snapshot *snapshot,
                           const struct query_limits *limits, struct arena *arena,
                           struct query *query, struct error *err)
{
    struct asked asked;
    query_begin(query, limits, arena);
    enum status status = asked_read(message, &contract, query, limits, arena, &asked, err);
    if (!status)
        status = query_plan(query, snapshot, &asked, limits, arena, err);
    if (status)
        return status;
    size_t *row_counts = arena_array(arena, query->plan->key_count, sizeof *row_counts);
    for (size_t i = 0; !status && i < asked.column_count; i++)
        status = read_column(asked.columns[i], query, row_counts, limits, arena, err);
    return status ? status : query_check_columns(query, row_counts, limits, err);
}
