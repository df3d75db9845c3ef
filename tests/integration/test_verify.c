/* test_verify.c - verify where memory is short and the online store is not well. */
#include "training/verify.h"

#include "materializer/materialize.h"
#include "tests/integration/private_file.h"
#include "tests/support/memory_online_store.h"
#include "tests/support/shop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { CUSTOMERS = 2000 };

static const char definitions_text[] =
    "project: shop\n"
    "entities: [{name: customer, join_keys: {customer_id: int64}}]\n"
    "sources: [{name: orders, table: orders, event_time: at}]\n"
    "feature_views:\n"
    "  - {name: spending, entities: [customer], source: orders,\n"
    "     features: [{name: total, type: int64}]}\n";

struct fixture {
    struct arena arena;
    struct private_file file;
    struct memory_online_store online;
    struct registry *registry;
    struct offline_store *offline;
    struct catalog catalog;
    struct verify_request request;
    struct verified_view *views;
    size_t count;
    struct error err;
};

static void demand(const struct fixture *f, enum status status)
{
    if (status)
        fail_msg("%s: %s", status_name(status), f->err.message);
}

static void materialize_all(struct fixture *f)
{
    const struct materialize_stores stores = {f->offline, &f->online.store, f->registry};
    const struct materialize_request request = {.catalog = &f->catalog};
    struct view_run *runs;
    size_t count;
    demand(f, materialize(&stores, &request, &f->arena, &runs, &count, &f->err));
    assert_int_equal(runs[0].counts.written, CUSTOMERS);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct apply_outcome outcome;
    arena_init(&f->arena, 0);
    private_file_make(&f->file);
    private_file_run(&f->file,
                     "CREATE TABLE orders (customer_id INTEGER, at INTEGER, total INTEGER);"
                     "WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < "
                     "2000) INSERT INTO orders SELECT n, n, n FROM r");
    struct settings settings = private_file_settings(&f->file);
    f->offline = private_file_store(&f->file);
    memory_online_store_init(&f->online);
    demand(f, registry_open(&settings, &f->registry, &f->err));
    demand(f, registry_apply(f->registry, definitions_of(&f->arena, definitions_text),
                             (struct apply_options){0}, &f->arena, &outcome, &f->err));
    demand(f, registry_read(f->registry, "shop", &f->arena, &f->catalog, &f->err));
    materialize_all(f);
    f->request =
        (struct verify_request){.catalog = &f->catalog, .show = 10, .bytes_max = 1024 * 1024};
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    registry_close(f->registry);
    offline_store_close(f->offline);
    memory_online_store_release(&f->online);
    private_file_remove(&f->file);
    arena_release(&f->arena);
    free(f);
    return 0;
}

static enum status run_verify(struct fixture *f)
{
    const struct verify_stores stores = {f->offline, &f->online.store, f->registry};
    return verify(&stores, &f->request, &f->arena, &f->views, &f->count, &f->err);
}

static void check_counts(struct fixture *f, uint64_t equal, uint64_t missing, uint64_t extra,
                         uint64_t different)
{
    demand(f, run_verify(f));
    const uint64_t *counts = f->views[0].counts;
    assert_int_equal(f->count, 1);
    assert_int_equal(counts[VERDICT_EQUAL], equal);
    assert_int_equal(counts[VERDICT_MISSING], missing);
    assert_int_equal(counts[VERDICT_EXTRA], extra);
    assert_int_equal(counts[VERDICT_DIFFERENT], different);
    assert_int_equal(f->views[0].keys, equal + missing + extra + different);
    assert_int_equal(f->views[0].shown_count, missing + extra + different);
}

static void every_key_is_compared_once_in_however_many_passes(void **state)
{
    struct fixture *f = *state;
    private_file_run(&f->file, "DELETE FROM orders WHERE customer_id IN (7, 1200);"
                               "UPDATE orders SET total = 0 WHERE customer_id IN (8, 99, 1999);"
                               "INSERT INTO orders VALUES (5001, 5, 5), (5002, 5, 5)");
    check_counts(f, CUSTOMERS - 5, 2, 2, 3);
    size_t reads = f->online.read_count;
    f->request.bytes_max = 128 * 1024;
    check_counts(f, CUSTOMERS - 5, 2, 2, 3);
    assert_true(f->online.read_count > 2 * reads);
    assert_true(f->views[0].share == 1);
}

static void sample_gives_way_to_a_lack_of_memory(void **state)
{
    struct fixture *f = *state;
    f->request.sample = CUSTOMERS;
    check_counts(f, CUSTOMERS, 0, 0, 0);
    assert_true(f->views[0].share == 1);
    f->request.bytes_max = 64 * 1024;
    demand(f, run_verify(f));
    assert_in_range(f->views[0].keys, 10, CUSTOMERS / 2);
    assert_true(f->views[0].share < 0.6);
    assert_int_equal(f->views[0].counts[VERDICT_EQUAL], f->views[0].keys);
}

static void rows_too_large_to_be_read_at_once_are_read_by_and_by(void **state)
{
    struct fixture *f = *state;
    f->online.read_bytes_max = 500;
    check_counts(f, CUSTOMERS, 0, 0, 0);
    f->online.read_bytes_max = 10;
    assert_int_equal(run_verify(f), STATUS_EXHAUSTED);
}

static void store_that_goes_away_is_told_with_the_view(void **state)
{
    struct fixture *f = *state;
    f->online.read_status = STATUS_UNAVAILABLE;
    assert_int_equal(run_verify(f), STATUS_UNAVAILABLE);
    assert_string_equal(f->err.message, "feature view spending: the store was told to fail");
    assert_int_equal(f->count, 0);
}

static void it_stops_when_it_is_told_to(void **state)
{
    struct fixture *f = *state;
    const atomic_bool stop = true;
    f->request.stop = &stop;
    assert_int_equal(run_verify(f), STATUS_CANCELLED);
    assert_string_equal(f->err.message, "feature view spending: stopped; nothing was changed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_key_is_compared_once_in_however_many_passes, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(sample_gives_way_to_a_lack_of_memory, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rows_too_large_to_be_read_at_once_are_read_by_and_by,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(store_that_goes_away_is_told_with_the_view, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(it_stops_when_it_is_told_to, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
