/* larder_v1.c - larder.v1.FeatureService/GetFeatures: proto/larder/v1/feature_service.proto. */
#include "server/api.h"

#include "base/byte_order.h"
#include "server/larder_v1_request.h"
#include "server/wire_list.h"

/* Field numbers of the contract. */
enum {
    VALUES = 1, /* in every ...Values message */

    RESPONSE_COLUMNS = 1,
    RESPONSE_VIEWS = 2,
    RESPONSE_ROW_COUNT = 3,
    RESPONSE_DEFINITIONS_VERSION = 4,

    COLUMN_NAME = 1,
    COLUMN_VIEW = 2,
    COLUMN_DOUBLE = 3,
    COLUMN_FLOAT = 4,
    COLUMN_INT64 = 5,
    COLUMN_INT32 = 6,
    COLUMN_BOOL = 7,
    COLUMN_STRING = 8,
    COLUMN_BYTES = 9,
    COLUMN_TIMESTAMP = 10,
    COLUMN_LIST = 11,
    COLUMN_STATUSES = 12,

    VIEW_NAME = 1,
    VIEW_EVENT_TIMES = 2,
};

/* One column's values, and room for them, used again for each. */
struct scratch {
    struct value *values;
    uint8_t *statuses;
    size_t count;
};

static void put_fixed(struct wire_writer *writer, const struct scratch *column, size_t width)
{
    uint8_t *at = wire_prepend(writer, column->count * width);
    if (!at)
        return;
    const struct value *values = column->values;
    for (size_t i = 0; i < column->count; i++, at += width) {
        if (width == 8)
            store_le64(at, (uint64_t)values[i].int64);
        else if (width == 4)
            store_le32(at, (uint32_t)values[i].int32);
        else
            *at = values[i].boolean;
    }
}

static void put_varints(struct wire_writer *writer, const struct scratch *column, value_type type)
{
    for (size_t i = column->count; i-- > 0;) {
        const struct value *value = &column->values[i];
        int64_t integer = type == TYPE_INT32 ? value->int32 : value->int64;
        wire_put_varint(writer, (uint64_t)integer);
    }
}

static void put_texts(struct wire_writer *writer, const struct scratch *column)
{
    for (size_t i = column->count; i-- > 0;)
        wire_put_field(writer, VALUES, column->values[i].bytes);
}

/* The fields of FeatureColumn and of ListValue, which hold the values of a type. */
static const struct {
    uint8_t column, list;
} fields_of_kind[] = {
    [TYPE_BOOL] = {COLUMN_BOOL, 5},      [TYPE_INT32] = {COLUMN_INT32, 4},
    [TYPE_INT64] = {COLUMN_INT64, 3},    [TYPE_FLOAT32] = {COLUMN_FLOAT, 2},
    [TYPE_FLOAT64] = {COLUMN_DOUBLE, 1}, [TYPE_STRING] = {COLUMN_STRING, 6},
    [TYPE_BYTES] = {COLUMN_BYTES, 7},    [TYPE_TIMESTAMP] = {COLUMN_TIMESTAMP, 8},
};

/* A list that is there is never the same as none: it has its type set even where it is empty. */
static void put_lists(struct wire_writer *writer, const struct scratch *column, value_type type)
{
    for (size_t i = column->count; i-- > 0;) {
        size_t end = writer->size;
        if (!column->values[i].is_null) {
            wire_put_list(writer, type, column->values[i].bytes, WIRE_TIMES_US);
            wire_enclose(writer, fields_of_kind[type_element(type)].list, end);
        }
        wire_enclose(writer, VALUES, end);
    }
}

static void put_values(struct wire_writer *writer, const struct scratch *column, value_type type)
{
    size_t end = writer->size;
    if (type_is_list(type)) {
        put_lists(writer, column, type);
        wire_enclose(writer, COLUMN_LIST, end);
        return;
    }
    if (type_width(type) == 0) {
        put_texts(writer, column);
    } else {
        if (type == TYPE_INT32 || type == TYPE_INT64)
            put_varints(writer, column, type);
        else
            put_fixed(writer, column, type_width(type));
        wire_enclose(writer, VALUES, end);
    }
    wire_enclose(writer, fields_of_kind[type].column, end);
}

static void put_column(struct wire_writer *writer, const struct lookup *lookup,
                       const struct plan_feature *feature, struct scratch *column)
{
    const struct query *query = lookup->query;
    size_t end = writer->size;
    size_t present_count = lookup_column(lookup, feature, column->values, column->statuses);
    if (query->with_statuses || present_count < column->count)
        wire_put_field(writer, COLUMN_STATUSES, (struct bytes){column->statuses, column->count});
    put_values(writer, column, feature->type);
    if (feature->view != 0)
        wire_put_integer(writer, COLUMN_VIEW, feature->view);
    if (!query->without_names)
        wire_put_field(writer, COLUMN_NAME, feature->name);
    wire_enclose(writer, RESPONSE_COLUMNS, end);
}

static void put_view(struct wire_writer *writer, const struct lookup *lookup, size_t view)
{
    const struct query *query = lookup->query;
    size_t end = writer->size;
    if (query->with_event_times) {
        uint8_t *at = wire_prepend(writer, query->row_count * 8);
        for (size_t i = 0; at && i < query->row_count; i++, at += 8)
            store_le64(at, (uint64_t)lookup_row(lookup, view, i)->event_time_us);
        wire_enclose(writer, VIEW_EVENT_TIMES, end);
    }
    if (!query->without_names)
        wire_put_field(writer, VIEW_NAME, query->plan->views[view].name);
    wire_enclose(writer, RESPONSE_VIEWS, end);
}

static void larder_v1_write(const struct lookup *lookup, struct arena *arena,
                            struct wire_writer *writer)
{
    const struct query *query = lookup->query;
    size_t count = query->row_count;
    struct scratch column = {
        .values = arena_alloc(arena, count * sizeof *column.values),
        .statuses = arena_alloc(arena, count),
        .count = count,
    };
    wire_put_integer(writer, RESPONSE_DEFINITIONS_VERSION, query->snapshot->catalog.version);
    wire_put_integer(writer, RESPONSE_ROW_COUNT, count);
    for (size_t i = query->plan->view_count; i-- > 0;)
        put_view(writer, lookup, i);
    for (size_t i = query->plan->feature_count; i-- > 0 && !writer->overflow;)
        put_column(writer, lookup, &query->plan->features[i], &column);
}

const struct api larder_v1_api = {
    .method = "/larder.v1.FeatureService/GetFeatures",
    .read = larder_v1_read,
    .write = larder_v1_write,
};
