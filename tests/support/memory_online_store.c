/* memory_online_store.c - see memory_online_store.h. */
#include "tests/support/memory_online_store.h"

#include "base/entity_key.h"
#include "base/timestamp.h"

#include <stdio.h>

static struct memory_online_store *of(struct online_store *store)
{
    return (struct memory_online_store *)store;
}

/* Rows */

static struct memory_row *find(struct memory_online_store *memory, struct bytes key)
{
    for (struct memory_row *row = memory->rows; row; row = row->next)
        if (bytes_equal(row->key, key))
            return row;
    return NULL;
}

static bool is_past(int64_t expires_at_us)
{
    return expires_at_us != 0 && expires_at_us <= timestamp_now();
}

static void keep(struct memory_online_store *memory, struct bytes key, struct bytes row,
                 int64_t expires_at_us)
{
    struct memory_row *held = find(memory, key);
    if (!held) {
        held = arena_zero(&memory->arena, sizeof *held);
        held->key = arena_bytes(&memory->arena, key);
        held->next = memory->rows;
        memory->rows = held;
    }
    held->row = arena_bytes(&memory->arena, row);
    held->expires_at_us = expires_at_us;
}

void memory_online_store_put(struct memory_online_store *memory, struct bytes key, struct bytes row)
{
    keep(memory, key, row, 0);
}

static enum status memory_read(struct online_store *store, const struct bytes *keys, size_t count,
                               struct arena *arena, struct bytes *rows, struct error *err)
{
    (void)arena;
    struct memory_online_store *memory = of(store);
    arena_reset(&memory->lent);
    memory->read_count++;
    memory->key_count += count;
    if (memory->read_status)
        return fail(err, memory->read_status, "the store was told to fail");
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        const struct memory_row *row = find(memory, keys[i]);
        rows[i] = (struct bytes){0};
        if (row && !is_past(row->expires_at_us))
            rows[i] = arena_bytes(&memory->lent, row->row);
        else if (memory->make_row)
            rows[i] = memory->make_row(memory->make_row_context, keys[i], &memory->lent);
        bytes += rows[i].size;
        if (bytes > memory->read_bytes_max)
            return fail(err, STATUS_EXHAUSTED, "rows of over %zu bytes", memory->read_bytes_max);
    }
    return STATUS_OK;
}

static void memory_let_go(struct online_store *store)
{
    arena_reset(&of(store)->lent);
}

/* All in one step. */
static enum status memory_scan(struct online_store *store, const struct entity_key_ids *ids,
                               struct online_cursor *cursor, struct arena *arena,
                               struct bytes **keys, size_t *count, struct error *err)
{
    (void)err;
    size_t capacity = 0;
    for (const struct memory_row *row = of(store)->rows; row; row = row->next) {
        if (!online_key_is_of(row->key, ids) || is_past(row->expires_at_us))
            continue;
        *keys = arena_grow(arena, *keys, *count, &capacity, *count + 1, sizeof **keys);
        (*keys)[(*count)++] = arena_bytes(arena, row->key);
    }
    cursor->is_done = true;
    return STATUS_OK;
}

static enum row_outcome write_row(struct memory_online_store *memory,
                                  const struct online_write *write)
{
    struct row_header header;
    const struct memory_row *held = find(memory, write->key);
    if (held && (is_past(held->expires_at_us) || !row_peek(held->row, &header)))
        held = NULL;
    struct bytes stored = held ? held->row : (struct bytes){0};
    struct row_resolution resolution = row_resolve(stored, write->row);
    bool comes_expired = is_past(write->expires_at_us);
    bool is_written = resolution.outcome == ROW_WRITTEN && (held || !comes_expired);
    if (!is_written && resolution.outcome != ROW_FLOOR_RAISED)
        return resolution.outcome;
    struct bytes row = resolution.keep_stored ? stored : write->row;
    row = arena_bytes(&memory->arena, row);
    row_set_floor((void *)(uintptr_t)row.data, resolution.floor);
    keep(memory, write->key, row,
         resolution.keep_stored || comes_expired ? held->expires_at_us : write->expires_at_us);
    return resolution.outcome;
}

/* Marks */

static struct memory_mark *find_mark(struct memory_online_store *memory,
                                     const struct online_mark *mark)
{
    struct memory_mark *each = memory->marks;
    for (; each; each = each->next)
        if (each->mark.project_id == mark->project_id && each->mark.view_id == mark->view_id &&
            each->mark.generation == mark->generation &&
            strcmp(each->mark.writer, mark->writer) == 0)
            break;
    return each;
}

static void write_mark(struct memory_online_store *memory, const struct online_mark *mark)
{
    struct memory_mark *held = find_mark(memory, mark);
    if (!held) {
        held = arena_zero(&memory->arena, sizeof *held);
        held->mark = *mark;
        held->mark.writer = arena_text(&memory->arena, mark->writer);
        held->next = memory->marks;
        memory->marks = held;
    }
    if (mark->position > held->mark.position)
        held->mark.position = mark->position;
}

static enum status memory_write(struct online_store *store, const struct online_write *writes,
                                size_t count, const struct online_mark *marks, size_t mark_count,
                                enum row_outcome *outcomes, struct error *err)
{
    (void)err;
    for (size_t i = 0; i < count; i++) {
        enum row_outcome outcome = write_row(of(store), &writes[i]);
        if (outcomes)
            outcomes[i] = outcome;
    }
    for (size_t i = 0; i < mark_count; i++)
        write_mark(of(store), &marks[i]);
    return STATUS_OK;
}

static enum status memory_read_marks(struct online_store *store, const struct online_mark *marks,
                                     size_t count, int64_t *positions, struct error *err)
{
    (void)err;
    for (size_t i = 0; i < count; i++) {
        const struct memory_mark *held = find_mark(of(store), &marks[i]);
        positions[i] = held ? held->mark.position : 0;
    }
    return STATUS_OK;
}

/* Ownership and definitions */

static enum status memory_owner(struct online_store *store, uint64_t *identity, struct error *err)
{
    (void)err;
    *identity = of(store)->owner;
    return STATUS_OK;
}

static enum status memory_claim(struct online_store *store, uint64_t identity, bool take_over,
                                struct error *err)
{
    uint64_t *owner = &of(store)->owner;
    if (*owner != 0 && *owner != identity && !take_over)
        return fail(err, STATUS_CONFLICT, "memory belongs to another registry: --take-over");
    *owner = identity;
    return STATUS_OK;
}

static enum status memory_release(struct online_store *store, uint64_t identity, struct error *err)
{
    (void)err;
    if (of(store)->owner == identity)
        of(store)->owner = 0;
    return STATUS_OK;
}

static struct memory_catalog **find_catalog(struct memory_online_store *memory, const char *project)
{
    struct memory_catalog **at = &memory->catalogs;
    while (*at && strcmp((*at)->project, project) != 0)
        at = &(*at)->next;
    return at;
}

static enum status memory_put_catalog(struct online_store *store, const char *project,
                                      uint64_t identity, uint64_t version, struct bytes text,
                                      bool force, struct error *err)
{
    struct memory_online_store *memory = of(store);
    struct memory_catalog **at = find_catalog(memory, project);
    if (*at && !force && (*at)->identity != identity)
        return fail(err, STATUS_CONFLICT, "memory holds another registry's: --take-over");
    if (*at && !force && version <= (*at)->version)
        return STATUS_OK;
    if (!*at)
        *at = arena_zero(&memory->arena, sizeof **at);
    (*at)->project = arena_text(&memory->arena, project);
    (*at)->identity = identity;
    (*at)->version = version;
    (*at)->text = arena_bytes(&memory->arena, text);
    return STATUS_OK;
}

static enum status memory_get_catalog(struct online_store *store, const char *project,
                                      struct arena *arena, struct bytes *text, struct error *err)
{
    (void)err;
    const struct memory_catalog *held = *find_catalog(of(store), project);
    *text = held ? arena_bytes(arena, held->text) : (struct bytes){0};
    return STATUS_OK;
}

static enum status memory_catalog_version(struct online_store *store, const char *project,
                                          uint64_t *identity, uint64_t *version, struct error *err)
{
    struct memory_online_store *memory = of(store);
    memory->catalog_count++;
    if (memory->catalog_status)
        return fail(err, memory->catalog_status, "memory has no catalogs just now");
    const struct memory_catalog *held = *find_catalog(memory, project);
    *identity = held ? held->identity : 0;
    *version = held ? held->version : 0;
    return STATUS_OK;
}

/* Removal */

static void remove_marks(struct memory_online_store *memory, uint32_t project_id,
                         const struct online_rows *rows, size_t count)
{
    for (struct memory_mark **at = &memory->marks; *at;) {
        const struct online_mark *mark = &(*at)->mark;
        if (mark->project_id == project_id &&
            online_rows_include(rows, count, mark->view_id, mark->generation))
            *at = (*at)->next;
        else
            at = &(*at)->next;
    }
}

static enum status memory_remove(struct online_store *store, uint32_t project_id,
                                 const char *project, const struct online_rows *rows, size_t count,
                                 uint64_t *removed, struct error *err)
{
    (void)err;
    struct memory_online_store *memory = of(store);
    remove_marks(memory, project_id, rows, count);
    for (struct memory_row **at = &memory->rows; *at;) {
        struct entity_key_ids ids;
        bool is_wanted = entity_key_parse((*at)->key, &ids) && ids.project_id == project_id &&
                         online_rows_include(rows, count, ids.view_id, ids.generation);
        *removed += is_wanted;
        if (is_wanted)
            *at = (*at)->next;
        else
            at = &(*at)->next;
    }
    struct memory_catalog **catalog = rows || !project ? NULL : find_catalog(memory, project);
    if (catalog && *catalog)
        *catalog = (*catalog)->next;
    return STATUS_OK;
}

/* Looking */

static enum status memory_inspect(struct online_store *store, struct online_info *info,
                                  struct error *err)
{
    (void)err;
    snprintf(info->version, sizeof info->version, "memory");
    info->used_bytes = sizeof(struct memory_online_store) + of(store)->arena.used_bytes;
    return STATUS_OK;
}

static enum status memory_examine(struct online_store *store, struct arena *arena,
                                  struct examination *examination, struct error *err)
{
    (void)arena, (void)err;
    examination->version = "memory";
    examination->used_bytes = sizeof(struct memory_online_store) + of(store)->arena.used_bytes;
    return STATUS_OK;
}

static enum status memory_ping(struct online_store *store, struct error *err)
{
    (void)store, (void)err;
    return STATUS_OK;
}

static enum status memory_open(const struct settings *settings, struct online_store **store,
                               struct error *err)
{
    (void)settings, (void)store;
    return fail(err, STATUS_FAILED, "memory is not opened by its settings");
}

static void memory_close(struct online_store *store)
{
    (void)store;
}

static const struct online_store_ops memory_ops = {
    .type = "memory",
    .open = memory_open,
    .close = memory_close,
    .read = memory_read,
    .let_go = memory_let_go,
    .scan = memory_scan,
    .write = memory_write,
    .read_marks = memory_read_marks,
    .owner = memory_owner,
    .claim = memory_claim,
    .release = memory_release,
    .put_catalog = memory_put_catalog,
    .get_catalog = memory_get_catalog,
    .catalog_version = memory_catalog_version,
    .remove = memory_remove,
    .inspect = memory_inspect,
    .examine = memory_examine,
    .ping = memory_ping,
};

void memory_online_store_init(struct memory_online_store *memory)
{
    *memory = (struct memory_online_store){.store = {&memory_ops},
                                           .read_bytes_max = ONLINE_READ_BYTES_MAX};
    arena_init(&memory->arena, 0);
    arena_init(&memory->lent, 0);
}

void memory_online_store_release(struct memory_online_store *memory)
{
    arena_release(&memory->lent);
    arena_release(&memory->arena);
}
