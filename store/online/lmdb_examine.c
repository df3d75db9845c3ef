/* lmdb_examine.c - what the folder says, which is not made where it is not there yet. */
#include "store/online/lmdb_store.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_there(const char *path)
{
    struct stat facts;
    return stat(path, &facts) == 0 || errno != ENOENT;
}

/* Where it is to be made, "." for a name alone. */
static const char *parent_of(const char *path, struct arena *arena)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return ".";
    return slash == path ? "/" : arena_text_of(arena, (struct bytes){path, (size_t)(slash - path)});
}

/* Nothing was ever written; opening it would make it, or say why it cannot be made. */
static bool is_new(const struct lmdb_store *store, const char *parent, struct arena *arena)
{
    const char *path = store->folder.path;
    return is_there(parent) && !is_there(arena_printf(arena, "%s/data.mdb", path));
}

static void examine_new(const struct lmdb_store *store, const char *parent, struct arena *arena,
                        struct examination *examination)
{
    const char *folder = is_there(store->folder.path) ? store->folder.path : parent;
    examination->is_new = true;
    examination->folder = arena_text(arena, folder);
    if (access(folder, W_OK | X_OK) != 0)
        findings_add(&examination->findings, arena, FINDING_ERROR,
                     arena_printf(arena,
                                  "lmdb %s: this user may not write to %s: give it the right, or "
                                  "correct online_store.path",
                                  store->folder.path, folder));
}

enum status lmdb_examine(struct online_store *base, struct arena *arena,
                         struct examination *examination, struct error *err)
{
    struct lmdb_store *store = lmdb_store_of(base);
    const char *parent = parent_of(store->folder.path, arena);
    struct online_info info = {0};
    int major, minor, patch;
    mdb_version(&major, &minor, &patch);
    examination->version = arena_printf(arena, "lmdb %d.%d.%d", major, minor, patch);
    examination->limit_bytes = store->folder.max_size_bytes;
    if (is_new(store, parent, arena)) {
        examine_new(store, parent, arena, examination);
        return STATUS_OK;
    }
    enum status status = lmdb_inspect(base, &info, err);
    examination->folder = arena_text(arena, store->folder.path);
    examination->used_bytes = info.used_bytes;
    return status;
}
