/* feast_serving.c - feast.serving.ServingService/GetOnlineFeatures: what Feast's clients call.
 *
 * Columnar like larder.v1, but each value is a message of its own and so is each time: most of an
 * answer is lengths. Columns of one view have the same times, so these are encoded once and copied;
 * and where all values are there and take equally many bytes, a whole column is copied from the one
 * written before, and given its own values.
 */
#include "server/answer/api.h"

#include "base/byte_order.h"
#include "server/answer/feast_request.h"
#include "server/answer/wire_list.h"

/* Field numbers of the contract. */
enum {
    RESPONSE_METADATA = 1,
    RESPONSE_RESULTS = 2,
    RESPONSE_STATUS = 3,

    METADATA_FEATURE_NAMES = 1,
    METADATA_VIEWS = 2,

    VIEW_NAME = 1,
    VIEW_VERSION = 2,

    NAMES_VALUES = 1,

    VECTOR_VALUES = 1,
    VECTOR_STATUSES = 2,
    VECTOR_EVENT_TIMESTAMPS = 3,

    TIMESTAMP_SECONDS = 1,
    TIMESTAMP_NANOS = 2,

    VALUE_HEAD_SIZE = 3, /* of a float or double in a vector: tag and length, tag of the member */
};

static const uint8_t member_of_kind[] = {
    [TYPE_BOOL] = FEAST_BOOL,      [TYPE_INT32] = FEAST_INT32,
    [TYPE_INT64] = FEAST_INT64,    [TYPE_FLOAT32] = FEAST_FLOAT,
    [TYPE_FLOAT64] = FEAST_DOUBLE, [TYPE_STRING] = FEAST_STRING,
    [TYPE_BYTES] = FEAST_BYTES,    [TYPE_TIMESTAMP] = FEAST_UNIX_TIMESTAMP,
};

static void put_double(struct wire_writer *writer, const struct value *value)
{
    uint8_t *at = wire_prepend(writer, 9);
    if (!at)
        return;
    *at = FEAST_DOUBLE << 3 | WIRE_FIXED64;
    store_le64(at + 1, (uint64_t)value->int64);
}

static void put_float(struct wire_writer *writer, const struct value *value)
{
    uint8_t *at = wire_prepend(writer, 5);
    if (!at)
        return;
    *at = FEAST_FLOAT << 3 | WIRE_FIXED32;
    store_le32(at + 1, (uint32_t)value->int32);
}

/* The one member of a Value. */
static void put_value(struct wire_writer *writer, const struct value *value)
{
    uint32_t member = member_of_kind[type_element(value->type)];
    size_t end = writer->size;
    if (type_is_list(value->type)) {
        wire_put_list(writer, value->type, value->bytes, WIRE_TIMES_SECONDS);
        wire_enclose(writer, member + FEAST_LIST, end);
        return;
    }
    switch (value->type) {
    case TYPE_FLOAT64:
        put_double(writer, value);
        break;
    case TYPE_FLOAT32:
        put_float(writer, value);
        break;
    case TYPE_BOOL:
        wire_put_integer(writer, member, value->boolean);
        break;
    case TYPE_INT32:
        wire_put_integer(writer, member, (uint64_t)(int64_t)value->int32);
        break;
    case TYPE_INT64:
        wire_put_integer(writer, member, (uint64_t)value->int64);
        break;
    case TYPE_TIMESTAMP:
        wire_put_integer(writer, member, (uint64_t)wire_seconds(value->int64));
        break;
    default:
        wire_put_field(writer, member, value->bytes);
    }
}

/* A null says so; a value that is missing or withheld is a Value with nothing set. */
static void put_values(struct wire_writer *writer, const struct value *values,
                       const uint8_t *statuses, size_t count)
{
    for (size_t i = count; i-- > 0;) {
        size_t end = writer->size;
        if (statuses[i] == FEATURE_PRESENT)
            put_value(writer, &values[i]);
        else if (statuses[i] == FEATURE_NULL_VALUE)
            wire_put_integer(writer, FEAST_NULL, 0);
        wire_enclose(writer, VECTOR_VALUES, end);
    }
}

static void put_time(struct wire_writer *writer, int64_t us)
{
    int64_t seconds = wire_seconds(us);
    int64_t nanos = (us - seconds * 1000000) * 1000;
    size_t end = writer->size;
    if (nanos != 0)
        wire_put_integer(writer, TIMESTAMP_NANOS, (uint64_t)nanos);
    if (seconds != 0)
        wire_put_integer(writer, TIMESTAMP_SECONDS, (uint64_t)seconds);
    wire_enclose(writer, VECTOR_EVENT_TIMESTAMPS, end);
}

/* Where in what is written the times of a view stand already, counted from the end. */
struct written_times {
    size_t view;
    size_t begin, end;
};

static void put_times(struct wire_writer *writer, const struct lookup *lookup, size_t view,
                      struct written_times *written)
{
    if (written->view == view) {
        size_t size = written->end - written->begin;
        uint8_t *at = wire_prepend(writer, size);
        if (at)
            memcpy(at, writer->data + writer->capacity - written->end, size);
        return;
    }
    *written = (struct written_times){.view = view, .begin = writer->size};
    for (size_t i = lookup->query->row_count; i-- > 0;)
        put_time(writer, lookup_row(lookup, view, i)->event_time_us);
    written->end = writer->size;
}

static void put_key_column(struct wire_writer *writer, const struct query *query, size_t key)
{
    size_t end = writer->size;
    for (size_t i = query->row_count; i-- > 0;)
        put_time(writer, 0);
    uint8_t *statuses = wire_prepend(writer, query->row_count);
    if (statuses)
        memset(statuses, FEATURE_PRESENT, query->row_count);
    wire_put_varint(writer, query->row_count);
    wire_put_tag(writer, VECTOR_STATUSES, WIRE_BYTES);
    for (size_t i = query->row_count; i-- > 0;)
        wire_put_field(writer, VECTOR_VALUES, query->key_texts[key][i]);
    wire_enclose(writer, RESPONSE_RESULTS, end);
}

static void put_metadata(struct wire_writer *writer, const struct query *query)
{
    const struct plan *plan = query->plan;
    size_t metadata_end = writer->size;
    for (size_t i = query->with_versions ? plan->view_count : 0; i-- > 0;) {
        const struct plan_view *view = &plan->views[i];
        size_t end = writer->size;
        wire_put_integer(writer, VIEW_VERSION,
                         view->served->schemas[view->served->schema_count - 1].number);
        wire_put_field(writer, VIEW_NAME, view->name);
        wire_enclose(writer, METADATA_VIEWS, end);
    }
    size_t names_end = writer->size;
    for (size_t i = plan->feature_count; i-- > 0;)
        wire_put_field(writer, NAMES_VALUES, plan->features[i].name);
    for (size_t i = plan->key_count; i-- > 0;)
        wire_put_field(writer, NAMES_VALUES, plan->keys[i].name);
    wire_enclose(writer, METADATA_FEATURE_NAMES, names_end);
    wire_enclose(writer, RESPONSE_METADATA, metadata_end);
}

/* A column, and room for it, used again for each. */
struct column {
    struct value *values;
    const uint8_t **slots;
    uint8_t *statuses;
    size_t count;
};

/* Where in what is written a column stands that others may be copied from, counted from the end. */
struct written_column {
    size_t view;
    value_type type;
    size_t begin, end;
    size_t head_size; /* what stands before its values */
};

static size_t float_width(value_type type)
{
    return type == TYPE_FLOAT64 ? 8 : type == TYPE_FLOAT32 ? 4 : 0;
}

/* false: it is not like the last one. */
static bool copy_column(struct wire_writer *writer, const struct lookup *lookup,
                        const struct plan_feature *feature, const struct column *column,
                        const struct written_column *like)
{
    if (feature->view != like->view || feature->type != like->type ||
        lookup_slots(lookup, feature, column->slots, column->statuses) < column->count)
        return false;
    size_t size = like->end - like->begin, width = float_width(like->type);
    uint8_t *at = wire_prepend(writer, size);
    if (!at)
        return true;
    memcpy(at, writer->data + writer->capacity - like->end, size);
    at += like->head_size;
    for (size_t i = 0; i < column->count; i++) {
        at += VALUE_HEAD_SIZE;
        if (width == 8)
            memcpy(at, column->slots[i], 8);
        else
            memcpy(at, column->slots[i], 4);
        at += width;
    }
    return true;
}

static void put_column(struct wire_writer *writer, const struct lookup *lookup,
                       const struct plan_feature *feature, const struct column *column,
                       struct written_times *times, struct written_column *written)
{
    size_t end = writer->size;
    size_t present_count = lookup_column(lookup, feature, column->values, column->statuses);
    if (present_count < column->count)
        lookup_count_nulls(lookup, feature, column->statuses);
    put_times(writer, lookup, feature->view, times);
    wire_put_field(writer, VECTOR_STATUSES, (struct bytes){column->statuses, column->count});
    put_values(writer, column->values, column->statuses, column->count);
    size_t message_size = writer->size - end;
    wire_enclose(writer, RESPONSE_RESULTS, end);
    if (float_width(feature->type) > 0 && present_count == column->count)
        *written = (struct written_column){.view = feature->view,
                                           .type = feature->type,
                                           .begin = end,
                                           .end = writer->size,
                                           .head_size = writer->size - end - message_size};
}

static void feast_write(const struct lookup *lookup, struct arena *arena,
                        struct wire_writer *writer)
{
    const struct query *query = lookup->query;
    const struct plan *plan = query->plan;
    size_t count = query->row_count;
    struct column column = {
        .values = arena_alloc(arena, count * sizeof *column.values),
        .slots = arena_alloc(arena, count * sizeof *column.slots),
        .statuses = arena_alloc(arena, count),
        .count = count,
    };
    struct written_times times = {.view = SIZE_MAX};
    struct written_column like = {.view = SIZE_MAX};
    wire_put_integer(writer, RESPONSE_STATUS, true);
    for (size_t i = plan->feature_count; i-- > 0 && !writer->overflow;) {
        const struct plan_feature *feature = &plan->features[i];
        if (!copy_column(writer, lookup, feature, &column, &like))
            put_column(writer, lookup, feature, &column, &times, &like);
    }
    for (size_t i = plan->key_count; i-- > 0 && !writer->overflow;)
        put_key_column(writer, query, i);
    put_metadata(writer, query);
}

const struct api feast_serving_api = {
    .method = "/feast.serving.ServingService/GetOnlineFeatures",
    .read = feast_read,
    .write = feast_write,
};
