/* request_pack.c - a request as the bytes of a larder.v1.GetFeaturesRequest; see request.h. */
#include "sdk/c/request.h"

#include "larder/v1/feature_service.pb-c.h"
#include "sdk/c/result.h"

#include <stdlib.h>

enum { MESSAGE_SIZE_MAX = 1 << 30 }; /* far beyond any server's limit, within the wire's 32 bits */

/* One column on its way out. */
union wire_values {
    Larder__V1__Int64Values ints;
    Larder__V1__StringValues strings;
    Larder__V1__BytesValues bytes;
    Larder__V1__BoolValues bools;
    Larder__V1__TimestampValues timestamps;
};

/* Points wire and its values at what the column holds. */
static void lay_out(const struct key_column *column, union wire_values *values,
                    Larder__V1__EntityColumn *wire)
{
    larder__v1__entity_column__init(wire);
    wire->name = (char *)column->name;
    wire->n_null_rows = column->null_count;
    wire->null_rows = column->null_rows.items;
    void *items = column->values.items;
    size_t count = column->row_count;
    switch (column->kind) {
    case KIND_UNKNOWN: /* only nulls: no values, as many rows as nulls */
        break;
    case KIND_INT:
        wire->values_case = LARDER__V1__ENTITY_COLUMN__VALUES_INT64_VALUES;
        larder__v1__int64_values__init(wire->int64_values = &values->ints);
        values->ints.n_values = count;
        values->ints.values = items;
        break;
    case KIND_STRING:
        wire->values_case = LARDER__V1__ENTITY_COLUMN__VALUES_STRING_VALUES;
        larder__v1__string_values__init(wire->string_values = &values->strings);
        values->strings.n_values = count;
        values->strings.values = items;
        break;
    case KIND_BYTES:
        wire->values_case = LARDER__V1__ENTITY_COLUMN__VALUES_BYTES_VALUES;
        larder__v1__bytes_values__init(wire->bytes_values = &values->bytes);
        values->bytes.n_values = count;
        values->bytes.values = items;
        break;
    case KIND_BOOL:
        wire->values_case = LARDER__V1__ENTITY_COLUMN__VALUES_BOOL_VALUES;
        larder__v1__bool_values__init(wire->bool_values = &values->bools);
        values->bools.n_values = count;
        values->bools.values = items;
        break;
    case KIND_TIMESTAMP:
        wire->values_case = LARDER__V1__ENTITY_COLUMN__VALUES_TIMESTAMP_VALUES;
        larder__v1__timestamp_values__init(wire->timestamp_values = &values->timestamps);
        values->timestamps.n_values_us = count;
        values->timestamps.values_us = items;
        break;
    }
}

static bool lay_out_columns(const struct larder_request *request, struct larder_pool *pool,
                            Larder__V1__GetFeaturesRequest *wire)
{
    size_t count = request->column_count;
    union wire_values *values = larder_pool_array(pool, count, sizeof *values);
    Larder__V1__EntityColumn *columns = larder_pool_array(pool, count, sizeof *columns);
    wire->entities = larder_pool_array(pool, count, sizeof *wire->entities);
    if (pool->exhausted)
        return false;
    for (size_t i = 0; i < count; i++) {
        lay_out(request_column(request, i), &values[i], &columns[i]);
        wire->entities[i] = &columns[i];
    }
    wire->n_entities = count;
    return true;
}

static enum larder_result pack(const Larder__V1__GetFeaturesRequest *wire, uint8_t **bytes,
                               size_t *size, struct larder_error *err)
{
    *size = larder__v1__get_features_request__get_packed_size(wire);
    if (*size > MESSAGE_SIZE_MAX)
        return larder_fail(err, LARDER_RESOURCE_EXHAUSTED, "a request of %zu bytes is too large",
                           *size);
    *bytes = malloc(*size);
    if (!*bytes)
        return larder_fail(err, LARDER_NO_MEMORY, "no memory for a request of %zu bytes", *size);
    larder__v1__get_features_request__pack(wire, *bytes);
    return LARDER_OK;
}

enum larder_result larder_request_pack(const struct larder_request *request, uint8_t **bytes,
                                       size_t *size, struct larder_error *err)
{
    Larder__V1__GetFeaturesRequest wire = LARDER__V1__GET_FEATURES_REQUEST__INIT;
    Larder__V1__FeatureList references = LARDER__V1__FEATURE_LIST__INIT;
    struct larder_pool pool = {0};
    wire.full_feature_names = request->full_names;
    wire.with_event_times = request->with_event_times;
    if (request->service) {
        wire.what_case = LARDER__V1__GET_FEATURES_REQUEST__WHAT_FEATURE_SERVICE;
        wire.feature_service = (char *)request->service;
    } else {
        references.n_references = request->reference_count;
        references.references = request->references.items;
        wire.what_case = LARDER__V1__GET_FEATURES_REQUEST__WHAT_FEATURES;
        wire.features = &references;
    }
    enum larder_result result =
        lay_out_columns(request, &pool, &wire)
            ? pack(&wire, bytes, size, err)
            : larder_fail(err, LARDER_NO_MEMORY, "no memory to send the request");
    larder_pool_release(&pool);
    return result;
}
