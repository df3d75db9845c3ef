/* test_counters.c - what workers count, while somebody looks: server/answer/counters.h. */
#include "server/answer/counters.h"

#include "server/answer/lookup.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* A lookup of two rows in one view. */
struct world {
    struct catalog_view in_catalog;
    struct served_view served;
    struct plan_view view;
    struct plan plan;
    struct query query;
    struct found_row found[4];
    uint64_t null_counts[1];
    struct lookup lookup;
};

static void world_init(struct world *world, uint32_t view_id)
{
    *world = (struct world){
        .in_catalog = {.id = view_id},
        .found = {{.status = FEATURE_PRESENT, .event_time_us = 1000000},
                  {.status = FEATURE_OUTSIDE_MAX_AGE, .event_time_us = 0},
                  {.status = FEATURE_NOT_FOUND},
                  {.status = FEATURE_PRESENT, .event_time_us = 9000000}},
        .null_counts = {2},
    };
    world->served.in_catalog = &world->in_catalog;
    world->view.served = &world->served;
    world->plan.views = &world->view;
    world->plan.view_count = 1;
    world->query.plan = &world->plan;
    world->query.row_count = 4;
    world->lookup.query = &world->query;
    world->lookup.found = world->found;
    world->lookup.null_counts = world->null_counts;
}

static void rows_are_counted_by_what_was_found_and_how_old_they_are(void **state)
{
    (void)state;
    struct world world;
    struct counters counters;
    counters_init(&counters, 1);
    world_init(&world, 3);
    assert_null(counters_find_view(&counters.workers[0], 3));
    counters_add_rows(&counters.workers[0], &world.lookup, 3000000);
    counters_add_nulls(&counters.workers[0], &world.lookup);
    const struct view_counters *view = counters_find_view(&counters.workers[0], 3);
    assert_int_equal(counter_read(&view->present), 2);
    assert_int_equal(counter_read(&view->too_old), 1);
    assert_int_equal(counter_read(&view->not_found), 1);
    assert_int_equal(counter_read(&view->null_values), 2);
    assert_int_equal(counter_read(&view->age_us.buckets[0]), 1); /* it is ahead of us: 0 */
    assert_int_equal(counter_read(&view->age_us.buckets[1]), 2); /* 2 s and 3 s */
    assert_int_equal(counter_read(&view->age_us.sum), 5);
    counters_release(&counters);
}

static void ids_that_are_too_great_are_counted_together(void **state)
{
    (void)state;
    struct world world;
    struct counters counters;
    counters_init(&counters, 1);
    world_init(&world, UINT32_MAX);
    counters_add_rows(&counters.workers[0], &world.lookup, 0);
    world_init(&world, COUNTED_VIEWS_PER_PAGE * COUNTED_VIEW_PAGES);
    counters_add_rows(&counters.workers[0], &world.lookup, 0);
    assert_null(counters_find_view(&counters.workers[0], UINT32_MAX));
    assert_int_equal(counter_read(&counters.workers[0].other_views.present), 4);
    counters_release(&counters);
}

enum { WORKERS = 3, ROUNDS = 20000, VIEWS = 200 };

struct work {
    struct worker_counters *counters;
    _Atomic int *running;
};

static void *count_rows(void *arg)
{
    struct work *work = arg;
    struct world world;
    for (uint32_t i = 0; i < ROUNDS; i++) {
        world_init(&world, i % VIEWS);
        counters_add_rows(work->counters, &world.lookup, 0);
        counters_add_read(work->counters, 4, 70, i % 2 == 0);
    }
    atomic_fetch_sub(work->running, 1);
    return NULL;
}

static uint64_t sum_present(const struct counters *counters)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < counters->worker_count; i++)
        for (uint32_t id = 0; id < VIEWS; id++) {
            const struct view_counters *view = counters_find_view(&counters->workers[i], id);
            sum += view ? counter_read(&view->present) : 0;
        }
    return sum;
}

static void nothing_is_lost_while_somebody_looks(void **state)
{
    (void)state;
    struct counters counters;
    pthread_t threads[WORKERS];
    struct work works[WORKERS];
    _Atomic int running = WORKERS;
    uint64_t before = 0, now;
    counters_init(&counters, WORKERS);
    for (size_t i = 0; i < WORKERS; i++) {
        works[i] = (struct work){&counters.workers[i], &running};
        assert_int_equal(pthread_create(&threads[i], NULL, count_rows, &works[i]), 0);
    }
    do {
        now = sum_present(&counters);
        assert_true(now >= before);
        before = now;
    } while (atomic_load(&running) > 0);
    for (size_t i = 0; i < WORKERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(sum_present(&counters), 2 * WORKERS * ROUNDS);
    for (size_t i = 0; i < WORKERS; i++) {
        assert_int_equal(counter_read(&counters.workers[i].read_keys), 4 * ROUNDS);
        assert_int_equal(counter_read(&counters.workers[i].read_failures), ROUNDS / 2);
        assert_int_equal(counter_read(&counters.workers[i].read_us.buckets[0]), ROUNDS);
    }
    counters_release(&counters);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_counted_by_what_was_found_and_how_old_they_are),
        cmocka_unit_test(ids_that_are_too_great_are_counted_together),
        cmocka_unit_test(nothing_is_lost_while_somebody_looks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
