/* memory_online_store.c - see memory_online_store.h. */
#include "tests/support/memory_online_store.h"

#include <stdlib.h>

static struct memory_online_store *of(struct online_store *store)
{
    return (struct memory_online_store *)store;
}

static struct memory_row *find(struct memory_online_store *memory, struct bytes key)
{
    for (struct memory_row *row = memory->rows; row; row = row->next)
        if (bytes_equal(row->key, key))
            return row;
    return NULL;
}

static enum status memory_read(struct online_store *store, const struct bytes *keys, size_t count,
                               struct arena *arena, struct bytes *rows, struct error *err)
{
    struct memory_online_store *memory = of(store);
    memory->read_count++;
    memory->key_count += count;
    if (memory->read_status)
        return fail(err, memory->read_status, "the store was told to fail");
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        const struct memory_row *row = find(memory, keys[i]);
        rows[i] = (struct bytes){0};
        if (row)
            rows[i] = arena_bytes(arena, row->row);
        else if (memory->make_row)
            rows[i] = memory->make_row(memory->make_row_context, keys[i], arena);
        bytes += rows[i].size;
    }
    if (memory->read_bytes_max && bytes > memory->read_bytes_max)
        return fail(err, STATUS_EXHAUSTED, "rows of %zu bytes", bytes);
    return STATUS_OK;
}

static enum status memory_open(const struct settings *settings, struct online_store **store,
                               struct error *err)
{
    (void)settings, (void)store;
    return fail(err, STATUS_FAILED, "not in memory");
}

static void memory_close(struct online_store *store)
{
    (void)store;
}

static enum status memory_write(struct online_store *store, const struct online_write *writes,
                                size_t count, const struct online_mark *marks, size_t mark_count,
                                enum row_outcome *outcomes, struct error *err)
{
    (void)store, (void)writes, (void)count, (void)marks, (void)mark_count, (void)outcomes;
    return fail(err, STATUS_FAILED, "not in memory");
}

static enum status memory_read_marks(struct online_store *store, const struct online_mark *marks,
                                     size_t count, int64_t *positions, struct error *err)
{
    (void)store, (void)marks, (void)count, (void)positions;
    return fail(err, STATUS_FAILED, "not in memory");
}

static enum status memory_owner(struct online_store *store, uint64_t *identity, struct error *err)
{
    (void)store, (void)identity;
    return fail(err, STATUS_FAILED, "not in memory");
}

static enum status memory_claim(struct online_store *store, uint64_t identity, bool take_over,
                                struct error *err)
{
    (void)store, (void)identity, (void)take_over;
    return fail(err, STATUS_FAILED, "not in memory");
}

static enum status memory_release(struct online_store *store, uint64_t identity, struct error *err)
{
    (void)store, (void)identity;
    return fail(err, STATUS_FAILED, "not in memory");
}

static enum status memory_put_catalog(struct online_store *store, const char *project,
                                      uint64_t identity, uint64_t version, struct bytes text,
                                      bool force, struct error *err)
{
    (void)store, (void)project, (void)identity, (void)version, (void)text, (void)force;
    return fail(err, STATUS_FAILED, "not in memory");
}

static enum status memory_get_catalog(struct online_store *store, const char *project,
                                      struct arena *arena, struct bytes *text, struct error *err)
{
    (void)store, (void)project, (void)arena, (void)text;
    return fail(err, STATUS_FAILED, "not in memory");
}

static enum status memory_remove(struct online_store *store, uint32_t project_id,
                                 const char *project, const struct online_rows *rows, size_t count,
                                 uint64_t *removed, struct error *err)
{
    (void)store, (void)project_id, (void)project, (void)rows, (void)count, (void)removed;
    return fail(err, STATUS_FAILED, "not in memory");
}

static enum status memory_inspect(struct online_store *store, struct online_info *info,
                                  struct error *err)
{
    (void)store, (void)info;
    return fail(err, STATUS_FAILED, "not in memory");
}

static enum status memory_ping(struct online_store *store, struct error *err)
{
    (void)store, (void)err;
    return STATUS_OK;
}

static const struct online_store_ops memory_ops = {
    .type = "memory",
    .open = memory_open,
    .close = memory_close,
    .read = memory_read,
    .write = memory_write,
    .read_marks = memory_read_marks,
    .owner = memory_owner,
    .claim = memory_claim,
    .release = memory_release,
    .put_catalog = memory_put_catalog,
    .get_catalog = memory_get_catalog,
    .remove = memory_remove,
    .inspect = memory_inspect,
    .ping = memory_ping,
};

void memory_online_store_init(struct memory_online_store *memory)
{
    *memory = (struct memory_online_store){.store = {&memory_ops}};
    arena_init(&memory->arena, 0);
}

void memory_online_store_release(struct memory_online_store *memory)
{
    arena_release(&memory->arena);
}

void memory_online_store_put(struct memory_online_store *memory, struct bytes key, struct bytes row)
{
    struct memory_row *held = find(memory, key);
    if (!held) {
        held = arena_zero(&memory->arena, sizeof *held);
        held->key = arena_bytes(&memory->arena, key);
        held->next = memory->rows;
        memory->rows = held;
    }
    held->row = arena_bytes(&memory->arena, row);
}
