/* test_window.c - which rows of history a run reads. */
#include "materializer/window.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const int64_t hour_us = INT64_C(3600000000);
static const int64_t now_us = INT64_C(1700000000000000);

struct fixture {
    struct source source;
    struct feature_view view;
    struct view_state state;
    struct window_facts facts;
};

static void set_up(struct fixture *f)
{
    *f = (struct fixture){0};
    f->source.lookback_us = hour_us;
    f->view.source = &f->source;
    f->facts = (struct window_facts){.view = &f->view, .state = &f->state, .now_us = now_us};
}

static void first_run_takes_all_that_ttl_and_a_day_allow(void **unused)
{
    (void)unused;
    struct fixture f;
    set_up(&f);
    f.view.ttl_us = 6 * hour_us;
    struct window window = window_of(&f.facts);
    assert_int_equal(window.kind, RUN_FIRST);
    assert_int_equal(window.scan.mode, SCAN_EVENTS);
    assert_true(window.scan.from_us == now_us - 30 * hour_us);
    assert_true(window.scan.to_us == now_us);
    assert_true(window.moves_watermark);
}

static void first_run_without_ttl_begins_at_the_beginning(void **unused)
{
    (void)unused;
    struct fixture f;
    set_up(&f);
    assert_true(window_of(&f.facts).scan.from_us == INT64_MIN);
}

static void later_run_goes_back_by_the_lookback(void **unused)
{
    (void)unused;
    struct fixture f;
    set_up(&f);
    f.state.has_watermark = true;
    f.state.watermark_us = now_us - 2 * hour_us;
    struct window window = window_of(&f.facts);
    assert_int_equal(window.kind, RUN_INCREMENTAL);
    assert_int_equal(window.scan.mode, SCAN_INCREMENTAL);
    assert_true(window.scan.from_us == now_us - 3 * hour_us);
    assert_true(window.moves_watermark);
    assert_false(window.clears_stale);
}

static void end_in_the_future_is_now(void **unused)
{
    (void)unused;
    struct fixture f;
    set_up(&f);
    f.facts.has_to = true;
    f.facts.to_us = now_us + hour_us;
    assert_true(window_of(&f.facts).scan.to_us == now_us);
    f.facts.to_us = now_us - hour_us;
    assert_true(window_of(&f.facts).scan.to_us == now_us - hour_us);
}

static void rebuild_is_whole_whatever_was_asked_for(void **unused)
{
    (void)unused;
    struct fixture f;
    set_up(&f);
    f.view.ttl_us = 6 * hour_us;
    f.state.pending_generation = 2;
    f.state.stale_version = 3;
    f.facts.has_from = true;
    f.facts.from_us = now_us - hour_us;
    struct window window = window_of(&f.facts);
    assert_int_equal(window.kind, RUN_REBUILD);
    assert_int_equal(window.scan.mode, SCAN_EVENTS);
    assert_true(window.scan.from_us == now_us - 30 * hour_us);
    assert_true(window.scan.to_us == now_us);
    assert_true(window.moves_watermark);
}

static void rebuild_goes_up_to_the_watermark_at_least(void **unused)
{
    (void)unused;
    struct fixture f;
    set_up(&f);
    f.state.pending_generation = 2;
    f.facts.has_to = true;
    f.facts.to_us = now_us - 3 * hour_us;
    assert_true(window_of(&f.facts).scan.to_us == now_us - 3 * hour_us);
    f.state.has_watermark = true;
    f.state.watermark_us = now_us - 2 * hour_us;
    assert_true(window_of(&f.facts).scan.to_us == now_us - 2 * hour_us);
    f.facts.to_us = now_us - hour_us;
    assert_true(window_of(&f.facts).scan.to_us == now_us - hour_us);
    f.state.watermark_us = now_us + hour_us; /* the clock has gone back */
    assert_true(window_of(&f.facts).scan.to_us == now_us);
}

static void run_with_from_leaves_the_watermark_alone(void **unused)
{
    (void)unused;
    struct fixture f;
    set_up(&f);
    f.state.has_watermark = true;
    f.state.stale_version = 3;
    f.facts.has_from = true;
    f.facts.from_us = now_us - 90 * hour_us;
    struct window window = window_of(&f.facts);
    assert_int_equal(window.kind, RUN_WINDOW);
    assert_int_equal(window.scan.mode, SCAN_EVENTS);
    assert_true(window.scan.from_us == f.facts.from_us);
    assert_false(window.moves_watermark);
    assert_false(window.clears_stale);
}

static void stale_view_is_read_whole(void **unused)
{
    (void)unused;
    struct fixture f;
    set_up(&f);
    f.state = (struct view_state){
        .has_watermark = true, .watermark_us = now_us - hour_us, .stale_version = 2};
    struct window window = window_of(&f.facts);
    assert_int_equal(window.kind, RUN_STALE);
    assert_true(window.scan.from_us == INT64_MIN);
    assert_true(window.clears_stale);
}

static void stale_view_stays_stale_when_the_run_ends_before_its_watermark(void **unused)
{
    (void)unused;
    struct fixture f;
    set_up(&f);
    f.state = (struct view_state){
        .has_watermark = true, .watermark_us = now_us - hour_us, .stale_version = 2};
    f.facts.has_to = true;
    f.facts.to_us = now_us - 2 * hour_us;
    assert_false(window_of(&f.facts).clears_stale);
}

static void lost_writes_are_read_whole(void **unused)
{
    (void)unused;
    struct fixture f;
    set_up(&f);
    f.state.has_watermark = true;
    f.facts.lost_writes = true;
    struct window window = window_of(&f.facts);
    assert_int_equal(window.kind, RUN_LOST_WRITES);
    assert_int_equal(window.scan.mode, SCAN_EVENTS);
    assert_true(window.clears_stale);
}

static void row_expires_a_day_behind_its_ttl(void **unused)
{
    (void)unused;
    struct fixture f;
    set_up(&f);
    assert_true(window_expiry(&f.view, now_us) == 0);
    f.view.ttl_us = hour_us;
    assert_true(window_expiry(&f.view, now_us) == now_us + 25 * hour_us);
    assert_true(window_expiry(&f.view, -25 * hour_us) !=
                0); /* at 1970 itself, 0 would mean never */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_run_takes_all_that_ttl_and_a_day_allow),
        cmocka_unit_test(first_run_without_ttl_begins_at_the_beginning),
        cmocka_unit_test(later_run_goes_back_by_the_lookback),
        cmocka_unit_test(end_in_the_future_is_now),
        cmocka_unit_test(rebuild_is_whole_whatever_was_asked_for),
        cmocka_unit_test(rebuild_goes_up_to_the_watermark_at_least),
        cmocka_unit_test(run_with_from_leaves_the_watermark_alone),
        cmocka_unit_test(stale_view_is_read_whole),
        cmocka_unit_test(stale_view_stays_stale_when_the_run_ends_before_its_watermark),
        cmocka_unit_test(lost_writes_are_read_whole),
        cmocka_unit_test(row_expires_a_day_behind_its_ttl),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
