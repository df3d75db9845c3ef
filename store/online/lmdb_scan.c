/*
 * lmdb_scan.c - a walk over the keys of a view's rows: see online_store.h.
 *
 * The rows of a key set lie side by side, those of its views among each other. Each step is a
 * snapshot of its own, so that no page is kept from writers for longer than that.
 */
#include "store/online/lmdb_store.h"

#include "base/timestamp.h"

enum { STEP_ROWS = 5000 };

struct step {
    const struct entity_key_ids *ids;
    struct buffer prefix;
    struct online_cursor *cursor;
    struct arena *arena;
    struct bytes *keys;
    size_t count;
    int64_t now_us;
};

static bool begins_with(struct bytes key, const struct buffer *prefix)
{
    return key.size >= prefix->size && memcmp(key.data, prefix->data, prefix->size) == 0;
}

static struct bytes begin_of(const struct step *step)
{
    const struct online_cursor *cursor = step->cursor;
    return cursor->size ? (struct bytes){cursor->place, cursor->size} : buffer_bytes(&step->prefix);
}

/* Whether the next step begins there. */
static bool leave_at(struct step *step, struct bytes key)
{
    if (key.size > sizeof step->cursor->place)
        return false;
    memcpy(step->cursor->place, key.data, key.size);
    step->cursor->size = key.size;
    return true;
}

static void take(struct step *step, struct bytes key, MDB_val value)
{
    if (online_key_is_of(key, step->ids) &&
        !lmdb_is_past(lmdb_row_of(value).expires_at_us, step->now_us))
        step->keys[step->count++] = arena_bytes(step->arena, key);
}

/* MDB_NOTFOUND: the rows of the key set end here. */
static int walk(struct step *step, MDB_cursor *reader)
{
    MDB_val at = lmdb_value_of(begin_of(step)), value;
    int code = mdb_cursor_get(reader, &at, &value, MDB_SET_RANGE);
    for (size_t i = 0; !code; i++) {
        struct bytes key = lmdb_bytes_of(at);
        if (!begins_with(key, &step->prefix))
            return MDB_NOTFOUND;
        if (i >= STEP_ROWS && leave_at(step, key))
            return 0;
        if (i < STEP_ROWS)
            take(step, key, value);
        code = mdb_cursor_get(reader, &at, &value, MDB_NEXT);
    }
    return code;
}

enum status lmdb_scan(struct online_store *base, const struct entity_key_ids *ids,
                      struct online_cursor *cursor, struct arena *arena, struct bytes **keys,
                      size_t *count, struct error *err)
{
    struct lmdb_store *store = lmdb_store_of(base);
    enum status status = lmdb_begin_reading(store, err);
    if (status)
        return status;
    struct step step = {.ids = ids,
                        .cursor = cursor,
                        .arena = arena,
                        .keys = arena_array(arena, STEP_ROWS, sizeof *step.keys),
                        .now_us = timestamp_now()};
    buffer_init(&step.prefix, 0);
    online_key_prefix(ids, &step.prefix);
    int code = walk(&step, store->row_reader);
    lmdb_end_reading(store);
    buffer_release(&step.prefix);
    cursor->is_done = code == MDB_NOTFOUND;
    *keys = step.keys;
    *count = step.count;
    return code && !cursor->is_done ? lmdb_fail(&store->folder, code, err) : STATUS_OK;
}
