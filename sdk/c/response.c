/*
 * response.c - what callers read of an answer. It was checked when it was decoded, so that all
 * that is left to doubt here is the caller's row, column and type.
 */
#include "sdk/c/response.h"

#include <stdlib.h>
#include <string.h>

enum {
    BOOLS = 1u << LARDER_TYPE_BOOL,
    INTS = 1u << LARDER_TYPE_INT32 | 1u << LARDER_TYPE_INT64,
    FLOATS = 1u << LARDER_TYPE_FLOAT32 | 1u << LARDER_TYPE_FLOAT64,
    TIMESTAMPS = 1u << LARDER_TYPE_TIMESTAMP,
    TEXTS = 1u << LARDER_TYPE_STRING | 1u << LARDER_TYPE_BYTES,
};

void larder_response_free(struct larder_response *response)
{
    if (!response)
        return;
    larder_pool_release(&response->pool);
    free(response);
}

size_t larder_response_row_count(const struct larder_response *response)
{
    return response->row_count;
}

size_t larder_response_column_count(const struct larder_response *response)
{
    return response->column_count;
}

size_t larder_response_find(const struct larder_response *response, const char *name)
{
    for (size_t i = 0; i < response->column_count; i++)
        if (strcmp(response->columns[i].name, name) == 0)
            return i;
    return LARDER_NO_COLUMN;
}

const char *larder_response_name(const struct larder_response *response, size_t column)
{
    return column < response->column_count ? response->columns[column].name : NULL;
}

int larder_response_type(const struct larder_response *response, size_t column)
{
    return column < response->column_count ? response->columns[column].type : 0;
}

uint64_t larder_response_definitions_version(const struct larder_response *response)
{
    return response->definitions_version;
}

static const struct column *column_at(const struct larder_response *response, size_t row,
                                      size_t column)
{
    bool there = row < response->row_count && column < response->column_count;
    return there ? &response->columns[column] : NULL;
}

static enum larder_status status_at(const struct column *column, size_t row)
{
    return column->statuses ? (enum larder_status)column->statuses[row] : LARDER_PRESENT;
}

enum larder_status larder_response_status(const struct larder_response *response, size_t row,
                                          size_t column)
{
    const struct column *found = column_at(response, row, column);
    return found ? status_at(found, row) : LARDER_NO_SUCH_VALUE;
}

bool larder_response_event_time(const struct larder_response *response, size_t row, size_t column,
                                int64_t *us)
{
    const struct column *found = column_at(response, row, column);
    if (!found || !found->event_times_us)
        return false;
    int64_t event_time_us = found->event_times_us[row];
    if (event_time_us == 0 && status_at(found, row) == LARDER_NOT_FOUND)
        return false; /* 0 stands for no row; it is a time only where there is one */
    *us = event_time_us;
    return true;
}

/* The place of a value that is no list; types are the bits of those that the caller reads. */
static enum larder_status find_value(const struct larder_response *response, size_t row,
                                     size_t column, unsigned types, const struct values **values)
{
    const struct column *found = column_at(response, row, column);
    if (!found)
        return LARDER_NO_SUCH_VALUE;
    if (found->lists || !(types >> found->type & 1))
        return LARDER_WRONG_TYPE;
    *values = &found->values;
    return status_at(found, row);
}

/* The list of one row. Where no row holds any, elements have no type, and any will do. */
static enum larder_status find_list(const struct larder_response *response, size_t row,
                                    size_t column, unsigned types, const struct values **values)
{
    const struct column *found = column_at(response, row, column);
    if (!found)
        return LARDER_NO_SUCH_VALUE;
    int element = found->type & ~LARDER_TYPE_LIST;
    if (!found->lists || (element && !(types >> element & 1)))
        return LARDER_WRONG_TYPE;
    *values = &found->lists[row];
    return status_at(found, row);
}

static enum larder_status find_element(const struct larder_response *response, size_t row,
                                       size_t column, size_t index, unsigned types,
                                       const struct values **values)
{
    enum larder_status status = find_list(response, row, column, types, values);
    return status == LARDER_PRESENT && index >= (*values)->count ? LARDER_NO_SUCH_VALUE : status;
}

static bool bool_at(const struct values *values, size_t index)
{
    return ((const protobuf_c_boolean *)values->items)[index];
}

static int64_t int64_at(const struct values *values, size_t index)
{
    if (values->type == LARDER_TYPE_INT32)
        return ((const int32_t *)values->items)[index];
    return ((const int64_t *)values->items)[index];
}

static double double_at(const struct values *values, size_t index)
{
    if (values->type == LARDER_TYPE_FLOAT32)
        return (double)((const float *)values->items)[index];
    return ((const double *)values->items)[index];
}

static const void *bytes_at(const struct values *values, size_t index, size_t *size)
{
    if (values->type == LARDER_TYPE_STRING) {
        const char *text = ((char *const *)values->items)[index];
        *size = strlen(text);
        return text;
    }
    const ProtobufCBinaryData *bytes = (const ProtobufCBinaryData *)values->items + index;
    *size = bytes->len;
    return bytes->len ? (const void *)bytes->data : "";
}

enum larder_status larder_response_bool(const struct larder_response *response, size_t row,
                                        size_t column, bool *value)
{
    const struct values *values;
    enum larder_status status = find_value(response, row, column, BOOLS, &values);
    if (status == LARDER_PRESENT)
        *value = bool_at(values, row);
    return status;
}

enum larder_status larder_response_int(const struct larder_response *response, size_t row,
                                       size_t column, int64_t *value)
{
    const struct values *values;
    enum larder_status status = find_value(response, row, column, INTS, &values);
    if (status == LARDER_PRESENT)
        *value = int64_at(values, row);
    return status;
}

enum larder_status larder_response_double(const struct larder_response *response, size_t row,
                                          size_t column, double *value)
{
    const struct values *values;
    enum larder_status status = find_value(response, row, column, FLOATS, &values);
    if (status == LARDER_PRESENT)
        *value = double_at(values, row);
    return status;
}

enum larder_status larder_response_timestamp(const struct larder_response *response, size_t row,
                                             size_t column, int64_t *us)
{
    const struct values *values;
    enum larder_status status = find_value(response, row, column, TIMESTAMPS, &values);
    if (status == LARDER_PRESENT)
        *us = int64_at(values, row);
    return status;
}

enum larder_status larder_response_bytes(const struct larder_response *response, size_t row,
                                         size_t column, const void **data, size_t *size)
{
    const struct values *values;
    enum larder_status status = find_value(response, row, column, TEXTS, &values);
    if (status == LARDER_PRESENT)
        *data = bytes_at(values, row, size);
    return status;
}

enum larder_status larder_response_list_size(const struct larder_response *response, size_t row,
                                             size_t column, size_t *count)
{
    const struct values *values;
    enum larder_status status = find_list(response, row, column, ~0u, &values);
    if (status == LARDER_PRESENT)
        *count = values->count;
    return status;
}

enum larder_status larder_response_list_bool(const struct larder_response *response, size_t row,
                                             size_t column, size_t index, bool *value)
{
    const struct values *values;
    enum larder_status status = find_element(response, row, column, index, BOOLS, &values);
    if (status == LARDER_PRESENT)
        *value = bool_at(values, index);
    return status;
}

enum larder_status larder_response_list_int(const struct larder_response *response, size_t row,
                                            size_t column, size_t index, int64_t *value)
{
    const struct values *values;
    enum larder_status status = find_element(response, row, column, index, INTS, &values);
    if (status == LARDER_PRESENT)
        *value = int64_at(values, index);
    return status;
}

enum larder_status larder_response_list_double(const struct larder_response *response, size_t row,
                                               size_t column, size_t index, double *value)
{
    const struct values *values;
    enum larder_status status = find_element(response, row, column, index, FLOATS, &values);
    if (status == LARDER_PRESENT)
        *value = double_at(values, index);
    return status;
}

enum larder_status larder_response_list_timestamp(const struct larder_response *response,
                                                  size_t row, size_t column, size_t index,
                                                  int64_t *us)
{
    const struct values *values;
    enum larder_status status = find_element(response, row, column, index, TIMESTAMPS, &values);
    if (status == LARDER_PRESENT)
        *us = int64_at(values, index);
    return status;
}

enum larder_status larder_response_list_bytes(const struct larder_response *response, size_t row,
                                              size_t column, size_t index, const void **data,
                                              size_t *size)
{
    const struct values *values;
    enum larder_status status = find_element(response, row, column, index, TEXTS, &values);
    if (status == LARDER_PRESENT)
        *data = bytes_at(values, index, size);
    return status;
}
