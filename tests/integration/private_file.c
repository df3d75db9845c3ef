/* private_file.c - see private_file.h. */
#include "private_file.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

_Noreturn static void give_up(const char *what)
{
    fprintf(stderr, "private file: %s\n", what);
    abort();
}

void private_file_make(struct private_file *file)
{
    const char *folder = getenv("TMPDIR");
    snprintf(file->directory, sizeof file->directory, "%s/larder-sqlite-XXXXXX",
             folder && strlen(folder) < 32 ? folder : "/tmp");
    if (!mkdtemp(file->directory))
        give_up("it cannot be made");
    snprintf(file->path, sizeof file->path, "%s/history.db", file->directory);
}

void private_file_clear(const struct private_file *file)
{
    static const char *const ends[] = {"", "-wal", "-shm", "-journal"};
    char path[sizeof file->path + 16];
    for (size_t i = 0; i < COUNT_OF(ends); i++) {
        snprintf(path, sizeof path, "%s%s", file->path, ends[i]);
        unlink(path);
    }
}

void private_file_remove(const struct private_file *file)
{
    private_file_clear(file);
    if (rmdir(file->directory) != 0)
        give_up("it cannot be removed");
}

struct settings private_file_settings(const struct private_file *file)
{
    return (struct settings){
        .offline_store = {.type = "sqlite", .path = file->path, .timeout_ms = 5000},
        .registry_schema = "larder",
    };
}

struct offline_store *private_file_store(const struct private_file *file)
{
    struct settings settings = private_file_settings(file);
    struct offline_store *store;
    struct error err;
    if (offline_store_open(&settings, &store, &err))
        give_up(err.message);
    return store;
}

void private_file_run(const struct private_file *file, const char *sql)
{
    sqlite3 *connection = NULL;
    char *message = NULL;
    if (sqlite3_open(file->path, &connection) ||
        sqlite3_exec(connection, sql, NULL, NULL, &message))
        give_up(message ? message : "it cannot be opened");
    sqlite3_close(connection);
}

void private_file_try(const struct private_file *file, const char *sql)
{
    sqlite3 *connection = NULL;
    sqlite3_stmt *statement;
    if (sqlite3_open(file->path, &connection) ||
        sqlite3_exec(connection, "PRAGMA synchronous = OFF", NULL, NULL, NULL))
        give_up("it cannot be opened");
    while (*sql) {
        if (sqlite3_prepare_v2(connection, sql, -1, &statement, &sql))
            sql += strcspn(sql, "\n");
        sqlite3_step(statement);
        sqlite3_finalize(statement);
        sql += strspn(sql, "\n");
    }
    sqlite3_close(connection);
}
