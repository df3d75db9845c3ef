/*
 * response.h - an answer on its way in. client.c has it decoded (response_decode.c), which checks
 * it as a whole; callers of the library then read it by index through larder.h (response.c).
 */
#ifndef LARDER_SDK_RESPONSE_H
#define LARDER_SDK_RESPONSE_H

#include "sdk/c/include/larder/larder.h"
#include "sdk/c/pool.h"

#include <stdint.h>

/* Values of one type, as protobuf-c holds them: a column of them, or the list of one row. */
struct values {
    int type; /* larder_type without LARDER_TYPE_LIST; 0: no values at all */
    size_t count;
    const void *items;
};

/* Whatever is one a row has row_count of them. */
struct column {
    const char *name;
    int type;                      /* larder_type */
    struct values values;          /* one a row; of a column of lists: none */
    const struct values *lists;    /* one a row; NULL: not a column of lists */
    const uint8_t *statuses;       /* one a row; NULL: all are PRESENT */
    const int64_t *event_times_us; /* one a row; NULL: nobody asked */
};

struct larder_response {
    struct larder_pool pool; /* what the columns point to */
    size_t row_count, column_count;
    const struct column *columns;
    uint64_t definitions_version;
};

/*
 * Reads the bytes of a larder.v1.GetFeaturesResponse to a request of row_count entities. Nothing in
 * them is trusted: what does not add up is FAILED, and says where. Otherwise NO_MEMORY. The bytes
 * are borrowed for the call.
 */
enum larder_result larder_response_decode(const uint8_t *bytes, size_t size, size_t row_count,
                                          struct larder_response **response,
                                          struct larder_error *err);

#endif
