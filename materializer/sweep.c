/* sweep.c - see sweep.h. */
#include "materializer/sweep.h"

/* Nobody asks for a view that is not defined. */
static bool is_unread(const struct removed_rows *rows)
{
    return rows->generation == 0 || rows->age_us >= SWEEP_AFTER_MS * INT64_C(1000);
}

/* Keeps those at the front that may go; how many. */
static size_t pick_unread(struct removed_rows *rows, size_t count)
{
    size_t picked = 0;
    for (size_t i = 0; i < count; i++)
        if (is_unread(&rows[i]))
            rows[picked++] = rows[i];
    return picked;
}

static enum status remove_rows(struct online_store *online, const struct catalog *catalog,
                               const struct removed_rows *rows, size_t count, struct arena *arena,
                               struct error *err)
{
    uint64_t removed;
    struct online_rows *wanted = arena_array(arena, count, sizeof *wanted);
    for (size_t i = 0; i < count; i++)
        wanted[i] = (struct online_rows){rows[i].view_id, rows[i].generation};
    return online_store_remove(online, catalog->project_id, catalog->definitions.project, wanted,
                               count, &removed, err);
}

/* Whether every server can find out which rows are read now: from the registry, or, where it is
 * away, from the online store. */
static enum status look_for_newest(struct registry *registry, struct online_store *online,
                                   const struct catalog *catalog, bool *is_there, struct error *err)
{
    const char *project = catalog->definitions.project;
    struct registry_version newest;
    uint64_t owner, identity, stored;
    *is_there = false;
    enum status status = online_store_owner(online, &owner, err);
    if (status || owner != catalog->identity)
        return status;
    status = registry_version(registry, project, &newest, err);
    if (!status)
        status = online_store_catalog_version(online, project, &identity, &stored, err);
    *is_there = !status && identity == catalog->identity && stored >= newest.number;
    return status;
}

enum status sweep(struct registry *registry, struct online_store *online,
                  const struct catalog *catalog, struct arena *arena, struct error *err)
{
    struct removed_rows *rows;
    size_t count;
    bool is_there;
    enum status status = registry_removed_rows(registry, catalog, arena, &rows, &count, err);
    if (status)
        return status;
    count = pick_unread(rows, count);
    if (count == 0)
        return STATUS_OK;
    status = look_for_newest(registry, online, catalog, &is_there, err);
    if (status || !is_there)
        return status;
    status = remove_rows(online, catalog, rows, count, arena, err);
    return status ? status : registry_forget_rows(registry, catalog, rows, count, err);
}
