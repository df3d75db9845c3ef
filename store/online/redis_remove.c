/*
 * redis_remove.c - rows that are not served any more leave: see online_store.h.
 *
 * What a walk over the database's keys finds (redis_scan.c) is unlinked at once: Redis frees it in
 * the background.
 */
#include "store/online/redis_store.h"

#include "base/buffer.h"
#include "base/entity_key.h"

struct removal {
    struct redis_store *store;
    uint32_t project_id;
    const struct online_rows *rows; /* sorted; NULL: all of the project */
    size_t count;
    struct buffer pattern;
    char cursor[REDIS_CURSOR_SIZE];
    uint64_t removed;
};

static void make_pattern(struct buffer *pattern, uint32_t project_id)
{
    struct buffer prefix;
    buffer_init(&prefix, 0);
    buffer_init(pattern, 0);
    entity_key_project_prefix(&prefix, project_id);
    redis_pattern_append(pattern, buffer_bytes(&prefix), bytes_of_text(""));
    buffer_release(&prefix);
}

static bool is_wanted(const struct removal *removal, struct bytes key)
{
    struct entity_key_ids ids;
    return entity_key_parse(key, &ids) && ids.project_id == removal->project_id &&
           online_rows_include(removal->rows, removal->count, ids.view_id, ids.generation);
}

/* Keeps the wanted ones of the keys at the list's front; how many. */
static size_t pick_wanted(const struct removal *removal, struct redis_reply *keys)
{
    size_t wanted = 0;
    for (size_t i = 0; i < keys->count; i++)
        if (keys->elements[i].type == REPLY_TEXT && is_wanted(removal, keys->elements[i].text))
            keys->elements[wanted++] = keys->elements[i];
    return wanted;
}

static enum status unlink_keys(struct removal *removal, const struct redis_reply *keys,
                               size_t count, struct error *err)
{
    struct redis_connection *connection = removal->store->connection;
    struct redis_reply *reply;
    redis_connection_renew(connection);
    redis_command(connection, count + 1);
    redis_command_text(connection, "UNLINK");
    for (size_t i = 0; i < count; i++)
        redis_command_bytes(connection, keys->elements[i].text);
    enum status status =
        redis_receive_type(connection, REPLY_INTEGER, &removal->store->scratch, &reply, err);
    if (!status)
        removal->removed += (uint64_t)reply->integer;
    return status;
}

static enum status remove_rows(struct removal *removal, struct error *err)
{
    enum status status;
    do {
        struct redis_reply *keys = NULL;
        struct arena *scratch = &removal->store->scratch;
        arena_reset(scratch);
        status = redis_scan_step(removal->store, &removal->pattern, removal->cursor, scratch, &keys,
                                 err);
        size_t count = status ? 0 : pick_wanted(removal, keys);
        if (count > 0)
            status = unlink_keys(removal, keys, count, err);
    } while (!status && strcmp(removal->cursor, "0") != 0);
    return status;
}

static enum status remove_catalog(struct redis_store *store, const char *project, struct error *err)
{
    struct redis_reply *reply;
    arena_reset(&store->scratch);
    redis_connection_renew(store->connection);
    const char *key = arena_printf(&store->scratch, REDIS_CATALOG_PREFIX "%s", project);
    redis_command_of(store->connection, (const char *const[]){"UNLINK", key}, 2);
    return redis_receive_type(store->connection, REPLY_INTEGER, &store->scratch, &reply, err);
}

enum status redis_remove(struct online_store *base, uint32_t project_id, const char *project,
                         const struct online_rows *rows, size_t count, uint64_t *removed,
                         struct error *err)
{
    struct redis_store *store = redis_store_of(base);
    enum status status = redis_connection_begin(store->connection, err);
    if (status)
        return status;
    struct removal removal = {
        .store = store, .project_id = project_id, .rows = rows, .count = count, .cursor = "0"};
    make_pattern(&removal.pattern, project_id);
    status = redis_remove_marks(store, project_id, rows, count, err);
    if (!status)
        status = remove_rows(&removal, err);
    if (!status && !rows && project)
        status = remove_catalog(store, project, err);
    *removed = removal.removed;
    buffer_release(&removal.pattern);
    return status;
}
