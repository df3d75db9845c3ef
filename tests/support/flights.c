/* flights.c - see flights.h. */
#include "tests/support/flights.h"

#include "base/entity_key.h"
#include "config/repository.h"

#include <stdio.h>
#include <stdlib.h>

static const char head[] =
    "project: flights\n"
    "entities:\n"
    "  - {name: airport, join_keys: {origin: string}}\n"
    "  - {name: carrier, join_keys: {carrier: int32}}\n"
    "  - {name: thing, join_keys: {id: int64}}\n"
    "  - {name: exotic, join_keys: {at: timestamp, code: bytes, flag: bool}}\n"
    "sources:\n"
    "  - {name: history, table: history, event_time: at}\n"
    "feature_services:\n"
    "  - name: delay_model\n"
    "    features:\n"
    "      - airport_weather: [wind, visibility]\n"
    "      - route_delays: [mean_delay, departures]\n"
    "      - {view: airport_weather, features: [wind], as: dest_weather, keys: {origin: dest}}\n"
    "  - {name: all_types, features: [everything]}\n"
    "  - {name: weather, features: [airport_weather]}\n"
    "  - {name: exotic_keys, features: [exotica]}\n"
    "  - {name: hidden_model, features: [airport_weather, hidden]}\n"
    "feature_views:\n"
    "  - {name: hidden, entities: [airport], source: history, online: false,\n"
    "     features: [{name: secret, type: int64}]}\n"
    "  - {name: exotica, entities: [exotic], source: history,\n"
    "     features: [{name: worth, type: int64}]}\n"
    "  - {name: route_delays, entities: [carrier, airport], source: history,\n"
    "     features: [{name: mean_delay, type: float64}, {name: departures, type: int64}]}\n"
    "  - name: everything\n"
    "    entities: [thing]\n"
    "    source: history\n"
    "    features: [{name: a_bool, type: bool}, {name: an_int32, type: int32},\n"
    "      {name: an_int64, type: int64}, {name: a_float32, type: float32},\n"
    "      {name: a_float64, type: float64}, {name: a_string, type: string},\n"
    "      {name: some_bytes, type: bytes}, {name: a_timestamp, type: timestamp},\n"
    "      {name: bools, type: list<bool>}, {name: int32s, type: list<int32>},\n"
    "      {name: int64s, type: list<int64>}, {name: float32s, type: list<float32>},\n"
    "      {name: float64s, type: list<float64>}, {name: strings, type: list<string>},\n"
    "      {name: bytess, type: list<bytes>}, {name: timestamps, type: list<timestamp>}]\n"
    "  - name: airport_weather\n"
    "    entities: [airport]\n"
    "    source: history\n"
    "    ttl: 6h\n";

static const char weather_before[] =
    "    features: [{name: wind, type: float64}, {name: visibility, type: float64},\n"
    "      {name: gusts, type: int64}]\n";
/* A feature is gained, and another comes to stand elsewhere. */
static const char weather_after[] =
    "    features: [{name: rain, type: float64}, {name: visibility, type: float64},\n"
    "      {name: wind, type: float64}, {name: gusts, type: int64}]\n";

/* There is no test yet that could fail. */
static void check(bool is_good, const char *message)
{
    if (is_good)
        return;
    fprintf(stderr, "flights: %s\n", message);
    abort();
}

static struct snapshot *make_snapshot(struct flights *f, const struct catalog *before,
                                      const char *weather)
{
    struct snapshot *snapshot = snapshot_new();
    struct arena *arena = &snapshot->arena;
    struct definitions *definitions = arena_zero(arena, sizeof *definitions);
    struct problems problems;
    problems_init(&problems, arena);
    struct bytes text = bytes_of_text(arena_printf(arena, "%s%s", head, weather));
    if (definitions_read_yaml("flights.yaml", text, arena, definitions, &problems))
        check(false, problems.items[0].text);
    struct difference difference =
        definitions_difference(before ? &before->definitions : NULL, definitions, arena);
    check(!catalog_next(before, definitions, &difference, 77, 1, NULL, arena, &snapshot->catalog,
                        &f->err),
          f->err.message);
    snapshot_resolve(snapshot);
    return snapshot;
}

void flights_init(struct flights *f)
{
    memset(f, 0, sizeof *f);
    arena_init(&f->arena, 0);
    f->snapshot = make_snapshot(f, NULL, weather_before);
    memory_online_store_init(&f->memory);
    f->limits = (struct query_limits){.max_entities = 10000,
                                      .max_features = 1000,
                                      .max_lookups = 100000,
                                      .max_bytes = 64 * 1024 * 1024};
    batch_init(&f->batch, &f->limits);
    wire_writer_init(&f->writer, 1024 * 1024);
}

void flights_release(struct flights *f)
{
    wire_writer_release(&f->writer);
    batch_release(&f->batch);
    memory_online_store_release(&f->memory);
    snapshot_free(f->next);
    snapshot_free(f->snapshot);
    arena_release(&f->arena);
}

int flights_set_up(void **state)
{
    static struct flights flights;
    flights_init(&flights);
    *state = &flights;
    return 0;
}

int flights_tear_down(void **state)
{
    flights_release(*state);
    return 0;
}

struct snapshot *flights_change(struct flights *f)
{
    return f->next = make_snapshot(f, &f->snapshot->catalog, weather_after);
}

struct value flights_int(int64_t value)
{
    return (struct value){.type = TYPE_INT64, .int64 = value};
}

struct value flights_int32(int32_t value)
{
    return (struct value){.type = TYPE_INT32, .int32 = value};
}

struct value flights_double(double value)
{
    return (struct value){.type = TYPE_FLOAT64, .float64 = value};
}

struct value flights_text(const char *text)
{
    return (struct value){.type = TYPE_STRING, .bytes = bytes_of_text(text)};
}

static const struct catalog_view *view_of(const struct snapshot *snapshot, const char *name)
{
    const struct catalog_view *view = catalog_find_view(&snapshot->catalog, name);
    check(view, name);
    return view;
}

struct bytes flights_key(struct flights *f, const char *name, const struct value *keys,
                         size_t count)
{
    const struct catalog_view *view = view_of(f->snapshot, name);
    struct buffer key;
    buffer_init(&key, 0);
    entity_key_begin(&key, f->snapshot->catalog.project_id, view->key_set_id, keys, count);
    entity_key_end(&key, view->id, view->generation);
    struct bytes copy = arena_bytes(&f->arena, buffer_bytes(&key));
    buffer_release(&key);
    return copy;
}

struct bytes flights_row(struct flights *f, const struct snapshot *snapshot, const char *name,
                         int64_t age_us, const struct value *values)
{
    const struct catalog_view *view = view_of(snapshot, name);
    const struct view_schema *schema = &view->schemas[view->schema_count - 1];
    struct row_header header = {.event_time_us = NOW_US - age_us,
                                .created_time_us = NOW_US - age_us,
                                .position = 1,
                                .schema = schema->number};
    struct buffer row;
    buffer_init(&row, 0);
    check(!row_pack(&schema->layout, &header, values, &row, &f->err), f->err.message);
    struct bytes copy = arena_bytes(&f->arena, buffer_bytes(&row));
    buffer_release(&row);
    return copy;
}

void flights_put(struct flights *f, const char *view, const struct value *keys, size_t key_count,
                 int64_t age_us, const struct value *values)
{
    memory_online_store_put(&f->memory, flights_key(f, view, keys, key_count),
                            flights_row(f, f->snapshot, view, age_us, values));
}

void flights_put_weather(struct flights *f, const char *origin, int64_t age_us, double wind)
{
    struct value key = flights_text(origin);
    struct value values[] = {flights_double(wind), flights_double(10), flights_int(3)};
    flights_put(f, "airport_weather", &key, 1, age_us, values);
}

struct bytes flights_weather_request(struct flights *f, const char *origin)
{
    return bytes_of_text(
        arena_printf(&f->arena, "\x0a\x07weather\x1a\x0f\x0a\x06origin\x1a\x05\x0a\x03%s", origin));
}

struct bytes flights_ask(struct flights *f, const struct api *api, struct bytes request)
{
    batch_begin(&f->batch, f->next ? f->next : f->snapshot, NOW_US);
    batch_add_alone(&f->batch, api, request);
    batch_read(&f->batch, &f->memory.store);
    f->status = batch_answer(&f->batch, 0, &f->writer, &f->needs_definitions, &f->err);
    return wire_written(&f->writer);
}
