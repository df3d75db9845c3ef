/*
 * larder.h - the C client of Larder: fetch features for inference over gRPC.
 *
 *     struct larder_error err;
 *     struct larder_client *client;
 *     if (larder_connect("127.0.0.1:6566", NULL, &client, &err) != LARDER_OK)
 *         return complain(err.message);
 *
 *     struct larder_request *request = larder_request_new();
 *     larder_request_service(request, "delay_model");
 *     larder_request_add_string(request, "origin", "JFK");      // one value a join key: one entity
 *     struct larder_response *response;
 *     if (larder_get_features(client, request, 50, &response, &err) != LARDER_OK)
 *         return complain(err.message);
 *
 *     double wind;
 *     size_t column = larder_response_find(response, "wind");
 *     if (larder_response_double(response, 0, column, &wind) == LARDER_PRESENT)
 *         ...
 *
 *     larder_response_free(response);
 *     larder_request_free(request);
 *     larder_close(client);
 *
 * Rows are entities, in the order they were added; columns are features, in the order of the
 * feature service or of the request. Both count from 0. Text is UTF-8 and ends in NUL unless a size
 * is given. Times are microseconds since 1970 UTC. Inputs are copied: they need to live for the
 * call alone.
 *
 * Threads: a client may be used by many threads at once; a request or a response by one at a time.
 *
 * Memory: what comes out of _new, larder_connect or larder_get_features is the caller's to give
 * back, and giving back NULL does nothing. Pointers into a response live as long as it does. When
 * this library finds no memory it returns LARDER_NO_MEMORY and the process goes on. (gRPC, which it
 * stands on, ends the process when it finds none itself.) Building a request cannot fail: the
 * request keeps the first error, larder_get_features returns it, and a request of NULL is one that
 * had no memory.
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
enum larder_result {
    LARDER_OK = 0,
    LARDER_INVALID_ARGUMENT = 1,   /* the request is wrong: correct it */
    LARDER_UNKNOWN_NAME = 2,       /* no such feature service, view or feature: name another */
    LARDER_UNAVAILABLE = 3,        /* the server or its store is away: try again */
    LARDER_DEADLINE_EXCEEDED = 4,  /* no answer within the timeout */
    LARDER_RESOURCE_EXHAUSTED = 5, /* the server is at a limit, or a message is too large */
    LARDER_NO_MEMORY = 6,          /* this process has none left */
    LARDER_FAILED = 7,             /* anything else; the message says what */
};

struct larder_error {
    enum larder_result result;
    char message[1024]; /* one line for people; cut at its end if too long */
};

/* What is known of one value. Below 0: the question is wrong, and says nothing about the value. */
enum larder_status {
    LARDER_PRESENT = 1,
    LARDER_NULL_VALUE = 2,      /* the entity has a row, and the value in it is null */
    LARDER_NOT_FOUND = 3,       /* the entity has no row, or the row lacks the feature */
    LARDER_OUTSIDE_MAX_AGE = 4, /* older than the view's ttl: withheld */
    LARDER_WRONG_TYPE = -1,     /* the column holds another type than the function reads */
    LARDER_NO_SUCH_VALUE = -2,  /* there is no such row, column or element */
};

enum larder_type {
    LARDER_TYPE_BOOL = 1,
    LARDER_TYPE_INT32 = 2,
    LARDER_TYPE_INT64 = 3,
    LARDER_TYPE_FLOAT32 = 4,
    LARDER_TYPE_FLOAT64 = 5,
    LARDER_TYPE_STRING = 6,
    LARDER_TYPE_BYTES = 7,
    LARDER_TYPE_TIMESTAMP = 8,
    LARDER_TYPE_LIST = 0x10, /* a bit: LARDER_TYPE_LIST | LARDER_TYPE_INT64 is list<int64> */
};

#define LARDER_NO_COLUMN SIZE_MAX

struct larder_client;
struct larder_request;
struct larder_response;

LARDER_API const char *larder_version(void);
LARDER_API const char *larder_result_name(enum larder_result result); /* "UNAVAILABLE" */
LARDER_API const char *larder_status_name(enum larder_status status); /* "PRESENT" */

/* The client. */

struct larder_options {
    size_t max_answer_bytes; /* 0 is the default: 64 MiB; larger answers are RESOURCE_EXHAUSTED */
};

/*
 * target is host:port; options may be NULL. Does not wait for the server, and so does not tell
 * whether it is there: calls do. A call made while the connection is being made waits for it,
 * within its timeout. Once connecting has failed, calls return LARDER_UNAVAILABLE at once, and the
 * client tries again behind them at least every second until the server is back. Proxies of the
 * environment (http_proxy) are left alone. INVALID_ARGUMENT, NO_MEMORY.
 */
LARDER_API enum larder_result larder_connect(const char *target,
                                             const struct larder_options *options,
                                             struct larder_client **client,
                                             struct larder_error *err);
/* Whether there is a connection now: after UNAVAILABLE this tells whether a server answered that
 * its store is away (true), or nobody did. */
LARDER_API bool larder_connected(struct larder_client *client);
/* Once no call of it is running. */
LARDER_API void larder_close(struct larder_client *client);

/* Whether a service of the wire is serving, as grpc.health.v1 tells it: "larder.v1.FeatureService"
 * while requests can be answered, "" while the process runs. UNKNOWN_NAME: no such service. */
LARDER_API enum larder_result larder_check_health(struct larder_client *client, const char *service,
                                                  int timeout_ms, bool *serving,
                                                  struct larder_error *err);

/* Requests. */

LARDER_API struct larder_request *larder_request_new(void);
LARDER_API void larder_request_free(struct larder_request *request);
/* Empties it for use again; its memory is kept, its error is not. */
LARDER_API void larder_request_clear(struct larder_request *request);

/* What is asked for: a feature service, or features named one by one as "view:feature". */
LARDER_API void larder_request_service(struct larder_request *request, const char *feature_service);
LARDER_API void larder_request_feature(struct larder_request *request, const char *reference);
/* Name every column view__feature instead of by the feature alone. */
LARDER_API void larder_request_full_names(struct larder_request *request, bool full_names);
/* Ask for larder_response_event_time, too. */
LARDER_API void larder_request_event_times(struct larder_request *request, bool with_event_times);

/* Each appends one entity's value to the column of that join key; all columns end equally long. A
 * key of type int32 or int64 takes an int. A null finds nothing. */
LARDER_API void larder_request_add_int(struct larder_request *request, const char *join_key,
                                       int64_t value);
LARDER_API void larder_request_add_string(struct larder_request *request, const char *join_key,
                                          const char *value);
LARDER_API void larder_request_add_bytes(struct larder_request *request, const char *join_key,
                                         const void *data, size_t size);
LARDER_API void larder_request_add_bool(struct larder_request *request, const char *join_key,
                                        bool value);
LARDER_API void larder_request_add_timestamp(struct larder_request *request, const char *join_key,
                                             int64_t us);
LARDER_API void larder_request_add_null(struct larder_request *request, const char *join_key);

/* The call. */

/* Asks, and waits at most timeout_ms (at least 1). *response is NULL unless LARDER_OK is returned;
 * it then has as many rows as the request has entities. err may be NULL. Any result. */
LARDER_API enum larder_result larder_get_features(struct larder_client *client,
                                                  const struct larder_request *request,
                                                  int timeout_ms, struct larder_response **response,
                                                  struct larder_error *err);
LARDER_API void larder_response_free(struct larder_response *response);

/* Answers. */

LARDER_API size_t larder_response_row_count(const struct larder_response *response);
LARDER_API size_t larder_response_column_count(const struct larder_response *response);
/* The column of that name, or LARDER_NO_COLUMN, which every function below takes. Compares names
 * one by one: with many rows, find once. */
LARDER_API size_t larder_response_find(const struct larder_response *response, const char *name);
/* NULL if there is no such column. */
LARDER_API const char *larder_response_name(const struct larder_response *response, size_t column);
/* A larder_type; 0 if there is no such column. A list of which no row holds any is
 * LARDER_TYPE_LIST. */
LARDER_API int larder_response_type(const struct larder_response *response, size_t column);
/* The version of the definitions that answered: it grows with every apply. */
LARDER_API uint64_t larder_response_definitions_version(const struct larder_response *response);

/* One value. Each returns its status, and writes the value only if that is LARDER_PRESENT. */
LARDER_API enum larder_status larder_response_status(const struct larder_response *response,
                                                     size_t row, size_t column);
LARDER_API enum larder_status larder_response_bool(const struct larder_response *response,
                                                   size_t row, size_t column, bool *value);
/* int32 and int64. */
LARDER_API enum larder_status larder_response_int(const struct larder_response *response,
                                                  size_t row, size_t column, int64_t *value);
/* float32 and float64. */
LARDER_API enum larder_status larder_response_double(const struct larder_response *response,
                                                     size_t row, size_t column, double *value);
LARDER_API enum larder_status larder_response_timestamp(const struct larder_response *response,
                                                        size_t row, size_t column, int64_t *us);
/* Strings and bytes. *data does not end in NUL. */
LARDER_API enum larder_status larder_response_bytes(const struct larder_response *response,
                                                    size_t row, size_t column, const void **data,
                                                    size_t *size);

/* A list: how many elements, then each of them, by the same rules. */
LARDER_API enum larder_status larder_response_list_size(const struct larder_response *response,
                                                        size_t row, size_t column, size_t *count);
LARDER_API enum larder_status larder_response_list_bool(const struct larder_response *response,
                                                        size_t row, size_t column, size_t index,
                                                        bool *value);
LARDER_API enum larder_status larder_response_list_int(const struct larder_response *response,
                                                       size_t row, size_t column, size_t index,
                                                       int64_t *value);
LARDER_API enum larder_status larder_response_list_double(const struct larder_response *response,
                                                          size_t row, size_t column, size_t index,
                                                          double *value);
LARDER_API enum larder_status larder_response_list_timestamp(const struct larder_response *response,
                                                             size_t row, size_t column,
                                                             size_t index, int64_t *us);
LARDER_API enum larder_status larder_response_list_bytes(const struct larder_response *response,
                                                         size_t row, size_t column, size_t index,
                                                         const void **data, size_t *size);

/* When the row behind a value became true; false if there is none, or nobody asked
 * (larder_request_event_times). */
LARDER_API bool larder_response_event_time(const struct larder_response *response, size_t row,
                                           size_t column, int64_t *us);

#ifdef __cplusplus
}
#endif

#endif
