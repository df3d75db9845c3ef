/*
 * offline_store_small.c - the part of the offline store's suite that works on one small table:
 * scans and joins that are broken off, and loads. See offline_store_suite.h.
 */
#include "offline_store_fixture.h"

#include "../unit/definitions_text.h"
#include "base/timestamp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const char *const numbers_yaml = "project: suite\n"
                                        "entities: [{name: thing, join_keys: {id: int64}}]\n"
                                        "sources: [{name: s, table: numbers, event_time: at}]\n"
                                        "feature_views: [{name: v, entities: [thing], source: s, "
                                        "features: [{name: x, type: int64}]}]\n";

static const struct load_column numbers_columns[] = {
    {"id", LOAD_KEY, TYPE_INT64},
    {"at", LOAD_EVENT_TIME, TYPE_TIMESTAMP},
    {"x", LOAD_FEATURE, TYPE_INT64},
};

static struct value *numbers(struct offline_fixture *f, size_t count)
{
    struct value *values = arena_array(&f->arena, count * 3, sizeof *values);
    for (size_t i = 0; i < count * 3; i++)
        values[i] = (struct value){.type = numbers_columns[i % 3].type, .int64 = (int64_t)(i / 3)};
    return values;
}

static void scan_that_is_broken_off_leaves_the_handle_usable(void **state)
{
    struct offline_fixture *f = *state;
    struct definitions definitions = definitions_of(numbers_yaml, &f->arena);
    struct scan_request request = {&definitions.views[0], SCAN_EVENTS, INT64_MIN, INT64_MAX,
                                   INT64_MIN};
    enum { ROWS = 50000 };
    load(f, &definitions.sources[0], numbers_columns, 3, numbers(f, ROWS), ROWS);
    struct offline_scan *scan;
    struct error err;
    const struct scan_row *row;
    check_ok(offline_store_begin(f->store, NULL, &err), &err);
    for (int i = 0; i < 3; i++) {
        check_ok(offline_scan_open(f->store, &request, &scan, &err), &err);
        check_ok(offline_scan_next(scan, &row, &err), &err);
        offline_scan_close(scan);
    }
    uint64_t count = 0;
    check_ok(offline_scan_open(f->store, &request, &scan, &err), &err);
    for (check_ok(offline_scan_next(scan, &row, &err), &err); row; count++)
        check_ok(offline_scan_next(scan, &row, &err), &err);
    offline_scan_close(scan);
    offline_store_end(f->store);
    assert_int_equal(count, ROWS);
}

/* How one scan of all rows ends. */
static enum status scan_all(struct offline_fixture *f, const struct feature_view *view)
{
    struct scan_request request = {view, SCAN_EVENTS, INT64_MIN, INT64_MAX, INT64_MIN};
    struct offline_scan *scan = NULL;
    const struct scan_row *row;
    struct error err;
    enum status status = offline_store_begin(f->store, NULL, &err);
    if (!status)
        status = offline_scan_open(f->store, &request, &scan, &err);
    while (!status && !(status = offline_scan_next(scan, &row, &err)) && row)
        continue;
    offline_scan_close(scan);
    offline_store_end(f->store);
    return status;
}

static void calls_end_once_somebody_wants_to_stop(void **state)
{
    struct offline_fixture *f = *state;
    struct definitions definitions = definitions_of(numbers_yaml, &f->arena);
    enum { ROWS = 50000 };
    enum status status;
    atomic_bool stop = false;
    load(f, &definitions.sources[0], numbers_columns, 3, numbers(f, ROWS), ROWS);
    offline_store_stop_on(f->store, &stop);
    assert_int_equal(scan_all(f, &definitions.views[0]), STATUS_OK);
    atomic_store(&stop, true);
    do /* a short call may end before anybody looks at the flag */
        status = scan_all(f, &definitions.views[0]);
    while (!status);
    assert_int_equal(status, STATUS_CANCELLED);
    offline_store_stop_on(f->store, NULL);
    assert_int_equal(scan_all(f, &definitions.views[0]), STATUS_OK);
}

static struct selection select_x(struct offline_fixture *f, const struct definitions *definitions)
{
    struct bytes reference = bytes_of_text("v:x");
    struct selection selection;
    struct error err;
    check_ok(
        selection_of_references(definitions, &reference, 1, false, &f->arena, &selection, &err),
        &err);
    return selection;
}

static void join_may_be_given_up_at_any_point(void **state)
{
    struct offline_fixture *f = *state;
    struct definitions definitions = definitions_of(numbers_yaml, &f->arena);
    struct selection selection = select_x(f, &definitions);
    struct join_request request = {&selection, small_key_ids, false, AS_OF_NOW, false, false};
    load(f, &definitions.sources[0], numbers_columns, 3, numbers(f, 1000), 1000);
    for (int point = 0; point < 4; point++) {
        struct training_join *join;
        const struct joined_row *row;
        struct error err;
        check_ok(training_join_open(f->store, &request, &f->maker->options, &join, &err), &err);
        for (int64_t i = 0; i < 20000 && point > 0; i++) {
            struct value key = {.type = TYPE_INT64, .int64 = i % 1500};
            check_ok(training_join_ask(join, &key, 2000, &err), &err);
        }
        if (point > 1)
            check_ok(training_join_run(join, &err), &err);
        for (int64_t i = 0; i < 10000 && point > 2; i++) {
            check_ok(training_join_next(join, &row, &err), &err);
            assert_int_equal(row->views[0].found, i % 1500 < 1000);
            if (row->views[0].found)
                assert_int_equal(row->views[0].values[0].int64, i % 1500);
        }
        training_join_close(join);
    }
}

static void join_without_asks_answers_nothing(void **state)
{
    struct offline_fixture *f = *state;
    struct definitions definitions = definitions_of(numbers_yaml, &f->arena);
    struct selection selection = select_x(f, &definitions);
    struct join_request request = {&selection, small_key_ids, false, AS_OF_NOW, false, false};
    load(f, &definitions.sources[0], numbers_columns, 3, numbers(f, 10), 10);
    struct training_join *join;
    const struct joined_row *row;
    struct error err;
    check_ok(training_join_open(f->store, &request, &f->maker->options, &join, &err), &err);
    check_ok(training_join_run(join, &err), &err);
    check_ok(training_join_next(join, &row, &err), &err);
    assert_null(row);
    training_join_close(join);
}

static void ask_outside_the_years_is_refused(void **state)
{
    struct offline_fixture *f = *state;
    struct definitions definitions = definitions_of(numbers_yaml, &f->arena);
    struct selection selection = select_x(f, &definitions);
    struct join_request request = {&selection, small_key_ids, false, AS_OF_NOW, false, false};
    load(f, &definitions.sources[0], numbers_columns, 3, numbers(f, 10), 10);
    struct training_join *join;
    struct value key = {.type = TYPE_INT64, .int64 = 1};
    struct error err;
    check_ok(training_join_open(f->store, &request, &f->maker->options, &join, &err), &err);
    assert_int_equal(training_join_ask(join, &key, TIMESTAMP_MAX + 1, &err), STATUS_INVALID);
    assert_int_equal(training_join_ask(join, &key, INT64_MIN, &err), STATUS_INVALID);
    training_join_close(join);
}

static void as_known_needs_a_created_time(void **state)
{
    struct offline_fixture *f = *state;
    struct definitions definitions = definitions_of(numbers_yaml, &f->arena);
    struct selection selection = select_x(f, &definitions);
    struct join_request known = {&selection, small_key_ids, true, AS_OF_NOW, false, false};
    struct join_request as_of = {&selection, small_key_ids, false, 0, false, false};
    load(f, &definitions.sources[0], numbers_columns, 3, numbers(f, 10), 10);
    struct training_join *join;
    struct error err;
    assert_int_equal(training_join_open(f->store, &known, &f->maker->options, &join, &err),
                     STATUS_INVALID);
    assert_non_null(strstr(err.message, "created_time"));
    assert_int_equal(training_join_open(f->store, &as_of, &f->maker->options, &join, &err),
                     STATUS_INVALID);
}

/* Loads --------------------------------------------------------------------------------------- */

static uint64_t count_rows(struct offline_fixture *f, const struct feature_view *view)
{
    struct scan_request request = {view, SCAN_EVENTS, INT64_MIN, INT64_MAX, INT64_MIN};
    struct offline_scan *scan;
    struct error err;
    const struct scan_row *row;
    check_ok(offline_store_begin(f->store, NULL, &err), &err);
    check_ok(offline_scan_open(f->store, &request, &scan, &err), &err);
    do
        check_ok(offline_scan_next(scan, &row, &err), &err);
    while (row);
    uint64_t count = offline_scan_counts(scan)->rows;
    offline_scan_close(scan);
    offline_store_end(f->store);
    return count;
}

static void load_that_is_not_finished_leaves_nothing(void **state)
{
    struct offline_fixture *f = *state;
    struct definitions definitions = definitions_of(numbers_yaml, &f->arena);
    const struct value *rows = numbers(f, 5000);
    struct offline_load *load_handle;
    struct error err;
    bool made;
    size_t culprit;
    load(f, &definitions.sources[0], numbers_columns, 3, rows, 7);
    check_ok(offline_load_open(f->store, &definitions.sources[0], numbers_columns, 3,
                               numbers_columns, 3, &made, &load_handle, &err),
             &err);
    assert_false(made);
    for (size_t i = 0; i < 5000; i++)
        check_ok(offline_load_row(load_handle, rows + 3 * i, &culprit, &err), &err);
    offline_load_close(load_handle);
    assert_int_equal(count_rows(f, &definitions.views[0]), 7);
}

/* The second load begins with a row that the first has, and the third with a new one. */
static void load_says_what_the_table_held_before(void **state)
{
    struct offline_fixture *f = *state;
    struct definitions definitions = definitions_of(numbers_yaml, &f->arena);
    const struct value *rows = numbers(f, 20);
    const struct {
        size_t from, count, before;
        bool has_first;
    } loads[] = {{0, 10, 0, false}, {3, 10, 10, true}, {19, 1, 20, false}};
    struct offline_load *handle;
    struct error err;
    bool made;
    uint64_t loaded;
    size_t culprit;
    for (size_t i = 0; i < COUNT_OF(loads); i++) {
        check_ok(offline_load_open(f->store, &definitions.sources[0], numbers_columns, 3,
                                   numbers_columns, 3, &made, &handle, &err),
                 &err);
        assert_false(offline_load_before(handle)->is_known);
        for (size_t row = 0; row < loads[i].count; row++)
            check_ok(offline_load_row(handle, rows + 3 * (loads[i].from + row), &culprit, &err),
                     &err);
        struct load_before before = *offline_load_before(handle);
        assert_true(before.is_known);
        assert_int_equal(before.rows, loads[i].before);
        assert_int_equal(before.has_first, loads[i].has_first);
        check_ok(offline_load_finish(handle, &loaded, &err), &err);
        offline_load_close(handle);
    }
}

static void table_of_an_unfinished_load_is_not_there(void **state)
{
    struct offline_fixture *f = *state;
    struct definitions definitions = definitions_of(numbers_yaml, &f->arena);
    struct offline_load *load_handle;
    struct error err;
    bool made;
    for (int i = 0; i < 2; i++) {
        check_ok(offline_load_open(f->store, &definitions.sources[0], numbers_columns, 3,
                                   numbers_columns, 3, &made, &load_handle, &err),
                 &err);
        assert_true(made);
        offline_load_close(load_handle);
    }
}

static void load_needs_keys_and_event_time(void **state)
{
    struct offline_fixture *f = *state;
    struct definitions definitions = definitions_of(numbers_yaml, &f->arena);
    struct offline_load *load_handle;
    struct error err;
    bool made;
    for (size_t missing = 0; missing < 2; missing++) {
        struct load_column given[2] = {numbers_columns[1 - missing], numbers_columns[2]};
        assert_int_equal(offline_load_open(f->store, &definitions.sources[0], numbers_columns, 3,
                                           given, 2, &made, &load_handle, &err),
                         STATUS_INVALID);
        assert_non_null(strstr(err.message, numbers_columns[missing].column));
    }
}

static void made_table_needs_no_hint(void **state)
{
    struct offline_fixture *f = *state;
    struct definitions definitions = definitions_of(numbers_yaml, &f->arena);
    struct findings findings;
    struct error err;
    load(f, &definitions.sources[0], numbers_columns, 3, numbers(f, 10), 10);
    check_ok(offline_store_check(f->store, &definitions, &f->arena, &findings, &err), &err);
    for (size_t i = 0; i < findings.count; i++)
        fail_msg("%s", findings.items[i].text);
}

/* Empty as it is, and with tables. */
static void store_says_what_it_is_and_that_all_is_well(void **state)
{
    struct offline_fixture *f = *state;
    struct definitions definitions = definitions_of(numbers_yaml, &f->arena);
    for (int i = 0; i < 2; i++) {
        struct examination examination;
        struct error err;
        check_ok(offline_store_examine(f->store, &f->arena, &examination, &err), &err);
        assert_true(strlen(examination.version) > 3);
        assert_true(examination.clock_ahead_us > -1000000 && examination.clock_ahead_us < 1000000);
        assert_int_equal(examination.findings.count, 0);
        assert_true(i == 0 || !examination.is_new);
        load(f, &definitions.sources[0], numbers_columns, 3, numbers(f, 10), 10);
    }
}

int offline_store_suite_run_small(const struct offline_store_maker *maker)
{
    struct offline_fixture fixture = {.maker = maker};
    const struct CMUnitTest tests[] = {
        OFFLINE_SUITE_TEST(scan_that_is_broken_off_leaves_the_handle_usable),
        OFFLINE_SUITE_TEST(calls_end_once_somebody_wants_to_stop),
        OFFLINE_SUITE_TEST(join_may_be_given_up_at_any_point),
        OFFLINE_SUITE_TEST(join_without_asks_answers_nothing),
        OFFLINE_SUITE_TEST(ask_outside_the_years_is_refused),
        OFFLINE_SUITE_TEST(as_known_needs_a_created_time),
        OFFLINE_SUITE_TEST(load_that_is_not_finished_leaves_nothing),
        OFFLINE_SUITE_TEST(load_says_what_the_table_held_before),
        OFFLINE_SUITE_TEST(table_of_an_unfinished_load_is_not_there),
        OFFLINE_SUITE_TEST(load_needs_keys_and_event_time),
        OFFLINE_SUITE_TEST(made_table_needs_no_hint),
        OFFLINE_SUITE_TEST(store_says_what_it_is_and_that_all_is_well),
    };
    return cmocka_run_group_tests_name("offline store, small", tests, NULL, NULL);
}
