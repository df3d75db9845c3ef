/* near_store.c - a handle on the online store that reads through the near cache: see near_cache.h.
 */
#include "base/counter.h"
#include "base/timestamp.h"
#include "store/online/near_cache.h"
#include "store/online/online_store_backend.h"
#include "store/online/redis_tracking.h"

#include <stdlib.h>

struct near_store {
    struct online_store base;
    struct online_store *inner;
    struct near_rows *rows;
    struct redis_tracking *tracking;
    struct redis_sameness sameness;
    struct counter *bypassed;
};

static inline struct near_store *near_of(struct online_store *store)
{
    return (struct near_store *)store;
}

static inline struct online_store *inner_of(struct online_store *store)
{
    return near_of(store)->inner;
}

static void near_close(struct online_store *store)
{
    online_store_close(inner_of(store));
    free(store);
}

/* Reading. */

/* The keys of a read that the cache does not know, all in the caller's arena. */
struct missing {
    size_t count;
    struct bytes *keys, *rows;
    size_t *numbers; /* in the read */
    struct near_ticket *tickets;
};

static void add_missing(struct missing *missing, size_t number, size_t left, struct bytes key,
                        const struct near_ticket *ticket, struct arena *arena)
{
    if (missing->count == 0) {
        missing->keys = arena_alloc(arena, left * sizeof *missing->keys);
        missing->rows = arena_alloc(arena, left * sizeof *missing->rows);
        missing->numbers = arena_alloc(arena, left * sizeof *missing->numbers);
        missing->tickets = arena_alloc(arena, left * sizeof *missing->tickets);
    }
    missing->keys[missing->count] = key;
    missing->numbers[missing->count] = number;
    missing->tickets[missing->count] = *ticket;
    missing->count++;
}

static enum status too_large(struct error *err)
{
    return fail(err, STATUS_EXHAUSTED, "the rows are more than %d bytes: ask for fewer at once",
                ONLINE_READ_BYTES_MAX);
}

static enum status read_missing(struct near_store *store, const struct missing *missing,
                                struct arena *arena, struct bytes *rows, size_t *bytes,
                                struct error *err)
{
    enum status status =
        online_store_read(store->inner, missing->keys, missing->count, arena, missing->rows, err);
    /* An answer from a connection that was made for it may be another Redis'. */
    bool is_of_use = redis_sameness_lasts(store->tracking, store->inner, &store->sameness);
    for (size_t i = 0; !status && i < missing->count; i++) {
        struct bytes row = missing->rows[i];
        if (is_of_use)
            near_rows_keep(store->rows, missing->keys[i], row, &missing->tickets[i]);
        else
            near_rows_raise(store->rows, missing->keys[i], row);
        rows[missing->numbers[i]] = row;
        *bytes += row.size;
    }
    return status;
}

static bool may_be_used(struct near_store *store)
{
    return near_rows_are_right(store->rows, timestamp_monotonic_us()) &&
           redis_tracking_is_of(store->tracking, store->inner, &store->sameness);
}

static enum status read_past(struct near_store *store, const struct bytes *keys, size_t count,
                             struct arena *arena, struct bytes *rows, struct error *err)
{
    counter_add(store->bypassed, count);
    enum status status = online_store_read(store->inner, keys, count, arena, rows, err);
    if (status || !near_rows_are_right(store->rows, timestamp_monotonic_us()))
        return status;
    for (size_t i = 0; i < count; i++)
        near_rows_raise(store->rows, keys[i], rows[i]);
    return STATUS_OK;
}

static enum status near_read(struct online_store *base, const struct bytes *keys, size_t count,
                             struct arena *arena, struct bytes *rows, struct error *err)
{
    struct near_store *store = near_of(base);
    struct missing missing = {0};
    size_t bytes = 0;
    if (!may_be_used(store))
        return read_past(store, keys, count, arena, rows, err);
    for (size_t i = 0; i < count; i++) {
        struct near_ticket ticket;
        if (near_rows_look(store->rows, keys[i], arena, &rows[i], &ticket))
            bytes += rows[i].size;
        else
            add_missing(&missing, i, count - i, keys[i], &ticket, arena);
        if (bytes > ONLINE_READ_BYTES_MAX)
            return too_large(err);
    }
    if (missing.count == 0)
        return STATUS_OK;
    enum status status = read_missing(store, &missing, arena, rows, &bytes, err);
    return !status && bytes > ONLINE_READ_BYTES_MAX ? too_large(err) : status;
}

static void near_let_go(struct online_store *store)
{
    online_store_let_go(inner_of(store));
}

/* What this handle writes itself it need not be told of. */

static enum status near_write(struct online_store *base, const struct online_write *writes,
                              size_t count, const struct online_mark *marks, size_t mark_count,
                              enum row_outcome *outcomes, struct error *err)
{
    struct near_store *store = near_of(base);
    enum status status =
        online_store_write(store->inner, writes, count, marks, mark_count, outcomes, err);
    for (size_t i = 0; i < count; i++)
        near_rows_forget(store->rows, writes[i].key);
    return status;
}

static enum status near_remove(struct online_store *base, uint32_t project_id, const char *project,
                               const struct online_rows *rows, size_t count, uint64_t *removed,
                               struct error *err)
{
    struct near_store *store = near_of(base);
    enum status status =
        online_store_remove(store->inner, project_id, project, rows, count, removed, err);
    near_rows_clear(store->rows);
    return status;
}

/* The rest is not about rows. */

static enum status near_scan(struct online_store *store, const struct entity_key_ids *ids,
                             struct online_cursor *cursor, struct arena *arena, struct bytes **keys,
                             size_t *count, struct error *err)
{
    return online_store_scan(inner_of(store), ids, cursor, arena, keys, count, err);
}

static enum status near_read_marks(struct online_store *store, const struct online_mark *marks,
                                   size_t count, int64_t *positions, struct error *err)
{
    return online_store_read_marks(inner_of(store), marks, count, positions, err);
}

static enum status near_owner(struct online_store *store, uint64_t *identity, struct error *err)
{
    return online_store_owner(inner_of(store), identity, err);
}

static enum status near_claim(struct online_store *store, uint64_t identity, bool take_over,
                              struct error *err)
{
    return online_store_claim(inner_of(store), identity, take_over, err);
}

static enum status near_release(struct online_store *store, uint64_t identity, struct error *err)
{
    return online_store_release(inner_of(store), identity, err);
}

static enum status near_put_catalog(struct online_store *store, const char *project,
                                    uint64_t identity, uint64_t version, struct bytes text,
                                    bool force, struct error *err)
{
    return online_store_put_catalog(inner_of(store), project, identity, version, text, force, err);
}

static enum status near_get_catalog(struct online_store *store, const char *project,
                                    struct arena *arena, struct bytes *text, struct error *err)
{
    return online_store_get_catalog(inner_of(store), project, arena, text, err);
}

static enum status near_catalog_version(struct online_store *store, const char *project,
                                        uint64_t *identity, uint64_t *version, struct error *err)
{
    return online_store_catalog_version(inner_of(store), project, identity, version, err);
}

static enum status near_inspect(struct online_store *store, struct online_info *info,
                                struct error *err)
{
    return online_store_inspect(inner_of(store), info, err);
}

static enum status near_examine(struct online_store *store, struct arena *arena,
                                struct examination *examination, struct error *err)
{
    return online_store_examine(inner_of(store), arena, examination, err);
}

static enum status near_ping(struct online_store *store, struct error *err)
{
    return online_store_ping(inner_of(store), err);
}

static const struct online_store_ops near_online_store = {
    .type = "near", /* which no settings name: it stands around another */
    .open = online_store_open,
    .close = near_close,
    .read = near_read,
    .let_go = near_let_go,
    .scan = near_scan,
    .write = near_write,
    .read_marks = near_read_marks,
    .owner = near_owner,
    .claim = near_claim,
    .release = near_release,
    .put_catalog = near_put_catalog,
    .get_catalog = near_get_catalog,
    .catalog_version = near_catalog_version,
    .remove = near_remove,
    .inspect = near_inspect,
    .examine = near_examine,
    .ping = near_ping,
};

struct online_store *near_store_around(struct online_store *inner, struct near_rows *rows,
                                       struct redis_tracking *tracking, struct counter *bypassed)
{
    struct near_store *store = malloc(sizeof *store);
    if (!store)
        out_of_memory();
    *store = (struct near_store){.base = {&near_online_store},
                                 .inner = inner,
                                 .rows = rows,
                                 .tracking = tracking,
                                 .bypassed = bypassed};
    return &store->base;
}
