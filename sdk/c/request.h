/*
 * request.h - a request on its way out. Callers of the library see it through larder.h and fill it
 * (request.c); client.c has it packed (request_pack.c).
 *
 * Values stand in arrays as protobuf-c wants them, so that packing copies none.
 */
#ifndef LARDER_SDK_REQUEST_H
#define LARDER_SDK_REQUEST_H

#include "sdk/c/include/larder/larder.h"
#include "sdk/c/pool.h"

#include <stdint.h>

enum value_kind { KIND_UNKNOWN, KIND_INT, KIND_STRING, KIND_BYTES, KIND_BOOL, KIND_TIMESTAMP };

/* Grows, and is kept for the next request. */
struct array {
    void *items;
    size_t capacity; /* in bytes */
};

struct key_column {
    const char *name;
    enum value_kind kind; /* KIND_UNKNOWN: only nulls so far, and no values */
    size_t row_count, null_count;
    struct array values;    /* one a row */
    struct array null_rows; /* uint32_t */
};

struct larder_request {
    struct larder_error error; /* the first one; nothing is added behind it */
    struct larder_pool texts;  /* names, strings and bytes */
    const char *service;       /* NULL: references */
    bool full_names, with_event_times;
    size_t reference_count, column_count;
    size_t slot_count;       /* columns that have had arrays: column_count of them are in use */
    struct array references; /* char * */
    struct array columns;    /* struct key_column */
};

static inline struct key_column *request_column(const struct larder_request *request, size_t index)
{
    return (struct key_column *)request->columns.items + index;
}

/* The error that building the request kept, or what else makes it unfit to send; request may be
 * NULL. */
enum larder_result larder_request_check(const struct larder_request *request,
                                        struct larder_error *err);

/* How many entities it asks for. */
size_t larder_request_row_count(const struct larder_request *request);

/* The bytes of a larder.v1.GetFeaturesRequest; *bytes is the caller's to free(). The request must
 * have passed larder_request_check. NO_MEMORY, RESOURCE_EXHAUSTED. */
enum larder_result larder_request_pack(const struct larder_request *request, uint8_t **bytes,
                                       size_t *size, struct larder_error *err);

#endif
