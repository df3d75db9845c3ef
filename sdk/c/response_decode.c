/* response_decode.c - the bytes of a larder.v1.GetFeaturesResponse, checked; see response.h. */
#include "sdk/c/response.h"

#include "larder/v1/feature_service.pb-c.h"
#include "sdk/c/result.h"

#include <stdlib.h>

/* The messages that hold values are alike: one repeated field. Which one it is says the type. */
static const struct {
    const ProtobufCMessageDescriptor *message;
    int type;
} value_messages[] = {
    {&larder__v1__double_values__descriptor, LARDER_TYPE_FLOAT64},
    {&larder__v1__float_values__descriptor, LARDER_TYPE_FLOAT32},
    {&larder__v1__int64_values__descriptor, LARDER_TYPE_INT64},
    {&larder__v1__int32_values__descriptor, LARDER_TYPE_INT32},
    {&larder__v1__bool_values__descriptor, LARDER_TYPE_BOOL},
    {&larder__v1__string_values__descriptor, LARDER_TYPE_STRING},
    {&larder__v1__bytes_values__descriptor, LARDER_TYPE_BYTES},
    {&larder__v1__timestamp_values__descriptor, LARDER_TYPE_TIMESTAMP},
};

static struct values values_of(const ProtobufCMessage *message)
{
    const ProtobufCFieldDescriptor *field = &message->descriptor->fields[0];
    const char *start = (const char *)message;
    struct values values = {
        .count = *(const size_t *)(const void *)(start + field->quantifier_offset),
        .items = *(const void *const *)(const void *)(start + field->offset),
    };
    for (size_t i = 0; i < sizeof value_messages / sizeof *value_messages; i++)
        if (value_messages[i].message == message->descriptor)
            values.type = value_messages[i].type;
    return values;
}

/* Where in the answer we are, for messages. */
struct decoding {
    struct larder_response *response;
    const Larder__V1__GetFeaturesResponse *wire;
    size_t column;
    struct larder_error *err;
};

static enum larder_result wrong(const struct decoding *decoding, const char *what)
{
    return larder_fail(decoding->err, LARDER_FAILED,
                       "the server's answer does not add up: column %zu (%s): %s", decoding->column,
                       decoding->wire->columns[decoding->column]->name, what);
}

static enum larder_result decode_lists(const struct decoding *decoding,
                                       const Larder__V1__ListValues *wire, struct column *column)
{
    size_t row_count = decoding->response->row_count;
    if (wire->n_values != row_count)
        return wrong(decoding, "not one list a row");
    struct values *lists = larder_pool_array(&decoding->response->pool, row_count, sizeof *lists);
    if (!lists)
        return larder_fail(decoding->err, LARDER_NO_MEMORY, "no memory for the answer");
    int element = 0;
    for (size_t row = 0; row < row_count; row++) {
        const Larder__V1__ListValue *list = wire->values[row];
        if (list->values_case == LARDER__V1__LIST_VALUE__VALUES__NOT_SET)
            continue; /* an empty list, or none, as its status says */
        lists[row] = values_of((const ProtobufCMessage *)list->double_values);
        if (element && lists[row].type != element)
            return wrong(decoding, "lists of several types");
        element = lists[row].type;
    }
    column->lists = lists;
    column->type = LARDER_TYPE_LIST | element;
    return LARDER_OK;
}

static enum larder_result decode_values(const struct decoding *decoding,
                                        const Larder__V1__FeatureColumn *wire,
                                        struct column *column)
{
    if (wire->values_case == LARDER__V1__FEATURE_COLUMN__VALUES__NOT_SET)
        return wrong(decoding, "no values, or of a type that this client does not know");
    if (wire->values_case == LARDER__V1__FEATURE_COLUMN__VALUES_LIST_VALUES)
        return decode_lists(decoding, wire->list_values, column);
    column->values = values_of((const ProtobufCMessage *)wire->double_values);
    column->type = column->values.type;
    if (column->values.count != decoding->response->row_count)
        return wrong(decoding, "not one value a row");
    return LARDER_OK;
}

static enum larder_result decode_statuses(const struct decoding *decoding,
                                          const Larder__V1__FeatureColumn *wire,
                                          struct column *column)
{
    if (wire->statuses.len == 0)
        return LARDER_OK;
    if (wire->statuses.len != decoding->response->row_count)
        return wrong(decoding, "not one status a row");
    for (size_t row = 0; row < wire->statuses.len; row++)
        if (wire->statuses.data[row] < LARDER_PRESENT ||
            wire->statuses.data[row] > LARDER_OUTSIDE_MAX_AGE)
            return wrong(decoding, "a status that this client does not know");
    column->statuses = wire->statuses.data;
    return LARDER_OK;
}

static enum larder_result decode_event_times(const struct decoding *decoding,
                                             const Larder__V1__FeatureColumn *wire,
                                             struct column *column)
{
    const Larder__V1__GetFeaturesResponse *answer = decoding->wire;
    if (wire->view >= answer->n_views)
        return answer->n_views ? wrong(decoding, "of a view that is not there") : LARDER_OK;
    const Larder__V1__ViewColumn *view = answer->views[wire->view];
    if (view->n_event_times_us == 0)
        return LARDER_OK;
    if (view->n_event_times_us != decoding->response->row_count)
        return wrong(decoding, "not one event time a row");
    column->event_times_us = view->event_times_us;
    return LARDER_OK;
}

static enum larder_result decode_column(const struct decoding *decoding, struct column *column)
{
    const Larder__V1__FeatureColumn *wire = decoding->wire->columns[decoding->column];
    column->name = wire->name;
    enum larder_result result = decode_values(decoding, wire, column);
    if (result == LARDER_OK)
        result = decode_statuses(decoding, wire, column);
    if (result == LARDER_OK)
        result = decode_event_times(decoding, wire, column);
    return result;
}

static enum larder_result decode_columns(struct decoding *decoding)
{
    struct larder_response *response = decoding->response;
    const Larder__V1__GetFeaturesResponse *wire = decoding->wire;
    struct column *columns = larder_pool_array(&response->pool, wire->n_columns, sizeof *columns);
    if (!columns)
        return larder_fail(decoding->err, LARDER_NO_MEMORY, "no memory for the answer");
    for (size_t i = 0; i < wire->n_columns; i++) {
        decoding->column = i;
        enum larder_result result = decode_column(decoding, &columns[i]);
        if (result != LARDER_OK)
            return result;
    }
    response->columns = columns;
    response->column_count = wire->n_columns;
    response->definitions_version = wire->definitions_version;
    return LARDER_OK;
}

static enum larder_result decode(struct larder_response *response, const uint8_t *bytes,
                                 size_t size, struct larder_error *err)
{
    ProtobufCAllocator allocator = larder_pool_allocator(&response->pool);
    struct decoding decoding = {
        .response = response,
        .wire = larder__v1__get_features_response__unpack(&allocator, size, bytes),
        .err = err,
    };
    if (!decoding.wire && response->pool.exhausted)
        return larder_fail(err, LARDER_NO_MEMORY, "no memory for an answer of %zu bytes", size);
    if (!decoding.wire)
        return larder_fail(err, LARDER_FAILED, "the server's answer is not a GetFeaturesResponse");
    if (decoding.wire->row_count != response->row_count)
        return larder_fail(err, LARDER_FAILED,
                           "the server's answer does not add up: %u rows to %zu entities",
                           decoding.wire->row_count, response->row_count);
    return decode_columns(&decoding);
}

enum larder_result larder_response_decode(const uint8_t *bytes, size_t size, size_t row_count,
                                          struct larder_response **response,
                                          struct larder_error *err)
{
    *response = NULL;
    struct larder_response *made = calloc(1, sizeof *made);
    if (!made)
        return larder_fail(err, LARDER_NO_MEMORY, "no memory for the answer");
    made->row_count = row_count;
    enum larder_result result = decode(made, bytes, size, err);
    if (result == LARDER_OK)
        *response = made;
    else
        larder_response_free(made);
    return result;
}
