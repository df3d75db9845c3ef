/* view_look.c - see view_look.h. The functions below are its steps, in order. */
#include "training/view_look.h"

#include "base/hash.h"
#include "base/timestamp.h"
#include "training/served_row.h"

enum {
    READ_KEYS = 500,
    PROGRESS_EVERY_ROWS = 4096,
    PROGRESS_EVERY_US = 200000,
    CLOCKS_APART_US = 5000000, /* by so much the stores' clocks may differ */
};

bool verify_is_stopped(const struct verify_request *request)
{
    return request->stop && atomic_load(request->stop);
}

enum status verify_stopped(struct error *err)
{
    return fail(err, STATUS_CANCELLED, "stopped; nothing was changed");
}

static void tell(struct view_look *look, enum verify_phase phase, uint64_t rows, uint64_t expected)
{
    int64_t now_us = timestamp_monotonic_us();
    if (!look->request->progress || now_us - look->told_us < PROGRESS_EVERY_US)
        return;
    look->told_us = now_us;
    look->request->progress(look->request->context, look->view->view->about.name, phase, rows,
                            expected);
}

void view_look_init(struct view_look *look, const struct verify_stores *stores,
                    const struct verify_request *request, const struct catalog *catalog,
                    const struct catalog_view *view, int64_t watermark_us)
{
    struct buffer *key = &look->key;
    *look = (struct view_look){
        .stores = stores, .request = request, .view = view, .watermark_us = watermark_us};
    look->ids =
        (struct entity_key_ids){catalog->project_id, view->key_set_id, view->id, view->generation};
    arena_init(&look->step, 0);
    buffer_init(&look->row, 0);
    buffer_init(key, 0);
    entity_key_begin(key, look->ids.project_id, look->ids.key_set_id, NULL, 0);
    look->key_head = key->size - 1;
    entity_key_end(key, view->id, view->generation);
    look->key_tail = key->size - look->key_head;
    key_sample_init(&look->sample, request->sample ? request->sample : KEY_SAMPLE_MAX,
                    request->bytes_max);
}

void view_look_release(struct view_look *look)
{
    key_sample_release(&look->sample);
    buffer_release(&look->key);
    buffer_release(&look->row);
    arena_release(&look->step);
}

/* What is served ------------------------------------------------------------------------------ */

/* Of the values alone: ids and generations are other numbers in another registry. */
static uint64_t hash_of(const struct view_look *look, struct bytes key)
{
    size_t around = look->key_head + look->key_tail;
    return bytes_hash((struct bytes){(const char *)key.data + look->key_head, key.size - around});
}

enum status view_look_find_keys(struct view_look *look, struct error *err)
{
    struct online_cursor cursor = {0};
    uint64_t found = 0;
    while (!cursor.is_done) {
        struct bytes *keys;
        size_t count;
        if (verify_is_stopped(look->request))
            return verify_stopped(err);
        arena_reset(&look->step);
        enum status status = online_store_scan(look->stores->online, &look->ids, &cursor,
                                               &look->step, &keys, &count, err);
        if (status)
            return status;
        for (size_t i = 0; i < count; i++)
            key_sample_put(&look->sample, keys[i], hash_of(look, keys[i]));
        tell(look, VERIFY_READS_ONLINE, found += count, 0);
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

static enum status read_served(struct view_look *look, struct error *err)
{
    struct key_sample *sample = &look->sample;
    size_t indexes[READ_KEYS], most = READ_KEYS, count, at = 0;
    struct bytes keys[READ_KEYS], rows[READ_KEYS];
    while ((count = gather_unread(sample, most, &at, indexes, keys)) > 0) {
        if (verify_is_stopped(look->request))
            return verify_stopped(err);
        arena_reset(&look->step);
        enum status status =
            online_store_read(look->stores->online, keys, count, &look->step, rows, err);
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
    online_store_let_go(look->stores->online);
    return STATUS_OK;
}

/* A tombstone is no row, and neither is one that nobody gets any more for its age. */
static void begin_comparison(const struct view_look *look, struct sampled_key *key)
{
    struct served_row row;
    key->comparison = (struct comparison){0};
    key->other = (struct bytes){0};
    if (!key->served.data)
        return;
    if (served_row_open(look->view, key->served, &row, NULL)) {
        key->comparison.has_served = key->comparison.is_unreadable = true;
        return;
    }
    key->comparison.has_served = !row.is_tombstone && row.header.event_time_us >= look->oldest_us;
    key->comparison.served =
        (struct row_times){row.header.event_time_us, row.header.created_time_us};
}

/* History ------------------------------------------------------------------------------------- */

/* Whether the last run has to have seen such a row. */
static bool is_seen(const struct view_look *look, struct row_times times)
{
    int64_t watermark_us = look->watermark_us;
    return times.event_us <= watermark_us && times.created_us <= watermark_us;
}

/* The row has the times of the one that is served. */
static enum status compare_values(struct view_look *look, struct sampled_key *key,
                                  const struct scan_row *scanned, struct error *err)
{
    struct served_row served;
    const struct view_schema *schema = &look->view->schemas[look->view->schema_count - 1];
    served_row_open(look->view, key->served, &served, NULL);
    if (served_row_equals(&served, look->view->view, scanned->values)) {
        key->comparison.is_equal = true;
        return STATUS_OK;
    }
    key->comparison.is_unequal = true;
    if (key->other.data)
        return STATUS_OK;
    struct row_header header = {.event_time_us = scanned->event_time_us,
                                .created_time_us = scanned->created_time_us,
                                .schema = schema->number};
    buffer_clear(&look->row);
    enum status status = row_pack(&schema->layout, &header, scanned->values, &look->row, err);
    if (!status)
        key->other = key_sample_copy(&look->sample, buffer_bytes(&look->row));
    return status;
}

static enum status take_row(struct view_look *look, const struct scan_row *row, uint64_t *long_keys,
                            struct error *err)
{
    struct buffer *key = &look->key;
    const struct row_times times = {row->event_time_us, row->created_time_us};
    buffer_clear(key);
    entity_key_begin(key, look->ids.project_id, look->ids.key_set_id, row->keys,
                     look->view->view->key_count);
    entity_key_end(key, look->ids.view_id, look->ids.generation);
    if (key->size > ENTITY_KEY_MAX) {
        ++*long_keys;
        return STATUS_OK;
    }
    struct bytes whole = buffer_bytes(key);
    struct sampled_key *sampled = key_sample_put(&look->sample, whole, hash_of(look, whole));
    if (!sampled || !comparison_add(&sampled->comparison, times, is_seen(look, times)))
        return STATUS_OK;
    enum status status = compare_values(look, sampled, row, err);
    key_sample_fit(&look->sample);
    return status;
}

static void keep_counts(struct view_look *look, const struct scan_counts *counts,
                        uint64_t long_keys)
{
    if (look->has_scanned)
        return;
    look->has_scanned = true;
    look->left_out = counts->left_out;
    look->misfits = counts->misfits;
    look->long_keys = long_keys;
}

static enum status stream_rows(struct view_look *look, struct offline_scan *scan, struct error *err)
{
    const struct scan_counts *counts = offline_scan_counts(scan);
    const struct scan_row *row;
    uint64_t long_keys = 0;
    for (;;) {
        enum status status = offline_scan_next(scan, &row, err);
        if (!status && row)
            status = take_row(look, row, &long_keys, err);
        if (status)
            return status;
        if (!row)
            break;
        if (counts->rows % PROGRESS_EVERY_ROWS)
            continue;
        if (verify_is_stopped(look->request))
            return verify_stopped(err);
        tell(look, look->is_second ? VERIFY_LOOKS_AGAIN : VERIFY_READS_HISTORY, counts->rows,
             counts->expected);
    }
    keep_counts(look, counts, long_keys);
    return STATUS_OK;
}

static enum status read_history(struct view_look *look, struct error *err)
{
    struct offline_store *offline = look->stores->offline;
    struct offline_scan *scan = NULL;
    const struct scan_request request = {.view = look->view->view,
                                         .mode = SCAN_EVENTS,
                                         .from_us = look->oldest_us,
                                         .to_us = look->now_us,
                                         .oldest_us = look->oldest_us};
    uint64_t ignored;
    enum status status = offline_store_begin(offline, &ignored, err);
    if (status)
        return status;
    status = offline_scan_open(offline, &request, &scan, err);
    if (!status)
        status = stream_rows(look, scan, err);
    offline_scan_close(scan);
    offline_store_end(offline);
    return status;
}

/* A look -------------------------------------------------------------------------------------- */

/* The clock is read behind what is served: all of that was due by then, and what has expired is too
 * old by it, too. */
enum status view_look_run(struct view_look *look, struct error *err)
{
    enum status status = read_served(look, err);
    if (!status)
        status = offline_store_now(look->stores->offline, &look->now_us, err);
    if (status)
        return status;
    look->oldest_us = feature_view_oldest(look->view->view, look->now_us);
    for (size_t i = 0; i < look->sample.count; i++)
        begin_comparison(look, &look->sample.keys[i]);
    status = read_history(look, err);
    if (status)
        return status;
    int64_t expiring_us =
        look->oldest_us == INT64_MIN ? INT64_MIN : look->oldest_us + CLOCKS_APART_US;
    for (size_t i = 0; i < look->sample.count; i++) {
        struct sampled_key *key = &look->sample.keys[i];
        key->verdict = comparison_end(&key->comparison, expiring_us);
    }
    return STATUS_OK;
}
