/* test_snapshot.c - plans by name, and a cell whose readers never see a snapshot that is gone. */
#include "server/answer/snapshot.h"

#include "tests/support/flights.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static const struct plan *plan_of(struct flights *f, const char *service, bool full_names)
{
    const struct plan *plan = NULL;
    enum status status =
        snapshot_plan_service(f->snapshot, bytes_of_text(service), full_names, &plan, &f->err);
    if (status)
        fail_msg("%s", f->err.message);
    return plan;
}

static void check_name(struct bytes name, const char *expected)
{
    assert_int_equal(name.size, strlen(expected));
    assert_memory_equal(name.data, expected, name.size);
}

static void a_service_names_its_features_and_keys_in_order(void **state)
{
    const struct plan *plan = plan_of(*state, "delay_model", false);
    static const char *const names[] = {"wind", "visibility", "mean_delay", "departures",
                                        "dest_weather__wind"};
    assert_int_equal(plan->feature_count, COUNT_OF(names));
    for (size_t i = 0; i < COUNT_OF(names); i++)
        check_name(plan->features[i].name, names[i]);
    assert_int_equal(plan->key_count, 3);
    check_name(plan->keys[0].name, "origin");
    check_name(plan->keys[1].name, "carrier");
    check_name(plan->keys[2].name, "dest");
    check_name(plan->views[2].name, "dest_weather");
    check_name(plan_of(*state, "delay_model", true)->features[2].name, "route_delays__mean_delay");
}

static void uses_whose_keys_begin_alike_share_a_group(void **state)
{
    const struct plan *plan = plan_of(*state, "delay_model", false);
    assert_int_equal(plan->group_count, 3); /* origin; carrier and origin; dest */
    const struct bytes both[] = {bytes_of_text("airport_weather:wind"),
                                 bytes_of_text("everything:a_bool")};
    struct flights *f = *state;
    assert_int_equal(
        snapshot_plan_references(f->snapshot, both, 2, false, &f->arena, &plan, &f->err), 0);
    assert_int_equal(plan->group_count, 2);
}

static void unknown_names_are_not_found(void **state)
{
    struct flights *f = *state;
    const struct plan *plan;
    char long_name[100] = {0};
    memset(long_name, 'x', sizeof long_name - 1);
    const struct bytes names[] = {bytes_of_text("nobody"),
                                  bytes_of_text(""),
                                  bytes_of_text(long_name),
                                  {"weather\0", 8},
                                  {"weather", 6}};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        assert_int_equal(snapshot_plan_service(f->snapshot, names[i], false, &plan, &f->err),
                         STATUS_NOT_FOUND);
    struct bytes reference = bytes_of_text("airport_weather:snow");
    assert_int_equal(
        snapshot_plan_references(f->snapshot, &reference, 1, false, &f->arena, &plan, &f->err),
        STATUS_NOT_FOUND);
}

static void a_view_that_is_not_online_is_refused_by_name(void **state)
{
    struct flights *f = *state;
    const struct plan *plan;
    struct bytes reference = bytes_of_text("hidden:secret");
    assert_int_equal(
        snapshot_plan_service(f->snapshot, bytes_of_text("hidden_model"), false, &plan, &f->err),
        STATUS_INVALID);
    assert_non_null(strstr(f->err.message, "hidden"));
    assert_int_equal(
        snapshot_plan_references(f->snapshot, &reference, 1, false, &f->arena, &plan, &f->err),
        STATUS_INVALID);
}

/* Readers look into what they hold while it is replaced under them: a sanitizer sees a snapshot
 * that was freed too early, and the version must never be one that was not published. */
enum { READERS = 4, VERSIONS = 300 };

struct reader {
    struct snapshot_cell *cell;
    size_t number;
    uint64_t last_version;
    bool went_back;
    atomic_bool *stops;
};

static void *read_versions(void *arg)
{
    struct reader *reader = arg;
    while (!atomic_load(reader->stops)) {
        const struct snapshot *snapshot = snapshot_take(reader->cell, reader->number);
        uint64_t version = snapshot->catalog.version;
        reader->went_back |= version < reader->last_version || version > VERSIONS;
        reader->last_version = version;
        snapshot_let_go(reader->cell, reader->number);
    }
    return NULL;
}

static struct snapshot *numbered(uint64_t version)
{
    struct snapshot *snapshot = snapshot_new();
    snapshot->catalog.version = version;
    return snapshot;
}

static void readers_hold_what_they_took_while_others_are_published(void **state)
{
    (void)state;
    struct snapshot_cell cell;
    atomic_bool stops = false;
    pthread_t threads[READERS];
    struct reader readers[READERS];
    snapshot_cell_init(&cell);
    snapshot_publish(&cell, numbered(1));
    for (size_t i = 0; i < READERS; i++) {
        readers[i] = (struct reader){.cell = &cell, .number = i, .stops = &stops};
        assert_int_equal(pthread_create(&threads[i], NULL, read_versions, &readers[i]), 0);
    }
    for (uint64_t version = 2; version <= VERSIONS; version++)
        snapshot_publish(&cell, numbered(version));
    atomic_store(&stops, true);
    for (size_t i = 0; i < READERS; i++) {
        pthread_join(threads[i], NULL);
        assert_false(readers[i].went_back);
    }
    snapshot_cell_release(&cell);
}

static void a_held_snapshot_is_kept_until_it_is_let_go(void **state)
{
    (void)state;
    struct snapshot_cell cell;
    snapshot_cell_init(&cell);
    assert_null(snapshot_take(&cell, 0));
    snapshot_publish(&cell, numbered(1));
    const struct snapshot *held = snapshot_take(&cell, 0);
    snapshot_publish(&cell, numbered(2));
    assert_int_equal(held->catalog.version, 1);
    assert_ptr_equal(cell.retired, held);
    snapshot_let_go(&cell, 0);
    snapshot_collect(&cell);
    assert_null(cell.retired);
    snapshot_cell_release(&cell);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_service_names_its_features_and_keys_in_order,
                                        flights_set_up, flights_tear_down),
        cmocka_unit_test_setup_teardown(uses_whose_keys_begin_alike_share_a_group, flights_set_up,
                                        flights_tear_down),
        cmocka_unit_test_setup_teardown(unknown_names_are_not_found, flights_set_up,
                                        flights_tear_down),
        cmocka_unit_test_setup_teardown(a_view_that_is_not_online_is_refused_by_name,
                                        flights_set_up, flights_tear_down),
        cmocka_unit_test(readers_hold_what_they_took_while_others_are_published),
        cmocka_unit_test(a_held_snapshot_is_kept_until_it_is_let_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
