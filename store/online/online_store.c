/* online_store.c - see online_store.h: finds the backend and hands calls to it. */
#include "store/online/online_store.h"

#include "store/online/online_store_backend.h"

#include <assert.h>
#include <stdlib.h>

static const struct online_store_ops *const backends[] = {&redis_online_store, &lmdb_online_store};

enum status online_store_open(const struct settings *settings, struct online_store **store,
                              struct error *err)
{
    *store = NULL;
    const char *type = settings->online_store.type;
    for (size_t i = 0; i < COUNT_OF(backends); i++)
        if (type && strcmp(backends[i]->type, type) == 0)
            return backends[i]->open(settings, store, err);
    return fail(err, STATUS_INVALID,
                "online_store.type: \"%s\" is not known: it may be redis or lmdb",
                type ? type : "");
}

void online_store_close(struct online_store *store)
{
    if (store)
        store->ops->close(store);
}

enum status online_store_read(struct online_store *store, const struct bytes *keys, size_t count,
                              struct arena *arena, struct bytes *rows, struct error *err)
{
    return count == 0 ? STATUS_OK : store->ops->read(store, keys, count, arena, rows, err);
}

void online_store_let_go(struct online_store *store)
{
    store->ops->let_go(store);
}

enum status online_store_scan(struct online_store *store, const struct entity_key_ids *ids,
                              struct online_cursor *cursor, struct arena *arena,
                              struct bytes **keys, size_t *count, struct error *err)
{
    assert(!cursor->is_done);
    *keys = NULL;
    *count = 0;
    return store->ops->scan(store, ids, cursor, arena, keys, count, err);
}

bool online_key_is_of(struct bytes key, const struct entity_key_ids *ids)
{
    struct entity_key_ids own;
    return entity_key_parse(key, &own) && own.project_id == ids->project_id &&
           own.key_set_id == ids->key_set_id && own.view_id == ids->view_id &&
           own.generation == ids->generation;
}

void online_key_prefix(const struct entity_key_ids *ids, struct buffer *prefix)
{
    entity_key_begin(prefix, ids->project_id, ids->key_set_id, NULL, 0);
    prefix->size--; /* the brace behind the values */
}

enum status online_store_write(struct online_store *store, const struct online_write *writes,
                               size_t count, const struct online_mark *marks, size_t mark_count,
                               enum row_outcome *outcomes, struct error *err)
{
    for (size_t i = 0; i < count; i++)
        assert(writes[i].key.size > 0 && writes[i].key.size <= ENTITY_KEY_MAX &&
               writes[i].row.size >= ROW_HEADER_SIZE && writes[i].row.size <= ROW_SIZE_MAX);
    for (size_t i = 0; i < mark_count; i++)
        assert(marks[i].position >= 0);
    for (size_t i = 0; outcomes && i < count; i++)
        outcomes[i] = ROW_UNKNOWN;
    if (count == 0 && mark_count == 0)
        return STATUS_OK;
    return store->ops->write(store, writes, count, marks, mark_count, outcomes, err);
}

enum status online_store_read_marks(struct online_store *store, const struct online_mark *marks,
                                    size_t count, int64_t *positions, struct error *err)
{
    return count == 0 ? STATUS_OK : store->ops->read_marks(store, marks, count, positions, err);
}

enum status online_store_owner(struct online_store *store, uint64_t *identity, struct error *err)
{
    return store->ops->owner(store, identity, err);
}

enum status online_store_claim(struct online_store *store, uint64_t identity, bool take_over,
                               struct error *err)
{
    assert(identity != 0);
    return store->ops->claim(store, identity, take_over, err);
}

enum status online_store_release(struct online_store *store, uint64_t identity, struct error *err)
{
    return store->ops->release(store, identity, err);
}

enum status online_store_put_catalog(struct online_store *store, const char *project,
                                     uint64_t identity, uint64_t version, struct bytes text,
                                     bool force, struct error *err)
{
    return store->ops->put_catalog(store, project, identity, version, text, force, err);
}

enum status online_store_get_catalog(struct online_store *store, const char *project,
                                     struct arena *arena, struct bytes *text, struct error *err)
{
    return store->ops->get_catalog(store, project, arena, text, err);
}

enum status online_store_catalog_version(struct online_store *store, const char *project,
                                         uint64_t *identity, uint64_t *version, struct error *err)
{
    return store->ops->catalog_version(store, project, identity, version, err);
}

static int compare_rows(const void *a, const void *b)
{
    const struct online_rows *x = a, *y = b;
    if (x->view_id != y->view_id)
        return x->view_id < y->view_id ? -1 : 1;
    return (x->generation > y->generation) - (x->generation < y->generation);
}

static bool is_among(const struct online_rows *rows, size_t count, struct online_rows one)
{
    return bsearch(&one, rows, count, sizeof one, compare_rows) != NULL;
}

bool online_rows_include(const struct online_rows *rows, size_t count, uint32_t view_id,
                         uint32_t generation)
{
    return !rows || is_among(rows, count, (struct online_rows){view_id, 0}) ||
           is_among(rows, count, (struct online_rows){view_id, generation});
}

static struct online_rows *sort_rows(const struct online_rows *rows, size_t count)
{
    struct online_rows *sorted = malloc(count * sizeof *sorted);
    if (!sorted)
        out_of_memory();
    memcpy(sorted, rows, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, compare_rows);
    return sorted;
}

enum status online_store_remove(struct online_store *store, uint32_t project_id,
                                const char *project, const struct online_rows *rows, size_t count,
                                uint64_t *removed, struct error *err)
{
    *removed = 0;
    if (rows && count == 0)
        return STATUS_OK;
    struct online_rows *sorted = rows ? sort_rows(rows, count) : NULL;
    enum status status =
        store->ops->remove(store, project_id, project, sorted, count, removed, err);
    free(sorted);
    return status;
}

enum status online_store_inspect(struct online_store *store, struct online_info *info,
                                 struct error *err)
{
    *info = (struct online_info){0};
    return store->ops->inspect(store, info, err);
}

enum status online_store_examine(struct online_store *store, struct arena *arena,
                                 struct examination *examination, struct error *err)
{
    *examination = (struct examination){0};
    return store->ops->examine(store, arena, examination, err);
}

enum status online_store_ping(struct online_store *store, struct error *err)
{
    return store->ops->ping(store, err);
}
