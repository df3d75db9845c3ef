/* larder_v1.c - larder.v1.FeatureService/GetFeatures: proto/larder/v1/feature_service.proto. */
#include "server/answer/api.h"

#include "base/byte_order.h"
#include "server/answer/larder_v1_request.h"
#include "server/answer/wire_list.h"

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
    const uint8_t **slots; /* of a type whose bytes are the same in a row and on the wire */
    uint8_t *statuses;
    size_t count;
};

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
        put_varints(writer, column, type);
        wire_enclose(writer, VALUES, end);
    }
    wire_enclose(writer, fields_of_kind[type].column, end);
}

static void store_slots(uint8_t *at, const struct scratch *column, size_t width)
{
    static const uint8_t nothing[8];
    for (size_t i = 0; i < column->count; i++) {
        const uint8_t *slot = column->slots[i] ? column->slots[i] : nothing;
        if (width == 8)
            memcpy(at + 8 * i, slot, 8);
        else if (width == 4)
            memcpy(at + 4 * i, slot, 4);
        else
            at[i] = *slot;
    }
}

/* All that stands before the statuses, whose sizes are known before anything is written: most
 * columns of most answers. `end` is where the column ends. */
static void put_slots(struct wire_writer *writer, const struct query *query,
                      const struct plan_feature *feature, const struct scratch *column, size_t end)
{
    size_t width = type_width(feature->type);
    size_t values_size = column->count * width;
    size_t kind_size = wire_head_size(values_size) + values_size;
    size_t size = wire_head_size(kind_size) + kind_size;
    if (feature->view != 0)
        size += 1 + wire_varint_size(feature->view);
    if (!query->without_names)
        size += wire_head_size(feature->name.size) + feature->name.size;
    size_t column_size = size + writer->size - end;
    uint8_t *at = wire_prepend(writer, wire_head_size(column_size) + size);
    if (!at)
        return;
    at = wire_store_head(at, RESPONSE_COLUMNS, column_size);
    if (!query->without_names) {
        at = wire_store_head(at, COLUMN_NAME, feature->name.size);
        memcpy(at, feature->name.data, feature->name.size);
        at += feature->name.size;
    }
    if (feature->view != 0) {
        *at++ = COLUMN_VIEW << 3 | WIRE_VARINT;
        at = wire_store_varint(at, feature->view);
    }
    at = wire_store_head(at, fields_of_kind[feature->type].column, kind_size);
    at = wire_store_head(at, VALUES, values_size);
    store_slots(at, column, width);
}

static bool is_alike_on_the_wire(value_type type)
{
    return type_width(type) != 0 && type != TYPE_INT32 && type != TYPE_INT64;
}

static void put_column(struct wire_writer *writer, const struct lookup *lookup,
                       const struct plan_feature *feature, struct scratch *column)
{
    const struct query *query = lookup->query;
    size_t end = writer->size;
    bool is_alike = is_alike_on_the_wire(feature->type);
    size_t present_count = is_alike
                               ? lookup_slots(lookup, feature, column->slots, column->statuses)
                               : lookup_column(lookup, feature, column->values, column->statuses);
    if (present_count < column->count)
        lookup_count_nulls(lookup, feature, column->statuses);
    if (query->with_statuses || present_count < column->count)
        wire_put_field(writer, COLUMN_STATUSES, (struct bytes){column->statuses, column->count});
    if (is_alike) {
        put_slots(writer, query, feature, column, end);
        return;
    }
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
        .slots = arena_alloc(arena, count * sizeof *column.slots),
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
