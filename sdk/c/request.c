/*
 * request.c - what a caller asks for, kept as the columns that the wire wants.
 *
 * A column learns its kind from its first value that is not null; the nulls before it get their
 * places among the values then.
 */
#include "sdk/c/request.h"

#include "sdk/c/result.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    size_t size; /* of one value, as protobuf-c holds it */
} kinds[] = {
    [KIND_UNKNOWN] = {"null", 0},
    [KIND_INT] = {"int", sizeof(int64_t)},
    [KIND_STRING] = {"string", sizeof(char *)},
    [KIND_BYTES] = {"bytes", sizeof(ProtobufCBinaryData)},
    [KIND_BOOL] = {"bool", sizeof(protobuf_c_boolean)},
    [KIND_TIMESTAMP] = {"timestamp", sizeof(int64_t)},
};

static bool reserve(struct array *array, size_t count, size_t size)
{
    if (size && count > SIZE_MAX / 2 / size)
        return false;
    size_t needed = count * size;
    if (needed <= array->capacity)
        return true;
    size_t capacity = needed < 64 ? 128 : needed * 2;
    void *items = realloc(array->items, capacity);
    if (!items)
        return false;
    *array = (struct array){items, capacity};
    return true;
}

static void no_memory(struct larder_request *request)
{
    larder_fail(&request->error, LARDER_NO_MEMORY, "no memory to build the request");
}

/* Nothing is added behind an error. */
static bool takes_more(const struct larder_request *request)
{
    return request && request->error.result == LARDER_OK;
}

static char *keep_text(struct larder_request *request, const char *what, const char *text)
{
    if (!text) {
        larder_fail(&request->error, LARDER_INVALID_ARGUMENT, "%s is NULL", what);
        return NULL;
    }
    char *copy = larder_pool_text(&request->texts, text, strlen(text));
    if (!copy)
        no_memory(request);
    return copy;
}

struct larder_request *larder_request_new(void)
{
    return calloc(1, sizeof(struct larder_request));
}

void larder_request_free(struct larder_request *request)
{
    if (!request)
        return;
    for (size_t i = 0; i < request->slot_count; i++) {
        free(request_column(request, i)->values.items);
        free(request_column(request, i)->null_rows.items);
    }
    free(request->columns.items);
    free(request->references.items);
    larder_pool_release(&request->texts);
    free(request);
}

void larder_request_clear(struct larder_request *request)
{
    if (!request)
        return;
    larder_pool_clear(&request->texts);
    request->error.result = LARDER_OK;
    request->service = NULL;
    request->full_names = request->with_event_times = false;
    request->reference_count = request->column_count = 0;
}

void larder_request_service(struct larder_request *request, const char *feature_service)
{
    if (takes_more(request))
        request->service = keep_text(request, "feature_service", feature_service);
}

void larder_request_feature(struct larder_request *request, const char *reference)
{
    if (!takes_more(request))
        return;
    char *copy = keep_text(request, "reference", reference);
    if (copy && reserve(&request->references, request->reference_count + 1, sizeof copy))
        ((char **)request->references.items)[request->reference_count++] = copy;
    else if (copy)
        no_memory(request);
}

void larder_request_full_names(struct larder_request *request, bool full_names)
{
    if (request)
        request->full_names = full_names;
}

void larder_request_event_times(struct larder_request *request, bool with_event_times)
{
    if (request)
        request->with_event_times = with_event_times;
}

static struct key_column *add_column(struct larder_request *request, const char *join_key)
{
    char *name = keep_text(request, "join_key", join_key);
    if (!name)
        return NULL;
    size_t index = request->column_count;
    if (!reserve(&request->columns, index + 1, sizeof(struct key_column))) {
        no_memory(request);
        return NULL;
    }
    struct key_column *column = request_column(request, index);
    if (index == request->slot_count) {
        *column = (struct key_column){0};
        request->slot_count++;
    }
    column->name = name;
    column->kind = KIND_UNKNOWN;
    column->row_count = column->null_count = 0;
    request->column_count++;
    return column;
}

static struct key_column *find_column(struct larder_request *request, const char *join_key)
{
    for (size_t i = 0; join_key && i < request->column_count; i++)
        if (strcmp(request_column(request, i)->name, join_key) == 0)
            return request_column(request, i);
    return add_column(request, join_key);
}

static void *value_at(const struct key_column *column, size_t row)
{
    return (char *)column->values.items + row * kinds[column->kind].size;
}

/* Nulls have a place among the values. Text is never NULL there: protobuf-c measures it. */
static void fill(struct key_column *column, size_t from, size_t to)
{
    static char nothing[1];
    if (from == to || column->kind == KIND_UNKNOWN)
        return;
    memset(value_at(column, from), 0, (to - from) * kinds[column->kind].size);
    for (size_t row = from; column->kind == KIND_STRING && row < to; row++)
        *(char **)value_at(column, row) = nothing;
}

/* Room for one more row, which the caller fills and counts. */
static bool reserve_row(struct larder_request *request, struct key_column *column)
{
    if (column->row_count >= UINT32_MAX) {
        larder_fail(&request->error, LARDER_RESOURCE_EXHAUSTED, "more entities than 32 bits count");
        return false;
    }
    if (reserve(&column->values, column->row_count + 1, kinds[column->kind].size))
        return true;
    no_memory(request);
    return false;
}

/* Where the next value of that kind goes; NULL after an error. */
static void *add_value(struct larder_request *request, const char *join_key, enum value_kind kind)
{
    struct key_column *column = takes_more(request) ? find_column(request, join_key) : NULL;
    if (!column)
        return NULL;
    bool first = column->kind == KIND_UNKNOWN;
    if (!first && column->kind != kind) {
        larder_fail(&request->error, LARDER_INVALID_ARGUMENT,
                    "join key %s: %s added to a column of %s", column->name, kinds[kind].name,
                    kinds[column->kind].name);
        return NULL;
    }
    column->kind = kind;
    if (!reserve_row(request, column))
        return NULL;
    if (first)
        fill(column, 0, column->row_count);
    return value_at(column, column->row_count++);
}

void larder_request_add_int(struct larder_request *request, const char *join_key, int64_t value)
{
    int64_t *place = add_value(request, join_key, KIND_INT);
    if (place)
        *place = value;
}

void larder_request_add_timestamp(struct larder_request *request, const char *join_key, int64_t us)
{
    int64_t *place = add_value(request, join_key, KIND_TIMESTAMP);
    if (place)
        *place = us;
}

void larder_request_add_bool(struct larder_request *request, const char *join_key, bool value)
{
    protobuf_c_boolean *place = add_value(request, join_key, KIND_BOOL);
    if (place)
        *place = value;
}

void larder_request_add_string(struct larder_request *request, const char *join_key,
                               const char *value)
{
    char *copy = takes_more(request) ? keep_text(request, "value", value) : NULL;
    char **place = copy ? add_value(request, join_key, KIND_STRING) : NULL;
    if (place)
        *place = copy;
}

void larder_request_add_bytes(struct larder_request *request, const char *join_key,
                              const void *data, size_t size)
{
    if (!takes_more(request))
        return;
    if (!data && size) {
        larder_fail(&request->error, LARDER_INVALID_ARGUMENT, "data is NULL");
        return;
    }
    char *copy = size < SIZE_MAX ? larder_pool_text(&request->texts, data, size) : NULL;
    if (!copy) {
        no_memory(request);
        return;
    }
    ProtobufCBinaryData *place = add_value(request, join_key, KIND_BYTES);
    if (place)
        *place = (ProtobufCBinaryData){size, (uint8_t *)copy};
}

void larder_request_add_null(struct larder_request *request, const char *join_key)
{
    struct key_column *column = takes_more(request) ? find_column(request, join_key) : NULL;
    if (!column || !reserve_row(request, column))
        return;
    if (!reserve(&column->null_rows, column->null_count + 1, sizeof(uint32_t))) {
        no_memory(request);
        return;
    }
    ((uint32_t *)column->null_rows.items)[column->null_count++] = (uint32_t)column->row_count;
    column->row_count++;
    fill(column, column->row_count - 1, column->row_count);
}

size_t larder_request_row_count(const struct larder_request *request)
{
    return request->column_count ? request_column(request, 0)->row_count : 0;
}

enum larder_result larder_request_check(const struct larder_request *request,
                                        struct larder_error *err)
{
    if (!request)
        return larder_fail(err, LARDER_NO_MEMORY, "no memory to build the request");
    if (request->error.result != LARDER_OK)
        return larder_fail(err, request->error.result, "%s", request->error.message);
    if (!request->service == !request->reference_count)
        return larder_fail(err, LARDER_INVALID_ARGUMENT,
                           "a request asks for a feature service or for features, %s",
                           request->service ? "not for both" : "and this one for neither");
    if (larder_request_row_count(request) == 0)
        return larder_fail(err, LARDER_INVALID_ARGUMENT, "the request names no entities");
    const struct key_column *first = request_column(request, 0);
    for (size_t i = 1; i < request->column_count; i++) {
        const struct key_column *column = request_column(request, i);
        if (column->row_count != first->row_count)
            return larder_fail(err, LARDER_INVALID_ARGUMENT,
                               "join key %s has %zu values, and %s has %zu", first->name,
                               first->row_count, column->name, column->row_count);
    }
    return LARDER_OK;
}
