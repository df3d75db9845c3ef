/*
 * fuzz_request.c - any bytes as a request of either API, over a store that holds anything at all.
 *
 * Input: a byte of choices, a byte that seeds the rows, the request. It may be asked alone, in
 * steps, or in one batch with others: with those that its halves are, and with itself again, from a
 * store that may be away, or not give the rows of all at once; or the request comes on a stream,
 * and what it is in, and what its answer is put in, is what protobuf-c says. Whatever comes: a
 * refusal has words
 * and one of the statuses of a request; a request that we take has no more rows to protobuf-c; an
 * answer is a message to protobuf-c, with one value and one status for each row, and the same
 * request gets the same answer again; what a batch holds before rows are read has its limit.
 */
#include "base/entity_key.h"
#include "base/hash.h"
#include "base/timestamp.h"
#include "feast/serving/ServingService.pb-c.h"
#include "larder/v1/feature_service.pb-c.h"
#include "server/answer/larder_v1_stream.h"
#include "tests/support/flights.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    CHOOSE_FEAST = 1,
    CHOOSE_NEXT = 2,
    CHOOSE_AWAY = 4,
    CHOOSE_ALONE = 8,
    CHOOSE_LARGE_ROWS = 16, /* too large to be had at once */
    CHOOSE_LITTLE_MEMORY = 32,
    CHOOSE_STREAMED = 64, /* in larder.v1 alone */
    CHOOSES_MAX = 128,

    LITTLE_BYTES = 4096,
    COLUMN_BYTES_MAX = 2 * 1024 * 1024, /* what one step takes before the limit is looked at */
};

static void demand(bool holds)
{
    if (!holds)
        abort();
}

/* Rows made up from a key --------------------------------------------------------------------- */

struct maker {
    struct flights *flights;
    uint64_t seed, random;
};

static uint64_t next_random(struct maker *maker)
{
    uint64_t x = maker->random += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static struct bytes make_text(struct maker *maker, struct arena *arena)
{
    static const char *const parts[] = {"a", "\xc3\xbc", "\xf0\x9f\x9b\xab", "0123456789"};
    size_t count = next_random(maker) % 40;
    char *text = arena_zero(arena, count * 10 + 1);
    for (size_t i = 0; i < count; i++)
        strcat(text, parts[next_random(maker) % COUNT_OF(parts)]);
    return bytes_of_text(text);
}

static struct value make_scalar(struct maker *maker, value_type type, struct arena *arena)
{
    struct value value = {.type = type};
    switch (type) {
    case TYPE_BOOL:
        value.boolean = next_random(maker) & 1;
        break;
    case TYPE_STRING:
    case TYPE_BYTES:
        value.bytes = make_text(maker, arena);
        break;
    case TYPE_TIMESTAMP:
        value.int64 = (int64_t)(next_random(maker) % (uint64_t)TIMESTAMP_MAX) - 1000;
        break;
    case TYPE_INT32:
    case TYPE_FLOAT32:
        value.int32 = (int32_t)next_random(maker);
        break;
    default:
        value.int64 = (int64_t)(next_random(maker) >> next_random(maker) % 64);
    }
    return value;
}

static struct value make_value(struct maker *maker, value_type type, struct arena *arena)
{
    if (next_random(maker) % 4 == 0)
        return value_null(type);
    if (!type_is_list(type))
        return make_scalar(maker, type, arena);
    struct buffer list;
    buffer_init(&list, 0);
    for (size_t count = next_random(maker) % 5; count > 0; count--) {
        struct value element = make_scalar(maker, type_element(type), arena);
        list_append(&list, &element);
    }
    struct value value = {.type = type, .bytes = arena_bytes(arena, buffer_bytes(&list))};
    buffer_release(&list);
    return value;
}

static struct bytes make_whole_row(struct maker *maker, const struct snapshot *snapshot,
                                   const char *view, struct arena *arena)
{
    static const int64_t ages_us[] = {-HOUR_US, 0, 6 * HOUR_US, 6 * HOUR_US + 1, 40 * HOUR_US};
    const struct catalog_view *in_catalog = catalog_find_view(&snapshot->catalog, view);
    const struct row_layout *layout = &in_catalog->schemas[in_catalog->schema_count - 1].layout;
    struct value *values = arena_array(arena, layout->column_count, sizeof *values);
    for (size_t i = 0; i < layout->column_count; i++)
        values[i] = make_value(maker, layout->types[i], arena);
    struct bytes row = flights_row(maker->flights, snapshot, view,
                                   ages_us[next_random(maker) % COUNT_OF(ages_us)], values);
    row = arena_bytes(arena, row);
    arena_reset(&maker->flights->arena);
    return row;
}

static struct bytes make_tombstone(struct arena *arena)
{
    struct buffer row;
    buffer_init(&row, 0);
    row_pack_tombstone(7, &row);
    struct bytes copy = arena_bytes(arena, buffer_bytes(&row));
    buffer_release(&row);
    return copy;
}

static const char *view_name(const struct catalog *catalog, uint32_t id)
{
    for (size_t i = 0; i < catalog->definitions.view_count; i++)
        if (catalog->views[i].id == id)
            return catalog->views[i].view->about.name;
    abort();
}

static struct bytes make_row(void *context, struct bytes key, struct arena *arena)
{
    struct maker *maker = context;
    struct flights *f = maker->flights;
    struct entity_key_ids ids;
    demand(key.size <= ENTITY_KEY_MAX && entity_key_parse(key, &ids));
    const char *view = view_name(&f->snapshot->catalog, ids.view_id);
    maker->random = maker->seed ^ bytes_hash(key); /* so that a key has one row */
    switch (next_random(maker) % 8) {
    case 0:
        return (struct bytes){0};
    case 1:
        return make_tombstone(arena);
    case 2: {
        struct bytes row = make_whole_row(maker, f->snapshot, view, arena);
        ((uint8_t *)(uintptr_t)row.data)[next_random(maker) % row.size] ^= 0x40;
        return row;
    }
    case 3: {
        struct bytes row = make_whole_row(maker, f->snapshot, view, arena);
        return (struct bytes){row.data, next_random(maker) % row.size};
    }
    case 4:
        return make_whole_row(maker, f->next, view, arena);
    default:
        return make_whole_row(maker, f->snapshot, view, arena);
    }
}

/* What must hold ------------------------------------------------------------------------------ */

static size_t count_of(const Larder__V1__FeatureColumn *column)
{
    switch (column->values_case) {
    case LARDER__V1__FEATURE_COLUMN__VALUES_DOUBLE_VALUES:
        return column->double_values->n_values;
    case LARDER__V1__FEATURE_COLUMN__VALUES_FLOAT_VALUES:
        return column->float_values->n_values;
    case LARDER__V1__FEATURE_COLUMN__VALUES_INT64_VALUES:
        return column->int64_values->n_values;
    case LARDER__V1__FEATURE_COLUMN__VALUES_INT32_VALUES:
        return column->int32_values->n_values;
    case LARDER__V1__FEATURE_COLUMN__VALUES_BOOL_VALUES:
        return column->bool_values->n_values;
    case LARDER__V1__FEATURE_COLUMN__VALUES_STRING_VALUES:
        return column->string_values->n_values;
    case LARDER__V1__FEATURE_COLUMN__VALUES_BYTES_VALUES:
        return column->bytes_values->n_values;
    case LARDER__V1__FEATURE_COLUMN__VALUES_TIMESTAMP_VALUES:
        return column->timestamp_values->n_values_us;
    case LARDER__V1__FEATURE_COLUMN__VALUES_LIST_VALUES:
        return column->list_values->n_values;
    default:
        abort();
    }
}

static void check_larder_answer(struct bytes answer, const struct query *query)
{
    Larder__V1__GetFeaturesResponse *response =
        larder__v1__get_features_response__unpack(NULL, answer.size, answer.data);
    demand(response && response->row_count == query->row_count);
    demand(response->n_columns == query->plan->feature_count);
    demand(response->n_views == query->plan->view_count);
    for (size_t i = 0; i < response->n_columns; i++) {
        const Larder__V1__FeatureColumn *column = response->columns[i];
        demand(column->view < response->n_views && count_of(column) == query->row_count);
        demand(column->statuses.len == query->row_count ||
               (column->statuses.len == 0 && !query->with_statuses));
        for (size_t j = 0; j < column->statuses.len; j++)
            demand(column->statuses.data[j] >= 1 && column->statuses.data[j] <= 4);
    }
    larder__v1__get_features_response__free_unpacked(response, NULL);
}

static void check_larder_request(struct bytes message, const struct query *query)
{
    Larder__V1__GetFeaturesRequest *request =
        larder__v1__get_features_request__unpack(NULL, message.size, message.data);
    if (!request)
        return; /* values that others of the oneof replaced are not looked into, but by protobuf-c
                 */
    demand(request->n_entities == query->plan->key_count);
    /* A member of a oneof that comes in parts is merged, as protobuf has it; protobuf-c keeps the
     * last part. So it may count less, but never more. */
    demand(request->with_statuses == query->with_statuses);
    for (size_t i = 0; i < request->n_entities; i++) {
        const Larder__V1__EntityColumn *column = request->entities[i];
        if (column->values_case == LARDER__V1__ENTITY_COLUMN__VALUES_STRING_VALUES)
            demand(column->string_values->n_values <= query->row_count);
        if (column->values_case == LARDER__V1__ENTITY_COLUMN__VALUES_INT64_VALUES)
            demand(column->int64_values->n_values <= query->row_count);
    }
    larder__v1__get_features_request__free_unpacked(request, NULL);
}

static void check_feast_answer(struct bytes answer, const struct query *query)
{
    Feast__Serving__GetOnlineFeaturesResponse *response =
        feast__serving__get_online_features_response__unpack(NULL, answer.size, answer.data);
    demand(response && response->status);
    demand(response->n_results == query->plan->key_count + query->plan->feature_count);
    demand(response->metadata->feature_names->n_val == response->n_results);
    for (size_t i = 0; i < response->n_results; i++) {
        const Feast__Serving__GetOnlineFeaturesResponse__FeatureVector *vector =
            response->results[i];
        demand(vector->n_values == query->row_count && vector->n_statuses == query->row_count &&
               vector->n_event_timestamps == query->row_count);
        for (size_t j = 0; j < query->row_count; j++)
            demand(vector->statuses[j] >= 1 && vector->statuses[j] <= 4 &&
                   vector->event_timestamps[j]->nanos >= 0);
    }
    feast__serving__get_online_features_response__free_unpacked(response, NULL);
}

/* Columns that nobody needs are not looked into, so protobuf-c may refuse what we take. */
static void check_feast_request(struct bytes message, const struct query *query)
{
    Feast__Serving__GetOnlineFeaturesRequest *request =
        feast__serving__get_online_features_request__unpack(NULL, message.size, message.data);
    if (!request)
        return;
    for (size_t i = 0; i < query->plan->key_count; i++) {
        struct bytes name = query->plan->keys[i].name;
        size_t count = SIZE_MAX;
        for (size_t j = 0; j < request->n_entities; j++)
            if (request->entities[j]->value &&
                bytes_equal(bytes_of_text(request->entities[j]->key), name))
                count = request->entities[j]->value->n_val;
        demand(count == query->row_count);
    }
    feast__serving__get_online_features_request__free_unpacked(request, NULL);
}

static void check_refusal(const struct flights *f, bool is_next, bool is_away)
{
    demand(f->err.message[0] && f->writer.size == 0);
    switch (f->status) {
    case STATUS_INVALID:
    case STATUS_NOT_FOUND:
    case STATUS_EXHAUSTED:
        break;
    case STATUS_UNAVAILABLE:
        demand(is_away);
        break;
    case STATUS_CORRUPT:
        demand(!is_away);
        break;
    default: /* a damaged schema number is unknown to any definitions */
        demand(f->status == STATUS_FAILED && f->needs_definitions);
        demand(!is_away || is_next);
    }
}

/* A message of a stream ----------------------------------------------------------------------- */

/* protobuf-c looks into the request, too, so it may refuse what we take; and it takes tags that are
 * none, and requests in parts. */
static bool check_streamed(struct bytes message, struct streamed_request *streamed)
{
    struct error err = {0};
    enum status status = streamed_request_read(message, streamed, &err);
    Larder__V1__StreamFeaturesRequest *read =
        larder__v1__stream_features_request__unpack(NULL, message.size, message.data);
    demand(!status || (status == STATUS_INVALID && err.message[0]));
    if (!status && read) {
        demand(read->id == streamed->id && read->timeout_ms == streamed->timeout_ms);
        demand(read->request || streamed->request.size == 0);
    }
    if (read)
        larder__v1__stream_features_request__free_unpacked(read, NULL);
    return !status;
}

static Larder__V1__StreamFeaturesResponse *read_streamed(struct bytes message, uint64_t id)
{
    Larder__V1__StreamFeaturesResponse *read =
        larder__v1__stream_features_response__unpack(NULL, message.size, message.data);
    demand(read && read->id == id);
    return read;
}

static void check_streamed_answer(struct flights *f, uint64_t id, struct bytes answer)
{
    uint8_t head[STREAMED_HEAD_MAX];
    size_t head_size = streamed_answer_head(id, answer.size, head);
    uint8_t *message = arena_alloc(&f->arena, head_size + answer.size);
    memcpy(message, head, head_size);
    memcpy(message + head_size, answer.data, answer.size);
    Larder__V1__StreamFeaturesResponse *read =
        read_streamed((struct bytes){message, head_size + answer.size}, id);
    demand(read->outcome_case == LARDER__V1__STREAM_FEATURES_RESPONSE__OUTCOME_RESPONSE);
    larder__v1__stream_features_response__free_unpacked(read, NULL);
    arena_reset(&f->arena);
}

static void check_streamed_failure(struct flights *f, uint64_t id)
{
    streamed_failure_write(id, (int)f->status, f->err.message, &f->writer);
    Larder__V1__StreamFeaturesResponse *read = read_streamed(wire_written(&f->writer), id);
    demand(read->outcome_case == LARDER__V1__STREAM_FEATURES_RESPONSE__OUTCOME_FAILURE);
    struct bytes text = bytes_of_text(read->failure->message);
    demand(text_is_valid(text) && text.size == strlen(f->err.message));
    larder__v1__stream_features_response__free_unpacked(read, NULL);
    wire_writer_clear(&f->writer);
}

/* What one input asks for. */
struct scene {
    struct flights *flights;
    const struct api *api;
    struct bytes message;
    uint8_t choices;
    uint64_t id; /* of a streamed request */
};

static void check_answer(const struct scene *scene, size_t number)
{
    struct flights *f = scene->flights;
    bool is_next = scene->choices & CHOOSE_NEXT, is_away = scene->choices & CHOOSE_AWAY;
    f->err.message[0] = '\0';
    f->status = batch_answer(&f->batch, number, &f->writer, &f->needs_definitions, &f->err);
    if (f->status)
        check_refusal(f, is_next, is_away);
    if (f->status && scene->choices & CHOOSE_STREAMED)
        check_streamed_failure(f, scene->id);
}

static void check_whole(const struct scene *scene, size_t number)
{
    struct flights *f = scene->flights;
    check_answer(scene, number);
    const struct query *query = &f->batch.requests[number].query;
    if (f->status)
        return;
    if (scene->api == &feast_serving_api) {
        check_feast_request(scene->message, query);
        check_feast_answer(wire_written(&f->writer), query);
    } else {
        check_larder_request(scene->message, query);
        check_larder_answer(wire_written(&f->writer), query);
        if (scene->choices & CHOOSE_STREAMED)
            check_streamed_answer(f, scene->id, wire_written(&f->writer));
    }
}

static void ask_alone(const struct scene *scene)
{
    struct flights *f = scene->flights;
    batch_add_alone(&f->batch, scene->api, scene->message);
    while (!batch_read_step(&f->batch, &f->memory.store))
        continue;
    check_whole(scene, 0);
}

/* Adds one, if there is room for it; false if there is not. */
static bool add(const struct scene *scene, struct bytes message)
{
    struct batch *batch = &scene->flights->batch;
    return batch_has_room(batch) && batch_add(batch, scene->api, message);
}

static void ask_with_others(const struct scene *scene)
{
    struct flights *f = scene->flights;
    struct bytes whole = scene->message;
    size_t half = whole.size / 2;
    add(scene, (struct bytes){whole.data, half});
    size_t first = f->batch.count;
    bool is_added = add(scene, whole);
    add(scene, (struct bytes){(const char *)whole.data + half, whole.size - half});
    size_t second = f->batch.count;
    bool is_added_again = is_added && add(scene, whole);
    demand(f->batch.arena.used_bytes <=
           BATCH_BYTES_ENOUGH + f->limits.max_bytes + COLUMN_BYTES_MAX);
    batch_read(&f->batch, &f->memory.store);
    for (size_t i = 0; i < f->batch.count; i++)
        if (!is_added || (i != first && i != second))
            check_answer(scene, i);
    if (!is_added)
        return;
    check_whole(scene, first);
    struct bytes answer = arena_bytes(&f->batch.arena, wire_written(&f->writer));
    enum status status = f->status;
    if (is_added_again) {
        check_whole(scene, second);
        demand(f->status == status && bytes_equal(wire_written(&f->writer), answer));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct flights flights;
    static struct maker maker;
    struct flights *f = &flights;
    if (!f->snapshot) {
        flights_init(f);
        flights_change(f);
        maker.flights = f;
        f->memory.make_row = make_row;
        f->memory.make_row_context = &maker;
    }
    if (size < 2 || data[0] >= CHOOSES_MAX)
        return 0;
    struct scene scene = {.flights = f,
                          .api = data[0] & CHOOSE_FEAST ? &feast_serving_api : &larder_v1_api,
                          .message = {data + 2, size - 2},
                          .choices = data[0]};
    if (data[0] & CHOOSE_STREAMED) {
        struct streamed_request streamed;
        if (!check_streamed(scene.message, &streamed))
            return 0;
        scene.api = &larder_v1_api;
        scene.message = streamed.request;
        scene.id = streamed.id;
    }
    maker.seed = data[1];
    f->memory.read_status = data[0] & CHOOSE_AWAY ? STATUS_UNAVAILABLE : STATUS_OK;
    f->memory.read_bytes_max = data[0] & CHOOSE_LARGE_ROWS ? 600 : ONLINE_READ_BYTES_MAX;
    f->batch.limits.max_bytes = data[0] & CHOOSE_LITTLE_MEMORY ? LITTLE_BYTES : f->limits.max_bytes;
    batch_begin(&f->batch, data[0] & CHOOSE_NEXT ? f->next : f->snapshot, NOW_US);
    if (data[0] & CHOOSE_ALONE)
        ask_alone(&scene);
    else
        ask_with_others(&scene);
    return 0;
}
