/* counters.c - see counters.h. */
#include "server/answer/counters.h"

#include "base/error.h"
#include "server/answer/lookup.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define S UINT64_C(1000000)

const struct histogram_bounds request_time_bounds = {16,
                                                     {100, 250, 500, 1000, 2500, 5000, 10000, 25000,
                                                      50000, 100000, 250000, 500000, S, 2 * S,
                                                      5 * S, 10 * S}};
const struct histogram_bounds batch_bounds = {9, {1, 2, 4, 8, 16, 32, 64, 128, 256}};
const struct histogram_bounds age_bounds = {10,
                                            {S, 10 * S, 60 * S, 300 * S, 900 * S, 3600 * S,
                                             6 * 3600 * S, 24 * 3600 * S, 7 * 24 * 3600 * S,
                                             30 * 24 * 3600 * S}};

void counters_init(struct counters *counters, size_t worker_count)
{
    size_t size = worker_count * sizeof *counters->workers;
    counters->worker_count = worker_count;
    counters->workers = aligned_alloc(_Alignof(struct worker_counters), size);
    if (!counters->workers)
        out_of_memory();
    memset(counters->workers, 0, size);
}

void counters_release(struct counters *counters)
{
    for (size_t i = 0; i < counters->worker_count; i++)
        for (size_t j = 0; j < COUNTED_VIEW_PAGES; j++)
            free(atomic_load(&counters->workers[i].pages[j]));
    free(counters->workers);
}

const struct view_counters *counters_find_view(const struct worker_counters *counters,
                                               uint32_t view_id)
{
    if (view_id / COUNTED_VIEWS_PER_PAGE >= COUNTED_VIEW_PAGES)
        return NULL;
    const struct view_page *page = atomic_load_explicit(
        &counters->pages[view_id / COUNTED_VIEWS_PER_PAGE], memory_order_acquire);
    return page ? &page->views[view_id % COUNTED_VIEWS_PER_PAGE] : NULL;
}

struct view_counters *counters_of_view(struct worker_counters *counters, uint32_t view_id)
{
    if (view_id / COUNTED_VIEWS_PER_PAGE >= COUNTED_VIEW_PAGES)
        return &counters->other_views;
    _Atomic(struct view_page *) *place = &counters->pages[view_id / COUNTED_VIEWS_PER_PAGE];
    struct view_page *page = atomic_load_explicit(place, memory_order_relaxed);
    if (!page) { /* once in the server's life for each 64 ids */
        page = calloc(1, sizeof *page);
        if (!page)
            out_of_memory();
        atomic_store_explicit(place, page, memory_order_release);
    }
    return &page->views[view_id % COUNTED_VIEWS_PER_PAGE];
}

void counters_add_answer(struct method_counters *counters, unsigned code, int64_t time_us,
                         size_t answer_size)
{
    assert(code < COUNTED_CODES);
    counter_bump(&counters->codes[code], 1);
    counter_bump(&counters->answer_bytes, answer_size);
    histogram_add(&counters->time_us, &request_time_bounds, (uint64_t)time_us, (uint64_t)time_us);
}

void counters_add_read(struct worker_counters *counters, size_t key_count, int64_t time_us,
                       bool failed)
{
    histogram_add(&counters->read_us, &request_time_bounds, (uint64_t)time_us, (uint64_t)time_us);
    counter_bump(&counters->read_keys, key_count);
    counter_bump(&counters->read_failures, failed);
}

static void add_rows(struct view_counters *view, const struct found_row *rows, size_t count,
                     int64_t now_us)
{
    uint64_t not_found = 0, too_old = 0;
    for (size_t i = 0; i < count; i++) {
        if (rows[i].status == FEATURE_NOT_FOUND) {
            not_found++;
            continue;
        }
        too_old += rows[i].status == FEATURE_OUTSIDE_MAX_AGE;
        uint64_t age_us =
            now_us > rows[i].event_time_us ? (uint64_t)(now_us - rows[i].event_time_us) : 0;
        histogram_add(&view->age_us, &age_bounds, age_us, age_us / S);
    }
    counter_bump(&view->present, count - not_found - too_old);
    counter_bump(&view->not_found, not_found);
    counter_bump(&view->too_old, too_old);
}

void counters_add_rows(struct worker_counters *counters, const struct lookup *lookup,
                       int64_t now_us)
{
    const struct plan *plan = lookup->query->plan;
    size_t row_count = lookup->query->row_count;
    for (size_t i = 0; i < plan->view_count; i++)
        add_rows(counters_of_view(counters, plan->views[i].served->in_catalog->id),
                 lookup_row(lookup, i, 0), row_count, now_us);
}

void counters_add_nulls(struct worker_counters *counters, const struct lookup *lookup)
{
    const struct plan *plan = lookup->query->plan;
    for (size_t i = 0; i < plan->view_count; i++)
        if (lookup->null_counts[i] > 0)
            counter_bump(
                &counters_of_view(counters, plan->views[i].served->in_catalog->id)->null_values,
                lookup->null_counts[i]);
}
