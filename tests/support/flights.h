/*
 * flights.h - the definitions that tests of the server ask for, served from rows in memory.
 *
 *     airport_weather(origin string), ttl 6h: wind float64, visibility float64, gusts int64
 *     route_delays(carrier int32, origin string): mean_delay float64, departures int64
 *     everything(id int64): one feature of each type, and a list of each
 *     hidden(origin string), online: false: secret int64
 *     delay_model: airport_weather, route_delays[mean_delay, departures], airport_weather[wind] as
 *                  dest_weather with origin taken from dest
 *     all_types: everything
 *
 * Rows are put by view and key, as of NOW_US less an age. flights_change() is the same one version
 * on: airport_weather has gained a feature `rain` in front.
 */
#ifndef LARDER_TESTS_FLIGHTS_H
#define LARDER_TESTS_FLIGHTS_H

#include "server/answer/batch.h"
#include "server/answer/snapshot.h"
#include "tests/support/memory_online_store.h"

#define NOW_US INT64_C(1700000000000000)
#define HOUR_US INT64_C(3600000000)

struct flights {
    struct arena arena;
    struct snapshot *snapshot;
    struct snapshot *next; /* NULL until flights_change */
    struct memory_online_store memory;
    struct batch batch;
    struct wire_writer writer;
    struct query_limits limits;
    /* What the last answer was. */
    enum status status;
    bool needs_definitions;
    struct error err;
};

void flights_init(struct flights *flights);
void flights_release(struct flights *flights);
/* A test's own: of a group's tests, one at a time has them. */
int flights_set_up(void **state);
int flights_tear_down(void **state);
struct snapshot *flights_change(struct flights *flights);

struct value flights_int(int64_t value);
struct value flights_int32(int32_t value);
struct value flights_double(double value);
struct value flights_text(const char *text);

/* The key of a row, as the store has it; and a row of a view under its current schema in a
 * snapshot. In the arena. */
struct bytes flights_key(struct flights *flights, const char *view, const struct value *keys,
                         size_t count);
struct bytes flights_row(struct flights *flights, const struct snapshot *snapshot, const char *view,
                         int64_t age_us, const struct value *values);
/* Both, put into the store. */
void flights_put(struct flights *flights, const char *view, const struct value *keys,
                 size_t key_count, int64_t age_us, const struct value *values);
/* One row of airport_weather. */
void flights_put_weather(struct flights *flights, const char *origin, int64_t age_us, double wind);

/* A larder.v1 request for the service `weather` and one airport of three letters. */
struct bytes flights_weather_request(struct flights *flights, const char *origin);
/* Asks alone in a batch, as of NOW_US; the answer is borrowed from the writer. */
struct bytes flights_ask(struct flights *flights, const struct api *api, struct bytes request);

#endif
