/* sqlite_examine.c - what SQLite says of itself, and what this user may not do to its file. */
#include "store/offline/sqlite_store.h"

#include <errno.h>
#include <unistd.h>

/* "." for a file that is named alone. */
static const char *folder_of(const char *path, struct arena *arena)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return ".";
    return slash == path ? "/" : arena_text_of(arena, (struct bytes){path, (size_t)(slash - path)});
}

static enum status measure(struct sqlite_store *store, struct examination *examination,
                           struct error *err)
{
    static const char doing[] = "measuring the database";
    struct buffer sql;
    sqlite3_stmt *statement;
    bool row = false;
    buffer_init(&sql, 0);
    buffer_append_text(&sql, "SELECT page_count * page_size"
                             " FROM pragma_page_count, pragma_page_size");
    enum status status = sqlite_prepare_read(store, doing, &sql, &statement, err);
    if (!status)
        status = sqlite_step(statement, doing, &row, err);
    if (row)
        examination->used_bytes = (uint64_t)sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return status;
}

static void look_at_right(const char *path, const char *what, const struct sqlite_store *store,
                          struct arena *arena, struct examination *examination)
{
    if (access(path, W_OK) == 0)
        return;
    if (errno == ENOENT) {
        findings_add(&examination->findings, arena, FINDING_ERROR,
                     arena_printf(arena,
                                  "%s%s does not exist: make it, or correct offline_store.path",
                                  what, store->path));
        return;
    }
    findings_add(&examination->findings, arena, FINDING_ERROR,
                 arena_printf(arena,
                              "this user may not write to %s%s (%s), where the history and the "
                              "registry are: give it the right, or run as another user",
                              what, store->path, strerror(errno)));
}

enum status sqlite_examine(struct offline_store *base, struct arena *arena,
                           struct examination *examination, struct error *err)
{
    struct sqlite_store *store = sqlite_store_of(base);
    examination->version = arena_printf(arena, "SQLite %s", sqlite3_libversion());
    examination->folder = folder_of(store->path, arena);
    examination->is_new = store->is_missing;
    /* Whoever reads needs the folder, too: what readers and writers tell each other stands in a
     * file beside it. */
    look_at_right(examination->folder, "the folder of ", store, arena, examination);
    if (!store->is_missing)
        look_at_right(store->path, "", store, arena, examination);
    bool is_readable = !store->is_missing && examination->findings.count == 0;
    return is_readable ? measure(store, examination, err) : STATUS_OK;
}
