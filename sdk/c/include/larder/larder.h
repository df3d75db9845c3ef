/*
 * larder.h - the C client of Larder: fetch features for inference over gRPC.
 *
 *     struct larder_error err;
 *     larder_client *client;
 *     if (larder_connect("127.0.0.1:6566", NULL, &client, &err) != LARDER_OK)
 *         return complain(err.message);
 *
 *     larder_request *request = larder_request_new();
 *     larder_request_service(request, "delay_model");
 *     larder_request_add_string(request, "origin", "JFK");      -- one entity: one value a join key
 *     larder_response *response;
 *     if (larder_get_features(client, request, 50, &response, &err) == LARDER_OK) {
 *         double wind;
 *         if (larder_response_double(response, 0, larder_response_find(response, "wind"), &wind)
 *             == LARDER_PRESENT)
 *             ...
 *         larder_response_free(response);
 *     }
 *     larder_request_free(request);
 *     larder_close(client);
 *
 * Rows are entities, columns are features; both count from 0. Text is UTF-8 ending in NUL unless a
 * size is given. Times are microseconds since 1970 UTC.
 *
 * Threads: a client may be used by many threads at once; a request or a response by one at a time.
 * Memory: what has _new or comes out of larder_get_features has a _free, which accepts NULL. Pointers
 * into a response live as long as it does. When memory runs out a call returns LARDER_NO_MEMORY, and
 * the process goes on: building a request keeps the error, and larder_get_features returns it.
 */
#ifndef LARDER_LARDER_H
#define LARDER_LARDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define LARDER_API __attribute__((visibility("default")))
#else
#define LARDER_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* What came of a call, and what the caller can do about it. */
typedef enum larder_result {
    LARDER_OK = 0,
    LARDER_INVALID_ARGUMENT = 1,   /* the request is wrong: correct it */
    LARDER_NOT_FOUND = 2,          /* no such feature service, view or feature */
    LARDER_UNAVAILABLE = 3,        /* the server or its store is away: try again */
    LARDER_DEADLINE_EXCEEDED = 4,  /* no answer within the timeout */
    LARDER_RESOURCE_EXHAUSTED = 5, /* the server is at a limit, or the request is too large */
    LARDER_NO_MEMORY = 6,          /* this process is out of memory */
    LARDER_FAILED = 7,             /* anything else */
} larder_result;

struct larder_error {
    larder_result result;
    char message[1024];
};

/* What is known of one value. */
typedef enum larder_status {
    LARDER_PRESENT = 1,
    LARDER_NULL_VALUE = 2,      /* the entity has a row, and the value is null */
    LARDER_STATUS_NOT_FOUND = 3,/* the entity has no row, or the row lacks the feature */
    LARDER_OUTSIDE_MAX_AGE = 4, /* older than the view's ttl: withheld */
    LARDER_WRONG_TYPE = -1,     /* the column holds another type than the function reads */
    LARDER_NO_SUCH_VALUE = -2,  /* there is no such row or column */
} larder_status;

typedef enum larder_type {
    LARDER_TYPE_BOOL = 1,
    LARDER_TYPE_INT32 = 2,
    LARDER_TYPE_INT64 = 3,
    LARDER_TYPE_FLOAT = 4,  /* float32 in definitions */
    LARDER_TYPE_DOUBLE = 5, /* float64 in definitions */
    LARDER_TYPE_STRING = 6,
    LARDER_TYPE_BYTES = 7,
    LARDER_TYPE_TIMESTAMP = 8,
    LARDER_TYPE_LIST = 0x10, /* a bit: LARDER_TYPE_LIST | LARDER_TYPE_INT64 is list<int64> */
} larder_type;

typedef struct larder_client larder_client;
typedef struct larder_request larder_request;
typedef struct larder_response larder_response;

LARDER_API const char *larder_version(void);
LARDER_API const char *larder_result_name(larder_result result); /* "UNAVAILABLE" */
LARDER_API const char *larder_status_name(larder_status status); /* "PRESENT" */

/* Zero or NULL options mean the defaults. */
typedef struct larder_options {
    size_t max_message_bytes; /* of an answer; default 64 MiB */
} larder_options;

/* target: host:port. Does not wait for the server: the first call does, within its timeout. */
LARDER_API larder_result larder_connect(const char *target, const larder_options *options,
                                        larder_client **client, struct larder_error *err);
LARDER_API void larder_close(larder_client *client); /* when no call is running; accepts NULL */

/* Requests: what is asked for, then one value for each join key of each entity. */
LARDER_API larder_request *larder_request_new(void); /* NULL without memory */
LARDER_API void larder_request_free(larder_request *request);
LARDER_API void larder_request_clear(larder_request *request); /* for use again, memory kept */
LARDER_API void larder_request_service(larder_request *request, const char *feature_service);
LARDER_API void larder_request_feature(larder_request *request, const char *reference); /* view:feature; add one by one */
LARDER_API void larder_request_full_names(larder_request *request, bool full_names);
LARDER_API void larder_request_event_times(larder_request *request, bool with_event_times);
/* Each appends one entity's value to the column of that join key. */
LARDER_API void larder_request_add_int(larder_request *request, const char *join_key, int64_t value);
LARDER_API void larder_request_add_string(larder_request *request, const char *join_key,
                                          const char *value);
LARDER_API void larder_request_add_bytes(larder_request *request, const char *join_key,
                                         const void *data, size_t size);
LARDER_API void larder_request_add_bool(larder_request *request, const char *join_key, bool value);
LARDER_API void larder_request_add_timestamp(larder_request *request, const char *join_key,
                                             int64_t us);
LARDER_API void larder_request_add_null(larder_request *request, const char *join_key);

/* Asks and waits, at most timeout_ms. *response is the caller's to free, and NULL on an error. */
LARDER_API larder_result larder_get_features(larder_client *client, const larder_request *request,
                                             int timeout_ms, larder_response **response,
                                             struct larder_error *err);
LARDER_API void larder_response_free(larder_response *response);

/* Its shape. */
LARDER_API size_t larder_response_rows(const larder_response *response);
LARDER_API size_t larder_response_columns(const larder_response *response);
LARDER_API const char *larder_response_name(const larder_response *response, size_t column); /* NULL: none */
LARDER_API int larder_response_find(const larder_response *response, const char *name); /* -1: none */
LARDER_API int larder_response_type(const larder_response *response, size_t column); /* larder_type; 0: none */
LARDER_API uint64_t larder_response_definitions_version(const larder_response *response);

/* One value. Each returns its status, and writes *value only if that is LARDER_PRESENT. A column of -1
 * (larder_response_find) is LARDER_NO_SUCH_VALUE. Integers of either width read by larder_response_int. */
LARDER_API larder_status larder_response_status(const larder_response *response, size_t row, int column);
LARDER_API larder_status larder_response_double(const larder_response *response, size_t row, int column,
                                                double *value); /* floats, too */
LARDER_API larder_status larder_response_int(const larder_response *response, size_t row, int column,
                                             int64_t *value);
LARDER_API larder_status larder_response_bool(const larder_response *response, size_t row, int column,
                                              bool *value);
LARDER_API larder_status larder_response_timestamp(const larder_response *response, size_t row,
                                                   int column, int64_t *us);
/* Strings and bytes: data is not ended by NUL. */
LARDER_API larder_status larder_response_bytes(const larder_response *response, size_t row, int column,
                                               const void **data, size_t *size);

/* Lists: how many elements, then each by index, by the same rules. */
LARDER_API larder_status larder_response_list_size(const larder_response *response, size_t row,
                                                   int column, size_t *count);
LARDER_API larder_status larder_response_list_double(const larder_response *response, size_t row,
                                                     int column, size_t index, double *value);
LARDER_API larder_status larder_response_list_int(const larder_response *response, size_t row,
                                                  int column, size_t index, int64_t *value);
LARDER_API larder_status larder_response_list_bool(const larder_response *response, size_t row,
                                                   int column, size_t index, bool *value);
LARDER_API larder_status larder_response_list_timestamp(const larder_response *response, size_t row,
                                                        int column, size_t index, int64_t *us);
LARDER_API larder_status larder_response_list_bytes(const larder_response *response, size_t row,
                                                    int column, size_t index, const void **data,
                                                    size_t *size);

/* When the row behind a value became true; false if it was not asked for, or there is no row. */
LARDER_API bool larder_response_event_time(const larder_response *response, size_t row, int column,
                                           int64_t *us);

#ifdef __cplusplus
}
#endif

#endif
