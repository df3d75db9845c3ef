/* verify_view.c - see verify_view.h. The functions below are the steps of a look, in order. */
#include "training/verify_view.h"

#include "base/entity_key.h"
#include "base/hash.h"
#include "base/timestamp.h"
#include "training/key_sample.h"
#include "training/served_row.h"
#include "training/verified_keys.h"

#include <time.h>

enum {
    READ_KEYS = 500,
    PROGRESS_EVERY_ROWS = 4096,
    PROGRESS_EVERY_US = 200000,
    STEP_MS = 50,
    CLOCKS_APART_US = 5000000, /* by so much the stores' clocks may differ */
};

struct view_check {
    const struct verify_stores *stores;
    const struct verify_request *request;
    struct arena own;  /* the definitions */
    struct arena step; /* what one step reads */
    struct catalog catalog;
    const struct catalog_view *view;
    const struct view_state *state;
    struct entity_key_ids ids;
    size_t key_head, key_tail; /* bytes of a whole key before its values, and behind them */
    struct key_sample sample;
    struct buffer key, row;
    int64_t now_us, oldest_us; /* of the look under way: rows of between count */
    bool is_second;            /* the look is */
    bool has_scanned;          /* the source's rows were counted */
    int64_t told_us;           /* when progress was last told */
    struct verified_view *report;
    struct verified_keys verified;
};

static bool is_stopped(const struct view_check *check)
{
    return check->request->stop && atomic_load(check->request->stop);
}

static enum status stopped(struct error *err)
{
    return fail(err, STATUS_CANCELLED, "stopped; nothing was changed");
}

static void tell(struct view_check *check, enum verify_phase phase, uint64_t rows,
                 uint64_t expected)
{
    int64_t now_us = timestamp_monotonic_us();
    if (!check->request->progress || now_us - check->told_us < PROGRESS_EVERY_US)
        return;
    check->told_us = now_us;
    check->request->progress(check->request->context, check->report->view, phase, rows, expected);
}

/* The definitions ----------------------------------------------------------------------------- */

static enum verify_state state_of(const struct view_check *check)
{
    if (!check->view || !check->view->view->online)
        return VERIFY_CHANGED;
    if (!check->state->has_watermark)
        return VERIFY_NEVER;
    if (check->state->pending_generation)
        return VERIFY_PENDING;
    return check->state->stale_version ? VERIFY_STALE : VERIFY_COMPARED;
}

static enum status read_definitions(struct view_check *check, struct error *err)
{
    struct registry *registry = check->stores->registry;
    struct view_state *states;
    struct catalog *catalog = &check->catalog;
    enum status status = registry_read(registry, check->request->catalog->definitions.project,
                                       &check->own, catalog, err);
    if (!status)
        status = registry_view_states(registry, catalog, &check->own, &states, err);
    if (status)
        return status;
    check->view = catalog_find_view(catalog, check->report->view);
    check->state = check->view ? &states[check->view - catalog->views] : NULL;
    return STATUS_OK;
}

static void prepare(struct view_check *check, struct arena *arena)
{
    const struct catalog_view *view = check->view;
    struct buffer *key = &check->key;
    check->ids = (struct entity_key_ids){check->catalog.project_id, view->key_set_id, view->id,
                                         view->generation};
    entity_key_begin(key, check->ids.project_id, check->ids.key_set_id, NULL, 0);
    check->key_head = key->size - 1;
    entity_key_end(key, view->id, view->generation);
    check->key_tail = key->size - check->key_head;
    verified_keys_init(&check->verified, view, check->request->show, arena);
}

/* Whose rows they are: a store that was emptied is nobody's, and lacks them all. */
static enum status check_owner(const struct view_check *check, struct error *err)
{
    uint64_t owner;
    enum status status = online_store_owner(check->stores->online, &owner, err);
    if (status || owner == 0 || owner == check->catalog.identity)
        return status;
    return fail(err, STATUS_CONFLICT, "the online store belongs to another registry");
}

/* What is served ------------------------------------------------------------------------------ */

/* Of the values alone: ids and generations are other numbers in another registry. */
static uint64_t hash_of(const struct view_check *check, struct bytes key)
{
    size_t around = check->key_head + check->key_tail;
    return bytes_hash((struct bytes){(const char *)key.data + check->key_head, key.size - around});
}

static enum status find_keys(struct view_check *check, struct error *err)
{
    struct online_cursor cursor = {0};
    uint64_t found = 0;
    while (!cursor.is_done) {
        struct bytes *keys;
        size_t count;
        if (is_stopped(check))
            return stopped(err);
        arena_reset(&check->step);
        enum status status = online_store_scan(check->stores->online, &check->ids, &cursor,
                                               &check->step, &keys, &count, err);
        if (status)
            return status;
        for (size_t i = 0; i < count; i++)
            key_sample_put(&check->sample, keys[i], hash_of(check, keys[i]));
        tell(check, VERIFY_READS_ONLINE, found += count, 0);
    }
    return STATUS_OK;
}

/* Some of those not yet read, from *at on, which it moves behind them. */
static size_t gather_unread(const struct key_sample *sample, size_t most, size_t *at,
                            size_t *indexes, struct bytes *keys)
{
    size_t count = 0;
    for (; *at < sample->count && count < most; ++*at) {
        if (sample->keys[*at].is_read)
            continue;
        indexes[count] = *at;
        keys[count++] = sample->keys[*at].key;
    }
    return count;
}

static enum status read_served(struct view_check *check, struct error *err)
{
    struct key_sample *sample = &check->sample;
    size_t indexes[READ_KEYS], most = READ_KEYS, count, at = 0;
    struct bytes keys[READ_KEYS], rows[READ_KEYS];
    while ((count = gather_unread(sample, most, &at, indexes, keys)) > 0) {
        if (is_stopped(check))
            return stopped(err);
        arena_reset(&check->step);
        enum status status =
            online_store_read(check->stores->online, keys, count, &check->step, rows, err);
        if (status == STATUS_EXHAUSTED && count > 1) {
            most = count / 2; /* large rows */
            at = indexes[0];
            continue;
        }
        if (status)
            return status;
        for (size_t i = 0; i < count; i++) {
            sample->keys[indexes[i]].served = key_sample_copy(sample, rows[i]);
            sample->keys[indexes[i]].is_read = true;
        }
        if (key_sample_fit(sample))
            at = 0;
    }
    online_store_let_go(check->stores->online);
    return STATUS_OK;
}

/* A tombstone is no row, and neither is one that nobody gets any more for its age. */
static void begin_comparison(const struct view_check *check, struct sampled_key *key)
{
    struct served_row row;
    key->comparison = (struct comparison){0};
    key->other = (struct bytes){0};
    if (!key->served.data)
        return;
    if (served_row_open(check->view, key->served, &row, NULL)) {
        key->comparison.has_served = key->comparison.is_unreadable = true;
        return;
    }
    key->comparison.has_served = !row.is_tombstone && row.header.event_time_us >= check->oldest_us;
    key->comparison.served =
        (struct row_times){row.header.event_time_us, row.header.created_time_us};
}

/* History ------------------------------------------------------------------------------------- */

/* Whether the last run has to have seen such a row. */
static bool is_seen(const struct view_check *check, struct row_times times)
{
    int64_t watermark_us = check->state->watermark_us;
    return times.event_us <= watermark_us && times.created_us <= watermark_us;
}

/* The row has the times of the one that is served. */
static enum status compare_values(struct view_check *check, struct sampled_key *key,
                                  const struct scan_row *scanned, struct error *err)
{
    struct served_row served;
    const struct view_schema *schema = &check->view->schemas[check->view->schema_count - 1];
    served_row_open(check->view, key->served, &served, NULL);
    if (served_row_equals(&served, check->view->view, scanned->values)) {
        key->comparison.is_equal = true;
        return STATUS_OK;
    }
    key->comparison.is_unequal = true;
    if (key->other.data)
        return STATUS_OK;
    struct row_header header = {.event_time_us = scanned->event_time_us,
                                .created_time_us = scanned->created_time_us,
                                .schema = schema->number};
    buffer_clear(&check->row);
    enum status status = row_pack(&schema->layout, &header, scanned->values, &check->row, err);
    if (!status)
        key->other = key_sample_copy(&check->sample, buffer_bytes(&check->row));
    return status;
}

static enum status take_row(struct view_check *check, const struct scan_row *row,
                            uint64_t *long_keys, struct error *err)
{
    struct buffer *key = &check->key;
    const struct row_times times = {row->event_time_us, row->created_time_us};
    buffer_clear(key);
    entity_key_begin(key, check->ids.project_id, check->ids.key_set_id, row->keys,
                     check->view->view->key_count);
    entity_key_end(key, check->ids.view_id, check->ids.generation);
    if (key->size > ENTITY_KEY_MAX) {
        ++*long_keys;
        return STATUS_OK;
    }
    struct bytes whole = buffer_bytes(key);
    struct sampled_key *sampled = key_sample_put(&check->sample, whole, hash_of(check, whole));
    if (!sampled || !comparison_add(&sampled->comparison, times, is_seen(check, times)))
        return STATUS_OK;
    enum status status = compare_values(check, sampled, row, err);
    key_sample_fit(&check->sample);
    return status;
}

static void keep_counts(struct view_check *check, const struct scan_counts *counts,
                        uint64_t long_keys)
{
    if (check->has_scanned)
        return;
    check->has_scanned = true;
    check->report->left_out = counts->left_out;
    check->report->misfits = counts->misfits;
    check->report->long_keys = long_keys;
}

static enum status stream_rows(struct view_check *check, struct offline_scan *scan,
                               struct error *err)
{
    const struct scan_counts *counts = offline_scan_counts(scan);
    const struct scan_row *row;
    uint64_t long_keys = 0;
    for (;;) {
        enum status status = offline_scan_next(scan, &row, err);
        if (!status && row)
            status = take_row(check, row, &long_keys, err);
        if (status)
            return status;
        if (!row)
            break;
        if (counts->rows % PROGRESS_EVERY_ROWS)
            continue;
        if (is_stopped(check))
            return stopped(err);
        tell(check, check->is_second ? VERIFY_LOOKS_AGAIN : VERIFY_READS_HISTORY, counts->rows,
             counts->expected);
    }
    keep_counts(check, counts, long_keys);
    return STATUS_OK;
}

static enum status read_history(struct view_check *check, struct error *err)
{
    struct offline_store *offline = check->stores->offline;
    struct offline_scan *scan = NULL;
    const struct scan_request request = {.view = check->view->view,
                                         .mode = SCAN_EVENTS,
                                         .from_us = check->oldest_us,
                                         .to_us = check->now_us,
                                         .oldest_us = check->oldest_us};
    uint64_t ignored;
    enum status status = offline_store_begin(offline, &ignored, err);
    if (status)
        return status;
    status = offline_scan_open(offline, &request, &scan, err);
    if (!status)
        status = stream_rows(check, scan, err);
    offline_scan_close(scan);
    offline_store_end(offline);
    return status;
}

/* A look -------------------------------------------------------------------------------------- */

/* The clock is read behind what is served: all of that was due by then, and what has expired is too
 * old by it, too. */
static enum status look(struct view_check *check, struct error *err)
{
    enum status status = read_served(check, err);
    if (!status)
        status = offline_store_now(check->stores->offline, &check->now_us, err);
    if (status)
        return status;
    check->oldest_us = feature_view_oldest(check->view->view, check->now_us);
    for (size_t i = 0; i < check->sample.count; i++)
        begin_comparison(check, &check->sample.keys[i]);
    status = read_history(check, err);
    if (status)
        return status;
    int64_t expiring_us =
        check->oldest_us == INT64_MIN ? INT64_MIN : check->oldest_us + CLOCKS_APART_US;
    for (size_t i = 0; i < check->sample.count; i++) {
        struct sampled_key *key = &check->sample.keys[i];
        key->verdict = comparison_end(&key->comparison, expiring_us);
    }
    return STATUS_OK;
}

static bool is_suspect(const struct sampled_key *key)
{
    return verdict_is_difference(key->verdict);
}

static enum status pause_between(const struct view_check *check, struct error *err)
{
    const struct timespec step = {.tv_nsec = STEP_MS * 1000000};
    int64_t until_us = timestamp_monotonic_us() + VERIFY_PAUSE_MS * INT64_C(1000);
    while (timestamp_monotonic_us() < until_us) {
        if (is_stopped(check))
            return stopped(err);
        nanosleep(&step, NULL);
    }
    return STATUS_OK;
}

/* Whether an apply, or a run that has rebuilt a view, came after the definitions were read. */
static enum status look_for_changes(struct view_check *check, struct error *err)
{
    struct registry_version version;
    enum status status = registry_version(
        check->stores->registry, check->request->catalog->definitions.project, &version, err);
    if (!status && !registry_version_is(version, &check->catalog))
        check->report->state = VERIFY_CHANGED;
    return status;
}

/* At what differed, alone: both sides are read again. */
static enum status look_again(struct view_check *check, struct error *err)
{
    key_sample_close(&check->sample, is_suspect);
    for (size_t i = 0; i < check->sample.count; i++) {
        check->sample.keys[i].is_read = false;
        check->sample.keys[i].served = (struct bytes){0};
    }
    enum status status = pause_between(check, err);
    if (!status)
        status = look_for_changes(check, err);
    if (status || check->report->state == VERIFY_CHANGED)
        return status;
    check->is_second = true;
    status = look(check, err);
    check->is_second = false;
    return status;
}

static enum status compare_range(struct view_check *check, struct error *err)
{
    struct key_sample *sample = &check->sample;
    enum status status = find_keys(check, err);
    if (!status)
        status = look(check, err);
    if (status)
        return status;
    verified_keys_count(&check->verified, sample, check->state, false);
    bool has_suspects = false;
    for (size_t i = 0; i < sample->count && !has_suspects; i++)
        has_suspects = is_suspect(&sample->keys[i]);
    if (!has_suspects)
        return STATUS_OK;
    status = look_again(check, err);
    if (!status)
        verified_keys_count(&check->verified, sample, check->state, true);
    return status;
}

static enum status compare(struct view_check *check, struct arena *arena, struct error *err)
{
    size_t limit = check->request->sample ? check->request->sample : KEY_SAMPLE_MAX;
    prepare(check, arena);
    enum status status = check_owner(check, err);
    if (status)
        return status;
    key_sample_init(&check->sample, limit, check->request->bytes_max);
    do {
        status = compare_range(check, err);
    } while (!status && check->report->state == VERIFY_COMPARED && !check->request->sample &&
             key_sample_next(&check->sample));
    check->report->share = check->request->sample ? key_sample_share(&check->sample) : 1;
    key_sample_release(&check->sample);
    return status;
}

static void begin_report(struct view_check *check, struct arena *arena)
{
    struct verified_view *report = check->report;
    report->state = state_of(check);
    if (!check->state)
        return;
    report->reason = arena_text(arena, check->state->stale_reason);
    report->has_watermark = check->state->has_watermark;
    report->watermark_us = check->state->watermark_us;
}

enum status verify_view_run(const struct verify_stores *stores,
                            const struct verify_request *request, const char *name,
                            struct arena *arena, struct verified_view *report, struct error *err)
{
    struct view_check check = {.stores = stores, .request = request, .report = report};
    *report = (struct verified_view){.view = name};
    arena_init(&check.own, 0);
    arena_init(&check.step, 0);
    buffer_init(&check.key, 0);
    buffer_init(&check.row, 0);
    enum status status = read_definitions(&check, err);
    if (!status)
        begin_report(&check, arena);
    if (!status && report->state == VERIFY_COMPARED)
        status = compare(&check, arena, err);
    if (!status && report->state == VERIFY_COMPARED)
        verified_keys_report(&check.verified, report);
    if (status == STATUS_CANCELLED && is_stopped(&check))
        status = stopped(err);
    buffer_release(&check.row);
    buffer_release(&check.key);
    arena_release(&check.step);
    arena_release(&check.own);
    return status ? fail_within(err, "feature view %s", name) : STATUS_OK;
}
