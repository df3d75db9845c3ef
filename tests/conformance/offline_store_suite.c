/* offline_store_suite.c - see offline_store_suite.h. */
#include "offline_store_suite.h"

#include "../unit/definitions_text.h"
#include "base/buffer.h"
#include "base/timestamp.h"
#include "offline_history.h"
#include "offline_store_fixture.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

enum { SEEDS = 40, ASKS = 250, WINDOWS = 12, COLUMNS_MAX = 24 };

/* Random histories ---------------------------------------------------------------------------- */

/* Views a (with the ttl) and b (without) of one source, and a again under the name other, whose
 * first key is taken from k1_other. */
static const char *history_yaml(struct offline_fixture *f, const struct history *history)
{
    const char *keys = "", *separator = "";
    for (size_t i = 0; i < history->key_count; i++, separator = ", ")
        keys = arena_printf(&f->arena, "%s%sk%zu: %s", keys, separator, i + 1,
                            type_name(history->types[i]));
    return arena_printf(&f->arena,
                        "project: suite\n"
                        "entities: [{name: thing, join_keys: {%s}}]\n"
                        "sources: [{name: history, table: History, event_time: At,"
                        " created_time: recorded, fields: {number_b: number}}]\n"
                        "feature_views:\n"
                        "- {name: a, entities: [thing], source: history, ttl: %llds,"
                        " features: [{name: number, type: int64}]}\n"
                        "- {name: b, entities: [thing], source: history,"
                        " features: [{name: number_b, type: int64}]}\n"
                        "feature_services:\n"
                        "- name: all\n"
                        "  features: [a, {view: a, as: other, keys: {k1: k1_other}}, b]\n",
                        keys, (long long)(history->ttl_us / 1000000));
}

static void load_history(struct offline_fixture *f, const struct source *source,
                         const struct history *history)
{
    static const char *const names[] = {"k1", "k2", "k3"};
    struct load_column columns[HISTORY_KEYS_MAX + 3];
    size_t keys = history->key_count, count = keys + 3;
    for (size_t i = 0; i < keys; i++)
        columns[i] = (struct load_column){names[i], LOAD_KEY, history->types[i]};
    columns[keys] = (struct load_column){"At", LOAD_EVENT_TIME, TYPE_TIMESTAMP};
    columns[keys + 1] = (struct load_column){"recorded", LOAD_CREATED_TIME, TYPE_TIMESTAMP};
    columns[keys + 2] = (struct load_column){"number", LOAD_FEATURE, TYPE_INT64};
    struct value *values = arena_array(&f->arena, history->row_count * count, sizeof *values);
    for (size_t r = 0; r < history->row_count; r++) {
        const struct history_row *row = &history->rows[r];
        struct value *at = values + r * count;
        memcpy(at, row->keys, keys * sizeof *at);
        at[keys] = (struct value){.type = TYPE_TIMESTAMP, .int64 = row->event_us};
        at[keys + 1] = (struct value){.type = TYPE_TIMESTAMP,
                                      .is_null = row->created_us == TIMESTAMP_UNKNOWN,
                                      .int64 = row->created_us};
        at[keys + 2] = (struct value){.type = TYPE_INT64, .int64 = row->number};
    }
    load(f, source, columns, count, values, history->row_count);
}

static struct offline_store *open_anew(struct offline_fixture *f)
{
    offline_store_close(f->store);
    f->store = f->maker->open(f->maker->context);
    assert_non_null(f->store);
    return f->store;
}

/* Joins --------------------------------------------------------------------------------------- */

struct asks {
    struct value keys[ASKS][HISTORY_KEYS_MAX + 1]; /* the last is k1_other */
    int64_t at_us[ASKS];
};

static void make_asks(struct history *history, struct asks *asks)
{
    for (size_t i = 0; i < ASKS; i++) {
        struct value other[HISTORY_KEYS_MAX];
        history_ask(history, asks->keys[i]);
        history_ask(history, other);
        asks->keys[i][HISTORY_KEYS_MAX] = other[0];
        asks->at_us[i] = history_edge(history);
    }
}

/* In the order of the selection: k1_other stands where the service's second item needs it. */
static void ask_all(struct training_join *join, const struct selection *selection,
                    const struct asks *asks)
{
    struct error err;
    for (size_t i = 0; i < ASKS; i++) {
        struct value keys[HISTORY_KEYS_MAX + 1];
        for (size_t k = 0; k < selection->key_count; k++) {
            const char *name = selection->keys[k].name;
            bool is_other = strcmp(name, "k1_other") == 0;
            keys[k] = asks->keys[i][is_other ? HISTORY_KEYS_MAX : (size_t)(name[1] - '1')];
        }
        check_ok(training_join_ask(join, keys, asks->at_us[i], &err), &err);
    }
}

static void check_view(const struct joined_view *view, const struct history_row *expected,
                       const char *where)
{
    if (view->found != (expected != NULL))
        fail_msg("%s: %s", where, expected ? "was not found" : "was found");
    if (!expected) {
        assert_true(view->values[0].is_null);
        return;
    }
    if (view->values[0].int64 != expected->number)
        fail_msg("%s: row %lld instead of %lld", where, (long long)view->values[0].int64,
                 (long long)expected->number);
    assert_int_equal(view->event_time_us, expected->event_us);
    assert_int_equal(view->created_time_us, expected->created_us);
}

static void check_answers(struct offline_fixture *f, struct history *history,
                          const struct asks *asks, const struct join_request *request,
                          struct training_join *join)
{
    const struct joined_row *row;
    struct error err;
    for (size_t i = 0; i < ASKS; i++) {
        struct value other[HISTORY_KEYS_MAX];
        memcpy(other, asks->keys[i], sizeof other);
        other[0] = asks->keys[i][HISTORY_KEYS_MAX];
        int64_t ttl_us = history->ttl_us + (request->with_status ? INT64_C(86400000000) : 0);
        struct history_question question = {asks->keys[i], asks->at_us[i], ttl_us,
                                            request->as_known, request->as_of_us};
        check_ok(training_join_next(join, &row, &err), &err);
        assert_non_null(row);
        const char *where = arena_printf(&f->arena, "ask %zu", i);
        check_view(&row->views[0], history_latest(history, &question), where);
        question.keys = other;
        check_view(&row->views[1], history_latest(history, &question), where);
        question.keys = asks->keys[i];
        question.ttl_us = 0;
        check_view(&row->views[2], history_latest(history, &question), where);
    }
    check_ok(training_join_next(join, &row, &err), &err);
    assert_null(row);
}

static uint64_t count_unknown_created(const struct history *history)
{
    uint64_t count = 0;
    for (size_t i = 0; i < history->row_count; i++)
        count += history->rows[i].created_us == TIMESTAMP_UNKNOWN;
    return count;
}

static void check_join(struct offline_fixture *f, struct history *history,
                       const struct join_request *request)
{
    struct training_join *join;
    struct error err;
    struct asks *asks = arena_zero(&f->arena, sizeof *asks);
    make_asks(history, asks);
    check_ok(training_join_open(f->store, request, &f->maker->options, &join, &err), &err);
    ask_all(join, request->selection, asks);
    check_ok(training_join_run(join, &err), &err);
    check_answers(f, history, asks, request, join);
    const struct join_counts *counts = training_join_counts(join);
    bool limited = request->as_known || request->as_of_us != AS_OF_NOW;
    /* By the two views that are asked, once each. */
    assert_int_equal(counts->unknown_created, limited ? 2 * count_unknown_created(history) : 0);
    assert_int_equal(counts->left_out, 0);
    assert_int_equal(counts->misfits, 0);
    training_join_close(join);
}

/* As of a time among the created times, if that is in the past. */
static int64_t random_as_of(struct history *history)
{
    int64_t us = history_edge(history);
    return us < timestamp_now() - INT64_C(7200000000) ? us : AS_OF_NOW;
}

static void answers_are_those_of_looking_at_every_row(void **state)
{
    struct offline_fixture *f = *state;
    struct history *history = arena_zero(&f->arena, sizeof *history);
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        history_init(history, seed);
        print_message("seed %d\n", (int)seed);
        open_anew(f);
        struct definitions definitions = definitions_of(history_yaml(f, history), &f->arena);
        struct selection selection;
        struct error err;
        check_ok(selection_of_service(&definitions, "all", false, &f->arena, &selection, &err),
                 &err);
        load_history(f, &definitions.sources[0], history);
        struct join_request request = {&selection, small_key_ids, false, AS_OF_NOW, false, false};
        check_join(f, history, &request);
        request.with_status = true;
        check_join(f, history, &request);
        request.as_known = true;
        check_join(f, history, &request);
        request.with_status = false;
        request.as_of_us = random_as_of(history);
        check_join(f, history, &request);
        request.as_known = false;
        check_join(f, history, &request);
    }
}

/* Scans --------------------------------------------------------------------------------------- */

static bool is_in(int64_t us, int64_t from_us, int64_t to_us)
{
    return us > from_us && us <= to_us;
}

static bool is_wanted(const struct history_row *row, const struct scan_request *request)
{
    if (row->event_us > request->to_us || row->event_us < request->oldest_us)
        return false;
    if (request->mode == SCAN_EVENTS || request->from_us == INT64_MIN)
        return row->event_us >= request->from_us;
    return is_in(row->event_us, request->from_us, request->to_us) ||
           (row->created_us != TIMESTAMP_UNKNOWN &&
            is_in(row->created_us, request->from_us, request->to_us));
}

static void check_row(const struct history *history, const struct scan_row *row)
{
    int64_t number = row->values[0].int64;
    assert_in_range(number, 1, history->row_count);
    const struct history_row *expected = &history->rows[number - 1];
    assert_int_equal(row->event_time_us, expected->event_us);
    assert_int_equal(row->created_time_us, expected->created_us);
    for (size_t k = 0; k < history->key_count; k++)
        assert_true(value_equal(&row->keys[k], &expected->keys[k]));
}

static void check_scan(struct offline_fixture *f, const struct history *history,
                       const struct scan_request *request)
{
    struct offline_scan *scan;
    struct error err;
    const struct scan_row *row;
    bool seen[HISTORY_ROWS_MAX + 1] = {false};
    uint64_t wanted = 0;
    check_ok(offline_scan_open(f->store, request, &scan, &err), &err);
    for (check_ok(offline_scan_next(scan, &row, &err), &err); row;
         check_ok(offline_scan_next(scan, &row, &err), &err)) {
        check_row(history, row);
        assert_false(seen[row->values[0].int64]);
        seen[row->values[0].int64] = true;
    }
    for (size_t i = 0; i < history->row_count; i++) {
        bool is = is_wanted(&history->rows[i], request);
        wanted += is;
        if (is != seen[i + 1])
            fail_msg("row %zu was %s", i + 1, is ? "not handed out" : "handed out");
    }
    assert_int_equal(offline_scan_counts(scan)->rows, wanted);
    assert_int_equal(offline_scan_counts(scan)->left_out, 0);
    assert_int_equal(offline_scan_counts(scan)->misfits, 0);
    offline_scan_close(scan);
}

static void random_window(struct history *history, struct scan_request *request)
{
    int64_t a = history_edge(history), b = history_edge(history);
    request->mode = history_random(history, 3) ? SCAN_INCREMENTAL : SCAN_EVENTS;
    request->from_us = history_random(history, 5) ? (a < b ? a : b) : INT64_MIN;
    request->to_us = history_random(history, 9) ? (a < b ? b : a) : INT64_MAX;
    request->oldest_us = history_random(history, 3) ? INT64_MIN : history_edge(history);
}

static void scans_hand_out_the_rows_of_their_window(void **state)
{
    struct offline_fixture *f = *state;
    struct history *history = arena_zero(&f->arena, sizeof *history);
    struct error err;
    for (uint64_t seed = 100; seed < 100 + SEEDS; seed++) {
        history_init(history, seed);
        open_anew(f);
        struct definitions definitions = definitions_of(history_yaml(f, history), &f->arena);
        load_history(f, &definitions.sources[0], history);
        check_ok(offline_store_begin(f->store, NULL, &err), &err);
        for (size_t i = 0; i < WINDOWS; i++) {
            struct scan_request request = {.view = &definitions.views[0]};
            random_window(history, &request);
            check_scan(f, history, &request);
        }
        offline_store_end(f->store);
    }
}

/* Every type ---------------------------------------------------------------------------------- */

static const char *const types_yaml =
    "project: suite\n"
    "entities: [{name: thing, join_keys: {id: int64}}]\n"
    "sources: [{name: s, table: every_type, event_time: at}]\n"
    "feature_views: [{name: v, entities: [thing], source: s, features: ["
    "{name: a, type: bool}, {name: b, type: int32}, {name: c, type: int64}, {name: d, type: "
    "float32},"
    "{name: e, type: float64}, {name: f, type: string}, {name: g, type: bytes}, {name: h, type: "
    "timestamp},"
    "{name: i, type: list<bool>}, {name: j, type: list<int32>}, {name: k, type: list<int64>},"
    "{name: l, type: list<float32>}, {name: m, type: list<float64>}, {name: n, type: list<string>},"
    "{name: o, type: list<bytes>}, {name: p, type: list<timestamp>}]}]\n";

static struct value edge_value(value_type type, size_t which)
{
    static const float floats[] = {-0.0F, 3.4028235e38F, 1e-45F, 0.1F};
    static const double doubles[] = {-0.0, 1.7976931348623157e308, 5e-324, 0.30000000000000004};
    static const char *const texts[] = {"", "a\\b\"c'{},\n\t\r", "NULL", " \xf0\x9d\x84\x9e "};
    static const int64_t times[] = {TIMESTAMP_MIN, TIMESTAMP_MAX, -1, 0};
    struct value value = {.type = type};
    if (type == TYPE_BOOL)
        value.boolean = which % 2 == 1;
    else if (type == TYPE_INT32)
        value.int32 = which == 0 ? INT32_MIN : which == 1 ? INT32_MAX : (int32_t)which - 3;
    else if (type == TYPE_INT64)
        value.int64 = which == 0 ? INT64_MIN : which == 1 ? INT64_MAX : (int64_t)which - 3;
    else if (type == TYPE_FLOAT32)
        value.float32 = which == 4 ? NAN : which == 5 ? -INFINITY : floats[which % 4];
    else if (type == TYPE_FLOAT64)
        value.float64 = which == 4   ? (double)NAN
                        : which == 5 ? (double)-INFINITY
                                     : doubles[which % 4];
    else if (type == TYPE_STRING)
        value.bytes = bytes_of_text(texts[which % 4]);
    else if (type == TYPE_BYTES)
        value.bytes = (struct bytes){"\0\xff\\x41\n", which % 7};
    else
        value.int64 = times[which % 4];
    return value;
}

/* A value of the type; a list of up to `which` elements. */
static struct value any_value(struct offline_fixture *f, value_type type, size_t which)
{
    if (!type_is_list(type))
        return edge_value(type, which);
    struct buffer packed;
    buffer_init(&packed, 0);
    for (size_t i = 0; i < which; i++) {
        struct value element = edge_value(type_element(type), i);
        list_append(&packed, &element);
    }
    struct bytes bytes = arena_bytes(&f->arena, buffer_bytes(&packed));
    buffer_release(&packed);
    return (struct value){.type = type, .bytes = bytes};
}

enum { TYPE_ROWS = 8 };

/* Row 7 is null but for its key and time. */
static struct value *make_type_rows(struct offline_fixture *f, const struct feature_view *view)
{
    size_t count = view->feature_count + 2;
    struct value *values = arena_array(&f->arena, TYPE_ROWS * count, sizeof *values);
    for (size_t r = 0; r < TYPE_ROWS; r++) {
        struct value *row = values + r * count;
        row[0] = (struct value){.type = TYPE_INT64, .int64 = (int64_t)r};
        row[1] = (struct value){.type = TYPE_TIMESTAMP, .int64 = (int64_t)r};
        for (size_t i = 0; i < view->feature_count; i++)
            row[2 + i] = r == 7 ? value_null(view->features[i].type)
                                : any_value(f, view->features[i].type, r);
    }
    return values;
}

static void values_of_every_type_come_back_bit_by_bit(void **state)
{
    struct offline_fixture *f = *state;
    struct definitions definitions = definitions_of(types_yaml, &f->arena);
    const struct feature_view *view = &definitions.views[0];
    size_t count = view->feature_count + 2;
    struct load_column columns[COLUMNS_MAX] = {{"id", LOAD_KEY, TYPE_INT64},
                                               {"at", LOAD_EVENT_TIME, TYPE_TIMESTAMP}};
    for (size_t i = 0; i < view->feature_count; i++)
        columns[2 + i] =
            (struct load_column){view->features[i].name, LOAD_FEATURE, view->features[i].type};
    struct value *values = make_type_rows(f, view);
    load(f, view->source, columns, count, values, TYPE_ROWS);

    struct offline_scan *scan;
    struct error err;
    const struct scan_row *row;
    struct scan_request request = {view, SCAN_EVENTS, INT64_MIN, INT64_MAX, INT64_MIN};
    check_ok(offline_store_begin(f->store, NULL, &err), &err);
    check_ok(offline_scan_open(f->store, &request, &scan, &err), &err);
    for (size_t r = 0; r < TYPE_ROWS; r++) {
        check_ok(offline_scan_next(scan, &row, &err), &err);
        assert_non_null(row);
        const struct value *expected = values + (size_t)row->keys[0].int64 * count;
        for (size_t i = 0; i < view->feature_count; i++)
            if (!value_equal(&row->values[i], &expected[2 + i]))
                fail_msg("row %d, %s", (int)row->keys[0].int64, view->features[i].name);
    }
    offline_scan_close(scan);
    offline_store_end(f->store);
}

int offline_store_suite_run(const struct offline_store_maker *maker)
{
    struct offline_fixture fixture = {.maker = maker};
    const struct CMUnitTest tests[] = {
        OFFLINE_SUITE_TEST(answers_are_those_of_looking_at_every_row),
        OFFLINE_SUITE_TEST(scans_hand_out_the_rows_of_their_window),
        OFFLINE_SUITE_TEST(values_of_every_type_come_back_bit_by_bit),
    };
    int failed = cmocka_run_group_tests_name("offline store", tests, NULL, NULL);
    return failed + offline_store_suite_run_small(maker);
}
