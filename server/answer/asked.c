/* asked.c - see asked.h. */
#include "server/answer/asked.h"

#include "server/answer/query.h"
#include "server/answer/wire.h"

/* Field numbers of both contracts. */
enum {
    REQUEST_FEATURE_SERVICE = 1,
    REQUEST_FEATURES = 2,
    REQUEST_ENTITIES = 3,
    REQUEST_FULL_FEATURE_NAMES = 4,

    LIST_REFERENCES = 1,

    COLUMNS_MAX = 1000,
};

/* What is handed down while a request is walked. */
struct reading {
    const struct asked_contract *contract;
    const struct query_limits *limits;
    struct query *query;
    struct asked *asked;
    struct arena *arena;
    struct error *err;
};

static enum status not_a_message(const struct reading *reading, const char *name)
{
    return fail(reading->err, STATUS_INVALID, "the request is no valid %s", name);
}

static enum status add_reference(const struct reading *reading, struct bytes reference)
{
    struct asked *asked = reading->asked;
    if (asked->reference_count >= reading->limits->max_features)
        return fail(reading->err, STATUS_EXHAUSTED, "a request may list at most %zu features",
                    reading->limits->max_features);
    asked->references = arena_grow(reading->arena, asked->references, asked->reference_count,
                                   &asked->reference_capacity, asked->reference_count + 1,
                                   sizeof *asked->references);
    asked->references[asked->reference_count++] = reference;
    return STATUS_OK;
}

static enum status add_column(const struct reading *reading, struct bytes column)
{
    struct asked *asked = reading->asked;
    if (asked->column_count >= COLUMNS_MAX)
        return fail(reading->err, STATUS_EXHAUSTED, "a request may have at most %d entity columns",
                    COLUMNS_MAX);
    asked->columns =
        arena_grow(reading->arena, asked->columns, asked->column_count, &asked->column_capacity,
                   asked->column_count + 1, sizeof *asked->columns);
    asked->columns[asked->column_count++] = column;
    return STATUS_OK;
}

static enum status read_references(const struct reading *reading, struct bytes message)
{
    struct wire_reader reader = wire_read(message);
    struct wire_field field;
    while (wire_next(&reader, &field)) {
        if (field.number != LIST_REFERENCES || !wire_expect(&reader, &field, WIRE_BYTES))
            continue;
        enum status status = add_reference(reading, field.bytes);
        if (status)
            return status;
    }
    return reader.failed ? not_a_message(reading, reading->contract->list_name) : STATUS_OK;
}

static bool *flag_of(const struct reading *reading, uint32_t number)
{
    return number == REQUEST_FULL_FEATURE_NAMES ? &reading->asked->full_names
                                                : reading->contract->flag(reading->query, number);
}

static enum status read_field(const struct reading *reading, struct wire_reader *reader,
                              const struct wire_field *field)
{
    struct asked *asked = reading->asked;
    bool *flag = flag_of(reading, field->number);
    if (flag) {
        if (wire_expect(reader, field, WIRE_VARINT))
            *flag = field->integer != 0;
        return STATUS_OK;
    }
    if (field->number > REQUEST_ENTITIES || !wire_expect(reader, field, WIRE_BYTES))
        return STATUS_OK;
    if (field->number == REQUEST_ENTITIES)
        return add_column(reading, field->bytes);
    if (field->number == REQUEST_FEATURES) {
        asked->service = (struct bytes){0};
        return read_references(reading, field->bytes);
    }
    asked->service = field->bytes;
    asked->reference_count = 0;
    return STATUS_OK;
}

enum status asked_read(struct bytes message, const struct asked_contract *contract,
                       struct query *query, const struct query_limits *limits, struct arena *arena,
                       struct asked *asked, struct error *err)
{
    const struct reading reading = {contract, limits, query, asked, arena, err};
    struct wire_reader reader = wire_read(message);
    struct wire_field field;
    *asked = (struct asked){0};
    while (wire_next(&reader, &field)) {
        enum status status = read_field(&reading, &reader, &field);
        if (status)
            return status;
    }
    return reader.failed ? not_a_message(&reading, contract->request_name) : STATUS_OK;
}
